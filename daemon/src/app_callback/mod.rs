//! The job that tells app servers of accepted messages (`[[message_callback]]`) and of what else happens
//! (`[[event_callback]]`).
//!
//! It follows the log behind a position that is kept in the store for each app and feed, so a restart changes nothing and no
//! message has a row of its own; events that the log does not tell of are put down by the store while a server wants to hear
//! of them. A crash between a server's answer and our noting it tells the same once more: `msgid` names a message,
//! `event_id` an event. What an app's server is told of comes in the order of the log, one request after the other, and
//! every app and feed by itself: a server in trouble delays nobody else.

mod event;
mod feed;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anser_protocol::ids::{Position, TimeMs};
use anser_storage::App;
use anser_storage::ids::AppNumber;
use tokio::task::JoinSet;

pub use self::feed::Feed;
use crate::bridge::app_server::Signer;
use crate::clock::now_ms;
use crate::context::{Context, Shared};
use crate::keys;
use crate::ledger::Unavailable;

/// How late something may come to be told.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// What is older is given up.
const WAITING_MS_MAX: TimeMs = 24 * 3600 * 1000;
/// After the first failure; then twice as long each time.
const PAUSE_MS_MIN: TimeMs = 1000;
const PAUSE_MS_MAX: TimeMs = 10 * 60 * 1000;

/// Runs until the daemon stops; messages since `started_ms` are told of apps that were not told of any before.
pub async fn run(context: Shared, feed: Feed, started_ms: TimeMs) {
    let mut shutdown = context.shutdown.clone();
    let (looked_at, lines, under_way) = (Position::START, BTreeMap::new(), JoinSet::new());
    let mut teller = Teller { feed, started_ms, looked_at, lines, under_way };
    if let Err(error) = feed.forget_untold(&context).await {
        log::warn!("apps that have no {} any more could not be forgotten: {error}", feed.name());
    }
    if !context.app_servers.tells_anybody(feed) {
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
            log::warn!("app servers could not be told by {}, it is tried again soon: {error}", feed.name());
        }
    }
}

/// From its first moment on, so that its first users are told of.
pub async fn begin_for_new_app(context: &Context, app: AppNumber, app_key: &str) {
    if context.app_servers.is_told(Feed::Events, app_key)
        && let Err(error) = Feed::Events.begin(context, app, app_key, Position::START).await
    {
        log::warn!(app_number = app.0; "the server of a new app is told of events a moment later: {error}");
    }
}

struct Teller {
    feed: Feed,
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
    /// Below this there is nothing to tell.
    quiet_up_to: Position,
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
        let feed = self.feed;
        let end = context.ledger.read(|snapshot| Ok(snapshot.end())).await?;
        let is_waiting = self.lines.values().any(|line| line.failures > 0);
        if end == self.looked_at && !is_waiting {
            return Ok(());
        }
        let mut apps = context.ledger.read(|snapshot| snapshot.apps()).await?;
        apps.retain(|(_, app)| context.app_servers.is_told(feed, &app.app_key));
        self.lines.retain(|number, line| line.is_busy || apps.iter().any(|(living, _)| living == number));
        apps.retain(|(number, _)| {
            self.lines.get(number).is_none_or(|line| !line.is_busy && line.paused_until_ms <= now_ms)
        });
        for (number, app, next) in self.with_news(context, apps).await? {
            self.lines.entry(number).or_default().is_busy = true;
            let context = Arc::clone(context);
            self.under_way.spawn(async move {
                let end = tell(&context, feed, (number, &app), next).await;
                (number, end.unwrap_or_else(|error| End::Later { why: error.to_string(), after: None }))
            });
        }
        self.looked_at = end;
        Ok(())
    }

    /// The apps that have something new, and where it begins.
    async fn with_news(
        &mut self,
        context: &Context,
        apps: Vec<(AppNumber, App)>,
    ) -> Result<Vec<(AppNumber, App, Position)>, Unavailable> {
        let (feed, started_ms) = (self.feed, self.started_ms);
        let wanted: Vec<_> = apps
            .into_iter()
            .map(|(number, app)| {
                let families = context.app_servers.families(&app.app_key);
                let quiet_up_to = self.lines.get(&number).map_or(Position::START, |line| line.quiet_up_to);
                (number, app, families, quiet_up_to)
            })
            .collect();
        let found = context.ledger.read(move |snapshot| {
            let mut found = Vec::new();
            for (number, app, families, quiet_up_to) in &wanted {
                let place = feed.place(snapshot, *number, started_ms, *families)?;
                let next = place.next.max(*quiet_up_to);
                found.push((*number, app.clone(), place, feed.quiet_up_to(snapshot, *number, next, *families)?));
            }
            Ok(found)
        });
        let mut with_news = Vec::new();
        for (app, row, place, quiet_up_to) in found.await? {
            if place.is_new {
                feed.begin(context, app, &row.app_key, place.next).await?;
            }
            match quiet_up_to {
                Some(position) => self.lines.entry(app).or_default().quiet_up_to = position,
                None => with_news.push((app, row, place.next)),
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
                log::info!(app_number = app.0, pause_ms; "an app server was not told by {}: {why}", self.feed.name());
                let failures = line.failures.saturating_add(1);
                *line = Line { failures, paused_until_ms: now_ms + pause_ms, ..Line::default() };
            }
        }
    }
}

/// Tells one letter after the other until there is nothing new, or one was not heard.
async fn tell(
    context: &Context,
    feed: Feed,
    (number, app): (AppNumber, &App),
    mut next: Position,
) -> Result<End, Unavailable> {
    loop {
        let page = feed.page(context, (number, app), next, now_ms().saturating_sub(WAITING_MS_MAX)).await?;
        if page.next <= next {
            return Ok(End::Done);
        }
        if let Some(letter) = page.letter {
            let signer = Signer { app_key: &app.app_key, master_secret: &app.master_secret };
            if let Err((why, after)) = context.app_servers.tell(feed, signer, &letter, page.items).await {
                return Ok(End::Later { why, after });
            }
        }
        feed.advance(context, number, page.next).await?;
        next = page.next;
        if !page.is_more {
            return Ok(End::Done);
        }
    }
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
