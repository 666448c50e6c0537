//! One link's task: a dull loop around its session.
//!
//! It waits on its transport and on its mailbox and on nothing else; the sweeper nudges it when its time is up.

use std::collections::BTreeSet;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use anser_protocol::error::ErrorCode;
use anser_protocol::ids::{RoomId, TimeMs};
use anser_storage::command::Command;
use anser_storage::ids::{AppNumber, DeviceNumber, UserNumber};
use anser_storage::outcome::Route;

use super::Permit;
use super::links::{From, Links, Login};
use super::mailbox::{Delivery, Item, Mailbox};
use super::query::Query;
use super::session::{Action, Input, Rules, Session, Ticket};
use super::wire::Wire;
use crate::keys::random;
use crate::message_check::Lane;
use crate::observe::metrics::{CatchUp, Delivered, Login as Counted};

/// Things taken from the mailbox at a time, and rounds before other links get their turn.
const ITEMS_PER_ROUND: usize = 64;
const ROUNDS_PER_TURN: usize = 16;
/// How long a link that has said its last word may take to close.
const CLOSING_MS_MAX: TimeMs = 5_000;

pub struct Link<W> {
    wire: W,
    session: Session,
    place: Place,
    closing_since_ms: Option<TimeMs>,
}

impl<W: Wire> Link<W> {
    /// `permit` counts this connection among the daemon's until the link has ended.
    pub fn new(wire: W, rules: Arc<Rules>, links: Arc<Links>, from: From, permit: Permit) -> Self {
        let session = Session::new(rules, links.now_ms());
        Self { wire, session, place: Place::new(links, from, permit), closing_since_ms: None }
    }

    /// Goes round until nothing moves any more: what is written makes room for records, what is answered makes room for
    /// frames. Then every source that could move something has the waker.
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let now = self.place.links.now_ms();
        self.session.handle_time(now);
        for _ in 0..ROUNDS_PER_TURN {
            let has_taken = self.take_from_mailbox(now, cx);
            let unwritten = self.session.output().len();
            let transmitted = self.wire.poll_transmit(&mut self.session, cx)?;
            self.perform_actions();
            if self.session.is_ended() {
                return self.close(now, transmitted, cx);
            }
            let has_written = unwritten > 0 && (transmitted.is_ready() || self.session.output().len() != unwritten);
            match self.receive(now, cx)? {
                Received::Closed => return Poll::Ready(Ok(())),
                Received::Nothing if !has_taken && !has_written => {
                    self.place.mailbox.set_deadline(self.session.deadline());
                    return Poll::Pending;
                }
                Received::Nothing | Received::Something => {}
            }
        }
        // Other links get their turn first.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn take_from_mailbox(&mut self, now: TimeMs, cx: &mut Context<'_>) -> bool {
        for taken in 0..ITEMS_PER_ROUND {
            match self.place.mailbox.take(self.session.wants_deliveries(), Some(cx)) {
                Some(Item::Input(input)) => {
                    self.place.note_input(&input);
                    self.session.handle_input(input, now);
                }
                Some(Item::Delivery(delivery)) => {
                    self.place.note_delivery(&delivery);
                    self.session.handle_delivery(delivery.recipient, &delivery.appended);
                }
                Some(Item::Passing(user, passing)) => {
                    self.place.links.observer.metrics.deliveries[Delivered::Passing as usize].inc();
                    self.session.handle_passing(user, &passing);
                }
                None => return taken > 0,
            }
            self.perform_actions();
        }
        true
    }

    fn receive(&mut self, now: TimeMs, cx: &mut Context<'_>) -> std::io::Result<Received> {
        if !self.session.wants_input() {
            return Ok(Received::Nothing);
        }
        match self.wire.poll_receive(&mut self.session, now, cx) {
            Poll::Pending => Ok(Received::Nothing),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Ready(Ok(false)) => Ok(Received::Closed),
            Poll::Ready(Ok(true)) => {
                self.perform_actions();
                Ok(Received::Something)
            }
        }
    }

    fn perform_actions(&mut self) {
        while let Some(action) = self.session.next_action() {
            if let Some(refused) = self.place.perform(action) {
                self.session.handle_input(refused, self.place.links.now_ms());
            }
        }
    }

    /// The session has ended: what it said last still goes out, within limits.
    fn close(&mut self, now: TimeMs, transmitted: Poll<()>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let since = *self.closing_since_ms.get_or_insert(now);
        if now.saturating_sub(since) >= CLOSING_MS_MAX {
            return Poll::Ready(Ok(()));
        }
        self.place.mailbox.set_deadline(since + CLOSING_MS_MAX);
        match transmitted {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => self.wire.poll_close(cx),
        }
    }
}

