//! Logging users in and out on a device.

use anser_protocol::error::ErrorCode;
use anser_protocol::extension::{Extensions, tag};
use anser_protocol::frame::ServerFrame;
use anser_protocol::frame::session::{CredentialKind, LoggedIn, Login, Logout, RegisterUser};
use anser_protocol::ids::{Position, TimeMs};
use anser_protocol::limits::{PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN, SIGNED_TOKEN_BYTES_MAX};
use anser_protocol::planted::{Fault, is_planted};
use anser_storage::command::{Command, UserCommand};
use anser_storage::ids::{DeviceNumber, UserNumber};
use anser_storage::outcome::Answer as Accepted;

use super::chat::UserFlow;
use super::request::Pending;
use super::{Action, GivenPassword, Session, Stage, Ticket};
use crate::keys::token_hash;
use crate::link::query::{Answer, LoginUser, Query};
use crate::link::web_signature::WebSignature;
use crate::username;

/// A login while it is being answered.
#[derive(Debug)]
pub(super) struct LoginAttempt {
    request: u32,
    username: String,
    credential: Credential,
    /// What the app's server signed for the page.
    web: Option<WebSignature>,
    cursor: Option<Position>,
    user: UserNumber,
    /// What the password was checked against.
    stored_password: String,
    /// The stored password changed while it was checked, and is checked once more.
    is_second_check: bool,
    /// The session token to be answered; empty when one was used.
    token: Vec<u8>,
    token_hash: [u8; 32],
    pushed_off: Option<DeviceNumber>,
}

#[derive(Debug)]
enum Credential {
    Password(GivenPassword),
    Token,
    /// Of the app's server.
    Signed(GivenPassword),
}

impl Session {
    pub(super) fn log_in(&mut self, body: Login) {
        let Stage::Ready(ready) = &mut self.stage else { return };
        let attempt = match LoginAttempt::new(body) {
            Ok(attempt) => attempt,
            Err((request, message)) => return self.fail(request, ErrorCode::INVALID, message),
        };
        ready.is_changing_user = true;
        self.leave_user();
        self.look_up(attempt);
    }

    fn look_up(&mut self, mut attempt: LoginAttempt) {
        let Stage::Ready(ready) = &self.stage else { return };
        let token_hash = matches!(attempt.credential, Credential::Token).then_some(attempt.token_hash);
        let signed = match &attempt.credential {
            Credential::Signed(token) => Some(token.clone()),
            Credential::Password(_) | Credential::Token => None,
        };
        let query = Query::LogIn {
            app: ready.app,
            username: attempt.username.clone(),
            token_hash,
            signed,
            // Looked at once: a second check is of the same login.
            web: attempt.web.take(),
        };
        self.query(Pending::LogIn(Box::new(attempt)), query);
    }

    pub(super) fn login_looked_up(
        &mut self,
        mut attempt: LoginAttempt,
        answer: Result<Answer, ErrorCode>,
        now: TimeMs,
    ) {
        let user = match answer {
            Ok(Answer::LogIn(Some(user))) => user,
            Ok(Answer::UserGone(code)) => return self.login_failed(attempt.request, code, ""),
            Ok(Answer::LogIn(None)) => return self.login_failed(attempt.request, ErrorCode::USER_UNKNOWN, ""),
            Ok(_) => return self.login_failed(attempt.request, ErrorCode::INTERNAL, ""),
            Err(code) => return self.login_failed(attempt.request, code, ""),
        };
        attempt.user = user.number;
        let Stage::Ready(ready) = &self.stage else { return };
        let app = ready.app;
        match &attempt.credential {
            Credential::Token if self.is_token_good(&user, now) => {
                self.prolong_token(&attempt, user, now);
                self.logged_in(attempt);
            }
            Credential::Token => self.find_why_token_is_gone(&attempt),
            // It was looked at with the user.
            Credential::Signed(_) => {
                attempt.stored_password = user.password;
                let ticket = self.ask(Pending::Password(Box::new(attempt)));
                self.actions.push_back(Action::MakeToken { ticket });
            }
            Credential::Password(given) => {
                let given = given.clone();
                attempt.stored_password.clone_from(&user.password);
                let ticket = self.ask(Pending::Password(Box::new(attempt)));
                self.actions.push_back(Action::CheckPassword {
                    ticket,
                    app,
                    user: user.number,
                    given,
                    stored: user.password,
                });
            }
        }
    }

    /// A device that had to make room while it was away is told so when it comes back: it is not to log in again by itself.
    fn find_why_token_is_gone(&mut self, attempt: &LoginAttempt) {
        let Stage::Ready(ready) = &self.stage else { return };
        if self.rules.logins.others_max(ready.device.platform().device_kind()) == u32::MAX {
            // Nobody has to make room.
            return self.login_failed(attempt.request, ErrorCode::TOKEN_INVALID, "");
        }
        let (app, user, device) = (ready.app, attempt.user, ready.device.number);
        self.query(Pending::TokenGone(attempt.request), Query::GaveWay { app, user, device });
    }

