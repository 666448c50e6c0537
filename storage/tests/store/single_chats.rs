//! Messages between two users: chains, history, catch-up, and sending twice.

use crate::common::{World, sent, texts};
use anser_protocol::ids::Position;
use anser_storage::Chat;
use anser_storage::command::{Command, SystemCommand};
use anser_storage::outcome::{Refusal, Route};

#[test]
fn both_sides_read_a_chat_from_the_newest_message_down() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };

    world.send(alice, "bob", "one");
    world.send(bob, "alice", "two");
    world.send(alice, "bob", "three");
    world.send(alice, "bob", "four");

    assert_eq!(texts(&world.whole_history(alice, Chat::User(bob))), ["four", "three", "two", "one"]);
    assert_eq!(texts(&world.whole_history(bob, Chat::User(alice))), ["four", "three", "two", "one"]);
    let seqs: Vec<u64> = world.whole_history(bob, Chat::User(alice)).iter().map(|r| r.message.seq).collect();
    assert_eq!(seqs, [4, 3, 2, 1]);
}

#[test]
fn a_user_may_write_to_themselves_and_has_one_conversation_of_it() {
    let mut world = World::new();
    let alice = world.user("alice");
    world.send(alice, "alice", "note");
    let rows = world.read().catch_up(world.app, alice, Position::START, 10).expect("whole");
    assert_eq!(rows.len(), 1);
    assert_eq!(texts(&rows[0].newest), ["note"]);
}

#[test]
fn nobody_else_sees_a_single_chat() {
    let mut world = World::new();
    let [alice, bob, eve] = world.users(&["alice", "bob", "eve0"])[..] else { panic!() };
    world.send(alice, "bob", "secret");
    assert_eq!(world.read().catch_up(world.app, eve, Position::START, 10).expect("whole"), []);
    assert!(world.whole_history(eve, Chat::User(bob)).is_empty());
}

#[test]
fn a_message_to_an_unknown_name_is_refused_and_takes_nothing() {
    let mut world = World::new();
    let alice = world.user("alice");
    let end = world.store.end();
    let refusal = world.refusal(world.send_command(
        alice,
        anser_storage::command::Origin::Server { as_admin: false },
        anser_storage::command::Target::User("nobody".into()),
        "hello?",
    ));
    assert_eq!(refusal, Refusal::UserUnknown { username: "nobody".into() });
    assert_eq!(world.store.end(), end);
}

#[test]
fn catch_up_gives_changed_conversations_newest_first_and_marks_holes() {
    let mut world = World::new();
    let [alice, bob, carol] = world.users(&["alice", "bob", "carol"])[..] else { panic!() };
    world.send(bob, "alice", "old");
    world.send(carol, "alice", "quiet");
    let cursor = world.read().end();
    world.send(bob, "alice", "b1");
    world.send(carol, "alice", "c1");
    world.send(bob, "alice", "b2");
    world.send(bob, "alice", "b3");

    let rows = world.read().catch_up(world.app, alice, cursor, 2).expect("whole");

    assert_eq!(rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["bob", "carol"]);
    assert_eq!(texts(&rows[0].newest), ["b3", "b2"]);
    assert!(rows[0].hole, "b1 has not been seen");
    assert_eq!(texts(&rows[1].newest), ["c1"]);
    assert!(!rows[1].hole, "what lies below the cursor was seen");
    assert_eq!(rows[0].last_seq, 4);
}

#[test]
fn a_hole_is_filled_by_history_between_the_cursor_and_the_oldest_new_record() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    world.send(bob, "alice", "seen");
    let cursor = world.read().end();
    let positions: Vec<Position> = (1..=5).map(|n| world.send(bob, "alice", &format!("m{n}"))).collect();

    let page = world.read().history(world.app, alice, &Chat::User(bob), positions[3], cursor, 2).expect("whole");
    assert_eq!(texts(&page.records), ["m3", "m2"]);
    assert!(!page.complete);
    let page = world.read().history(world.app, alice, &Chat::User(bob), page.reached, cursor, 2).expect("whole");
    assert_eq!(texts(&page.records), ["m1"]);
    assert!(page.complete);
}

#[test]
fn conversations_are_paged_by_their_last_record() {
    let mut world = World::new();
    let [alice, bob, carol, dave] = world.users(&["alice", "bob", "carol", "dave"])[..] else { panic!() };
    for user in [bob, carol, dave] {
        world.send(user, "alice", "hi");
    }
    let snapshot = world.read();
    let first = snapshot.conversations(world.app, alice, Position(u64::MAX), 2, 1).expect("whole");
    assert_eq!(first.iter().map(|row| row.chat).collect::<Vec<_>>(), [Chat::User(dave), Chat::User(carol)]);
    let second = snapshot.conversations(world.app, alice, first[1].last, 2, 1).expect("whole");
    assert_eq!(second.iter().map(|row| row.chat).collect::<Vec<_>>(), [Chat::User(bob)]);
}

