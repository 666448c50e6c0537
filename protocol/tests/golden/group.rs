//! Groups in full: orders, questions and their answers.

use anser_protocol::content::{Content, ContentKind, GroupEvent, GroupEventKind};
use anser_protocol::frame::group_order::*;
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::group_details::{Announcement, GroupDetails};
use anser_protocol::ids::Position;
use anser_protocol::names::Chat;

use super::samples::*;
use super::{Vector, client, server};

const ID: Position = Position(HERE + 300);

pub fn vectors() -> Vec<Vector> {
    [orders(), questions(), answers(), lists(), events()].into_iter().flatten().collect()
}

fn order(request: u32, order: GroupOrderKind, members: &[&str], text: &str, number: u64) -> ClientFrame {
    let (members, text) = (names(members), text.to_owned());
    ClientFrame::GroupOrder(GroupOrder { request, group: GROUP, order, members, text, number, extensions: none() })
}

fn orders() -> Vec<Vector> {
    let make = |request, maximum, members: &[&str]| {
        ClientFrame::GroupMake(GroupMake {
            request,
            name: "climbers".into(),
            description: "Sundays".into(),
            avatar: "qiniu/image/r/1".into(),
            is_public: maximum > 0,
            maximum,
            members: names(members),
            extensions: none(),
        })
    };
    let edit = |request, name: Option<&str>, description: Option<&str>| {
        let (name, description) = (name.map(str::to_owned), description.map(str::to_owned));
        ClientFrame::GroupEdit(GroupEdit { request, group: GROUP, name, description, avatar: None, extensions: none() })
    };
    let answer = |request, answers: &[&str], is_accepted| {
        let answers = answers.iter().map(|name| JoinAnswer { id: ID, username: (*name).to_owned() }).collect();
        let reason = if is_accepted { "" } else { "not now" }.to_owned();
        ClientFrame::GroupJoinAnswer(GroupJoinAnswer {
            request,
            group: GROUP,
            answers,
            is_accepted,
            reason,
            extensions: none(),
        })
    };
    use GroupOrderKind as Kind;
    vec![
        client("group_make", "A private group of the usual size.", make(40, 0, &["bob"])),
        client("group_make_public", "A public one for 2000.", make(41, 2000, &[])),
        client("group_edit", "Renames a group.", edit(42, Some("hikers"), None)),
        client("group_edit_all", "Renames it and clears its description.", edit(43, Some("hikers"), Some(""))),
        client("group_silence", "Silences for five minutes.", order(44, Kind::SILENCE, &["bob"], "", 300_000)),
        client("group_nickname", "Names a member.", order(45, Kind::NICKNAME, &["bob"], "鸿雁", 0)),
        client("group_announce", "Publishes, and sends it too.", order(46, Kind::ANNOUNCE, &[], "at dawn", 1)),
        client("group_apply", "Asks to be taken in.", order(47, Kind::APPLY, &[], "I climb", 0)),
        client("group_join_accept", "Takes two in.", answer(48, &["erin", "finn"], true)),
        client("group_join_refuse", "Takes one not in.", answer(49, &["erin"], false)),
    ]
}

fn questions() -> Vec<Vector> {
    let ask =
        |request, question, extensions| ClientFrame::GroupAsk(GroupAsk { request, group: GROUP, question, extensions });
    let public =
        |request, start, count| ClientFrame::GroupsPublic(GroupsPublic { request, start, count, extensions: none() });
    vec![
        client("group_ask_profile", "What a group is.", ask(50, GroupQuestion::PROFILE, none())),
        client("group_ask_joins", "Who waits.", ask(51, GroupQuestion::JOINS, unknown_extension())),
        client("groups_public", "The first public groups.", public(52, 0, 500)),
        client("groups_public_later", "And later ones.", public(53, 500, 20)),
    ]
}

fn shown() -> GroupShown {
    GroupShown {
        group: GROUP,
        name: "climbers".into(),
        description: "Sundays".into(),
        avatar: String::new(),
        owner: "alice".into(),
        is_public: true,
        members: 3,
        maximum: 500,
        created_ms: NOW_MS,
        changed_ms: NOW_MS + 1000,
    }
}

fn answers() -> Vec<Vector> {
    let profile = |request, shown| ServerFrame::GroupProfile(GroupProfile { request, shown, extensions: none() });
    let page = |request, page, is_last| {
        ServerFrame::GroupPage(GroupPage { request, total: 1, page, is_last, extensions: none() })
    };
    let announced = |request, id| ServerFrame::GroupAnnounced(GroupAnnounced { request, id, extensions: none() });
    let private = GroupShown { is_public: false, avatar: "qiniu/image/r/1".into(), ..shown() };
    vec![
        server("group_profile", "A public group.", profile(50, shown())),
        server("group_profile_private", "A private one.", profile(51, private)),
        server("group_page", "The one public group.", page(52, vec![shown()], true)),
        server("group_page_none", "There are no later ones.", page(53, vec![], true)),
        server("group_announced", "The announcement's number.", announced(46, ID)),
        server("group_announced_low", "A low one.", announced(54, Position(1))),
    ]
}

