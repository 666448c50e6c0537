//! Scheduled pushes: made, listed, changed and deleted by app servers.

mod object;
mod view;

use anser_storage::Schedule;
use anser_storage::command::{Command, NewSchedule, ScheduleCommand};
use anser_storage::ids::ScheduleId;
use anser_storage::outcome::{Answer, Refusal};
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::access::Caller;
use super::family::Family;
use super::fault::{Fault, json_response};
use super::push::{Cids, is_to_file};
use super::rate::RateFamily;
use super::segment::Segment;
use super::{body, path, permit};
use crate::clock::now_ms;
use crate::context::{Context, Shared};
use crate::keys::random;
use object::Sections;

const PAGE_SCHEDULES: usize = 50;
/// A change that meets a firing or another change is made again.
const TRIES_MAX: usize = 3;

/// The one parameter of a path; whatever it holds, it names a schedule or none.
type Id = Result<Segment, Fault>;

/// `POST /v3/schedules`
pub async fn create(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body::json(Family::Schedule, request).await?;
    let now_ms = now_ms();
    count_file(&context, &caller, &body).await?;
    let sections = Sections::parse(&context, &body)?;
    let cid = object::cid(&context, &caller, &body, now_ms)?;
    let (content, due_ms) = sections.complete(now_ms, context.config.time_zone)?;
    let new = NewSchedule {
        app: caller.app,
        content,
        due_ms,
        random: random(),
        open_max: context.config.limits.schedules,
        only_repeats: cid.as_ref().is_some_and(|cid| Cids::of(&context).only_repeats(cid, now_ms)),
        cid,
    };
    match submit(&context, ScheduleCommand::Create(Box::new(new))).await? {
        Answer::Scheduled { schedule, name } => {
            let answer = json!({"schedule_id": view::id(schedule), "name": name});
            Ok(json_response(StatusCode::OK, &answer))
        }
        _ => Err(Family::Schedule.internal()),
    }
}

/// `GET /v3/schedules`
pub async fn list(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let page = match path::query_value(request.uri(), "page") {
        None => 1,
        Some(text) => text
            .parse::<u64>()
            .ok()
            .filter(|page| *page > 0)
            .ok_or_else(|| Family::Schedule.invalid("page must be a whole number from 1"))?,
    };
    let skip = usize::try_from(page - 1).unwrap_or(usize::MAX).saturating_mul(PAGE_SCHEDULES);
    let app = caller.app;
    let found = context.ledger.read(move |snapshot| snapshot.open_schedules(app, skip, PAGE_SCHEDULES)).await;
    let found = found.map_err(|error| Family::Schedule.unavailable(&error))?;
    let answer = json!({
        "total_count": found.total,
        "total_pages": found.total.div_ceil(PAGE_SCHEDULES),
        "page": page,
        "schedules": found.schedules.iter().map(view::schedule).collect::<Vec<_>>(),
    });
    Ok(json_response(StatusCode::OK, &answer))
}

/// `GET /v3/schedules/{schedule_id}`
pub async fn show(context: State<Shared>, caller: Extension<Caller>, id: Id) -> Result<Response<Body>, Fault> {
    let schedule = find(&context, &caller, named(id)?).await?;
    Ok(json_response(StatusCode::OK, &view::schedule(&schedule)))
}

/// `GET /v3/schedules/{schedule_id}/msg_ids`
pub async fn msg_ids(context: State<Shared>, caller: Extension<Caller>, id: Id) -> Result<Response<Body>, Fault> {
    let (app, id) = (caller.app, named(id)?);
    let firings = context.ledger.read(move |snapshot| snapshot.firings(app, id)).await;
    let firings = firings.map_err(|error| Family::Schedule.unavailable(&error))?.ok_or_else(unknown)?;
    // Texts, each holding JSON.
    let texts: Vec<String> = firings.into_iter().map(|firing| view::firing(firing).to_string()).collect();
    Ok(json_response(StatusCode::OK, &json!({"count": texts.len(), "msgids": texts})))
}

/// `PUT /v3/schedules/{schedule_id}`
pub async fn update(
    context: State<Shared>,
    caller: Extension<Caller>,
    id: Id,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let id = named(id)?;
    // Whether there is such a task comes before whether the body is right.
    find(&context, &caller, id).await?;
    let body = body::json(Family::Schedule, request).await?;
    count_file(&context, &caller, &body).await?;
    let sections = Sections::parse(&context, &body)?;
    for _ in 0..TRIES_MAX {
        let stored = find(&context, &caller, id).await?;
        let (content, due_ms) = sections.change(&stored, now_ms(), context.config.time_zone)?;
        let shown = view::object(id, &content);
        let (app, revision, content) = (caller.app, stored.revision, Box::new(content));
        let change = ScheduleCommand::Update { app, schedule: id, revision, content, due_ms };
        match submit(&context, change).await {
            Ok(_) => return Ok(json_response(StatusCode::OK, &shown)),
            Err(fault) if fault == changed() => {}
            Err(fault) => return Err(fault),
        }
    }
    Err(changed())
}

/// `DELETE /v3/schedules/{schedule_id}`
pub async fn remove(context: State<Shared>, caller: Extension<Caller>, id: Id) -> Result<Response<Body>, Fault> {
    submit(&context, ScheduleCommand::Delete { app: caller.app, schedule: named(id)? }).await?;
    Ok(json_response(StatusCode::OK, &json!({})))
}

/// A task that pushes to an uploaded list also counts among the calls about files.
async fn count_file(context: &Context, caller: &Caller, body: &Value) -> Result<(), Fault> {
    if !is_to_file(&body["push"]) {
        return Ok(());
    }
    let app = caller.app;
    let access = context.ledger.read(move |snapshot| snapshot.access(app)).await;
    let access = access.map_err(|error| Family::Schedule.unavailable(&error))?;
    permit::count(context, app, &access, RateFamily::Files, now_ms()).map(drop).map_err(|denied| denied.fault)
}

fn named(id: Id) -> Result<ScheduleId, Fault> {
    id.ok().and_then(|Segment(text)| view::parse_id(&text)).ok_or_else(unknown)
}

async fn find(context: &Context, caller: &Caller, id: ScheduleId) -> Result<Schedule, Fault> {
    let app = caller.app;
    let found = context.ledger.read(move |snapshot| snapshot.schedule(app, id)).await;
    found.map_err(|error| Family::Schedule.unavailable(&error))?.ok_or_else(unknown)
}

/// Also wakes the job that fires: the change may be due before all else.
async fn submit(context: &Context, command: ScheduleCommand) -> Result<Answer, Fault> {
    let outcome = context
        .ledger
        .submit(Command::Schedule(command))
        .await
        .map_err(|error| Family::Schedule.unavailable(&error))?;
    context.schedules.ring();
    outcome.answer.map_err(|refusal| match refusal {
        Refusal::ScheduleUnknown => unknown(),
        Refusal::ScheduleOver => object::expired(),
        Refusal::ScheduleChanged => changed(),
        Refusal::TooManySchedules => Family::Schedule.invalid(format!(
            "the app has {} unfinished tasks, which is all that it may have",
            context.config.limits.schedules
        )),
        Refusal::CidExpired => object::wrong_cid(),
        Refusal::AppUnknown => Family::Schedule.wrong_credentials(),
        _ => Family::Schedule.internal(),
    })
}

fn unknown() -> Fault {
    Fault::new(StatusCode::NOT_FOUND, 8104, "the schedule-task does not exist")
}

fn changed() -> Fault {
    Family::Schedule.busy()
}
