//! Messages that are taken back, edited or erased: who may, and what everybody reads from then on.

use crate::common::{World, texts};
use anser_protocol::content::{AmendmentKind, Content, ContentKind};
use anser_protocol::ids::Position;
use anser_storage::command::{Actor, Amend, Amended, AppCommand, Class, Command, GroupCommand, SystemCommand};
use anser_storage::ids::UserNumber;
use anser_storage::outcome::{Answer, MessageBody, Refusal, Route};
use anser_storage::{Chat, Table};

fn amend(world: &World, by: Actor, message: Position, what: Amended) -> Command {
    Command::Amend(Amend { app: world.app, by, through_server: false, message, what, within_ms: None })
}

fn retract(world: &World, by: UserNumber, message: Position) -> Command {
    amend(world, Actor::User(by), message, Amended::Retracted)
}

fn told_at(answer: Answer) -> Position {
    match answer {
        Answer::Amended { told_at, .. } => told_at,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_retracted_message_keeps_its_place_and_nobody_reads_what_it_said() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let secret = world.send(alice, "bob", "secret");
    world.send(bob, "alice", "what?");

    world.answer(retract(&world, alice, secret));

    for (user, peer) in [(alice, bob), (bob, alice)] {
        let history = world.whole_history(user, Chat::User(peer));
        assert_eq!(texts(&history), ["amendment 1", "what?", "?"]);
        let MessageBody::Content(content) = &history[2].message.body else { panic!("{history:?}") };
        assert_eq!((content.kind, content.body.len()), (ContentKind::RETRACTED, 0));
        let rows = world.read().catch_up(world.app, user, Position::START, 10).expect("whole");
        assert_eq!(texts(&rows[0].newest), texts(&history), "so does who was away");
    }
}

#[test]
fn those_who_have_the_message_are_told_in_their_chat() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let message = world.send(alice, "bob", "one");

    let outcome = world.apply(retract(&world, alice, message));

    let [appended] = &outcome.appended[..] else { panic!("{outcome:?}") };
    let Route::Single { from, to, message: told, .. } = &appended.route else { panic!("{appended:?}") };
    assert_eq!((*from, *to), (alice, bob));
    let MessageBody::Amendment(amendment) = &told.body else { panic!("{told:?}") };
    assert_eq!((amendment.position, amendment.kind), (message, AmendmentKind::RETRACTED));
    assert_eq!((amendment.by.as_str(), &amendment.content), ("alice", &None));
    assert_eq!(told_at(outcome.answer.expect("she may")), appended.position);
}

#[test]
fn what_a_message_was_edited_to_is_read_in_its_place_and_told() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let message = world.send(alice, "bob", "at eigth");

    world.answer(amend(&world, Actor::User(alice), message, Amended::Edited(Content::text("at eight"))));

    let history = world.whole_history(bob, Chat::User(alice));
    assert_eq!(texts(&history), ["amendment 2", "at eight"]);
    let MessageBody::Amendment(told) = &history[0].message.body else { panic!("{history:?}") };
    assert_eq!(told.content, Some(Content::text("at eight")));
}

#[test]
fn erasing_leaves_nothing_of_a_message_nor_of_its_edits() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let message = world.send(alice, "bob", "unspeakable");
    world.answer(amend(&world, Actor::User(alice), message, Amended::Edited(Content::text("unspeakable too"))));

    world.answer(amend(&world, Actor::Server, message, Amended::Erased));

    let history = world.whole_history(bob, Chat::User(alice));
    assert_eq!(texts(&history), ["amendment 3", "amendment 2", "?"]);
    assert!(!format!("{history:?}").contains("unspeakable"));
}

#[test]
fn the_same_again_is_answered_as_the_first_time_and_tells_nothing_more() {
    let mut world = World::new();
    let [alice, _] = world.users(&["alice", "bob"])[..] else { panic!() };
    let message = world.send(alice, "bob", "one");
    let first = told_at(world.answer(retract(&world, alice, message)));

    world.now_ms += 3_600_000;
    let (app, by, what) = (world.app, Actor::User(alice), Amended::Retracted);
    let again =
        world.apply(Command::Amend(Amend { app, by, through_server: false, message, what, within_ms: Some(60_000) }));

    assert!(again.appended.is_empty());
    assert_eq!(again.answer, Ok(Answer::Amended { told_at: first, is_repeat: true }), "also when it comes late");
}

