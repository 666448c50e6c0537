//! What users are to each other, their profiles and passwords: requests that are one command or one question.

use std::sync::Arc;

use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::ServerFrame;
use anser_protocol::frame::people::{
    Blacklist, FriendAnswer, FriendAsk, FriendNote, FriendRemove, ListKind, Mutes, PasswordChange, People, PeopleList,
    ProfileChange, ProfileChanged, Shields, UsersInfo,
};
use anser_protocol::limits::{PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN, TEXT_BYTES_MAX};
use anser_storage::command::{self, Actor, Command, MuteChange, PeopleCommand};
use anser_storage::ids::{AppNumber, UserNumber};
use anser_storage::outcome::Answer as Accepted;

use super::chat::UserFlow;
use super::request::Pending;
use super::{Action, GivenPassword, Session, Stage};
use crate::link::query::{Answer, Query};
use crate::link::refusal::Asked;
use crate::profile;

/// Names that one part of an answer holds: 60 of the largest profiles stay below the frame limit.
const PEOPLE_PER_PART: usize = 40;

/// A change of a password while it is being answered.
#[derive(Debug)]
pub(super) struct PasswordAttempt {
    request: u32,
    user: UserNumber,
    old: GivenPassword,
    new: GivenPassword,
    /// What the present password was checked against.
    checked: String,
    /// The new one as it will be stored.
    hashed: String,
    keep: [u8; 32],
    is_second_check: bool,
}

/// Who asks: the user who is logged in.
struct Asker<'a> {
    app: AppNumber,
    number: UserNumber,
    user: &'a UserFlow,
}

impl Asker<'_> {
    fn by(&self) -> Actor {
        Actor::User(self.number)
    }

    fn username(&self) -> String {
        self.user.name.to_string()
    }
}

