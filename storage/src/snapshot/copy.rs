//! Every row as it lies there, for backups: what another store is made of by [`Rebuild`](crate::disk::Rebuild).
//!
//! A snapshot holds what was committed, so its rows are a store as a crash at this moment would leave it; heads that are
//! only in memory are read from the log when it is opened.

use std::ops::ControlFlow;

use anser_protocol::ids::{Position, TimeMs};

use super::Snapshot;
use crate::error::ReadError;
use crate::find;
use crate::ids::AppNumber;
use crate::key::u32_at;
use crate::row;
use crate::rows::media::BodyHash;
use crate::rows::meta::{Counters, Format};
use crate::table::Table;
use crate::tables::Tables;

impl Snapshot {
    /// Shows all rows of a table in order of their keys, damaged ones as well, until `show` has seen enough.
    pub fn copy_rows(
        &self,
        table: Table,
        mut show: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        self.scan(table, &[], None, &mut |key, value| Ok(show(key, value)))
    }

    /// The version of all tables together.
    pub fn format_version(&self) -> Result<u32, ReadError> {
        Ok(find::required::<Format>(self, Format::key())?.version)
    }

    /// The latest stamp of a command that it holds.
    pub fn at_ms(&self) -> Result<TimeMs, ReadError> {
        Ok(find::required::<Counters>(self, Counters::key())?.at_ms)
    }

    /// The highest position that a row of it may have. One batch more than [`Snapshot::end`] where the snapshot was
    /// taken between a commit and its publication.
    pub fn last_position(&self) -> Result<Position, ReadError> {
        Ok(Position(find::required::<Counters>(self, Counters::key())?.position.0 - 1))
    }
}

/// Does the value bear the checksum of its place?
pub fn is_whole_row(table: Table, key: &[u8], value: &[u8]) -> bool {
    row::is_whole(table, key, value)
}

/// Whose and which bytes a key of [`Table::MediaBodies`] stands for.
pub fn media_body_of(key: &[u8]) -> Option<(AppNumber, BodyHash)> {
    Some((AppNumber(u32_at(key, 0)?), key.get(4..)?.try_into().ok()?))
}
