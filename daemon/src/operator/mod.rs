//! Operators: who runs the daemon through its console. They have no password that anybody could know beforehand: the
//! first is made on this machine, or by a link that only this machine's administrators can read.
//!
//! What the console asks of it: [`Operators`] for logins and sessions, [`right`] for what each may do.

pub mod guess;
pub mod right;
pub mod set_up;

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anser_storage::command::{Command, OperatorCommand};
use anser_storage::outcome::Refusal;
use anser_storage::{Operator, OperatorSession};
use thiserror::Error;

use crate::clock::now_ms;
use crate::keys::{random, token_hash};
use crate::ledger::{Ledger, Unavailable};
use crate::password::{Busy, Passwords};
use guess::{Guesses, Turn};

/// A session ends by itself after so long, however much it is used.
pub const SESSION_MS: u64 = 12 * 3600 * 1000;
/// And after so long without a call.
pub const IDLE_MS: u64 = 60 * 60 * 1000;
/// Calls closer to one another are not written down.
const USED_EVERY_MS: u64 = 5 * 60 * 1000;
const NAME_BYTES_MAX: usize = 64;
const PASSWORD_BYTES_MIN: usize = 10;
const PASSWORD_BYTES_MAX: usize = 256;

/// Logs operators in and out.
pub struct Operators {
    ledger: Ledger,
    passwords: Passwords,
    guesses: Mutex<Guesses>,
}

/// Whoever shows the token is this operator until it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionBegun {
    /// 64 hexadecimal digits; only its hash is stored.
    pub token: String,
    pub expires_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LogInFailure {
    /// Which of the two is not said.
    #[error("the name or the password is wrong")]
    Wrong,
    #[error("too many attempts; try again in a minute")]
    TooMany,
    #[error("the link was used, or is older than a day, or is wrong")]
    SetUpOver,
    #[error("{0}")]
    Invalid(&'static str),
    #[error("too many passwords are being checked; try again")]
    Busy,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<Busy> for LogInFailure {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

impl Operators {
    pub fn new(ledger: Ledger, passwords: Passwords) -> Self {
        Self { ledger, passwords, guesses: Mutex::default() }
    }

    /// Checks name and password; after failures that takes longer, see [`guess`].
    pub async fn log_in(&self, name: &str, password: &str, from: IpAddr) -> Result<SessionBegun, LogInFailure> {
        let operator = self.checked(name, password, from).await?;
        self.begin_session(name, operator.account.password).await
    }

    /// Checks the password of an operator who is logged in, in the same way: a session is no way to guess faster.
    pub async fn check_again(&self, name: &str, password: &str, from: IpAddr) -> Result<(), LogInFailure> {
        self.checked(name, password, from).await.map(drop)
    }

    async fn checked(&self, name: &str, password: &str, from: IpAddr) -> Result<Operator, LogInFailure> {
        // Not while others wait for the list of guesses.
        let turn = self.guesses().ask(name, from, Instant::now());
        match turn {
            Turn::After(wait) => tokio::time::sleep(wait).await,
            Turn::TooMany => return Err(LogInFailure::TooMany),
        }
        let known = {
            let name = name.to_owned();
            self.ledger.read(move |snapshot| snapshot.operator(&name)).await?
        };
        let stored = known.as_ref().map(|operator| operator.account.password.as_str());
        // Without an account it takes the same time.
        let is_right = self.passwords.verify_operator(password, stored).await?;
        match known.filter(|_| is_right) {
            Some(operator) => {
                self.guesses().succeeded(name, from, Instant::now());
                Ok(operator)
            }
            None => {
                self.guesses().failed(name, from, Instant::now());
                log::warn!(address:% = from; "a login of an operator failed");
                Err(LogInFailure::Wrong)
            }
        }
    }

    async fn begin_session(&self, name: &str, password: String) -> Result<SessionBegun, LogInFailure> {
        let token = data_encoding::HEXLOWER.encode(&random::<32>());
        let (token_hash, expires_ms) = (token_hash(token.as_bytes()), now_ms() + IDLE_MS);
        let log_in = OperatorCommand::LogIn { name: name.to_owned(), password, token_hash, expires_ms };
        match self.ledger.submit(Command::Operator(log_in)).await?.answer {
            Ok(_) => Ok(SessionBegun { token, expires_ms }),
            // Changed or removed meanwhile.
            Err(_) => Err(LogInFailure::Wrong),
        }
    }

    /// A session that is used, with whose it is; nothing when it is over.
    pub async fn of_session(&self, token: &str) -> Result<Option<(OperatorSession, Operator)>, Unavailable> {
        let (hash, now_ms) = (token_hash(token.as_bytes()), now_ms());
        let found = self.ledger.read(move |snapshot| snapshot.operator_of_session(&hash, now_ms)).await?;
        let Some((session, _)) = &found else { return Ok(None) };
        let expires_ms = (now_ms + IDLE_MS).min(session.since_ms + SESSION_MS);
        if expires_ms >= session.expires_ms + USED_EVERY_MS {
            let extend = OperatorCommand::Extend { token_hash: hash, expires_ms };
            self.ledger.submit(Command::Operator(extend)).await?;
        }
        Ok(found)
    }

    pub async fn log_out(&self, token: &str) -> Result<(), Unavailable> {
        let log_out = OperatorCommand::LogOut { token_hash: token_hash(token.as_bytes()) };
        self.ledger.submit(Command::Operator(log_out)).await.map(drop)
    }

    /// Makes the first owner, whom the token of the link lets in, and begins their session.
    pub async fn set_up(&self, token: &str, name: &str, password: &str) -> Result<SessionBegun, LogInFailure> {
        check_name(name).map_err(LogInFailure::Invalid)?;
        check_password(password).map_err(LogInFailure::Invalid)?;
        let token_hash = token_hash(token.as_bytes());
        // Asked first, so that strangers do not have passwords hashed. The store decides again.
        let offer = self.ledger.read(|snapshot| snapshot.set_up_offer()).await?;
        let is_good = offer.is_some_and(|offer| {
            crate::keys::is_same_secret(&offer.token_hash, &token_hash) && offer.expires_ms > now_ms()
        });
        if !is_good {
            return Err(LogInFailure::SetUpOver);
        }
        let password = self.passwords.hash_operator(password).await?;
        let set_up = OperatorCommand::SetUp { token_hash, name: name.to_owned(), password: password.clone() };
        match self.ledger.submit(Command::Operator(set_up)).await?.answer {
            Ok(_) => self.begin_session(name, password).await,
            Err(Refusal::SetUpOver | Refusal::OperatorExists) => Err(LogInFailure::SetUpOver),
            Err(refusal) => Err(Unavailable::Closed(format!("the store refused it: {refusal:?}")).into()),
        }
    }

    fn guesses(&self) -> std::sync::MutexGuard<'_, Guesses> {
        self.guesses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// May an operator be called so?
pub fn check_name(name: &str) -> Result<(), &'static str> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '@');
    match (1..=NAME_BYTES_MAX).contains(&name.len()) && name.chars().all(is_allowed) {
        true => Ok(()),
        false => Err("the name of an operator has 1 to 64 letters, digits and _ . - @"),
    }
}

pub fn check_password(password: &str) -> Result<(), &'static str> {
    match (PASSWORD_BYTES_MIN..=PASSWORD_BYTES_MAX).contains(&password.len()) {
        true => Ok(()),
        false => Err("the password of an operator has 10 to 256 bytes"),
    }
}
