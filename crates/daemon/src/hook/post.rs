//! Sends one thing to one address over HTTP or HTTPS. Each attempt has a connection, a limit and, for HTTPS, the system's
//! certificates of its own: nothing is kept in memory between two of them.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    CONTENT_TYPE, HOST, HeaderName, HeaderValue, LOCATION, RETRY_AFTER, USER_AGENT,
};
use hyper::http::uri::Scheme;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use syncmgr_core::telling::{Address, Secret};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, RootCertStore, crypto};

use super::address;
use super::outbox::{Parcel, Sent};
use crate::perform::reason;

/// How long one attempt may take, redirects and all.
pub(crate) const LIMIT: Duration = Duration::from_secs(15);
/// Most redirects that are followed.
const MAX_REDIRECTS: usize = 3;
/// Longest secret that is read from a file.
const MAX_SECRET_BYTES: u64 = 16 << 10;

/// Sends a parcel once.
pub(crate) async fn send(parcel: Parcel) -> Sent {
    send_within(parcel, LIMIT).await
}

pub(crate) async fn send_within(parcel: Parcel, limit: Duration) -> Sent {
    let later = |why| Sent::NotNow { why, after: None };
    match tokio::time::timeout(limit, attempt(&parcel)).await {
        Ok(Ok(sent)) => sent,
        Ok(Err(Trouble::Passing(why))) => later(why),
        Ok(Err(Trouble::Lasting(why))) => Sent::Never(why),
        Err(_) => later(format!(
            "there was no answer within {} s",
            limit.as_secs_f64()
        )),
    }
}

/// Why an attempt did not come to an answer.
enum Trouble {
    /// It may be otherwise later.
    Passing(String),
    /// The configuration or the server must change.
    Lasting(String),
}

async fn attempt(parcel: &Parcel) -> Result<Sent, Trouble> {
    let (mut url, kind, headers) = match &parcel.to {
        Address::Webhook(webhook) => (
            webhook.url.clone(),
            "application/json",
            secret_headers(&webhook.headers).await?,
        ),
        Address::Ping { url, signal } => (
            address::of_signal(url, *signal),
            "text/plain; charset=utf-8",
            Vec::new(),
        ),
    };
    let mut before: Option<Uri> = None;
    for _ in 0..=MAX_REDIRECTS {
        let uri = address::read(&url).map_err(Trouble::Lasting)?;
        if let Some(before) = &before {
            if before.scheme() != uri.scheme() {
                return Err(Trouble::Lasting(
                    "it redirects from https to http or back, which is not followed".to_owned(),
                ));
            }
            if before.authority() != uri.authority() && !headers.is_empty() {
                return Err(Trouble::Lasting(
                    "it redirects to another host, which is not to learn the headers".to_owned(),
                ));
            }
        }
        let answer = exchange(&uri, kind, &headers, &parcel.body).await?;
        let status = answer.status();
        if !matches!(
            status,
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
        ) {
            return Ok(judge(&answer));
        }
        let to = answer
            .headers()
            .get(LOCATION)
            .and_then(|to| to.to_str().ok())
            .ok_or_else(|| Trouble::Lasting("it redirects nowhere".to_owned()))?;
        url = if to.starts_with('/') && !to.starts_with("//") {
            let scheme = uri.scheme_str().unwrap_or("http");
            let authority = uri.authority().map_or("", |authority| authority.as_str());
            format!("{scheme}://{authority}{to}")
        } else {
            to.to_owned()
        };
        before = Some(uri);
    }
    Err(Trouble::Lasting(format!(
        "it redirects more than {MAX_REDIRECTS} times"
    )))
}

/// What an answer means.
fn judge<B>(answer: &Response<B>) -> Sent {
    let status = answer.status();
    let why = format!("it answered {status}");
    if status.is_success() {
        return Sent::Well;
    }
    if status.is_redirection() {
        return Sent::Never(format!("{why}: it has moved; correct the address"));
    }
    let passing = status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
        );
    if !passing {
        return Sent::Never(why);
    }
    // Only as a number of seconds: whoever sends a date has a clock that may differ.
    let after = answer
        .headers()
        .get(RETRY_AFTER)
        .and_then(|after| after.to_str().ok()?.trim().parse().ok())
        .map(Duration::from_secs);
    Sent::NotNow { why, after }
}

