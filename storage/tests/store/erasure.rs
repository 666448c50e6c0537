//! What is owed to one user: everything they said and uploaded goes, in slices that a crash may part; and what an export
//! finds of it before.

use crate::common::{World, sent, texts};
use anser_protocol::content::Content;
use anser_protocol::ids::Position;
use anser_storage::command::*;
use anser_storage::ids::UserNumber;
use anser_storage::outcome::{Answer, Refusal};
use anser_storage::{Chat, Options, Store, UserState};

impl World {
    fn begin_erasure(&mut self, user: UserNumber) {
        let app = self.app;
        assert_eq!(self.answer(Command::Data(DataCommand::BeginErasure { app, user })), Answer::Done);
    }

    /// One slice as the daemon's job does it; whether the walk goes on.
    fn erase_slice(&mut self, user: UserNumber) -> bool {
        let app = self.app;
        let Some(slice) = self.read().erasure_slice(app, user).expect("nothing is damaged") else { return false };
        let class = slice.erasure.class.expect("a slice is of a class");
        let next = slice.next.unwrap_or(slice.erasure.end);
        let erase = DataCommand::EraseRecords { app, user, class, records: slice.records, next };
        if self.answer(Command::Data(erase)) == Answer::Done && slice.next.is_none() {
            self.answer(Command::Data(DataCommand::EraseNextClass { app, user, done: class }));
        }
        true
    }

    fn erase(&mut self, user: UserNumber) {
        self.begin_erasure(user);
        while self.erase_slice(user) {}
        let app = self.app;
        self.answer(Command::Data(DataCommand::EndErasure { app, user }));
        while self.answer(Command::People(PeopleCommand::ClearDeparted { app })) == Answer::Continue {}
    }

    fn sent_by(&self, user: UserNumber) -> Vec<Position> {
        let (mut found, mut from) = (Vec::new(), Position::START);
        loop {
            let (page, next) = self.read().sent_by(self.app, user, from, 3).expect("nothing is damaged");
            found.extend(page);
            match next {
                Some(next) => from = next,
                None => return found,
            }
        }
    }
}

#[test]
fn what_an_erased_user_said_is_gone_and_what_others_said_stays() {
    let mut world = World::new();
    let [ann, bob] = world.users(&["ann", "bob"])[..] else { panic!("two users") };
    let device = world.device("rid");
    world.send_from_device(ann, device, 1, "bob", "from a device").answer.expect("it is accepted");
    world.send(ann, "bob", "by an app server");
    world.send(bob, "ann", "an answer");
    let group = world.group("bob", &["ann"]);
    world.send_to_group(ann, group, "to all");
    world.send_to_group(bob, group, "welcome");

    world.erase(ann);

    let said = texts(&world.whole_history(bob, Chat::User(ann)));
    assert!(!said.iter().any(|text| text.contains("from a device") || text.contains("by an app server")), "{said:?}");
    assert!(said.contains(&"an answer".to_owned()), "{said:?}");
    let said = texts(&world.whole_history(bob, Chat::Group(group)));
    assert!(!said.contains(&"to all".to_owned()) && said.contains(&"welcome".to_owned()), "{said:?}");
    assert_eq!(world.findings(), []);
}

#[test]
fn the_bytes_of_what_was_said_are_in_no_row_any_more() {
    let mut world = World::new();
    let [ann, bob] = world.users(&["ann", "bob"])[..] else { panic!("two users") };
    world.send(ann, "bob", "xyzzy-first");
    let edited = world.send(ann, "bob", "xyzzy-second");
    let app = world.app;
    let edit = Amended::Edited(Content::text("xyzzy-third"));
    let amend = Amend { app, by: Actor::Server, through_server: true, message: edited, what: edit, within_ms: None };
    world.answer(Command::Amend(amend));
    let ask = PeopleCommand::AskFriend { app, user: ann, other: "bob".into(), reason: "xyzzy-reason".into() };
    world.answer(Command::People(ask));
    let change = Box::new(ProfileChange { nickname: Some("xyzzy-nick".into()), ..ProfileChange::default() });
    let profile = PeopleCommand::ChangeProfile { app, by: Actor::Server, username: "ann".into(), change };
    world.answer(Command::People(profile));
    world.send(bob, "ann", "plugh");
    assert!(rows_with(&world, b"xyzzy") >= 4, "they are there before");

    world.erase(ann);

    assert_eq!(rows_with(&world, b"xyzzy"), 0);
    assert!(rows_with(&world, b"plugh") > 0);
    let user = world.read().user(app, ann).expect("nothing is damaged").expect("a nameplate stays");
    assert_eq!(user.username, format!("_erased.{}", ann.0));
    assert_eq!(world.read().user_state(app, ann).expect("nothing is damaged"), Some(UserState::Deleted));
}

