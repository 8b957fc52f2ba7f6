# Textes de la page. Ce que disent les modules reste dans leurs mots.

document-title = { $state } – { $title } – syncmgr
skip-to-content = Aller au contenu
footer = syncmgr garde synchronisé ce qui va ensemble.
settled-elsewhere = Ce que vous remplissiez a été réglé ailleurs entre-temps.
connection-lost = La connexion au gestionnaire est perdue. Nouvel essai en cours.
act-failed = Impossible :

nav-label = Écrans
nav-first = Vue d’ensemble
nav-inbox = À décider
nav-log = Journal
nav-timetable = Horaire
nav-handlers = Modules
nav-settings = Réglages
badge-label = { $count ->
    [one] une décision vous attend
   *[other] { $count } décisions vous attendent
}

just-now = à l’instant
minutes-ago = il y a { $count } min
hours-ago = il y a { $count } h
days-ago = il y a { $count } j
at-once = maintenant
in-minutes = dans { $count } min
in-hours = dans { $count } h
in-days = dans { $count } j
unknown-time = à un moment inconnu
under-a-second = moins d’une seconde
seconds = { $count } s
minutes = { $count } min
hours = { $count } h
days = { $count } j
minutes-seconds = { $large } min { $small } s
hours-minutes = { $large } h { $small } min
days-hours = { $large } j { $small } h
bytes = { $number } { $unit }o
never = jamais
date-form = %d/%m/%Y %H:%M
decimal-point = ,
said-and = { " et " }
day-mon = lun
day-tue = mar
day-wed = mer
day-thu = jeu
day-fri = ven
day-sat = sam
day-sun = dim
day-every = chaque jour

state-not-set-up = Non configuré
state-disabled = Désactivé
state-paused = En pause
state-disconnected = Injoignable
state-needs-you = Vous attend
state-conflicts = Conflits
state-failed = Échec
state-pending = Attend son tour
state-syncing = Synchronisation
state-stopping = Arrêt en cours
state-new = Jamais synchronisé
state-unfinished = Inachevé
state-late = En retard
state-fresh = Synchronisé

hero-fresh = Tout est synchronisé.
hero-fresh-ticked = Tout ce qui est coché est synchronisé.
hero-fresh-held = { $count ->
    [one] Tout est synchronisé, mais un élément est en pause ou désactivé.
   *[other] Tout est synchronisé, mais { $count } éléments sont en pause ou désactivés.
}
hero-all-held = Tout est en pause ou désactivé.
hero-busy = Tout était synchronisé ; une exécution est en cours.
hero-failed = { $count ->
    [one] { $names } n’est pas synchronisé.
   *[other] { $count } éléments ne sont pas synchronisés : { $names }.
}
hero-needs-you = { $count ->
    [one] { $names } attend votre réponse.
   *[other] { $count } éléments attendent votre réponse : { $names }.
}
hero-conflicts = { $count ->
    [one] { $names } a des conflits.
   *[other] { $count } éléments ont des conflits : { $names }.
}
hero-late = { $count ->
    [one] { $names } est en retard.
   *[other] { $count } éléments sont en retard : { $names }.
}
hero-disconnected = { $count ->
    [one] { $names } est injoignable.
   *[other] { $count } éléments sont injoignables : { $names }.
}
hero-unfinished = { $count ->
    [one] { $names } n’est pas achevé.
   *[other] { $count } éléments ne sont pas achevés : { $names }.
}
hero-new = { $count ->
    [one] { $names } n’a jamais été synchronisé.
   *[other] { $count } éléments n’ont jamais été synchronisés : { $names }.
}
hero-handlers = { $count ->
    [one] Le module { $names } ne fonctionne pas.
   *[other] { $count } modules ne fonctionnent pas : { $names }.
}
hero-question = Une question vous attend.
hero-empty = Rien n’est encore configuré.
hero-unasked = Un module n’a jamais été interrogé sur ses éléments.
hero-last-good = Dernière réussite :
hero-next = Prochaine

and-more = et { $count } de plus
needs-title = Vous attend ({ $count })
needs-more = { $count } de plus à décider
needs-conflicts = { $count ->
    [one] Un conflit à trancher
   *[other] { $count } conflits à trancher
}
need-login = Identification
need-guard = Question de sécurité
need-stale-lock = Ancien verrou
need-conflict = Conflit
need-invoke = Un programme demande
need-confirm = Une règle demande
need-prompt = Question
need-default = (sans réponse)
need-deadline = Décidé sans vous à { $at }.

