//! The rules of time, one by one, and all of them against somebody who walks the calendar day by day.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::clock::Written;

const ZONE: TimeZone = TimeZone::DEFAULT;

#[test]
fn a_single_time_is_due_once() {
    let trigger = parsed(json!({"single": {"time": "2024-05-01 09:30:00"}}));
    let at_ms = ms("2024-05-01 09:30:00");
    assert_eq!(trigger.next_after(0, ZONE), Some(at_ms));
    assert_eq!(trigger.next_after(at_ms - 1, ZONE), Some(at_ms));
    assert_eq!(trigger.next_after(at_ms, ZONE), None);
    assert_eq!(at_ms, 1_714_527_000_000, "01:30 in Greenwich");
}

#[test]
fn the_zone_moves_what_is_due() {
    let trigger = parsed(json!({"single": {"time": "2024-05-01 09:30:00"}}));
    let at = |offset_minutes| trigger.next_after(0, TimeZone::fixed(offset_minutes));
    assert_eq!(at(0), Some(1_714_527_000_000 + 8 * 3_600_000));
    assert_eq!(at(-210), Some(1_714_527_000_000 + 8 * 3_600_000 + 210 * 60_000));
}

#[test]
fn a_task_is_due_once_a_day_when_the_clock_is_put_forward_or_back() {
    let zone = TimeZone::berlin();
    let due = |start: &str, end: &str, after: &str| {
        let daily = periodical(start, end, "02:30:00", "day", 1, json!(null));
        let mut at_ms = moment(after).to_ms(TimeZone::UTC).expect("after 1970");
        let mut all = Vec::new();
        while let Some(next) = daily.next_after(at_ms, zone) {
            all.push(Written(next, TimeZone::UTC).to_string());
            at_ms = next;
        }
        all
    };
    let spring = |after| due("2024-03-30 00:00:00", "2024-04-01 23:59:59", after);
    let all = ["2024-03-30 01:30:00", "2024-03-31 01:30:00", "2024-04-01 00:30:00"];
    assert_eq!(
        spring("2024-03-29 00:00:00"),
        all,
        "02:30 is skipped on the 31st: half an hour after the clock was put"
    );
    assert_eq!(spring("2024-03-31 01:10:00"), all[1..], "03:10 is shown, and 02:30 of this day is still to come");
    assert_eq!(spring("2024-03-31 01:30:00"), all[2..]);

    let autumn = |after| due("2024-10-26 00:00:00", "2024-10-28 23:59:59", after);
    let all = ["2024-10-26 00:30:00", "2024-10-27 00:30:00", "2024-10-28 01:30:00"];
    assert_eq!(autumn("2024-10-25 00:00:00"), all, "02:30 is shown twice on the 27th");
    assert_eq!(autumn("2024-10-27 01:10:00"), all[2..], "02:10 is shown for the second time");
}

#[test]
fn every_day_at_the_time() {
    let daily = periodical("2024-02-27 10:00:00", "2024-03-02 08:00:00", "08:00:00", "day", 1, json!(null));
    assert_eq!(
        all(&daily),
        ["2024-02-28 08:00:00", "2024-02-29 08:00:00", "2024-03-01 08:00:00", "2024-03-02 08:00:00"]
    );
}

#[test]
fn the_first_time_at_the_start_itself_and_the_last_at_the_end_itself_count() {
    let daily = periodical("2024-05-01 08:00:00", "2024-05-03 08:00:00", "08:00:00", "DAY", 2, json!([]));
    assert_eq!(all(&daily), ["2024-05-01 08:00:00", "2024-05-03 08:00:00"]);
}

#[test]
fn days_are_counted_from_the_day_of_the_start_even_when_its_time_has_passed() {
    let every_third = periodical("2024-05-01 09:00:00", "2024-05-09 00:00:00", "08:00:00", "day", 3, json!(null));
    assert_eq!(all(&every_third), ["2024-05-04 08:00:00", "2024-05-07 08:00:00"]);
}

#[test]
fn weeks_begin_on_monday_and_every_second_one_counts_from_that_of_the_start() {
    // 1 May 2024 is a Wednesday.
    let weekly =
        periodical("2024-05-01 00:00:00", "2024-05-20 23:59:59", "08:00:00", "week", 2, json!(["mon", "SUN", "WED"]));
    let expected = [
        "2024-05-01 08:00:00",
        "2024-05-05 08:00:00",
        "2024-05-13 08:00:00",
        "2024-05-15 08:00:00",
        "2024-05-19 08:00:00",
    ];
    assert_eq!(all(&weekly), expected);
}

#[test]
fn days_that_a_month_lacks_are_skipped() {
    let monthly = periodical("2024-01-30 00:00:00", "2024-05-31 23:59:59", "00:00:00", "Month", 1, json!(["31", "30"]));
    let expected = [
        "2024-01-30 00:00:00",
        "2024-01-31 00:00:00",
        "2024-03-30 00:00:00",
        "2024-03-31 00:00:00",
        "2024-04-30 00:00:00",
        "2024-05-30 00:00:00",
        "2024-05-31 00:00:00",
    ];
    assert_eq!(all(&monthly), expected);
}

