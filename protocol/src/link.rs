//! Frames to bytes and back, for one direction of one link.
//!
//! Both ends keep the same small state for a direction: the names it has introduced, the last position and time, and who
//! is logged in. So a frame is encoded when it is written to a link, in the order of writing, and never stored encoded.

use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::Serialize;
use serde::de::Deserialize;

use crate::content::{Content, ContentKind};
use crate::extension::Extensions;
use crate::frame::chat::*;
use crate::frame::{ClientFrame, ClientKind, ServerFrame, ServerKind};
use crate::framing::FrameTooLong;
use crate::ids::Position;
use crate::limits::FRAME_BYTES_MAX;
use crate::names::{Chat, Name, Names, UnknownNumber};
use crate::varint;

/// The bytes are no frame of this protocol, or name a number that was never introduced: the link must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl From<UnknownNumber> for Malformed {
    fn from(UnknownNumber: UnknownNumber) -> Self {
        Self
    }
}

/// What one direction of a link remembers, alike on both ends.
#[derive(Clone, Debug)]
struct Direction {
    names: Names,
    /// The last position that a frame named.
    position: u64,
    /// Where the last delivering frame led.
    delivered: u64,
    time_ms: u64,
    /// Who is logged in; empty when nobody is.
    myself: Name,
}

impl Default for Direction {
    fn default() -> Self {
        Self { names: Names::default(), position: 0, delivered: 0, time_ms: 0, myself: Name::from("") }
    }
}

impl Direction {
    fn step_to(&mut self, position: Position) -> i64 {
        step(&mut self.position, position.0)
    }

    fn step_by(&mut self, by: i64) -> Position {
        self.position = self.position.wrapping_add_signed(by);
        Position(self.position)
    }

    fn time_step_to(&mut self, at_ms: u64) -> i64 {
        step(&mut self.time_ms, at_ms)
    }

    fn time_step_by(&mut self, by: i64) -> u64 {
        self.time_ms = self.time_ms.wrapping_add_signed(by);
        self.time_ms
    }
}

fn step(from: &mut u64, to: u64) -> i64 {
    let step = to.wrapping_sub(*from) as i64;
    *from = to;
    step
}

/// Writes one direction of a link.
///
/// After a [`FrameTooLong`] nothing was written, but the names that the frame introduced are gone: end the link.
#[derive(Clone, Debug, Default)]
pub struct Encoder(Direction);

/// Reads one direction of a link.
#[derive(Clone, Debug, Default)]
pub struct Decoder(Direction);

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

