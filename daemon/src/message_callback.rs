//! The job that tells app servers of accepted messages (`[[message_callback]]`).
//!
//! It follows the log behind a position that is kept in the store for each app, so a restart changes nothing and no message
//! has a row of its own. A crash between a server's answer and our noting it tells the same once more: `msgid` names a
//! message. Messages of an app are told in the order of the log, one request after the other, and every app by itself: a
//! server in trouble delays nobody else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anser_protocol::ids::{Position, TimeMs};
use anser_storage::command::{Command, ToldCommand};
use anser_storage::ids::AppNumber;
use anser_storage::{App, Messages, ReportMessage};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::bridge::app_server::Signer;
use crate::clock::now_ms;
use crate::context::{Context, Shared};
use crate::keys;
use crate::ledger::Unavailable;
use crate::rest::written_message;

/// How late a message may come to be told.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// In one request.
const MESSAGES_MAX: usize = 100;
/// An older message is given up.
const WAITING_MS_MAX: TimeMs = 24 * 3600 * 1000;
/// After the first failure; then twice as long each time.
const PAUSE_MS_MIN: TimeMs = 1000;
const PAUSE_MS_MAX: TimeMs = 10 * 60 * 1000;

/// Runs until the daemon stops; messages since `started_ms` are told of apps that were not told of any before.
pub async fn run(context: Shared, started_ms: TimeMs) {
    let mut shutdown = context.shutdown.clone();
    let mut teller =
        Teller { started_ms, looked_at: Position::START, lines: BTreeMap::new(), under_way: JoinSet::new() };
    if let Err(error) = forget_untold(&context).await {
        log::warn!("apps that have no message callback any more could not be forgotten: {error}");
    }
    if !context.app_servers.tells_anybody() {
        return;
    }
    loop {
        tokio::select! {
            () = shutdown.begun() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
            Some(ended) = teller.under_way.join_next() => {
                if let Ok((app, end)) = ended {
                    teller.note(app, end, now_ms());
                }
                continue;
            }
        }
        if let Err(error) = teller.look(&context, now_ms()).await {
            log::warn!("app servers could not be told of messages, it is tried again soon: {error}");
        }
    }
}

/// What is told again after a pause of months would surprise everybody.
async fn forget_untold(context: &Context) -> Result<(), Unavailable> {
    for (number, app) in context.ledger.read(|snapshot| snapshot.apps()).await? {
        let is_told = context.app_servers.callback(&app.app_key).is_some();
        if !is_told && context.ledger.read(move |snapshot| snapshot.told_up_to(number)).await?.is_some() {
            note(context, ToldCommand::Forget { app: number }).await?;
        }
    }
    Ok(())
}

struct Teller {
    started_ms: TimeMs,
    /// The end of the log when it was looked at last.
    looked_at: Position,
    lines: BTreeMap<AppNumber, Line>,
    under_way: JoinSet<(AppNumber, End)>,
}

/// How it stands with one app's server.
#[derive(Default)]
struct Line {
    is_busy: bool,
    failures: u32,
    paused_until_ms: TimeMs,
}

/// Why the telling of an app ended.
enum End {
    /// Everything was told.
    Done,
    Later {
        why: String,
        after: Option<Duration>,
    },
}

impl Teller {
    /// Begins to tell the servers of apps that have something new.
    async fn look(&mut self, context: &Shared, now_ms: TimeMs) -> Result<(), Unavailable> {
        let end = context.ledger.read(|snapshot| Ok(snapshot.end())).await?;
        let is_waiting = self.lines.values().any(|line| line.failures > 0);
        if end == self.looked_at && !is_waiting {
            return Ok(());
        }
        let mut apps = context.ledger.read(|snapshot| snapshot.apps()).await?;
        apps.retain(|(_, app)| context.app_servers.callback(&app.app_key).is_some());
        self.lines.retain(|number, line| line.is_busy || apps.iter().any(|(living, _)| living == number));
        apps.retain(|(number, _)| {
            self.lines.get(number).is_none_or(|line| !line.is_busy && line.paused_until_ms <= now_ms)
        });
        for (number, app, next) in self.with_news(context, apps).await? {
            self.lines.entry(number).or_default().is_busy = true;
            let context = Arc::clone(context);
            self.under_way.spawn(async move {
                let end = tell(&context, number, &app, next).await;
                (number, end.unwrap_or_else(|error| End::Later { why: error.to_string(), after: None }))
            });
        }
        self.looked_at = end;
        Ok(())
    }

