//! What all links share: the ways to the store, to passwords, to each other; and the sweeper of silent ones.

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anser_protocol::error::ErrorCode;
use anser_protocol::ids::TimeMs;
use anser_storage::command::{Command, MarkCommand};
use anser_storage::ids::{AppNumber, UserNumber};

use super::mailbox::Mailbox;
use super::query::{self, Query};
use super::readers::Readers;
use super::send_rate::SendRates;
use super::session::{GivenPassword, Heartbeat, Input, Rules, Ticket};
use crate::bridge::AppServers;
use crate::clock;
use crate::keys::random;
use crate::ledger::{Ledger, Unavailable};
use crate::message_check::Lane;
use crate::password::first::FirstPasswords;
use crate::password::{self, Passwords, Upgrade, Upgrades, Verdict};
use crate::switchboard::Switchboard;

/// How often silent links are looked for. A link's time is up at most this much later than promised.
const SWEEP: Duration = Duration::from_secs(2);

/// Threads that read the store for links: enough to keep a disk busy, few enough for a small host.
const READERS: usize = 3;

/// What the operator set, for each transport.
pub struct TransportRules {
    pub tcp: Arc<Rules>,
    pub quic: Arc<Rules>,
    pub websocket: Arc<Rules>,
}

impl TransportRules {
    /// The same rules for all, but for the heartbeat: NAT entries of UDP live shorter than those of TCP.
    pub fn new(rules: &Rules, bound: impl Fn(Heartbeat) -> Heartbeat) -> Self {
        let with = |heartbeat| Arc::new(Rules { heartbeat: bound(heartbeat), ..rules.clone() });
        Self { tcp: with(Heartbeat::TCP), quic: with(Heartbeat::QUIC), websocket: with(Heartbeat::WEBSOCKET) }
    }
}

pub struct Links {
    pub switchboard: Arc<Switchboard>,
    ledger: Ledger,
    readers: Readers,
    passwords: Passwords,
    upgrades: Upgrades,
    first_passwords: Arc<FirstPasswords>,
    pub(super) rules: TransportRules,
    app_servers: Arc<AppServers>,
    pub(super) sends: SendRates,
    open: Mutex<BTreeMap<u64, Arc<Mailbox>>>,
    last_number: AtomicU64,
}

impl Links {
    pub fn new(
        switchboard: Arc<Switchboard>,
        ledger: Ledger,
        passwords: Passwords,
        upgrades: Upgrades,
        rules: TransportRules,
        app_servers: Arc<AppServers>,
    ) -> io::Result<Self> {
        let readers = Readers::start(READERS)?;
        let (open, last_number) = (Mutex::default(), AtomicU64::new(0));
        let sends = SendRates::new(rules.tcp.sends_per_minute);
        let first = FirstPasswords::new(app_servers.clone(), ledger.clone(), passwords.clone());
        Ok(Self {
            switchboard,
            ledger,
            readers,
            passwords,
            upgrades,
            first_passwords: Arc::new(first),
            rules,
            app_servers,
            sends,
            open,
            last_number,
        })
    }

    pub fn now_ms(&self) -> TimeMs {
        clock::now_ms()
    }

