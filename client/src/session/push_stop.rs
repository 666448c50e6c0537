//! Stopping the pushes of this device and having them again: kept in the store, over restarts.
//!
//! While they are stopped nothing of a push is stored, acknowledged or handed out, and the server, which is told, lets them
//! wait as for a device that is away. The link stays, and so do its users and their chats.

use std::time::Duration;

use anser_protocol::extension::{Extensions, tag};
use anser_protocol::frame::ClientFrame;
use anser_protocol::frame::push::{PushResume, PushStop};

use super::action::LinkEnd;
use super::transaction::Then;
use super::{RequestId, Session, State};
use crate::store::{Release, Write};

impl Session {
    /// No pushes from now on. Every other push call fails with [`PushCode::Stopped`] until they are resumed.
    ///
    /// [`PushCode::Stopped`]: crate::code::PushCode::Stopped
    pub fn stop_push(&mut self, now: Duration) {
        self.now = now;
        if self.pushes.stop() {
            self.transaction.writes.push(Write::PushStopped(true));
            self.give_up_labels();
            self.drive();
        }
    }

    /// Pushes again: first those that waited.
    pub fn resume_push(&mut self, now: Duration) {
        self.now = now;
        if self.pushes.resume() {
            self.transaction.writes.push(Write::PushStopped(false));
            // What had arrived before and was not taken yet.
            self.transaction.then.push(Then::Release(Release::Pushes));
            self.drive();
        }
    }

    pub fn is_push_stopped(&self) -> bool {
        self.pushes.is_stopped()
    }

    /// What a hello says of it.
    pub(super) fn push_extensions(&self) -> Extensions {
        match self.is_push_stopped() {
            true => Extensions::default().with(tag::PUSHES_STOPPED, Vec::new()),
            false => Extensions::default(),
        }
    }

    /// Tells the server when it knows otherwise.
    pub(super) fn tell_push_flow(&mut self) {
        let is_stopped = self.is_push_stopped();
        let is_welcomed = self.is_welcomed();
        let State::Linked(link) = &mut self.state else { return };
        if !is_welcomed || link.has_stopped_pushes == is_stopped {
            return;
        }
        link.has_stopped_pushes = is_stopped;
        let request = self.requests.take_id();
        let extensions = Extensions::default();
        if is_stopped {
            return self.transmit(&ClientFrame::PushStop(PushStop { request, extensions }));
        }
        let push_cursor = self.pushes.expect_resumed(request);
        self.transmit(&ClientFrame::PushResume(PushResume { request, push_cursor, extensions }));
    }

    /// The server cannot go back to where this device stands: the next hello says it.
    pub(super) fn on_resume_refused(&mut self, request: Option<RequestId>) {
        if self.pushes.is_resuming() && request.is_none_or(|request| self.pushes.handle_done(request)) {
            self.end_link(LinkEnd::Gap);
        }
    }
}
