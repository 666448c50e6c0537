//! The certificates with which the daemon shows itself to Apple's push service, one for each environment of an app.

use anser_protocol::ids::TimeMs;
use anser_storage::PushCertificate;
use anser_storage::command::{AppCommand, Command};
use anser_storage::ids::AppNumber;
use anser_storage::outcome::Refusal;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode};
use p12_keystore::{Certificate, Pkcs12Archive};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use serde_json::json;

use super::access::DeveloperCaller;
use super::app::own_app;
use super::family::Family;
use super::fault::{Fault, json_response};
use super::form::Form;
use super::segment::Segment;
use crate::clock::now_ms;
use crate::context::{Context, Shared};
use crate::ledger::Unavailable;

pub const FILE_BYTES_MAX: usize = 256 << 10;
const FORM_BYTES_MAX: usize = 2 * FILE_BYTES_MAX + (16 << 10);
const PASSWORD_BYTES_MAX: usize = 1024;
/// More are no chain of one app.
const CERTIFICATES_MAX: usize = 8;

/// What the form holds for one environment.
#[derive(Default)]
struct Given {
    file: Option<Vec<u8>>,
    password: Option<String>,
}

/// `POST /v1/app/{app_key}/certificate`: one of each environment or of both. Another one takes the place of what was
/// there; exactly the same one again is told. What is wrong is told with status 200, as the contract has it.
pub async fn upload(
    context: State<Shared>,
    caller: Extension<DeveloperCaller>,
    Segment(app_key): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let app = own_app(&context, &caller, app_key.clone()).await?;
    let app = app.ok_or_else(|| told(1013, "the app is not one of this developer's"))?;
    let (development, production) = read_form(request).await?;
    let mut certificates = Vec::new();
    for (is_production, given) in [(false, development), (true, production)] {
        match given {
            Given { file: Some(file), password: Some(password) } => {
                let certificate = read_archive(file, password).await.map_err(|wrong| told(1012, wrong))?;
                certificates.push((is_production, certificate));
            }
            Given { file: None, password: None } => {}
            Given { file: None, .. } => return Err(told(1014, "a password came without its certificate file")),
            Given { password: None, .. } => return Err(told(1012, "a certificate file came without its password")),
        }
    }
    if certificates.is_empty() {
        return Err(told(1014, "the form holds no certificate file"));
    }
    let mut is_known = true;
    for (is_production, certificate) in certificates {
        let kept = keep(&context, app, is_production, certificate).await;
        is_known &= !kept.map_err(|error| Family::Admin.unavailable(&error))?.map_err(of_keeping)?;
    }
    if is_known {
        return Err(told(1010, "exactly this certificate is there already"));
    }
    log::info!(app = app_key.as_str(); "a developer uploaded a push certificate");
    Ok(json_response(StatusCode::OK, &json!({"success": "Synchronized success"})))
}

/// For the development and the production environment.
async fn read_form(request: Request) -> Result<(Given, Given), Fault> {
    let mut form = Form::open(Family::Admin, request, FORM_BYTES_MAX)?;
    let (mut development, mut production) = (Given::default(), Given::default());
    while let Some(mut part) = form.next().await? {
        match part.name() {
            "devCertificateFile" => development.file = file(part.bytes(FILE_BYTES_MAX).await?),
            "proCertificateFile" => production.file = file(part.bytes(FILE_BYTES_MAX).await?),
            "devCertificatePassword" => development.password = Some(part.text(PASSWORD_BYTES_MAX).await?),
            "proCertificatePassword" => production.password = Some(part.text(PASSWORD_BYTES_MAX).await?),
            _ => {}
        }
    }
    // Forms name fields that were left empty as well.
    for given in [&mut development, &mut production] {
        if given.file.is_none() {
            given.password = given.password.take().filter(|password| !password.is_empty());
        }
    }
    Ok((development, production))
}

fn file(bytes: Vec<u8>) -> Option<Vec<u8>> {
    Some(bytes).filter(|bytes| !bytes.is_empty())
}

/// Returns whether it was new: exactly the same one again is no mistake.
pub async fn keep(
    context: &Context,
    app: AppNumber,
    production: bool,
    certificate: PushCertificate,
) -> Result<Result<bool, Refusal>, Unavailable> {
    let command = AppCommand::SetPushCertificate { app, production, certificate: Box::new(certificate) };
    Ok(match context.ledger.submit(Command::App(command)).await?.answer {
        Ok(_) => Ok(true),
        Err(Refusal::CertificateExists) => Ok(false),
        Err(refusal) => Err(refusal),
    })
}

fn of_keeping(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::AppUnknown => told(1013, "the app does not exist any more"),
        _ => Family::Admin.internal(),
    }
}

/// A PKCS#12 file, or what is wrong with it. Deriving keys from the password takes a while, which a caller may make longer.
pub async fn read_archive(file: Vec<u8>, password: String) -> Result<PushCertificate, &'static str> {
    let now_ms = now_ms();
    let parsed = tokio::task::spawn_blocking(move || parse(&file, &password, now_ms)).await;
    parsed.unwrap_or(Err("the file is no PKCS#12 file"))
}

/// The key, and its certificate with those that signed it, as far as the file has them.
fn parse(file: &[u8], password: &str, now_ms: TimeMs) -> Result<PushCertificate, &'static str> {
    let archive = Pkcs12Archive::from_pkcs12(file, password)
        .map_err(|_| "the file is no PKCS#12 file, or its password is another one")?;
    let key = archive.keys.first().ok_or("the file holds no private key")?.key.as_der().to_vec();
    let certificates: Vec<Certificate> = archive.certs.into_iter().map(|bag| bag.cert).collect();
    let own = certificates.iter().find(|certificate| belongs(certificate, &key));
    let own = own.ok_or("the file holds no certificate that belongs to its key")?;
    let (_, parsed) =
        x509_parser::parse_x509_certificate(own.as_der()).map_err(|_| "the certificate cannot be read")?;
    let validity = parsed.validity();
    let now_s = i64::try_from(now_ms / 1000).unwrap_or(i64::MAX);
    if now_s > validity.not_after.timestamp() {
        return Err("the certificate has expired");
    }
    let mut chain = vec![own];
    while let Some(issuer) = certificates.iter().find(|other| {
        let last = chain[chain.len() - 1];
        other.subject() == last.issuer() && !chain.contains(other)
    }) {
        if chain.len() == CERTIFICATES_MAX {
            break;
        }
        chain.push(issuer);
    }
    let chain = chain.into_iter().map(|certificate| certificate.as_der().to_vec()).collect();
    Ok(PushCertificate { chain, key, added_ms: 0 })
}

fn belongs(certificate: &Certificate, key: &[u8]) -> bool {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.to_vec()));
    let chain = vec![CertificateDer::from(certificate.as_der().to_vec())];
    CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider()).is_ok()
}

fn told(code: u32, message: &'static str) -> Fault {
    Fault::new(StatusCode::OK, code, message)
}
