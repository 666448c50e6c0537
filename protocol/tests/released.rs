//! What a release said on the wire is understood and said in the same way by every later version.

use std::collections::BTreeMap;
use std::fs;

use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::{Decoder, Encoder};
use data_encoding::HEXLOWER;
use serde_json::Value;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/released");

struct Released {
    version: String,
    is_clients: bool,
    name: String,
    frames: Vec<String>,
}

fn released() -> Vec<Released> {
    let mut all = Vec::new();
    for entry in fs::read_dir(FOLDER).expect("the vectors of the releases are part of the tree") {
        let path = entry.expect("readable").path();
        let version = path.file_stem().expect("a name").to_string_lossy().into_owned();
        for line in fs::read_to_string(&path).expect("readable").lines() {
            let mut words = line.split(' ').map(str::to_owned);
            let (direction, name) = (words.next().expect("a direction"), words.next().expect("a name"));
            let is_clients = direction == "client";
            all.push(Released { version: version.clone(), is_clients, name, frames: words.collect() });
        }
    }
    all
}

#[test]
fn the_version_of_this_tree_has_its_vectors() {
    let version = env!("CARGO_PKG_VERSION");
    let of_this = released().iter().filter(|vector| vector.version == version).count();
    assert!(of_this > 100, "a release freezes its vectors: cargo run --example vectors -- --release {version}");
}

#[test]
fn no_vector_of_a_release_was_changed_or_dropped() {
    let file: Value = serde_json::from_str(include_str!("../vectors.json")).expect("JSON");
    let current: BTreeMap<&str, &Value> = file["vectors"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| (entry["name"].as_str().expect("a text"), &entry["frames"]))
        .collect();
    for Released { version, name, frames, .. } in released() {
        let now = current.get(name.as_str()).unwrap_or_else(|| panic!("{name} of {version} is gone"));
        let now: Vec<&str> = now.as_array().expect("a list").iter().filter_map(|frame| frame["hex"].as_str()).collect();
        assert_eq!(now, frames, "{name} of {version}: a released body never changes");
    }
}

#[test]
fn what_a_release_said_is_decoded_and_said_again_byte_for_byte() {
    for Released { version, is_clients, name, frames } in released() {
        let (mut decoder, mut encoder) = (Decoder::default(), Encoder::default());
        for hex in frames {
            let bytes = HEXLOWER.decode(hex.as_bytes()).expect("hexadecimal digits");
            let mut again = Vec::new();
            let said = match is_clients {
                true => decoder.client(&bytes).map(|frame| {
                    assert!(!matches!(frame, ClientFrame::Unknown(_)), "{name} of {version} is not known any more");
                    encoder.client(&frame, &mut again)
                }),
                false => decoder.server(&bytes).map(|frame| {
                    assert!(!matches!(frame, ServerFrame::Unknown(_)), "{name} of {version} is not known any more");
                    encoder.server(&frame, &mut again)
                }),
            };
            assert_eq!(said, Ok(Ok(())), "{name} of {version}");
            assert_eq!(again, bytes, "{name} of {version}");
        }
    }
}
