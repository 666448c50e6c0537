//! What follows for targets of a push that did not receive it: who gets a text message, and what the callback hears.

use crate::common::World;
use crate::common::pushes::{DAY_MS, alert, named, released};
use anser_protocol::content::Platform;
use anser_protocol::ids::Position;
use anser_storage::command::*;
use anser_storage::ids::DeviceNumber;
use anser_storage::outcome::Answer;
use anser_storage::{Callback, CallbackKind, DueFollowup, FollowupKind, FollowupState, PushToken, SmsOrder};

const MINUTE_MS: u64 = 60_000;
const NOBODY: [u32; 0] = [];

fn in_a_minute() -> Option<SmsOrder> {
    Some(SmsOrder { delay_s: 60, only_active: true })
}

fn only_unreceived() -> Option<Callback> {
    Some(Callback {
        url: "https://app.example.com/told".into(),
        params: String::new(),
        wants_received: false,
        wants_clicked: false,
        wants_pushed: false,
        wants_unreceived: true,
    })
}

impl World {
    fn phone(&mut self, id: &str) -> DeviceNumber {
        let device = self.device(id);
        self.mobile(device, "13800000000");
        device
    }

    fn mobile(&mut self, device: DeviceNumber, mobile: &str) {
        let change = DeviceChange { mobile: Some(mobile.into()), ..DeviceChange::default() };
        self.answer(Command::Device(DeviceCommand::Update { app: self.app, device, change }));
    }

    fn push_with_sms(&mut self, audience: Audience) -> Position {
        self.push_as(audience, |submit| submit.sms = in_a_minute()).0
    }

    fn due_now(&self) -> Vec<DueFollowup> {
        self.read().due_followups(self.now_ms, 100).expect("whole")
    }

    /// Whom text messages are due for now.
    fn to_text(&self) -> Vec<u32> {
        let due = self.due_now().into_iter().filter(|due| due.id.kind == FollowupKind::Sms);
        let found = due.flat_map(|due| {
            let found = self.read().sms_targets(&due, due.state.from, 100, self.now_ms).expect("whole");
            found.unwrap_or_default().targets
        });
        found.map(|target| target.device.0).collect()
    }

    fn texted(&mut self, push: Position, devices: &[DeviceNumber], is_refused: bool) {
        let devices = devices.to_vec();
        self.answer(Command::Bridge(BridgeCommand::Texted { app: self.app, push, devices, is_refused }));
    }

    fn followed_up(&mut self, due: DueFollowup, next: Option<NextLook>) {
        self.answer(Command::Bridge(BridgeCommand::FollowedUp { id: due.id, next }));
    }

    fn give_token(&mut self, device: DeviceNumber) {
        let token = PushToken { kind: 3, token: device.0.to_string() };
        self.answer(Command::Bridge(BridgeCommand::SetToken { app: self.app, device, token }));
    }

    /// Devices with a token that pushes were released to.
    fn devices_to_bridge(&self) -> Vec<u32> {
        let found = self.read().bridge_releases(self.app, Position::START).expect("whole");
        found.releases.into_iter().flat_map(|release| release.devices).collect()
    }

    /// Notes what is due for callbacks; how many commands that took.
    fn note_unreceived(&mut self) -> usize {
        let mut commands = 0;
        for due in self.due_now().into_iter().filter(|due| due.id.kind == FollowupKind::Unreceived) {
            loop {
                commands += 1;
                if self.answer(Command::Bridge(BridgeCommand::NoteUnreceived { id: due.id })) != Answer::Continue {
                    break;
                }
            }
        }
        commands
    }

    /// Of which devices it is told that they did not receive the push.
    fn told_unreceived(&self) -> Vec<u32> {
        let found = self.read().waiting_callbacks(self.app, 9_000, |_| false).expect("whole");
        let told = found.waiting.into_iter().filter(|told| told.event.kind == CallbackKind::Unreceived);
        told.map(|told| told.event.device.0).collect()
    }
}

