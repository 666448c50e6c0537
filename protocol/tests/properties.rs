//! What holds for every frame, every sequence of frames and every sequence of bytes.
//!
//! `PROPTEST_CASES` sets how many cases of each are tried.

mod any;

use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::framing::{self, FrameTooLong, Split};
use anser_protocol::limits::FRAME_BYTES_MAX;
use anser_protocol::{Decoder, Encoder};
use proptest::collection::vec;
use proptest::prelude::*;

use any::{Source, client_frame, client_frame_of, server_frame, server_frame_of};

/// A link's frames in one direction, with their bytes.
struct Link<F> {
    frames: Vec<F>,
    bytes: Vec<Vec<u8>>,
}

fn client_link(seed: &[u8]) -> Link<ClientFrame> {
    let (mut source, mut encoder) = (Source::new(seed), Encoder::default());
    let mut link = Link { frames: Vec::new(), bytes: Vec::new() };
    while !source.is_empty() {
        let (frame, mut bytes) = (client_frame(&mut source), Vec::new());
        encoder.client(&frame, &mut bytes).expect("a frame of a few hundred bytes");
        link.frames.push(frame);
        link.bytes.push(bytes);
    }
    link
}

fn server_link(seed: &[u8]) -> Link<ServerFrame> {
    let (mut source, mut encoder) = (Source::new(seed), Encoder::default());
    let mut link = Link { frames: Vec::new(), bytes: Vec::new() };
    while !source.is_empty() {
        let (frame, mut bytes) = (server_frame(&mut source), Vec::new());
        encoder.server(&frame, &mut bytes).expect("a frame of a few kilobytes");
        link.frames.push(frame);
        link.bytes.push(bytes);
    }
    link
}

/// Encodes what was decoded, as the other end of a second link would, and reads it again.
#[derive(Default)]
struct Echo {
    encoder: Encoder,
    decoder: Decoder,
}

impl Echo {
    fn client(&mut self, frame: &ClientFrame) -> Result<(), FrameTooLong> {
        let mut bytes = Vec::new();
        self.encoder.client(frame, &mut bytes)?;
        assert_eq!(self.decoder.client(&bytes).as_ref(), Ok(frame));
        Ok(())
    }

    fn server(&mut self, frame: &ServerFrame) -> Result<(), FrameTooLong> {
        let mut bytes = Vec::new();
        self.encoder.server(frame, &mut bytes)?;
        assert_eq!(self.decoder.server(&bytes).as_ref(), Ok(frame));
        Ok(())
    }
}

/// One change somewhere in one frame.
#[derive(Clone, Debug)]
enum Damage {
    Replaced(u8),
    Inserted(u8),
    Removed,
    CutOff,
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        any::<u8>().prop_map(Damage::Replaced),
        any::<u8>().prop_map(Damage::Inserted),
        Just(Damage::Removed),
        Just(Damage::CutOff),
    ]
}

fn damaged(frames: &mut [Vec<u8>], which: &prop::sample::Index, place: &prop::sample::Index, damage: Damage) {
    let Some(frame) = frames.get_mut(which.index(frames.len().max(1))) else { return };
    let place = place.index(frame.len());
    match damage {
        Damage::Replaced(byte) => frame[place] = byte,
        Damage::Inserted(byte) => frame.insert(place, byte),
        Damage::Removed => drop(frame.remove(place)),
        Damage::CutOff => frame.truncate(place),
    }
}

