//! A server's and a device's network, joined by one cable that can be pulled, filtered and readdressed.

use std::io;
use std::net::Ipv4Addr;

use super::namespace::Namespace;

/// The server's address.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 66, 0, 1);
/// The addresses that the device may have; it begins with the first.
pub const FIRST: Ipv4Addr = Ipv4Addr::new(10, 66, 0, 2);
pub const SECOND: Ipv4Addr = Ipv4Addr::new(10, 67, 0, 2);

/// See the [module](self).
#[derive(Debug)]
pub struct Cable {
    pub server: Namespace,
    pub device: Namespace,
}

/// What does not come through, in either direction. Nobody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    Udp,
    All,
}

impl Cable {
    pub fn lay() -> io::Result<Self> {
        let cable = Self { server: Namespace::new()?, device: Namespace::new()? };
        let device = cable.device.process_id().to_string();
        let server = |args: &[&str]| cable.server.run("ip", args);
        server(&["link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", &device])?;
        server(&["link", "set", "lo", "up"])?;
        server(&["address", "add", &format!("{SERVER}/24"), "dev", "cable"])?;
        server(&["link", "set", "cable", "up"])?;
        server(&["route", "add", &format!("{SECOND}/32"), "dev", "cable"])?;
        cable.device.run("ip", &["link", "set", "lo", "up"])?;
        cable.device.run("ip", &["address", "add", &format!("{FIRST}/24"), "dev", "cable"])?;
        cable.plug()?;
        cable.filter(&["add", "table", "inet", "filter"])?;
        for (chain, hook) in [("in", "input"), ("out", "output")] {
            let rule = format!("{{ type filter hook {hook} priority 0; }}");
            cable.filter(&["add", "chain", "inet", "filter", chain, &rule])?;
        }
        Ok(cable)
    }

    /// Takes the device's end down: routes go, and the device's system knows.
    pub fn pull(&self) -> io::Result<()> {
        self.device.run("ip", &["link", "set", "cable", "down"])
    }

    pub fn plug(&self) -> io::Result<()> {
        self.device.run("ip", &["link", "set", "cable", "up"])?;
        // Named by itself, so that it does not go with an address.
        self.device.run("ip", &["route", "replace", &format!("{SERVER}/32"), "dev", "cable"])
    }

    /// Gives the device an address and then takes the old one away.
    pub fn readdress(&self, from: Ipv4Addr, to: Ipv4Addr) -> io::Result<()> {
        self.device.run("ip", &["address", "add", &format!("{to}/24"), "dev", "cable"])?;
        self.device.run("ip", &["address", "delete", &format!("{from}/24"), "dev", "cable"])
    }

    pub fn block(&self, what: Blocked) -> io::Result<()> {
        for (chain, side) in [("in", "iifname"), ("out", "oifname")] {
            let mut rule = vec!["add", "rule", "inet", "filter", chain, side, "cable"];
            if what == Blocked::Udp {
                rule.extend(["meta", "l4proto", "udp"]);
            }
            rule.push("drop");
            self.filter(&rule)?;
        }
        Ok(())
    }

    /// Lets everything through again.
    pub fn unblock(&self) -> io::Result<()> {
        ["in", "out"].iter().try_for_each(|chain| self.filter(&["flush", "chain", "inet", "filter", chain]))
    }

    fn filter(&self, args: &[&str]) -> io::Result<()> {
        self.server.run("nft", args)
    }
}
