//! What others put down for one link: answers to its questions, and records to deliver.
//!
//! Holds nothing while nothing waits. Answers are bounded by the questions that a session may have open; deliveries by
//! [`DELIVERIES_MAX`]: when the session does not take them they are dropped, and it is told that it missed something and
//! must read the log.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use anser_protocol::frame::people::ProfileChanged;
use anser_protocol::frame::talk::CommandCame;
use anser_protocol::ids::TimeMs;
use anser_protocol::planted::{Fault, is_planted};
use anser_storage::ids::UserNumber;
use anser_storage::outcome::{Appended, Route};

use super::session::{Input, Missed, Recipient};

/// Live copies that wait for a session.
const DELIVERIES_MAX: usize = 64;
/// Pushes without lifetime that wait: they are in no catch-up, so they have a lane of their own.
const LIVE_ONLY_MAX: usize = 16;
/// What happens in chat rooms, which must not push out the user's chats; who misses some of it gets the latest.
const ROOM_NEWS_MAX: usize = 64;

/// What is never stored and waits: transparent commands, and that profiles changed. What comes on top of it is for nobody.
const COMMANDS_MAX: usize = 32;
/// Above so many of them nobody is told of a profile: commands need the room.
const COMMANDS_BESIDE_PROFILES_MAX: usize = COMMANDS_MAX / 2;

/// Answers that wait for a session: to all that it may have asked, and a few words of the daemon's own.
const INPUTS_MAX: usize = 80;

/// A record on its way to one session.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub recipient: Recipient,
    pub appended: Arc<Appended>,
}

impl Delivery {
    /// A push without lifetime is never read from the log.
    fn is_live_only(&self) -> bool {
        match &self.appended.route {
            Route::Devices { push, .. } | Route::Broadcast { push, .. } => push.expires_ms <= self.appended.at_ms,
            Route::Single { .. }
            | Route::Group { .. }
            | Route::Notice { .. }
            | Route::Read { .. }
            | Route::Receipts { .. }
            | Route::Withdrawn { .. }
            | Route::Room { .. } => false,
        }
    }

    fn is_of_room(&self) -> bool {
        matches!(self.appended.route, Route::Room { .. })
    }
}

#[derive(Debug, Default)]
pub struct Mailbox {
    contents: Mutex<Contents>,
    /// When the link must look at the time, in milliseconds since 1970.
    deadline_ms: AtomicU64,
}

#[derive(Debug, Default)]
struct Contents {
    /// Nothing while nothing waits.
    queues: Option<Box<Queues>>,
    missed: Missed,
    waker: Option<Waker>,
    /// The link is gone: nothing is taken any more.
    is_closed: bool,
}

#[derive(Debug, Default)]
struct Queues {
    inputs: VecDeque<Input>,
    deliveries: VecDeque<Delivery>,
    live_only: VecDeque<Delivery>,
    rooms: VecDeque<Delivery>,
    commands: VecDeque<(UserNumber, Passing)>,
}

impl Mailbox {
    pub fn put_input(&self, input: Input) {
        let mut contents = self.lock();
        if !contents.is_closed {
            contents.queues().inputs.push_back(input);
            contents.wake();
        }
    }

    /// Does it wait here that a command was not carried out? Until the session knows, what is submitted could overtake
    /// what must be repeated.
    pub fn holds_failure(&self) -> bool {
        self.lock()
            .queues
            .iter()
            .flat_map(|queues| &queues.inputs)
            .any(|input| matches!(input, Input::Outcome(_, Err(_))))
    }

    pub fn put_delivery(&self, delivery: Delivery) {
        let mut contents = self.lock();
        if contents.is_closed {
            return;
        }
        let queues = contents.queues();
        if delivery.is_live_only() {
            if queues.live_only.len() < LIVE_ONLY_MAX {
                queues.live_only.push_back(delivery);
            }
        } else if delivery.is_of_room() {
            if queues.rooms.len() < ROOM_NEWS_MAX {
                queues.rooms.push_back(delivery);
            } else {
                queues.rooms = VecDeque::new();
                contents.missed.rooms = true;
            }
        } else if queues.deliveries.len() < DELIVERIES_MAX {
            queues.deliveries.push_back(delivery);
        } else {
            contents.miss_deliveries();
            contents.note_missed(&delivery);
        }
        contents.wake();
    }

    /// For a user of the session. `false`: there is no room for it.
    pub fn put_passing(&self, user: UserNumber, passing: &Passing) -> bool {
        let mut contents = self.lock();
        if contents.is_closed {
            return false;
        }
        let waiting = match passing {
            Passing::Command(_) => COMMANDS_MAX,
            Passing::ProfileChanged(_) => COMMANDS_BESIDE_PROFILES_MAX,
        };
        let commands = &mut contents.queues().commands;
        let has_room = commands.len() < waiting;
        if has_room {
            commands.push_back((user, passing.clone()));
        }
        contents.wake();
        has_room
    }

