//! The task that does what the session asks for, and tells it what happened.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::keeper::{Keeper, Progress};
use super::network::NetworkWatch;
use super::outgoing::{Ending, Outgoing};
use super::transport::{Dialer, Incoming, Unreachable, Wire};
use super::{Command, Event, Given, LoginError, Records, Sent, Status, Target};
use crate::code::PushCode;
use crate::session::{self, Action, LabelAnswer, LabelKind, RequestError, RequestId, Session, Ticket, Transport};
use crate::store::LocalId;

/// Nothing is read from the link or the application while so many store actions are under way.
const STORING_MAX: u64 = 64;
/// Nothing is read from the link while so much waits for the application.
const OUTGOING_MAX: usize = 4096;

type Connected = Result<(Transport, Wire), Unreachable>;

pub(super) struct Driver {
    session: Session,
    dialer: Arc<Dialer>,
    network: NetworkWatch,
    begun: Instant,
    keeper: Keeper,
    progress: watch::Receiver<Progress>,
    outgoing: Arc<Outgoing>,
    _ending: Ending,
    records: Records,
    wire: Option<Wire>,
    connecting: JoinSet<Connected>,
    closing: JoinSet<()>,
    last_ticket: Ticket,
    stored: Ticket,
    answers: BTreeMap<RequestId, oneshot::Sender<Result<session::Answer, RequestError>>>,
    sends: BTreeMap<LocalId, oneshot::Sender<Result<Sent, super::SendFailed>>>,
    labels: BTreeMap<(u32, LabelKind), VecDeque<LabelWaiting>>,
    login: Option<oneshot::Sender<Result<(), LoginError>>>,
    status: watch::Sender<Status>,
}

type LabelWaiting = oneshot::Sender<Result<LabelAnswer, PushCode>>;

impl Driver {
    pub(super) fn new(
        session: Session,
        dialer: Arc<Dialer>,
        keeper: Keeper,
        progress: watch::Receiver<Progress>,
        outgoing: Arc<Outgoing>,
        records: Records,
    ) -> (Self, watch::Receiver<Status>) {
        let (status, watched) = watch::channel(status_of(&session));
        let driver = Self {
            session,
            dialer,
            network: NetworkWatch::new(),
            begun: Instant::now(),
            keeper,
            progress,
            _ending: Ending(outgoing.clone()),
            outgoing,
            records,
            wire: None,
            connecting: JoinSet::new(),
            closing: JoinSet::new(),
            last_ticket: Ticket(0),
            stored: Ticket(0),
            answers: BTreeMap::new(),
            sends: BTreeMap::new(),
            labels: BTreeMap::new(),
            login: None,
            status,
        };
        (driver, watched)
    }

    /// Runs until the application stops it or has gone, or the store fails.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        self.session.start(self.now());
        let stopped = loop {
            self.act();
            let deadline = self.session.next_deadline();
            let wake_at = self.begun + deadline.unwrap_or_default();
            let may_take = self.last_ticket.0 - self.stored.0 < STORING_MAX;
            let may_read = may_take && self.outgoing.len() < OUTGOING_MAX;
            tokio::select! {
                changed = self.progress.changed() => {
                    if changed.is_err() || self.handle_progress() {
                        break None;
                    }
                }
                command = commands.recv(), if may_take => match command {
                    Some(Command::Stop(stopped)) => break Some(stopped),
                    Some(command) => self.handle_command(command),
                    None => break None,
                },
                incoming = next(&mut self.wire), if self.wire.is_some() && may_read => self.handle_incoming(incoming),
                Some(connected) = self.connecting.join_next() => self.handle_connected(connected),
                Some(_) = self.closing.join_next() => {}
                () = self.network.changed() => {
                    let network = self.session.network().to_owned();
                    self.handle_network_changed(&network);
                }
                () = sleep_until(wake_at), if deadline.is_some() => {
                    let now = self.now();
                    self.session.handle_timeout(now);
                }
            }
        };
        self.end().await;
        if let Some(stopped) = stopped {
            // Whoever asked may have gone.
            let _ = stopped.send(());
        }
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Does everything that the session asks for.
    fn act(&mut self) {
        while let Some(action) = self.session.next_action() {
            match action {
                Action::Connect => {
                    let (dialer, winner) = (self.dialer.clone(), self.session.remembered_winner());
                    // Whatever an earlier attempt brings is not wanted any more.
                    self.connecting = JoinSet::new();
                    self.connecting.spawn(async move { dialer.connect(winner).await });
                }
                Action::Transmit(bytes) => {
                    if let Some(wire) = &mut self.wire {
                        wire.queue(bytes);
                    }
                }
                Action::Store(ticket, writes) => {
                    self.last_ticket = ticket;
                    self.keeper.apply(ticket, writes);
                }
                Action::Release(release) if self.records == Records::HandOut => self.outgoing.push_release(release),
                Action::Release(_) => {}
                Action::Emit(event) => self.emit(event),
                Action::Close => {
                    if let Some(wire) = self.wire.take() {
                        self.closing.spawn(wire.close());
                    }
                }
            }
        }
        let status = status_of(&self.session);
        self.status.send_if_modified(|known| {
            let is_new = *known != status;
            *known = status;
            is_new
        });
    }

