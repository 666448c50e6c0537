//! A backup of the running daemon: written into the admin socket while everything goes on.
//!
//! All rows come from one snapshot, which is one moment with every change in it that had been answered. While it is held,
//! the file of the store cannot use again what is freed, and grows by what is written; so it is given up when whoever
//! reads the backup is slow. Media follow after it: none of them is removed while a backup is under way.

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anser_storage::ReadError;
use anser_storage::crash_point::{CrashPoint, pass};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};

use super::collect::{self, CollectError};
use super::format::{Kind, Writer};
use crate::clock::now_ms;
use crate::context::Shared;
use crate::ledger::Ledger;

/// Blocks on their way to whoever reads them, at most 256 KiB each.
const BLOCKS_WAITING: usize = 8;
/// A reader that takes nothing for so long is gone, or might as well be.
const BLOCK_WITHIN: Duration = Duration::from_secs(60);
/// All rows must have been read by then: some 700,000 a second are read where the reader keeps up.
const ROWS_WITHIN: Duration = Duration::from_secs(30 * 60);

/// Backups of this daemon: one at a time.
pub struct Backups(Semaphore);

impl Default for Backups {
    fn default() -> Self {
        Self(Semaphore::new(1))
    }
}

/// Sends a backup after the line that says so.
pub async fn send(context: &Shared, line: &[u8], out: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    let (sender, mut blocks) = mpsc::channel(BLOCKS_WAITING);
    let Ok(_only) = context.backups.0.try_acquire() else { return Err(io::ErrorKind::ResourceBusy.into()) };
    out.write_all(line).await?;
    let kept = context.media.keep_all().await;
    let (ledger, data_dir) = (context.ledger.clone(), context.config.data_dir.clone());
    let begun = Instant::now();
    let making = tokio::task::spawn_blocking(move || {
        let made = make(&ledger, &data_dir, Outgoing { blocks: sender, runtime: Handle::current(), rows_until: None });
        drop(kept);
        made
    });
    let mut sent = Ok(());
    while let Some(block) = blocks.recv().await {
        sent = out.write_all(&block).await;
        if sent.is_err() {
            break;
        }
    }
    drop(blocks);
    let made = making.await.unwrap_or_else(|_| Err("making it ended in a panic".to_owned()));
    match made {
        Ok((rows, bytes)) => log::info!(rows, bytes, took_s = begun.elapsed().as_secs(); "a backup was made"),
        Err(why) => log::error!("a backup could not be made: {why}"),
    }
    sent?;
    out.flush().await
}

impl Backups {
    /// Somebody else's is under way.
    pub fn is_busy(&self) -> bool {
        self.0.available_permits() == 0
    }
}

fn make(ledger: &Ledger, data_dir: &Path, out: Outgoing) -> Result<(u64, u64), String> {
    let until = Instant::now() + ROWS_WITHIN;
    let snapshot = ledger.snapshot_here().map_err(|error| error.to_string())?;
    pass(CrashPoint::BackupBegun);
    let begin = collect::begin(&snapshot, Kind::Backup, now_ms()).map_err(|error| error.to_string())?;
    let out = Outgoing { rows_until: Some(until), ..out };
    let mut writer = Writer::begin(out, &begin).map_err(|error| error.to_string())?;
    let done = collect::rows(&snapshot, &mut writer).and_then(|media| {
        drop(snapshot);
        pass(CrashPoint::BackupRowsRead);
        writer.writer_mut().rows_until = None;
        collect::files(data_dir, &mut writer)?;
        pass(CrashPoint::BackupFilesRead);
        collect::media(data_dir, &media, &mut writer)?;
        pass(CrashPoint::BackupMediaRead);
        Ok(())
    });
    match done {
        Ok(()) => {
            let (_, end) = writer.finish().map_err(|error| error.to_string())?;
            Ok((end.rows.values().sum(), end.media_bytes))
        }
        Err(error) => {
            let why = match &error {
                CollectError::Read(ReadError::Damaged { .. }) => format!("{error}; until then no backup is whole"),
                _ => error.to_string(),
            };
            // The reader may be gone, which then is the reason.
            let _ = writer.fail(&why);
            Err(why)
        }
    }
}

/// Hands blocks to the task that sends them.
struct Outgoing {
    blocks: mpsc::Sender<Vec<u8>>,
    runtime: Handle,
    rows_until: Option<Instant>,
}

impl Write for Outgoing {
    fn write(&mut self, block: &[u8]) -> io::Result<usize> {
        if self.rows_until.is_some_and(|until| Instant::now() > until) {
            return Err(slow("the rows were not taken within half an hour"));
        }
        let sending = self.blocks.send_timeout(block.to_vec(), BLOCK_WITHIN);
        match self.runtime.block_on(sending) {
            Ok(()) => Ok(block.len()),
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => Err(slow("nothing was taken for a minute")),
            Err(mpsc::error::SendTimeoutError::Closed(_)) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn slow(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("{what}; write the backup to a disk of this machine first"))
}
