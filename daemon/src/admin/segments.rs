//! What the admin socket is asked about segments.

use anser_storage::Segment;
use anser_storage::command::{Command, SegmentCommand};
use anser_storage::ids::{AppNumber, SegmentId};
use anser_storage::outcome::{Answer, Refusal};

use super::server::{APP_NAME_BYTES_MAX, find, unavailable};
use super::{Reply, SegmentShown};
use crate::context::Shared;
use crate::segment_rule;

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
