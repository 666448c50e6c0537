//! Tokens of sleeping devices, their badges, and what bridges still have to do.

use crate::common::World;
use crate::common::pushes::{DAY_MS, alert, named};
use anser_protocol::content::Platform;
use anser_protocol::frame::push::TokenKind;
use anser_protocol::ids::Position;
use anser_storage::command::*;
use anser_storage::ids::DeviceNumber;
use anser_storage::outcome::{Answer, Refusal};
use anser_storage::{Channel, PushToken};

const APNS: u8 = 1;
const FCM: u8 = 3;
const CALL: u8 = 6;
const ACTIVITY: u8 = 8;
const ACTIVITY_START: u8 = 10;

fn token(kind: u8, token: &str) -> PushToken {
    PushToken { kind, token: token.into() }
}

impl World {
    fn bridge(&mut self, command: BridgeCommand) -> Answer {
        self.answer(Command::Bridge(command))
    }

    fn set_token(&mut self, device: DeviceNumber, token: Option<PushToken>) {
        let app = self.app;
        self.bridge(match token {
            Some(token) => BridgeCommand::SetToken { app, device, token },
            None => BridgeCommand::ForgetToken { app, device, kind: APNS },
        });
    }

    fn token_of(&self, device: DeviceNumber) -> Option<PushToken> {
        self.read().push_token(self.app, device).expect("whole")
    }

    /// Each push with the devices that a bridge may show a notice.
    fn to_bridge(&self, after: Position) -> Vec<(Position, Vec<u32>)> {
        self.to_bridge_on(Channel::Notice, after)
    }

