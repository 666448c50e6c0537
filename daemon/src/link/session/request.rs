//! Requests in flight: what each answer is for, and where each kind of frame goes.

use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::session::{Done, RegisterUser};
use anser_protocol::frame::talk::CommandCame;
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::{OutboxNumber, Position, RoomId, TimeMs};
use anser_storage::OwnDevice;
use anser_storage::command::{Command, NewUser, PeopleCommand};
use anser_storage::ids::UserNumber;
use anser_storage::media::MediaName;
use anser_storage::outcome::{Answer as Accepted, Outcome, Refusal};

use super::chat::{Destination, PlannedPage};
use super::greet::Greeting;
use super::history::WantedPage;
use super::login::LoginAttempt;
use super::people::PasswordAttempt;
use super::{Action, Session, Stage};
use crate::link::query::{Answer, Query};
use crate::link::refusal;
use crate::media::ticket::Upload;

/// What an unanswered question or command was for.
#[derive(Debug)]
pub(super) enum Pending {
    Greet(Box<Greeting>),
    RegisterDevice(Box<Greeting>),
    /// Looking up the user.
    LogIn(Box<LoginAttempt>),
    /// The token was no good: did another device take this one's place?
    TokenGone(u32),
    OwnDevices {
        request: u32,
        user: UserNumber,
    },
    /// Which of the user's devices hold a link.
    FindOnline {
        request: u32,
        found: Vec<OwnDevice>,
        now: TimeMs,
    },
    /// Checking the password.
    Password(Box<LoginAttempt>),
    /// Keeping the new token.
    KeepToken(Box<LoginAttempt>),
    LogOut(u32),
    HashPassword(Box<RegisterUser>),
    RegisterUser(u32),
    Send {
        user: UserNumber,
        outbox: OutboxNumber,
        to: Destination,
    },
    PlanCatchUp,
    CatchUp(PlannedPage),
    Pushes {
        since: Position,
    },
    History(Vec<WantedPage>),
    Conversations(u32),
    CreateGroup {
        request: u32,
        owner: String,
    },
    ChangeGroup(u32),
    OrderGroup(u32),
    AskGroup(u32),
    Groups(u32),
    Members(u32),
    Profile(u32),
    ChangePeople {
        request: u32,
        asked: refusal::Asked,
    },
    ChangeProfile {
        request: u32,
        user: UserNumber,
    },
    People(u32),
    /// Looking up the present password, checking it, hashing the new one, keeping that.
    FindPassword(Box<PasswordAttempt>),
    OldPassword(Box<PasswordAttempt>),
    NewPassword(Box<PasswordAttempt>),
    KeepPassword(Box<PasswordAttempt>),
    /// The labels changed: ask for them as they are now.
    ChangeTags(u32),
    Tags(u32),
    ChangeAlias(u32),
    Alias(u32),
    Ticket(u32, Box<Upload>),
    Address(u32, MediaName),
    Mobile(u32),
    Report(u32),
    EnterRoom {
        request: u32,
        room: RoomId,
    },
    LeaveRoom {
        request: u32,
        room: RoomId,
    },
    /// The newest messages of a room that the link is in.
    RoomRecords(RoomId),
    ChangeRoom(u32, refusal::AskedOfRoom),
    Rooms(u32),
    RoomUsers(u32),
    Retract(u32),
    Read(u32),
    Readers(u32),
    Unread(u32),
    /// Receipts that changed while the user was away, before the conversations of the plan.
    Receipts(PlannedPage),
    /// Whom to hand a transparent command.
    PassCommand(u32, Box<CommandCame>),
    /// Handing it over.
    CommandPassed {
        request: u32,
        /// Nobody there is a failure.
        must_be_there: bool,
    },
    /// Whether the device wants pushes, for the bridges.
    KeepStop,
    /// Nobody waits for the outcome.
    Unheeded,
}

impl Pending {
    fn asked(&self) -> refusal::Asked {
        match self {
            Self::Send { .. } => refusal::Asked::Send,
            Self::ChangePeople { asked, .. } => *asked,
            Self::CreateGroup { .. } | Self::ChangeGroup(_) => refusal::Asked::Members,
            Self::OrderGroup(_) => refusal::Asked::Order,
            Self::EnterRoom { .. } => refusal::Asked::Room(refusal::AskedOfRoom::Enter),
            Self::LeaveRoom { .. } => refusal::Asked::Room(refusal::AskedOfRoom::Leave),
            Self::ChangeRoom(_, asked) => refusal::Asked::Room(*asked),
            _ => refusal::Asked::Other,
        }
    }

