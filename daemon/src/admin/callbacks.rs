//! What the admin socket is asked about app servers that are told of messages and events.

use super::server::find;
use super::{CallbackShown, CallbackTried, Reply};
use crate::app_callback::Feed;
use crate::bridge::app_server::Signer;
use crate::context::Shared;

pub fn shown(context: &Shared) -> Vec<CallbackShown> {
    let shown = context.app_servers.tellings().into_iter().map(|((app_key, feed), telling)| CallbackShown {
        kind: feed.name().to_owned(),
        app_key,
        told: telling.told,
        failed: telling.failed,
        failed_in_a_row: telling.failed_in_a_row,
        last_failure: telling.last_failure,
    });
    shown.collect()
}

pub async fn test(context: &Shared, app: &str) -> Result<Reply, String> {
    let (_, app) = find(context, app).await?;
    let signer = Signer { app_key: &app.app_key, master_secret: &app.master_secret };
    let mut tried = Vec::new();
    for feed in Feed::ALL {
        if let Some((url, heard)) = context.app_servers.try_out(feed, signer).await {
            let failure = heard.err().map(|(why, _)| why);
            tried.push(CallbackTried { kind: feed.name().to_owned(), url, failure });
        }
    }
    if tried.is_empty() {
        return Err(
            "no server of this app is told of anything: set [[message_callback]] or [[event_callback]]".to_owned()
        );
    }
    Ok(Reply::CallbackTested(tried))
}