impl Session {
    /// Nothing when nobody is logged in, which is answered.
    fn asker(&mut self, request: u32) -> Option<Asker<'_>> {
        let is_logged_in = matches!(&self.stage, Stage::Ready(ready) if ready.user.is_some());
        if !is_logged_in {
            self.fail(request, ErrorCode::NOT_LOGGED_IN, "");
            return None;
        }
        let Stage::Ready(ready) = &self.stage else { return None };
        let user = ready.user.as_deref()?;
        Some(Asker { app: ready.app, number: user.number, user })
    }

    fn change_people(&mut self, request: u32, asked: Asked, command: PeopleCommand) {
        self.submit(Pending::ChangePeople { request, asked }, Command::People(command));
    }

    pub(super) fn change_profile(&mut self, body: ProfileChange) {
        let Some(asker) = self.asker(body.request) else { return };
        let change = command::ProfileChange {
            nickname: body.nickname,
            avatar: body.avatar,
            birthday: body.birthday,
            signature: body.signature,
            region: body.region,
            address: body.address,
            gender: body.gender,
            extras: body.extras,
        };
        let (app, by, username) = (asker.app, asker.by(), asker.username());
        if let Err(message) = profile::check(&change) {
            return self.fail(body.request, ErrorCode::INVALID, message);
        }
        let command = PeopleCommand::ChangeProfile { app, by, username, change: Box::new(change) };
        let pending = Pending::ChangeProfile { request: body.request, user: asker.number };
        self.submit(pending, Command::People(command));
    }

    pub(super) fn profile_changed(
        &mut self,
        (request, number): (u32, UserNumber),
        accepted: Result<Accepted, (ErrorCode, String)>,
    ) {
        if let Err((code, message)) = accepted {
            return self.fail(request, code, &message);
        }
        self.done(request);
        let Stage::Ready(ready) = &self.stage else { return };
        // Somebody else may be logged in by now.
        let Some(user) = ready.user.as_ref().filter(|user| user.number == number) else { return };
        let (username, changed_ms) = (user.name.to_string(), self.now_ms);
        let changed = Arc::new(ProfileChanged { username, changed_ms, extensions: Extensions::default() });
        self.actions.push_back(Action::TellProfile { app: ready.app, user: number, changed });
    }

    /// Somebody whom the user of the session knows changed what they tell of themselves.
    pub(super) fn tell_profile(&mut self, user: UserNumber, changed: &ProfileChanged) {
        if self.user().is_some_and(|(flow, device)| flow.number == user && device.takes_profiles) {
            self.send(&ServerFrame::ProfileChanged(changed.clone()));
        }
    }

    pub(super) fn change_blacklist(&mut self, body: Blacklist) {
        let Some(asker) = self.asker(body.request) else { return };
        let (app, by, username, others) = (asker.app, asker.by(), asker.username(), body.usernames);
        let empty = if body.is_added { ErrorCode::BLACKLIST_EMPTY } else { ErrorCode::UNBLOCK_EMPTY };
        if others.is_empty() {
            return self.fail(body.request, empty, "");
        }
        let (asked, command) = if body.is_added {
            (Asked::Block, PeopleCommand::Block { app, by, username, others })
        } else {
            (Asked::Unblock, PeopleCommand::Unblock { app, by, username, others })
        };
        self.change_people(body.request, asked, command);
    }

    pub(super) fn change_mutes(&mut self, body: Mutes) {
        let off_needs_on = !self.rules.has_lenient_mutes;
        let Some(asker) = self.asker(body.request) else { return };
        let change = MuteChange {
            add_users: body.add_users,
            remove_users: body.remove_users,
            add_groups: body.add_groups,
            remove_groups: body.remove_groups,
            groups_of: Vec::new(),
            everything: body.everything,
            off_needs_on,
        };
        let (app, by, username) = (asker.app, asker.by(), asker.username());
        let command = PeopleCommand::Mute { app, by, username, change: Box::new(change) };
        self.change_people(body.request, Asked::Mute, command);
    }

    pub(super) fn change_shields(&mut self, body: Shields) {
        let Some(asker) = self.asker(body.request) else { return };
        let (app, by, username) = (asker.app, asker.by(), asker.username());
        let command = PeopleCommand::Shield { app, by, username, add: body.add, remove: body.remove };
        self.change_people(body.request, Asked::Shield, command);
    }

    pub(super) fn ask_friend(&mut self, body: FriendAsk) {
        let Some(asker) = self.asker(body.request) else { return };
        let (app, user) = (asker.app, asker.number);
        if body.reason.len() > TEXT_BYTES_MAX {
            return self.fail(body.request, ErrorCode::INVALID, "a reason has at most 250 bytes");
        }
        let command = PeopleCommand::AskFriend { app, user, other: body.username, reason: body.reason };
        self.change_people(body.request, Asked::Friend, command);
    }

    pub(super) fn answer_friend(&mut self, body: FriendAnswer) {
        let Some(asker) = self.asker(body.request) else { return };
        let (app, user) = (asker.app, asker.number);
        if body.reason.len() > TEXT_BYTES_MAX {
            return self.fail(body.request, ErrorCode::INVALID, "a reason has at most 250 bytes");
        }
        let FriendAnswer { request, username: asker, accepts, reason, .. } = body;
        self.change_people(request, Asked::Friend, PeopleCommand::AnswerFriend { app, user, asker, accepts, reason });
    }

    pub(super) fn remove_friends(&mut self, body: FriendRemove) {
        let Some(asker) = self.asker(body.request) else { return };
        let (app, by, username) = (asker.app, asker.by(), asker.username());
        let command = PeopleCommand::Unfriend { app, by, username, others: body.usernames };
        self.change_people(body.request, Asked::Friend, command);
    }

    pub(super) fn note_friend(&mut self, body: FriendNote) {
        let Some(asker) = self.asker(body.request) else { return };
        let (app, by, username) = (asker.app, asker.by(), asker.username());
        let is_name = |name: &String| profile::is_line(name, profile::NICKNAME_BYTES_MAX);
        let is_text = |text: &String| text.len() <= TEXT_BYTES_MAX;
        if !body.name.as_ref().is_none_or(is_name) || !body.text.as_ref().is_none_or(is_text) {
            return self.fail(body.request, ErrorCode::NOTE_INVALID, "");
        }
        let note = command::FriendNote { username: body.username, note_name: body.name, others: body.text };
        let command = PeopleCommand::NoteFriends { app, by, username, notes: vec![note] };
        self.change_people(body.request, Asked::Friend, command);
    }

    pub(super) fn ask_people(&mut self, body: PeopleList) {
        let Some(asker) = self.asker(body.request) else { return };
        let (app, user) = (asker.app, asker.number);
        let known = [ListKind::FRIENDS, ListKind::BLACKLIST, ListKind::MUTES, ListKind::SHIELDS];
        if !known.contains(&body.list) {
            return self.fail(body.request, ErrorCode::INVALID, "no such list");
        }
        self.query(Pending::People(body.request), Query::PeopleList { app, user, list: body.list });
    }

    pub(super) fn ask_users(&mut self, body: UsersInfo) {
        let Some(asker) = self.asker(body.request) else { return };
        let (app, user) = (asker.app, asker.number);
        self.query(Pending::People(body.request), Query::Users { app, user, usernames: body.usernames });
    }

    pub(super) fn people_read(&mut self, request: u32, answer: Result<Answer, ErrorCode>) {
        let found = match answer {
            Ok(Answer::People(found)) => found,
            Ok(_) => return self.fail(request, ErrorCode::INTERNAL, ""),
            Err(code) => return self.fail(request, code, ""),
        };
        let People { groups, everything, .. } = *found;
        let mut groups = Some(groups);
        for (people, is_last) in super::group::parts(found.people, PEOPLE_PER_PART) {
            let groups = groups.take().unwrap_or_default();
            self.send(&ServerFrame::People(People {
                request,
                people,
                groups,
                everything,
                is_last,
                ..People::default()
            }));
        }
    }

    pub(super) fn change_password(&mut self, body: PasswordChange) {
        let Some(asker) = self.asker(body.request) else { return };
        let (user, keep) = (asker.number, asker.user.token_hash);
        if !(PASSWORD_BYTES_MIN..=PASSWORD_BYTES_MAX).contains(&body.new.len()) || body.old.len() > PASSWORD_BYTES_MAX {
            return self.fail(body.request, ErrorCode::INVALID, "a password has 4 to 128 bytes");
        }
        self.look_password_up(PasswordAttempt {
            request: body.request,
            user,
            old: GivenPassword(body.old),
            new: GivenPassword(body.new),
            checked: String::new(),
            hashed: String::new(),
            keep,
            is_second_check: false,
        });
    }

    fn look_password_up(&mut self, attempt: PasswordAttempt) {
        let Some(asker) = self.asker(attempt.request) else { return };
        let query =
            Query::LogIn { app: asker.app, username: asker.username(), token_hash: None, signed: None, web: None };
        self.query(Pending::FindPassword(Box::new(attempt)), query);
    }

    pub(super) fn password_found(&mut self, mut attempt: PasswordAttempt, answer: Result<Answer, ErrorCode>) {
        let user = match answer {
            Ok(Answer::LogIn(Some(user))) if user.number == attempt.user => user,
            Ok(Answer::LogIn(_)) => return self.fail(attempt.request, ErrorCode::NOT_LOGGED_IN, ""),
            Ok(Answer::UserGone(code)) | Err(code) => return self.fail(attempt.request, code, ""),
            Ok(_) => return self.fail(attempt.request, ErrorCode::INTERNAL, ""),
        };
        let Stage::Ready(ready) = &self.stage else { return };
        let app = ready.app;
        attempt.checked.clone_from(&user.password);
        let given = attempt.old.clone();
        let ticket = self.ask(Pending::OldPassword(Box::new(attempt)));
        self.actions.push_back(Action::CheckPassword { ticket, app, user: user.number, given, stored: user.password });
    }

    pub(super) fn old_password_checked(&mut self, attempt: PasswordAttempt, found: Result<(), ErrorCode>) {
        match found {
            Ok(()) => {
                let password = attempt.new.0.clone();
                let ticket = self.ask(Pending::NewPassword(Box::new(attempt)));
                self.actions.push_back(Action::HashPassword { ticket, password });
            }
            Err(ErrorCode::PASSWORD_WRONG) => self.fail(attempt.request, ErrorCode::OLD_PASSWORD_WRONG, ""),
            Err(code) => self.fail(attempt.request, code, ""),
        }
    }

    pub(super) fn new_password_hashed(&mut self, mut attempt: PasswordAttempt, hash: Option<String>) {
        match hash {
            Some(hashed) => {
                attempt.hashed = hashed;
                self.keep_password(attempt);
            }
            None => self.fail(attempt.request, ErrorCode::BUSY, ""),
        }
    }

    fn keep_password(&mut self, attempt: PasswordAttempt) {
        let Stage::Ready(ready) = &self.stage else { return };
        let command = PeopleCommand::ChangePassword {
            app: ready.app,
            user: attempt.user,
            checked: attempt.checked.clone(),
            password: attempt.hashed.clone(),
            keep: attempt.keep,
        };
        self.submit(Pending::KeepPassword(Box::new(attempt)), Command::People(command));
    }

    pub(super) fn password_kept(
        &mut self,
        mut attempt: PasswordAttempt,
        accepted: Result<Accepted, (ErrorCode, String)>,
    ) {
        match accepted {
            // More sessions end with each repeat.
            Ok(Accepted::People { is_complete: false, .. }) => self.keep_password(attempt),
            Ok(_) => {
                let Stage::Ready(ready) = &self.stage else { return };
                self.actions.push_back(Action::EndOthers { app: ready.app, user: attempt.user });
                self.done(attempt.request);
            }
            // Usually the same password under a slower hash, for which the quick one of a bulk registration made room.
            Err((ErrorCode::PASSWORD_WRONG, _)) if !attempt.is_second_check => {
                attempt.is_second_check = true;
                self.look_password_up(attempt);
            }
            Err((ErrorCode::PASSWORD_WRONG, _)) => self.fail(attempt.request, ErrorCode::OLD_PASSWORD_WRONG, ""),
            Err((code, message)) => self.fail(attempt.request, code, &message),
        }
    }
}
