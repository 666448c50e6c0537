//! Tells the judge what the applications did and saw.
//!
//! Chains are named by app and chat, messages by a key that stands at the front of their text, applications by their
//! client. Pushes have a chain each: the devices that it is for.
//!
//! When the server comes back on an older image, what it had handed out since is gone. A message that was still
//! unanswered is then sent again and becomes another message, although its text is the same: it gets another key, once
//! each id that one text is seen under is known.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use anser_protocol::names::Chat;

use super::cast::App;
use crate::judge::{Event, Judge, Order, Verdict};

#[derive(Default)]
pub struct Witness {
    judge: Judge,
    stamp: u64,
    /// By chain and key: the ids that its text was seen under, the first ones first.
    ids: BTreeMap<(String, String), Vec<u64>>,
    /// Positions that were handed out and then lost.
    lost: Vec<RangeInclusive<u64>>,
    /// How often positions had been lost when a text was sent.
    losses: BTreeMap<(String, String), usize>,
    is_in_fault: bool,
    /// The keys of messages that an app server has asked to amend, by id.
    amended: BTreeMap<u64, String>,
}

/// The key that stands at the front of a text.
pub fn key_of(text: &str) -> &str {
    text.split('|').next().unwrap_or(text)
}

/// The chain of a chat, as one of its users sees it.
pub fn chain_of(app: usize, user: &str, chat: &Chat) -> String {
    match chat {
        Chat::User(peer) if user <= &**peer => format!("{app}: {user} and {peer}"),
        Chat::User(peer) => format!("{app}: {peer} and {user}"),
        Chat::Group(group) => format!("{app}: group {group}"),
        Chat::Notices => format!("{app}: notices of {user}"),
    }
}

pub fn push_chain(key: &str) -> String {
    format!("push {key}")
}

impl Witness {
    /// Every chat that the cast can have, with the applications of those who are in it.
    pub fn open_chats(&mut self, index: usize, app: &App) {
        for (first, one) in app.users.iter().enumerate() {
            for other in &app.users[first..] {
                let chain = chain_of(index, &one.name, &Chat::User(other.name.as_str().into()));
                let receivers: BTreeSet<&String> = one.receivers.iter().chain(&other.receivers).collect();
                if receivers.is_empty() {
                    continue;
                }
                self.announce(&chain, Order::Ordered);
                for receiver in receivers {
                    self.join(&chain, receiver);
                }
            }
        }
        for group in &app.groups {
            let chain = chain_of(index, "", &Chat::Group(group.id));
            self.announce(&chain, Order::Ordered);
            for receiver in group.members.iter().flat_map(|user| &app.users[*user].receivers) {
                self.join(&chain, receiver);
            }
        }
    }

    pub fn announce(&mut self, chain: &str, order: Order) {
        self.record(|at| Event::Chain { at, chain: chain.into(), order });
    }

    fn join(&mut self, chain: &str, receiver: &str) {
        self.joining(chain, receiver);
        self.joined(chain, receiver);
    }

    pub fn joining(&mut self, chain: &str, receiver: &str) {
        self.record(|at| Event::Joining { at, chain: chain.into(), receiver: receiver.into() });
    }

    pub fn joined(&mut self, chain: &str, receiver: &str) {
        self.record(|at| Event::Joined { at, chain: chain.into(), receiver: receiver.into() });
    }

    pub fn leaving(&mut self, chain: &str, receiver: &str) {
        self.record(|at| Event::Leaving { at, chain: chain.into(), receiver: receiver.into() });
    }

    pub fn left(&mut self, chain: &str, receiver: &str) {
        self.record(|at| Event::Left { at, chain: chain.into(), receiver: receiver.into() });
    }

    /// `has_outbox`: what the sender sends is ordered as it was handed over.
    pub fn sent(&mut self, chain: &str, key: &str, from: &str, has_outbox: bool) {
        self.losses.insert((chain.into(), key.into()), self.lost.len());
        let lane = has_outbox.then(|| from.to_owned());
        self.record(|at| Event::Sent { at, chain: chain.into(), message: key.into(), from: from.into(), lane });
    }

