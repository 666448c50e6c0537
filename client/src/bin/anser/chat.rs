//! `anser chat`: talking, line by line.

use std::collections::BTreeSet;
use std::time::Duration;

use anser_client::session::{self, Answer, LinkEnd, Request};
use anser_client::shell::{Client, Event};
use anser_client::store::{LocalId, Message};
use anser_protocol::content::{Amendment, AmendmentKind, Content, ContentKind, GroupEvent, GroupEventKind, NoticeKind};
use anser_protocol::ids::{GroupId, Position};
use anser_protocol::names;
use clap::Args;
use tokio::sync::mpsc;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::lines::reason_text;
use crate::options::Global;
use crate::roaming;
use crate::signals::asked_to_end;

const HELP: &str = "/to USER       talk with a user
/group GROUP   talk in a group
/last [N]      the last messages here, as far as they are on this device
/chats         your conversations, with unread messages
/read          mark this conversation as read
/members       who is in this group
/help          this list
/quit          leave
Anything else is sent to the conversation that you chose.";
const LAST_DEFAULT: usize = 20;
/// So long the last messages are waited for when the user leaves.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);
/// Lines typed ahead.
const LINES_MAX: usize = 16;

/// Talk with users and groups, line by line
#[derive(Args)]
#[command(after_help = "Example:\n  anser chat --user alice\n  /to bob\n  Hello, Bob\n  /quit")]
pub struct Chat {
    /// Who you are
    #[arg(long, value_name = "USER")]
    user: String,
    /// Begin with this user
    #[arg(long, value_name = "USER")]
    to: Option<String>,
    /// Begin in this group
    #[arg(long, value_name = "GROUP", conflicts_with = "to")]
    group: Option<u32>,
}

impl Chat {
    pub async fn run(self, global: &Global) -> Result<(), Failure> {
        let mut connection = Connection::to_listen(global, Some(&self.user))?;
        let roaming = roaming::watch(connection.client.clone(), global.server.clone());
        let user = self.user.clone();
        let mut unanswered = BTreeSet::new();
        let result = tokio::select! {
            result = self.talk(&mut connection, global, &mut unanswered) => result,
            () = roaming => Ok(()),
            () = asked_to_end() => Ok(()),
        };
        if result.is_ok() {
            settle(&mut connection, &mut unanswered).await;
        }
        tell_unsent(&connection.client, &user).await;
        connection.close().await;
        result
    }

    async fn talk(
        self,
        connection: &mut Connection,
        global: &Global,
        unanswered: &mut BTreeSet<LocalId>,
    ) -> Result<(), Failure> {
        // What arrives while the login is under way is shown right after it.
        let early = log_in(connection, global, &self.user).await?;
        println!("You are {}. /help lists what you can do.", self.user);
        early.iter().try_for_each(show)?;
        let to = self.to.as_deref().map(|user| names::Chat::User(user.into()));
        let mut talk = Talk {
            client: connection.client.clone(),
            user: self.user,
            chat: to.or(self.group.map(|group| names::Chat::Group(GroupId(group)))),
        };
        let mut lines = typed_lines()?;
        loop {
            tokio::select! {
                line = lines.recv() => match line {
                    Some(line) if line.trim() == "/quit" => return Ok(()),
                    Some(line) => unanswered.extend(talk.handle_line(line.trim()).await),
                    None => return Ok(()),
                },
                event = connection.events.next() => match event {
                    Some(event) => {
                        strike_out(unanswered, &event);
                        show(&event)?;
                    }
                    None => return Err(Failure::new("the client has ended")),
                },
            }
        }
    }
}

/// Waits for the answers to what was typed last; whoever is asked to end once more does not.
async fn settle(connection: &mut Connection, unanswered: &mut BTreeSet<LocalId>) {
    let patience = tokio::time::sleep(LEAVE_WITHIN);
    tokio::pin!(patience);
    while !unanswered.is_empty() {
        tokio::select! {
            event = connection.events.next() => {
                let Some(event) = event else { return };
                strike_out(unanswered, &event);
                if show(&event).is_err() {
                    return;
                }
            }
            () = &mut patience => return,
            () = asked_to_end() => return,
        }
    }
}

