//! The frames of chat rooms in the matrix of walls: what each caller is told who names the owner's room.

use anser_protocol::content::Content;
use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::room::{
    MyRooms, RoomChange, RoomEnter, RoomInfo, RoomList, RoomMembers, RoomRequest, RoomSend, RoomSilence,
};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::{Position, RoomId};
use anser_protocol::room::RoomRole;

use crate::frame_walls::{REQUEST, Told};

pub fn is_of_room(frame: &ClientFrame) -> bool {
    matches!(
        frame,
        ClientFrame::RoomSend(_)
            | ClientFrame::RoomEnter(_)
            | ClientFrame::RoomLeave(_)
            | ClientFrame::RoomList(_)
            | ClientFrame::MyRooms(_)
            | ClientFrame::RoomInfo(_)
            | ClientFrame::RoomMembers(_)
            | ClientFrame::RoomChange(_)
            | ClientFrame::RoomSilence(_)
    )
}

pub fn told_without_login(frame: &ClientFrame) -> Told {
    match frame {
        ClientFrame::RoomSend(_) => Told::Refused(ErrorCode::NOT_LOGGED_IN),
        _ => Told::Failed(ErrorCode::NOT_LOGGED_IN),
    }
}

/// A user of another app.
pub fn told_stranger(frame: &ClientFrame) -> Told {
    match frame {
        ClientFrame::RoomSend(_) => Told::Refused(ErrorCode::ROOM_SEND_UNKNOWN),
        ClientFrame::RoomLeave(_) => Told::Failed(ErrorCode::ROOM_LEAVE_UNKNOWN),
        ClientFrame::RoomChange(change) => Told::Failed(match change.role {
            RoomRole::ADMIN => ErrorCode::ROOM_ADMIN_ROOM_UNKNOWN,
            RoomRole::BLOCKED => ErrorCode::ROOM_BLACKLIST_ROOM_UNKNOWN,
            _ => ErrorCode::ROOM_UNKNOWN,
        }),
        ClientFrame::RoomList(_) | ClientFrame::MyRooms(_) | ClientFrame::RoomInfo(_) => Told::Own(no_room),
        _ => Told::Failed(ErrorCode::ROOM_UNKNOWN),
    }
}

/// A user of the same app who is not in the room: rooms are no secret, and who is in them is.
pub fn told_outsider(frame: &ClientFrame) -> Told {
    match frame {
        ClientFrame::RoomSend(_) => Told::Refused(ErrorCode::ROOM_SEND_OUTSIDE),
        ClientFrame::RoomEnter(enter) if !enter.is_again => Told::Own(is_done),
        ClientFrame::RoomChange(change) => Told::Failed(match change.role {
            RoomRole::ADMIN => ErrorCode::ROOM_ADMIN_NO_RIGHT,
            RoomRole::BLOCKED => ErrorCode::ROOM_BLACKLIST_NO_RIGHT,
            _ => ErrorCode::NOT_PERMITTED,
        }),
        ClientFrame::RoomList(_) | ClientFrame::RoomInfo(_) => Told::Own(one_room),
        // By the frames before they went in, and out again.
        ClientFrame::MyRooms(_) => Told::Own(no_room),
        ClientFrame::RoomLeave(_) => Told::Own(is_done),
        _ => Told::Failed(ErrorCode::ROOM_NOT_IN),
    }
}

fn is_done(frame: &ServerFrame) -> bool {
    matches!(frame, ServerFrame::Done(_))
}

fn no_room(frame: &ServerFrame) -> bool {
    matches!(frame, ServerFrame::Rooms(rooms) if rooms.rooms.is_empty() && rooms.total == 0)
}

fn one_room(frame: &ServerFrame) -> bool {
    matches!(frame, ServerFrame::Rooms(rooms) if rooms.rooms.len() == 1)
}

/// All ways in which a frame of this type names the room; nothing for a type that is none of a room.
pub fn frames_of(name: &str, room: RoomId) -> Option<Vec<ClientFrame>> {
    let (request, extensions) = (REQUEST, Extensions::default);
    let users = || vec!["owners-user".to_owned()];
    Some(match name {
        "RoomSend" => {
            let content = Content::text("said in a room");
            vec![ClientFrame::RoomSend(RoomSend { outbox: 1, room, content })]
        }
        "RoomEnter" => [true, false]
            .map(|is_again| {
                let after = Position::START;
                ClientFrame::RoomEnter(RoomEnter { request, room, after, is_again, extensions: extensions() })
            })
            .into(),
        "RoomLeave" => vec![ClientFrame::RoomLeave(RoomRequest { request, room, extensions: extensions() })],
        "RoomList" => {
            vec![ClientFrame::RoomList(RoomList { request, start: 0, count: 100, extensions: extensions() })]
        }
        "MyRooms" => vec![ClientFrame::MyRooms(MyRooms { request, extensions: extensions() })],
        "RoomInfo" => {
            vec![ClientFrame::RoomInfo(RoomInfo { request, rooms: vec![room], extensions: extensions() })]
        }
        "RoomMembers" => [RoomRole(0), RoomRole::ADMIN, RoomRole::BLOCKED, RoomRole::SILENCED]
            .map(|role| {
                let (start, count) = (0, 100);
                ClientFrame::RoomMembers(RoomMembers { request, room, role, start, count, extensions: extensions() })
            })
            .into(),
        "RoomChange" => [RoomRole::ADMIN, RoomRole::BLOCKED, RoomRole::SILENCED]
            .map(|role| {
                let (is_given, for_ms) = (true, if role == RoomRole::SILENCED { 600_000 } else { 0 });
                let change =
                    RoomChange { request, room, role, is_given, users: users(), for_ms, extensions: extensions() };
                ClientFrame::RoomChange(change)
            })
            .into(),
        "RoomSilence" => {
            let username = "owners-user".to_owned();
            vec![ClientFrame::RoomSilence(RoomSilence { request, room, username, extensions: extensions() })]
        }
        _ => return None,
    })
}
