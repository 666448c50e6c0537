//! What an application does with messages besides sending them: forward, cancel, and what became of one; and what is told in
//! passing: transparent commands, profiles of others that changed.

use std::time::Duration;

use anser_protocol::content::Content;
use anser_protocol::extension::{Extensions, tag};
use anser_protocol::frame::people::ProfileChanged;
use anser_protocol::frame::talk::CommandCame;
use anser_protocol::names::Chat;
use anser_protocol::options::SendOptions;

use super::transaction::Then;
use super::{Action, CancelError, Event, SendError, SendState, Session};
use crate::store::{LocalId, Write};

impl Session {
    /// Sends the content of a message that was sent or received to another chat, as a new message: files are not uploaded
    /// again, and of the first sender's options nothing is left but `extras`.
    pub fn forward(
        &mut self,
        chat: Chat,
        content: &Content,
        options: &SendOptions,
        now: Duration,
    ) -> Result<LocalId, SendError> {
        self.send(chat, forwarded(content, options), now)
    }

    /// Takes a message back that the server cannot have: one that was not written to any link yet. Afterwards it is
    /// nowhere, and the application is told by [`Event::SendCancelled`].
    pub fn cancel(&mut self, local: LocalId, now: Duration) -> Result<(), CancelError> {
        self.now = now;
        let entry = self.outbox.cancel(local)?;
        self.transaction.writes.push(Write::OutboxAnswered(local));
        let event = Event::SendCancelled { user: entry.user, local, chat: entry.chat };
        self.transaction.then.push(Then::Emit(event));
        self.drive();
        Ok(())
    }

    /// Where a message stands that was handed over for sending. Nothing when it is on its way no more: what became of it
    /// was told by an event, and a sent one stands in the store.
    pub fn send_state(&self, local: LocalId) -> Option<SendState> {
        self.outbox.state(local)
    }

    pub(super) fn on_command(&mut self, came: CommandCame) {
        let Some(user) = self.sync.as_ref().map(|sync| sync.user().clone()) else { return };
        let CommandCame { target, from, group, platform, text, .. } = came;
        let event = Event::CommandCame { user, from: from.as_str().into(), target, group, platform, text };
        self.actions.push_back(Action::Emit(event));
    }

    pub(super) fn on_profile(&mut self, changed: &ProfileChanged) {
        let Some(user) = self.sync.as_ref().map(|sync| sync.user().clone()) else { return };
        let (username, changed_ms) = (changed.username.as_str().into(), changed.changed_ms);
        self.actions.push_back(Action::Emit(Event::ProfileChanged { user, username, changed_ms }));
    }
}

/// The content of a new message that says what another one says.
pub fn forwarded(content: &Content, options: &SendOptions) -> Content {
    let extras = content.extensions.value(tag::EXTRAS).map(<[u8]>::to_vec);
    let extensions = extras.map_or_else(Extensions::default, |extras| Extensions::default().with(tag::EXTRAS, extras));
    options.add_to(Content { kind: content.kind, body: content.body.clone(), extensions })
}
