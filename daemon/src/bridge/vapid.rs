//! The key with which push services of browsers know this daemon (VAPID, RFC 8292).
//!
//! It is made once and kept in the data folder: subscriptions are bound to it, and a lost key ends all of them.

use std::io;
use std::path::Path;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::json;

use super::credentials::{BridgeError, es256_key};
use super::{Origin, jwt};
use crate::data_dir::write_private;

const FILE: &str = "web_push.key";
/// The RFC allows a day.
const TOKEN_SECONDS: u64 = 12 * 3600;

pub(super) struct Vapid {
    key: EcdsaKeyPair,
    public: String,
    subject: String,
}

/// The public key as browsers want it for `applicationServerKey`. Makes the key if there is none.
pub fn public_key(data_dir: &Path) -> Result<String, BridgeError> {
    open(data_dir).map(|key| written(&key))
}

impl Vapid {
    pub(super) fn open(data_dir: &Path, subject: &str) -> Result<Self, BridgeError> {
        let key = open(data_dir)?;
        Ok(Self { public: written(&key), key, subject: subject.to_owned() })
    }

    /// The value of `Authorization` for one push service.
    pub(super) fn authorization(&self, audience: &Origin, now_ms: u64) -> String {
        let claims = json!({ "aud": audience.to_string(), "exp": now_ms / 1000 + TOKEN_SECONDS, "sub": self.subject });
        format!("vapid t={}, k={}", jwt::es256(&self.key, None, &claims), self.public)
    }
}

fn open(data_dir: &Path) -> Result<EcdsaKeyPair, BridgeError> {
    let path = data_dir.join(FILE);
    let exists =
        path.try_exists().map_err(|error| BridgeError::Read { path: path.clone(), what: error.to_string() })?;
    if !exists {
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|_| BridgeError::Write { path: path.clone(), source: io::Error::other("no random bytes") })?;
        write_private(&path, pem(made.as_ref()).as_bytes())
            .map_err(|source| BridgeError::Write { path: path.clone(), source })?;
    }
    es256_key(&path)
}

fn pem(der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let lines = text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line)).collect::<Vec<_>>().join("\n");
    let (begin, end) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
    format!("{begin}\n{lines}\n{end}\n")
}

fn written(key: &EcdsaKeyPair) -> String {
    BASE64URL_NOPAD.encode(key.public_key().as_ref())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_for_the_owner_only() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = public_key(dir.path()).expect("made");
        assert_eq!(public_key(dir.path()).expect("read"), first);
        assert_eq!(BASE64URL_NOPAD.decode(first.as_bytes()).expect("base64url").len(), 65);
        let mode = std::fs::metadata(dir.path().join(FILE)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_key_is_told_and_not_replaced() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join(FILE), "rubbish").expect("written");
        let error = public_key(dir.path()).expect_err("damaged");
        assert!(error.to_string().contains(FILE), "{error}");
        assert_eq!(std::fs::read(dir.path().join(FILE)).expect("there"), b"rubbish");
    }
}
