//! Accepting TCP: a bounded number of handshakes at once, each with a time limit, then the protocol that was chosen.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::http::{self, Connection};
use crate::context::Shared;
use crate::link;
use crate::rest::Rest;
use crate::tls::{ALPN_LINK, SEND_BUFFER_BYTES_MAX};

const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// After an error that will not go away by itself at once, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts TLS connections until the daemon stops. `half_open` bounds the handshakes of all listeners together.
pub async fn accept_tls(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    half_open: Arc<Semaphore>,
    rest: Rest,
    context: Shared,
) {
    while let Some((stream, peer)) = next(&listener, &context).await {
        // Refused without a word: an answer would cost what an attacker wants us to spend.
        let Ok(handshake) = half_open.clone().try_acquire_owned() else { continue };
        let Ok(permit) = context.connections.clone().try_acquire_owned() else { continue };
        let (acceptor, rest, context) = (acceptor.clone(), rest.clone(), context.clone());
        // This task ends with the handshake, so that a connection does not carry its state for hours.
        tokio::spawn(async move {
            let shaken = tokio::time::timeout(HANDSHAKE_WITHIN, shake(acceptor, stream)).await;
            drop(handshake);
            match shaken {
                Ok(Ok(stream)) => hand_on(stream, peer, permit, rest, context),
                Ok(Err(error)) => log::debug!(peer:% = peer; "TLS handshake failed: {error}"),
                Err(_) => log::debug!(peer:% = peer; "TLS handshake took too long"),
            }
        });
    }
}

/// Accepts HTTP without TLS until the daemon stops.
pub async fn accept_plain(listener: TcpListener, rest: Rest, context: Shared) {
    while let Some((stream, peer)) = next(&listener, &context).await {
        let Ok(permit) = context.connections.clone().try_acquire_owned() else { continue };
        tokio::spawn(http::serve(stream, Connection::plain(peer, permit), rest.clone(), context.shutdown.clone()));
    }
}

/// The next connection; nothing when the daemon stops.
async fn next(listener: &TcpListener, context: &Shared) -> Option<(TcpStream, SocketAddr)> {
    let mut shutdown = context.shutdown.clone();
    loop {
        let accepted = tokio::select! {
            () = shutdown.begun() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Our answers are small and whole; waiting to collect more only adds delay.
                let _ = stream.set_nodelay(true);
                return Some((stream, peer));
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                log::warn!("cannot accept connections: {error}; raise the limit of open files if that is the reason");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

async fn shake(acceptor: TlsAcceptor, stream: TcpStream) -> io::Result<Box<TlsStream<TcpStream>>> {
    let stream = acceptor.accept_with(stream, |session| session.set_buffer_limit(Some(SEND_BUFFER_BYTES_MAX))).await?;
    Ok(Box::new(stream))
}

fn hand_on(
    stream: Box<TlsStream<TcpStream>>,
    peer: SocketAddr,
    permit: OwnedSemaphorePermit,
    rest: Rest,
    context: Shared,
) {
    if stream.get_ref().1.alpn_protocol() == Some(ALPN_LINK) {
        link::serve_tcp(stream, peer, permit, context);
    } else {
        let shutdown = context.shutdown.clone();
        tokio::spawn(http::serve(stream, Connection::new(peer, permit), rest, shutdown));
    }
}
