//! Sending the machine to sleep or off, because a person asked for it after a synchronization.

#[cfg(not(target_os = "linux"))]
#[path = "sys_elsewhere.rs"]
mod sys;
#[cfg(target_os = "linux")]
#[path = "sys_linux.rs"]
mod sys;

use syncmgr_control::Refusal;

use crate::adapt::text;

/// How the machine is to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// It sleeps.
    Suspend,
    /// It is switched off.
    PowerOff,
}

/// Asks whether this user may send the machine away now.
///
/// # Errors
/// `leave::not-allowed` with the reason.
pub async fn may_leave(how: Leave) -> Result<(), Refusal> {
    sys::may_leave(how)
        .await
        .map_err(|why| not_allowed(how, &why))
}

/// Sends the machine away. Nobody is asked for a password, and nobody who holds it back is overruled.
///
/// # Errors
/// `leave::not-allowed` with the reason.
pub async fn leave(how: Leave) -> Result<(), Refusal> {
    sys::leave(how).await.map_err(|why| not_allowed(how, &why))
}

fn not_allowed(how: Leave, why: &str) -> Refusal {
    let what = match how {
        Leave::Suspend => "be sent to sleep",
        Leave::PowerOff => "be switched off",
    };
    let mut refusal = Refusal::new(
        "leave::not-allowed",
        format!("the machine cannot {what} from here"),
        "`loginctl` and `systemd-inhibit` show who is logged on and who holds it back; without --then it only synchronizes",
    );
    refusal.causes.push(text::line(why));
    refusal
}
