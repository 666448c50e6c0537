//! What owners, admins and members may do in a group, what each order leaves behind, and groups of ten thousand.

use crate::common::{World, texts};
use anser_protocol::content::GroupEventKind;
use anser_protocol::extension::tag;
use anser_protocol::group_details::GroupDetails;
use anser_protocol::ids::{GroupId, Position};
use anser_storage::command::{Actor, Command, GroupCommand, GroupOrder, Order, Origin, PeopleCommand, Target};
use anser_storage::ids::UserNumber;
use anser_storage::outcome::{Answer, MessageBody, Outcome, Rank, Refusal, Route};
use anser_storage::{Chat, GroupClass, Options, Store};

const FIVE_MINUTES: u64 = 300_000;

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).into()).collect()
}

/// A group of alice (owner), bob (admin), carol and dave; eve is outside.
struct Flock {
    world: World,
    group: GroupId,
    alice: Actor,
    bob: Actor,
    carol: Actor,
    eve: Actor,
}

impl Flock {
    fn new() -> Self {
        Self::on(World::new())
    }

    fn on(mut world: World) -> Self {
        let users = world.users(&["alice", "bob", "carol", "dave", "eve"]);
        let group = world.group("alice", &["bob", "carol", "dave"]);
        let as_actor = |index: usize| Actor::User(users[index]);
        let (alice, bob, carol, eve) = (as_actor(0), as_actor(1), as_actor(2), as_actor(4));
        let mut flock = Self { world, group, alice, bob, carol, eve };
        flock.done(alice, Order::AddAdmins { names: strings(&["bob"]) });
        flock
    }

    fn order(&self, by: Actor, order: Order) -> Command {
        Command::GroupOrder(GroupOrder { app: self.world.app, by, group: self.group, order })
    }

    fn outcome(&mut self, by: Actor, order: Order) -> Outcome {
        let command = self.order(by, order);
        self.world.apply(command)
    }

    fn done(&mut self, by: Actor, order: Order) -> Answer {
        let command = self.order(by, order);
        self.world.answer(command)
    }

    fn refused(&mut self, by: Actor, order: Order) -> Refusal {
        let command = self.order(by, order);
        self.world.refusal(command)
    }

    /// The events that an order appends, with their details.
    fn told(&mut self, by: Actor, order: Order) -> Vec<(u8, Vec<String>, GroupDetails)> {
        let outcome = self.outcome(by, order);
        assert!(outcome.answer.is_ok(), "{outcome:?}");
        let event = |route: &Route| match route {
            Route::Group { message, .. } => match &message.body {
                MessageBody::Change(change) => {
                    Some((change.event.kind.0, change.event.users.clone(), change.details.clone()))
                }
                MessageBody::Event(event) => Some((event.kind.0, event.users.clone(), GroupDetails::default())),
                _ => None,
            },
            _ => None,
        };
        outcome.appended.iter().filter_map(|appended| event(&appended.route)).collect()
    }

    fn ranks(&self) -> Vec<(String, Rank)> {
        let standings = self.world.read().standings(self.world.app, self.group, self.world.now_ms).expect("whole");
        standings.into_iter().map(|standing| (standing.username.to_string(), standing.rank)).collect()
    }

    fn send(&self, by: Actor, as_admin: bool) -> Command {
        let Actor::User(user) = by else { panic!("nobody") };
        self.world.send_command(user, Origin::Server { as_admin }, Target::Group(self.group), "hello")
    }
}

