//! What goes into a backup: rows of one snapshot, small files of the data folder, bodies of media.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;

use anser_storage::{ReadError, Snapshot, Table, is_whole_row, media_body_of};
use ring::digest::{Context as Digest, SHA256};

use super::format::{BLOCK_BYTES, Begin, FileHead, Kind, MediumHead, Writer};
use crate::data_dir::UNFINISHED;
use crate::media::body::body_path;

/// What lies in the data folder and is made anew, or has a way of its own into the backup.
const NOT_FILES: [&str; 5] = ["admin.sock", "anserd.lock", "media", "backups", UNFINISHED];
const STORE: &str = "store.redb";
/// Keys and certificates are small. Somebody else's file must not fill the backup.
const FILE_BYTES_MAX: u64 = 16 << 20;
const FILES_MAX: usize = 10_000;
const DEPTH_MAX: usize = 8;

/// Whose body it is, and its SHA-256.
pub type Medium = (u32, [u8; 32]);

/// Why it could not be collected.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    #[error("{0}")]
    Read(#[from] ReadError),
    #[error("{0}")]
    Io(#[from] io::Error),
}

pub fn begin(snapshot: &Snapshot, kind: Kind, taken_ms: u64) -> Result<Begin, ReadError> {
    Ok(Begin {
        kind,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        store_format: snapshot.format_version()?,
        taken_ms,
        position: snapshot.last_position()?.0,
    })
}

/// All rows. Returns the bodies that media of the snapshot have.
pub fn rows<W: Write>(snapshot: &Snapshot, writer: &mut Writer<W>) -> Result<Vec<Medium>, CollectError> {
    let mut media = Vec::new();
    for table in Table::ALL {
        let mut written = Ok(());
        snapshot.copy_rows(*table, |key, value| {
            if *table == Table::MediaBodies {
                media.extend(media_body_of(key).map(|(app, body)| (app.0, body)));
            }
            if !is_whole_row(*table, key, value) {
                writer.damaged_row();
            }
            written = writer.row(*table as u8, key, value);
            if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        written?;
        writer.end_table(table.name())?;
    }
    Ok(media)
}

/// Keys, certificates and whatever else small lies in the data folder.
pub fn files<W: Write>(data_dir: &Path, writer: &mut Writer<W>) -> io::Result<()> {
    let mut found = Vec::new();
    walk(data_dir, "", 0, &mut found)?;
    found.sort();
    for path in found {
        let content = match File::open(data_dir.join(&path)) {
            Ok(file) => {
                let mut content = Vec::new();
                file.take(FILE_BYTES_MAX + 1).read_to_end(&mut content)?;
                content
            }
            // Something was removed or renamed meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if content.len() as u64 > FILE_BYTES_MAX {
            writer.left_out(path);
            continue;
        }
        writer.file(&FileHead { path, bytes: content.len() as u64 })?;
        writer.data(&content)?;
    }
    Ok(())
}

/// Paths inside the data folder of all files that belong to the backup.
fn walk(folder: &Path, prefix: &str, depth: usize, found: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let kind = entry.file_type()?;
        let is_left_out = depth == 0 && (NOT_FILES.contains(&&*name) || name.starts_with(STORE));
        // What is being written has another name until it is whole.
        if is_left_out || name.ends_with(".new") || name.ends_with(".part") {
            continue;
        }
        let path = format!("{prefix}{name}");
        if kind.is_dir() && depth < DEPTH_MAX {
            walk(&entry.path(), &format!("{path}/"), depth + 1, found)?;
        } else if kind.is_file() && found.len() < FILES_MAX {
            found.push(path);
        }
    }
    Ok(())
}

/// The bodies. The caller sees to it that none is removed since the snapshot.
pub fn media<W: Write>(data_dir: &Path, media: &[Medium], writer: &mut Writer<W>) -> io::Result<()> {
    let root = data_dir.join("media");
    let mut piece = vec![0; BLOCK_BYTES];
    for (app, body) in media {
        let path = body_path(&root, *app, body);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                writer.missing_medium();
                continue;
            }
            Err(error) => return Err(error),
        };
        let bytes = file.metadata()?.len();
        writer.medium(&MediumHead { app: *app, body: *body, bytes })?;
        let mut digest = Digest::new(&SHA256);
        let (mut file, mut left) = (file.take(bytes), bytes);
        while left > 0 {
            let got = file.read(&mut piece)?;
            if got == 0 {
                return Err(io::Error::other(format!("{} became shorter while it was read", path.display())));
            }
            left -= got as u64;
            digest.update(&piece[..got]);
            writer.data(&piece[..got])?;
        }
        // Nothing compares a body without a byte when it is read.
        if bytes > 0 && digest.finish().as_ref() != body {
            writer.damaged_medium();
        }
    }
    Ok(())
}