    pub(super) fn token_gone(&mut self, request: u32, answer: Result<Answer, ErrorCode>) {
        let code = match answer {
            Ok(Answer::GaveWay(true)) => ErrorCode::LOGGED_IN_ELSEWHERE,
            Ok(Answer::GaveWay(false)) => ErrorCode::TOKEN_INVALID,
            Ok(_) => ErrorCode::INTERNAL,
            Err(code) => code,
        };
        self.login_failed(request, code, "");
    }

    fn is_token_good(&self, user: &LoginUser, now: TimeMs) -> bool {
        let Stage::Ready(ready) = &self.stage else { return false };
        user.token.as_ref().is_some_and(|token| {
            token.user == user.number && token.device == ready.device.number && token.expires_ms > now
        })
    }

    /// A token that is used does not expire: a device stays logged in until somebody ends that.
    fn prolong_token(&mut self, attempt: &LoginAttempt, user: LoginUser, now: TimeMs) {
        let Stage::Ready(ready) = &self.stage else { return };
        if user.token.is_none_or(|token| token.expires_ms.saturating_sub(now) > self.rules.token_ms / 2) {
            return;
        }
        let command = Command::User(UserCommand::LogIn {
            app: ready.app,
            user: user.number,
            device: ready.device.number,
            token_hash: attempt.token_hash,
            expires_ms: now + self.rules.token_ms,
            password: user.password,
            others_max: self.rules.logins.others_max(ready.device.platform().device_kind()),
        });
        self.submit(Pending::Unheeded, command);
    }

    pub(super) fn password_checked(&mut self, ticket: Ticket, found: Result<[u8; 32], ErrorCode>, now: TimeMs) {
        let mut attempt = match self.take_pending(ticket) {
            Some(Pending::Password(attempt)) => attempt,
            Some(Pending::OldPassword(attempt)) => return self.old_password_checked(*attempt, found.map(|_| ())),
            _ => return,
        };
        let Stage::Ready(ready) = &self.stage else { return };
        let fresh_token = match found {
            Ok(token) => token,
            Err(code) => return self.login_failed(attempt.request, code, ""),
        };
        attempt.token = fresh_token.to_vec();
        let command = Command::User(UserCommand::LogIn {
            app: ready.app,
            user: attempt.user,
            device: ready.device.number,
            token_hash: token_hash(&fresh_token),
            expires_ms: now + self.rules.token_ms,
            password: attempt.stored_password.clone(),
            others_max: self.rules.logins.others_max(ready.device.platform().device_kind()),
        });
        attempt.token_hash = token_hash(&fresh_token);
        self.submit(Pending::KeepToken(attempt), command);
    }

    pub(super) fn token_kept(&mut self, mut attempt: LoginAttempt, accepted: Result<Accepted, (ErrorCode, String)>) {
        match accepted {
            Ok(Accepted::LoggedIn { ended }) => {
                // Those that were used longest ago stand first.
                attempt.pushed_off = ended.last().copied();
                if let Stage::Ready(ready) = &self.stage
                    && !ended.is_empty()
                {
                    self.actions.push_back(Action::EndOn { app: ready.app, user: attempt.user, devices: ended });
                }
                self.logged_in(attempt);
            }
            Ok(_) => self.login_failed(attempt.request, ErrorCode::INTERNAL, ""),
            // Usually the same password under a slower hash, for which the quick one of a bulk registration made room.
            Err((ErrorCode::PASSWORD_WRONG, _)) if !attempt.is_second_check => {
                attempt.is_second_check = true;
                self.look_up(attempt);
            }
            Err((code, message)) => self.login_failed(attempt.request, code, &message),
        }
    }

    fn login_failed(&mut self, request: u32, code: ErrorCode, message: &str) {
        if let Stage::Ready(ready) = &mut self.stage {
            ready.is_changing_user = false;
        }
        self.fail(request, code, message);
    }

    fn logged_in(&mut self, attempt: LoginAttempt) {
        let Stage::Ready(ready) = &mut self.stage else { return };
        ready.is_changing_user = false;
        let cursor = attempt.cursor.unwrap_or_default();
        let name = attempt.username.as_str().into();
        let mut user = UserFlow::new(attempt.user, name, attempt.token_hash, cursor);
        user.pushed_off = attempt.pushed_off;
        ready.user = Some(Box::new(user));
        // Registered first, snapshot second: what is appended in between comes by both ways and is met once.
        if !is_planted(Fault::SnapshotBeforeRegister) {
            self.actions.push_back(Action::AttachUser { app: ready.app, user: attempt.user });
        }
        self.send(&ServerFrame::LoggedIn(LoggedIn {
            request: attempt.request,
            username: attempt.username,
            token: attempt.token,
            extensions: Extensions::default(),
        }));
        self.continue_catch_up();
    }

