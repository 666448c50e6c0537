//! The daemon as a whole: put together, ready, drained, closed.

pub mod named_files;
mod reload;
mod signal;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anser_storage::command::{Command, SystemCommand};
use anser_storage::crash_point::{CrashPoint, pass};
use anser_storage::{OpenError, Options, Store, Writer, WriterHandle, WriterOptions};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::admin;
use crate::app_callback::{self, Feed};
use crate::attendance;
use crate::backup::Backups;
use crate::bridge::{self, AppServers, BridgeError, Bridges, Callbacks};
use crate::callback;
use crate::clearing::Clearing;
use crate::clock::now_ms;
use crate::config::{Config, Current};
use crate::console::demo::Demo;
use crate::context::{Context, Shared};
use crate::data_dir::{DataDir, DataDirError};
use crate::followup;
use crate::keys::Keys;
use crate::ledger::{Ledger, Unavailable};
use crate::link::quic::{self, QuicError};
use crate::link::session::{Heartbeat, MediaRules, Rules};
use crate::link::{Links, TransportRules};
use crate::listen::{self, BindError, Bound, Given, GivenError};
use crate::media::{Media, sweep};
use crate::observe::{Observer, daily, listener};
use crate::operator::{Operators, set_up};
use crate::password::{Passwords, Upgrades, upgrades};
use crate::removal::{self, Removals};
use crate::rest::known::KnownApps;
use crate::rest::rate::Rates;
use crate::rest::{Rest, Walks};
use crate::retention;
use crate::schedule::{self, Alarm};
use crate::scrub::{self, Scrubs};
use crate::shutdown::{ShutdownSwitch, shutdown};
use crate::slow_pushes;
use crate::switchboard::{Dispatcher, Switchboard};
use crate::tls::{self, CertificateError, Certificates};
use crate::watchdog;

pub use reload::{ReadSettings, Reload, Reloaded};
pub use signal::{Asked, Signals};

/// Work in flight gets this long after the daemon was asked to stop.
const DRAIN_WITHIN: Duration = Duration::from_secs(10);
/// Devices come back after so long and a random part of the same length: a restart is over by then.
const RETRY_AFTER_MS: u32 = 1000;

/// A daemon that serves.
pub struct Daemon {
    context: Shared,
    switch: ShutdownSwitch,
    writer: WriterHandle,
    listen: Vec<SocketAddr>,
    plain_listen: Vec<SocketAddr>,
    metrics_listen: Vec<SocketAddr>,
    authority: Option<PathBuf>,
    /// Held last: another daemon may start when it is gone.
    _data_dir: DataDir,
}

