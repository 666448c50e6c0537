//! Who was there, and when.

use crate::common::World;
use crate::common::pushes::DAY_MS;
use anser_protocol::content::Platform;
use anser_protocol::ids::TimeMs;
#[cfg(feature = "simulation")]
use anser_storage::Table;
use anser_storage::command::*;
use anser_storage::ids::DeviceNumber;
use anser_storage::outcome::{Answer, Refusal};
use anser_storage::{Presence, Present, Use};

const HOUR_MS: TimeMs = 3_600_000;
const TEN_MINUTES_MS: TimeMs = 600_000;

impl World {
    fn seen(&mut self, seen_ms: TimeMs, devices: &[DeviceNumber]) {
        let mark = MarkCommand::Present { app: self.app, seen_ms, devices: devices.to_vec() };
        self.answer(Command::Mark(mark));
    }

    /// How many of each platform were there from one moment's hour to another's.
    fn counts(&self, what: Presence, from_ms: TimeMs, to_ms: TimeMs) -> Vec<(Platform, u64)> {
        let hour = |at_ms: TimeMs| (at_ms / HOUR_MS) as u32;
        let mut present = Present::default();
        let hours = hour(from_ms)..hour(to_ms) + 1;
        self.read().add_present(self.app, what, hours, &mut present).expect("nothing is damaged");
        present.counts()
    }

    fn last_seen(&self, device: DeviceNumber) -> Option<TimeMs> {
        self.read().last_seen(self.app, device, self.now_ms).expect("nothing is damaged")
    }

    fn active(&mut self, seen_ms: TimeMs, devices: &[DeviceNumber]) {
        let mark = MarkCommand::Active { app: self.app, seen_ms, devices: devices.to_vec() };
        self.answer(Command::Mark(mark));
    }

    fn used(&mut self, at_ms: TimeMs, platform: Platform, opens: u64, seconds: u64) {
        let uses = vec![(platform, Use { opens, seconds })];
        self.answer(Command::Mark(MarkCommand::Used { app: self.app, at_ms, uses }));
    }

    fn uses(&self, from_ms: TimeMs, to_ms: TimeMs) -> Vec<(Platform, u64, u64)> {
        let hour = |at_ms: TimeMs| (at_ms / HOUR_MS) as u32;
        let uses = self.read().uses(self.app, hour(from_ms)..hour(to_ms) + 1).expect("nothing is damaged");
        uses.into_iter().map(|(platform, used)| (platform, used.opens, used.seconds)).collect()
    }

    fn cut_presence(&mut self) {
        while self.answer(Command::System(SystemCommand::CutPresence { app: self.app })) == Answer::Continue {}
    }
}

#[test]
fn a_device_counts_once_however_often_and_in_how_many_hours_it_was_seen() {
    let mut world = World::new();
    let phones = [world.device("a"), world.device("b")];
    let tablet = world.device_on("c", Platform::IOS);
    let noon = world.now_ms;
    world.now_ms += 3 * HOUR_MS;

    world.seen(noon, &[phones[0], tablet]);
    world.seen(noon, &[phones[0]]);
    world.seen(noon + HOUR_MS, &[phones[0], phones[1]]);

    let online = |from, to| world.counts(Presence::Online, from, to);
    assert_eq!(online(noon, noon), [(Platform::ANDROID, 1), (Platform::IOS, 1)]);
    assert_eq!(online(noon + HOUR_MS, noon + HOUR_MS), [(Platform::ANDROID, 2)]);
    assert_eq!(online(noon, noon + HOUR_MS), [(Platform::ANDROID, 2), (Platform::IOS, 1)]);
    assert_eq!(online(noon + 2 * HOUR_MS, noon + 2 * HOUR_MS), []);
}

