//! Is the clock right, as far as can be seen, and does somebody keep it so?

use std::time::UNIX_EPOCH;

use anser_protocol::ids::TimeMs;

use super::{Finding, Surroundings};
use crate::admin::Status;
use crate::clock::Written;
use crate::config::{Config, TimeZone};

const CHECK: &str = "clock";
/// 2026-01-01: this program is younger.
const BUILT_AFTER_MS: TimeMs = 1_767_225_600_000;
const FUTURE_MS_MAX: TimeMs = 60_000;
/// More than a clock that is kept drifts.
const STEP_MS_MAX: u64 = 5_000;
/// What those who keep the clock leave behind while they run.
const KEEPERS: [&str; 5] =
    ["systemd/timesync/synchronized", "chrony/chronyd.pid", "chronyd.pid", "ntpd.pid", "openntpd/ntpd.sock"];

pub fn check(config: &Config, status: Option<&Status>, around: &Surroundings) -> Vec<Finding> {
    let now = around.now_ms;
    let shown = format!("{} UTC", Written(now, TimeZone::UTC));
    if now < BUILT_AFTER_MS {
        return vec![Finding::fail(
            CHECK,
            format!("it says {shown}, which is past"),
            "set it, and let timesyncd or chrony keep it",
        )];
    }
    let mut findings = Vec::new();
    if let Some(written_ms) = last_written(config).filter(|written| *written > now + FUTURE_MS_MAX) {
        let written = Written(written_ms, TimeZone::UTC);
        findings.push(Finding::fail(
            CHECK,
            format!("it says {shown}, but the store was written at {written} UTC: it went back"),
            "set it right before the daemon starts; times of messages stand still until it has caught up",
        ));
    }
    let stepped_ms = status.map_or(0, |status| status.figures.clock_stepped_ms);
    if stepped_ms.unsigned_abs() >= STEP_MS_MAX {
        findings.push(Finding::warn(
            CHECK,
            format!("it was set by {stepped_ms} ms since the daemon started"),
            "retention pauses for an hour after a step; find out who set it (`journalctl -u systemd-timesyncd`)",
        ));
    }
    if !KEEPERS.iter().any(|file| around.run.join(file).exists()) {
        findings.push(Finding::warn(
            CHECK,
            format!("it says {shown}, and nobody is seen to keep it"),
            "install systemd-timesyncd or chrony; in a container the host's clock counts",
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, shown));
    }
    findings
}

fn last_written(config: &Config) -> Option<TimeMs> {
    let modified = std::fs::metadata(anser_storage::disk::file_in(&config.data_dir)).ok()?.modified().ok()?;
    u64::try_from(modified.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::tests::{config, the_trouble, troubles, well};
    use super::*;
    use crate::admin::Figures;

    fn kept(folder: &Path) -> Surroundings {
        std::fs::create_dir_all(folder.join("run/systemd/timesync")).expect("made");
        std::fs::write(folder.join("run/systemd/timesync/synchronized"), "").expect("written");
        well(folder)
    }

    #[test]
    fn a_clock_of_the_past_or_that_went_back_fails() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = config(folder.path(), "");
        assert_eq!(troubles(&check(&config, None, &kept(folder.path()))), [""; 0]);
        let past = Surroundings { now_ms: 1_000, ..kept(folder.path()) };
        the_trouble(&check(&config, None, &past), &["Fail", "1970-01-01", "chrony"]);
        std::fs::create_dir(&config.data_dir).expect("made");
        std::fs::write(anser_storage::disk::file_in(&config.data_dir), "").expect("written");
        let back = Surroundings { now_ms: BUILT_AFTER_MS, ..kept(folder.path()) };
        the_trouble(&check(&config, None, &back), &["Fail", "it went back"]);
    }

    #[test]
    fn a_clock_that_was_set_or_that_nobody_keeps_warns() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = config(folder.path(), "");
        the_trouble(&check(&config, None, &well(folder.path())), &["Warn", "nobody is seen to keep it", "timesyncd"]);
        let figures = Figures { clock_stepped_ms: -90_000, ..Figures::default() };
        let status = Status { figures, ..Status::default() };
        the_trouble(&check(&config, Some(&status), &kept(folder.path())), &["Warn", "-90000 ms"]);
    }
}
