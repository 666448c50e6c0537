//! Why something was not done in a chat room, as a code of the wire.

use anser_protocol::error::ErrorCode;
use anser_storage::outcome::RoomRefusal;

/// What was asked for: each has codes of its own for the same reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedOfRoom {
    Enter,
    Leave,
    AddAdmins,
    RemoveAdmins,
    Blacklist,
    Silence,
}

pub fn of_send(refusal: &RoomRefusal) -> (ErrorCode, String) {
    let code = match refusal {
        RoomRefusal::Unknown => ErrorCode::ROOM_SEND_UNKNOWN,
        RoomRefusal::SenderOutside => ErrorCode::ROOM_SEND_OUTSIDE,
        RoomRefusal::Silenced => ErrorCode::ROOM_SEND_SILENCED,
        // Nothing else stands against a message.
        _ => ErrorCode::SEND_FAILED,
    };
    (code, String::new())
}

/// Code and text; an empty text means the code's own.
pub fn to_wire(refusal: &RoomRefusal, asked: AskedOfRoom) -> (ErrorCode, String) {
    use AskedOfRoom as Asked;
    let named = |code: ErrorCode, name: &str| (code, format!("{}: {name}", code.text()));
    let plain = |code: ErrorCode| (code, String::new());
    match refusal {
        RoomRefusal::Unknown => plain(match asked {
            Asked::Enter | Asked::Silence => ErrorCode::ROOM_UNKNOWN,
            Asked::Leave => ErrorCode::ROOM_LEAVE_UNKNOWN,
            Asked::AddAdmins | Asked::RemoveAdmins => ErrorCode::ROOM_ADMIN_ROOM_UNKNOWN,
            Asked::Blacklist => ErrorCode::ROOM_BLACKLIST_ROOM_UNKNOWN,
        }),
        RoomRefusal::UserUnknown { username } => named(ErrorCode::NO_SUCH_USER, username),
        RoomRefusal::NotInside { username } => match asked {
            Asked::AddAdmins => named(ErrorCode::ROOM_ADMIN_NOT_IN, username),
            Asked::Silence => named(ErrorCode::TARGET_NOT_IN_GROUP, username),
            _ => plain(ErrorCode::ROOM_NOT_IN),
        },
        RoomRefusal::AlreadyInside { .. } => plain(ErrorCode::ROOM_ALREADY_IN),
        RoomRefusal::Full => plain(ErrorCode::ROOM_FULL),
        RoomRefusal::Blocked { .. } => plain(ErrorCode::ROOM_BLOCKED),
        RoomRefusal::OwnerStays => plain(ErrorCode::ROOM_OWNER_STAYS),
        RoomRefusal::NoRight => plain(match asked {
            Asked::RemoveAdmins => ErrorCode::ROOM_UNADMIN_NO_RIGHT,
            Asked::Blacklist => ErrorCode::ROOM_BLACKLIST_NO_RIGHT,
            Asked::Silence => ErrorCode::NOT_PERMITTED,
            _ => ErrorCode::ROOM_ADMIN_NO_RIGHT,
        }),
        RoomRefusal::IsOwner { username } => match asked {
            Asked::Blacklist => plain(ErrorCode::ROOM_BLACKLIST_OWNER),
            Asked::Silence => named(ErrorCode::NOT_PERMITTED, username),
            _ => plain(ErrorCode::ROOM_ADMIN_IS_OWNER),
        },
        RoomRefusal::IsAdmin { username } => match asked {
            Asked::Silence => named(ErrorCode::NOT_PERMITTED, username),
            _ => named(ErrorCode::ROOM_BLACKLIST_ADMIN, username),
        },
        RoomRefusal::AlreadyAdmin { username } => named(ErrorCode::ROOM_ADMIN_ALREADY, username),
        RoomRefusal::NotAdmin { username } => named(ErrorCode::ROOM_UNADMIN_NOT_ADMIN, username),
        RoomRefusal::TooManyAdmins => plain(ErrorCode::ROOM_ADMINS_FULL),
        RoomRefusal::AlreadyBlocked { username } => named(ErrorCode::ROOM_BLACKLIST_ALREADY, username),
        RoomRefusal::NotBlocked { username } => named(ErrorCode::ROOM_BLACKLIST_NOT_LISTED, username),
        RoomRefusal::TooManyBlocked => plain(ErrorCode::ROOM_BLACKLIST_FULL),
        RoomRefusal::NobodyNamed => plain(match asked {
            Asked::AddAdmins | Asked::RemoveAdmins => ErrorCode::ROOM_ADMIN_NOBODY,
            Asked::Blacklist => ErrorCode::ROOM_BLACKLIST_NOBODY,
            _ => ErrorCode::INVALID,
        }),
        // Only of sends.
        RoomRefusal::SenderOutside | RoomRefusal::Silenced => plain(ErrorCode::INTERNAL),
    }
}
