//! Frames of chat rooms, each as the first of its link.

use anser_protocol::content::Content;
use anser_protocol::frame::chat::Record;
use anser_protocol::frame::room::*;
use anser_protocol::frame::{ClientFrame as Client, ServerFrame as Server};
use anser_protocol::ids::{Position, RoomId};
use anser_protocol::room::{RoomChangeKind, RoomEventKind, RoomRole};

use super::samples::*;
use super::{Vector, client, server};

const ROOM: RoomId = RoomId(10_000_011);

pub fn vectors() -> Vec<Vector> {
    [asked(), told()].into_iter().flatten().collect()
}

fn asked() -> Vec<Vector> {
    let send = |outbox, content| Client::RoomSend(RoomSend { outbox, room: ROOM, content });
    let enter = |request, after, is_again| {
        let (after, extensions) = (Position(after), none());
        Client::RoomEnter(RoomEnter { request, room: ROOM, after, is_again, extensions })
    };
    let members = |request, role, start| {
        Client::RoomMembers(RoomMembers { request, room: ROOM, role, start, count: 200, extensions: none() })
    };
    let change = |request, role, is_given, for_ms| {
        let users = names(&["carol", "dave"]);
        Client::RoomChange(RoomChange { request, room: ROOM, role, is_given, users, for_ms, extensions: none() })
    };
    let leave = |request, extensions| Client::RoomLeave(RoomRequest { request, room: ROOM, extensions });
    let list = |request, start| Client::RoomList(RoomList { request, start, count: 50, extensions: none() });
    let mine = |request, extensions| Client::MyRooms(MyRooms { request, extensions });
    let info = |request, rooms| Client::RoomInfo(RoomInfo { request, rooms, extensions: none() });
    let silence = |request, username: &str| {
        Client::RoomSilence(RoomSilence { request, room: ROOM, username: username.into(), extensions: none() })
    };
    vec![
        client("room_send", "A text to a room.", send(1, Content::text("hello all"))),
        client("room_send_with_extras", "The same with extras.", send(2, with_extras(Content::text("雁")))),
        client("room_enter", "Goes into a room.", enter(50, 0, false)),
        client("room_enter_again", "Comes back to it on a new link.", enter(51, HERE + 70, true)),
        client("room_leave", "Leaves it for good.", leave(52, none())),
        client("room_leave_with_extension", "The same, extended.", leave(53, unknown_extension())),
        client("room_list", "Asks for the app's first rooms.", list(54, 0)),
        client("room_list_further", "Asks for those behind them.", list(55, 50)),
        client("my_rooms", "Asks for the user's rooms.", mine(56, none())),
        client("my_rooms_with_extension", "The same, extended.", mine(57, unknown_extension())),
        client("room_info", "Asks what two rooms are.", info(58, vec![ROOM, RoomId(10_000_012)])),
        client("room_info_none", "Asks for nothing.", info(59, vec![])),
        client("room_members", "Asks who is in a room.", members(60, RoomRole(0), 0)),
        client("room_members_silenced", "Asks who may not speak there.", members(61, RoomRole::SILENCED, 200)),
        client("room_change_admins", "Makes two members admins.", change(62, RoomRole::ADMIN, true, 0)),
        client("room_change_silence", "Silences them for ten minutes.", change(63, RoomRole::SILENCED, true, 600_000)),
        client("room_silence", "Asks whether a user may speak.", silence(64, "carol")),
        client("room_silence_of_another", "The same of another.", silence(65, "dave")),
    ]
}

fn told() -> Vec<Vector> {
    let record = |position, outbox, from: &str, content| Record {
        position: Position(position),
        at_ms: NOW_MS,
        from: from.into(),
        outbox,
        content,
    };
    let deliver = |record| Server::RoomDeliver(RoomDeliver { room: ROOM, record });
    let records = |records| Server::RoomRecords(RoomRecords { room: ROOM, records, extensions: none() });
    let summary = RoomSummary {
        room: ROOM,
        name: "Launch".into(),
        description: "live".into(),
        owner: "alice".into(),
        members: 37,
        members_max: 10_000,
        created_ms: NOW_MS,
    };
    let rooms =
        |request, total, rooms, is_last| Server::Rooms(Rooms { request, total, rooms, is_last, extensions: none() });
    let user = |username: &str, silent_until_ms| RoomUser { username: username.into(), silent_until_ms };
    let users = |request, total, users, is_last| {
        Server::RoomUsers(RoomUsers { request, total, users, is_last, extensions: none() })
    };
    let event = |kind, by: &str, users: &[&str], is_partial| {
        let (by, users, extensions) = (by.into(), names(users), none());
        Server::RoomEvent(RoomEvent { room: ROOM, kind, at_ms: NOW_MS, by, users, is_partial, extensions })
    };
    let changed = |kind| Server::RoomChanged(RoomChanged { room: ROOM, kind, extensions: none() });
    let hello = Content::text("hello all");
    vec![
        server("room_deliver", "A message in a room.", deliver(record(HERE + 80, 0, "bob", hello.clone()))),
        server("room_deliver_image", "An image in a room.", deliver(record(HERE + 81, 0, "carol", image()))),
        server(
            "room_records",
            "The newest two of a room, the second from this device.",
            records(vec![record(HERE + 70, 0, "bob", hello.clone()), record(HERE + 75, 3, "bob", hello)]),
        ),
        server("room_records_none", "Nothing.", records(vec![])),
        server("rooms", "One room of two.", rooms(54, 2, vec![summary], true)),
        server("rooms_none", "No room.", rooms(55, 0, vec![], true)),
        server(
            "room_users",
            "Three members: one may speak, one may not until then, one not until it is lifted.",
            users(60, 3, vec![user("alice", 0), user("bob", NOW_MS), user("carol", u64::MAX)], true),
        ),
        server("room_users_part", "More follow.", users(61, 300, vec![user("dave", 0)], false)),
        server("room_event", "alice silenced bob.", event(RoomEventKind::SILENCED, "alice", &["bob"], false)),
        server(
            "room_event_part",
            "An app server did; more follow.",
            event(RoomEventKind::SILENCED, "", &["bob"], true),
        ),
        server("room_changed", "An app server let the user in.", changed(RoomChangeKind::ADDED)),
        server("room_changed_deleted", "The room is gone.", changed(RoomChangeKind::DELETED)),
    ]
}
