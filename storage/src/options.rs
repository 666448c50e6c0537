//! Settings of the store.

use anser_protocol::limits::{
    ALIAS_DEVICES_DEFAULT, GROUP_MEMBERS_DEFAULT, GROUP_MEMBERS_TOP_DEFAULT, ROOM_MEMBERS_DEFAULT,
};

#[derive(Clone, Debug)]
pub struct Options {
    /// Memory for pages of the file.
    pub cache_bytes: usize,
    /// A checkpoint begins when so many heads are not in their table, about 100 bytes of memory each.
    pub dirty_heads_max: usize,
    /// … or after so much log; it is also what recovery reads again after a crash.
    pub checkpoint_log_bytes: u64,
    /// … or after so much time, by the stamps of the commands.
    pub checkpoint_interval_ms: u64,
    pub quick_repair: QuickRepair,
    /// Members of a group that is made from now on, where the maker says nothing.
    pub group_members_max: u32,
    /// What a group's own maximum may be.
    pub group_members_top: u32,
    /// May all members of a private group change its name, description and avatar?
    pub members_edit_private_groups: bool,
    /// The same for chat rooms.
    pub room_members_max: u32,
    /// Devices that one alias is bound to.
    pub alias_devices_max: u32,
}

/// When a commit also saves what lets the file open at once after a crash. It makes a commit of one command about three
/// times as expensive, and one of many hardly.
///
/// Only `Always` is safe where a sync may fail: it writes in two phases, and the store is opened again after a failed sync,
/// whose pages Linux shows and never saves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuickRepair {
    Always,
    /// In commits of at least so many commands.
    From(usize),
    Never,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: 64 << 20,
            dirty_heads_max: 400_000,
            checkpoint_log_bytes: 64 << 20,
            checkpoint_interval_ms: 5 * 60 * 1000,
            quick_repair: QuickRepair::Always,
            group_members_max: GROUP_MEMBERS_DEFAULT,
            group_members_top: GROUP_MEMBERS_TOP_DEFAULT,
            members_edit_private_groups: false,
            room_members_max: ROOM_MEMBERS_DEFAULT,
            alias_devices_max: ALIAS_DEVICES_DEFAULT,
        }
    }
}

impl QuickRepair {
    pub(crate) fn is_worth_it(self, commands: usize) -> bool {
        match self {
            Self::Always => true,
            Self::From(least) => commands >= least,
            Self::Never => false,
        }
    }
}
