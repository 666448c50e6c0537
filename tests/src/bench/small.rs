//! A small host: one core and 256 MiB for the daemon, by a control group of its own.

use std::io;
use std::path::Path;

use super::links::{Bench, figure};
use super::machine;
use super::table::{Table, Target};
use crate::limited::Limited;

const MEMORY_BYTES: u64 = 256 << 20;
const IDLE_LINKS: u32 = 5_000;
const SENDS_PER_SECOND: u32 = 200;
const MIB: f64 = (1 << 20) as f64;

/// Five thousand idle links over TLS, and meanwhile 200 messages a second between some more.
pub async fn host(table: &mut Table, folder: &Path) -> io::Result<()> {
    let group = match Limited::new(MEMORY_BYTES) {
        Ok(group) => group,
        Err(error) => {
            println!("the small host is not measured: no control group can be made here ({error}); it takes root");
            return Ok(());
        }
    };
    let bench = Bench::start_with(folder, "small", Some(&group.starter(folder)?)).await?;
    // They exist before the clock runs.
    bench.figures(&format!("--transport tcp idle --links {IDLE_LINKS} --hold 0")).await?;
    let mut idle = bench.load(&format!("--transport tcp idle --links {IDLE_LINKS} --hold 30"))?;
    idle.event("ready").await?;
    let words = format!("--prefix busy --transport tcp send --links 100 --rate {SENDS_PER_SECOND} --seconds 20");
    let sent = bench.figures(&words).await?;
    let resident = machine::memory(bench.process()?)?.resident as f64 / MIB;
    let ended = idle.finish().await?;
    let kept = figure(&ended, "/links")? - figure(&ended, "/lost_links")?;
    table.add("small host (1 core, 256 MiB): idle links that stay, of 5,000", kept, "", Target::AtLeast(5_000.0));
    let name = "small host: durable sends beside them, 200/s offered";
    table.add(name, figure(&sent, "/answers_per_second")?, "/s", Target::AtLeast(195.0));
    table.add("small host: answer p99", figure(&sent, "/answer_ms/p99")?, "ms", Target::None);
    table.add("small host: resident memory", resident, "MiB", Target::AtMost(256.0));
    table.add("small host: killed for memory", group.kills()? as f64, "times", Target::AtMost(0.0));
    Ok(())
}
