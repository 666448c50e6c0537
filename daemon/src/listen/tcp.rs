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
use super::proxy;
use crate::context::Shared;
use crate::link;
use crate::rest::Rest;
use crate::tls::acme::ALPN_PROOF;
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
    let is_proxied = is_proxied(&listener, &context);
    while let Some((stream, peer)) = next(&listener, &context).await {
        // Refused without a word: an answer would cost what an attacker wants us to spend.
        let Ok(handshake) = half_open.clone().try_acquire_owned() else { continue };
        let Ok(permit) = context.connections.clone().try_acquire_owned() else { continue };
        let (acceptor, rest, context) = (acceptor.clone(), rest.clone(), context.clone());
        // This task ends with the handshake, so that a connection does not carry its state for hours.
        tokio::spawn(async move {
            let shaken = {
                let shaking = shake(acceptor, stream, peer, is_proxied.then_some(&context));
                tokio::time::timeout(HANDSHAKE_WITHIN, shaking).await
            };
            drop(handshake);
            match shaken {
                Ok(Ok((stream, peer))) => hand_on(stream, peer, permit, rest, context),
                Ok(Err(error)) => log::debug!(peer:% = peer; "TLS handshake failed: {error}"),
                Err(_) => log::debug!(peer:% = peer; "TLS handshake took too long"),
            }
        });
    }
}

/// Accepts HTTP without TLS until the daemon stops.
pub async fn accept_plain(listener: TcpListener, rest: Rest, context: Shared) {
    let is_proxied = is_proxied(&listener, &context);
    while let Some((mut stream, mut peer)) = next(&listener, &context).await {
        let Ok(permit) = context.connections.clone().try_acquire_owned() else { continue };
        let (rest, context) = (rest.clone(), context.clone());
        tokio::spawn(async move {
            if is_proxied {
                match proxy::read_header(&mut stream, peer, &context.config.proxy).await {
                    Ok(source) => peer = source,
                    Err(error) => return log::debug!(peer:% = peer; "a proxied connection was closed: {error}"),
                }
            }
            http::serve(stream, Connection::plain(peer, permit), rest, context).await;
        });
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

/// Every connection of this listener begins with a PROXY header.
fn is_proxied(listener: &TcpListener, context: &Shared) -> bool {
    listener.local_addr().is_ok_and(|bound| context.config.proxy.is_on(bound))
}

/// With who called the proxy, if there is one.
async fn shake(
    acceptor: TlsAcceptor,
    mut stream: TcpStream,
    mut peer: SocketAddr,
    proxied: Option<&Shared>,
) -> io::Result<(Box<TlsStream<TcpStream>>, SocketAddr)> {
    if let Some(context) = proxied {
        peer = proxy::read_header(&mut stream, peer, &context.config.proxy).await?;
    }
    let stream = acceptor.accept_with(stream, |session| session.set_buffer_limit(Some(SEND_BUFFER_BYTES_MAX))).await?;
    Ok((Box::new(stream), peer))
}

fn hand_on(
    stream: Box<TlsStream<TcpStream>>,
    peer: SocketAddr,
    permit: OwnedSemaphorePermit,
    rest: Rest,
    context: Shared,
) {
    let protocol = stream.get_ref().1.alpn_protocol();
    if protocol == Some(ALPN_LINK) {
        link::serve_tcp(stream, peer, permit, context);
    } else if protocol == Some(ALPN_PROOF) {
        // The authority has seen the certificate, which is all that it wanted.
        log::debug!(peer:% = peer; "an ACME authority looked whether a name leads here");
    } else {
        tokio::spawn(http::serve(stream, Connection::new(peer, permit), rest, context));
    }
}
