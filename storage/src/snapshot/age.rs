//! From times to positions: where retention cuts.

use anser_protocol::ids::{Position, TimeMs};

use super::Snapshot;
use crate::command::Class;
use crate::error::ReadError;
use crate::find;
use crate::ids::AppNumber;
use crate::key::u64_at;
use crate::row;
use crate::rows::record::{Record, log_key, log_prefix};
use crate::table::Table;
use crate::tables::{STOP, Tables};

impl Snapshot {
    /// The position below which every record of a class is older than `at_ms`. Stamps never run backwards, so it is
    /// found by halving, in some forty reads whatever the length of the log.
    pub fn first_since(&self, app: AppNumber, class: Class, at_ms: TimeMs) -> Result<Position, ReadError> {
        let mut low = find::floor(self, app, class)?.0;
        let mut high = self.end().0 + 1;
        while low < high {
            let middle = low + (high - low) / 2;
            match self.record_from(app, class, Position(middle))? {
                Some((position, written_ms)) if written_ms < at_ms => low = position.0 + 1,
                _ => high = middle,
            }
        }
        Ok(Position(low))
    }

    /// The first record at or behind a position, with its stamp.
    pub(super) fn record_from(
        &self,
        app: AppNumber,
        class: Class,
        from: Position,
    ) -> Result<Option<(Position, TimeMs)>, ReadError> {
        let mut found = None;
        let to = log_key(app, class, Position(self.end().0 + 1));
        self.scan(Table::Log, log_key(app, class, from).as_bytes(), Some(to.as_bytes()), &mut |key, value| {
            let record: Record = row::decode(key, value)?;
            let position = u64_at(key, log_prefix(app, class).as_bytes().len()).unwrap_or_default();
            found = Some((Position(position), record.at_ms));
            Ok(STOP)
        })?;
        Ok(found)
    }
}
