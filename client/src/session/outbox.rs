//! Messages that the server has not answered: their numbers, their order, their repeats.
//!
//! Rules:
//! - An entry is on disk, with its number, before its frame is first written to a link.
//! - On a link the numbers of a user's entries go out in their order; after each login all that are unanswered go again.
//! - After a passing refusal the chat is *recovering*: its messages go one at a time, oldest first, until all that were
//!   refused are through. So order within the chat holds without any help from the server.
//! - What was refused for good is kept apart, the newest [`FAILED_KEPT`]; sent again it is the same message for the
//!   application, and a new one with a new number for the server.

use std::collections::BTreeMap;
use std::time::Duration;

use anser_protocol::content::Content;
use anser_protocol::frame::ClientFrame;
use anser_protocol::frame::chat::Send;
use anser_protocol::frame::room::RoomSend;
use anser_protocol::ids::OutboxNumber;
use anser_protocol::names::{Chat, Name};
use anser_protocol::planted::{Fault, is_planted};

use super::action::{CancelError, SendState};
use super::backoff::Backoff;
use super::random::Random;
use crate::store::{FAILED_KEPT, LocalId, OutboxEntry};

/// Unanswered messages on one link.
const IN_FLIGHT_MAX: usize = 256;
/// Unanswered messages in all.
pub(crate) const WAITING_MAX: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// In the order of the application's calls and of the numbers.
    entries: BTreeMap<Turn, Item>,
    turn_by_local: BTreeMap<LocalId, Turn>,
    local_by_number: BTreeMap<OutboxNumber, LocalId>,
    /// Refused for good.
    failed: BTreeMap<LocalId, OutboxEntry>,
    turn_next: Turn,
    local_next: LocalId,
    number_next: OutboxNumber,
    in_flight: usize,
    /// Chats with refused messages.
    recovering: BTreeMap<Chat, Recovery>,
    /// No entry below this can be sent now: where the search for the next one begins.
    search_from: Turn,
}

/// When a message's turn to be sent is, among all that wait.
type Turn = u64;

#[derive(Debug)]
struct Item {
    entry: OutboxEntry,
    is_stored: bool,
    is_in_flight: bool,
    was_refused: bool,
    /// It came back from the log: the application knows, but the server still waits for it, or for its repeat.
    is_told: bool,
    /// It may have reached the server: on this link, on an earlier one, or before this session began.
    was_written: bool,
}

#[derive(Debug)]
struct Recovery {
    backoff: Backoff,
    until: Duration,
    in_flight: usize,
}

impl Outbox {
    pub(crate) fn load(
        mut entries: Vec<OutboxEntry>,
        failed: Vec<OutboxEntry>,
        local_next: LocalId,
        number_next: OutboxNumber,
    ) -> Self {
        let number_next = if is_planted(Fault::OutboxRestart) { 1 } else { number_next.max(1) };
        let mut outbox = Self { local_next, number_next, ..Self::default() };
        let after = failed.last().map_or(0, |entry| entry.local.0 + 1);
        outbox.local_next = outbox.local_next.max(LocalId(after));
        outbox.failed = failed.into_iter().map(|entry| (entry.local, entry)).collect();
        // One that is sent again has a lower local id than what was called for before it.
        entries.sort_by_key(|entry| (entry.number.is_none(), entry.number, entry.local));
        for entry in entries {
            outbox.local_next = outbox.local_next.max(LocalId(entry.local.0 + 1));
            if let Some(number) = entry.number {
                outbox.local_by_number.insert(number, entry.local);
            }
            let was_written = entry.number.is_some();
            let item = Item { is_stored: true, was_written, ..Item::new(entry) };
            outbox.insert(item);
        }
        outbox
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() >= WAITING_MAX
    }

    /// Something is on its way and not answered.
    pub(crate) fn owes_answers(&self) -> bool {
        self.in_flight > 0
    }

    /// The server has seen numbers up to `head` from this device.
    pub(crate) fn handle_head(&mut self, head: OutboxNumber) {
        if !is_planted(Fault::OutboxRestart) {
            self.number_next = self.number_next.max(head.saturating_add(1));
        }
    }

    /// Takes a message over. It gets its number at once when the link says which are free.
    pub(crate) fn push(
        &mut self,
        user: Name,
        (chat, is_room): (Chat, bool),
        content: Content,
        is_head_known: bool,
    ) -> OutboxEntry {
        let local = self.local_next;
        self.local_next = LocalId(local.0 + 1);
        self.take_over(OutboxEntry { local, number: None, user, chat, is_room, content }, is_head_known)
    }

    /// Takes a message of this user that was refused for good over once more.
    pub(crate) fn push_again(&mut self, user: &str, local: LocalId, is_head_known: bool) -> Option<OutboxEntry> {
        self.failed.get(&local).filter(|entry| &*entry.user == user)?;
        let entry = self.failed.remove(&local)?;
        Some(self.take_over(OutboxEntry { number: None, ..entry }, is_head_known))
    }

