//! Links over QUIC: the endpoint, its limits, and the one stream of each connection.
//!
//! Limits are chosen for fleets that are idle: windows are upper bounds, but every stream slot is paid for up front.

use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{
    Connection, Endpoint, EndpointConfig, IdleTimeout, Incoming, ServerConfig, TokioRuntime, TransportConfig, VarInt,
};
use quinn_proto::HashedConnectionIdGenerator;
use ring::hmac;
use thiserror::Error;
use tokio::sync::Semaphore;

use super::serve_quic;
use crate::context::Shared;
use crate::keys::{Keys, Purpose};

/// A handshake, and then the first stream, must come within this time.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// Beyond the silence that a session allows, so that the session and not the transport ends an idle link.
const IDLE_MAX: Duration = Duration::from_secs(300);
/// Only one stream is used; one more leaves room for a client that opens it again.
const STREAMS_MAX: u32 = 2;
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 128 * 1024;
const SEND_WINDOW: u64 = 64 * 1024;
/// Initial packets that wait to be looked at, and bytes kept of them.
const INCOMING_MAX: usize = 4096;
const INCOMING_BYTES_MAX: u64 = 16 * 1024;
const INCOMING_BYTES_TOTAL: u64 = 16 * 1024 * 1024;
/// A client that has heard the last frame closes; one that is gone is not waited for longer than this.
const GOODBYE_WITHIN: Duration = Duration::from_secs(1);
/// Close codes.
const CLOSE_DONE: u32 = 0;
const CLOSE_PROTOCOL: u32 = 1;

#[derive(Debug, Error)]
pub enum QuicError {
    #[error("the certificate cannot be used for QUIC: {0}")]
    Tls(#[from] quinn::crypto::rustls::NoInitialCipherSuite),
    #[error("{0}")]
    Socket(#[from] std::io::Error),
}

/// Serves links on a UDP socket. `tls` must offer `anser/1` and keep 0-RTT off.
pub fn endpoint(socket: UdpSocket, tls: Arc<rustls::ServerConfig>, keys: &Keys) -> Result<Endpoint, QuicError> {
    // Kept over restarts: a reset tells a device at once that its connection is gone, and tokens stay good.
    let reset_key = hmac::Key::new(hmac::HMAC_SHA256, &keys.derive(Purpose::QuicReset));
    let token_key = ring::hkdf::Salt::new(ring::hkdf::HKDF_SHA256, &[]).extract(&keys.derive(Purpose::QuicToken));
    let mut server = ServerConfig::new(Arc::new(QuicServerConfig::try_from(tls)?), Arc::new(token_key));
    server.transport_config(Arc::new(transport()));
    server
        .max_incoming(INCOMING_MAX)
        .incoming_buffer_size(INCOMING_BYTES_MAX)
        .incoming_buffer_size_total(INCOMING_BYTES_TOTAL);
    let mut config = EndpointConfig::new(Arc::new(reset_key));
    // quinn answers only packets for connection ids that this key made; a random one would forget those of the last life,
    // and their devices would wait for an answer until their time is up.
    let [a, b, c, d, e, f, g, h, ..] = keys.derive(Purpose::QuicConnectionIds);
    let id_key = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
    config.cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(id_key)));
    Ok(Endpoint::new(config, Some(server), socket, Arc::new(TokioRuntime))?)
}

fn transport() -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS_MAX))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW))
        .send_window(SEND_WINDOW)
        .crypto_buffer_size(8 * 1024)
        .datagram_receive_buffer_size(None)
        .max_idle_timeout(IdleTimeout::try_from(IDLE_MAX).ok());
    transport
}

/// Accepts connections until the daemon stops. `half_open` is shared with the handshakes over TCP.
pub async fn accept(endpoint: Endpoint, half_open: Arc<Semaphore>, context: Shared) {
    let mut shutdown = context.shutdown.clone();
    loop {
        let incoming = tokio::select! {
            () = shutdown.begun() => break,
            incoming = endpoint.accept() => match incoming {
                Some(incoming) => incoming,
                None => break,
            },
        };
        let free = half_open.available_permits();
        let Ok(handshake) = half_open.clone().try_acquire_owned() else {
            incoming.ignore();
            continue;
        };
        let is_crowded = is_crowded(free, context.config.limits.half_open);
        if is_crowded && !incoming.remote_address_validated() && incoming.may_retry() {
            let _ = incoming.retry();
            continue;
        }
        let context = context.clone();
        tokio::spawn(async move {
            let connection = tokio::time::timeout(HANDSHAKE_WITHIN, shake(incoming)).await;
            drop(handshake);
            match connection {
                Ok(Ok(connection)) => drop(tokio::spawn(serve(connection, context))),
                Ok(Err(error)) => log::debug!("QUIC handshake failed: {error}"),
                Err(_) => log::debug!("QUIC handshake took too long"),
            }
        });
    }
    // Links say goodbye by themselves; what they say last must still leave.
    endpoint.wait_idle().await;
}

/// Under load a client must first show that it can be reached at its address, which costs it a round trip.
fn is_crowded(free: usize, half_open_max: usize) -> bool {
    free < half_open_max / 2
}

async fn shake(incoming: Incoming) -> Result<Connection, quinn::ConnectionError> {
    incoming.accept()?.await
}

/// Boxed by the runtime: lives as long as the connection, so it holds little.
async fn serve(connection: Connection, context: Shared) {
    let Ok(permit) = context.connections.clone().try_acquire_owned() else {
        return connection.close(VarInt::from_u32(CLOSE_DONE), b"too many connections");
    };
    let stream = tokio::time::timeout(HANDSHAKE_WITHIN, connection.accept_bi()).await;
    let Ok(Ok((send, receive))) = stream else {
        return connection.close(VarInt::from_u32(CLOSE_PROTOCOL), b"open a stream");
    };
    let peer = connection.remote_address();
    serve_quic(tokio::io::join(receive, send), peer, permit, &context).await;
    // Closing the connection throws away what its stream has not delivered yet, such as why the link was refused.
    let _ = tokio::time::timeout(GOODBYE_WITHIN, connection.closed()).await;
    connection.close(VarInt::from_u32(CLOSE_DONE), b"");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_must_show_their_address_only_while_half_of_the_handshakes_are_taken() {
        assert!(!is_crowded(1024, 1024) && !is_crowded(1023, 1024) && !is_crowded(512, 1024));
        assert!(is_crowded(511, 1024) && is_crowded(0, 1024));
        assert!(!is_crowded(1, 1));
    }
}
