//! `vectors.json` and the codec agree, both ways, and the file covers every frame.

mod golden;

use std::collections::{BTreeMap, BTreeSet};

use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::framing::{self, Split};
use anser_protocol::limits::FRAME_BYTES_MAX;
use anser_protocol::{Decoder, Encoder, Malformed};
use data_encoding::HEXLOWER;
use serde_json::Value;

use golden::Frames;
use golden::file::{client_bytes, client_frame, server_bytes, server_frame};

const FILE: &str = include_str!("../vectors.json");

const ADVICE: &str = "A released body never changes: make a new frame type or an extension instead. New vectors are added \
                      by `cargo run -p anser-protocol --example vectors`.";

fn entries(list: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(FILE).expect("vectors.json is JSON");
    file[list].as_array().expect("a list of vectors").clone()
}

fn entry<'a>(entries: &'a [Value], name: &str) -> &'a Value {
    entries
        .iter()
        .find(|entry| entry["name"] == name)
        .unwrap_or_else(|| panic!("{name} is not in vectors.json. {ADVICE}"))
}

fn hex_of(frame: &Value) -> Vec<u8> {
    HEXLOWER.decode(frame["hex"].as_str().expect("hex is a text").as_bytes()).expect("hexadecimal digits")
}

/// Bytes of each frame of an entry, and what the file says of it.
fn frames_of(entry: &Value) -> Vec<(Vec<u8>, &Value)> {
    entry["frames"].as_array().expect("a list of frames").iter().map(|frame| (hex_of(frame), frame)).collect()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("a frame is shown as JSON")
}

#[test]
fn every_frame_is_encoded_as_the_file_says() {
    let entries = entries("vectors");
    for vector in golden::vectors() {
        let mut encoder = Encoder::default();
        let written: Vec<Vec<u8>> = match &vector.frames {
            Frames::Client(frames) => frames.iter().map(|frame| client_bytes(&mut encoder, frame)).collect(),
            Frames::Server(frames) => frames.iter().map(|frame| server_bytes(&mut encoder, frame)).collect(),
        };
        let expected: Vec<Vec<u8>> =
            frames_of(entry(&entries, vector.name)).into_iter().map(|(bytes, _)| bytes).collect();
        assert_eq!(written, expected, "{}: {ADVICE}", vector.name);
    }
}

#[test]
fn every_frame_of_the_file_is_decoded_as_it_says() {
    let entries = [entries("vectors"), entries("accepted")].concat();
    let vectors = golden::vectors().into_iter().map(|vector| (vector.name, vector.frames));
    let accepted = golden::accepted().into_iter().map(|accepted| (accepted.name, accepted.frames));
    for (name, frames) in vectors.chain(accepted) {
        let mut decoder = Decoder::default();
        let shown = frames_of(entry(&entries, name));
        match frames {
            Frames::Client(frames) => {
                assert_eq!(frames.len(), shown.len(), "{name}");
                for (frame, (bytes, value)) in frames.into_iter().zip(shown) {
                    assert_eq!(parsed(&client_frame(&bytes, &frame)), *value, "{name}: {ADVICE}");
                    assert_eq!(decoder.client(&bytes), Ok(frame), "{name}");
                }
            }
            Frames::Server(frames) => {
                assert_eq!(frames.len(), shown.len(), "{name}");
                for (frame, (bytes, value)) in frames.into_iter().zip(shown) {
                    assert_eq!(parsed(&server_frame(&bytes, &frame)), *value, "{name}: {ADVICE}");
                    assert_eq!(decoder.server(&bytes), Ok(frame), "{name}");
                }
            }
        }
    }
}

#[test]
fn what_must_be_refused_is_refused_and_nothing_before_it() {
    for entry in entries("refused") {
        let mut decoder = Decoder::default();
        let mut decode = |bytes: &[u8]| match entry["direction"] == "client" {
            true => decoder.client(bytes).map(|_| ()),
            false => decoder.server(bytes).map(|_| ()),
        };
        let frames = frames_of(&entry);
        let ((last, _), before) = frames.split_last().expect("at least one frame");
        assert!(before.iter().all(|(bytes, _)| decode(bytes).is_ok()), "{}", entry["name"]);
        assert_eq!(decode(last), Err(Malformed), "{}", entry["name"]);
    }
}

#[test]
fn a_stream_is_the_vectors_frames_with_their_lengths() {
    let entries = entries("vectors");
    let streams: Vec<&Value> = entries.iter().filter(|entry| entry["stream"].is_string()).collect();
    assert!(streams.len() >= 3);
    for entry in streams {
        let stream = HEXLOWER.decode(entry["stream"].as_str().expect("a text").as_bytes()).expect("hexadecimal digits");
        let mut rest = stream.as_slice();
        for (bytes, _) in frames_of(entry) {
            let Ok(Split::Frame(frame, taken)) = framing::split(rest, FRAME_BYTES_MAX) else {
                panic!("{}", entry["name"])
            };
            assert_eq!(frame, bytes);
            rest = &rest[taken..];
        }
        assert!(rest.is_empty());
    }
}

#[test]
fn every_frame_type_has_at_least_two_vectors() {
    let mut shapes: BTreeMap<(String, u64), BTreeSet<Vec<u8>>> = BTreeMap::new();
    for entry in entries("vectors") {
        for (bytes, frame) in frames_of(&entry) {
            let direction = entry["direction"].as_str().expect("a text").to_owned();
            let number = frame["type"].as_u64().expect("a number");
            shapes.entry((direction, number)).or_default().insert(bytes);
        }
    }
    let clients = ClientFrame::TYPES.iter().map(|known| ("client", known));
    let servers = ServerFrame::TYPES.iter().map(|known| ("server", known));
    for (direction, (number, name)) in clients.chain(servers) {
        // A heartbeat has one shape only.
        let least = if ["Ping", "Pong"].contains(name) { 1 } else { 2 };
        let found = shapes.get(&(direction.to_owned(), *number)).map_or(0, BTreeSet::len);
        assert!(found >= least, "{name}: {found} vectors");
    }
}

#[test]
fn the_file_is_what_the_example_writes() {
    assert!(FILE == golden::file::file(), "vectors.json differs from the list in tests/golden. {ADVICE}");
    let mut names = BTreeSet::new();
    for list in ["vectors", "accepted", "refused"] {
        for entry in entries(list) {
            assert!(names.insert(entry["name"].to_string()), "{} is there twice", entry["name"]);
        }
    }
}

#[test]
fn every_vector_is_a_seed_of_the_fuzzers() {
    for (fuzzer, name, stream) in golden::corpus::seeds(FILE) {
        let file = std::path::Path::new(golden::corpus::FOLDER).join(fuzzer).join(&name);
        assert!(std::fs::read(&file).is_ok_and(|seed| seed == stream), "{}: {ADVICE}", file.display());
    }
}
