//! The report API: what became of pushes, and how many devices there are.
//!
//! A counter is null where a push had nothing for it to count, and a number, be it 0, where it had. Those of other channels are
//! null unless a bridge took the push for some device.

mod counters;
mod detail;
mod msg_ids;
mod status;
mod users;

use anser_protocol::content::Platform;
use anser_protocol::ids::Position;
use anser_storage::PushReport;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{Response, StatusCode, Uri};
use serde_json::{Value, json};

use super::access::{Caller, GroupCaller};
use super::family::Family;
use super::fault::{Fault, json_response};
use crate::context::{Context, Shared};
use counters::Counters;
use msg_ids::MsgId;

pub use status::status;
pub use users::{group_users, users};

/// Pushes whose reports are read in one snapshot.
const SLICE: usize = 10;

/// `GET /v3/received`
pub async fn received(context: State<Shared>, caller: Extension<Caller>, uri: Uri) -> Result<Response<Body>, Fault> {
    rows(&context, &caller, &uri, |msg_id, counters| {
        json!({
            "msg_id": msg_id,
            "android_received": counters.of(Platform::ANDROID, |of| of.received),
            "ios_apns_sent": counters.bridged_of(Platform::IOS),
            "ios_apns_received": counters.of_bridged(Platform::IOS, |told| told.received),
            "ios_msg_received": counters.messages_of(Platform::IOS, |of| of.received),
            "wp_mpns_sent": null,
        })
    })
    .await
}

/// `GET /v3/received/detail`
pub async fn received_detail(
    context: State<Shared>,
    caller: Extension<Caller>,
    uri: Uri,
) -> Result<Response<Body>, Fault> {
    rows(&context, &caller, &uri, |msg_id, counters| {
        json!({
            "msg_id": msg_id,
            "jpush_received": counters.of_own_channel(|of| of.received),
            "android_pns_sent": counters.bridged_of(Platform::ANDROID),
            "android_pns_received": counters.of_bridged(Platform::ANDROID, |told| told.received),
            "ios_apns_sent": counters.bridged_of(Platform::IOS),
            "ios_apns_received": counters.of_bridged(Platform::IOS, |told| told.received),
            "ios_msg_received": counters.messages_of(Platform::IOS, |of| of.received),
            "wp_mpns_sent": null,
            "live_acivity_sent": counters.activities_bridged(),
            "live_acivity_received": null,
            "quickapp_jpush_received": counters.of(Platform::QUICKAPP, |of| of.received),
            "quickapp_pns_sent": counters.bridged_of(Platform::QUICKAPP),
            "hmos_hmpns_sent": counters.bridged_of(Platform::HMOS),
            "hmos_hmpns_received": counters.of_bridged(Platform::HMOS, |told| told.received),
            "hmos_msg_sent": counters.messages_of(Platform::HMOS, |of| of.sent),
            "hmos_msg_received": counters.messages_of(Platform::HMOS, |of| of.received),
        })
    })
    .await
}

/// `GET /v3/messages`
pub async fn messages(context: State<Shared>, caller: Extension<Caller>, uri: Uri) -> Result<Response<Body>, Fault> {
    rows(&context, &caller, &uri, |msg_id, counters| {
        json!({
            "msg_id": msg_id,
            "android": {
                "target": counters.of(Platform::ANDROID, |of| of.targets),
                "online_push": counters.of(Platform::ANDROID, |of| of.reached),
                "received": counters.of(Platform::ANDROID, |of| of.received),
                "click": counters.notifications_of(Platform::ANDROID, |of| of.clicked),
                "msg_click": counters.messages_of(Platform::ANDROID, |of| of.message_clicked),
            },
            "ios": {
                "apns_target": counters.bridge_targets_of(Platform::IOS),
                "apns_sent": counters.bridged_of(Platform::IOS),
                "apns_received": counters.of_bridged(Platform::IOS, |told| told.received),
                "click": counters.notifications_of(Platform::IOS, |of| of.clicked),
                "target": counters.messages_of(Platform::IOS, |of| of.targets),
                "received": counters.messages_of(Platform::IOS, |of| of.received),
            },
            "winphone": winphone(counters),
        })
    })
    .await
}

/// `GET /v3/messages/detail`
pub async fn messages_detail(
    context: State<Shared>,
    caller: Extension<Caller>,
    uri: Uri,
) -> Result<Response<Body>, Fault> {
    rows(&context, &caller, &uri, detail::row).await
}

/// `GET /v3/group/messages/detail`: of each push to the group, what became of it in all apps together.
pub async fn group_messages_detail(
    context: State<Shared>,
    caller: Extension<GroupCaller>,
    uri: Uri,
) -> Result<Response<Body>, Fault> {
    let mut rows = Vec::new();
    for id in msg_ids::parse_of_group(&uri)? {
        let reports = match id.position {
            Some(push) => read_group_reports(&context, &caller, push).await?,
            None => Vec::new(),
        };
        rows.push(detail::group_row(&id.text, &Counters::of_pushes(reports)));
    }
    Ok(json_response(StatusCode::OK, &Value::Array(rows)))
}

/// None of a push to another group.
async fn read_group_reports(context: &Context, caller: &GroupCaller, push: Position) -> Result<Vec<PushReport>, Fault> {
    let unavailable = |error| Family::Report.unavailable(&error);
    let found = context.ledger.read(move |snapshot| snapshot.group_push(push)).await.map_err(unavailable)?;
    let pushes = found.filter(|found| found.group == caller.key).map(|found| found.pushes).unwrap_or_default();
    let mut reports = Vec::with_capacity(pushes.len());
    for slice in pushes.chunks(SLICE) {
        let slice = slice.to_vec();
        let read = context.ledger.read(move |snapshot| {
            slice.iter().map(|(app, push)| snapshot.push_report(*app, *push)).collect::<Result<Vec<_>, _>>()
        });
        reports.extend(read.await.map_err(unavailable)?.into_iter().flatten());
    }
    Ok(reports)
}

fn winphone(counters: &Counters) -> Value {
    json!({
        "mpns_target": null,
        "mpns_sent": null,
        "click": counters.notifications_of(Platform::WINPHONE, |of| of.clicked),
    })
}

/// One row for each id that was asked for, in the same order.
async fn rows(
    context: &Context,
    caller: &Caller,
    uri: &Uri,
    row: impl Fn(&str, &Counters) -> Value,
) -> Result<Response<Body>, Fault> {
    let ids = msg_ids::parse(uri)?;
    let mut rows = Vec::with_capacity(ids.len());
    for slice in ids.chunks(SLICE) {
        let reports = read_reports(context, caller, slice.to_vec()).await?;
        rows.extend(slice.iter().zip(reports).map(|(id, report)| row(&id.text, &Counters::of_push(report))));
    }
    Ok(json_response(StatusCode::OK, &Value::Array(rows)))
}

async fn read_reports(context: &Context, caller: &Caller, ids: Vec<MsgId>) -> Result<Vec<Option<PushReport>>, Fault> {
    let app = caller.app;
    let reports = context.ledger.read(move |snapshot| {
        let one = |id: &MsgId| id.position.map_or(Ok(None), |push| snapshot.push_report(app, push));
        ids.iter().map(one).collect()
    });
    reports.await.map_err(|error| Family::Report.unavailable(&error))
}
