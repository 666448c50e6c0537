//! What messages may say, who is told of those that nobody keeps, and until when they can be taken back.

use crate::common::{World, texts};
use anser_protocol::content::{Content, ContentKind};
use anser_protocol::ids::Position;
use anser_protocol::options::{NoticeOverride, SendOptions};
use anser_storage::command::{Actor, Amend, Amended, Command, GroupCommand, Origin, Send, Target, WordCommand};
use anser_storage::ids::{AppNumber, UserNumber};
use anser_storage::outcome::{Answer, MessageBody, Refusal, Route};
use anser_storage::{Chat, Viewer};

fn word(world: &mut World, command: impl FnOnce(AppNumber) -> WordCommand) {
    assert_eq!(world.answer(Command::Word(command(world.app))), Answer::Done);
}

fn add(world: &mut World, words: &[&str]) {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    word(world, |app| WordCommand::Add { app, words, words_max: 3 });
}

fn switch(world: &mut World, is_on: bool, is_masking: Option<bool>) {
    word(world, |app| WordCommand::SetFilter { app, is_on, is_masking });
}

fn listed(world: &World) -> Vec<String> {
    world.read().words(world.app).expect("whole").words.into_iter().map(|word| word.text).collect()
}

fn send(world: &World, from: UserNumber, target: Target, content: Content) -> Command {
    Command::Send(Send { app: world.app, from, origin: Origin::Server { as_admin: true }, target, content })
}

fn to(name: &str) -> Target {
    Target::User(name.into())
}

#[test]
fn words_are_listed_in_the_order_in_which_they_came() {
    let mut world = World::new();
    add(&mut world, &["one", "two", "one"]);
    let first = world.read().words(world.app).expect("whole").words[0].added_ms;
    world.now_ms += 5;
    add(&mut world, &["two", "three"]);
    assert_eq!(listed(&world), ["one", "two", "three"]);
    let more = WordCommand::Add { app: world.app, words: vec!["four".into()], words_max: 3 };
    assert_eq!(world.apply(Command::Word(more)).answer, Err(Refusal::TooManyWords));

    word(&mut world, |app| WordCommand::Replace { app, old: "two".into(), new: "zwei".into() });
    word(&mut world, |app| WordCommand::Replace { app, old: "nowhere".into(), new: "five".into() });
    assert_eq!(listed(&world), ["one", "zwei", "three"]);
    let times: Vec<u64> =
        world.read().words(world.app).expect("whole").words.iter().map(|word| word.added_ms - first).collect();
    assert!(times[0] == 0 && times[2] >= 5 && times[1] > times[2], "{times:?}");
    word(&mut world, |app| WordCommand::Replace { app, old: "one".into(), new: "three".into() });
    word(&mut world, |app| WordCommand::Remove { app, words: vec!["zwei".into(), "nowhere".into()] });
    assert_eq!(listed(&world), ["three"]);
}

#[test]
fn a_message_with_a_word_is_refused_while_the_filter_is_on_and_leaves_nothing_behind() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let group = world.group("alice", &["bob"]);
    add(&mut world, &["Bad"]);
    world.send(bob, "bob", "bad, but nobody looks");
    switch(&mut world, true, None);
    let end = world.store.end();

    let with_notice = SendOptions {
        notice: NoticeOverride { alert: "ＢＡＤ news".into(), ..NoticeOverride::default() },
        ..SendOptions::default()
    };
    for (target, content) in [
        (to("bob"), Content::text("so BAD")),
        (Target::Group(group), Content::text("so ｂａｄ")),
        (to("bob"), with_notice.add_to(Content::text("good"))),
    ] {
        let refused = Err(Refusal::SensitiveWord { word: "Bad".into() });
        assert_eq!(world.apply(send(&world, alice, target, content)).answer, refused);
    }
    // What is wrong otherwise is said first.
    let unknown = Err(Refusal::UserUnknown { username: "ghost".into() });
    assert_eq!(world.apply(send(&world, alice, to("ghost"), Content::text("bad"))).answer, unknown);
    assert_eq!(world.store.end(), end);
    assert!(world.read().catch_up(world.app, bob, end, 1).expect("whole").is_empty());

    let custom = Content { kind: ContentKind::CUSTOM, body: b"{\"k\":\"bad\"}".to_vec(), ..Content::text("") };
    world.answer(send(&world, alice, to("bob"), custom));
    word(&mut world, |app| WordCommand::Remove { app, words: vec!["Bad".into()] });
    world.send(alice, "bob", "not bad any more");
    add(&mut world, &["more"]);
    switch(&mut world, false, None);
    world.send(alice, "bob", "more");
}

