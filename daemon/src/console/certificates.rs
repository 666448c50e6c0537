//! The certificates with which the daemon shows itself to Apple's push service: what an app has, and a new one.

use anser_storage::PushCertificate;
use anser_storage::command::{AppCommand, Command};
use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::{Value, json};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::call::{Answered, Call};
use super::fault::Fault;
use crate::bridge::bundle_id;
use crate::rest::certificate::{FILE_BYTES_MAX, keep, read_archive};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Upload {
    p12_base64: String,
    password: String,
}

/// `GET /apps/{app_key}/push-certificates`: of each environment what is there, or null.
pub async fn list(call: Call) -> Answered {
    let app = call.app()?;
    let read = call
        .context
        .ledger
        .read(move |snapshot| Ok((snapshot.push_certificate(app, false)?, snapshot.push_certificate(app, true)?)));
    let (development, production) = read.await?;
    Ok(json!({"development": development.as_ref().map(shown), "production": production.as_ref().map(shown)}).into())
}

/// `PUT /apps/{app_key}/push-certificates/{environment}`: takes the place of what was there.
pub async fn upload(call: Call) -> Answered {
    let production = is_production(&call)?;
    let Upload { p12_base64, password } = call.parsed()?;
    let file = BASE64.decode(p12_base64.as_bytes()).map_err(|_| Fault::invalid("p12_base64 is no base64"))?;
    if file.len() > FILE_BYTES_MAX {
        return Err(Fault::invalid(format!("the file has more than {} KiB", FILE_BYTES_MAX >> 10)));
    }
    let certificate = read_archive(file, password).await.map_err(Fault::invalid)?;
    keep(&call.context, call.app()?, production, certificate).await?.map_err(|_| Fault::unknown_app())?;
    list(call).await
}

/// `DELETE /apps/{app_key}/push-certificates/{environment}`
pub async fn remove(call: Call) -> Answered {
    let remove = AppCommand::RemovePushCertificate { app: call.app()?, production: is_production(&call)? };
    call.context.ledger.submit(Command::App(remove)).await?.answer.map_err(|_| Fault::unknown_app())?;
    list(call).await
}

fn is_production(call: &Call) -> Result<bool, Fault> {
    match call.name(0)?.as_str() {
        "production" => Ok(true),
        "development" => Ok(false),
        _ => Err(Fault::invalid("the environment is development or production")),
    }
}

/// Everything but the key.
fn shown(certificate: &PushCertificate) -> Value {
    let own = certificate.chain.first().and_then(|own| X509Certificate::from_der(own).ok());
    let ends = own.as_ref().map(|(_, own)| own.validity().not_after.timestamp().saturating_mul(1000));
    json!({
        "subject": own.as_ref().map(|(_, own)| own.subject().to_string()),
        "bundle_id": own.as_ref().and_then(|(_, own)| bundle_id(own)),
        "expires_ms": ends,
        "added_ms": certificate.added_ms,
    })
}
