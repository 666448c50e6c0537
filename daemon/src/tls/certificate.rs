//! The certificate that handshakes show: the operator's, one of an ACME authority, or a self-made one that renews itself.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use thiserror::Error;

use super::acme::{self, ALPN_PROOF};
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
    /// And whether it is self-made.
    current: RwLock<(Arc<CertifiedKey>, bool)>,
    source: RwLock<Origin>,
    /// What the operator's files were like when they were read last.
    stamps: Mutex<Option<[Stamp; 2]>>,
    /// By name: what an ACME authority is shown that looks whether the name is ours.
    proofs: RwLock<BTreeMap<String, Arc<CertifiedKey>>>,
}

/// Changes whenever a file does, also when another takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    modified: (i64, i64),
    bytes: u64,
}

#[derive(Clone, Debug)]
enum Origin {
    Operator(config::OwnCertificate),
    SelfMade {
        data_dir: PathBuf,
        names: Vec<String>,
    },
    /// Self-made until the authority has given one out.
    Acme {
        data_dir: PathBuf,
        names: Vec<String>,
    },
}

impl Certificates {
    pub fn open(settings: &config::Tls, data_dir: &Path) -> Result<Arc<Self>, CertificateError> {
        let source = Origin::new(settings, data_dir);
        // Before they are read: what changes meanwhile is seen at the first look.
        let stamps = Mutex::new(source.stamps());
        let (current, is_self_made) = source.load()?;
        let current = RwLock::new((Arc::new(current), is_self_made));
        Ok(Arc::new(Self { current, source: RwLock::new(source), stamps, proofs: RwLock::default() }))
    }

    /// Takes the files of other settings, or the same files anew. On an error everything stays.
    pub fn replace(&self, settings: &config::Tls, data_dir: &Path) -> Result<(), CertificateError> {
        let source = Origin::new(settings, data_dir);
        let stamps = source.stamps();
        let (fresh, is_self_made) = source.load()?;
        *self.source.write().unwrap_or_else(PoisonError::into_inner) = source;
        *self.stamps.lock().unwrap_or_else(PoisonError::into_inner) = stamps;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = (Arc::new(fresh), is_self_made);
        Ok(())
    }

    /// Where clients find the authority to trust; nothing when the operator brought a certificate.
    pub fn authority_file(&self) -> Option<PathBuf> {
        match self.source() {
            Origin::SelfMade { data_dir, .. } => Some(data_dir.join("ca.pem")),
            Origin::Operator(_) | Origin::Acme { .. } => None,
        }
    }

    /// Reads the files again, or issues a fresh self-made certificate. On an error the old one stays.
    pub fn renew(&self) -> Result<(), CertificateError> {
        let (fresh, is_self_made) = self.source().load()?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = (Arc::new(fresh), is_self_made);
        Ok(())
    }

    /// Reads the operator's files again if they were changed; returns whether they were. Of each change an error is told
    /// once: a certificate without its key yet is followed by the key.
    pub fn look(&self) -> Result<bool, CertificateError> {
        let stamps = self.source().stamps();
        let mut known = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        if stamps.is_none() || *known == stamps {
            return Ok(false);
        }
        *known = stamps;
        self.renew().map(|()| true)
    }