    /// Passes an event on, to whoever waits for it and to the application.
    fn emit(&mut self, event: session::Event) {
        match &event {
            session::Event::Answered { request, result } => {
                if let Some(waiting) = self.answers.remove(request) {
                    let _ = waiting.send(result.clone());
                    return;
                }
            }
            session::Event::Sent { local, position, at_ms, .. }
            | session::Event::RoomSent { local, position, at_ms, .. } => {
                if let Some(waiting) = self.sends.remove(local) {
                    let _ = waiting.send(Ok(Sent { position: *position, at_ms: *at_ms }));
                }
            }
            session::Event::SendFailed { local, code, message, .. }
            | session::Event::RoomSendFailed { local, code, message, .. } => {
                if let Some(waiting) = self.sends.remove(local) {
                    let _ = waiting.send(Err(super::SendFailed::Refused { code: *code, message: message.clone() }));
                }
            }
            session::Event::SendCancelled { local, .. } => {
                if let Some(waiting) = self.sends.remove(local) {
                    let _ = waiting.send(Err(super::SendFailed::Cancelled));
                }
            }
            session::Event::LabelAnswered { sequence, kind, result } => {
                let key = (*sequence, *kind);
                if let Some(waiting) = self.labels.get_mut(&key) {
                    // Of several with one number the first is answered first.
                    if let Some(waiting) = waiting.pop_front() {
                        let _ = waiting.send(result.clone());
                    }
                    if waiting.is_empty() {
                        self.labels.remove(&key);
                    }
                }
            }
            session::Event::LoggedIn { .. } => self.answer_login(Ok(())),
            session::Event::LoginFailed { code, message, .. } => {
                self.answer_login(Err(LoginError::Refused { code: *code, message: message.clone() }));
            }
            session::Event::LoginNeeded { .. } => self.answer_login(Err(LoginError::PasswordNeeded)),
            _ => {}
        }
        self.outgoing.push_event(Event::Session(event));
    }

    fn answer_login(&mut self, result: Result<(), LoginError>) {
        if let Some(waiting) = self.login.take() {
            let _ = waiting.send(result);
        }
    }

    /// Answers whether the store has failed.
    fn handle_progress(&mut self) -> bool {
        let progress = self.progress.borrow_and_update().clone();
        if let Some(failure) = progress.failure {
            self.outgoing.push_event(Event::StoreFailed(failure));
            return true;
        }
        if let Some(ticket) = progress.ticket {
            self.stored = ticket;
            let now = self.now();
            self.session.handle_stored(ticket, now);
        }
        false
    }

