//! The rules of the village beside the store: who may do what, who is told what. It knows only commands and what they came to,
//! in the order in which they were carried out, and says where the store decides otherwise.

use std::collections::{BTreeMap, BTreeSet};

use anser_protocol::content::GroupEvent;
use anser_protocol::ids::{GroupId, Position, RoomId, TimeMs};
use anser_storage::command::{
    Actor, Amend, Amended, Command, DeviceCommand, Origin, PeopleCommand, Send, Stamped, Target, UserCommand,
    WordCommand,
};
use anser_storage::ids::{AppNumber, DeviceNumber, UserNumber};
use anser_storage::outcome::{Answer, Appended, Message, MessageBody, Outcome, Refusal, RoomNews, RoomRefusal, Route};

use super::groups::Group;
use super::notices;
use super::rooms::{Room, Said};

/// Rows of one village, and what its log must show to whom.
#[derive(Clone, Default)]
pub struct Model {
    pub app: AppNumber,
    pub people: BTreeMap<UserNumber, Person>,
    /// Whoever bears a name now.
    pub numbers: BTreeMap<String, UserNumber>,
    pub groups: BTreeMap<GroupId, Group>,
    pub rooms: BTreeMap<RoomId, Room>,
    pub words: Words,
    devices: BTreeMap<DeviceNumber, anser_protocol::content::DeviceKind>,
    pub records: BTreeMap<Position, Expected>,
    pub now_ms: TimeMs,
    /// Logged out because of a login on another device of the kind, and not logged in there since.
    ended: BTreeSet<(UserNumber, DeviceNumber)>,
    /// Clients that logged in again after that and put the other out.
    pub returned: Vec<usize>,
    /// The power went in a batch that may be half known: from here on nobody can tell what the rules are.
    pub is_blind: bool,
    pub counts: Counts,
}

/// How often rules bit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub notices: u64,
    pub silenced: u64,
    pub voices_back: u64,
    pub blocked: u64,
    pub words: u64,
    pub retracted: u64,
    pub too_late: u64,
    pub joins_answered: u64,
    pub shields: u64,
    pub dissolved: u64,
    pub ended_by_kind: u64,
    pub disabled: u64,
    pub deleted: u64,
    pub live_only: u64,
    pub room_messages: u64,
    pub room_silenced: u64,
    pub room_put_out: u64,
}

#[derive(Clone, Debug, Default)]
pub struct Person {
    pub name: String,
    pub is_disabled: bool,
    pub is_deleted: bool,
    /// When that became so.
    pub barred_at: Option<super::super::course::Time>,
    pub blocks: BTreeSet<UserNumber>,
    pub friends: BTreeSet<UserNumber>,
    pub asked_by: BTreeSet<UserNumber>,
    pub logins: BTreeMap<DeviceNumber, [u8; 32]>,
}

#[derive(Clone, Debug, Default)]
pub struct Words {
    pub is_on: bool,
    pub is_masking: bool,
    pub list: BTreeSet<String>,
}

impl Words {
    fn hits(&self, text: &str) -> bool {
        self.is_on && self.list.iter().any(|word| text.contains(word.as_str()))
    }
}

/// A record of the village's log.
#[derive(Clone, Debug)]
pub struct Expected {
    pub readers: BTreeSet<UserNumber>,
    pub from: Option<UserNumber>,
    pub at_ms: TimeMs,
    /// Of a text as it was accepted.
    pub text: Option<String>,
    /// Clients on which a reader was logged in, where nobody else may be told.
    pub only: Option<BTreeSet<usize>>,
    pub is_retracted: bool,
}

/// What the server knows at the moment of a command.
pub struct Scene<'s> {
    pub now: super::super::course::Time,
    /// On whose link it was asked for.
    pub client: Option<usize>,
    /// Clients on which this user is logged in.
    pub present: &'s dyn Fn(UserNumber) -> BTreeSet<usize>,
}

impl Model {
    pub fn new(app: AppNumber) -> Self {
        Self { app, ..Self::default() }
    }

    pub fn number(&self, name: &str) -> Option<UserNumber> {
        self.numbers.get(name).copied()
    }

    pub fn numbers_of(&self, names: &[String]) -> BTreeSet<UserNumber> {
        names.iter().filter_map(|name| self.number(name)).collect()
    }

    pub fn name(&self, user: UserNumber) -> &str {
        self.people.get(&user).map_or("", |person| person.name.as_str())
    }

