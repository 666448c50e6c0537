//! What a user's profile may say. Lengths are bytes of UTF-8.

use anser_protocol::limits::TEXT_BYTES_MAX;
use anser_storage::command::ProfileChange;
use serde_json::{Map, Value};

pub const NICKNAME_BYTES_MAX: usize = 64;
pub const EXTRAS_BYTES_MAX: usize = 512;

/// May the profile be changed so? The reason why not otherwise.
pub fn check(change: &ProfileChange) -> Result<(), &'static str> {
    let within = |text: &Option<String>, bytes_max: usize| text.as_ref().is_none_or(|text| text.len() <= bytes_max);
    if !change.nickname.as_ref().is_none_or(|name| is_line(name, NICKNAME_BYTES_MAX)) {
        return Err("a nickname has at most 64 bytes and one line");
    }
    let texts = [&change.avatar, &change.signature, &change.region, &change.address];
    if !texts.into_iter().all(|text| within(text, TEXT_BYTES_MAX)) {
        return Err("avatar, signature, region and address have at most 250 bytes each");
    }
    if !change.birthday.as_ref().is_none_or(|date| is_birthday(date)) {
        return Err("a birthday looks like 1992-03-08");
    }
    if change.gender.is_some_and(|gender| gender > 2) {
        return Err("a gender is 0, 1 or 2");
    }
    let is_object = |text: &String| text.is_empty() || serde_json::from_str::<Map<String, Value>>(text).is_ok();
    if !within(&change.extras, EXTRAS_BYTES_MAX) || !change.extras.as_ref().is_none_or(is_object) {
        return Err("extras are a JSON object of at most 512 bytes");
    }
    Ok(())
}

/// A text of one line.
pub fn is_line(text: &str, bytes_max: usize) -> bool {
    text.len() <= bytes_max && !text.contains(['\n', '\r'])
}

/// `1992-03-08`, or empty.
pub fn is_birthday(date: &str) -> bool {
    let parts: Vec<&str> = date.split('-').collect();
    let number = |text: &str, digits: usize| {
        (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().unwrap_or(0u32))
    };
    match parts.as_slice() {
        [year, month, day] => {
            let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2)) else {
                return false;
            };
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let days = match month {
                4 | 6 | 9 | 11 => 30,
                2 if is_leap => 29,
                2 => 28,
                _ => 31,
            };
            (1..=12).contains(&month) && (1..=days).contains(&day)
        }
        _ => date.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_birthday_is_a_day_that_there_was() {
        for date in ["", "1992-03-08", "1992-02-29", "2000-02-29", "1992-12-31"] {
            assert!(is_birthday(date), "{date}");
        }
        for date in ["1993-02-29", "1900-02-29", "1992-02-30", "1992-04-31", "1992-00-01", "1992-01-00", "92-1-1"] {
            assert!(!is_birthday(date), "{date}");
        }
    }

    #[test]
    fn a_profile_keeps_to_its_limits() {
        let nickname = |text: &str| ProfileChange { nickname: Some(text.into()), ..ProfileChange::default() };
        let birthday = |text: &str| ProfileChange { birthday: Some(text.into()), ..ProfileChange::default() };
        let extras = |text: &str| ProfileChange { extras: Some(text.into()), ..ProfileChange::default() };
        for good in [nickname(""), nickname(&"x".repeat(64)), birthday("1992-03-08"), birthday(""), extras("{\"k\":1}")]
        {
            assert_eq!(check(&good), Ok(()), "{good:?}");
        }
        let gender = ProfileChange { gender: Some(3), ..ProfileChange::default() };
        let address = ProfileChange { address: Some("x".repeat(251)), ..ProfileChange::default() };
        for bad in [
            nickname(&"x".repeat(65)),
            nickname("two\nlines"),
            birthday("1992-13-08"),
            birthday("yesterday"),
            extras("[1]"),
            extras(&format!("{{\"k\":\"{}\"}}", "x".repeat(510))),
            gender,
            address,
        ] {
            assert!(check(&bad).is_err(), "{bad:?}");
        }
    }
}
