/** Italian: in the order of the English words. */

export default `
Nuova versione disponibile
Aggiorna quando preferisci.
Aggiorna ora
Più tardi
Più tempo
La pagina si aggiornerà da sola allo scadere del tempo.
Aggiornamento di sicurezza disponibile
Questa versione ha un problema di sicurezza noto.
Motivo: {reason}
In attesa per «{holds}», al massimo {time}.
dati non salvati
Aggiorna comunque
Un momento…
L’aggiornamento non è ancora disponibile qui. Riproveremo.
Aggiornamento non riuscito
Puoi continuare a lavorare. Se qualcosa non va, riapri la scheda.
Chiudi
Allo scadere del tempo la pagina aspetterà per «{holds}», al massimo {time}.
Siamo tornati a una versione precedente
un’operazione in corso`;
