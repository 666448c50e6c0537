//! One simulated device: the product's session core and its store in memory, and an application on top.

use std::collections::{BTreeMap, BTreeSet};

use anser_client::session::{
    Action, Answer, Config, Event as Told, LinkEnd, Request, RequestError, RequestId, Session, Transport,
};
use anser_client::store::{LocalId, MemoryStore, Message, Release, Released};
use anser_protocol::content::{Content, ContentKind};
use anser_protocol::error::ErrorCode;
use anser_protocol::frame::ClientFrame;
use anser_protocol::ids::RoomId;
use anser_protocol::names::Chat;
use anser_protocol::traits::Traits;

use super::cast::{Place, password_of};
use super::course::{Course, Event, Life, LinkId, MS, Time, Way};
use super::network::{Network, dial_time};
use super::tally::Kind;
use super::themes::told::Heard;
use super::witness::{Witness, chain_of, key_of, push_chain};

/// Store actions that are begun within the time that one takes.
const STORING_MAX: usize = 400;

pub struct Client {
    pub index: usize,
    pub place: Place,
    /// Who is, or is to be, logged in: the index, and the name.
    pub acting: usize,
    pub user: String,
    pub app_key: String,
    /// Nothing while the process does not run.
    pub session: Option<Session>,
    pub store: MemoryStore,
    pub life: Life,
    born: Time,
    pub link: Option<LinkId>,
    /// Counts tries to connect; those before the last one were given up.
    pub tries: u64,
    last_stored: Time,
    /// The earliest look at the time that is asked for.
    due: Option<Time>,
    pub is_caught_up: bool,
    /// What the application waits to hear about, by local id: chain and key.
    pub waiting: BTreeMap<LocalId, (String, String)>,
    pub(super) requests: BTreeMap<RequestId, Wish>,
    pub(super) sent: u64,
    pub registration: Registration,
    /// Since the last link was opened, the server went back to a store that may not know the device.
    was_set_back: bool,
    pub tags: Label<BTreeSet<String>>,
    pub alias: Label<String>,
    /// Requests about groups that came back.
    pub departures: Vec<Departed>,
    /// Tokens that the server has ended, with the names of their users.
    pub ended: Vec<(String, Vec<u8>)>,
    /// The network that the client is in.
    pub networks: u64,
    /// In the village: what the application heard since the world last listened.
    pub heard: Option<Vec<Heard>>,
}

/// Does the server know this device?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registration {
    Never,
    Perhaps,
    Known(String),
}

/// A label of the device, as the server has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Label<T> {
    Settled(T),
    Unsure,
}

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Tags,
    Alias,
    /// A group, and who wants to leave it.
    Leave(usize, usize),
    /// To make room for this user; the token that ends with it.
    LogOut {
        to: usize,
        name: String,
        token: Vec<u8>,
    },
    Enter(RoomId),
    LeaveRoom(RoomId),
    /// Whatever comes of it.
    Any,
}

/// Who wanted to leave which group, and how that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departed {
    pub group: usize,
    pub user: usize,
    pub departure: Departure,
}

/// How a wish to leave a group ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    Left,
    /// Nobody knows whether the server did it.
    Unknown,
}

impl Client {
    pub fn new(index: usize, place: Place, user: String, app_key: String) -> Self {
        Self {
            index,
            acting: place.user,
            place,
            user,
            app_key,
            session: None,
            store: MemoryStore::default(),
            life: 0,
            born: 0,
            link: None,
            tries: 0,
            last_stored: 0,
            due: None,
            is_caught_up: false,
            waiting: BTreeMap::new(),
            requests: BTreeMap::new(),
            sent: 0,
            registration: Registration::Never,
            was_set_back: false,
            tags: Label::Settled(BTreeSet::new()),
            alias: Label::Settled(String::new()),
            departures: Vec::new(),
            ended: Vec::new(),
            networks: 0,
            heard: None,
        }
    }

    pub fn name(&self) -> &str {
        &self.place.name
    }

    /// The application as this user of the device sees it.
    fn receiver_of(&self, user: &str) -> String {
        let other = if self.acting == self.place.user { self.place.guest } else { Some(self.place.user) };
        match other {
            Some(other) if *user != self.user => self.place.receiver(other),
            _ => self.place.receiver(self.acting),
        }
    }

