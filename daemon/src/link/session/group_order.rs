//! Orders about groups and questions of what stands in them: each is one command or one question.

use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::ServerFrame;
use anser_protocol::frame::group_order::{
    GroupAnnounced, GroupAnnouncements, GroupAsk, GroupBans, GroupEdit, GroupJoinAnswer, GroupJoins, GroupMake,
    GroupOrder, GroupOrderKind, GroupPage, GroupProfile, GroupSilences, GroupStandings, GroupsPublic,
};
use anser_protocol::ids::{GroupId, Position};
use anser_protocol::limits::{GROUP_NAME_BYTES_MAX, GROUP_NICKNAME_BYTES_MAX, GROUP_PAGE_MAX, TEXT_BYTES_MAX};
use anser_storage::command::{self, Actor, Command, GroupCommand, Order};
use anser_storage::outcome::Answer as Accepted;

use super::group::parts;
use super::request::Pending;
use super::{Session, Stage};
use crate::link::group_query::{GroupAnswer, GroupQuery};
use crate::link::query::{Answer, Query};

/// What fits into one frame, each as long as it may be.
const SHOWN_PER_PART: usize = 80;
const STANDINGS_PER_PART: usize = 200;
const ANNOUNCEMENTS_PER_PART: usize = 40;
const JOINS_PER_PART: usize = 100;

impl Session {
    pub(super) fn make_group(&mut self, body: GroupMake) {
        let Stage::Ready(ready) = &self.stage else { return };
        let Some(user) = &ready.user else { return self.fail(body.request, ErrorCode::NOT_LOGGED_IN, "") };
        let code = match body.name.len() {
            0 => Some(ErrorCode::GROUP_NAME_EMPTY),
            length if length > GROUP_NAME_BYTES_MAX => Some(ErrorCode::GROUP_NAME_TOO_LONG),
            _ if body.description.len() > TEXT_BYTES_MAX => Some(ErrorCode::GROUP_DESCRIPTION_TOO_LONG),
            _ if body.name.contains(['\n', '\r']) || body.avatar.len() > TEXT_BYTES_MAX => Some(ErrorCode::INVALID),
            _ => None,
        };
        if let Some(code) = code {
            return self.fail(body.request, code, "");
        }
        let owner = user.name.to_string();
        let command = Command::Group(GroupCommand::Create {
            app: ready.app,
            by: Actor::User(user.number),
            owner: owner.clone(),
            name: body.name,
            description: body.description,
            avatar: body.avatar,
            is_public: body.is_public,
            members_max: (body.maximum > 0).then_some(body.maximum),
            members: body.members,
        });
        self.submit(Pending::CreateGroup { request: body.request, owner }, command);
    }

    pub(super) fn edit_group(&mut self, body: GroupEdit) {
        let is_longer = |text: &Option<String>, most: usize| text.as_ref().is_some_and(|text| text.len() > most);
        let is_wrong = |name: &String| name.is_empty() || name.contains(['\n', '\r']);
        let code = if is_longer(&body.name, GROUP_NAME_BYTES_MAX) {
            Some(ErrorCode::CHANGED_NAME_TOO_LONG)
        } else if is_longer(&body.description, TEXT_BYTES_MAX) {
            Some(ErrorCode::CHANGED_DESCRIPTION_TOO_LONG)
        } else if body.name.as_ref().is_some_and(is_wrong)
            || is_longer(&body.avatar, TEXT_BYTES_MAX)
            || (body.name.is_none() && body.description.is_none() && body.avatar.is_none())
        {
            Some(ErrorCode::INVALID)
        } else {
            None
        };
        let order = Order::Edit { name: body.name, description: body.description, avatar: body.avatar };
        self.give_order(body.request, body.group, code.map_or(Ok(order), Err));
    }

    pub(super) fn order_group(&mut self, body: GroupOrder) {
        if body.order == GroupOrderKind::DISSOLVE {
            return self.dissolve_group(body.request, body.group);
        }
        let (request, group) = (body.request, body.group);
        self.give_order(request, group, order_of(body));
    }

