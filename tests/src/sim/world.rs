//! A whole run: one thread, one seed, every event in its turn.

use std::collections::BTreeMap;

use anser_client::session::Transport;
use anser_storage::outcome::Outcome;

use super::app_server::AppServers;
use super::audit;
use super::cast::{Cast, TOWNS};
use super::client::{Client, Registration};
use super::course::{Course, Event, LinkId, MS, SECOND, Time, Way};
use super::network::Network;
use super::pipe::Quality;
use super::server::Server;
use super::tally::{Kind, Tally};
use super::themes::told::{Heard, Seen};
use super::weather::{Setting, Weather};
use super::witness::Witness;
use crate::judge::Verdict;

/// Applications write, and the weather strikes, for so long.
const LOAD: Time = 60 * SECOND;
/// Everything must have drained so long after the harm ended; a client may wait a minute between two tries, and a QUIC or
/// TCP link that fell silent is noticed by its heartbeat.
const DRAIN_MAX: Time = 30 * 60 * SECOND;
/// What is doubled comes late.
const REST: Time = 10 * SECOND;

pub struct World {
    pub course: Course,
    pub network: Network,
    pub server: Server,
    pub cast: Cast,
    pub clients: Vec<Client>,
    pub witness: Witness,
    pub calls: AppServers,
    pub weather: Weather,
    /// What the applications of the village were told, by client.
    pub seen: BTreeMap<usize, Seen>,
    /// Texts that the village's app server has written.
    pub said_by_server: u64,
    /// The harm is over.
    pub is_healed: bool,
    drain_until: Time,
    quiet_since: Option<Time>,
}

/// What a good run was like.
#[derive(Debug)]
pub struct Report {
    pub verdict: Verdict,
    pub crashes: u64,
    pub tally: Tally,
    /// Equal for equal courses.
    pub fingerprint: u64,
}

impl World {
    pub fn new(seed: u64, setting: Setting, is_told: bool) -> Result<Self, String> {
        let mut course = Course::new(seed, is_told);
        let weather = Weather::draw(setting, &mut course.random);
        let mut server = Server::new(&mut course);
        if !server.boot(false, &mut course)? {
            return Err("the power went before anything began".into());
        }
        let (cast, places) = Cast::enter(&mut server, &mut course)?;
        let mut witness = Witness::default();
        for (index, app) in cast.apps.iter().enumerate().take(TOWNS) {
            witness.open_chats(index, app);
        }
        let clients = places.into_iter().enumerate().map(|(index, place)| {
            let app = &cast.apps[place.app];
            let user = app.users[place.user].name.clone();
            let mut client = Client::new(index, place, user, app.key.clone());
            client.heard = cast.villagers.contains(&index).then(Vec::new);
            client
        });
        let clients = clients.collect();
        let mut world = Self {
            course,
            network: Network::default(),
            server,
            cast,
            clients,
            witness,
            calls: AppServers::default(),
            weather,
            seen: BTreeMap::new(),
            said_by_server: 0,
            is_healed: false,
            drain_until: 0,
            quiet_since: None,
        };
        world.begin();
        Ok(world)
    }

    fn begin(&mut self) {
        for client in 0..self.clients.len() {
            // A few come late: all that was said before is their first catch-up.
            let late = if self.course.random.percent(20) { 40 * SECOND } else { 4 * SECOND };
            self.course.within(0, late, Event::Launch(client));
            self.course.within(0, 6 * SECOND, Event::Act(client));
        }
        self.course.within(SECOND, 2 * SECOND, Event::Employ);
        self.course.within(2 * SECOND, 6 * SECOND, Event::Strike);
        if let Some(at) = self.weather.image_at {
            self.course.at(at, Event::TakeImage);
        }
        self.course.at(LOAD, Event::Heal);
    }

    pub fn run(mut self) -> Result<Report, String> {
        while let Some(event) = self.course.next_event() {
            if matches!(event, Event::Look) {
                if self.has_drained()? {
                    return self.finish();
                }
                continue;
            }
            let handled = self.handle(event).and_then(|()| self.listen());
            handled.map_err(|what| format!("at {} s: {what}", self.course.now as f64 / SECOND as f64))?;
            self.server.schedule_woken(&mut self.course);
        }
        Err("nothing is left to happen".into())
    }

