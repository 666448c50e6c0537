//! A client of the village: it says and asks more than one of a town.

use anser_client::session::{CommandTo, Request};
use anser_protocol::content::Content;
use anser_protocol::ids::RoomId;
use anser_protocol::names::Chat;

use super::told::Heard;
use crate::sim::client::{Client, Wish};
use crate::sim::course::Course;
use crate::sim::network::Network;
use crate::sim::witness::Witness;

impl Client {
    /// Asks whatever comes of it.
    pub fn ask(
        &mut self,
        request: Request,
        network: &mut Network,
        witness: &mut Witness,
        course: &mut Course,
    ) -> Result<(), String> {
        self.wish(request, Wish::Any, network, witness, course).map(drop)
    }

    pub fn enter_room(
        &mut self,
        room: RoomId,
        network: &mut Network,
        witness: &mut Witness,
        course: &mut Course,
    ) -> Result<(), String> {
        if self.requests.values().any(|wish| *wish == Wish::Enter(room)) {
            return Ok(());
        }
        self.note(Heard::Asks(room));
        if !self.wish(Request::RoomEnter { room }, Wish::Enter(room), network, witness, course)? {
            self.note(Heard::Entered(room, false));
        }
        Ok(())
    }

    pub fn leave_room(
        &mut self,
        room: RoomId,
        network: &mut Network,
        witness: &mut Witness,
        course: &mut Course,
    ) -> Result<(), String> {
        self.wish(Request::RoomLeave { room }, Wish::LeaveRoom(room), network, witness, course).map(drop)
    }

    /// A text of the village, under a key of its own.
    fn next_key(&mut self) -> String {
        self.sent += 1;
        format!("{}#{}", self.place.name, self.sent)
    }

    /// Writes to a chat of the village.
    pub fn say_to(
        &mut self,
        chat: Chat,
        content: impl FnOnce(&str) -> Content,
        network: &mut Network,
        witness: &mut Witness,
        course: &mut Course,
    ) -> Result<(), String> {
        let key = self.next_key();
        course.note(format_args!("{}: says {key} in {chat:?}", self.name()));
        let content = content(&key);
        // An outbox that is full, or nobody who is logged in: then it is not said.
        self.with(network, witness, course, |session, now| session.send(chat, content, now).is_ok()).map(drop)
    }

    pub fn say_in_room(
        &mut self,
        room: RoomId,
        network: &mut Network,
        witness: &mut Witness,
        course: &mut Course,
    ) -> Result<(), String> {
        let key = self.next_key();
        course.note(format_args!("{}: says {key} in room {room}", self.name()));
        let content = Content::text(&format!("{key}|"));
        self.with(network, witness, course, |session, now| session.send_to_room(room, content, now).is_ok()).map(drop)
    }

    pub fn command(
        &mut self,
        to: CommandTo,
        network: &mut Network,
        witness: &mut Witness,
        course: &mut Course,
    ) -> Result<(), String> {
        let text = format!("{}|", self.next_key());
        course.note(format_args!("{}: commands {text} to {to:?}", self.name()));
        self.wish(Request::Command { to, text }, Wish::Any, network, witness, course).map(drop)
    }

    /// Nobody is to be logged in, as far as the running application is concerned.
    pub fn is_logged_out(&self) -> bool {
        self.session.as_ref().is_none_or(|session| session.user().is_none())
    }
}
