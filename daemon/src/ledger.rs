//! The daemon's way to the store: commands in, outcomes out, and reads that never hold up an async thread.
//!
//! The wall clock lives here: a command is stamped when it is submitted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anser_protocol::error::ErrorCode;
use anser_storage::command::{Command, Stamped};
use anser_storage::outcome::Outcome;
use anser_storage::{ReadError, Reader, Snapshot, StoreError, WriterHandle, WriterHealth};
use thiserror::Error;
use tokio::sync::oneshot;

use crate::clock::now_ms;
use crate::observe::Observer;
use crate::observe::noted::Noted;

/// The store could not do it now. Nothing was changed, or it is not known to be durable.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unavailable {
    #[error("too many changes are waiting; try again later")]
    Busy,
    #[error("the server's disk is full and nothing is stored until there is room; try again later")]
    Full,
    #[error("nothing can be stored at the moment, try again later: {0}")]
    NotStored(String),
    #[error("the store is not available: {0}")]
    Closed(String),
    /// Damage is for the operator; the caller only learns that it did not work.
    #[error("what is stored could not be read; the daemon's log says more")]
    Unreadable,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    writer: WriterHandle,
    reader: Reader,
    complaints: Arc<Seldom>,
    app_changes: Arc<AtomicU64>,
    observer: Arc<Observer>,
}

impl Ledger {
    pub fn new(writer: WriterHandle, reader: Reader, observer: Arc<Observer>) -> Self {
        Self { writer, reader, complaints: Arc::default(), app_changes: Arc::default(), observer }
    }

    /// How the writer is at this moment.
    pub fn health(&self) -> WriterHealth {
        self.writer.health()
    }

    /// Carries out a command; when the outcome is there, it is on disk.
    pub async fn submit(&self, command: Command) -> Result<Outcome, Unavailable> {
        let (answer, outcome) = oneshot::channel();
        // A caller that has gone wants no answer; the command stays carried out.
        self.submit_then(command, move |result| drop(answer.send(result)))?;
        outcome.await.unwrap_or_else(|_| Err(Unavailable::Closed("the daemon is stopping".to_owned())))
    }

    /// The same for callers that cannot wait: `answer` is called on the writer's thread and must be quick.
    pub fn submit_then(
        &self,
        command: Command,
        answer: impl FnOnce(Result<Outcome, Unavailable>) + Send + 'static,
    ) -> Result<(), Unavailable> {
        let app_changes = matches!(command, Command::App(_)).then(|| self.app_changes.clone());
        let (noted, observer, begun) = (Noted::of(&command), self.observer.clone(), Instant::now());
        let stamped = Stamped { at_ms: now_ms(), command };
        let at_ms = stamped.at_ms;
        let answer = Box::new(move |result: Result<Outcome, StoreError>| {
            // Also when it failed: nobody knows whether it is on disk.
            if let Some(changes) = app_changes {
                changes.fetch_add(1, Ordering::SeqCst);
            }
            let result = result.map_err(Unavailable::from);
            observer.metrics.command_seconds.observe(begun.elapsed().as_secs_f64());
            observer.answered(&noted, &result, at_ms, now_ms());
            answer(result);
        });
        let kind = Noted::kind_only(&stamped.command);
        self.writer.submit(stamped, answer).map_err(|_| {
            self.observer.refused_busy(&kind);
            Unavailable::Busy
        })
    }

    /// How often apps have changed. It counts before anybody is told of the change.
    pub fn app_changes(&self) -> u64 {
        self.app_changes.load(Ordering::SeqCst)
    }

    /// Asks a fresh snapshot, on a thread that may wait for the disk. The query is asked again when the disk failed
    /// meanwhile.
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl Fn(&Snapshot) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let ledger = self.clone();
        let answer = tokio::task::spawn_blocking(move || ledger.read_here(query)).await;
        answer.unwrap_or_else(|_| Err(Unavailable::Closed("reading ended in a panic".to_owned())))
    }

    /// The same on this thread, which may wait for the disk.
    pub fn read_here<T>(&self, query: impl Fn(&Snapshot) -> Result<T, ReadError>) -> Result<T, Unavailable> {
        self.reader.read(query).map_err(|error| self.unreadable(&error))
    }

    /// One moment, for whoever needs it for long; see [`Snapshot`]. On a thread that may wait for the disk.
    pub fn snapshot_here(&self) -> Result<Snapshot, Unavailable> {
        self.reader.snapshot().map_err(|error| self.unreadable(&error))
    }

    /// Of a disk that fails the writer tells.
    fn unreadable(&self, error: &ReadError) -> Unavailable {
        if matches!(error, ReadError::Closed) {
            return Unavailable::Closed(error.to_string());
        }
        if let Some(unsaid) = self.complaints.speaks(Instant::now()) {
            log::error!(unsaid; "{error}");
        }
        match error {
            ReadError::Damaged { .. } => Unavailable::Unreadable,
            ReadError::Disk(_) | ReadError::Closed => Unavailable::Closed("it could not be read".to_owned()),
        }
    }
}

impl Unavailable {
    /// What a device is told.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Busy | Self::Closed(_) => ErrorCode::BUSY,
            Self::Full | Self::NotStored(_) => ErrorCode::NOT_STORED,
            Self::Unreadable => ErrorCode::INTERNAL,
        }
    }
}

impl From<StoreError> for Unavailable {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self::Full,
            StoreError::Disk(error) => Self::NotStored(error),
            StoreError::Closed => Self::Closed(error.to_string()),
        }
    }
}

/// Speaks at once, then at most once a minute.
#[derive(Default)]
struct Seldom(Mutex<Option<Spoken>>);

struct Spoken {
    at: Instant,
    unsaid: u64,
}

impl Seldom {
    const EVERY: Duration = Duration::from_secs(60);

    /// How often it kept silent since it spoke last; nothing when it does so again.
    fn speaks(&self, now: Instant) -> Option<u64> {
        let mut spoken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *spoken {
            Some(last) if now.duration_since(last.at) < Self::EVERY => {
                last.unsaid += 1;
                None
            }
            last => Some(last.replace(Spoken { at: now, unsaid: 0 }).map_or(0, |last| last.unsaid)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_reads_are_logged_at_once_and_then_once_a_minute_with_their_number() {
        let (seldom, begun) = (Seldom::default(), Instant::now());
        let spoken: Vec<_> = (0..=120).filter_map(|s| seldom.speaks(begun + Duration::from_secs(s))).collect();
        assert_eq!(spoken, [0, 59, 59]);
    }
}