#[test]
fn the_owner_names_admins_and_every_member_learns_it() {
    let mut flock = Flock::new();
    let (alice, bob) = (flock.alice, flock.bob);
    let set = GroupDetails { is_set: Some(true), ..GroupDetails::default() };
    assert_eq!(
        flock.told(alice, Order::AddAdmins { names: strings(&["carol", "bob"]) }),
        [(80, strings(&["carol"]), set)]
    );
    assert_eq!(flock.told(alice, Order::AddAdmins { names: strings(&["carol"]) }), [], "a repeat tells nothing");
    assert_eq!(flock.refused(bob, Order::AddAdmins { names: strings(&["dave"]) }), Refusal::NotPermitted);
    assert_eq!(
        flock.refused(alice, Order::AddAdmins { names: strings(&["eve"]) }),
        Refusal::TargetNotInGroup { username: "eve".into() }
    );
    let lifted = GroupDetails { is_set: Some(false), ..GroupDetails::default() };
    assert_eq!(
        flock.told(alice, Order::RemoveAdmins { names: strings(&["carol", "dave"]) }),
        [(80, strings(&["carol"]), lifted)]
    );
    let ranks = [Rank::Owner, Rank::Admin, Rank::Member, Rank::Member];
    assert_eq!(flock.ranks().into_iter().map(|(_, rank)| rank).collect::<Vec<_>>(), ranks);
}

#[test]
fn a_group_has_at_most_fifteen_admins() {
    let mut flock = Flock::new();
    let names: Vec<String> = (0..15).map(|number| format!("goose{number}")).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    flock.world.users(&all);
    let (app, group, by) = (flock.world.app, flock.group, Actor::Server);
    flock.world.answer(Command::Group(GroupCommand::Add { app, by, group, members: names.clone() }));
    let alice = flock.alice;
    assert_eq!(flock.refused(alice, Order::AddAdmins { names: names.clone() }), Refusal::TooManyGroupAdmins);
    flock.done(alice, Order::AddAdmins { names: names[1..].to_vec() });
}

#[test]
fn an_admin_removes_plain_members_only() {
    let mut flock = Flock::new();
    let (app, group, bob, carol) = (flock.world.app, flock.group, flock.bob, flock.carol);
    let remove =
        |by, members: &[&str]| Command::Group(GroupCommand::Remove { app, by, group, members: strings(members) });
    assert_eq!(flock.world.refusal(remove(carol, &["dave"])), Refusal::NotTheOwner);
    assert_eq!(flock.world.refusal(remove(bob, &["dave", "alice"])), Refusal::Protected { username: "alice".into() });
    flock.world.answer(remove(bob, &["dave"]));
    assert_eq!(flock.ranks().len(), 3);
}

#[test]
fn an_admin_inherits_the_group_before_older_members() {
    let mut flock = Flock::new();
    let (app, group, alice) = (flock.world.app, flock.group, flock.alice);
    flock.done(alice, Order::RemoveAdmins { names: strings(&["bob"]) });
    flock.done(alice, Order::AddAdmins { names: strings(&["dave"]) });
    let Actor::User(user) = alice else { panic!("a user") };
    flock.world.answer(Command::Group(GroupCommand::Leave { app, user, group }));
    let expected = [("bob".into(), Rank::Member), ("carol".into(), Rank::Member), ("dave".into(), Rank::Owner)];
    assert_eq!(flock.ranks(), expected);
}

#[test]
fn the_owner_passes_the_group_on_and_becomes_a_plain_member() {
    let mut flock = Flock::new();
    let (alice, bob) = (flock.alice, flock.bob);
    assert_eq!(flock.refused(bob, Order::Transfer { to: "carol".into() }), Refusal::NotPermitted);
    assert_eq!(
        flock.refused(alice, Order::Transfer { to: "eve".into() }),
        Refusal::TargetNotInGroup { username: "eve".into() }
    );
    let told = flock.told(alice, Order::Transfer { to: "bob".into() });
    assert_eq!(told, [(GroupEventKind::OWNER.0, strings(&["bob"]), GroupDetails::default())]);
    assert_eq!(flock.ranks()[..2], [("alice".into(), Rank::Member), ("bob".into(), Rank::Owner)]);
    assert_eq!(flock.told(Actor::Server, Order::Transfer { to: "bob".into() }), []);
}

