//! Chat rooms: who is inside, who may speak, and what is left of a room or a user that goes.

use crate::common::{World, sent, texts};
use anser_protocol::ids::{Position, RoomId};
use anser_protocol::room::RoomEventKind;
use anser_storage::Role;
use anser_storage::command::*;
use anser_storage::ids::UserNumber;
use anser_storage::outcome::{Answer, Refusal, RoomNews, RoomRefusal, Route};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn refused(refusal: RoomRefusal) -> Refusal {
    Refusal::Room(refusal)
}

fn named(name: &str) -> String {
    name.to_owned()
}

fn add(world: &World, room: RoomId, users: &[&str]) -> Command {
    Command::Room(RoomCommand::Add { app: world.app, room, members: names(users), is_part: false })
}

fn remove(world: &World, room: RoomId, users: &[&str]) -> Command {
    Command::Room(RoomCommand::Remove { app: world.app, room, members: names(users), is_part: false })
}

fn enter(world: &World, room: RoomId, user: UserNumber) -> Command {
    Command::Room(RoomCommand::Enter { app: world.app, room, user })
}

fn leave(world: &World, room: RoomId, user: UserNumber) -> Command {
    Command::Room(RoomCommand::Leave { app: world.app, room, user })
}

fn say(world: &World, from: UserNumber, room: RoomId) -> Command {
    world.send_command(from, Origin::Server { as_admin: false }, Target::Room(room), "hi")
}

fn members(world: &World, room: RoomId) -> Vec<String> {
    let page = world.read().room_member_page(world.app, room, 0, 500, world.now_ms).expect("whole");
    let page = page.expect("there is such a room");
    assert_eq!(page.total, page.members.len() as u64);
    page.members.into_iter().map(|member| member.user.username).collect()
}

/// The newest texts of a room, oldest first.
fn said(world: &World, room: RoomId, limit: usize) -> Vec<String> {
    let read = world.read();
    let row = read.room(world.app, room).expect("whole").expect("there is such a room");
    let positions = read.room_latest(world.app, &row, Position::START, limit).expect("whole");
    let records: Vec<_> =
        positions.iter().filter_map(|position| read.room_record(world.app, *position).expect("whole")).collect();
    texts(&records)
}

#[test]
fn members_come_and_go_in_the_order_in_which_they_joined() {
    let mut world = World::new();
    let [_ann, bob, carol, _dave] = world.users(&["ann", "bob", "carol", "dave"])[..] else { panic!("four users") };
    let room = world.room("ann", &["bob", "ann", "bob"]);
    assert!(room.0 >= 10_000_000);
    assert_eq!(members(&world, room), ["ann", "bob"]);
    world.enter_room(carol, room);
    world.enter_room(carol, room);
    let command = leave(&world, room, bob);
    world.answer(command);
    let command = add(&world, room, &["dave", "bob"]);
    let outcome = world.apply(command);
    assert!(matches!(&outcome.appended[0].route,
        Route::Room { news: RoomNews::Added(users), .. } if users.len() == 2));
    assert_eq!(members(&world, room), ["ann", "carol", "dave", "bob"]);
    let page = world.read().room_member_page(world.app, room, 1, 2, world.now_ms).expect("whole").expect("a room");
    let page: Vec<_> = page.members.into_iter().map(|member| member.user.username).collect();
    assert_eq!(page, ["carol", "dave"]);
    let rooms = world.read().rooms_of_user(world.app, carol).expect("whole");
    assert_eq!(rooms.iter().map(|(id, room)| (*id, room.members)).collect::<Vec<_>>(), [(room, 4)]);
    assert_eq!(world.findings(), []);
}

