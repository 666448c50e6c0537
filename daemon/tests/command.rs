//! The command `anserd` as an operator meets it: what it prints, how it ends, and what it says when something is wrong.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anser_protocol::content::Content;
use anser_storage::command::{AppCommand, Command as Change, NewUser, Origin, Send, Stamped, Target, UserCommand};
use anser_storage::ids::{AppNumber, UserNumber};
use anser_storage::{Options, Store};
use serde_json::Value;
use tempfile::TempDir;

#[test]
fn it_says_its_version_and_without_arguments_how_to_use_it() {
    assert!(text(&run(&["--version"]).stdout).starts_with("anserd "));
    let helpless = run(&[]);
    assert_eq!(helpless.status.code(), Some(2));
    assert!(text(&helpless.stderr).contains("serve"));
}

#[test]
fn a_config_with_five_mistakes_gives_five_lines_and_the_exit_code_for_settings() {
    let folder = folder();
    let file = folder.path().join("anserd.toml");
    let settings = "listen = ['x']\nlog_level = 1\ntime_zone = 'Mars'\nunknown = 1\n[limits]\nlinks = -1\n";
    std::fs::write(&file, settings).expect("written");
    for command in [&["check"][..], &["serve"]] {
        let output = run(&[command, &["--config", path(&file)]].concat());
        assert_eq!(output.status.code(), Some(78));
        assert_eq!(text(&output.stderr).lines().count(), 5, "{}", text(&output.stderr));
    }
}