impl Encoder {
    /// Appends a client's frame: type and body.
    pub fn client(&mut self, frame: &ClientFrame, out: &mut Vec<u8>) -> Result<(), FrameTooLong> {
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
            ClientFrame::UserInfo(body) => put(Kind::UserInfo.number(), body, out),
            ClientFrame::Tags(body) => put(Kind::Tags.number(), body, out),
            ClientFrame::Alias(body) => put(Kind::Alias.number(), body, out),
            ClientFrame::PushAck(body) => put(Kind::PushAck.number(), body, out),
            ClientFrame::PushClicked(body) => put(Kind::PushClicked.number(), body, out),
            ClientFrame::Unknown(number) => put(*number, &(), out),
        }
    }

    /// Appends a server's frame: type and body.
    pub fn server(&mut self, frame: &ServerFrame, out: &mut Vec<u8>) -> Result<(), FrameTooLong> {
        use ServerKind as Kind;
        match frame {
            ServerFrame::Welcome(body) => put(Kind::Welcome.number(), body, out),
            ServerFrame::LoggedIn(body) => {
                self.0.myself = Name::from(body.username.as_str());
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
            ServerFrame::Deliver(deliver) => self.deliver(
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
            ServerFrame::UserProfile(body) => put(Kind::UserProfile.number(), body, out),
            ServerFrame::TagList(body) => put(Kind::TagList.number(), body, out),
            ServerFrame::AliasValue(body) => put(Kind::AliasValue.number(), body, out),
            ServerFrame::PushDeliver(body) => put(Kind::PushDeliver.number(), body, out),
            ServerFrame::PushCovered(body) => put(Kind::PushCovered.number(), body, out),
            ServerFrame::GoAway(body) => put(Kind::GoAway.number(), body, out),
            ServerFrame::Unsupported(body) => put(Kind::Unsupported.number(), body, out),
            ServerFrame::Unknown(number) => put(*number, &(), out),
        }
    }

    /// Appends a live delivery.
    pub fn deliver(&mut self, view: DeliverView<'_>, out: &mut Vec<u8>) -> Result<(), FrameTooLong> {
        let direction = &mut self.0;
        let after_step = match direction.delivered.wrapping_sub(view.after.0) {
            0 => 0,
            below => below.wrapping_add(1),
        };
        let wire = WireDeliver {
            position_step: direction.step_to(view.position),
            after_step,
            chat: direction.names.refer_to_chat(view.chat),
            from: direction.names.refer_to_user(view.from, view.chat, &direction.myself),
            time_step: direction.time_step_to(view.at_ms),
            kind: view.kind.0,
            body: view.body,
            extensions: view.extensions.clone(),
        };
        direction.delivered = view.position.0;
        put(ServerKind::Deliver.number(), &wire, out)
    }
}

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
                self.0.myself = Name::from(body.username.as_str());
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
            Kind::GroupCreated => ServerFrame::GroupCreated(whole(body)?),
            Kind::Groups => ServerFrame::Groups(whole(body)?),
            Kind::GroupMembers => ServerFrame::GroupMembers(whole(body)?),
            Kind::UserProfile => ServerFrame::UserProfile(whole(body)?),
            Kind::TagList => ServerFrame::TagList(whole(body)?),
            Kind::AliasValue => ServerFrame::AliasValue(whole(body)?),
            Kind::PushDeliver => ServerFrame::PushDeliver(whole(body)?),
            Kind::PushCovered => ServerFrame::PushCovered(whole(body)?),
            Kind::GoAway => ServerFrame::GoAway(whole(body)?),
            Kind::Unsupported => ServerFrame::Unsupported(whole(body)?),
        })
    }

    fn delivered(&mut self, wire: WireDeliver<'_>) -> Result<Deliver, Malformed> {
        let direction = &mut self.0;
        let after = match wire.after_step {
            0 => direction.delivered,
            step => direction.delivered.wrapping_sub(step.wrapping_sub(1)),
        };
        let position = direction.step_by(wire.position_step);
        let chat = direction.names.resolve_chat(wire.chat)?;
        let myself = direction.myself.clone();
        let from = direction.names.resolve_user(wire.from, &chat, &myself)?;
        let at_ms = direction.time_step_by(wire.time_step);
        direction.delivered = position.0;
        let content = content(wire.kind, wire.body, wire.extensions);
        Ok(Deliver { after: Position(after), chat, record: Record { position, at_ms, from, outbox: 0, content } })
    }
}

fn put(number: u64, body: &impl Serialize, out: &mut Vec<u8>) -> Result<(), FrameTooLong> {
    let start = out.len();
    varint::write(number, out);
    // Appending to a Vec cannot fail, and every body is made of types that postcard knows.
    let written = postcard::to_extend(body, Appending(out)).is_ok();
    if !written || out.len() - start > FRAME_BYTES_MAX {
        out.truncate(start);
        return Err(FrameTooLong);
    }
    Ok(())
}

/// Lets postcard append to a borrowed Vec.
struct Appending<'a>(&'a mut Vec<u8>);

impl Extend<u8> for Appending<'_> {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        self.0.extend(bytes);
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

fn records_to_wire<'a>(
    direction: &mut Direction,
    position: &mut u64,
    chat: &Chat,
    records: &'a [Record],
) -> Vec<WireRecord<'a>> {
    let myself = Arc::clone(&direction.myself);
    records
        .iter()
        .map(|record| WireRecord {
            position_step: step(position, record.position.0),
            time_step: direction.time_step_to(record.at_ms),
            from: direction.names.refer_to_user(&record.from, chat, &myself),
            outbox: record.outbox,
            kind: record.content.kind.0,
            body: &record.content.body,
            extensions: record.content.extensions.clone(),
        })
        .collect()
}

fn records_from_wire(
    direction: &mut Direction,
    position: &mut u64,
    chat: &Chat,
    records: Vec<WireRecord<'_>>,
) -> Result<Vec<Record>, Malformed> {
    let myself = Arc::clone(&direction.myself);
    records
        .into_iter()
        .map(|wire| {
            *position = position.wrapping_add_signed(wire.position_step);
            Ok(Record {
                position: Position(*position),
                at_ms: direction.time_step_by(wire.time_step),
                from: direction.names.resolve_user(wire.from, chat, &myself)?,
                outbox: wire.outbox,
                content: content(wire.kind, wire.body, wire.extensions),
            })
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
