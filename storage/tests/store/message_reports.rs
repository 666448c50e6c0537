//! Reports over messages: which lie in a time, who sent them, and what happened hour by hour.

use std::ops::Range;

use crate::common::{T0, World};
use anser_protocol::content::Platform;
use anser_protocol::ids::{Position, TimeMs};
use anser_storage::command::*;
use anser_storage::ids::UserNumber;
use anser_storage::outcome::Answer;
use anser_storage::{FoundMessages, HourSet, Messages, ReportTarget, Stretch};

const HOUR_MS: TimeMs = 3_600_000;
const ALL_TIME: Range<TimeMs> = 0..u64::MAX;

fn texts(world: &World, positions: &[Position]) -> Vec<String> {
    let told = world.read().report_messages(world.app, positions).expect("whole");
    told.iter().map(|message| message.content.as_text().unwrap_or("?").to_owned()).collect()
}

fn everything(world: &World, messages: Messages) -> Vec<Position> {
    let snapshot = world.read();
    let mut range = snapshot.positions_between(world.app, ALL_TIME).expect("whole");
    let mut all = Vec::new();
    loop {
        let found = snapshot.find_messages(world.app, messages, range.clone(), 2).expect("whole");
        all.extend(found.positions);
        match found.next {
            Some(next) => range.start = next,
            None => return all,
        }
    }
}

fn stretches(world: &World, times: Range<TimeMs>, user: Option<UserNumber>) -> Vec<Stretch> {
    let snapshot = world.read();
    let range = snapshot.positions_between(world.app, times.clone()).expect("whole");
    snapshot.stretches(world.app, &times, &range, user).expect("whole")
}

/// What the stretches say, and what a look at every record says.
fn counted_both_ways(world: &World, times: Range<TimeMs>) -> (u64, u64) {
    let snapshot = world.read();
    let count = |range: &Range<Position>| {
        snapshot.find_messages(world.app, Messages::All, range.clone(), 1000).expect("whole").positions.len() as u64
    };
    let stretches = stretches(world, times.clone(), None);
    let by_hours = stretches.iter().map(|part| part.messages.unwrap_or_else(|| count(&part.range))).sum();
    (by_hours, count(&snapshot.positions_between(world.app, times).expect("whole")))
}

#[test]
fn messages_are_found_in_order_and_events_and_amendments_are_none() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let group = world.group("alice", &["bob"]);
    let first = world.send(alice, "bob", "one");
    world.send_to_group(bob, group, "two");
    world.answer(Command::Amend(Amend {
        through_server: false,
        app: world.app,
        by: Actor::Server,
        message: first,
        what: Amended::Retracted,
        within_ms: None,
    }));
    world.send(bob, "alice", "three");
    let all = everything(&world, Messages::All);
    assert_eq!(texts(&world, &all), ["one", "two", "three"], "what was taken back stays as it was sent");
    assert_eq!(texts(&world, &everything(&world, Messages::ToManyFrom(bob))), ["two"]);
    assert!(everything(&world, Messages::ToManyFrom(alice)).is_empty());

    let told = world.read().report_messages(world.app, &all).expect("whole");
    assert_eq!(told[1].to, ReportTarget::Group(group));
    assert_eq!((told[0].from.username.as_str(), told[0].platform), ("alice", None));
}

#[test]
fn what_a_device_sent_says_on_which_platform() {
    let mut world = World::new();
    let alice = world.user("alice");
    world.user("bob");
    let phone = world.device_on("a phone", Platform::IOS);
    world.send_from_device(alice, phone, 1, "bob", "hi").answer.expect("accepted");
    let told = world.read().report_messages(world.app, &everything(&world, Messages::All)).expect("whole");
    assert_eq!(told[0].platform, Some(Platform::IOS));
}

