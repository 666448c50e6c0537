//! Why a change was refused, as a code of the IM API.

use anser_storage::command::Target;
use anser_storage::outcome::{Refusal, Relation, RoomRefusal};
use axum::http::StatusCode;

use crate::rest::family::Family;
use crate::rest::fault::Fault;

pub fn of_im(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::Room(reason) => of_room(reason),
        Refusal::UserExists => forbidden(899_001, "user exist"),
        Refusal::UserUnknown { username } | Refusal::MemberUnknown { username } => no_such_user(&username),
        Refusal::SenderUnknown => forbidden(899_002, "no such user: the sender"),
        Refusal::OtherAppUnknown => app_key_unknown(),
        Refusal::AppsNotLinked => foreign_app(),
        Refusal::UserDisabled => forbidden(801_006, "the sender is disabled"),
        Refusal::Blocked => forbidden(803_008, "the sender is in the receiver's blacklist"),
        Refusal::AppServerRefused { message } => forbidden(803_006, message),
        Refusal::OneSelf => super::invalid("a user is named in their own list"),
        Refusal::AdminProtected { username } => forbidden(899_018, format!("admin can not be blacklisted: {username}")),
        Refusal::AlreadySo { relation, name } => already(relation, &name),
        Refusal::NotSo { relation, name } => not_so(relation, &name),
        Refusal::TooManyRelations { relation: Relation::Blocked, username } => {
            forbidden(818_005, format!("the blacklist is full: {username}"))
        }
        Refusal::TooManyRelations { username, .. } => super::invalid(format!("the list is full: {username}")),
        Refusal::GroupUnknown => group_unknown(),
        Refusal::AlreadyAMember { username } => Fault::new(
            StatusCode::BAD_REQUEST,
            899_011,
            format!("repeat to add the members: {username} is in the group"),
        ),
        Refusal::GroupFull => forbidden(899_012, "no enough space for members"),
        Refusal::GroupQuotaFull { username } => forbidden(899_015, format!("user's group quota is full: {username}")),
        Refusal::TooLateToAmend => forbidden(855_001, "it is too late to retract the message"),
        Refusal::NotTheSender => forbidden(855_002, "the user is not the sender of the message"),
        Refusal::MessageUnknown => forbidden(855_003, "there is no such message"),
        Refusal::AlreadyRetracted => already_retracted(),
        Refusal::SensitiveWord { word } => forbidden(803_009, format!("the message has a sensitive word: {word}")),
        Refusal::TooManyWords => super::invalid("there are too many sensitive words"),
        Refusal::NotAMember => forbidden(803_005, "the sender is not in the group"),
        Refusal::Silenced => forbidden(803_012, "the sender is silenced in the group"),
        Refusal::TargetNotInGroup { username } => {
            forbidden(765_001, format!("the target is not in the group: {username}"))
        }
        Refusal::NotPermitted | Refusal::Protected { .. } => {
            forbidden(765_002, "not permitted: the owner of a group cannot be silenced")
        }
        Refusal::Banned { username } => forbidden(810_001, format!("on the blacklist of the group: {username}")),
        Refusal::BadMaximum => super::invalid("the maximum of members is out of range"),
        _ => Family::Im.internal(),
    }
}

fn already(relation: Relation, name: &str) -> Fault {
    match relation {
        Relation::Blocked => forbidden(899_017, format!("users already in blacklist: {name}")),
        Relation::MutedUser => forbidden(899_043, format!("duplicate add user: {name}")),
        Relation::MutedGroup => forbidden(899_047, format!("duplicate add group: {name}")),
        Relation::MutedEverything => forbidden(899_048, "global already open"),
        Relation::Shielded => forbidden(899_052, format!("already shielded: {name}")),
        Relation::Friend => forbidden(899_070, format!("already friend: {name}")),
        // Devices ask; the API makes friends at once.
        Relation::FriendRequest => forbidden(805_002, format!("already asked: {name}")),
    }
}

