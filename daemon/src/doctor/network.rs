//! Other services: are their names found, do they answer, and are the credentials for them whole?

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::{Finding, Surroundings};
use crate::bridge::{Bridges, Callbacks, Origin};
use crate::config::{BridgeKind, Config};

const NAMES: &str = "name resolution";
const BRIDGES: &str = "bridges";
const SERVERS: &str = "app servers";
/// Each may take seconds.
const HOSTS_MAX: usize = 32;

pub fn check(config: &Config, around: &Surroundings) -> Vec<Finding> {
    let mut findings = Vec::new();
    for mistake in Bridges::mistakes(&config.bridges) {
        findings.push(Finding::fail(BRIDGES, mistake, "bring the right file, then `anserd check` and a restart"));
    }
    if let Err(error) = Callbacks::new(&config.callback) {
        findings.push(Finding::fail(
            SERVERS,
            format!("callback: {error}"),
            "bring the right file, then `anserd check`",
        ));
    }
    let hosts = hosts(config);
    if hosts.is_empty() {
        findings.push(Finding::ok(NAMES, "no other service is configured"));
        return findings;
    }
    let before = findings.len();
    let mut reached = 0;
    for (origin, check) in hosts.iter().take(HOSTS_MAX) {
        match (around.resolve)(&origin.host, origin.port) {
            Err(error) => findings.push(Finding::fail(
                NAMES,
                format!("{} is not found: {error}", origin.host),
                "look at /etc/resolv.conf and try `getent hosts` with the name",
            )),
            Ok(addresses) => match connect(&addresses, around) {
                Ok(()) => reached += 1,
                Err(why) => findings.push(Finding::fail(
                    check,
                    format!("{}:{} takes no connection: {why}", origin.host, origin.port),
                    "let this machine reach it through the firewall, or correct the address in the settings",
                )),
            },
        }
    }
    if findings.len() == before {
        findings.push(Finding::ok(NAMES, "all names are found"));
        findings.push(Finding::ok(BRIDGES, format!("{reached} services take connections")));
    }
    findings
}

/// Any of its addresses will do.
fn connect(addresses: &[SocketAddr], around: &Surroundings) -> Result<(), String> {
    let mut why = "it has no address".to_owned();
    for address in addresses {
        match (around.connect)(*address) {
            Ok(()) => return Ok(()),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}

/// Each once, with what it is for.
fn hosts(config: &Config) -> BTreeMap<Origin, &'static str> {
    let mut hosts = BTreeMap::new();
    let servers = config.callback.hosts.iter().cloned();
    let servers = servers.chain(config.message_callbacks.iter().map(|server| server.url.origin.clone()));
    let servers = servers.chain(config.event_callbacks.iter().map(|server| server.url.origin.clone()));
    let servers = servers.chain(config.message_checks.iter().map(|server| server.url.origin.clone()));
    let servers = servers.chain(config.password_callbacks.iter().map(|server| server.url.origin.clone()));
    hosts.extend(servers.map(|origin| (origin, SERVERS)));
    for bridge in &config.bridges {
        let origin = match &bridge.kind {
            BridgeKind::Apns(apns) => apns.url.origin.clone(),
            BridgeKind::Fcm(fcm) => fcm.url.origin.clone(),
            BridgeKind::Webhook(webhook) => webhook.url.origin.clone(),
            // Browsers say whose service they use.
            BridgeKind::WebPush(_) => continue,
        };
        hosts.insert(origin, BRIDGES);
    }
    hosts
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::super::tests::{config, the_trouble, troubles, well};
    use super::*;

    const HOOK: &str = "[[event_callback]]\napp = '*'\nurl = 'https://app.example.com/events'\n";

    #[test]
    fn a_name_that_is_not_found_and_a_server_that_does_not_answer_fail() {
        let folder = tempfile::tempdir().expect("a folder");
        let nobody = config(folder.path(), "");
        assert_eq!(troubles(&check(&nobody, &well(folder.path()))), [""; 0]);
        let config = config(folder.path(), HOOK);
        assert_eq!(troubles(&check(&config, &well(folder.path()))), [""; 0]);
        let around = Surroundings { resolve: |_, _| Err(io::ErrorKind::NotFound.into()), ..well(folder.path()) };
        the_trouble(&check(&config, &around), &["Fail name resolution", "app.example.com", "resolv.conf"]);
        let around = Surroundings { connect: |_| Err(io::ErrorKind::ConnectionRefused.into()), ..well(folder.path()) };
        the_trouble(&check(&config, &around), &["Fail app servers", "app.example.com:443", "firewall"]);
    }

    #[test]
    fn a_bridge_whose_credentials_cannot_be_read_or_whose_service_is_not_reached_fails() {
        let folder = tempfile::tempdir().expect("a folder");
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "0123456789abcdef0123456789abcdef\n").expect("written");
        let bridge = |file: &std::path::Path| {
            format!(
                "[[bridge]]\nkind = 'webhook'\napp = '*'\nurl = 'https://push.example.com/'\nvendors = ['*']\nsecret_file = '{}'\n",
                file.display()
            )
        };
        let good = config(folder.path(), &bridge(&secret));
        assert_eq!(troubles(&check(&good, &well(folder.path()))), [""; 0]);
        let around = Surroundings { connect: |_| Err(io::ErrorKind::TimedOut.into()), ..well(folder.path()) };
        the_trouble(&check(&good, &around), &["Fail bridges", "push.example.com:443"]);
        let bad = config(folder.path(), &bridge(&folder.path().join("nothing")));
        the_trouble(&check(&bad, &well(folder.path())), &["Fail bridges", "nothing", "anserd check"]);
    }
}
