//! One command from its words to its exit code.

use std::ffi::{OsStr, OsString};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::LazyLock;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::json;
use syncmgr_control::decide::NEWEST;
use syncmgr_control::registration::NewHandler;
use syncmgr_control::rule::RuleText;
use syncmgr_control::view::Level;
use syncmgr_control::{Caller, ExitCode, Refusal, Request};

use crate::args::{AddKind, BridgeKind, Command, CommandLine, DEFAULT_ROWS, Global, ServiceWord};
use crate::center::Way;
use crate::check::CheckWish;
use crate::departure::{Then, depart};
use crate::question::word;
use crate::recipe::{AddWords, Addition, RecipeAction};
use crate::screen::Screen;
use crate::service::{ServiceAction, ServiceWish};
use crate::sync::verdict_line;
use crate::talk::{Talk, Verdict};
use crate::target::{Origin, Target, absolute, folder_arguments, target};
use crate::text::harmless;
use crate::words::{guess, looks, not_understood, parse, plain};
use crate::world::{BridgeWish, Need, Program, World};
use crate::wrap::{Wrapped, Wrapping};
use crate::{
    answer, center, check, compare, decide, duration, export, generate, history, import, inbox,
    items, password, preview, recipe, refresh, register, report, reporting, schedule, service,
    sheet, steer, sync, top, uninstall, wrap,
};

/// How long threads may take to end when a command is done; only one that waits for a line takes as long.
const LEAVE: Duration = Duration::from_millis(200);

/// Threads that the manager inside this process may use besides those for files.
const WORKERS: usize = 2;
/// What stands for everything ticked where a name is wanted.
const ALL: &str = "all";
/// Widest help text.
const MAX_HELP_COLUMNS: usize = 110;

