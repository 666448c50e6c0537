//! `anserd segment …` and `anserd stats`

use clap::{Args, Subcommand};

use super::{AdminArgs, Failure, print_json, strange};
use crate::admin::{PeriodShown, Reply, Request, SegmentShown, StatsAsked};

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
    /// hour, day or month, in the daemon's time zone
    #[arg(long, default_value = "day")]
    by: String,
    /// How many of them, back from now: up to 168 hours, 60 days or 2 months
    #[arg(long)]
    last: Option<u32>,
    /// Only devices of this platform
    #[arg(long)]
    platform: Option<String>,
    /// Only devices that tell this, like app_version=2.0 or "model=Pixel 9"
    #[arg(long, value_name = "NAME=VALUE")]
    with: Option<String>,
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
    let asked = StatsAsked { by: args.by, last: args.last, platform: args.platform, with: args.with };
    let request = Request::Stats { app: args.app, asked };
    let Reply::Stats(stats) = args.admin.ask(&request)? else { return Err(strange()) };
    if args.admin.json {
        print_json(&stats);
        return Ok(());
    }
    print_periods(&stats.periods);
    print_chats(&stats.periods);
    for (name, values) in &stats.traits {
        println!("{name}");
        for value in values {
            let name = if value.value.is_empty() { "(other)" } else { &value.value };
            println!("  {:>9}  {name}", value.devices);
        }
    }
    Ok(())
}

/// A dash stands for what cannot be told.
fn print_periods(periods: &[PeriodShown]) {
    const NAMES: [&str; 11] =
        ["new", "online", "active", "opens", "minutes", "pushes", "received", "shown", "clicked", "bridged", "texted"];
    println!("{:<13}{}  back after 1, 7, 30 days", "", NAMES.map(|name| format!("{name:>9}")).concat());
    for period in periods {
        let figures = [
            Some(period.new),
            Some(period.online),
            Some(period.active),
            period.opens,
            period.seconds.map(|seconds| seconds / 60),
            period.pushes,
            period.received,
            period.shown,
            period.clicked,
            period.bridged,
            period.texted,
        ];
        let back = [1, 7, 30].map(|days| figure(period.back_after.get(&days).copied()));
        println!(
            "{:<13}{}  {}",
            period.begin,
            figures.map(|count| format!("{:>9}", figure(count))).concat(),
            back.join(", ")
        );
    }
}

fn print_chats(periods: &[PeriodShown]) {
    const NAMES: [&str; 8] =
        ["new users", "active", "senders", "to users", "to groups", "to rooms", "new groups", "active"];
    if periods.iter().all(|period| period.chat.is_none()) {
        return;
    }
    println!("{:<13}{}", "chats", NAMES.map(|name| format!("{name:>11}")).concat());
    for (period, chat) in periods.iter().filter_map(|period| Some((period, period.chat?))) {
        let figures = [
            chat.new_users,
            chat.active_users,
            chat.senders,
            chat.single_messages,
            chat.group_messages,
            chat.room_messages,
            chat.new_groups,
            chat.active_groups,
        ];
        println!("{:<13}{}", period.begin, figures.map(|count| format!("{count:>11}")).concat());
    }
}

fn figure(count: Option<u64>) -> String {
    count.map_or("-".to_owned(), |count| count.to_string())
}
