//! Pushes to uploaded lists: of an app, of a group, and scheduled ones.

use anser_protocol::content::Platform;
use anserd::clock::{Written, now_ms};
use anserd::config::TimeZone;
use anserd::schedule::job;
use serde_json::{Value, json};

use crate::phone::Phone;
use crate::world::{App, Part, World, basic, key_of};

const DAY_MS: u64 = 86_400_000;

#[tokio::test]
async fn exactly_the_listed_devices_are_targets() {
    let (world, app) = with_devices().await;
    world.covers(&["POST /v3/push/file"]);
    let by_id = upload(&world, &app, "registration_id", b"r0\nr2\nunknown\nr0").await;
    let answer = world.call(&app, "POST", "/v3/push/file", Some(push(&by_id))).await.expect(200);
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(2));
    assert_eq!(statuses(&world, &app, &answer["msg_id"]).await, [1, 3, 1]);
    let by_alias = upload(&world, &app, "alias", b"me\nnobody").await;
    world.call(&app, "POST", "/v3/devices/r1", Some(json!({"alias": "me"}))).await.expect(200);
    let answer = world.call(&app, "POST", "/v3/push/file", Some(push(&by_alias))).await.expect(200);
    assert_eq!(statuses(&world, &app, &answer["msg_id"]).await, [3, 1, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_to_a_list_arrives_on_the_phones_that_it_names() {
    let world = World::new().await;
    let app = world.app("one").await;
    let register = || Phone::register(&world, &app, Platform::ANDROID);
    let (mut listed, mut other) = (register(), register());
    let list = upload(&world, &app, "registration_id", listed.registration_id.as_bytes()).await;
    world.call(&app, "POST", "/v3/push/file", Some(push(&list))).await.expect(200);
    let all = json!({"platform": "all", "audience": "all", "notification": {"alert": "for all"}});
    world.call(&app, "POST", "/v3/push", Some(all)).await.expect(200);
    assert_eq!(alert_of(&mut listed), "x");
    assert_eq!(alert_of(&mut other), "for all");
}

#[tokio::test]
async fn what_a_list_does_not_allow_is_1003() {
    let (world, app) = with_devices().await;
    let stranger = world.app("stranger").await;
    world.device(&stranger, "r0", Platform::ANDROID).await;
    let list = upload(&world, &app, "registration_id", b"r0").await;
    let (deleted, foreign) =
        (upload(&world, &app, "alias", b"a").await, upload(&world, &stranger, "registration_id", b"r0").await);
    world.call(&app, "DELETE", &format!("/v3/files/{deleted}"), None).await.expect(200);
    for unknown in [&deleted, &foreign, &format!("{}-x", app.key), "x", ""] {
        world.call(&app, "POST", "/v3/push/file", Some(push(unknown))).await.refused(400, 1003);
    }
    let file = json!({"file_id": list});
    for audience in [
        json!("all"),
        json!({"alias": ["a"]}),
        json!({"file": file, "alias": ["a"]}),
        json!({"file": list}),
        json!({"file": {}}),
        json!({"file": {"file_id": 7}}),
    ] {
        let body = json!({"platform": "all", "audience": audience, "notification": {"alert": "x"}});
        world.call(&app, "POST", "/v3/push/file", Some(body)).await.refused(400, 1003);
    }
    for path in ["/v3/push", "/v3/push/validate"] {
        world.call(&app, "POST", path, Some(push(&list))).await.refused(400, 1003);
    }
    let mut nobody = push(&list);
    nobody["audience"] = Value::Null;
    world.call(&app, "POST", "/v3/push/file", Some(nobody)).await.refused(400, 1002);
}

#[tokio::test]
async fn a_list_that_reaches_nobody_is_1011_with_an_id() {
    let (world, app) = with_devices().await;
    let list = upload(&world, &app, "alias", b"nobody").await;
    let answered = world.call(&app, "POST", "/v3/push/file", Some(push(&list))).await;
    assert!(answered.json()["msg_id"].as_str().is_some_and(|id| id.parse::<u64>().is_ok()));
    answered.refused(400, 1011);
}

#[tokio::test]
async fn a_long_list_is_looked_up_in_several_slices() {
    let (world, app) = with_devices().await;
    let mut long: String = (0..60_000).map(|number| format!("unknown{number}\n")).collect();
    long.push_str("r1");
    let list = upload(&world, &app, "registration_id", long.as_bytes()).await;
    let answer = world.call(&app, "POST", "/v3/push/file", Some(push(&list))).await.expect(200);
    assert_eq!(statuses(&world, &app, &answer["msg_id"]).await, [3, 1, 3]);
}

#[tokio::test]
async fn a_group_pushes_to_the_list_of_the_developer_who_made_its_apps() {
    let world = World::new().await;
    world.covers(&["POST /v3/grouppush/file"]);
    let developer = world.developer("dev").await;
    let operators = world.app("operators").await;
    world.device(&operators, "r0", Platform::ANDROID).await;
    let group = world.app_group("family", &[&operators]).await;
    let body = json!({"app_name": "Shop", "android_package": "com.example", "group_name": "family"});
    let made = world.call_as(Some(&developer), "POST", "/v1/app", body.to_string()).await.expect(200);
    let key = made["app_key"].as_str().expect("a text").to_owned();
    let asked = key.clone();
    let found = world.daemon.context().ledger.read(move |snapshot| snapshot.app_by_key(&asked)).await;
    let (number, row) = found.expect("readable").expect("it was made");
    let made = App { number, key, secret: row.master_secret };
    world.device(&made, "r0", Platform::ANDROID).await;
    let form: [Part<'_>; 1] = [("filename", Some("list"), b"r0")];
    let uploaded = world.call_form(Some(&developer), "POST", "/v3/files/registration_id", &form).await.expect(200);
    let list = uploaded["file_id"].as_str().expect("a text");

    let answer = world.call_as(Some(&group), "POST", "/v3/grouppush/file", push(list).to_string()).await.expect(200);
    assert!(answer[&made.key]["msg_id"].is_string() && answer["group_msgid"].is_string(), "{answer}");
    assert_eq!(answer[&operators.key]["error"]["code"], 1003);
    world.call(&made, "POST", "/v3/push/file", Some(push(list))).await.expect(200);
    world.call(&operators, "POST", "/v3/push/file", Some(push(list))).await.refused(400, 1003);

    let others = world.app_group("others", &[&operators]).await;
    for (group, list) in [(&others, list), (&group, &format!("{}-x", key_of("dev", "dk")))] {
        world.call_as(Some(group), "POST", "/v3/grouppush/file", push(list).to_string()).await.refused(400, 1003);
    }
    world.call_as(Some(&group), "POST", "/v3/grouppush", push(list).to_string()).await.refused(400, 1003);
    let app = basic(&made.key, &made.secret);
    world.call_as(Some(&app), "POST", "/v3/grouppush/file", push(list).to_string()).await.refused(401, 1004);
}

#[tokio::test]
async fn a_schedule_looks_its_list_up_when_it_is_due() {
    let (world, app) = with_devices().await;
    let list = upload(&world, &app, "alias", b"me").await;
    let (first, second) =
        (schedule(&world, &app, &list, DAY_MS).await, schedule(&world, &app, &list, 2 * DAY_MS).await);
    // Bound after the schedule was made.
    world.call(&app, "POST", "/v3/devices/r2", Some(json!({"alias": "me"}))).await.expect(200);
    job::round(world.daemon.context(), now_ms() + DAY_MS).await.expect("the store is there");
    let fired = firing(&world, &app, &first).await;
    assert_eq!(fired["error"]["code"], 0);
    assert_eq!(statuses(&world, &app, &fired["msg_id"]).await, [3, 3, 1]);
    world.call(&app, "DELETE", &format!("/v3/files/{list}"), None).await.expect(200);
    job::round(world.daemon.context(), now_ms() + 2 * DAY_MS).await.expect("the store is there");
    let fired = firing(&world, &app, &second).await;
    assert_eq!((&fired["error"]["code"], &fired["msg_id"]), (&json!(1003), &json!("0")));
}

#[tokio::test]
async fn schedules_to_lists_count_among_the_calls_about_files() {
    let world = World::with(|config| config.rates.files = 1).await;
    let app = world.app("one").await;
    let list = format!("{}-00000000-0000-8000-8000-000000000001", app.key);
    let mut codes = Vec::new();
    for _ in 0..3 {
        let answered = world.call(&app, "POST", "/v3/schedules", Some(task(&list, DAY_MS))).await;
        codes.push((answered.status.as_u16(), answered.json()["error"]["code"].as_u64()));
    }
    // A minute of the clock may have begun between two of the calls, but not between all.
    assert!(codes.contains(&(200, None)) && codes.contains(&(429, Some(2002))), "{codes:?}");
}

/// An app with three Android devices.
async fn with_devices() -> (World, App) {
    let world = World::new().await;
    let app = world.app("one").await;
    for id in ["r0", "r1", "r2"] {
        world.device(&app, id, Platform::ANDROID).await;
    }
    (world, app)
}

pub async fn upload(world: &World, app: &App, kind: &str, list: &[u8]) -> String {
    let form: [Part<'_>; 1] = [("filename", Some("list.txt"), list)];
    let path = format!("/v3/files/{kind}");
    let answer = world.call_form(Some(&basic(&app.key, &app.secret)), "POST", &path, &form).await.expect(200);
    answer["file_id"].as_str().expect("a text").to_owned()
}

fn alert_of(phone: &mut Phone) -> String {
    phone.push().content.notification.expect("a notification").alert
}

fn push(list: &str) -> Value {
    json!({"platform": "all", "audience": {"file": {"file_id": list}}, "notification": {"alert": "x"}})
}

/// Of the three devices: 1 a target that has not received it, 3 no target.
async fn statuses(world: &World, app: &App, msg_id: &Value) -> [u64; 3] {
    let body = json!({"msg_id": msg_id, "registration_ids": ["r0", "r1", "r2"]});
    let answer = world.call(app, "POST", "/v3/status/message", Some(body)).await.expect(200);
    ["r0", "r1", "r2"].map(|id| answer[id]["status"].as_u64().expect("a number"))
}

fn task(list: &str, in_ms: u64) -> Value {
    // A second more, because the time is written in whole ones.
    let time = Written(now_ms() + in_ms - 60_000, TimeZone::DEFAULT).to_string();
    json!({"name": "task", "enabled": true, "trigger": {"single": {"time": time}}, "push": push(list)})
}

async fn schedule(world: &World, app: &App, list: &str, in_ms: u64) -> String {
    let made = world.call(app, "POST", "/v3/schedules", Some(task(list, in_ms))).await.expect(200);
    made["schedule_id"].as_str().expect("a text").to_owned()
}

async fn firing(world: &World, app: &App, schedule: &str) -> Value {
    let answer = world.call(app, "GET", &format!("/v3/schedules/{schedule}/msg_ids"), None).await.expect(200);
    assert_eq!(answer["count"], 1, "{answer}");
    serde_json::from_str(answer["msgids"][0].as_str().expect("a text")).expect("JSON in a text")
}