#[test]
fn who_came_later_does_not_learn_what_an_earlier_message_was_edited_to() {
    let mut world = World::new();
    let [alice, bob, carol] = world.users(&["alice", "bob", "carol"])[..] else { panic!() };
    let group = world.group("alice", &["bob"]);
    let message = world.send_to_group(alice, group, "before her time");
    let members = vec!["carol".to_owned()];
    world.answer(Command::Group(GroupCommand::Add { app: world.app, by: Actor::Server, group, members }));

    let edit = Amended::Edited(Content::text("still before her time"));
    let outcome = world.apply(amend(&world, Actor::User(alice), message, edit));

    let Route::Group { members, .. } = &outcome.appended[0].route else { panic!("{outcome:?}") };
    assert_eq!(members[..], [alice, bob]);
    assert_eq!(texts(&world.whole_history(carol, Chat::Group(group))), ["event 10"]);
    let rows = world.read().catch_up(world.app, carol, Position::START, 10).expect("whole");
    assert_eq!(texts(&rows[0].newest), ["event 10"]);
}

#[test]
fn what_is_gone_does_not_come_back() {
    let mut world = World::new();
    let [alice, _] = world.users(&["alice", "bob"])[..] else { panic!() };
    let message = world.send(alice, "bob", "one");
    let edit = amend(&world, Actor::User(alice), message, Amended::Edited(Content::text("two")));
    world.answer(retract(&world, alice, message));
    assert_eq!(world.refusal(edit.clone()), Refusal::AlreadyRetracted);
    world.answer(amend(&world, Actor::Server, message, Amended::Erased));
    assert_eq!(world.refusal(edit), Refusal::AlreadyRetracted);
    assert_eq!(world.refusal(retract(&world, alice, message)), Refusal::AlreadyRetracted);
}

#[test]
fn only_the_sender_may_and_only_while_they_are_in_the_chat() {
    let mut world = World::new();
    let [alice, bob, eve] = world.users(&["alice", "bob", "eve0"])[..] else { panic!() };
    let message = world.send(alice, "bob", "one");
    assert_eq!(world.refusal(retract(&world, bob, message)), Refusal::NotTheSender);
    assert_eq!(world.refusal(retract(&world, eve, message)), Refusal::MessageUnknown, "she learns nothing");
    let group = world.group("alice", &["bob"]);
    let message = world.send_to_group(bob, group, "hello");
    world.answer(Command::Group(GroupCommand::Leave { app: world.app, user: bob, group }));
    assert_eq!(world.refusal(retract(&world, bob, message)), Refusal::MessageUnknown);
    world.answer(amend(&world, Actor::Server, message, Amended::Retracted));
}

#[test]
fn who_left_a_group_before_is_not_told_but_reads_no_more_of_it_either() {
    let mut world = World::new();
    let [alice, bob, carol] = world.users(&["alice", "bob", "carol"])[..] else { panic!() };
    let group = world.group("alice", &["bob", "carol"]);
    let message = world.send_to_group(alice, group, "hello");
    world.answer(Command::Group(GroupCommand::Leave { app: world.app, user: carol, group }));

    let outcome = world.apply(retract(&world, alice, message));

    let Route::Group { members, .. } = &outcome.appended[0].route else { panic!("{outcome:?}") };
    assert_eq!(members[..], [alice, bob]);
    assert_eq!(texts(&world.whole_history(carol, Chat::Group(group))), ["event 9", "?", "event 8"]);
    assert_eq!(texts(&world.whole_history(bob, Chat::Group(group))), ["amendment 1", "event 9", "?", "event 8"]);
}

#[test]
fn a_message_older_than_the_caller_allows_and_what_is_none_are_refused() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let message = world.send(alice, "bob", "one");
    world.send(bob, "alice", "two");
    let within = |within_ms| {
        let (app, by, what) = (world.app, Actor::User(alice), Amended::Retracted);
        Command::Amend(Amend { app, by, through_server: false, message, what, within_ms: Some(within_ms) })
    };
    let (late, early) = (within(0), within(3_600_000));
    world.now_ms += 1000;
    assert_eq!(world.refusal(late), Refusal::TooLateToAmend);
    let told = told_at(world.answer(early));
    for nothing in [Position(0), told, Position(u64::MAX >> 11)] {
        assert_eq!(world.refusal(retract(&world, alice, nothing)), Refusal::MessageUnknown, "{nothing:?}");
    }
}

#[test]
fn an_amendment_goes_with_its_message_when_retention_cuts_it() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let message = world.send(alice, "bob", "one");
    let told = told_at(world.answer(retract(&world, alice, message)));
    let cut = |below| Command::System(SystemCommand::Cut { app: world.app, class: Class::Chat, below });
    let (first, second) = (cut(told), cut(Position(told.0 + 1)));

    world.answer(first);
    assert_eq!(texts(&world.whole_history(bob, Chat::User(alice))), ["amendment 1"], "its notice stays for its time");
    assert!(world.read().scrub(None, usize::MAX).expect("readable").findings.is_empty());
    world.answer(second);
    assert!(world.whole_history(bob, Chat::User(alice)).is_empty());
    assert_eq!(world.refusal(retract(&world, alice, message)), Refusal::MessageUnknown);
}

