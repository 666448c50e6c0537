//! Pushes by REST.

use anser_protocol::content::Platform;
use serde_json::{Value, json};

use crate::world::{App, World};

#[tokio::test]
async fn a_push_is_answered_with_sendno_and_msg_id_as_texts_and_nothing_else() {
    let (world, app) = with_devices().await;
    world.covers(&["POST /v3/push"]);
    let mut push = to(json!("all"));
    push["options"] = json!({"sendno": 18});
    let answer = world.call(&app, "POST", "/v3/push/", Some(push)).await.expect(200);
    assert_eq!(answer["sendno"], "18");
    let digits = answer["msg_id"].as_str().expect("a text");
    assert!(digits.parse::<u64>().is_ok_and(|id| id < 1 << 53));
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(2));
    assert_eq!(send(&world, &app, to(json!("all"))).await["sendno"], "0");
}

#[tokio::test]
async fn an_audience_is_chosen_by_tag_alias_and_registration_id() {
    let (world, app) = with_devices().await;
    for audience in [
        json!({"tag": ["red"]}),
        json!({"tag_and": ["red", "big"]}),
        json!({"tag_not": ["red"]}),
        json!({"alias": ["me"]}),
        json!({"registration_id": ["rid-1", "unknown"]}),
        json!({"tag": ["red", "nobody"], "alias": ["me"]}),
    ] {
        send(&world, &app, to(audience)).await;
    }
}

#[tokio::test]
async fn when_nobody_matches_the_code_is_1011_and_an_id_was_allotted() {
    let (world, app) = with_devices().await;
    for audience in [json!({"tag": ["nobody"]}), json!({"alias": ["x"]}), json!({"tag": ["red"], "tag_not": ["red"]})] {
        let answer = world.call(&app, "POST", "/v3/push", Some(to(audience))).await;
        assert!(answer.json()["msg_id"].as_str().is_some_and(|id| id.parse::<u64>().is_ok()), "{}", answer.text);
        answer.refused(400, 1011);
    }
    let empty = world.app("empty").await;
    world.call(&empty, "POST", "/v3/push", Some(to(json!("all")))).await.refused(400, 1011);
}

#[tokio::test]
async fn a_single_unknown_registration_id_is_1003() {
    let (world, app) = with_devices().await;
    world.call(&app, "POST", "/v3/push", Some(to(json!({"registration_id": ["unknown"]})))).await.refused(400, 1003);
}

#[tokio::test]
async fn a_push_for_platforms_that_nobody_has_finds_nobody() {
    let (world, app) = with_devices().await;
    let mut push = to(json!("all"));
    push["platform"] = json!(["hmos"]);
    world.call(&app, "POST", "/v3/push", Some(push)).await.refused(400, 1011);
}

#[tokio::test]
async fn validating_checks_all_and_sends_nothing() {
    let (world, app) = with_devices().await;
    world.covers(&["POST /v3/push/validate"]);
    let before = end(&world).await;
    let answer = world.call(&app, "POST", "/v3//push/validate", Some(to(json!("all")))).await.expect(200);
    assert!(answer["msg_id"].is_string() && answer["sendno"].is_string());
    let device = world.device(&app, "rid-1", Platform::ANDROID).await;
    let number = app.number;
    let pending = world
        .daemon
        .context()
        .ledger
        .read(move |snapshot| snapshot.pending_pushes(number, device, Platform::ANDROID, before, 0, 10));
    assert!(pending.await.expect("readable").is_empty());
    world.call(&app, "POST", "/v3/push/validate", Some(to(json!({"tag": ["nobody"]})))).await.refused(400, 1011);
    world.call(&app, "POST", "/v3/push/validate", Some(json!({"platform": "all"}))).await.refused(400, 1002);
}

#[tokio::test]
async fn a_mistake_is_answered_with_its_code() {
    let (world, app) = with_devices().await;
    let with = |key: &str, value: Value| {
        let mut push = to(json!("all"));
        push[key] = value;
        push
    };
    for (push, code) in [
        (with("typo", json!(1)), 1009),
        (with("platform", Value::Null), 1002),
        (with("platform", json!("pager")), 1003),
        (with("audience", json!({"segment": ["x"]})), 1003),
        (with("notification", json!({"alert": "x".repeat(5000)})), 1005),
        (with("options", json!({"active_push": true, "big_push_duration": 1})), 1035),
        (json!([]), 1003),
    ] {
        world.call(&app, "POST", "/v3/push", Some(push)).await.refused(400, code);
    }
}