/// Runs the command that these words name, the program's own name first, and returns what to exit with: an [`ExitCode`], or
/// that of the command that `report NAME -- COMMAND` ran.
pub fn run(words: impl IntoIterator<Item = OsString>, world: World, program: &dyn Program) -> u8 {
    let words: Vec<OsString> = words.into_iter().collect();
    let guessed = guess(&words);
    let (look, aside) = looks(&guessed, &world);
    let columns = look
        .columns
        .unwrap_or(MAX_HELP_COLUMNS)
        .min(MAX_HELP_COLUMNS);
    let parsed = plain(&words).map_or_else(|| parse(&words, columns), Ok);
    let CommandLine {
        mut global,
        mut command,
    } = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            return not_understood(&error, &guessed, (look, aside), world, words.len() < 2) as u8;
        }
    };
    if let Command::Add {
        kind: AddKind::Recipe(words),
    } = &mut command
    {
        recipe::take_global(words, &mut global);
    }
    let (look, aside) = looks(&global, &world);
    let World {
        directory,
        home,
        user,
        zone,
        clock,
        terminal,
        output,
        errors,
        keyboard,
        browse,
    } = world;
    let mut screen = Screen::new(look, aside, output, errors, global.json, global.quiet);
    let origin = Origin {
        directory: &directory,
        home: home.as_deref(),
    };
    let decided = decide(command, origin, &zone, clock())
        .and_then(|work| looked_up(work, program, origin, &mut screen));
    let work = match decided {
        Ok(work) => work,
        Err(refusal) => return refused(&refusal, &mut screen) as u8,
    };
    let (work, then) = match work {
        Work::Leave(ask, then) => (Work::Ask(Need::Work, ask), Some(then)),
        work => (work, None),
    };
    if let Work::Ask(_, Ask::Top) = work
        && let Some(refusal) = top::refusal(&terminal, global.json)
    {
        return refused(&refusal, &mut screen) as u8;
    }
    let number = |exit: ExitCode| exit as u8;
    let ended = match work {
        // Taken apart above.
        Work::Leave(..) => Ok(number(ExitCode::Good)),
        // Looked up above.
        Work::Add(_) | Work::Wrap(_) => Ok(number(ExitCode::Good)),
        Work::Recipe(action) => program
            .recipes()
            .and_then(|recipes| recipe::recipe(action, &*recipes, origin, &mut screen))
            .map(|verdict| told(&verdict, &mut screen)),
        Work::Daemon => program
            .daemon(&mut |sentence| screen.remark(&harmless(sentence)))
            .map(number),
        Work::Bridge(wish) => program
            .bridge(wish, &mut |sentence| screen.remark(&harmless(sentence)))
            .map(number),
        Work::Tray => program.tray().map(number),
        Work::Handler(kind) => program.handler(&kind).map(number),
        Work::Check(wish) => {
            let redraw = terminal.redraw && !global.no_progress;
            check::check(program, *wish, &mut screen, redraw)
                .map(|verdict| told(&verdict, &mut screen))
        }
        Work::Service(wish) => {
            service::service(program, wish, &mut screen).map(|verdict| told(&verdict, &mut screen))
        }
        Work::Password(file) => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => return refused(&no_runtime().because(&error), &mut screen) as u8,
            };
            let setting = password::set(program, &file, keyboard, terminal.input, &mut screen);
            let set = runtime.block_on(setting);
            // A line that nobody will type any more must not be waited for.
            runtime.shutdown_background();
            set.map(|verdict| told(&verdict, &mut screen))
        }
        Work::Uninstall { keep_data, yes } => {
            let asks = terminal.input.then_some(keyboard);
            uninstall::uninstall(program, keep_data, yes, asks, &mut screen)
                .map(|verdict| told(&verdict, &mut screen))
        }
        Work::Print(print) => print().map(|bytes| {
            screen.raw(&bytes);
            number(ExitCode::Good)
        }),
        Work::Ask(need, ask) => {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(WORKERS)
                .enable_all()
                .build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => return refused(&no_runtime().because(&error), &mut screen) as u8,
            };
            let work = async move {
                if let Some(then) = then
                    && let Err(refusal) = program.may_leave(then.departure).await
                {
                    return (screen, Err(refusal));
                }
                let service = match program.open(need).await {
                    Ok(service) => service,
                    // A backup is not left out because nobody hears of it.
                    Err(refusal) if matches!(ask, Ask::Accompany(_)) => reporting::nobody(refusal),
                    Err(refusal) => {
                        program.close().await;
                        return (screen, Err(refusal));
                    }
                };
                let mut talk = Talk {
                    service,
                    caller: Caller {
                        name: caller(user.as_deref()),
                    },
                    screen,
                    keyboard: Some(keyboard),
                    clock,
                    zone,
                    interactive: terminal.input && terminal.redraw,
                    manages: program.manages(),
                    redraw: terminal.redraw && !global.no_progress,
                    browse,
                    rows: terminal.rows,
                };
                let ended = ask.run(&mut talk, program).await;
                let Talk {
                    service,
                    mut screen,
                    keyboard,
                    interactive,
                    ..
                } = talk;
                let Some(then) = then else {
                    let ended = ended.map(|verdict| told(&verdict, &mut screen));
                    drop(service);
                    program.close().await;
                    return (screen, ended);
                };
                // Nothing of it may be at work any more when the machine leaves.
                drop(service);
                program.close().await;
                let ended = match ended {
                    Ok(verdict) => {
                        // The keyboard is gone where a question was just being answered.
                        let presses = interactive.then(|| match &keyboard {
                            Some(keyboard) => keyboard.interrupts(),
                            None => crate::sys::interrupts(),
                        });
                        let verdict = depart(then, verdict, presses, program, &mut screen).await;
                        Ok(told(&verdict, &mut screen))
                    }
                    Err(refusal) => Err(refusal),
                };
                (screen, ended)
            };
            let worked = catch_unwind(AssertUnwindSafe(|| runtime.block_on(work)));
            // Threads that end by themselves are waited for, so that none is cut off in the middle of something. A line or a key
            // that nobody will type any more is not, also when the command broke.
            runtime.shutdown_timeout(LEAVE);
            let (back, ended) = worked.unwrap_or_else(|broken| resume_unwind(broken));
            screen = back;
            ended
        }
    };
    match ended {
        Ok(exit) => match screen.trouble() {
            None => exit,
            Some(kind) => {
                screen.remark(&format!("the output cannot be written: {kind}"));
                exit.max(number(ExitCode::Failed))
            }
        },
        Err(refusal) => number(refused(&refusal, &mut screen)),
    }
}

/// Reports why the program cannot even run a command, and returns what to exit with.
pub fn refuse(refusal: &Refusal, world: World) -> ExitCode {
    let (look, aside) = looks(&Global::default(), &world);
    let mut screen = Screen::new(look, aside, world.output, world.errors, false, false);
    refused(refusal, &mut screen)
}