    fn to_bridge_on(&self, channel: Channel, after: Position) -> Vec<(Position, Vec<u32>)> {
        let found = self.read().bridge_releases(self.app, after).expect("whole");
        let of_channel = found.releases.into_iter().filter(|release| release.channel == channel);
        of_channel.map(|release| (release.push, release.devices.iter().collect())).collect()
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
        world.bridge(BridgeCommand::HandedOver { app, push, channel: Channel::Notice, devices: vec![devices[1]] });
    }
    let done: Vec<u32> = world.read().bridged(app, push, Channel::Notice).expect("whole").iter().collect();
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

#[test]
fn a_device_has_a_token_for_notices_and_one_each_for_calls_and_activities() {
    let mut world = World::new();
    let (one, other, app) = (world.device_on("one", Platform::IOS), world.device_on("other", Platform::IOS), world.app);
    let given = [token(APNS, "n"), token(CALL, "c"), token(ACTIVITY, "a:1"), token(ACTIVITY_START, "T:2")];
    for token in &given {
        world.set_token(one, Some(token.clone()));
    }
    let kept = |world: &World, device, kind| {
        world.read().push_token_like(app, device, TokenKind(kind)).expect("whole").map(|token| token.token)
    };
    for token in &given {
        assert_eq!(kept(&world, one, token.kind).as_deref(), Some(&*token.token));
    }
    // The other environment's takes the place, and a token goes with who names it last.
    world.set_token(one, Some(token(CALL + 1, "c2")));
    assert_eq!(kept(&world, one, CALL).as_deref(), Some("c2"));
    world.set_token(other, Some(token(CALL + 1, "c2")));
    assert_eq!((kept(&world, one, CALL), kept(&world, other, CALL).as_deref()), (None, Some("c2")));
    world.bridge(BridgeCommand::DropToken { app, device: one, token: token(ACTIVITY, "a:0") });
    world.bridge(BridgeCommand::DropToken { app, device: one, token: token(ACTIVITY_START, "T:2") });
    world.bridge(BridgeCommand::ForgetToken { app, device: one, kind: APNS });
    assert_eq!((kept(&world, one, ACTIVITY).as_deref(), kept(&world, one, ACTIVITY_START)), (Some("a:1"), None));
    assert_eq!(world.token_of(one), None);
}

#[test]
fn a_call_is_released_to_those_whose_phone_can_ring_and_handed_over_apart_from_the_notice() {
    let mut world = World::new();
    let [rings, shows, neither] = ["rings", "shows", "neither"].map(|id| world.device_on(id, Platform::IOS));
    let app = world.app;
    world.set_token(rings, Some(token(CALL, "c")));
    world.set_token(shows, Some(token(APNS, "n")));
    let call = |submit: &mut Submit| {
        (submit.contents, submit.bridged) = (Vec::new(), vec![Platform::IOS]);
        submit.kept = r#"{"voip":{"caller":"x"}}"#.into();
    };
    let (only_call, targets) = world.push_as(Audience::All, call);
    assert_eq!(targets, 3);
    assert_eq!(world.to_bridge_on(Channel::Call, Position::START), [(only_call, vec![rings.0])]);
    assert_eq!(world.to_bridge(Position::START), [], "there is nothing to show");
    let reached = world.read().bridge_releases(app, Position::START).expect("whole").reached;
    let (both, _) = world.push_as(Audience::All, |submit| {
        submit.bridged = vec![Platform::IOS];
        submit.contents.push((Platform::IOS, alert("missed")));
        submit.time_to_live_s = 0;
        submit.connected = vec![neither];
    });
    assert_eq!(world.to_bridge_on(Channel::Call, reached), [(both, vec![rings.0])], "without a lifetime, too");
    assert_eq!(world.to_bridge(reached), [(both, vec![shows.0])]);

    world.bridge(BridgeCommand::HandedOver { app, push: both, channel: Channel::Call, devices: vec![rings] });
    world.received(shows, &[both]);
    let done = |channel| world.read().bridged(app, both, channel).expect("whole").iter().collect::<Vec<u32>>();
    assert_eq!((done(Channel::Call), done(Channel::Notice)), (vec![rings.0], vec![shows.0]));
    assert_eq!(done(Channel::Activity), [0; 0]);
    let pending = world.read().pending_pushes(app, rings, Platform::IOS, Position::START, world.now_ms, 9);
    assert_eq!(pending.expect("whole"), [], "no link brings a call");
}

#[test]
fn a_device_that_stopped_its_pushes_is_known_until_it_resumes_them() {
    let mut world = World::new();
    let devices: Vec<DeviceNumber> = (0..3).map(|n| world.device(&format!("d{n}"))).collect();
    let app = world.app;
    let stop = |world: &mut World, device, is_stopped| {
        world.bridge(BridgeCommand::StopPushes { app, device, is_stopped });
    };
    for device in [devices[0], devices[2], devices[2]] {
        stop(&mut world, device, true);
    }
    let stopped = |world: &World| world.read().devices_without_pushes(app).expect("whole").iter().collect::<Vec<_>>();
    assert_eq!(stopped(&world), [devices[0].0, devices[2].0]);
    assert!(world.read().has_stopped_pushes(app, devices[2]).expect("whole"));
    assert!(!world.read().has_stopped_pushes(app, devices[1]).expect("whole"));
    stop(&mut world, devices[2], false);
    stop(&mut world, devices[0], false);
    assert_eq!(stopped(&world), [0; 0]);
    let unknown = BridgeCommand::StopPushes { app, device: DeviceNumber(99), is_stopped: true };
    assert_eq!(world.apply(Command::Bridge(unknown)).answer, Err(Refusal::DeviceUnknown));
}

#[test]
fn a_push_to_a_live_activity_is_for_the_devices_whose_token_names_it() {
    let mut world = World::new();
    let ios: Vec<_> = (0..5).map(|number| world.device_on(&format!("i{number}"), Platform::IOS)).collect();
    let android = world.device("a");
    for (device, kind, text) in [
        (ios[0], ACTIVITY, "order:00"),
        (ios[1], ACTIVITY + 1, "order:01"),
        (ios[2], ACTIVITY, "order:7:02"),
        (ios[3], ACTIVITY, "orders:03"),
        (ios[4], ACTIVITY_START, "order:04"),
        (android, ACTIVITY, "order:05"),
    ] {
        world.set_token(device, Some(token(kind, text)));
    }
    let mut devices_of = |name: &str| {
        let contents = vec![(Platform::IOS, alert("x"))];
        let submit = world.submit(Audience::Activity(name.into()), |submit| submit.contents = contents);
        world.apply(submit)
    };
    assert_eq!(crate::common::pushes::released(&devices_of("order")).concat(), [ios[0].0, ios[1].0]);
    assert_eq!(crate::common::pushes::released(&devices_of("order:7")).concat(), [ios[2].0]);
    assert!(matches!(devices_of("nobody").answer, Err(Refusal::NoTarget { .. })));
}
