//! What the rows hold, by subject.

pub mod account;
pub mod app;
pub mod bridge;
pub mod callback;
pub mod certificate;
pub mod chat;
pub mod chunk;
pub mod device;
pub mod file;
pub mod followup;
pub mod group;
pub mod meta;
pub mod named;
pub mod people;
pub mod presence;
pub mod push;
pub mod push_count;
pub mod record;
pub mod relation;
pub mod schedule;
pub mod traits;
pub mod user;
pub mod word;
