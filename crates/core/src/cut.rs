//! Bounds of the texts that handlers send; a text is cut, an identifier never (Sync Center A-30).

/// Most characters of a progress text (`MAX_SYNCMGR_PROGRESSTEXT` less the terminator).
pub const MAX_PROGRESS_TEXT: usize = 259;
/// Most characters of a name or comment (`MAX_SYNCMGR_NAME` less the terminator).
pub const MAX_NAME: usize = 127;
/// Most bytes of one line: a log entry, a problem, a question.
pub const MAX_LINE: usize = 4 * 1024;
/// Most bytes of a longer text: a detail, a context, a schema.
pub const MAX_DETAIL: usize = 64 * 1024;
/// Most bytes kept of what a handler wrote on standard error.
pub const MAX_STDERR: usize = 64 * 1024;

/// Cuts a text to `max` bytes at a character boundary.
#[must_use]
pub fn bytes(mut text: String, max: usize) -> String {
    if text.len() > max {
        text.truncate(text.floor_char_boundary(max));
        text.shrink_to_fit();
    }
    text
}

/// Cuts a text to `max` characters.
#[must_use]
pub fn chars(mut text: String, max: usize) -> String {
    if text.len() > max
        && let Some((at, _)) = text.char_indices().nth(max)
    {
        text.truncate(at);
        text.shrink_to_fit();
    }
    text
}

/// Keeps the last `max` bytes of a text, at a character boundary.
#[must_use]
pub fn tail(text: String, max: usize) -> String {
    if text.len() <= max {
        return text;
    }
    let from = text.ceil_char_boundary(text.len().saturating_sub(max));
    text.get(from..).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_at_character_boundaries() {
        assert_eq!(bytes("aäö".into(), 2), "a");
        assert_eq!(bytes("aäö".into(), 3), "aä");
        assert_eq!(chars("aäö".into(), 2), "aä");
        assert_eq!(chars("aäö".into(), 3), "aäö");
        assert_eq!(tail("aäö".into(), 3), "ö");
        assert_eq!(tail("aäö".into(), 0), "");
        assert_eq!(tail("aäö".into(), 99), "aäö");
    }
}
