//! The application's requests: waiting for a link, on their way, answered.
//!
//! A request that only asks, or that says what shall be, is repeated on the next link when its answer was lost. One that
//! could do harm when done twice is not: the application learns that its outcome is unknown.

use std::collections::BTreeMap;
use std::time::Duration;

use anser_protocol::content::Platform;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::ClientFrame;
use anser_protocol::frame::chat::{Conversations, History};
use anser_protocol::frame::device::OwnDevicesAsk;
use anser_protocol::frame::group::{GroupChange, GroupCreate, GroupList, GroupRequest};
use anser_protocol::frame::media::{MediaAddress, MediaUpload};
use anser_protocol::frame::push::{Alias, Badge, LabelAction, Mobile, PushClicked, PushReport, PushToken, Tags};
use anser_protocol::frame::read::{ReadChat, ReadersAsk, UnreadAsk};
use anser_protocol::frame::room::{
    MyRooms, RoomChange, RoomEnter, RoomInfo, RoomList, RoomMembers, RoomRequest, RoomSilence,
};
use anser_protocol::frame::session::{Logout, RegisterUser, UserInfo};
use anser_protocol::frame::talk::{CommandTarget, Retract, SendCommand};
use anser_protocol::ids::GroupId;
use anser_protocol::ids::Position;
use anser_protocol::label;
use anser_protocol::limits;
use anser_protocol::names::Chat;
use anser_protocol::room::RoomRole;

use super::action::{Answer, CommandTo, Request, RequestError, RequestId};
use super::group_requests;

/// Requests that wait or are on their way.
pub(crate) const PENDING_MAX: usize = 64;
/// An application waits so long for an answer, the time to connect included.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Texts of one request, in all: leaves room for lengths in the largest frame that a server takes.
const TEXT_BYTES_MAX: usize = limits::CLIENT_FRAME_BYTES_MAX - 4096;

#[derive(Debug, Default)]
pub(crate) struct Requests {
    last_id: RequestId,
    pending: BTreeMap<RequestId, Pending>,
}

#[derive(Debug)]
struct Pending {
    request: Request,
    is_in_flight: bool,
    deadline: Option<Duration>,
    /// Parts of an answer that comes in several frames.
    parts: Option<Answer>,
}

impl Requests {
    pub(crate) fn take_id(&mut self) -> RequestId {
        self.last_id = self.last_id.wrapping_add(1).max(1);
        self.last_id
    }

    pub(crate) fn push(&mut self, request: Request, now: Duration) -> Result<RequestId, RequestError> {
        self.push_for(request, ANSWER_WITHIN, now)
    }

    /// The same with a time of its own to wait for the answer.
    pub(crate) fn push_for(
        &mut self,
        request: Request,
        answer_within: Duration,
        now: Duration,
    ) -> Result<RequestId, RequestError> {
        group_requests::check(&request)?;
        check(&request).map_err(RequestError::Invalid)?;
        if self.pending.len() >= PENDING_MAX {
            return Err(RequestError::TooMany);
        }
        let id = self.take_id();
        // A report about pushes is nobody's to wait for: it is repeated until it is through.
        let deadline = (!is_report(&request)).then(|| now + answer_within);
        self.pending.insert(id, Pending { request, is_in_flight: false, deadline, parts: None });
        Ok(id)
    }

    pub(crate) fn len(&self) -> usize {
        self.pending.len()
    }

    /// Is a logout on its way? What follows it on the link is nobody's.
    pub(crate) fn is_logging_out(&self) -> bool {
        self.pending.values().any(|pending| pending.is_in_flight && pending.request == Request::Logout)
    }

    pub(crate) fn owes_answers(&self) -> bool {
        self.pending.values().any(|pending| pending.is_in_flight)
    }

    pub(crate) fn next_to_send(&mut self, is_logged_in: bool) -> Option<ClientFrame> {
        let may_go = |pending: &Pending| !pending.is_in_flight && (is_logged_in || !needs_user(&pending.request));
        let (id, pending) = self.pending.iter_mut().find(|(_, pending)| may_go(pending))?;
        pending.is_in_flight = true;
        Some(frame(*id, &pending.request))
    }

