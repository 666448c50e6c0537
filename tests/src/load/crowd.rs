//! Everything that talks to one daemon in a fault test: three users with a device each on its own transport, a group of
//! the three, an app server that sends in the name of an admin, and one that pushes.

use std::io;
use std::time::Duration;

use anser_client::session::Transport;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::{JoinError, JoinSet};

use super::{Chat, Device, Outages, PUSHES, Server};
use crate::daemon::{App, Daemon};
use crate::https::Https;
use crate::judge::{Order, Recorder, Verdict};

const ADMIN: &str = "boss";
const PASSWORD: &str = "a long walk";
/// Pushes are few beside chats, as they are in life.
const BETWEEN_PUSHES: Duration = Duration::from_millis(50);
/// Everything that must arrive has long arrived by then, or never will.
const DRAINED_WITHIN: Duration = Duration::from_secs(120);
/// A daemon that serves nobody within this time hangs.
const SERVED_WITHIN: Duration = Duration::from_secs(60);

/// See the [module](self).
pub struct Crowd {
    recorder: Recorder,
    outages: Outages,
    devices: Vec<Device>,
    senders: Vec<String>,
    tasks: JoinSet<io::Result<()>>,
    ears: JoinSet<io::Result<()>>,
    /// The devices' own stores, which survive the daemon's faults.
    stores: TempDir,
}

impl Crowd {
    /// Registers the users, connects their devices and lets everybody begin.
    pub async fn gather(daemon: &Daemon, app: &App, transports: &[(&str, Transport)]) -> io::Result<Self> {
        let recorder = Recorder::to_judge();
        let outages = Outages::new(&recorder);
        let https = daemon.https(app)?;
        let users: Vec<&str> = transports.iter().map(|(user, _)| *user).collect();
        let group = register(&https, &users).await?;
        let chats = announce(&recorder, &users, &group);

        let stores = tempfile::tempdir()?;
        let mut crowd = Self {
            recorder,
            outages,
            devices: Vec::new(),
            senders: Vec::new(),
            tasks: JoinSet::new(),
            ears: JoinSet::new(),
            stores,
        };
        for (user, transport) in transports {
            crowd.add_device(daemon, app, user, *transport, &chats).await?;
        }
        crowd.add_servers(&https, &users, group);
        Ok(crowd)
    }

    async fn add_device(
        &mut self,
        daemon: &Daemon,
        app: &App,
        user: &str,
        transport: Transport,
        chats: &[Chat],
    ) -> io::Result<()> {
        let store = self.stores.path().join(user);
        self.recorder.joining(PUSHES, user);
        let book = (&self.recorder, &self.outages);
        let (device, ear) = Device::start(daemon, app, user, PASSWORD, transport, &store, book).await?;
        self.recorder.joined(PUSHES, user);
        let own: Vec<Chat> = chats.iter().filter(|chat| chat.has(user)).cloned().collect();
        self.tasks.spawn(device.clone().send_on(own));
        self.ears.spawn(ear.listen_on());
        self.senders.push(user.to_owned());
        self.devices.push(device);
        Ok(())
    }

    fn add_servers(&mut self, https: &Https, users: &[&str], group: Chat) {
        let mut chats: Vec<Chat> = users.iter().map(|user| Chat::between(ADMIN, user)).collect();
        chats.push(group);
        let server = Server::new("server", https, &self.recorder, &self.outages);
        self.tasks.spawn(server.send_on(ADMIN.to_owned(), chats));
        let pusher = Server::new("pusher", https, &self.recorder, &self.outages);
        self.tasks.spawn(pusher.push_on(BETWEEN_PUSHES));
        self.senders.extend(["server".to_owned(), "pusher".to_owned()]);
    }

    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Waits until every sender was answered since the last fault, and so many answers more have come in all.
    pub async fn speak(&mut self, answers: u64) -> io::Result<()> {
        let enough = self.recorder.progress().answered + answers;
        let (outages, recorder, senders) = (self.outages.clone(), self.recorder.clone(), self.senders.clone());
        let spoken = async move {
            outages.until_answered(&senders).await;
            recorder.until(|progress| progress.answered >= enough).await;
        };
        let outages = self.outages.clone();
        tokio::select! {
            spoken = tokio::time::timeout(SERVED_WITHIN, spoken) => {
                let late = |_| io::Error::other(format!("not everybody is served after {SERVED_WITHIN:?}: {outages:?}"));
                spoken.map_err(late)
            }
            Some(ended) = self.tasks.join_next() => Err(why_ended(ended)),
            Some(ended) = self.ears.join_next() => Err(why_ended(ended)),
        }
    }

