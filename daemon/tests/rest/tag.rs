//! Tags as app servers see them.

use anser_protocol::content::Platform;
use serde_json::{Value, json};

use crate::world::{App, World};

#[tokio::test]
async fn a_tag_is_given_and_taken_and_asked_for() {
    let (world, app) = with_devices().await;
    world.covers(&[
        "POST /v3/tags/{tag}",
        "POST /v3/device/tags/{tag}",
        "GET /v3/tags/{tag}/registration_ids/{registration_id}",
        "GET /v3/device/tags/{tag}/registration_ids/{registration_id}",
    ]);
    assert_eq!(change(&world, &app, json!({"add": ["droid", "apple"]})).await, json!({}));
    assert_eq!(carriers(&world, &app, "red").await, ["droid", "apple"]);
    change(&world, &app, json!({"add": ["page"], "remove": ["droid"]})).await;
    assert_eq!(carriers(&world, &app, "red").await, ["apple", "page"]);
    change(&world, &app, json!({"add": ["apple"], "remove": ["apple", "page"], "other": 1})).await;
    assert_eq!(carriers(&world, &app, "red").await, ["apple"]);
    let remove = json!({"registration_ids": {"remove": ["apple"], "add": null}});
    world.call(&app, "POST", "/v3/device/tags//red/", Some(remove)).await.expect(200);
    let path = "/v3/device/tags/red/registration_ids/apple";
    assert_eq!(world.call(&app, "GET", path, None).await.expect(200), json!({"result": false}));
    change(&world, &app, json!({"add": ["droid"]})).await;
    let device = world.call(&app, "GET", "/v3/devices/droid", None).await.expect(200);
    assert_eq!(device["tags"], json!(["red"]));
}

#[tokio::test]
async fn a_push_to_a_tag_reaches_those_who_carry_it() {
    let (world, app) = with_devices().await;
    change(&world, &app, json!({"add": ["droid"]})).await;
    let push = json!({"platform": "all", "audience": {"tag": ["red"]}, "notification": {"alert": "x"}});
    world.call(&app, "POST", "/v3/push", Some(push.clone())).await.expect(200);
    world.call(&app, "DELETE", "/v3/tags/red", None).await.expect(200);
    world.call(&app, "POST", "/v3/push", Some(push)).await.refused(400, 1011);
}

#[tokio::test]
async fn an_unknown_id_refuses_the_whole_and_every_one_is_told() {
    let (world, app) = with_devices().await;
    change(&world, &app, json!({"add": ["apple"]})).await;
    let ids = json!({"registration_ids": {"add": ["droid", "ghost", "b"], "remove": ["apple", "a", "ghost"]}});
    let answered = world.call(&app, "POST", "/v3/tags/red", Some(ids)).await;
    assert_eq!(answered.json()["error"]["illegal_rids"], json!(["a", "b", "ghost"]));
    answered.refused(400, 7013);
    assert_eq!(carriers(&world, &app, "red").await, ["apple"]);
}

#[tokio::test]
async fn what_is_wrong_with_a_change_is_7002() {
    let (world, app) = with_devices().await;
    let many: Vec<String> = (0..1001).map(|number| number.to_string()).collect();
    for wrong in [
        json!({}),
        json!([]),
        json!({"registration_ids": ["droid"]}),
        json!({"registration_ids": {}}),
        json!({"registration_ids": {"add": [], "remove": []}}),
        json!({"registration_ids": {"add": "droid"}}),
        json!({"registration_ids": {"add": [null]}}),
        json!({"registration_ids": {"add": ["x".repeat(65)]}}),
        json!({"registration_ids": {"remove": many}}),
    ] {
        world.call(&app, "POST", "/v3/tags/red", Some(wrong)).await.refused(400, 7002);
    }
    let fine = json!({"registration_ids": {"add": ["droid"]}});
    world.call(&app, "POST", "/v3/tags/a%20b", Some(fine.clone())).await.refused(400, 7002);
    let long = format!("/v3/tags/{}", "x".repeat(41));
    world.call(&app, "POST", &long, Some(fine)).await.refused(400, 7002);
}

#[tokio::test]
async fn two_thousand_devices_change_in_one_call() {
    let (world, app) = with_devices().await;
    let ids: Vec<String> = (0..2000).map(|number| format!("d{number}")).collect();
    for id in &ids {
        world.device(&app, id, Platform::ANDROID).await;
    }
    change(&world, &app, json!({"add": ids[..1000]})).await;
    change(&world, &app, json!({"add": ids[1000..], "remove": ids[..1000]})).await;
    for (id, expected) in [("d0", false), ("d999", false), ("d1000", true), ("d1999", true)] {
        assert_eq!(has(&world, &app, "red", id).await, expected, "{id}");
    }
}

