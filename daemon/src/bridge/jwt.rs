//! Signed tokens (RFC 7519, in the compact form): with which the daemon shows who it is, and which it makes for an app.

use data_encoding::BASE64URL_NOPAD;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

pub(super) fn es256(key: &EcdsaKeyPair, key_id: Option<&str>, claims: &Value) -> String {
    let mut header = json!({ "alg": "ES256", "typ": "JWT" });
    if let Some(key_id) = key_id {
        header["kid"] = key_id.into();
    }
    let signed = signed_part(&header, claims);
    let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).expect("the system gives random bytes");
    format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
}

pub(super) fn rs256(key: &RsaKeyPair, key_id: &str, claims: &Value) -> String {
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": key_id });
    let signed = signed_part(&header, claims);
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .expect("the buffer is as long as the modulus");
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
}

pub fn hs256(secret: &[u8], claims: &Value) -> String {
    let signed = signed_part(&json!({ "alg": "HS256", "typ": "JWT" }), claims);
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
    format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
}

fn signed_part(header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    format!("{}.{}", encode(header), encode(claims))
}
