//! A search of messages: newest first, over all chats of an app, or of one user, group or room.

use std::ops::Range;

use anser_protocol::content::ContentKind;
use anser_protocol::ids::{Position, TimeMs};
use anser_storage::command::Amended;
use anser_storage::ids::AppNumber;
use anser_storage::{Messages, ReadError, ReportMessage, ReportTarget, Snapshot};
use serde_json::{Value, json};

use super::call::{Answered, Call};
use super::fault::Fault;
use crate::clock::now_ms;
use crate::rest::{kind_of, written_message};

/// Where the search begins unless it is said.
const DAYS_BACK_MS: TimeMs = 7 * 24 * 3600 * 1000;
/// Positions that one call looks at; a search goes on with the next.
const STRETCH: u64 = 20_000;
const STRETCHES_MAX: usize = 8;

/// What is looked for.
struct Wanted {
    user: Option<String>,
    peer: Option<String>,
    to: Option<ReportTarget>,
    kind: Option<ContentKind>,
    text: Option<String>,
}

impl Wanted {
    fn of(call: &Call) -> Result<Self, Fault> {
        let number = |name: &str| -> Result<Option<u32>, Fault> {
            let number = call.number(name)?.map(u32::try_from).transpose();
            number.map_err(|_| Fault::invalid(format!("{name} is an id")))
        };
        let group = number("group")?.map(|id| ReportTarget::Group(anser_protocol::ids::GroupId(id)));
        let room = number("room")?.map(|id| ReportTarget::Room(anser_protocol::ids::RoomId(id)));
        let kind = call.query("type").map(|name| {
            kind_of(&name).ok_or_else(|| Fault::invalid("type is text, image, voice, file, video, location or custom"))
        });
        let kind = kind.transpose()?;
        let text = call.query("q").map(|text| text.to_lowercase());
        Ok(Self { user: call.query("user"), peer: call.query("peer"), to: group.or(room), kind, text })
    }

    fn has(&self, message: &ReportMessage) -> bool {
        let is_party =
            |name: &str| message.from.username == name || matches!(&message.to, ReportTarget::User(to) if to == name);
        self.user.as_deref().is_none_or(is_party)
            && self.peer.as_deref().is_none_or(|name| matches!(message.to, ReportTarget::User(_)) && is_party(name))
            && self.to.as_ref().is_none_or(|to| *to == message.to)
            && self.kind.is_none_or(|kind| kind == message.content.kind)
            && self.text.as_ref().is_none_or(|text| {
                String::from_utf8_lossy(&message.content.body).to_lowercase().contains(text.as_str())
            })
    }
}

/// `GET /apps/{app_key}/messages`
pub async fn search(call: Call) -> Answered {
    let (app, app_key, limit) = (call.app()?, call.app_key()?, call.limit()?);
    if let Some(position) = call.number("msg_id")?.map(Position) {
        let found = shown(&call, app, &app_key, vec![position]).await?;
        return Ok(json!({"messages": found}).into());
    }
    let wanted = Wanted::of(&call)?;
    let from_ms = call.number("from_ms")?.unwrap_or_else(|| now_ms().saturating_sub(DAYS_BACK_MS));
    let to_ms = call.number("to_ms")?.unwrap_or(u64::MAX);
    if from_ms >= to_ms {
        return Err(Fault::invalid("from_ms is before to_ms"));
    }
    let range = call.context.ledger.read(move |snapshot| snapshot.positions_between(app, from_ms..to_ms)).await?;
    let mut end = call.number("after")?.map_or(range.end, Position).min(range.end);
    let wanted = std::sync::Arc::new(wanted);
    let mut found: Vec<Position> = Vec::new();
    for _ in 0..STRETCHES_MAX {
        if end <= range.start || found.len() >= limit {
            break;
        }
        let begin = Position(end.0.saturating_sub(STRETCH)).max(range.start);
        let (stretch, wanted) = (begin..end, wanted.clone());
        found.extend(call.context.ledger.read(move |snapshot| within(snapshot, app, &stretch, &wanted)).await?);
        end = begin;
    }
    let next = if found.len() > limit {
        found.truncate(limit);
        found.last().copied()
    } else {
        (end > range.start).then_some(end)
    };
    let messages = shown(&call, app, &app_key, found).await?;
    Ok(json!({"messages": messages, "next": next.map(|next| next.0.to_string())}).into())
}

/// What a stretch of the log has of it, the newest first.
fn within(
    snapshot: &Snapshot,
    app: AppNumber,
    stretch: &Range<Position>,
    wanted: &Wanted,
) -> Result<Vec<Position>, ReadError> {
    let mut positions = Vec::new();
    let mut next = Some(stretch.start);
    while let Some(from) = next {
        let found = snapshot.find_messages(app, Messages::All, from..stretch.end, usize::MAX)?;
        positions.extend(found.positions);
        next = found.next;
    }
    let mut kept: Vec<Position> = snapshot
        .report_messages(app, &positions)?
        .into_iter()
        .filter(|message| wanted.has(message))
        .map(|message| message.position)
        .collect();
    kept.reverse();
    Ok(kept)
}

async fn shown(call: &Call, app: AppNumber, app_key: &str, positions: Vec<Position>) -> Result<Vec<Value>, Fault> {
    let app_key = app_key.to_owned();
    let read = call.context.ledger.read(move |snapshot| {
        let mut shown = Vec::with_capacity(positions.len());
        for message in snapshot.report_messages(app, &positions)? {
            let mut value = written_message(&message, &app_key);
            value["msg_id"] = message.position.0.to_string().into();
            value["amended"] = match snapshot.amended(app, message.position)? {
                None => Value::Null,
                Some(Amended::Retracted) => "retracted".into(),
                Some(Amended::Edited(_)) => "edited".into(),
                Some(Amended::Erased) => "erased".into(),
            };
            shown.push(value);
        }
        Ok(shown)
    });
    Ok(read.await?)
}
