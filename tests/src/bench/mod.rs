//! The benchmark table of the release programs: measured from outside, by the clock and by what `/proc` says.

pub mod daemon;
mod filled;
pub mod links;
pub mod machine;
pub mod messages;
pub mod pushes;
pub mod small;
pub mod table;