/// What a command comes to.
enum Work {
    Daemon,
    Bridge(BridgeWish),
    Tray,
    Handler(String),
    Add(AddWords),
    Wrap(Box<Wrapping>),
    Recipe(RecipeAction),
    Check(Box<CheckWish>),
    Service(ServiceWish),
    Password(std::path::PathBuf),
    Uninstall { keep_data: bool, yes: bool },
    Print(Box<dyn FnOnce() -> Result<Vec<u8>, Refusal>>),
    Ask(Need, Ask),
    Leave(Ask, Then),
}

/// What is asked of the manager.
enum Ask {
    Sync(Target, bool),
    Plan(Target, u32),
    Add(Option<String>, serde_json::Map<String, serde_json::Value>),
    AddOf(Addition),
    Wrap(Box<Wrapped>),
    Import(import::ImportWish),
    Export(export::ExportWish),
    Status,
    Top,
    List(Vec<String>, bool),
    Show(String),
    Why(String),
    Runs(Option<String>, Option<u64>, u32),
    Run(u64),
    Log(Request),
    Undo(u64),
    Needs,
    Answer(answer::Given),
    Forget(String),
    Conflicts(Option<String>, u32, u32),
    Compare(String),
    Resolve(String, Option<String>),
    Decide(decide::Rule),
    Handlers,
    Register(NewHandler),
    Unregister(String),
    Remove(String),
    Invoke(Result<Request, Refusal>),
    Carry,
    Doctor,
    Center(Way),
    Rules(Vec<String>),
    AddRule(RuleText),
    Forecast(Vec<String>, u64),
    Explain(String),
    Properties(String, Vec<(String, serde_json::Value)>, bool),
    Open(u64),
    Refresh(Vec<String>),
    Pause(Vec<String>, Option<u64>),
    Resume(Vec<String>),
    Report(Box<reporting::Told>),
    Accompany(Box<reporting::Accompanied>),
    Order {
        request: Request,
        done: &'static str,
        nothing: &'static str,
    },
}

impl Ask {
    async fn run(self, talk: &mut Talk, program: &dyn Program) -> Result<Verdict, Refusal> {
        match self {
            Self::Sync(target, ask) => sync::sync(talk, target, ask).await,
            Self::Plan(target, limit) => preview::plan(talk, target, limit).await,
            Self::Add(name, arguments) => {
                let name = sync::add(talk, name, arguments, false).await?;
                Ok(Verdict::of_list(
                    format!("{name} was added."),
                    ExitCode::Good,
                ))
            }
            Self::AddOf(addition) => recipe::add(talk, addition).await,
            Self::Wrap(wrapped) => wrap::wrap(talk, *wrapped).await,
            Self::Import(wish) => import::import(talk, program, wish).await,
            Self::Export(wish) => export::export(talk, program, wish).await,
            Self::Status => items::status(talk).await,
            Self::Top => top::top(talk).await,
            Self::List(names, hidden) => items::list(talk, names, hidden).await,
            Self::Show(name) => items::show(talk, name).await,
            Self::Why(name) => items::why(talk, name).await,
            Self::Runs(name, before, limit) => history::runs(talk, name, before, limit).await,
            Self::Run(id) => history::run(talk, id).await,
            Self::Log(request) => history::log(talk, request).await,
            Self::Undo(run) => sync::undo(talk, run).await,
            Self::Needs => inbox::needs(talk).await,
            Self::Forget(name) => answer::forget(talk, name).await,
            Self::Answer(given) => answer::answer(talk, given).await,
            Self::Conflicts(name, offset, limit) => {
                inbox::conflicts(talk, name, offset, limit).await
            }
            Self::Compare(conflict) => compare::compare(talk, conflict).await,
            Self::Resolve(id, choice) => inbox::resolve(talk, id, choice).await,
            Self::Decide(rule) => decide::decide(talk, rule).await,
            Self::Handlers => register::handlers(talk).await,
            Self::Register(new) => register::register(talk, new).await,
            Self::Unregister(id) => register::unregister(talk, id).await,
            Self::Remove(name) => steer::remove(talk, name).await,
            Self::Invoke(request) => register::invoke(talk, request).await,
            Self::Carry => register::carry(talk, &mut std::io::stdin().lock()).await,
            Self::Doctor => steer::doctor(talk).await,
            Self::Center(way) => center::center(talk, way).await,
            Self::Rules(names) => schedule::list(talk, names).await,
            Self::AddRule(rule) => schedule::add(talk, rule).await,
            Self::Forecast(names, span_ms) => schedule::forecast(talk, names, span_ms).await,
            Self::Explain(text) => schedule::explain(talk, text).await,
            Self::Properties(name, set, show) => sheet::properties(talk, name, set, show).await,
            Self::Open(entry) => sync::open(talk, entry).await,
            Self::Refresh(names) => refresh::refresh(talk, names).await,
            Self::Pause(names, for_ms) => steer::pause(talk, names, for_ms).await,
            Self::Resume(names) => steer::resume(talk, names).await,
            Self::Report(told) => reporting::report(talk, *told).await,
            Self::Accompany(wish) => reporting::accompany(talk, *wish).await,
            Self::Order {
                request,
                done,
                nothing,
            } => steer::order(talk, request, done, nothing).await,
        }
    }
}

