//! The words of the command line, as product and documentation name them.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use syncmgr_control::method::Access;

use crate::departure::Departure;
use crate::export::ExportWords;
use crate::import::ImportWords;
use crate::pair::PairWords;
use crate::recipe::RecipeAction;
use crate::report_args::ReportWords;
use crate::wrap::WrapArgs;

/// Rows of a page unless told otherwise.
pub(crate) const DEFAULT_ROWS: u32 = 20;
/// Log entries unless told otherwise.
const DEFAULT_LOG_ROWS: u32 = 50;
/// Actions of a plan shown for each item unless told otherwise.
const DEFAULT_ACTIONS: u32 = 50;
/// Most rows of one answer.
const MAX_ROWS: i64 = syncmgr_control::request::MAX_PAGE as i64;

/// Keeps folders, and whatever else has a handler, in sync; and says whether they are, or why not.
#[derive(Debug, Parser)]
#[command(
    name = "syncmgr",
    version,
    after_help = "Examples:
  syncmgr sync ~/Documents /mnt/usb/Documents   two folders, now; remembered as a pair
  syncmgr plan                                  what sync would do
  syncmgr status                                is everything in sync?

Exit codes: 0 all good, 1 done with warnings, 2 something failed, 3 needs you, 4 could not start."
)]
pub(crate) struct CommandLine {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Global {
    /// Print one JSON object a line; the last one is the verdict.
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) json: bool,
    /// Print only what went wrong, and the verdict.
    #[arg(long, short, global = true, help_heading = "Output")]
    pub(crate) quiet: bool,
    /// When to use colours.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Output"
    )]
    pub(crate) color: ColorWhen,
    /// Do not redraw progress, also on a terminal.
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) no_progress: bool,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Synchronize now: everything checked, the named items, or two folders.
    ///
    /// A name is an item's, a handler's or a label's. A path contains a separator or begins with `.` or `~`; two paths
    /// are a pair, which is added on first use.
    ///
    /// Ctrl-C asks it to stop; a second one insists; a third one leaves it alone.
    #[command(after_help = "Examples:
  syncmgr sync                          everything checked
  syncmgr sync notes photos             these two
  syncmgr sync ~/notes /mnt/usb/notes   a pair of folders, added on first use
  syncmgr sync --ask                    lets you tick what is synchronized
  syncmgr sync --json notes | tail -1   the verdict for a program
  syncmgr sync --then poweroff          before you leave: everything, then the machine goes off")]
    Sync {
        /// Names, or two paths.
        #[arg(value_name = "NAME|PATH")]
        what: Vec<OsString>,
        /// Show the items first, on a terminal, to tick what is synchronized. Without names the ticks last, for every plain
        /// sync; `tick` takes that back.
        #[arg(long)]
        ask: bool,
        /// What becomes of the machine when it ended well; on a terminal Ctrl-C keeps it on for ten seconds.
        #[arg(long, value_name = "ACTION")]
        then: Option<Departure>,
        /// Do that also when not everything ended well; not when it was stopped.
        #[arg(long, requires = "then")]
        then_anyway: bool,
    },
    /// Say what `sync` would do; writes nothing.
    #[command(after_help = "Examples:
  syncmgr plan
  syncmgr plan notes --limit 500
  syncmgr plan ~/notes /mnt/usb/notes")]
    Plan {
        /// Names, or two paths.
        #[arg(value_name = "NAME|PATH")]
        what: Vec<OsString>,
        /// How many actions to show for each item.
        #[arg(long, short = 'n', default_value_t = DEFAULT_ACTIONS, value_parser = rows())]
        limit: u32,
    },
    /// Add an item: two folders, or something that another program synchronizes.
    ///
    /// KIND is `folder`, or a recipe: what these are, and whether their programs are installed, is shown by
    /// `syncmgr recipe list`, and what one takes by `syncmgr add KIND --help`. With `--found` everything is added that the
    /// recipe finds.
    #[command(
        subcommand_value_name = "KIND",
        subcommand_help_heading = "Kinds",
        disable_help_subcommand = true,
        after_help = "Examples:
  syncmgr add folder ~/notes /mnt/usb/notes --name notes
  syncmgr add rsync ~/Pictures/ nas:pictures/ --name pictures
  syncmgr add git ~/src --found        every repository below it
  syncmgr add rsync --help"
    )]
    Add {
        #[command(subcommand)]
        kind: AddKind,
    },
    /// Make an item of any command.
    ///
    /// It is then started, stopped, scheduled and remembered like every other item, and leaves no process behind. Exit
    /// code 0 is good, 75 is tried again, and others have failed; `--exit` says otherwise. Programs that a recipe knows
    /// are understood better. What it prints is kept, and shown by `syncmgr run`.
    #[command(after_help = "Examples:
  syncmgr wrap -- rsync -a ~/Pictures/ nas:pictures/
  syncmgr wrap --name dump --now -- ./dump.sh --all
  syncmgr wrap --exit 1=warning --time-limit 2h --nice 10 --ionice idle -- ./backup
  syncmgr wrap --progress 'file (\\d+) of (\\d+)' --expect 'all done' -- ./backup
  syncmgr wrap 'pg_dump shop | gzip > ~/shop.gz'    a line for the shell")]
    Wrap(Box<WrapArgs>),
    /// Look at the recipes for other people's programs, and make your own.
    #[command(
        subcommand_value_name = "ACTION",
        subcommand_help_heading = "Actions",
        disable_help_subcommand = true,
        after_help = "Examples:
  syncmgr recipe list
  syncmgr recipe show restic
  syncmgr recipe new photos --program backup-photos
  syncmgr recipe test photos"
    )]
    Recipe {
        #[command(subcommand)]
        action: RecipeAction,
    },
    /// Remove an item; its data and the kept versions stay where they are.
    #[command(after_help = "Examples:
  syncmgr remove notes")]
    Remove {
        /// The item.
        name: String,
    },
    /// The verdict: is everything in sync, and if not, why; the exit code says the same.
    #[command(after_help = "Examples:
  syncmgr status
  syncmgr status --quiet && echo all good")]
    Status {
        /// Nothing: it is always about everything.
        #[arg(value_name = "NAME", hide = true)]
        names: Vec<String>,
    },
    /// Look at everything on one screen that lives, and decide there.
    ///
    /// The footer shows the keys that do something here and now, and `?` all of them.
    #[command(after_help = "Examples:
  syncmgr top
  ssh -t nas syncmgr top     of another machine
  NO_COLOR=1 syncmgr top     without colours")]
    Top,
    /// List the items.
    #[command(after_help = "Examples:
  syncmgr list
  syncmgr list --json | jq -r .name")]
    List {
        /// Only these items, handlers or labels.
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// Hidden ones too.
        #[arg(long, short)]
        all: bool,
    },
    /// Show everything that is known about an item or a handler.
    #[command(after_help = "Examples:
  syncmgr show notes")]
    Show {
        /// The item or the handler.
        name: String,
    },
    /// Say why an item is as it is, and what would change that.
    #[command(after_help = "Examples:
  syncmgr why notes")]
    Why {
        /// The item.
        name: String,
    },
    /// List the runs, newest first.
    #[command(after_help = "Examples:
  syncmgr runs
  syncmgr runs notes --limit 5")]
    Runs {
        /// Only of this item or handler.
        name: Option<String>,
        /// How many.
        #[arg(long, short = 'n', default_value_t = DEFAULT_ROWS, value_parser = rows())]
        limit: u32,
        /// Only older than this run.
        #[arg(long, value_name = "RUN", value_parser = run_number)]
        before: Option<u64>,
    },
    /// Show a run with its items, its log and what its handler wrote.
    #[command(after_help = "Examples:
  syncmgr run 12")]
    Run {
        /// Its number, as `runs` shows it.
        #[arg(value_name = "RUN", value_parser = run_number)]
        id: u64,
    },
    /// Show the results log, newest first.
    #[command(after_help = "Examples:
  syncmgr log --errors
  syncmgr log notes --run 12")]
    Log {
        /// Only of this item or handler.
        name: Option<String>,
        /// Only of this run.
        #[arg(long, value_parser = run_number)]
        run: Option<u64>,
        /// Only warnings and errors.
        #[arg(long)]
        warnings: bool,
        /// Only errors.
        #[arg(long, conflicts_with = "warnings")]
        errors: bool,
        /// How many.
        #[arg(long, short = 'n', default_value_t = DEFAULT_LOG_ROWS, value_parser = rows())]
        limit: u32,
        /// Only older than this entry.
        #[arg(long, value_name = "ENTRY")]
        before: Option<u64>,
    },
    /// Bring back what a run deleted or overwrote.
    ///
    /// Both sides then look as they did before the run. Undoing is a run itself, and can be undone.
    #[command(after_help = "Examples:
  syncmgr runs notes
  syncmgr undo 12")]
    Undo {
        /// Its number, as `runs` shows it.
        #[arg(value_parser = run_number)]
        run: u64,
    },
    /// List the open questions.
    #[command(after_help = "Examples:
  syncmgr needs
  syncmgr answer 3 apply")]
    Needs,
    /// Answer an open question; without one, list them.
    #[command(after_help = "Examples:
  syncmgr answer 3 apply
  syncmgr answer 3               asks, on a terminal; secrets are not shown while they are typed
  syncmgr answer 4 login --field user=ada
  pass show mail | syncmgr answer 4 login --field user=ada --stdin
  syncmgr answer 5               a list of items: tick them, then begin
  syncmgr answer 5 start --items notes,photos")]
    Answer {
        /// Its number, as `needs` shows it.
        #[arg(value_name = "ID")]
        need: Option<u64>,
        /// One of its choices; asked for on a terminal when absent.
        choice: Option<String>,
        /// What goes into one of its fields, but never a secret: others can read the words of a command.
        #[arg(long = "field", value_name = "NAME=VALUE", value_parser = crate::form::value, requires = "need")]
        fields: Vec<(String, String)>,
        /// Of a question that is a list of items: start these, and nothing else.
        #[arg(long, value_name = "NAME", value_delimiter = ',', requires = "need", conflicts_with_all = ["fields", "stdin", "remember"])]
        items: Vec<String>,
        /// Read what is not given, such as secrets, from standard input, a line for each field in their order.
        #[arg(long, requires = "need")]
        stdin: bool,
        /// Remember its secrets in the keyring, so that the same is not asked again.
        #[arg(long, requires = "need")]
        remember: bool,
    },
    /// Forget the answers that were remembered for an item, or for a handler.
    #[command(after_help = "Examples:
  syncmgr forget inbox
  syncmgr forget mail")]
    Forget {
        /// An item or a handler.
        name: String,
    },
    /// List the open conflicts.
    #[command(after_help = "Examples:
  syncmgr conflicts
  syncmgr conflicts notes
  syncmgr conflicts 4f2a --diff")]
    Conflicts {
        /// Only of this item or handler; with --diff the id of a conflict, or a beginning of it.
        name: Option<String>,
        /// Show what the versions of one conflict contain, line by line where they are texts.
        #[arg(long, requires = "name", conflicts_with_all = ["limit", "offset"])]
        diff: bool,
        /// How many.
        #[arg(long, short = 'n', default_value_t = DEFAULT_ROWS, value_parser = rows())]
        limit: u32,
        /// How many to leave out.
        #[arg(long, default_value_t = 0)]
        offset: u32,
    },
    /// Resolve a conflict, or all of an item's; without one, list them.
    #[command(after_help = "Examples:
  syncmgr conflicts
  syncmgr resolve 4f2a left
  syncmgr resolve --all both notes
  syncmgr resolve --newest notes --preview
  syncmgr resolve --newest notes --match '*.txt'")]
    Resolve {
        /// Its id as `conflicts` shows it, or a beginning of it.
        #[arg(value_name = "ID")]
        id: Option<String>,
        /// One of its choices; asked for on a terminal when absent.
        #[arg(value_name = "CHOICE")]
        choice: Option<String>,
        /// Resolve all open conflicts with this choice; ID then is an item's name, or nothing for every item.
        #[arg(
            long,
            visible_alias = "prefer",
            group = "rule",
            value_name = "CHOICE",
            conflicts_with = "choice"
        )]
        all: Option<String>,
        /// Resolve all open conflicts with the version that was modified last; those without one stay open.
        #[arg(long, group = "rule", conflicts_with = "choice")]
        newest: bool,
        /// With --all or --newest: only what has a name like this, such as '*.txt'.
        #[arg(long = "match", value_name = "GLOB", requires = "rule")]
        matching: Option<String>,
        /// With --all or --newest: only say what would be resolved.
        #[arg(long, requires = "rule")]
        preview: bool,
    },
    /// List the handlers, and what runs for each.
    ///
    /// It also tells when what runs is no longer what was registered.
    #[command(after_help = "Examples:
  syncmgr handlers
  syncmgr handlers --json | jq -r .id")]
    Handlers,
    /// Ask handlers for their items again, without synchronizing anything.
    ///
    /// A `sync` of a handler does that too. Shown is what is new, was changed or is gone.
    #[command(after_help = "Examples:
  syncmgr refresh                 every handler that is turned on
  syncmgr refresh mail
  syncmgr refresh --json mail | jq -r 'select(.change == \"new\") | .name'")]
    Refresh {
        /// Handlers, by id or name; all when none is named.
        #[arg(value_name = "HANDLER")]
        handlers: Vec<String>,
    },
    /// Register a program, a library or a class as a handler.
    ///
    /// A program and its arguments stand after `--`; a class alone is one that the system knows. It is started once and
    /// must answer; one that does not is refused with what it said. Nothing is run that was not registered. What was
    /// registered is remembered, and `handlers` tells when it changed; registering it again accepts the change.
    ///
    /// A program speaks JSON lines on its standard input and output. A library exports `DllGetClassObject`; it runs in a
    /// process of its own.
    ///
    /// A handler does not run in this directory: relative paths among the arguments that lead to something here are
    /// stored as absolute ones, and it is told which.
    #[command(after_help = "Examples:
  syncmgr register -- python3 ./mail.py --quiet
  syncmgr register --id mail --name 'My mail' -- ./mail-handler
  syncmgr register ./libnotes.so --id notes
  syncmgr register ./libnotes.so --class {12345678-9ABC-DEF0-1234-56789ABCDEF0}
  syncmgr register {12345678-9ABC-DEF0-1234-56789ABCDEF0}    a class that Windows knows")]
    Register {
        /// A shared library, or a class.
        #[arg(value_name = "PATH|CLSID", required_unless_present = "command")]
        what: Option<OsString>,
        /// A program and its arguments.
        #[arg(last = true, value_name = "COMMAND", conflicts_with = "what")]
        command: Vec<OsString>,
        /// Which class of the library; all that it names when absent. May be given several times.
        #[arg(long, value_name = "CLSID", conflicts_with = "command")]
        class: Vec<String>,
        /// The handler's identity, such as `mail`; when absent taken from a program's file name, and of a library its class.
        #[arg(long)]
        id: Option<String>,
        /// What it is called until it says so itself.
        #[arg(long)]
        name: Option<String>,
        /// The automatic events that it wants.
        #[arg(long, value_delimiter = ',', value_name = "EVENT,…")]
        events: Option<Vec<EventWord>>,
        /// Do not start it now.
        #[arg(long)]
        unchecked: bool,
    },
    /// Forget a handler with its items.
    ///
    /// What runs of it goes on, and its data stays where it is.
    #[command(after_help = "Examples:
  syncmgr unregister mail
  syncmgr unregister {12345678-9ABC-DEF0-1234-56789ABCDEF0}")]
    Unregister {
        /// Its id or name, as `handlers` shows it.
        id: String,
    },
    /// Start a handler as a program would.
    ///
    /// What it ticks itself is synchronized. The handler receives the cookie byte for byte, and decides by it what to
    /// synchronize; the manager never reads it. With a manager that runs it does not wait for the end;
    /// without one it manages until the work is done.
    #[command(after_help = "Examples:
  syncmgr invoke mail
  syncmgr invoke mail --cookie 'folder=inbox'
  syncmgr invoke mail --ask               a question first: syncmgr needs
  syncmgr invoke --all                    a question for each handler")]
    Invoke {
        /// The handler.
        #[arg(required_unless_present = "all")]
        handler: Option<String>,
        /// Ask before anything starts.
        #[arg(long)]
        ask: bool,
        /// Ask for each handler what to start.
        #[arg(long, conflicts_with_all = ["handler", "cookie", "cookie_file"])]
        all: bool,
        /// Bytes for the handler, as text.
        #[arg(long, value_name = "TEXT", conflicts_with = "cookie_file")]
        cookie: Option<String>,
        /// Bytes for the handler, from a file.
        #[arg(long, value_name = "FILE")]
        cookie_file: Option<PathBuf>,
        /// Show the first window small.
        #[arg(long)]
        minimized: bool,
    },
    /// Check whether a handler keeps the contract, obligation by obligation.
    ///
    /// It is started some forty times in a scratch home: run, skipped, stopped, killed, asked what nobody knows. Its
    /// items are those that it lists there; `--define` has it make some first. What it does is judged by number; see
    /// docs/check.md.
    #[command(after_help = "Examples:
  syncmgr check -- python3 ./mail.py
  syncmgr check ./mail-handler --only H-34,H-38
  syncmgr check mail                       a registered handler, by its name in: syncmgr handlers
  syncmgr check ./libnotes.so --class {12345678-9ABC-DEF0-1234-56789ABCDEF0}
  syncmgr check --define '{\"left\": \"{scratch}/a\", \"right\": \"{scratch}/b\"}' -- syncmgr handler folder

