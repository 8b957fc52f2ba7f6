//! Whether a request is meant for us, and comes from a page of ours.
//!
//! A foreign page can send a browser to our address, and a foreign name can be made to lead there. Neither can change what
//! the browser says of it: the name (`Host`), the page (`Origin`) and how near the two are (`Sec-Fetch-Site`).

use axum::http::request::Parts;
use axum::http::{HeaderName, Method, header};
use syncmgr_control::Refusal;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// A name by which we are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// As a browser writes it, with the port unless it is the usual one, in small letters.
    pub name: String,
    /// Browsers reach us by `https` under it.
    pub secure: bool,
}

impl Host {
    /// A name, which may bring a port of its own.
    #[must_use]
    pub fn new(name: &str, port: u16, secure: bool) -> Self {
        let usual = if secure { 443 } else { 80 };
        let bare = name
            .rsplit_once(':')
            .is_none_or(|(_, port)| port.parse::<u16>().is_err());
        let name = name.to_ascii_lowercase();
        let name = if bare && port != usual {
            format!("{name}:{port}")
        } else {
            name
        };
        Self { name, secure }
    }

    /// The address of the first screen under it, which is also the beginning of all others.
    #[must_use]
    pub fn page(&self) -> String {
        format!("{}/", self.origin())
    }

    fn origin(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.name)
    }
}

/// The names by which we are reached.
#[derive(Debug, Clone)]
pub struct Hosts(pub Vec<Host>);

impl Hosts {
    /// The names of loopback.
    #[must_use]
    pub fn loopback(port: u16, secure: bool) -> Self {
        let names = ["127.0.0.1", "[::1]", "localhost"];
        Self(names.map(|name| Host::new(name, port, secure)).into())
    }

    /// The name that a request is for.
    ///
    /// # Errors
    /// `center::foreign-host` for one that is not ours.
    pub(crate) fn host(&self, parts: &Parts) -> Result<&Host, Refusal> {
        let mut named = parts.headers.get_all(header::HOST).iter();
        let one = named.next().and_then(|host| host.to_str().ok());
        let host = one.map(str::to_ascii_lowercase).filter(|host| {
            // Two names, or another one in the address itself, are a trick.
            named.next().is_none()
                && parts
                    .uri
                    .authority()
                    .is_none_or(|authority| authority.as_str().eq_ignore_ascii_case(host))
        });
        let ours = host.and_then(|host| self.0.iter().find(|ours| ours.name == host));
        ours.ok_or_else(|| {
            Refusal::new(
                "center::foreign-host",
                "this is not served under the name that was asked for",
                "use the address that `syncmgr center` prints; other names go into `hosts` of `[center]`",
            )
        })
    }

    /// Requires that what a browser sends comes from a page of ours; what is no browser must show a token.
    ///
    /// # Errors
    /// `center::foreign-origin`.
    pub(crate) fn check(parts: &Parts, host: &Host, token: bool) -> Result<(), Refusal> {
        let text = |name: &HeaderName| {
            parts
                .headers
                .get(name)
                .map(|value| value.to_str().unwrap_or_default())
        };
        let site = text(&FETCH_SITE);
        let reads = parts.method == Method::GET || parts.method == Method::HEAD;
        let fits = match (text(&header::ORIGIN), site) {
            (Some(origin), _) => origin == host.origin() && near(site),
            // Following a link to a page is no harm: the cookie does not come along.
            (None, _) if reads => near(site) || text(&FETCH_MODE) == Some("navigate"),
            (None, Some(_)) => near(site),
            (None, None) => token,
        };
        if fits {
            return Ok(());
        }
        Err(Refusal::new(
            "center::foreign-origin",
            "this was sent by a page that is not of syncmgr; nothing was done",
            "a program shows its token: `Authorization: Bearer TOKEN`",
        ))
    }
}

fn near(site: Option<&str>) -> bool {
    matches!(site, None | Some("same-origin" | "none"))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn parts(method: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri("/v1/sync");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn names_are_as_browsers_write_them() {
        for (name, port, secure, written) in [
            ("NAS.lan", 8384, false, "http://nas.lan:8384/"),
            ("nas.lan", 443, true, "https://nas.lan/"),
            ("nas.lan:8443", 443, true, "https://nas.lan:8443/"),
            ("[::1]", 80, false, "http://[::1]/"),
            ("[::1]", 81, false, "http://[::1]:81/"),
        ] {
            assert_eq!(Host::new(name, port, secure).page(), written);
        }
    }

    #[test]
    fn only_our_own_names_are_served() {
        let hosts = Hosts::loopback(8384, false);
        for (headers, fits) in [
            (&[("host", "127.0.0.1:8384")][..], true),
            (&[("host", "LOCALHOST:8384")], true),
            (&[("host", "[::1]:8384")], true),
            (&[("host", "127.0.0.1")], false),
            (&[("host", "127.0.0.1:80")], false),
            (&[("host", "evil.example:8384")], false),
            (
                &[("host", "127.0.0.1:8384"), ("host", "evil.example")],
                false,
            ),
            (&[("host", "localhost.evil.example:8384")], false),
            (&[], false),
        ] {
            let said = hosts.host(&parts("GET", headers));
            assert_eq!(said.is_ok(), fits, "{headers:?}");
        }
        let mut both = parts("GET", &[("host", "127.0.0.1:8384")]);
        both.uri = "http://evil.example:8384/".parse().unwrap();
        assert!(hosts.host(&both).is_err());
    }

    #[test]
    fn only_our_own_pages_change_anything() {
        let hosts = Hosts::loopback(8384, false);
        let ours = "http://127.0.0.1:8384";
        let origin = "origin";
        let site = "sec-fetch-site";
        for (method, headers, token, fits) in [
            ("POST", &[(origin, ours)][..], false, true),
            (
                "POST",
                &[(origin, ours), (site, "same-origin")],
                false,
                true,
            ),
            ("POST", &[(site, "same-origin")], false, true),
            ("POST", &[], false, false),
            ("POST", &[], true, true),
            ("POST", &[(origin, "null")], true, false),
            ("POST", &[(origin, "http://127.0.0.1:9999")], true, false),
            ("POST", &[(origin, "https://127.0.0.1:8384")], false, false),
            ("POST", &[(origin, "http://localhost:8384")], false, false),
            (
                "POST",
                &[(origin, ours), (site, "cross-site")],
                false,
                false,
            ),
            ("POST", &[(site, "same-site")], true, false),
            ("DELETE", &[], false, false),
            ("GET", &[], false, true),
            (
                "GET",
                &[(site, "none"), ("sec-fetch-mode", "navigate")],
                false,
                true,
            ),
            (
                "GET",
                &[(site, "cross-site"), ("sec-fetch-mode", "navigate")],
                false,
                true,
            ),
            (
                "GET",
                &[(site, "same-site"), ("sec-fetch-mode", "no-cors")],
                false,
                false,
            ),
            ("GET", &[(origin, "http://evil.example")], false, false),
        ] {
            let said = Hosts::check(&parts(method, headers), &hosts.0[0], token);
            assert_eq!(said.is_ok(), fits, "{method} {headers:?} {token}");
        }
    }
}
