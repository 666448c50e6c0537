//! Reports over messages: history of an app, a user and a group, in both versions.

use anser_protocol::content::Platform;
use anserd::clock::{Written, now_ms};
use anserd::config::TimeZone;
use serde_json::{Value, json};

use crate::person::Person;
use crate::world::{App, World};

const DAY_MS: u64 = 86_400_000;

/// Sends as a user over REST; the number of the message.
async fn send(world: &World, app: &App, from: &str, target: (&str, &Value), text: &str) -> u64 {
    let message = json!({
        "version": 1, "target_type": target.0, "target_id": target.1, "from_type": "user", "from_id": from,
        "msg_type": "text", "msg_body": {"text": text, "extras": {"k": 1}},
    });
    let sent = world.call(app, "POST", "/v1/messages", Some(message)).await.expect(201);
    sent["msg_id"].as_u64().expect("a number")
}

async fn group(world: &World, app: &App, owner: &str, members: &[&str]) -> Value {
    let group = json!({"owner_username": owner, "name": "g", "members_username": members});
    world.call(app, "POST", "/v1/groups", Some(group)).await.expect(201)["gid"].clone()
}

fn time(at_ms: u64) -> String {
    Written(at_ms, TimeZone::DEFAULT).to_string().replace(' ', "+")
}

/// Yesterday until tomorrow.
fn range() -> String {
    format!("begin_time={}&end_time={}", time(now_ms() - DAY_MS), time(now_ms() + DAY_MS))
}

fn texts(page: &Value) -> Vec<&str> {
    let messages = page["messages"].as_array().expect("a list");
    messages.iter().map(|message| message["msg_body"]["text"].as_str().expect("a text")).collect()
}

/// Walks a path of version 2 to its end; every page but the last has a cursor.
async fn walk(world: &World, app: &App, path: &str, count: usize) -> Vec<String> {
    let first = world.call(app, "GET", &format!("{path}?count={count}&{}", range()), None).await.expect(200);
    let mut found: Vec<String> = texts(&first).into_iter().map(str::to_owned).collect();
    let total = first["total"].as_u64().expect("a number");
    let mut cursor = first["cursor"].as_str().map(str::to_owned);
    while let Some(given) = cursor {
        let page = world.call(app, "GET", &format!("{path}?cursor={given}"), None).await.expect(200);
        assert_eq!((page["total"].as_u64(), page["count"].as_u64()), (Some(total), Some(texts(&page).len() as u64)));
        assert!(!texts(&page).is_empty() && texts(&page).len() <= count);
        found.extend(texts(&page).into_iter().map(str::to_owned));
        cursor = page["cursor"].as_str().map(str::to_owned);
    }
    assert_eq!(found.len() as u64, total);
    found
}

