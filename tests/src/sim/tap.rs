//! Listens to a link on both sides and watches over what the protocol promises on the wire.
//!
//! Watched: every delivery names the one before it; none is told twice on one link; a run begins where the client said that
//! it stands.

use std::collections::BTreeMap;

use anser_client::session::Transport;
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::framing::{self, Split};
use anser_protocol::ids::Position;
use anser_protocol::limits::FRAME_BYTES_MAX;
use anser_protocol::{Decoder, Encoder};

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
}

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
        }
    }

    /// What the client says.
    pub fn hear_up(&mut self, bytes: &[u8]) -> Result<Vec<ClientFrame>, String> {
        let decode = |decoder: &mut Decoder, frame: &[u8]| decoder.client(frame);
        let frames = self.up.take(self.transport, bytes, decode)?;
        for frame in &frames {
            match frame {
                ClientFrame::Hello(hello) => self.push_cursor = hello.push_cursor,
                ClientFrame::Login(login) => {
                    self.login_cursors.insert(login.request, login.cursor.unwrap_or_default());
                }
                _ => {}
            }
        }
        Ok(frames)
    }

    /// What the server says.
    pub fn hear_down(&mut self, bytes: &[u8]) -> Result<Vec<ServerFrame>, String> {
        let decode = |decoder: &mut Decoder, frame: &[u8]| decoder.server(frame);
        let frames = self.down.take(self.transport, bytes, decode)?;
        for frame in &frames {
            self.watch(frame).map_err(|what| format!("{what}, in {frame:?}"))?;
        }
        Ok(frames)
    }

    fn watch(&mut self, frame: &ServerFrame) -> Result<(), String> {
        match frame {
            ServerFrame::LoggedIn(body) => self.run = self.login_cursors.get(&body.request).copied(),
            ServerFrame::Deliver(body) => step(&mut self.run, body.after, body.record.position)?,
            ServerFrame::Covered(body) => step(&mut self.run, body.after, body.to)?,
            ServerFrame::CatchUp(body) => {
                let run = self.run.ok_or("nobody is logged in")?;
                if body.after != run || body.to < run {
                    return Err(format!("the run stands at {run}"));
                }
                if body.is_last {
                    self.run = Some(body.to);
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

/// A go-between that speaks the protocol to both sides and loses a delivery now and then, as a session with a fault would:
/// the client must notice by the run that something is missing.
#[derive(Debug, Default)]
pub struct Gateway {
    encoder: Encoder,
    /// A device without a cursor begins where the first push says: before that nobody can notice a loss.
    has_pushes_begun: bool,
}

impl Gateway {
    /// The message to go on to the client; nothing when it is one of those that get lost.
    pub fn pass(&mut self, frame: &ServerFrame, loses: bool) -> Option<Vec<u8>> {
        let may_be_lost = match frame {
            ServerFrame::Deliver(_) => true,
            ServerFrame::PushDeliver(push) => push.after != push.position && self.has_pushes_begun,
            _ => false,
        };
        self.has_pushes_begun |= matches!(frame, ServerFrame::PushCovered(_) | ServerFrame::PushDeliver(_));
        if loses && may_be_lost {
            return None;
        }
        let mut message = Vec::new();
        self.encoder.server(frame, &mut message).expect("a frame that came through once is not too long");
        Some(message)
    }
}
