//! `anserd backup`, `anserd verify`, `anserd restore`

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::{AdminArgs, Failure, print_json, strange};
use crate::admin::{self, Reply, Request};
use crate::backup::age::{Identity, Recipient};
use crate::backup::contents::{Look, Summary};
use crate::backup::file::{self, NewFile};
use crate::backup::{BackupError, Kind, restore as restoring};
use crate::clock::Written;
use crate::config::TimeZone;

const STANDARD: &str = "-";

#[derive(Debug, Args)]
pub struct BackupArgs {
    /// A new file, a folder for one that is named after the time, or - for standard output
    #[arg(long, value_name = "FILE", default_value = ".")]
    to: PathBuf,
    /// Encrypts to this key of age (age1…); may be repeated
    #[arg(long, value_name = "KEY")]
    recipient: Vec<String>,
    /// Encrypts to every key in a file, one a line
    #[arg(long, value_name = "FILE")]
    recipients_file: Option<PathBuf>,
    /// Afterwards only so many backups, the newest by their names, stay in the folder
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    keep: Option<u16>,
    #[command(flatten)]
    admin: AdminArgs,
}

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The backup, or - for standard input
    file: PathBuf,
    #[command(flatten)]
    keys: KeyArgs,
    /// Answers in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The backup, or - for standard input
    file: PathBuf,
    /// An empty folder, or one that is to be made
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    #[command(flatten)]
    keys: KeyArgs,
    /// Answers in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct KeyArgs {
    /// The file with the key (AGE-SECRET-KEY-1…) of an encrypted backup
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Shown<'s> {
    file: Option<&'s Path>,
    kind: Kind,
    version: &'s str,
    store_format: u32,
    taken_ms: u64,
    position: u64,
    rows: u64,
    damaged_rows: u64,
    files: u64,
    media: u64,
    media_bytes: u64,
    damaged_media: u64,
    missing_media: u64,
    left_out: &'s [String],
    sha256: &'s str,
}

pub fn run(args: &BackupArgs) -> Result<(), Failure> {
    let recipients = recipients(args)?;
    let is_standard = args.to == Path::new(STANDARD);
    if is_standard && io::stdout().is_terminal() {
        return Err(failed("a backup is no text: send it into a file or another program"));
    }
    if args.keep.is_some() && !args.to.is_dir() {
        return Err(failed("--keep needs a folder in --to, with backups that are named after their time"));
    }
    let path = match args.to.is_dir() {
        true => args.to.join(file::name_now(!recipients.is_empty())),
        false => args.to.clone(),
    };
    // Before the daemon is asked: a file that cannot be made is the most common mistake.
    let cannot_write = |error: io::Error| failed(&format!("{} cannot be written: {error}", path.display()));
    let out = if is_standard { None } else { Some(NewFile::create(&path).map_err(cannot_write)?) };
    let asked = admin::ask_for_stream(&args.admin.socket()?, &Request::Backup);
    let (reply, stream) = asked.map_err(|error| Failure::new(format!("anserd: {error}")))?;
    match reply {
        Reply::BackupBegun => {}
        Reply::Refused(why) => return Err(failed(&why)),
        _ => return Err(strange()),
    }
    let not_made = |error: BackupError| match error {
        BackupError::Io(error) => failed(&format!("{}: {error}; nothing was kept", path.display())),
        BackupError::Short => failed("the daemon ended in the middle of the backup; nothing was kept"),
        error => failed(&error.to_string()),
    };
    let summary = match out {
        None => file::copy(stream, io::stdout().lock(), &recipients).map_err(not_made)?,
        Some(mut out) => {
            let summary = file::copy(stream, &mut out, &recipients).map_err(not_made)?;
            out.finish().map_err(cannot_write)?;
            summary
        }
    };
    warn(&summary);
    if is_standard {
        eprintln!("{}", in_words(&summary));
        return Ok(());
    }
    tell(&summary, Some(&path), args.admin.json);
    match args.keep {
        Some(keep) => rotate(&args.to, keep, args.admin.json),
        None => Ok(()),
    }
}

fn rotate(folder: &Path, keep: u16, is_json: bool) -> Result<(), Failure> {
    let gone = file::rotate(folder, usize::from(keep));
    let gone = gone.map_err(|error| failed(&format!("old backups in {} stay: {error}", folder.display())))?;
    if !is_json {
        gone.iter().for_each(|path| println!("removed the old {}", path.display()));
    }
    Ok(())
}

