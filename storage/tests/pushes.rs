//! What becomes of a push: targets, releases, repeats, lifetimes and reports.

mod common;

use anser_protocol::content::{Platform, PushContent};
use anser_protocol::ids::Position;
use anser_storage::PushCounts;
use anser_storage::command::*;
use anser_storage::ids::DeviceNumber;
use anser_storage::outcome::{Answer, Refusal, Route};
use common::World;
use common::pushes::*;

const START: Position = Position::START;

fn world_with_devices(count: u32) -> (World, Vec<DeviceNumber>) {
    let mut world = World::new();
    let devices = (0..count).map(|number| world.device(&format!("rid{number}"))).collect();
    (world, devices)
}

#[test]
fn a_push_waits_for_each_of_its_targets_and_for_nobody_else() {
    let (mut world, devices) = world_with_devices(3);

    let (push, targets) = world.push_as(named(&["rid0", "rid2"]), |_| {});

    assert_eq!(targets, 2);
    assert_eq!(world.waiting(devices[0], START, 10), [push]);
    assert_eq!(world.waiting(devices[1], START, 10), []);
    assert_eq!(world.waiting(devices[2], START, 10), [push]);
}

#[test]
fn few_targets_get_a_release_each_and_many_share_one() {
    let (mut world, devices) = world_with_devices(65);
    let few: Vec<String> = (0..64).map(|number| format!("rid{number}")).collect();

    let outcome = world.apply(world.submit(selected(|selection| selection.registration_id = few), |_| {}));
    assert_eq!(released(&outcome), (0..64).map(|device| vec![device]).collect::<Vec<_>>());

    let outcome = world.apply(world.submit(Audience::All, |_| {}));
    assert_eq!(released(&outcome), [(0..65).collect::<Vec<_>>()]);
    assert!(matches!(outcome.appended[0].route, Route::Broadcast { .. }));
    assert_eq!(world.waiting(devices[64], START, 10).len(), 1);
    assert_eq!(world.waiting(devices[63], START, 10).len(), 2);
}

#[test]
fn releases_stand_behind_the_payload_in_order_of_their_devices() {
    let (mut world, _) = world_with_devices(3);

    let outcome = world.apply(world.submit(Audience::All, |_| {}));

    let Ok(Answer::Pushed { msg_id, .. }) = outcome.answer else { panic!("{outcome:?}") };
    let positions: Vec<u64> = outcome.appended.iter().map(|appended| appended.position.0).collect();
    assert_eq!(positions, [msg_id.0 + 1, msg_id.0 + 2, msg_id.0 + 3]);
}

#[test]
fn a_device_that_registers_later_does_not_get_an_earlier_push() {
    let (mut world, _) = world_with_devices(70);
    world.push(Audience::All);

    let late = world.device("late");

    assert_eq!(world.waiting(late, START, 10), []);
}

#[test]
fn platforms_without_content_are_not_targets() {
    let mut world = World::new();
    let android = world.device_on("a", Platform::ANDROID);
    world.device_on("i", Platform::IOS);
    let nothing_for_ios = vec![(Platform::ANDROID, alert("news")), (Platform::IOS, PushContent::default())];

    let (push, targets) = world.push_as(Audience::All, |submit| submit.contents = nothing_for_ios);

    assert_eq!(targets, 1);
    assert_eq!(world.waiting(android, START, 10), [push]);
}

#[test]
fn a_push_that_says_nothing_is_refused() {
    let (mut world, _) = world_with_devices(1);

    let nothing = world.submit(Audience::All, |submit| submit.contents[0].1 = PushContent::default());

    assert_eq!(world.refusal(nothing), Refusal::NothingToPush);
}

#[test]
fn an_audience_of_nobody_is_refused_with_an_id_that_is_never_given_again() {
    let (mut world, _) = world_with_devices(1);
    let nobody = world.submit(selected(|selection| selection.tag = strings(&["nobody has it"])), |_| {});

    let Refusal::NoTarget { msg_id } = world.refusal(nobody) else { panic!("another refusal") };
    let next = world.push(Audience::All);

    assert!(msg_id < next);
    assert_eq!(world.read().push_counts(world.app, msg_id).expect("nothing is damaged"), None);
}

#[test]
fn a_selection_that_names_nothing_is_nobody() {
    let (mut world, _) = world_with_devices(1);

    let refusal = world.refusal(world.submit(selected(|_| {}), |_| {}));

    assert!(matches!(refusal, Refusal::NoTarget { .. }));
}

#[test]
fn one_unknown_registration_id_is_refused_but_skipped_among_several() {
    let (mut world, _) = world_with_devices(1);

    assert_eq!(world.refusal(world.submit(named(&["nobody"]), |_| {})), Refusal::RegistrationIdUnknown);
    assert_eq!(world.push_as(named(&["nobody", "rid0"]), |_| {}).1, 1);
    assert!(matches!(world.refusal(world.submit(named(&["nobody", "neither"]), |_| {})), Refusal::NoTarget { .. }));
}

