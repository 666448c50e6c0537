//! Lists of conversations: what changed since a cursor, and pages of all.

use anser_protocol::ids::Position;

use super::walk::{Walk, newest_visible};
use super::{ConversationRow, ReadRecord, Snapshot};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, ChainNumber, UserNumber};
use crate::key::u64_at;
use crate::rows::chat::{Chat, Conversation, conversations_prefix};
use crate::rows::group::group_key;
use crate::table::Table;
use crate::tables::{NEXT, Order, Tables};

/// Records that one list looks at for a conversation before it leaves the rest to history pages.
const STEPS_MAX: usize = 1000;

/// A conversation before its records are read.
struct Found {
    chain: ChainNumber,
    row: Conversation,
    last: Position,
    last_seq: u64,
}

impl Snapshot {
    /// The conversations with a record or a change above `since`, newest first, each with up to `newest` records.
    pub fn catch_up(
        &self,
        app: AppNumber,
        user: UserNumber,
        since: Position,
        newest: usize,
    ) -> Result<Vec<ConversationRow>, ReadError> {
        let mut found = self.conversations_found(app, user)?;
        found.retain(|found| found.last > since || found.row.changed > since);
        found.into_iter().map(|found| self.conversation_row(app, found, since, newest)).collect()
    }

    /// A page of all conversations whose last record lies below `before`, newest first.
    pub fn conversations(
        &self,
        app: AppNumber,
        user: UserNumber,
        before: Position,
        limit: usize,
        newest: usize,
    ) -> Result<Vec<ConversationRow>, ReadError> {
        let found = self.conversations_found(app, user)?;
        let page = found.into_iter().filter(|found| found.last < before).take(limit);
        page.map(|found| self.conversation_row(app, found, Position::START, newest)).collect()
    }

    fn conversations_found(&self, app: AppNumber, user: UserNumber) -> Result<Vec<Found>, ReadError> {
        let prefix = conversations_prefix(app, user);
        let chain_at = prefix.as_bytes().len() + 1;
        let mut found = Vec::new();
        self.rows::<Conversation>(&prefix, Order::Ascending, |key, row| {
            let Some(chain) = u64_at(key, chain_at).map(ChainNumber) else { return Ok(NEXT) };
            if let Some((last, last_seq)) = newest_visible(&row.windows, self.head(chain)?) {
                found.push(Found { chain, row, last, last_seq });
            }
            Ok(NEXT)
        })?;
        found.sort_by_key(|found| std::cmp::Reverse(found.last));
        Ok(found)
    }

    fn conversation_row(
        &self,
        app: AppNumber,
        found: Found,
        since: Position,
        newest: usize,
    ) -> Result<ConversationRow, ReadError> {
        let (records, hole) = self.newest_records(app, &found, since, newest);
        let Found { row, last, last_seq, .. } = found;
        Ok(ConversationRow {
            chat: row.chat,
            name: self.chat_name(app, row.chat)?,
            windows: row.windows,
            last,
            last_seq,
            read_mark: row.read_mark,
            changed: row.changed,
            newest: records,
            hole,
        })
    }

    /// A damaged record must not keep a user from all conversations: it leaves a hole in its own, and the history page
    /// that reads it says what is wrong.
    fn newest_records(&self, app: AppNumber, found: &Found, since: Position, newest: usize) -> (Vec<ReadRecord>, bool) {
        let mut records = Vec::new();
        match self.read_newest(app, found, since, newest, &mut records) {
            Ok(hole) => (records, hole),
            Err(error) => {
                ::log::error!("the records of chain {} cannot be read: {error}", found.chain.0);
                (records, true)
            }
        }
    }

    /// Returns whether unseen records are left below.
    fn read_newest(
        &self,
        app: AppNumber,
        found: &Found,
        since: Position,
        newest: usize,
        records: &mut Vec<ReadRecord>,
    ) -> Result<bool, ReadError> {
        let mut walk = Walk::from_newest(self, app, &found.row.windows, self.head(found.chain)?);
        for _ in 0..STEPS_MAX {
            if walk.next_position().is_none_or(|position| position <= since) {
                return Ok(false);
            }
            match walk.step()? {
                None => return Ok(false),
                Some(None) => {}
                Some(Some(_)) if records.len() == newest => return Ok(true),
                Some(Some((position, record))) => records.push(walk.read(position, record)?),
            }
        }
        Ok(true)
    }

    fn chat_name(&self, app: AppNumber, chat: Chat) -> Result<String, ReadError> {
        match chat {
            Chat::User(user) => find::username(self, app, user).map(|name| name.to_string()),
            Chat::Group(group) => match find::group_nameplate(self, app, group)? {
                Some(row) => Ok(row.name),
                None => Err(find::missing(Table::Groups, group_key(app, group))),
            },
        }
    }
}
