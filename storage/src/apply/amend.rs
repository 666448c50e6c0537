//! Amendments: a message is taken back, changed or erased.
//!
//! The row says what became of the message and is read with it; a record in the same chain tells those who have it.

use std::sync::Arc;

use anser_protocol::content::{AmendmentKind, Content};
use anser_protocol::extension::Extensions;
use anser_protocol::ids::{GroupId, Position};
use anser_protocol::planted::{Fault, is_planted};

use super::{Batch, Decided, Stop};
use crate::command::{Actor, Amend, Amended, Class};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, ChainNumber, UserNumber};
use crate::outcome::{Answer, MemberChange, Message, MessageBody, Refusal, Route};
use crate::rows::across::{Copies, copies_key};
use crate::rows::chat::{Chat, Conversation, ConversationKind, conversation_key};
use crate::rows::record::{AmendedRecord, Amendment, Body, MessageRecord, Record, amendment_key, log_key};
use crate::snapshot::shows;
use crate::tables::Tables;

impl Batch<'_> {
    pub(super) fn amend(&mut self, amend: &Amend) -> Decided<Answer> {
        self.require_app(amend.app)?;
        let answer = self.amend_here(amend)?;
        if matches!(answer, Answer::Amended { is_repeat: false, .. }) {
            self.amend_copies(amend)?;
        }
        Ok(answer)
    }

    /// What other apps have of the message. A copy that is gone, or was amended by its own app, stays as it is.
    fn amend_copies(&mut self, amend: &Amend) -> Decided<()> {
        let Some(copies) = self.row::<Copies>(&copies_key(amend.app, amend.message))? else { return Ok(()) };
        for (app, message) in copies.places(amend.message) {
            let record: Option<Record> = match find::app(self, app)? {
                Some(_) => self.row(&log_key(app, Class::Chat, message))?,
                None => None,
            };
            let Some(Body::Message(MessageRecord { from, .. })) = record.map(|record| record.body) else { continue };
            let by = match amend.by {
                Actor::User(_) => Actor::User(from),
                Actor::Server => Actor::Server,
            };
            let what = amend.what.clone();
            match self.amend_here(&Amend { app, by, through_server: true, message, what, within_ms: None }) {
                Ok(_) | Err(Stop::Refused(_)) => {}
                Err(failed) => return Err(failed),
            }
        }
        Ok(())
    }

    fn amend_here(&mut self, amend: &Amend) -> Decided<Answer> {
        let (record, message) = self.message_to_amend(amend)?;
        let earlier: Option<Amendment> = self.row(&amendment_key(amend.app, amend.message))?;
        match &earlier {
            Some(earlier) if earlier.what == amend.what => {
                return Ok(Answer::Amended { told_at: earlier.told_at, is_repeat: true });
            }
            // What is gone does not come back; but what was taken back may still be erased.
            Some(Amendment { what: Amended::Erased, .. }) => return Err(Refusal::AlreadyRetracted.into()),
            Some(Amendment { what: Amended::Retracted, .. }) if amend.what != Amended::Erased => {
                return Err(Refusal::AlreadyRetracted.into());
            }
            _ => {}
        }
        let age_ms = self.now_ms().saturating_sub(record.at_ms);
        let is_late = amend.within_ms.is_some_and(|within_ms| age_ms > within_ms);
        if is_late && !is_planted(Fault::RetractedTooLate) {
            return Err(Refusal::TooLateToAmend.into());
        }
        let (by, told_at) = (amend.by.user(), self.next_position());
        let row = Amendment { what: amend.what.clone(), by, at_ms: self.now_ms(), told_at };
        self.put(&amendment_key(amend.app, amend.message), &row)?;
        self.tell_amended(amend, &record, &message)?;
        match &amend.what {
            Amended::Retracted => {}
            Amended::Edited(content) => self.note_mentions(amend.app, Class::Chat, amend.message, content)?,
            Amended::Erased => {
                if let Some(Amendment { what: Amended::Edited(content), .. }) = &earlier {
                    self.forget_mentions(amend.app, amend.message, content)?;
                }
                self.forget_mentions(amend.app, amend.message, &message.content)?;
                self.close_receipt(amend.app, amend.message)?;
                self.blank(amend.app, amend.message, record, message)?;
            }
        }
        Ok(Answer::Amended { told_at, is_repeat: false })
    }

    fn message_to_amend(&self, amend: &Amend) -> Decided<(Record, MessageRecord)> {
        let is_kept = amend.message >= find::floor(self, amend.app, Class::Chat)?;
        let record: Option<Record> = self.row(&log_key(amend.app, Class::Chat, amend.message))?;
        let Some(record) = record.filter(|_| is_kept) else { return Err(Refusal::MessageUnknown.into()) };
        let Body::Message(message) = record.body.clone() else { return Err(Refusal::MessageUnknown.into()) };
        if let Actor::User(user) = amend.by {
            let is_in_chat = amend.through_server || self.is_in_chat(amend.app, user, &message)?;
            check_amender(is_in_chat, user, &message)?;
        }
        Ok((record, message))
    }

    fn is_in_chat(&self, app: AppNumber, user: UserNumber, message: &MessageRecord) -> Result<bool, ReadError> {
        match message.to {
            Chat::User(peer) => Ok(user == message.from || user == peer),
            Chat::Group(group) => self.is_member(app, group, user),
            Chat::Notices => Ok(false),
        }
    }

    /// Appends the record that tells of it, for all who are in the chat now.
    fn tell_amended(&mut self, amend: &Amend, amended: &Record, message: &MessageRecord) -> Result<(), ReadError> {
        let chain = amended.chain;
        let (app, by) = (amend.app, amend.by.user());
        let kind = match amend.what {
            Amended::Retracted => AmendmentKind::RETRACTED,
            Amended::Edited(_) => AmendmentKind::EDITED,
            Amended::Erased => AmendmentKind::ERASED,
        };
        let record = AmendedRecord { to: message.to, position: amend.message, seq: amended.seq, kind, by };
        let body = MessageBody::Amendment(find::amendment(self, app, &record)?);
        let place = self.append(app, Class::Chat, chain, Body::Amended(record))?;
        let told = Arc::new(Message { seq: place.seq, body, sent_by: None });
        let route = match message.to {
            Chat::User(to) => Route::Single {
                chain,
                from: message.from,
                from_name: find::username(self, app, message.from)?,
                to,
                to_name: find::username(self, app, to)?,
                message: told,
            },
            Chat::Group(group) => Route::Group {
                chain,
                group,
                from_name: "".into(),
                from: None,
                message: told,
                members: self.members_shown(app, group, chain, amended.seq)?,
                change: MemberChange::default(),
            },
            // Nobody sends there.
            Chat::Notices => return Ok(()),
        };
        self.announce(app, place.position, route);
        Ok(())
    }

    /// Members whose windows show the message of this number: who came later has not seen it.
    fn members_shown(
        &self,
        app: AppNumber,
        group: GroupId,
        chain: ChainNumber,
        seq: u64,
    ) -> Result<Arc<[UserNumber]>, ReadError> {
        let mut shown = Vec::new();
        for member in self.members_lists(app, group)?.readers.iter() {
            let key = conversation_key(app, *member, ConversationKind::Group, chain);
            if self.row::<Conversation>(&key)?.is_some_and(|row| shows(&row.windows, seq)) {
                shown.push(*member);
            }
        }
        Ok(shown.into())
    }

    fn blank(
        &mut self,
        app: AppNumber,
        position: Position,
        record: Record,
        message: MessageRecord,
    ) -> Result<(), ReadError> {
        let kind = message.content.kind;
        let content = Content { kind, body: Vec::new(), extensions: Extensions::default() };
        let body = Body::Message(MessageRecord { content, ..message });
        self.put(&log_key(app, Class::Chat, position), &Record { body, ..record })
    }
}

/// Whoever is not in the chat learns no more than that there is nothing for them.
fn check_amender(is_in_chat: bool, user: UserNumber, message: &MessageRecord) -> Result<(), Refusal> {
    match is_in_chat {
        false => Err(Refusal::MessageUnknown),
        true if user != message.from => Err(Refusal::NotTheSender),
        true => Ok(()),
    }
}
