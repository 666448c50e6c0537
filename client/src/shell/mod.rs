//! A client for programs on tokio: [`Client`] to ask, [`Events`] to be told.
//!
//! Three parts work for it: the driver's task, which owns the session and its link; a thread, which owns the store; a task
//! that hands out to the application. Nothing decides in here; that is the session's.

mod driver;
mod keeper;
mod labels;
mod local;
mod media;
mod network;
mod outgoing;
mod reads;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use anser_protocol::content::{Content, Platform};
use anser_protocol::error::ErrorCode;
use anser_protocol::ids::{Position, RoomId, TimeMs};
use anser_protocol::names::Chat;
use anser_protocol::options::SendOptions;
use anser_protocol::traits::Traits;
use ring::rand::SecureRandom;
use tokio::sync::{mpsc, oneshot, watch};

pub use self::labels::AliasAndTags;
pub use self::media::{Download, Downloaded, MediaError, Progress, Upload, Uploaded};
pub use self::reads::{ReadError, Readers};
pub use self::transport::{Choice, Dialer, DialerError, Failure, Incoming, Trust, TrustError, Unreachable, Wire};

use self::driver::Driver;
use self::keeper::Keeper;
use self::outgoing::Outgoing;
use crate::code::PushCode;
use crate::display::Display;
use crate::session::{
    self, Answer, CancelError, Config, Connection, LabelAnswer, LabelCall, Request, RequestError, SendError, SendState,
    Session,
};
use crate::store::{ConversationRow, LocalId, Message, OutboxEntry, Push, Release, Store, StoreError};

/// Calls that wait for the driver.
const COMMANDS_MAX: usize = 64;
/// Events that wait for the application.
const EVENTS_MAX: usize = 64;

/// What a client must be told.
#[derive(Clone, Debug)]
pub struct Options {
    pub app_key: String,
    pub platform: Platform,
    /// Names the network at the start; see [`Client::network_changed`].
    pub network: String,
    /// What the device tells of itself; none leaves what the server knows.
    pub traits: Traits,
    /// The registration id that this device had at another push service, for one that is new here: where the server waits
    /// for it, the device keeps it, with its alias and tags.
    pub former_registration_id: Option<String>,
    /// Whether messages and pushes come out as events. A program that only wants to send leaves them in the store, for one
    /// that listens later.
    pub records: Records,
}

/// What becomes of stored messages and pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Records {
    HandOut,
    Keep,
}

impl Options {
    pub fn new(app_key: &str) -> Self {
        Self {
            app_key: app_key.to_owned(),
            platform: Platform::DESKTOP,
            network: "default".to_owned(),
            traits: Traits::default(),
            former_registration_id: None,
            records: Records::HandOut,
        }
    }
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A message or event of a chat; each chat's come in order.
    Message(Message),
    Push(Push),
    Session(session::Event),
    /// No transport came through; the client goes on trying.
    Unreachable(Unreachable),
    /// The client has ended, for its store cannot go on.
    StoreFailed(Arc<StoreError>),
}

/// What is on its way to the application, and what to write down when it has been taken.
struct Delivery {
    event: Event,
    taken: Option<(Release, u64)>,
}

/// The place of a message on the server's disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    pub position: Position,
    pub at_ms: TimeMs,
}

/// Why a message did not come through.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendFailed {
    #[error("{message} (code {})", code.0)]
    Refused { code: ErrorCode, message: String },
    #[error(transparent)]
    NotTaken(#[from] SendError),
    #[error("the message was cancelled")]
    Cancelled,
    #[error("the client has ended")]
    Ended,
}

/// Why a user is not logged in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    #[error("{message} (code {})", code.0)]
    Refused { code: ErrorCode, message: String },
    #[error("no session of this user is stored here, or it has expired: the password is needed")]
    PasswordNeeded,
    #[error("{0}")]
    Invalid(String),
    #[error("another login took its place, or the client has ended")]
    Ended,
}

/// With what a user logs in.
enum Given {
    /// The stored session.
    Nothing,
    Password(String),
    Signed(String),
}

