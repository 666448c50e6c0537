//! Members of IM request bodies, checked by the contract's string rules. Lengths are bytes of UTF-8.

use anser_protocol::ids::GroupId;
use anser_protocol::limits::{GROUP_NAME_BYTES_MAX, PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN, TEXT_BYTES_MAX};
use anser_storage::command::{FriendNote, Profile, ProfileChange};
use serde_json::Value;

use super::invalid;
use crate::config;
use crate::profile::{EXTRAS_BYTES_MAX, NICKNAME_BYTES_MAX, is_birthday};
use crate::rest::fault::Fault;
use crate::rest::lenient::{Object, as_int, as_name, as_object, member};
use crate::username;

pub fn object(value: &Value) -> Result<&Object, Fault> {
    value.as_object().ok_or_else(|| invalid("a JSON object is expected"))
}

/// The objects of a body that is an array of them; SDKs send an only one by itself.
pub fn objects<'v>(body: &'v Value, count_max: usize, what: &str) -> Result<Vec<&'v Object>, Fault> {
    let items = match body {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    if items.is_empty() || items.len() > count_max {
        return Err(invalid(format!("an array of 1 to {count_max} {what} is expected")));
    }
    items.iter().map(object).collect()
}

/// An object in an object; absent is empty.
pub fn part(object: &Object, key: &str) -> Result<Object, Fault> {
    match member(object, key) {
        None => Ok(Object::new()),
        Some(value) => as_object(value).ok_or_else(|| invalid(format!("{key} must be an object"))),
    }
}

/// Under either of the names by which SDKs send it.
pub fn app_key(object: &Object) -> Option<&Value> {
    member(object, "appkey").or_else(|| member(object, "appKey"))
}

/// A required text; a number will do.
pub fn required(object: &Object, key: &str) -> Result<String, Fault> {
    member(object, key).and_then(as_name).ok_or_else(|| invalid(format!("{key} is missing")))
}

/// A required username; ids that are numbers in the caller's own system come as numbers.
pub fn name(object: &Object, key: &str, rule: &config::Users) -> Result<String, Fault> {
    let value = member(object, key).ok_or_else(|| invalid(format!("{key} is missing")))?;
    checked_name(value, key, rule)
}

/// A list of usernames; absent is empty, one name alone is a list of one.
pub fn names(object: &Object, key: &str, rule: &config::Users) -> Result<Vec<String>, Fault> {
    match member(object, key) {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(|item| checked_name(item, key, rule)).collect(),
        Some(one) => Ok(vec![checked_name(one, key, rule)?]),
    }
}

fn checked_name(value: &Value, key: &str, rule: &config::Users) -> Result<String, Fault> {
    let name = as_name(value).ok_or_else(|| invalid(format!("{key} must be a text")))?;
    match username::check(&name, rule.strict_names) {
        Ok(()) => Ok(name),
        Err(reason) => Err(invalid(format!("{key}: {reason}"))),
    }
}

/// The username in a path.
pub fn path_name(name: &str, rule: &config::Users) -> Result<(), Fault> {
    username::check(name, rule.strict_names).map_err(invalid)
}

/// A whole body that is a list of usernames.
pub fn name_list(body: &Value, names_max: usize, rule: &config::Users) -> Result<Vec<String>, Fault> {
    let list = body.as_array().filter(|list| (1..=names_max).contains(&list.len()));
    let list = list.ok_or_else(|| invalid(format!("an array of 1 to {names_max} usernames is expected")))?;
    list.iter().map(|item| checked_name(item, "username", rule)).collect()
}

/// A list of groups; absent is empty. Digits that no group can have mean one that does not exist.
pub fn gids(object: &Object, key: &str, gids_max: usize) -> Result<Vec<GroupId>, Fault> {
    let Some(value) = member(object, key) else { return Ok(Vec::new()) };
    let wrong = || invalid(format!("{key} must be an array of at most {gids_max} group ids"));
    let list = value.as_array().filter(|list| list.len() <= gids_max).ok_or_else(wrong)?;
    let gid = |item: &Value| {
        let text = as_name(item).filter(|text| !text.is_empty() && text.len() <= 20)?;
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| GroupId(text.parse().unwrap_or(0)))
    };
    list.iter().map(|item| gid(item).ok_or_else(wrong)).collect()
}

/// What a user has written down about a friend.
pub fn friend_note(object: &Object, rule: &config::Users) -> Result<FriendNote, Fault> {
    let username = name(object, "username", rule)?;
    let note_name = line(object, "note_name", NICKNAME_BYTES_MAX)?;
    let others = text(object, "others", TEXT_BYTES_MAX)?;
    let named = |key: &str, text: String| member(object, key).map(|_| text);
    Ok(FriendNote { username, note_name: named("note_name", note_name), others: named("others", others) })
}

pub fn password(object: &Object, key: &str) -> Result<String, Fault> {
    let password = member(object, key).and_then(as_name).ok_or_else(|| invalid(format!("{key} is missing")))?;
    if (PASSWORD_BYTES_MIN..=PASSWORD_BYTES_MAX).contains(&password.len()) {
        Ok(password)
    } else {
        Err(invalid(format!("{key} must have 4 to 128 bytes")))
    }
}