#[tokio::test]
async fn a_device_that_has_a_thousand_tags_refuses_one_more_and_nothing_is_changed() {
    let (world, app) = with_devices().await;
    change(&world, &app, json!({"add": ["apple"]})).await;
    for hundred in 0..10 {
        let tags: Vec<String> = (0..100).map(|tag| format!("t{}", hundred * 100 + tag)).collect();
        world.call(&app, "POST", "/v3/devices/droid", Some(json!({"tags": {"add": tags}}))).await.expect(200);
    }
    let one_more = json!({"registration_ids": {"add": ["droid"], "remove": ["apple"]}});
    world.call(&app, "POST", "/v3/tags/red", Some(one_more)).await.refused(400, 7002);
    assert_eq!(carriers(&world, &app, "red").await, ["apple"]);
}

#[tokio::test]
async fn an_unknown_tag_is_carried_by_nobody_and_an_unknown_device_is_7002() {
    let (world, app) = with_devices().await;
    assert!(!has(&world, &app, "nothing", "droid").await);
    world.call(&app, "GET", "/v3/tags/red/registration_ids/ghost", None).await.refused(400, 7002);
    world.call(&app, "GET", "/v3/tags/%ff/registration_ids/droid", None).await.refused(400, 7002);
}

#[tokio::test]
async fn the_list_holds_the_tags_that_are_carried_a_hundred_for_each_platform() {
    let (world, app) = with_devices().await;
    world.covers(&["GET /v3/tags", "GET /v3/device/tags"]);
    assert_eq!(world.call(&app, "GET", "/v3/tags/", None).await.expect(200), json!({"tags": []}));
    change(&world, &app, json!({"add": ["apple"]})).await;
    let many = json!({"tags": {"add": (0..100).map(|number| format!("t{number}")).collect::<Vec<_>>()}});
    world.call(&app, "POST", "/v3/devices/droid", Some(many)).await.expect(200);
    world.call(&app, "POST", "/v3/devices/droid", Some(json!({"tags": {"add": ["one", "two"]}}))).await.expect(200);
    for path in ["/v3/tags", "/v3/device/tags/"] {
        let listed = world.call(&app, "GET", path, None).await.expect(200);
        let tags = listed["tags"].as_array().expect("a list");
        assert_eq!((tags.len(), listed.as_object().map(serde_json::Map::len)), (101, Some(1)), "{path}");
        assert!(tags.contains(&json!("red")));
    }
}

#[tokio::test]
async fn a_deleted_tag_is_gone_from_all_devices_or_from_those_of_the_platforms() {
    let (world, app) = with_devices().await;
    world.covers(&["DELETE /v3/tags/{tag}", "DELETE /v3/device/tags/{tag}"]);
    change(&world, &app, json!({"add": ["droid", "apple", "page"]})).await;
    world.call(&app, "DELETE", "/v3/tags/red?platform=symbian", None).await.refused(400, 7002);
    let path = "/v3/tags/red/?platform=ios,winphone";
    assert_eq!(world.call(&app, "DELETE", path, None).await.expect(200), json!({}));
    assert_eq!(carriers(&world, &app, "red").await, ["droid", "page"]);
    assert_eq!(world.call(&app, "DELETE", "/v3/device/tags/red", None).await.expect(200), json!({}));
    assert!(carriers(&world, &app, "red").await.is_empty());
    assert_eq!(world.call(&app, "GET", "/v3/tags", None).await.expect(200), json!({"tags": []}));
    let device = world.call(&app, "GET", "/v3/devices/droid", None).await.expect(200);
    assert_eq!(device["tags"], json!([]));
    for path in ["/v3/tags/red", "/v3/tags/red?platform=ios"] {
        world.call(&app, "DELETE", path, None).await.expect(200);
    }
}

#[tokio::test]
async fn what_is_left_of_a_deleted_tag_is_cleared_away() {
    let (world, app) = with_devices().await;
    change(&world, &app, json!({"add": ["droid", "apple"]})).await;
    world.call(&app, "DELETE", "/v3/tags/red", None).await.expect(200);
    loop {
        let counts = world.daemon.context().ledger.read(|snapshot| snapshot.row_counts()).await.expect("readable");
        let rows = |table| counts.iter().find(|(it, _)| *it == table).map(|(_, rows)| *rows);
        use anser_storage::Table;
        if (rows(Table::RetiredTags), rows(Table::TagChunks)) == (Some(0), Some(0)) {
            return;
        }
        tokio::task::yield_now().await;
    }
}

async fn with_devices() -> (World, App) {
    let world = World::new().await;
    let app = world.app("one").await;
    for (id, platform) in [("droid", Platform::ANDROID), ("apple", Platform::IOS), ("page", Platform::WEB)] {
        world.device(&app, id, platform).await;
    }
    (world, app)
}

async fn change(world: &World, app: &App, lists: Value) -> Value {
    world.call(app, "POST", "/v3/tags/red", Some(json!({"registration_ids": lists}))).await.expect(200)
}

async fn has(world: &World, app: &App, tag: &str, id: &str) -> bool {
    let path = format!("/v3/tags/{tag}/registration_ids/{id}");
    world.call(app, "GET", &path, None).await.expect(200)["result"].as_bool().expect("true or false")
}

async fn carriers(world: &World, app: &App, tag: &str) -> Vec<&'static str> {
    let mut carriers = Vec::new();
    for id in ["droid", "apple", "page"] {
        if has(world, app, tag, id).await {
            carriers.push(id);
        }
    }
    carriers
}
