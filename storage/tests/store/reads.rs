//! What users have read: marks, unread messages, and receipts with who has read.

use std::sync::Arc;

use crate::common::{World, sent};
use anser_protocol::content::{Content, NoticeKind};
use anser_protocol::ids::{GroupId, Position};
use anser_protocol::options::SendOptions;
#[cfg(feature = "simulation")]
use anser_storage::Table;
use anser_storage::command::*;
use anser_storage::ids::{DeviceNumber, UserNumber};
use anser_storage::outcome::{MessageBody, Outcome, Route};
use anser_storage::{Chat, Readers, Unread, Viewer};

const PHONE: DeviceNumber = DeviceNumber(0);

fn read_to(world: &mut World, user: UserNumber, chat: Target, position: Position) -> Outcome {
    let (app, marks) = (world.app, vec![(chat, position)]);
    world.apply(Command::Mark(MarkCommand::Read { app, user, device: PHONE, marks }))
}

fn read_messages(world: &mut World, user: UserNumber, messages: &[Position]) -> Outcome {
    let (app, messages) = (world.app, messages.to_vec());
    world.apply(Command::Mark(MarkCommand::ReadMessages { app, user, messages }))
}

fn send(world: &mut World, from: UserNumber, target: Target, options: &SendOptions) -> Position {
    let (app, origin) = (world.app, Origin::Server { as_admin: false });
    let content = options.add_to(Content::text("hi"));
    sent(world.answer(Command::Send(Send { app, from, origin, target, content }))).0
}

fn with_receipt() -> SendOptions {
    SendOptions { needs_receipt: true, ..SendOptions::default() }
}

fn to(name: &str) -> Target {
    Target::User(name.into())
}

fn unread(world: &World, user: UserNumber, chat: Chat) -> u32 {
    world.read().unread(world.app, user, &chat).expect("whole")
}

fn mark_of(world: &World, user: UserNumber, since: Position) -> Option<Position> {
    let rows = world.read().catch_up(world.app, user, since, 1).expect("whole");
    rows.first().map(|row| row.read_mark)
}

/// The message and how many have not read it, as its sender is told.
fn told(outcome: &Outcome) -> Vec<(UserNumber, Position, u32)> {
    let routes = outcome.appended.iter().map(|appended| &appended.route);
    let receipts = routes.filter_map(|route| match route {
        Route::Receipts { user, receipts } => Some((user, receipts)),
        _ => None,
    });
    receipts.flat_map(|(user, all)| all.iter().map(|state| (*user, state.message, state.unread))).collect()
}

fn names(list: &[Arc<str>]) -> Vec<&str> {
    list.iter().map(|name| &**name).collect()
}

#[test]
fn a_mark_moves_forward_only_and_stops_at_the_newest_record() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let first = world.send(alice, "bob", "one");
    let second = world.send(alice, "bob", "two");

    read_to(&mut world, bob, to("alice"), second);
    read_to(&mut world, bob, to("alice"), first);
    assert_eq!(mark_of(&world, bob, Position::START), Some(second));

    let third = world.send(alice, "bob", "three");
    read_to(&mut world, bob, to("alice"), Position(u64::MAX));
    assert_eq!(mark_of(&world, bob, Position::START), Some(third));
    assert_eq!(mark_of(&world, alice, Position::START), Some(Position::START), "hers is her own");
}

#[test]
fn the_users_other_devices_are_told_of_a_mark_live_and_when_they_return() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let message = world.send(alice, "bob", "one");
    let since = world.read().end();
    assert_eq!(mark_of(&world, bob, since), None, "nothing changed");

    let outcome = read_to(&mut world, bob, to("alice"), message);

    let [appended] = &outcome.appended[..] else { panic!("{outcome:?}") };
    let Route::Read { user, by, marks } = &appended.route else { panic!("{appended:?}") };
    assert_eq!((*user, *by), (bob, PHONE));
    assert_eq!((marks[0].chat, &*marks[0].name, marks[0].position), (Chat::User(alice), "alice", message));
    assert!(appended.position > since, "it has a place of its own");
    assert_eq!(mark_of(&world, bob, since), Some(message));
    assert_eq!(mark_of(&world, bob, world.read().end()), None, "a device that was told is not told again");
}

#[test]
fn a_mark_that_is_repeated_and_one_of_a_chat_that_is_not_the_users_change_nothing() {
    let mut world = World::new();
    let [alice, bob, carol] = world.users(&["alice", "bob", "carol"])[..] else { panic!() };
    let group = world.group("alice", &["bob"]);
    let message = world.send(alice, "bob", "one");
    read_to(&mut world, bob, to("alice"), message);

    for (user, chat) in [(bob, to("alice")), (carol, to("alice")), (carol, Target::Group(group)), (bob, to("nobody"))] {
        let outcome = read_to(&mut world, user, chat, message);
        assert!(outcome.appended.is_empty(), "{outcome:?}");
    }
    assert_eq!(world.read().catch_up(world.app, carol, Position::START, 1).expect("whole"), []);
    assert_eq!(mark_of(&world, bob, Position::START), Some(message));
}

