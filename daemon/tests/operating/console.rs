//! The console's API: who may call what, what another site can do, and what is written down.

mod attack;
mod certificates;
mod pages;

use anser_protocol::content::Platform;
use anser_storage::command::{OperatorAccount, OperatorRole};
use anserd::admin::{NewPassword, Reply, Request};
use anserd::console::route::{Need, ROUTES, Route};
use anserd::operator::right::{Right, may};
use anserd::operator::set_up;
use anserd::rest::Rest;
use anserd::rest::route as public;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request as HttpRequest, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::World;

const PASSWORD: &str = "a long password";
/// Of the pages of this daemon.
const HOST: &str = "push.example.com:8443";

/// What a browser knows: its cookie.
struct Browser {
    rest: Rest,
    cookie: Option<String>,
}

struct Answered {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answered {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    #[track_caller]
    fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self.json()
    }

    #[track_caller]
    fn refused(self, status: u16, code: &str) {
        assert_eq!(
            (self.status.as_u16(), self.json()["error"]["code"].as_str()),
            (status, Some(code)),
            "{}",
            self.text
        );
    }
}

impl Browser {
    fn new(world: &World) -> Self {
        Self { rest: Rest::new(world.daemon.context()), cookie: None }
    }

    async fn logged_in(world: &World, name: &str) -> Self {
        let mut browser = Self::new(world);
        browser.log_in(name, PASSWORD).await.ok();
        browser
    }

    async fn log_in(&mut self, name: &str, password: &str) -> Answered {
        let body = json!({"name": name, "password": password});
        let answered = self.call("POST", "/console/v1/session", Some(&body)).await;
        self.keep_cookie(&answered);
        answered
    }

    fn keep_cookie(&mut self, answered: &Answered) {
        if let Some(cookie) = answered.headers.get(header::SET_COOKIE) {
            let cookie = cookie.to_str().expect("a text");
            self.cookie = Some(cookie.split(';').next().expect("it begins").to_owned());
        }
    }

    /// As the page asks.
    async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answered {
        let marks = [("x-anser-console", "1"), ("origin", "https://push.example.com:8443")];
        self.call_with(method, path, body, &marks).await
    }

