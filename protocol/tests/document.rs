//! `PROTOCOL.md`, `vectors.json` and the code say the same.

mod ordered;

use std::collections::BTreeMap;

use anser_protocol::content::{AmendmentKind, ContentKind, GroupEventKind, NoticeKind, Platform};
use anser_protocol::error::ErrorCode;
use anser_protocol::frame::{ClientFrame, ServerFrame, VERSION};
use anser_protocol::limits;

use ordered::Json;

const DOCUMENT: &str = include_str!("../PROTOCOL.md");
const VECTORS: &str = include_str!("../vectors.json");

fn vectors() -> Json {
    serde_json::from_str(VECTORS).expect("vectors.json is JSON")
}

/// The lines below a heading, up to the next one.
fn section(heading: &str) -> impl Iterator<Item = &'static str> + Clone {
    let start = DOCUMENT.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no heading {heading:?}"));
    DOCUMENT[start..].lines().skip(2).take_while(|line| !line.starts_with("##"))
}

/// The cells of the table below a heading, without its head.
fn table(heading: &str) -> Vec<Vec<&'static str>> {
    let rows = section(heading).filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// The names of the fields that the table below a heading lists.
fn fields(heading: &str) -> Vec<&'static str> {
    table(heading).into_iter().map(|row| row[0].trim_matches('`')).collect()
}

/// What stands in fenced blocks of a kind.
fn blocks(kind: &str) -> Vec<&'static str> {
    let fence = format!("```{kind}\n");
    let mut found = Vec::new();
    let mut rest = DOCUMENT;
    while let Some((_, after)) = rest.split_once(&fence) {
        let (block, after) = after.split_once("```").expect("a block ends");
        found.push(block);
        rest = after;
    }
    found
}

fn all_types() -> impl Iterator<Item = (u64, &'static str, &'static str)> {
    let client = ClientFrame::TYPES.iter().map(|(number, name)| (*number, *name, "client"));
    client.chain(ServerFrame::TYPES.iter().map(|(number, name)| (*number, *name, "server")))
}

#[test]
fn the_document_is_of_this_version() {
    assert!(DOCUMENT.starts_with(&format!("# The Anser link, version {VERSION}\n")));
    assert!(DOCUMENT.contains(&format!("This page is version {VERSION}.")));
}

#[test]
fn the_table_of_frames_is_that_of_the_code() {
    let listed: Vec<(u64, &str, &str)> = table("## 5. The frames")
        .into_iter()
        .map(|row| (row[0].parse().expect("a type number"), row[1], row[2]))
        .collect();
    assert_eq!(listed, all_types().collect::<Vec<_>>());
}

#[test]
fn each_frame_lists_its_fields_in_the_order_of_the_wire() {
    let mut bodies = BTreeMap::new();
    for frame in vectors().find_all("frames") {
        if let (Some(number), Some(body)) = (frame.field("type").and_then(Json::number), frame.field("body")) {
            bodies.insert(number, body.clone());
        }
    }
    for (number, name, _) in all_types() {
        let body = bodies.get(&number).unwrap_or_else(|| panic!("no vector of {name}"));
        assert_eq!(fields(&format!("### {number} {name}")), body.keys(), "{name}");
    }
}

#[test]
fn each_struct_lists_its_fields_in_the_order_of_the_wire() {
    let structs = [
        ("Record", "newest"),
        ("Record", "records"),
        ("Conversation", "conversations"),
        ("Window", "windows"),
        ("Extension", "extensions"),
        ("GroupSummary", "groups"),
        ("GroupShown", "shown"),
        ("GroupShown", "page"),
        ("Standing", "standings"),
        ("Silenced", "silences"),
        ("Announcement", "announcements"),
        ("JoinRequest", "joins"),
        ("JoinAnswer", "answers"),
        ("RoomUser", "users"),
        ("RoomSummary", "rooms"),
        ("PushContent", "content"),
        ("Notification", "notification"),
        ("CustomMessage", "message"),
    ];
    let vectors = vectors();
    for (name, key) in structs {
        let shown = vectors.find_all(key).into_iter().find(|found| !found.keys().is_empty());
        let shown = shown.unwrap_or_else(|| panic!("no vector has {key}"));
        assert_eq!(fields(&format!("### {name}")), shown.keys(), "{name}");
    }
}

#[test]
fn the_table_of_errors_is_that_of_the_code() {
    let code = ErrorCode::ALL.iter().map(|(code, name, text)| {
        let passing = if code.is_passing() { "yes" } else { "" };
        vec![code.0.to_string(), (*name).to_owned(), passing.to_owned(), (*text).to_owned()]
    });
    assert_eq!(table("## 9. Errors"), code.collect::<Vec<_>>());
}

