//! Certificates of an ACME authority: the job that asks for them, in time and never often.
//!
//! In the data folder lies `acme/`, which only the daemon's user may read: the account, the certificate with its key, and
//! what became of the last orders. While there is no certificate, a self-made one is shown; a failure keeps what is there
//! and says so.

mod account;
mod order;
mod schedule;

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anser_protocol::ids::TimeMs;
use rustls::sign::CertifiedKey;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::certificate::Certificates;
use crate::clock::{Written, now_ms};
use crate::config::{Acme, TimeZone};
use crate::context::Shared;
use crate::data_dir::write_private;
use account::AcmeError;
use schedule::{Attempts, Life};

/// The ALPN name of an authority that looks whether a name is ours.
pub const ALPN_PROOF: &[u8] = b"acme-tls/1";
/// The longest sleep: the clock may be set meanwhile.
const LOOK_EVERY: Duration = Duration::from_secs(3600);

/// Where the certificate lies, its key before it.
pub(super) fn certificate_file(data_dir: &Path) -> PathBuf {
    folder(data_dir).join("server.pem")
}

fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("acme")
}

/// Runs until the daemon stops.
pub async fn run(settings: Acme, names: Vec<String>, certificates: Arc<Certificates>, context: Shared) {
    let mut shutdown = context.shutdown.clone();
    let folder = folder(&context.config.data_dir);
    let names: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
    loop {
        let now = now_ms();
        let due_ms = attempts(&folder).next_ms(now, life(&certificates.shown(), &names));
        let wait = Duration::from_millis(due_ms.saturating_sub(now)).min(LOOK_EVERY);
        tokio::select! {
            () = shutdown.begun() => return,
            () = tokio::time::sleep(wait) => {}
        }
        if now_ms() < due_ms {
            continue;
        }
        let asked = tokio::select! {
            () = shutdown.begun() => return,
            asked = ask(&settings, &names, &certificates, &folder) => asked,
        };
        certificates.forget_proofs();
        let attempts = match &asked {
            Ok(()) => Attempts::succeeded(now_ms()),
            Err(_) => attempts(&folder).failed(now_ms()),
        };
        if let Err(error) = note(&folder, attempts) {
            log::error!("what became of an order for a certificate could not be noted: {error}");
            // Without the note a restart would ask again at once; so does this loop.
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let next = Written(attempts.next_ms(now_ms(), life(&certificates.shown(), &names)), TimeZone::UTC);
        match asked {
            Ok(()) => log::info!("a certificate for {} is here; the next order is due {next} UTC", names.join(", ")),
            Err(error) => log::error!(
                "no certificate for {} could be had, the one that is there stays; it is tried again {next} UTC: {error}",
                names.join(", ")
            ),
        }
    }
}

async fn ask(settings: &Acme, names: &[String], certificates: &Certificates, folder: &Path) -> Result<(), AcmeError> {
    let file = |source| AcmeError::File { path: folder.to_owned(), source };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(file)?;
    let pem = order::order(settings, names, certificates, folder).await?;
    write_private(&folder.join("server.pem"), pem.as_bytes()).map_err(file)?;
    certificates.renew().map_err(|error| AcmeError::Unusable(error.to_string()))
}

fn attempts(folder: &Path) -> Attempts {
    let kept = std::fs::read(folder.join("attempts.json")).ok();
    kept.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

fn note(folder: &Path, attempts: Attempts) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    write_private(&folder.join("attempts.json"), &serde_json::to_vec(&attempts)?)
}

/// How long the certificate lives that handshakes show; nothing for a self-made one.
fn life(shown: &(Arc<CertifiedKey>, bool), names: &[String]) -> Option<Life> {
    let (certificate, is_self_made) = shown;
    if *is_self_made {
        return None;
    }
    let (begin_ms, end_ms, borne) = read(certificate)?;
    Some(Life { begin_ms, end_ms, has_names: names.iter().all(|name| borne.contains(name)) })
}

/// Has it not run out?
pub(super) fn is_good(certificate: &CertifiedKey) -> bool {
    read(certificate).is_some_and(|(_, end_ms, _)| end_ms > now_ms())
}

/// From when to when it is good, and for which host names.
fn read(certificate: &CertifiedKey) -> Option<(TimeMs, TimeMs, Vec<String>)> {
    let (_, parsed) = X509Certificate::from_der(certificate.cert.first()?).ok()?;
    let ms = |seconds: i64| u64::try_from(seconds).unwrap_or_default().saturating_mul(1000);
    let validity = parsed.validity();
    let names = parsed.subject_alternative_name().ok().flatten();
    let names = names.map(|names| names.value.general_names.iter()).into_iter().flatten();
    let names = names.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    Some((ms(validity.not_before.timestamp()), ms(validity.not_after.timestamp()), names.collect()))
}
