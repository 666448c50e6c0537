//! What is known of a push: by platform, by kind of content, and for one device.

use crate::common::World;
use crate::common::pushes::*;
use anser_protocol::content::{CustomMessage, Platform, PushContent};
use anser_protocol::ids::Position;
#[cfg(feature = "simulation")]
use anser_storage::Table;
use anser_storage::command::*;
use anser_storage::ids::DeviceNumber;
use anser_storage::{Delivery, PlatformReport, PushReport};

fn message() -> PushContent {
    let message = CustomMessage { content: "custom".into(), ..CustomMessage::default() };
    PushContent { notification: None, message: Some(message) }
}

impl World {
    fn report(&self, push: Position) -> Option<PushReport> {
        self.read().push_report(self.app, push).expect("nothing is damaged")
    }

    fn report_of(&self, push: Position, platform: Platform) -> PlatformReport {
        let report = self.report(push).expect("the push is known");
        *report.platforms.iter().find(|of| of.platform == platform).expect("it had targets there")
    }

    fn reported(&mut self, device: DeviceNumber, what: Reported, pushes: &[Position]) {
        let pushes = pushes.to_vec();
        self.answer(Command::Push(PushCommand::Reported { app: self.app, device, what, pushes }));
    }

    fn reached_by(&mut self, push: Position, devices: &[DeviceNumber]) {
        let pushes = vec![(push, devices.to_vec())];
        self.answer(Command::Mark(MarkCommand::Reached { app: self.app, pushes }));
    }

    fn delivery(&self, push: Position, device: DeviceNumber) -> Delivery {
        self.read().delivery(self.app, push, device).expect("nothing is damaged")
    }
}

#[test]
fn targets_are_counted_by_platform_and_name_the_kinds_that_each_was_sent() {
    let mut world = World::new();
    for number in 0..3 {
        world.device(&format!("a{number}"));
    }
    world.device_on("i", Platform::IOS);
    world.device_on("h", Platform::HMOS);
    let contents =
        vec![(Platform::ANDROID, alert("news")), (Platform::IOS, message()), (Platform::QUICKAPP, alert("nobody"))];

    let (push, targets) = world.push_as(Audience::All, |submit| submit.contents = contents);

    assert_eq!(targets, 4);
    let report = world.report(push).expect("it is known");
    let android =
        PlatformReport { platform: Platform::ANDROID, has_notification: true, targets: 3, ..PlatformReport::default() };
    let ios = PlatformReport { platform: Platform::IOS, has_message: true, targets: 1, ..PlatformReport::default() };
    assert_eq!((report.at_ms, report.platforms), (world.now_ms, vec![android, ios]));
}

#[test]
fn each_device_counts_once_in_each_counter_of_its_platform() {
    let mut world = World::new();
    let android: Vec<_> = (0..3).map(|number| world.device(&format!("a{number}"))).collect();
    let ios = world.device_on("i", Platform::IOS);
    let both = PushContent { message: message().message, ..alert("news") };
    let contents = vec![(Platform::ANDROID, both.clone()), (Platform::IOS, both)];
    let (push, _) = world.push_as(Audience::All, |submit| submit.contents = contents);

    for _ in 0..3 {
        world.reached_by(push, &[android[0], ios]);
        world.received(android[0], &[push, push]);
        world.received(android[1], &[push]);
        world.clicked(android[1], &[push]);
        world.reported(android[1], Reported::Shown, &[push, push]);
        world.reported(android[0], Reported::Shown, &[push]);
        world.reported(android[0], Reported::MessageClicked, &[push]);
        world.reported(ios, Reported::MessageShown, &[push]);
    }

    let expected = PlatformReport {
        platform: Platform::ANDROID,
        has_notification: true,
        has_message: true,
        targets: 3,
        reached: 1,
        sent: 2,
        received: 2,
        clicked: 1,
        shown: 2,
        message_clicked: 1,
        ..PlatformReport::default()
    };
    assert_eq!(world.report_of(push, Platform::ANDROID), expected);
    let ios = world.report_of(push, Platform::IOS);
    assert_eq!((ios.reached, ios.sent, ios.received, ios.message_shown), (1, 1, 0, 1));
}

