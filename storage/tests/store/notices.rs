//! What one user is told alone: friend requests, and own settings that were changed elsewhere.

use crate::common::{World, texts};
use anser_protocol::ids::Position;
use anser_storage::command::*;
use anser_storage::ids::UserNumber;
use anser_storage::outcome::{Answer, MessageBody, Refusal, Relation, Route};
use anser_storage::{Chat, ConversationKind};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn ask(world: &World, user: UserNumber, other: &str, reason: &str) -> Command {
    Command::People(PeopleCommand::AskFriend { app: world.app, user, other: other.into(), reason: reason.into() })
}

fn answer(world: &World, user: UserNumber, asker: &str, accepts: bool) -> Command {
    let (asker, reason) = (asker.into(), if accepts { "" } else { "no" }.into());
    Command::People(PeopleCommand::AnswerFriend { app: world.app, user, asker, accepts, reason })
}

/// Newest first.
fn told(world: &World, user: UserNumber) -> Vec<String> {
    texts(&world.whole_history(user, Chat::Notices))
}

fn friends(world: &World, user: UserNumber) -> Vec<String> {
    let friends = world.read().friends(world.app, user).expect("nothing is damaged");
    friends.into_iter().map(|friend| friend.user.username).collect()
}

#[test]
fn a_friend_request_is_told_to_the_other_and_its_answer_to_the_asker() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!("two users") };

    let outcome = world.apply(ask(&world, alice, "bob", "we met"));
    assert!(matches!(&outcome.appended[..], [one] if matches!(&one.route,
        Route::Notice { user, message, .. } if *user == bob
            && matches!(&message.body, MessageBody::Notice(notice) if notice.text == "we met"))));
    assert_eq!(told(&world, bob), ["notice 5.1 by \"alice\""]);
    assert!(friends(&world, bob).is_empty(), "not before it is accepted");

    world.answer(answer(&world, bob, "alice", true));
    assert_eq!(told(&world, alice), ["notice 5.2 by \"bob\""]);
    assert_eq!(told(&world, bob), ["notice 100.5 by \"bob\"", "notice 5.1 by \"alice\""]);
    assert_eq!((friends(&world, alice), friends(&world, bob)), (names(&["bob"]), names(&["alice"])));
    assert!(world.findings().is_empty());
}

#[test]
fn a_request_may_be_repeated_until_it_is_answered_and_is_answered_once() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!("two users") };
    world.answer(ask(&world, alice, "bob", ""));
    world.answer(ask(&world, alice, "bob", ""));
    world.answer(answer(&world, bob, "alice", false));
    assert_eq!(told(&world, alice), ["notice 5.3 by \"bob\""]);

    let none = Refusal::NotSo { relation: Relation::FriendRequest, name: "alice".into() };
    assert_eq!(world.refusal(answer(&world, bob, "alice", true)), none);
    assert_eq!(world.refusal(ask(&world, alice, "alice", "")), Refusal::OneSelf);
    assert_eq!(world.refusal(ask(&world, alice, "nobody", "")), Refusal::UserUnknown { username: "nobody".into() });
}

#[test]
fn two_who_ask_each_other_are_friends_with_the_first_answer() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!("two users") };
    world.answer(ask(&world, alice, "bob", ""));
    world.answer(ask(&world, bob, "alice", ""));
    world.answer(answer(&world, bob, "alice", true));
    let none = Refusal::NotSo { relation: Relation::FriendRequest, name: "bob".into() };
    assert_eq!(world.refusal(answer(&world, alice, "bob", true)), none);
    let already = Refusal::AlreadySo { relation: Relation::Friend, name: "bob".into() };
    assert_eq!(world.refusal(ask(&world, alice, "bob", "")), already);
}