    pub(super) fn is_catch_up(&self) -> bool {
        matches!(
            self,
            Self::PlanCatchUp | Self::CatchUp(_) | Self::Receipts(_) | Self::RoomRecords(_) | Self::EnterRoom { .. }
        )
    }

    /// May the answer fill a frame, or several?
    pub(super) fn has_long_answer(&self) -> bool {
        matches!(
            self,
            Self::History(_)
                | Self::Conversations(_)
                | Self::Groups(_)
                | Self::Members(_)
                | Self::People(_)
                | Self::AskGroup(_)
                | Self::Tags(_)
                | Self::Rooms(_)
                | Self::RoomUsers(_)
                | Self::Readers(_)
                | Self::Unread(_)
        )
    }
}

impl Session {
    /// A frame of a device that has said hello.
    pub(super) fn handle_request(&mut self, frame: ClientFrame) {
        match frame {
            ClientFrame::Hello(_) => self.end(ErrorCode::MALFORMED, "a second hello"),
            ClientFrame::Ping => self.pong(),
            ClientFrame::RegisterUser(body) => self.register_user(body),
            ClientFrame::Login(body) => self.log_in(body),
            ClientFrame::Logout(body) => self.log_out(body),
            ClientFrame::Send(body) => self.submit_send(body),
            ClientFrame::Ack(body) => self.acknowledge_chats(body.position),
            ClientFrame::History(body) => self.ask_history(body),
            ClientFrame::Conversations(body) => self.ask_conversations(body),
            ClientFrame::GroupCreate(body) => self.create_group(body),
            ClientFrame::GroupAdd(body) => self.add_members(body),
            ClientFrame::GroupRemove(body) => self.remove_members(body),
            ClientFrame::GroupLeave(body) => self.leave_group(body),
            ClientFrame::GroupList(body) => self.ask_groups(body),
            ClientFrame::GroupMembers(body) => self.ask_members(body),
            ClientFrame::GroupMake(body) => self.make_group(body),
            ClientFrame::GroupEdit(body) => self.edit_group(body),
            ClientFrame::GroupOrder(body) => self.order_group(body),
            ClientFrame::GroupJoinAnswer(body) => self.answer_joins(body),
            ClientFrame::GroupAsk(body) => self.ask_group(body),
            ClientFrame::GroupsPublic(body) => self.ask_public_groups(body),
            ClientFrame::UserInfo(body) => self.ask_profile(body),
            ClientFrame::Tags(body) => self.handle_tags(body),
            ClientFrame::Alias(body) => self.handle_alias(body),
            ClientFrame::PushAck(body) => self.acknowledge_pushes(body),
            ClientFrame::PushClicked(body) => self.report_clicked(body),
            ClientFrame::PushReport(body) => self.report_state(body),
            ClientFrame::PushToken(body) => self.set_push_token(body),
            ClientFrame::Badge(body) => self.set_badge(body),
            ClientFrame::PushStop(body) => self.stop_pushes(body),
            ClientFrame::PushResume(body) => self.resume_pushes(body),
            ClientFrame::Mobile(body) => self.set_mobile(body),
            ClientFrame::Activity(body) => self.note_activity(body),
            ClientFrame::ProfileChange(body) => self.change_profile(body),
            ClientFrame::PasswordChange(body) => self.change_password(body),
            ClientFrame::Blacklist(body) => self.change_blacklist(body),
            ClientFrame::Mutes(body) => self.change_mutes(body),
            ClientFrame::Shields(body) => self.change_shields(body),
            ClientFrame::FriendAsk(body) => self.ask_friend(body),
            ClientFrame::FriendAnswer(body) => self.answer_friend(body),
            ClientFrame::FriendRemove(body) => self.remove_friends(body),
            ClientFrame::FriendNote(body) => self.note_friend(body),
            ClientFrame::PeopleList(body) => self.ask_people(body),
            ClientFrame::UsersInfo(body) => self.ask_users(body),
            ClientFrame::MediaUpload(body) => self.ask_ticket(body),
            ClientFrame::MediaAddress(body) => self.ask_address(body),
            ClientFrame::RoomSend(body) => self.submit_room_send(body),
            ClientFrame::RoomEnter(body) => self.enter_room(body),
            ClientFrame::RoomLeave(body) => self.leave_room(body),
            ClientFrame::RoomList(body) => self.ask_rooms_of_app(body),
            ClientFrame::MyRooms(body) => self.ask_own_rooms(body),
            ClientFrame::RoomInfo(body) => self.ask_rooms(body),
            ClientFrame::RoomMembers(body) => self.ask_room_users(body),
            ClientFrame::RoomChange(body) => self.change_room(body),
            ClientFrame::RoomSilence(body) => self.ask_room_silence(body),
            ClientFrame::Retract(body) => self.retract(body),
            ClientFrame::ReadMarks(body) => self.mark_read(body),
            ClientFrame::ReadMessages(body) => self.read_messages(body),
            ClientFrame::ReadersAsk(body) => self.ask_readers(body),
            ClientFrame::UnreadAsk(body) => self.ask_unread(body),
            ClientFrame::OwnDevicesAsk(body) => self.ask_own_devices(body),
            ClientFrame::SendCommand(body) => self.pass_command(body),
            ClientFrame::Unknown(_) => {}
        }
        self.continue_catch_up();
    }

