//! The client's session core: what to say to the server, what to keep, what to tell the application.
//!
//! There is no socket, no disk, no clock and no task in here. Feed a [`Session`] what happened, with the time (any clock
//! that never runs backwards, as the time since its start), then do what it asks for until it asks for nothing:
//!
//! - what came from the network: [`Session::handle_connected`], [`Session::handle_bytes`] or, on WebSocket,
//!   [`Session::handle_message`], [`Session::handle_disconnected`];
//! - what the store has made durable: [`Session::handle_stored`];
//! - that time has passed: [`Session::handle_timeout`], at the latest at [`Session::next_deadline`];
//! - what the application wants: [`Session::login`], [`Session::send`], [`Session::request`], …
//!
//! What comes out is [`Action`]s, to be done in their order. The state is small and bounded: cursors, holes, the outbox and
//! the last msg_ids of pushes; messages themselves only pass through to the store.
//!
//! Invariants:
//! - A cursor moves on disk in the same transaction as what it covers, and only along an unbroken run of `after`.
//! - The server learns a cursor, and the application learns a record, only after that transaction.
//! - A hello or login names only what is on disk: it waits while cursors are still being written.

mod acks;
mod action;
mod activity;
mod backoff;
mod connection;
mod display;
mod group_requests;
mod heartbeat;
mod held;
mod holes;
mod labels;
mod link;
mod local;
mod login;
mod network;
mod outbox;
mod people;
mod push_stop;
mod pushes;
mod random;
mod reads;
mod requests;
mod rooms;
mod sending;
mod sync;
mod talk;
#[cfg(test)]
mod tests;
mod transaction;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use anser_protocol::content::Platform;
use anser_protocol::error::ErrorCode;
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::Position;
use anser_protocol::names::Name;
use anser_protocol::planted::{Fault, is_planted};
use anser_protocol::traits::Traits;

pub use self::action::{
    Action, Announcement, Answer, CancelError, CommandTo, Connection, Event, GroupCall, GroupOrder, GroupQuestion,
    GroupRank, GroupShown, JoinRequest, LinkEnd, Request, RequestError, RequestId, SendError, SendState, Silenced,
    Standing, Ticket, Transport,
};
pub use self::held::Held;
pub use self::labels::{LabelAnswer, LabelCall, LabelKind, filter_valid_tags};
pub use self::people::PeopleRequest;
pub use self::random::Fill;
pub use self::talk::forwarded;

use self::activity::Activity;
use self::backoff::Backoff;
use self::heartbeat::{Beat, Heartbeat};
use self::holes::Holes;
use self::labels::Labels;
use self::link::{Link, Phase};
use self::login::Wanted;
use self::outbox::Outbox;
use self::pushes::Pushes;
use self::random::Random;
use self::reads::Reads;
use self::requests::Requests;
use self::rooms::Rooms;
use self::sync::Sync;
use self::transaction::{Then, Transaction};
use crate::code::PushCode;
use crate::display::Display;
use crate::store::{HeartbeatMemory, Identity, NetworkMemory, Release, Stored, Write};

/// A server that says no hello's welcome within this time is not there.
const WELCOME_WITHIN: Duration = Duration::from_secs(10);
/// A link that lasted so long was good: the next wait is short again.
const GOOD_AFTER: Duration = Duration::from_secs(60);
/// So long after a login the link counts as good, too.
const GOOD_AFTER_LOGIN: Duration = Duration::from_secs(10);
/// When the server does not know the app key or the version, only an operator can help: ask seldom.
const REFUSED_WAIT: Duration = Duration::from_secs(60);
/// The frame that a server of 0.1.0 does not know.
const PUSH_RESUME: u64 = 45;
/// Passing refusals may be many: the application is told of one in this time.
const PUT_OFF_TOLD_EVERY: Duration = Duration::from_secs(5);

/// What does not change while a session lives.
#[derive(Clone, Debug)]
pub struct Config {
    pub app_key: String,
    pub platform: Platform,
    /// The network at the start: any text that names it, so that what is learned about one is not used in another.
    pub network: String,
    /// What the device tells of itself; a hello without any leaves what the server knows.
    pub traits: Traits,
    /// The registration id that this device had at another push service. Only its first hello here says it.
    pub former_registration_id: Option<String>,
}

