//! Logins that the app's own server vouches for: a JSON Web Token (RFC 7519, compact form, HS256), signed with the app's
//! master secret, so that people need no second password.

use anser_protocol::ids::TimeMs;
use anser_protocol::limits::SIGNED_TOKEN_BYTES_MAX;
use data_encoding::BASE64URL_NOPAD;
use ring::hmac;
use serde::Deserialize;
use serde_json::json;

use crate::bridge::jwt;

/// A token that lives longer than this from now on is not taken: it would be as good as a password.
const LIFE_S_MAX: u64 = 24 * 3600;
/// How far the app server's clock may be ahead.
const SKEW_S: u64 = 300;

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    /// The username.
    sub: String,
    /// The app key, compared without case.
    aud: Audience,
    /// Seconds since 1970.
    exp: u64,
    nbf: Option<u64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Is this a token for this user of this app, now?
pub fn is_good(token: &str, app_key: &str, master_secret: &str, username: &str, now_ms: TimeMs) -> bool {
    claims(token, master_secret).is_some_and(|claims| {
        let now_s = now_ms / 1000;
        let is_for_app = match &claims.aud {
            Audience::One(name) => name.eq_ignore_ascii_case(app_key),
            Audience::Many(names) => names.iter().any(|name| name.eq_ignore_ascii_case(app_key)),
        };
        is_for_app
            && claims.sub == username
            && claims.exp > now_s
            && claims.exp <= now_s + LIFE_S_MAX
            && claims.nbf.is_none_or(|from| from <= now_s + SKEW_S)
    })
}

/// A token for a user of an app, as the app's server would make it.
pub fn sign(app_key: &str, master_secret: &str, username: &str, expires_s: u64) -> String {
    jwt::hs256(master_secret.as_bytes(), &json!({"sub": username, "aud": app_key, "exp": expires_s}))
}

/// Nothing unless the signature holds.
fn claims(token: &str, master_secret: &str) -> Option<Claims> {
    if token.len() > SIGNED_TOKEN_BYTES_MAX || master_secret.is_empty() {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    let part = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).ok();
    let header: Header = serde_json::from_slice(&part(header)?).ok()?;
    // The only one: a token must not choose how it is looked at.
    if header.alg != "HS256" {
        return None;
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, master_secret.as_bytes());
    hmac::verify(&key, signed.as_bytes(), &part(signature)?).ok()?;
    serde_json::from_slice(&part(payload)?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const KEY: &str = "6be9204c30b9473e87bad4dc";
    const SECRET: &str = "0123456789abcdef01234567";
    const NOW_S: u64 = 1_790_000_000;

    fn token(header: &Value, claims: &Value, secret: &str) -> String {
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(claims));
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let signature = BASE64URL_NOPAD.encode(hmac::sign(&key, signed.as_bytes()).as_ref());
        format!("{signed}.{signature}")
    }

    fn is_taken(header: &Value, claims: &Value, secret: &str) -> bool {
        is_good(&token(header, claims, secret), KEY, SECRET, "alice", NOW_S * 1000)
    }

    fn claims() -> Value {
        json!({"sub": "alice", "aud": KEY, "exp": NOW_S + 60})
    }

    fn with(key: &str, value: Value) -> Value {
        let mut claims = claims();
        claims[key] = value;
        claims
    }

    #[test]
    fn a_token_of_the_apps_server_is_taken_until_it_expires() {
        let header = json!({"alg": "HS256", "typ": "JWT"});
        for good in [
            claims(),
            with("aud", json!(["other", KEY.to_uppercase()])),
            with("exp", json!(NOW_S + 24 * 3600)),
            with("nbf", json!(NOW_S + 300)),
            with("jti", json!("x")),
        ] {
            assert!(is_taken(&header, &good, SECRET), "{good}");
        }
        for bad in [
            with("sub", json!("bob")),
            with("aud", json!("another")),
            with("aud", json!([])),
            with("exp", json!(NOW_S)),
            with("exp", json!(NOW_S + 24 * 3600 + 1)),
            with("exp", json!("soon")),
            with("nbf", json!(NOW_S + 301)),
            json!({"sub": "alice", "aud": KEY}),
        ] {
            assert!(!is_taken(&header, &bad, SECRET), "{bad}");
        }
        assert!(!is_taken(&header, &claims(), "another secret"));
    }

    #[test]
    fn a_token_that_we_make_is_taken() {
        let token = sign(KEY, SECRET, "alice", NOW_S + 600);
        assert!(is_good(&token, KEY, SECRET, "alice", NOW_S * 1000));
        assert!(!is_good(&token, KEY, SECRET, "bob", NOW_S * 1000));
        assert!(!is_good(&token, KEY, SECRET, "alice", (NOW_S + 600) * 1000));
    }

    #[test]
    fn a_token_does_not_choose_how_it_is_looked_at() {
        for alg in ["none", "HS384", "RS256", "hs256"] {
            assert!(!is_taken(&json!({"alg": alg}), &claims(), SECRET), "{alg}");
        }
        let good = token(&json!({"alg": "HS256"}), &claims(), SECRET);
        let unsigned = &good[..=good.rfind('.').expect("two dots")];
        for odd in ["", ".", "..", "a.b.c", unsigned, &format!("{good}="), &format!("{good}."), &"x".repeat(5000)] {
            assert!(!is_good(odd, KEY, SECRET, "alice", NOW_S * 1000), "{odd}");
        }
        assert!(!is_good(&token(&json!({"alg": "HS256"}), &claims(), ""), KEY, "", "alice", NOW_S * 1000));
    }
}
