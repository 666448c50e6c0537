//! What the writer shares with the readers: the open database, the heads that are not in their table yet, and the end.
//!
//! After a disk error redb serves nothing until it is opened again. The writer does that at once, so readers that come
//! in that moment wait for it instead of failing. Only readers' threads come here for a snapshot.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use anser_protocol::ids::Position;
use redb::{ReadTransaction, ReadableDatabase};

use crate::disk::OpenDatabase;
use crate::error::ReadError;
use crate::heads::{DirtyHeads, Head};
use crate::ids::ChainNumber;
use crate::snapshot::PushCache;

/// Longer than opening takes after a failed write; a disk that is gone fails sooner.
const PATIENCE: Duration = Duration::from_secs(1);

/// Called when a reader found that redb serves nothing any more: whoever drives the store opens it again.
pub(crate) type Reopener = Box<dyn Fn() + Send + Sync>;

#[derive(Default)]
pub(crate) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Nothing when nobody opens the store again by himself.
    reopener: OnceLock<Reopener>,
    pub pushes: PushCache,
}

#[derive(Default)]
struct State {
    /// Nothing while the store is closed after a disk error.
    open: Option<Published>,
    /// Counts how often the store was opened.
    opening: u64,
    /// It will be open again in a moment, or known not to be.
    is_being_reopened: bool,
}

pub(crate) struct Published {
    pub database: Arc<OpenDatabase>,
    pub heads: DirtyHeads,
    /// The highest position that was handed out in a committed batch.
    pub end: Position,
}

/// What a snapshot is made of.
pub(crate) struct Moment {
    pub opening: u64,
    pub heads: DirtyHeads,
    pub end: Position,
    pub transaction: ReadTransaction,
}

impl Shared {
    pub fn open(&self, published: Published) {
        let mut state = self.lock();
        state.opening += 1;
        state.open = Some(published);
        state.is_being_reopened = false;
        self.changed.notify_all();
    }

    /// Until it is opened again.
    pub fn close(&self) {
        let closed = self.lock().open.take();
        drop(closed);
        self.pushes.clear();
    }

    /// Closes it after a disk error.
    pub fn lose(&self) {
        self.lock().is_being_reopened = self.reopener.get().is_some();
        self.close();
    }

    /// It does not open again soon: nobody is to wait for it.
    pub fn give_up(&self) {
        self.lock().is_being_reopened = false;
        self.changed.notify_all();
    }

    /// From now on somebody opens the store again at once after each disk error.
    pub fn is_reopened_by(&self, reopener: Reopener) {
        // A store has one driver in its life.
        let _ = self.reopener.set(reopener);
    }

    /// A read of this opening met a disk error.
    pub fn report(&self, opening: u64) {
        let Some(reopen) = self.reopener.get() else { return };
        let mut state = self.lock();
        if state.opening == opening && state.open.is_some() && !state.is_being_reopened {
            state.is_being_reopened = true;
            drop(state);
            reopen();
        }
    }

    /// Has a reader found that redb serves nothing any more?
    pub fn is_broken(&self) -> bool {
        let state = self.lock();
        state.open.is_some() && state.is_being_reopened
    }

    /// Changes what readers see from now on.
    pub fn publish(&self, change: impl FnOnce(&mut Published)) {
        if let Some(published) = self.lock().open.as_mut() {
            change(published);
        }
    }

    pub fn head(&self, chain: ChainNumber) -> Option<Head> {
        self.lock().open.as_ref()?.heads.get(chain)
    }

    pub fn dirty_chains(&self) -> Vec<ChainNumber> {
        let heads = self.lock().open.as_ref().map(|published| published.heads.clone());
        heads.map(|heads| heads.chains()).unwrap_or_default()
    }

    pub fn dirty_count(&self) -> usize {
        self.lock().open.as_ref().map_or(0, |published| published.heads.len())
    }

    /// Heads first, the snapshot second. The lock is held over both: a batch may be committed in between, but not
    /// published, so the snapshot holds at most one batch more than the heads, and no head from it.
    pub fn snapshot(&self) -> Result<Moment, ReadError> {
        let is_being_reopened = |state: &mut State| state.is_being_reopened;
        let waited = self.changed.wait_timeout_while(self.lock(), PATIENCE, is_being_reopened);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let published = state.open.as_ref().ok_or(ReadError::Closed)?;
        let (opening, heads, end) = (state.opening, published.heads.clone(), published.end);
        match published.database.begin_read().map_err(ReadError::disk) {
            Ok(transaction) => Ok(Moment { opening, heads, end, transaction }),
            Err(error) => {
                drop(state);
                if error.is_of_device() {
                    self.report(opening);
                }
                Err(error)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way through a change that a reader could mind.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