rows-add = Ajouter une paire de dossiers
items-title = Éléments
filter-label = Choisir des éléments
filter-text = Rechercher
filter-state = État
filter-by-label = Étiquette
filter-handler = Module
filter-sort = Ordre
filter-any = Tous
filter-go = Afficher
sort-worst = Le pire d’abord
sort-name = Par nom
sort-handler = Par module
sort-oldest = Le plus ancien d’abord
rows-none = Rien ne correspond.
rows-all = Tout afficher
row-last-good = Dernière réussite
row-next = Prochaine
row-waits = attend : { $what }, depuis { $since }
progress-label = Progression de { $name }
pager-label = Pages
pager-back = Retour
pager-on = Suite
pager-range = { $from } à { $to } sur { $total }
strip-none = aucune exécution
strip-label = Les { $runs } dernières exécutions : { $good } réussies, { $failed } échouées

act-sync-all = Tout synchroniser
act-stop-all = Tout arrêter
act-choose = Choisir quoi synchroniser
choose-title = Choisir quoi synchroniser
choose-deadline = Sans réponse, rien ne démarre à { $at }.
choose-lasts = Ce que vous décochez reste hors de « Tout synchroniser » jusqu’à ce que vous le cochiez de nouveau, ici ou sur sa page.
choose-none = Il n’y a rien à choisir.
choose-begin = Synchroniser
choose-close = Fermer
choose-all = Tout de { $name }
choose-unknown = Tout de lui ; ses éléments ne sont pas encore connus
choose-rest = { $count ->
    [one] { $count } autre élément, s’il est coché
   *[other] { $count } autres éléments, ceux qui sont cochés
}
choose-never = jamais synchronisé
progress-title = Synchronisation
progress-overall = L’ensemble
progress-begins = Cela commence.
progress-items = Progression
progress-results = Résultats
progress-none = Rien ne travaille encore.
progress-close = Fermer
progress-keep = Garder ouvert
progress-window = Son module montre une fenêtre à lui : tant qu’elle est ouverte, on peut seulement arrêter.
act-run = Lancer
act-run-label = Lancer { $name }
act-stop = Arrêter
act-insist = Arrêter tout de suite
act-stop-label = Arrêter { $name }
act-skip = Passer
act-skip-label = Passer { $name }
act-details = Détails
act-details-label = Détails de { $name }
row-properties-label = Propriétés de { $name }
act-pause = Pause
act-pause-label = Mettre { $name } en pause
act-resume = Reprendre
act-resume-label = Reprendre { $name }
act-enable = Activer
act-enable-label = Activer { $name }
pause-hour = pendant une heure
pause-day = pendant un jour
pause-open = jusqu’à la reprise

beside-label = Maintenant et ensuite
now-title = Maintenant
now-none = Rien n’est en cours.
next-title = Ensuite
next-none = Rien ne démarre tout seul.
next-no-daemon = Aucun démon ne tourne : rien ne démarre tout seul.
next-all = Tout l’horaire
feed-title = Derniers événements
tail-none = Rien n’a été noté.
feed-none = Rien ne s’est encore passé.
feed-more = { $count ->
    [one] et un autre
   *[other] et { $count } autres
}
feed-all = Tout le journal

refused-title = Cela n’a pas été fait
refused-answered = Une réponse a déjà été donnée
refused-back = Revenir
refused-verbatim = Dans les mots du programme

enter-again = Réessayer
enter-password = Mot de passe
enter-do = Entrer

setup-pair-title = Synchroniser deux dossiers
setup-pair-text = Chaque côté reçoit ce qui est nouveau de l’autre. Ce qui est supprimé ou remplacé est gardé 30 jours.
setup-left = Un dossier
setup-right = L’autre dossier
setup-name = Un nom, si vous voulez
setup-add = Ajouter la paire
setup-handler-text = Il est enregistré, mais ses éléments sont encore inconnus.
setup-handler-ask = Lister ses éléments
setup-more-title = Autre chose
setup-more-text = Tout programme peut être un module : courrier, agendas, sauvegardes.
setup-more-link = Modules

