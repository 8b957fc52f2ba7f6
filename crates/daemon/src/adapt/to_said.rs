//! Sentences of the core as faces get them: what they are made of.

use syncmgr_control::said::{Said, SaidPart};
use syncmgr_core::saying::{Part, Saying};

/// What a sentence is made of.
#[must_use]
pub fn said(saying: &Saying) -> Said {
    Said {
        code: saying.code().to_owned(),
        parts: saying
            .parts()
            .iter()
            .map(|(name, part)| ((*name).to_owned(), part_of(part)))
            .collect(),
    }
}

/// What a stored text is made of, where it is a sentence of the manager without parts.
#[must_use]
pub fn known(text: &str) -> Option<Said> {
    let saying = syncmgr_core::saying::known(text)?;
    Some(said(&saying))
}

fn part_of(part: &Part) -> SaidPart {
    match part {
        Part::Number(number) => SaidPart::Number(*number),
        Part::Hundredths(number) => SaidPart::Hundredths(*number),
        Part::Text(text) => SaidPart::Text(text.clone()),
        Part::Span(span) => SaidPart::Span(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
        Part::Moment(at) => SaidPart::Moment(at.0),
        Part::Size(bytes) => SaidPart::Size(*bytes),
        Part::Hours(hours) => SaidPart::Hours(hours.clone()),
        Part::Sayings(sayings) => SaidPart::Sayings(sayings.iter().map(said).collect()),
    }
}
