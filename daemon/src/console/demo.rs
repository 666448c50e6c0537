//! Two users to try the Web IM with, and links that log each of them in once. Only `anserd serve --demo` makes them.

use std::sync::{Mutex, PoisonError};

use anser_protocol::ids::TimeMs;
use anser_storage::command::{Command, NewUser, Profile, UserCommand};
use anser_storage::ids::AppNumber;

use crate::clock::now_ms;
use crate::context::Context;
use crate::keys::{random, token_hash};
use crate::ledger::Unavailable;
use crate::link::signed;

/// Their names are none that the first commands of the documentation register.
const USERS: [(&str, &str); 2] = [("mei", "Mei 小梅"), ("tom", "Tom")];
/// A link is good for so long, once.
const LIFE_MS: u64 = 24 * 3600 * 1000;
/// What the page gets for it logs in for so long.
const TOKEN_MS: u64 = 10 * 60 * 1000;

/// Links that were not used yet, by the hashes of their tokens.
#[derive(Default)]
pub struct Demo(Mutex<Vec<Link>>);

struct Link {
    token_hash: [u8; 32],
    app: AppNumber,
    username: &'static str,
    expires_ms: TimeMs,
}

/// What logs a user in, in place of the password.
pub struct LogIn {
    pub app_key: String,
    pub username: &'static str,
    pub login_token: String,
    pub expires_ms: TimeMs,
}

impl Demo {
    /// Registers the users where they are not there, and makes a link for each: name and token.
    pub async fn begin(&self, context: &Context, app: AppNumber) -> Result<Vec<(&'static str, String)>, Unavailable> {
        let new = |(username, nickname): (&str, &str)| NewUser {
            username: username.to_owned(),
            // Nobody knows it: only links log them in.
            password: context.passwords.hash_quick(&data_encoding::HEXLOWER.encode(&random::<16>())),
            is_admin: false,
            profile: Profile { nickname: nickname.to_owned(), ..Profile::default() },
        };
        let users = USERS.map(new).into();
        // Those of an earlier start are there already.
        context.ledger.submit(Command::User(UserCommand::Register { app, users })).await?;
        let mut links = Vec::new();
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        made.clear();
        for (username, _) in USERS {
            let token = data_encoding::HEXLOWER.encode(&random::<16>());
            let expires_ms = now_ms() + LIFE_MS;
            made.push(Link { token_hash: token_hash(token.as_bytes()), app, username, expires_ms });
            links.push((username, token));
        }
        Ok(links)
    }

    /// Nothing when the link was used, or is none.
    pub async fn log_in(&self, context: &Context, token: &str) -> Result<Option<LogIn>, Unavailable> {
        let hash = token_hash(token.as_bytes());
        let link = {
            let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let place = links.iter().position(|link| link.token_hash == hash && link.expires_ms > now_ms());
            place.map(|place| links.swap_remove(place))
        };
        let Some(Link { app, username, .. }) = link else { return Ok(None) };
        let Some(app) = context.ledger.read(move |snapshot| snapshot.app(app)).await? else { return Ok(None) };
        let expires_ms = now_ms() + TOKEN_MS;
        let login_token = signed::sign(&app.app_key, &app.master_secret, username, expires_ms / 1000);
        Ok(Some(LogIn { app_key: app.app_key, username, login_token, expires_ms }))
    }
}
