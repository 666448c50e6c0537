//! Groups: who may do what, and who sees which part of the chain.

use crate::common::{World, texts};
use anser_protocol::content::GroupEventKind;
use anser_protocol::ids::{GroupId, Position};
use anser_storage::Chat;
use anser_storage::command::{Actor, Command, GroupCommand, Origin, Target};
use anser_storage::ids::UserNumber;
use anser_storage::outcome::{Answer, MessageBody, Refusal, Route};

fn create(world: &mut World, owner: &str, members: &[&str]) -> GroupId {
    match world.answer(create_command(world, Actor::Server, owner, members)) {
        Answer::Group(group) => group,
        other => panic!("{other:?}"),
    }
}

fn create_command(world: &World, by: Actor, owner: &str, members: &[&str]) -> Command {
    Command::Group(GroupCommand::Create {
        app: world.app,
        by,
        owner: owner.into(),
        name: "walkers".into(),
        description: String::new(),
        avatar: String::new(),
        is_public: false,
        members_max: None,
        members: names(members),
    })
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).into()).collect()
}

fn add(world: &World, by: Actor, group: GroupId, members: &[&str]) -> Command {
    Command::Group(GroupCommand::Add { app: world.app, by, group, members: names(members) })
}

fn remove(world: &World, by: Actor, group: GroupId, members: &[&str]) -> Command {
    Command::Group(GroupCommand::Remove { app: world.app, by, group, members: names(members) })
}

fn leave(world: &World, user: UserNumber, group: GroupId) -> Command {
    Command::Group(GroupCommand::Leave { app: world.app, user, group })
}

fn send_as(world: &World, user: UserNumber, as_admin: bool, group: GroupId) -> Command {
    world.send_command(user, Origin::Server { as_admin }, Target::Group(group), "hello")
}

fn members(world: &World, group: GroupId) -> Vec<(String, bool)> {
    let members = world.read().group_members(world.app, group).expect("whole");
    members.into_iter().map(|member| (member.username.to_string(), member.is_owner)).collect()
}

#[test]
fn a_new_group_has_its_owner_first_and_no_doubles() {
    let mut world = World::new();
    world.users(&["alice", "bob", "carol"]);
    let group = create(&mut world, "alice", &["carol", "alice", "bob", "carol"]);
    assert_eq!(group, GroupId::FIRST);
    assert_eq!(members(&world, group), [("alice".into(), true), ("carol".into(), false), ("bob".into(), false)]);
    assert_eq!(create(&mut world, "bob", &[]), GroupId(GroupId::FIRST.0 + 1));
}

#[test]
fn a_joiner_sees_the_chain_from_the_joining_on() {
    let mut world = World::new();
    let [alice, _, carol] = world.users(&["alice", "bob", "carol"])[..] else { panic!() };
    let group = create(&mut world, "alice", &["bob"]);
    world.send_to_group(alice, group, "before");
    world.answer(add(&world, Actor::User(alice), group, &["carol"]));
    world.send_to_group(alice, group, "after");
    assert_eq!(texts(&world.whole_history(carol, Chat::Group(group))), ["after", "event 10"]);
    assert_eq!(texts(&world.whole_history(alice, Chat::Group(group))), ["after", "event 10", "before", "event 8"]);
}

#[test]
fn a_leaver_still_gets_the_record_that_says_so_and_nothing_later() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let group = create(&mut world, "alice", &["bob"]);
    world.send_to_group(alice, group, "hello");
    let cursor = world.read().end();
    world.answer(leave(&world, bob, group));
    world.send_to_group(alice, group, "gone?");

    let rows = world.read().catch_up(world.app, bob, cursor, 10).expect("whole");
    assert_eq!(rows.len(), 1);
    assert_eq!(texts(&rows[0].newest), ["event 9"]);
    assert!(!rows[0].windows[0].is_open());
    let end = world.read().end();
    world.send_to_group(alice, group, "again");
    assert_eq!(world.read().catch_up(world.app, bob, end, 10).expect("whole"), []);
    assert_eq!(world.refusal(send_as(&world, bob, false, group)), Refusal::NotAMember);
    assert!(world.read().groups_of_user(world.app, bob).expect("whole").is_empty());
}

