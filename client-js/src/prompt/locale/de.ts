/** German: in the order of the English words. */

export default `
Neue Version verfügbar
Aktualisieren Sie, wann es Ihnen passt.
Jetzt aktualisieren
Später
Mehr Zeit
Nach Ablauf der Zeit wird die Seite automatisch aktualisiert.
Sicherheitsupdate verfügbar
Diese Version hat eine bekannte Sicherheitslücke.
Grund: {reason}
Wartet wegen „{holds}“, höchstens {time}.
ungespeicherte Eingaben
Trotzdem aktualisieren
Einen Moment…
Das Update ist noch nicht verfügbar. Wir versuchen es weiter.
Aktualisierung fehlgeschlagen
Sie können weiterarbeiten. Falls etwas nicht stimmt, öffnen Sie den Tab neu.
Schließen
Nach Ablauf der Zeit wartet die Seite noch wegen „{holds}“, höchstens {time}.
Rückkehr zu einer früheren Version
etwas, das noch läuft`;