    fn dissolve_group(&mut self, request: u32, group: GroupId) {
        let Stage::Ready(ready) = &self.stage else { return };
        let Some(user) = &ready.user else { return self.fail(request, ErrorCode::NOT_LOGGED_IN, "") };
        let command = GroupCommand::Dissolve { app: ready.app, by: Actor::User(user.number), group };
        self.submit(Pending::OrderGroup(request), Command::Group(command));
    }

    pub(super) fn answer_joins(&mut self, body: GroupJoinAnswer) {
        let order = if body.reason.len() > TEXT_BYTES_MAX || body.answers.is_empty() {
            Err(ErrorCode::INVALID)
        } else {
            let answers = body.answers.into_iter().map(|answer| (answer.id, answer.username)).collect();
            Ok(Order::AnswerJoins { answers, is_accepted: body.is_accepted, reason: body.reason })
        };
        self.give_order(body.request, body.group, order);
    }

    fn give_order(&mut self, request: u32, group: GroupId, order: Result<Order, ErrorCode>) {
        let Stage::Ready(ready) = &self.stage else { return };
        let Some(user) = &ready.user else { return self.fail(request, ErrorCode::NOT_LOGGED_IN, "") };
        let order = match order {
            Ok(order) => order,
            Err(code) => return self.fail(request, code, ""),
        };
        // Who is invited has the codes of who is added.
        let pending = match order {
            Order::Invite { .. } => Pending::ChangeGroup(request),
            _ => Pending::OrderGroup(request),
        };
        let (app, by) = (ready.app, Actor::User(user.number));
        self.submit(pending, Command::GroupOrder(command::GroupOrder { app, by, group, order }));
    }

    pub(super) fn group_ordered(&mut self, request: u32, accepted: Result<Accepted, (ErrorCode, String)>) {
        match accepted {
            Ok(Accepted::Announced(id)) => {
                let extensions = Extensions::default();
                self.send(&ServerFrame::GroupAnnounced(GroupAnnounced { request, id, extensions }));
            }
            Ok(_) => self.done(request),
            Err((code, message)) => self.fail(request, code, &message),
        }
    }

    pub(super) fn ask_group(&mut self, body: GroupAsk) {
        let Stage::Ready(ready) = &self.stage else { return };
        let Some(user) = &ready.user else { return self.fail(body.request, ErrorCode::NOT_LOGGED_IN, "") };
        let query = GroupQuery::Of { user: user.number, group: body.group, question: body.question };
        self.query(Pending::AskGroup(body.request), Query::Group { app: ready.app, query });
    }

    pub(super) fn ask_public_groups(&mut self, body: GroupsPublic) {
        let Stage::Ready(ready) = &self.stage else { return };
        if ready.user.is_none() {
            return self.fail(body.request, ErrorCode::NOT_LOGGED_IN, "");
        }
        if !(1..=GROUP_PAGE_MAX).contains(&body.count) {
            return self.fail(body.request, ErrorCode::INVALID, "");
        }
        let query = GroupQuery::Public { start: body.start, count: body.count as usize };
        self.query(Pending::AskGroup(body.request), Query::Group { app: ready.app, query });
    }

