//! The operator's own server: signature, content, answers, and which bridge is chosen.

use std::time::Duration;

use anser_protocol::ids::Position;
use anserd::bridge::{Bridges, Handed, Sms, SmsText, TokenKind};
use anserd::config::{BridgeConfig, BridgeKind, WebhookConfig};
use data_encoding::HEXLOWER;
use ring::hmac;
use serde_json::json;

use crate::server::{Seen, Server, World};
use crate::{NOW_MS, notice, object, parsed};

const SECRET: &str = "correct horse battery staple";

fn config(world: &World, server: &Server, path: &str, vendors: &[&str], sms: bool) -> BridgeConfig {
    let vendors = vendors.iter().map(|vendor| vendor.to_string()).collect();
    let secret_file = world.write("secret", format!("{SECRET}\n"));
    world.config(BridgeKind::Webhook(WebhookConfig { url: server.url(path), secret_file, vendors, sms }))
}

async fn webhook(alpn: &'static str) -> (World, Server, Bridges) {
    let world = World::new();
    let server = world.server(alpn).await;
    let bridges = world.bridges(&[config(&world, &server, "/hook?x=1", &["xiaomi", "huawei"], true)]);
    (world, server, bridges)
}

fn verify(seen: &Seen) {
    let signed = [seen.header("x-anser-timestamp").as_bytes(), b".", &seen.body].concat();
    let tag = seen.header("x-anser-signature").strip_prefix("v1=").expect("version 1");
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    hmac::verify(&key, &signed, &HEXLOWER.decode(tag.as_bytes()).expect("hexadecimal")).expect("signed");
    assert_eq!(seen.header("x-anser-timestamp"), (NOW_MS / 1000).to_string());
}

#[tokio::test]
async fn a_notice_is_posted_with_a_signature_over_either_version_of_http() {
    for (alpn, version) in [("http/1.1", hyper::Version::HTTP_11), ("h2", hyper::Version::HTTP_2)] {
        let (_world, server, bridges) = webhook(alpn).await;
        let mut notice = notice("alert");
        notice.block = object(json!({ "channel_id": "c" }));
        notice.vendors = object(json!({ "xiaomi": { "mi_template_id": 7 }, "huawei": { "importance": "LOW" } }));
        assert_eq!(bridges.hand_over(TokenKind::VENDOR, "xiaomi:to:ken", &notice).await, Handed::Accepted);
        let seen = server.seen();
        assert_eq!((seen.version, seen.path.as_str()), (version, "/hook?x=1"));
        verify(&seen);
        assert_eq!(
            parsed(&seen.body),
            json!({
                "kind": "vendor", "vendor": "xiaomi", "token": "to:ken", "app_key": notice.app_key,
                "msg_id": "9007199254740993", "registration_id": "rid", "title": "", "alert": "alert",
                "block": { "channel_id": "c" }, "extras": {}, "options": { "mi_template_id": 7 }, "badge": null, "collapse_id": null,
                "expires_ms": notice.expires_ms,
            })
        );
    }
}

#[tokio::test]
async fn a_text_message_is_posted_too() {
    let (_world, server, bridges) = webhook("http/1.1").await;
    let kept = json!({"sms_message": {"delay_time": 60, "temp_id": 7, "temp_para": {"code": "1234"}, "signid": 3}});
    let text = SmsText::of(&kept.to_string()).expect("a template");
    let sms = Sms {
        app_key: "app",
        msg_id: Position(9_007_199_254_740_993),
        registration_id: "rid",
        mobile: "13800000000",
        text: &text,
    };
    assert!(bridges.takes_sms("app") && bridges.take_any_sms());
    assert_eq!(bridges.hand_over_sms(&sms).await, Handed::Accepted);
    let seen = server.seen();
    verify(&seen);
    assert_eq!(
        parsed(&seen.body),
        json!({
            "kind": "sms", "mobile": "13800000000", "app_key": "app", "msg_id": "9007199254740993",
            "registration_id": "rid", "temp_id": 7, "temp_para": {"code": "1234"}, "signid": 3, "delay_time": 60,
        })
    );
}