#[tokio::test]
async fn a_message_is_shown_with_every_key_of_the_contract() {
    let world = World::new().await;
    world.covers(&["GET /v2/messages"]);
    let app = world.app("one").await;
    world.users(&app, &["alice"]).await;
    let bob = json!([{"username": "bob", "password": "secret", "nickname": "Bobby"}]);
    world.call(&app, "POST", "/v1/users", Some(bob)).await.expect(201);
    let msg_id = send(&world, &app, "bob", ("single", &json!("alice")), "hi").await;
    let page = world.call(&app, "GET", &format!("/v2/messages?count=1000&{}", range()), None).await.expect(200);
    let message = &page["messages"][0];
    let at_ms = message["msg_ctime"].as_u64().expect("a number");
    let expected = json!({
        "target_type": "single", "target_id": "alice", "target_name": "", "target_appkey": "", "from_type": "user",
        "from_id": "bob", "from_name": "Bobby", "from_appkey": app.key, "from_platform": "r", "set_from_name": 0,
        "msg_type": "text", "msg_body": {"text": "hi", "extras": {"k": 1}}, "create_time": at_ms / 1000,
        "msg_ctime": at_ms, "msgid": msg_id, "msg_level": 0, "version": 1,
    });
    assert_eq!(page, json!({"total": 1, "count": 1, "messages": [expected]}));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_device_sent_names_its_platform() {
    let world = World::new().await;
    let app = world.app("one").await;
    world.users(&app, &["alice", "bob"]).await;
    let mut alice = Person::on(Platform::IOS, &world, &app).await;
    alice.log_in("alice", "secret").await.expect("logged in");
    alice.send_to("bob").await.expect("accepted");
    let page = world.call(&app, "GET", &format!("/v2/messages?count=10&{}", range()), None).await.expect(200);
    assert_eq!(
        (&page["messages"][0]["from_platform"], &page["messages"][0]["from_type"]),
        (&json!("i"), &json!("user"))
    );
}

#[tokio::test]
async fn each_path_has_its_own_messages_in_order_and_a_cursor_on_all_pages_but_the_last() {
    let world = World::new().await;
    world.covers(&["GET /v2/users/{username}/messages", "GET /v2/groups/{gid}/messages"]);
    let app = world.app("one").await;
    world.users(&app, &["alice", "bob", "carol"]).await;
    let (one, other) = (group(&world, &app, "alice", &["bob"]).await, group(&world, &app, "bob", &["carol"]).await);
    let (alice, bob) = (json!("alice"), json!("bob"));
    for (from, target, text) in [
        ("alice", ("single", &bob), "1"),
        ("bob", ("group", &one), "2"),
        ("alice", ("group", &one), "3"),
        ("carol", ("single", &bob), "4"),
        ("alice", ("single", &alice), "5"),
        ("carol", ("group", &other), "6"),
        ("bob", ("single", &alice), "7"),
    ] {
        send(&world, &app, from, target, text).await;
    }
    let one = one.as_u64().expect("a number");
    for count in [1, 2, 3, 1000] {
        assert_eq!(walk(&world, &app, "/v2/messages", count).await.concat(), "1234567");
        assert_eq!(walk(&world, &app, "/v2/users/alice/messages", count).await.concat(), "1357");
        assert_eq!(walk(&world, &app, "/v2//users/bob/messages/", count).await.concat(), "1247");
        assert_eq!(walk(&world, &app, "/v2/users/carol/messages", count).await.concat(), "46");
        assert_eq!(walk(&world, &app, &format!("/v2/groups/{one}/messages"), count).await.concat(), "23");
    }
    world.users(&app, &["silent"]).await;
    let path = format!("/v2/users/silent/messages?count=5&{}", range());
    let nothing = world.call(&app, "GET", &path, None).await.expect(200);
    assert_eq!(nothing, json!({"total": 0, "count": 0, "messages": []}));
}

#[tokio::test]
async fn a_cursor_is_for_its_app_path_and_range_and_a_page_may_be_asked_for_twice() {
    let world = World::new().await;
    let (app, other) = (world.app("one").await, world.app("two").await);
    world.users(&app, &["alice", "bob"]).await;
    for text in ["1", "2", "3"] {
        send(&world, &app, "alice", ("single", &json!("bob")), text).await;
    }
    let range = range();
    let first = world.call(&app, "GET", &format!("/v2/messages?count=1&{range}"), None).await.expect(200);
    let cursor = first["cursor"].as_str().expect("more remain");
    assert!(cursor.len() == 32 && cursor.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()));
    let path = format!("/v2/messages?cursor={cursor}");
    let second = world.call(&app, "GET", &path, None).await.expect(200);
    assert_eq!(world.call(&app, "GET", &path, None).await.expect(200), second);
    assert_eq!(world.call(&app, "GET", &format!("{path}&count=1&{range}"), None).await.expect(200), second);

    // Later messages are not of the range that was resolved.
    send(&world, &app, "alice", ("single", &json!("bob")), "4").await;
    let last = format!("/v2/messages?cursor={}", second["cursor"].as_str().expect("more remain"));
    let last = world.call(&app, "GET", &last, None).await.expect(200);
    assert_eq!((texts(&last), &last["total"], last.get("cursor")), (vec!["3"], &json!(3), None));

    for (app, path) in [
        (&other, path.clone()),
        (&app, format!("/v2/users/alice/messages?cursor={cursor}")),
        (&app, format!("{path}&count=2")),
        (&app, format!("{path}&begin_time=2024-01-01+00:00:00")),
        (&app, "/v2/messages?cursor=0123456789ABCDEF0123456789ABCDEF".to_owned()),
        (&app, "/v2/messages?cursor=x".to_owned()),
    ] {
        world.call(app, "GET", &path, None).await.refused(400, 899_003);
    }
}

