//! Bytes to frames. Any bytes may be fed; what is no frame is [`Malformed`].

use alloc::vec::Vec;

use serde::de::Deserialize;

use super::{Direction, Malformed, room_as_chat};
use crate::content::{Content, ContentKind};
use crate::extension::Extensions;
use crate::frame::chat::*;
use crate::frame::room::{RoomDeliver, RoomRecords, RoomSend, WireRoomDeliver, WireRoomRecords, WireRoomSend};
use crate::frame::{ClientFrame, ClientKind, ServerFrame, ServerKind};
use crate::ids::{Position, RoomId};
use crate::names::{Chat, Name};
use crate::varint;

/// Reads one direction of a link.
#[derive(Clone, Debug, Default)]
pub struct Decoder(Direction);

impl Decoder {
    /// Reads a client's frame: type and body.
    pub fn client(&mut self, frame: &[u8]) -> Result<ClientFrame, Malformed> {
        use ClientKind as Kind;
        let (number, body) = head(frame)?;
        let Some(kind) = Kind::by_number(number) else { return Ok(ClientFrame::Unknown(number)) };
        Ok(match kind {
            Kind::Hello => ClientFrame::Hello(whole(body)?),
            Kind::Login => ClientFrame::Login(whole(body)?),
            Kind::Logout => ClientFrame::Logout(whole(body)?),
            Kind::RegisterUser => ClientFrame::RegisterUser(whole(body)?),
            Kind::Ping => whole(body).map(|()| ClientFrame::Ping)?,
            Kind::Send => {
                let wire: WireSend<'_> = whole(body)?;
                ClientFrame::Send(Send {
                    outbox: wire.outbox,
                    chat: self.0.names.resolve_chat(wire.chat)?,
                    content: content(wire.kind, wire.body, wire.extensions),
                })
            }
            Kind::Ack => ClientFrame::Ack(whole(body)?),
            Kind::History => {
                let wire: WireHistory<'_> = whole(body)?;
                ClientFrame::History(History {
                    request: wire.request,
                    chat: self.0.names.resolve_chat(wire.chat)?,
                    before: Position(wire.before),
                    after: Position(wire.after),
                    limit: wire.limit,
                })
            }
            Kind::Conversations => ClientFrame::Conversations(whole(body)?),
            Kind::GroupMake => ClientFrame::GroupMake(whole(body)?),
            Kind::GroupEdit => ClientFrame::GroupEdit(whole(body)?),
            Kind::GroupOrder => ClientFrame::GroupOrder(whole(body)?),
            Kind::GroupJoinAnswer => ClientFrame::GroupJoinAnswer(whole(body)?),
            Kind::GroupAsk => ClientFrame::GroupAsk(whole(body)?),
            Kind::GroupsPublic => ClientFrame::GroupsPublic(whole(body)?),
            Kind::GroupCreate => ClientFrame::GroupCreate(whole(body)?),
            Kind::GroupAdd => ClientFrame::GroupAdd(whole(body)?),
            Kind::GroupRemove => ClientFrame::GroupRemove(whole(body)?),
            Kind::GroupLeave => ClientFrame::GroupLeave(whole(body)?),
            Kind::GroupList => ClientFrame::GroupList(whole(body)?),
            Kind::GroupMembers => ClientFrame::GroupMembers(whole(body)?),
            Kind::UserInfo => ClientFrame::UserInfo(whole(body)?),
            Kind::Tags => ClientFrame::Tags(whole(body)?),
            Kind::Alias => ClientFrame::Alias(whole(body)?),
            Kind::PushAck => ClientFrame::PushAck(whole(body)?),
            Kind::PushClicked => ClientFrame::PushClicked(whole(body)?),
            Kind::RoomSend => {
                let wire: WireRoomSend<'_> = whole(body)?;
                ClientFrame::RoomSend(RoomSend {
                    outbox: wire.outbox,
                    room: RoomId(wire.room),
                    content: content(wire.kind, wire.body, wire.extensions),
                })
            }
            Kind::RoomEnter => ClientFrame::RoomEnter(whole(body)?),
            Kind::RoomLeave => ClientFrame::RoomLeave(whole(body)?),
            Kind::RoomList => ClientFrame::RoomList(whole(body)?),
            Kind::MyRooms => ClientFrame::MyRooms(whole(body)?),
            Kind::RoomInfo => ClientFrame::RoomInfo(whole(body)?),
            Kind::RoomMembers => ClientFrame::RoomMembers(whole(body)?),
            Kind::RoomChange => ClientFrame::RoomChange(whole(body)?),
            Kind::RoomSilence => ClientFrame::RoomSilence(whole(body)?),
            Kind::PushReport => ClientFrame::PushReport(whole(body)?),
            Kind::PushToken => ClientFrame::PushToken(whole(body)?),
            Kind::Badge => ClientFrame::Badge(whole(body)?),
            Kind::ProfileChange => ClientFrame::ProfileChange(whole(body)?),
            Kind::PasswordChange => ClientFrame::PasswordChange(whole(body)?),
            Kind::Blacklist => ClientFrame::Blacklist(whole(body)?),
            Kind::Mutes => ClientFrame::Mutes(whole(body)?),
            Kind::Shields => ClientFrame::Shields(whole(body)?),
            Kind::FriendAsk => ClientFrame::FriendAsk(whole(body)?),
            Kind::FriendAnswer => ClientFrame::FriendAnswer(whole(body)?),
            Kind::FriendRemove => ClientFrame::FriendRemove(whole(body)?),
            Kind::FriendNote => ClientFrame::FriendNote(whole(body)?),
            Kind::PeopleList => ClientFrame::PeopleList(whole(body)?),
            Kind::UsersInfo => ClientFrame::UsersInfo(whole(body)?),
            Kind::Mobile => ClientFrame::Mobile(whole(body)?),
            Kind::PushStop => ClientFrame::PushStop(whole(body)?),
            Kind::PushResume => ClientFrame::PushResume(whole(body)?),
            Kind::MediaUpload => ClientFrame::MediaUpload(whole(body)?),
            Kind::MediaAddress => ClientFrame::MediaAddress(whole(body)?),
            Kind::Activity => ClientFrame::Activity(whole(body)?),
            Kind::SendCommand => ClientFrame::SendCommand(whole(body)?),
            Kind::Retract => ClientFrame::Retract(whole(body)?),
            Kind::ReadMarks => ClientFrame::ReadMarks(whole(body)?),
            Kind::ReadMessages => ClientFrame::ReadMessages(whole(body)?),
            Kind::ReadersAsk => ClientFrame::ReadersAsk(whole(body)?),
            Kind::UnreadAsk => ClientFrame::UnreadAsk(whole(body)?),
            Kind::OwnDevicesAsk => ClientFrame::OwnDevicesAsk(whole(body)?),
        })
    }

