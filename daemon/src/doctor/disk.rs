//! Has the disk room, and how long does it take to make something sure?

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Finding, Surroundings};
use crate::config::Config;
use crate::observe::ready::DISK_FREE_MIN;

const SPACE: &str = "disk space";
const SYNC: &str = "disk sync";
const FREE_WISHED: u64 = 1 << 30;
/// Every answer waits for one of them; a good disk takes a tenth.
const SYNC_SLOW: Duration = Duration::from_millis(50);
const SYNC_HOPELESS: Duration = Duration::from_millis(500);
const SYNCS: usize = 15;
const FILE: &str = "doctor.tmp";

pub fn check(config: &Config, around: &Surroundings) -> Vec<Finding> {
    // Before the first start the folder is not there, but its disk is.
    let Some(folder) = config.data_dir.ancestors().find(|folder| folder.is_dir()) else { return Vec::new() };
    vec![space((around.disk_space)(folder)), sync((around.sync_time)(folder))]
}

fn space(found: io::Result<(u64, u64)>) -> Finding {
    let (free, size) = match found {
        Ok(found) => found,
        Err(error) => {
            return Finding::fail(
                SPACE,
                format!("it cannot be found out: {error}"),
                "look at the disk with `df` and `dmesg`",
            );
        }
    };
    let text = format!("{} MiB of {} MiB are free", free >> 20, size >> 20);
    let cure = "make room or a larger disk; retention in days (`[retention]`) bounds what is kept";
    if free < DISK_FREE_MIN {
        return Finding::fail(SPACE, text, cure);
    }
    if free < FREE_WISHED || free < size / 20 {
        return Finding::warn(SPACE, text, cure);
    }
    Finding::ok(SPACE, text)
}

fn sync(found: io::Result<Duration>) -> Finding {
    let took = match found {
        Ok(took) => took,
        Err(error) => {
            return Finding::fail(
                SYNC,
                format!("nothing can be written and synced: {error}"),
                "run this as the daemon's user or as root; if it is, look at the disk with `df` and `dmesg`",
            );
        }
    };
    let text = format!("4 KiB are on disk after {:.1} ms", took.as_secs_f64() * 1000.0);
    let cure = "answers wait for it: give the data folder a disk of its own, an SSD if it is none; look for other writers with `iostat -x`";
    if took >= SYNC_HOPELESS {
        return Finding::fail(SYNC, text, cure);
    }
    if took >= SYNC_SLOW {
        return Finding::warn(SYNC, text, cure);
    }
    Finding::ok(SYNC, text)
}

/// Writes a small file some times, each time until it is on disk; it is removed again.
pub fn sync_time(folder: &Path) -> io::Result<Duration> {
    let path = folder.join(FILE);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
    let mut times = Vec::with_capacity(SYNCS);
    let mut measured = Ok(());
    for _ in 0..SYNCS {
        let begun = Instant::now();
        measured = file.write_all(&[0; 4096]).and_then(|()| file.sync_data());
        if measured.is_err() {
            break;
        }
        times.push(begun.elapsed());
    }
    let removed = std::fs::remove_file(&path);
    measured.and(removed)?;
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::super::tests::{config, the_trouble, troubles, well};
    use super::*;

    #[test]
    fn a_disk_that_is_full_or_nearly_fails_or_warns() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = config(folder.path(), "");
        assert_eq!(troubles(&check(&config, &well(folder.path()))), [""; 0]);
        let around = Surroundings { disk_space: |_| Ok((3 << 20, 10 << 30)), ..well(folder.path()) };
        the_trouble(&check(&config, &around), &["Fail", "3 MiB of 10240 MiB"]);
        let around = Surroundings { disk_space: |_| Ok((2 << 30, 100 << 30)), ..well(folder.path()) };
        the_trouble(&check(&config, &around), &["Warn", "2048 MiB"]);
    }

    #[test]
    fn a_disk_that_is_slow_or_cannot_be_written_warns_or_fails() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = config(folder.path(), "");
        let around = Surroundings { sync_time: |_| Ok(Duration::from_millis(80)), ..well(folder.path()) };
        the_trouble(&check(&config, &around), &["Warn", "80.0 ms", "SSD"]);
        let around = Surroundings { sync_time: |_| Ok(Duration::from_secs(1)), ..well(folder.path()) };
        the_trouble(&check(&config, &around), &["Fail", "1000.0 ms"]);
        let around = Surroundings { sync_time: |_| Err(io::ErrorKind::StorageFull.into()), ..well(folder.path()) };
        the_trouble(&check(&config, &around), &["Fail", "nothing can be written"]);
    }

    #[test]
    fn the_disk_is_measured_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(sync_time(folder.path()).expect("it can be written") > Duration::ZERO);
        assert_eq!(std::fs::read_dir(folder.path()).expect("there").count(), 0);
        assert!(sync_time(&folder.path().join("nowhere")).is_err());
    }
}
