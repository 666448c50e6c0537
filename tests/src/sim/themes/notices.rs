//! Notices by their rules: what a change tells whom, once, and nobody else.

use std::collections::BTreeSet;

use anser_protocol::content::{Notice, NoticeKind as Kind};
use anser_protocol::ids::GroupId;
use anser_storage::command::{Actor, Command, GroupOrder, Order, PeopleCommand as P, ProfileChange};
use anser_storage::ids::UserNumber;
use anser_storage::outcome::{Answer, Appended, MessageBody, Route};

use super::model::Model;

/// Who is told, and what: kind and detail, who did it, whom it concerns, the group, the words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    reader: UserNumber,
    kind: Kind,
    detail: u8,
    by: String,
    users: Vec<String>,
    group: GroupId,
    text: String,
}

struct Teller<'m> {
    model: &'m Model,
    by: Actor,
    told: Vec<Told>,
}

impl Teller<'_> {
    fn tell(&mut self, reader: Option<UserNumber>, (kind, detail): (Kind, u8), users: &[String]) -> &mut Told {
        let by = match self.by {
            Actor::Server => String::new(),
            Actor::User(user) => self.model.name(user).to_owned(),
        };
        let reader = reader.unwrap_or_default();
        let (users, text) = (users.to_vec(), String::new());
        self.told.push(Told { reader, kind, detail, by, users, group: GroupId(0), text });
        self.told.last_mut().expect("it was just put there")
    }

    /// The user hears of a change of what is their own: from an app server, or from another of their devices.
    fn own(
        &mut self,
        reader: Option<UserNumber>,
        by_server: Kind,
        by_user: Kind,
        detail: u8,
        users: &[String],
    ) -> &mut Told {
        let kind = if self.by == Actor::Server { by_server } else { by_user };
        self.tell(reader, (kind, detail), users)
    }
}

/// What a command that was carried out must tell, before it changed anything here.
pub fn expected(model: &Model, command: &Command, answer: &Answer) -> Vec<Told> {
    match command {
        Command::People(people) => of_people(model, people),
        Command::GroupOrder(order) if order.app == model.app => of_joining(model, order, answer),
        _ => Vec::new(),
    }
}

fn of_people(model: &Model, command: &P) -> Vec<Told> {
    let mut teller = Teller { model, by: Actor::Server, told: Vec::new() };
    match command {
        P::Block { app, by, username, others } if *app == model.app => {
            teller.by = *by;
            teller.own(model.number(username), Kind::BLACKLIST_SET, Kind::OWN_BLACKLIST, 1, others);
        }
        P::Unblock { app, by, username, others } if *app == model.app => {
            teller.by = *by;
            teller.own(model.number(username), Kind::BLACKLIST_SET, Kind::OWN_BLACKLIST, 2, others);
        }
        P::Mute { app, by, username, change } if *app == model.app => {
            teller.by = *by;
            let reader = model.number(username);
            for (detail, users) in [(31, &change.add_users), (32, &change.remove_users)] {
                if !users.is_empty() {
                    teller.own(reader, Kind::MUTES_SET, Kind::OWN_MUTES, detail, users);
                }
            }
            for (detail, groups) in [(33, &change.add_groups), (34, &change.remove_groups)] {
                for group in groups {
                    teller.own(reader, Kind::MUTES_SET, Kind::OWN_MUTES, detail, &[]).group = *group;
                }
            }
            if let Some(everything) = change.everything {
                let detail = if everything { 35 } else { 36 };
                teller.own(reader, Kind::MUTES_SET, Kind::OWN_MUTES, detail, &[]);
            }
        }
        P::Shield { app, by, username, add, remove } if *app == model.app => {
            teller.by = *by;
            for (detail, groups) in [(1, add), (2, remove)] {
                for group in groups {
                    let reader = model.number(username);
                    teller.own(reader, Kind::SHIELDS_SET, Kind::OWN_SHIELDS, detail, &[]).group = *group;
                }
            }
        }
        P::ChangeProfile { app, by, username, change } if *app == model.app && **change != ProfileChange::default() => {
            teller.by = *by;
            teller.own(model.number(username), Kind::PROFILE_SET, Kind::OWN_PROFILE, 0, &[]);
        }
        P::Befriend { app, username, others, .. } if *app == model.app => {
            teller.tell(model.number(username), (Kind::FRIENDS_CHANGED, 5), others);
            for other in others {
                teller.tell(model.number(other), (Kind::FRIENDS_CHANGED, 5), std::slice::from_ref(username));
            }
        }
        P::Unfriend { app, by, username, others } if *app == model.app => {
            teller.by = *by;
            let (kind, detail) = if *by == Actor::Server { (Kind::FRIEND_REMOVED, 0) } else { (Kind::OWN_FRIENDS, 6) };
            teller.tell(model.number(username), (kind, detail), others);
            for other in others {
                teller.tell(model.number(other), (Kind::FRIEND_REMOVED, 0), std::slice::from_ref(username));
            }
        }
        P::NoteFriends { app, by, username, notes } if *app == model.app => {
            teller.by = *by;
            let noted: BTreeSet<UserNumber> = notes.iter().filter_map(|note| model.number(&note.username)).collect();
            let noted: Vec<String> = noted.into_iter().map(|user| model.name(user).to_owned()).collect();
            teller.own(model.number(username), Kind::FRIENDS_CHANGED, Kind::OWN_FRIENDS, 7, &noted);
        }
        P::AskFriend { app, user, other, reason } if *app == model.app => {
            teller.by = Actor::User(*user);
            teller.tell(model.number(other), (Kind::FRIEND_REQUEST, 1), &[]).text.clone_from(reason);
        }
        P::AnswerFriend { app, user, asker, accepts, reason } if *app == model.app => {
            teller.by = Actor::User(*user);
            let other = model.number(asker);
            let are_friends =
                model.people.get(user).is_some_and(|person| other.is_some_and(|other| person.friends.contains(&other)));
            if *accepts && !are_friends {
                teller.tell(Some(*user), (Kind::OWN_FRIENDS, 5), std::slice::from_ref(asker));
            }
            let detail = if *accepts { 2 } else { 3 };
            teller.tell(other, (Kind::FRIEND_REQUEST, detail), &[]).text.clone_from(reason);
        }
        _ => {}
    }
    teller.told
}