#[cfg(feature = "simulation")]
#[test]
fn a_mark_that_is_repeated_changes_nothing() {
    let mut world = World::new();
    let device = world.device("a");
    let noon = world.now_ms;
    world.seen(noon, &[device]);
    let rows = world.read().raw_rows(Table::Presence).expect("nothing is damaged");

    world.seen(noon, &[device]);

    assert_eq!(world.read().raw_rows(Table::Presence).expect("nothing is damaged"), rows);
}

#[test]
fn a_device_is_new_in_the_hour_of_its_first_registration_only() {
    let mut world = World::new();
    let begin = world.now_ms;
    world.device("a");
    world.device_on("unknown", Platform(77));
    world.now_ms += HOUR_MS;
    world.device("a");

    assert_eq!(world.counts(Presence::New, begin, begin), [(Platform::OTHER, 1), (Platform::ANDROID, 1)]);
    assert_eq!(world.counts(Presence::New, begin + HOUR_MS, begin + HOUR_MS), []);
}

#[test]
fn a_device_of_an_unnamed_platform_counts_as_other() {
    let mut world = World::new();
    let device = world.device_on("a", Platform(77));
    let now = world.now_ms;

    world.seen(now, &[device]);

    assert_eq!(world.counts(Presence::Online, now, now), [(Platform::OTHER, 1)]);
    assert!(world.last_seen(device).is_some());
}

#[test]
fn when_a_device_was_last_seen_is_known_to_ten_minutes_for_two_days() {
    let mut world = World::new();
    let (device, silent) = (world.device("a"), world.device("b"));
    let first = world.now_ms;
    world.seen(first, &[device]);
    world.now_ms += 3 * HOUR_MS;
    let last = world.now_ms;
    world.seen(last, &[device]);

    assert_eq!(world.last_seen(silent), None);
    for hours_later in [0, 1, 47] {
        world.now_ms = last + hours_later * HOUR_MS;
        let seen = world.last_seen(device).expect("it was seen");
        assert!(seen <= last && last - seen < TEN_MINUTES_MS, "{hours_later} hours later");
    }
    world.now_ms = last + 50 * HOUR_MS;
    assert_eq!(world.last_seen(device), None);
}

#[test]
fn a_mark_from_the_future_is_one_of_now() {
    let mut world = World::new();
    let device = world.device("a");

    world.seen(world.now_ms + 30 * DAY_MS, &[device]);

    assert!(world.last_seen(device).is_some_and(|seen| seen <= world.now_ms));
}

#[test]
fn presence_is_kept_for_two_months_and_then_goes_in_slices() {
    let mut world = World::new();
    let device = world.device("a");
    let begin = world.now_ms;
    for hour in 0..1100 {
        world.now_ms = begin + hour * HOUR_MS;
        world.seen(world.now_ms, &[device]);
    }

    world.now_ms = begin + 62 * DAY_MS;
    world.cut_presence();
    assert_eq!(world.counts(Presence::Online, begin, begin), [(Platform::ANDROID, 1)]);
    assert_eq!(world.counts(Presence::New, begin, begin), [(Platform::ANDROID, 1)]);

    world.now_ms = begin + 200 * DAY_MS;
    let cut = Command::System(SystemCommand::CutPresence { app: world.app });
    assert_eq!(world.answer(cut), Answer::Continue, "a slice is not the whole");
    world.cut_presence();
    assert_eq!(world.counts(Presence::Online, begin, begin + 1100 * HOUR_MS), []);
    #[cfg(feature = "simulation")]
    {
        let rows = |world: &World| world.read().raw_rows(Table::Presence).expect("nothing is damaged").len();
        assert_eq!(rows(&world), 48, "47 days, and that of the registration, are kept for a year");
        world.now_ms = begin + 500 * DAY_MS;
        world.cut_presence();
        assert_eq!(rows(&world), 0);
    }
}

