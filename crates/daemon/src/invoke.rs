//! What programs ask for through the COM server: `UpdateItems` and `UpdateAll` (mobsync 3.9).

use base64::Engine as _;
use syncmgr_control::registration::MAX_COOKIE_BYTES;
use syncmgr_control::{Caller, Refusal, Reply};
use syncmgr_core::input::Input;
use syncmgr_core::invocation::Invocation;
use syncmgr_core::request::{IfRunning, Request as Wanted, Scope, Trigger, Work};

use crate::adapt::text;
use crate::answer::{not_registered, refused};
use crate::run::Loop;

/// Code of the refusal of a cookie that no handler takes.
const TOO_LARGE: &str = "request::cookie-too-large";

impl Loop {
    /// A program asks for one handler; it starts at once, or a person is asked (M-148 to M-150).
    pub(crate) fn invoke(
        &mut self,
        caller: &Caller,
        handler: &str,
        start: bool,
        cookie: Option<&str>,
    ) -> Result<Reply, Refusal> {
        self.read_system();
        let Some(handler) = self.handler_named(handler)? else {
            let what = format!("asked for {handler}, which nobody registered");
            self.misused(caller, "M-153", &what);
            return Err(not_registered(handler));
        };
        let cookie = match cookie.map(decoded).transpose() {
            Err(refusal) if refusal.code == TOO_LARGE => {
                let what = format!("gave a cookie of more than {MAX_COOKIE_BYTES} bytes");
                self.misused(caller, "M-38", &what);
                return Err(refusal);
            }
            cookie => cookie?,
        };
        // M-152: the program's bytes are ours from here on; none at all is no cookie.
        let cookie = cookie.filter(|cookie| !cookie.is_empty());
        if !start {
            return self.ask_to_start(Invocation {
                handler,
                with_all: false,
                cookie,
            });
        }
        let wanted = Wanted {
            scope: Scope::Handler(handler),
            work: Work::Synchronize,
            trigger: Trigger::Invoke,
            may_bother_user: true, // M-35
            cookie,
            if_running: IfRunning::Again, // M-156
        };
        self.manager
            .check_request(&wanted)
            .map_err(|why| refused(&why))?;
        let id = self.manager.next_request();
        self.apply(Input::Request(id, wanted));
        Ok(Reply::Accepted { request: id.0 })
    }

    /// A program asks for everything: a person is asked once, with the items of all handlers (M-155, A-11).
    pub(crate) fn invoke_all(&mut self) -> Result<Reply, Refusal> {
        self.read_system();
        let first = self.manager.offer().handlers.into_iter().next();
        let Some(first) = first else {
            return Ok(Reply::Asked { needs: Vec::new() });
        };
        self.ask_to_start(Invocation {
            handler: first.handler,
            with_all: true,
            cookie: None,
        })
    }

    /// A program broke the contract, which the log tells with the number of the obligation.
    pub(crate) fn misused(&mut self, caller: &Caller, obligation: &str, what: &str) {
        let text = format!("{} broke {obligation}: it {what}", caller.name);
        self.apply(Input::Misused(text::line(&text)));
    }

    fn ask_to_start(&mut self, wish: Invocation) -> Result<Reply, Refusal> {
        self.manager
            .check_invocation(&wish)
            .map_err(|why| refused(&why))?;
        self.apply(Input::AskToStart(wish.clone()));
        let needs = self.manager.invocation(&wish);
        Ok(Reply::Asked {
            needs: needs.into_iter().map(|need| need.0).collect(),
        })
    }
}

fn decoded(cookie: &str) -> Result<Vec<u8>, Refusal> {
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(cookie)
        .map_err(|cause| {
            Refusal::new(
                "control::invalid-request",
                "the cookie is not base 64",
                "this is a mistake of whoever asked",
            )
            .because(&cause)
        })?;
    if bytes.len() > MAX_COOKIE_BYTES {
        return Err(refused(
            &syncmgr_core::request::RefusedRequest::CookieTooLarge,
        ));
    }
    Ok(bytes)
}
