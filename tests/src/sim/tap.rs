//! Listens to a link on both sides and watches over what the protocol promises on the wire.
//!
//! Watched: every delivery names the one before it; none is told twice on one link, and no push; a run begins where the
//! client said that it stands; no push is told after it has expired.

use std::collections::{BTreeMap, BTreeSet};

use anser_client::session::Transport;
use anser_protocol::frame::push::PushDeliver;
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::framing::{self, Split};
use anser_protocol::ids::{Position, TimeMs};
use anser_protocol::limits::FRAME_BYTES_MAX;
use anser_protocol::{Decoder, Encoder};

use super::course::Course;
use super::tally::Kind;

#[derive(Debug)]
pub struct Tap {
    transport: Transport,
    up: Direction,
    down: Direction,
    push_cursor: Option<Position>,
    /// By the request of the login.
    login_cursors: BTreeMap<u32, Position>,
    /// Where the user's deliveries lead on this link; nothing while nobody is logged in.
    run: Option<Position>,
    push_run: Option<Position>,
    /// By the request of the resumption.
    resumed_cursors: BTreeMap<u32, Option<Position>>,
    /// The msg_ids that were told, since pushes were last resumed.
    pushes: BTreeSet<Position>,
}

/// Between a reader's look at the time and the moment at which the session has its answer.
const SLACK_MS: TimeMs = 50;

#[derive(Debug, Default)]
struct Direction {
    decoder: Decoder,
    bytes: Vec<u8>,
}

impl Tap {
    pub fn new(transport: Transport) -> Self {
        Self {
            transport,
            up: Direction::default(),
            down: Direction::default(),
            push_cursor: None,
            login_cursors: BTreeMap::new(),
            run: None,
            push_run: None,
            resumed_cursors: BTreeMap::new(),
            pushes: BTreeSet::new(),
        }
    }

    /// What the client says.
    pub fn hear_up(&mut self, bytes: &[u8]) -> Result<Vec<ClientFrame>, String> {
        let decode = |decoder: &mut Decoder, frame: &[u8]| decoder.client(frame);
        let frames = self.up.take(self.transport, bytes, decode)?;
        for frame in &frames {
            match frame {
                ClientFrame::Hello(hello) => self.push_cursor = hello.push_cursor,
                ClientFrame::PushResume(resume) => {
                    self.resumed_cursors.insert(resume.request, resume.push_cursor);
                }
                ClientFrame::Login(login) => {
                    self.login_cursors.insert(login.request, login.cursor.unwrap_or_default());
                }
                _ => {}
            }
        }
        Ok(frames)
    }

    /// What the server says; it decided so at `encoded_ms` or later.
    pub fn hear_down(&mut self, bytes: &[u8], encoded_ms: TimeMs) -> Result<Vec<ServerFrame>, String> {
        let decode = |decoder: &mut Decoder, frame: &[u8]| decoder.server(frame);
        let frames = self.down.take(self.transport, bytes, decode)?;
        for frame in &frames {
            self.watch(frame, encoded_ms).map_err(|what| format!("{what}, in {frame:?}"))?;
        }
        Ok(frames)
    }

    fn watch(&mut self, frame: &ServerFrame, encoded_ms: TimeMs) -> Result<(), String> {
        if let ServerFrame::PushDeliver(body) = frame {
            self.watch_push(body, encoded_ms)?;
        }
        match frame {
            ServerFrame::LoggedIn(body) => self.run = self.login_cursors.get(&body.request).copied(),
            ServerFrame::Deliver(body) => step(&mut self.run, body.after, body.record.position)?,
            ServerFrame::Covered(body) => step(&mut self.run, body.after, body.to)?,
            ServerFrame::MarksMoved(body) => step(&mut self.run, body.after, body.to)?,
            ServerFrame::CatchUp(body) => {
                let run = self.run.ok_or("nobody is logged in")?;
                if body.after != run || body.to < run {
                    return Err(format!("the run stands at {run}"));
                }
                if body.is_last {
                    self.run = Some(body.to);
                }
            }
            // From here on it tells again what the device did not take while its pushes were stopped.
            ServerFrame::Done(done) => {
                if let Some(cursor) = self.resumed_cursors.remove(&done.request) {
                    (self.push_cursor, self.push_run) = (cursor, None);
                    self.pushes.clear();
                }
            }
            ServerFrame::PushDeliver(body) if body.after != body.position => {
                self.push_run = self.push_run.or(self.push_cursor).or(Some(body.after));
                step(&mut self.push_run, body.after, body.position)?;
            }
            ServerFrame::PushCovered(body) => {
                self.push_run = self.push_run.or(self.push_cursor).or(Some(body.after));
                step(&mut self.push_run, body.after, body.to)?;
            }
            _ => {}
        }
        Ok(())
    }
}