#[derive(Debug, Error)]
pub enum StartError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error("the daemon's key cannot be used: {0}")]
    Keys(io::Error),
    #[error("the folder of media cannot be used: {0}. Give it to this user (`chown`)")]
    Media(io::Error),
    #[error("callbacks cannot be set up: {0}")]
    Callback(#[source] BridgeError),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error("a bridge cannot be set up: {0}")]
    Bridge(#[source] BridgeError),
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    #[error(transparent)]
    Quic(#[from] QuicError),
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(transparent)]
    Given(#[from] GivenError),
    #[error(transparent)]
    Store(#[from] OpenError),
    #[error("the store does not accept the start: {0}. If the disk is full, make room and start again")]
    Unavailable(#[from] Unavailable),
    #[error("the admin socket cannot be made in {}: {source}. Its path must stay below 108 bytes; choose a shorter data folder", data_dir.display())]
    Admin { data_dir: PathBuf, source: io::Error },
    #[error("the system gives no more threads or descriptors: {0}")]
    System(io::Error),
}

impl StartError {
    /// Would the same start fail again until somebody does something? A supervisor then need not try.
    pub fn is_lasting(&self) -> bool {
        matches!(
            self,
            Self::DataDir(DataDirError::Unfinished { .. })
                | Self::Keys(_)
                | Self::Bridge(_)
                | Self::Callback(_)
                | Self::Given(_)
                | Self::Certificate(CertificateError::Broken { .. } | CertificateError::Mismatch { .. })
                | Self::Store(OpenError::NewerFormat { .. } | OpenError::Damaged(_))
        )
    }
}

impl Daemon {
    /// Returns when everything serves.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let same = config.clone();
        Self::start_on(config, Given::default(), Box::new(move || Ok(same.clone()))).await
    }

    /// The same on sockets that the service manager opened, and on whatever else the settings name. A reload takes what
    /// `read` says then.
    pub async fn start_on(config: Config, given: Given, read: ReadSettings) -> Result<Self, StartError> {
        let data_dir = DataDir::open(&config.data_dir)?;
        data_dir.require_finished()?;
        let keys = Keys::open(data_dir.path()).map_err(StartError::Keys)?;
        let media = Media::open(data_dir.path(), &keys).map_err(StartError::Media)?;
        let callbacks = Callbacks::new(&config.callback).map_err(StartError::Callback)?;
        let app_servers = Arc::new(AppServers::new(&config).map_err(StartError::Callback)?);
        let started_ms = now_ms();
        let certificates = Certificates::open(&config.tls, data_dir.path())?;
        let bridges = Bridges::new(&config.bridges, data_dir.path()).map_err(StartError::Bridge)?;
        // Before the store is touched: a port in use is the most common reason not to start.
        let own = config.listen.iter().filter(|address| !given.covers(**address)).map(|address| listen::bind(*address));
        let own = own.collect::<Result<Vec<_>, _>>()?;
        let bound = given.into_bound().into_iter().chain(own).collect::<Vec<_>>();
        let plain =
            config.plain_listen.iter().map(|address| listen::bind_tcp(*address)).collect::<Result<Vec<_>, _>>()?;
        let figures =
            config.metrics_listen.iter().map(|address| listen::bind_tcp(*address)).collect::<Result<Vec<_>, _>>()?;
        let (switch, shutdown) = shutdown();
        let switchboard = Arc::new(Switchboard::default());
        let observer = Arc::<Observer>::default();
        let (writer, ledger) = open_store(&config, switchboard.clone(), observer.clone()).await?;
        let (upgrades, waiting) = Upgrades::new();
        let passwords = Passwords::new(&config.password, &keys);
        let links = Links::new(
            switchboard.clone(),
            ledger.clone(),
            passwords.clone(),
            upgrades.clone(),
            transport_rules(&config, &media),
            app_servers.clone(),
            observer.clone(),
        );
        let context = Arc::new(Context {
            operators: Operators::new(ledger.clone(), passwords.clone()),
            listen: bound.iter().map(|bound| bound.address).collect(),
            demo: Demo::default(),
            passwords,
            links: Arc::new(links.map_err(StartError::System)?),
            connections: Arc::new(Semaphore::new(config.limits.links)),
            clearing: Clearing::default(),
            removals: Removals::default(),
            started: Instant::now(),
            started_ms: now_ms(),
            config: Current::new(config),
            reload: Reload::new(read, certificates.clone()),
            keys,
            ledger,
            upgrades,
            switchboard,
            media,
            scrubs: Scrubs::default(),
            backups: Backups::default(),
            schedules: Alarm::default(),
            bridges,
            known_apps: KnownApps::default(),
            app_servers,
            walks: Walks::default(),
            rates: Rates::default(),
            observer,
            shutdown,
        });
        tokio::spawn(upgrades::run(waiting, context.passwords.clone(), context.ledger.clone()));
        let listen = bound.iter().map(|bound| bound.address).collect();
        let daemon = Self {
            authority: certificates.authority_file(),
            plain_listen: addresses(&plain),
            metrics_listen: addresses(&figures),
            context,
            switch,
            writer,
            listen,
            _data_dir: data_dir,
        };
        daemon.serve_admin()?;
        daemon.serve_network(bound, plain, &certificates)?;
        pass(CrashPoint::Listening);
        for tcp in figures {
            let tcp = TcpListener::from_std(tcp).map_err(StartError::System)?;
            tokio::spawn(listener::serve(tcp, daemon.context.clone()));
        }
        tokio::spawn(daemon.context.links.clone().sweep());
        tokio::spawn(retention::run(daemon.context.clone()));
        tokio::spawn(removal::run(daemon.context.clone()));
        set_up::begin(&daemon.context).await;
        tokio::spawn(set_up::run(daemon.context.clone()));
        tokio::spawn(scrub::run(daemon.context.clone()));
        tokio::spawn(sweep::run(daemon.context.clone()));
        tokio::spawn(attendance::run(daemon.context.clone()));
        tokio::spawn(schedule::job::run(daemon.context.clone()));
        tokio::spawn(slow_pushes::run(daemon.context.clone()));
        tokio::spawn(bridge::job::run(daemon.context.clone()));
        tokio::spawn(followup::run(daemon.context.clone()));
        tokio::spawn(callback::run(daemon.context.clone(), callbacks));
        for feed in Feed::ALL {
            tokio::spawn(app_callback::run(daemon.context.clone(), feed, started_ms));
        }
        tokio::spawn(daily::run(daemon.context.clone()));
        if let Some(acme) = daemon.context.config.tls.acme.clone() {
            let names = daemon.context.config.tls.names.clone();
            tokio::spawn(tls::acme::run(acme, names, certificates.clone(), daemon.context.clone()));
        }
        tokio::spawn(tls::watch::run(certificates, daemon.context.clone()));
        tokio::spawn(watchdog::run(daemon.context.ledger.clone()));
        Ok(daemon)
    }

    fn serve_admin(&self) -> Result<(), StartError> {
        let data_dir = &self.context.config.data_dir;
        let socket =
            admin::listen(data_dir).map_err(|source| StartError::Admin { data_dir: data_dir.clone(), source })?;
        tokio::spawn(socket.serve(self.context.clone()));
        Ok(())
    }

    fn serve_network(
        &self,
        bound: Vec<Bound>,
        plain: Vec<std::net::TcpListener>,
        certificates: &Arc<Certificates>,
    ) -> Result<(), StartError> {
        let acceptor = TlsAcceptor::from(tls::tcp_config(certificates.clone())?);
        let half_open = Arc::new(Semaphore::new(self.context.config.limits.half_open));
        let rest = Rest::new(&self.context);
        for bound in bound {
            let tcp = TcpListener::from_std(bound.tcp).map_err(StartError::System)?;
            let (acceptor, half_open) = (acceptor.clone(), half_open.clone());
            if let Some(udp) = bound.udp {
                let endpoint = quic::endpoint(udp, tls::quic_config(certificates.clone())?, &self.context.keys)?;
                tokio::spawn(quic::accept(endpoint, half_open.clone(), self.context.clone()));
            }
            tokio::spawn(listen::accept_tls(tcp, acceptor, half_open, rest.clone(), self.context.clone()));
        }
        for tcp in plain {
            let tcp = TcpListener::from_std(tcp).map_err(StartError::System)?;
            tokio::spawn(listen::accept_plain(tcp, rest.clone(), self.context.clone()));
        }
        Ok(())
    }

    /// The addresses that are really listened on; port 0 has become a number.
    pub fn listen(&self) -> &[SocketAddr] {
        &self.listen
    }

    /// The same of the listeners without TLS.
    pub fn plain_listen(&self) -> &[SocketAddr] {
        &self.plain_listen
    }

    /// The same of those that serve figures.
    pub fn metrics_listen(&self) -> &[SocketAddr] {
        &self.metrics_listen
    }

    /// The certificate authority that clients are to trust, when it is a self-made one.
    pub fn authority(&self) -> Option<&PathBuf> {
        self.authority.as_ref()
    }

    pub fn context(&self) -> &Shared {
        &self.context
    }

    /// Stops accepting, lets work in flight finish, writes everything down.
    pub async fn stop(self) {
        self.switch.begin();
        pass(CrashPoint::ShutdownBegun);
        self.context.links.drain(RETRY_AFTER_MS);
        let all = u32::try_from(self.context.config.limits.links).unwrap_or(u32::MAX);
        let drained = tokio::time::timeout(DRAIN_WITHIN, self.context.connections.acquire_many(all)).await;
        if drained.is_err() {
            log::warn!("some connections did not end in time and are cut; their clients come back by themselves");
        }
        pass(CrashPoint::LinksDrained);
        attendance::round(&self.context.ledger, &self.context.switchboard, now_ms()).await;
        let writer = self.writer;
        // Waits for the disk.
        let _ = tokio::task::spawn_blocking(move || writer.shutdown()).await;
    }
}

/// What the settings say about links.
fn transport_rules(config: &Config, media: &Media) -> TransportRules {
    let seconds = |duration: Duration| u16::try_from(duration.as_secs()).unwrap_or(u16::MAX);
    let (min, max) = (seconds(config.heartbeat.min), seconds(config.heartbeat.max));
    let rules = Rules {
        waiting_pushes_max: config.push.offline_limit,
        has_strict_usernames: config.users.strict_names,
        has_lenient_mutes: config.users.lenient_mutes,
        logins: config.users.logins,
        media: MediaRules {
            signer: media.signer.clone(),
            bytes_max: config.media.upload_bytes as u64,
            url_ms: u64::try_from(config.media.url_life.as_millis()).unwrap_or(u64::MAX),
            origin: config.media.origin.clone().unwrap_or_default(),
        },
        retract_ms_max: u64::from(config.limits.retract_seconds) * 1000,
        sends_per_minute: config.limits.sends_per_minute,
        ..Rules::default()
    };
    TransportRules::new(&rules, |own: Heartbeat| Heartbeat {
        start_s: own.start_s.clamp(min, max),
        min_s: own.min_s.clamp(min, max),
        max_s: own.max_s.clamp(min, max),
    })
}

/// Opens the store on a thread that may wait for the disk, and makes the start known to it.
async fn open_store(
    config: &Config,
    switchboard: Arc<Switchboard>,
    observer: Arc<Observer>,
) -> Result<(WriterHandle, Ledger), StartError> {
    let options = Options {
        cache_bytes: config.storage.cache_bytes,
        group_members_max: config.limits.group_members,
        group_members_top: config.limits.group_members_top,
        members_edit_private_groups: config.limits.members_edit_groups,
        room_members_max: config.limits.room_members,
        alias_devices_max: config.limits.alias_devices,
        ..Options::default()
    };
    let folder = config.data_dir.clone();
    let opened = tokio::task::spawn_blocking(move || Store::open(&folder, options)).await;
    let store = opened.map_err(|error| StartError::System(io::Error::other(error)))??;
    let dispatcher = Dispatcher::start(switchboard).map_err(StartError::System)?;
    let on_appended = Box::new(move |appended: &[_]| dispatcher.hand_over(appended));
    let (writer, reader) = Writer::spawn(store, WriterOptions::default(), on_appended).map_err(StartError::System)?;
    let watching = observer.clone();
    writer.on_batch(Box::new(move |batch| watching.batch_done(batch)));
    let ledger = Ledger::new(writer.clone(), reader, observer);
    ledger.submit(Command::System(SystemCommand::Start)).await?;
    Ok((writer, ledger))
}

fn addresses(listeners: &[std::net::TcpListener]) -> Vec<SocketAddr> {
    listeners.iter().filter_map(|tcp| tcp.local_addr().ok()).collect()
}
