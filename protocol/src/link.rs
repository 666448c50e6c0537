//! Frames to bytes and back, for one direction of one link.
//!
//! Both ends keep the same small state for a direction: the names it has introduced, the last position and time, and who
//! is logged in. So a frame is encoded when it is written to a link, in the order of writing, and never stored encoded.

mod bound;
mod decoder;
mod encoder;

pub use self::decoder::Decoder;
pub use self::encoder::{DeliverView, Encoder, RoomDeliverView};

use crate::ids::{GroupId, Position, RoomId};
use crate::names::{Chat, Name, Names, UnknownNumber};

/// The bytes are no frame of this protocol, or name a number that was never introduced: the link must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl From<UnknownNumber> for Malformed {
    fn from(UnknownNumber: UnknownNumber) -> Self {
        Self
    }
}

/// What one direction of a link remembers, alike on both ends.
#[derive(Clone, Debug, Default)]
struct Direction {
    names: Names,
    /// The last position that a frame named.
    position: u64,
    /// Where the last delivering frame led.
    delivered: u64,
    time_ms: u64,
    /// Who is logged in, or was last.
    myself: Option<Name>,
}

impl Direction {
    fn step_to(&mut self, position: Position) -> i64 {
        step(&mut self.position, position.0)
    }

    fn step_by(&mut self, by: i64) -> Position {
        self.position = self.position.wrapping_add_signed(by);
        Position(self.position)
    }

    fn time_step_to(&mut self, at_ms: u64) -> i64 {
        step(&mut self.time_ms, at_ms)
    }

    fn time_step_by(&mut self, by: i64) -> u64 {
        self.time_ms = self.time_ms.wrapping_add_signed(by);
        self.time_ms
    }
}

/// Where names are concerned a room is like a group: nobody in it is the peer.
fn room_as_chat(room: RoomId) -> Chat {
    Chat::Group(GroupId(room.0))
}

fn step(from: &mut u64, to: u64) -> i64 {
    let step = to.wrapping_sub(*from) as i64;
    *from = to;
    step
}
