//! What is refused because it would change nothing, although it is well-formed.

use syncmgr_control::{ExitCode, Refusal};
use syncmgr_core::record::PauseScope;
use syncmgr_core::request::Scope;
use syncmgr_core::{ItemRef, RunId};

use crate::launch::FOLDER;
use crate::overview::quoted;
use crate::run::Loop;

/// Most names that a refusal spells out.
const MAX_NAMED: usize = 5;

impl Loop {
    /// Refuses a `sync` that could only leave out everything it is about; what it leaves out of several is told at its
    /// end.
    pub(crate) fn may_sync(&self, scope: &Scope) -> Result<(), Refusal> {
        match scope {
            Scope::Items(items)
                if !items.is_empty() && items.iter().all(|item| self.is_off(item)) =>
            {
                Err(self.turned_off(items))
            }
            Scope::Checked => {
                let mut checked = self
                    .manager
                    .items()
                    .filter(|row| row.checked && !self.is_off(&row.at))
                    .peekable();
                if checked.peek().is_none()
                    || !checked.all(|row| self.manager.pause_of(&row.at).is_some())
                {
                    return Ok(());
                }
                let mut refusal = warning(Refusal::new(
                    "pause::everything",
                    "everything is paused; nothing was synchronized",
                    "`syncmgr resume` ends every pause; a sync that names an item is done all the same",
                ));
                // What failed is not hidden by a pause of something else.
                let verdict = self.status().verdict;
                if verdict.exit > refusal.exit {
                    refusal.exit = verdict.exit;
                    refusal.causes.push(verdict.sentence);
                }
                Err(refusal)
            }
            Scope::Items(_) | Scope::Handler(_) => Ok(()),
        }
    }

    /// Refuses a `resume` that names what would stay paused all the same.
    pub(crate) fn may_resume(&self, names: &[String]) -> Result<(), Refusal> {
        let paused = |scope: &PauseScope| self.manager.pauses().any(|row| row.scope == *scope);
        if paused(&PauseScope::All) {
            return Err(warning(Refusal::new(
                "pause::everything",
                "everything is paused, not this alone; nothing was changed",
                "`syncmgr resume` ends every pause",
            )));
        }
        for name in names {
            let whole = self.whole_handler(name)?;
            for item in self.named(std::slice::from_ref(name))? {
                let handler = item.handler.as_str();
                if whole.as_ref() != Some(&item.handler)
                    && paused(&PauseScope::Handler(item.handler.clone()))
                {
                    return Err(warning(Refusal::new(
                        "pause::handler",
                        format!(
                            "the whole handler {} is paused; nothing was changed",
                            self.manager.called(&item.handler)
                        ),
                        format!("`syncmgr resume {}` ends that", quoted(handler)),
                    )));
                }
            }
        }
        Ok(())
    }

    /// Refuses to undo a run of an item that was removed, and says how to go on: what the run replaced is kept with the
    /// folders, and the same two folders are the same item again.
    pub(crate) fn may_undo(&self, run: RunId, items: &[ItemRef]) -> Result<(), Refusal> {
        let gone = |item: &&ItemRef| self.manager.item(item).is_none();
        let Some(item) = items.iter().find(gone) else {
            return Ok(());
        };
        let again = if item.handler.as_str() == FOLDER {
            "add the two folders again (`syncmgr add folder LEFT RIGHT`)".to_owned()
        } else {
            format!("add it to {} again", item.handler)
        };
        Err(Refusal::new(
            "run::item-removed",
            format!("run {run} was about an item that was removed since: {item}"),
            format!("{again}, then `syncmgr undo {run}`"),
        ))
    }

    fn is_off(&self, item: &ItemRef) -> bool {
        self.handler_is_off(item) || self.manager.item(item).is_some_and(|row| !row.enabled)
    }

    fn handler_is_off(&self, item: &ItemRef) -> bool {
        self.manager
            .handler(&item.handler)
            .is_some_and(|row| !row.enabled)
    }

    fn turned_off(&self, items: &[ItemRef]) -> Refusal {
        let names: Vec<String> = items.iter().map(|item| self.name(item)).collect();
        let mut enable: Vec<String> = items
            .iter()
            .map(|item| match self.handler_is_off(item) {
                true => quoted(item.handler.as_str()),
                false => quoted(&self.name(item)),
            })
            .take(MAX_NAMED)
            .collect();
        enable.dedup();
        let what = match names.as_slice() {
            [one] => format!("`{one}` is turned off"),
            several => format!("all {} of them are turned off", several.len()),
        };
        warning(Refusal::new(
            "item::disabled",
            format!("{what}; nothing was synchronized"),
            format!("`syncmgr enable {}` first", enable.join(" ")),
        ))
    }
}

/// The request was understood and nothing is broken: it just did not happen.
fn warning(mut refusal: Refusal) -> Refusal {
    refusal.exit = ExitCode::Warnings;
    refusal
}