#[test]
fn those_with_a_number_who_did_not_receive_it_in_time_get_a_text_message() {
    let mut world = World::new();
    let (late, in_time) = (world.phone("late"), world.phone("in-time"));
    world.device("without-number");
    world.phone("not-a-target");
    let push = world.push_with_sms(named(&["late", "in-time", "without-number"]));
    world.now_ms += MINUTE_MS - 1;
    assert_eq!(world.due_now(), []);
    world.received(in_time, &[push]);
    world.now_ms += 1;
    assert_eq!(world.to_text(), [late.0]);
    let due = world.due_now()[0];
    let found = world.read().sms_targets(&due, due.state.from, 100, world.now_ms).expect("whole").expect("it lives");
    assert_eq!((found.targets[0].registration_id.as_str(), found.targets[0].mobile.as_str()), ("late", "13800000000"));
    assert_eq!(found.next, None);
    // Who receives it while others are told is left alone as well.
    world.received(late, &[push]);
    assert_eq!(world.to_text(), NOBODY);
}

#[test]
fn nothing_is_kept_of_a_push_without_an_order() {
    let mut world = World::new();
    world.phone("one");
    world.push(named(&["one"]));
    world.now_ms += 3 * DAY_MS;
    assert_eq!(world.due_now(), []);
}

#[test]
fn who_was_told_or_whose_number_was_refused_is_not_told_again() {
    let mut world = World::new();
    let devices = [world.phone("a"), world.phone("b"), world.phone("c")];
    let push = world.push_with_sms(Audience::All);
    world.now_ms += MINUTE_MS;
    world.texted(push, &[devices[0]], false);
    world.texted(push, &[devices[1]], true);
    assert_eq!(world.to_text(), [devices[2].0]);
    assert_eq!(world.read().texted(world.app, push).expect("whole"), (1, 1));
}

#[test]
fn a_withdrawn_or_replaced_push_sends_no_text_message() {
    let mut world = World::new();
    world.phone("one");
    let withdrawn = world.push_with_sms(Audience::All);
    let replaced = world.push_with_sms(Audience::All);
    world.answer(world.withdraw(withdrawn));
    world.push_as(Audience::All, |submit| submit.replaces = Some(replaced));
    world.now_ms += MINUTE_MS;
    let due = world.due_now();
    assert_eq!(due.len(), 2);
    for due in due {
        let found = world.read().sms_targets(&due, due.state.from, 100, world.now_ms).expect("whole");
        assert_eq!(found, None);
    }
}

#[test]
fn devices_that_were_not_seen_for_63_days_are_inactive() {
    let mut world = World::new();
    let (gone, seen) = (world.phone("gone"), world.phone("seen"));
    world.now_ms += 64 * DAY_MS;
    let new = world.phone("new");
    let present = MarkCommand::Present { app: world.app, seen_ms: world.now_ms - 62 * DAY_MS, devices: vec![seen] };
    world.answer(Command::Mark(present));
    world.push_with_sms(Audience::All);
    world.now_ms += MINUTE_MS;
    assert_eq!(world.to_text(), [seen.0, new.0]);
    let all = Some(SmsOrder { delay_s: 0, only_active: false });
    world.push_as(Audience::All, |submit| submit.sms = all);
    assert_eq!(world.to_text(), [seen.0, new.0, gone.0, seen.0, new.0]);
}

#[test]
fn a_push_without_lifetime_has_those_who_were_away_as_targets_too() {
    let mut world = World::new();
    let (connected, away) = (world.phone("connected"), world.phone("away"));
    let push = world.push_as(Audience::All, |submit| {
        (submit.time_to_live_s, submit.connected) = (0, vec![connected]);
        (submit.sms, submit.callback) = (in_a_minute(), only_unreceived());
    });
    world.received(connected, &[push.0]);
    world.now_ms += MINUTE_MS;
    assert_eq!(world.to_text(), [away.0]);
    world.note_unreceived();
    assert_eq!(world.told_unreceived(), [away.0]);
    assert_eq!(world.waiting(away, Position::START, 5), []);
}

#[test]
fn what_only_bridges_can_bring_is_followed_by_text_messages() {
    let mut world = World::new();
    let device = world.device_on("ios", Platform::IOS);
    world.mobile(device, "13900000000");
    world.push_as(Audience::All, |submit| {
        submit.contents.clear();
        submit.bridged = vec![Platform::IOS];
        submit.sms = in_a_minute();
    });
    world.now_ms += MINUTE_MS;
    assert_eq!(world.to_text(), [device.0]);
}