Exit codes: 0 all passed, 1 with warnings, 2 something failed, 4 nothing could be checked.")]
    Check {
        /// A registered handler, a program, a shared library, or a class that the system knows.
        #[arg(value_name = "HANDLER|PATH|CLSID", required_unless_present = "command")]
        what: Option<OsString>,
        /// A program and its arguments.
        #[arg(last = true, value_name = "COMMAND", conflicts_with = "what")]
        command: Vec<OsString>,
        /// Which class of the library; needed when it names more than one.
        #[arg(long, value_name = "CLSID", conflicts_with = "command")]
        class: Option<String>,
        /// Only these obligations, from a plain run and the scenarios that are about them.
        #[arg(long, value_delimiter = ',', value_name = "NUMBER,…")]
        only: Vec<String>,
        /// Have it make an item first, with these arguments; `{scratch}` is the scratch directory.
        #[arg(long, value_name = "JSON")]
        define: Vec<String>,
        /// Keep the scratch directory.
        #[arg(long)]
        keep: bool,
        /// How long listing, preparing or synchronizing may take; 60s when absent.
        #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
        timeout: Option<String>,
    },
    /// Say what starts by itself, and when it may; or show it.
    ///
    /// WHEN is a schedule (`daily at 02:00`, `every 15m`, `Mon..Fri 18:30`, a cron or systemd expression), a moment (logon,
    /// logoff, lock, unlock, suspend, resume, network, disconnect), `idle 15m`, `wifi NAME`, `volume LABEL`, `change PATH`,
    /// `after NAME` or `after change of NAME`. Several are as good as one.
    ///
    /// A time that was missed is caught up once. Nothing starts by itself while no daemon runs.
    #[command(after_help = "Examples:
  syncmgr schedule                                     what starts by itself
  syncmgr schedule notes 'daily at 02:00' logon
  syncmgr schedule photos 'every 6h' --when unmetered --when mains
  syncmgr schedule all 'idle 15m every 1h' --rule idle
  syncmgr schedule all 'daily at 02:00' --jitter 30m   by 02:30, at the same time every day
  syncmgr schedule work 'Mon..Fri 18:30' --ask
  syncmgr schedule --next 24h                          what starts in the next 24 hours
  syncmgr schedule --explain '*-*-1 06:00 Europe/Berlin'
  syncmgr schedule --remove idle

  syncmgr schedule photos --when 'not hours mon-fri 09:00-17:00' --when 'free /mnt/photos 20GiB'

