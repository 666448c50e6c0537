//! Proxies before the daemon.

use std::net::{IpAddr, SocketAddr};

use anser_storage::AddressRange;

use super::reader::{Mistake, Reader};
use crate::rest::permit::{is_within, parse_range};

/// Whose word on who called is believed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proxy {
    /// Addresses of proxies; empty: nobody's word.
    pub trusted: Vec<AddressRange>,
    /// Addresses of `listen` and `plain_listen` on which every TCP connection begins with a PROXY header.
    pub listen: Vec<SocketAddr>,
}

impl Proxy {
    pub fn trusts(&self, address: IpAddr) -> bool {
        is_within(&self.trusted, address)
    }

    /// Does the listener bound to this address expect PROXY headers? A port 0 of the settings has become a number.
    pub fn is_on(&self, bound: SocketAddr) -> bool {
        self.listen.iter().any(|own| own.ip() == bound.ip() && (own.port() == bound.port() || own.port() == 0))
    }
}

pub(super) fn take(reader: &mut Reader, listens: &[SocketAddr]) -> Proxy {
    let trusted = reader.ranges("proxy.trusted").unwrap_or_default();
    let listen = reader.addresses("proxy.protocol_on").unwrap_or_default();
    if let Some(other) = listen.iter().find(|address| !listens.contains(address)) {
        let what = format!("proxy.protocol_on = {other}");
        reader.note(Mistake { what, allowed: "must be an address of `listen` or `plain_listen`".to_owned() });
    }
    if !listen.is_empty() && trusted.is_empty() {
        reader.missing::<()>("proxy.trusted", "the addresses of the proxies that send the PROXY protocol");
    }
    Proxy { trusted, listen }
}

pub(super) fn ranges(items: &[String]) -> Option<Vec<AddressRange>> {
    items.iter().map(|item| parse_range(item)).collect()
}
