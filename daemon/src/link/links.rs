//! What all links share: the ways to the store, to passwords, to each other; and the sweeper of silent ones.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anser_protocol::error::ErrorCode;
use anser_protocol::frame::people::ProfileChanged;
use anser_protocol::ids::TimeMs;
use anser_storage::command::{Command, MarkCommand};
use anser_storage::ids::{AppNumber, DeviceNumber, UserNumber};

use super::mailbox::Mailbox;
use super::query::{self, Answer, Query};
use super::readers::Readers;
use super::send_rate::SendRates;
use super::session::{GivenPassword, Heartbeat, Input, Rules, Ticket};
use super::web_signature::UsedSignatures;
use crate::bridge::AppServers;
use crate::clock;
use crate::keys::random;
use crate::ledger::{Ledger, Unavailable};
use crate::message_check::Lane;
use crate::observe::metrics::Login as Counted;
use crate::observe::{Observer, Transport};
use crate::operator::guess::{Guesses, Turn};
use crate::password::first::FirstPasswords;
use crate::password::{self, Passwords, Upgrade, Upgrades, Verdict};
use crate::switchboard::Switchboard;

/// How often silent links are looked for. A link's time is up at most this much later than promised.
const SWEEP: Duration = Duration::from_secs(2);

/// Threads that read the store for links: enough to keep a disk busy, few enough for a small host.
const READERS: usize = 3;
/// A wrong password makes its user wait no longer than this, at that address: clients wait for the answer.
const GUESS_DELAY_MAX: Duration = Duration::from_secs(10);

/// The most users who are told that somebody's profile changed.
pub const PROFILE_TOLD_MAX: usize = 2000;
/// Changes of profiles that wait to be told; more of them are told to nobody.
const PROFILES_WAITING_MAX: usize = 256;

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
    rules: RwLock<Arc<TransportRules>>,
    app_servers: Arc<AppServers>,
    pub(super) sends: SendRates,
    pub(super) observer: Arc<Observer>,
    profiles_waiting: Arc<AtomicUsize>,
    guesses: Arc<Mutex<Guesses>>,
    used_signatures: Arc<UsedSignatures>,
    open: Mutex<BTreeMap<u64, Open>>,
    last_number: AtomicU64,
}

/// Where a link comes from.
#[derive(Clone, Copy, Debug)]
pub struct From {
    pub transport: Transport,
    /// As it was when the link was opened.
    pub peer: SocketAddr,
}

/// An open link as an operator may know it.
#[derive(Clone, Debug)]
pub struct About {
    pub number: u64,
    pub from: From,
    pub since_ms: TimeMs,
    pub device: Option<(AppNumber, DeviceNumber)>,
    pub user: Option<(AppNumber, UserNumber)>,
}

struct Open {
    mailbox: Arc<Mailbox>,
    about: About,
}

