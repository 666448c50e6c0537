//! Apple's service under the certificates that developers uploaded, against a server that talks to nobody without one.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anser_storage::PushCertificate;
use anserd::bridge::{Bridges, Handed, Notice, TokenKind};
use anserd::config::{ApnsAuth, ApnsConfig, BridgeKind};

use crate::notice;
use crate::server::{Server, World};

const TOKEN: &str = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0";

struct Apple {
    world: World,
    production: Server,
    sandbox: Server,
    bridges: Bridges,
}

async fn apple() -> Apple {
    let world = World::new();
    let (production, sandbox) = (world.strict_server().await, world.strict_server().await);
    let config = ApnsConfig {
        topic: "com.example.usual".to_owned(),
        auth: ApnsAuth::Uploaded,
        uploaded_certificates: true,
        url: production.url("/"),
        sandbox_url: sandbox.url("/"),
    };
    let bridges = world.bridges(&[world.config(BridgeKind::Apns(config))]);
    Apple { world, production, sandbox, bridges }
}

impl Apple {
    async fn hand_over(&self, notice: &Notice) -> Handed {
        self.bridges.hand_over(TokenKind::APNS, TOKEN, notice).await
    }
}

fn under(app: u32, certificate: &PushCertificate) -> Notice {
    let certificate = Some(Arc::new(certificate.clone()));
    Notice { app_key: format!("{app:024}"), certificate, ..notice("news") }
}

#[tokio::test]
async fn each_app_and_environment_has_its_own_connection_under_its_certificate() {
    let apple = apple().await;
    let (one, other) = (apple.world.uploaded(Some("com.example.one"), 2099), apple.world.uploaded(None, 2099));
    for _ in 0..2 {
        assert_eq!(apple.hand_over(&under(1, &one)).await, Handed::Accepted);
        let seen = apple.production.seen();
        assert_eq!((&seen.certificate, seen.header("apns-topic")), (&one.chain[0], "com.example.one"));
        assert_eq!((seen.connection, seen.header("authorization")), (1, ""));
    }
    assert_eq!(apple.hand_over(&under(2, &other)).await, Handed::Accepted);
    let seen = apple.production.seen();
    assert_eq!((&seen.certificate, seen.connection), (&other.chain[0], 2));
    assert_eq!(seen.header("apns-topic"), "com.example.usual", "the certificate names none");
    let call = apple.bridges.hand_over(TokenKind::APNS_CALL_SANDBOX, TOKEN, &under(1, &one)).await;
    assert_eq!(call, Handed::Accepted);
    assert_eq!(apple.sandbox.seen().header("apns-topic"), "com.example.one.voip");
    assert_eq!((apple.production.connections(), apple.sandbox.connections()), (2, 1));
}

#[tokio::test]
async fn a_newer_certificate_takes_the_place_of_the_one_before() {
    let apple = apple().await;
    let (old, new) = (apple.world.uploaded(None, 2098), apple.world.uploaded(None, 2099));
    for (certificate, connection) in [(&old, 1), (&new, 2), (&new, 2)] {
        assert_eq!(apple.hand_over(&under(1, certificate)).await, Handed::Accepted);
        let seen = apple.production.seen();
        assert_eq!((&seen.certificate, seen.connection), (&certificate.chain[0], connection));
    }
}

#[tokio::test]
async fn of_many_apps_those_that_pushed_last_keep_their_connection() {
    let apple = apple().await;
    let certificate = apple.world.uploaded(None, 2099);
    for app in 0..65 {
        assert_eq!(apple.hand_over(&under(app, &certificate)).await, Handed::Accepted);
    }
    assert_eq!(apple.production.connections(), 65);
    assert_eq!(apple.hand_over(&under(64, &certificate)).await, Handed::Accepted);
    assert_eq!(apple.production.connections(), 65, "kept");
    assert_eq!(apple.hand_over(&under(0, &certificate)).await, Handed::Accepted);
    assert_eq!(apple.production.connections(), 66, "opened anew");
}

#[tokio::test]
async fn with_a_certificate_that_does_not_work_notices_wait_for_another_one() {
    let apple = apple().await;
    let expired = apple.world.uploaded(None, 2020);
    assert_eq!(apple.hand_over(&under(1, &expired)).await, Handed::Later(None));
    assert_eq!(apple.production.connections(), 0, "there is no use in asking");
    let strange = World::new().uploaded(None, 2099);
    assert_eq!(apple.hand_over(&under(1, &strange)).await, Handed::Later(None));
    let rubbish = PushCertificate { chain: vec![vec![1, 2, 3]], key: Vec::new(), added_ms: 0 };
    assert_eq!(apple.hand_over(&under(1, &rubbish)).await, Handed::Later(None));
    let good = apple.world.uploaded(None, 2099);
    let mixed = PushCertificate { key: expired.key, ..good.clone() };
    assert_eq!(apple.hand_over(&under(1, &mixed)).await, Handed::Later(None));
    apple.production.answer(403, r#"{"reason":"BadCertificateEnvironment"}"#);
    assert_eq!(apple.hand_over(&under(1, &good)).await, Handed::Later(None));
    apple.production.answer(410, r#"{"reason":"Unregistered"}"#);
    assert_eq!(apple.hand_over(&under(1, &good)).await, Handed::TokenGone, "its answers mean what they always do");
    assert_eq!(apple.hand_over(&under(1, &good)).await, Handed::Accepted);
}

#[tokio::test]
async fn a_certificate_of_another_application_costs_no_device_its_token() {
    let apple = apple().await;
    let certificate = apple.world.uploaded(Some("com.example.other"), 2099);
    for reason in ["DeviceTokenNotForTopic", "BadTopic", "TopicDisallowed", "MissingTopic"] {
        apple.production.answer(400, &format!(r#"{{"reason":"{reason}"}}"#));
        assert_eq!(apple.hand_over(&under(1, &certificate)).await, Handed::Later(None), "{reason}");
    }
    for (status, reason) in [(410, "Unregistered"), (400, "Unregistered"), (400, "BadDeviceToken")] {
        apple.production.answer(status, &format!(r#"{{"reason":"{reason}"}}"#));
        assert_eq!(apple.hand_over(&under(1, &certificate)).await, Handed::TokenGone, "{status} {reason}");
    }
    assert_eq!(apple.production.connections(), 1, "what answers is not connected to again");
}

#[tokio::test]
async fn a_certificate_with_which_nothing_is_answered_rests_instead_of_a_handshake_for_each_device() {
    let apple = apple().await;
    let strange = under(1, &World::new().uploaded(None, 2099));
    for _ in 0..3 {
        assert_eq!(apple.hand_over(&strange).await, Handed::Later(None));
    }
    let rest = Handed::Later(Some(Duration::from_secs(10)));
    for _ in 0..5 {
        assert_eq!(apple.hand_over(&strange).await, rest);
    }
    assert_eq!(apple.production.connections(), 3);
    apple.world.now_ms.fetch_add(10_000, Ordering::SeqCst);
    assert_eq!(apple.hand_over(&strange).await, Handed::Later(None), "one asks again");
    assert_eq!(apple.hand_over(&strange).await, rest, "and the others rest");
    assert_eq!(apple.production.connections(), 4);
    let good = under(1, &apple.world.uploaded(None, 2099));
    assert_eq!(apple.hand_over(&good).await, Handed::Accepted, "another certificate begins anew");
}

#[tokio::test]
async fn without_any_certificate_nothing_is_sent() {
    let apple = apple().await;
    assert!(matches!(apple.hand_over(&notice("news")).await, Handed::Refused(_)));
    assert_eq!(apple.production.connections(), 0);
}