/// An optional text; absent is empty.
pub fn text(object: &Object, key: &str, bytes_max: usize) -> Result<String, Fault> {
    let Some(value) = member(object, key) else { return Ok(String::new()) };
    match as_name(value) {
        Some(text) if text.len() <= bytes_max => Ok(text),
        Some(_) => Err(invalid(format!("{key} must have at most {bytes_max} bytes"))),
        None => Err(invalid(format!("{key} must be a text"))),
    }
}

fn line(object: &Object, key: &str, bytes_max: usize) -> Result<String, Fault> {
    let text = text(object, key, bytes_max)?;
    if text.contains(['\n', '\r']) { Err(invalid(format!("{key} must be one line"))) } else { Ok(text) }
}

pub fn group_name(object: &Object) -> Result<String, Fault> {
    let name = line(object, "name", GROUP_NAME_BYTES_MAX)?;
    if name.is_empty() { Err(invalid("name must have 1 to 64 bytes")) } else { Ok(name) }
}

pub fn description(object: &Object) -> Result<String, Fault> {
    text(object, "desc", TEXT_BYTES_MAX)
}

pub fn room_description(object: &Object) -> Result<String, Fault> {
    text(object, "description", TEXT_BYTES_MAX)
}

pub fn avatar(object: &Object) -> Result<String, Fault> {
    text(object, "avatar", TEXT_BYTES_MAX)
}

pub fn profile(object: &Object) -> Result<Profile, Fault> {
    Ok(Profile {
        nickname: line(object, "nickname", NICKNAME_BYTES_MAX)?,
        avatar: avatar(object)?,
        birthday: birthday(object)?,
        signature: text(object, "signature", TEXT_BYTES_MAX)?,
        region: text(object, "region", TEXT_BYTES_MAX)?,
        address: text(object, "address", TEXT_BYTES_MAX)?,
        gender: gender(object)?,
        extras: extras(object)?,
    })
}

/// What of a profile is to change: what is named, and an empty text clears.
pub fn profile_change(object: &Object) -> Result<ProfileChange, Fault> {
    let Profile { nickname, avatar, birthday, signature, region, address, gender, extras } = profile(object)?;
    let named = |key: &str, text: String| member(object, key).map(|_| text);
    Ok(ProfileChange {
        nickname: named("nickname", nickname),
        avatar: named("avatar", avatar),
        birthday: named("birthday", birthday),
        signature: named("signature", signature),
        region: named("region", region),
        address: named("address", address),
        gender,
        extras: named("extras", extras),
    })
}

/// `1992-03-08`; a time of day behind it is dropped.
fn birthday(object: &Object) -> Result<String, Fault> {
    let text = text(object, "birthday", 19)?;
    let date = text.split(' ').next().unwrap_or_default();
    if is_birthday(date) { Ok(date.to_owned()) } else { Err(invalid("birthday must look like 1992-03-08")) }
}

fn gender(object: &Object) -> Result<Option<u8>, Fault> {
    match member(object, "gender") {
        None => Ok(None),
        Some(value) => match as_int(value) {
            Some(0) => Ok(Some(0)),
            Some(1) => Ok(Some(1)),
            Some(2) => Ok(Some(2)),
            _ => Err(invalid("gender must be 0, 1 or 2")),
        },
    }
}

fn extras(object: &Object) -> Result<String, Fault> {
    let Some(value) = member(object, "extras") else { return Ok(String::new()) };
    let extras = as_object(value).ok_or_else(|| invalid("extras must be an object"))?;
    let text = if extras.is_empty() { String::new() } else { Value::Object(extras).to_string() };
    if text.len() <= EXTRAS_BYTES_MAX { Ok(text) } else { Err(invalid("extras must have at most 512 bytes as JSON")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_profile_takes_null_as_absent_and_a_time_behind_the_birthday() {
        let given = json!({"nickname": null, "birthday": "1992-03-08 10:00:00", "gender": "2", "extras": []});
        let profile = profile(given.as_object().expect("an object")).expect("valid");
        assert_eq!((profile.birthday.as_str(), profile.gender, profile.extras.as_str()), ("1992-03-08", Some(2), ""));
    }

    #[test]
    fn members_that_break_a_rule_are_refused() {
        for wrong in [
            json!({"nickname": "two\nlines"}),
            json!({"nickname": "x".repeat(65)}),
            json!({"birthday": "yesterday"}),
            json!({"birthday": "1992-13-08"}),
            json!({"gender": 3}),
            json!({"extras": "x"}),
            json!({"extras": {"k": "x".repeat(510)}}),
            json!({"signature": "x".repeat(251)}),
            json!({"signature": {}}),
        ] {
            let fault = profile(wrong.as_object().expect("an object")).expect_err("broken");
            assert_eq!(fault.code, 899_003, "{wrong}");
        }
    }
}