    /// How many links are open.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn enter(&self, mailbox: &Arc<Mailbox>) -> u64 {
        let number = self.last_number.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(number, Arc::clone(mailbox));
        number
    }

    pub(super) fn leave(&self, number: u64) {
        self.lock().remove(&number);
    }

    /// Nudges links whose time is up, for as long as the daemon runs.
    pub async fn sweep(self: Arc<Self>) {
        loop {
            tokio::time::sleep(SWEEP).await;
            let now = self.now_ms();
            for mailbox in self.lock().values().filter(|mailbox| mailbox.is_due(now)) {
                mailbox.nudge();
            }
        }
    }

    /// Tells every link to go away and come back after `retry_after_ms`.
    pub fn drain(&self, retry_after_ms: u32) {
        for mailbox in self.lock().values() {
            mailbox.put_input(Input::Draining { retry_after_ms });
        }
    }

    /// `false`: there is no room now, and nothing was done.
    pub(super) fn submit(&self, mailbox: &Arc<Mailbox>, ticket: Ticket, command: Command) -> bool {
        let answered = Arc::clone(mailbox);
        let accepted = self.ledger.submit_then(command, move |outcome| {
            let outcome = outcome.map_err(|error| {
                log::debug!("a command was not carried out: {error}");
                error.code()
            });
            answered.put_input(Input::Outcome(ticket, outcome));
        });
        accepted.is_ok()
    }

    /// A lane for a link's sends, where app servers are asked about messages.
    pub(super) fn lane(&self) -> Option<Lane> {
        self.app_servers.checks_anybody().then(|| Lane::open(Arc::clone(&self.app_servers), self.ledger.clone()))
    }

    /// Marks are repeated by clients: one that finds no room is dropped.
    pub(super) fn mark(&self, mark: MarkCommand) {
        if self.ledger.submit_then(Command::Mark(mark), |_| ()).is_err() {
            log::debug!("the writer's queue is full; a mark is dropped");
        }
    }

    pub(super) fn ask(&self, mailbox: &Arc<Mailbox>, ticket: Ticket, question: Query) {
        let (answered, ledger, now) = (Arc::clone(mailbox), self.ledger.clone(), self.now_ms());
        self.readers.run(move || {
            let answer = unharmed(|| ledger.read_here(|snapshot| query::answer(snapshot, question.clone(), now)));
            answered.put_input(Input::Answer(ticket, answer));
        });
    }

    pub(super) fn check_password(
        &self,
        mailbox: &Arc<Mailbox>,
        ticket: Ticket,
        (app, user): (AppNumber, UserNumber),
        given: GivenPassword,
        stored: String,
    ) {
        let (answered, passwords) = (Arc::clone(mailbox), self.passwords.clone());
        let (upgrades, first) = (self.upgrades.clone(), Arc::clone(&self.first_passwords));
        tokio::spawn(async move {
            if stored.is_empty() {
                // The login then finds another password than the one that it looked up, and checks once more.
                let found = first.check(app, user, &given.0).await.map(|()| random());
                return answered.put_input(Input::PasswordChecked { ticket, found });
            }
            let verdict = passwords.verify(&given.0, Some(&stored)).await;
            let found = match verdict {
                Ok(Verdict::Right | Verdict::RightButQuick) => Ok(random()),
                Ok(Verdict::Wrong) => Err(ErrorCode::PASSWORD_WRONG),
                Err(password::Busy) => Err(ErrorCode::BUSY),
            };
            answered.put_input(Input::PasswordChecked { ticket, found });
            // Of the MD5 form nobody knows the password that is to be hashed.
            if verdict == Ok(Verdict::RightButQuick) && !password::is_md5_form(&given.0) {
                upgrades.add(Upgrade { app, user, password: given.0, quick: stored });
            }
        });
    }

    pub(super) fn hash_password(&self, mailbox: &Arc<Mailbox>, ticket: Ticket, password: String) {
        let (answered, passwords) = (Arc::clone(mailbox), self.passwords.clone());
        tokio::spawn(async move {
            let hash = passwords.hash_slow(&password).await.ok();
            answered.put_input(Input::PasswordHashed { ticket, hash });
        });
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Mailbox>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session that is never answered would wait for ever: a panic is an answer, too.
fn unharmed<T>(answer: impl FnOnce() -> Result<T, Unavailable>) -> Result<T, ErrorCode> {
    match catch_unwind(AssertUnwindSafe(answer)) {
        Ok(answer) => answer.map_err(|error| error.code()),
        Err(_) => {
            log::error!("a question to the store panicked");
            Err(ErrorCode::INTERNAL)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g27_a_question_that_panics_is_answered() {
        for _ in 0..1000 {
            // As `panic!` does, without the hook that would print it.
            let answer = unharmed::<()>(|| std::panic::resume_unwind(Box::new("a bug, on purpose")));
            assert_eq!(answer, Err(ErrorCode::INTERNAL));
        }
    }
}
