//! The operator's files that the bridges need: keys, certificates, secrets; and the TLS made of them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RsaKeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

/// A bridge cannot be made. Each says which file, and what to do.
#[derive(Debug, Error)]
pub enum BridgeError {
    #[error("cannot read {}: {what}", path.display())]
    Read { path: PathBuf, what: String },
    #[error("{} is not {expected}: {what}", path.display())]
    Broken { path: PathBuf, expected: &'static str, what: String },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error(
        "this system has no certificate authorities that could be read ({0}); install them, or name a file with ca"
    )]
    NoAuthorities(String),
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, BridgeError> {
    std::fs::read(path).map_err(|error| BridgeError::Read { path: path.to_owned(), what: error.to_string() })
}

/// A key for ES256, as Apple gives it out: PKCS#8 in PEM.
pub(super) fn es256_key(path: &Path) -> Result<EcdsaKeyPair, BridgeError> {
    let broken = |what: String| BridgeError::Broken {
        path: path.to_owned(),
        expected: "a P-256 private key (PKCS#8, PEM)",
        what,
    };
    let der = PrivatePkcs8KeyDer::from_pem_slice(&read(path)?).map_err(|error| broken(error.to_string()))?;
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.secret_pkcs8_der(), &SystemRandom::new())
        .map_err(|error| broken(error.to_string()))
}

/// A key for RS256 out of a PEM text of the file `path`.
pub(super) fn rs256_key(path: &Path, pem: &str) -> Result<RsaKeyPair, BridgeError> {
    let broken = |what: String| BridgeError::Broken {
        path: path.to_owned(),
        expected: "a service account with an RSA private_key (PKCS#8, PEM)",
        what,
    };
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|error| broken(error.to_string()))?;
    RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|error| broken(error.to_string()))
}

/// A shared secret: the file without the line break that editors add.
pub(super) fn secret(path: &Path) -> Result<Vec<u8>, BridgeError> {
    let content = read(path)?;
    let trimmed = content.trim_ascii_end();
    if trimmed.len() < 16 {
        return Err(BridgeError::Broken {
            path: path.to_owned(),
            expected: "a secret",
            what: "it must have at least 16 bytes".to_owned(),
        });
    }
    Ok(trimmed.to_vec())
}

/// What a bridge offers in its handshakes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Versions {
    Http2Only,
    Either,
}

/// The certificate chain and key with which we show who we are.
pub(super) struct Identity {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
}

impl Identity {
    pub(super) fn read(certificate: &Path, key: &Path) -> Result<Self, BridgeError> {
        Ok(Self { chain: certificates(certificate)?, key: private_key(key)? })
    }
}

/// TLS of a bridge: the authorities of `ca` only, or else those of the system.
pub(super) fn tls(
    ca: Option<&Path>,
    identity: Option<Identity>,
    versions: Versions,
) -> Result<Arc<ClientConfig>, BridgeError> {
    tls_under(Arc::new(authorities(ca)?), identity, versions)
}

pub(super) fn tls_under(
    authorities: Arc<RootCertStore>,
    identity: Option<Identity>,
    versions: Versions,
) -> Result<Arc<ClientConfig>, BridgeError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring offers TLS 1.2 and 1.3")
        .with_root_certificates(authorities);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(Identity { chain, key }) => builder.with_client_auth_cert(chain, key).map_err(|error| {
            let path = PathBuf::from("the client certificate");
            BridgeError::Broken { path, expected: "a chain with its key", what: error.to_string() }
        })?,
    };
    config.alpn_protocols = match versions {
        Versions::Http2Only => vec![b"h2".to_vec()],
        Versions::Either => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
    };
    Ok(Arc::new(config))
}

pub(super) fn authorities(ca: Option<&Path>) -> Result<RootCertStore, BridgeError> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = ca {
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(|error| BridgeError::Broken {
                path: path.to_owned(),
                expected: "a file of certificate authorities (PEM)",
                what: error.to_string(),
            })?;
        }
        return Ok(roots);
    }
    let found = rustls_native_certs::load_native_certs();
    // Systems carry a few that no longer parse; the others do.
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let why = found.errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        return Err(BridgeError::NoAuthorities(if why.is_empty() { "none found".to_owned() } else { why }));
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, BridgeError> {
    let broken =
        |what: String| BridgeError::Broken { path: path.to_owned(), expected: "a file of certificates (PEM)", what };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(path)?).collect();
    let found = found.map_err(|error| broken(error.to_string()))?;
    if found.is_empty() { Err(broken("there is none in it".to_owned())) } else { Ok(found) }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, BridgeError> {
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|error| BridgeError::Broken {
        path: path.to_owned(),
        expected: "a private key (PEM)",
        what: error.to_string(),
    })
}
