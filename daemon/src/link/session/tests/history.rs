//! Requests for history that come together.

use anser_protocol::frame::chat::{Conversations, History, HistoryPage};

use super::*;
use crate::link::query::Page;

#[test]
fn requests_that_come_together_are_one_question_and_each_gets_its_page() {
    let mut dialogue = Dialogue::live();
    for request in 1..=3 {
        dialogue.say(&history(request));
    }
    let (ticket, wanted) = question(&mut dialogue);
    assert_eq!(wanted, 3);
    dialogue.answer(ticket, Answer::History(vec![empty(), empty(), empty()]));
    assert_eq!(requests_of(&dialogue.hear()), [1, 2, 3]);
    assert!(dialogue.session.next_action().is_none());
}

#[test]
fn what_did_not_fit_into_one_answer_is_asked_for_again_before_later_requests() {
    let mut dialogue = Dialogue::live();
    for request in 1..=3 {
        dialogue.say(&history(request));
    }
    let (ticket, _) = question(&mut dialogue);
    dialogue.say(&history(4));
    dialogue.answer(ticket, Answer::History(vec![empty()]));
    assert_eq!(requests_of(&dialogue.hear()), [1]);
    let (ticket, wanted) = question(&mut dialogue);
    assert_eq!(wanted, 3);
    dialogue.answer(ticket, Answer::History(vec![empty(), empty(), empty()]));
    assert_eq!(requests_of(&dialogue.hear()), [2, 3, 4]);
}

#[test]
fn a_page_that_cannot_be_read_fails_its_own_request_only() {
    let mut dialogue = Dialogue::live();
    dialogue.say(&history(1));
    dialogue.say(&history(2));
    let (ticket, _) = question(&mut dialogue);
    dialogue.session.handle_input(Input::Answer(ticket, Err(ErrorCode::INTERNAL)), START);
    assert!(matches!(&dialogue.hear()[..], [ServerFrame::Failed(failed)] if failed.request == 1));
    let (ticket, _) = question(&mut dialogue);
    dialogue.answer(ticket, Answer::History(vec![empty()]));
    assert_eq!(requests_of(&dialogue.hear()), [2]);
}

#[test]
fn another_request_waits_until_the_pages_before_it_are_answered() {
    let mut dialogue = Dialogue::live();
    dialogue.say(&history(1));
    let list = Conversations { request: 2, before: Position(90), limit: 10, extensions: Extensions::default() };
    dialogue.say(&ClientFrame::Conversations(list));
    dialogue.say(&history(3));
    let (ticket, wanted) = question(&mut dialogue);
    assert_eq!(wanted, 1, "the third stands behind the second");
    assert!(dialogue.session.next_action().is_none());
    dialogue.answer(ticket, Answer::History(vec![empty()]));
    assert_eq!(requests_of(&dialogue.hear()), [1]);
    let (_, query) = dialogue.question();
    assert!(matches!(query, Query::Conversations { .. }));
}

fn history(request: u32) -> ClientFrame {
    let chat = Chat::User("bob".into());
    ClientFrame::History(History { request, chat, before: Position(90), after: Position::START, limit: 100 })
}

fn empty() -> Page {
    Page { records: Vec::new(), is_complete: true }
}

fn question(dialogue: &mut Dialogue) -> (Ticket, usize) {
    let (ticket, query) = dialogue.question();
    let Query::History { pages, .. } = query else { panic!("a question for history: {query:?}") };
    (ticket, pages.len())
}

fn requests_of(frames: &[ServerFrame]) -> Vec<u32> {
    let request = |frame: &ServerFrame| match frame {
        ServerFrame::HistoryPage(HistoryPage { request, .. }) => *request,
        other => panic!("a page: {other:?}"),
    };
    frames.iter().map(request).collect()
}
