//! How an event is written for an app's server: numbers and keys as the device SDKs of JMessage have them.

use anser_protocol::content::{AmendmentKind, GroupEventKind};
use anser_protocol::group_details::{Announcement, GroupDetails};
use anser_storage::{AppEvent, AppEventKind, NotedKind, ReportTarget, ReportUser};
use serde_json::{Map, Value, json};

use crate::rest::im::view::{app_key_of, plain_name};

/// From 200 on the numbers are Anser's own.
mod number {
    pub const MAXIMUM: u32 = 11002;
    pub const EDITED: u32 = 222;
    pub const ERASED: u32 = 223;
    pub const USERS_REGISTERED: u32 = 230;
    pub const USERS_DELETED: u32 = 231;
    pub const USER_DISABLED: u32 = 232;
    pub const ROOM_CREATED: u32 = 240;
    pub const ROOM_CHANGED: u32 = 241;
    pub const ROOM_DELETED: u32 = 242;
    pub const ROOM_ENTERED: u32 = 243;
    pub const ROOM_LEFT: u32 = 244;
}

pub fn written(event: &AppEvent, app_key: &str) -> Value {
    let mut keys = Map::new();
    let event_type = match &event.what {
        AppEventKind::Group { kind, group, name, avatar, new_owner, details } => {
            keys.insert("gid".into(), json!(group.0));
            keys.insert("group_name".into(), json!(name));
            if !avatar.is_empty() {
                keys.insert("media_id".into(), json!(avatar));
            }
            if let Some(owner) = new_owner {
                keys.insert("new_owner".into(), user(owner, app_key));
            }
            put_details(&mut keys, details, app_key);
            group_event(*kind, &mut keys)
        }
        AppEventKind::Amended { kind, message, from, to } => {
            keys.insert("msg_ids".into(), json!([message.0]));
            keys.insert("type".into(), json!(u8::from(!matches!(to, ReportTarget::User(_)))));
            match to {
                ReportTarget::User(username) => {
                    keys.insert("target_username".into(), json!(plain_name(username)));
                    keys.insert("target_appkey".into(), json!(app_key_of(username).unwrap_or(app_key)));
                }
                ReportTarget::Group(group) => {
                    keys.insert("gid".into(), json!(group.0));
                }
                ReportTarget::Room(room) => {
                    keys.insert("room_id".into(), json!(room.0));
                }
            }
            if let Some(from) = from {
                keys.insert("sender".into(), user(from, app_key));
            }
            match *kind {
                AmendmentKind::EDITED => number::EDITED,
                AmendmentKind::ERASED => number::ERASED,
                _ => 55,
            }
        }
        AppEventKind::Noted { kind, group, room, text, request } => {
            if let Some((group, name)) = group {
                keys.insert("gid".into(), json!(group.0));
                keys.insert("group_name".into(), json!(name));
            }
            if let Some((room, name)) = room {
                keys.insert("room_id".into(), json!(room.0));
                keys.insert("room_name".into(), json!(name));
            }
            if let Some(request) = request {
                keys.insert("request_id".into(), json!(request.0));
            }
            keys.insert("description".into(), json!(text));
            noted_event(*kind, &mut keys)
        }
    };
    let by = event.by.as_ref().map_or("", |by| by.username.as_str());
    let to: Vec<Value> = event.users.iter().map(|one| user(one, app_key)).collect();
    let common = [
        ("event_id", json!(event.position.0)),
        ("event_type", json!(event_type)),
        ("ctime_ms", json!(event.at_ms)),
        ("from_username", json!(plain_name(by))),
        ("from_appkey", json!(app_key_of(by).unwrap_or(app_key))),
        ("to_usernames", json!(to)),
    ];
    keys.extend(common.map(|(key, value)| (key.to_owned(), value)));
    for (key, default) in [("extra", json!(0)), ("description", json!(""))] {
        keys.entry(key).or_insert(default);
    }
    Value::Object(keys)
}

