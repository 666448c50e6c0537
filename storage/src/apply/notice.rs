//! Notices: what the server tells one user alone, on all devices, in a chain of their own.

use std::sync::Arc;

use anser_protocol::content::NoticeKind;
use anser_protocol::planted::{Fault, is_planted};

use super::Batch;
use crate::across;
use crate::command::{Actor, Class};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, ChainNumber, UserNumber};
use crate::outcome::{Message, MessageBody, Route};
use crate::rows::chat::{Chat, Conversation, ConversationKind, conversation_key};
use crate::rows::record::{Body, NoticeRecord};

impl Batch<'_> {
    /// Tells each of these users the same. Whoever was deleted is told nothing.
    pub(super) fn notify(
        &mut self,
        app: AppNumber,
        readers: &[UserNumber],
        notice: &NoticeRecord,
    ) -> Result<(), ReadError> {
        if is_planted(Fault::NoticeUnwritten) && notice.by.is_none() {
            return Ok(());
        }
        let told = find::notice(self, app, notice)?;
        for reader in readers {
            // A guest is told in their own app.
            if find::is_deleted(self, app, *reader)? || across::guest(self, app, *reader)?.is_some() {
                continue;
            }
            let chain = self.notices_chain(app, *reader)?;
            let place = self.append(app, Class::Chat, chain, Body::Notice(notice.clone()))?;
            let body = MessageBody::Notice(told.clone());
            let message = Arc::new(Message { seq: place.seq, body, sent_by: None });
            self.announce(app, place.position, Route::Notice { chain, user: *reader, message });
        }
        Ok(())
    }

    /// Made with the first notice.
    fn notices_chain(&mut self, app: AppNumber, user: UserNumber) -> Result<ChainNumber, ReadError> {
        if let Some(chain) = find::notices_chain(self, app, user)? {
            return Ok(chain);
        }
        let chain = self.take_chain();
        let key = conversation_key(app, user, ConversationKind::Notices, chain);
        let changed = self.next_position();
        self.put(&key, &Conversation::new(Chat::Notices, 1, changed))?;
        Ok(chain)
    }
}

impl Actor {
    /// What the user is told of a change of what is their own: kind and detail, when an app server made it, and when they
    /// did themselves.
    pub(super) fn tells(self, by_server: (NoticeKind, u8), by_user: (NoticeKind, u8)) -> NoticeRecord {
        match self {
            Self::Server => NoticeRecord::new(by_server.0, by_server.1, None),
            Self::User(user) => NoticeRecord::new(by_user.0, by_user.1, Some(user)),
        }
    }
}
