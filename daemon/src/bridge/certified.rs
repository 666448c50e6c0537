//! Connections to Apple under the certificates that developers uploaded for their apps.
//!
//! One for each app and environment, made when it is needed and again when another certificate is uploaded; of the many that
//! apps may have, those that were used last are kept.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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
        Self { uploaded, bundle, usable, has_failed: AtomicBool::new(false) }
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

    /// Tells the operator, once until it works again: every notice meets the same.
    pub(super) fn note_failure(&self, app_key: &str, is_sandbox: bool, why: &str) {
        if !self.has_failed.swap(true, Ordering::Relaxed) {
            let environment = if is_sandbox { "development" } else { "production" };
            log::warn!(
                app_key, environment;
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
fn bundle_id(certificate: &X509Certificate<'_>) -> Option<String> {
    let user_id = certificate.subject().iter_by_oid(&OID_USERID).next()?.as_str().ok()?;
    let is_bundle = (1..=255).contains(&user_id.len()) && user_id.bytes().all(|byte| byte.is_ascii_graphic());
    is_bundle.then(|| user_id.to_owned())
}
