//! Removing what has had its time: cids, tokens, files, devices that were waited for, and what is known about old pushes.

use super::{Batch, Decided};
use crate::error::ReadError;
use crate::key::{Key, u64_at};
use crate::outcome::Answer;
use crate::rows::account::{GroupCid, group_cid_key, group_push_key};
use crate::rows::callback::callback_key;
use crate::rows::push::{Cid, Expiry, cid_key, push_key};
use crate::rows::schedule::{ScheduleCid, schedule_key};
use crate::rows::user::{Token, session_key, token_key};
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

/// Rows that one command removes.
const EXPIRE_ROWS_MAX: usize = 1000;

impl Batch<'_> {
    pub(super) fn expire(&mut self) -> Decided<Answer> {
        let due = self.due_expiries(EXPIRE_ROWS_MAX / 4)?;
        let mut left = EXPIRE_ROWS_MAX;
        for (key, expiry) in due {
            if left < 4 {
                return Ok(Answer::Continue);
            }
            let (removed, is_complete) = self.expire_one(&expiry, left)?;
            left = left.saturating_sub(removed);
            if !is_complete {
                return Ok(Answer::Continue);
            }
            self.remove_bytes(Table::Expiries, &key)?;
            left = left.saturating_sub(1);
        }
        let waits_max = left / 2;
        let waits = self.expire_waits(waits_max)?;
        let is_more = waits == waits_max || !self.due_expiries(1)?.is_empty();
        Ok(if is_more { Answer::Continue } else { Answer::Done })
    }

    fn due_expiries(&self, limit: usize) -> Result<Vec<(Vec<u8>, Expiry)>, ReadError> {
        let now_ms = self.now_ms();
        let mut due = Vec::new();
        self.rows::<Expiry>(&Key::empty(), |key, expiry| {
            let is_due = u64_at(key, 0).is_some_and(|due_ms| due_ms <= now_ms);
            if !is_due || due.len() == limit {
                return Ok(STOP);
            }
            due.push((key.to_vec(), expiry));
            Ok(NEXT)
        })?;
        Ok(due)
    }

    /// Returns how many rows went, and whether that were all.
    fn expire_one(&mut self, expiry: &Expiry, limit: usize) -> Result<(usize, bool), ReadError> {
        match expiry {
            Expiry::Cid { app, cid } => {
                let key = cid_key(*app, cid);
                // The cid may have been used again since.
                if self.row::<Cid>(&key)?.is_some_and(|row| row.expires_ms <= self.now_ms()) {
                    self.remove(Table::Cids, &key)?;
                }
                Ok((1, true))
            }
            Expiry::Token { app, hash } => {
                let key = token_key(*app, hash);
                if let Some(token) = self.row::<Token>(&key)? {
                    self.remove(Table::Tokens, &key)?;
                    self.remove(Table::Sessions, &session_key(*app, token.user, token.device))?;
                }
                Ok((2, true))
            }
            Expiry::Schedule { app, schedule } => {
                let firings = self.keys(Table::Firings, &schedule_key(*app, *schedule), limit - 1)?;
                for key in &firings {
                    self.remove_bytes(Table::Firings, key)?;
                }
                let is_complete = firings.len() < limit - 1;
                if is_complete {
                    self.remove(Table::Schedules, &schedule_key(*app, *schedule))?;
                }
                Ok((firings.len() + 1, is_complete))
            }
            Expiry::ScheduleCid { app, cid } => {
                let key = cid_key(*app, cid);
                // The cid may have been used again since.
                if self.row::<ScheduleCid>(&key)?.is_some_and(|row| row.expires_ms <= self.now_ms()) {
                    self.remove(Table::ScheduleCids, &key)?;
                }
                Ok((1, true))
            }
            Expiry::File { owner, file } => self.expire_file(owner, *file, limit),
            Expiry::GroupPush { push } => {
                self.remove(Table::GroupPushes, &group_push_key(*push))?;
                Ok((1, true))
            }
            Expiry::GroupCid { group, cid } => {
                let key = group_cid_key(group, cid);
                // The cid may have been used again since.
                if self.row::<GroupCid>(&key)?.is_some_and(|row| row.expires_ms <= self.now_ms()) {
                    self.remove(Table::GroupCids, &key)?;
                }
                Ok((1, true))
            }
            Expiry::Push { app, push } => {
                let reports = self.keys(Table::Reports, &push_key(*app, *push), limit - 1)?;
                for key in &reports {
                    self.remove_bytes(Table::Reports, key)?;
                }
                let is_complete = reports.len() < limit - 1;
                if is_complete {
                    self.remove(Table::PushStates, &push_key(*app, *push))?;
                    self.remove(Table::PushTargets, &push_key(*app, *push))?;
                    self.remove(Table::PushOrigins, &push_key(*app, *push))?;
                    self.remove(Table::Callbacks, &callback_key(*app, *push))?;
                    self.remove(Table::Followups, &push_key(*app, *push))?;
                    // Of a daemon that did not run when its slices were due.
                    self.stop_slow_push(*app, *push)?;
                }
                Ok((reports.len() + 6, is_complete))
            }
        }
    }
}
