//! An account at an ACME authority: every request is signed with its key (RFC 8555 section 6, ES256).

use std::path::{Path, PathBuf};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use hyper::header::LOCATION;
use hyper::{Method, StatusCode};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

use crate::bridge::{AcmeAnswer, AcmeHttp, BridgeError};
use crate::config::Acme;
use crate::data_dir::write_private;

/// An authority may refuse a nonce for no reason of ours.
const TRIES_MAX: u32 = 5;
const NONCE: &str = "replay-nonce";
const BAD_NONCE: &str = "urn:ietf:params:acme:error:badNonce";
/// Of what the authority says in our log.
const REASON_CHARS_MAX: usize = 300;

#[derive(Debug, Error)]
pub enum AcmeError {
    #[error("the authority does not answer: {0}")]
    Silent(String),
    #[error("the authority refused it ({status}): {reason}")]
    Refused { status: u16, reason: String },
    #[error("the authority's answer of {0} is none")]
    Strange(&'static str),
    #[error(transparent)]
    Bridge(#[from] BridgeError),
    #[error(
        "the authority could not see that {name} is this machine: its port 443 must lead here (TCP, TLS untouched), from \
         wherever the authority is; it says: {reason}"
    )]
    NotProved { name: String, reason: String },
    #[error("the authority did not come to an end in time")]
    Slow,
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("what the authority gave out cannot be used: {0}")]
    Unusable(String),
    #[error("the account's key cannot be used: remove {}, and another is made", .0.display())]
    Key(PathBuf),
}

