//! What happened in a run, counted by kind. What no seed meets, no seed shows anything about.

use std::collections::BTreeMap;
use std::fmt;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind {
            $($(#[$doc])* $name,)*
        }

        impl Kind {
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            pub fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

kinds! {
    Stall = "a lost packet holds a link up",
    DeliveryLost = "a go-between loses a delivery",
    DeliveryDoubled = "a go-between doubles a delivery",
    DeliverySwapped = "a go-between swaps two deliveries",
    Gap = "a client notices that something is missing",
    Cut = "a link is cut",
    Silence = "a link falls silent",
    AddressLost = "a client's address changes under its link",
    NetworkChanged = "a client moves to another network",
    LinkMoved = "a QUIC link moves along",
    SlowReader = "a client reads slowly",
    FellBehind = "a session misses live records and reads the log",
    ClientKilled = "a client is killed",
    ClientSlept = "a client lets go of its link",
    CrashBetweenEvents = "the server crashes",
    PowerCutInWrite = "the power goes between two disk writes",
    PowerCutInRecovery = "the power goes while the store recovers",
    BackupRestored = "an older backup is restored",
    TailLost = "the disk loses its tail",
    DeviceRenewed = "a device is unknown to an older store and registers anew",
    ClockForward = "the clock jumps forward",
    ClockBack = "the clock jumps back",
    QueueFull = "a send finds no room and is refused for now",
    CommandPanicked = "a send makes the store panic",
    RefusedForGood = "a send is refused for good",
    SendRepeated = "a send is answered a second time",
    Single = "a message to a user",
    Group = "a message to a group",
    Burst = "more at once than a catch-up shows",
    ByAppServer = "a message by an app server",
    Campaign = "an app server writes more at once than a mailbox holds",
    Amended = "a message is taken back, edited or erased",
    AmendmentTold = "a client is told what became of a message",
    MarkedRead = "a user reads a chat on one device",
    MarkTold = "a client is told how far its user has read",
    CaughtUp = "a client has caught up",
    HoleFilled = "a page of history fills a hole",
    Joined = "a user joins a group under load",
    Removed = "a user is removed from a group under load",
    Left = "a user leaves a group under load",
    LoggedOut = "a user logs out",
    UserChanged = "another user logs in on a device",
    TagsChanged = "a device changes its tags while pushes go out",
    PushesStopped = "a device stops its pushes, or has them again",
    AliasChanged = "a device changes its alias while pushes go out",
    PushedToMany = "a push to more devices than get their own releases",
    PushedToFew = "a push to few devices",
    PushedToConnected = "a push without lifetime",
    PushExpiring = "a push that soon expires",
    PushReceived = "a push is received",
    LinkReplaced = "a newer link of a device ends the older one",
    TimePassed = "so much time passes in the village that silences end",
    NoticeMade = "a user is told of what concerns them alone",
    Blocked = "a message is refused by a blacklist",
    Silenced = "a silenced member of a group is refused",
    SilenceOver = "a silence in a group has ended by itself",
    Shielded = "a member shields a group",
    JoinAnswered = "a request to join a group is answered",
    Dissolved = "a group is dissolved",
    RoomEntered = "a device goes into a chat room",
    RoomSaid = "a message to a chat room",
    RoomCrowded = "more is said in a chat room than who goes in is told",
    RoomHeard = "a device in a chat room is told of messages",
    RoomSilenced = "a silenced member of a chat room is refused",
    RoomPutOut = "a device is told that its user is out of a chat room",
    WordRefused = "a message with a sensitive word is refused",
    Retracted = "a message is taken back",
    RetractedTooLate = "a message is too old to be taken back",
    CommandCame = "a transparent command arrives",
    ProfileTold = "a client is told that somebody's profile changed",
    LiveOnly = "a message for those who are there",
    KindFull = "a login ends one on another device of the kind",
    GaveWay = "a device is told that another took its place",
    Disabled = "a user is disabled",
    FoundDisabled = "a device is told that its user is disabled",
    Deleted = "a user is deleted",
}

/// Of one run.
#[derive(Clone, Debug, Default)]
pub struct Tally(BTreeMap<Kind, u64>);

impl Tally {
    pub fn count(&mut self, kind: Kind) {
        *self.0.entry(kind).or_default() += 1;
    }

    pub fn add(&mut self, kind: Kind, times: u64) {
        if times > 0 {
            *self.0.entry(kind).or_default() += times;
        }
    }

    pub fn has_met(&self, kind: Kind) -> bool {
        self.0.contains_key(&kind)
    }
}

/// Of many runs.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    seeds: u64,
    /// Seeds in which it happened, and how often in all.
    found: BTreeMap<Kind, (u64, u64)>,
}

impl Summary {
    pub fn add(&mut self, tally: &Tally) {
        self.seeds += 1;
        for (kind, times) in &tally.0 {
            let found = self.found.entry(*kind).or_default();
            *found = (found.0 + 1, found.1 + times);
        }
    }

    /// Kinds that happened in less than `percent` of the seeds.
    pub fn rarer_than(&self, percent: u64) -> Vec<Kind> {
        let seeds_with = |kind: &Kind| self.found.get(kind).map_or(0, |(seeds, _)| *seeds);
        Kind::ALL.iter().copied().filter(|kind| seeds_with(kind) * 100 < self.seeds * percent).collect()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "of {} seeds had, and how often in all:", self.seeds)?;
        for kind in Kind::ALL {
            let (seeds, times) = self.found.get(kind).copied().unwrap_or_default();
            writeln!(f, "{seeds:>8} {times:>10}  {}", kind.text())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_in_too_few_seeds_is_told() {
        let (mut often, mut once) = (Tally::default(), Tally::default());
        often.count(Kind::Cut);
        once.count(Kind::Cut);
        once.count(Kind::Stall);
        once.count(Kind::Stall);
        let mut summary = Summary::default();
        summary.add(&once);
        for _ in 0..9 {
            summary.add(&often);
        }
        assert!(!summary.rarer_than(10).contains(&Kind::Stall), "one of ten seeds had it");
        assert!(summary.rarer_than(11).contains(&Kind::Stall));
        assert!(!summary.rarer_than(100).contains(&Kind::Cut));
    }
}