fn lists() -> Vec<Vector> {
    let standing = |username: &str, rank, nickname: &str, silent_until_ms| Standing {
        username: username.into(),
        rank,
        nickname: nickname.into(),
        joined_ms: NOW_MS,
        silent_until_ms,
    };
    let standings = |request, standings, is_last| {
        ServerFrame::GroupStandings(GroupStandings { request, standings, is_last, extensions: none() })
    };
    let silences = |request, silences| {
        ServerFrame::GroupSilences(GroupSilences { request, silences, is_last: true, extensions: none() })
    };
    let silenced = |until_ms| Silenced { username: "bob".into(), since_ms: NOW_MS, until_ms };
    let bans = |request, members: &[&str]| {
        ServerFrame::GroupBans(GroupBans { request, members: names(members), extensions: none() })
    };
    let announcements = |request, announcements| {
        ServerFrame::GroupAnnouncements(GroupAnnouncements {
            request,
            announcements,
            is_last: true,
            extensions: none(),
        })
    };
    let joins =
        |request, joins| ServerFrame::GroupJoins(GroupJoins { request, joins, is_last: true, extensions: none() });
    let join = |inviter: &str| JoinRequest {
        id: ID,
        username: "erin".into(),
        inviter: inviter.into(),
        reason: "I climb".into(),
        at_ms: NOW_MS,
    };
    let owner = standing("alice", GroupRank::OWNER, "", 0);
    let admin = standing("carol", GroupRank::ADMIN, "鸿雁", SILENT_UNTIL_LIFTED);
    let member = standing("bob", GroupRank::MEMBER, "", NOW_MS + 300_000);
    vec![
        server(
            "group_standings_part",
            "The owner and an admin; more follow.",
            standings(55, vec![owner, admin], false),
        ),
        server("group_standings_last", "A member who is silenced.", standings(55, vec![member], true)),
        server("group_silences", "Until it is lifted.", silences(56, vec![silenced(SILENT_UNTIL_LIFTED)])),
        server("group_silences_timed", "For five minutes.", silences(57, vec![silenced(NOW_MS + 300_000)])),
        server("group_bans", "Two on the blacklist.", bans(58, &["dave", "erin"])),
        server("group_bans_none", "Nobody.", bans(59, &[])),
        server("group_announcements", "One that is pinned.", announcements(60, vec![announcement()])),
        server("group_announcements_none", "None.", announcements(61, vec![])),
        server("group_joins", "An application.", joins(62, vec![join("")])),
        server("group_joins_invited", "An invitation.", joins(63, vec![join("bob")])),
    ]
}

fn announcement() -> Announcement {
    Announcement { id: ID, text: "at dawn".into(), publisher: "alice".into(), at_ms: NOW_MS, pinned_ms: NOW_MS + 1000 }
}

fn events() -> Vec<Vector> {
    let event = |kind, users: &[&str], details: GroupDetails| {
        let event = GroupEvent { kind, by: "alice".into(), users: names(users), new_owner: String::new() };
        let content = Content { kind: ContentKind::EVENT, body: event.to_bytes(), extensions: details.to_extensions() };
        deliver(HERE, Chat::Group(GROUP), record(HERE + 1, NOW_MS, "", content))
    };
    let silenced = GroupDetails { is_set: Some(true), until_ms: Some(NOW_MS + 300_000), ..GroupDetails::default() };
    let pinned = GroupDetails { announcement: Some(announcement()), ..GroupDetails::default() };
    let renamed = GroupDetails {
        name: Some("hikers".into()),
        description: Some(String::new()),
        avatar: Some("a".into()),
        ..GroupDetails::default()
    };
    let type_and_maximum = GroupDetails { is_public: Some(true), maximum: Some(2000), ..GroupDetails::default() };
    let named = GroupDetails { nicknames: Some((String::new(), "grey".into())), ..GroupDetails::default() };
    vec![
        server(
            "event_silenced",
            "A member is silenced for five minutes.",
            event(GroupEventKind::SILENCE, &["bob"], silenced),
        ),
        server("event_pinned", "An announcement is pinned.", event(GroupEventKind::ANNOUNCEMENT_PINNED, &[], pinned)),
        server("event_renamed", "The group is called otherwise.", event(GroupEventKind::CHANGED, &[], renamed)),
        server("event_nickname", "A member is called otherwise.", event(GroupEventKind::NICKNAME, &["bob"], named)),
        server("event_type", "Two details of one event.", event(GroupEventKind::TYPE, &[], type_and_maximum)),
    ]
}
