//! Requests about what users are to each other, and about one's own profile and password.

use anser_protocol::extension::Extensions;
use anser_protocol::frame::ClientFrame;
use anser_protocol::frame::people::{
    Blacklist, FriendAnswer, FriendAsk, FriendNote, FriendRemove, ListKind, Mutes, PasswordChange, People, PeopleList,
    ProfileChange, Shields, UsersInfo,
};
use anser_protocol::ids::GroupId;
use anser_protocol::limits;

use super::Session;
use super::action::{Answer, RequestId};

const NAME_BYTES_MAX: usize = 64;

/// See [`Request::People`](super::Request::People).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeopleRequest {
    /// Its `request` and `extensions` are not looked at.
    ChangeProfile(Box<ProfileChange>),
    /// Other sessions of the user end.
    ChangePassword {
        old: String,
        new: String,
    },
    Block {
        usernames: Vec<String>,
    },
    Unblock {
        usernames: Vec<String>,
    },
    /// Its `request` and `extensions` are not looked at.
    Mute(Box<Mutes>),
    Shield {
        add: Vec<GroupId>,
        remove: Vec<GroupId>,
    },
    AskFriend {
        username: String,
        reason: String,
    },
    AnswerFriend {
        username: String,
        accepts: bool,
        reason: String,
    },
    RemoveFriends {
        usernames: Vec<String>,
    },
    /// Absent texts stay as they are; an empty one clears.
    NoteFriend {
        username: String,
        name: Option<String>,
        text: Option<String>,
    },
    Friends,
    Blacklist,
    Mutes,
    Shields,
    /// Profiles, and what these users are to the one who is logged in; unknown names are left out.
    Users {
        usernames: Vec<String>,
    },
}

impl PeopleRequest {
    /// Does it only ask, or say what shall be?
    pub(super) fn is_repeatable(&self) -> bool {
        matches!(
            self,
            Self::ChangeProfile(_)
                | Self::AskFriend { .. }
                | Self::NoteFriend { .. }
                | Self::Friends
                | Self::Blacklist
                | Self::Mutes
                | Self::Shields
                | Self::Users { .. }
        )
    }

    /// The texts that it carries.
    pub(super) fn check(&self) -> Result<Vec<&String>, &'static str> {
        let list = |usernames: &Vec<String>| usernames.len() <= limits::NAMES_PER_CALL_MAX;
        let groups = |groups: &Vec<GroupId>| groups.len() <= limits::GROUPS_PER_USER_MAX;
        let password = limits::PASSWORD_BYTES_MIN..=limits::PASSWORD_BYTES_MAX;
        match self {
            Self::ChangePassword { old, new } => {
                if !password.contains(&new.len()) || old.len() > limits::PASSWORD_BYTES_MAX {
                    return Err("a password has 4 to 128 bytes");
                }
                Ok(vec![old, new])
            }
            Self::ChangeProfile(change) => Ok([
                &change.nickname,
                &change.avatar,
                &change.birthday,
                &change.signature,
                &change.region,
                &change.address,
                &change.extras,
            ]
            .into_iter()
            .flatten()
            .collect()),
            Self::Block { usernames } | Self::Unblock { usernames } | Self::RemoveFriends { usernames } => {
                match usernames.is_empty() || !list(usernames) {
                    true => Err("one to 500 users are named in one call"),
                    false => Ok(usernames.iter().collect()),
                }
            }
            Self::Users { usernames } if !list(usernames) => Err("at most 500 users are named in one call"),
            Self::Users { usernames } => Ok(usernames.iter().collect()),
            Self::Mute(mutes) => {
                let is_short = list(&mutes.add_users) && list(&mutes.remove_users);
                if !is_short || !groups(&mutes.add_groups) || !groups(&mutes.remove_groups) {
                    return Err("at most 500 users or groups are named in one list");
                }
                Ok(mutes.add_users.iter().chain(&mutes.remove_users).collect())
            }
            Self::Shield { add, remove } if !groups(add) || !groups(remove) => {
                Err("at most 500 groups are named in one list")
            }
            Self::AskFriend { username, reason } | Self::AnswerFriend { username, reason, .. } => {
                match reason.len() <= limits::TEXT_BYTES_MAX {
                    true => Ok(vec![username, reason]),
                    false => Err("a reason has at most 250 bytes"),
                }
            }
            Self::NoteFriend { username, name, text } => {
                let is_name = |name: &String| name.len() <= NAME_BYTES_MAX && !name.contains(['\n', '\r']);
                let is_text = |text: &String| text.len() <= limits::TEXT_BYTES_MAX;
                match name.as_ref().is_none_or(is_name) && text.as_ref().is_none_or(is_text) {
                    true => Ok([Some(username), name.as_ref(), text.as_ref()].into_iter().flatten().collect()),
                    false => Err("a note's name has at most 64 bytes and one line, its text at most 250 bytes"),
                }
            }
            Self::Shield { .. } | Self::Friends | Self::Blacklist | Self::Mutes | Self::Shields => Ok(Vec::new()),
        }
    }

    pub(super) fn frame(&self, request: RequestId) -> ClientFrame {
        let extensions = Extensions::default();
        let list = |list| ClientFrame::PeopleList(PeopleList { request, list, extensions: Extensions::default() });
        let blacklist = |is_added, usernames: &Vec<String>| {
            let (usernames, extensions) = (usernames.clone(), Extensions::default());
            ClientFrame::Blacklist(Blacklist { request, is_added, usernames, extensions })
        };
        match self.clone() {
            Self::ChangeProfile(change) => ClientFrame::ProfileChange(ProfileChange { request, extensions, ..*change }),
            Self::ChangePassword { old, new } => {
                ClientFrame::PasswordChange(PasswordChange { request, old, new, extensions })
            }
            Self::Block { usernames } => blacklist(true, &usernames),
            Self::Unblock { usernames } => blacklist(false, &usernames),
            Self::Mute(mutes) => ClientFrame::Mutes(Mutes { request, extensions, ..*mutes }),
            Self::Shield { add, remove } => ClientFrame::Shields(Shields { request, add, remove, extensions }),
            Self::AskFriend { username, reason } => {
                ClientFrame::FriendAsk(FriendAsk { request, username, reason, extensions })
            }
            Self::AnswerFriend { username, accepts, reason } => {
                ClientFrame::FriendAnswer(FriendAnswer { request, username, accepts, reason, extensions })
            }
            Self::RemoveFriends { usernames } => {
                ClientFrame::FriendRemove(FriendRemove { request, usernames, extensions })
            }
            Self::NoteFriend { username, name, text } => {
                ClientFrame::FriendNote(FriendNote { request, username, name, text, extensions })
            }
            Self::Friends => list(ListKind::FRIENDS),
            Self::Blacklist => list(ListKind::BLACKLIST),
            Self::Mutes => list(ListKind::MUTES),
            Self::Shields => list(ListKind::SHIELDS),
            Self::Users { usernames } => ClientFrame::UsersInfo(UsersInfo { request, usernames, extensions }),
        }
    }
}

impl Session {
    pub(super) fn on_people(&mut self, part: People) {
        let People { people, groups, everything, .. } = part;
        self.on_part(part.request, Answer::People { people, groups, everything }, part.is_last);
    }
}
