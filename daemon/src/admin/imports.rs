//! What the admin socket is asked to take in for an app that comes from another service: bounded pieces, each of which may
//! be repeated. They do not count against what app servers may call.

use anser_protocol::ids::{GroupId, RoomId};
use anser_storage::WaitingDevice;
use anser_storage::command::{
    Command, FormerId, FriendNote, ImportCommand, ImportedGroup, ImportedRoom, MediaCommand, NewMedia, NewUser,
    ProfileChange, UserCommand,
};
use anser_storage::ids::AppNumber;
use anser_storage::media::{MediaKind, MediaName};
use anser_storage::outcome::{Answer, Refusal, RoomRefusal};
use bytes::Bytes;
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use super::Reply;
use super::server::{find, unavailable};
use crate::clock::now_ms;
use crate::context::Shared;
use crate::media::NotKept;
use crate::media::body::Incoming;
use crate::media::name::{file_name, format_of};

/// Users in one piece.
pub const USERS_MAX: usize = 100;
/// The line of a request has to hold it, and it grows by a third there.
pub const MEDIA_BYTES_MAX: usize = 2 << 20;
const DAY_MS: u64 = 86_400_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportPiece {
    /// Asks for nothing but the app: is it here, and under which key?
    App,
    Users(Vec<ImportedUser>),
    Person {
        username: String,
        profile: ProfileChange,
        friends: Vec<FriendNote>,
        blocked: Vec<String>,
    },
    Group {
        had: FormerId,
        group: ImportedGroup,
        members: Vec<String>,
    },
    GroupMembers {
        group: GroupId,
        members: Vec<String>,
    },
    Room {
        had: FormerId,
        room: ImportedRoom,
        members: Vec<String>,
    },
    RoomMembers {
        room: RoomId,
        members: Vec<String>,
        silenced: Vec<String>,
    },
    Devices(Vec<WaitingDevice>),
    /// An image under the id that it is to have, in Base64.
    Picture {
        media_id: String,
        content: String,
    },
}

/// Without a password: whoever it is gets one when they log in first, or from the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedUser {
    pub username: String,
    pub is_admin: bool,
    pub profile: ProfileChange,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedShown {
    pub app_key: String,
    /// Of the group or room that it is here.
    pub number: u32,
    /// By name, what is not here, and why.
    pub left_out: Vec<(String, String)>,
}

pub async fn take_in(context: &Shared, app: &str, piece: ImportPiece) -> Result<Reply, String> {
    let (number, row) = find(context, app).await?;
    let mut shown = match piece {
        ImportPiece::App => ImportedShown::default(),
        ImportPiece::Users(users) => register(context, number, users).await?,
        ImportPiece::Picture { media_id, content } => keep_picture(context, number, &media_id, &content).await?,
        other => submit(context, command_of(context, number, other)?).await?,
    };
    shown.app_key = row.app_key;
    Ok(Reply::Imported(shown))
}

fn command_of(context: &Shared, app: AppNumber, piece: ImportPiece) -> Result<ImportCommand, String> {
    let names = match &piece {
        ImportPiece::Person { friends, blocked, .. } => friends.len() + blocked.len(),
        ImportPiece::Group { members, .. } | ImportPiece::GroupMembers { members, .. } => members.len(),
        ImportPiece::Room { members, .. } => members.len(),
        ImportPiece::RoomMembers { members, silenced, .. } => members.len() + silenced.len(),
        _ => 0,
    };
    if names > ImportCommand::NAMES_MAX {
        return Err(format!("one piece has at most {} names", ImportCommand::NAMES_MAX));
    }
    Ok(match piece {
        ImportPiece::Person { username, profile, friends, blocked } => {
            ImportCommand::Person { app, username, profile: Box::new(profile), friends, blocked }
        }
        ImportPiece::Group { had, group, members } => {
            ImportCommand::Group { app, had, group: Box::new(group), members }
        }
        ImportPiece::GroupMembers { group, members } => ImportCommand::GroupMembers { app, group, members },
        ImportPiece::Room { had, room, members } => ImportCommand::Room { app, had, room: Box::new(room), members },
        ImportPiece::RoomMembers { room, members, silenced } => {
            ImportCommand::RoomMembers { app, room, members, silenced }
        }
        ImportPiece::Devices(devices) if devices.len() > ImportCommand::DEVICES_MAX => {
            return Err(format!("one piece has at most {} devices", ImportCommand::DEVICES_MAX));
        }
        ImportPiece::Devices(devices) => {
            let days = context.config.adopt_days.ok_or("devices are not waited for: imports.adopt_days is 0")?;
            ImportCommand::Devices { app, devices, until_ms: now_ms() + u64::from(days) * DAY_MS }
        }
        ImportPiece::App | ImportPiece::Users(_) | ImportPiece::Picture { .. } => {
            return Err("this piece is no command".to_owned());
        }
    })
}