    pub(super) fn group_read(&mut self, request: u32, answer: Result<Answer, ErrorCode>) {
        let answer = match answer {
            Ok(Answer::Group(answer)) => answer,
            Ok(_) => return self.fail(request, ErrorCode::INTERNAL, ""),
            Err(code) => return self.fail(request, code, ""),
        };
        let extensions = Extensions::default;
        match answer {
            GroupAnswer::Refused(code) => self.fail(request, code, ""),
            GroupAnswer::Profile(shown) => {
                self.send(&ServerFrame::GroupProfile(GroupProfile {
                    request,
                    shown: *shown,
                    extensions: extensions(),
                }));
            }
            GroupAnswer::Page { total, page } => {
                for (page, is_last) in parts(page, SHOWN_PER_PART) {
                    let extensions = extensions();
                    self.send(&ServerFrame::GroupPage(GroupPage { request, total, page, is_last, extensions }));
                }
            }
            GroupAnswer::Standings(standings) => {
                for (standings, is_last) in parts(standings, STANDINGS_PER_PART) {
                    let extensions = extensions();
                    self.send(&ServerFrame::GroupStandings(GroupStandings { request, standings, is_last, extensions }));
                }
            }
            GroupAnswer::Silences(silences) => {
                for (silences, is_last) in parts(silences, STANDINGS_PER_PART) {
                    let extensions = extensions();
                    self.send(&ServerFrame::GroupSilences(GroupSilences { request, silences, is_last, extensions }));
                }
            }
            GroupAnswer::Bans(members) => {
                self.send(&ServerFrame::GroupBans(GroupBans { request, members, extensions: extensions() }));
            }
            GroupAnswer::Announcements(announcements) => {
                for (announcements, is_last) in parts(announcements, ANNOUNCEMENTS_PER_PART) {
                    let extensions = extensions();
                    let part = GroupAnnouncements { request, announcements, is_last, extensions };
                    self.send(&ServerFrame::GroupAnnouncements(part));
                }
            }
            GroupAnswer::Joins(joins) => {
                for (joins, is_last) in parts(joins, JOINS_PER_PART) {
                    let extensions = extensions();
                    self.send(&ServerFrame::GroupJoins(GroupJoins { request, joins, is_last, extensions }));
                }
            }
        }
    }
}

/// The order in the store's words, or why there is none.
fn order_of(body: GroupOrder) -> Result<Order, ErrorCode> {
    use GroupOrderKind as Kind;
    let GroupOrder { order, members: names, text, number, .. } = body;
    let id = Position(number);
    let reason = || if text.len() > TEXT_BYTES_MAX { Err(ErrorCode::INVALID) } else { Ok(text.clone()) };
    let one = || match &names[..] {
        [name] => Ok(name.clone()),
        _ => Err(ErrorCode::INVALID),
    };
    let needs_names =
        [Kind::ADD_ADMINS, Kind::REMOVE_ADMINS, Kind::SILENCE, Kind::LIFT_SILENCE, Kind::BAN, Kind::UNBAN];
    if names.is_empty() && needs_names.contains(&order) {
        return Err(ErrorCode::INVALID);
    }
    Ok(match order {
        Kind::MAKE_PUBLIC => Order::SetPublic(true),
        Kind::MAKE_PRIVATE => Order::SetPublic(false),
        Kind::MAXIMUM => Order::Resize(u32::try_from(number).map_err(|_| ErrorCode::GROUP_BAD_MAXIMUM)?),
        Kind::TRANSFER => Order::Transfer { to: one()? },
        Kind::ADD_ADMINS => Order::AddAdmins { names },
        Kind::REMOVE_ADMINS => Order::RemoveAdmins { names },
        Kind::SILENCE => Order::Silence { names, for_ms: (number > 0).then_some(number) },
        Kind::LIFT_SILENCE => Order::LiftSilence { names },
        Kind::BAN => Order::Ban { names },
        Kind::UNBAN => Order::Unban { names },
        Kind::NICKNAME => {
            if text.len() > GROUP_NICKNAME_BYTES_MAX || text.contains(['\n', '\r']) {
                return Err(ErrorCode::INVALID);
            }
            Order::SetNickname { username: one()?, nickname: text }
        }
        Kind::ANNOUNCE => Order::Announce { text, as_message: number == 1 },
        Kind::DROP_ANNOUNCEMENT => Order::DropAnnouncement { id },
        Kind::PIN_ANNOUNCEMENT => Order::PinAnnouncement { id, is_pinned: true },
        Kind::UNPIN_ANNOUNCEMENT => Order::PinAnnouncement { id, is_pinned: false },
        Kind::APPLY => Order::Apply { reason: reason()? },
        Kind::INVITE if names.is_empty() => return Err(ErrorCode::MEMBERS_EMPTY),
        Kind::INVITE => Order::Invite { reason: reason()?, names },
        _ => return Err(ErrorCode::INVALID),
    })
}