#[test]
fn every_third_month_counts_over_the_end_of_the_year() {
    let monthly = periodical("2023-11-15 00:00:00", "2024-11-01 00:00:00", "12:00:00", "month", 3, json!(["01", "29"]));
    let expected = [
        "2023-11-29 12:00:00",
        "2024-02-01 12:00:00",
        "2024-02-29 12:00:00",
        "2024-05-01 12:00:00",
        "2024-05-29 12:00:00",
        "2024-08-01 12:00:00",
        "2024-08-29 12:00:00",
    ];
    assert_eq!(all(&monthly), expected);
}

#[test]
fn what_passed_is_counted_and_the_next_one_is_told() {
    let daily = periodical("2024-05-01 00:00:00", "2024-05-10 00:00:00", "08:00:00", "day", 1, json!(null));
    let (first, now) = (ms("2024-05-02 08:00:00"), ms("2024-05-04 08:00:00"));
    assert_eq!(daily.pass(first, now, ZONE), (2, Some(ms("2024-05-05 08:00:00"))));
    assert_eq!(daily.pass(first, now - 1, ZONE), (1, Some(now)));
    assert_eq!(daily.pass(first, ms("2025-01-01 00:00:00"), ZONE), (7, None));
}

#[test]
fn a_year_is_a_year_of_the_calendar() {
    let later = |text: &str| Written(moment(text).a_year_later().to_ms(ZONE).expect("after 1970"), ZONE).to_string();
    assert_eq!(later("2023-05-01 10:00:00"), "2024-05-01 10:00:00");
    assert_eq!(later("2024-02-29 10:00:00"), "2025-03-01 10:00:00");
    assert_eq!(later("2024-12-31 23:59:59"), "2025-12-31 23:59:59");
    parse(&json!({"periodical": span("2024-02-01 00:00:00", "2025-02-01 00:00:00")})).expect("exactly a year");
    parse(&json!({"periodical": span("2024-02-01 00:00:00", "2025-02-01 00:00:01")})).expect_err("a second more");
}

#[test]
fn other_kinds_of_triggers_are_refused() {
    let single = json!({"time": "2024-05-01 09:30:00"});
    let periodical = span("2024-05-01 00:00:00", "2024-06-01 00:00:00");
    for wrong in [
        json!({}),
        json!([]),
        json!("single"),
        json!({"single": single, "periodical": periodical}),
        json!({"intelligent": {"backup_time": "2024-05-01 09:30:00"}}),
        json!({"single": single, "other": {}}),
        json!({"single": "2024-05-01 09:30:00"}),
        json!({"single": null}),
    ] {
        parse(&wrong).expect_err(&wrong.to_string());
    }
    parse(&json!({"single": single, "periodical": null})).expect("null is absent");
    parse(&json!({"single": null, "periodical": periodical})).expect("null is absent");
}

#[test]
fn times_that_are_not_written_out_or_do_not_exist_are_refused() {
    for wrong in [
        "2024-5-01 09:30:00",
        "2024-05-01 9:30:00",
        "2024-05-01 09:30",
        "2024-05-01T09:30:00",
        "2024-05-01  09:30:00",
        "2024-05-01 09:30:00 ",
        "2023-02-29 09:30:00",
        "2024-05-01 24:00:00",
        "2024-05-01 09:60:00",
        "2024-05-01 09:30:60",
        "+024-05-01 09:30:00",
        "",
    ] {
        parse(&json!({"single": {"time": wrong}})).expect_err(wrong);
    }
    for not_a_text in [json!(null), json!(1_714_527_000), json!({})] {
        parse(&json!({"single": {"time": not_a_text}})).expect_err("not a text");
    }
}

#[test]
fn each_rule_of_a_period_is_asked_for() {
    let fine = span("2024-05-01 00:00:00", "2024-06-01 00:00:00");
    for (key, wrong) in [
        ("start", json!("2024-06-01 00:00:00")),
        ("end", json!("2024-05-01 00:00:00")),
        ("end", json!(null)),
        ("time", json!("8:00:00")),
        ("time", json!("2024-05-01 08:00:00")),
        ("time", json!(null)),
        ("time_unit", json!("year")),
        ("time_unit", json!(null)),
        ("frequency", json!(0)),
        ("frequency", json!(101)),
        ("frequency", json!(1.5)),
        ("frequency", json!(null)),
        ("point", json!(["MON"])),
        ("point", json!("MON")),
    ] {
        let mut changed = fine.clone();
        changed[key] = wrong.clone();
        parse(&json!({"periodical": changed})).expect_err(&format!("{key} {wrong}"));
    }
    for (unit, point) in [
        ("week", json!(null)),
        ("week", json!([])),
        ("week", json!(["01"])),
        ("week", json!(["MON", "FOO"])),
        ("month", json!([])),
        ("month", json!(["00"])),
        ("month", json!(["32"])),
        ("month", json!(["01", "MON"])),
        ("month", json!([["01"]])),
    ] {
        let mut changed = fine.clone();
        changed["time_unit"] = json!(unit);
        changed["point"] = point.clone();
        parse(&json!({"periodical": changed})).expect_err(&format!("{unit} {point}"));
    }
    let mut loose = fine;
    loose["frequency"] = json!("2");
    parse(&json!({"periodical": loose})).expect("a number as text");
}