#[test]
fn each_slice_of_a_slow_push_waits_from_its_own_release_on() {
    let mut world = World::new();
    let devices: Vec<u32> = (0..6).map(|n| world.phone(&format!("d{n}")).0).collect();
    let slow = world.submit(Audience::All, |submit| (submit.spread_s, submit.sms) = (60, in_a_minute()));
    let first = released(&world.apply(slow)).concat();
    assert_eq!(first, devices[..1]);
    world.now_ms += MINUTE_MS;
    assert_eq!(world.to_text(), first, "the others have not been sent it yet");
    assert_eq!(world.release_due().concat(), devices[1..]);
    world.now_ms += MINUTE_MS / 2;
    assert_eq!(world.to_text(), first);
    world.now_ms += MINUTE_MS / 2;
    assert_eq!(world.to_text(), devices);
}

#[test]
fn the_look_at_a_push_moves_on_and_ends_once() {
    let mut world = World::new();
    let devices: Vec<DeviceNumber> = (0..3).map(|n| world.phone(&format!("d{n}"))).collect();
    world.push_with_sms(Audience::All);
    world.now_ms += MINUTE_MS;
    let due = world.due_now()[0];
    let next = NextLook { due_ms: world.now_ms + 5_000, from: devices[1], unfinished: Some(devices[0]), failures: 2 };
    world.followed_up(due, Some(next));
    assert_eq!(world.due_now(), []);
    world.now_ms += 5_000;
    let moved = world.due_now()[0];
    let FollowupState { since_ms, from, unfinished, failures, .. } = moved.state;
    assert_eq!((since_ms, from, unfinished, failures), (due.id.due_ms, devices[1], Some(devices[0]), 2));
    assert_eq!(world.to_text(), [1, 2]);
    // Who still knows the old place changes nothing.
    world.followed_up(due, None);
    assert_eq!(world.due_now(), [moved]);
    world.followed_up(moved, None);
    world.now_ms += DAY_MS;
    assert_eq!(world.due_now(), []);
}

#[test]
fn the_callback_hears_at_the_end_who_did_not_receive_the_push() {
    let mut world = World::new();
    let devices: Vec<DeviceNumber> = (0..1_500).map(|n| world.device(&format!("d{n}"))).collect();
    let push = world.push_as(Audience::All, |submit| submit.callback = only_unreceived()).0;
    world.received(devices[3], &[push]);
    world.now_ms += DAY_MS + MINUTE_MS / 2;
    assert_eq!(world.note_unreceived(), 0, "it can still be said that it came");
    world.received(devices[4], &[push]);
    world.now_ms += MINUTE_MS / 2;
    assert_eq!(world.note_unreceived(), 2, "a thousand rows in a command");
    let missed: Vec<u32> = (0..1_500).filter(|n| !(3..5).contains(n)).collect();
    assert_eq!(world.told_unreceived(), missed);
    world.now_ms += DAY_MS;
    assert_eq!(world.note_unreceived(), 0, "once");
}

#[test]
fn a_withdrawn_or_replaced_push_has_ended_at_once() {
    let mut world = World::new();
    let one = world.device("one");
    let withdrawn = world.push_as(Audience::All, |submit| submit.callback = only_unreceived()).0;
    let replaced = world.push_as(Audience::All, |submit| submit.callback = only_unreceived()).0;
    world.answer(world.withdraw(withdrawn));
    world.push_as(Audience::All, |submit| submit.replaces = Some(replaced));
    world.now_ms += MINUTE_MS;
    assert_eq!(world.note_unreceived(), 2);
    assert_eq!(world.told_unreceived(), [one.0, one.0]);
    world.now_ms += 2 * DAY_MS;
    assert_eq!(world.note_unreceived(), 0);
}

#[test]
fn what_is_due_for_a_deleted_app_or_a_forgotten_push_is_dropped() {
    let mut world = World::new();
    world.phone("one");
    let change = |submit: &mut Submit| (submit.sms, submit.callback) = (in_a_minute(), only_unreceived());
    world.push_as(Audience::All, change);
    world.now_ms += 40 * DAY_MS;
    world.expire();
    assert_eq!(world.to_text(), NOBODY);
    assert_eq!(world.note_unreceived(), 1);
    let left = world.due_now()[0];
    assert_eq!(left.id.kind, FollowupKind::Sms);
    world.followed_up(left, None);
    assert_eq!(world.due_now(), []);

    world.push_as(Audience::All, change);
    while world.answer(Command::App(AppCommand::Delete { app: world.app })) == Answer::Continue {}
    world.now_ms += 2 * DAY_MS;
    assert_eq!(world.to_text(), NOBODY);
    for due in world.due_now() {
        let next = NextLook { due_ms: world.now_ms, from: DeviceNumber(0), unfinished: None, failures: 1 };
        let command = match due.id.kind {
            FollowupKind::Sms => BridgeCommand::FollowedUp { id: due.id, next: Some(next) },
            FollowupKind::Unreceived => BridgeCommand::NoteUnreceived { id: due.id },
        };
        world.answer(Command::Bridge(command));
    }
    assert_eq!(world.due_now(), []);
}

