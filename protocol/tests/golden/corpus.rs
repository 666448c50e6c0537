//! The vectors as seeds of the fuzzers: for each one a stream of its frames with their lengths.

use anser_protocol::framing;
use data_encoding::HEXLOWER;
use serde_json::Value;

/// Where the seeds lie.
pub const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus");

/// Fuzzer, name and bytes of each seed that the text of `vectors.json` gives.
pub fn seeds(file: &str) -> Vec<(&'static str, String, Vec<u8>)> {
    let file: Value = serde_json::from_str(file).expect("vectors.json is JSON");
    let lists = ["vectors", "accepted", "refused"].map(|list| file[list].as_array().cloned().unwrap_or_default());
    lists.concat().iter().map(seed).collect()
}

fn seed(entry: &Value) -> (&'static str, String, Vec<u8>) {
    let fuzzer = if entry["direction"] == "client" { "client_frames" } else { "server_frames" };
    let mut stream = Vec::new();
    for frame in entry["frames"].as_array().expect("a list of frames") {
        let bytes = HEXLOWER.decode(frame["hex"].as_str().unwrap_or_default().as_bytes()).expect("hexadecimal digits");
        framing::append::<()>(&mut stream, |out| {
            out.extend_from_slice(&bytes);
            Ok(())
        })
        .expect("copying does not fail");
    }
    (fuzzer, entry["name"].as_str().expect("a vector has a name").to_owned(), stream)
}
