//! Writes `vectors.json` and the seeds of the fuzzers: adds what is new in `tests/golden`. It refuses to change a vector that
//! is in the file, unless it is given `--rewrite`, which is for frames that no release has spoken yet.
//!
//! `--release 0.1.0` freezes the vectors of a release in `released/`; `tests/released.rs` holds every later version to them.

#[path = "../tests/golden/mod.rs"]
mod golden;

use std::io;
use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors.json");

fn main() -> ExitCode {
    let text = golden::file::file();
    let mut arguments = std::env::args().skip_while(|argument| argument != "--release");
    if let (Some(_), Some(version)) = (arguments.next(), arguments.next()) {
        return freeze(&version, &text);
    }
    let may_rewrite = std::env::args().any(|argument| argument == "--rewrite");
    let changed = std::fs::read_to_string(PATH).map(|old| changed(&old, &text)).unwrap_or_default();
    if !changed.is_empty() && !may_rewrite {
        eprintln!("these vectors would change or go: {}", changed.join(", "));
        eprintln!("a released body never changes: make a new frame type or an extension, or pass --rewrite");
        return ExitCode::FAILURE;
    }
    match write(&text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot write the vectors and seeds: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Of each vector its direction, name and frames.
fn freeze(version: &str, text: &str) -> ExitCode {
    let file: Value = serde_json::from_str(text).unwrap_or_default();
    let mut frozen = String::new();
    for entry in file["vectors"].as_array().into_iter().flatten() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let frames = entry["frames"].as_array().into_iter().flatten().map(|frame| text(&frame["hex"]));
        let words = [text(&entry["direction"]), text(&entry["name"])].into_iter().chain(frames);
        frozen += &format!("{}\n", words.collect::<Vec<_>>().join(" "));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("released").join(format!("{version}.txt"));
    if path.exists() {
        eprintln!("{version} is released, and its vectors never change");
        return ExitCode::FAILURE;
    }
    let written = std::fs::create_dir_all(path.with_file_name("")).and_then(|()| std::fs::write(&path, frozen));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot write {}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}

fn write(text: &str) -> io::Result<()> {
    std::fs::write(PATH, text)?;
    for (fuzzer, name, stream) in golden::corpus::seeds(text) {
        let folder = Path::new(golden::corpus::FOLDER).join(fuzzer);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(name), stream)?;
    }
    Ok(())
}

/// Names of the old vectors that are not in the new file as they were.
fn changed(old: &str, new: &str) -> Vec<String> {
    let new = entries(new);
    let is_kept =
        |entry: &Value| new.iter().any(|kept| kept["name"] == entry["name"] && kept["frames"] == entry["frames"]);
    entries(old).iter().filter(|entry| !is_kept(entry)).map(|entry| entry["name"].to_string()).collect()
}

fn entries(text: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(text).unwrap_or_default();
    let lists = ["vectors", "accepted", "refused"].map(|list| file[list].as_array().cloned().unwrap_or_default());
    lists.concat()
}
