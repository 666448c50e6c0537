//! One link's task on the server: the same loop as the daemon's, with the simulated network as its wire.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};

use anser_client::session::Transport;
use anser_protocol::error::ErrorCode;
use anser_protocol::ids::{RoomId, TimeMs};
use anser_storage::command::Command;
use anser_storage::ids::{AppNumber, DeviceNumber, UserNumber};
use anserd::link::links::PROFILE_TOLD_MAX;
use anserd::link::mailbox::{Item, Mailbox};
use anserd::link::query::CommandReceivers;
use anserd::link::session::{Action, Input, Rules, Session};
use anserd::switchboard::Switchboard;

use super::{Asker, Server};
use crate::sim::course::{Course, Event, Known, LinkId, MS};
use crate::sim::network::{Network, Reading};
use crate::sim::tally::Kind;

const ITEMS_PER_ROUND: usize = 64;
const ROUNDS_PER_TURN: usize = 16;
const CLOSING_MS_MAX: TimeMs = 5_000;

pub struct ServerLink {
    number: LinkId,
    pub client: usize,
    transport: Transport,
    pub session: Session,
    pub mailbox: Arc<Mailbox>,
    waker: Waker,
    device: Option<(AppNumber, DeviceNumber)>,
    pub user: Option<(AppNumber, UserNumber)>,
    rooms: BTreeSet<RoomId>,
    closing_since_ms: Option<TimeMs>,
    /// The output was empty at this time.
    encoded_ms: TimeMs,
}

impl ServerLink {
    pub fn new(
        (number, client): (LinkId, usize),
        transport: Transport,
        rules: Arc<Rules>,
        bell: Waker,
        now: TimeMs,
    ) -> Self {
        Self {
            number,
            client,
            transport,
            session: Session::new(rules, now),
            mailbox: Arc::new(Mailbox::default()),
            waker: bell,
            device: None,
            user: None,
            rooms: BTreeSet::new(),
            closing_since_ms: None,
            encoded_ms: now,
        }
    }

    pub fn wake(&self) {
        self.waker.wake_by_ref();
    }

    /// Runs once; `false` when the link is over.
    pub fn turn(
        &mut self,
        now: TimeMs,
        server: &mut Server,
        network: &mut Network,
        course: &mut Course,
    ) -> Result<bool, String> {
        self.session.handle_time(now);
        // What was found out before a change of the clock may still be on its way. What is said after the clock went back
        // may have come alive again by it, behind output that waits since before.
        let is_settled = course.now > server.clock_changed + 100 * MS;
        if now < self.encoded_ms || self.session.output().is_empty() && is_settled {
            self.encoded_ms = now;
        }
        for _ in 0..ROUNDS_PER_TURN {
            let has_taken = self.take_from_mailbox(now, server, course);
            let unwritten = self.session.output().len();
            let is_written = self.transmit(network, course)?;
            self.perform_actions(server, course);
            if self.session.is_ended() {
                let since = *self.closing_since_ms.get_or_insert(now);
                self.mailbox.set_deadline(since + CLOSING_MS_MAX);
                return Ok(!is_written && now.saturating_sub(since) < CLOSING_MS_MAX);
            }
            let has_written = unwritten > 0 && (is_written || self.session.output().len() != unwritten);
            let has_received = match self.receive(network) {
                Reading::Closed => return Ok(false),
                Reading::Nothing => false,
                Reading::Bytes(bytes) => {
                    match self.transport {
                        Transport::WebSocket => self.session.handle_message(&bytes, now),
                        Transport::Tcp | Transport::Quic => self.session.handle_bytes(&bytes, now),
                    }
                    self.perform_actions(server, course);
                    true
                }
            };
            if !has_taken && !has_written && !has_received {
                self.mailbox.set_deadline(self.session.deadline());
                return Ok(true);
            }
        }
        self.wake();
        Ok(true)
    }