/// One device's session with its server, over any number of links.
pub struct Session {
    config: Config,
    random: Random,
    identity: Identity,
    networks: BTreeMap<String, NetworkMemory>,
    state: State,
    backoff: Backoff,
    /// The last link was taken over by another, and none has been good since.
    was_replaced: bool,
    /// When a passing refusal was last told.
    told_put_off_at: Option<Duration>,
    now: Duration,
    users: BTreeMap<Name, User>,
    wanted: Option<Wanted>,
    sync: Option<Sync>,
    pushes: Pushes,
    activity: Activity,
    outbox: Outbox,
    requests: Requests,
    rooms: Rooms,
    reads: Reads,
    labels: Labels,
    display: Display,
    transaction: Transaction,
    storing: VecDeque<Storing>,
    last_ticket: Ticket,
    actions: VecDeque<Action>,
}

enum State {
    Stopped,
    Waiting { until: Duration },
    Connecting,
    Linked(Box<Link>),
}

/// What the session knows of a user between logins.
#[derive(Debug, Default)]
struct User {
    token: Vec<u8>,
    cursor: Option<Position>,
    holes: Holes,
}

/// A store action that is not answered yet.
struct Storing {
    ticket: Ticket,
    is_awaited_by_hello: bool,
    then: Vec<Then>,
}

impl Session {
    /// A session that goes on from what is stored. It does nothing until [`Self::start`].
    pub fn new(config: Config, stored: Stored, fill: Fill) -> Self {
        let mut random = Random::new(fill);
        let mut transaction = Transaction::default();
        let identity = stored.identity.unwrap_or_else(|| {
            let identity = new_identity(&mut random);
            transaction.writes.push(Write::Identity(identity.clone()));
            identity
        });
        let mut actions = VecDeque::new();
        let (mut users, mut reads) = (BTreeMap::new(), Reads::default());
        for (name, user) in stored.users {
            reads.load(&name, &user);
            let holes = Holes::load(user.holes, &user.newest);
            for (chat, newest) in user.newest {
                let to = holes.limit(&chat, newest);
                actions.push_back(Action::Release(Release::Messages { user: name.clone(), chat, to }));
            }
            users.insert(name, User { token: user.token, cursor: user.cursor, holes });
        }
        for entry in stored.unsure {
            transaction.writes.push(Write::OutboxAnswered(entry.local));
            transaction.then.push(Then::Emit(sending::unsure(entry)));
        }
        if stored.pushes_wait && !stored.push_stopped {
            actions.push_back(Action::Release(Release::Pushes));
        }
        let mut session = Self {
            config,
            random,
            identity,
            networks: stored.networks,
            state: State::Stopped,
            backoff: Backoff::default(),
            was_replaced: false,
            told_put_off_at: None,
            now: Duration::ZERO,
            users,
            wanted: None,
            sync: None,
            pushes: Pushes::load(stored.push_cursor, stored.push_ids, stored.push_stopped),
            activity: Activity::default(),
            outbox: Outbox::load(stored.outbox, stored.failed, stored.local_next, stored.outbox_next),
            requests: Requests::default(),
            rooms: Rooms::default(),
            reads,
            labels: Labels::default(),
            display: Display::load(stored.display),
            transaction,
            storing: VecDeque::new(),
            last_ticket: Ticket(0),
            actions,
        };
        session.flush();
        session
    }

    /// What to do next; nothing means: wait for the network, the store, the application or the next deadline.
    pub fn next_action(&mut self) -> Option<Action> {
        if let Some(action) = self.actions.pop_front() {
            return Some(action);
        }
        match &mut self.state {
            State::Linked(link) => link.next_bytes().map(Action::Transmit),
            _ => None,
        }
    }

    /// When to call [`Self::handle_timeout`] if nothing else happens before.
    pub fn next_deadline(&self) -> Option<Duration> {
        let requests = self.requests.deadline();
        let link = match &self.state {
            State::Stopped => return requests,
            State::Connecting => None,
            State::Waiting { until } => Some(*until),
            State::Linked(link) => self.link_deadline(link),
        };
        requests.into_iter().chain(link).min()
    }

    fn link_deadline(&self, link: &Link) -> Option<Duration> {
        if link.phase != Phase::Welcomed {
            return Some(link.opened_at + WELCOME_WITHIN);
        }
        let heartbeat = link.heartbeat.deadline(self.is_answer_owed());
        let login = self.wanted.as_ref().and_then(|wanted| wanted.deadline(self.now));
        let sync = self.sync.as_ref().and_then(|sync| sync.deadline(self.now));
        let outbox = self.outbox.deadline(self.now);
        let reads = self.sync.as_ref().and_then(|sync| self.reads.deadline(sync.user(), self.now));
        [login, sync, outbox, reads, self.pushes.deadline(), self.rooms.deadline(self.now)]
            .into_iter()
            .flatten()
            .chain([heartbeat])
            .min()
    }

