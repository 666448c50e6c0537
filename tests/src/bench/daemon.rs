//! Figures of the daemon alone: how soon it serves, what it weighs.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::machine;
use super::table::{Table, Target};
use crate::binaries;
use crate::daemon::{Daemon, Plan};
use crate::fault::big_store;

const MIB: f64 = (1 << 20) as f64;
const STARTS: usize = 20;
/// What the goals name: a store of a GiB.
const BIG_STORE_BYTES: u64 = 1 << 30;

/// Start, memory and size of a daemon that has nothing to do.
pub async fn empty(table: &mut Table, folder: &Path) -> io::Result<()> {
    let plan = Plan::new(&folder.join("empty"), &folder.join("empty.log"));
    let mut daemon = Daemon::start_as(plan).await?;
    let mut starts = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        daemon.stop().await?;
        let begun = Instant::now();
        daemon.restart().await?;
        starts.push(begun.elapsed());
    }
    table.add("start to ready, empty store", milliseconds(median(&mut starts)), "ms", Target::AtMost(50.0));
    let process = daemon.process_id().ok_or_else(|| io::Error::other("the daemon does not run"))?;
    let memory = machine::memory(process)?;
    let resident = memory.resident as f64 / MIB;
    table.add("resident memory, empty store, no connection", resident, "MiB", Target::AtMost(12.0));
    let size = std::fs::metadata(binaries::anserd())?.len() as f64 / MIB;
    table.add("release binary, stripped", size, "MiB", Target::AtMost(12.0));
    Ok(())
}

/// How soon a killed daemon with a big store serves again.
pub async fn ready_after_kill(table: &mut Table, folder: &Path) -> io::Result<()> {
    let data_dir = folder.join("big");
    big_store::fill(&data_dir, BIG_STORE_BYTES);
    let mut daemon = Daemon::start_as(Plan::new(&data_dir, &folder.join("big.log"))).await?;
    daemon.kill().await?;
    let begun = Instant::now();
    daemon.restart().await?;
    let took = begun.elapsed().as_secs_f64();
    table.add("ready after kill -9, 1 GiB store", took, "s", Target::AtMost(2.0));
    drop(daemon);
    std::fs::remove_dir_all(data_dir)
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
