//! What an app brings along from the service that it was with before.

use crate::common::{T0, World};
use anser_protocol::content::Platform;
use anser_protocol::ids::{GroupId, RoomId, TimeMs};
use anser_storage::command::*;
use anser_storage::ids::{AppNumber, DeviceNumber};
use anser_storage::outcome::{Answer, Refusal};
use anser_storage::{Role, Table, WaitingDevice};

const DAY_MS: TimeMs = 86_400_000;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn had(id: u64) -> FormerId {
    FormerId { app_key: "k".repeat(24), id }
}

fn imported(answer: Answer) -> (u32, Vec<(String, Refusal)>) {
    match answer {
        Answer::Imported { number, left_out } => (number, left_out),
        other => panic!("{other:?}"),
    }
}

fn rows(counts: &[(Table, u64)], of: Table) -> u64 {
    counts.iter().find(|(table, _)| *table == of).map_or(0, |(_, count)| *count)
}

fn unknown(name: &str) -> (String, Refusal) {
    (name.into(), Refusal::UserUnknown { username: name.into() })
}

fn person(world: &World, username: &str, friends: &[&str], blocked: &[&str]) -> Command {
    let note = |name: &&str| FriendNote {
        username: (*name).into(),
        note_name: Some(format!("my {name}")),
        ..FriendNote::default()
    };
    Command::Import(ImportCommand::Person {
        app: world.app,
        username: username.into(),
        profile: Box::new(ProfileChange { extras: Some("{\"a\":1}".into()), ..ProfileChange::default() }),
        friends: friends.iter().map(note).collect(),
        blocked: names(blocked),
    })
}

fn group(world: &World, id: u64, owner: &str, members: &[&str]) -> Command {
    let group = ImportedGroup { owner: owner.into(), name: "walkers".into(), ..ImportedGroup::default() };
    Command::Import(ImportCommand::Group {
        app: world.app,
        had: had(id),
        group: Box::new(group),
        members: names(members),
    })
}

fn waiting(id: &str) -> WaitingDevice {
    WaitingDevice {
        registration_id: id.into(),
        alias: "alice".into(),
        mobile: "13800000000".into(),
        tags: names(&["vip", "north"]),
    }
}

fn devices(world: &World, devices: &[WaitingDevice], until_ms: TimeMs) -> Command {
    Command::Import(ImportCommand::Devices { app: world.app, devices: devices.to_vec(), until_ms })
}

fn adopt(world: &World, former_id: &str, own: &str, secret: u8) -> Command {
    Command::Device(DeviceCommand::Adopt {
        app: world.app,
        former_id: former_id.into(),
        registration_id: own.into(),
        secret_hash: [secret; 32],
        platform: Platform::ANDROID,
    })
}

fn adopted(answer: Answer) -> DeviceNumber {
    match answer {
        Answer::Adopted { device } => device,
        other => panic!("{other:?}"),
    }
}

#[test]
fn friends_notes_and_blacklist_are_taken_in_without_telling_anybody() {
    let mut world = World::new();
    let users = world.users(&["alice", "bob", "carol"]);
    let outcome = world.apply(person(&world, "alice", &["bob", "ghost", "alice"], &["carol", "nobody"]));
    assert!(outcome.appended.is_empty(), "it was so before: {:?}", outcome.appended);
    let (_, left_out) = imported(outcome.answer.expect("taken in"));
    assert_eq!(left_out, [unknown("ghost"), ("alice".into(), Refusal::OneSelf), unknown("nobody")]);

    let friends = world.read().friends(world.app, users[0]).expect("readable");
    assert_eq!(friends.iter().map(|friend| friend.note_name.as_str()).collect::<Vec<_>>(), ["my bob"]);
    assert!(world.read().has_blocked(world.app, users[0], users[2]).expect("readable"));
    let alice = world.read().user(world.app, users[0]).expect("readable").expect("she is here");
    assert_eq!(alice.profile.extras, "{\"a\":1}");
    assert_eq!(world.findings(), []);
}

