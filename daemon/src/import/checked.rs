//! What a source says, by the rules of our own API. It is somebody else's: whatever breaks a rule is told and left out.

use anser_protocol::limits::{GROUP_NAME_BYTES_MAX, TEXT_BYTES_MAX};
use anser_storage::WaitingDevice;
use anser_storage::command::{FriendNote, ProfileChange};
use serde_json::Value;

use super::journal::Step;
use crate::label::is_label;
use crate::profile::NICKNAME_BYTES_MAX;
use crate::rest::device::{is_mobile, is_registration_id};
use crate::rest::im::field;
use crate::rest::lenient::{Object, as_int, as_name, member};
use crate::username;

const MEMBERS: [&str; 7] = ["nickname", "birthday", "signature", "region", "address", "gender", "extras"];

/// Users of other apps stand in lists beside the app's own, told apart by nothing but their app's key: they do not come
/// along, and never as the own user of the same name.
pub fn of_app(list: &[Value], app_key: &str, step: &mut Step, of: &str) -> Vec<Value> {
    let is_own = |object: &&Value| {
        let is_own = text(object, "appkey").is_none_or(|key| key == app_key);
        if !is_own {
            step.left_out(of, &shortened(&text(object, "username").unwrap_or_default()), "it is a user of another app");
        }
        is_own
    };
    list.iter().filter(is_own).cloned().collect()
}

/// The name of whoever an object tells of. The strict rule is for names that are new: these were there before.
pub fn name(object: &Value, step: &mut Step, of: &str) -> Option<String> {
    let name = object.as_object().and_then(|object| member(object, "username")).and_then(as_name);
    let Some(name) = name else {
        step.left_out(of, "", "it has no user name");
        return None;
    };
    match username::check(&name, false) {
        Ok(()) => Some(name),
        Err(why) => {
            step.left_out(of, &shortened(&name), why);
            None
        }
    }
}

pub fn names(list: &[Value], step: &mut Step, of: &str) -> Vec<String> {
    list.iter().filter_map(|object| name(object, step, of)).collect()
}

/// All of a profile but the avatar, which is a file of its own.
pub fn profile(object: &Value, username: &str, step: &mut Step) -> ProfileChange {
    let Some(object) = object.as_object() else { return ProfileChange::default() };
    let mut good = Object::new();
    for key in MEMBERS {
        let Some(value) = member(object, key) else { continue };
        let alone: Object = [(key.to_owned(), value.clone())].into_iter().collect();
        match field::profile_change(&alone) {
            Ok(_) => _ = good.insert(key.to_owned(), value.clone()),
            Err(fault) => step.left_out(&format!("profile of {username}"), key, &fault.message),
        }
    }
    field::profile_change(&good).unwrap_or_default()
}

pub fn friend_note(object: &Value, step: &mut Step, of: &str) -> Option<FriendNote> {
    let username = name(object, step, of)?;
    let mut note = |key: &str, bytes_max: usize, is_line: bool| {
        let text = object.as_object().and_then(|object| member(object, key)).and_then(as_name)?;
        let is_good = text.len() <= bytes_max && !(is_line && text.contains(['\n', '\r']));
        if !is_good {
            step.left_out(of, &username, &format!("{key} is too long or has line breaks"));
        }
        (is_good && !text.is_empty()).then_some(text)
    };
    let note_name = note("note_name", NICKNAME_BYTES_MAX, true);
    let others = note("others", TEXT_BYTES_MAX, false);
    Some(FriendNote { username, note_name, others })
}

/// The name of a group or room; one that breaks the rule is cut, since there must be one.
pub fn title(object: &Value, of: &str, step: &mut Step) -> String {
    let given = text(object, "name").unwrap_or_default();
    let mut title: String = given.chars().filter(|letter| !matches!(letter, '\n' | '\r')).collect();
    title.truncate(title.floor_char_boundary(GROUP_NAME_BYTES_MAX));
    if title.is_empty() {
        "-".clone_into(&mut title);
    }
    if title != given {
        step.left_out(of, "name", "it has 1 to 64 bytes and no line breaks; it was cut");
    }
    title
}

