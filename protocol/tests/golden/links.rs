//! Frames that follow each other on one link: names become numbers, positions and times become steps.

use anser_protocol::content::{Content, Notification, Platform, PushContent};
use anser_protocol::error::ErrorCode;
use anser_protocol::frame::chat::{Ack, CatchUp, Covered, HistoryPage, Sent};
use anser_protocol::frame::push::{PushAck, PushDeliver};
use anser_protocol::frame::session::{CredentialKind, GoAway, Hello, LoggedIn, Login, Welcome};
use anser_protocol::frame::{ClientFrame as Client, ServerFrame as Server};
use anser_protocol::ids::Position;
use anser_protocol::limits::NAMES_PER_LINK;
use anser_protocol::names::Chat;

use super::samples::*;
use super::{Frames, Vector};

pub fn vectors() -> Vec<Vector> {
    vec![
        Vector {
            name: "session_client",
            meaning: "The worked example of PROTOCOL.md, what the client says: a new device, a login, a message, \
                      acknowledgements, a heartbeat.",
            frames: Frames::Client(session_client()),
            is_stream: true,
        },
        Vector {
            name: "session_server",
            meaning: "The worked example of PROTOCOL.md, what the server says.",
            frames: Frames::Server(session_server()),
            is_stream: true,
        },
        Vector {
            name: "chats_become_numbers",
            meaning: "The first chat takes slot 0 (reference 8), the second slot 1; each direction has its own table, and \
                      history requests use it too.",
            frames: Frames::Client(chats_become_numbers()),
            is_stream: false,
        },
        Vector {
            name: "chats_wrap_around",
            meaning: "The table holds 64 chats. The 65th takes slot 0, so the first must be introduced again (it takes \
                      slot 1), while the third is still known as slot 2.",
            frames: Frames::Client(chats_wrap_around()),
            is_stream: false,
        },
        Vector {
            name: "long_names_get_no_number",
            meaning: "A name of 129 bytes is spelt out each time; the next name takes slot 0.",
            frames: Frames::Client(long_names()),
            is_stream: false,
        },
        Vector {
            name: "deliveries_step",
            meaning: "Positions and times as differences to the frame before, forwards and backwards; senders as peer, \
                      myself, server and number; a sender's number is the same in every chat.",
            frames: Frames::Server(deliveries_step()),
            is_stream: true,
        },
        Vector {
            name: "senders_wrap_around",
            meaning: "65 senders in one group; the first must be introduced again.",
            frames: Frames::Server(senders_wrap_around()),
            is_stream: false,
        },
        Vector {
            name: "pages_share_names_and_times",
            meaning: "A catch-up introduces names that the history page and the delivery behind it use. Positions inside a \
                      page count from the page's own start; times go on from frame to frame.",
            frames: Frames::Server(pages_share_names_and_times()),
            is_stream: false,
        },
        Vector {
            name: "another_user_logs_in",
            meaning: "From the second LoggedIn on, myself is bob; names, positions and times go on.",
            frames: Frames::Server(another_user_logs_in()),
            is_stream: false,
        },
    ]
}

fn session_client() -> Vec<Client> {
    vec![
        Client::Hello(Hello {
            version_min: 1,
            version_max: 1,
            capabilities: 0,
            app_key: APP_KEY.into(),
            registration_id: String::new(),
            secret: bytes(0x10),
            nonce: bytes(0xa0).to_vec(),
            platform: Platform::DESKTOP,
            push_cursor: None,
            extensions: none(),
        }),
        Client::Login(Login {
            request: 1,
            username: "alice".into(),
            credential_kind: CredentialKind::PASSWORD,
            credential: b"wonderland".to_vec(),
            cursor: None,
            extensions: none(),
        }),
        Client::Ack(Ack { position: Position(HERE + 80) }),
        send(1, user("bob"), Content::text("hello bob")),
        send(2, user("bob"), Content::text("are you there?")),
        Client::Ack(Ack { position: Position(HERE + 93) }),
        Client::PushAck(PushAck {
            position: Position(HERE + 95),
            received: vec![Position(HERE + 94)],
            extensions: none(),
        }),
        Client::Ping,
    ]
}

fn session_server() -> Vec<Server> {
    let notification = Notification { alert: "Ferry at 9".into(), ..Notification::default() };
    vec![
        Server::Welcome(Welcome {
            version: 1,
            capabilities: 0,
            registration_id: REGISTRATION_ID.into(),
            outbox_head: 0,
            server_time_ms: NOW_MS,
            heartbeat_s: 120,
            heartbeat_min_s: 60,
            heartbeat_max_s: 300,
            extensions: none(),
        }),
        logged_in("alice"),
        Server::CatchUp(CatchUp {
            after: Position(0),
            to: Position(HERE + 80),
            is_last: true,
            conversations: vec![single_conversation()],
            extensions: none(),
        }),
        Server::Sent(Sent { outbox: 1, position: Position(HERE + 90), at_ms: NOW_MS + 5000 }),
        Server::Sent(Sent { outbox: 2, position: Position(HERE + 91), at_ms: NOW_MS + 5400 }),
        deliver(HERE + 80, user("bob"), record(HERE + 93, NOW_MS + 9000, "bob", Content::text("yes!"))),
        Server::PushDeliver(PushDeliver {
            after: Position(0),
            position: Position(HERE + 95),
            msg_id: Position(HERE + 94),
            at_ms: NOW_MS + 12_000,
            content: PushContent { notification: Some(notification), message: None },
            extensions: none(),
        }),
        Server::Pong,
        Server::GoAway(GoAway {
            code: ErrorCode::SHUTTING_DOWN,
            retry_after_ms: 2000,
            message: ErrorCode::SHUTTING_DOWN.text().into(),
            extensions: none(),
        }),
    ]
}

