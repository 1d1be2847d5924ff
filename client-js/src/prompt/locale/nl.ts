/** Dutch: in the order of the English words. */

export default `
Nieuwe versie beschikbaar
Vernieuw wanneer het u uitkomt.
Nu vernieuwen
Later
Meer tijd
De pagina wordt vanzelf vernieuwd als de tijd om is.
Beveiligingsupdate beschikbaar
Deze versie heeft een bekend beveiligingsprobleem.
Reden: {reason}
Wacht vanwege ‘{holds}’, maximaal {time}.
niet-opgeslagen invoer
Toch vernieuwen
Een ogenblik…
De update is hier nog niet beschikbaar. We blijven het proberen.
Vernieuwen is niet gelukt
U kunt verder werken. Klopt er iets niet? Open het tabblad dan opnieuw.
Sluiten
Als de tijd om is, wacht de pagina nog vanwege ‘{holds}’, maximaal {time}.
We zijn terug naar een eerdere versie
iets dat nog bezig is`;
