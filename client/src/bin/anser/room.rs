//! `anser room`: going into chat rooms, and what is said and done there.

use std::io::Write;
use std::time::Duration;

use anser_client::session::{self, Answer, Request};
use anser_client::shell::Event;
use anser_protocol::content::Content;
use anser_protocol::frame::room::{RoomSummary, RoomUser};
use anser_protocol::ids::RoomId;
use anser_protocol::room::{RoomChangeKind, RoomRole};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::failure::Failure;
use crate::lines::line;
use crate::options::Global;
use crate::signals::asked_to_end;

/// Enter chat rooms, speak there, and say who may
#[derive(Args)]
#[command(after_help = "Examples:
  anser room --user alice list
  anser room --user alice enter 10000001            prints what is said there, until it is ended
  anser room --user alice send 10000001 'Hello, all'
  anser room --user alice silence 10000001 10m bob
  anser room --user alice leave 10000001

App servers make rooms: POST /v1/chatroom. Who enters stays a member, also when the command ends, until they leave.")]
pub struct Room {
    /// Who does it
    #[arg(long, value_name = "USER", global = true)]
    user: Option<String>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Go in, and print the newest messages and all that follow as JSON lines
    Enter { room: u32 },
    /// Go out for good
    Leave { room: u32 },
    /// Send a message; the user must be a member
    Send {
        room: u32,
        /// What to say: at most 4096 bytes
        text: String,
    },
    /// Print the rooms of the app
    List {
        /// So many are left out
        #[arg(long, default_value_t = 0)]
        start: u32,
        /// At most so many, up to 200
        #[arg(long, default_value_t = 200)]
        count: u32,
    },
    /// Print the rooms that the user is a member of
    Mine,
    /// Print what these rooms are
    Info {
        #[arg(required = true)]
        rooms: Vec<u32>,
    },
    /// Print who is in a room
    Members(Page),
    /// Print a room's admins
    Admins(Page),
    /// Print who is on a room's blacklist
    Blacklist(Page),
    /// Print who may not speak in a room
    Silences(Page),
    /// Print whether a user may speak in a room
    Silenced { room: u32, username: String },
    /// Make members admins; only the owner may
    Appoint(Named),
    /// Make admins plain members; only the owner may
    Dismiss(Named),
    /// Put users on the blacklist, and out of the room
    Block(Named),
    /// Take users from the blacklist
    Unblock(Named),
    /// Let members not speak for a while
    Silence {
        room: u32,
        /// How long: 5m to 366d
        #[arg(value_parser = parse_span)]
        span: Duration,
        #[arg(required = true)]
        users: Vec<String>,
    },
    /// Let them speak again
    Unsilence(Named),
}

#[derive(Args)]
struct Page {
    room: u32,
    /// So many are left out
    #[arg(long, default_value_t = 0)]
    start: u32,
    /// At most so many, up to 200
    #[arg(long, default_value_t = 200)]
    count: u32,
}

#[derive(Args)]
struct Named {
    room: u32,
    #[arg(required = true)]
    users: Vec<String>,
}

/// `90s`, `10m`, `2h`, `7d`.
fn parse_span(text: &str) -> Result<Duration, String> {
    let units = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400)];
    let seconds = units.iter().find_map(|(unit, seconds)| {
        let number: u64 = text.strip_suffix(*unit)?.parse().ok()?;
        number.checked_mul(*seconds)
    });
    seconds.map(Duration::from_secs).ok_or_else(|| "must be a number with s, m, h or d behind it".to_owned())
}

impl Page {
    fn request(self, role: Option<RoomRole>) -> Request {
        Request::RoomMembers { room: RoomId(self.room), role, start: self.start, count: self.count }
    }
}

impl Named {
    fn request(self, role: RoomRole, is_given: bool) -> Request {
        Request::RoomChange { room: RoomId(self.room), role, is_given, users: self.users, for_ms: 0 }
    }
}

impl Action {
    /// Of all but going in and speaking.
    fn request(self) -> Request {
        match self {
            Self::Enter { room } | Self::Send { room, .. } => Request::RoomEnter { room: RoomId(room) },
            Self::Leave { room } => Request::RoomLeave { room: RoomId(room) },
            Self::List { start, count } => Request::RoomList { start, count },
            Self::Mine => Request::MyRooms,
            Self::Info { rooms } => Request::RoomInfo { rooms: rooms.into_iter().map(RoomId).collect() },
            Self::Members(page) => page.request(None),
            Self::Admins(page) => page.request(Some(RoomRole::ADMIN)),
            Self::Blacklist(page) => page.request(Some(RoomRole::BLOCKED)),
            Self::Silences(page) => page.request(Some(RoomRole::SILENCED)),
            Self::Silenced { room, username } => Request::RoomSilence { room: RoomId(room), username },
            Self::Appoint(named) => named.request(RoomRole::ADMIN, true),
            Self::Dismiss(named) => named.request(RoomRole::ADMIN, false),
            Self::Block(named) => named.request(RoomRole::BLOCKED, true),
            Self::Unblock(named) => named.request(RoomRole::BLOCKED, false),
            Self::Silence { room, span, users } => Request::RoomChange {
                room: RoomId(room),
                role: RoomRole::SILENCED,
                is_given: true,
                users,
                for_ms: u64::try_from(span.as_millis()).unwrap_or(u64::MAX),
            },
            Self::Unsilence(named) => named.request(RoomRole::SILENCED, false),
        }
    }
}

