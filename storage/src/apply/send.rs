//! A chat message: who may send it, whether it was accepted before, and where it goes.

use std::sync::Arc;

use anser_protocol::content::Content;
use anser_protocol::ids::{GroupId, OutboxNumber, Position, RoomId};
use anser_protocol::limits::OUTBOX_WINDOW;
use anser_protocol::planted::{Fault, is_planted};

use super::append::Place;
use super::message_count::CountedTo;
use super::mirror::Saying;
use super::{Batch, Decided};
use crate::across;
use crate::command::{Class, Command, Origin, Send, Target};
use crate::error::ReadError;
use crate::find;
use crate::heads::Head;
use crate::ids::{AppNumber, ChainNumber, DeviceNumber, UserNumber};
use crate::outcome::{Answer, Message, MessageBody, Refusal, Route};
use crate::rows::across::{Copies, Mirror, copies_key};
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
            Target::GroupOf { app_key, group } => self.send_abroad(send, sent, from_name, (app_key, *group))?,
            Target::Room(room) => self.send_room(send, sent, from_name, *room)?,
            Target::RoomOf { app_key, room } => self.send_to_room_of(send, app_key, *room)?,
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
        // A guest sends in their own app.
        if across::split_guest(&user.username).is_some() {
            return Err(Refusal::SenderUnknown.into());
        }
        match find::user_state(self, send.app, send.from)? {
            None => Ok(user.username.into()),
            Some(UserState::Disabled) => Err(Refusal::UserDisabled.into()),
            Some(UserState::Deleted) => Err(Refusal::SenderUnknown.into()),
        }
    }

    fn send_single(&mut self, send: &Send, sent: Option<Sent>, from_name: Arc<str>, name: &str) -> Decided<Place> {
        if across::split_guest(name).is_some() {
            return self.send_across(send, sent, from_name, name);
        }
        let Some(to) = find::user_number(self, send.app, name)? else {
            return Err(Refusal::UserUnknown { username: name.into() }.into());
        };
        let is_admin = send.origin == Origin::Server { as_admin: true };
        let forgets_blacklist = is_planted(Fault::BlacklistIgnored) && sent.is_some();
        let minds_blacklist = !is_admin && !forgets_blacklist;
        if minds_blacklist && find::is_tied(self, send.app, to, Tie::Blocks, send.from.0)? {
            return Err(Refusal::Blocked.into());
        }
        let content = self.filtered(send.app, &send.content)?;
        let (from, to_named) = ((send.from, from_name), (to, name.into()));
        let place = self.say_to_user(send.app, from, to_named, sent, false, &content)?;
        if content.needs_receipt() {
            self.open_receipt(send.app, send.from, Chat::User(to), place.position, &[to])?;
        }
        Ok(place)
    }

    /// To a user of a linked app: in each of the two apps a chat with a guest, and a record of its own.
    fn send_across(&mut self, send: &Send, sent: Option<Sent>, from_name: Arc<str>, name: &str) -> Decided<Place> {
        let (home, to) = across::linked_user(self, send.app, name)??;
        let is_admin = send.origin == Origin::Server { as_admin: true };
        if let Some(from) = across::guest_number(self, (send.app, send.from), home)?
            && !is_admin
            && find::is_tied(self, home, to, Tie::Blocks, from.0)?
        {
            return Err(Refusal::Blocked.into());
        }
        let content = self.filtered(send.app, &send.content)?;
        let content = self.filtered(home, &content)?;
        let guest = self.guest_number((home, to), send.app)?;
        let as_guest = self.guest_number((send.app, send.from), home)?;
        let guest = (guest, find::username(self, send.app, guest)?);
        let place = self.say_to_user(send.app, (send.from, from_name), guest, sent, false, &content)?;
        let as_guest = (as_guest, find::username(self, home, as_guest)?);
        let to = (to, find::username(self, home, to)?);
        self.say_to_user(home, as_guest, to, None, true, &content)?;
        self.put(&copies_key(send.app, place.position), &Copies(vec![home]))?;
        Ok(place)
    }

    /// The record in the single chat of the two, and the news of it.
    fn say_to_user(
        &mut self,
        app: AppNumber,
        (from, from_name): (UserNumber, Arc<str>),
        (to, to_name): (UserNumber, Arc<str>),
        sent: Option<Sent>,
        is_copy: bool,
        content: &Content,
    ) -> Result<Place, ReadError> {
        let chain = match find::single_chat(self, app, from, to)? {
            Some(chain) => chain,
            None => self.make_single_chat(app, from, to)?,
        };
        let said = Said { from, sent, to: Chat::User(to), counted_to: CountedTo::User, is_copy };
        let place = self.append_message(app, said, chain, content)?;
        let message = Arc::new(message(place, sent, content));
        self.announce(app, place.position, Route::Single { chain, from, from_name, to, to_name, message });
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
        let lists = self.members_lists(send.app, id)?;
        if let Some(Mirror::Of(home)) = lists.mirror.as_deref() {
            // App servers say of which app the group is.
            let is_named = sent.is_some() || matches!(send.target, Target::GroupOf { .. });
            return match is_named {
                true => self.send_to_mirrored(send, sent, from_name, (id, *home)),
                false => Err(Refusal::GroupUnknown.into()),
            };
        }
        let is_admin = send.origin == Origin::Server { as_admin: true };
        if !is_admin && !self.is_member(send.app, id, send.from)? {
            return Err(Refusal::NotAMember.into());
        }
        if !is_admin {
            self.require_voice(send.app, id, send.from)?;
        }
        let content = self.filtered(send.app, &send.content)?;
        let (to, counted_to) = (Chat::Group(id), CountedTo::Group(id));
        let said = Said { from: send.from, sent, to, counted_to, is_copy: false };
        let place = self.append_message(send.app, said, group.chain, &content)?;
        let (news, members) = (message(place, sent, &content), Arc::clone(&lists.readers));
        self.announce_said(send.app, (id, group.chain), (send.from, from_name), place.position, news, members);
        if let Some(Mirror::In(apps)) = lists.mirror.as_deref() {
            let saying = Saying { app: send.app, from: send.from, group: id, content: &content, home: send.app };
            self.copy_to(place.position, &saying, apps)?;
        }
        if content.needs_receipt() {
            // After the copies, which stand right behind the message.
            self.open_receipt(send.app, send.from, Chat::Group(id), place.position, &lists.readers)?;
        }
        Ok(place)
    }

    /// To a group of another app: the server of the sender's app names it, and it must be mirrored here.
    fn send_abroad(
        &mut self,
        send: &Send,
        sent: Option<Sent>,
        from_name: Arc<str>,
        (app_key, id): (&str, GroupId),
    ) -> Decided<Place> {
        let home = across::linked_app(self, send.app, app_key)??;
        if find::group(self, home, id)?.is_none() || across::home_of_group(self, home, id)?.is_some() {
            return Err(Refusal::GroupUnknown.into());
        }
        match across::home_of_group(self, send.app, id)? {
            Some(of) if of == home => self.send_group(send, sent, from_name, id),
            _ => Err(Refusal::NotAMember.into()),
        }
    }

    pub(super) fn append_message(
        &mut self,
        app: AppNumber,
        said: Said,
        chain: ChainNumber,
        content: &Content,
    ) -> Result<Place, ReadError> {
        let Said { from, sent, to, counted_to, is_copy } = said;
        let record = MessageRecord { from, to, sent, content: content.clone() };
        let place = self.append(app, Class::Chat, chain, Body::Message(record))?;
        self.count_message(app, (!is_copy).then_some(from), counted_to, content.kind, place.position);
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
            Target::User(name) => across::number(self, send.app, name)?.map(|user| SentTo::Chat(Chat::User(user))),
            Target::Group(group) | Target::GroupOf { group, .. } => Some(SentTo::Chat(Chat::Group(*group))),
            Target::Room(room) | Target::RoomOf { room, .. } => Some(SentTo::Room(*room)),
        })
    }
}

/// Who says something where.
pub(super) struct Said {
    pub from: UserNumber,
    pub sent: Option<Sent>,
    pub to: Chat,
    pub counted_to: CountedTo,
    /// It was said in another app, by somebody who is a guest here.
    pub is_copy: bool,
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

pub(super) fn message(place: Place, sent: Option<Sent>, content: &Content) -> Message {
    let sent_by = sent.map(|sent| (sent.device, sent.outbox));
    Message { seq: place.seq, body: MessageBody::Content(content.clone()), sent_by }
}
