//! TLS for Sync Center where others could listen in.

use std::path::Path;
use std::sync::Arc;

use syncmgr_control::Refusal;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What accepts connections with this certificate and key.
///
/// # Errors
/// `center::certificate`.
pub(crate) fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, Refusal> {
    let refuse = |path: &Path, cause: &dyn std::error::Error| {
        Refusal::new(
            "center::certificate",
            format!("{} cannot be used", path.display()),
            "`tls_certificate` is the chain and `tls_key` the key that fits it, both in PEM",
        )
        .because(cause)
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|cause| refuse(certificate, &cause))?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|cause| refuse(key, &cause))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|cause| refuse(certificate, &cause))?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|cause| refuse(certificate, &cause))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
