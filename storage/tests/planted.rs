//! Each fault that can be planted in the storage shows, or the tests that must find it would prove nothing.

#![cfg(all(feature = "planted", feature = "simulation"))]

mod common;

use anser_protocol::content::Platform;
use anser_protocol::ids::Position;
use anser_protocol::planted::{Fault, plant};
use anser_storage::command::*;
use anser_storage::disk::crash::CrashDisk;
use anser_storage::outcome::Answer;
use anser_storage::{Chat, Options, Store};
use common::pushes::{DAY_MS, strings};
use common::{World, sent, texts};

/// The switch is one for the whole process, so one test goes through them all.
#[test]
fn planted_faults_of_the_storage_show() {
    let cases: [(Fault, fn() -> bool); 13] = [
        (Fault::NoDeduplication, a_repeated_send_is_doubled),
        (Fault::AnswerBeforeCommit, an_answered_send_is_lost_with_the_power),
        (Fault::NoHeadReplay, history_is_cut_short_after_a_crash),
        (Fault::WrongPrev, history_has_a_hole),
        (Fault::WindowIgnored, a_joiner_reads_what_was_before),
        (Fault::NoStartJump, a_start_leaves_no_gap),
        (Fault::BroadcastToEverybody, a_broadcast_reaches_others),
        (Fault::Overtaking, a_refused_send_comes_after_a_later_one),
        (Fault::WindowTooEarly, a_joiner_reads_what_was_before),
        (Fault::ReleasedTwice, a_push_waits_twice),
        (Fault::ExpiredDelivered, an_expired_push_waits),
        (Fault::NoRestoreJump, a_restored_backup_leaves_no_gap),
        (Fault::TokenOutlivesLogout, a_token_is_good_after_the_logout),
    ];
    for (fault, shows) in cases {
        plant(None);
        assert!(!shows(), "{fault:?} shows though it is off");
        plant(Some(fault));
        assert!(shows(), "{fault:?} does not show");
    }
    plant(None);
}

fn a_repeated_send_is_doubled() -> bool {
    let mut world = World::new();
    let ann = world.users(&["ann", "bob"])[0];
    let device = world.device("rid");
    let mut send = || sent(world.send_from_device(ann, device, 1, "bob", "once").answer.expect("accepted")).0;
    send() != send()
}

fn an_answered_send_is_lost_with_the_power() -> bool {
    let disk = CrashDisk::default();
    let mut world = World::on(Store::open_on(disk.backend(), Options::default()).expect("the disk is well"));
    world.user("ann");
    let answered = world.store.end();
    disk.restart(&mut || 0);
    match Store::open_on(disk.backend(), Options::default()) {
        Ok(store) => {
            store.end() < answered
                || store
                    .reader()
                    .snapshot()
                    .is_ok_and(|it| it.user_by_name(world.app, "ann").is_ok_and(|ann| ann.is_none()))
        }
        Err(_) => true,
    }
}

fn chat_of_three() -> (CrashDisk, World, Chat, anser_storage::ids::UserNumber) {
    let disk = CrashDisk::default();
    let mut world = World::on(Store::open_on(disk.backend(), Options::default()).expect("the disk is well"));
    let [ann, bob] = world.users(&["ann", "bob"])[..] else { panic!("two users") };
    for text in ["1", "2", "3"] {
        world.send(ann, "bob", text);
    }
    (disk, world, Chat::User(ann), bob)
}

fn history_is_cut_short_after_a_crash() -> bool {
    let (disk, mut world, chat, bob) = chat_of_three();
    disk.restart(&mut || 0);
    world.store = Store::open_on(disk.backend(), Options::default()).expect("the disk is well");
    texts(&world.whole_history(bob, chat)) != ["3", "2", "1"]
}

fn history_has_a_hole() -> bool {
    let (_disk, world, chat, bob) = chat_of_three();
    texts(&world.whole_history(bob, chat)) != ["3", "2", "1"]
}

fn a_joiner_reads_what_was_before() -> bool {
    let mut world = World::new();
    let [ann, bob] = world.users(&["ann", "bob"])[..] else { panic!("two users") };
    let create = GroupCommand::Create {
        app: world.app,
        by: Actor::Server,
        owner: "ann".into(),
        name: "walkers".into(),
        description: String::new(),
        avatar: String::new(),
        is_public: false,
        members_max: None,
        members: Vec::new(),
    };
    let Answer::Group(group) = world.answer(Command::Group(create)) else { panic!("a group") };
    world.send_to_group(ann, group, "before");
    let (app, by, members) = (world.app, Actor::Server, strings(&["bob"]));
    world.answer(Command::Group(GroupCommand::Add { app, by, group, members }));
    texts(&world.whole_history(bob, Chat::Group(group))).contains(&"before".to_owned())
}

fn a_start_leaves_no_gap() -> bool {
    let mut world = World::new();
    let before = world.store.end();
    world.answer(Command::System(SystemCommand::Start));
    world.store.end() == before
}

fn a_broadcast_reaches_others() -> bool {
    let mut world = World::new();
    let devices: Vec<_> = (0..70).map(|number| world.device(&format!("rid{number}"))).collect();
    world.tag(devices[0], &["not me"]);
    let all_but_one = Selection { tag_not: strings(&["not me"]), ..Selection::default() };
    world.push(Audience::Selected(all_but_one));
    !world.waiting(devices[0], Position::START, 5).is_empty()
}

fn a_refused_send_comes_after_a_later_one() -> bool {
    let mut world = World::new();
    let ann = world.users(&["ann", "bob"])[0];
    let device = world.device("rid");
    for outbox in [1, 3] {
        world.send_from_device(ann, device, outbox, "bob", "taken").answer.expect("accepted");
    }
    world.send_from_device(ann, device, 2, "bob", "refused before").answer.is_ok()
}

fn a_push_waits_twice() -> bool {
    let mut world = World::new();
    let device = world.device("rid");
    world.push(Audience::All);
    world.waiting(device, Position::START, 5).len() > 1
}

fn an_expired_push_waits() -> bool {
    let mut world = World::new();
    let device = world.device("rid");
    world.push(Audience::All);
    let (read, week) = (world.read(), world.now_ms + 7 * DAY_MS);
    let waiting = read.pending_pushes(world.app, device, Platform::ANDROID, Position::START, week, 5);
    !waiting.expect("whole").is_empty()
}

fn a_restored_backup_leaves_no_gap() -> bool {
    let mut world = World::new();
    let before = world.store.end();
    world.answer(Command::System(SystemCommand::Restored));
    world.store.end() == before
}

fn a_token_is_good_after_the_logout() -> bool {
    let mut world = World::new();
    let ann = world.user("ann");
    let (app, device, token_hash) = (world.app, world.device("rid"), [7; 32]);
    let password = world.read().user(app, ann).expect("whole").expect("she is known").password;
    let log_in =
        UserCommand::LogIn { app, user: ann, device, token_hash, expires_ms: u64::MAX, password, others_max: u32::MAX };
    world.answer(Command::User(log_in));
    world.answer(Command::User(UserCommand::LogOut { app, token_hash }));
    world.read().token(app, &token_hash).expect("whole").is_some()
}
