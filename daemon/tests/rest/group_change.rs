//! What app servers change of groups, the list of groups, and how members learn of it.

use anser_protocol::content::{GroupEventKind, Platform};
use anser_protocol::error::ErrorCode;
use serde_json::{Value, json};

use crate::person::Person;
use crate::world::{App, World};

#[tokio::test]
async fn groups_are_listed_in_pages_with_their_total() {
    let (world, app) = with_users().await;
    world.covers(&["GET /v1/groups"]);
    let empty = world.call(&app, "GET", "/v1/groups/", None).await.expect(200);
    assert_eq!(empty, json!({"total": 0, "start": 0, "count": 0, "groups": []}));
    let mut gids = Vec::new();
    for _ in 0..3 {
        gids.push(create(&world, &app, json!({"owner_username": "alice", "name": "g", "flag": 2})).await);
    }
    let stranger = world.app("two").await;
    world.users(&stranger, &["alice"]).await;
    create(&world, &stranger, json!({"owner_username": "alice", "name": "theirs"})).await;
    let page = world.call(&app, "GET", "/v1/groups?start=1&count=2", None).await.expect(200);
    assert_eq!((&page["total"], &page["start"], &page["count"]), (&json!(3), &json!(1), &json!(2)));
    assert_eq!((&page["groups"][0]["gid"], &page["groups"][1]["gid"]), (&json!(gids[1]), &json!(gids[2])));
    assert_eq!((&page["groups"][0]["owner_username"], &page["groups"][0]["flag"]), (&json!("alice"), &json!(2)));
    for wrong in ["count=501", "count=0", "start=-1", "start=x"] {
        world.call(&app, "GET", &format!("/v1/groups?{wrong}"), None).await.refused(400, 899_003);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_groups_information_is_changed_and_its_members_learn_it() {
    let (world, app) = with_users().await;
    world.covers(&["PUT /v1/groups/{gid}"]);
    let gid = create(&world, &app, json!({"owner_username": "alice", "name": "g", "desc": "old"})).await;
    let mut phone = Person::on(Platform::ANDROID, &world, &app).await;
    phone.log_in("alice", "secret").await.expect("the right password");
    let path = format!("/v1/groups/{gid}");
    let change =
        json!({"name": "swans", "desc": null, "avatar": "qiniu/image/r/1", "owner_username": "bob", "members": 1});
    let answer = world.call(&app, "PUT", &path, Some(change)).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    let shown = world.call(&app, "GET", &path, None).await.expect(200);
    let kept = (&shown["name"], &shown["desc"], &shown["avatar"], &shown["owner_username"]);
    assert_eq!(kept, (&json!("swans"), &json!("old"), &json!("qiniu/image/r/1"), &json!("alice")));
    assert_eq!(phone.group_event().await.kind, GroupEventKind::CHANGED);
    world.call(&app, "PUT", &path, Some(json!({"desc": ""}))).await.expect(204);
    assert!(world.call(&app, "GET", &path, None).await.expect(200).get("desc").is_none());

    for wrong in [
        json!({}),
        json!({"owner_username": "bob"}),
        json!({"name": ""}),
        json!({"name": "x".repeat(65)}),
        json!({"name": "a\nb"}),
        json!({"desc": "x".repeat(251)}),
        json!([]),
    ] {
        world.call(&app, "PUT", &path, Some(wrong)).await.refused(400, 899_003);
    }
    world.call(&app, "PUT", "/v1/groups/19999999", Some(json!({"name": "x"}))).await.refused(403, 899_006);
    world.call(&app, "PUT", "/v1/groups/abc", Some(json!({"name": "x"}))).await.refused(400, 899_003);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dissolved_group_is_gone_for_everybody() {
    let (world, app) = with_users().await;
    world.covers(&["DELETE /v1/groups/{gid}"]);
    let gid = create(&world, &app, json!({"owner_username": "alice", "name": "g", "members_username": ["bob"]})).await;
    let mut phone = Person::on(Platform::ANDROID, &world, &app).await;
    phone.log_in("bob", "secret").await.expect("the right password");
    let path = format!("/v1/groups/{gid}/");
    assert_eq!(world.call(&app, "DELETE", &path, None).await.text, "");
    assert_eq!(phone.group_event().await.kind, GroupEventKind::DISSOLVED);
    world.call(&app, "DELETE", &path, None).await.refused(403, 899_006);
    world.call(&app, "GET", &path, None).await.refused(403, 899_006);
    let groups = world.call(&app, "GET", "/v1/users/bob/groups", None).await.expect(200);
    assert_eq!(
        (groups, world.call(&app, "GET", "/v1/groups", None).await.expect(200)["total"].take()),
        (json!([]), json!(0))
    );
    world.call(&app, "DELETE", "/v1/groups/abc", None).await.refused(400, 899_003);
}

#[tokio::test]
async fn the_second_edition_adds_and_removes_by_plain_lists() {
    let (world, app) = with_users().await;
    world.covers(&["POST /v2/groups/{gid}/addMembers", "POST /v2/groups/{gid}/delMembers"]);
    let gid = create(&world, &app, json!({"owner_username": "alice", "name": "g"})).await;
    let (add, remove) = (format!("/v2/groups/{gid}/addMembers"), format!("/v2/groups/{gid}/delMembers"));
    assert_eq!(world.call(&app, "POST", &add, Some(json!(["bob", "carol", "bob"]))).await.text, "");
    assert_eq!(members(&world, &app, gid).await, ["alice", "bob", "carol"]);
    world.call(&app, "POST", &remove, Some(json!(["carol"]))).await.expect(204);
    assert_eq!(members(&world, &app, gid).await, ["alice", "bob"]);
    for (path, body, status, code) in [
        (&add, json!(["carol", "bob"]), 400, 899_011),
        (&add, json!(["carol", "ghost"]), 403, 899_002),
        (&add, json!([]), 400, 899_003),
        (&add, json!({"add": ["carol"]}), 400, 899_003),
        (&remove, json!(["bob", "carol"]), 403, 899_014),
        (&remove, json!(["ghost"]), 403, 899_002),
        (&remove, json!("bob"), 400, 899_003),
    ] {
        world.call(&app, "POST", path, Some(body)).await.refused(status, code);
        assert_eq!(members(&world, &app, gid).await, ["alice", "bob"]);
    }
    let nobodys = "/v2/groups/19999999/addMembers";
    world.call(&app, "POST", nobodys, Some(json!(["carol"]))).await.refused(403, 899_006);
    let many: Vec<String> = (0..501).map(|number| format!("user{number}")).collect();
    world.call(&app, "POST", &add, Some(json!(many))).await.refused(400, 899_003);
}

#[tokio::test]
async fn a_group_takes_as_many_as_it_may_and_users_join_as_many_groups_as_they_may() {
    let (world, app) = with_users().await;
    let names: Vec<String> = (0..500).map(|number| format!("goose{number}")).collect();
    world.users(&app, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let full =
        create(&world, &app, json!({"owner_username": "goose0", "name": "g", "members_username": names[1..]})).await;
    let path = format!("/v2/groups/{full}/addMembers");
    world.call(&app, "POST", &path, Some(json!(["bob"]))).await.refused(403, 899_012);
    let change = json!({"add": ["bob"], "remove": []});
    world.call(&app, "POST", &format!("/v1/groups/{full}/members"), Some(change)).await.refused(403, 899_012);
    for _ in 0..500 {
        create(&world, &app, json!({"owner_username": "carol", "name": "g"})).await;
    }
    let gid = create(&world, &app, json!({"owner_username": "alice", "name": "g"})).await;
    let path = format!("/v2/groups/{gid}/addMembers");
    world.call(&app, "POST", &path, Some(json!(["carol"]))).await.refused(403, 899_015);
    let wish = json!({"owner_username": "carol", "name": "g"});
    world.call(&app, "POST", "/v1/groups", Some(wish)).await.refused(403, 899_015);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silenced_member_is_refused_on_the_link_and_over_rest() {
    let (world, app) = with_users().await;
    world.covers(&["PUT /v1/groups/messages/{gid}/silence", "PUT /groups/messages/{gid}/silence"]);
    let gid = create(&world, &app, json!({"owner_username": "alice", "name": "g", "members_username": ["bob"]})).await;
    world.call(&app, "POST", "/v1/admins", Some(json!({"username": "boss", "password": "secret"}))).await.expect(201);
    let mut phone = Person::on(Platform::ANDROID, &world, &app).await;
    phone.log_in("bob", "secret").await.expect("the right password");
    let silence = format!("/groups/messages/{gid}/silence?status=true");
    assert_eq!(world.call(&app, "PUT", &silence, Some(json!(["bob"]))).await.text, "");
    let event = phone.group_event().await;
    assert_eq!((event.kind, event.users), (GroupEventKind::SILENCE, vec!["bob".to_owned()]));
    world.call(&app, "PUT", &silence, Some(json!(["bob"]))).await.expect(204);

    assert_eq!(phone.send_to_group(gid).await, Err(ErrorCode::SEND_SILENCED));
    world.call(&app, "POST", "/v1/messages", Some(message("user", "bob", gid))).await.refused(403, 803_012);
    world.call(&app, "POST", "/v1/messages", Some(message("user", "alice", gid))).await.expect(201);
    world.call(&app, "POST", "/v1/messages", Some(message("admin", "boss", gid))).await.expect(201);
    let lift = format!("/v1/groups/messages/{gid}/silence/?status=False");
    world.call(&app, "PUT", &lift, Some(json!(["bob"]))).await.expect(204);
    world.call(&app, "PUT", &lift, Some(json!(["bob"]))).await.expect(204);
    phone.send_to_group(gid).await.expect("he may speak again");

    let path = format!("/v1/groups/messages/{gid}/silence");
    for (query, body, status, code) in [
        ("", json!(["bob"]), 400, 899_003),
        ("?status=maybe", json!(["bob"]), 400, 899_003),
        ("?status=true", json!([]), 400, 899_003),
        ("?status=true", json!({"bob": 1}), 400, 899_003),
        ("?status=true", json!(["ghost"]), 403, 899_002),
        ("?status=true", json!(["carol"]), 403, 765_001),
        ("?status=true", json!(["bob", "alice"]), 403, 765_002),
    ] {
        world.call(&app, "PUT", &format!("{path}{query}"), Some(body)).await.refused(status, code);
    }
    phone.send_to_group(gid).await.expect("a call that is refused changes nothing");
    let unknown = "/v1/groups/messages/19999999/silence?status=true";
    world.call(&app, "PUT", unknown, Some(json!(["bob"]))).await.refused(403, 899_006);
    world
        .call(&app, "PUT", "/v1/groups/messages/x/silence?status=true", Some(json!(["bob"])))
        .await
        .refused(400, 899_003);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_gets_another_owner() {
    let (world, app) = with_users().await;
    world.covers(&["PUT /v1/groups/owner/{gid}", "PUT /groups/owner/{gid}"]);
    let gid = create(&world, &app, json!({"owner_username": "alice", "name": "g", "members_username": ["bob"]})).await;
    let mut phone = Person::on(Platform::ANDROID, &world, &app).await;
    phone.log_in("alice", "secret").await.expect("the right password");
    let path = format!("/v1/groups/owner/{gid}");
    let wish = json!({"username": "bob", "appKey": app.key.to_uppercase()});
    assert_eq!(world.call(&app, "PUT", &path, Some(wish)).await.text, "");
    let event = phone.group_event().await;
    assert_eq!((event.kind, event.new_owner.as_str()), (GroupEventKind::OWNER, "bob"));
    let rows = world.call(&app, "GET", &format!("/v1/groups/{gid}/members"), None).await.expect(200);
    assert_eq!((&rows[0]["flag"], &rows[1]["flag"]), (&json!(0), &json!(1)));
    world.call(&app, "PUT", &format!("/groups/owner/{gid}"), Some(json!({"username": "alice"}))).await.expect(204);

    let other = world.app("other").await;
    for (body, status, code) in [
        (json!({}), 400, 899_003),
        (json!("bob"), 400, 899_003),
        (json!({"username": "ghost"}), 403, 899_002),
        (json!({"username": "carol"}), 403, 765_001),
        (json!({"username": "bob", "appkey": "ffffffffffffffffffffffff"}), 400, 899_009),
        (json!({"username": "bob", "appkey": other.key}), 403, 899_020),
    ] {
        world.call(&app, "PUT", &path, Some(body)).await.refused(status, code);
    }
    world.call(&app, "PUT", &path, None).await.refused(400, 899_003);
    world.call(&app, "PUT", "/v1/groups/owner/19999999", Some(json!({"username": "bob"}))).await.refused(403, 899_006);
    world.call(&app, "PUT", "/v1/groups/owner/x", Some(json!({"username": "bob"}))).await.refused(400, 899_003);
    let shown = world.call(&app, "GET", &format!("/v1/groups/{gid}"), None).await.expect(200);
    assert_eq!(shown["owner_username"], "alice");
}

async fn with_users() -> (World, App) {
    let world = World::new().await;
    let app = world.app("one").await;
    world.users(&app, &["alice", "bob", "carol"]).await;
    (world, app)
}

async fn create(world: &World, app: &App, wish: Value) -> u64 {
    let group = world.call(app, "POST", "/v1/groups", Some(wish)).await.expect(201);
    group["gid"].as_u64().expect("a number")
}

async fn members(world: &World, app: &App, gid: u64) -> Vec<String> {
    let rows = world.call(app, "GET", &format!("/v1/groups/{gid}/members"), None).await.expect(200);
    rows.as_array().expect("rows").iter().filter_map(|row| row["username"].as_str().map(str::to_owned)).collect()
}

fn message(from_type: &str, from: &str, gid: u64) -> Value {
    json!({
        "version": 1, "target_type": "group", "target_id": gid, "from_type": from_type, "from_id": from,
        "msg_type": "text", "msg_body": {"text": "x"},
    })
}