/// Decides what a command comes to. Nothing is read or begun.
fn decide(
    command: Command,
    origin: Origin<'_>,
    zone: &LazyLock<TimeZone>,
    now_ms: i64,
) -> Result<Work, Refusal> {
    let look = |ask| Ok(Work::Ask(Need::Look, ask));
    let work = |ask| Ok(Work::Ask(Need::Work, ask));
    let order = |request, done, nothing| {
        Ok(Work::Ask(
            Need::Work,
            Ask::Order {
                request,
                done,
                nothing,
            },
        ))
    };
    match command {
        Command::Sync {
            what,
            ask,
            then,
            then_anyway,
        } => {
            let target = target(&what, origin).map_err(|error| error.refusal("sync"))?;
            let then = then.map(|departure| Then {
                departure,
                anyway: then_anyway,
            });
            Ok(match then {
                None => Work::Ask(Need::Work, Ask::Sync(target, ask)),
                Some(then) => Work::Leave(Ask::Sync(target, ask), then),
            })
        }
        Command::Plan { what, limit } => {
            let target = target(&what, origin).map_err(|error| error.refusal("plan"))?;
            work(Ask::Plan(target, limit))
        }
        Command::Add {
            kind: AddKind::Folder(pair),
        } => {
            let absolute =
                |word: &OsStr| absolute(word, origin).map_err(|error| error.refusal("add folder"));
            let mut arguments = folder_arguments(&absolute(&pair.left)?, &absolute(&pair.right)?);
            arguments.extend(pair.settings.arguments());
            work(Ask::Add(pair.name, arguments))
        }
        Command::Add {
            kind: AddKind::Recipe(words),
        } => Ok(Work::Add(recipe::add_words(words)?)),
        Command::Wrap(args) => Ok(Work::Wrap(Box::new(wrap::wrapping(
            *args, origin, now_ms, zone,
        )?))),
        Command::Recipe { action } => Ok(Work::Recipe(action)),
        Command::Remove { name } => work(Ask::Remove(name)),
        Command::Status { names } => match names.first() {
            None => look(Ask::Status),
            Some(name) => Err(about_everything(name)),
        },
        Command::Top => Ok(Work::Ask(Need::Stay, Ask::Top)),
        Command::List { names, all } => look(Ask::List(names, all)),
        Command::Show { name } => look(Ask::Show(name)),
        Command::Why { name } => look(Ask::Why(name)),
        Command::Runs {
            name,
            limit,
            before,
        } => look(Ask::Runs(name, before, limit)),
        Command::Run { id } => look(Ask::Run(id)),
        Command::Log {
            name,
            run,
            warnings,
            errors,
            limit,
            before,
        } => look(Ask::Log(Request::Log {
            name,
            run,
            at_least: match (warnings, errors) {
                (_, true) => Some(Level::Error),
                (true, _) => Some(Level::Warning),
                _ => None,
            },
            before,
            limit,
        })),
        Command::Undo { run } => work(Ask::Undo(run)),
        Command::Needs => look(Ask::Needs),
        Command::Answer { need: None, .. } => look(Ask::Needs),
        Command::Answer {
            need: Some(need),
            choice,
            fields,
            items,
            stdin,
            remember,
        } => work(Ask::Answer(answer::Given {
            need,
            choice,
            fields,
            items,
            stdin,
            remember,
        })),
        Command::Forget { name } => work(Ask::Forget(name)),
        Command::Conflicts {
            name: Some(conflict),
            diff: true,
            ..
        } => work(Ask::Compare(conflict)),
        Command::Conflicts {
            name,
            limit,
            offset,
            diff: _,
        } => look(Ask::Conflicts(name, offset, limit)),
        Command::Resolve {
            id,
            choice,
            all,
            newest,
            matching,
            preview,
        } => match (
            id,
            choice,
            all.or_else(|| newest.then(|| NEWEST.to_owned())),
        ) {
            (name, _, Some(choice)) => work(Ask::Decide(decide::Rule {
                name,
                choice,
                matching,
                preview,
            })),
            (Some(id), choice, None) => work(Ask::Resolve(id, choice)),
            (None, _, None) => look(Ask::Conflicts(None, 0, DEFAULT_ROWS)),
        },
        Command::Handlers => look(Ask::Handlers),
        Command::Refresh { handlers } => work(Ask::Refresh(handlers)),
        Command::Register {
            what,
            command,
            class,
            id,
            name,
            events,
            unchecked,
        } => {
            let new = register::wanted(what, command, class, origin)?;
            work(Ask::Register(NewHandler {
                id,
                name,
                events: events.map(register::events),
                check: !unchecked,
                ..new
            }))
        }
        Command::Ask => work(Ask::Carry),
        Command::Unregister { id } => work(Ask::Unregister(id)),
        Command::Invoke { all: true, .. } => work(Ask::Invoke(Ok(Request::InvokeAll))),
        Command::Invoke {
            handler,
            ask,
            cookie,
            cookie_file,
            minimized,
            all: false,
        } => {
            let cookie = match register::cookie(cookie, cookie_file, origin) {
                Err(refusal) if refusal.code != register::COOKIE_TOO_LARGE => return Err(refusal),
                cookie => cookie,
            };
            let request = |cookie| Request::Invoke {
                handler: handler.unwrap_or_default(),
                start: !ask,
                minimized,
                cookie,
            };
            work(Ask::Invoke(cookie.map(request)))
        }
        Command::Schedule {
            explain: Some(text),
            ..
        } => work(Ask::Explain(text)),
        Command::Schedule {
            remove: Some(name), ..
        } => order(
            Request::RemoveRule { name },
            "Removed",
            "Nothing was removed.",
        ),
        Command::Schedule {
            name,
            next: Some(span),
            ..
        } => {
            let names = name.into_iter().filter(|name| name != ALL).collect();
            work(Ask::Forecast(names, duration::parse(&span, now_ms, zone)?))
        }
        Command::Schedule {
            name,
            on,
            when,
            rule,
            ask,
            stop_when_lost,
            stop_on_wake,
            fresh_within,
            catch_up,
            jitter,
            if_running,
            connect,
            explain: None,
            remove: None,
            next: None,
        } => {
            let changes = !on.is_empty() || !when.is_empty() || fresh_within.is_some();
            let items: Vec<String> = name.into_iter().filter(|name| name != ALL).collect();
            let anchored = |texts: Vec<String>| -> Result<Vec<String>, Refusal> {
                let anchored = texts.iter().map(|text| schedule::anchored(text, origin));
                anchored
                    .collect::<Result<_, _>>()
                    .map_err(|error| error.refusal("schedule"))
            };
            let (on, when) = (anchored(on)?, anchored(when)?);
            if changes {
                work(Ask::AddRule(RuleText {
                    name: rule.unwrap_or_default(),
                    items,
                    on,
                    when,
                    ask,
                    stop_when_lost,
                    stop_on_wake,
                    fresh_within,
                    catch_up,
                    jitter,
                    if_running,
                    connect,
                }))
            } else {
                work(Ask::Rules(items))
            }
        }
        Command::Pause {
            mut names,
            duration,
        } => {
            let duration = duration.map(|number| duration::joined(number, &mut names));
            let for_ms = duration
                .map(|text| duration::parse(&text, now_ms, zone))
                .transpose()?;
            work(Ask::Pause(names, for_ms))
        }
        Command::Resume { names } => work(Ask::Resume(names)),
        Command::Enable { names } => order(
            Request::Enable {
                names,
                enabled: true,
            },
            "Enabled",
            "Nothing was enabled.",
        ),
        Command::Disable { names } => order(
            Request::Enable {
                names,
                enabled: false,
            },
            "Disabled",
            "Nothing was disabled.",
        ),
        Command::Tick { names } => order(
            Request::Check {
                names,
                checked: true,
            },
            "Ticked",
            "Nothing was ticked.",
        ),
        Command::Untick { names } => order(
            Request::Check {
                names,
                checked: false,
            },
            "No longer ticked",
            "Nothing was changed.",
        ),
        Command::Properties { name, set, show } => work(Ask::Properties(name, set, show)),
        Command::Open {
            entry,
            dismiss: false,
        } => work(Ask::Open(entry)),
        Command::Open {
            entry,
            dismiss: true,
        } => order(
            Request::DismissLink { entry },
            "Given up, for",
            "Nothing was given up.",
        ),
        Command::Stop { names } => order(
            if names.is_empty() {
                Request::Stop { request: None }
            } else {
                Request::StopItems { names }
            },
            "Asked to stop",
            "Whatever ran was asked to stop.",
        ),
        // Whether it is, is for its handler to say.
        Command::Skip { name } => order(
            Request::Skip { name },
            "Asked to be skipped",
            "Nothing was asked to be skipped.",
        ),
        Command::Report(words) => work(match reporting::decide(words)? {
            reporting::Wish::Tell(told) => Ask::Report(told),
            reporting::Wish::Accompany(wish) => Ask::Accompany(wish),
        }),
        Command::Bridge {
            kind,
            address,
            key,
            name,
        } => Ok(Work::Bridge(BridgeWish {
            syncthing: kind == BridgeKind::Syncthing,
            address,
            key: key.map(|key| origin.directory.join(key)),
            name,
        })),
        Command::Doctor => Ok(Work::Ask(Need::Check, Ask::Doctor)),
        Command::Center {
            scope,
            no_open,
            print,
            set_password: None,
        } => work(Ask::Center(Way {
            scope: scope.access(),
            browse: !no_open,
            print,
        })),
        Command::Center {
            set_password: Some(file),
            ..
        } => Ok(Work::Password(origin.directory.join(file))),
        Command::Check {
            what,
            command,
            class,
            only,
            define,
            keep,
            timeout,
        } => Ok(Work::Check(Box::new(CheckWish {
            subject: check::subject(what, class, command, origin)?,
            only,
            keep,
            timeout_ms: timeout
                .map(|text| duration::timeout(&text, now_ms, zone))
                .transpose()?,
            define: check::definitions(define)?,
            now_ms,
        }))),
        Command::Daemon => Ok(Work::Daemon),
        Command::Tray => Ok(Work::Tray),
        Command::Service { action } => Ok(Work::Service(service_wish(action))),
        Command::Handler { kind } => Ok(Work::Handler(kind)),
        Command::Import(words) => Ok(match import::wish(words, origin)? {
            wish @ import::ImportWish::Show(_) => Work::Ask(Need::Look, Ask::Import(wish)),
            wish => Work::Ask(Need::Work, Ask::Import(wish)),
        }),
        Command::Export(words) => look(Ask::Export(export::wish(words, origin.directory))),
        Command::Uninstall { keep_data, yes } => Ok(Work::Uninstall { keep_data, yes }),
        Command::Completions { shell } => Ok(Work::Print(Box::new(move || {
            Ok(generate::completions(shell))
        }))),
        Command::Man { directory: None } => Ok(Work::Print(Box::new(generate::manual))),
        Command::Man {
            directory: Some(directory),
        } => {
            let directory = origin.directory.join(directory);
            Ok(Work::Print(Box::new(move || {
                generate::manuals(&directory).map(|()| Vec::new())
            })))
        }
        Command::Generate { directory } => {
            let directory = origin.directory.join(directory);
            Ok(Work::Print(Box::new(move || {
                generate::everything(&directory).map(|()| Vec::new())
            })))
        }
    }
}

