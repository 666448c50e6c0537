//! `anserd import`: an app comes along from another service of the same API, here another Anser, or a source made for the
//! test; and how its users and devices then find what they had.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anser_protocol::content::Platform;
use anser_protocol::error::ErrorCode;
use anser_protocol::extension::tag;
use anser_protocol::frame::session::Hello;
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_storage::command::ProfileChange;
use anserd::admin::{self, ImportPiece, ImportedUser, Reply, Request};
use anserd::bridge::Url;
use anserd::bridge::source::{Source, SourceError, SourceOrder};
use anserd::config::{Config, PasswordCallback};
use anserd::import::jmessage::Jmessage;
use anserd::import::journal::{Import, Journal};
use anserd::import::jpush::Jpush;
use anserd::import::{ImportError, Progress, Target};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::callback::{AppServer, LATER};
use crate::peer::{Peer, hello};
use crate::person::Person;
use crate::world::{App, World, basic};

/// One pixel.
const GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04\x00\x00\x00\x00\x00,\
    \x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

fn order(url: &str, app_key: &str, secret: &str) -> SourceOrder {
    SourceOrder {
        url: Url::parse(url).expect("an address"),
        app_key: app_key.to_owned(),
        master_secret: secret.to_owned(),
        interval: Duration::ZERO,
        pause: Duration::from_millis(1),
    }
}

/// Another Anser as the source.
fn source_of(world: &World, app: &App) -> Source {
    let url = format!("https://localhost:{}", world.daemon.listen()[0].port());
    let authority = world.daemon.authority().expect("a self-made certificate");
    Source::new(order(&url, &app.key, &app.secret), Some(authority)).expect("made")
}

fn target(world: &World, app: &App) -> Target {
    let socket = world.daemon.context().config.data_dir.join(admin::SOCKET);
    Target { socket, app: app.key.clone(), is_dry: false }
}

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn state(&self) -> PathBuf {
        self.0.path().join("state.json")
    }

    fn report(&self) -> PathBuf {
        self.0.path().join("report.jsonl")
    }

    fn journal(&self, app: &App) -> Journal {
        let import = Import { kind: "test".into(), app_key: app.key.clone(), from: "here".into() };
        Journal::open(&self.state(), &self.report(), import).expect("opened")
    }

    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.report()).expect("a report");
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    /// Of all lines that say so: name and reason.
    fn left_out(&self) -> Vec<(String, String)> {
        let lines = self.lines().into_iter().filter(|line| line["what"] == "left_out");
        lines
            .map(|line| {
                (line["name"].as_str().unwrap_or_default().into(), line["why"].as_str().unwrap_or_default().into())
            })
            .collect()
    }
}

async fn run(source: &Source, target: &Target, mut journal: Journal) -> Result<BTreeMap<String, u64>, ImportError> {
    let mut progress = Progress::hidden();
    Jmessage { source, target, journal: &mut journal, progress: &mut progress }.run().await
}

async fn upload(world: &World, app: &App) -> String {
    let credentials = basic(&app.key, &app.secret);
    let form = [("filename", Some("a.gif"), GIF)];
    let answer = world.call_form(Some(&credentials), "POST", "/v1/resource?type=image", &form).await.expect(200);
    answer["media_id"].as_str().expect("an id").to_owned()
}