impl Tap {
    fn watch_push(&mut self, push: &PushDeliver, encoded_ms: TimeMs) -> Result<(), String> {
        if !self.pushes.insert(push.msg_id) {
            return Err("the push is told a second time".into());
        }
        let text = push.content.message.as_ref().map_or("", |message| message.content.as_str());
        let lifetime_ms = lifetime_ms(text).ok_or("a push of unknown lifetime")?;
        // One without a lifetime is for those who are connected, however long it takes to reach them.
        let has_expired = push.at_ms + lifetime_ms + SLACK_MS < encoded_ms;
        if lifetime_ms > 0 && has_expired { Err(format!("it had expired at {encoded_ms}")) } else { Ok(()) }
    }
}

/// The text of a push: its key, and how long it lives.
pub fn push_text(key: &str, time_to_live_s: u32) -> String {
    format!("{key}|{time_to_live_s}")
}

fn lifetime_ms(text: &str) -> Option<u64> {
    text.split_once('|')?.1.parse().ok().map(|seconds: u64| seconds * 1000)
}

fn step(run: &mut Option<Position>, after: Position, to: Position) -> Result<(), String> {
    let stands = run.ok_or("nobody is logged in")?;
    if after != stands || to <= after {
        return Err(format!("the run stands at {stands}"));
    }
    *run = Some(to);
    Ok(())
}

impl Direction {
    fn take<F>(
        &mut self,
        transport: Transport,
        bytes: &[u8],
        decode: impl Fn(&mut Decoder, &[u8]) -> Result<F, anser_protocol::Malformed>,
    ) -> Result<Vec<F>, String> {
        let malformed = |_| "a frame that cannot be read".to_owned();
        if transport == Transport::WebSocket {
            return Ok(vec![decode(&mut self.decoder, bytes).map_err(malformed)?]);
        }
        self.bytes.extend_from_slice(bytes);
        let mut frames = Vec::new();
        let mut taken = 0;
        while let Split::Frame(frame, length) =
            framing::split(&self.bytes[taken..], FRAME_BYTES_MAX).map_err(|_| "a frame too long")?
        {
            frames.push(decode(&mut self.decoder, frame).map_err(malformed)?);
            taken += length;
        }
        self.bytes.drain(..taken);
        Ok(frames)
    }
}

/// A go-between that speaks the protocol to both sides and now and then loses a delivery, doubles it or swaps it with the
/// next one, as a session with a fault would: the client must notice by the run that something is missing.
#[derive(Debug, Default)]
pub struct Gateway {
    encoder: Encoder,
    /// A device without a cursor begins where the first push says: before that nobody can notice a loss.
    has_pushes_begun: bool,
    /// To go on behind the next delivery.
    held_back: Option<ServerFrame>,
}

/// Of 100 deliveries so many are lost, so many doubled, so many swapped with the next one.
const HARM_PERCENT: u64 = 4;

impl Gateway {
    /// The messages to go on to the client.
    pub fn pass(&mut self, frame: ServerFrame, course: &mut Course) -> Vec<Vec<u8>> {
        let may_be_harmed = match &frame {
            ServerFrame::Deliver(_) | ServerFrame::MarksMoved(_) => true,
            ServerFrame::PushDeliver(push) => push.after != push.position && self.has_pushes_begun,
            _ => false,
        };
        self.has_pushes_begun |= matches!(frame, ServerFrame::PushCovered(_) | ServerFrame::PushDeliver(_));
        let held_back = self.held_back.take();
        if !may_be_harmed {
            // Only deliveries change places: behind a login this one would be somebody else's.
            return self.encode(held_back.iter().chain([&frame]));
        }
        match course.random.below(100 / HARM_PERCENT) {
            0 => {
                course.count(Kind::DeliveryLost);
                self.encode(&held_back)
            }
            1 => {
                course.count(Kind::DeliveryDoubled);
                self.encode([&frame, &frame].into_iter().chain(&held_back))
            }
            2 if held_back.is_none() => {
                self.held_back = Some(frame);
                Vec::new()
            }
            _ => {
                if held_back.is_some() {
                    course.count(Kind::DeliverySwapped);
                }
                self.encode([&frame].into_iter().chain(&held_back))
            }
        }
    }

    fn encode<'f>(&mut self, frames: impl IntoIterator<Item = &'f ServerFrame>) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        for frame in frames {
            let mut message = Vec::new();
            self.encoder.server(frame, &mut message).expect("a frame that came through once is not too long");
            messages.push(message);
        }
        messages
    }
}