enum Command {
    Login {
        user: String,
        given: Given,
        answer: oneshot::Sender<Result<(), LoginError>>,
    },
    Request {
        request: Request,
        answer: oneshot::Sender<Result<Answer, RequestError>>,
    },
    Send {
        to: Target,
        content: Content,
        accepted: oneshot::Sender<Result<LocalId, SendError>>,
        outcome: oneshot::Sender<Result<Sent, SendFailed>>,
    },
    Resend {
        local: LocalId,
        accepted: oneshot::Sender<Result<(), SendError>>,
        outcome: oneshot::Sender<Result<Sent, SendFailed>>,
    },
    ForgetFailed {
        local: LocalId,
        answer: oneshot::Sender<Result<(), SendError>>,
    },
    Cancel {
        local: LocalId,
        answer: oneshot::Sender<Result<(), CancelError>>,
    },
    SendState {
        local: LocalId,
        answer: oneshot::Sender<Option<SendState>>,
    },
    Label {
        sequence: u32,
        call: LabelCall,
        answer: oneshot::Sender<Result<LabelAnswer, PushCode>>,
    },
    SetPushStopped {
        is_stopped: bool,
        done: oneshot::Sender<()>,
    },
    Display(Box<dyn FnOnce(&mut Display) + Send>),
    /// Does something that is to be kept.
    Act {
        act: Act,
        answer: oneshot::Sender<Result<(), RequestError>>,
    },
    NetworkChanged(String),
    InFront(bool),
    Stop(oneshot::Sender<()>),
}

/// Something that the session is to do now.
type Act = Box<dyn FnOnce(&mut Session, Duration) -> Result<(), RequestError> + Send>;

/// Where a message goes.
enum Target {
    Chat(Chat),
    Room(RoomId),
}

/// How the device stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    pub connection: Connection,
    /// Empty until the first registration succeeded.
    pub registration_id: String,
    pub is_push_stopped: bool,
}

/// One device and its connection. Clones name the same one; it ends when the last is dropped.
#[derive(Clone)]
pub struct Client {
    commands: mpsc::Sender<Command>,
    keeper: Keeper,
    status: watch::Receiver<Status>,
    /// For uploads and downloads.
    dialer: Arc<Dialer>,
}

impl Client {
    /// Begins to hold a connection. Must be called within a tokio runtime. A dialer that is shared goes on with what it
    /// learned: a client that starts later resumes the TLS sessions of an earlier one.
    pub fn start(
        options: Options,
        dialer: impl Into<Arc<Dialer>>,
        store: Box<dyn Store>,
    ) -> Result<(Self, Events), StoreError> {
        let stored = store.load()?;
        let config = Config {
            app_key: options.app_key,
            platform: options.platform,
            network: options.network,
            traits: options.traits,
            former_registration_id: options.former_registration_id,
        };
        let session = Session::new(config, stored, Box::new(fill));
        let (keeper, progress) = Keeper::start(store)
            .map_err(|error| StoreError::Disk { path: "the store's thread".to_owned(), reason: error.to_string() })?;
        let outgoing = Arc::new(Outgoing::default());
        let (commands, received) = mpsc::channel(COMMANDS_MAX);
        let (to_application, deliveries) = mpsc::channel(EVENTS_MAX);
        tokio::spawn(outgoing::hand_out(outgoing.clone(), keeper.clone(), to_application));
        let dialer = dialer.into();
        let (driver, status) =
            Driver::new(session, dialer.clone(), keeper.clone(), progress, outgoing, options.records);
        tokio::spawn(driver.run(received));
        let events = Events { deliveries, keeper: keeper.clone(), last: None };
        Ok((Self { commands, keeper, status, dialer }, events))
    }

    /// Keeps a user logged in on this device from now on. With a password, the server checks it; without, the stored
    /// session is used.
    pub async fn login(&self, user: &str, password: Option<&str>) -> Result<(), LoginError> {
        self.log_in(user, password.map_or(Given::Nothing, |password| Given::Password(password.to_owned()))).await
    }

    /// The same with a short-lived token that the app's own server signed for the user.
    pub async fn login_signed(&self, user: &str, token: &str) -> Result<(), LoginError> {
        self.log_in(user, Given::Signed(token.to_owned())).await
    }

    async fn log_in(&self, user: &str, given: Given) -> Result<(), LoginError> {
        let (answer, answered) = oneshot::channel();
        let user = user.to_owned();
        self.command(Command::Login { user, given, answer }).await.map_err(|Ended| LoginError::Ended)?;
        answered.await.unwrap_or(Err(LoginError::Ended))
    }

    /// Asks the server.
    pub async fn request(&self, request: Request) -> Result<Answer, RequestError> {
        let (answer, answered) = oneshot::channel();
        self.command(Command::Request { request, answer }).await.map_err(|Ended| RequestError::LinkLost)?;
        answered.await.unwrap_or(Err(RequestError::LinkLost))
    }

    /// Sends a message and waits until the server has it on disk. When this future is dropped the message is sent
    /// nevertheless, as soon as there is a link.
    pub async fn send(&self, chat: Chat, content: Content) -> Result<Sent, SendFailed> {
        let (_, outcome) = self.post(chat, content).await?;
        outcome.await.unwrap_or(Err(SendFailed::Ended))
    }