#[test]
fn a_silenced_member_cannot_send_until_the_time_is_over() {
    let mut flock = Flock::new();
    let (alice, carol) = (flock.alice, flock.carol);
    let silence = |for_ms| Order::Silence { names: strings(&["carol"]), for_ms };
    let until_ms = flock.world.now_ms + 1 + FIVE_MINUTES;
    let details = GroupDetails { is_set: Some(true), until_ms: Some(until_ms), ..GroupDetails::default() };
    assert_eq!(flock.told(alice, silence(Some(FIVE_MINUTES))), [(65, strings(&["carol"]), details)]);
    assert_eq!(flock.world.refusal(flock.send(carol, false)), Refusal::Silenced);
    flock.world.answer(flock.send(carol, true));
    flock.world.now_ms = until_ms - 2;
    assert_eq!(flock.world.refusal(flock.send(carol, false)), Refusal::Silenced);
    flock.world.answer(flock.send(carol, false));
    assert_eq!(flock.world.read().silences(flock.world.app, flock.group, until_ms).expect("whole"), []);

    flock.done(alice, silence(None));
    flock.world.now_ms += 40_000_000_000;
    assert_eq!(flock.world.refusal(flock.send(carol, false)), Refusal::Silenced);
    let lifted = GroupDetails { is_set: Some(false), ..GroupDetails::default() };
    let lift = Order::LiftSilence { names: strings(&["carol", "dave"]) };
    assert_eq!(flock.told(alice, lift.clone()), [(65, strings(&["carol"]), lifted)]);
    assert_eq!(flock.told(alice, lift), []);
    flock.world.answer(flock.send(carol, false));
}

#[test]
fn a_repeated_silence_begins_anew_and_the_newest_is_listed_first() {
    let mut flock = Flock::new();
    let alice = flock.alice;
    let silence = |name: &str| Order::Silence { names: strings(&[name]), for_ms: Some(FIVE_MINUTES) };
    flock.done(alice, silence("carol"));
    flock.done(alice, silence("dave"));
    flock.world.now_ms += 1_000;
    flock.done(alice, silence("carol"));
    let (app, group, now_ms) = (flock.world.app, flock.group, flock.world.now_ms);
    let listed = flock.world.read().silences(app, group, now_ms).expect("whole");
    let listed: Vec<_> =
        listed.iter().map(|(name, silence)| (name.as_ref(), silence.since_ms, silence.until_ms)).collect();
    let first = now_ms - 1_001;
    assert_eq!(listed, [("carol", now_ms, Some(now_ms + FIVE_MINUTES)), ("dave", first, Some(first + FIVE_MINUTES))]);
}

#[test]
fn silence_is_refused_to_whom_it_does_not_belong_and_out_of_range() {
    let mut flock = Flock::new();
    let (alice, bob, carol) = (flock.alice, flock.bob, flock.carol);
    let silence = |name: &str, for_ms| Order::Silence { names: strings(&[name]), for_ms };
    for time in [0, FIVE_MINUTES - 1, 31_536_000_001] {
        assert_eq!(flock.refused(alice, silence("carol", Some(time))), Refusal::SilenceTime);
    }
    for (by, name) in [(carol, "dave"), (bob, "alice"), (bob, "bob"), (Actor::Server, "alice")] {
        assert_eq!(flock.refused(by, silence(name, None)), Refusal::NotPermitted);
    }
    assert_eq!(flock.refused(bob, silence("eve", None)), Refusal::TargetNotInGroup { username: "eve".into() });
    assert_eq!(flock.refused(bob, silence("ghost", None)), Refusal::UserUnknown { username: "ghost".into() });
    flock.done(alice, silence("bob", None));
    flock.done(bob, silence("dave", Some(31_536_000_000)));
}

