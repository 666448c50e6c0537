//! Messages and conversations: sending, delivery, catch-up, history.
//!
//! The structs here are the meaning. On the wire chats and users are references and positions and times are differences
//! (the `Wire…` structs below), which the link's [`Encoder`](crate::Encoder) and [`Decoder`](crate::Decoder) translate.

use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::error::ErrorCode;
use crate::extension::Extensions;
use crate::ids::{OutboxNumber, Position, TimeMs};
use crate::limits;
use crate::names::{Chat, ChatRef, Name, UserRef};
use crate::wire;

/// Sends a message. The outbox number names it for good: repeating the frame never makes a second message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send {
    pub outbox: OutboxNumber,
    pub chat: Chat,
    pub content: Content,
}

/// The message is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub outbox: OutboxNumber,
    pub position: Position,
    pub at_ms: TimeMs,
}

/// The message was refused. A passing reason (see [`ErrorCode::is_passing`]) asks for a repeat; other reasons are final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendRefused {
    pub outbox: OutboxNumber,
    pub code: ErrorCode,
    pub message: String,
    pub extensions: Extensions,
}

/// One message or event of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub position: Position,
    pub at_ms: TimeMs,
    /// Empty: the server.
    pub from: Name,
    /// The outbox number under which the logged-in user sent it from this very device; 0 otherwise. Live deliveries never
    /// carry it: the device knows its own sends by their answers.
    pub outbox: OutboxNumber,
    pub content: Content,
}

/// A new record, live. `after` is the position to which this session's previous delivery led.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deliver {
    pub after: Position,
    pub chat: Chat,
    pub record: Record,
}

/// Nothing for this user between `after` and `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covered {
    pub after: Position,
    pub to: Position,
}

/// A part of what changed since the client's cursor, newest conversation first.
///
/// When the last part came and all is stored, the client stands at `to` and owns the holes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatchUp {
    pub after: Position,
    pub to: Position,
    pub is_last: bool,
    pub conversations: Vec<Conversation>,
    pub extensions: Extensions,
}

/// One conversation with its newest records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    pub chat: Chat,
    /// The group's name; empty for a single chat.
    pub name: String,
    /// From first to last: which sequence numbers this user may see. An open window ends at the greatest number.
    pub windows: Vec<Window>,
    /// Position and sequence number of the newest record.
    pub last: Position,
    pub last_seq: u64,
    pub read_mark: Position,
    /// Newest first; only records above the cursor (or the page's `after`).
    pub newest: Vec<Record>,
    /// Older records above the cursor exist below the last of `newest`: ask for them by history pages.
    pub hole: bool,
    pub extensions: Extensions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    pub first_seq: u64,
    pub last_seq: u64,
}

/// The client has stored everything up to here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    pub position: Position,
}

/// Asks for records of one chat, strictly between `after` and `before`, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    pub request: u32,
    pub chat: Chat,
    pub before: Position,
    pub after: Position,
    /// At most [`limits::HISTORY_PAGE_MAX`].
    pub limit: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryPage {
    pub request: u32,
    pub chat: Chat,
    /// Newest first.
    pub records: Vec<Record>,
    /// Nothing that this user may see is left between `after` and the last of `records`.
    pub is_complete: bool,
    pub extensions: Extensions,
}

/// Asks for conversations whose newest record stands below `before`, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversations {
    pub request: u32,
    pub before: Position,
    /// At most [`limits::LIST_PAGE_MAX`].
    pub limit: u32,
    pub extensions: Extensions,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationPage {
    pub request: u32,
    pub conversations: Vec<Conversation>,
    pub is_complete: bool,
    pub extensions: Extensions,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WireSend<'a> {
    pub outbox: u64,
    #[serde(borrow)]
    pub chat: ChatRef<'a>,
    pub kind: u8,
    pub body: &'a [u8],
    pub extensions: Extensions,
}

/// Differences are taken from the stream's last position and last time, which every frame that carries them moves on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WireSent {
    pub outbox: u64,
    pub position_step: i64,
    pub time_step: i64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WireDeliver<'a> {
    pub position_step: i64,
    /// From where the link's last delivering frame led to `after`: 0 in an unbroken run.
    pub after_step: i64,
    #[serde(borrow)]
    pub chat: ChatRef<'a>,
    pub from: UserRef<'a>,
    pub time_step: i64,
    pub kind: u8,
    pub body: &'a [u8],
    pub extensions: Extensions,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WireCovered {
    pub after: u64,
    pub length: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WireRecord<'a> {
    pub position_step: i64,
    pub time_step: i64,
    #[serde(borrow)]
    pub from: UserRef<'a>,
    pub outbox: u64,
    pub kind: u8,
    pub body: &'a [u8],
    pub extensions: Extensions,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WireConversation<'a> {
    #[serde(borrow)]
    pub chat: ChatRef<'a>,
    pub name: &'a str,
    #[serde(deserialize_with = "wire::list::<1024, _, _>")]
    pub windows: Vec<Window>,
    pub last: u64,
    pub last_seq: u64,
    pub read_mark: u64,
    pub hole: bool,
    #[serde(deserialize_with = "wire::list::<{ limits::HISTORY_PAGE_MAX as usize }, _, _>")]
    pub newest: Vec<WireRecord<'a>>,
    pub extensions: Extensions,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WireCatchUp<'a> {
    pub after: u64,
    pub to: u64,
    pub is_last: bool,
    #[serde(borrow, deserialize_with = "wire::list::<{ limits::LIST_PAGE_MAX as usize }, _, _>")]
    pub conversations: Vec<WireConversation<'a>>,
    pub extensions: Extensions,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WireHistory<'a> {
    pub request: u32,
    #[serde(borrow)]
    pub chat: ChatRef<'a>,
    pub before: u64,
    pub after: u64,
    pub limit: u32,
    pub extensions: Extensions,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WireHistoryPage<'a> {
    pub request: u32,
    #[serde(borrow)]
    pub chat: ChatRef<'a>,
    #[serde(deserialize_with = "wire::list::<{ limits::HISTORY_PAGE_MAX as usize }, _, _>")]
    pub records: Vec<WireRecord<'a>>,
    pub is_complete: bool,
    pub extensions: Extensions,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WireConversationPage<'a> {
    pub request: u32,
    #[serde(borrow, deserialize_with = "wire::list::<{ limits::LIST_PAGE_MAX as usize }, _, _>")]
    pub conversations: Vec<WireConversation<'a>>,
    pub is_complete: bool,
    pub extensions: Extensions,
}
