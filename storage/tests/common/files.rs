//! Short words for what tests do with uploads.

use anser_protocol::ids::TimeMs;
use anser_storage::Snapshot;
use anser_storage::command::*;
use anser_storage::ids::{AppNumber, FileId};
use anser_storage::outcome::Answer;
use roaring::RoaringBitmap;

use super::World;

pub const HOUR_MS: TimeMs = 60 * 60 * 1000;

/// A list with the devices that were found in it.
pub fn named_list(owner_key: &str, id: FileId, devices: &[u32]) -> Audience {
    let mut bytes = Vec::new();
    RoaringBitmap::from_iter(devices.iter().copied()).serialize_into(&mut bytes).expect("a vector takes every byte");
    Audience::File(FileAudience { file: FileName { owner_key: owner_key.into(), id }, devices: bytes })
}

/// The devices that are in a list now; nothing when the app may not use it.
pub fn devices_in(snapshot: &Snapshot, app: AppNumber, name: &FileName, now_ms: TimeMs) -> Option<Vec<u32>> {
    let list = snapshot.usable_file(app, name, now_ms).expect("nothing is damaged")?;
    let mut devices = RoaringBitmap::new();
    for part in 0..list.parts {
        snapshot.add_devices_of_part(app, &list, part, &mut devices).expect("nothing is damaged");
    }
    Some(devices.iter().collect())
}

impl World {
    pub fn owner(&self) -> FileOwner {
        FileOwner::App(self.app)
    }

    pub fn begin(&mut self, owner: &FileOwner, kind: FileKind) -> FileId {
        let command = FileCommand::Begin { owner: owner.clone(), kind, name: "list.txt".into(), random: [7; 8] };
        match self.answer(Command::File(command)) {
            Answer::File(file) => file,
            other => panic!("{other:?}"),
        }
    }

    /// A finished file of these parts that lives for an hour.
    pub fn upload(&mut self, owner: &FileOwner, kind: FileKind, parts: &[&str]) -> FileId {
        let file = self.begin(owner, kind);
        for (part, body) in (0..).zip(parts) {
            self.answer(Command::File(part_of(owner, file, part, body)));
        }
        self.answer(Command::File(FileCommand::Finish { owner: owner.clone(), file, lifetime_ms: HOUR_MS }));
        file
    }
}

pub fn part_of(owner: &FileOwner, file: FileId, part: u32, body: &str) -> FileCommand {
    FileCommand::AddPart { owner: owner.clone(), file, part, body: body.as_bytes().to_vec() }
}
