//! Rows of the certificates with which the daemon shows itself to Apple's push service.

use anser_protocol::ids::TimeMs;
use serde::{Deserialize, Serialize};

use crate::ids::AppNumber;
use crate::key::Key;
use crate::row::serde_row;

/// Everything in DER.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushCertificate {
    /// The app's own comes first.
    pub chain: Vec<Vec<u8>>,
    /// PKCS#8.
    pub key: Vec<u8>,
    pub added_ms: TimeMs,
}
serde_row!(PushCertificate, PushCertificates);

/// A key must not come into a log.
impl std::fmt::Debug for PushCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushCertificate").field("certificates", &self.chain.len()).finish_non_exhaustive()
    }
}

pub(crate) fn push_certificate_key(app: AppNumber, production: bool) -> Key {
    Key::app(app).u8(u8::from(production))
}