#[test]
fn what_others_wrote_above_the_mark_is_unread_by_its_weight() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let group = world.group("alice", &["bob"]);
    let counting = |count| SendOptions { count, ..SendOptions::default() };
    let read = send(&mut world, alice, Target::Group(group), &counting(1));
    send(&mut world, alice, Target::Group(group), &counting(5));
    send(&mut world, alice, Target::Group(group), &counting(0));
    let gone = send(&mut world, alice, Target::Group(group), &counting(1));
    send(&mut world, bob, Target::Group(group), &counting(1));
    let chat = Chat::Group(group);
    assert_eq!(unread(&world, bob, chat), 7, "not the group's event, not his own");

    read_to(&mut world, bob, Target::Group(group), read);
    assert_eq!(unread(&world, bob, chat), 6);

    let (app, by) = (world.app, Actor::User(alice));
    let what = Amended::Retracted;
    world.answer(Command::Amend(Amend { app, by, through_server: false, message: gone, what, within_ms: None }));
    assert_eq!(unread(&world, bob, chat), 5, "what was taken back is not unread");
    assert_eq!(unread(&world, alice, chat), 1, "bob's");
    read_to(&mut world, bob, Target::Group(group), Position(u64::MAX));
    assert_eq!(unread(&world, bob, chat), 0);
    assert_eq!(unread(&world, bob, Chat::Group(GroupId(5))), 0, "no such chat");
}

#[test]
fn a_message_for_those_who_are_connected_is_unread_only_where_it_came() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let live_only = SendOptions { no_offline: true, ..SendOptions::default() };
    let message = send(&mut world, alice, to("bob"), &live_only);

    assert_eq!(unread(&world, bob, Chat::User(alice)), 0);
    let present = Viewer { user: bob, present_since: Position(message.0 - 1) };
    assert_eq!(world.read().unread(world.app, present, &Chat::User(alice)).expect("whole"), 1);
}

#[test]
fn a_chat_is_counted_up_to_a_thousand() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let most = SendOptions { count: 999, ..SendOptions::default() };
    send(&mut world, alice, to("bob"), &most);
    assert_eq!(unread(&world, bob, Chat::User(alice)), 999);
    send(&mut world, alice, to("bob"), &most);
    assert_eq!(unread(&world, bob, Chat::User(alice)), 1000);
}

#[test]
fn the_total_is_also_known_without_what_is_muted() {
    let mut world = World::new();
    let [alice, bob, carol] = world.users(&["alice", "bob", "carol"])[..] else { panic!() };
    let group = world.group("alice", &["bob"]);
    world.send(alice, "bob", "one");
    world.send(carol, "bob", "two");
    world.send_to_group(alice, group, "three");
    let total = |world: &World| world.read().unread_in_all(world.app, bob).expect("whole");
    assert_eq!(total(&world), Unread { total: 3, loud: 3 });

    let mut mute = |add_users: &[&str], add_groups: &[GroupId], everything| {
        let add_users = add_users.iter().map(|name| (*name).to_owned()).collect();
        let change = MuteChange { add_users, add_groups: add_groups.to_vec(), everything, ..MuteChange::default() };
        let (app, by, username) = (world.app, Actor::Server, "bob".to_owned());
        world.answer(Command::People(PeopleCommand::Mute { app, by, username, change: Box::new(change) }));
        total(&world)
    };
    assert_eq!(mute(&["carol"], &[], None), Unread { total: 3, loud: 2 });
    assert_eq!(mute(&[], &[group], None), Unread { total: 3, loud: 1 });
    assert_eq!(mute(&[], &[], Some(true)), Unread { total: 3, loud: 0 });
}

#[test]
fn the_sender_is_told_how_many_have_not_read_and_each_reader_counts_once() {
    let mut world = World::new();
    let [alice, bob, carol] = world.users(&["alice", "bob", "carol"])[..] else { panic!() };
    let (app, origin, target) = (world.app, Origin::Server { as_admin: false }, to("bob"));
    let content = with_receipt().add_to(Content::text("read me"));
    let outcome = world.apply(Command::Send(Send { app, from: alice, origin, target, content }));
    let message = outcome.appended[0].position;
    assert_eq!(told(&outcome), [(alice, message, 1)]);

    assert_eq!(told(&read_messages(&mut world, carol, &[message])), [], "it was not for her");
    assert_eq!(told(&read_messages(&mut world, alice, &[message])), [], "nor for its sender");
    let outcome = read_messages(&mut world, bob, &[message]);
    assert_eq!(told(&outcome), [(alice, message, 0)]);
    let notice = outcome.appended.iter().find_map(|appended| match &appended.route {
        Route::Notice { user, message, .. } if *user == bob => Some(Arc::clone(message)),
        _ => None,
    });
    let MessageBody::Notice(notice) = &notice.expect("his other devices are told").body else { panic!() };
    assert_eq!((notice.kind, notice.read_messages()), (NoticeKind::OWN_READS, vec![message]));

    let again = read_messages(&mut world, bob, &[message]);
    assert!(again.answer.is_ok() && again.appended.is_empty(), "{again:?}");
    assert_eq!(world.findings(), []);
}

