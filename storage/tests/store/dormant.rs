//! Devices that were not seen for long: no push is for them until they are seen again.

use crate::common::World;
use crate::common::pushes::{DAY_MS, named, selected, strings};
use anser_protocol::content::Platform;
use anser_storage::command::*;
use anser_storage::ids::{AppNumber, DeviceNumber};
use anser_storage::outcome::{Answer, Refusal};

const LIMIT_DAYS: u32 = 255;

impl World {
    fn seen_at(&mut self, seen_ms: u64, devices: &[DeviceNumber]) {
        let mark = MarkCommand::Present { app: self.app, seen_ms, devices: devices.to_vec() };
        self.answer(Command::Mark(mark));
    }

    fn unseen(&self) -> Option<Vec<DeviceNumber>> {
        self.read().unseen_devices(self.app, 0, LIMIT_DAYS, self.now_ms).expect("nothing is damaged")
    }

    fn set_dormant(&mut self, devices: Vec<DeviceNumber>, as_of_ms: u64) {
        let command = SystemCommand::SetDormant { app: self.app, chunk: 0, devices, as_of_ms };
        assert_eq!(self.answer(Command::System(command)), Answer::Done);
    }

    /// What the daily job does.
    fn look_for_dormant(&mut self) {
        let (unseen, now_ms) = (self.unseen().expect("it can tell"), self.now_ms);
        self.set_dormant(unseen, now_ms);
    }

    fn are_dormant(&self, devices: &[DeviceNumber]) -> Vec<bool> {
        let is_dormant = |device: &DeviceNumber| self.read().is_dormant(self.app, *device).expect("nothing is damaged");
        devices.iter().map(is_dormant).collect()
    }

    fn targets_of(&mut self, audience: Audience) -> u64 {
        self.push_as(audience, |_| {}).1
    }
}

/// Three devices, of which only the last was seen within the limit.
fn after_the_limit() -> (World, [DeviceNumber; 3]) {
    let mut world = World::new();
    let devices = [world.device("a"), world.device("b"), world.device("c")];
    world.now_ms += 10 * DAY_MS;
    world.seen_at(world.now_ms, &devices[2..]);
    world.now_ms += (u64::from(LIMIT_DAYS) - 5) * DAY_MS;
    (world, devices)
}

#[test]
fn no_push_is_for_a_device_that_was_not_seen_for_so_many_days_however_it_is_named() {
    let (mut world, devices) = after_the_limit();
    world.tag(devices[0], &["vip"]);
    world.alias(devices[0], "alice");
    assert_eq!(world.targets_of(Audience::All), 3, "until somebody looks");

    world.look_for_dormant();

    assert_eq!(world.are_dormant(&devices), [true, true, false]);
    assert_eq!(world.targets_of(Audience::All), 1);
    assert_eq!(world.targets_of(named(&["a", "b", "c"])), 1);
    for audience in [
        named(&["a"]),
        selected(|selection| selection.tag = strings(&["vip"])),
        selected(|selection| selection.alias = strings(&["alice"])),
    ] {
        let refused = world.refusal(world.submit(audience, |_| {}));
        assert!(matches!(refused, Refusal::NoTarget { .. }), "{refused:?}");
    }
}

#[test]
fn a_device_that_is_seen_again_gets_pushes_again() {
    let (mut world, devices) = after_the_limit();
    world.look_for_dormant();
    world.seen_at(world.now_ms, &devices[..1]);
    assert_eq!(world.are_dormant(&devices), [false, true, false]);
    assert_eq!(world.targets_of(Audience::All), 2);
    world.look_for_dormant();
    assert_eq!(world.targets_of(Audience::All), 2, "and stays awake");
}

#[test]
fn who_came_back_while_the_job_was_looking_is_not_dormant() {
    let (mut world, devices) = after_the_limit();
    let (unseen, as_of_ms) = (world.unseen().expect("it can tell"), world.now_ms);
    world.now_ms += DAY_MS;
    world.seen_at(world.now_ms, &devices[1..2]);
    world.set_dormant(unseen, as_of_ms);
    assert_eq!(world.are_dormant(&devices), [true, false, false]);
}

#[test]
fn a_device_of_an_app_that_is_not_older_than_the_limit_is_never_dormant() {
    let mut young = World::new();
    let fresh = young.device("a");
    young.now_ms += u64::from(LIMIT_DAYS) * DAY_MS;
    assert_eq!(young.unseen(), None, "a day is missing");
    young.now_ms += DAY_MS;
    assert_eq!(young.unseen(), Some(vec![fresh]));
}

#[test]
fn platforms_and_apps_are_looked_at_by_themselves() {
    let (mut world, _) = after_the_limit();
    let tablet = world.device_on("tablet", Platform::IOS);
    assert_eq!(world.unseen().map(|unseen| unseen.len()), Some(2), "the tablet has just been registered");
    world.now_ms += (u64::from(LIMIT_DAYS) + 1) * DAY_MS;
    assert!(world.unseen().is_some_and(|unseen| unseen.contains(&tablet)));
    assert_eq!(world.read().device_chunks(world.app).expect("readable"), 1);
    let other = AppNumber(world.app.0 + 1);
    assert_eq!(world.read().unseen_devices(other, 0, LIMIT_DAYS, world.now_ms).expect("readable"), None);
    let command = SystemCommand::SetDormant { app: other, chunk: 0, devices: vec![tablet], as_of_ms: 0 };
    assert_eq!(world.refusal(Command::System(command)), Refusal::AppUnknown);
}

#[test]
fn a_store_whose_oldest_days_were_quiet_cannot_tell_who_was_away() {
    let (mut world, devices) = after_the_limit();
    world.look_for_dormant();
    world.now_ms += 200 * DAY_MS;
    world.seen_at(world.now_ms, &devices[2..]);
    while world.answer(Command::System(SystemCommand::CutPresence { app: world.app })) == Answer::Continue {}
    world.now_ms += DAY_MS;
    assert_eq!(world.unseen(), None);
    assert_eq!(world.are_dormant(&devices), [true, true, false], "what was known stays");
}
