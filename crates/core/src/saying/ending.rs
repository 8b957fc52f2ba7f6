//! How runs and items come to no good end, where no handler says why. These are stored as texts.

use crate::sayings;

sayings! {
    /// Why something came to no good end, as a fragment.
    pub(crate) enum Ending {
        "end-silent" Silent = "it failed without saying why";
        "end-needs-user" NeedsUser = "somebody would have to be asked";
        "end-gave-up" GaveUp = "the handler gave up";
        "end-slow" Slow = "it did not stop in time";
        "end-left" Left = "the handler did not stop in time and was left";
        "end-left-itself" LeftItself = "it did not stop in time and was left";
        "end-stopped-early" StoppedEarly = "stopped before it was done";
        "end-skipped-early" SkippedEarly = "skipped before it was done";
        "end-held" Held = "held back by a question";
    }
}
