//! Who has something to do with a user, for what is told at once and kept nowhere.

use std::collections::BTreeSet;

use super::Snapshot;
use crate::error::ReadError;
use crate::ids::{AppNumber, UserNumber};
use crate::key::u32_at;
use crate::rows::chat::{Chat, Conversation, conversations_prefix};
use crate::rows::relation::FriendRow;
use crate::rows::user::user_key;
use crate::tables::{NEXT, STOP, Tables};

impl Snapshot {
    /// Users of the same app with this one as a friend, in a single chat or in a group: at most `limit`, friends first, then
    /// those in chats, then members.
    pub fn acquaintances(
        &self,
        app: AppNumber,
        user: UserNumber,
        limit: usize,
    ) -> Result<BTreeSet<UserNumber>, ReadError> {
        let mut found = BTreeSet::new();
        let mut take = |other: UserNumber| {
            if other != user && found.len() < limit {
                found.insert(other);
            }
            found.len() < limit
        };
        let prefix = user_key(app, user);
        self.rows::<FriendRow>(&prefix, |key, _| {
            let goes_on = u32_at(key, prefix.as_bytes().len()).is_none_or(|friend| take(UserNumber(friend)));
            Ok(if goes_on { NEXT } else { STOP })
        })?;
        self.rows::<Conversation>(&conversations_prefix(app, user), |_, row| {
            let goes_on = match row.chat {
                Chat::User(peer) => take(peer),
                _ => true,
            };
            Ok(if goes_on { NEXT } else { STOP })
        })?;
        for group in self.joined_groups(app, user)? {
            if self.group(app, group)?.is_none() {
                continue;
            }
            for member in self.members_sorted(app, group)? {
                if !take(member) {
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }
}
