//! History: the messages of an app, a user, a group or a room.
//!
//! Version 2 reads a time of at most seven days page by page along a cursor; version 1 any time by offset. All bounds
//! are inclusive, and mean the server's zone.

mod find;
mod packed;
mod walks;

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use anser_protocol::ids::TimeMs;
use anser_storage::command::Class;
use anser_storage::ids::AppNumber;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{Response, StatusCode, Uri};
use serde_json::{Value, json};

use super::group::parse_gid;
use super::page::Page;
use super::room::parse_room_id;
use super::{field, invalid, refusal, report_message};
use crate::config::TimeZone;
use crate::context::{Context, Shared};
use crate::rest::access::Caller;
use crate::rest::family::Family;
use crate::rest::fault::{Fault, json_response};
use crate::rest::path::query_value;
use crate::rest::segment::Segment;
use crate::rest::wall_clock::WallTime;
use find::{Found, Set};

pub use walks::Walks;

const COUNT_MAX: usize = 1000;
const SPAN_S_MAX: i64 = 7 * 24 * 3600;
/// Official clients read it into 32 bits.
const TOTAL_MAX: u64 = i32::MAX as u64;

/// What the first request of a query asks for, in seconds on the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    count: usize,
    begin_s: i64,
    end_s: i64,
}

/// `GET /v2/messages`
pub async fn history(context: State<Shared>, caller: Extension<Caller>, uri: Uri) -> Result<Response<Body>, Fault> {
    let asked = Request::parse(&uri)?;
    show_page(&context, &caller, Set::App, asked).await
}

/// `GET /v2/users/{username}/messages`: sent by the user, or to the user in single chats.
pub async fn history_of_user(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
    uri: Uri,
) -> Result<Response<Body>, Fault> {
    field::path_name(&username, &context.config.users)?;
    let asked = Request::parse(&uri)?;
    let set = user(&context, caller.app, username, Filter { sent: true, received: true }).await?;
    show_page(&context, &caller, set, asked).await
}

/// `GET /v2/groups/{gid}/messages`
pub async fn history_of_group(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(gid): Segment,
    uri: Uri,
) -> Result<Response<Body>, Fault> {
    let (gid, asked) = (parse_gid(&gid), Request::parse(&uri)?);
    let set = group(&context, caller.app, gid?).await?;
    show_page(&context, &caller, set, asked).await
}

/// `GET /v2/chatrooms/{chatroomid}/messages`
pub async fn history_of_room(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(id): Segment,
    uri: Uri,
) -> Result<Response<Body>, Fault> {
    let is_number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    let asked = Request::parse(&uri)?;
    let id = is_number.then_some(id).ok_or_else(|| invalid("the room id must be a number"))?;
    let set = room(&context, caller.app, &id).await?;
    show_page(&context, &caller, set, asked).await
}

/// `GET /v1/messages`
pub async fn list(context: State<Shared>, caller: Extension<Caller>, uri: Uri) -> Result<Response<Body>, Fault> {
    let asked = Listing::parse(&uri)?;
    show_list(&context, &caller, Set::App, asked).await
}

/// `GET /v1/users/{username}/messages`, and `GET /v1/messages/users/{username}` with a filter.
pub async fn list_of_user(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
    uri: Uri,
) -> Result<Response<Body>, Fault> {
    field::path_name(&username, &context.config.users)?;
    let (asked, filter) = (Listing::parse(&uri)?, Filter::parse(&uri)?);
    let set = user(&context, caller.app, username, filter).await?;
    show_list(&context, &caller, set, asked).await
}

/// `GET /v1/messages/groups/{gid}`
pub async fn list_of_group(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(gid): Segment,
    uri: Uri,
) -> Result<Response<Body>, Fault> {
    let (gid, asked) = (parse_gid(&gid), Listing::parse(&uri)?);
    let set = group(&context, caller.app, gid?).await?;
    show_list(&context, &caller, set, asked).await
}

/// Whether what the user sent is wanted, or what the user was sent, or both.
#[derive(Clone, Copy)]
struct Filter {
    sent: bool,
    received: bool,
}

