//! Anser's daemon: everything that touches the world. It decides nothing that the store could decide.
//!
//! Put together in [`serve`] from three groups of modules, in the order in which to read them:
//!
//! - What serves: [`listen`] accepts, [`link`] holds the long connections of devices, [`rest`] answers app servers,
//!   [`admin`] the operator on this machine, [`console`] operators in their browsers, [`switchboard`] delivers what was appended, [`schedule`] sends what is due,
//!   [`retention`] removes what has had its time, `clearing` what is left of deleted tags, [`removal`] deleted apps and what
//!   erased users said, [`scrub`] looks for damage, [`backup`] writes everything down for bad days, [`attendance`] notes
//!   who is there, [`slow_pushes`] goes on with pushes that are given out slowly, [`bridge`] hands
//!   notices over to the services of the makers of devices, [`callback`] tells app servers what became of their pushes,
//!   [`app_callback`] of messages and of what else happens, and `message_check` asks them before; [`observe`] counts
//!   what all of them do, and [`trace`] tells what became of one push or message.
//! - What they share, in a [`context::Context`]: [`ledger`] (the way to the store), [`media`] (files that users share),
//!   [`password`], [`operator`] (who runs the daemon), [`keys`], [`clock`], [`shutdown`], and the rules for names in [`username`] and [`label`], and for
//!   messages in `body`.
//! - What starts it: [`cli`], [`config`], [`data_dir`], [`tls`], [`logging`], and `watchdog`, which says that it lives; [`import`]
//!   and [`doctor`] are commands of their own.

pub mod serve;

pub mod admin;
pub mod app_callback;
pub mod attendance;
pub mod backup;
pub mod bridge;
pub mod callback;
pub mod console;
pub mod followup;
pub mod link;
pub mod listen;
pub mod observe;
pub mod removal;
pub mod rest;
pub mod retention;
pub mod schedule;
pub mod scrub;
pub mod slow_pushes;
pub mod switchboard;

mod body;
mod clearing;
pub mod clock;
pub mod context;
pub mod keys;
pub use anser_protocol::label;
pub mod ledger;
pub mod media;
mod message_check;
pub mod operator;
pub mod password;
mod profile;
mod segment_rule;
pub mod shutdown;
pub mod trace;
pub mod username;
mod watchdog;

pub mod cli;
pub mod config;
pub mod data_dir;
pub mod doctor;
pub mod import;
pub mod logging;
pub mod tls;
