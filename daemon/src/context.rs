//! What every part of the daemon that serves somebody shares.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anser_protocol::ids::TimeMs;
use anser_storage::command::{AppCommand, Command};
use anser_storage::ids::AppNumber;
use anser_storage::outcome::Refusal;
use tokio::sync::Semaphore;

use crate::backup::Backups;
use crate::bridge::{AppServers, Bridges};
use crate::clearing::Clearing;
use crate::clock::now_ms;
use crate::config::Current;
use crate::console::demo::Demo;
use crate::keys::Keys;
use crate::ledger::{Ledger, Unavailable};
use crate::link::Links;
use crate::media::Media;
use crate::observe::Observer;
use crate::operator::Operators;
use crate::password::{Passwords, Upgrades};
use crate::removal::Removals;
use crate::rest::Walks;
use crate::rest::known::KnownApps;
use crate::rest::rate::Rates;
use crate::schedule::Alarm;
use crate::scrub::Scrubs;
use crate::serve::Reload;
use crate::shutdown::Shutdown;
use crate::switchboard::Switchboard;

/// Made once at the start and never changed; parts with state of their own guard it themselves.
pub struct Context {
    /// Replaced by a reload.
    pub config: Current,
    pub reload: Reload,
    pub keys: Keys,
    pub ledger: Ledger,
    pub passwords: Passwords,
    pub operators: Operators,
    /// Where this daemon serves HTTPS and links; port 0 has become a number.
    pub listen: Vec<SocketAddr>,
    /// Links of the demo.
    pub demo: Demo,
    /// Quick password hashes that wait to be replaced by slow ones.
    pub upgrades: Upgrades,
    pub switchboard: Arc<Switchboard>,
    /// What goes on behind deleted tags.
    pub clearing: Clearing,
    /// What goes on behind deleted apps, and users whose data are erased.
    pub removals: Removals,
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
    /// What is counted and remembered of all that.
    pub observer: Arc<Observer>,
    pub backups: Backups,
    /// Everything that serves for long watches this.
    pub shutdown: Shutdown,
    pub started: Instant,
    /// By the wall clock.
    pub started_ms: TimeMs,
}

pub type Shared = Arc<Context>;

impl Context {
    /// How far the wall clock was set since the start, against the one that cannot be set; negative when it went back.
    pub fn clock_stepped_ms(&self) -> i64 {
        let steady_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let expected_ms = self.started_ms.saturating_add(steady_ms);
        i64::try_from(i128::from(now_ms()) - i128::from(expected_ms)).unwrap_or(i64::MAX)
    }

    /// Of every kind.
    pub fn open_connections(&self) -> usize {
        self.config.limits.links.saturating_sub(self.connections.available_permits())
    }

    /// Deletes an app. When this returns, nobody finds it and its links end; its rows go in the background.
    pub async fn delete_app(&self, app: AppNumber) -> Result<Result<(), Refusal>, Unavailable> {
        let answer = self.ledger.submit(Command::App(AppCommand::Delete { app })).await?.answer;
        self.switchboard.end_app(app);
        self.removals.wake();
        Ok(answer.map(drop))
    }
}
