//! The IM API: users, groups and messages, compatible with JMessage.

mod account;
mod across;
mod content;
pub(crate) mod field;
mod group;
mod group_change;
mod message;
mod online;
mod page;
mod refusal;
mod registration;
mod relation;
mod report;
pub(crate) mod report_message;
mod room;
mod statistic;
mod user;
pub(crate) mod view;
mod word;

pub use account::{change_password, change_profile, delete_user, delete_users, forbid};
pub use across::{
    add_friends_across, block_across, change_members_across, change_room_members_across, groups_of_user_across,
    list_blocked_across, list_members_across, mute_across, note_friends_across, remove_friends_across, unblock_across,
};
pub use content::kind_of;
pub use group::{change_members, create_group, groups_of_user, list_members, show_group};
pub use group_change::{
    add_members, change_group, dissolve_group, list_groups, remove_members, silence, transfer_group,
};
pub use message::{retract_message, send_message};
pub use online::{is_online, where_online, where_online_if_known};
pub use registration::{set_registration, show_registration};
pub use relation::{
    add_friends, block, list_blocked, list_friends, mute, note_friends, remove_friends, shield, unblock,
};
pub use report::{
    Walks, history, history_of_group, history_of_room, history_of_user, list, list_of_group, list_of_user,
};
pub use report_message::written as written_message;
pub use room::{
    add_to_room, change_room, create_room, delete_room, list_room_members, list_rooms, remove_from_room, rooms_of_user,
    show_rooms, silence_in_room,
};
pub use statistic::{groups as group_statistic, messages as message_statistic, users as user_statistic};
pub use user::{list_admins, list_users, register_admin, register_users, show_user};
pub use word::{add_words, list_words, remove_words, replace_word, set_word_filter, show_word_filter};

use anser_storage::ids::{AppNumber, UserNumber};
use anser_storage::{ReadError, Snapshot};
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Response, StatusCode};
use serde_json::Value;

use super::body;
use super::family::Family;
use super::fault::Fault;
use crate::context::Context;

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    Family::Im.invalid(message)
}

/// The body of a call about the user whom its path names.
async fn body_about(context: &Context, username: &str, request: Request) -> Result<Value, Fault> {
    field::path_name(username, &context.config.users)?;
    body::json(Family::Im, request).await
}

/// What the store knows of the user whom the path names.
async fn read_of<T: Send + 'static>(
    context: &Context,
    app: AppNumber,
    username: String,
    query: fn(&Snapshot, AppNumber, UserNumber) -> Result<T, ReadError>,
) -> Result<T, Fault> {
    field::path_name(&username, &context.config.users)?;
    let asked = username.clone();
    let found = context.ledger.read(move |snapshot| match snapshot.user_by_name(app, &asked)? {
        Some((user, _)) => query(snapshot, app, user).map(Some),
        None => Ok(None),
    });
    found.await.map_err(|error| Family::Im.unavailable(&error))?.ok_or_else(|| refusal::no_such_user(&username))
}

/// An answer without a body.
fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
