//! `anser group`: what owners, admins and members do in a group, and what stands in it.

use anser_client::session::{Answer, GroupCall, GroupOrder, GroupQuestion, GroupRank, GroupShown, Standing};
use anser_protocol::frame::group_order::SILENT_UNTIL_LIFTED;
use anser_protocol::ids::{GroupId, Position, TimeMs};
use clap::Subcommand;
use serde_json::{Value, json};

#[derive(Subcommand)]
pub enum More {
    /// Make a group with all that can be said of it, and print its number
    Make {
        /// What the group is called
        name: String,
        /// Who is in it besides the maker
        members: Vec<String>,
        /// What it is for
        #[arg(long, default_value = "")]
        description: String,
        /// A media id
        #[arg(long, default_value = "")]
        avatar: String,
        /// Everybody finds it and may apply to join
        #[arg(long)]
        public: bool,
        /// How many members it may have; without it the server decides
        #[arg(long, default_value_t = 0)]
        maximum: u32,
    },
    /// Print what a group is
    Show { group: u32 },
    /// Print the public groups of the app
    Public {
        /// So many are left out
        #[arg(long, default_value_t = 0)]
        start: u64,
        #[arg(long, default_value_t = 500)]
        count: u32,
    },
    /// Change what a group is called and looks like
    Edit {
        group: u32,
        #[arg(long)]
        name: Option<String>,
        #[arg(long)]
        description: Option<String>,
        #[arg(long)]
        avatar: Option<String>,
    },
    /// End a group
    Dissolve { group: u32 },
    /// Let everybody find the group and apply to join, or not any more
    Open {
        group: u32,
        #[arg(long)]
        private: bool,
    },
    /// Change how many members the group may have
    Resize { group: u32, maximum: u32 },
    /// Pass the group on to a member
    Transfer { group: u32, to: String },
    /// Make members admins, or take that back
    Admins {
        group: u32,
        #[arg(required = true)]
        members: Vec<String>,
        #[arg(long)]
        remove: bool,
    },
    /// Silence members, for a time or until it is lifted
    Silence {
        group: u32,
        #[arg(required = true)]
        members: Vec<String>,
        /// From 5 to 525600
        #[arg(long, value_name = "MINUTES")]
        minutes: Option<u64>,
        #[arg(long, conflicts_with = "minutes")]
        lift: bool,
    },
    /// Print who is silenced
    Silences { group: u32 },
    /// Throw users out for good, or let them come back
    Ban {
        group: u32,
        #[arg(required = true)]
        users: Vec<String>,
        #[arg(long)]
        lift: bool,
    },
    /// Print the blacklist of a group
    Bans { group: u32 },
    /// Name a member in the group; without a name it is taken away
    Nickname {
        group: u32,
        member: String,
        #[arg(default_value = "")]
        nickname: String,
    },
    /// Print the members with rank, nickname, silence and time of joining
    Standings { group: u32 },
    /// Publish an announcement and print its number
    Announce {
        group: u32,
        text: String,
        /// Send it as a message, too
        #[arg(long)]
        message: bool,
    },
    /// Print the announcements
    Announcements { group: u32 },
    /// Delete an announcement
    Unannounce { group: u32, id: u64 },
    /// Pin an announcement, or unpin it
    Pin {
        group: u32,
        id: u64,
        #[arg(long)]
        lift: bool,
    },
    /// Ask to be taken into a public group
    Apply {
        group: u32,
        #[arg(default_value = "")]
        reason: String,
    },
    /// Invite users
    Invite {
        group: u32,
        #[arg(required = true)]
        users: Vec<String>,
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Print who waits to be taken in
    Joins { group: u32 },
    /// Take in who waits
    Accept { group: u32, id: u64, user: String },
    /// Do not take in who waits
    Refuse {
        group: u32,
        id: u64,
        user: String,
        #[arg(default_value = "")]
        reason: String,
    },
}

impl More {
    pub fn call(self) -> GroupCall {
        let order = |group, order| GroupCall::Order { group: GroupId(group), order };
        let ask = |group, question| GroupCall::Ask { group: GroupId(group), question };
        match self {
            Self::Make { name, members, description, avatar, public, maximum } => {
                GroupCall::Make { name, description, avatar, is_public: public, maximum, members }
            }
            Self::Show { group } => ask(group, GroupQuestion::PROFILE),
            Self::Public { start, count } => GroupCall::Public { start, count },
            Self::Edit { group, name, description, avatar } => {
                GroupCall::Edit { group: GroupId(group), name, description, avatar }
            }
            Self::Dissolve { group } => order(group, GroupOrder::Dissolve),
            Self::Open { group, private } => order(group, GroupOrder::SetPublic(!private)),
            Self::Resize { group, maximum } => order(group, GroupOrder::SetMaximum(maximum)),
            Self::Transfer { group, to } => order(group, GroupOrder::TransferTo(to)),
            Self::Admins { group, members, remove: false } => order(group, GroupOrder::AddAdmins(members)),
            Self::Admins { group, members, .. } => order(group, GroupOrder::RemoveAdmins(members)),
            Self::Silence { group, members, lift: true, .. } => order(group, GroupOrder::LiftSilence(members)),
            Self::Silence { group, members, minutes, .. } => {
                let for_ms = minutes.map(|minutes| minutes.saturating_mul(60_000));
                order(group, GroupOrder::Silence { members, for_ms })
            }
            Self::Silences { group } => ask(group, GroupQuestion::SILENCES),
            Self::Ban { group, users, lift: false } => order(group, GroupOrder::Ban(users)),
            Self::Ban { group, users, .. } => order(group, GroupOrder::Unban(users)),
            Self::Bans { group } => ask(group, GroupQuestion::BANS),
            Self::Nickname { group, member, nickname } => {
                order(group, GroupOrder::SetNickname { username: member, nickname })
            }
            Self::Standings { group } => ask(group, GroupQuestion::STANDINGS),
            Self::Announce { group, text, message } => order(group, GroupOrder::Announce { text, as_message: message }),
            Self::Announcements { group } => ask(group, GroupQuestion::ANNOUNCEMENTS),
            Self::Unannounce { group, id } => order(group, GroupOrder::DropAnnouncement(Position(id))),
            Self::Pin { group, id, lift } => {
                order(group, GroupOrder::PinAnnouncement { id: Position(id), is_pinned: !lift })
            }
            Self::Apply { group, reason } => order(group, GroupOrder::Apply { reason }),
            Self::Invite { group, users, reason } => order(group, GroupOrder::Invite { members: users, reason }),
            Self::Joins { group } => ask(group, GroupQuestion::JOINS),
            Self::Accept { group, id, user } => answer(group, id, user, true, String::new()),
            Self::Refuse { group, id, user, reason } => answer(group, id, user, false, reason),
        }
    }
}

fn answer(group: u32, id: u64, user: String, is_accepted: bool, reason: String) -> GroupCall {
    let answers = vec![(Position(id), user)];
    GroupCall::AnswerJoins { group: GroupId(group), answers, is_accepted, reason }
}

/// One line for each thing; returns whether it was an answer to one of these.
pub fn print(answer: &Answer, as_json: bool) -> bool {
    let lines: Vec<(String, Value)> = match answer {
        Answer::Group(shown) => vec![of_group(shown)],
        Answer::GroupPage { groups, .. } => groups.iter().map(of_group).collect(),
        Answer::Standings(standings) => standings.iter().map(of_standing).collect(),
        Answer::Silences(silences) => silences
            .iter()
            .map(|silence| {
                let (name, until) = (&silence.username, until_of(silence.until_ms));
                let shown = json!({"user": name, "since_ms": silence.since_ms, "until_ms": until});
                (format!("{name}  since {}{}", silence.since_ms, said(until)), shown)
            })
            .collect(),
        Answer::Bans(names) => names.iter().map(|name| (name.clone(), json!({"user": name}))).collect(),
        Answer::Announcements(list) => list
            .iter()
            .map(|it| {
                let is_pinned = it.pinned_ms > 0;
                let shown = json!({
                    "id": it.id.0, "text": it.text, "publisher": it.publisher, "time_ms": it.at_ms, "pinned": is_pinned,
                });
                let mark = if is_pinned { "  (pinned)" } else { "" };
                (format!("{}  {}  (by {}){mark}", it.id.0, it.text, it.publisher), shown)
            })
            .collect(),
        Answer::Joins(joins) => joins
            .iter()
            .map(|it| {
                let shown = json!({
                    "id": it.id.0, "user": it.username, "inviter": it.inviter, "reason": it.reason, "time_ms": it.at_ms,
                });
                let inviter = if it.inviter.is_empty() { String::new() } else { format!("  (by {})", it.inviter) };
                (format!("{}  {}  {}{inviter}", it.id.0, it.username, it.reason), shown)
            })
            .collect(),
        Answer::Announced { id } => vec![(id.0.to_string(), json!({"id": id.0}))],
        _ => return false,
    };
    for (text, shown) in lines {
        if as_json { println!("{shown}") } else { println!("{text}") }
    }
    true
}

fn of_group(shown: &GroupShown) -> (String, Value) {
    let kind = if shown.is_public { "public" } else { "private" };
    let line = json!({
        "group": shown.group.0, "name": shown.name, "description": shown.description, "avatar": shown.avatar,
        "owner": shown.owner, "type": kind, "members": shown.members, "maximum": shown.maximum,
        "created_ms": shown.created_ms, "changed_ms": shown.changed_ms,
    });
    let (members, maximum) = (shown.members, shown.maximum);
    (format!("{}  {}  (owner {}, {kind}, {members} of {maximum})", shown.group, shown.name, shown.owner), line)
}

fn of_standing(standing: &Standing) -> (String, Value) {
    let rank = match standing.rank {
        GroupRank::OWNER => "owner",
        GroupRank::ADMIN => "admin",
        _ => "member",
    };
    let is_silenced = standing.silent_until_ms > 0;
    let until = until_of(standing.silent_until_ms).filter(|_| is_silenced);
    let line = json!({
        "user": standing.username, "rank": rank, "nickname": standing.nickname, "joined_ms": standing.joined_ms,
        "silenced": is_silenced, "until_ms": until,
    });
    let mut text = format!("{}  ({rank})", standing.username);
    if !standing.nickname.is_empty() {
        text = format!("{text}  \"{}\"", standing.nickname);
    }
    (if is_silenced { format!("{text}  silenced{}", said(until)) } else { text }, line)
}

/// Nothing: until it is lifted.
fn until_of(until_ms: TimeMs) -> Option<TimeMs> {
    (until_ms != SILENT_UNTIL_LIFTED).then_some(until_ms)
}

fn said(until: Option<TimeMs>) -> String {
    until.map_or_else(|| " until it is lifted".to_owned(), |until| format!(" until {until}"))
}
