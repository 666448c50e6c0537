//! Groups and their members.

use serde_json::{Value, json};

use crate::world::{App, World};

#[tokio::test]
async fn a_new_group_is_answered_with_all_that_sdks_read() {
    let (world, app) = with_users().await;
    world.covers(&["POST /v1/groups"]);
    let wish = json!({
        "owner_username": "alice", "name": "Runners", "members_username": ["bob", "alice", "bob"], "desc": "weekends",
        "avatar": null, "flag": 0,
    });
    let mut group = world.call(&app, "POST", "/v1/groups/", Some(wish)).await.expect(201);
    assert!(group["gid"].as_u64().is_some_and(|gid| (10_000_000..1 << 31).contains(&gid)));
    for key in ["gid", "ctime", "mtime"] {
        assert!(!group[key].take().is_null(), "{key}");
    }
    let expected = json!({
        "gid": null, "ctime": null, "mtime": null, "owner_username": "alice", "name": "Runners",
        "members_username": ["bob"], "desc": "weekends", "appkey": app.key, "MaxMemberCount": 500, "flag": 1,
    });
    assert_eq!(group, expected);
}

#[tokio::test]
async fn a_group_is_shown_without_its_members_and_members_with_their_role() {
    let (world, app) = with_users().await;
    world.covers(&["GET /v1/groups/{gid}", "GET /v1/groups/{gid}/members"]);
    let gid = create(&world, &app, json!({"owner_username": "alice", "name": "g", "item": ["bob"], "flag": "2"})).await;
    let shown = world.call(&app, "GET", &format!("/v1/groups/{gid}"), None).await.expect(200);
    assert_eq!((&shown["gid"], &shown["flag"], &shown["members_username"]), (&json!(gid), &json!(2), &Value::Null));
    let members = world.call(&app, "GET", &format!("/v1/groups/{gid}/members/"), None).await.expect(200);
    let roles: Vec<_> =
        members.as_array().expect("rows").iter().map(|row| (row["username"].as_str(), row["flag"].as_u64())).collect();
    assert_eq!(roles, [(Some("alice"), Some(1)), (Some("bob"), Some(0))]);
}

#[tokio::test]
async fn a_group_that_breaks_a_rule_is_not_made() {
    let (world, app) = with_users().await;
    for (wish, status, code) in [
        (json!({"owner_username": "alice"}), 400, 899_003),
        (json!({"owner_username": "alice", "name": ""}), 400, 899_003),
        (json!({"owner_username": "alice", "name": "two\nlines"}), 400, 899_003),
        (json!({"owner_username": "alice", "name": "x".repeat(65)}), 400, 899_003),
        (json!({"owner_username": "alice", "name": "g", "flag": 3}), 400, 899_003),
        (json!({"owner_username": "ghost", "name": "g"}), 403, 899_002),
        (json!({"owner_username": "alice", "name": "g", "members_username": ["ghost"]}), 403, 899_002),
        (json!([]), 400, 899_003),
    ] {
        world.call(&app, "POST", "/v1/groups", Some(wish)).await.refused(status, code);
    }
}

#[tokio::test]
async fn members_are_added_first_and_removed_second() {
    let (world, app) = with_users().await;
    world.covers(&["POST /v1/groups/{gid}/members"]);
    let gid = create(&world, &app, json!({"owner_username": "alice", "name": "g", "members_username": ["bob"]})).await;
    let path = format!("/v1/groups/{gid}/members");
    let change = json!({"add": ["carol"], "remove": ["bob"]});
    let answer = world.call(&app, "POST", &path, Some(change)).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    assert_eq!(members(&world, &app, gid).await, ["alice", "carol"]);
}

#[tokio::test]
async fn a_change_of_members_that_breaks_a_rule_is_refused_with_its_code() {
    let (world, app) = with_users().await;
    let gid = create(&world, &app, json!({"owner_username": "alice", "name": "g", "members_username": ["bob"]})).await;
    let path = format!("/v1/groups/{gid}/members");
    for (change, status, code) in [
        (json!({"add": [], "remove": []}), 400, 899_003),
        (json!({}), 400, 899_003),
        (json!({"add": ["bob"]}), 400, 899_011),
        (json!({"add": ["ghost"]}), 403, 899_002),
        (json!({"add": ["carol"], "remove": ["ghost"]}), 403, 899_002),
        (json!({"remove": ["carol"]}), 403, 899_014),
    ] {
        world.call(&app, "POST", &path, Some(change)).await.refused(status, code);
        assert_eq!(members(&world, &app, gid).await, ["alice", "bob"]);
    }
    world
        .call(&app, "POST", "/v1/groups/19999999/members", Some(json!({"add": ["carol"]})))
        .await
        .refused(403, 899_006);
    world.call(&app, "GET", "/v1/groups/abc", None).await.refused(400, 899_003);
    world.call(&app, "GET", "/v1/groups/99999999999", None).await.refused(403, 899_006);
}

#[tokio::test]
async fn when_a_removal_fails_what_was_added_stays() {
    let (world, app) = with_users().await;
    let gid = create(&world, &app, json!({"owner_username": "alice", "name": "g"})).await;
    let change = json!({"add": ["carol"], "remove": ["bob"]});
    world.call(&app, "POST", &format!("/v1/groups/{gid}/members"), Some(change)).await.refused(403, 899_014);
    assert_eq!(members(&world, &app, gid).await, ["alice", "carol"]);
}

#[tokio::test]
async fn removing_the_owner_passes_the_group_on_and_removing_the_last_deletes_it() {
    let (world, app) = with_users().await;
    let gid = create(&world, &app, json!({"owner_username": "alice", "name": "g", "members_username": ["bob"]})).await;
    let path = format!("/v1/groups/{gid}/members");
    world.call(&app, "POST", &path, Some(json!({"remove": ["alice"]}))).await.expect(204);
    let shown = world.call(&app, "GET", &format!("/v1/groups/{gid}"), None).await.expect(200);
    assert_eq!(shown["owner_username"], "bob");
    world.call(&app, "POST", &path, Some(json!({"remove": ["bob"]}))).await.expect(204);
    world.call(&app, "GET", &format!("/v1/groups/{gid}"), None).await.refused(403, 899_006);
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