fn logged_in(username: &str) -> Server {
    let (username, token) = (username.into(), (0..32).collect());
    Server::LoggedIn(LoggedIn { request: 1, username, token, extensions: none() })
}

fn chats_become_numbers() -> Vec<Client> {
    let history = anser_protocol::frame::chat::History {
        request: 1,
        chat: Chat::Group(GROUP),
        before: Position(HERE),
        after: Position(0),
        limit: 20,
    };
    vec![
        send(1, user("bob"), Content::text("one")),
        send(2, Chat::Group(GROUP), Content::text("two")),
        send(3, user("bob"), Content::text("three")),
        send(4, Chat::Group(GROUP), Content::text("four")),
        Client::History(history),
    ]
}

fn chats_wrap_around() -> Vec<Client> {
    let names = (0..=NAMES_PER_LINK).chain([0, 2, 0]);
    (1..).zip(names).map(|(outbox, name)| send(outbox, user(&format!("user{name}")), Content::text("x"))).collect()
}

fn long_names() -> Vec<Client> {
    let long = "n".repeat(129);
    let chats = [&long, "bob", &long, "bob"];
    (1..).zip(chats).map(|(outbox, name)| send(outbox, user(name), Content::text("x"))).collect()
}

fn deliveries_step() -> Vec<Server> {
    let group = || Chat::Group(GROUP);
    let text = Content::text;
    vec![
        logged_in("alice"),
        Server::Covered(Covered { after: Position(0), to: Position(HERE) }),
        deliver(HERE, user("bob"), record(HERE + 10, NOW_MS, "bob", text("from the peer"))),
        deliver(HERE + 10, user("bob"), record(HERE + 12, NOW_MS + 70, "alice", text("from another device"))),
        deliver(HERE + 12, group(), record(HERE + 500, NOW_MS + 40, "bob", text("introduced as a sender"))),
        deliver(HERE + 500, group(), record(HERE + 501, NOW_MS + 90, "bob", text("by number"))),
        deliver(HERE + 501, group(), record(HERE + 502, NOW_MS + 90, "", added_event())),
        Server::Sent(Sent { outbox: 1, position: Position(HERE + 600), at_ms: NOW_MS + 100 }),
        deliver(HERE + 502, user("carol"), record(HERE + 590, NOW_MS + 99, "carol", text("below the answer before"))),
        Server::Covered(Covered { after: Position(HERE + 590), to: Position(HERE + 640) }),
        deliver(HERE + 640, group(), record(HERE + 650, NOW_MS + 200, "carol", text("not the peer here"))),
        deliver(HERE + 640, group(), record(HERE + 660, NOW_MS + 210, "carol", text("after a gap backwards"))),
        deliver(HERE + 670, group(), record(HERE + 680, NOW_MS + 220, "carol", text("after a gap forwards"))),
    ]
}

fn senders_wrap_around() -> Vec<Server> {
    let senders = (0..=NAMES_PER_LINK as u64).chain([0, 2]);
    (1..)
        .zip(senders)
        .map(|(step, sender): (u64, u64)| {
            let record = record(HERE + step, NOW_MS + step, &format!("user{sender}"), Content::text("x"));
            deliver(HERE + step - 1, Chat::Group(GROUP), record)
        })
        .collect()
}

fn pages_share_names_and_times() -> Vec<Server> {
    let older = record(HERE + 40, NOW_MS - 5000, "carol", Content::text("older"));
    let oldest = record(HERE + 20, NOW_MS - 9000, "erin", Content::text("oldest"));
    vec![
        logged_in("alice"),
        Server::CatchUp(CatchUp {
            after: Position(HERE + 12),
            to: Position(HERE + 100),
            is_last: false,
            conversations: vec![group_conversation()],
            extensions: none(),
        }),
        Server::CatchUp(CatchUp {
            after: Position(HERE + 12),
            to: Position(HERE + 100),
            is_last: true,
            conversations: vec![single_conversation()],
            extensions: none(),
        }),
        deliver(HERE + 100, Chat::Group(GROUP), record(HERE + 101, NOW_MS + 2000, "carol", Content::text("live"))),
        Server::HistoryPage(HistoryPage {
            request: 1,
            chat: Chat::Group(GROUP),
            records: vec![older, oldest],
            is_complete: true,
            extensions: none(),
        }),
        deliver(HERE + 101, Chat::Group(GROUP), record(HERE + 110, NOW_MS + 3000, "erin", Content::text("again"))),
    ]
}

fn another_user_logs_in() -> Vec<Server> {
    let caught_up = |to| {
        let (after, to) = (Position(0), Position(to));
        Server::CatchUp(CatchUp { after, to, is_last: true, conversations: vec![], extensions: none() })
    };
    vec![
        logged_in("alice"),
        caught_up(HERE),
        deliver(HERE, user("bob"), record(HERE + 1, NOW_MS, "alice", Content::text("to bob"))),
        logged_in("bob"),
        caught_up(HERE + 2),
        deliver(HERE + 2, user("alice"), record(HERE + 3, NOW_MS + 1, "alice", Content::text("the peer"))),
        deliver(HERE + 3, user("alice"), record(HERE + 4, NOW_MS + 2, "bob", Content::text("myself"))),
    ]
}