    /// Keeps a message that was refused for good.
    pub(crate) fn keep_failed(&mut self, entry: OutboxEntry) {
        self.failed.insert(entry.local, entry);
        if self.failed.len() > FAILED_KEPT {
            self.failed.pop_first();
        }
    }

    /// Was there such a one?
    pub(crate) fn forget_failed(&mut self, local: LocalId) -> bool {
        self.failed.remove(&local).is_some()
    }

    /// Lets all of the user's messages to the chat go that were refused for good; answers which.
    pub(crate) fn forget_failed_of(&mut self, user: &str, chat: &Chat) -> Vec<LocalId> {
        let is_of_chat = |entry: &OutboxEntry| &*entry.user == user && entry.chat == *chat && !entry.is_room;
        self.failed.extract_if(.., |_, entry| is_of_chat(entry)).map(|(local, _)| local).collect()
    }

    fn take_over(&mut self, entry: OutboxEntry, is_head_known: bool) -> OutboxEntry {
        let local = entry.local;
        // A number must not overtake an entry that still waits for its own.
        let may_number =
            is_head_known && self.entries.values().next_back().is_none_or(|item| item.entry.number.is_some());
        let number = may_number.then(|| self.take_number(local));
        let entry = OutboxEntry { number, ..entry };
        self.insert(Item::new(entry.clone()));
        entry
    }

    fn insert(&mut self, item: Item) {
        let turn = self.turn_next;
        self.turn_next += 1;
        self.turn_by_local.insert(item.entry.local, turn);
        self.entries.insert(turn, item);
    }

    fn item(&mut self, local: LocalId) -> Option<&mut Item> {
        self.entries.get_mut(self.turn_by_local.get(&local)?)
    }

    /// Numbers the entries that have none; they are to be stored before they are sent.
    pub(crate) fn number_all(&mut self) -> Vec<OutboxEntry> {
        let waiting = self.entries.values().filter(|item| item.entry.number.is_none());
        let waiting: Vec<LocalId> = waiting.map(|item| item.entry.local).collect();
        let mut numbered = Vec::with_capacity(waiting.len());
        for local in waiting {
            let number = self.take_number(local);
            if let Some(item) = self.item(local) {
                item.entry.number = Some(number);
                item.is_stored = false;
                numbered.push(item.entry.clone());
            }
        }
        numbered
    }

    /// The entry is on disk as it is now.
    pub(crate) fn handle_stored(&mut self, local: LocalId, number: Option<OutboxNumber>) {
        if let Some(turn) = self.turn_by_local.get(&local).copied()
            && let Some(item) = self.entries.get_mut(&turn).filter(|item| item.entry.number == number)
        {
            item.is_stored = true;
            self.search_from = self.search_from.min(turn);
        }
    }

    /// The link or the login is over: what is unanswered will go again.
    pub(crate) fn handle_unlinked(&mut self) {
        self.entries.retain(|_, item| !item.is_told);
        self.turn_by_local.retain(|_, turn| self.entries.contains_key(turn));
        self.local_by_number.retain(|_, local| self.turn_by_local.contains_key(local));
        for item in self.entries.values_mut() {
            item.is_in_flight = false;
            item.was_refused = false;
        }
        self.recovering.clear();
        self.in_flight = 0;
        self.search_from = 0;
    }

    /// The next message of `user` to write to the link.
    pub(crate) fn next_to_send(&mut self, user: &str, now: Duration) -> Option<ClientFrame> {
        if self.in_flight >= IN_FLIGHT_MAX {
            return None;
        }
        let turn = self.find_ready(user, now)?;
        let item = self.entries.get_mut(&turn)?;
        item.is_in_flight = true;
        item.was_written = true;
        self.in_flight += 1;
        if let Some(recovery) = self.recovering.get_mut(&item.entry.chat) {
            recovery.in_flight += 1;
        }
        let outbox = item.entry.number?;
        let content = item.entry.content.clone();
        Some(match item.entry.room() {
            Some(room) => ClientFrame::RoomSend(RoomSend { outbox, room, content }),
            None => ClientFrame::Send(Send { outbox, chat: item.entry.chat.clone(), content }),
        })
    }

    fn find_ready(&mut self, user: &str, now: Duration) -> Option<Turn> {
        let mut is_prefix = true;
        for (turn, item) in self.entries.range(self.search_from..) {
            if item.is_in_flight || &*item.entry.user != user {
                continue;
            }
            if !item.is_stored || item.entry.number.is_none() {
                // Later ones have higher numbers and must not overtake this one.
                break;
            }
            match self.recovering.get(&item.entry.chat) {
                Some(recovery) if recovery.in_flight > 0 || now < recovery.until => is_prefix = false,
                _ => {
                    if is_prefix {
                        self.search_from = *turn;
                    }
                    return Some(*turn);
                }
            }
        }
        None
    }

