//! One client of a bench: a session core, its state in memory, and its link, in one task.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anser_client::session::{Action, Config, Event, LinkEnd, Request, RequestError, Session, Transport};
use anser_client::shell::{self, Dialer, Incoming, Unreachable, Wire};
use anser_client::store::{LocalId, MemoryStore, Released};
use anser_protocol::content::{Content, Platform};
use anser_protocol::error::ErrorCode;
use anser_protocol::names::Chat;
use anser_protocol::traits::Traits;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::tally::Tally;

/// What all clients of a bench share.
pub struct Shared {
    pub app_key: String,
    pub dialer: Arc<Dialer>,
    pub tally: Arc<Tally>,
    /// Bounds those that connect at the same time.
    pub turns: Arc<Semaphore>,
    /// Times in messages count from here.
    pub begun: Instant,
}

/// A user to be.
pub struct Account {
    pub user: String,
    pub password: String,
    pub is_to_be_registered: bool,
}

/// What a client does once all are ready.
pub enum Role {
    Wait,
    /// Sends to a chat.
    Send {
        to: Chat,
        pace: Pace,
        bytes: usize,
    },
}

#[derive(Clone, Copy)]
pub enum Pace {
    /// One message in each interval, answered or not.
    Every(Duration),
    /// As fast as answers come, with so many unanswered.
    Window(usize),
}

/// What the bench tells its clients.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    GetReady,
    Go,
    /// Nothing more is sent.
    Pause,
    /// Close the link and open a new one.
    Reconnect(u32),
    /// Close the link and hold none.
    Leave,
    /// Open a link again.
    Return,
    End,
}

type Connecting = Pin<Box<dyn Future<Output = (OwnedSemaphorePermit, Result<(Transport, Wire), Unreachable>)> + Send>>;

pub struct Link {
    shared: Arc<Shared>,
    account: Option<Account>,
    role: Role,
    session: Session,
    store: MemoryStore,
    connecting: Option<Connecting>,
    permit: Option<OwnedSemaphorePermit>,
    wire: Option<Wire>,
    sent_at: BTreeMap<LocalId, Instant>,
    next_send: Option<tokio::time::Instant>,
    signal: Signal,
}

impl Link {
    pub fn new(shared: Arc<Shared>, account: Option<Account>, role: Role) -> Self {
        let store = MemoryStore::forgetful();
        let config = Config {
            app_key: shared.app_key.clone(),
            platform: Platform::DESKTOP,
            network: "bench".to_owned(),
            traits: Traits::default(),
            former_registration_id: None,
        };
        let session = Session::new(config, store.load(), Box::new(shell::fill));
        Self {
            shared,
            account,
            role,
            session,
            store,
            connecting: None,
            permit: None,
            wire: None,
            sent_at: BTreeMap::new(),
            next_send: None,
            signal: Signal::GetReady,
        }
    }

    pub async fn run(mut self, mut signals: watch::Receiver<Signal>) {
        self.session.start(self.now());
        self.introduce();
        loop {
            self.act().await;
            let deadline = self.session.next_deadline().unwrap_or(Duration::MAX);
            let wake_at = tokio::time::Instant::from_std(self.shared.begun) + deadline.min(Duration::from_secs(86_400));
            let next_send = self.next_send;
            tokio::select! {
                changed = signals.changed() => {
                    self.signal = *signals.borrow_and_update();
                    if changed.is_err() || self.signal == Signal::End {
                        break;
                    }
                    self.handle_signal();
                }
                incoming = next(&mut self.wire), if self.wire.is_some() => self.handle_incoming(incoming),
                (permit, connected) = connected(&mut self.connecting), if self.connecting.is_some() => {
                    self.connecting = None;
                    self.permit = Some(permit);
                    self.handle_connected(connected);
                }
                () = tokio::time::sleep_until(next_send.unwrap_or(wake_at)), if next_send.is_some() => self.send_in_time(),
                () = tokio::time::sleep_until(wake_at) => self.session.handle_timeout(self.now()),
            }
        }
        self.session.stop(self.now());
        self.act().await;
    }

