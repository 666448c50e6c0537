//! The walls between apps on links: frames about what users are to each other.

use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::people::*;
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::GroupId;

use super::{REQUEST, Told, is_done};

pub fn told_stranger(frame: &ClientFrame) -> Told {
    Told::Failed(match frame {
        ClientFrame::Blacklist(_) => ErrorCode::BLACKLIST_UNKNOWN,
        ClientFrame::Mutes(mutes) if mutes.add_groups.is_empty() => ErrorCode::NO_SUCH_USER,
        ClientFrame::Mutes(_) => ErrorCode::MUTE_GROUP_UNKNOWN,
        ClientFrame::Shields(_) => ErrorCode::SHIELD_GROUP_UNKNOWN,
        ClientFrame::FriendAsk(_)
        | ClientFrame::FriendAnswer(_)
        | ClientFrame::FriendRemove(_)
        | ClientFrame::FriendNote(_) => ErrorCode::FRIEND_UNKNOWN,
        ClientFrame::UsersInfo(_) => return Told::Own(nobody),
        _ => return told_outsider(frame),
    })
}

pub fn told_outsider(frame: &ClientFrame) -> Told {
    Told::Failed(match frame {
        ClientFrame::PasswordChange(_) => ErrorCode::OLD_PASSWORD_WRONG,
        ClientFrame::Mutes(mutes) if !mutes.add_groups.is_empty() => ErrorCode::MUTE_NOT_A_MEMBER,
        ClientFrame::Shields(_) => ErrorCode::SHIELD_NOT_A_MEMBER,
        ClientFrame::FriendAnswer(_) => ErrorCode::NO_FRIEND_REQUEST,
        ClientFrame::FriendRemove(_) | ClientFrame::FriendNote(_) => ErrorCode::NOT_FRIENDS,
        ClientFrame::PeopleList(_) => return Told::Own(nobody),
        ClientFrame::UsersInfo(_) => return Told::Own(somebody),
        // Users of one app may block, mute and ask each other; a profile is one's own.
        _ => return Told::Own(is_done),
    })
}

fn nobody(frame: &ServerFrame) -> bool {
    matches!(frame, ServerFrame::People(found) if found.people.is_empty() && found.groups.is_empty() && !found.everything)
}

/// Without what the owner is to others.
fn somebody(frame: &ServerFrame) -> bool {
    matches!(frame, ServerFrame::People(found) if matches!(&found.people[..], [one]
        if one.relations & Person::FRIEND == 0 && one.note_name.is_empty()))
}

/// All ways in which a frame of this type names things of the owner; nothing for a frame of another file.
pub fn frames_of(name: &str, group: GroupId) -> Option<Vec<ClientFrame>> {
    let (request, extensions) = (REQUEST, Extensions::default);
    let text = || "owners-user".to_owned();
    Some(match name {
        "ProfileChange" => {
            let nickname = Some("a callers nick".to_owned());
            vec![ClientFrame::ProfileChange(ProfileChange { request, nickname, ..ProfileChange::default() })]
        }
        "PasswordChange" => {
            let (old, new) = ("wrong".to_owned(), "stolen".to_owned());
            vec![ClientFrame::PasswordChange(PasswordChange { request, old, new, extensions: extensions() })]
        }
        "Blacklist" => {
            let usernames = vec![text()];
            vec![ClientFrame::Blacklist(Blacklist { request, is_added: true, usernames, extensions: extensions() })]
        }
        "Mutes" => vec![
            ClientFrame::Mutes(Mutes { request, add_users: vec![text()], ..Mutes::default() }),
            ClientFrame::Mutes(Mutes { request, add_groups: vec![group], ..Mutes::default() }),
        ],
        "Shields" => {
            let (add, remove) = (vec![group], Vec::new());
            vec![ClientFrame::Shields(Shields { request, add, remove, extensions: extensions() })]
        }
        "FriendAsk" => {
            let (username, reason) = (text(), String::new());
            vec![ClientFrame::FriendAsk(FriendAsk { request, username, reason, extensions: extensions() })]
        }
        "FriendAnswer" => {
            let (username, reason) = (text(), String::new());
            let answer = FriendAnswer { request, username, accepts: true, reason, extensions: extensions() };
            vec![ClientFrame::FriendAnswer(answer)]
        }
        "FriendRemove" => {
            let usernames = vec![text()];
            vec![ClientFrame::FriendRemove(FriendRemove { request, usernames, extensions: extensions() })]
        }
        "FriendNote" => {
            let (username, name) = (text(), Some("note".to_owned()));
            vec![ClientFrame::FriendNote(FriendNote { request, username, name, text: None, extensions: extensions() })]
        }
        "PeopleList" => [ListKind::FRIENDS, ListKind::SHIELDS]
            .map(|list| ClientFrame::PeopleList(PeopleList { request, list, extensions: extensions() }))
            .into(),
        "UsersInfo" => {
            let usernames = vec![text()];
            vec![ClientFrame::UsersInfo(UsersInfo { request, usernames, extensions: extensions() })]
        }
        _ => return None,
    })
}
