//! Users after their registration: lists, profile, password, disabling, deleting, who is online.

use anser_protocol::content::Platform;
use anser_protocol::error::ErrorCode;
use anserd::link::session::Logins;
use serde_json::{Value, json};

use crate::person::Person;
use crate::world::{App, World};

async fn usernames(world: &World, app: &App, path: &str) -> (Value, Vec<String>) {
    let mut page = world.call(app, "GET", path, None).await.expect(200);
    let Value::Array(users) = page["users"].take() else { panic!("no users: {page}") };
    let names = users.iter().map(|user| user["username"].as_str().expect("a name").to_owned()).collect();
    (page, names)
}

#[tokio::test]
async fn users_and_admins_are_listed_page_by_page() {
    let world = World::new().await;
    world.covers(&["GET /v1/users", "GET /v1/admins"]);
    let app = world.app("one").await;
    world.users(&app, &["alice", "bob"]).await;
    world.call(&app, "POST", "/v1/admins", Some(json!({"username": "boss", "password": "secret"}))).await.expect(201);
    world.users(&app, &["carol"]).await;

    let (page, names) = usernames(&world, &app, "/v1/users/?start=1&count=5").await;
    assert_eq!((&page["total"], &page["start"], &page["count"]), (&json!(3), &json!(1), &json!(2)));
    assert_eq!(names, ["bob", "carol"]);
    assert_eq!(usernames(&world, &app, "/v1/users").await.1, ["alice", "bob", "carol"]);
    let (page, names) = usernames(&world, &app, "/v1/admins?count=1").await;
    assert_eq!((&page["total"], names), (&json!(1), vec!["boss".to_owned()]));
    for wrong in ["count=501", "count=0", "start=-1"] {
        for path in ["/v1/users", "/v1/admins"] {
            world.call(&app, "GET", &format!("{path}?{wrong}"), None).await.refused(400, 899_003);
        }
    }
}