    /// To be called before a fault.
    pub fn fault_begins(&self) {
        self.outages.begin();
    }

    /// To be called when the daemon is ready again: lets all come back.
    pub async fn fault_ends(&self) -> io::Result<()> {
        self.devices.iter().for_each(Device::poke);
        let names: Vec<String> = self.devices.iter().map(|device| device.user().to_owned()).collect();
        let cut_off = tokio::time::timeout(SERVED_WITHIN, self.outages.until_cut_off(&names)).await;
        cut_off.map_err(|_| io::Error::other(format!("a device does not notice: {:?}", self.outages)))?;
        // Only now: quinn 0.11 panics when a socket is changed at the moment in which a reset arrives.
        for device in &self.devices {
            device.hurry().await;
        }
        self.outages.end();
        Ok(())
    }

    /// Ends the run: nobody sends any more, everything that must arrive may arrive, and the judge speaks.
    pub async fn disperse(mut self) -> io::Result<Verdict> {
        self.outages.close();
        let answered = async {
            while let Some(ended) = self.tasks.join_next().await {
                ended.map_err(io::Error::other)??;
            }
            io::Result::Ok(())
        };
        let late = |_| io::Error::other(format!("not every send is answered after {DRAINED_WITHIN:?}"));
        tokio::time::timeout(DRAINED_WITHIN, answered).await.map_err(late)??;
        let drained = self.recorder.until(|progress| progress.outstanding == 0);
        // Whoever is late is found by the judge.
        let _ = tokio::time::timeout(DRAINED_WITHIN, drained).await;
        Ok(self.recorder.verdict())
    }
}

fn why_ended(ended: Result<io::Result<()>, JoinError>) -> io::Error {
    match ended {
        Ok(Ok(())) => io::Error::other("a sender or a device ended before the run"),
        Ok(Err(error)) => error,
        Err(error) => io::Error::other(error),
    }
}

/// Makes the admin, the users and their group.
async fn register(https: &Https, users: &[&str]) -> io::Result<Chat> {
    let admin = json!({ "username": ADMIN, "password": PASSWORD });
    expect_created(https, "/v1/admins/", &admin).await?;
    let all: Vec<_> = users.iter().map(|user| json!({ "username": user, "password": PASSWORD })).collect();
    expect_created(https, "/v1/users/", &json!(all)).await?;
    let [owner, members @ ..] = users else {
        return Err(io::Error::other("a crowd needs somebody"));
    };
    let group = json!({ "owner_username": owner, "name": "crowd", "members_username": members });
    let group = expect_created(https, "/v1/groups/", &group).await?.json()?;
    group["gid"].as_u64().and_then(Chat::group).ok_or_else(|| io::Error::other("the group has no gid"))
}

async fn expect_created(https: &Https, path: &str, body: &serde_json::Value) -> io::Result<crate::https::Response> {
    let response = https.call("POST", path, Some(body)).await?;
    match response.status {
        201 => Ok(response),
        _ => Err(io::Error::other(format!("{path}: {response:?}"))),
    }
}

/// Announces all chains; gives those among the users.
fn announce(recorder: &Recorder, users: &[&str], group: &Chat) -> Vec<Chat> {
    recorder.chain(PUSHES, Order::Unordered);
    let mut chats = vec![group.clone()];
    for (number, user) in users.iter().enumerate() {
        recorder.chain(&Chat::between(ADMIN, user).chain(), Order::Ordered);
        recorder.member(&Chat::between(ADMIN, user).chain(), user);
        chats.extend(users[number + 1..].iter().map(|other| Chat::between(user, other)));
    }
    for chat in &chats {
        recorder.chain(&chat.chain(), Order::Ordered);
        for user in users.iter().filter(|user| chat.has(user)) {
            recorder.member(&chat.chain(), user);
        }
    }
    chats
}