    pub fn answered(&mut self, chain: &str, key: &str, id: u64) {
        let message = self.version(chain, key, id);
        self.record(|at| Event::Answered { at, chain: chain.into(), message, id });
    }

    /// A refusal after the acceptance was lost does not mean what was received under it.
    pub fn refused(&mut self, chain: &str, key: &str) {
        if self.ids.contains_key(&(chain.to_owned(), key.to_owned())) {
            return;
        }
        self.record(|at| Event::Refused { at, chain: chain.into(), message: key.into() });
    }

    pub fn received(&mut self, chain: &str, key: &str, receiver: &str, id: u64) {
        let message = self.version(chain, key, id);
        let (chain, receiver) = (chain.to_owned(), receiver.to_owned());
        self.record(|at| Event::Received { at, chain, message, receiver, id: Some(id) });
    }

    /// From here on answers do not count: the server will come back without them.
    pub fn fault_begins(&mut self) {
        self.is_in_fault = true;
        self.record(|at| Event::FaultBegins { at });
    }

    pub fn fault_ends(&mut self) {
        self.is_in_fault = false;
        self.record(|at| Event::FaultEnds { at });
    }

    /// The server will not know these positions any more.
    pub fn lose(&mut self, positions: RangeInclusive<u64>) {
        self.lost.push(positions);
    }

    pub fn is_in_fault(&self) -> bool {
        self.is_in_fault
    }

    pub fn outstanding(&self) -> u64 {
        self.judge.outstanding()
    }

    pub fn answered_count(&self) -> u64 {
        self.judge.answered()
    }

    pub fn verdict(self) -> Verdict {
        self.judge.verdict()
    }

    /// An app server asks for another content of the message with this id.
    pub fn amends(&mut self, id: u64, key: &str) {
        self.amended.insert(id, key.to_owned());
    }

    pub fn amended_key(&self, id: u64) -> Option<&str> {
        self.amended.get(&id).map(String::as_str)
    }

    pub fn has_losses(&self) -> bool {
        !self.lost.is_empty()
    }

    pub fn is_lost(&self, id: u64) -> bool {
        self.lost.iter().any(|lost| lost.contains(&id))
    }

    /// The key under which this text counts when it carries this id.
    fn version(&mut self, chain: &str, key: &str, id: u64) -> String {
        let name = (chain.to_owned(), key.to_owned());
        let Some(losses) = self.losses.get(&name).copied() else { return key.into() };
        let known = self.ids.entry(name.clone()).or_default();
        if let Some(version) = known.iter().position(|known| *known == id) {
            return versioned(key, version);
        }
        let is_lost = |id: &u64| self.lost.iter().any(|lost| lost.contains(id));
        // It may have been refused before the loss, while later ones were accepted; of that nobody knows any more. What is
        // accepted now is another message, and stands in no order with what was seen of those.
        if known.is_empty() && !is_lost(&id) {
            known.extend(self.lost[losses..].first().map(|lost| *lost.start()));
        }
        // Of the ids that were never lost there is only one; a second one is for the judge.
        if known.is_empty() || is_lost(&id) || known.iter().all(is_lost) {
            known.push(id);
        }
        let version = known.iter().position(|known| *known == id).unwrap_or_default();
        let message = versioned(key, version);
        if version > 0 {
            self.record(|at| Event::SentAgain { at, chain: name.0, message: message.clone(), of: name.1 });
        }
        message
    }

    /// Stamps are what orders events here, so each has its own.
    fn record(&mut self, event: impl FnOnce(u64) -> Event) {
        self.stamp += 1;
        self.judge.record(&event(self.stamp));
    }
}

fn versioned(key: &str, version: usize) -> String {
    if version == 0 { key.to_owned() } else { format!("{key}, again {version}") }
}
