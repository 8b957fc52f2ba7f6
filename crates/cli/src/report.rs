//! Refusals and failures, dressed for people.

use std::fmt;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, ThemeCharacters, ThemeStyles};
use syncmgr_control::Refusal;

use crate::look::Look;
use crate::text::harmless;

/// Most causes that are shown.
const MAX_CAUSES: usize = 20;
/// Narrowest width of a report.
const MIN_COLUMNS: usize = 40;

/// The report of a refusal: what, its causes, what to do, and the code under which docs/errors.md describes it.
pub(crate) fn report(refusal: &Refusal, look: &Look) -> String {
    let theme = GraphicalTheme {
        characters: if look.unicode {
            ThemeCharacters::unicode()
        } else {
            ThemeCharacters::ascii()
        },
        styles: if look.color {
            ThemeStyles::ansi()
        } else {
            ThemeStyles::none()
        },
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(look.wrap_columns().max(MIN_COLUMNS))
        .with_links(false);
    let dressed = Dressed {
        code: harmless(&refusal.code),
        hint: refusal.hint.as_deref().map(harmless),
        message: harmless(&refusal.message),
        cause: Cause::chain(&refusal.causes),
    };
    let mut text = String::new();
    match handler.render_report(&mut text, &dressed) {
        Ok(()) => text.trim_end().to_owned(),
        Err(fmt::Error) => dressed.message,
    }
}

/// A refusal as miette wants it.
#[derive(Debug)]
struct Dressed {
    code: String,
    hint: Option<String>,
    message: String,
    cause: Option<Box<Cause>>,
}

impl fmt::Display for Dressed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Dressed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

impl Diagnostic for Dressed {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.hint
            .as_ref()
            .map(|hint| Box::new(hint) as Box<dyn fmt::Display>)
    }
}

/// One cause and what caused it.
#[derive(Debug)]
struct Cause {
    message: String,
    next: Option<Box<Self>>,
}

impl Cause {
    fn chain(messages: &[String]) -> Option<Box<Self>> {
        messages
            .iter()
            .take(MAX_CAUSES)
            .rev()
            .fold(None, |next, message| {
                Some(Box::new(Self {
                    message: harmless(message),
                    next,
                }))
            })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.next.as_deref().map(|next| next as _)
    }
}
