//! From the call to the answer.

use super::*;
use crate::store::OutboxEntry;

#[test]
fn a_message_goes_out_only_when_it_is_on_disk() {
    let mut scene = Scene::at(100);
    scene.stores_at_once = false;
    scene.send("bob", "hello");
    assert_eq!(scene.sends_said(), []);
    scene.complete_stores();
    assert_eq!(scene.sends_said(), [(1, "hello".into())]);
}

#[test]
fn an_unanswered_message_goes_again_with_its_number_after_the_next_login() {
    let mut scene = Scene::at(100);
    scene.send("bob", "one");
    scene.send("carol", "two");
    scene.hear(sent(1, 105));
    scene.lose_link();
    scene.come_back();
    assert_eq!(scene.sends_said(), [(2, "two".into())]);
}

#[test]
fn an_unanswered_message_survives_a_kill_with_its_number() {
    let mut scene = Scene::at(100);
    scene.send("bob", "one");
    let local = scene.send("bob", "two");
    scene.hear(sent(1, 105));
    let mut scene = scene.kill();
    scene.session.login("alice", None, scene.now).expect("a good name");
    scene.come_back();
    assert_eq!(scene.sends_said(), [(2, "two".into())]);
    scene.hear(sent(2, 106));
    let event = Event::Sent {
        user: "alice".into(),
        local,
        chat: Chat::User("bob".into()),
        position: Position(106),
        at_ms: 106,
    };
    assert!(scene.events.contains(&event));
    assert_eq!(scene.store.load().outbox, []);
}

#[test]
fn numbers_go_on_above_what_the_server_has_seen() {
    let mut scene = Scene::new();
    scene.session.login("alice", Some("secret"), scene.now).expect("a good name");
    scene.send("bob", "written before the first link");
    scene.connect();
    scene.welcome(7);
    scene.log_in();
    scene.send("bob", "after");
    assert_eq!(scene.sends_said(), [(8, "written before the first link".into()), (9, "after".into())]);
}

#[test]
fn a_message_is_in_the_store_at_the_place_that_the_server_gave_it() {
    let mut scene = Scene::at(100);
    scene.send("bob", "hello");
    scene.hear(sent(1, 105));
    let stored = scene.store.messages("alice", &Chat::User("bob".into()));
    assert_eq!(stored.iter().map(|message| message.record.position.0).collect::<Vec<_>>(), [105]);
}

#[test]
fn a_lost_answer_is_made_good_by_the_catch_up() {
    let mut scene = Scene::at(100);
    let local = scene.send("bob", "hello");
    scene.lose_link();
    scene.come_back();
    let mut row = row("bob", &[105], false);
    row.newest[0].from = "alice".into();
    row.newest[0].outbox = 1;
    scene.hear(catch_up(100, 110, vec![row]));
    assert!(scene.events.iter().any(|event| matches!(event, Event::Sent { local: done, .. } if *done == local)));
    assert_eq!(scene.released, [0u64; 0]);
    scene.hear(sent(1, 105));
    let told = scene.events.iter().filter(|event| matches!(event, Event::Sent { .. })).count();
    assert_eq!(told, 1);
}

#[test]
fn a_refused_message_is_repeated_although_it_came_back_from_the_log_for_the_server_waits_for_it() {
    let mut scene = Scene::at(100);
    scene.send("bob", "one");
    scene.send("bob", "two");
    scene.lose_link();
    scene.come_back();
    scene.sends_said();
    scene.hear(refused(1, ErrorCode::BUSY));
    scene.hear(refused(2, ErrorCode::SEND_OUT_OF_ORDER));
    let mut row = row("bob", &[105], false);
    row.newest[0].from = "alice".into();
    row.newest[0].outbox = 1;
    scene.hear(catch_up(100, 110, vec![row]));
    scene.wait(Duration::from_secs(2));
    assert_eq!(scene.sends_said(), [(1, "one".into())]);
    scene.hear(sent(1, 105));
    assert_eq!(scene.sends_said(), [(2, "two".into())]);
    scene.hear(sent(2, 111));
    let told = scene.events.iter().filter(|event| matches!(event, Event::Sent { .. })).count();
    assert_eq!(told, 2);
}

#[test]
fn a_final_refusal_is_told_and_not_repeated() {
    let mut scene = Scene::at(100);
    scene.send("nobody", "hello");
    scene.hear(refused(1, ErrorCode::SEND_TARGET_UNKNOWN));
    assert!(matches!(scene.events.last(), Some(Event::SendFailed { code: ErrorCode::SEND_TARGET_UNKNOWN, .. })));
    assert_eq!(scene.store.load().outbox, []);
}

#[test]
fn after_a_passing_refusal_the_messages_of_the_chat_go_again_in_order_one_at_a_time() {
    let mut scene = Scene::at(100);
    scene.send("bob", "one");
    scene.send("bob", "two");
    scene.send("carol", "other chat");
    scene.sends_said();
    scene.hear(refused(1, ErrorCode::BUSY));
    scene.hear(refused(2, ErrorCode::SEND_OUT_OF_ORDER));
    scene.hear(sent(3, 101));
    scene.send("bob", "three");
    assert_eq!(scene.sends_said(), []);
    scene.wait(Duration::from_secs(2));
    assert_eq!(scene.sends_said(), [(1, "one".into())]);
    scene.hear(sent(1, 102));
    assert_eq!(scene.sends_said(), [(2, "two".into())]);
    scene.hear(sent(2, 103));
    assert_eq!(scene.sends_said(), [(4, "three".into())]);
}

