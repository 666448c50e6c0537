//! A village beside the towns of the simulation: a small app of its own, in which more is done than writing and pushing. A seed
//! draws a few themes; what is done for them goes through the same sessions, switchboard and store, in the same weather.
//!
//! What must hold is decided by a model that follows the commands as they are carried out ([`model`]): it says whether the
//! store may accept or refuse, whom each record is for, which notices a change makes. At the ends of the links, what the
//! applications were told must be exactly that: each record once, in order, to every session of those concerned, and to nobody
//! else ([`told`]); of rooms, what came while the device was inside ([`rooms`]).
//!
//! [`life`] is what villagers do, [`calls`] what the village's app server does.

pub mod model;

pub mod calls;
pub mod groups;
pub mod life;
pub mod notices;
pub mod rooms;
pub mod told;
pub mod villager;

use super::random::Random;

/// What a village is busy with. Its people write to each other in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Friends, mutes, profiles: what one user alone is told.
    Notices,
    /// Ranks, silence, applications, blacklist, shields, announcements, the end of a group.
    Groups,
    Rooms,
    /// Taking back, sensitive words, transparent commands, messages for those who are there.
    Talk,
    /// One device of a kind; disabled and deleted users; new passwords.
    Logins,
    /// Who blocks whom.
    Blacklist,
}

const ALL: [Theme; 6] = [Theme::Notices, Theme::Groups, Theme::Rooms, Theme::Talk, Theme::Logins, Theme::Blacklist];

/// Two of them, so that each is also met in peace.
pub fn draw(random: &mut Random) -> Vec<Theme> {
    let first = random.index(ALL.len());
    let second = (first + 1 + random.index(ALL.len() - 1)) % ALL.len();
    vec![ALL[first], ALL[second]]
}

/// How the village's records name their senders: before the `#` of a key.
pub fn speaker(text: &str) -> &str {
    super::witness::key_of(text).split('#').next().unwrap_or_default()
}
