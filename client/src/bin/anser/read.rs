//! `anser read`, `anser unread`, `anser readers`: what was read, and by whom.

use std::time::Duration;

use anser_client::session::{Answer, Request};
use anser_client::shell::Client;
use anser_client::store::StoreError;
use anser_protocol::ids::Position;
use anser_protocol::limits::POSITION_MAX;
use anser_protocol::names::Chat;
use clap::Args;
use serde_json::json;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::lines::chat_value;
use crate::options::Global;
use crate::send::chat_of;

/// The chats of one question.
const CHATS_PER_QUESTION: u32 = 100;
/// Whether the server has it is looked at so often.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Mark a conversation as read on all of a user's devices
#[derive(Args)]
#[command(after_help = "Examples:
  anser read --user bob --from alice
  anser read --user bob --group 10000000 --message 1048656

Without --message everything so far counts as read. With it, the message is told to its sender as read, if
it asked for receipts; it may be given several times.")]
pub struct Read {
    /// Who has read
    #[arg(long, value_name = "USER")]
    user: String,
    #[command(flatten)]
    chat: Conversation,
    /// A message that asked for receipts, by its msg_id
    #[arg(long = "message", value_name = "MSG_ID")]
    messages: Vec<u64>,
}

/// How many messages are unread, by the server's count
#[derive(Args)]
#[command(after_help = "Example:
  anser unread --user bob")]
pub struct Unread {
    /// Whose messages
    #[arg(long, value_name = "USER")]
    user: String,
}

/// Who has read a message that asked for receipts
#[derive(Args)]
#[command(after_help = "Example:
  anser readers --user alice --group 10000000 --message 1048656")]
pub struct Readers {
    /// Who sent it
    #[arg(long, value_name = "USER")]
    user: String,
    #[command(flatten)]
    chat: Conversation,
    /// The message, by its msg_id
    #[arg(long, value_name = "MSG_ID")]
    message: u64,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Conversation {
    /// The conversation with this user
    #[arg(long = "from", value_name = "USER")]
    with: Option<String>,
    /// The conversation of this group
    #[arg(long, value_name = "GROUP")]
    group: Option<u32>,
}

impl Conversation {
    fn chat(&self) -> Chat {
        chat_of(self.with.as_deref(), self.group)
    }
}

impl Read {
    pub async fn run(self, global: &Global) -> Result<(), Failure> {
        let mut connection = Connection::to_ask(global, Some(&self.user))?;
        let read = self.read(&mut connection, global).await;
        connection.close().await;
        read
    }

    async fn read(&self, connection: &mut Connection, global: &Global) -> Result<(), Failure> {
        connection.log_in(global, &self.user).await?;
        let client = connection.client.clone();
        if self.messages.is_empty() {
            let newest = Request::History {
                chat: self.chat.chat(),
                before: Position(POSITION_MAX),
                after: Position::START,
                limit: 1,
            };
            if let Answer::History { records, .. } = connection.ask(newest).await?
                && let Some(newest) = records.first()
            {
                client.mark_read_to(&self.user, &self.chat.chat(), newest.position).await?;
            }
        } else {
            let messages = self.messages.iter().copied().map(Position).collect();
            client.mark_read(&self.user, &self.chat.chat(), messages).await?;
        }
        connection.watched(told(&client, &self.user)).await?.map_err(Failure::from)
    }
}

/// Waits until the server has what was read.
async fn told(client: &Client, user: &str) -> Result<(), StoreError> {
    while client.has_untold_reads(user).await? {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

impl Unread {
    pub async fn run(self, global: &Global) -> Result<(), Failure> {
        let mut connection = Connection::to_ask(global, Some(&self.user))?;
        let counted = self.count(&mut connection, global).await;
        connection.close().await;
        let (chats, total, loud) = counted?;
        if global.json {
            let chats: Vec<_> =
                chats.iter().map(|(chat, unread)| json!({"chat": chat_value(chat), "unread": unread})).collect();
            println!("{}", json!({"chats": chats, "total": total, "total_without_muted": loud}));
            return Ok(());
        }
        for (chat, unread) in &chats {
            match chat {
                Chat::Group(group) => println!("{unread:>5}  group {group}"),
                Chat::User(name) => println!("{unread:>5}  {name}"),
                Chat::Notices => {}
            }
        }
        println!("{total:>5}  in all ({loud} without what is muted)");
        Ok(())
    }

    async fn count(
        &self,
        connection: &mut Connection,
        global: &Global,
    ) -> Result<(Vec<(Chat, u32)>, u32, u32), Failure> {
        connection.log_in(global, &self.user).await?;
        let (mut counted, mut totals) = (Vec::new(), (0, 0));
        let (mut before, mut is_complete) = (Position(POSITION_MAX), false);
        while !is_complete {
            let page = connection.ask(Request::Conversations { before, limit: CHATS_PER_QUESTION }).await?;
            let Answer::Conversations { conversations, is_complete: is_last } = page else { return Err(odd_answer()) };
            is_complete = is_last || conversations.is_empty();
            before = conversations.last().map_or(before, |row| row.last);
            let chats: Vec<Chat> = conversations.into_iter().map(|row| row.chat).collect();
            let counts = connection.ask(Request::Unread { chats: chats.clone(), total: is_complete }).await?;
            let Answer::Unread { counts, total, total_loud } = counts else { return Err(odd_answer()) };
            totals = (total, total_loud);
            counted.extend(chats.into_iter().zip(counts).filter(|(_, unread)| *unread > 0));
        }
        Ok((counted, totals.0, totals.1))
    }
}

fn odd_answer() -> Failure {
    Failure::new("the server answered something else")
}

impl Readers {
    pub async fn run(self, global: &Global) -> Result<(), Failure> {
        let mut connection = Connection::to_ask(global, Some(&self.user))?;
        let found = self.ask(&mut connection, global).await;
        connection.close().await;
        let found = found?;
        if global.json {
            println!("{}", json!({"read": found.read, "unread": found.unread}));
        } else {
            println!("read by {}: {}", found.read.len(), found.read.join(", "));
            println!("not yet by {}: {}", found.unread.len(), found.unread.join(", "));
        }
        Ok(())
    }

    async fn ask(&self, connection: &mut Connection, global: &Global) -> Result<anser_client::shell::Readers, Failure> {
        connection.log_in(global, &self.user).await?;
        let client = connection.client.clone();
        let chat = self.chat.chat();
        let asking = client.who_read(&self.user, &chat, Position(self.message));
        Ok(connection.watched(asking).await??)
    }
}
