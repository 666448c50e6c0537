//! What travels between Anser and its devices: frames, their bytes, limits and error codes.
//!
//! `PROTOCOL.md` beside this crate specifies it in full; `vectors.json` freezes it. There is no socket, no clock and no
//! random source in here, and nothing that panics on input: whoever holds a decoder may feed it any bytes.
#![no_std]

extern crate alloc;

pub mod frame;
pub mod names;

pub mod content;
pub mod error;
pub mod extension;
pub mod group_details;
pub mod ids;
pub mod label;
pub mod limits;
pub mod options;
pub mod room;
pub mod traits;

pub mod framing;
mod link;
pub mod varint;
mod wire;

pub mod planted;

pub use self::link::{Decoder, DeliverView, Encoder, Malformed, RoomDeliverView};