    /// The link is gone. Answers those whose outcome nobody knows.
    pub(crate) fn handle_unlinked(&mut self) -> Vec<(RequestId, Request)> {
        let lost = self.take(|pending| pending.is_in_flight && !is_repeatable(&pending.request));
        for pending in self.pending.values_mut() {
            pending.is_in_flight = false;
            pending.parts = None;
        }
        lost
    }

    /// Nobody is logged in any more.
    pub(crate) fn handle_logged_out(&mut self) -> Vec<(RequestId, Request)> {
        self.take(|pending| needs_user(&pending.request))
    }

    pub(crate) fn handle_timeout(&mut self, now: Duration) -> Vec<(RequestId, Request)> {
        self.take(|pending| pending.deadline.is_some_and(|deadline| deadline <= now))
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.pending.values().filter_map(|pending| pending.deadline).min()
    }

    /// The whole answer came, or its last part.
    pub(crate) fn complete(&mut self, id: RequestId) -> Option<Request> {
        self.pending.remove(&id).map(|pending| pending.request)
    }

    /// A part of an answer. The whole answer when it was the last.
    pub(crate) fn gather(&mut self, id: RequestId, part: Answer, is_last: bool) -> Option<Answer> {
        let pending = self.pending.get_mut(&id)?;
        let whole = match (pending.parts.take(), part) {
            (None, part) => part,
            (Some(Answer::Groups(mut groups)), Answer::Groups(more)) => {
                groups.extend(more);
                Answer::Groups(groups)
            }
            (Some(Answer::Members { mut members, .. }), Answer::Members { owner, members: more }) => {
                members.extend(more);
                Answer::Members { owner, members }
            }
            (Some(Answer::GroupPage { total, mut groups }), Answer::GroupPage { groups: more, .. }) => {
                groups.extend(more);
                Answer::GroupPage { total, groups }
            }
            (Some(Answer::Standings(mut standings)), Answer::Standings(more)) => {
                standings.extend(more);
                Answer::Standings(standings)
            }
            (Some(Answer::Silences(mut silences)), Answer::Silences(more)) => {
                silences.extend(more);
                Answer::Silences(silences)
            }
            (Some(Answer::Announcements(mut announcements)), Answer::Announcements(more)) => {
                announcements.extend(more);
                Answer::Announcements(announcements)
            }
            (Some(Answer::Joins(mut joins)), Answer::Joins(more)) => {
                joins.extend(more);
                Answer::Joins(joins)
            }
            (Some(Answer::Rooms { mut rooms, .. }), Answer::Rooms { total, rooms: more }) => {
                rooms.extend(more);
                Answer::Rooms { total, rooms }
            }
            (Some(Answer::RoomUsers { mut users, .. }), Answer::RoomUsers { total, users: more }) => {
                users.extend(more);
                Answer::RoomUsers { total, users }
            }
            (Some(Answer::Readers { mut read, mut unread }), Answer::Readers { read: more, unread: rest }) => {
                read.extend(more);
                unread.extend(rest);
                Answer::Readers { read, unread }
            }
            (Some(Answer::Tags(mut tags)), Answer::Tags(more)) => {
                tags.extend(more);
                Answer::Tags(tags)
            }
            (
                Some(Answer::People { mut people, mut groups, everything }),
                Answer::People { people: more, groups: rest, .. },
            ) => {
                people.extend(more);
                groups.extend(rest);
                Answer::People { people, groups, everything }
            }
            (Some(_), part) => part,
        };
        if is_last {
            self.pending.remove(&id);
            return Some(whole);
        }
        pending.parts = Some(whole);
        None
    }

    /// The server will look at it later.
    pub(crate) fn put_off(&mut self, id: RequestId) -> bool {
        let pending = self.pending.get_mut(&id);
        pending.is_some_and(|pending| is_report(&pending.request))
    }