    fn is_answer_owed(&self) -> bool {
        let login = self.wanted.as_ref().is_some_and(Wanted::is_on_its_way);
        let history = self.sync.as_ref().is_some_and(Sync::owes_answer);
        let entering = self.rooms.owes_answers();
        login
            || history
            || entering
            || self.pushes.is_resuming()
            || self.outbox.owes_answers()
            || self.requests.owes_answers()
            || self.reads.owes_answer()
    }

    /// Begins to hold a link.
    pub fn start(&mut self, now: Duration) {
        self.now = now;
        if matches!(self.state, State::Stopped) {
            self.connect();
        }
    }

    /// Ends the link and holds none until the next start.
    pub fn stop(&mut self, now: Duration) {
        self.now = now;
        self.acknowledge(true);
        if let State::Linked(link) = &mut self.state {
            self.actions.extend(std::iter::from_fn(|| link.next_bytes()).map(Action::Transmit));
        }
        if !matches!(self.state, State::Stopped) {
            self.end_link(LinkEnd::Stopped);
            self.state = State::Stopped;
        }
    }

    /// A link is open.
    pub fn handle_connected(&mut self, transport: Transport, now: Duration) {
        self.now = now;
        if !matches!(self.state, State::Connecting) {
            return;
        }
        let network = self.networks.get(&self.config.network);
        let remembered = network.and_then(|network| network.heartbeats.get(&transport)).copied();
        self.state = State::Linked(Box::new(Link::new(transport, Heartbeat::new(transport, remembered, now), now)));
        self.drive();
    }

    /// No link could be opened.
    pub fn handle_connect_failed(&mut self, now: Duration) {
        self.now = now;
        if matches!(self.state, State::Connecting) {
            self.wait_and_reconnect(LinkEnd::Unreachable);
        }
    }

    /// Bytes of a stream arrived.
    pub fn handle_bytes(&mut self, bytes: &[u8], now: Duration) {
        self.now = now;
        self.handle_heard();
        let State::Linked(link) = &mut self.state else { return };
        match link.read(bytes) {
            Ok(frames) => frames.into_iter().for_each(|frame| self.handle_frame(frame)),
            Err(_) => self.end_link(LinkEnd::Malformed),
        }
        self.drive();
    }

    /// A WebSocket message arrived.
    pub fn handle_message(&mut self, message: &[u8], now: Duration) {
        self.now = now;
        self.handle_heard();
        let State::Linked(link) = &mut self.state else { return };
        match link.read_message(message) {
            Ok(frame) => self.handle_frame(frame),
            Err(_) => self.end_link(LinkEnd::Malformed),
        }
        self.drive();
    }

    /// The link is gone.
    pub fn handle_disconnected(&mut self, now: Duration) {
        self.now = now;
        if matches!(self.state, State::Linked(_)) {
            self.end_link(LinkEnd::Closed);
        }
        self.drive();
    }

    /// A store action, and every one before it, is durable.
    pub fn handle_stored(&mut self, ticket: Ticket, now: Duration) {
        self.now = now;
        while let Some(storing) = self.storing.pop_front_if(|storing| storing.ticket <= ticket) {
            storing.then.into_iter().for_each(|then| self.do_then(then));
        }
        self.drive();
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.now = now;
        for (request, body) in self.requests.handle_timeout(now) {
            self.answer(request, body, Err(RequestError::TimedOut));
        }
        match &mut self.state {
            State::Waiting { until } if *until <= now => {
                self.connect();
            }
            State::Linked(_) => self.handle_link_timeout(),
            _ => {}
        }
        self.drive();
    }

    fn handle_link_timeout(&mut self) {
        let is_answer_owed = self.is_answer_owed();
        let State::Linked(link) = &mut self.state else { return };
        if link.phase != Phase::Welcomed {
            if self.now >= link.opened_at + WELCOME_WITHIN {
                self.end_link(LinkEnd::Silent);
            }
            return;
        }
        match link.heartbeat.handle_timeout(is_answer_owed, self.now) {
            Some(Beat::Ping) => self.transmit(&ClientFrame::Ping),
            Some(Beat::Dead) => {
                let (transport, lesson) = (link.transport, link.heartbeat.lesson_of_death());
                self.remember_heartbeat(transport, lesson);
                self.end_link(LinkEnd::Silent);
            }
            None => {}
        }
    }

