//! Rows of what became of users, and the lists of those who are there.

use serde::{Deserialize, Serialize};

use crate::ids::{AppNumber, DeviceNumber, UserNumber};
use crate::key::Key;
use crate::row::serde_row;
use crate::rows::chunk::chunk_of;

/// Without a row the user is there and may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserState {
    /// May not log in or send.
    Disabled,
    /// A nameplate: the name may belong to somebody else.
    Deleted,
}
serde_row!(UserState, UserStates);

/// That rows of a deleted user are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Departed;
serde_row!(Departed, DepartedUsers);

/// Of these lists every user is in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum UserClass {
    User = 0,
    Admin = 1,
}

impl UserClass {
    pub(crate) fn of(is_admin: bool) -> Self {
        if is_admin { Self::Admin } else { Self::User }
    }
}

pub(crate) fn user_class_prefix(app: AppNumber, class: UserClass) -> Key {
    Key::app(app).u8(class as u8)
}

pub(crate) fn user_chunk_key(app: AppNumber, class: UserClass, user: UserNumber) -> Key {
    user_class_prefix(app, class).u32(chunk_of(in_chunk(user)))
}

/// Sets in chunks hold numbers of devices; users are counted in the same way.
pub(crate) fn in_chunk(user: UserNumber) -> DeviceNumber {
    DeviceNumber(user.0)
}
