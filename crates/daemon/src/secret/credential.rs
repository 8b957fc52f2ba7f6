//! Credentials of systemd (`LoadCredential=`, `SetCredentialEncrypted=`): files that are only read.

use std::io::Read as _;
use std::path::Path;

use serde_json::{Map, Value};
use syncmgr_control::field::FieldKind;
use syncmgr_core::need::{NeedRow, Typed};
use syncmgr_core::recall::KnownAnswer;

use super::{MAX_ANSWER, SecretError};
use crate::field;

/// What answers a question: a JSON object of its fields, or the text of its only secret.
pub(super) fn find(
    directory: &Path,
    question: &NeedRow,
) -> Result<Option<KnownAnswer>, SecretError> {
    let file = match std::fs::File::open(directory.join(name(question))) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut text = String::new();
    let most = u64::try_from(MAX_ANSWER).unwrap_or(u64::MAX);
    file.take(most).read_to_string(&mut text)?;
    let fields = question
        .fields
        .as_deref()
        .map(field::kept)
        .unwrap_or_default();
    let given = serde_json::from_str::<Map<String, Value>>(&text).ok();
    let given = given.or_else(|| {
        let mut secrets = fields
            .iter()
            .filter(|field| field.kind == FieldKind::Secret);
        let only = secrets.next().filter(|_| secrets.next().is_none())?;
        let text = text.trim_end_matches(['\r', '\n']);
        Some(Map::from_iter([(only.name.clone(), Value::from(text))]))
    });
    let filled = given.and_then(|given| field::filled(&fields, &given).ok());
    let filled =
        filled.ok_or_else(|| SecretError::Spoiled(format!("the credential {}", name(question))))?;
    let choice = question.choices.first().map(|first| first.name.clone());
    Ok(Some(KnownAnswer {
        choice: choice.unwrap_or_default(),
        fields: Typed::new(Value::Object(filled).to_string()),
    }))
}

/// `syncmgr-HANDLER-KEY`, or `syncmgr-HANDLER-ITEM-KEY`, with what may not stand in such a name as `_`.
fn name(question: &NeedRow) -> String {
    let item = question.item.as_ref().map(syncmgr_core::ItemId::as_str);
    let parts = [
        Some("syncmgr"),
        Some(question.handler.as_str()),
        item,
        Some(&question.key),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .flatten()
        .map(|part| {
            part.chars()
                .map(|c| {
                    if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                        c
                    } else {
                        '_'
                    }
                })
                .collect()
        })
        .collect();
    parts.join("-")
}
