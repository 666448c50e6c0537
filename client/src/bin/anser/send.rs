//! `anser send`: one message to a user or a group.

use anser_protocol::content::Content;
use anser_protocol::ids::GroupId;
use anser_protocol::names::Chat;
use clap::Args;
use serde_json::json;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::lines::chat_value;
use crate::options::Global;

/// Send a message to a user or to a group
#[derive(Args)]
#[command(after_help = "Examples:
  anser send --user alice --to bob --text 'Hello, Bob'
  anser send --user alice --group 10000000 --text 'Hello, all'

It ends when the message is on the server's disk.")]
pub struct Send {
    /// Who sends
    #[arg(long, value_name = "USER")]
    user: String,
    #[command(flatten)]
    target: Target,
    /// What to say: at most 4096 bytes
    #[arg(long)]
    text: String,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Target {
    /// The user who is to get it; of another app of the app group: USERNAME/APPKEY
    #[arg(long, value_name = "USER")]
    to: Option<String>,
    /// The group that is to get it
    #[arg(long, value_name = "GROUP")]
    group: Option<u32>,
}

impl Target {
    fn chat(&self) -> Chat {
        match (&self.to, self.group) {
            (_, Some(group)) => Chat::Group(GroupId(group)),
            (to, None) => Chat::User(to.as_deref().unwrap_or_default().into()),
        }
    }
}

impl Send {
    pub async fn run(self, global: &Global) -> Result<(), Failure> {
        let mut connection = Connection::to_ask(global, Some(&self.user))?;
        let sent = self.send(&mut connection, global).await;
        connection.close().await;
        let sent = sent?;
        if global.json {
            let chat = chat_value(&self.target.chat());
            println!("{}", json!({"event": "sent", "chat": chat, "msg_id": sent.position.0, "time_ms": sent.at_ms}));
        } else {
            println!("sent, msg_id {}", sent.position);
        }
        Ok(())
    }

    async fn send(&self, connection: &mut Connection, global: &Global) -> Result<anser_client::shell::Sent, Failure> {
        connection.log_in(global, &self.user).await?;
        let client = connection.client.clone();
        let sending = client.send(self.target.chat(), Content::text(&self.text));
        match connection.watched(sending).await {
            Ok(result) => Ok(result?),
            Err(failure) => Err(Failure::new(format!(
                "{failure}\nThe message is kept on this device and goes out when {} is next logged in here.",
                self.user
            ))),
        }
    }
}
