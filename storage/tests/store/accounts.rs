//! App groups and developers.

use crate::common::World;
use anser_storage::Table;
use anser_storage::command::*;
use anser_storage::ids::AppNumber;
use anser_storage::outcome::{Answer, Refusal};

#[test]
fn a_group_holds_apps_and_forgets_those_that_are_deleted() {
    let mut world = World::new();
    let (one, two) = (world.create_app("one"), world.create_app("two"));
    world.answer(create_group("g", "k"));
    assert!(matches!(world.refusal(push("k")), Refusal::NoTarget { .. }));
    for app in [one, two, one] {
        world.answer(add("k", app));
    }
    assert_eq!(apps_of_push(&mut world), [one, two]);
    while world.answer(Command::App(AppCommand::Delete { app: one })) == Answer::Continue {}
    assert_eq!(apps_of_push(&mut world), [two]);
    assert_eq!(world.refusal(add("k", one)), Refusal::AppUnknown);
    let command = AccountCommand::RemoveFromAppGroup { key: "k".into(), app: two };
    world.answer(Command::Account(command));
    assert!(matches!(world.refusal(push("k")), Refusal::NoTarget { .. }));
}

#[test]
fn every_push_to_a_group_has_an_id_of_its_own() {
    let mut world = World::new();
    let one = world.create_app("one");
    world.answer(create_group("g", "k"));
    world.answer(add("k", one));
    let first = world.answer(push("k"));
    assert_ne!(world.answer(push("k")), first);
}

#[test]
fn names_and_keys_of_accounts_are_taken_once() {
    let mut world = World::new();
    world.answer(create_group("g", "k"));
    assert_eq!(world.refusal(create_group("g", "other")), Refusal::AccountNameTaken);
    assert_eq!(world.refusal(create_group("other", "k")), Refusal::AccountKeyTaken);
    world.answer(create_developer("g", "k"));
    assert_eq!(world.refusal(create_developer("g", "other")), Refusal::AccountNameTaken);
    world.answer(Command::Account(AccountCommand::DeleteAppGroup { key: "k".into() }));
    assert_eq!(world.refusal(push("k")), Refusal::AccountUnknown);
    assert_eq!(world.read().developers().expect("readable").len(), 1);
    world.answer(create_group("g", "k"));
}

#[test]
fn a_group_takes_a_hundred_apps() {
    let mut world = World::new();
    world.answer(create_group("g", "k"));
    for number in 0..100 {
        let app = world.create_app(&format!("app{number}"));
        world.answer(add("k", app));
    }
    let one_more = world.create_app("one more");
    assert_eq!(world.refusal(add("k", one_more)), Refusal::AppGroupFull);
}

#[test]
fn a_developers_app_is_made_once_and_found_again() {
    let mut world = World::new();
    world.answer(create_developer("d", "dev"));
    world.answer(create_developer("e", "rival"));
    let Answer::DeveloperApp { app, is_new: true } = world.answer(create_app("dev", "com.example", "k1", None)) else {
        panic!("it is new");
    };
    let again = world.answer(create_app("dev", "com.example", "k2", None));
    assert_eq!(again, Answer::DeveloperApp { app, is_new: false });
    assert_eq!(world.read().app(app).expect("readable").expect("there").app_key, "k1");
    assert_eq!(world.refusal(create_app("dev", "com.other", "k3", None)), Refusal::AppNameTaken);
    assert_eq!(world.refusal(create_app("rival", "com.example", "k3", None)), Refusal::AppNameTaken);
    assert_eq!(world.refusal(create_app("nobody", "com.example", "k3", None)), Refusal::AccountUnknown);
    assert_eq!(world.read().developer_app(app).expect("readable").expect("there").developer, "dev");
    assert_eq!(world.read().developer_app(world.app).expect("readable"), None);
    while world.answer(Command::App(AppCommand::Delete { app })) == Answer::Continue {}
    assert_eq!(world.read().developer_app(app).expect("readable"), None);
}

