//! Over the wall between two apps of one app group, and nowhere else: guests, single chats, groups with members of both.

use crate::common::{World, sent, texts};
use anser_protocol::content::{Content, GroupEventKind};
use anser_protocol::ids::{GroupId, Position};
use anser_storage::Chat;
use anser_storage::command::*;
use anser_storage::ids::{AppNumber, UserNumber};
use anser_storage::outcome::{Answer, MessageBody, Refusal, Relation, Route};

/// Two apps with an Alice and a Bob in each, in one app group; and a third app outside of it.
struct Neighbours {
    world: World,
    here: AppNumber,
    there: AppNumber,
    stranger: AppNumber,
    alice: UserNumber,
    bob: UserNumber,
}

const GROUP: &str = "group";

impl Neighbours {
    fn new() -> Self {
        let mut world = World::new();
        let (here, there, stranger) = (world.app, world.create_app("there"), world.create_app("stranger"));
        let alice = world.users(&["alice", "carol"])[0];
        let bob = in_app(&mut world, there, |world| world.users(&["bob", "dave"])[0]);
        in_app(&mut world, stranger, |world| world.user("mallory"));
        let (name, key, secret) = (GROUP.into(), GROUP.into(), "secret".into());
        world.answer(Command::Account(AccountCommand::CreateAppGroup { name, key, secret }));
        let mut neighbours = Self { world, here, there, stranger, alice, bob };
        for app in [here, there] {
            neighbours.world.answer(Command::Account(AccountCommand::AddToAppGroup { key: GROUP.into(), app }));
        }
        neighbours
    }

    fn part_apps(&mut self) {
        let app = self.there;
        self.world.answer(Command::Account(AccountCommand::RemoveFromAppGroup { key: GROUP.into(), app }));
    }

    fn send(&self, app: AppNumber, from: UserNumber, to: &str, text: &str) -> Command {
        let origin = Origin::Server { as_admin: false };
        Command::Send(Send { app, from, origin, target: Target::User(to.into()), content: Content::text(text) })
    }

    fn said(&mut self, app: AppNumber, from: UserNumber, to: &str, text: &str) -> Position {
        let command = self.send(app, from, to, text);
        sent(self.world.answer(command)).0
    }

    fn chat(&mut self, app: AppNumber, user: UserNumber, peer: &str) -> Vec<String> {
        let found = self.world.read().number_of(app, peer).expect("whole");
        let Some(peer) = found else { return Vec::new() };
        in_app(&mut self.world, app, |world| texts(&world.whole_history(user, Chat::User(peer))))
    }

    /// A group of Alice's with Bob of the other app.
    fn group(&mut self) -> GroupId {
        let group = self.world.group("alice", &["carol"]);
        let add = self.add(group, &["bob/key of there"]);
        assert_eq!(self.world.answer(add), Answer::Done);
        group
    }

    fn add(&self, group: GroupId, names: &[&str]) -> Command {
        Command::Group(GroupCommand::Add { app: self.here, by: Actor::Server, group, members: owned(names) })
    }

    fn remove(&self, group: GroupId, names: &[&str]) -> Command {
        Command::Group(GroupCommand::Remove { app: self.here, by: Actor::Server, group, members: owned(names) })
    }

    fn said_in(&mut self, group: GroupId, text: &str) -> Position {
        let alice = self.alice;
        in_app(&mut self.world, self.here, |world| world.send_to_group(alice, group, text))
    }

    /// From a device of the other app.
    fn bob_says(&mut self, group: GroupId, outbox: u64, text: &str) -> Result<Answer, Refusal> {
        let (app, bob) = (self.there, self.bob);
        in_app(&mut self.world, app, |world| {
            let device = world.device("bobs phone");
            let origin = Origin::Device { device, outbox };
            let command = world.send_command(bob, origin, Target::Group(group), text);
            world.apply(command).answer
        })
    }

    fn in_group(&mut self, app: AppNumber, user: UserNumber, group: GroupId) -> Vec<String> {
        in_app(&mut self.world, app, |world| texts(&world.whole_history(user, Chat::Group(group))))
    }

    fn whole(&self) {
        assert_eq!(self.world.findings(), []);
    }

    fn clear(&mut self, app: AppNumber) {
        while self.world.answer(Command::People(PeopleCommand::ClearDeparted { app })) == Answer::Continue {}
    }

    fn delete_app(&mut self, app: AppNumber) {
        while self.world.answer(Command::App(AppCommand::Delete { app })) == Answer::Continue {}
    }

