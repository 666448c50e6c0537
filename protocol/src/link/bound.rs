//! How long a frame can become at most, told without encoding it.
//!
//! Only frames that change what the link remembers are asked about: where the bound is beyond the limit, the encoder
//! keeps a copy to go back to.

use super::{DeliverView, RoomDeliverView};
use crate::content::Content;
use crate::extension::Extensions;
use crate::frame::chat::{Conversation, Record};
use crate::frame::{ClientFrame, ServerFrame};
use crate::names::Chat;
use crate::varint;

/// Type, request id, cursors, flags and lengths of any frame, its lists not counted.
const HEAD_BYTES_MAX: usize = 8 * varint::BYTES_MAX;

pub(super) fn client_frame(frame: &ClientFrame) -> usize {
    HEAD_BYTES_MAX
        + match frame {
            ClientFrame::Send(send) => chat(&send.chat) + content(&send.content),
            ClientFrame::History(history) => chat(&history.chat),
            _ => 0,
        }
}

pub(super) fn server_frame(frame: &ServerFrame) -> usize {
    HEAD_BYTES_MAX
        + match frame {
            ServerFrame::RoomDeliver(deliver) => record(&deliver.record),
            ServerFrame::RoomRecords(page) => records(&page.records) + extensions(&page.extensions),
            ServerFrame::Deliver(deliver) => chat(&deliver.chat) + record(&deliver.record),
            ServerFrame::LoggedIn(body) => body.username.len() + body.token.len() + extensions(&body.extensions),
            ServerFrame::CatchUp(page) => conversations(&page.conversations) + extensions(&page.extensions),
            ServerFrame::ConversationPage(page) => conversations(&page.conversations) + extensions(&page.extensions),
            ServerFrame::HistoryPage(page) => chat(&page.chat) + records(&page.records) + extensions(&page.extensions),
            _ => 0,
        }
}

pub(super) fn delivery(view: &DeliverView<'_>) -> usize {
    HEAD_BYTES_MAX + chat(view.chat) + view.from.len() + view.body.len() + extensions(view.extensions)
}

pub(super) fn room_delivery(view: &RoomDeliverView<'_>) -> usize {
    HEAD_BYTES_MAX + view.from.len() + content(view.content)
}

fn conversations(rows: &[Conversation]) -> usize {
    rows.iter()
        .map(|row| {
            let windows = row.windows.len() * 2 * varint::BYTES_MAX;
            HEAD_BYTES_MAX
                + chat(&row.chat)
                + row.name.len()
                + windows
                + records(&row.newest)
                + extensions(&row.extensions)
        })
        .sum()
}

fn records(records: &[Record]) -> usize {
    records.iter().map(record).sum()
}

fn record(record: &Record) -> usize {
    HEAD_BYTES_MAX + record.from.len() + content(&record.content)
}

fn content(content: &Content) -> usize {
    content.body.len() + extensions(&content.extensions)
}

fn extensions(extensions: &Extensions) -> usize {
    extensions.0.iter().map(|entry| 2 * varint::BYTES_MAX + entry.value.len()).sum()
}

fn chat(chat: &Chat) -> usize {
    match chat {
        Chat::User(name) => name.len(),
        Chat::Group(_) | Chat::Notices => 0,
    }
}
