//! Systems whose keyring is not used.

use syncmgr_core::need::QuestionRef;

use super::{SecretError, Which};

fn none<T>() -> Result<T, SecretError> {
    Err(SecretError::NoKeyring(
        "that of this system is not used".to_owned(),
    ))
}

pub(super) async fn find(_: &str, _: &QuestionRef) -> Result<Option<Vec<u8>>, SecretError> {
    none()
}

pub(super) async fn keep(_: &str, _: &QuestionRef, _: &str) -> Result<(), SecretError> {
    none()
}

pub(super) async fn forget(_: &str, _: &Which) -> Result<usize, SecretError> {
    none()
}