/// Names of users of other apps have the key of their app behind them, which is shown by itself.
fn user(user: &ReportUser, app_key: &str) -> Value {
    let ReportUser { username, nickname, .. } = user;
    json!({"username": plain_name(username), "appkey": app_key_of(username).unwrap_or(app_key), "nickname": nickname})
}

fn group_event(kind: GroupEventKind, keys: &mut Map<String, Value>) -> u32 {
    match kind {
        GroupEventKind::DISSOLVED => {
            keys.insert("extra".into(), json!(69));
            GroupEventKind::LEFT.0.into()
        }
        GroupEventKind::MAXIMUM => number::MAXIMUM,
        other => other.0.into(),
    }
}

fn put_details(keys: &mut Map<String, Value>, details: &GroupDetails, app_key: &str) {
    let GroupDetails { is_set, until_ms, is_public, maximum, nicknames, announcement, name, description, avatar } =
        details;
    let (before, now) = nicknames.clone().map_or((None, None), |(before, now)| (Some(before), Some(now)));
    let told = [
        ("extra", is_set.map(|is_set| json!(if is_set { 1 } else { 2 }))),
        ("until_ms", until_ms.map(Value::from)),
        ("type", is_public.map(|is_public| json!(if is_public { 2 } else { 1 }))),
        ("max_member_count", maximum.map(Value::from)),
        ("old_nickname", before.map(Value::from)),
        ("nickname", now.map(Value::from)),
        ("announcement", announcement.as_ref().map(|announcement| written_announcement(announcement, app_key))),
        ("name", name.clone().map(Value::from)),
        ("desc", description.clone().map(Value::from)),
        ("avatar", avatar.clone().map(Value::from)),
    ];
    keys.extend(told.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
}

fn written_announcement(announcement: &Announcement, app_key: &str) -> Value {
    let Announcement { id, text, publisher, at_ms, pinned_ms } = announcement;
    let publisher = json!({"username": plain_name(publisher), "appkey": app_key_of(publisher).unwrap_or(app_key)});
    json!({"id": id.0, "text": text, "publisher": publisher, "ctime_ms": at_ms, "pinned_ms": pinned_ms})
}

fn noted_event(kind: NotedKind, keys: &mut Map<String, Value>) -> u32 {
    let (event_type, extra, return_code) = match kind {
        NotedKind::UsersRegistered => (number::USERS_REGISTERED, None, None),
        NotedKind::UsersDeleted => (number::USERS_DELETED, None, None),
        NotedKind::UserDisabled => (number::USER_DISABLED, Some(1), None),
        NotedKind::UserEnabled => (number::USER_DISABLED, Some(2), None),
        NotedKind::PasswordChanged => (2, None, None),
        NotedKind::ProfileChanged => (40, None, None),
        NotedKind::FriendAsked => (5, Some(1), None),
        NotedKind::FriendAccepted => (5, Some(2), Some(0)),
        NotedKind::FriendRefused => (5, Some(2), Some(1)),
        NotedKind::FriendsParted => (6, None, None),
        NotedKind::FriendsMade => (7, Some(5), None),
        NotedKind::JoinAsked => (56, None, None),
        NotedKind::JoinRefused => (57, None, None),
        NotedKind::RoomCreated => (number::ROOM_CREATED, None, None),
        NotedKind::RoomChanged => (number::ROOM_CHANGED, None, None),
        NotedKind::RoomDeleted => (number::ROOM_DELETED, None, None),
        NotedKind::RoomRoles(kind) => (kind.0.into(), None, None),
        NotedKind::RoomEntered => (number::ROOM_ENTERED, None, None),
        NotedKind::RoomLeft => (number::ROOM_LEFT, None, None),
    };
    for (key, value) in [("extra", extra), ("return_code", return_code)] {
        if let Some(value) = value {
            keys.insert(key.into(), json!(value));
        }
    }
    event_type
}

#[cfg(test)]
mod tests {
    use super::*;
    use anser_protocol::ids::{GroupId, Position};

    fn person(name: &str) -> ReportUser {
        ReportUser { username: name.into(), nickname: format!("{name} the goose"), is_admin: false }
    }

    fn event(what: AppEventKind) -> Value {
        event_of("ann", "bob", what)
    }

    fn event_of(by: &str, to: &str, what: AppEventKind) -> Value {
        let (position, at_ms) = (Position(7), 1000);
        written(&AppEvent { position, at_ms, by: Some(person(by)), users: vec![person(to)], what }, "key")
    }

    #[test]
    fn users_of_other_apps_are_shown_by_their_names_and_the_keys_of_their_apps() {
        let (id, text, publisher) = (Position(3), "north".into(), "guest/theirs".into());
        let announcement = Announcement { id, text, publisher, at_ms: 900, pinned_ms: 0 };
        let details = Box::new(GroupDetails { announcement: Some(announcement), ..GroupDetails::default() });
        let (group, name, avatar) = (GroupId(5), String::new(), String::new());
        let new_owner = Some(person("guest/theirs"));
        let what = AppEventKind::Group { kind: GroupEventKind::OWNER, group, name, avatar, new_owner, details };
        let told = event_of("guest/theirs", "other/yours", what);
        assert_eq!((&told["from_username"], &told["from_appkey"]), (&json!("guest"), &json!("theirs")));
        let shown = |username: &str, appkey: &str| json!({"username": username, "appkey": appkey, "nickname": format!("{username}/{appkey} the goose")});
        assert_eq!(told["to_usernames"], json!([shown("other", "yours")]));
        assert_eq!(told["new_owner"], shown("guest", "theirs"));
        assert_eq!(told["announcement"]["publisher"], json!({"username": "guest", "appkey": "theirs"}));

        let (from, to) = (Some(person("guest/theirs")), ReportTarget::User("other/yours".into()));
        let what = AppEventKind::Amended { kind: AmendmentKind::RETRACTED, message: Position(3), from, to };
        let told = event(what);
        assert_eq!(told["sender"], shown("guest", "theirs"));
        assert_eq!((&told["target_username"], &told["target_appkey"]), (&json!("other"), &json!("yours")));
        assert_eq!((&told["from_username"], &told["from_appkey"]), (&json!("ann"), &json!("key")));
    }

    #[test]
    fn an_event_of_a_group_has_the_keys_that_all_have_and_what_its_kind_says() {
        let details = Box::new(GroupDetails { is_set: Some(true), until_ms: Some(2000), ..GroupDetails::default() });
        let (group, name, avatar) = (GroupId(5), "geese".to_owned(), String::new());
        let what = AppEventKind::Group { kind: GroupEventKind::SILENCE, group, name, avatar, new_owner: None, details };
        let expected = json!({
            "event_id": 7, "event_type": 65, "ctime_ms": 1000, "from_username": "ann", "from_appkey": "key",
            "to_usernames": [{"username": "bob", "appkey": "key", "nickname": "bob the goose"}],
            "gid": 5, "group_name": "geese", "extra": 1, "until_ms": 2000, "description": "",
        });
        assert_eq!(event(what), expected);
    }

    #[test]
    fn a_dissolved_group_is_an_exit_with_extra_69_and_a_friend_who_accepts_returns_0() {
        let (group, name, avatar) = (GroupId(5), String::new(), String::new());
        let kind = GroupEventKind::DISSOLVED;
        let dissolved =
            event(AppEventKind::Group { kind, group, name, avatar, new_owner: None, details: Box::default() });
        assert_eq!((&dissolved["event_type"], &dissolved["extra"]), (&json!(9), &json!(69)));
        let kind = NotedKind::FriendAccepted;
        let accepted = event(AppEventKind::Noted { kind, group: None, room: None, text: "yes".into(), request: None });
        assert_eq!((&accepted["event_type"], &accepted["return_code"]), (&json!(5), &json!(0)));
        assert_eq!(accepted["description"], "yes");
    }
}