fn rows_with(world: &World, needle: &[u8]) -> usize {
    let snapshot = world.read();
    let tables = anser_storage::Table::ALL.iter();
    let rows = tables.flat_map(|table| snapshot.raw_rows(*table).expect("nothing is damaged"));
    rows.filter(|(_, value)| value.windows(needle.len()).any(|window| window == needle)).count()
}

#[test]
fn what_was_said_in_a_room_is_shown_to_nobody_any_more() {
    let mut world = World::new();
    let [ann, bob] = world.users(&["ann", "bob"])[..] else { panic!("two users") };
    let room = world.room("bob", &["ann"]);
    let say = |world: &mut World, from, text: &str| {
        let origin = Origin::Server { as_admin: false };
        sent(world.answer(world.send_command(from, origin, Target::Room(room), text))).0
    };
    let hers = say(&mut world, ann, "hello");
    let his = say(&mut world, bob, "hello yourself");

    world.erase(ann);

    let snapshot = world.read();
    assert_eq!(snapshot.room_record(world.app, hers).expect("nothing is damaged"), None);
    assert!(snapshot.room_record(world.app, his).expect("nothing is damaged").is_some());
    assert_eq!(world.findings(), []);
}

#[test]
fn an_erasure_goes_on_after_every_crash_and_ends_with_the_same_rows() {
    let whole = {
        let mut world = World::new();
        let ann = chatter(&mut world);
        world.erase(ann);
        world.store.content_hash().expect("nothing is damaged")
    };
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let open = || Store::open(folder.path(), Options::default()).expect("it opens");
    let mut world = World::on(open());
    let ann = chatter(&mut world);
    world.begin_erasure(ann);
    let mut slices = 0;
    while world.erase_slice(ann) {
        slices += 1;
        drop(world.store);
        world.store = open();
    }
    let app = world.app;
    world.answer(Command::Data(DataCommand::EndErasure { app, user: ann }));
    while world.answer(Command::People(PeopleCommand::ClearDeparted { app })) == Answer::Continue {}

    assert!(slices > 2, "a walk over 300 messages goes in slices: {slices}");
    world.store.checkpoint().expect("the disk is well");
    assert_eq!(world.store.content_hash().expect("nothing is damaged"), whole);
    assert_eq!(world.findings(), []);
}

/// Ann says 300 things, Bob answers some; Ann's number.
fn chatter(world: &mut World) -> UserNumber {
    let [ann, bob] = world.users(&["ann", "bob"])[..] else { panic!("two users") };
    for number in 0..300 {
        world.send(ann, "bob", &number.to_string());
        if number % 3 == 0 {
            world.send(bob, "ann", "yes");
        }
    }
    ann
}

