//! REST.
mod basic;
mod family;
mod fault;
mod lenient;
mod path;
pub mod push;