    fn pong(&mut self) {
        self.cover_own_sends();
        self.keep_stop_again();
        self.send(&ServerFrame::Pong);
    }

    pub(super) fn submit(&mut self, pending: Pending, command: Command) {
        let ticket = self.ask(pending);
        self.actions.push_back(Action::Submit(ticket, command));
    }

    pub(super) fn query(&mut self, pending: Pending, query: Query) {
        let ticket = self.ask(pending);
        self.actions.push_back(Action::Ask(ticket, query));
    }

    pub(super) fn done(&mut self, request: u32) {
        self.send(&ServerFrame::Done(Done { request, extensions: Extensions::default() }));
    }

    pub(super) fn finish_command(&mut self, pending: Pending, outcome: Result<Outcome, ErrorCode>) {
        let accepted = match outcome {
            Ok(Outcome { answer: Ok(accepted), .. }) => Ok(accepted),
            Ok(Outcome { answer: Err(reason), .. }) => Err(match (&reason, &pending) {
                (Refusal::GroupQuotaFull { username }, Pending::CreateGroup { owner, .. }) if username == owner => {
                    (ErrorCode::OWN_GROUP_QUOTA, String::new())
                }
                _ => refusal::to_wire(&reason, pending.asked()),
            }),
            Err(code) => Err((code, String::new())),
        };
        match pending {
            Pending::RegisterDevice(greeting) => self.device_registered(*greeting, accepted),
            Pending::KeepToken(attempt) => self.token_kept(*attempt, accepted),
            Pending::LogOut(request) => self.logged_out(request, accepted),
            Pending::Send { user, outbox, to } => self.send_finished(user, outbox, to, accepted),
            Pending::EnterRoom { request, room } => self.room_entered(request, room, accepted),
            Pending::LeaveRoom { request, room } => self.room_left(request, room, accepted),
            Pending::Retract(request) => self.retracted(request, accepted),
            Pending::RegisterUser(request) => self.user_registered(request, accepted),
            Pending::CreateGroup { request, .. } => self.group_created(request, accepted),
            Pending::OrderGroup(request) => self.group_ordered(request, accepted),
            Pending::ChangeTags(request) => self.tags_changed(request, accepted),
            Pending::ChangeAlias(request) => self.alias_changed(request, accepted),
            Pending::KeepPassword(attempt) => self.password_kept(*attempt, accepted),
            Pending::ChangeProfile { request, user } => self.profile_changed((request, user), accepted),
            Pending::ChangePeople { request, .. }
            | Pending::ChangeGroup(request)
            | Pending::ChangeRoom(request, _)
            | Pending::Mobile(request)
            | Pending::Read(request)
            | Pending::Report(request) => match accepted {
                Ok(_) => self.done(request),
                Err((code, message)) => self.fail(request, code, &message),
            },
            Pending::KeepStop => self.stop_kept(accepted.is_ok()),
            // Questions and passwords are finished elsewhere.
            _ => {}
        }
    }