/// Finds out what is asked of the manager where the recipes decide it.
fn looked_up(
    work: Work,
    program: &dyn Program,
    origin: Origin<'_>,
    screen: &mut Screen,
) -> Result<Work, Refusal> {
    match work {
        Work::Add(given) => {
            let recipes = program.recipes()?;
            Ok(match recipe::addition(given, &*recipes, origin, screen)? {
                Some(addition) => Work::Ask(Need::Work, Ask::AddOf(addition)),
                None => Work::Print(Box::new(|| Ok(Vec::new()))),
            })
        }
        Work::Wrap(wrapping) => {
            let recipes = program.recipes()?;
            let wrapped = wrap::wrapped(*wrapping, &*recipes)?;
            Ok(Work::Ask(Need::Work, Ask::Wrap(Box::new(wrapped))))
        }
        work => Ok(work),
    }
}

fn service_wish(word: ServiceWord) -> ServiceWish {
    let (action, print, force, linger) = match word {
        ServiceWord::Install {
            print,
            force,
            linger,
        } => (ServiceAction::Install, print, force, linger),
        ServiceWord::Uninstall { force } => (ServiceAction::Uninstall, false, force, false),
        ServiceWord::Status => (ServiceAction::Status, false, false, false),
    };
    ServiceWish {
        action,
        print,
        force,
        linger,
    }
}

