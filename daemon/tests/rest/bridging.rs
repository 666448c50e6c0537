//! Pushes to devices without a link, through a webhook that stands for any service: who is told, once, and again until
//! the service has it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use anser_protocol::content::Platform;
use anser_protocol::frame::ServerFrame;
use anser_protocol::frame::push::TokenKind;
use anser_protocol::ids::{Position, TimeMs};
use anser_storage::PushToken;
use anser_storage::command::{BridgeCommand, Command, PushCommand};
use anser_storage::ids::DeviceNumber;
use anserd::bridge::job::Job;
use anserd::bridge::{Bridges, Url};
use anserd::clock::now_ms;
use anserd::config::{BridgeConfig, BridgeKind, WebhookConfig};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::{Value, json};

use crate::peer::Peer;
use crate::phone::Phone;
use crate::world::{App, World};

/// What the service was told, and what it answers: 200 when nothing else was asked for.
#[derive(Clone, Default)]
struct Service {
    told: Arc<Mutex<Vec<Value>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
}

struct Scene {
    world: World,
    app: App,
    service: Service,
    bridges: Bridges,
    job: Job,
    _secret: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let app = world.app("one").await;
        let service = Service::default();
        let folder = tempfile::tempdir().expect("a folder");
        let secret_file = folder.path().join("secret");
        std::fs::write(&secret_file, "a secret that nobody else knows, of some length").expect("written");
        let url = Url::parse(&format!("http://{}/wake", service.listen().await)).expect("an address");
        let webhook = WebhookConfig { url, secret_file, vendors: vec!["*".into()], sms: false };
        let config = BridgeConfig { app: None, wake_for_chat: true, ca: None, kind: BridgeKind::Webhook(webhook) };
        let bridges = Bridges::new(&[config], folder.path()).expect("a bridge");
        let mut scene = Self { world, app, service, bridges, job: Job::default(), _secret: folder };
        scene.world.daemon.context().switchboard.sleepers.switch_on();
        // The first look says from where on pushes are for the bridge.
        scene.round(now_ms()).await;
        scene
    }

    async fn device(&self, id: &str, platform: Platform) -> DeviceNumber {
        let device = self.world.device(&self.app, id, platform).await;
        let token = PushToken { kind: TokenKind::VENDOR.0, token: format!("mi:{id}") };
        self.world.submit(Command::Bridge(BridgeCommand::SetToken { app: self.app.number, device, token })).await;
        device
    }

    async fn number_of(&self, registration_id: &str) -> DeviceNumber {
        let (app, id) = (self.app.number, registration_id.to_owned());
        let ledger = &self.world.daemon.context().ledger;
        let found = ledger.read(move |snapshot| snapshot.device_by_registration_id(app, &id)).await;
        found.expect("the store is there").expect("registered").0
    }

    async fn give_token(&self, registration_id: &str) {
        let (app, device) = (self.app.number, self.number_of(registration_id).await);
        let token = PushToken { kind: TokenKind::VENDOR.0, token: format!("mi:{registration_id}") };
        self.world.submit(Command::Bridge(BridgeCommand::SetToken { app, device, token })).await;
    }

    /// The daemon has noticed that the device's link is gone.
    async fn until_away(&self, registration_id: &str) {
        let (app, device) = (self.app.number, self.number_of(registration_id).await);
        while self.world.daemon.context().switchboard.holds_link(app, device) {
            tokio::task::yield_now().await;
        }
    }

    /// Messages go through the switchboard's own thread: looks until the service was told.
    async fn until_missed(&mut self) {
        while self.service.told.lock().expect("no panic").is_empty() {
            self.round(now_ms()).await;
        }
    }

    async fn push(&self, object: Value) -> Position {
        let answer = self.world.call(&self.app, "POST", "/v3/push", Some(object)).await.expect(200);
        Position(answer["msg_id"].as_str().expect("text").parse().expect("a number"))
    }

    async fn round(&mut self, now_ms: TimeMs) {
        let context = self.world.daemon.context();
        self.job.round(&context.ledger, &context.switchboard, &self.bridges, now_ms).await.expect("the store is there");
    }

    /// Who was told since the last time, by registration id.
    fn told(&self) -> Vec<(String, Value)> {
        let told = std::mem::take(&mut *self.service.told.lock().expect("no panic"));
        let mut told: Vec<_> = told
            .into_iter()
            .map(|notice| (notice["registration_id"].as_str().unwrap_or("").to_owned(), notice))
            .collect();
        told.sort_by(|(left, _), (right, _)| left.cmp(right));
        told
    }

    fn told_whom(&self) -> Vec<String> {
        self.told().into_iter().map(|(whom, _)| whom).collect()
    }

    fn answer_next(&self, statuses: &[u16]) {
        self.service.answers.lock().expect("no panic").extend(statuses);
    }
}