    /// Asks the server; the answer is an [`Event::Answered`].
    pub fn request(&mut self, request: Request, now: Duration) -> Result<RequestId, RequestError> {
        self.now = now;
        if requests::needs_user(&request) && self.wanted.is_none() {
            return Err(RequestError::NotLoggedIn);
        }
        if self.is_push_stopped() && labels::is_push_call(&request) {
            return Err(RequestError::PushStopped);
        }
        let is_local = request == Request::Logout && self.sync.is_none();
        let id = self.requests.push(request, now)?;
        if is_local {
            // There is nobody to tell: the token is forgotten here, and ends at the server when it expires.
            self.on_answer(id, Answer::Done);
        }
        self.drive();
        Ok(id)
    }

    fn handle_heard(&mut self) {
        if let State::Linked(link) = &mut self.state
            && let Some(learned) = link.heartbeat.handle_heard(self.now)
        {
            let transport = link.transport;
            self.remember_heartbeat(transport, Some(learned));
        }
    }

    fn remember_heartbeat(&mut self, transport: Transport, learned: Option<HeartbeatMemory>) {
        let Some(memory) = learned else { return };
        let network = self.config.network.clone();
        self.networks.entry(network.clone()).or_default().heartbeats.insert(transport, memory);
        self.transaction.writes.push(Write::Heartbeat { network, transport, memory });
    }

    fn handle_frame(&mut self, frame: ServerFrame) {
        let State::Linked(link) = &self.state else { return };
        let is_welcomed = link.phase == Phase::Welcomed;
        match frame {
            ServerFrame::Welcome(welcome) if !is_welcomed => self.on_welcome(welcome),
            ServerFrame::Failed(failed) => self.on_failed(failed),
            ServerFrame::GoAway(go_away) => self.on_go_away(go_away),
            // A server says nothing else before the welcome, and welcomes once.
            _ if !is_welcomed => self.end_link(LinkEnd::Malformed),
            ServerFrame::Welcome(_) => self.end_link(LinkEnd::Malformed),
            ServerFrame::LoggedIn(logged_in) => self.on_logged_in(logged_in),
            ServerFrame::Sent(sent) => self.on_sent(sent),
            ServerFrame::SendRefused(refused) => self.on_send_refused(refused),
            ServerFrame::Deliver(deliver) => self.on_deliver(deliver),
            ServerFrame::Covered(covered) => self.on_covered(covered),
            ServerFrame::CatchUp(page) => self.on_catch_up(page),
            ServerFrame::HistoryPage(page) => self.on_history_page(page),
            ServerFrame::PushDeliver(push) => self.on_push(push),
            ServerFrame::PushCovered(covered) => self.on_push_covered(covered),
            ServerFrame::PushWithdrawn(withdrawn) => self.on_push_withdrawn(&withdrawn),
            ServerFrame::CommandCame(came) => self.on_command(came),
            ServerFrame::ProfileChanged(changed) => self.on_profile(&changed),
            ServerFrame::Done(done) if self.pushes.handle_done(done.request) => {}
            ServerFrame::Done(done) if self.on_room_entered_again(done.request) => {}
            ServerFrame::RoomDeliver(deliver) => self.on_room_deliver(deliver),
            ServerFrame::RoomRecords(records) => self.on_room_records(records),
            ServerFrame::RoomEvent(event) => self.on_room_event(event),
            ServerFrame::RoomChanged(changed) => self.on_room_changed(&changed),
            ServerFrame::Rooms(part) => {
                self.on_part(part.request, Answer::Rooms { total: part.total, rooms: part.rooms }, part.is_last);
            }
            ServerFrame::RoomUsers(part) => {
                self.on_part(part.request, Answer::RoomUsers { total: part.total, users: part.users }, part.is_last);
            }
            ServerFrame::Done(done) if self.on_reads_known(done.request) => {}
            frame @ (ServerFrame::MarksMoved(_)
            | ServerFrame::Receipts(_)
            | ServerFrame::Readers(_)
            | ServerFrame::UnreadCounts(_)) => self.on_read_frame(frame),
            ServerFrame::Done(done) => self.on_answer(done.request, Answer::Done),
            ServerFrame::ConversationPage(page) => {
                let answer = Answer::Conversations { conversations: page.conversations, is_complete: page.is_complete };
                self.on_answer(page.request, answer);
            }
            ServerFrame::GroupCreated(created) => {
                self.on_answer(created.request, Answer::GroupCreated { group: created.group });
            }
            ServerFrame::Groups(part) => self.on_part(part.request, Answer::Groups(part.groups), part.is_last),
            ServerFrame::GroupMembers(part) => {
                let answer = Answer::Members { owner: part.owner, members: part.members };
                self.on_part(part.request, answer, part.is_last);
            }
            frame @ (ServerFrame::GroupProfile(_)
            | ServerFrame::GroupPage(_)
            | ServerFrame::GroupStandings(_)
            | ServerFrame::GroupSilences(_)
            | ServerFrame::GroupBans(_)
            | ServerFrame::GroupAnnouncements(_)
            | ServerFrame::GroupJoins(_)
            | ServerFrame::GroupAnnounced(_)) => self.on_group_frame(frame),
            ServerFrame::UserProfile(profile) => self.on_answer(profile.request, Answer::Profile(Box::new(profile))),
            ServerFrame::People(part) => self.on_people(part),
            ServerFrame::OwnDevices(list) => self.on_answer(list.request, Answer::OwnDevices(list.devices)),
            ServerFrame::MediaTicket(ticket) => {
                self.on_answer(ticket.request, Answer::MediaTicket { url: ticket.url });
            }
            ServerFrame::MediaLocation(found) => {
                self.on_answer(found.request, Answer::MediaLocation(Box::new(found)));
            }
            ServerFrame::TagList(list) => self.on_answer(list.request, Answer::Tags(list.tags)),
            ServerFrame::AliasValue(value) => self.on_answer(value.request, Answer::Alias(value.alias)),
            ServerFrame::Unsupported(unsupported) if unsupported.frame_type == PUSH_RESUME => {
                self.on_resume_refused(None)
            }
            // What it does not know it answers in no other way: the request times out.
            ServerFrame::Pong | ServerFrame::Unsupported(_) | ServerFrame::Unknown(_) => {}
        }
    }