#[test]
fn presence_of_two_apps_is_apart_and_goes_with_its_app() {
    let mut world = World::new();
    let device = world.device("a");
    let (one, now) = (world.app, world.now_ms);
    world.seen(now, &[device]);
    world.app = world.create_app("another");
    let stranger = world.device_on("a", Platform::IOS);
    world.seen(now, &[stranger]);
    assert_eq!(world.counts(Presence::Online, now, now), [(Platform::IOS, 1)]);

    while world.answer(Command::App(AppCommand::Delete { app: one })) == Answer::Continue {}

    assert_eq!(world.counts(Presence::Online, now, now), [(Platform::IOS, 1)]);
    world.app = one;
    assert_eq!(world.counts(Presence::Online, now, now), []);
    let late = Command::Mark(MarkCommand::Present { app: one, seen_ms: now, devices: vec![device] });
    assert_eq!(world.refusal(late), Refusal::AppUnknown);
}

#[test]
fn a_device_is_active_where_its_app_was_in_front_and_not_seen_by_that_alone() {
    let mut world = World::new();
    let (phone, tablet) = (world.device("a"), world.device_on("b", Platform::IOS));
    let noon = world.now_ms;
    world.now_ms += 3 * HOUR_MS;

    world.active(noon, &[phone]);
    world.active(noon, &[phone]);
    world.active(noon + HOUR_MS, &[phone, tablet]);

    let active = |from, to| world.counts(Presence::Active, from, to);
    assert_eq!(active(noon, noon), [(Platform::ANDROID, 1)]);
    assert_eq!(active(noon, noon + HOUR_MS), [(Platform::ANDROID, 1), (Platform::IOS, 1)]);
    assert_eq!(world.counts(Presence::Online, noon, noon + HOUR_MS), []);
    assert_eq!(world.last_seen(phone), None);
}

#[test]
fn use_is_added_up_by_hour_and_platform_and_one_without_a_name_is_other() {
    let mut world = World::new();
    let noon = world.now_ms;
    world.now_ms += 3 * HOUR_MS;
    world.used(noon, Platform::IOS, 1, 0);
    world.used(noon, Platform::IOS, 2, 60);
    world.used(noon + HOUR_MS, Platform::IOS, 1, u64::MAX);
    world.used(noon, Platform(77), 1, 5);

    assert_eq!(world.uses(noon, noon), [(Platform::OTHER, 1, 5), (Platform::IOS, 3, 60)]);
    let both = [(Platform::OTHER, 1, 5), (Platform::IOS, 4, u64::MAX)];
    assert_eq!(world.uses(noon, noon + HOUR_MS), both, "a sum never turns over");
}

#[test]
fn activity_is_kept_for_two_months_and_goes_in_slices_and_with_its_app() {
    let mut world = World::new();
    let device = world.device("a");
    let begin = world.now_ms;
    for hour in 0..1100 {
        world.now_ms = begin + hour * HOUR_MS;
        world.used(world.now_ms, Platform::ANDROID, 1, 1);
    }
    world.active(begin, &[device]);

    world.now_ms = begin + 62 * DAY_MS;
    world.cut_presence();
    assert_eq!(world.uses(begin, begin), [(Platform::ANDROID, 1, 1)]);
    assert_eq!(world.counts(Presence::Active, begin, begin), [(Platform::ANDROID, 1)]);

    world.now_ms = begin + 200 * DAY_MS;
    let cut = Command::System(SystemCommand::CutPresence { app: world.app });
    assert_eq!(world.answer(cut), Answer::Continue, "a slice is not the whole");
    world.cut_presence();
    assert_eq!(world.uses(begin, begin + 1100 * HOUR_MS), []);
    assert_eq!(world.counts(Presence::Active, begin, begin), []);

    let now = world.now_ms;
    world.used(now, Platform::ANDROID, 1, 1);
    while world.answer(Command::App(AppCommand::Delete { app: world.app })) == Answer::Continue {}
    assert_eq!(world.uses(now, now), []);
    let late = MarkCommand::Used { app: world.app, at_ms: now, uses: vec![] };
    assert_eq!(world.refusal(Command::Mark(late)), Refusal::AppUnknown);
}
