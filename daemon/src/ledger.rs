//! The daemon's way to the store: commands in, outcomes out, and reads that never hold up an async thread.
//!
//! The wall clock lives here: a command is stamped when it is submitted.

use anser_storage::command::{Command, Stamped};
use anser_storage::outcome::Outcome;
use anser_storage::{ReadError, Reader, Snapshot, StoreError, WriterHandle};
use thiserror::Error;
use tokio::sync::oneshot;

use crate::clock::now_ms;

/// The store could not do it now. Nothing was changed, or it is not known to be durable.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unavailable {
    #[error("too many changes are waiting; try again later")]
    Busy,
    #[error("the store is not available: {0}")]
    Closed(String),
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    writer: WriterHandle,
    reader: Reader,
}

impl Ledger {
    pub fn new(writer: WriterHandle, reader: Reader) -> Self {
        Self { writer, reader }
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
        let stamped = Stamped { at_ms: now_ms(), command };
        let answer = Box::new(move |result: Result<Outcome, StoreError>| answer(result.map_err(Unavailable::from)));
        self.writer.submit(stamped, answer).map_err(|_| Unavailable::Busy)
    }

    /// Asks a fresh snapshot, on a thread that may wait for the disk.
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Snapshot) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let reader = self.reader.clone();
        let answer = tokio::task::spawn_blocking(move || query(&reader.snapshot()?)).await;
        match answer {
            Ok(answer) => answer.map_err(Unavailable::from),
            Err(_) => Err(Unavailable::Closed("reading ended in a panic".to_owned())),
        }
    }

    /// A fresh snapshot for threads that may wait for the disk. Keep it short: it holds pages of the store.
    pub fn snapshot(&self) -> Result<Snapshot, Unavailable> {
        self.reader.snapshot().map_err(Unavailable::from)
    }
}

impl From<StoreError> for Unavailable {
    fn from(error: StoreError) -> Self {
        Self::Closed(error.to_string())
    }
}

impl From<ReadError> for Unavailable {
    fn from(error: ReadError) -> Self {
        // Damage is for the operator; the caller only learns that it did not work.
        log::error!("the store could not be read: {error}");
        Self::Closed("it could not be read".to_owned())
    }
}
