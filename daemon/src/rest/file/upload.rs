//! An upload under way: it is taken back when it is not finished, also when the caller goes away.

use anser_storage::command::{Command, FileCommand, FileKind, FileOwner};
use anser_storage::ids::FileId;
use anser_storage::outcome::{Answer, Outcome, Refusal};
use axum::http::StatusCode;
use tokio::sync::oneshot;

use crate::context::Context;
use crate::keys::random;
use crate::ledger::{Ledger, Unavailable};
use crate::rest::family::Family;
use crate::rest::fault::Fault;

/// What the store takes at a time.
const PART_BYTES_MAX: usize = 64 << 10;
const NAME_CHARS_MAX: usize = 255;

pub struct Upload {
    ledger: Ledger,
    owner: FileOwner,
    file: FileId,
    parts: u32,
    is_over: bool,
}

impl Upload {
    pub async fn begin(context: &Context, owner: &FileOwner, kind: FileKind, name: &str) -> Result<Self, Fault> {
        let name = name.chars().filter(|letter| !letter.is_control()).take(NAME_CHARS_MAX).collect();
        let begin = FileCommand::Begin { owner: owner.clone(), kind, name, random: random() };
        let (ledger, owner) = (context.ledger.clone(), owner.clone());
        let (answer, begun) = oneshot::channel();
        // The upload itself is handed over: where the caller has gone away meanwhile, it is dropped and taken back.
        let hand_over = move |result: Result<Outcome, Unavailable>| {
            let begun = result.map(|outcome| {
                outcome.answer.map(|answer| match answer {
                    Answer::File(file) => Some(Self { ledger, owner, file, parts: 0, is_over: false }),
                    _ => None,
                })
            });
            drop(answer.send(begun));
        };
        let unavailable = |error| Family::Push.unavailable(&error);
        context.ledger.submit_then(Command::File(begin), hand_over).map_err(unavailable)?;
        let begun = begun.await.map_err(|_| Family::Push.busy())?.map_err(unavailable)?;
        begun.map_err(of_file)?.ok_or_else(|| Family::Push.internal())
    }

    pub async fn add(&mut self, content: &[u8]) -> Result<(), Fault> {
        for body in content.chunks(PART_BYTES_MAX) {
            let (owner, file, part) = (self.owner.clone(), self.file, self.parts);
            submit(&self.ledger, FileCommand::AddPart { owner, file, part, body: body.to_vec() }).await?;
            self.parts += 1;
        }
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.parts == 0
    }

    /// From now on it can be used.
    pub async fn finish(mut self, lifetime_ms: u64) -> Result<FileId, Fault> {
        submit(&self.ledger, FileCommand::Finish { owner: self.owner.clone(), file: self.file, lifetime_ms }).await?;
        self.is_over = true;
        Ok(self.file)
    }

    /// Its content becomes that of a file which is there.
    pub async fn replace(mut self, file: FileId, lifetime_ms: u64) -> Result<(), Fault> {
        let command = FileCommand::Replace { owner: self.owner.clone(), file, by: self.file, lifetime_ms };
        submit(&self.ledger, command).await?;
        self.is_over = true;
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let delete = FileCommand::Delete { owner: self.owner.clone(), file: self.file };
        // If the store does not take it now, the upload goes within the hour.
        let _ = self.ledger.submit_then(Command::File(delete), |_| {});
    }
}

pub async fn submit(ledger: &Ledger, command: FileCommand) -> Result<Answer, Fault> {
    let outcome = ledger.submit(Command::File(command)).await.map_err(|error| Family::Push.unavailable(&error))?;
    outcome.answer.map_err(of_file)
}

fn of_file(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::TooManyFiles => Family::Push.invalid("there are as many as may be kept at a time: delete some"),
        Refusal::FileUnknown => Family::Push.invalid("it does not exist, or not any more"),
        Refusal::AppUnknown => Fault::new(StatusCode::BAD_REQUEST, 1008, "the app does not exist any more"),
        Refusal::AccountUnknown => Family::Push.wrong_credentials(),
        _ => Family::Push.internal(),
    }
}
