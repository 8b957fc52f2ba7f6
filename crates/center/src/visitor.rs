//! Who asks, and what they may do.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::Response;
use syncmgr_control::Refusal;
use syncmgr_control::method::Access;

use crate::door::{Secret, Stay};
use crate::refused;

/// Whoever asks. Every address but the door itself is served to visitors alone; a handler takes one as its argument.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// The most that they may do.
    pub scope: Access,
    /// What they are called in the record of answers.
    pub name: Arc<str>,
    /// What a form of theirs must bring back; absent where there is no browser that others could lead.
    form: Option<Arc<Secret>>,
    /// For how long; absent for whoever may come as long as the door is open.
    stay: Option<Stay>,
}

impl Visitor {
    /// Whoever is let in by the system, such as the user of the local socket: may do everything.
    #[must_use]
    pub fn owner(name: &str) -> Self {
        Self::program(name, Access::Admin)
    }

    /// A program that showed its token.
    #[must_use]
    pub fn program(name: &str, scope: Access) -> Self {
        Self {
            scope,
            name: name.into(),
            form: None,
            stay: None,
        }
    }

    /// Somebody at a browser, whose forms bring this token back, and who is let in for a while.
    pub(crate) fn browser(name: Arc<str>, scope: Access, form: Arc<Secret>, stay: Stay) -> Self {
        Self {
            scope,
            name,
            form: Some(form),
            stay: Some(stay),
        }
    }

    /// Waits until they are let in no longer.
    pub(crate) async fn over(self) {
        match self.stay {
            Some(stay) => stay.over().await,
            None => std::future::pending().await,
        }
    }

    /// Whether they may do what needs this.
    #[must_use]
    pub fn may(&self, access: Access) -> bool {
        access <= self.scope
    }

    /// Requires that they may.
    ///
    /// # Errors
    /// `center::not-allowed`.
    pub fn must(&self, access: Access) -> Result<(), Refusal> {
        if self.may(access) {
            return Ok(());
        }
        let (mine, needed) = (self.scope.word(), access.word());
        Err(Refusal::new(
            "center::not-allowed",
            format!("this needs the scope `{needed}`, and this entry has `{mine}`"),
            format!("enter with more: syncmgr center --scope {needed}"),
        ))
    }

    /// What a form carries in its hidden field `form`; empty where none is needed.
    #[must_use]
    pub fn form_token(&self) -> &str {
        self.form.as_deref().map_or("", Secret::reveal)
    }

    /// Requires that a form is one of ours: its hidden field `form` is brought back.
    ///
    /// # Errors
    /// `center::stale-form`.
    pub fn check_form(&self, brought: &str) -> Result<(), Refusal> {
        match &self.form {
            Some(form) if !form.is(brought) => Err(Refusal::new(
                "center::stale-form",
                "this form is not of this visit; nothing was done",
                "load the page again and repeat it",
            )),
            Some(_) | None => Ok(()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let visitor = parts.extensions.get::<Self>().cloned();
        visitor
            .ok_or_else(|| refused::to(refused::wants_page(parts), &crate::door::no_entry(false)))
    }
}
