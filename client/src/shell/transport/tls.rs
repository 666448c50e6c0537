//! TLS as a client: whom to believe, what to speak, sessions to resume.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quinn::crypto::rustls::QuicClientConfig;
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CipherSuite, ClientConfig, RootCertStore};

use super::verifier::{BelieveAnybody, Counting};
use super::{Trust, quic};

const ALPN_LINK: &[u8] = b"anser/1";
const ALPN_HTTP: &[u8] = b"http/1.1";
/// Where most systems keep the authorities that they trust.
const SYSTEM_FILE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Why nobody can be believed.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error("the certificates in {path} cannot be read: {reason}")]
    File { path: PathBuf, reason: String },
    #[error("this system has no list of trusted authorities at {SYSTEM_FILE}: name the server's CA file with --ca")]
    NoSystemFile,
}

/// One configuration for each thing that is spoken. Each remembers sessions, so that the next handshake is short; early
/// data stays off.
pub(super) struct Configs {
    pub(super) link: Arc<ClientConfig>,
    pub(super) http: Arc<ClientConfig>,
    pub(super) quic: quinn::ClientConfig,
    certificates_shown: Arc<AtomicU64>,
}

impl Configs {
    pub(super) fn new(trust: &Trust) -> Result<Self, TrustError> {
        let certificates_shown = Arc::default();
        let verifier: Arc<dyn ServerCertVerifier> =
            Arc::new(Counting { verifier: verifier(trust)?, shown: Arc::clone(&certificates_shown) });
        let (link, http) = (config(&verifier, ALPN_LINK), config(&verifier, ALPN_HTTP));
        // A session belongs to the transport that it was made on.
        let quic = quic_config(config(&verifier, ALPN_LINK));
        Ok(Self { link: Arc::new(link), http: Arc::new(http), quic, certificates_shown })
    }

    pub(super) fn full_handshakes(&self) -> u64 {
        self.certificates_shown.load(Ordering::Relaxed)
    }

    /// No session is resumed any more.
    pub(super) fn forget_sessions(&mut self) {
        let mut link = ClientConfig::clone(&self.link);
        link.resumption = Resumption::disabled();
        let mut http = ClientConfig::clone(&self.http);
        http.resumption = Resumption::disabled();
        self.quic = quic_config(link.clone());
        (self.link, self.http) = (Arc::new(link), Arc::new(http));
    }
}

fn quic_config(config: ClientConfig) -> quinn::ClientConfig {
    let config = QuicClientConfig::try_from(config).expect("ring has the suite that QUIC begins with");
    let mut config = quinn::ClientConfig::new(Arc::new(config));
    config.transport_config(Arc::new(quic::transport_config()));
    config
}

fn config(verifier: &Arc<dyn ServerCertVerifier>, alpn: &[u8]) -> ClientConfig {
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks both versions")
        .dangerous()
        .with_custom_certificate_verifier(verifier.clone())
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    config
}

/// ring's suites, AES-128 with SHA-256 first: most processors have instructions for SHA-256 and none for the SHA-384 of
/// the suite that ring puts first, and the hash is a good part of what a resumed handshake costs both ends.
fn provider() -> CryptoProvider {
    let mut provider = ring::default_provider();
    provider.cipher_suites.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    provider
}

fn verifier(trust: &Trust) -> Result<Arc<dyn ServerCertVerifier>, TrustError> {
    let provider = Arc::new(ring::default_provider());
    let path = match trust {
        Trust::CaFile(path) => path,
        Trust::System if !Path::new(SYSTEM_FILE).exists() => return Err(TrustError::NoSystemFile),
        Trust::System => Path::new(SYSTEM_FILE),
        Trust::Anybody => return Ok(Arc::new(BelieveAnybody(provider))),
    };
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(authorities(path)?), provider).build();
    Ok(verifier.map_err(|error| TrustError::File { path: path.to_owned(), reason: error.to_string() })?)
}

fn authorities(path: &Path) -> Result<RootCertStore, TrustError> {
    let wrong = |reason: String| TrustError::File { path: path.to_owned(), reason };
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?;
    let mut store = RootCertStore::empty();
    for certificate in certificates {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        // A system's list may hold a few that are too odd to be of use.
        let _ = store.add(certificate);
    }
    if store.is_empty() { Err(wrong("there is no certificate of an authority in it".to_owned())) } else { Ok(store) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_a_clear_error() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, "not a certificate").expect("a file is written");
        let error = Configs::new(&Trust::CaFile(path)).err().expect("nothing to believe in").to_string();
        assert!(error.contains("ca.pem") && error.contains("no certificate"), "{error}");
    }

    #[test]
    fn a_file_that_is_not_there_is_a_clear_error() {
        let error = Configs::new(&Trust::CaFile("nowhere/ca.pem".into())).err().expect("no file").to_string();
        assert!(error.contains("nowhere/ca.pem"), "{error}");
    }
}