#[test]
fn times_are_bounds_with_their_begin_and_without_their_end() {
    let mut world = World::new();
    let alice = world.user("alice");
    world.user("bob");
    let mut sent = Vec::new();
    for hour in 1..4 {
        world.now_ms = T0 + hour * HOUR_MS - 1;
        sent.push(world.send(alice, "bob", "on the hour"));
    }
    let between = |times: Range<TimeMs>| {
        let snapshot = world.read();
        let range = snapshot.positions_between(world.app, times).expect("whole");
        snapshot.find_messages(world.app, Messages::All, range, 10).expect("whole").positions
    };
    assert_eq!(between(T0 + HOUR_MS..T0 + 3 * HOUR_MS), sent[..2]);
    assert_eq!(between(T0 + HOUR_MS + 1..T0 + 3 * HOUR_MS + 1), sent[1..]);
    assert!(between(T0 + 3 * HOUR_MS + 1..u64::MAX).is_empty());
    assert!(between(0..T0).is_empty());
}

#[test]
fn hours_that_lie_in_the_range_are_not_walked_and_the_count_is_the_same() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let group = world.group("alice", &["bob"]);
    for hour in 0..6 {
        world.now_ms = T0 + hour * HOUR_MS;
        for _ in 0..=hour {
            world.send(alice, "bob", "to one");
            world.send_to_group(bob, group, "to many");
        }
    }
    for (from, to) in [(0, 6), (1, 4), (2, 3), (5, 9)] {
        let times = T0 + from * HOUR_MS + 3..T0 + to * HOUR_MS + 4;
        let (by_hours, by_records) = counted_both_ways(&world, times);
        assert_eq!(by_hours, by_records, "from hour {from} to {to}");
        assert!(by_records > 0);
    }
    let known = stretches(&world, ALL_TIME, None).iter().filter(|part| part.messages.is_some()).count();
    assert_eq!(known, 6, "each hour is known whole");

    let below = world.send(alice, "bob", "the floor lies in the last hour");
    world.answer(Command::System(SystemCommand::Cut { app: world.app, class: Class::Chat, below }));
    assert_eq!(counted_both_ways(&world, ALL_TIME), (1, 1), "what was cut is not counted");
}

#[test]
fn hours_in_which_a_user_sent_nothing_are_left_out() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let group = world.group("alice", &["bob"]);
    for hour in 0..4 {
        world.now_ms = T0 + hour * HOUR_MS;
        let from = if hour == 2 { bob } else { alice };
        world.send_to_group(from, group, "to many");
    }
    let of_bob = stretches(&world, ALL_TIME, Some(bob));
    let looked_at = of_bob.iter().filter(|part| {
        let found = world.read().find_messages(world.app, Messages::All, part.range.clone(), 10).expect("whole");
        !found.positions.is_empty()
    });
    assert_eq!(looked_at.count(), 1);
}

#[test]
fn a_chain_is_walked_back_in_a_range_and_ends_where_retention_has_cut_it() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let sent: Vec<Position> = (0..5).map(|_| world.send(alice, "bob", "x")).collect();
    world.send(bob, "bob", "a note");
    let chains = world.read().single_chats_since(world.app, alice, Position::START).expect("whole");
    let [chain] = chains[..] else { panic!("{chains:?}") };
    let walk = |world: &World, range: Range<Position>| {
        world.read().walk_chain(world.app, Class::Chat, chain, &range, None).expect("whole")
    };
    let found = walk(&world, sent[1]..sent[4]);
    assert_eq!(found, FoundMessages { positions: vec![sent[3], sent[2], sent[1]], next: None });
    assert!(world.read().single_chats_since(world.app, alice, Position(sent[4].0 + 1)).expect("whole").is_empty());

    world.answer(Command::System(SystemCommand::Cut { app: world.app, class: Class::Chat, below: sent[3] }));
    assert_eq!(walk(&world, Position::START..Position(u64::MAX)).positions, [sent[4], sent[3]]);
}

