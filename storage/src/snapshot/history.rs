//! Pages of one conversation's records.

use anser_protocol::ids::Position;

use super::walk::{Viewer, Walk};
use super::{HistoryPage, Snapshot};
use crate::command::Class;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, ChainNumber, UserNumber};
use crate::rows::chat::{Chat, Conversation, ConversationKind, Window, conversation_key};
use crate::rows::record::{Record, log_key};
use crate::tables::Tables;

/// Records that one page looks at, whether the user may see them or not.
const STEPS_MAX: usize = 10_000;

impl Snapshot {
    /// The newest records strictly below `before` and strictly above `after`, at most `limit`, newest first. An empty,
    /// complete page where there is no such conversation.
    pub fn history(
        &self,
        app: AppNumber,
        viewer: impl Into<Viewer>,
        chat: &Chat,
        before: Position,
        after: Position,
        limit: usize,
    ) -> Result<HistoryPage, ReadError> {
        let viewer = viewer.into();
        let nothing = HistoryPage { complete: true, reached: after, ..HistoryPage::default() };
        let Some((chain, windows)) = self.windows_of(app, viewer.user, chat)? else { return Ok(nothing) };
        let mut walk = self.walk_below(app, viewer, chain, &windows, before)?;
        let mut page = HistoryPage { reached: before, ..HistoryPage::default() };
        for _ in 0..STEPS_MAX {
            let Some(position) = walk.next_position().filter(|position| *position > after) else {
                return Ok(HistoryPage { complete: true, ..page });
            };
            if page.records.len() == limit {
                return Ok(page);
            }
            match walk.step()? {
                None => return Ok(HistoryPage { complete: true, ..page }),
                Some(Some((_, record))) if position < before => page.records.push(walk.read(position, record)?),
                Some(_) => {}
            }
            page.reached = page.reached.min(position);
        }
        Ok(page)
    }

    /// The chain of a chat and what the user may see of it.
    pub(super) fn windows_of(
        &self,
        app: AppNumber,
        user: UserNumber,
        chat: &Chat,
    ) -> Result<Option<(ChainNumber, Vec<Window>)>, ReadError> {
        let chain = match chat {
            Chat::User(peer) => find::single_chat(self, app, user, *peer)?,
            Chat::Group(group) => find::group_nameplate(self, app, *group)?.map(|group| group.chain),
            Chat::Notices => find::notices_chain(self, app, user)?,
        };
        let kind = ConversationKind::of(*chat);
        let Some(chain) = chain else { return Ok(None) };
        let row: Option<Conversation> = self.row(&conversation_key(app, user, kind, chain))?;
        Ok(row.map(|row| (chain, row.windows)))
    }

    /// Pages usually begin at a record of the chain that the one before ended with; then the walk starts there.
    fn walk_below<'s>(
        &'s self,
        app: AppNumber,
        viewer: Viewer,
        chain: ChainNumber,
        windows: &'s [Window],
        before: Position,
    ) -> Result<Walk<'s>, ReadError> {
        let known: Option<Record> = match self.row(&log_key(app, Class::Chat, before)) {
            Ok(record) => record,
            // The record itself was not asked for: whoever needs it meets the damage.
            Err(ReadError::Damaged { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(
            match known.filter(|record| record.chain == chain && windows.iter().any(|window| window.holds(record.seq)))
            {
                Some(_) => Walk::from_position(self, app, viewer, windows, before),
                None => Walk::from_newest(self, app, viewer, windows, self.head(chain)?),
            },
        )
    }
}
