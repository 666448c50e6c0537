//! Every limit that both ends of a link must know. Lengths are bytes of UTF-8 unless said otherwise.

/// Largest frame, its type and body included, its length prefix not. Checked before anything is allocated.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;
/// Largest frame that a client may send: texts of 4 KiB, names, labels. A longer list of names goes in several frames.
pub const CLIENT_FRAME_BYTES_MAX: usize = 32 * 1024;
/// Largest body of a message (JMessage: 4,096 bytes of `msg_body`).
pub const MESSAGE_BODY_BYTES_MAX: usize = 4096;
/// Everything else that is said of a message besides body and `extras`, in all.
pub const MESSAGE_OPTIONS_BYTES_MAX: usize = 4096;
/// Longest text among that: a display name, a text of the notice.
pub const OPTION_TEXT_BYTES_MAX: usize = 250;
/// By how much one message can raise the unread count.
pub const MESSAGE_COUNT_MAX: u32 = 1000;
/// Unread messages of a chat are counted up to this.
pub const UNREAD_MAX: u32 = 1000;
/// Read marks, messages that were read, or chats, in one frame.
pub const MARKS_PER_FRAME_MAX: usize = 100;
/// Receipts in one frame.
pub const RECEIPTS_PER_FRAME_MAX: usize = 200;
/// Longest text of a transparent command.
pub const COMMAND_BYTES_MAX: usize = 1024;
/// Longest username.
pub const USERNAME_BYTES_MAX: usize = 128;
/// Of ids here, and of those that devices had elsewhere.
pub const REGISTRATION_ID_BYTES_MAX: usize = 64;
/// What a user of another app is called: username, a slash, and the key of that app.
pub const GUEST_NAME_BYTES_MAX: usize = USERNAME_BYTES_MAX + 1 + 24;
/// Longest token that an app's server signs for a login.
pub const SIGNED_TOKEN_BYTES_MAX: usize = 4096;
/// Longest password, and the MD5 form fits as well.
pub const PASSWORD_BYTES_MAX: usize = 128;
/// Shortest password.
pub const PASSWORD_BYTES_MIN: usize = 4;
/// Longest group name.
pub const GROUP_NAME_BYTES_MAX: usize = 64;
/// Longest free text: group description, signature, region.
pub const TEXT_BYTES_MAX: usize = 250;
/// Longest alias, and longest tag.
pub const LABEL_BYTES_MAX: usize = 40;
/// Longest mobile number.
pub const MOBILE_BYTES_MAX: usize = 20;
/// Tags a device may carry.
pub const TAGS_PER_DEVICE_MAX: usize = 1000;
/// Bytes of all tags in one call of a device.
pub const TAGS_PER_CALL_BYTES_MAX: usize = 5000;
/// Devices in one list of a user's own.
pub const OWN_DEVICES_MAX: usize = 8;
/// Names in one frame or one REST call that adds or removes members.
pub const NAMES_PER_CALL_MAX: usize = 500;
/// Members of a group unless the operator says otherwise.
pub const GROUP_MEMBERS_DEFAULT: u32 = 500;
/// What a group's own maximum may be unless the operator says otherwise.
pub const GROUP_MEMBERS_TOP_DEFAULT: u32 = 2000;
/// The least that a group's own maximum may be.
pub const GROUP_MEMBERS_LEAST: u32 = 3;
/// Admins of a group, its owner not counted.
pub const GROUP_ADMINS_MAX: usize = 15;
/// Users on a group's blacklist.
pub const GROUP_BANS_MAX: usize = 100;
/// Longest announcement.
pub const ANNOUNCEMENT_BYTES_MAX: usize = 1024;
/// Announcements that a group keeps.
pub const ANNOUNCEMENTS_MAX: usize = 100;
/// Requests to join a group that wait for an answer.
pub const JOIN_REQUESTS_MAX: usize = 500;
/// Groups in one page of public groups.
pub const GROUP_PAGE_MAX: u32 = 500;
/// The shortest and the longest silence that ends by itself, in milliseconds: five minutes, a year.
pub const SILENCE_MS_MIN: u64 = 300_000;
pub const SILENCE_MS_MAX: u64 = 31_536_000_000;
/// Longest nickname of a member in a group.
pub const GROUP_NICKNAME_BYTES_MAX: usize = 64;
/// Groups one user may be in.
pub const GROUPS_PER_USER_MAX: usize = 500;
/// Devices that one alias is bound to unless the operator says otherwise.
pub const ALIAS_DEVICES_DEFAULT: u32 = 10;
/// Members of a chat room unless the operator says otherwise.
pub const ROOM_MEMBERS_DEFAULT: u32 = 10_000;
/// Messages that who enters a chat room, or falls behind in it, is given.
pub const ROOM_BACKLOG_MAX: usize = 50;
/// Chat rooms that one link may be in.
pub const ROOMS_PER_LINK_MAX: usize = 64;
/// Rooms in one frame that asks about them or shows them.
pub const ROOMS_PER_FRAME_MAX: usize = 50;
/// Shortest silence that a client may ask for: five minutes.
pub const ROOM_SILENCE_MS_MIN: u64 = 300_000;
/// Admins of a chat room, its owner not counted.
pub const ROOM_ADMINS_MAX: usize = 15;
/// Users whom a chat room does not let in.
pub const ROOM_BLOCKED_MAX: usize = 1_000;
/// Longest silence of one user in a chat room: a year.
pub const ROOM_SILENCE_MS_MAX: u64 = 366 * 86_400_000;
/// Records in one history page.
pub const HISTORY_PAGE_MAX: u32 = 100;
/// Rows in one page of conversations, groups or members.
pub const LIST_PAGE_MAX: u32 = 200;
/// Extensions in one frame, and bytes of one extension.
pub const EXTENSIONS_MAX: usize = 16;
/// Bytes of one extension's value.
pub const EXTENSION_BYTES_MAX: usize = 4096;
/// Chats, and users, that a link remembers by number in each direction.
pub const NAMES_PER_LINK: usize = 64;
/// A sender's outbox numbers are searched this far back for a repeat; older repeats are refused for good.
pub const OUTBOX_WINDOW: u64 = 1024;
/// Positions stay below 2^53, so that JavaScript can hold them.
pub const POSITION_MAX: u64 = (1 << 53) - 1;
/// Longest push token, of whatever bridge: a browser's subscription is a small JSON object.
pub const PUSH_TOKEN_BYTES_MAX: usize = 1024;
/// What an icon's badge can show.
pub const BADGE_MAX: u32 = 99_999;
/// How often an application can have come to the front in one report.
pub const OPENS_MAX: u32 = 10_000;
/// How long it can have been there: a week.
pub const USE_SECONDS_MAX: u32 = 604_800;
/// Push messages a client may report about in one frame.
pub const REPORTS_PER_FRAME_MAX: usize = 100;
