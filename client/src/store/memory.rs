//! A store in memory: for simulation, for load generators, and for programs that want no files.
//!
//! Writes can be begun and completed apart from each other, so that a simulator can let a crash fall in between: what was
//! begun and not completed is gone after [`MemoryStore::crash`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::convert::Infallible;
use std::ops::Bound;

use anser_protocol::content::Content;
use anser_protocol::ids::{OutboxNumber, Position};
use anser_protocol::names::{Chat, Name};

use super::amendment::{self, Place, Standing};
use super::local::Held;
use super::reads::Mark;
use super::{
    ConversationRow, ConversationText, DELETED_KEPT, FAILED_KEPT, Hole, Identity, LocalId, LocalMessage, Message,
    NetworkMemory, OutboxEntry, PUSH_IDS_KEPT, PUSHES_KEPT, Push, ReceiptCount, Release, Released, SENT_KEPT, Store,
    StoreError, Stored, StoredUser, Write,
};
use crate::display::Saved;
use crate::session::Ticket;

/// The store; what it holds counts as durable.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    identity: Option<Identity>,
    push_cursor: Option<Position>,
    push_ids: VecDeque<Position>,
    /// By arrival, from 1 on.
    pushes: BTreeMap<u64, Push>,
    arrivals: u64,
    push_stopped: bool,
    display: Saved,
    outbox_next: OutboxNumber,
    local_next: LocalId,
    outbox: BTreeMap<LocalId, OutboxEntry>,
    failed: BTreeMap<LocalId, OutboxEntry>,
    sent: BTreeMap<LocalId, (Name, Chat, Position)>,
    users: BTreeMap<Name, User>,
    networks: BTreeMap<String, NetworkMemory>,
    begun: VecDeque<(Ticket, Vec<Write>)>,
    forgets_released: bool,
}

#[derive(Clone, Debug, Default)]
struct User {
    token: Vec<u8>,
    cursor: Option<Position>,
    chats: BTreeMap<Chat, ChatState>,
    /// Messages that were read, which the server is to be told.
    reads: BTreeSet<Position>,
}

#[derive(Clone, Debug, Default)]
struct ChatState {
    conversation: Option<ConversationRow>,
    holes: Vec<Hole>,
    released: Position,
    /// The newest position that this device did not send itself.
    newest: Position,
    messages: BTreeMap<Position, Message>,
    /// What was told of messages, here or not yet here.
    amendments: BTreeMap<Position, Standing>,
    mark: Mark,
    receipts: BTreeMap<Position, ReceiptCount>,
    /// Everything up to here was deleted.
    cleared: Position,
    /// And above that, these.
    deleted: BTreeSet<Position>,
    texts: BTreeMap<ConversationText, String>,
}

impl MemoryStore {
    /// A store that lets go of what the application has taken: for load generators, whose memory must not grow.
    pub fn forgetful() -> Self {
        Self { forgets_released: true, ..Self::default() }
    }

    /// What a session must know at its start.
    pub fn load(&self) -> Stored {
        Stored {
            identity: self.identity.clone(),
            push_cursor: self.push_cursor,
            push_ids: self.push_ids.iter().copied().collect(),
            pushes_wait: !self.pushes.is_empty(),
            push_stopped: self.push_stopped,
            display: self.display.clone(),
            outbox_next: self.outbox_next.max(1),
            local_next: self.local_next,
            outbox: self.outbox.values().cloned().collect(),
            failed: self.failed.values().cloned().collect(),
            users: self.users.iter().map(|(name, user)| (name.clone(), user.load())).collect(),
            networks: self.networks.clone(),
            ..Stored::default()
        }
    }

    /// Takes the writes of one action; they are durable once [`Self::complete_one`] has answered the ticket.
    pub fn begin(&mut self, ticket: Ticket, writes: Vec<Write>) {
        self.begun.push_back((ticket, writes));
    }

    /// Makes the oldest action that was begun durable.
    pub fn complete_one(&mut self) -> Option<Ticket> {
        let (ticket, writes) = self.begun.pop_front()?;
        self.apply(writes);
        Some(ticket)
    }

