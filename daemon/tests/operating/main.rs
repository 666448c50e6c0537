//! What an operator does with a running daemon: the first start, proxies before it, and what is owed to users.

mod console;
mod data;
mod operators;
mod proxies;
#[path = "../made/push_certificate.rs"]
mod push_certificate;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anser_storage::command::Command;
use anser_storage::outcome::{Answer, Refusal};
use anserd::admin::{self, Reply, Request};
use anserd::config::{self, Config, Flags};
use anserd::serve::Daemon;
use tempfile::TempDir;

/// Longer than anything takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon on a data folder of its own.
struct World {
    daemon: Daemon,
    folder: Arc<TempDir>,
}

impl World {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        Self::on(folder, change).await
    }

    async fn on(folder: Arc<TempDir>, change: impl FnOnce(&mut Config)) -> Self {
        let listen = vec!["127.0.0.1:0".to_owned()];
        let flags = Flags { data_dir: Some(folder.path().to_owned()), listen, ..Flags::default() };
        let mut config = config::read(&flags, std::iter::empty()).expect("valid settings");
        config.password = config::Password { memory_kib: 8, passes: 1, lanes: 1, at_once: 2 };
        change(&mut config);
        Self { daemon: Daemon::start(config).await.expect("the daemon starts"), folder }
    }

    /// The same data with a daemon that was stopped and started again.
    async fn restarted(self) -> Self {
        self.daemon.stop().await;
        Self::on(self.folder, |_| {}).await
    }

    fn address(&self) -> SocketAddr {
        self.daemon.listen()[0]
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the admin socket answers, refusals included.
    async fn ask(&self, request: Request) -> Reply {
        let socket = self.file(admin::SOCKET);
        let asked = tokio::task::spawn_blocking(move || admin::ask(&socket, &request));
        asked.await.expect("no panic").expect("the daemon answers")
    }

    async fn apply(&self, command: Command) -> Result<Answer, Refusal> {
        self.daemon.context().ledger.submit(command).await.expect("the store is there").answer
    }

    /// Makes an app; its key.
    async fn app(&self, name: &str) -> String {
        match self.ask(Request::AppCreate { name: name.to_owned() }).await {
            Reply::App(app) => app.app_key,
            other => panic!("{other:?}"),
        }
    }

    /// Until it is so, asked again and again.
    async fn until<F: Future<Output = bool>>(&self, what: &str, is_so: impl Fn() -> F) {
        let begun = Instant::now();
        while !is_so().await {
            assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
            tokio::task::yield_now().await;
        }
    }
}
