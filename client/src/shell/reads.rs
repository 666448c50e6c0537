//! What the user has read: read marks, unread counts, receipts.

use anser_protocol::error::ErrorCode;
use anser_protocol::ids::Position;
use anser_protocol::names::Chat;

use super::Client;
use crate::session::{Answer, Request, RequestError, Session};
use crate::store::{Message, ReceiptCount, Store, StoreError};

/// Why nothing could be marked or asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Refused(#[from] RequestError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who has read a message, and who has not, of those who were given it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readers {
    pub read: Vec<String>,
    pub unread: Vec<String>,
}

impl Client {
    /// How many messages of a chat are unread, of those that are stored here; at most 1,000.
    pub async fn unread(&self, user: &str, chat: &Chat) -> Result<u32, StoreError> {
        let (user, chat) = (user.to_owned(), chat.clone());
        self.keeper.ask(move |store| store.unread(&user, &chat)).await
    }

    /// The chats with unread messages, and how many.
    pub async fn unread_chats(&self, user: &str) -> Result<Vec<(Chat, u32)>, StoreError> {
        let user = user.to_owned();
        self.keeper.ask(move |store| store.unread_chats(&user)).await
    }

    /// The sum over all chats. What the user does not want to be disturbed by counts as well; [`Request::Unread`] also
    /// answers the number without.
    pub async fn total_unread(&self, user: &str) -> Result<u32, StoreError> {
        let chats = self.unread_chats(user).await?;
        Ok(chats.iter().fold(0, |total, (_, unread)| total.saturating_add(*unread)))
    }

    /// The user has read the chat up to this message. The server is told until it has it, over restarts, and the user's
    /// other devices by it.
    pub async fn mark_read_to(&self, user: &str, chat: &Chat, position: Position) -> Result<(), ReadError> {
        let chat = chat.clone();
        self.read(user, move |session, now| session.mark_read(chat, position, now)).await
    }

    /// The user has read all of the chat that is stored here.
    pub async fn reset_unread(&self, user: &str, chat: &Chat) -> Result<(), ReadError> {
        let newest = self.stored_messages(user, chat, Position(u64::MAX), 1).await?;
        // A number that was set by hand goes even where nothing is newer.
        self.set_unread(user, chat, 0).await?;
        match newest.first() {
            Some(newest) => self.mark_read_to(user, chat, newest.record.position).await,
            None => Ok(()),
        }
    }

    /// So many messages of the chat count as unread on this device alone, until the chat is read further.
    pub async fn set_unread(&self, user: &str, chat: &Chat, count: u32) -> Result<(), ReadError> {
        let chat = chat.clone();
        self.read(user, move |session, now| session.set_unread(chat, count, now)).await
    }

    /// The user has read these messages of a chat, which asked for receipts: their senders are told, until the server has it.
    /// Refused (871320) when one of them is stored here and did not ask, or is the user's own.
    pub async fn mark_read(&self, user: &str, chat: &Chat, messages: Vec<Position>) -> Result<(), ReadError> {
        for position in &messages {
            let stored = self.stored_message(user, chat, *position).await?;
            let is_asking = |message: Message| message.record.content.needs_receipt() && *message.record.from != *user;
            if !stored.is_none_or(is_asking) {
                return Err(RequestError::Forbidden(ErrorCode::READ_NOT_ASKED).into());
            }
        }
        self.read(user, move |session, now| session.mark_messages_read(messages, now)).await
    }

    /// Is there something that the user has read and the server does not have yet?
    pub async fn has_untold_reads(&self, user: &str) -> Result<bool, StoreError> {
        let user = user.to_owned();
        let look = move |store: &dyn Store| {
            let stored = store.load()?;
            let user = stored.users.get(user.as_str());
            Ok(user.is_some_and(|user| !user.marks.is_empty() || !user.reads.is_empty()))
        };
        self.keeper.ask(look).await
    }

    /// How many have not read a message of the user's own, as far as this device was told; nothing when it did not ask for
    /// receipts, or the server has not said it yet.
    pub async fn receipt(
        &self,
        user: &str,
        chat: &Chat,
        message: Position,
    ) -> Result<Option<ReceiptCount>, StoreError> {
        let (user, chat) = (user.to_owned(), chat.clone());
        self.keeper.ask(move |store| store.receipt(&user, &chat, message)).await
    }

    /// Who has read a message of the user's own. Refused when it is another's (871321), when it is not sent yet (871322), and
    /// when it did not ask for receipts (871320).
    pub async fn who_read(&self, user: &str, chat: &Chat, message: Position) -> Result<Readers, ReadError> {
        if message == Position::START {
            return Err(RequestError::Forbidden(ErrorCode::READERS_NOT_SENT).into());
        }
        let stored = self.stored_message(user, chat, message).await?;
        if stored.is_some_and(|stored| *stored.record.from != *user) {
            return Err(RequestError::Forbidden(ErrorCode::READERS_NOT_THE_SENDER).into());
        }
        match self.request(Request::Readers { message }).await? {
            Answer::Readers { read, unread } => Ok(Readers { read, unread }),
            _ => Err(RequestError::LinkLost.into()),
        }
    }

    async fn read(
        &self,
        user: &str,
        act: impl FnOnce(&mut Session, std::time::Duration) -> Result<(), RequestError> + Send + 'static,
    ) -> Result<(), ReadError> {
        let user = user.to_owned();
        let act = move |session: &mut Session, now| match session.user() {
            Some(known) if **known == *user => act(session, now),
            _ => Err(RequestError::NotLoggedIn),
        };
        Ok(self.act(act).await?)
    }
}
