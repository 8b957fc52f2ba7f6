//! Addresses of the page: made from what they are about, and taken only from our own pages.

use syncmgr_control::view::ItemView;

/// Longest address that an act leads back to.
pub(crate) const MAX_BACK: usize = 2_048;

/// The page of an item.
pub(crate) fn item(name: &str) -> String {
    format!("/item?name={}", encoded(name))
}

/// The page of an item by what names it alone, or by its name where nothing else is known.
pub(crate) fn of_item(handler: Option<&str>, id: Option<&str>, name: &str) -> String {
    match (handler, id) {
        (Some(handler), Some(id)) if !id.is_empty() => item(&format!("{handler}/{id}")),
        _ => item(name),
    }
}

/// The properties of an item or a handler.
pub(crate) fn properties(name: &str) -> String {
    format!("/properties?name={}", encoded(name))
}

/// The page of a run.
pub(crate) fn run(id: u64) -> String {
    format!("/run?id={id}")
}

/// The page of what was just started.
pub(crate) fn progress(request: u64) -> String {
    format!("/progress?request={request}&begun=yes")
}

/// The same, opened beside what goes on: it does not close by itself.
pub(crate) fn details(request: u64) -> String {
    format!("/progress?request={request}")
}

/// The page of a question's list.
pub(crate) fn list(need: u64) -> String {
    format!("/choose?need={need}")
}

/// What names an item whatever it is called.
pub(crate) fn full_name(item: &ItemView) -> String {
    format!("{}/{}", item.handler, item.id)
}

/// An identifier for an element that is about something named so: the same on every page, and never what the name itself says.
pub(crate) fn element(kind: &str, name: &str) -> String {
    // FNV-1a.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{kind}-{hash:016x}")
}

/// A text as a part of a query.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    out
}

fn digit(value: u8) -> char {
    char::from_digit(value.into(), 16).map_or('0', |digit| digit.to_ascii_uppercase())
}

/// Where an act leads back to: an address of this page, or the first one.
pub(crate) fn back(wanted: Option<&str>) -> &str {
    let is_ours = |address: &&str| {
        address.len() <= MAX_BACK
            && address.starts_with('/')
            && !address.starts_with("//")
            && address
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    wanted.filter(is_ours).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_address_is_about_stays_inside_it() {
        assert_eq!(item("a/b &\"é"), "/item?name=a%2Fb%20%26%22%C3%A9");
        assert_ne!(element("row", "a/b"), element("row", "a/c"));
        assert_eq!(element("row", "<b>").len(), "row-".len() + 16);
    }

    #[test]
    fn an_act_leads_back_to_our_own_pages_alone() {
        for (wanted, back_to) in [
            (Some("/inbox"), "/inbox"),
            (Some("/?text=a&page=2"), "/?text=a&page=2"),
            (Some("//evil.example"), "/"),
            (Some("/\\evil.example"), "/"),
            (Some("https://evil.example"), "/"),
            (Some("/a\r\nset-cookie: x"), "/"),
            (Some("javascript:alert(1)"), "/"),
            (Some(""), "/"),
            (None, "/"),
        ] {
            assert_eq!(back(wanted), back_to, "{wanted:?}");
        }
        assert_eq!(back(Some(&format!("/{}", "x".repeat(3_000)))), "/");
    }
}