#[test]
fn who_comes_back_does_not_see_what_was_said_in_between() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let group = create(&mut world, "alice", &["bob"]);
    world.send_to_group(alice, group, "one");
    world.answer(remove(&world, Actor::User(alice), group, &["bob"]));
    for n in 0..20 {
        world.send_to_group(alice, group, &format!("hidden {n}"));
    }
    world.answer(add(&world, Actor::Server, group, &["bob"]));
    world.send_to_group(bob, group, "back");

    let seen = texts(&world.whole_history(bob, Chat::Group(group)));
    assert_eq!(seen, ["back", "event 10", "event 11", "one", "event 8"]);
    let rows = world.read().catch_up(world.app, bob, Position::START, 10).expect("whole");
    assert_eq!(texts(&rows[0].newest), seen);
}

#[test]
fn an_event_names_who_did_it_and_whom_it_concerns() {
    let mut world = World::new();
    let alice = world.user("alice");
    world.users(&["bob", "carol"]);
    let group = create(&mut world, "alice", &["bob"]);
    let outcome = world.apply(add(&world, Actor::User(alice), group, &["carol"]));
    let [appended] = &outcome.appended[..] else { panic!("{outcome:?}") };
    let Route::Group { message, change, from: None, .. } = &appended.route else { panic!("{outcome:?}") };
    let MessageBody::Event(event) = &message.body else { panic!("{message:?}") };
    assert_eq!(event.kind, GroupEventKind::ADDED);
    assert_eq!((event.by.as_str(), &event.users[..]), ("alice", &["carol".to_string()][..]));
    assert_eq!(change.joined.len(), 1);
}

#[test]
fn a_leaving_owner_passes_the_group_on_to_the_oldest_member() {
    let mut world = World::new();
    let [alice, _, carol] = world.users(&["alice", "bob", "carol"])[..] else { panic!() };
    let group = create(&mut world, "alice", &["carol", "bob"]);
    world.answer(leave(&world, alice, group));
    assert_eq!(members(&world, group), [("carol".into(), true), ("bob".into(), false)]);
    let last = &world.whole_history(carol, Chat::Group(group))[0];
    let MessageBody::Event(event) = &last.message.body else { panic!() };
    assert_eq!(event.new_owner, "carol");
}

#[test]
fn a_group_without_members_is_dissolved() {
    let mut world = World::new();
    let alice = world.user("alice");
    let group = create(&mut world, "alice", &[]);
    world.answer(leave(&world, alice, group));
    assert_eq!(world.read().group(world.app, group).expect("whole"), None);
    assert_eq!(world.refusal(send_as(&world, alice, true, group)), Refusal::GroupUnknown);
}

#[test]
fn dissolving_tells_everybody_and_ends_everything() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let group = create(&mut world, "alice", &["bob"]);
    let dissolve = |by| Command::Group(GroupCommand::Dissolve { app: world.app, by, group });
    let (by_bob, by_alice) = (dissolve(Actor::User(bob)), dissolve(Actor::User(alice)));
    assert_eq!(world.refusal(by_bob), Refusal::NotTheOwner);
    world.answer(by_alice);
    assert_eq!(texts(&world.whole_history(bob, Chat::Group(group))), ["event 69", "event 8"]);
    let rows = world.read().catch_up(world.app, bob, Position::START, 1).expect("whole");
    assert_eq!(rows[0].name, "walkers", "the nameplate stays");
    assert_eq!(world.refusal(send_as(&world, alice, false, group)), Refusal::GroupUnknown);
}

