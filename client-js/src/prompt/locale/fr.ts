/** French: in the order of the English words. */

export default `
Nouvelle version disponible
Actualisez quand vous le souhaitez.
Actualiser
Plus tard
Plus de temps
La page s’actualisera seule à la fin du décompte.
Mise à jour de sécurité disponible
Cette version a une faille de sécurité connue.
Motif : {reason}
En attente : « {holds} », {time} maximum.
saisie non enregistrée
Actualiser quand même
Un instant…
La mise à jour n’est pas encore disponible ici. Nous réessaierons.
Échec de la mise à jour
Vous pouvez continuer. En cas de problème, rouvrez cet onglet.
Fermer
À la fin du décompte, la page attendra : « {holds} », {time} maximum.
Retour à une version précédente
une opération en cours`;
