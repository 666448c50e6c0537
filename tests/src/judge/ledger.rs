//! The judge's book: chains, their messages and members, and what each member received.
//!
//! It is kept as the run goes on, so that a test can ask at any time whether all that must arrive has arrived
//! ([`Judge::outstanding`]), at the cost of a few lookups for an event. 100,000 messages to 50 receivers take seconds.

use std::collections::{BTreeMap, HashMap};

use super::event::{At, Event, Order};
use super::order;
use super::verdict::{Kind, Verdict};

/// See the [module](super).
#[derive(Debug, Default)]
pub struct Judge {
    chains: Vec<Chain>,
    chain_numbers_by_name: HashMap<String, usize>,
    last: At,
    in_fault: bool,
    outstanding: u64,
    /// Counts and what is found as the events come; the rest is found at the end.
    found: Verdict,
}

#[derive(Debug)]
struct Chain {
    name: String,
    order: Order,
    /// In the order in which they were sent.
    messages: Vec<Message>,
    message_numbers_by_key: HashMap<Box<str>, u32>,
    message_numbers_by_id: HashMap<u64, u32>,
    lane_numbers_by_name: HashMap<Box<str>, u32>,
    members: BTreeMap<String, Member>,
}

#[derive(Debug)]
pub(super) struct Message {
    pub key: Box<str>,
    from: Box<str>,
    pub lane: Option<u32>,
    pub sent: At,
    pub answered: Option<At>,
    /// The answer came outside of a fault.
    counts: bool,
    refused: bool,
    id: Option<u64>,
}

#[derive(Debug, Default)]
struct Member {
    windows: Vec<Window>,
    /// Message numbers as they arrived, each once.
    received: Vec<u32>,
    /// One bit for each message number.
    seen: Vec<u64>,
}

/// A time in the chain. What falls between `joining` and `joined`, or `leaving` and `left`, may arrive or not.
#[derive(Debug)]
struct Window {
    joining: At,
    joined: Option<At>,
    leaving: Option<At>,
    left: Option<At>,
}

impl Judge {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes note of one event.
    ///
    /// # Panics
    ///
    /// When the recording contradicts itself: stamps running backwards, a message sent twice under one key, an answer
    /// to what was not sent. Then the test is wrong, and no verdict would mean anything.
    pub fn record(&mut self, event: &Event) {
        assert!(event.at() >= self.last, "events must be recorded in the order of their stamps");
        self.last = event.at();
        match event {
            Event::Chain { chain, order, .. } => self.add_chain(chain, *order),
            Event::Joining { at, chain, receiver } => self.chain(chain).open_window(*at, receiver),
            Event::Joined { at, chain, receiver } => self.chain(chain).newest_window(receiver).joined = Some(*at),
            Event::Leaving { at, chain, receiver } => self.chain(chain).newest_window(receiver).leaving = Some(*at),
            Event::Left { at, chain, receiver } => self.chain(chain).newest_window(receiver).left = Some(*at),
            Event::Sent { at, chain, message, from, lane } => self.on_sent(*at, chain, message, from, lane.as_deref()),
            Event::SentAgain { chain, message, of, .. } => {
                self.found.sent += 1;
                self.chain(chain).send_again(message, of);
            }
            Event::Answered { at, chain, message, id } => self.on_answered(*at, chain, message, *id),
            Event::Refused { chain, message, .. } => self.chain(chain).message_mut(message).refused = true,
            Event::Received { chain, message, receiver, id, .. } => self.on_received(chain, message, receiver, *id),
            Event::FaultBegins { .. } => {
                self.in_fault = true;
                self.found.faults += 1;
            }
            Event::FaultEnds { .. } => self.in_fault = false,
        }
    }

    /// How many deliveries are still to come before everything that must arrive has arrived.
    pub fn outstanding(&self) -> u64 {
        self.outstanding
    }

    /// Answers that count so far.
    pub fn answered(&self) -> u64 {
        self.found.answered
    }

    /// Judges all that was recorded; whatever is outstanding now is lost.
    pub fn verdict(self) -> Verdict {
        let mut verdict = self.found;
        for chain in &self.chains {
            chain.judge(&mut verdict);
        }
        verdict
    }

