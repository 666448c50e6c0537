//! The bridges against servers that speak what the real services speak: TLS, HTTP/2, signatures, encryption.

mod apns;
mod certified;
mod fcm;
mod guard;
mod job;
mod server;
mod web_push;
mod webhook;

use anser_protocol::ids::Position;
use anserd::bridge::Notice;
use data_encoding::BASE64URL_NOPAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey, VerificationAlgorithm};
use serde_json::Value;

use server::NOW_MS;

fn notice(alert: &str) -> Notice {
    Notice {
        app_key: "0123456789abcdef01234567".to_owned(),
        msg_id: Position(9_007_199_254_740_993),
        registration_id: "rid".to_owned(),
        title: String::new(),
        alert: alert.to_owned(),
        block: serde_json::Map::new(),
        extras: serde_json::Map::new(),
        vendors: serde_json::Map::new(),
        badge: None,
        collapse_id: None,
        expires_ms: NOW_MS + 3_600_000,
        certificate: None,
    }
}

fn object(value: Value) -> serde_json::Map<String, Value> {
    value.as_object().expect("an object").clone()
}

/// Header and claims of a token whose signature is right.
fn verified(token: &str, algorithm: &'static dyn VerificationAlgorithm, key: &[u8]) -> (Value, Value) {
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let decode = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).expect("base64url");
    UnparsedPublicKey::new(algorithm, key).verify(signed.as_bytes(), &decode(signature)).expect("signed with the key");
    let (header, claims) = signed.split_once('.').expect("three parts");
    let parse = |text: &str| serde_json::from_slice(&decode(text)).expect("JSON");
    (parse(header), parse(claims))
}

fn verified_es256(token: &str, key: &[u8]) -> (Value, Value) {
    verified(token, &ECDSA_P256_SHA256_FIXED, key)
}

/// The body as JSON.
fn parsed(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or(Value::Null)
}