#[test]
fn where_the_app_wants_it_words_are_covered_instead() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    add(&mut world, &["坏话", "bad"]);
    switch(&mut world, true, Some(true));

    let titled = SendOptions { from_name: "Bad Al".into(), ..SendOptions::default() };
    let outcome = world.apply(send(&world, alice, to("bob"), titled.add_to(Content::text("说坏话, BADly"))));

    let Route::Single { message, .. } = &outcome.appended[0].route else { panic!("{outcome:?}") };
    let MessageBody::Content(told) = &message.body else { panic!("{message:?}") };
    assert_eq!(told.as_text(), Some("说**, ***ly"));
    assert_eq!(SendOptions::of(told).from_name, "*** Al");
    assert_eq!(texts(&world.whole_history(bob, Chat::User(alice))), ["说**, ***ly"]);
    switch(&mut world, true, Some(false));
    let refused = Err(Refusal::SensitiveWord { word: "bad".into() });
    assert_eq!(world.apply(send(&world, alice, to("bob"), Content::text("bad"))).answer, refused);
}

#[test]
fn what_is_for_those_who_are_there_is_read_by_nobody_else_but_its_sender() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    world.send(alice, "bob", "for all");
    let live = SendOptions { no_offline: true, ..SendOptions::default() }.add_to(Content::text("for now"));
    let position = crate::common::sent(world.answer(send(&world, alice, to("bob"), live))).0;
    world.send(alice, "bob", "for all again");

    assert_eq!(texts(&world.whole_history(bob, Chat::User(alice))), ["for all again", "for all"]);
    let all = ["for all again", "for now", "for all"];
    assert_eq!(texts(&world.whole_history(alice, Chat::User(bob))), all);
    let rows = |user| world.read().catch_up(world.app, user, Position::START, 10).expect("whole");
    assert_eq!(texts(&rows(bob)[0].newest), ["for all again", "for all"]);
    assert_eq!(texts(&rows(alice)[0].newest), all);

    let read_since = |present_since: Position| {
        let viewer = Viewer { user: bob, present_since };
        let snapshot = world.read();
        let page = snapshot.history(world.app, viewer, &Chat::User(alice), Position(u64::MAX), Position::START, 10);
        let plan = snapshot.catch_up_plan(world.app, bob, Position::START).expect("whole");
        let rows = snapshot.catch_up_rows(world.app, viewer, &plan, Position::START, world.store.end(), 10);
        let (records, newest) = (page.expect("whole").records, rows.expect("whole").remove(0).newest);
        assert_eq!(records, newest);
        records.len()
    };
    assert_eq!((read_since(Position(position.0 - 1)), read_since(position)), (3, 2), "he was there, or came later");
}

#[test]
fn f9_a_message_can_be_taken_back_for_three_minutes() {
    const WITHIN_MS: u64 = 180_000;
    let mut world = World::new();
    let [alice, bob, carol] = world.users(&["alice", "bob", "carol"])[..] else { panic!() };
    let (early, late) = (world.send(alice, "bob", "early"), world.send(alice, "bob", "late"));
    let sent_ms = world.now_ms;
    let retract = |world: &World, user, message, through_server| {
        let (by, what) = (Actor::User(user), Amended::Retracted);
        Command::Amend(Amend { app: world.app, by, through_server, message, what, within_ms: Some(WITHIN_MS) })
    };

    world.now_ms = sent_ms + 179_000;
    assert!(matches!(world.answer(retract(&world, alice, early, false)), Answer::Amended { is_repeat: false, .. }));
    world.now_ms = sent_ms + 181_000;
    assert_eq!(world.apply(retract(&world, alice, late, false)).answer, Err(Refusal::TooLateToAmend));
    let again = world.answer(retract(&world, alice, early, false));
    assert!(matches!(again, Answer::Amended { is_repeat: true, .. }), "that it is done says more than that it is late");

    // An app server is told what there is; somebody who is not in the chat is not.
    assert_eq!(world.apply(retract(&world, carol, late, false)).answer, Err(Refusal::MessageUnknown));
    assert_eq!(world.apply(retract(&world, carol, late, true)).answer, Err(Refusal::NotTheSender));
    assert_eq!(world.apply(retract(&world, bob, late, false)).answer, Err(Refusal::NotTheSender));

    let group = world.group("carol", &["alice"]);
    let said = world.send_to_group(alice, group, "bye");
    world.answer(Command::Group(GroupCommand::Leave { app: world.app, user: alice, group }));
    assert_eq!(world.apply(retract(&world, alice, said, false)).answer, Err(Refusal::MessageUnknown));
    assert!(world.apply(retract(&world, alice, said, true)).answer.is_ok(), "the server may, though she has left");
}
