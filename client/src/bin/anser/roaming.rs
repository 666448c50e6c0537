//! Notices that this machine has another address, as a phone's system would tell an app.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use anser_client::shell::Client;
use tokio::net::lookup_host;

/// Asking the routing table costs nothing, but a wake-up does.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Tells the client whenever the address that leads to the server has changed.
pub async fn watch(client: Client, server: String) {
    let mut target = None;
    let mut known = None;
    loop {
        if target.is_none() {
            target = lookup_host(&server).await.ok().and_then(|mut addresses| addresses.next());
        }
        let now = target.and_then(address_towards);
        if known.is_some() && now.is_some() && now != known {
            client.network_changed("default").await;
        }
        known = now.or(known);
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The address that packets to the server would carry. Connecting a UDP socket sends nothing.
fn address_towards(server: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = if server.is_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(server).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_this_machine_leads_over_its_own_address() {
        assert_eq!(address_towards((Ipv4Addr::LOCALHOST, 9).into()), Some(Ipv4Addr::LOCALHOST.into()));
    }
}
