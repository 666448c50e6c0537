//! What the writer shares with the readers: the open database, the heads that are not in their table yet, and the end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anser_protocol::ids::Position;
use redb::{Database, ReadTransaction, ReadableDatabase};

use crate::error::ReadError;
use crate::heads::{DirtyHeads, Head};
use crate::ids::ChainNumber;
use crate::snapshot::PushCache;

#[derive(Default)]
pub(crate) struct Shared {
    /// Nothing while the store is closed after a disk error.
    open: Mutex<Option<Published>>,
    pub pushes: PushCache,
}

pub(crate) struct Published {
    pub database: Arc<Database>,
    pub heads: DirtyHeads,
    /// The highest position that was handed out in a committed batch.
    pub end: Position,
}

impl Shared {
    pub fn open(&self, published: Published) {
        *self.lock() = Some(published);
    }

    pub fn close(&self) {
        *self.lock() = None;
        self.pushes.clear();
    }

    /// Changes what readers see from now on.
    pub fn publish(&self, change: impl FnOnce(&mut Published)) {
        if let Some(published) = self.lock().as_mut() {
            change(published);
        }
    }

    pub fn head(&self, chain: ChainNumber) -> Option<Head> {
        self.lock().as_ref()?.heads.get(chain)
    }

    pub fn dirty_chains(&self) -> Vec<ChainNumber> {
        self.lock().as_ref().map(|published| published.heads.clone()).map(|heads| heads.chains()).unwrap_or_default()
    }

    pub fn dirty_count(&self) -> usize {
        self.lock().as_ref().map_or(0, |published| published.heads.len())
    }

    /// Heads first, the snapshot second. The lock is held over both: a batch may be committed in between, but not
    /// published, so the snapshot holds at most one batch more than the heads, and no head from it.
    pub fn snapshot(&self) -> Result<(DirtyHeads, Position, ReadTransaction), ReadError> {
        let open = self.lock();
        let published = open.as_ref().ok_or(ReadError::Closed)?;
        let transaction = published.database.begin_read().map_err(ReadError::disk)?;
        Ok((published.heads.clone(), published.end, transaction))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Published>> {
        // Nothing in here panics half-way through a change that a reader could mind.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
