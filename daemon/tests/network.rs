//! The listeners from outside: who is let in, who is cut off, and how a drain ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anser_storage::command::{AccessChange, AppCommand, Command};
use anser_storage::outcome::Answer;
use anserd::config::{self, Config, Flags};
use anserd::rest::permit::parse_range;
use anserd::serve::Daemon;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tempfile::TempDir;

/// Five times what the daemon allows for a handshake or a header.
const PATIENCE: Duration = Duration::from_secs(50);

#[tokio::test(flavor = "multi_thread")]
async fn the_self_made_certificate_is_trusted_by_its_authority_under_every_local_name() {
    let (daemon, folder) = start(|_| {}).await;
    let address = daemon.listen()[0];
    on_a_thread(move || {
        for name in ["localhost", "127.0.0.1", "::1"] {
            let mut stream = connect(address, &folder, name, &[b"http/1.1"]);
            stream.write_all(b"GET /v3/push/cid HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("sent");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("read");
            assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_returning_client_resumes_its_tls_session() {
    let (daemon, folder) = start(|_| {}).await;
    let address = daemon.listen()[0];
    on_a_thread(move || {
        let config = client_config(&folder, &[b"http/1.1"]);
        let kinds: Vec<_> = (0..2)
            .map(|_| {
                let mut stream = connect_with(config.clone(), address, "localhost");
                stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("sent");
                stream.read_to_string(&mut String::new()).expect("read");
                stream.conn.handshake_kind()
            })
            .collect();
        assert_eq!(kinds, [Some(rustls::HandshakeKind::Full), Some(rustls::HandshakeKind::Resumed)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_serves_many_requests_and_says_how_long_it_may_lie_idle() {
    let (daemon, folder) = start(|_| {}).await;
    let address = daemon.listen()[0];
    on_a_thread(move || {
        let mut stream = connect(address, &folder, "localhost", &[b"http/1.1"]);
        let request = b"GET /v3/push/cid HTTP/1.1\r\nhost: x\r\n\r\n";
        stream.write_all(&[&request[..], &request[..]].concat()).expect("sent");
        let answers = BufReader::new(stream).lines().map_while(Result::ok);
        let told = answers.filter(|line| line.eq_ignore_ascii_case("keep-alive: timeout=8")).take(2);
        assert_eq!(told.count(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spaces_in_an_address_are_taken_as_such_and_names_of_headers_come_as_the_original_writes_them() {
    let (daemon, folder) = start(|_| {}).await;
    let address = daemon.listen()[0];
    on_a_thread(move || {
        let mut stream = connect(address, &folder, "localhost", &[b"http/1.1"]);
        stream.write_all(b"GET /v3/received?msg_ids=1, 2 HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
        let head: Vec<String> =
            BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        assert!(head[0].starts_with("HTTP/1.1 401 "), "it is read as a request: {head:?}");
        assert!(head.iter().any(|line| line.starts_with("Content-Type: ")), "{head:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_says_nothing_is_cut_off_before_and_after_the_handshake() {
    let (daemon, folder) = start(|_| {}).await;
    let address = daemon.listen()[0];
    on_a_thread(move || {
        let mut silent = TcpStream::connect(address).expect("connected");
        silent.set_read_timeout(Some(PATIENCE)).expect("set");
        let mut quiet = connect(address, &folder, "localhost", &[b"http/1.1"]);
        quiet.write_all(b"GET / HTTP/1.1\r\n").expect("sent");
        let begun = Instant::now();
        assert_eq!(silent.read(&mut [0; 1]).expect("closed, not timed out"), 0);
        // Closed with or without an answer, but closed.
        let _ = quiet.read_to_end(&mut Vec::new());
        assert!(begun.elapsed() < PATIENCE);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_beyond_the_limit_are_closed_and_a_place_comes_back() {
    let (daemon, folder) = start(|config| config.limits.half_open = 1).await;
    let address = daemon.listen()[0];
    on_a_thread(move || {
        let first = TcpStream::connect(address).expect("connected");
        let mut second = TcpStream::connect(address).expect("connected");
        second.set_read_timeout(Some(PATIENCE)).expect("set");
        assert_eq!(second.read(&mut [0; 1]).unwrap_or(0), 0, "closed at once");
        drop(first);
        let mut served = false;
        let begun = Instant::now();
        while !served && begun.elapsed() < PATIENCE {
            served = try_connect(client_config(&folder, &[b"http/1.1"]), address, "localhost").is_ok();
        }
        assert!(served, "the place of the first was given back");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plain_listener_answers_without_tls() {
    let anywhere = "127.0.0.1:0".parse().expect("an address");
    let (daemon, _folder) = start(|config| config.plain_listen = vec![anywhere]).await;
    let plain = daemon.plain_listen()[0];
    on_a_thread(move || {
        let mut stream = TcpStream::connect(plain).expect("connected");
        stream.write_all(b"GET /v3/push/cid HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("read");
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_ends_only_its_own_connection() {
    let (daemon, folder) = start(|_| {}).await;
    let address = daemon.listen()[0];
    on_a_thread(move || {
        for garbage in [&[0u8; 1000][..], b"GET / HTTP/1.1\r\n\r\n", &[0x16, 3, 1, 0xff, 0xff, 1, 2, 3]] {
            let mut stream = TcpStream::connect(address).expect("connected");
            stream.write_all(garbage).expect("sent");
            stream.shutdown(std::net::Shutdown::Write).expect("closed our end");
            let _ = stream.read_to_end(&mut Vec::new());
        }
        let mut inside = connect(address, &folder, "localhost", &[b"http/1.1"]);
        inside.write_all(b"\x00\x01garbage\r\n\r\n").expect("sent");
        let _ = inside.read_to_end(&mut Vec::new());
        connect(address, &folder, "localhost", &[b"http/1.1"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g20_a_request_that_two_readers_could_cut_differently_is_refused_and_ends_its_connection() {
    let (daemon, folder) = start(|_| {}).await;
    let address = daemon.listen()[0];
    on_a_thread(move || {
        let smuggled = "GET /v1/smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
        let both = "content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
        for ambiguous in [
            "content-length: 0\r\ncontent-length: 44\r\n\r\n",
            "content-length: +4\r\n\r\n0000",
            "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
            "transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
            "transfer-encoding: chunked\r\n\r\n0x4\r\nabcd\r\n0\r\n\r\n",
            both,
        ] {
            let mut stream = connect(address, &folder, "localhost", &[b"http/1.1"]);
            let request = format!("POST /v3/push HTTP/1.1\r\nhost: x\r\n{ambiguous}{smuggled}");
            stream.write_all(request.as_bytes()).expect("sent");
            let mut answers = String::new();
            let _ = stream.read_to_string(&mut answers);
            assert!(!answers.contains("899007"), "{ambiguous:?} let a second request through:\n{answers}");
            assert!(answers.matches("HTTP/1.1 ").count() <= 1, "{ambiguous:?}:\n{answers}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g20_what_a_caller_says_of_its_own_address_does_not_count() {
    let (daemon, folder) = start(|_| {}).await;
    let (key, secret) = ("0".repeat(24), "1".repeat(24));
    let create = AppCommand::Create { name: "one".into(), app_key: key.clone(), master_secret: secret.clone() };
    let Answer::App(app) = submit(&daemon, create).await else { panic!("an app was to be made") };
    let change = AccessChange::Addresses(vec![parse_range("10.0.0.7").expect("an address")]);
    submit(&daemon, AppCommand::ChangeAccess { app, change }).await;
    let address = daemon.listen()[0];
    on_a_thread(move || {
        let basic = data_encoding::BASE64.encode(format!("{key}:{secret}").as_bytes());
        for header in ["x-forwarded-for: 10.0.0.7", "forwarded: for=10.0.0.7", "x-real-ip: 10.0.0.7", "via: 10.0.0.7"] {
            let mut stream = connect(address, &folder, "localhost", &[b"http/1.1"]);
            let head = format!("GET /v3/tags HTTP/1.1\r\nhost: x\r\nauthorization: Basic {basic}\r\n{header}");
            stream.write_all(format!("{head}\r\nconnection: close\r\n\r\n").as_bytes()).expect("sent");
            let mut answer = String::new();
            let _ = stream.read_to_string(&mut answer);
            assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("2004"), "{header}: {answer}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_idle_connections_and_refuses_new_ones() {
    let (daemon, folder) = start(|_| {}).await;
    let address = daemon.listen()[0];
    let mut idle = on_a_thread(move || {
        let mut stream = connect(address, &folder, "localhost", &[b"http/1.1"]);
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).expect("an answer");
        reader
    })
    .await;
    daemon.stop().await;
    on_a_thread(move || {
        let _ = idle.read_to_end(&mut Vec::new());
        assert!(TcpStream::connect(address).is_err());
    })
    .await;
}

async fn submit(daemon: &Daemon, command: AppCommand) -> Answer {
    let outcome = daemon.context().ledger.submit(Command::App(command)).await.expect("the store is there");
    outcome.answer.expect("accepted")
}

type Tls = StreamOwned<ClientConnection, TcpStream>;

async fn start(change: impl FnOnce(&mut Config)) -> (Daemon, Arc<TempDir>) {
    let folder = tempfile::tempdir().expect("a folder");
    let flags =
        Flags { data_dir: Some(folder.path().to_owned()), listen: vec!["127.0.0.1:0".to_owned()], ..Flags::default() };
    let mut config = config::read(&flags, std::iter::empty()).expect("valid");
    change(&mut config);
    (Daemon::start(config).await.expect("started"), Arc::new(folder))
}

/// Blocking sockets are plainer to read; they must not hold up the daemon in this process.
async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("the test holds")
}

fn connect(address: SocketAddr, folder: &TempDir, name: &'static str, protocols: &[&[u8]]) -> Tls {
    connect_with(client_config(folder, protocols), address, name)
}

fn connect_with(config: Arc<ClientConfig>, address: SocketAddr, name: &'static str) -> Tls {
    try_connect(config, address, name).expect("the handshake succeeds")
}

fn try_connect(config: Arc<ClientConfig>, address: SocketAddr, name: &'static str) -> std::io::Result<Tls> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let session = ClientConnection::new(config, ServerName::try_from(name).expect("a name")).expect("valid");
    let mut tls = StreamOwned::new(session, stream);
    while tls.conn.is_handshaking() {
        tls.conn.complete_io(&mut tls.sock)?;
    }
    Ok(tls)
}

fn client_config(folder: &TempDir, protocols: &[&[u8]]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let pem = folder.path().join("ca.pem");
    roots.add(CertificateDer::from_pem_file(pem).expect("exported")).expect("an authority");
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("known versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Arc::new(config)
}