#[test]
fn what_cannot_be_done_changes_nothing() {
    let mut world = World::new();
    let [ann, bob] = world.users(&["ann", "bob"])[..] else { panic!("two users") };
    let room = world.room("ann", &["bob"]);
    let ghost = refused(RoomRefusal::UserUnknown { username: named("ghost") });
    let unknown = refused(RoomRefusal::Unknown);
    let other = RoomId(1);
    for (command, refusal) in [
        (Command::Room(crate::common::rooms::create(world.app, "ghost", &[])), ghost.clone()),
        (Command::Room(crate::common::rooms::create(world.app, "ann", &["ghost"])), ghost.clone()),
        (add(&world, room, &["bob"]), refused(RoomRefusal::AlreadyInside { username: named("bob") })),
        (add(&world, room, &["ghost"]), ghost.clone()),
        (add(&world, other, &["bob"]), unknown.clone()),
        (remove(&world, room, &["bob", "ann"]), refused(RoomRefusal::OwnerStays)),
        (remove(&world, room, &["bob", "ghost"]), ghost),
        (leave(&world, room, ann), refused(RoomRefusal::OwnerStays)),
        (leave(&world, other, bob), unknown.clone()),
        (enter(&world, other, bob), unknown.clone()),
        (say(&world, bob, other), unknown),
    ] {
        let described = format!("{command:?}");
        assert_eq!(world.refusal(command), refusal, "{described}");
    }
    assert_eq!(members(&world, room), ["ann", "bob"]);
    let command = leave(&world, room, bob);
    world.answer(command.clone());
    let outside = refused(RoomRefusal::NotInside { username: named("bob") });
    assert_eq!(world.refusal(command), outside);
    let command = remove(&world, room, &["bob"]);
    assert_eq!(world.refusal(command), outside);
    assert_eq!(world.findings(), []);
}

#[test]
fn a_part_of_a_longer_call_passes_over_what_others_did_meanwhile() {
    let mut world = World::new();
    world.users(&["ann", "bob", "carol"]);
    let room = world.room("ann", &["bob"]);
    let part = |members: &[&str], app| RoomCommand::Add { app, room, members: names(members), is_part: true };
    let app = world.app;
    world.answer(Command::Room(part(&["bob", "ghost", "carol"], app)));
    assert_eq!(members(&world, room), ["ann", "bob", "carol"]);
    let part = RoomCommand::Remove { app, room, members: names(&["ghost", "carol", "carol"]), is_part: true };
    world.answer(Command::Room(part));
    assert_eq!(members(&world, room), ["ann", "bob"]);
}

#[test]
fn a_full_room_lets_nobody_in() {
    let options = anser_storage::Options { room_members_max: 2, ..anser_storage::Options::default() };
    let store = anser_storage::Store::open_on(redb::backends::InMemoryBackend::new(), options).expect("memory opens");
    let mut world = World::on(store);
    let carol = world.users(&["ann", "bob", "carol"])[2];
    let full = refused(RoomRefusal::Full);
    let command = Command::Room(crate::common::rooms::create(world.app, "ann", &["bob", "carol"]));
    assert_eq!(world.refusal(command), full);
    let room = world.room("ann", &["bob"]);
    let command = enter(&world, room, carol);
    assert_eq!(world.refusal(command.clone()), full);
    let by_server = add(&world, room, &["carol"]);
    assert_eq!(world.refusal(by_server), full);
    let out = remove(&world, room, &["bob"]);
    world.answer(out);
    world.answer(command);
    assert_eq!(members(&world, room), ["ann", "carol"]);
}

#[test]
fn who_is_inside_speaks_and_the_newest_are_read_in_order() {
    let mut world = World::new();
    let [ann, bob] = world.users(&["ann", "bob"])[..] else { panic!("two users") };
    let room = world.room("ann", &[]);
    for number in 0..60 {
        world.send_to_room(ann, room, &format!("text {number}"));
    }
    let last = said(&world, room, 50);
    assert_eq!((last.len(), last[0].as_str(), last[49].as_str()), (50, "text 10", "text 59"));
    let command = say(&world, bob, room);
    assert_eq!(world.refusal(command), refused(RoomRefusal::SenderOutside));
    let by_admin = world.send_command(bob, Origin::Server { as_admin: true }, Target::Room(room), "by law");
    world.answer(by_admin);
    world.enter_room(bob, room);
    world.send_to_room(bob, room, "at last");
    assert_eq!(said(&world, room, 2), ["by law", "at last"]);
    assert_eq!(world.findings(), []);
}