    /// Hands a message over for sending. The outcome comes as an event, and to the receiver that is returned.
    pub async fn post(
        &self,
        chat: Chat,
        content: Content,
    ) -> Result<(LocalId, oneshot::Receiver<Result<Sent, SendFailed>>), SendFailed> {
        self.post_to(Target::Chat(chat), content).await
    }

    /// Sends a message to a chat room that the user is in, and waits until the server has it on disk.
    pub async fn send_to_room(&self, room: RoomId, content: Content) -> Result<Sent, SendFailed> {
        let (_, outcome) = self.post_to(Target::Room(room), content).await?;
        outcome.await.unwrap_or(Err(SendFailed::Ended))
    }

    /// Goes into a chat room: its newest messages and all that follow come as events, also over later links, until the
    /// user leaves it or is put out.
    pub async fn enter_room(&self, room: RoomId) -> Result<(), RequestError> {
        self.request(Request::RoomEnter { room }).await.map(drop)
    }

    pub async fn leave_room(&self, room: RoomId) -> Result<(), RequestError> {
        self.request(Request::RoomLeave { room }).await.map(drop)
    }

    async fn post_to(
        &self,
        to: Target,
        content: Content,
    ) -> Result<(LocalId, oneshot::Receiver<Result<Sent, SendFailed>>), SendFailed> {
        let (accepted, is_accepted) = oneshot::channel();
        let (outcome, waited) = oneshot::channel();
        self.command(Command::Send { to, content, accepted, outcome }).await.map_err(|Ended| SendFailed::Ended)?;
        let local = is_accepted.await.map_err(|_| SendFailed::Ended)??;
        Ok((local, waited))
    }

    /// Sends the content of a message that was sent or received to another chat. The content is the record's; the sender's
    /// own options are left out.
    pub async fn forward(&self, chat: Chat, content: &Content, options: &SendOptions) -> Result<Sent, SendFailed> {
        self.send(chat, session::forwarded(content, options)).await
    }

    /// Sends a message again that failed, as the same message: the local id stays. Waits until the server has it on disk.
    pub async fn resend(&self, local: LocalId) -> Result<Sent, SendFailed> {
        let (accepted, is_accepted) = oneshot::channel();
        let (outcome, waited) = oneshot::channel();
        self.command(Command::Resend { local, accepted, outcome }).await.map_err(|Ended| SendFailed::Ended)?;
        is_accepted.await.map_err(|_| SendFailed::Ended)??;
        waited.await.unwrap_or(Err(SendFailed::Ended))
    }

    /// The user's messages that failed and can be sent again, the oldest first.
    pub async fn failed(&self, user: &str) -> Result<Vec<OutboxEntry>, StoreError> {
        let user = user.to_owned();
        let of_user = move |store: &dyn Store| {
            Ok(store.load()?.failed.into_iter().filter(|entry| *entry.user == *user).collect())
        };
        self.keeper.ask(of_user).await
    }

    /// Lets a message go that failed.
    pub async fn forget_failed(&self, local: LocalId) -> Result<(), SendFailed> {
        let (answer, answered) = oneshot::channel();
        self.command(Command::ForgetFailed { local, answer }).await.map_err(|Ended| SendFailed::Ended)?;
        Ok(answered.await.map_err(|_| SendFailed::Ended)??)
    }

    /// Takes a message back that waits and that the server cannot have yet.
    pub async fn cancel(&self, local: LocalId) -> Result<(), CancelError> {
        let (answer, answered) = oneshot::channel();
        self.command(Command::Cancel { local, answer }).await.map_err(|Ended| CancelError::Unknown)?;
        answered.await.unwrap_or(Err(CancelError::Unknown))
    }

    /// Where a message stands that was handed over; nothing when it is on its way no more.
    pub async fn send_state(&self, local: LocalId) -> Option<SendState> {
        let (answer, answered) = oneshot::channel();
        self.command(Command::SendState { local, answer }).await.ok()?;
        answered.await.ok()?
    }

    /// Changes or asks for tags, alias or mobile number. The outcome comes as an event as well, with the same `sequence`,
    /// unless it is refused at once.
    pub async fn label(&self, sequence: u32, call: LabelCall) -> Result<LabelAnswer, PushCode> {
        let (answer, answered) = oneshot::channel();
        self.command(Command::Label { sequence, call, answer }).await.map_err(|Ended| PushCode::Unknown)?;
        answered.await.unwrap_or(Err(PushCode::Unknown))
    }

    /// No pushes from now on, also after a restart, until they are resumed; everything else goes on.
    pub async fn stop_push(&self) {
        self.set_push_stopped(true).await;
    }

