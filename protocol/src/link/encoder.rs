//! Frames to bytes.

use alloc::vec::Vec;

use serde::Serialize;

use super::{Direction, bound, room_as_chat, step};
use crate::content::{Content, ContentKind};
use crate::extension::Extensions;
use crate::frame::chat::*;
use crate::frame::room::{WireRoomDeliver, WireRoomRecords, WireRoomSend};
use crate::frame::{ClientFrame, ClientKind, ServerFrame, ServerKind};
use crate::framing::FrameTooLong;
use crate::ids::{Position, RoomId};
use crate::limits::{CLIENT_FRAME_BYTES_MAX, FRAME_BYTES_MAX};
use crate::names::{Chat, Name};
use crate::varint;

/// Writes one direction of a link.
///
/// After a [`FrameTooLong`] nothing was written and nothing has changed: the link goes on, and what was too long may be
/// encoded again in smaller parts.
#[derive(Clone, Debug, Default)]
pub struct Encoder(Direction);

/// A live record, borrowed: what a fan-out to a thousand links encodes without copying the message.
#[derive(Clone, Copy, Debug)]
pub struct DeliverView<'a> {
    pub after: Position,
    pub chat: &'a Chat,
    pub position: Position,
    pub at_ms: u64,
    pub from: &'a Name,
    pub kind: ContentKind,
    pub body: &'a [u8],
    pub extensions: &'a Extensions,
}

/// The same of a chat room.
#[derive(Clone, Copy, Debug)]
pub struct RoomDeliverView<'a> {
    pub room: RoomId,
    pub position: Position,
    pub at_ms: u64,
    pub from: &'a Name,
    pub content: &'a Content,
}

impl Encoder {
    /// Appends a client's frame: type and body.
    pub fn client(&mut self, frame: &ClientFrame, out: &mut Vec<u8>) -> Result<(), FrameTooLong> {
        self.within(CLIENT_FRAME_BYTES_MAX, bound::client_frame(frame), out, |encoder, out| {
            encoder.put_client(frame, out)
        })
    }

    /// Appends a server's frame: type and body.
    pub fn server(&mut self, frame: &ServerFrame, out: &mut Vec<u8>) -> Result<(), FrameTooLong> {
        self.within(FRAME_BYTES_MAX, bound::server_frame(frame), out, |encoder, out| encoder.put_server(frame, out))
    }

    /// Appends a live delivery.
    pub fn deliver(&mut self, view: DeliverView<'_>, out: &mut Vec<u8>) -> Result<(), FrameTooLong> {
        self.within(FRAME_BYTES_MAX, bound::delivery(&view), out, |encoder, out| encoder.put_deliver(view, out))
    }

    /// Appends a live message of a chat room.
    pub fn room_deliver(&mut self, view: RoomDeliverView<'_>, out: &mut Vec<u8>) -> Result<(), FrameTooLong> {
        self.within(FRAME_BYTES_MAX, bound::room_delivery(&view), out, |encoder, out| {
            encoder.put_room_deliver(view, out)
        })
    }

    /// Takes everything back when the frame came out too long. The copy that this needs is made only where the bound
    /// says that it can happen.
    fn within(
        &mut self,
        frame_bytes_max: usize,
        bound: usize,
        out: &mut Vec<u8>,
        put: impl FnOnce(&mut Self, &mut Vec<u8>) -> postcard::Result<()>,
    ) -> Result<(), FrameTooLong> {
        let start = out.len();
        let before = (bound > frame_bytes_max).then(|| self.clone());
        // Appending to a Vec cannot fail, and every body is made of types that postcard knows: only the length counts.
        if put(self, out).is_ok() && out.len() - start <= frame_bytes_max {
            return Ok(());
        }
        out.truncate(start);
        if let Some(before) = before {
            *self = before;
        }
        Err(FrameTooLong)
    }

