//! Images for notifications.

use anser_protocol::content::Platform;
use anser_storage::command::FileOwner;
use anserd::clock::now_ms;
use axum::body::Body;
use serde_json::{Value, json};

use crate::phone::Phone;
use crate::world::{Answered, App, Part, World, basic};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nnot really";
const GIF: &[u8] = b"GIF89a";

#[tokio::test]
async fn a_stored_image_is_served_to_everybody_and_as_nothing_but_an_image() {
    let world = World::new().await;
    world.covers(&["POST /v3/images/byfiles", "PUT /v3/images/byfiles/{media_id}"]);
    let app = world.app("one").await;
    let form: [Part<'_>; 3] =
        [("xiaomi_file", Some("x.gif"), GIF), ("jiguang_file", Some("a.png"), PNG), ("image_type", None, b"2")];
    let added = call(&world, &app, "POST", "/v3/images/byfiles", &form).await.expect(200);
    assert_eq!(added.as_object().map(serde_json::Map::len), Some(2));
    let media_id = added["media_id"].as_str().expect("a text").to_owned();
    assert!(media_id.starts_with("jgmedia-2-") && media_id.len() == 10 + 36, "{media_id}");
    let url = added["jiguang_image_url"].as_str().expect("a text");
    assert_eq!(url, format!("https://push.example.org:8443/images/{}/{media_id}", app.key));
    let path = &url["https://push.example.org:8443".len()..];

    let world = world.restarted().await;
    served(&world, path, "image/png", PNG).await;
    let changed =
        call(&world, &app, "PUT", &format!("/v3/images/byfiles/{media_id}"), &[("fcm_file", None, GIF)]).await;
    assert_eq!(changed.expect(200), added);
    served(&world, path, "image/gif", GIF).await;
    for wrong in [
        path.replace("jgmedia-2", "jgmedia-1"),
        path.replace(&app.key, &"f".repeat(24)),
        path.replace("jgmedia-2-", "jgmedia-2-0"),
    ] {
        let answered = world.call_as(None, "GET", &wrong, "").await;
        assert_eq!(answered.status, 404, "{wrong}: {}", answered.text);
    }
    world.call_as(None, "POST", path, "").await.refused(405, 1001);
}

#[tokio::test]
async fn an_image_is_kept_for_thirty_days_from_its_last_change() {
    const DAYS_MS: u64 = 86_400_000;
    let world = World::new().await;
    let app = world.app("one").await;
    let media_id = add(&world, &app, "https://a.org/1").await;
    let path = format!("/v3/images/byurls/{media_id}");
    world.call(&app, "PUT", &path, Some(json!({"image_url": "https://a.org/2"}))).await.expect(200);
    let owner = FileOwner::App(app.number);
    let images = world.daemon.context().ledger.read(move |snapshot| snapshot.files(&owner, now_ms())).await;
    let images = images.expect("readable");
    assert_eq!(images.len(), 1);
    let left_ms = images[0].expires_ms - now_ms();
    assert!((29 * DAYS_MS..=30 * DAYS_MS).contains(&left_ms), "{left_ms}");
}

#[tokio::test]
async fn the_operator_says_where_phones_find_images() {
    let origin = "https://phones.example.com";
    let world = World::with(|config| config.push.image_origin = Some(origin.to_owned())).await;
    let app = world.app("one").await;
    let form: [Part<'_>; 2] = [("image_type", None, b"1"), ("jiguang_file", None, PNG)];
    let added = call(&world, &app, "POST", "/v3/images/byfiles", &form).await.expect(200);
    let (media_id, url) = (added["media_id"].as_str(), added["jiguang_image_url"].as_str());
    assert_eq!(url, media_id.map(|media_id| format!("{origin}/images/{}/{media_id}", app.key)).as_deref());
}

#[tokio::test]
async fn an_image_that_lies_elsewhere_is_named_as_it_was_given() {
    let world = World::new().await;
    world.covers(&["POST /v3/images/byurls", "PUT /v3/images/byurls/{media_id}"]);
    let app = world.app("one").await;
    for (given, url) in [
        (json!({"image_type": 1, "image_url": "https://a.org/1.png"}), "https://a.org/1.png"),
        (
            json!({"image_type": "3", "xiaomi_image_url": "https://a.org/x", "image_url": "https://a.org/2"}),
            "https://a.org/2",
        ),
        (
            json!({"image_type": 2, "fcm_image_url": "http://a.org/f", "jiguang_image_url": "http://a.org/j"}),
            "http://a.org/j",
        ),
        (json!({"image_type": 2, "hmos_image_url": "http://a.org/h"}), "http://a.org/h"),
    ] {
        let added = world.call(&app, "POST", "/v3/images/byurls", Some(given)).await.expect(200);
        assert_eq!(added["jiguang_image_url"], url);
        assert_eq!(added.as_object().map(serde_json::Map::len), Some(2));
        let path = format!("/v3/images/byurls/{}", added["media_id"].as_str().expect("a text"));
        let changed = world.call(&app, "PUT", &path, Some(json!({"image_url": "https://b.org/new"}))).await.expect(200);
        assert_eq!(
            (&changed["media_id"], &changed["jiguang_image_url"]),
            (&added["media_id"], &json!("https://b.org/new"))
        );
    }
    assert_eq!(world.call(&app, "GET", "/v3/files", None).await.expect(200)["total_count"], 0);
}

#[tokio::test]
async fn what_is_wrong_with_an_image_is_told() {
    let world = World::new().await;
    let (app, stranger) = (world.app("one").await, world.app("two").await);
    let large = [PNG, &vec![0; 2 << 20]].concat();
    let forms: [(&[Part<'_>], u64); 7] = [
        (&[("jiguang_file", Some("a.png"), PNG)], 1002),
        (&[("image_type", None, b"1")], 1002),
        (&[("image_type", None, b"4"), ("jiguang_file", None, PNG)], 1003),
        (&[("image_type", None, b"1"), ("jiguang_file", Some("a.png"), b"<svg onload='alert(1)'/>")], 1003),
        (&[("image_type", None, b"1"), ("jiguang_file", Some("a.png"), b"<html></html>")], 1003),
        (&[("image_type", None, b"1"), ("jiguang_file", None, PNG), ("oppo_file", None, b"")], 1003),
        (&[("image_type", None, b"1"), ("jiguang_file", None, &large)], 1005),
    ];
    for (form, code) in forms {
        call(&world, &app, "POST", "/v3/images/byfiles", form).await.refused(400, code);
    }
    for (body, code) in [
        (json!([]), 1003),
        (json!({}), 1002),
        (json!({"image_type": 1}), 1002),
        (json!({"image_url": "https://a.org/1"}), 1002),
        (json!({"image_type": 0, "image_url": "https://a.org/1"}), 1003),
        (json!({"image_type": 1, "image_url": "javascript:alert(1)"}), 1003),
        (json!({"image_type": 1, "image_url": "https://a.org/1", "oppo_image_url": "x"}), 1003),
    ] {
        world.call(&app, "POST", "/v3/images/byurls", Some(body)).await.refused(400, code);
    }
    let media_id = add(&world, &app, "https://a.org/1").await;
    let path = format!("/v3/images/byurls/{media_id}");
    let new = json!({"image_url": "https://a.org/2"});
    world.call(&stranger, "PUT", &path, Some(new.clone())).await.refused(400, 1003);
    world.call(&app, "PUT", "/v3/images/byurls/x", Some(new.clone())).await.refused(400, 1003);
    world.call(&app, "PUT", &path.replace("jgmedia-1", "jgmedia-2"), Some(new)).await.refused(400, 1003);
    let another_type = json!({"image_type": 2, "image_url": "https://a.org/2"});
    world.call(&app, "PUT", &path, Some(another_type)).await.refused(400, 1003);
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_told_where_an_image_is_that_a_push_names_by_its_id() {
    let world = World::new().await;
    let (app, stranger) = (world.app("one").await, world.app("two").await);
    let mut phone = Phone::register(&world, &app, Platform::ANDROID);
    let media_id = add(&world, &app, "https://a.org/1").await;
    let push = |icon: &str| {
        let block = json!({"alert": "x", "large_icon": icon, "big_pic_path": "https://c.org/p", "style": 3});
        json!({"platform": ["android"], "audience": "all", "notification": {"android": block}})
    };
    world.call(&app, "POST", "/v3/push", Some(push(&media_id))).await.expect(200);
    let options = phone.push().content.notification.expect("a notification").options;
    let options: Value = serde_json::from_str(&options).expect("JSON");
    assert_eq!(
        (&options["large_icon"], &options["big_pic_path"]),
        (&json!("https://a.org/1"), &json!("https://c.org/p"))
    );
    for unknown in ["jgmedia-1-x", &media_id.replace("jgmedia-1", "jgmedia-2")] {
        world.call(&app, "POST", "/v3/push", Some(push(unknown))).await.refused(400, 1003);
    }
    world.device(&stranger, "r", Platform::ANDROID).await;
    world.call(&stranger, "POST", "/v3/push/validate", Some(push(&media_id))).await.refused(400, 1003);
}

async fn add(world: &World, app: &App, url: &str) -> String {
    let body = json!({"image_type": 1, "image_url": url});
    let added = world.call(app, "POST", "/v3/images/byurls", Some(body)).await.expect(200);
    added["media_id"].as_str().expect("a text").to_owned()
}

async fn call(world: &World, app: &App, method: &str, path: &str, form: &[Part<'_>]) -> Answered {
    world.call_form(Some(&basic(&app.key, &app.secret)), method, path, form).await
}

async fn served(world: &World, path: &str, content_type: &str, content: &[u8]) {
    let (head, body) = world.send(None, "GET", path, None, Body::empty()).await;
    assert_eq!((head.status.as_u16(), body.as_slice()), (200, content));
    assert_eq!(head.headers["content-type"], content_type);
    assert_eq!(head.headers["x-content-type-options"], "nosniff");
    assert_eq!(head.headers["content-security-policy"], "default-src 'none'; sandbox");
}