needs-admin = Cette visite ne peut pas changer la configuration : entrez avec syncmgr center --scope admin.

outcome-open = En cours
outcome-nothing = Rien à faire
outcome-succeeded = Réussi
outcome-warnings = Avec avertissements
outcome-skipped = Passé
outcome-stopped = Arrêté
outcome-needs-you = Vous attend
outcome-failed = Échec
outcome-interrupted = Interrompu
item-status-pending = Pas commencé
item-status-updating = Au travail
item-status-paused = En pause
item-status-succeeded = Réussi
item-status-failed = Échec
item-status-skipped = Passé
item-status-stopped = Arrêté
item-status-disconnected = Injoignable
item-status-deleted = Disparu
item-status-held = Retenu
level-information = Information
level-warning = Avertissement
level-error = Erreur

log-name = Élément ou module
log-level = Au moins
log-warnings = Avertissements et erreurs
log-errors = Erreurs seulement
log-older = Plus anciens
link-open = Montrer de quoi il s’agit
link-dismiss = Laisser
run-number = Exécution { $count }
run-undo = Annuler l’exécution { $count }…
undo-changed = { $count ->
    [one] Elle a fait { $changes } dans un élément.
   *[other] Elle a fait { $changes } dans { $count } éléments ; tous sont remis en état.
}
undo-text = Ce qu’elle a supprimé ou remplacé revient, et ce qu’elle a créé disparaît, des deux côtés. Annuler est aussi une exécution : cela s’annule.
undo-yes = L’annuler
side-near = Ici (gauche)
side-far = Là-bas (droite)
side-both = Des deux côtés
changes = { $count ->
    [one] un changement
   *[other] { $count } changements
}
run-stderr = Ses dernières lignes
count-sent = { $count ->
    [one] { $count } envoyé
   *[other] { $count } envoyés
}
count-received = { $count ->
    [one] { $count } reçu
   *[other] { $count } reçus
}
count-deleted = { $count ->
    [one] { $count } supprimé
   *[other] { $count } supprimés
}
count-created = { $count ->
    [one] { $count } créé
   *[other] { $count } créés
}
count-changed = { $count ->
    [one] { $count } modifié
   *[other] { $count } modifiés
}
count-deleted-near = { $count ->
    [one] { $count } supprimé ici
   *[other] { $count } supprimés ici
}
count-deleted-far = { $count ->
    [one] { $count } supprimé de l’autre côté
   *[other] { $count } supprimés de l’autre côté
}
count-conflicts = { $count ->
    [one] un conflit
   *[other] { $count } conflits
}
count-failed = { $count ->
    [one] { $count } échoué
   *[other] { $count } échoués
}
count-bytes = { $size } transférés