proptest! {
    #[test]
    fn what_a_client_says_is_read_as_it_was_said(seed in vec(any::<u8>(), 0..3000)) {
        let (link, mut decoder) = (client_link(&seed), Decoder::default());
        for (frame, bytes) in link.frames.into_iter().zip(&link.bytes) {
            prop_assert_eq!(decoder.client(bytes), Ok(frame));
        }
    }

    #[test]
    fn what_a_server_says_is_read_as_it_was_said(seed in vec(any::<u8>(), 0..3000)) {
        let (link, mut decoder) = (server_link(&seed), Decoder::default());
        for (frame, bytes) in link.frames.into_iter().zip(&link.bytes) {
            prop_assert_eq!(decoder.server(bytes), Ok(frame));
        }
    }

    #[test]
    fn any_bytes_are_a_frame_or_malformed(frames in vec(vec(any::<u8>(), 0..200), 0..20)) {
        let (mut as_client, mut as_server) = (Decoder::default(), Decoder::default());
        let mut echo = (Echo::default(), Echo::default());
        for bytes in &frames {
            if let Ok(frame) = as_client.client(bytes) {
                prop_assert_eq!(echo.0.client(&frame), Ok(()));
            }
            if let Ok(frame) = as_server.server(bytes) {
                prop_assert_eq!(echo.1.server(&frame), Ok(()));
            }
        }
    }

    #[test]
    fn damage_to_a_clients_frame_never_panics_and_what_is_still_read_can_be_said_again(
        seed in vec(any::<u8>(), 1..2000),
        which: prop::sample::Index,
        place: prop::sample::Index,
        damage in damage(),
    ) {
        let mut bytes = client_link(&seed).bytes;
        damaged(&mut bytes, &which, &place, damage);
        let (mut decoder, mut echo) = (Decoder::default(), Echo::default());
        for frame in bytes.iter().map_while(|bytes| decoder.client(bytes).ok()) {
            prop_assert_eq!(echo.client(&frame), Ok(()));
        }
    }

    #[test]
    fn damage_to_a_servers_frame_never_panics_and_what_is_still_read_can_be_said_again(
        seed in vec(any::<u8>(), 1..2000),
        which: prop::sample::Index,
        place: prop::sample::Index,
        damage in damage(),
    ) {
        let mut bytes = server_link(&seed).bytes;
        damaged(&mut bytes, &which, &place, damage);
        let (mut decoder, mut echo) = (Decoder::default(), Echo::default());
        for frame in bytes.iter().map_while(|bytes| decoder.server(bytes).ok()) {
            prop_assert_eq!(echo.server(&frame), Ok(()));
        }
    }

    #[test]
    fn a_stream_gives_the_same_frames_wherever_it_is_cut(
        frames in vec(vec(any::<u8>(), 0..400), 0..20),
        pieces in vec(1usize..300, 1..50),
    ) {
        let mut stream = Vec::new();
        for frame in &frames {
            let copied = framing::append::<()>(&mut stream, |out| { out.extend_from_slice(frame); Ok(()) });
            prop_assert_eq!(copied, Ok(()));
        }
        let (mut received, mut taken_frames, mut rest) = (Vec::new(), Vec::new(), stream.as_slice());
        for piece in pieces.iter().cycle() {
            let (piece, left) = rest.split_at((*piece).min(rest.len()));
            received.extend_from_slice(piece);
            rest = left;
            while let Ok(Split::Frame(frame, taken)) = framing::split(&received, FRAME_BYTES_MAX) {
                taken_frames.push(frame.to_vec());
                received.drain(..taken);
            }
            if rest.is_empty() {
                break;
            }
        }
        prop_assert!(received.is_empty());
        prop_assert_eq!(taken_frames, frames);
    }

    #[test]
    fn any_stream_is_split_within_the_limit_or_refused(bytes in vec(any::<u8>(), 0..100), limit in 0usize..100) {
        match framing::split(&bytes, limit) {
            Ok(Split::Frame(frame, taken)) => {
                prop_assert!(frame.len() <= limit && taken <= bytes.len());
                prop_assert!(bytes[..taken].ends_with(frame));
            }
            Ok(Split::Incomplete(needed)) => prop_assert!(needed > bytes.len() && needed <= limit + 10),
            Err(FrameTooLong) => {}
        }
    }
}

#[test]
fn the_frames_made_here_are_of_every_type() {
    for (number, name) in ClientFrame::TYPES {
        let frame = client_frame_of(*number, &mut Source::new(&[]));
        assert!(!matches!(frame, ClientFrame::Unknown(_)), "{name} is not made");
    }
    for (number, name) in ServerFrame::TYPES {
        let frame = server_frame_of(*number, &mut Source::new(&[]));
        assert!(!matches!(frame, ServerFrame::Unknown(_)), "{name} is not made");
    }
}
