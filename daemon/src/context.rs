//! What every part of the daemon that serves somebody shares.

use std::sync::Arc;
use std::time::Instant;

use anser_storage::command::{AppCommand, Command};
use anser_storage::ids::AppNumber;
use anser_storage::outcome::{Answer, Refusal};
use tokio::sync::Semaphore;

use crate::bridge::{AppServers, Bridges};
use crate::clearing::Clearing;
use crate::config::Config;
use crate::keys::Keys;
use crate::ledger::{Ledger, Unavailable};
use crate::link::Links;
use crate::media::Media;
use crate::password::{Passwords, Upgrades};
use crate::rest::Walks;
use crate::rest::known::KnownApps;
use crate::rest::rate::Rates;
use crate::schedule::Alarm;
use crate::scrub::Scrubs;
use crate::shutdown::Shutdown;
use crate::switchboard::Switchboard;

/// Made once at the start and never changed; parts with state of their own guard it themselves.
pub struct Context {
    pub config: Config,
    pub keys: Keys,
    pub ledger: Ledger,
    pub passwords: Passwords,
    /// Quick password hashes that wait to be replaced by slow ones.
    pub upgrades: Upgrades,
    pub switchboard: Arc<Switchboard>,
    /// What goes on behind deleted tags.
    pub clearing: Clearing,
    /// Wakes the job that fires scheduled pushes.
    pub schedules: Alarm,
    /// The ways to sleeping devices.
    pub bridges: Bridges,
    /// Apps that have called.
    pub known_apps: KnownApps,
    /// Those that are told of messages, or asked about them.
    pub app_servers: Arc<AppServers>,
    /// Queries of messages that are read page by page.
    pub walks: Walks,
    /// How often each app called in this minute.
    pub rates: Rates,
    /// The open links of devices.
    pub links: Arc<Links>,
    /// One permit for each open connection of any kind; taken when it is accepted, given back when it is gone.
    pub connections: Arc<Semaphore>,
    pub media: Media,
    /// What the job that looks for damage has found.
    pub scrubs: Scrubs,
    /// Everything that serves for long watches this.
    pub shutdown: Shutdown,
    pub started: Instant,
}

pub type Shared = Arc<Context>;

impl Context {
    /// Deletes an app. Nobody finds it after the first slice, and its links end; the rest only gives back space.
    pub async fn delete_app(&self, app: AppNumber) -> Result<Result<(), Refusal>, Unavailable> {
        let mut answer = self.ledger.submit(Command::App(AppCommand::Delete { app })).await?.answer;
        self.switchboard.end_app(app);
        while answer == Ok(Answer::Continue) {
            answer = self.ledger.submit(Command::App(AppCommand::Delete { app })).await?.answer;
        }
        self.media.remove_app(app).await;
        Ok(answer.map(drop))
    }
}
