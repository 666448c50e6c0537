//! The daemon as a supervisor has it: on sockets that it was given, told to reload, and telling that it lives.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;
use tempfile::TempDir;

/// Longer than any answer takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);
const UNAUTHORISED: u16 = 401;

#[test]
fn a_restart_on_given_sockets_refuses_no_connection() {
    // Given a daemon on sockets that somebody else holds,
    let supervised = Supervised::start("tcp,udp");
    let (address, first) = (supervised.listen(), supervised.process_id());

    // when it ends and another one takes its place, while connections come,
    let asked = Command::new("kill").arg(first.to_string()).status().expect("kill runs");
    assert!(asked.success());
    let authority = supervised.ca();
    let answers: Vec<u16> = (0..20).map(|_| ask(&mut connect(address, &authority)).0).collect();

    // then each of them was answered, and both daemons served.
    assert!(answers.iter().all(|status| *status == UNAUTHORISED), "{answers:?}");
    assert_ne!(supervised.process_id(), first);
}

#[test]
fn tcp_without_udp_is_served_and_said() {
    let supervised = Supervised::start("tcp");
    assert_eq!(ask(&mut connect(supervised.listen(), &supervised.ca())).0, UNAUTHORISED);
    assert!(supervised.log().contains("without UDP"), "{}", supervised.log());
}

#[test]
fn sockets_of_another_kind_end_the_start_with_what_to_change() {
    for (kinds, told) in [("tcp,udp,unix", "neither a listening TCP nor a UDP socket"), ("udp", "Add ListenStream=")] {
        let folder = folder();
        let mut supervisor = hand_over(kinds, folder.path())
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("python starts");
        // It ends with its standard input, so that is held.
        let _input = supervisor.stdin.take();
        let output = supervisor.wait_with_output().expect("it ends");
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{log}");
        assert!(log.contains(told), "{log}");
    }
}

#[test]
fn a_reload_takes_what_it_can_and_names_what_waits() {
    // Given a daemon with a certificate of the operator's and a connection to it,
    let folder = folder();
    let settings = folder.path().join("anserd.toml");
    let first = certificate(folder.path());
    let text = |rates: &str, more: &str| {
        let folder = folder.path().display();
        format!("{more}\n[rates]\n{rates}\n[tls]\ncertificate = '{folder}/c.pem'\nkey = '{folder}/k.pem'\n")
    };
    std::fs::write(&settings, text("push = 100", "")).expect("written");
    let daemon = Daemon::start(&folder, &[]);
    let mut held = connect(daemon.listen(), &first);
    assert_eq!(ask(&mut held).1.as_deref(), Some("100"));

    // when settings and certificate change,
    let second = certificate(folder.path());
    std::fs::write(&settings, text("push = 200", "listen = ['127.0.0.1:1']\nplain_listen = ['127.0.0.1:2']"))
        .expect("written");
    let told = daemon.reload();

    // then the connection stays, the new values hold, and those that wait are named.
    assert!(told.status.success(), "{}", text_of(&told.stderr));
    assert!(text_of(&told.stdout).contains("changed: rates.push"), "{}", text_of(&told.stdout));
    assert!(text_of(&told.stdout).contains("next start: plain_listen"), "{}", text_of(&told.stdout));
    assert_eq!(ask(&mut held).1.as_deref(), Some("200"));
    ask(&mut connect(daemon.listen(), &second));
}

#[test]
fn a_reload_with_mistakes_names_them_all_and_changes_nothing() {
    let folder = folder();
    let settings = folder.path().join("anserd.toml");
    std::fs::write(&settings, "[rates]\npush = 100\n").expect("written");
    let daemon = Daemon::start(&folder, &[]);
    for (broken, mistakes) in [
        ("log_level = 'loud'\n[rates]\npush = 0\n", &["log_level", "rates.push"][..]),
        ("[rates]\npush = 300\n[tls]\ncertificate = '/nowhere/c'\nkey = '/nowhere/k'\n", &["/nowhere/c"]),
        ("[", &["TOML"]),
    ] {
        std::fs::write(&settings, broken).expect("written");
        let told = daemon.reload();
        assert!(!told.status.success());
        for mistake in mistakes {
            assert!(text_of(&told.stderr).contains(mistake), "{mistake}: {}", text_of(&told.stderr));
        }
        let ca = daemon.ca();
        assert_eq!(ask(&mut connect(daemon.listen(), &ca)).1.as_deref(), Some("100"));
    }
}

#[test]
fn the_supervisor_hears_of_start_life_reload_and_end() {
    let folder = folder();
    let news = UnixDatagram::bind(folder.path().join("notify")).expect("a socket");
    news.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    let socket = folder.path().join("notify");
    let mut daemon = Daemon::start(&folder, &[("NOTIFY_SOCKET", path(&socket)), ("WATCHDOG_USEC", "300000")]);
    hear(&news, "READY=1");
    hear(&news, "WATCHDOG=1");
    hear(&news, "WATCHDOG=1");

    daemon.signal("-HUP");
    // Without the time newer ones take it for no reload.
    assert!(hear(&news, "RELOADING=1").contains("MONOTONIC_USEC="));
    hear(&news, "READY=1");

    daemon.signal("-TERM");
    hear(&news, "STOPPING=1");
    assert!(daemon.process.wait().expect("ended").success());
}

#[test]
fn a_stop_right_after_readiness_is_a_drain() {
    for _ in 0..5 {
        let folder = folder();
        let mut daemon = Daemon::start(&folder, &[]);
        daemon.signal("-TERM");
        assert!(daemon.process.wait().expect("ended").success());
    }
}