Conditions: network, unmetered, vpn, wifi NAME, reachable HOST:PORT, mains, battery PERCENT, idle SPAN,
  hours SPAN, not hours SPAN (such as `22:00-06:00` or `mon-fri 09:00-17:00`), mounted PATH, free PATH SIZE,
  load NUMBER (at most, over the last minute; `load 0.5/core` for each processor), not running NAME.")]
    Schedule {
        /// An item, a handler or a label; `all` is everything ticked.
        name: Option<String>,
        /// What starts it.
        #[arg(value_name = "WHEN")]
        on: Vec<String>,
        /// What must hold for it to start by itself; may be given several times.
        #[arg(long, value_name = "CONDITION", requires = "name")]
        when: Vec<String>,
        /// What the rule is called; one of that name is replaced. When absent a rule is added: called after NAME, with a
        /// number if there is one already.
        #[arg(long, value_name = "RULE", requires = "name")]
        rule: Option<String>,
        /// Ask before it starts; no answer within a minute means no.
        #[arg(long, requires = "name")]
        ask: bool,
        /// When a condition is lost in the middle of a run, stop it and catch up later; otherwise it finishes.
        #[arg(long, requires = "when")]
        stop_when_lost: bool,
        /// When the machine wakes from a sleep in the middle of a run, stop it; otherwise it goes on.
        #[arg(long, requires = "name")]
        stop_on_wake: bool,
        /// How old its last good run may become before it is late, such as `2d`; as the schedule promises when absent.
        #[arg(
            long,
            value_name = "DURATION",
            allow_hyphen_values = true,
            requires = "name"
        )]
        fresh_within: Option<String>,
        /// How old a missed time may be to be caught up; 7 days when absent, `0s` for never.
        #[arg(
            long,
            value_name = "DURATION",
            allow_hyphen_values = true,
            requires = "on"
        )]
        catch_up: Option<String>,
        /// Move scheduled starts later by a part of this, the same every day, such as `10m`; at most `24h`.
        #[arg(long, value_name = "DURATION", requires = "on")]
        jitter: Option<String>,
        /// When an item runs already: `ignore` leaves it out, `again` runs it once more afterwards; when absent, `again` only
        /// after changes and other items.
        #[arg(long, value_name = "WHAT", value_parser = ["ignore", "again"], requires = "on")]
        if_running: Option<String>,
        /// Open this connection of the configuration for scheduled starts, and close it after their last run.
        #[arg(long, value_name = "CONNECTION", requires = "on")]
        connect: Option<String>,
        /// When items start by themselves within this time, such as `24h`, and what would hold them back.
        #[arg(long, value_name = "DURATION", allow_hyphen_values = true, conflicts_with_all = ["on", "when", "rule", "ask", "fresh_within", "explain", "remove"])]
        next: Option<String>,
        /// Only say what a schedule means: its normalised form, and the next times.
        #[arg(long, value_name = "WHEN", conflicts_with = "name")]
        explain: Option<String>,
        /// Remove a rule.
        #[arg(long, value_name = "RULE", conflicts_with_all = ["name", "explain"])]
        remove: Option<String>,
    },
    /// Pause items, or everything.
    #[command(after_help = "Examples:
  syncmgr pause --for 1h30m
  syncmgr pause notes --for tomorrow
  syncmgr pause notes --for '3 days'
  syncmgr resume")]
    Pause {
        /// Items, handlers or labels; everything when none is named.
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// For how long: `30m`, `1h30m`, `3 days`, or `tomorrow`; until `resume` when absent.
        #[arg(long = "for", value_name = "DURATION", allow_hyphen_values = true)]
        duration: Option<String>,
    },
    /// Resume items, or everything.
    #[command(after_help = "Examples:
  syncmgr resume notes")]
    Resume {
        /// Items, handlers or labels; everything when none is named.
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// Turn items or handlers on.
    #[command(after_help = "Examples:
  syncmgr enable notes")]
    Enable {
        /// Items, handlers or labels.
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
    },
    /// Turn items or handlers off.
    #[command(after_help = "Examples:
  syncmgr disable notes")]
    Disable {
        /// Items, handlers or labels.
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
    },
    /// Tick items: they take part in a plain `sync`.
    #[command(after_help = "Examples:
  syncmgr tick photos
  syncmgr untick photos")]
    Tick {
        /// Items, handlers or labels.
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
    },
    /// Take the tick from items: they are synchronized by their name only.
    #[command(after_help = "Examples:
  syncmgr untick photos")]
    Untick {
        /// Items, handlers or labels.
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
    },
    /// Show or change the properties of an item or a handler.
    ///
    /// They are what its handler says of it, as data; a handler may have a window of its own for them besides.
    #[command(after_help = "Examples:
  syncmgr properties inbox
  syncmgr properties inbox --set keep_days=30
  syncmgr properties mail --show
  syncmgr properties inbox --json | head -1")]
    Properties {
        /// An item, or a handler.
        name: String,
        /// Change a value; may be given several times. A value that is JSON is taken as that, else as text.
        #[arg(long, value_name = "KEY=VALUE", value_parser = crate::sheet::value)]
        set: Vec<(String, serde_json::Value)>,
        /// Have the handler show its own window, and wait until it is closed.
        #[arg(long, conflicts_with = "set")]
        show: bool,
    },
    /// Follow the link of a log entry: its handler shows what it is about, or tries again.
    ///
    /// A handler is kept for its links only by a daemon, for a while (`keep_links`), and until its next run.
    #[command(after_help = "Examples:
  syncmgr log
  syncmgr open 41
  syncmgr open 41 --dismiss")]
    Open {
        /// The entry's number, as `log` shows it.
        #[arg(value_name = "ENTRY")]
        entry: u64,
        /// Do not follow it but give it up: the handler need not be kept for it.
        #[arg(long)]
        dismiss: bool,
    },
    /// Stop what runs; asking again insists.
    ///
    /// Of a named item the whole run is stopped. Where that works on other items too, `skip` leaves one of them out.
    #[command(after_help = "Examples:
  syncmgr stop
  syncmgr stop notes")]
    Stop {
        /// Items, handlers or labels; everything when none is named.
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// Ask a running item's handler to skip it.
    #[command(after_help = "Examples:
  syncmgr skip photos")]
    Skip {
        /// The item.
        name: String,
    },
    /// Tell how the work of another program stands, or run it and tell that.
    ///
    /// The item is started by its own program alone; it is shown, and may become late, as any other.
    #[command(after_help = "Examples:
  syncmgr report backup --create -- restic backup ~/Documents
  syncmgr report backup start --create --fresh-within 1d
  syncmgr report backup progress 3/10 --text photos
  syncmgr report backup done --sent 12
  syncmgr report backup failed 'no room' --soft

progress exits with 1 when a person wants it stopped.")]
    Report(ReportWords),
    /// Follow Syncthing or rclone and report what they do; nothing there is changed.
    ///
    /// The daemon does so by itself for each `[[bridge]]` of the configuration.
    #[command(after_help = "Examples:
  syncmgr bridge syncthing
  syncmgr bridge rclone-rc --address 127.0.0.1:5572")]
    Bridge {
        /// What is followed.
        kind: BridgeKind,
        /// Where it listens on this machine.
        #[arg(long, value_name = "HOST:PORT")]
        address: Option<String>,
        /// A file with its key: Syncthing's config.xml, or one that holds nothing else.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// What its item is called; for Syncthing what stands before the names of its folders.
        #[arg(long)]
        name: Option<String>,
    },
    /// Check the installation, the store and the sources.
    #[command(after_help = "Examples:
  syncmgr doctor")]
    Doctor,
    /// Open Sync Center, the page of the manager, in your browser.
    ///
    /// It prints an address that lets one browser in, within two minutes. The page is served on this machine alone, by the
    /// daemon; where none runs, by this command until Ctrl-C.
    #[command(after_help = "Examples:
  syncmgr center
  syncmgr center --scope read     who enters may only look
  syncmgr center --print          only the address
  syncmgr center --set-password ~/.config/syncmgr/password
  ssh -L 8384:127.0.0.1:8384 host   for a machine elsewhere: see docs/security.md")]
    Center {
        /// The most that who enters may do: `read` looks, `run` also starts, stops and answers, `admin` everything.
        #[arg(long, value_name = "SCOPE", default_value = "admin")]
        scope: ScopeWord,
        /// Do not start a browser.
        #[arg(long)]
        no_open: bool,
        /// Print the address and nothing else; start no browser.
        #[arg(long)]
        print: bool,
        /// Only write the hash of a password into this file, for `password_file` in `[center]`.
        #[arg(long, value_name = "FILE", conflicts_with_all = ["scope", "no_open", "print"])]
        set_password: Option<PathBuf>,
    },
    /// Show a mark in the notification area of the desktop: how everything is, and a short menu.
    ///
    /// It stays until it is taken away in its menu, also while no manager runs. A click opens Sync Center.
    #[command(after_help = "Examples:
  syncmgr tray &     let the desktop start it: see docs/service.md")]
    Tray,
    /// Run the manager in the foreground; commands then reach it through its socket.
    ///
    /// It prints one line when it serves, and ends on Ctrl-C. It starts what the rules say (`syncmgr schedule`), tries again
    /// what failed for a passing reason, and does what commands ask for.
    #[command(after_help = "Examples:
  syncmgr daemon")]
    Daemon,
    /// Have the system start the daemon by itself.
    ///
    /// It is a systemd user service, a launchd agent or a Windows logon task; see docs/service.md.
    #[command(
        subcommand_value_name = "ACTION",
        subcommand_help_heading = "Actions",
        disable_help_subcommand = true,
        after_help = "Examples:
  syncmgr service install
  syncmgr service install --print    what would be written, and where
  syncmgr service install --linger   also while nobody is logged on
  syncmgr service status
  syncmgr service uninstall"
    )]
    Service {
        #[command(subcommand)]
        action: ServiceWord,
    },
    /// Import crontab lines and timers: without numbers only show what they would become.
    ///
    /// An item is made of each command and a rule of its times. Only then the original is commented out, or its timer
    /// disabled, and only while a daemon runs; `--undo` brings it back as it was.
    #[command(after_help = "Examples:
  syncmgr import cron            your crontab, and what its lines would become
  syncmgr import cron 1 3
  syncmgr import systemd --all
  syncmgr import /etc/crontab    another crontab, a .timer, or a directory of units
  syncmgr import --undo")]
    Import(ImportWords),
    /// Write items as systemd timers, or as cron lines, that run the bare commands without syncmgr.
    ///
    /// What they cannot say, such as conditions, stands beside it as a comment.
    #[command(after_help = "Examples:
  syncmgr export                      units, printed
  syncmgr export photos --systemd ~/.config/systemd/user
  syncmgr export --cron | crontab -   only with an empty crontab: it replaces all of it")]
    Export(ExportWords),
    /// Remove everything that syncmgr keeps on this machine, after it brought imported originals back.
    ///
    /// The service and the daemon are ended; configuration, state and completions are removed. Folders that were
    /// synchronized and everything in them stay, and so does the program itself.
    #[command(after_help = "Examples:
  syncmgr uninstall               shows what would be removed, and asks
  syncmgr uninstall --keep-data   configuration and state stay
  syncmgr uninstall --yes")]
    Uninstall {
        /// Leave configuration, history and kept versions where they are.
        #[arg(long)]
        keep_data: bool,
        /// Do not ask; also remove versions that are kept for undo.
        #[arg(long, short)]
        yes: bool,
    },
    /// Print the completions for a shell.
    #[command(after_help = "Examples:
  syncmgr completions bash > ~/.local/share/bash-completion/completions/syncmgr")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write the pages of all commands into a directory.
    #[command(after_help = "Examples:
  syncmgr man | man -l -
  syncmgr man ./man1")]
    Man {
        /// Where to write the pages.
        #[arg(value_name = "DIR")]
        directory: Option<PathBuf>,
    },
    /// Serve a built-in handler on standard input and output.
    #[command(hide = true)]
    Handler {
        /// Which.
        kind: String,
    },
    /// Carry one request of a program, given as JSON on standard input, and answer it on standard output.
    #[command(hide = true)]
    Ask,
    /// Write completions and manual pages into a directory, for packages.
    #[command(hide = true)]
    Generate {
        /// Where.
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
}