    /// The process starts, from what its disk holds.
    pub fn launch(&mut self, course: &mut Course) {
        if self.session.is_some() {
            return;
        }
        self.life += 1;
        self.born = course.now;
        self.due = None;
        let mut random = course.random.fork();
        let fill = Box::new(move |out: &mut [u8]| random.fill(out));
        let config = Config {
            app_key: self.app_key.clone(),
            platform: self.place.platform,
            network: "home".into(),
            traits: Traits::default(),
            former_registration_id: None,
        };
        let mut session = Session::new(config, self.store.load(), fill);
        if self.registration == Registration::Never {
            self.registration = Registration::Perhaps;
        }
        let password = password_of(&self.user);
        let has_token = self.store.load().users.get(self.user.as_str()).is_some_and(|user| !user.token.is_empty());
        let given = if has_token && course.random.percent(70) { None } else { Some(password.as_str()) };
        let logged_in = session.login(&self.user, given, course.since(self.born));
        assert!(logged_in.is_ok(), "the name and the password are well formed");
        self.note(Heard::Wishes);
        session.start(course.since(self.born));
        self.session = Some(session);
    }

    /// The process dies: only what is durable is left. The link is broken, or nobody is told.
    pub fn kill(&mut self, is_silent: bool, network: &mut Network, course: &mut Course) {
        course.note(format_args!("{}: killed", self.name()));
        self.session = None;
        self.life += 1;
        self.store.crash();
        self.requests_lost(course);
        self.note(Heard::Over);
        self.is_caught_up = false;
        self.close_link(is_silent, network, course);
    }

    /// Nobody in the new life knows of the old one's requests.
    fn requests_lost(&mut self, course: &mut Course) {
        for wish in std::mem::take(&mut self.requests).into_values() {
            self.wish_failed(wish, course);
        }
    }

    fn wish_failed(&mut self, wish: Wish, course: &mut Course) {
        match wish {
            Wish::Tags => self.tags = Label::Unsure,
            Wish::Alias => self.alias = Label::Unsure,
            Wish::Leave(group, user) => {
                self.departures.push(Departed { group, user, departure: Departure::Unknown });
            }
            Wish::LogOut { to, name, .. } => self.make_room_for(to, name, course),
            Wish::Enter(room) => self.note(Heard::Entered(room, false)),
            Wish::LeaveRoom(_) | Wish::Any => {}
        }
    }

    /// For the world to look at.
    pub(super) fn note(&mut self, heard: Heard) {
        if let Some(all) = &mut self.heard {
            all.push(heard);
        }
    }

    /// The application logs the next user in.
    fn make_room_for(&mut self, to: usize, name: String, course: &mut Course) {
        (self.acting, self.user) = (to, name);
        self.is_caught_up = false;
        course.after(MS, Event::GivePassword(self.index, self.life));
    }

    /// Another user takes over the device.
    pub fn change_user(
        &mut self,
        to: usize,
        name: String,
        logs_out: bool,
        network: &mut Network,
        witness: &mut Witness,
        course: &mut Course,
    ) -> Result<(), String> {
        if self.session.is_none() || self.requests.values().any(|wish| matches!(wish, Wish::LogOut { .. })) {
            return Ok(());
        }
        course.note(format_args!("{}: {name} takes over from {}", self.name(), self.user));
        if logs_out && self.is_caught_up {
            course.count(Kind::LoggedOut);
            let token = self.store.load().users.get(self.user.as_str()).map(|user| user.token.clone());
            let wish = Wish::LogOut { to, name, token: token.unwrap_or_default() };
            return self.wish(Request::Logout, wish, network, witness, course).map(drop);
        }
        course.count(Kind::UserChanged);
        self.note(Heard::Over);
        self.note(Heard::Wishes);
        (self.acting, self.user) = (to, name);
        self.is_caught_up = false;
        let has_token = self.store.load().users.get(self.user.as_str()).is_some_and(|user| !user.token.is_empty());
        let password = password_of(&self.user);
        let given = if has_token && course.random.percent(50) { None } else { Some(password) };
        let user = self.user.clone();
        let logged_in =
            self.with(network, witness, course, |session, now| session.login(&user, given.as_deref(), now))?;
        assert!(logged_in.is_none_or(|result| result.is_ok()), "the name and the password are well formed");
        Ok(())
    }

