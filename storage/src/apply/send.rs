//! A chat message: who may send it, whether it was accepted before, and where it goes.

use std::sync::Arc;

use anser_protocol::content::Content;
use anser_protocol::ids::{GroupId, OutboxNumber, Position, RoomId};
use anser_protocol::limits::OUTBOX_WINDOW;
use anser_protocol::planted::{Fault, is_planted};

use super::append::Place;
use super::{Batch, Decided};
use crate::command::{Class, Command, Origin, Send, Target};
use crate::error::ReadError;
use crate::find;
use crate::heads::Head;
use crate::ids::{AppNumber, ChainNumber, DeviceNumber, UserNumber};
use crate::outcome::{Answer, MemberChange, Message, MessageBody, Refusal, Route};
use crate::rows::chat::{Chat, Conversation, ConversationKind, SingleChat, conversation_key, single_chat_key};
use crate::rows::people::UserState;
use crate::rows::record::{Body, MessageRecord, RoomRecord, Sent};
use crate::rows::relation::Tie;
use crate::table::Table;
use crate::tables::Tables;

impl Batch<'_> {
    pub(super) fn send(&mut self, send: &Send) -> Decided<Answer> {
        self.require_app(send.app)?;
        let sent = match send.origin {
            Origin::Server { .. } => None,
            Origin::Device { device, outbox } => match self.outbox_place(send, device, outbox)? {
                OutboxPlace::New(sent) => Some(sent),
                OutboxPlace::Known(answer) => return Ok(answer),
            },
        };
        let from_name = self.sender_name(send)?;
        let place = match &send.target {
            Target::User(name) => self.send_single(send, sent, from_name, name)?,
            Target::Group(group) => self.send_group(send, sent, from_name, *group)?,
            Target::Room(room) => self.send_room(send, sent, from_name, *room)?,
        };
        if let Some(sent) = sent {
            let head = Head { last: place.position, seq: sent.seq, outbox: sent.outbox + sent.behind };
            self.set_head(sent.chain, head);
        }
        Ok(Answer::Sent { position: place.position, at_ms: self.now_ms(), is_repeat: false })
    }

    /// The first answer to a send, when it is a repeat and that can be told.
    pub fn answered_before(&mut self, command: &Command) -> Option<Answer> {
        let Command::Send(send) = command else { return None };
        let Origin::Device { device, outbox } = send.origin else { return None };
        match self.outbox_place(send, device, outbox) {
            Ok(OutboxPlace::Known(answer)) => Some(answer),
            Ok(OutboxPlace::New(_)) | Err(_) => None,
        }
    }

    fn sender_name(&self, send: &Send) -> Decided<Arc<str>> {
        let Some(user) = find::user(self, send.app, send.from)? else { return Err(Refusal::SenderUnknown.into()) };
        match find::user_state(self, send.app, send.from)? {
            None => Ok(user.username.into()),
            Some(UserState::Disabled) => Err(Refusal::UserDisabled.into()),
            Some(UserState::Deleted) => Err(Refusal::SenderUnknown.into()),
        }
    }

    fn send_single(&mut self, send: &Send, sent: Option<Sent>, from_name: Arc<str>, name: &str) -> Decided<Place> {
        let Some(to) = find::user_number(self, send.app, name)? else {
            return Err(Refusal::UserUnknown { username: name.into() }.into());
        };
        let is_admin = send.origin == Origin::Server { as_admin: true };
        if !is_admin && find::is_tied(self, send.app, to, Tie::Blocks, send.from.0)? {
            return Err(Refusal::Blocked.into());
        }
        let content = self.filtered(send.app, &send.content)?;
        let chain = match find::single_chat(self, send.app, send.from, to)? {
            Some(chain) => chain,
            None => self.make_single_chat(send.app, send.from, to)?,
        };
        let place = self.append_message(send, sent, chain, Chat::User(to), &content)?;
        let message = message(place, sent, &content);
        let route =
            Route::Single { chain, from: send.from, from_name, to, to_name: name.into(), message: Arc::new(message) };
        self.announce(send.app, place.position, route);
        if content.needs_receipt() {
            self.open_receipt(send.app, send.from, Chat::User(to), place.position, &[to])?;
        }
        Ok(place)
    }

    /// The chain and both conversation rows, made with the first message.
    fn make_single_chat(
        &mut self,
        app: AppNumber,
        one: UserNumber,
        other: UserNumber,
    ) -> Result<ChainNumber, ReadError> {
        let chain = self.take_chain();
        self.put(&single_chat_key(app, one, other), &SingleChat { chain })?;
        let changed = self.next_position();
        for (user, peer) in [(one, other), (other, one)] {
            let key = conversation_key(app, user, ConversationKind::Single, chain);
            self.put(&key, &Conversation::new(Chat::User(peer), 1, changed))?;
        }
        Ok(chain)
    }

    fn send_group(&mut self, send: &Send, sent: Option<Sent>, from_name: Arc<str>, id: GroupId) -> Decided<Place> {
        let Some(group) = find::group(self, send.app, id)? else { return Err(Refusal::GroupUnknown.into()) };
        let is_admin = send.origin == Origin::Server { as_admin: true };
        if !is_admin && !self.is_member(send.app, id, send.from)? {
            return Err(Refusal::NotAMember.into());
        }
        if !is_admin {
            self.require_voice(send.app, id, send.from)?;
        }
        let content = self.filtered(send.app, &send.content)?;
        let place = self.append_message(send, sent, group.chain, Chat::Group(id), &content)?;
        let members = self.members_lists(send.app, id)?.readers;
        let route = Route::Group {
            chain: group.chain,
            group: id,
            from_name,
            from: Some(send.from),
            message: Arc::new(message(place, sent, &content)),
            members: Arc::clone(&members),
            change: MemberChange::default(),
        };
        self.announce(send.app, place.position, route);
        if content.needs_receipt() {
            self.open_receipt(send.app, send.from, Chat::Group(id), place.position, &members)?;
        }
        Ok(place)
    }

    fn append_message(
        &mut self,
        send: &Send,
        sent: Option<Sent>,
        chain: ChainNumber,
        to: Chat,
        content: &Content,
    ) -> Result<Place, ReadError> {
        let record = MessageRecord { from: send.from, to, sent, content: content.clone() };
        let place = self.append(send.app, Class::Chat, chain, Body::Message(record))?;
        let group = match to {
            Chat::Group(group) => Some(group),
            Chat::User(_) | Chat::Notices => None,
        };
        self.count_message(send.app, Class::Chat, send.from, group, send.content.kind, place.position);
        Ok(place)
    }

    /// Was this outbox number accepted before? The device's sent chain tells.
    fn outbox_place(&mut self, send: &Send, device: DeviceNumber, outbox: OutboxNumber) -> Decided<OutboxPlace> {
        let Some(row) = find::device(self, send.app, device)? else { return Err(Refusal::DeviceUnknown.into()) };
        let head = self.head(row.sent)?.unwrap_or_default();
        if outbox <= head.outbox && !is_planted(Fault::NoDeduplication) {
            if head.outbox - outbox >= OUTBOX_WINDOW {
                return Err(Refusal::OutboxTooOld.into());
            }
            if let Some(answer) = self.first_answer(send, head, outbox)? {
                return Ok(OutboxPlace::Known(answer));
            }
        }
        let behind = head.outbox.saturating_sub(outbox);
        let sent = Sent { device, chain: row.sent, outbox, behind, prev: head.last, seq: head.seq + 1 };
        Ok(OutboxPlace::New(sent))
    }

    /// Walks the sent chain. It ends where the device's highest number was still below `outbox`: that one cannot have
    /// been accepted earlier. Each number within the window was accepted at most once, so the walk is short.
    ///
    /// A number that is not found was refused, for a reason that may be gone by now. Where the sender has said more in
    /// the same chat since, it stays refused: it would come out of order.
    fn first_answer(&self, send: &Send, head: Head, outbox: OutboxNumber) -> Decided<Option<Answer>> {
        let chat = self.chat_of(send)?;
        let mut is_overtaken = false;
        let mut position = head.last;
        while position != Position::START {
            let Some(record) = find::sent_record(self, send.app, position)? else {
                // Cut by retention: nobody can tell any more, and a double would be worse than a refusal.
                return Err(Refusal::OutboxTooOld.into());
            };
            let (from, to, sent) = match record.body {
                Body::Message(MessageRecord { from, to, sent: Some(sent), .. }) => (from, SentTo::Chat(to), sent),
                Body::Room(RoomRecord { from, room, sent: Some(sent), .. }) => (from, SentTo::Room(room), sent),
                _ => {
                    let key = crate::rows::record::log_key(send.app, Class::Chat, position);
                    return Err(find::missing(Table::Log, key).into());
                }
            };
            if sent.outbox == outbox {
                return Ok(Some(Answer::Sent { position, at_ms: record.at_ms, is_repeat: true }));
            }
            if sent.outbox + sent.behind < outbox {
                break;
            }
            is_overtaken |= sent.outbox > outbox && from == send.from && Some(to) == chat;
            position = sent.prev;
        }
        if is_overtaken && !is_planted(Fault::Overtaking) { Err(Refusal::OutboxTooOld.into()) } else { Ok(None) }
    }

    /// Nothing when there is no such user.
    fn chat_of(&self, send: &Send) -> Result<Option<SentTo>, ReadError> {
        Ok(match &send.target {
            Target::User(name) => find::user_number(self, send.app, name)?.map(|user| SentTo::Chat(Chat::User(user))),
            Target::Group(group) => Some(SentTo::Chat(Chat::Group(*group))),
            Target::Room(room) => Some(SentTo::Room(*room)),
        })
    }
}

/// Within one of these a device's messages keep their order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SentTo {
    Chat(Chat),
    Room(RoomId),
}

enum OutboxPlace {
    New(Sent),
    /// Accepted before, with this answer.
    Known(Answer),
}

fn message(place: Place, sent: Option<Sent>, content: &Content) -> Message {
    let sent_by = sent.map(|sent| (sent.device, sent.outbox));
    Message { seq: place.seq, body: MessageBody::Content(content.clone()), sent_by }
}
