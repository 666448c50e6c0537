//! The walls between apps (G19): every route with every kind of wrong credentials, and with the right credentials of
//! another app. A route without a row in `foreign_call` fails the test.

use anser_protocol::content::Platform;
use anser_storage::command::{AppCommand, Command};
use anser_storage::outcome::Answer;
use anserd::clock::{Written, now_ms};
use anserd::config::TimeZone;
use anserd::rest::route::{Family, ROUTES, Route, Who};
use serde_json::{Value, json};

use crate::world::{Answered, App, Part, World, basic, key_of};

/// What an app must be told that names things of another app.
enum Told {
    Refused(u16, u64),
    /// It works on the caller's own things; the text must stand in the answer.
    Own(u16, &'static str),
}

#[tokio::test]
async fn g19_no_route_answers_wrong_credentials() {
    let land = Land::new().await;
    for route in ROUTES {
        let (body, _) = foreign_call(route);
        for (kind, header) in land.wrong_credentials(route).await {
            let path = land.path_of(route);
            let answered = land.world.call_as(header.as_deref(), route.method, &path, body.to_string()).await;
            let code = match kind {
                "none" | "another scheme" => no_credentials(route),
                "no base64" | "no colon" => malformed_credentials(route),
                _ if route.who == Who::Developer && land.is_key_of_developer(header.as_deref()) => 4005,
                _ => wrong_credentials(route),
            };
            land.nothing_leaks(&answered, &format!("{} {path} with {kind}", route.method));
            answered.refused(401, code);
        }
    }
}

#[tokio::test]
async fn g19_no_route_reaches_over_the_wall_with_the_credentials_of_another_app() {
    let land = Land::new().await;
    for route in ROUTES {
        check_foreign_call(&land, route, &land.path_of(route)).await;
    }
}

#[tokio::test]
async fn conformance_07_every_path_is_served_with_a_slash_at_its_end_and_doubled_ones() {
    let land = Land::new().await;
    for route in ROUTES {
        let path = land.path_of(route);
        let (path, query) =
            path.split_once('?').map_or((path.as_str(), String::new()), |(path, query)| (path, format!("?{query}")));
        check_foreign_call(&land, route, &format!("{}/{query}", path.replace('/', "//"))).await;
    }
}

async fn check_foreign_call(land: &Land, route: &Route, path: &str) {
    let (mut body, told) = foreign_call(route);
    land.fill_in(&mut body);
    let stranger = land.header_of(&land.stranger, route);
    let answered = land.call(&stranger, route.method, path, &body).await;
    land.nothing_leaks(&answered, &format!("{} {path} as another app", route.method));
    match told {
        Told::Refused(status, code) => answered.refused(status, code),
        Told::Own(status, NO_NUMBER) => {
            let rows = answered.expect(status);
            assert!(has_no_number(&rows), "{path}: {rows}");
        }
        Told::Own(status, text) => {
            let text = text.replace("{stranger}", &land.stranger.key);
            assert!(answered.text.contains(&text), "{} {path}: {}", route.method, answered.text);
            answered.expect(status);
        }
    }
}

#[tokio::test]
async fn g19_every_route_answers_its_own_app() {
    let mut land = Land::new().await;
    for route in ROUTES {
        if route.path.contains("{schedule_id}") {
            // One of the calls before may have deleted it.
            land.schedule_id = schedule(&land.world, &land.owner).await;
        }
        let path = land.path_of(route);
        let (mut body, _) = foreign_call(route);
        land.fill_in(&mut body);
        let owner = land.header_of(&land.owner, route);
        let status = land.call(&owner, route.method, &path, &body).await.status.as_u16();
        // Registering the users that are there already is the only call of the table that an owner is refused.
        // This server has neither templates nor plans.
        let is_refused = (route.method == "POST" && matches!(route.path, "/v1/users" | "/v1/admins"))
            || route.path.starts_with("/v3/push/template")
            || route.path.starts_with("/v3/push_plan/");
        let expected: &[u16] = if is_refused { &[403] } else { &[200, 201, 204] };
        assert!(expected.contains(&status), "{} {path}: {status}", route.method);
    }
}

/// The call that names things of the owner, and what somebody else is told. `GID` stands for the owner's group.
fn foreign_call(route: &Route) -> (Value, Told) {
    let push = json!({
        "platform": "all", "audience": {"registration_id": ["owners-device"]}, "notification": {"alert": "x"},
    });
    let user = json!({"username": "owners-user", "password": "secret"});
    match (route.method, route.path) {
        ("POST", "/v3/push" | "/v3/push/validate") => (push, Told::Refused(400, 1003)),
        // The stranger's group has the stranger's app only, which does not know the device.
        ("POST", "/v3/grouppush") => (push, Told::Own(200, "{stranger}")),
        ("POST", "/v3/push/file" | "/v3/grouppush/file") => {
            let list = json!({"file": {"file_id": "FILE"}});
            (json!({"platform": "all", "audience": list, "notification": {"alert": "x"}}), Told::Refused(400, 1003))
        }
        ("POST", "/v3/files/alias" | "/v3/files/registration_id") => {
            (json!({"FORM": {"filename": "a name"}}), Told::Own(200, "{stranger}-"))
        }
        // Two of its own, by the calls before.
        ("GET", "/v3/files") => (Value::Null, Told::Own(200, "\"total_count\":2")),
        ("GET", "/v3/files/{file_id}") => (Value::Null, Told::Refused(400, 1003)),
        ("DELETE", "/v3/files/{file_id}") => (Value::Null, Told::Own(200, "{}")),
        ("POST", "/v3/images/byurls") => {
            (json!({"image_type": 1, "image_url": "https://x.org/1.png"}), Told::Own(200, "jgmedia-1-"))
        }
        ("PUT", "/v3/images/byurls/{media_id}") => {
            (json!({"image_url": "https://x.org/2.png"}), Told::Refused(400, 1003))
        }
        ("POST", "/v3/images/byfiles") => {
            (json!({"FORM": {"image_type": "1", "jiguang_file": "GIF89a"}}), Told::Own(200, "{stranger}/jgmedia-1-"))
        }
        ("PUT", "/v3/images/byfiles/{media_id}") => {
            (json!({"FORM": {"jiguang_file": "GIF89a"}}), Told::Refused(400, 1003))
        }
        ("GET", "/v3/group/messages/detail") => (Value::Null, Told::Own(200, NO_NUMBER)),
        ("POST", "/v1/app/{app_key}/certificate") => {
            (json!({"FORM": {"devCertificateFile": "x", "devCertificatePassword": "x"}}), Told::Refused(200, 1013))
        }
        ("GET", "/v3/push/cid") => (Value::Null, Told::Own(200, "{stranger}-")),
        ("DELETE", "/v3/push/{msg_id}") => (Value::Null, Told::Refused(400, 1003)),
        ("POST", "/v3/push/batch/regid/single" | "/v3/push/batch/alias/single") => {
            let item = json!({"platform": "all", "target": "owners-device", "notification": {"alert": "x"}});
            (json!({"pushlist": {"CID": item}}), Told::Own(200, "1003"))
        }
        ("GET", "/v3/push/quota") => (Value::Null, Told::Own(200, "xiaomi_quota")),
        ("POST", "/v3/push/template" | "/v3/push/template/schedule" | "/v3/push_plan/create")
        | ("PUT", "/v3/push_plan/update")
        | ("GET", "/v3/push_plan/list") => (Value::Null, Told::Own(403, "2007")),
        (
            "GET",
            "/v3/devices/{registration_id}" | "/v3/device/{registration_id}" | "/v3/device/devices/{registration_id}",
        ) => (Value::Null, Told::Refused(400, 7002)),
        (
            "POST",
            "/v3/devices/{registration_id}" | "/v3/device/{registration_id}" | "/v3/device/devices/{registration_id}",
        ) => (json!({"alias": "x"}), Told::Refused(400, 7002)),
        ("POST", "/v3/devices/status" | "/v3/device/status" | "/v3/device/devices/status") => {
            (json!({"registration_ids": ["owners-device"]}), Told::Own(200, r#"{"owners-device":{}}"#))
        }
        (
            "GET",
            "/v3/received"
            | "/v3/received/detail"
            | "/v3/messages"
            | "/v3/messages/detail"
            | "/v3/report/received"
            | "/v3/report/received/detail"
            | "/v3/report/messages"
            | "/v3/report/messages/detail",
        ) => (Value::Null, Told::Own(200, NO_NUMBER)),
        ("POST", "/v3/status/message" | "/v3/report/status/message") => (
            json!({"msg_id": "MSGID", "registration_ids": ["owners-device"]}),
            Told::Own(200, r#"{"owners-device":{"status":2}}"#),
        ),
        ("GET", "/v3/users" | "/v3/report/users" | "/v3/group/users") => {
            (Value::Null, Told::Own(200, r#""android":{"new":1}"#))
        }
        ("GET", "/v3/aliases/{alias}" | "/v3/device/aliases/{alias}") => {
            (Value::Null, Told::Own(200, r#"{"registration_ids":[]}"#))
        }
        ("POST", "/v3/aliases/{alias}" | "/v3/device/aliases/{alias}") => {
            (json!({"registration_ids": {"remove": ["owners-device"]}}), Told::Refused(400, 7013))
        }
        ("DELETE", "/v3/aliases/{alias}" | "/v3/device/aliases/{alias}") => (Value::Null, Told::Own(200, "{}")),
        ("GET", "/v3/tags" | "/v3/device/tags") => (Value::Null, Told::Own(200, r#"{"tags":[]}"#)),
        (
            "GET",
            "/v3/tags/{tag}/registration_ids/{registration_id}"
            | "/v3/device/tags/{tag}/registration_ids/{registration_id}",
        ) => (Value::Null, Told::Refused(400, 7002)),
        ("POST", "/v3/tags/{tag}" | "/v3/device/tags/{tag}") => {
            (json!({"registration_ids": {"add": ["owners-device"]}}), Told::Refused(400, 7013))
        }
        ("DELETE", "/v3/tags/{tag}" | "/v3/device/tags/{tag}") => (Value::Null, Told::Own(200, "{}")),
        ("POST", "/v3/test/model/add") | ("PUT", "/v3/test/model/update") => {
            (json!({"device_name": "x", "registration_id": "owners-device"}), Told::Refused(400, 7002))
        }
        ("DELETE", "/v3/test/model/delete/{registration_id}") => (Value::Null, Told::Refused(400, 7002)),
        ("GET", "/v3/test/model/list") => (Value::Null, Told::Own(200, r#""detail":[]"#)),
        ("POST", "/v1/app") => {
            (json!({"app_name": "owners-made", "android_package": "com.example"}), Told::Refused(400, 4003))
        }
        ("POST" | "DELETE", "/v1/app/{app_key}/delete") => (Value::Null, Told::Refused(200, 1015)),
        ("POST", "/v3/schedules" | "/v3/push/schedules") => (
            json!({"name": "task", "enabled": true, "trigger": tomorrow(), "push": push}),
            Told::Own(200, "schedule_id"),
        ),
        ("GET", "/v3/schedules" | "/v3/push/schedules") => (Value::Null, Told::Own(200, "\"page\":1")),
        ("PUT", "/v3/schedules/{schedule_id}" | "/v3/push/schedules/{schedule_id}") => {
            (json!({"name": "renamed"}), Told::Refused(404, 8104))
        }
        (_, path) if path.contains("{schedule_id}") => (Value::Null, Told::Refused(404, 8104)),
        ("POST", "/v1/users") => (json!([user]), Told::Own(201, "owners-user")),
        ("POST", "/v1/admins") => (json!({"username": "owners-admin", "password": "secret"}), Told::Own(201, "")),
        ("GET", "/v1/users/{username}") => (Value::Null, Told::Refused(403, 899_002)),
        ("GET", "/v1/users" | "/v1/admins") => (Value::Null, Told::Own(200, "\"total\":1,")),
        ("DELETE", "/v1/users") => (json!(["fourth"]), Told::Refused(403, 899_002)),
        ("PUT", "/v1/users/{username}") => (json!({"nickname": "x"}), Told::Refused(403, 899_002)),
        ("DELETE", "/v1/users/{username}") => (Value::Null, Told::Refused(403, 899_002)),
        ("GET", "/v1/users/{username}/userstat" | "/v1/users/{username}/groups") => {
            (Value::Null, Told::Refused(403, 899_002))
        }
        ("POST", "/v1/users/userstat") => (json!(["second"]), Told::Refused(403, 899_002)),
        ("POST", "/v2/users/statuser" | "/v2/users/userstat") => (json!(["second"]), Told::Own(200, "no_exist")),
        ("PUT", "/v1/users/{username}/password") => (json!({"new_password": "changed"}), Told::Refused(403, 899_002)),
        ("PUT" | "DELETE", "/v1/users/{username}/blacklist") => (json!(["third"]), Told::Refused(403, 899_002)),
        ("GET", "/v1/users/{username}/blacklist" | "/v1/users/{username}/friends") => {
            (Value::Null, Told::Refused(403, 899_002))
        }
        ("POST", "/v1/users/{username}/nodisturb" | "/v1/users/{username}/groupsShield") => {
            (json!({}), Told::Refused(403, 899_002))
        }
        ("POST" | "DELETE", "/v1/users/{username}/friends") => (json!(["third"]), Told::Refused(403, 899_002)),
        ("PUT", "/v1/users/{username}/friends") => (json!({"username": "third"}), Told::Refused(403, 899_002)),
        ("PUT", "/v1/sdkregister/status" | "/sdkregister/status") => (json!({"status": 1}), Told::Own(204, "")),
        ("GET", "/v1/sdkregister/status" | "/sdkregister/status") => (Value::Null, Told::Own(200, "\"status\":1")),
        ("PUT", "/v1/users/{username}/forbidden") => (Value::Null, Told::Refused(403, 899_002)),
        (_, path) if path.contains("/cross/") => call_across(route),
        (_, path) if path.contains("chatroom") => call_of_room(route),
        ("POST", "/v1/groups") => (json!({"owner_username": "second", "name": "g"}), Told::Refused(403, 899_002)),
        ("GET", "/v1/groups/{gid}" | "/v1/groups/{gid}/members") => (Value::Null, Told::Refused(403, 899_006)),
        ("GET", "/v1/groups") => (Value::Null, Told::Own(200, "\"total\":0}")),
        ("PUT", "/v1/groups/{gid}") => (json!({"desc": "x"}), Told::Refused(403, 899_006)),
        ("DELETE", "/v1/groups/{gid}") => (Value::Null, Told::Refused(403, 899_006)),
        ("POST", "/v2/groups/{gid}/addMembers") => (json!(["sixth"]), Told::Refused(403, 899_006)),
        ("POST", "/v2/groups/{gid}/delMembers") => (json!(["sixth"]), Told::Refused(403, 899_006)),
        ("PUT", "/v1/groups/messages/{gid}/silence" | "/groups/messages/{gid}/silence") => {
            (json!(["third"]), Told::Refused(403, 899_006))
        }
        ("PUT", "/v1/groups/owner/{gid}" | "/groups/owner/{gid}") => {
            (json!({"username": "second"}), Told::Refused(403, 899_006))
        }
        ("POST", "/v1/groups/{gid}/members") => (json!({"add": ["third"]}), Told::Refused(403, 899_006)),
        ("GET", "/v1/messages" | "/v2/messages") => (Value::Null, Told::Own(200, "\"total\":0")),
        (
            "GET",
            "/v1/users/{username}/messages" | "/v1/messages/users/{username}" | "/v2/users/{username}/messages",
        ) => (Value::Null, Told::Refused(403, 899_002)),
        ("GET", "/v1/messages/groups/{gid}" | "/v2/groups/{gid}/messages") => {
            (Value::Null, Told::Refused(403, 899_006))
        }
        ("GET", "/v2/chatrooms/{chatroomid}/messages") => (Value::Null, Told::Refused(403, 899_081)),
        ("GET", "/v2/statistic/users") => (Value::Null, Told::Own(200, "\"new_users\":1,")),
        ("GET", "/v2/statistic/messages") => (Value::Null, Told::Own(200, "\"single_send_msg\":0")),
        ("GET", "/v2/statistic/groups") => (Value::Null, Told::Own(200, "\"total_group\":0")),
        ("POST", "/v1/messages") => (
            json!({
                "version": 1, "target_type": "group", "target_id": "GID", "from_type": "user", "from_id": "second",
                "msg_type": "text", "msg_body": {"text": "x"},
            }),
            Told::Refused(403, 899_002),
        ),
        ("POST", "/v1/resource") => (json!({"FORM": {"file": "x"}}), Told::Own(200, "qiniu/file/r/")),
        ("GET", "/v1/resource") => (Value::Null, Told::Refused(400, 899_003)),
        ("POST", "/v1/messages/{username}/{msgid}/retract") => (Value::Null, Told::Refused(403, 899_002)),
        ("POST", "/v1/sensitiveword") => (json!(["word"]), Told::Own(204, "")),
        ("PUT", "/v1/sensitiveword") => (json!({"old_word": "owners", "new_word": "new"}), Told::Own(204, "")),
        ("DELETE", "/v1/sensitiveword") => (json!({"word": "owners"}), Told::Own(204, "")),
        ("GET", "/v1/sensitiveword") => (Value::Null, Told::Own(200, "\"name\":\"word\"")),
        ("PUT", "/v1/sensitiveword/status") => (json!({"status": 0}), Told::Own(204, "")),
        ("GET", "/v1/sensitiveword/status") => (Value::Null, Told::Own(200, "{\"status\":0}")),
        (method, path) => panic!("{method} {path} has no row in the matrix of walls"),
    }
}

/// Told of a push that is not one's own: a row in which every counter is null.
const NO_NUMBER: &str = "no number";

fn has_no_number(value: &Value) -> bool {
    match value {
        Value::Number(_) => false,
        Value::Array(items) => !items.is_empty() && items.iter().all(has_no_number),
        Value::Object(members) => members.values().all(has_no_number),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

fn tomorrow() -> Value {
    json!({"single": {"time": Written(now_ms() + 86_400_000, TimeZone::DEFAULT).to_string()}})
}

fn no_credentials(route: &Route) -> u64 {
    match route.family {
        Family::Push => 1004,
        Family::Device => 7001,
        Family::Report => 3001,
        Family::Admin => 4006,
        Family::Schedule => 8101,
        Family::Im => 899_007,
    }
}

fn wrong_credentials(route: &Route) -> u64 {
    match route.family {
        Family::Push => 1004,
        Family::Device => 7004,
        Family::Report => 3001,
        Family::Admin => 4004,
        Family::Schedule => 8101,
        Family::Im => 899_008,
    }
}

fn malformed_credentials(route: &Route) -> u64 {
    if route.family == Family::Admin { 4006 } else { wrong_credentials(route) }
}

async fn schedule(world: &World, app: &App) -> String {
    let push = json!({"platform": "all", "audience": "all", "notification": {"alert": "x"}});
    let task = json!({"name": "task of the owner", "enabled": true, "trigger": tomorrow(), "push": push});
    let answer = world.call(app, "POST", "/v3/schedules", Some(task)).await.expect(200);
    answer["schedule_id"].as_str().expect("a text").to_owned()
}

/// `APPKEY` stands for the owner's app, which the stranger's is not linked with.
fn call_across(route: &Route) -> (Value, Told) {
    let unknown = || Told::Refused(403, 899_002);
    let (key, sixth) = ("APPKEY", ["sixth"]);
    match (route.method, route.path) {
        ("POST", "/v1/cross/chatroom/{room_id}/members") => {
            (json!([{"appkey": key, "add": sixth}]), Told::Refused(403, 899_081))
        }
        ("POST", "/cross/chatroom/{room_id}/members") => {
            (json!([{"appkey": key, "remove": sixth}]), Told::Refused(403, 899_081))
        }
        ("POST", "/v1/cross/groups/{gid}/members") => {
            (json!([{"appkey": key, "add": sixth}]), Told::Refused(403, 899_006))
        }
        ("GET", "/v1/cross/groups/{gid}/members") => (Value::Null, Told::Refused(403, 899_006)),
        ("PUT" | "DELETE", "/v1/cross/users/{username}/blacklist") => {
            (json!([{"appkey": key, "usernames": sixth}]), unknown())
        }
        ("POST", "/v1/cross/users/{username}/nodisturb") => {
            (json!([{"appkey": key, "single": {"add": sixth}}]), unknown())
        }
        ("POST" | "DELETE", "/v1/cross/users/{username}/friends") => {
            (json!({"appkey": key, "users": sixth}), unknown())
        }
        ("PUT", "/v1/cross/users/{username}/friends") => (json!([{"appkey": key, "username": "sixth"}]), unknown()),
        _ => (Value::Null, unknown()),
    }
}

/// `ROOM` stands for the owner's room.
fn call_of_room(route: &Route) -> (Value, Told) {
    let unknown = || Told::Refused(403, 899_081);
    match (route.method, route.path) {
        ("POST", "/v1/chatroom") => (json!({"owner_username": "second", "name": "r"}), Told::Refused(403, 899_002)),
        ("GET", "/v1/chatroom") => (Value::Null, Told::Own(200, "\"total\":0")),
        ("POST", "/v1/chatroom/batch") => (json!(["ROOM"]), Told::Own(200, "[]")),
        ("GET", "/v1/users/{username}/chatroom") => (Value::Null, Told::Refused(403, 899_002)),
        ("PUT", "/v1/chatroom/{room_id}") => (json!({"name": "renamed"}), unknown()),
        ("PUT", "/v1/chatroom/{room_id}/forbidden/{username}") => (json!({"status": 1}), unknown()),
        ("PUT" | "DELETE", "/v1/chatroom/{room_id}/members") => (json!(["third"]), unknown()),
        _ => (Value::Null, unknown()),
    }
}

/// Two apps, each with a group of its own and a developer; the owner has a device, users, a group and a schedule.
struct Land {
    world: World,
    owner: App,
    stranger: App,
    gid: String,
    /// Another group, to be dissolved.
    spare_gid: String,
    room: String,
    msg_id: String,
    /// An app that the owner's developer made.
    made: String,
    schedule_id: String,
    file_id: String,
    media_id: String,
    group_msgid: String,
    /// The `media_id` of an upload of the IM API.
    resource: String,
    /// A message of the second user.
    chat_msgid: String,
}

impl Land {
    async fn new() -> Self {
        let world = World::new().await;
        let (owner, stranger) = (world.app("owner").await, world.app("stranger").await);
        world.device(&owner, "owners-device", Platform::ANDROID).await;
        world.device(&owner, "owners-other-device", Platform::ANDROID).await;
        world.device(&stranger, "strangers-device", Platform::ANDROID).await;
        let push = json!({"platform": "all", "audience": "all", "notification": {"alert": "x"}});
        let answer = world.call(&owner, "POST", "/v3/push", Some(push)).await.expect(200);
        let msg_id = answer["msg_id"].as_str().expect("a text").to_owned();
        world.users(&owner, &["owners-user", "second", "third", "fourth", "fifth", "sixth"]).await;
        let admin = json!({"username": "owners-admin", "password": "secret"});
        world.call(&owner, "POST", "/v1/admins", Some(admin)).await.expect(201);
        let group = json!({"owner_username": "second", "name": "owners-group"});
        let gid = world.call(&owner, "POST", "/v1/groups", Some(group)).await.expect(201)["gid"].to_string();
        let group = json!({"owner_username": "second", "name": "owners-group-2"});
        let spare_gid = world.call(&owner, "POST", "/v1/groups", Some(group)).await.expect(201)["gid"].to_string();
        let room = json!({"owner_username": "second", "name": "owners-room"});
        let room = world.call(&owner, "POST", "/v1/chatroom", Some(room)).await.expect(201)["chatroom_id"].to_string();
        for app in [&owner, &stranger] {
            world.app_group(&app.key[..12], &[app]).await;
            world.developer(&app.key[..12]).await;
        }
        let said = json!({
            "version": 1, "target_type": "single", "target_id": "third", "from_type": "user", "from_id": "second",
            "msg_type": "text", "msg_body": {"text": "x"},
        });
        let said = world.call(&owner, "POST", "/v1/messages", Some(said)).await.expect(201);
        let chat_msgid = said["msg_id"].to_string();
        let labels = json!({"alias": "owners_alias", "tags": {"add": ["owners_tag"]}});
        world.call(&owner, "POST", "/v3/devices/owners-device", Some(labels)).await.expect(200);
        let name = json!({"device_name": "owners-desk", "registration_id": "owners-device"});
        world.call(&owner, "POST", "/v3/test/model/add", Some(name)).await.expect(200);
        let schedule_id = schedule(&world, &owner).await;
        let own = basic(&owner.key, &owner.secret);
        let list: [Part<'_>; 1] = [("filename", Some("list"), b"owners-device")];
        let uploaded = world.call_form(Some(&own), "POST", "/v3/files/registration_id", &list).await.expect(200);
        let image = json!({"image_type": 1, "image_url": "https://owners.example.com/1.png"});
        let image = world.call(&owner, "POST", "/v3/images/byurls", Some(image)).await.expect(200);
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let (file_id, media_id) = (text(&uploaded["file_id"]), text(&image["media_id"]));
        let form: [Part<'_>; 1] = [("file", Some("owners-file"), b"x")];
        let uploaded = world.call_form(Some(&own), "POST", "/v1/resource?type=file", &form).await.expect(200);
        let resource = text(&uploaded["media_id"]);
        let (made, group_msgid) = (String::new(), String::new());
        let mut land = Self {
            world,
            owner,
            stranger,
            gid,
            spare_gid,
            room,
            msg_id,
            made,
            schedule_id,
            file_id,
            media_id,
            group_msgid,
            resource,
            chat_msgid,
        };
        land.made = land.make_app().await;
        let group = land.keys_of(&land.owner, Who::AppGroup);
        let push = json!({"platform": "all", "audience": "all", "notification": {"alert": "x"}}).to_string();
        let pushed = land.world.call_as(Some(&basic(&group.0, &group.1)), "POST", "/v3/grouppush", push).await;
        land.group_msgid = text(&pushed.expect(200)["group_msgid"]);
        land
    }

    async fn make_app(&self) -> String {
        let developer = self.keys_of(&self.owner, Who::Developer);
        let body = json!({"app_name": "owners-made", "android_package": "com.example"}).to_string();
        let made = self.world.call_as(Some(&basic(&developer.0, &developer.1)), "POST", "/v1/app", body).await;
        made.expect(200)["app_key"].as_str().expect("a text").to_owned()
    }

    /// User name and secret with which the app, its group or its developer calls.
    fn keys_of(&self, app: &App, who: Who) -> (String, String) {
        let name = &app.key[..12];
        match who {
            Who::App | Who::Either | Who::AppOrDeveloper => (app.key.clone(), app.secret.clone()),
            Who::AppGroup => (format!("group-{}", key_of(name, "gk")), key_of(name, "gs")),
            Who::Developer => (key_of(name, "dk"), key_of(name, "ds")),
        }
    }

    fn header_of(&self, app: &App, route: &Route) -> String {
        let (user, secret) = self.keys_of(app, route.who);
        basic(&user, &secret)
    }

    fn is_key_of_developer(&self, header: Option<&str>) -> bool {
        let encoded = header.and_then(|header| header.strip_prefix("Basic ")).unwrap_or_default();
        let decoded = data_encoding::BASE64.decode(encoded.as_bytes()).unwrap_or_default();
        let user = decoded.split(|byte| *byte == b':').next().unwrap_or_default();
        user == self.keys_of(&self.owner, Who::Developer).0.as_bytes()
    }

    fn path_of(&self, route: &Route) -> String {
        let path = route
            .path
            .replace("{registration_id}", "owners-device")
            .replace("{username}", "second")
            .replace("{msg_id}", &self.msg_id)
            .replace("{msgid}", &self.chat_msgid)
            .replace("{gid}", &self.gid)
            .replace("{chatroomid}", &self.room)
            .replace("{room_id}", &self.room)
            .replace("{alias}", "owners_alias")
            .replace("{tag}", "owners_tag")
            .replace("{app_key}", &self.made)
            .replace("{schedule_id}", &self.schedule_id)
            .replace("{file_id}", &self.file_id)
            .replace("{media_id}", &self.media_id);
        match (route.method, route.family) {
            ("GET", Family::Report) if path.ends_with("/users") => {
                let today = Written(now_ms(), TimeZone::DEFAULT).to_string();
                format!("{path}?time_unit=MONTH&start={}&duration=1", &today[..7])
            }
            ("GET", Family::Report) if path.contains("/group/") => format!("{path}?group_msgids={}", self.group_msgid),
            ("GET", Family::Report) => format!("{path}?msg_ids={}", self.msg_id),
            ("GET", Family::Im) if path.starts_with("/v2/statistic/") => {
                let today = Written(now_ms(), TimeZone::DEFAULT).to_string();
                format!("{path}?time_unit=DAY&start={}&duration=1", &today[..10])
            }
            ("GET", Family::Im) if path.contains("/messages") && path.starts_with("/v2/") => {
                let now = Written(now_ms(), TimeZone::DEFAULT).to_string().replace(' ', "+");
                format!("{path}?count=9&begin_time={now}&end_time={now}")
            }
            ("GET", Family::Im) if path.contains("/messages") => format!("{path}?start=0&count=9"),
            ("POST", Family::Im) if path.ends_with("/resource") => format!("{path}?type=file"),
            ("GET", Family::Im) if path.ends_with("/resource") => format!("{path}?mediaId={}", self.resource),
            ("PUT", Family::Im) if path.ends_with("/forbidden") => format!("{path}?disable=false"),
            ("PUT", Family::Im) if path.ends_with("/silence") => format!("{path}?status=true"),
            // The other calls are about the group.
            ("DELETE", Family::Im) if route.path == "/v1/groups/{gid}" => path.replace(&self.gid, &self.spare_gid),
            // The other calls are about the second.
            ("DELETE", Family::Im) if path.ends_with("/second") => path.replace("second", "fifth"),
            _ => path,
        }
    }

    fn fill_in(&self, body: &mut Value) {
        if body["target_id"] == "GID" {
            body["target_id"] = json!(self.gid);
        }
        if body[0] == "ROOM" {
            body[0] = json!(self.room);
        }
        if body["appkey"] == "APPKEY" {
            body["appkey"] = json!(self.owner.key);
        }
        if body[0]["appkey"] == "APPKEY" {
            body[0]["appkey"] = json!(self.owner.key);
        }
        if body["msg_id"] == "MSGID" {
            body["msg_id"] = json!(self.msg_id);
        }
        if body["audience"]["file"]["file_id"] == "FILE" {
            body["audience"]["file"]["file_id"] = json!(self.file_id);
        }
    }

    /// A body with a `FORM` is sent as one: fields by their names.
    async fn call(&self, header: &str, method: &str, path: &str, body: &Value) -> Answered {
        let Some(fields) = body["FORM"].as_object() else {
            return self.world.call_as(Some(header), method, path, body.to_string()).await;
        };
        let content = |value: &Value| value.as_str().expect("a text").to_owned();
        let fields: Vec<(&str, String)> = fields.iter().map(|(name, value)| (name.as_str(), content(value))).collect();
        let parts: Vec<Part<'_>> = fields
            .iter()
            .map(|(name, content)| (*name, (*name == "file").then_some("a"), content.as_bytes()))
            .collect();
        self.world.call_form(Some(header), method, path, &parts).await
    }

    async fn wrong_credentials(&self, route: &Route) -> Vec<(&'static str, Option<String>)> {
        let (key, secret) = &self.keys_of(&self.owner, route.who);
        let stranger = &self.keys_of(&self.stranger, route.who);
        let as_app = (&self.owner.key, &self.owner.secret);
        let others = [Who::App, Who::AppGroup, Who::Developer].into_iter().filter(|who| match route.who {
            Who::Either => *who == Who::Developer,
            Who::AppOrDeveloper => *who == Who::AppGroup,
            asked => *who != asked,
        });
        let of_others = others.map(|who| {
            let (user, secret) = self.keys_of(&self.owner, who);
            ("the credentials of another kind of caller", Some(basic(&user, &secret)))
        });
        let own = vec![
            ("none", None),
            ("another scheme", Some(format!("Bearer {secret}"))),
            ("no base64", Some("Basic ***".to_owned())),
            ("no colon", Some(basic(key, "").replace("Og==", ""))),
            ("an unknown app key", Some(basic("ffffffffffffffffffffffff", secret))),
            ("an empty secret", Some(basic(key, ""))),
            ("a wrong secret", Some(basic(key, "ffffffffffffffffffffffff"))),
            ("the secret of another app", Some(basic(key, &stranger.1))),
            ("the app key as the secret", Some(basic(key, key))),
            ("a part of the secret", Some(basic(key, &secret[..23]))),
            ("the key of a group", Some(basic(&format!("group-{}", as_app.0), as_app.1))),
            ("a user's password", Some(basic("owners-user", "secret"))),
            ("a deleted app", Some(self.deleted_app().await)),
            ("a secret that was replaced", Some(self.replaced_secret().await)),
        ];
        own.into_iter().chain(of_others).collect()
    }

    async fn deleted_app(&self) -> String {
        let app = self.fresh_app().await;
        while self.world.submit(Command::App(AppCommand::Delete { app: app.number })).await == Answer::Continue {}
        basic(&app.key, &app.secret)
    }

    async fn replaced_secret(&self) -> String {
        let app = self.fresh_app().await;
        let command = AppCommand::RotateSecret { app: app.number, master_secret: "0".repeat(24) };
        self.world.submit(Command::App(command)).await;
        basic(&app.key, &app.secret)
    }

    async fn fresh_app(&self) -> App {
        // `key_of` makes the keys from the first eleven letters of a name: all that tells these apart must be in them.
        self.world.app(&data_encoding::HEXLOWER.encode(&anserd::keys::random::<5>())).await
    }

    /// Nothing of the owner stands in the answer that the caller has not said.
    fn nothing_leaks(&self, answered: &Answered, call: &str) {
        let by_group = self.keys_of(&self.owner, Who::AppGroup);
        let private = [&self.owner.key, &self.owner.secret, &self.stranger.secret, &by_group.1, "owners-group"];
        for private in
            private.into_iter().chain(["owners-room", "owners-desk", "task of the owner", "owners.example.com"])
        {
            assert!(!answered.text.contains(private), "{call} leaks {private}: {}", answered.text);
        }
    }
}