#[test]
fn the_audience_is_fixed_when_the_push_is_accepted() {
    let (mut world, devices) = world_with_devices(2);
    world.tag(devices[0], &["sports"]);
    let push = world.push(selected(|selection| selection.tag = strings(&["sports"])));

    world.tag(devices[0], &[]);
    world.tag(devices[1], &["sports"]);

    assert_eq!(world.waiting(devices[0], START, 10), [push]);
    assert_eq!(world.waiting(devices[1], START, 10), []);
}

#[test]
fn a_validated_push_has_an_id_and_a_number_of_targets_but_goes_nowhere() {
    let (mut world, devices) = world_with_devices(2);

    let outcome = world.apply(world.submit(Audience::All, |submit| {
        submit.validate_only = true;
        submit.cid = Some("cid".into());
    }));

    let Ok(Answer::Pushed { msg_id, targets: 2, .. }) = outcome.answer else { panic!("{outcome:?}") };
    assert_eq!(outcome.appended, []);
    assert_eq!(world.waiting(devices[0], START, 10), []);
    assert_eq!(world.read().push_counts(world.app, msg_id).expect("nothing is damaged"), None);
    // Nor is its cid used up.
    let (push, _) = world.push_as(Audience::All, |submit| submit.cid = Some("cid".into()));
    assert_eq!(world.waiting(devices[0], START, 10), [push]);
}

#[test]
fn a_repeated_cid_gets_the_first_answer_for_a_day_and_sends_nothing() {
    let (mut world, devices) = world_with_devices(1);
    let with_cid = |submit: &mut Submit| submit.cid = Some("cid".into());
    let first = world.answer(world.submit(Audience::All, with_cid));

    let repeat = world.apply(world.submit(named(&["rid0"]), |submit| {
        with_cid(submit);
        submit.sendno = "8".into();
    }));
    assert_eq!(repeat.answer, Ok(first.clone()));
    assert_eq!(repeat.appended, []);
    assert_eq!(world.waiting(devices[0], START, 10).len(), 1);

    world.now_ms += DAY_MS - 10;
    world.expire();
    assert_eq!(world.answer(world.submit(Audience::All, with_cid)), first);

    world.now_ms += 10;
    assert_ne!(world.answer(world.submit(Audience::All, with_cid)), first);
}

#[test]
fn a_cid_that_was_used_again_after_its_day_is_kept_for_another() {
    let (mut world, _) = world_with_devices(1);
    let with_cid = |submit: &mut Submit| submit.cid = Some("cid".into());
    world.answer(world.submit(Audience::All, with_cid));
    world.now_ms += DAY_MS;
    let second = world.answer(world.submit(Audience::All, with_cid));

    world.expire();

    assert_eq!(world.answer(world.submit(Audience::All, with_cid)), second);
}

#[test]
fn a_cid_stays_free_while_its_push_is_refused() {
    let (mut world, devices) = world_with_devices(1);
    let with_cid = |submit: &mut Submit| submit.cid = Some("cid".into());
    let tagged = || selected(|selection| selection.tag = strings(&["sports"]));
    world.refusal(world.submit(tagged(), with_cid));

    world.tag(devices[0], &["sports"]);

    assert_eq!(world.push_as(tagged(), with_cid).1, 1);
}

#[test]
fn the_cids_of_two_apps_are_strangers() {
    let (mut world, _) = world_with_devices(1);
    let with_cid = |submit: &mut Submit| submit.cid = Some("cid".into());
    let first = world.answer(world.submit(Audience::All, with_cid));
    world.app = world.create_app("another");
    world.device("rid0");

    assert_ne!(world.answer(world.submit(Audience::All, with_cid)), first);
}

#[test]
fn a_push_stops_waiting_when_its_time_is_over() {
    let (mut world, devices) = world_with_devices(1);
    let (push, _) = world.push_as(Audience::All, |submit| submit.time_to_live_s = 60);

    world.now_ms += 59_999;
    assert_eq!(world.waiting(devices[0], START, 10), [push]);
    world.now_ms += 1;
    assert_eq!(world.waiting(devices[0], START, 10), []);
}

#[test]
fn a_push_without_lifetime_goes_to_connected_targets_only_and_waits_for_nobody() {
    let (mut world, devices) = world_with_devices(3);
    let stranger = DeviceNumber(77);

    let outcome = world.apply(world.submit(named(&["rid0", "rid1"]), |submit| {
        submit.time_to_live_s = 0;
        submit.connected = vec![stranger, devices[2], devices[1]];
    }));

    assert_eq!(released(&outcome), [[devices[1].0]]);
    let Route::Devices { push, .. } = &outcome.appended[0].route else { panic!("{outcome:?}") };
    assert_eq!(push.expires_ms, outcome.appended[0].at_ms, "marks it as live only");
    assert_eq!(world.waiting(devices[1], START, 10), []);
}