    /// The power goes in a batch: where the log ends, if that will tell whether the batch was kept; nothing when it does not
    /// concern the village.
    pub fn unsure(&self, commands: &[Stamped], end: Position) -> Option<Option<Position>> {
        let concerned: Vec<&Command> =
            commands.iter().map(|stamped| &stamped.command).filter(|command| self.is_concerned(command)).collect();
        // Whatever becomes of these takes a position, or changes nothing.
        let leaves_trace = |command: &&Command| matches!(command, Command::Send(_) | Command::Amend(_));
        (!concerned.is_empty()).then(|| concerned.iter().all(leaves_trace).then_some(end))
    }

    fn is_concerned(&self, command: &Command) -> bool {
        match command {
            Command::Send(send) => send.app == self.app,
            Command::Amend(amend) => amend.app == self.app,
            Command::System(_) | Command::Mark(_) | Command::Push(_) | Command::Label(_) => false,
            // Of the others few are done in the towns.
            Command::Device(DeviceCommand::Register { app, .. }) => *app == self.app,
            Command::Device(_) => false,
            Command::User(UserCommand::LogIn { app, .. } | UserCommand::LogOut { app, .. }) => *app == self.app,
            _ => true,
        }
    }

    /// Follows one command; complains where its outcome breaks a rule.
    pub fn observe(&mut self, stamped: &Stamped, outcome: &Outcome, scene: &Scene<'_>) -> Result<(), String> {
        self.now_ms = self.now_ms.max(stamped.at_ms);
        if self.is_blind {
            return Ok(());
        }
        let command = &stamped.command;
        let result = self.follow(command, outcome, scene);
        result.map_err(|what| format!("{what}; {command:?} came to {:?}", outcome.answer))
    }

    fn follow(&mut self, command: &Command, outcome: &Outcome, scene: &Scene<'_>) -> Result<(), String> {
        let told = outcome.appended.iter().filter(|appended| appended.app == self.app);
        let told: Vec<&Appended> = told.filter(|appended| is_of_chat(&appended.route)).collect();
        if outcome.answer.is_err() && !told.is_empty() {
            return Err("it was refused, and yet something was told".into());
        }
        let notices = outcome.answer.as_ref().map(|answer| notices::expected(self, command, answer));
        match command {
            Command::Send(send) if send.app == self.app => self.check_send(send, outcome)?,
            Command::Amend(amend) if amend.app == self.app => self.check_amend(amend, outcome)?,
            Command::Group(_) | Command::GroupOrder(_) => self.check_group_change(command, outcome)?,
            Command::Room(room) => self.change_room(room, outcome)?,
            Command::Device(DeviceCommand::Register { app, platform, .. }) if *app == self.app => {
                if let Ok(Answer::Device { device, .. }) = outcome.answer {
                    self.devices.insert(device, platform.device_kind());
                }
            }
            _ => {}
        }
        if let Ok(expected) = notices {
            notices::compare(self, expected, &told)?;
        }
        for appended in told {
            self.note(command, appended, scene)?;
        }
        if let Ok(answer) = &outcome.answer {
            self.change(command, answer, scene)?;
        }
        Ok(())
    }

    /// What a command that was carried out changes beside what the log tells.
    fn change(&mut self, command: &Command, answer: &Answer, scene: &Scene<'_>) -> Result<(), String> {
        match command {
            Command::User(UserCommand::Register { app, users }) if *app == self.app => {
                let Answer::Users(numbers) = answer else { return Ok(()) };
                for (user, number) in users.iter().zip(numbers) {
                    if let Ok(number) = number {
                        self.numbers.insert(user.username.clone(), *number);
                        let person = Person { name: user.username.clone(), ..Person::default() };
                        self.people.insert(*number, person);
                    }
                }
            }
            Command::User(UserCommand::LogIn { app, user, device, token_hash, others_max, .. }) if *app == self.app => {
                let Answer::LoggedIn { ended } = answer else { return Ok(()) };
                return self.log_in(*user, (*device, *token_hash), *others_max, ended, scene);
            }
            Command::User(UserCommand::LogOut { app, token_hash }) if *app == self.app => {
                for person in self.people.values_mut() {
                    person.logins.retain(|_, hash| hash != token_hash);
                }
            }
            Command::People(people) => self.change_people(people, scene),
            Command::Group(_) | Command::GroupOrder(_) => self.change_standing(command, answer),
            Command::Word(word) => self.change_words(word),
            _ => {}
        }
        Ok(())
    }

