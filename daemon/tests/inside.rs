//! How an operator sees into `anserd`: what the commands show of a running daemon, and what the doctor finds.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

#[test]
fn figures_come_by_the_socket_and_by_the_listener_that_is_off_unless_it_is_set() {
    let daemon = Daemon::start(&["metrics_listen = ['127.0.0.1:0']"]);
    daemon.admin_json(&["app", "create", "shop"]);
    let text = text(&daemon.admin(&["metrics"]).stdout);
    for line in ["anserd_apps 1", "anserd_ready 1", r#"anserd_commands_total{kind="app",result="done"} 1"#] {
        assert!(text.lines().any(|told| told == line), "{line} is not in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));

    let listener = daemon.logged_address("metrics_listen=[");
    assert!(get(listener, "/metrics").contains("anserd_apps 1"));
    assert!(get(listener, "/healthz").starts_with("HTTP/1.1 200"));
    assert!(get(listener, "/readyz").contains("\r\n\r\nready\n"));
    let lost = get(listener, "/");
    assert!(lost.starts_with("HTTP/1.1 404") && lost.contains("/metrics, /healthz and /readyz"), "{lost}");

    Daemon::start(&[]).until_logged("metrics_listen=[]");
}

#[test]
fn a_public_address_for_figures_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = settings(folder.path(), &["metrics_listen = ['0.0.0.0:9464']"]);
    let output = run(&["check", "--config", path(&file)]);
    assert_eq!(output.status.code(), Some(78));
    assert!(text(&output.stderr).contains("loopback or private"), "{}", text(&output.stderr));
}

#[test]
fn a_module_says_more_from_one_moment_to_the_next_and_less_again() {
    let daemon = Daemon::start(&["log_levels = ['rest=warn']"]);
    assert_eq!(daemon.admin_json(&["log-level"]), serde_json::json!(["info", "rest=warn"]));
    let strangers = |daemon: &Daemon| {
        let before = daemon.log().matches("TLS handshake failed").count();
        TcpStream::connect(daemon.address())
            .expect("connected")
            .write_all(b"no TLS at all, nor anything like it\n")
            .expect("sent");
        daemon.admin_json(&["status"]);
        daemon.log().matches("TLS handshake failed").count() - before
    };
    assert_eq!(strangers(&daemon), 0);
    assert_eq!(
        daemon.admin_json(&["log-level", "listen=debug"]),
        serde_json::json!(["info", "rest=warn", "listen=debug"])
    );
    let heard = (0..1000).any(|_| strangers(&daemon) > 0);
    assert!(heard, "{}", daemon.log());
    assert_eq!(daemon.admin_json(&["log-level", "warn"]), serde_json::json!(["warn"]));
    for wrong in ["loud", "nobody=debug", "link=loud"] {
        let refused = daemon.admin(&["log-level", wrong]);
        assert!(
            !refused.status.success() && text(&refused.stderr).contains("modules are"),
            "{}",
            text(&refused.stderr)
        );
    }
}

#[test]
fn a_log_that_nobody_reads_holds_up_nobody() {
    // Given a daemon whose standard error is a pipe without a reader, and that has much to say,
    let mut daemon = Daemon::launch(tempfile::tempdir().expect("a folder"), &["log_level = 'trace'"], Stdio::piped());
    // when more is said than the pipe and the queue can hold,
    let dropped =
        |daemon: &Daemon| daemon.admin_json(&["status"])["figures"]["log_dropped"].as_u64().expect("a number");
    for _ in 0..50 {
        for _ in 0..400 {
            let mut stranger = TcpStream::connect(daemon.address()).expect("it accepts");
            stranger.write_all(b"no TLS at all, nor anything like it\n").expect("sent");
        }
        if dropped(&daemon) > 0 {
            break;
        }
    }
    // then lines were dropped and counted, and the daemon still does its work,
    assert!(dropped(&daemon) > 0, "the log took everything");
    daemon.admin_json(&["app", "create", "shop"]);
    let metrics = text(&daemon.admin(&["metrics"]).stdout);
    assert!(!metrics.contains("anserd_log_lines_dropped_total 0"), "{metrics}");
    // and as soon as it is read, that is told.
    let mut log = BufReader::new(daemon.process.stderr.take().expect("a pipe"));
    let mut line = String::new();
    while !line.contains("log lines were dropped") {
        line.clear();
        assert!(log.read_line(&mut line).expect("text") > 0, "nobody was told");
    }
    assert!(line.contains("anserd log-level") && line.contains("lines="), "{line}");
    // Nobody may be held up at the end either.
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
}

#[test]
fn links_traces_and_figures_of_nothing_are_told_as_such() {
    let daemon = Daemon::start(&[]);
    daemon.admin_json(&["app", "create", "shop"]);
    assert_eq!(daemon.admin_json(&["link", "list"]), serde_json::json!({"links": [], "all": 0, "after": null}));
    assert_eq!(daemon.admin_json(&["link", "kick", "--app", "shop"])["links"], 0);
    for (command, hint) in [
        (&["link", "kick"][..], "or --all"),
        (&["link", "list", "--app", "nobody"], "anserd app list"),
        (&["link", "list", "--app", "shop", "--user", "nobody"], "no user"),
        (&["link", "list", "--app", "shop", "--device", "x"], "no device"),
        (&["link", "kick", "--all", "--reason", "a\nb"], "no control characters"),
        (&["trace", "77"], "nothing of msg_id 77 is known"),
        (&["trace", "77", "--app", "nobody"], "anserd app list"),
    ] {
        let refused = daemon.admin(command);
        assert!(!refused.status.success() && text(&refused.stderr).contains(hint), "{}", text(&refused.stderr));
    }
    let top = text(&daemon.admin(&["top", "--count", "1"]).stdout);
    assert!(top.contains("messages") && top.contains("slowest of the last minute") && !top.contains('\x1b'), "{top}");
    let status = text(&daemon.admin(&["status"]).stdout);
    assert!(status.contains("ready         yes") && status.lines().count() < 24, "{status}");
}

#[test]
fn the_doctor_finds_a_healthy_machine_with_and_without_the_daemon() {
    let daemon = Daemon::start(&[]);
    let (code, findings) = doctor(&["--data-dir", path(&daemon.data_dir()), "--listen", &daemon.address().to_string()]);
    assert_eq!(verdicts(&findings, "FAIL"), [""; 0], "{findings:#?}");
    assert_eq!(code, Some(0));
    for check in ["daemon", "ports", "store"] {
        let found = findings.iter().find(|finding| finding["check"] == check).expect("it is looked at");
        let told = found["text"].as_str().expect("a text");
        assert!(
            ["runs and is ready", "held by the running daemon", "has it open"].iter().any(|it| told.contains(it)),
            "{told}"
        );
    }

    let folder = tempfile::tempdir().expect("a folder");
    let (code, findings) = doctor(&["--data-dir", path(&folder.path().join("data")), "--listen", "127.0.0.1:0"]);
    assert_eq!((code, verdicts(&findings, "FAIL")), (Some(0), Vec::<String>::new()));
    assert!(!folder.path().join("data").exists(), "looking changes nothing");
}

#[test]
fn the_doctor_ends_with_one_when_something_fails_and_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let data_dir = folder.path().join("data");
    let args = ["--data-dir", path(&data_dir), "--listen", &address];
    let (code, findings) = doctor(&args);
    assert_eq!(code, Some(1));
    let failed = verdicts(&findings, "FAIL");
    assert!(failed.len() == 1 && failed[0].contains(&address), "{findings:#?}");
    let output = run(&[&["doctor"][..], &args].concat());
    assert!(text(&output.stdout).contains("FAIL ports") && text(&output.stderr).contains("one check failed"));

    let file = settings(folder.path(), &["colour = 'red'"]);
    let output = run(&["doctor", "--config", path(&file)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("FAIL settings"), "{}", text(&output.stdout));
}

fn doctor(args: &[&str]) -> (Option<i32>, Vec<Value>) {
    let output = run(&[&["doctor", "--json"], args].concat());
    let findings = serde_json::from_slice(&output.stdout).expect("a JSON array");
    (output.status.code(), findings)
}

fn verdicts(findings: &[Value], verdict: &str) -> Vec<String> {
    let found = findings.iter().filter(|finding| finding["verdict"] == verdict);
    found.map(|finding| finding["text"].as_str().expect("a text").to_owned()).collect()
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connected");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

struct Daemon {
    process: Child,
    ready: Value,
    folder: TempDir,
}

impl Daemon {
    fn start(lines: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let log = File::create(folder.path().join("log")).expect("a log");
        Self::launch(folder, lines, log.into())
    }

    fn launch(folder: TempDir, lines: &[&str], log: Stdio) -> Self {
        let file = settings(folder.path(), lines);
        let mut command = anserd();
        command.args(["serve", "--json", "--config", path(&file), "--listen", "127.0.0.1:0", "--data-dir"]);
        command.arg(folder.path().join("data")).stdout(Stdio::piped()).stderr(log);
        let mut process = command.spawn().expect("started");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let ready = serde_json::from_str(&line).expect("the ready line is JSON");
        Self { process, ready, folder }
    }

    fn address(&self) -> SocketAddr {
        self.ready["listen"][0].as_str().and_then(|address| address.parse().ok()).expect("an address")
    }

    fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).expect("the log is there")
    }

    /// Lines are written by a thread of their own.
    fn until_logged(&self, words: &str) -> String {
        loop {
            let log = self.log();
            if log.lines().any(|line| line.contains(words)) && log.ends_with('\n') {
                return log;
            }
            self.admin_json(&["status"]);
        }
    }

    fn logged_address(&self, behind: &str) -> SocketAddr {
        let log = self.until_logged(behind);
        log.split(behind).nth(1).and_then(|rest| rest.split([']', ',']).next()?.parse().ok()).expect("an address")
    }

    fn admin(&self, args: &[&str]) -> Output {
        run(&[args, &["--data-dir", path(&self.data_dir())]].concat())
    }

    fn admin_json(&self, args: &[&str]) -> Value {
        let output = self.admin(&[args, &["--json"]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn settings(folder: &Path, lines: &[&str]) -> PathBuf {
    let file = folder.join("anserd.toml");
    std::fs::write(&file, lines.join("\n")).expect("written");
    file
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

fn path(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
