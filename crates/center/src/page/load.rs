//! What each screen asks the manager for.

use jiff::tz::TimeZone;
use maud::Markup;
use serde_json::{Map, Value};
use syncmgr_control::browse::{Browse, PageView};
use syncmgr_control::decide::DecisionView;
use syncmgr_control::method::Access;
use syncmgr_control::view::{Level, Outcome, PropertiesView};
use syncmgr_control::{Refusal, Reply, Request};

use super::decision::{Made, Ruling};
use super::feed;
use super::first::{self, First};
use super::frame::Screen;
use super::inbox::{self, Inbox};
use super::item::{self, Item};
use super::log::Chosen;
use super::moment::Told;
use super::progress::{self, Progress};
use super::properties::{self, Rejected, Said, Sheet};
use super::register::Enrolled;
use super::schedule::{Did, Tried};
use super::show::{Look, Looked};
use super::wish::Wish;
use super::{
    address, choose, compare, handlers, keep, log, plan, property, run, settings, timetable,
};

/// Next times that a tried schedule is answered with.
const TRIED_TIMES: u32 = 5;

/// Runs of an item among which the one is that decided its conflicts just before.
const RECENT_RUNS: u32 = 8;

/// Takes the one reply that fits a request.
macro_rules! reply {
    ($answer:expr, $kind:path) => {
        match $answer {
            $kind(value) => value,
            _ => return Err(unexpected()),
        }
    };
}

