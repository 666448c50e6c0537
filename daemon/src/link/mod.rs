//! Links: the long connections of devices.

use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::server::TlsStream;

use crate::context::Shared;

/// Takes over a connection whose handshake chose `anser/1`. It is closed: no sessions yet.
pub fn serve_tcp(stream: Box<TlsStream<TcpStream>>, peer: SocketAddr, permit: OwnedSemaphorePermit, _context: Shared) {
    log::debug!(peer:% = peer; "links are not served yet");
    drop((stream, permit));
}