item-log = Son journal
item-plan = Que ferait-il ?
properties-title = Propriétés
properties-saved = C’est enregistré.
properties-listed = C’est enregistré, et les éléments ont été relus.
properties-unchanged = Rien n’a changé.
properties-not-saved = Rien n’a été enregistré.
properties-none = Il n’y a rien à régler.
properties-window = Celles-ci ne se montrent que dans une fenêtre du module : syncmgr properties NOM --show l’ouvre.
properties-secret = laissez vide pour le garder
properties-lines = Un par ligne.
property-missing = Ceci ne peut rester vide.
property-no-number = Il faut un nombre.
property-not-whole = Il faut un nombre entier.
property-too-small = Au moins { $bound }.
property-too-large = Au plus { $bound }.
property-not-offered = Choisissez l’une de ces valeurs.
property-no-json = Ce n’est pas du JSON.
item-rate = { $size }/s
item-rest = encore { $rest } environ
item-tick = Cocher pour une synchronisation simple
item-untick = Exclure d’une synchronisation simple
item-disable = Désactiver
why-title = Pourquoi
why-conditions = Conditions
why-history = Ce qui l’a retenu auparavant
condition-met = Remplie
condition-unmet = Non remplie
condition-later = Vérifiée au démarrage
condition-unknown = Personne ne peut le dire
runs-title = Exécutions
trend-sentence = D’habitude { $usual }, la dernière { $now }.
trend-now = D’habitude { $usual }, maintenant { $now }.
trend-length = Durée
trend-bytes = Transféré
trend-changes = Changements
starts-title = Démarre tout seul
rule-when = si
rule-asks = demande d’abord
rule-nothing = ne concerne rien pour l’instant
rule-registered = Son module le demande.
rule-remove = Retirer
rule-change = Modifier
rule-change-label = Modifier la règle { $name }
rule-change-title = Modifier { $name }
rule-of-many = Cette règle concerne { $count } éléments : ce que vous changez vaut pour tous.
rule-leave = Laisser comme c’est
rule-added = { $name } a été ajoutée.
rule-changed = { $name } a été modifiée.
rule-removed = { $name } a été retirée.
rule-undone = Tout est comme avant.
rule-was = Elle disait :
rule-take-back = Annuler
rule-condition-other = Autres conditions
rule-no-clock = le démarre quand cela arrive.
rule-only-conditions = Elle ne démarre rien, et retient ce qui le démarre par ailleurs.
rule-beside = À peu près au même moment :
tick-network = un réseau est là
tick-unmetered = le réseau ne coûte rien
tick-mains = sur secteur
tick-vpn = le VPN est actif
rule-remove-label = Retirer la règle { $name }
rule-add-title = Ajouter un horaire
rule-schedule = Quand
rule-example = daily at 02:00
rule-try = Qu’est-ce que cela veut dire ?
rule-means = Cela veut dire
spoken-daily = chaque jour
spoken-weekdays = { $days }
spoken-range = de { $from } à { $to }
spoken-last-day = le dernier jour de chaque mois
spoken-month-days = le { $days } de chaque mois
spoken-at = { $days } à { $times }
spoken-hourly = { $days }, toutes les heures à :{ $minute }
spoken-minutes = { $days }, { $count ->
    [one] chaque minute
   *[other] toutes les { $count } minutes
}
spoken-interval = toutes les { $span }, à compter de la fin de la dernière exécution
weekday-mon = lundi
weekday-tue = mardi
weekday-wed = mercredi
weekday-thu = jeudi
weekday-fri = vendredi
weekday-sat = samedi
weekday-sun = dimanche
rule-condition = Seulement si
rule-save = Enregistrer
rule-new = Ajouter
rule-on = Ce qui le démarre
rule-items = Élément, module ou étiquette ; vide : tout ce qui est coché
rule-connect = Connexion à ouvrir d’abord
rule-ask = Me demander d’abord
plan-text = Rien n’a été modifié.
plan-nothing = Rien : les deux côtés sont identiques.
plan-first = Les { $shown } premiers sur { $total } :
plan-kinds = Combien de chaque sorte
plan-kind = Quoi
plan-side = Où
plan-count = Combien
plan-size = Taille
plan-nowhere = Reste tel quel
plan-add = créer
plan-update = remplacer
plan-delete = supprimer
plan-metadata = dates et droits
plan-conflict = conflit
plan-skip = laisser de côté

inbox-questions = Questions ({ $count })
inbox-none = Aucune question ouverte.
inbox-conflicts = Conflits ({ $count })
inbox-no-conflicts = Aucun conflit ouvert.
choice-left = Garder la gauche
choice-right = Garder la droite
choice-both = Garder les deux
choice-all = Tout garder
choice-this = Garder celle-ci
choice-deleted = Garder supprimé
decided-title = Décidé :
decided-open = En cours :
decided-undo = Annuler
decide-remaining = { $count ->
    [one] { $what } pour celui qui reste
   *[other] { $what } pour les { $count } qui restent
}
ruling-all = Tous ceux de cet élément :
ruling-newest = Garder la plus récente
ruling-matching = nommés comme
ruling-preview = Aperçu
ruling-decides = { $decides } sur { $of } décidés.
ruling-do = { $count ->
    [one] Décider celui-ci
   *[other] Décider ces { $count }
}
ruling-later = { $count } de plus restent pour une autre fois.
ruling-leave = Les laisser
stay-not-offered = { $count ->
    [one] Un conflit reste : ce choix n’est pas proposé.
   *[other] { $count } conflits restent : ce choix n’est pas proposé.
}
stay-equal-times = { $count ->
    [one] Un conflit reste : dates égales.
   *[other] { $count } conflits restent : dates égales.
}
stay-unknown-times = { $count ->
    [one] Un conflit reste : la date d’une version ou d’une suppression est inconnue.
   *[other] { $count } conflits restent : la date d’une version ou d’une suppression est inconnue.
}
conflict-skip = Passer
version-modified = modifiée
version-newest = la plus récente
version-deleted = Supprimé ici
conflict-compare = Comparer
compare-title = Comparer les versions
compare-contents = Ce qu’elles contiennent
compare-text = Texte, plus bas
compare-picture = Image de { $place }
compare-binary = Ni texte ni image : la comparaison est impossible ici.
compare-too-large = Trop volumineux pour être comparé.
compare-changed = modifié depuis que le conflit a été trouvé
compare-two = { $from } face à { $to }
compare-whole = Tout le contenu de { $place }
compare-lines = { $count ->
    [one] { $count } ligne
   *[other] { $count } lignes
}
compare-same = Les deux disent la même chose.
compare-empty = Il n’y a rien dedans.
compare-more = { $count ->
    [one] Une ligne de plus n’est pas montrée.
   *[other] { $count } lignes de plus ne sont pas montrées.
}
compare-removed = retirée :
compare-added = nouvelle :
compare-back = Retour à ce qui est à décider

