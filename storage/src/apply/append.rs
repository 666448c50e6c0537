//! Appending to the log.

use anser_protocol::ids::Position;
use anser_protocol::planted::{Fault, is_planted};

use super::Batch;
use crate::command::Class;
use crate::error::ReadError;
use crate::find;
use crate::heads::Head;
use crate::ids::{AppNumber, ChainNumber};
use crate::rows::record::{Body, Record, log_key};
use crate::tables::Tables;

/// Where a record came to stand.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub position: Position,
    pub seq: u64,
}

impl Batch<'_> {
    /// Appends a record to a chain and makes it the chain's head.
    pub(super) fn append(
        &mut self,
        app: AppNumber,
        class: Class,
        chain: ChainNumber,
        body: Body,
    ) -> Result<Place, ReadError> {
        let head = self.head(chain)?.unwrap_or_default();
        let mut prev = head.last;
        if is_planted(Fault::WrongPrev) && head.seq > 1 {
            prev = find::record(self, app, class, prev)?.map_or(prev, |record| record.prev);
        }
        let place = Place { position: self.take_position(), seq: head.seq + 1 };
        let record = Record { chain, prev, seq: place.seq, at_ms: self.now_ms(), body };
        let content = match &record.body {
            Body::Message(message) => Some(&message.content),
            Body::Room(message) => Some(&message.content),
            _ => None,
        };
        if let Some(content) = content {
            self.note_mentions(app, class, place.position, content)?;
        }
        self.put(&log_key(app, class, place.position), &record)?;
        self.set_head(chain, Head { last: place.position, seq: place.seq, outbox: 0 });
        Ok(place)
    }

    /// Appends a record that belongs to no chain.
    pub(super) fn append_loose(&mut self, app: AppNumber, class: Class, body: Body) -> Result<Position, ReadError> {
        let position = self.take_position();
        let record = Record { chain: ChainNumber(0), prev: Position::START, seq: 0, at_ms: self.now_ms(), body };
        self.put(&log_key(app, class, position), &record)?;
        Ok(position)
    }
}
