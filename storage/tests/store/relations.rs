//! What users are to each other and to their groups: blocked, muted, shielded, friends.

use crate::common::{World, texts};
use anser_protocol::ids::GroupId;
use anser_storage::command::*;
use anser_storage::ids::UserNumber;
use anser_storage::outcome::{Answer, Refusal, Relation, Route};
use anser_storage::{Chat, WindowKind};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn block(world: &World, username: &str, others: &[&str]) -> Command {
    Command::People(PeopleCommand::Block {
        by: Actor::Server,
        app: world.app,
        username: username.into(),
        others: names(others),
    })
}

fn unblock(world: &World, username: &str, others: &[&str]) -> Command {
    Command::People(PeopleCommand::Unblock {
        by: Actor::Server,
        app: world.app,
        username: username.into(),
        others: names(others),
    })
}

fn befriend(world: &World, username: &str, others: &[&str]) -> Command {
    Command::People(PeopleCommand::Befriend {
        by: Actor::Server,
        app: world.app,
        username: username.into(),
        others: names(others),
    })
}

fn mute(world: &World, username: &str, change: MuteChange) -> Command {
    Command::People(PeopleCommand::Mute {
        by: Actor::Server,
        app: world.app,
        username: username.into(),
        change: Box::new(change),
    })
}

fn shield(world: &World, username: &str, add: &[GroupId], remove: &[GroupId]) -> Command {
    let (add, remove) = (add.to_vec(), remove.to_vec());
    Command::People(PeopleCommand::Shield { by: Actor::Server, app: world.app, username: username.into(), add, remove })
}

fn unknown(name: &str) -> Refusal {
    Refusal::UserUnknown { username: name.into() }
}

fn already(relation: Relation, name: &str) -> Refusal {
    Refusal::AlreadySo { relation, name: name.into() }
}

fn not_so(relation: Relation, name: &str) -> Refusal {
    Refusal::NotSo { relation, name: name.into() }
}

fn delete(world: &mut World, name: &str) {
    let app = world.app;
    world.answer(Command::People(PeopleCommand::Delete { app, usernames: names(&[name]) }));
    while world.answer(Command::People(PeopleCommand::ClearDeparted { app })) == Answer::Continue {}
}

fn add_admin(world: &mut World, name: &str) {
    let user = NewUser { username: name.into(), is_admin: true, ..NewUser::default() };
    world.answer(Command::User(UserCommand::Register { app: world.app, users: vec![user] }));
}

fn blocked(world: &World, user: UserNumber) -> Vec<String> {
    let blocked = world.read().blocked(world.app, user).expect("whole");
    blocked.into_iter().map(|user| user.username).collect()
}

#[test]
fn who_is_blocked_cannot_send_to_the_single_chat_and_everything_else_goes_on() {
    let mut world = World::new();
    let [ann, bob] = world.users(&["ann", "bob"])[..] else { panic!("two users") };
    add_admin(&mut world, "boss");
    let group = world.group("ann", &["bob"]);
    let phone = world.device("phone");
    let command = block(&world, "ann", &["bob"]);
    world.answer(command);
    assert_eq!(world.send_from_device(bob, phone, 1, "ann", "hi").answer, Err(Refusal::Blocked));
    let by_server = world.send_command(bob, Origin::Server { as_admin: false }, Target::User("ann".into()), "hi");
    assert_eq!(world.refusal(by_server), Refusal::Blocked);
    assert!(world.whole_history(ann, Chat::User(bob)).is_empty());
    world.send(ann, "bob", "I may");
    world.send_to_group(bob, group, "to all");
    let by_admin = world.send_command(bob, Origin::Server { as_admin: true }, Target::User("ann".into()), "by law");
    world.answer(by_admin);
    let command = unblock(&world, "ann", &["bob"]);
    world.answer(command);
    world.send_from_device(bob, phone, 2, "ann", "again").answer.expect("accepted");
    assert_eq!(world.findings(), []);
}

#[test]
fn a_blacklist_changes_as_a_whole_or_not_at_all() {
    let mut world = World::new();
    let ann = world.users(&["ann", "bob", "carol", "dave"])[0];
    add_admin(&mut world, "boss");
    let command = block(&world, "ann", &["bob", "carol"]);
    world.answer(command);
    for (others, refusal) in [
        (["dave", "ghost"], unknown("ghost")),
        (["dave", "bob"], already(Relation::Blocked, "bob")),
        (["dave", "boss"], Refusal::AdminProtected { username: "boss".into() }),
        (["dave", "ann"], Refusal::OneSelf),
    ] {
        let command = block(&world, "ann", &others);
        assert_eq!(world.refusal(command), refusal);
    }
    let command = unblock(&world, "ann", &["bob", "dave"]);
    assert_eq!(world.refusal(command), not_so(Relation::Blocked, "dave"));
    assert_eq!(blocked(&world, ann), ["bob", "carol"]);
    let command = unblock(&world, "ann", &["bob"]);
    world.answer(command);
    assert_eq!(blocked(&world, ann), ["carol"]);
}

