//! What app servers do with users: profiles, passwords, disabling, deleting, lists.

use crate::common::World;
use anser_protocol::content::Platform;
use anser_protocol::ids::Position;
use anser_storage::command::*;
use anser_storage::ids::{DeviceNumber, UserNumber};
use anser_storage::outcome::{Answer, Refusal};
use anser_storage::{UserClass, UserState};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn log_in(world: &mut World, user: UserNumber, device: DeviceNumber, hash: u8) -> Command {
    let password = world.read().user(world.app, user).expect("whole").expect("known").password;
    let (app, token_hash, expires_ms) = (world.app, [hash; 32], world.now_ms + 1_000_000);
    Command::User(UserCommand::LogIn { app, user, device, token_hash, expires_ms, password, others_max: u32::MAX })
}

fn delete(world: &World, usernames: &[&str]) -> Command {
    Command::People(PeopleCommand::Delete { app: world.app, usernames: names(usernames) })
}

fn set_disabled(world: &World, username: &str, is_disabled: bool) -> Command {
    Command::People(PeopleCommand::SetDisabled { app: world.app, username: username.into(), is_disabled })
}

/// Until nothing is left of deleted users.
fn clear(world: &mut World) {
    while world.answer(Command::People(PeopleCommand::ClearDeparted { app: world.app })) == Answer::Continue {}
}

fn listed(world: &World, class: UserClass, start: u64, count: usize) -> (u64, Vec<String>) {
    let page = world.read().user_page(world.app, class, start, count).expect("whole");
    (page.total, page.users.into_iter().map(|user| user.username).collect())
}

fn register_admin(world: &mut World, name: &str) {
    let user = NewUser { username: name.into(), is_admin: true, ..NewUser::default() };
    world.answer(Command::User(UserCommand::Register { app: world.app, users: vec![user] }));
}

#[test]
fn a_profile_changes_where_something_is_said_and_an_empty_text_clears() {
    let mut world = World::new();
    let ann = world.user("ann");
    let (app, username) = (world.app, String::from("ann"));
    let mut change = |change: ProfileChange| {
        let command = PeopleCommand::ChangeProfile {
            by: Actor::Server,
            app,
            username: username.clone(),
            change: Box::new(change),
        };
        let answer = Answer::People { users: vec![ann], is_complete: true };
        assert_eq!(world.answer(Command::People(command)), answer);
        world.read().user(app, ann).expect("whole").expect("known")
    };
    let text = |text: &str| Some(text.to_owned());
    let first = change(ProfileChange {
        nickname: text("Ann"),
        region: text("Hangzhou"),
        gender: Some(2),
        ..Default::default()
    });
    assert!(first.changed_ms > first.created_ms);
    let nothing = change(ProfileChange::default());
    assert_eq!(nothing, first);
    let second = change(ProfileChange { region: text(""), signature: text("hello"), ..Default::default() });
    let expected = Profile { nickname: "Ann".into(), signature: "hello".into(), gender: Some(2), ..Profile::default() };
    assert_eq!(second.profile, expected);
}

#[test]
fn a_new_password_ends_the_sessions() {
    let mut world = World::new();
    let (ann, phone, tablet) = (world.user("ann"), world.device("phone"), world.device("tablet"));
    for (device, hash) in [(phone, 1), (tablet, 2)] {
        let command = log_in(&mut world, ann, device, hash);
        world.answer(command);
    }
    assert_eq!(world.read().logins(world.app, ann, world.now_ms).expect("whole").len(), 2);
    let (app, username, password) = (world.app, String::from("ann"), String::from("new"));
    let late = log_in(&mut world, ann, phone, 3);
    world.answer(Command::People(PeopleCommand::SetPassword { app, username, password }));
    for hash in [1, 2] {
        assert!(world.read().token(app, &[hash; 32]).expect("whole").is_none());
    }
    assert_eq!(world.read().logins(app, ann, world.now_ms).expect("whole"), []);
    assert_eq!(world.refusal(late), Refusal::PasswordChanged);
}

#[test]
fn of_each_kind_of_device_the_one_is_told_that_was_used_last() {
    let mut world = World::new();
    let (ann, ben) = (world.user("ann"), world.user("ben"));
    let [old, new, own, left] = ["old", "new", "own", "left"].map(|name| world.device(name));
    let app = world.app;
    let told = |world: &World, asking, pushed_off| -> Vec<_> {
        let found = world.read().own_devices(app, ann, asking, pushed_off, world.now_ms).expect("whole");
        found.iter().map(|found| (found.device, found.is_logged_in, found.was_pushed_off)).collect()
    };
    assert_eq!(told(&world, own, None), [], "never logged in");

    for (device, position) in [(left, 9), (old, 8)] {
        let position = Position(position);
        world.answer(Command::Mark(MarkCommand::ChatCursor { app, user: ann, device, position }));
    }
    assert_eq!(told(&world, own, None), [(left, false, false)], "who got furthest was there last");
    let login = log_in(&mut world, ben, left, 9);
    world.answer(login);
    for (device, hash) in [(own, 1), (new, 3), (old, 2)] {
        let command = log_in(&mut world, ann, device, hash);
        let Command::User(UserCommand::LogIn { user, password, others_max, .. }) = command else { panic!("a login") };
        let (token_hash, expires_ms) = ([hash; 32], world.now_ms + u64::from(hash) * 1_000_000);
        let login = UserCommand::LogIn { app, user, device, token_hash, expires_ms, password, others_max };
        world.answer(Command::User(login));
    }
    assert_eq!(told(&world, own, None), [(new, true, false)], "its token ends last");
    assert_eq!(told(&world, new, None), [(old, true, false)], "the asking one stands behind others");
    assert_eq!(told(&world, new, Some(left)), [(left, false, true)], "what was pushed off stands before all");
    assert_eq!(told(&world, own, Some(new)), [(new, true, false)], "who is back is not pushed off any more");
    world.now_ms += 2_500_000;
    assert_eq!(told(&world, new, None), [(new, true, false)], "the others' tokens have ended");
}