impl Service {
    async fn listen(&self) -> std::net::SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let service = self.clone();
        let answer = move |body: String| async move {
            service.told.lock().expect("no panic").push(serde_json::from_str(&body).expect("JSON"));
            let status = service.answers.lock().expect("no panic").pop_front().unwrap_or(200);
            StatusCode::from_u16(status).expect("a status")
        };
        let router = Router::new().route("/wake", post(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }
}

fn alert(audience: Value) -> Value {
    json!({"platform": "all", "audience": audience, "notification": {"alert": "news"}})
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_without_a_link_that_gave_a_token_are_told_once() {
    let mut scene = Scene::new().await;
    scene.device("asleep", Platform::ANDROID).await;
    scene.world.device(&scene.app, "no-token", Platform::ANDROID).await;
    let msg_id = scene.push(alert(json!("all"))).await;
    scene.round(now_ms()).await;
    let told = scene.told();
    assert_eq!(told.len(), 1, "{told:?}");
    let (whom, notice) = &told[0];
    assert_eq!((whom.as_str(), &notice["alert"], &notice["token"]), ("asleep", &json!("news"), &json!("asleep")));
    assert_eq!(notice["msg_id"], msg_id.0.to_string());
    scene.round(now_ms()).await;
    // Not after a restart either.
    scene.job = Job::default();
    scene.round(now_ms()).await;
    assert_eq!(scene.told_whom(), [""; 0]);
    let detail = scene.world.call(&scene.app, "GET", &format!("/v3/received/detail?msg_ids={}", msg_id.0), None).await;
    assert_eq!(detail.expect(200)[0]["android_pns_sent"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_a_link_needs_no_bridge() {
    let mut scene = Scene::new().await;
    scene.device("asleep", Platform::ANDROID).await;
    let mut peer = Peer::connect(&scene.world).await;
    let awake = peer.register(&scene.app.key).await.registration_id;
    scene.give_token(&awake).await;
    scene.push(alert(json!("all"))).await;
    let begun = now_ms();
    scene.round(begun).await;
    assert_eq!(scene.told_whom(), ["asleep"]);
    // A link that turns out to be dead before the push was received does not keep the device from it.
    drop(peer);
    scene.until_away(&awake).await;
    scene.round(begun + 29_000).await;
    assert_eq!(scene.told_whom(), [""; 0], "not looked at yet");
    scene.round(begun + 31_000).await;
    assert_eq!(scene.told_whom(), [awake]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_in_trouble_is_asked_again_later_and_later_until_it_takes_it() {
    let mut scene = Scene::new().await;
    scene.device("asleep", Platform::ANDROID).await;
    scene.push(alert(json!("all"))).await;
    let begun = now_ms();
    scene.answer_next(&[503, 429, 500]);
    scene.round(begun).await;
    assert_eq!(scene.told_whom(), ["asleep"], "refused for now");
    scene.round(begun + 1_000).await;
    assert_eq!(scene.told_whom(), [""; 0], "too early");
    scene.round(begun + 5_000).await;
    assert_eq!(scene.told_whom(), ["asleep"]);
    // Also by a job that knows nothing of it.
    scene.job = Job::default();
    scene.round(begun + 6_000).await;
    assert_eq!(scene.told_whom(), ["asleep"]);
    scene.round(begun + 60_000).await;
    assert_eq!(scene.told_whom(), ["asleep"], "now it took it");
    scene.round(begun + 600_000).await;
    assert_eq!(scene.told_whom(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_of_a_push_that_is_over() {
    let mut scene = Scene::new().await;
    scene.device("asleep", Platform::ANDROID).await;
    let withdrawn = scene.push(alert(json!("all"))).await;
    scene.world.submit(Command::Push(PushCommand::Withdraw { app: scene.app.number, push: withdrawn })).await;
    let mut short = alert(json!("all"));
    short["options"] = json!({"time_to_live": 60});
    scene.push(short).await;
    scene.round(now_ms() + 61_000).await;
    assert_eq!(scene.told_whom(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_service_does_not_know_any_more_is_forgotten() {
    let mut scene = Scene::new().await;
    let device = scene.device("asleep", Platform::ANDROID).await;
    scene.push(alert(json!("all"))).await;
    scene.answer_next(&[410]);
    scene.round(now_ms()).await;
    assert_eq!(scene.told_whom(), ["asleep"]);
    let app = scene.app.number;
    let token = scene.world.daemon.context().ledger.read(move |snapshot| snapshot.push_token(app, device)).await;
    assert_eq!(token.expect("the store is there"), None);
    scene.push(alert(json!("all"))).await;
    scene.round(now_ms()).await;
    assert_eq!(scene.told_whom(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_icon_counts_a_push_once_however_often_its_service_is_asked() {
    let mut scene = Scene::new().await;
    let app = scene.app.number;
    let one = scene.device("ios-1", Platform::IOS).await;
    scene.device("ios-2", Platform::IOS).await;
    scene.world.submit(Command::Bridge(BridgeCommand::SetBadge { app, device: one, badge: 4 })).await;
    let mut push = alert(json!("all"));
    push["notification"]["ios"] = json!({"badge": "+1"});
    let begun = now_ms();
    scene.push(push).await;
    scene.answer_next(&[503, 503]);
    for at_ms in [begun, begun + 10_000] {
        scene.round(at_ms).await;
        let badges: Vec<Value> = scene.told().into_iter().map(|(_, notice)| notice["badge"].clone()).collect();
        assert_eq!(badges, [json!(5), json!(1)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn custom_messages_wait_for_the_link() {
    let mut scene = Scene::new().await;
    scene.device("asleep", Platform::ANDROID).await;
    scene.push(json!({"platform": "all", "audience": "all", "message": {"msg_content": "for the app"}})).await;
    scene.round(now_ms()).await;
    assert_eq!(scene.told_whom(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_for_a_custom_message_is_shown_where_no_application_is_there_to_take_it() {
    let mut scene = Scene::new().await;
    scene.device("asleep", Platform::ANDROID).await;
    scene.device("ios", Platform::IOS).await;
    let third = json!({"title": "t", "content": "c", "channel_id": "x", "badge_set_num": 4, "extras": {"k": "v"}});
    let msg_id = scene
        .push(json!({
            "platform": "all", "audience": "all", "message": {"msg_content": "for the app"}, "notification_3rd": third,
        }))
        .await;
    scene.round(now_ms()).await;
    let told = scene.told();
    assert_eq!(told.len(), 1, "{told:?}");
    let notice = &told[0].1;
    assert_eq!((&told[0].0, &notice["title"], &notice["alert"]), (&"asleep".to_owned(), &json!("t"), &json!("c")));
    assert_eq!(notice["block"], json!({"channel_id": "x"}));
    assert_eq!((&notice["extras"], &notice["badge"]), (&json!({"k": "v"}), &json!(4)));
    scene.round(now_ms() + 60_000).await;
    assert_eq!(scene.told_whom(), [""; 0], "once");
    let detail = scene.world.call(&scene.app, "GET", &format!("/v3/received/detail?msg_ids={}", msg_id.0), None).await;
    assert_eq!(detail.expect(200)[0]["android_pns_sent"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendors_channel_is_told_where_an_image_is_and_what_the_push_says_to_it() {
    let mut scene = Scene::new().await;
    scene.device("asleep", Platform::ANDROID).await;
    let image = json!({"image_type": 1, "image_url": "https://a.org/1"});
    let added = scene.world.call(&scene.app, "POST", "/v3/images/byurls", Some(image)).await.expect(200);
    let mut push = alert(json!("all"));
    push["notification"]["android"] = json!({"big_pic_path": added["media_id"]});
    let said = |icon: &str| json!({"large_icon": icon, "big_pic_path": added["media_id"], "importance": "LOW"});
    push["options"] = json!({"third_party_channel": {"mi": said("jgmedia-1-unknown"), "other": {"large_icon": "x"}}});
    scene.push(push).await;
    scene.round(now_ms()).await;
    let told = scene.told();
    assert_eq!(told[0].1["block"]["big_pic_path"], "https://a.org/1");
    let expected = json!({"large_icon": "jgmedia-1-unknown", "big_pic_path": "https://a.org/1", "importance": "LOW"});
    assert_eq!(told[0].1["options"], expected, "what a vendor is given is never refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_for_a_custom_message_is_told_where_its_images_are() {
    let mut scene = Scene::new().await;
    scene.device("asleep", Platform::ANDROID).await;
    let image = json!({"image_type": 1, "image_url": "https://a.org/1"});
    let added = scene.world.call(&scene.app, "POST", "/v3/images/byurls", Some(image)).await.expect(200);
    let block = json!({"content": "c", "big_pic_path": added["media_id"]});
    for third in [block.clone(), json!({"android": block})] {
        scene
            .push(json!({
                "platform": "all", "audience": "all", "message": {"msg_content": "x"}, "notification_3rd": third,
            }))
            .await;
        scene.round(now_ms()).await;
        let told = scene.told();
        assert_eq!(told.last().expect("told").1["block"]["big_pic_path"], "https://a.org/1", "{third}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_stopped_its_pushes_is_woken_for_none_until_it_resumes_them() {
    let mut scene = Scene::new().await;
    let mut phone = Phone::register(&scene.world, &scene.app, Platform::ANDROID);
    let id = phone.registration_id.clone();
    scene.give_token(&id).await;
    phone.stop_pushes();
    drop(phone);
    scene.until_away(&id).await;
    scene.push(alert(json!("all"))).await;
    let begun = now_ms();
    scene.round(begun).await;
    assert_eq!(scene.told_whom(), [""; 0]);
    // Nor by a daemon that was started since.
    scene.job = Job::default();
    scene.round(begun).await;
    assert_eq!(scene.told_whom(), [""; 0]);
    let (app, device) = (scene.app.number, scene.number_of(&id).await);
    scene.world.submit(Command::Bridge(BridgeCommand::StopPushes { app, device, is_stopped: false })).await;
    scene.round(begun + 31_000).await;
    assert_eq!(scene.told_whom(), [id], "what it missed meanwhile");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_resumes_its_pushes_is_woken_again() {
    let mut scene = Scene::new().await;
    let mut phone = Phone::register(&scene.world, &scene.app, Platform::ANDROID);
    let id = phone.registration_id.clone();
    scene.give_token(&id).await;
    phone.stop_pushes();
    phone.resume_pushes(None);
    drop(phone);
    scene.until_away(&id).await;
    scene.push(alert(json!("all"))).await;
    scene.round(now_ms()).await;
    assert_eq!(scene.told_whom(), [id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_message_wakes_the_phone_of_somebody_without_a_link_and_nobody_else() {
    let mut scene = Scene::new().await;
    scene.world.users(&scene.app, &["alice", "bob"]).await;
    let mut peer = Peer::connect(&scene.world).await;
    let bobs = peer.register(&scene.app.key).await.registration_id;
    peer.log_in("bob", "secret").await;
    scene.give_token(&bobs).await;
    let say = |text: &str| {
        json!({
            "version": 1, "target_type": "single", "target_id": "bob", "from_type": "user", "from_id": "alice",
            "msg_type": "text", "msg_body": {"text": text},
        })
    };
    scene.world.call(&scene.app, "POST", "/v1/messages", Some(say("while he is there"))).await.expect(201);
    while !matches!(peer.hear().await.expect("the link is there"), ServerFrame::Deliver(_)) {}
    scene.round(now_ms()).await;
    assert_eq!(scene.told_whom(), [""; 0]);

    drop(peer);
    scene.until_away(&bobs).await;
    // That concerns pushes only.
    let (app, device) = (scene.app.number, scene.number_of(&bobs).await);
    scene.world.submit(Command::Bridge(BridgeCommand::StopPushes { app, device, is_stopped: true })).await;
    scene.world.call(&scene.app, "POST", "/v1/messages", Some(say(&"z".repeat(300)))).await.expect(201);
    scene.until_missed().await;
    let told = scene.told();
    let (whom, notice) = &told[0];
    assert_eq!((told.len(), whom), (1, &bobs), "{told:?}");
    assert_eq!((&notice["title"], &notice["alert"]), (&json!("alice"), &json!("z".repeat(100))));
    assert_eq!(notice["extras"], json!({"chat_user": "alice"}));
    scene.round(now_ms()).await;
    assert_eq!(scene.told_whom(), [""; 0], "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_that_was_muted_wakes_nobody() {
    let mut scene = Scene::new().await;
    scene.world.users(&scene.app, &["alice", "bob", "carol"]).await;
    let mut peer = Peer::connect(&scene.world).await;
    let bobs = peer.register(&scene.app.key).await.registration_id;
    peer.log_in("bob", "secret").await;
    scene.give_token(&bobs).await;
    drop(peer);
    scene.until_away(&bobs).await;
    let mute = json!({"single": {"add": ["alice"]}});
    scene.world.call(&scene.app, "POST", "/v1/users/bob/nodisturb", Some(mute)).await.expect(204);
    for from in ["alice", "carol"] {
        let message = json!({
            "version": 1, "target_type": "single", "target_id": "bob", "from_type": "user", "from_id": from,
            "msg_type": "text", "msg_body": {"text": "x"},
        });
        scene.world.call(&scene.app, "POST", "/v1/messages", Some(message)).await.expect(201);
    }
    scene.until_missed().await;
    let told = scene.told();
    assert_eq!(told.iter().map(|(_, notice)| &notice["title"]).collect::<Vec<_>>(), ["carol"]);
}
