//! Push certificates in files as Apple's key chain writes them.
#![allow(dead_code, reason = "each of the tests that share it uses a part")]

use p12_keystore::{Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use rcgen::{CertificateParams, DistinguishedName, DnType, Issuer, KeyPair, date_time_ymd};

pub enum Cipher {
    /// What Apple's key chain writes.
    Old,
    New,
}

/// A certificate of an app with the authority that signed it.
pub struct Made {
    pub key: KeyPair,
    pub own: Vec<u8>,
    pub authority: Vec<u8>,
}

impl Made {
    pub fn new(name: &str, expires: i32) -> Self {
        let named = |name: &str| {
            let mut params = CertificateParams::default();
            params.distinguished_name = DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, name);
            params.not_before = date_time_ymd(2010, 1, 1);
            params.not_after = date_time_ymd(expires, 1, 1);
            params
        };
        let (authority_key, key) = (KeyPair::generate().expect("a key"), KeyPair::generate().expect("a key"));
        let authority = named("authority");
        let authority_made = authority.self_signed(&authority_key).expect("signed");
        let own = named(name).signed_by(&key, &Issuer::new(authority, authority_key)).expect("signed");
        Self { key, own: own.der().to_vec(), authority: authority_made.der().to_vec() }
    }

    pub fn archive(&self, password: &str, cipher: Cipher) -> Vec<u8> {
        let certificate = |der: &[u8]| Certificate::from_der(der).expect("a certificate");
        let key = PrivateKey::from_der(&self.key.serialize_der()).expect("a key");
        let chain = PrivateKeyChain::new("id", key, [certificate(&self.own), certificate(&self.authority)]);
        let mut store = KeyStore::new();
        store.add_entry("push", KeyStoreEntry::PrivateKeyChain(chain));
        let algorithm = match cipher {
            Cipher::Old => EncryptionAlgorithm::PbeWithShaAnd40BitRc4Cbc,
            Cipher::New => EncryptionAlgorithm::PbeWithHmacSha256AndAes256,
        };
        let writer = store.writer(password).encryption_algorithm(algorithm);
        writer.encryption_iterations(10).mac_iterations(10).write().expect("written")
    }

    pub fn kept(&self) -> (Vec<Vec<u8>>, Vec<u8>) {
        (vec![self.own.clone(), self.authority.clone()], self.key.serialize_der())
    }
}