    fn delete_bob(&mut self) {
        let (app, usernames) = (self.there, owned(&["bob"]));
        self.world.answer(Command::People(PeopleCommand::Delete { app, usernames }));
    }
}

fn in_app<T>(world: &mut World, app: AppNumber, act: impl FnOnce(&mut World) -> T) -> T {
    let own = std::mem::replace(&mut world.app, app);
    let done = act(world);
    world.app = own;
    done
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn people(
    app: AppNumber,
    username: &str,
    command: fn(AppNumber, String, Vec<String>) -> PeopleCommand,
    other: &str,
) -> Command {
    Command::People(command(app, username.into(), vec![other.into()]))
}

fn block(app: AppNumber, username: String, others: Vec<String>) -> PeopleCommand {
    PeopleCommand::Block { app, by: Actor::Server, username, others }
}

fn unblock(app: AppNumber, username: String, others: Vec<String>) -> PeopleCommand {
    PeopleCommand::Unblock { app, by: Actor::Server, username, others }
}

fn befriend(app: AppNumber, username: String, others: Vec<String>) -> PeopleCommand {
    PeopleCommand::Befriend { app, by: Actor::Server, username, others }
}

fn unfriend(app: AppNumber, username: String, others: Vec<String>) -> PeopleCommand {
    PeopleCommand::Unfriend { app, by: Actor::Server, username, others }
}

#[test]
fn a_message_to_a_user_of_a_linked_app_is_in_the_log_of_both() {
    let mut two = Neighbours::new();
    let (here, there, alice, bob) = (two.here, two.there, two.alice, two.bob);
    let command = two.send(here, alice, "bob/key of there", "over the wall");
    let outcome = two.world.apply(command);
    let (position, _) = sent(outcome.answer.expect("accepted"));
    let places: Vec<_> = outcome.appended.iter().map(|record| (record.app, record.position)).collect();
    assert_eq!(places, [(here, position), (there, Position(position.0 + 1))]);
    let Route::Single { from_name, to, to_name, .. } = &outcome.appended[1].route else { panic!("no single chat") };
    assert_eq!((&**from_name, *to, &**to_name), ("alice/key of chat", bob, "bob"));

    two.said(there, bob, "alice/key of chat", "and back");
    assert_eq!(two.chat(here, alice, "bob/key of there"), ["and back", "over the wall"]);
    assert_eq!(two.chat(there, bob, "alice/key of chat"), ["and back", "over the wall"]);
    two.whole();
}

#[test]
fn between_apps_that_no_group_holds_there_is_no_way() {
    let mut two = Neighbours::new();
    let (here, there, alice) = (two.here, two.there, two.alice);
    let unlinked = two.send(here, alice, "mallory/key of stranger", "x");
    assert_eq!(two.world.refusal(unlinked), Refusal::AppsNotLinked);
    let unknown = two.send(here, alice, "bob/key of nobody", "x");
    assert_eq!(two.world.refusal(unknown), Refusal::OtherAppUnknown);
    let itself = two.send(here, alice, "carol/key of chat", "x");
    assert_eq!(two.world.refusal(itself), Refusal::OtherAppUnknown);
    let ghost = two.send(here, alice, "ghost/key of there", "x");
    assert_eq!(two.world.refusal(ghost), Refusal::UserUnknown { username: "ghost/key of there".into() });
    let stranger = two.stranger;
    let mallory = two.world.read().number_of(stranger, "mallory").expect("whole").expect("there");
    let from_outside = two.send(stranger, mallory, "alice/key of chat", "x");
    assert_eq!(two.world.refusal(from_outside), Refusal::AppsNotLinked);

    two.said(here, alice, "bob/key of there", "before");
    two.part_apps();
    let after = two.send(here, alice, "bob/key of there", "after");
    assert_eq!(two.world.refusal(after), Refusal::AppsNotLinked);
    let back = two.send(there, two.bob, "alice/key of chat", "after");
    assert_eq!(two.world.refusal(back), Refusal::AppsNotLinked);
    assert_eq!(two.chat(here, alice, "bob/key of there"), ["before"]);
    two.whole();
}

#[test]
fn a_guest_is_in_no_list_and_found_by_no_name_of_the_app() {
    let mut two = Neighbours::new();
    two.said(two.here, two.alice, "bob/key of there", "hello");
    let snapshot = two.world.read();
    let page = snapshot.user_page(two.there, anser_storage::UserClass::User, 0, 10).expect("whole");
    assert_eq!((page.total, page.users.len()), (2, 2));
    assert_eq!(snapshot.user_by_name(two.there, "alice/key of chat").expect("whole"), None);
    assert_eq!(snapshot.user_by_name(two.there, "alice").expect("whole"), None);
    let guest = snapshot.number_of(two.there, "alice/key of chat").expect("whole").expect("a guest");
    let device = in_app(&mut two.world, two.there, |world| world.device("somebodys"));
    let log_in = UserCommand::LogIn {
        app: two.there,
        user: guest,
        device,
        token_hash: [1; 32],
        expires_ms: 0,
        password: String::new(),
        others_max: 1,
    };
    assert_eq!(two.world.refusal(Command::User(log_in)), Refusal::UserUnknown { username: String::new() });
}

#[test]
fn whom_the_receiver_has_blocked_is_refused_across_apps_too() {
    let mut two = Neighbours::new();
    let (here, there, alice, bob) = (two.here, two.there, two.alice, two.bob);
    two.world.answer(people(there, "bob", block, "alice/key of chat"));
    let refused = two.send(here, alice, "bob/key of there", "x");
    assert_eq!(two.world.refusal(refused), Refusal::Blocked);
    two.said(there, bob, "alice/key of chat", "one way");
    let again = people(there, "bob", block, "alice/key of chat");
    let name = "alice/key of chat".to_owned();
    assert_eq!(two.world.refusal(again), Refusal::AlreadySo { relation: Relation::Blocked, name });
    let blocked = two.world.read().blocked(there, bob).expect("whole");
    assert_eq!(blocked.iter().map(|user| user.username.as_str()).collect::<Vec<_>>(), ["alice/key of chat"]);
    two.world.answer(people(there, "bob", unblock, "alice/key of chat"));
    two.said(here, alice, "bob/key of there", "both ways");
    two.whole();
}

#[test]
fn a_friendship_across_apps_stands_on_both_sides() {
    let mut two = Neighbours::new();
    let (here, there, alice, bob) = (two.here, two.there, two.alice, two.bob);
    let outcome = two.world.apply(people(here, "alice", befriend, "bob/key of there"));
    let told: Vec<_> = outcome.appended.iter().map(|record| record.app).collect();
    assert_eq!(told, [here, there], "each is told in their own app");
    let friends = |two: &Neighbours, app, user| {
        let friends = two.world.read().friends(app, user).expect("whole");
        friends.into_iter().map(|friend| friend.user.username).collect::<Vec<_>>()
    };
    assert_eq!(friends(&two, here, alice), ["bob/key of there"]);
    assert_eq!(friends(&two, there, bob), ["alice/key of chat"]);
    let name = "alice/key of chat".to_owned();
    let again = people(there, "bob", befriend, &name);
    assert_eq!(two.world.refusal(again), Refusal::AlreadySo { relation: Relation::Friend, name });
    two.whole();
    two.world.answer(people(there, "bob", unfriend, "alice/key of chat"));
    assert_eq!((friends(&two, here, alice).len(), friends(&two, there, bob).len()), (0, 0));
    two.whole();
}

#[test]
fn a_request_to_be_friends_is_asked_and_answered_over_the_wall() {
    let mut two = Neighbours::new();
    let (here, there, alice, bob) = (two.here, two.there, two.alice, two.bob);
    let ask =
        PeopleCommand::AskFriend { app: here, user: alice, other: "bob/key of there".into(), reason: "hi".into() };
    let outcome = two.world.apply(Command::People(ask));
    assert_eq!(outcome.appended.iter().map(|record| record.app).collect::<Vec<_>>(), [there]);
    let asker = "alice/key of chat".to_owned();
    let answer = |accepts| {
        let (asker, reason) = (asker.clone(), String::new());
        Command::People(PeopleCommand::AnswerFriend { app: there, user: bob, asker, accepts, reason })
    };
    two.world.answer(answer(true));
    assert_eq!(two.world.read().friends(here, alice).expect("whole").len(), 1);
    let name = asker.clone();
    assert_eq!(two.world.refusal(answer(true)), Refusal::NotSo { relation: Relation::FriendRequest, name });
    two.whole();
}

#[test]
fn what_is_taken_back_is_taken_back_in_both_apps() {
    let mut two = Neighbours::new();
    let (here, there, alice, bob) = (two.here, two.there, two.alice, two.bob);
    let message = two.said(here, alice, "bob/key of there", "regretted");
    let (by, what) = (Actor::User(alice), Amended::Retracted);
    let amend = Amend { app: here, by, through_server: false, message, what, within_ms: None };
    two.world.answer(Command::Amend(amend));
    for (app, user, peer) in [(here, alice, "bob/key of there"), (there, bob, "alice/key of chat")] {
        let chat = two.chat(app, user, peer);
        assert_eq!((chat.len(), chat[0].starts_with("amendment")), (2, true), "{chat:?}");
        assert_ne!(chat[1], "regretted");
    }
    two.whole();
}

#[test]
fn a_group_with_members_of_two_apps_is_one_chat_for_all() {
    let mut two = Neighbours::new();
    let (here, there, alice, bob) = (two.here, two.there, two.alice, two.bob);
    let group = two.group();
    two.said_in(group, "welcome");
    two.bob_says(group, 1, "thank you").expect("a member");
    let seen = ["thank you".to_owned(), "welcome".into(), format!("event {}", GroupEventKind::ADDED.0)];
    assert_eq!(two.in_group(there, bob, group), seen);
    assert_eq!(two.in_group(here, alice, group)[..3], seen);
    let again = two.bob_says(group, 1, "thank you").expect("a repeat is answered");
    assert!(matches!(again, Answer::Sent { is_repeat: true, .. }));
    assert_eq!(two.in_group(here, alice, group)[..3], seen);

    let snapshot = two.world.read();
    assert_eq!(snapshot.group(there, group).expect("whole"), None, "it is no group of the other app");
    assert_eq!(snapshot.group_page(there, anser_storage::GroupClass::Any, 0, 9).expect("whole").total, 0);
    let joined = snapshot.joined_groups_of(there, bob).expect("whole");
    assert_eq!((joined[0].id, joined[0].home, joined[0].owner.as_str()), (group, here, "alice/key of chat"));
    let members = snapshot.joined_group_members(there, group).expect("whole");
    let names: Vec<_> = members.iter().map(|member| member.username.to_string()).collect();
    assert_eq!(names, ["alice/key of chat", "carol/key of chat", "bob"]);
    two.whole();
}

#[test]
fn a_message_in_such_a_group_is_one_record_for_each_app() {
    let mut two = Neighbours::new();
    let group = two.group();
    let add = two.add(group, &["dave/key of there"]);
    two.world.answer(add);
    let command = two.world.send_command(two.alice, Origin::Server { as_admin: false }, Target::Group(group), "x");
    let outcome = two.world.apply(command);
    let apps: Vec<_> = outcome.appended.iter().map(|record| record.app).collect();
    assert_eq!(apps, [two.here, two.there]);
    let Route::Group { members, .. } = &outcome.appended[1].route else { panic!("no group") };
    assert_eq!(members.len(), 2);
}

#[test]
fn the_groups_own_app_decides_who_speaks() {
    let mut two = Neighbours::new();
    let group = two.group();
    let dave = two.world.read().number_of(two.there, "dave").expect("whole").expect("there");
    let by_dave = in_app(&mut two.world, two.there, |world| {
        let device = world.device("daves phone");
        let command = world.send_command(dave, Origin::Device { device, outbox: 1 }, Target::Group(group), "x");
        world.refusal(command)
    });
    assert_eq!(by_dave, Refusal::NotAMember);
    let plain = in_app(&mut two.world, two.there, |world| {
        let command = world.send_command(two.bob, Origin::Server { as_admin: false }, Target::Group(group), "x");
        world.refusal(command)
    });
    assert_eq!(plain, Refusal::GroupUnknown, "an app server must say of which app the group is");
    let named = Target::GroupOf { app_key: "key of chat".into(), group };
    in_app(&mut two.world, two.there, |world| {
        let command = world.send_command(two.bob, Origin::Server { as_admin: false }, named, "x");
        world.answer(command)
    });
    two.part_apps();
    assert_eq!(two.bob_says(group, 7, "x"), Err(Refusal::AppsNotLinked));
    two.said_in(group, "behind the wall");
    let order = Order::Edit { name: Some("renamed".into()), description: None, avatar: None };
    two.world.answer(Command::GroupOrder(GroupOrder { app: two.here, by: Actor::Server, group, order }));
    let add = two.add(group, &["carol"]);
    assert_eq!(two.world.refusal(add), Refusal::AlreadyAMember { username: "carol".into() });
    assert_eq!(two.in_group(two.there, two.bob, group)[0], "x", "nothing comes over the wall any more");
    let guest = two.world.read().number_of(two.here, "bob/key of there").expect("whole").expect("a guest");
    assert!(two.world.read().is_member(two.here, group, guest).expect("whole"), "who is a member stays");
    two.whole();
}

#[test]
fn whoever_is_removed_leaves_or_is_dissolved_sees_no_more() {
    let mut two = Neighbours::new();
    let (there, bob) = (two.there, two.bob);
    let group = two.group();
    let remove = two.remove(group, &["bob/key of there"]);
    two.world.answer(remove.clone());
    two.said_in(group, "without bob");
    assert_eq!(two.in_group(there, bob, group)[0], format!("event {}", GroupEventKind::REMOVED.0));
    assert_eq!(two.bob_says(group, 1, "x"), Err(Refusal::GroupUnknown), "the mirror ended with its last member");
    assert_eq!(two.world.refusal(remove), Refusal::MemberUnknown { username: "bob/key of there".into() });

    let add = two.add(group, &["bob/key of there"]);
    two.world.answer(add);
    two.said_in(group, "again with bob");
    assert_eq!(two.in_group(there, bob, group)[0], "again with bob");
    two.world.answer(Command::Group(GroupCommand::Leave { app: there, user: bob, group }));
    assert_eq!(two.world.read().group_members(two.here, group).expect("whole").len(), 2);
    two.whole();

    let add = two.add(group, &["bob/key of there"]);
    two.world.answer(add);
    two.world.answer(Command::Group(GroupCommand::Dissolve { app: two.here, by: Actor::Server, group }));
    assert_eq!(two.in_group(there, bob, group)[0], format!("event {}", GroupEventKind::DISSOLVED.0));
    assert_eq!(two.bob_says(group, 2, "x"), Err(Refusal::GroupUnknown));
    two.whole();
}

#[test]
fn a_guest_cannot_change_a_group_of_another_app() {
    let mut two = Neighbours::new();
    let group = two.group();
    let (app, by) = (two.there, Actor::User(two.bob));
    let orders = [
        Order::Edit { name: Some("stolen".into()), description: None, avatar: None },
        Order::Silence { names: owned(&["bob"]), for_ms: None },
        Order::Invite { names: owned(&["dave"]), reason: String::new() },
        Order::Apply { reason: String::new() },
    ];
    for by in [by, Actor::Server] {
        for order in orders.clone() {
            let order = Command::GroupOrder(GroupOrder { app, by, group, order });
            assert_eq!(two.world.refusal(order), Refusal::GroupUnknown);
        }
        let members = owned(&["dave"]);
        let add = Command::Group(GroupCommand::Add { app, by, group, members: members.clone() });
        assert_eq!(two.world.refusal(add), Refusal::GroupUnknown);
        let remove = Command::Group(GroupCommand::Remove { app, by, group, members });
        assert_eq!(two.world.refusal(remove), Refusal::GroupUnknown);
        let dissolve = Command::Group(GroupCommand::Dissolve { app, by, group });
        assert_eq!(two.world.refusal(dissolve), Refusal::GroupUnknown);
    }
    // Nor does a member of the group's own app bring guests in by name.
    let (app, by) = (two.here, Actor::User(two.alice));
    let add = Command::Group(GroupCommand::Add { app, by, group, members: owned(&["dave/key of there"]) });
    assert_eq!(two.world.refusal(add), Refusal::UserUnknown { username: "dave/key of there".into() });
}

#[test]
fn what_is_told_of_a_group_is_told_in_its_mirrors() {
    let mut two = Neighbours::new();
    let group = two.group();
    let order = Order::Edit { name: Some("renamed".into()), description: None, avatar: None };
    let (app, by) = (two.here, Actor::User(two.alice));
    let outcome = two.world.apply(Command::GroupOrder(GroupOrder { app, by, group, order }));
    assert_eq!(outcome.appended.iter().map(|record| record.app).collect::<Vec<_>>(), [two.here, two.there]);
    let Route::Group { message, .. } = &outcome.appended[1].route else { panic!("no group") };
    let MessageBody::Change(change) = &message.body else { panic!("no change") };
    assert_eq!(change.event.by, "alice/key of chat");
    let shown = two.world.read().conversations(two.there, two.bob, Position(u64::MAX), 9, 1).expect("whole");
    assert_eq!(shown[0].name, "renamed");
    two.whole();
}

#[test]
fn a_silenced_guest_is_silent() {
    let mut two = Neighbours::new();
    let group = two.group();
    let order = Order::Silence { names: owned(&["bob/key of there"]), for_ms: None };
    let command = Command::GroupOrder(GroupOrder { app: two.here, by: Actor::Server, group, order });
    two.world.answer(command);
    assert_eq!(two.bob_says(group, 1, "x"), Err(Refusal::Silenced));
    let order = Order::LiftSilence { names: owned(&["bob/key of there"]) };
    two.world.answer(Command::GroupOrder(GroupOrder { app: two.here, by: Actor::Server, group, order }));
    two.bob_says(group, 1, "x").expect("may speak again");
}

#[test]
fn a_deleted_user_is_gone_from_other_apps_as_well() {
    let mut two = Neighbours::new();
    let (here, there, alice) = (two.here, two.there, two.alice);
    let group = two.group();
    two.world.answer(people(here, "alice", befriend, "bob/key of there"));
    two.world.answer(people(here, "carol", block, "bob/key of there"));
    two.said(here, alice, "bob/key of there", "to the old bob");
    two.delete_bob();
    two.whole();
    let gone = two.send(here, alice, "bob/key of there", "x");
    assert_eq!(two.world.refusal(gone), Refusal::UserUnknown { username: "bob/key of there".into() });
    two.clear(there);
    two.whole();
    two.clear(here);
    two.whole();
    assert_eq!(two.world.read().group_members(here, group).expect("whole").len(), 2);
    assert!(two.world.read().friends(here, alice).expect("whole").is_empty());

    let bob = in_app(&mut two.world, there, |world| world.user("bob"));
    assert!(two.chat(there, bob, "alice/key of chat").is_empty(), "another bob");
    two.said(here, alice, "bob/key of there", "to the new bob");
    assert_eq!(two.chat(there, bob, "alice/key of chat"), ["to the new bob"]);
    assert_eq!(two.chat(here, alice, "bob/key of there"), ["to the new bob"]);
    two.whole();
}

#[test]
fn an_app_that_is_deleted_leaves_nothing_that_hangs() {
    let delete_there = |two: &Neighbours| two.there;
    let delete_here = |two: &Neighbours| two.here;
    for deleted in [delete_there as fn(&Neighbours) -> AppNumber, delete_here] {
        let mut two = Neighbours::new();
        let (here, there, alice) = (two.here, two.there, two.alice);
        let group = two.group();
        two.world.answer(people(here, "alice", befriend, "bob/key of there"));
        two.said(here, alice, "bob/key of there", "hello");
        two.bob_says(group, 1, "in the group").expect("a member");
        let app = deleted(&two);
        two.delete_app(app);
        let left = if app == there { here } else { there };
        two.whole();
        two.clear(left);
        two.whole();
        if app == there {
            assert_eq!(two.world.read().group_members(here, group).expect("whole").len(), 2);
            two.said_in(group, "still here");
        } else {
            let seen = two.in_group(there, two.bob, group);
            assert_eq!(seen[0], format!("event {}", GroupEventKind::DISSOLVED.0));
            assert_eq!(two.bob_says(group, 2, "x"), Err(Refusal::GroupUnknown));
        }
        assert!(two.world.read().conversations(left, two.bob, Position(u64::MAX), 9, 1).is_ok());
        two.whole();
    }
}

#[test]
fn sensitive_words_of_both_apps_hold() {
    let mut two = Neighbours::new();
    for (app, word) in [(two.here, "apple"), (two.there, "pear")] {
        let words = vec![word.to_owned()];
        two.world.answer(Command::Word(WordCommand::Add { app, words, words_max: 10 }));
        two.world.answer(Command::Word(WordCommand::SetFilter { app, is_on: true, is_masking: None }));
    }
    for word in ["apple", "pear"] {
        let command = two.send(two.here, two.alice, "bob/key of there", word);
        assert_eq!(two.world.refusal(command), Refusal::SensitiveWord { word: word.into() });
    }
    let group = two.group();
    two.said_in(group, "pear");
    assert_ne!(two.in_group(two.there, two.bob, group)[0], "pear", "the other app does not let it in");
    assert_eq!(two.in_group(two.here, two.alice, group)[0], "pear");
    assert_eq!(two.bob_says(group, 1, "apple"), Err(Refusal::SensitiveWord { word: "apple".into() }));
    two.whole();
}
