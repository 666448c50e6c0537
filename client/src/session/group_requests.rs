//! Requests about groups: checked before they are sent, and as frames.

use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::group_order::{
    self, GroupAsk, GroupEdit, GroupJoinAnswer, GroupMake, GroupOrderKind as Kind, GroupsPublic, JoinAnswer,
};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::GroupId;
use anser_protocol::limits;

use super::Session;
use super::action::{Answer, GroupCall, GroupOrder, Request, RequestError};

/// Breaks the request a limit that the server would refuse with a code of its own?
pub(crate) fn check(request: &Request) -> Result<(), RequestError> {
    let forbidden = |code| Err(RequestError::Forbidden(code));
    match request {
        Request::GroupCreate { name, description, .. } => new_group_fits(name, description),
        Request::GroupAdd { members, .. } if members.is_empty() => forbidden(ErrorCode::MEMBERS_EMPTY),
        Request::GroupRemove { members, .. } if members.is_empty() => forbidden(ErrorCode::REMOVAL_EMPTY),
        Request::Group(call) => check_call(call),
        _ => Ok(()),
    }
}

fn check_call(call: &GroupCall) -> Result<(), RequestError> {
    let forbidden = |code| Err(RequestError::Forbidden(code));
    match call {
        GroupCall::Make { maximum, .. } if (1..limits::GROUP_MEMBERS_LEAST).contains(maximum) => {
            forbidden(ErrorCode::GROUP_BAD_MAXIMUM)
        }
        GroupCall::Make { name, description, .. } => new_group_fits(name, description),
        GroupCall::Edit { name: Some(name), .. } if name.len() > limits::GROUP_NAME_BYTES_MAX => {
            forbidden(ErrorCode::CHANGED_NAME_TOO_LONG)
        }
        GroupCall::Edit { description: Some(text), .. } if text.len() > limits::TEXT_BYTES_MAX => {
            forbidden(ErrorCode::CHANGED_DESCRIPTION_TOO_LONG)
        }
        GroupCall::Edit { name, description, avatar, .. } => {
            let is_named = name.as_ref().is_none_or(|name| !name.is_empty());
            match is_named && (name.is_some() || description.is_some() || avatar.is_some()) {
                true => Ok(()),
                false => Err(RequestError::Invalid("name a change, and no empty name")),
            }
        }
        GroupCall::AnswerJoins { answers, reason, .. } => {
            if answers.is_empty() || answers.len() > limits::NAMES_PER_CALL_MAX {
                return Err(RequestError::Invalid("1 to 500 requests are answered in one call"));
            }
            reason_fits(reason)
        }
        GroupCall::Public { count, .. } if *count == 0 || *count > limits::GROUP_PAGE_MAX => {
            Err(RequestError::Invalid("a page has 1 to 500 groups"))
        }
        GroupCall::Order { order, .. } => check_order(order),
        _ => Ok(()),
    }
}

fn new_group_fits(name: &str, description: &str) -> Result<(), RequestError> {
    let forbidden = |code| Err(RequestError::Forbidden(code));
    match name.len() {
        0 => forbidden(ErrorCode::GROUP_NAME_EMPTY),
        length if length > limits::GROUP_NAME_BYTES_MAX => forbidden(ErrorCode::GROUP_NAME_TOO_LONG),
        _ if description.len() > limits::TEXT_BYTES_MAX => forbidden(ErrorCode::GROUP_DESCRIPTION_TOO_LONG),
        _ => Ok(()),
    }
}

fn check_order(order: &GroupOrder) -> Result<(), RequestError> {
    let forbidden = |code| Err(RequestError::Forbidden(code));
    match order {
        GroupOrder::SetMaximum(maximum) if *maximum < limits::GROUP_MEMBERS_LEAST => {
            forbidden(ErrorCode::GROUP_BAD_MAXIMUM)
        }
        GroupOrder::Silence { for_ms: Some(time), .. }
            if !(limits::SILENCE_MS_MIN..=limits::SILENCE_MS_MAX).contains(time) =>
        {
            forbidden(ErrorCode::SILENCE_TIME)
        }
        GroupOrder::Announce { text, .. } if text.is_empty() || text.len() > limits::ANNOUNCEMENT_BYTES_MAX => {
            forbidden(ErrorCode::ANNOUNCEMENT_TOO_LONG)
        }
        GroupOrder::SetNickname { nickname, .. }
            if nickname.len() > limits::GROUP_NICKNAME_BYTES_MAX || nickname.contains(['\n', '\r']) =>
        {
            Err(RequestError::Invalid("a nickname has at most 64 bytes in one line"))
        }
        GroupOrder::Apply { reason } => reason_fits(reason),
        GroupOrder::Invite { members, .. } if members.is_empty() => forbidden(ErrorCode::MEMBERS_EMPTY),
        GroupOrder::Invite { members, reason } => names_fit(members).and(reason_fits(reason)),
        GroupOrder::AddAdmins(members)
        | GroupOrder::RemoveAdmins(members)
        | GroupOrder::Silence { members, .. }
        | GroupOrder::LiftSilence(members)
        | GroupOrder::Ban(members)
        | GroupOrder::Unban(members) => names_fit(members),
        _ => Ok(()),
    }
}

