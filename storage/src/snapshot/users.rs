//! Reading what became of users, lists of them, and where they are logged in.

use std::collections::BTreeSet;

use anser_protocol::content::Platform;
use anser_protocol::ids::{GroupId, TimeMs};

use super::Snapshot;
use crate::across;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, DeviceNumber, UserNumber};
use crate::key::u32_at;
use crate::rows::app::app_key;
use crate::rows::chat::Chat;
use crate::rows::chunk::{ChunkRow, UserChunk};
use crate::rows::group::group_key;
use crate::rows::people::{UserClass, UserState, user_class_prefix};
use crate::rows::relation::{FriendRow, Tie, friend_key, shield_key, ties_prefix};
use crate::rows::user::{Token, User, token_key, user_key};
use crate::rows::word::WordList;
use crate::table::Table;
use crate::tables::{NEXT, Tables};

/// Devices of one user that are looked at.
const LOGINS_MAX: usize = 256;

/// A part of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserPage {
    /// Of the whole list.
    pub total: u64,
    pub users: Vec<User>,
}

/// As one user sees another.
#[derive(Clone, Debug, PartialEq)]
pub struct Friend {
    pub user: User,
    /// Empty when nothing was written down.
    pub note_name: String,
    pub others: String,
}

/// See [`Snapshot::mutes`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mutes {
    pub users: Vec<User>,
    pub groups: Vec<GroupId>,
    pub everything: bool,
}

/// See [`Snapshot::relations`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relations {
    pub is_friend: bool,
    pub is_blocked: bool,
    pub is_muted: bool,
    /// Empty when nothing was written down.
    pub note_name: String,
    pub others: String,
}

impl Snapshot {
    /// Nothing for one who is there and may log in.
    pub fn user_state(&self, app: AppNumber, user: UserNumber) -> Result<Option<UserState>, ReadError> {
        find::user_state(self, app, user)
    }

    /// Users of a class in the order in which they were registered, without the first `start`.
    pub fn user_page(&self, app: AppNumber, class: UserClass, start: u64, count: usize) -> Result<UserPage, ReadError> {
        let prefix = user_class_prefix(app, class);
        let chunk_at = prefix.as_bytes().len();
        let (mut total, mut numbers) = (0, Vec::new());
        self.rows::<UserChunk>(&prefix, |key, row| {
            let chunk = row.chunk();
            let skipped = start.saturating_sub(total).min(chunk.len());
            if skipped < chunk.len() && numbers.len() < count {
                let users = chunk.devices(u32_at(key, chunk_at).unwrap_or_default());
                let users = users.skip(usize::try_from(skipped).unwrap_or(usize::MAX));
                numbers.extend(users.take(count - numbers.len()).map(UserNumber));
            }
            total += chunk.len();
            Ok(NEXT)
        })?;
        let users = numbers.into_iter().map(|number| find::required(self, user_key(app, number)));
        Ok(UserPage { total, users: users.collect::<Result<_, _>>()? })
    }

    /// Whom the user has blocked, in the order in which they were registered.
    pub fn blocked(&self, app: AppNumber, user: UserNumber) -> Result<Vec<User>, ReadError> {
        let prefix = ties_prefix(app, user, Tie::Blocks);
        let keys = self.keys(Table::Ties, &prefix, usize::MAX)?;
        let others = keys.iter().filter_map(|key| u32_at(key, prefix.as_bytes().len())).map(UserNumber);
        self.living(app, others)
    }

    /// The user's friends with what the user has written down about them, in the same order.
    pub fn friends(&self, app: AppNumber, user: UserNumber) -> Result<Vec<Friend>, ReadError> {
        let prefix = user_key(app, user);
        let mut rows = Vec::new();
        self.rows::<FriendRow>(&prefix, |key, row| {
            rows.extend(u32_at(key, prefix.as_bytes().len()).map(|friend| (UserNumber(friend), row)));
            Ok(NEXT)
        })?;
        let mut friends = Vec::with_capacity(rows.len());
        for (number, row) in rows {
            if let Some(user) = self.living(app, [number])?.pop() {
                friends.push(Friend { user, note_name: row.note_name, others: row.others });
            }
        }
        Ok(friends)
    }

    /// Without those who were deleted and are still to be removed from lists.
    fn living(&self, app: AppNumber, numbers: impl IntoIterator<Item = UserNumber>) -> Result<Vec<User>, ReadError> {
        let mut users = Vec::new();
        for number in numbers {
            if !find::is_deleted(self, app, number)? {
                users.push(across::shown(self, app, number)?);
            }
        }
        Ok(users)
    }

