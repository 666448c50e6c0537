//! Listeners: addresses bound before anything is promised, then connections accepted and handed on.

mod bind;
mod given;
mod http;
pub mod proxy;
mod site;
mod tcp;
mod worded;

pub use bind::{BindError, Bound, bind, bind_tcp};
pub use given::{Given, GivenError};
pub use http::Connection;
pub use site::is_own_origin;
pub use tcp::{accept_plain, accept_tls};
