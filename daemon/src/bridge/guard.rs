//! Where a connection may go. The host of a browser's push service is chosen by the device, so it must not be a way into
//! the operator's own network.
//!
//! The name is resolved once, every address it has is judged, and the connection is made to one of those addresses: a name
//! that resolves differently the next time gains nothing.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{TcpStream, lookup_host};

use super::endpoint::Silence;
use super::origin::Origin;

/// Which addresses are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The operator named the host, or allowed all of them.
    Anywhere,
    /// The device named it.
    PublicOnly,
}

/// A connection to a checked address of the origin.
pub(super) async fn connect(origin: &Origin, reach: Reach) -> Result<TcpStream, Silence> {
    let unreachable = |error: io::Error| Silence::Unreachable(format!("{origin}: {error}"));
    let addresses: Vec<SocketAddr> =
        lookup_host((origin.host.as_str(), origin.port)).await.map_err(unreachable)?.collect();
    check(origin, &addresses, reach)?;
    let socket = TcpStream::connect(addresses.as_slice()).await.map_err(unreachable)?;
    // A request goes out in one piece; waiting for more of it only costs time.
    let _ = socket.set_nodelay(true);
    Ok(socket)
}

/// One forbidden address is enough: an honest name has none.
pub(super) fn check(origin: &Origin, addresses: &[SocketAddr], reach: Reach) -> Result<(), Silence> {
    if reach == Reach::Anywhere {
        return Ok(());
    }
    if !origin.is_tls {
        return Err(Silence::Forbidden(format!("{origin}: only https is allowed")));
    }
    match addresses.iter().find(|address| !is_public(address.ip())) {
        Some(address) => Err(Silence::Forbidden(format!("{origin}: {} is not a public address", address.ip()))),
        None => Ok(()),
    }
}

/// Whether it is an address of the open internet.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, d] = ip.octets();
    let is_forbidden = match (a, b, c) {
        // "This network", private, loopback, multicast, reserved and broadcast.
        (0 | 10 | 127 | 224..=255, _, _) => true,
        // Carrier-grade NAT, link-local (with the clouds' metadata), private.
        (100, 64..=127, _) | (169, 254, _) | (172, 16..=31, _) | (192, 168, _) => true,
        // Protocol assignments, documentation, the former 6to4 relays, AS112, benchmarks.
        (192, 0, 0 | 2) | (192, 88, 99) | (192, 31, 196) | (192, 52, 193) | (192, 175, 48) => true,
        (198, 18..=19, _) | (198, 51, 100) | (203, 0, 113) => true,
        // The address at which one cloud answers its guests.
        (168, 63, 129) => d == 16,
        _ => false,
    };
    !is_forbidden
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let parts = ip.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match parts {
        // 6to4 carries an IPv4 address in its second and third part.
        [0x2002, high, low, ..] => is_public_v4(v4(high, low)),
        // NAT64 leads to an IPv4 address as well.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_public_v4(v4(high, low)),
        // Protocol assignments with Teredo and ORCHID, documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // Only 2000::/3 is given out. The rest is loopback, mapped and compatible IPv4, NAT64 of one network, unique
        // local, link-local, site-local, multicast, or reserved.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}