fn recipients(args: &BackupArgs) -> Result<Vec<Recipient>, Failure> {
    let mut texts = args.recipient.clone();
    if let Some(path) = &args.recipients_file {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| failed(&format!("{} cannot be read: {error}", path.display())))?;
        let before = texts.len();
        texts.extend(
            text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned),
        );
        if texts.len() == before {
            return Err(failed(&format!("{} names no key to encrypt to", path.display())));
        }
    }
    texts.iter().map(|text| Recipient::parse(text).map_err(|error| failed(&error.to_string()))).collect()
}

pub fn verify(args: &VerifyArgs) -> Result<(), Failure> {
    let read = file::read(open(&args.file)?, &args.keys.identities()?, &mut Look);
    let summary = read.map_err(|error| about(&args.file, &error))?;
    warn(&summary);
    tell(&summary, Some(&args.file), args.json);
    Ok(())
}

pub fn restore(args: &RestoreArgs) -> Result<(), Failure> {
    let identities = args.keys.identities()?;
    let summary = restoring::restore(open(&args.file)?, &identities, &args.data_dir);
    let summary = summary.map_err(|error| about(&args.file, &error))?;
    warn(&summary);
    tell(&summary, Some(&args.file), args.json);
    if !args.json {
        let data_dir = args.data_dir.display();
        println!("It is restored in {data_dir}. Next: anserd serve --data-dir {data_dir}, or start the service");
    }
    Ok(())
}

pub(super) fn open(path: &Path) -> Result<Box<dyn Read>, Failure> {
    if path == Path::new(STANDARD) {
        return Ok(Box::new(io::stdin().lock()));
    }
    let opened = File::open(path).and_then(|file| match file.metadata()?.is_dir() {
        true => Err(io::ErrorKind::IsADirectory.into()),
        false => Ok(file),
    });
    let opened = opened.map_err(|error| failed(&format!("{} cannot be read: {error}", path.display())))?;
    Ok(Box::new(opened))
}

impl KeyArgs {
    pub(super) fn identities(&self) -> Result<Vec<Identity>, Failure> {
        let Some(path) = &self.identity else { return Ok(Vec::new()) };
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| failed(&format!("{} cannot be read: {error}", path.display())))?;
        Identity::parse_all(&text).map_err(|error| failed(&format!("{}: {error}", path.display())))
    }
}

pub(super) fn about(path: &Path, error: &dyn std::error::Error) -> Failure {
    failed(&format!("{}: {error}", path.display()))
}

fn failed(what: &str) -> Failure {
    Failure::new(format!("anserd: {what}"))
}

/// What an operator should look into, although the backup is whole.
pub(super) fn warn(summary: &Summary) {
    let end = &summary.end;
    if end.damaged_rows > 0 {
        eprintln!("anserd: {} rows were damaged in the store already; `anserd scrub` names them", end.damaged_rows);
    }
    if end.damaged_media + end.missing_media > 0 {
        let (damaged, missing) = (end.damaged_media, end.missing_media);
        eprintln!("anserd: of media, {damaged} files were damaged and {missing} were not there");
    }
    for path in &end.left_out {
        eprintln!("anserd: {path} is too large for a file of Anser and was left out");
    }
}

pub(super) fn tell(summary: &Summary, path: Option<&Path>, is_json: bool) {
    if !is_json {
        let name = path.map_or_else(String::new, |path| format!("{}: ", path.display()));
        println!("{name}{}", in_words(summary));
        return;
    }
    let Summary { begin, end } = summary;
    print_json(&Shown {
        file: path,
        kind: begin.kind,
        version: &begin.version,
        store_format: begin.store_format,
        taken_ms: begin.taken_ms,
        position: begin.position,
        rows: end.rows.values().sum(),
        damaged_rows: end.damaged_rows,
        files: end.files,
        media: end.media,
        media_bytes: end.media_bytes,
        damaged_media: end.damaged_media,
        missing_media: end.missing_media,
        left_out: &end.left_out,
        sha256: &end.sha256,
    });
}

fn in_words(summary: &Summary) -> String {
    let Summary { begin, end } = summary;
    let what = match begin.kind {
        Kind::Backup => "a whole backup",
        Kind::Store => "all tables of a store",
    };
    format!(
        "{what} of {} UTC, made by anserd {} (store format {}), up to position {}: {} rows, {} files, {} media ({} MiB); SHA-256 {}",
        Written(begin.taken_ms, TimeZone::UTC),
        begin.version,
        begin.store_format,
        begin.position,
        end.rows.values().sum::<u64>(),
        end.files,
        end.media,
        end.media_bytes >> 20,
        end.sha256,
    )
}