    fn handle_command(&mut self, command: Command) {
        let now = self.now();
        match command {
            Command::Login { user, given, answer } => {
                self.login = Some(answer);
                let begun = match &given {
                    Given::Nothing => self.session.login(&user, None, now),
                    Given::Password(password) => self.session.login(&user, Some(password), now),
                    Given::Signed(token) => self.session.login_signed(&user, token, now),
                };
                if let Err(error) = begun {
                    self.answer_login(Err(LoginError::Invalid(error.to_string())));
                }
            }
            Command::Request { request, answer } => match self.session.request(request, now) {
                Ok(id) => {
                    self.answers.insert(id, answer);
                }
                Err(error) => {
                    let _ = answer.send(Err(error));
                }
            },
            Command::Send { to, content, accepted, outcome } => {
                let taken = match to {
                    Target::Chat(chat) => self.session.send(chat, content, now),
                    Target::Room(room) => self.session.send_to_room(room, content, now),
                };
                if let Ok(local) = taken {
                    self.sends.insert(local, outcome);
                }
                let _ = accepted.send(taken);
            }
            Command::Resend { local, accepted, outcome } => {
                let taken = self.session.resend(local, now);
                if taken.is_ok() {
                    self.sends.insert(local, outcome);
                }
                let _ = accepted.send(taken);
            }
            Command::ForgetFailed { local, answer } => {
                let _ = answer.send(self.session.forget_failed(local, now));
            }
            Command::Cancel { local, answer } => {
                // Whoever asked may have gone.
                let _ = answer.send(self.session.cancel(local, now));
            }
            Command::SendState { local, answer } => {
                let _ = answer.send(self.session.send_state(local));
            }
            Command::Label { sequence, call, answer } => {
                let kind = call.kind();
                match self.session.label(sequence, call, now) {
                    Ok(()) => self.labels.entry((sequence, kind)).or_default().push_back(answer),
                    Err(code) => {
                        let _ = answer.send(Err(code));
                    }
                }
            }
            Command::SetPushStopped { is_stopped, done } => {
                if is_stopped {
                    self.session.stop_push(now);
                } else {
                    self.session.resume_push(now);
                }
                let _ = done.send(());
            }
            Command::Display(change) => self.session.change_display(change, now),
            Command::Act { act, answer } => {
                let taken = act(&mut self.session, now);
                // Whoever asks the store next finds it there.
                self.act();
                let _ = answer.send(taken);
            }
            Command::NetworkChanged(network) => self.handle_network_changed(&network),
            Command::InFront(true) => self.session.in_front(now),
            Command::InFront(false) => self.session.gone(now),
            // The loop has taken it.
            Command::Stop(_) => {}
        }
        self.sends.retain(|_, waiting| !waiting.is_closed());
    }

    fn handle_network_changed(&mut self, network: &str) {
        if let Err(error) = self.dialer.rebind() {
            log::warn!("the link cannot move to a new socket: {error}");
        }
        let now = self.now();
        self.session.handle_network_changed(network, now);
    }

    fn handle_incoming(&mut self, incoming: std::io::Result<Option<Incoming>>) {
        let now = self.now();
        match incoming {
            Ok(Some(Incoming::Bytes(bytes))) => self.session.handle_bytes(&bytes, now),
            Ok(Some(Incoming::Message(message))) => self.session.handle_message(&message, now),
            Ok(None) => self.session.handle_disconnected(now),
            Err(error) => {
                log::debug!("the link broke: {error}");
                self.session.handle_disconnected(now);
            }
        }
    }

    fn handle_connected(&mut self, connected: Result<Connected, JoinError>) {
        let now = self.now();
        match connected {
            Ok(Ok((transport, wire))) => {
                if let Some(server) = wire.peer() {
                    self.network.follow(server);
                }
                self.wire = Some(wire);
                self.session.remember_winner(transport);
                self.session.handle_connected(transport, now);
            }
            Ok(Err(unreachable)) => {
                if let Some(server) = unreachable.address() {
                    self.network.follow(server);
                }
                self.outgoing.push_event(Event::Unreachable(unreachable));
                self.session.handle_connect_failed(now);
            }
            Err(error) => {
                log::error!("connecting failed by a fault of this program: {error}");
                self.session.handle_connect_failed(now);
            }
        }
    }

    /// Says what is left to be said, and waits for the disk.
    async fn end(mut self) {
        let now = self.now();
        self.session.stop(now);
        self.act();
        self.connecting.shutdown().await;
        while self.closing.join_next().await.is_some() {}
        self.keeper.end().await;
    }
}

fn status_of(session: &Session) -> Status {
    Status {
        connection: session.connection(),
        registration_id: session.registration_id().to_owned(),
        is_push_stopped: session.is_push_stopped(),
    }
}

/// What arrives on the link, if there is one.
async fn next(wire: &mut Option<Wire>) -> std::io::Result<Option<Incoming>> {
    match wire {
        Some(wire) => wire.next().await,
        None => std::future::pending().await,
    }
}