    /// Everything is dropped: the switchboard itself fell behind.
    pub fn miss_all(&self) {
        let mut contents = self.lock();
        if !contents.is_closed {
            if let Some(queues) = &mut contents.queues {
                queues.deliveries = VecDeque::new();
                queues.rooms = VecDeque::new();
            }
            contents.missed = Missed { chats: true, pushes: true, rooms: true };
            contents.wake();
        }
    }

    /// The next thing for the session; deliveries only when it wants them. With nothing there, the waker is kept.
    pub fn take(&self, wants_deliveries: bool, context: Option<&mut Context<'_>>) -> Option<Item> {
        let mut contents = self.lock();
        if let Some(input) = contents.queues.as_mut().and_then(|queues| queues.inputs.pop_front()) {
            return Some(Item::Input(input));
        }
        if contents.missed != Missed::default() {
            return Some(Item::Input(Input::Missed(std::mem::take(&mut contents.missed))));
        }
        if wants_deliveries && let Some(delivery) = contents.queues.as_mut().and_then(|queues| queues.next_delivery()) {
            return Some(Item::Delivery(delivery));
        }
        if wants_deliveries
            && let Some((user, passing)) = contents.queues.as_mut().and_then(|queues| queues.commands.pop_front())
        {
            return Some(Item::Passing(user, passing));
        }
        contents.give_back_memory();
        if let Some(context) = context {
            match &mut contents.waker {
                Some(waker) => waker.clone_from(context.waker()),
                None => contents.waker = Some(context.waker().clone()),
            }
        }
        None
    }

    pub fn close(&self) {
        let mut contents = self.lock();
        *contents = Contents { is_closed: true, ..Contents::default() };
    }

    pub fn held(&self) -> Held {
        let contents = self.lock();
        contents.queues.as_ref().map_or_else(Held::default, |queues| Held {
            inputs: queues.inputs.len(),
            deliveries: queues.deliveries.len(),
            live_only: queues.live_only.len(),
            rooms: queues.rooms.len(),
            commands: queues.commands.len(),
        })
    }

    pub fn set_deadline(&self, at_ms: TimeMs) {
        self.deadline_ms.store(at_ms, Ordering::Relaxed);
    }

    pub fn is_due(&self, now: TimeMs) -> bool {
        self.deadline_ms.load(Ordering::Relaxed) <= now
    }

    /// Lets the link look at the time.
    pub fn nudge(&self) {
        self.lock().wake();
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        // Nothing in here can panic between two steps of a change.
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How much waits in a mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    pub inputs: usize,
    pub deliveries: usize,
    pub live_only: usize,
    pub rooms: usize,
    pub commands: usize,
}

impl Held {
    /// Is it more than may wait, whatever the session does?
    pub fn exceeds(&self) -> bool {
        self.inputs > INPUTS_MAX
            || self.deliveries > DELIVERIES_MAX
            || self.live_only > LIVE_ONLY_MAX
            || self.rooms > ROOM_NEWS_MAX
            || self.commands > COMMANDS_MAX
    }
}

/// What a mailbox hands out.
#[derive(Debug)]
pub enum Item {
    Input(Input),
    Delivery(Delivery),
    /// For this user.
    Passing(UserNumber, Passing),
}

/// What is told to those who are connected, and kept nowhere.
#[derive(Clone, Debug)]
pub enum Passing {
    Command(Arc<CommandCame>),
    ProfileChanged(Arc<ProfileChanged>),
}

impl Contents {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn miss_deliveries(&mut self) {
        let queues = self.queues();
        for delivery in std::mem::take(&mut queues.deliveries) {
            self.note_missed(&delivery);
        }
    }

    fn note_missed(&mut self, delivery: &Delivery) {
        if is_planted(Fault::OverflowForgotten) {
            return;
        }
        match delivery.recipient {
            Recipient::Device => self.missed.pushes = true,
            Recipient::User(_) => self.missed.chats = true,
            Recipient::Room => self.missed.rooms = true,
        }
    }

    fn queues(&mut self) -> &mut Queues {
        self.queues.get_or_insert_default()
    }

    fn give_back_memory(&mut self) {
        if self.queues.as_ref().is_some_and(|queues| queues.is_empty()) {
            self.queues = None;
        }
    }
}

impl Queues {
    fn next_delivery(&mut self) -> Option<Delivery> {
        self.live_only.pop_front().or_else(|| self.deliveries.pop_front()).or_else(|| self.rooms.pop_front())
    }

    fn is_empty(&self) -> bool {
        self.inputs.is_empty()
            && self.deliveries.is_empty()
            && self.live_only.is_empty()
            && self.rooms.is_empty()
            && self.commands.is_empty()
    }
}