    fn add_chain(&mut self, name: &str, order: Order) {
        let number = self.chains.len();
        let previous = self.chain_numbers_by_name.insert(name.to_owned(), number);
        assert!(previous.is_none(), "chain {name} was announced twice");
        self.chains.push(Chain::new(name, order));
    }

    fn chain(&mut self, name: &str) -> &mut Chain {
        match self.chain_numbers_by_name.get(name) {
            Some(&number) => &mut self.chains[number],
            None => panic!("chain {name} was not announced"),
        }
    }

    fn on_sent(&mut self, at: At, chain: &str, message: &str, from: &str, lane: Option<&str>) {
        self.found.sent += 1;
        self.chain(chain).send(at, message, from, lane);
    }

    fn on_answered(&mut self, at: At, chain: &str, key: &str, id: u64) {
        let counts = !self.in_fault;
        let chain = self.chain(chain);
        let number = chain.number_of(key);
        let clash = chain.learn_id(number, id).map(|why| (chain.name.clone(), format!("the answer {why}")));
        let message = &mut chain.messages[number as usize];
        let from = message.from.clone();
        let is_first = message.answered.is_none();
        let mut missing = 0;
        if is_first {
            message.answered = Some(at);
            message.counts = counts;
            missing = chain.members.iter().filter(|(name, member)| chain.is_missing(number, name, member)).count();
        }
        self.outstanding += missing as u64;
        self.found.answered += u64::from(is_first && counts);
        self.found.answered_in_fault += u64::from(is_first && !counts);
        if let Some((chain, why)) = clash {
            self.found.find(Kind::Unexpected, &chain, &from, key, why);
        }
    }

    fn on_received(&mut self, chain: &str, key: &str, receiver: &str, id: Option<u64>) {
        let Some(&chain_number) = self.chain_numbers_by_name.get(chain) else {
            let why = "there is no such chain".to_owned();
            return self.found.find(Kind::Unexpected, chain, receiver, key, why);
        };
        let chain = &mut self.chains[chain_number];
        let Some(&number) = chain.message_numbers_by_key.get(key) else {
            let why = "nobody had sent it".to_owned();
            return self.found.find(Kind::Unexpected, &chain.name, receiver, key, why);
        };
        if let Some(why) = id.and_then(|id| chain.learn_id(number, id)) {
            self.found.find(Kind::Unexpected, &chain.name, receiver, key, format!("it {why}"));
        }
        let Some(member) = chain.members.get(receiver) else {
            let why = "the application is not in the chain".to_owned();
            return self.found.find(Kind::Unexpected, &chain.name, receiver, key, why);
        };
        if member.has(number) {
            let why = "it was received before".to_owned();
            return self.found.find(Kind::Doubled, &chain.name, receiver, key, why);
        }
        if chain.is_missing(number, receiver, member) {
            self.outstanding -= 1;
        }
        if let Some(member) = chain.members.get_mut(receiver) {
            member.take(number);
        }
    }
}

impl Chain {
    fn new(name: &str, order: Order) -> Self {
        Self {
            name: name.to_owned(),
            order,
            messages: Vec::new(),
            message_numbers_by_key: HashMap::new(),
            message_numbers_by_id: HashMap::new(),
            lane_numbers_by_name: HashMap::new(),
            members: BTreeMap::new(),
        }
    }

    fn open_window(&mut self, at: At, receiver: &str) {
        let window = Window { joining: at, joined: None, leaving: None, left: None };
        self.members.entry(receiver.to_owned()).or_default().windows.push(window);
    }

    fn newest_window(&mut self, receiver: &str) -> &mut Window {
        match self.members.get_mut(receiver).and_then(|member| member.windows.last_mut()) {
            Some(window) => window,
            None => panic!("{receiver} never began to join chain {}", self.name),
        }
    }

    fn send(&mut self, at: At, key: &str, from: &str, lane: Option<&str>) {
        let number = u32::try_from(self.messages.len()).expect("a run sends less than 2^32 messages");
        let lanes = u32::try_from(self.lane_numbers_by_name.len()).expect("there are no more lanes than messages");
        let lane = lane.map(|lane| *self.lane_numbers_by_name.entry(lane.into()).or_insert(lanes));
        let previous = self.message_numbers_by_key.insert(key.into(), number);
        assert!(previous.is_none(), "message {key} of chain {} was sent twice by the test", self.name);
        self.messages.push(Message {
            key: key.into(),
            from: from.into(),
            lane,
            sent: at,
            answered: None,
            counts: false,
            refused: false,
            id: None,
        });
    }