#[test]
fn a_repeated_send_to_a_room_gets_the_first_answer() {
    let mut world = World::new();
    let [ann, _bob] = world.users(&["ann", "bob"])[..] else { panic!("two users") };
    let (room, phone) = (world.room("ann", &[]), world.device("phone"));
    let first = sent(world.send_to_room_from(ann, (phone, 1), room, "one").answer.expect("accepted"));
    world.send_from_device(ann, phone, 2, "bob", "two").answer.expect("accepted");
    let third = sent(world.send_to_room_from(ann, (phone, 3), room, "three").answer.expect("accepted"));
    assert_eq!(sent(world.send_to_room_from(ann, (phone, 1), room, "one").answer.expect("known")), (first.0, true));
    assert!(world.send_from_device(ann, phone, 2, "bob", "two").answer.is_ok());
    assert_eq!(said(&world, room, 50), ["one", "three"]);

    // The same after the daemon was killed: the heads are read from both classes of the log.
    world.store.checkpoint().expect("memory is well");
    assert_eq!(sent(world.send_to_room_from(ann, (phone, 3), room, "three").answer.expect("known")), (third.0, true));
    // What was refused may be repeated while nothing later was said there.
    let other = world.room("bob", &[]);
    let outside = world.send_to_room_from(ann, (phone, 4), other, "four").answer;
    assert!(matches!(outside, Err(Refusal::Room(RoomRefusal::SenderOutside))));
    world.enter_room(ann, other);
    world.send_to_room_from(ann, (phone, 5), other, "five").answer.expect("accepted");
    assert_eq!(world.send_to_room_from(ann, (phone, 4), other, "four").answer, Err(Refusal::OutboxTooOld));
    assert_eq!(world.findings(), []);

    // A room's records go by a retention of their own; then nobody can tell any more.
    let app = world.app;
    let cut = SystemCommand::Cut { app, class: Class::Room, below: Position(u64::MAX) };
    world.answer(Command::System(cut));
    assert_eq!(world.send_to_room_from(ann, (phone, 1), room, "one").answer, Err(Refusal::OutboxTooOld));
    world.send_from_device(ann, phone, 6, "bob", "six").answer.expect("accepted");
    assert!(said(&world, room, 50).is_empty());
    assert_eq!(world.findings(), []);
}

#[test]
fn silence_ends_by_itself_or_when_it_is_lifted() {
    let mut world = World::new();
    let [ann, bob, carol] = world.users(&["ann", "bob", "carol"])[..] else { panic!("three users") };
    let room = world.room("ann", &["bob"]);
    let app = world.app;
    let silence =
        |by, for_ms, who: &str| Command::Room(RoomCommand::Silence { app, by, room, users: names(&[who]), for_ms });
    let outcome = world.apply(silence(Actor::User(ann), Some(60_000), "bob"));
    let Route::Room { news: RoomNews::Event(event), .. } = &outcome.appended[0].route else { panic!("{outcome:?}") };
    assert_eq!((event.kind, event.by.as_str(), &event.users), (RoomEventKind::SILENCED, "ann", &names(&["bob"])));
    let command = say(&world, bob, room);
    assert_eq!(world.refusal(command.clone()), refused(RoomRefusal::Silenced));
    let page = world.read().room_silences(app, room, 0, 10, world.now_ms).expect("whole");
    assert_eq!((page.total, page.users[0].0.as_str()), (1, "bob"));
    // The clock starts again.
    world.now_ms += 50_000;
    world.answer(silence(Actor::User(ann), Some(60_000), "bob"));
    world.now_ms += 50_000;
    assert_eq!(world.refusal(command.clone()), refused(RoomRefusal::Silenced));
    world.now_ms += 20_000;
    world.answer(command.clone());
    assert_eq!(world.read().room_silence(app, room, bob, 0).expect("whole"), None);

    // Leaving does not lift it.
    world.answer(silence(Actor::Server, None, "bob"));
    let out = leave(&world, room, bob);
    world.answer(out);
    world.enter_room(bob, room);
    assert_eq!(world.refusal(command.clone()), refused(RoomRefusal::Silenced));
    world.answer(Command::Room(RoomCommand::Unsilence { app, by: Actor::Server, room, users: names(&["bob"]) }));
    world.answer(command);

    let no_right = refused(RoomRefusal::NoRight);
    assert_eq!(world.refusal(silence(Actor::User(bob), Some(1), "ann")), no_right);
    assert_eq!(
        world.refusal(silence(Actor::User(ann), Some(1), "ann")),
        refused(RoomRefusal::IsOwner { username: named("ann") })
    );
    assert_eq!(
        world.refusal(silence(Actor::Server, Some(1), "carol")),
        refused(RoomRefusal::NotInside { username: named("carol") })
    );
    assert_eq!(world.refusal(silence(Actor::User(carol), Some(1), "bob")), no_right);
    assert_eq!(world.findings(), []);
}