/// Walks the calendar from the day of the start, with counters of its own for weekday, day and month.
fn by_walking(trigger: &Periodical) -> Vec<i64> {
    let first = trigger.start.day();
    let mut date = Date::of_days(first);
    // Sakamoto's way to a weekday, 0 on Monday.
    let shifts = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    let year = date.year - i32::from(date.month < 3);
    let since_sunday =
        year + year / 4 - year / 100 + year / 400 + shifts[usize::from(date.month) - 1] + i32::from(date.day);
    let mut weekday = (since_sunday + 6) % 7;
    let (mut days, mut weeks, mut months) = (0, 0, 0);
    let mut found = Vec::new();
    loop {
        let at = (first + days) * DAY_S + trigger.time_s;
        if at > trigger.end.0 {
            return found;
        }
        let is_due = match trigger.points {
            Points::Days => days % trigger.frequency == 0,
            Points::Weeks(on) => weeks % trigger.frequency == 0 && on & (1 << weekday) != 0,
            Points::Months(on) => months % trigger.frequency == 0 && on & (1 << (date.day - 1)) != 0,
        };
        if is_due && at >= trigger.start.0 {
            found.push(at);
        }
        days += 1;
        weekday = (weekday + 1) % 7;
        weeks += i64::from(weekday == 0);
        date = match Date::new(date.year, date.month, date.day + 1) {
            Some(next) => next,
            None => {
                months += 1;
                match date.month {
                    12 => Date { year: date.year + 1, month: 1, day: 1 },
                    month => Date { year: date.year, month: month + 1, day: 1 },
                }
            }
        };
    }
}

fn any_periodical() -> impl Strategy<Value = Periodical> {
    let points = prop_oneof![
        Just(Points::Days),
        (1_u8..128).prop_map(Points::Weeks),
        (1_u32..=u32::MAX >> 1).prop_map(Points::Months),
        (0_u32..31).prop_map(|day| Points::Months(1 << day)),
    ];
    let frequency = prop_oneof![1_i64..5, 1_i64..=100];
    (0_i64..3_000_000_000, 1_i64..=366 * DAY_S, 0_i64..DAY_S, frequency, points).prop_map(
        |(start, span, time_s, frequency, points)| {
            let start = Local(start);
            Periodical { start, end: Local(start.0 + span).min(start.a_year_later()), time_s, frequency, points }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn from_one_firing_to_the_next_is_what_walking_the_calendar_gives(periodical in any_periodical()) {
        let mut found = Vec::new();
        let mut after = Local(i64::MIN);
        while let Some(at) = periodical.next_after(after) {
            found.push(at.0);
            after = at;
        }
        prop_assert_eq!(found, by_walking(&periodical));
    }

    #[test]
    fn from_any_moment_the_next_firing_is_the_first_later_one(periodical in any_periodical(), into in -DAY_S..400 * DAY_S) {
        let after = Local(periodical.start.0 + into);
        let expected = by_walking(&periodical).into_iter().find(|at| *at > after.0);
        prop_assert_eq!(periodical.next_after(after).map(|at| at.0), expected);
    }

    #[test]
    fn no_trigger_makes_it_panic(text in "[0-9: T+-]{0,25}", unit in "[a-z]{0,6}", frequency in any::<i64>(), point in "[0-9A-Z]{0,3}") {
        let _ = parse(&json!({"single": {"time": text}}));
        let mut object = span("2024-05-01 00:00:00", &text);
        object["time_unit"] = json!(unit);
        object["frequency"] = json!(frequency);
        object["point"] = json!([point]);
        let _ = parse(&json!({"periodical": object}));
    }
}

fn parsed(trigger: Value) -> Trigger {
    parse(&trigger).expect("a trigger")
}

fn span(start: &str, end: &str) -> Value {
    json!({"start": start, "end": end, "time": "08:00:00", "time_unit": "day", "frequency": 1, "point": null})
}

fn periodical(start: &str, end: &str, time: &str, unit: &str, frequency: i64, point: Value) -> Trigger {
    let object = json!({
        "start": start, "end": end, "time": time, "time_unit": unit, "frequency": frequency, "point": point,
    });
    parsed(json!({"periodical": object}))
}

fn moment(text: &str) -> Local {
    match parsed(json!({"single": {"time": text}})) {
        Trigger::Single(at) => at,
        other => panic!("{other:?}"),
    }
}

fn ms(text: &str) -> TimeMs {
    moment(text).to_ms(ZONE).expect("after 1970")
}

/// All due times, as they are written.
fn all(trigger: &Trigger) -> Vec<String> {
    let mut times = Vec::new();
    let mut next = trigger.next_after(0, ZONE);
    while let Some(at_ms) = next {
        times.push(Written(at_ms, ZONE).to_string());
        next = trigger.next_after(at_ms, ZONE);
    }
    times
}
