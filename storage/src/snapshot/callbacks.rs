//! What app servers have not been told yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use anser_protocol::content::Platform;
use anser_protocol::ids::Position;

use super::Snapshot;
use crate::error::ReadError;
use crate::find;
use crate::ids::AppNumber;
use crate::key::behind_prefix;
use crate::row;
use crate::rows::callback::{
    Callback, CallbackEvent, CallbackRow, callback_events_prefix, callback_key, callback_moment_prefix,
};
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

/// Events that one call looks at; those of a push that one moment left for an address that is passed over are one.
const STEPS_MAX: usize = 10_000;

/// An event that an app's server is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingCallback {
    pub event: CallbackEvent,
    pub callback: Arc<Callback>,
    pub registration_id: String,
    pub platform: Platform,
}

/// The oldest events of an app that wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaitingCallbacks {
    /// Oldest first.
    pub waiting: Vec<WaitingCallback>,
    /// Of pushes that are forgotten: nobody knows whom to tell.
    pub orphaned: Vec<CallbackEvent>,
}

impl Snapshot {
    /// At most `limit`, without those for addresses that `is_passed_over` names.
    pub fn waiting_callbacks(
        &self,
        app: AppNumber,
        limit: usize,
        is_passed_over: impl Fn(&str) -> bool,
    ) -> Result<WaitingCallbacks, ReadError> {
        let mut orders: BTreeMap<Position, Option<Arc<Callback>>> = BTreeMap::new();
        let mut found = WaitingCallbacks::default();
        let behind = behind_prefix(callback_events_prefix(app).as_bytes());
        let mut from = Some(callback_events_prefix(app).into_bytes());
        let mut steps = 0;
        while let Some(first) = from.take() {
            self.scan(Table::Callbacks, &first, behind.as_deref(), &mut |key, value| {
                row::decode::<CallbackRow>(key, value)?;
                steps += 1;
                if steps > STEPS_MAX || found.waiting.len() + found.orphaned.len() >= limit {
                    return Ok(STOP);
                }
                let Some(event) = CallbackEvent::of_key(key) else { return Ok(NEXT) };
                let order = match orders.get(&event.push) {
                    Some(order) => order.clone(),
                    None => {
                        let order = match self.row(&callback_key(app, event.push))? {
                            Some(CallbackRow::Order(callback)) => Some(Arc::new(callback)),
                            _ => None,
                        };
                        orders.insert(event.push, order.clone());
                        order
                    }
                };
                match (order, find::device(self, app, event.device)?) {
                    (Some(callback), _) if is_passed_over(&callback.url) => {
                        // Of those who did not receive a push, a thousand are noted at the same moment.
                        from = behind_prefix(callback_moment_prefix(app, &event).as_bytes());
                        return Ok(STOP);
                    }
                    (Some(callback), Some(device)) => found.waiting.push(WaitingCallback {
                        event,
                        callback,
                        registration_id: device.registration_id,
                        platform: device.platform,
                    }),
                    _ => found.orphaned.push(event),
                }
                Ok(NEXT)
            })?;
        }
        Ok(found)
    }
}