    fn now(&self) -> Duration {
        self.shared.begun.elapsed()
    }

    /// Registers or logs in, if this client is to be a user.
    fn introduce(&mut self) {
        let Some(account) = &self.account else { return };
        let now = self.now();
        let asked = if account.is_to_be_registered {
            let (username, password) = (account.user.clone(), account.password.clone());
            self.session.request(Request::RegisterUser { username, password }, now).map(|_| ())
        } else {
            self.session.login(&account.user, Some(&account.password), now)
        };
        if let Err(error) = asked {
            self.shared.tally.set_trouble(error.to_string());
        }
    }

    async fn act(&mut self) {
        while let Some(action) = self.session.next_action() {
            match action {
                Action::Connect => self.connect(),
                Action::Transmit(bytes) => {
                    if let Some(wire) = &mut self.wire {
                        wire.queue(bytes);
                    }
                }
                Action::Store(ticket, writes) => {
                    self.store.apply(writes);
                    self.session.handle_stored(ticket, self.now());
                }
                Action::Release(release) => {
                    let now = Instant::now();
                    let released = self.store.release(&release);
                    released.into_iter().for_each(|released| self.count(&released, now));
                }
                Action::Emit(event) => self.handle_event(event),
                Action::Close => {
                    if let Some(wire) = self.wire.take() {
                        wire.close().await;
                    }
                }
            }
        }
    }

    fn connect(&mut self) {
        let (dialer, turns) = (self.shared.dialer.clone(), self.shared.turns.clone());
        self.connecting = Some(Box::pin(async move {
            let permit = turns.acquire_owned().await.expect("the turns are never closed");
            (permit, dialer.connect(None).await)
        }));
    }

    fn handle_connected(&mut self, connected: Result<(Transport, Wire), Unreachable>) {
        match connected {
            Ok((transport, wire)) => {
                self.wire = Some(wire);
                self.session.handle_connected(transport, self.now());
            }
            Err(unreachable) => {
                self.permit = None;
                if self.signal == Signal::GetReady {
                    self.shared.tally.set_trouble(unreachable.to_string());
                }
                self.session.handle_connect_failed(self.now());
            }
        }
    }

    fn handle_incoming(&mut self, incoming: std::io::Result<Option<Incoming>>) {
        let now = self.now();
        match incoming {
            Ok(Some(Incoming::Bytes(bytes))) => self.session.handle_bytes(&bytes, now),
            Ok(Some(Incoming::Message(message))) => self.session.handle_message(&message, now),
            Ok(None) | Err(_) => self.session.handle_disconnected(now),
        }
    }

