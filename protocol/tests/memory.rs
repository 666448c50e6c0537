//! What decoding may cost: never more than a small multiple of the frame's own size, whatever lengths it announces.
//!
//! Our crates have no unsafe code, so no allocator that counts; instead the decoded frames are measured, and the sources
//! are checked for lists that would trust an announced length.

use std::mem::size_of;

use anser_protocol::extension::{Extension, Extensions};
use anser_protocol::frame::chat::{Conversation, Record, Window};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::limits::{CLIENT_FRAME_BYTES_MAX, FRAME_BYTES_MAX};
use anser_protocol::{Decoder, Malformed, varint};

/// A server's frame takes at most so many times its length, and as much again while it is read. The worst is a page of
/// empty records with an extension each: 2 MiB for the longest frame. Only a hostile server would send it.
const SERVER_FRAME_FACTOR: usize = 36;
/// A client's frame takes at most so much beside its length. The worst is a list of 1,000 tags.
const CLIENT_FRAME_EXTRA: usize = 32 * 1024;

fn number(value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    varint::write(value as u64, &mut bytes);
    bytes
}

/// A list on the wire: its length, then so many times the same item.
fn list(count: usize, item: &[u8]) -> Vec<u8> {
    [number(count), item.repeat(count)].concat()
}

fn extensions(extensions: &Extensions) -> usize {
    let values: usize = extensions.0.iter().map(|entry| entry.value.capacity()).sum();
    extensions.0.capacity() * size_of::<Extension>() + values
}

fn texts(texts: &[String], capacity: usize) -> usize {
    capacity * size_of::<String>() + texts.iter().map(String::capacity).sum::<usize>()
}

fn records(records: &Vec<Record>) -> usize {
    let one = |record: &Record| {
        let name = record.from.len() + 2 * size_of::<usize>();
        name + record.content.body.capacity() + extensions(&record.content.extensions)
    };
    records.capacity() * size_of::<Record>() + records.iter().map(one).sum::<usize>()
}

fn conversations(rows: &Vec<Conversation>) -> usize {
    let one = |row: &Conversation| {
        let windows = row.windows.capacity() * size_of::<Window>();
        row.name.capacity() + windows + records(&row.newest) + extensions(&row.extensions)
    };
    rows.capacity() * size_of::<Conversation>() + rows.iter().map(one).sum::<usize>()
}

fn server_heap(frame: &ServerFrame) -> usize {
    match frame {
        ServerFrame::CatchUp(page) => conversations(&page.conversations) + extensions(&page.extensions),
        ServerFrame::HistoryPage(page) => records(&page.records) + extensions(&page.extensions),
        ServerFrame::TagList(list) => texts(&list.tags, list.tags.capacity()) + extensions(&list.extensions),
        other => panic!("not measured: {other:?}"),
    }
}

fn client_heap(frame: &ClientFrame) -> usize {
    match frame {
        ClientFrame::Tags(body) => texts(&body.tags, body.tags.capacity()) + extensions(&body.extensions),
        ClientFrame::GroupCreate(body) => texts(&body.members, body.members.capacity()) + extensions(&body.extensions),
        ClientFrame::Logout(body) => extensions(&body.extensions),
        ClientFrame::Send(body) => body.content.body.capacity() + extensions(&body.content.extensions),
        other => panic!("not measured: {other:?}"),
    }
}

/// Steps, sender (the server), outbox, kind, body.
const EMPTY_RECORD: [u8; 6] = [0, 0, 1, 0, 1, 0];
/// One extension without a value, a list of them.
const ONE_EXTENSION: [u8; 3] = [1, 0, 0];

/// A row of the group 10,000,000 and its windows and newest records.
fn row(windows: &[u8], newest: &[u8]) -> Vec<u8> {
    [&[1, 0x80, 0xad, 0xe2, 0x04, 0][..], windows, &[0, 0, 0, 0], newest, &[0]].concat()
}

/// A catch-up with as many of these rows as fit.
fn catch_up(row: &[u8]) -> Vec<u8> {
    let rows = ((FRAME_BYTES_MAX - 10) / row.len()).min(200);
    [&[73, 0, 0, 1][..], &list(rows, row), &[0]].concat()
}

