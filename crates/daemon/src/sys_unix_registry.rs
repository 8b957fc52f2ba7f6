//! Unix: there is no registry; registrations live in the configuration alone.

use crate::registration::SystemClass;

/// The system knows classes by itself.
pub(crate) const KNOWS_CLASSES: bool = false;

/// The classes that the system lists.
pub(crate) fn classes() -> Vec<SystemClass> {
    Vec::new()
}

/// The class of that name among them.
pub(crate) fn class_named(_: &str) -> Option<SystemClass> {
    None
}

/// Whether objects of the class can be made without being told its library.
pub(crate) fn can_be_made(_: &str) -> bool {
    false
}

/// Lists a class, or replaces what is said of it.
pub(crate) fn put(_: &SystemClass) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// Lists a class no more; false when it was not listed.
pub(crate) fn remove(_: &str) -> std::io::Result<bool> {
    Ok(false)
}