fn names_fit(names: &[String]) -> Result<(), RequestError> {
    match (1..=limits::NAMES_PER_CALL_MAX).contains(&names.len()) {
        true => Ok(()),
        false => Err(RequestError::Invalid("1 to 500 users are named in one call")),
    }
}

fn reason_fits(reason: &str) -> Result<(), RequestError> {
    match reason.len() <= limits::TEXT_BYTES_MAX {
        true => Ok(()),
        false => Err(RequestError::Invalid("a reason has at most 250 bytes")),
    }
}

/// The texts that it carries, for the size of its frame.
pub(crate) fn texts(call: &GroupCall) -> Vec<&String> {
    match call {
        GroupCall::Make { name, description, avatar, members, .. } => {
            members.iter().chain([name, description, avatar]).collect()
        }
        GroupCall::Edit { name, description, avatar, .. } => {
            [name, description, avatar].into_iter().flatten().collect()
        }
        GroupCall::AnswerJoins { answers, reason, .. } => {
            answers.iter().map(|(_, username)| username).chain([reason]).collect()
        }
        GroupCall::Order { order, .. } => match order {
            GroupOrder::AddAdmins(members)
            | GroupOrder::RemoveAdmins(members)
            | GroupOrder::Silence { members, .. }
            | GroupOrder::LiftSilence(members)
            | GroupOrder::Ban(members)
            | GroupOrder::Unban(members) => members.iter().collect(),
            GroupOrder::Invite { members, reason } => members.iter().chain([reason]).collect(),
            GroupOrder::SetNickname { username, nickname } => vec![username, nickname],
            GroupOrder::TransferTo(text) | GroupOrder::Announce { text, .. } | GroupOrder::Apply { reason: text } => {
                vec![text]
            }
            GroupOrder::Dissolve
            | GroupOrder::SetPublic(_)
            | GroupOrder::SetMaximum(_)
            | GroupOrder::DropAnnouncement(_)
            | GroupOrder::PinAnnouncement { .. } => Vec::new(),
        },
        GroupCall::Ask { .. } | GroupCall::Public { .. } => Vec::new(),
    }
}

/// Would it do harm when done twice?
pub(crate) fn is_repeatable(call: &GroupCall) -> bool {
    !matches!(
        call,
        GroupCall::Make { .. }
            | GroupCall::AnswerJoins { .. }
            | GroupCall::Order {
                order: GroupOrder::Dissolve
                    | GroupOrder::TransferTo(_)
                    | GroupOrder::Silence { .. }
                    | GroupOrder::Announce { .. }
                    | GroupOrder::DropAnnouncement(_)
                    | GroupOrder::Apply { .. }
                    | GroupOrder::Invite { .. },
                ..
            }
    )
}

pub(crate) fn frame(request: u32, call: &GroupCall) -> ClientFrame {
    let extensions = Extensions::default();
    match call {
        GroupCall::Make { name, description, avatar, is_public, maximum, members } => {
            ClientFrame::GroupMake(GroupMake {
                request,
                name: name.clone(),
                description: description.clone(),
                avatar: avatar.clone(),
                is_public: *is_public,
                maximum: *maximum,
                members: members.clone(),
                extensions,
            })
        }
        GroupCall::Edit { group, name, description, avatar } => {
            let (name, description, avatar) = (name.clone(), description.clone(), avatar.clone());
            ClientFrame::GroupEdit(GroupEdit { request, group: *group, name, description, avatar, extensions })
        }
        GroupCall::AnswerJoins { group, answers, is_accepted, reason } => {
            let answer = |(id, name): &(_, String)| JoinAnswer { id: *id, username: name.clone() };
            ClientFrame::GroupJoinAnswer(GroupJoinAnswer {
                request,
                group: *group,
                answers: answers.iter().map(answer).collect(),
                is_accepted: *is_accepted,
                reason: reason.clone(),
                extensions,
            })
        }
        GroupCall::Ask { group, question } => {
            ClientFrame::GroupAsk(GroupAsk { request, group: *group, question: *question, extensions })
        }
        GroupCall::Public { start, count } => {
            ClientFrame::GroupsPublic(GroupsPublic { request, start: *start, count: *count, extensions })
        }
        GroupCall::Order { group, order } => ClientFrame::GroupOrder(order_frame(request, *group, order)),
    }
}

