//! What the judge is told, and its form as JSON lines.

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};

/// Nanoseconds of the run's monotonic clock.
pub type At = u64;

/// Does a chain promise an order?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Chats and groups.
    Ordered,
    /// Pushes: once each, in any order.
    Unordered,
}

/// One thing that happened at an application, or to the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// There is this chain. Must come before all else about it.
    Chain { at: At, chain: String, order: Order },
    /// The application is about to be let into the chain: from here it may receive.
    Joining { at: At, chain: String, receiver: String },
    /// It was let in: what is sent from here on must reach it.
    Joined { at: At, chain: String, receiver: String },
    /// It is about to go: what is answered from here on need not reach it.
    Leaving { at: At, chain: String, receiver: String },
    /// It has gone: what is sent from here on must not reach it.
    Left { at: At, chain: String, receiver: String },
    /// An application hands a message over. Messages of one lane are ordered as they were sent, answered or not
    /// (a device's outbox); without a lane, only an answer that came before the next send orders the two (REST).
    Sent {
        at: At,
        chain: String,
        message: String,
        from: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lane: Option<String>,
    },
    /// What was handed over as `of` is on its way once more, because the daemon lost it: another message, as old as `of`,
    /// and on no lane.
    SentAgain { at: At, chain: String, message: String, of: String },
    /// The daemon took the message, under this id.
    Answered { at: At, chain: String, message: String, id: u64 },
    /// The daemon refused the message for good.
    Refused { at: At, chain: String, message: String },
    /// An application has the message in its durable store, or on its screen when it has none.
    Received {
        at: At,
        chain: String,
        message: String,
        receiver: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<u64>,
    },
    /// A fault is about to be injected: stamped before the first thing that injects it.
    FaultBegins { at: At },
    /// The daemon is ready again, and no answer of its former life is on its way any more.
    FaultEnds { at: At },
}

impl Event {
    pub fn at(&self) -> At {
        match self {
            Self::Chain { at, .. }
            | Self::Joining { at, .. }
            | Self::Joined { at, .. }
            | Self::Leaving { at, .. }
            | Self::Left { at, .. }
            | Self::Sent { at, .. }
            | Self::SentAgain { at, .. }
            | Self::Answered { at, .. }
            | Self::Refused { at, .. }
            | Self::Received { at, .. }
            | Self::FaultBegins { at }
            | Self::FaultEnds { at } => *at,
        }
    }
}

/// Writes one event as a line.
pub fn write_line(out: &mut impl Write, event: &Event) -> io::Result<()> {
    serde_json::to_writer(&mut *out, event)?;
    out.write_all(b"\n")
}

/// Reads a recording. A last line that was cut off by a kill is left out; any other damage is an error.
pub fn read_lines(input: impl BufRead) -> io::Result<Vec<Event>> {
    let mut events = Vec::new();
    let mut input = input;
    let mut line = String::new();
    loop {
        line.clear();
        if input.read_line(&mut line)? == 0 || !line.ends_with('\n') {
            return Ok(events);
        }
        events.push(serde_json::from_str(&line)?);
    }
}

/// Puts recordings of several processes into one order by their stamps; equal stamps keep the order of the list.
pub fn merge(recordings: impl IntoIterator<Item = Vec<Event>>) -> Vec<Event> {
    let mut events: Vec<Event> = recordings.into_iter().flatten().collect();
    events.sort_by_key(Event::at);
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(at: At, message: &str) -> Event {
        Event::Sent { at, chain: "c".into(), message: message.into(), from: "alice".into(), lane: None }
    }

    #[test]
    fn a_recording_is_read_back_as_written() {
        let events = vec![
            Event::Chain { at: 1, chain: "c".into(), order: Order::Unordered },
            sent(2, "m\n1"),
            Event::Received { at: 3, chain: "c".into(), message: "m".into(), receiver: "bob".into(), id: Some(9) },
            Event::FaultBegins { at: 4 },
        ];
        let mut bytes = Vec::new();
        for event in &events {
            write_line(&mut bytes, event).expect("a Vec takes every write");
        }
        assert_eq!(read_lines(&bytes[..]).expect("what was written is whole"), events);
    }

    #[test]
    fn a_line_cut_off_by_a_kill_is_left_out() {
        let mut bytes = Vec::new();
        write_line(&mut bytes, &sent(1, "m")).expect("a Vec takes every write");
        let whole = bytes.len();
        write_line(&mut bytes, &sent(2, "n")).expect("a Vec takes every write");
        for cut in whole..bytes.len() {
            assert_eq!(read_lines(&bytes[..cut]).expect("the first line is whole"), [sent(1, "m")]);
        }
    }

    #[test]
    fn damage_inside_a_recording_is_an_error() {
        assert!(read_lines(&b"{\"event\":\"sent\"}\n{}\n"[..]).is_err());
    }

    #[test]
    fn recordings_of_several_processes_merge_by_stamp() {
        let merged = merge([vec![sent(1, "a"), sent(4, "d")], vec![sent(2, "b"), sent(3, "c")]]);
        assert_eq!(merged.iter().map(Event::at).collect::<Vec<_>>(), [1, 2, 3, 4]);
    }
}
