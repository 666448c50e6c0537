//! Reports of pushes to app groups.

use anser_protocol::content::Platform;
use anserd::clock::{Written, now_ms};
use anserd::config::TimeZone;
use serde_json::{Value, json};

use crate::phone::Phone;
use crate::world::{App, World, basic};

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_push_is_added_up_over_the_apps_of_the_group() {
    let world = World::new().await;
    world.covers(&["GET /v3/group/messages/detail"]);
    let (one, two) = (world.app("one").await, world.app("two").await);
    let mut phone = Phone::register(&world, &one, Platform::ANDROID);
    for app in [&one, &two] {
        world.device(app, "offline", Platform::ANDROID).await;
    }
    let group = world.app_group("both", &[&one, &two]).await;
    let first = push(&world, &group).await;
    let second = push(&world, &group).await;
    let delivered = phone.push();
    phone.push();
    phone.acknowledge(&delivered);

    let world = world.restarted().await;
    let rows = detail(&world, &group, &format!("group_msgids={first},+{second},77,")).await;
    let expected =
        [(&first, json!(3), json!(1)), (&second, json!(3), json!(0)), (&"77".to_owned(), Value::Null, Value::Null)];
    assert_eq!(rows.as_array().map(Vec::len), Some(3));
    for (row, (id, target, received)) in rows.as_array().expect("rows").iter().zip(expected) {
        assert_eq!((&row["group_msgid"], &row["jpush"]["target"]), (&json!(id), &target), "{row}");
        assert_eq!(row["jpush"]["received"], received, "{row}");
        assert!(row["android_pns"].is_object() && row["msg_id"].is_null());
        assert_eq!(row.as_object().map(serde_json::Map::len), Some(8));
    }
    assert_eq!(detail(&world, &group, &format!("group_msgid={first}")).await[0], rows[0]);
}

#[tokio::test]
async fn a_group_is_told_nothing_of_the_pushes_of_another() {
    let (world, one, group) = with_group().await;
    let others = world.app_group("others", &[&one]).await;
    let id = push(&world, &group).await;
    let rows = detail(&world, &others, &format!("group_msgids={id}")).await;
    assert_eq!(rows[0]["jpush"]["target"], Value::Null);
    assert_eq!(detail(&world, &group, &format!("group_msgids={id}")).await[0]["jpush"]["target"], 1);
    // The id of an app's own push is none of the group's.
    let body = json!({"platform": "all", "audience": "all", "notification": {"alert": "x"}});
    let own = world.call(&one, "POST", "/v3/push", Some(body)).await.expect(200);
    let rows = detail(&world, &group, &format!("group_msgids={}", own["msg_id"].as_str().expect("a text"))).await;
    assert_eq!(rows[0]["jpush"]["target"], Value::Null);
}

#[tokio::test]
async fn mistakes_and_wrong_credentials_have_their_codes() {
    let (world, one, group) = with_group().await;
    let path = "/v3/group/messages/detail";
    let eleven = ["1"; 11].join(",");
    for query in ["", "?group_msgids=", "?group_msgids=x", "?msg_ids=1", &format!("?group_msgids={eleven}")] {
        world.call_as(Some(&group), "GET", &format!("{path}{query}"), "").await.refused(400, 3003);
    }
    let users = "/v3/group/users?time_unit=";
    for (query, code) in [
        ("DAY&start=2024-06-10&duration=31", 3005),
        ("MONTH&start=2024-06&duration=2", 3005),
        ("MONTH&start=2024-06-10&duration=1", 3004),
        ("WEEK&start=2024-06-10&duration=1", 3003),
    ] {
        world.call_as(Some(&group), "GET", &format!("{users}{query}"), "").await.refused(400, code);
    }
    for header in [None, Some(basic(&one.key, &one.secret)), Some(basic("group-x", "x"))] {
        for path in [format!("{path}?group_msgids=1"), format!("{users}DAY&start=2024-06-10&duration=1")] {
            world.call_as(header.as_deref(), "GET", &path, "").await.refused(401, 3001);
        }
    }
}

#[tokio::test]
async fn the_devices_of_all_apps_of_the_group_are_counted() {
    let (world, one, group) = with_group().await;
    world.covers(&["GET /v3/group/users"]);
    let two = world.app("two").await;
    world.device(&two, "a", Platform::IOS).await;
    world.device(&two, "b", Platform::ANDROID).await;
    let outside = world.app("outside").await;
    world.device(&outside, "c", Platform::ANDROID).await;
    let both = world.app_group("both", &[&one, &two]).await;
    let today = Written(now_ms(), TimeZone::DEFAULT).to_string();
    let path = format!("/v3/group/users?time_unit=month&start={}&duration=1", &today[..7]);
    let users = world.call_as(Some(&both), "GET", &path, "").await.expect(200);
    assert_eq!(users["items"][0]["android"]["new"], 2, "{users}");
    assert_eq!(users["items"][0]["ios"]["new"], 1);
    assert_eq!((&users["time_unit"], &users["duration"]), (&json!("MONTH"), &json!(1)));
    let users = world.call_as(Some(&group), "GET", &path, "").await.expect(200);
    assert_eq!(users["items"][0]["android"]["new"], 1);
}

async fn with_group() -> (World, App, String) {
    let world = World::new().await;
    let one = world.app("one").await;
    world.device(&one, "r", Platform::ANDROID).await;
    let group = world.app_group("family", &[&one]).await;
    (world, one, group)
}

/// The id of a new push to the group.
async fn push(world: &World, group: &str) -> String {
    let body = json!({"platform": "all", "audience": "all", "notification": {"alert": "x"}}).to_string();
    let answer = world.call_as(Some(group), "POST", "/v3/grouppush", body).await.expect(200);
    answer["group_msgid"].as_str().expect("a text").to_owned()
}

async fn detail(world: &World, group: &str, query: &str) -> Value {
    world.call_as(Some(group), "GET", &format!("/v3/group/messages/detail?{query}"), "").await.expect(200)
}