#[tokio::test]
async fn the_first_request_says_all_three_and_at_most_seven_days() {
    let world = World::new().await;
    let app = world.app("one").await;
    let call = async |query: &str| world.call(&app, "GET", &format!("/v2/messages?{query}"), None).await;
    for good in [
        "count=1&begin_time=2024-05-01+00:00:00&end_time=2024-05-08+00:00:00",
        "count=1000&begin_time=2024-05-01%2000:00:00&end_time=2024-05-01%2000:00:00",
        "cursor=&count=1&begin_time=2024-05-01+00%3A00%3A00&end_time=2024-05-02+00%3A00%3A00",
    ] {
        call(good).await.expect(200);
    }
    for wrong in [
        "",
        "begin_time=2024-05-01+00:00:00&end_time=2024-05-08+00:00:00",
        "count=1&end_time=2024-05-08+00:00:00",
        "count=1&begin_time=2024-05-01+00:00:00",
        "count=0&begin_time=2024-05-01+00:00:00&end_time=2024-05-02+00:00:00",
        "count=1001&begin_time=2024-05-01+00:00:00&end_time=2024-05-02+00:00:00",
        "count=x&begin_time=2024-05-01+00:00:00&end_time=2024-05-02+00:00:00",
        "count=1&begin_time=2024-05-01+00:00:00&end_time=2024-05-08+00:00:01",
        "count=1&begin_time=2024-05-02+00:00:00&end_time=2024-05-01+00:00:00",
        "count=1&begin_time=2024-05-01&end_time=2024-05-02",
        "count=1&begin_time=2024-05-32+00:00:00&end_time=2024-06-01+00:00:00",
    ] {
        call(wrong).await.refused(400, 899_003);
    }
}

#[tokio::test]
async fn bounds_are_inclusive_to_the_second_in_the_servers_zone() {
    let world = World::new().await;
    let app = world.app("one").await;
    world.users(&app, &["alice", "bob"]).await;
    send(&world, &app, "alice", ("single", &json!("bob")), "hi").await;
    let page = world.call(&app, "GET", "/v1/messages?start=0&count=1", None).await.expect(200);
    let at_ms = page["messages"][0]["msg_ctime"].as_u64().expect("a number");
    let total = async |begin_ms: u64, end_ms: u64| {
        let query = format!("begin_time={}&end_time={}", time(begin_ms), time(end_ms));
        let second = world.call(&app, "GET", &format!("/v2/messages?count=5&{query}"), None).await.expect(200);
        let first = world.call(&app, "GET", &format!("/v1/messages?start=0&count=5&{query}"), None).await.expect(200);
        assert_eq!(first["total"], second["total"]);
        second["total"].as_u64().expect("a number")
    };
    assert_eq!(total(at_ms, at_ms).await, 1);
    assert_eq!(total(at_ms - 5000, at_ms - 1000).await, 0);
    assert_eq!(total(at_ms + 1000, at_ms + 5000).await, 0);
    assert_eq!(total(at_ms - 1000, at_ms + 1000).await, 1);
}

