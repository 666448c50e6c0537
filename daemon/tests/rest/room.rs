//! Chat rooms: what app servers do with them, and messages to them.

use anserd::clock::Written;
use anserd::config::TimeZone;
use serde_json::{Value, json};

use crate::world::{App, World};

#[tokio::test]
async fn a_room_is_made_shown_listed_changed_and_deleted() {
    let (world, app) = with_users().await;
    world.covers(&[
        "POST /v1/chatroom",
        "POST /v1/chatroom/batch",
        "GET /v1/chatroom",
        "PUT /v1/chatroom/{room_id}",
        "DELETE /v1/chatroom/{room_id}",
        "GET /v1/users/{username}/chatroom",
    ]);
    let wish = json!({
        "owner_username": "alice", "name": "Launch", "description": "live", "members_username": ["bob", "alice", "bob"],
        "flag": 0,
    });
    let made = world.call(&app, "POST", "/v1/chatroom/", Some(wish)).await.expect(201);
    assert_eq!(made.as_object().map(serde_json::Map::len), Some(1));
    let id = made["chatroom_id"].as_u64().expect("a number");
    assert!((10_000_000..1 << 31).contains(&id));
    let bare = create(&world, &app, json!({"owner_username": "bob", "name": "Bare", "description": null})).await;

    let batch = json!([id, "1", bare.to_string(), 99_999_999_999_u64]);
    let mut rooms = world.call(&app, "POST", "/v1/chatroom/batch", Some(batch)).await.expect(200);
    assert_eq!(rooms.as_array().map(Vec::len), Some(2));
    assert!(rooms[0]["ctime"].take().is_string());
    let expected = json!({
        "id": id, "owner_username": "alice", "appkey": app.key, "name": "Launch", "description": "live",
        "max_member_count": 10_000, "total_member_count": 2, "ctime": null,
    });
    assert_eq!(rooms[0], expected);
    assert_eq!((&rooms[1]["id"], &rooms[1]["description"]), (&json!(bare), &Value::Null));

    let page = world.call(&app, "GET", "/v1/chatroom?start=0&count=1", None).await.expect(200);
    assert_eq!((&page["total"], &page["start"], &page["count"]), (&json!(2), &json!(0), &json!(1)));
    assert_eq!(page["rooms"][0]["id"], json!(id));
    let page = world.call(&app, "GET", "/v1/chatroom?start=1", None).await.expect(200);
    assert_eq!(page["rooms"][0]["id"], json!(bare));

    let path = format!("/v1/chatroom/{id}");
    let change = json!({"owner_username": "bob", "name": "Landing", "description": ""});
    world.call(&app, "PUT", &path, Some(change)).await.expect(204);
    world.call(&app, "PUT", &path, Some(json!({}))).await.expect(204);
    let rooms = world.call(&app, "POST", "/v1/chatroom/batch", Some(json!([id]))).await.expect(200);
    let shown = &rooms[0];
    assert_eq!((&shown["owner_username"], &shown["name"]), (&json!("bob"), &json!("Landing")));
    assert_eq!((&shown["description"], &shown["total_member_count"]), (&Value::Null, &json!(2)));

    world.call(&app, "DELETE", &path, None).await.expect(204);
    world.call(&app, "DELETE", &path, None).await.refused(403, 899_081);
    let page = world.call(&app, "GET", "/v1/chatroom", None).await.expect(200);
    assert_eq!(page["total"], json!(1));
    let of_bob = world.call(&app, "GET", "/v1/users/bob/chatroom/", None).await.expect(200);
    assert_eq!(of_bob.as_array().map(Vec::len), Some(1));
    assert_eq!(of_bob[0]["id"], json!(bare));
    let rooms = world.call(&app, "POST", "/v1/chatroom/batch", Some(json!([id]))).await.expect(200);
    assert_eq!(rooms, json!([]));
}

