//! The daemon's own secret, from which each use derives a key of its own.

use std::io;
use std::path::Path;
use std::sync::LazyLock;

use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use crate::data_dir::write_private;

/// Never shown, never logged; made on the first start. Without its file, quick password hashes cannot be checked.
pub struct Keys {
    root: Prk,
}

/// What a key is for. The words are part of the derivation and must not change.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// Quick password hashes of bulk registration.
    Passwords,
    /// The seal on cids.
    Cids,
    /// QUIC's stateless resets, which must outlive a restart.
    QuicReset,
    /// QUIC's connection ids, which must be known as ours after a restart.
    QuicConnectionIds,
    /// QUIC's address tokens, which must outlive a restart.
    QuicToken,
    /// Registration ids derived from a device's nonce.
    RegistrationIds,
    /// Addresses of media, and tickets for uploads.
    Media,
}

impl Keys {
    /// Reads the secret of a data folder, or makes it.
    pub fn open(data_dir: &Path) -> io::Result<Self> {
        let path = data_dir.join("daemon.key");
        let secret = match std::fs::read(&path) {
            Ok(secret) if secret.len() == 32 => secret,
            Ok(_) => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("{} is damaged: bring it back from a backup of the data folder", path.display()),
                ));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let secret = random::<32>().to_vec();
                write_private(&path, &secret)?;
                secret
            }
            Err(error) => return Err(error),
        };
        Ok(Self::from_secret(&secret))
    }

    pub fn from_secret(secret: &[u8]) -> Self {
        Self { root: Salt::new(HKDF_SHA256, b"anser").extract(secret) }
    }

    pub fn derive(&self, purpose: Purpose) -> [u8; 32] {
        let info = [match purpose {
            Purpose::Passwords => b"passwords".as_slice(),
            Purpose::Cids => b"cids",
            Purpose::QuicReset => b"quic reset",
            Purpose::QuicConnectionIds => b"quic connection ids",
            Purpose::QuicToken => b"quic token",
            Purpose::RegistrationIds => b"registration ids",
            Purpose::Media => b"media",
        }];
        let mut key = [0; 32];
        self.root
            .expand(&info, Bytes32)
            .and_then(|material| material.fill(&mut key))
            .expect("32 bytes are within what HKDF gives");
        key
    }
}

struct Bytes32;

impl KeyType for Bytes32 {
    fn len(&self) -> usize {
        32
    }
}

/// Bytes from the operating system's generator.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // ring fails only when the kernel has no generator; nothing safe can be done then.
    SystemRandom::new().fill(&mut bytes).expect("the operating system has a random generator");
    bytes
}

/// 24 lower-case hexadecimal digits: the form of app keys and master secrets.
pub fn random_key() -> String {
    data_encoding::HEXLOWER.encode(&random::<12>())
}

/// How secrets of devices and session tokens are stored: they are random, so that a fast hash is enough.
pub fn token_hash(token: &[u8]) -> [u8; 32] {
    let digest = ring::digest::digest(&ring::digest::SHA256, token);
    digest.as_ref().try_into().expect("SHA-256 gives 32 bytes")
}

/// Compares without telling by its duration how much of a guess was right.
pub fn is_same_secret(given: &[u8], right: &[u8]) -> bool {
    static KEY: LazyLock<hmac::Key> = LazyLock::new(|| hmac::Key::new(hmac::HMAC_SHA256, &random::<32>()));
    hmac::verify(&KEY, given, hmac::sign(&KEY, right).as_ref()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_survives_and_each_purpose_has_its_own_key() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = Keys::open(dir.path()).expect("made");
        let second = Keys::open(dir.path()).expect("read");
        assert_eq!(first.derive(Purpose::Cids), second.derive(Purpose::Cids));
        assert_ne!(first.derive(Purpose::Cids), first.derive(Purpose::Passwords));
    }

    #[test]
    fn a_damaged_secret_is_an_error_and_is_left_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("daemon.key"), b"short").expect("written");
        assert!(Keys::open(dir.path()).is_err());
        assert_eq!(std::fs::read(dir.path().join("daemon.key")).expect("there"), b"short");
    }
}
