//! Values that several vectors share.

use anser_protocol::content::{Content, ContentKind, GroupEvent, GroupEventKind};
use anser_protocol::extension::{Extensions, tag};
use anser_protocol::frame::chat::{Conversation, Deliver, Record, Send, Window};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::{GroupId, Position};
use anser_protocol::names::Chat;

pub const APP_KEY: &str = "6be9204c30b9473e87bad4dc";
pub const REGISTRATION_ID: &str = "1a0018970aabcdef012";
pub const GROUP: GroupId = GroupId(10_000_007);
/// 2026-09-21 14:13:20 UTC.
pub const NOW_MS: u64 = 1_790_000_000_000;
/// Where the log stands in most vectors: the start jumps ahead by 2^20.
pub const HERE: u64 = 1 << 20;

pub fn none() -> Extensions {
    Extensions::default()
}

/// What a reader must skip: a tag that no version uses.
pub fn unknown_extension() -> Extensions {
    Extensions::default().with(40_000, vec![0xca, 0xfe])
}

pub fn with_extras(content: Content) -> Content {
    Content { extensions: content.extensions.with(tag::EXTRAS, br#"{"k":1}"#.to_vec()), ..content }
}

pub fn image() -> Content {
    let body = br#"{"media_id":"q/image/a.jpg","width":640}"#.to_vec();
    Content { kind: ContentKind::IMAGE, body, extensions: none() }
}

/// "alice added carol and dave": an event's body is itself postcard.
pub fn added_event() -> Content {
    let event = GroupEvent {
        kind: GroupEventKind::ADDED,
        by: "alice".into(),
        users: vec!["carol".into(), "dave".into()],
        new_owner: String::new(),
    };
    let body = postcard::to_allocvec(&event).expect("an event can be encoded");
    Content { kind: ContentKind::EVENT, body, extensions: none() }
}

pub fn user(name: &str) -> Chat {
    Chat::User(name.into())
}

pub fn bytes(from: u8) -> [u8; 16] {
    std::array::from_fn(|index| from + index as u8)
}

pub fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub fn send(outbox: u64, chat: Chat, content: Content) -> ClientFrame {
    ClientFrame::Send(Send { outbox, chat, content })
}

pub fn record(position: u64, at_ms: u64, from: &str, content: Content) -> Record {
    Record { position: Position(position), at_ms, from: from.into(), outbox: 0, content }
}

pub fn deliver(after: u64, chat: Chat, record: Record) -> ServerFrame {
    ServerFrame::Deliver(Deliver { after: Position(after), chat, record })
}

pub fn windows(windows: &[(u64, u64)]) -> Vec<Window> {
    windows.iter().map(|(first_seq, last_seq)| Window { first_seq: *first_seq, last_seq: *last_seq }).collect()
}

/// A group with two records, one of them this device's own, and older ones behind a hole.
pub fn group_conversation() -> Conversation {
    let own = Record { outbox: 17, ..record(HERE + 90, NOW_MS + 900, "alice", Content::text("on my way")) };
    Conversation {
        chat: Chat::Group(GROUP),
        name: "climbers".into(),
        windows: windows(&[(1, 40), (52, u64::MAX)]),
        last: Position(HERE + 95),
        last_seq: 120,
        read_mark: Position(HERE + 12),
        newest: vec![record(HERE + 95, NOW_MS + 1500, "carol", Content::text("hurry")), own],
        hole: true,
        extensions: none(),
    }
}

/// A single chat with one record.
pub fn single_conversation() -> Conversation {
    Conversation {
        chat: user("bob"),
        name: String::new(),
        windows: windows(&[(1, u64::MAX)]),
        last: Position(HERE + 80),
        last_seq: 3,
        read_mark: Position(HERE + 80),
        newest: vec![record(HERE + 80, NOW_MS + 200, "bob", Content::text("hi"))],
        hole: false,
        extensions: none(),
    }
}