impl Filter {
    fn parse(uri: &Uri) -> Result<Self, Fault> {
        match query_value(uri, "filter").as_deref() {
            None => Ok(Self { sent: true, received: true }),
            Some("send") => Ok(Self { sent: true, received: false }),
            Some("rev") => Ok(Self { sent: false, received: true }),
            Some(_) => Err(invalid("filter must be send or rev")),
        }
    }
}

/// A request of version 2.
enum Request {
    First(Asked),
    /// With what it says of the first one again, which must be the same.
    Next {
        cursor: String,
        count: Option<usize>,
        begin_s: Option<i64>,
        end_s: Option<i64>,
    },
}

impl Request {
    fn parse(uri: &Uri) -> Result<Self, Fault> {
        let count = count(uri)?;
        let (begin_s, end_s) = (second(uri, "begin_time")?, second(uri, "end_time")?);
        if let Some(cursor) = query_value(uri, "cursor") {
            return Ok(Self::Next { cursor: cursor.into_owned(), count, begin_s, end_s });
        }
        let missing = |name: &str| invalid(format!("{name} is missing"));
        let asked = Asked {
            count: count.ok_or_else(|| missing("count"))?,
            begin_s: begin_s.ok_or_else(|| missing("begin_time"))?,
            end_s: end_s.ok_or_else(|| missing("end_time"))?,
        };
        match asked.end_s - asked.begin_s {
            ..0 => Err(invalid("begin_time must not be later than end_time")),
            0..=SPAN_S_MAX => Ok(Self::First(asked)),
            _ => Err(invalid("at most 7 days may lie between begin_time and end_time")),
        }
    }
}

/// A request of version 1.
struct Listing {
    page: Page,
    begin_s: Option<i64>,
    end_s: Option<i64>,
}

impl Listing {
    fn parse(uri: &Uri) -> Result<Self, Fault> {
        for name in ["start", "count"] {
            if query_value(uri, name).is_none() {
                return Err(invalid(format!("{name} is missing")));
            }
        }
        let page = Page::parse(uri, COUNT_MAX)?;
        let (begin_s, end_s) = (second(uri, "begin_time")?, second(uri, "end_time")?);
        if begin_s.zip(end_s).is_some_and(|(begin_s, end_s)| begin_s > end_s) {
            return Err(invalid("begin_time must not be later than end_time"));
        }
        Ok(Self { page, begin_s, end_s })
    }
}

fn count(uri: &Uri) -> Result<Option<usize>, Fault> {
    match query_value(uri, "count") {
        None => Ok(None),
        Some(text) => match text.trim().parse() {
            Ok(count) if (1..=COUNT_MAX).contains(&count) => Ok(Some(count)),
            _ => Err(invalid(format!("count must be 1 to {COUNT_MAX}"))),
        },
    }
}

fn second(uri: &Uri, name: &str) -> Result<Option<i64>, Fault> {
    match query_value(uri, name) {
        None => Ok(None),
        Some(text) => match WallTime::parse_second(text.trim()) {
            Some(second) => Ok(Some(second)),
            None => Err(invalid(format!("{name} must look like 2024-05-01 09:30:00"))),
        },
    }
}

/// The moments that lie in these seconds, both with them; a bound that is not given is none.
fn times(begin_s: Option<i64>, end_s: Option<i64>, zone: TimeZone) -> Range<TimeMs> {
    let moment = |local_s: i64| {
        let utc_s = zone.utc_s(local_s).unwrap_or(local_s);
        u64::try_from(utc_s).unwrap_or(0).saturating_mul(1000)
    };
    let begin = begin_s.map_or(0, moment);
    let end = end_s.map_or(TimeMs::MAX, |end_s| moment(end_s).saturating_add(1000));
    begin..end
}

async fn user(context: &Context, app: AppNumber, username: String, filter: Filter) -> Result<Set, Fault> {
    let asked = username.clone();
    let found = context.ledger.read(move |snapshot| snapshot.user_by_name(app, &asked)).await;
    let found = found.map_err(|error| Family::Im.unavailable(&error))?;
    let (user, _) = found.ok_or_else(|| refusal::no_such_user(&username))?;
    Ok(Set::User { user, sent: filter.sent, received: filter.received })
}