#[test]
fn the_same_person_again_changes_nothing() {
    let mut world = World::new();
    world.users(&["alice", "bob", "carol"]);
    let command = person(&world, "alice", &["bob"], &["carol"]);
    world.answer(command.clone());
    let before = world.read().row_counts().expect("readable");
    assert_eq!(imported(world.answer(command)).1, []);
    assert_eq!(world.read().row_counts().expect("readable"), before);
}

#[test]
fn an_admin_is_not_blocked_and_is_named_as_left_out() {
    let mut world = World::new();
    world.user("alice");
    let users = vec![NewUser { username: "root".into(), is_admin: true, ..NewUser::default() }];
    world.answer(Command::User(UserCommand::Register { app: world.app, users }));
    let (_, left_out) = imported(world.answer(person(&world, "alice", &[], &["root"])));
    assert_eq!(left_out, [("root".into(), Refusal::AdminProtected { username: "root".into() })]);
}

#[test]
fn a_group_gets_one_id_of_ours_however_often_it_comes() {
    let mut world = World::new();
    world.users(&["alice", "bob", "carol"]);
    let (first, left_out) = imported(world.answer(group(&world, 77, "alice", &["alice", "bob", "ghost"])));
    assert_eq!(left_out, [unknown("ghost")]);
    let (again, _) = imported(world.answer(group(&world, 77, "alice", &["alice", "bob", "carol"])));
    assert_eq!(again, first);
    let members = world.read().group_members(world.app, GroupId(first)).expect("readable");
    let shown: Vec<_> = members.iter().map(|member| (member.username.as_ref(), member.is_owner)).collect();
    assert_eq!(shown, [("alice", true), ("bob", false), ("carol", false)]);
    let (other, _) = imported(world.answer(group(&world, 78, "bob", &[])));
    assert_ne!(other, first);
    assert_eq!(world.findings(), []);
}

#[test]
fn where_the_owner_is_not_here_the_first_member_takes_the_group() {
    let mut world = World::new();
    world.users(&["alice", "bob"]);
    let (id, left_out) = imported(world.answer(group(&world, 1, "gone", &["gone", "bob", "alice"])));
    assert_eq!(left_out, [unknown("gone")]);
    let members = world.read().group_members(world.app, GroupId(id)).expect("readable");
    assert!(members.iter().any(|member| member.is_owner && member.username.as_ref() == "bob"), "{members:?}");
    let refused = world.refusal(group(&world, 2, "gone", &["away"]));
    assert_eq!(refused, Refusal::UserUnknown { username: "gone".into() });
}

#[test]
fn a_room_comes_with_its_members_and_who_is_silenced() {
    let mut world = World::new();
    let users = world.users(&["alice", "bob", "carol"]);
    let room = ImportedRoom { owner: "alice".into(), name: "launch".into(), description: "live".into() };
    let command = Command::Import(ImportCommand::Room {
        app: world.app,
        had: had(9),
        room: Box::new(room),
        members: names(&["alice", "bob"]),
    });
    let (id, _) = imported(world.answer(command.clone()));
    assert_eq!(imported(world.answer(command)).0, id, "it is the same room again");
    let (app, room) = (world.app, RoomId(id));
    let more =
        ImportCommand::RoomMembers { app, room, members: names(&["bob", "carol", "ghost"]), silenced: names(&["bob"]) };
    assert_eq!(imported(world.answer(Command::Import(more))), (id, vec![unknown("ghost")]));
    let snapshot = world.read();
    assert!(users.iter().all(|user| snapshot.is_in_room(app, room, *user).expect("readable")));
    assert!(snapshot.has_room_role(app, room, Role::Silenced, users[1]).expect("readable"));
    assert_eq!(world.findings(), []);
}

#[test]
fn a_device_that_names_its_former_id_keeps_it_and_gets_what_it_had() {
    let mut world = World::new();
    world.answer(devices(&world, &[waiting("old1")], T0 + DAY_MS));
    assert!(world.read().device_by_registration_id(world.app, "old1").expect("readable").is_none());
    let device = adopted(world.answer(adopt(&world, "old1", "own1", 1)));
    let snapshot = world.read();
    let (number, row) = snapshot.device_by_registration_id(world.app, "old1").expect("readable").expect("it is here");
    assert_eq!((number, row.alias.as_deref(), row.mobile.as_deref()), (device, Some("alice"), Some("13800000000")));
    assert_eq!(snapshot.tags_of_device(world.app, device).expect("readable"), ["north", "vip"]);
    assert_eq!(snapshot.devices_of_alias(world.app, "alice").expect("readable"), [device]);
    assert!(snapshot.device_by_registration_id(world.app, "own1").expect("readable").is_none());
    assert_eq!(world.findings(), []);
}

