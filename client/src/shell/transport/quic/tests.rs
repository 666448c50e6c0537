//! Links that change their socket, against a server of quinn's.

use std::io::{self, IoSliceMut};
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::task::{Context, Poll};

use quinn::crypto::rustls::{HandshakeData, QuicServerConfig};
use quinn::udp::{RecvMeta, Transmit};
use quinn::{Connection, ConnectionError, ServerConfig, UdpPoller};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio::sync::Notify;

use super::*;
use crate::shell::transport::Trust;
use crate::shell::transport::tls::Configs;

const HOST: &str = "localhost";
/// Tells the other process of a test what it is.
const ALONE: &str = "ANSER_TEST_ALONE";

/// A server whose resets are believed after a restart.
struct Server {
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
}

impl Server {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed([HOST.to_owned()]).expect("a certificate");
        Self { certificate: made.cert.der().clone(), key: made.signing_key.serialize_der().into() }
    }

    fn start(&self, address: SocketAddr) -> Endpoint {
        let mut tls = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("ring speaks TLS 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], self.key.clone_key().into())
            .expect("the key belongs to the certificate");
        tls.alpn_protocols = vec![b"anser/1".to_vec()];
        let tls = QuicServerConfig::try_from(tls).expect("ring has the suite that QUIC begins with");
        let mut config = EndpointConfig::new(Arc::new(ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &[7; 32])));
        config.cid_generator(|| Box::new(quinn_proto::HashedConnectionIdGenerator::from_key(7)));
        let socket = UdpSocket::bind(address).expect("the port is free");
        let server = ServerConfig::with_crypto(Arc::new(tls));
        Endpoint::new(config, Some(server), socket, Arc::new(TokioRuntime)).expect("an endpoint")
    }
}

