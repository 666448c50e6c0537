//! Pages of history: those that a client asks for in one go are read together.
//!
//! A client with holes in many chats asks for pages by the dozen. One question to the store for each would cost more in
//! waking threads than in reading.

use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::ServerFrame;
use anser_protocol::frame::chat::{History, HistoryPage};
use anser_protocol::ids::Position;
use anser_protocol::limits::HISTORY_PAGE_MAX;
use anser_protocol::names::Chat;

use super::request::Pending;
use super::{OUTPUT_HIGH, Session, Stage};
use crate::link::query::{Answer, Query};

/// Requests for history that wait together; what comes after them waits in the link.
pub(super) const TOGETHER_MAX: usize = 16;

/// One page, as it was asked for.
#[derive(Clone, Debug)]
pub struct WantedPage {
    request: u32,
    pub chat: Chat,
    pub before: Position,
    pub after: Position,
    pub limit: usize,
}

impl Session {
    pub(super) fn ask_history(&mut self, body: History) {
        let Some((user, _)) = self.user() else { return self.fail(body.request, ErrorCode::NOT_LOGGED_IN, "") };
        let limit = body.limit.clamp(1, HISTORY_PAGE_MAX) as usize;
        let History { request, chat, before, after, .. } = body;
        user.wanted_history.push(WantedPage { request, chat, before, after, limit });
    }

    /// How many pages are wanted and not asked for.
    pub(super) fn wanted_history(&self) -> usize {
        match &self.stage {
            Stage::Ready(ready) => ready.user.as_ref().map_or(0, |user| user.wanted_history.len()),
            _ => 0,
        }
    }

    /// Asks the store for what is wanted, once everything else that arrived was taken and nothing long is owed.
    pub(super) fn ask_wanted_history(&mut self) {
        if self.output().len() >= OUTPUT_HIGH || self.is_long_answer_pending() {
            return;
        }
        let Stage::Ready(ready) = &mut self.stage else { return };
        let Some(user) = ready.user.as_mut().filter(|user| !user.wanted_history.is_empty()) else { return };
        let pages = std::mem::take(&mut user.wanted_history);
        let (app, number, device) = (ready.app, user.number, ready.device.number);
        let present_since = user.present_since;
        let query = Query::History { app, user: number, device, present_since, pages: pages.clone() };
        self.query(Pending::History(pages), query);
    }

    /// The answer has the first of the pages, as many as it could hold; the others are asked for again.
    pub(super) fn history_read(&mut self, wanted: Vec<WantedPage>, answer: Result<Answer, ErrorCode>) {
        let mut wanted = wanted.into_iter();
        let pages = match answer {
            Ok(Answer::History(pages)) if !pages.is_empty() => Ok(pages),
            Ok(_) => Err(ErrorCode::INTERNAL),
            Err(code) => Err(code),
        };
        match pages {
            Ok(pages) => {
                for (page, wanted) in pages.into_iter().zip(wanted.by_ref()) {
                    self.send(&ServerFrame::HistoryPage(HistoryPage {
                        request: wanted.request,
                        chat: wanted.chat,
                        records: page.records,
                        is_complete: page.is_complete,
                        extensions: Extensions::default(),
                    }));
                }
            }
            // It is the first page that could not be read.
            Err(code) => {
                if let Some(wanted) = wanted.next() {
                    self.fail(wanted.request, code, "");
                }
            }
        }
        if let Some((user, _)) = self.user() {
            user.wanted_history.splice(..0, wanted);
        }
    }
}