#[test]
fn a_push_without_lifetime_is_accepted_though_nobody_is_connected() {
    let (mut world, _) = world_with_devices(1);

    let outcome = world.apply(world.submit(Audience::All, |submit| submit.time_to_live_s = 0));

    assert!(matches!(outcome.answer, Ok(Answer::Pushed { targets: 1, .. })));
    assert_eq!(outcome.appended, []);
}

#[test]
fn the_newest_pushes_up_to_the_limit_wait_oldest_first_from_both_chains() {
    let (mut world, devices) = world_with_devices(65);
    let pushes: Vec<Position> =
        (0..8).map(|number| world.push(if number % 2 == 0 { Audience::All } else { named(&["rid0"]) })).collect();

    assert_eq!(world.waiting(devices[0], START, 5), pushes[3..]);
    assert_eq!(world.waiting(devices[1], START, 5), [pushes[0], pushes[2], pushes[4], pushes[6]]);
}

#[test]
fn what_the_cursor_has_passed_does_not_wait() {
    let (mut world, devices) = world_with_devices(1);
    world.push(Audience::All);
    let snapshot = world.read();
    let pending = snapshot.pending_pushes(world.app, devices[0], Platform::ANDROID, START, world.now_ms, 5);
    let release = pending.expect("nothing is damaged")[0].position;
    let second = world.push(Audience::All);

    assert_eq!(world.waiting(devices[0], release, 5), [second]);
}

#[test]
fn each_device_counts_once_in_each_report() {
    let mut world = World::new();
    let android: Vec<_> = (0..3).map(|number| world.device(&format!("a{number}"))).collect();
    let ios = world.device_on("i", Platform::IOS);
    let both = vec![(Platform::ANDROID, alert("news")), (Platform::IOS, alert("news"))];
    let (push, _) = world.push_as(Audience::All, |submit| submit.contents = both);

    for device in [android[0], android[1], ios, android[0]] {
        world.received(device, &[push, push]);
    }
    world.clicked(android[2], &[push]);

    let counts = world.read().push_counts(world.app, push).expect("nothing is damaged");
    let received = vec![(Platform::ANDROID, 2), (Platform::IOS, 1)];
    assert_eq!(counts, Some(PushCounts { targets: 4, received, clicked: 1 }));
}

#[test]
fn reports_of_devices_that_were_no_targets_do_not_count() {
    let (mut world, devices) = world_with_devices(130);
    let few = world.push(named(&["rid3", "rid5", "rid9"]));
    let even: Vec<String> = (0..130).step_by(2).map(|number| format!("rid{number}")).collect();
    let many = world.push(selected(|selection| selection.registration_id = even));
    let a_release = Position(many.0 + 1);

    for device in devices {
        world.received(device, &[few, many, a_release]);
    }

    let received = |push| world.read().push_counts(world.app, push).expect("nothing is damaged").map(|it| it.received);
    assert_eq!(received(few), Some(vec![(Platform::ANDROID, 3)]));
    assert_eq!(received(many), Some(vec![(Platform::ANDROID, 65)]));
    assert_eq!(received(a_release), None);
}

#[test]
fn counts_are_kept_a_month_after_the_last_delivery_and_then_go() {
    let (mut world, devices) = world_with_devices(1);
    let push = world.push(Audience::All);
    world.received(devices[0], &[push]);

    world.now_ms += 30 * DAY_MS;
    world.expire();
    assert!(world.read().push_counts(world.app, push).expect("nothing is damaged").is_some());

    world.now_ms += DAY_MS;
    world.expire();
    assert_eq!(world.read().push_counts(world.app, push).expect("nothing is damaged"), None);
    world.received(devices[0], &[push]);
}

#[test]
fn a_push_whose_records_were_cut_waits_for_nobody_and_counts_no_more() {
    let (mut world, devices) = world_with_devices(65);
    let push = world.push(Audience::All);
    world.received(devices[0], &[push]);

    let cut = SystemCommand::Cut { app: world.app, class: Class::Push, below: Position(push.0 + 2) };
    world.answer(Command::System(cut));
    world.received(devices[1], &[push]);

    assert_eq!(world.waiting(devices[1], START, 10), []);
    let counts = world.read().push_counts(world.app, push).expect("nothing is damaged");
    assert_eq!(counts.map(|counts| counts.received), Some(vec![(Platform::ANDROID, 1)]));
}