/// A server's life in a thread of its own: when it ends, nobody is told, as in a crash.
fn crash_after_one_link(server: &Server) -> (SocketAddr, std::thread::JoinHandle<()>, std::sync::mpsc::Sender<()>) {
    let (address, addressed) = std::sync::mpsc::channel();
    let (crash, crashed) = std::sync::mpsc::channel::<()>();
    let (certificate, key) = (server.certificate.clone(), server.key.clone_key());
    let thread = std::thread::spawn(move || {
        let runtime = runtime();
        runtime.spawn(async move {
            let endpoint = Server { certificate, key }.start((Ipv4Addr::LOCALHOST, 0).into());
            address.send(endpoint.local_addr().expect("it has an address")).expect("the test waits");
            let connection = endpoint.accept().await.expect("a link").await.expect("a handshake");
            let _stream = connection.accept_bi().await.expect("a stream");
            std::future::pending::<()>().await;
        });
        let _ = runtime.block_on(async { tokio::task::spawn_blocking(move || crashed.recv()).await });
    });
    (addressed.recv().expect("the server starts"), thread, crash)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Wakes whoever waits for news before the endpoint has looked at what arrived.
#[derive(Debug)]
struct Announcing {
    socket: Arc<dyn AsyncUdpSocket>,
    news: Arc<Notify>,
}

impl AsyncUdpSocket for Announcing {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        self.socket.clone().create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit) -> io::Result<()> {
        self.socket.try_send(transmit)
    }

    fn poll_recv(
        &self,
        context: &mut Context,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let polled = self.socket.poll_recv(context, buffers, meta);
        if polled.is_ready() {
            self.news.notify_one();
        }
        polled
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

/// A task among quinn's: they take turns in the order in which they are woken.
fn as_a_task(story: impl Future<Output = ()> + Send + 'static) {
    runtime().block_on(async { tokio::spawn(story).await.expect("it does not panic") });
}

/// Does something to the client's socket in the moment in which a reset has arrived and its connection does not know yet.
async fn in_the_moment_of_a_reset(act: impl FnOnce(&Endpoints) + Send + 'static) {
    let server = Server::new();
    let (address, thread, crash) = crash_after_one_link(&server);
    let news = Arc::new(Notify::new());
    let socket = new_socket(false).expect("a socket");
    let announcing = Arc::new(Announcing { socket, news: news.clone() });
    let endpoints = Endpoints::default();
    *endpoints.v4.lock().expect("no test panicked") = Some(Roaming::over(announcing).expect("an endpoint"));
    let configs = Configs::new(&Trust::Anybody).expect("nobody is believed");
    let (_endpoint, connecting) = endpoints.begin(&configs.quic, address, HOST).expect("it begins");
    let connection = connecting.await.expect("the server is there");
    let (mut send, _receive) = connection.open_bi().await.expect("a stream");
    send.write_all(b"hello").await.expect("it is written");
    until_quiet(&connection, &news).await;

    // Given a server that crashed and came back,
    crash.send(()).expect("it waits");
    tokio::task::spawn_blocking(move || thread.join()).await.expect("it ends").expect("it does not panic");
    let back = server.start(address);

    // when the answer to what is sent next is a reset,
    send.write_all(b"are you there?").await.expect("it is written");
    news.notified().await;
    act(&endpoints);

    // then the link is over, and only the link.
    assert_eq!(connection.closed().await, ConnectionError::Reset);
    let accepting = tokio::spawn(async move { back.accept().await.expect("a link").await.map(|_| back) });
    let (_endpoint, connecting) = endpoints.begin(&configs.quic, address, HOST).expect("the endpoint goes on");
    let again = connecting.await.expect("the server is there again");
    let data = again.handshake_data().expect("a handshake").downcast::<HandshakeData>().expect("of TLS");
    assert_eq!(data.protocol.as_deref(), Some(&b"anser/1"[..]));
    drop(accepting.await.expect("it does not panic").expect("a handshake"));
}

/// Everything of the handshake has been answered, and the server has given its spare connection ids.
async fn until_quiet(connection: &Connection, news: &Notify) {
    const QUIET: Duration = Duration::from_millis(200);
    // What has arrived may not have been looked at yet when the news of it come.
    while tokio::time::timeout(QUIET, news.notified()).await.is_ok()
        || connection.stats().frame_rx.new_connection_id == 0
    {}
}

#[test]
fn a_socket_that_is_exchanged_in_the_moment_of_a_reset_costs_the_link_alone() {
    as_a_task(in_the_moment_of_a_reset(|endpoints| endpoints.rebind().expect("a socket")));
}

/// Shows that the test above meets the moment: quinn's own exchange of a socket aborts the process in it. When this test
/// fails, quinn has been mended, and its own way can be taken.
#[test]
fn quinns_own_exchange_of_a_socket_does_not_survive_that_moment() {
    let name = "shell::transport::quic::tests::quinns_own_exchange_of_a_socket_does_not_survive_that_moment";
    if std::env::var_os(ALONE).is_some() {
        as_a_task(in_the_moment_of_a_reset(|endpoints| {
            let slot = endpoints.v4.lock().expect("no test panicked");
            let endpoint = &slot.as_ref().expect("it is open").endpoint;
            endpoint.rebind(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a socket")).expect("it is taken");
        }));
        return;
    }
    let this = std::env::current_exe().expect("a path");
    let alone = Command::new(this).args(["--exact", name]).env(ALONE, "1").stdout(Stdio::null()).output();
    let alone = alone.expect("this program starts");
    let said = String::from_utf8_lossy(&alone.stderr);
    assert!(!alone.status.success() && said.contains("quinn"), "{:?}: {said}", alone.status);
}

#[test]
fn a_link_goes_on_over_another_socket() {
    runtime().block_on(async {
        let server = Server::new().start((Ipv4Addr::LOCALHOST, 0).into());
        let address = server.local_addr().expect("it has an address");
        let (seen, mut addresses) = tokio::sync::mpsc::channel(1);
        tokio::spawn(async move {
            let connection = server.accept().await.expect("a link").await.expect("a handshake");
            let (_send, mut receive) = connection.accept_bi().await.expect("a stream");
            let mut byte = [0];
            while receive.read_exact(&mut byte).await.is_ok() {
                seen.send(connection.remote_address()).await.expect("the test listens");
            }
        });
        let endpoints = Endpoints::default();
        let configs = Configs::new(&Trust::Anybody).expect("nobody is believed");
        let (_endpoint, connecting) = endpoints.begin(&configs.quic, address, HOST).expect("it begins");
        let connection = connecting.await.expect("the server is there");
        let (mut send, _receive) = connection.open_bi().await.expect("a stream");
        send.write_all(b"1").await.expect("it is written");
        let first = addresses.recv().await.expect("it arrives");

        endpoints.rebind().expect("a socket");
        send.write_all(b"2").await.expect("it is written");
        let second = addresses.recv().await.expect("it arrives");
        assert_ne!(first.port(), second.port());
        assert!(connection.close_reason().is_none());
    });
}

/// A socket that fails when it is read.
#[derive(Debug)]
struct Broken(Arc<dyn AsyncUdpSocket>);

impl AsyncUdpSocket for Broken {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        self.0.clone().create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit) -> io::Result<()> {
        self.0.try_send(transmit)
    }

    fn poll_recv(&self, _: &mut Context, _: &mut [IoSliceMut<'_>], _: &mut [RecvMeta]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::Error::other("the interface is gone")))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

#[test]
fn an_endpoint_whose_socket_failed_gives_way_to_a_new_one() {
    runtime().block_on(async {
        let server = Server::new().start((Ipv4Addr::LOCALHOST, 0).into());
        let address = server.local_addr().expect("it has an address");
        tokio::spawn(async move { server.accept().await.expect("a link").await.map(|_| server) });
        let endpoints = Endpoints::default();
        let broken = Roaming::over(Arc::new(Broken(new_socket(false).expect("a socket")))).expect("an endpoint");
        // Its driver has found out.
        assert!(broken.endpoint.accept().await.is_none());
        *endpoints.v4.lock().expect("no test panicked") = Some(broken);
        let configs = Configs::new(&Trust::Anybody).expect("nobody is believed");
        let (_endpoint, connecting) = endpoints.begin(&configs.quic, address, HOST).expect("a new endpoint");
        connecting.await.expect("the server is there");
    });
}
