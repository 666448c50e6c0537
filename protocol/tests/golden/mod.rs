//! The golden vectors: what every frame looks like on the wire. `vectors.json` is written from this list and freezes it.
//!
//! A released vector never changes; new frames, and new uses of old ones, are added.

mod client;
pub mod corpus;
mod device;
pub mod file;
mod group;
mod json;
mod links;
mod media;
mod odd;
mod people;
mod read;
mod room;
mod samples;
mod server;
mod talk;

use anser_protocol::frame::{ClientFrame, ServerFrame};

pub use self::odd::{Accepted, Refused, accepted, refused};

/// Frames that go one way over one link, the first of them the first on that link.
pub enum Frames {
    Client(Vec<ClientFrame>),
    Server(Vec<ServerFrame>),
}

pub struct Vector {
    pub name: &'static str,
    /// For whoever writes a client.
    pub meaning: &'static str,
    pub frames: Frames,
    /// The file also shows the frames as they follow each other on a stream.
    pub is_stream: bool,
}

pub fn vectors() -> Vec<Vector> {
    let all = [
        client::vectors(),
        people::vectors(),
        group::vectors(),
        room::vectors(),
        talk::vectors(),
        read::vectors(),
        device::vectors(),
        server::vectors(),
        links::vectors(),
    ];
    all.into_iter().flatten().collect()
}

fn client(name: &'static str, meaning: &'static str, frame: ClientFrame) -> Vector {
    Vector { name, meaning, frames: Frames::Client(vec![frame]), is_stream: false }
}

fn server(name: &'static str, meaning: &'static str, frame: ServerFrame) -> Vector {
    Vector { name, meaning, frames: Frames::Server(vec![frame]), is_stream: false }
}
