//! Firebase: the access token, the message, the answers.

use std::sync::atomic::Ordering;
use std::time::Duration;

use anserd::bridge::{Bridges, Handed, TokenKind};
use anserd::config::{BridgeKind, FcmConfig};
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

use crate::server::{Server, World, fixture};
use crate::{NOW_MS, notice, object, parsed, verified};

struct Google {
    world: World,
    accounts: Server,
    messages: Server,
    bridges: Bridges,
}

async fn google() -> Google {
    let world = World::new();
    let (accounts, messages) = (world.server("http/1.1").await, world.server("h2").await);
    let account = json!({ "type": "service_account", "project_id": "project-1", "private_key_id": "kid-1",
        "private_key": fixture("service_account.pem"), "client_email": "anser@project-1.example.com",
        "token_uri": accounts.url("/token").to_string() });
    let service_account = world.write("account.json", account.to_string());
    let config = FcmConfig { service_account, url: messages.url("/") };
    let bridges = world.bridges(&[world.config(BridgeKind::Fcm(config))]);
    Google { world, accounts, messages, bridges }
}

impl Google {
    fn grant(&self, token: &str) {
        self.accounts.answer(200, &json!({ "access_token": token, "expires_in": 3599 }).to_string());
    }

    async fn send(&self, alert: &str) -> Handed {
        self.bridges.hand_over(TokenKind::FCM, "device:token", &notice(alert)).await
    }
}

#[tokio::test]
async fn a_message_is_sent_with_an_access_token_that_a_signed_assertion_earned() {
    let google = google().await;
    google.grant("access-1");
    let mut notice = notice("body");
    notice.title = "title".to_owned();
    notice.collapse_id = Some("c".to_owned());
    notice.badge = Some(2);
    notice.block = object(json!({ "channel_id": "news", "sound": "ring" }));
    notice.extras = object(json!({ "text": "t", "number": 1, "object": { "a": true }, "from": "kept back" }));
    assert_eq!(google.bridges.hand_over(TokenKind::FCM, "device:token", &notice).await, Handed::Accepted);

    let asked = google.accounts.seen();
    assert_eq!(asked.path, "/token");
    let form = String::from_utf8(asked.body.to_vec()).expect("a form");
    let assertion = form
        .strip_prefix("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=")
        .expect("a form");
    let der = PrivatePkcs8KeyDer::from_pem_slice(fixture("service_account.pem").as_bytes()).expect("a key");
    let key = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).expect("a key");
    let (header, claims) = verified(assertion, &RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
    assert_eq!(header, json!({ "alg": "RS256", "typ": "JWT", "kid": "kid-1" }));
    assert_eq!(
        claims,
        json!({ "iss": "anser@project-1.example.com", "aud": google.accounts.url("/token").to_string(),
        "scope": "https://www.googleapis.com/auth/firebase.messaging",
        "iat": NOW_MS / 1000, "exp": NOW_MS / 1000 + 3600 })
    );

    let sent = google.messages.seen();
    assert_eq!(sent.path, "/v1/projects/project-1/messages:send");
    assert_eq!(sent.header("authorization"), "Bearer access-1");
    assert_eq!(
        parsed(&sent.body),
        json!({ "message": {
            "token": "device:token",
            "notification": { "title": "title", "body": "body" },
            "android": { "priority": "HIGH", "ttl": "3600s", "collapse_key": "c",
                "notification": { "channel_id": "news", "sound": "ring", "notification_count": 2 } },
            "data": { "text": "t", "number": "1", "object": "{\"a\":true}", "_j_msgid": "9007199254740993" },
        }})
    );
}

#[tokio::test]
async fn what_is_said_to_this_channel_comes_first_and_a_big_picture_has_an_address() {
    let google = google().await;
    google.grant("access-1");
    let mut notice = notice("body");
    for (block, to_fcm, expected) in [
        (
            json!({ "channel_id": "a", "sound": "s" }),
            json!({ "channel_id": "b" }),
            json!({ "channel_id": "b", "sound": "s" }),
        ),
        (
            json!({ "style": 3, "big_pic_path": "https://a.org/p.png" }),
            json!({}),
            json!({ "image": "https://a.org/p.png" }),
        ),
        (json!({ "style": 3, "big_pic_path": "/sdcard/p.png" }), json!("odd"), json!(null)),
        (json!({ "style": 1, "big_pic_path": "https://a.org/p.png" }), json!({}), json!(null)),
    ] {
        (notice.block, notice.vendors) = (object(block), object(json!({ "fcm": to_fcm })));
        assert_eq!(google.bridges.hand_over(TokenKind::FCM, "device:token", &notice).await, Handed::Accepted);
        let sent = parsed(&google.messages.seen().body);
        assert_eq!(sent["message"]["android"]["notification"], expected);
    }
}