#[tokio::test]
async fn a_repeated_cid_gets_the_first_answer_and_sends_nothing_more() {
    let (world, app) = with_devices().await;
    let cid = cids(&world, &app, "").await.remove(0);
    let mut push = to(json!("all"));
    push["cid"] = json!(cid);
    push["options"] = json!({"sendno": 7});
    let first = send(&world, &app, push.clone()).await;
    let end_after_first = end(&world).await;
    push["options"] = json!({"sendno": 8});
    assert_eq!(send(&world, &app, push).await, first);
    assert_eq!(end(&world).await, end_after_first);
}

#[tokio::test]
async fn a_cid_is_left_usable_by_a_failed_push_and_by_validating() {
    let (world, app) = with_devices().await;
    let cid = cids(&world, &app, "").await.remove(0);
    let mut nobody = to(json!({"tag": ["nobody"]}));
    nobody["cid"] = json!(cid);
    world.call(&app, "POST", "/v3/push", Some(nobody)).await.refused(400, 1011);
    let mut push = to(json!("all"));
    push["cid"] = json!(cid);
    let validated = world.call(&app, "POST", "/v3/push/validate", Some(push.clone())).await.expect(200);
    assert_ne!(send(&world, &app, push).await["msg_id"], validated["msg_id"]);
}

#[tokio::test]
async fn a_foreign_or_invented_cid_is_1003() {
    let (world, app) = with_devices().await;
    let other = world.app("other").await;
    let foreign = cids(&world, &other, "").await.remove(0);
    let for_schedules = cids(&world, &app, "?type=schedule").await.remove(0);
    for cid in [foreign, for_schedules, format!("{}-00000000-0000-0000-0000-000000000000", app.key), "x".to_owned()] {
        let mut push = to(json!("all"));
        push["cid"] = json!(cid);
        world.call(&app, "POST", "/v3/push", Some(push)).await.refused(400, 1003);
    }
}

#[tokio::test]
async fn cids_come_in_the_number_asked_for() {
    let (world, app) = with_devices().await;
    world.covers(&["GET /v3/push/cid"]);
    assert_eq!(cids(&world, &app, "").await.len(), 1);
    assert_eq!(cids(&world, &app, "?count=1000&type=push").await.len(), 1000);
    assert_eq!(cids(&world, &app, "?type=").await.len(), 1);
    for wrong in ["?count=0", "?count=1001", "?count=x", "?type=other"] {
        world.call(&app, "GET", &format!("/v3/push/cid{wrong}"), None).await.refused(400, 1003);
    }
}

#[tokio::test]
async fn a_push_waits_for_its_devices_resolved_for_their_platform() {
    let (world, app) = with_devices().await;
    let mut push = to(json!({"registration_id": ["rid-1"]}));
    push["notification"] = json!({"alert": "shared", "android": {"title": "T"}});
    send(&world, &app, push).await;
    let device = world.device(&app, "rid-1", Platform::ANDROID).await;
    let number = app.number;
    let pending = world.daemon.context().ledger.read(move |snapshot| {
        snapshot.pending_pushes(number, device, Platform::ANDROID, anser_protocol::ids::Position::START, 0, 10)
    });
    let pending = pending.await.expect("readable");
    assert_eq!(pending.len(), 1);
    let content =
        &pending[0].push.contents.iter().find(|(platform, _)| *platform == Platform::ANDROID).expect("android").1;
    let notification = content.notification.as_ref().expect("a notification");
    assert_eq!((notification.alert.as_str(), notification.title.as_str()), ("shared", "T"));
}

/// `rid-1` is a big red Android with the alias "me"; `rid-2` is an iPhone without anything.
async fn with_devices() -> (World, App) {
    let world = World::new().await;
    let app = world.app("one").await;
    world.device(&app, "rid-1", Platform::ANDROID).await;
    world.device(&app, "rid-2", Platform::IOS).await;
    let change = json!({"tags": {"add": ["red", "big"]}, "alias": "me"});
    world.call(&app, "POST", "/v3/devices/rid-1", Some(change)).await.expect(200);
    (world, app)
}

fn to(audience: Value) -> Value {
    json!({"platform": "all", "audience": audience, "notification": {"alert": "hello"}})
}

async fn send(world: &World, app: &App, push: Value) -> Value {
    world.call(app, "POST", "/v3/push", Some(push)).await.expect(200)
}

async fn cids(world: &World, app: &App, query: &str) -> Vec<String> {
    let answer = world.call(app, "GET", &format!("/v3/push/cid{query}"), None).await.expect(200);
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(1));
    serde_json::from_value(answer["cidlist"].clone()).expect("texts")
}

async fn end(world: &World) -> anser_protocol::ids::Position {
    world.daemon.context().ledger.read(|snapshot| Ok(snapshot.end())).await.expect("readable")
}