async fn exchange(
    uri: &Uri,
    kind: &'static str,
    headers: &[(HeaderName, HeaderValue)],
    body: &str,
) -> Result<Response<hyper::body::Incoming>, Trouble> {
    let passing = |what: &str, error: &dyn std::error::Error| {
        Trouble::Passing(format!("{what}: {}", reason(error)))
    };
    let host = uri.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let secure = uri.scheme() == Some(&Scheme::HTTPS);
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let stream = TcpStream::connect((bare, port))
        .await
        .map_err(|error| passing("it cannot be reached", &error))?;
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(uri.path_and_query().map_or("/", |rest| rest.as_str()))
        .header(
            HOST,
            uri.authority().map_or(host, |authority| authority.as_str()),
        )
        .header(USER_AGENT, concat!("syncmgr/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, kind);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request
        .body(Full::new(Bytes::from(body.to_owned())))
        .map_err(|error| Trouble::Lasting(reason(&error)))?;
    if secure {
        let name = ServerName::try_from(bare.to_owned())
            .map_err(|_| Trouble::Lasting("its name cannot be in a certificate".to_owned()))?;
        let connector = TlsConnector::from(Arc::new(trust().await?));
        let stream = connector
            .connect(name, stream)
            .await
            .map_err(|error| insecure(&error))?;
        talk(stream, request).await
    } else {
        talk(stream, request).await
    }
}

/// Why no secure connection came about. A certificate may be renewed, and be trusted then.
fn insecure(error: &std::io::Error) -> Trouble {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    Trouble::Passing(match inner {
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            "its certificate is not trusted: nobody whom the system trusts signed it (`SSL_CERT_FILE` names others)"
                .to_owned()
        }
        Some(rustls::Error::InvalidCertificate(why)) => {
            format!("its certificate is not trusted: {why}")
        }
        Some(_) | None => format!("no secure connection came about: {}", reason(error)),
    })
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Response<hyper::body::Incoming>, Trouble> {
    let broken =
        |error: hyper::Error| Trouble::Passing(format!("the connection broke: {}", reason(&error)));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    // Driven here, so that it ends with the attempt. What the body of the answer says is not read.
    let answer = sender.send_request(request);
    tokio::pin!(answer, connection);
    let mut open = true;
    loop {
        tokio::select! {
            biased;
            answer = &mut answer => return answer.map_err(broken),
            ended = &mut connection, if open => {
                open = false;
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection broke");
                }
            }
        }
    }
}

/// The certificates that the system trusts.
async fn trust() -> Result<ClientConfig, Trouble> {
    let loading = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs);
    let loaded = loading
        .await
        .map_err(|_| Trouble::Passing("the system's certificates cannot be read".to_owned()))?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(loaded.certs);
    if roots.is_empty() {
        return Err(Trouble::Passing(
            "the system trusts no certificates: install them (`ca-certificates`)".to_owned(),
        ));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Trouble::Lasting(reason(&error)))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

async fn secret_headers(
    headers: &[(String, Secret)],
) -> Result<Vec<(HeaderName, HeaderValue)>, Trouble> {
    let mut read = Vec::new();
    for (name, secret) in headers {
        let value = secret_value(secret).await?;
        let name = HeaderName::try_from(name.as_str())
            .map_err(|_| Trouble::Lasting(format!("`{name}` is no name of a header")))?;
        let mut value = HeaderValue::try_from(value.as_str()).map_err(|_| {
            Trouble::Lasting(format!("the value of `{name}` cannot be in a header"))
        })?;
        value.set_sensitive(true);
        read.push((name, value));
    }
    Ok(read)
}

/// Reads a secret where it stands. It is never told what it is, only where it was looked for.
async fn secret_value(secret: &Secret) -> Result<String, Trouble> {
    match secret {
        Secret::Env(name) => {
            #[expect(
                clippy::disallowed_methods,
                reason = "the configuration names the variable; its value is read when it is sent, and kept nowhere"
            )]
            let value = std::env::var(name);
            value.map_err(|_| {
                Trouble::Lasting(format!(
                    "the variable {name} of the manager's environment is not set"
                ))
            })
        }
        Secret::File(path) => {
            let path = path.clone();
            let shown = crate::adapt::text::line(&path);
            let reading = tokio::task::spawn_blocking(move || {
                use std::io::Read as _;
                let mut text = String::new();
                std::fs::File::open(path)?
                    .take(MAX_SECRET_BYTES)
                    .read_to_string(&mut text)?;
                std::io::Result::Ok(text)
            });
            match reading.await {
                Ok(Ok(text)) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
                Ok(Err(error)) => Err(Trouble::Passing(format!(
                    "the secret in {shown} cannot be read: {error}"
                ))),
                Err(_) => Err(Trouble::Passing(format!(
                    "the secret in {shown} cannot be read"
                ))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syncmgr_core::account::Occasion;
    use syncmgr_core::telling::{Signal, Webhook};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::task::JoinHandle;

    /// What a server says to one request after the other; absent: nothing, and it keeps the connection.
    async fn server(
        answers: Vec<Option<String>>,
    ) -> (String, JoinHandle<(Vec<String>, Vec<TcpStream>)>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        #[expect(
            clippy::disallowed_methods,
            reason = "a test awaits what its server heard"
        )]
        let task = tokio::task::spawn(async move {
            let mut heard = Vec::new();
            let mut kept = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut bytes = Vec::new();
                let mut piece = [0_u8; 4096];
                while !is_whole(&bytes) {
                    match stream.read(&mut piece).await {
                        Ok(0) | Err(_) => break,
                        Ok(count) => bytes.extend_from_slice(&piece[..count]),
                    }
                }
                heard.push(String::from_utf8_lossy(&bytes).into_owned());
                match answer {
                    Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
                    None => kept.push(stream),
                }
            }
            (heard, kept)
        });
        (url, task)
    }

    fn is_whole(bytes: &[u8]) -> bool {
        let text = String::from_utf8_lossy(bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            return false;
        };
        let length = head.lines().find_map(|line| {
            line.to_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        });
        body.len() >= length.unwrap_or(0)
    }

    fn says(status: &str, headers: &str) -> Option<String> {
        Some(format!(
            "HTTP/1.1 {status}\r\n{headers}content-length: 0\r\n\r\n"
        ))
    }

    fn webhook(url: &str, headers: &[(&str, Secret)]) -> Parcel {
        Parcel {
            to: Address::Webhook(Webhook {
                url: url.to_owned(),
                on: vec![Occasion::Failed],
                headers: headers
                    .iter()
                    .map(|(name, secret)| ((*name).to_owned(), secret.clone()))
                    .collect(),
            }),
            body: "{\"version\":1}".to_owned(),
            handler: None,
        }
    }

    #[tokio::test]
    async fn a_webhook_is_posted_with_the_secret_of_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "Bearer hidden\n").unwrap();
        let (url, server) = server(vec![says("204 No Content", "")]).await;
        let secret = Secret::File(file.path().display().to_string());
        let parcel = webhook(&format!("{url}/in?a=b"), &[("Authorization", secret)]);
        assert_eq!(send(parcel).await, Sent::Well);
        let heard = server.await.unwrap().0.remove(0).to_lowercase();
        assert!(heard.starts_with("post /in?a=b http/1.1"), "{heard}");
        assert!(
            heard.contains("authorization: bearer hidden\r\n"),
            "{heard}"
        );
        assert!(heard.contains("content-type: application/json"), "{heard}");
        assert!(heard.ends_with("{\"version\":1}"), "{heard}");
    }

    #[tokio::test]
    async fn a_ping_goes_to_the_place_of_its_signal() {
        let (url, server) = server(vec![says("200 OK", "")]).await;
        let to = Address::Ping {
            url: format!("{url}/id"),
            signal: Signal::Fail,
        };
        let parcel = Parcel {
            to,
            body: "notes failed".to_owned(),
            handler: None,
        };
        assert_eq!(send(parcel).await, Sent::Well);
        let heard = server.await.unwrap().0.remove(0);
        assert!(heard.starts_with("POST /id/fail HTTP/1.1"), "{heard}");
        assert!(heard.ends_with("notes failed"), "{heard}");
    }

    #[tokio::test]
    async fn answers_mean_now_later_or_never() {
        for (status, headers, wanted) in [
            ("500 Internal Server Error", "", Some(None)),
            ("503 Busy", "retry-after: 120\r\n", Some(Some(120))),
            ("429 Slow down", "retry-after: tomorrow\r\n", Some(None)),
            ("404 Not Found", "", None),
            ("302 Found", "location: /there\r\n", None),
        ] {
            let (url, server) = server(vec![says(status, headers)]).await;
            match (send(webhook(&url, &[])).await, wanted) {
                (Sent::NotNow { after, .. }, Some(wanted)) => {
                    assert_eq!(after, wanted.map(Duration::from_secs), "{status}");
                }
                (Sent::Never(why), None) => {
                    assert!(why.contains(&status[..3]), "{why}");
                }
                (sent, _) => panic!("{status}: {sent:?}"),
            }
            server.await.unwrap();
        }
    }

    #[tokio::test]
    async fn who_never_answers_is_left_and_who_is_not_there_may_come() {
        let (url, server) = server(vec![None]).await;
        let sent = send_within(webhook(&url, &[]), Duration::from_millis(200)).await;
        assert!(matches!(&sent, Sent::NotNow { why, .. } if why.contains("no answer within")));
        server.await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gone = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let sent = send(webhook(&gone, &[])).await;
        assert!(matches!(&sent, Sent::NotNow { why, .. } if why.contains("cannot be reached")));
        // One that hangs up without a word.
        let (url, server) = self::server(vec![Some(String::new())]).await;
        let sent = send(webhook(&url, &[])).await;
        assert!(
            matches!(&sent, Sent::NotNow { why, .. } if why.contains("broke")),
            "{sent:?}"
        );
        server.await.unwrap();
    }

    #[tokio::test]
    async fn redirects_keep_the_scheme_and_the_secrets() {
        let (url, there) = server(vec![
            says("307 Temporary Redirect", "location: /there\r\n"),
            says("200 OK", ""),
        ])
        .await;
        assert_eq!(send(webhook(&url, &[])).await, Sent::Well);
        let (heard, _) = there.await.unwrap();
        assert!(heard[1].starts_with("POST /there"), "{heard:?}");
        // Another host is not told the headers, and http does not become anything else.
        let (other, _never) = server(vec![says("200 OK", "")]).await;
        let elsewhere = format!("location: {other}/x\r\n");
        let (url, here) = server(vec![says("308 Permanent Redirect", &elsewhere)]).await;
        let secret = Secret::Env("PATH".to_owned());
        let sent = send(webhook(&url, &[("X-Key", secret)])).await;
        assert!(
            matches!(&sent, Sent::Never(why) if why.contains("another host")),
            "{sent:?}"
        );
        here.await.unwrap();
        for location in [
            "location: https://127.0.0.1:1/\r\n",
            "location: file:///etc\r\n",
            "",
        ] {
            let (url, here) = server(vec![says("307 Temporary Redirect", location)]).await;
            let sent = send(webhook(&url, &[])).await;
            assert!(matches!(sent, Sent::Never(_)), "{location}: {sent:?}");
            here.await.unwrap();
        }
        let round = "location: /round\r\n";
        let (url, here) = server(vec![says("307 Temporary Redirect", round); 4]).await;
        let sent = send(webhook(&url, &[])).await;
        assert!(
            matches!(&sent, Sent::Never(why) if why.contains("more than 3")),
            "{sent:?}"
        );
        here.await.unwrap();
    }

    #[tokio::test]
    async fn a_secret_that_is_not_there_is_named_and_nothing_is_sent() {
        let secret = Secret::Env("SYNCMGR_NOT_SET_ANYWHERE".to_owned());
        let sent = send(webhook("http://127.0.0.1:1/", &[("X-Key", secret)])).await;
        let text = "the variable SYNCMGR_NOT_SET_ANYWHERE of the manager's environment is not set";
        assert_eq!(sent, Sent::Never(text.to_owned()));
        let secret = Secret::File("/nowhere/at/all".to_owned());
        let sent = send(webhook("http://127.0.0.1:1/", &[("X-Key", secret)])).await;
        assert!(matches!(&sent, Sent::NotNow { why, .. } if why.contains("/nowhere/at/all")));
    }

    #[tokio::test]
    async fn a_server_that_proves_nothing_learns_nothing() {
        let (url, server) = server(vec![says("200 OK", "")]).await;
        let secret = Secret::Env("PATH".to_owned());
        let url = url.replace("http:", "https:");
        let sent = send_within(webhook(&url, &[("X-Key", secret)]), Duration::from_secs(5)).await;
        assert!(matches!(sent, Sent::NotNow { .. }), "{sent:?}");
        server.abort();
    }
}
