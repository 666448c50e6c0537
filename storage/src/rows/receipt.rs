//! Rows of receipts: who has read a message that asked for it.

use anser_protocol::ids::{Position, TimeMs};
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

use crate::ids::{AppNumber, UserNumber};
use crate::key::Key;
use crate::row::{Row, decode_serde, encode_serde, serde_row};
use crate::rows::chat::Chat;
use crate::table::Table;

/// A message that asked for receipts, by its position. Written once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Receipt {
    pub from: UserNumber,
    /// As the sender sees it.
    pub to: Chat,
    /// Who was given it, without its sender.
    pub members: RoaringBitmap,
}

/// Those of them who have read it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReceiptReaders {
    pub users: RoaringBitmap,
    /// Where the sender is told of the present state.
    pub changed: Position,
    pub at_ms: TimeMs,
}

/// What a sender is told since a cursor: the message at this place has another number of readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReceiptNews;
serde_row!(ReceiptNews, ReceiptNews);

impl Row for Receipt {
    const TABLE: Table = Table::Receipts;

    fn encode_body(&self, out: &mut Vec<u8>) {
        encode_serde(&(self.from, self.to, to_bytes(&self.members)), out);
    }

    fn decode_body(_version: u8, body: &[u8]) -> Option<Self> {
        let (from, to, members): (UserNumber, Chat, Vec<u8>) = decode_serde(body)?;
        Some(Self { from, to, members: from_bytes(&members)? })
    }
}

impl Row for ReceiptReaders {
    const TABLE: Table = Table::ReceiptReaders;

    fn encode_body(&self, out: &mut Vec<u8>) {
        encode_serde(&(self.changed, self.at_ms, to_bytes(&self.users)), out);
    }

    fn decode_body(_version: u8, body: &[u8]) -> Option<Self> {
        let (changed, at_ms, users): (Position, TimeMs, Vec<u8>) = decode_serde(body)?;
        Some(Self { users: from_bytes(&users)?, changed, at_ms })
    }
}

/// The portable format of roaring.
fn to_bytes(users: &RoaringBitmap) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(users.serialized_size());
    users.serialize_into(&mut bytes).expect("memory takes every byte");
    bytes
}

fn from_bytes(bytes: &[u8]) -> Option<RoaringBitmap> {
    RoaringBitmap::deserialize_from(bytes).ok()
}

pub(crate) fn receipts_prefix(app: AppNumber) -> Key {
    Key::app(app)
}

/// Of the message and of its readers.
pub(crate) fn receipt_key(app: AppNumber, message: Position) -> Key {
    receipts_prefix(app).u64(message.0)
}

pub(crate) fn receipt_news_prefix(app: AppNumber, sender: UserNumber) -> Key {
    Key::app(app).u32(sender.0)
}

pub(crate) fn receipt_news_key(app: AppNumber, sender: UserNumber, changed: Position, message: Position) -> Key {
    receipt_news_prefix(app, sender).u64(changed.0).u64(message.0)
}
