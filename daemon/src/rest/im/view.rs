//! Users and groups as the IM API shows them: members that are not set are left out.

use anser_protocol::ids::GroupId;
use anser_protocol::names::split_guest;
use anser_storage::command::Profile;
use anser_storage::{Group, User};
use serde_json::{Value, json};

use crate::clock::Written;
use crate::config::TimeZone;
use crate::rest::lenient::Object;

/// The username of a guest's name, or the name itself.
pub fn plain_name(name: &str) -> &str {
    split_guest(name).map_or(name, |(username, _)| username)
}

/// The app key of a guest's name.
pub fn app_key_of(name: &str) -> Option<&str> {
    split_guest(name).map(|(_, app_key)| app_key)
}

/// With the key of the user's app.
pub fn user_of_any_app(shown: &User, app_key: &str, zone: TimeZone) -> Value {
    let mut row = user(shown, zone);
    row["appkey"] = json!(app_key_of(&shown.username).unwrap_or(app_key));
    row
}

pub fn user(user: &User, zone: TimeZone) -> Value {
    let mut shown = Object::new();
    shown.insert("username".to_owned(), json!(plain_name(&user.username)));
    shown.insert("ctime".to_owned(), json!(Written(user.created_ms, zone).to_string()));
    shown.insert("mtime".to_owned(), json!(Written(user.changed_ms, zone).to_string()));
    add_profile(&mut shown, &user.profile);
    Value::Object(shown)
}

fn add_profile(shown: &mut Object, profile: &Profile) {
    for (key, text) in [
        ("nickname", &profile.nickname),
        ("avatar", &profile.avatar),
        ("signature", &profile.signature),
        ("region", &profile.region),
        ("address", &profile.address),
    ] {
        add_text(shown, key, text);
    }
    if !profile.birthday.is_empty() {
        shown.insert("birthday".to_owned(), json!(format!("{} 00:00:00", profile.birthday)));
    }
    if let Some(gender) = profile.gender {
        shown.insert("gender".to_owned(), json!(gender));
    }
    if let Ok(extras @ Value::Object(_)) = serde_json::from_str(&profile.extras) {
        shown.insert("extras".to_owned(), extras);
    }
}

pub fn group(gid: GroupId, group: &Group, owner: &str, app_key: &str, zone: TimeZone) -> Object {
    let mut shown = Object::new();
    shown.insert("gid".to_owned(), json!(gid.0));
    shown.insert("name".to_owned(), json!(group.name));
    shown.insert("appkey".to_owned(), json!(app_key));
    shown.insert("owner_username".to_owned(), json!(plain_name(owner)));
    shown.insert("MaxMemberCount".to_owned(), json!(group.members_max));
    shown.insert("flag".to_owned(), json!(if group.is_public { 2 } else { 1 }));
    shown.insert("ctime".to_owned(), json!(Written(group.created_ms, zone).to_string()));
    shown.insert("mtime".to_owned(), json!(Written(group.changed_ms, zone).to_string()));
    add_text(&mut shown, "desc", &group.description);
    add_text(&mut shown, "avatar", &group.avatar);
    shown
}

pub fn add_text(shown: &mut Object, key: &str, text: &str) {
    if !text.is_empty() {
        shown.insert(key.to_owned(), json!(text));
    }
}
