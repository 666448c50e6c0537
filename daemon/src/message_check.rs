//! Asking an app's server before a message is submitted (`[[message_check]]`), over REST and from links.

use std::sync::Arc;

use anser_protocol::error::ErrorCode;
use anser_storage::command::{Command, Origin, Send, Target};
use anser_storage::outcome::{Outcome, Refusal};
use anser_storage::{App, ReportMessage, ReportTarget, ReportUser};
use serde_json::json;
use tokio::sync::mpsc;

use crate::bridge::AppServers;
use crate::bridge::app_server::{Signer, Verdict};
use crate::clock::now_ms;
use crate::ledger::{Ledger, Unavailable};
use crate::rest::written_message;

/// Sends of one link that wait for a server; more are told to come again later.
const WAITING_MAX: usize = 64;

/// Why a message may not be sent, if it may not.
pub async fn refusal(app_servers: &AppServers, ledger: &Ledger, send: &Send) -> Result<Option<Refusal>, Unavailable> {
    if !app_servers.checks_anybody() {
        return Ok(None);
    }
    let asked = send.clone();
    let found = ledger.read(move |snapshot| {
        let Some(app) = snapshot.app(asked.app)? else { return Ok(None) };
        let Some(from) = snapshot.user(asked.app, asked.from)? else { return Ok(None) };
        let platform = match asked.origin {
            Origin::Server { .. } => None,
            // Its answer was lost: it was asked about then, and is answered as then.
            Origin::Device { device, outbox } if snapshot.is_sent(asked.app, device, outbox)? => return Ok(None),
            Origin::Device { device, .. } => snapshot.device(asked.app, device)?.map(|device| device.platform),
        };
        Ok(Some((app, from, platform)))
    });
    // Who is not there is refused by the store.
    let Some((app, from, platform)) = found.await? else { return Ok(None) };
    if !app_servers.checks(&app.app_key) {
        return Ok(None);
    }
    let from = ReportUser { username: from.username, nickname: from.profile.nickname, is_admin: from.is_admin };
    let (to, target_app) = match &send.target {
        Target::User(name) => (ReportTarget::User(name.clone()), None),
        Target::Group(group) => (ReportTarget::Group(*group), None),
        Target::GroupOf { app_key, group } => (ReportTarget::Group(*group), Some(app_key.clone())),
        Target::Room(room) => (ReportTarget::Room(*room), None),
        Target::RoomOf { app_key, room } => (ReportTarget::Room(*room), Some(app_key.clone())),
    };
    let message = ReportMessage {
        position: Default::default(),
        at_ms: now_ms(),
        from,
        platform,
        to,
        target_app,
        content: send.content.clone(),
    };
    Ok(ask(app_servers, &app, &message).await)
}

/// The message as it would be reported, without the number and the time that it does not have yet.
async fn ask(app_servers: &AppServers, app: &App, message: &ReportMessage) -> Option<Refusal> {
    let mut shown = written_message(message, &app.app_key);
    if let Some(shown) = shown.as_object_mut() {
        ["msgid", "msg_ctime"].iter().for_each(|key| drop(shown.remove(*key)));
    }
    let signer = Signer { app_key: &app.app_key, master_secret: &app.master_secret };
    match app_servers.check(signer, &json!({"message": shown})).await {
        Verdict::Allowed => None,
        Verdict::Refused { message } => Some(Refusal::AppServerRefused { message }),
    }
}

/// The sends of one link, one after the other: each is asked for, submitted and answered before the next, so that their
/// order stays. Other links do not wait.
pub struct Lane(mpsc::Sender<Waiting>);

struct Waiting {
    send: Send,
    answer: Box<dyn FnOnce(Result<Outcome, ErrorCode>) + std::marker::Send>,
}

impl Lane {
    /// It ends when it is dropped and everything in it is answered.
    pub fn open(app_servers: Arc<AppServers>, ledger: Ledger) -> Self {
        let (sender, mut receiver) = mpsc::channel::<Waiting>(WAITING_MAX);
        tokio::spawn(async move {
            while let Some(Waiting { send, answer }) = receiver.recv().await {
                let outcome = submit(&app_servers, &ledger, send).await;
                let has_failed = outcome.is_err();
                answer(outcome);
                // What waits behind a send that failed for now must not overtake it.
                while has_failed && let Ok(behind) = receiver.try_recv() {
                    (behind.answer)(Err(ErrorCode::BUSY));
                }
            }
        });
        Self(sender)
    }

    /// `false`: there is no room now, and nothing was done.
    pub fn submit(
        &self,
        send: Send,
        answer: impl FnOnce(Result<Outcome, ErrorCode>) + std::marker::Send + 'static,
    ) -> bool {
        self.0.try_send(Waiting { send, answer: Box::new(answer) }).is_ok()
    }
}

async fn submit(app_servers: &AppServers, ledger: &Ledger, send: Send) -> Result<Outcome, ErrorCode> {
    match refusal(app_servers, ledger, &send).await {
        Ok(None) => ledger.submit(Command::Send(send)).await.map_err(|error| error.code()),
        Ok(Some(refusal)) => Ok(Outcome { answer: Err(refusal), appended: Vec::new() }),
        Err(error) => Err(error.code()),
    }
}
