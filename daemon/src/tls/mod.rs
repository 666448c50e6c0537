//! TLS: the certificate, and what both TCP and QUIC say in a handshake.

pub mod acme;
mod authority;
pub mod certificate;
mod server;
pub mod watch;

pub use certificate::{CertificateError, Certificates};
pub use server::{SEND_BUFFER_BYTES_MAX, quic_config, tcp_config, versions_and_provider};

/// The ALPN name of a device link.
pub const ALPN_LINK: &[u8] = b"anser/1";
/// The ALPN name of REST, pages and WebSocket.
pub const ALPN_HTTP: &[u8] = b"http/1.1";