    fn put_client(&mut self, frame: &ClientFrame, out: &mut Vec<u8>) -> postcard::Result<()> {
        use ClientKind as Kind;
        match frame {
            ClientFrame::Hello(body) => put(Kind::Hello.number(), body, out),
            ClientFrame::Login(body) => put(Kind::Login.number(), body, out),
            ClientFrame::Logout(body) => put(Kind::Logout.number(), body, out),
            ClientFrame::RegisterUser(body) => put(Kind::RegisterUser.number(), body, out),
            ClientFrame::Ping => put(Kind::Ping.number(), &(), out),
            ClientFrame::Send(send) => {
                let wire = WireSend {
                    outbox: send.outbox,
                    chat: self.0.names.refer_to_chat(&send.chat),
                    kind: send.content.kind.0,
                    body: &send.content.body,
                    extensions: send.content.extensions.clone(),
                };
                put(Kind::Send.number(), &wire, out)
            }
            ClientFrame::Ack(body) => put(Kind::Ack.number(), body, out),
            ClientFrame::History(body) => {
                let wire = WireHistory {
                    request: body.request,
                    chat: self.0.names.refer_to_chat(&body.chat),
                    before: body.before.0,
                    after: body.after.0,
                    limit: body.limit,
                    extensions: Extensions::default(),
                };
                put(Kind::History.number(), &wire, out)
            }
            ClientFrame::Conversations(body) => put(Kind::Conversations.number(), body, out),
            ClientFrame::GroupCreate(body) => put(Kind::GroupCreate.number(), body, out),
            ClientFrame::GroupAdd(body) => put(Kind::GroupAdd.number(), body, out),
            ClientFrame::GroupRemove(body) => put(Kind::GroupRemove.number(), body, out),
            ClientFrame::GroupLeave(body) => put(Kind::GroupLeave.number(), body, out),
            ClientFrame::GroupList(body) => put(Kind::GroupList.number(), body, out),
            ClientFrame::GroupMembers(body) => put(Kind::GroupMembers.number(), body, out),
            ClientFrame::GroupMake(body) => put(Kind::GroupMake.number(), body, out),
            ClientFrame::GroupEdit(body) => put(Kind::GroupEdit.number(), body, out),
            ClientFrame::GroupOrder(body) => put(Kind::GroupOrder.number(), body, out),
            ClientFrame::GroupJoinAnswer(body) => put(Kind::GroupJoinAnswer.number(), body, out),
            ClientFrame::GroupAsk(body) => put(Kind::GroupAsk.number(), body, out),
            ClientFrame::GroupsPublic(body) => put(Kind::GroupsPublic.number(), body, out),
            ClientFrame::UserInfo(body) => put(Kind::UserInfo.number(), body, out),
            ClientFrame::Tags(body) => put(Kind::Tags.number(), body, out),
            ClientFrame::Alias(body) => put(Kind::Alias.number(), body, out),
            ClientFrame::PushAck(body) => put(Kind::PushAck.number(), body, out),
            ClientFrame::PushClicked(body) => put(Kind::PushClicked.number(), body, out),
            ClientFrame::RoomSend(send) => {
                let wire = WireRoomSend {
                    outbox: send.outbox,
                    room: send.room.0,
                    kind: send.content.kind.0,
                    body: &send.content.body,
                    extensions: send.content.extensions.clone(),
                };
                put(Kind::RoomSend.number(), &wire, out)
            }
            ClientFrame::RoomEnter(body) => put(Kind::RoomEnter.number(), body, out),
            ClientFrame::RoomLeave(body) => put(Kind::RoomLeave.number(), body, out),
            ClientFrame::RoomList(body) => put(Kind::RoomList.number(), body, out),
            ClientFrame::MyRooms(body) => put(Kind::MyRooms.number(), body, out),
            ClientFrame::RoomInfo(body) => put(Kind::RoomInfo.number(), body, out),
            ClientFrame::RoomMembers(body) => put(Kind::RoomMembers.number(), body, out),
            ClientFrame::RoomChange(body) => put(Kind::RoomChange.number(), body, out),
            ClientFrame::RoomSilence(body) => put(Kind::RoomSilence.number(), body, out),
            ClientFrame::PushReport(body) => put(Kind::PushReport.number(), body, out),
            ClientFrame::PushToken(body) => put(Kind::PushToken.number(), body, out),
            ClientFrame::Badge(body) => put(Kind::Badge.number(), body, out),
            ClientFrame::ProfileChange(body) => put(Kind::ProfileChange.number(), body, out),
            ClientFrame::PasswordChange(body) => put(Kind::PasswordChange.number(), body, out),
            ClientFrame::Blacklist(body) => put(Kind::Blacklist.number(), body, out),
            ClientFrame::Mutes(body) => put(Kind::Mutes.number(), body, out),
            ClientFrame::Shields(body) => put(Kind::Shields.number(), body, out),
            ClientFrame::FriendAsk(body) => put(Kind::FriendAsk.number(), body, out),
            ClientFrame::FriendAnswer(body) => put(Kind::FriendAnswer.number(), body, out),
            ClientFrame::FriendRemove(body) => put(Kind::FriendRemove.number(), body, out),
            ClientFrame::FriendNote(body) => put(Kind::FriendNote.number(), body, out),
            ClientFrame::PeopleList(body) => put(Kind::PeopleList.number(), body, out),
            ClientFrame::UsersInfo(body) => put(Kind::UsersInfo.number(), body, out),
            ClientFrame::Mobile(body) => put(Kind::Mobile.number(), body, out),
            ClientFrame::PushStop(body) => put(Kind::PushStop.number(), body, out),
            ClientFrame::PushResume(body) => put(Kind::PushResume.number(), body, out),
            ClientFrame::MediaUpload(body) => put(Kind::MediaUpload.number(), body, out),
            ClientFrame::MediaAddress(body) => put(Kind::MediaAddress.number(), body, out),
            ClientFrame::Activity(body) => put(Kind::Activity.number(), body, out),
            ClientFrame::SendCommand(body) => put(Kind::SendCommand.number(), body, out),
            ClientFrame::Retract(body) => put(Kind::Retract.number(), body, out),
            ClientFrame::ReadMarks(body) => put(Kind::ReadMarks.number(), body, out),
            ClientFrame::ReadMessages(body) => put(Kind::ReadMessages.number(), body, out),
            ClientFrame::ReadersAsk(body) => put(Kind::ReadersAsk.number(), body, out),
            ClientFrame::UnreadAsk(body) => put(Kind::UnreadAsk.number(), body, out),
            ClientFrame::OwnDevicesAsk(body) => put(Kind::OwnDevicesAsk.number(), body, out),
            ClientFrame::Unknown(number) => put(*number, &(), out),
        }
    }

