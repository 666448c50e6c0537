//! Messages sent by app servers.

use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn a_text_gets_an_ascending_number_and_its_time_in_milliseconds() {
    let world = World::new().await;
    let app = world.app("one").await;
    world.users(&app, &["alice", "bob"]).await;
    let first = world.call(&app, "POST", "/v1/messages", Some(text("alice", "bob"))).await.expect(201);
    let second = world.call(&app, "POST", "/v1/messages/", Some(text("bob", "alice"))).await.expect(201);
    assert!(first["msg_id"].as_u64() < second["msg_id"].as_u64());
    assert!(first["msg_ctime"].as_u64().is_some_and(|at| at > 1_700_000_000_000));
    assert_eq!(first.as_object().map(serde_json::Map::len), Some(2));
}

#[tokio::test]
async fn whoever_is_absent_is_named_and_only_admins_send_as_admins() {
    let world = World::new().await;
    let app = world.app("one").await;
    world.users(&app, &["alice", "bob"]).await;
    world.call(&app, "POST", "/v1/messages", Some(text("ghost", "bob"))).await.refused(403, 899_002);
    world.call(&app, "POST", "/v1/messages", Some(text("alice", "ghost"))).await.refused(403, 899_002);
    let mut as_admin = text("alice", "bob");
    as_admin["from_type"] = json!("admin");
    world.call(&app, "POST", "/v1/messages", Some(as_admin)).await.refused(403, 899_016);
    let admin = json!({"username": "boss", "password": "secret"});
    world.call(&app, "POST", "/v1/admins", Some(admin)).await.expect(201);
    let mut as_admin = text("boss", "bob");
    as_admin["from_type"] = json!("admin");
    world.call(&app, "POST", "/v1/messages", Some(as_admin)).await.expect(201);
}

#[tokio::test]
async fn a_message_that_breaks_a_rule_is_refused_with_its_code() {
    let world = World::new().await;
    let app = world.app("one").await;
    world.users(&app, &["alice", "bob"]).await;
    for (key, value, status, code) in [
        ("version", json!(2), 400, 899_003),
        ("from_type", json!("robot"), 400, 899_003),
        ("target_type", json!("planet"), 400, 899_003),
        ("target_type", json!("chatroom"), 400, 899_003),
        ("msg_type", json!("smoke"), 400, 899_003),
        ("msg_body", json!("hi"), 400, 899_003),
        ("msg_body", json!({"text": "x".repeat(4096)}), 403, 803_007),
        ("target_id", Value::Null, 400, 899_003),
    ] {
        let mut message = text("alice", "bob");
        message[key] = value;
        world.call(&app, "POST", "/v1/messages", Some(message)).await.refused(status, code);
    }
    let mut lenient = text("alice", "bob");
    lenient["version"] = json!("1");
    lenient["unknown"] = json!(1);
    world.call(&app, "POST", "/v1/messages", Some(lenient)).await.expect(201);
}

#[tokio::test]
async fn a_group_gets_messages_of_its_members_and_of_admins_only() {
    let world = World::new().await;
    let app = world.app("one").await;
    world.users(&app, &["alice", "bob", "carol"]).await;
    let group = json!({"owner_username": "alice", "name": "g", "members_username": ["bob"]});
    let gid = world.call(&app, "POST", "/v1/groups", Some(group)).await.expect(201)["gid"].clone();
    let to_group = |from: &str, gid: &Value| {
        let mut message = text(from, "x");
        message["target_type"] = json!("group");
        message["target_id"] = gid.clone();
        message
    };
    world.call(&app, "POST", "/v1/messages", Some(to_group("bob", &gid))).await.expect(201);
    world.call(&app, "POST", "/v1/messages", Some(to_group("bob", &json!(gid.to_string())))).await.expect(201);
    world.call(&app, "POST", "/v1/messages", Some(to_group("carol", &gid))).await.refused(403, 803_005);
    world.call(&app, "POST", "/v1/messages", Some(to_group("bob", &json!(19_999_999)))).await.refused(403, 899_006);
    let admin = json!({"username": "boss", "password": "secret"});
    world.call(&app, "POST", "/v1/admins", Some(admin)).await.expect(201);
    let mut as_admin = to_group("boss", &gid);
    as_admin["from_type"] = json!("admin");
    world.call(&app, "POST", "/v1/messages", Some(as_admin)).await.expect(201);
}

fn text(from: &str, to: &str) -> Value {
    json!({
        "version": 1, "target_type": "single", "target_id": to, "from_type": "user", "from_id": from,
        "msg_type": "text", "msg_body": {"text": "hi", "extras": {"k": 1}},
    })
}