#[test]
fn who_is_banned_is_thrown_out_and_cannot_come_back() {
    let mut flock = Flock::new();
    let (app, group, alice, bob, eve) = (flock.world.app, flock.group, flock.alice, flock.bob, flock.eve);
    assert_eq!(flock.refused(bob, Order::Ban { names: strings(&["alice"]) }), Refusal::NotPermitted);
    let told = flock.told(bob, Order::Ban { names: strings(&["carol", "eve"]) });
    let kinds: Vec<_> = told.iter().map(|(kind, users, _)| (*kind, users.clone())).collect();
    assert_eq!(kinds, [(89, strings(&["carol", "eve"])), (11, strings(&["carol"]))]);
    let add = |by| Command::Group(GroupCommand::Add { app, by, group, members: strings(&["carol"]) });
    assert_eq!(flock.world.refusal(add(Actor::Server)), Refusal::Banned { username: "carol".into() });
    flock.done(alice, Order::SetPublic(true));
    let apply = Order::Apply { reason: String::new() };
    assert_eq!(flock.refused(eve, apply), Refusal::Banned { username: "eve".into() });
    assert_eq!(flock.world.read().bans(app, group).expect("whole").len(), 2);
    assert_eq!(flock.told(bob, Order::Unban { names: strings(&["carol", "dave"]) }).len(), 1);
    flock.world.answer(add(Actor::Server));
}

