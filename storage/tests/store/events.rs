//! Events that app servers are told of: what is found in the log, what is put down for them, and when that goes.

use crate::common::{T0, World};
use anser_protocol::content::GroupEventKind;
use anser_protocol::ids::Position;
use anser_storage::command::*;
use anser_storage::outcome::Answer;
use anser_storage::{AppEvent, AppEventKind, NotedKind};

fn all() -> EventFamilies {
    EventFamily::ALL.into_iter().collect()
}

fn follow(world: &mut World, families: EventFamilies) {
    let app = world.app;
    world.answer(Command::Told(ToldCommand::FollowEvents { app, families }));
}

/// Read in pages of `limit` from where the app's server stands.
fn waiting(world: &World, limit: usize) -> Vec<AppEvent> {
    let snapshot = world.read();
    let (mut next, families) = snapshot.events_told_up_to(world.app).expect("whole").expect("is told");
    let end = Position(snapshot.end().0 + 1);
    let mut events = Vec::new();
    loop {
        let found = snapshot.find_events(world.app, families, next..end, limit).expect("whole");
        assert!(found.events.len() <= limit);
        events.extend(found.events);
        next = found.next;
        if !found.is_more {
            return events;
        }
    }
}

fn noted(event: &AppEvent) -> Option<NotedKind> {
    match &event.what {
        AppEventKind::Noted { kind, .. } => Some(*kind),
        _ => None,
    }
}

fn names(event: &AppEvent) -> (Option<&str>, Vec<&str>) {
    (event.by.as_ref().map(|by| by.username.as_str()), event.users.iter().map(|user| user.username.as_str()).collect())
}