    /// A user who is barred logs in nowhere; a login ends those of its kind that are too many.
    fn log_in(
        &mut self,
        user: UserNumber,
        (device, hash): (DeviceNumber, [u8; 32]),
        others_max: u32,
        ended: &[DeviceNumber],
        scene: &Scene<'_>,
    ) -> Result<(), String> {
        let kind = self.devices.get(&device).copied();
        let devices = &self.devices;
        let Some(person) = self.people.get_mut(&user) else { return Err("nobody of the village logs in".into()) };
        if person.is_disabled || person.is_deleted {
            return Err("a barred user logs in".into());
        }
        let is_other = |other: &DeviceNumber| *other != device && devices.get(other).copied() == kind;
        let others: BTreeSet<DeviceNumber> = person.logins.keys().copied().filter(is_other).collect();
        let ended: BTreeSet<DeviceNumber> = ended.iter().copied().collect();
        let surplus = others.len().saturating_sub(others_max as usize);
        if ended.len() != surplus || !ended.is_subset(&others) {
            return Err(format!("of {others:?} {surplus} are to be logged out, not {ended:?}"));
        }
        let puts_out = !ended.is_empty();
        person.logins.retain(|device, _| !ended.contains(device));
        person.logins.insert(device, hash);
        self.counts.ended_by_kind += ended.len() as u64;
        self.ended.extend(ended.into_iter().map(|device| (user, device)));
        // Where nobody else is logged in by now, nobody minds.
        if self.ended.remove(&(user, device)) && puts_out {
            self.returned.extend(scene.client);
        }
        Ok(())
    }

    fn change_people(&mut self, command: &PeopleCommand, scene: &Scene<'_>) {
        use PeopleCommand as P;
        match command {
            P::SetDisabled { app, username, is_disabled } if *app == self.app => {
                self.counts.disabled += u64::from(*is_disabled);
                self.bar(username, scene, |person| {
                    person.is_disabled = *is_disabled;
                    *is_disabled
                });
            }
            P::SetPassword { app, username, .. } if *app == self.app => self.bar(username, scene, |_| true),
            P::Delete { app, usernames } if *app == self.app => {
                for username in usernames {
                    self.counts.deleted += 1;
                    self.bar(username, scene, |person| {
                        person.is_deleted = true;
                        true
                    });
                    self.numbers.remove(username);
                }
            }
            P::Block { app, username, others, .. } if *app == self.app => {
                let others = self.numbers_of(others);
                self.with(username, |person| person.blocks.extend(others));
            }
            P::Unblock { app, username, others, .. } if *app == self.app => {
                let others = self.numbers_of(others);
                self.with(username, |person| person.blocks.retain(|blocked| !others.contains(blocked)));
            }
            P::Shield { app, username, add, remove, .. } if *app == self.app => {
                let Some(user) = self.number(username) else { return };
                self.counts.shields += add.len() as u64;
                for id in add {
                    self.groups.entry(*id).or_default().shields.insert(user);
                }
                for id in remove {
                    self.groups.entry(*id).or_default().shields.remove(&user);
                }
            }
            P::Befriend { app, username, others, .. } if *app == self.app => {
                for other in self.numbers_of(others) {
                    self.make_friends(self.number(username), other);
                }
            }
            P::Unfriend { app, username, others, .. } if *app == self.app => {
                let Some(user) = self.number(username) else { return };
                for other in self.numbers_of(others) {
                    self.person(user).friends.remove(&other);
                    self.person(other).friends.remove(&user);
                }
            }
            P::AskFriend { app, user, other, .. } if *app == self.app => {
                let user = *user;
                self.with(other, |person| _ = person.asked_by.insert(user));
            }
            P::AnswerFriend { app, user, asker, accepts, .. } if *app == self.app => {
                let Some(asker) = self.number(asker) else { return };
                if *accepts && !self.person(*user).friends.contains(&asker) {
                    self.make_friends(Some(*user), asker);
                }
                self.person(*user).asked_by.remove(&asker);
            }
            _ => {}
        }
    }

    /// Their requests are done with.
    fn make_friends(&mut self, user: Option<UserNumber>, other: UserNumber) {
        let Some(user) = user else { return };
        for (one, of) in [(user, other), (other, user)] {
            let person = self.person(one);
            person.friends.insert(of);
            person.asked_by.remove(&of);
        }
    }