    fn send_again(&mut self, key: &str, of: &str) {
        let original = &self.messages[self.number_of(of) as usize];
        let (sent, from) = (original.sent, original.from.clone());
        self.send(sent, key, &from, None);
    }

    fn number_of(&self, key: &str) -> u32 {
        match self.message_numbers_by_key.get(key) {
            Some(&number) => number,
            None => panic!("message {key} of chain {} was answered but not sent", self.name),
        }
    }

    fn message_mut(&mut self, key: &str) -> &mut Message {
        let number = self.number_of(key);
        &mut self.messages[number as usize]
    }

    /// Ties the daemon's id to the message; says what is wrong when either is tied already.
    fn learn_id(&mut self, number: u32, id: u64) -> Option<String> {
        let holder = *self.message_numbers_by_id.entry(id).or_insert(number);
        if holder != number {
            return Some(format!("carries id {id}, which message {} has", self.messages[holder as usize].key));
        }
        let known = *self.messages[number as usize].id.get_or_insert(id);
        (known != id).then(|| format!("carries id {id}, but it was known as {known}"))
    }

    /// Must the member receive it, and has not?
    fn is_missing(&self, number: u32, name: &str, member: &Member) -> bool {
        !member.has(number) && member.must_receive(&self.messages[number as usize], name)
    }

    fn judge(&self, verdict: &mut Verdict) {
        for (name, member) in &self.members {
            self.judge_member(name, member, verdict);
        }
        if self.order == Order::Ordered {
            self.judge_order(verdict);
        }
    }

    fn judge_member(&self, name: &str, member: &Member, verdict: &mut Verdict) {
        let row = verdict.row(&self.name, name);
        row.received = member.received.len() as u64;
        row.required = self.messages.iter().filter(|message| member.must_receive(message, name)).count() as u64;
        for (number, message) in (0u32..).zip(&self.messages) {
            if self.is_missing(number, name, member) {
                let why = "it was answered and never arrived".to_owned();
                verdict.find(Kind::Lost, &self.name, name, &message.key, why);
            }
        }
        for &number in &member.received {
            let message = &self.messages[number as usize];
            if let Some(why) = member.why_unexpected(message) {
                verdict.find(Kind::Unexpected, &self.name, name, &message.key, why.to_owned());
            }
        }
    }

    fn judge_order(&self, verdict: &mut Verdict) {
        let sequences: Vec<&[u32]> = self.members.values().map(|member| &member.received[..]).collect();
        let violations = order::judge(&self.messages, &sequences);
        for (name, violations) in self.members.keys().zip(violations) {
            for violation in violations {
                let key = |number: u32| &self.messages[number as usize].key;
                let why = format!("it came after {}, {}", key(violation.after), violation.rule);
                verdict.find(Kind::OutOfOrder, &self.name, name, key(violation.late), why);
            }
        }
    }
}

impl Member {
    fn has(&self, number: u32) -> bool {
        self.seen.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    fn take(&mut self, number: u32) {
        let word = number as usize / 64;
        if self.seen.len() <= word {
            self.seen.resize(word + 1, 0);
        }
        self.seen[word] |= 1 << (number % 64);
        self.received.push(number);
    }

    fn must_receive(&self, message: &Message, name: &str) -> bool {
        let Some(answered) = message.answered.filter(|_| message.counts && *message.from != *name) else {
            return false;
        };
        self.windows.iter().any(|window| {
            window.joined.is_some_and(|joined| joined <= message.sent)
                && window.leaving.is_none_or(|leaving| answered <= leaving)
        })
    }

    fn why_unexpected(&self, message: &Message) -> Option<&'static str> {
        if message.refused && message.answered.is_none() {
            return Some("it was refused for good");
        }
        let may_receive = self.windows.iter().any(|window| {
            window.left.is_none_or(|left| message.sent <= left)
                && message.answered.is_none_or(|answered| answered >= window.joining)
        });
        (!may_receive).then_some("it was sent while the application was not in the chain")
    }
}
