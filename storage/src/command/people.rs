//! What app servers do with users, and what users are to each other.

use anser_protocol::ids::GroupId;
use serde::{Deserialize, Serialize};

use super::{Actor, NewUser, Profile};
use crate::ids::{AppNumber, UserNumber};

/// Names were checked at the edge. One that nobody bears refuses the command (`UserUnknown`), and nothing is changed.
///
/// `by` is an app server, or the user of that name on one of their devices: others then hear of it in their notices, and so do
/// the user's other devices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PeopleCommand {
    ChangeProfile {
        app: AppNumber,
        by: Actor,
        username: String,
        change: Box<ProfileChange>,
    },
    /// The user's sessions end, a part of them with each repeat; the old password is wrong at once.
    SetPassword {
        app: AppNumber,
        username: String,
        password: String,
    },
    /// The user's own change, on a device whose session stays. Refused (`PasswordChanged`) when the password that was checked
    /// at the edge is not the present one any more.
    ChangePassword {
        app: AppNumber,
        user: UserNumber,
        checked: String,
        password: String,
        keep: [u8; 32],
    },
    /// A disabled user logs in nowhere and sends nothing, at once; sessions end as with a new password.
    SetDisabled {
        app: AppNumber,
        username: String,
        is_disabled: bool,
    },
    /// At most 100. Nobody finds them any more, at once, and their names are free; a nameplate stays for the records that
    /// mention them. What they had goes by `ClearDeparted`.
    Delete {
        app: AppNumber,
        usernames: Vec<String>,
    },
    /// They cannot send to the user's single chat any more. All or nothing, as all that follow.
    Block {
        app: AppNumber,
        by: Actor,
        username: String,
        others: Vec<String>,
    },
    Unblock {
        app: AppNumber,
        by: Actor,
        username: String,
        others: Vec<String>,
    },
    /// Of whom and of which groups the user's sleeping devices are not woken.
    Mute {
        app: AppNumber,
        by: Actor,
        username: String,
        change: Box<MuteChange>,
    },
    /// Of these groups the user gets no more than events.
    Shield {
        app: AppNumber,
        by: Actor,
        username: String,
        add: Vec<GroupId>,
        remove: Vec<GroupId>,
    },
    /// At once and for both sides.
    Befriend {
        app: AppNumber,
        by: Actor,
        username: String,
        others: Vec<String>,
    },
    /// Asks another user to be friends; asked again while there is no answer, the other is told again.
    AskFriend {
        app: AppNumber,
        user: UserNumber,
        other: String,
        reason: String,
    },
    /// Refused (`NotSo`, `FriendRequest`) when `asker` did not ask, or was answered.
    AnswerFriend {
        app: AppNumber,
        user: UserNumber,
        asker: String,
        accepts: bool,
        reason: String,
    },
    Unfriend {
        app: AppNumber,
        by: Actor,
        username: String,
        others: Vec<String>,
    },
    /// What the user alone has written down about friends.
    NoteFriends {
        app: AppNumber,
        by: Actor,
        username: String,
        notes: Vec<FriendNote>,
    },
    /// May devices register users?
    SetRegistration {
        app: AppNumber,
        is_open: bool,
    },
    /// A device registers a user. Refused (`RegistrationClosed`) when the app has switched that off.
    RegisterSelf {
        app: AppNumber,
        user: Box<NewUser>,
    },
    /// Removes a slice of what deleted users had; the answer says whether there is more.
    /// And of what dissolved groups had.
    ClearDeparted {
        app: AppNumber,
    },
}

impl PeopleCommand {
    pub(super) fn app(&self) -> AppNumber {
        match self {
            Self::ChangeProfile { app, .. }
            | Self::SetPassword { app, .. }
            | Self::ChangePassword { app, .. }
            | Self::SetDisabled { app, .. }
            | Self::Delete { app, .. }
            | Self::Block { app, .. }
            | Self::Unblock { app, .. }
            | Self::Mute { app, .. }
            | Self::Shield { app, .. }
            | Self::Befriend { app, .. }
            | Self::AskFriend { app, .. }
            | Self::AnswerFriend { app, .. }
            | Self::Unfriend { app, .. }
            | Self::NoteFriends { app, .. }
            | Self::SetRegistration { app, .. }
            | Self::RegisterSelf { app, .. }
            | Self::ClearDeparted { app } => *app,
        }
    }
}

/// Absent members stay as they are; an empty text clears.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileChange {
    pub nickname: Option<String>,
    pub avatar: Option<String>,
    pub birthday: Option<String>,
    pub signature: Option<String>,
    pub region: Option<String>,
    pub address: Option<String>,
    pub gender: Option<u8>,
    pub extras: Option<String>,
}

impl ProfileChange {
    /// Of somebody who has said nothing else.
    pub fn into_profile(self) -> Profile {
        let mut profile = Profile::default();
        self.apply_to(&mut profile);
        profile
    }

    pub(crate) fn apply_to(&self, profile: &mut Profile) {
        let texts = [
            (&self.nickname, &mut profile.nickname),
            (&self.avatar, &mut profile.avatar),
            (&self.birthday, &mut profile.birthday),
            (&self.signature, &mut profile.signature),
            (&self.region, &mut profile.region),
            (&self.address, &mut profile.address),
            (&self.extras, &mut profile.extras),
        ];
        for (new, text) in texts {
            if let Some(new) = new {
                text.clone_from(new);
            }
        }
        profile.gender = self.gender.or(profile.gender);
    }
}

/// Whatever is not named stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MuteChange {
    pub add_users: Vec<String>,
    pub remove_users: Vec<String>,
    pub add_groups: Vec<GroupId>,
    pub remove_groups: Vec<GroupId>,
    /// Of these groups, the key of the linked app where each lives; others are the app's own.
    pub groups_of: Vec<(GroupId, String)>,
    /// All chats.
    pub everything: Option<bool>,
    /// Refuses to switch all chats off when they are off already.
    pub off_needs_on: bool,
}

/// Absent texts stay as they are; an empty one clears.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendNote {
    pub username: String,
    pub note_name: Option<String>,
    pub others: Option<String>,
}