fn told(verdict: &Verdict, screen: &mut Screen) -> u8 {
    if let Some(code) = verdict.passed_on {
        return code; // the output is that of the command that was run
    }
    let mut object = json!({
        "verdict": verdict.sentence,
        "exit": verdict.exit as u8,
    });
    if let Some(map) = object.as_object_mut() {
        if let Some(suggestion) = &verdict.suggestion {
            map.insert("suggestion".to_owned(), json!(suggestion));
        }
        map.extend(verdict.more.clone());
    }
    screen.object(&object);
    if !verdict.plain {
        let line = verdict_line(verdict, &screen.look);
        screen.line(line);
    }
    verdict.exit as u8
}

pub(crate) fn refused(refusal: &Refusal, screen: &mut Screen) -> ExitCode {
    let mut error = json!(refusal);
    if let Some(error) = error.as_object_mut() {
        // The number outside says it; between managers and clients it is a word.
        error.remove("exit");
    }
    screen.object(&json!({"error": error, "exit": refusal.exit as u8}));
    if !screen.json() {
        let report = report::report(refusal, &screen.aside);
        screen.remark(&report);
    }
    refusal.exit
}

/// `status` has no names, which is easily forgotten.
fn about_everything(name: &str) -> Refusal {
    let name = word(name);
    Refusal::new(
        "cli::usage",
        "status is about everything, and takes no name",
        format!("about one item: syncmgr why {name}, or syncmgr list {name}"),
    )
}

