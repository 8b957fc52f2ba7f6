//! Systems whose notification area is not spoken to.

use syncmgr_control::Refusal;
use tokio::sync::{mpsc, watch};

use crate::act::Act;
use crate::face::Face;

pub(crate) async fn show(_: watch::Receiver<Face>, _: mpsc::Sender<Act>) -> Result<(), Refusal> {
    Err(crate::absent(
        "the notification area of this system is not supported",
    ))
}
