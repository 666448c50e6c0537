//! What the application says of its use.

use anser_protocol::frame::push::Activity;

use super::*;

/// The reports said since the last look.
fn reports(scene: &mut Scene) -> Vec<Activity> {
    scene.settle();
    let said = std::mem::take(&mut scene.said).into_iter();
    said.filter_map(|frame| match frame {
        ClientFrame::Activity(report) => Some(report),
        _ => None,
    })
    .collect()
}

fn done(scene: &mut Scene, request: u32) {
    scene.hear(ServerFrame::Done(Done { request, extensions: Extensions::default() }));
}

/// The one report said since the last look, answered.
fn answered(scene: &mut Scene) -> (u32, u32) {
    let [report] = &reports(scene)[..] else { panic!("not one report") };
    done(scene, report.request);
    (report.opens, report.seconds)
}

fn used_for(scene: &mut Scene, seconds: u64) {
    scene.session.in_front(scene.now);
    scene.now += Duration::from_secs(seconds);
    scene.session.gone(scene.now);
}

#[test]
fn coming_to_the_front_is_told_at_once_and_going_with_the_seconds() {
    let mut scene = Scene::at(100);
    scene.session.in_front(scene.now);
    assert_eq!(answered(&mut scene), (1, 0));
    scene.now += Duration::from_secs(7);
    scene.session.gone(scene.now);
    assert_eq!(answered(&mut scene), (0, 7));
    scene.session.gone(scene.now);
    assert_eq!(reports(&mut scene), [], "it was gone already");
    assert!(!scene.events.iter().any(|event| matches!(event, Event::Answered { .. })), "nobody asked");
}

#[test]
fn every_screen_may_say_that_it_is_in_front() {
    let mut scene = Scene::at(100);
    scene.session.in_front(scene.now);
    assert_eq!(answered(&mut scene), (1, 0));
    scene.now += Duration::from_secs(3);
    scene.session.in_front(scene.now);
    assert_eq!(reports(&mut scene), []);
    scene.now += Duration::from_secs(4);
    scene.session.gone(scene.now);
    assert_eq!(answered(&mut scene), (0, 7));
}

#[test]
fn what_happens_without_a_link_is_one_report_on_the_next() {
    let mut scene = Scene::at(100);
    scene.lose_link();
    for seconds in [1, 2, 4] {
        used_for(&mut scene, seconds);
    }
    scene.come_back();
    assert_eq!(answered(&mut scene), (3, 7));
    assert_eq!(reports(&mut scene), []);
}

#[test]
fn a_report_is_repeated_unchanged_until_it_is_answered_and_the_next_has_another_number() {
    let mut scene = Scene::at(100);
    scene.session.in_front(scene.now);
    let first = reports(&mut scene);
    assert_eq!(first.len(), 1);
    scene.now += Duration::from_secs(5);
    scene.session.gone(scene.now);
    assert_eq!(reports(&mut scene), [], "one at a time");

    scene.lose_link();
    scene.come_back();
    assert_eq!(reports(&mut scene), first);
    done(&mut scene, first[0].request);
    let second = reports(&mut scene);
    assert_eq!((second[0].opens, second[0].seconds, second.len()), (0, 5, 1));
    assert_ne!(second[0].number, first[0].number);
}

#[test]
fn a_report_that_is_put_off_is_told_on_the_next_link_and_one_that_is_refused_is_not() {
    let mut scene = Scene::at(100);
    scene.session.in_front(scene.now);
    let report = reports(&mut scene);
    scene.fail(report[0].request, ErrorCode::BUSY);
    assert_eq!(reports(&mut scene), []);
    scene.lose_link();
    scene.come_back();
    assert_eq!(reports(&mut scene), report);

    scene.fail(report[0].request, ErrorCode::INVALID);
    scene.lose_link();
    scene.come_back();
    assert_eq!(reports(&mut scene), []);
}

#[test]
fn no_sum_is_more_than_a_server_takes() {
    let mut scene = Scene::at(100);
    scene.lose_link();
    for _ in 0..anser_protocol::limits::OPENS_MAX + 5 {
        used_for(&mut scene, 3600);
    }
    scene.come_back();
    let limits = (anser_protocol::limits::OPENS_MAX, anser_protocol::limits::USE_SECONDS_MAX);
    assert_eq!(answered(&mut scene), limits);
}