#[test]
fn in_a_group_those_count_who_were_given_the_message() {
    let mut world = World::new();
    let [alice, bob, _, dave] = world.users(&["alice", "bob", "carol", "dave"])[..] else { panic!() };
    let group = world.group("alice", &["bob", "carol"]);
    let message = send(&mut world, alice, Target::Group(group), &with_receipt());
    let plain = send(&mut world, alice, Target::Group(group), &SendOptions::default());
    let (app, by) = (world.app, Actor::Server);
    world.answer(Command::Group(GroupCommand::Add { app, by, group, members: vec!["dave".into()] }));
    world.answer(Command::Group(GroupCommand::Remove { app, by, group, members: vec!["carol".into()] }));

    assert_eq!(told(&read_messages(&mut world, dave, &[message])), [], "he came later");
    assert_eq!(told(&read_messages(&mut world, bob, &[plain, message])), [(alice, message, 1)]);

    let readers = |user, message| world.read().readers(app, user, message).expect("whole");
    let Readers::Known { read, unread } = readers(alice, message) else { panic!() };
    assert_eq!((names(&read), names(&unread)), (vec!["bob"], vec!["carol"]));
    assert_eq!(readers(bob, message), Readers::NotTheSender);
    assert_eq!(readers(dave, message), Readers::Unknown, "he may not see that there is one");
    assert_eq!(readers(alice, plain), Readers::NotAsked);
    assert_eq!(readers(alice, Position(3)), Readers::Unknown);
}

#[test]
fn a_sender_who_was_away_is_told_the_present_numbers_in_parts() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let messages: Vec<Position> = (0..5).map(|_| send(&mut world, alice, to("bob"), &with_receipt())).collect();
    let since = world.read().end();
    let page = |world: &World, since, limit| {
        let page = world.read().receipts_since(world.app, alice, since, limit).expect("whole");
        let numbers: Vec<_> = page.receipts.iter().map(|state| (state.message, state.unread)).collect();
        (numbers, page.next)
    };
    assert_eq!(page(&world, since, 9), (vec![], None));

    read_messages(&mut world, bob, &messages[2..4]);
    read_messages(&mut world, bob, &messages[..1]);

    let (first, next) = page(&world, since, 1);
    assert_eq!(first, [(messages[2], 0), (messages[3], 0)], "what changed at once stays together");
    assert_eq!(page(&world, next.expect("there is more"), 1), (vec![(messages[0], 0)], None));
    let all = page(&world, Position::START, 9).0;
    assert_eq!(all.len(), 5, "each once: {all:?}");
    assert_eq!(world.read().receipts_since(world.app, bob, Position::START, 9).expect("whole").receipts, []);
}

#[cfg(feature = "simulation")]
#[test]
fn receipts_end_with_their_message() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let [old, erased, kept] = [0; 3].map(|_| send(&mut world, alice, to("bob"), &with_receipt()));
    read_messages(&mut world, bob, &[old, erased]);
    let rows = |world: &World| {
        [Table::Receipts, Table::ReceiptReaders, Table::ReceiptNews]
            .map(|table| world.read().raw_rows(table).expect("readable").len())
    };
    assert_eq!(rows(&world), [3, 3, 3]);

    let (app, by, what) = (world.app, Actor::Server, Amended::Erased);
    world.answer(Command::Amend(Amend { app, by, through_server: false, message: erased, what, within_ms: None }));
    assert_eq!(rows(&world), [2, 2, 2]);
    assert_eq!(world.read().readers(app, alice, erased).expect("whole"), Readers::NotAsked);

    world.answer(Command::System(SystemCommand::Cut { app, class: Class::Chat, below: kept }));
    assert_eq!(rows(&world), [1, 1, 1]);
    assert_eq!(world.read().readers(app, alice, old).expect("whole"), Readers::Unknown);
    assert_eq!(world.findings(), []);
}

#[cfg(feature = "simulation")]
#[test]
fn a_message_without_receipt_costs_no_row_more() {
    let mut world = World::new();
    let alice = world.users(&["alice", "bob"])[0];
    world.send(alice, "bob", "plain");
    send(&mut world, alice, to("alice"), &with_receipt());
    assert!(world.read().raw_rows(Table::Receipts).expect("readable").is_empty(), "nobody else could read that");
}
