//! What is of this device alone: deleting, extras and drafts, and looking into what is stored. All of it works without a link
//! and without being logged in.

use anser_protocol::ids::Position;
use anser_protocol::names::{Chat, Name};

use super::Client;
use crate::session::RequestError;
use crate::store::{ConversationText, LocalId, LocalMessage, Message, StoreError};

impl Client {
    /// Deletes the user's conversation on this device: its messages, what counts as unread, its extras and its draft. What the
    /// server sends again of it stays away; a message that is new makes it anew. On the server and on other devices nothing
    /// is deleted or read by it: [`Self::reset_unread`] comes before it when that is meant.
    pub async fn delete_conversation(&self, user: &str, chat: &Chat) -> Result<(), RequestError> {
        let (user, chat) = (Name::from(user), chat.clone());
        self.act(move |session, now| session.delete_conversation(user, chat, now)).await
    }

    /// Deletes the messages of a chat up to this position on this device, those included that were not handed out yet; the
    /// largest position for all that are stored. The conversation stays in the list.
    pub async fn delete_messages(&self, user: &str, chat: &Chat, to: Position) -> Result<(), RequestError> {
        let (user, chat) = (Name::from(user), chat.clone());
        self.act(move |session, now| session.delete_messages(user, chat, to, now)).await
    }

    /// Deletes one message on this device. One that failed goes by [`Self::forget_failed`].
    pub async fn delete_message(&self, user: &str, chat: &Chat, position: Position) -> Result<(), RequestError> {
        let (user, chat) = (Name::from(user), chat.clone());
        self.act(move |session, now| session.delete_message(user, chat, position, now)).await
    }

    /// Keeps extras (a JSON object) or a draft with a conversation on this device, in place of what was there; nothing when
    /// the text is empty. At most [`CONVERSATION_TEXT_BYTES_MAX`](crate::store::CONVERSATION_TEXT_BYTES_MAX).
    pub async fn set_conversation_text(
        &self,
        user: &str,
        chat: &Chat,
        which: ConversationText,
        text: &str,
    ) -> Result<(), RequestError> {
        let (user, chat, text) = (Name::from(user), chat.clone(), text.to_owned());
        self.act(move |session, now| session.set_conversation_text(user, chat, (which, text), now)).await
    }

    /// The extras or the draft of a conversation.
    pub async fn conversation_text(
        &self,
        user: &str,
        chat: &Chat,
        which: ConversationText,
    ) -> Result<Option<String>, StoreError> {
        let (user, chat) = (user.to_owned(), chat.clone());
        self.keeper.ask(move |store| store.conversation_text(&user, &chat, which)).await
    }

    /// The same of all conversations that have some.
    pub async fn conversation_texts(
        &self,
        user: &str,
        which: ConversationText,
    ) -> Result<Vec<(Chat, String)>, StoreError> {
        let user = user.to_owned();
        self.keeper.ask(move |store| store.conversation_texts(&user, which)).await
    }

    /// The oldest messages of a chat above `after` that are stored here, oldest first.
    pub async fn stored_messages_after(
        &self,
        user: &str,
        chat: &Chat,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        let (user, chat) = (user.to_owned(), chat.clone());
        self.keeper.ask(move |store| store.messages_after(&user, &chat, after, limit)).await
    }

    /// One message of a chat, if it is stored here. Its position is also its msg_id.
    pub async fn stored_message(
        &self,
        user: &str,
        chat: &Chat,
        position: Position,
    ) -> Result<Option<Message>, StoreError> {
        let (user, chat) = (user.to_owned(), chat.clone());
        self.keeper.ask(move |store| store.message(&user, &chat, position)).await
    }

    /// A message that the user sends or sent from this device, where it stands now; nothing when it is not here any more, or
    /// was for a chat room and has been sent.
    pub async fn local_message(&self, user: &str, local: LocalId) -> Result<Option<LocalMessage>, StoreError> {
        let found = self.keeper.ask(move |store| store.local_message(local)).await?;
        Ok(found.filter(|message| message.user() == user))
    }
}