#[tokio::test]
async fn a_room_that_breaks_a_rule_is_not_made() {
    let (world, app) = with_users().await;
    let many: Vec<String> = (0..3001).map(|number| format!("user{number}")).collect();
    for (wish, status, code) in [
        (json!({"name": "r"}), 400, 899_003),
        (json!({"owner_username": "alice"}), 400, 899_003),
        (json!({"owner_username": "alice", "name": ""}), 400, 899_003),
        (json!({"owner_username": "alice", "name": "two\nlines"}), 400, 899_003),
        (json!({"owner_username": "alice", "name": "x".repeat(65)}), 400, 899_003),
        (json!({"owner_username": "alice", "name": "r", "description": "x".repeat(251)}), 400, 899_003),
        (json!({"owner_username": "alice", "name": "r", "flag": "x"}), 400, 899_003),
        (json!({"owner_username": "alice", "name": "r", "members_username": many}), 400, 899_003),
        (json!({"owner_username": "ghost", "name": "r"}), 403, 899_002),
        (json!({"owner_username": "alice", "name": "r", "members_username": ["ghost"]}), 403, 899_002),
        (json!([]), 400, 899_003),
    ] {
        world.call(&app, "POST", "/v1/chatroom", Some(wish)).await.refused(status, code);
    }
    let page = world.call(&app, "GET", "/v1/chatroom", None).await.expect(200);
    assert_eq!(page, json!({"total": 0, "start": 0, "count": 0, "rooms": []}));
    for wrong in ["start=-1", "count=0", "count=501", "count=x"] {
        world.call(&app, "GET", &format!("/v1/chatroom?{wrong}"), None).await.refused(400, 899_003);
    }
    for wrong in [json!({"rooms": [1]}), json!(["x"]), json!([[]])] {
        world.call(&app, "POST", "/v1/chatroom/batch", Some(wrong)).await.refused(400, 899_003);
    }
}

#[tokio::test]
async fn a_change_of_a_room_that_breaks_a_rule_is_refused_with_its_code() {
    let (world, app) = with_users().await;
    let id = create(&world, &app, json!({"owner_username": "alice", "name": "r", "members_username": ["bob"]})).await;
    let path = format!("/v1/chatroom/{id}");
    for (path, change, status, code) in [
        (path.as_str(), json!({"name": ""}), 400, 899_003),
        (&path, json!({"name": "x", "owner_username": "carol"}), 403, 899_082),
        (&path, json!({"owner_username": "ghost"}), 403, 899_002),
        (&path, json!({"description": 7, "name": []}), 400, 899_003),
        ("/v1/chatroom/12345678", json!({"name": "x"}), 403, 899_081),
        ("/v1/chatroom/99999999999", json!({"name": "x"}), 403, 899_081),
        ("/v1/chatroom/abc", json!({"name": "x"}), 400, 899_003),
    ] {
        world.call(&app, "PUT", path, Some(change)).await.refused(status, code);
    }
    let rooms = world.call(&app, "POST", "/v1/chatroom/batch", Some(json!([id]))).await.expect(200);
    assert_eq!((&rooms[0]["name"], &rooms[0]["owner_username"]), (&json!("r"), &json!("alice")));
    for method in ["DELETE", "PUT"] {
        let body = Some(json!({"name": "x"}));
        world.call(&app, method, "/v1/chatroom/x1", body).await.refused(400, 899_003);
    }
}

#[tokio::test]
async fn members_come_in_and_go_out_as_a_whole_or_not_at_all() {
    let (world, app) = with_users().await;
    world.covers(&[
        "PUT /v1/chatroom/{room_id}/members",
        "DELETE /v1/chatroom/{room_id}/members",
        "GET /v1/chatroom/{room_id}/members",
    ]);
    let id = create(&world, &app, json!({"owner_username": "alice", "name": "r"})).await;
    let path = format!("/v1/chatroom/{id}/members");
    world.call(&app, "PUT", &path, Some(json!(["bob", "carol"]))).await.expect(204);
    assert_eq!(members(&world, &app, id).await, ["alice", "bob", "carol"]);
    for (method, names, status, code) in [
        ("PUT", json!(["dave", "bob"]), 403, 851_003),
        ("PUT", json!(["dave", "ghost"]), 403, 899_002),
        ("PUT", json!([]), 400, 899_003),
        ("PUT", json!({"add": ["dave"]}), 400, 899_003),
        ("DELETE", json!(["bob", "dave"]), 403, 899_082),
        ("DELETE", json!(["bob", "alice"]), 403, 852_004),
        ("DELETE", json!(["bob", "ghost"]), 403, 899_002),
        ("DELETE", json!([]), 400, 899_003),
        ("DELETE", Value::Null, 400, 899_003),
    ] {
        world.call(&app, method, &path, Some(names)).await.refused(status, code);
    }
    assert_eq!(members(&world, &app, id).await, ["alice", "bob", "carol"]);
    world.call(&app, "DELETE", &format!("{path}/"), Some(json!(["bob"]))).await.expect(204);
    assert_eq!(members(&world, &app, id).await, ["alice", "carol"]);
    for method in ["PUT", "DELETE"] {
        world.call(&app, method, "/v1/chatroom/12345678/members", Some(json!(["bob"]))).await.refused(403, 899_081);
    }
    world.call(&app, "GET", "/v1/chatroom/12345678/members", None).await.refused(403, 899_081);
    world.call(&app, "GET", &format!("{path}?count=501"), None).await.refused(400, 899_003);

    let page = world.call(&app, "GET", &format!("{path}?start=1&count=5"), None).await.expect(200);
    assert_eq!((&page["total"], &page["start"], &page["count"]), (&json!(2), &json!(1), &json!(1)));
    let row = page["users"][0].as_object().expect("a row");
    assert_eq!(row.len(), 5);
    assert_eq!((&row["username"], &row["flag"]), (&json!("carol"), &json!(0)));
    for time in ["room_ctime", "mtime", "ctime"] {
        assert!(row[time].is_string(), "{time}");
    }
}

