//! What the admin socket is asked about an app's devices together: figures by the hour, day or month, and distributions.

use std::collections::BTreeMap;
use std::ops::Range;

use anser_protocol::content::Platform;
use anser_protocol::traits::TraitKind;
use anser_storage::ids::AppNumber;
use anser_storage::{Counted, HourSet, Presence, Present, Use};

use super::server::{find, unavailable};
use super::{ChatShown, PeriodShown, Reply, StatsAsked, StatsShown, ValueShown};
use crate::clock::now_ms;
use crate::context::Shared;
use crate::rest::period::Unit;

/// Values of a trait that are listed; the rest are added up.
const VALUES_SHOWN: usize = 50;
/// Hours that are read in one snapshot.
const SLICE_HOURS: u32 = 24;
/// Presence is kept for 63 days.
const HOURS_MAX: u32 = 7 * 24;
const DAYS_MAX: u32 = 60;
const MONTHS_MAX: u32 = 2;
/// Who came back so many days after the one on which they were new.
const RETENTION_DAYS: [i64; 3] = [1, 7, 30];

/// Which devices are looked at.
#[derive(Clone)]
struct Filter {
    app: AppNumber,
    platform: Option<Platform>,
    with: Option<(TraitKind, String)>,
}

pub async fn stats(context: &Shared, app: &str, asked: StatsAsked) -> Result<Reply, String> {
    let (number, _) = find(context, app).await?;
    let unit = Unit::from_name(&asked.by).ok_or("figures are by hour, day or month")?;
    let (default, most) = match unit {
        Unit::Hour => (24, HOURS_MAX),
        Unit::Day => (7, DAYS_MAX),
        Unit::Month => (MONTHS_MAX, MONTHS_MAX),
    };
    let last = asked.last.unwrap_or(default);
    if !(1..=most).contains(&last) {
        return Err(format!("by {}, figures reach back 1 to {most}", asked.by));
    }
    let filter = Filter { app: number, platform: platform(asked.platform)?, with: with(asked.with)? };
    let mut traits = BTreeMap::new();
    for kind in TraitKind::ALL {
        let counts = context.ledger.read(move |snapshot| snapshot.trait_counts(number, kind)).await;
        traits.insert(kind.name().to_owned(), values(counts.map_err(unavailable)?));
    }
    let (zone, now_ms) = (context.config.time_zone, now_ms());
    let newest = unit.of_ms(now_ms, zone);
    let mut periods = Vec::new();
    for ago in (0..i64::from(last)).rev() {
        let begin = unit.after(newest, -ago);
        let mut shown = period(context, &filter, unit.hours(begin, zone, now_ms)).await?;
        shown.begin = unit.written(begin);
        if unit == Unit::Day {
            let new = present(context, &filter, Presence::New, unit.hours(begin, zone, now_ms)).await?;
            for days in RETENTION_DAYS {
                let later = unit.after(begin, days);
                if later <= newest {
                    let mut back = present(context, &filter, Presence::Online, unit.hours(later, zone, now_ms)).await?;
                    back.intersect(&new);
                    shown.back_after.insert(days.unsigned_abs() as u32, count(&back));
                }
            }
        }
        periods.push(shown);
    }
    Ok(Reply::Stats(StatsShown { periods, traits }))
}

fn platform(name: Option<String>) -> Result<Option<Platform>, String> {
    let Some(name) = name else { return Ok(None) };
    let known = Platform::from_name(&name);
    let names = Platform::NAMES.map(|(_, name)| name).join(", ");
    known.map(Some).ok_or_else(|| format!("there is no platform {name:?}; there are {names}"))
}

/// `model=Pixel 9`
fn with(text: Option<String>) -> Result<Option<(TraitKind, String)>, String> {
    let Some(text) = text else { return Ok(None) };
    let split = text.split_once('=').and_then(|(name, value)| {
        let kind = TraitKind::ALL.into_iter().find(|kind| kind.name() == name.trim())?;
        Some((kind, value.to_owned())).filter(|(_, value)| !value.is_empty())
    });
    let names = TraitKind::ALL.map(TraitKind::name).join(", ");
    split.map(Some).ok_or_else(|| format!("{text:?} must be NAME=VALUE, NAME one of {names}"))
}

