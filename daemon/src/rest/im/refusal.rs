//! Why a change was refused, as a code of the IM API.

use anser_storage::outcome::Refusal;
use axum::http::StatusCode;

use crate::rest::family::Family;
use crate::rest::fault::Fault;

pub fn of_im(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::UserExists => forbidden(899_001, "user exist"),
        Refusal::UserUnknown { username } | Refusal::MemberUnknown { username } => no_such_user(&username),
        Refusal::SenderUnknown => forbidden(899_002, "no such user: the sender"),
        Refusal::GroupUnknown => group_unknown(),
        Refusal::AlreadyAMember { username } => Fault::new(
            StatusCode::BAD_REQUEST,
            899_011,
            format!("repeat to add the members: {username} is in the group"),
        ),
        Refusal::GroupFull => forbidden(899_012, "no enough space for members"),
        Refusal::GroupQuotaFull { username } => forbidden(899_015, format!("user's group quota is full: {username}")),
        Refusal::NotAMember => forbidden(803_005, "the sender is not in the group"),
        _ => Family::Im.internal(),
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

pub fn group_unknown() -> Fault {
    forbidden(899_006, "group id invalid: there is no such group")
}

pub fn not_an_admin() -> Fault {
    forbidden(899_016, "no authority to send message: from_id is not an admin")
}

pub fn too_many_users() -> Fault {
    forbidden(899_013, "user list is bigger than 500")
}

pub fn body_too_long() -> Fault {
    forbidden(803_007, "msg_body has more than 4096 bytes")
}

pub fn room_unknown() -> Fault {
    forbidden(899_081, "room id not exist")
}

fn forbidden(code: u32, message: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    Fault::new(StatusCode::FORBIDDEN, code, message)
}
