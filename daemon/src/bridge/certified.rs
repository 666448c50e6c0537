//! Connections to Apple under the certificates that developers uploaded for their apps.
//!
//! One for each app and environment, made when it is needed and again when another certificate is uploaded; of the many that
//! apps may have, those that were used last are kept.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anser_protocol::ids::TimeMs;
use anser_storage::PushCertificate;
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::OID_USERID;
use x509_parser::prelude::FromDer;

use super::AT_ONCE_MAX;
use super::credentials::{Identity, Versions, tls_under};
use super::endpoint::Endpoint;
use super::guard::Reach;
use super::origin::Origin;

/// Apps and environments with a connection of their own.
const CONNECTIONS_MAX: usize = 64;
/// Requests in a row that got no answer; after so many of them one at a time tries whether that is over, after a rest each.
const SILENCES_MAX: u32 = 3;
const REST_MS: u64 = 10_000;

pub(super) struct Certified {
    authorities: Arc<RootCertStore>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    by_app: BTreeMap<(String, bool), (Arc<Certificate>, u64)>,
    uses: u64,
}

/// One app's certificate for one environment, with what is connected under it.
pub(super) struct Certificate {
    uploaded: Arc<PushCertificate>,
    /// The bundle id that it is for, if it says one.
    pub bundle: Option<String>,
    usable: Result<(Endpoint, TimeMs), String>,
    has_failed: AtomicBool,
    silences: Mutex<Silences>,
}

#[derive(Default)]
struct Silences {
    in_a_row: u32,
    rests_until_ms: TimeMs,
}

impl Certified {
    pub(super) fn new(authorities: Arc<RootCertStore>) -> Self {
        Self { authorities, kept: Mutex::default() }
    }

    /// What is kept for the certificate, or something new in the place of that which was used the longest time ago.
    pub(super) fn of(
        &self,
        app_key: &str,
        is_sandbox: bool,
        origin: &Origin,
        uploaded: &Arc<PushCertificate>,
    ) -> Arc<Certificate> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let (key, uses) = ((app_key.to_owned(), is_sandbox), kept.uses);
        if let Some((certificate, used)) = kept.by_app.get_mut(&key)
            && certificate.is(uploaded)
        {
            *used = uses;
            return certificate.clone();
        }
        if kept.by_app.len() >= CONNECTIONS_MAX && !kept.by_app.contains_key(&key) {
            let oldest = kept.by_app.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| key.clone());
            oldest.and_then(|oldest| kept.by_app.remove(&oldest));
        }
        let certificate = Arc::new(Certificate::new(uploaded.clone(), origin, &self.authorities));
        kept.by_app.insert(key, (certificate.clone(), uses));
        certificate
    }
}

impl Certificate {
    fn new(uploaded: Arc<PushCertificate>, origin: &Origin, authorities: &Arc<RootCertStore>) -> Self {
        let (mut bundle, mut usable) = (None, Err("it cannot be read".to_owned()));
        if let Some((_, own)) = uploaded.chain.first().and_then(|own| X509Certificate::from_der(own).ok()) {
            bundle = bundle_id(&own);
            let ends_s = u64::try_from(own.validity().not_after.timestamp()).unwrap_or_default();
            usable =
                connectable(&uploaded, origin, authorities).map(|endpoint| (endpoint, ends_s.saturating_mul(1000)));
        }
        Self { uploaded, bundle, usable, has_failed: AtomicBool::new(false), silences: Mutex::default() }
    }

    fn is(&self, uploaded: &Arc<PushCertificate>) -> bool {
        Arc::ptr_eq(&self.uploaded, uploaded) || self.uploaded == *uploaded
    }

    /// Or why there is no use in connecting.
    pub(super) fn endpoint(&self, now_ms: TimeMs) -> Result<&Endpoint, String> {
        match &self.usable {
            Ok((_, ends_ms)) if *ends_ms <= now_ms => Err("it has expired".to_owned()),
            Ok((endpoint, _)) => Ok(endpoint),
            Err(why) => Err(why.clone()),
        }
    }

