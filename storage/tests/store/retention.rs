//! What goes with time: old log, by class, in slices; tokens; and the apps that are deleted.

use crate::common::pushes::*;
use crate::common::{World, sent, texts};
use anser_protocol::ids::Position;
use anser_storage::command::*;
use anser_storage::ids::DeviceNumber;
use anser_storage::outcome::{Answer, Outcome, Refusal};
use anser_storage::{Chat, Options, Store};

const START: Position = Position::START;

fn cut(world: &mut World, class: Class, below: Position) -> Answer {
    world.answer(Command::System(SystemCommand::Cut { app: world.app, class, below }))
}

#[test]
fn history_ends_at_the_floor() {
    let mut world = World::new();
    let [ann, bob] = world.users(&["ann", "bob"])[..] else { panic!("two users") };
    let positions: Vec<Position> = (1..=5).map(|number| world.send(ann, "bob", &number.to_string())).collect();

    cut(&mut world, Class::Chat, positions[2]);

    assert_eq!(texts(&world.whole_history(bob, Chat::User(ann))), ["5", "4", "3"]);
}

#[test]
fn a_cut_takes_one_class_of_one_app_only() {
    let mut world = World::new();
    let device = world.device("rid");
    let [ann, bob] = world.users(&["ann", "bob"])[..] else { panic!("two users") };
    world.send(ann, "bob", "kept");
    let push = world.push(Audience::All);

    cut(&mut world, Class::Room, Position(u64::MAX));
    let other = world.create_app("another");
    world.answer(Command::System(SystemCommand::Cut { app: other, class: Class::Chat, below: Position(u64::MAX) }));

    assert_eq!(texts(&world.whole_history(bob, Chat::User(ann))), ["kept"]);
    assert_eq!(world.waiting(device, START, 5), [push]);
}

#[test]
fn a_long_cut_goes_in_slices_each_of_which_leaves_a_whole_log() {
    let mut world = World::new();
    let [ann, bob] = world.users(&["ann", "bob"])[..] else { panic!("two users") };
    let target = Target::User("bob".into());
    let send = world.send_command(ann, Origin::Server { as_admin: false }, target, "again");
    let commands: Vec<Stamped> = (0..10_050).map(|_| Stamped { at_ms: world.now_ms, command: send.clone() }).collect();
    world.store.apply(&commands).expect("the disk is well");
    let end = world.store.end();

    assert_eq!(cut(&mut world, Class::Chat, end), Answer::Continue);
    assert_eq!(world.whole_history(bob, Chat::User(ann)).len(), 50);
    assert_eq!(cut(&mut world, Class::Chat, end), Answer::Done);
    assert_eq!(world.whole_history(bob, Chat::User(ann)).len(), 1);
}

#[test]
fn a_chain_goes_on_counting_though_all_of_it_was_cut_before_a_checkpoint() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let open = || Store::open(folder.path(), Options::default()).expect("it opens");
    let mut world = World::on(open());
    let [ann, bob] = world.users(&["ann", "bob"])[..] else { panic!("two users") };
    let device = world.device("rid");
    sent(world.send_from_device(ann, device, 7, "bob", "old").answer.expect("it is accepted"));
    cut(&mut world, Class::Chat, Position(u64::MAX));

    // When it is opened again, no record is left from which the heads could be recovered.
    drop(world.store);
    world.store = open();

    assert_eq!(world.send_from_device(ann, device, 7, "bob", "old").answer, Err(Refusal::OutboxTooOld));
    world.send(ann, "bob", "new");
    let history = world.whole_history(bob, Chat::User(ann));
    assert_eq!(texts(&history), ["new"]);
    assert_eq!(history[0].message.seq, 2);
}

#[test]
fn a_send_whose_first_answer_was_cut_is_refused_rather_than_doubled() {
    let mut world = World::new();
    let ann = world.users(&["ann", "bob"])[0];
    let device = world.device("rid");
    sent(world.send_from_device(ann, device, 1, "bob", "once").answer.expect("it is accepted"));
    cut(&mut world, Class::Chat, Position(u64::MAX));

    let again = world.send_from_device(ann, device, 1, "bob", "once");

    assert_eq!(again.answer, Err(Refusal::OutboxTooOld));
    assert!(world.send_from_device(ann, device, 2, "bob", "next").answer.is_ok());
}

#[test]
fn a_token_goes_when_its_time_is_over_and_a_newer_one_of_the_same_device_stays() {
    let mut world = World::new();
    let (ann, device) = (world.user("ann"), world.device("rid"));
    let log_in = |world: &mut World, hash: u8, expires_ms| {
        let (app, user, password) = (world.app, ann, String::new());
        let token_hash = [hash; 32];
        world.answer(Command::User(UserCommand::LogIn {
            app,
            user,
            device,
            token_hash,
            expires_ms,
            password,
            others_max: u32::MAX,
        }));
    };
    let soon = world.now_ms + 1000;
    log_in(&mut world, 1, soon);
    log_in(&mut world, 2, soon + DAY_MS);

    assert_eq!(world.read().token(world.app, &[1; 32]).expect("nothing is damaged"), None, "the second login ended it");
    world.now_ms = soon + 1;
    world.expire();
    assert!(world.read().token(world.app, &[2; 32]).expect("nothing is damaged").is_some());
    world.now_ms += DAY_MS;
    world.expire();
    assert_eq!(world.read().token(world.app, &[2; 32]).expect("nothing is damaged"), None);
}

