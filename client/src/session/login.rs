//! Hello and login: how a device and its user introduce themselves on each new link.

use std::time::Duration;

use anser_protocol::error::ErrorCode;
use anser_protocol::extension::{Extensions, tag};
use anser_protocol::frame::session::{CredentialKind, Failed, GoAway, Hello, LoggedIn, Login, Welcome, capability};
use anser_protocol::frame::{ClientFrame, VERSION};
use anser_protocol::ids::Position;
use anser_protocol::limits;
use anser_protocol::names::Name;

use super::backoff::Backoff;
use super::link::Phase;
use super::sync::Sync;
use super::transaction::Then;
use super::{Action, Event, LinkEnd, RequestError, RequestId, Session, State, new_identity};
use crate::store::Write;

/// The user who is to be logged in whenever there is a link.
#[derive(Debug)]
pub(crate) struct Wanted {
    user: Name,
    /// What the application gave, a password or a token that its server signed.
    given: Option<(CredentialKind, String)>,
    /// It has just been given: it is to be checked, although a session token may be there.
    is_given_first: bool,
    attempt: Attempt,
    backoff: Backoff,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    Due { at: Duration },
    Sent { request: RequestId, kind: CredentialKind },
    LoggedIn,
}

impl Wanted {
    pub(crate) fn is_on_its_way(&self) -> bool {
        matches!(self.attempt, Attempt::Sent { .. })
    }

    pub(crate) fn deadline(&self, now: Duration) -> Option<Duration> {
        match self.attempt {
            Attempt::Due { at } if at > now => Some(at),
            _ => None,
        }
    }
}

impl Session {
    /// Keeps `user` logged in from now on, instead of anybody else. A password that is given is checked by the server now
    /// and remembered only while this session lives; later links use the token that the server answers.
    pub fn login(&mut self, user: &str, password: Option<&str>, now: Duration) -> Result<(), RequestError> {
        self.now = now;
        if password.is_some_and(|password| password.is_empty() || password.len() > limits::PASSWORD_BYTES_MAX) {
            return Err(RequestError::Invalid("a password has 4 to 128 bytes"));
        }
        self.log_in_with(user, password.map(|password| (CredentialKind::PASSWORD, password.to_owned())))
    }

    /// The same with a short-lived token that the app's own server signed for the user, instead of a password. Later links
    /// use the token that the server answers.
    pub fn login_signed(&mut self, user: &str, token: &str, now: Duration) -> Result<(), RequestError> {
        self.now = now;
        if token.is_empty() || token.len() > limits::SIGNED_TOKEN_BYTES_MAX {
            return Err(RequestError::Invalid("a signed token has at most 4096 bytes"));
        }
        self.log_in_with(user, Some((CredentialKind::SIGNED, token.to_owned())))
    }

    fn log_in_with(&mut self, user: &str, given: Option<(CredentialKind, String)>) -> Result<(), RequestError> {
        if user.is_empty() || user.len() > limits::USERNAME_BYTES_MAX {
            return Err(RequestError::Invalid("a user name has 1 to 128 bytes"));
        }
        self.leave_user();
        let user = Name::from(user);
        if self.user().is_some_and(|wanted| *wanted != user) {
            // They would be carried out in the name of the new user.
            self.fail_requests_of_user();
            self.rooms.clear();
        }
        let has_token = self.users.get(&user).is_some_and(|known| !known.token.is_empty());
        if given.is_none() && !has_token {
            self.wanted = None;
            self.actions.push_back(Action::Emit(Event::LoginNeeded { user }));
            return Ok(());
        }
        self.wanted = Some(Wanted {
            user,
            is_given_first: given.is_some(),
            given,
            attempt: Attempt::Due { at: Duration::ZERO },
            backoff: Backoff::default(),
        });
        self.drive();
        Ok(())
    }

    /// The user whom the application wants logged in.
    pub fn user(&self) -> Option<&Name> {
        self.wanted.as_ref().map(|wanted| &wanted.user)
    }

    /// Says hello once all that it names is on disk.
    pub(super) fn say_hello(&mut self) {
        let is_settled = self.is_settled();
        let (is_stopped, extensions) = (self.is_push_stopped(), self.config.traits.add_to(self.push_extensions()));
        let State::Linked(link) = &mut self.state else { return };
        if link.phase != Phase::ExpectStored || !is_settled {
            return;
        }
        link.phase = Phase::ExpectWelcome;
        link.has_stopped_pushes = is_stopped;
        let is_new = self.identity.registration_id.is_empty();
        let extensions = match &self.config.former_registration_id {
            Some(former) if is_new => extensions.with(tag::FORMER_REGISTRATION_ID, former.clone().into_bytes()),
            _ => extensions,
        };
        let hello = Hello {
            version_min: VERSION,
            version_max: VERSION,
            capabilities: capability::NOTICES | capability::READS | capability::PROFILES,
            app_key: self.config.app_key.clone(),
            registration_id: self.identity.registration_id.clone(),
            secret: self.identity.secret,
            nonce: if is_new { self.identity.nonce.to_vec() } else { Vec::new() },
            platform: self.config.platform,
            push_cursor: self.pushes.cursor(),
            extensions,
        };
        self.transmit(&ClientFrame::Hello(hello));
    }