#[tokio::test]
async fn whoever_is_unknown_has_a_code_and_what_is_no_number_another() {
    let world = World::new().await;
    let app = world.app("one").await;
    world.users(&app, &["alice", "gone"]).await;
    world.call(&app, "DELETE", "/v1/users/gone", None).await.expect(204);
    let query = format!("count=5&start=0&{}", range());
    for (path, status, code) in [
        ("/v2/users/ghost/messages", 403, 899_002),
        ("/v2/users/gone/messages", 403, 899_002),
        ("/v2/groups/19999999/messages", 403, 899_006),
        ("/v2/groups/x/messages", 400, 899_003),
        ("/v2/chatrooms/19999999/messages", 403, 899_081),
        ("/v2/chatrooms/x/messages", 400, 899_003),
        ("/v1/users/ghost/messages", 403, 899_002),
        ("/v1/messages/users/ghost", 403, 899_002),
        ("/v1/messages/groups/19999999", 403, 899_006),
        ("/v1/messages/groups/x", 400, 899_003),
    ] {
        world.call(&app, "GET", &format!("{path}?{query}"), None).await.refused(status, code);
    }
    // The range is looked at before the user.
    world.call(&app, "GET", "/v2/users/ghost/messages", None).await.refused(400, 899_003);
}

#[tokio::test]
async fn version_1_pages_by_offset_over_any_time() {
    let world = World::new().await;
    world.covers(&[
        "GET /v1/messages",
        "GET /v1/users/{username}/messages",
        "GET /v1/messages/users/{username}",
        "GET /v1/messages/groups/{gid}",
    ]);
    let app = world.app("one").await;
    world.users(&app, &["alice", "bob"]).await;
    let one = group(&world, &app, "alice", &["bob"]).await;
    for (from, target, text) in [
        ("alice", ("single", &json!("bob")), "1"),
        ("bob", ("single", &json!("alice")), "2"),
        ("alice", ("group", &one), "3"),
        ("bob", ("group", &one), "4"),
        ("alice", ("single", &json!("alice")), "5"),
    ] {
        send(&world, &app, from, target, text).await;
    }
    let one = one.as_u64().expect("a number");
    let call = async |path: &str| world.call(&app, "GET", path, None).await;
    for (path, all) in [
        ("/v1/messages?", "12345"),
        ("/v1/users/alice/messages?", "1235"),
        ("/v1//users/alice/messages?", "1235"),
        ("/v1/messages/users/alice?", "1235"),
        ("/v1/messages/users/alice?filter=send&", "135"),
        ("/v1/messages/users/alice?filter=rev&", "25"),
        (&format!("/v1/messages/groups/{one}?"), "34"),
    ] {
        for start in 0..=all.len() + 1 {
            let page = call(&format!("{path}start={start}&count=2")).await.expect(200);
            let expected: String = all.chars().skip(start).take(2).collect();
            assert_eq!(texts(&page).concat(), expected, "{path} from {start}");
            let figures = (&page["total"], &page["start"], &page["count"]);
            assert_eq!(figures, (&json!(all.len()), &json!(start), &json!(expected.len())));
        }
    }
    for wrong in [
        "/v1/messages",
        "/v1/messages?start=0",
        "/v1/messages?count=1",
        "/v1/messages?start=-1&count=1",
        "/v1/messages?start=0&count=1001",
        "/v1/messages?start=0&count=1&begin_time=2024",
        "/v1/messages?start=0&count=1&begin_time=2024-05-02+00:00:00&end_time=2024-05-01+00:00:00",
        "/v1/messages/users/alice?start=0&count=1&filter=both",
    ] {
        call(wrong).await.refused(400, 899_003);
    }
    let since = call("/v1/messages?start=0&count=9&begin_time=2024-05-02+00:00:00").await.expect(200);
    assert_eq!(since["total"], 5, "one bound is enough");
}

#[tokio::test]
async fn what_was_sent_stays_over_a_restart_and_a_cursor_does_not() {
    let world = World::new().await;
    let app = world.app("one").await;
    world.users(&app, &["alice", "bob"]).await;
    for text in ["1", "2"] {
        send(&world, &app, "alice", ("single", &json!("bob")), text).await;
    }
    let first = world.call(&app, "GET", &format!("/v2/messages?count=1&{}", range()), None).await.expect(200);
    let world = world.restarted().await;
    let path = format!("/v2/messages?cursor={}", first["cursor"].as_str().expect("more remain"));
    world.call(&app, "GET", &path, None).await.refused(400, 899_003);
    assert_eq!(walk(&world, &app, "/v2/messages", 1).await.concat(), "12");
}