    async fn call_with(&self, method: &str, path: &str, body: Option<&Value>, marks: &[(&str, &str)]) -> Answered {
        let mut request = HttpRequest::builder()
            .method(Method::from_bytes(method.as_bytes()).expect("a method"))
            .uri(path)
            .header(header::HOST, HOST);
        for (name, value) in marks {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let has_type = marks.iter().any(|(name, _)| *name == "content-type");
        if body.is_some() && !has_type {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let response = self.rest.answer(request.body(body).expect("a request")).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        Answered { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    async fn get(&self, path: &str) -> Value {
        self.call("GET", path, None).await.ok()
    }
}

/// A daemon with two apps and an operator of each role; `admin-of-other` has the second app.
struct Land {
    world: World,
    own: String,
    other: String,
}

const NAMES: [&str; 6] = ["ann", "bob", "cid", "dan", "eve", "nobody"];

impl Land {
    async fn new() -> Self {
        let world = World::new().await;
        let (own, other) = (world.app("shop").await, world.app("bank").await);
        let land = Self { world, own: own.clone(), other: other.clone() };
        land.add("ann", "owner", &[]).await;
        land.add("bob", "app-admin", &[&own]).await;
        land.add("cid", "sender", &[&own]).await;
        land.add("dan", "read-only", &[&own]).await;
        land.add("eve", "app-admin", &[&other]).await;
        land
    }

    async fn add(&self, name: &str, role: &str, apps: &[&str]) {
        let apps = apps.iter().map(|app| (*app).to_owned()).collect();
        let password = NewPassword(PASSWORD.to_owned());
        let reply = self.world.ask(Request::OperatorAdd { name: name.into(), role: role.into(), apps, password }).await;
        assert!(matches!(reply, Reply::Operator(_)), "{reply:?}");
    }

    async fn browser(&self, name: &str) -> Browser {
        match name {
            "nobody" => Browser::new(&self.world),
            _ => Browser::logged_in(&self.world, name).await,
        }
    }

    /// What an operator may do to the first app.
    async fn account(&self, name: &str) -> Option<OperatorAccount> {
        let name = name.to_owned();
        let read = self.world.daemon.context().ledger.read(move |snapshot| snapshot.operator(&name)).await;
        read.expect("readable").map(|operator| operator.account)
    }

    async fn number(&self, key: &str) -> anser_storage::ids::AppNumber {
        let key = key.to_owned();
        let read = self.world.daemon.context().ledger.read(move |snapshot| snapshot.app_by_key(&key)).await;
        read.expect("readable").expect("it is there").0
    }

    fn path(&self, route: &Route) -> String {
        let path = match route.path.starts_with("/apps/{app_key}") {
            true => route.path.replace("{app_key}", &self.own),
            false => route.path.replace("{app_key}", "none"),
        };
        let named =
            ["{group_key}", "{developer_key}", "{name}", "{msg_id}", "{registration_id}", "{username}", "{gid}"];
        let path = named.iter().fold(path, |path, name| path.replace(name, "77"));
        format!(
            "/console/v1{}",
            path.replace("{room_id}", "77").replace("{segment}", "77").replace("{environment}", "77")
        )
    }
}

/// A body that every call refuses, so that nothing is changed by whoever may call it.
fn nothing() -> Value {
    json!({"no such member": 1})
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_reaches_exactly_what_the_table_of_rights_says() {
    let land = Land::new().await;
    let own = land.number(&land.own).await;
    for name in NAMES {
        let (browser, account) = (land.browser(name).await, land.account(name).await);
        // The last of them end the session.
        let calls = ROUTES.iter().filter(|route| !route.path.starts_with("/session"));
        for route in calls {
            let body = (route.method != "GET").then(nothing);
            let answered = browser.call(route.method, &land.path(route), body.as_ref()).await;
            let sees = account.as_ref().is_some_and(|account| may(account, Right::SeeApp, Some(own)));
            let expected = match (route.need, &account) {
                (Need::Nobody, _) => None,
                (_, None) => Some((401, "no_session")),
                (Need::Session, Some(_)) => None,
                (Need::Daemon(right), Some(account)) => (!may(account, right, None)).then_some((403, "not_allowed")),
                (Need::App(_), Some(_)) if !sees => Some((404, "unknown_app")),
                (Need::App(right), Some(account)) => (!may(account, right, Some(own))).then_some((403, "not_allowed")),
            };
            let what = format!("{} {} as {name}: {}", route.method, route.path, answered.text);
            match expected {
                Some((status, code)) => {
                    assert_eq!(answered.status.as_u16(), status, "{what}");
                    assert_eq!(answered.json()["error"]["code"], code, "{what}");
                }
                // Only an owner may delete an app that others may see.
                None if route.path == "/apps/{app_key}" && route.method == "DELETE" && name != "ann" => {
                    answered.refused(403, "not_allowed");
                }
                None => assert!(!matches!(answered.status.as_u16(), 401 | 403 | 405 | 500), "{what}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g19_nobody_reaches_an_app_that_is_not_theirs_by_the_public_calls_either() {
    let land = Land::new().await;
    for name in ["bob", "cid", "dan"] {
        let browser = land.browser(name).await;
        for route in public::ROUTES {
            let body = (route.method != "GET").then(|| json!({}));
            let path = format!("/console/v1/apps/{}/rest{}", land.other, filled(route.path));
            browser.call(route.method, &path, body.as_ref()).await.refused(404, "unknown_app");
        }
    }
    let stranger = land.browser("nobody").await;
    let path = format!("/console/v1/apps/{}/rest/v1/users", land.own);
    stranger.call("GET", &path, None).await.refused(401, "no_session");
}

#[tokio::test(flavor = "multi_thread")]
async fn public_calls_ask_for_the_right_that_their_kind_wants() {
    let land = Land::new().await;
    for name in ["ann", "bob", "cid", "dan"] {
        let browser = land.browser(name).await;
        let role = land.account(name).await.expect("there").role;
        for route in public::ROUTES {
            let body = (route.method != "GET").then(|| json!({}));
            let path = format!("/console/v1/apps/{}/rest{}", land.own, filled(route.path));
            let answered = browser.call(route.method, &path, body.as_ref()).await;
            let is_denied = answered.text.contains("\"not_allowed\"");
            let is_for_apps = !matches!(route.who, public::Who::AppGroup | public::Who::Developer);
            if !is_for_apps {
                answered.refused(404, "no_route");
                continue;
            }
            if role == OperatorRole::Owner || role == OperatorRole::AppAdmin {
                assert!(!is_denied, "{} {} as {name}", route.method, route.path);
            }
            let only_sees = route.method == "GET" && !route.path.starts_with("/v3/push/cid");
            if role == OperatorRole::ReadOnly && !only_sees && !is_question(route.path) {
                assert!(is_denied, "{} {} as {name}: {}", route.method, route.path, answered.text);
            }
            assert_ne!(answered.status, StatusCode::UNAUTHORIZED, "{} {}", route.method, route.path);
        }
    }
}

fn is_question(path: &str) -> bool {
    path.ends_with("/status") && path.contains("device")
        || path.ends_with("/status/message")
        || path.ends_with("/userstat")
        || path.ends_with("/statuser")
        || path.ends_with("/chatroom/batch")
}

fn filled(path: &str) -> String {
    let segments = path.split('/').map(|segment| if segment.starts_with('{') { "77" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_is_written_down_and_everybody_reads_their_own() {
    let land = Land::new().await;
    let (ann, bob) = (land.browser("ann").await, land.browser("bob").await);
    ann.call("POST", "/console/v1/apps", Some(&json!({"name": "new"}))).await.ok();
    let path = format!("/console/v1/apps/{}/secret", land.own);
    bob.call("GET", &path, None).await.ok();
    let cid = land.browser("cid").await;
    cid.call("GET", &path, None).await.refused(403, "not_allowed");
    let path = format!("/console/v1/apps/{}/rest/v1/users", land.own);
    let users = json!([{"username": "alice", "password": "wonderland"}]);
    assert_eq!(bob.call("POST", &path, Some(&users)).await.status, StatusCode::CREATED);

    let shown = ann.get("/console/v1/audit").await;
    let entries: Vec<String> = shown["entries"].as_array().expect("a list").iter().map(line).collect();
    assert_eq!(
        entries,
        [
            format!("bob rest {} POST /v1/users 201", land.own),
            format!("cid secret_show {}  403", land.own),
            "cid log_in   200".to_owned(),
            format!("bob secret_show {}  200", land.own),
            format!("ann app_create  {} 200", target_of(&shown, "app_create")),
            "bob log_in   200".to_owned(),
            "ann log_in   200".to_owned(),
        ]
    );
    assert!(!shown.to_string().contains("wonderland") && !shown.to_string().contains(PASSWORD));
    let own = bob.get("/console/v1/audit").await;
    assert!(own["entries"].as_array().expect("a list").iter().all(|entry| entry["operator"] == "bob"), "{own}");
    let page = ann.get("/console/v1/audit?limit=2&operator=bob").await;
    assert_eq!(page["entries"].as_array().map(Vec::len), Some(2));
    let next = page["next"].as_str().expect("there is more").to_owned();
    let page = ann.get(&format!("/console/v1/audit?limit=2&operator=bob&after={next}")).await;
    assert_eq!(page["entries"].as_array().map(Vec::len), Some(1));
}

fn line(entry: &Value) -> String {
    let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let [operator, action, app, target] = ["operator", "action", "app_key", "target"].map(text);
    format!("{operator} {action} {app} {target} {}", entry["status"])
}

fn target_of(shown: &Value, action: &str) -> String {
    let mut entries = shown["entries"].as_array().expect("a list").iter();
    let entry = entries.find(|entry| entry["action"] == action).expect("it is written down");
    entry["target"].as_str().expect("a text").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_the_password_the_role_and_the_account() {
    let land = Land::new().await;
    let ann = land.browser("ann").await;
    let is_over = async |browser: &Browser| browser.call("GET", "/console/v1/session", None).await.status == 401;
    let (mut bob, elsewhere) = (land.browser("bob").await, land.browser("bob").await);
    let change = json!({"old": "wrong", "new": "another password"});
    bob.call("PUT", "/console/v1/session/password", Some(&change)).await.refused(401, "wrong_password");
    let change = json!({"old": PASSWORD, "new": "another password"});
    let changed = bob.call("PUT", "/console/v1/session/password", Some(&change)).await;
    bob.keep_cookie(&changed);
    changed.ok();
    assert!(!is_over(&bob).await && is_over(&elsewhere).await);

    let change = json!({"role": "sender", "apps": [land.own]});
    ann.call("PUT", "/console/v1/operators/bob", Some(&change)).await.ok();
    assert!(is_over(&bob).await);
    bob.log_in("bob", "another password").await.ok();
    assert_eq!(bob.get("/console/v1/session").await["role"], "sender");
    ann.call("PUT", "/console/v1/operators/ann", Some(&change)).await.refused(422, "refused");

    let reset = ann.call("PUT", "/console/v1/operators/bob/password", None).await.ok();
    assert!(is_over(&bob).await);
    bob.log_in("bob", reset["password"].as_str().expect("one was made")).await.ok();
    ann.call("DELETE", "/console/v1/operators/bob", None).await.ok();
    assert!(is_over(&bob).await);
    ann.call("DELETE", "/console/v1/operators/ann", None).await.refused(422, "refused");
    ann.call("DELETE", "/console/v1/session", None).await.ok();
    assert!(is_over(&ann).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_operator_comes_by_the_link_and_sees_that_one_is_needed() {
    let world = World::new().await;
    let link = std::fs::read_to_string(world.file(set_up::FILE)).expect("the link is written before anything serves");
    assert!(link.contains("/#set-up="), "{link}");
    let token = link.trim().rsplit_once('=').expect("a link").1;
    let mut browser = Browser::new(&world);
    assert_eq!(browser.get("/console/v1/state").await["needs_set_up"], true);
    let body = json!({"token": token, "name": "root", "password": PASSWORD});
    let set_up = browser.call("POST", "/console/v1/set-up", Some(&body)).await;
    browser.keep_cookie(&set_up);
    assert_eq!(set_up.ok()["role"], "owner");
    assert_eq!(browser.get("/console/v1/state").await["needs_set_up"], false);
    browser.call("POST", "/console/v1/set-up", Some(&body)).await.refused(410, "set_up_over");
    let session = browser.get("/console/v1/session").await;
    assert_eq!((&session["name"], &session["time_zone"]), (&json!("root"), &json!("+08:00")));
    assert_eq!(session.get("time_zone_name"), Some(&Value::Null), "an offset has no name: {session}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_pushes_stands_in_the_history_as_theirs() {
    let land = Land::new().await;
    let ann = land.browser("ann").await;
    let device = land.device().await;
    let app = format!("/console/v1/apps/{}", land.own);
    let audience = json!({"registration_id": [device]});
    let estimate = json!({"platform": "all", "audience": audience});
    let estimated = ann.call("POST", &format!("{app}/pushes/estimate"), Some(&estimate)).await.ok();
    assert_eq!(estimated, json!({"devices": 1, "by_platform": {"android": 1}}));
    let nobody = json!({"audience": {"tag": ["none"]}});
    let estimated = ann.call("POST", &format!("{app}/pushes/estimate"), Some(&nobody)).await.ok();
    assert_eq!(estimated["devices"], 0);

    let push = json!({"platform": "all", "audience": audience, "notification": {"alert": "<b>geese</b>"}});
    let sent = ann.call("POST", &format!("{app}/rest/v3/push"), Some(&push)).await.ok();
    let shown = ann.get(&format!("{app}/pushes/{}", sent["msg_id"].as_str().expect("an id"))).await;
    assert_eq!(
        (&shown["operator"], &shown["origin"], &shown["text"]),
        (&json!("ann"), &json!("console"), &json!("<b>geese</b>"))
    );
    assert_eq!((&shown["payload"], &shown["targets"], &shown["state"]), (&push, &json!(1), &json!("waiting")));
    for (query, count) in [("", 1), ("?origin=api", 0), ("?q=GEESE&origin=console", 1), ("?kind=message", 0)] {
        let listed = ann.get(&format!("{app}/pushes{query}")).await;
        assert_eq!(listed["pushes"].as_array().map(Vec::len), Some(count), "{query}: {listed}");
    }
    let traced = ann.get(&format!("{app}/trace/{}?device={device}", shown["msg_id"].as_str().expect("an id"))).await;
    assert!(traced["device"]["why"].is_string(), "{traced}");
    let found = ann.get(&format!("{app}/devices/{device}")).await;
    assert_eq!((&found["platform"], &found["pending_all"]), (&json!("android"), &json!(1)), "{found}");
    let csv = ann.call("GET", &format!("{app}/report.csv?what=pushes"), None).await;
    assert!(csv.text.contains("<b>geese</b>"), "{}", csv.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_of_the_api_is_shown_with_every_member_that_reached_a_device() {
    let land = Land::new().await;
    let ann = land.browser("ann").await;
    let device = land.device_on(Platform::IOS).await;
    let sent = json!({
        "platform": ["ios"],
        "audience": {"registration_id": [device]},
        "notification": {"ios": {
            "alert": {"title": "T", "subtitle": "S", "body": "B"}, "sound": "bell", "extras": {"k": 1},
        }},
        "message": {"msg_content": "c", "title": "t", "content_type": "text/plain", "extras": {"id": 7}},
    });
    let own = land.number(&land.own).await;
    let read = land.world.daemon.context().ledger.read(move |snapshot| snapshot.app(own)).await;
    let secret = read.expect("readable").expect("it is there").master_secret;
    let credentials = format!("Basic {}", data_encoding::BASE64.encode(format!("{}:{secret}", land.own).as_bytes()));
    let nobody = land.browser("nobody").await;
    let pushed = nobody.call_with("POST", "/v3/push", Some(&sent), &[("authorization", &credentials)]).await.ok();
    let path = format!("/console/v1/apps/{}/pushes/{}", land.own, pushed["msg_id"].as_str().expect("an id"));
    let shown = ann.get(&path).await["payload"].clone();
    for member in ["platform", "notification", "message"] {
        assert_eq!(shown[member], sent[member], "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_searched_and_go_on_where_a_page_ends() {
    let land = Land::new().await;
    let bob = land.browser("bob").await;
    let app = format!("/console/v1/apps/{}", land.own);
    let user = |number: i32| {
        let (username, nickname) = (format!("user{number}"), format!("Nick {number}"));
        json!({"username": username, "password": "secret", "nickname": nickname})
    };
    let users: Vec<Value> = (0..7).map(user).collect();
    let registered = bob.call("POST", &format!("{app}/rest/v1/users"), Some(&json!(users))).await;
    assert_eq!(registered.status, StatusCode::CREATED, "{}", registered.text);
    let (mut names, mut after) = (Vec::new(), String::new());
    loop {
        let page = bob.get(&format!("{app}/users?limit=3&q=user{after}")).await;
        let users = page["users"].as_array().expect("a list");
        names.extend(users.iter().map(|user| user["username"].as_str().expect("a name").to_owned()));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(names, (0..7).map(|number| format!("user{number}")).collect::<Vec<_>>());
    let found = bob.get(&format!("{app}/users?q=nick+5")).await;
    assert_eq!(found["users"][0]["username"], "user5");
    let group = json!({"owner_username": "user0", "name": "walkers", "members_username": ["user1"]});
    let made = bob.call("POST", &format!("{app}/rest/v1/groups"), Some(&group)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let groups = bob.get(&format!("{app}/groups?q=WALK")).await;
    let gid = groups["groups"][0]["gid"].as_u64().expect("it is found");
    let shown = bob.get(&format!("{app}/groups/{gid}")).await;
    assert_eq!((&shown["owner"], shown["members"].as_array().map(Vec::len)), (&json!("user0"), Some(2)), "{shown}");
    let message = json!({
        "version": 1, "target_type": "single", "target_id": "user1", "from_type": "user", "from_id": "user0",
        "msg_type": "text", "msg_body": {"text": "Wild geese"},
    });
    assert_eq!(bob.call("POST", &format!("{app}/rest/v1/messages"), Some(&message)).await.status, StatusCode::CREATED);
    for (query, count) in [("q=geese", 1), ("user=user1", 1), ("user=user2", 0), ("type=image", 0), ("peer=user0", 1)] {
        let found = bob.get(&format!("{app}/messages?{query}")).await;
        assert_eq!(found["messages"].as_array().map(Vec::len), Some(count), "{query}: {found}");
    }
    let cid = land.browser("cid").await;
    cid.call("GET", &format!("{app}/messages"), None).await.refused(403, "not_allowed");
}

impl Land {
    /// Its registration id.
    async fn device(&self) -> String {
        self.device_on(Platform::ANDROID).await
    }

    async fn device_on(&self, platform: Platform) -> String {
        use anser_storage::command::{Command, DeviceCommand};
        let (app, registration_id) = (self.number(&self.own).await, "0123456789abcdef012".to_owned());
        let secret_hash = [7; 32];
        let register = DeviceCommand::Register { app, registration_id: registration_id.clone(), secret_hash, platform };
        self.world.apply(Command::Device(register)).await.expect("it is registered");
        registration_id
    }
}
