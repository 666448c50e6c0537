//! What only Apple's service brings, from the push API to a server that stands for Apple's and talks to nobody without a
//! certificate that was uploaded.

use anser_protocol::content::Platform;
use anser_protocol::frame::push::TokenKind;
use anser_protocol::ids::Position;
use anser_storage::command::{AppCommand, BridgeCommand, Command, PushCommand};
use anser_storage::{PushCertificate, PushToken};
use anserd::bridge::Bridges;
use anserd::bridge::job::Job;
use anserd::clock::now_ms;
use anserd::config::{ApnsAuth, ApnsConfig, BridgeKind};
use serde_json::{Value, json};

use crate::apple_server::{self, Seen, Server};
use crate::phone::Phone;
use crate::world::{App, World};

struct Scene {
    world: World,
    app: App,
    apple: apple_server::World,
    production: Server,
    bridges: Bridges,
    job: Job,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let app = world.app("one").await;
        let apple = apple_server::World::new();
        let (production, sandbox) = (apple.strict_server().await, apple.strict_server().await);
        let config = ApnsConfig {
            topic: "com.example".to_owned(),
            auth: ApnsAuth::Uploaded,
            uploaded_certificates: true,
            url: production.url("/"),
            sandbox_url: sandbox.url("/"),
        };
        let config = apple.config(BridgeKind::Apns(config));
        let bridges = Bridges::new(&[config], apple.dir.path()).expect("a bridge");
        let mut scene = Self { world, app, apple, production, bridges, job: Job::default() };
        // The first look says from where on pushes are for the bridge.
        scene.round().await;
        scene
    }

    async fn upload(&self) -> PushCertificate {
        let certificate = self.apple.uploaded(None, 2099);
        let (app, kept) = (self.app.number, Box::new(certificate.clone()));
        let command = AppCommand::SetPushCertificate { app, production: true, certificate: kept };
        self.world.submit(Command::App(command)).await;
        certificate
    }

    async fn give(&self, phone: &Phone, kind: TokenKind, token: &str) {
        let (app, id) = (self.app.number, phone.registration_id.clone());
        let ledger = &self.world.daemon.context().ledger;
        let found = ledger.read(move |snapshot| snapshot.device_by_registration_id(app, &id)).await;
        let (device, _) = found.expect("the store is there").expect("registered");
        let token = PushToken { kind: kind.0, token: token.to_owned() };
        self.world.submit(Command::Bridge(BridgeCommand::SetToken { app, device, token })).await;
    }

    async fn push(&self, more: Value) -> String {
        let mut push = json!({"platform": ["ios"], "audience": "all"});
        push.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let answer = self.world.call(&self.app, "POST", "/v3/push", Some(push)).await.expect(200);
        answer["msg_id"].as_str().expect("text").to_owned()
    }

    async fn report(&self, path: &str, msg_id: &str) -> Value {
        let path = format!("{path}?msg_ids={msg_id}");
        self.world.call(&self.app, "GET", &path, None).await.expect(200)[0].clone()
    }

    async fn round(&mut self) {
        let context = self.world.daemon.context();
        self.job
            .round(&context.ledger, &context.switchboard, &self.bridges, now_ms())
            .await
            .expect("the store is there");
    }

    /// What Apple was asked in a round.
    async fn asked(&mut self) -> Vec<Seen> {
        self.round().await;
        (0..self.production.unseen()).map(|_| self.production.seen()).collect()
    }
}

/// The kind and token of each.
fn kinds(seen: &[Seen]) -> Vec<(String, String)> {
    let kind = |seen: &Seen| (seen.header("apns-push-type").to_owned(), seen.path.replace("/3/device/", ""));
    let mut kinds: Vec<_> = seen.iter().map(kind).collect();
    kinds.sort();
    kinds
}

