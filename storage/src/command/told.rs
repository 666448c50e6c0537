//! How far app servers have been told of the log, and of what besides.

use serde::{Deserialize, Serialize};

use anser_protocol::ids::Position;

use crate::ids::AppNumber;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToldCommand {
    /// The app's server has heard everything below `next`. Only moves forward.
    Advance { app: AppNumber, next: Position },
    /// The app's server is not told any more.
    Forget { app: AppNumber },
    /// The app's server hears of events of these families from now on.
    FollowEvents { app: AppNumber, families: EventFamilies },
    /// It has heard of all events below `next`. Answered with [`Answer::Continue`](crate::outcome::Answer::Continue) while
    /// more of them are left to be cleared away.
    AdvanceEvents { app: AppNumber, next: Position },
    /// It hears of no events any more; a slice, as above.
    ForgetEvents { app: AppNumber },
}

impl ToldCommand {
    pub fn app(&self) -> AppNumber {
        let (Self::Advance { app, .. }
        | Self::Forget { app }
        | Self::FollowEvents { app, .. }
        | Self::AdvanceEvents { app, .. }
        | Self::ForgetEvents { app }) = self;
        *app
    }
}

/// What kinds of events there are, for those who want only some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventFamily {
    /// Of groups, requests to join them included.
    Groups = 1,
    /// Messages that were retracted, edited or erased.
    Messages = 2,
    Users = 4,
    Friends = 8,
    /// Rooms themselves, and who may do what in them.
    Rooms = 16,
    /// Who goes into rooms and out of them.
    RoomMembers = 32,
}

impl EventFamily {
    pub const ALL: [Self; 6] =
        [Self::Groups, Self::Messages, Self::Users, Self::Friends, Self::Rooms, Self::RoomMembers];
}

/// A set of families.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFamilies(u16);

impl EventFamilies {
    pub fn contains(self, family: EventFamily) -> bool {
        self.0 & family as u16 != 0
    }
}

impl FromIterator<EventFamily> for EventFamilies {
    fn from_iter<I: IntoIterator<Item = EventFamily>>(families: I) -> Self {
        Self(families.into_iter().fold(0, |set, family| set | family as u16))
    }
}
