//! G16, frames: whatever bytes come, neither end panics, and what it understands can be said again.
//!
//! A seed is one input: a few frames of either side, damaged in a few places. `fuzz/run` finds its way by coverage; this
//! one runs anywhere and goes as far as it is asked to.

mod any;

use std::ops::Range;

use anser_protocol::framing::{self, Split};
use anser_protocol::limits::{CLIENT_FRAME_BYTES_MAX, FRAME_BYTES_MAX};
use anser_protocol::{Decoder, Encoder};
use any::{Source, client_frame, server_frame};

const CI_INPUTS: u64 = 200_000;

#[test]
fn g16_no_bytes_make_an_end_panic_and_what_is_understood_can_be_said_again() {
    let seeds = seeds(CI_INPUTS);
    println!("g16: inputs {} to {}", seeds.start, seeds.end - 1);
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let understood: u64 = std::thread::scope(|scope| {
        let run = |thread: u64| seeds.clone().filter(move |seed| seed % threads == thread).map(read).sum::<u64>();
        let running: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run(thread))).collect();
        running.into_iter().map(|thread| thread.join().expect("no input makes it panic")).sum()
    });
    println!("g16: {understood} damaged frames were understood");
    assert!(understood > (seeds.end - seeds.start) / 10, "the damage leaves nothing to read: {understood}");
}

/// How many frames of the input are understood.
fn read(seed: u64) -> u64 {
    let mut random = Random(seed);
    let is_client = random.below(2) == 0;
    let mut stream = stream(is_client, &mut random);
    for _ in 0..random.below(4) {
        damage(&mut stream, &mut random);
    }
    if is_client { read_client(&stream) } else { read_server(&stream) }
}

fn stream(is_client: bool, random: &mut Random) -> Vec<u8> {
    let choices: Vec<u8> = (0..random.below(200)).map(|_| random.draw() as u8).collect();
    let (mut source, mut encoder, mut stream) = (Source::new(&choices), Encoder::default(), Vec::new());
    while !source.is_empty() {
        let written = framing::append(&mut stream, |out| match is_client {
            true => encoder.client(&client_frame(&mut source), out),
            false => encoder.server(&server_frame(&mut source), out),
        });
        assert!(written.is_ok(), "a frame of a few kilobytes");
    }
    stream
}

fn damage(stream: &mut Vec<u8>, random: &mut Random) {
    let place = random.below(stream.len() as u64 + 1) as usize;
    match random.below(5) {
        0 if place < stream.len() => stream[place] = random.draw() as u8,
        1 if place < stream.len() => stream[place] ^= 1 << random.below(8),
        2 => stream.insert(place, random.draw() as u8),
        3 if place < stream.len() => drop(stream.remove(place)),
        _ => stream.truncate(place),
    }
}

fn read_client(mut rest: &[u8]) -> u64 {
    let (mut decoder, mut encoder, mut again) = (Decoder::default(), Encoder::default(), Decoder::default());
    let mut understood = 0;
    while let Ok(Split::Frame(bytes, taken)) = framing::split(rest, CLIENT_FRAME_BYTES_MAX) {
        rest = &rest[taken..];
        let Ok(frame) = decoder.client(bytes) else { break };
        understood += 1;
        // Spelt out where the peer used numbers, a frame may become too long to be said again.
        let mut said = Vec::new();
        if encoder.client(&frame, &mut said).is_ok() {
            assert_eq!(again.client(&said), Ok(frame));
        }
    }
    understood
}

fn read_server(mut rest: &[u8]) -> u64 {
    let (mut decoder, mut encoder, mut again) = (Decoder::default(), Encoder::default(), Decoder::default());
    let mut understood = 0;
    while let Ok(Split::Frame(bytes, taken)) = framing::split(rest, FRAME_BYTES_MAX) {
        rest = &rest[taken..];
        let Ok(frame) = decoder.server(bytes) else { break };
        understood += 1;
        let mut said = Vec::new();
        if encoder.server(&frame, &mut said).is_ok() {
            assert_eq!(again.server(&said), Ok(frame));
        }
    }
    understood
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.draw() % limit
    }
}

/// The CI figure, or what `make torture` asks for.
fn seeds(ci_figure: u64) -> Range<u64> {
    let number = |variable: &str| {
        let text = std::env::var(variable).ok().filter(|text| !text.is_empty())?;
        Some(text.parse::<u64>().unwrap_or_else(|error| panic!("{variable}={text}: {error}")))
    };
    let from = number("ANSER_TORTURE_FROM").unwrap_or(1);
    from..from + number("ANSER_TORTURE_COUNT").unwrap_or(ci_figure)
}