#[test]
fn a_refused_message_waits_for_those_behind_it_that_are_still_on_their_way() {
    let mut scene = Scene::at(100);
    scene.send("bob", "one");
    scene.send("bob", "two");
    scene.sends_said();
    scene.hear(refused(1, ErrorCode::BUSY));
    scene.wait(Duration::from_secs(2));
    assert_eq!(scene.sends_said(), []);
    scene.hear(refused(2, ErrorCode::SEND_OUT_OF_ORDER));
    scene.wait(Duration::from_secs(2));
    assert_eq!(scene.sends_said(), [(1, "one".into())]);
}

#[test]
fn at_most_256_messages_are_on_their_way() {
    let mut scene = Scene::at(100);
    for number in 0..300 {
        scene.send("bob", &number.to_string());
    }
    assert_eq!(scene.sends_said().len(), 256);
    scene.hear(sent(1, 101));
    assert_eq!(scene.sends_said().len(), 1);
}

#[test]
fn the_outbox_is_full_at_ten_thousand() {
    let mut scene = Scene::at(100);
    scene.lose_link();
    for _ in 0..10_000 {
        scene.send("bob", "again");
    }
    let chat = Chat::User("bob".into());
    assert_eq!(scene.session.send(chat, Content::text("one more"), scene.now), Err(SendError::OutboxFull));
}

#[test]
fn nobody_logged_in_sends_nothing() {
    let mut scene = Scene::new();
    let chat = Chat::User("bob".into());
    assert_eq!(scene.session.send(chat, Content::text("hello"), scene.now), Err(SendError::NotLoggedIn));
}

#[test]
fn a_passing_refusal_is_told_but_not_for_each_of_many_messages() {
    let mut scene = Scene::at(100);
    for number in 1..=3 {
        scene.send("bob", "hello");
        scene.hear(refused(number, ErrorCode::BUSY));
    }
    let told = scene.events.iter().filter(|event| matches!(event, Event::PutOff { code: ErrorCode::BUSY, .. }));
    assert_eq!(told.count(), 1);
}

#[test]
fn a_message_of_a_damaged_store_that_may_have_been_sent_is_told_once_it_is_let_go_and_not_sent() {
    let entry = OutboxEntry {
        local: LocalId(7),
        number: Some(9),
        user: "alice".into(),
        chat: Chat::User("bob".into()),
        is_room: false,
        content: Content::text("hello"),
    };
    let stored = Stored { unsure: vec![entry], local_next: LocalId(8), outbox_next: 1, ..Stored::default() };
    let mut session = Session::new(config(), stored, counting());
    let Some(Action::Store(ticket, writes)) = session.next_action() else { panic!("nothing is stored") };
    assert!(writes.contains(&Write::OutboxAnswered(LocalId(7))), "{writes:?}");
    assert_eq!(session.next_action(), None);
    session.handle_stored(ticket, Duration::ZERO);
    let told = session.next_action();
    assert!(matches!(told, Some(Action::Emit(Event::SendUnsure { local: LocalId(7), .. }))), "{told:?}");
    assert_eq!(session.next_action(), None);
}

#[test]
fn a_failed_message_goes_again_as_the_same_one_behind_what_waits() {
    let mut scene = Scene::at(100);
    let failed = scene.send("bob", "too much");
    scene.hear(refused(1, ErrorCode::SEND_TARGET_UNKNOWN));
    scene.send("bob", "next");
    assert_eq!(scene.sends_said(), [(1, "too much".into()), (2, "next".into())]);
    assert_eq!(scene.session.resend(failed, scene.now), Ok(()));
    scene.settle();
    assert_eq!(scene.sends_said(), [(3, "too much".into())]);
    assert_eq!(scene.store.load().failed, []);
    assert_eq!(scene.session.resend(failed, scene.now), Err(SendError::NotFailed), "it is on its way");
    scene.hear(sent(2, 101));
    scene.hear(sent(3, 102));
    let told = scene.events.last();
    assert!(matches!(told, Some(Event::Sent { local, position: Position(102), .. }) if *local == failed), "{told:?}");
    assert_eq!(scene.session.resend(failed, scene.now), Err(SendError::NotFailed), "it was sent");
}

#[test]
fn a_failed_message_survives_a_kill_and_so_does_its_repeat_in_its_place() {
    let mut scene = Scene::at(100);
    let failed = scene.send("bob", "first");
    scene.hear(refused(1, ErrorCode::SEND_TARGET_UNKNOWN));
    let mut scene = scene.kill();
    scene.session.login("alice", None, scene.now).expect("a good name");
    scene.come_back();
    assert_eq!(scene.sends_said(), [], "by itself it does not go again");
    let later = scene.send("bob", "later");
    assert_ne!(later, failed);
    assert_eq!(scene.session.resend(failed, scene.now), Ok(()));
    scene.settle();
    let said = scene.sends_said();
    assert_eq!(said.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), ["later", "first"]);
    let mut scene = scene.kill();
    scene.session.login("alice", None, scene.now).expect("a good name");
    scene.come_back();
    assert_eq!(scene.sends_said(), said, "in the order of the numbers, not of the local ids");
}

#[test]
fn of_failed_messages_the_newest_thousand_are_kept_until_they_are_let_go() {
    let mut scene = Scene::at(100);
    for number in 1..=1001 {
        scene.send("bob", "no");
        scene.hear(refused(number, ErrorCode::SEND_TARGET_UNKNOWN));
    }
    let kept = scene.store.load().failed;
    assert_eq!((kept.len(), kept[0].local), (1000, LocalId(1)));
    assert_eq!(scene.session.forget_failed(LocalId(0), scene.now), Err(SendError::NotFailed));
    assert_eq!(scene.session.forget_failed(LocalId(1), scene.now), Ok(()));
    scene.settle();
    assert_eq!(scene.store.load().failed.len(), 999);
    assert_eq!(scene.session.resend(LocalId(1), scene.now), Err(SendError::NotFailed));
}
