//! How a link is opened: transports race, and within each the addresses of the server's name.
//!
//! QUIC goes first, TCP joins in after a quarter of a second, WebSocket a further three quarters later, or as soon as the
//! others have failed. The transport that won last time in this network goes before the others.

mod quic;
mod race;
mod roaming;
mod stream;
mod tls;
mod verifier;
mod websocket;
mod wire;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

pub use self::tls::TrustError;
pub use self::wire::{Incoming, Wire};
use crate::session::Transport;
use race::race;

/// One attempt, name lookup apart, may take so long.
const ATTEMPT_WITHIN: Duration = Duration::from_secs(10);
/// An address that answers slowly is joined by the next one.
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);
const SECOND_TRANSPORT_AFTER: Duration = Duration::from_millis(250);
const THIRD_TRANSPORT_AFTER: Duration = Duration::from_millis(1000);
/// Once all transports but one have failed, that one gets so long.
const GRACE: Duration = Duration::from_secs(2);
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;

/// Which certificates are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Those of the authorities in this PEM file.
    CaFile(PathBuf),
    /// Those of the system's authorities.
    System,
    /// All: anybody on the way can read and change everything.
    Anybody,
}

/// Which transports may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    #[default]
    Race,
    Only(Transport),
}

/// Opens links to one server.
pub struct Dialer {
    host: String,
    port: u16,
    server_name: ServerName<'static>,
    choice: Choice,
    tls: tls::Configs,
    endpoints: quic::Endpoints,
}

/// Why no dialer could be made.
#[derive(Debug, thiserror::Error)]
pub enum DialerError {
    #[error("\"{0}\" is not a server address: write host:port, for example push.example.com:8443")]
    Address(String),
    #[error(transparent)]
    Trust(#[from] TrustError),
}

/// One attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub transport: Transport,
    pub address: String,
    pub reason: String,
}

/// Every attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreachable {
    pub server: String,
    pub failures: Vec<Failure>,
}

impl Unreachable {
    /// The server answered with a certificate that is not trusted.
    pub fn is_certificate(&self) -> bool {
        self.failures.iter().any(|failure| failure.reason.contains("certificate"))
    }

    /// An address of the server, unless its name could not be looked up.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.failures.iter().find_map(|failure| failure.address.parse().ok())
    }
}

impl std::fmt::Display for Unreachable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot reach {}", self.server)?;
        for failure in &self.failures {
            write!(f, "; {} {}: {}", failure.transport.name(), failure.address, failure.reason)?;
        }
        Ok(())
    }
}

impl Dialer {
    /// `server` is `host:port`; an IPv6 address stands in brackets.
    pub fn new(server: &str, trust: &Trust, choice: Choice) -> Result<Self, DialerError> {
        let wrong = || DialerError::Address(server.to_owned());
        let (host, port) = server.rsplit_once(':').ok_or_else(wrong)?;
        let port: u16 = port.parse().map_err(|_| wrong())?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let server_name = ServerName::try_from(host.to_owned()).map_err(|_| wrong())?;
        let tls = tls::Configs::new(trust)?;
        Ok(Self { host: host.to_owned(), port, server_name, choice, tls, endpoints: quic::Endpoints::default() })
    }

    /// Opens a link by the transport that comes through first.
    pub async fn connect(self: &Arc<Self>, last_winner: Option<Transport>) -> Result<(Transport, Wire), Unreachable> {
        let addresses = match self.addresses().await {
            Ok(addresses) => Arc::new(addresses),
            Err(reason) => {
                let address = self.host.clone();
                return Err(self.unreachable(vec![Failure { transport: Transport::Tcp, address, reason }]));
            }
        };
        let starts = [Duration::ZERO, SECOND_TRANSPORT_AFTER, THIRD_TRANSPORT_AFTER];
        let candidates = self.order(last_winner).into_iter().zip(starts).map(|(transport, start)| {
            let (dialer, addresses) = (self.clone(), addresses.clone());
            (start, async move { dialer.connect_by(transport, &addresses).await.map(|wire| (transport, wire)) })
        });
        race(candidates.collect(), GRACE)
            .await
            .map_err(|failures| self.unreachable(failures.into_iter().flatten().collect()))
    }