#[test]
fn the_first_to_name_an_id_has_it_and_the_second_is_a_new_device() {
    let mut world = World::new();
    world.answer(devices(&world, &[waiting("old1")], T0 + DAY_MS));
    let first = adopted(world.answer(adopt(&world, "old1", "own1", 1)));
    assert_eq!(adopted(world.answer(adopt(&world, "old1", "own1", 1))), first, "an answer that was lost");
    match world.answer(adopt(&world, "old1", "own2", 2)) {
        Answer::Device { device, is_new: true } => {
            assert_ne!(device, first);
            assert!(world.read().tags_of_device(world.app, device).expect("readable").is_empty());
        }
        other => panic!("{other:?}"),
    }
    // And one that never waited.
    assert!(matches!(world.answer(adopt(&world, "old9", "own3", 3)), Answer::Device { is_new: true, .. }));
}

#[test]
fn what_waits_in_an_app_is_nothing_to_another() {
    let mut world = World::new();
    world.answer(devices(&world, &[waiting("old1")], T0 + DAY_MS));
    let own = std::mem::replace(&mut world.app, AppNumber(0));
    world.app = world.create_app("other");
    assert!(matches!(world.answer(adopt(&world, "old1", "own1", 1)), Answer::Device { is_new: true, .. }));
    world.app = own;
    adopted(world.answer(adopt(&world, "old1", "own1", 1)));
}

#[test]
fn when_the_wait_is_over_the_id_is_nobodys() {
    let mut world = World::new();
    let before = world.read().row_counts().expect("readable");
    world.answer(devices(&world, &[waiting("old1"), waiting("old2")], T0 + DAY_MS));
    // A later import prolongs the wait of one.
    world.answer(devices(&world, &[waiting("old2")], T0 + 3 * DAY_MS));
    world.now_ms = T0 + 2 * DAY_MS;
    assert!(matches!(world.answer(adopt(&world, "old1", "own1", 1)), Answer::Device { is_new: true, .. }));
    world.answer(Command::System(SystemCommand::Expire));
    adopted(world.answer(adopt(&world, "old2", "own2", 2)));
    let after = world.read().row_counts().expect("readable");
    for table in [Table::WaitingDevices, Table::WaitsOver] {
        assert_eq!(rows(&after, table), rows(&before, table), "{table:?}");
    }
    assert_eq!(world.findings(), []);
}

#[test]
fn waiting_devices_are_in_no_audience_and_a_registered_id_is_left_out() {
    let mut world = World::new();
    world.device("here");
    let (_, left_out) = imported(world.answer(devices(&world, &[waiting("here"), waiting("old1")], T0 + DAY_MS)));
    assert_eq!(left_out, [("here".into(), Refusal::RegistrationIdTaken)]);
    assert!(world.read().devices_of_alias(world.app, "alice").expect("readable").is_empty());
    assert!(world.read().tags_of_app(world.app, 9).expect("readable").is_empty());
}

#[test]
fn everything_goes_with_the_app() {
    let mut world = World::new();
    let before = world.read().row_counts().expect("readable");
    let kept = world.app;
    world.app = world.create_app("second");
    world.users(&["alice", "bob"]);
    world.answer(group(&world, 1, "alice", &["bob"]));
    world.answer(devices(&world, &[waiting("old1")], T0 + DAY_MS));
    let app = std::mem::replace(&mut world.app, kept);
    while world.answer(Command::App(AppCommand::Delete { app })) == Answer::Continue {}
    let after = world.read().row_counts().expect("readable");
    for table in [Table::FormerGroups, Table::WaitingDevices, Table::WaitsOver, Table::Groups] {
        assert_eq!(rows(&after, table), rows(&before, table), "{table:?}");
    }
}
