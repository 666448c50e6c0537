//! What becomes of a push: targets, releases, repeats, lifetimes and reports.

use crate::common::World;
use crate::common::pushes::*;
use anser_protocol::content::{Platform, PushContent};
use anser_protocol::ids::Position;
use anser_storage::PushCounts;
use anser_storage::command::*;
use anser_storage::ids::DeviceNumber;
use anser_storage::outcome::{Answer, Refusal, Route};

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

#[test]
fn a_withdrawn_push_waits_for_nobody_and_those_who_may_have_it_are_named() {
    let (mut world, devices) = world_with_devices(70);
    let few = world.push(named(&["rid0", "rid2"]));
    let many = world.push(Audience::All);

    let outcome = world.apply(world.withdraw(few));
    assert_eq!(outcome.answer, Ok(Answer::Done));
    assert!(matches!(&outcome.appended[0].route, Route::Withdrawn { push, .. } if *push == few));
    assert_eq!(released(&outcome), [vec![0, 2]]);
    assert_eq!(world.waiting(devices[0], START, 10), [many]);

    let outcome = world.apply(world.withdraw(many));
    assert_eq!(released(&outcome), [(0..70).collect::<Vec<_>>()]);
    assert_eq!(world.waiting(devices[0], START, 10), []);
}

#[test]
fn withdrawing_again_changes_nothing_and_tells_nobody() {
    let (mut world, _) = world_with_devices(1);
    let push = world.push(Audience::All);
    world.answer(world.withdraw(push));

    let again = world.apply(world.withdraw(push));

    assert_eq!((again.answer, again.appended), (Ok(Answer::Done), Vec::new()));
}

#[test]
fn a_push_is_withdrawn_within_a_day_and_by_its_own_app_only() {
    let (mut world, _) = world_with_devices(1);
    let push = world.push(Audience::All);
    let other = world.create_app("other");

    let foreign = Command::Push(PushCommand::Withdraw { app: other, push });
    assert_eq!(world.refusal(foreign), Refusal::PushUnknown);
    assert_eq!(world.refusal(world.withdraw(Position(push.0 + 1))), Refusal::PushUnknown);
    assert_eq!(world.refusal(world.withdraw(Position(u64::MAX))), Refusal::PushUnknown);
    world.now_ms += DAY_MS;
    assert_eq!(world.refusal(world.withdraw(push)), Refusal::PushUnknown);
}

#[test]
fn a_push_takes_the_place_of_another_that_waits_and_says_which() {
    let (mut world, devices) = world_with_devices(2);
    let old = world.push(Audience::All);

    let outcome = world.apply(world.submit(Audience::All, |submit| submit.replaces = Some(old)));

    let Ok(Answer::Pushed { msg_id: new, .. }) = outcome.answer else { panic!("{outcome:?}") };
    let Route::Devices { push, .. } = &outcome.appended[0].route else { panic!("{outcome:?}") };
    assert_eq!((push.msg_id, push.replaces), (new, Some(old)));
    assert_eq!(world.waiting(devices[1], START, 10), [new]);
    let waiting = world.read().pending_pushes(world.app, devices[1], Platform::ANDROID, START, world.now_ms, 10);
    assert_eq!(waiting.expect("nothing is damaged")[0].push.replaces, Some(old));
}

#[test]
fn replacing_the_first_of_several_replaces_them_all() {
    let (mut world, devices) = world_with_devices(1);
    let first = world.push(Audience::All);
    let (second, _) = world.push_as(Audience::All, |submit| submit.replaces = Some(first));
    let (third, _) = world.push_as(Audience::All, |submit| submit.replaces = Some(second));

    let (last, _) = world.push_as(Audience::All, |submit| submit.replaces = Some(first));

    assert!(first < second && second < third);
    assert_eq!(world.waiting(devices[0], START, 10), [last]);
}

