//! What the machine says: a process's memory and processor time, and how fast the disk syncs.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// Ticks of `/proc/<pid>/stat`; the same on every Linux that Rust supports.
const TICKS_PER_SECOND: u64 = 100;

/// Anonymous and all resident memory of a process, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    pub anonymous: u64,
    pub resident: u64,
}

pub fn memory(process: u32) -> io::Result<Memory> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let bytes = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        let kilobytes: Option<u64> = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        kilobytes.map(|kilobytes| kilobytes << 10).ok_or_else(|| io::Error::other(format!("no {key} of {process}")))
    };
    Ok(Memory { anonymous: bytes("RssAnon")?, resident: bytes("VmRSS")? })
}

/// Processor time that a process has used so far, in user and kernel.
pub fn cpu(process: u32) -> io::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name in parentheses may hold anything; what follows are numbers. utime and stime are fields 14 and 15.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let mut times = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    match (times.next(), times.next()) {
        (Some(Ok(user)), Some(Ok(kernel))) => Ok(Duration::from_millis((user + kernel) * 1000 / TICKS_PER_SECOND)),
        _ => Err(io::Error::other(format!("no processor times of {process}"))),
    }
}

/// Is the folder on a file system that keeps nothing? Durable figures measured there would mean nothing.
pub fn is_in_memory(folder: &Path) -> io::Result<bool> {
    const TMPFS: i64 = 0x0102_1994;
    const RAMFS: i64 = 0x8584_58f6;
    let kind = rustix::fs::statfs(folder)?.f_type;
    Ok(kind == TMPFS || kind == RAMFS)
}

/// How long an appended page takes to be durable: the median of many.
pub fn sync_time(folder: &Path) -> io::Result<Duration> {
    const ROUNDS: usize = 200;
    let path = folder.join("sync-time");
    let mut file = File::create(&path)?;
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        file.write_all(&[1; 4096])?;
        let begun = Instant::now();
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    std::fs::remove_file(path)?;
    times.sort();
    Ok(times[ROUNDS / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory_and_uses_the_processor() {
        let own = std::process::id();
        let memory = memory(own).expect("this process runs");
        assert!(0 < memory.anonymous && memory.anonymous <= memory.resident);
        let before = cpu(own).expect("this process runs");
        let mut sum = 0u64;
        while cpu(own).expect("this process runs") == before {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
        }
    }

    #[test]
    fn a_folder_of_the_kernels_memory_is_known_as_such() {
        assert!(!is_in_memory(Path::new("/proc")).expect("it is mounted"));
        if Path::new("/dev/shm").exists() {
            assert!(is_in_memory(Path::new("/dev/shm")).expect("it is mounted"));
        }
    }
}
