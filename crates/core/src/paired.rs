//! Work that only starts with a call and ends with a completion, in either order (mobsync 3.3).

use crate::input::{Began, Completed};

/// One kind of paired work of an instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paired {
    ever: bool,
    outstanding: Option<Outstanding>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Outstanding {
    returned: bool,
    completed: Option<Completed>,
}

/// How the work is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Over {
    /// It never began (rules 1 and 4): nobody may be asked.
    NeedsUser,
    /// It never began (rules 1 and 4), for this reason.
    NotBegun(String),
    /// It ran and ended so (rule 2).
    Completed(Completed),
}

/// A second return of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a call was answered twice")]
pub struct ReturnedTwice;

impl Paired {
    /// A call was made.
    pub fn begin(&mut self) {
        self.ever = true;
        self.outstanding = Some(Outstanding::default());
    }

    /// The work ended some other way, by death or stop.
    pub fn abandon(&mut self) {
        self.outstanding = None;
    }

    /// Whether a call of this kind was ever made on the instance (rule 5).
    #[must_use]
    pub fn was_begun(&self) -> bool {
        self.ever
    }

    /// Whether the call has returned and its completion is still to come: the window of `item/status` (M-105).
    #[must_use]
    pub fn is_window(&self) -> bool {
        self.outstanding
            .as_ref()
            .is_some_and(|o| o.returned && o.completed.is_none())
    }

    /// Whether a completion came already and the return is still to come: a second one does not count (rule 3).
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.outstanding
            .as_ref()
            .is_some_and(|o| o.completed.is_some())
    }

    /// The call returned.
    ///
    /// # Errors
    /// [`ReturnedTwice`] when it had already, or was not made.
    pub fn returned(&mut self, began: Began) -> Result<Option<Over>, ReturnedTwice> {
        let Some(outstanding) = self.outstanding.as_mut().filter(|o| !o.returned) else {
            return Err(ReturnedTwice);
        };
        let over = match began {
            // Rules 1 and 4: a refusal wins over a completion that came before.
            Began::NeedsUser => Over::NeedsUser,
            Began::No(reason) => Over::NotBegun(reason),
            Began::Yes => match outstanding.completed.take() {
                Some(completed) => Over::Completed(completed),
                None => {
                    outstanding.returned = true;
                    return Ok(None);
                }
            },
        };
        self.outstanding = None;
        Ok(Some(over))
    }

    /// A completion came. Only the first counts (rule 3).
    pub fn completed(&mut self, completed: Completed) -> Option<Over> {
        let outstanding = self.outstanding.as_mut()?;
        if outstanding.returned {
            self.outstanding = None;
            return Some(Over::Completed(completed));
        }
        outstanding.completed.get_or_insert(completed);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::Failure;

    enum Say {
        Return(Began),
        Complete(Completed),
    }
    use Say::{Complete, Return};

    fn failed(reason: &str) -> Completed {
        Completed::Failed {
            reason: reason.into(),
            failure: Failure::Hard,
            retry_after: None,
        }
    }

    fn check(said: Vec<Say>, expected: &[Option<Over>]) {
        let mut paired = Paired::default();
        paired.begin();
        let got: Vec<_> = said
            .into_iter()
            .map(|say| match say {
                Return(began) => paired.returned(began).unwrap_or(None),
                Complete(completed) => paired.completed(completed),
            })
            .collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn outcome_rule_3_3() {
        let done = || Some(Over::Completed(Completed::Done));
        let no = || Began::No("x".into());
        // Rule 2, both orders (M-73, M-74, M-81).
        check(
            vec![Return(Began::Yes), Complete(Completed::Done)],
            &[None, done()],
        );
        check(
            vec![Complete(Completed::Done), Return(Began::Yes)],
            &[None, done()],
        );
        // Rule 1 (M-71, M-82): no completion is awaited, a later one has no effect.
        check(
            vec![Return(no()), Complete(Completed::Done)],
            &[Some(Over::NotBegun("x".into())), None],
        );
        check(vec![Return(Began::NeedsUser)], &[Some(Over::NeedsUser)]);
        // Rule 3 (M-83, G-17).
        check(
            vec![
                Return(Began::Yes),
                Complete(Completed::Done),
                Complete(failed("late")),
            ],
            &[None, done(), None],
        );
        check(
            vec![
                Complete(failed("first")),
                Complete(Completed::Done),
                Return(Began::Yes),
            ],
            &[None, None, Some(Over::Completed(failed("first")))],
        );
        // Rule 4 (M-75, G-05).
        check(
            vec![Complete(Completed::Done), Return(no())],
            &[None, Some(Over::NotBegun("x".into()))],
        );
    }

    #[test]
    fn a_call_returns_once() {
        let mut paired = Paired::default();
        assert_eq!(paired.returned(Began::Yes), Err(ReturnedTwice));
        assert!(!paired.was_begun());
        paired.begin();
        assert!(!paired.is_window());
        assert_eq!(paired.returned(Began::Yes), Ok(None));
        assert!(paired.is_window());
        assert_eq!(paired.returned(Began::Yes), Err(ReturnedTwice));
        assert!(paired.completed(Completed::Done).is_some());
        assert!(paired.was_begun() && !paired.is_window());
    }
}
