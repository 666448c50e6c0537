//! The walls between apps (G19): every route with every kind of wrong credentials, and with the right credentials of
//! another app. A route without a row in `foreign_call` fails the test.

use anser_protocol::content::Platform;
use anser_storage::command::{AppCommand, Command};
use anser_storage::outcome::Answer;
use anserd::rest::route::{Family, ROUTES, Route};
use serde_json::{Value, json};

use crate::world::{Answered, App, World, basic};

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
        for (kind, header) in land.wrong_credentials().await {
            let path = land.path_of(route);
            let answered = land.world.call_as(header.as_deref(), route.method, &path, body.to_string()).await;
            let code = if header.is_none() || kind == "another scheme" {
                no_credentials(route)
            } else {
                wrong_credentials(route)
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
        let path = land.path_of(route);
        let (mut body, told) = foreign_call(route);
        land.fill_in(&mut body);
        let answered = land.world.call(&land.stranger, route.method, &path, Some(body)).await;
        land.nothing_leaks(&answered, &format!("{} {path} as another app", route.method));
        match told {
            Told::Refused(status, code) => answered.refused(status, code),
            Told::Own(status, text) => {
                let text = text.replace("{stranger}", &land.stranger.key);
                assert!(answered.text.contains(&text), "{} {path}: {}", route.method, answered.text);
                answered.expect(status);
            }
        }
    }
}

#[tokio::test]
async fn g19_every_route_answers_its_own_app() {
    let land = Land::new().await;
    for route in ROUTES {
        let path = land.path_of(route);
        let (mut body, _) = foreign_call(route);
        land.fill_in(&mut body);
        let status = land.world.call(&land.owner, route.method, &path, Some(body)).await.status.as_u16();
        // Registering the users that are there already is the only call of the table that an owner is refused.
        // This server has neither templates nor plans.
        let is_refused = matches!(route.path, "/v1/users" | "/v1/admins")
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
        ("POST", "/v1/users") => (json!([user]), Told::Own(201, "owners-user")),
        ("POST", "/v1/admins") => (json!({"username": "owners-admin", "password": "secret"}), Told::Own(201, "")),
        ("GET", "/v1/users/{username}") => (Value::Null, Told::Refused(403, 899_002)),
        ("POST", "/v1/groups") => (json!({"owner_username": "second", "name": "g"}), Told::Refused(403, 899_002)),
        ("GET", "/v1/groups/{gid}" | "/v1/groups/{gid}/members") => (Value::Null, Told::Refused(403, 899_006)),
        ("POST", "/v1/groups/{gid}/members") => (json!({"add": ["third"]}), Told::Refused(403, 899_006)),
        ("POST", "/v1/messages") => (
            json!({
                "version": 1, "target_type": "group", "target_id": "GID", "from_type": "user", "from_id": "second",
                "msg_type": "text", "msg_body": {"text": "x"},
            }),
            Told::Refused(403, 899_002),
        ),
        (method, path) => panic!("{method} {path} has no row in the matrix of walls"),
    }
}

fn no_credentials(route: &Route) -> u64 {
    match route.family {
        Family::Push => 1004,
        Family::Device => 7001,
        Family::Im => 899_007,
    }
}

fn wrong_credentials(route: &Route) -> u64 {
    match route.family {
        Family::Push => 1004,
        Family::Device => 7004,
        Family::Im => 899_008,
    }
}

/// Two apps; the owner has a device, users and a group.
struct Land {
    world: World,
    owner: App,
    stranger: App,
    gid: String,
    msg_id: String,
}

impl Land {
    async fn new() -> Self {
        let world = World::new().await;
        let (owner, stranger) = (world.app("owner").await, world.app("stranger").await);
        world.device(&owner, "owners-device", Platform::ANDROID).await;
        world.device(&stranger, "strangers-device", Platform::ANDROID).await;
        world.users(&owner, &["owners-user", "second", "third"]).await;
        let admin = json!({"username": "owners-admin", "password": "secret"});
        world.call(&owner, "POST", "/v1/admins", Some(admin)).await.expect(201);
        let group = json!({"owner_username": "second", "name": "owners-group"});
        let gid = world.call(&owner, "POST", "/v1/groups", Some(group)).await.expect(201)["gid"].to_string();
        let push = json!({"platform": "all", "audience": "all", "notification": {"alert": "x"}});
        let pushed = world.call(&owner, "POST", "/v3/push", Some(push)).await.expect(200);
        let msg_id = pushed["msg_id"].as_str().expect("a text").to_owned();
        Self { world, owner, stranger, gid, msg_id }
    }

    fn path_of(&self, route: &Route) -> String {
        route
            .path
            .replace("{registration_id}", "owners-device")
            .replace("{username}", "second")
            .replace("{msg_id}", &self.msg_id)
            .replace("{gid}", &self.gid)
    }

    fn fill_in(&self, body: &mut Value) {
        if body["target_id"] == "GID" {
            body["target_id"] = json!(self.gid);
        }
    }

    async fn wrong_credentials(&self) -> Vec<(&'static str, Option<String>)> {
        let (key, secret) = (&self.owner.key, &self.owner.secret);
        vec![
            ("none", None),
            ("another scheme", Some(format!("Bearer {secret}"))),
            ("no base64", Some("Basic ***".to_owned())),
            ("no colon", Some(basic(key, "").replace("Og==", ""))),
            ("an unknown app key", Some(basic("ffffffffffffffffffffffff", secret))),
            ("an empty secret", Some(basic(key, ""))),
            ("a wrong secret", Some(basic(key, "ffffffffffffffffffffffff"))),
            ("the secret of another app", Some(basic(key, &self.stranger.secret))),
            ("the app key as the secret", Some(basic(key, key))),
            ("a part of the secret", Some(basic(key, &secret[..23]))),
            ("the key of a group", Some(basic(&format!("group-{key}"), secret))),
            ("a user's password", Some(basic("owners-user", "secret"))),
            ("a deleted app", Some(self.deleted_app().await)),
            ("a secret that was replaced", Some(self.replaced_secret().await)),
        ]
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
        let apps = self.world.daemon.context().ledger.read(|snapshot| Ok(snapshot.end())).await.expect("readable");
        self.world.app(&format!("{}{}", apps.0, data_encoding::HEXLOWER.encode(&anserd::keys::random::<3>()))).await
    }

    /// Nothing of the owner stands in the answer that the caller has not said.
    fn nothing_leaks(&self, answered: &Answered, call: &str) {
        for private in [&self.owner.key, &self.owner.secret, &self.stranger.secret, "owners-group"] {
            assert!(!answered.text.contains(private), "{call} leaks {private}: {}", answered.text);
        }
    }
}
