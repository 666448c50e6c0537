//! Registering users, and their session tokens.

use anser_protocol::ids::TimeMs;
use anser_protocol::planted::{Fault, is_planted};

use super::{Batch, Decided};
use crate::command::{NewUser, UserCommand};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, DeviceNumber, UserNumber};
use crate::outcome::{Answer, Refusal};
use crate::rows::app::AppCounters;
use crate::rows::people::{UserClass, UserState};
use crate::rows::push::{Expiry, expiry_key};
use crate::rows::user::{ByUsername, Session, Token, User, session_key, token_key, user_key, username_key};
use crate::table::Table;
use crate::tables::Tables;

impl Batch<'_> {
    pub(super) fn user(&mut self, command: &UserCommand) -> Decided<Answer> {
        match command {
            UserCommand::Register { app, users } => self.register_users(*app, users),
            UserCommand::LogIn { app, user, device, token_hash, expires_ms, password } => {
                self.require_app(*app)?;
                self.log_in(*app, *user, *device, token_hash, *expires_ms, password)
            }
            UserCommand::LogOut { app, token_hash } => {
                self.require_app(*app)?;
                self.log_out(*app, token_hash)
            }
            UserCommand::UpgradePassword { app, user, from, to } => {
                self.require_app(*app)?;
                self.upgrade_password(*app, *user, from, to)
            }
        }
    }

    pub(super) fn register_users(&mut self, app: AppNumber, users: &[NewUser]) -> Decided<Answer> {
        self.require_app(app)?;
        let mut counters = self.app_counters(app)?;
        let before = counters;
        let registered = users
            .iter()
            .map(|user| self.register_user(app, user, &mut counters))
            .collect::<Result<Vec<_>, ReadError>>()?;
        let numbers = users.iter().zip(&registered);
        let new = numbers.filter_map(|(user, number)| Some((UserClass::of(user.is_admin), *number.as_ref().ok()?)));
        self.list_users(app, new.collect::<Vec<_>>())?;
        if counters != before {
            self.put_app_counters(app, counters)?;
        }
        Ok(Answer::Users(registered))
    }

    fn register_user(
        &mut self,
        app: AppNumber,
        new: &NewUser,
        counters: &mut AppCounters,
    ) -> Result<Result<UserNumber, Refusal>, ReadError> {
        let name_key = username_key(app, &new.username);
        if self.has(Table::UserNames, &name_key)? {
            return Ok(Err(Refusal::UserExists));
        }
        let number = counters.user;
        counters.user.0 += 1;
        let user = User {
            username: new.username.clone(),
            password: new.password.clone(),
            is_admin: new.is_admin,
            profile: new.profile.clone(),
            created_ms: self.now_ms(),
            changed_ms: self.now_ms(),
        };
        self.note_avatar(app, &user.profile.avatar)?;
        self.put(&user_key(app, number), &user)?;
        self.put(&name_key, &ByUsername(number))?;
        Ok(Ok(number))
    }

    /// A device holds one token of a user: a new login ends the one before.
    fn log_in(
        &mut self,
        app: AppNumber,
        user: UserNumber,
        device: DeviceNumber,
        token_hash: &[u8; 32],
        expires_ms: TimeMs,
        password: &str,
    ) -> Decided<Answer> {
        let Some(row) = find::user(self, app, user)? else {
            return Err(Refusal::UserUnknown { username: String::new() }.into());
        };
        match find::user_state(self, app, user)? {
            Some(UserState::Deleted) => return Err(Refusal::UserUnknown { username: String::new() }.into()),
            Some(UserState::Disabled) => return Err(Refusal::UserDisabled.into()),
            None => {}
        }
        if row.password != password {
            return Err(Refusal::PasswordChanged.into());
        }
        if find::device(self, app, device)?.is_none() {
            return Err(Refusal::DeviceUnknown.into());
        }
        let session_key = session_key(app, user, device);
        if let Some(session) = self.row::<Session>(&session_key)? {
            self.remove_token(app, &session.token_hash)?;
        }
        self.put(&session_key, &Session { token_hash: *token_hash })?;
        self.put(&token_key(app, token_hash), &Token { user, device, expires_ms })?;
        let expiry = Expiry::Token { app, hash: *token_hash };
        self.put(&expiry_key(expires_ms, &expiry), &expiry)?;
        Ok(Answer::Done)
    }

    fn log_out(&mut self, app: AppNumber, hash: &[u8; 32]) -> Decided<Answer> {
        if is_planted(Fault::TokenOutlivesLogout) {
            return Ok(Answer::Done);
        }
        if let Some(token) = self.remove_token(app, hash)? {
            self.remove(Table::Sessions, &session_key(app, token.user, token.device))?;
        }
        Ok(Answer::Done)
    }

    pub(super) fn remove_token(&mut self, app: AppNumber, hash: &[u8; 32]) -> Result<Option<Token>, ReadError> {
        let key = token_key(app, hash);
        let token = self.row::<Token>(&key)?;
        if let Some(token) = &token {
            self.remove(Table::Tokens, &key)?;
            self.remove(Table::Expiries, &expiry_key(token.expires_ms, &Expiry::Token { app, hash: *hash }))?;
        }
        Ok(token)
    }

    fn upgrade_password(&mut self, app: AppNumber, user: UserNumber, from: &str, to: &str) -> Decided<Answer> {
        if let Some(row) = find::user(self, app, user)?
            && row.password == from
        {
            self.put(&user_key(app, user), &User { password: to.into(), ..row })?;
        }
        Ok(Answer::Done)
    }
}