    fn close_link(&mut self, is_silent: bool, network: &mut Network, course: &mut Course) {
        self.tries += 1;
        let Some(link) = self.link.take() else { return };
        if is_silent {
            network.silence(link);
            network.drop_end(link, Way::Down);
        } else {
            network.close(link, Way::Up, course);
        }
    }

    /// Gives the session something to handle, then does what it asks for.
    pub fn with<T>(
        &mut self,
        network: &mut Network,
        witness: &mut Witness,
        course: &mut Course,
        handle: impl FnOnce(&mut Session, std::time::Duration) -> T,
    ) -> Result<Option<T>, String> {
        let now = course.since(self.born);
        let Some(session) = &mut self.session else { return Ok(None) };
        let result = handle(session, now);
        self.pump(network, witness, course)?;
        Ok(Some(result))
    }

    pub fn pump(&mut self, network: &mut Network, witness: &mut Witness, course: &mut Course) -> Result<(), String> {
        while let Some(action) = self.session.as_mut().and_then(Session::next_action) {
            match action {
                Action::Connect => {
                    self.tries += 1;
                    let delay = dial_time(course);
                    course.after(delay, Event::Dialled(self.index, self.tries));
                }
                Action::Transmit(bytes) => self.transmit(bytes, network, course)?,
                Action::Store(ticket, writes) => {
                    self.store.begin(ticket, writes);
                    self.last_stored = (course.now + course.random.below(25 * MS)).max(self.last_stored);
                    course.at(self.last_stored, Event::Stored(self.index, self.life));
                }
                Action::Release(release) => self.release(&release, witness, course)?,
                Action::Emit(told) => self.hear(told, witness, course)?,
                Action::Close => self.close_link(false, network, course),
            }
        }
        self.ask_for_time(course);
        self.check_memory()
    }

    /// What the session holds is bounded, whatever happens.
    fn check_memory(&self) -> Result<(), String> {
        match self.session.as_ref().map(Session::held) {
            // The disk is never so slow here that reading would have to wait for it.
            Some(held) if held.exceeds() || held.storing > STORING_MAX => {
                Err(format!("{} holds too much: {held:?}", self.name()))
            }
            _ => Ok(()),
        }
    }

    fn ask_for_time(&mut self, course: &mut Course) {
        let Some(deadline) = self.session.as_ref().and_then(Session::next_deadline) else { return };
        let at = (self.born + deadline.as_micros() as Time).max(course.now);
        if self.due.is_none_or(|due| at < due || due < course.now) {
            self.due = Some(at);
            course.at(at, Event::ClientDue(self.index, self.life));
        }
    }

    /// The time that was asked for has come.
    pub fn due(&mut self, network: &mut Network, witness: &mut Witness, course: &mut Course) -> Result<(), String> {
        if self.due.is_some_and(|due| due <= course.now) {
            self.due = None;
        }
        self.with(network, witness, course, |session, now| session.handle_timeout(now)).map(drop)
    }

    /// What is acknowledged must be on disk.
    fn transmit(&mut self, bytes: Vec<u8>, network: &mut Network, course: &mut Course) -> Result<(), String> {
        let Some(link) = self.link else { return Ok(()) };
        for frame in network.write_up(link, bytes, course)? {
            let stored = self.store.load();
            let cursor_of = |user: &str| stored.users.get(user).and_then(|user| user.cursor);
            let cursor = cursor_of(&self.user);
            let is_durable = match &frame {
                ClientFrame::Ack(ack) => Some(ack.position) <= cursor,
                ClientFrame::Login(login) => login.cursor <= cursor_of(&login.username),
                ClientFrame::Hello(hello) => hello.push_cursor <= stored.push_cursor,
                _ => true,
            };
            if !is_durable {
                return Err(format!("{} says {frame:?}, its cursor on disk is {cursor:?}", self.name()));
            }
        }
        Ok(())
    }

