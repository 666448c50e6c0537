//! Blacklists, do-not-disturb, shields, friends, and the switch for registration by devices.

use anser_protocol::content::Platform;
use anser_protocol::error::ErrorCode;
use serde_json::{Value, json};

use crate::person::Person;
use crate::world::{App, World};

async fn people(world: &World) -> App {
    let app = world.app("one").await;
    world.users(&app, &["alice", "bob", "carol"]).await;
    world.call(&app, "POST", "/v1/admins", Some(json!({"username": "boss", "password": "secret"}))).await.expect(201);
    app
}

async fn group(world: &World, app: &App, owner: &str, members: Value) -> u64 {
    let group = json!({"owner_username": owner, "name": "walkers", "members_username": members});
    world.call(app, "POST", "/v1/groups", Some(group)).await.expect(201)["gid"].as_u64().expect("a number")
}

fn message(from_type: &str, from: &str, to: &str) -> Value {
    json!({
        "version": 1, "target_type": "single", "target_id": to, "from_type": from_type, "from_id": from,
        "msg_type": "text", "msg_body": {"text": "x"},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_in_the_blacklist_is_refused_on_the_link_and_over_rest() {
    let world = World::new().await;
    world.covers(&["PUT /v1/users/{username}/blacklist", "GET /v1/users/{username}/blacklist"]);
    world.covers(&["DELETE /v1/users/{username}/blacklist"]);
    let app = people(&world).await;
    let path = "/v1/users/alice/blacklist";
    assert_eq!(world.call(&app, "PUT", path, Some(json!(["bob"]))).await.text, "");

    let listed = world.call(&app, "GET", "/v1/users/alice/blacklist/", None).await.expect(200);
    assert_eq!(listed[0]["username"], "bob");
    assert!(listed[0]["ctime"].is_string() && listed.as_array().map(Vec::len) == Some(1), "{listed}");
    let mut phone = Person::on(Platform::ANDROID, &world, &app).await;
    phone.log_in("bob", "secret").await.expect("the right password");
    assert_eq!(phone.send_to("alice").await, Err(ErrorCode::SEND_BLOCKED));
    phone.send_to("carol").await.expect("not blocked by carol");
    world.call(&app, "POST", "/v1/messages", Some(message("user", "bob", "alice"))).await.refused(403, 803_008);
    world.call(&app, "POST", "/v1/messages", Some(message("user", "alice", "bob"))).await.expect(201);
    world.call(&app, "POST", "/v1/messages", Some(message("admin", "boss", "alice"))).await.expect(201);

    world.call(&app, "DELETE", path, Some(json!(["bob"]))).await.expect(204);
    phone.send_to("alice").await.expect("not blocked any more");
}

#[tokio::test]
async fn a_blacklist_refuses_what_the_contract_says() {
    let world = World::new().await;
    let app = people(&world).await;
    let path = "/v1/users/alice/blacklist";
    world.call(&app, "PUT", path, Some(json!(["bob"]))).await.expect(204);
    world.call(&app, "PUT", path, Some(json!(["carol", "bob"]))).await.refused(403, 899_017);
    world.call(&app, "PUT", path, Some(json!(["boss"]))).await.refused(403, 899_018);
    world.call(&app, "PUT", path, Some(json!(["ghost"]))).await.refused(403, 899_002);
    world.call(&app, "DELETE", path, Some(json!(["bob", "carol"]))).await.refused(403, 899_019);
    world.call(&app, "DELETE", path, Some(json!(["ghost"]))).await.refused(403, 899_002);
    world.call(&app, "PUT", "/v1/users/ghost/blacklist", Some(json!(["bob"]))).await.refused(403, 899_002);
    world.call(&app, "GET", "/v1/users/ghost/blacklist", None).await.refused(403, 899_002);
    for wrong in [json!([]), json!("bob"), json!(["alice"]), json!(["b b"]), json!({"username": "bob"})] {
        world.call(&app, "PUT", path, Some(wrong)).await.refused(400, 899_003);
    }
    // As one official SDK sends it.
    let header = crate::world::basic(&app.key, &app.secret);
    world.call_as(Some(&header), "PUT", path, "bob").await.refused(400, 899_003);
}

#[tokio::test]
async fn chats_are_muted_and_each_mistake_has_its_code() {
    let world = World::new().await;
    world.covers(&["POST /v1/users/{username}/nodisturb"]);
    let app = people(&world).await;
    let (own, foreign) = (group(&world, &app, "alice", json!([])).await, group(&world, &app, "bob", json!([])).await);
    let path = "/v1/users/alice/nodisturb";
    let first = json!({"single": {"add": ["bob"], "remove": null}, "group": {"add": [own.to_string()]}, "global": 1});
    assert_eq!(world.call(&app, "POST", path, Some(first)).await.text, "");
    world.call(&app, "POST", path, Some(json!({}))).await.expect(204);
    for (body, status, code) in [
        (json!({"single": {"add": ["bob"]}}), 403, 899_043),
        (json!({"single": {"remove": ["carol"]}}), 403, 899_044),
        (json!({"single": {"add": ["ghost"]}}), 403, 899_002),
        (json!({"group": {"add": [7]}}), 403, 899_045),
        (json!({"group": {"add": ["99999999999"]}}), 403, 899_045),
        (json!({"group": {"add": [foreign]}}), 403, 899_046),
        (json!({"group": {"add": [own]}}), 403, 899_047),
        (json!({"global": 1}), 403, 899_048),
        (json!({"global": 2}), 400, 899_003),
        (json!({"single": ["bob"]}), 400, 899_003),
        (json!({"group": {"add": ["x"]}}), 400, 899_003),
        (json!([1]), 400, 899_003),
    ] {
        world.call(&app, "POST", path, Some(body)).await.refused(status, code);
    }
    let last = json!({"single": {"remove": ["bob"]}, "group": {"remove": [own]}, "global": 0});
    world.call(&app, "POST", path, Some(last)).await.expect(204);
    world.call(&app, "POST", path, Some(json!({"group": {"remove": [own]}}))).await.refused(403, 899_049);
    world.call(&app, "POST", "/v1/users/ghost/nodisturb", Some(json!({}))).await.refused(403, 899_002);
}

#[tokio::test]
async fn groups_are_shielded_and_each_mistake_has_its_code() {
    let world = World::new().await;
    world.covers(&["POST /v1/users/{username}/groupsShield"]);
    let app = people(&world).await;
    let (own, foreign) =
        (group(&world, &app, "bob", json!(["alice"])).await, group(&world, &app, "bob", json!([])).await);
    let path = "/v1/users/alice/groupsShield";
    world.call(&app, "POST", path, Some(json!({"add": [own]}))).await.expect(204);
    for (body, status, code) in [
        (json!({"add": [7]}), 403, 899_051),
        (json!({"add": [foreign]}), 403, 842_002),
        (json!({"add": [own]}), 403, 899_052),
        (json!({"add": own}), 400, 899_003),
        (json!([own]), 400, 899_003),
    ] {
        world.call(&app, "POST", path, Some(body)).await.refused(status, code);
    }
    world.call(&app, "POST", path, Some(json!({"remove": [own.to_string()], "add": null}))).await.expect(204);
    world.call(&app, "POST", path, Some(json!({"remove": [own]}))).await.refused(403, 899_053);
    world.call(&app, "POST", path, Some(json!({}))).await.expect(204);
    world.call(&app, "POST", "/v1/users/ghost/groupsShield", Some(json!({}))).await.refused(403, 899_002);
}

#[tokio::test]
async fn friends_are_made_noted_and_parted() {
    let world = World::new().await;
    world.covers(&["POST /v1/users/{username}/friends", "GET /v1/users/{username}/friends"]);
    world.covers(&["PUT /v1/users/{username}/friends", "DELETE /v1/users/{username}/friends"]);
    let app = people(&world).await;
    let path = "/v1/users/alice/friends";
    let made = world.call(&app, "POST", path, Some(json!(["bob", "carol"]))).await;
    assert_eq!((made.status.as_u16(), made.text.as_str()), (201, ""));
    world.call(&app, "POST", "/v1/users/bob/friends", Some(json!(["alice"]))).await.refused(403, 899_070);
    let note = json!({"username": "bob", "note_name": "Bobby", "others": null, "odd": 1});
    world.call(&app, "PUT", path, Some(note)).await.expect(204);
    world.call(&app, "PUT", path, Some(json!([{"username": "bob", "others": "school"}]))).await.expect(204);

    let mut friends = world.call(&app, "GET", path, None).await.expect(200);
    let bob = friends[0].take();
    assert_eq!(
        (&bob["username"], &bob["note_name"], &bob["others"]),
        (&json!("bob"), &json!("Bobby"), &json!("school"))
    );
    assert_eq!(bob["appkey"], app.key);
    assert_eq!((&friends[1]["username"], friends[1].get("note_name")), (&json!("carol"), None));
    let of_bob = world.call(&app, "GET", "/v1/users/bob/friends", None).await.expect(200);
    assert_eq!((&of_bob[0]["username"], of_bob[0].get("note_name")), (&json!("alice"), None));

    world.call(&app, "DELETE", path, Some(json!(["bob"]))).await.expect(204);
    world.call(&app, "DELETE", path, Some(json!(["bob"]))).await.refused(403, 805_003);
    world.call(&app, "PUT", path, Some(json!([{"username": "bob"}]))).await.refused(403, 899_071);
    assert_eq!(world.call(&app, "GET", "/v1/users/bob/friends", None).await.expect(200), json!([]));

    for (method, body) in
        [("POST", json!(["ghost"])), ("DELETE", json!(["ghost"])), ("PUT", json!({"username": "ghost"}))]
    {
        world.call(&app, method, path, Some(body.clone())).await.refused(403, 899_002);
        world.call(&app, method, path, Some(json!([]))).await.refused(400, 899_003);
        world.call(&app, method, "/v1/users/ghost/friends", Some(body)).await.refused(403, 899_002);
    }
    world.call(&app, "GET", "/v1/users/ghost/friends", None).await.refused(403, 899_002);
    world.call(&app, "POST", path, Some(json!(["alice"]))).await.refused(400, 899_003);
    let long = json!({"username": "carol", "note_name": "x".repeat(65)});
    world.call(&app, "PUT", path, Some(long)).await.refused(400, 899_003);
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_register_users_unless_the_app_has_switched_that_off() {
    let world = World::new().await;
    world.covers(&["PUT /v1/sdkregister/status", "GET /v1/sdkregister/status"]);
    world.covers(&["PUT /sdkregister/status", "GET /sdkregister/status"]);
    let app = world.app("one").await;
    let mut phone = Person::on(Platform::ANDROID, &world, &app).await;
    phone.register_user("alice").await.expect("open at first");
    assert_eq!(world.call(&app, "GET", "/v1/sdkregister/status/", None).await.expect(200), json!({"status": 1}));

    world.call(&app, "PUT", "/v1/sdkregister/status?status=0", None).await.expect(204);
    assert_eq!(world.call(&app, "GET", "/sdkregister/status", None).await.expect(200), json!({"status": 0}));
    assert_eq!(phone.register_user("bob").await, Err(ErrorCode::NO_PERMISSION));
    world.users(&app, &["bob"]).await;

    world.call(&app, "PUT", "/sdkregister/status", Some(json!({"status": true}))).await.expect(204);
    phone.register_user("carol").await.expect("open again");
    for (path, body) in [
        ("/v1/sdkregister/status?status=2", None),
        ("/v1/sdkregister/status", None),
        ("/v1/sdkregister/status", Some(json!({}))),
        ("/v1/sdkregister/status", Some(json!({"status": "off"}))),
    ] {
        world.call(&app, "PUT", path, body).await.refused(400, 899_003);
    }
}
