//! Users who came without a password: the first one that their app's server vouches for (`[[password_callback]]`) is theirs
//! from then on. Without such a server every password is wrong, until an operator or the app's server sets one.

use std::sync::Arc;

use anser_protocol::error::ErrorCode;
use anser_storage::command::{Command, UserCommand};
use anser_storage::ids::{AppNumber, UserNumber};
use tokio::sync::Semaphore;

use super::{Busy, Passwords};
use crate::bridge::AppServers;
use crate::bridge::app_server::{Signer, Vouched};
use crate::clock::now_ms;
use crate::ledger::Ledger;
use crate::link::send_rate::SendRates;

/// Whoever guesses a user's password does it at the app's server, which must not be flooded through us.
const GUESSES_PER_MINUTE: u32 = 10;
/// Logins that wait for app servers; others are told to come again.
const ASKING_MAX: usize = 256;

pub struct FirstPasswords {
    app_servers: Arc<AppServers>,
    ledger: Ledger,
    passwords: Passwords,
    guesses: SendRates,
    asking: Semaphore,
}

impl FirstPasswords {
    pub fn new(app_servers: Arc<AppServers>, ledger: Ledger, passwords: Passwords) -> Self {
        let (guesses, asking) = (SendRates::new(Some(GUESSES_PER_MINUTE)), Semaphore::new(ASKING_MAX));
        Self { app_servers, ledger, passwords, guesses, asking }
    }

    /// Is this the password of a user who has none here? If so it is stored when this returns.
    pub async fn check(&self, app: AppNumber, user: UserNumber, given: &str) -> Result<(), ErrorCode> {
        let found = self.ledger.read(move |snapshot| Ok((snapshot.app(app)?, snapshot.user(app, user)?))).await;
        let (Some(app_row), Some(user_row)) = found.map_err(|error| error.code())? else {
            return Err(ErrorCode::PASSWORD_WRONG);
        };
        if !self.app_servers.knows_passwords(&app_row.app_key) {
            // As slow as any other wrong one.
            let _ = self.passwords.verify(given, None).await.map_err(|Busy| ErrorCode::BUSY)?;
            return Err(ErrorCode::PASSWORD_WRONG);
        }
        if !self.guesses.admits(app, user, now_ms()) {
            return Err(ErrorCode::BUSY);
        }
        let Ok(_place) = self.asking.try_acquire() else { return Err(ErrorCode::BUSY) };
        let signer = Signer { app_key: &app_row.app_key, master_secret: &app_row.master_secret };
        match self.app_servers.vouch(signer, &user_row.username, given).await {
            Vouched::Right => self.store(app, user, given).await,
            Vouched::Wrong => Err(ErrorCode::PASSWORD_WRONG),
            Vouched::Unknown => Err(ErrorCode::BUSY),
        }
    }

    async fn store(&self, app: AppNumber, user: UserNumber, given: &str) -> Result<(), ErrorCode> {
        let hash = self.passwords.hash_given(given).await.map_err(|Busy| ErrorCode::BUSY)?;
        let command = UserCommand::UpgradePassword { app, user, from: String::new(), to: hash };
        self.ledger.submit(Command::User(command)).await.map_err(|error| error.code())?;
        Ok(())
    }
}