#[test]
fn many_sessions_end_a_part_with_each_repeat() {
    let mut world = World::new();
    let ann = world.user("ann");
    for number in 0..301u32 {
        let device = world.device(&format!("rid{number}"));
        let mut hash = [0; 32];
        hash[..4].copy_from_slice(&number.to_be_bytes());
        let (app, user, expires_ms, password) = (world.app, ann, u64::MAX, String::new());
        let command =
            UserCommand::LogIn { app, user, device, token_hash: hash, expires_ms, password, others_max: u32::MAX };
        world.answer(Command::User(command));
    }
    let disable = set_disabled(&world, "ann", true);
    assert_eq!(world.answer(disable.clone()), Answer::People { users: vec![ann], is_complete: false });
    assert_eq!(world.answer(disable), Answer::People { users: vec![ann], is_complete: true });
    assert_eq!(world.read().logins(world.app, ann, 0).expect("whole"), []);
}

#[test]
fn a_disabled_user_neither_logs_in_nor_sends_until_that_is_lifted() {
    let mut world = World::new();
    let [ann, _bob] = world.users(&["ann", "bob"])[..] else { panic!("two users") };
    let phone = world.device("phone");
    let disable = set_disabled(&world, "ann", true);
    world.answer(disable);
    assert_eq!(world.read().user_state(world.app, ann).expect("whole"), Some(UserState::Disabled));
    let login = log_in(&mut world, ann, phone, 1);
    assert_eq!(world.refusal(login.clone()), Refusal::UserDisabled);
    assert_eq!(world.send_from_device(ann, phone, 1, "bob", "hi").answer, Err(Refusal::UserDisabled));
    let enable = set_disabled(&world, "ann", false);
    world.answer(enable);
    world.answer(login);
    world.send_from_device(ann, phone, 1, "bob", "hi").answer.expect("accepted");
    let unknown = set_disabled(&world, "ghost", true);
    assert_eq!(world.refusal(unknown), Refusal::UserUnknown { username: "ghost".into() });
}

#[test]
fn a_deleted_user_leaves_a_nameplate_and_the_name_is_free() {
    let mut world = World::new();
    let [ann, bob] = world.users(&["ann", "bob"])[..] else { panic!("two users") };
    let phone = world.device("phone");
    let login = log_in(&mut world, ann, phone, 1);
    world.answer(login.clone());
    world.send(ann, "bob", "hello");

    let command = delete(&world, &["ann"]);
    assert_eq!(world.answer(command), Answer::People { users: vec![ann], is_complete: true });

    let read = world.read();
    assert!(read.user_by_name(world.app, "ann").expect("whole").is_none());
    assert_eq!(read.user_state(world.app, ann).expect("whole"), Some(UserState::Deleted));
    let shown = read.conversations(world.app, bob, Position(u64::MAX), 10, 1).expect("whole");
    assert_eq!(shown[0].name, "ann");
    assert_eq!(world.refusal(login), Refusal::UserUnknown { username: String::new() });
    assert_eq!(world.send_from_device(ann, phone, 1, "bob", "hi").answer, Err(Refusal::SenderUnknown));
    let to_ann = world.send_command(bob, Origin::Server { as_admin: false }, Target::User("ann".into()), "hi");
    assert_eq!(world.refusal(to_ann), Refusal::UserUnknown { username: "ann".into() });
    clear(&mut world);
    assert!(world.read().token(world.app, &[1; 32]).expect("whole").is_none());

    let other_ann = world.user("ann");
    assert!(other_ann > ann);
    let shown = world.read().conversations(world.app, bob, Position(u64::MAX), 10, 1).expect("whole");
    assert!(shown.is_empty(), "one name would stand for two people: {shown:?}");
    world.send(other_ann, "bob", "I am new here");
    let shown = world.read().catch_up(world.app, bob, Position::START, 10).expect("whole");
    assert_eq!(shown.iter().map(|row| row.last_seq).collect::<Vec<_>>(), [1]);
}