    fn take(&mut self, which: impl Fn(&Pending) -> bool) -> Vec<(RequestId, Request)> {
        let ids: Vec<RequestId> =
            self.pending.iter().filter(|(_, pending)| which(pending)).map(|(id, _)| *id).collect();
        ids.into_iter().filter_map(|id| Some((id, self.pending.remove(&id)?.request))).collect()
    }
}

fn is_report(request: &Request) -> bool {
    matches!(request, Request::PushClicked { .. } | Request::PushReport { .. })
}

pub(crate) fn needs_user(request: &Request) -> bool {
    use Request as R;
    !matches!(
        request,
        R::RegisterUser { .. }
            | R::TagsGet
            | R::TagsSet { .. }
            | R::TagsAdd { .. }
            | R::TagsDelete { .. }
            | R::AliasGet
            | R::AliasSet { .. }
            | R::AliasDelete
            | R::MobileSet { .. }
            | R::PushClicked { .. }
            | R::PushReport { .. }
            | R::PushToken { .. }
            | R::Badge { .. }
    )
}

fn is_repeatable(request: &Request) -> bool {
    use Request as R;
    if let R::People(people) = request {
        return people.is_repeatable();
    }
    if let R::Group(call) = request {
        return group_requests::is_repeatable(call);
    }
    !matches!(
        request,
        R::RegisterUser { .. }
            | R::Logout
            | R::GroupCreate { .. }
            | R::GroupAdd { .. }
            | R::GroupRemove { .. }
            | R::GroupLeave { .. }
            | R::RoomLeave { .. }
            | R::RoomChange { .. }
            | R::Command { .. }
    )
}

fn check(request: &Request) -> Result<(), &'static str> {
    use Request as R;
    let texts: Vec<&String> = match request {
        R::RegisterUser { username, password } => {
            if username.is_empty() || username.len() > limits::USERNAME_BYTES_MAX {
                return Err("a user name has 1 to 128 bytes");
            }
            if !(limits::PASSWORD_BYTES_MIN..=limits::PASSWORD_BYTES_MAX).contains(&password.len()) {
                return Err("a password has 4 to 128 bytes");
            }
            vec![username, password]
        }
        R::GroupCreate { name, description, members } => {
            names(members, limits::NAMES_PER_CALL_MAX)?.chain([name, description]).collect()
        }
        R::GroupAdd { members, .. } | R::GroupRemove { members, .. } => {
            names(members, limits::NAMES_PER_CALL_MAX)?.collect()
        }
        R::People(people) => people.check()?,
        R::MediaUpload { name, thumb_of, .. } => vec![name, thumb_of],
        R::MediaAddress { media_id } => vec![media_id],
        R::UserInfo { username } | R::RoomSilence { username, .. } => vec![username],
        R::RoomChange { users, .. } => names(users, limits::NAMES_PER_CALL_MAX)?.collect(),
        R::RoomInfo { rooms } if rooms.len() > limits::ROOMS_PER_FRAME_MAX => {
            return Err("at most 50 rooms are asked for in one call");
        }
        R::RoomList { count, .. } | R::RoomMembers { count, .. } if *count == 0 || *count > limits::LIST_PAGE_MAX => {
            return Err("a page has 1 to 200 rows");
        }
        R::Command { to, text } => {
            if text.len() > limits::COMMAND_BYTES_MAX {
                return Err("a command has at most 1024 bytes");
            }
            match to {
                CommandTo::User(name) => vec![name, text],
                CommandTo::Group(_) | CommandTo::OwnDevices(_) => vec![text],
            }
        }
        R::TagsSet { tags } | R::TagsAdd { tags } | R::TagsDelete { tags } => {
            names(tags, limits::TAGS_PER_DEVICE_MAX)?.collect()
        }
        R::AliasSet { alias } => vec![alias],
        R::PushToken { token, .. } if token.len() > limits::PUSH_TOKEN_BYTES_MAX => {
            return Err("a push token has at most 1024 bytes");
        }
        R::Badge { badge } if *badge > limits::BADGE_MAX => return Err("a badge is a number from 0 to 99999"),
        R::MobileSet { mobile } if label::check_mobile(mobile).is_err() => {
            return Err("a mobile number has at most 20 characters: + or a digit, then digits and -");
        }
        R::History { limit, .. } if *limit == 0 || *limit > limits::HISTORY_PAGE_MAX => {
            return Err("a page of history has 1 to 100 records");
        }
        R::Conversations { limit, .. } if *limit == 0 || *limit > limits::LIST_PAGE_MAX => {
            return Err("a page of conversations has 1 to 200 rows");
        }
        R::PushClicked { pushes } | R::PushReport { pushes, .. } if pushes.len() > limits::REPORTS_PER_FRAME_MAX => {
            return Err("at most 100 pushes are reported in one call");
        }
        R::Unread { chats, .. } if chats.len() > limits::MARKS_PER_FRAME_MAX || chats.contains(&Chat::Notices) => {
            return Err("at most 100 chats are counted in one call, and no notices");
        }
        R::Group(call) => group_requests::texts(call),
        _ => Vec::new(),
    };
    let bytes: usize = texts.iter().map(|text| text.len() + 2).sum();
    if bytes > TEXT_BYTES_MAX { Err("the request is too long; split it") } else { Ok(()) }
}

