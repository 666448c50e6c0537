//! Sensitive words: the list, the switch, and what they do to messages of app servers and devices.

use anser_protocol::content::Platform;
use anser_protocol::error::ErrorCode;
use serde_json::{Value, json};

use crate::person::Person;
use crate::world::{App, World};

const LIST: &str = "/v1/sensitiveword";
const STATUS: &str = "/v1/sensitiveword/status";

async fn names(world: &World, app: &App) -> Vec<String> {
    let page = world.call(app, "GET", "/v1/sensitiveword?start=0&count=2000", None).await.expect(200);
    let words = page["words"].as_array().expect("a list");
    words.iter().map(|word| word["name"].as_str().expect("a text").to_owned()).collect()
}

#[tokio::test]
async fn words_are_added_replaced_removed_and_listed_in_pages() {
    let world = World::new().await;
    world.covers(&[
        "POST /v1/sensitiveword",
        "PUT /v1/sensitiveword",
        "DELETE /v1/sensitiveword",
        "GET /v1/sensitiveword",
    ]);
    let app = world.app("one").await;
    let all = ["POST /v1/sensitiveword", "PUT /v1/sensitiveword", "DELETE /v1/sensitiveword", "GET /v1/sensitiveword"];
    world.covers(&all);
    let empty = world.call(&app, "GET", LIST, None).await.expect(200);
    assert_eq!(empty, json!({"start": 0, "count": 0, "total": 0, "words": []}));

    for _ in 0..2 {
        let added = world.call(&app, "POST", "/v1/sensitiveword/", Some(json!(["one", "二", "three"]))).await;
        assert_eq!((added.status.as_u16(), added.text.as_str()), (204, ""));
    }
    assert_eq!(names(&world, &app).await, ["one", "二", "three"]);
    let page = world.call(&app, "GET", "/v1/sensitiveword?start=1&count=1", None).await.expect(200);
    assert_eq!((&page["start"], &page["count"], &page["total"]), (&json!(1), &json!(1), &json!(3)));
    assert_eq!(page["words"][0]["name"], "二");
    assert!(page["words"][0]["itime"].as_str().is_some_and(|time| time.len() == 19 && time.starts_with("20")));

    world.call(&app, "PUT", LIST, Some(json!({"old_word": "二", "new_word": "两"}))).await.expect(204);
    world.call(&app, "PUT", LIST, Some(json!({"old_word": "never", "new_word": "there"}))).await.expect(204);
    world.call(&app, "DELETE", LIST, Some(json!({"word": "one"}))).await.expect(204);
    world.call(&app, "DELETE", LIST, Some(json!(["three", "never"]))).await.expect(204);
    let world = world.restarted().await;
    assert_eq!(names(&world, &app).await, ["两"]);
}

#[tokio::test]
async fn a_list_that_breaks_a_rule_is_refused() {
    let world = World::with(|config| config.limits.sensitive_words = 3).await;
    let app = world.app("one").await;
    let too_long = "十一个字的词语太长了啊";
    for wrong in
        [json!({}), json!([]), json!([""]), json!([too_long]), json!([{}]), json!(["a", "b", "c", "d"]), json!("a")]
    {
        world.call(&app, "POST", LIST, Some(wrong)).await.refused(400, 899_003);
    }
    world.call(&app, "POST", LIST, Some(json!(["ten chars!", "b"]))).await.expect(204);
    world.call(&app, "POST", LIST, Some(json!(["c", "d"]))).await.refused(400, 899_003);
    assert_eq!(names(&world, &app).await, ["ten chars!", "b"], "all or nothing");
    for wrong in [json!({"old_word": "b"}), json!({"old_word": "b", "new_word": too_long}), json!([])] {
        world.call(&app, "PUT", LIST, Some(wrong)).await.refused(400, 899_003);
    }
    for wrong in [json!({}), json!({"word": ""}), json!([])] {
        world.call(&app, "DELETE", LIST, Some(wrong)).await.refused(400, 899_003);
    }
    for query in ["start=-1", "count=2001", "count=0"] {
        world.call(&app, "GET", &format!("{LIST}?{query}"), None).await.refused(400, 899_003);
    }
}