#[test]
fn the_table_of_limits_is_that_of_the_code() {
    let source = include_str!("../src/limits.rs");
    let names =
        source.lines().filter_map(|line| line.strip_prefix("pub const ")?.split_once(':')).map(|(name, _)| name);
    let listed = table("## 10. Limits");
    let mut documented: Vec<&str> = listed.iter().map(|row| row[0]).collect();
    let mut known: Vec<&str> = names.collect();
    documented.sort_unstable();
    known.sort_unstable();
    assert_eq!(documented, known);
    let values: [(&str, u64); 58] = [
        ("FRAME_BYTES_MAX", limits::FRAME_BYTES_MAX as u64),
        ("CLIENT_FRAME_BYTES_MAX", limits::CLIENT_FRAME_BYTES_MAX as u64),
        ("MESSAGE_BODY_BYTES_MAX", limits::MESSAGE_BODY_BYTES_MAX as u64),
        ("MESSAGE_OPTIONS_BYTES_MAX", limits::MESSAGE_OPTIONS_BYTES_MAX as u64),
        ("OPTION_TEXT_BYTES_MAX", limits::OPTION_TEXT_BYTES_MAX as u64),
        ("MESSAGE_COUNT_MAX", limits::MESSAGE_COUNT_MAX.into()),
        ("UNREAD_MAX", limits::UNREAD_MAX.into()),
        ("MARKS_PER_FRAME_MAX", limits::MARKS_PER_FRAME_MAX as u64),
        ("RECEIPTS_PER_FRAME_MAX", limits::RECEIPTS_PER_FRAME_MAX as u64),
        ("COMMAND_BYTES_MAX", limits::COMMAND_BYTES_MAX as u64),
        ("USERNAME_BYTES_MAX", limits::USERNAME_BYTES_MAX as u64),
        ("GUEST_NAME_BYTES_MAX", limits::GUEST_NAME_BYTES_MAX as u64),
        ("REGISTRATION_ID_BYTES_MAX", limits::REGISTRATION_ID_BYTES_MAX as u64),
        ("PASSWORD_BYTES_MIN", limits::PASSWORD_BYTES_MIN as u64),
        ("PASSWORD_BYTES_MAX", limits::PASSWORD_BYTES_MAX as u64),
        ("SIGNED_TOKEN_BYTES_MAX", limits::SIGNED_TOKEN_BYTES_MAX as u64),
        ("GROUP_NAME_BYTES_MAX", limits::GROUP_NAME_BYTES_MAX as u64),
        ("TEXT_BYTES_MAX", limits::TEXT_BYTES_MAX as u64),
        ("LABEL_BYTES_MAX", limits::LABEL_BYTES_MAX as u64),
        ("MOBILE_BYTES_MAX", limits::MOBILE_BYTES_MAX as u64),
        ("TAGS_PER_DEVICE_MAX", limits::TAGS_PER_DEVICE_MAX as u64),
        ("TAGS_PER_CALL_BYTES_MAX", limits::TAGS_PER_CALL_BYTES_MAX as u64),
        ("OWN_DEVICES_MAX", limits::OWN_DEVICES_MAX as u64),
        ("NAMES_PER_CALL_MAX", limits::NAMES_PER_CALL_MAX as u64),
        ("GROUP_MEMBERS_DEFAULT", limits::GROUP_MEMBERS_DEFAULT.into()),
        ("GROUP_MEMBERS_TOP_DEFAULT", limits::GROUP_MEMBERS_TOP_DEFAULT.into()),
        ("GROUP_MEMBERS_LEAST", limits::GROUP_MEMBERS_LEAST.into()),
        ("GROUP_ADMINS_MAX", limits::GROUP_ADMINS_MAX as u64),
        ("GROUP_BANS_MAX", limits::GROUP_BANS_MAX as u64),
        ("ANNOUNCEMENT_BYTES_MAX", limits::ANNOUNCEMENT_BYTES_MAX as u64),
        ("ANNOUNCEMENTS_MAX", limits::ANNOUNCEMENTS_MAX as u64),
        ("JOIN_REQUESTS_MAX", limits::JOIN_REQUESTS_MAX as u64),
        ("GROUP_PAGE_MAX", limits::GROUP_PAGE_MAX.into()),
        ("SILENCE_MS_MIN", limits::SILENCE_MS_MIN),
        ("SILENCE_MS_MAX", limits::SILENCE_MS_MAX),
        ("GROUP_NICKNAME_BYTES_MAX", limits::GROUP_NICKNAME_BYTES_MAX as u64),
        ("GROUPS_PER_USER_MAX", limits::GROUPS_PER_USER_MAX as u64),
        ("ALIAS_DEVICES_DEFAULT", u64::from(limits::ALIAS_DEVICES_DEFAULT)),
        ("ROOM_MEMBERS_DEFAULT", limits::ROOM_MEMBERS_DEFAULT.into()),
        ("ROOM_BACKLOG_MAX", limits::ROOM_BACKLOG_MAX as u64),
        ("ROOMS_PER_LINK_MAX", limits::ROOMS_PER_LINK_MAX as u64),
        ("ROOMS_PER_FRAME_MAX", limits::ROOMS_PER_FRAME_MAX as u64),
        ("ROOM_SILENCE_MS_MIN", limits::ROOM_SILENCE_MS_MIN),
        ("ROOM_SILENCE_MS_MAX", limits::ROOM_SILENCE_MS_MAX),
        ("ROOM_ADMINS_MAX", limits::ROOM_ADMINS_MAX as u64),
        ("ROOM_BLOCKED_MAX", limits::ROOM_BLOCKED_MAX as u64),
        ("HISTORY_PAGE_MAX", limits::HISTORY_PAGE_MAX.into()),
        ("PUSH_TOKEN_BYTES_MAX", limits::PUSH_TOKEN_BYTES_MAX as u64),
        ("BADGE_MAX", limits::BADGE_MAX.into()),
        ("OPENS_MAX", limits::OPENS_MAX.into()),
        ("USE_SECONDS_MAX", limits::USE_SECONDS_MAX.into()),
        ("LIST_PAGE_MAX", limits::LIST_PAGE_MAX.into()),
        ("EXTENSIONS_MAX", limits::EXTENSIONS_MAX as u64),
        ("EXTENSION_BYTES_MAX", limits::EXTENSION_BYTES_MAX as u64),
        ("NAMES_PER_LINK", limits::NAMES_PER_LINK as u64),
        ("OUTBOX_WINDOW", limits::OUTBOX_WINDOW),
        ("POSITION_MAX", limits::POSITION_MAX),
        ("REPORTS_PER_FRAME_MAX", limits::REPORTS_PER_FRAME_MAX as u64),
    ];
    for row in listed {
        let value = values.iter().find(|(name, _)| *name == row[0]).map(|(_, value)| value.to_string());
        assert_eq!(value.as_deref(), Some(row[1]), "{}", row[0]);
    }
}

