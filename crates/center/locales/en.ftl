# Texts of the page. What handlers and the manager say of themselves is not translated.

document-title = { $state } – { $title } – syncmgr
skip-to-content = Skip to the content
footer = syncmgr keeps what belongs together in sync.
settled-elsewhere = What you were filling in was settled elsewhere meanwhile.
connection-lost = The connection to the manager is lost. It is tried again.
act-failed = It could not be done:

nav-label = Screens
nav-first = Overview
nav-inbox = Inbox
nav-log = Log
nav-timetable = Timetable
nav-handlers = Handlers
nav-settings = Settings
badge-label = { $count ->
    [one] one decision waits for you
   *[other] { $count } decisions wait for you
}

just-now = just now
minutes-ago = { $count } min ago
hours-ago = { $count } h ago
days-ago = { $count } d ago
at-once = now
in-minutes = in { $count } min
in-hours = in { $count } h
in-days = in { $count } d
unknown-time = at an unknown time
under-a-second = less than a second
seconds = { $count } s
minutes = { $count } min
hours = { $count } h
days = { $count } d
minutes-seconds = { $large } min { $small } s
hours-minutes = { $large } h { $small } min
days-hours = { $large } d { $small } h
bytes = { $number } { $unit }B
never = never
date-form = %Y-%m-%d %H:%M
decimal-point = .
said-and = { " and " }
day-mon = mon
day-tue = tue
day-wed = wed
day-thu = thu
day-fri = fri
day-sat = sat
day-sun = sun
day-every = daily

state-not-set-up = Not set up
state-disabled = Turned off
state-paused = Paused
state-disconnected = Cannot be reached
state-needs-you = Needs you
state-conflicts = Conflicts
state-failed = Failed
state-pending = Waits its turn
state-syncing = Synchronizing
state-stopping = Stopping
state-new = Never synchronized
state-unfinished = Not finished
state-late = Late
state-fresh = In sync

hero-fresh = Everything is in sync.
hero-fresh-ticked = Everything that is ticked is in sync.
hero-fresh-held = { $count ->
    [one] Everything is in sync, but one item is paused or turned off.
   *[other] Everything is in sync, but { $count } items are paused or turned off.
}
hero-all-held = Everything is paused or turned off.
hero-busy = Everything was in sync; a run is going on.
hero-failed = { $count ->
    [one] { $names } is not in sync.
   *[other] { $count } items are not in sync: { $names }.
}
hero-needs-you = { $count ->
    [one] { $names } waits for your answer.
   *[other] { $count } items wait for your answer: { $names }.
}
hero-conflicts = { $count ->
    [one] { $names } has conflicts.
   *[other] { $count } items have conflicts: { $names }.
}
hero-late = { $count ->
    [one] { $names } is late.
   *[other] { $count } items are late: { $names }.
}
hero-disconnected = { $count ->
    [one] { $names } cannot be reached.
   *[other] { $count } items cannot be reached: { $names }.
}
hero-unfinished = { $count ->
    [one] { $names } is not finished.
   *[other] { $count } items are not finished: { $names }.
}
hero-new = { $count ->
    [one] { $names } was never synchronized.
   *[other] { $count } items were never synchronized: { $names }.
}
hero-handlers = { $count ->
    [one] The handler { $names } does not work.
   *[other] { $count } handlers do not work: { $names }.
}
hero-question = A question waits for you.
hero-empty = Nothing is set up yet.
hero-unasked = A handler was never asked what it synchronizes.
hero-last-good = Last good:
hero-next = Next

and-more = and { $count } more
needs-title = Needs you ({ $count })
needs-more = { $count } more in the inbox
needs-conflicts = { $count ->
    [one] One conflict to decide
   *[other] { $count } conflicts to decide
}
need-login = Log-on
need-guard = Safety question
need-stale-lock = Old lock
need-conflict = Conflict
need-invoke = A program asks
need-confirm = A rule asks
need-prompt = Question
need-default = (if nobody answers)
need-deadline = Decided without you at { $at }.