pub fn description(object: &Value, key: &str, of: &str, step: &mut Step) -> String {
    let mut text = text(object, key).unwrap_or_default();
    if text.len() > TEXT_BYTES_MAX {
        step.left_out(of, key, "it has at most 250 bytes; it was cut");
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    }
    text
}

pub fn text(object: &Value, key: &str) -> Option<String> {
    object.as_object().and_then(|object| member(object, key)).and_then(as_name)
}

pub fn number(object: &Value, key: &str) -> Option<u64> {
    let value = object.as_object().and_then(|object| member(object, key)).and_then(as_int)?;
    u64::try_from(value).ok()
}

/// A device under the id that it had. Tags and alias that break a rule are left out.
pub fn device(id: &str, alias: &str, tags: &[String], mobile: &str, step: &mut Step) -> Option<WaitingDevice> {
    if !is_registration_id(id) || id.chars().any(char::is_control) {
        step.left_out("devices", &shortened(id), "a registration id has 1 to 64 bytes");
        return None;
    }
    let of = format!("device {id}");
    let mut kept = Vec::with_capacity(tags.len());
    for tag in tags {
        match is_label(tag) {
            true if kept.len() == anser_protocol::limits::TAGS_PER_DEVICE_MAX => {
                step.left_out(&of, tag, "a device has at most 1000 tags");
            }
            true => kept.push(tag.clone()),
            false => step.left_out(&of, &shortened(tag), "it is no tag by our rule"),
        }
    }
    let mut checked = |text: &str, is_good: bool, why: &str| {
        if !text.is_empty() && !is_good {
            step.left_out(&of, &shortened(text), why);
        }
        if is_good { text.to_owned() } else { String::new() }
    };
    Some(WaitingDevice {
        registration_id: id.to_owned(),
        alias: checked(alias, is_label(alias), "it is no alias by our rule"),
        mobile: checked(mobile, is_mobile(mobile), "it is no mobile number"),
        tags: kept,
    })
}

/// Of what a stranger wrote, no more than a line.
fn shortened(text: &str) -> String {
    let text: String = text.chars().filter(|letter| !letter.is_control()).collect();
    text[..text.floor_char_boundary(128)].to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_user_of_another_app_is_nobody_of_this_one() {
        let mut step = Step::default();
        let list = [
            json!({"username": "bob", "appkey": "other"}),
            json!({"username": "bob", "appkey": "own"}),
            json!({"username": "carol"}),
        ];
        assert_eq!(of_app(&list, "own", &mut step, "friends of alice"), list[1..]);
        assert!(format!("{step:?}").contains("\"left out\": 1"), "{step:?}");
    }

    #[test]
    fn what_breaks_a_rule_is_left_out_and_the_rest_stays() {
        let mut step = Step::default();
        let user =
            json!({"username": "a", "nickname": "two\nlines", "region": "here", "gender": 7, "avatar": "x", "k": 1});
        let change = profile(&user, "a", &mut step);
        assert_eq!(change, ProfileChange { region: Some("here".into()), ..ProfileChange::default() });
        for strange in [json!({"username": "a b"}), json!({}), json!(7), json!({"username": "x".repeat(500)})] {
            assert_eq!(name(&strange, &mut step, "users"), None, "{strange}");
        }
        assert_eq!(title(&json!({"name": "a\nb"}), "group 1", &mut step), "ab");
        assert_eq!(title(&json!({"name": "鸿".repeat(30)}), "group 1", &mut step).len(), 63);
        let device = device("r", "a b", &["ok".into(), "n o".into()], "12x", &mut step).expect("an id");
        assert_eq!((device.alias.as_str(), device.mobile.as_str(), device.tags), ("", "", vec!["ok".to_owned()]));
        let counted = format!("{step:?}");
        assert!(counted.contains("\"left out\": 11"), "{counted}");
    }
}