    fn put_server(&mut self, frame: &ServerFrame, out: &mut Vec<u8>) -> postcard::Result<()> {
        use ServerKind as Kind;
        match frame {
            ServerFrame::Welcome(body) => put(Kind::Welcome.number(), body, out),
            ServerFrame::LoggedIn(body) => {
                self.0.myself = Some(Name::from(body.username.as_str()));
                put(Kind::LoggedIn.number(), body, out)
            }
            ServerFrame::Done(body) => put(Kind::Done.number(), body, out),
            ServerFrame::Failed(body) => put(Kind::Failed.number(), body, out),
            ServerFrame::Pong => put(Kind::Pong.number(), &(), out),
            ServerFrame::Sent(sent) => {
                let wire = WireSent {
                    outbox: sent.outbox,
                    position_step: self.0.step_to(sent.position),
                    time_step: self.0.time_step_to(sent.at_ms),
                };
                put(Kind::Sent.number(), &wire, out)
            }
            ServerFrame::SendRefused(body) => put(Kind::SendRefused.number(), body, out),
            ServerFrame::Deliver(deliver) => self.put_deliver(
                DeliverView {
                    after: deliver.after,
                    chat: &deliver.chat,
                    position: deliver.record.position,
                    at_ms: deliver.record.at_ms,
                    from: &deliver.record.from,
                    kind: deliver.record.content.kind,
                    body: &deliver.record.content.body,
                    extensions: &deliver.record.content.extensions,
                },
                out,
            ),
            ServerFrame::Covered(covered) => {
                self.0.delivered = covered.to.0;
                let wire = WireCovered { after: covered.after.0, length: covered.to.0.wrapping_sub(covered.after.0) };
                put(Kind::Covered.number(), &wire, out)
            }
            ServerFrame::CatchUp(page) => {
                if page.is_last {
                    self.0.delivered = page.to.0;
                }
                let wire = WireCatchUp {
                    after: page.after.0,
                    to: page.to.0,
                    is_last: page.is_last,
                    conversations: conversations_to_wire(&mut self.0, page.to.0, &page.conversations),
                    extensions: page.extensions.clone(),
                };
                put(Kind::CatchUp.number(), &wire, out)
            }
            ServerFrame::HistoryPage(page) => {
                let chat = self.0.names.refer_to_chat(&page.chat);
                let mut position = 0;
                let wire = WireHistoryPage {
                    request: page.request,
                    chat,
                    records: records_to_wire(&mut self.0, &mut position, &page.chat, &page.records),
                    is_complete: page.is_complete,
                    extensions: page.extensions.clone(),
                };
                put(Kind::HistoryPage.number(), &wire, out)
            }
            ServerFrame::ConversationPage(page) => {
                let wire = WireConversationPage {
                    request: page.request,
                    conversations: conversations_to_wire(&mut self.0, 0, &page.conversations),
                    is_complete: page.is_complete,
                    extensions: page.extensions.clone(),
                };
                put(Kind::ConversationPage.number(), &wire, out)
            }
            ServerFrame::GroupCreated(body) => put(Kind::GroupCreated.number(), body, out),
            ServerFrame::Groups(body) => put(Kind::Groups.number(), body, out),
            ServerFrame::GroupMembers(body) => put(Kind::GroupMembers.number(), body, out),
            ServerFrame::GroupProfile(body) => put(Kind::GroupProfile.number(), body, out),
            ServerFrame::GroupPage(body) => put(Kind::GroupPage.number(), body, out),
            ServerFrame::GroupStandings(body) => put(Kind::GroupStandings.number(), body, out),
            ServerFrame::GroupSilences(body) => put(Kind::GroupSilences.number(), body, out),
            ServerFrame::GroupBans(body) => put(Kind::GroupBans.number(), body, out),
            ServerFrame::GroupAnnouncements(body) => put(Kind::GroupAnnouncements.number(), body, out),
            ServerFrame::GroupJoins(body) => put(Kind::GroupJoins.number(), body, out),
            ServerFrame::GroupAnnounced(body) => put(Kind::GroupAnnounced.number(), body, out),
            ServerFrame::UserProfile(body) => put(Kind::UserProfile.number(), body, out),
            ServerFrame::TagList(body) => put(Kind::TagList.number(), body, out),
            ServerFrame::AliasValue(body) => put(Kind::AliasValue.number(), body, out),
            ServerFrame::PushDeliver(body) => put(Kind::PushDeliver.number(), body, out),
            ServerFrame::PushCovered(body) => put(Kind::PushCovered.number(), body, out),
            ServerFrame::PushWithdrawn(body) => put(Kind::PushWithdrawn.number(), body, out),
            ServerFrame::People(body) => put(Kind::People.number(), body, out),
            ServerFrame::MarksMoved(body) => put(Kind::MarksMoved.number(), body, out),
            ServerFrame::Receipts(body) => put(Kind::Receipts.number(), body, out),
            ServerFrame::Readers(body) => put(Kind::Readers.number(), body, out),
            ServerFrame::UnreadCounts(body) => put(Kind::UnreadCounts.number(), body, out),
            ServerFrame::OwnDevices(body) => put(Kind::OwnDevices.number(), body, out),
            ServerFrame::ProfileChanged(body) => put(Kind::ProfileChanged.number(), body, out),
            ServerFrame::MediaTicket(body) => put(Kind::MediaTicket.number(), body, out),
            ServerFrame::MediaLocation(body) => put(Kind::MediaLocation.number(), body, out),
            ServerFrame::RoomDeliver(deliver) => self.put_room_deliver(
                RoomDeliverView {
                    room: deliver.room,
                    position: deliver.record.position,
                    at_ms: deliver.record.at_ms,
                    from: &deliver.record.from,
                    content: &deliver.record.content,
                },
                out,
            ),
            ServerFrame::RoomRecords(page) => {
                let wire = WireRoomRecords {
                    room: page.room.0,
                    records: records_to_wire(&mut self.0, &mut 0, &room_as_chat(page.room), &page.records),
                    extensions: page.extensions.clone(),
                };
                put(Kind::RoomRecords.number(), &wire, out)
            }
            ServerFrame::Rooms(body) => put(Kind::Rooms.number(), body, out),
            ServerFrame::RoomUsers(body) => put(Kind::RoomUsers.number(), body, out),
            ServerFrame::RoomEvent(body) => put(Kind::RoomEvent.number(), body, out),
            ServerFrame::RoomChanged(body) => put(Kind::RoomChanged.number(), body, out),
            ServerFrame::CommandCame(body) => put(Kind::CommandCame.number(), body, out),
            ServerFrame::GoAway(body) => put(Kind::GoAway.number(), body, out),
            ServerFrame::Unsupported(body) => put(Kind::Unsupported.number(), body, out),
            ServerFrame::Unknown(number) => put(*number, &(), out),
        }
    }