    pub(super) fn log_out(&mut self, body: Logout) {
        let Stage::Ready(ready) = &mut self.stage else { return };
        let Some(user) = &ready.user else {
            return self.fail(body.request, ErrorCode::NOT_LOGGED_IN, "");
        };
        let command = Command::User(UserCommand::LogOut { app: ready.app, token_hash: user.token_hash });
        ready.is_changing_user = true;
        self.leave_user();
        self.submit(Pending::LogOut(body.request), command);
    }

    pub(super) fn logged_out(&mut self, request: u32, accepted: Result<Accepted, (ErrorCode, String)>) {
        if let Stage::Ready(ready) = &mut self.stage {
            ready.is_changing_user = false;
        }
        match accepted {
            Ok(_) => self.done(request),
            Err((code, message)) => self.fail(request, code, &message),
        }
    }

    /// The user's sessions were ended from outside. Somebody else may have logged in meanwhile.
    pub(super) fn user_ended(&mut self, user: UserNumber, code: ErrorCode) {
        let Stage::Ready(ready) = &self.stage else { return };
        if is_planted(Fault::BarredUserStays) && code == ErrorCode::USER_DISABLED {
            return;
        }
        if ready.user.as_ref().is_some_and(|known| known.number == user) {
            self.go_away(code, 0);
        }
    }

    /// Whoever is logged in gets nothing more on this device.
    fn leave_user(&mut self) {
        let Stage::Ready(ready) = &mut self.stage else { return };
        let Some(user) = ready.user.take() else { return };
        let app = ready.app;
        // Their catch-up may still be read; the answer must not count as that of who logs in next.
        self.pending.retain(|(_, pending)| !pending.is_catch_up());
        if let Some(mark) = user.cursor_mark(ready) {
            self.actions.push_back(Action::Mark(mark));
        }
        self.actions.push_back(Action::DetachUser { app, user: user.number });
    }
}

impl LoginAttempt {
    fn new(body: Login) -> Result<Self, (u32, &'static str)> {
        let invalid = |message| Err((body.request, message));
        if username::check(&body.username, false).is_err() {
            return invalid("the user name is not allowed");
        }
        let mut credential_hash = [0; 32];
        let credential = match body.credential_kind {
            CredentialKind::TOKEN if body.credential.len() == 32 => {
                credential_hash = token_hash(&body.credential);
                Credential::Token
            }
            CredentialKind::TOKEN => return invalid("a session token has 32 bytes"),
            CredentialKind::PASSWORD | CredentialKind::PASSWORD_MD5 if body.credential.len() > PASSWORD_BYTES_MAX => {
                return invalid("the password is too long");
            }
            CredentialKind::PASSWORD | CredentialKind::PASSWORD_MD5 => match String::from_utf8(body.credential) {
                Ok(text) => Credential::Password(GivenPassword(text)),
                Err(_) => return Err((body.request, "the password is not UTF-8")),
            },
            CredentialKind::SIGNED if body.credential.len() > SIGNED_TOKEN_BYTES_MAX => {
                return invalid("the signed token is too long");
            }
            CredentialKind::SIGNED => match String::from_utf8(body.credential) {
                Ok(text) => Credential::Signed(GivenPassword(text)),
                Err(_) => return Err((body.request, "the signed token is not UTF-8")),
            },
            _ => return invalid("unknown kind of credential"),
        };
        let is_by_password = matches!(credential, Credential::Password(_));
        let web = match body.extensions.value(tag::WEB_SIGNATURE).filter(|_| is_by_password) {
            None => None,
            Some(value) => Some(WebSignature::parse(value).ok_or((body.request, "the Web signature has three lines"))?),
        };
        Ok(Self {
            request: body.request,
            username: body.username,
            credential,
            web,
            cursor: body.cursor,
            user: UserNumber(0),
            stored_password: String::new(),
            is_second_check: false,
            token: Vec::new(),
            token_hash: credential_hash,
            pushed_off: None,
        })
    }
}

/// What a client asks for when it registers a user must be storable.
pub(super) fn check_new_user(body: &RegisterUser, is_strict: bool) -> Result<(), &'static str> {
    username::check(&body.username, is_strict)?;
    if !(PASSWORD_BYTES_MIN..=PASSWORD_BYTES_MAX).contains(&body.password.len()) {
        return Err("a password has 4 to 128 bytes");
    }
    Ok(())
}
