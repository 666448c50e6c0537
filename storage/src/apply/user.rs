//! Registering users, and their session tokens.

use anser_protocol::content::DeviceKind;
use anser_protocol::ids::TimeMs;
use anser_protocol::planted::{Fault, is_planted};

use super::{Batch, Decided};
use crate::across;
use crate::command::{NewUser, UserCommand};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, DeviceNumber, UserNumber};
use crate::outcome::{Answer, Refusal};
use crate::rows::app::AppCounters;
use crate::rows::message_count::HourCounts;
use crate::rows::people::{UserClass, UserState};
use crate::rows::push::{Expiry, expiry_key};
use crate::rows::told::NotedKind;
use crate::rows::user::{ByUsername, GaveWay, Session, Token, User, session_key, token_key, user_key, username_key};
use crate::table::Table;
use crate::tables::Tables;

/// Devices that one login logs out: three rows each. The rest makes room with the next one.
const ENDED_MAX: usize = 300;

impl Batch<'_> {
    pub(super) fn user(&mut self, command: &UserCommand) -> Decided<Answer> {
        match command {
            UserCommand::Register { app, users } => self.register_users(*app, users),
            UserCommand::LogIn { app, user, device, token_hash, expires_ms, password, others_max } => {
                self.require_app(*app)?;
                self.log_in(*app, *user, *device, (token_hash, *expires_ms), password, *others_max)
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
        let new: Vec<_> = new.collect();
        let new_users = new.iter().filter(|(class, _)| *class == UserClass::User).count() as u64;
        self.count_hour(app, HourCounts { new_users, ..HourCounts::default() });
        self.list_users(app, new)?;
        let numbers: Vec<UserNumber> = registered.iter().flatten().copied().collect();
        if !numbers.is_empty() {
            self.note_event(app, NotedKind::UsersRegistered.by(None, &numbers))?;
        }
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
        (token_hash, expires_ms): (&[u8; 32], TimeMs),
        password: &str,
        others_max: u32,
    ) -> Decided<Answer> {
        let Some(row) = find::user(self, app, user)? else {
            return Err(Refusal::UserUnknown { username: String::new() }.into());
        };
        if across::guest(self, app, user)?.is_some() {
            return Err(Refusal::UserUnknown { username: String::new() }.into());
        }
        match find::user_state(self, app, user)? {
            Some(UserState::Deleted) => return Err(Refusal::UserUnknown { username: String::new() }.into()),
            Some(UserState::Disabled) => return Err(Refusal::UserDisabled.into()),
            None => {}
        }
        if row.password != password {
            return Err(Refusal::PasswordChanged.into());
        }
        let Some(known) = find::device(self, app, device)? else { return Err(Refusal::DeviceUnknown.into()) };
        let session_key = session_key(app, user, device);
        if let Some(session) = self.row::<Session>(&session_key)? {
            self.remove_token(app, &session.token_hash)?;
        }
        self.put(&session_key, &Session { token_hash: *token_hash })?;
        self.put(&token_key(app, token_hash), &Token { user, device, expires_ms })?;
        let expiry = Expiry::Token { app, hash: *token_hash };
        self.put(&expiry_key(expires_ms, &expiry), &expiry)?;
        if self.has(Table::GaveWay, &session_key)? {
            self.remove(Table::GaveWay, &session_key)?;
        }
        let ended = self.make_room(app, user, device, known.platform.device_kind(), others_max)?;
        Ok(Answer::LoggedIn { ended })
    }

    /// Logs the user out on other devices of a kind until no more than `others_max` are left.
    fn make_room(
        &mut self,
        app: AppNumber,
        user: UserNumber,
        newest: DeviceNumber,
        kind: DeviceKind,
        others_max: u32,
    ) -> Result<Vec<DeviceNumber>, ReadError> {
        if others_max == u32::MAX || is_planted(Fault::OlderSessionStays) {
            return Ok(Vec::new());
        }
        let mut others = Vec::new();
        for (device, hash) in
            find::sessions(self, app, user, usize::MAX)?.into_iter().filter(|(device, _)| *device != newest)
        {
            let platform = find::device(self, app, device)?.map(|known| known.platform);
            if platform.is_some_and(|platform| platform.device_kind() == kind) {
                let used = self.row::<Token>(&token_key(app, &hash))?.map_or(0, |token| token.expires_ms);
                others.push((used, device, hash));
            }
        }
        others.sort_unstable();
        let surplus = others.len().saturating_sub(others_max as usize).min(ENDED_MAX);
        let mut ended = Vec::with_capacity(surplus);
        for (_, device, hash) in others.into_iter().take(surplus) {
            self.remove_token(app, &hash)?;
            let key = session_key(app, user, device);
            self.remove(Table::Sessions, &key)?;
            self.put(&key, &GaveWay)?;
            ended.push(device);
        }
        Ok(ended)
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