fn strike_out(unanswered: &mut BTreeSet<LocalId>, event: &Event) {
    if let Event::Session(session::Event::Sent { local, .. } | session::Event::SendFailed { local, .. }) = event {
        unanswered.remove(local);
    }
}

/// What the server does not have yet is kept, and the user is to know.
async fn tell_unsent(client: &Client, user: &str) {
    match client.unsent(user).await {
        Ok(0) => {}
        Ok(1) => println!("-- 1 message waits on this device and goes out when {user} is next logged in here"),
        Ok(count) => println!("-- {count} messages wait on this device and go out when {user} is next logged in here"),
        Err(error) => println!("-- whether messages wait on this device is not known: {error}"),
    }
}

/// Logs in and keeps what is handed out meanwhile.
async fn log_in(connection: &mut Connection, global: &Global, user: &str) -> Result<Vec<Event>, Failure> {
    connection.log_in(global, user).await?;
    Ok(connection.take_seen())
}

struct Talk {
    client: Client,
    user: String,
    chat: Option<names::Chat>,
}

impl Talk {
    /// Answers the message that was posted, if the line was one.
    async fn handle_line(&mut self, line: &str) -> Option<LocalId> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (word, rest.trim()) {
            ("", _) => {}
            ("/help", _) => println!("{HELP}"),
            ("/to", user) if !user.is_empty() => self.choose(names::Chat::User(user.into())),
            ("/group", group) if group.parse::<u32>().is_ok() => {
                self.choose(names::Chat::Group(GroupId(group.parse().unwrap_or_default())));
            }
            ("/last", count) => self.show_last(count.parse().unwrap_or(LAST_DEFAULT)).await,
            ("/chats", _) => self.show_chats().await,
            ("/read", _) => self.mark_read().await,
            ("/members", _) => self.show_members().await,
            (word, _) if word.starts_with('/') => println!("I do not know {line}; /help lists what you can do."),
            _ => return self.say(line).await,
        }
        None
    }

    fn choose(&mut self, chat: names::Chat) {
        println!("-- {}", title(&chat));
        self.chat = Some(chat);
    }

    async fn say(&self, text: &str) -> Option<LocalId> {
        let Some(chat) = &self.chat else {
            println!("To whom? Choose with /to USER or /group GROUP.");
            return None;
        };
        // The outcome comes as an event: an answer that is late must not keep the next line waiting.
        match self.client.post(chat.clone(), Content::text(text)).await {
            Ok((local, _)) => Some(local),
            Err(error) => {
                println!("not sent: {error}");
                None
            }
        }
    }

    async fn show_last(&self, count: usize) {
        let Some(chat) = &self.chat else { return println!("Choose a conversation first.") };
        match self.client.stored_messages(&self.user, chat, Position(u64::MAX), count).await {
            Ok(messages) => messages.iter().rev().for_each(|message| println!("{}", text_of(message))),
            Err(error) => println!("{error}"),
        }
    }

    async fn show_chats(&self) {
        match self.client.stored_conversations(&self.user).await {
            Ok(rows) if rows.is_empty() => println!("There are none yet."),
            Ok(rows) => {
                for row in rows {
                    let unread = self.client.unread(&self.user, &row.chat).await.unwrap_or_default();
                    let unread = if unread > 0 { format!("  ({unread} unread)") } else { String::new() };
                    let name = format!("{}  {}", title(&row.chat), row.name);
                    println!("{}{unread}", name.trim_end());
                }
            }
            Err(error) => println!("{error}"),
        }
    }

    async fn mark_read(&self) {
        let Some(chat) = &self.chat else { return println!("Choose a conversation first.") };
        if let Err(error) = self.client.reset_unread(&self.user, chat).await {
            println!("{error}");
        }
    }

    async fn show_members(&self) {
        let Some(names::Chat::Group(group)) = &self.chat else { return println!("Choose a group first.") };
        match self.client.request(Request::GroupMembers { group: *group }).await {
            Ok(Answer::Members { members, .. }) => println!("{}", members.join(", ")),
            Ok(_) => {}
            Err(error) => println!("{error}"),
        }
    }
}

