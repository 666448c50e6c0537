//! Binding: TCP and UDP on the same number, IPv4 along with IPv6.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;

/// Connections that the kernel holds while we are busy: a reconnect storm comes in bursts.
const BACKLOG: i32 = 4096;
/// With port 0 the kernel chooses the TCP port; its UDP twin may be taken by somebody else.
const TRIES: usize = 16;

/// A bound address; nothing is accepted yet.
#[derive(Debug)]
pub struct Bound {
    pub address: SocketAddr,
    pub tcp: TcpListener,
    /// Missing only where the service manager handed over TCP alone.
    pub udp: Option<UdpSocket>,
}

#[derive(Debug, Error)]
pub enum BindError {
    #[error(
        "the address {0} is in use by another program. `ss -ltunp 'sport = :{port}'` shows which; stop it, or listen elsewhere with --listen",
        port = .0.port()
    )]
    InUse(SocketAddr),
    #[error(
        "this user may not listen on {0}: ports below 1024 need a systemd socket or CAP_NET_BIND_SERVICE; or choose another with --listen"
    )]
    NotAllowed(SocketAddr),
    #[error("{0} is not an address of this machine; `ip address` lists them; correct `listen`")]
    NotHere(SocketAddr),
    #[error("cannot listen on {0}: {1}")]
    Other(SocketAddr, io::Error),
}

/// Binds TCP and UDP. `[::]` serves IPv4 too, and becomes `0.0.0.0` where the machine has no IPv6.
pub fn bind(address: SocketAddr) -> Result<Bound, BindError> {
    let tries = if address.port() == 0 { TRIES } else { 1 };
    let mut last = None;
    for _ in 0..tries {
        match bind_once(address) {
            Err(error) if is_without_ipv6(address, &error) => {
                return bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), address.port()));
            }
            Ok(bound) => return Ok(bound),
            Err(error) => last = Some(error),
        }
    }
    Err(explained(address, last.unwrap_or_else(|| io::Error::other("no port is free for both TCP and UDP"))))
}

/// Only TCP, for the plain listener.
pub fn bind_tcp(address: SocketAddr) -> Result<TcpListener, BindError> {
    tcp(address).map_err(|error| explained(address, error))
}

fn bind_once(address: SocketAddr) -> io::Result<Bound> {
    let tcp = tcp(address)?;
    let address = tcp.local_addr()?;
    let udp = udp(address)?;
    Ok(Bound { address, tcp, udp: Some(udp) })
}

fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(address, Type::STREAM, Protocol::TCP)?;
    // A restart must not wait for the connections of the one before to be forgotten.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket(address, Type::DGRAM, Protocol::UDP)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

fn socket(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn is_without_ipv6(address: SocketAddr, error: &io::Error) -> bool {
    address.is_ipv6()
        && address.ip().is_unspecified()
        // EAFNOSUPPORT: no IPv6 in the kernel; EADDRNOTAVAIL: switched off.
        && (error.raw_os_error() == Some(97) || error.kind() == io::ErrorKind::AddrNotAvailable)
}

fn explained(address: SocketAddr, error: io::Error) -> BindError {
    match error.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse(address),
        io::ErrorKind::PermissionDenied => BindError::NotAllowed(address),
        io::ErrorKind::AddrNotAvailable => BindError::NotHere(address),
        _ => BindError::Other(address, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tcp_and_udp_get_the_same_number() {
        let bound = bind("127.0.0.1:0".parse().expect("an address")).expect("bound");
        let udp = bound.udp.expect("both were bound");
        assert_eq!(bound.tcp.local_addr().expect("bound"), udp.local_addr().expect("bound"));
        assert_ne!(bound.address.port(), 0);
    }

    #[test]
    fn an_address_in_use_is_explained_with_the_command_that_shows_by_whom() {
        let first = bind("127.0.0.1:0".parse().expect("an address")).expect("bound");
        let told = bind(first.address).expect_err("in use").to_string();
        assert!(told.contains(&format!("sport = :{}", first.address.port())), "{told}");
    }

    #[test]
    fn an_address_of_another_machine_is_named() {
        let told = bind("192.0.2.1:0".parse().expect("an address")).expect_err("not here").to_string();
        assert!(told.contains("192.0.2.1"), "{told}");
    }
}
