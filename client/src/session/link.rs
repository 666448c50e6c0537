//! One link: bytes to frames and back, and where the link stands.

use std::collections::VecDeque;
use std::time::Duration;

use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::framing::{self, FrameTooLong, Split};
use anser_protocol::ids::Position;
use anser_protocol::limits::{FRAME_BYTES_MAX, POSITION_MAX};
use anser_protocol::{Decoder, Encoder, Malformed};

use super::action::Transport;
use super::heartbeat::Heartbeat;

/// How far the link has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// What the hello says must be on disk first.
    ExpectStored,
    ExpectWelcome,
    Welcomed,
}

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) transport: Transport,
    pub(crate) phase: Phase,
    pub(crate) opened_at: Duration,
    pub(crate) logged_in_at: Option<Duration>,
    /// What the server was told last of whether the device wants pushes.
    pub(crate) has_stopped_pushes: bool,
    /// The server knows read marks and receipts.
    pub(crate) takes_reads: bool,
    pub(crate) heartbeat: Heartbeat,
    encoder: Encoder,
    decoder: Decoder,
    /// The beginning of a frame whose end has not come.
    received: Vec<u8>,
    out: VecDeque<Vec<u8>>,
}

impl Link {
    pub(crate) fn new(transport: Transport, heartbeat: Heartbeat, now: Duration) -> Self {
        Self {
            transport,
            phase: Phase::ExpectStored,
            opened_at: now,
            logged_in_at: None,
            has_stopped_pushes: false,
            takes_reads: false,
            heartbeat,
            encoder: Encoder::default(),
            decoder: Decoder::default(),
            received: Vec::new(),
            out: VecDeque::new(),
        }
    }

    pub(crate) fn write(&mut self, frame: &ClientFrame, now: Duration) -> Result<(), FrameTooLong> {
        self.heartbeat.handle_sent(now);
        let encoder = &mut self.encoder;
        if self.transport == Transport::WebSocket {
            let mut message = Vec::new();
            encoder.client(frame, &mut message)?;
            self.out.push_back(message);
            return Ok(());
        }
        if self.out.is_empty() {
            self.out.push_back(Vec::new());
        }
        let stream = self.out.back_mut().expect("one was pushed if there was none");
        framing::append(stream, |out| encoder.client(frame, out))
    }

    /// Of a frame whose end has not come, and to be written.
    pub(crate) fn held_bytes(&self) -> (usize, usize) {
        (self.received.len(), self.out.iter().map(Vec::len).sum())
    }

    /// What is to be written to the link next.
    pub(crate) fn next_bytes(&mut self) -> Option<Vec<u8>> {
        self.out.pop_front().filter(|bytes| !bytes.is_empty())
    }

    /// Takes bytes of a stream and reads the frames that are whole.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Result<Vec<ServerFrame>, Malformed> {
        self.received.extend_from_slice(bytes);
        let mut frames = Vec::new();
        let mut taken = 0;
        while let Split::Frame(frame, length) =
            framing::split(&self.received[taken..], FRAME_BYTES_MAX).map_err(|FrameTooLong| Malformed)?
        {
            frames.push(decode(&mut self.decoder, frame)?);
            taken += length;
        }
        self.received.drain(..taken);
        if self.received.is_empty() {
            // An idle link holds no buffer.
            self.received = Vec::new();
        }
        Ok(frames)
    }

    /// Reads one WebSocket message.
    pub(crate) fn read_message(&mut self, message: &[u8]) -> Result<ServerFrame, Malformed> {
        if message.len() > FRAME_BYTES_MAX {
            return Err(Malformed);
        }
        decode(&mut self.decoder, message)
    }
}

fn decode(decoder: &mut Decoder, frame: &[u8]) -> Result<ServerFrame, Malformed> {
    let frame = decoder.server(frame)?;
    if greatest_position(&frame) > Position(POSITION_MAX) { Err(Malformed) } else { Ok(frame) }
}

/// The rest of the session adds to positions without fear of an overflow.
fn greatest_position(frame: &ServerFrame) -> Position {
    match frame {
        ServerFrame::Sent(sent) => sent.position,
        ServerFrame::Deliver(deliver) => deliver.after.max(deliver.record.position),
        ServerFrame::Covered(covered) => covered.after.max(covered.to),
        ServerFrame::CatchUp(page) => {
            let rows = page.conversations.iter();
            let records = rows.clone().flat_map(|row| &row.newest).map(|record| record.position);
            rows.map(|row| row.last).chain(records).fold(page.after.max(page.to), Ord::max)
        }
        ServerFrame::HistoryPage(page) => page.records.iter().map(|record| record.position).max().unwrap_or_default(),
        ServerFrame::MarksMoved(moved) => {
            let marks = moved.marks.iter().map(|mark| mark.position);
            marks.fold(moved.after.max(moved.to), Ord::max)
        }
        ServerFrame::Receipts(told) => told.after.max(told.to),
        ServerFrame::PushDeliver(push) => push.after.max(push.position).max(push.msg_id),
        ServerFrame::PushCovered(covered) => covered.after.max(covered.to),
        ServerFrame::PushWithdrawn(withdrawn) => withdrawn.msg_id,
        _ => Position::START,
    }
}
