//! A picture on a weak network: an upload and a download that are cut in the middle go on where they were.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anser_client::session::Transport;
use anser_client::shell::{Choice, Client, Dialer, Download, Events, MediaError, Options, Progress, Trust, Upload};
use anser_client::store::MemoryStore;
use anser_protocol::frame::media::MediaKind;
use anser_tests::daemon::{App, Daemon};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const IMAGE_BYTES: usize = 8 << 20;
const HALF: u64 = IMAGE_BYTES as u64 / 2;

/// F.9 of the client contract, scenario 11.
#[tokio::test(flavor = "multi_thread")]
async fn an_image_of_eight_mebibytes_that_is_cut_at_half_way_goes_on_and_is_one_medium() {
    let daemon = Daemon::start().await.expect("the daemon starts");
    let app = daemon.create_app("shop").await.expect("an app");
    let users = json!([{"username": "ann", "password": "secret"}, {"username": "bob", "password": "secret"}]);
    daemon.https(&app).expect("the certificate").call("POST", "/v1/users", Some(&users)).await.expect("registered");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("gans.gif");
    std::fs::write(&path, image()).expect("written");

    // When the first connection that carries a half of it is cut,
    let gate = Gate::open(daemon.address(), HALF).await;
    let ann = log_in(&daemon, &app, gate.address, "ann").await;
    let upload = Upload { kind: MediaKind::IMAGE, path: path.clone(), name: String::new(), thumb_of: String::new() };
    let mut furthest = 0;
    let told = |progress: Progress| furthest = furthest.max(progress.done);
    let uploaded = ann.0.upload(upload.clone(), told).await.expect("uploaded");

    // then the rest goes over another, and little goes twice,
    assert_eq!((uploaded.bytes, uploaded.body["width"].as_u64(), furthest), (IMAGE_BYTES as u64, Some(772), 2 * HALF));
    let (sent, cut) = (gate.sent.load(Ordering::SeqCst), gate.cut.load(Ordering::SeqCst));
    assert_eq!(cut, 1, "it was cut");
    assert!(sent < 2 * HALF + HALF / 2, "{sent} bytes for a file of {IMAGE_BYTES}");

    // and the same file again is the same medium, without its bytes.
    let again = ann.0.upload(upload, |_| {}).await.expect("known");
    assert_eq!(again, uploaded);
    assert!(gate.sent.load(Ordering::SeqCst) < sent + HALF / 2);

    // What was downloaded over a cut is whole as well.
    let gate = Gate::open(daemon.address(), HALF).await;
    let bob = log_in(&daemon, &app, gate.address, "bob").await;
    let into = folder.path().join("received.gif");
    let download = Download { media_id: uploaded.media_id.clone(), thumb: false, into: into.clone() };
    let downloaded = bob.0.download(download, |_| {}).await.expect("downloaded");
    assert_eq!((downloaded.crc32, downloaded.is_thumb), (uploaded.crc32, false));
    assert_eq!(gate.cut.load(Ordering::SeqCst), 1, "it was cut");
    assert!(std::fs::read(&into).expect("there") == image());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_uploaded_or_downloaded_is_told() {
    let daemon = Daemon::start().await.expect("the daemon starts");
    let app = daemon.create_app("shop").await.expect("an app");
    let users = json!([{"username": "ann", "password": "secret"}]);
    daemon.https(&app).expect("the certificate").call("POST", "/v1/users", Some(&users)).await.expect("registered");
    let (client, _events) = log_in(&daemon, &app, daemon.address(), "ann").await;
    let folder = tempfile::tempdir().expect("a folder");
    let (path, name, thumb_of) = (folder.path().join("x"), String::new(), String::new());
    let upload = Upload { kind: MediaKind::IMAGE, path: path.clone(), name, thumb_of };
    let missing = client.upload(upload.clone(), |_| {}).await.expect_err("there is no file");
    assert!(matches!(missing, MediaError::FileMissing { .. }), "{missing}");
    std::fs::write(&path, b"no image").expect("written");
    let refused = client.upload(upload.clone(), |_| {}).await.expect_err("it is no image");
    assert!(matches!(refused, MediaError::NotTaken { status: 400, .. }), "{refused}");
    let shown: Value = daemon.admin(&["app", "quota", "shop", "1"]).await.expect("the operator may");
    assert_eq!(shown["media"]["quota_bytes"], 1 << 20);
    std::fs::write(&path, image()).expect("written");
    let refused = client.upload(upload, |_| {}).await.expect_err("it is larger than the app's quota");
    assert!(matches!(refused, MediaError::NotTaken { status: 403, .. }), "{refused}");
    let media_id = "qiniu/image/r/00112233445566778899AABBCCDDEEFF".to_owned();
    let download = Download { media_id, thumb: false, into: folder.path().join("y") };
    let unknown = client.download(download, |_| {}).await.expect_err("nobody uploaded it");
    assert_eq!((matches!(unknown, MediaError::Refused(_)), unknown.code()), (true, 211), "{unknown}");
}

fn image() -> Vec<u8> {
    let mut image = b"GIF89a\x04\x03\x02\x01".to_vec();
    image.extend((0_u32..).flat_map(u32::to_le_bytes).take(IMAGE_BYTES - image.len()));
    image
}

async fn log_in(daemon: &Daemon, app: &App, server: SocketAddr, user: &str) -> (Client, Events) {
    let trust = Trust::CaFile(daemon.ca().to_owned());
    let server = format!("localhost:{}", server.port());
    let dialer = Dialer::new(&server, &trust, Choice::Only(Transport::Tcp)).expect("a good address");
    let store = Box::new(MemoryStore::default());
    let (client, events) = Client::start(Options::new(&app.app_key), dialer, store).expect("a store in memory");
    client.login(user, Some("secret")).await.expect("logged in");
    (client, events)
}

/// A way to the daemon that cuts one connection: the first that has carried so many bytes in one direction.
struct Gate {
    address: SocketAddr,
    /// From clients to the daemon.
    sent: Arc<AtomicU64>,
    cut: Arc<AtomicU64>,
}

impl Gate {
    async fn open(daemon: SocketAddr, cut_after: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sent, cut) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let gate = Self { address, sent: sent.clone(), cut: cut.clone() };
        tokio::spawn(async move {
            while let Ok((inner, _)) = listener.accept().await {
                let (sent, cut) = (sent.clone(), cut.clone());
                tokio::spawn(async move {
                    let Ok(outer) = TcpStream::connect(daemon).await else { return };
                    let ((from_client, to_client), (from_daemon, to_daemon)) = (inner.into_split(), outer.into_split());
                    let back = Arc::<AtomicU64>::default();
                    tokio::select! {
                        () = carry(from_client, to_daemon, &sent, &cut, cut_after) => {}
                        () = carry(from_daemon, to_client, &back, &cut, cut_after) => {}
                    }
                });
            }
        });
        gate
    }
}

/// Ends with the connection, or when it is to be cut.
async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    carried: &AtomicU64,
    cut: &AtomicU64,
    cut_after: u64,
) {
    let (mut piece, mut own) = (vec![0; 16 << 10], 0);
    loop {
        let read = match tokio::time::timeout(Duration::from_secs(60), from.read(&mut piece)).await {
            Ok(Ok(read @ 1..)) => read,
            _ => return,
        };
        own += read as u64;
        carried.fetch_add(read as u64, Ordering::SeqCst);
        if own > cut_after && cut.compare_exchange(0, 1, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            return;
        }
        if to.write_all(&piece[..read]).await.is_err() {
            return;
        }
    }
}
