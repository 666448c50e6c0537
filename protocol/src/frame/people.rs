//! What users are to each other: profiles, blacklist, do-not-disturb, shields, friends.

use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use crate::extension::Extensions;
use crate::ids::{GroupId, TimeMs};
use crate::limits;
use crate::wire;

/// Changes the profile of the user who is logged in. Absent members stay as they are; an empty text clears.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileChange {
    pub request: u32,
    pub nickname: Option<String>,
    pub avatar: Option<String>,
    /// `yyyy-MM-dd`.
    pub birthday: Option<String>,
    pub signature: Option<String>,
    pub region: Option<String>,
    pub address: Option<String>,
    /// 0 unknown, 1 male, 2 female.
    pub gender: Option<u8>,
    /// A JSON object; takes the place of the whole one before.
    pub extras: Option<String>,
    pub extensions: Extensions,
}

/// Another user changed their profile, or an app server did: whoever shows it asks for it again. Told to users of the same
/// app who are connected, and only as long as nothing more important waits; it is stored nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileChanged {
    pub username: String,
    pub changed_ms: TimeMs,
    pub extensions: Extensions,
}

/// Changes the password of the user who is logged in. Other sessions of the user end; this one goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordChange {
    pub request: u32,
    /// Each may be the MD5 of the password in lower-case hexadecimal digits.
    pub old: String,
    pub new: String,
    pub extensions: Extensions,
}

/// Puts users on the blacklist of the user who is logged in, or takes them off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blacklist {
    pub request: u32,
    pub is_added: bool,
    #[serde(deserialize_with = "wire::list::<{ limits::NAMES_PER_CALL_MAX }, _, _>")]
    pub usernames: Vec<String>,
    pub extensions: Extensions,
}

/// Changes of whom and of what the user is not to be disturbed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mutes {
    pub request: u32,
    #[serde(deserialize_with = "wire::list::<{ limits::NAMES_PER_CALL_MAX }, _, _>")]
    pub add_users: Vec<String>,
    #[serde(deserialize_with = "wire::list::<{ limits::NAMES_PER_CALL_MAX }, _, _>")]
    pub remove_users: Vec<String>,
    #[serde(deserialize_with = "wire::list::<{ limits::GROUPS_PER_USER_MAX }, _, _>")]
    pub add_groups: Vec<GroupId>,
    #[serde(deserialize_with = "wire::list::<{ limits::GROUPS_PER_USER_MAX }, _, _>")]
    pub remove_groups: Vec<GroupId>,
    pub everything: Option<bool>,
    pub extensions: Extensions,
}

/// Shields groups, of which the user then gets no more than events, or takes shields away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shields {
    pub request: u32,
    #[serde(deserialize_with = "wire::list::<{ limits::GROUPS_PER_USER_MAX }, _, _>")]
    pub add: Vec<GroupId>,
    #[serde(deserialize_with = "wire::list::<{ limits::GROUPS_PER_USER_MAX }, _, _>")]
    pub remove: Vec<GroupId>,
    pub extensions: Extensions,
}

/// Asks a user to be friends; may be repeated until there is an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendAsk {
    pub request: u32,
    pub username: String,
    pub reason: String,
    pub extensions: Extensions,
}

/// Answers the friend request of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendAnswer {
    pub request: u32,
    pub username: String,
    pub accepts: bool,
    /// Of a refusal; else empty.
    pub reason: String,
    pub extensions: Extensions,
}

/// Ends friendships, for both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendRemove {
    pub request: u32,
    #[serde(deserialize_with = "wire::list::<{ limits::NAMES_PER_CALL_MAX }, _, _>")]
    pub usernames: Vec<String>,
    pub extensions: Extensions,
}

/// What the user alone writes down about a friend. Absent members stay as they are; an empty text clears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendNote {
    pub request: u32,
    pub username: String,
    pub name: Option<String>,
    pub text: Option<String>,
    pub extensions: Extensions,
}

/// Asks for one of the lists of the user who is logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeopleList {
    pub request: u32,
    pub list: ListKind,
    pub extensions: Extensions,
}

/// An open enumeration of a user's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ListKind(pub u8);

impl ListKind {
    pub const FRIENDS: Self = Self(1);
    pub const BLACKLIST: Self = Self(2);
    /// Muted users and groups, and whether everything is.
    pub const MUTES: Self = Self(3);
    /// Groups that are shielded.
    pub const SHIELDS: Self = Self(4);
}

/// Asks for the profiles of users, with what they are to the one who is logged in. Unknown names are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsersInfo {
    pub request: u32,
    #[serde(deserialize_with = "wire::list::<{ limits::NAMES_PER_CALL_MAX }, _, _>")]
    pub usernames: Vec<String>,
    pub extensions: Extensions,
}

/// A part of the answer to [`PeopleList`] and [`UsersInfo`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct People {
    pub request: u32,
    #[serde(deserialize_with = "wire::list::<{ limits::NAMES_PER_CALL_MAX }, _, _>")]
    pub people: Vec<Person>,
    #[serde(deserialize_with = "wire::list::<{ limits::GROUPS_PER_USER_MAX }, _, _>")]
    pub groups: Vec<GroupId>,
    /// Of the mutes: is everything muted?
    pub everything: bool,
    /// No more parts follow.
    pub is_last: bool,
    pub extensions: Extensions,
}

/// A user as the one who is logged in sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub username: String,
    pub nickname: String,
    pub avatar: String,
    pub birthday: String,
    pub signature: String,
    pub region: String,
    pub address: String,
    pub gender: u8,
    /// A JSON object, or empty.
    pub extras: String,
    /// When the profile last changed.
    pub changed_ms: TimeMs,
    /// Bits of what they are to the reader; see [`Person::FRIEND`].
    pub relations: u8,
    /// What the reader wrote down about a friend.
    pub note_name: String,
    pub note_text: String,
    pub extensions: Extensions,
}

impl Person {
    pub const FRIEND: u8 = 1;
    pub const BLACKLISTED: u8 = 2;
    pub const MUTED: u8 = 4;

    /// What to call them, outside of groups: the note, the nickname, the username, whichever there is first.
    pub fn display_name(&self) -> &str {
        [&self.note_name, &self.nickname].into_iter().find(|name| !name.is_empty()).unwrap_or(&self.username)
    }
}
