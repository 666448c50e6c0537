//! The IM API: users, groups and messages, compatible with JMessage.

mod account;
mod field;
mod group;
mod message;
mod online;
mod page;
mod refusal;
mod registration;
mod relation;
mod user;
mod view;

pub use account::{change_password, change_profile, delete_user, delete_users, forbid};
pub use group::{change_members, create_group, groups_of_user, list_members, show_group};
pub use message::send_message;
pub use online::{is_online, where_online, where_online_if_known};
pub use registration::{set_registration, show_registration};
pub use relation::{
    add_friends, block, list_blocked, list_friends, mute, note_friends, remove_friends, shield, unblock,
};
pub use user::{list_admins, list_users, register_admin, register_users, show_user};

use axum::body::Body;
use axum::http::{Response, StatusCode};

use super::family::Family;
use super::fault::Fault;

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    Family::Im.invalid(message)
}

/// An answer without a body.
fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
