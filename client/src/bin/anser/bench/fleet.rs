//! All clients of a bench.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anser_client::shell::Dialer;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::link::{Account, Link, Role, Shared, Signal};
use super::tally::Tally;
use super::{PASSWORD, Users};
use crate::failure::Failure;
use crate::options::Global;

/// Links that do not close in this time are left.
const END_WITHIN: Duration = Duration::from_secs(5);

pub struct Fleet {
    pub tally: Arc<Tally>,
    shared: Arc<Shared>,
    users: Users,
    password: String,
    signal: watch::Sender<Signal>,
    tasks: JoinSet<()>,
}

impl Fleet {
    pub fn new(global: &Global, users: &Users) -> Result<Self, Failure> {
        Self::with_dialer(global, users, global.dialer()?)
    }

    pub fn with_dialer(global: &Global, users: &Users, dialer: Dialer) -> Result<Self, Failure> {
        let tally = Arc::new(Tally::default());
        let shared = Shared {
            app_key: global.app_key()?.to_owned(),
            dialer: Arc::new(dialer),
            tally: tally.clone(),
            turns: Arc::new(Semaphore::new(users.at_once.max(1))),
            begun: Instant::now(),
        };
        Ok(Self {
            tally,
            shared: Arc::new(shared),
            users: users.clone(),
            password: global.password.clone().unwrap_or_else(|| PASSWORD.to_owned()),
            signal: watch::Sender::new(Signal::GetReady),
            tasks: JoinSet::new(),
        })
    }

    /// Adds a client that is the user of this number.
    pub fn add_user(&mut self, number: usize, role: Role) {
        let account = Account {
            user: self.users.name(number),
            password: self.password.clone(),
            is_to_be_registered: self.users.register,
        };
        self.add(Some(account), role);
    }

    /// Adds a device without a user.
    pub fn add_device(&mut self) {
        self.add(None, Role::Wait);
    }

    fn add(&mut self, account: Option<Account>, role: Role) {
        let link = Link::new(self.shared.clone(), account, role);
        self.tasks.spawn(link.run(self.signal.subscribe()));
    }

    pub fn signal(&self, signal: Signal) {
        self.signal.send_replace(signal);
    }

    pub async fn end(mut self) {
        self.signal(Signal::End);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(END_WITHIN, all).await;
    }
}