#[test]
fn an_hour_counts_messages_by_kind_users_and_groups() {
    let mut world = World::new();
    let [alice, bob, carol] = world.users(&["alice", "bob", "carol"])[..] else { panic!() };
    let (kept, dissolved) = (world.group("alice", &["bob"]), world.group("alice", &["bob"]));
    world.send(alice, "bob", "hi");
    world.send(alice, "bob", "there");
    world.send_to_group(bob, kept, "all");
    world.answer(Command::Group(GroupCommand::Dissolve { app: world.app, by: Actor::Server, group: dissolved }));
    world.answer(Command::People(PeopleCommand::Delete { app: world.app, usernames: vec!["carol".into()] }));
    let seen = MarkCommand::LoggedIn { app: world.app, seen_ms: world.now_ms, users: vec![alice, carol] };
    world.answer(Command::Mark(seen));

    let hour = u32::try_from(T0 / HOUR_MS).expect("small");
    let hours = hour..hour + 1;
    let snapshot = world.read();
    let counts = snapshot.hour_counts(world.app, hours.clone()).expect("whole");
    assert_eq!((counts.single.text, counts.single.total()), (2, 2));
    assert_eq!((counts.group.text, counts.group.total(), counts.room), (1, 1, 0));
    assert_eq!((counts.new_users, counts.gone_users), (3, 1));
    assert_eq!((counts.new_groups, counts.gone_groups), (2, 1));
    let distinct = |set| snapshot.count_in_hours(world.app, set, hours.clone()).expect("whole");
    let sets = [HourSet::Senders, HourSet::RoomSenders, HourSet::LoggedIn, HourSet::ActiveGroups];
    assert_eq!(sets.map(distinct), [2, 0, 2, 1]);
    assert_eq!(snapshot.user_total(world.app).expect("whole"), 2);
    assert_eq!(snapshot.group_total(world.app).expect("whole"), 1);
}

#[test]
fn a_repeated_send_counts_once_and_counts_go_after_their_time() {
    let mut world = World::new();
    let alice = world.user("alice");
    world.user("bob");
    let phone = world.device("a phone");
    for _ in 0..2 {
        world.send_from_device(alice, phone, 1, "bob", "hi").answer.expect("accepted");
    }
    let hour = u32::try_from(T0 / HOUR_MS).expect("small");
    let count = |world: &World| world.read().hour_counts(world.app, hour..hour + 1).expect("whole").single.total();
    assert_eq!(count(&world), 1);
    world.now_ms += 62 * 24 * HOUR_MS;
    while world.answer(Command::System(SystemCommand::CutPresence { app: world.app })) == Answer::Continue {}
    assert_eq!(count(&world), 1);
    world.now_ms += 2 * 24 * HOUR_MS;
    while world.answer(Command::System(SystemCommand::CutPresence { app: world.app })) == Answer::Continue {}
    assert_eq!(count(&world), 0);
    assert!(world.findings().is_empty());
}

#[test]
fn a_number_that_a_device_sent_is_known_and_others_are_not() {
    let mut world = World::new();
    let alice = world.user("alice");
    world.user("bob");
    let phone = world.device("a phone");
    for outbox in [1, 3] {
        world.send_from_device(alice, phone, outbox, "bob", "hi").answer.expect("accepted");
    }
    let is_sent = |outbox| world.read().is_sent(world.app, phone, outbox).expect("whole");
    assert_eq!([0, 1, 2, 3, 4].map(is_sent), [false, true, false, true, false]);
}

#[test]
fn how_far_a_server_was_told_only_moves_forward_until_it_is_forgotten() {
    let mut world = World::new();
    let app = world.app;
    let told = |world: &World| world.read().told_up_to(app).expect("whole");
    assert_eq!(told(&world), None);
    for next in [5, 9, 7] {
        world.answer(Command::Told(ToldCommand::Advance { app, next: Position(next) }));
    }
    assert_eq!(told(&world), Some(Position(9)));
    world.answer(Command::Told(ToldCommand::Forget { app }));
    assert_eq!(told(&world), None);
}

#[test]
fn what_a_deleted_app_counted_goes_with_it() {
    let mut world = World::new();
    let alice = world.user("alice");
    world.user("bob");
    world.send(alice, "bob", "hi");
    let app = world.app;
    while world.answer(Command::App(AppCommand::Delete { app })) == Answer::Continue {}
    let hour = u32::try_from(T0 / HOUR_MS).expect("small");
    let snapshot = world.read();
    assert_eq!(snapshot.hour_counts(app, hour..hour + 2).expect("whole"), Default::default());
    assert_eq!(snapshot.count_in_hours(app, HourSet::Senders, hour..hour + 2).expect("whole"), 0);
}