/// Without its beginning and who came back.
async fn period(context: &Shared, filter: &Filter, hours: Range<u32>) -> Result<PeriodShown, String> {
    let app = filter.app;
    let asked = hours.clone();
    let uses = context.ledger.read(move |snapshot| snapshot.uses(app, asked.clone())).await.map_err(unavailable)?;
    let is_meant = |platform: &Platform| filter.platform.is_none_or(|only| only == *platform);
    let used = uses.into_iter().filter(|(platform, _)| is_meant(platform)).map(|(_, used)| used);
    let used = used.fold(Use::default(), Use::plus);
    let asked = hours.clone();
    let counts = context.ledger.read(move |snapshot| snapshot.counts_of_pushes(app, asked.clone())).await;
    let counts = counts.map_err(unavailable)?;
    // Counts are kept by platform, and pushes are of none.
    let of_all = filter.with.is_none();
    let counted = |what: Counted| {
        let of_it = counts
            .iter()
            .filter(|((_, counted, platform), _)| *counted == what && (what == Counted::Sent || is_meant(platform)));
        let is_known = of_all && (what != Counted::Sent || filter.platform.is_none());
        is_known.then(|| of_it.map(|(_, count)| count).sum::<u64>())
    };
    let chat = match of_all && filter.platform.is_none() {
        true => Some(chat(context, app, hours.clone()).await?),
        false => None,
    };
    Ok(PeriodShown {
        begin: String::new(),
        new: count(&present(context, filter, Presence::New, hours.clone()).await?),
        online: count(&present(context, filter, Presence::Online, hours.clone()).await?),
        active: count(&present(context, filter, Presence::Active, hours).await?),
        opens: of_all.then_some(used.opens),
        seconds: of_all.then_some(used.seconds),
        pushes: counted(Counted::Sent),
        received: counted(Counted::Received),
        shown: counted(Counted::Shown),
        clicked: counted(Counted::Clicked),
        bridged: counted(Counted::Bridged),
        texted: counted(Counted::Texted),
        back_after: BTreeMap::new(),
        chat,
    })
}

async fn chat(context: &Shared, app: AppNumber, hours: Range<u32>) -> Result<ChatShown, String> {
    let read = context.ledger.read(move |snapshot| {
        let counts = snapshot.hour_counts(app, hours.clone())?;
        let in_set = |set| snapshot.count_in_hours(app, set, hours.clone());
        Ok(ChatShown {
            new_users: counts.new_users,
            active_users: in_set(HourSet::LoggedIn)?,
            senders: in_set(HourSet::Senders)?,
            single_messages: counts.single.total(),
            group_messages: counts.group.total(),
            room_messages: counts.room,
            new_groups: counts.new_groups,
            active_groups: in_set(HourSet::ActiveGroups)?,
        })
    });
    read.await.map_err(unavailable)
}

fn count(present: &Present) -> u64 {
    present.counts().into_iter().map(|(_, count)| count).sum()
}

/// A day at a time.
async fn present(context: &Shared, filter: &Filter, what: Presence, hours: Range<u32>) -> Result<Present, String> {
    let mut present = Present::default();
    for first in hours.clone().step_by(SLICE_HOURS as usize) {
        let (before, app) = (present, filter.app);
        let end = hours.end.min(first.saturating_add(SLICE_HOURS));
        let read = context.ledger.read(move |snapshot| {
            let mut present = before.clone();
            snapshot.add_present(app, what, first..end, &mut present)?;
            Ok(present)
        });
        present = read.await.map_err(unavailable)?;
    }
    if let Some(platform) = filter.platform {
        present = present.of_platform(platform);
    }
    let Filter { app, with: Some((kind, value)), .. } = filter.clone() else { return Ok(present) };
    let read = context.ledger.read(move |snapshot| {
        let mut present = present.clone();
        snapshot.keep_with_trait(app, kind, &value, &mut present)?;
        Ok(present)
    });
    read.await.map_err(unavailable)
}

/// The most frequent; an empty value stands for all others.
fn values(counts: Vec<(String, u32)>) -> Vec<ValueShown> {
    let (named, other): (Vec<_>, Vec<_>) = counts.into_iter().partition(|(value, _)| !value.is_empty());
    let mut others: u64 = other.iter().map(|(_, devices)| u64::from(*devices)).sum();
    let mut shown = Vec::new();
    for (value, devices) in named {
        match shown.len() < VALUES_SHOWN {
            true => shown.push(ValueShown { value, devices: devices.into() }),
            false => others += u64::from(devices),
        }
    }
    if others > 0 {
        shown.push(ValueShown { value: String::new(), devices: others });
    }
    shown
}
