//! Operators' sessions, roles and the audit log, and the lists that they read.

use crate::common::World;
use anser_protocol::content::Platform;
use anser_storage::command::*;
use anser_storage::ids::{AppNumber, DeviceNumber};
use anser_storage::outcome::Refusal;

const TOKEN: [u8; 32] = [7; 32];
const HOUR_MS: u64 = 3_600_000;

fn operator(command: OperatorCommand) -> Command {
    Command::Operator(command)
}

fn add(name: &str, role: OperatorRole, apps: &[AppNumber]) -> Command {
    let account = OperatorAccount { role, apps: apps.to_vec(), password: "hash".into() };
    operator(OperatorCommand::Add { name: name.into(), account })
}

fn log_in(name: &str, expires_ms: u64) -> Command {
    let (name, password) = (name.into(), "hash".into());
    operator(OperatorCommand::LogIn { name, password, token_hash: TOKEN, expires_ms })
}

fn deed(target: &str) -> Deed {
    Deed { operator: "ann".into(), action: "try".into(), target: target.into(), status: 200, ..Deed::default() }
}

#[test]
fn a_session_goes_on_while_it_is_used_and_never_begins_again() {
    let mut world = World::new();
    world.answer(add("ann", OperatorRole::Owner, &[]));
    let now_ms = world.now_ms;
    world.answer(log_in("ann", now_ms + HOUR_MS));
    let is_good = |world: &World, at_ms| world.read().operator_of_session(&TOKEN, at_ms).expect("readable").is_some();
    world.answer(operator(OperatorCommand::Extend { token_hash: TOKEN, expires_ms: now_ms + 2 * HOUR_MS }));
    assert!(is_good(&world, now_ms + HOUR_MS) && !is_good(&world, now_ms + 2 * HOUR_MS));
    world.now_ms += 3 * HOUR_MS;
    world.answer(operator(OperatorCommand::Extend { token_hash: TOKEN, expires_ms: now_ms + 9 * HOUR_MS }));
    assert!(!is_good(&world, now_ms + 3 * HOUR_MS));
}

#[test]
fn another_role_ends_sessions_and_an_owner_stays() {
    let mut world = World::new();
    let app = world.create_app("shop");
    world.answer(add("ann", OperatorRole::Owner, &[]));
    let now_ms = world.now_ms;
    world.answer(log_in("ann", now_ms + HOUR_MS));
    let change = |name: &str, apps: &[AppNumber]| {
        let (name, apps) = (name.into(), apps.to_vec());
        operator(OperatorCommand::Change { name, role: OperatorRole::Sender, apps })
    };
    assert_eq!(world.refusal(change("ann", &[app])), Refusal::LastOwner);
    assert_eq!(world.refusal(change("bob", &[app])), Refusal::OperatorUnknown);
    world.answer(add("bob", OperatorRole::Owner, &[]));
    assert_eq!(world.refusal(change("ann", &[AppNumber(99)])), Refusal::AppUnknown);
    world.answer(change("ann", &[app]));
    let found = world.read().operator_of_session(&TOKEN, now_ms).expect("readable");
    assert_eq!(found, None);
    let ann = world.read().operator("ann").expect("readable").expect("there");
    assert_eq!((ann.account.role, ann.account.apps), (OperatorRole::Sender, vec![app]));
}

#[test]
fn the_audit_log_is_read_from_its_end_and_forgets_after_a_year() {
    let mut world = World::new();
    for number in 0..10 {
        world.answer(operator(OperatorCommand::Note(deed(&number.to_string()))));
    }
    let page = |world: &World, before, limit, looked_at| {
        let read = world.read().audit(before, limit, looked_at, |entry| entry.deed.target != "8");
        let part = read.expect("readable");
        (part.items.into_iter().map(|(_, entry)| entry.deed.target).collect::<Vec<_>>(), part.next)
    };
    assert_eq!(page(&world, None, 3, 100), (vec!["9".into(), "7".into(), "6".into()], Some(7)));
    assert_eq!(page(&world, Some(7), 3, 2), (vec!["5".into(), "4".into()], Some(5)));
    assert_eq!(page(&world, Some(3), 3, 100), (vec!["1".into(), "0".into()], None));
    world.now_ms += 367 * 24 * HOUR_MS;
    for _ in 0..4 {
        world.answer(operator(OperatorCommand::Note(deed("new"))));
    }
    assert_eq!(page(&world, None, 100, 100).0, ["new"; 4]);
}

#[test]
fn an_app_is_found_under_its_new_name_only() {
    let mut world = World::new();
    let (shop, _) = (world.create_app("shop"), world.create_app("bank"));
    let rename = |name: &str| Command::App(AppCommand::Rename { app: shop, name: name.into() });
    assert_eq!(world.refusal(rename("bank")), Refusal::AppNameTaken);
    world.answer(rename("store"));
    world.answer(rename("store"));
    let apps = world.read().apps().expect("readable");
    let names: Vec<String> = apps.into_iter().map(|(_, app)| app.name).collect();
    assert_eq!(names, ["chat", "store", "bank"]);
    let (app_key, master_secret) = ("another key".into(), "secret".into());
    world.answer(Command::App(AppCommand::Create { name: "shop".into(), app_key, master_secret }));
}

#[test]
fn lists_of_devices_and_tags_go_on_where_a_part_ends() {
    let mut world = World::new();
    let app = world.create_app("shop");
    for number in 0..5_u8 {
        let register = DeviceCommand::Register {
            app,
            registration_id: format!("device{number}"),
            secret_hash: [number; 32],
            platform: Platform::ANDROID,
        };
        world.answer(Command::Device(register));
        let tags = vec!["all".to_owned(), format!("tag{number}")];
        world.answer(Command::Device(DeviceCommand::SetTags { app, device: DeviceNumber(number.into()), tags }));
    }
    let read = world.read();
    let devices = |before| read.list_devices(app, before, 2).expect("readable");
    let first = devices(None);
    assert_eq!((first.items, first.next), (vec![DeviceNumber(4), DeviceNumber(3)], Some(DeviceNumber(3))));
    let last = devices(Some(DeviceNumber(1)));
    assert_eq!((last.items, last.next), (vec![DeviceNumber(0)], None));
    let of_tag = |after| read.list_devices_of_tag(app, "all", after, 3).expect("readable");
    assert_eq!(of_tag(None).next, Some(DeviceNumber(2)));
    assert_eq!(of_tag(Some(DeviceNumber(2))).items, [DeviceNumber(3), DeviceNumber(4)]);
    let tags = |after| read.list_tags(app, after, 2, "tag").expect("readable");
    let part = tags(None);
    assert_eq!(
        part.items.iter().map(|tag| (tag.name.as_str(), tag.devices)).collect::<Vec<_>>(),
        [("tag0", 1), ("tag1", 1)]
    );
    assert_eq!(part.next.as_deref(), Some("tag1"));
    assert_eq!(tags(Some("tag3")).items.len(), 1);
    assert_eq!(read.device_total(app).expect("readable"), 5);
}