    /// The process dies: what was begun and not completed is lost.
    pub fn crash(&mut self) {
        self.begun.clear();
    }

    /// Makes the writes durable at once.
    pub fn apply(&mut self, writes: Vec<Write>) {
        for write in writes {
            self.write(write);
        }
    }

    /// Hands out what may be released and counts it as taken.
    pub fn release(&mut self, release: &Release) -> Vec<Released> {
        match release {
            Release::Messages { user, chat, to } => {
                let forgets = self.forgets_released;
                let Some(state) = self.users.get_mut(user).and_then(|user| user.chats.get_mut(chat)) else {
                    return Vec::new();
                };
                let released = state.release(*to);
                if forgets {
                    state.messages.retain(|position, _| *position > *to);
                    state.amendments.retain(|position, _| *position > *to);
                }
                released
            }
            Release::Pushes => {
                let pushes = std::mem::take(&mut self.pushes).into_iter();
                pushes.map(|(arrival, push)| Released::Push { arrival, push }).collect()
            }
        }
    }

    /// The messages of a chat, oldest first: what a user would see on the screen.
    pub fn messages(&self, user: &str, chat: &Chat) -> Vec<&Message> {
        self.users
            .get(user)
            .and_then(|user| user.chats.get(chat))
            .map_or_else(Vec::new, |state| state.messages.values().collect())
    }

    pub fn conversations(&self, user: &str) -> Vec<ConversationRow> {
        let chats = self.users.get(user).map(|user| user.chats.iter());
        chats.into_iter().flatten().filter_map(|(chat, state)| state.conversation(chat)).collect()
    }

    fn state(&self, user: &str, chat: &Chat) -> Option<&ChatState> {
        self.users.get(user)?.chats.get(chat)
    }

    fn write(&mut self, write: Write) {
        match write {
            Write::Identity(identity) => self.identity = Some(identity),
            Write::Token { user, token } => self.user(user).token = token,
            Write::ChatCursor { user, position } => self.user(user).cursor = Some(position),
            Write::PushStopped(is_stopped) => self.push_stopped = is_stopped,
            Write::Display(change) => self.display.apply(&change),
            Write::PushCursor(position) => self.push_cursor = position,
            Write::Holes { user, chat, holes } => self.chat(user, chat).holes = holes,
            Write::Conversation { user, row } => {
                let state = self.chat(user, row.chat.clone());
                if state.conversation.is_some() || !state.has_deleted(row.last) {
                    state.conversation = Some(row);
                }
            }
            Write::Message(message) if self.forgets_released && message.record.outbox != 0 => {}
            Write::Message(message) => {
                self.chat(message.user.clone(), message.chat.clone()).keep(message);
            }
            Write::Push(push) => self.push(push),
            Write::Outbox(entry) => {
                self.outbox_next = self.outbox_next.max(entry.number.map_or(1, |number| number + 1));
                self.local_next = self.local_next.max(LocalId(entry.local.0 + 1));
                self.failed.remove(&entry.local);
                self.outbox.insert(entry.local, entry);
            }
            Write::OutboxAnswered(local) => {
                self.outbox.remove(&local);
            }
            Write::Sent { .. } if self.forgets_released => {}
            Write::Sent { local, user, chat, position } => {
                self.sent.insert(local, (user, chat, position));
                if self.sent.len() > SENT_KEPT {
                    self.sent.pop_first();
                }
            }
            Write::SendFailed(entry) => {
                self.outbox.remove(&entry.local);
                self.failed.insert(entry.local, entry);
                if self.failed.len() > FAILED_KEPT {
                    self.failed.pop_first();
                }
            }
            Write::FailedForgotten(local) => {
                self.failed.remove(&local);
            }
            Write::Heartbeat { network, transport, memory } => {
                self.networks.entry(network).or_default().heartbeats.insert(transport, memory);
            }
            Write::Winner { network, transport } => {
                self.networks.entry(network).or_default().winner = Some(transport);
            }
            Write::ReadMark { user, chat, position } => self.chat(user, chat).mark.move_to(position),
            Write::MarkKnown { user, chat, position } => self.chat(user, chat).mark.know(position),
            Write::UnreadByHand { user, chat, count } => {
                let state = self.chat(user, chat);
                let newest = state.messages.keys().next_back().copied().unwrap_or_default();
                state.mark.set_by_hand(count, newest);
            }
            Write::MessagesRead { user, messages } => self.user(user).reads.extend(messages),
            Write::ReadsKnown { user, messages } => {
                self.user(user).reads.retain(|message| !messages.contains(message));
            }
            Write::Receipt { user, chat, message, count } => {
                let state = self.chat(user, chat);
                if !state.has_deleted(message) {
                    let known = state.receipts.get(&message).copied();
                    state.receipts.insert(message, ReceiptCount::meet(known, count));
                }
            }
            Write::MessagesDeleted { user, chat, to } => self.delete_messages(user, chat, to),
            Write::MessageDeleted { user, chat, position } => self.chat(user, chat).delete_message(position),
            Write::ConversationDeleted { user, chat } => {
                self.delete_messages(user.clone(), chat.clone(), Position(u64::MAX));
                let state = self.chat(user, chat);
                state.conversation = None;
                state.texts.clear();
            }
            Write::ConversationText { user, chat, which, text } if text.is_empty() => {
                self.chat(user, chat).texts.remove(&which);
            }
            Write::ConversationText { user, chat, which, text } => {
                self.chat(user, chat).texts.insert(which, text);
            }
            Write::MessagesTaken { user, chat, position } => {
                self.release(&Release::Messages { user, chat, to: position });
            }
            Write::PushesTaken { arrival } => self.pushes.retain(|waiting, _| *waiting > arrival),
        }
    }

