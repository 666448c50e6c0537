//! What others may know of the writer while it works: how much waits, what a batch cost, whether the disk takes it.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::error::StoreError;

/// What one batch cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchDone {
    /// How many it held; of a failed one, how many were tried.
    pub commands: usize,
    /// Of all of it, from the first command to the end of the commit.
    pub took: Duration,
    /// Of the commit alone, which is what the disk takes.
    pub commit: Duration,
    pub is_stored: bool,
}

/// Learns what a batch cost, on the writer's thread.
pub type OnBatch = Box<dyn Fn(BatchDone) + Send + Sync>;

/// How the writer is at this moment.
#[derive(Clone, Debug, Default)]
pub struct WriterHealth {
    pub waiting_commands: usize,
    pub waiting_bytes: usize,
    /// For how long it has been at the batch under way; a disk that hangs shows here.
    pub busy_for: Option<Duration>,
    /// Why changes were refused last, if none was stored since.
    pub trouble: Option<StoreError>,
}

#[derive(Default)]
pub(super) struct Watch {
    state: Mutex<State>,
    on_batch: OnceLock<OnBatch>,
}

#[derive(Default)]
struct State {
    busy_since: Option<Instant>,
    trouble: Option<StoreError>,
}

impl Watch {
    /// Only the first one is told.
    pub fn tell(&self, on_batch: OnBatch) {
        let _ = self.on_batch.set(on_batch);
    }

    pub fn begin(&self) {
        self.lock().busy_since = Some(Instant::now());
    }

    pub fn rest(&self) {
        self.lock().busy_since = None;
    }

    pub fn done(&self, batch: BatchDone) {
        let mut state = self.lock();
        state.busy_since = None;
        if batch.is_stored {
            state.trouble = None;
        }
        drop(state);
        if let Some(on_batch) = self.on_batch.get() {
            on_batch(batch);
        }
    }

    pub fn fail(&self, error: &StoreError) {
        self.lock().trouble = Some(error.clone());
    }

    pub fn add_to(&self, health: &mut WriterHealth) {
        let state = self.lock();
        health.busy_for = state.busy_since.map(|since| since.elapsed());
        health.trouble = state.trouble.clone();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
