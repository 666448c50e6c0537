//! The network between clients and the server: links that are slow, stall, break, or fall silent.
//!
//! A link delivers in order or not at all, as TCP, TLS and QUIC streams do. It ends in one of three ways: closed (the other
//! end is told after all that is on its way), broken (both ends are told, the bytes on the way are lost), or silent (nobody
//! is told, and nothing arrives any more).

use std::collections::{BTreeMap, VecDeque};

use anser_client::session::Transport;
use anser_protocol::error::ErrorCode;
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::framing::{self, Split};
use anser_protocol::ids::TimeMs;
use anser_protocol::limits::FRAME_BYTES_MAX;

use super::course::{Course, Event, LinkId, MS, SECOND, Time, Way};
use super::pipe::{Pipe, Quality};
use super::tally::Kind;
use super::tap::{Gateway, Tap};

/// Bytes of a stream that travel together, at most.
const CHUNK_BYTES_MAX: usize = 1400;

#[derive(Default)]
pub struct Network {
    pub links: BTreeMap<LinkId, Wire>,
    last: LinkId,
}

/// A link as the network knows it.
pub struct Wire {
    pub client: usize,
    pub transport: Transport,
    up: Pipe,
    down: Pipe,
    /// What has arrived and the server has not read.
    inbox: VecDeque<Vec<u8>>,
    tap: Tap,
    gateway: Option<Gateway>,
    is_silent: bool,
    /// Broken: what is written goes nowhere.
    is_cut: bool,
    /// The client's end, and the server's end, are still there.
    pub has_client: bool,
    pub has_server: bool,
}

/// What the server finds when it reads.
pub enum Reading {
    Bytes(Vec<u8>),
    Nothing,
    Closed,
}

impl Network {
    pub fn open(&mut self, client: usize, transport: Transport, quality: [Quality; 2], is_gateway: bool) -> LinkId {
        self.last += 1;
        let [up, down] = quality;
        let wire = Wire {
            client,
            transport,
            up: Pipe::new(up),
            down: Pipe::new(down),
            inbox: VecDeque::new(),
            tap: Tap::new(transport),
            gateway: (is_gateway && transport == Transport::WebSocket).then(Gateway::default),
            is_silent: false,
            is_cut: false,
            has_client: true,
            has_server: true,
        };
        self.links.insert(self.last, wire);
        self.last
    }

    /// The client writes. Returns what it said.
    pub fn write_up(&mut self, link: LinkId, bytes: Vec<u8>, course: &mut Course) -> Result<Vec<ClientFrame>, String> {
        let Some(wire) = self.links.get_mut(&link) else { return Ok(Vec::new()) };
        let frames = wire.tap.hear_up(&bytes).map_err(|what| format!("a client says {what}"))?;
        if wire.is_cut {
            return Ok(frames);
        }
        for chunk in chunks(wire.transport, bytes, course) {
            let due = wire.up.put(chunk, course.now, &mut course.random);
            course.at(due, Event::Arrive(link, Way::Up));
        }
        Ok(frames)
    }

    /// The server writes what the window takes of its output; how many bytes that was.
    ///
    /// What was alive at `encoded_ms`, before all of the output was made, may be said.
    pub fn write_down(
        &mut self,
        link: LinkId,
        output: &[u8],
        encoded_ms: TimeMs,
        course: &mut Course,
    ) -> Result<usize, String> {
        let Some(wire) = self.links.get_mut(&link).filter(|wire| !wire.is_cut) else { return Ok(output.len()) };
        if wire.transport == Transport::WebSocket {
            return wire.write_message(link, output, encoded_ms, course);
        }
        let bytes = &output[..output.len().min(wire.down.room())];
        let frames = wire.tap.hear_down(bytes, encoded_ms)?;
        frames.iter().for_each(|frame| count_frame(frame, course));
        for chunk in chunks(wire.transport, bytes.to_vec(), course) {
            let due = wire.down.put(chunk, course.now, &mut course.random);
            course.at(due, Event::Arrive(link, Way::Down));
        }
        Ok(bytes.len())
    }

    /// The next bytes for the client that have arrived, and whether there may be more at this moment.
    pub fn read_down(&mut self, link: LinkId, now: Time) -> Option<Vec<u8>> {
        let wire = self.links.get_mut(&link)?;
        if wire.is_silent || !wire.has_client {
            return None;
        }
        wire.down.take(now)
    }

    /// Takes what has arrived at the server to where it reads; whether there is anything new.
    pub fn receive_up(&mut self, link: LinkId, now: Time) -> bool {
        let Some(wire) = self.links.get_mut(&link) else { return false };
        if wire.is_silent || !wire.has_server {
            return false;
        }
        let before = wire.inbox.len();
        while let Some(bytes) = wire.up.take(now) {
            wire.inbox.push_back(bytes);
        }
        wire.inbox.len() > before
    }

    /// The server reads.
    pub fn read_up(&mut self, link: LinkId) -> Reading {
        let Some(wire) = self.links.get_mut(&link) else { return Reading::Closed };
        match wire.inbox.pop_front() {
            Some(bytes) => Reading::Bytes(bytes),
            None if wire.up.is_finished && wire.up.is_empty() && !wire.is_silent => Reading::Closed,
            None => Reading::Nothing,
        }
    }

    /// One end closes; the other is told after what is on its way.
    pub fn close(&mut self, link: LinkId, by: Way, course: &mut Course) {
        let Some(wire) = self.links.get_mut(&link) else { return };
        match by {
            Way::Up => wire.has_client = false,
            Way::Down => wire.has_server = false,
        }
        let pipe = if by == Way::Up { &mut wire.up } else { &mut wire.down };
        pipe.is_finished = true;
        if !wire.is_silent {
            course.at(pipe.end_due(course.now), Event::Severed(link, by));
        }
        self.forget_if_over(link);
    }

