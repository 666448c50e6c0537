//! Are the ports free, or the running daemon's own?

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{Finding, Surroundings};
use crate::admin::Status;
use crate::config::Config;
use crate::listen::BindError;

const CHECK: &str = "ports";

pub fn check(config: &Config, status: Option<&Status>, around: &Surroundings) -> Vec<Finding> {
    let mut findings = Vec::new();
    for address in &config.listen {
        let is_held = status.is_some_and(|status| status.listen.iter().any(|held| held.port() == address.port()));
        findings.push(match is_held {
            true => held(*address, around),
            false => free(*address, "TCP and UDP", (around.bind)(*address), status, around),
        });
    }
    for address in config.plain_listen.iter().chain(&config.metrics_listen) {
        findings.push(free(*address, "TCP", (around.bind_tcp)(*address), status, around));
    }
    findings
}

fn held(address: SocketAddr, around: &Surroundings) -> Finding {
    match (around.connect)(reachable(address)) {
        Ok(()) => Finding::ok(CHECK, format!("{address} is held by the running daemon and takes connections")),
        Err(error) => Finding::fail(
            CHECK,
            format!("{address} is held by the running daemon, but takes no connection: {error}"),
            "look for a firewall on this machine (`nft list ruleset`), and at the daemon's log",
        ),
    }
}

fn free(
    address: SocketAddr,
    what: &str,
    bound: Result<(), BindError>,
    status: Option<&Status>,
    around: &Surroundings,
) -> Finding {
    match bound {
        Ok(()) if status.is_some() && address.port() != 0 => Finding::warn(
            CHECK,
            format!("{address} is free, though the running daemon should hold it"),
            "its settings were changed after it started, or it was started with others: restart it",
        ),
        Ok(()) => Finding::ok(CHECK, format!("{address} is free, {what}")),
        Err(BindError::InUse(_)) if status.is_some() && (around.connect)(reachable(address)).is_ok() => {
            Finding::ok(CHECK, format!("{address} is in use, as it should be while the daemon runs"))
        }
        Err(error) => Finding::fail(
            CHECK,
            error.to_string(),
            "free the port or change `listen`; a systemd socket of the daemon holds it as well",
        ),
    }
}

/// An address that stands for all is reached over loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        return SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port());
    }
    address
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::super::tests::{config, the_trouble, troubles, well};
    use super::*;

    #[test]
    fn a_port_that_another_program_holds_fails_and_the_command_that_shows_it_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = config(folder.path(), "listen = ['127.0.0.1:7']");
        assert_eq!(troubles(&check(&config, None, &well(folder.path()))), [""; 0]);
        let around = Surroundings { bind: |address| Err(BindError::InUse(address)), ..well(folder.path()) };
        the_trouble(&check(&config, None, &around), &["Fail", "127.0.0.1:7", "ss -ltunp"]);
    }

    #[test]
    fn a_running_daemon_holds_its_port_and_must_answer_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = config(folder.path(), "listen = ['[::]:7']\nmetrics_listen = ['127.0.0.1:8']");
        let status = Status { listen: config.listen.clone(), ..Status::default() };
        let around = Surroundings { bind_tcp: |address| Err(BindError::InUse(address)), ..well(folder.path()) };
        assert_eq!(troubles(&check(&config, Some(&status), &around)), [""; 0]);
        let around = Surroundings {
            connect: |_| Err(io::ErrorKind::TimedOut.into()),
            bind_tcp: |_| Ok(()),
            ..well(folder.path())
        };
        let told = troubles(&check(&config, Some(&status), &around));
        assert!(told[0].contains("takes no connection") && told[0].contains("nft list ruleset"), "{told:?}");
        assert!(told[1].contains("is free, though") && told[1].contains("restart"), "{told:?}");
    }
}
