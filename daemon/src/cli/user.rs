//! `anserd user …`: what is owed to one user.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Subcommand;
use serde_json::json;

use super::{AdminArgs, Failure, print_json, strange};
use crate::admin::{ExportPlace, Reply, Request};

const ASK_EVERY: Duration = Duration::from_millis(200);

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Writes down what is stored of a user: profile, relations, groups, conversations, media names, sent messages
    ///
    /// One JSON object on a line; the last one has the kind "end" and counts the others, so that a file that was cut is
    /// known. The file is readable by its owner only.
    Export {
        /// Name or app key
        app: String,
        username: String,
        /// Where to write it; "-" is the standard output
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Deletes a user and erases what they said and uploaded, for good
    ///
    /// Also of deleted users who bore the name. Others keep their own messages; the place of an erased one stays, empty.
    Erase {
        /// Name or app key
        app: String,
        username: String,
        /// Really
        #[arg(long)]
        yes: bool,
        /// Comes back at once; `anserd status` tells how far it is
        #[arg(long)]
        no_wait: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

pub fn run(command: UserCommand) -> Result<(), Failure> {
    match command {
        UserCommand::Export { app, username, output, admin } => export(&admin, &app, &username, &output),
        UserCommand::Erase { app, username, yes, no_wait, admin } => erase(&admin, app, username, yes, no_wait),
    }
}

fn export(admin: &AdminArgs, app: &str, username: &str, output: &Path) -> Result<(), Failure> {
    if output == Path::new("-") {
        return write_pages(admin, app, username, &mut io::stdout().lock()).map(drop);
    }
    let failed = |error: io::Error| Failure::new(format!("anserd: {}: {error}", output.display()));
    // Under another name until it is whole.
    let mut part = output.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part).map_err(failed)?;
    let lines = write_file(admin, app, username, file, &failed);
    let lines = lines.and_then(|lines| fs::rename(&part, output).map_err(failed).map(|()| lines));
    match lines {
        Ok(lines) => {
            if !admin.json {
                println!("wrote {lines} lines to {}", output.display());
            }
            Ok(())
        }
        Err(failure) => {
            // What is there of it is of no use.
            let _ = fs::remove_file(&part);
            Err(failure)
        }
    }
}

fn write_file(
    admin: &AdminArgs,
    app: &str,
    username: &str,
    file: File,
    failed: &impl Fn(io::Error) -> Failure,
) -> Result<u64, Failure> {
    let mut out = BufWriter::new(file);
    let lines = write_pages(admin, app, username, &mut out)?;
    let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    Ok(lines)
}

/// Returns how many lines there are, without the last.
fn write_pages(admin: &AdminArgs, app: &str, username: &str, out: &mut impl Write) -> Result<u64, Failure> {
    let failed = |error: io::Error| Failure::new(format!("anserd: the export could not be written: {error}"));
    let (mut place, mut lines) = (Some(ExportPlace::Profile), 0);
    while let Some(asked) = place {
        let request = Request::UserExport { app: app.to_owned(), user: username.to_owned(), place: asked };
        let Reply::Exported(page) = admin.ask(&request)? else { return Err(strange()) };
        for line in page.lines {
            writeln!(out, "{line}").map_err(failed)?;
            lines += 1;
        }
        place = page.next;
    }
    writeln!(out, "{}", json!({"kind": "end", "lines": lines})).map_err(failed)?;
    out.flush().map_err(failed)?;
    Ok(lines)
}

/// Returns when nobody of the app is being erased any more.
fn wait_for_erasures(admin: &AdminArgs, app_key: &str) -> Result<(), Failure> {
    loop {
        let Reply::Status(status) = admin.ask(&Request::Status)? else { return Err(strange()) };
        if status.removals.users.iter().all(|erasure| erasure.app_key != app_key) {
            return Ok(());
        }
        std::thread::sleep(ASK_EVERY);
    }
}

fn erase(admin: &AdminArgs, app: String, username: String, yes: bool, no_wait: bool) -> Result<(), Failure> {
    if !yes {
        return Err(Failure::new(format!(
            "anserd: this deletes {username:?} and erases what they said and uploaded, for good. `anserd user export` \
             writes it down before. Add --yes to do it"
        )));
    }
    let Reply::App(shown) = admin.ask(&Request::AppShow { app: app.clone() })? else { return Err(strange()) };
    let Reply::ErasureBegun { users } = admin.ask(&Request::UserErase { app, user: username.clone() })? else {
        return Err(strange());
    };
    if !no_wait {
        wait_for_erasures(admin, &shown.app_key)?;
    }
    if admin.json {
        print_json(&json!({"username": username, "users": users, "is_done": !no_wait}));
    } else if no_wait {
        println!("{username} is deleted; what they said is being erased (`anserd status`)");
    } else {
        println!("erased {username}");
    }
    Ok(())
}