timetable-past = Les dernières 24 heures
timetable-past-none = Rien n’a tourné.
timetable-ahead = Les prochaines 24 heures
timetable-cut = Il y en a d’autres après { $at }.

kind-built-in = Intégré
kind-command = Programme
kind-library = Bibliothèque
kind-class = Classe du système
handler-items = { $count ->
    [one] un élément
   *[other] { $count } éléments
}
handler-changed = Ce qui tourne n’est plus ce qui a été enregistré, depuis
handler-can = Ce qu’il sait faire
handler-refresh-label = Lister ses éléments : { $name }
handler-forget = Oublier
handler-forget-label = Oublier { $name }
handler-forget-text = Ses éléments et préférences partent avec lui ; ses données restent.
handler-forget-yes = L’oublier
register-title = Enregistrer un module
register-text = Il est démarré une fois et dit ce qu’il est ; s’il ne répond pas, rien n’est enregistré.
register-path = La bibliothèque, un chemin absolu
register-classes = Ses classes, une par ligne ; vide, toutes celles qu’elle nomme
register-class = La classe, comme { "{" }6295DF27-35EE-11D1-8707-00C04FD93327{ "}" }
register-done = { $name } a été démarré une fois, a répondu et est enregistré.
register-replaced = Il remplace un enregistrement précédent.
register-relative = désignait peut-être un chemin, et reste tel quel.
register-not-done = Rien n’a été enregistré.
register-no-consent = Dites d’abord que vous le connaissez.
handler-registered = Enregistré
handler-events = démarre sur
handler-last-problem = Dernier problème :
register-words = La commande, un mot par ligne
register-directory = Le répertoire où elle tourne
register-consent = Je connais ce programme : il tourne sous mon nom et peut ce que je peux.
register-do = Le démarrer une fois et l’enregistrer

settings-text = Ce qui démarre tout seul, et quand.
settings-tabs = Causes
tab-logon = Ouverture et fermeture de session
tab-idle = Inactivité
tab-scheduled = Horaire
tab-connection = Connexion
tab-other = Autres causes
tab-none = Rien ne démarre ainsi.

need-remember = Retenir ce qui est secret
need-answer = Répondre
field-yes = Oui
field-no = Non

more-lines = { $count ->
    [one] Une ligne de plus
   *[other] { $count } lignes de plus
}
place-left = Gauche
place-right = Droite
trend-steady = D’habitude { $usual }, la dernière aussi.
act-insist-label = Arrêter tout de suite : { $name }

# Les réglages des consignes sur la page d’un élément.
policy-time-limit = durée maximale
policy-no-progress = question après un silence de
policy-stuck-after = bloqué après
policy-keep-awake = tient la machine éveillée
policy-fresh-within = à jour pendant
policy-before = avant une exécution
policy-after = après une exécution
policy-failed = après un échec
policy-hook-limit = durée maximale d’une commande
policy-webhook = annoncé à
policy-ping = signale à
policy-lanes = seul avec
policy-parallel = sessions à la fois
policy-priority = priorité
policy-notices = avis sur le bureau