/// One event of every kind that a few commands make.
fn busy_day(world: &mut World) {
    let [alice, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let app = world.app;
    let message = world.send(alice, "bob", "soon gone");
    let group = world.group("alice", &["bob"]);
    let reason = "we met".to_owned();
    for people in [
        PeopleCommand::AskFriend { app, user: alice, other: "bob".into(), reason },
        PeopleCommand::AnswerFriend { app, user: bob, asker: "alice".into(), accepts: true, reason: String::new() },
        PeopleCommand::SetPassword { app, username: "bob".into(), password: "another".into() },
        PeopleCommand::SetPassword { app, username: "bob".into(), password: "another".into() },
        PeopleCommand::SetDisabled { app, username: "bob".into(), is_disabled: true },
        PeopleCommand::SetDisabled { app, username: "bob".into(), is_disabled: true },
    ] {
        world.answer(Command::People(people));
    }
    world.answer(Command::Amend(Amend {
        through_server: false,
        app,
        by: Actor::Server,
        message,
        what: Amended::Retracted,
        within_ms: None,
    }));
    world.send_to_group(alice, group, "no event");
    world.answer(Command::People(PeopleCommand::Delete { app, usernames: vec!["bob".into()] }));
}

#[test]
fn events_of_the_log_and_those_put_down_are_told_in_one_order() {
    let mut world = World::new();
    follow(&mut world, all());
    busy_day(&mut world);
    let events = waiting(&world, 100);
    let kinds: Vec<Option<NotedKind>> = events.iter().map(noted).collect();
    let expected = [
        Some(NotedKind::UsersRegistered),
        None,
        Some(NotedKind::FriendAsked),
        Some(NotedKind::FriendAccepted),
        Some(NotedKind::PasswordChanged),
        Some(NotedKind::UserDisabled),
        None,
        Some(NotedKind::UsersDeleted),
    ];
    assert_eq!(kinds, expected, "each change once, whatever was repeated");
    assert!(events.is_sorted_by(|one, other| one.position < other.position));
    assert!(events.iter().all(|event| event.at_ms >= T0));
    assert!(matches!(&events[1].what, AppEventKind::Group { kind: GroupEventKind::CREATED, .. }), "{:?}", events[1]);
    assert_eq!(names(&events[2]), (Some("alice"), vec!["bob"]));
    assert!(matches!(&events[2].what, AppEventKind::Noted { text, .. } if text == "we met"));
    assert!(matches!(&events[6].what, AppEventKind::Amended { from: Some(from), .. } if from.username == "alice"));
    assert_eq!(names(&events[0]), (None, vec!["alice", "bob"]), "those of one call together");
    assert_eq!(names(&events[7]), (None, vec!["bob"]), "a deleted user is still named");

    for limit in 1..5 {
        assert_eq!(waiting(&world, limit), events, "in pages of {limit}");
    }
}

#[test]
fn nothing_is_put_down_for_who_does_not_want_it() {
    let mut world = World::new();
    busy_day(&mut world);
    assert_eq!(world.read().events_told_up_to(world.app).expect("whole"), None);
    follow(&mut world, all());
    assert!(waiting(&world, 100).is_empty(), "what happened before is not told");
    follow(&mut world, [EventFamily::Friends].into_iter().collect());
    let [carol, _] = world.users(&["carol", "dave"])[..] else { panic!() };
    let (app, reason) = (world.app, String::new());
    world.answer(Command::People(PeopleCommand::AskFriend { app, user: carol, other: "dave".into(), reason }));
    world.group("carol", &["dave"]);
    let kinds: Vec<_> = waiting(&world, 100).iter().map(noted).collect();
    assert_eq!(kinds, [Some(NotedKind::FriendAsked)]);
    follow(&mut world, all());
    let events = waiting(&world, 100);
    assert_eq!(events.len(), 2, "the log still has the group's, the users were never put down: {events:?}");
}

#[test]
fn what_was_told_goes_and_what_was_not_stays() {
    let mut world = World::new();
    let app = world.app;
    follow(&mut world, all());
    for number in 0..2000 {
        world.user(&format!("user{number}"));
    }
    let events = waiting(&world, 2000);
    assert_eq!(events.len(), 2000);
    let next = events[1950].position;
    let mut slices = 0;
    while world.answer(Command::Told(ToldCommand::AdvanceEvents { app, next })) == Answer::Continue {
        slices += 1;
    }
    assert_eq!(slices, 2);
    assert_eq!(waiting(&world, 100), events[1950..]);
    world.answer(Command::Told(ToldCommand::AdvanceEvents { app, next: events[3].position }));
    assert_eq!(waiting(&world, 100), events[1950..], "it only moves forward");
    assert!(world.findings().is_empty());

    world.answer(Command::Told(ToldCommand::ForgetEvents { app }));
    assert_eq!(world.read().events_told_up_to(app).expect("whole"), None);
    follow(&mut world, all());
    assert!(waiting(&world, 100).is_empty(), "after a pause it begins anew");
    world.answer(Command::Told(ToldCommand::ForgetEvents { app }));
    assert_eq!(world.answer(Command::Told(ToldCommand::AdvanceEvents { app, next })), Answer::Done);
    assert_eq!(world.read().events_told_up_to(app).expect("whole"), None, "nobody is told by an advance");
}

#[test]
fn rooms_tell_of_themselves_and_only_if_wanted_of_who_comes_and_goes() {
    let mut world = World::new();
    let [_, bob] = world.users(&["alice", "bob"])[..] else { panic!() };
    let app = world.app;
    let (owner, name, description, members) = ("alice".to_owned(), "hall".to_owned(), String::new(), Vec::new());
    follow(&mut world, [EventFamily::Rooms].into_iter().collect());
    let create = RoomCommand::Create { app, owner, name, description, members, flag: 0 };
    let Answer::Room(room) = world.answer(Command::Room(create)) else { panic!() };
    world.answer(Command::Room(RoomCommand::Enter { app, room, user: bob }));
    follow(&mut world, all());
    world.answer(Command::Room(RoomCommand::Leave { app, room, user: bob }));
    world.answer(Command::Room(RoomCommand::Delete { app, room }));
    let events = waiting(&world, 100);
    let kinds: Vec<_> = events.iter().map(noted).collect();
    assert_eq!(kinds, [NotedKind::RoomCreated, NotedKind::RoomLeft, NotedKind::RoomDeleted].map(Some));
    assert!(events.iter().all(|event| matches!(&event.what, AppEventKind::Noted { room: Some((id, name)), .. }
        if *id == room && name == "hall")));
}
