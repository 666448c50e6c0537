//! Groups, conversations' members, profiles: requests that are one command or one question.

use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::ServerFrame;
use anser_protocol::frame::group::{
    GroupChange, GroupCreate, GroupCreated, GroupList, GroupMembers, GroupRequest, GroupSummary, Groups,
};
use anser_protocol::frame::group_order::GroupMake;
use anser_protocol::frame::session::{UserInfo, UserProfile};
use anser_storage::command::{Actor, Command, GroupCommand};
use anser_storage::outcome::Answer as Accepted;

use super::request::Pending;
use super::{Session, Stage};
use crate::link::query::{Answer, Query};

/// Names of members, and groups, in one frame: 200 of the longest stay below the frame limit.
const MEMBERS_PER_PART: usize = 200;
const GROUPS_PER_PART: usize = 80;

impl Session {
    /// A private group without a picture, of the server's default size.
    pub(super) fn create_group(&mut self, body: GroupCreate) {
        let GroupCreate { request, name, description, members, extensions } = body;
        self.make_group(GroupMake {
            request,
            name,
            description,
            avatar: String::new(),
            is_public: false,
            maximum: 0,
            members,
            extensions,
        });
    }

    pub(super) fn group_created(&mut self, request: u32, accepted: Result<Accepted, (ErrorCode, String)>) {
        match accepted {
            Ok(Accepted::Group(group)) => self.send(&ServerFrame::GroupCreated(GroupCreated {
                request,
                group,
                extensions: Extensions::default(),
            })),
            Ok(_) => self.fail(request, ErrorCode::INTERNAL, ""),
            Err((code, message)) => self.fail(request, code, &message),
        }
    }

    pub(super) fn add_members(&mut self, body: GroupChange) {
        if body.members.is_empty() {
            return self.fail(body.request, ErrorCode::MEMBERS_EMPTY, "");
        }
        self.change_group(body.request, |app, user| GroupCommand::Add {
            app,
            by: Actor::User(user),
            group: body.group,
            members: body.members,
        });
    }

    pub(super) fn remove_members(&mut self, body: GroupChange) {
        if body.members.is_empty() {
            return self.fail(body.request, ErrorCode::REMOVAL_EMPTY, "");
        }
        self.change_group(body.request, |app, user| GroupCommand::Remove {
            app,
            by: Actor::User(user),
            group: body.group,
            members: body.members,
        });
    }

    pub(super) fn leave_group(&mut self, body: GroupRequest) {
        self.change_group(body.request, |app, user| GroupCommand::Leave { app, user, group: body.group });
    }

    fn change_group(
        &mut self,
        request: u32,
        command: impl FnOnce(anser_storage::ids::AppNumber, anser_storage::ids::UserNumber) -> GroupCommand,
    ) {
        let Stage::Ready(ready) = &self.stage else { return };
        let Some(user) = &ready.user else { return self.fail(request, ErrorCode::NOT_LOGGED_IN, "") };
        let command = command(ready.app, user.number);
        self.submit(Pending::ChangeGroup(request), Command::Group(command));
    }

    pub(super) fn ask_groups(&mut self, body: GroupList) {
        let Stage::Ready(ready) = &self.stage else { return };
        let Some(user) = &ready.user else { return self.fail(body.request, ErrorCode::NOT_LOGGED_IN, "") };
        let query = Query::Groups { app: ready.app, user: user.number };
        self.query(Pending::Groups(body.request), query);
    }

    pub(super) fn groups_read(&mut self, request: u32, answer: Result<Answer, ErrorCode>) {
        let groups = match answer {
            Ok(Answer::Groups(groups)) => groups,
            Ok(_) => return self.fail(request, ErrorCode::INTERNAL, ""),
            Err(code) => return self.fail(request, code, ""),
        };
        for (groups, is_last) in parts::<GroupSummary>(groups, GROUPS_PER_PART) {
            let extensions = Extensions::default();
            self.send(&ServerFrame::Groups(Groups { request, groups, is_last, extensions }));
        }
    }

    pub(super) fn ask_members(&mut self, body: GroupRequest) {
        let Stage::Ready(ready) = &self.stage else { return };
        let Some(user) = &ready.user else { return self.fail(body.request, ErrorCode::NOT_LOGGED_IN, "") };
        let query = Query::Members { app: ready.app, user: user.number, group: body.group };
        self.query(Pending::Members(body.request), query);
    }

    pub(super) fn members_read(&mut self, request: u32, answer: Result<Answer, ErrorCode>) {
        let (owner, members) = match answer {
            Ok(Answer::Members(Some((owner, members)))) => (owner, members),
            Ok(Answer::Members(None)) => return self.fail(request, ErrorCode::NOT_A_MEMBER, ""),
            Ok(_) => return self.fail(request, ErrorCode::INTERNAL, ""),
            Err(code) => return self.fail(request, code, ""),
        };
        for (members, is_last) in parts(members, MEMBERS_PER_PART) {
            let (owner, extensions) = (owner.clone(), Extensions::default());
            self.send(&ServerFrame::GroupMembers(GroupMembers { request, members, owner, is_last, extensions }));
        }
    }

    pub(super) fn ask_profile(&mut self, body: UserInfo) {
        let Stage::Ready(ready) = &self.stage else { return };
        if ready.user.is_none() {
            return self.fail(body.request, ErrorCode::NOT_LOGGED_IN, "");
        }
        let query = Query::Profile { app: ready.app, username: body.username };
        self.query(Pending::Profile(body.request), query);
    }

    pub(super) fn profile_read(&mut self, request: u32, answer: Result<Answer, ErrorCode>) {
        match answer {
            Ok(Answer::Profile(Some((username, profile)))) => {
                self.send(&ServerFrame::UserProfile(UserProfile {
                    request,
                    username,
                    nickname: profile.nickname,
                    avatar: profile.avatar,
                    birthday: profile.birthday,
                    signature: profile.signature,
                    region: profile.region,
                    address: profile.address,
                    gender: profile.gender.unwrap_or(0),
                    extras: profile.extras,
                    extensions: Extensions::default(),
                }));
            }
            Ok(Answer::Profile(None)) => self.fail(request, ErrorCode::NO_SUCH_USER, ""),
            Ok(_) => self.fail(request, ErrorCode::INTERNAL, ""),
            Err(code) => self.fail(request, code, ""),
        }
    }
}

/// Cuts a list into parts, the last of which says so; an empty list is one empty part.
pub(super) fn parts<T>(mut list: Vec<T>, size: usize) -> Vec<(Vec<T>, bool)> {
    let mut parts = Vec::new();
    loop {
        let rest = list.split_off(list.len().min(size));
        let is_last = rest.is_empty();
        parts.push((std::mem::replace(&mut list, rest), is_last));
        if is_last {
            return parts;
        }
    }
}
