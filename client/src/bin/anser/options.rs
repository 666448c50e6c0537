//! Flags that every command takes.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;

use anser_client::session::Transport;
use anser_client::shell::{Choice, Dialer, Trust};
use anser_protocol::content::Platform;
use anser_protocol::limits::REGISTRATION_ID_BYTES_MAX;
use anser_protocol::traits::{TraitKind, Traits};
use clap::builder::OsStringValueParser;
use clap::{Args, ValueEnum};

use crate::failure::Failure;

#[derive(Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// Address of the server, host:port
    #[arg(long, global = true, env = "ANSER_SERVER", default_value = "localhost:8443", value_name = "HOST:PORT")]
    pub server: String,
    /// The app to be a client of, as "anserd app create" printed it
    #[arg(long, global = true, env = "ANSER_APP_KEY", value_name = "KEY")]
    app_key: Option<String>,
    /// PEM file of the authority that signed the server's certificate [default: the system's authorities]
    #[arg(long, global = true, env = "ANSER_CA", value_name = "FILE", value_parser = OsStringValueParser::new())]
    ca: Option<OsString>,
    /// Accept any certificate: for trying things only, anybody on the way can read along
    #[arg(long, global = true)]
    insecure: bool,
    /// How to connect; auto tries QUIC, TCP and WebSocket and takes what comes through first
    #[arg(long, global = true, value_enum, default_value_t = TransportChoice::Auto)]
    transport: TransportChoice,
    /// What kind of device this is when it first registers: android, ios, hmos, winphone, quickapp, web or desktop
    #[arg(long, global = true, default_value = "desktop", value_name = "NAME", value_parser = parse_platform)]
    pub platform: Platform,
    /// What this device tells of itself, for segments and statistics: app_version, os_version, model, language, channel
    #[arg(long, global = true, value_name = "NAME=VALUE")]
    tell: Vec<String>,
    /// Registration id that this device had at another push service; a device that is new here keeps it, with its alias and
    /// tags, where the server waits for it
    #[arg(long, alias = "former-registration-id", global = true, value_name = "ID")]
    old_registration_id: Option<String>,
    /// Folder for devices' state; each user gets a device of its own in it [default: ~/.local/state/anser]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub state_dir: Option<PathBuf>,
    /// Print JSON, one object per line
    #[arg(long, global = true)]
    pub json: bool,
    /// The user's password [default: ANSER_PASSWORD, else the session stored by an earlier login, else a prompt]
    #[arg(long, global = true, env = "ANSER_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    pub password: Option<String>,
    /// Instead of a password: a token that the app's own server signed for the user
    #[arg(
        long,
        global = true,
        env = "ANSER_SIGNED_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN",
        conflicts_with = "password"
    )]
    pub signed_token: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TransportChoice {
    Auto,
    Quic,
    Tcp,
    Ws,
}

impl Global {
    pub fn app_key(&self) -> Result<&str, Failure> {
        let missing =
            "which app? Give --app-key KEY or set ANSER_APP_KEY; \"anserd app list\" on the server shows the keys";
        self.app_key.as_deref().filter(|key| !key.is_empty()).ok_or_else(|| Failure::usage(missing))
    }

    pub fn traits(&self) -> Result<Traits, Failure> {
        let names = TraitKind::ALL.map(TraitKind::name).join(", ");
        self.tell.iter().try_fold(Traits::default(), |traits, told| {
            let kind = told.split_once('=').and_then(|(name, value)| {
                let kind = TraitKind::ALL.into_iter().find(|kind| kind.name() == name)?;
                Some((kind, value))
            });
            let Some((kind, value)) = kind else {
                return Err(Failure::usage(format!("--tell {told:?} must be NAME=VALUE, NAME one of {names}")));
            };
            traits.with(kind, value).map_err(|invalid| Failure::usage(invalid.to_string()))
        })
    }

    pub fn former_registration_id(&self) -> Result<Option<String>, Failure> {
        match &self.old_registration_id {
            Some(id) if !(1..=REGISTRATION_ID_BYTES_MAX).contains(&id.len()) => {
                Err(Failure::usage("--old-registration-id has 1 to 64 bytes"))
            }
            id => Ok(id.clone()),
        }
    }

    pub fn dialer(&self) -> Result<Dialer, Failure> {
        // A variable that is set to nothing is one that is not set.
        let trust = match (self.ca.as_ref().filter(|path| !path.is_empty()), self.insecure) {
            (_, true) => {
                eprintln!("anser: warning: --insecure accepts any certificate; anybody on the way can read along");
                Trust::Anybody
            }
            (Some(path), false) => Trust::CaFile(path.into()),
            (None, false) => Trust::System,
        };
        let choice = match self.transport {
            TransportChoice::Auto => Choice::Race,
            TransportChoice::Quic => Choice::Only(Transport::Quic),
            TransportChoice::Tcp => Choice::Only(Transport::Tcp),
            TransportChoice::Ws => Choice::Only(Transport::WebSocket),
        };
        Ok(Dialer::new(&self.server, &trust, choice)?)
    }
}

fn parse_platform(text: &str) -> Result<Platform, String> {
    let known = Platform::NAMES.iter().find(|(_, name)| *name == text);
    known.map(|(platform, _)| *platform).ok_or_else(|| {
        let names = Platform::NAMES.map(|(_, name)| name).join(", ");
        format!("it must be one of {names}")
    })
}

/// Asks at the terminal, without showing what is typed.
pub fn ask_password(question: &str) -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("a password is needed: give --password or set ANSER_PASSWORD"));
    }
    rpassword::prompt_password(question).map_err(|error| Failure::new(format!("cannot read the password: {error}")))
}
