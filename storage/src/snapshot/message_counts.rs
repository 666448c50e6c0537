//! Reading what happened in an app's chats, hour by hour.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Snapshot;
use crate::error::ReadError;
use crate::ids::AppNumber;
use crate::key::{Key, behind_prefix, u32_at};
use crate::row;
use crate::rows::chunk::{Chunk, ChunkRow, HourChunk, UserChunk};
use crate::rows::group::Group;
use crate::rows::message_count::{HourCounts, HourSet, hour_counts_key, hour_set_prefix};
use crate::rows::people::{UserClass, user_class_prefix};
use crate::table::Table;
use crate::tables::{NEXT, Tables};

impl Snapshot {
    /// What happened in some hours, counted from 1970, all together.
    pub fn hour_counts(&self, app: AppNumber, hours: Range<u32>) -> Result<HourCounts, ReadError> {
        let mut counts = HourCounts::default();
        for hour in hours {
            counts = counts.plus(self.row(&hour_counts_key(app, hour))?.unwrap_or_default());
        }
        Ok(counts)
    }

    /// What happened in this hour and all later ones.
    pub fn hour_counts_since(&self, app: AppNumber, hour: u32) -> Result<HourCounts, ReadError> {
        let mut counts = HourCounts::default();
        let (from, to) = (hour_counts_key(app, hour), behind_prefix(Key::app(app).as_bytes()));
        self.scan(Table::HourCounts, from.as_bytes(), to.as_deref(), &mut |key, value| {
            counts = counts.plus(row::decode(key, value)?);
            Ok(NEXT)
        })?;
        Ok(counts)
    }

    /// How many are in a set in at least one of these hours.
    pub fn count_in_hours(&self, app: AppNumber, set: HourSet, hours: Range<u32>) -> Result<u64, ReadError> {
        let mut all = BTreeMap::<u32, Chunk>::new();
        for hour in hours {
            let prefix = hour_set_prefix(app, set, hour);
            self.rows::<HourChunk>(&prefix, |key, row| {
                if let Some(chunk) = u32_at(key, prefix.as_bytes().len()) {
                    all.entry(chunk).or_insert(Chunk::EMPTY).union(&row.chunk());
                }
                Ok(NEXT)
            })?;
        }
        Ok(all.values().map(Chunk::len).sum())
    }

    /// Users that there are, without admins.
    pub fn user_total(&self, app: AppNumber) -> Result<u64, ReadError> {
        let mut total = 0;
        self.rows::<UserChunk>(&user_class_prefix(app, UserClass::User), |_, row| {
            total += row.chunk().len();
            Ok(NEXT)
        })?;
        Ok(total)
    }

    /// Groups that were not dissolved. Looks at every group of the app.
    pub fn group_total(&self, app: AppNumber) -> Result<u64, ReadError> {
        let mut total = 0;
        self.rows::<Group>(&Key::app(app), |_, group| {
            total += u64::from(!group.is_dissolved);
            Ok(NEXT)
        })?;
        Ok(total)
    }
}
