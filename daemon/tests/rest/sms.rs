//! Text messages for those who did not receive a push: an HTTPS server of the operator's is told whom, once, and again
//! until it takes it.

use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anser_protocol::content::Platform;
use anser_protocol::ids::{Position, TimeMs};
use anser_storage::command::{Command, PushCommand};
use anser_storage::ids::DeviceNumber;
use anserd::bridge::{Bridges, Url};
use anserd::clock::{Written, now_ms};
use anserd::config::{BridgeConfig, BridgeKind, Config, TimeZone, WebhookConfig};
use anserd::followup;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use futures_util::stream::{self, StreamExt};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use ring::hmac;
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::file_push::upload;
use crate::world::{App, World, key_of};

const SECRET: &str = "a secret that nobody else knows, of some length";
const PATIENCE: Duration = Duration::from_secs(60);
const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;
const NOBODY: [&str; 0] = [];

/// The operator's server, and what it answers: 200 when nothing else was asked for.
#[derive(Clone, Default)]
struct Gateway {
    told: Arc<Mutex<Vec<Value>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
    /// Numbers that it never has a line for.
    engaged: Arc<Mutex<BTreeSet<String>>>,
    /// It hears and does not answer.
    is_silent: Arc<AtomicBool>,
}

struct Scene {
    world: World,
    app: App,
    gateway: Gateway,
    bridge: BridgeConfig,
    files: tempfile::TempDir,
}

impl Gateway {
    /// Speaks TLS with a certificate of an authority whose file it writes. Returns its port.
    async fn listen(&self, authority: &std::path::Path) -> u16 {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
        std::fs::write(authority, issuer.pem()).expect("written");
        let key = KeyPair::generate().expect("a key");
        let own = CertificateParams::new(["localhost".to_owned()]).expect("a name").signed_by(&key, &issuer);
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![own.expect("signed").der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .expect("a certificate");
        let listener = TcpListener::bind("localhost:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (acceptor, gateway) = (TlsAcceptor::from(Arc::new(config)), self.clone());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, gateway) = (acceptor.clone(), gateway.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(socket).await else { return };
                    let service = service_fn(move |request| {
                        let gateway = gateway.clone();
                        async move { Ok::<_, Infallible>(gateway.answer(request).await) }
                    });
                    // The other side may go at any time.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        port
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let body: Bytes = body.collect().await.expect("a whole request").to_bytes();
        let header = |name: &str| head.headers[name].to_str().expect("visible").to_owned();
        let signed = [header("x-anser-timestamp").as_bytes(), b".", &body].concat();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), &signed);
        assert_eq!(header("x-anser-signature"), format!("v1={}", data_encoding::HEXLOWER.encode(tag.as_ref())));
        let sms: Value = serde_json::from_slice(&body).expect("JSON");
        let is_engaged = self.engaged.lock().expect("no panic").contains(sms["mobile"].as_str().unwrap_or(""));
        let asked = self.answers.lock().expect("no panic").pop_front();
        self.told.lock().expect("no panic").push(sms);
        if self.is_silent.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let status = asked.unwrap_or(if is_engaged { 503 } else { 200 });
        Response::builder().status(status).body(Body::empty()).expect("an answer")
    }

    fn answer_next(&self, statuses: &[u16]) {
        self.answers.lock().expect("no panic").extend(statuses);
    }

    /// What came since the last time, by mobile number.
    fn told(&self) -> Vec<Value> {
        let mut told = std::mem::take(&mut *self.told.lock().expect("no panic"));
        told.sort_by_key(|sms| sms["mobile"].to_string());
        told
    }

    #[track_caller]
    fn expect(&self, mobiles: &[&str]) {
        let told = self.told();
        let found: Vec<&str> = told.iter().map(|sms| sms["mobile"].as_str().unwrap_or("")).collect();
        assert_eq!(found, mobiles);
    }
}

impl Scene {
    async fn new() -> Self {
        let gateway = Gateway::default();
        let files = tempfile::tempdir().expect("a folder");
        let (secret_file, ca) = (files.path().join("secret"), files.path().join("ca.pem"));
        std::fs::write(&secret_file, SECRET).expect("written");
        let url = format!("https://localhost:{}/sms", gateway.listen(&ca).await);
        let url = Url::parse(&url).expect("an address");
        let webhook = WebhookConfig { url, secret_file, vendors: Vec::new(), sms: true };
        let bridge = BridgeConfig { app: None, wake_for_chat: false, ca: Some(ca), kind: BridgeKind::Webhook(webhook) };
        let own = bridge.clone();
        let world = World::with(|config: &mut Config| config.bridges = vec![own]).await;
        let app = world.app("one").await;
        Self { world, app, gateway, bridge, files }
    }