#[test]
fn what_an_app_server_changes_and_what_users_change_themselves_is_told_apart() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!("two users") };
    let group = world.group("alice", &["bob"]);
    let app = world.app;
    let each = |by: Actor| {
        let username = || "alice".to_owned();
        let profile = ProfileChange { nickname: Some("Al".into()), ..ProfileChange::default() };
        let mutes = MuteChange { add_users: names(&["bob"]), add_groups: vec![group], ..MuteChange::default() };
        let no_mutes = MuteChange {
            remove_users: names(&["bob"]),
            remove_groups: vec![group],
            everything: Some(true),
            ..MuteChange::default()
        };
        let off = MuteChange { everything: Some(false), ..MuteChange::default() };
        [
            PeopleCommand::ChangeProfile { app, by, username: username(), change: Box::new(profile) },
            PeopleCommand::Block { app, by, username: username(), others: names(&["bob"]) },
            PeopleCommand::Unblock { app, by, username: username(), others: names(&["bob"]) },
            PeopleCommand::Mute { app, by, username: username(), change: Box::new(mutes) },
            PeopleCommand::Mute { app, by, username: username(), change: Box::new(no_mutes) },
            PeopleCommand::Mute { app, by, username: username(), change: Box::new(off) },
            PeopleCommand::Shield { app, by, username: username(), add: vec![group], remove: vec![] },
            PeopleCommand::Shield { app, by, username: username(), add: vec![], remove: vec![group] },
        ]
    };
    for command in each(Actor::Server) {
        world.answer(Command::People(command));
    }
    let mut by_server = told(&world, alice);
    by_server.reverse();
    let expected = ["40.0", "38.1", "38.2", "37.31", "37.33", "37.32", "37.34", "37.35", "37.36", "39.1", "39.2"];
    assert_eq!(by_server, expected.map(|kind| format!("notice {kind} by \"\"")));

    for command in each(Actor::User(alice)) {
        world.answer(Command::People(command));
    }
    let mut by_user = told(&world, alice).split_off(0);
    by_user.truncate(by_user.len() - by_server.len());
    by_user.reverse();
    let expected =
        ["104.0", "101.1", "101.2", "102.31", "102.33", "102.32", "102.34", "102.35", "102.36", "103.1", "103.2"];
    assert_eq!(by_user, expected.map(|kind| format!("notice {kind} by \"alice\"")));
    assert!(told(&world, bob).is_empty(), "nobody is told that somebody blocked or muted them");
}

#[test]
fn friends_are_told_what_an_app_server_made_of_them_and_who_left_them() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!("two users") };
    let app = world.app;
    let befriend = || {
        let others = names(&["bob"]);
        Command::People(PeopleCommand::Befriend { app, by: Actor::Server, username: "alice".into(), others })
    };
    let unfriend = |by| {
        let others = names(&["bob"]);
        Command::People(PeopleCommand::Unfriend { app, by, username: "alice".into(), others })
    };
    world.answer(befriend());
    assert_eq!(
        (told(&world, alice), told(&world, bob)),
        (names(&["notice 7.5 by \"\""]), names(&["notice 7.5 by \"\""]))
    );
    world.answer(unfriend(Actor::User(alice)));
    assert_eq!(told(&world, alice)[0], "notice 100.6 by \"alice\"");
    assert_eq!(told(&world, bob)[0], "notice 6.0 by \"alice\"");
    world.answer(befriend());
    world.answer(unfriend(Actor::Server));
    assert_eq!(
        (told(&world, alice)[0].as_str(), told(&world, bob)[0].as_str()),
        ("notice 6.0 by \"\"", "notice 6.0 by \"\"")
    );
}

#[test]
fn a_user_who_lost_the_name_changes_nothing_of_its_new_bearer() {
    let mut world = World::new();
    let [alice, _] = world.users(&["alice", "bob"])[..] else { panic!("two users") };
    world.answer(Command::People(PeopleCommand::Delete { app: world.app, usernames: names(&["alice"]) }));
    world.user("alice");
    let others = names(&["bob"]);
    let by = Actor::User(alice);
    let block = Command::People(PeopleCommand::Block { app: world.app, by, username: "alice".into(), others });
    assert_eq!(world.refusal(block), Refusal::SenderUnknown);
}

#[test]
fn notices_are_caught_up_on_as_a_chat_of_their_own_that_no_list_of_chats_shows() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!("two users") };
    let first = world.send(alice, "bob", "hi");
    world.answer(ask(&world, alice, "bob", ""));
    let snapshot = world.read();
    let plan = snapshot.catch_up_plan(world.app, bob, first).expect("nothing is damaged");
    assert_eq!(plan.iter().map(|chat| chat.kind).collect::<Vec<_>>(), [ConversationKind::Notices]);
    let rows = snapshot.catch_up(world.app, bob, first, 20).expect("nothing is damaged");
    assert_eq!((rows[0].chat, texts(&rows[0].newest).len()), (Chat::Notices, 1));
    let chats = snapshot.conversations(world.app, bob, Position(u64::MAX), 10, 1).expect("nothing is damaged");
    assert_eq!(chats.iter().map(|row| row.chat).collect::<Vec<_>>(), [Chat::User(alice)]);
}

#[test]
fn nobody_is_told_what_a_deleted_user_had_asked() {
    let mut world = World::new();
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!("two users") };
    world.answer(ask(&world, alice, "bob", ""));
    world.answer(Command::People(PeopleCommand::Delete { app: world.app, usernames: names(&["alice"]) }));
    while world.answer(Command::People(PeopleCommand::ClearDeparted { app: world.app })) == Answer::Continue {}
    world.user("alice");
    let none = Refusal::NotSo { relation: Relation::FriendRequest, name: "alice".into() };
    assert_eq!(world.refusal(answer(&world, bob, "alice", true)), none);
    assert!(world.findings().is_empty());
}
