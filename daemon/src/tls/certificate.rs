//! The certificate that handshakes show: the operator's, or a self-made one that renews itself.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use thiserror::Error;

use super::authority::{Authority, Issued};
use crate::config;

#[derive(Debug, Error)]
pub enum CertificateError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{} cannot be used: {what}. Bring the file back from a backup, or set tls.certificate and tls.key", path.display())]
    Broken { path: PathBuf, what: String },
    #[error("the certificate {} and the key {} do not belong together: {what}", certificate.display(), key.display())]
    Mismatch { certificate: PathBuf, key: PathBuf, what: String },
    #[error("cannot make a certificate: {0}")]
    Make(rcgen::Error),
}

/// Hands out the current certificate; shared by TCP and QUIC.
#[derive(Debug)]
pub struct Certificates {
    current: RwLock<Arc<CertifiedKey>>,
    source: Origin,
}

#[derive(Debug)]
enum Origin {
    Operator(config::OwnCertificate),
    SelfMade { data_dir: PathBuf, names: Vec<String> },
}

impl Certificates {
    pub fn open(settings: &config::Tls, data_dir: &Path) -> Result<Arc<Self>, CertificateError> {
        let source = match &settings.own {
            Some(own) => Origin::Operator(own.clone()),
            None => Origin::SelfMade { data_dir: data_dir.to_owned(), names: names_of_this_machine(&settings.names) },
        };
        Ok(Arc::new(Self { current: RwLock::new(Arc::new(source.load()?)), source }))
    }

    /// Where clients find the authority to trust; nothing when the operator brought a certificate.
    pub fn authority_file(&self) -> Option<PathBuf> {
        match &self.source {
            Origin::SelfMade { data_dir, .. } => Some(data_dir.join("ca.pem")),
            Origin::Operator(_) => None,
        }
    }

    /// Reads the operator's files again, or issues a fresh self-made certificate. On an error the old one stays.
    pub fn renew(&self) -> Result<(), CertificateError> {
        let fresh = Arc::new(self.source.load()?);
        *self.current.write().unwrap_or_else(std::sync::PoisonError::into_inner) = fresh;
        Ok(())
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone())
    }
}

impl Origin {
    fn load(&self) -> Result<CertifiedKey, CertificateError> {
        match self {
            Self::Operator(own) => load_own(own),
            Self::SelfMade { data_dir, names } => {
                let Issued { chain, key } = Authority::open(data_dir)?.issue(names)?;
                certified(chain, &key).map_err(|error| broken(&data_dir.join("ca.key"), &error))
            }
        }
    }
}

fn load_own(own: &config::OwnCertificate) -> Result<CertifiedKey, CertificateError> {
    let pem = read(&own.certificate)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| broken(&own.certificate, &error))?;
    if chain.is_empty() {
        return Err(broken(&own.certificate, &"no certificate in PEM form is in it"));
    }
    let key = PrivateKeyDer::from_pem_slice(&read(&own.key)?).map_err(|error| broken(&own.key, &error))?;
    let certified = certified(chain, &key).map_err(|error| broken(&own.key, &error))?;
    match certified.keys_match() {
        // "Unknown" only means that the provider cannot tell.
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok(certified),
        Err(error) => Err(CertificateError::Mismatch {
            certificate: own.certificate.clone(),
            key: own.key.clone(),
            what: error.to_string(),
        }),
    }
}

fn certified(chain: Vec<CertificateDer<'static>>, key: &PrivateKeyDer<'_>) -> Result<CertifiedKey, rustls::Error> {
    Ok(CertifiedKey::new(chain, any_supported_type(key)?))
}

fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    std::fs::read(path).map_err(|source| CertificateError::Read { path: path.to_owned(), source })
}

fn broken(path: &Path, what: &dyn std::fmt::Display) -> CertificateError {
    CertificateError::Broken { path: path.to_owned(), what: what.to_string() }
}

fn names_of_this_machine(extra: &[String]) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    names.extend(std::iter::once(host.trim().to_owned()).chain(extra.iter().cloned()).filter(|name| !name.is_empty()));
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_authority_outlives_a_restart_and_its_key_is_private() {
        let dir = tempfile::tempdir().expect("a folder");
        Certificates::open(&config::Tls::default(), dir.path()).expect("made");
        let first = std::fs::read(dir.path().join("ca.pem")).expect("exported");
        Certificates::open(&config::Tls::default(), dir.path()).expect("read");
        assert_eq!(std::fs::read(dir.path().join("ca.pem")).expect("there"), first);
        let mode = std::fs::metadata(dir.path().join("ca.key")).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_key_is_named_and_not_replaced() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("ca.key"), "rubbish").expect("written");
        let error = Certificates::open(&config::Tls::default(), dir.path()).expect_err("broken");
        assert!(error.to_string().contains("ca.key"), "{error}");
        assert_eq!(std::fs::read_to_string(dir.path().join("ca.key")).expect("there"), "rubbish");
    }

    #[test]
    fn a_key_that_does_not_belong_to_the_certificate_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let (one, other) = (self_signed(), self_signed());
        let own = config::OwnCertificate { certificate: dir.path().join("c.pem"), key: dir.path().join("k.pem") };
        std::fs::write(&own.certificate, &one.0).expect("written");
        std::fs::write(&own.key, &other.1).expect("written");
        let settings = config::Tls { own: Some(own.clone()), names: Vec::new() };
        let error = Certificates::open(&settings, dir.path()).expect_err("mixed up");
        assert!(matches!(error, CertificateError::Mismatch { .. }), "{error}");
        std::fs::write(&own.key, &one.1).expect("written");
        Certificates::open(&settings, dir.path()).expect("the right pair");
    }

    #[test]
    fn a_renewal_shows_another_certificate_of_the_same_authority() {
        let dir = tempfile::tempdir().expect("a folder");
        let certificates = Certificates::open(&config::Tls::default(), dir.path()).expect("made");
        let first = certificates.current.read().expect("not poisoned").cert.clone();
        certificates.renew().expect("renewed");
        assert_ne!(certificates.current.read().expect("not poisoned").cert, first);
    }

    fn self_signed() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
        (made.cert.pem(), made.signing_key.serialize_pem())
    }
}