    /// Reads a server's frame: type and body.
    pub fn server(&mut self, frame: &[u8]) -> Result<ServerFrame, Malformed> {
        use ServerKind as Kind;
        let (number, body) = head(frame)?;
        let Some(kind) = Kind::by_number(number) else { return Ok(ServerFrame::Unknown(number)) };
        Ok(match kind {
            Kind::Welcome => ServerFrame::Welcome(whole(body)?),
            Kind::LoggedIn => {
                let body: crate::frame::session::LoggedIn = whole(body)?;
                self.0.myself = Some(Name::from(body.username.as_str()));
                ServerFrame::LoggedIn(body)
            }
            Kind::Done => ServerFrame::Done(whole(body)?),
            Kind::Failed => ServerFrame::Failed(whole(body)?),
            Kind::Pong => whole(body).map(|()| ServerFrame::Pong)?,
            Kind::Sent => {
                let wire: WireSent = whole(body)?;
                ServerFrame::Sent(Sent {
                    outbox: wire.outbox,
                    position: self.0.step_by(wire.position_step),
                    at_ms: self.0.time_step_by(wire.time_step),
                })
            }
            Kind::SendRefused => ServerFrame::SendRefused(whole(body)?),
            Kind::Deliver => ServerFrame::Deliver(self.delivered(whole(body)?)?),
            Kind::Covered => {
                let wire: WireCovered = whole(body)?;
                let to = wire.after.wrapping_add(wire.length);
                self.0.delivered = to;
                ServerFrame::Covered(Covered { after: Position(wire.after), to: Position(to) })
            }
            Kind::CatchUp => {
                let wire: WireCatchUp<'_> = whole(body)?;
                if wire.is_last {
                    self.0.delivered = wire.to;
                }
                ServerFrame::CatchUp(CatchUp {
                    after: Position(wire.after),
                    to: Position(wire.to),
                    is_last: wire.is_last,
                    conversations: conversations_from_wire(&mut self.0, wire.to, wire.conversations)?,
                    extensions: wire.extensions,
                })
            }
            Kind::HistoryPage => {
                let wire: WireHistoryPage<'_> = whole(body)?;
                let chat = self.0.names.resolve_chat(wire.chat)?;
                ServerFrame::HistoryPage(HistoryPage {
                    request: wire.request,
                    records: records_from_wire(&mut self.0, &mut 0, &chat, wire.records)?,
                    chat,
                    is_complete: wire.is_complete,
                    extensions: wire.extensions,
                })
            }
            Kind::ConversationPage => {
                let wire: WireConversationPage<'_> = whole(body)?;
                ServerFrame::ConversationPage(ConversationPage {
                    request: wire.request,
                    conversations: conversations_from_wire(&mut self.0, 0, wire.conversations)?,
                    is_complete: wire.is_complete,
                    extensions: wire.extensions,
                })
            }
            Kind::GroupProfile => ServerFrame::GroupProfile(whole(body)?),
            Kind::GroupPage => ServerFrame::GroupPage(whole(body)?),
            Kind::GroupStandings => ServerFrame::GroupStandings(whole(body)?),
            Kind::GroupSilences => ServerFrame::GroupSilences(whole(body)?),
            Kind::GroupBans => ServerFrame::GroupBans(whole(body)?),
            Kind::GroupAnnouncements => ServerFrame::GroupAnnouncements(whole(body)?),
            Kind::GroupJoins => ServerFrame::GroupJoins(whole(body)?),
            Kind::GroupAnnounced => ServerFrame::GroupAnnounced(whole(body)?),
            Kind::GroupCreated => ServerFrame::GroupCreated(whole(body)?),
            Kind::Groups => ServerFrame::Groups(whole(body)?),
            Kind::GroupMembers => ServerFrame::GroupMembers(whole(body)?),
            Kind::UserProfile => ServerFrame::UserProfile(whole(body)?),
            Kind::TagList => ServerFrame::TagList(whole(body)?),
            Kind::AliasValue => ServerFrame::AliasValue(whole(body)?),
            Kind::PushDeliver => ServerFrame::PushDeliver(whole(body)?),
            Kind::PushCovered => ServerFrame::PushCovered(whole(body)?),
            Kind::PushWithdrawn => ServerFrame::PushWithdrawn(whole(body)?),
            Kind::People => ServerFrame::People(whole(body)?),
            Kind::MarksMoved => ServerFrame::MarksMoved(whole(body)?),
            Kind::Receipts => ServerFrame::Receipts(whole(body)?),
            Kind::Readers => ServerFrame::Readers(whole(body)?),
            Kind::UnreadCounts => ServerFrame::UnreadCounts(whole(body)?),
            Kind::OwnDevices => ServerFrame::OwnDevices(whole(body)?),
            Kind::ProfileChanged => ServerFrame::ProfileChanged(whole(body)?),
            Kind::MediaTicket => ServerFrame::MediaTicket(whole(body)?),
            Kind::MediaLocation => ServerFrame::MediaLocation(whole(body)?),
            Kind::RoomDeliver => ServerFrame::RoomDeliver(self.room_delivered(whole(body)?)?),
            Kind::RoomRecords => {
                let wire: WireRoomRecords<'_> = whole(body)?;
                let room = RoomId(wire.room);
                ServerFrame::RoomRecords(RoomRecords {
                    room,
                    records: records_from_wire(&mut self.0, &mut 0, &room_as_chat(room), wire.records)?,
                    extensions: wire.extensions,
                })
            }
            Kind::Rooms => ServerFrame::Rooms(whole(body)?),
            Kind::RoomUsers => ServerFrame::RoomUsers(whole(body)?),
            Kind::RoomEvent => ServerFrame::RoomEvent(whole(body)?),
            Kind::RoomChanged => ServerFrame::RoomChanged(whole(body)?),
            Kind::CommandCame => ServerFrame::CommandCame(whole(body)?),
            Kind::GoAway => ServerFrame::GoAway(whole(body)?),
            Kind::Unsupported => ServerFrame::Unsupported(whole(body)?),
        })
    }