rows-add = Add a pair of folders
items-title = Items
filter-label = Choose items
filter-text = Search
filter-state = State
filter-by-label = Label
filter-handler = Handler
filter-sort = Order
filter-any = All
filter-go = Show
sort-worst = Worst first
sort-name = By name
sort-handler = By handler
sort-oldest = Oldest first
rows-none = Nothing is like that.
rows-all = Show everything
row-last-good = Last good
row-next = Next
row-waits = waits: { $what }, since { $since }
progress-label = Progress of { $name }
pager-label = Pages
pager-back = Back
pager-on = Further
pager-range = { $from } to { $to } of { $total }
strip-none = no runs yet
strip-label = The last { $runs } runs: { $good } good, { $failed } failed

act-sync-all = Synchronize everything
act-stop-all = Stop everything
act-choose = Choose what to synchronize
choose-title = Choose what to synchronize
choose-deadline = Without an answer nothing starts at { $at }.
choose-lasts = What you untick stays out of “Synchronize everything” until you tick it again, here or on its page.
choose-none = There is nothing to choose from.
choose-begin = Synchronize
choose-close = Close
choose-all = All of { $name }
choose-unknown = Everything of it; its items are not known yet
choose-rest = { $count ->
    [one] { $count } more item, as it is ticked
   *[other] { $count } more items, as they are ticked
}
choose-never = never synchronized
progress-title = Synchronization
progress-overall = All of it
progress-begins = It begins.
progress-items = Progress
progress-results = Results
progress-none = Nothing works yet.
progress-close = Close
progress-keep = Keep open
progress-window = Its handler shows a window of its own: until it is closed, only stopping works.
act-run = Run
act-run-label = Run { $name }
act-stop = Stop
act-insist = Stop at once
act-stop-label = Stop { $name }
act-skip = Skip
act-skip-label = Skip { $name }
act-details = Details
act-details-label = Details of { $name }
row-properties-label = Properties of { $name }
act-pause = Pause
act-pause-label = Pause { $name }
act-resume = Go on
act-resume-label = Go on with { $name }
act-enable = Turn on
act-enable-label = Turn on { $name }
pause-hour = for an hour
pause-day = for a day
pause-open = until I go on

beside-label = Now and next
now-title = Now
now-none = Nothing runs.
next-title = Next
next-none = Nothing starts by itself.
next-no-daemon = No daemon runs, so nothing starts by itself.
next-all = The whole timetable
feed-title = Latest
tail-none = Nothing was noted.
feed-none = Nothing happened yet.
feed-more = and { $count } more
feed-all = The whole log

refused-title = That was not done
refused-answered = This was answered already
refused-back = Back to where you were
refused-verbatim = In the program’s own words

enter-again = Try again
enter-password = Password
enter-do = Enter

setup-pair-title = Keep two folders in sync
setup-pair-text = Both sides get what is new on the other. What is deleted or replaced is kept for 30 days.
setup-left = One folder
setup-right = The other folder
setup-name = A name, if you like
setup-add = Add the pair
setup-handler-text = It is registered, and nothing is known of its items yet.
setup-handler-ask = List its items
setup-more-title = Something else
setup-more-text = Any program can be a handler: mail, calendars, backups.
setup-more-link = Handlers

needs-admin = This visit may not change what is configured: enter with syncmgr center --scope admin.

outcome-open = Running
outcome-nothing = Nothing to do
outcome-succeeded = Good
outcome-warnings = With warnings
outcome-skipped = Skipped
outcome-stopped = Stopped
outcome-needs-you = Needs you
outcome-failed = Failed
outcome-interrupted = Interrupted
item-status-pending = Not begun
item-status-updating = At work
item-status-paused = Paused
item-status-succeeded = Good
item-status-failed = Failed
item-status-skipped = Skipped
item-status-stopped = Stopped
item-status-disconnected = Not reached
item-status-deleted = Gone
item-status-held = Held back
level-information = Information
level-warning = Warning
level-error = Error

log-name = Item or handler
log-level = At least
log-warnings = Warnings and errors
log-errors = Only errors
log-older = Older
link-open = Show what it is about
link-dismiss = Let it go
run-number = Run { $count }
run-undo = Undo run { $count }…
undo-changed = { $count ->
    [one] It made { $changes } in one item.
   *[other] It made { $changes } in { $count } items; all of them are taken back.
}
undo-text = What it deleted or replaced comes back, and what it created goes, on both sides. Undoing is a run as well: it can be undone.
undo-yes = Undo it
side-near = Here (left)
side-far = There (right)
side-both = On either side
changes = { $count ->
    [one] one change
   *[other] { $count } changes
}
run-stderr = What it wrote last
count-sent = { $count } sent
count-received = { $count } received
count-deleted = { $count } deleted
count-created = { $count } created
count-changed = { $count } changed
count-deleted-near = { $count } deleted here
count-deleted-far = { $count } deleted on the other side
count-conflicts = { $count ->
    [one] one conflict
   *[other] { $count } conflicts
}
count-failed = { $count } failed
count-bytes = { $size } moved

