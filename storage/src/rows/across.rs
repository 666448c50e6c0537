//! Rows of what reaches over the wall between two apps of one app group: guests, copies of messages, mirrors of groups.

use anser_protocol::ids::Position;
use serde::{Deserialize, Serialize};

use crate::ids::{AppNumber, UserNumber};
use crate::key::Key;
use crate::row::serde_row;
use crate::rows::user::user_key;

/// That a user number of an app stands for a user of another one, whom it calls `username/appkey`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Guest {
    pub home: AppNumber,
    pub user: UserNumber,
}
serde_row!(Guest, Guests);

/// Which number the user has as a guest there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GuestNumber(pub UserNumber);
serde_row!(GuestNumber, GuestNumbers);

pub(crate) fn guest_numbers_prefix(home: AppNumber, user: UserNumber) -> Key {
    user_key(home, user)
}

pub(crate) fn guest_number_key(home: AppNumber, user: UserNumber, there: AppNumber) -> Key {
    guest_numbers_prefix(home, user).u32(there.0)
}

/// The apps that have a copy of a message, under its place in the app of its sender. All were appended by one command, so
/// the first copy stands one position behind the message, the second two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Copies(pub Vec<AppNumber>);
serde_row!(Copies, Copies);

impl Copies {
    pub fn places(&self, message: Position) -> impl Iterator<Item = (AppNumber, Position)> + '_ {
        (message.0 + 1..).map(Position).zip(&self.0).map(|(position, app)| (*app, position))
    }
}

pub(crate) fn copies_key(app: AppNumber, message: Position) -> Key {
    Key::app(app).u64(message.0)
}

/// The other sides of a group with members of several apps. A group without such a row has members of its own app only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Mirror {
    /// The group lives in that app. Here are those of its members who are of this app, and a copy of its chain.
    Of(AppNumber),
    /// The group lives here, and has mirrors in these apps.
    In(Vec<AppNumber>),
}
serde_row!(Mirror, Mirrors);