#[test]
fn the_tables_of_kinds_platforms_and_events_are_those_of_the_code() {
    let numbers = |heading: &str, column: usize| -> Vec<(u8, &'static str)> {
        let rows = table(heading).into_iter();
        rows.filter_map(|row| Some((row[0].parse().ok()?, row[column]))).collect()
    };
    let platforms: Vec<(u8, &str)> = [(Platform::OTHER, "other")]
        .into_iter()
        .chain(Platform::NAMES)
        .map(|(platform, name)| (platform.0, name))
        .collect();
    assert_eq!(numbers("### Platforms", 1), platforms);

    let kinds = [
        (ContentKind::TEXT, "text"),
        (ContentKind::IMAGE, "image"),
        (ContentKind::VOICE, "voice"),
        (ContentKind::FILE, "file"),
        (ContentKind::VIDEO, "video"),
        (ContentKind::LOCATION, "location"),
        (ContentKind::CUSTOM, "custom"),
        (ContentKind::EVENT, "event"),
        (ContentKind::RETRACTED, "retracted"),
        (ContentKind::AMENDED, "amended"),
        (ContentKind::NOTICE, "notice"),
    ]
    .map(|(kind, name)| (kind.0, name));
    let events = [
        (GroupEventKind::CREATED, "the group was made"),
        (GroupEventKind::LEFT, "`users` left"),
        (GroupEventKind::ADDED, "`users` were added"),
        (GroupEventKind::REMOVED, "`users` were removed"),
        (GroupEventKind::CHANGED, "name, description or avatar changed"),
        (GroupEventKind::SILENCE, "`users` were silenced, or may speak again"),
        (GroupEventKind::DISSOLVED, "the group was dissolved"),
        (GroupEventKind::ADMINS, "`users` became admins, or are no more"),
        (GroupEventKind::OWNER, "the group has another owner"),
        (GroupEventKind::TYPE, "the group became public or private"),
        (GroupEventKind::ANNOUNCED, "an announcement was published"),
        (GroupEventKind::ANNOUNCEMENT_DELETED, "an announcement was deleted"),
        (GroupEventKind::ANNOUNCEMENT_PINNED, "an announcement was pinned, or is no more"),
        (GroupEventKind::BANNED, "`users` came onto the blacklist"),
        (GroupEventKind::UNBANNED, "`users` are on it no more"),
        (GroupEventKind::NICKNAME, "one of `users` is called otherwise in the group"),
        (GroupEventKind::MAXIMUM, "the group may have more or fewer members"),
    ]
    .map(|(kind, meaning)| (kind.0, meaning));
    let amendments = [
        (AmendmentKind::RETRACTED, "retracted: what the message said is not shown any more"),
        (AmendmentKind::EDITED, "edited"),
        (AmendmentKind::ERASED, "erased, on the server as well"),
    ]
    .map(|(kind, meaning)| (kind.0, meaning));
    let notices = [
        (NoticeKind::FRIEND_REQUEST, "a friend request of `by`: 1 asked, 2 accepted, 3 refused"),
        (NoticeKind::FRIEND_REMOVED, "`by` ended the friendship with `users`"),
        (NoticeKind::FRIENDS_CHANGED, "an app server made friends (5) or changed notes (7)"),
        (NoticeKind::MUTES_SET, "an app server changed the reader's do-not-disturb; details as for 102"),
        (NoticeKind::BLACKLIST_SET, "an app server changed the reader's blacklist: 1 added, 2 removed"),
        (NoticeKind::SHIELDS_SET, "an app server changed the reader's shields: 1 added, 2 removed"),
        (NoticeKind::PROFILE_SET, "an app server changed the reader's profile"),
        (NoticeKind::JOIN_REQUEST, "somebody asks to join a group, or was invited: the reader decides"),
        (NoticeKind::JOIN_REFUSED, "the request to join a group was refused"),
        (NoticeKind::JOIN_DECIDED, "another admin decided about a request"),
        (NoticeKind::OWN_FRIENDS, "the reader changed friends: 5 added, 6 removed, 7 note"),
        (NoticeKind::OWN_BLACKLIST, "the reader changed the blacklist: 1 added, 2 removed"),
        (
            NoticeKind::OWN_MUTES,
            "the reader changed do-not-disturb: 31 and 32 of a user, on and off, 33 and 34 of a group, 35 and 36 of everything",
        ),
        (NoticeKind::OWN_SHIELDS, "the reader changed shields of groups: 1 added, 2 removed"),
        (NoticeKind::OWN_PROFILE, "the reader changed the profile"),
        (NoticeKind::OWN_READS, "the reader marked messages as read that asked for receipts; tag 68 says which"),
    ]
    .map(|(kind, meaning)| (kind.0, meaning));
    let all = [&kinds[..], &events[..], &amendments[..], &notices[..]];
    assert_eq!(numbers("### Contents", 1), all.concat());
}