/// A thread reads them: a terminal cannot be waited for otherwise.
fn typed_lines() -> Result<mpsc::Receiver<String>, Failure> {
    let (typed, lines) = mpsc::channel(LINES_MAX);
    let read = move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if typed.blocking_send(line).is_err() {
                return;
            }
        }
    };
    let thread = std::thread::Builder::new().name("anser-typed".into()).spawn(read);
    thread.map_err(|error| Failure::new(format!("cannot read the terminal: {error}")))?;
    Ok(lines)
}

fn show(event: &Event) -> Result<(), Failure> {
    match event {
        Event::Message(message) => println!("{}", text_of(message)),
        Event::Push(push) => {
            let alert = push.content.notification.as_ref().map(|notification| notification.alert.as_str());
            println!("(push) {}", alert.unwrap_or("a custom message"));
        }
        Event::Unreachable(unreachable) => println!("-- {unreachable}; trying again"),
        Event::StoreFailed(error) => return Err(Failure::new(error.to_string())),
        // Said already, with the reasons.
        Event::Session(session::Event::Disconnected { reason: LinkEnd::Unreachable }) => {}
        Event::Session(session::Event::SendUnsure { chat, content, .. }) => {
            let text = printable(&String::from_utf8_lossy(&content.body));
            println!("-- to {}, perhaps not sent: {text}", title(chat));
        }
        Event::Session(session::Event::PutOff { message, .. }) => println!("-- not yet: {message}; trying again"),
        Event::Session(session::Event::Disconnected { reason }) => {
            if let Some(failure) = Failure::of_link_end(reason) {
                return Err(failure);
            }
            println!("-- {}; trying again", reason_text(reason));
        }
        Event::Session(session::Event::Connected { transport, .. }) => println!("-- connected by {}", transport.name()),
        Event::Session(session::Event::SendFailed { message, .. }) => println!("-- not sent: {message}"),
        Event::Session(_) => {}
    }
    Ok(())
}

fn title(chat: &names::Chat) -> String {
    match chat {
        names::Chat::User(name) => name.to_string(),
        names::Chat::Group(group) => format!("group {group}"),
        names::Chat::Notices => "notices".to_owned(),
    }
}

fn text_of(message: &Message) -> String {
    let record = &message.record;
    let content = match record.content.kind {
        ContentKind::TEXT => printable(&String::from_utf8_lossy(&record.content.body)),
        ContentKind::EVENT => format!("({})", what_happened(&record.content.body)),
        ContentKind::RETRACTED => "(taken back)".to_owned(),
        ContentKind::AMENDED => format!("({})", what_became(&record.content.body)),
        ContentKind::NOTICE => format!("({})", what_is_told(message)),
        _ => "(a message that this program cannot show)".to_owned(),
    };
    let from = if record.from.is_empty() { "server" } else { &*record.from };
    match &message.chat {
        names::Chat::User(_) => format!("<{from}> {content}"),
        names::Chat::Group(group) => format!("[{group}] <{from}> {content}"),
        names::Chat::Notices => content,
    }
}

