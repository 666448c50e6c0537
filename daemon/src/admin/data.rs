//! What the admin socket is asked about one user's data, and about how long apps keep what.
//!
//! An export is asked for page by page, each from a snapshot of its own, so that neither side ever holds much.

use anser_protocol::error::ErrorCode;
use anser_protocol::ids::Position;
use anser_storage::command::{Amended, Class, Command, DataCommand, Keep};
use anser_storage::ids::{AppNumber, UserNumber};
use anser_storage::media::MediaId;
use anser_storage::outcome::Refusal;
use anser_storage::{Chat, Friend, User};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::server::{find, unavailable};
use super::{Reply, RetentionChange, RetentionKeep};
use crate::clock::now_ms;
use crate::config::Retention;
use crate::context::Shared;
use crate::rest::im::report_message;

/// Friends, blocked users and the like on a page.
const RELATIONS: usize = 500;
const CONVERSATIONS: usize = 500;
/// Media that are looked at for a page.
const MEDIA: usize = 2000;
/// Each may have tens of kilobytes when it is written as JSON.
const MESSAGES: usize = 60;
/// Nameplates that are looked at in one snapshot.
const NAMEPLATES: usize = 4000;

/// The page of an export that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportPlace {
    Profile,
    Relations { skip: usize },
    Conversations { after: Option<(u8, u64)> },
    Media { after: Option<[u8; 16]> },
    Messages { from: u64 },
}

/// Lines of an export, each a JSON object with its `kind`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExportPage {
    pub lines: Vec<Value>,
    /// Nothing behind the last page.
    pub next: Option<ExportPlace>,
}

/// How long an app keeps what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionShown {
    pub app_key: String,
    pub classes: Vec<ClassRetentionShown>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassRetentionShown {
    /// `chat`, `room` or `push`.
    pub class: String,
    /// Nothing: for ever.
    pub days: Option<u32>,
    /// Set for this app, and not the daemon's setting.
    pub is_own: bool,
    /// When the oldest record that is kept was written.
    pub oldest_ms: Option<u64>,
}

const CLASSES: [(Class, &str); 3] = [(Class::Chat, "chat"), (Class::Room, "room"), (Class::Push, "push")];
/// A hundred years, as the settings have it.
const DAYS_MAX: u32 = 36_500;

pub async fn export(context: &Shared, app: &str, user: &str, place: ExportPlace) -> Result<Reply, String> {
    let (app, row) = find(context, app).await?;
    let username = user.to_owned();
    let found =
        context.ledger.read(move |snapshot| snapshot.user_by_name(app, &username)).await.map_err(unavailable)?;
    let Some((number, user)) = found else { return Err(no_user(user)) };
    let page = match place {
        ExportPlace::Profile => profile(context, app, (number, user)).await,
        ExportPlace::Relations { skip } => relations(context, app, number, skip).await,
        ExportPlace::Conversations { after } => conversations(context, app, number, after).await,
        ExportPlace::Media { after } => media(context, app, number, after.map(MediaId)).await,
        ExportPlace::Messages { from } => messages(context, app, &row.app_key, number, Position(from)).await,
    };
    Ok(Reply::Exported(page?))
}

async fn profile(context: &Shared, app: AppNumber, (number, user): (UserNumber, User)) -> Result<ExportPage, String> {
    let read = context.ledger.read(move |snapshot| {
        let state = snapshot.user_state(app, number)?;
        let mut devices = Vec::new();
        for (device, platform) in snapshot.logins(app, number, now_ms())? {
            let known = snapshot.device(app, device)?;
            devices.extend(known.map(|known| (known.registration_id, platform)));
        }
        Ok((state, devices))
    });
    let (state, devices) = read.await.map_err(unavailable)?;
    let profile = &user.profile;
    let mut lines = vec![json!({
        "kind": "user", "username": user.username, "is_admin": user.is_admin, "is_disabled": state.is_some(),
        "nickname": profile.nickname, "avatar": profile.avatar, "birthday": profile.birthday,
        "signature": profile.signature, "region": profile.region, "address": profile.address,
        "gender": profile.gender, "extras": profile.extras,
        "created_ms": user.created_ms, "changed_ms": user.changed_ms,
    })];
    lines.extend(devices.into_iter().map(|(registration_id, platform)| {
        json!({"kind": "login", "registration_id": registration_id, "platform": platform.name()})
    }));
    Ok(ExportPage { lines, next: Some(ExportPlace::Relations { skip: 0 }) })
}

