//! `anserd app retention …`

use super::{AdminArgs, Failure, print_json, strange};
use crate::admin::{ClassRetentionShown, Reply, Request, RetentionChange, RetentionKeep};
use crate::clock::Written;
use crate::config::TimeZone;

pub fn run(admin: &AdminArgs, app: String, class: Option<String>, keep: Option<String>) -> Result<(), Failure> {
    let change = match (class, keep) {
        (Some(class), Some(keep)) => Some(RetentionChange { class, keep: parse(&keep)? }),
        _ => None,
    };
    let Reply::Retention(shown) = admin.ask(&Request::AppRetention { app, change })? else { return Err(strange()) };
    if admin.json {
        print_json(&shown);
    } else {
        shown.classes.iter().for_each(|class| println!("{}", in_words(class)));
    }
    Ok(())
}

fn parse(keep: &str) -> Result<RetentionKeep, Failure> {
    match keep {
        "default" => Ok(RetentionKeep::Default),
        "forever" => Ok(RetentionKeep::Forever),
        days => days.parse().map(RetentionKeep::Days).map_err(|_| {
            Failure::new(format!("anserd: {days:?} is no number of days; it may also be \"forever\" or \"default\""))
        }),
    }
}

fn in_words(shown: &ClassRetentionShown) -> String {
    let ClassRetentionShown { class, days, is_own, oldest_ms } = shown;
    let kept = match days {
        Some(1) => "1 day".to_owned(),
        Some(days) => format!("{days} days"),
        None => "for ever".to_owned(),
    };
    let origin = if *is_own { "set for this app" } else { "the daemon's setting" };
    let oldest = match oldest_ms {
        Some(at_ms) => format!("the oldest record is of {} UTC", Written(*at_ms, TimeZone::UTC)),
        None => "there is no record".to_owned(),
    };
    format!("{class:<4}  {kept} ({origin}); {oldest}")
}
