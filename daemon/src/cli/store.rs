//! `anserd export-store`, `anserd import-store`, `anserd rescue`

use std::path::PathBuf;

use clap::Args;

use super::backup::{self, KeyArgs};
use super::{Failure, print_json};
use crate::backup::file::NewFile;
use crate::backup::rescue::{self as rescuing, Loss, Rescued};
use crate::backup::restore::import_store;
use crate::data_dir::DataDir;

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// A new file
    file: PathBuf,
    /// The data folder of the daemon, which must not run
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
}

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The file, or - for standard input
    file: PathBuf,
    /// A data folder without a store; what else is in it stays
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    #[command(flatten)]
    keys: KeyArgs,
}

#[derive(Debug, Args)]
pub struct RescueArgs {
    /// The data folder of the daemon, which must not run
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Answers in JSON
    #[arg(long)]
    json: bool,
}

pub fn export(args: &ExportArgs) -> Result<(), Failure> {
    let _held = DataDir::open(&args.data_dir).map_err(|error| Failure::new(format!("anserd: {error}")))?;
    let failed = |what: &dyn std::fmt::Display| Failure::new(format!("anserd: {}: {what}", args.file.display()));
    if !args.data_dir.join("store.redb").exists() {
        return Err(Failure::new(format!("anserd: there is no store in {}", args.data_dir.display())));
    }
    let mut out = NewFile::create(&args.file).map_err(|error| failed(&error))?;
    let end = crate::backup::export(&args.data_dir, &mut out).map_err(|error| failed(&error))?;
    out.finish().map_err(|error| failed(&error))?;
    let rows: u64 = end.rows.values().sum();
    println!("{rows} rows of {} tables; SHA-256 {}", end.rows.len(), end.sha256);
    Ok(())
}

pub fn import(args: &ImportArgs) -> Result<(), Failure> {
    let imported = import_store(backup::open(&args.file)?, &args.keys.identities()?, &args.data_dir);
    let summary = imported.map_err(|error| backup::about(&args.file, &error))?;
    backup::warn(&summary);
    backup::tell(&summary, Some(&args.file), false);
    Ok(())
}

pub fn rescue(args: &RescueArgs) -> Result<(), Failure> {
    // redb panics on some damage, which the rescue catches: nobody has to read of it.
    std::panic::set_hook(Box::new(|_| {}));
    let rescued = rescuing::rescue(&args.data_dir).map_err(|error| Failure::new(format!("anserd: {error}")))?;
    if args.json {
        print_json(&rescued);
    } else {
        print!("{}", in_words(&rescued));
    }
    Ok(())
}

fn in_words(rescued: &Rescued) -> String {
    let Rescued { rows, tables, apps, made_up, damaged } = rescued;
    let mut text = format!("{rows} rows were saved; the damaged store is now {}\n", damaged.display());
    if rescued.is_complete() {
        text.push_str("nothing was lost\n");
    }
    for (table, Loss { lost, loose, missing, is_unknown }) in tables {
        text.push_str(&format!("table {table}:"));
        let parts = [(*lost, "rows lost"), (*missing, "rows that others name are not there")];
        let mut parts: Vec<_> =
            parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!(" {count} {what}")).collect();
        if *loose > 0 {
            parts.push(format!(" {loose} rows saved from loose pages, perhaps old"));
        }
        if *is_unknown {
            parts.push(" how many rows it had is not known".to_owned());
        }
        text.push_str(&parts.join(","));
        text.push('\n');
    }
    for (app, lost) in apps {
        text.push_str(&format!("{app}: {lost} rows damaged or missing\n"));
    }
    if !made_up.is_empty() {
        text.push_str(&format!("made up anew: {}\n", made_up.join(", ")));
    }
    text
}
