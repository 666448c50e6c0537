//! What an operator learns of a push, a message and a link: every step with its time, and why a phone did not get it.

use anser_protocol::content::Platform;
use anser_protocol::error::ErrorCode;
use anserd::admin::{self, LinkFilter, Reply, Request};
use anserd::trace::{Traced, TracedDevice, TracedPush, trace};
use serde_json::{Value, json};
use tokio::task::block_in_place;

use crate::phone::Phone;
use crate::world::{App, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_push_to_one_phone_is_traced_step_by_step_with_exact_times_until_a_restart() {
    let world = World::new().await;
    let app = world.app("traced").await;
    let mut phone = Phone::register(&world, &app, Platform::ANDROID);
    let id = phone.registration_id.clone();
    let msg_id = push(&world, &app, json!({"registration_id": [&id]})).await;
    let pushed = phone.push();
    phone.acknowledge(&pushed);
    phone.click(&[pushed.msg_id]);

    let traced = traced(&world, msg_id, None).await;
    assert_eq!((traced.chosen, traced.counts.received, traced.counts.clicked), (1, 1, 1));
    assert!(traced.times.starts_with("exact"), "{}", traced.times);
    let (named, times) = &traced.deliveries[0];
    let stored = traced.stored_ms.expect("remembered");
    let (sent, received) = (times.sent.expect("sent"), times.received.expect("received"));
    let clicked = times.clicked.expect("clicked");
    assert!(*named == id && traced.accepted_ms <= stored && traced.accepted_ms <= sent, "{traced:?}");
    assert!(sent <= received && received <= clicked, "{traced:?}");
    let device = of_device(&world, msg_id, &id).await;
    assert_eq!((device.source.as_str(), device.is_connected), ("exact_few", true));
    assert!(device.why.contains("received it, and its user clicked"), "{}", device.why);

    // What the store keeps outlives the daemon, times do not.
    let world = world.restarted().await;
    let device = of_device(&world, msg_id, &id).await;
    assert_eq!((device.source.as_str(), device.times.received), ("bits", None));
    assert!(device.steps.received && device.steps.clicked && device.why.contains("received it"), "{device:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_phone_did_not_get_a_push_is_said_in_a_sentence() {
    let world = World::with(|config| config.push.offline_limit = 1).await;
    let app = world.app("reasons").await;
    world.device(&app, "away", Platform::ANDROID).await;
    world.device(&app, "other", Platform::ANDROID).await;
    world.device(&app, "apple", Platform::IOS).await;

    let to_away = push(&world, &app, json!({"registration_id": ["away"]})).await;
    why(&world, to_away, "away", "The device is away, never seen").await;
    why(&world, to_away, "other", "not in the audience").await;
    why(&world, to_away, "apple", "no ios device was").await;
    world.device(&app, "young", Platform::ANDROID).await;
    why(&world, to_away, "young", "after the push was accepted").await;

    let newer = push(&world, &app, json!({"registration_id": ["away"]})).await;
    why(&world, to_away, "away", "only the newest 1").await;
    world.call(&app, "DELETE", &format!("/v3/push/{newer}"), None).await.expect(200);
    why(&world, newer, "away", "withdrawn").await;
    assert!(traced(&world, newer, None).await.state.contains("withdrawn"));

    let nobody = trace(world.daemon.context(), newer, None, Some("nobody".to_owned())).await;
    assert!(nobody.expect_err("no such device").contains("no device \"nobody\""));
    let other = world.app("other").await;
    let walled = trace(world.daemon.context(), newer, Some(other.number), None).await;
    assert!(walled.expect_err("of another app").contains("nothing of msg_id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_traced_without_its_words() {
    let world = World::new().await;
    let app = world.app("talk").await;
    world.users(&app, &["alice", "bob"]).await;
    let message = json!({
        "version": 1, "target_type": "single", "target_id": "bob", "from_type": "user", "from_id": "alice",
        "msg_type": "text", "msg_body": {"text": "a secret between the two"},
    });
    let sent = world.call(&app, "POST", "/v1/messages", Some(message)).await.expect(201);
    let msg_id = sent["msg_id"].as_u64().expect("an id");
    let told = |traced: &Traced| serde_json::to_value(traced).expect("JSON");
    let first = told(&trace(world.daemon.context(), msg_id, None, None).await.expect("known"));
    assert_eq!(
        (&first["kind"], &first["from"], &first["to"]),
        (&json!("message"), &json!("alice"), &json!("user bob"))
    );
    assert!(!first.to_string().contains("secret between"), "{first}");
    world.call(&app, "POST", &format!("/v1/messages/alice/{msg_id}/retract"), None).await.expect(204);
    let after = told(&trace(world.daemon.context(), msg_id, None, None).await.expect("known"));
    assert_eq!(after["amended"][0], "retracted");
    assert!(after["state"].as_str().is_some_and(|state| state.contains("retracted at")), "{after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_found_by_app_device_and_address_and_one_is_ended_with_a_reason() {
    let world = World::new().await;
    let (app, other) = (world.app("here").await, world.app("there").await);
    let mut phone = Phone::register(&world, &app, Platform::ANDROID);
    let neighbour = Phone::register(&world, &app, Platform::ANDROID);
    let _stranger = Phone::register(&world, &other, Platform::ANDROID);

    let of_app = LinkFilter { app: Some("here".to_owned()), ..LinkFilter::default() };
    let Reply::Links(shown) = ask(&world, list(of_app.clone(), None, 1)) else { panic!("no links") };
    assert_eq!((shown.links.len(), shown.all), (1, 2));
    assert_eq!(shown.links[0].device.as_deref(), Some(phone.registration_id.as_str()));
    let Reply::Links(next) = ask(&world, list(of_app.clone(), shown.after, 10)) else { panic!("no links") };
    assert_eq!(next.links[0].device.as_deref(), Some(neighbour.registration_id.as_str()));
    assert_eq!((next.links.len(), next.after), (1, None));
    let elsewhere = LinkFilter { address: Some([192, 0, 2, 1].into()), ..LinkFilter::default() };
    let Reply::Links(nobody) = ask(&world, list(elsewhere, None, 10)) else { panic!("no links") };
    assert_eq!(nobody.all, 0);

    let device = Some(phone.registration_id.clone());
    let kick =
        Request::LinkKick { filter: LinkFilter { device, ..of_app }, reason: "update first".to_owned(), all: false };
    assert_eq!(ask(&world, kick), Reply::Kicked { links: 1 });
    let goodbye = phone.goodbye();
    assert_eq!((goodbye.code, goodbye.message.as_str()), (ErrorCode::ENDED_BY_OPERATOR, "update first"));
    let unnamed = Request::LinkKick { filter: LinkFilter::default(), reason: String::new(), all: false };
    assert!(matches!(ask(&world, unnamed), Reply::Refused(why) if why.contains("--all")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_counted_under_its_name() {
    let world = World::new().await;
    let app = world.app("counted").await;
    let mut phone = Phone::register(&world, &app, Platform::ANDROID);
    let id = phone.registration_id.clone();
    push(&world, &app, json!({"registration_id": [&id]})).await;
    let pushed = phone.push();
    phone.acknowledge(&pushed);
    world.call(&app, "GET", "/v3/devices/nobody", None).await;
    world.call_as(None, "GET", "/v3/tags", "").await;

    let Reply::Metrics(text) = ask(&world, Request::Metrics) else { panic!("no figures") };
    for line in [
        r#"anserd_links{transport="tcp"} 1"#,
        r#"anserd_links_opened_total{transport="tcp"} 1"#,
        "anserd_pushes_accepted_total 1",
        "anserd_push_targets_total 1",
        "anserd_pushes_sent_total 1",
        "anserd_pushes_received_total 1",
        r#"anserd_deliveries_total{kind="push"} 1"#,
        r#"anserd_catch_ups_total{kind="pushes"} 1"#,
        r#"anserd_rest_requests_total{family="push",status="2xx"} 1"#,
        r#"anserd_rest_requests_total{family="device",status="4xx"} 2"#,
        "anserd_devices_connected 1",
    ] {
        assert!(text.lines().any(|told| told == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains(&id) && !text.contains(&app.key), "a figure names somebody:\n{text}");
}

async fn push(world: &World, app: &App, audience: Value) -> u64 {
    let body = json!({"platform": "all", "audience": audience, "notification": {"android": {"alert": "x"}}});
    let pushed = world.call(app, "POST", "/v3/push", Some(body)).await.expect(200);
    pushed["msg_id"].as_str().and_then(|id| id.parse().ok()).expect("an id")
}

async fn traced(world: &World, msg_id: u64, device: Option<&str>) -> TracedPush {
    match trace(world.daemon.context(), msg_id, None, device.map(str::to_owned)).await.expect("known") {
        Traced::Push(push) => *push,
        other => panic!("no push: {other:?}"),
    }
}

async fn of_device(world: &World, msg_id: u64, device: &str) -> TracedDevice {
    traced(world, msg_id, Some(device)).await.device.expect("asked for")
}

async fn why(world: &World, msg_id: u64, device: &str, expected: &str) {
    let told = of_device(world, msg_id, device).await.why;
    assert!(told.contains(expected), "{expected:?}: {told}");
}

fn list(filter: LinkFilter, after: Option<u64>, limit: usize) -> Request {
    Request::LinkList { filter, after, limit }
}

/// As the command would, over the socket.
fn ask(world: &World, request: Request) -> Reply {
    let socket = world.daemon.context().config.data_dir.join(admin::SOCKET);
    block_in_place(|| admin::ask(&socket, &request)).expect("answered")
}