/// The hexadecimal digits at the front of a line; two blanks begin the explanation.
fn digits(line: &str) -> String {
    let digits = line.split_once("  ").map_or(line, |(digits, _)| digits).replace(' ', "");
    assert!(digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "{line:?}");
    digits
}

#[test]
fn each_frame_that_is_taken_apart_is_a_vector() {
    let blocks = blocks("frame");
    assert!(blocks.len() >= 5);
    for block in blocks {
        let frame: String = block.lines().map(digits).collect();
        assert!(VECTORS.contains(&format!("\"hex\":\"{frame}\"")), "{frame}");
    }
}

#[test]
fn the_worked_example_is_two_streams_of_the_vectors() {
    let blocks = blocks("session");
    assert_eq!(blocks.len(), 1);
    for (side, vector) in [("C ", "session_client"), ("S ", "session_server")] {
        let lines = blocks[0].lines().filter_map(|line| line.strip_prefix(side));
        let stream: String = lines.map(digits).collect();
        let vector = format!("\"name\": \"{vector}\"");
        let (_, entry) = VECTORS.split_once(&vector).expect("the vector is there");
        let (_, expected) = entry.split_once("\"stream\": \"").expect("it has a stream");
        assert_eq!(Some(stream.as_str()), expected.split('"').next());
    }
}

#[test]
fn every_hexadecimal_number_in_the_text_is_somewhere_in_the_vectors() {
    let spans = DOCUMENT.split('`').skip(1).step_by(2);
    let is_hex = |span: &&str| {
        span.len() >= 4
            && span.len().is_multiple_of(2)
            && span.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    for span in spans.filter(is_hex) {
        let is_text = VECTORS.contains(&format!("\"{span}\""));
        assert!(VECTORS.contains(span) || is_text, "{span}");
    }
}
