//! Frames about what was read.

use anser_protocol::content::{Content, ContentKind, Notice, NoticeKind};
use anser_protocol::frame::read::{
    MarksMoved, ReadChat, ReadMark, ReadMarks, ReadMessages, Readers, ReadersAsk, Receipt, Receipts, UnreadAsk,
    UnreadCounts,
};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::{GroupId, Position};
use anser_protocol::names::Chat;

use super::samples::*;
use super::{Vector, client, server};

pub fn vectors() -> Vec<Vector> {
    [marks(), receipts(), unread(), bare()].into_iter().flatten().collect()
}

/// With as little in them as can be, and a tag that no version uses.
fn bare() -> Vec<Vector> {
    let (request, extensions) = (24, unknown_extension);
    let (after, to) = (Position(HERE), Position(HERE + 1));
    let readers = Readers { request, unread: names(&["bob"]), extensions: extensions(), ..Readers::default() };
    let counts = UnreadCounts { request, extensions: extensions(), ..UnreadCounts::default() };
    vec![
        client(
            "read_no_marks",
            "No mark.",
            ClientFrame::ReadMarks(ReadMarks { request, marks: vec![], extensions: extensions() }),
        ),
        client(
            "read_no_messages",
            "No message.",
            ClientFrame::ReadMessages(ReadMessages { request, messages: vec![], extensions: extensions() }),
        ),
        client(
            "readers_ask_highest",
            "Of the highest position that there can be.",
            ClientFrame::ReadersAsk(ReadersAsk { request, message: Position((1 << 53) - 1), extensions: extensions() }),
        ),
        client(
            "unread_ask_total",
            "How much is unread in all?",
            ClientFrame::UnreadAsk(UnreadAsk { request, chats: vec![], total: true, extensions: extensions() }),
        ),
        server(
            "marks_moved_none",
            "The run is led on.",
            ServerFrame::MarksMoved(MarksMoved { after, to, marks: vec![], extensions: extensions() }),
        ),
        server("readers_part", "Bob has not read it, and more is to come.", ServerFrame::Readers(readers)),
        server("unread_counts_none", "Nothing is unread.", ServerFrame::UnreadCounts(counts)),
    ]
}

fn with(username: &str) -> ReadChat {
    ReadChat { username: username.into(), group: GroupId(0) }
}

fn in_group() -> ReadChat {
    ReadChat { username: String::new(), group: GROUP }
}

fn both() -> Vec<ReadMark> {
    vec![
        ReadMark { chat: with("bob"), position: Position(HERE + 80) },
        ReadMark { chat: in_group(), position: Position(HERE + 96) },
    ]
}

fn marks() -> Vec<Vector> {
    let (after, to) = (Position(HERE + 64), Position(HERE + 97));
    vec![
        client(
            "read_marks",
            "The chat with bob is read up to 1048656, a group up to 1048672.",
            ClientFrame::ReadMarks(ReadMarks { request: 20, marks: both(), extensions: none() }),
        ),
        server(
            "marks_moved",
            "Another device has read them; the run leads from 1048640 to 1048673.",
            ServerFrame::MarksMoved(MarksMoved { after, to, marks: both(), extensions: none() }),
        ),
    ]
}

fn receipts() -> Vec<Vector> {
    let message = Position(HERE + 80);
    let asked = ReadersAsk { request: 22, message, extensions: none() };
    let receipt = |chat, unread| Receipt { chat, message, unread, at_ms: NOW_MS };
    let receipts = |after, to, receipts| {
        let (after, to) = (Position(after), Position(to));
        ServerFrame::Receipts(Receipts { after, to, receipts, extensions: none() })
    };
    let notice = Notice {
        kind: NoticeKind::OWN_READS,
        detail: 0,
        by: "alice".into(),
        users: Vec::new(),
        group: GroupId(0),
        text: String::new(),
        request: Position(0),
        extensions: none(),
    };
    let notice = notice.with_read_messages(&[message, Position(HERE + 96)]);
    let told = Content { kind: ContentKind::NOTICE, body: notice.to_bytes(), extensions: none() };
    vec![
        client(
            "read_messages",
            "Two messages that asked for receipts were read.",
            ClientFrame::ReadMessages(ReadMessages {
                request: 21,
                messages: vec![message, Position(HERE + 96)],
                extensions: none(),
            }),
        ),
        client("readers_ask", "Who has read message 1048656?", ClientFrame::ReadersAsk(asked)),
        server(
            "receipts_live",
            "Seven members of the group have not read the message.",
            receipts(HERE + 64, HERE + 99, vec![receipt(in_group(), 7)]),
        ),
        server(
            "receipts_in_catch_up",
            "Bob read it meanwhile; the run does not move.",
            receipts(HERE + 64, HERE + 64, vec![receipt(with("bob"), 0)]),
        ),
        server(
            "readers",
            "Bob has read it, carol and dave have not.",
            ServerFrame::Readers(Readers {
                request: 22,
                read: names(&["bob"]),
                unread: names(&["carol", "dave"]),
                is_last: true,
                extensions: none(),
            }),
        ),
        server(
            "notice_own_reads",
            "On another device the user marked messages as read.",
            deliver_in(Chat::Notices, told),
        ),
    ]
}

fn unread() -> Vec<Vector> {
    let chats = vec![with("bob"), in_group()];
    vec![
        client(
            "unread_ask",
            "How much is unread in two chats, and in all?",
            ClientFrame::UnreadAsk(UnreadAsk { request: 23, chats, total: true, extensions: none() }),
        ),
        server(
            "unread_counts",
            "Three and a thousand or more; a muted chat holds two of the total.",
            ServerFrame::UnreadCounts(UnreadCounts {
                request: 23,
                counts: vec![3, 1000],
                total: 1005,
                total_loud: 1003,
                extensions: none(),
            }),
        ),
    ]
}

fn deliver_in(chat: Chat, content: Content) -> ServerFrame {
    deliver(HERE + 97, chat, record(HERE + 100, NOW_MS, "", content))
}