fn what_happened(body: &[u8]) -> String {
    let Ok(event) = postcard::from_bytes::<GroupEvent>(body) else { return "the group changed".to_owned() };
    let by = if event.by.is_empty() { "an app server" } else { &event.by };
    let users = event.users.join(", ");
    match event.kind {
        GroupEventKind::CREATED => format!("{by} made the group with {users}"),
        GroupEventKind::LEFT => format!("{users} left"),
        GroupEventKind::ADDED => format!("{by} added {users}"),
        GroupEventKind::REMOVED => format!("{by} removed {users}"),
        GroupEventKind::DISSOLVED => format!("{by} dissolved the group"),
        GroupEventKind::SILENCE => format!("{by} changed whether {users} may speak"),
        GroupEventKind::ADMINS => format!("{by} changed the admins: {users}"),
        GroupEventKind::OWNER => format!("{by} passed the group on to {users}"),
        GroupEventKind::ANNOUNCED => format!("{by} published an announcement"),
        GroupEventKind::BANNED => format!("{by} banned {users}"),
        GroupEventKind::UNBANNED => format!("{by} lets {users} come back"),
        _ => "the group changed".to_owned(),
    }
}

fn what_is_told(message: &Message) -> String {
    let Some(notice) = message.notice() else { return "something changed".to_owned() };
    let by = if notice.by.is_empty() { "an app server" } else { &notice.by };
    let reason = if notice.text.is_empty() { String::new() } else { format!(": {}", printable(&notice.text)) };
    match (notice.kind, notice.detail) {
        (NoticeKind::FRIEND_REQUEST, 1) => format!("{by} wants to be your friend{reason}"),
        (NoticeKind::FRIEND_REQUEST, 2) => format!("{by} is your friend now"),
        (NoticeKind::FRIEND_REQUEST, _) => format!("{by} does not want to be your friend{reason}"),
        (NoticeKind::FRIEND_REMOVED, _) => format!("{by} ended a friendship"),
        (NoticeKind::JOIN_REQUEST, _) => format!("{by} asks about group {}{reason}", notice.group),
        (NoticeKind::JOIN_REFUSED, _) => format!("{by} refused, group {}{reason}", notice.group),
        (NoticeKind::OWN_READS, _) => "you have read messages on another device".to_owned(),
        _ => format!("{by} changed your settings"),
    }
}

fn what_became(body: &[u8]) -> String {
    let Some(told) = Amendment::from_bytes(body) else { return "a message was changed".to_owned() };
    let by = if told.by.is_empty() { "an app server" } else { &told.by };
    let text = told.content.as_ref().and_then(Content::as_text).map(printable);
    match (told.kind, text) {
        (AmendmentKind::RETRACTED, _) => format!("{by} took back message {}", told.position),
        (AmendmentKind::ERASED, _) => format!("{by} erased message {}", told.position),
        (AmendmentKind::EDITED, Some(text)) => format!("{by} changed message {} to: {text}", told.position),
        (AmendmentKind::EDITED, None) => format!("{by} changed message {}", told.position),
        _ => format!("{by} did something to message {}", told.position),
    }
}

/// A message must not be able to write over the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use anser_protocol::extension::Extensions;
    use anser_protocol::frame::chat::Record;

    use super::*;

    fn shown(from: &str, kind: ContentKind, body: Vec<u8>) -> String {
        let content = Content { kind, body, extensions: Extensions::default() };
        let record = Record { position: Position(20), at_ms: 0, from: from.into(), outbox: 0, content };
        text_of(&Message { user: "alice".into(), chat: names::Chat::User("bob".into()), record })
    }

    #[test]
    fn what_became_of_a_message_is_shown_as_what_it_is() {
        let told = |kind, text: Option<&str>| {
            let content = text.map(Content::text);
            Amendment { position: Position(7), kind, by: "bob".into(), content }.to_bytes()
        };
        assert_eq!(shown("bob", ContentKind::RETRACTED, vec![]), "<bob> (taken back)");
        let retracted = told(AmendmentKind::RETRACTED, None);
        assert_eq!(shown("", ContentKind::AMENDED, retracted), "<server> (bob took back message 7)");
        let edited = told(AmendmentKind::EDITED, Some("x\u{7}y"));
        assert_eq!(shown("", ContentKind::AMENDED, edited), "<server> (bob changed message 7 to: x\u{fffd}y)");
        let erased = told(AmendmentKind::ERASED, None);
        assert_eq!(shown("", ContentKind::AMENDED, erased), "<server> (bob erased message 7)");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
    }
}
