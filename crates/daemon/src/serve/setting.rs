//! What the configuration says of Sync Center (`[center]`).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;
use syncmgr_control::method::Access;

/// Most programs with a token of their own.
pub(crate) const MAX_PASSES: usize = 64;

/// The settings of Sync Center.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CenterConfig {
    /// Where it listens as long as the daemon runs; absent: on loopback, when somebody asks for it.
    pub listen: Option<SocketAddr>,
    /// Further names by which browsers reach it.
    pub hosts: Vec<String>,
    /// The certificate of TLS with its chain, in PEM.
    pub tls_certificate: Option<PathBuf>,
    /// The key of the certificate.
    pub tls_key: Option<PathBuf>,
    /// The file with the hash of a password that lets people in.
    pub password_file: Option<PathBuf>,
    /// Machines that carry the requests of others here, by `https` under the names of `hosts`; nobody else may connect.
    pub trusted_proxy: Vec<IpAddr>,
    /// Programs with a token of their own.
    pub token: Vec<TokenConfig>,
}

/// A program with a token of its own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenConfig {
    /// What it is called in the record of answers.
    pub name: String,
    /// The file with its token, which nobody else may read.
    pub file: PathBuf,
    /// The most that it may do.
    pub scope: Access,
}

impl CenterConfig {
    /// Where to listen.
    pub(crate) fn address(&self) -> SocketAddr {
        let anywhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        self.listen.unwrap_or(anywhere)
    }

    /// What the types cannot say.
    ///
    /// # Errors
    /// What is wrong, as a fragment.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.tls_certificate.is_some() != self.tls_key.is_some() {
            return Err("`tls_certificate` and `tls_key` belong together".to_owned());
        }
        if !self.trusted_proxy.is_empty() && self.hosts.is_empty() {
            return Err(
                "`trusted_proxy` needs `hosts`: the names under which it is reached".to_owned(),
            );
        }
        if self.token.len() > MAX_PASSES {
            return Err(format!("there are more than {MAX_PASSES} tokens"));
        }
        let wrong = |host: &&String| host.is_empty() || host.contains(['/', '@', ' ']);
        match self.hosts.iter().find(wrong) {
            Some(host) => Err(format!(
                "`{host}` is not a name such as `nas.lan` or `nas.lan:8384`"
            )),
            None => Ok(()),
        }
    }
}
