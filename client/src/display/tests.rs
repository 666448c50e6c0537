//! The rules of display, each with its edges.

use anser_protocol::content::{CustomMessage, Notification, PushContent};
use proptest::prelude::*;

use super::*;
use crate::store::Push;

const NOON: Moment = Moment { time: LocalTime { weekday: 3, hour: 12, minute: 0 }, is_in_front: false };

fn at(weekday: u8, hour: u8, minute: u8) -> LocalTime {
    LocalTime { weekday, hour, minute }
}

fn push(msg_id: u64, alert: &str, options: &str) -> Push {
    let notification = Notification { alert: alert.into(), options: options.into(), ..Notification::default() };
    let content = PushContent { notification: Some(notification), message: None };
    Push { position: Position(msg_id + 1), msg_id: Position(msg_id), at_ms: 0, content, replaces: None }
}

fn show(display: &mut Display, msg_id: u64) -> NoticeId {
    display.handle_push(&push(msg_id, "hello", ""), NOON).id.expect("it is shown")
}

fn local(id: i64, due_ms: TimeMs) -> LocalNotice {
    LocalNotice { id, title: "title".into(), content: format!("local {id}"), due_ms, ..LocalNotice::default() }
}

fn put(show: &Show) -> &crate::notification::AndroidNotification {
    match show {
        Show::Put { notification, .. } => notification,
        other => panic!("nothing is shown: {other:?}"),
    }
}

#[test]
fn push_time_is_days_and_hours_with_the_last_hour_as_a_whole() {
    let work = PushTime::new(&[1, 2, 3, 4, 5], 10, 22).expect("days and hours");
    assert!(work.allows(at(1, 10, 0)) && work.allows(at(5, 22, 59)));
    assert!(!work.allows(at(0, 12, 0)) && !work.allows(at(6, 12, 0)), "not at the weekend");
    assert!(!work.allows(at(1, 9, 59)) && !work.allows(at(1, 23, 0)));
    assert!(!PushTime::new(&[], 0, 23).expect("no days at all").allows(at(1, 12, 0)), "an empty list is never");
    for (days, start, end) in [(&[7][..], 0, 23), (&[0], 9, 8), (&[0], 0, 24)] {
        assert_eq!(PushTime::new(days, start, end), None);
    }
}

