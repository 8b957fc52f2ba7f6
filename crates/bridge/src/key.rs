//! Keys by reference: from Syncthing's own configuration, or from a file that holds nothing else.

use std::path::{Path, PathBuf};

/// Longest file that is read.
const MAX_BYTES: u64 = 4 << 20;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("{0} cannot be read: {1}")]
    Unreadable(String, std::io::Error),
    /// There is none in it.
    #[error("{0} holds no key")]
    Missing(String),
    /// It speaks HTTPS alone, with a certificate that nobody signed.
    #[error("Syncthing's interface is set to HTTPS, which the bridge does not speak")]
    Secure,
}

/// What Syncthing's own configuration says of its interface.
#[derive(Clone, PartialEq, Eq)]
pub struct Gui {
    /// Where it listens.
    pub address: Option<String>,
    /// Its key.
    pub key: String,
}

impl std::fmt::Debug for Gui {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Gui({:?})", self.address)
    }
}

fn read(path: &Path) -> Result<String, KeyError> {
    use std::io::Read as _;
    let shown = || path.display().to_string();
    let unreadable = |error| KeyError::Unreadable(shown(), error);
    let mut text = String::new();
    std::fs::File::open(path)
        .map_err(unreadable)?
        .take(MAX_BYTES)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    Ok(text)
}

/// Where Syncthing keeps its configuration, in a user's home.
#[must_use]
pub fn usual(home: &Path) -> Option<PathBuf> {
    let places = [
        ".local/state/syncthing/config.xml",
        ".config/syncthing/config.xml",
        "AppData/Local/Syncthing/config.xml",
        "Library/Application Support/Syncthing/config.xml",
    ];
    places
        .iter()
        .map(|place| home.join(place))
        .find(|path| path.is_file())
}

/// A key that is all of a file.
///
/// # Errors
/// [`KeyError`].
pub fn of_file(path: &Path) -> Result<String, KeyError> {
    let text = read(path)?;
    let key = text.trim();
    if key.is_empty() || key.contains(char::is_whitespace) {
        return Err(KeyError::Missing(path.display().to_string()));
    }
    Ok(key.to_owned())
}

/// What Syncthing's configuration says.
///
/// # Errors
/// [`KeyError`].
pub fn of_syncthing(path: &Path) -> Result<Gui, KeyError> {
    gui(&read(path)?, &path.display().to_string())
}

fn gui(text: &str, shown: &str) -> Result<Gui, KeyError> {
    let missing = || KeyError::Missing(shown.to_owned());
    let (_, rest) = text.split_once("<gui").ok_or_else(missing)?;
    let (gui, _) = rest.split_once("</gui>").ok_or_else(missing)?;
    let (attributes, inside) = gui.split_once('>').ok_or_else(missing)?;
    if attributes.contains("tls=\"true\"") {
        return Err(KeyError::Secure);
    }
    let element = |name: &str| {
        let (_, rest) = inside.split_once(&format!("<{name}>"))?;
        let (value, _) = rest.split_once(&format!("</{name}>"))?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    };
    Ok(Gui {
        address: element("address"),
        key: element("apikey").ok_or_else(missing)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interface_is_found_in_the_configuration() {
        let text = "<configuration version=\"36\"><device><address>dynamic</address></device>\n<gui enabled=\"true\" tls=\"false\" debugging=\"false\">\n<address>127.0.0.1:8384</address>\n<apikey>abc</apikey>\n</gui><options/></configuration>";
        let found = gui(text, "x").unwrap();
        assert_eq!(found.address.as_deref(), Some("127.0.0.1:8384"));
        assert_eq!(found.key, "abc");
        assert!(!format!("{found:?}").contains("abc"), "never printed");
        let secure = text.replace("tls=\"false\"", "tls=\"true\"");
        assert!(matches!(gui(&secure, "x"), Err(KeyError::Secure)));
        for broken in ["", "<gui", "<gui></gui>", "<gui><apikey></apikey></gui>"] {
            assert!(
                matches!(gui(broken, "x"), Err(KeyError::Missing(_))),
                "{broken}"
            );
        }
    }
}