    /// The link breaks: what is on its way is lost, and both ends learn of it, each in its time.
    pub fn cut(&mut self, link: LinkId, course: &mut Course) {
        let Some(wire) = self.links.get_mut(&link) else { return };
        wire.is_silent = false;
        wire.is_cut = true;
        for way in [Way::Up, Way::Down] {
            let pipe = if way == Way::Up { &mut wire.up } else { &mut wire.down };
            *pipe = Pipe::new(pipe.quality);
            pipe.is_finished = true;
            course.within(0, 3 * SECOND, Event::Severed(link, way));
        }
        wire.inbox.clear();
    }

    /// Nothing arrives any more and nobody is told: a NAT entry has gone, a phone is out of reach.
    pub fn silence(&mut self, link: LinkId) {
        if let Some(wire) = self.links.get_mut(&link) {
            wire.is_silent = true;
        }
    }

    /// The client's old address is dead: QUIC moves along after a moment, other links are silent.
    pub fn lose_address(&mut self, link: LinkId, course: &mut Course) {
        if self.links.get(&link).is_some_and(|wire| wire.transport == Transport::Quic) {
            let until = course.now + course.random.between(20 * MS, SECOND);
            course.count(Kind::LinkMoved);
            self.stall(link, Way::Down, until, course);
        } else {
            self.silence(link);
        }
    }

    pub fn stall(&mut self, link: LinkId, way: Way, until: Time, course: &mut Course) {
        let Some(wire) = self.links.get_mut(&link) else { return };
        let pipe = if way == Way::Up { &mut wire.up } else { &mut wire.down };
        pipe.stall(until);
        course.at(until, Event::Arrive(link, way));
    }

    /// The client reads slowly from now on.
    pub fn slow_down(&mut self, link: LinkId, bytes_per_ms: u64) {
        if let Some(wire) = self.links.get_mut(&link) {
            wire.down.quality.bytes_per_ms = bytes_per_ms;
            wire.down.quality.window_bytes = 2048;
        }
    }

    /// An end was told, or is gone.
    pub fn drop_end(&mut self, link: LinkId, end: Way) {
        if let Some(wire) = self.links.get_mut(&link) {
            match end {
                Way::Up => wire.has_server = false,
                Way::Down => wire.has_client = false,
            }
        }
        self.forget_if_over(link);
    }

    pub fn is_silent(&self, link: LinkId) -> bool {
        self.links.get(&link).is_some_and(|wire| wire.is_silent)
    }

    /// Neither silent nor with a go-between that loses things.
    pub fn is_sound(&self, link: LinkId) -> bool {
        self.links.get(&link).is_some_and(|wire| !wire.is_silent && wire.gateway.is_none())
    }

    fn forget_if_over(&mut self, link: LinkId) {
        if self.links.get(&link).is_some_and(|wire| !wire.has_client && !wire.has_server) {
            self.links.remove(&link);
        }
    }
}

impl Wire {
    fn write_message(
        &mut self,
        link: LinkId,
        output: &[u8],
        encoded_ms: TimeMs,
        course: &mut Course,
    ) -> Result<usize, String> {
        let Ok(Split::Frame(frame, taken)) = framing::split(output, FRAME_BYTES_MAX) else {
            return Err("the server's output begins with half a frame".into());
        };
        if self.down.room() == 0 {
            return Ok(0);
        }
        let frames = self.tap.hear_down(frame, encoded_ms)?;
        frames.iter().for_each(|frame| count_frame(frame, course));
        let messages = match (&mut self.gateway, frames.into_iter().next()) {
            (Some(gateway), Some(heard)) => gateway.pass(heard, course),
            _ => vec![frame.to_vec()],
        };
        for message in messages {
            let due = self.down.put(message, course.now, &mut course.random);
            course.at(due, Event::Arrive(link, Way::Down));
        }
        Ok(taken)
    }
}

/// What the server says shows what it went through.
fn count_frame(frame: &ServerFrame, course: &mut Course) {
    match frame {
        ServerFrame::SendRefused(refused) if refused.code == ErrorCode::BUSY => course.count(Kind::QueueFull),
        ServerFrame::SendRefused(refused) if !refused.code.is_passing() => course.count(Kind::RefusedForGood),
        ServerFrame::CatchUp(part) if part.is_last => course.count(Kind::CaughtUp),
        // Clients of the simulation ask for history only to fill their holes.
        ServerFrame::HistoryPage(_) => course.count(Kind::HoleFilled),
        ServerFrame::GoAway(go_away) if go_away.code == ErrorCode::REPLACED => course.count(Kind::LinkReplaced),
        _ => {}
    }
}

/// A message goes whole; a stream's bytes go as the network likes.
fn chunks(transport: Transport, bytes: Vec<u8>, course: &mut Course) -> Vec<Vec<u8>> {
    if transport == Transport::WebSocket {
        return vec![bytes];
    }
    let mut chunks = Vec::new();
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let length = if course.random.percent(80) { CHUNK_BYTES_MAX } else { course.random.between(1, 200) as usize };
        let (chunk, behind) = rest.split_at(length.min(rest.len()));
        chunks.push(chunk.to_vec());
        rest = behind;
    }
    chunks
}

/// How long a connection takes to open.
pub fn dial_time(course: &mut Course) -> Time {
    course.random.between(2 * MS, 400 * MS)
}
