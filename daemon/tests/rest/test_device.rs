//! Test devices.

use anser_protocol::content::Platform;
use anser_protocol::traits::{TraitKind, Traits};
use serde_json::{Value, json};

use crate::phone::Phone;
use crate::world::{App, World};

#[tokio::test]
async fn devices_for_trying_things_out_are_added_renamed_listed_and_removed() {
    let (world, app) = with_devices(3).await;
    world.covers(&[
        "POST /v3/test/model/add",
        "PUT /v3/test/model/update",
        "DELETE /v3/test/model/delete/{registration_id}",
        "GET /v3/test/model/list",
    ]);
    for (name, id) in [("Desk one", "rid-0"), ("Desk two", "rid-1"), ("Shelf", "rid-2")] {
        assert_eq!(set(&world, &app, "POST", name, id).await, json!({}));
    }
    assert_eq!(set(&world, &app, "PUT", "Drawer", "rid-2").await, json!({}));
    assert_eq!(names(&world, &app, "").await, ["Desk one", "Desk two", "Drawer"]);
    assert_eq!(names(&world, &app, "?device_name=Desk").await, ["Desk one", "Desk two"]);
    assert_eq!(names(&world, &app, "?registration_id=rid-1").await, ["Desk two"]);
    assert_eq!(names(&world, &app, "?page=2&page_size=2").await, ["Drawer"]);
    assert!(names(&world, &app, "?page=9").await.is_empty());
    assert_eq!(world.call(&app, "DELETE", "/v3/test/model/delete/rid-0", None).await.expect(200), json!({}));
    assert_eq!(names(&world, &app, "").await, ["Desk two", "Drawer"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_has_the_members_of_the_contract() {
    let world = World::new().await;
    let app = world.app("one").await;
    let traits = Traits::default().with(TraitKind::Model, "Goose 7").expect("a trait");
    let phone = Phone::telling(&world, &app, Platform::ANDROID, &traits);
    set(&world, &app, "POST", "Desk", &phone.registration_id).await;
    let mut listed = world.call(&app, "GET", "/v3/test/model/list", None).await.expect(200);
    for time in ["registration_time", "create_time"] {
        assert_eq!(listed["detail"][0][time].take().as_str().map(str::len), Some("2024-05-01 09:30:00".len()));
    }
    let row = json!({
        "device_name": "Desk", "device_model": "Goose 7", "registration_id": phone.registration_id,
        "registration_time": null, "create_time": null,
    });
    assert_eq!(listed, json!({"total": 1, "page": 1, "page_size": 200, "detail": [row]}));
}

#[tokio::test]
async fn what_is_wrong_with_a_test_device_is_7002() {
    let (world, app) = with_devices(1).await;
    for wrong in [
        json!([]),
        json!({"device_name": "Desk"}),
        json!({"registration_id": "rid-0"}),
        json!({"device_name": "", "registration_id": "rid-0"}),
        json!({"device_name": "a\nb", "registration_id": "rid-0"}),
        json!({"device_name": "x".repeat(65), "registration_id": "rid-0"}),
        json!({"device_name": "Desk", "registration_id": "ghost"}),
    ] {
        world.call(&app, "POST", "/v3/test/model/add", Some(wrong)).await.refused(400, 7002);
    }
    let none_yet = json!({"device_name": "Desk", "registration_id": "rid-0"});
    world.call(&app, "PUT", "/v3/test/model/update", Some(none_yet)).await.refused(400, 7002);
    world.call(&app, "DELETE", "/v3/test/model/delete/ghost", None).await.refused(400, 7002);
    for query in ["page=0", "page=x", "page_size=0", "page_size=201"] {
        world.call(&app, "GET", &format!("/v3/test/model/list?{query}"), None).await.refused(400, 7002);
    }
}

async fn with_devices(count: usize) -> (World, App) {
    let world = World::new().await;
    let app = world.app("one").await;
    for number in 0..count {
        world.device(&app, &format!("rid-{number}"), Platform::ANDROID).await;
    }
    (world, app)
}

async fn set(world: &World, app: &App, method: &str, name: &str, id: &str) -> Value {
    let path = if method == "PUT" { "/v3/test/model/update" } else { "/v3/test/model/add" };
    world.call(app, method, path, Some(json!({"device_name": name, "registration_id": id}))).await.expect(200)
}

async fn names(world: &World, app: &App, query: &str) -> Vec<String> {
    let listed = world.call(app, "GET", &format!("/v3/test/model/list{query}"), None).await.expect(200);
    let rows = listed["detail"].as_array().expect("a list");
    rows.iter().filter_map(|row| row["device_name"].as_str().map(str::to_owned)).collect()
}
