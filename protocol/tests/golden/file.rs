//! The text of `vectors.json`.

use anser_protocol::frame::{ClientFrame, ServerFrame, VERSION};
use anser_protocol::{Encoder, framing, varint};
use data_encoding::HEXLOWER;

use super::json::quoted;
use super::{Accepted, Frames, Refused, Vector, json};

const ABOUT: [&str; 6] = [
    "Golden vectors of the Anser link; PROTOCOL.md explains the format and how to use this file.",
    "vectors: encode the bodies in order with a fresh encoder for each vector and compare with hex; decode hex in order \
     with a fresh decoder and compare with the bodies. hex is type and body of one frame; stream is all frames of the \
     vector with their lengths.",
    "accepted: decode only; no encoder writes these.",
    "refused: the last frame of each must be refused as malformed; those before it are fine.",
    "In bodies, bytes are hexadecimal digits, a chat is {user} or {group}, an absent option is null, and positions, times \
     and references are resolved.",
    "Vectors are only ever added.",
];

/// The whole file, the same for the same list.
pub fn file() -> String {
    let about = ABOUT.map(|line| format!("    {}", quoted(line)));
    format!(
        "{{\n  \"protocol\": {VERSION},\n  \"about\": {},\n  \"vectors\": {},\n  \"accepted\": {},\n  \"refused\": {}\n}}\n",
        list(&about, "  "),
        list(&super::vectors().iter().map(vector).collect::<Vec<_>>(), "  "),
        list(&super::accepted().iter().map(accepted).collect::<Vec<_>>(), "  "),
        list(&super::refused().iter().map(refused).collect::<Vec<_>>(), "  "),
    )
}

/// Type and body of a frame, as the next one of its link.
pub fn client_bytes(encoder: &mut Encoder, frame: &ClientFrame) -> Vec<u8> {
    let mut bytes = Vec::new();
    encoder.client(frame, &mut bytes).expect("golden frames are short");
    bytes
}

pub fn server_bytes(encoder: &mut Encoder, frame: &ServerFrame) -> Vec<u8> {
    let mut bytes = Vec::new();
    encoder.server(frame, &mut bytes).expect("golden frames are short");
    bytes
}

/// What the file says of one frame.
pub fn client_frame(bytes: &[u8], frame: &ClientFrame) -> String {
    shown(bytes, ClientFrame::TYPES, &json::client(frame))
}

pub fn server_frame(bytes: &[u8], frame: &ServerFrame) -> String {
    shown(bytes, ServerFrame::TYPES, &json::server(frame))
}

fn shown(bytes: &[u8], types: &[(u64, &str)], body: &str) -> String {
    let varint::Read::Value(number, _) = varint::read(bytes) else { panic!("a golden frame has a type") };
    let name = types.iter().find(|(known, _)| *known == number).map_or("Unknown", |(_, name)| name);
    let hex = HEXLOWER.encode(bytes);
    format!(r#"{{"hex":"{hex}","type":{number},"name":"{name}","body":{body}}}"#)
}

fn vector(vector: &Vector) -> String {
    let mut encoder = Encoder::default();
    let (direction, frames): (_, Vec<(Vec<u8>, String)>) = match &vector.frames {
        Frames::Client(frames) => {
            let shown = frames.iter().map(|frame| {
                let bytes = client_bytes(&mut encoder, frame);
                let text = client_frame(&bytes, frame);
                (bytes, text)
            });
            ("client", shown.collect())
        }
        Frames::Server(frames) => {
            let shown = frames.iter().map(|frame| {
                let bytes = server_bytes(&mut encoder, frame);
                let text = server_frame(&bytes, frame);
                (bytes, text)
            });
            ("server", shown.collect())
        }
    };
    let (bytes, texts): (Vec<Vec<u8>>, Vec<String>) = frames.into_iter().unzip();
    let stream = vector.is_stream.then(|| stream(&bytes));
    entry(vector.name, direction, vector.meaning, stream, &texts)
}

fn stream(frames: &[Vec<u8>]) -> String {
    let mut stream = Vec::new();
    for frame in frames {
        framing::append::<()>(&mut stream, |out| {
            out.extend_from_slice(frame);
            Ok(())
        })
        .expect("copying does not fail");
    }
    HEXLOWER.encode(&stream)
}

fn accepted(accepted: &Accepted) -> String {
    let bytes = accepted.hex.iter().map(|hex| HEXLOWER.decode(hex.as_bytes()).expect("hexadecimal digits"));
    let (direction, frames): (_, Vec<String>) = match &accepted.frames {
        Frames::Client(frames) => ("client", bytes.zip(frames).map(|(b, frame)| client_frame(&b, frame)).collect()),
        Frames::Server(frames) => ("server", bytes.zip(frames).map(|(b, frame)| server_frame(&b, frame)).collect()),
    };
    entry(accepted.name, direction, accepted.meaning, None, &frames)
}

fn refused(refused: &Refused) -> String {
    let frames: Vec<String> = refused.hex.iter().map(|hex| format!(r#"{{"hex":"{hex}"}}"#)).collect();
    entry(refused.name, refused.direction, refused.meaning, None, &frames)
}

fn entry(name: &str, direction: &str, meaning: &str, stream: Option<String>, frames: &[String]) -> String {
    let stream = stream.map(|hex| format!("      \"stream\": \"{hex}\",\n")).unwrap_or_default();
    let frames: Vec<String> = frames.iter().map(|frame| format!("        {frame}")).collect();
    format!(
        "    {{\n      \"name\": \"{name}\",\n      \"direction\": \"{direction}\",\n      \"meaning\": {},\n{stream}      \
         \"frames\": {}\n    }}",
        quoted(meaning),
        list(&frames, "      "),
    )
}

/// Items that are already indented, one below the other.
fn list(items: &[String], indent: &str) -> String {
    format!("[\n{}\n{indent}]", items.join(",\n"))
}