    fn on_answer(&mut self, request: RequestId, answer: Answer) {
        if self.activity.complete(request) {
            return;
        }
        if let Some(body) = self.requests.complete(request) {
            self.answer(request, body, Ok(answer));
        }
    }

    fn on_part(&mut self, request: RequestId, part: Answer, is_last: bool) {
        if let Some(answer) = self.requests.gather(request, part, is_last) {
            self.finish(request, Ok(answer));
        }
    }

    fn answer(&mut self, request: RequestId, body: Request, result: Result<Answer, RequestError>) {
        if body == Request::Logout {
            self.on_logged_out();
        }
        if result.is_ok() {
            self.on_room_request_done(&body);
        }
        self.finish(request, result);
    }

    /// Does what the present state allows, then hands the gathered changes to the store.
    fn drive(&mut self) {
        self.say_hello();
        self.say_login();
        self.tell_push_flow();
        self.write_requests();
        self.enter_rooms_again();
        self.report_activity();
        self.write_sends();
        self.tell_reads();
        self.ask_for_history();
        self.acknowledge(false);
        self.flush();
    }

    fn write_requests(&mut self) {
        while self.is_welcomed()
            && let Some(frame) = self.requests.next_to_send(self.sync.is_some())
        {
            self.transmit(&frame);
        }
    }

    fn is_welcomed(&self) -> bool {
        matches!(&self.state, State::Linked(link) if link.phase == Phase::Welcomed)
    }

    /// Nothing that a hello or a login names is still on its way to the disk.
    fn is_settled(&self) -> bool {
        !self.transaction.is_awaited_by_hello() && !self.storing.iter().any(|storing| storing.is_awaited_by_hello)
    }

    fn transmit(&mut self, frame: &ClientFrame) {
        let State::Linked(link) = &mut self.state else { return };
        if link.write(frame, self.now).is_err() {
            // Inputs are checked where they come in, so no frame of ours is too long; a link whose encoder has lost its
            // place could not go on in any case.
            self.end_link(LinkEnd::Malformed);
        }
    }

    /// Hands the gathered changes to the store.
    fn flush(&mut self) {
        let mut transaction = std::mem::take(&mut self.transaction);
        if is_planted(Fault::CursorBeforeStore) {
            let cursors = transaction.split_off_cursors();
            self.store(cursors);
        }
        self.store(transaction);
    }

    fn store(&mut self, transaction: Transaction) {
        if transaction.writes.is_empty() {
            match self.storing.back_mut() {
                Some(storing) => storing.then.extend(transaction.then),
                None => transaction.then.into_iter().for_each(|then| self.do_then(then)),
            }
            return;
        }
        self.last_ticket = Ticket(self.last_ticket.0 + 1);
        let ticket = self.last_ticket;
        let is_awaited_by_hello = transaction.is_awaited_by_hello();
        self.storing.push_back(Storing { ticket, is_awaited_by_hello, then: transaction.then });
        self.actions.push_back(Action::Store(ticket, transaction.writes));
    }