    fn release(&mut self, release: &Release, witness: &mut Witness, course: &mut Course) -> Result<(), String> {
        for released in self.store.release(release) {
            match released {
                Released::Message(message) if self.heard.is_some() => {
                    self.note(Heard::Released(Box::new(message)));
                }
                Released::Message(message) => {
                    if message.record.content.kind == ContentKind::EVENT {
                        continue;
                    }
                    let position = message.record.position;
                    let key = match message.record.content.kind {
                        ContentKind::AMENDED => {
                            course.count(Kind::AmendmentTold);
                            continue;
                        }
                        // The text is gone, and with it what the judge knows the message by.
                        ContentKind::RETRACTED => witness.amended_key(position.0).ok_or("nobody took this back")?,
                        _ => key_of(message.record.content.as_text().ok_or("a message without its text")?),
                    };
                    let key = key.to_owned();
                    let chain = chain_of(self.place.app, &message.user, &message.chat);
                    let receiver = self.receiver_of(&message.user);
                    course.note(format_args!("{receiver}: reads {key} at {position}"));
                    witness.received(&chain, &key, &receiver, position.0);
                    self.read_now_and_then(message, course);
                }
                Released::Push { push, .. } => {
                    let text = push.content.message.as_ref().map(|message| message.content.as_str());
                    let key = key_of(text.ok_or("a push without its text")?);
                    course.count(Kind::PushReceived);
                    course.note(format_args!("{}: push {key} at {}", self.name(), push.position));
                    witness.received(&push_chain(key), key, self.name(), push.msg_id.0);
                }
            }
        }
        Ok(())
    }

    /// The application shows some messages at once, and their chat is read up to there.
    fn read_now_and_then(&mut self, message: Message, course: &mut Course) {
        let now = course.since(self.born);
        let Some(session) = self.session.as_mut().filter(|session| session.user() == Some(&message.user)) else {
            return;
        };
        if message.record.position.0.is_multiple_of(5) {
            course.count(Kind::MarkedRead);
            let marked = session.mark_read(message.chat, message.record.position, now);
            assert!(marked.is_ok(), "somebody is logged in");
        }
    }

    /// The session tells the application.
    fn hear(&mut self, told: Told, witness: &mut Witness, course: &mut Course) -> Result<(), String> {
        if !matches!(told, Told::Connected { .. } | Told::Sent { .. }) {
            course.note(format_args!("{}: {told:?}", self.name()));
        }
        if self.heard.is_some() {
            let link = self.link;
            self.note(Heard::Told(Box::new(told.clone()), link));
            // The world judges what these say, and the village's applications do not come back by themselves.
            if matches!(told, Told::SendFailed { .. }) {
                return Ok(());
            }
            if matches!(told, Told::LoginFailed { .. } | Told::LoginNeeded { .. }) {
                self.is_caught_up = false;
                return Ok(());
            }
        }
        match told {
            // The store that said so may be lost, and the one that took its place may not know the device.
            Told::Registered { .. } if self.was_set_back => self.registration = Registration::Perhaps,
            Told::Registered { registration_id } => self.registration = Registration::Known(registration_id),
            Told::Disconnected { reason } => return self.link_ended(&reason, course),
            Told::CaughtUp { user } => self.is_caught_up |= *user == *self.user,
            Told::Sent { local, position, .. } => {
                if let Some((chain, key)) = self.waiting.remove(&local) {
                    course.note(format_args!("{}: {key} is answered with {position}", self.name()));
                    witness.answered(&chain, &key, position.0);
                }
            }
            Told::SendFailed { local, code, chat, .. } => {
                // Only what was refused for good, by a group or by a panic, may have been overtaken when it is repeated.
                let has_panicked = course.tally.has_met(Kind::CommandPanicked);
                let may_be = match code {
                    ErrorCode::SEND_NOT_A_MEMBER => true,
                    ErrorCode::SEND_FAILED => has_panicked,
                    ErrorCode::SEND_TOO_OLD => has_panicked || matches!(chat, Chat::Group(_)),
                    _ => false,
                };
                if !may_be {
                    return Err(format!("{}: a message was refused: {}", self.name(), code.text()));
                }
                if let Some((chain, key)) = self.waiting.remove(&local) {
                    witness.refused(&chain, &key);
                }
            }
            Told::LoginNeeded { user } if *user != *self.user => {}
            Told::LoginNeeded { .. } => course.after(MS, Event::GivePassword(self.index, self.life)),
            Told::LoginFailed { code, .. } => return Err(format!("{} cannot log in: {}", self.name(), code.text())),
            Told::Answered { request, result } => self.answered(request, result, witness, course),
            Told::SendUnsure { .. } => return Err(format!("{} doubts a message, and its store is whole", self.name())),
            // Nobody in here does such things.
            Told::SendCancelled { .. } | Told::CommandCame { .. } | Told::ProfileChanged { .. } => {}
            // What it says is in the store, and looked at in the end.
            Told::ReadMarked { .. } => course.count(Kind::MarkTold),
            Told::ReceiptChanged { .. } => {}
            Told::Connecting | Told::RegistrationFailed { .. } | Told::LabelAnswered { .. } => {}
            // Nobody in these stories goes into a chat room.
            Told::RoomSent { .. } | Told::RoomSendFailed { .. } | Told::RoomMessages { .. } => {}
            Told::RoomEvent { .. } | Told::RoomChanged { .. } => {}
            Told::Connected { .. } | Told::LoggedIn { .. } | Told::LoggedOut { .. } | Told::PutOff { .. } => {}
            // App servers withdraw nothing here.
            Told::PushWithdrawn { msg_id } => {
                return Err(format!("{} is told that {msg_id:?} is withdrawn", self.name()));
            }
        }
        Ok(())
    }

