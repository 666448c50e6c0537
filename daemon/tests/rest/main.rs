//! The REST APIs against the contract: a whole daemon in this process, requests handed to its router.

mod device;
mod group;
mod http;
mod message;
mod push;
mod retention;
mod schedule;
mod user;
mod walls;
mod world;
