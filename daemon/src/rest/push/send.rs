//! From a push object to a push, for whoever has one: a call, an item of a batch, a schedule that fires.

use anser_protocol::ids::Position;
use anser_storage::SmsOrder;
use anser_storage::command::{Audience, BroadcastLimit, Command, PushCommand, Submit};
use anser_storage::ids::AppNumber;
use anser_storage::outcome::{Answer, Refusal};
use serde_json::{Value, json};

use super::cid::{CidType, Cids};
use super::object::{Form, PushObject, Reading, UnknownKeys};
use super::{images, listed, refusal};
use crate::bridge::SmsText;
use crate::callback;
use crate::clock::now_ms;
use crate::context::Context;
use crate::rest::family::Family;
use crate::rest::fault::Fault;
use crate::rest::permit::limit_of;
use crate::rest::rate::{RateFamily, UNLIMITED};

/// Is it sent, or only looked at?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Send,
    ValidateOnly,
}

/// A push that the store has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub msg_id: Position,
    pub sendno: String,
}

impl Accepted {
    pub fn to_json(&self) -> Value {
        json!({"sendno": self.sendno, "msg_id": self.msg_id.to_string()})
    }
}

/// Reads and checks a push object; nothing has happened yet. `signer` is whom the cids were given to: an app, or a group
/// of apps.
pub fn check(context: &Context, signer: &str, body: &Value, form: Form) -> Result<PushObject, Fault> {
    let cids = Cids::of(context);
    let reading = Reading {
        unknown_keys: if context.config.push.lenient_keys { UnknownKeys::Ignore } else { UnknownKeys::Refuse },
        form,
        is_cid: &|cid| cids.is_valid(cid, signer, CidType::Push, now_ms()),
    };
    PushObject::parse(body, &reading).map_err(refusal::of_finding)
}

/// Sends a push that was checked.
pub async fn send(context: &Context, app: AppNumber, push: PushObject, mode: Mode) -> Result<Accepted, Fault> {
    send_as_part_of(context, app, push, mode, None).await
}

/// How many devices a push would be for now; nothing is sent.
pub async fn targets(context: &Context, app: AppNumber, signer: &str, body: &Value) -> Result<u64, Fault> {
    let push = check(context, signer, body, Form::Push)?;
    let submit = submission(context, app, push, Mode::ValidateOnly).await?;
    match submitted(context, submit).await? {
        Ok(Answer::Pushed { targets, .. }) => Ok(targets),
        Ok(_) => Err(Family::Push.internal()),
        Err(Refusal::NoTarget { .. }) => Ok(0),
        Err(refusal) => Err(refusal::of_push(refusal)),
    }
}

/// The same of a push to an app group.
pub(super) async fn send_as_part_of(
    context: &Context,
    app: AppNumber,
    push: PushObject,
    mode: Mode,
    group_push: Option<Position>,
) -> Result<Accepted, Fault> {
    let submit = Submit { group_push, ..submission(context, app, push, mode).await? };
    match submitted(context, submit).await?.map_err(refusal::of_push)? {
        Answer::Pushed { msg_id, sendno, .. } => Ok(Accepted { msg_id, sendno }),
        _ => Err(Family::Push.internal()),
    }
}

/// How many pushes to all the app may send today, if this is one and there is a limit.
async fn broadcast_limit(
    context: &Context,
    app: AppNumber,
    audience: &Audience,
) -> Result<Option<BroadcastLimit>, Fault> {
    if *audience != Audience::All {
        return Ok(None);
    }
    let access = context.ledger.read(move |snapshot| snapshot.access(app)).await;
    let access = access.map_err(|error| Family::Push.unavailable(&error))?;
    let most = limit_of(context, &access, RateFamily::Broadcasts);
    // Days since 1970 on the wall clock of the server's zone.
    let day = context.config.time_zone.local_s(now_ms()).div_euclid(24 * 60 * 60);
    Ok((most < UNLIMITED).then_some(BroadcastLimit { day, most }))
}

/// What the store says to it.
async fn submitted(context: &Context, submit: Submit) -> Result<Result<Answer, Refusal>, Fault> {
    let outcome = context.ledger.submit(Command::Push(PushCommand::Submit(Box::new(submit)))).await;
    Ok(outcome.map_err(|error| Family::Push.unavailable(&error))?.answer)
}

/// Looks up what the push names: whom a list, and where an image is.
pub(super) async fn submission(
    context: &Context,
    app: AppNumber,
    mut push: PushObject,
    mode: Mode,
) -> Result<Submit, Fault> {
    if let Audience::File(list) = &mut push.audience {
        list.devices = listed::devices(context, app, &list.file).await?;
    }
    images::fill_in(context, app, &mut push.contents, &mut push.kept).await?;
    let connected = match (mode, push.time_to_live_s) {
        (Mode::Send, 0) => context.switchboard.connected_devices(app),
        _ => Vec::new(),
    };
    let broadcasts = match mode {
        Mode::Send => broadcast_limit(context, app, &push.audience).await?,
        Mode::ValidateOnly => None,
    };
    let only_repeats = push.cid.as_ref().is_some_and(|cid| Cids::of(context).only_repeats(cid, now_ms()));
    let callback = callback::order(&context.config.callback, &push.kept);
    let sms = sms_order(context, app, &push.kept).await?;
    Ok(Submit {
        app,
        contents: push.contents,
        bridged: push.bridged,
        audience: push.audience,
        only_test_devices: push.only_test_devices,
        time_to_live_s: push.time_to_live_s,
        spread_s: push.spread_s,
        replaces: push.replaces,
        kept: push.kept,
        callback,
        sms,
        sendno: push.sendno,
        connected,
        cid: push.cid.filter(|_| mode == Mode::Send),
        only_repeats,
        broadcasts,
        validate_only: mode == Mode::ValidateOnly,
        group_push: None,
    })
}

/// Nothing when no webhook takes text messages of this app.
async fn sms_order(context: &Context, app: AppNumber, kept: &str) -> Result<Option<SmsOrder>, Fault> {
    if !context.bridges.take_any_sms() {
        return Ok(None);
    }
    let Some(text) = SmsText::of(kept) else { return Ok(None) };
    let row = context.ledger.read(move |snapshot| snapshot.app(app)).await;
    let row = row.map_err(|error| Family::Push.unavailable(&error))?;
    Ok(row.filter(|row| context.bridges.takes_sms(&row.app_key)).map(|_| text.order()))
}
