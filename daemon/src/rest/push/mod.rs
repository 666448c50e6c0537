//! The push API, version 3.
pub mod cid;
pub mod object;