    /// A device with this number.
    async fn phone(&self, registration_id: &str, mobile: &str) -> DeviceNumber {
        phone(&self.world, &self.app, registration_id, mobile).await
    }

    async fn push(&self, object: Value) -> Position {
        let answer = self.world.call(&self.app, "POST", "/v3/push", Some(object)).await.expect(200);
        Position(answer["msg_id"].as_str().expect("text").parse().expect("a number"))
    }

    /// Rounds until nothing is to be done at once.
    async fn round(&self, now_ms: TimeMs) {
        while self.one_round(now_ms).await {}
    }

    async fn one_round(&self, now_ms: TimeMs) -> bool {
        let context = self.world.daemon.context();
        followup::round(&context.ledger, &context.bridges, now_ms).await.expect("the store is there")
    }

    async fn received(&self, device: DeviceNumber, push: Position) {
        let command = PushCommand::Received { app: self.app.number, device, pushes: vec![push] };
        self.world.submit(Command::Push(command)).await;
    }

    async fn restarted(self) -> Self {
        Self { world: self.world.restarted().await, ..self }
    }
}

async fn phone(world: &World, app: &App, registration_id: &str, mobile: &str) -> DeviceNumber {
    let device = world.device(app, registration_id, Platform::ANDROID).await;
    let path = format!("/v3/devices/{registration_id}");
    world.call(app, "POST", &path, Some(json!({"mobile": mobile}))).await.expect(200);
    device
}

/// To everybody, with a text message after so many seconds.
fn push(delay_time: u64) -> Value {
    let sms = json!({"delay_time": delay_time, "temp_id": 7, "temp_para": {"code": "1234"}, "signid": 3});
    json!({"platform": "all", "audience": "all", "notification": {"alert": "news"}, "sms_message": sms})
}