item-log = Its log
item-plan = What would it do?
properties-title = Properties
properties-saved = Saved.
properties-listed = Saved, and the items were listed again.
properties-unchanged = Nothing was changed.
properties-not-saved = Nothing was saved.
properties-none = There is nothing to set.
properties-window = These are shown only in a window of the handler’s own: syncmgr properties NAME --show opens it.
properties-secret = leave empty to keep it
properties-lines = One a line.
property-missing = This cannot be left empty.
property-no-number = This is a number.
property-not-whole = This is a whole number.
property-too-small = At least { $bound }.
property-too-large = At most { $bound }.
property-not-offered = Choose one of these.
property-no-json = This is not JSON.
item-rate = { $size }/s
item-rest = about { $rest } left
item-tick = Tick for a plain synchronization
item-untick = Leave out of a plain synchronization
item-disable = Turn off
why-title = Why
why-conditions = Conditions
why-history = What held it back before
condition-met = Holds
condition-unmet = Does not hold
condition-later = Looked at when it starts
condition-unknown = Nobody can tell
runs-title = Runs
trend-sentence = Usually { $usual }, the last one { $now }.
trend-now = Usually { $usual }, now { $now }.
trend-length = Duration
trend-bytes = Moved
trend-changes = Changes
starts-title = Starts by itself
rule-when = if
rule-asks = asks first
rule-nothing = about nothing now
rule-registered = Its handler asks for it.
rule-remove = Remove
rule-change = Change
rule-change-label = Change the rule { $name }
rule-change-title = Change { $name }
rule-of-many = This rule is about { $count } items: what you change holds for all of them.
rule-leave = Leave it as it is
rule-added = { $name } was added.
rule-changed = { $name } was changed.
rule-removed = { $name } was removed.
rule-undone = It is as it was before.
rule-was = It was:
rule-take-back = Undo
rule-condition-other = Other conditions
rule-no-clock = starts it when that happens.
rule-only-conditions = It starts nothing, and holds back whatever else starts it.
rule-beside = At about the same time:
tick-network = a network is there
tick-unmetered = the network costs nothing
tick-mains = on mains power
tick-vpn = the VPN is up
rule-remove-label = Remove the rule { $name }
rule-add-title = Add a schedule
rule-schedule = When
rule-example = daily at 02:00
rule-try = What does that mean?
rule-means = It means
spoken-daily = every day
spoken-weekdays = { $days }
spoken-range = { $from } to { $to }
spoken-last-day = on the last day of each month
spoken-month-days = on day { $days } of each month
spoken-at = { $days } at { $times }
spoken-hourly = { $days }, every hour at :{ $minute }
spoken-minutes = { $days }, { $count ->
    [one] every minute
   *[other] every { $count } minutes
}
spoken-interval = every { $span }, counted from the end of the last run
weekday-mon = Monday
weekday-tue = Tuesday
weekday-wed = Wednesday
weekday-thu = Thursday
weekday-fri = Friday
weekday-sat = Saturday
weekday-sun = Sunday
rule-condition = Only if
rule-save = Save
rule-new = Add
rule-on = What starts it
rule-items = Item, handler or label; empty is everything ticked
rule-connect = Connection that it opens first
rule-ask = Ask me first
plan-text = Nothing was changed.
plan-nothing = Nothing: both sides are the same.
plan-first = The first { $shown } of { $total }:
plan-kinds = How much of each kind
plan-kind = What
plan-side = Where
plan-count = How many
plan-size = Size
plan-nowhere = Stays as it is
plan-add = create
plan-update = replace
plan-delete = delete
plan-metadata = times and permissions
plan-conflict = conflict
plan-skip = leave out