    fn link_ended(&mut self, reason: &LinkEnd, course: &mut Course) -> Result<(), String> {
        self.is_caught_up = false;
        match reason {
            LinkEnd::Gap => {
                course.count(Kind::Gap);
                Ok(())
            }
            LinkEnd::Malformed => Err(format!("{} could not read what it heard", self.name())),
            LinkEnd::Refused { code: ErrorCode::REGISTRATION, .. } => {
                // It is another device from now on.
                course.count(Kind::DeviceRenewed);
                self.registration = Registration::Perhaps;
                self.tags = Label::Unsure;
                self.alias = Label::Unsure;
                Ok(())
            }
            LinkEnd::Refused { code, .. } if *code != ErrorCode::TIMED_OUT && !code.is_passing() => {
                Err(format!("{} was refused: {}", self.name(), code.text()))
            }
            _ => Ok(()),
        }
    }

    fn answered(
        &mut self,
        request: RequestId,
        result: Result<Answer, RequestError>,
        witness: &Witness,
        course: &mut Course,
    ) {
        let Some(wish) = self.requests.remove(&request) else { return };
        match (wish, result) {
            (Wish::Tags, Ok(Answer::Tags(tags))) => self.tags = Label::Settled(tags.into_iter().collect()),
            (Wish::Alias, Ok(Answer::Alias(alias))) => self.alias = Label::Settled(alias),
            (Wish::Leave(group, user), Ok(_)) => {
                self.departures.push(Departed { group, user, departure: Departure::Left });
            }
            (Wish::Enter(room), Ok(_)) => self.note(Heard::Entered(room, true)),
            (Wish::LeaveRoom(room), Ok(_)) => self.note(Heard::Left(room, true)),
            (Wish::LogOut { to, name, token }, Ok(_)) => {
                // What is answered in a fault may be undone.
                if !witness.is_in_fault() {
                    self.ended.push((self.user.clone(), token));
                }
                self.make_room_for(to, name, course);
            }
            (wish, _) => self.wish_failed(wish, course),
        }
    }

