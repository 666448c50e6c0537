//! Certificates of an ACME authority, from Debian's `pebble`, which is made to test clients like ours: it refuses some
//! nonces, and looks at the names by itself.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anserd::config::{self, Flags};
use anserd::serve::Daemon;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

const NAME: &str = "push.example.test";
/// Longer than any order takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Pebble with the name server that it asks; both are gone with the test.
struct Authority {
    processes: Vec<Child>,
    directory: String,
    ca: PathBuf,
}

impl Drop for Authority {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_certificate_comes_from_the_authority_over_the_one_port_and_stays_for_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let Some(authority) = Authority::start(folder.path(), port) else {
        anser_tests::skip!(
            "the_first_certificate_comes_from_the_authority_over_the_one_port_and_stays_for_the_next_start",
            "there is no pebble on this machine (package pebble)"
        );
    };
    let data_dir = folder.path().join("data");
    let daemon = start(&data_dir, port, &authority.directory, &authority.ca).await;
    let certificate = data_dir.join("acme/server.pem");
    assert!(shows_a_certificate_of(&data_dir.join("ca.pem"), port), "the self-made one, until there is another");

    wait_until("the certificate is here", || certificate.exists() && shows_a_certificate_of(&certificate, port)).await;

    wait_until("the order is noted", || text(&data_dir.join("acme/attempts.json")).contains(r#""failures":0"#)).await;
    for file in ["server.pem", "account.json", "attempts.json"] {
        let mode = std::fs::metadata(data_dir.join("acme").join(file)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let (noted, kept) = (text(&data_dir.join("acme/attempts.json")), text(&certificate));
    daemon.stop().await;
    // The authority need not be there for a start.
    drop(authority);
    let daemon = start(&data_dir, port, "https://127.0.0.1:9/dir", &folder.path().join("authority.pem")).await;
    assert!(shows_a_certificate_of(&certificate, port));
    assert_eq!((text(&data_dir.join("acme/attempts.json")), text(&certificate)), (noted, kept), "nothing is asked for");
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_is_not_there_leaves_the_self_made_certificate_and_is_not_asked_again_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let ca = folder.path().join("authority.pem");
    std::fs::write(&ca, made().0).expect("written");
    let data_dir = folder.path().join("data");
    let nowhere = format!("https://127.0.0.1:{}/dir", free_port());
    let daemon = start(&data_dir, port, &nowhere, &ca).await;
    let attempts = data_dir.join("acme/attempts.json");

    wait_until("the failure is noted", || text(&attempts).contains(r#""failures":1"#)).await;

    assert!(shows_a_certificate_of(&data_dir.join("ca.pem"), port));
    daemon.stop().await;
    let daemon = start(&data_dir, port, &nowhere, &ca).await;
    assert!(shows_a_certificate_of(&data_dir.join("ca.pem"), port));
    daemon.stop().await;
    assert!(text(&attempts).contains(r#""failures":1"#), "a restart does not ask again");
}

impl Authority {
    /// Nothing where there is no pebble.
    fn start(folder: &Path, tls_port: u16) -> Option<Self> {
        let (listen, management, dns, dns_management) = (free_port(), free_port(), free_port(), free_port());
        let ca = folder.join("authority.pem");
        let (certificate, key) = made();
        std::fs::write(folder.join("pebble.key"), key).expect("written");
        std::fs::write(&ca, certificate).expect("written");
        let settings = serde_json::json!({"pebble": {
            "listenAddress": format!("127.0.0.1:{listen}"), "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": ca, "privateKey": folder.join("pebble.key"),
            "httpPort": free_port(), "tlsPort": tls_port, "ocspResponderURL": "",
        }});
        let file = folder.join("pebble.json");
        std::fs::write(&file, settings.to_string()).expect("written");
        let names = Command::new("pebble-challtestsrv")
            .args(["-defaultIPv6", "", "-defaultIPv4", "127.0.0.1", "-http01", "", "-https01", "", "-tlsalpn01", ""])
            .args(["-dns01", &format!("127.0.0.1:{dns}")])
            .args(["-management", &format!("127.0.0.1:{dns_management}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let pebble = Command::new("pebble")
            .arg("-config")
            .arg(&file)
            .args(["-dnsserver", &format!("127.0.0.1:{dns}")])
            // Without it, it waits up to 15 s before it looks.
            .env("PEBBLE_VA_NOSLEEP", "1")
            .stdout(std::fs::File::create(folder.join("pebble.log")).expect("a log"))
            .stderr(Stdio::null())
            .spawn();
        let mut authority = Self { processes: vec![names], directory: format!("https://127.0.0.1:{listen}/dir"), ca };
        authority.processes.push(pebble.ok()?);
        let begun = Instant::now();
        for port in [listen, dns_management] {
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                assert!(begun.elapsed() < PATIENCE, "pebble listens");
                std::thread::yield_now();
            }
        }
        Some(authority)
    }
}

/// A certificate for 127.0.0.1 that vouches for itself, and its key.
fn made() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("made");
    (made.cert.pem(), made.signing_key.serialize_pem())
}

async fn start(data_dir: &Path, port: u16, directory: &str, ca: &Path) -> Daemon {
    let settings = format!(
        "[tls]\nnames = ['{NAME}']\nacme_directory = '{directory}'\nacme_terms_agreed = true\n\
         acme_contact = 'mailto:ops@example.test'\nacme_ca = '{}'\n",
        ca.display()
    );
    let listen = vec![format!("127.0.0.1:{port}")];
    let flags = Flags { data_dir: Some(data_dir.to_owned()), listen, ..Flags::default() };
    let config = config::read_text(&settings, "test".to_owned(), &flags, std::iter::empty()).expect("valid settings");
    Daemon::start(config).await.expect("started")
}

/// Does a handshake end well whose client trusts the last certificate of this file, and nothing else?
fn shows_a_certificate_of(file: &Path, port: u16) -> bool {
    let pem = std::fs::read(file).expect("it is there");
    let Some(last) = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).last() else { return false };
    let mut roots = RootCertStore::empty();
    if roots.add(last).is_err() {
        return false;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("known versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(NAME).expect("a name");
    let mut session = ClientConnection::new(Arc::new(config), name).expect("valid");
    let Ok(mut stream) = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))) else { return false };
    while session.is_handshaking() {
        if session.complete_io(&mut stream).is_err() {
            return false;
        }
    }
    true
}

async fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !tokio::task::block_in_place(&is_so) {
        assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
        tokio::task::yield_now().await;
    }
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}
