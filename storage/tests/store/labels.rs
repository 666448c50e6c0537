//! Tags, aliases and test marks of many devices at once.

use crate::common::World;
use crate::common::pushes::*;
use anser_protocol::content::Platform;
use anser_storage::command::*;
use anser_storage::ids::DeviceNumber;
use anser_storage::outcome::{Answer, Refusal};

#[test]
fn a_tag_goes_to_some_devices_and_from_others_in_one_command() {
    let (mut world, devices) = with_devices(4);
    world.tag(devices[0], &["t"]);
    world.tag(devices[1], &["t", "other"]);
    world.answer(change(&world, "t", &[devices[0], devices[1]], &[devices[1], devices[2]]));
    assert_eq!(carriers(&world, "t", &devices), [false, true, true, false]);
    assert_eq!(tags(&world, devices[1]), ["other", "t"]);
    assert_eq!(released(&world.apply(to_tag(&world, "t"))).concat(), [devices[1].0, devices[2].0]);
}

#[test]
fn a_change_of_a_tag_is_all_or_nothing() {
    let (mut world, devices) = with_devices(2);
    world.tag(devices[0], &["t"]);
    let full: Vec<String> = (0..1000).map(|number| format!("tag{number}")).collect();
    let update = DeviceChange { add_tags: full, ..DeviceChange::default() };
    world.answer(Command::Device(DeviceCommand::Update { app: world.app, device: devices[1], change: update }));
    let refused = world.refusal(change(&world, "t", &[devices[0]], &[devices[1]]));
    assert_eq!(refused, Refusal::TooManyTags);
    let refused = world.refusal(change(&world, "t", &[devices[0]], &[DeviceNumber(77)]));
    assert_eq!(refused, Refusal::DeviceUnknown);
    assert_eq!(carriers(&world, "t", &devices), [true, false]);
    assert_eq!(tags(&world, devices[1]).len(), 1000);
}

#[test]
fn a_deleted_tag_is_gone_at_once_and_its_rows_go_in_slices() {
    let (mut world, devices) = with_devices(2500);
    let before = world.read().row_counts().expect("nothing is damaged");
    for some in devices.chunks(1000) {
        world.answer(change(&world, "t", &[], some));
    }
    assert_eq!(world.answer(delete(&world, "t")), Answer::Continue);
    assert!(!carriers(&world, "t", &devices).contains(&true));
    assert!(tags(&world, devices[7]).is_empty());
    assert!(matches!(world.refusal(to_tag(&world, "t")), Refusal::NoTarget { .. }));
    assert!(world.read().tags_of_app(world.app, 100).expect("readable").is_empty());
    assert_whole(&world);

    // A device that is changed meanwhile, and the same name again.
    world.answer(change(&world, "t", &[], &[devices[3]]));
    assert_eq!(tags(&world, devices[3]), ["t"]);
    assert_eq!(clear(&mut world), 5, "2,499 devices, the row, and the answer that nothing is left");
    assert_eq!(carriers(&world, "t", &devices[2..5]), [false, true, false]);
    assert_whole(&world);

    world.answer(delete(&world, "t"));
    clear(&mut world);
    let after = world.read().row_counts().expect("nothing is damaged");
    let left: Vec<_> =
        before.iter().zip(&after).filter(|(before, after)| before != after).map(|(_, it)| it.0).collect();
    assert_eq!(left, [anser_storage::Table::DeviceTags], "empty lists stay");
}

#[test]
fn a_retired_tag_does_not_count_among_the_thousand_of_a_device() {
    let (mut world, devices) = with_devices(1);
    let full: Vec<String> = (0..1000).map(|number| format!("tag{number}")).collect();
    world.answer(Command::Device(DeviceCommand::SetTags { app: world.app, device: devices[0], tags: full }));
    assert_eq!(world.refusal(change(&world, "one more", &[], &devices)), Refusal::TooManyTags);
    world.answer(delete(&world, "tag500"));
    world.answer(change(&world, "one more", &[], &devices));
    assert_eq!(tags(&world, devices[0]).len(), 1000);
    clear(&mut world);
    assert_eq!(tags(&world, devices[0]).len(), 1000);
    assert_whole(&world);
}

#[test]
fn a_tag_is_deleted_on_some_platforms_only() {
    let (mut world, devices) = with_devices(2500);
    for some in devices.chunks(1000) {
        world.answer(change(&world, "t", &[], some));
    }
    let ios = world.device_on("apple", Platform::IOS);
    world.tag(ios, &["t"]);
    let (mut slices, mut from_chunk) = (1, 0);
    while let Answer::ContinueFrom { chunk } = world.answer(delete_on(&world, "t", from_chunk)) {
        (slices, from_chunk) = (slices + 1, chunk);
    }
    assert_eq!(slices, 3);
    assert!(!carriers(&world, "t", &devices).contains(&true));
    assert_eq!(carriers(&world, "t", &[ios]), [true]);
    assert_whole(&world);
}