    fn put_room_deliver(&mut self, view: RoomDeliverView<'_>, out: &mut Vec<u8>) -> postcard::Result<()> {
        let direction = &mut self.0;
        let wire = WireRoomDeliver {
            room: view.room.0,
            position_step: direction.step_to(view.position),
            from: direction.names.refer_to_user(view.from, &room_as_chat(view.room), direction.myself.as_ref()),
            time_step: direction.time_step_to(view.at_ms),
            kind: view.content.kind.0,
            body: &view.content.body,
            extensions: view.content.extensions.clone(),
        };
        put(ServerKind::RoomDeliver.number(), &wire, out)
    }

    fn put_deliver(&mut self, view: DeliverView<'_>, out: &mut Vec<u8>) -> postcard::Result<()> {
        let direction = &mut self.0;
        let after_step = view.after.0.wrapping_sub(direction.delivered) as i64;
        let wire = WireDeliver {
            position_step: direction.step_to(view.position),
            after_step,
            chat: direction.names.refer_to_chat(view.chat),
            from: direction.names.refer_to_user(view.from, view.chat, direction.myself.as_ref()),
            time_step: direction.time_step_to(view.at_ms),
            kind: view.kind.0,
            body: view.body,
            extensions: view.extensions.clone(),
        };
        direction.delivered = view.position.0;
        put(ServerKind::Deliver.number(), &wire, out)
    }
}

