//! What a command does. Every domain rule that needs a consistent view is decided in here, inside the transaction.
//!
//! Nothing below reads a clock, draws a random number or walks a hash map: the same commands in the same order give the
//! same rows, wherever the batches begin and end.

mod account;
mod across;
mod amend;
mod announcement;
mod app;
mod append;
mod audience;
mod batch;
mod bridge;
mod callback;
mod data;
mod device;
mod dissolve;
mod expire;
mod file;
mod followup;
mod group;
mod group_member;
mod group_order;
mod import;
mod join;
mod label;
mod mark;
mod media;
mod member_lists;
mod membership;
mod message_count;
mod mirror;
mod notice;
mod operator;
mod people;
mod presence;
mod push;
mod read;
mod relation;
mod report;
mod room;
mod room_members;
mod room_roles;
mod schedule;
mod segment;
mod send;
mod slow_push;
mod system;
mod tags;
mod test_device;
mod told;
mod traits;
mod user;
mod withdraw;
mod word;

pub(crate) use batch::{Batch, Overlay};
pub(crate) use member_lists::MemberLists;
pub(crate) use word::WordFilters;

use crate::command::{Command, Stamped};
use crate::error::ReadError;
use crate::outcome::{Answer, Outcome, Refusal};

/// Why a command stops: by a rule, or by the disk.
pub(crate) enum Stop {
    Refused(Refusal),
    Failed(ReadError),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Failed(error)
    }
}

pub(crate) type Decided<T> = Result<T, Stop>;

impl Batch<'_> {
    /// Carries out one command. After an error the whole batch must be given up.
    pub fn apply(&mut self, stamped: &Stamped) -> Result<Outcome, ReadError> {
        self.advance_clock(stamped.at_ms);
        #[cfg(test)]
        panic_if_asked(&stamped.command);
        let decided = match &stamped.command {
            Command::System(command) => self.system(command),
            Command::App(command) => self.app(command),
            Command::Device(command) => self.device(command),
            Command::Label(command) => self.label(command),
            Command::Account(command) => self.account(command),
            Command::User(command) => self.user(command),
            Command::People(command) => self.people(command),
            Command::Group(command) => self.group(command),
            Command::GroupOrder(order) => self.group_order(order),
            Command::Send(send) => self.send(send),
            Command::Amend(amend) => self.amend(amend),
            Command::Push(command) => self.push(command),
            Command::Bridge(command) => self.bridge(command),
            Command::Schedule(command) => self.schedule(command),
            Command::File(command) => self.file(command),
            Command::Segment(command) => self.segment(command),
            Command::Mark(command) => self.mark(command),
            Command::Told(command) => self.told(command),
            Command::Media(command) => self.media(command),
            Command::Room(command) => self.room(command),
            Command::Word(command) => self.word(command),
            Command::Import(command) => self.import(command),
            Command::Data(command) => self.data(command),
            Command::Operator(command) => self.operator(command),
        };
        let answer: Result<Answer, Refusal> = match decided {
            Ok(answer) => Ok(answer),
            Err(Stop::Refused(refusal)) => Err(refusal),
            Err(Stop::Failed(error)) => return Err(error),
        };
        Ok(Outcome { answer, appended: self.take_appended() })
    }
}

/// How a test makes a command panic in the middle of a batch.
#[cfg(test)]
pub(crate) const PANIC: &str = "panic, please";

#[cfg(test)]
fn panic_if_asked(command: &Command) {
    use crate::command::AppCommand;
    let secret = match command {
        Command::App(AppCommand::RotateSecret { master_secret, .. }) => master_secret,
        _ => return,
    };
    assert!(secret != PANIC, "as it was asked");
}
