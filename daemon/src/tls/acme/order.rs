//! One order at an ACME authority (RFC 8555), proved by TLS-ALPN-01 (RFC 8737): the authority connects to port 443 and is
//! shown a certificate that only we can make. So the one port is enough, and nothing listens on port 80.

use std::path::Path;
use std::time::{Duration, Instant};

use data_encoding::BASE64URL_NOPAD;
use rcgen::{CertificateParams, CustomExtension, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::{Value, json};

use super::account::{Account, AcmeError, reason};
use crate::config::Acme;
use crate::tls::certificate::{Certificates, certified};

/// The authority looks at us, and signs; minutes when it is busy.
const WAIT_MAX: Duration = Duration::from_secs(180);
/// Between two looks, doubled up to the longest.
const PAUSE: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(8);

/// Goes through an order; the private key and the chain in PEM, one behind the other.
pub(super) async fn order(
    settings: &Acme,
    names: &[String],
    certificates: &Certificates,
    folder: &Path,
) -> Result<String, AcmeError> {
    let mut account = Account::open(settings, folder).await?;
    let (url, order) = account.new_order(names).await?;
    let authorizations = order["authorizations"].as_array().cloned().unwrap_or_default();
    for authorization in authorizations.iter().filter_map(Value::as_str) {
        prove(&mut account, authorization, certificates).await?;
    }
    let ready = wait(&mut account, &url, &["ready", "valid"]).await?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::new(names.to_vec())?;
    params.distinguished_name.remove(DnType::CommonName);
    let request = BASE64URL_NOPAD.encode(params.serialize_request(&key)?.der());
    let finalize = ready["finalize"].as_str().ok_or(AcmeError::Strange("an order"))?;
    account.tell(finalize, &json!({"csr": request})).await?;
    let done = wait(&mut account, &url, &["valid"]).await?;
    let chain = account.fetch(done["certificate"].as_str().ok_or(AcmeError::Strange("an order"))?).await?;
    Ok(format!("{}{chain}", key.serialize_pem()))
}

/// Shows the authority that one name is ours, and waits until it has seen it.
async fn prove(account: &mut Account, url: &str, certificates: &Certificates) -> Result<(), AcmeError> {
    let authorization = account.look(url).await?;
    if authorization["status"] == "valid" {
        return Ok(());
    }
    let name = authorization["identifier"]["value"].as_str().unwrap_or_default().to_owned();
    let challenges = authorization["challenges"].as_array().cloned().unwrap_or_default();
    let challenge = challenges.iter().find(|challenge| challenge["type"] == "tls-alpn-01");
    let Some((Some(token), Some(ready))) = challenge.map(|it| (it["token"].as_str(), it["url"].as_str())) else {
        let reason = "it offers no TLS-ALPN-01".to_owned();
        return Err(AcmeError::NotProved { name, reason });
    };
    certificates.show_proof(&name, proof(&name, &account.proof(token))?);
    account.tell(ready, &json!({})).await?;
    match wait(account, url, &["valid"]).await {
        Err(AcmeError::Refused { reason, .. }) => Err(AcmeError::NotProved { name, reason }),
        seen => seen.map(drop),
    }
}

/// Until something has one of these states. Refused, when it has become invalid.
async fn wait(account: &mut Account, url: &str, states: &[&str]) -> Result<Value, AcmeError> {
    let (begun, mut pause) = (Instant::now(), PAUSE);
    while begun.elapsed() < WAIT_MAX {
        let it = account.look(url).await?;
        match it["status"].as_str() {
            Some(status) if states.contains(&status) => return Ok(it),
            Some("pending" | "processing" | "ready") => {}
            _ => return Err(AcmeError::Refused { status: 200, reason: failure(&it) }),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
    Err(AcmeError::Slow)
}

/// Why an order or an authorization failed.
fn failure(it: &Value) -> String {
    let challenges = it["challenges"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of_challenge = challenges.iter().map(|challenge| &challenge["error"]).find(|error| error.is_object());
    reason(of_challenge.unwrap_or(&it["error"]))
}

/// A certificate of the name that carries the proof.
fn proof(name: &str, digest: &[u8; 32]) -> Result<rustls::sign::CertifiedKey, AcmeError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let made = params.self_signed(&key)?;
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    certified(vec![made.der().clone()], &key).map_err(|error| AcmeError::Unusable(error.to_string()))
}