fn put(number: u64, body: &impl Serialize, out: &mut Vec<u8>) -> postcard::Result<()> {
    varint::write(number, out);
    postcard::to_extend(body, Appending(out)).map(|_| ())
}

/// Lets postcard append to a borrowed Vec.
struct Appending<'a>(&'a mut Vec<u8>);

impl Extend<u8> for Appending<'_> {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        self.0.extend(bytes);
    }
}

fn records_to_wire<'a>(
    direction: &mut Direction,
    position: &mut u64,
    chat: &Chat,
    records: &'a [Record],
) -> Vec<WireRecord<'a>> {
    let myself = direction.myself.clone();
    records
        .iter()
        .map(|record| WireRecord {
            position_step: step(position, record.position.0),
            time_step: direction.time_step_to(record.at_ms),
            from: direction.names.refer_to_user(&record.from, chat, myself.as_ref()),
            outbox: record.outbox,
            kind: record.content.kind.0,
            body: &record.content.body,
            extensions: record.content.extensions.clone(),
        })
        .collect()
}

fn conversations_to_wire<'a>(
    direction: &mut Direction,
    start: u64,
    rows: &'a [Conversation],
) -> Vec<WireConversation<'a>> {
    let mut position = start;
    rows.iter()
        .map(|row| WireConversation {
            chat: direction.names.refer_to_chat(&row.chat),
            name: &row.name,
            windows: row.windows.clone(),
            last: row.last.0,
            last_seq: row.last_seq,
            read_mark: row.read_mark.0,
            hole: row.hole,
            newest: records_to_wire(direction, &mut position, &row.chat, &row.newest),
            extensions: row.extensions.clone(),
        })
        .collect()
}
