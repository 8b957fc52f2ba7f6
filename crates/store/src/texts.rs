//! A list of texts as one text: each member as its length in bytes, a colon, and itself (`5:hello0:3:abc`).

/// Puts the members into one text.
pub(crate) fn join<'a>(members: impl IntoIterator<Item = &'a str>) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for member in members {
        // Writing into a `String` cannot fail.
        let written = write!(text, "{}:{member}", member.len());
        debug_assert!(written.is_ok());
    }
    text
}

/// Takes the members out again; absent when the text was not made by [`join`].
pub(crate) fn split(mut text: &str) -> Option<Vec<String>> {
    let mut members = Vec::new();
    while !text.is_empty() {
        let (length, rest) = text.split_once(':')?;
        // `parse` alone would accept a sign.
        if !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let (member, rest) = rest.split_at_checked(length.parse().ok()?)?;
        members.push(member.to_owned());
        text = rest;
    }
    Some(members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_join_did_not_make_is_refused() {
        for text in [
            "x",
            "5:four",
            "1:é",
            "+1:a",
            ":",
            "99999999999999999999:a",
            "1:ab",
        ] {
            assert_eq!(split(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn members_come_back(members: Vec<String>) {
            prop_assert_eq!(split(&join(members.iter().map(String::as_str))), Some(members));
        }

        #[test]
        fn no_text_panics(text: String) {
            if let Some(members) = split(&text) {
                prop_assert!(members.len() <= text.len());
            }
        }
    }
}