    fn push(&mut self, push: Push) {
        if self.push_ids.contains(&push.msg_id) {
            return;
        }
        self.push_ids.push_back(push.msg_id);
        if self.push_ids.len() > PUSH_IDS_KEPT {
            self.push_ids.pop_front();
        }
        self.arrivals += 1;
        self.pushes.insert(self.arrivals, push);
        if self.pushes.len() > PUSHES_KEPT {
            self.pushes.pop_first();
        }
    }

    fn delete_messages(&mut self, user: Name, chat: Chat, to: Position) {
        let cursor = self.user(user.clone()).cursor.unwrap_or_default();
        self.chat(user, chat).delete_messages(to, cursor);
    }

    fn user(&mut self, name: Name) -> &mut User {
        self.users.entry(name).or_default()
    }

    fn chat(&mut self, user: Name, chat: Chat) -> &mut ChatState {
        self.user(user).chats.entry(chat).or_default()
    }
}

impl Store for MemoryStore {
    fn load(&self) -> Result<Stored, StoreError> {
        Ok(self.load())
    }

    fn apply(&mut self, writes: Vec<Write>) -> Result<(), StoreError> {
        self.apply(writes);
        Ok(())
    }

    fn waiting(&self, release: &Release, above: u64, limit: usize) -> Result<Vec<Released>, StoreError> {
        Ok(match release {
            Release::Messages { user, chat, to } => {
                let state = self.users.get(user).and_then(|user| user.chats.get(chat));
                state.map_or_else(Vec::new, |state| state.waiting(Position(above), *to).take(limit).collect())
            }
            Release::Pushes => {
                let pushes = self.pushes.range((Bound::Excluded(above), Bound::Unbounded)).take(limit);
                pushes.map(|(arrival, push)| Released::Push { arrival: *arrival, push: push.clone() }).collect()
            }
        })
    }

    fn messages(&self, user: &str, chat: &Chat, before: Position, limit: usize) -> Result<Vec<Message>, StoreError> {
        let state = self.state(user, chat);
        Ok(state.map_or_else(Vec::new, |state| state.messages.range(..before).rev().take(limit).map(cloned).collect()))
    }

    fn messages_after(
        &self,
        user: &str,
        chat: &Chat,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        let state = self.state(user, chat);
        let above = (Bound::Excluded(after), Bound::Unbounded);
        Ok(state.map_or_else(Vec::new, |state| state.messages.range(above).take(limit).map(cloned).collect()))
    }

