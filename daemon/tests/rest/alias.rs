//! Aliases as app servers see them.

use anser_protocol::content::Platform;
use serde_json::{Value, json};

use crate::world::{App, World};

#[tokio::test]
async fn an_alias_shows_its_devices_on_all_platforms_or_on_some() {
    let (world, app) = with_devices().await;
    world.covers(&["GET /v3/aliases/{alias}", "GET /v3/device/aliases/{alias}"]);
    for (query, expected) in [
        ("", json!(["droid", "apple", "page"])),
        ("?platform=", json!(["droid", "apple", "page"])),
        ("/?platform=android", json!(["droid"])),
        ("?platform=ios,hmos", json!(["apple"])),
        ("?platform=ios&platform=android", json!(["droid", "apple"])),
        ("?platform=winphone", json!([])),
    ] {
        for base in ["/v3/aliases/me", "/v3/device/aliases/me"] {
            let shown = world.call(&app, "GET", &format!("{base}{query}"), None).await.expect(200);
            assert_eq!(shown, json!({"registration_ids": expected}), "{base}{query}");
        }
    }
    world.call(&app, "GET", "/v3/aliases/me?platform=symbian", None).await.refused(400, 7002);
}

#[tokio::test]
async fn the_new_format_tells_platform_and_day() {
    let (world, app) = with_devices().await;
    let shown = world.call(&app, "GET", "/v3/aliases/me?new_format=true&platform=ios", None).await.expect(200);
    assert_eq!(shown.as_object().map(serde_json::Map::len), Some(1));
    let row = &shown["data"][0];
    assert_eq!((&row["registration_id"], &row["platform"]), (&json!("apple"), &json!("ios")));
    let day = row["last_online_date"].as_str().expect("a text");
    let shape: String = day.chars().map(|sign| if sign.is_ascii_digit() { '9' } else { sign }).collect();
    assert_eq!(shape, "9999-99-99");
    assert_eq!(shown["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn the_new_format_tells_every_platform_as_one_that_typed_clients_know() {
    let (world, app) = with_devices().await;
    let shown = world.call(&app, "GET", "/v3/aliases/me?new_format=true", None).await.expect(200);
    let rows = shown["data"].as_array().expect("a list");
    let platforms: Vec<&Value> = rows.iter().map(|row| &row["platform"]).collect();
    assert_eq!(platforms, [&json!("android"), &json!("ios"), &json!("android")]);
}

#[tokio::test]
async fn an_unknown_alias_has_no_devices_and_can_be_deleted() {
    let (world, app) = with_devices().await;
    for path in ["/v3/aliases/nobody", "/v3/aliases/not%20a%20label"] {
        assert_eq!(world.call(&app, "GET", path, None).await.expect(200), json!({"registration_ids": []}));
        assert_eq!(world.call(&app, "DELETE", path, None).await.expect(200), json!({}));
    }
    world.call(&app, "GET", "/v3/aliases/%ff", None).await.refused(400, 7002);
}

#[tokio::test]
async fn a_deleted_alias_is_gone_from_the_devices_of_the_platforms() {
    let (world, app) = with_devices().await;
    world.covers(&["DELETE /v3/aliases/{alias}", "DELETE /v3/device/aliases/{alias}"]);
    world.call(&app, "DELETE", "/v3/aliases/me?platform=symbian", None).await.refused(400, 7002);
    assert_eq!(world.call(&app, "DELETE", "/v3/aliases/me?platform=ios", None).await.expect(200), json!({}));
    assert_eq!(bound(&world, &app).await, json!(["droid", "page"]));
    assert_eq!(alias_of(&world, &app, "apple").await, "");
    assert_eq!(alias_of(&world, &app, "droid").await, "me");
    world.call(&app, "DELETE", "/v3/device/aliases/me", None).await.expect(200);
    assert_eq!(bound(&world, &app).await, json!([]));
}

#[tokio::test]
async fn named_devices_lose_an_alias() {
    let (world, app) = with_devices().await;
    world.covers(&["POST /v3/aliases/{alias}", "POST /v3/device/aliases/{alias}"]);
    world.device(&app, "other", Platform::IOS).await;
    set_alias(&world, &app, "other", "you").await;
    for (base, id) in [("/v3/aliases/me", "droid"), ("/v3/device/aliases/me/", "page")] {
        let remove = json!({"registration_ids": {"remove": [id, "other"]}});
        assert_eq!(world.call(&app, "POST", base, Some(remove)).await.expect(200), json!({}));
    }
    assert_eq!(bound(&world, &app).await, json!(["apple"]));
    assert_eq!(alias_of(&world, &app, "other").await, "you");
}

#[tokio::test]
async fn one_unknown_id_refuses_the_whole_and_is_told() {
    let (world, app) = with_devices().await;
    let remove = json!({"registration_ids": {"remove": ["droid", "ghost"]}});
    let answered = world.call(&app, "POST", "/v3/aliases/me", Some(remove)).await;
    assert_eq!(answered.json()["error"]["illegal_rids"], json!(["ghost"]));
    answered.refused(400, 7013);
    assert_eq!(bound(&world, &app).await, json!(["droid", "apple", "page"]));
}

#[tokio::test]
async fn a_body_that_names_nobody_is_7002() {
    let (world, app) = with_devices().await;
    let many: Vec<String> = (0..1001).map(|number| number.to_string()).collect();
    for wrong in [
        json!({}),
        json!([]),
        json!({"registration_ids": []}),
        json!({"registration_ids": {}}),
        json!({"registration_ids": {"remove": []}}),
        json!({"registration_ids": {"remove": "droid"}}),
        json!({"registration_ids": {"remove": [""]}}),
        json!({"registration_ids": {"remove": [true]}}),
        json!({"registration_ids": {"remove": many}}),
    ] {
        world.call(&app, "POST", "/v3/aliases/me", Some(wrong)).await.refused(400, 7002);
    }
}

async fn with_devices() -> (World, App) {
    let world = World::new().await;
    let app = world.app("one").await;
    for (id, platform) in [("droid", Platform::ANDROID), ("apple", Platform::IOS), ("page", Platform::WEB)] {
        world.device(&app, id, platform).await;
        set_alias(&world, &app, id, "me").await;
    }
    (world, app)
}

async fn set_alias(world: &World, app: &App, id: &str, alias: &str) {
    world.call(app, "POST", &format!("/v3/devices/{id}"), Some(json!({"alias": alias}))).await.expect(200);
}

async fn alias_of(world: &World, app: &App, id: &str) -> Value {
    world.call(app, "GET", &format!("/v3/devices/{id}"), None).await.expect(200)["alias"].take()
}

async fn bound(world: &World, app: &App) -> Value {
    world.call(app, "GET", "/v3/aliases/me", None).await.expect(200)["registration_ids"].take()
}
