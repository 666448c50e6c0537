//! The list of tables. `FORMAT.md` describes the key and the value of each.

use redb::TableDefinition;

pub(crate) type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;

macro_rules! tables {
    ($($variant:ident = $number:literal, $name:literal;)*) => {
        /// A table. Its number goes into the checksum of each of its values and is never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Table { $($variant = $number),* }

        impl Table {
            /// In order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// Nothing for a number of a later version.
            pub fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

tables! {
    Meta = 1, "meta";
    Log = 2, "log";
    Heads = 3, "heads";
    Floors = 4, "floors";
    Apps = 5, "apps";
    AppKeys = 6, "app_keys";
    AppNames = 7, "app_names";
    AppCounters = 8, "app_counters";
    Devices = 9, "devices";
    RegistrationIds = 10, "registration_ids";
    DeviceTags = 11, "device_tags";
    Tags = 12, "tags";
    TagNames = 13, "tag_names";
    TagChunks = 14, "tag_chunks";
    PlatformChunks = 15, "platform_chunks";
    Aliases = 16, "aliases";
    Users = 17, "users";
    UserNames = 18, "user_names";
    Tokens = 19, "tokens";
    Sessions = 20, "sessions";
    SingleChats = 21, "single_chats";
    Conversations = 22, "conversations";
    Groups = 23, "groups";
    Members = 24, "members";
    ChatCursors = 25, "chat_cursors";
    PushCursors = 26, "push_cursors";
    PushStates = 27, "push_states";
    Reports = 28, "reports";
    Cids = 29, "cids";
    Expiries = 30, "expiries";
    Presence = 31, "presence";
    PushTargets = 32, "push_targets";
    RetiredTags = 33, "retired_tags";
    TestDevices = 34, "test_devices";
    AppGroups = 35, "app_groups";
    Developers = 36, "developers";
    DeveloperApps = 37, "developer_apps";
    Schedules = 38, "schedules";
    OpenSchedules = 39, "open_schedules";
    DueSchedules = 40, "due_schedules";
    Firings = 41, "firings";
    ScheduleCids = 42, "schedule_cids";
    Access = 43, "access";
    SlowPushes = 44, "slow_pushes";
    SlicesDue = 45, "slices_due";
    Amendments = 46, "amendments";
    Files = 47, "files";
    FileParts = 48, "file_parts";
    PushCertificates = 50, "push_certificates";
    GroupPushes = 51, "group_pushes";
    DeviceTraits = 52, "device_traits";
    Segments = 53, "segments";
    TraitChunks = 54, "trait_chunks";
    Uses = 56, "uses";
    TraitValues = 57, "trait_values";
    PushCounts = 58, "push_counts";
    PushTokens = 60, "push_tokens";
    TokenOwners = 61, "token_owners";
    TokenChunks = 62, "token_chunks";
    Badges = 63, "badges";
    BridgeCursors = 64, "bridge_cursors";
    Callbacks = 65, "callbacks";
    Followups = 66, "followups";
    FollowupsDue = 67, "followups_due";
    PushStops = 68, "push_stops";
    Dormant = 69, "dormant";
    UserStates = 70, "user_states";
    DepartedUsers = 71, "departed_users";
    UserChunks = 72, "user_chunks";
    Ties = 73, "ties";
    Friends = 74, "friends";
    Shields = 75, "shields";
    Registration = 76, "registration";
    GroupChunks = 77, "group_chunks";
    GroupAdmins = 78, "group_admins";
    Silences = 79, "silences";
    GroupBans = 80, "group_bans";
    Nicknames = 81, "nicknames";
    Announcements = 82, "announcements";
    JoinRequests = 83, "join_requests";
    DissolvedGroups = 84, "dissolved_groups";
    Rooms = 85, "rooms";
    RoomMembers = 86, "room_members";
    UserRooms = 87, "user_rooms";
    RoomChunks = 88, "room_chunks";
    RoomRoles = 89, "room_roles";
    RetiredRooms = 90, "retired_rooms";
    Audit = 91, "audit";
    Words = 92, "words";
    EventCallbacks = 93, "event_callbacks";
    AppEvents = 94, "app_events";
    PushOrigins = 95, "push_origins";
    Broadcasts = 96, "broadcasts";
    Media = 97, "media";
    MediaBodies = 98, "media_bodies";
    MediaMentions = 99, "media_mentions";
    MediaIdle = 100, "media_idle";
    MediaThumbs = 101, "media_thumbs";
    MediaSpaces = 102, "media_spaces";
    HourCounts = 103, "hour_counts";
    HourSets = 104, "hour_sets";
    MessageCallbacks = 105, "message_callbacks";
    Guests = 106, "guests";
    GuestNumbers = 107, "guest_numbers";
    Copies = 108, "copies";
    Mirrors = 109, "mirrors";
    Receipts = 110, "receipts";
    ReceiptReaders = 111, "receipt_readers";
    ReceiptNews = 112, "receipt_news";
    GroupCids = 113, "group_cids";
    FormerGroups = 115, "former_groups";
    FormerRooms = 116, "former_rooms";
    WaitingDevices = 117, "waiting_devices";
    WaitsOver = 118, "waits_over";
    GaveWay = 119, "gave_way";
    Erasures = 120, "erasures";
    Retention = 121, "retention";
    Operators = 122, "operators";
    OperatorSessions = 123, "operator_sessions";
    SetUp = 124, "set_up";
}

impl Table {
    /// One more than the highest number.
    pub(crate) const SLOTS: usize = Self::ALL[Self::ALL.len() - 1] as usize + 1;

    pub(crate) fn definition(self) -> Definition {
        TableDefinition::new(self.name())
    }

    pub(crate) fn slot(self) -> usize {
        self as usize
    }
}
