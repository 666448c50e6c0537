//! What users are to each other, over links and by the API, and what their devices are told of it.

use anser_protocol::content::{Notice, NoticeKind, Platform};
use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::people::*;
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::GroupId;
use serde_json::json;

use crate::person::Person as Somebody;
use crate::world::{App, World};

const REQUEST: u32 = 7;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn ask(username: &str, reason: &str) -> ClientFrame {
    let (username, reason) = (username.into(), reason.into());
    ClientFrame::FriendAsk(FriendAsk { request: REQUEST, username, reason, extensions: Extensions::default() })
}

fn answer(username: &str, accepts: bool, reason: &str) -> ClientFrame {
    let (username, reason) = (username.into(), reason.into());
    let body = FriendAnswer { request: REQUEST, username, accepts, reason, extensions: Extensions::default() };
    ClientFrame::FriendAnswer(body)
}

fn remove(usernames: &[&str]) -> ClientFrame {
    let usernames = names(usernames);
    ClientFrame::FriendRemove(FriendRemove { request: REQUEST, usernames, extensions: Extensions::default() })
}

fn note(username: &str, name: Option<&str>, text: Option<&str>) -> ClientFrame {
    let (name, text) = (name.map(Into::into), text.map(Into::into));
    let username = username.into();
    ClientFrame::FriendNote(FriendNote { request: REQUEST, username, name, text, extensions: Extensions::default() })
}

fn blacklist(is_added: bool, usernames: &[&str]) -> ClientFrame {
    let usernames = names(usernames);
    ClientFrame::Blacklist(Blacklist { request: REQUEST, is_added, usernames, extensions: Extensions::default() })
}

fn mute(mutes: Mutes) -> ClientFrame {
    ClientFrame::Mutes(Mutes { request: REQUEST, ..mutes })
}

fn shield(add: &[u32], remove: &[u32]) -> ClientFrame {
    let ids = |groups: &[u32]| groups.iter().map(|group| GroupId(*group)).collect();
    let (add, remove) = (ids(add), ids(remove));
    ClientFrame::Shields(Shields { request: REQUEST, add, remove, extensions: Extensions::default() })
}

fn list(list: ListKind) -> ClientFrame {
    ClientFrame::PeopleList(PeopleList { request: REQUEST, list, extensions: Extensions::default() })
}

async fn people(somebody: &mut Somebody, request: ClientFrame) -> People {
    match somebody.ask(request).await {
        ServerFrame::People(people) if people.is_last => people,
        other => panic!("no list: {other:?}"),
    }
}

/// Kind, detail and who did it.
fn told(notice: &Notice) -> (u8, u8, &str) {
    (notice.kind.0, notice.detail, &notice.by)
}