    pub(super) fn finish_query(&mut self, pending: Pending, answer: Result<Answer, ErrorCode>, now: TimeMs) {
        match pending {
            Pending::Greet(greeting) => self.greeting_answered(*greeting, answer, now),
            Pending::LogIn(attempt) => self.login_looked_up(*attempt, answer, now),
            Pending::TokenGone(request) => self.token_gone(request, answer),
            Pending::PlanCatchUp => self.catch_up_planned(answer),
            Pending::CatchUp(page) => self.catch_up_read(page, answer),
            Pending::Receipts(page) => self.receipts_read(page, answer),
            Pending::Readers(request) => self.readers_read(request, answer),
            Pending::Unread(request) => self.unread_read(request, answer),
            Pending::OwnDevices { request, user } => self.own_devices_read((request, user), answer, now),
            Pending::Pushes { since } => self.pushes_read(since, answer),
            Pending::History(wanted) => self.history_read(wanted, answer),
            Pending::Conversations(request) => self.conversations_read(request, answer),
            Pending::Groups(request) => self.groups_read(request, answer),
            Pending::Members(request) => self.members_read(request, answer),
            Pending::AskGroup(request) => self.group_read(request, answer),
            Pending::Profile(request) => self.profile_read(request, answer),
            Pending::People(request) => self.people_read(request, answer),
            Pending::FindPassword(attempt) => self.password_found(*attempt, answer),
            Pending::RoomRecords(room) => self.room_read(room, answer),
            Pending::Rooms(request) => self.rooms_read(request, answer),
            Pending::RoomUsers(request) => self.room_users_read(request, answer),
            Pending::Tags(request) => self.tags_read(request, answer),
            Pending::Alias(request) => self.alias_read(request, answer),
            Pending::Ticket(request, upload) => self.ticket_looked_up(request, *upload, answer),
            Pending::Address(request, name) => self.address_looked_up(request, name, answer),
            Pending::PassCommand(request, came) => self.command_receivers_read(request, *came, answer),
            // Commands and passwords are finished elsewhere.
            _ => {}
        }
    }

    fn register_user(&mut self, body: RegisterUser) {
        if !self.rules.is_registration_open {
            return self.fail(body.request, ErrorCode::NO_PERMISSION, refusal::REGISTRATION_CLOSED);
        }
        if let Err(message) = super::login::check_new_user(&body, self.rules.has_strict_usernames) {
            return self.fail(body.request, ErrorCode::INVALID, message);
        }
        let password = body.password.clone();
        let ticket = self.ask(Pending::HashPassword(Box::new(RegisterUser { password: String::new(), ..body })));
        self.actions.push_back(Action::HashPassword { ticket, password });
    }

    pub(super) fn password_hashed(&mut self, ticket: super::Ticket, hash: Option<String>) {
        let body = match self.take_pending(ticket) {
            Some(Pending::HashPassword(body)) => body,
            Some(Pending::NewPassword(attempt)) => return self.new_password_hashed(*attempt, hash),
            _ => return,
        };
        let Stage::Ready(ready) = &self.stage else { return };
        let Some(password) = hash else { return self.fail(body.request, ErrorCode::BUSY, "") };
        let user = NewUser { username: body.username, password, ..NewUser::default() };
        let command = Command::People(PeopleCommand::RegisterSelf { app: ready.app, user: Box::new(user) });
        self.submit(Pending::RegisterUser(body.request), command);
    }

    fn user_registered(&mut self, request: u32, accepted: Result<Accepted, (ErrorCode, String)>) {
        match accepted {
            Ok(Accepted::Users(users)) => match users.into_iter().next() {
                Some(Ok(_)) => self.done(request),
                Some(Err(reason)) => {
                    let (code, message) = refusal::to_wire(&reason, refusal::Asked::Other);
                    self.fail(request, code, &message);
                }
                None => self.fail(request, ErrorCode::INTERNAL, ""),
            },
            Ok(_) => self.fail(request, ErrorCode::INTERNAL, ""),
            Err((code, message)) => self.fail(request, code, &message),
        }
    }
}