    /// Does the user want not to be disturbed by this chat?
    pub fn is_muted(&self, app: AppNumber, user: UserNumber, chat: Chat) -> Result<bool, ReadError> {
        let (tie, other) = match chat {
            Chat::User(peer) => (Tie::MutesUser, peer.0),
            Chat::Group(group) => (Tie::MutesGroup, group.0),
            Chat::Notices => return Ok(false),
        };
        Ok(find::is_tied(self, app, user, Tie::MutesEverything, 0)? || find::is_tied(self, app, user, tie, other)?)
    }

    /// Whom and what the user does not want to be disturbed by.
    pub fn mutes(&self, app: AppNumber, user: UserNumber) -> Result<Mutes, ReadError> {
        let others = |tie| {
            let prefix = ties_prefix(app, user, tie);
            let keys = self.keys(Table::Ties, &prefix, usize::MAX)?;
            Ok::<_, ReadError>(keys.iter().filter_map(|key| u32_at(key, prefix.as_bytes().len())).collect::<Vec<_>>())
        };
        Ok(Mutes {
            users: self.living(app, others(Tie::MutesUser)?.into_iter().map(UserNumber))?,
            groups: others(Tie::MutesGroup)?.into_iter().map(GroupId).collect(),
            everything: find::is_tied(self, app, user, Tie::MutesEverything, 0)?,
        })
    }

    /// The groups of which the user gets events only.
    pub fn shields(&self, app: AppNumber, user: UserNumber) -> Result<Vec<GroupId>, ReadError> {
        let mut shielded = Vec::new();
        for group in self.joined_groups(app, user)? {
            if self.has(Table::Shields, &shield_key(app, group, user))? {
                shielded.push(group);
            }
        }
        Ok(shielded)
    }

    /// What another user is to this one.
    pub fn relations(&self, app: AppNumber, user: UserNumber, other: UserNumber) -> Result<Relations, ReadError> {
        let friend: Option<FriendRow> = self.row(&friend_key(app, user, other))?;
        Ok(Relations {
            is_friend: friend.is_some(),
            is_blocked: find::is_tied(self, app, user, Tie::Blocks, other.0)?,
            is_muted: find::is_tied(self, app, user, Tie::MutesUser, other.0)?,
            note_name: friend.as_ref().map(|friend| friend.note_name.clone()).unwrap_or_default(),
            others: friend.map(|friend| friend.others).unwrap_or_default(),
        })
    }

    /// Has the user blocked the other?
    pub fn has_blocked(&self, app: AppNumber, user: UserNumber, other: UserNumber) -> Result<bool, ReadError> {
        find::is_tied(self, app, user, Tie::Blocks, other.0)
    }

    /// Those of a group's members who get more of it than its events.
    pub fn without_shielded(
        &self,
        app: AppNumber,
        group: GroupId,
        members: Vec<UserNumber>,
    ) -> Result<Vec<UserNumber>, ReadError> {
        let shields = self.keys(Table::Shields, &group_key(app, group), usize::MAX)?;
        let shielded: BTreeSet<UserNumber> = shields.iter().filter_map(|key| u32_at(key, 8)).map(UserNumber).collect();
        Ok(members.into_iter().filter(|member| !shielded.contains(member)).collect())
    }

    /// The app's sensitive words.
    pub fn words(&self, app: AppNumber) -> Result<WordList, ReadError> {
        Ok(self.row(&app_key(app))?.unwrap_or_default())
    }

    /// May devices of the app register users?
    pub fn is_registration_open(&self, app: AppNumber) -> Result<bool, ReadError> {
        find::is_registration_open(self, app)
    }

    /// The devices on which the user is logged in, with or without a link.
    pub fn logins(
        &self,
        app: AppNumber,
        user: UserNumber,
        now_ms: TimeMs,
    ) -> Result<Vec<(DeviceNumber, Platform)>, ReadError> {
        let mut logins = Vec::new();
        for (device, hash) in find::sessions(self, app, user, LOGINS_MAX)? {
            let token = self.row::<Token>(&token_key(app, &hash))?;
            if token.is_some_and(|token| token.expires_ms > now_ms) {
                logins.extend(find::device(self, app, device)?.map(|row| (device, row.platform)));
            }
        }
        Ok(logins)
    }
}
