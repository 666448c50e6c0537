//! Figures of an app, for charts and as files.

use serde_json::Value;

use super::call::{Answer, Answered, Call};
use super::csv::Csv;
use super::fault::Fault;
use super::pushes;
use crate::admin::{Request, StatsAsked};

/// Pushes in one file.
const PUSHES_MAX: usize = 5000;
const PUSHES_AT_ONCE: usize = 200;

/// `GET /apps/{app_key}/statistics`
pub async fn show(call: Call) -> Answered {
    Ok(figures(&call).await?.into())
}

async fn figures(call: &Call) -> Result<Value, Fault> {
    let last = call.number("last")?.map(|last| u32::try_from(last).unwrap_or(u32::MAX));
    let asked = StatsAsked {
        by: call.query("by").unwrap_or_else(|| "day".to_owned()),
        last,
        platform: call.query("platform"),
        with: call.query("with"),
    };
    call.ask_plain(Request::Stats { app: call.app_key()?, asked }).await
}

/// `GET /apps/{app_key}/report.csv`
pub async fn report(call: Call) -> Answered {
    let text = match call.query("what").as_deref() {
        None | Some("statistics") => of_figures(&figures(&call).await?),
        Some("pushes") => of_pushes(&call).await?,
        Some(_) => return Err(Fault::invalid("what is statistics or pushes")),
    };
    Ok(Answer { csv: Some(text), ..Value::Null.into() })
}

fn of_figures(figures: &Value) -> String {
    const OF_DEVICES: [&str; 12] = [
        "begin", "new", "online", "active", "opens", "seconds", "pushes", "received", "shown", "clicked", "bridged",
        "texted",
    ];
    const OF_CHATS: [&str; 8] = [
        "new_users",
        "active_users",
        "senders",
        "single_messages",
        "group_messages",
        "room_messages",
        "new_groups",
        "active_groups",
    ];
    let mut csv = Csv::new(OF_DEVICES.into_iter().chain(OF_CHATS));
    for period in figures["periods"].as_array().into_iter().flatten() {
        let of_devices = OF_DEVICES.iter().map(|name| &period[name]);
        csv.row(of_devices.chain(OF_CHATS.iter().map(|name| &period["chat"][name])));
    }
    csv.into_text()
}

async fn of_pushes(call: &Call) -> Result<String, Fault> {
    const COLUMNS: [&str; 12] = [
        "msg_id",
        "accepted_ms",
        "state",
        "origin",
        "operator",
        "kind",
        "title",
        "text",
        "targets",
        "received",
        "shown",
        "clicked",
    ];
    let (mut csv, mut rows, mut before) = (Csv::new(COLUMNS), 0, None);
    loop {
        let (found, next) = pushes::listed(call, PUSHES_AT_ONCE, before).await?;
        for push in found.iter().take(PUSHES_MAX - rows) {
            let shown = pushes::shown(push);
            csv.row(COLUMNS.iter().map(|name| &shown[name]));
            rows += 1;
        }
        before = next;
        if before.is_none() || rows >= PUSHES_MAX {
            return Ok(csv.into_text());
        }
    }
}