#[tokio::test]
async fn the_switch_is_off_at_first_and_is_set_by_query_or_body() {
    let world = World::new().await;
    let app = world.app("one").await;
    world.covers(&["PUT /v1/sensitiveword/status", "GET /v1/sensitiveword/status"]);
    let shown = async || world.call(&app, "GET", STATUS, None).await.expect(200);
    assert_eq!(shown().await, json!({"status": 0}));
    world.call(&app, "PUT", "/v1/sensitiveword/status?status=1", None).await.expect(204);
    assert_eq!(shown().await, json!({"status": 1}));
    world.call(&app, "PUT", STATUS, Some(json!({"status": 0}))).await.expect(204);
    assert_eq!(shown().await, json!({"status": 0}));
    world.call(&app, "PUT", "/v1/sensitiveword/status?status=1&mode=mask", None).await.expect(204);
    assert_eq!(shown().await, json!({"status": 1, "mode": "mask"}));
    world.call(&app, "PUT", STATUS, Some(json!({"status": "1", "mode": "refuse"}))).await.expect(204);
    assert_eq!(shown().await, json!({"status": 1}));
    for wrong in ["status=2", "status=x", "status=1&mode=shout", "status="] {
        world.call(&app, "PUT", &format!("{STATUS}?{wrong}"), None).await.refused(400, 899_003);
    }
    world.call(&app, "PUT", STATUS, None).await.refused(400, 899_003);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_stops_messages_of_admins_users_and_devices() {
    let world = World::new().await;
    let app = world.app("one").await;
    world.users(&app, &["alice", "bob0"]).await;
    let admin = json!({"username": "boss", "password": "secret"});
    world.call(&app, "POST", "/v1/admins", Some(admin)).await.expect(201);
    world.call(&app, "POST", LIST, Some(json!(["Hi"]))).await.expect(204);
    let mut alice = Person::on(Platform::ANDROID, &world, &app).await;
    alice.log_in("alice", "secret").await.expect("logged in");
    assert_eq!(alice.send_to("bob0").await, Ok(()), "the filter is off");

    world.call(&app, "PUT", STATUS, Some(json!({"status": 1}))).await.expect(204);
    assert_eq!(alice.send_to("bob0").await, Err(ErrorCode::SEND_SENSITIVE));
    for (from, kind) in [("alice", "user"), ("boss", "admin")] {
        let answered = world.call(&app, "POST", "/v1/messages", Some(text(from, kind, "so ｈI there"))).await;
        assert!(answered.text.contains("Hi"), "the word is named: {}", answered.text);
        answered.refused(403, 803_009);
        world.call(&app, "POST", "/v1/messages", Some(text(from, kind, "hello"))).await.expect(201);
    }
    world.call(&app, "PUT", STATUS, Some(json!({"status": 1, "mode": "mask"}))).await.expect(204);
    assert_eq!(alice.send_to("bob0").await, Ok(()));
    world.call(&app, "DELETE", LIST, Some(json!({"word": "Hi"}))).await.expect(204);
    world.call(&app, "POST", "/v1/messages", Some(text("alice", "user", "hi"))).await.expect(201);

    let other = world.app("two").await;
    world.users(&other, &["alice", "bob0"]).await;
    world.call(&other, "POST", "/v1/messages", Some(text("alice", "user", "Hi"))).await.expect(201);
}

fn text(from: &str, kind: &str, text: &str) -> Value {
    json!({
        "version": 1, "target_type": "single", "target_id": "bob0", "from_type": kind, "from_id": from,
        "msg_type": "text", "msg_body": {"text": text},
    })
}