#[test]
fn a_blacklist_holds_a_thousand() {
    let mut world = World::new();
    world.user("ann");
    let many: Vec<String> = (0..1001).map(|number| format!("user{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for part in many.chunks(500) {
        world.users(part);
    }
    for part in many[..1000].chunks(500) {
        let command = block(&world, "ann", part);
        world.answer(command);
    }
    let command = block(&world, "ann", &["user1000"]);
    let full = Refusal::TooManyRelations { relation: Relation::Blocked, username: "ann".into() };
    assert_eq!(world.refusal(command), full);
}

#[test]
fn chats_are_muted_one_by_one_or_all_together() {
    let mut world = World::new();
    let [ann, bob, carol] = world.users(&["ann", "bob", "carol"])[..] else { panic!("three users") };
    let group = world.group("bob", &["ann"]);
    let is_muted = |world: &World, chat| world.read().is_muted(world.app, ann, chat).expect("whole");
    let change = MuteChange { add_users: names(&["bob"]), add_groups: vec![group], ..MuteChange::default() };
    let command = mute(&world, "ann", change);
    world.answer(command);
    assert!(is_muted(&world, Chat::User(bob)) && is_muted(&world, Chat::Group(group)));
    assert!(!is_muted(&world, Chat::User(carol)));

    let change = MuteChange { remove_users: names(&["bob"]), everything: Some(true), ..MuteChange::default() };
    let command = mute(&world, "ann", change);
    world.answer(command);
    assert!(is_muted(&world, Chat::User(carol)));
    let again = mute(&world, "ann", MuteChange { everything: Some(true), ..MuteChange::default() });
    assert_eq!(world.refusal(again), already(Relation::MutedEverything, ""));
    let off = mute(&world, "ann", MuteChange { everything: Some(false), ..MuteChange::default() });
    world.answer(off.clone());
    world.answer(off);
    assert!(!is_muted(&world, Chat::User(bob)) && is_muted(&world, Chat::Group(group)));
    assert_eq!(world.findings(), []);

    world.answer(Command::Group(GroupCommand::Leave { app: world.app, user: ann, group }));
    assert!(!is_muted(&world, Chat::Group(group)));
}

#[test]
fn what_cannot_be_muted_changes_nothing() {
    let mut world = World::new();
    let [ann, bob, _carol] = world.users(&["ann", "bob", "carol"])[..] else { panic!("three users") };
    let (own, foreign) = (world.group("ann", &[]), world.group("bob", &[]));
    let first = MuteChange { add_users: names(&["bob"]), add_groups: vec![own], ..MuteChange::default() };
    let command = mute(&world, "ann", first);
    world.answer(command);
    let add = |users: &[&str], groups: &[GroupId]| MuteChange {
        add_users: names(users),
        add_groups: groups.to_vec(),
        ..MuteChange::default()
    };
    let remove = |users: &[&str], groups: &[GroupId]| MuteChange {
        remove_users: names(users),
        remove_groups: groups.to_vec(),
        everything: Some(true),
        ..MuteChange::default()
    };
    for (change, refusal) in [
        (add(&["carol", "bob"], &[]), already(Relation::MutedUser, "bob")),
        (add(&["carol", "ghost"], &[]), unknown("ghost")),
        (add(&["carol"], &[own]), already(Relation::MutedGroup, &own.0.to_string())),
        (add(&["carol"], &[foreign]), Refusal::NotAMember),
        (add(&["carol"], &[GroupId(1)]), Refusal::GroupUnknown),
        (remove(&["bob", "carol"], &[]), not_so(Relation::MutedUser, "carol")),
        (remove(&["bob"], &[own, own]), not_so(Relation::MutedGroup, &own.0.to_string())),
    ] {
        let command = mute(&world, "ann", change);
        assert_eq!(world.refusal(command), refusal);
    }
    let read = world.read();
    assert!(read.is_muted(world.app, ann, Chat::User(bob)).expect("whole"));
    assert!(!read.is_muted(world.app, bob, Chat::User(ann)).expect("whole"));
}

/// Those to whom the last record goes.
fn receivers(world: &mut World, command: Command) -> Vec<UserNumber> {
    let outcome = world.apply(command);
    outcome.answer.expect("accepted");
    let Some(Route::Group { members, .. }) = outcome.appended.last().map(|appended| appended.route.clone()) else {
        panic!("nothing goes to a group")
    };
    members.to_vec()
}

fn to_group(world: &World, from: UserNumber, group: GroupId, text: &str) -> Command {
    world.send_command(from, Origin::Server { as_admin: false }, Target::Group(group), text)
}

#[test]
fn who_shields_a_group_gets_its_events_only_until_that_ends() {
    let mut world = World::new();
    let [ann, bob, carol] = world.users(&["ann", "bob", "carol"])[..] else { panic!("three users") };
    let group = world.group("bob", &["ann"]);
    world.send_to_group(bob, group, "before");

    let command = shield(&world, "ann", &[group], &[]);
    world.answer(command);

    let message = to_group(&world, bob, group, "while shielded");
    assert_eq!(receivers(&mut world, message), [bob]);
    let (app, by, members) = (world.app, Actor::Server, names(&["carol"]));
    let event = Command::Group(GroupCommand::Add { app, by, group, members });
    assert_eq!(receivers(&mut world, event), [ann, bob, carol]);
    let conversation = world.read().catch_up(app, ann, anser_protocol::ids::Position::START, 10).expect("whole");
    assert_eq!(conversation[0].windows.last().map(|window| window.kind), Some(WindowKind::EventsOnly));

    let command = shield(&world, "ann", &[], &[group]);
    world.answer(command);

    let message = to_group(&world, bob, group, "after");
    assert_eq!(receivers(&mut world, message), [ann, bob, carol]);
    let seen = texts(&world.whole_history(ann, Chat::Group(group)));
    assert!(seen.contains(&"before".to_owned()) && seen.contains(&"after".to_owned()), "{seen:?}");
    assert!(!seen.contains(&"while shielded".to_owned()), "{seen:?}");
    assert_eq!(world.findings(), []);
}

#[test]
fn a_shield_that_is_taken_up_and_put_down_again_leaves_no_trace() {
    let mut world = World::new();
    let ann = world.user("ann");
    let group = world.group("ann", &[]);
    let windows = |world: &World| {
        let rows = world.read().catch_up(world.app, ann, anser_protocol::ids::Position::START, 0).expect("whole");
        rows[0].windows.clone()
    };
    let before = windows(&world);
    for _ in 0..100 {
        for command in [shield(&world, "ann", &[group], &[]), shield(&world, "ann", &[], &[group])] {
            world.answer(command);
        }
    }
    let up_and_down = shield(&world, "ann", &[group], &[group]);
    world.answer(up_and_down);
    assert_eq!(windows(&world), before);
}

#[test]
fn what_cannot_be_shielded_is_refused_and_a_shield_ends_with_the_membership() {
    let mut world = World::new();
    let [ann, bob] = world.users(&["ann", "bob"])[..] else { panic!("two users") };
    let (own, foreign) = (world.group("bob", &["ann"]), world.group("bob", &[]));
    for (add, remove, refusal) in [
        (vec![own, GroupId(1)], vec![], Refusal::GroupUnknown),
        (vec![own, foreign], vec![], Refusal::NotAMember),
        (vec![], vec![own], not_so(Relation::Shielded, &own.0.to_string())),
        (vec![own, own], vec![], already(Relation::Shielded, &own.0.to_string())),
    ] {
        let command = shield(&world, "ann", &add, &remove);
        assert_eq!(world.refusal(command), refusal);
    }
    let command = shield(&world, "ann", &[own], &[]);
    world.answer(command);
    world.answer(Command::Group(GroupCommand::Leave { app: world.app, user: ann, group: own }));
    let (app, by, members) = (world.app, Actor::Server, names(&["ann"]));
    world.answer(Command::Group(GroupCommand::Add { app, by, group: own, members }));
    let message = to_group(&world, bob, own, "welcome back");
    assert_eq!(receivers(&mut world, message), [ann, bob]);
    assert_eq!(world.findings(), []);
}

#[test]
fn acquaintances_are_friends_then_partners_of_single_chats_then_members_and_never_more_than_asked_for() {
    let mut world = World::new();
    let [ann, bob, carol, dave, _stranger] = world.users(&["ann", "bob", "carol", "dave", "eve"])[..] else {
        panic!("five users")
    };
    let group = world.group("bob", &["ann"]);
    let command = befriend(&world, "ann", &["dave"]);
    world.answer(command);
    world.send(carol, "ann", "hello");
    let app = world.app;
    let acquaintances = |world: &World, user, limit| {
        world.read().acquaintances(app, user, limit).expect("whole").into_iter().collect::<Vec<_>>()
    };
    assert_eq!(acquaintances(&world, ann, 100), [bob, carol, dave]);
    assert_eq!(acquaintances(&world, ann, 2), [carol, dave]);
    assert_eq!(acquaintances(&world, ann, 1), [dave]);
    assert_eq!(acquaintances(&world, dave, 100), [ann]);

    let (by, members) = (Actor::Server, vec!["ann".to_owned()]);
    world.answer(Command::Group(GroupCommand::Remove { app, by, group, members }));
    assert_eq!(acquaintances(&world, ann, 100), [carol, dave]);
}

#[test]
fn friends_are_friends_of_each_other_and_notes_are_of_one_side() {
    let mut world = World::new();
    let [ann, bob, _carol] = world.users(&["ann", "bob", "carol"])[..] else { panic!("three users") };
    let command = befriend(&world, "ann", &["bob", "carol"]);
    world.answer(command);
    let note = |username: &str, note_name: Option<&str>, others: Option<&str>| FriendNote {
        username: username.into(),
        note_name: note_name.map(str::to_owned),
        others: others.map(str::to_owned),
    };
    let app = world.app;
    let write = |notes: Vec<FriendNote>| {
        Command::People(PeopleCommand::NoteFriends { by: Actor::Server, app, username: "ann".into(), notes })
    };
    world.answer(write(vec![note("bob", Some("Bobby"), None), note("bob", None, Some("from school"))]));
    let friends = |world: &World, user| {
        let friends = world.read().friends(app, user).expect("whole");
        friends.into_iter().map(|it| (it.user.username, it.note_name, it.others)).collect::<Vec<_>>()
    };
    let row = |name: &str, note: &str, others: &str| (name.to_owned(), note.to_owned(), others.to_owned());
    assert_eq!(friends(&world, ann), [row("bob", "Bobby", "from school"), row("carol", "", "")]);
    assert_eq!(friends(&world, bob), [row("ann", "", "")]);

    let again = befriend(&world, "bob", &["carol", "ann"]);
    assert_eq!(world.refusal(again), already(Relation::Friend, "ann"));
    let with_oneself = befriend(&world, "bob", &["bob"]);
    assert_eq!(world.refusal(with_oneself), Refusal::OneSelf);
    world.user("dave");
    assert_eq!(world.refusal(write(vec![note("dave", None, None)])), not_so(Relation::Friend, "dave"));

    let others = names(&["ann"]);
    world.answer(Command::People(PeopleCommand::Unfriend {
        by: Actor::Server,
        app,
        username: "bob".into(),
        others: others.clone(),
    }));
    assert_eq!(friends(&world, ann), [row("carol", "", "")]);
    let gone = Command::People(PeopleCommand::Unfriend { by: Actor::Server, app, username: "bob".into(), others });
    assert_eq!(world.refusal(gone), not_so(Relation::Friend, "ann"));
    assert_eq!(world.findings(), []);
}

#[test]
fn a_deleted_user_is_gone_from_the_lists_of_others() {
    let mut world = World::new();
    let [ann, bob, carol] = world.users(&["ann", "bob", "carol"])[..] else { panic!("three users") };
    for command in [
        block(&world, "ann", &["bob"]),
        block(&world, "bob", &["carol"]),
        befriend(&world, "ann", &["bob"]),
        mute(&world, "carol", MuteChange { add_users: names(&["bob"]), ..MuteChange::default() }),
    ] {
        world.answer(command);
    }
    delete(&mut world, "bob");
    let read = world.read();
    assert_eq!(blocked(&world, ann), [""; 0]);
    assert_eq!(read.friends(world.app, ann).expect("whole"), []);
    assert!(!read.is_muted(world.app, carol, Chat::User(bob)).expect("whole"));
    assert_eq!(world.findings(), []);
}

#[test]
fn an_app_may_forbid_its_devices_to_register_users() {
    let mut world = World::new();
    let app = world.app;
    let register = |name: &str| {
        let user = Box::new(NewUser { username: name.into(), ..NewUser::default() });
        Command::People(PeopleCommand::RegisterSelf { app, user })
    };
    world.answer(register("ann"));
    world.answer(Command::People(PeopleCommand::SetRegistration { app, is_open: false }));
    assert!(!world.read().is_registration_open(app).expect("whole"));
    assert_eq!(world.refusal(register("bob")), Refusal::RegistrationClosed);
    world.user("bob");
    world.answer(Command::People(PeopleCommand::SetRegistration { app, is_open: true }));
    world.answer(register("carol"));
}
