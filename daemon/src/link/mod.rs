//! The long connection: what a device says and hears.
//!
//! [`session`] decides without I/O; everything else here carries its bytes, questions and answers. A link is one task:
//! it waits on its transport, on its mailbox and on nothing else. Time-outs come from one sweeper for all links.

pub mod group_query;
pub mod links;
pub mod mailbox;
pub mod query;
pub mod quic;
mod readers;
mod refusal;
pub(crate) mod send_rate;
pub mod session;
pub(crate) mod signed;
mod task;
mod upgrade;
mod web_signature;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::server::TlsStream;

pub use self::links::{About, From, Links, TransportRules};
use self::task::Link;
pub use self::upgrade::upgrade;
use self::wire::{ByteStream, Messages};
use crate::context::Shared;
use crate::observe::Transport;

/// Counts a connection among the daemon's for as long as it is held.
pub type Permit = Arc<OwnedSemaphorePermit>;

/// Takes over a connection whose handshake chose `anser/1`.
pub fn serve_tcp(stream: Box<TlsStream<TcpStream>>, peer: SocketAddr, permit: OwnedSemaphorePermit, context: Shared) {
    log::debug!(peer:% = peer; "a link over TCP");
    let links = context.links.clone();
    let rules = links.rules().tcp.clone();
    let from = From { transport: Transport::Tcp, peer };
    tokio::spawn(Link::new(ByteStream::new(stream), rules, links, from, Arc::new(permit)));
}

/// Takes over a connection that was upgraded to a WebSocket.
fn serve_websocket(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    peer: SocketAddr,
    permit: Permit,
    context: &Shared,
) {
    let links = context.links.clone();
    let rules = links.rules().websocket.clone();
    let from = From { transport: Transport::WebSocket, peer };
    tokio::spawn(Link::new(Messages::new(stream), rules, links, from, permit));
}

/// Takes over the stream that a client opened on its QUIC connection.
fn serve_quic(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    peer: SocketAddr,
    permit: OwnedSemaphorePermit,
    context: &Shared,
) -> impl Future<Output = ()> + Send {
    let links = context.links.clone();
    let rules = links.rules().quic.clone();
    let from = From { transport: Transport::Quic, peer };
    Link::new(ByteStream::new(stream), rules, links, from, Arc::new(permit))
}