    fn room_delivered(&mut self, wire: WireRoomDeliver<'_>) -> Result<RoomDeliver, Malformed> {
        let direction = &mut self.0;
        let room = RoomId(wire.room);
        let position = direction.step_by(wire.position_step);
        let myself = direction.myself.clone();
        let from = direction.names.resolve_user(wire.from, &room_as_chat(room), myself.as_ref())?;
        let at_ms = direction.time_step_by(wire.time_step);
        let content = content(wire.kind, wire.body, wire.extensions);
        Ok(RoomDeliver { room, record: Record { position, at_ms, from, outbox: 0, content } })
    }

    fn delivered(&mut self, wire: WireDeliver<'_>) -> Result<Deliver, Malformed> {
        let direction = &mut self.0;
        let after = direction.delivered.wrapping_add_signed(wire.after_step);
        let position = direction.step_by(wire.position_step);
        let chat = direction.names.resolve_chat(wire.chat)?;
        let myself = direction.myself.clone();
        let from = direction.names.resolve_user(wire.from, &chat, myself.as_ref())?;
        let at_ms = direction.time_step_by(wire.time_step);
        direction.delivered = position.0;
        let content = content(wire.kind, wire.body, wire.extensions);
        Ok(Deliver { after: Position(after), chat, record: Record { position, at_ms, from, outbox: 0, content } })
    }
}

