//! Triggers as app servers write them.

use serde_json::Value;

use super::{DAY_S, Local, Periodical, Points, Trigger};
use crate::clock::Date;
use crate::rest::lenient::{Object, as_int, as_name, member};

const FREQUENCY_MAX: i64 = 100;
const WEEKDAYS: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

/// Says what is wrong, for the caller. Whether the times still lie ahead is another question.
pub fn parse(trigger: &Value) -> Result<Trigger, String> {
    let Value::Object(trigger) = trigger else { return Err("trigger must be an object".to_owned()) };
    let mut kinds = trigger.iter().filter(|(_, value)| !value.is_null());
    match (kinds.next(), kinds.next()) {
        (Some((kind, Value::Object(single))), None) if kind == "single" => {
            Ok(Trigger::Single(moment(single, "trigger.single", "time")?))
        }
        (Some((kind, Value::Object(periodical))), None) if kind == "periodical" => {
            parse_periodical(periodical).map(Trigger::Periodical)
        }
        _ => Err("trigger must have exactly one of single and periodical, an object".to_owned()),
    }
}

fn parse_periodical(object: &Object) -> Result<Periodical, String> {
    const PLACE: &str = "trigger.periodical";
    let (start, end) = (moment(object, PLACE, "start")?, moment(object, PLACE, "end")?);
    if end <= start {
        return Err(format!("{PLACE}.end must be later than start"));
    }
    if end > start.a_year_later() {
        return Err(format!("{PLACE} may span one year"));
    }
    let time_s = text(object, "time").and_then(second_of_day);
    let time_s = time_s.ok_or_else(|| format!("{PLACE}.time must be HH:MM:SS"))?;
    let frequency = member(object, "frequency").and_then(as_int).filter(|number| (1..=FREQUENCY_MAX).contains(number));
    let frequency =
        frequency.ok_or_else(|| format!("{PLACE}.frequency must be a whole number from 1 to {FREQUENCY_MAX}"))?;
    let unit = text(object, "time_unit").unwrap_or_default().to_ascii_lowercase();
    let points = points(&unit, member(object, "point")).ok_or_else(|| {
        format!(
            "{PLACE} must have time_unit day without point, week with a point of MON to SUN, or month with one of \
             \"01\" to \"31\""
        )
    })?;
    Ok(Periodical { start, end, time_s, frequency, points })
}

fn points(unit: &str, point: Option<&Value>) -> Option<Points> {
    let names: Vec<String> = match point {
        None => Vec::new(),
        Some(Value::Array(names)) => names.iter().map(as_name).collect::<Option<_>>()?,
        Some(_) => return None,
    };
    match unit {
        "day" => names.is_empty().then_some(Points::Days),
        "week" => bits(&names, weekday).and_then(|days| u8::try_from(days).ok()).map(Points::Weeks),
        "month" => bits(&names, day_of_month).map(Points::Months),
        _ => None,
    }
}

/// At least one, and all of them known.
fn bits(names: &[String], bit_of: fn(&str) -> Option<u32>) -> Option<u32> {
    let bits = names.iter().map(|name| bit_of(name)).try_fold(0, |bits, bit| Some(bits | 1 << bit?))?;
    (bits != 0).then_some(bits)
}

fn weekday(name: &str) -> Option<u32> {
    let place = WEEKDAYS.iter().position(|day| day.eq_ignore_ascii_case(name.trim()))?;
    u32::try_from(place).ok()
}

fn day_of_month(name: &str) -> Option<u32> {
    let day: u32 = name.trim().parse().ok()?;
    (1..=31).contains(&day).then(|| day - 1)
}

fn moment(object: &Object, place: &str, key: &str) -> Result<Local, String> {
    text(object, key)
        .and_then(parse_moment)
        .ok_or_else(|| format!("{place}.{key} must be a time that exists, as YYYY-MM-DD HH:MM:SS"))
}

fn text<'a>(object: &'a Object, key: &str) -> Option<&'a str> {
    member(object, key)?.as_str()
}

/// `2024-05-01 09:30:00`, every field with its zeros.
fn parse_moment(text: &str) -> Option<Local> {
    let (date, time) = text.split_once(' ')?;
    let [year, month, day] = fields(date, '-', [4, 2, 2])?;
    let date = Date::new(i32::try_from(year).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?)?;
    Some(Local::of(date, second_of_day(time)?))
}

fn second_of_day(text: &str) -> Option<i64> {
    let [hour, minute, second] = fields(text, ':', [2, 2, 2])?;
    let second_of_day = hour * 3600 + minute * 60 + second;
    (minute < 60 && second < 60 && second_of_day < DAY_S).then_some(second_of_day)
}

/// Three numbers of exactly so many digits.
fn fields(text: &str, separator: char, digits: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; 3];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part =
            parts.next().filter(|part| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()))?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}
