//! Devices: found by what is known of them, what is known of one, and the tags of an app.

use anser_protocol::ids::TimeMs;
use anser_protocol::traits::TraitKind;
use anser_storage::ids::{AppNumber, DeviceNumber};
use anser_storage::{ReadError, Snapshot};
use serde_json::{Map, Value, json};

use super::call::{Answered, Call};
use super::fault::Fault;
use super::live;
use crate::clock::now_ms;
use crate::context::Context;

/// Pushes that wait for a device and are named.
const PENDING_SHOWN: usize = 100;

/// `GET /apps/{app_key}/devices`
pub async fn list(call: Call) -> Answered {
    let (app, limit) = (call.app()?, call.limit()?);
    let after = call.number("after")?.map(|after| DeviceNumber(u32::try_from(after).unwrap_or(u32::MAX)));
    let [id, alias, tag, user] = ["registration_id", "alias", "tag", "user"].map(|name| call.query(name));
    let now_ms = now_ms();
    let read = call.context.ledger.read(move |snapshot| {
        let (devices, next) = if let Some(id) = &id {
            (snapshot.device_by_registration_id(app, id)?.map(|(number, _)| number).into_iter().collect(), None)
        } else if let Some(alias) = &alias {
            paged(snapshot.devices_of_alias(app, alias)?, after, limit)
        } else if let Some(user) = &user {
            let known = snapshot.user_by_name(app, user)?;
            let devices = match known {
                Some((user, _)) => snapshot.devices_of_user(app, user)?,
                None => Vec::new(),
            };
            paged(devices, after, limit)
        } else if let Some(tag) = &tag {
            let part = snapshot.list_devices_of_tag(app, tag, after, limit)?;
            (part.items, part.next)
        } else {
            let part = snapshot.list_devices(app, after, limit)?;
            (part.items, part.next)
        };
        let mut shown = Vec::with_capacity(devices.len());
        for device in devices {
            shown.extend(describe(snapshot, app, device, now_ms)?.map(|value| (device, value)));
        }
        Ok((shown, next))
    });
    let (devices, next) = read.await?;
    let devices: Vec<Value> =
        devices.into_iter().map(|(device, (value, seen))| online(&call.context, app, device, value, seen)).collect();
    Ok(json!({"devices": devices, "next": next.map(|next| next.0.to_string())}).into())
}

/// A part of a list that is short enough to be read whole.
fn paged(
    mut devices: Vec<DeviceNumber>,
    after: Option<DeviceNumber>,
    limit: usize,
) -> (Vec<DeviceNumber>, Option<DeviceNumber>) {
    devices.sort_unstable();
    devices.retain(|device| after.is_none_or(|after| *device > after));
    let is_more = devices.len() > limit;
    devices.truncate(limit);
    let next = devices.last().copied().filter(|_| is_more);
    (devices, next)
}

type Described = (Value, Option<TimeMs>);

fn describe(
    snapshot: &Snapshot,
    app: AppNumber,
    number: DeviceNumber,
    now_ms: TimeMs,
) -> Result<Option<Described>, ReadError> {
    let Some(device) = snapshot.device(app, number)? else { return Ok(None) };
    let shown = json!({
        "registration_id": device.registration_id,
        "platform": device.platform.name(),
        "alias": device.alias,
        "mobile": device.mobile,
        "tags": snapshot.tags_of_device(app, number)?,
        "registered_ms": device.created_ms,
        "is_test": snapshot.is_test_device(app, number)?,
    });
    Ok(Some((shown, snapshot.last_seen(app, number, now_ms)?)))
}

fn online(context: &Context, app: AppNumber, device: DeviceNumber, mut shown: Value, stored: Option<TimeMs>) -> Value {
    let is_online = context.switchboard.is_connected(app, device);
    shown["is_online"] = is_online.into();
    if !is_online {
        shown["last_online_ms"] = context.switchboard.attendance.last_seen(app, device, stored).into();
    }
    shown
}

/// `GET /apps/{app_key}/devices/{registration_id}`
pub async fn show(call: Call) -> Answered {
    let (app, id, now_ms) = (call.app()?, call.name(0)?, now_ms());
    let asked = id.clone();
    let read = call.context.ledger.read(move |snapshot| {
        let Some((number, device)) = snapshot.device_by_registration_id(app, &asked)? else { return Ok(None) };
        let Some((mut shown, seen)) = describe(snapshot, app, number, now_ms)? else { return Ok(None) };
        let cursor = snapshot.push_cursor(app, number)?.unwrap_or_default();
        let pending = snapshot.pending_pushes(app, number, device.platform, cursor, now_ms, PENDING_SHOWN + 1)?;
        let newest = pending.iter().rev().take(PENDING_SHOWN);
        shown["pending"] = newest.map(|waiting| json!({"msg_id": waiting.push.msg_id.to_string()})).collect();
        shown["pending_all"] = pending.len().into();
        shown["has_stopped_pushes"] = snapshot.has_stopped_pushes(app, number)?.into();
        shown["is_dormant"] = snapshot.is_dormant(app, number)?.into();
        let traits = snapshot.traits_of_device(app, number)?;
        let told = TraitKind::ALL.into_iter().map(|kind| (kind.name().to_owned(), traits.get(kind)));
        let told = told.filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.into()));
        shown["traits"] = Value::Object(Map::from_iter(told));
        Ok(Some((number, shown, seen)))
    });
    let (number, shown, seen) = read.await?.ok_or_else(|| Fault::unknown("the app has no such device"))?;
    let mut shown = online(&call.context, app, number, shown, seen);
    shown["links"] = live::links_of(&call, None, Some(id)).await?;
    Ok(shown.into())
}

/// `GET /apps/{app_key}/tags`
pub async fn tags(call: Call) -> Answered {
    let (app, limit, after) = (call.app()?, call.limit()?, call.query("after"));
    let part = call.query("q").unwrap_or_default();
    let read = call.context.ledger.read(move |snapshot| snapshot.list_tags(app, after.as_deref(), limit, &part));
    let part = read.await?;
    let tags: Vec<Value> = part.items.into_iter().map(|tag| json!({"tag": tag.name, "devices": tag.devices})).collect();
    Ok(json!({"tags": tags, "next": part.next}).into())
}
