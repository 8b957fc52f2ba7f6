//! The password of Sync Center: kept as its argon2id hash, in a file that nobody else may read.

use std::path::Path;
use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2};
use syncmgr_center::door::Verify;
use syncmgr_control::Refusal;

/// Shortest password: one that is guessed ten times a minute at most.
const MIN_PASSWORD_CHARS: usize = 12;
/// Longest password that is looked at.
const MAX_PASSWORD_BYTES: usize = 1024;

/// Writes the hash of a password into a file.
///
/// # Errors
/// `center::password`: it is too short or too long, or the file cannot be written.
pub fn set(path: &Path, password: &str) -> Result<(), Refusal> {
    if password.chars().count() < MIN_PASSWORD_CHARS || password.len() > MAX_PASSWORD_BYTES {
        return Err(Refusal::new(
            "center::password",
            format!("the password has fewer than {MIN_PASSWORD_CHARS} characters, or far too many"),
            "take a sentence that you remember",
        ));
    }
    let hash = hash(password).map_err(|why| unusable(path, &why))?;
    crate::config::write_whole(path, format!("{hash}\n").as_bytes())
        .map_err(|cause| unusable(path, "it cannot be written").because(&cause))
}

fn hash(password: &str) -> Result<String, String> {
    let hash: Result<PasswordHash, _> = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string())
        .map_err(|error| error.to_string())
}

/// What tells the password whose hash is in a file from others. It takes a while and memory on purpose.
///
/// # Errors
/// `center::password`: the file cannot be read, others may read it, or no hash is in it.
pub(crate) fn verify(path: &Path) -> Result<Verify, Refusal> {
    let text = super::private::read(path).map_err(|why| unusable(path, &why))?;
    let hash = PasswordHash::new(text.trim())
        .ok()
        .filter(|hash| hash.algorithm == Algorithm::Argon2id.ident())
        .ok_or_else(|| unusable(path, "no hash by argon2id is in it"))?;
    Ok(Arc::new(move |password: &str| {
        password.len() <= MAX_PASSWORD_BYTES
            && Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
    }))
}

fn unusable(path: &Path, why: &str) -> Refusal {
    Refusal::new(
        "center::password",
        format!("the password file {} cannot be used: {why}", path.display()),
        format!(
            "write it with: syncmgr center --set-password {}",
            path.display()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_itself_alone_and_is_not_kept() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("password");
        assert_eq!(set(&path, "short").unwrap_err().code, "center::password");
        set(&path, "correct horse battery").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("$argon2id$") && !text.contains("horse"),
            "{text}"
        );
        let is = verify(&path).unwrap();
        assert!(is("correct horse battery"));
        assert!(!is("correct horse batter") && !is(""));
        std::fs::write(&path, "$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAA").unwrap();
        assert!(verify(&path).is_err());
    }
}