#[test]
fn one_command_erases_no_more_than_it_may_touch() {
    let mut world = World::new();
    let names: Vec<String> = (0..400).map(|number| format!("user{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let users = world.users(&names);
    let group = world.group(names[0], &names[1..]);
    let messages: Vec<Position> = (0..5).map(|_| world.send_to_group(users[1], group, "hello")).collect();
    world.begin_erasure(users[1]);
    let slice = world.read().erasure_slice(world.app, users[1]).expect("nothing is damaged").expect("it has begun");
    assert_eq!(slice.records, messages);

    let (app, user, class, next) = (world.app, users[1], Class::Chat, slice.erasure.end);
    let erase = DataCommand::EraseRecords { app, user, class, records: messages.clone(), next };

    // Each of 400 members is looked up for each message.
    assert_eq!(world.answer(Command::Data(erase)), Answer::Continue);
    let left = world.read().erasure_slice(app, user).expect("nothing is damaged").expect("it goes on");
    assert_eq!((left.erasure.records, left.records), (2, messages[2..].to_vec()));
}

#[test]
fn the_user_is_gone_with_the_first_command_and_says_nothing_more() {
    let mut world = World::new();
    let [ann, _] = world.users(&["ann", "bob"])[..] else { panic!("two users") };

    world.begin_erasure(ann);

    assert_eq!(world.read().user_by_name(world.app, "ann").expect("nothing is damaged"), None);
    let late = world.send_command(ann, Origin::Server { as_admin: false }, Target::User("bob".into()), "late");
    assert_eq!(world.refusal(late), Refusal::SenderUnknown);
    let again = world.user("ann");
    assert_ne!(again, ann, "the name is free, the number is not");
}

#[test]
fn a_user_who_was_deleted_before_is_found_by_name_and_erased_as_well() {
    let mut world = World::new();
    let [ann, bob] = world.users(&["ann", "bob"])[..] else { panic!("two users") };
    world.send(ann, "bob", "long ago");
    let app = world.app;
    world.answer(Command::People(PeopleCommand::Delete { app, usernames: vec!["ann".into()] }));

    let (found, next) = world.read().deleted_users_named(app, "ann", UserNumber(0), 100).expect("nothing is damaged");
    assert_eq!((found, next), (vec![ann], None));
    world.erase(ann);

    assert!(!texts(&world.whole_history(bob, Chat::User(ann))).contains(&"long ago".to_owned()));
    let (found, _) = world.read().deleted_users_named(app, "ann", UserNumber(0), 100).expect("nothing is damaged");
    assert_eq!(found, []);
}

#[test]
fn an_export_finds_what_the_user_sent_and_nothing_that_others_did() {
    let mut world = World::new();
    let [ann, bob] = world.users(&["ann", "bob"])[..] else { panic!("two users") };
    let device = world.device("rid");
    let mut hers = vec![
        sent(world.send_from_device(ann, device, 1, "bob", "a").answer.expect("it is accepted")).0,
        world.send(ann, "bob", "b"),
    ];
    world.send(bob, "ann", "c");
    let group = world.group("bob", &["ann"]);
    hers.push(world.send_to_group(ann, group, "d"));

    assert_eq!(world.sent_by(ann), hers);
    let (chats, next) = world.read().all_conversations(world.app, ann, None, 10).expect("nothing is damaged");
    assert_eq!(chats.iter().map(|chat| chat.chat).collect::<Vec<_>>(), [Chat::User(bob), Chat::Group(group)]);
    assert_eq!(next, None);
}

#[test]
fn an_app_keeps_what_it_was_told_to_keep() {
    let mut world = World::new();
    let app = world.app;
    let set = |world: &mut World, class, keep| {
        world.answer(Command::Data(DataCommand::SetRetention { app, class, keep }));
        world.read().app_retention(app).expect("nothing is damaged")
    };

    assert_eq!(set(&mut world, Class::Chat, Some(Keep::Days(7))).of(Class::Chat), Some(Keep::Days(7)));
    let both = set(&mut world, Class::Push, Some(Keep::Forever));
    assert_eq!((both.of(Class::Chat), both.of(Class::Push)), (Some(Keep::Days(7)), Some(Keep::Forever)));
    assert_eq!(both.of(Class::Room), None);
    set(&mut world, Class::Push, None);
    assert_eq!(set(&mut world, Class::Chat, None), anser_storage::AppRetention::default());
}

#[test]
fn batch_boundaries_do_not_matter_to_an_erasure() {
    let script = || {
        let mut world = World::new();
        let ann = chatter(&mut world);
        let app = world.app;
        let slice = {
            world.begin_erasure(ann);
            world.read().erasure_slice(app, ann).expect("nothing is damaged").expect("it has begun")
        };
        let (class, next) = (Class::Chat, slice.next.expect("there is more"));
        let commands = [
            DataCommand::EraseRecords { app, user: ann, class, records: slice.records.clone(), next },
            // A repeat of what was done does nothing.
            DataCommand::EraseRecords { app, user: ann, class, records: slice.records, next: Position(2) },
            DataCommand::EraseNextClass { app, user: ann, done: Class::Chat },
            DataCommand::EraseNextClass { app, user: ann, done: Class::Chat },
            DataCommand::EndErasure { app, user: ann },
            DataCommand::SetRetention { app, class: Class::Push, keep: Some(Keep::Days(3)) },
        ];
        let at_ms = world.now_ms + 1;
        let commands = commands.map(|command| Stamped { at_ms, command: Command::Data(command) });
        (world, commands)
    };
    let hashes = [1, 2, 6].map(|size| {
        let (mut world, commands) = script();
        for batch in commands.chunks(size) {
            world.store.apply(batch).expect("the disk is well");
        }
        world.store.checkpoint().expect("the disk is well");
        world.store.content_hash().expect("nothing is damaged")
    });
    assert!(hashes.iter().all(|hash| *hash == hashes[0]));
}

#[test]
fn what_an_erased_user_said_to_another_app_is_gone_there_as_well() {
    let mut world = World::new();
    let home = world.app;
    let ann = world.user("ann");
    let other = world.create_app("other");
    world.app = other;
    world.user("bob");
    let (name, key) = ("linked".to_owned(), "k".repeat(24));
    let create = AccountCommand::CreateAppGroup { name, key: key.clone(), secret: "s".repeat(24) };
    world.answer(Command::Account(create));
    for app in [home, other] {
        world.answer(Command::Account(AccountCommand::AddToAppGroup { key: key.clone(), app }));
    }
    world.app = home;
    world.send(ann, "bob/key of other", "xyzzy");
    assert_eq!(rows_with(&world, b"xyzzy"), 2, "each app has its own");

    world.begin_erasure(ann);
    let erasures = world.read().erasures().expect("nothing is damaged");
    assert_eq!(erasures.iter().map(|(app, ..)| *app).collect::<Vec<_>>(), [home, other]);
    for (app, user, _) in erasures {
        world.app = app;
        while world.erase_slice(user) {}
        world.answer(Command::Data(DataCommand::EndErasure { app, user }));
        while world.answer(Command::People(PeopleCommand::ClearDeparted { app })) == Answer::Continue {}
    }

    assert_eq!(rows_with(&world, b"xyzzy"), 0);
    assert_eq!(world.findings(), []);
}