#[test]
fn changes_are_refused_as_a_whole_and_leave_nothing_behind() {
    let mut world = World::new();
    let [alice, bob, _, dave] = world.users(&["alice", "bob", "carol", "dave"])[..] else { panic!() };
    let group = create(&mut world, "alice", &["bob"]);
    let before = world.store.content_hash().expect("the disk is well");
    let unregistered = |name: &str| Refusal::UserUnknown { username: name.into() };
    let unknown = |name: &str| Refusal::MemberUnknown { username: name.into() };

    let cases = [
        (create_command(&world, Actor::Server, "nobody", &[]), unregistered("nobody")),
        (create_command(&world, Actor::User(bob), "alice", &[]), Refusal::NotTheOwner),
        (add(&world, Actor::Server, group, &["carol", "nobody"]), unregistered("nobody")),
        (add(&world, Actor::Server, group, &["carol", "bob"]), Refusal::AlreadyAMember { username: "bob".into() }),
        (add(&world, Actor::User(dave), group, &["carol"]), Refusal::NotAMember),
        (remove(&world, Actor::User(bob), group, &["alice"]), Refusal::NotTheOwner),
        (remove(&world, Actor::User(alice), group, &["bob", "carol"]), unknown("carol")),
        (remove(&world, Actor::User(alice), group, &["bob", "bob", "carol"]), unknown("carol")),
        (leave(&world, dave, group), Refusal::NotAMember),
        (add(&world, Actor::Server, GroupId(5), &["carol"]), Refusal::GroupUnknown),
    ];
    for (command, refusal) in cases {
        world.now_ms -= 1;
        assert_eq!(world.refusal(command), refusal);
    }
    assert_eq!(world.store.content_hash().expect("the disk is well"), before);
}

#[test]
fn who_is_named_twice_is_added_and_removed_once() {
    let mut world = World::new();
    world.users(&["alice", "bob", "carol"]);
    let group = create(&mut world, "alice", &["carol"]);
    world.answer(add(&world, Actor::Server, group, &["bob", "bob"]));
    assert_eq!(members(&world, group), ["alice", "carol", "bob"].map(|name| (name.into(), name == "alice")));

    world.answer(remove(&world, Actor::Server, group, &["bob", "carol", "bob"]));

    assert_eq!(members(&world, group), [("alice".into(), true)]);
    assert_eq!(world.read().group(world.app, group).expect("whole").map(|group| group.members), Some(1));
}

#[test]
fn a_group_takes_no_more_members_than_its_limit() {
    let mut world = World::new();
    let everybody: Vec<String> = (0..501).map(|n| format!("user{n}")).collect();
    for part in everybody.chunks(500) {
        world.users(&part.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let members: Vec<&str> = everybody[1..500].iter().map(String::as_str).collect();
    let group = create(&mut world, "user0", &members);
    assert_eq!(world.refusal(add(&world, Actor::Server, group, &["user500"])), Refusal::GroupFull);
    assert_eq!(world.read().members_sorted(world.app, group).expect("whole").len(), 500);
}

#[test]
fn an_admin_writes_to_a_group_from_outside() {
    let mut world = World::new();
    let [_, admin] = world.users(&["alice", "admin"])[..] else { panic!() };
    let group = create(&mut world, "alice", &[]);
    world.answer(send_as(&world, admin, true, group));
    assert_eq!(world.refusal(send_as(&world, admin, false, group)), Refusal::NotAMember);
    assert_eq!(world.read().catch_up(world.app, admin, Position::START, 5).expect("whole"), []);
}

#[test]
fn a_groups_record_names_exactly_those_who_may_see_it() {
    let mut world = World::new();
    let [alice, bob, carol] = world.users(&["alice", "bob", "carol"])[..] else { panic!("three users") };
    let group = create(&mut world, "alice", &["bob"]);
    let told = |world: &mut World, command| match &world.apply(command).appended[..] {
        [appended] => match &appended.route {
            Route::Group { members, .. } => members.to_vec(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let hello = |world: &World| send_as(world, alice, false, group);

    let command = hello(&world);
    assert_eq!(told(&mut world, command), [alice, bob]);
    let command = add(&world, Actor::Server, group, &["carol"]);
    assert_eq!(told(&mut world, command), [alice, bob, carol], "who joins is told");
    let command = leave(&world, bob, group);
    assert_eq!(told(&mut world, command), [alice, bob, carol], "who leaves is told");
    let command = hello(&world);
    assert_eq!(told(&mut world, command), [alice, carol]);
}
