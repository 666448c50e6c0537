//! The REST APIs against the contract: a whole daemon in this process, requests handed to its router. And the walls between
//! apps, for routes and for frames.

mod alias;
mod amendment;
mod apple;
#[expect(dead_code, reason = "the bridges' own tests use the rest")]
#[path = "../bridge/server.rs"]
mod apple_server;
mod bridging;
mod callback;
mod certificate;
mod contract;
mod developer;
mod device;
mod device_status;
mod file;
mod file_push;
mod frame_walls;
mod group;
mod group_push;
mod group_report;
mod history;
mod http;
mod image;
mod message;
mod peer;
mod people;
mod permit;
mod person;
mod phone;
mod push;
mod push_stop;
mod relation;
mod report;
mod retention;
mod schedule;
mod scrub;
mod segment;
mod sms;
mod tag;
mod talk;
mod test_device;
mod user;
mod walls;
mod word;
mod world;