enum Received {
    Something,
    Nothing,
    Closed,
}

impl<W: Wire> Future for Link<W> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let link = self.get_mut();
        match link.turn(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(result) => {
                if let Err(error) = result {
                    log::debug!(link = link.place.number; "a link ended: {error}");
                }
                link.session.handle_closed();
                link.perform_actions();
                Poll::Ready(())
            }
        }
    }
}

/// What a link holds in the daemon; given back when the link ends, however it ends.
struct Place {
    links: Arc<Links>,
    mailbox: Arc<Mailbox>,
    number: u64,
    device: Option<(AppNumber, DeviceNumber)>,
    /// A device that stopped its pushes counts as away already.
    takes_pushes: bool,
    user: Option<(AppNumber, UserNumber)>,
    /// Opened with the first message that somebody is to be asked about.
    lane: Option<Lane>,
    /// Of that user's app.
    rooms: BTreeSet<RoomId>,
    /// From where it was opened; guessing passwords is slowed down by that.
    peer: IpAddr,
    _permit: Permit,
}

impl Place {
    fn new(links: Arc<Links>, from: From, permit: Permit) -> Self {
        let mailbox = Arc::new(Mailbox::default());
        let number = links.enter(&mailbox, from);
        Self {
            links,
            mailbox,
            number,
            device: None,
            takes_pushes: false,
            user: None,
            lane: None,
            rooms: BTreeSet::new(),
            peer: from.peer.ip(),
            _permit: permit,
        }
    }

    /// What cannot even be begun is answered at once: the session must know before the next action is performed.
    fn perform(&mut self, action: Action) -> Option<Input> {
        let switchboard = &self.links.switchboard;
        match action {
            Action::AttachDevice { app, device } => {
                switchboard.attach_device(app, device, self.number, &self.mailbox);
                switchboard.attendance.arrive(app, device, self.links.now_ms());
                self.device = Some((app, device));
                self.takes_pushes = true;
                self.links.know(self.number, |about| about.device = Some((app, device)));
                self.links.tell(self.number, "a device said hello");
            }
            Action::AttachWithoutPushes { app, device } => {
                switchboard.attach_without_pushes(app, device, self.number, &self.mailbox);
                self.device = Some((app, device));
                self.links.know(self.number, |about| about.device = Some((app, device)));
                self.links.tell(self.number, "a device said hello");
            }
            Action::PushSent { app, device, msg_id } => {
                self.links.observer.push_sent(app, msg_id, device, self.links.now_ms());
                log::trace!(link = self.number, msg_id = msg_id.0; "a push was written to a link");
            }
            Action::StopPushes { app, device } => {
                switchboard.stop_pushes(app, device, &self.mailbox);
                if std::mem::take(&mut self.takes_pushes) {
                    switchboard.attendance.leave(app, device, self.links.now_ms());
                }
            }
            Action::ResumePushes { app, device } => {
                switchboard.resume_pushes(app, device, &self.mailbox);
                switchboard.attendance.arrive(app, device, self.links.now_ms());
                self.takes_pushes = true;
            }
            Action::NoteUse { app, device, platform, number, used } => {
                switchboard.attendance.note_use(app, device, platform, number, used, self.links.now_ms());
            }
            Action::AttachUser { app, user } => {
                switchboard.attach_user(app, user, &self.mailbox);
                switchboard.attendance.log_in(app, user, self.links.now_ms());
                self.user = Some((app, user));
                self.links.observer.metrics.logins[Counted::Done as usize].inc();
                self.links.know(self.number, |about| about.user = Some((app, user)));
                self.links.tell(self.number, "a user logged in");
            }
            Action::DetachUser { app, user } => {
                switchboard.detach_user(app, user, &self.mailbox);
                switchboard.leave_rooms(app, std::mem::take(&mut self.rooms), &self.mailbox);
                self.user = None;
                self.links.know(self.number, |about| about.user = None);
            }
            Action::EnterRoom { app, room } => {
                switchboard.enter_room(app, room, &self.mailbox);
                self.rooms.insert(room);
            }
            Action::LeaveRoom { app, room } => {
                switchboard.leave_rooms(app, [room], &self.mailbox);
                self.rooms.remove(&room);
            }
            Action::Submit(ticket, command) if self.is_too_fast(&command) => {
                return Some(Input::Outcome(ticket, Err(ErrorCode::SEND_TOO_OFTEN)));
            }
            Action::Submit(ticket, command) => {
                let is_begun = !self.mailbox.holds_failure() && self.submit(ticket, command);
                return (!is_begun).then_some(Input::Outcome(ticket, Err(ErrorCode::BUSY)));
            }
            Action::EndOn { app, user, devices } => {
                self.links.switchboard.end_on(app, user, ErrorCode::LOGGED_IN_ELSEWHERE, &devices);
            }
            Action::EndOthers { app, user } => {
                self.links.switchboard.end_others(app, user, ErrorCode::TOKEN_INVALID, &self.mailbox);
            }
            Action::PassCommand { ticket, app, receivers, came } => {
                let links = switchboard.pass_command(app, &receivers, &self.mailbox, &came);
                return Some(Input::CommandPassed { ticket, links });
            }
            Action::TellProfile { app, user, changed } => self.links.tell_profile(app, user, changed),
            Action::FindOnline { ticket, app, user, devices } => {
                let online = devices.into_iter().map(|device| switchboard.is_user_online(app, user, device));
                return Some(Input::OnlineFound { ticket, online: online.collect() });
            }
            Action::Mark(mark) => self.links.mark(mark),
            Action::Ask(ticket, query) => {
                self.note_catch_up(&query);
                self.links.ask(&self.mailbox, ticket, query);
            }
            Action::CheckPassword { ticket, app, user, given, stored } => {
                let login = Login { app, user, from: self.peer };
                self.links.check_password(&self.mailbox, ticket, login, given, stored);
            }
            Action::MakeToken { ticket } => {
                self.mailbox.put_input(Input::PasswordChecked { ticket, found: Ok(random()) });
            }
            Action::HashPassword { ticket, password } => self.links.hash_password(&self.mailbox, ticket, password),
        }
        None
    }