/// Owner and admins hear of requests; who asked, and the others who could have answered, of a refusal.
fn of_joining(model: &Model, given: &GroupOrder, answer: &Answer) -> Vec<Told> {
    let mut teller = Teller { model, by: given.by, told: Vec::new() };
    let Some(group) = model.groups.get(&given.group) else { return Vec::new() };
    match (&given.order, answer, given.by) {
        (Order::Apply { reason }, Answer::Asked(_), Actor::User(user)) => {
            for keeper in group.keepers() {
                let told = teller.tell(Some(keeper), (Kind::JOIN_REQUEST, 0), &[model.name(user).to_owned()]);
                (told.group, told.text) = (given.group, reason.clone());
            }
        }
        (Order::Invite { names, reason }, Answer::Asked(_), Actor::User(_)) => {
            for keeper in group.keepers() {
                let told = teller.tell(Some(keeper), (Kind::JOIN_REQUEST, 0), names);
                (told.group, told.text) = (given.group, reason.clone());
            }
        }
        (Order::AnswerJoins { answers, is_accepted: false, reason }, _, by) => {
            // In these stories each answer is about one request of one user.
            for (request, name) in answers {
                let Some(user) = model.number(name) else { continue };
                let waits = group.joins.get(&user).filter(|(known, _)| known == request);
                let Some((_, inviter)) = waits else { continue };
                let asker = inviter.unwrap_or(user);
                let mut others = group.keepers();
                others.retain(|keeper| Actor::User(*keeper) != by);
                let readers = std::iter::once((asker, Kind::JOIN_REFUSED));
                for (reader, kind) in readers.chain(others.into_iter().map(|other| (other, Kind::JOIN_DECIDED))) {
                    let told = teller.tell(Some(reader), (kind, 0), std::slice::from_ref(name));
                    (told.group, told.text) = (given.group, reason.clone());
                }
            }
        }
        _ => {}
    }
    teller.told
}

/// Exactly what is expected was told; whoever was deleted is told nothing.
pub fn compare(model: &Model, mut expected: Vec<Told>, appended: &[&Appended]) -> Result<(), String> {
    expected.retain(|told| !model.people.get(&told.reader).is_some_and(|person| person.is_deleted));
    let told = appended.iter().filter_map(|appended| match &appended.route {
        Route::Notice { user, message, .. } => match &message.body {
            MessageBody::Notice(notice) => Some(told(*user, notice)),
            _ => None,
        },
        _ => None,
    });
    let mut told: Vec<Told> = told.collect();
    expected.sort_unstable();
    told.sort_unstable();
    if told == expected { Ok(()) } else { Err(format!("{expected:?} is to be told, not {told:?}")) }
}

fn told(reader: UserNumber, notice: &Notice) -> Told {
    Told {
        reader,
        kind: notice.kind,
        detail: notice.detail,
        by: notice.by.clone(),
        users: notice.users.clone(),
        group: notice.group,
        text: notice.text.clone(),
    }
}
