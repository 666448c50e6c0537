//! Browsers: what only the subscriber can read, VAPID, headers, answers.

use std::time::Duration;

use anserd::bridge::{Bridges, Handed, TokenKind, vapid_public_key};
use anserd::config::{BridgeKind, WebPushConfig};
use data_encoding::BASE64URL_NOPAD;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::hmac;
use ring::rand::SystemRandom;
use serde_json::{Value, json};

use crate::server::{Server, World};
use crate::{NOW_MS, notice, object, parsed, verified_es256};

const AUTH: [u8; 16] = *b"sixteen bytes ok";

/// A browser's subscription. Its key opens one message.
struct Browser {
    key: EphemeralPrivateKey,
    point: Vec<u8>,
}

impl Browser {
    fn new() -> Self {
        let key = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new()).expect("a key");
        let point = key.compute_public_key().expect("a point").as_ref().to_vec();
        Self { key, point }
    }

    fn token(&self, endpoint: &str) -> String {
        let encode = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        json!({ "endpoint": endpoint, "expirationTime": null,
            "keys": { "p256dh": encode(&self.point), "auth": encode(&AUTH) } })
        .to_string()
    }

    /// RFC 8291 from the other side, with HMAC as the RFC spells it out.
    fn open(self, body: &[u8]) -> Value {
        let (salt, rest) = body.split_at(16);
        assert_eq!((&rest[..4], rest[4]), (&4096_u32.to_be_bytes()[..], 65));
        let (sender, sealed) = rest[5..].split_at(65);
        let mac = |key: &[u8], data: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data).as_ref().to_vec();
        let theirs = UnparsedPublicKey::new(&ECDH_P256, sender);
        let shared = agree_ephemeral(self.key, &theirs, <[u8]>::to_vec).expect("a point");
        let info = [b"WebPush: info\0", &self.point[..], sender, &[1]].concat();
        let input = mac(&mac(&AUTH, &shared), &info);
        let derived = mac(salt, &input);
        let key = &mac(&derived, b"Content-Encoding: aes128gcm\0\x01")[..16];
        let nonce = &mac(&derived, b"Content-Encoding: nonce\0\x01")[..12];
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, key).expect("16 bytes"));
        let nonce = Nonce::try_assume_unique_for_key(nonce).expect("12 bytes");
        let mut sealed = sealed.to_vec();
        let plain = key.open_in_place(nonce, Aad::empty(), &mut sealed).expect("sealed for this browser");
        parsed(plain.strip_suffix(&[2]).expect("the mark of the last record"))
    }
}

async fn service(alpn: &'static str, allow_private: bool) -> (World, Server, Bridges) {
    let world = World::new();
    let server = world.server(alpn).await;
    let config = WebPushConfig { subject: "mailto:operator@example.com".to_owned(), allow_private };
    let bridges = world.bridges(&[world.config(BridgeKind::WebPush(config))]);
    (world, server, bridges)
}

#[tokio::test]
async fn a_message_opens_with_the_subscribers_key_over_either_version_of_http() {
    for alpn in ["h2", "http/1.1"] {
        let (world, server, bridges) = service(alpn, true).await;
        let (browser, mut notice) = (Browser::new(), notice("天气"));
        notice.title = "title".to_owned();
        notice.extras = object(json!({ "a": 1 }));
        notice.badge = Some(4);
        notice.collapse_id = Some("weather".to_owned());
        let token = browser.token(&server.url("/send/abc?x=1").to_string());
        assert_eq!(bridges.hand_over(TokenKind::WEB_PUSH, &token, &notice).await, Handed::Accepted);
        let seen = server.seen();
        assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/send/abc?x=1"));
        for (name, value) in
            [("ttl", "3600"), ("topic", "weather"), ("urgency", "high"), ("content-encoding", "aes128gcm")]
        {
            assert_eq!(seen.header(name), value, "{name}");
        }
        let public = vapid_public_key(world.dir.path()).expect("the key is there");
        let (token, key) = seen.header("authorization").split_once(", ").expect("two parts");
        assert_eq!(key, format!("k={public}"));
        let public = BASE64URL_NOPAD.decode(public.as_bytes()).expect("base64url");
        let (_, claims) = verified_es256(token.strip_prefix("vapid t=").expect("a token"), &public);
        let audience = server.url("").to_string();
        assert_eq!(
            claims,
            json!({ "aud": audience.trim_end_matches('/'), "exp": NOW_MS / 1000 + 43_200,
            "sub": "mailto:operator@example.com" })
        );
        assert_eq!(
            browser.open(&seen.body),
            json!({ "_j_msgid": 9_007_199_254_740_993_u64, "title": "title",
            "alert": "天气", "extras": { "a": 1 }, "badge": 4 })
        );
    }
}

