//! `anserd segment …` and `anserd stats`

use clap::{Args, Subcommand};

use super::{AdminArgs, Failure, print_json, strange};
use crate::admin::{Reply, Request, SegmentShown};

#[derive(Debug, Subcommand)]
pub enum SegmentCommand {
    /// Makes a segment of an app's devices and prints the id that pushes name it by
    Create {
        /// Name or key of the app
        app: String,
        /// What you call it
        name: String,
        /// The conditions, all of which must be true: {"app_version": {">=": "2.0"}, "seen_within_days": 7}
        #[arg(long, value_name = "JSON")]
        rule: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Lists the segments of an app
    List {
        /// Name or key of the app
        app: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Shows a segment
    Show {
        /// Name or key of the app
        app: String,
        /// Id of the segment
        segment: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Deletes a segment; later pushes to it are refused
    Delete {
        /// Name or key of the app
        app: String,
        /// Id of the segment
        segment: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

#[derive(Debug, Args)]
pub struct StatsArgs {
    /// Name or key of the app
    app: String,
    #[command(flatten)]
    admin: AdminArgs,
}

pub fn run(command: SegmentCommand) -> Result<(), Failure> {
    match command {
        SegmentCommand::Create { app, name, rule, admin } => {
            show(&admin, &Request::SegmentCreate { app, name, rule }, "")
        }
        SegmentCommand::Show { app, segment, admin } => show(&admin, &Request::SegmentShow { app, segment }, ""),
        SegmentCommand::Delete { app, segment, admin } => {
            show(&admin, &Request::SegmentDelete { app, segment }, "deleted ")
        }
        SegmentCommand::List { app, admin } => list(&admin, app),
    }
}

fn show(admin: &AdminArgs, request: &Request, before: &str) -> Result<(), Failure> {
    let Reply::Segment(segment) = admin.ask(request)? else { return Err(strange()) };
    match admin.json {
        true => print_json(&segment),
        false => println!("{before}{}", line(&segment)),
    }
    Ok(())
}

fn list(admin: &AdminArgs, app: String) -> Result<(), Failure> {
    let Reply::Segments(segments) = admin.ask(&Request::SegmentList { app })? else { return Err(strange()) };
    if admin.json {
        print_json(&segments);
    } else if segments.is_empty() {
        println!("there is no segment yet: anserd segment create APP NAME --rule JSON");
    } else {
        segments.iter().for_each(|segment| println!("{}", line(segment)));
    }
    Ok(())
}

fn line(segment: &SegmentShown) -> String {
    format!("{}  {}: {}", segment.id, segment.name, segment.rule)
}

pub fn stats(args: StatsArgs) -> Result<(), Failure> {
    let Reply::Stats(stats) = args.admin.ask(&Request::Stats { app: args.app })? else { return Err(strange()) };
    if args.admin.json {
        print_json(&stats);
        return Ok(());
    }
    for days in &stats.days {
        println!(
            "last {:>2} days  {} new, {} online, {} active; opened {} times for {} minutes",
            days.days,
            days.new,
            days.online,
            days.active,
            days.opens,
            days.seconds / 60
        );
    }
    for (name, values) in &stats.traits {
        println!("{name}");
        for value in values {
            let name = if value.value.is_empty() { "(other)" } else { &value.value };
            println!("  {:>9}  {name}", value.devices);
        }
    }
    Ok(())
}
