//! An app server: one connection to the REST API, one call after the other, each recorded.

use std::io;

use serde_json::{Value, json};

use super::{Chat, Outages, PUSHES};
use crate::https::{Connection, Https, Response};
use crate::judge::Recorder;

/// See the [module](self).
pub struct Server {
    name: String,
    https: Https,
    connection: Connection,
    /// The outages that had begun when the connection was made.
    epoch: u64,
    recorder: Recorder,
    outages: Outages,
}

impl Server {
    pub fn new(name: &str, https: &Https, recorder: &Recorder, outages: &Outages) -> Self {
        Self {
            name: name.to_owned(),
            https: https.clone(),
            connection: https.connection(),
            epoch: 0,
            recorder: recorder.clone(),
            outages: outages.clone(),
        }
    }

    /// Sends texts in the name of an admin, now to one chat and now to the next, until the run is over.
    pub async fn send_on(mut self, admin: String, chats: Vec<Chat>) -> io::Result<()> {
        for number in 0.. {
            let Some(epoch) = self.outages.until_up().await else {
                break;
            };
            let chat = &chats[number % chats.len()];
            let text = format!("{} {number}", self.name);
            self.send_text(epoch, &admin, chat, &text).await?;
        }
        Ok(())
    }

    /// Pushes to all, until the run is over.
    pub async fn push_on(mut self, between: std::time::Duration) -> io::Result<()> {
        let mut ticks = tokio::time::interval(between);
        for number in 0.. {
            ticks.tick().await;
            let Some(epoch) = self.outages.until_up().await else {
                break;
            };
            self.push(epoch, &format!("{} {number}", self.name)).await?;
        }
        Ok(())
    }

    async fn send_text(&mut self, epoch: u64, admin: &str, chat: &Chat, text: &str) -> io::Result<()> {
        let (target_type, target_id) = match chat {
            Chat::Single(lower, upper) => ("single", if lower == admin { upper.clone() } else { lower.clone() }),
            Chat::Group(id) => ("group", id.to_string()),
        };
        let body = json!({
            "version": 1,
            "target_type": target_type,
            "target_id": target_id,
            "from_type": "admin",
            "from_id": admin,
            "msg_type": "text",
            "msg_body": { "text": text },
        });
        let id = |answer: &Value| answer["msg_id"].as_u64();
        self.call(epoch, &chat.chain(), text, "/v1/messages", &body, id).await
    }

    async fn push(&mut self, epoch: u64, text: &str) -> io::Result<()> {
        let body = json!({ "platform": "all", "audience": "all", "notification": { "alert": text } });
        let id = |answer: &Value| answer["msg_id"].as_str()?.parse().ok();
        self.call(epoch, PUSHES, text, "/v3/push", &body, id).await
    }

    /// A call that a fault cut off is a message that may arrive; any other failure ends the run.
    async fn call(
        &mut self,
        epoch: u64,
        chain: &str,
        text: &str,
        path: &str,
        body: &Value,
        id: impl Fn(&Value) -> Option<u64>,
    ) -> io::Result<()> {
        if self.epoch != epoch {
            self.connection = self.https.connection();
            self.epoch = epoch;
        }
        self.recorder.sent(chain, text, &self.name);
        let answer = self.connection.call("POST", path, Some(body)).await;
        // An answer that was on its way when the fault began is no promise, however late it is read.
        if !self.outages.is_still(epoch) {
            return Ok(());
        }
        let response = answer.map_err(|error| io::Error::other(format!("{path}, the daemon being up: {error}")))?;
        match id_of(&response, id) {
            Some(id) => {
                self.recorder.answered(chain, text, id);
                self.outages.note_answer(&self.name);
            }
            // Overloaded: nothing was promised.
            None if response.status == 503 => {}
            None => return Err(io::Error::other(format!("{path}: {}", describe(&response)))),
        }
        Ok(())
    }
}

fn id_of(response: &Response, id: impl Fn(&Value) -> Option<u64>) -> Option<u64> {
    if !(200..300).contains(&response.status) {
        return None;
    }
    response.json().ok().as_ref().and_then(id)
}

fn describe(response: &Response) -> String {
    format!("status {}: {}", response.status, String::from_utf8_lossy(&response.body))
}
