//! What came of the choices on conflicts: each is told in the log, with where the other version rests.

use crate::conflict::{Decision, Resting};
use crate::ending::End;
use crate::input::ResolveFeedback;
use crate::instance::Instance;
use crate::log::Level;
use crate::manager::Manager;
use crate::request::Work;

const CHANGED: &str = "the conflict changed meanwhile; look at it again";

impl Manager {
    /// Takes in the answers to the decisions of an instance, in their order.
    pub(crate) fn decided(
        &mut self,
        instance: &mut Instance,
        results: Vec<Result<ResolveFeedback, String>>,
    ) {
        let Work::Resolve { decisions } = instance.work.clone() else {
            return;
        };
        let only = decisions.len() == 1;
        let mut not = Vec::new();
        let mut changed = 0_usize;
        for (decision, result) in decisions.iter().zip(results) {
            match result {
                Ok(ResolveFeedback::Continue { resting, counts }) => {
                    // Decisions are of one item, the only one of their run.
                    let items = instance.run.iter_mut().flat_map(|run| &mut run.items);
                    for item in items.take(1) {
                        crate::ending::add(&mut item.counts, &counts);
                        item.dirty = true;
                    }
                    let detail = resting.map(|resting| self.rests(&resting));
                    let text = format!("{}: {} was chosen", decision.name, decision.choice);
                    self.tell(instance, Level::Information, text, detail);
                }
                Ok(ResolveFeedback::Refresh) => {
                    changed += 1;
                    if !only {
                        self.tell(instance, Level::Warning, about(decision, CHANGED), None);
                    }
                }
                Err(reason) => {
                    if !only {
                        self.tell(instance, Level::Warning, about(decision, &reason), None);
                    }
                    not.push(reason);
                }
            }
        }
        if changed > 0 {
            // Nothing was applied and a person must look again: exactly what `Held` says.
            let text = match changed {
                _ if only => CHANGED.to_owned(),
                1 => "one conflict changed meanwhile; look at it again".to_owned(),
                _ => format!("{changed} conflicts changed meanwhile; look at them again"),
            };
            if let Some(run) = &mut instance.run {
                for item in &mut run.items {
                    item.asked = true;
                    item.text.clone_from(&text);
                }
            }
        }
        let failed = not.len();
        match not.into_iter().next() {
            None => self.settle(instance, End::Done),
            Some(reason) if only => self.settle_failed(instance, reason),
            Some(reason) => {
                let text = format!("{failed} of {} were not decided: {reason}", decisions.len());
                self.settle_failed(instance, text);
            }
        }
    }

    fn rests(&self, resting: &Resting) -> String {
        match resting.until {
            Some(until) => format!(
                "the other version rests at {} until {}",
                resting.place,
                self.zone().wall_text(until)
            ),
            None => format!("the other version rests at {}", resting.place),
        }
    }

    fn tell(
        &mut self,
        instance: &mut Instance,
        level: Level,
        text: String,
        detail: Option<String>,
    ) {
        let run = instance.run.as_ref();
        let item = run.and_then(|run| Some(run.items.first()?.id.clone()));
        self.log(instance, level, text, item, detail, None, false);
    }
}

fn about(decision: &Decision, what: &str) -> String {
    format!("{}: {what}", decision.name)
}