#[tokio::test]
async fn every_answer_has_its_meaning_on_one_connection() {
    let (_world, server, bridges) = webhook("http/1.1").await;
    for (status, expected) in [
        (200, Handed::Accepted),
        (204, Handed::Accepted),
        (410, Handed::TokenGone),
        (429, Handed::Later(Some(Duration::from_secs(9)))),
        (502, Handed::Later(Some(Duration::from_secs(9)))),
        (302, Handed::Refused("302".to_owned())),
        (401, Handed::Refused("401".to_owned())),
    ] {
        server.answer_with(status, &[("retry-after", "9"), ("location", "https://localhost:1/")], Vec::new());
        assert_eq!(bridges.hand_over(TokenKind::VENDOR, "xiaomi:t", &notice("x")).await, expected, "{status}");
    }
    assert_eq!((server.connections(), server.unseen()), (1, 7));
}

#[tokio::test]
async fn a_broken_connection_is_opened_again_and_an_endless_answer_is_cut_off() {
    let (_world, server, bridges) = webhook("http/1.1").await;
    for connection in 1..=2 {
        assert_eq!(bridges.hand_over(TokenKind::VENDOR, "xiaomi:t", &notice("x")).await, Handed::Accepted);
        assert_eq!(server.seen().connection, connection);
        server.drop_connections().await;
    }
    server.answer_with(400, &[], vec![b'x'; 1 << 20]);
    let handed = bridges.hand_over(TokenKind::VENDOR, "xiaomi:t", &notice("x")).await;
    assert_eq!(handed, Handed::Refused("400".to_owned()), "without the text that was too long");
}

#[tokio::test]
async fn a_server_that_is_away_is_asked_later() {
    let (_world, server, bridges) = webhook("http/1.1").await;
    drop(server);
    assert_eq!(bridges.hand_over(TokenKind::VENDOR, "xiaomi:t", &notice("x")).await, Handed::Later(None));
}

#[tokio::test]
async fn the_bridge_of_the_app_comes_before_the_one_for_all() {
    let world = World::new();
    let server = world.server("http/1.1").await;
    let own = BridgeConfig {
        app: Some(notice("").app_key),
        wake_for_chat: true,
        ..config(&world, &server, "/own", &["xiaomi"], false)
    };
    let bridges = world.bridges(&[config(&world, &server, "/all", &["*"], false), own]);
    for (token, path) in [("xiaomi:t", "/own"), ("oppo:t", "/all")] {
        assert_eq!(bridges.hand_over(TokenKind::VENDOR, token, &notice("x")).await, Handed::Accepted);
        assert_eq!(server.seen().path, path);
    }
    let other = anserd::bridge::Notice { app_key: "other".to_owned(), ..notice("x") };
    assert_eq!(bridges.hand_over(TokenKind::VENDOR, "xiaomi:t", &other).await, Handed::Accepted);
    assert_eq!(server.seen().path, "/all");
    assert!(bridges.wakes_for_chat(&notice("").app_key, TokenKind::VENDOR));
    assert!(!bridges.wakes_for_chat("other", TokenKind::VENDOR));
}

#[tokio::test]
async fn what_no_bridge_takes_is_refused_without_a_connection() {
    let (_world, server, bridges) = webhook("http/1.1").await;
    assert!(bridges.takes("any", TokenKind::VENDOR) && !bridges.takes("any", TokenKind::FCM));
    for (kind, token) in
        [(TokenKind::VENDOR, "oppo:t"), (TokenKind::VENDOR, "t"), (TokenKind::APNS, "ab"), (TokenKind(9), "")]
    {
        assert!(matches!(bridges.hand_over(kind, token, &notice("x")).await, Handed::Refused(_)), "{token}");
    }
    assert_eq!(server.connections(), 0);
    let none = World::new().bridges(&[]);
    assert!(none.is_empty() && !none.takes("any", TokenKind::APNS) && !none.takes_sms("any") && !none.take_any_sms());
}