impl Look<'_> {
    /// The screen of this name.
    pub(crate) async fn screen(&self, name: &str) -> Result<Looked, Refusal> {
        match name {
            "first" => self.first().await,
            "inbox" => self.inbox().await,
            "choose" => self.choose().await,
            "compare" => self.compare().await,
            "progress" => self.progress().await,
            "log" => self.log().await,
            "run" => self.run().await,
            "item" => self.item().await,
            "plan" => self.plan().await,
            "properties" => self.properties().await,
            "timetable" => self.timetable().await,
            "handlers" => self.handlers(self.enrolled()).await,
            "settings" => self.settings().await,
            _ => Err(unknown_address()),
        }
    }

    async fn ask(&self, request: Request) -> Result<Reply, Refusal> {
        let caller = crate::api::caller(self.visitor, self.headers);
        self.center.service.call(caller, request).await
    }

    /// A page of items, and with it everything that the frame says.
    async fn browse(&self, browse: Browse) -> Result<PageView, Refusal> {
        Ok(*reply!(
            self.ask(Request::Browse(browse)).await?,
            Reply::Page
        ))
    }

    /// What the frame says, without any items.
    async fn frame(&self) -> Result<PageView, Refusal> {
        self.browse(Browse::default()).await
    }

    fn told(&self, page: &PageView) -> Told {
        Told {
            words: self.words,
            zone: TimeZone::system(),
            now_ms: page.now_ms,
            visitor: self.visitor.clone(),
            back: self.back.clone(),
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.params.get(name).and_then(Value::as_str)
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.params.get(name).and_then(Value::as_u64)
    }

    fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.text(name).ok_or_else(not_understood)
    }

    fn looked(
        &self,
        screen: Screen,
        title: String,
        told: Told,
        page: PageView,
        content: Markup,
        fragment: String,
    ) -> Looked {
        Looked {
            screen,
            title,
            told,
            page,
            content,
            fragment: Some(fragment),
        }
    }

    async fn first(&self) -> Result<Looked, Refusal> {
        let params = Value::Object(self.params.clone());
        let mut chosen: Browse =
            serde_json::from_value(params).map_err(|cause| not_understood().because(&cause))?;
        chosen.limit = first::ROWS;
        let page = self.browse(chosen.clone()).await?;
        let needs = if page.status.needs > 0 {
            reply!(self.ask(Request::Needs).await?, Reply::Needs)
        } else {
            Vec::new()
        };
        let log = Request::Log {
            name: None,
            run: None,
            at_least: None,
            before: None,
            limit: feed::EVENTS,
        };
        let log = reply!(self.ask(log).await?, Reply::Log).entries;
        let runs = Request::Runs {
            name: None,
            before: None,
            limit: feed::EVENTS,
        };
        let runs = reply!(self.ask(runs).await?, Reply::Runs);
        let told = self.told(&page);
        let view = First {
            page: &page,
            chosen: &chosen,
            needs: &needs,
            log: &log,
            runs: &runs,
        };
        let content = if self.only_changing {
            first::changing(&told, &view)
        } else {
            first::first(&told, &view)
        };
        let query = first::chosen_query(&chosen, chosen.offset);
        let title = self.words.say("nav-first");
        let fragment = format!("/fragment/first?{query}");
        Ok(self.looked(Screen::First, title, told, page, content, fragment))
    }

    async fn inbox(&self) -> Result<Looked, Refusal> {
        let page = self.frame().await?;
        let needs = reply!(self.ask(Request::Needs).await?, Reply::Needs);
        let offset = u32::try_from(self.number("offset").unwrap_or(0)).unwrap_or(u32::MAX);
        let conflicts = Request::Conflicts {
            name: None,
            offset,
            limit: inbox::CONFLICTS,
        };
        let conflicts = reply!(self.ask(conflicts).await?, Reply::Conflicts);
        let made = self.made().await?;
        let chosen = self.ruling("rule");
        let preview = match &chosen {
            Some(chosen) => Some((chosen, self.would_decide(chosen).await?)),
            None => None,
        };
        let told = self.told(&page);
        let view = Inbox {
            needs: &needs,
            conflicts: &conflicts,
            offset,
            made: made.as_ref(),
            preview: preview.as_ref().map(|(chosen, view)| (*chosen, view)),
        };
        let content = if self.only_changing {
            inbox::changing(&told, &view)
        } else {
            inbox::inbox(&told, &view)
        };
        let title = self.words.say("nav-inbox");
        let known = ["offset", "request", "name", "rule", "choice", "matching"];
        let fragment = format!("/fragment/inbox?{}", self.same(&known));
        Ok(self.looked(Screen::Inbox, title, told, page, content, fragment))
    }

    /// Has a handler read what versions contain.
    async fn compare(&self) -> Result<Looked, Refusal> {
        self.visitor.must(Access::Run)?;
        let request = Request::Compare {
            conflict: self.required("conflict")?.to_owned(),
        };
        let view = *reply!(self.ask(request).await?, Reply::Comparison);
        let page = self.frame().await?;
        let told = Told {
            // Once it is decided it is no more.
            back: "/inbox#conflicts".to_owned(),
            ..self.told(&page)
        };
        let content = compare::compare(&told, &view);
        Ok(Looked {
            screen: Screen::Inbox,
            title: self.words.say("compare-title"),
            told,
            page,
            content,
            // It stays what it was when it was asked for.
            fragment: None,
        })
    }

    /// These parameters of the address, as the part of another one.
    fn same(&self, known: &[&str]) -> String {
        let parts = known.iter().filter_map(|name| {
            let text = match self.params.get(*name)? {
                Value::String(text) => address::encoded(text),
                other => address::encoded(&other.to_string()),
            };
            Some(format!("{name}={text}"))
        });
        parts.collect::<Vec<_>>().join("&")
    }

    /// What the address says is chosen for the conflicts of an item.
    fn ruling(&self, of: &str) -> Option<Ruling> {
        Some(Ruling {
            name: self.text(of)?.to_owned(),
            choice: self.text("choice")?.to_owned(),
            matching: self.text("matching").map(str::to_owned),
        })
    }

    async fn would_decide(&self, chosen: &Ruling) -> Result<DecisionView, Refusal> {
        self.visitor.must(Access::Run)?;
        let request = Request::Decide {
            name: chosen.name.clone(),
            choice: chosen.choice.clone(),
            matching: chosen.matching.clone(),
            preview: true,
        };
        Ok(reply!(self.ask(request).await?, Reply::Decided))
    }

    /// The run that decided conflicts of an item last: a request that is over does not tell its runs any more.
    async fn latest_decision(&self, item: &str) -> Result<Option<u64>, Refusal> {
        let request = Request::Runs {
            name: Some(item.to_owned()),
            before: None,
            limit: RECENT_RUNS,
        };
        let runs = reply!(self.ask(request).await?, Reply::Runs);
        let decision = runs.iter().find(|run| run.kind == "resolve");
        Ok(decision.map(|run| run.id))
    }

    /// What came of the decision that the address tells of; nothing once it is forgotten.
    async fn made(&self) -> Result<Option<Made>, Refusal> {
        let Some((id, chosen)) = self.number("request").zip(self.ruling("name")) else {
            return Ok(None);
        };
        let Ok(Reply::RequestState(state)) = self.ask(Request::RequestState { id }).await else {
            return Ok(None);
        };
        let run = match state.runs.first() {
            Some(id) => Some(*id),
            None => self.latest_decision(&chosen.name).await?,
        };
        let run = match run {
            Some(id) => Some(*reply!(self.ask(Request::Run { id }).await?, Reply::Run)),
            None => None,
        };
        // Until it is over, the conflict that it decides is one of those that are open.
        let remaining = if state.outcome == Outcome::Open || !self.visitor.may(Access::Run) {
            0
        } else {
            let view = self.would_decide(&chosen).await;
            view.map_or(0, |view| view.decides)
        };
        Ok(Some(Made {
            chosen,
            outcome: state.outcome,
            run,
            remaining,
        }))
    }

    async fn choose(&self) -> Result<Looked, Refusal> {
        let need = self.number("need");
        let offer = reply!(self.ask(Request::Offer { need }).await?, Reply::Offer);
        let page = self.frame().await?;
        let told = self.told(&page);
        let content = choose::choose(&told, &offer);
        Ok(Looked {
            screen: Screen::Other,
            title: self.words.say("choose-title"),
            told,
            page,
            content,
            // Nobody wants a list to change below his hands.
            fragment: None,
        })
    }

    async fn progress(&self) -> Result<Looked, Refusal> {
        let request = self.number("request").ok_or_else(not_understood)?;
        let asked = Request::RequestState { id: request };
        let state = reply!(self.ask(asked).await?, Reply::RequestState);
        let mut runs = Vec::new();
        for id in state.runs.iter().take(progress::RUNS) {
            runs.push(*reply!(
                self.ask(Request::Run { id: *id }).await?,
                Reply::Run
            ));
        }
        let page = self.frame().await?;
        let told = self.told(&page);
        let begun = self.text("begun").is_some();
        let view = Progress {
            request,
            state: &state,
            runs: &runs,
            begun,
            keep_open: keep::is_kept_open(self.headers),
        };
        let content = progress::progress(&told, &view);
        let title = self.words.say("progress-title");
        let begun = if begun { "&begun=yes" } else { "" };
        let fragment = format!("/fragment/progress?request={request}{begun}");
        Ok(self.looked(Screen::Other, title, told, page, content, fragment))
    }

    async fn log(&self) -> Result<Looked, Refusal> {
        let page = self.frame().await?;
        let chosen = Chosen {
            name: self.text("name").map(str::to_owned),
            at_least: match self.text("atLeast") {
                None => None,
                Some("warning") => Some(Level::Warning),
                Some("error") => Some(Level::Error),
                Some(_) => return Err(not_understood()),
            },
        };
        let before = self.number("before");
        let request = Request::Log {
            name: chosen.name.clone(),
            run: None,
            at_least: chosen.at_least,
            before,
            limit: log::ENTRIES,
        };
        let entries = reply!(self.ask(request).await?, Reply::Log);
        let told = self.told(&page);
        let content = if self.only_changing {
            log::changing(&told, &entries, &chosen)
        } else {
            log::log(&told, &entries, &chosen)
        };
        let title = self.words.say("nav-log");
        let fragment = format!("/fragment/log?{}", chosen.query(before));
        Ok(self.looked(Screen::Log, title, told, page, content, fragment))
    }

    async fn run(&self) -> Result<Looked, Refusal> {
        let id = self.number("id").ok_or_else(not_understood)?;
        let detail = reply!(self.ask(Request::Run { id }).await?, Reply::Run);
        let page = self.frame().await?;
        let told = self.told(&page);
        let content = run::run(&told, &detail);
        let title = self.words.count("run-number", id);
        let fragment = format!("/fragment/run?id={id}");
        Ok(self.looked(Screen::Other, title, told, page, content, fragment))
    }

    async fn item(&self) -> Result<Looked, Refusal> {
        let name = self.required("name")?.to_owned();
        let detail = Request::Show { name: name.clone() };
        let detail = reply!(self.ask(detail).await?, Reply::Item);
        let why = Request::Why { name: name.clone() };
        let why = reply!(self.ask(why).await?, Reply::Why);
        let runs = Request::Runs {
            name: Some(name.clone()),
            before: None,
            limit: item::RUNS,
        };
        let runs = reply!(self.ask(runs).await?, Reply::Runs);
        let rules = Request::Rules {
            names: vec![name.clone()],
        };
        let rules = reply!(self.ask(rules).await?, Reply::Rules);
        let latest = Request::Log {
            name: Some(name.clone()),
            run: None,
            at_least: None,
            before: None,
            limit: item::ENTRIES,
        };
        let mut latest = reply!(self.ask(latest).await?, Reply::Log).entries;
        latest.reverse();
        let edited = self.text("rule");
        let edited = edited.and_then(|name| rules.iter().find(|rule| rule.rule.name == name));
        let tried = self.tried(&name).await?;
        let page = self.frame().await?;
        let told = self.told(&page);
        let view = Item {
            detail: &detail,
            why: &why,
            runs: &runs,
            rules: &rules,
            log: &latest,
            edited,
            tried,
            did: self.did(),
        };
        let content = if self.only_changing {
            item::changing(&told, &view)
        } else {
            item::item(&told, &view)
        };
        let title = super::mark::cut(&detail.item.name);
        let fragment = format!("/fragment/item?name={}", address::encoded(&name));
        Ok(self.looked(Screen::Other, title, told, page, content, fragment))
    }

    /// What somebody tries to start an item by; absent while nobody does.
    async fn tried(&self, item: &str) -> Result<Option<Tried>, Refusal> {
        let Some(words) = self
            .text("schedule")
            .or_else(|| self.params.contains_key("when").then_some(""))
        else {
            return Ok(None);
        };
        let ticked = match self.params.get("when") {
            Some(Value::Array(ticked)) => ticked.iter().filter_map(Value::as_str),
            _ => [].iter().filter_map(Value::as_str),
        };
        let wish = Wish::read(words, &ticked.map(str::to_owned).collect::<Vec<_>>());
        let mut means = Vec::new();
        for schedule in wish.schedules() {
            let request = Request::Explain {
                schedule: schedule.clone(),
                count: TRIED_TIMES,
                item: Some(item.to_owned()),
                when: wish.when.clone(),
            };
            means.push(match self.ask(request).await {
                Ok(reply) => Ok(reply!(reply, Reply::Schedule)),
                Err(refusal) => Err(super::refusal::text(self.words, &refusal)),
            });
        }
        Ok(Some(Tried { wish, means }))
    }

    /// What was done to a rule before this was shown.
    fn did(&self) -> Option<Did> {
        if self.text("did") == Some("undone") {
            return Some(Did::Undone);
        }
        let which = self.text("which")?;
        let rule = || serde_json::from_str(which).ok();
        match self.text("did")? {
            "added" => Some(Did::Added(which.to_owned())),
            "changed" => rule().map(Did::Changed),
            "removed" => rule().map(Did::Removed),
            _ => None,
        }
    }

    /// The one screen that has a handler work, so whoever only looks does not get it.
    async fn plan(&self) -> Result<Looked, Refusal> {
        self.visitor.must(Access::Run)?;
        let request = Request::Plan {
            names: vec![self.required("name")?.to_owned()],
            pair: None,
            limit: plan::ACTIONS,
        };
        let planned = reply!(self.ask(request).await?, Reply::Plan);
        let page = self.frame().await?;
        let told = self.told(&page);
        let content = plan::plan(&told, &planned);
        Ok(Looked {
            screen: Screen::Other,
            title: self.words.say("item-plan"),
            told,
            page,
            content,
            // It stays what it was when it was asked for.
            fragment: None,
        })
    }

    /// Has a handler work too.
    async fn properties(&self) -> Result<Looked, Refusal> {
        self.visitor.must(Access::Admin)?;
        let view = self.read_properties(self.required("name")?, None).await?;
        let said = self.text("said").and_then(Said::of);
        self.sheet(&view, None, said).await
    }

    /// Reads properties, or writes some of them.
    pub(crate) async fn read_properties(
        &self,
        name: &str,
        values: Option<Map<String, Value>>,
    ) -> Result<PropertiesView, Refusal> {
        let request = Request::Properties {
            name: name.to_owned(),
            values,
            window: false,
        };
        Ok(*reply!(self.ask(request).await?, Reply::Properties))
    }

    /// Properties as a form.
    pub(crate) async fn sheet(
        &self,
        view: &PropertiesView,
        rejected: Option<&Rejected>,
        said: Option<Said>,
    ) -> Result<Looked, Refusal> {
        let page = self.frame().await?;
        let told = self.told(&page);
        let known = property::of(&view.schema, &view.values);
        let sheet = Sheet {
            view,
            properties: &known,
            rejected,
            said,
        };
        let content = properties::properties(&told, &sheet);
        Ok(Looked {
            screen: Screen::Other,
            title: super::mark::cut(&view.name),
            told,
            page,
            content,
            // Nobody wants a form to change below his hands.
            fragment: None,
        })
    }

    async fn timetable(&self) -> Result<Looked, Refusal> {
        let page = self.frame().await?;
        let runs = Request::Runs {
            name: None,
            before: None,
            limit: timetable::RUNS,
        };
        let runs = reply!(self.ask(runs).await?, Reply::Runs);
        let forecast = Request::Forecast {
            names: Vec::new(),
            span_ms: timetable::SPAN_MS.unsigned_abs(),
        };
        let forecast = reply!(self.ask(forecast).await?, Reply::Forecast);
        let told = self.told(&page);
        let content = timetable::timetable(&told, &runs, &forecast);
        let title = self.words.say("nav-timetable");
        let fragment = "/fragment/timetable".to_owned();
        Ok(self.looked(Screen::Timetable, title, told, page, content, fragment))
    }

    /// What was registered before this was shown.
    fn enrolled(&self) -> Option<Enrolled> {
        serde_json::from_str(self.text("registered")?)
            .ok()
            .map(Enrolled::Done)
    }

    /// The handlers, with what came of registering one.
    pub(crate) async fn handlers(&self, enrolled: Option<Enrolled>) -> Result<Looked, Refusal> {
        let page = self.frame().await?;
        let view = reply!(self.ask(Request::Handlers).await?, Reply::Handlers);
        let told = self.told(&page);
        let content = if self.only_changing {
            handlers::changing(&told, &view)
        } else {
            handlers::handlers(&told, &view, enrolled.as_ref())
        };
        let title = self.words.say("nav-handlers");
        let fragment = "/fragment/handlers".to_owned();
        Ok(self.looked(Screen::Handlers, title, told, page, content, fragment))
    }

    async fn settings(&self) -> Result<Looked, Refusal> {
        let page = self.frame().await?;
        let rules = Request::Rules { names: Vec::new() };
        let rules = reply!(self.ask(rules).await?, Reply::Rules);
        let told = self.told(&page);
        let content = settings::settings(&told, &rules);
        Ok(Looked {
            screen: Screen::Settings,
            title: self.words.say("nav-settings"),
            told,
            page,
            content,
            // Nobody wants a form to change below his hands.
            fragment: None,
        })
    }
}

/// What the parameters of an address are.
pub(crate) fn params(query: &str) -> Result<Map<String, Value>, Refusal> {
    let mut params = match crate::query::params(query) {
        Ok(Value::Object(params)) => params,
        Ok(_) => Map::new(),
        Err(why) => {
            let mut refusal = not_understood();
            refusal.causes.push(why);
            return Err(refusal);
        }
    };
    // What a form leaves empty is not chosen.
    params.retain(|_, value| value.as_str() != Some(""));
    Ok(params)
}

pub(crate) fn unknown_address() -> Refusal {
    Refusal::new(
        "control::unknown-address",
        "nothing is at this address",
        "the first screen is at /",
    )
}

pub(crate) fn not_understood() -> Refusal {
    Refusal::new(
        "control::invalid-request",
        "this address is not understood",
        "go to the first screen, and from there where you want",
    )
}

pub(crate) fn unexpected() -> Refusal {
    Refusal::new(
        "control::not-understood",
        "the manager answered something else than it was asked",
        "the two programs may be of different versions",
    )
}
