//! The daemon's own commands: starts, restores, retention.

use std::collections::BTreeSet;

use anser_protocol::ids::Position;
use anser_protocol::planted::{Fault, is_planted};

use super::{Batch, Decided};
use crate::command::{Class, SystemCommand};
use crate::find;
use crate::ids::AppNumber;
use crate::key::{Key, u64_at};
use crate::outcome::Answer;
use crate::row;
use crate::rows::meta::Checkpoint;
use crate::rows::record::{Floor, Record, log_key, log_prefix};
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

/// A disk that lost its tail after a power cut must not hand out positions that clients have already seen.
const START_JUMP: u64 = 1 << 20;
/// The same for a restored backup, which may be days old.
const RESTORE_JUMP: u64 = 1 << 32;
/// Groups and rooms that were made after the backup are known to clients, too: their ids must not come to mean others.
const RESTORE_JUMP_GROUPS: u32 = 1 << 20;
/// Rows that one cut removes: sequential, so ten times as many as other commands touch.
const CUT_ROWS_MAX: usize = 10_000;

impl Batch<'_> {
    pub(super) fn system(&mut self, command: &SystemCommand) -> Decided<Answer> {
        match command {
            SystemCommand::Start if is_planted(Fault::NoStartJump) => {}
            SystemCommand::Start => self.jump(START_JUMP),
            SystemCommand::Restored if is_planted(Fault::NoRestoreJump) => {}
            SystemCommand::Restored => {
                self.jump(RESTORE_JUMP);
                self.jump_groups(RESTORE_JUMP_GROUPS);
            }
            SystemCommand::Cut { app, class, below } => return self.cut(*app, *class, *below),
            SystemCommand::Expire => return self.expire(),
            SystemCommand::CutPresence { app } => return self.cut_presence(*app),
            SystemCommand::SetDormant { app, chunk, devices, as_of_ms } => {
                return self.set_dormant(*app, *chunk, devices, *as_of_ms);
            }
        }
        Ok(Answer::Done)
    }

    /// Removes the oldest records below `below`. The floor rises with them, so that chains end there.
    fn cut(&mut self, app: AppNumber, class: Class, below: Position) -> Decided<Answer> {
        self.require_app(app)?;
        let below = below.min(self.next_position());
        let old_floor = find::floor(self, app, class)?;
        if below <= old_floor {
            return Ok(Answer::Done);
        }
        let (rows, is_complete) = self.log_rows(app, class, old_floor, below)?;
        let floor = match rows.last().and_then(|key| u64_at(key, log_prefix(app, class).as_bytes().len())) {
            Some(last) if !is_complete => Position(last + 1),
            _ => below,
        };
        self.write_heads_in_tail(app, class, old_floor, floor)?;
        for key in &rows {
            self.remove_bytes(Table::Log, key)?;
        }
        if class == Class::Chat {
            self.cut_behind(app, Table::Amendments, floor)?;
            self.cut_behind(app, Table::Copies, floor)?;
            self.cut_receipts(app, floor)?;
        }
        self.put(&log_prefix(app, class), &Floor(floor))?;
        Ok(if is_complete { Answer::Done } else { Answer::Continue })
    }

    /// What is kept by message of messages that are gone: no more than of these.
    fn cut_behind(&mut self, app: AppNumber, table: Table, floor: Position) -> Decided<()> {
        let (from, to) = (Key::app(app), Key::app(app).u64(floor.0));
        let mut keys = Vec::new();
        self.scan(table, from.as_bytes(), Some(to.as_bytes()), &mut |key, _| {
            keys.push(key.to_vec());
            Ok(NEXT)
        })?;
        for key in keys {
            self.remove_bytes(table, &key)?;
        }
        Ok(())
    }

    /// Recovery finds heads in the log's tail. Where a cut reaches into it, the heads that it would take are written down
    /// first, or their chains would begin to count again.
    fn write_heads_in_tail(&mut self, app: AppNumber, class: Class, from: Position, floor: Position) -> Decided<()> {
        let tail = find::required::<Checkpoint>(self, Checkpoint::key())?.replay_from;
        let (from, to) = (log_key(app, class, from.max(tail)), log_key(app, class, floor));
        let mut chains = BTreeSet::new();
        self.scan(Table::Log, from.as_bytes(), Some(to.as_bytes()), &mut |key, value| {
            // A damaged record is gone either way.
            if let Ok(record) = row::decode::<Record>(key, value) {
                chains.extend(record.chains());
            }
            Ok(NEXT)
        })?;
        for chain in chains {
            if self.head(chain)?.is_some_and(|head| head.last < floor) {
                self.write_head(chain)?;
            }
        }
        Ok(())
    }

    /// Keys of the oldest rows from `from` below `below`, and whether they are all of them.
    fn log_rows(&self, app: AppNumber, class: Class, from: Position, below: Position) -> Decided<(Vec<Vec<u8>>, bool)> {
        let mut keys = Vec::new();
        let mut is_complete = true;
        let (from, to) = (log_key(app, class, from), log_key(app, class, below));
        self.scan(Table::Log, from.as_bytes(), Some(to.as_bytes()), &mut |key, _| {
            if keys.len() == CUT_ROWS_MAX {
                is_complete = false;
                return Ok(STOP);
            }
            keys.push(key.to_vec());
            Ok(NEXT)
        })?;
        Ok((keys, is_complete))
    }
}
