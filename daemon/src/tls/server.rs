//! The server's side of a TLS handshake over TCP.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::Ticketer;
use rustls::server::ServerSessionMemoryCache;

use super::acme::ALPN_PROOF;
use super::{ALPN_HTTP, ALPN_LINK, Certificates};

/// What a TLS session may hold for sending: a slow reader must not collect more here.
pub const SEND_BUFFER_BYTES_MAX: usize = 32 * 1024;

/// QUIC sessions that may be resumed, some hundred bytes each: more devices than come back in one storm on a small host.
const QUIC_SESSIONS_MAX: usize = 16_384;

/// TLS 1.3 and 1.2, resumption by tickets: the client carries the state, a returning device costs no memory here.
pub fn tcp_config(certificates: Arc<Certificates>) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = versions_and_provider()?.with_no_client_auth().with_cert_resolver(certificates);
    // The last is for an ACME authority alone: nothing is served on it.
    config.alpn_protocols = vec![ALPN_LINK.to_vec(), ALPN_HTTP.to_vec(), ALPN_PROOF.to_vec()];
    config.ticketer = Ticketer::new()?;
    // One ticket for each connection: a device uses one, and each costs bytes on a mobile network.
    config.send_tls13_tickets = 1;
    Ok(Arc::new(config))
}

/// TLS 1.3 for QUIC. A stateful, bounded cache for resumption; 0-RTT stays off.
pub fn quic_config(certificates: Arc<Certificates>) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.alpn_protocols = vec![ALPN_LINK.to_vec()];
    config.session_storage = ServerSessionMemoryCache::new(QUIC_SESSIONS_MAX);
    config.send_tls13_tickets = 1;
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}

/// The start of every server configuration of this daemon.
pub fn versions_and_provider() -> Result<rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier>, rustls::Error> {
    ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