    /// `false`: there is no room now, and nothing was done.
    fn submit(&mut self, ticket: Ticket, command: Command) -> bool {
        let Command::Send(send) = command else { return self.links.submit(&self.mailbox, ticket, command) };
        if self.lane.is_none() {
            self.lane = self.links.lane();
        }
        match &self.lane {
            None => self.links.submit(&self.mailbox, ticket, Command::Send(send)),
            Some(lane) => {
                let answered = Arc::clone(&self.mailbox);
                lane.submit(send, move |outcome| answered.put_input(Input::Outcome(ticket, outcome)))
            }
        }
    }
}

impl Place {
    fn note_input(&self, input: &Input) {
        if matches!(input, Input::Missed(_)) {
            self.links.observer.metrics.fell_behind.inc();
        }
    }

    fn note_delivery(&self, delivery: &Delivery) {
        let kind = match delivery.appended.route {
            Route::Single { .. } | Route::Group { .. } | Route::Notice { .. } => Delivered::Message,
            Route::Read { .. } | Route::Receipts { .. } => Delivered::ReadMark,
            Route::Devices { .. } | Route::Broadcast { .. } | Route::Withdrawn { .. } => Delivered::Push,
            Route::Room { .. } => Delivered::Room,
        };
        self.links.observer.metrics.deliveries[kind as usize].inc();
    }

    fn note_catch_up(&self, query: &Query) {
        let kind = match query {
            Query::PlanCatchUp { .. } => CatchUp::Chats,
            Query::Pushes { .. } => CatchUp::Pushes,
            _ => return,
        };
        self.links.observer.metrics.catch_ups[kind as usize].inc();
    }

    /// Only messages are counted, and only those that are not held back for another reason.
    fn is_too_fast(&self, command: &Command) -> bool {
        let Command::Send(send) = command else { return false };
        !self.mailbox.holds_failure() && !self.links.sends.admits(send.app, send.from, self.links.now_ms())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.links.tell(self.number, "a link is over");
        self.mailbox.close();
        if let Some((app, device)) = self.device {
            self.links.switchboard.detach_device(app, device, &self.mailbox);
            if self.takes_pushes {
                self.links.switchboard.attendance.leave(app, device, self.links.now_ms());
            }
        }
        if let Some((app, user)) = self.user {
            self.links.switchboard.detach_user(app, user, &self.mailbox);
            self.links.switchboard.leave_rooms(app, std::mem::take(&mut self.rooms), &self.mailbox);
        }
        self.links.leave(self.number);
    }
}

#[cfg(test)]
mod tests;
