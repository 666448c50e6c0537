//! The command `anser` against the real daemon, as a person at a terminal uses it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anser_tests::binaries;
use anser_tests::daemon::{App, Daemon};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// Only a command that hangs meets it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody's terminal on some machine.
struct Terminal {
    server: String,
    ca: PathBuf,
    app_key: String,
    state: TempDir,
}

/// How a command ended.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    out: String,
    error: String,
}

/// A command that prints on.
struct Listening {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Terminal {
    fn new(daemon: &Daemon, app: &App) -> Self {
        Self {
            server: daemon.address().to_string(),
            ca: daemon.ca().to_owned(),
            app_key: app.app_key.clone(),
            state: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    fn command(&self, line: &[&str]) -> Command {
        let mut command = Command::new(binaries::anser());
        command
            .args(line)
            .env("ANSER_SERVER", &self.server)
            .env("ANSER_CA", &self.ca)
            .env("ANSER_APP_KEY", &self.app_key)
            .env("XDG_STATE_HOME", self.state.path())
            .env_remove("ANSER_PASSWORD")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    async fn try_run(&self, line: &[&str]) -> Ended {
        let output = timeout(PATIENCE, self.command(line).output()).await.expect("the command ends");
        let output = output.expect("the command starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text is printed");
        Ended { code: output.status.code(), out: text(output.stdout), error: text(output.stderr) }
    }

    /// Runs a command that must succeed, and answers what it printed.
    async fn run(&self, line: &[&str]) -> String {
        let ended = self.try_run(line).await;
        assert_eq!(ended.code, Some(0), "anser {}: {ended:?}", line.join(" "));
        ended.out.trim_end().to_owned()
    }

    /// A conversation in which this is typed at once.
    async fn chat(&self, line: &[&str], typed: &str) -> Ended {
        let password = password("alice");
        let mut command = self.command(&[&["chat", "--password", &password], line].concat());
        let mut chat = command.stdin(Stdio::piped()).spawn().expect("the command starts");
        let mut input = chat.stdin.take().expect("it is a pipe");
        input.write_all(typed.as_bytes()).await.expect("it reads");
        let output = timeout(PATIENCE, chat.wait_with_output()).await.expect("it ends").expect("it is ours");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text is printed");
        Ended { code: output.status.code(), out: text(output.stdout), error: text(output.stderr) }
    }

    async fn register(&self, users: &[&str]) {
        for user in users {
            self.run(&["register", user, "--password", &password(user)]).await;
        }
    }

    async fn send(&self, from: &str, to: &str, text: &str) {
        self.run(&["send", "--user", from, "--password", &password(from), "--to", to, "--text", text]).await;
    }

    /// Listens, and returns when what was missed has been printed.
    async fn listen(&self, user: &str, more: &[&str]) -> (Listening, Vec<Value>) {
        let password = password(user);
        let line = [&["listen", "--user", user, "--password", &password], more].concat();
        let mut listening = self.start(&line);
        let missed = listening.until("caught_up").await;
        (listening, missed)
    }

    fn start(&self, line: &[&str]) -> Listening {
        let mut process = self.command(line).stderr(Stdio::inherit()).spawn().expect("the command starts");
        let out = process.stdout.take().expect("standard output was asked to be a pipe");
        Listening { process, lines: BufReader::new(out).lines() }
    }
}

impl Listening {
    async fn next(&mut self) -> Value {
        let line = timeout(PATIENCE, self.lines.next_line()).await.expect("a line is printed");
        let line = line.expect("its output can be read").expect("it goes on");
        serde_json::from_str(&line).expect("every line is JSON")
    }

    /// The lines before the next one of this event, that one not included.
    async fn until(&mut self, event: &str) -> Vec<Value> {
        let mut before = Vec::new();
        loop {
            let line = self.next().await;
            if line["event"] == event {
                return before;
            }
            before.push(line);
        }
    }

    async fn next_of(&mut self, event: &str) -> Value {
        loop {
            let line = self.next().await;
            if line["event"] == event {
                return line;
            }
        }
    }

    async fn next_text(&mut self) -> Value {
        self.next_of("message").await["text"].clone()
    }

    /// As Ctrl-C does.
    async fn interrupt(mut self) {
        let id = self.process.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(id.expect("it runs"), rustix::process::Signal::INT).expect("it is ours");
        let status = timeout(PATIENCE, self.process.wait()).await.expect("it ends").expect("it is ours");
        assert!(status.success(), "{status}");
    }
}

fn password(user: &str) -> String {
    format!("{user}-secret")
}

fn texts(lines: &[Value]) -> Vec<&Value> {
    lines.iter().filter(|line| line["event"] == "message").map(|line| &line["text"]).collect()
}

async fn daemon_with_app() -> (Daemon, App) {
    let daemon = Daemon::start().await.expect("the daemon starts");
    let app = daemon.create_app("geese").await.expect("an app is made");
    (daemon, app)
}

#[tokio::test]
async fn two_users_talk_whatever_their_transports() {
    let (daemon, app) = daemon_with_app().await;
    let terminal = Terminal::new(&daemon, &app);
    terminal.register(&["alice", "bob"]).await;
    let (mut bob, _) = terminal.listen("bob", &["--transport", "quic"]).await;
    for transport in ["tcp", "ws", "quic", "auto"] {
        let line = ["--transport", transport, "send", "--user", "alice", "--to", "bob", "--text", transport];
        terminal.run(&[&line[..], &["--password", &password("alice")]].concat()).await;
        let message = bob.next_of("message").await;
        assert_eq!((&message["text"], &message["from"]), (&json!(transport), &json!("alice")));
        assert_eq!(message["chat"], json!({"user": "alice"}));
    }
    bob.interrupt().await;
}

#[tokio::test]
async fn what_nobody_listened_to_is_printed_by_the_next_listen_once_and_in_order() {
    let (daemon, app) = daemon_with_app().await;
    let terminal = Terminal::new(&daemon, &app);
    terminal.register(&["alice", "bob"]).await;
    for text in ["one", "two"] {
        terminal.send("alice", "bob", text).await;
    }
    // Bob's device gets them now, and must not swallow them.
    terminal.send("bob", "alice", "hello").await;
    terminal.send("alice", "bob", "three").await;
    let (bob, missed) = terminal.listen("bob", &[]).await;
    assert_eq!(texts(&missed), ["one", "two", "three"]);
    bob.interrupt().await;
    let (bob, missed) = terminal.listen("bob", &[]).await;
    assert_eq!(texts(&missed), [&json!(null); 0]);
    bob.interrupt().await;
}

#[tokio::test]
async fn a_listener_outlives_the_daemons_death() {
    let (mut daemon, app) = daemon_with_app().await;
    let terminal = Terminal::new(&daemon, &app);
    terminal.register(&["alice", "bob"]).await;
    let (mut bob, _) = terminal.listen("bob", &["--transport", "tcp"]).await;
    terminal.send("alice", "bob", "before").await;
    assert_eq!(bob.next_text().await, "before");
    daemon.restart().await.expect("it starts again");
    terminal.send("alice", "bob", "after").await;
    assert_eq!(bob.next_text().await, "after");
    bob.interrupt().await;
}

#[tokio::test]
async fn a_group_of_three_talks_and_one_leaves() {
    let (daemon, app) = daemon_with_app().await;
    let terminal = Terminal::new(&daemon, &app);
    terminal.register(&["alice", "bob", "carol"]).await;
    let by = |user: &str| ["--user".to_owned(), user.to_owned(), "--password".to_owned(), password(user)];
    let run = async |user: &str, line: &[&str]| {
        let who = by(user);
        let who: Vec<&str> = who.iter().map(String::as_str).collect();
        terminal.run(&[&line[..1], &who, &line[1..]].concat()).await
    };
    let (mut bob, _) = terminal.listen("bob", &[]).await;
    let group = run("alice", &["group", "create", "geese", "bob", "carol"]).await;
    assert_eq!(bob.next_of("group_event").await["kind"], "created");
    run("carol", &["send", "--group", &group, "--text", "from carol"]).await;
    assert_eq!(bob.next_text().await, "from carol");
    assert_eq!(run("alice", &["group", "members", &group]).await, "alice  (owner)\nbob\ncarol");
    run("carol", &["group", "leave", &group]).await;
    assert_eq!(bob.next_of("group_event").await["kind"], "left");
    run("alice", &["send", "--group", &group, "--text", "without carol"]).await;
    assert_eq!(bob.next_text().await, "without carol");
    bob.interrupt().await;
    let (carol, missed) = terminal.listen("carol", &[]).await;
    assert!(!texts(&missed).contains(&&json!("without carol")), "{missed:?}");
    assert!(missed.iter().any(|line| line["kind"] == "left"), "{missed:?}");
    carol.interrupt().await;
}

#[tokio::test]
async fn pushes_find_a_device_by_tag_alias_and_for_all() {
    let (daemon, app) = daemon_with_app().await;
    let terminal = Terminal::new(&daemon, &app);
    assert_eq!(terminal.run(&["tags", "add", "beijing", "vip"]).await, "beijing\nvip");
    assert_eq!(terminal.run(&["tags", "delete", "vip"]).await, "beijing");
    assert_eq!(terminal.run(&["alias", "set", "customer_17"]).await, "customer_17");
    let mut device = terminal.start(&["listen"]);
    device.next_of("connected").await;
    let server = daemon.https(&app).expect("the address is good");
    for audience in [json!("all"), json!({"tag": ["beijing"]}), json!({"alias": ["customer_17"]})] {
        let alert = audience.to_string();
        let push = json!({"platform": "all", "audience": audience, "notification": {"alert": alert}});
        let accepted = server.call("POST", "/v3/push", Some(&push)).await.expect("the server answers");
        assert_eq!(accepted.status, 200, "{accepted:?}");
        assert_eq!(device.next_of("push").await["notification"]["alert"], json!(alert));
    }
    device.interrupt().await;
}

#[tokio::test]
async fn tags_are_checked_and_cleaned_and_a_mobile_number_is_set_and_seen_by_app_servers() {
    let (daemon, app) = daemon_with_app().await;
    let terminal = Terminal::new(&daemon, &app);
    terminal.run(&["tags", "add", "beijing", "vip"]).await;
    assert_eq!(terminal.run(&["tags", "check", "vip"]).await, "bound");
    assert_eq!(terminal.run(&["--json", "tags", "check", "gold"]).await, r#"{"bound":false,"tag":"gold"}"#);
    assert_eq!(terminal.run(&["tags", "clean"]).await, "");
    assert_eq!(terminal.run(&["tags", "get"]).await, "");
    for (line, number) in [
        (&["tags", "add", "not-good"][..], "6005"),
        (&["alias", "set", "a b"], "6003"),
        (&["mobile", "set", "12a"], "6023"),
        (&["mobile", "set", "123456789012345678901"], "6025"),
    ] {
        let ended = terminal.try_run(line).await;
        assert!(ended.code == Some(1) && ended.error.contains(number), "{line:?}: {ended:?}");
    }
    let mut device = terminal.start(&["listen"]);
    let registration_id = device.next_of("connected").await["registration_id"].clone();
    device.interrupt().await;
    let path = format!("/v3/devices/{}", registration_id.as_str().expect("a text"));
    let server = daemon.https(&app).expect("the address is good");
    for (line, mobile) in [(&["mobile", "set", "+86-13012345678"][..], "+86-13012345678"), (&["mobile", "clear"], "")] {
        terminal.run(line).await;
        let shown = server.call("GET", &path, None).await.expect("the server answers");
        assert_eq!(shown.json().expect("JSON")["mobile"], mobile, "{shown:?}");
    }
}

#[tokio::test]
async fn a_device_that_stopped_its_pushes_gets_messages_and_later_the_pushes_that_waited() {
    let (daemon, app) = daemon_with_app().await;
    let terminal = Terminal::new(&daemon, &app);
    terminal.register(&["alice", "bob"]).await;
    let mut bob = terminal.start(&["listen", "--user", "bob", "--password", &password("bob")]);
    let registration_id = bob.next_of("connected").await["registration_id"].clone();
    bob.until("caught_up").await;
    bob.interrupt().await;
    terminal.run(&["stop", "--user", "bob"]).await;
    let refused = terminal.try_run(&["tags", "--user", "bob", "get"]).await;
    assert!(refused.code == Some(1) && refused.error.contains("6012"), "{refused:?}");

    let (mut bob, _) = terminal.listen("bob", &[]).await;
    let server = daemon.https(&app).expect("the address is good");
    let push = async |alert: &str, seconds: u64| {
        let options = json!({"time_to_live": seconds});
        let push = json!({"platform": "all", "audience": "all", "notification": {"alert": alert}, "options": options});
        let accepted = server.call("POST", "/v3/push", Some(&push)).await.expect("the server answers");
        assert_eq!(accepted.status, 200, "{accepted:?}");
        accepted.json().expect("JSON")["msg_id"].as_str().expect("a text").to_owned()
    };
    // 0: this device received it; 1: not.
    let status = async |msg_id: &str| {
        let asked = json!({"msg_id": msg_id, "registration_ids": [registration_id]});
        let told = server.call("POST", "/v3/status/message", Some(&asked)).await.expect("the server answers");
        told.json().expect("JSON")[registration_id.as_str().expect("a text")]["status"].clone()
    };
    let kept = push("kept", 3600).await;
    push("for whoever is there", 0).await;
    terminal.send("alice", "bob", "a message").await;
    assert_eq!(bob.next().await["text"], "a message", "no push before it");
    bob.interrupt().await;
    assert_eq!(status(&kept).await, json!(1));

    terminal.run(&["resume", "--user", "bob"]).await;
    let mut bob = terminal.start(&["listen", "--user", "bob", "--password", &password("bob")]);
    assert_eq!(bob.next_of("push").await["notification"]["alert"], "kept");
    push("live", 0).await;
    assert_eq!(bob.next_of("push").await["notification"]["alert"], "live");
    bob.interrupt().await;
    assert_eq!(status(&kept).await, json!(0));
}

#[tokio::test]
async fn who_leaves_a_chat_right_behind_a_message_has_sent_it() {
    let (daemon, app) = daemon_with_app().await;
    let terminal = Terminal::new(&daemon, &app);
    terminal.register(&["alice", "bob"]).await;
    let ended = terminal.chat(&["--user", "alice", "--to", "bob"], "one\ntwo\nthree\n/quit\n").await;
    assert!(ended.code == Some(0) && !ended.out.contains("wait"), "{ended:?}");
    let (bob, missed) = terminal.listen("bob", &[]).await;
    assert_eq!(texts(&missed), ["one", "two", "three"]);
    bob.interrupt().await;
}

#[tokio::test]
async fn who_leaves_a_chat_without_a_server_is_told_what_waits_and_it_goes_with_the_next_start() {
    let (mut daemon, app) = daemon_with_app().await;
    let terminal = Terminal::new(&daemon, &app);
    terminal.register(&["alice", "bob"]).await;
    let mut command = terminal.command(&["chat", "--user", "alice", "--to", "bob", "--password", &password("alice")]);
    let mut chat = command.stdin(Stdio::piped()).spawn().expect("the command starts");
    let mut lines = BufReader::new(chat.stdout.take().expect("it is a pipe")).lines();
    let mut next = async || timeout(PATIENCE, lines.next_line()).await.expect("a line").expect("readable");
    while !next().await.expect("it goes on").starts_with("You are alice") {}
    daemon.kill().await.expect("it is killed");
    let mut typed = chat.stdin.take().expect("it is a pipe");
    typed.write_all(b"one\ntwo\n/quit\n").await.expect("it reads");
    let mut last = String::new();
    while let Some(line) = next().await {
        last = line;
    }
    assert_eq!(last, "-- 2 messages wait on this device and go out when alice is next logged in here");
    assert!(chat.wait().await.expect("it is ours").success());

    daemon.restart().await.expect("it starts again");
    terminal.send("alice", "bob", "three").await;
    let (bob, missed) = terminal.listen("bob", &[]).await;
    assert_eq!(texts(&missed), ["one", "two", "three"]);
    bob.interrupt().await;
}

#[tokio::test]
async fn mistakes_are_told_plainly_and_with_their_exit_codes() {
    let (daemon, app) = daemon_with_app().await;
    let terminal = Terminal::new(&daemon, &app);
    terminal.register(&["alice"]).await;
    let ca = daemon.ca().to_str().expect("a plain path");
    let send = |user: &'static str, password: &'static str| {
        ["send", "--user", user, "--password", password, "--to", "nobody", "--text", "x"]
    };
    let nobody_listens = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let nobody_listens = nobody_listens.expect("a free port").to_string();
    let cases: &[(&[&str], i32, &[&str])] = &[
        (&["register", "alice", "--password", "another"], 1, &["\"alice\" is taken"]),
        (&["register", "bob", "--password", "abc"], 1, &["4 to 128 bytes"]),
        (&["register", "bob"], 2, &["--password", "ANSER_PASSWORD"]),
        (&send("alice", "wrong"), 1, &["wrong password", "alice"]),
        (&send("zoe", "secret"), 1, &["no user \"zoe\"", "anser register zoe"]),
        (&send("alice", "alice-secret"), 1, &["target user does not exist"]),
        (&["--app-key", "0123456789abcdef01234567", "tags", "get"], 1, &["app key", "anserd app list"]),
        (&["--app-key", "", "tags", "get"], 2, &["--app-key"]),
        (&["--server", &nobody_listens, "tags", "get"], 1, &["cannot reach", &nobody_listens, "tcp", "refused"]),
        (&["--server", "localhost", "tags", "get"], 2, &["host:port"]),
        (&["--ca", "", "--transport", "tcp", "tags", "get"], 1, &["--ca"]),
        (&["--ca", "nowhere.pem", "tags", "get"], 2, &["nowhere.pem"]),
        (&["--ca", ca, "send", "--user", "alice", "--text", "x"], 2, &["--to", "--group"]),
    ];
    for (line, code, words) in cases {
        let ended = terminal.try_run(line).await;
        assert!(!ended.error.contains("panicked"), "{ended:?}");
        // A machine without a list of authorities says so before it tries: a wrong command line on that machine.
        let may_lack_authorities =
            line[..2] == ["--ca", ""] && !Path::new("/etc/ssl/certs/ca-certificates.crt").exists();
        assert!(ended.code == Some(*code) || may_lack_authorities, "{line:?}: {ended:?}");
        for word in *words {
            assert!(ended.error.contains(word), "{line:?} does not say {word:?}: {ended:?}");
        }
    }
}

#[tokio::test]
async fn a_device_is_one_process_at_a_time() {
    let (daemon, app) = daemon_with_app().await;
    let terminal = Terminal::new(&daemon, &app);
    terminal.register(&["bob"]).await;
    let (bob, _) = terminal.listen("bob", &[]).await;
    let second = terminal.try_run(&["tags", "--user", "bob", "get"]).await;
    assert_eq!(second.code, Some(1));
    assert!(second.error.contains("in use by another process") && second.error.contains("--state-dir"), "{second:?}");
    bob.interrupt().await;
    assert_eq!(terminal.run(&["tags", "--user", "bob", "get"]).await, "");
}

#[tokio::test]
async fn of_two_processes_with_copies_of_one_device_one_ends_and_says_why() {
    let (daemon, app) = daemon_with_app().await;
    let original = Terminal::new(&daemon, &app);
    original.register(&["bob"]).await;
    let (bob, _) = original.listen("bob", &[]).await;
    bob.interrupt().await;
    let copy = Terminal::new(&daemon, &app);
    copy_folder(original.state.path(), copy.state.path());
    let listen = |terminal: &Terminal| {
        let mut command = terminal.command(&["listen", "--user", "bob"]);
        command.stdout(Stdio::null()).spawn().expect("the command starts").wait_with_output()
    };
    let (first, second) = (listen(&original), listen(&copy));
    let ended = timeout(PATIENCE, async {
        tokio::select! { ended = first => ended, ended = second => ended }
    })
    .await;
    let ended = ended.expect("one gives up").expect("it is ours");
    let error = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{error}");
    assert!(error.contains("copy of this device's state"), "{error}");
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder is made");
    for entry in std::fs::read_dir(from).expect("the folder is there") {
        let entry = entry.expect("it can be read");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).expect("a file is copied");
        }
    }
}

/// As much of a picture as tells its format and size.
fn picture() -> Vec<u8> {
    [&b"GIF89a\x02\x00\x03\x00"[..], &[0; 54]].concat()
}

#[tokio::test]
async fn every_kind_of_message_is_sent_and_what_was_uploaded_is_got_back() {
    let (daemon, app) = daemon_with_app().await;
    let (one, other) = (Terminal::new(&daemon, &app), Terminal::new(&daemon, &app));
    one.register(&["alice", "bob"]).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("goose.png");
    std::fs::write(&file, picture()).expect("it can be written");
    let (path, password) = (file.to_str().expect("a path"), password("alice"));
    let send = async |what: &[&str]| {
        let line = [&["send", "--user", "alice", "--password", &password, "--to", "bob"], what].concat();
        one.run(&line).await;
    };
    send(&["--text", "look", "--extras", r#"{"mood":"high"}"#, "--notice", "News", "--from-name", "Al"]).await;
    send(&["--image", path, "--thumb", path]).await;
    send(&["--voice", path, "--seconds", "3"]).await;
    send(&["--file", path]).await;
    send(&["--video", path, "--seconds", "9", "--thumb", path]).await;
    send(&["--location", "-31.23,121.47,Shanghai, the Bund"]).await;
    send(&["--custom", r#"{"card":7}"#]).await;

    let (mut listening, mut lines) = other.listen("bob", &[]).await;
    lines.retain(|line| line["event"] == "message");
    while lines.len() < 7 {
        lines.push(listening.next_of("message").await);
    }
    listening.interrupt().await;
    let of =
        |kind: &str| lines.iter().find(|line| line["type"] == kind).unwrap_or_else(|| panic!("{kind} in {lines:?}"));
    assert_eq!((&of("text")["text"], &of("text")["extras"]), (&json!("look"), &json!({"mood": "high"})));
    let image = &of("image")["body"];
    assert_eq!((&image["width"], &image["height"]), (&json!(2), &json!(3)));
    assert_eq!(of("voice")["body"]["duration"], 3);
    assert_eq!(of("file")["body"]["fname"], "goose.png");
    assert_eq!(of("video")["body"]["thumb"]["width"], 2);
    assert_eq!(of("location")["body"]["label"], "Shanghai, the Bund");
    assert_eq!(of("custom")["body"], json!({"card": 7}));
    let (media_id, copy) = (image["media_id"].as_str().expect("a text"), folder.path().join("copy.png"));
    let download = ["download", "--user", "bob", "--password", "bob-secret", media_id];
    other.run(&[&download[..], &[copy.to_str().expect("a path")]].concat()).await;
    assert_eq!(std::fs::read(copy).expect("it is there"), picture());
}