async fn relations(context: &Shared, app: AppNumber, user: UserNumber, skip: usize) -> Result<ExportPage, String> {
    let read = context.ledger.read(move |snapshot| {
        let mut lines = Vec::new();
        for Friend { user, note_name, others } in snapshot.friends(app, user)? {
            lines.push(json!({
                "kind": "friend", "username": user.username, "note_name": note_name, "others": others,
            }));
        }
        let named = |kind: &str, users: Vec<User>| -> Vec<Value> {
            users.into_iter().map(|user| json!({"kind": kind, "username": user.username})).collect()
        };
        lines.extend(named("blocked", snapshot.blocked(app, user)?));
        let mutes = snapshot.mutes(app, user)?;
        lines.extend(named("muted_user", mutes.users));
        lines.extend(mutes.groups.iter().map(|group| json!({"kind": "muted_group", "group": group.0})));
        if mutes.everything {
            lines.push(json!({"kind": "muted_everything"}));
        }
        for group in snapshot.shields(app, user)? {
            lines.push(json!({"kind": "shielded_group", "group": group.0}));
        }
        for (room, row) in snapshot.rooms_of_user(app, user)? {
            lines.push(json!({"kind": "room", "room": room.0, "name": row.name, "is_owner": row.owner == user}));
        }
        for (group, row) in snapshot.groups_of_user(app, user)? {
            lines.push(json!({"kind": "group", "group": group.0, "name": row.name, "is_owner": row.owner == user}));
        }
        Ok(lines)
    });
    let lines = read.await.map_err(unavailable)?;
    let is_more = lines.len() > skip + RELATIONS;
    let next = match is_more {
        true => ExportPlace::Relations { skip: skip + RELATIONS },
        false => ExportPlace::Conversations { after: None },
    };
    Ok(ExportPage { lines: lines.into_iter().skip(skip).take(RELATIONS).collect(), next: Some(next) })
}

async fn conversations(
    context: &Shared,
    app: AppNumber,
    user: UserNumber,
    after: Option<(u8, u64)>,
) -> Result<ExportPage, String> {
    let read = context.ledger.read(move |snapshot| snapshot.all_conversations(app, user, after, CONVERSATIONS));
    let (shown, next) = read.await.map_err(unavailable)?;
    let lines = shown.into_iter().map(|shown| {
        let (chat, group) = match shown.chat {
            Chat::Group(group) => ("group", Some(group.0)),
            Chat::User(_) | Chat::Notices => ("single", None),
        };
        json!({
            "kind": "conversation", "chat": chat, "name": shown.name, "group": group, "is_open": shown.is_open,
            "read_up_to": shown.read_up_to.0, "nickname": shown.nickname,
        })
    });
    let next = match next {
        Some(last) => ExportPlace::Conversations { after: Some(last) },
        None => ExportPlace::Media { after: None },
    };
    Ok(ExportPage { lines: lines.collect(), next: Some(next) })
}

async fn media(
    context: &Shared,
    app: AppNumber,
    user: UserNumber,
    after: Option<MediaId>,
) -> Result<ExportPage, String> {
    let read = context.ledger.read(move |snapshot| snapshot.media_by(app, user, after, MEDIA));
    let (found, next) = read.await.map_err(unavailable)?;
    let lines = found.into_iter().map(|own| {
        json!({
            "kind": "media", "media_id": own.name.to_string(), "name": own.media.name, "type": own.media.kind.name(),
            "format": own.media.content.format, "bytes": own.media.content.bytes, "created_ms": own.media.created_ms,
        })
    });
    let next = match next {
        Some(last) => ExportPlace::Media { after: Some(last.0) },
        None => ExportPlace::Messages { from: 0 },
    };
    Ok(ExportPage { lines: lines.collect(), next: Some(next) })
}

/// What the user sent, from a device or by an app server in their name; what became of it since stands beside it.
async fn messages(
    context: &Shared,
    app: AppNumber,
    app_key: &str,
    user: UserNumber,
    from: Position,
) -> Result<ExportPage, String> {
    let read = context.ledger.read(move |snapshot| {
        let (positions, next) = snapshot.sent_by(app, user, from, MESSAGES)?;
        let mut told = Vec::with_capacity(positions.len());
        for message in snapshot.report_messages(app, &positions)? {
            let amended = snapshot.amended(app, message.position)?;
            told.push((message, amended));
        }
        Ok((told, next))
    });
    let (told, next) = read.await.map_err(unavailable)?;
    let lines = told.into_iter().map(|(mut message, amended)| {
        let state = match amended {
            None => "sent",
            Some(Amended::Retracted) => "retracted",
            Some(Amended::Erased) => "erased",
            Some(Amended::Edited(_)) => "edited",
        };
        let mut line =
            json!({"kind": "message", "state": state, "message": report_message::written(&message, app_key)});
        if let Some(Amended::Edited(content)) = amended {
            message.content = content;
            line["edited"] = report_message::written(&message, app_key)["msg_body"].take();
        }
        line
    });
    Ok(ExportPage { lines: lines.collect(), next: next.map(|next| ExportPlace::Messages { from: next.0 }) })
}

