//! Apple's service: tokens, headers, payload, answers.

use std::sync::atomic::Ordering;
use std::time::Duration;

use anserd::bridge::{Bridges, Handed, TokenKind};
use anserd::config::{ApnsAuth, ApnsConfig, BridgeKind};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};
use serde_json::json;

use crate::server::{Seen, Server, World};
use crate::{NOW_MS, notice, object, parsed, verified_es256};

const TOKEN: &str = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0";

struct Apple {
    world: World,
    production: Server,
    sandbox: Server,
    bridges: Bridges,
    key: Vec<u8>,
}

async fn apple() -> Apple {
    let world = World::new();
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
    let file = world.write("AuthKey.p8", key.serialize_pem());
    let auth = ApnsAuth::Token { key: file, key_id: "ABC123DEFG".to_owned(), team_id: "DEF123GHIJ".to_owned() };
    let (production, sandbox) = (world.server("h2").await, world.server("h2").await);
    let bridges = bridges(&world, auth, &production, &sandbox);
    Apple { world, production, sandbox, bridges, key: key.der_bytes().to_vec() }
}

fn bridges(world: &World, auth: ApnsAuth, production: &Server, sandbox: &Server) -> Bridges {
    let topic = "com.example.app".to_owned();
    let (url, sandbox_url) = (production.url("/"), sandbox.url("/"));
    let config = ApnsConfig { topic, auth, uploaded_certificates: false, url, sandbox_url };
    world.bridges(&[world.config(BridgeKind::Apns(config))])
}

fn shown(seen: &Seen) -> String {
    seen.header("authorization").strip_prefix("bearer ").expect("a token").to_owned()
}

#[tokio::test]
async fn a_notice_arrives_with_a_signed_token_its_headers_and_its_payload() {
    let apple = apple().await;
    let mut notice = notice("天气预报");
    notice.title = "Title".to_owned();
    notice.badge = Some(3);
    notice.collapse_id = Some("weather".to_owned());
    notice.block = object(json!({ "sound": "default", "content-available": true, "mutable-content": "1",
        "category": "c", "thread-id": "t", "interruption-level": "time-sensitive", "extras": {"a": 1} }));
    notice.extras = object(json!({ "a": 1, "aps": "not this one" }));
    assert_eq!(apple.bridges.hand_over(TokenKind::APNS, TOKEN, &notice).await, Handed::Accepted);
    let seen = apple.production.seen();
    assert_eq!((seen.method.as_str(), seen.path), ("POST", format!("/3/device/{TOKEN}")));
    assert_eq!(seen.version, hyper::Version::HTTP_2);
    let expires = ((NOW_MS + 3_600_000) / 1000).to_string();
    for (name, value) in [
        ("apns-topic", "com.example.app"),
        ("apns-push-type", "alert"),
        ("apns-priority", "10"),
        ("apns-expiration", expires.as_str()),
        ("apns-collapse-id", "weather"),
    ] {
        assert_eq!(seen.headers[name], value, "{name}");
    }
    let token = seen.headers["authorization"].to_str().expect("visible").strip_prefix("bearer ").expect("bearer");
    let (header, claims) = verified_es256(token, &apple.key);
    assert_eq!((&header["alg"], &header["kid"]), (&json!("ES256"), &json!("ABC123DEFG")));
    assert_eq!(claims, json!({ "iss": "DEF123GHIJ", "iat": NOW_MS / 1000 }));
    assert_eq!(
        parsed(&seen.body),
        json!({
            "aps": { "alert": { "title": "Title", "body": "天气预报" }, "badge": 3, "sound": "default",
                "content-available": 1, "mutable-content": 1, "category": "c", "thread-id": "t",
                "interruption-level": "time-sensitive" },
            "a": 1, "_j_msgid": 9_007_199_254_740_993_u64,
        })
    );
}

#[tokio::test]
async fn the_sandbox_has_its_own_server_and_a_silent_notice_is_a_background_push() {
    let apple = apple().await;
    let mut notice = notice("");
    notice.block = object(json!({ "content-available": 1 }));
    notice.expires_ms = NOW_MS;
    assert_eq!(apple.bridges.hand_over(TokenKind::APNS_SANDBOX, TOKEN, &notice).await, Handed::Accepted);
    let seen = apple.sandbox.seen();
    assert_eq!((seen.header("apns-push-type"), seen.header("apns-priority")), ("background", "5"));
    assert_eq!((seen.header("apns-expiration"), seen.header("apns-collapse-id")), ("0", ""));
    assert_eq!(parsed(&seen.body)["aps"], json!({ "content-available": 1 }));
    assert_eq!(apple.production.unseen(), 0);
}