#[test]
fn a_check_looks_at_every_file_that_the_settings_name() {
    let folder = folder();
    let file = folder.path().join("anserd.toml");
    let settings = "[callback]\nhosts = ['https://a.example.com']\nca = '/nonexistent/ca'\n\
                    [[bridge]]\nkind = 'webhook'\napp = '*'\nurl = 'https://b.example.com/'\nvendors = ['*']\n\
                    secret_file = '/nonexistent/secret'\n\
                    [[bridge]]\nkind = 'web_push'\napp = '*'\nsubject = 'mailto:a@example.com'\nca = '/nonexistent/x'\n";
    std::fs::write(&file, settings).expect("written");
    let output = run(&["check", "--config", path(&file)]);
    assert_eq!(output.status.code(), Some(78));
    let told = text(&output.stderr);
    for part in ["callback: ", "/nonexistent/ca", "bridge[1]: ", "/nonexistent/secret", "bridge[2]: ", "/nonexistent/x"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn a_good_config_is_said_to_be_valid() {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/anserd.toml");
    let output = run(&["check", "--config", shipped]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn apps_are_made_listed_shown_changed_and_deleted() {
    let daemon = Daemon::start();
    let made = daemon.admin_json(&["app", "create", "shop"]);
    let (key, secret) = (made["app_key"].as_str().expect("a key"), made["master_secret"].as_str().expect("a secret"));
    for text in [key, secret] {
        assert!(text.len() == 24 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{text}");
    }
    let list = daemon.admin_json(&["app", "list"]);
    assert_eq!((list[0]["name"].as_str(), &list[0]["master_secret"]), (Some("shop"), &Value::Null));
    assert_eq!(daemon.admin_json(&["app", "show", "shop"]), made);
    assert_eq!(daemon.admin_json(&["app", "show", key]), made);
    let changed = daemon.admin_json(&["app", "rotate-secret", "shop"]);
    assert_eq!(changed["app_key"], made["app_key"]);
    assert_ne!(changed["master_secret"], made["master_secret"]);
    let unsure = daemon.admin(&["app", "delete", "shop"]);
    assert!(!unsure.status.success() && text(&unsure.stderr).contains("--yes"));
    daemon.admin_json(&["app", "delete", "shop", "--yes"]);
    assert_eq!(daemon.admin_json(&["app", "list"]), Value::Array(Vec::new()));
}

#[test]
fn an_import_of_devices_keeps_its_state_beside_the_socket_and_lists_what_it_left_out() {
    let daemon = Daemon::start();
    let app_key = daemon.admin_json(&["app", "create", "shop"])["app_key"].as_str().expect("a key").to_owned();
    let file = daemon.folder.path().join("ids.csv");
    std::fs::write(&file, "registration_id,alias\nabc,alice,vip\ndef,b d\n").expect("written");
    let args = ["import", "jpush", "--app", "shop", "--file", path(&file)];
    let dry = daemon.admin_json(&[&args[..], &["--dry-run"]].concat());
    assert_eq!((&dry["counts"]["devices"], &dry["report"]), (&Value::from(2), &Value::Null));
    let done = daemon.admin_json(&args);
    assert_eq!((&done["counts"]["devices"], &done["counts"]["left out"]), (&Value::from(2), &Value::from(1)));
    let state = daemon.data_dir().join(format!("import-jpush-{app_key}.json"));
    let report = PathBuf::from(done["report"].as_str().expect("a file"));
    for file in [&state, &report] {
        assert_eq!(std::fs::metadata(file).expect("there").permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
    assert!(std::fs::read_to_string(&report).expect("readable").contains("it is no alias by our rule"));
    assert_eq!(daemon.admin_json(&args), done, "once through, it does nothing more");
}

#[test]
fn what_an_import_needs_is_named_before_anything_is_read() {
    let daemon = Daemon::start();
    daemon.admin_json(&["app", "create", "shop"]);
    let secret = daemon.folder.path().join("secret");
    std::fs::write(&secret, "0123456789\n").expect("written");
    let from = |url: &'static str| ["import", "jmessage", "--app", "shop", "--from", url];
    let key = ["--source-key", "k", "--source-secret-file", path(&secret)];
    let fast = ["--rate", "a lot"];
    for (args, named) in [
        (from("https://api.example.com").to_vec(), "--source-key"),
        ([&from("http://api.example.com")[..], &key].concat(), "--from"),
        ([&from("http://127.0.0.1:9")[..], &key, &fast].concat(), "--rate"),
        ([&from("http://127.0.0.1:9")[..], &key[..3], &["/nowhere"]].concat(), "/nowhere"),
    ] {
        let output = daemon.admin(&args);
        assert!(!output.status.success() && text(&output.stderr).contains(named), "{named}: {}", text(&output.stderr));
    }
    let unknown = daemon.admin(&["import", "jpush", "--app", "nobody", "--file", path(&secret)]);
    assert!(text(&unknown.stderr).contains("there is no app"), "{}", text(&unknown.stderr));
}

#[test]
fn app_groups_are_made_filled_shown_emptied_and_deleted() {
    let daemon = Daemon::start();
    let app = daemon.admin_json(&["app", "create", "shop"]);
    let made = daemon.admin_json(&["app-group", "create", "family"]);
    for text in [&made["group_key"], &made["master_secret"]] {
        assert!(is_key(text), "{text}");
    }
    let key = made["group_key"].as_str().expect("a key");
    let app_key = app["app_key"].as_str().expect("a key");
    let filled = daemon.admin_json(&["app-group", "add", "family", app_key]);
    assert_eq!((&filled["apps"][0], &filled["master_secret"]), (&Value::from("shop"), &Value::Null));
    assert_eq!(daemon.admin_json(&["app-group", "list"])[0], filled);
    assert_eq!(daemon.admin_json(&["app-group", "show", key])["master_secret"], made["master_secret"]);
    assert_eq!(daemon.admin_json(&["app-group", "remove", key, "shop"])["apps"], Value::Array(Vec::new()));
    for (command, hint) in [
        (&["app-group", "create", "family"][..], "taken"),
        (&["app-group", "create", ""], "1 to 64 bytes"),
        (&["app-group", "add", "nothing", "shop"], "anserd app-group list"),
        (&["app-group", "add", "family", "nothing"], "anserd app list"),
    ] {
        let output = daemon.admin(command);
        assert!(text(&output.stderr).contains(hint), "{}", text(&output.stderr));
    }
    daemon.admin_json(&["app-group", "delete", "family"]);
    assert_eq!(daemon.admin_json(&["app-group", "list"]), Value::Array(Vec::new()));
}

#[test]
fn developers_are_made_listed_and_deleted() {
    let daemon = Daemon::start();
    let made = daemon.admin_json(&["developer", "create", "ann"]);
    for text in [&made["developer_key"], &made["developer_secret"]] {
        assert!(is_key(text), "{text}");
    }
    let list = daemon.admin_json(&["developer", "list"]);
    assert_eq!((&list[0]["developer_key"], &list[0]["developer_secret"]), (&made["developer_key"], &Value::Null));
    let unknown = daemon.admin(&["developer", "delete", "ben"]);
    assert!(text(&unknown.stderr).contains("anserd developer list"));
    daemon.admin_json(&["developer", "delete", "ann"]);
    assert_eq!(daemon.admin_json(&["developer", "list"]), Value::Array(Vec::new()));
}

/// 24 lower-case hexadecimal digits.
#[test]
fn segments_are_made_listed_shown_and_deleted_and_the_stats_are_shown() {
    let daemon = Daemon::start();
    daemon.admin_json(&["app", "create", "shop"]);
    let rule = r#"{"app_version":{">=":"2.0"},"seen_within_days":7}"#;
    let made = daemon.admin_json(&["segment", "create", "shop", "new ones", "--rule", rule]);
    assert_eq!((made["name"].as_str(), made["rule"].to_string().as_str()), (Some("new ones"), rule));
    let id = made["id"].as_str().expect("an id");
    assert_eq!(daemon.admin_json(&["segment", "list", "shop"])[0], made);
    assert_eq!(daemon.admin_json(&["segment", "show", "shop", id]), made);
    for (command, hint) in [
        (&["segment", "create", "shop", "x", "--rule", r#"{"colour":["red"]}"#][..], "\"colour\" is no condition"),
        (&["segment", "create", "nobody", "x", "--rule", rule], "no app \"nobody\""),
        (&["segment", "create", "shop", "", "--rule", rule], "1 to 64 bytes"),
        (&["segment", "show", "shop", "7"], "no segment \"7\""),
    ] {
        let refused = daemon.admin(command);
        assert!(!refused.status.success() && text(&refused.stderr).contains(hint), "{}", text(&refused.stderr));
    }
    let stats = daemon.admin_json(&["stats", "shop"]);
    let days = stats["periods"].as_array().expect("periods");
    assert_eq!((days.len(), &days[6]["new"], &stats["traits"]["model"]), (7, &0.into(), &Value::Array(Vec::new())));
    assert_eq!(days[0]["back_after"], serde_json::json!({"1": 0}), "seven days ago, 6 days lie between");
    assert_eq!(days[6]["chat"]["single_messages"], 0);
    let asked = ["stats", "shop", "--by", "hour", "--last", "3", "--platform", "ios", "--with", "model=A"];
    let hours = daemon.admin_json(&asked);
    assert_eq!(hours["periods"].as_array().map(Vec::len), Some(3));
    let newest = &hours["periods"][2];
    assert_eq!((&newest["online"], &newest["received"], &newest["pushes"]), (&0.into(), &Value::Null, &Value::Null));
    for (option, value, hint) in [
        ("--by", "week", "hour, day or month"),
        ("--last", "61", "1 to 60"),
        ("--platform", "moon", "android"),
        ("--with", "model", "app_version"),
        ("--with", "colour=red", "app_version"),
    ] {
        let refused = daemon.admin(&["stats", "shop", option, value]);
        assert!(!refused.status.success() && text(&refused.stderr).contains(hint), "{}", text(&refused.stderr));
    }
    let shown = daemon.admin(&["stats", "shop"]);
    assert!(["back after", "new users"].iter().all(|word| text(&shown.stdout).contains(word)));
    daemon.admin_json(&["segment", "delete", "shop", id]);
    assert_eq!(daemon.admin_json(&["segment", "list", "shop"]), Value::Array(Vec::new()));
}

fn is_key(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| text.len() == 24 && text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f')))
}

#[test]
fn what_cannot_be_done_with_an_app_is_explained() {
    let daemon = Daemon::start();
    daemon.admin_json(&["app", "create", "shop"]);
    for (command, hint) in [
        (&["app", "create", "shop"][..], "exists"),
        (&["app", "create", ""], "1 to 64 bytes"),
        (&["app", "show", "nothing"], "anserd app list"),
    ] {
        let output = daemon.admin(command);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains(hint), "{}", text(&output.stderr));
    }
}

#[test]
fn the_status_names_addresses_folder_and_counts() {
    let daemon = Daemon::start();
    daemon.admin_json(&["app", "create", "shop"]);
    let status = daemon.admin_json(&["status"]);
    assert_eq!(status["listen"], daemon.ready["listen"]);
    assert_eq!((&status["apps"], &status["connections"]), (&Value::from(1), &Value::from(0)));
    assert!(text(&daemon.admin(&["status"]).stdout).contains("listens on"));
}

#[test]
fn without_a_running_daemon_the_socket_and_the_way_to_start_one_are_named() {
    let folder = folder();
    let output = run(&["app", "list", "--data-dir", path(folder.path())]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(told.contains("admin.sock") && told.contains("anserd serve --data-dir"), "{told}");
}

#[test]
fn a_port_in_use_is_named_with_the_command_that_shows_by_whom() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let output = run(&["serve", "--data-dir", path(folder.path()), "--listen", &address]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(told.contains(&address) && told.contains("ss -ltunp"), "{told}");
}

#[test]
fn a_second_daemon_on_the_same_folder_is_refused_and_the_first_serves_on() {
    let daemon = Daemon::start();
    let output = run(&["serve", "--data-dir", path(&daemon.data_dir()), "--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("already runs"), "{}", text(&output.stderr));
    daemon.admin_json(&["status"]);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = folder();
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("written");
    let output = run(&["serve", "--data-dir", path(&file.join("data"))]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("--data-dir"), "{}", text(&output.stderr));
}

#[test]
fn a_broken_certificate_ends_with_the_code_that_a_restart_cannot_cure() {
    let folder = folder();
    let (data, pem) = (folder.path().join("data"), folder.path().join("own.pem"));
    std::fs::write(&pem, "rubbish").expect("written");
    let file = folder.path().join("anserd.toml");
    std::fs::write(&file, format!("[tls]\ncertificate = '{0}'\nkey = '{0}'\n", pem.display())).expect("written");
    let serve = ["serve", "--data-dir", path(&data), "--config", path(&file), "--listen", "127.0.0.1:0"];
    for command in [&["check", "--config", path(&file)][..], &serve] {
        let output = run(command);
        assert_eq!(output.status.code(), Some(78));
        assert!(text(&output.stderr).contains("own.pem"), "{}", text(&output.stderr));
    }
}

#[test]
fn a_store_that_does_not_open_ends_with_the_code_that_a_restart_cannot_cure_and_says_what_to_do() {
    let folder = folder();
    std::fs::write(folder.path().join("store.redb"), "rubbish").expect("written");
    let output = run(&["serve", "--data-dir", path(folder.path()), "--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(78));
    let told = text(&output.stderr);
    assert!(told.contains("anserd rescue") && told.contains("anserd restore"), "{told}");
}

#[test]
fn a_scrub_of_a_healthy_store_finds_nothing() {
    let daemon = Daemon::start();
    assert!(text(&daemon.admin(&["status"]).stdout).contains("not yet since the start"));
    daemon.admin_json(&["app", "create", "shop"]);

    let scrub = daemon.admin(&["scrub"]);

    assert!(scrub.status.success(), "{}", text(&scrub.stderr));
    assert!(text(&scrub.stdout).contains("nothing is damaged"), "{}", text(&scrub.stdout));
    let last = &daemon.admin_json(&["status"])["scrub"]["last"];
    assert_eq!((&last["findings"], &last["failure"]), (&Value::from(0), &Value::Null));
    assert!(last["rows"].as_u64().is_some_and(|rows| rows > 3), "{last}");
}

#[test]
fn a_damaged_row_is_found_by_the_scrub_told_by_the_status_and_named_in_the_log() {
    let mut daemon = Daemon::start();
    daemon.terminate();
    damage_a_message(&daemon.data_dir());
    daemon.start_again();

    let scrub = daemon.admin(&["scrub", "--json"]);

    assert_eq!(scrub.status.code(), Some(1));
    assert!(text(&scrub.stderr).contains("anserd rescue"), "{}", text(&scrub.stderr));
    let pass: Value = serde_json::from_slice(&scrub.stdout).expect("JSON");
    assert_eq!(pass["findings"], 1);
    assert_eq!(daemon.admin_json(&["status"])["scrub"]["last"], pass);
    assert!(text(&daemon.admin(&["status"]).stdout).contains("1 DAMAGED"));
    daemon.terminate();
    let log = std::fs::read_to_string(daemon.log()).expect("a log");
    let named = |line: &&str| line.contains("a stored row is damaged") && line.contains("log") && line.contains("key");
    assert_eq!(log.lines().filter(named).count(), 1, "{log}");
}

#[test]
fn it_ends_in_order_and_starts_again_with_its_apps() {
    let mut daemon = Daemon::start();
    let made = daemon.admin_json(&["app", "create", "shop"]);
    daemon.terminate();
    assert!(!daemon.data_dir().join("admin.sock").exists());
    daemon.start_again();
    assert_eq!(daemon.admin_json(&["app", "show", "shop"]), made);
}

#[test]
fn the_demo_prints_commands_with_the_keys_in_them() {
    let folder = folder();
    let mut process = anserd()
        .args(["serve", "--demo", "--data-dir", path(folder.path()), "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("started");
    let lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
    let told: Vec<_> = lines.map_while(Result::ok).take_while(|line| !line.starts_with("Stop with")).collect();
    let told = told.join("\n");
    process.kill().expect("killed");
    process.wait().expect("gone");
    for part in
        ["export PATH=", "anser register alice", "anser send", "curl --cacert", "ANSER_APP_KEY=", "MASTER_SECRET="]
    {
        assert!(told.contains(part), "{told}");
    }
}

/// A daemon on a free port; killed when dropped.
struct Daemon {
    folder: TempDir,
    process: Child,
    ready: Value,
}

impl Daemon {
    fn start() -> Self {
        let folder = folder();
        let (process, ready) = launch(&folder.path().join("data"), &folder.path().join("log"));
        Self { folder, process, ready }
    }

    fn start_again(&mut self) {
        (self.process, self.ready) = launch(&self.data_dir(), &self.log());
    }

    fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn admin(&self, args: &[&str]) -> Output {
        run(&[args, &["--data-dir", path(&self.data_dir())]].concat())
    }

    fn admin_json(&self, args: &[&str]) -> Value {
        let output = self.admin(&[args, &["--json"]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    fn terminate(&mut self) {
        let asked = Command::new("kill").arg(self.process.id().to_string()).status().expect("kill runs");
        assert!(asked.success());
        let ended = self.process.wait().expect("ended");
        assert!(ended.success(), "{ended}");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Gone already after `terminate`.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn launch(data_dir: &Path, log: &Path) -> (Child, Value) {
    let log = File::options().create(true).append(true).open(log).expect("a log");
    let mut process = anserd()
        .args(["serve", "--json", "--data-dir", path(data_dir), "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .expect("started");
    let mut line = String::new();
    BufReader::new(process.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    let ready: Value = serde_json::from_str(&line).expect("the ready line is JSON");
    assert_eq!(ready["ready"], true);
    (process, ready)
}

/// Sends a message and changes a byte of it in the file.
fn damage_a_message(data_dir: &Path) {
    const TEXT: &str = "a text that is nowhere else";
    let mut store = Store::open(data_dir, Options::default()).expect("it opens");
    let app = AppNumber(1);
    let create = AppCommand::Create { name: "shop".into(), app_key: "key".into(), master_secret: "secret".into() };
    let users = vec![NewUser { username: "alice".into(), ..NewUser::default() }];
    let (from, origin, target) = (UserNumber(1), Origin::Server { as_admin: false }, Target::User("alice".into()));
    let commands = [
        Change::App(create),
        Change::User(UserCommand::Register { app, users }),
        Change::Send(Send { app, from, origin, target, content: Content::text(TEXT) }),
    ];
    for outcome in store.apply(&commands.map(|command| Stamped { at_ms: 1, command })).expect("the disk is well") {
        outcome.answer.expect("accepted");
    }
    store.shut_down().expect("the disk is well");

    let file = data_dir.join("store.redb");
    let mut bytes = std::fs::read(&file).expect("it can be read");
    let found =
        bytes.windows(TEXT.len()).position(|window| window == TEXT.as_bytes()).expect("the text is in the file");
    bytes[found] ^= 1;
    std::fs::write(&file, bytes).expect("it can be written");
}

fn run(args: &[&str]) -> Output {
    anserd().args(args).output().expect("started")
}

/// Without what the test's own surroundings would lend it.
fn anserd() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_anserd"));
    command.env_remove("NOTIFY_SOCKET").env_remove("JOURNAL_STREAM").env_remove("ANSER_CONFIG").stdin(Stdio::null());
    command
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