async fn submit(context: &Shared, command: ImportCommand) -> Result<ImportedShown, String> {
    let outcome = context.ledger.submit(Command::Import(command)).await.map_err(unavailable)?;
    match outcome.answer {
        Ok(Answer::Imported { number, left_out }) => {
            let left_out = left_out.into_iter().map(|(name, refusal)| (name, why(&refusal))).collect();
            Ok(ImportedShown { number, left_out, ..ImportedShown::default() })
        }
        Ok(other) => Err(format!("the store answered something else: {other:?}")),
        Err(Refusal::AppUnknown) => Err("there is no such app any more".to_owned()),
        // One person, group or room cannot be taken in; the others can.
        Err(refusal) => {
            let left_out = vec![(String::new(), why(&refusal))];
            Ok(ImportedShown { left_out, ..ImportedShown::default() })
        }
    }
}

async fn register(context: &Shared, app: AppNumber, users: Vec<ImportedUser>) -> Result<ImportedShown, String> {
    if users.len() > USERS_MAX {
        return Err(format!("one piece has at most {USERS_MAX} users"));
    }
    let names: Vec<String> = users.iter().map(|user| user.username.clone()).collect();
    let users = users.into_iter().map(|user| NewUser {
        username: user.username,
        password: String::new(),
        is_admin: user.is_admin,
        profile: user.profile.into_profile(),
    });
    let command = UserCommand::Register { app, users: users.collect() };
    let outcome = context.ledger.submit(Command::User(command)).await.map_err(unavailable)?;
    match outcome.answer {
        Ok(Answer::Users(results)) => {
            let refused = names.into_iter().zip(results).filter_map(|(name, result)| Some((name, result.err()?)));
            // Who is here already came with an earlier run, or was here before.
            let refused = refused.filter(|(_, refusal)| *refusal != Refusal::UserExists);
            let left_out = refused.map(|(name, refusal)| (name, why(&refusal))).collect();
            Ok(ImportedShown { left_out, ..ImportedShown::default() })
        }
        Ok(other) => Err(format!("the store answered something else: {other:?}")),
        Err(refusal) => Err(why(&refusal)),
    }
}

async fn keep_picture(
    context: &Shared,
    app: AppNumber,
    media_id: &str,
    content: &str,
) -> Result<ImportedShown, String> {
    let left_out = |why: &str| {
        let left_out = vec![(media_id.to_owned(), why.to_owned())];
        Ok(ImportedShown { left_out, ..ImportedShown::default() })
    };
    let name = MediaName::parse(media_id).filter(|name| name.kind == MediaKind::Image);
    let Some(name) = name else { return left_out("it is no id of an image") };
    let bytes = BASE64.decode(content.as_bytes()).map_err(|error| error.to_string())?;
    if bytes.len() > MEDIA_BYTES_MAX {
        return left_out("it is too large");
    }
    let known = context.ledger.read(move |snapshot| snapshot.media(app, &name)).await.map_err(unavailable)?;
    if known.is_some() {
        return Ok(ImportedShown::default());
    }
    let mut incoming = Incoming::new(&context.media.folder, app);
    incoming.add(&Bytes::from(bytes)).await.map_err(|error| error.to_string())?;
    let received = incoming.finish().await.map_err(|error| error.to_string())?;
    let shown_name = file_name("avatar");
    let Some(format) = format_of(name.kind, &shown_name, &received.looked_at) else {
        return left_out("it is no image of the formats jpg, png, gif and bmp");
    };
    let content = received.looked_at.content(&format);
    let media = NewMedia { id: name.id, kind: name.kind, content, name: shown_name, by: None };
    let add = MediaCommand::Add { app, media: Box::new(media), quota_bytes: context.config.media.quota_bytes };
    match context.media.keep(&context.ledger, received, add).await {
        Ok(Ok(())) => Ok(ImportedShown::default()),
        Ok(Err(refusal)) => left_out(&why(&refusal)),
        Err(NotKept::Disk(error)) => Err(format!("the file cannot be written: {error}")),
        Err(NotKept::Store(error)) => Err(unavailable(error)),
    }
}

/// In words for the operator's list.
fn why(refusal: &Refusal) -> String {
    match refusal {
        Refusal::UserUnknown { username } => format!("no user {username} is here"),
        Refusal::OneSelf => "it is the user themselves".to_owned(),
        Refusal::AdminProtected { .. } => "an admin cannot be on a blacklist".to_owned(),
        Refusal::TooManyRelations { username, .. } => format!("{username} has as many as a user may have"),
        Refusal::GroupFull | Refusal::Room(RoomRefusal::Full) => "there is no room for more members".to_owned(),
        Refusal::GroupQuotaFull { username } => format!("{username} is in as many groups as a user may be"),
        Refusal::RegistrationIdTaken => "a device of this app has the id already".to_owned(),
        Refusal::MediaQuotaFull => "the app keeps as many bytes of media as it may".to_owned(),
        other => format!("the store refused it: {other:?}"),
    }
}