impl Room {
    pub async fn run(self, global: &Global) -> Result<(), Failure> {
        let user = self.user.ok_or_else(|| Failure::usage("who? Give --user USER"))?;
        let mut connection = Connection::to_ask(global, Some(&user))?;
        let done = match connection.log_in(global, &user).await {
            Ok(()) => act(&mut connection, self.action, global.json).await,
            Err(failure) => Err(failure),
        };
        connection.close().await;
        done
    }
}

async fn act(connection: &mut Connection, action: Action, as_json: bool) -> Result<(), Failure> {
    match action {
        Action::Send { room, text } => {
            let client = connection.client.clone();
            let sent = connection.watched(client.send_to_room(RoomId(room), Content::text(&text))).await??;
            if as_json {
                println!(
                    "{}",
                    json!({"event": "sent", "room": room, "msg_id": sent.position.0, "time_ms": sent.at_ms})
                );
            } else {
                println!("sent, msg_id {}", sent.position);
            }
        }
        Action::Enter { room } => {
            connection.ask(Request::RoomEnter { room: RoomId(room) }).await?;
            tokio::select! {
                result = print_all(connection, RoomId(room)) => result?,
                () = asked_to_end() => {}
            }
        }
        action => print(connection.ask(action.request()).await?, as_json),
    }
    Ok(())
}

/// What happens in the room, until the user is put out of it.
async fn print_all(connection: &mut Connection, room: RoomId) -> Result<(), Failure> {
    while let Some(event) = connection.events.next().await {
        let lines = match &event {
            Event::Session(session::Event::RoomMessages { room: of, records }) if *of == room => {
                records.iter().map(|record| crate::lines::room_message_line(room, record)).collect()
            }
            Event::Session(session::Event::RoomChanged { room: of, .. }) if *of == room => {
                line(&event).into_iter().collect()
            }
            Event::Session(session::Event::RoomEvent { room: of, .. }) if *of == room => {
                line(&event).into_iter().collect()
            }
            Event::StoreFailed(error) => return Err(Failure::new(error.to_string())),
            _ => Vec::<Value>::new(),
        };
        let mut out = std::io::stdout().lock();
        for line in lines {
            let written = writeln!(out, "{line}").and_then(|()| out.flush());
            written.map_err(|error| Failure::new(format!("cannot print: {error}")))?;
        }
        if let Event::Session(session::Event::RoomChanged { room: of, kind }) = event
            && of == room
            && kind != RoomChangeKind::ADDED
        {
            return Err(Failure::new("out of the room"));
        }
    }
    Err(Failure::new("the client has ended"))
}

fn print(answer: Answer, as_json: bool) {
    match answer {
        Answer::Rooms { rooms, .. } if as_json => rooms.iter().for_each(|room| println!("{}", room_value(room))),
        Answer::Rooms { rooms, .. } => {
            for RoomSummary { room, name, owner, members, members_max, .. } in rooms {
                println!("{room}  {name}  (owner {owner}, {members} of {members_max} members)");
            }
        }
        Answer::RoomUsers { total, users } if as_json => {
            let users: Vec<Value> = users.iter().map(user_value).collect();
            println!("{}", json!({"total": total, "users": users}));
        }
        Answer::RoomUsers { users, .. } => {
            for RoomUser { username, silent_until_ms } in users {
                println!("{username}{}", if silent_until_ms > 0 { "  (silenced)" } else { "" });
            }
        }
        _ if as_json => println!("{}", json!({"event": "done"})),
        _ => println!("done"),
    }
}

fn room_value(room: &RoomSummary) -> Value {
    json!({
        "room": room.room.0, "name": room.name, "description": room.description, "owner": room.owner,
        "members": room.members, "members_max": room.members_max, "created_ms": room.created_ms,
    })
}

fn user_value(user: &RoomUser) -> Value {
    let mut value = json!({"username": user.username});
    match user.silent_until_ms {
        0 => {}
        u64::MAX => value["silent_until_ms"] = Value::Null,
        until_ms => value["silent_until_ms"] = until_ms.into(),
    }
    value
}