    /// Logs in, right behind the hello, once the user's cursor is on disk.
    pub(super) fn say_login(&mut self) {
        let is_settled = self.is_settled();
        let State::Linked(link) = &self.state else { return };
        let Some(wanted) = &mut self.wanted else { return };
        let is_due = matches!(wanted.attempt, Attempt::Due { at } if at <= self.now);
        if link.phase == Phase::ExpectStored || !is_settled || !is_due {
            return;
        }
        let user = self.users.entry(wanted.user.clone()).or_default();
        let (credential_kind, credential) = match &wanted.given {
            Some((kind, given)) if wanted.is_given_first || user.token.is_empty() => {
                (*kind, given.clone().into_bytes())
            }
            _ => (CredentialKind::TOKEN, user.token.clone()),
        };
        let request = self.requests.take_id();
        wanted.attempt = Attempt::Sent { request, kind: credential_kind };
        let login = Login {
            request,
            username: wanted.user.to_string(),
            credential_kind,
            credential,
            cursor: user.cursor,
            extensions: Extensions::default(),
        };
        self.transmit(&ClientFrame::Login(login));
    }

    pub(super) fn on_welcome(&mut self, welcome: Welcome) {
        let State::Linked(link) = &mut self.state else { return };
        link.phase = Phase::Welcomed;
        link.heartbeat.handle_bounds(welcome.heartbeat_min_s, welcome.heartbeat_max_s);
        link.takes_reads = welcome.capabilities & capability::READS != 0;
        let transport = link.transport;
        if self.identity.registration_id != welcome.registration_id {
            self.identity.registration_id.clone_from(&welcome.registration_id);
            self.transaction.writes.push(Write::Identity(self.identity.clone()));
            let registration_id = welcome.registration_id;
            self.transaction.then.push(Then::Emit(Event::Registered { registration_id }));
        }
        let registration_id = self.identity.registration_id.clone();
        self.actions.push_back(Action::Emit(Event::Connected { transport, registration_id }));
        self.outbox.handle_head(welcome.outbox_head);
        for entry in self.outbox.number_all() {
            self.transaction.then.push(Then::Outbox { local: entry.local, number: entry.number });
            self.transaction.writes.push(Write::Outbox(entry));
        }
    }

    pub(super) fn on_logged_in(&mut self, logged_in: LoggedIn) {
        let Some(wanted) = &mut self.wanted else { return };
        if !matches!(wanted.attempt, Attempt::Sent { request, .. } if request == logged_in.request) {
            return;
        }
        wanted.attempt = Attempt::LoggedIn;
        wanted.is_given_first = false;
        wanted.backoff.reset();
        let name = wanted.user.clone();
        let user = self.users.entry(name.clone()).or_default();
        if !logged_in.token.is_empty() {
            user.token.clone_from(&logged_in.token);
            self.transaction.writes.push(Write::Token { user: name.clone(), token: logged_in.token });
        }
        self.sync = Some(Sync::new(name.clone(), user.cursor.unwrap_or(Position::START)));
        if let State::Linked(link) = &mut self.state {
            link.logged_in_at = Some(self.now);
        }
        self.transaction.then.push(Then::Emit(Event::LoggedIn { user: name }));
    }

    pub(super) fn on_failed(&mut self, failed: Failed) {
        if failed.request == 0 {
            return self.on_link_refused(failed);
        }
        if let Some(Wanted { attempt: Attempt::Sent { request, kind }, .. }) = self.wanted
            && request == failed.request
        {
            return self.on_login_failed(kind, failed);
        }
        if self.on_reads_failed(&failed) {
            return;
        }
        if self.on_history_failed(&failed) || self.on_room_not_entered(failed.request, failed.code) {
            return;
        }
        self.on_resume_refused(Some(failed.request));
        if failed.code.is_passing() && (self.requests.put_off(failed.request) || self.activity.is_about(failed.request))
        {
            return self.tell_put_off(failed.code, &failed.message);
        }
        if self.activity.complete(failed.request) {
            return;
        }
        let message = if failed.message.is_empty() { failed.code.text().to_owned() } else { failed.message };
        if let Some(body) = self.requests.complete(failed.request) {
            self.answer(failed.request, body, Err(RequestError::Refused { code: failed.code, message }));
        }
    }

