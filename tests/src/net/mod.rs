//! The real daemon and the real client in two networks with a cable between them. Needs root, iproute2 and nftables.
//!
//! A [`story`] is told where the device is: what it opens are the device's sockets. [`Place::at_server`] is the other end.

mod cable;
mod gate;
mod namespace;
mod phone;

use std::ffi::OsString;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;

use anser_client::session::Transport;
use anser_client::shell::{Choice, Dialer, Trust};
use tempfile::TempDir;
use tokio::runtime::Handle;

use crate::daemon::{App, Daemon, Plan};

pub use cable::{Blocked, Cable, FIRST, SECOND, SERVER};
pub use gate::open as open_gate;
pub use phone::{Happened, PATIENCE, Phone};

/// Both ends, with a daemon at one.
pub struct Place {
    pub cable: Cable,
    pub daemon: Daemon,
    pub app: App,
    server: Handle,
    folder: TempDir,
}

/// Why no story can be told on this machine, if so.
pub fn why_not() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("network namespaces need root".to_owned());
    }
    Cable::lay().err().map(|error| format!("no cable can be laid: {error}"))
}

/// Lays a cable, starts a daemon with these settings at one end, and tells the story at the other.
pub fn story<F, Telling>(settings: &[(&str, &str)], tell: F)
where
    F: FnOnce(Arc<Place>) -> Telling + Send + 'static,
    Telling: Future<Output = ()> + Send + 'static,
{
    let cable = Cable::lay().expect("it was tried before");
    let server = cable.server.runtime().expect("a thread can be had");
    let device = cable.device.runtime().expect("a thread can be had");
    let settings: Vec<_> = settings.iter().map(|(name, value)| (name.into(), value.into())).collect();
    let at_server = server.handle().clone();
    let telling = device.spawn(async move {
        let place = Place::open(cable, at_server, settings).await.expect("the daemon starts");
        tell(Arc::new(place)).await;
    });
    if let Err(failed) = device.block_on(telling) {
        resume_unwind(failed.into_panic());
    }
}

impl Place {
    async fn open(cable: Cable, server: Handle, settings: Vec<(OsString, OsString)>) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut plan = Plan::new(&folder.path().join("data"), &folder.path().join("log"));
        plan.listen = (SERVER, 0).into();
        plan.environment.push(("ANSER_TLS_NAMES".into(), SERVER.to_string().into()));
        // What a password costs is shown elsewhere.
        plan.environment
            .extend([("ANSER_PASSWORD_MEMORY_KIB".into(), "8".into()), ("ANSER_PASSWORD_PASSES".into(), "1".into())]);
        plan.environment.extend(settings);
        let daemon = server.spawn(Daemon::start_as(plan)).await.map_err(io::Error::other)??;
        let app = daemon.create_app("shop").await?;
        Ok(Self { cable, daemon, app, server, folder })
    }

    /// Does something at the server's end of the cable.
    pub async fn at_server<T: Send + 'static>(&self, what: impl Future<Output = T> + Send + 'static) -> T {
        self.server.spawn(what).await.unwrap_or_else(|failed| resume_unwind(failed.into_panic()))
    }

    pub fn dialer(&self, choice: Choice) -> Dialer {
        self.dialer_to(self.daemon.address(), choice)
    }

    pub fn dialer_to(&self, address: SocketAddr, choice: Choice) -> Dialer {
        let trust = Trust::CaFile(self.daemon.ca().to_owned());
        Dialer::new(&address.to_string(), &trust, choice).expect("an address, and the daemon's authority")
    }

    /// A user's device, wherever this is awaited. It keeps its state for the next with the same name.
    pub async fn phone(&self, user: &str, choice: Choice) -> Phone {
        self.phone_by(self.dialer(choice), user).await
    }

    pub async fn phone_to(&self, address: SocketAddr, user: &str, choice: Choice) -> Phone {
        self.phone_by(self.dialer_to(address, choice), user).await
    }

    pub async fn phone_by(&self, dialer: impl Into<Arc<Dialer>>, user: &str) -> Phone {
        Phone::start(dialer, &self.app, user, &self.store_of(user))
    }

    pub fn store_of(&self, user: &str) -> PathBuf {
        self.folder.path().join(user)
    }

    /// A user's device next to the server, whose link nothing disturbs.
    pub async fn phone_at_server(&self, user: &'static str) -> Phone {
        let dialer = self.dialer(Choice::Only(Transport::Tcp));
        let (app, store) = (self.app.clone(), self.store_of(user));
        self.at_server(async move { Phone::start(dialer, &app, user, &store) }).await
    }

    /// A new folder for the state of a program.
    pub fn state_dir(&self) -> PathBuf {
        self.folder.path().join("state")
    }
}
