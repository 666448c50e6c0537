//! Counting what happens in chats, hour by hour.
//!
//! A batch gathers its counts and writes them once at its end: a message costs no row of its own.

use std::collections::BTreeMap;

use anser_protocol::content::ContentKind;
use anser_protocol::ids::{GroupId, Position, TimeMs};

use super::{Batch, Decided};
use crate::error::ReadError;
use crate::ids::{AppNumber, DeviceNumber, UserNumber};
use crate::key::Key;
use crate::outcome::Answer;
use crate::rows::chunk::{Chunk, ChunkRow, HourChunk, chunk_of};
use crate::rows::message_count::{HourCounts, HourSet, hour_counts_key, hour_set_key, hour_set_prefix};
use crate::rows::presence::{Span, hour_of};
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

/// What a batch has counted and not written yet.
#[derive(Default)]
pub(super) struct Counting {
    hours: BTreeMap<(AppNumber, u32), HourCounts>,
    /// By app, set, hour and chunk.
    sets: BTreeMap<(AppNumber, HourSet, u32, u32), Chunk>,
}

/// Where a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CountedTo {
    User,
    Group(GroupId),
    /// A group of another app, which is none of this one's groups.
    Mirror,
    Room,
}

impl Batch<'_> {
    /// A message was accepted, or came from another app: then nobody of this one sent it.
    pub(super) fn count_message(
        &mut self,
        app: AppNumber,
        from: Option<UserNumber>,
        to: CountedTo,
        kind: ContentKind,
        position: Position,
    ) {
        let hour = hour_of(self.now_ms());
        let mut more = HourCounts { first: position, ..HourCounts::default() };
        match to {
            CountedTo::Room => more.room = 1,
            CountedTo::Group(_) | CountedTo::Mirror => more.group.count(kind),
            CountedTo::User => more.single.count(kind),
        }
        self.count_hour(app, more);
        if let Some(from) = from {
            let senders = if to == CountedTo::Room { HourSet::RoomSenders } else { HourSet::Senders };
            self.note_in_hour(app, senders, hour, from.0);
        }
        if let CountedTo::Group(group) = to {
            self.note_in_hour(app, HourSet::ActiveGroups, hour, group.0);
        }
    }

    /// So much more happened in this hour.
    pub(super) fn count_hour(&mut self, app: AppNumber, more: HourCounts) {
        if more == HourCounts::default() {
            return;
        }
        let counted = self.counting.hours.entry((app, hour_of(self.now_ms()))).or_default();
        *counted = counted.plus(more);
    }

    fn note_in_hour(&mut self, app: AppNumber, set: HourSet, hour: u32, number: u32) {
        // Chunks hold numbers of devices; others are counted in the same way.
        let number = DeviceNumber(number);
        let chunk = self.counting.sets.entry((app, set, hour, chunk_of(number))).or_insert(Chunk::EMPTY);
        chunk.insert(number);
    }

    /// These users were logged in at `seen_ms`.
    pub(super) fn mark_logged_in(&mut self, app: AppNumber, seen_ms: TimeMs, users: &[UserNumber]) -> Decided<Answer> {
        self.require_app(app)?;
        let hour = hour_of(seen_ms.min(self.now_ms()));
        users.iter().for_each(|user| self.note_in_hour(app, HourSet::LoggedIn, hour, user.0));
        Ok(Answer::Done)
    }

    /// Writes down what was counted, before anybody looks at these rows and at the end of the batch.
    pub(super) fn write_counts(&mut self) -> Result<(), ReadError> {
        let Counting { hours, sets } = std::mem::take(&mut self.counting);
        for ((app, hour), more) in hours {
            let key = hour_counts_key(app, hour);
            let known = unless_damaged(self.row::<HourCounts>(&key))?.unwrap_or_default();
            self.put(&key, &known.plus(more))?;
        }
        for ((app, set, hour, chunk), more) in sets {
            let key = hour_set_key(app, set, hour, chunk);
            let mut known = unless_damaged(self.row::<HourChunk>(&key))?.map_or(Chunk::EMPTY, ChunkRow::chunk);
            if known.union(&more) {
                self.put(&key, &HourChunk::new(known))?;
            }
        }
        Ok(())
    }

    /// Removes the oldest of what has been kept for long enough, at most `limit` rows; returns how many.
    pub(super) fn cut_counts(&mut self, app: AppNumber, limit: usize) -> Result<usize, ReadError> {
        self.write_counts()?;
        let first_kept = hour_of(self.now_ms().saturating_sub(Span::Active.kept_ms()));
        let mut ranges = vec![(Table::HourCounts, Key::app(app), hour_counts_key(app, first_kept))];
        for set in HourSet::ALL {
            ranges.push((Table::HourSets, hour_set_prefix(app, set, 0), hour_set_prefix(app, set, first_kept)));
        }
        let mut removed = 0;
        for (table, from, to) in ranges {
            let mut keys = Vec::new();
            if removed < limit {
                self.scan(table, from.as_bytes(), Some(to.as_bytes()), &mut |key, _| {
                    keys.push(key.to_vec());
                    Ok(if removed + keys.len() < limit { NEXT } else { STOP })
                })?;
            }
            for key in &keys {
                self.remove_bytes(table, key)?;
            }
            removed += keys.len();
        }
        Ok(removed)
    }
}

/// Messages must not wait for a figure that cannot be read: it begins anew.
fn unless_damaged<T>(row: Result<Option<T>, ReadError>) -> Result<Option<T>, ReadError> {
    match row {
        Err(ReadError::Damaged { .. }) => Ok(None),
        row => row,
    }
}