#[test]
fn cursors_only_move_forward() {
    let mut world = World::new();
    let (ann, device) = (world.user("ann"), world.device("rid"));
    let mark = |world: &mut World, position: u64| {
        let (app, user, position) = (world.app, ann, Position(position));
        world.answer(Command::Mark(MarkCommand::ChatCursor { app, user, device, position }));
        world.answer(Command::Mark(MarkCommand::PushCursor { app, device, position }));
    };
    let read = |world: &World| {
        let snapshot = world.read();
        let chat = snapshot.chat_cursor(world.app, ann, device).expect("nothing is damaged");
        (chat, snapshot.push_cursor(world.app, device).expect("nothing is damaged"))
    };

    assert_eq!(read(&world), (None, None));
    for (marked, stands) in [(5, 5), (9, 9), (7, 9)] {
        mark(&mut world, marked);
        assert_eq!(read(&world), (Some(Position(stands)), Some(Position(stands))));
    }
}

#[test]
fn a_deleted_app_is_gone_at_once_and_its_rows_go_in_slices() {
    let mut world = World::new();
    let before = world.read().row_counts().expect("nothing is damaged");
    let doomed = world.create_app("doomed");
    world.app = doomed;
    let [ann, ..] = world.users(&["ann", "bob"])[..] else { panic!("two users") };
    let devices: Vec<DeviceNumber> = (0..200).map(|number| world.device(&format!("rid{number}"))).collect();
    for device in &devices {
        world.tag(*device, &["a", "b", "c", "d", "e"]);
        world.alias(*device, &format!("alias{}", device.0));
        world.send_from_device(ann, *device, 1, "bob", "hello");
    }
    let push = world.push(Audience::All);
    world.received(devices[0], &[push]);
    // Deleted, and not cleared up behind yet.
    world.answer(Command::Label(LabelCommand::DeleteTag { app: doomed, tag: "c".into() }));
    let desk = LabelCommand::SetTestDevice { app: doomed, device: devices[0], name: "desk".into(), must_be_one: false };
    world.answer(Command::Label(desk));

    let delete = Command::App(AppCommand::Delete { app: doomed });
    assert_eq!(world.answer(delete.clone()), Answer::Continue);
    assert_eq!(world.read().app_by_key("key of doomed").expect("nothing is damaged"), None);
    assert_eq!(world.refusal(world.submit(Audience::All, |_| {})), Refusal::AppUnknown);
    let another = world.create_app("doomed");
    assert_ne!(another, doomed, "the name is free, the number is not");

    let mut slices = 0;
    while world.answer(delete.clone()) == Answer::Continue {
        slices += 1;
    }
    assert!(slices >= 1, "200 devices have more than 1,000 rows");
    assert_eq!(world.refusal(delete), Refusal::AppUnknown);

    // Nothing is left but the numbers that were handed out.
    world.now_ms += 60 * DAY_MS;
    world.expire();
    while world.apply(Command::App(AppCommand::Delete { app: another })).answer == Ok(Answer::Continue) {}
    world.store.checkpoint().expect("the disk is well");
    assert_eq!(world.read().row_counts().expect("nothing is damaged"), before);
}

#[test]
fn a_disk_that_lost_its_tail_hands_out_no_position_twice() {
    // Given two stores that share their beginning; the second is what an old backup or a lost tail leaves of the first,
    let history = |sends: usize| {
        let mut world = World::new();
        let ann = world.users(&["ann", "bob"])[0];
        let positions: Vec<Position> = (0..sends).map(|number| world.send(ann, "bob", &number.to_string())).collect();
        (world, ann, positions)
    };
    let (_, _, seen) = history(500);
    let (mut world, ann, kept) = history(20);

    // when the daemon starts on it,
    world.answer(Command::System(SystemCommand::Start));
    let next = world.send(ann, "bob", "new");

    // then what it hands out lies above all that a client may have seen,
    assert!(next > seen[499] && kept[19] < seen[499]);
    // and one that stands ahead gets what is new.
    let bob = world.read().user_by_name(world.app, "bob").expect("nothing is damaged").expect("he is there").0;
    let changed = world.read().catch_up(world.app, bob, seen[499], 5).expect("nothing is damaged");
    assert_eq!(texts(&changed[0].newest), ["new"]);
}

#[test]
fn a_restored_backup_jumps_further_than_days_of_messages() {
    let mut world = World::new();
    let before = world.store.end();

    world.answer(Command::System(SystemCommand::Restored));

    assert!(world.store.end().0 >= before.0 + (1 << 32));
}

#[test]
fn after_a_restart_without_a_checkpoint_everything_is_there() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let open = || Store::open(folder.path(), Options::default()).expect("it opens");
    let mut world = World::on(open());
    let [ann, bob] = world.users(&["ann", "bob"])[..] else { panic!("two users") };
    let device = world.device("rid");
    for number in 1..=3 {
        world.send_from_device(ann, device, number, "bob", &number.to_string());
    }
    let before: Vec<Outcome> = vec![world.send_from_device(ann, device, 2, "bob", "2")];
    drop(world.store);

    world.store = open();

    assert_eq!(texts(&world.whole_history(bob, Chat::User(ann))), ["3", "2", "1"]);
    assert_eq!(vec![world.send_from_device(ann, device, 2, "bob", "2")], before);
}