fn order_frame(request: u32, group: GroupId, given: &GroupOrder) -> group_order::GroupOrder {
    let none = (Vec::new(), String::new(), 0);
    let named = |members: &Vec<String>| (members.clone(), String::new(), 0);
    let (order, (members, text, number)) = match given {
        GroupOrder::Dissolve => (Kind::DISSOLVE, none),
        GroupOrder::SetPublic(true) => (Kind::MAKE_PUBLIC, none),
        GroupOrder::SetPublic(false) => (Kind::MAKE_PRIVATE, none),
        GroupOrder::SetMaximum(maximum) => (Kind::MAXIMUM, (Vec::new(), String::new(), u64::from(*maximum))),
        GroupOrder::TransferTo(to) => (Kind::TRANSFER, (vec![to.clone()], String::new(), 0)),
        GroupOrder::AddAdmins(members) => (Kind::ADD_ADMINS, named(members)),
        GroupOrder::RemoveAdmins(members) => (Kind::REMOVE_ADMINS, named(members)),
        GroupOrder::Silence { members, for_ms } => {
            (Kind::SILENCE, (members.clone(), String::new(), for_ms.unwrap_or(0)))
        }
        GroupOrder::LiftSilence(members) => (Kind::LIFT_SILENCE, named(members)),
        GroupOrder::Ban(members) => (Kind::BAN, named(members)),
        GroupOrder::Unban(members) => (Kind::UNBAN, named(members)),
        GroupOrder::SetNickname { username, nickname } => {
            (Kind::NICKNAME, (vec![username.clone()], nickname.clone(), 0))
        }
        GroupOrder::Announce { text, as_message } => {
            (Kind::ANNOUNCE, (Vec::new(), text.clone(), u64::from(*as_message)))
        }
        GroupOrder::DropAnnouncement(id) => (Kind::DROP_ANNOUNCEMENT, (Vec::new(), String::new(), id.0)),
        GroupOrder::PinAnnouncement { id, is_pinned } => {
            let kind = if *is_pinned { Kind::PIN_ANNOUNCEMENT } else { Kind::UNPIN_ANNOUNCEMENT };
            (kind, (Vec::new(), String::new(), id.0))
        }
        GroupOrder::Apply { reason } => (Kind::APPLY, (Vec::new(), reason.clone(), 0)),
        GroupOrder::Invite { members, reason } => (Kind::INVITE, (members.clone(), reason.clone(), 0)),
    };
    group_order::GroupOrder { request, group, order, members, text, number, extensions: Extensions::default() }
}

impl Session {
    /// An answer about groups, or a part of one.
    pub(super) fn on_group_frame(&mut self, frame: ServerFrame) {
        match frame {
            ServerFrame::GroupProfile(of) => self.on_answer(of.request, Answer::Group(Box::new(of.shown))),
            ServerFrame::GroupBans(list) => self.on_answer(list.request, Answer::Bans(list.members)),
            ServerFrame::GroupAnnounced(made) => self.on_answer(made.request, Answer::Announced { id: made.id }),
            ServerFrame::GroupPage(part) => {
                let answer = Answer::GroupPage { total: part.total, groups: part.page };
                self.on_part(part.request, answer, part.is_last);
            }
            ServerFrame::GroupStandings(part) => {
                self.on_part(part.request, Answer::Standings(part.standings), part.is_last);
            }
            ServerFrame::GroupSilences(part) => {
                self.on_part(part.request, Answer::Silences(part.silences), part.is_last);
            }
            ServerFrame::GroupAnnouncements(part) => {
                self.on_part(part.request, Answer::Announcements(part.announcements), part.is_last);
            }
            ServerFrame::GroupJoins(part) => self.on_part(part.request, Answer::Joins(part.joins), part.is_last),
            _ => {}
        }
    }
}
