//! A daemon with little memory: a control group of its own.

use std::fs;
use std::io::{self, Error};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::binaries;

/// A control group with little memory, of either version. It goes with its last process.
#[derive(Debug)]
pub struct Limited {
    folder: PathBuf,
    /// Where the kernel counts whom it has killed.
    events: &'static str,
}

impl Limited {
    /// Takes root.
    pub fn new(memory_bytes: u64) -> io::Result<Self> {
        let root = Path::new("/sys/fs/cgroup");
        // Several in one process, too.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("anser-limited-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let is_first = root.join("memory/memory.limit_in_bytes").exists();
        let (folder, limits, events): (_, &[&str], _) = if is_first {
            (root.join("memory").join(name), &["memory.limit_in_bytes", "memory.swappiness"], "memory.oom_control")
        } else {
            (root.join(name), &["memory.max", "memory.swap.max"], "memory.events")
        };
        fs::create_dir(&folder)?;
        let group = Self { folder, events };
        for (limit, value) in limits.iter().zip([memory_bytes, 0]) {
            fs::write(group.folder.join(limit), value.to_string())?;
        }
        Ok(group)
    }

    /// A program that starts the daemon in the group, on one core.
    pub fn starter(&self, folder: &Path) -> io::Result<PathBuf> {
        let path = folder.join("start-small");
        let (group, daemon) = (self.folder.join("cgroup.procs"), binaries::anserd());
        let text = format!(
            "#!/bin/sh\necho $$ > {} || exit 1\nexec taskset -c 0 {} \"$@\"\n",
            group.display(),
            daemon.display()
        );
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(path)
    }

    /// How many processes were killed for their memory.
    pub fn kills(&self) -> io::Result<u64> {
        let text = fs::read_to_string(self.folder.join(self.events))?;
        let count: Option<u64> = text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.parse().ok());
        count.ok_or_else(|| Error::other(format!("{} does not tell of kills", self.events)))
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.folder) {
            eprintln!("{} stays: {error}", self.folder.display());
        }
    }
}