    /// Changes who may log in; says whether sessions end.
    fn bar(&mut self, username: &str, scene: &Scene<'_>, how: impl FnOnce(&mut Person) -> bool) {
        self.with(username, |person| {
            if how(person) {
                person.logins.clear();
            }
            let is_barred = person.is_disabled || person.is_deleted;
            person.barred_at = is_barred.then_some(scene.now);
        });
    }

    fn person(&mut self, user: UserNumber) -> &mut Person {
        self.people.entry(user).or_default()
    }

    fn with(&mut self, username: &str, change: impl FnOnce(&mut Person)) {
        if let Some(user) = self.number(username) {
            change(self.person(user));
        }
    }

    fn change_words(&mut self, command: &WordCommand) {
        match command {
            WordCommand::Add { app, words, .. } if *app == self.app => self.words.list.extend(words.iter().cloned()),
            WordCommand::Remove { app, words } if *app == self.app => {
                self.words.list.retain(|word| !words.contains(word));
            }
            WordCommand::SetFilter { app, is_on, is_masking } if *app == self.app => {
                self.words.is_on = *is_on;
                self.words.is_masking = is_masking.unwrap_or(self.words.is_masking);
            }
            _ => {}
        }
    }

    /// What must become of a send, from the rules alone.
    fn verdict(&self, send: &Send) -> Result<(), Refusal> {
        let is_admin = send.origin == Origin::Server { as_admin: true };
        match self.people.get(&send.from) {
            Some(person) if person.is_deleted => return Err(Refusal::SenderUnknown),
            Some(person) if person.is_disabled => return Err(Refusal::UserDisabled),
            Some(_) => {}
            None => return Err(Refusal::SenderUnknown),
        }
        match &send.target {
            Target::User(name) => {
                let unknown = || Refusal::UserUnknown { username: name.clone() };
                let to = self.number(name).ok_or_else(unknown)?;
                if !is_admin && self.people.get(&to).is_some_and(|person| person.blocks.contains(&send.from)) {
                    return Err(Refusal::Blocked);
                }
            }
            Target::Group(id) => {
                let living = self.groups.get(id).filter(|group| !group.is_dissolved);
                let group = living.ok_or(Refusal::GroupUnknown)?;
                if !is_admin && !group.members.contains(&send.from) {
                    return Err(Refusal::NotAMember);
                }
                if !is_admin && group.silences.get(&send.from).is_some_and(|until_ms| self.now_ms < *until_ms) {
                    return Err(Refusal::Silenced);
                }
            }
            Target::GroupOf { .. } | Target::RoomOf { .. } => panic!("nobody in the village writes to another app"),
            Target::Room(id) => {
                let room = self.rooms.get(id).filter(|room| !room.is_deleted);
                let room = room.ok_or(Refusal::Room(RoomRefusal::Unknown))?;
                if !is_admin && !room.members.contains(&send.from) {
                    return Err(Refusal::Room(RoomRefusal::SenderOutside));
                }
                if !is_admin && room.silences.get(&send.from).is_some_and(|until_ms| self.now_ms < *until_ms) {
                    return Err(Refusal::Room(RoomRefusal::Silenced));
                }
            }
        }
        match send.content.as_text().filter(|text| self.words.hits(text)) {
            Some(_) if !self.words.is_masking => Err(Refusal::SensitiveWord { word: String::new() }),
            _ => Ok(()),
        }
    }

    fn check_send(&mut self, send: &Send, outcome: &Outcome) -> Result<(), String> {
        // A repeat is answered whatever has changed since; one that was overtaken is refused whatever has.
        let is_decided_before = matches!(
            outcome.answer,
            Ok(Answer::Sent { is_repeat: true, .. })
                | Err(Refusal::OutboxTooOld | Refusal::Internal | Refusal::DeviceUnknown)
        );
        if is_decided_before {
            return Ok(());
        }
        let verdict = self.verdict(send);
        self.count_verdict(send, &verdict);
        let agrees = match (&verdict, &outcome.answer) {
            (Ok(()), Ok(_)) => true,
            (Err(expected), Err(refusal)) => std::mem::discriminant(expected) == std::mem::discriminant(refusal),
            _ => false,
        };
        if agrees { Ok(()) } else { Err(format!("by the rules it comes to {verdict:?}")) }
    }