    /// What handshakes show now, and whether it is self-made.
    pub(super) fn shown(&self) -> (Arc<CertifiedKey>, bool) {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Shows this to whoever looks whether the name is ours.
    pub(super) fn show_proof(&self, name: &str, proof: CertifiedKey) {
        let mut proofs = self.proofs.write().unwrap_or_else(PoisonError::into_inner);
        proofs.insert(name.to_ascii_lowercase(), Arc::new(proof));
    }

    pub(super) fn forget_proofs(&self) {
        self.proofs.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn source(&self) -> Origin {
        self.source.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let is_proof_wanted = hello.alpn().is_some_and(|mut names| names.any(|name| name == ALPN_PROOF));
        if is_proof_wanted {
            // Nobody else is shown the proof, and it proves nothing but the name.
            let name = hello.server_name()?.to_ascii_lowercase();
            return self.proofs.read().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        }
        Some(self.shown().0)
    }
}

impl Origin {
    fn new(settings: &config::Tls, data_dir: &Path) -> Self {
        let names = || names_of_this_machine(&settings.names);
        match &settings.own {
            Some(own) => Self::Operator(own.clone()),
            None if settings.acme.is_some() => Self::Acme { data_dir: data_dir.to_owned(), names: names() },
            None => Self::SelfMade { data_dir: data_dir.to_owned(), names: names() },
        }
    }

    /// And whether it is self-made.
    fn load(&self) -> Result<(CertifiedKey, bool), CertificateError> {
        match self {
            Self::Operator(own) => Ok((load_own(own)?, false)),
            Self::SelfMade { data_dir, names } => Ok((issue(data_dir, names)?, true)),
            Self::Acme { data_dir, names } => {
                let path = acme::certificate_file(data_dir);
                if !path.exists() {
                    return Ok((issue(data_dir, names)?, true));
                }
                let both = config::OwnCertificate { certificate: path.clone(), key: path };
                match load_own(&both).map(|certified| (acme::is_good(&certified), certified)) {
                    Ok((true, certified)) => Ok((certified, false)),
                    Ok((false, _)) => {
                        log::warn!("the certificate of the ACME authority has run out; a self-made one is shown");
                        Ok((issue(data_dir, names)?, true))
                    }
                    Err(error) => {
                        log::error!("{error}; a self-made one is shown until there is another");
                        Ok((issue(data_dir, names)?, true))
                    }
                }
            }
        }
    }

    /// Nothing where no files of the operator are read, or one is not there at the moment.
    fn stamps(&self) -> Option<[Stamp; 2]> {
        let Self::Operator(own) = self else { return None };
        let stamp = |path: &Path| {
            let about = std::fs::metadata(path).ok()?;
            let modified = (about.mtime(), about.mtime_nsec());
            Some(Stamp { inode: about.ino(), modified, bytes: about.size() })
        };
        Some([stamp(&own.certificate)?, stamp(&own.key)?])
    }
}

fn issue(data_dir: &Path, names: &[String]) -> Result<CertifiedKey, CertificateError> {
    let Issued { chain, key } = Authority::open(data_dir)?.issue(names)?;
    certified(chain, &key).map_err(|error| broken(&data_dir.join("ca.key"), &error))
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

pub(super) fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: &PrivateKeyDer<'_>,
) -> Result<CertifiedKey, rustls::Error> {
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
        let settings = config::Tls { own: Some(own.clone()), ..config::Tls::default() };
        let error = Certificates::open(&settings, dir.path()).expect_err("mixed up");
        assert!(matches!(error, CertificateError::Mismatch { .. }), "{error}");
        std::fs::write(&own.key, &one.1).expect("written");
        Certificates::open(&settings, dir.path()).expect("the right pair");
    }

    #[test]
    fn a_renewal_shows_another_certificate_of_the_same_authority() {
        let dir = tempfile::tempdir().expect("a folder");
        let certificates = Certificates::open(&config::Tls::default(), dir.path()).expect("made");
        let first = certificates.shown().0.cert.clone();
        certificates.renew().expect("renewed");
        assert_ne!(certificates.shown().0.cert, first);
    }

    #[test]
    fn renewed_files_are_noticed_once_and_a_half_renewed_pair_keeps_the_old_one() {
        let dir = tempfile::tempdir().expect("a folder");
        let (one, other) = (self_signed(), self_signed());
        let own = config::OwnCertificate { certificate: dir.path().join("c.pem"), key: dir.path().join("k.pem") };
        // As programs that renew do it: a new file takes the place of the old one.
        let put = |path: &Path, text: &str| {
            std::fs::write(path.with_extension("new"), text).expect("written");
            std::fs::rename(path.with_extension("new"), path).expect("renamed");
        };
        put(&own.certificate, &one.0);
        put(&own.key, &one.1);
        let settings = config::Tls { own: Some(own.clone()), ..config::Tls::default() };
        let certificates = Certificates::open(&settings, dir.path()).expect("a pair");
        let first = certificates.shown().0.cert.clone();
        assert!(!certificates.look().expect("readable"), "nothing was changed");

        put(&own.certificate, &other.0);
        assert!(certificates.look().is_err(), "the key is still the old one");
        assert_eq!(certificates.shown().0.cert, first);
        assert!(!certificates.look().expect("said once"));
        put(&own.key, &other.1);
        assert!(certificates.look().expect("a pair"));
        assert_ne!(certificates.shown().0.cert, first);

        std::fs::remove_file(&own.key).expect("removed");
        assert!(!certificates.look().expect("it may come back"));
    }

    fn self_signed() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
        (made.cert.pem(), made.signing_key.serialize_pem())
    }
}
