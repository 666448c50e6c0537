//! Operators: making and removing them, their sessions, and the first of them.

use anser_protocol::ids::TimeMs;

use super::{Batch, Decided, Stop};
use crate::command::{Deed, OperatorAccount, OperatorCommand, OperatorRole};
use crate::error::ReadError;
use crate::find;
use crate::ids::AppNumber;
use crate::key::{Key, u64_at};
use crate::outcome::{Answer, Refusal};
use crate::rows::app::text_key;
use crate::rows::operator::{AuditEntry, Operator, OperatorSession, PushOrigin, SetUpOffer, audit_key, session_key};
use crate::rows::push::push_key;
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

/// They are found by walking them.
const OPERATORS_MAX: usize = 200;
/// Of one operator; the oldest gives way.
const SESSIONS_MAX: usize = 20;
const AUDIT_ENTRIES_MAX: u64 = 100_000;
const AUDIT_MS_MAX: u64 = 366 * 24 * 3600 * 1000;
/// With each new entry: more than one, so that a full log shrinks.
const AUDIT_REMOVED_AT_ONCE: usize = 4;

impl Batch<'_> {
    pub(super) fn operator(&mut self, command: &OperatorCommand) -> Decided<Answer> {
        match command {
            OperatorCommand::Add { name, account } => self.add_operator(name, account),
            OperatorCommand::ResetPassword { name, password } => {
                let mut operator = self.named_operator(name)?;
                operator.account.password = password.clone();
                operator.password_set_ms = self.now_ms();
                self.put(&text_key(name), &operator)?;
                self.end_operator_sessions(operator.number, 0)?;
                Ok(Answer::Done)
            }
            OperatorCommand::Remove { name } => self.remove_operator(name),
            OperatorCommand::LogIn { name, password, token_hash, expires_ms } => {
                self.log_operator_in(name, password, token_hash, *expires_ms)
            }
            OperatorCommand::LogOut { token_hash } => {
                self.remove(Table::OperatorSessions, &session_key(token_hash))?;
                Ok(Answer::Done)
            }
            OperatorCommand::OfferSetUp { token_hash, expires_ms } => {
                if !self.operators()?.is_empty() {
                    return Err(Refusal::OperatorExists.into());
                }
                let offer = SetUpOffer { token_hash: *token_hash, expires_ms: *expires_ms };
                self.put(&SetUpOffer::key(), &offer)?;
                Ok(Answer::Done)
            }
            OperatorCommand::SetUp { token_hash, name, password } => self.set_up(token_hash, name, password),
            OperatorCommand::Extend { token_hash, expires_ms } => {
                let session: Option<OperatorSession> = self.row(&session_key(token_hash))?;
                let session = session.filter(|session| session.expires_ms > self.now_ms());
                if let Some(session) = session {
                    self.put(&session_key(token_hash), &OperatorSession { expires_ms: *expires_ms, ..session })?;
                }
                Ok(Answer::Done)
            }
            OperatorCommand::Change { name, role, apps } => self.change_operator(name, *role, apps),
            OperatorCommand::Note(deed) => {
                self.note_deed(deed)?;
                Ok(Answer::Done)
            }
            OperatorCommand::NotePush { deed, app, push, object } => {
                let key = push_key(*app, *push);
                if self.has(Table::PushStates, &key)? {
                    self.put(&key, &PushOrigin { operator: deed.operator.clone(), object: object.clone() })?;
                }
                self.note_deed(deed)?;
                Ok(Answer::Done)
            }
        }
    }

    fn operators(&self) -> Result<Vec<(String, Operator)>, ReadError> {
        find::named(self)
    }

    fn named_operator(&self, name: &str) -> Decided<Operator> {
        self.row(&text_key(name))?.ok_or(Stop::Refused(Refusal::OperatorUnknown))
    }

    fn add_operator(&mut self, name: &str, account: &OperatorAccount) -> Decided<Answer> {
        let known = self.operators()?;
        if known.iter().any(|(other, _)| other == name) {
            return Err(Refusal::OperatorExists.into());
        }
        if known.len() >= OPERATORS_MAX {
            return Err(Refusal::TooManyAccounts.into());
        }
        for app in &account.apps {
            find::app(self, *app)?.ok_or(Refusal::AppUnknown)?;
        }
        let (number, now_ms) = (self.take_position().0, self.now_ms());
        let account = account.clone();
        self.put(&text_key(name), &Operator { number, account, created_ms: now_ms, password_set_ms: now_ms })?;
        // Whoever holds the link is not needed any more.
        self.remove(Table::SetUp, &SetUpOffer::key())?;
        Ok(Answer::Done)
    }

    fn change_operator(&mut self, name: &str, role: OperatorRole, apps: &[AppNumber]) -> Decided<Answer> {
        let operator = self.named_operator(name)?;
        self.require_another_owner(name, &operator, role)?;
        for app in apps {
            find::app(self, *app)?.ok_or(Refusal::AppUnknown)?;
        }
        let account = OperatorAccount { role, apps: apps.to_vec(), ..operator.account };
        self.put(&text_key(name), &Operator { account, ..operator })?;
        self.end_operator_sessions(operator.number, 0)?;
        Ok(Answer::Done)
    }

    /// Somebody must be able to manage the others; an only operator may do with themselves what they like, but for
    /// becoming less than an owner.
    fn require_another_owner(&self, name: &str, operator: &Operator, next: OperatorRole) -> Decided<()> {
        let is_owner = |operator: &Operator| operator.account.role == OperatorRole::Owner;
        let has_other = self.operators()?.iter().any(|(other, row)| other != name && is_owner(row));
        match is_owner(operator) && next != OperatorRole::Owner && !has_other {
            true => Err(Refusal::LastOwner.into()),
            false => Ok(()),
        }
    }

    fn note_deed(&mut self, deed: &Deed) -> Result<(), ReadError> {
        let mut last = None;
        self.scan_back(Table::Audit, &[], None, &mut |key, _| {
            last = u64_at(key, 0);
            Ok(STOP)
        })?;
        let (number, at_ms) = (last.map_or(1, |last| last + 1), self.now_ms());
        self.put(&audit_key(number), &AuditEntry { at_ms, deed: deed.clone() })?;
        let (mut over, mut looked_at) = (Vec::new(), 0);
        self.rows::<AuditEntry>(&Key::empty(), |key, entry| {
            let is_beyond = u64_at(key, 0).is_some_and(|of| of + AUDIT_ENTRIES_MAX <= number);
            if is_beyond || entry.at_ms + AUDIT_MS_MAX <= at_ms {
                over.push(key.to_vec());
            }
            looked_at += 1;
            Ok(if looked_at == over.len() && looked_at < AUDIT_REMOVED_AT_ONCE { NEXT } else { STOP })
        })?;
        for key in over {
            self.remove_bytes(Table::Audit, &key)?;
        }
        Ok(())
    }

    fn remove_operator(&mut self, name: &str) -> Decided<Answer> {
        let operator = self.named_operator(name)?;
        let others: Vec<_> = self.operators()?.into_iter().filter(|(other, _)| other != name).collect();
        let is_owned = others.iter().any(|(_, other)| other.account.role == OperatorRole::Owner);
        if operator.account.role == OperatorRole::Owner && !others.is_empty() && !is_owned {
            return Err(Refusal::LastOwner.into());
        }
        self.remove(Table::Operators, &text_key(name))?;
        self.end_operator_sessions(operator.number, 0)?;
        Ok(Answer::Done)
    }

    fn log_operator_in(
        &mut self,
        name: &str,
        password: &str,
        token_hash: &[u8; 32],
        expires_ms: TimeMs,
    ) -> Decided<Answer> {
        let operator = self.named_operator(name)?;
        if operator.account.password != password {
            return Err(Refusal::PasswordChanged.into());
        }
        self.end_operator_sessions(operator.number, SESSIONS_MAX - 1)?;
        let (number, since_ms) = (operator.number, self.now_ms());
        let session = OperatorSession { name: name.into(), operator: number, since_ms, expires_ms };
        self.put(&session_key(token_hash), &session)?;
        Ok(Answer::Done)
    }

    /// Ends the operator's oldest sessions until `kept` are left, and all that are over.
    fn end_operator_sessions(&mut self, operator: u64, kept: usize) -> Result<(), ReadError> {
        let now_ms = self.now_ms();
        let (mut over, mut living) = (Vec::new(), Vec::new());
        self.rows::<OperatorSession>(&Key::empty(), |key, session| {
            if session.expires_ms <= now_ms {
                over.push(key.to_vec());
            } else if session.operator == operator {
                living.push((session.since_ms, key.to_vec()));
            }
            Ok(NEXT)
        })?;
        living.sort_unstable();
        let surplus = living.len().saturating_sub(kept);
        for key in over.into_iter().chain(living.into_iter().take(surplus).map(|(_, key)| key)) {
            self.remove_bytes(Table::OperatorSessions, &key)?;
        }
        Ok(())
    }

    fn set_up(&mut self, token_hash: &[u8; 32], name: &str, password: &str) -> Decided<Answer> {
        let offer: Option<SetUpOffer> = self.row(&SetUpOffer::key())?;
        let is_good = offer.is_some_and(|offer| offer.token_hash == *token_hash && offer.expires_ms > self.now_ms());
        if !is_good || !self.operators()?.is_empty() {
            return Err(Refusal::SetUpOver.into());
        }
        self.add_operator(
            name,
            &OperatorAccount { role: OperatorRole::Owner, apps: Vec::new(), password: password.into() },
        )
    }
}
