//! Anser's daemon: everything that touches the world. It decides nothing that the store could decide.
pub mod clock;
pub mod config;
pub mod data_dir;
pub mod keys;
mod label;
pub mod logging;
pub mod password;
pub mod rest;
pub mod tls;