    /// The message came back from the log. Nothing when the application knows. Once it was written to this link it stays
    /// until the server has answered: after a passing refusal the server waits for its repeat before it takes others.
    pub(crate) fn handle_own_record(&mut self, number: OutboxNumber) -> Option<OutboxEntry> {
        let local = *self.local_by_number.get(&number)?;
        let item = self.item(local)?;
        if !item.is_in_flight && !item.was_refused {
            return self.handle_answered(number);
        }
        let was_told = std::mem::replace(&mut item.is_told, true);
        (!was_told).then(|| item.entry.clone())
    }

    /// The server has the message. Nothing when it is no longer waited for, or the application knows.
    pub(crate) fn handle_answered(&mut self, number: OutboxNumber) -> Option<OutboxEntry> {
        let Item { entry, is_told, .. } = self.remove(number)?;
        let still_refused = |item: &Item| item.was_refused && item.entry.chat == entry.chat;
        if self.recovering.contains_key(&entry.chat) && !self.entries.values().any(still_refused) {
            self.recovering.remove(&entry.chat);
            self.search_from = 0;
        } else if let Some(recovery) = self.recovering.get_mut(&entry.chat) {
            recovery.backoff.reset();
            recovery.until = Duration::ZERO;
        }
        (!is_told).then_some(entry)
    }

    /// The server will never take the message.
    pub(crate) fn handle_refused_for_good(&mut self, number: OutboxNumber) -> Option<OutboxEntry> {
        self.handle_answered(number)
    }

    /// The server may take the message later.
    pub(crate) fn handle_refused_for_now(&mut self, number: OutboxNumber, random: &mut Random, now: Duration) {
        let Some(local) = self.local_by_number.get(&number).copied() else { return };
        let Some(item) = self.item(local) else { return };
        if !item.is_in_flight {
            return;
        }
        item.is_in_flight = false;
        item.was_refused = true;
        let chat = item.entry.chat.clone();
        self.in_flight -= 1;
        self.search_from = 0;
        if let Some(recovery) = self.recovering.get_mut(&chat) {
            recovery.in_flight = recovery.in_flight.saturating_sub(1);
            recovery.until = recovery.until.max(now + recovery.backoff.next_wait(random));
            return;
        }
        let mut backoff = Backoff::default();
        let until = now + backoff.next_wait(random);
        let in_flight = self.entries.values().filter(|item| item.is_in_flight && item.entry.chat == chat).count();
        self.recovering.insert(chat, Recovery { backoff, until, in_flight });
    }

    /// Drops a message that no link has seen.
    pub(crate) fn cancel(&mut self, local: LocalId) -> Result<OutboxEntry, CancelError> {
        let item = self.item(local).ok_or(CancelError::Unknown)?;
        if item.was_written {
            return Err(CancelError::TooLate);
        }
        if let Some(number) = item.entry.number {
            self.local_by_number.remove(&number);
        }
        let turn = self.turn_by_local.remove(&local).ok_or(CancelError::Unknown)?;
        self.entries.remove(&turn).map(|item| item.entry).ok_or(CancelError::Unknown)
    }

    pub(crate) fn state(&self, local: LocalId) -> Option<SendState> {
        let item = self.entries.get(self.turn_by_local.get(&local)?).filter(|item| !item.is_told)?;
        Some(match item {
            Item { was_refused: true, is_in_flight: false, .. } => SendState::PutOff,
            Item { was_written: true, .. } => SendState::OnItsWay,
            _ => SendState::Waiting,
        })
    }

    /// When a recovering chat is to be tried again.
    pub(crate) fn deadline(&self, now: Duration) -> Option<Duration> {
        self.recovering.values().map(|recovery| recovery.until).filter(|until| *until > now).min()
    }

    fn take_number(&mut self, local: LocalId) -> OutboxNumber {
        let number = self.number_next;
        self.number_next += 1;
        self.local_by_number.insert(number, local);
        number
    }

    fn remove(&mut self, number: OutboxNumber) -> Option<Item> {
        let local = self.local_by_number.remove(&number)?;
        let turn = self.turn_by_local.remove(&local)?;
        let item = self.entries.remove(&turn)?;
        if item.is_in_flight {
            self.in_flight -= 1;
            if let Some(recovery) = self.recovering.get_mut(&item.entry.chat) {
                recovery.in_flight = recovery.in_flight.saturating_sub(1);
            }
        }
        Some(item)
    }
}

impl Item {
    fn new(entry: OutboxEntry) -> Self {
        Self { entry, is_stored: false, is_in_flight: false, was_refused: false, is_told: false, was_written: false }
    }
}
