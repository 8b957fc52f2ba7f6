//! What only one knows: random, never shown by accident, compared in the same time whatever is guessed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

/// Random bytes of a secret: as many as nobody guesses.
const SECRET_BYTES: usize = 32;

/// A token.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// A new one, from the system's own source of chance.
    ///
    /// # Errors
    /// When the system has none.
    pub fn random() -> std::io::Result<Self> {
        let mut bytes = [0; SECRET_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// One that somebody else made.
    #[must_use]
    pub fn known(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Whether this is it. How long that takes tells nothing but lengths.
    #[must_use]
    pub fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }

    /// The text, for the one who is to have it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_itself_alone_and_is_not_shown() {
        let (one, other) = (Secret::random().unwrap(), Secret::random().unwrap());
        assert_eq!(one.reveal().len(), 43);
        assert!(one.is(one.reveal()));
        for wrong in ["", "x", other.reveal(), &one.reveal()[1..]] {
            assert!(!one.is(wrong), "{wrong}");
        }
        assert_eq!(format!("{one:?}"), "Secret");
    }
}
