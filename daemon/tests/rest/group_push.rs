//! Pushes to a group of apps.

use std::net::Ipv4Addr;

use anser_protocol::content::Platform;
use anser_storage::AddressRange;
use anser_storage::command::{AccessChange, AppCommand, Command};
use serde_json::{Value, json};

use crate::world::{App, World, basic};

#[tokio::test]
async fn every_app_of_the_group_answers_for_itself() {
    let (world, one, two, group) = with_group().await;
    world.covers(&["POST /v3/grouppush"]);
    let mut body = push(json!({"alias": ["me"]}));
    body["options"] = json!({"sendno": 5});
    let answer = send(&world, &group, &body).await;
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(3));
    assert_eq!(answer[&one.key]["sendno"], "5");
    let msg_id = number(&answer[&one.key]["msg_id"]);
    assert_eq!(answer[&two.key]["error"]["code"], 1011);
    assert!(number(&answer["group_msgid"]) < msg_id);

    let answer = send(&world, &group, &push(json!("all"))).await;
    assert!(number(&answer[&two.key]["msg_id"]) > msg_id);
    assert_eq!(answer[&two.key].as_object().map(serde_json::Map::len), Some(2));
}

#[tokio::test]
async fn a_group_in_which_every_app_fails_is_still_answered_with_200() {
    let (world, one, two, group) = with_group().await;
    let answer = send(&world, &group, &push(json!({"tag": ["nobody"]}))).await;
    for app in [one, two] {
        assert_eq!(answer[&app.key]["error"]["code"], 1011);
    }
}

#[tokio::test]
async fn an_empty_group_is_1011_with_an_id() {
    let world = World::new().await;
    let group = world.app_group("empty", &[]).await;
    let answered = world.call_as(Some(&group), "POST", "/v3/grouppush", push(json!("all")).to_string()).await;
    number(&answered.json()["msg_id"]);
    answered.refused(400, 1011);
}

#[tokio::test]
async fn what_is_wrong_with_the_object_is_told_once() {
    let (world, _, _, group) = with_group().await;
    let mut overriding = push(json!("all"));
    overriding["options"] = json!({"override_msg_id": 7});
    for (body, code) in [(json!({}), 1002), (json!([]), 1003), (overriding, 1003), (json!({"x": 1}), 1009)] {
        world.call_as(Some(&group), "POST", "/v3/grouppush", body.to_string()).await.refused(400, code);
    }
}

#[tokio::test]
async fn a_cid_of_the_group_makes_its_push_go_out_once_to_each_app_that_is_in_it_then() {
    let (world, one, two, group) = with_group().await;
    let cids = world.call_as(Some(&group), "GET", "/v3/push/cid", "").await.expect(200);
    let mut body = push(json!("all"));
    body["cid"] = cids["cidlist"][0].clone();
    let first = send(&world, &group, &body).await;
    assert!([&one, &two].iter().all(|app| first[&app.key]["msg_id"].is_string()), "{first}");
    let joined = world.app("joined since").await;
    world.device(&joined, "rid", Platform::ANDROID).await;
    world.join_app_group("both", &joined).await;
    assert_eq!(send(&world, &group, &body).await, first);
    assert!(first.get(&joined.key).is_none());
    world.call(&one, "POST", "/v3/push", Some(body.clone())).await.refused(400, 1003);
    body["cid"] = world.call(&one, "GET", "/v3/push/cid", None).await.expect(200)["cidlist"][0].take();
    world.call_as(Some(&group), "POST", "/v3/grouppush", body.to_string()).await.refused(400, 1003);
}

#[tokio::test]
async fn an_app_that_is_blocked_or_names_other_callers_gets_no_push_of_its_group() {
    let world = World::new().await;
    let (one, two, three) = (world.app("one").await, world.app("two").await, world.app("three").await);
    for app in [&one, &two, &three] {
        world.device(app, "rid", Platform::ANDROID).await;
    }
    let group = world.app_group("all", &[&one, &two, &three]).await;
    let private = AddressRange { address: Ipv4Addr::new(10, 0, 0, 0).to_ipv6_mapped().octets(), bits: 104 };
    for (app, change) in [(&two, AccessChange::Blocked(true)), (&three, AccessChange::Addresses(vec![private]))] {
        world.submit(Command::App(AppCommand::ChangeAccess { app: app.number, change })).await;
    }
    let told = send(&world, &group, &push(json!("all"))).await;
    assert!(number(&told[&one.key]["msg_id"]) > 0, "{told}");
    assert_eq!((&told[&two.key]["error"]["code"], &told[&three.key]["error"]["code"]), (&json!(2003), &json!(2004)));
}

#[tokio::test]
async fn a_group_calls_nothing_else_and_an_app_does_not_call_as_a_group() {
    let (world, one, _, group) = with_group().await;
    let body = push(json!("all")).to_string();
    world.call_as(Some(&group), "POST", "/v3/push", body.clone()).await.refused(401, 1004);
    world.call_as(Some(&group), "GET", "/v3/tags", "").await.refused(401, 7004);
    for header in [basic(&one.key, &one.secret), basic(&format!("group-{}", one.key), &one.secret)] {
        world.call_as(Some(&header), "POST", "/v3/grouppush", body.clone()).await.refused(401, 1004);
    }
}

async fn with_group() -> (World, App, App, String) {
    let world = World::new().await;
    let (one, two) = (world.app("one").await, world.app("two").await);
    for app in [&one, &two] {
        world.device(app, "rid", Platform::ANDROID).await;
    }
    world.call(&one, "POST", "/v3/devices/rid", Some(json!({"alias": "me"}))).await.expect(200);
    let group = world.app_group("both", &[&one, &two]).await;
    (world, one, two, group)
}

fn push(audience: Value) -> Value {
    json!({"platform": "all", "audience": audience, "notification": {"alert": "x"}})
}

async fn send(world: &World, group: &str, body: &Value) -> Value {
    world.call_as(Some(group), "POST", "/v3/grouppush/", body.to_string()).await.expect(200)
}

#[track_caller]
fn number(value: &Value) -> u64 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no number as text: {value}"))
}
