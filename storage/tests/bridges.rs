//! Tokens of sleeping devices, their badges, and what bridges still have to do.

mod common;

use anser_protocol::content::Platform;
use anser_protocol::ids::Position;
use anser_storage::PushToken;
use anser_storage::command::*;
use anser_storage::ids::DeviceNumber;
use anser_storage::outcome::{Answer, Refusal};
use common::World;
use common::pushes::{DAY_MS, alert, named};

const APNS: u8 = 1;
const FCM: u8 = 3;

fn token(kind: u8, token: &str) -> PushToken {
    PushToken { kind, token: token.into() }
}

impl World {
    fn bridge(&mut self, command: BridgeCommand) -> Answer {
        self.answer(Command::Bridge(command))
    }

    fn set_token(&mut self, device: DeviceNumber, token: Option<PushToken>) {
        self.bridge(BridgeCommand::SetToken { app: self.app, device, token });
    }

    fn token_of(&self, device: DeviceNumber) -> Option<PushToken> {
        self.read().push_token(self.app, device).expect("whole")
    }

    /// Each push with the devices that a bridge may reach.
    fn to_bridge(&self, after: Position) -> Vec<(Position, Vec<u32>)> {
        let found = self.read().bridge_releases(self.app, after).expect("whole");
        found.releases.into_iter().map(|release| (release.push, release.devices.iter().collect())).collect()
    }