    /// The server's host and port.
    pub(super) fn server(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// A connection for HTTP to the server.
    pub(super) async fn http(self: &Arc<Self>) -> Result<TlsStream<TcpStream>, Unreachable> {
        self.http_by(&self.host, self.port, &self.server_name).await
    }

    /// The same to another server, which must be as trustworthy.
    pub(super) async fn http_to(self: &Arc<Self>, host: &str, port: u16) -> Result<TlsStream<TcpStream>, Unreachable> {
        match ServerName::try_from(host.to_owned()) {
            Ok(name) => self.http_by(host, port, &name).await,
            Err(error) => Err(unreachable_http(host, port, host, error.to_string())),
        }
    }

    async fn http_by(
        &self,
        host: &str,
        port: u16,
        name: &ServerName<'static>,
    ) -> Result<TlsStream<TcpStream>, Unreachable> {
        let failed = |address: &str, reason| unreachable_http(host, port, address, reason);
        let addresses = addresses_of(host, port).await.map_err(|reason| failed(host, reason))?;
        let mut last = None;
        for address in addresses {
            let attempt = stream::connect(self.tls.http.clone(), address, name.clone());
            match tokio::time::timeout(ATTEMPT_WITHIN, attempt).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(reason)) => last = Some(failed(&address.to_string(), reason)),
                Err(_) => last = Some(failed(&address.to_string(), "no answer".to_owned())),
            }
        }
        Err(last.unwrap_or_else(|| failed(host, "the name has no address".to_owned())))
    }

    /// Makes a full handshake each time: for measuring what that costs.
    pub fn without_resumption(mut self) -> Self {
        self.tls.forget_sessions();
        self
    }

    /// Moves open QUIC links to a new socket, after the network changed.
    pub fn rebind(&self) -> std::io::Result<()> {
        self.endpoints.rebind()
    }

    /// TLS handshakes so far in which the server showed its certificate; in all others a session was resumed, which takes
    /// fewer bytes and less of both ends' time.
    pub fn full_handshakes(&self) -> u64 {
        self.tls.full_handshakes()
    }

    fn unreachable(&self, failures: Vec<Failure>) -> Unreachable {
        Unreachable { server: format!("{}:{}", self.host, self.port), failures }
    }

    fn order(&self, last_winner: Option<Transport>) -> Vec<Transport> {
        match self.choice {
            Choice::Only(transport) => vec![transport],
            Choice::Race => {
                let others = [Transport::Quic, Transport::Tcp, Transport::WebSocket];
                let others = others.into_iter().filter(|transport| Some(*transport) != last_winner);
                last_winner.into_iter().chain(others).collect()
            }
        }
    }

    async fn addresses(&self) -> Result<Vec<SocketAddr>, String> {
        addresses_of(&self.host, self.port).await
    }

    async fn connect_by(
        self: &Arc<Self>,
        transport: Transport,
        addresses: &[SocketAddr],
    ) -> Result<Wire, Vec<Failure>> {
        let candidates = (0..).zip(addresses.iter().copied()).map(|(place, address)| {
            let dialer = self.clone();
            (NEXT_ADDRESS_AFTER * place, async move {
                let attempt = tokio::time::timeout(ATTEMPT_WITHIN, dialer.attempt(transport, address)).await;
                attempt.unwrap_or_else(|_| Err("no answer".to_owned())).map_err(|reason| Failure {
                    transport,
                    address: address.to_string(),
                    reason,
                })
            })
        });
        race(candidates.collect(), ATTEMPT_WITHIN).await
    }

    async fn attempt(&self, transport: Transport, address: SocketAddr) -> Result<Wire, String> {
        let name = self.server_name.clone();
        match transport {
            Transport::Quic => self.endpoints.connect(&self.tls.quic, address, &self.host).await,
            Transport::Tcp => stream::connect(self.tls.link.clone(), address, name).await.map(Wire::stream),
            Transport::WebSocket => {
                let stream = stream::connect(self.tls.http.clone(), address, name).await?;
                websocket::connect(stream, &self.host, self.port).await
            }
        }
    }
}

/// A server's addresses, the two families in turn.
async fn addresses_of(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let found = tokio::time::timeout(ATTEMPT_WITHIN, tokio::net::lookup_host((host, port))).await;
    let found: Vec<SocketAddr> = match found {
        Ok(Ok(found)) => found.collect(),
        Ok(Err(error)) => return Err(format!("the name cannot be looked up: {error}")),
        Err(_) => return Err("looking up the name took too long".to_owned()),
    };
    let first_is_v6 = found.first().is_some_and(SocketAddr::is_ipv6);
    let (mut ones, mut others): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut mixed = Vec::new();
    while mixed.len() < ADDRESSES_MAX && !(ones.is_empty() && others.is_empty()) {
        mixed.extend((!ones.is_empty()).then(|| ones.remove(0)));
        mixed.extend((!others.is_empty()).then(|| others.remove(0)));
    }
    if mixed.is_empty() { Err("the name has no address".to_owned()) } else { Ok(mixed) }
}

fn unreachable_http(host: &str, port: u16, address: &str, reason: String) -> Unreachable {
    let failure = Failure { transport: Transport::Tcp, address: address.to_owned(), reason };
    Unreachable { server: format!("{host}:{port}"), failures: vec![failure] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialer(server: &str) -> Result<Dialer, DialerError> {
        Dialer::new(server, &Trust::Anybody, Choice::Race)
    }

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for good in ["localhost:8443", "127.0.0.1:443", "[::1]:8443"] {
            assert!(dialer(good).is_ok(), "{good}");
        }
        for wrong in ["localhost", "localhost:", "localhost:https", ":8443", "a b:1"] {
            assert!(matches!(dialer(wrong), Err(DialerError::Address(_))), "{wrong}");
        }
    }

    #[test]
    fn the_last_winner_goes_first() {
        use Transport::{Quic, Tcp, WebSocket};
        let dialer = dialer("localhost:1").expect("a good address");
        assert_eq!(dialer.order(None), [Quic, Tcp, WebSocket]);
        assert_eq!(dialer.order(Some(WebSocket)), [WebSocket, Quic, Tcp]);
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_named_with_every_attempt() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
        let server = free.to_string();
        let dialer = Dialer::new(&server, &Trust::Anybody, Choice::Only(Transport::Tcp)).expect("a good address");
        let unreachable = Arc::new(dialer).connect(None).await.err().expect("nobody listens");
        assert_eq!(unreachable.server, server);
        assert!(unreachable.to_string().contains("tcp"), "{unreachable}");
        assert!(!unreachable.is_certificate());
    }
}