#[test]
fn outside_the_push_time_notifications_are_thrown_away_and_custom_messages_pass() {
    let mut display = Display::default();
    display.set_push_time(PushTime::new(&[0], 8, 20));
    let thrown = display.handle_push(&push(1, "hello", r#"{"badge_add_num": 1}"#), NOON);
    assert_eq!((thrown, display.saved().badge), (Notified::default(), 0));
    let sunday = Moment { time: at(0, 9, 0), ..NOON };
    assert!(display.handle_push(&push(2, "hello", ""), sunday).id.is_some());
    display.set_push_time(None);
    assert!(display.handle_push(&push(3, "hello", ""), NOON).id.is_some());
    // A custom message is handed out by the store, whatever the time is; there is nothing to show of it.
    let message = CustomMessage { content: "news".into(), ..CustomMessage::default() };
    let content = PushContent { notification: None, message: Some(message) };
    assert_eq!(display.handle_push(&Push { content, ..push(4, "", "") }, NOON), Notified::default());
}

#[test]
fn silence_takes_sound_and_vibration_and_may_go_over_midnight() {
    let night = SilenceTime::new((22, 30), (7, 15)).expect("times");
    assert!(night.is_silent(at(0, 22, 30)) && night.is_silent(at(0, 0, 0)) && night.is_silent(at(0, 7, 14)));
    assert!(!night.is_silent(at(0, 22, 29)) && !night.is_silent(at(0, 7, 15)) && !night.is_silent(at(0, 12, 0)));
    assert_eq!((SilenceTime::new((24, 0), (1, 0)), SilenceTime::new((1, 60), (2, 0))), (None, None));
    let nap = SilenceTime::new((13, 0), (14, 0)).expect("times");
    assert!(nap.is_silent(at(0, 13, 59)) && !nap.is_silent(at(0, 14, 0)));

    let mut display = Display::default();
    display.set_silence_time(Some(nap));
    let loud = push(1, "hello", r#"{"alert_type": 7, "channel_id": "loud", "sound": "bell"}"#);
    let shown = display.handle_push(&loud, Moment { time: at(0, 13, 0), ..NOON });
    let notification = put(&shown.show[0]);
    assert_eq!((notification.alert_type, &*notification.channel_id, &*notification.sound), (4, "", ""));
    let shown = display.handle_push(&Push { msg_id: Position(2), ..loud }, NOON);
    let notification = put(&shown.show[0]);
    assert_eq!((notification.alert_type, &*notification.channel_id, &*notification.sound), (7, "loud", "bell"));
}

#[test]
fn an_empty_alert_shows_nothing_and_its_badge_counts() {
    let mut display = Display::default();
    let notified = display.handle_push(&push(1, "", r#"{"badge_set_num": 3}"#), NOON);
    assert_eq!(notified, Notified { id: None, show: vec![Show::Badge(3)] });
    assert!(display.saved().notices.is_empty());
}

#[test]
fn a_push_that_is_not_for_the_front_is_not_shown_there() {
    let mut display = Display::default();
    let quiet = push(1, "hello", r#"{"display_foreground": "0"}"#);
    let in_front = Moment { is_in_front: true, ..NOON };
    assert_eq!(display.handle_push(&quiet, in_front).id, None);
    assert!(display.handle_push(&quiet, NOON).id.is_some());
    assert!(display.handle_push(&push(2, "hello", ""), in_front).id.is_some());
}

#[test]
fn the_latest_five_stay_and_the_oldest_goes() {
    let mut display = Display::default();
    let ids: Vec<NoticeId> = (1..=5).map(|msg_id| show(&mut display, msg_id)).collect();
    let sixth = display.handle_push(&push(6, "hello", ""), NOON);
    assert_eq!(sixth.show[1..], [Show::Remove(ids[0])]);
    assert_eq!(display.set_keep_latest(2), [Show::Remove(ids[1]), Show::Remove(ids[2]), Show::Remove(ids[3])]);
    display.set_keep_latest(0);
    assert_eq!(display.saved().keep_latest, 1, "one at least is shown");
}

#[test]
fn local_notifications_do_not_count_among_the_latest() {
    let mut display = Display::default();
    display.set_keep_latest(1);
    display.add_local(local(7, 100)).expect("there is room");
    assert_eq!(display.show_due(100, NOON).len(), 1);
    let first = show(&mut display, 1);
    let second = display.handle_push(&push(2, "hello", ""), NOON);
    assert_eq!(second.show[1..], [Show::Remove(first)]);
    assert_eq!(display.saved().notices.len(), 2);
}

#[test]
fn a_push_takes_the_place_of_another_that_is_still_there() {
    let mut display = Display::default();
    let first = show(&mut display, 1);
    let replacing = Push { replaces: Some(Position(1)), ..push(2, "better", "") };
    assert_eq!(display.handle_push(&replacing, NOON).id, Some(first));
    assert_eq!((display.notice_of(Position(1)), display.notice_of(Position(2))), (None, Some(first)));
    assert_eq!(display.handle_gone(first), Some(Position(2)), "the tap is the newer push's");
    let late = Push { replaces: Some(Position(2)), ..push(3, "too late", "") };
    let id = display.handle_push(&late, NOON).id;
    assert!(id.is_some_and(|id| id != first), "what was tapped is not replaced");
}

#[test]
fn what_was_withdrawn_or_cleared_goes_and_only_ours_does() {
    let mut display = Display::default();
    let (first, second) = (show(&mut display, 1), show(&mut display, 2));
    assert_eq!(display.handle_withdrawn(Position(1)), Some(Show::Remove(first)));
    assert_eq!(display.handle_withdrawn(Position(1)), None);
    assert_eq!(display.clear(NoticeId(99)), None);
    assert_eq!(display.clear(second), Some(Show::Remove(second)));
    let third = show(&mut display, 3);
    assert!(third > second, "no id is given twice");
    assert_eq!(display.clear_all(), [Show::Remove(third)]);
    assert!(display.clear_all().is_empty());
}

#[test]
fn the_badge_is_added_to_or_set_and_stays_within_its_bounds() {
    let mut display = Display::default();
    let mut badge = |options: &str| match &display.handle_push(&push(1, "", options), NOON).show[..] {
        [Show::Badge(count)] => Some(*count),
        _ => None,
    };
    assert_eq!(badge(r#"{"badge_add_num": 2}"#), Some(2));
    assert_eq!(badge(r#"{"badge_add_num": 99}"#), Some(101));
    assert_eq!(badge(r#"{"badge_add_num": 1, "badge_set_num": 7}"#), Some(7), "the one that sets wins");
    assert_eq!(badge(r#"{"badge_set_num": 0}"#), Some(0));
    assert_eq!(badge(r#"{"badge_add_num": 0}"#), None);
    assert!(display.set_badge(BADGE_MAX) && !display.set_badge(BADGE_MAX + 1));
    assert_eq!(display.handle_push(&push(1, "", r#"{"badge_add_num": 5}"#), NOON).show, [Show::Badge(BADGE_MAX)]);
}

#[test]
fn a_local_notification_keeps_the_time_it_was_added_for() {
    let mut display = Display::default();
    for (id, due_ms) in [(1, 3000), (2, 1000), (3, 9000)] {
        display.add_local(local(id, due_ms)).expect("there is room");
    }
    assert_eq!(display.next_due_ms(), Some(1000));
    assert!(display.show_due(999, NOON).is_empty());
    // The device was off until long after two of them.
    let mut display = Display::load(display.saved().clone());
    let shown = display.show_due(5000, NOON);
    let texts: Vec<&str> = shown.iter().map(|show| put(show).alert.as_str()).collect();
    assert_eq!(texts, ["local 2", "local 1"], "the earliest first");
    assert_eq!(display.next_due_ms(), Some(9000));
}

#[test]
fn a_local_notification_is_changed_and_removed_by_a_positive_id_only() {
    let mut display = Display::default();
    display.add_local(local(5, 1000)).expect("there is room");
    display.add_local(LocalNotice { content: "changed".into(), ..local(5, 2000) }).expect("it is the same");
    assert_eq!(display.next_due_ms(), Some(2000));
    display.add_local(local(0, 3000)).expect("there is room");
    display.add_local(local(0, 4000)).expect("without a name it is another");
    assert!(!display.remove_local(0) && !display.remove_local(6));
    assert!(display.remove_local(5));
    assert_eq!(display.saved().local_notices.len(), 2);
    display.clear_local();
    assert_eq!(display.next_due_ms(), None);
    for id in 1..=LOCAL_NOTICES_MAX as i64 {
        display.add_local(local(id, 1)).expect("there is room");
    }
    assert_eq!(display.add_local(local(-1, 1)), Err(TooManyLocalNotices));
    assert_eq!(display.add_local(local(7, 2)), Ok(()), "one that is there may change");
}

#[derive(Clone, Debug)]
enum Step {
    Push(u64, Option<u64>, u8),
    Withdrawn(u64),
    Gone(u64),
    Keep(u32),
    Local(i64, u64),
    Due(u64),
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1..20u64, proptest::option::of(1..20u64), 0..24u8).prop_map(|(id, of, hour)| Step::Push(id, of, hour)),
        (1..20u64).prop_map(Step::Withdrawn),
        (1..30u64).prop_map(Step::Gone),
        (0..8u32).prop_map(Step::Keep),
        (-1..4i64, 0..100u64).prop_map(|(id, due)| Step::Local(id, due)),
        (0..100u64).prop_map(Step::Due),
        Just(Step::Clear),
    ]
}

proptest! {
    #[test]
    fn the_status_bar_is_what_is_kept_of_it_and_no_more_than_the_latest(steps in prop::collection::vec(step(), 0..60)) {
        let mut display = Display::default();
        display.set_push_time(PushTime::new(&[0, 1, 2, 3, 4, 5, 6], 6, 22));
        // What a face would have on its screen, and what a store would have on its disk.
        let mut screen = std::collections::BTreeSet::new();
        let mut disk = Saved::default();
        let mut last_id = NoticeId(0);
        for step in steps {
            let shows = match step {
                Step::Push(msg_id, replaces, hour) => {
                    let push = Push { replaces: replaces.map(Position), ..push(msg_id, "x", "") };
                    display.handle_push(&push, Moment { time: at(1, hour, 0), is_in_front: false }).show
                }
                Step::Withdrawn(msg_id) => display.handle_withdrawn(Position(msg_id)).into_iter().collect(),
                Step::Gone(id) => {
                    display.handle_gone(NoticeId(id));
                    screen.remove(&NoticeId(id));
                    Vec::new()
                }
                Step::Keep(count) => display.set_keep_latest(count),
                Step::Local(id, due_ms) => {
                    prop_assert!(display.add_local(local(id, due_ms)).is_ok());
                    Vec::new()
                }
                Step::Due(now_ms) => display.show_due(now_ms, NOON),
                Step::Clear => display.clear_all(),
            };
            for show in shows {
                match show {
                    Show::Put { id, .. } if screen.insert(id) => {
                        prop_assert!(id > last_id, "{id:?} was given before");
                        last_id = id;
                    }
                    Show::Put { .. } | Show::Badge(_) => {}
                    Show::Remove(id) => prop_assert!(screen.remove(&id), "{id:?} is not on the screen"),
                }
            }
            display.take_changes().iter().for_each(|change| disk.apply(change));
            prop_assert_eq!(&disk, display.saved());
            prop_assert!(screen.iter().eq(disk.notices.keys()));
            let pushes = disk.notices.values().filter(|notice| notice.msg_id.is_some()).count();
            prop_assert!(pushes <= disk.keep_latest as usize);
        }
    }
}
