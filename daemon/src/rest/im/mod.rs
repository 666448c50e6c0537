//! The IM API: users, groups and messages, compatible with JMessage.

mod field;
mod group;
mod message;
mod refusal;
mod user;
mod view;

pub use group::{change_members, create_group, list_members, show_group};
pub use message::send_message;
pub use user::{register_admin, register_users, show_user};

use super::family::Family;
use super::fault::Fault;

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    Family::Im.invalid(message)
}
