//! WebSocket over TLS: one frame in each binary message.

use anser_protocol::limits::FRAME_BYTES_MAX;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_websockets::{ClientBuilder, Limits};

use super::wire::Wire;

/// Where the server takes links.
const PATH: &str = "/link";

pub(super) async fn connect(stream: TlsStream<TcpStream>, host: &str, port: u16) -> Result<Wire, String> {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let limits = Limits::default().max_payload_len(Some(FRAME_BYTES_MAX));
    let builder = ClientBuilder::new().uri(&format!("wss://{host}:{port}{PATH}")).map_err(|error| error.to_string())?;
    let (socket, _) = builder.limits(limits).connect_on(stream).await.map_err(|error| error.to_string())?;
    Ok(Wire::websocket(socket))
}
