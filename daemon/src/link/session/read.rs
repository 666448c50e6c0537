//! What a user has read: marks, unread counts, receipts; and what the session tells of what changed meanwhile.

use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::ServerFrame;
use anser_protocol::frame::read::{
    MarksMoved, ReadChat, ReadMark, ReadMarks, ReadMessages, Readers, ReadersAsk, Receipt, Receipts, UnreadAsk,
    UnreadCounts,
};
use anser_protocol::ids::{GroupId, Position};
use anser_protocol::names;
use anser_storage::command::{Command, MarkCommand, Target};
use anser_storage::outcome::{Appended, ReceiptState, Route};
use anser_storage::{Chat, Readers as FoundReaders};

use super::request::Pending;
use super::{Session, Stage};
use crate::link::query::{Answer, Query};

/// Names that one part of an answer holds: of the longest, 26 KiB.
const NAMES_PER_PART: usize = 200;

impl Session {
    pub(super) fn mark_read(&mut self, body: ReadMarks) {
        let Stage::Ready(ready) = &self.stage else { return };
        let Some(user) = &ready.user else { return self.fail(body.request, ErrorCode::NOT_LOGGED_IN, "") };
        let marks: Option<Vec<_>> =
            body.marks.iter().map(|mark| Some((target_of(&mark.chat)?, mark.position))).collect();
        let Some(marks) = marks else { return self.fail(body.request, ErrorCode::INVALID, "") };
        let (app, user, device) = (ready.app, user.number, ready.device.number);
        let command = Command::Mark(MarkCommand::Read { app, user, device, marks });
        self.submit(Pending::Read(body.request), command);
    }

    pub(super) fn read_messages(&mut self, body: ReadMessages) {
        let Stage::Ready(ready) = &self.stage else { return };
        let Some(user) = &ready.user else { return self.fail(body.request, ErrorCode::NOT_LOGGED_IN, "") };
        let (app, user, messages) = (ready.app, user.number, body.messages);
        let command = Command::Mark(MarkCommand::ReadMessages { app, user, messages });
        self.submit(Pending::Read(body.request), command);
    }

    pub(super) fn ask_readers(&mut self, body: ReadersAsk) {
        let Stage::Ready(ready) = &self.stage else { return };
        let Some(user) = &ready.user else { return self.fail(body.request, ErrorCode::NOT_LOGGED_IN, "") };
        let query = Query::Readers { app: ready.app, user: user.number, message: body.message };
        self.query(Pending::Readers(body.request), query);
    }

    pub(super) fn readers_read(&mut self, request: u32, answer: Result<Answer, ErrorCode>) {
        let (read, unread) = match answer {
            Ok(Answer::Readers(FoundReaders::Known { read, unread })) => (read, unread),
            Ok(Answer::Readers(FoundReaders::NotAsked)) => return self.fail(request, ErrorCode::READ_NOT_ASKED, ""),
            Ok(Answer::Readers(FoundReaders::NotTheSender)) => {
                return self.fail(request, ErrorCode::READERS_NOT_THE_SENDER, "");
            }
            Ok(Answer::Readers(FoundReaders::Unknown)) => return self.fail(request, ErrorCode::READERS_NOT_SENT, ""),
            Ok(_) => return self.fail(request, ErrorCode::INTERNAL, ""),
            Err(code) => return self.fail(request, code, ""),
        };
        let mut parts = Vec::new();
        for part in read.chunks(NAMES_PER_PART) {
            let read = part.iter().map(|name| name.to_string()).collect();
            parts.push(Readers { request, read, ..Readers::default() });
        }
        for part in unread.chunks(NAMES_PER_PART) {
            let unread = part.iter().map(|name| name.to_string()).collect();
            parts.push(Readers { request, unread, ..Readers::default() });
        }
        // Nobody without a member asks for receipts, so there is a part.
        if let Some(last) = parts.last_mut() {
            last.is_last = true;
        }
        for part in parts {
            self.send(&ServerFrame::Readers(part));
        }
    }

    pub(super) fn ask_unread(&mut self, body: UnreadAsk) {
        let Stage::Ready(ready) = &self.stage else { return };
        let Some(user) = &ready.user else { return self.fail(body.request, ErrorCode::NOT_LOGGED_IN, "") };
        let chats: Option<Vec<names::Chat>> = body.chats.iter().map(ReadChat::chat).collect();
        let Some(chats) = chats else { return self.fail(body.request, ErrorCode::INVALID, "") };
        let query = Query::Unread {
            app: ready.app,
            user: user.number,
            present_since: user.present_since,
            chats,
            total: body.total,
        };
        self.query(Pending::Unread(body.request), query);
    }

    pub(super) fn unread_read(&mut self, request: u32, answer: Result<Answer, ErrorCode>) {
        match answer {
            Ok(Answer::Unread { counts, all }) => {
                let (total, total_loud) = (all.total, all.loud);
                let extensions = Extensions::default();
                self.send(&ServerFrame::UnreadCounts(UnreadCounts { request, counts, total, total_loud, extensions }));
            }
            Ok(_) => self.fail(request, ErrorCode::INTERNAL, ""),
            Err(code) => self.fail(request, code, ""),
        }
    }

    /// A client that does not know these frames is told of none, and its run does not notice.
    pub(super) fn deliver_reads(&mut self, appended: &Appended) {
        let Some((user, device)) = self.user() else { return };
        if !device.takes_reads || appended.position <= user.delivered {
            return;
        }
        let (after, to) = (user.delivered, appended.position);
        let frame = match &appended.route {
            // What this device said comes back to it no more than its messages do.
            Route::Read { by, .. } if *by == device.number => return self.pass_over(to),
            Route::Read { marks, .. } => {
                let marks =
                    marks.iter().map(|mark| ReadMark { chat: named(mark.chat, &mark.name), position: mark.position });
                let (marks, extensions) = (marks.collect(), Extensions::default());
                ServerFrame::MarksMoved(MarksMoved { after, to, marks, extensions })
            }
            Route::Receipts { receipts, .. } => receipts_frame(after, to, receipts),
            _ => return,
        };
        user.lead_to(to);
        self.send(&frame);
    }

    /// Before the rows of a catch-up: it moves nothing, so that it comes again if the link breaks.
    pub(super) fn tell_receipts(&mut self, receipts: &[ReceiptState]) {
        let Some((user, _)) = self.user() else { return };
        let at = user.delivered;
        if !receipts.is_empty() {
            self.send(&receipts_frame(at, at, receipts));
        }
    }
}

fn receipts_frame(after: Position, to: Position, receipts: &[ReceiptState]) -> ServerFrame {
    let receipts = receipts.iter().map(|state| Receipt {
        chat: named(state.chat, &state.name),
        message: state.message,
        unread: state.unread,
        at_ms: state.at_ms,
    });
    ServerFrame::Receipts(Receipts { after, to, receipts: receipts.collect(), extensions: Extensions::default() })
}

fn named(chat: Chat, name: &str) -> ReadChat {
    match chat {
        Chat::Group(group) => ReadChat { username: String::new(), group },
        Chat::User(_) | Chat::Notices => ReadChat { username: name.to_owned(), group: GroupId(0) },
    }
}

fn target_of(chat: &ReadChat) -> Option<Target> {
    match chat.chat()? {
        names::Chat::User(name) => Some(Target::User(name.to_string())),
        names::Chat::Group(group) => Some(Target::Group(group)),
        names::Chat::Notices => None,
    }
}
