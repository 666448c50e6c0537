//! What was missed, and the holes in it.

use anser_protocol::content::{Amendment, AmendmentKind, ContentKind};

use super::*;

#[test]
fn the_cursor_moves_when_the_last_part_is_stored() {
    let mut scene = Scene::at(100);
    scene.lose_link();
    scene.come_back();
    scene.hear(part(100, 200, false, vec![row("bob", &[150, 140], false)]));
    assert_eq!(scene.released, [140, 150]);
    assert_eq!(scene.store.load().users["alice"].cursor, Some(Position(100)));
    scene.hear(part(100, 200, true, vec![row("carol", &[130], false)]));
    assert_eq!(scene.store.load().users["alice"].cursor, Some(Position(200)));
    assert!(scene.events.contains(&Event::CaughtUp { user: "alice".into() }));
    assert_eq!(scene.acks_said(), [200]);
}

#[test]
fn a_catch_up_that_is_not_for_this_cursor_is_left_out() {
    let mut scene = Scene::at(100);
    scene.hear(catch_up(50, 200, vec![row("bob", &[150], false)]));
    assert_eq!(scene.released, [0u64; 0]);
    assert_eq!(scene.store.load().users["alice"].cursor, Some(Position(100)));
}

#[test]
fn a_catch_up_cut_in_the_middle_hands_nothing_out_twice() {
    let mut scene = Scene::at(100);
    scene.lose_link();
    scene.come_back();
    scene.hear(part(100, 200, false, vec![row("bob", &[150, 140], false)]));
    scene.lose_link();
    scene.come_back();
    scene.hear(catch_up(100, 220, vec![row("bob", &[210, 150, 140], false)]));
    assert_eq!(scene.released, [140, 150, 210]);
}

#[test]
fn a_hole_is_filled_by_pages_and_its_records_come_in_order_once() {
    let mut scene = Scene::at(100);
    scene.lose_link();
    scene.come_back();
    scene.hear(catch_up(100, 200, vec![row("bob", &[150, 140], true)]));
    let history = scene.history_said();
    assert_eq!((history.after, history.before), (Position(100), Position(140)));
    scene.hear(deliver(200, "bob", 205));
    scene.answer_history(history.request, "bob", &[130, 120], false);
    assert_eq!(scene.released, [0u64; 0]);
    let history = scene.history_said();
    assert_eq!((history.after, history.before), (Position(100), Position(120)));
    scene.answer_history(history.request, "bob", &[110], true);
    assert_eq!(scene.released, [110, 120, 130, 140, 150, 205]);
    assert_eq!(scene.store.load().users["alice"].holes.len(), 0);
}

#[test]
fn a_hole_does_not_hold_back_other_chats() {
    let mut scene = Scene::at(100);
    scene.lose_link();
    scene.come_back();
    scene.hear(catch_up(100, 200, vec![row("bob", &[150], true), row("carol", &[140], false)]));
    scene.hear(deliver(200, "carol", 205));
    assert_eq!(scene.released, [140, 205]);
}

#[test]
fn the_newest_chat_is_filled_first() {
    let mut scene = Scene::at(100);
    scene.lose_link();
    scene.come_back();
    scene.hear(part(100, 200, false, vec![row("bob", &[150], true)]));
    scene.hear(part(100, 200, true, vec![row("carol", &[190], true)]));
    assert_eq!(scene.history_said().chat, Chat::User("carol".into()));
}

#[test]
fn a_hole_outlives_the_link_and_the_process() {
    let mut scene = Scene::at(100);
    scene.lose_link();
    scene.come_back();
    scene.hear(catch_up(100, 200, vec![row("bob", &[150], true)]));
    let history = scene.history_said();
    scene.answer_history(history.request, "bob", &[130], false);
    let mut scene = scene.kill();
    scene.session.login("alice", None, scene.now).expect("a good name");
    scene.come_back();
    let history = scene.history_said();
    assert_eq!((history.after, history.before), (Position(100), Position(130)));
    scene.answer_history(history.request, "bob", &[], true);
    assert_eq!(scene.released, [130, 150]);
}

#[test]
fn history_of_a_chat_that_the_user_may_no_longer_read_closes_its_hole() {
    let mut scene = Scene::at(100);
    scene.lose_link();
    scene.come_back();
    scene.hear(catch_up(100, 200, vec![row("bob", &[150], true)]));
    let request = scene.history_said().request;
    scene.fail(request, ErrorCode::NOT_A_MEMBER);
    assert_eq!(scene.released, [150]);
}

#[test]
fn history_that_a_busy_server_refused_is_asked_for_later() {
    let mut scene = Scene::at(100);
    scene.lose_link();
    scene.come_back();
    scene.hear(catch_up(100, 200, vec![row("bob", &[150], true)]));
    let request = scene.history_said().request;
    scene.fail(request, ErrorCode::BUSY);
    scene.wait(Duration::from_secs(1));
    assert_eq!(scene.history_said().before, Position(150));
}

#[test]
fn what_was_taken_back_is_told_once_and_the_text_is_gone_although_an_older_page_still_has_it() {
    let mut scene = Scene::at(100);
    scene.lose_link();
    scene.come_back();
    scene.hear(catch_up(100, 400, vec![row("bob", &[400], true)]));
    let history = scene.history_said();
    // The server read the page, then the message was taken back; what tells of that overtakes the page.
    let position = Position(300);
    let told = Amendment { position, kind: AmendmentKind::RETRACTED, by: "bob".into(), content: None };
    let (kind, body) = (ContentKind::AMENDED, told.to_bytes());
    let content = Content { kind, body, extensions: Extensions::default() };
    let told = Record { position: Position(410), at_ms: 410, from: "".into(), outbox: 0, content };
    let (after, chat) = (Position(400), Chat::User("bob".into()));
    let told = ServerFrame::Deliver(Deliver { after, chat, record: told });
    scene.hear(told.clone());
    scene.hear(told);
    scene.answer_history(history.request, "bob", &[300], true);

    assert_eq!(scene.released, [300, 400, 410]);
    let stored = scene.store.messages("alice", &Chat::User("bob".into()));
    let kinds: Vec<ContentKind> = stored.iter().map(|message| message.record.content.kind).collect();
    assert_eq!(kinds, [ContentKind::RETRACTED, ContentKind::TEXT, ContentKind::AMENDED]);
    assert!(stored.iter().all(|message| message.record.content.as_text() != Some("text 300")));
}
