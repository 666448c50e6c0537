//! Any bytes from a client, as the server's end of a stream reads them.
#![no_main]

use anser_protocol::framing::{self, Split};
use anser_protocol::limits::CLIENT_FRAME_BYTES_MAX;
use anser_protocol::{Decoder, Encoder};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|stream: &[u8]| {
    let mut rest = stream;
    let (mut decoder, mut encoder, mut again) = (Decoder::default(), Encoder::default(), Decoder::default());
    while let Ok(Split::Frame(bytes, taken)) = framing::split(rest, CLIENT_FRAME_BYTES_MAX) {
        rest = &rest[taken..];
        let Ok(frame) = decoder.client(bytes) else { return };
        // Spelt out where the peer used numbers, a frame may become too long to be said again.
        let mut said = Vec::new();
        if encoder.client(&frame, &mut said).is_ok() {
            assert_eq!(again.client(&said), Ok(frame));
        }
    }
});
