//! `anser send`: one message to a user or a group.

use std::path::{Path, PathBuf};

use anser_client::content;
use anser_client::session::SendError;
use anser_client::shell::{Client, MediaError, Upload};
use anser_protocol::content::Content;
use anser_protocol::frame::media::MediaKind;
use anser_protocol::ids::GroupId;
use anser_protocol::names::Chat;
use anser_protocol::options::{Mentions, NoticeOverride, SendOptions};
use clap::Args;
use serde_json::{Map, Value, json};

use crate::connection::Connection;
use crate::failure::Failure;
use crate::lines::chat_value;
use crate::options::Global;

/// Send a message to a user or to a group
#[derive(Args)]
#[command(after_help = "Examples:
  anser send --user alice --to bob --text 'Hello, Bob'
  anser send --user alice --group 10000000 --text 'Hello, all' --at bob
  anser send --user alice --to bob --image goose.jpg --thumb small.jpg
  anser send --user alice --to bob --location 31.23,121.47,Shanghai

It ends when the message is on the server's disk. What is uploaded is got with 'anser download'.")]
pub struct Send {
    /// Who sends
    #[arg(long, value_name = "USER")]
    user: String,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    how: How,
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

#[derive(Args)]
#[group(required = true, multiple = false)]
struct What {
    /// What to say: at most 4096 bytes
    #[arg(long)]
    text: Option<String>,
    /// A picture, which is uploaded first
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// A recording, which is uploaded first; needs --seconds
    #[arg(long, value_name = "FILE", requires = "seconds")]
    voice: Option<PathBuf>,
    /// Any file, which is uploaded first
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// A film, which is uploaded first; needs --seconds
    #[arg(long, value_name = "FILE", requires = "seconds")]
    video: Option<PathBuf>,
    /// A place in degrees, with its name, as 31.23,121.47,Shanghai
    #[arg(long, value_name = "LAT,LON,LABEL", value_parser = place, allow_hyphen_values = true)]
    location: Option<Place>,
    /// A JSON object that only the application understands
    #[arg(long, value_name = "JSON", value_parser = object)]
    custom: Option<Object>,
}

/// How it is to be handled.
#[derive(Args)]
struct How {
    /// How long a recording or a film is
    #[arg(long, value_name = "N")]
    seconds: Option<u32>,
    /// A small picture of the image or of the film
    #[arg(long, value_name = "FILE")]
    thumb: Option<PathBuf>,
    /// A JSON object beside the content
    #[arg(long, value_name = "JSON", value_parser = object)]
    extras: Option<Object>,
    /// Whoever is not connected now never gets it
    #[arg(long)]
    no_offline: bool,
    /// It shows no system notice and wakes no device
    #[arg(long)]
    no_notification: bool,
    /// Ask who has read it
    #[arg(long)]
    receipt: bool,
    /// A member of the group who is meant in particular; may be given several times
    #[arg(long, value_name = "USER", conflicts_with = "at_all")]
    at: Vec<String>,
    /// All members of the group are meant in particular
    #[arg(long)]
    at_all: bool,
    /// How the sender is called in the receiver's notice
    #[arg(long, value_name = "NAME", default_value = "")]
    from_name: String,
    /// The title of the receiver's notice
    #[arg(long, value_name = "TITLE", default_value = "")]
    notice: String,
    /// The text of the receiver's notice
    #[arg(long, value_name = "TEXT", default_value = "")]
    alert: String,
}

type Object = Map<String, Value>;

#[derive(Clone)]
struct Place {
    latitude: f64,
    longitude: f64,
    label: String,
}

/// Of a map that shows a town.
const SCALE: f64 = 16.0;

impl Target {
    fn chat(&self) -> Chat {
        chat_of(self.to.as_deref(), self.group)
    }
}

/// Of two options the one that is given.
pub fn chat_of(user: Option<&str>, group: Option<u32>) -> Chat {
    match group {
        Some(group) => Chat::Group(GroupId(group)),
        None => Chat::User(user.unwrap_or_default().into()),
    }
}

impl How {
    fn options(&self) -> SendOptions {
        let mentions = match (self.at_all, self.at.is_empty()) {
            (true, _) => Mentions::Everybody,
            (false, true) => Mentions::Nobody,
            (false, false) => Mentions::Users(self.at.clone()),
        };
        SendOptions {
            no_offline: self.no_offline,
            no_notification: self.no_notification,
            notice: NoticeOverride {
                title: self.notice.clone(),
                alert: self.alert.clone(),
                ..NoticeOverride::default()
            },
            needs_receipt: self.receipt,
            from_name: self.from_name.clone(),
            mentions,
            ..SendOptions::default()
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
        let mut content = self.content(&client).await?;
        if let Some(extras) = &self.how.extras {
            content = content::with_extras(content, extras).map_err(not_made)?;
        }
        let sending = client.send(self.target.chat(), self.how.options().add_to(content));
        match connection.watched(sending).await {
            Ok(result) => Ok(result?),
            Err(failure) => Err(Failure::new(format!(
                "{failure}\nThe message is kept on this device and goes out when {} is next logged in here.",
                self.user
            ))),
        }
    }

    async fn content(&self, client: &Client) -> Result<Content, Failure> {
        let What { text, image, voice, file, video, location, custom } = &self.what;
        let seconds = self.how.seconds.unwrap_or_default();
        let made = if let Some(path) = image {
            let media = upload(client, MediaKind::IMAGE, path, "").await?;
            if let Some(thumb) = &self.how.thumb {
                let of = media["media_id"].as_str().unwrap_or_default();
                upload(client, MediaKind::IMAGE, thumb, of).await?;
            }
            content::image(&media)
        } else if let Some(path) = voice {
            content::voice(&upload(client, MediaKind::VOICE, path, "").await?, seconds)
        } else if let Some(path) = file {
            content::file(&upload(client, MediaKind::FILE, path, "").await?, "")
        } else if let Some(path) = video {
            let media = upload(client, MediaKind::FILE, path, "").await?;
            let thumb = match &self.how.thumb {
                Some(path) => Some(upload(client, MediaKind::IMAGE, path, "").await?),
                None => None,
            };
            content::video(&media, "", seconds.into(), thumb.as_ref())
        } else if let Some(Place { latitude, longitude, label }) = location {
            content::location(*latitude, *longitude, SCALE, label)
        } else if let Some(custom) = custom {
            Ok(content::custom(custom))
        } else {
            content::text(text.as_deref().unwrap_or_default())
        };
        made.map_err(not_made)
    }
}

/// A large file takes its time: nobody waits for it with impatience.
async fn upload(client: &Client, kind: MediaKind, path: &Path, thumb_of: &str) -> Result<Value, Failure> {
    let upload = Upload { kind, path: path.to_owned(), name: String::new(), thumb_of: thumb_of.to_owned() };
    let uploaded = client.upload(upload, |_| {}).await;
    uploaded.map(|uploaded| uploaded.body).map_err(|error: MediaError| Failure::new(error.to_string()))
}

fn not_made(error: SendError) -> Failure {
    Failure::new(error.to_string())
}

fn place(text: &str) -> Result<Place, String> {
    let mut parts = text.splitn(3, ',');
    let mut degrees = || parts.next()?.trim().parse::<f64>().ok();
    let (latitude, longitude) = (degrees(), degrees());
    match (latitude, longitude, parts.next()) {
        (Some(latitude), Some(longitude), Some(label)) => Ok(Place { latitude, longitude, label: label.to_owned() }),
        _ => Err("it is no place like 31.23,121.47,Shanghai".to_owned()),
    }
}

fn object(text: &str) -> Result<Object, String> {
    serde_json::from_str(text).map_err(|error| format!("it is no JSON object: {error}"))
}
