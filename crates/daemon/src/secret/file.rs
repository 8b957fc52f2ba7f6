//! Answers in a file that only its owner can read. It is not encrypted, and there only because the user said so.

use std::io::Read as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use syncmgr_core::need::QuestionRef;

use super::{SecretError, Which, item_of};
use crate::config::write_whole;

/// Held while the file is changed: of two changes at once one would be lost.
static CHANGING: Mutex<()> = Mutex::new(());

/// Most answers that are kept; the oldest goes first.
const MAX_KEPT: usize = 1_000;

#[derive(Serialize, Deserialize)]
struct Kept {
    handler: String,
    item: String,
    key: String,
    answer: Box<RawValue>,
}

impl Kept {
    fn is(&self, of: &QuestionRef) -> bool {
        self.handler == of.handler.as_str() && self.item == item_of(of) && self.key == of.key
    }
}

pub(super) fn find(path: &Path, of: &QuestionRef) -> Result<Option<Vec<u8>>, SecretError> {
    let kept = read(path)?;
    let found = kept.iter().find(|kept| kept.is(of));
    Ok(found.map(|kept| kept.answer.get().as_bytes().to_vec()))
}

pub(super) fn keep(path: &Path, of: &QuestionRef, text: &str) -> Result<(), SecretError> {
    let _alone = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut all = read(path)?;
    all.retain(|kept| !kept.is(of));
    if all.len() >= MAX_KEPT {
        all.remove(0);
    }
    let answer = RawValue::from_string(text.to_owned()).map_err(|_| spoiled(path))?;
    all.push(Kept {
        handler: of.handler.to_string(),
        item: item_of(of).to_owned(),
        key: of.key.clone(),
        answer,
    });
    write(path, &all)
}

pub(super) fn forget(path: &Path, which: &Which) -> Result<usize, SecretError> {
    let _alone = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut all = read(path)?;
    let before = all.len();
    all.retain(|kept| {
        kept.handler != which.handler()
            || which.item().is_some_and(|item| kept.item != item)
            || which.key().is_some_and(|key| kept.key != key)
    });
    let gone = before.saturating_sub(all.len());
    if gone > 0 {
        write(path, &all)?;
    }
    Ok(gone)
}

fn read(path: &Path) -> Result<Vec<Kept>, SecretError> {
    let mut file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    if !crate::sys::is_private(&file) {
        return Err(SecretError::Exposed(path.display().to_string()));
    }
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    serde_json::from_slice(&text).map_err(|_| spoiled(path))
}

fn write(path: &Path, all: &[Kept]) -> Result<(), SecretError> {
    let text = serde_json::to_vec(all).map_err(|_| spoiled(path))?;
    Ok(write_whole(path, &text)?)
}

fn spoiled(path: &Path) -> SecretError {
    SecretError::Spoiled(path.display().to_string())
}
