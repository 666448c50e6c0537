//! QUIC: one connection, one stream that carries what a TCP stream would.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quinn::{
    AsyncUdpSocket, ClientConfig, ConnectError, Connecting, Endpoint, EndpointConfig, IdleTimeout, Runtime,
    TokioRuntime, TransportConfig, VarInt,
};

use super::roaming::RoamingSocket;
use super::wire::{Quic, Wire};

/// Longer than any heartbeat: the session finds out earlier that nobody is there.
const IDLE: Duration = Duration::from_secs(180);
/// What the peer may send ahead of our reading.
const WINDOW_BYTES: u32 = 256 * 1024;

/// A socket for each address family, shared by all links of a dialer.
#[derive(Default)]
pub(super) struct Endpoints {
    v4: Mutex<Option<Roaming>>,
    v6: Mutex<Option<Roaming>>,
}

#[derive(Clone)]
struct Roaming {
    endpoint: Endpoint,
    socket: Arc<RoamingSocket>,
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
        let (endpoint, connecting) = self.begin(config, address, host)?;
        let connection = connecting.await.map_err(|error| error.to_string())?;
        let (send, receive) = connection.open_bi().await.map_err(|error| error.to_string())?;
        Ok(Wire::quic(Quic { endpoint, connection, stream: tokio::io::join(receive, send) }))
    }

    /// Gives open links a new socket.
    pub(super) fn rebind(&self) -> std::io::Result<()> {
        for (slot, is_v6) in [(&self.v4, false), (&self.v6, true)] {
            let slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(roaming) = &*slot {
                roaming.socket.move_to(new_socket(is_v6)?);
            }
        }
        Ok(())
    }

    fn begin(&self, config: &ClientConfig, address: SocketAddr, host: &str) -> Result<(Endpoint, Connecting), String> {
        let slot = if address.is_ipv6() { &self.v6 } else { &self.v4 };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        // An endpoint whose socket has failed takes nothing more: a second one does.
        for _ in 0..2 {
            let roaming = match &*slot {
                Some(roaming) => roaming.clone(),
                None => slot.insert(Roaming::open(address.is_ipv6()).map_err(|error| error.to_string())?).clone(),
            };
            match roaming.endpoint.connect_with(config.clone(), address, host) {
                Ok(connecting) => return Ok((roaming.endpoint, connecting)),
                Err(ConnectError::EndpointStopping) => *slot = None,
                Err(error) => return Err(error.to_string()),
            }
        }
        Err(ConnectError::EndpointStopping.to_string())
    }
}

impl Roaming {
    fn open(is_v6: bool) -> std::io::Result<Self> {
        Self::over(new_socket(is_v6)?)
    }

    fn over(socket: Arc<dyn AsyncUdpSocket>) -> std::io::Result<Self> {
        let socket = RoamingSocket::new(socket);
        let config = EndpointConfig::default();
        let endpoint = Endpoint::new_with_abstract_socket(config, None, socket.clone(), Arc::new(TokioRuntime))?;
        Ok(Self { endpoint, socket })
    }
}

fn new_socket(is_v6: bool) -> std::io::Result<Arc<dyn AsyncUdpSocket>> {
    let any: SocketAddr = if is_v6 { (Ipv6Addr::UNSPECIFIED, 0).into() } else { (Ipv4Addr::UNSPECIFIED, 0).into() };
    TokioRuntime.wrap_udp_socket(UdpSocket::bind(any)?)
}

#[cfg(test)]
mod tests;
