//! Any frames that an encoder may be asked to write: the other end reads what was said.
#![no_main]

#[path = "../../protocol/tests/any/mod.rs"]
mod any;

use anser_protocol::{Decoder, Encoder};
use any::{Source, client_frame, server_frame};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|choices: &[u8]| {
    let mut source = Source::new(choices);
    let (mut encoder, mut decoder, mut bytes) = (Encoder::default(), Decoder::default(), Vec::new());
    let is_client = source.byte() < 128;
    while !source.is_empty() {
        bytes.clear();
        if is_client {
            let frame = client_frame(&mut source);
            encoder.client(&frame, &mut bytes).expect("a frame of a few hundred bytes");
            assert_eq!(decoder.client(&bytes), Ok(frame));
        } else {
            let frame = server_frame(&mut source);
            encoder.server(&frame, &mut bytes).expect("a frame of a few kilobytes");
            assert_eq!(decoder.server(&bytes), Ok(frame));
        }
    }
});
