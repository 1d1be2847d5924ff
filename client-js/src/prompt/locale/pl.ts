/** Polish: in the order of the English words. */

export default `
Dostępna jest nowa wersja
Odśwież w dogodnej chwili.
Odśwież teraz
Później
Więcej czasu
Po upływie czasu strona odświeży się sama.
Dostępna aktualizacja zabezpieczeń
Ta wersja ma znany problem z bezpieczeństwem.
Powód: {reason}
Oczekiwanie: „{holds}” (maks. {time}).
niezapisane dane
Odśwież mimo to
Chwileczkę…
Aktualizacja nie jest tu jeszcze dostępna. Spróbujemy ponownie.
Nie udało się odświeżyć strony
Możesz pracować dalej. Jeśli coś nie działa, otwórz kartę ponownie.
Zamknij
Po upływie czasu strona jeszcze poczeka: „{holds}” (maks. {time}).
Przywróciliśmy wcześniejszą wersję
trwająca czynność`;
