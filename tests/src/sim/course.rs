//! The course of a run: simulated time, and what is to happen when.

use std::collections::BTreeMap;
use std::time::Duration;

use anser_storage::outcome::{Appended, Outcome};
use anserd::link::query::{Answer, Query};
use anserd::link::session::{Input, Ticket};

use super::random::Random;
use super::server::Asker;
use super::tally::{Kind, Tally};

/// Microseconds since the run began.
pub type Time = u64;

pub const MS: Time = 1000;
pub const SECOND: Time = 1000 * MS;

/// Names a link between a client and the server; never reused.
pub type LinkId = u64;
/// Counts the lives of a process, so that nothing reaches a later one that was meant for an earlier.
pub type Life = u32;
/// Names a call of an app server.
pub type CallId = u64;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the server.
    Up,
    /// To the client.
    Down,
}

/// Everything that can happen.
#[derive(Debug)]
pub enum Event {
    /// The front of what is on its way may have arrived.
    Arrive(LinkId, Way),
    /// One end is told that the link is gone.
    Severed(LinkId, Way),
    /// The server's task of this link was woken.
    Turn(LinkId),
    /// A client's try to connect, of this number, has its result.
    Dialled(usize, u64),
    /// The client's oldest store action is durable.
    Stored(usize, Life),
    /// The client looks at the time.
    ClientDue(usize, Life),
    /// The application starts.
    Launch(usize),
    /// The application comes to the foreground.
    Resume(usize, Life),
    /// The application does something.
    Act(usize),
    /// The user gives the password again.
    GivePassword(usize, Life),
    /// The server starts.
    Boot,
    /// The writer takes what is waiting.
    Write(Life),
    /// A batch is on disk and its answers are handed out.
    Committed(Life, Vec<(Asker, Outcome)>),
    /// The switchboard gets what was appended.
    HandOut(Life, Vec<Appended>),
    /// A reader takes up a question.
    Read(Life, LinkId, Ticket, Box<Query>),
    /// What a session asked for is known.
    Known(Life, LinkId, Box<Known>),
    /// The server looks for silent links.
    Sweep(Life),
    /// An app server's call reaches the server.
    CallArrives(CallId),
    /// The answer reaches the app server; nothing when the connection broke.
    CallAnswered(CallId, Option<Box<Outcome>>),
    /// App servers do something.
    Employ,
    /// The weather of the run does harm.
    Strike,
    /// A backup is taken, or the moment noted at which a disk will have lost its tail.
    TakeImage,
    /// The server comes back on the image.
    SetBack,
    /// The harm is over; everything drains.
    Heal,
    /// Has everything drained?
    Look,
}

/// An answer on its way to a session.
#[derive(Debug)]
pub enum Known {
    Answer(Ticket, Answer),
    Input(Input),
}

/// Time, the events to come, and chance.
pub struct Course {
    pub now: Time,
    pub random: Random,
    events: BTreeMap<(Time, u64), Event>,
    numbered: u64,
    /// Says what happens, for whoever replays a seed.
    is_told: bool,
    /// Of everything that was noted: equal for equal courses.
    pub fingerprint: u64,
    pub tally: Tally,
}

impl Course {
    pub fn new(seed: u64, is_told: bool) -> Self {
        Self {
            now: 0,
            random: Random::new(seed),
            events: BTreeMap::new(),
            numbered: 0,
            is_told,
            fingerprint: seed,
            tally: Tally::default(),
        }
    }

    pub fn after(&mut self, delay: Time, event: Event) {
        self.at(self.now + delay, event);
    }

    /// Events of the same moment happen in the order in which they were asked for.
    pub fn at(&mut self, time: Time, event: Event) {
        self.numbered += 1;
        self.events.insert((time.max(self.now), self.numbered), event);
    }

    /// After something between `least` and `most`.
    pub fn within(&mut self, least: Time, most: Time, event: Event) {
        let delay = self.random.between(least, most);
        self.after(delay, event);
    }

    /// Moves the time on to the next event.
    pub fn next_event(&mut self) -> Option<Event> {
        let ((time, _), event) = self.events.pop_first()?;
        self.now = time;
        Some(event)
    }

    pub fn since(&self, start: Time) -> Duration {
        Duration::from_micros(self.now - start)
    }

    /// Counts something that a seed should meet.
    pub fn count(&mut self, kind: Kind) {
        self.tally.count(kind);
    }

    /// Takes note of what happens: it belongs to the fingerprint, and is printed in a replay that asks for it.
    pub fn note(&mut self, what: std::fmt::Arguments<'_>) {
        let text = what.to_string();
        for byte in text.bytes().chain(self.now.to_le_bytes()) {
            self.fingerprint = (self.fingerprint ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        if self.is_told {
            eprintln!("{:>12.6} {text}", self.now as f64 / SECOND as f64);
        }
    }
}
