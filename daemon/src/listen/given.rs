//! Sockets that the service manager opened before us. They outlive the daemon: whoever connects while it restarts waits
//! in the kernel's queue instead of being refused.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use listenfd::ListenFd;
use thiserror::Error;

use super::Bound;

/// What a service manager may hand over; many times what anybody needs.
const SOCKETS_MAX: usize = 64;

/// Listening sockets, each a TCP one with its UDP twin.
#[derive(Debug, Default)]
pub struct Given(Vec<Bound>);

#[derive(Debug, Error)]
pub enum GivenError {
    #[error(
        "systemd handed over a socket that is neither a listening TCP nor a UDP socket (number {number}: {source}). A socket unit of anserd may have ListenStream= and ListenDatagram= with a port only, and Accept=no"
    )]
    Kind { number: usize, source: io::Error },
    #[error(
        "systemd handed over UDP {0} without TCP on the same address: devices come by both. Add ListenStream= with the same value to the socket unit, or take ListenDatagram= away"
    )]
    WithoutTcp(SocketAddr),
    #[error("systemd handed over {0} sockets; at most {SOCKETS_MAX} are taken")]
    TooMany(usize),
    #[error("a socket that systemd handed over cannot be used: {0}")]
    Other(#[from] io::Error),
}

impl Given {
    /// Takes what this process was started with; nothing, unless it was by a socket unit. To be called before there are
    /// other threads: it changes the environment.
    pub fn take() -> Result<Self, GivenError> {
        let mut sockets = ListenFd::from_env();
        let (mut tcp, mut udp) = (Vec::new(), Vec::new());
        if sockets.len() > SOCKETS_MAX {
            return Err(GivenError::TooMany(sockets.len()));
        }
        for number in 0..sockets.len() {
            // Whether it is a TCP socket only the attempt tells.
            if let Ok(Some(listener)) = sockets.take_tcp_listener(number) {
                tcp.push(listener);
                continue;
            }
            match sockets.take_udp_socket(number) {
                Ok(Some(socket)) => udp.push(socket),
                Ok(None) => {}
                Err(source) => return Err(GivenError::Kind { number, source }),
            }
        }
        Self::paired(tcp, udp)
    }

    /// The order of the socket unit stays.
    fn paired(tcp: Vec<TcpListener>, mut udp: Vec<UdpSocket>) -> Result<Self, GivenError> {
        let mut pairs = Vec::new();
        for tcp in tcp {
            tcp.set_nonblocking(true)?;
            let address = tcp.local_addr()?;
            let twin = udp.iter().position(|udp| udp.local_addr().is_ok_and(|other| other == address));
            let udp = twin.map(|twin| udp.remove(twin));
            if let Some(udp) = &udp {
                udp.set_nonblocking(true)?;
            }
            pairs.push(Bound { address, tcp, udp });
        }
        match udp.first() {
            Some(lonely) => Err(GivenError::WithoutTcp(lonely.local_addr()?)),
            None => Ok(Self(pairs)),
        }
    }

    /// Does one of them already serve what the settings want to listen on?
    pub fn covers(&self, wanted: SocketAddr) -> bool {
        let Some(by) = self.0.iter().find(|given| is_same_place(given.address, wanted)) else { return false };
        if by.address.ip().is_unspecified() && !wanted.ip().is_unspecified() {
            log::warn!(
                "`listen` names {wanted}, but systemd's socket on {} is open for every address of this machine; narrow the socket unit",
                by.address
            );
        }
        true
    }

    pub fn into_bound(self) -> Vec<Bound> {
        for Bound { address, .. } in self.0.iter().filter(|bound| bound.udp.is_none()) {
            log::warn!(
                "systemd handed over TCP {address} without UDP: nobody reaches it by QUIC. Add ListenDatagram= with the same value to the socket unit"
            );
        }
        self.0
    }
}

/// Two sockets for one port of an address, or of all addresses, would be in each other's way.
fn is_same_place(given: SocketAddr, wanted: SocketAddr) -> bool {
    // `[::]` takes IPv4 along, `0.0.0.0` does not take IPv6.
    let holds = |all: SocketAddr, one: SocketAddr| all.ip().is_unspecified() && (all.is_ipv6() || one.is_ipv4());
    given.port() == wanted.port() && (given.ip() == wanted.ip() || holds(given, wanted) || holds(wanted, given))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::bind;

    #[test]
    fn tcp_finds_its_udp_in_whatever_order_they_come() {
        let (one, other) = (opened(), opened());
        let addresses = [one.0.local_addr().expect("bound"), other.0.local_addr().expect("bound")];
        let given = Given::paired(vec![one.0, other.0], vec![other.1, one.1]).expect("two pairs");
        let pairs = given.into_bound();
        assert_eq!(pairs.iter().map(|pair| pair.address).collect::<Vec<_>>(), addresses);
        for pair in pairs {
            assert_eq!(pair.udp.expect("a twin").local_addr().expect("bound"), pair.address);
        }
    }

    #[test]
    fn tcp_alone_serves_tcp_alone() {
        let given = Given::paired(vec![opened().0], Vec::new()).expect("taken");
        assert!(given.into_bound()[0].udp.is_none());
    }

    #[test]
    fn udp_alone_is_refused_with_the_line_that_is_missing() {
        let told = Given::paired(Vec::new(), vec![opened().1]).expect_err("no TCP").to_string();
        assert!(told.contains("Add ListenStream="), "{told}");
    }

    #[test]
    fn a_port_that_was_handed_over_is_not_bound_again() {
        let opened = opened();
        let port = opened.0.local_addr().expect("bound").port();
        let given = Given::paired(vec![opened.0], vec![opened.1]).expect("a pair");
        let at = |ip: &str, port| SocketAddr::new(ip.parse().expect("an address"), port);
        assert!(given.covers(at("127.0.0.1", port)));
        assert!(given.covers(at("::", port)), "the unit narrows the default of `listen`");
        assert!(!given.covers(at("127.0.0.2", port)));
        assert!(!given.covers(at("127.0.0.1", port.wrapping_add(1))));
    }

    fn opened() -> (TcpListener, UdpSocket) {
        let bound = bind("127.0.0.1:0".parse().expect("an address")).expect("bound");
        (bound.tcp, bound.udp.expect("both were bound"))
    }
}