#[tokio::test]
async fn three_thousand_come_in_with_one_call_and_go_out_with_another() {
    let world = World::with(|config| config.limits.room_members = 3001).await;
    let app = world.app("one").await;
    let many: Vec<String> = (0..3002).map(|number| format!("user{number}")).collect();
    for part in many.chunks(500) {
        let part: Vec<&str> = part.iter().map(String::as_str).collect();
        world.users(&app, &part).await;
    }
    let id = create(&world, &app, json!({"owner_username": "user0", "name": "r"})).await;
    let path = format!("/v1/chatroom/{id}/members");
    let mut with_ghost = many[1..3000].to_vec();
    with_ghost.push("ghost".to_owned());
    world.call(&app, "PUT", &path, Some(json!(with_ghost))).await.refused(403, 899_002);
    world.call(&app, "PUT", &path, Some(json!(many[1..]))).await.refused(400, 899_003);
    assert_eq!(members(&world, &app, id).await, ["user0"]);
    world.call(&app, "PUT", &path, Some(json!(many[1..3001]))).await.expect(204);
    world.call(&app, "PUT", &path, Some(json!(many[3001..]))).await.refused(403, 851_006);
    let page = world.call(&app, "GET", &format!("{path}?start=3000"), None).await.expect(200);
    assert_eq!((&page["total"], &page["users"][0]["username"]), (&json!(3001), &json!("user3000")));
    world.call(&app, "DELETE", &path, Some(json!(many[..3000]))).await.refused(403, 852_004);
    world.call(&app, "DELETE", &path, Some(json!(many[1..3001]))).await.expect(204);
    assert_eq!(members(&world, &app, id).await, ["user0"]);

    let wish = json!({"owner_username": "user1", "name": "r", "members_username": many[..3000]});
    let full = create(&world, &app, wish).await;
    let page = world.call(&app, "GET", &format!("/v1/chatroom/{full}/members"), None).await.expect(200);
    assert_eq!((&page["total"], &page["count"]), (&json!(3000), &json!(500)));
}

#[tokio::test]
async fn a_muted_member_may_not_speak_until_that_is_lifted() {
    let (world, app) = with_users().await;
    world.covers(&["PUT /v1/chatroom/{room_id}/forbidden/{username}"]);
    let id = create(&world, &app, json!({"owner_username": "alice", "name": "r", "members_username": ["bob"]})).await;
    let path = |username: &str, status: &str| format!("/v1/chatroom/{id}/forbidden/{username}{status}");
    world.call(&app, "PUT", &path("bob", "?status=1"), None).await.expect(204);
    world.call(&app, "PUT", &path("bob", "?status=1"), None).await.expect(204);
    world.call(&app, "POST", "/v1/messages", Some(message("bob", id))).await.refused(403, 847_002);
    let page = world.call(&app, "GET", &format!("/v1/chatroom/{id}/members"), None).await.expect(200);
    assert_eq!((&page["users"][0]["flag"], &page["users"][1]["flag"]), (&json!(0), &json!(1)));
    world.call(&app, "PUT", &path("bob", ""), Some(json!({"status": 0}))).await.expect(204);
    world.call(&app, "POST", "/v1/messages", Some(message("bob", id))).await.expect(201);
    for (path, status, code) in [
        (path("carol", "?status=1"), 403, 899_082),
        (path("ghost", "?status=1"), 403, 899_002),
        (path("bob", "?status=2"), 400, 899_003),
        (path("bob", ""), 400, 899_003),
        ("/v1/chatroom/12345678/forbidden/bob?status=1".to_owned(), 403, 899_081),
        ("/v1/chatroom/x/forbidden/bob?status=1".to_owned(), 400, 899_003),
    ] {
        world.call(&app, "PUT", &path, None).await.refused(status, code);
    }
}

