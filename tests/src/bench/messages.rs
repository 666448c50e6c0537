//! Figures of stored messages: what one takes on disk, and how soon a page of history is there.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use anser_protocol::ids::Position;
use anser_storage::ids::UserNumber;
use anser_storage::{Chat, ReadError};
use rustix::fs::{Advice, fadvise};

use super::filled::Talk;
use super::table::{Table, Target};

const MESSAGES: u64 = 1_000_000;
const PAGE: usize = 20;
const WARM_PAGES: u32 = 20_000;
const COLD_PAGES: u32 = 300;
/// Far apart, so that no two pages are of neighbours.
const STRIDE: u32 = 7_919;

/// A million messages of 50 bytes, as devices of ten thousand users send them.
pub fn stored(table: &mut Table, folder: &Path) -> io::Result<()> {
    let data_dir = folder.join("stored");
    let mut talk = Talk::begin(&data_dir);
    let empty = talk.store().space().map_err(io::Error::other)?.total();
    let begun = Instant::now();
    talk.say(MESSAGES);
    let rate = MESSAGES as f64 / begun.elapsed().as_secs_f64();
    table.add("1,000,000 messages in commits of 256, written", rate, "/s", Target::None);
    let space = talk.store().space().map_err(io::Error::other)?;
    let each = (space.total() - empty) as f64 / MESSAGES as f64;
    table.add("  database bytes per message, a text of 50 bytes", each, "bytes", Target::AtMost(200.0));
    let unused = space.unused_bytes as f64 / MESSAGES as f64;
    table.add("    of which room in pages that are in use", unused, "bytes", Target::None);
    pages(table, &mut talk, &data_dir)?;
    drop(talk);
    std::fs::remove_dir_all(data_dir)
}

/// Newest pages of conversations far from each other.
fn pages(table: &mut Table, talk: &mut Talk, data_dir: &Path) -> io::Result<()> {
    let lots = |count: u32| (0..count).map(|number| number.wrapping_mul(STRIDE));
    for lot in lots(WARM_PAGES) {
        page(talk, lot)?;
    }
    let mut warm = lots(WARM_PAGES).map(|lot| page(talk, lot)).collect::<io::Result<Vec<_>>>()?;
    table.add("  history page of 20, warm: p50", percentile(&mut warm, 50), "ms", Target::None);
    table.add("  history page of 20, warm: p99", percentile(&mut warm, 99), "ms", Target::AtMost(2.0));
    let file = File::open(data_dir.join("store.redb"))?;
    let mut cold = Vec::new();
    for lot in lots(COLD_PAGES) {
        // Neither redb nor the kernel has a page of the file left.
        talk.reopen();
        fadvise(&file, 0, None, Advice::DontNeed)?;
        cold.push(page(talk, lot)?);
    }
    table.add("  history page of 20, every cache cold: p50", percentile(&mut cold, 50), "ms", Target::None);
    table.add("  history page of 20, every cache cold: p99", percentile(&mut cold, 99), "ms", Target::AtMost(20.0));
    Ok(())
}

fn page(talk: &Talk, lot: u32) -> io::Result<Duration> {
    let (user, chat) = talk.conversation(lot);
    let begun = Instant::now();
    let records = read(talk, user, &chat).map_err(io::Error::other)?;
    let took = begun.elapsed();
    if records < PAGE / 2 {
        return Err(io::Error::other(format!("only {records} messages of {chat:?}: the measure would be of little")));
    }
    Ok(took)
}

fn read(talk: &Talk, user: UserNumber, chat: &Chat) -> Result<usize, ReadError> {
    let snapshot = talk.store().reader().snapshot()?;
    let page = snapshot.history(talk.app(), user, chat, Position(u64::MAX), Position::START, PAGE)?;
    Ok(page.records.len())
}

/// In milliseconds.
fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort();
    times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1000.0
}
