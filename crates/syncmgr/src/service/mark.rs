//! The mark by which a file is known again as ours and unchanged.

use syncmgr_cli::ServiceFileState;

/// What stands before the digest; the comment signs around it are the format's affair.
const MARK: &str = "Written by `syncmgr service install`; digest ";
/// Digits of the digest: it guards against oversight, not against malice.
const DIGITS: usize = 16;

/// Puts the mark into a text, where `place` stands, as a line of its own between these comment signs.
pub(super) fn mark(text: &str, place: &str, (open, close): (&str, &str)) -> String {
    let digest = digest(&text.replacen(place, "", 1));
    text.replacen(place, &format!("{open}{MARK}{digest}{close}\n"), 1)
}

/// How a file that is there stands to what would be written.
pub(super) fn state(found: &str, wanted: &str) -> ServiceFileState {
    let Some((begin, line)) = marked_line(found) else {
        return ServiceFileState::Foreign;
    };
    let rest = [&found[..begin], &found[begin + line.len()..]].concat();
    let noted = line
        .split_once(MARK)
        .and_then(|(_, digest)| digest.get(..DIGITS));
    if noted != Some(digest(&rest).as_str()) {
        ServiceFileState::Edited
    } else if found == wanted {
        ServiceFileState::Current
    } else {
        ServiceFileState::Outdated
    }
}

/// The line with the mark, its end included, and where it begins.
fn marked_line(text: &str) -> Option<(usize, &str)> {
    let mut begin = 0;
    for line in text.split_inclusive('\n') {
        if line.contains(MARK) {
            return Some((begin, line));
        }
        begin += line.len();
    }
    None
}

fn digest(text: &str) -> String {
    let mut digest = blake3::hash(text.as_bytes()).to_hex().to_string();
    digest.truncate(DIGITS);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_wrote_is_known_again() {
        let one = mark("a\n@b\n", "@", ("# ", ""));
        let other = mark("a\n@c\n", "@", ("<!-- ", " -->"));
        assert!(other.starts_with("a\n<!-- Written by"), "{other}");
        assert_eq!(state(&one, &one), ServiceFileState::Current);
        assert_eq!(state(&other, &one), ServiceFileState::Outdated);
        let edited = one.replace("\nb", "\nbb");
        assert_eq!(state(&edited, &one), ServiceFileState::Edited);
        let cut = &one[..one.len() - 3];
        assert_eq!(state(cut, &one), ServiceFileState::Edited);
        for text in ["", "a\nb\n", "\u{1F600}\n"] {
            assert_eq!(state(text, &one), ServiceFileState::Foreign);
        }
        assert_eq!(state(MARK, &one), ServiceFileState::Edited);
    }
}
