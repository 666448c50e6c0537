//! Checkpoints: heads go from memory to their table, in order of their keys, in slices between which batches run.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use anser_protocol::ids::Position;
use redb::Database;

use crate::crash_point::{CrashPoint, pass};
use crate::error::StoreError;
use crate::heads::Head;
use crate::ids::ChainNumber;
use crate::rows::meta::Checkpoint;
use crate::store::Store;
use crate::table::Table;
use crate::tables::{WriteTables, head_key};

/// Heads in one commit: a few milliseconds.
const SLICE_HEADS: usize = 4096;

/// A checkpoint under way.
#[derive(Default)]
pub(crate) struct Checkpointing {
    /// Chains that were dirty when it began, in order.
    left: VecDeque<ChainNumber>,
    /// Where recovery begins once it is done: what is appended meanwhile may be above it only.
    replay_from: Option<Position>,
}

impl Checkpointing {
    pub fn is_under_way(&self) -> bool {
        self.replay_from.is_some()
    }
}

impl Store {
    /// Writes all heads that are only in memory.
    pub fn checkpoint(&mut self) -> Result<(), StoreError> {
        self.checkpointing = Checkpointing::default();
        self.begin_checkpoint();
        while self.checkpointing.is_under_way() {
            self.checkpoint_slice()?;
        }
        Ok(())
    }

    /// Does a piece of a checkpoint when one is due or under way; returns whether it did.
    pub fn checkpoint_step(&mut self) -> Result<bool, StoreError> {
        if !self.checkpointing.is_under_way() {
            if !self.is_checkpoint_due() {
                return Ok(false);
            }
            self.begin_checkpoint();
        }
        self.checkpoint_slice()?;
        Ok(true)
    }

    fn is_checkpoint_due(&self) -> bool {
        let age_ms = self.counters.at_ms.saturating_sub(self.checkpoint_at_ms);
        self.log_bytes >= self.options.checkpoint_log_bytes
            || self.log_bytes > 0 && age_ms >= self.options.checkpoint_interval_ms
            || self.shared.dirty_count() >= self.options.dirty_heads_max
    }

    fn begin_checkpoint(&mut self) {
        self.checkpointing =
            Checkpointing { left: self.shared.dirty_chains().into(), replay_from: Some(self.counters.position) };
        self.log_bytes = 0;
        self.checkpoint_at_ms = self.counters.at_ms;
        pass(CrashPoint::CheckpointBegun);
    }

    fn checkpoint_slice(&mut self) -> Result<(), StoreError> {
        let Some(database) = self.database.clone() else { return Err(StoreError::Closed) };
        let count = self.checkpointing.left.len().min(SLICE_HEADS);
        let chains: Vec<ChainNumber> = self.checkpointing.left.drain(..count).collect();
        let written: Vec<(ChainNumber, Head)> =
            chains.iter().filter_map(|chain| self.shared.head(*chain).map(|head| (*chain, head))).collect();
        let finished = self.checkpointing.left.is_empty().then_some(self.checkpointing.replay_from).flatten();
        let result = catch_unwind(AssertUnwindSafe(|| self.write_heads(&database, &written, finished)));
        if let Err(error) = result.unwrap_or_else(|_| Err(StoreError::Disk("a page of the heads is damaged".into()))) {
            self.lose();
            return Err(error);
        }
        self.shared.publish(|published| written.iter().for_each(|(chain, _)| published.heads.remove(*chain)));
        if finished.is_some() {
            self.checkpointing = Checkpointing::default();
            self.count_checkpoint();
            pass(CrashPoint::CheckpointDone);
        }
        Ok(())
    }

    fn write_heads(
        &self,
        database: &Database,
        heads: &[(ChainNumber, Head)],
        finished: Option<Position>,
    ) -> Result<(), StoreError> {
        let mut transaction = database.begin_write().map_err(StoreError::disk)?;
        transaction.set_quick_repair(self.options.quick_repair.is_worth_it(SLICE_HEADS));
        {
            let mut tables = WriteTables::new(&transaction);
            for (chain, head) in heads {
                let key = head_key(*chain);
                if head.seq == 0 {
                    tables.remove(Table::Heads, key.as_bytes())?;
                } else {
                    tables.put(&key, head)?;
                }
            }
            if let Some(replay_from) = finished {
                tables.put(&Checkpoint::key(), &Checkpoint { replay_from })?;
            }
        }
        pass(CrashPoint::HeadsWritten);
        transaction.commit().map_err(StoreError::disk)?;
        pass(CrashPoint::HeadsCommitted);
        Ok(())
    }
}
