//! `anser upload` and `anser download`: files that users share.

use std::path::PathBuf;

use anser_client::shell::{Download as Wanted, MediaError, Upload as Given};
use anser_protocol::frame::media::MediaKind;
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::options::Global;

/// Put a file on the server, to be named in a message; what is there of an earlier attempt is not sent again
#[derive(Args)]
#[command(after_help = "Examples:
  anser upload --user alice --kind image goose.jpg
  anser upload --user alice --kind image --thumb-of qiniu/image/r/… small.jpg")]
pub struct Upload {
    /// Whose file
    #[arg(long, value_name = "USER")]
    user: String,
    /// What it is
    #[arg(long, value_enum, default_value = "file")]
    kind: Kind,
    /// It is a small picture of this earlier upload
    #[arg(long, value_name = "MEDIA_ID", default_value = "")]
    thumb_of: String,
    file: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Image,
    File,
    Voice,
}

/// Get what a message names by its media_id; goes on where an earlier attempt broke off
#[derive(Args)]
#[command(after_help = "Example:
  anser download --user bob qiniu/image/r/00112233445566778899AABBCCDDEEFF goose.jpg")]
pub struct Download {
    /// Who asks
    #[arg(long, value_name = "USER")]
    user: String,
    /// The small picture, if there is one
    #[arg(long)]
    thumb: bool,
    media_id: String,
    into: PathBuf,
}

impl Upload {
    pub async fn run(self, global: &Global) -> Result<(), Failure> {
        let mut connection = Connection::to_ask(global, Some(&self.user))?;
        connection.log_in(global, &self.user).await?;
        let kind = match self.kind {
            Kind::Image => MediaKind::IMAGE,
            Kind::File => MediaKind::FILE,
            Kind::Voice => MediaKind::VOICE,
        };
        let upload = Given { kind, path: self.file, name: String::new(), thumb_of: self.thumb_of };
        let uploaded = connection.client.upload(upload, |_| {}).await.map_err(failed)?;
        match global.json {
            true => println!("{}", uploaded.body),
            false => println!("{}", uploaded.media_id),
        }
        connection.close().await;
        Ok(())
    }
}

impl Download {
    pub async fn run(self, global: &Global) -> Result<(), Failure> {
        let mut connection = Connection::to_ask(global, Some(&self.user))?;
        connection.log_in(global, &self.user).await?;
        let wanted = Wanted { media_id: self.media_id, thumb: self.thumb, into: self.into };
        let downloaded = connection.client.download(wanted, |_| {}).await.map_err(failed)?;
        if global.json {
            let (bytes, crc32, is_thumb) = (downloaded.bytes, downloaded.crc32, downloaded.is_thumb);
            println!("{}", json!({"bytes": bytes, "crc32": crc32, "is_thumb": is_thumb}));
        }
        connection.close().await;
        Ok(())
    }
}

fn failed(error: MediaError) -> Failure {
    Failure::new(error.to_string())
}