/// The next notice with that line.
fn hear(news: &UnixDatagram, wanted: &str) -> String {
    let mut buffer = [0; 4096];
    loop {
        let length = news.recv(&mut buffer).unwrap_or_else(|error| panic!("{wanted} was not told: {error}"));
        let told = text_of(&buffer[..length]);
        if told.lines().any(|line| line == wanted) {
            return told;
        }
    }
}

/// A daemon on a free port, with the settings file in its folder if there is one; killed when dropped.
struct Daemon {
    process: Child,
    ready: Value,
    data_dir: PathBuf,
}

impl Daemon {
    fn start(folder: &TempDir, environment: &[(&str, &str)]) -> Self {
        let data_dir = folder.path().join("data");
        let mut command = Command::new(env!("CARGO_BIN_EXE_anserd"));
        command.args(["serve", "--json", "--data-dir", path(&data_dir), "--listen", "127.0.0.1:0"]);
        let settings = folder.path().join("anserd.toml");
        if settings.exists() {
            command.args(["--config", path(&settings)]);
        }
        let log = File::create(folder.path().join("log")).expect("a log");
        let environment = environment.iter().copied();
        let mut process =
            command.envs(environment).stdout(Stdio::piped()).stderr(log).spawn().expect("the daemon starts");
        let ready =
            read_ready(&mut process).unwrap_or_else(|| panic!("not ready: {}", read(&folder.path().join("log"))));
        Self { process, ready, data_dir }
    }

    fn listen(&self) -> SocketAddr {
        address(&self.ready)
    }

    fn ca(&self) -> String {
        read(&self.data_dir.join("ca.pem"))
    }

    fn reload(&self) -> Output {
        let socket = self.data_dir.join("admin.sock");
        let mut command = Command::new(env!("CARGO_BIN_EXE_anserd"));
        command.args(["reload", "--socket", path(&socket)]).output().expect("it runs")
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.process.id().to_string()]).status().expect("kill runs");
        assert!(sent.success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A daemon below a stand-in for systemd, which holds its sockets and starts it again.
struct Supervised {
    supervisor: Child,
    folder: TempDir,
    ready: Value,
}

impl Supervised {
    fn start(kinds: &str) -> Self {
        let folder = folder();
        let log = File::create(folder.path().join("log")).expect("a log");
        let mut supervisor = hand_over(kinds, folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("python starts");
        let ready = read_ready(&mut supervisor).unwrap_or_else(|| panic!("{}", read(&folder.path().join("log"))));
        Self { supervisor, folder, ready }
    }

    fn listen(&self) -> SocketAddr {
        address(&self.ready)
    }

    fn ca(&self) -> String {
        read(&self.folder.path().join("data/ca.pem"))
    }

    fn log(&self) -> String {
        read(&self.folder.path().join("log"))
    }

    fn process_id(&self) -> u64 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_anserd"));
        let data_dir = self.folder.path().join("data");
        let output = command.args(["status", "--json", "--data-dir", path(&data_dir)]).output().expect("it runs");
        let status: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        status["process_id"].as_u64().expect("a number")
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        // It ends the daemon when its standard input ends.
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
    }
}

fn hand_over(kinds: &str, folder: &Path) -> Command {
    let mut command = Command::new("python3");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/supervised/hand_over.py"));
    command.args([kinds, env!("CARGO_BIN_EXE_anserd"), "serve", "--json", "--listen", "127.0.0.1:0", "--data-dir"]);
    command.arg(folder.join("data"));
    command
}

fn read_ready(process: &mut Child) -> Option<Value> {
    let mut line = String::new();
    let mut output = BufReader::new(process.stdout.take().expect("a pipe"));
    output.read_line(&mut line).expect("readable");
    // Whatever it prints later must find a reader.
    std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    serde_json::from_str(&line).ok()
}

fn address(ready: &Value) -> SocketAddr {
    ready["listen"][0].as_str().and_then(|address| address.parse().ok()).expect("an address")
}

/// A new certificate and its key, in the two files that the settings name.
fn certificate(folder: &Path) -> String {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    std::fs::write(folder.join("c.pem"), made.cert.pem()).expect("written");
    std::fs::write(folder.join("k.pem"), made.signing_key.serialize_pem()).expect("written");
    made.cert.pem()
}

type Tls = StreamOwned<ClientConnection, TcpStream>;

/// Trusts that authority and nobody else.
fn connect(address: SocketAddr, authority: &str) -> Tls {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(authority.as_bytes()).expect("PEM");
    roots.add(certificate).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    let session = ClientConnection::new(config, ServerName::try_from("localhost").expect("a name")).expect("a session");
    let stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    StreamOwned::new(session, stream)
}

/// Asks without credentials; the status and the limit that is told.
fn ask(stream: &mut Tls) -> (u16, Option<String>) {
    stream
        .write_all(b"POST /v3/push HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n")
        .expect("the connection stands");
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        assert_ne!(reader.read_line(&mut line).expect("an answer"), 0, "the connection ended: {head:?}");
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_ascii_lowercase());
    }
    let value = |name: &str| head.iter().find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()));
    let length = value("content-length:").and_then(|length| length.parse().ok()).unwrap_or(0);
    std::io::copy(&mut reader.take(length), &mut std::io::sink()).expect("the body");
    let status = head[0].split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, value("x-rate-limit-limit:"))
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
