//! How far the connection has come.

use super::action::{Action, Connection, Event};
use super::link::Phase;
use super::{Session, State};

impl Session {
    pub(super) fn connect(&mut self) {
        self.state = State::Connecting;
        self.actions.push_back(Action::Connect);
        self.actions.push_back(Action::Emit(Event::Connecting));
    }

    /// How far the connection has come.
    pub fn connection(&self) -> Connection {
        match &self.state {
            State::Stopped | State::Waiting { .. } => Connection::Closed,
            State::Connecting => Connection::Connecting,
            State::Linked(link) if link.phase != Phase::Welcomed => Connection::Connecting,
            State::Linked(_) if self.sync.is_some() => Connection::LoggedIn,
            State::Linked(_) => Connection::Connected,
        }
    }

    /// The identity of this device for pushes; empty until the first registration succeeded.
    pub fn registration_id(&self) -> &str {
        &self.identity.registration_id
    }
}