#[test]
fn what_cannot_be_replaced_refuses_the_push_and_nothing_is_sent() {
    let (mut world, devices) = world_with_devices(1);
    let withdrawn = world.push(Audience::All);
    world.answer(world.withdraw(withdrawn));
    let old = world.push_as(Audience::All, |submit| submit.time_to_live_s = 10 * 86_400).0;
    let other = world.create_app("other");
    let replacing = |push| move |submit: &mut Submit| submit.replaces = Some(push);

    for push in [withdrawn, Position(old.0 + 1), Position(0)] {
        assert_eq!(world.refusal(world.submit(Audience::All, replacing(push))), Refusal::PushUnknown);
    }
    let foreign = world.submit(Audience::All, |submit| (submit.app, submit.replaces) = (other, Some(old)));
    assert_eq!(world.refusal(foreign), Refusal::PushUnknown);
    // Nor does a validation replace anything.
    world.answer(world.submit(Audience::All, |submit| {
        submit.replaces = Some(old);
        submit.validate_only = true;
    }));
    assert_eq!(world.waiting(devices[0], START, 10), [old]);
    world.now_ms += DAY_MS;
    assert_eq!(world.refusal(world.submit(Audience::All, replacing(old))), Refusal::PushUnknown);
}

#[test]
fn a_slow_push_is_released_in_equal_parts_each_when_it_is_due() {
    let (mut world, devices) = world_with_devices(12);

    let outcome = world.apply(world.submit(Audience::All, |submit| submit.spread_s = 60));
    let Ok(Answer::Pushed { msg_id: push, targets: 12, .. }) = outcome.answer else { panic!("{outcome:?}") };
    let mut parts = vec![released(&outcome).concat()];
    let start_ms = world.now_ms;
    assert_eq!(world.release_due(), Vec::<Vec<u32>>::new());
    for slice in 1..6 {
        world.now_ms = start_ms + slice * 10_000 - 1;
        assert_eq!(world.release_due(), Vec::<Vec<u32>>::new(), "slice {slice} is not due yet");
        world.now_ms += 1;
        parts.push(world.release_due().concat());
    }

    assert_eq!(parts, (0..6).map(|slice| vec![2 * slice, 2 * slice + 1]).collect::<Vec<_>>());
    world.now_ms += DAY_MS / 2;
    assert_eq!(world.release_due(), Vec::<Vec<u32>>::new());
    assert_eq!(world.waiting(devices[11], START, 10), [push]);
    world.received(devices[11], &[push]);
    let counts = world.read().push_counts(world.app, push).expect("nothing is damaged").expect("the push is known");
    assert_eq!(counts.received, [(Platform::ANDROID, 1)]);
}

#[test]
fn those_whose_turn_has_not_come_do_not_get_a_slow_push() {
    let (mut world, devices) = world_with_devices(12);

    let (push, _) = world.push_as(Audience::All, |submit| submit.spread_s = 60);

    assert_eq!(world.waiting(devices[1], START, 10), [push]);
    assert_eq!(world.waiting(devices[2], START, 10), []);
}

#[test]
fn slices_that_were_due_while_nobody_looked_are_released_afterwards() {
    let (mut world, _) = world_with_devices(200);
    world.push_as(Audience::All, |submit| submit.spread_s = 60);

    world.now_ms += 3_600_000;

    assert_eq!(world.release_due().concat().len(), 200 - 33);
}

#[test]
fn the_lifetime_of_a_slow_push_begins_when_the_last_have_it() {
    let (mut world, devices) = world_with_devices(6);
    let (push, _) = world.push_as(Audience::All, |submit| (submit.spread_s, submit.time_to_live_s) = (60, 30));

    world.now_ms += 60_000;
    world.release_due();

    assert_eq!(world.waiting(devices[5], START, 10), [push]);
    world.now_ms += 30_000;
    assert_eq!(world.waiting(devices[5], START, 10), []);
}