#[test]
fn a_repeated_outbox_number_gets_the_first_answer_and_appends_nothing() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let phone = world.device("phone");

    let first = world.send_from_device(alice, phone, 1, "bob", "one");
    let second = world.send_from_device(alice, phone, 2, "bob", "two");
    let again = world.send_from_device(alice, phone, 1, "bob", "one");

    let (position, is_repeat) = sent(again.answer.expect("accepted"));
    assert_eq!((position, is_repeat), (sent(first.answer.expect("accepted")).0, true));
    assert!(again.appended.is_empty());
    assert!(!sent(second.answer.expect("accepted")).1);
    assert_eq!(world.whole_history(bob, Chat::User(alice)).len(), 2);
}

#[test]
fn an_outbox_number_that_was_refused_is_new_when_it_is_sent_again_out_of_order() {
    let mut world = World::new();
    let [alice, _bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let phone = world.device("phone");
    for outbox in [1, 2] {
        world.send_from_device(alice, phone, outbox, "bob", "early");
    }
    let refused = world.send_from_device(alice, phone, 3, "carol", "to nobody yet");
    assert!(refused.answer.is_err());
    for outbox in [4, 5] {
        world.send_from_device(alice, phone, outbox, "bob", "late");
    }
    world.user("carol");

    let (position, is_repeat) = sent(world.send_from_device(alice, phone, 3, "carol", "at last").answer.expect("new"));
    assert!(!is_repeat);
    // It stands behind 5 in the sent chain now, and all are still found.
    for outbox in 1..=5 {
        let to = if outbox == 3 { "carol" } else { "bob" };
        let (repeat_position, is_repeat) =
            sent(world.send_from_device(alice, phone, outbox, to, "again").answer.expect("known"));
        assert!(is_repeat, "{outbox}");
        assert_eq!(outbox == 3, repeat_position == position);
    }
}

#[test]
fn an_outbox_number_far_below_the_newest_is_refused_for_good() {
    let mut world = World::new();
    let [alice, _bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let phone = world.device("phone");
    world.send_from_device(alice, phone, 5000, "bob", "new");
    let old = world.send_from_device(alice, phone, 5000 - 1024, "bob", "old");
    assert_eq!(old.answer, Err(Refusal::OutboxTooOld));
    let inside = world.send_from_device(alice, phone, 5000 - 1023, "alice", "late");
    assert!(inside.answer.is_ok());
}

#[cfg(feature = "simulation")]
#[test]
fn a_send_at_which_the_store_fails_is_refused_and_its_repeat_gets_the_first_answer_all_the_same() {
    let mut world = World::new();
    let [alice, _bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let phone = world.device("phone");
    let first = sent(world.send_from_device(alice, phone, 1, "bob", "one").answer.expect("accepted"));
    world.store.panic_at(0);
    let again = sent(world.send_from_device(alice, phone, 1, "bob", "one").answer.expect("known"));
    assert_eq!((again.0, again.1), (first.0, true));
    world.store.panic_at(0);
    assert_eq!(world.send_from_device(alice, phone, 2, "bob", "two").answer, Err(Refusal::Internal));
}

#[test]
fn an_outbox_number_that_was_refused_stays_refused_once_a_later_one_stands_in_its_chat() {
    let mut world = World::new();
    let [alice, bob, carol] = world.users(&["alice", "bob", "carol"])[..] else { panic!() };
    let phone = world.device("phone");
    world.send_from_device(alice, phone, 1, "bob", "one");
    // Given number 2 that was refused, and the answer to it was lost; 3 went through,
    world.send_from_device(alice, phone, 3, "bob", "three");
    // when it is sent again it would come after 3,
    let again = world.send_from_device(alice, phone, 2, "bob", "two");
    assert_eq!(again.answer, Err(Refusal::OutboxTooOld));
    assert_eq!(texts(&world.whole_history(bob, Chat::User(alice))), ["three", "one"]);
    // but in another chat, and for another user of the device, it is in order.
    assert!(world.send_from_device(carol, phone, 2, "bob", "by carol").answer.is_ok());
    world.send_from_device(alice, phone, 5, "bob", "five");
    assert!(world.send_from_device(alice, phone, 4, "carol", "four").answer.is_ok());
}

#[test]
fn the_outcome_tells_the_switchboard_whom_a_record_concerns() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let phone = world.device("phone");
    let outcome = world.send_from_device(alice, phone, 1, "bob", "hello");
    let [appended] = &outcome.appended[..] else { panic!("{outcome:?}") };
    let Route::Single { from, from_name, to, to_name, message, .. } = &appended.route else { panic!("{outcome:?}") };
    assert_eq!((*from, &**from_name, *to, &**to_name), (alice, "alice", bob, "bob"));
    assert_eq!((message.seq, message.sent_by), (1, Some((phone, 1))));
    assert_eq!(appended.position, sent(outcome.answer.expect("accepted")).0);
}

#[test]
fn a_start_leaves_a_gap_of_positions() {
    let mut world = World::new();
    let before = world.store.end();
    world.answer(Command::System(SystemCommand::Start));
    assert_eq!(world.store.end().0, before.0 + (1 << 20));
    world.answer(Command::System(SystemCommand::Restored));
    assert!(world.store.end().0 > 1 << 32);
}