    fn handle(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Arrive(link, way) => return self.arrive(link, way),
            Event::Severed(link, way) => return self.severed(link, way),
            Event::Turn(link) => return self.server.turn(link, &mut self.network, &mut self.course),
            Event::Dialled(client, number) if self.clients[client].tries == number => return self.dialled(client),
            Event::Stored(client, life) if self.clients[client].life == life => return self.stored(client),
            Event::ClientDue(client, life) if self.clients[client].life == life => {
                return self.clients[client].due(&mut self.network, &mut self.witness, &mut self.course);
            }
            Event::Launch(client) => return self.launch(client),
            Event::Resume(client, life) if self.clients[client].life == life => {
                return self.with_client(client, |session, now| session.start(now));
            }
            Event::GivePassword(client, life) if self.clients[client].life == life => {
                return self.give_password(client);
            }
            Event::Act(client) => return self.act(client),
            Event::Boot => return self.boot(),
            Event::Write(life) if self.server.life == life => return self.write(),
            Event::Committed(life, answers) if self.server.life == life => {
                self.server.committed(answers, &mut self.course);
            }
            Event::HandOut(life, appended) if self.server.life == life => self.server.hand_out(appended),
            Event::Read(life, link, ticket, query) if self.server.life == life => {
                return self.server.read(link, ticket, *query, &mut self.course);
            }
            Event::Known(life, link, known) if self.server.life == life => self.server.known(link, *known),
            Event::Sweep(life) if self.server.life == life => {
                self.server.sweep(&mut self.course);
                self.expect_barred_users_gone()?;
            }
            Event::CallArrives(call) => self.call_arrives(call),
            Event::CallAnswered(call, outcome) => {
                self.call_answered(call, outcome.map(|outcome: Box<Outcome>| *outcome))?
            }
            Event::Employ => self.employ(),
            Event::Strike => return self.strike(),
            Event::TakeImage => self.take_image(),
            Event::SetBack => self.set_back(),
            Event::Heal => return self.heal(),
            // Meant for a life that is over.
            _ => {}
        }
        Ok(())
    }

    pub fn with_client(
        &mut self,
        client: usize,
        handle: impl FnOnce(&mut anser_client::session::Session, std::time::Duration),
    ) -> Result<(), String> {
        let client = &mut self.clients[client];
        client.with(&mut self.network, &mut self.witness, &mut self.course, handle).map(drop)
    }

    fn arrive(&mut self, link: LinkId, way: Way) -> Result<(), String> {
        if way == Way::Up {
            if self.network.receive_up(link, self.course.now) {
                self.server.wake(link);
            }
            return Ok(());
        }
        while let Some(bytes) = self.network.read_down(link, self.course.now) {
            self.server.wake(link);
            let Some(wire) = self.network.links.get(&link) else { break };
            let (client, transport) = (wire.client, wire.transport);
            if self.clients[client].link != Some(link) {
                continue;
            }
            self.with_client(client, |session, now| match transport {
                Transport::WebSocket => session.handle_message(&bytes, now),
                Transport::Tcp | Transport::Quic => session.handle_bytes(&bytes, now),
            })?;
        }
        Ok(())
    }

    fn severed(&mut self, link: LinkId, way: Way) -> Result<(), String> {
        if way == Way::Up {
            self.server.wake(link);
            return Ok(());
        }
        let Some(wire) = self.network.links.get(&link) else { return Ok(()) };
        let client = wire.client;
        self.network.drop_end(link, Way::Down);
        if self.clients[client].link == Some(link) {
            self.clients[client].link = None;
            return self.with_client(client, |session, now| session.handle_disconnected(now));
        }
        Ok(())
    }

    fn dialled(&mut self, client: usize) -> Result<(), String> {
        let fails = !self.is_healed && self.course.random.percent(5);
        if fails || !self.server.is_up() {
            return self.with_client(client, |session, now| session.handle_connect_failed(now));
        }
        let random = &mut self.course.random;
        let transport = *random.pick(&[Transport::Tcp, Transport::Quic, Transport::WebSocket]);
        let quality = match self.is_healed {
            true => [Quality::GOOD; 2],
            false => [Quality::draw(random), Quality::draw(random)],
        };
        let is_gateway = !self.is_healed && self.weather.has_gateways && random.percent(30);
        let link = self.network.open(client, transport, quality, is_gateway);
        let is_limited = self.cast.has_one_of_a_kind && self.clients[client].heard.is_some();
        self.server.accept((link, client), (transport, is_limited), &mut self.course);
        let client = &mut self.clients[client];
        client.connected(link, transport, &mut self.network, &mut self.witness, &mut self.course)
    }

    fn stored(&mut self, client: usize) -> Result<(), String> {
        let Some(ticket) = self.clients[client].store.complete_one() else { return Ok(()) };
        self.with_client(client, |session, now| session.handle_stored(ticket, now))
    }

    pub fn launch(&mut self, client: usize) -> Result<(), String> {
        if self.clients[client].registration == Registration::Never {
            self.unsettle(client);
        }
        let client = &mut self.clients[client];
        client.launch(&mut self.course);
        client.pump(&mut self.network, &mut self.witness, &mut self.course)
    }

    fn give_password(&mut self, client: usize) -> Result<(), String> {
        if let Some(heard) = &mut self.clients[client].heard {
            heard.push(Heard::Wishes);
        }
        let user = self.clients[client].user.clone();
        let password = super::cast::password_of(&user);
        self.with_client(client, |session, now| {
            let taken = session.login(&user, Some(&password), now);
            assert!(taken.is_ok(), "the name and the password are well formed");
        })
    }

    fn write(&mut self) -> Result<(), String> {
        if !self.server.write(&mut self.course)? {
            self.course.count(Kind::PowerCutInWrite);
            self.crash();
        }
        Ok(())
    }

    /// The server loses power, or has just lost it; it comes back after a while.
    pub fn crash(&mut self) {
        self.course.note(format_args!("server: crashes"));
        self.weather.crashed();
        let mut random = self.course.random.fork();
        // First the disk: what the dying process would still write must not reach it.
        self.server.disk.restart(&mut || random.draw());
        for link in self.server.die() {
            self.network.drop_end(link, Way::Up);
            // Who hears nothing does not hear this either.
            if !self.network.is_silent(link) {
                self.network.cut(link, &mut self.course);
            }
        }
        self.break_calls();
        self.course.within(100 * MS, 5 * SECOND, Event::Boot);
    }

    fn boot(&mut self) -> Result<(), String> {
        if self.server.is_up() {
            return Ok(());
        }
        if !self.is_healed && self.course.random.percent(20) {
            // The power goes again while the store recovers.
            let calls = self.course.random.below(40);
            self.server.disk.cut_power_after(calls);
        }
        let is_restored = self.weather.is_restoring;
        if !self.server.boot(is_restored, &mut self.course)? {
            self.course.count(Kind::PowerCutInRecovery);
            self.crash();
            return Ok(());
        }
        self.course.note(format_args!("server: is up, at {:?}", self.server.end()));
        self.is_back_from_image();
        Ok(())
    }

    /// The harm ends: the network is sound, everybody is awake.
    fn heal(&mut self) -> Result<(), String> {
        if self.weather.must_wait_for_image() {
            self.course.after(SECOND, Event::Heal);
            return Ok(());
        }
        self.course.note(format_args!("the harm is over"));
        self.is_healed = true;
        self.reconcile();
        self.drain_until = self.course.now + DRAIN_MAX;
        self.server.busy_percent = 0;
        self.server.panic_percent = 0;
        self.server.late_percent = 0;
        self.server.disk.cut_power_after(u64::MAX / 2);
        let links: Vec<LinkId> = self.network.links.keys().copied().collect();
        for link in links {
            if !self.network.is_sound(link) {
                self.network.cut(link, &mut self.course);
            }
        }
        for client in 0..self.clients.len() {
            self.launch(client)?;
            self.with_client(client, |session, now| session.start(now))?;
            self.with_client(client, |session, now| session.resume_push(now))?;
        }
        self.course.after(SECOND, Event::Look);
        Ok(())
    }

    fn has_drained(&mut self) -> Result<bool, String> {
        self.settle_departures();
        self.let_users_change()?;
        self.let_villagers_in();
        let is_quiet = self.witness.outstanding() == 0
            && self.calls.are_all_answered()
            && self.server.is_up()
            && self.clients.iter().all(|client| match client.heard {
                None => client.is_settled(),
                Some(_) => client.has_settled_in_the_village(),
            });
        self.quiet_since = if is_quiet { self.quiet_since.or(Some(self.course.now)) } else { None };
        if self.quiet_since.is_some_and(|since| self.course.now >= since + REST) {
            return Ok(true);
        }
        if self.course.now >= self.drain_until {
            let verdict = std::mem::take(&mut self.witness).verdict();
            return Err(format!("{}; {verdict}", audit::why_not_drained(self)));
        }
        self.course.after(2 * SECOND, Event::Look);
        Ok(false)
    }

    /// While something is missing: what belongs to the other user of a device moves only when that user is logged in.
    fn let_users_change(&mut self) -> Result<(), String> {
        for client in 0..self.clients.len() {
            let is_needed = self.witness.outstanding() > 0 || self.clients[client].has_unsent();
            let is_needed = is_needed && self.clients[client].heard.is_none();
            if is_needed && self.clients[client].has_nothing_to_do_for_its_user() && self.course.random.percent(40) {
                self.change_user(client)?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Report, String> {
        self.count_village();
        self.compare_with_the_model()?;
        audit::compare_with_the_log(&self)?;
        let Self { witness, weather, course, .. } = self;
        let verdict = witness.verdict();
        if !verdict.is_ok() {
            return Err(verdict.to_string());
        }
        Ok(Report { verdict, crashes: weather.crashes, tally: course.tally, fingerprint: course.fingerprint })
    }
}