#[test]
fn nothing_is_left_of_an_amendment_when_its_app_is_deleted() {
    let mut world = World::new();
    let [alice, _] = world.users(&["alice", "bob"])[..] else { panic!() };
    let message = world.send(alice, "bob", "one");
    world.answer(amend(&world, Actor::User(alice), message, Amended::Edited(Content::text("two"))));
    assert_eq!(world.read().raw_rows(Table::Amendments).expect("readable").len(), 1);

    while world.answer(Command::App(AppCommand::Delete { app: world.app })) == Answer::Continue {}

    for table in [Table::Amendments, Table::Log] {
        assert_eq!(world.read().raw_rows(table).expect("readable"), [], "{table:?}");
    }
    assert_eq!(world.refusal(retract(&world, alice, message)), Refusal::AppUnknown);
}

#[cfg(feature = "simulation")]
mod on_a_disk {
    use anser_storage::disk::crash::CrashDisk;
    use anser_storage::{Damage, Finding, Options, Store};
    use redb::{Database, ReadableTable, TableDefinition};

    use super::*;

    const AMENDMENTS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("amendments");

    fn open(disk: &CrashDisk) -> Store {
        Store::open_on(disk.backend(), Options::default()).expect("the disk is well")
    }

    /// A disk with a message of Alice to Bob that was taken back.
    fn retracted() -> (CrashDisk, World, UserNumber, UserNumber) {
        let disk = CrashDisk::default();
        let mut world = World::on(open(&disk));
        let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
        let message = world.send(alice, "bob", "secret");
        world.answer(retract(&world, alice, message));
        (disk, world, alice, bob)
    }

    #[test]
    fn what_was_taken_back_stays_so_when_the_power_went_before_any_checkpoint() {
        let (disk, world, alice, bob) = retracted();
        let (app, now_ms) = (world.app, world.now_ms);

        disk.restart(&mut || 0);
        drop(world.store);
        let mut world = World { store: open(&disk), app, now_ms };

        for (user, peer) in [(alice, bob), (bob, alice)] {
            assert_eq!(texts(&world.whole_history(user, Chat::User(peer))), ["amendment 1", "?"]);
        }
        let again = world.whole_history(bob, Chat::User(alice))[1].position;
        let repeated = world.answer(retract(&world, alice, again));
        assert!(matches!(repeated, Answer::Amended { is_repeat: true, .. }), "{repeated:?}");
    }

    #[test]
    fn a_scrub_finds_an_amendment_that_is_lost_or_damaged() {
        let lose = |table: &mut redb::Table<'_, &[u8], &[u8]>, key: &[u8]| {
            table.remove(key).expect("the disk is well");
        };
        let damage = |table: &mut redb::Table<'_, &[u8], &[u8]>, key: &[u8]| {
            let mut value = table.get(key).expect("the disk is well").expect("it is there").value().to_vec();
            if let Some(byte) = value.last_mut() {
                *byte ^= 1;
            }
            table.insert(key, &value[..]).expect("the disk is well");
        };
        type Harm = fn(&mut redb::Table<'_, &[u8], &[u8]>, &[u8]);
        for (harm, what) in [(lose as Harm, Damage::Missing), (damage as Harm, Damage::Broken)] {
            let (disk, World { store, app, .. }, alice, bob) = retracted();
            store.shut_down().expect("the disk is well");
            let image = CrashDisk::holding(disk.synced());
            let database = Database::builder().create_with_backend(image.backend()).expect("a whole file");
            let transaction = database.begin_write().expect("the disk is well");
            let key = {
                let mut table = transaction.open_table(AMENDMENTS).expect("the table is there");
                let key = table.first().expect("whole").expect("a row").0.value().to_vec();
                harm(&mut table, &key);
                key
            };
            transaction.commit().expect("the disk is well");
            drop(database);

            let store = open(&image);
            let snapshot = store.reader().snapshot().expect("it is open");
            let findings = crate::common::findings(&snapshot);
            let found = Finding { table: Table::Amendments, key, damage: what };
            assert!(findings.contains(&found), "{findings:?}");
            if what == Damage::Broken {
                let read = snapshot.history(app, bob, &Chat::User(alice), Position(u64::MAX), Position::START, 10);
                assert!(read.is_err(), "the text is not read while nobody knows whether it was taken back");
            }
        }
    }
}