#[tokio::test]
async fn a_profile_changes_where_something_is_said() {
    let world = World::new().await;
    world.covers(&["PUT /v1/users/{username}"]);
    let app = world.app("one").await;
    world.users(&app, &["alice"]).await;
    let first = json!({"nickname": "Alice", "gender": 2, "extras": {"k": 1}, "birthday": "1992-03-08"});
    assert_eq!(world.call(&app, "PUT", "/v1/users/alice", Some(first)).await.text, "");
    let second =
        json!({"nickname": "", "username": "mallory", "password": "x", "extras": {"n": 2}, "region": null, "odd": 1});
    world.call(&app, "PUT", "/v1/users/alice/", Some(second)).await.expect(204);
    world.call(&app, "PUT", "/v1/users/alice", Some(json!({}))).await.expect(204);
    let shown = world.call(&app, "GET", "/v1/users/alice", None).await.expect(200);
    assert_eq!(shown["username"], "alice");
    assert_eq!((&shown["gender"], &shown["extras"]), (&json!(2), &json!({"n": 2})));
    assert_eq!((&shown["nickname"], &shown["birthday"]), (&Value::Null, &json!("1992-03-08 00:00:00")));

    world.call(&app, "PUT", "/v1/users/ghost", Some(json!({}))).await.refused(403, 899_002);
    world.call(&app, "PUT", "/v1/users/alice", Some(json!({"gender": 3}))).await.refused(400, 899_003);
    world.call(&app, "PUT", "/v1/users/alice", Some(json!([1]))).await.refused(400, 899_003);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_the_sessions_and_is_good_from_then_on() {
    let world = World::new().await;
    world.covers(&["PUT /v1/users/{username}/password"]);
    let app = world.app("one").await;
    world.users(&app, &["alice"]).await;
    let mut phone = Person::on(Platform::ANDROID, &world, &app).await;
    phone.log_in("alice", "secret").await.expect("the right password");

    let change = json!({"new_password": "changed"});
    world.call(&app, "PUT", "/v1/users/alice/password", Some(change)).await.expect(204);

    assert_eq!(phone.sent_away().await, ErrorCode::TOKEN_INVALID);
    let mut phone = Person::on(Platform::ANDROID, &world, &app).await;
    assert_eq!(phone.log_in("alice", "secret").await, Err(ErrorCode::PASSWORD_WRONG));
    phone.log_in("alice", "changed").await.expect("the new password");

    for wrong in [json!({}), json!({"new_password": "x"}), json!("changed")] {
        world.call(&app, "PUT", "/v1/users/alice/password", Some(wrong)).await.refused(400, 899_003);
    }
    let change = json!({"new_password": "changed"});
    world.call(&app, "PUT", "/v1/users/ghost/password", Some(change)).await.refused(403, 899_002);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_user_is_sent_away_and_refused_until_that_is_lifted() {
    let world = World::new().await;
    world.covers(&["PUT /v1/users/{username}/forbidden"]);
    let app = world.app("one").await;
    world.users(&app, &["alice", "bob"]).await;
    let mut phone = Person::on(Platform::ANDROID, &world, &app).await;
    phone.log_in("alice", "secret").await.expect("the right password");

    world.call(&app, "PUT", "/v1/users/alice/forbidden?disable=True", None).await.expect(204);

    assert_eq!(phone.sent_away().await, ErrorCode::USER_DISABLED);
    let mut phone = Person::on(Platform::ANDROID, &world, &app).await;
    assert_eq!(phone.log_in("alice", "secret").await, Err(ErrorCode::USER_DISABLED));
    let message = json!({
        "version": 1, "target_type": "single", "target_id": "bob", "from_type": "user", "from_id": "alice",
        "msg_type": "text", "msg_body": {"text": "x"},
    });
    world.call(&app, "POST", "/v1/messages", Some(message.clone())).await.refused(403, 801_006);

    world.call(&app, "PUT", "/v1/users/alice/forbidden?disable=true", None).await.expect(204);
    world.call(&app, "PUT", "/v1/users/alice/forbidden?disable=false", None).await.expect(204);
    phone.log_in("alice", "secret").await.expect("allowed again");
    world.call(&app, "POST", "/v1/messages", Some(message)).await.expect(201);
    for wrong in ["", "?disable=", "?disable=maybe"] {
        world.call(&app, "PUT", &format!("/v1/users/alice/forbidden{wrong}"), None).await.refused(400, 899_003);
    }
    world.call(&app, "PUT", "/v1/users/ghost/forbidden?disable=true", None).await.refused(403, 899_002);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_user_is_sent_away_and_gone_from_groups_and_lists() {
    let world = World::new().await;
    world.covers(&["DELETE /v1/users/{username}", "GET /v1/users/{username}/groups"]);
    let app = world.app("one").await;
    world.users(&app, &["alice", "bob"]).await;
    let group = json!({"owner_username": "alice", "name": "walkers", "members_username": ["bob"]});
    let gid = world.call(&app, "POST", "/v1/groups", Some(group)).await.expect(201)["gid"].clone();
    let mut phone = Person::on(Platform::ANDROID, &world, &app).await;
    phone.log_in("alice", "secret").await.expect("the right password");

    let answer = world.call(&app, "DELETE", "/v1/users/alice", None).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));

    assert_eq!(phone.sent_away().await, ErrorCode::USER_UNKNOWN);
    world.call(&app, "GET", "/v1/users/alice", None).await.refused(403, 899_002);
    world.call(&app, "DELETE", "/v1/users/alice", None).await.refused(403, 899_002);
    assert_eq!(usernames(&world, &app, "/v1/users").await.1, ["bob"]);
    let members = world.call(&app, "GET", &format!("/v1/groups/{gid}/members"), None).await.expect(200);
    assert_eq!(members.as_array().map(Vec::len), Some(1));
    let groups = world.call(&app, "GET", "/v1/users/bob/groups/", None).await.expect(200);
    assert_eq!((&groups[0]["gid"], &groups[0]["owner_username"]), (&gid, &json!("bob")));
    assert_eq!(groups[0]["MaxMemberCount"], 500);
    world.call(&app, "GET", "/v1/users/alice/groups", None).await.refused(403, 899_002);

    world.users(&app, &["alice"]).await;
    assert_eq!(world.call(&app, "GET", "/v1/users/alice/groups", None).await.expect(200), json!([]));
}

#[tokio::test]
async fn many_users_are_deleted_together_or_not_at_all() {
    let world = World::new().await;
    world.covers(&["DELETE /v1/users"]);
    let app = world.app("one").await;
    world.users(&app, &["alice", "bob", "carol"]).await;
    world.call(&app, "DELETE", "/v1/users", Some(json!(["alice", "ghost"]))).await.refused(403, 899_002);
    assert_eq!(usernames(&world, &app, "/v1/users").await.1.len(), 3);
    let answer = world.call(&app, "DELETE", "/v1/users", Some(json!(["alice", "carol"]))).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""));
    assert_eq!(usernames(&world, &app, "/v1/users").await.1, ["bob"]);
    let many: Vec<String> = (0..101).map(|number| format!("user{number}")).collect();
    for wrong in [json!(many), json!([]), json!({"username": "bob"}), json!(["a b"])] {
        world.call(&app, "DELETE", "/v1/users", Some(wrong)).await.refused(400, 899_003);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_logged_in_and_who_is_online_is_told_by_platform() {
    let world = World::new().await;
    world.covers(&["GET /v1/users/{username}/userstat", "POST /v1/users/userstat"]);
    world.covers(&["POST /v2/users/statuser", "POST /v2/users/userstat"]);
    let app = world.app("one").await;
    world.users(&app, &["alice", "bob"]).await;
    let mut phone = Person::on(Platform::IOS, &world, &app).await;
    phone.log_in("alice", "secret").await.expect("the right password");
    let mut gone = Person::on(Platform::WEB, &world, &app).await;
    gone.log_in("alice", "secret").await.expect("the right password");
    gone.hang_up(&world, &app).await;

    let one = world.call(&app, "GET", "/v1/users/alice/userstat", None).await.expect(200);
    assert_eq!(one, json!({"login": true, "online": true}));
    let nowhere = world.call(&app, "GET", "/v1/users/bob/userstat", None).await.expect(200);
    assert_eq!(nowhere, json!({"login": false, "online": false}));

    let devices = json!([
        {"platform": "i", "login": true, "online": true}, {"platform": "j", "login": true, "online": false},
    ]);
    let both = world.call(&app, "POST", "/v1/users/userstat", Some(json!(["bob", "alice"]))).await.expect(200);
    let expected = json!([{"username": "bob", "devices": []}, {"username": "alice", "devices": devices}]);
    assert_eq!(both, expected);
    for path in ["/v2/users/statuser", "/v2/users/userstat"] {
        let rows = world.call(&app, "POST", path, Some(json!(["ghost", "alice"]))).await.expect(200);
        let ghost = json!({"username": "ghost", "statuscode": 1, "statusmsg": "no_exist", "devices": []});
        assert_eq!(rows, json!([ghost, {"username": "alice", "statuscode": 0, "devices": devices}]));
        world.call(&app, "POST", path, Some(json!({}))).await.refused(400, 899_003);
    }
    world.call(&app, "POST", "/v1/users/userstat", Some(json!(["alice", "ghost"]))).await.refused(403, 899_002);
    world.call(&app, "POST", "/v1/users/userstat", Some(json!(["a b"]))).await.refused(400, 899_003);
    world.call(&app, "GET", "/v1/users/ghost/userstat", None).await.refused(403, 899_002);
}

#[tokio::test]
async fn a_user_may_be_called_userstat() {
    let world = World::new().await;
    let app = world.app("one").await;
    world.users(&app, &["userstat"]).await;
    let shown = world.call(&app, "GET", "/v1/users/userstat", None).await.expect(200);
    assert_eq!(shown["username"], "userstat");
    world.call(&app, "DELETE", "/v1/users/userstat", None).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_phone_sends_the_first_one_away_and_not_the_browser() {
    let logins = Logins { phones: 1, computers: 1, browsers: 1 };
    let world = World::with(|config| config.users.logins = logins).await;
    let app = world.app("shop").await;
    world.users(&app, &["alice"]).await;
    let mut android = Person::on(Platform::ANDROID, &world, &app).await;
    android.log_in("alice", "secret").await.expect("the password is right");
    let mut browser = Person::on(Platform::WEB, &world, &app).await;
    browser.log_in("alice", "secret").await.expect("the password is right");
    let mut iphone = Person::on(Platform::IOS, &world, &app).await;
    iphone.log_in("alice", "secret").await.expect("the password is right");

    assert_eq!(android.sent_away().await, ErrorCode::LOGGED_IN_ELSEWHERE);
    assert_eq!(browser.send_to("alice").await, Ok(()));
    assert_eq!(iphone.send_to("alice").await, Ok(()));
    let shown = world.call(&app, "POST", "/v1/users/userstat", Some(json!(["alice"]))).await.expect(200);
    let platforms: Vec<_> =
        shown[0]["devices"].as_array().expect("a list").iter().map(|device| device["platform"].clone()).collect();
    assert_eq!(platforms.len(), 2, "{shown}");
}