    fn take_from_mailbox(&mut self, now: TimeMs, server: &mut Server, course: &mut Course) -> bool {
        for taken in 0..ITEMS_PER_ROUND {
            let mut context = Context::from_waker(&self.waker);
            match self.mailbox.take(self.session.wants_deliveries(), Some(&mut context)) {
                Some(Item::Input(input)) => {
                    if matches!(input, Input::Missed(_)) {
                        course.count(Kind::FellBehind);
                    }
                    self.session.handle_input(input, now);
                }
                Some(Item::Delivery(delivery)) => {
                    self.session.handle_delivery(delivery.recipient, &delivery.appended);
                }
                Some(Item::Passing(user, passing)) => self.session.handle_passing(user, &passing),
                None => return taken > 0,
            }
            self.perform_actions(server, course);
        }
        true
    }

    /// Writes what the window takes; whether that is everything.
    fn transmit(&mut self, network: &mut Network, course: &mut Course) -> Result<bool, String> {
        while !self.session.output().is_empty() {
            match network.write_down(self.number, self.session.output(), self.encoded_ms, course)? {
                0 => return Ok(false),
                written => self.session.output_written(written),
            }
        }
        Ok(true)
    }

    fn receive(&mut self, network: &mut Network) -> Reading {
        if self.session.wants_input() { network.read_up(self.number) } else { Reading::Nothing }
    }

    fn perform_actions(&mut self, server: &mut Server, course: &mut Course) {
        while let Some(action) = self.session.next_action() {
            if let Some(refused) = self.perform(action, server, course) {
                self.session.handle_input(refused, server.now_ms(course));
            }
        }
    }

    fn perform(&mut self, action: Action, server: &mut Server, course: &mut Course) -> Option<Input> {
        let (link, life) = (self.number, server.life);
        match action {
            Action::AttachDevice { app, device } => {
                if let Some(switchboard) = server.switchboard() {
                    switchboard.attach_device(app, device, self.number, &self.mailbox);
                }
                self.device = Some((app, device));
            }
            Action::AttachWithoutPushes { app, device } => {
                if let Some(switchboard) = server.switchboard() {
                    switchboard.attach_without_pushes(app, device, self.number, &self.mailbox);
                }
                self.device = Some((app, device));
            }
            Action::StopPushes { app, device } => {
                if let Some(switchboard) = server.switchboard() {
                    switchboard.stop_pushes(app, device, &self.mailbox);
                }
            }
            Action::ResumePushes { app, device } => {
                if let Some(switchboard) = server.switchboard() {
                    switchboard.resume_pushes(app, device, &self.mailbox);
                }
            }
            Action::AttachUser { app, user } => {
                if let Some(switchboard) = server.switchboard() {
                    switchboard.attach_user(app, user, &self.mailbox);
                }
                self.user = Some((app, user));
            }
            Action::EndOn { app, user, devices } => {
                if let Some(switchboard) = server.switchboard() {
                    switchboard.end_on(app, user, ErrorCode::LOGGED_IN_ELSEWHERE, &devices);
                }
            }
            Action::EndOthers { app, user } => {
                if let Some(switchboard) = server.switchboard() {
                    switchboard.end_others(app, user, ErrorCode::TOKEN_INVALID, &self.mailbox);
                }
            }
            Action::DetachUser { app, user } => {
                if let Some(switchboard) = server.switchboard() {
                    switchboard.detach_user(app, user, &self.mailbox);
                    switchboard.leave_rooms(app, std::mem::take(&mut self.rooms), &self.mailbox);
                }
                self.user = None;
            }
            Action::EnterRoom { app, room } => {
                if let Some(switchboard) = server.switchboard() {
                    switchboard.enter_room(app, room, &self.mailbox);
                }
                self.rooms.insert(room);
            }
            Action::LeaveRoom { app, room } => {
                if let Some(switchboard) = server.switchboard() {
                    switchboard.leave_rooms(app, [room], &self.mailbox);
                }
                self.rooms.remove(&room);
            }
            Action::Submit(ticket, _) if self.mailbox.holds_failure() || server.has_no_room(course) => {
                return Some(Input::Outcome(ticket, Err(ErrorCode::BUSY)));
            }
            Action::Submit(ticket, command) => server.submit(Asker::Link(link, ticket), command, course),
            // No simulated device says that it is used.
            Action::NoteUse { .. } | Action::PushSent { .. } => {}
            Action::PassCommand { ticket, app, receivers, came } => {
                server.note_passed(app, &receivers, &came);
                let switchboard = server.switchboard();
                let pass = |board: &Switchboard| board.pass_command(app, &receivers, &self.mailbox, &came);
                let links = switchboard.map_or(0, pass);
                return Some(Input::CommandPassed { ticket, links });
            }
            Action::TellProfile { app, user, changed } => {
                let (reader, board) = server.reader().zip(server.switchboard())?;
                // A disk that fails tells nobody.
                if let Ok(users) = reader.read(|snapshot| snapshot.acquaintances(app, user, PROFILE_TOLD_MAX)) {
                    board.tell_profile(app, users, &changed);
                }
            }
            Action::FindOnline { ticket, app, user, devices } => {
                let board = server.switchboard();
                let is_online = |device| board.is_some_and(|board| board.is_user_online(app, user, device));
                return Some(Input::OnlineFound { ticket, online: devices.into_iter().map(is_online).collect() });
            }
            Action::Mark(mark) => server.submit(Asker::Nobody, Command::Mark(mark), course),
            Action::Ask(ticket, query) => {
                course.within(0, 20 * MS, Event::Read(life, link, ticket, Box::new(query)));
            }
            // Hashing is left out: a password is stored as it is.
            Action::CheckPassword { ticket, given, stored, .. } => {
                let token = course.random.bytes();
                let found = if given.0 == stored { Ok(token) } else { Err(ErrorCode::PASSWORD_WRONG) };
                let checked = Input::PasswordChecked { ticket, found };
                course.within(MS, 60 * MS, Event::Known(life, link, Box::new(Known::Input(checked))));
            }
            Action::MakeToken { ticket } => {
                let checked = Input::PasswordChecked { ticket, found: Ok(course.random.bytes()) };
                course.within(MS, 60 * MS, Event::Known(life, link, Box::new(Known::Input(checked))));
            }
            Action::HashPassword { ticket, password } => {
                let hashed = Input::PasswordHashed { ticket, hash: Some(password) };
                course.within(MS, 60 * MS, Event::Known(life, link, Box::new(Known::Input(hashed))));
            }
        }
        None
    }