fn expected(kinds: &[(&str, &str)]) -> Vec<(String, String)> {
    kinds.iter().map(|(kind, token)| ((*kind).to_owned(), (*token).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_and_live_activities_go_to_apple_with_a_link_and_notices_without() {
    let mut scene = Scene::new().await;
    scene.upload().await;
    let mut phone = Phone::register(&scene.world, &scene.app, Platform::IOS);
    for (kind, token) in [
        (TokenKind::APNS, "a1"),
        (TokenKind::APNS_CALL, "b2"),
        (TokenKind::APNS_ACTIVITY, "order:c3"),
        (TokenKind::APNS_ACTIVITY_START, "Match:d4"),
    ] {
        scene.give(&phone, kind, token).await;
    }
    scene.push(json!({"notification": {"alert": "missed", "voip": {"caller": "x"}}})).await;
    let asked = scene.asked().await;
    assert_eq!(kinds(&asked), expected(&[("voip", "b2")]), "the link brings the notice");
    assert_eq!(asked[0].header("apns-topic"), "com.example.voip");
    assert!(phone.push().content.notification.is_some());

    let start = |named: &str| json!({"live_activity": {"ios": {"event": "start", "attributes-type": named, "content-state": {"n": 1}}}});
    scene.push(start("Match")).await;
    scene.push(start("Other")).await;
    assert_eq!(kinds(&scene.asked().await), expected(&[("liveactivity", "d4")]), "a token is for one type");
    scene.push(json!({"live_activity": {"ios": {"event": "update", "content-state": {"n": 2}}}})).await;
    let asked = scene.asked().await;
    assert_eq!(kinds(&asked), expected(&[("liveactivity", "c3")]));
    let said: Value = serde_json::from_slice(&asked[0].body).expect("JSON");
    assert_eq!((&said["aps"]["event"], &said["aps"]["content-state"]), (&json!("update"), &json!({"n": 2})));
    assert!(said["aps"]["timestamp"].as_u64().is_some_and(|at_s| at_s.abs_diff(now_ms() / 1000) < 600));
    assert!(scene.asked().await.is_empty(), "once");

    phone.stop_pushes();
    scene.push(json!({"notification": {"voip": {"caller": "x"}}})).await;
    assert!(scene.asked().await.is_empty(), "a call is a push, too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_does_not_wait_behind_a_push_to_everybody() {
    let mut scene = Scene::new().await;
    scene.upload().await;
    let (mine, many) = (&scene, 600);
    futures_util::future::join_all((0..many).map(|number| async move {
        let device = mine.world.device(&mine.app, &format!("{number}"), Platform::IOS).await;
        let token = PushToken { kind: TokenKind::APNS.0, token: format!("{number:04}") };
        mine.world.submit(Command::Bridge(BridgeCommand::SetToken { app: mine.app.number, device, token })).await;
    }))
    .await;
    let phone = Phone::register(&scene.world, &scene.app, Platform::IOS);
    scene.give(&phone, TokenKind::APNS_CALL, "b2").await;
    scene.push(json!({"notification": {"alert": "news"}})).await;
    scene.push(json!({"notification": {"voip": {"caller": "x"}}})).await;
    let asked = scene.asked().await;
    assert_eq!(asked[0].header("apns-push-type"), "voip", "first, though it came later");
    assert_eq!(asked.len(), 513, "then a part of the others, so that the next call is soon heard of");
    assert_eq!(scene.asked().await.len(), 88, "the rest");
    assert!(scene.asked().await.is_empty(), "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_say_for_how_many_devices_apple_took_a_call_and_a_live_activity() {
    let mut scene = Scene::new().await;
    scene.upload().await;
    let phone = Phone::register(&scene.world, &scene.app, Platform::IOS);
    scene.give(&phone, TokenKind::APNS_CALL, "b2").await;
    scene.give(&phone, TokenKind::APNS_ACTIVITY, "order:c3").await;
    let update = json!({"event": "update", "content-state": {"n": 2}});
    let named = json!({"audience": {"live_activity_id": "order"}, "live_activity": {"ios": update}});
    let call = scene.push(json!({"notification": {"voip": {"caller": "x"}}})).await;
    let activity = scene.push(named).await;
    let before = scene.report("/v3/received/detail", &activity).await;
    assert_eq!(before["live_acivity_sent"], Value::Null);
    assert_eq!(scene.asked().await.len(), 2);
    assert_eq!(scene.report("/v3/received/detail", &activity).await["live_acivity_sent"], 1);
    let details = scene.report("/v3/messages/detail", &activity).await["details"].clone();
    assert_eq!(details["live_activity"]["sent"], 1);
    assert_eq!(details["live_activity"]["sub_ios"]["apns"]["sent"], 1);
    assert_eq!(details["notification"]["sub_ios"]["voip"]["sent"], Value::Null);
    let details = scene.report("/v3/messages/detail", &call).await["details"].clone();
    assert_eq!(details["notification"]["sub_ios"]["voip"]["sent"], 1);
    assert_eq!(details["live_activity"]["sent"], Value::Null);
}

/// The phone's extension, which Apple's notice woke, or the phone when it is opened, says what became of the notice.
#[tokio::test(flavor = "multi_thread")]
async fn reports_say_what_became_of_the_notices_that_apple_took() {
    let mut scene = Scene::new().await;
    scene.upload().await;
    let mut devices = Vec::new();
    for name in ["one", "two", "no-token"] {
        let device = scene.world.device(&scene.app, name, Platform::IOS).await;
        if name != "no-token" {
            let token = PushToken { kind: TokenKind::APNS.0, token: format!("a{}", devices.len()) };
            scene.world.submit(Command::Bridge(BridgeCommand::SetToken { app: scene.app.number, device, token })).await;
        }
        devices.push(device);
    }
    let msg_id = scene.push(json!({"notification": {"alert": "news"}})).await;
    assert_eq!(scene.asked().await.len(), 2);
    let (app, push) = (scene.app.number, Position(msg_id.parse().expect("a number")));
    for command in [
        PushCommand::Received { app, device: devices[0], pushes: vec![push] },
        PushCommand::Clicked { app, device: devices[0], pushes: vec![push] },
        // No bridge took it there: it came over a link.
        PushCommand::Received { app, device: devices[2], pushes: vec![push] },
    ] {
        scene.world.submit(Command::Push(command)).await;
    }

    for path in ["/v3/received", "/v3/received/detail"] {
        let row = scene.report(path, &msg_id).await;
        assert_eq!((&row["ios_apns_sent"], &row["ios_apns_received"]), (&json!(2), &json!(1)), "{path}");
    }
    let ios = &scene.report("/v3/messages", &msg_id).await["ios"];
    assert_eq!((&ios["apns_target"], &ios["apns_sent"], &ios["apns_received"]), (&json!(3), &json!(2), &json!(1)));
    let row = scene.report("/v3/messages/detail", &msg_id).await;
    let ios = &row["ios"];
    assert_eq!((&ios["apns_sent"], &ios["apns_received"], &ios["apns_click"]), (&json!(2), &json!(1), &json!(1)));
    let below = &row["details"]["notification"]["sub_ios"]["apns"];
    assert_eq!(*below, json!({"target": 3, "sent": 2, "received": 1, "display": 0, "click": 1}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_uploaded_now_is_shown_with_the_next_push() {
    let mut scene = Scene::new().await;
    let phone = Phone::register(&scene.world, &scene.app, Platform::IOS);
    scene.give(&phone, TokenKind::APNS_CALL, "b2").await;
    scene.push(json!({"notification": {"voip": {}}})).await;
    assert!(scene.asked().await.is_empty(), "there is none");
    for connection in 1..=2 {
        let certificate = scene.upload().await;
        scene.push(json!({"notification": {"voip": {}}})).await;
        let asked = scene.asked().await;
        assert_eq!(asked.len(), 1);
        assert_eq!((&asked[0].certificate, asked[0].connection), (&certificate.chain[0], connection));
    }
}
