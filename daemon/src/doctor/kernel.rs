//! What the kernel allows: open files, buffers, queues, memory.

use super::{Finding, Surroundings};
use crate::admin::Status;
use crate::config::Config;
use crate::observe::machine;

const FILES: &str = "file limit";
const SYSCTLS: &str = "sysctls";
/// Files besides those of connections.
const OTHER_FILES: u64 = 256;
/// More links than this want a look at sizing anyway.
const LINKS_WISHED: u64 = 65_536;
const FILES_MIN: u64 = 1024;

/// Under `/proc/sys`: what should be at least so much, and why.
const AT_LEAST: [(&str, u64, &str); 4] = [
    ("net/core/somaxconn", 4096, "a reconnect storm comes in bursts, and what does not fit is refused"),
    ("net/ipv4/tcp_max_syn_backlog", 1024, "handshakes of a reconnect storm wait there"),
    ("net/core/rmem_default", 212_992, "QUIC packets that come in a burst are lost beyond it"),
    ("net/core/wmem_default", 212_992, "QUIC sends wait beyond it"),
];
const CONNTRACK: (&str, &str) = ("sys/net/netfilter/nf_conntrack_count", "sys/net/netfilter/nf_conntrack_max");

pub fn check(config: &Config, status: Option<&Status>, around: &Surroundings) -> Vec<Finding> {
    let mut findings = vec![files(config, status)];
    findings.extend(sysctls(around));
    findings
}

fn files(config: &Config, status: Option<&Status>) -> Finding {
    let process = status.map_or_else(|| "self".to_owned(), |status| status.process_id.to_string());
    judge_files(machine::open_files_max(&process), config.limits.links as u64, status.is_some())
}

fn judge_files(allowed: Option<u64>, links_max: u64, is_running: bool) -> Finding {
    let whose = if is_running { "the running daemon" } else { "this shell" };
    let Some(allowed) = allowed else {
        return Finding::warn(
            FILES,
            format!("that of {whose} cannot be read"),
            "run this as the daemon's user or as root",
        );
    };
    let links = allowed.saturating_sub(OTHER_FILES);
    let text = format!("{whose} may have {allowed} files open, which is good for about {links} links over TCP");
    let cure = "set LimitNOFILE= of the unit (`systemctl edit anserd`), or `ulimit -n` of the shell, and restart";
    if allowed < FILES_MIN {
        return Finding::fail(FILES, text, cure);
    }
    if links < links_max.min(LINKS_WISHED) {
        return Finding::warn(FILES, text, cure);
    }
    Finding::ok(FILES, text)
}

fn sysctls(around: &Surroundings) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, least, why) in AT_LEAST {
        // In a container some are not there.
        let Some(value) = around.number(&format!("sys/{path}")).filter(|value| *value < least) else { continue };
        let name = path.replace('/', ".");
        findings.push(Finding::warn(
            SYSCTLS,
            format!("{name} is {value}: {why}"),
            format!("echo '{name} = {least}' > /etc/sysctl.d/60-anser.conf; sysctl --system"),
        ));
    }
    if let (Some(count), Some(max)) = (around.number(CONNTRACK.0), around.number(CONNTRACK.1))
        && count >= max / 5 * 4
    {
        findings.push(Finding::warn(
            SYSCTLS,
            format!("the firewall follows {count} connections of at most {max}: beyond, new ones are dropped"),
            "raise net.netfilter.nf_conntrack_max, or do not track the daemon's port",
        ));
    }
    if around.number("sys/vm/overcommit_memory") == Some(2) {
        findings.push(Finding::warn(
            SYSCTLS,
            "vm.overcommit_memory is 2: the daemon is killed where memory is only reserved",
            "set it to 0",
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(SYSCTLS, "fine"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tests::{the_trouble, troubles, well};
    use super::*;

    #[test]
    fn too_few_open_files_fail_or_warn() {
        the_trouble(
            &[judge_files(Some(512), 1_000_000, true)],
            &["Fail", "the running daemon may have 512", "LimitNOFILE"],
        );
        the_trouble(&[judge_files(Some(1024), 1_000_000, false)], &["Warn", "about 768 links"]);
        the_trouble(&[judge_files(None, 1, true)], &["Warn", "cannot be read"]);
        assert_eq!(
            troubles(&[judge_files(Some(1024), 500, false), judge_files(Some(u64::MAX), 1 << 30, true)]),
            [""; 0]
        );
    }

    #[test]
    fn each_sysctl_that_is_too_low_warns_with_the_line_that_raises_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let around = well(folder.path());
        assert_eq!(troubles(&sysctls(&around)), [""; 0], "what is not there is not judged");
        let write = |path: &str, value: u64| {
            let path = around.proc.join("sys").join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, format!("{value}\n")).expect("written");
        };
        for (path, least, _) in AT_LEAST {
            write(path, least - 1);
            let name = path.replace('/', ".");
            the_trouble(&sysctls(&around), &["Warn", &name, &format!("'{name} = {least}'")]);
            write(path, least);
            assert_eq!(troubles(&sysctls(&around)), [""; 0]);
        }
        write("net/netfilter/nf_conntrack_max", 1000);
        write("net/netfilter/nf_conntrack_count", 900);
        the_trouble(&sysctls(&around), &["Warn", "900 connections of at most 1000"]);
        write("net/netfilter/nf_conntrack_count", 9);
        write("vm/overcommit_memory", 2);
        the_trouble(&sysctls(&around), &["Warn", "overcommit_memory is 2"]);
    }
}