fn names(list: &[String], most: usize) -> Result<impl Iterator<Item = &String>, &'static str> {
    if list.len() > most { Err("the list is too long; split it") } else { Ok(list.iter()) }
}

fn command(request: RequestId, to: &CommandTo, text: &str) -> SendCommand {
    let (target, username, group, platform) = match to {
        CommandTo::User(name) => (CommandTarget::USER, name.as_str(), GroupId(0), Platform::OTHER),
        CommandTo::Group(group) => (CommandTarget::GROUP, "", *group, Platform::OTHER),
        CommandTo::OwnDevices(platform) => (CommandTarget::OWN_DEVICES, "", GroupId(0), *platform),
    };
    let (username, text) = (username.to_owned(), text.to_owned());
    SendCommand { request, target, username, group, platform, text, extensions: Extensions::default() }
}

fn frame(request: RequestId, body: &Request) -> ClientFrame {
    use Request as R;
    let extensions = Extensions::default();
    let tags = |action, tags: &Vec<String>| {
        ClientFrame::Tags(Tags { request, action, tags: tags.clone(), extensions: Extensions::default() })
    };
    let alias = |action, alias: &str| {
        ClientFrame::Alias(Alias { request, action, alias: alias.to_owned(), extensions: Extensions::default() })
    };
    match body {
        R::RegisterUser { username, password } => ClientFrame::RegisterUser(RegisterUser {
            request,
            username: username.clone(),
            password: password.clone(),
            extensions,
        }),
        R::Logout => ClientFrame::Logout(Logout { request, extensions }),
        R::History { chat, before, after, limit } => {
            ClientFrame::History(History { request, chat: chat.clone(), before: *before, after: *after, limit: *limit })
        }
        R::Conversations { before, limit } => {
            ClientFrame::Conversations(Conversations { request, before: *before, limit: *limit, extensions })
        }
        R::GroupCreate { name, description, members } => ClientFrame::GroupCreate(GroupCreate {
            request,
            name: name.clone(),
            description: description.clone(),
            members: members.clone(),
            extensions,
        }),
        R::GroupAdd { group, members } => {
            ClientFrame::GroupAdd(GroupChange { request, group: *group, members: members.clone(), extensions })
        }
        R::GroupRemove { group, members } => {
            ClientFrame::GroupRemove(GroupChange { request, group: *group, members: members.clone(), extensions })
        }
        R::GroupLeave { group } => ClientFrame::GroupLeave(GroupRequest { request, group: *group, extensions }),
        R::GroupList => ClientFrame::GroupList(GroupList { request, extensions }),
        R::GroupMembers { group } => ClientFrame::GroupMembers(GroupRequest { request, group: *group, extensions }),
        R::UserInfo { username } => ClientFrame::UserInfo(UserInfo { request, username: username.clone(), extensions }),
        R::People(people) => people.frame(request),
        R::MediaUpload { kind, bytes, sha256, name, thumb_of } => ClientFrame::MediaUpload(MediaUpload {
            request,
            kind: *kind,
            bytes: *bytes,
            sha256: sha256.to_vec(),
            name: name.clone(),
            thumb_of: thumb_of.clone(),
            extensions,
        }),
        R::MediaAddress { media_id } => {
            ClientFrame::MediaAddress(MediaAddress { request, media_id: media_id.clone(), extensions })
        }
        R::RoomEnter { room } => ClientFrame::RoomEnter(RoomEnter {
            request,
            room: *room,
            after: Position::START,
            is_again: false,
            extensions,
        }),
        R::RoomLeave { room } => ClientFrame::RoomLeave(RoomRequest { request, room: *room, extensions }),
        R::RoomList { start, count } => {
            ClientFrame::RoomList(RoomList { request, start: *start, count: *count, extensions })
        }
        R::MyRooms => ClientFrame::MyRooms(MyRooms { request, extensions }),
        R::RoomInfo { rooms } => ClientFrame::RoomInfo(RoomInfo { request, rooms: rooms.clone(), extensions }),
        R::RoomMembers { room, role, start, count } => ClientFrame::RoomMembers(RoomMembers {
            request,
            room: *room,
            role: role.unwrap_or(RoomRole(0)),
            start: *start,
            count: *count,
            extensions,
        }),
        R::RoomChange { room, role, is_given, users, for_ms } => ClientFrame::RoomChange(RoomChange {
            request,
            room: *room,
            role: *role,
            is_given: *is_given,
            users: users.clone(),
            for_ms: *for_ms,
            extensions,
        }),
        R::RoomSilence { room, username } => {
            ClientFrame::RoomSilence(RoomSilence { request, room: *room, username: username.clone(), extensions })
        }
        R::Readers { message } => ClientFrame::ReadersAsk(ReadersAsk { request, message: *message, extensions }),
        R::Unread { chats, total } => {
            let chats = chats.iter().filter_map(ReadChat::of).collect();
            ClientFrame::UnreadAsk(UnreadAsk { request, chats, total: *total, extensions })
        }
        R::OwnDevices => ClientFrame::OwnDevicesAsk(OwnDevicesAsk { request, extensions }),
        R::Retract { message } => ClientFrame::Retract(Retract { request, message: *message, extensions }),
        R::Command { to, text } => ClientFrame::SendCommand(command(request, to, text)),
        R::TagsGet => tags(LabelAction::GET, &Vec::new()),
        R::TagsSet { tags: list } => tags(LabelAction::SET, list),
        R::TagsAdd { tags: list } => tags(LabelAction::ADD, list),
        R::TagsDelete { tags: list } => tags(LabelAction::DELETE, list),
        R::AliasGet => alias(LabelAction::GET, ""),
        R::AliasSet { alias: name } => alias(LabelAction::SET, name),
        R::AliasDelete => alias(LabelAction::DELETE, ""),
        R::MobileSet { mobile } => ClientFrame::Mobile(Mobile { request, mobile: mobile.clone(), extensions }),
        R::PushClicked { pushes } => {
            ClientFrame::PushClicked(PushClicked { request, pushes: pushes.clone(), extensions })
        }
        R::PushReport { state, pushes } => {
            ClientFrame::PushReport(PushReport { request, state: *state, pushes: pushes.clone(), extensions })
        }
        R::PushToken { kind, token } => {
            ClientFrame::PushToken(PushToken { request, kind: *kind, token: token.clone(), extensions })
        }
        R::Group(call) => group_requests::frame(request, call),
        R::Badge { badge } => ClientFrame::Badge(Badge { request, badge: *badge, extensions }),
    }
}
