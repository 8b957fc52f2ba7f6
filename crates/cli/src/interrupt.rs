//! What Ctrl-C means: first it asks, then it insists, then it leaves.

/// How often Ctrl-C was pressed while something runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// Not yet.
    #[default]
    Never,
    /// Asked to stop.
    Asked,
    /// Insisted.
    Insisted,
    /// Left it alone.
    Left,
}

/// What a press does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Press {
    /// Ask the manager to stop; the handler may finish what it holds.
    Ask,
    /// Ask again, which insists.
    Insist,
    /// Do not wait any longer.
    Leave,
}

impl Interrupt {
    /// The state after a press, and what it does. Presses only escalate.
    pub(crate) fn press(self) -> (Self, Press) {
        match self {
            Self::Never => (Self::Asked, Press::Ask),
            Self::Asked => (Self::Insisted, Press::Insist),
            Self::Insisted | Self::Left => (Self::Left, Press::Leave),
        }
    }
}

impl Press {
    /// What the person is told.
    pub(crate) fn remark(self) -> &'static str {
        match self {
            Self::Ask => "stopping; press Ctrl-C again to insist",
            Self::Insist => "insisting; press Ctrl-C again to leave without waiting",
            Self::Leave => "left; what became of it is told by: syncmgr status",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presses_only_escalate() {
        let mut state = Interrupt::default();
        let mut done = Vec::new();
        for _ in 0..4 {
            let (next, press) = state.press();
            state = next;
            done.push(press);
        }
        assert_eq!(
            done,
            [Press::Ask, Press::Insist, Press::Leave, Press::Leave]
        );
        assert_eq!(state, Interrupt::Left);
    }
}