    fn message(&self, user: &str, chat: &Chat, position: Position) -> Result<Option<Message>, StoreError> {
        Ok(self.state(user, chat).and_then(|state| state.messages.get(&position).cloned()))
    }

    fn local_message(&self, local: LocalId) -> Result<Option<LocalMessage>, StoreError> {
        if let Some(entry) = self.outbox.get(&local) {
            return Ok(Some(LocalMessage::Waiting(entry.clone())));
        }
        if let Some(entry) = self.failed.get(&local) {
            return Ok(Some(LocalMessage::Failed(entry.clone())));
        }
        let Some((user, chat, position)) = self.sent.get(&local) else { return Ok(None) };
        Ok(self.message(user, chat, *position)?.map(LocalMessage::Sent))
    }

    fn conversation_text(
        &self,
        user: &str,
        chat: &Chat,
        which: ConversationText,
    ) -> Result<Option<String>, StoreError> {
        Ok(self.state(user, chat).and_then(|state| state.texts.get(&which).cloned()))
    }

    fn conversation_texts(&self, user: &str, which: ConversationText) -> Result<Vec<(Chat, String)>, StoreError> {
        let chats = self.users.get(user).map(|user| user.chats.iter()).into_iter().flatten();
        Ok(chats.filter_map(|(chat, state)| Some((chat.clone(), state.texts.get(&which)?.clone()))).collect())
    }

    fn conversations(&self, user: &str) -> Result<Vec<ConversationRow>, StoreError> {
        let mut rows = self.conversations(user);
        rows.sort_by_key(|row| std::cmp::Reverse(row.last));
        Ok(rows)
    }

    fn unread(&self, user: &str, chat: &Chat) -> Result<u32, StoreError> {
        let state = self.users.get(user).and_then(|user| user.chats.get(chat));
        Ok(state.map_or(0, |state| state.unread(user)))
    }

    fn unread_chats(&self, user: &str) -> Result<Vec<(Chat, u32)>, StoreError> {
        let chats = self.users.get(user).map(|user| user.chats.iter()).into_iter().flatten();
        let counted = chats.map(|(chat, state)| (chat.clone(), state.unread(user)));
        Ok(counted.filter(|(_, unread)| *unread > 0).collect())
    }

    fn receipt(&self, user: &str, chat: &Chat, message: Position) -> Result<Option<ReceiptCount>, StoreError> {
        let state = self.users.get(user).and_then(|user| user.chats.get(chat));
        Ok(state.and_then(|state| state.receipts.get(&message).copied()))
    }
}

fn cloned((_, message): (&Position, &Message)) -> Message {
    message.clone()
}

impl Place for ChatState {
    type Error = Infallible;

    fn content(&self, position: Position) -> Result<Option<Content>, Infallible> {
        Ok(self.messages.get(&position).map(|message| message.record.content.clone()))
    }

    fn replace(&mut self, position: Position, content: Content) -> Result<(), Infallible> {
        if let Some(message) = self.messages.get_mut(&position) {
            message.record.content = content;
        }
        Ok(())
    }

    fn standing(&self, position: Position) -> Result<Option<Standing>, Infallible> {
        Ok(self.amendments.get(&position).cloned())
    }

    fn put_standing(&mut self, position: Position, standing: Standing) -> Result<(), Infallible> {
        self.amendments.insert(position, standing);
        Ok(())
    }

    fn is_deleted(&self, position: Position) -> Result<bool, Infallible> {
        Ok(self.has_deleted(position))
    }
}

impl User {
    fn load(&self) -> StoredUser {
        let chats = self.chats.iter();
        StoredUser {
            token: self.token.clone(),
            cursor: self.cursor,
            holes: chats
                .clone()
                .filter(|(_, state)| !state.holes.is_empty())
                .map(|(chat, state)| (chat.clone(), state.holes.clone()))
                .collect(),
            newest: chats
                .clone()
                .filter_map(|(chat, state)| Some((chat.clone(), state.newest_of_interest()?)))
                .collect(),
            marks: chats.filter_map(|(chat, state)| Some((chat.clone(), state.mark.pending()?))).collect(),
            reads: self.reads.iter().copied().collect(),
        }
    }
}