inbox-questions = Questions ({ $count })
inbox-none = No question is open.
inbox-conflicts = Conflicts ({ $count })
inbox-no-conflicts = No conflict is open.
choice-left = Keep left
choice-right = Keep right
choice-both = Keep both
choice-all = Keep all
choice-this = Keep this
choice-deleted = Keep it deleted
decided-title = Decided:
decided-open = Being carried out:
decided-undo = Undo
decide-remaining = { $count ->
    [one] { $what } for the remaining one
   *[other] { $what } for the remaining { $count }
}
ruling-all = All of this item:
ruling-newest = Keep the newest
ruling-matching = named like
ruling-preview = Preview
ruling-decides = Decides { $decides } of { $of }.
ruling-do = { $count ->
    [one] Decide this one
   *[other] Decide these { $count }
}
ruling-later = { $count } more stay for another time.
ruling-leave = Leave them
stay-not-offered = { $count ->
    [one] One stays: this is not offered.
   *[other] { $count } stay: this is not offered.
}
stay-equal-times = { $count ->
    [one] One stays: equal times.
   *[other] { $count } stay: equal times.
}
stay-unknown-times = { $count ->
    [one] One stays: when a version was changed or deleted is not known.
   *[other] { $count } stay: when a version was changed or deleted is not known.
}
conflict-skip = Skip
version-modified = modified
version-newest = newest
version-deleted = Deleted here
conflict-compare = Compare
compare-title = Compare versions
compare-contents = What they contain
compare-text = Text, below
compare-picture = Picture of { $place }
compare-binary = Neither a text nor a picture: it cannot be compared here.
compare-too-large = Too large to compare.
compare-changed = changed since the conflict was found
compare-two = { $from } against { $to }
compare-whole = All of { $place }
compare-lines = { $count ->
    [one] one line
   *[other] { $count } lines
}
compare-same = Both say the same.
compare-empty = There is nothing in it.
compare-more = { $count ->
    [one] One more line is not shown.
   *[other] { $count } more lines are not shown.
}
compare-removed = missing:
compare-added = new:
compare-back = Back to the inbox

timetable-past = The last 24 hours
timetable-past-none = Nothing ran.
timetable-ahead = The next 24 hours
timetable-cut = There is more after { $at }.

kind-built-in = Built in
kind-command = Program
kind-library = Library
kind-class = Class of the system
handler-items = { $count ->
    [one] one item
   *[other] { $count } items
}
handler-changed = What runs is not what was registered, since
handler-can = What it can do
handler-refresh-label = List its items: { $name }
handler-forget = Forget
handler-forget-label = Forget { $name }
handler-forget-text = Its items and preferences go with it; its data stays.
handler-forget-yes = Forget it
register-title = Register a handler
register-text = It is started once and asked what it is; if it does not answer, nothing is registered.
register-path = The library, an absolute path
register-classes = Its classes, one a line; empty is all that it names
register-class = The class, such as { "{" }6295DF27-35EE-11D1-8707-00C04FD93327{ "}" }
register-done = { $name } was started once, answered, and is registered.
register-replaced = It replaced an earlier registration.
register-relative = may have been meant as a path, and stays as it was written.
register-not-done = Nothing was registered.
register-no-consent = Say first that you know it.
handler-registered = Registered
handler-events = starts on
handler-last-problem = Last problem:
register-words = The command, a word a line
register-directory = The directory in which it runs
register-consent = I know this program: it runs as me and may do what I may.
register-do = Start it once and register it

settings-text = What starts by itself, and when.
settings-tabs = Causes
tab-logon = Logon and logoff
tab-idle = On idle
tab-scheduled = Scheduled
tab-connection = Connection
tab-other = Other causes
tab-none = Nothing starts this way.

need-remember = Remember what is secret
need-answer = Answer
field-yes = Yes
field-no = No

more-lines = { $count ->
    [one] One line more
   *[other] { $count } lines more
}
place-left = Left
place-right = Right
trend-steady = Usually { $usual }, and so the last one.
act-insist-label = Stop at once: { $name }

# Settings of policies on the page of an item.
policy-time-limit = longest run
policy-no-progress = asked about after silence
policy-stuck-after = stuck after
policy-keep-awake = keeps the machine awake
policy-fresh-within = fresh for
policy-before = before a run
policy-after = after a run
policy-failed = after a failed run
policy-hook-limit = longest command
policy-webhook = told to
policy-ping = pings
policy-lanes = alone with
policy-parallel = sessions at once
policy-priority = priority
policy-notices = notices at the desktop
