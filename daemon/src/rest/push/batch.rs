//! Many pushes to one device or alias each, in one call.

use anser_storage::Access;
use anser_storage::ids::AppNumber;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode};
use futures_util::StreamExt;
use futures_util::stream;
use serde_json::{Map, Value, json};

use super::cid::{CidType, Cids};
use super::object::{Form, TargetKind};
use super::send::{Mode, check, send};
use crate::clock::now_ms;
use crate::context::{Context, Shared};
use crate::rest::access::Caller;
use crate::rest::body;
use crate::rest::family::Family;
use crate::rest::fault::{Fault, json_response};
use crate::rest::lenient::{Object, as_object, member};
use crate::rest::permit;
use crate::rest::rate::{Figures, RateFamily};

const ITEMS_MAX: usize = 1000;
/// A thousand items with a notification and a message each.
const BODY_BYTES_MAX: usize = 16 << 20;
/// Items of a call that are under way at a time: enough to fill a commit, and no flood of the writer's queue.
const AT_ONCE: usize = 32;

/// `POST /v3/push/batch/regid/single`
pub async fn to_registration_ids(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    batch(&context, &caller, request, TargetKind::RegistrationId).await
}

/// `POST /v3/push/batch/alias/single`
pub async fn to_aliases(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    batch(&context, &caller, request, TargetKind::Alias).await
}

/// Mistakes in an item are answered with the item; the others are sent.
async fn batch(
    context: &Context,
    caller: &Caller,
    request: Request,
    kind: TargetKind,
) -> Result<Response<Body>, Fault> {
    let body = body::json_within(Family::Push, request, BODY_BYTES_MAX).await?;
    let items = items(&body)?;
    let mut counts = Counts::begin(context, caller).await?;
    let counted: Vec<_> = items.into_iter().map(|(cid, item)| (cid, item, counts.next(context))).collect();
    let results = counted.into_iter().map(|(cid, item, counted)| async {
        let result = match counted {
            Ok(()) => push_item(context, caller, &cid, item, kind).await,
            Err(fault) => Err(fault),
        };
        (cid, result.unwrap_or_else(|fault| fault.to_json()))
    });
    let results: Map<String, Value> = stream::iter(results).buffer_unordered(AT_ONCE).collect().await;
    let mut response = json_response(StatusCode::OK, &Value::Object(results));
    if let Some(figures) = counts.figures {
        response.extensions_mut().insert(figures);
    }
    Ok(response)
}

/// Each item counts as a call, unless the operator counts the batch as one; the first one is the call that brought them.
struct Counts {
    app: AppNumber,
    access: Access,
    is_first: bool,
    /// After the last item that was counted.
    figures: Option<Figures>,
}

impl Counts {
    async fn begin(context: &Context, caller: &Caller) -> Result<Self, Fault> {
        let app = caller.app;
        let access = context.ledger.read(move |snapshot| snapshot.access(app)).await;
        let access = access.map_err(|error| Family::Push.unavailable(&error))?;
        Ok(Self { app, access, is_first: true, figures: None })
    }

    fn next(&mut self, context: &Context) -> Result<(), Fault> {
        if std::mem::take(&mut self.is_first) || context.config.push.batch_as_one_call {
            return Ok(());
        }
        match permit::count(context, self.app, &self.access, RateFamily::Push, now_ms()) {
            Ok(figures) => {
                self.figures = Some(figures);
                Ok(())
            }
            Err(denied) => {
                self.figures = denied.figures.or(self.figures);
                Err(denied.fault)
            }
        }
    }
}

fn items(body: &Value) -> Result<Object, Fault> {
    let Value::Object(object) = body else { return Err(Family::Push.invalid("the request body must be an object")) };
    let Some(list) = member(object, "pushlist") else {
        return Err(Fault::new(StatusCode::BAD_REQUEST, 1002, "pushlist is missing"));
    };
    as_object(list)
        .filter(|items| (1..=ITEMS_MAX).contains(&items.len()))
        .ok_or_else(|| Family::Push.invalid("pushlist must be an object of 1 to 1000 pushes by their cids"))
}

async fn push_item(
    context: &Context,
    caller: &Caller,
    cid: &str,
    item: Value,
    kind: TargetKind,
) -> Result<Value, Fault> {
    let mut push = check(context, &caller.app_key, &item, Form::Single(kind))?;
    if !Cids::of(context).is_valid(cid, &caller.app_key, CidType::Push, now_ms()) {
        return Err(Family::Push.invalid("cid is not one that GET /v3/push/cid gave this app within a day"));
    }
    push.cid = Some(cid.to_owned());
    let accepted = send(context, caller.app, push, Mode::Send).await?;
    Ok(json!({"msg_id": accepted.msg_id.to_string()}))
}