#[test]
fn of_a_push_without_notification_every_report_is_about_the_message() {
    let mut world = World::new();
    let device = world.device("a");
    let (push, _) = world.push_as(Audience::All, |submit| submit.contents = vec![(Platform::ANDROID, message())]);

    world.clicked(device, &[push]);
    world.reported(device, Reported::MessageClicked, &[push]);
    world.reported(device, Reported::Shown, &[push]);

    let report = world.report_of(push, Platform::ANDROID);
    assert_eq!((report.clicked, report.shown), (0, 0));
    assert_eq!((report.message_clicked, report.message_shown), (1, 1));
}

#[test]
fn who_was_no_target_reports_in_vain() {
    let mut world = World::new();
    let (chosen, other) = (world.device("a"), world.device("b"));
    let push = world.push(named(&["a"]));

    for device in [chosen, other] {
        world.reported(device, Reported::Shown, &[push, Position(push.0 + 1)]);
    }

    assert_eq!(world.report_of(push, Platform::ANDROID).shown, 1);
}

#[test]
fn one_device_has_received_it_has_not_or_was_no_target() {
    let mut world = World::new();
    let devices: Vec<_> = (0..130).map(|number| world.device(&format!("rid{number}"))).collect();
    let few = world.push(named(&["rid0", "rid1"]));
    let even: Vec<String> = (0..130).step_by(2).map(|number| format!("rid{number}")).collect();
    let many = world.push(selected(|selection| selection.registration_id = even));
    world.received(devices[0], &[few, many]);

    let statuses = |push| [0, 1, 2, 3].map(|number: usize| world.delivery(push, devices[number]));
    use Delivery::{NotATarget, NotReceived, Received};
    assert_eq!(statuses(few), [Received, NotReceived, NotATarget, NotATarget]);
    assert_eq!(statuses(many), [Received, NotATarget, NotReceived, NotATarget]);
    assert_eq!(statuses(Position(many.0 + 100)), [NotATarget; 4]);
}

#[test]
fn once_the_releases_are_cut_only_receipts_are_known() {
    let mut world = World::new();
    let devices = [world.device("a"), world.device("b")];
    let push = world.push(Audience::All);
    world.received(devices[0], &[push]);

    let cut = SystemCommand::Cut { app: world.app, class: Class::Push, below: Position(push.0 + 3) };
    world.answer(Command::System(cut));

    assert_eq!(devices.map(|device| world.delivery(push, device)), [Delivery::Received, Delivery::Forgotten]);
    assert_eq!(world.report_of(push, Platform::ANDROID).received, 1);
}

#[test]
fn reports_go_a_month_after_the_last_delivery_and_late_ones_leave_nothing_behind() {
    let mut world = World::new();
    let device = world.device("a");
    let push = world.push(Audience::All);
    world.reached_by(push, &[device]);
    world.reported(device, Reported::Shown, &[push]);

    world.now_ms += 31 * DAY_MS;
    world.expire();
    world.reached_by(push, &[device]);
    world.reported(device, Reported::Shown, &[push]);

    assert_eq!(world.report(push), None);
    #[cfg(feature = "simulation")]
    for table in [Table::Reports, Table::PushTargets, Table::PushStates] {
        assert_eq!(world.read().raw_rows(table).expect("nothing is damaged"), []);
    }
}

#[test]
fn a_push_of_another_app_is_unknown() {
    let mut world = World::new();
    let device = world.device("a");
    let push = world.push(Audience::All);
    world.received(device, &[push]);

    world.app = world.create_app("another");
    let stranger = world.device("a");

    assert_eq!(world.report(push), None);
    assert_eq!(world.delivery(push, stranger), Delivery::NotATarget);
}