#[test]
fn a_servers_frame_takes_a_small_multiple_of_its_length() {
    let bare = [&EMPTY_RECORD[..], &[0]].concat();
    let extended = [&EMPTY_RECORD[..], &ONE_EXTENSION].concat();
    let frames = [
        ("records", catch_up(&row(&[0], &list(100, &bare)))),
        ("extended records", catch_up(&row(&[0], &list(100, &extended)))),
        ("a record a row", catch_up(&row(&[0], &list(1, &extended)))),
        ("windows", catch_up(&row(&list(150, &[0, 0]), &[0]))),
        ("rows", catch_up(&row(&[0], &[0]))),
        ("history", [&[74, 0, 1, 0x80, 0xad, 0xe2, 0x04][..], &list(100, &extended), &[1, 0]].concat()),
        ("tags", [&[80, 0][..], &list(1000, &[0]), &[0]].concat()),
    ];
    for (name, bytes) in frames {
        assert!(bytes.len() <= FRAME_BYTES_MAX);
        let frame = Decoder::default().server(&bytes).unwrap_or_else(|_| panic!("{name} is no frame"));
        let heap = server_heap(&frame);
        println!("{name}: {} bytes of frame, {heap} of memory: {:.1}", bytes.len(), heap as f64 / bytes.len() as f64);
        assert!(heap <= SERVER_FRAME_FACTOR * bytes.len(), "{name}: {heap} bytes for {}", bytes.len());
    }
}

#[test]
fn a_clients_frame_takes_its_length_and_a_little_more() {
    let long_tag = [&[31][..], &[b'x'; 31]].concat();
    let value = [&[7][..], &number(2000), &[0; 2000]].concat();
    let frames = [
        ("empty tags", [&[17, 0, 1][..], &list(1000, &[0]), &[0]].concat()),
        ("long tags", [&[17, 0, 1][..], &list(1000, &long_tag), &[0]].concat()),
        ("members", [&[10, 0, 0, 0][..], &list(500, &[1, b'm']), &[0]].concat()),
        ("extensions", [&[3, 0][..], &list(16, &[0, 0])].concat()),
        ("long extensions", [&[3, 0][..], &list(16, &value)].concat()),
        ("a long body", [&[6, 1, 0, 1, b'b', 1][..], &number(30_000), &[b'x'; 30_000], &[0]].concat()),
    ];
    for (name, bytes) in frames {
        assert!(bytes.len() <= CLIENT_FRAME_BYTES_MAX, "{name}");
        let frame = Decoder::default().client(&bytes).unwrap_or_else(|_| panic!("{name} is no frame"));
        let heap = client_heap(&frame);
        println!("{name}: {} bytes of frame, {heap} of memory", bytes.len());
        assert!(heap <= bytes.len() + CLIENT_FRAME_EXTRA, "{name}: {heap} bytes for {}", bytes.len());
    }
}

/// Announces 2^32 - 1 of whatever stands there.
const BOMB: [u8; 5] = [0xff, 0xff, 0xff, 0xff, 0x0f];

#[test]
fn an_announced_length_is_not_believed() {
    let client = |head: &[u8]| Decoder::default().client(&[head, &BOMB[..]].concat());
    assert_eq!(client(&[3, 0]), Err(Malformed), "extensions");
    assert_eq!(client(&[3, 0, 1, 0]), Err(Malformed), "an extension's value");
    assert_eq!(client(&[17, 0, 1]), Err(Malformed), "tags");
    assert_eq!(client(&[17, 0, 1, 1]), Err(Malformed), "a tag");
    assert_eq!(client(&[19, 0]), Err(Malformed), "pushes");
    assert_eq!(client(&[6, 1, 0]), Err(Malformed), "a name");
    assert_eq!(client(&[6, 1, 0, 1, b'b', 1]), Err(Malformed), "a message's body");
    let server = |head: &[u8]| Decoder::default().server(&[head, &BOMB[..]].concat());
    assert_eq!(server(&[73, 0, 0, 1]), Err(Malformed), "conversations");
    assert_eq!(server(&[73, 0, 0, 1, 1, 0, 1, b'b', 0]), Err(Malformed), "windows");
    assert_eq!(server(&[73, 0, 0, 1, 1, 0, 1, b'b', 0, 0, 0, 0, 0, 0]), Err(Malformed), "records");
    assert_eq!(server(&[77, 0]), Err(Malformed), "groups");
}

#[test]
fn no_list_of_a_body_is_read_by_a_reader_that_sets_memory_aside() {
    // serde's own reader of a Vec reserves up to 1 MiB for an announced length.
    let sources = [
        include_str!("../src/content.rs"),
        include_str!("../src/extension.rs"),
        include_str!("../src/frame/chat.rs"),
        include_str!("../src/frame/group.rs"),
        include_str!("../src/frame/push.rs"),
        include_str!("../src/frame/session.rs"),
    ];
    let mut lists = 0;
    for source in sources {
        let (mut is_read, mut before) = (false, "");
        for line in source.lines().map(str::trim) {
            if line.starts_with("#[derive(") {
                is_read = line.contains("Deserialize");
            }
            if is_read && line.contains("Vec<") && (line.contains(": ") || line.contains("pub Vec<")) {
                lists += 1;
                let is_bounded =
                    [before, line].iter().any(|text| text.contains("wire::list") || text.contains("wire::bytes"));
                assert!(is_bounded, "read this by wire::list or wire::bytes: {line}");
            }
            if line == "}" {
                is_read = false;
            }
            before = line;
        }
    }
    assert!(lists > 15, "only {lists} lists were found");
}