fn names(list: &Value) -> Vec<String> {
    let list = list.as_array().expect("a list").iter();
    list.map(|item| item["username"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_comes_along_from_another_anser() {
    let (old, new) = (World::new().await, World::new().await);
    let (had, app) = (old.app("shop").await, new.app("shop2").await);
    old.users(&had, &["alice", "bob", "carol", "dave"]).await;
    old.call(&had, "POST", "/v1/admins", Some(json!({"username": "root", "password": "secret"}))).await.expect(201);
    let avatar = upload(&old, &had).await;
    let profile =
        json!({"nickname": "Alice", "gender": 2, "birthday": "1992-03-08", "extras": {"level": 3}, "avatar": avatar});
    old.call(&had, "PUT", "/v1/users/alice", Some(profile)).await.expect(204);
    old.call(&had, "POST", "/v1/users/alice/friends", Some(json!(["bob", "carol"]))).await.expect(201);
    let note = json!([{"username": "bob", "note_name": "Bobby", "others": "school"}]);
    old.call(&had, "PUT", "/v1/users/alice/friends", Some(note)).await.expect(204);
    old.call(&had, "PUT", "/v1/users/bob/blacklist", Some(json!(["dave"]))).await.expect(204);
    let group = json!({"owner_username": "bob", "name": "walkers", "desc": "weekend", "flag": 2, "members_username": ["alice"]});
    let gid = old.call(&had, "POST", "/v1/groups", Some(group)).await.expect(201)["gid"].clone();
    let room = json!({"owner_username": "root", "name": "launch", "description": "live", "members_username": ["dave", "carol"]});
    let room = old.call(&had, "POST", "/v1/chatroom", Some(room)).await.expect(201)["chatroom_id"].clone();
    let mute = format!("/v1/chatroom/{room}/forbidden/dave?status=1");
    old.call(&had, "PUT", &mute, None).await.expect(204);

    let files = Files::new();
    let counts = run(&source_of(&old, &had), &target(&new, &app), files.journal(&app)).await.expect("it comes along");
    let expected = [
        ("admins", 1),
        ("avatars", 1),
        ("blacklisted", 1),
        ("friends", 4),
        ("groups", 1),
        ("members of groups", 2),
        ("members of rooms", 3),
        ("rooms", 1),
        ("users", 4),
    ];
    assert_eq!(counts, expected.map(|(what, count)| (what.to_owned(), count)).into(), "{:?}", files.lines());

    let users = new.call(&app, "GET", "/v1/users?start=0&count=9", None).await.expect(200);
    assert_eq!(names(&users["users"]), ["alice", "bob", "carol", "dave"]);
    assert_eq!(names(&new.call(&app, "GET", "/v1/admins?start=0&count=9", None).await.expect(200)["users"]), ["root"]);
    let alice = new.call(&app, "GET", "/v1/users/alice", None).await.expect(200);
    for (key, value) in
        [("nickname", json!("Alice")), ("gender", json!(2)), ("extras", json!({"level": 3})), ("avatar", json!(avatar))]
    {
        assert_eq!(alice[key], value, "{key}");
    }
    new.call(&app, "GET", &format!("/v1/resource?mediaId={avatar}"), None).await.expect(200);
    let friends = new.call(&app, "GET", "/v1/users/alice/friends", None).await.expect(200);
    assert_eq!((names(&friends), &friends[0]["note_name"]), (vec!["bob".into(), "carol".into()], &json!("Bobby")));
    assert_eq!(names(&new.call(&app, "GET", "/v1/users/bob/blacklist", None).await.expect(200)), ["dave"]);

    let mapped = |what: &str| files.lines().into_iter().find(|line| line["what"] == what).expect("a line");
    let (group, chatroom) = (mapped("group"), mapped("room"));
    assert_eq!((&group["old"], &group["name"], &chatroom["old"]), (&gid, &json!("walkers"), &room));
    let shown = new.call(&app, "GET", &format!("/v1/groups/{}", group["new"]), None).await.expect(200);
    assert_eq!(
        (&shown["owner_username"], &shown["desc"], &shown["flag"]),
        (&json!("bob"), &json!("weekend"), &json!(2))
    );
    let members = format!("/v1/chatroom/{}/members?start=0&count=9", chatroom["new"]);
    let members = new.call(&app, "GET", &members, None).await.expect(200);
    let flag_of = |name: &str| {
        members["users"]
            .as_array()
            .expect("a list")
            .iter()
            .find(|one| one["username"] == name)
            .map(|one| one["flag"].clone())
    };
    assert_eq!(
        (members["total"].clone(), flag_of("dave"), flag_of("carol")),
        (json!(3), Some(json!(1)), Some(json!(0)))
    );

    // Begun anew from the start: everything is here, and nothing comes twice.
    let again = Files::new();
    run(&source_of(&old, &had), &target(&new, &app), again.journal(&app)).await.expect("it comes along again");
    assert_eq!(again.lines(), files.lines());
    assert_eq!(new.call(&app, "GET", "/v1/groups?start=0&count=9", None).await.expect(200)["total"], 1);
    assert_eq!(new.call(&app, "GET", "/v1/users/alice/friends", None).await.expect(200), friends);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_reads_everything_and_changes_nothing() {
    let (old, new) = (World::new().await, World::new().await);
    let (had, app) = (old.app("shop").await, new.app("shop2").await);
    old.users(&had, &["alice", "bob"]).await;
    let group = json!({"owner_username": "bob", "name": "walkers", "members_username": ["alice"]});
    old.call(&had, "POST", "/v1/groups", Some(group)).await.expect(201);
    let files = Files::new();
    let import = Import { kind: "test".into(), app_key: app.key.clone(), from: "here".into() };
    let dry = Target { is_dry: true, ..target(&new, &app) };
    let journal = Journal::dry(import, Some(&files.report())).expect("opened");
    let counts = run(&source_of(&old, &had), &dry, journal).await.expect("read");
    assert_eq!((counts["users"], counts["groups"]), (2, 1));
    assert_eq!(new.call(&app, "GET", "/v1/users?start=0&count=9", None).await.expect(200)["total"], 0);
    assert!(!files.state().exists());
}

/// A source that gives these answers by path, and dies, as it were, at a request.
struct MadeSource {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    /// Told when the request of this number has come; it is never answered.
    silent_at: Option<usize>,
    reached: Arc<Notify>,
}

type Answers = BTreeMap<String, Vec<String>>;

impl MadeSource {
    /// Each path has answers, whole ones; the last is given again and again.
    async fn with(answers: Answers, silent_at: Option<usize>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let (asked, reached) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Notify::new()));
        let given = Arc::new(Mutex::new(answers));
        let (asked_there, reached_there) = (asked.clone(), reached.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (given, asked, reached) = (given.clone(), asked_there.clone(), reached_there.clone());
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    loop {
                        let mut path = None;
                        loop {
                            let mut line = String::new();
                            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                                return;
                            }
                            if line.trim().is_empty() {
                                break;
                            }
                            path = path.or_else(|| line.split(' ').nth(1).map(str::to_owned));
                        }
                        let path = path.unwrap_or_default();
                        let number = {
                            let mut asked = asked.lock().expect("whole");
                            asked.push(path.clone());
                            asked.len()
                        };
                        if silent_at == Some(number) {
                            reached.notify_one();
                            return std::future::pending().await;
                        }
                        let answer = {
                            let mut given = given.lock().expect("whole");
                            match given.get_mut(&path) {
                                Some(answers) if answers.len() > 1 => answers.remove(0),
                                Some(answers) => answers[0].clone(),
                                None => refused(404, 800_008),
                            }
                        };
                        if stream.write_all(answer.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { url, asked, silent_at, reached }
    }

    fn source(&self) -> Source {
        let ca = None::<&Path>;
        // The system's authorities are not needed for plain HTTP, but looked for; any file of one will do.
        Source::new(order(&self.url, "k", "s"), ca.or(Some(authority()))).expect("made")
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("whole").clone()
    }
}

/// A certificate of some authority, which nobody uses.
fn authority() -> &'static Path {
    static FILE: std::sync::OnceLock<(TempDir, PathBuf)> = std::sync::OnceLock::new();
    &FILE
        .get_or_init(|| {
            let folder = tempfile::tempdir().expect("a folder");
            let key = rcgen::KeyPair::generate().expect("a key");
            let certificate = rcgen::CertificateParams::new(vec!["nobody".to_owned()]).expect("parameters");
            let path = folder.path().join("ca.pem");
            std::fs::write(&path, certificate.self_signed(&key).expect("signed").pem()).expect("written");
            (folder, path)
        })
        .1
}

fn ok(body: &Value) -> String {
    let body = body.to_string();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn refused(status: u16, code: u64) -> String {
    let body = json!({"error": {"code": code, "message": "no"}}).to_string();
    format!("HTTP/1.1 {status} No\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn page(key: &str, items: Value) -> Value {
    let count = items.as_array().map_or(0, Vec::len);
    json!({"total": count, "start": 0, "count": count, key: items})
}

/// Three people who may come, one who may not, a group, and a room; each list is one page.
fn small_app() -> Answers {
    let users = json!([
        {"username": "alice", "nickname": "A"}, {"username": "bob", "nickname": "two\nlines"},
        {"username": "carol"}, {"username": "_no one_"},
    ]);
    let mut answers: Vec<(&str, Value)> = vec![
        ("/v1/users?start=0&count=500", page("users", users)),
        ("/v1/admins?start=0&count=500", page("users", json!([{"username": "root"}]))),
        (
            "/v1/groups?start=0&count=500",
            page(
                "groups",
                json!([
                    {"gid": 7_000_000_001_u64, "name": "walkers", "owner_username": "bob", "flag": 1, "MaxMemberCount": 200},
                    {"gid": 12, "name": "x".repeat(70), "owner_username": "ghost"},
                    {"name": "without a number"},
                ]),
            ),
        ),
        (
            "/v1/groups/7000000001/members",
            json!([{"username": "bob", "flag": 1}, {"username": "alice", "flag": 0}, {"username": "ghost"}]),
        ),
        ("/v1/groups/12/members", json!([{"username": "ghost", "flag": 1}])),
        (
            "/v1/chatroom?start=0&count=500",
            page("rooms", json!([{"id": 5, "name": "launch", "owner_username": "carol"}])),
        ),
        (
            "/v1/chatroom/5/members?start=0&count=500",
            page("users", json!([{"username": "carol", "flag": 0}, {"username": "alice", "flag": 1}])),
        ),
        ("/v1/users/alice/friends", json!([{"username": "bob", "note_name": "Bobby"}, {"username": "gone"}])),
        ("/v1/users/bob/friends", json!([{"username": "alice"}])),
        ("/v1/users/carol/blacklist", json!([{"username": "bob"}, {"username": "root"}])),
    ];
    for name in ["alice", "bob", "carol"] {
        answers.push((leak(format!("/v1/users/{name}")), json!({"username": name, "extras": {"of": name}})));
        for list in ["friends", "blacklist"] {
            let path = leak(format!("/v1/users/{name}/{list}"));
            if answers.iter().all(|(known, _)| *known != path) {
                answers.push((path, json!([])));
            }
        }
    }
    answers.into_iter().map(|(path, body)| (path.to_owned(), vec![ok(&body)])).collect()
}

fn leak(text: String) -> &'static str {
    text.leak()
}

/// All that came of it, as app servers see it; numbers of groups and rooms left out.
async fn all_of(world: &World, app: &App) -> Vec<Value> {
    let mut all = Vec::new();
    for path in [
        "/v1/users?start=0&count=9",
        "/v1/admins?start=0&count=9",
        "/v1/users/alice/friends",
        "/v1/users/carol/blacklist",
    ] {
        all.push(world.call(app, "GET", path, None).await.expect(200));
    }
    let groups = world.call(app, "GET", "/v1/groups?start=0&count=9", None).await.expect(200);
    let rooms = world.call(app, "GET", "/v1/chatroom?start=0&count=9", None).await.expect(200);
    for (list, path, id) in [(&groups["groups"], "groups", "gid"), (&rooms["rooms"], "chatroom", "id")] {
        for item in list.as_array().expect("a list") {
            let members = format!("/v1/{path}/{}/members?start=0&count=9", item[id]);
            all.push(json!([item["name"], item["owner_username"]]));
            all.push(world.call(app, "GET", &members, None).await.expect(200));
        }
    }
    all.iter_mut().for_each(drop_times);
    all
}

fn drop_times(value: &mut Value) {
    match value {
        Value::Object(object) => {
            ["ctime", "mtime", "room_ctime", "appkey"].iter().for_each(|key| drop(object.remove(*key)));
            object.values_mut().for_each(drop_times);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_times),
        _ => {}
    }
}

fn without_new_ids(mut lines: Vec<Value>) -> Vec<Value> {
    lines.iter_mut().filter_map(Value::as_object_mut).for_each(|line| drop(line.remove("new")));
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_request_it_goes_on_to_the_same_end() {
    let world = World::new().await;
    let app = world.app("whole").await;
    let (made, files) = (MadeSource::with(small_app(), None).await, Files::new());
    run(&made.source(), &target(&world, &app), files.journal(&app)).await.expect("in one go");
    let (whole, report) = (all_of(&world, &app).await, without_new_ids(files.lines()));
    let requests = made.asked().len();
    assert_eq!(
        made.asked().iter().collect::<std::collections::BTreeSet<_>>().len(),
        requests - 1,
        "the page of users twice"
    );

    for number in 1..=requests {
        let app = world.app(&format!("at {number}")).await;
        let files = Files::new();
        let made = MadeSource::with(small_app(), Some(number)).await;
        let (source, target) = (made.source(), target(&world, &app));
        assert_eq!(made.silent_at, Some(number));
        tokio::select! {
            () = made.reached.notified() => {}
            done = run(&source, &target, files.journal(&app)) => panic!("it ended before request {number}: {done:?}"),
        }
        let made = MadeSource::with(small_app(), None).await;
        run(&made.source(), &target, files.journal(&app)).await.expect("it goes on");
        assert_eq!(all_of(&world, &app).await, whole, "killed at request {number}");
        assert_eq!(without_new_ids(files.lines()), report, "killed at request {number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_listed_with_its_reason() {
    let world = World::new().await;
    let app = world.app("listed").await;
    let (made, files) = (MadeSource::with(small_app(), None).await, Files::new());
    let counts = run(&made.source(), &target(&world, &app), files.journal(&app)).await.expect("the rest comes");
    let left_out = files.left_out();
    for (name, why) in [
        ("_no one_", "starts with a letter"),
        ("nickname", "one line"),
        ("gone", "no user gone is here"),
        ("root", "an admin cannot be on a blacklist"),
        ("ghost", "no user ghost is here"),
        ("name", "it was cut"),
        ("", "no user ghost is here"),
        ("", "it has no number"),
    ] {
        let is_listed = left_out.iter().any(|(listed, reason)| listed == name && reason.contains(why));
        assert!(is_listed, "{name:?} {why:?} is not in {left_out:#?}");
    }
    assert_eq!(counts["left out"], left_out.len() as u64);
    let not_carried: Vec<_> = files.lines().into_iter().filter(|line| line["what"] == "not_carried").collect();
    assert!(not_carried.iter().any(|line| line["name"].as_str().is_some_and(|name| name.starts_with("passwords"))));
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_other_apps_do_not_become_the_own_ones_of_the_same_names() {
    let world = World::new().await;
    let app = world.app("own").await;
    let mut answers = small_app();
    for (path, body) in [
        (
            "/v1/users/alice/friends",
            json!([{"username": "bob", "appkey": "other"}, {"username": "carol", "appkey": "k"}]),
        ),
        ("/v1/users/bob/friends", json!([])),
        ("/v1/users/carol/blacklist", json!([{"username": "bob", "appkey": "other"}])),
        (
            "/v1/groups/7000000001/members",
            json!([{"username": "bob", "flag": 1, "appkey": "other"}, {"username": "alice", "appkey": "k"}]),
        ),
        (
            "/v1/chatroom/5/members?start=0&count=500",
            page("users", json!([{"username": "carol", "flag": 0}, {"username": "bob", "flag": 1, "appkey": "other"}])),
        ),
    ] {
        answers.insert(path.to_owned(), vec![ok(&body)]);
    }
    let (made, files) = (MadeSource::with(answers, None).await, Files::new());
    run(&made.source(), &target(&world, &app), files.journal(&app)).await.expect("the rest comes");

    let friends = world.call(&app, "GET", "/v1/users/alice/friends", None).await.expect(200);
    assert_eq!(names(&friends), ["carol"]);
    let blocked = world.call(&app, "GET", "/v1/users/carol/blacklist", None).await.expect(200);
    assert_eq!(names(&blocked), Vec::<String>::new());
    let groups = world.call(&app, "GET", "/v1/groups?start=0&count=9", None).await.expect(200);
    let group = &groups["groups"][0];
    assert_eq!(group["owner_username"], "alice", "the oldest member in place of somebody else's user");
    let members = world.call(&app, "GET", &format!("/v1/groups/{}/members", group["gid"]), None).await.expect(200);
    assert_eq!(names(&members), ["alice"]);
    let rooms = world.call(&app, "GET", "/v1/chatroom?start=0&count=9", None).await.expect(200);
    let path = format!("/v1/chatroom/{}/members?start=0&count=9", rooms["rooms"][0]["id"]);
    let members = world.call(&app, "GET", &path, None).await.expect(200);
    assert_eq!(names(&members["users"]), ["carol"]);
    let others = files.left_out().into_iter().filter(|(name, why)| name == "bob" && why.contains("another app"));
    assert_eq!(others.count(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_in_trouble_is_waited_for_and_one_that_refuses_is_named() {
    let world = World::new().await;
    let app = world.app("patient").await;
    let mut answers = small_app();
    let busy = "HTTP/1.1 429 Slow\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n".to_owned();
    let broken = "HTTP/1.1 503 Broken\r\ncontent-length: 0\r\n\r\n".to_owned();
    for (path, first) in [("/v1/users?start=0&count=500", busy), ("/v1/users/alice/friends", broken)] {
        answers.get_mut(path).expect("known").insert(0, first);
    }
    let (made, files) = (MadeSource::with(answers, None).await, Files::new());
    run(&made.source(), &target(&world, &app), files.journal(&app)).await.expect("waited for");

    for (answer, is_expected) in [
        (refused(401, 899_008), (|error| matches!(error, SourceError::Credentials(_))) as fn(&SourceError) -> bool),
        (refused(403, 899_000), |error| matches!(error, SourceError::Refused { status: 403, code: 899_000, .. })),
        (ok(&json!({"users": []})), |error| matches!(error, SourceError::Strange { .. })),
        (ok(&json!({"total": 1, "users": 7})), |error| matches!(error, SourceError::Strange { .. })),
        (ok(&json!({"total": 9999, "users": vec![json!({}); 1001]})), |error| {
            matches!(error, SourceError::Strange { .. })
        }),
        ("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnope".to_owned(), |error| {
            matches!(error, SourceError::Strange { .. })
        }),
    ] {
        let answers = [("/v1/users?start=0&count=500".to_owned(), vec![answer.clone()])].into();
        let (made, files) = (MadeSource::with(answers, None).await, Files::new());
        match run(&made.source(), &target(&world, &app), files.journal(&app)).await {
            Err(ImportError::Source(error)) if is_expected(&error) => {}
            other => panic!("{answer}: {other:?}"),
        }
    }
    let nowhere = Target { app: "nobody".into(), ..target(&world, &app) };
    assert!(matches!(nowhere.app_key().await, Err(ImportError::Refused(_))));
}

const RIGHT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"ok\":true}";
const WRONG: &str = "HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{\"ok\":false}";

fn ask_for_passwords(config: &mut Config, server: &AppServer) {
    let url = Url::parse(&server.url).expect("an address");
    config.password_callbacks.push(PasswordCallback { app: None, url, wait: Duration::from_secs(10) });
}

/// A user who came without a password.
async fn bring(world: &World, app: &App, username: &str) {
    let user = ImportedUser { username: username.into(), is_admin: false, profile: ProfileChange::default() };
    let request = Request::Import { app: app.key.clone(), piece: ImportPiece::Users(vec![user]) };
    let socket = target(world, app).socket;
    let reply = tokio::task::spawn_blocking(move || admin::ask(&socket, &request)).await.expect("asked");
    assert!(matches!(reply, Ok(Reply::Imported(_))), "{reply:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_login_takes_the_password_that_the_apps_server_knows() {
    let mut server = AppServer::with(&[WRONG, RIGHT, WRONG]).await;
    let world = World::with(|config| ask_for_passwords(config, &server)).await;
    let app = world.app("moved").await;
    bring(&world, &app, "alice").await;
    let mut person = Person::on(Platform::ANDROID, &world, &app).await;
    assert_eq!(person.log_in("alice", "guess").await, Err(ErrorCode::PASSWORD_WRONG));
    let letter = server.letter().await;
    assert_eq!(letter.events, json!({"username": "alice", "password": "guess"}));
    assert!(letter.headers.contains_key("x-anser-signature"));
    assert_eq!(person.log_in("alice", "her own").await, Ok(()));
    // From now on it is ours, and nobody is asked: the server would say no.
    let mut other = Person::on(Platform::IOS, &world, &app).await;
    assert_eq!(other.log_in("alice", "her own").await, Ok(()));
    assert_eq!(other.log_in("alice", "another").await, Err(ErrorCode::PASSWORD_WRONG));
    assert_eq!(server.letter().await.events["password"], "her own");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_clear_answer_nobody_is_let_in_and_no_password_is_taken() {
    let server = AppServer::with(&[LATER]).await;
    let world = World::with(|config| ask_for_passwords(config, &server)).await;
    let app = world.app("silent").await;
    bring(&world, &app, "alice").await;
    let mut person = Person::on(Platform::ANDROID, &world, &app).await;
    assert_eq!(person.log_in("alice", "secret").await, Err(ErrorCode::BUSY), "it may be asked again");
    assert_eq!(person.log_in("nobody", "secret").await, Err(ErrorCode::USER_UNKNOWN));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_guesses_is_held_back_before_the_apps_server_is_asked() {
    let server = AppServer::with(&[WRONG; 12]).await;
    let world = World::with(|config| ask_for_passwords(config, &server)).await;
    let app = world.app("guessed").await;
    bring(&world, &app, "alice").await;
    bring(&world, &app, "bob").await;
    let mut person = Person::on(Platform::ANDROID, &world, &app).await;
    let mut answers = Vec::new();
    for number in 0..12 {
        answers.push(person.log_in("alice", &format!("guess {number}")).await.expect_err("none is right"));
    }
    assert_eq!(answers.iter().filter(|code| **code == ErrorCode::PASSWORD_WRONG).count(), 10, "{answers:?}");
    assert_eq!(person.log_in("bob", "guess").await, Err(ErrorCode::PASSWORD_WRONG), "each is counted alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_to_ask_an_operator_sets_the_password() {
    let world = World::new().await;
    let app = world.app("alone").await;
    bring(&world, &app, "alice").await;
    let mut person = Person::on(Platform::ANDROID, &world, &app).await;
    for guess in ["", "secret"] {
        assert_eq!(person.log_in("alice", guess).await, Err(ErrorCode::PASSWORD_WRONG), "{guess:?}");
    }
    world.call(&app, "PUT", "/v1/users/alice/password", Some(json!({"new_password": "secret"}))).await.expect(204);
    assert_eq!(person.log_in("alice", "secret").await, Ok(()));
}

/// Registers a device that says which id it had elsewhere; which one it has now.
async fn come(world: &World, app: &App, former: &[u8]) -> Result<String, ErrorCode> {
    let mut peer = Peer::connect(world).await;
    let ClientFrame::Hello(said) = hello(&app.key, "", peer.secret) else { panic!("a hello is one") };
    let extensions = said.extensions.clone().with(tag::FORMER_REGISTRATION_ID, former.to_vec());
    peer.say(&ClientFrame::Hello(Hello { extensions, ..said })).await;
    match peer.hear().await {
        Some(ServerFrame::Welcome(welcome)) => Ok(welcome.registration_id),
        Some(ServerFrame::Failed(failed)) => Err(failed.code),
        other => panic!("no answer to a hello: {other:?}"),
    }
}

async fn bring_devices(
    files: &Files,
    source: Option<&Source>,
    target: &Target,
    app: &App,
    text: &str,
) -> BTreeMap<String, u64> {
    let path = files.0.path().join("ids.txt");
    std::fs::write(&path, text).expect("written");
    let (mut journal, mut progress) = (files.journal(app), Progress::hidden());
    let run = Jpush { source, target, journal: &mut journal, progress: &mut progress };
    run.run(&path).await.expect("taken in")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_keeps_its_former_id_with_what_was_known_of_it() {
    let (old, new) = (World::new().await, World::new().await);
    let (had, app) = (old.app("shop").await, new.app("shop2").await);
    old.device(&had, "190e35f7e07c6a2f1b3", Platform::ANDROID).await;
    let update = json!({"tags": {"add": ["vip", "north"]}, "alias": "alice", "mobile": "13800000000"});
    old.call(&had, "POST", "/v3/devices/190e35f7e07c6a2f1b3", Some(update)).await.expect(200);
    let files = Files::new();
    let text = "registration_id\n190e35f7e07c6a2f1b3\n# left behind\nunknown1\n161a3797c80,bob,south;b d,\n";
    let source = source_of(&old, &had);
    let counts = bring_devices(&files, Some(&source), &target(&new, &app), &app, text).await;
    assert_eq!(counts, [("devices".to_owned(), 2), ("left out".to_owned(), 2)].into(), "{:?}", files.lines());

    let push = json!({"platform": "all", "audience": {"alias": ["alice"]}, "notification": {"alert": "news"}});
    new.call(&app, "POST", "/v3/push", Some(push.clone())).await.refused(400, 1011);
    assert_eq!(come(&new, &app, b"190e35f7e07c6a2f1b3").await.as_deref(), Ok("190e35f7e07c6a2f1b3"));
    let shown = new.call(&app, "GET", "/v3/devices/190e35f7e07c6a2f1b3", None).await.expect(200);
    assert_eq!(shown, json!({"tags": ["north", "vip"], "alias": "alice", "mobile": "13800000000"}));
    new.call(&app, "POST", "/v3/push", Some(push)).await.expect(200);
    assert_eq!(come(&new, &app, b"161a3797c80").await.as_deref(), Ok("161a3797c80"));
    let shown = new.call(&app, "GET", "/v3/devices/161a3797c80", None).await.expect(200);
    assert_eq!((&shown["alias"], &shown["tags"]), (&json!("bob"), &json!(["south"])));

    // The second who says it, and one whom nobody waits for, are new devices.
    for former in [&b"190e35f7e07c6a2f1b3"[..], b"nobody waits"] {
        let own = come(&new, &app, former).await.expect("a new device");
        assert!(own.len() == 19 && own.as_bytes() != former, "{own}");
        let shown = new.call(&app, "GET", &format!("/v3/devices/{own}"), None).await.expect(200);
        assert_eq!(shown["tags"], json!([]));
    }
    for wrong in [&b""[..], &[b'x'; 65], b"\xff\xfe"] {
        assert_eq!(come(&new, &app, wrong).await, Err(ErrorCode::INVALID), "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_may_wait_for_no_devices() {
    let world = World::with(|config| config.adopt_days = None).await;
    let app = world.app("closed").await;
    let files = Files::new();
    let path = files.0.path().join("ids.txt");
    std::fs::write(&path, "abc,alice\n").expect("written");
    let (mut journal, mut progress, target) = (files.journal(&app), Progress::hidden(), target(&world, &app));
    let run = Jpush { source: None, target: &target, journal: &mut journal, progress: &mut progress };
    match run.run(&path).await {
        Err(ImportError::Refused(why)) => assert!(why.contains("imports.adopt_days"), "{why}"),
        other => panic!("{other:?}"),
    }
}