#[tokio::test]
async fn an_access_token_is_kept_until_shortly_before_its_end() {
    let google = google().await;
    google.grant("access-1");
    google.grant("access-2");
    for (minute, token) in [(0, "access-1"), (54, "access-1"), (55, "access-2")] {
        google.world.now_ms.store(NOW_MS + minute * 60_000, Ordering::SeqCst);
        assert_eq!(google.send("x").await, Handed::Accepted);
        assert_eq!(google.messages.seen().header("authorization"), format!("Bearer {token}"));
    }
    assert_eq!(google.accounts.unseen(), 2);
}

#[tokio::test]
async fn many_notices_at_once_fetch_one_access_token() {
    let google = google().await;
    google.grant("access-1");
    let sends = (0..20).map(|_| google.send("x"));
    let handed = futures_util::future::join_all(sends).await;
    assert!(handed.iter().all(|handed| *handed == Handed::Accepted), "{handed:?}");
    assert_eq!((google.accounts.unseen(), google.messages.unseen()), (1, 20));
}

#[tokio::test]
async fn a_refused_access_token_is_renewed_once() {
    let google = google().await;
    google.grant("access-1");
    google.grant("access-2");
    google.messages.answer(401, "{}");
    assert_eq!(google.send("x").await, Handed::Accepted);
    let tokens = [google.messages.seen(), google.messages.seen()].map(|seen| seen.header("authorization").to_owned());
    assert_eq!(tokens, ["Bearer access-1", "Bearer access-2"]);
    google.grant("access-3");
    google.messages.answer(401, "{}");
    google.messages.answer(401, "{}");
    assert!(matches!(google.send("x").await, Handed::Refused(_)));
}

#[tokio::test]
async fn without_an_access_token_nothing_is_sent() {
    let google = google().await;
    google.accounts.answer(400, r#"{"error":"invalid_grant","error_description":"Invalid JWT Signature."}"#);
    assert_eq!(google.send("x").await, Handed::Refused("400 Invalid JWT Signature.".to_owned()));
    google.accounts.answer_with(503, &[("retry-after", "5")], Vec::new());
    assert_eq!(google.send("x").await, Handed::Later(Some(Duration::from_secs(5))));
    google.accounts.answer(200, "not JSON");
    assert!(matches!(google.send("x").await, Handed::Refused(_)));
    assert_eq!(google.messages.unseen(), 0);
}

#[tokio::test]
async fn every_answer_of_google_has_its_meaning() {
    let google = google().await;
    google.grant("access-1");
    let error = |status: &str, code: &str, message: &str| json!({ "error": { "status": status, "message": message, "details": [{ "@type": "x" }, { "errorCode": code }] } });
    for (status, body, expected) in [
        (200, json!({ "name": "projects/project-1/messages/1" }), Handed::Accepted),
        (404, error("NOT_FOUND", "UNREGISTERED", "gone"), Handed::TokenGone),
        (400, error("INVALID_ARGUMENT", "UNREGISTERED", "gone"), Handed::TokenGone),
        (
            400,
            error(
                "INVALID_ARGUMENT",
                "INVALID_ARGUMENT",
                "The registration token is not a valid FCM registration token",
            ),
            Handed::TokenGone,
        ),
        (
            400,
            error("INVALID_ARGUMENT", "INVALID_ARGUMENT", "bad ttl"),
            Handed::Refused("400 INVALID_ARGUMENT bad ttl".to_owned()),
        ),
        (
            403,
            error("PERMISSION_DENIED", "SENDER_ID_MISMATCH", "m"),
            Handed::Refused("403 SENDER_ID_MISMATCH m".to_owned()),
        ),
        (429, error("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", ""), Handed::Later(Some(Duration::from_secs(60)))),
        (503, error("UNAVAILABLE", "UNAVAILABLE", ""), Handed::Later(Some(Duration::from_secs(60)))),
    ] {
        google.messages.answer_with(status, &[("retry-after", "60")], body.to_string().into_bytes());
        assert_eq!(google.send("x").await, expected, "{status} {body}");
    }
    assert_eq!(google.messages.connections(), 1);
}

#[tokio::test]
async fn a_long_body_is_shortened_and_a_silent_notice_has_none() {
    let google = google().await;
    google.grant("access-1");
    assert_eq!(google.send(&"报".repeat(3000)).await, Handed::Accepted);
    let message = parsed(&google.messages.seen().body)["message"].clone();
    let counted = message["notification"].to_string().len() + message["data"].to_string().len();
    assert!((4090..=4096).contains(&counted), "{counted}");
    assert!(message["notification"]["body"].as_str().expect("a text").ends_with("报…"));
    assert_eq!(google.send("").await, Handed::Accepted);
    let message = parsed(&google.messages.seen().body)["message"].clone();
    assert_eq!((message.get("notification"), &message["android"]["priority"]), (None, &json!("NORMAL")));
}
