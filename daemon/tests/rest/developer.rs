//! Apps as developers make and delete them.

use serde_json::{Value, json};

use crate::world::{Answered, App, World, basic};

#[tokio::test]
async fn a_made_app_can_be_used_at_once_and_is_found_again() {
    let world = World::new().await;
    world.covers(&["POST /v1/app"]);
    let developer = world.developer("dev").await;
    let body = json!({"app_name": "Shop", "android_package": "com.example.shop", "group_name": null});
    let made = call(&world, &developer, "POST", "/v1/app/", &body).await.expect(200);
    assert_eq!(made["is_new_created"], true);
    assert_eq!(made["android_package"], "com.example.shop");
    assert_eq!(made.as_object().map(serde_json::Map::len), Some(4));
    for key in ["app_key", "master_secret"] {
        let text = made[key].as_str().expect("a text");
        assert!(text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
    }
    let credentials = basic(made["app_key"].as_str().expect("a text"), made["master_secret"].as_str().expect("a text"));
    world.call_as(Some(&credentials), "GET", "/v3/tags", "").await.expect(200);

    let mut again = call(&world, &developer, "POST", "/v1/app", &body).await.expect(200);
    assert_eq!(again["is_new_created"].take(), false);
    assert_eq!(again["app_key"], made["app_key"]);
}

#[tokio::test]
async fn the_operator_may_keep_the_secrets_of_made_apps_to_themselves() {
    let world = World::with(|config| config.push.hide_master_secret = true).await;
    let developer = world.developer("dev").await;
    let body = json!({"app_name": "Shop", "android_package": "com.example.shop"});
    for _ in 0..2 {
        let made = call(&world, &developer, "POST", "/v1/app", &body).await.expect(200);
        let keys: Vec<&String> = made.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["android_package", "app_key", "is_new_created"]);
    }
}

#[tokio::test]
async fn a_made_app_joins_the_group_that_is_named() {
    let world = World::new().await;
    let developer = world.developer("dev").await;
    let group = world.app_group("family", &[]).await;
    let body = json!({"app_name": "Shop", "android_package": "com.example", "group_name": "family"});
    let made = call(&world, &developer, "POST", "/v1/app", &body).await.expect(200);
    let push = json!({"platform": "all", "audience": "all", "notification": {"alert": "x"}});
    let pushed = world.call_as(Some(&group), "POST", "/v3/grouppush", push.to_string()).await.expect(200);
    assert_eq!(pushed[made["app_key"].as_str().expect("a text")]["error"]["code"], 1011);
    let body = json!({"app_name": "Other", "android_package": "com.example", "group_name": "strangers"});
    call(&world, &developer, "POST", "/v1/app", &body).await.refused(400, 4003);
}

#[tokio::test]
async fn what_is_missing_is_4002_and_what_is_wrong_is_4003() {
    let world = World::new().await;
    let developer = world.developer("dev").await;
    world.app("taken").await;
    for (body, code) in [
        (json!({}), 4002),
        (json!({"app_name": "Shop"}), 4002),
        (json!({"app_name": "", "android_package": "com.example"}), 4002),
        (json!([]), 4003),
        (json!({"app_name": "a\nb", "android_package": "com.example"}), 4003),
        (json!({"app_name": "x".repeat(65), "android_package": "com.example"}), 4003),
        (json!({"app_name": "Shop", "android_package": "com example"}), 4003),
        (json!({"app_name": "taken", "android_package": "com.example"}), 4003),
    ] {
        call(&world, &developer, "POST", "/v1/app", &body).await.refused(400, code);
    }
    call(&world, &developer, "GET", "/v1/app", &Value::Null).await.refused(405, 4001);
    call(&world, &developer, "GET", "/v1/app/x/y", &Value::Null).await.refused(404, 4003);
}

#[tokio::test]
async fn an_own_app_is_deleted_by_either_method_and_gone_at_once() {
    let world = World::new().await;
    world.covers(&["POST /v1/app/{app_key}/delete", "DELETE /v1/app/{app_key}/delete"]);
    let developer = world.developer("dev").await;
    for (method, body) in [("POST", "[]"), ("DELETE", ""), ("POST", "")] {
        let app = make(&world, &developer).await;
        let path = format!("/v1/app/{}/delete", app.key);
        let deleted = world.call_as(Some(&developer), method, &path, body).await.expect(200);
        assert_eq!(deleted, json!({"success": "Synchronized success"}));
        world.call(&app, "GET", "/v3/tags", None).await.refused(401, 7004);
        world.call_as(Some(&developer), method, &path, body).await.refused(200, 1015);
    }
}

#[tokio::test]
async fn an_app_of_somebody_else_is_not_deleted() {
    let world = World::new().await;
    let (developer, rival) = (world.developer("dev").await, world.developer("rival").await);
    let (of_operator, of_rival) = (world.app("operators").await, make(&world, &rival).await);
    for app in [of_operator, of_rival] {
        let path = format!("/v1/app/{}/delete", app.key);
        world.call_as(Some(&developer), "POST", &path, "").await.refused(200, 1015);
        world.call(&app, "GET", "/v3/tags", None).await.expect(200);
    }
}

#[tokio::test]
async fn each_kind_of_wrong_credentials_has_its_code() {
    let world = World::new().await;
    let developer = world.developer("dev").await;
    let app = make(&world, &developer).await;
    let key = key_in(&developer);
    for (header, code) in [
        (None, 4006),
        (Some("Basic ***".to_owned()), 4006),
        (Some("Bearer x".to_owned()), 4006),
        (Some(basic("ffffffffffffffffffffffff", "x")), 4004),
        (Some(basic(&app.key, &app.secret)), 4004),
        (Some(basic(&key, "x")), 4005),
        (Some(basic(&key, "")), 4005),
    ] {
        world.call_as(header.as_deref(), "POST", "/v1/app", "{}").await.refused(401, code);
    }
}

fn key_in(header: &str) -> String {
    let bytes = data_encoding::BASE64.decode(&header.as_bytes()[6..]).expect("base64");
    String::from_utf8(bytes).expect("text").split(':').next().unwrap_or_default().to_owned()
}

async fn call(world: &World, developer: &str, method: &str, path: &str, body: &Value) -> Answered {
    world.call_as(Some(developer), method, path, body.to_string()).await
}

async fn make(world: &World, developer: &str) -> App {
    let body = json!({"app_name": "Made", "android_package": "com.example"});
    let made = call(world, developer, "POST", "/v1/app", &body).await.expect(200);
    let text = |name: &str| made[name].as_str().expect("a text").to_owned();
    let key = text("app_key");
    let asked = key.clone();
    let found = world.daemon.context().ledger.read(move |snapshot| snapshot.app_by_key(&asked)).await;
    let (number, _) = found.expect("readable").expect("it was made");
    App { number, key, secret: text("master_secret") }
}
