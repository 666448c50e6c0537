//! What is counted of pushes by the hour: what was sent, and what devices reported, each once.

use crate::common::World;
use crate::common::pushes::{DAY_MS, alert};
use anser_protocol::content::Platform;
use anser_storage::command::*;
use anser_storage::outcome::Answer;
use anser_storage::{Channel, Counted};

const HOUR_MS: u64 = 3_600_000;
const NONE: Platform = Platform(0);

impl World {
    /// By hours since the first of them.
    fn counts_since(&self, first_ms: u64) -> Vec<(u32, Counted, Platform, u64)> {
        let first = (first_ms / HOUR_MS) as u32;
        let counts = self.read().counts_of_pushes(self.app, first..u32::MAX).expect("nothing is damaged");
        counts.into_iter().map(|((hour, counted, platform), count)| (hour - first, counted, platform, count)).collect()
    }
}

#[test]
fn a_push_counts_when_it_is_sent_and_each_device_once_when_it_reports() {
    let mut world = World::new();
    let (phone, tablet) = (world.device("a"), world.device_on("b", Platform::IOS));
    let begin = world.now_ms;
    let both = vec![(Platform::ANDROID, alert("x")), (Platform::IOS, alert("x"))];
    let (push, targets) = world.push_as(Audience::All, |submit| submit.contents = both);
    assert_eq!(targets, 2);
    world.push_as(Audience::All, |submit| submit.validate_only = true);
    world.now_ms += HOUR_MS;
    for _ in 0..2 {
        world.received(phone, &[push]);
        world.received(tablet, &[push]);
    }
    world.now_ms += HOUR_MS;
    world.clicked(phone, &[push]);
    let of_another = push.0 + 1;
    world.received(phone, &[anser_protocol::ids::Position(of_another)]);

    assert_eq!(
        world.counts_since(begin),
        [
            (0, Counted::Sent, NONE, 1),
            (1, Counted::Received, Platform::ANDROID, 1),
            (1, Counted::Received, Platform::IOS, 1),
            (2, Counted::Clicked, Platform::ANDROID, 1),
        ]
    );
}

#[test]
fn what_bridges_took_is_counted_by_platform_and_once_for_each_device() {
    let mut world = World::new();
    let devices = vec![world.device("a"), world.device("b")];
    let begin = world.now_ms;
    let push = world.push(Audience::All);
    for devices in [devices[..1].to_vec(), devices] {
        let command = BridgeCommand::HandedOver { app: world.app, push, channel: Channel::Notice, devices };
        world.answer(Command::Bridge(command));
    }
    assert!(world.counts_since(begin).contains(&(0, Counted::Bridged, Platform::ANDROID, 2)));
}

#[test]
fn counts_are_kept_for_63_days_whatever_becomes_of_their_pushes() {
    let mut world = World::new();
    let phone = world.device("a");
    let begin = world.now_ms;
    let push = world.push(Audience::All);
    world.received(phone, &[push]);
    world.now_ms += 40 * DAY_MS;
    world.expire();
    let cut = || Command::System(SystemCommand::CutPresence { app: world.app });
    let cut = cut();
    while world.answer(cut.clone()) == Answer::Continue {}
    assert_eq!(world.counts_since(begin).len(), 2);
    world.now_ms += 24 * DAY_MS;
    while world.answer(cut.clone()) == Answer::Continue {}
    assert_eq!(world.counts_since(begin), []);
}

#[test]
fn calls_and_live_activities_count_as_taken_by_a_bridge_and_a_device_once() {
    let mut world = World::new();
    let devices = vec![world.device_on("a", Platform::IOS), world.device_on("b", Platform::IOS)];
    let begin = world.now_ms;
    let contents = vec![(Platform::IOS, alert("x"))];
    let (push, _) = world.push_as(Audience::All, |submit| submit.contents = contents);
    for (channel, devices) in [
        (Channel::Call, devices[..1].to_vec()),
        (Channel::Notice, devices[..1].to_vec()),
        (Channel::Activity, devices.clone()),
    ] {
        world.answer(Command::Bridge(BridgeCommand::HandedOver { app: world.app, push, channel, devices }));
    }
    let expected = [(0, Counted::Sent, NONE, 1), (0, Counted::Bridged, Platform::IOS, 2)];
    assert_eq!(world.counts_since(begin), expected);
    let report = world.read().push_report(world.app, push).expect("whole").expect("known");
    assert_eq!((report.calls_bridged, report.activities_bridged, report.platforms[0].bridged), (1, 2, 1));
}
