//! Devices as app servers see them.

use anser_protocol::content::Platform;
use serde_json::{Value, json};

use crate::world::{App, World};

#[tokio::test]
async fn a_new_device_has_no_tags_and_empty_texts() {
    let (world, app) = with_device().await;
    world.covers(&[
        "GET /v3/devices/{registration_id}",
        "GET /v3/device/{registration_id}",
        "GET /v3/device/devices/{registration_id}",
    ]);
    let expected = json!({"tags": [], "alias": "", "mobile": ""});
    for path in ["/v3/devices/rid-1", "/v3/device/rid-1", "/v3/device/devices/rid-1/"] {
        assert_eq!(world.call(&app, "GET", path, None).await.expect(200), expected, "{path}");
    }
}

#[tokio::test]
async fn tags_alias_and_mobile_are_set_kept_and_cleared() {
    let (world, app) = with_device().await;
    let set = json!({"tags": {"add": ["a", "b", "北京"]}, "alias": "me", "mobile": "13012345678"});
    assert_eq!(update(&world, &app, set).await, json!({}));
    assert_eq!(
        show(&world, &app).await,
        (vec!["a", "b", "北京"].into_iter().map(str::to_owned).collect(), "me".into(), "13012345678".into())
    );
    update(&world, &app, json!({"tags": {}, "alias": null})).await;
    update(&world, &app, json!({})).await;
    assert_eq!(show(&world, &app).await.1, "me");
    update(&world, &app, json!({"tags": "", "alias": "", "mobile": ""})).await;
    assert_eq!(show(&world, &app).await, (Vec::new(), String::new(), String::new()));
}

#[tokio::test]
async fn every_layout_changes_the_same_device() {
    let (world, app) = with_device().await;
    world.covers(&[
        "POST /v3/devices/{registration_id}",
        "POST /v3/device/{registration_id}",
        "POST /v3/device/devices/{registration_id}",
    ]);
    for (path, tag) in [("/v3/devices/rid-1", "a"), ("/v3/device/rid-1/", "b"), ("/v3/device/devices/rid-1", "c")] {
        world.call(&app, "POST", path, Some(json!({"tags": {"add": [tag]}}))).await.expect(200);
    }
    assert_eq!(show(&world, &app).await.0, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_change_that_is_wrong_anywhere_changes_nothing() {
    let (world, app) = with_device().await;
    let too_many: Vec<String> = (0..101).map(|number| number.to_string()).collect();
    let too_long: Vec<String> = (0..26).map(|number| format!("{number:040}")).collect();
    for wrong in [
        json!({"tags": "x", "alias": "me"}),
        json!({"tags": ["x"], "alias": "me"}),
        json!({"tags": {"add": ["a b"]}, "alias": "me"}),
        json!({"tags": {"add": too_many}, "alias": "me"}),
        json!({"tags": {"add": too_long}, "alias": "me"}),
        json!({"alias": 7, "mobile": "1"}),
        json!({"alias": "me", "mobile": "no digits"}),
        json!([]),
    ] {
        world.call(&app, "POST", "/v3/devices/rid-1", Some(wrong)).await.refused(400, 7002);
    }
    for number in 0..10 {
        let tags: Vec<String> = (0..100).map(|tag| format!("t{}", number * 100 + tag)).collect();
        update(&world, &app, json!({"tags": {"add": tags}})).await;
    }
    let one_more = json!({"tags": {"add": ["one more"]}, "alias": "me"});
    world.call(&app, "POST", "/v3/devices/rid-1", Some(one_more)).await.refused(400, 7002);
    let one_more = json!({"tags": {"add": ["more"]}, "alias": "me"});
    world.call(&app, "POST", "/v3/devices/rid-1", Some(one_more)).await.refused(400, 7002);
    let (tags, alias, mobile) = show(&world, &app).await;
    assert_eq!((tags.len(), alias.as_str(), mobile.as_str()), (1000, "", ""));
}

#[tokio::test]
async fn a_tag_that_is_removed_and_added_is_there_afterwards() {
    let (world, app) = with_device().await;
    update(&world, &app, json!({"tags": {"add": ["a", "b"]}})).await;
    update(&world, &app, json!({"tags": {"add": ["a"], "remove": ["a", "b"]}})).await;
    assert_eq!(show(&world, &app).await.0, ["a"]);
}

#[tokio::test]
async fn an_unknown_device_is_7002() {
    let (world, app) = with_device().await;
    world.call(&app, "GET", "/v3/devices/unknown", None).await.refused(400, 7002);
    world.call(&app, "POST", "/v3/devices/unknown", Some(json!({"alias": "x"}))).await.refused(400, 7002);
}

#[tokio::test]
async fn an_alias_binds_ten_devices_and_no_more() {
    let (world, app) = with_device().await;
    for number in 0..11 {
        let rid = format!("many-{number}");
        world.device(&app, &rid, Platform::IOS).await;
        let answer = world.call(&app, "POST", &format!("/v3/devices/{rid}"), Some(json!({"alias": "shared"}))).await;
        if number < 10 {
            answer.expect(200);
        } else {
            answer.refused(400, 7015);
        }
    }
}

#[tokio::test]
async fn the_operator_says_how_many_devices_an_alias_binds_and_how_what_is_unset_looks() {
    let world = World::with(|config| {
        config.limits.alias_devices = 12;
        config.push.null_for_unset = true;
    })
    .await;
    let app = world.app("one").await;
    for number in 0..13 {
        let rid = format!("many-{number}");
        world.device(&app, &rid, Platform::IOS).await;
        let answer = world.call(&app, "POST", &format!("/v3/devices/{rid}"), Some(json!({"alias": "shared"}))).await;
        if number < 12 {
            answer.expect(200);
        } else {
            answer.refused(400, 7015);
        }
    }
    let shown = world.call(&app, "GET", "/v3/aliases/shared", None).await.expect(200);
    assert_eq!(shown["registration_ids"].as_array().map(Vec::len), Some(10), "a caller is shown ten");
    let push = json!({"platform": "all", "audience": {"alias": ["shared"]}, "notification": {"alert": "x"}});
    world.call(&app, "POST", "/v3/push", Some(push)).await.expect(200);
    let unset = world.call(&app, "GET", "/v3/devices/many-12", None).await.expect(200);
    assert_eq!(unset, json!({"tags": [], "alias": null, "mobile": null}));
}

async fn with_device() -> (World, App) {
    let world = World::new().await;
    let app = world.app("one").await;
    world.device(&app, "rid-1", Platform::ANDROID).await;
    (world, app)
}

async fn update(world: &World, app: &App, change: Value) -> Value {
    world.call(app, "POST", "/v3/devices/rid-1", Some(change)).await.expect(200)
}

async fn show(world: &World, app: &App) -> (Vec<String>, String, String) {
    let shown = world.call(app, "GET", "/v3/devices/rid-1", None).await.expect(200);
    assert_eq!(shown.as_object().map(serde_json::Map::len), Some(3));
    let mut tags: Vec<String> =
        shown["tags"].as_array().expect("a list").iter().filter_map(|tag| tag.as_str().map(str::to_owned)).collect();
    tags.sort();
    (tags, shown["alias"].as_str().expect("a text").to_owned(), shown["mobile"].as_str().expect("a text").to_owned())
}
