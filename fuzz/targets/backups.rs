//! Any bytes as a backup: as they are, as the contents of blocks whose sums are right, and behind a header of age.
#![no_main]

use std::sync::LazyLock;

use anserd::backup::age::Identity;
use anserd::backup::contents::Look;
use anserd::backup::{BackupError, file, header, seal};
use libfuzzer_sys::fuzz_target;

/// Of the encrypted one in the corpus.
static KEYS: LazyLock<Vec<Identity>> = LazyLock::new(|| {
    let key = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
    Identity::parse_all(key).expect("a key")
});

fuzz_target!(|bytes: &[u8]| {
    look(bytes);
    look(&blocks(bytes));
});

fn look(bytes: &[u8]) {
    match file::read(bytes, &KEYS, &mut Look) {
        // Memory never fails, so only the end of the bytes can be an error of reading.
        Err(BackupError::Io(error)) => assert_ne!(error.kind(), std::io::ErrorKind::OutOfMemory),
        Err(error) => assert!(!error.to_string().is_empty(), "refused without a word"),
        Ok(summary) => assert!(bytes.len() > summary.end.sha256.len(), "whole without an end"),
    }
}

/// A kind, a length in two bytes and so many bytes, over and over, become blocks that only differ in what they say.
fn blocks(mut bytes: &[u8]) -> Vec<u8> {
    let mut backup = header();
    let mut number = 0;
    while let Some(([kind, low, high], rest)) = bytes.split_first_chunk() {
        let (content, rest) = rest.split_at(rest.len().min(usize::from(u16::from_le_bytes([*low, *high]))));
        backup.extend(seal(number, *kind, content).expect("short"));
        number += 1;
        bytes = rest;
    }
    backup
}