#[tokio::test]
async fn every_answer_of_apple_has_its_meaning() {
    let apple = apple().await;
    let refused = |text: &str| Handed::Refused(text.to_owned());
    for (status, reason, expected) in [
        (200, "", Handed::Accepted),
        (410, "Unregistered", Handed::TokenGone),
        (410, "ExpiredToken", Handed::TokenGone),
        (400, "BadDeviceToken", Handed::TokenGone),
        (400, "DeviceTokenNotForTopic", Handed::TokenGone),
        (400, "BadTopic", refused("400 BadTopic")),
        (403, "InvalidProviderToken", refused("403 InvalidProviderToken")),
        (413, "PayloadTooLarge", refused("413 PayloadTooLarge")),
        (307, "elsewhere", refused("307 elsewhere")),
        (429, "TooManyRequests", Handed::Later(Some(Duration::from_secs(7)))),
        (500, "InternalServerError", Handed::Later(Some(Duration::from_secs(7)))),
        (503, "Shutdown", Handed::Later(Some(Duration::from_secs(7)))),
    ] {
        let headers = [("retry-after", "7"), ("location", "https://localhost:1/")];
        apple.production.answer_with(status, &headers, json!({ "reason": reason }).to_string().into_bytes());
        assert_eq!(apple.bridges.hand_over(TokenKind::APNS, TOKEN, &notice("x")).await, expected, "{status} {reason}");
    }
    assert_eq!(apple.production.connections(), 1, "all on the kept connection");
}

#[tokio::test]
async fn a_token_that_cannot_be_one_is_gone_without_asking() {
    let apple = apple().await;
    for token in ["", "../../x", "abc?d", "订单", &"a".repeat(201)] {
        assert_eq!(apple.bridges.hand_over(TokenKind::APNS, token, &notice("x")).await, Handed::TokenGone, "{token}");
    }
    assert_eq!(apple.production.connections(), 0);
}