#[test]
fn a_groups_blacklist_takes_a_hundred_and_the_deleted_make_room() {
    let mut flock = Flock::new();
    let names: Vec<String> = (0..102).map(|number| format!("goose{number}")).collect();
    flock.world.users(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let alice = flock.alice;
    flock.done(alice, Order::Ban { names: names[..100].to_vec() });
    assert_eq!(flock.refused(alice, Order::Ban { names: strings(&["goose100"]) }), Refusal::BansFull);
    let app = flock.world.app;
    flock.world.answer(Command::People(PeopleCommand::Delete { app, usernames: strings(&["goose7"]) }));
    flock.done(alice, Order::Ban { names: strings(&["goose100"]) });
    assert_eq!(flock.world.read().bans(app, flock.group).expect("whole").len(), 100);
}

#[test]
fn nicknames_are_set_by_oneself_and_by_those_above() {
    let mut flock = Flock::new();
    let (alice, bob, carol, eve) = (flock.alice, flock.bob, flock.carol, flock.eve);
    let name =
        |username: &str, nickname: &str| Order::SetNickname { username: username.into(), nickname: nickname.into() };
    let changed =
        |old: &str, new: &str| GroupDetails { nicknames: Some((old.into(), new.into())), ..GroupDetails::default() };
    assert_eq!(flock.told(carol, name("carol", "grey")), [(220, strings(&["carol"]), changed("", "grey"))]);
    assert_eq!(flock.told(bob, name("carol", "white")), [(220, strings(&["carol"]), changed("grey", "white"))]);
    assert_eq!(flock.told(carol, name("carol", "white")), []);
    for (by, whose) in [(carol, "dave"), (bob, "alice"), (alice, "bob")] {
        assert_eq!(flock.refused(by, name(whose, "x")), Refusal::NotPermitted);
    }
    assert_eq!(flock.refused(eve, name("eve", "x")), Refusal::NotAMember);
    assert_eq!(flock.told(carol, name("carol", "")), [(220, strings(&["carol"]), changed("white", ""))]);
}

#[test]
fn a_groups_information_is_changed_by_those_above_and_by_all_where_the_settings_say_so() {
    let mut flock = Flock::new();
    let (bob, carol) = (flock.bob, flock.carol);
    let edit = || Order::Edit { name: Some("swans".into()), description: None, avatar: Some("a".into()) };
    assert_eq!(flock.refused(carol, edit()), Refusal::NotPermitted);
    let details = GroupDetails { name: Some("swans".into()), avatar: Some("a".into()), ..GroupDetails::default() };
    assert_eq!(flock.told(bob, edit()), [(12, vec![], details)]);
    let row = flock.world.read().group(flock.world.app, flock.group).expect("whole").expect("it lives");
    assert_eq!((row.name.as_str(), row.avatar.as_str(), row.changed_ms), ("swans", "a", flock.world.now_ms));

    let options = Options { members_edit_private_groups: true, ..Options::default() };
    let store = Store::open_on(redb::backends::InMemoryBackend::new(), options).expect("memory opens");
    let mut flock = Flock::on(World::on(store));
    let (alice, carol) = (flock.alice, flock.carol);
    flock.done(carol, edit());
    flock.done(alice, Order::SetPublic(true));
    assert_eq!(flock.refused(carol, edit()), Refusal::NotPermitted);
}

#[test]
fn the_type_and_the_maximum_change_once_and_within_their_range() {
    let mut flock = Flock::new();
    let (alice, bob, app) = (flock.alice, flock.bob, flock.world.app);
    let public = GroupDetails { is_public: Some(true), ..GroupDetails::default() };
    assert_eq!(flock.refused(bob, Order::SetPublic(true)), Refusal::NotPermitted);
    assert_eq!(flock.told(alice, Order::SetPublic(true)), [(83, vec![], public)]);
    assert_eq!(flock.told(alice, Order::SetPublic(true)), []);
    assert_eq!(flock.world.read().group_page(app, GroupClass::Public, 0, 9).expect("whole").total, 1);
    flock.done(alice, Order::SetPublic(false));
    assert_eq!(flock.world.read().group_page(app, GroupClass::Public, 0, 9).expect("whole").total, 0);

    for maximum in [0, 2, 3, 2001] {
        assert_eq!(flock.refused(alice, Order::Resize(maximum)), Refusal::BadMaximum);
    }
    let four = GroupDetails { maximum: Some(4), ..GroupDetails::default() };
    assert_eq!(flock.told(alice, Order::Resize(4)), [(221, vec![], four)]);
    assert_eq!(
        flock.refused(alice, Order::Invite { names: strings(&["eve"]), reason: String::new() }),
        Refusal::GroupFull
    );
}

#[test]
fn announcements_are_pinned_first_and_the_oldest_drops_out() {
    let mut flock = Flock::new();
    let (alice, bob, carol, app) = (flock.alice, flock.bob, flock.carol, flock.world.app);
    let publish = |text: String| Order::Announce { text, as_message: false };
    assert_eq!(flock.refused(carol, publish("x".into())), Refusal::NotPermitted);
    assert_eq!(flock.refused(alice, publish("x".repeat(1025))), Refusal::AnnouncementTooLong);
    let mut ids = Vec::new();
    for number in 0..100 {
        let Answer::Announced(id) = flock.done(bob, publish(format!("n{number}"))) else { panic!("no id") };
        ids.push(id);
    }
    let told = flock.told(alice, Order::PinAnnouncement { id: ids[0], is_pinned: true });
    let pinned = told[0].2.announcement.clone().expect("it says which");
    assert_eq!((told[0].0, pinned.id, pinned.publisher.as_str()), (88, ids[0], "bob"));
    let told = flock.told(bob, publish("x".repeat(1024)));
    assert_eq!(told.iter().map(|(kind, _, _)| *kind).collect::<Vec<_>>(), [87, 86]);

    let listed = flock.world.read().announcements(app, flock.group).expect("whole");
    let newest = listed[1].id;
    assert_eq!((listed.len(), listed[0].id, listed[99].id), (100, ids[0], ids[2]));
    assert_eq!(flock.refused(bob, Order::DropAnnouncement { id: ids[1] }), Refusal::AnnouncementUnknown);
    let told = flock.told(bob, Order::DropAnnouncement { id: newest });
    assert_eq!(told[0].2.announcement.as_ref().map(|gone| (gone.id, gone.text.as_str())), Some((newest, "")));
    assert_eq!(
        flock.refused(bob, Order::PinAnnouncement { id: Position(1 << 40), is_pinned: true }),
        Refusal::AnnouncementUnknown
    );
}

#[test]
fn an_announcement_may_also_come_as_a_message_of_its_publisher() {
    let mut flock = Flock::new();
    let (bob, group) = (flock.bob, flock.group);
    let Actor::User(user) = flock.carol else { panic!("a user") };
    let text = "we \"fly\" at dawn".to_owned();
    let Answer::Announced(id) = flock.done(bob, Order::Announce { text, as_message: true }) else { panic!("no id") };
    let newest = flock.world.whole_history(user, Chat::Group(group)).remove(0);
    assert_eq!(newest.from.as_ref().map(|(_, name)| name.as_ref()), Some("bob"));
    let MessageBody::Content(content) = &newest.message.body else { panic!("{newest:?}") };
    assert_eq!(content.as_text(), Some("we \"fly\" at dawn"));
    let extras = String::from_utf8_lossy(content.extensions.value(tag::EXTRAS).unwrap_or_default()).into_owned();
    let begins = format!(r#"{{"jmessage_group_announcement":{{"id":{},"gid":{},"text":"we \"fly\""#, id.0, group.0);
    assert!(extras.starts_with(&begins), "{extras}");
}

#[test]
fn an_application_is_answered_once() {
    let mut flock = Flock::new();
    let (alice, bob, carol, eve, app) = (flock.alice, flock.bob, flock.carol, flock.eve, flock.world.app);
    let apply = || Order::Apply { reason: "I fly".into() };
    assert_eq!(flock.refused(eve, apply()), Refusal::NotPublic);
    flock.done(alice, Order::SetPublic(true));
    assert_eq!(flock.refused(carol, apply()), Refusal::AlreadyJoined { username: "carol".into() });
    let Answer::Asked(id) = flock.done(eve, apply()) else { panic!("no number") };
    assert_eq!(flock.refused(eve, apply()), Refusal::AskedAlready { username: "eve".into() });
    let waiting = flock.world.read().join_requests(app, flock.group).expect("whole");
    assert_eq!((waiting[0].id, waiting[0].username.as_ref(), waiting[0].inviter.as_ref()), (id, "eve", None));
    assert_eq!(waiting[0].reason, "I fly");

    let answer = |id: Position, name: &str, is_accepted| Order::AnswerJoins {
        answers: vec![(id, name.into())],
        is_accepted,
        reason: String::new(),
    };
    assert_eq!(flock.refused(carol, answer(id, "eve", true)), Refusal::NotPermitted);
    assert_eq!(flock.refused(bob, answer(Position(1 << 50), "eve", true)), Refusal::JoinUnknown);
    assert_eq!(flock.refused(bob, answer(id, "ghost", true)), Refusal::JoinUnknown);
    assert_eq!(flock.told(bob, answer(id, "eve", true)), [(10, strings(&["eve"]), GroupDetails::default())]);
    assert_eq!(flock.refused(alice, answer(id, "eve", false)), Refusal::JoinAnswered);
    assert_eq!(flock.ranks().last(), Some(&("eve".into(), Rank::Member)));
    assert_eq!(flock.world.read().join_requests(app, flock.group).expect("whole"), []);
}

#[test]
fn in_a_public_group_an_invitation_by_a_plain_member_waits_and_one_by_an_admin_does_not() {
    let mut flock = Flock::new();
    let (alice, bob, carol, app, group) = (flock.alice, flock.bob, flock.carol, flock.world.app, flock.group);
    flock.world.users(&["finn", "gus"]);
    flock.done(alice, Order::SetPublic(true));
    let invite = |names: &[&str]| Order::Invite { names: strings(names), reason: "friends".into() };
    let Answer::Asked(id) = flock.done(carol, invite(&["eve", "finn"])) else { panic!("no number") };
    // The call of old clients is the same without a reason.
    let add = |by, name: &str| Command::Group(GroupCommand::Add { app, by, group, members: strings(&[name]) });
    assert!(matches!(flock.world.answer(add(carol, "gus")), Answer::Asked(_)));
    assert_eq!(flock.ranks().len(), 4);
    assert_eq!(flock.world.read().join_requests(app, group).expect("whole").len(), 3);

    flock.world.answer(add(bob, "gus"));
    let answers = vec![(id, "eve".to_owned()), (id, "gus".to_owned())];
    flock.done(bob, Order::AnswerJoins { answers, is_accepted: false, reason: "no".into() });
    let waiting = flock.world.read().join_requests(app, group).expect("whole");
    assert_eq!(waiting.iter().map(|request| request.username.as_ref()).collect::<Vec<_>>(), ["finn"]);
    flock.done(
        alice,
        Order::AnswerJoins { answers: vec![(id, "finn".into())], is_accepted: true, reason: String::new() },
    );
    assert_eq!(flock.ranks().len(), 6);
}

#[test]
fn what_stands_of_a_member_goes_with_the_membership() {
    let mut flock = Flock::new();
    let (app, group, alice) = (flock.world.app, flock.group, flock.alice);
    flock.done(alice, Order::AddAdmins { names: strings(&["carol"]) });
    flock.done(alice, Order::SetNickname { username: "dave".into(), nickname: String::new() });
    flock.done(alice, Order::Silence { names: strings(&["carol"]), for_ms: None });
    let members = strings(&["carol"]);
    let by = Actor::Server;
    flock.world.answer(Command::Group(GroupCommand::Remove { app, by, group, members: members.clone() }));
    flock.world.answer(Command::Group(GroupCommand::Add { app, by, group, members }));
    let standings = flock.world.read().standings(app, group, flock.world.now_ms).expect("whole");
    let carol = standings.last().expect("she is back");
    assert_eq!((carol.rank, carol.silence), (Rank::Member, None));
    assert_eq!(flock.world.findings(), []);
}

#[test]
fn groups_are_listed_in_the_order_in_which_they_were_made() {
    let mut world = World::new();
    world.user("alice");
    let groups: Vec<GroupId> = (0..5).map(|_| world.group("alice", &[])).collect();
    let (app, by) = (world.app, Actor::Server);
    world.answer(Command::Group(GroupCommand::Dissolve { app, by, group: groups[1] }));
    let page = world.read().group_page(app, GroupClass::Any, 1, 2).expect("whole");
    assert_eq!(page.total, 4);
    assert_eq!(page.groups.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [groups[2], groups[3]]);
}

#[test]
fn a_message_to_ten_thousand_is_one_record_and_their_group_ends_in_slices() {
    let options = Options { group_members_max: 10_000, ..Options::default() };
    let store = Store::open_on(redb::backends::InMemoryBackend::new(), options).expect("memory opens");
    let mut world = World::on(store);
    let names: Vec<String> = (0..10_000).map(|number| format!("goose{number}")).collect();
    let mut users: Vec<UserNumber> = Vec::new();
    for part in names.chunks(500) {
        users.extend(world.users(&part.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    let group = world.group("goose0", &[]);
    let (app, by) = (world.app, Actor::Server);
    for part in names[1..].chunks(500) {
        world.answer(Command::Group(GroupCommand::Add { app, by, group, members: part.to_vec() }));
    }
    let rows = |world: &World| world.read().row_counts().expect("whole").iter().map(|(_, rows)| rows).sum::<u64>();
    // The first message of an hour also makes the rows that count the hour.
    world.send_to_group(users[0], group, "hello?");
    let before = rows(&world);
    let send = world.send_command(users[0], Origin::Server { as_admin: false }, Target::Group(group), "hello");
    let outcome = world.apply(send);
    assert_eq!(rows(&world), before + 1);
    let [sent] = &outcome.appended[..] else { panic!("{outcome:?}") };
    let Route::Group { members, .. } = &sent.route else { panic!("{sent:?}") };
    assert_eq!(members.len(), 10_000);

    let outcome = world.apply(Command::Group(GroupCommand::Dissolve { app, by, group }));
    let [told] = &outcome.appended[..] else { panic!("one event") };
    let Route::Group { members, .. } = &told.route else { panic!("{told:?}") };
    assert_eq!(members.len(), 10_000, "everybody is told");
    assert_eq!(world.read().group(app, group).expect("whole"), None);
    assert!(world.read().groups_of_user(app, users[9_999]).expect("whole").is_empty());
    let mut slices = 0;
    while world.answer(Command::People(PeopleCommand::ClearDeparted { app })) == Answer::Continue {
        slices += 1;
    }
    assert!(slices > 50, "{slices}");
    assert_eq!(world.read().members_sorted(app, group).expect("whole"), []);
    assert_eq!(texts(&world.whole_history(users[9_999], Chat::Group(group)))[..2], ["event 69", "hello"]);
    assert_eq!(world.findings(), []);
}
