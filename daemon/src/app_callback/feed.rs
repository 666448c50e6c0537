//! What an app's server can be told of, and how far it has been.

use std::cmp::max;

use anser_protocol::ids::{Position, TimeMs};
use anser_storage::command::{Command, EventFamilies, ToldCommand};
use anser_storage::ids::AppNumber;
use anser_storage::outcome::Answer;
use anser_storage::{App, Messages, ReadError, Snapshot};
use serde_json::{Value, json};

use super::event;
use crate::context::Context;
use crate::ledger::Unavailable;
use crate::rest::written_message;

/// In one request.
const ITEMS_MAX: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feed {
    Messages,
    Events,
}

/// Where an app's server stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub next: Position,
    /// The store does not know of it yet, or of something else.
    pub is_new: bool,
}

/// The next thing to tell.
pub struct Page {
    /// Nothing when all that was looked at is not wanted.
    pub letter: Option<Value>,
    pub items: usize,
    pub next: Position,
    pub is_more: bool,
}

impl Feed {
    pub const ALL: [Self; 2] = [Self::Messages, Self::Events];

    /// As settings, logs and the status call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Messages => "message_callback",
            Self::Events => "event_callback",
        }
    }

    /// Says that a server can be reached, and tells it nothing.
    pub fn empty(self) -> Value {
        match self {
            Self::Messages => json!({"total": 0, "messages": []}),
            Self::Events => json!({"total": 0, "events": []}),
        }
    }

    /// Where the app's server stands; in an app that was not told of anything before, at what came since `started_ms`, or of
    /// events at the end.
    pub fn place(
        self,
        snapshot: &Snapshot,
        app: AppNumber,
        started_ms: TimeMs,
        families: EventFamilies,
    ) -> Result<Place, ReadError> {
        Ok(match self {
            Self::Messages => match snapshot.told_up_to(app)? {
                Some(next) => Place { next, is_new: false },
                None => Place { next: snapshot.positions_between(app, started_ms..TimeMs::MAX)?.start, is_new: true },
            },
            Self::Events => match snapshot.events_told_up_to(app)? {
                Some((next, wanted)) => Place { next, is_new: wanted != families },
                None => Place { next: behind(snapshot), is_new: true },
            },
        })
    }

    /// Up to where nothing is to be told; nothing when there may be something behind the place.
    pub fn quiet_up_to(
        self,
        snapshot: &Snapshot,
        app: AppNumber,
        next: Position,
        families: EventFamilies,
    ) -> Result<Option<Position>, ReadError> {
        let range = next..behind(snapshot);
        let has_news = match self {
            Self::Messages => {
                let ahead = snapshot.find_messages(app, Messages::All, range, 1)?;
                !ahead.positions.is_empty() || ahead.next.is_some()
            }
            Self::Events => {
                let ahead = snapshot.find_events(app, families, range, 1)?;
                !ahead.events.is_empty() || ahead.is_more
            }
        };
        Ok((!has_news).then(|| behind(snapshot)))
    }

    /// Tells the store that the app's server is told from here on.
    pub async fn begin(self, context: &Context, app: AppNumber, app_key: &str, next: Position) -> Told {
        note(
            context,
            match self {
                Self::Messages => ToldCommand::Advance { app, next },
                Self::Events => ToldCommand::FollowEvents { app, families: context.app_servers.families(app_key) },
            },
        )
        .await
    }

    pub async fn advance(self, context: &Context, app: AppNumber, next: Position) -> Told {
        note(
            context,
            match self {
                Self::Messages => ToldCommand::Advance { app, next },
                Self::Events => ToldCommand::AdvanceEvents { app, next },
            },
        )
        .await
    }

    /// What would be told again after a pause of months would surprise everybody.
    pub async fn forget_untold(self, context: &Context) -> Told {
        for (number, app) in context.ledger.read(|snapshot| snapshot.apps()).await? {
            if context.app_servers.is_told(self, &app.app_key) {
                continue;
            }
            let is_known = context.ledger.read(move |snapshot| match self {
                Self::Messages => Ok(snapshot.told_up_to(number)?.is_some()),
                Self::Events => Ok(snapshot.events_told_up_to(number)?.is_some()),
            });
            if is_known.await? {
                note(
                    context,
                    match self {
                        Self::Messages => ToldCommand::Forget { app: number },
                        Self::Events => ToldCommand::ForgetEvents { app: number },
                    },
                )
                .await?;
            }
        }
        Ok(())
    }

    /// What comes behind `next`, without what is older than `oldest_ms`.
    pub async fn page(
        self,
        context: &Context,
        app: (AppNumber, &App),
        next: Position,
        oldest_ms: TimeMs,
    ) -> Result<Page, Unavailable> {
        match self {
            Self::Messages => messages(context, app, next, oldest_ms).await,
            Self::Events => events(context, app, next, oldest_ms).await,
        }
    }
}

type Told = Result<(), Unavailable>;

async fn messages(
    context: &Context,
    (number, app): (AppNumber, &App),
    next: Position,
    oldest_ms: TimeMs,
) -> Result<Page, Unavailable> {
    let found = context.ledger.read(move |snapshot| {
        let oldest = snapshot.positions_between(number, oldest_ms..TimeMs::MAX)?.start;
        let from = max(next, oldest);
        let found = snapshot.find_messages(number, Messages::All, from..behind(snapshot), ITEMS_MAX)?;
        let messages = snapshot.report_messages(number, &found.positions)?;
        let last = found.positions.last().map(|last| Position(last.0 + 1));
        Ok((messages, found.next.or(last).unwrap_or(from), found.next.is_some()))
    });
    let (messages, next, is_more) = found.await?;
    let rest_sent = context.app_servers.wants_rest_sent(&app.app_key);
    // What this server sent itself it may not want to hear of.
    let wanted = messages.iter().filter(|message| rest_sent || message.platform.is_some());
    let rows: Vec<Value> = wanted.map(|message| written_message(message, &app.app_key)).collect();
    Ok(Page { items: rows.len(), letter: letter("messages", rows), next, is_more })
}

async fn events(
    context: &Context,
    (number, app): (AppNumber, &App),
    next: Position,
    oldest_ms: TimeMs,
) -> Result<Page, Unavailable> {
    let families = context.app_servers.families(&app.app_key);
    let found = context
        .ledger
        .read(move |snapshot| snapshot.find_events(number, families, next..behind(snapshot), ITEMS_MAX))
        .await?;
    let wanted = found.events.iter().filter(|event| event.at_ms >= oldest_ms);
    let rows: Vec<Value> = wanted.map(|told| event::written(told, &app.app_key)).collect();
    Ok(Page { items: rows.len(), letter: letter("events", rows), next: found.next, is_more: found.is_more })
}

fn letter(name: &str, rows: Vec<Value>) -> Option<Value> {
    (!rows.is_empty()).then(|| json!({"total": rows.len(), name: rows}))
}

fn behind(snapshot: &Snapshot) -> Position {
    Position(snapshot.end().0 + 1)
}

/// Until the store has nothing left to clear away for it.
async fn note(context: &Context, command: ToldCommand) -> Told {
    loop {
        // The app may be gone by now.
        let outcome = context.ledger.submit(Command::Told(command)).await?;
        if outcome.answer != Ok(Answer::Continue) {
            return Ok(());
        }
    }
}
