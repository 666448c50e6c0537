//! What the machine says of itself and of this process.

use std::io;
use std::path::Path;

/// Resident memory of this process in bytes; nothing where the system does not tell.
pub fn memory_bytes() -> Option<u64> {
    memory_in(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// Open files and sockets of this process.
pub fn open_files() -> Option<usize> {
    // One of them is the folder that is being read.
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1))
}

/// How many a process may have open; `process` is its number, or `self`.
pub fn open_files_max(process: &str) -> Option<u64> {
    open_files_max_in(&std::fs::read_to_string(format!("/proc/{process}/limits")).ok()?)
}

/// Room on the disk of this folder for an ordinary user, and the size of that disk.
pub fn disk_space(folder: &Path) -> io::Result<(u64, u64)> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok((disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize)))
}

fn memory_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib << 10)
}

/// The soft limit; a word means that there is none.
fn open_files_max_in(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let soft = line.split_whitespace().next()?;
    Some(soft.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_writes_is_read() {
        assert_eq!(memory_in("Name:\tanserd\nVmRSS:\t   20480 kB\n"), Some(20 << 20));
        assert_eq!(memory_in("Name:\tanserd\n"), None);
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max open files            1024                 524288               files\n";
        assert_eq!(open_files_max_in(limits), Some(1024));
        assert_eq!(open_files_max_in("Max open files   unlimited   unlimited   files"), Some(u64::MAX));
    }

    #[test]
    fn this_process_and_its_disk_are_seen() {
        assert!(memory_bytes().is_some_and(|bytes| bytes > 1 << 20));
        assert!(open_files().is_some_and(|files| files > 2) && open_files_max("self").is_some());
        let (free, size) = disk_space(&std::env::temp_dir()).expect("there is a disk");
        assert!(free <= size && size > 0);
    }
}