    /// Is a transparent command for this link?
    pub fn is_meant(&self, app: AppNumber, receivers: &CommandReceivers) -> bool {
        let Some((_, user)) = self.user.filter(|(of, _)| *of == app) else { return false };
        match receivers {
            CommandReceivers::Users(users) => users.contains(&user),
            CommandReceivers::Elsewhere(_) => false,
            CommandReceivers::Devices(of, devices) => {
                *of == user && self.device.is_some_and(|(_, device)| devices.contains(&device))
            }
        }
    }

    pub fn number(&self) -> LinkId {
        self.number
    }

    /// What the link holds for a peer that does not read is within its bounds.
    pub fn check_memory(&self) -> Result<(), String> {
        let (session, mailbox) = (self.session.held(), self.mailbox.held());
        if session.exceeds() || mailbox.exceeds() {
            return Err(format!("a link holds too much: {session:?}, {mailbox:?}"));
        }
        Ok(())
    }

    /// The link is over: what it held is given back.
    pub fn end(mut self, server: &mut Server, course: &mut Course) {
        self.session.handle_closed();
        self.perform_actions(server, course);
        self.mailbox.close();
        let Some(switchboard) = server.switchboard() else { return };
        if let Some((app, device)) = self.device {
            switchboard.detach_device(app, device, &self.mailbox);
        }
        if let Some((app, user)) = self.user {
            switchboard.detach_user(app, user, &self.mailbox);
            switchboard.leave_rooms(app, self.rooms, &self.mailbox);
        }
    }
}

/// Links that were woken and have not run.
#[derive(Clone, Debug, Default)]
pub struct Rung(Arc<Mutex<Vec<LinkId>>>);

impl Rung {
    /// Each once, in the order in which they were woken first.
    pub fn take(&self) -> Vec<LinkId> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn ring(&self, link: LinkId) {
        let mut rung = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !rung.contains(&link) {
            rung.push(link);
        }
    }
}

/// What a mailbox rings to have its link run.
pub struct Bell {
    link: LinkId,
    rung: Rung,
}

impl Bell {
    pub fn waker(link: LinkId, rung: &Rung) -> Waker {
        Waker::from(Arc::new(Self { link, rung: rung.clone() }))
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.ring(self.link);
    }
}
