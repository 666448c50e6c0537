//! The scenarios in which the client contract (section F.9) says what must hold, with clients against the real daemon.
//! Number 10 is a test of the store, where time is a value; 11 stands in `media`; 4 is a test of `daemon`, among those of
//! reads.

mod heard;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anser_client::session::{self, LabelAnswer, LabelCall, Request, Transport};
use anser_client::shell::{Choice, Client, Dialer, Options, SendFailed, Trust};
use anser_client::store::{FileStore, MemoryStore, Store};
use anser_protocol::content::{Content, ContentKind, Platform};
use anser_protocol::error::ErrorCode;
use anser_protocol::ids::{GroupId, Position};
use anser_protocol::names::Chat;
use anser_tests::binaries;
use anser_tests::daemon::{App, Daemon, Plan};
use anser_tests::https::Https;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use self::heard::{Heard, whole_history};

/// Only what hangs meets it.
const PATIENCE: Duration = Duration::from_secs(100);

#[tokio::test(flavor = "multi_thread")]
async fn f9_01_a_thousand_messages_over_a_network_that_comes_and_goes_arrive_once_and_in_order() {
    let place = Place::new(&["alice", "bob"]).await;
    let gate = Gate::open(place.daemon.address()).await;
    let alice = place.device("alice").log_in().await;
    let mut bob = place.device("bob").through(gate.address).log_in().await;
    let client = bob.client.clone();
    let sending = async {
        for number in 0..1000 {
            alice.say(&Chat::User("bob".into()), &format!("m{number}")).await;
            if number % 50 == 25 {
                gate.cut();
                client.network_changed("another").await;
            }
        }
    };
    let listening = async {
        for number in 0..1000 {
            assert_eq!(bob.events.text().await, format!("m{number}"));
        }
    };
    tokio::join!(sending, listening);
    assert!(gate.links_cut() >= 5, "the network went away {} times", gate.links_cut());
    alice.say(&Chat::User("bob".into()), "the last").await;
    assert_eq!(bob.events.text().await, "the last", "and nothing came twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn f9_02_a_listener_that_is_killed_loses_nothing() {
    let place = Place::new(&["alice", "bob"]).await;
    let state = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::listen(&place, state.path(), "bob", "desktop").await;
    terminal.until("caught_up").await;
    let alice = place.device("alice").log_in().await;
    let mut printed = Vec::new();
    for number in 0..200 {
        alice.say(&Chat::User("bob".into()), &format!("m{number}")).await;
        if number == 100 {
            printed.push(terminal.next_text().await.expect("it listens"));
            terminal.process.start_kill().expect("it runs");
        }
    }
    while let Some(text) = terminal.next_text().await {
        printed.push(text);
    }
    let mut again = Terminal::listen(&place, state.path(), "bob", "desktop").await;
    let mut rest = Vec::new();
    while rest.last().is_none_or(|text| text != "m199") {
        rest.push(again.next_text().await.expect("it listens"));
    }
    // What was printed at the moment of death may be printed again.
    let first = rest.first().cloned().unwrap_or_default();
    if let Some(place) = printed.iter().position(|text| *text == first) {
        assert!(printed.len() - place <= 2, "{} were printed twice", printed.len() - place);
        printed.truncate(place);
    }
    printed.extend(rest);
    let expected: Vec<String> = (0..200).map(|number| format!("m{number}")).collect();
    assert_eq!(printed, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn f9_03_a_message_whose_answer_was_lost_is_sent_again_by_the_next_process_and_arrives_once() {
    let place = Place::new(&["alice", "bob"]).await;
    let gate = Gate::open(place.daemon.address()).await;
    let store = tempfile::tempdir().expect("a folder");
    let mut bob = place.device("bob").log_in().await;
    let alice = place.device("alice").stored(store.path()).through(gate.address).log_in().await;
    gate.swallow_answers();
    let posted = alice.client.post(Chat::User("bob".into()), Content::text("once")).await;
    let (_, mut outcome) = posted.expect("the outbox has room");
    assert_eq!(bob.events.text().await, "once");
    assert!(outcome.try_recv().is_err(), "the answer was to be lost");
    // The process ends with its links and its store as they are.
    drop(alice);
    gate.cut();

    let mut alice = place.device("alice").stored(store.path()).log_in().await;
    let is_sent = |event: &session::Event| matches!(event, session::Event::Sent { .. });
    alice.events.session(is_sent).await;
    alice.say(&Chat::User("bob".into()), "twice").await;
    assert_eq!(bob.events.text().await, "twice", "the first did not come again");
}

#[tokio::test(flavor = "multi_thread")]
async fn f9_05_a_login_on_another_phone_ends_the_first_one_which_still_gets_pushes() {
    let place = Place::new(&["alice", "bob"]).await;
    let mut android = place.device("bob").of(Platform::ANDROID).log_in().await;
    let mut ios = place.device("bob").of(Platform::IOS).log_in().await;
    let is_told = |event: &session::Event| matches!(event, session::Event::LoginFailed { code, .. } if *code == ErrorCode::LOGGED_IN_ELSEWHERE);
    android.events.session(is_told).await;
    let alice = place.device("alice").log_in().await;
    alice.say(&Chat::User("bob".into()), "to the new one").await;
    assert_eq!(ios.events.text().await, "to the new one");
    let push = json!({"platform": "all", "audience": "all", "notification": {"alert": "to both"}});
    place.post("/v3/push", &push, 200).await;
    // Had the first phone still been logged in, the message would have come before the push.
    android.events.only_a_push().await;
    ios.events.only_a_push().await;
}

/// Unread counts are the part of this scenario that is not looked at here.
#[tokio::test(flavor = "multi_thread")]
async fn f9_06_three_hundred_messages_in_five_chats_that_were_missed_come_chat_by_chat() {
    let place = Place::new(&["bob", "u0", "u1", "u2", "u3", "u4"]).await;
    let store = tempfile::tempdir().expect("a folder");
    let bob = place.device("bob").stored(store.path()).log_in().await;
    bob.client.stop().await;
    for number in 0..300 {
        place.say(&format!("u{}", number % 5), "single", "bob", &format!("m{number}")).await;
    }
    let mut bob = place.device("bob").stored(store.path()).log_in().await;
    let mut by_chat = vec![Vec::new(); 5];
    for _ in 0..300 {
        let message = bob.events.message().await;
        let Chat::User(from) = &message.chat else { panic!("{message:?}") };
        let chat: usize = from[1..].parse().expect("a number");
        by_chat[chat].push(message.record.content.as_text().expect("a text").to_owned());
    }
    for (chat, texts) in by_chat.iter().enumerate() {
        let expected: Vec<String> = (0..60).map(|number| format!("m{}", number * 5 + chat)).collect();
        assert_eq!(*texts, expected);
    }
    let rows = bob.client.stored_conversations("bob").await.expect("its store can be read");
    assert_eq!(rows.len(), 5);
}

/// Fifty senders are asked for; here all five hundred write at once.
#[tokio::test(flavor = "multi_thread")]
async fn f9_07_all_members_of_a_group_of_five_hundred_write_at_once_and_see_the_same_order() {
    const MEMBERS: usize = 500;
    const CONNECTED: usize = 50;
    let names: Vec<String> = (0..MEMBERS).map(|number| format!("goose{number}")).collect();
    let place = Place::new(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let group = json!({"owner_username": "goose0", "name": "geese", "members_username": names[1..]});
    let made = place.post("/v1/groups", &group, 201).await;
    let group = Chat::Group(GroupId(u32::try_from(made["gid"].as_u64().expect("a number")).expect("short")));
    let mut devices = Vec::new();
    for name in &names[..CONNECTED] {
        devices.push(place.device(name).log_in().await);
    }

    // As many requests at a time as an app server has connections.
    let connections = Arc::new(Semaphore::new(32));
    let mut writing = JoinSet::new();
    for name in &names[CONNECTED..] {
        let (https, gid, connections) = (place.https(), made["gid"].to_string(), connections.clone());
        let name = name.clone();
        writing.spawn(async move {
            let _one = connections.acquire().await;
            say_by(&https, &name, "group", &gid, &name).await;
        });
    }
    for device in &devices {
        let (client, group, name) = (device.client.clone(), group.clone(), device.user.clone());
        writing.spawn(async move { client.send(group, Content::text(&name)).await.map(drop).expect("sent") });
    }
    let mut orders = JoinSet::new();
    for device in devices {
        orders.spawn(async move {
            // With the last handle of a client its events end.
            let Device { client: _stays, mut events, user } = device;
            let mut order = Vec::new();
            // One's own comes by its answer.
            while order.len() < MEMBERS - 1 {
                let message = events.message().await;
                // Events of the group are no messages.
                if message.record.content.kind == ContentKind::TEXT {
                    order.push((message.record.position, message.record.content.body));
                }
            }
            (user, order)
        });
    }
    while let Some(written) = writing.join_next().await {
        written.expect("everybody may write");
    }
    let late = place.device(&names[MEMBERS - 1]).log_in().await;
    let mut expected = whole_history(&late.client, &group).await;
    expected.reverse();
    assert_eq!(expected.len(), MEMBERS, "each message is there once");
    while let Some(order) = orders.join_next().await {
        let (user, order) = order.expect("no panic");
        let of_others: Vec<_> = expected.iter().filter(|(_, text)| text != user.as_bytes()).cloned().collect();
        assert!(order == of_others, "{user} saw another order");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f9_08_a_broadcast_reaches_each_device_once_and_is_counted() {
    let place = Place::new(&["bob"]).await;
    let mut chatting = place.device("bob").of(Platform::ANDROID).log_in().await;
    let mut plain = place.device("nobody").of(Platform::ANDROID).connect().await;
    let push = json!({"platform": "all", "audience": "all", "notification": {"alert": "to all"}});
    let msg_id = place.post("/v3/push", &push, 200).await["msg_id"].as_str().expect("digits").to_owned();
    for device in [&mut chatting, &mut plain] {
        let push = device.events.only_a_push().await;
        assert_eq!(push.msg_id.0.to_string(), msg_id);
        let clicked = Request::PushClicked { pushes: vec![push.msg_id] };
        device.client.request(clicked).await.expect("noted");
    }
    let second = place.post("/v3/push", &push, 200).await["msg_id"].as_str().expect("digits").to_owned();
    for device in [&mut chatting, &mut plain] {
        assert_eq!(device.events.only_a_push().await.msg_id.0.to_string(), second, "the first did not come again");
    }
    // Receipts are gathered for a moment.
    let counted = async {
        let path = format!("/v3/messages/detail?msg_ids={msg_id}");
        while place.get(&path).await[0]["jpush"]["received"] != 2 {}
        place.get(&path).await[0]["jpush"].clone()
    };
    let counted = timeout(PATIENCE, counted).await.expect("both receipts are counted");
    assert_eq!((&counted["target"], &counted["click"]), (&json!(2), &json!(2)), "{counted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn f9_09_an_alias_that_was_changed_finds_nobody_under_the_old_name() {
    let place = Place::new(&[]).await;
    let mut device = place.device("nobody").connect().await;
    for alias in ["first", "second"] {
        let set = device.client.label(1, LabelCall::SetAlias(alias.to_owned())).await.expect("set");
        assert_eq!(set, LabelAnswer::Alias(alias.to_owned()));
    }
    let push =
        |alias: &str| json!({"platform": "all", "audience": {"alias": [alias]}, "notification": {"alert": alias}});
    assert_eq!(place.post("/v3/push", &push("first"), 400).await["error"]["code"], 1011);
    let msg_id = place.post("/v3/push", &push("second"), 200).await["msg_id"].clone();
    assert_eq!(json!(device.events.only_a_push().await.msg_id.0.to_string()), msg_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn f9_12_a_page_that_is_loaded_again_in_the_middle_of_a_sync_has_no_gap_and_no_double() {
    let place = Place::new(&["alice", "bob"]).await;
    let store = tempfile::tempdir().expect("a folder");
    for number in 0..300 {
        place.say("alice", "single", "bob", &format!("m{number}")).await;
    }
    let mut seen = Vec::new();
    for pages in [20, 100, usize::MAX] {
        let mut page =
            place.device("bob").stored(store.path()).by(Transport::WebSocket).of(Platform::WEB).log_in().await;
        let before = seen.len();
        while seen.last().is_none_or(|text| text != "m299") && seen.len() - before < pages {
            let text = page.events.text().await;
            // The last one was handed out when the page went, and it had not said that it took it.
            if seen.len() == before && seen.last() == Some(&text) {
                continue;
            }
            seen.push(text);
        }
    }
    let expected: Vec<String> = (0..300).map(|number| format!("m{number}")).collect();
    assert_eq!(seen, expected);
}

/// The clock of a device cannot matter: nothing of the client reads it. Order and times are the server's.
#[tokio::test(flavor = "multi_thread")]
async fn f9_13_order_and_times_are_the_servers_whatever_the_devices_clock_says() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../client/src");
    for path in sources(&source) {
        let text = std::fs::read_to_string(&path).expect("a text");
        for clock in ["SystemTime", "UNIX_EPOCH", "chrono::", "OffsetDateTime::now"] {
            assert!(!text.contains(clock), "{path:?} reads the wall clock");
        }
    }
    let place = Place::new(&["alice", "bob"]).await;
    let (alice, mut bob) = (place.device("alice").log_in().await, place.device("bob").log_in().await);
    let sent = alice.say(&Chat::User("bob".into()), "what time is it?").await;
    let came = bob.events.message().await;
    assert_eq!((came.record.position, came.record.at_ms), sent);
    let shown = place.get("/v1/messages?start=0&count=10").await;
    assert_eq!(shown["messages"][0]["msg_ctime"], json!(sent.1));
}

#[tokio::test(flavor = "multi_thread")]
async fn f9_14_chat_goes_on_without_pushes_and_pushes_without_chat_over_the_same_link() {
    let place = Place::new(&["alice", "bob"]).await;
    let (alice, mut bob) = (place.device("alice").log_in().await, place.device("bob").log_in().await);
    let push = json!({"platform": "all", "audience": "all", "notification": {"alert": "x"}});
    bob.client.stop_push().await;
    // Behind this answer the server knows.
    bob.client.request(Request::GroupList).await.expect("answered");
    place.post("/v3/push", &push, 200).await;
    alice.say(&Chat::User("bob".into()), "without pushes").await;
    assert_eq!(bob.events.text().await, "without pushes");
    bob.client.resume_push().await;
    bob.events.push().await;

    bob.client.request(Request::Logout).await.expect("logged out");
    alice.say(&Chat::User("bob".into()), "to nobody").await;
    place.post("/v3/push", &push, 200).await;
    bob.events.only_a_push().await;
    assert!(!bob.events.has_lost_its_link, "one link was held all the time");
}

#[tokio::test(flavor = "multi_thread")]
async fn f9_15_every_text_arrives_as_it_was_written() {
    let place = Place::new(&["alice", "bob"]).await;
    let (alice, mut bob) = (place.device("alice").log_in().await, place.device("bob").log_in().await);
    let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{1f3fd}";
    let texts = [
        family.to_owned(),
        "𠮷野家 鸿雁传书".to_owned(),
        "\u{202b}שלום עולם\u{202c} مرحبا".to_owned(),
        "e\u{301} \u{0} \t \r\n \\ \" </script> %s \u{feff}".to_owned(),
        "𠮷".repeat(1024),
        "x".repeat(4096),
    ];
    for text in &texts {
        alice.say(&Chat::User("bob".into()), text).await;
        assert_eq!(bob.events.text().await, *text);
    }
    let too_long = alice.client.send(Chat::User("bob".into()), Content::text(&"x".repeat(4097))).await;
    assert!(matches!(too_long, Err(SendFailed::NotTaken(_) | SendFailed::Refused { .. })), "{too_long:?}");
    let mut alice = alice;
    // And back over the API, where the limit holds for the body as it is written.
    for text in texts.iter().filter(|text| text.len() < 4000) {
        place.say("bob", "single", "alice", text).await;
        assert_eq!(alice.events.text().await, *text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_user_at_a_phone_and_at_a_computer_sees_the_same_at_both() {
    let place = Place::new(&["alice", "bob"]).await;
    let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    let mut phone = Terminal::listen(&place, folders[0].path(), "bob", "android").await;
    let mut computer = Terminal::listen(&place, folders[1].path(), "bob", "desktop").await;
    for terminal in [&mut phone, &mut computer] {
        terminal.until("caught_up").await;
    }
    place.say("alice", "single", "bob", "to both").await;
    for terminal in [&mut phone, &mut computer] {
        assert_eq!(terminal.next_text().await.as_deref(), Some("to both"));
    }
    // A second phone takes the place of the first, and the computer stays.
    let second = tempfile::tempdir().expect("a folder");
    let mut second = Terminal::listen(&place, second.path(), "bob", "ios").await;
    second.until("caught_up").await;
    let told = phone.until("login_failed").await;
    assert_eq!(told["code"], ErrorCode::LOGGED_IN_ELSEWHERE.0);
    place.say("alice", "single", "bob", "to two").await;
    assert_eq!(computer.next_text().await.as_deref(), Some("to two"));
    // What it missed as a new device comes first.
    while second.next_text().await.expect("it listens") != "to two" {}
}

/// A daemon with an app and its users.
struct Place {
    daemon: Daemon,
    app: App,
    _folder: tempfile::TempDir,
}

impl Place {
    async fn new(users: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut plan = Plan::new(&folder.path().join("data"), &folder.path().join("log"));
        // As cheap as they can be.
        plan.environment.push(("ANSER_PASSWORD_MEMORY_KIB".into(), "8".into()));
        plan.environment.push(("ANSER_PASSWORD_PASSES".into(), "1".into()));
        let daemon = Daemon::start_as(plan).await.expect("the daemon starts");
        let app = daemon.create_app("geese").await.expect("an app is made");
        let place = Self { daemon, app, _folder: folder };
        for part in users.chunks(500) {
            let users: Vec<Value> = part.iter().map(|name| json!({"username": name, "password": "secret"})).collect();
            place.post("/v1/users", &Value::Array(users), 201).await;
        }
        place
    }

    fn https(&self) -> Https {
        self.daemon.https(&self.app).expect("its certificate is there")
    }

    async fn post(&self, path: &str, body: &Value, status: u16) -> Value {
        let answer = self.https().call("POST", path, Some(body)).await.expect("answered");
        assert_eq!(answer.status, status, "{path}: {}", String::from_utf8_lossy(&answer.body));
        answer.json().expect("JSON")
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.https().call("GET", path, None).await.expect("answered");
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
        answer.json().expect("JSON")
    }

    async fn say(&self, from: &str, target_type: &str, to: &str, text: &str) {
        say_by(&self.https(), from, target_type, to, text).await;
    }

    fn device(&self, user: &str) -> Setup<'_> {
        let server = self.daemon.address();
        Setup {
            place: self,
            user: user.to_owned(),
            server,
            transport: Transport::Tcp,
            platform: Platform::DESKTOP,
            store: None,
        }
    }
}

async fn say_by(https: &Https, from: &str, target_type: &str, to: &str, text: &str) {
    let message = json!({
        "version": 1, "target_type": target_type, "target_id": to, "from_type": "user", "from_id": from,
        "msg_type": "text", "msg_body": {"text": text},
    });
    let answer = https.call("POST", "/v1/messages", Some(&message)).await.expect("answered");
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
}

/// How a device is to be.
struct Setup<'a> {
    place: &'a Place,
    user: String,
    server: SocketAddr,
    transport: Transport,
    platform: Platform,
    store: Option<&'a Path>,
}

impl<'a> Setup<'a> {
    fn through(self, server: SocketAddr) -> Self {
        Self { server, ..self }
    }

    fn by(self, transport: Transport) -> Self {
        Self { transport, ..self }
    }

    fn of(self, platform: Platform) -> Self {
        Self { platform, ..self }
    }

    /// Without, it forgets all when it ends.
    fn stored(self, store: &'a Path) -> Self {
        Self { store: Some(store), ..self }
    }

    async fn connect(self) -> Device {
        let mut device = self.start().await;
        device.events.session(|event| matches!(event, session::Event::Connected { .. })).await;
        device
    }

    /// What the store still has for the application is not touched.
    async fn log_in(self) -> Device {
        let device = self.start().await;
        let logged_in = timeout(PATIENCE, device.client.login(&device.user, Some("secret"))).await;
        logged_in.expect("it does not hang").expect("logged in");
        device
    }

    async fn start(self) -> Device {
        let trust = Trust::CaFile(self.place.daemon.ca().to_owned());
        let server = format!("localhost:{}", self.server.port());
        let dialer = Dialer::new(&server, &trust, Choice::Only(self.transport)).expect("a good address");
        let store: Box<dyn Store> = match self.store {
            Some(folder) => Box::new(open_store(&folder.join("store")).await),
            None => Box::new(MemoryStore::default()),
        };
        let options = Options { platform: self.platform, ..Options::new(&self.place.app.app_key) };
        let (client, events) = Client::start(options, dialer, store).expect("a store that was just opened");
        let events = Heard { events, has_lost_its_link: false };
        Device { client, events, user: self.user }
    }
}

/// The store of a client that was dropped is free a moment later.
async fn open_store(path: &Path) -> FileStore {
    let path = path.to_owned();
    let open = tokio::task::spawn_blocking(move || {
        let begun = std::time::Instant::now();
        loop {
            match FileStore::open(&path) {
                Ok(store) => return store,
                Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
            }
            std::thread::yield_now();
        }
    });
    open.await.expect("no panic")
}

struct Device {
    client: Client,
    events: Heard,
    user: String,
}

impl Device {
    /// Returns when the message is on the server's disk: its place and time.
    async fn say(&self, chat: &Chat, text: &str) -> (Position, anser_protocol::ids::TimeMs) {
        let sent = timeout(PATIENCE, self.client.send(chat.clone(), Content::text(text))).await;
        let sent = sent.expect("it is answered").expect("it is accepted");
        (sent.position, sent.at_ms)
    }
}

fn sources(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// `anser listen` of a user.
struct Terminal {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Terminal {
    async fn listen(place: &Place, state: &Path, user: &str, platform: &str) -> Self {
        let mut command = Command::new(binaries::anser());
        command
            .args(["listen", "--user", user, "--password", "secret", "--platform", platform, "--transport", "tcp"])
            .arg("--state-dir")
            .arg(state)
            .env("ANSER_SERVER", place.daemon.address().to_string())
            .env("ANSER_CA", place.daemon.ca())
            .env("ANSER_APP_KEY", &place.app.app_key)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let mut process = command.spawn().expect("the command starts");
        let out = process.stdout.take().expect("standard output was asked to be a pipe");
        Self { process, lines: BufReader::new(out).lines() }
    }

    /// Nothing when it has ended.
    async fn next(&mut self) -> Option<Value> {
        let line = timeout(PATIENCE, self.lines.next_line()).await.expect("a line is printed");
        // Killed, it may end in the middle of a line.
        serde_json::from_str(&line.ok()??).ok()
    }

    async fn until(&mut self, event: &str) -> Value {
        loop {
            let line = self.next().await.expect("it listens");
            if line["event"] == event {
                return line;
            }
        }
    }

    async fn next_text(&mut self) -> Option<String> {
        loop {
            let line = self.next().await?;
            if line["event"] == "message" {
                return line["text"].as_str().map(str::to_owned);
            }
        }
    }
}

/// A way to the daemon that can be cut, or made to lose what the daemon says.
struct Gate {
    address: SocketAddr,
    state: Arc<watch::Sender<GateState>>,
}

#[derive(Clone, Copy, Default)]
struct GateState {
    cuts: usize,
    /// Connections that were cut while they were open.
    ended: usize,
    is_deaf: bool,
}

impl Gate {
    async fn open(daemon: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(watch::Sender::new(GateState::default()));
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((inner, _)) = listener.accept().await {
                tokio::spawn(pass(inner, daemon, shared.clone()));
            }
        });
        Self { address, state }
    }

    fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }

    fn links_cut(&self) -> usize {
        self.state.borrow().ended
    }

    fn swallow_answers(&self) {
        self.state.send_modify(|state| state.is_deaf = true);
    }
}

async fn pass(inner: TcpStream, daemon: SocketAddr, state: Arc<watch::Sender<GateState>>) {
    let Ok(outer) = TcpStream::connect(daemon).await else { return };
    let ((mut from_client, mut to_client), (mut from_daemon, mut to_daemon)) = (inner.into_split(), outer.into_split());
    let mut watched = state.subscribe();
    let cuts = watched.borrow_and_update().cuts;
    let forth = tokio::io::copy(&mut from_client, &mut to_daemon);
    let back = async {
        let mut piece = vec![0; 16 << 10];
        loop {
            match from_daemon.read(&mut piece).await {
                Ok(1..) if state.borrow().is_deaf => {}
                Ok(read @ 1..) if to_client.write_all(&piece[..read]).await.is_ok() => {}
                _ => return,
            }
        }
    };
    // What was waited for is read under a lock, and let go of at once.
    let cut = async { drop(watched.wait_for(|state| state.cuts > cuts).await) };
    tokio::select! {
        _ = forth => {}
        () = back => {}
        () = cut => state.send_modify(|state| state.ended += 1),
    }
}
