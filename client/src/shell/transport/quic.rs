//! QUIC: one connection, one stream that carries what a TCP stream would.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use quinn::{ClientConfig, Endpoint, IdleTimeout, TransportConfig, VarInt};

use super::wire::{Quic, Wire};

/// Longer than any heartbeat: the session finds out earlier that nobody is there.
const IDLE: Duration = Duration::from_secs(180);
/// What the peer may send ahead of our reading.
const WINDOW_BYTES: u32 = 256 * 1024;

/// A socket for each address family, shared by all links of a dialer.
#[derive(Default)]
pub(super) struct Endpoints {
    v4: Mutex<Option<Endpoint>>,
    v6: Mutex<Option<Endpoint>>,
}

pub(super) fn transport_config() -> TransportConfig {
    let mut config = TransportConfig::default();
    config
        .max_idle_timeout(Some(IdleTimeout::try_from(IDLE).expect("three minutes fit")))
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(WINDOW_BYTES))
        .receive_window(VarInt::from_u32(WINDOW_BYTES))
        .datagram_receive_buffer_size(None);
    config
}

impl Endpoints {
    pub(super) async fn connect(&self, config: &ClientConfig, address: SocketAddr, host: &str) -> Result<Wire, String> {
        let endpoint = self.of_family(address).map_err(|error| error.to_string())?;
        let connecting = endpoint.connect_with(config.clone(), address, host).map_err(|error| error.to_string())?;
        let connection = connecting.await.map_err(|error| error.to_string())?;
        let (send, receive) = connection.open_bi().await.map_err(|error| error.to_string())?;
        Ok(Wire::quic(Quic { endpoint, connection, stream: tokio::io::join(receive, send) }))
    }

    pub(super) fn rebind(&self) -> std::io::Result<()> {
        for slot in [&self.v4, &self.v6] {
            let slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(endpoint) = &*slot {
                let is_v6 = endpoint.local_addr()?.is_ipv6();
                endpoint.rebind(UdpSocket::bind(any_address(is_v6))?)?;
            }
        }
        Ok(())
    }

    fn of_family(&self, address: SocketAddr) -> std::io::Result<Endpoint> {
        let is_v6 = address.is_ipv6();
        let slot = if is_v6 { &self.v6 } else { &self.v4 };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(endpoint) = &*slot {
            return Ok(endpoint.clone());
        }
        let endpoint = Endpoint::client(any_address(is_v6))?;
        *slot = Some(endpoint.clone());
        Ok(endpoint)
    }
}

fn any_address(is_v6: bool) -> SocketAddr {
    if is_v6 { (Ipv6Addr::UNSPECIFIED, 0).into() } else { (Ipv4Addr::UNSPECIFIED, 0).into() }
}