#[test]
fn a_slow_push_without_lifetime_is_for_those_who_are_connected_when_their_turn_comes() {
    let (mut world, devices) = world_with_devices(3);
    let slow_and_live = |submit: &mut Submit| {
        (submit.spread_s, submit.time_to_live_s) = (60, 0);
        submit.connected = vec![DeviceNumber(1)];
    };

    let outcome = world.apply(world.submit(Audience::All, slow_and_live));
    world.now_ms += 60_000;

    // The first slice is device 0, which was not connected; 0 and 2 are when the others are due.
    assert_eq!(released(&outcome), Vec::<Vec<u32>>::new());
    assert_eq!(world.release_due(), [[2]]);
    assert_eq!(world.waiting(devices[2], START, 10), []);
}

#[test]
fn a_slow_push_that_is_withdrawn_or_replaced_goes_no_further() {
    let (mut world, devices) = world_with_devices(12);
    let slow = |submit: &mut Submit| submit.spread_s = 60;
    let (withdrawn, _) = world.push_as(Audience::All, slow);
    let (replaced, _) = world.push_as(Audience::All, slow);

    world.answer(world.withdraw(withdrawn));
    let (new, _) = world.push_as(named(&["rid11"]), |submit| submit.replaces = Some(replaced));
    world.now_ms += 60_000;

    assert_eq!(world.release_due(), Vec::<Vec<u32>>::new());
    assert_eq!(world.waiting(devices[11], START, 10), [new]);
}

#[test]
fn more_than_twenty_unfinished_slow_pushes_are_refused() {
    let (mut world, _) = world_with_devices(12);
    let slow = |submit: &mut Submit| submit.spread_s = 60;
    let pushes: Vec<Position> = (0..20).map(|_| world.push_as(Audience::All, slow).0).collect();

    assert_eq!(world.refusal(world.submit(Audience::All, slow)), Refusal::TooManySlowPushes);
    world.push(Audience::All);
    world.answer(world.withdraw(pushes[7]));
    world.push_as(Audience::All, slow);
    assert_eq!(world.refusal(world.submit(Audience::All, slow)), Refusal::TooManySlowPushes);
    world.now_ms += 60_000;
    world.release_due();
    world.push_as(Audience::All, slow);
}

#[test]
fn a_slice_of_a_deleted_app_is_forgotten() {
    let (mut world, _) = world_with_devices(12);
    world.push_as(Audience::All, |submit| submit.spread_s = 60);
    let app = world.app;
    while world.answer(Command::App(AppCommand::Delete { app })) == Answer::Continue {}

    world.now_ms += 60_000;

    assert_eq!(world.release_due(), Vec::<Vec<u32>>::new());
    assert_eq!(world.read().due_slices(world.now_ms, 10).expect("nothing is damaged"), []);
}

#[test]
fn what_goes_over_a_bridge_only_has_targets_and_is_delivered_to_nobody() {
    let mut world = World::new();
    let iphone = world.device_on("i", Platform::IOS);
    let bridged = |submit: &mut Submit| {
        (submit.contents, submit.bridged) = (Vec::new(), vec![Platform::IOS]);
        submit.kept = r#"{"live_activity":{}}"#.into();
    };

    let (push, targets) = world.push_as(Audience::All, bridged);

    assert_eq!(targets, 1);
    let waiting = world.read().pending_pushes(world.app, iphone, Platform::IOS, START, world.now_ms, 10);
    assert_eq!(waiting.expect("nothing is damaged"), []);
    let kept = world.read().push_kept(world.app, push).expect("nothing is damaged");
    assert_eq!(kept.as_deref(), Some(r#"{"live_activity":{}}"#));
}

#[test]
fn a_push_for_test_devices_finds_nobody_where_there_are_none() {
    let (mut world, _) = world_with_devices(1);
    let refusal = world.refusal(world.submit(Audience::All, |submit| submit.only_test_devices = true));
    assert!(matches!(refusal, Refusal::NoTarget { .. }));
}
