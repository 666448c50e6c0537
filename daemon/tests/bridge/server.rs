//! A server that notes what it is asked and answers what it is told to.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use anser_storage::PushCertificate;
use anserd::bridge::{Bridges, Clock, Url};
use anserd::config::{BridgeConfig, BridgeKind};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// When these tests happen, in milliseconds.
pub const NOW_MS: u64 = 1_800_000_000_000;

/// A request as it came.
pub struct Seen {
    pub method: Method,
    pub path: String,
    pub version: Version,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Numbered from 1.
    pub connection: usize,
    /// Whether the client showed a certificate.
    pub is_certified: bool,
    /// The certificate itself (DER), or nothing.
    pub certificate: Vec<u8>,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("visible"))
    }
}

type Answer = (u16, Vec<(&'static str, String)>, Vec<u8>);

#[derive(Default)]
struct Shared {
    seen: Mutex<Vec<Seen>>,
    answers: Mutex<VecDeque<Answer>>,
    connections: AtomicUsize,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

pub struct Server {
    port: u16,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A folder with a certificate authority, and a clock that the test moves.
pub struct World {
    pub dir: tempfile::TempDir,
    pub now_ms: Arc<AtomicU64>,
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let authority = CertifiedIssuer::self_signed(params, key).expect("an authority");
        std::fs::write(dir.path().join("ca.pem"), authority.pem()).expect("written");
        Self { dir, now_ms: Arc::new(AtomicU64::new(NOW_MS)), authority }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.path(name), content).expect("written");
        self.path(name)
    }

    pub fn config(&self, kind: BridgeKind) -> BridgeConfig {
        BridgeConfig { app: None, wake_for_chat: false, ca: Some(self.path("ca.pem")), kind }
    }

    pub fn bridges(&self, config: &[BridgeConfig]) -> Bridges {
        let now_ms = self.now_ms.clone();
        let clock: Clock = Arc::new(move || now_ms.load(Ordering::SeqCst));
        Bridges::with_clock(config, self.dir.path(), clock).expect("all files are right")
    }

    /// A certificate with its key, both in PEM.
    pub fn certificate(&self) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.authority).expect("signed");
        (certificate.pem(), key.serialize_pem())
    }

    pub async fn server(&self, alpn: &'static str) -> Server {
        self.server_that(alpn, false).await
    }

    /// One that talks to nobody without a certificate of this authority.
    pub async fn strict_server(&self) -> Server {
        self.server_that("h2", true).await
    }

    /// A certificate as a developer uploads it for an app, good until a year.
    pub fn uploaded(&self, bundle: Option<&str>, until: i32) -> PushCertificate {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "Apple Push Services");
        if let Some(bundle) = bundle {
            let user_id = DnType::CustomDnType(vec![0, 9, 2342, 19_200_300, 100, 1, 1]);
            params.distinguished_name.push(user_id, bundle);
        }
        params.not_after = date_time_ymd(until, 1, 1);
        let certificate = params.signed_by(&key, &self.authority).expect("signed");
        PushCertificate { chain: vec![certificate.der().to_vec()], key: key.serialize_der(), added_ms: 0 }
    }

    async fn server_that(&self, alpn: &'static str, is_strict: bool) -> Server {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        let chain = vec![params.signed_by(&key, &self.authority).expect("signed").der().clone()];
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der().clone()).expect("an authority");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let clients = if is_strict { clients } else { clients.allow_unauthenticated() };
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_client_cert_verifier(clients.build().expect("a verifier"))
            .with_single_cert(chain, PrivatePkcs8KeyDer::from(key.serialize_der()).into())
            .expect("a certificate");
        config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
        let listener = TcpListener::bind("localhost:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let shared = Arc::new(Shared::default());
        let accepting = tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(config)), shared.clone()));
        Server { port, shared, accepting }
    }
}

impl Server {
    pub fn url(&self, path: &str) -> Url {
        Url::parse(&format!("https://localhost:{}{path}", self.port)).expect("an address")
    }

    /// What the next request gets; without any it is an empty 200.
    pub fn answer(&self, status: u16, body: &str) {
        self.answer_with(status, &[], body.as_bytes().to_vec());
    }

    pub fn answer_with(&self, status: u16, headers: &[(&'static str, &str)], body: Vec<u8>) {
        let headers = headers.iter().map(|(name, value)| (*name, value.to_string())).collect();
        self.shared.answers.lock().expect("unpoisoned").push_back((status, headers, body));
    }

    /// The oldest request that was not looked at.
    pub fn seen(&self) -> Seen {
        self.shared.seen.lock().expect("unpoisoned").remove(0)
    }

    pub fn unseen(&self) -> usize {
        self.shared.seen.lock().expect("unpoisoned").len()
    }

    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Ends every connection and waits until it is ended.
    pub async fn drop_connections(&self) {
        let tasks = std::mem::take(&mut *self.shared.tasks.lock().expect("unpoisoned"));
        for task in tasks {
            task.abort();
            let _ = task.await;
        }
    }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, shared: Arc<Shared>) {
    while let Ok((socket, _)) = listener.accept().await {
        let number = shared.connections.fetch_add(1, Ordering::SeqCst) + 1;
        let task = tokio::spawn(serve(socket, tls.clone(), number, shared.clone()));
        shared.tasks.lock().expect("unpoisoned").push(task);
    }
}

async fn serve(socket: TcpStream, tls: TlsAcceptor, connection: usize, shared: Arc<Shared>) {
    let Ok(stream) = tls.accept(socket).await else { return };
    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).map(|own| own.to_vec());
    let certificate = shown.unwrap_or_default();
    let is_certified = !certificate.is_empty();
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let service = service_fn(move |request: Request<Incoming>| {
        let (shared, certificate) = (shared.clone(), certificate.clone());
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.expect("a whole request").to_bytes();
            let (status, headers, content) =
                shared.answers.lock().expect("unpoisoned").pop_front().unwrap_or((200, Vec::new(), Vec::new()));
            shared.seen.lock().expect("unpoisoned").push(Seen {
                method: head.method,
                path: head.uri.path_and_query().expect("a path").to_string(),
                version: head.version,
                headers: head.headers,
                body,
                connection,
                is_certified,
                certificate,
            });
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            Ok::<_, Infallible>(response.body(Full::new(Bytes::from(content))).expect("an answer"))
        }
    });
    // The other side may go at any time.
    let _ = if is_http2 {
        hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), service)
            .await
    } else {
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await
    };
}

/// A file of this folder.
pub fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bridge").join(name);
    std::fs::read_to_string(path).expect("the file is there")
}
