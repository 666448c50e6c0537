//! Statistics of users, groups and messages.

use anser_protocol::content::Platform;
use anserd::attendance;
use anserd::clock::{Written, now_ms};
use anserd::config::TimeZone;
use serde_json::{Value, json};

use crate::person::Person;
use crate::world::{App, World};

const DAY_MS: u64 = 86_400_000;

fn day(at_ms: u64) -> String {
    Written(at_ms, TimeZone::DEFAULT).to_string()[..10].to_owned()
}

async fn send(world: &World, app: &App, from: &str, target: (&str, Value)) {
    let message = json!({
        "version": 1, "target_type": target.0, "target_id": target.1, "from_type": "user", "from_id": from,
        "msg_type": "text", "msg_body": {"text": "hi"},
    });
    world.call(app, "POST", "/v1/messages", Some(message)).await.expect(201);
}

/// Yesterday and today, or only today just after midnight.
async fn two_days(world: &World, app: &App, what: &str) -> Value {
    let start = day(now_ms() - DAY_MS);
    world
        .call(app, "GET", &format!("/v2//statistic/{what}?time_unit=DAY&start={start}&duration=60"), None)
        .await
        .expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn users_groups_and_messages_of_today_are_counted_and_nothing_is_told_of_tomorrow() {
    let world = World::new().await;
    world.covers(&["GET /v2/statistic/users", "GET /v2/statistic/groups", "GET /v2/statistic/messages"]);
    let (app, other) = (world.app("one").await, world.app("two").await);
    world.users(&app, &["alice", "bob", "carol"]).await;
    let admin = json!({"username": "boss", "password": "secret"});
    world.call(&app, "POST", "/v1/admins", Some(admin)).await.expect(201);
    let group = json!({"owner_username": "alice", "name": "g", "members_username": ["bob"]});
    let gid = world.call(&app, "POST", "/v1/groups", Some(group.clone())).await.expect(201)["gid"].clone();
    world.call(&app, "POST", "/v1/groups", Some(group)).await.expect(201);
    send(&world, &app, "alice", ("single", json!("bob"))).await;
    send(&world, &app, "alice", ("single", json!("carol"))).await;
    send(&world, &app, "bob", ("group", gid)).await;
    world.call(&app, "DELETE", "/v1/users/carol", None).await.expect(204);
    let mut person = Person::on(Platform::ANDROID, &world, &app).await;
    person.log_in("alice", "secret").await.expect("logged in");
    let context = world.daemon.context();
    attendance::round(&context.ledger, &context.switchboard, now_ms()).await;

    let (yesterday, today) = (day(now_ms() - DAY_MS), day(now_ms()));
    let nobody = json!({"date": yesterday, "active_users": 0, "total_users": 0, "send_msg_users": 0, "new_users": 0});
    let users = json!({"date": today, "active_users": 1, "total_users": 2, "send_msg_users": 2, "new_users": 3});
    assert_eq!(two_days(&world, &app, "users").await, json!([nobody, users]));
    let none = json!({"date": yesterday, "active_group": 0, "total_group": 0, "new_group": 0});
    let groups = json!({"date": today, "active_group": 1, "total_group": 2, "new_group": 2});
    assert_eq!(two_days(&world, &app, "groups").await, json!([none, groups]));
    let messages = json!({
        "send_msg_stat": [
            {"time": yesterday, "single_send_msg": 0, "group_send_msg": 0},
            {"time": today, "single_send_msg": 2, "group_send_msg": 1},
        ],
        "single_msg_stat": {"txt_msg": 2, "image_msg": 0, "voice_msg": 0, "other_msg": 0},
        "group_msg_stat": {"txt_msg": 1, "image_msg": 0, "voice_msg": 0, "other_msg": 0},
    });
    assert_eq!(two_days(&world, &app, "messages").await, messages);
    let of_other = two_days(&world, &other, "messages").await;
    assert_eq!(of_other["single_msg_stat"]["txt_msg"], 0);

    for query in [
        format!("time_unit=HOUR&start={today}+00&duration=24"),
        format!("time_unit=MONTH&start={}&duration=2", &today[..7]),
    ] {
        let answer = world.call(&app, "GET", &format!("/v2/statistic/messages?{query}"), None).await.expect(200);
        let units = answer["send_msg_stat"].as_array().expect("a list");
        let sum: u64 = units.iter().map(|unit| unit["single_send_msg"].as_u64().expect("a number")).sum();
        assert_eq!(sum, 2, "{query}");
    }
    let world = world.restarted().await;
    assert_eq!(two_days(&world, &app, "users").await, json!([nobody, users]));
}

#[tokio::test]
async fn what_is_wrong_with_a_question_is_899003() {
    let world = World::new().await;
    let app = world.app("one").await;
    let today = day(now_ms());
    let yesterday = day(now_ms() - DAY_MS);
    for (what, query) in [
        ("users", String::new()),
        ("users", format!("time_unit=HOUR&start={today}+00&duration=1")),
        ("groups", format!("time_unit=MONTH&start={}&duration=1", &today[..7])),
        ("users", format!("time_unit=DAY&start={today}&duration=61")),
        ("groups", format!("time_unit=DAY&start={today}")),
        ("messages", format!("time_unit=DAY&duration=1&start={}", &today[..7])),
        ("messages", format!("time_unit=HOUR&start={yesterday}+00&duration=1")),
        ("messages", format!("time_unit=HOUR&start={today}+00&duration=25")),
        ("messages", format!("time_unit=MONTH&start={}&duration=3", &today[..7])),
    ] {
        world.call(&app, "GET", &format!("/v2/statistic/{what}?{query}"), None).await.refused(400, 899_003);
    }
    let path = format!("/v2/statistic/users?time_unit=DAY&start={today}+10:00:00&duration=0");
    assert_eq!(world.call(&app, "GET", &path, None).await.expect(200), json!([]));
}