    /// How long there is no use in asking after so much silence. Who asks after a rest asks alone: the others rest once more.
    pub(super) fn rests(&self, now_ms: TimeMs) -> Option<Duration> {
        let mut silences = self.silences.lock().unwrap_or_else(PoisonError::into_inner);
        if silences.in_a_row < SILENCES_MAX {
            return None;
        }
        // A clock that was set back ends the rest, too.
        let left_ms = silences.rests_until_ms.saturating_sub(now_ms);
        if (1..=REST_MS).contains(&left_ms) {
            return Some(Duration::from_millis(left_ms));
        }
        silences.rests_until_ms = now_ms.saturating_add(REST_MS);
        None
    }

    pub(super) fn note_silence(&self, now_ms: TimeMs) {
        let mut silences = self.silences.lock().unwrap_or_else(PoisonError::into_inner);
        silences.in_a_row = silences.in_a_row.saturating_add(1);
        silences.rests_until_ms = now_ms.saturating_add(REST_MS);
    }

    pub(super) fn note_answer(&self) {
        *self.silences.lock().unwrap_or_else(PoisonError::into_inner) = Silences::default();
    }

    /// Tells the operator, once until it works again: every notice meets the same.
    pub(super) fn note_failure(&self, app_key: &str, is_sandbox: bool, why: &str) {
        if !self.has_failed.swap(true, Ordering::Relaxed) {
            let environment = if is_sandbox { "development" } else { "production" };
            log::warn!(
                app = app_key, environment;
                "the push certificate that was uploaded for this app does not work, its pushes wait for another one: {why}"
            );
        }
    }

    pub(super) fn note_success(&self) {
        self.has_failed.store(false, Ordering::Relaxed);
    }
}

fn connectable(
    uploaded: &PushCertificate,
    origin: &Origin,
    authorities: &Arc<RootCertStore>,
) -> Result<Endpoint, String> {
    let chain = uploaded.chain.iter().map(|certificate| CertificateDer::from(certificate.clone())).collect();
    let identity = Identity { chain, key: PrivatePkcs8KeyDer::from(uploaded.key.clone()).into() };
    let tls = tls_under(authorities.clone(), Some(identity), Versions::Http2Only).map_err(|error| error.to_string())?;
    Ok(Endpoint::new(origin.clone(), tls, Reach::Anywhere, AT_ONCE_MAX))
}

/// Apple writes it into the subject as the user id.
pub(crate) fn bundle_id(certificate: &X509Certificate<'_>) -> Option<String> {
    let user_id = certificate.subject().iter_by_oid(&OID_USERID).next()?.as_str().ok()?;
    let is_bundle = (1..=255).contains(&user_id.len()) && user_id.bytes().all(|byte| byte.is_ascii_graphic());
    is_bundle.then(|| user_id.to_owned())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hyper::header::HeaderMap;

    use super::*;
    use crate::bridge::{Handed, Url};

    #[tokio::test]
    async fn a_network_that_is_down_is_not_the_certificates_fault() {
        let key = rcgen::KeyPair::generate().expect("a key");
        let own = rcgen::CertificateParams::default().self_signed(&key).expect("signed");
        let uploaded =
            Arc::new(PushCertificate { chain: vec![own.der().to_vec()], key: key.serialize_der(), added_ms: 0 });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = Url::parse(&format!("https://{}", listener.local_addr().expect("bound"))).expect("an address");
        drop(listener);
        let authorities = Arc::new(RootCertStore::empty());
        let certificate = Certificate::new(uploaded, &url.origin, &authorities);
        let ask = async |now_ms| certificate.send("/", HeaderMap::new(), Bytes::new(), ("app", false, now_ms)).await;
        for _ in 0..SILENCES_MAX {
            assert_eq!(ask(1_000).await, Handed::Later(None));
        }
        assert_eq!(ask(2_000).await, Handed::Later(Some(Duration::from_millis(9_000))), "it rests");
        assert_eq!(ask(11_000).await, Handed::Later(None), "asked again");
        assert!(!certificate.has_failed.load(Ordering::Relaxed));
    }
}