    fn handle_event(&mut self, event: Event) {
        let tally = self.shared.tally.clone();
        match event {
            Event::Connected { .. } if self.account.is_none() => self.handle_ready(),
            Event::CaughtUp { .. } => self.handle_ready(),
            Event::Disconnected { reason } => {
                self.permit = None;
                match reason {
                    LinkEnd::Refused { message, .. } => tally.set_trouble(message),
                    LinkEnd::Stopped => tally.add_left(),
                    LinkEnd::NetworkChanged => {}
                    _ => {
                        tally.lost_links.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
            Event::LoginFailed { user, message, .. } => {
                tally.set_trouble(format!("{user}: {message} (does the user exist? --register makes it)"));
            }
            Event::Answered { result, .. } => self.handle_registered(result.map(|_| ())),
            Event::Sent { local, .. } => {
                if let Some(at) = self.sent_at.remove(&local) {
                    tally.add_answered(at.elapsed());
                }
                self.fill_window();
            }
            Event::SendFailed { local, message, .. } => {
                self.sent_at.remove(&local);
                tally.refused.fetch_add(1, Ordering::Relaxed);
                tally.set_trouble(message);
            }
            _ => {}
        }
    }

    fn handle_registered(&mut self, result: Result<(), RequestError>) {
        match result {
            Ok(()) | Err(RequestError::Refused { code: ErrorCode::USER_EXISTS, .. }) => {
                if let Some(account) = &mut self.account {
                    account.is_to_be_registered = false;
                }
                self.introduce();
            }
            Err(RequestError::Refused { code, .. }) if code.is_passing() => self.introduce(),
            Err(error) => self.shared.tally.set_trouble(error.to_string()),
        }
    }

    fn handle_ready(&mut self) {
        self.permit = None;
        self.shared.tally.add_ready();
    }

    fn handle_signal(&mut self) {
        match (self.signal, &self.role) {
            (Signal::Go, Role::Send { pace: Pace::Every(interval), .. }) => {
                // Spread over the first interval, so that not all senders speak at once.
                let mut byte = [0];
                shell::fill(&mut byte);
                self.next_send = Some(tokio::time::Instant::now() + *interval * u32::from(byte[0]) / 256);
            }
            (Signal::Go, Role::Send { pace: Pace::Window(_), .. }) => self.fill_window(),
            (Signal::Reconnect(_), _) => self.session.handle_network_changed("bench", self.now()),
            (Signal::Leave, _) => self.session.stop(self.now()),
            (Signal::Return, _) => self.session.start(self.now()),
            _ => self.next_send = None,
        }
    }

    fn send_in_time(&mut self) {
        if let Role::Send { pace: Pace::Every(interval), .. } = self.role {
            // An interval that was missed is made up for: the rate is what is offered, not what comes through.
            self.next_send = self.next_send.map(|at| at + interval);
            self.send();
        }
    }

    fn fill_window(&mut self) {
        if let Role::Send { pace: Pace::Window(window), .. } = self.role {
            while self.signal == Signal::Go && self.sent_at.len() < window && self.send() {}
        }
    }

    fn send(&mut self) -> bool {
        let Role::Send { to, bytes, .. } = &self.role else { return false };
        let nanos = u64::try_from(self.shared.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let mut text = format!("{nanos:x} ");
        text.extend(std::iter::repeat_n('.', bytes.saturating_sub(text.len())));
        let (to, at) = (to.clone(), Instant::now());
        match self.session.send(to, Content::text(&text), self.now()) {
            Ok(local) => {
                self.shared.tally.offered.fetch_add(1, Ordering::Relaxed);
                self.sent_at.insert(local, at);
                true
            }
            Err(error) => {
                self.shared.tally.set_trouble(error.to_string());
                false
            }
        }
    }

    fn count(&self, released: &Released, now: Instant) {
        match released {
            Released::Push { push, .. } => self.shared.tally.add_push(push.msg_id.0, now),
            Released::Message(message) => {
                let text = message.record.content.as_text();
                let nanos = text.and_then(|text| u64::from_str_radix(text.split(' ').next()?, 16).ok());
                // Group events, and what an earlier bench left, carry no time of this one.
                let Some(sent) = nanos.map(|nanos| self.shared.begun + Duration::from_nanos(nanos)) else { return };
                if self.signal == Signal::GetReady || sent > now {
                    return;
                }
                self.shared.tally.delivery_times.add(now - sent);
                self.shared.tally.add_received(now);
            }
        }
    }
}

async fn next(wire: &mut Option<Wire>) -> std::io::Result<Option<Incoming>> {
    match wire {
        Some(wire) => wire.next().await,
        None => std::future::pending().await,
    }
}

async fn connected(
    connecting: &mut Option<Connecting>,
) -> (OwnedSemaphorePermit, Result<(Transport, Wire), Unreachable>) {
    match connecting {
        Some(connecting) => connecting.as_mut().await,
        None => std::future::pending().await,
    }
}