    fn do_then(&mut self, then: Then) {
        match then {
            Then::Emit(event) => self.actions.push_back(Action::Emit(event)),
            // What came before the pushes were stopped waits in the store.
            Then::Release(Release::Pushes) if self.is_push_stopped() => {}
            Then::Release(release) => self.actions.push_back(Action::Release(release)),
            Then::ChatCursor { user, to, at_once } => self.on_chat_cursor_stored(user, to, at_once),
            Then::Push { cursor, received } => self.pushes.handle_stored(cursor, received, self.now),
            Then::Outbox { local, number } => self.outbox.handle_stored(local, number),
        }
    }

    fn acknowledge(&mut self, at_once: bool) {
        if !self.is_welcomed() {
            return;
        }
        let now = if at_once { Duration::MAX } else { self.now };
        if let Some(ack) = self.sync.as_mut().and_then(|sync| sync.take_ack(now)) {
            self.transmit(&ClientFrame::Ack(ack));
        }
        while let Some(ack) = self.pushes.take_ack(now) {
            self.transmit(&ClientFrame::PushAck(ack));
        }
    }

    fn tell_put_off(&mut self, code: ErrorCode, message: &str) {
        if self.told_put_off_at.is_some_and(|at| self.now < at + PUT_OFF_TOLD_EVERY) {
            return;
        }
        self.told_put_off_at = Some(self.now);
        let message = if message.is_empty() { code.text().to_owned() } else { message.to_owned() };
        self.actions.push_back(Action::Emit(Event::PutOff { code, message }));
    }

    fn refused(&self, code: ErrorCode, message: String) -> LinkEnd {
        LinkEnd::Refused { code, message: if message.is_empty() { code.text().to_owned() } else { message } }
    }

    /// The link is over, whoever ended it; waits and connects again.
    fn end_link(&mut self, reason: LinkEnd) {
        if let State::Linked(link) = &self.state {
            let was_good = self.now >= link.opened_at + GOOD_AFTER
                || link.logged_in_at.is_some_and(|at| self.now >= at + GOOD_AFTER_LOGIN);
            if was_good {
                self.backoff.reset();
                self.was_replaced = false;
            }
        }
        self.actions.push_back(Action::Close);
        self.leave_user();
        if is_planted(Fault::ForgottenHole) {
            self.users.values_mut().for_each(|user| user.holes.forget_all());
        }
        self.pushes.handle_unlinked();
        self.activity.handle_unlinked();
        for (request, body) in self.requests.handle_unlinked() {
            self.answer(request, body, Err(RequestError::LinkLost));
        }
        self.wait_and_reconnect(reason);
    }

    fn wait_and_reconnect(&mut self, mut reason: LinkEnd) {
        // Once, it may have been a link of our own that was given up and said hello late. Twice, somebody else has a copy
        // of this device's identity: two that come back at once would push each other out for ever.
        let is_replaced = matches!(reason, LinkEnd::GoAway { code: ErrorCode::REPLACED, .. });
        if is_replaced && std::mem::replace(&mut self.was_replaced, true) {
            reason = LinkEnd::Copied;
        }
        let wait = match &reason {
            LinkEnd::Refused { code, .. } if is_for_operator(*code) => REFUSED_WAIT,
            LinkEnd::Copied => REFUSED_WAIT,
            _ => self.backoff.next_wait(&mut self.random),
        };
        self.state = State::Waiting { until: self.now + wait };
        let is_unknown = self.identity.registration_id.is_empty();
        let is_a_failure = !matches!(reason, LinkEnd::Stopped | LinkEnd::NetworkChanged);
        let failed = (is_unknown && is_a_failure).then(|| PushCode::of_registration(&reason));
        self.actions.push_back(Action::Emit(Event::Disconnected { reason }));
        if let Some(code) = failed {
            self.actions.push_back(Action::Emit(Event::RegistrationFailed { code }));
        }
    }
}

fn is_for_operator(code: ErrorCode) -> bool {
    code == ErrorCode::APP_KEY || code == ErrorCode::VERSION
}

fn new_identity(random: &mut Random) -> Identity {
    Identity { nonce: random.bytes(), secret: random.bytes(), registration_id: String::new() }
}