    fn count(&mut self, push: Position, devices: &[DeviceNumber], change: BadgeChange) -> Vec<u32> {
        let devices = devices.to_vec();
        match self.bridge(BridgeCommand::CountBadges { app: self.app, push, devices, change }) {
            Answer::Badges(badges) => badges,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_token_is_of_the_last_device_that_named_it() {
    let mut world = World::new();
    let (old, new) = (world.device("old"), world.device("new"));
    world.set_token(old, Some(token(APNS, "t")));
    world.set_token(new, Some(token(APNS, "t")));
    assert_eq!((world.token_of(old), world.token_of(new)), (None, Some(token(APNS, "t"))));
    // The same text for another bridge is another token.
    world.set_token(old, Some(token(FCM, "t")));
    assert_eq!(world.token_of(new), Some(token(APNS, "t")));
    world.set_token(new, None);
    assert_eq!((world.token_of(old), world.token_of(new)), (Some(token(FCM, "t")), None));
}

#[test]
fn a_token_that_a_bridge_refused_goes_unless_a_newer_one_came() {
    let mut world = World::new();
    let device = world.device("one");
    world.set_token(device, Some(token(APNS, "new")));
    let app = world.app;
    world.bridge(BridgeCommand::DropToken { app, device, token: token(APNS, "old") });
    assert_eq!(world.token_of(device), Some(token(APNS, "new")));
    world.bridge(BridgeCommand::DropToken { app, device, token: token(APNS, "new") });
    assert_eq!(world.token_of(device), None);
    let push = world.push(named(&["one"]));
    assert_eq!(world.to_bridge(Position::START), [], "{push:?}");
}

#[test]
fn only_devices_with_a_token_are_the_bridges_business() {
    let mut world = World::new();
    let devices: Vec<DeviceNumber> = (0..200).map(|n| world.device(&format!("d{n}"))).collect();
    for device in &devices[..3] {
        world.set_token(*device, Some(token(FCM, &format!("t{}", device.0))));
    }
    let alone = world.push(named(&["d1"]));
    let to_all = world.push(Audience::All);
    let to_others = world.push(named(&["d7", "d8"]));
    assert_eq!(world.to_bridge(Position::START), [(alone, vec![1]), (to_all, vec![0, 1, 2])], "not {to_others:?}");

    let reached = world.read().bridge_releases(world.app, Position::START).expect("whole").reached;
    assert_eq!(world.to_bridge(reached), []);
    let app = world.app;
    assert_eq!(world.read().bridge_cursor(app).expect("whole"), None);
    world.bridge(BridgeCommand::Advance { app, position: reached });
    assert_eq!(world.read().bridge_cursor(app).expect("whole"), Some(reached));
}

#[test]
fn what_was_received_or_handed_over_needs_no_bridge_and_is_counted_once() {
    let mut world = World::new();
    let devices: Vec<DeviceNumber> = (0..3).map(|n| world.device(&format!("d{n}"))).collect();
    for device in &devices {
        world.set_token(*device, Some(token(FCM, &format!("t{}", device.0))));
    }
    let push = world.push(named(&["d0", "d1", "d2"]));
    let app = world.app;
    world.received(devices[0], &[push]);
    for _ in 0..2 {
        world.bridge(BridgeCommand::HandedOver { app, push, devices: vec![devices[1]] });
    }
    let done: Vec<u32> = world.read().bridged(app, push).expect("whole").iter().collect();
    assert_eq!(done, [0, 1]);
    let report = world.read().push_report(app, push).expect("whole").expect("known");
    assert_eq!((report.platforms[0].bridged, report.platforms[0].received), (1, 1));
}

#[test]
fn a_push_that_is_over_is_not_bridged() {
    let mut world = World::new();
    world.device("one");
    let (withdrawn, replaced) = (world.push(named(&["one"])), world.push(named(&["one"])));
    world.answer(world.withdraw(withdrawn));
    let (newer, _) = world.push_as(named(&["one"]), |submit| submit.replaces = Some(replaced));
    let (app, now_ms) = (world.app, world.now_ms);
    let is_alive = |push, now_ms| world.read().bridge_push(app, push, now_ms).expect("whole").is_some();
    assert!(!is_alive(withdrawn, now_ms) && !is_alive(replaced, now_ms) && is_alive(newer, now_ms));
    assert!(!is_alive(newer, now_ms + DAY_MS), "expired");
}

#[test]
fn a_notification_without_lifetime_still_goes_to_sleeping_ios_devices() {
    let mut world = World::new();
    let [asleep, awake, other] = ["asleep", "awake", "other"].map(|id| world.device_on(id, Platform::IOS));
    let android = world.device("android");
    world.set_token(asleep, Some(token(APNS, "a")));
    world.set_token(android, Some(token(FCM, "b")));
    let (push, _) = world.push_as(Audience::All, |submit| {
        submit.contents.push((Platform::IOS, alert("news")));
        submit.time_to_live_s = 0;
        submit.connected = vec![awake];
    });
    assert_eq!(world.to_bridge(Position::START), [(push, vec![asleep.0])]);
    let now_ms = world.now_ms;
    let bridged = world.read().bridge_push(world.app, push, now_ms).expect("whole").expect("alive");
    assert!(bridged.is_live_only && bridged.expires_ms > now_ms);
    // For links nothing has changed.
    let pending = world.read().pending_pushes(world.app, asleep, Platform::IOS, Position::START, now_ms, 9);
    assert_eq!(pending.expect("whole"), []);
    let _ = other;
}

#[test]
fn a_badge_is_counted_once_for_each_push() {
    let mut world = World::new();
    let devices = [world.device("a"), world.device("b")];
    let app = world.app;
    world.bridge(BridgeCommand::SetBadge { app, device: devices[1], badge: 7 });
    let (first, second) = (world.push(Audience::All), world.push(Audience::All));
    assert_eq!(world.count(first, &devices, BadgeChange::By(1)), [1, 8]);
    assert_eq!(world.count(first, &devices, BadgeChange::By(1)), [1, 8], "tried again");
    assert_eq!(world.count(second, &devices, BadgeChange::By(-3)), [0, 5]);
    let third = world.push(Audience::All);
    assert_eq!(world.count(third, &devices, BadgeChange::To(1_000_000)), [99_999, 99_999]);
    world.bridge(BridgeCommand::SetBadge { app, device: devices[0], badge: 0 });
    assert_eq!(world.read().badge(app, devices[0]).expect("whole"), 0);
    let unknown = BridgeCommand::SetBadge { app, device: DeviceNumber(99), badge: 1 };
    assert_eq!(world.apply(Command::Bridge(unknown)).answer, Err(Refusal::DeviceUnknown));
}
