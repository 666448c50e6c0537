//! Reading operators and their sessions.

use anser_protocol::ids::TimeMs;

use super::{Part, Snapshot};
use crate::error::ReadError;
use crate::find;
use crate::key::{Key, u64_at};
use crate::row;
use crate::rows::app::text_key;
use crate::rows::operator::{AuditEntry, Operator, OperatorSession, SetUpOffer, audit_key, session_key};
use crate::table::Table;
use crate::tables::Tables;

impl Snapshot {
    /// With their names, in the order of these.
    pub fn operators(&self) -> Result<Vec<(String, Operator)>, ReadError> {
        find::named(self)
    }

    pub fn operator(&self, name: &str) -> Result<Option<Operator>, ReadError> {
        self.row(&text_key(name))
    }

    /// The session of this token with whose it is; nothing when it is over, or the account is gone or another one of the same name.
    pub fn operator_of_session(
        &self,
        token_hash: &[u8; 32],
        now_ms: TimeMs,
    ) -> Result<Option<(OperatorSession, Operator)>, ReadError> {
        let Some(session) = self.row::<OperatorSession>(&session_key(token_hash))? else { return Ok(None) };
        let operator = self.operator(&session.name)?.filter(|operator| operator.number == session.operator);
        Ok(operator.filter(|_| session.expires_ms > now_ms).map(|operator| (session, operator)))
    }

    /// Entries of the audit log below `before`, the newest first, of those that `is_wanted` takes: at most `limit`, after
    /// looking at so many. With where to go on, if there is more.
    pub fn audit(
        &self,
        before: Option<u64>,
        limit: usize,
        looked_at_max: usize,
        is_wanted: impl Fn(&AuditEntry) -> bool,
    ) -> Result<Part<(u64, AuditEntry), u64>, ReadError> {
        let to = before.map(audit_key);
        let part = self.newest_below(Table::Audit, &Key::empty(), to, limit, looked_at_max, &mut |key, value| {
            let entry: AuditEntry = row::decode(key, value)?;
            Ok(is_wanted(&entry).then(|| (u64_at(key, 0).unwrap_or_default(), entry)))
        })?;
        Ok(Part { items: part.items, next: part.next.and_then(|key| u64_at(&key, 0)) })
    }

    /// The offer to make the first owner, also when it is over.
    pub fn set_up_offer(&self) -> Result<Option<SetUpOffer>, ReadError> {
        self.row(&SetUpOffer::key())
    }
}