#[tokio::test]
async fn a_long_alert_is_shortened_to_what_push_services_take() {
    let (_world, server, bridges) = service("h2", true).await;
    let browser = Browser::new();
    let token = browser.token(&server.url("/").to_string());
    let mut notice = notice(&"报".repeat(3000));
    assert_eq!(bridges.hand_over(TokenKind::WEB_PUSH, &token, &notice).await, Handed::Accepted);
    let body = server.seen().body;
    assert!((4090..=4096).contains(&body.len()), "{}", body.len());
    assert!(browser.open(&body)["alert"].as_str().expect("a text").ends_with("报…"));
    notice.extras = object(json!({ "long": "x".repeat(4000) }));
    assert!(matches!(bridges.hand_over(TokenKind::WEB_PUSH, &token, &notice).await, Handed::Refused(_)));
}

#[tokio::test]
async fn every_answer_of_a_push_service_has_its_meaning() {
    let (_world, server, bridges) = service("h2", true).await;
    let token = Browser::new().token(&server.url("/").to_string());
    let later = Handed::Later(Some(Duration::from_secs(30)));
    for (status, expected) in [
        (200, Handed::Accepted),
        (201, Handed::Accepted),
        (202, Handed::Accepted),
        (404, Handed::TokenGone),
        (410, Handed::TokenGone),
        (413, Handed::Refused("413 why not".to_owned())),
        (403, Handed::Refused("403 why not".to_owned())),
        (301, Handed::Refused("301 why not".to_owned())),
        (307, Handed::Refused("307 why not".to_owned())),
        (429, later.clone()),
        (500, later.clone()),
        (503, later),
    ] {
        let headers = [("retry-after", "30"), ("location", "https://localhost:1/")];
        server.answer_with(status, &headers, b"why\nnot".to_vec());
        assert_eq!(bridges.hand_over(TokenKind::WEB_PUSH, &token, &notice("x")).await, expected, "{status}");
    }
    assert_eq!((server.connections(), server.unseen()), (1, 12), "redirects are not followed");
}

#[tokio::test]
async fn what_is_no_subscription_is_gone() {
    let (_world, server, bridges) = service("h2", true).await;
    let url = server.url("/").to_string();
    let point = |point: &[u8], auth: &[u8]| {
        json!({ "endpoint": url, "keys": { "p256dh": BASE64URL_NOPAD.encode(point), "auth": BASE64URL_NOPAD.encode(auth) } })
            .to_string()
    };
    let fine = Browser::new();
    for token in [
        String::new(),
        "{}".to_owned(),
        fine.token(&url.replace("https:", "http:")),
        fine.token(&format!("{url}{}", "x".repeat(2048))),
        point(&[4; 65], &AUTH),
        point(&fine.point[..64], &AUTH),
        point(&fine.point, &AUTH[..15]),
    ] {
        assert_eq!(bridges.hand_over(TokenKind::WEB_PUSH, &token, &notice("x")).await, Handed::TokenGone, "{token}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn g20_a_device_cannot_name_this_machine_unless_it_is_allowed() {
    let (_world, server, bridges) = service("h2", false).await;
    let port = server.url("/").origin.port;
    for host in ["localhost", "127.0.0.1", "[::1]", "127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]", "0"] {
        let token = Browser::new().token(&format!("https://{host}:{port}/"));
        let handed = bridges.hand_over(TokenKind::WEB_PUSH, &token, &notice("x")).await;
        assert!(matches!(&handed, Handed::Refused(why) if why.contains("not a public address")), "{host}: {handed:?}");
    }
    assert_eq!(server.connections(), 0);
}
