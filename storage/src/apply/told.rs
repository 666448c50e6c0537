//! Noting how far an app's server has been told, and what it is to hear of that the log does not tell.

use anser_protocol::ids::Position;

use super::{Batch, Decided};
use crate::command::ToldCommand;
use crate::error::ReadError;
use crate::ids::AppNumber;
use crate::key::u64_at;
use crate::outcome::Answer;
use crate::rows::app::app_key;
use crate::rows::told::{EventRow, EventsTold, Told, event_key, events_prefix};
use crate::table::Table;
use crate::tables::Tables;

/// Told events that one command clears away.
const CLEARED_MAX: usize = 900;

impl Batch<'_> {
    pub(super) fn told(&mut self, command: &ToldCommand) -> Decided<Answer> {
        let key = app_key(command.app());
        self.require_app(command.app())?;
        match command {
            ToldCommand::Advance { next, .. } => {
                if self.row::<Told>(&key)?.is_none_or(|told| told.next < *next) {
                    self.put(&key, &Told { next: *next })?;
                }
            }
            ToldCommand::Forget { .. } => self.remove(Table::MessageCallbacks, &key)?,
            ToldCommand::FollowEvents { families, .. } => {
                let told: Option<EventsTold> = self.row(&key)?;
                let next = told.map_or(self.next_position(), |told| told.next);
                self.put(&key, &EventsTold { next, families: *families })?;
            }
            ToldCommand::AdvanceEvents { app, next } => {
                if let Some(told) = self.row::<EventsTold>(&key)? {
                    let next = told.next.max(*next);
                    self.put(&key, &EventsTold { next, ..told })?;
                    return Ok(self.clear_events(*app, next)?);
                }
            }
            ToldCommand::ForgetEvents { app } => {
                self.remove(Table::EventCallbacks, &key)?;
                return Ok(self.clear_events(*app, self.next_position())?);
            }
        }
        Ok(Answer::Done)
    }

    fn clear_events(&mut self, app: AppNumber, next: Position) -> Result<Answer, ReadError> {
        let prefix = events_prefix(app);
        let keys = self.keys(Table::AppEvents, &prefix, CLEARED_MAX)?;
        for key in &keys {
            if u64_at(key, prefix.as_bytes().len()).is_some_and(|position| position >= next.0) {
                return Ok(Answer::Done);
            }
            self.remove_bytes(Table::AppEvents, key)?;
        }
        Ok(if keys.len() == CLEARED_MAX { Answer::Continue } else { Answer::Done })
    }

    /// Puts an event down for the app's server, where one wants to hear of such.
    pub(super) fn note_event(&mut self, app: AppNumber, event: EventRow) -> Result<(), ReadError> {
        let told: Option<EventsTold> = self.row(&app_key(app))?;
        if told.is_none_or(|told| !told.families.contains(event.kind.family())) {
            return Ok(());
        }
        let position = self.take_position();
        let at_ms = self.now_ms();
        self.put(&event_key(app, position), &EventRow { at_ms, ..event })
    }
}