#[test]
fn the_owner_makes_admins_and_they_keep_others_out() {
    let mut world = World::new();
    let [ann, bob, carol, dave] = world.users(&["ann", "bob", "carol", "dave"])[..] else { panic!("four users") };
    let room = world.room("ann", &["bob", "carol"]);
    let app = world.app;
    let admins = |by, users: &[&str]| {
        Command::Room(RoomCommand::AddAdmins { app, by: Actor::User(by), room, users: names(users) })
    };
    let block =
        |by, users: &[&str]| Command::Room(RoomCommand::Block { app, by: Actor::User(by), room, users: names(users) });
    let unblock = |by, users: &[&str]| {
        Command::Room(RoomCommand::Unblock { app, by: Actor::User(by), room, users: names(users) })
    };
    for (command, refusal) in [
        (admins(bob, &["carol"]), RoomRefusal::NoRight),
        (admins(ann, &["ann"]), RoomRefusal::IsOwner { username: named("ann") }),
        (admins(ann, &["dave"]), RoomRefusal::NotInside { username: named("dave") }),
        (admins(ann, &[]), RoomRefusal::NobodyNamed),
        (block(bob, &["carol"]), RoomRefusal::NoRight),
        (block(ann, &[]), RoomRefusal::NobodyNamed),
        (unblock(ann, &["bob"]), RoomRefusal::NotBlocked { username: named("bob") }),
    ] {
        assert_eq!(world.refusal(command), refused(refusal));
    }
    world.answer(admins(ann, &["bob"]));
    assert_eq!(world.refusal(admins(ann, &["bob"])), refused(RoomRefusal::AlreadyAdmin { username: named("bob") }));
    assert_eq!(world.refusal(admins(bob, &["carol"])), refused(RoomRefusal::NoRight));
    assert_eq!(world.refusal(block(bob, &["ann"])), refused(RoomRefusal::IsOwner { username: named("ann") }));
    assert_eq!(world.refusal(block(ann, &["bob"])), refused(RoomRefusal::IsAdmin { username: named("bob") }));
    let outcome = world.apply(block(bob, &["carol", "dave"]));
    let news: Vec<_> = outcome.appended.iter().map(|appended| &appended.route).collect();
    assert!(matches!(news[..], [
        Route::Room { news: RoomNews::Event(_), .. },
        Route::Room { news: RoomNews::Blocked(users), .. },
    ] if users == &[carol]));
    assert_eq!(members(&world, room), ["ann", "bob"]);
    for user in [carol, dave] {
        let command = enter(&world, room, user);
        assert!(matches!(world.refusal(command), Refusal::Room(RoomRefusal::Blocked { .. })));
    }
    let command = add(&world, room, &["dave"]);
    assert_eq!(world.refusal(command), refused(RoomRefusal::Blocked { username: named("dave") }));
    assert_eq!(world.refusal(block(bob, &["dave"])), refused(RoomRefusal::AlreadyBlocked { username: named("dave") }));
    world.answer(unblock(bob, &["dave"]));
    world.enter_room(dave, room);
    assert_eq!(world.read().room_roles(app, room, Role::Blocked).expect("whole"), ["carol"]);
    // An admin who leaves comes back as a plain member.
    let out = leave(&world, room, bob);
    world.answer(out);
    world.enter_room(bob, room);
    assert!(world.read().room_roles(app, room, Role::Admin).expect("whole").is_empty());
    world.answer(admins(ann, &["bob"]));
    let remove = RoomCommand::RemoveAdmins { app, by: Actor::User(ann), room, users: names(&["bob"]) };
    world.answer(Command::Room(remove.clone()));
    assert_eq!(world.refusal(Command::Room(remove)), refused(RoomRefusal::NotAdmin { username: named("bob") }));
    assert_eq!(world.findings(), []);
}