#[test]
fn a_developers_app_joins_a_group_that_exists() {
    let mut world = World::new();
    world.answer(create_developer("d", "dev"));
    assert_eq!(world.refusal(create_app("dev", "com.example", "k1", Some("g"))), Refusal::AccountUnknown);
    assert!(world.read().app_by_key("k1").expect("readable").is_none());
    world.answer(create_group("g", "k"));
    let Answer::DeveloperApp { app, .. } = world.answer(create_app("dev", "com.example", "k1", Some("g"))) else {
        panic!("it is made");
    };
    assert_eq!(apps_of_push(&mut world), [app]);
}

#[test]
fn a_repeated_push_to_a_group_is_the_first_one_in_the_apps_that_were_in_it_then() {
    let mut world = World::new();
    world.answer(create_group("g", "k"));
    let (one, two, three) = (world.app, world.create_app("two"), world.create_app("three"));
    for app in [one, two] {
        world.answer(add("k", app));
    }
    let rows = |world: &World| world.read().raw_rows(Table::GroupCids).expect("whole").len();
    assert_eq!(world.refusal(push_under("k", Some("c"), true)), Refusal::CidExpired);
    let first = world.answer(push_under("k", Some("c"), false));
    assert!(matches!(&first, Answer::AppGroup { apps, .. } if *apps == [one, two]), "{first:?}");
    world.answer(add("k", three));
    assert_eq!(world.answer(push_under("k", Some("c"), false)), first);
    assert_eq!(world.answer(push_under("k", Some("c"), true)), first, "also one that was issued long ago");
    assert_ne!(world.answer(push_under("k", Some("d"), false)), first);
    assert!(world.read().scrub(None, usize::MAX).expect("readable").findings.is_empty());
    while world.answer(Command::App(AppCommand::Delete { app: two })) == Answer::Continue {}
    let again = world.answer(push_under("k", Some("c"), false));
    assert!(matches!(&again, Answer::AppGroup { apps, .. } if *apps == [one]), "{again:?}");
    world.answer(create_group("other", "l"));
    world.answer(add("l", three));
    assert!(
        matches!(world.answer(push_under("l", Some("c"), false)), Answer::AppGroup { apps, .. } if apps == [three])
    );
    assert_eq!(rows(&world), 3);
    world.now_ms += 24 * 60 * 60 * 1000;
    assert_ne!(world.answer(push_under("k", Some("c"), false)), again, "a day later it is a new push");
    world.expire();
    assert_eq!(rows(&world), 1);
}

fn create_group(name: &str, key: &str) -> Command {
    let (name, key, secret) = (name.into(), key.into(), "secret".into());
    Command::Account(AccountCommand::CreateAppGroup { name, key, secret })
}

fn create_developer(name: &str, key: &str) -> Command {
    let (name, key, secret) = (name.into(), key.into(), "secret".into());
    Command::Account(AccountCommand::CreateDeveloper { name, key, secret })
}

fn create_app(developer: &str, android_package: &str, app_key: &str, group: Option<&str>) -> Command {
    Command::Account(AccountCommand::CreateApp {
        developer: developer.into(),
        name: "shop".into(),
        android_package: android_package.into(),
        app_group: group.map(Into::into),
        app_key: app_key.into(),
        master_secret: "secret".into(),
    })
}

fn add(key: &str, app: AppNumber) -> Command {
    Command::Account(AccountCommand::AddToAppGroup { key: key.into(), app })
}

fn push(key: &str) -> Command {
    push_under(key, None, false)
}

fn push_under(key: &str, cid: Option<&str>, only_repeats: bool) -> Command {
    let (key, cid) = (key.into(), cid.map(Into::into));
    Command::Account(AccountCommand::PushToAppGroup { key, lives_s: 86_400, cid, only_repeats })
}

fn apps_of_push(world: &mut World) -> Vec<AppNumber> {
    match world.answer(push("k")) {
        Answer::AppGroup { apps, .. } => apps,
        other => panic!("{other:?}"),
    }
}
