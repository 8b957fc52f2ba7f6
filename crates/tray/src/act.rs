//! What a person may do at the mark.

use std::time::Duration;

use syncmgr_control::method::Access;
use syncmgr_control::{Caller, Refusal, Reply, Request};
use tokio::sync::mpsc::Receiver;
use tokio::sync::watch::Sender;

use crate::face::Face;
use crate::{Browse, Reach};

/// How long the pause of the menu lasts.
const PAUSE: Duration = Duration::from_secs(3600);

/// One entry of the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Open Sync Center in the browser; also what a click on the mark does.
    Open,
    /// Synchronize whatever is ticked.
    Synchronize,
    /// Stop whatever runs.
    Stop,
    /// Nothing starts by itself for an hour.
    Pause,
    /// What is paused goes on.
    Resume,
    /// Take the mark away; the manager goes on.
    Quit,
}

/// The menu, in its order; a line stands where there is nothing.
pub(crate) const MENU: &[Option<Act>] = &[
    Some(Act::Open),
    None,
    Some(Act::Synchronize),
    Some(Act::Stop),
    Some(Act::Pause),
    Some(Act::Resume),
    None,
    Some(Act::Quit),
];

impl Act {
    /// What the entry is called.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Open => "Open Sync Center",
            Self::Synchronize => "Synchronize now",
            Self::Stop => "Stop what runs",
            Self::Pause => "Pause for an hour",
            Self::Resume => "Resume",
            Self::Quit => "Take this mark away",
        }
    }

    fn request(self) -> Option<Request> {
        Some(match self {
            Self::Open => Request::Enter {
                scope: Access::Admin,
            },
            Self::Synchronize => Request::Sync {
                names: Vec::new(),
                // Questions go to the inbox: there is no place for them here.
                may_bother_user: false,
            },
            Self::Stop => Request::Stop { request: None },
            Self::Pause => Request::Pause {
                names: Vec::new(),
                for_ms: u64::try_from(PAUSE.as_millis()).ok(),
            },
            Self::Resume => Request::Resume { names: Vec::new() },
            Self::Quit => return None,
        })
    }
}

/// Does what is clicked, until the mark is to be taken away.
pub(crate) async fn follow(
    mut acts: Receiver<Act>,
    reach: &Reach,
    caller: &Caller,
    browse: Option<Browse>,
    show: &Sender<Face>,
) {
    while let Some(act) = acts.recv().await {
        let Some(request) = act.request() else { return };
        if let Err(refusal) = perform(request, reach, caller, browse).await {
            tracing::warn!(%refusal, ?act, "a click was refused");
            show.send_modify(|face| *face = face.refused(&refusal.message));
        }
    }
}

async fn perform(
    request: Request,
    reach: &Reach,
    caller: &Caller,
    browse: Option<Browse>,
) -> Result<(), Refusal> {
    let service = reach().await?;
    let Reply::Entry(entry) = service.call(caller.clone(), request).await? else {
        return Ok(());
    };
    if browse.is_some_and(|open| open(&entry.enter)) {
        return Ok(());
    }
    Err(Refusal::new(
        "tray::browser",
        "no browser could be started",
        "syncmgr center --print prints the address",
    ))
}