/// How many looks at pushes the store has ahead.
async fn looks_ahead(world: &World) -> usize {
    let found = world.daemon.context().ledger.read(|snapshot| snapshot.due_followups(TimeMs::MAX, 1_000)).await;
    found.expect("the store is there").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_did_not_receive_the_push_gets_a_signed_text_message_by_itself() {
    let scene = Scene::new().await;
    scene.phone("away", "13800000000").await;
    let msg_id = scene.push(push(0)).await;
    let told = tokio::time::timeout(PATIENCE, async {
        loop {
            match scene.gateway.told() {
                told if told.is_empty() => tokio::task::yield_now().await,
                told => break told,
            }
        }
    });
    let expected = json!({
        "kind": "sms", "mobile": "13800000000", "app_key": scene.app.key, "msg_id": msg_id.0.to_string(),
        "registration_id": "away", "temp_id": 7, "temp_para": {"code": "1234"}, "signid": 3, "delay_time": 0,
    });
    assert_eq!(told.await.expect("in time"), [expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_with_a_number_who_did_not_receive_it_in_time_are_told_once() {
    let scene = Scene::new().await;
    scene.phone("late", "13800000001").await;
    let in_time = scene.phone("in-time", "13800000002").await;
    scene.world.device(&scene.app, "without-number", Platform::ANDROID).await;
    let begun = now_ms();
    let msg_id = scene.push(push(60)).await;
    scene.received(in_time, msg_id).await;
    scene.round(begun + MINUTE_MS - 1).await;
    scene.gateway.expect(&NOBODY);
    scene.round(now_ms() + MINUTE_MS).await;
    scene.gateway.expect(&["13800000001"]);
    let app = scene.app.number;
    let texted = scene.world.daemon.context().ledger.read(move |snapshot| snapshot.texted(app, msg_id)).await;
    assert_eq!(texted.expect("the store is there"), (1, 0));
    assert_eq!(looks_ahead(&scene.world).await, 0);
    let scene = scene.restarted().await;
    scene.round(now_ms() + 2 * MINUTE_MS).await;
    scene.gateway.expect(&NOBODY);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_push_sends_no_text_message() {
    let scene = Scene::new().await;
    scene.phone("away", "13800000000").await;
    let msg_id = scene.push(push(60)).await;
    scene.world.call(&scene.app, "DELETE", &format!("/v3/push/{}", msg_id.0), None).await.expect(200);
    scene.round(now_ms() + MINUTE_MS).await;
    scene.gateway.expect(&NOBODY);
    assert_eq!(looks_ahead(&scene.world).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_in_trouble_is_asked_again_later_also_after_a_restart() {
    let scene = Scene::new().await;
    scene.phone("a", "13800000001").await;
    let second = scene.phone("b", "13800000002").await;
    let msg_id = scene.push(push(60)).await;
    let due = now_ms() + MINUTE_MS;
    scene.gateway.answer_next(&[503, 429]);
    scene.round(due).await;
    scene.gateway.expect(&["13800000001", "13800000002"]);
    scene.round(due + 1_000).await;
    scene.gateway.expect(&NOBODY);
    // Whoever receives it meanwhile needs no text message any more.
    scene.received(second, msg_id).await;
    let scene = scene.restarted().await;
    scene.round(due + 10_000).await;
    scene.gateway.expect(&["13800000001"]);
    scene.round(due + MINUTE_MS).await;
    scene.gateway.expect(&NOBODY);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_number_is_not_tried_again_and_nothing_is_tried_for_more_than_a_day() {
    let scene = Scene::new().await;
    scene.phone("a", "13800000001").await;
    scene.push(push(60)).await;
    let due = now_ms() + MINUTE_MS;
    scene.gateway.answer_next(&[400]);
    scene.round(due).await;
    scene.gateway.expect(&["13800000001"]);
    assert_eq!(looks_ahead(&scene.world).await, 0, "refused for good");

    scene.push(push(60)).await;
    let due = now_ms() + MINUTE_MS;
    scene.gateway.answer_next(&[500, 500]);
    scene.round(due).await;
    scene.round(due + DAY_MS - MINUTE_MS).await;
    scene.gateway.expect(&["13800000001", "13800000001"]);
    scene.round(due + 2 * DAY_MS).await;
    scene.gateway.expect(&NOBODY);
    assert_eq!(looks_ahead(&scene.world).await, 0, "given up");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_phones_are_told_in_groups_and_each_once() {
    let scene = Scene::new().await;
    let mobiles: Vec<String> = (0..150).map(|number| format!("1380000{number:04}")).collect();
    for mobile in &mobiles {
        scene.phone(&format!("of-{mobile}"), mobile).await;
    }
    scene.push(push(60)).await;
    let due = now_ms() + MINUTE_MS;
    // The first group fails as a whole: the others are spared until later.
    scene.gateway.answer_next(&[503; 64]);
    scene.round(due).await;
    let all: Vec<&str> = mobiles.iter().map(String::as_str).collect();
    scene.gateway.expect(&all[..64]);
    scene.round(due + MINUTE_MS).await;
    scene.gateway.expect(&all);
    assert_eq!(looks_ahead(&scene.world).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_whose_answers_were_not_noted_do_not_come_again_at_once() {
    let scene = Scene::new().await;
    scene.phone("a", "13800000001").await;
    scene.push(push(60)).await;
    let due = now_ms() + MINUTE_MS;
    scene.gateway.is_silent.store(true, Ordering::SeqCst);
    let told = async {
        while scene.gateway.told.lock().expect("no panic").is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = scene.round(due) => panic!("nobody has answered"),
        told = tokio::time::timeout(PATIENCE, told) => told.expect("in time"),
    }
    scene.gateway.expect(&["13800000001"]);
    scene.gateway.is_silent.store(false, Ordering::SeqCst);
    let scene = scene.restarted().await;
    scene.round(due + 5 * MINUTE_MS).await;
    scene.gateway.expect(&NOBODY);
    scene.round(due + 10 * MINUTE_MS).await;
    scene.gateway.expect(&["13800000001"]);
    assert_eq!(looks_ahead(&scene.world).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_always_fail_hold_back_nobody_behind_them_and_are_tried_again() {
    let scene = Scene::new().await;
    let mobiles: Vec<String> = (0..150).map(|number| format!("1380000{number:04}")).collect();
    for mobile in &mobiles {
        scene.phone(&format!("of-{mobile}"), mobile).await;
    }
    scene.gateway.engaged.lock().expect("no panic").extend(mobiles[..64].iter().cloned());
    scene.push(push(60)).await;
    let due = now_ms() + MINUTE_MS;
    let all: Vec<&str> = mobiles.iter().map(String::as_str).collect();
    scene.round(due).await;
    scene.gateway.expect(&all[..64]);
    scene.round(due + MINUTE_MS).await;
    scene.gateway.expect(&all);
    scene.gateway.engaged.lock().expect("no panic").clear();
    scene.round(due + 20 * MINUTE_MS).await;
    scene.gateway.expect(&all[..64]);
    assert_eq!(looks_ahead(&scene.world).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_more_is_due_than_a_round_looks_at_the_next_one_comes_at_once() {
    let scene = Scene::new().await;
    scene.phone("a", "13800000001").await;
    for _ in 0..70 {
        scene.push(push(60)).await;
    }
    let due = now_ms() + MINUTE_MS;
    assert!(scene.one_round(due).await, "more is due");
    scene.gateway.expect(&["13800000001"; 64]);
    assert!(!scene.one_round(due).await, "that was all");
    scene.gateway.expect(&["13800000001"; 6]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_notes_a_thousand_who_did_not_receive_a_push_and_goes_on_in_the_next() {
    let host = Url::parse("http://127.0.0.1:1").expect("an address").origin;
    let world = World::with(|config| config.callback.hosts = vec![host]).await;
    let app = world.app("one").await;
    let devices = (0..1_200).map(|number| {
        let (world, app) = (&world, &app);
        async move { world.device(app, &format!("device-{number}"), Platform::ANDROID).await }
    });
    stream::iter(devices).buffer_unordered(100).collect::<Vec<_>>().await;
    let callback = json!({"url": "http://127.0.0.1:1/told", "type": 4});
    let object = json!({"platform": "all", "audience": "all", "notification": {"alert": "news"}, "callback": callback});
    world.call(&app, "POST", "/v3/push", Some(object)).await.expect(200);
    let (context, now_ms) = (world.daemon.context(), now_ms() + 2 * DAY_MS);
    let round = || followup::round(&context.ledger, &context.bridges, now_ms);
    assert!(round().await.expect("the store is there"), "the rest is for the next round");
    assert_eq!(looks_ahead(&world).await, 1);
    assert!(!round().await.expect("the store is there"), "that was all");
    assert_eq!(looks_ahead(&world).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_push_can_be_followed_by_text_messages() {
    let scene = Scene::new().await;
    let Scene { world, app, .. } = &scene;
    scene.phone("away", "13800000000").await;

    let mut item = push(60);
    item.as_object_mut().expect("an object").remove("audience");
    item["target"] = json!("away");
    let cids = world.call(app, "GET", "/v3/push/cid?count=1", None).await.expect(200);
    let cid = cids["cidlist"][0].as_str().expect("a text").to_owned();
    let batch = json!({"pushlist": {cid.as_str(): item}});
    world.call(app, "POST", "/v3/push/batch/regid/single", Some(batch)).await.expect(200);
    assert_eq!(looks_ahead(world).await, 1, "a batch");

    let list = upload(world, app, "registration_id", b"away").await;
    let mut to_list = push(60);
    to_list["audience"] = json!({"file": {"file_id": list}});
    world.call(app, "POST", "/v3/push/file", Some(to_list)).await.expect(200);
    assert_eq!(looks_ahead(world).await, 2, "a list");

    let group = world.app_group("group", &[app]).await;
    world.call_as(Some(&group), "POST", "/v3/grouppush", push(60).to_string()).await.expect(200);
    assert_eq!(looks_ahead(world).await, 3, "an app group");

    let mut slow = push(60);
    slow["options"] = json!({"big_push_duration": 10});
    world.call(app, "POST", "/v3/push", Some(slow)).await.expect(200);
    assert_eq!(looks_ahead(world).await, 4, "a slow push");

    let at_ms = now_ms() / 1000 * 1000 + 5 * MINUTE_MS;
    let time = Written(at_ms, TimeZone::DEFAULT).to_string();
    let task = json!({"name": "later", "enabled": true, "trigger": {"single": {"time": time}}, "push": push(60)});
    world.call(app, "POST", "/v3/schedules", Some(task)).await.expect(200);
    assert_eq!(looks_ahead(world).await, 4, "not before it is sent");
    anserd::schedule::job::round(world.daemon.context(), at_ms).await.expect("the store is there");
    assert_eq!(looks_ahead(world).await, 5, "a schedule");

    world.call(app, "POST", "/v3/push/validate", Some(push(60))).await.expect(200);
    assert_eq!(looks_ahead(world).await, 5, "nothing was sent");

    scene.round(now_ms() + MINUTE_MS).await;
    scene.gateway.expect(&["13800000000"; 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_webhook_for_the_app_nothing_is_kept_and_one_that_is_gone_is_not_waited_for() {
    let mut scene = Scene::new().await;
    scene.phone("away", "13800000000").await;
    let without = World::new().await;
    let app = without.app("one").await;
    phone(&without, &app, "away", "13800000000").await;
    without.call(&app, "POST", "/v3/push", Some(push(60))).await.expect(200);
    assert_eq!(looks_ahead(&without).await, 0);

    scene.bridge.app = Some(key_of("other", "k"));
    let others = Bridges::new(&[scene.bridge.clone()], scene.files.path()).expect("a bridge");
    assert!(!others.takes_sms(&scene.app.key));
    scene.push(push(60)).await;
    let ledger = &scene.world.daemon.context().ledger;
    followup::round(ledger, &others, now_ms() + MINUTE_MS).await.expect("the store is there");
    scene.gateway.expect(&NOBODY);
    assert_eq!(looks_ahead(&scene.world).await, 0);
}
