//! Listeners: addresses bound before anything is promised, then connections accepted and handed on.

mod bind;
mod http;
mod tcp;
mod worded;

pub use bind::{BindError, Bound, bind, bind_tcp};
pub use http::Connection;
pub use tcp::{accept_plain, accept_tls};
