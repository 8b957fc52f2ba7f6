//! Addresses of webhooks and pings: what is accepted, how they are told without their secrets, and where a signal goes.

use hyper::Uri;
use hyper::http::uri::Scheme;
use syncmgr_core::telling::Signal;

/// Longest address, in bytes.
const MAX_ADDRESS: usize = 2_048;

/// Reads an address.
///
/// # Errors
/// What is wrong with it, without the address itself: a part of it may be secret.
pub(crate) fn read(text: &str) -> Result<Uri, String> {
    if text.len() > MAX_ADDRESS {
        return Err(format!("an address has at most {MAX_ADDRESS} bytes"));
    }
    let uri: Uri = text
        .parse()
        .map_err(|_| "it is no address such as https://example.org/path".to_owned())?;
    let scheme = uri.scheme();
    if scheme != Some(&Scheme::HTTP) && scheme != Some(&Scheme::HTTPS) {
        return Err("an address begins with https:// or http://".to_owned());
    }
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    if authority.contains('@') {
        return Err(
            "an address holds no name and password; name a header and where its value is read: \
             headers = { Authorization = \"file:/path\" }"
                .to_owned(),
        );
    }
    if uri.host().is_none_or(str::is_empty) || uri.port().is_some() && uri.port_u16().is_none() {
        return Err("it names no host".to_owned());
    }
    Ok(uri)
}

/// An address as it is shown: what follows the host is left out, since it is as good as a password at many services.
#[must_use]
pub(crate) fn spell(text: &str) -> String {
    match text.parse::<Uri>() {
        Ok(uri) => {
            let scheme = uri.scheme_str().unwrap_or("http");
            let host = uri.host().unwrap_or_default();
            let port = uri
                .port()
                .map_or_else(String::new, |port| format!(":{port}"));
            let rest = if matches!(
                uri.path_and_query().map(|rest| rest.as_str()),
                None | Some("/")
            ) {
                ""
            } else {
                "/…"
            };
            crate::adapt::text::line(&format!("{scheme}://{host}{port}{rest}"))
        }
        Err(_) => "an address".to_owned(),
    }
}

/// Where a signal of a dead man's switch goes: `URL`, `URL/start` or `URL/fail`; a query stays behind it.
#[must_use]
pub(crate) fn of_signal(url: &str, signal: Signal) -> String {
    let end = match signal {
        Signal::Good => return url.to_owned(),
        Signal::Start => "start",
        Signal::Fail => "fail",
    };
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (url, String::new()),
    };
    format!("{}/{end}{query}", path.trim_end_matches('/'))
}

/// Whether an address is on this machine, and needs no network.
#[must_use]
pub(crate) fn is_here(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown_without_what_may_be_secret() {
        for (text, shown) in [
            (
                "https://hc.example.org/0f3e-secret",
                "https://hc.example.org/…",
            ),
            ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
            ("https://[::1]:8000/?token=x", "https://[::1]:8000/…"),
        ] {
            read(text).unwrap();
            assert_eq!(spell(text), shown);
        }
        for (text, part) in [
            ("ftp://example.org", "begins with"),
            ("example.org/x", "no address such as"),
            ("https://ada:secret@example.org/", "no name and password"),
            ("https://", "no address"),
            ("https://exa mple", "no address"),
        ] {
            let why = read(text).unwrap_err();
            assert!(why.contains(part), "{text}: {why}");
            assert!(!why.contains("secret@"), "{why}");
        }
        assert_eq!(spell("https://ada:secret@h/x"), "https://h/…");
    }

    #[test]
    fn signals_have_places_of_their_own() {
        let of = |url, signal| of_signal(url, signal);
        assert_eq!(of("https://h/id", Signal::Good), "https://h/id");
        assert_eq!(of("https://h/id/", Signal::Start), "https://h/id/start");
        assert_eq!(
            of("https://h/id?a=b", Signal::Fail),
            "https://h/id/fail?a=b"
        );
    }

    #[test]
    fn what_is_here_needs_no_network() {
        for here in ["http://localhost:1/", "http://127.1.2.3/x", "http://[::1]/"] {
            assert!(is_here(here), "{here}");
        }
        assert!(!is_here("http://192.0.2.1/"));
        assert!(!is_here("http://localhost.example.org/"));
    }
}
