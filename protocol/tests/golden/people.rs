//! What users are to each other.

use anser_protocol::frame::ClientFrame as Frame;
use anser_protocol::frame::ServerFrame;
use anser_protocol::frame::people::*;
use anser_protocol::ids::GroupId;

use super::samples::*;
use super::{Vector, client, server};

pub fn vectors() -> Vec<Vector> {
    [own(), friends(), lists(), extended()].into_iter().flatten().collect()
}

fn own() -> Vec<Vector> {
    let profile =
        ProfileChange { request: 60, nickname: Some("Alice".into()), gender: Some(2), ..ProfileChange::default() };
    let whole = ProfileChange {
        request: 61,
        nickname: Some("鸿雁".into()),
        avatar: Some(String::new()),
        birthday: Some("1992-03-08".into()),
        signature: Some(String::new()),
        region: Some("Hangzhou".into()),
        address: Some(String::new()),
        gender: Some(0),
        extras: Some("{\"level\":3}".into()),
        extensions: unknown_extension(),
    };
    let (old, new) = ("secret".into(), "terces".into());
    let password = PasswordChange { request: 62, old, new, extensions: none() };
    let blacklist = |request, is_added| {
        let usernames = names(&["mallory"]);
        Frame::Blacklist(Blacklist { request, is_added, usernames, extensions: none() })
    };
    let mutes = Mutes { request: 65, add_users: names(&["bob"]), add_groups: vec![GROUP], ..Mutes::default() };
    let all = Mutes {
        request: 66,
        remove_users: names(&["bob"]),
        remove_groups: vec![GROUP],
        everything: Some(true),
        ..Mutes::default()
    };
    let shields = Shields { request: 67, add: vec![GROUP], remove: vec![GroupId(GROUP.0 + 1)], extensions: none() };
    vec![
        client("profile_change", "Two members of the profile.", Frame::ProfileChange(profile)),
        client("profile_change_all", "All of them, three cleared.", Frame::ProfileChange(whole)),
        client("password_change", "A new password.", Frame::PasswordChange(password)),
        client("blacklist_add", "Mallory can write to the user no more.", blacklist(63, true)),
        client("blacklist_remove", "And may again.", blacklist(64, false)),
        client("mutes", "Neither bob nor a group disturbs.", Frame::Mutes(mutes)),
        client("mutes_everything", "Nothing does.", Frame::Mutes(all)),
        client("shields", "Of one group no more messages, of another again.", Frame::Shields(shields)),
    ]
}

fn friends() -> Vec<Vector> {
    let ask = FriendAsk { request: 68, username: "bob".into(), reason: "we met".into(), extensions: none() };
    let answer = |request, accepts, reason: &str| {
        let (username, reason) = ("carol".into(), reason.into());
        Frame::FriendAnswer(FriendAnswer { request, username, accepts, reason, extensions: none() })
    };
    let remove = FriendRemove { request: 71, usernames: names(&["bob", "carol"]), extensions: none() };
    let note =
        FriendNote { request: 72, username: "bob".into(), name: Some("Bobby".into()), text: None, extensions: none() };
    vec![
        client("friend_ask", "The user wants to be bob's friend.", Frame::FriendAsk(ask)),
        client("friend_accept", "Carol is a friend from now on.", answer(69, true, "")),
        client("friend_refuse", "Carol is not.", answer(70, false, "who are you?")),
        client("friend_remove", "Two friends less.", Frame::FriendRemove(remove)),
        client("friend_note", "What the user calls bob.", Frame::FriendNote(note)),
    ]
}

fn lists() -> Vec<Vector> {
    let list = |request, list| Frame::PeopleList(PeopleList { request, list, extensions: none() });
    let usernames = names(&["bob", "carol"]);
    let info = UsersInfo { request: 75, usernames, extensions: none() };
    let bob = Person {
        username: "bob".into(),
        nickname: "Bob".into(),
        gender: 1,
        changed_ms: NOW_MS,
        relations: Person::FRIEND | Person::MUTED,
        note_name: "Bobby".into(),
        ..Person::default()
    };
    let people = People { request: 73, people: vec![bob], is_last: true, ..People::default() };
    let changed = |username: &str, extensions| {
        ServerFrame::ProfileChanged(ProfileChanged { username: username.into(), changed_ms: NOW_MS, extensions })
    };
    let mutes = People { request: 74, groups: vec![GROUP], everything: true, is_last: false, ..People::default() };
    vec![
        client("people_list_friends", "Asks for friends.", list(73, ListKind::FRIENDS)),
        client("people_list_mutes", "Asks for what is muted.", list(74, ListKind::MUTES)),
        client("users_info", "Asks about two users.", Frame::UsersInfo(info)),
        server("people", "A friend.", ServerFrame::People(people)),
        server("profile_changed", "Bob has another nickname, perhaps.", changed("bob", none())),
        server("profile_changed_with_extension", "Carol tells something new.", changed("carol", unknown_extension())),
        server("people_groups", "A muted group, and more to come.", ServerFrame::People(mutes)),
    ]
}

/// The same frames, as a later version may say them.
fn extended() -> Vec<Vector> {
    let (request, extensions) = (80, unknown_extension);
    let md5 = || "5d41402abc4b2a76b9719d911017c592".to_owned();
    let password = PasswordChange { request, old: md5(), new: "longer than before".into(), extensions: extensions() };
    let shields = Shields { request, add: Vec::new(), remove: vec![GROUP], extensions: extensions() };
    let ask = FriendAsk { request, username: "dave".into(), reason: String::new(), extensions: extensions() };
    let remove = FriendRemove { request, usernames: names(&["bob"]), extensions: extensions() };
    let (name, text) = (Some(String::new()), Some("the tall one".into()));
    let note = FriendNote { request, username: "bob".into(), name, text, extensions: extensions() };
    let info = UsersInfo { request, usernames: Vec::new(), extensions: extensions() };
    vec![
        client("password_change_with_extension", "The present one by its MD5.", Frame::PasswordChange(password)),
        client("shields_with_extension", "Messages of a group again.", Frame::Shields(shields)),
        client("friend_ask_with_extension", "Without a reason.", Frame::FriendAsk(ask)),
        client("friend_remove_with_extension", "One friend less.", Frame::FriendRemove(remove)),
        client("friend_note_with_extension", "Bob has no other name any more.", Frame::FriendNote(note)),
        client("users_info_with_extension", "Asks about nobody.", Frame::UsersInfo(info)),
    ]
}