async fn group(world: &World, app: &App, owner: &str, members: &[&str]) -> u32 {
    let body = json!({"owner_username": owner, "name": "geese", "members_username": members});
    let made = world.call(app, "POST", "/v1/groups", Some(body)).await.expect(201);
    u32::try_from(made["gid"].as_u64().expect("a number")).expect("a group's number is short")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_become_friends_by_request_and_stay_so_until_one_ends_it() {
    let world = World::new().await;
    let app = world.app("shop").await;
    world.users(&app, &["alice", "bob"]).await;
    let mut alice = Somebody::told(&world, &app, "alice").await;
    let mut bob = Somebody::told(&world, &app, "bob").await;

    assert_eq!(alice.code_of(ask("bob", "we met")).await, None);
    let asked = bob.notice().await;
    assert_eq!((told(&asked), asked.text.as_str()), ((5, 1, "alice"), "we met"));
    assert_eq!(bob.code_of(answer("alice", true, "")).await, None);
    assert_eq!(told(&alice.notice().await), (5, 2, "bob"));
    assert_eq!(told(&bob.notice().await), (100, 5, "bob"));

    assert_eq!(alice.code_of(note("bob", Some("Bobby"), Some("the tall one"))).await, None);
    let friends = people(&mut alice, list(ListKind::FRIENDS)).await;
    let [friend] = &friends.people[..] else { panic!("one friend: {friends:?}") };
    assert_eq!((friend.username.as_str(), friend.display_name(), friend.relations), ("bob", "Bobby", Person::FRIEND));
    assert_eq!(friend.note_text, "the tall one");
    assert_eq!(people(&mut bob, list(ListKind::FRIENDS)).await.people[0].note_name, "", "notes are of one side");

    assert_eq!(bob.code_of(remove(&["alice"])).await, None);
    assert_eq!(told(&bob.notice().await), (100, 6, "bob"));
    assert_eq!(told(&alice.notice().await), (100, 7, "alice"));
    assert_eq!(told(&alice.notice().await), (6, 0, "bob"));
    assert!(people(&mut alice, list(ListKind::FRIENDS)).await.people.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_about_friends_that_cannot_be_are_refused_with_their_codes() {
    let world = World::new().await;
    let app = world.app("shop").await;
    world.users(&app, &["alice", "bob"]).await;
    let mut alice = Somebody::told(&world, &app, "alice").await;
    for (request, code) in [
        (ask("nobody", ""), ErrorCode::FRIEND_UNKNOWN),
        (ask("alice", ""), ErrorCode::INVALID),
        (ask("bob", &"x".repeat(251)), ErrorCode::INVALID),
        (answer("bob", true, ""), ErrorCode::NO_FRIEND_REQUEST),
        (remove(&["bob"]), ErrorCode::NOT_FRIENDS),
        (note("bob", Some("Bobby"), None), ErrorCode::NOT_FRIENDS),
        (note("bob", Some(&"x".repeat(65)), None), ErrorCode::NOTE_INVALID),
        (note("bob", None, Some(&"x".repeat(251))), ErrorCode::NOTE_INVALID),
    ] {
        assert_eq!(alice.code_of(request.clone()).await, Some(code), "{request:?}");
    }
    world.call(&app, "POST", "/v1/users/alice/friends", Some(json!(["bob"]))).await.expect(201);
    assert_eq!(alice.code_of(ask("bob", "")).await, Some(ErrorCode::ALREADY_FRIENDS));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_away_finds_the_notices_and_an_older_client_is_not_bothered() {
    let world = World::new().await;
    let app = world.app("shop").await;
    world.users(&app, &["alice", "bob"]).await;
    let mut old = Somebody::on(Platform::ANDROID, &world, &app).await;
    old.log_in("alice", "secret").await.expect("the password is right");

    world.call(&app, "POST", "/v1/users/alice/friends", Some(json!(["bob"]))).await.expect(201);
    world.call(&app, "PUT", "/v1/users/alice/blacklist", Some(json!(["bob"]))).await.expect(204);
    world.call(&app, "DELETE", "/v1/users/alice/friends", Some(json!(["bob"]))).await.expect(204);
    world.call(&app, "PUT", "/v1/users/alice", Some(json!({"nickname": "Al"}))).await.expect(204);
    let mutes = json!({"single": {"add": ["bob"]}, "global": 1});
    world.call(&app, "POST", "/v1/users/alice/nodisturb", Some(mutes)).await.expect(204);

    let mut late = Somebody::told(&world, &app, "alice").await;
    let notices = late.notices().await;
    let kinds: Vec<_> = notices.iter().map(told).collect();
    assert_eq!(kinds, [(7, 5, ""), (38, 1, ""), (6, 0, ""), (40, 0, ""), (37, 31, ""), (37, 35, "")]);
    assert_eq!((notices[0].users.as_slice(), notices[3].users.is_empty()), (&names(&["bob"])[..], true));

    // What an older client hears next is the answer to what it asks next.
    assert_eq!(old.send_to("bob").await, Ok(()));
    let heard = people(&mut old, list(ListKind::MUTES)).await;
    assert_eq!((heard.people.len(), heard.everything), (1, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blacklist_is_kept_on_the_server_and_told_to_the_users_other_devices() {
    let world = World::new().await;
    let app = world.app("shop").await;
    world.users(&app, &["alice", "bob"]).await;
    world.call(&app, "POST", "/v1/admins", Some(json!({"username": "boss", "password": "secret"}))).await.expect(201);
    let mut phone = Somebody::told(&world, &app, "alice").await;
    let mut tablet = Somebody::told(&world, &app, "alice").await;
    let mut bob = Somebody::told(&world, &app, "bob").await;

    assert_eq!(phone.code_of(blacklist(true, &["bob"])).await, None);
    let notice = tablet.notice().await;
    assert_eq!((told(&notice), notice.users.clone()), ((NoticeKind::OWN_BLACKLIST.0, 1, "alice"), names(&["bob"])));
    assert_eq!(bob.send_to("alice").await, Err(ErrorCode::SEND_BLOCKED));
    assert_eq!(people(&mut tablet, list(ListKind::BLACKLIST)).await.people[0].relations, Person::BLACKLISTED);

    for (request, code) in [
        (blacklist(true, &["bob"]), ErrorCode::BLACKLISTED),
        (blacklist(true, &["nobody"]), ErrorCode::BLACKLIST_UNKNOWN),
        (blacklist(true, &["alice"]), ErrorCode::BLACKLIST_ONESELF),
        (blacklist(true, &["boss"]), ErrorCode::BLACKLIST_PROTECTED),
        (blacklist(true, &[]), ErrorCode::BLACKLIST_EMPTY),
        (blacklist(false, &[]), ErrorCode::UNBLOCK_EMPTY),
        (blacklist(false, &["nobody"]), ErrorCode::UNBLOCK_UNKNOWN),
        (blacklist(false, &["boss"]), ErrorCode::NOT_BLACKLISTED),
    ] {
        assert_eq!(phone.code_of(request.clone()).await, Some(code), "{request:?}");
    }
    assert_eq!(tablet.code_of(blacklist(false, &["bob"])).await, None);
    assert_eq!(bob.send_to("alice").await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn do_not_disturb_and_shields_follow_the_user_and_have_their_codes() {
    let world = World::new().await;
    let app = world.app("shop").await;
    world.users(&app, &["alice", "bob"]).await;
    let gid = group(&world, &app, "alice", &["bob"]).await;
    let foreign = group(&world, &app, "alice", &[]).await;
    let mut bob = Somebody::told(&world, &app, "bob").await;
    let user = || Mutes { add_users: names(&["alice"]), ..Mutes::default() };
    let no_user = || Mutes { remove_users: names(&["alice"]), ..Mutes::default() };
    let of_group = |group: u32| Mutes { add_groups: vec![GroupId(group)], ..Mutes::default() };
    let no_group = |group: u32| Mutes { remove_groups: vec![GroupId(group)], ..Mutes::default() };
    let all = |is_on| Mutes { everything: Some(is_on), ..Mutes::default() };
    for (request, code) in [
        (mute(no_user()), Some(ErrorCode::USER_NOT_MUTED)),
        (mute(user()), None),
        (mute(user()), Some(ErrorCode::USER_MUTED)),
        (mute(no_group(gid)), Some(ErrorCode::GROUP_NOT_MUTED)),
        (mute(of_group(gid)), None),
        (mute(of_group(gid)), Some(ErrorCode::GROUP_MUTED)),
        (mute(of_group(foreign)), Some(ErrorCode::MUTE_NOT_A_MEMBER)),
        (mute(of_group(7)), Some(ErrorCode::MUTE_GROUP_UNKNOWN)),
        (mute(all(true)), None),
        (mute(all(true)), Some(ErrorCode::EVERYTHING_MUTED)),
        (shield(&[], &[gid]), Some(ErrorCode::NOT_SHIELDED)),
        (shield(&[gid], &[]), None),
        (shield(&[gid], &[]), Some(ErrorCode::SHIELDED)),
        (shield(&[foreign], &[]), Some(ErrorCode::SHIELD_NOT_A_MEMBER)),
        (shield(&[7], &[]), Some(ErrorCode::SHIELD_GROUP_UNKNOWN)),
    ] {
        assert_eq!(bob.code_of(request.clone()).await, code, "{request:?}");
    }
    let mut tablet = Somebody::told(&world, &app, "bob").await;
    let mutes = people(&mut tablet, list(ListKind::MUTES)).await;
    assert_eq!(
        (mutes.people[0].username.as_str(), mutes.groups, mutes.everything),
        ("alice", vec![GroupId(gid)], true)
    );
    assert_eq!(people(&mut tablet, list(ListKind::SHIELDS)).await.groups, [GroupId(gid)]);
    assert_eq!(tablet.code_of(mute(all(false))).await, None);
    assert_eq!(tablet.code_of(shield(&[], &[gid])).await, None);
    assert!(people(&mut bob, list(ListKind::SHIELDS)).await.groups.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_changed_over_the_link_and_read_by_the_api_and_by_others() {
    let world = World::new().await;
    let app = world.app("shop").await;
    world.users(&app, &["alice", "bob"]).await;
    let mut alice = Somebody::told(&world, &app, "alice").await;
    let mut bob = Somebody::told(&world, &app, "bob").await;
    let change = |change: ProfileChange| ClientFrame::ProfileChange(ProfileChange { request: REQUEST, ..change });
    let whole = ProfileChange {
        nickname: Some("Alice".into()),
        birthday: Some("1992-03-08".into()),
        gender: Some(2),
        extras: Some("{\"level\":3}".into()),
        ..ProfileChange::default()
    };
    assert_eq!(alice.code_of(change(whole)).await, None);
    assert_eq!(told(&alice.notice().await), (NoticeKind::OWN_PROFILE.0, 0, "alice"));
    let shown = world.call(&app, "GET", "/v1/users/alice", None).await.expect(200);
    assert_eq!(
        (&shown["nickname"], &shown["birthday"], &shown["gender"]),
        (&json!("Alice"), &json!("1992-03-08 00:00:00"), &json!(2))
    );
    let usernames = names(&["nobody", "alice"]);
    let info = UsersInfo { request: REQUEST, usernames, extensions: Extensions::default() };
    let seen = people(&mut bob, ClientFrame::UsersInfo(info)).await;
    assert_eq!(
        (seen.people.len(), seen.people[0].nickname.as_str(), seen.people[0].extras.as_str()),
        (1, "Alice", "{\"level\":3}")
    );
    for wrong in [
        ProfileChange { nickname: Some("two\nlines".into()), ..ProfileChange::default() },
        ProfileChange { extras: Some("[1]".into()), ..ProfileChange::default() },
        ProfileChange { gender: Some(3), ..ProfileChange::default() },
    ] {
        assert_eq!(alice.code_of(change(wrong.clone())).await, Some(ErrorCode::INVALID), "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_the_other_sessions_and_not_the_one_that_set_it() {
    let world = World::new().await;
    let app = world.app("shop").await;
    world.users(&app, &["alice"]).await;
    let mut phone = Somebody::told(&world, &app, "alice").await;
    let mut tablet = Somebody::told(&world, &app, "alice").await;
    let change = |old: &str, new: &str| {
        let (old, new) = (old.into(), new.into());
        ClientFrame::PasswordChange(PasswordChange { request: REQUEST, old, new, extensions: Extensions::default() })
    };
    assert_eq!(phone.code_of(change("wrong", "terces")).await, Some(ErrorCode::OLD_PASSWORD_WRONG));
    assert_eq!(phone.code_of(change("secret", "abc")).await, Some(ErrorCode::INVALID));
    assert_eq!(phone.code_of(change("secret", "terces")).await, None);
    assert_eq!(tablet.sent_away().await, ErrorCode::TOKEN_INVALID);
    assert_eq!(phone.send_to("alice").await, Ok(()), "it goes on here");

    let mut other = Somebody::on(Platform::IOS, &world, &app).await;
    assert_eq!(other.log_in("alice", "secret").await, Err(ErrorCode::PASSWORD_WRONG));
    assert_eq!(other.log_in("alice", "terces").await, Ok(()));
}