    /// The apps that have something new, and where it begins.
    async fn with_news(
        &self,
        context: &Context,
        apps: Vec<(AppNumber, App)>,
    ) -> Result<Vec<(AppNumber, App, Position)>, Unavailable> {
        let started_ms = self.started_ms;
        let found = context.ledger.read(move |snapshot| {
            let mut found = Vec::new();
            for (number, app) in &apps {
                let told = snapshot.told_up_to(*number)?;
                let next = match told {
                    Some(next) => next,
                    None => snapshot.positions_between(*number, started_ms..TimeMs::MAX)?.start,
                };
                let ahead = snapshot.find_messages(*number, Messages::All, next..end(snapshot), 1)?;
                let is_more = !ahead.positions.is_empty() || ahead.next.is_some();
                if told.is_none() || is_more {
                    found.push((*number, app.clone(), next, told.is_none(), is_more));
                }
            }
            Ok(found)
        });
        let mut with_news = Vec::new();
        for (app, row, next, is_first, is_more) in found.await? {
            if is_first {
                note(context, ToldCommand::Advance { app, next }).await?;
            }
            if is_more {
                with_news.push((app, row, next));
            }
        }
        Ok(with_news)
    }

    fn note(&mut self, app: AppNumber, end: End, now_ms: TimeMs) {
        // What came while it was busy was passed over.
        self.looked_at = Position::START;
        let line = self.lines.entry(app).or_default();
        match end {
            End::Done => *line = Line::default(),
            End::Later { why, after } => {
                let pause_ms = pause_ms(line.failures, after, u64::from_le_bytes(keys::random()));
                log::info!(app = app.0, pause_ms; "an app server was not told of messages: {why}");
                let failures = line.failures.saturating_add(1);
                *line = Line { is_busy: false, failures, paused_until_ms: now_ms + pause_ms };
            }
        }
    }
}

fn end(snapshot: &anser_storage::Snapshot) -> Position {
    Position(snapshot.end().0 + 1)
}

/// Tells one letter after the other until there is nothing new, or one was not heard.
async fn tell(context: &Context, number: AppNumber, app: &App, mut next: Position) -> Result<End, Unavailable> {
    loop {
        let given_up_ms = now_ms().saturating_sub(WAITING_MS_MAX);
        let found = context.ledger.read(move |snapshot| {
            let oldest = snapshot.positions_between(number, given_up_ms..TimeMs::MAX)?.start;
            let found = snapshot.find_messages(number, Messages::All, next.max(oldest)..end(snapshot), MESSAGES_MAX)?;
            let told = snapshot.report_messages(number, &found.positions)?;
            let last = found.positions.last().map(|last| Position(last.0 + 1));
            Ok((told, found.next.or(last).unwrap_or(next.max(oldest)), found.next.is_some()))
        });
        let (messages, behind, is_more) = found.await?;
        if behind <= next {
            return Ok(End::Done);
        }
        if let Some(letter) = letter(context, app, &messages) {
            let signer = Signer { app_key: &app.app_key, master_secret: &app.master_secret };
            if let Err((why, after)) = context.app_servers.tell(signer, &letter).await {
                return Ok(End::Later { why, after });
            }
        }
        note(context, ToldCommand::Advance { app: number, next: behind }).await?;
        next = behind;
        if !is_more {
            return Ok(End::Done);
        }
    }
}

/// Nothing when all of them are messages that this server sent itself and does not want to hear of.
fn letter(context: &Context, app: &App, messages: &[ReportMessage]) -> Option<Value> {
    let rest_sent = context.app_servers.callback(&app.app_key)?.rest_sent;
    let wanted = messages.iter().filter(|message| rest_sent || message.platform.is_some());
    let rows: Vec<Value> = wanted.map(|message| written_message(message, &app.app_key)).collect();
    (!rows.is_empty()).then(|| json!({"total": rows.len(), "messages": rows}))
}

async fn note(context: &Context, command: ToldCommand) -> Result<(), Unavailable> {
    // The app may be gone by now.
    context.ledger.submit(Command::Told(command)).await.map(drop)
}

/// Twice as long with each failure, and up to half of that more by chance; or as long as the server says.
fn pause_ms(failures: u32, after: Option<Duration>, random: u64) -> TimeMs {
    let doubled = PAUSE_MS_MIN.saturating_mul(1 << failures.min(20)).min(PAUSE_MS_MAX);
    let own = doubled + random % (doubled / 2);
    let asked = after.map_or(0, |after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
    own.max(asked.min(WAITING_MS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_from_a_second_to_ten_minutes_and_a_server_may_ask_for_more() {
        let least: Vec<TimeMs> = (0..11).map(|failures| pause_ms(failures, None, 0)).collect();
        assert_eq!(least[..3], [1000, 2000, 4000]);
        assert_eq!(least[9..], [512_000, 600_000]);
        assert_eq!(pause_ms(u32::MAX, None, 299_999), 899_999);
        assert_eq!(pause_ms(0, Some(Duration::from_secs(60)), 0), 60_000);
        assert_eq!(pause_ms(0, Some(Duration::MAX), 0), WAITING_MS_MAX);
    }
}