#[tokio::test]
async fn a_message_to_a_room_comes_from_who_is_inside_or_from_an_admin() {
    let (world, app) = with_users().await;
    let id = create(&world, &app, json!({"owner_username": "alice", "name": "r"})).await;
    let sent = world.call(&app, "POST", "/v1/messages", Some(message("alice", id))).await.expect(201);
    assert!(sent["msg_id"].is_u64() && sent["msg_ctime"].is_u64());
    world.call(&app, "POST", "/v1/messages", Some(message("bob", id))).await.refused(403, 847_001);
    world.call(&app, "POST", "/v1/messages", Some(message("alice", 12_345_678))).await.refused(403, 899_081);
    let mut wrong = message("alice", id);
    wrong["msg_body"]["text"] = json!("x".repeat(4096));
    world.call(&app, "POST", "/v1/messages", Some(wrong)).await.refused(403, 847_004);
    let mut wrong = message("alice", id);
    wrong["target_id"] = json!("abc");
    world.call(&app, "POST", "/v1/messages", Some(wrong)).await.refused(400, 899_003);
    let boss = json!({"username": "boss", "password": "secret"});
    world.call(&app, "POST", "/v1/admins", Some(boss)).await.expect(201);
    let mut by_admin = message("boss", id);
    by_admin["from_type"] = json!("admin");
    by_admin["target_id"] = json!(id);
    world.call(&app, "POST", "/v1/messages", Some(by_admin)).await.expect(201);
}

#[tokio::test]
async fn the_history_of_a_room_holds_its_messages_and_no_others() {
    let (world, app) = with_users().await;
    world.covers(&["GET /v2/chatrooms/{chatroomid}/messages"]);
    let id = create(&world, &app, json!({"owner_username": "alice", "name": "r"})).await;
    let other = create(&world, &app, json!({"owner_username": "alice", "name": "other"})).await;
    let sent = world.call(&app, "POST", "/v1/messages", Some(message("alice", id))).await.expect(201);
    world.call(&app, "POST", "/v1/messages", Some(message("alice", other))).await.expect(201);
    let at_ms = sent["msg_ctime"].as_u64().expect("a time");
    let written = |at_ms| Written(at_ms, TimeZone::DEFAULT).to_string().replace(' ', "+");
    let (begin, end) = (written(at_ms - 1000), written(at_ms + 600_000));
    let path = format!("/v2/chatrooms/{id}/messages?count=10&begin_time={begin}&end_time={end}");
    let page = world.call(&app, "GET", &path, None).await.expect(200);
    let [said] = &page["messages"].as_array().expect("a list")[..] else { panic!("one message: {page}") };
    assert_eq!((&said["target_type"], &said["target_id"]), (&json!("chatroom"), &json!(id.to_string())));
    assert_eq!((&said["msgid"], &page["total"]), (&sent["msg_id"], &json!(1)));
    let of_app = world.call(&app, "GET", &path.replace(&format!("/chatrooms/{id}"), ""), None).await.expect(200);
    assert_eq!(of_app["total"], 2, "{of_app}");
}

#[tokio::test]
async fn a_deleted_user_is_in_no_room_and_rooms_outlive_a_restart() {
    let (world, app) = with_users().await;
    let id = create(&world, &app, json!({"owner_username": "alice", "name": "r", "members_username": ["bob"]})).await;
    let gone = create(&world, &app, json!({"owner_username": "bob", "name": "gone"})).await;
    world.call(&app, "DELETE", &format!("/v1/chatroom/{gone}"), None).await.expect(204);
    world.call(&app, "DELETE", "/v1/users/alice", None).await.expect(204);
    world.call(&app, "GET", "/v1/users/alice/chatroom", None).await.refused(403, 899_002);
    assert_eq!(members(&world, &app, id).await, ["bob"]);
    let world = world.restarted().await;
    let rooms = world.call(&app, "GET", "/v1/users/bob/chatroom", None).await.expect(200);
    assert_eq!(rooms.as_array().map(Vec::len), Some(1));
    assert_eq!(rooms[0]["owner_username"], json!("bob"));
    assert_eq!(rooms[0]["id"], json!(id));
    world.call(&app, "GET", "/v1/users/carol/chatroom", None).await.expect(200);
}

async fn with_users() -> (World, App) {
    let world = World::new().await;
    let app = world.app("one").await;
    world.users(&app, &["alice", "bob", "carol", "dave"]).await;
    (world, app)
}

async fn create(world: &World, app: &App, wish: Value) -> u64 {
    let made = world.call(app, "POST", "/v1/chatroom", Some(wish)).await.expect(201);
    made["chatroom_id"].as_u64().expect("a number")
}

async fn members(world: &World, app: &App, id: u64) -> Vec<String> {
    let page = world.call(app, "GET", &format!("/v1/chatroom/{id}/members"), None).await.expect(200);
    let users = page["users"].as_array().expect("rows").iter();
    users.map(|row| row["username"].as_str().expect("a name").to_owned()).collect()
}

fn message(from: &str, room: u64) -> Value {
    json!({
        "version": 1, "target_type": "chatroom", "target_id": room.to_string(), "from_type": "user", "from_id": from,
        "msg_type": "text", "msg_body": {"text": "hi"},
    })
}