#[test]
fn bridges_hear_of_releases_and_not_of_an_audience_that_is_only_written_down() {
    let mut world = World::new();
    let devices = [world.device("a"), world.device("b")];
    devices.iter().for_each(|device| world.give_token(*device));
    world.push_as(Audience::All, |submit| {
        (submit.time_to_live_s, submit.connected) = (0, vec![devices[1]]);
        submit.sms = in_a_minute();
    });
    assert_eq!(world.devices_to_bridge(), [1]);
    world.push_as(Audience::All, |submit| {
        submit.contents = vec![(Platform::ANDROID, alert("slow"))];
        submit.spread_s = 60;
    });
    assert_eq!(world.devices_to_bridge(), [1, 0], "the first part");
    world.now_ms += MINUTE_MS;
    world.release_due();
    assert_eq!(world.devices_to_bridge(), [1, 0, 1]);
}

#[test]
fn nobody_is_told_of_a_push_whose_releases_retention_has_cut_even_while_they_are_remembered() {
    let mut world = World::new();
    let device = world.device("a");
    for index in 0..100 {
        world.device(&format!("other-{index}"));
    }
    let (push, _) = world.push_as(Audience::All, |submit| submit.callback = only_unreceived());
    // Looked at once, the release is remembered.
    world.received(device, &[push]);
    world.now_ms += 2 * DAY_MS;
    let end = world.read().end();
    world.answer(Command::System(SystemCommand::Cut {
        app: world.app,
        class: Class::Push,
        below: Position(end.0 + 1),
    }));
    world.note_unreceived();
    assert_eq!(world.told_unreceived(), NOBODY);
}

#[cfg(feature = "simulation")]
mod on_a_disk {
    use anser_storage::disk::crash::CrashDisk;
    use anser_storage::{Damage, Finding, Options, Store, Table};
    use redb::{Database, ReadableTable, TableDefinition};

    use super::*;

    const DUE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("followups_due");

    fn open(disk: &CrashDisk) -> Store {
        Store::open_on(disk.backend(), Options::default()).expect("the disk is well")
    }

    #[test]
    fn a_damaged_row_holds_up_nobody_else_and_the_scrub_finds_it() {
        let disk = CrashDisk::default();
        let mut world = World::on(open(&disk));
        world.phone("one");
        let pushes = [world.push_with_sms(Audience::All), world.push_with_sms(Audience::All)];
        let World { store, now_ms, .. } = world;
        store.shut_down().expect("the disk is well");
        let image = CrashDisk::holding(disk.synced());
        let database = Database::builder().create_with_backend(image.backend()).expect("a whole file");
        let transaction = database.begin_write().expect("the disk is well");
        let key = {
            let mut table = transaction.open_table(DUE).expect("the table is there");
            let (key, mut value) = {
                let (key, value) = table.first().expect("whole").expect("a row");
                (key.value().to_vec(), value.value().to_vec())
            };
            value[0] ^= 1;
            table.insert(&key[..], &value[..]).expect("the disk is well");
            key
        };
        transaction.commit().expect("the disk is well");
        drop(database);

        let store = open(&image);
        let snapshot = store.reader().snapshot().expect("it is open");
        let due = snapshot.due_followups(now_ms + MINUTE_MS, 100).expect("the others are whole");
        assert_eq!(due.iter().map(|due| due.id.push).collect::<Vec<_>>(), pushes[1..]);
        assert_eq!(
            crate::common::findings(&snapshot),
            [Finding { table: Table::FollowupsDue, key, damage: Damage::Broken }]
        );
    }
}

#[test]
fn nothing_is_left_of_a_slow_push_that_nobody_released_until_it_was_forgotten() {
    let mut world = World::new();
    for index in 0..12 {
        world.device(&format!("device-{index}"));
    }
    world.push_as(Audience::All, |submit| submit.spread_s = 60);
    world.now_ms += 40 * DAY_MS;
    world.expire();
    assert_eq!(world.read().due_slices(world.now_ms, 10).expect("whole").len(), 0);
    assert_eq!(world.findings(), []);
}
