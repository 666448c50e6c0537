//! TCP with TLS.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(super) async fn connect(
    config: Arc<ClientConfig>,
    address: SocketAddr,
    name: ServerName<'static>,
) -> Result<TlsStream<TcpStream>, String> {
    let tcp = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    // Frames are small and whole; waiting to collect more only adds delay.
    let _ = tcp.set_nodelay(true);
    TlsConnector::from(config).connect(name, tcp).await.map_err(|error| error.to_string())
}
