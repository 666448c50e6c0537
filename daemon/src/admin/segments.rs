//! What the admin socket is asked about segments, and about what devices of an app tell of themselves.

use std::collections::BTreeMap;

use anser_protocol::traits::TraitKind;
use anser_storage::command::{Command, SegmentCommand};
use anser_storage::ids::{AppNumber, SegmentId};
use anser_storage::outcome::{Answer, Refusal};
use anser_storage::{Presence, Present, Segment, Use};

use super::server::{APP_NAME_BYTES_MAX, find, unavailable};
use super::{DaysShown, Reply, SegmentShown, StatsShown, ValueShown};
use crate::clock::now_ms;
use crate::context::Shared;
use crate::segment_rule;

const HOUR_MS: u64 = 3_600_000;
/// Values of a trait that are listed; the rest are added up.
const VALUES_SHOWN: usize = 50;

pub async fn create(context: &Shared, app: &str, name: String, rule: &str) -> Result<Reply, String> {
    if name.is_empty() || name.len() > APP_NAME_BYTES_MAX || name.chars().any(char::is_control) {
        return Err("the name has 1 to 64 bytes and no control characters".to_owned());
    }
    let conditions = segment_rule::parse(rule)?;
    let (number, _) = find(context, app).await?;
    match submit(context, SegmentCommand::Create { app: number, name, conditions }).await? {
        Answer::Segment(segment) => show(context, app, &segment.0.to_string()).await,
        other => Err(format!("the store answered something else: {other:?}")),
    }
}

pub async fn list(context: &Shared, app: &str) -> Result<Reply, String> {
    let (number, _) = find(context, app).await?;
    let segments = context.ledger.read(move |snapshot| snapshot.segments(number)).await.map_err(unavailable)?;
    Ok(Reply::Segments(segments.into_iter().map(|(id, segment)| shown(id, &segment)).collect()))
}

pub async fn show(context: &Shared, app: &str, segment: &str) -> Result<Reply, String> {
    let (number, _) = find(context, app).await?;
    let (id, row) = find_segment(context, number, segment).await?;
    Ok(Reply::Segment(shown(id, &row)))
}

pub async fn delete(context: &Shared, app: &str, segment: &str) -> Result<Reply, String> {
    let (number, _) = find(context, app).await?;
    let (id, row) = find_segment(context, number, segment).await?;
    submit(context, SegmentCommand::Delete { app: number, segment: id }).await?;
    Ok(Reply::Segment(shown(id, &row)))
}

pub async fn stats(context: &Shared, app: &str) -> Result<Reply, String> {
    let (number, _) = find(context, app).await?;
    let mut traits = BTreeMap::new();
    for kind in TraitKind::ALL {
        let counts = context.ledger.read(move |snapshot| snapshot.trait_counts(number, kind)).await;
        traits.insert(kind.name().to_owned(), values(counts.map_err(unavailable)?));
    }
    let mut days = Vec::new();
    for count in [1, 7, 30] {
        let new = present(context, number, Presence::New, count).await?;
        let online = present(context, number, Presence::Online, count).await?;
        let active = present(context, number, Presence::Active, count).await?;
        let used = used(context, number, count).await?;
        days.push(DaysShown { days: count, new, online, active, opens: used.opens, seconds: used.seconds });
    }
    Ok(Reply::Stats(StatsShown { days, traits }))
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

/// Devices of the last days, the hour that has begun included; a day at a time.
async fn present(context: &Shared, app: AppNumber, what: Presence, days: u32) -> Result<u64, String> {
    let end = u32::try_from(now_ms() / HOUR_MS).unwrap_or(u32::MAX).saturating_add(1);
    let mut present = Present::default();
    for first in (end.saturating_sub(days * 24)..end).step_by(24) {
        let before = present;
        let read = context.ledger.read(move |snapshot| {
            let mut present = before.clone();
            snapshot.add_present(app, what, first..end.min(first + 24), &mut present)?;
            Ok(present)
        });
        present = read.await.map_err(unavailable)?;
    }
    Ok(present.counts().into_iter().map(|(_, count)| count).sum())
}

async fn used(context: &Shared, app: AppNumber, days: u32) -> Result<Use, String> {
    let end = u32::try_from(now_ms() / HOUR_MS).unwrap_or(u32::MAX).saturating_add(1);
    let hours = end.saturating_sub(days * 24)..end;
    let uses = context.ledger.read(move |snapshot| snapshot.uses(app, hours.clone())).await.map_err(unavailable)?;
    Ok(uses.into_values().fold(Use::default(), Use::plus))
}

async fn find_segment(context: &Shared, app: AppNumber, segment: &str) -> Result<(SegmentId, Segment), String> {
    let unknown = || format!("the app has no segment {segment:?}; `anserd segment list` shows all");
    let id = SegmentId(segment.parse().map_err(|_| unknown())?);
    let found = context.ledger.read(move |snapshot| snapshot.segment(app, id)).await.map_err(unavailable)?;
    Ok((id, found.ok_or_else(unknown)?))
}

async fn submit(context: &Shared, command: SegmentCommand) -> Result<Answer, String> {
    let outcome = context.ledger.submit(Command::Segment(command)).await.map_err(unavailable)?;
    outcome.answer.map_err(|refusal| match refusal {
        Refusal::AppUnknown => "there is no such app any more".to_owned(),
        Refusal::SegmentUnknown => "it does not exist any more".to_owned(),
        Refusal::TooManySegments => "the app has 1000 segments already; delete some first".to_owned(),
        other => format!("the store refused it: {other:?}; the daemon's log may say more"),
    })
}

fn shown(id: SegmentId, segment: &Segment) -> SegmentShown {
    SegmentShown {
        id: id.0.to_string(),
        name: segment.name.clone(),
        rule: segment_rule::shown(&segment.conditions),
        created_ms: segment.created_ms,
    }
}