#[tokio::test]
async fn a_token_is_used_for_forty_minutes_and_renewed_when_called_expired() {
    let apple = apple().await;
    let mut tokens = Vec::new();
    for minute in [0, 39, 41] {
        apple.world.now_ms.store(NOW_MS + minute * 60_000, Ordering::SeqCst);
        assert_eq!(apple.bridges.hand_over(TokenKind::APNS, TOKEN, &notice("x")).await, Handed::Accepted);
        tokens.push(shown(&apple.production.seen()));
    }
    assert_eq!(tokens[0], tokens[1]);
    assert_ne!(tokens[1], tokens[2]);
    apple.production.answer(403, r#"{"reason":"ExpiredProviderToken"}"#);
    assert_eq!(apple.bridges.hand_over(TokenKind::APNS, TOKEN, &notice("x")).await, Handed::Accepted);
    let (refused, renewed) = (shown(&apple.production.seen()), shown(&apple.production.seen()));
    assert_eq!(refused, tokens[2]);
    assert_ne!(renewed, refused);
    apple.production.answer(403, r#"{"reason":"ExpiredProviderToken"}"#);
    apple.production.answer(403, r#"{"reason":"ExpiredProviderToken"}"#);
    let handed = apple.bridges.hand_over(TokenKind::APNS, TOKEN, &notice("x")).await;
    assert_eq!(handed, Handed::Refused("403 ExpiredProviderToken".to_owned()), "tried once more only");
}

#[tokio::test]
async fn a_connection_that_was_closed_is_opened_again() {
    let apple = apple().await;
    for connection in 1..=3 {
        assert_eq!(apple.bridges.hand_over(TokenKind::APNS, TOKEN, &notice("x")).await, Handed::Accepted);
        assert_eq!(apple.production.seen().connection, connection);
        apple.production.drop_connections().await;
    }
}

#[tokio::test]
async fn a_long_alert_is_shortened_between_characters_and_long_extras_are_refused() {
    let apple = apple().await;
    let mut notice = notice(&"报".repeat(3000));
    assert_eq!(apple.bridges.hand_over(TokenKind::APNS, TOKEN, &notice).await, Handed::Accepted);
    let seen = apple.production.seen();
    assert!((4090..=4096).contains(&seen.body.len()), "{}", seen.body.len());
    let alert = parsed(&seen.body)["aps"]["alert"].as_str().expect("a text").to_owned();
    assert!(alert.starts_with("报报") && alert.ends_with("报…"));
    notice.extras = object(json!({ "long": "x".repeat(4096) }));
    assert!(matches!(apple.bridges.hand_over(TokenKind::APNS, TOKEN, &notice).await, Handed::Refused(_)));
    assert_eq!(apple.production.unseen(), 0);
}

#[tokio::test]
async fn a_call_rings_over_pushkit() {
    let apple = apple().await;
    let mut notice = notice("");
    notice.block = object(json!({ "caller": "alice", "aps": {} }));
    notice.expires_ms = NOW_MS + 60_000;
    assert_eq!(apple.bridges.hand_over(TokenKind::APNS_CALL, TOKEN, &notice).await, Handed::Accepted);
    let seen = apple.production.seen();
    assert_eq!(seen.path, format!("/3/device/{TOKEN}"));
    for (name, value) in [
        ("apns-push-type", "voip"),
        ("apns-topic", "com.example.app.voip"),
        ("apns-priority", "10"),
        ("apns-expiration", &(NOW_MS / 1000 + 60).to_string()),
        ("apns-collapse-id", ""),
    ] {
        assert_eq!(seen.header(name), value, "{name}");
    }
    let expected = json!({ "caller": "alice", "aps": {}, "_j_msgid": notice.msg_id.0 });
    assert_eq!(parsed(&seen.body), expected);
    assert_eq!(apple.bridges.hand_over(TokenKind::APNS_CALL_SANDBOX, TOKEN, &notice).await, Handed::Accepted);
    assert_eq!(apple.sandbox.seen().header("apns-topic"), "com.example.app.voip");
    notice.block = object(json!({ "long": "x".repeat(4096) }));
    assert!(matches!(apple.bridges.hand_over(TokenKind::APNS_CALL, TOKEN, &notice).await, Handed::Refused(_)));
}

#[tokio::test]
async fn a_live_activity_is_told_under_its_own_token_and_topic() {
    let apple = apple().await;
    let mut notice = notice("");
    let said = json!({
        "timestamp": 7, "event": "start", "content-state": {"score": 1}, "attributes-type": "Match", "attributes": {"a": 1},
        "alert": {"title": "t", "body": "b", "sound": "s"}, "dismissal-date": 9, "stale-date": 8, "relevance-score": 50,
    });
    notice.block = object(said.clone());
    notice.block.insert("apns-priority".to_owned(), 5.into());
    let token = format!("Match:{TOKEN}");
    assert_eq!(apple.bridges.hand_over(TokenKind::APNS_ACTIVITY_START, &token, &notice).await, Handed::Accepted);
    let seen = apple.production.seen();
    assert_eq!(seen.path, format!("/3/device/{TOKEN}"), "the name is ours");
    assert_eq!(seen.header("apns-push-type"), "liveactivity");
    assert_eq!(seen.header("apns-topic"), "com.example.app.push-type.liveactivity");
    assert_eq!(seen.header("apns-priority"), "5");
    assert_eq!(parsed(&seen.body), json!({ "aps": said }));

    notice.block = object(json!({ "timestamp": 8, "event": "update", "content-state": {} }));
    let token = format!("order:7:{TOKEN}");
    assert_eq!(apple.bridges.hand_over(TokenKind::APNS_ACTIVITY_SANDBOX, &token, &notice).await, Handed::Accepted);
    let seen = apple.sandbox.seen();
    assert_eq!((seen.path.as_str(), seen.header("apns-priority")), (&*format!("/3/device/{TOKEN}"), "10"));
    for strange in ["order:", "order:../x", "no hex"] {
        assert_eq!(apple.bridges.hand_over(TokenKind::APNS_ACTIVITY, strange, &notice).await, Handed::TokenGone);
    }
}

#[tokio::test]
async fn a_client_certificate_stands_for_the_token() {
    let world = World::new();
    let (chain, key) = world.certificate();
    let auth = ApnsAuth::Certificate { certificate: world.write("c.pem", chain), key: world.write("c.key", key) };
    let (production, sandbox) = (world.server("h2").await, world.server("h2").await);
    let bridges = bridges(&world, auth, &production, &sandbox);
    assert_eq!(bridges.hand_over(TokenKind::APNS, TOKEN, &notice("x")).await, Handed::Accepted);
    let seen = production.seen();
    assert!(seen.is_certified && seen.header("authorization").is_empty());
}

#[tokio::test]
async fn a_server_with_a_strange_certificate_gets_nothing() {
    let (apple, stranger) = (apple().await, World::new());
    let server = stranger.server("h2").await;
    let key = apple.world.path("AuthKey.p8");
    let auth = ApnsAuth::Token { key, key_id: "ABC123DEFG".to_owned(), team_id: "DEF123GHIJ".to_owned() };
    let bridges = bridges(&apple.world, auth, &server, &server);
    assert_eq!(bridges.hand_over(TokenKind::APNS, TOKEN, &notice("x")).await, Handed::Later(None));
    assert_eq!(server.unseen(), 0);
}