    fn on_link_refused(&mut self, failed: Failed) {
        if failed.code == ErrorCode::REGISTRATION {
            // The server does not know this device any more: it becomes a new one. Unanswered messages keep their numbers,
            // which are all above what a new device has sent.
            self.identity = new_identity(&mut self.random);
            self.pushes.handle_new_device();
            self.transaction.writes.push(Write::Identity(self.identity.clone()));
            self.transaction.writes.push(Write::PushCursor(None));
        }
        let reason = self.refused(failed.code, failed.message);
        self.end_link(reason);
    }

    fn on_login_failed(&mut self, kind: CredentialKind, failed: Failed) {
        let Some(wanted) = &mut self.wanted else { return };
        if failed.code.is_passing() {
            let at = self.now + wanted.backoff.next_wait(&mut self.random);
            wanted.attempt = Attempt::Due { at };
            return self.tell_put_off(failed.code, &failed.message);
        }
        let user = wanted.user.clone();
        if kind == CredentialKind::TOKEN {
            self.users.entry(user.clone()).or_default().token.clear();
            self.transaction.writes.push(Write::Token { user: user.clone(), token: Vec::new() });
            // Who gave way to another device while away is told so now, and does not take the place back with the password.
            if wanted.given.is_some() && failed.code != ErrorCode::LOGGED_IN_ELSEWHERE {
                wanted.attempt = Attempt::Due { at: Duration::ZERO };
                return;
            }
        }
        // The signed token was good once: its time is over, and the application gets another one from its server.
        let is_over = kind == CredentialKind::SIGNED && !wanted.is_given_first;
        self.wanted = None;
        self.rooms.clear();
        self.fail_requests_of_user();
        let event = if failed.code == ErrorCode::TOKEN_INVALID || is_over {
            Event::LoginNeeded { user }
        } else {
            let message = if failed.message.is_empty() { failed.code.text().to_owned() } else { failed.message };
            Event::LoginFailed { user, code: failed.code, message }
        };
        self.actions.push_back(Action::Emit(event));
    }

    /// The user's session is over by the user's own wish; also when the server could not be told.
    pub(super) fn on_logged_out(&mut self) {
        let Some(wanted) = self.wanted.take() else { return };
        self.leave_user();
        self.rooms.clear();
        self.users.entry(wanted.user.clone()).or_default().token.clear();
        self.transaction.writes.push(Write::Token { user: wanted.user.clone(), token: Vec::new() });
        self.transaction.then.push(Then::Emit(Event::LoggedOut { user: wanted.user }));
        self.fail_requests_of_user();
    }

    /// The server closes this link: leaves first, and comes back when it said, plus as much again at random.
    pub(super) fn on_go_away(&mut self, go_away: GoAway) {
        let asked = Duration::from_millis(go_away.retry_after_ms.into());
        let wait = asked + self.random.up_to(asked);
        let replaced = go_away.code == ErrorCode::REPLACED;
        if go_away.code == ErrorCode::LOGGED_IN_ELSEWHERE {
            self.give_way(go_away.code, &go_away.message);
        }
        self.end_link(LinkEnd::GoAway { code: go_away.code, message: go_away.message });
        if let State::Waiting { until } = &mut self.state
            && !replaced
        {
            *until = (*until).max(self.now + wait);
        }
    }

    /// Another device of the user took the place of this one, which must not take it back by itself.
    fn give_way(&mut self, code: ErrorCode, message: &str) {
        let Some(wanted) = self.wanted.take() else { return };
        self.leave_user();
        self.rooms.clear();
        self.users.entry(wanted.user.clone()).or_default().token.clear();
        self.transaction.writes.push(Write::Token { user: wanted.user.clone(), token: Vec::new() });
        let message = if message.is_empty() { code.text() } else { message }.to_owned();
        self.transaction.then.push(Then::Emit(Event::LoginFailed { user: wanted.user, code, message }));
        self.fail_requests_of_user();
    }

    /// Nobody is logged in on the link; whoever is wanted will be logged in again.
    pub(super) fn leave_user(&mut self) {
        self.sync = None;
        self.outbox.handle_unlinked();
        self.rooms.handle_unlinked();
        self.reads.handle_unlinked();
        if let Some(wanted) = &mut self.wanted {
            wanted.attempt = Attempt::Due { at: Duration::ZERO };
        }
    }

    fn fail_requests_of_user(&mut self) {
        for (request, _) in self.requests.handle_logged_out() {
            self.finish(request, Err(RequestError::NotLoggedIn));
        }
    }
}
