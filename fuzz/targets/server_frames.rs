//! Any bytes from a server, as the client's end of a stream reads them.
#![no_main]

use anser_protocol::framing::{self, Split};
use anser_protocol::limits::FRAME_BYTES_MAX;
use anser_protocol::{Decoder, Encoder};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|stream: &[u8]| {
    let mut rest = stream;
    let (mut decoder, mut encoder, mut again) = (Decoder::default(), Encoder::default(), Decoder::default());
    while let Ok(Split::Frame(bytes, taken)) = framing::split(rest, FRAME_BYTES_MAX) {
        rest = &rest[taken..];
        let Ok(frame) = decoder.server(bytes) else { return };
        // Spelt out where the peer used numbers, a frame may become too long to be said again.
        let mut said = Vec::new();
        if encoder.server(&frame, &mut said).is_ok() {
            assert_eq!(again.server(&said), Ok(frame));
        }
    }
});