/// An automatic event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EventWord {
    /// The network came up, or you logged on.
    Connect,
    /// The network is about to go, or you log off.
    PendingDisconnect,
    /// The machine is idle.
    Idle,
}

/// The most that who enters Sync Center may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScopeWord {
    /// Look.
    Read,
    /// Look, start, stop, and answer.
    Run,
    /// Everything.
    Admin,
}

impl ScopeWord {
    /// What it stands for.
    pub(crate) fn access(self) -> Access {
        match self {
            Self::Read => Access::Read,
            Self::Run => Access::Run,
            Self::Admin => Access::Admin,
        }
    }
}

/// What is to be done about the service.
#[derive(Debug, Subcommand)]
pub(crate) enum ServiceWord {
    /// Write its files, and have the system start it now and at every logon.
    ///
    /// It runs this very program file with this home (`SYNCMGR_HOME`). Doing it again changes nothing.
    #[command(after_help = "Examples:
  syncmgr service install
  syncmgr service install --print")]
    Install {
        /// Only show what would be written; write nothing.
        #[arg(long)]
        print: bool,
        /// Also replace a file that somebody else wrote or changed.
        #[arg(long)]
        force: bool,
        /// Keep it running while nobody is logged on (systemd: `loginctl enable-linger`).
        #[arg(long)]
        linger: bool,
    },
    /// Have the system no longer start it, end it, and remove what was written.
    #[command(after_help = "Examples:
  syncmgr service uninstall")]
    Uninstall {
        /// Also remove a file that somebody else wrote or changed.
        #[arg(long)]
        force: bool,
    },
    /// Say whether it is installed, is started by itself, and runs.
    #[command(after_help = "Examples:
  syncmgr service status --json | tail -1")]
    Status,
}

/// What a bridge follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BridgeKind {
    /// The folders of a Syncthing.
    Syncthing,
    /// The jobs of `rclone rcd`.
    RcloneRc,
}

/// A kind of item that can be added.
#[derive(Debug, Subcommand)]
pub(crate) enum AddKind {
    /// Two folders that are kept equal.
    #[command(after_help = "Examples:
  syncmgr add folder ~/notes /mnt/usb/notes
  syncmgr add folder ~/notes /mnt/usb/notes --name notes
  syncmgr add folder ~/Pictures /mnt/usb/Pictures --mode backup
  syncmgr add folder ~/src /mnt/usb/src --mode mirror --ignore '*.o' --ignore /target/")]
    Folder(Box<PairWords>),
    /// Something of a recipe: `syncmgr recipe list` shows them.
    #[command(external_subcommand)]
    Recipe(Vec<OsString>),
}

fn run_number(text: &str) -> Result<u64, &'static str> {
    text.parse()
        .map_err(|_| "a run's number is wanted, such as 12; `syncmgr runs` shows them")
}

fn rows() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=MAX_ROWS)
}
