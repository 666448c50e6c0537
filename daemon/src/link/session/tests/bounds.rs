//! What a session holds, whatever its peer sends and however slowly it reads.

use anser_protocol::frame::chat::{History, Record};

use super::*;
use crate::link::query::Page;

#[test]
fn what_a_peer_does_not_read_is_bounded() {
    let mut dialogue = Dialogue::live();
    let mut position = 100;
    while dialogue.session.wants_deliveries() {
        position += 10;
        dialogue.deliver(&single(position, BOB, None));
    }
    assert!(dialogue.session.output().len() < OUTPUT_HIGH + 8 * 1024);
    dialogue.session.handle_bytes(&vec![0; 3 * CLIENT_FRAME_BYTES_MAX], START);
    assert!(!dialogue.session.wants_input(), "a busy session leaves bytes in the socket");
}

#[test]
fn long_answers_are_asked_for_one_at_a_time_and_only_while_the_peer_reads() {
    let mut dialogue = Dialogue::live();
    // Given a peer that asks for page after page of history and reads none of them,
    for request in 1..=64 {
        let chat = Chat::User("bob".into());
        let history = History { request, chat, before: Position(90), after: Position::START, limit: 100 };
        dialogue.say(&ClientFrame::History(history));
    }
    let mut answered = 0;
    while let Some(Action::Ask(ticket, Query::History { .. })) = dialogue.session.next_action() {
        assert!(dialogue.session.next_action().is_none(), "the next page waits for this one");
        dialogue.answer(ticket, Answer::History(vec![page()]));
        answered += 1;
        assert!(!dialogue.session.held().exceeds(), "{:?} after {answered}", dialogue.session.held());
    }
    assert!(answered < 5, "{answered} pages wait for the peer");
    // when it reads, then it gets the others.
    while answered < 64 {
        dialogue.hear();
        let (ticket, _) = dialogue.question();
        dialogue.answer(ticket, Answer::History(vec![page()]));
        answered += 1;
    }
}

#[test]
fn a_link_on_which_too_many_chats_wait_for_a_repeat_ends() {
    let mut dialogue = Dialogue::live();
    for outbox in 0..=super::super::chat::REFUSED_CHATS_MAX as u64 {
        assert!(!dialogue.session.is_ended() && !dialogue.session.held().exceeds());
        dialogue.say(&send(outbox + 1, &format!("user{outbox}")));
        let (ticket, _) = dialogue.command();
        dialogue.session.handle_input(Input::Outcome(ticket, Err(ErrorCode::BUSY)), START);
        let heard = dialogue.hear();
        assert!(matches!(&heard[0], ServerFrame::SendRefused(refused) if refused.code == ErrorCode::BUSY));
    }
    assert!(dialogue.session.is_ended());
}

/// About as long as the store gives.
fn page() -> Page {
    let record = |position| Record {
        position: Position(position),
        at_ms: START,
        from: "bob".into(),
        outbox: 0,
        content: Content::text(&"x".repeat(4000)),
    };
    Page { records: (1..=12).rev().map(record).collect(), is_complete: false }
}