    /// Writes a message; it is the application's own from here on, whatever the network does.
    pub fn say(
        &mut self,
        chat: Chat,
        padding: usize,
        network: &mut Network,
        witness: &mut Witness,
        course: &mut Course,
    ) -> Result<(), String> {
        if self.session.as_ref().is_none_or(|session| session.user().is_none()) {
            return Ok(());
        }
        self.sent += 1;
        let from = self.place.receiver(self.acting);
        let key = format!("{from}#{}", self.sent);
        let chain = chain_of(self.place.app, &self.user, &chat);
        witness.sent(&chain, &key, &from, true);
        course.note(format_args!("{from}: says {key} in {chain}"));
        let text = format!("{key}|{}", "-".repeat(padding));
        // The local id is known before anything can be answered.
        let now = course.since(self.born);
        let Some(session) = &mut self.session else { return Ok(()) };
        match session.send(chat, Content::text(&text), now) {
            Ok(local) => {
                self.waiting.insert(local, (chain, key));
            }
            Err(error) => return Err(format!("{} cannot send: {error}", self.place.name)),
        }
        self.pump(network, witness, course)
    }

    pub(super) fn wish(
        &mut self,
        request: Request,
        wish: Wish,
        network: &mut Network,
        witness: &mut Witness,
        course: &mut Course,
    ) -> Result<bool, String> {
        let now = course.since(self.born);
        let Some(session) = &mut self.session else { return Ok(false) };
        let Ok(id) = session.request(request, now) else { return Ok(false) };
        self.requests.insert(id, wish);
        self.pump(network, witness, course)?;
        Ok(true)
    }

    pub fn is_push_stopped(&self) -> bool {
        self.session.as_ref().is_some_and(Session::is_push_stopped)
    }

    pub fn stop_pushes(
        &mut self,
        stops: bool,
        network: &mut Network,
        witness: &mut Witness,
        course: &mut Course,
    ) -> Result<(), String> {
        let change = |session: &mut Session, now| match stops {
            true => session.stop_push(now),
            false => session.resume_push(now),
        };
        self.with(network, witness, course, change).map(drop)
    }

    pub fn set_tags(
        &mut self,
        tags: BTreeSet<String>,
        network: &mut Network,
        witness: &mut Witness,
        course: &mut Course,
    ) -> Result<(), String> {
        if self.requests.values().any(|wish| *wish == Wish::Tags) {
            return Ok(());
        }
        self.tags = Label::Unsure;
        let request = Request::TagsSet { tags: tags.into_iter().collect() };
        self.wish(request, Wish::Tags, network, witness, course).map(drop)
    }

    pub fn set_alias(
        &mut self,
        alias: String,
        network: &mut Network,
        witness: &mut Witness,
        course: &mut Course,
    ) -> Result<(), String> {
        if self.requests.values().any(|wish| *wish == Wish::Alias) {
            return Ok(());
        }
        self.alias = Label::Unsure;
        self.wish(Request::AliasSet { alias }, Wish::Alias, network, witness, course).map(drop)
    }

    /// Whether the wish was taken over; how it ended is told in `departures`.
    pub fn leave(
        &mut self,
        index: usize,
        group: anser_protocol::ids::GroupId,
        network: &mut Network,
        witness: &mut Witness,
        course: &mut Course,
    ) -> Result<bool, String> {
        self.wish(Request::GroupLeave { group }, Wish::Leave(index, self.acting), network, witness, course)
    }

    /// Is a request about groups on its way?
    pub fn is_leaving(&self) -> bool {
        self.requests.values().any(|wish| matches!(wish, Wish::Leave(..))) || !self.departures.is_empty()
    }

    pub fn registration_id(&self) -> Option<&String> {
        match &self.registration {
            Registration::Known(id) => Some(id),
            Registration::Never | Registration::Perhaps => None,
        }
    }

    pub fn is_registered(&self) -> bool {
        matches!(self.registration, Registration::Known(_))
    }

    /// The server comes back on an older image, which may not know the labels, and perhaps not even the device.
    pub fn set_back(&mut self, is_known: bool) {
        self.tags = Label::Unsure;
        self.alias = Label::Unsure;
        if !is_known && self.registration != Registration::Never {
            self.registration = Registration::Perhaps;
            self.was_set_back = true;
        }
    }

    /// The link is open.
    pub fn connected(
        &mut self,
        link: LinkId,
        transport: Transport,
        network: &mut Network,
        witness: &mut Witness,
        course: &mut Course,
    ) -> Result<(), String> {
        self.link = Some(link);
        self.was_set_back = false;
        self.with(network, witness, course, |session, now| session.handle_connected(transport, now)).map(drop)
    }
}