fn caller(user: Option<&str>) -> String {
    match user {
        Some(user) if !user.is_empty() => format!("{user} on the command line"),
        _ => "the command line".to_owned(),
    }
}

fn no_runtime() -> Refusal {
    Refusal {
        exit: ExitCode::Failed,
        ..Refusal::new(
            "cli::no-threads",
            "the command cannot start its threads",
            "end some programs, or raise the limit of processes of this user",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_person_starts_is_understood_as_the_grammar_does() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        for text in [
            "syncmgr daemon",
            "syncmgr handler folder",
            "syncmgr sync",
            "syncmgr sync notes",
            "syncmgr sync help ./a b=c",
        ] {
            let plain = plain(&words(text)).expect(text);
            let parsed = parse(&words(text), MAX_HELP_COLUMNS).expect(text);
            assert_eq!(format!("{plain:?}"), format!("{parsed:?}"));
        }
        for text in [
            "syncmgr",
            "syncmgr daemon --json",
            "syncmgr handler -h",
            "syncmgr sync notes --ask",
            "syncmgr sync -- notes",
            "syncmgr sync ",
        ] {
            assert!(plain(&words(text)).is_none(), "{text}");
        }
    }

    #[test]
    fn what_tells_no_time_does_not_look_for_the_time_zone() {
        let zone: LazyLock<TimeZone> = LazyLock::new(|| unreachable!("the zone was looked for"));
        let origin = Origin {
            directory: std::path::Path::new("/"),
            home: None,
        };
        for text in ["sync notes", "handler tools", "status", "wrap -- true"] {
            let words = format!("syncmgr {text}");
            let words: Vec<_> = words.split(' ').map(OsString::from).collect();
            let command = parse(&words, MAX_HELP_COLUMNS).expect(text).command;
            assert!(decide(command, origin, &zone, 0).is_ok(), "{text}");
        }
    }
}