/// Whoever bears the name, and all deleted users who bore it.
pub async fn erase(context: &Shared, app: &str, username: &str) -> Result<Reply, String> {
    let (app, row) = find(context, app).await?;
    let name = username.to_owned();
    let living = context.ledger.read(move |snapshot| snapshot.user_by_name(app, &name)).await.map_err(unavailable)?;
    let mut users: Vec<UserNumber> = living.map(|(number, _)| number).into_iter().collect();
    let mut from = UserNumber(0);
    loop {
        let name = username.to_owned();
        let read = context.ledger.read(move |snapshot| snapshot.deleted_users_named(app, &name, from, NAMEPLATES));
        let (deleted, next) = read.await.map_err(unavailable)?;
        users.extend(deleted);
        match next {
            Some(next) => from = next,
            None => break,
        }
    }
    if users.is_empty() {
        return Err(no_user(username));
    }
    for user in &users {
        let begin = Command::Data(DataCommand::BeginErasure { app, user: *user });
        let outcome = context.ledger.submit(begin).await.map_err(unavailable)?;
        outcome.answer.map_err(refused)?;
        context.switchboard.end_user(app, *user, ErrorCode::USER_UNKNOWN);
        log::info!(app_key = row.app_key.as_str(), user = user.0; "the data of a user are to be erased");
    }
    context.clearing.begin_departed(&context.ledger, app);
    context.removals.wake();
    Ok(Reply::ErasureBegun { users: users.len() })
}

pub async fn retention(context: &Shared, app: &str, change: Option<RetentionChange>) -> Result<Reply, String> {
    let (number, row) = find(context, app).await?;
    if let Some(RetentionChange { class, keep }) = change {
        let known = CLASSES.iter().find(|(_, name)| *name == class);
        let (class, _) = known.ok_or_else(|| format!("there is no class {class:?}: it is chat, room or push"))?;
        let keep = match keep {
            RetentionKeep::Default => None,
            RetentionKeep::Forever => Some(Keep::Forever),
            RetentionKeep::Days(days) if (1..=DAYS_MAX).contains(&days) => Some(Keep::Days(days)),
            RetentionKeep::Days(_) => return Err(format!("days are 1 to {DAYS_MAX}, or forever")),
        };
        let set = Command::Data(DataCommand::SetRetention { app: number, class: *class, keep });
        let outcome = context.ledger.submit(set).await.map_err(unavailable)?;
        outcome.answer.map_err(refused)?;
        log::info!(app_key = row.app_key.as_str(); "an app keeps its records for another time");
    }
    let read = context.ledger.read(move |snapshot| {
        let own = snapshot.app_retention(number)?;
        let oldest = CLASSES.map(|(class, _)| snapshot.oldest_kept(number, class));
        let [chat, room, push] = oldest;
        Ok((own, [chat?, room?, push?]))
    });
    let (own, oldest) = read.await.map_err(unavailable)?;
    let classes = CLASSES.iter().zip(oldest).map(|((class, name), oldest_ms)| ClassRetentionShown {
        class: (*name).to_owned(),
        days: days_kept(own.of(*class), *class, &context.config.retention),
        is_own: own.of(*class).is_some(),
        oldest_ms,
    });
    Ok(Reply::Retention(RetentionShown { app_key: row.app_key, classes: classes.collect() }))
}

/// For how many days an app keeps a class; nothing: for ever.
pub fn days_kept(own: Option<Keep>, class: Class, settings: &Retention) -> Option<u32> {
    match own {
        Some(Keep::Days(days)) => Some(days),
        Some(Keep::Forever) => None,
        None => match class {
            Class::Chat => settings.chat_days,
            Class::Room => settings.room_days,
            Class::Push => settings.push_days,
        },
    }
}

fn no_user(username: &str) -> String {
    format!("there is no user {username:?} in this app")
}

fn refused(refusal: Refusal) -> String {
    match refusal {
        Refusal::AppUnknown => "there is no such app any more".to_owned(),
        Refusal::UserUnknown { .. } => "there is no such user any more".to_owned(),
        other => format!("the store refused it: {other:?}; the daemon's log may say more"),
    }
}
