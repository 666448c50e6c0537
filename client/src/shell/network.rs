//! Notices when this machine's way to the server changes.
//!
//! Linux tells of every change to its links, addresses and routes; what counts here is only the address by which the server
//! is reached. On other systems the application is told by theirs, and says so by [`super::Client::network_changed`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Stands for a server whose address is not known yet: an address of documentation, reached if anything is.
const ANYWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9);

/// Watches the way to one server.
pub(super) struct NetworkWatch {
    news: system::News,
    towards: SocketAddr,
    from: Option<IpAddr>,
}

impl NetworkWatch {
    /// Must be called within a tokio runtime.
    pub(super) fn new() -> Self {
        Self { news: system::News::new(), towards: ANYWHERE, from: way_towards(ANYWHERE) }
    }

    /// From now on this server counts.
    pub(super) fn follow(&mut self, server: SocketAddr) {
        self.towards = server;
        self.from = way_towards(server);
    }

    /// Waits until there is a way to the server that is not the one before. May be dropped and called again at any time.
    pub(super) async fn changed(&mut self) {
        loop {
            self.news.next().await;
            let from = way_towards(self.towards);
            if std::mem::replace(&mut self.from, from) != from && from.is_some() {
                return;
            }
        }
    }
}

/// The address that packets to the server would leave from. Nothing is sent to find out.
fn way_towards(server: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = if server.is_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(server).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[cfg(target_os = "linux")]
mod system {
    use std::io;
    use std::os::unix::net;

    use rustix::io::Errno;
    use rustix::net::netlink::SocketAddrNetlink;
    use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with};
    use tokio::net::UnixDatagram;

    /// Links, and addresses and routes of IPv4 and IPv6: the RTMGRP_ values of rtnetlink(7).
    const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;

    /// The kernel's messages about this machine's network, unread.
    pub(super) struct News(Option<UnixDatagram>);

    impl News {
        pub(super) fn new() -> Self {
            Self(subscribe().inspect_err(|error| log::debug!("changes of the network go unnoticed: {error}")).ok())
        }

        pub(super) async fn next(&mut self) {
            let Some(socket) = &self.0 else { return std::future::pending().await };
            match socket.recv(&mut [0; 64]).await {
                Ok(_) => {}
                // Messages were lost, so there were some.
                Err(error) if Errno::from_io_error(&error) == Some(Errno::NOBUFS) => {}
                Err(error) => {
                    log::debug!("changes of the network go unnoticed from now on: {error}");
                    self.0 = None;
                }
            }
        }
    }

    fn subscribe() -> io::Result<UnixDatagram> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        // The family's protocol for links, addresses and routes has the number 0, which is what is taken without one.
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
        // It is none, but receiving is the same for every kind of datagram socket.
        UnixDatagram::from_std(net::UnixDatagram::from(socket))
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    /// There is none.
    pub(super) struct News;

    impl News {
        pub(super) fn new() -> Self {
            Self
        }

        pub(super) async fn next(&mut self) {
            std::future::pending().await
        }
    }
}
