//! Marks: how far devices have stored what was theirs. They only move forward.

use anser_protocol::ids::Position;

use super::{Batch, Decided};
use crate::command::MarkCommand;
use crate::ids::{AppNumber, DeviceNumber, UserNumber};
use crate::outcome::Answer;
use crate::rows::device::{PushCursor, device_key};
use crate::rows::user::{ChatCursor, session_key};
use crate::tables::Tables;

impl Batch<'_> {
    pub(super) fn mark(&mut self, command: &MarkCommand) -> Decided<Answer> {
        match command {
            MarkCommand::ChatCursor { app, user, device, position } => self.mark_chats(*app, *user, *device, *position),
            MarkCommand::PushCursor { app, device, position } => self.mark_pushes(*app, *device, *position),
            MarkCommand::Present { app, seen_ms, devices } => self.mark_present(*app, *seen_ms, devices),
            MarkCommand::Active { app, seen_ms, devices } => self.mark_active(*app, *seen_ms, devices),
            MarkCommand::Used { app, at_ms, uses } => self.mark_used(*app, *at_ms, uses),
            MarkCommand::Reached { app, pushes } => self.mark_reached(*app, pushes),
            MarkCommand::Read { app, user, device, marks } => self.mark_read(*app, *user, *device, marks),
            MarkCommand::ReadMessages { app, user, messages } => self.read_messages(*app, *user, messages),
            MarkCommand::LoggedIn { app, seen_ms, users } => self.mark_logged_in(*app, *seen_ms, users),
        }
    }

    fn mark_chats(
        &mut self,
        app: AppNumber,
        user: UserNumber,
        device: DeviceNumber,
        position: Position,
    ) -> Decided<Answer> {
        self.require_app(app)?;
        let key = session_key(app, user, device);
        if self.row::<ChatCursor>(&key)?.is_none_or(|cursor| cursor.0 < position) {
            self.put(&key, &ChatCursor(position))?;
        }
        Ok(Answer::Done)
    }

    fn mark_pushes(&mut self, app: AppNumber, device: DeviceNumber, position: Position) -> Decided<Answer> {
        self.require_app(app)?;
        let key = device_key(app, device);
        if self.row::<PushCursor>(&key)?.is_none_or(|cursor| cursor.0 < position) {
            self.put(&key, &PushCursor(position))?;
        }
        Ok(Answer::Done)
    }
}
