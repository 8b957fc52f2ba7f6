//! What `syncmgr doctor` says of Sync Center: whether it is open, to whom, and what keeps it from opening.

use syncmgr_control::view::CheckView;
use syncmgr_control::{ExitCode, Refusal};

use super::setting::CenterConfig;
use super::{password, tls};
use crate::adapt::text;

/// The line of the doctor. `page` is the address while it is open, `daemon` whether a daemon would open it.
pub(crate) fn check(config: &CenterConfig, page: Option<&str>, daemon: bool) -> CheckView {
    if let Some(refusal) = trouble(config) {
        return line(ExitCode::Warnings, &refusal.message, refusal.hint);
    }
    let address = config.address();
    let Some(page) = page else {
        let is_missing = daemon && config.listen.is_some();
        return if is_missing {
            let hint =
                "another program may have the port: `syncmgr center` tries again and tells why";
            let text = format!("closed, though it is to be open at {address}");
            line(ExitCode::Warnings, &text, Some(hint.to_owned()))
        } else {
            let text = "closed; `syncmgr center` opens it for this machine alone";
            line(ExitCode::Good, text, None)
        };
    };
    let to_whom = if !config.trusted_proxy.is_empty() {
        let proxies: Vec<String> = config
            .trusted_proxy
            .iter()
            .map(ToString::to_string)
            .collect();
        format!("through the proxy at {}", proxies.join(", "))
    } else if address.ip().is_loopback() {
        "for this machine alone".to_owned()
    } else {
        format!("beyond this machine, at {address}, with TLS and a password")
    };
    line(ExitCode::Good, &format!("open at {page} {to_whom}"), None)
}

/// Why it could not be opened as it is configured.
fn trouble(config: &CenterConfig) -> Option<Refusal> {
    let sealed = match (&config.tls_certificate, &config.tls_key) {
        (Some(certificate), Some(key)) => match tls::acceptor(certificate, key) {
            Ok(_) => true,
            Err(refusal) => return Some(refusal),
        },
        _ => false,
    };
    let asks = match config.password_file.as_deref().map(password::verify) {
        Some(Err(refusal)) => return Some(refusal),
        verify => verify.is_some(),
    };
    let address = config.address();
    let is_exposed = !address.ip().is_loopback() && config.trusted_proxy.is_empty();
    (is_exposed && !(sealed && asks)).then(|| super::doorkeeper::exposed(address))
}

fn line(result: ExitCode, text: &str, hint: Option<String>) -> CheckView {
    CheckView {
        name: "Sync Center".to_owned(),
        result,
        text: text::line(text),
        hint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(config: &CenterConfig, page: Option<&str>, daemon: bool) -> (ExitCode, String) {
        let check = check(config, page, daemon);
        assert_eq!(check.hint.is_some(), check.result != ExitCode::Good);
        (check.result, check.text)
    }

    fn at(address: &str) -> CenterConfig {
        CenterConfig {
            listen: Some(address.parse().unwrap()),
            ..CenterConfig::default()
        }
    }

    #[test]
    fn it_says_whether_it_is_open_and_to_whom() {
        let config = CenterConfig::default();
        let (exit, text) = said(&config, None, true);
        assert!(
            exit == ExitCode::Good && text.starts_with("closed; "),
            "{text}"
        );
        let page = "http://127.0.0.1:8384/";
        let (exit, text) = said(&config, Some(page), true);
        let wanted = format!("open at {page} for this machine alone");
        assert_eq!((exit, text), (ExitCode::Good, wanted));
        // What is to be open and is not is no good, but where there is no daemon to open it.
        assert_eq!(
            said(&at("127.0.0.1:8384"), None, true).0,
            ExitCode::Warnings
        );
        assert_eq!(said(&at("127.0.0.1:8384"), None, false).0, ExitCode::Good);
        let mut carried = at("192.0.2.1:80");
        carried.trusted_proxy = vec!["192.0.2.7".parse().unwrap()];
        let (exit, text) = said(&carried, Some("https://sync.example/"), true);
        assert!(
            exit == ExitCode::Good && text.ends_with("the proxy at 192.0.2.7"),
            "{text}"
        );
    }

    #[test]
    fn what_keeps_it_from_opening_is_said_with_what_to_do() {
        let (exit, text) = said(&at("192.0.2.1:8384"), None, true);
        assert!(
            exit == ExitCode::Warnings && text.contains("192.0.2.1:8384"),
            "{text}"
        );
        let mut config = CenterConfig {
            password_file: Some("/there/is/no/password".into()),
            ..CenterConfig::default()
        };
        let (exit, text) = said(&config, None, true);
        assert!(
            exit == ExitCode::Warnings && text.contains("/there/is/no/password"),
            "{text}"
        );
        config.password_file = None;
        config.tls_certificate = Some("/there/is/no/certificate".into());
        config.tls_key = Some("/there/is/no/key".into());
        let (exit, text) = said(&config, None, true);
        assert!(
            exit == ExitCode::Warnings && text.contains("/there/is/no/"),
            "{text}"
        );
    }
}