#[test]
fn an_alias_is_taken_from_named_devices_or_from_platforms() {
    let (mut world, devices) = with_devices(3);
    let ios = world.device_on("apple", Platform::IOS);
    for device in [devices[0], devices[1], ios] {
        world.alias(device, "me");
    }
    world.alias(devices[2], "you");
    let app = world.app;
    let named = LabelCommand::UnbindAlias { app, alias: "me".into(), devices: vec![devices[0], devices[2]] };
    world.answer(Command::Label(named));
    assert_eq!(world.read().devices_of_alias(app, "me").expect("readable"), [devices[1], ios]);
    assert_eq!(world.read().devices_of_alias(app, "you").expect("readable"), [devices[2]]);
    let on_ios = LabelCommand::DeleteAlias { app, alias: "me".into(), platforms: vec![Platform::IOS] };
    world.answer(Command::Label(on_ios));
    assert_eq!(world.read().devices_of_alias(app, "me").expect("readable"), [devices[1]]);
    world.answer(Command::Label(LabelCommand::DeleteAlias { app, alias: "me".into(), platforms: vec![] }));
    assert!(world.read().devices_of_alias(app, "me").expect("readable").is_empty());
    assert_whole(&world);
}

#[test]
fn tags_are_listed_up_to_a_number_for_each_platform() {
    let (mut world, devices) = with_devices(2);
    let ios = world.device_on("apple", Platform::IOS);
    world.tag(devices[0], &["c", "a", "b", "d"]);
    world.tag(ios, &["d", "z"]);
    world.tag(devices[1], &["gone"]);
    world.tag(devices[1], &[]);
    let listed = |limit| world.read().tags_of_app(world.app, limit).expect("readable");
    assert_eq!(listed(100), ["a", "b", "c", "d", "z"], "a tag that nobody carries is none");
    assert_eq!(listed(1).len(), 2);
}

#[test]
fn a_test_device_is_marked_renamed_and_unmarked() {
    let (mut world, devices) = with_devices(1);
    let (app, device) = (world.app, devices[0]);
    let set = |name: &str, must_be_one| {
        Command::Label(LabelCommand::SetTestDevice { app, device, name: name.into(), must_be_one })
    };
    assert_eq!(world.refusal(set("desk", true)), Refusal::NotATestDevice);
    world.answer(set("desk", false));
    let created_ms = world.now_ms;
    world.answer(set("shelf", true));
    let shown = world.read().list_test_devices(app).expect("readable");
    assert_eq!((shown[0].name.as_str(), shown[0].created_ms), ("shelf", created_ms));
    assert!(world.read().is_test_device(app, device).expect("readable"));
    world.answer(Command::Label(LabelCommand::RemoveTestDevice { app, device }));
    assert!(world.read().list_test_devices(app).expect("readable").is_empty());
}

fn with_devices(count: usize) -> (World, Vec<DeviceNumber>) {
    let mut world = World::new();
    let devices = (0..count).map(|number| world.device(&format!("rid{number}"))).collect();
    (world, devices)
}

fn change(world: &World, tag: &str, remove: &[DeviceNumber], add: &[DeviceNumber]) -> Command {
    let (remove, add) = (remove.to_vec(), add.to_vec());
    Command::Label(LabelCommand::ChangeTag { app: world.app, tag: tag.into(), remove, add })
}

fn delete(world: &World, tag: &str) -> Command {
    Command::Label(LabelCommand::DeleteTag { app: world.app, tag: tag.into() })
}

/// On Android and HarmonyOS.
fn delete_on(world: &World, tag: &str, from_chunk: u32) -> Command {
    let platforms = vec![Platform::ANDROID, Platform::HMOS];
    Command::Label(LabelCommand::DeleteTagOn { app: world.app, tag: tag.into(), platforms, from_chunk })
}

/// How many commands it took.
fn clear(world: &mut World) -> usize {
    let mut count = 1;
    while world.answer(Command::Label(LabelCommand::ClearTags { app: world.app })) == Answer::Continue {
        count += 1;
    }
    count
}

fn to_tag(world: &World, tag: &str) -> Command {
    world.submit(selected(|it| it.tag = strings(&[tag])), |_| {})
}

fn carriers(world: &World, tag: &str, devices: &[DeviceNumber]) -> Vec<bool> {
    let snapshot = world.read();
    devices.iter().map(|device| snapshot.has_tag(world.app, *device, tag).expect("readable")).collect()
}

fn tags(world: &World, device: DeviceNumber) -> Vec<String> {
    world.read().tags_of_device(world.app, device).expect("readable")
}

fn assert_whole(world: &World) {
    let snapshot = world.read();
    let mut place = None;
    loop {
        let scrubbed = snapshot.scrub(place.as_ref(), 10_000).expect("readable");
        assert_eq!(scrubbed.findings, []);
        place = scrubbed.next;
        if place.is_none() {
            return;
        }
    }
}