impl ChatState {
    fn keep(&mut self, mut message: Message) {
        let position = message.record.position;
        if !self.messages.contains_key(&position) && !self.has_deleted(position) {
            // Own sends are answered ahead of what others sent before them: they say nothing of how far the chat is known.
            if message.record.outbox == 0 {
                self.newest = self.newest.max(position);
            }
            let Ok(content) = amendment::receive(self, &message.record);
            message.record.content = content;
            self.messages.insert(position, message);
        }
    }

    fn unread(&self, user: &str) -> u32 {
        let mut count = self.mark.count();
        let above = (Bound::Excluded(self.mark.counted_above()), Bound::Unbounded);
        for message in self.messages.range(above).map(|(_, message)| message) {
            count.add(user, &message.record.from, &message.record.content);
        }
        count.total()
    }

    fn newest_of_interest(&self) -> Option<Position> {
        let is_of_interest = self.newest > self.released || !self.holes.is_empty();
        (is_of_interest && self.newest > Position::START).then_some(self.newest)
    }

    fn conversation(&self, chat: &Chat) -> Option<ConversationRow> {
        let newest = self.messages.keys().next_back().copied();
        match (&self.conversation, newest) {
            (Some(row), newest) => {
                Some(ConversationRow { last: row.last.max(newest.unwrap_or_default()), ..row.clone() })
            }
            (None, Some(newest)) => Some(ConversationRow::of_messages(chat.clone(), newest, self.mark.read)),
            (None, None) => None,
        }
    }

    fn has_deleted(&self, position: Position) -> bool {
        position <= self.cleared || self.deleted.contains(&position)
    }

    fn held(&self, cursor: Position) -> Held {
        let newest = self.messages.keys().next_back().copied().unwrap_or_default();
        Held { newest, newest_of_others: self.newest, taken: self.released, cursor }
    }

    fn delete_messages(&mut self, to: Position, cursor: Position) {
        let deletion = self.held(cursor).delete_to(to);
        let gone: Vec<Position> = self.messages.range(..=deletion.to).map(|(position, _)| *position).collect();
        for position in &gone {
            self.remove(*position);
        }
        self.cleared = self.cleared.max(deletion.below);
        self.released = self.released.max(self.cleared);
        let cleared = self.cleared;
        self.deleted.extend(gone);
        self.deleted.retain(|position| *position > cleared);
        self.bound_deleted();
        self.amendments.retain(|position, _| *position > cleared);
        self.receipts.retain(|position, _| *position > cleared);
        if deletion.is_all {
            self.mark.forget_by_hand();
        }
    }

    fn delete_message(&mut self, position: Position) {
        // One that is not known yet would be lost when it comes.
        if position <= self.held(Position::START).top() && !self.has_deleted(position) {
            let Ok(()) = amendment::forget(self, position);
            self.remove(position);
            self.deleted.insert(position);
            self.bound_deleted();
        }
    }

    fn remove(&mut self, position: Position) {
        self.messages.remove(&position);
        self.amendments.remove(&position);
        self.receipts.remove(&position);
    }

    fn bound_deleted(&mut self) {
        while self.deleted.len() > DELETED_KEPT {
            self.deleted.pop_first();
        }
    }

    fn release(&mut self, to: Position) -> Vec<Released> {
        let taken = self.waiting(self.released, to).collect();
        self.released = self.released.max(to);
        taken
    }

    fn waiting(&self, above: Position, to: Position) -> impl Iterator<Item = Released> {
        let above = above.max(self.released);
        // A map does not take a range whose ends are crossed.
        let messages = self.messages.range((Bound::Excluded(above), Bound::Included(to.max(Position(above.0 + 1)))));
        let messages = messages.map(|(_, message)| message).filter(move |message| message.record.position <= to);
        messages.filter(|message| message.record.outbox == 0).cloned().map(Released::Message)
    }
}