#[test]
fn a_room_has_fifteen_admins_beside_its_owner() {
    let mut world = World::new();
    let many: Vec<String> = (0..17).map(|number| format!("user{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let owner = world.users(&many)[0];
    let room = world.room("user0", &many[1..]);
    let admins = |app, users: &[&str]| {
        Command::Room(RoomCommand::AddAdmins { app, by: Actor::User(owner), room, users: names(users) })
    };
    let app = world.app;
    assert_eq!(world.refusal(admins(app, &many[1..])), refused(RoomRefusal::TooManyAdmins));
    world.answer(admins(app, &many[1..16]));
    assert_eq!(world.refusal(admins(app, &many[16..])), refused(RoomRefusal::TooManyAdmins));
}

#[test]
fn an_owner_passes_the_room_on_to_somebody_inside() {
    let mut world = World::new();
    let [ann, bob, _carol] = world.users(&["ann", "bob", "carol"])[..] else { panic!("three users") };
    let room = world.room("ann", &["bob"]);
    let app = world.app;
    let update = |owner: Option<&str>, name: Option<&str>| {
        let (owner, name) = (owner.map(named), name.map(named));
        Command::Room(RoomCommand::Update { app, room, owner, name, description: Some("new".into()) })
    };
    assert_eq!(
        world.refusal(update(Some("carol"), Some("x"))),
        refused(RoomRefusal::NotInside { username: named("carol") })
    );
    assert_eq!(
        world.refusal(update(Some("ghost"), None)),
        refused(RoomRefusal::UserUnknown { username: named("ghost") })
    );
    world.answer(update(Some("bob"), Some("Launch")));
    let row = world.read().room(app, room).expect("whole").expect("a room");
    assert_eq!((row.owner, row.name.as_str(), row.description.as_str(), row.members), (bob, "Launch", "new", 2));
    let out = leave(&world, room, ann);
    world.answer(out);
    assert_eq!(members(&world, room), ["bob"]);
}

#[test]
fn a_deleted_room_is_gone_at_once_and_cleared_in_slices() {
    let mut world = World::new();
    let many: Vec<String> = (0..900).map(|number| format!("user{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut users = Vec::new();
    for part in many.chunks(500) {
        users.extend(world.users(part));
    }
    let (room, kept) = (world.room("user0", &[]), world.room("user1", &[]));
    for part in many[1..].chunks(RoomCommand::NAMES_MAX) {
        let command = add(&world, room, part);
        world.answer(command);
    }
    world.send_to_room(users[5], room, "hi");
    let app = world.app;
    let delete = Command::Room(RoomCommand::Delete { app, room });
    let outcome = world.apply(delete.clone());
    assert!(matches!(outcome.appended[0].route, Route::Room { news: RoomNews::Deleted, .. }));
    assert_eq!(world.refusal(delete), refused(RoomRefusal::Unknown));
    let command = say(&world, users[5], room);
    assert_eq!(world.refusal(command), refused(RoomRefusal::Unknown));
    let page = world.read().room_page(app, 0, 10).expect("whole");
    assert_eq!((page.total, page.rooms[0].0), (1, kept));
    assert!(world.read().rooms_of_user(app, users[5]).expect("whole").is_empty());
    assert_eq!(world.findings(), []);
    let mut slices = 1;
    while world.answer(Command::Room(RoomCommand::ClearDeleted { app })) == Answer::Continue {
        slices += 1;
        assert_eq!(world.findings(), []);
    }
    assert_eq!(slices, 3);
    assert_eq!(world.findings(), []);
}

#[test]
fn rooms_are_listed_in_the_order_in_which_they_were_made() {
    let mut world = World::new();
    world.user("ann");
    let rooms: Vec<RoomId> = (0..5).map(|_| world.room("ann", &[])).collect();
    let page = world.read().room_page(world.app, 1, 3).expect("whole");
    assert_eq!(page.total, 5);
    assert_eq!(page.rooms.iter().map(|(id, _)| *id).collect::<Vec<_>>(), rooms[1..4]);
    let other = world.create_app("other");
    assert_eq!(world.read().room_page(other, 0, 10).expect("whole").total, 0);
}

#[test]
fn a_deleted_user_leaves_and_the_room_passes_to_an_admin_or_the_oldest_member() {
    let mut world = World::new();
    let [ann, bob, carol] = world.users(&["ann", "bob", "carol"])[..] else { panic!("three users") };
    let room = world.room("ann", &["bob", "carol"]);
    let app = world.app;
    let by = Actor::User(ann);
    world.answer(Command::Room(RoomCommand::AddAdmins { app, by, room, users: names(&["carol"]) }));
    let delete = |world: &mut World, name: &str| {
        world.answer(Command::People(PeopleCommand::Delete { app, usernames: names(&[name]) }));
        while world.answer(Command::People(PeopleCommand::ClearDeparted { app })) == Answer::Continue {}
    };
    delete(&mut world, "ann");
    let owner = |world: &World| world.read().room(app, room).expect("whole").expect("a room").owner;
    assert_eq!((owner(&world), members(&world, room)), (carol, names(&["bob", "carol"])));
    delete(&mut world, "carol");
    assert_eq!((owner(&world), members(&world, room)), (bob, names(&["bob"])));
    delete(&mut world, "bob");
    assert!(members(&world, room).is_empty());
    world.user("dave");
    let command = add(&world, room, &["dave"]);
    world.answer(command);
    let (owner, name, description) = (Some(named("dave")), None, None);
    world.answer(Command::Room(RoomCommand::Update { app, room, owner, name, description }));
    assert_eq!(world.findings(), []);
}