/// As it lies on disk.
#[derive(Serialize, Deserialize)]
struct Kept {
    directory: String,
    /// The account's address.
    account: String,
    /// PKCS#8, base64.
    key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Directory {
    new_nonce: String,
    new_account: String,
    new_order: String,
}

pub(super) struct Account {
    http: AcmeHttp,
    directory: Directory,
    key: EcdsaKeyPair,
    /// Empty until the authority has given one.
    url: String,
    nonce: Option<String>,
}

impl Account {
    /// The account of this folder at this authority; a new one if there is none.
    pub(super) async fn open(settings: &Acme, folder: &Path) -> Result<Self, AcmeError> {
        let http = AcmeHttp::new(settings.ca.as_deref())?;
        let answer = http.ask(Method::GET, &settings.directory, None).await.map_err(AcmeError::Silent)?;
        let directory = serde_json::from_slice(&answer.body).map_err(|_| AcmeError::Strange("directory"))?;
        let path = folder.join("account.json");
        let kept = std::fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Kept>(&text).ok());
        let kept = kept.filter(|kept| kept.directory == settings.directory);
        let pkcs8 = match &kept {
            Some(kept) => BASE64.decode(kept.key.as_bytes()).map_err(|_| AcmeError::Key(path.clone()))?,
            None => {
                let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
                made.map_err(|_| AcmeError::Key(path.clone()))?.as_ref().to_vec()
            }
        };
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &SystemRandom::new());
        let key = key.map_err(|_| AcmeError::Key(path.clone()))?;
        let url = kept.as_ref().map(|kept| kept.account.clone()).unwrap_or_default();
        let mut account = Self { http, directory, key, url, nonce: None };
        if kept.is_none() {
            account.register(settings).await?;
            let kept = Kept {
                directory: settings.directory.clone(),
                account: account.url.clone(),
                key: BASE64.encode(&pkcs8),
            };
            let text = serde_json::to_vec(&kept).map_err(|error| AcmeError::Unusable(error.to_string()))?;
            write_private(&path, &text).map_err(|source| AcmeError::File { path, source })?;
        }
        Ok(account)
    }

    async fn register(&mut self, settings: &Acme) -> Result<(), AcmeError> {
        let contact: Vec<&str> = settings.contact.iter().map(String::as_str).collect();
        let asked = json!({"termsOfServiceAgreed": true, "contact": contact});
        let url = self.directory.new_account.clone();
        let answer = self.post(&url, Some(&asked)).await?;
        self.url = header(&answer, LOCATION.as_str()).ok_or(AcmeError::Strange("newAccount"))?;
        Ok(())
    }

    /// A new order for these names: its address, and what the authority says of it.
    pub(super) async fn new_order(&mut self, names: &[String]) -> Result<(String, Value), AcmeError> {
        let identifiers: Vec<Value> = names.iter().map(|name| json!({"type": "dns", "value": name})).collect();
        let url = self.directory.new_order.clone();
        let answer = self.post(&url, Some(&json!({"identifiers": identifiers}))).await?;
        let order = header(&answer, LOCATION.as_str()).ok_or(AcmeError::Strange("newOrder"))?;
        Ok((order, json_of(&answer, "newOrder")?))
    }

    /// What the authority says of something.
    pub(super) async fn look(&mut self, url: &str) -> Result<Value, AcmeError> {
        let answer = self.post(url, None).await?;
        json_of(&answer, "an order")
    }

    pub(super) async fn tell(&mut self, url: &str, what: &Value) -> Result<Value, AcmeError> {
        let answer = self.post(url, Some(what)).await?;
        json_of(&answer, "an order")
    }

    /// A chain of certificates in PEM.
    pub(super) async fn fetch(&mut self, url: &str) -> Result<String, AcmeError> {
        let answer = self.post(url, None).await?;
        String::from_utf8(answer.body.to_vec()).map_err(|_| AcmeError::Strange("certificate"))
    }

    /// The SHA-256 of a challenge's key authorization, which proves that the account's holder has the name.
    pub(super) fn proof(&self, token: &str) -> [u8; 32] {
        // The members in this order, without spaces (RFC 7638).
        let (x, y) = self.public();
        let jwk = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let thumbprint = BASE64URL_NOPAD.encode(digest(&SHA256, jwk.as_bytes()).as_ref());
        let proof = digest(&SHA256, format!("{token}.{thumbprint}").as_bytes());
        proof.as_ref().try_into().expect("SHA-256 gives 32 bytes")
    }

    fn public(&self) -> (String, String) {
        // An uncompressed point: 4, x, y.
        let point = self.key.public_key().as_ref();
        (BASE64URL_NOPAD.encode(&point[1..33]), BASE64URL_NOPAD.encode(&point[33..]))
    }

    /// Without a payload it only reads.
    async fn post(&mut self, url: &str, payload: Option<&Value>) -> Result<AcmeAnswer, AcmeError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let nonce = match self.nonce.take() {
                Some(nonce) => nonce,
                None => self.fresh_nonce().await?,
            };
            let signed = self.signed(url, &nonce, payload)?;
            let answer = self.http.ask(Method::POST, url, Some(signed)).await.map_err(AcmeError::Silent)?;
            self.nonce = header(&answer, NONCE);
            if answer.status.is_success() {
                return Ok(answer);
            }
            let problem: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            if answer.status == StatusCode::BAD_REQUEST && problem["type"] == BAD_NONCE && tries < TRIES_MAX {
                continue;
            }
            return Err(AcmeError::Refused { status: answer.status.as_u16(), reason: reason(&problem) });
        }
    }

    async fn fresh_nonce(&self) -> Result<String, AcmeError> {
        let answer = self.http.ask(Method::HEAD, &self.directory.new_nonce, None).await.map_err(AcmeError::Silent)?;
        header(&answer, NONCE).ok_or(AcmeError::Strange("newNonce"))
    }

    fn signed(&self, url: &str, nonce: &str, payload: Option<&Value>) -> Result<Vec<u8>, AcmeError> {
        let mut head = json!({"alg": "ES256", "nonce": nonce, "url": url});
        if self.url.is_empty() {
            let (x, y) = self.public();
            head["jwk"] = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
        } else {
            head["kid"] = self.url.as_str().into();
        }
        let head = BASE64URL_NOPAD.encode(head.to_string().as_bytes());
        let payload = payload.map(|payload| BASE64URL_NOPAD.encode(payload.to_string().as_bytes())).unwrap_or_default();
        let signature = self.key.sign(&SystemRandom::new(), format!("{head}.{payload}").as_bytes());
        let signature = signature.map_err(|_| AcmeError::Unusable("the signature".to_owned()))?;
        let signature = BASE64URL_NOPAD.encode(signature.as_ref());
        Ok(json!({"protected": head, "payload": payload, "signature": signature}).to_string().into_bytes())
    }
}

fn header(answer: &AcmeAnswer, name: &str) -> Option<String> {
    answer.headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn json_of(answer: &AcmeAnswer, what: &'static str) -> Result<Value, AcmeError> {
    serde_json::from_slice(&answer.body).map_err(|_| AcmeError::Strange(what))
}

/// It is somebody else's text and goes into our log.
pub(super) fn reason(problem: &Value) -> String {
    let said = problem["detail"].as_str().or(problem["type"].as_str()).unwrap_or("no reason given");
    said.chars().map(|char| if char.is_control() { ' ' } else { char }).take(REASON_CHARS_MAX).collect()
}