fn not_so(relation: Relation, name: &str) -> Fault {
    match relation {
        Relation::Blocked => forbidden(899_019, format!("users not in blacklist: {name}")),
        Relation::MutedUser => forbidden(899_044, format!("user not in setting: {name}")),
        Relation::MutedGroup => forbidden(899_049, format!("group not in setting: {name}")),
        Relation::MutedEverything => forbidden(899_050, "global already closed"),
        Relation::Shielded => forbidden(899_053, format!("not shielded: {name}")),
        Relation::Friend => forbidden(899_071, format!("not friend: {name}")),
        Relation::FriendRequest => forbidden(805_006, format!("no request of {name}")),
    }
}

/// Do-not-disturb has codes of its own for groups.
pub fn of_mute(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::GroupUnknown => forbidden(899_045, "group not exist"),
        Refusal::NotAMember => forbidden(899_046, "user not in group"),
        other => of_im(other),
    }
}

/// And shielding has others.
pub fn of_shield(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::GroupUnknown => forbidden(899_051, "group not exist"),
        Refusal::NotAMember => forbidden(842_002, "user not in group"),
        other => of_im(other),
    }
}

/// Whoever is removed as a friend must be one.
pub fn of_unfriending(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::NotSo { relation: Relation::Friend, name } => forbidden(805_003, format!("not friend: {name}")),
        other => of_im(other),
    }
}

/// Removing members: all of them are users, which was looked at before.
pub fn of_removal(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::MemberUnknown { username } => {
            forbidden(899_014, format!("add done, remove failed: {username} is not in the group"))
        }
        other => of_im(other),
    }
}

pub fn no_such_user(username: &str) -> Fault {
    forbidden(899_002, format!("no such user: {username}"))
}

fn app_key_unknown() -> Fault {
    Fault::new(StatusCode::BAD_REQUEST, 899_009, "appkey not exist")
}

fn foreign_app() -> Fault {
    forbidden(899_020, "no auth to operate other appkey")
}

pub fn group_unknown() -> Fault {
    forbidden(899_006, "group id invalid: there is no such group")
}

pub fn not_an_admin() -> Fault {
    forbidden(899_016, "no authority to send message: from_id is not an admin")
}

pub fn too_many_users() -> Fault {
    forbidden(899_013, "user list is bigger than 500")
}

pub fn already_retracted() -> Fault {
    forbidden(855_004, "the message was retracted already")
}

pub fn body_too_long() -> Fault {
    forbidden(803_007, "msg_body has more than 4096 bytes")
}

/// A message to a room that breaks a rule has a code of its own.
pub fn in_target(fault: Fault, target: &Target) -> Fault {
    match (target, fault.code) {
        (Target::Room(_) | Target::RoomOf { .. }, 803_007) => Fault { code: 847_004, ..fault },
        _ => fault,
    }
}

fn of_room(refusal: RoomRefusal) -> Fault {
    match refusal {
        RoomRefusal::Unknown => room_unknown(),
        RoomRefusal::UserUnknown { username } => no_such_user(&username),
        RoomRefusal::NotInside { username } => forbidden(899_082, format!("user not in room: {username}")),
        RoomRefusal::SenderOutside => forbidden(847_001, "the sender is not in the room"),
        RoomRefusal::Silenced => forbidden(847_002, "the sender is muted in the room"),
        RoomRefusal::AlreadyInside { username } => forbidden(851_003, format!("already in the room: {username}")),
        RoomRefusal::Full => forbidden(851_006, "the room is full"),
        RoomRefusal::Blocked { username } => forbidden(851_007, format!("on the room's blacklist: {username}")),
        RoomRefusal::OwnerStays => forbidden(852_004, "the owner may not leave the room"),
        RoomRefusal::NobodyNamed => super::invalid("nobody is named"),
        // Only devices appoint admins and keep blacklists.
        RoomRefusal::NoRight
        | RoomRefusal::IsOwner { .. }
        | RoomRefusal::IsAdmin { .. }
        | RoomRefusal::AlreadyAdmin { .. }
        | RoomRefusal::NotAdmin { .. }
        | RoomRefusal::TooManyAdmins
        | RoomRefusal::AlreadyBlocked { .. }
        | RoomRefusal::NotBlocked { .. }
        | RoomRefusal::TooManyBlocked => Family::Im.internal(),
    }
}

pub fn room_unknown() -> Fault {
    forbidden(899_081, "room id not exist")
}

fn forbidden(code: u32, message: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    Fault::new(StatusCode::FORBIDDEN, code, message)
}