async fn group(context: &Context, app: AppNumber, gid: anser_protocol::ids::GroupId) -> Result<Set, Fault> {
    let found = context.ledger.read(move |snapshot| snapshot.group(app, gid)).await;
    let found = found.map_err(|error| Family::Im.unavailable(&error))?;
    let group = found.ok_or_else(refusal::group_unknown)?;
    Ok(Set::Chain { class: Class::Chat, chain: group.chain })
}

async fn room(context: &Context, app: AppNumber, id: &str) -> Result<Set, Fault> {
    let id = parse_room_id(id)?;
    let found = context.ledger.read(move |snapshot| snapshot.room(app, id)).await;
    let found = found.map_err(|error| Family::Im.unavailable(&error))?;
    let room = found.ok_or_else(refusal::room_unknown)?;
    Ok(Set::Chain { class: Class::Room, chain: room.chain })
}

async fn show_page(context: &Context, caller: &Caller, set: Set, request: Request) -> Result<Response<Body>, Fault> {
    let app = caller.app;
    let unavailable = |error| Family::Im.unavailable(&error);
    let (open, asked, found, place) = match request {
        Request::First(asked) => {
            let times = times(Some(asked.begin_s), Some(asked.end_s), context.config.time_zone);
            let found = search(context, app, set, times).await?;
            let place = found.begin();
            (None, asked, found, place)
        }
        Request::Next { cursor, count, begin_s, end_s } => {
            let open = context.walks.open(app, set, &cursor, Instant::now());
            let open = open.ok_or_else(|| invalid("the cursor is unknown or has expired"))?;
            let asked = open.asked;
            let is_same = count.is_none_or(|count| count == asked.count)
                && begin_s.is_none_or(|begin_s| begin_s == asked.begin_s)
                && end_s.is_none_or(|end_s| end_s == asked.end_s);
            if !is_same {
                return Err(invalid("the cursor is of another query: send it alone"));
            }
            let (found, place) = (open.found.clone(), open.place);
            (Some(open), asked, found, place)
        }
    };
    let (messages, next) = find::page(context, app, &found, place, asked.count).await.map_err(unavailable)?;
    let rows: Vec<Value> = messages.iter().map(|message| report_message::written(message, &caller.app_key)).collect();
    let mut body = json!({"total": found.total.min(TOTAL_MAX), "count": rows.len(), "messages": rows});
    let number = open.as_ref().map_or(0, |open| u64::from(open.number()));
    if (number + 1).saturating_mul(asked.count as u64) < found.total {
        let cursor = match open {
            None => context.walks.begin(app, (set, asked, found), next, Instant::now()),
            Some(open) => context.walks.go_on(app, &open, next, Instant::now()),
        };
        body["cursor"] = cursor.into();
    }
    Ok(json_response(StatusCode::OK, &body))
}

async fn show_list(context: &Context, caller: &Caller, set: Set, asked: Listing) -> Result<Response<Body>, Fault> {
    let app = caller.app;
    let unavailable = |error| Family::Im.unavailable(&error);
    let found = search(context, app, set, times(asked.begin_s, asked.end_s, context.config.time_zone)).await?;
    let Page { start, count } = asked.page;
    let messages = if start < found.total {
        let place = find::skip(context, app, &found, start).await.map_err(unavailable)?;
        find::page(context, app, &found, place, count).await.map_err(unavailable)?.0
    } else {
        Vec::new()
    };
    let rows: Vec<Value> = messages.iter().map(|message| report_message::written(message, &caller.app_key)).collect();
    let total = found.total.min(TOTAL_MAX);
    let body = json!({"total": total, "start": start, "count": rows.len(), "messages": rows});
    Ok(json_response(StatusCode::OK, &body))
}

/// When it is the app's turn.
async fn search(context: &Context, app: AppNumber, set: Set, times: Range<TimeMs>) -> Result<Arc<Found>, Fault> {
    let searches = context.walks.searches(app);
    // It is never closed.
    let _turn = searches.acquire().await;
    let found = find::find(context, app, set, times).await;
    found.map(Arc::new).map_err(|error| Family::Im.unavailable(&error))
}