    /// Pushes again, those first that waited.
    pub async fn resume_push(&self) {
        self.set_push_stopped(false).await;
    }

    async fn set_push_stopped(&self, is_stopped: bool) {
        let (done, is_done) = oneshot::channel();
        if self.command(Command::SetPushStopped { is_stopped, done }).await.is_ok() {
            // A client that has ended has no pushes.
            let _ = is_done.await;
        }
    }

    /// Changes what is shown, or by which rules, and keeps it. Nothing when the client has ended.
    pub async fn display<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Display) -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        let change = Box::new(move |display: &mut Display| {
            // Whoever asked may have gone.
            let _ = answer.send(change(display));
        });
        self.command(Command::Display(change)).await.ok()?;
        answered.await.ok()
    }

    /// How the device stands now.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Has the server welcomed the device?
    pub fn is_connected(&self) -> bool {
        self.status.borrow().connection >= Connection::Connected
    }

    /// How many of the user's messages wait in the store for the server.
    pub async fn unsent(&self, user: &str) -> Result<usize, StoreError> {
        let user = user.to_owned();
        let count = move |store: &dyn Store| {
            let outbox = store.load()?.outbox;
            Ok(outbox.iter().filter(|entry| *entry.user == *user).count())
        };
        self.keeper.ask(count).await
    }

    /// The device is in another network, whatever name the application gives it, or something about its network has
    /// changed: a QUIC link moves along, others are opened anew at once. On Linux the client notices by itself when the
    /// device has another address, and takes the network for the same.
    pub async fn network_changed(&self, network: &str) {
        // A client that has ended has no link to move.
        let _ = self.command(Command::NetworkChanged(network.to_owned())).await;
    }

    /// The application came to the front. Every screen may say so; what counts is the first after it was gone. The server
    /// learns of it on this link or a later one.
    pub async fn in_front(&self) {
        // A client that has ended has nobody to tell.
        let _ = self.command(Command::InFront(true)).await;
    }

    /// The application is not in front any more.
    pub async fn gone(&self) {
        let _ = self.command(Command::InFront(false)).await;
    }

    /// The newest messages of a chat that are stored here, newest first.
    pub async fn stored_messages(
        &self,
        user: &str,
        chat: &Chat,
        before: Position,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        let (user, chat) = (user.to_owned(), chat.clone());
        self.keeper.ask(move |store| store.messages(&user, &chat, before, limit)).await
    }

    /// The user's conversations that are stored here, newest first.
    pub async fn stored_conversations(&self, user: &str) -> Result<Vec<ConversationRow>, StoreError> {
        let user = user.to_owned();
        let mut rows = self.keeper.ask(move |store| store.conversations(&user)).await?;
        rows.retain(|row| row.chat != Chat::Notices);
        Ok(rows)
    }

    /// Acknowledges what is stored, closes the link and the store.
    pub async fn stop(self) {
        let (stopped, is_stopped) = oneshot::channel();
        if self.command(Command::Stop(stopped)).await.is_ok() {
            let _ = is_stopped.await;
        }
    }

    fn has_ended(&self) -> bool {
        self.commands.is_closed()
    }

    /// Has the session do something; whoever asks the store next finds it there.
    async fn act(
        &self,
        act: impl FnOnce(&mut Session, Duration) -> Result<(), RequestError> + Send + 'static,
    ) -> Result<(), RequestError> {
        let (answer, answered) = oneshot::channel();
        let act = Box::new(act);
        self.command(Command::Act { act, answer }).await.map_err(|Ended| RequestError::LinkLost)?;
        answered.await.unwrap_or(Err(RequestError::LinkLost))
    }

    async fn command(&self, command: Command) -> Result<(), Ended> {
        self.commands.send(command).await.map_err(|_| Ended)
    }
}

/// The driver is gone.
struct Ended;

/// What happens, in order.
pub struct Events {
    deliveries: mpsc::Receiver<Delivery>,
    keeper: Keeper,
    last: Option<(Release, u64)>,
}

impl Events {
    /// The next event; nothing once the client has ended. Asking for the next one says that the one before has been taken:
    /// a record that was handed out and not taken when the process died is handed out again.
    pub async fn next(&mut self) -> Option<Event> {
        if let Some((release, place)) = self.last.take() {
            self.keeper.taken(&release, place);
        }
        let delivery = self.deliveries.recv().await?;
        self.last = delivery.taken;
        Some(delivery.event)
    }
}

/// The system's randomness.
pub fn fill(out: &mut [u8]) {
    ring::rand::SystemRandom::new()
        .fill(out)
        .expect("a system without randomness can keep no secret: nothing may go on");
}