#[test]
fn deleting_is_all_or_nothing() {
    let mut world = World::new();
    world.users(&["ann", "bob"]);
    let command = delete(&world, &["ann", "ghost"]);
    assert_eq!(world.refusal(command), Refusal::UserUnknown { username: "ghost".into() });
    assert!(world.read().user_by_name(world.app, "ann").expect("whole").is_some());
    let doubled = delete(&world, &["ann", "bob", "ann"]);
    let Answer::People { users, .. } = world.answer(doubled) else { panic!("they are gone") };
    assert_eq!(users.len(), 2);
}

#[test]
fn a_deleted_owner_passes_the_group_on_and_a_group_without_members_is_dissolved() {
    let mut world = World::new();
    let [ann, bob, _carol] = world.users(&["ann", "bob", "carol"])[..] else { panic!("three users") };
    let shared = world.group("ann", &["bob", "carol"]);
    let alone: Vec<_> = (0..20).map(|_| world.group("ann", &[])).collect();
    let command = delete(&world, &["ann"]);
    world.answer(command);
    clear(&mut world);
    let read = world.read();
    let group = read.group(world.app, shared).expect("whole").expect("it goes on");
    assert_eq!((group.owner, group.members), (bob, 2));
    assert!(!read.is_member(world.app, shared, ann).expect("whole"));
    for group in alone {
        assert!(read.group(world.app, group).expect("whole").is_none());
    }
    assert_eq!(world.findings(), []);
}

#[test]
fn users_and_admins_are_listed_in_the_order_of_their_registration() {
    let mut world = World::new();
    let many: Vec<String> = (0..300).map(|number| format!("user{number}")).collect();
    world.users(&many.iter().map(String::as_str).collect::<Vec<_>>());
    register_admin(&mut world, "boss");
    world.user("last");
    assert_eq!(listed(&world, UserClass::Admin, 0, 500), (1, names(&["boss"])));
    let (total, page) = listed(&world, UserClass::User, 298, 500);
    assert_eq!((total, page), (301, names(&["user298", "user299", "last"])));
    assert_eq!(listed(&world, UserClass::User, 10, 1).1, ["user10"]);
    assert_eq!(listed(&world, UserClass::User, 301, 10), (301, Vec::new()));
    let command = delete(&world, &["user298", "boss"]);
    world.answer(command);
    assert_eq!(listed(&world, UserClass::User, 298, 500), (300, names(&["user299", "last"])));
    assert_eq!(listed(&world, UserClass::Admin, 0, 500), (0, Vec::new()));
}

#[test]
fn a_list_goes_over_chunks() {
    let mut world = World::new();
    for part in 0..9 {
        let many: Vec<String> = (0..500).map(|number| format!("user{}", part * 500 + number)).collect();
        world.users(&many.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let (total, page) = listed(&world, UserClass::User, 4090, 10);
    let expected: Vec<String> = (4090..4100).map(|number| format!("user{number}")).collect();
    assert_eq!((total, page), (4500, expected));
    assert_eq!(listed(&world, UserClass::User, 4499, 500).1, ["user4499"]);
}

#[test]
fn a_login_makes_room_on_devices_of_its_own_kind_by_the_one_used_longest_ago() {
    let mut world = World::new();
    let user = world.user("alice");
    let platforms = [Platform::ANDROID, Platform::IOS, Platform::WEB, Platform::ANDROID];
    let devices: Vec<DeviceNumber> =
        (0..).zip(platforms).map(|(n, platform)| world.device_on(&format!("device{n}"), platform)).collect();
    let mut log_in = |device: DeviceNumber, token: u8, expires_ms, others_max| {
        let app = world.app;
        let password = world.read().user(app, user).expect("whole").expect("known").password;
        let token_hash = [token; 32];
        world.answer(Command::User(UserCommand::LogIn {
            app,
            user,
            device,
            token_hash,
            expires_ms,
            password,
            others_max,
        }))
    };
    let nobody = Answer::LoggedIn { ended: vec![] };
    assert_eq!(log_in(devices[0], 0, 2000, 1), nobody);
    assert_eq!(log_in(devices[1], 1, 1000, 1), nobody, "one besides it may stay");
    assert_eq!(log_in(devices[2], 2, 500, 0), nobody, "a browser is no phone");
    assert_eq!(log_in(devices[1], 3, 1500, 1), nobody, "a device does not log itself out");
    assert_eq!(log_in(devices[3], 4, 3000, 1), Answer::LoggedIn { ended: vec![devices[1]] });
    assert_eq!(log_in(devices[1], 5, 4000, 0), Answer::LoggedIn { ended: vec![devices[0], devices[3]] });
    let snapshot = world.read();
    let gave_way = |device: &DeviceNumber| snapshot.gave_way(world.app, user, *device).expect("nothing is damaged");
    assert_eq!([0, 1, 2, 3].map(|n| gave_way(&devices[n])), [true, false, false, true], "until the user logs in there");
    let is_good = |token: u8| snapshot.token(world.app, &[token; 32]).expect("nothing is damaged").is_some();
    assert_eq!([0, 1, 2, 3, 4, 5].map(is_good), [false, false, true, false, false, true]);
    assert!(world.findings().is_empty());
}