    fn count_verdict(&mut self, send: &Send, verdict: &Result<(), Refusal>) {
        match verdict {
            Err(Refusal::Silenced) => self.counts.silenced += 1,
            Err(Refusal::Blocked) => self.counts.blocked += 1,
            Err(Refusal::SensitiveWord { .. }) => self.counts.words += 1,
            Err(Refusal::Room(RoomRefusal::Silenced)) => self.counts.room_silenced += 1,
            Ok(()) => {
                // An admin's message says nothing of a silence that goes on.
                if let Target::Group(id) = send.target
                    && let Some(group) = self.groups.get_mut(&id)
                    && group.silences.get(&send.from).is_some_and(|until_ms| *until_ms <= self.now_ms)
                {
                    group.silences.remove(&send.from);
                    self.counts.voices_back += 1;
                }
            }
            Err(_) => {}
        }
    }

    /// Only the sender takes a message back, and only in time; an app server always.
    fn check_amend(&mut self, amend: &Amend, outcome: &Outcome) -> Result<(), String> {
        let Some(record) = self.records.get(&amend.message) else {
            let may_be = matches!(outcome.answer, Err(Refusal::MessageUnknown | Refusal::Internal));
            return if may_be { Ok(()) } else { Err("there is no such message".into()) };
        };
        let is_late = amend.within_ms.is_some_and(|within_ms| self.now_ms - record.at_ms > within_ms);
        let is_senders = match amend.by {
            Actor::Server => true,
            Actor::User(user) => record.from == Some(user),
        };
        match &outcome.answer {
            Ok(Answer::Amended { is_repeat: true, .. }) if record.is_retracted => Ok(()),
            Ok(_) if is_senders && !is_late && !record.is_retracted => {
                self.counts.retracted += u64::from(amend.what == Amended::Retracted);
                self.records.entry(amend.message).and_modify(|record| record.is_retracted = true);
                Ok(())
            }
            Ok(_) => Err(format!("late: {is_late}, by the sender: {is_senders}, gone: {}", record.is_retracted)),
            Err(Refusal::TooLateToAmend) if is_late => {
                self.counts.too_late += 1;
                Ok(())
            }
            Err(Refusal::TooLateToAmend) => Err("it is not too late".into()),
            Err(_) => Ok(()),
        }
    }

    /// Takes down who is to be told of a record.
    fn note(&mut self, command: &Command, appended: &Appended, scene: &Scene<'_>) -> Result<(), String> {
        let (readers, from, message): (BTreeSet<UserNumber>, _, &Message) = match &appended.route {
            Route::Single { from, to, message, .. } => ([*from, *to].into(), Some(*from), message),
            Route::Notice { user, message, .. } => {
                self.counts.notices += 1;
                ([*user].into(), None, message)
            }
            Route::Group { group, from, message, members, change, .. } => {
                self.check_readers(*group, message, members, change)?;
                self.move_members(command, *group, event_of(message), change)?;
                (members.iter().copied().collect(), *from, message)
            }
            Route::Room { room, news } => {
                if let RoomNews::Said { from, message, .. } = news {
                    self.said_in_room(*room, appended.position, *from, message)?;
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        let content = match &message.body {
            MessageBody::Content(content) => Some(content),
            _ => None,
        };
        let text = content.and_then(|content| content.as_text()).map(str::to_owned);
        if text.as_ref().is_some_and(|text| self.words.hits(text)) {
            return Err("a sensitive word goes through".into());
        }
        let is_live_only = content.is_some_and(|content| content.is_live_only());
        self.counts.live_only += u64::from(is_live_only);
        let only = is_live_only.then(|| readers.iter().flat_map(|user| (scene.present)(*user)).collect());
        let from = from.filter(|_| content.is_some());
        let expected = Expected { readers, from, at_ms: appended.at_ms, text, only, is_retracted: false };
        self.records.insert(appended.position, expected);
        Ok(())
    }

    fn said_in_room(
        &mut self,
        room: RoomId,
        position: Position,
        from: UserNumber,
        message: &Message,
    ) -> Result<(), String> {
        let MessageBody::Content(content) = &message.body else { return Ok(()) };
        let text = content.as_text().unwrap_or_default().to_owned();
        if self.words.hits(&text) {
            return Err("a sensitive word goes through".into());
        }
        self.counts.room_messages += 1;
        self.rooms.entry(room).or_default().said.insert(position, Said { from, text });
        Ok(())
    }
}

pub fn event_of(message: &Message) -> Option<&GroupEvent> {
    match &message.body {
        MessageBody::Event(event) => Some(event),
        MessageBody::Change(change) => Some(&change.event),
        _ => None,
    }
}

fn is_of_chat(route: &Route) -> bool {
    matches!(route, Route::Single { .. } | Route::Notice { .. } | Route::Group { .. } | Route::Room { .. })
}
