//! Lists of conversations: what changed since a cursor, and pages of all.

use anser_protocol::ids::Position;

use super::walk::{Viewer, Walk, newest_visible};
use super::{ConversationRow, ReadRecord, Snapshot};
use crate::across;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, ChainNumber, UserNumber};
use crate::key::u64_at;
use crate::rows::chat::{Chat, Conversation, ConversationKind, conversation_key, conversations_prefix};
use crate::rows::group::group_key;
use crate::table::Table;
use crate::tables::{NEXT, Tables};

/// Records that one list looks at for a conversation before it leaves the rest to history pages.
const STEPS_MAX: usize = 1000;

/// A conversation that changed, by its number: what a session keeps of a catch-up that it has not come to yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedChat {
    pub kind: ConversationKind,
    pub chain: ChainNumber,
}

/// A conversation before its records are read.
pub(super) struct Found {
    pub chain: ChainNumber,
    pub row: Conversation,
    pub last: Position,
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
        let plan = self.catch_up_plan(app, user, since)?;
        self.catch_up_rows(app, user.into(), &plan, since, Position(u64::MAX), newest)
    }

    /// Which conversations have a record or a change above `since`, newest first.
    pub fn catch_up_plan(
        &self,
        app: AppNumber,
        user: UserNumber,
        since: Position,
    ) -> Result<Vec<PlannedChat>, ReadError> {
        let mut found = self.conversations_found(app, user)?;
        found.retain(|found| found.last > since || found.row.changed > since);
        Ok(found
            .iter()
            .map(|found| PlannedChat { kind: ConversationKind::of(found.row.chat), chain: found.chain })
            .collect())
    }

    /// A part of a plan, made on an earlier snapshot: each conversation with up to `newest` records above `since` and not
    /// above `to`.
    pub fn catch_up_rows(
        &self,
        app: AppNumber,
        viewer: Viewer,
        part: &[PlannedChat],
        since: Position,
        to: Position,
        newest: usize,
    ) -> Result<Vec<ConversationRow>, ReadError> {
        let mut rows = Vec::with_capacity(part.len());
        for planned in part {
            let key = conversation_key(app, viewer.user, planned.kind, planned.chain);
            let row: Option<Conversation> = self.row(&key)?;
            let Some(row) = row else { continue };
            if self.is_superseded(app, row.chat)? {
                continue;
            }
            if let Some((last, last_seq)) = newest_visible(&row.windows, self.head(planned.chain)?) {
                let found = Found { chain: planned.chain, row, last, last_seq };
                rows.push(self.conversation_row(app, viewer, found, (since, to), newest)?);
            }
        }
        Ok(rows)
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
        let mut rows = Vec::new();
        let chats = found.into_iter().filter(|found| found.row.chat != Chat::Notices && found.last < before);
        for found in chats {
            if rows.len() == limit {
                break;
            }
            if !self.is_superseded(app, found.row.chat)? {
                let everything = (Position::START, Position(u64::MAX));
                rows.push(self.conversation_row(app, user.into(), found, everything, newest)?);
            }
        }
        Ok(rows)
    }

    /// A chat with a deleted user whose name belongs to somebody else now: whoever reads it goes by the name, and would
    /// take the two for one.
    pub(super) fn is_superseded(&self, app: AppNumber, chat: Chat) -> Result<bool, ReadError> {
        let Chat::User(peer) = chat else { return Ok(false) };
        if !find::is_deleted(self, app, peer)? {
            return Ok(false);
        }
        let name = find::username(self, app, peer)?;
        Ok(across::number(self, app, &name)?.is_some())
    }

    pub(super) fn conversations_found(&self, app: AppNumber, user: UserNumber) -> Result<Vec<Found>, ReadError> {
        let prefix = conversations_prefix(app, user);
        let chain_at = prefix.as_bytes().len() + 1;
        let mut found = Vec::new();
        self.rows::<Conversation>(&prefix, |key, row| {
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
        viewer: Viewer,
        found: Found,
        between: (Position, Position),
        newest: usize,
    ) -> Result<ConversationRow, ReadError> {
        let (records, hole) = self.newest_records(app, viewer, &found, between, newest);
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
    fn newest_records(
        &self,
        app: AppNumber,
        viewer: Viewer,
        found: &Found,
        between: (Position, Position),
        newest: usize,
    ) -> (Vec<ReadRecord>, bool) {
        let mut records = Vec::new();
        match self.read_newest(app, viewer, found, between, newest, &mut records) {
            Ok(hole) => (records, hole),
            Err(error) => {
                ::log::error!("the records of chain {} cannot be read, its readers miss them: {error}", found.chain.0);
                (records, true)
            }
        }
    }

    /// Returns whether unseen records are left below.
    fn read_newest(
        &self,
        app: AppNumber,
        viewer: Viewer,
        found: &Found,
        (since, to): (Position, Position),
        newest: usize,
        records: &mut Vec<ReadRecord>,
    ) -> Result<bool, ReadError> {
        let mut walk = Walk::from_newest(self, app, viewer, &found.row.windows, self.head(found.chain)?);
        for _ in 0..STEPS_MAX {
            if walk.next_position().is_none_or(|position| position <= since) {
                return Ok(false);
            }
            match walk.step()? {
                None => return Ok(false),
                Some(None) => {}
                Some(Some((position, _))) if position > to => {}
                Some(Some(_)) if records.len() == newest => return Ok(true),
                Some(Some((position, record))) => records.push(walk.read(position, record)?),
            }
        }
        Ok(true)
    }

    pub(super) fn chat_name(&self, app: AppNumber, chat: Chat) -> Result<String, ReadError> {
        match chat {
            Chat::User(user) => find::username(self, app, user).map(|name| name.to_string()),
            Chat::Group(group) => match find::group_nameplate(self, app, group)? {
                Some(row) => Ok(row.name),
                None => Err(find::missing(Table::Groups, group_key(app, group))),
            },
            Chat::Notices => Ok(String::new()),
        }
    }
}