impl Links {
    pub fn new(
        switchboard: Arc<Switchboard>,
        ledger: Ledger,
        passwords: Passwords,
        upgrades: Upgrades,
        rules: TransportRules,
        app_servers: Arc<AppServers>,
        observer: Arc<Observer>,
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
            rules: RwLock::new(Arc::new(rules)),
            app_servers,
            sends,
            observer,
            profiles_waiting: Arc::default(),
            guesses: Arc::new(Mutex::new(Guesses::with_delays_up_to(GUESS_DELAY_MAX))),
            used_signatures: Arc::default(),
            open,
            last_number,
        })
    }

    pub fn now_ms(&self) -> TimeMs {
        clock::now_ms()
    }

    /// For links that come now.
    pub(super) fn rules(&self) -> Arc<TransportRules> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Links that are open keep theirs, but for the pace at which users send.
    pub fn take_rules(&self, rules: TransportRules) {
        self.sends.set(rules.tcp.sends_per_minute);
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }

    /// How many links are open.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn enter(&self, mailbox: &Arc<Mailbox>, from: From) -> u64 {
        let number = self.last_number.fetch_add(1, Ordering::Relaxed);
        let about = About { number, from, since_ms: self.now_ms(), device: None, user: None };
        self.lock().insert(number, Open { mailbox: Arc::clone(mailbox), about });
        self.observer.metrics.links_opened[from.transport as usize].inc();
        self.observer.metrics.links[from.transport as usize].inc();
        number
    }

    pub(super) fn leave(&self, number: u64) {
        if let Some(open) = self.lock().remove(&number) {
            self.observer.metrics.links[open.about.from.transport as usize].dec();
        }
    }

    /// Tells of a link by the names of whose it is, which are looked up only when somebody wants to read that.
    pub(super) fn tell(&self, number: u64, what: &'static str) {
        if !log::log_enabled!(log::Level::Debug) {
            return;
        }
        let Some(about) = self.lock().get(&number).map(|open| open.about.clone()) else { return };
        let ledger = self.ledger.clone();
        self.readers.run(move || {
            let named = ledger.read_here(|snapshot| {
                let app = about.device.map(|(app, _)| snapshot.app(app)).transpose()?.flatten();
                let device = about.device.map(|(app, device)| snapshot.device(app, device)).transpose()?.flatten();
                let user = about.user.map(|(app, user)| snapshot.user(app, user)).transpose()?.flatten();
                Ok((app, device, user))
            });
            let Ok((app, device, user)) = named else { return };
            let app = app.map_or_else(String::new, |app| app.app_key);
            let device = device.map_or_else(String::new, |device| device.registration_id);
            let user = user.map_or_else(String::new, |user| user.username.to_string());
            let (link, transport, peer) = (about.number, about.from.transport.name(), about.from.peer);
            log::debug!(link, app, device, user, transport, peer:% = peer; "{what}");
        });
    }

    /// What is known of a link has changed.
    pub(super) fn know(&self, number: u64, change: impl FnOnce(&mut About)) {
        if let Some(open) = self.lock().get_mut(&number) {
            change(&mut open.about);
        }
    }

    /// Links of the wanted kind above `after`, in the order in which they were opened, at most `limit`, and how many there
    /// are of that kind in all.
    pub fn list(&self, after: Option<u64>, limit: usize, is_wanted: impl Fn(&About) -> bool) -> (Vec<About>, usize) {
        let open = self.lock();
        let wanted = || open.values().map(|open| &open.about).filter(|about| is_wanted(about));
        let page = wanted().filter(|about| after.is_none_or(|after| about.number > after)).take(limit);
        (page.cloned().collect(), wanted().count())
    }

    /// Ends these links, and tells their clients why. Returns how many were still open.
    pub fn kick(&self, numbers: &[u64], reason: &str) -> usize {
        let open = self.lock();
        let mailboxes: Vec<_> =
            numbers.iter().filter_map(|number| open.get(number)).map(|open| &open.mailbox).collect();
        for mailbox in &mailboxes {
            mailbox.put_input(Input::Kicked { reason: reason.to_owned() });
        }
        self.observer.metrics.kicked.inc_by(mailboxes.len() as u64);
        mailboxes.len()
    }

    /// Nudges links whose time is up, for as long as the daemon runs.
    pub async fn sweep(self: Arc<Self>) {
        loop {
            tokio::time::sleep(SWEEP).await;
            let now = self.now_ms();
            for mailbox in self.lock().values().map(|open| &open.mailbox).filter(|mailbox| mailbox.is_due(now)) {
                mailbox.nudge();
            }
        }
    }

    /// Tells every link to go away and come back after `retry_after_ms`.
    pub fn drain(&self, retry_after_ms: u32) {
        for open in self.lock().values() {
            open.mailbox.put_input(Input::Draining { retry_after_ms });
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

    /// Tells those of the user's acquaintances who are connected that the profile changed. It is kept nowhere: whoever is
    /// not told finds out when they ask.
    pub fn tell_profile(&self, app: AppNumber, user: UserNumber, changed: Arc<ProfileChanged>) {
        let waiting = Arc::clone(&self.profiles_waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= PROFILES_WAITING_MAX {
            waiting.fetch_sub(1, Ordering::Relaxed);
            return log::debug!("too many profiles change at once; nobody is told of one");
        }
        let (ledger, switchboard) = (self.ledger.clone(), Arc::clone(&self.switchboard));
        self.readers.run(move || {
            match unharmed(|| ledger.read_here(|snapshot| snapshot.acquaintances(app, user, PROFILE_TOLD_MAX))) {
                Ok(users) => switchboard.tell_profile(app, users, &changed),
                Err(code) => log::debug!("nobody is told of a changed profile: {code:?}"),
            }
            waiting.fetch_sub(1, Ordering::Relaxed);
        });
    }

    pub(super) fn ask(&self, mailbox: &Arc<Mailbox>, ticket: Ticket, question: Query) {
        let (answered, ledger, now) = (Arc::clone(mailbox), self.ledger.clone(), self.now_ms());
        let used = Arc::clone(&self.used_signatures);
        self.readers.run(move || {
            let mut answer = unharmed(|| ledger.read_here(|snapshot| query::answer(snapshot, question.clone(), now)));
            if let (Query::LogIn { app, web: Some(web), .. }, Ok(Answer::LogIn(_))) = (&question, &answer)
                && !used.take(*app, &web.random, now)
            {
                answer = Ok(Answer::UserGone(ErrorCode::WEB_SIGNATURE_OVER));
            }
            answered.put_input(Input::Answer(ticket, answer));
        });
    }

    pub(super) fn check_password(
        &self,
        mailbox: &Arc<Mailbox>,
        ticket: Ticket,
        login: Login,
        given: GivenPassword,
        stored: String,
    ) {
        let (answered, passwords) = (Arc::clone(mailbox), self.passwords.clone());
        let (upgrades, first) = (self.upgrades.clone(), Arc::clone(&self.first_passwords));
        let observer = self.observer.clone();
        let (Login { app, user, from }, guesses) = (login, Arc::clone(&self.guesses));
        let account = format!("{}.{}", app.0, user.0);
        tokio::spawn(async move {
            let asked = guesses.lock().unwrap_or_else(PoisonError::into_inner).ask(&account, from, Instant::now());
            match asked {
                Turn::After(wait) if wait.is_zero() => {}
                Turn::After(wait) => tokio::time::sleep(wait).await,
                Turn::TooMany => {
                    return answered.put_input(Input::PasswordChecked { ticket, found: Err(ErrorCode::BUSY) });
                }
            }
            if stored.is_empty() {
                // The login then finds another password than the one that it looked up, and checks once more.
                let found = first.check(app, user, &given.0).await.map(|()| random());
                return answered.put_input(Input::PasswordChecked { ticket, found });
            }
            let verdict = passwords.verify(&given.0, Some(&stored)).await;
            count_login(&observer, verdict);
            let found = match verdict {
                Ok(Verdict::Right | Verdict::RightButQuick) => Ok(random()),
                Ok(Verdict::Wrong) => Err(ErrorCode::PASSWORD_WRONG),
                Err(password::Busy) => Err(ErrorCode::BUSY),
            };
            {
                let mut guesses = guesses.lock().unwrap_or_else(PoisonError::into_inner);
                match verdict {
                    Ok(Verdict::Right | Verdict::RightButQuick) => guesses.succeeded(&account, from, Instant::now()),
                    Ok(Verdict::Wrong) => guesses.failed(&account, from, Instant::now()),
                    Err(password::Busy) => {}
                }
            }
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

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those that succeed are counted where the user is attached.
fn count_login(observer: &Observer, verdict: Result<Verdict, password::Busy>) {
    match verdict {
        Ok(Verdict::Right | Verdict::RightButQuick) => {}
        Ok(Verdict::Wrong) => drop(observer.metrics.logins[Counted::WrongPassword as usize].inc()),
        Err(password::Busy) => drop(observer.metrics.logins[Counted::Busy as usize].inc()),
    }
}

/// Whose password is to be checked, and from where they say it.
#[derive(Clone, Copy)]
pub(super) struct Login {
    pub app: AppNumber,
    pub user: UserNumber,
    pub from: IpAddr,
}

/// A session that is never answered would wait for ever: a panic is an answer, too.
fn unharmed<T>(answer: impl FnOnce() -> Result<T, Unavailable>) -> Result<T, ErrorCode> {
    match catch_unwind(AssertUnwindSafe(answer)) {
        Ok(answer) => answer.map_err(|error| error.code()),
        Err(_) => {
            log::error!("a question to the store panicked; this is a bug, please report it with the line before");
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
