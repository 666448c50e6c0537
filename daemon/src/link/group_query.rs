//! What sessions ask about groups beside their members' names, and who is answered what.

use anser_protocol::error::ErrorCode;
use anser_protocol::frame::group_order::{
    GroupQuestion, GroupRank, GroupShown, JoinRequest, SILENT_UNTIL_LIFTED, Silenced, Standing,
};
use anser_protocol::group_details::Announcement;
use anser_protocol::ids::{GroupId, TimeMs};
use anser_storage::ids::{AppNumber, UserNumber};
use anser_storage::outcome::Rank;
use anser_storage::{Group, GroupClass, JoinedGroup, ReadError, Snapshot};

#[derive(Clone, Debug)]
pub enum GroupQuery {
    Of { user: UserNumber, group: GroupId, question: GroupQuestion },
    Public { start: u64, count: usize },
}

#[derive(Clone, Debug)]
pub enum GroupAnswer {
    Refused(ErrorCode),
    Profile(Box<GroupShown>),
    Page { total: u64, page: Vec<GroupShown> },
    Standings(Vec<Standing>),
    Silences(Vec<Silenced>),
    Announcements(Vec<Announcement>),
    Bans(Vec<String>),
    Joins(Vec<JoinRequest>),
}

pub fn answer(snapshot: &Snapshot, app: AppNumber, query: &GroupQuery, now: TimeMs) -> Result<GroupAnswer, ReadError> {
    match query {
        GroupQuery::Public { start, count } => {
            let page = snapshot.group_page(app, GroupClass::Public, *start, *count)?;
            let shown = page.groups.into_iter().map(|(id, group)| shown(snapshot, app, id, group));
            Ok(GroupAnswer::Page { total: page.total, page: shown.collect::<Result<_, _>>()? })
        }
        GroupQuery::Of { user, group, question } if snapshot.group(app, *group)?.is_none() => {
            answer_guest(snapshot, app, *user, *group, *question)
        }
        GroupQuery::Of { group, question: GroupQuestion::PROFILE, .. } => match snapshot.group(app, *group)? {
            Some(row) => Ok(GroupAnswer::Profile(Box::new(shown(snapshot, app, *group, row)?))),
            None => Ok(GroupAnswer::Refused(ErrorCode::NO_SUCH_GROUP)),
        },
        GroupQuery::Of { user, group, question } => match snapshot.rank(app, *group, *user)? {
            // A stranger is not told whether there is such a group.
            None => Ok(GroupAnswer::Refused(ErrorCode::NOT_A_MEMBER)),
            Some(rank) => answer_member(snapshot, app, *group, rank, *question, now),
        },
    }
}

/// Of a group of another app a member is told what it is; what else stands of it is for the members of that app.
fn answer_guest(
    snapshot: &Snapshot,
    app: AppNumber,
    user: UserNumber,
    id: GroupId,
    question: GroupQuestion,
) -> Result<GroupAnswer, ReadError> {
    let is_member = snapshot.is_member(app, id, user)?;
    let joined = if is_member { snapshot.joined_group(app, id)? } else { None };
    Ok(match (joined, question) {
        (Some(JoinedGroup { group, owner, .. }), GroupQuestion::PROFILE) => {
            GroupAnswer::Profile(Box::new(owned_by(owner, id, group)))
        }
        (None, GroupQuestion::PROFILE) => GroupAnswer::Refused(ErrorCode::NO_SUCH_GROUP),
        // A stranger is not told whether there is such a group.
        (None, _) => GroupAnswer::Refused(ErrorCode::NOT_A_MEMBER),
        (Some(_), _) => GroupAnswer::Refused(ErrorCode::NOT_PERMITTED),
    })
}

fn answer_member(
    snapshot: &Snapshot,
    app: AppNumber,
    group: GroupId,
    rank: Rank,
    question: GroupQuestion,
    now: TimeMs,
) -> Result<GroupAnswer, ReadError> {
    Ok(match question {
        GroupQuestion::STANDINGS => {
            let standings = snapshot.standings(app, group, now)?.into_iter().map(standing).collect();
            GroupAnswer::Standings(standings)
        }
        GroupQuestion::SILENCES => {
            let silences = snapshot.silences(app, group, now)?.into_iter();
            let silenced = |(name, silence): (std::sync::Arc<str>, anser_storage::Silence)| Silenced {
                username: name.to_string(),
                since_ms: silence.since_ms,
                until_ms: silence.until_ms.unwrap_or(SILENT_UNTIL_LIFTED),
            };
            GroupAnswer::Silences(silences.map(silenced).collect())
        }
        GroupQuestion::ANNOUNCEMENTS => GroupAnswer::Announcements(snapshot.announcements(app, group)?),
        GroupQuestion::BANS | GroupQuestion::JOINS if rank < Rank::Admin => {
            GroupAnswer::Refused(ErrorCode::NOT_PERMITTED)
        }
        GroupQuestion::BANS => {
            GroupAnswer::Bans(snapshot.bans(app, group)?.iter().map(|name| name.to_string()).collect())
        }
        GroupQuestion::JOINS => {
            let requests = snapshot.join_requests(app, group)?.into_iter().map(|request| JoinRequest {
                id: request.id,
                username: request.username.to_string(),
                inviter: request.inviter.map(|inviter| inviter.to_string()).unwrap_or_default(),
                reason: request.reason,
                at_ms: request.at_ms,
            });
            GroupAnswer::Joins(requests.collect())
        }
        _ => GroupAnswer::Refused(ErrorCode::INVALID),
    })
}

fn standing(standing: anser_storage::Standing) -> Standing {
    let silent_until_ms = standing.silence.map_or(0, |silence| silence.until_ms.unwrap_or(SILENT_UNTIL_LIFTED));
    Standing {
        username: standing.username.to_string(),
        rank: match standing.rank {
            Rank::Member => GroupRank::MEMBER,
            Rank::Admin => GroupRank::ADMIN,
            Rank::Owner => GroupRank::OWNER,
        },
        nickname: standing.nickname,
        joined_ms: standing.joined_ms,
        silent_until_ms,
    }
}

fn shown(snapshot: &Snapshot, app: AppNumber, id: GroupId, group: Group) -> Result<GroupShown, ReadError> {
    Ok(owned_by(snapshot.user(app, group.owner)?.map(|user| user.username).unwrap_or_default(), id, group))
}

fn owned_by(owner: String, id: GroupId, group: Group) -> GroupShown {
    GroupShown {
        group: id,
        owner,
        name: group.name,
        description: group.description,
        avatar: group.avatar,
        is_public: group.is_public,
        members: group.members,
        maximum: group.members_max,
        created_ms: group.created_ms,
        changed_ms: group.changed_ms,
    }
}