fn head(frame: &[u8]) -> Result<(u64, &[u8]), Malformed> {
    match varint::read(frame) {
        varint::Read::Value(number, taken) => Ok((number, &frame[taken..])),
        varint::Read::Incomplete | varint::Read::Invalid => Err(Malformed),
    }
}

/// A body must be read to its last byte: what is left over would be another version's, which evolution here excludes.
fn whole<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Malformed> {
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Ok(value),
        _ => Err(Malformed),
    }
}

fn content(kind: u8, body: &[u8], extensions: Extensions) -> Content {
    Content { kind: ContentKind(kind), body: body.to_vec(), extensions }
}

fn records_from_wire(
    direction: &mut Direction,
    position: &mut u64,
    chat: &Chat,
    records: Vec<WireRecord<'_>>,
) -> Result<Vec<Record>, Malformed> {
    let myself = direction.myself.clone();
    records
        .into_iter()
        .map(|wire| {
            *position = position.wrapping_add_signed(wire.position_step);
            Ok(Record {
                position: Position(*position),
                at_ms: direction.time_step_by(wire.time_step),
                from: direction.names.resolve_user(wire.from, chat, myself.as_ref())?,
                outbox: wire.outbox,
                content: content(wire.kind, wire.body, wire.extensions),
            })
        })
        .collect()
}

fn conversations_from_wire(
    direction: &mut Direction,
    start: u64,
    rows: Vec<WireConversation<'_>>,
) -> Result<Vec<Conversation>, Malformed> {
    let mut position = start;
    rows.into_iter()
        .map(|wire| {
            let chat = direction.names.resolve_chat(wire.chat)?;
            Ok(Conversation {
                name: wire.name.into(),
                windows: wire.windows,
                last: Position(wire.last),
                last_seq: wire.last_seq,
                read_mark: Position(wire.read_mark),
                hole: wire.hole,
                newest: records_from_wire(direction, &mut position, &chat, wire.newest)?,
                chat,
                extensions: wire.extensions,
            })
        })
        .collect()
}
