//! The simulated daemon: the product's sessions, switchboard and store, put together as the daemon does, without its
//! threads, sockets and clock.
//!
//! The writer is an event that takes what is waiting, the readers are events, and a link's task is an event that its
//! mailbox's waker asks for. Between any two of them the power may go.

mod link;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use anser_client::session::Transport;
use anser_protocol::error::ErrorCode;
use anser_protocol::frame::talk::CommandCame;
use anser_protocol::ids::{Position, TimeMs};
use anser_storage::command::{Command, Stamped, SystemCommand};
use anser_storage::disk::crash::CrashDisk;
use anser_storage::ids::{AppNumber, UserNumber};
use anser_storage::outcome::{Answer, Appended, MemberChange, Outcome, Route};
use anser_storage::{Options, QuickRepair, Reader, Store};
use anserd::link::query::{self, CommandReceivers};
use anserd::link::session::{Heartbeat, Input, Logins, Rules, Ticket};
use anserd::switchboard::Switchboard;

pub use self::link::ServerLink;
use self::link::{Bell, Rung};
use super::course::{CallId, Course, Event, Known, Life, LinkId, MS, SECOND, Time};
use super::network::Network;
use super::random::Random;
use super::tally::Kind;
use super::themes::model::{Model, Scene};

/// The wall clock at the start of a run.
const T0_MS: TimeMs = 1_700_000_000_000;

/// Who waits for an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    Link(LinkId, Ticket),
    Call(CallId),
    /// The same, and the links of those whom it is about end with this code.
    Ending(CallId, ErrorCode),
    Nobody,
}

pub struct Server {
    pub disk: CrashDisk,
    pub life: Life,
    host: Option<Host>,
    options: Options,
    /// By transport, and whether a user may be logged in on one phone only.
    rules: BTreeMap<(Transport, bool), Arc<Rules>>,
    /// What the operator did to the clock.
    pub clock_offset_ms: i64,
    /// When that was.
    pub clock_changed: Time,
    /// Of 100 submissions so many find the queue full.
    pub busy_percent: u64,
    /// Of 100 turns of a link so many come late: the machine has other things to do.
    pub late_percent: u64,
    /// Of 100 batches with a send so many have one that makes the store panic.
    pub panic_percent: u64,
    batch_max: u64,
    /// What must be so in the village.
    pub model: Model,
    /// Transparent commands that were passed on in the village, by text: the links of those that they are for.
    pub passed: BTreeMap<String, BTreeSet<LinkId>>,
    /// The power went in a batch that was about the village: where the log ended before it, unless nobody could tell.
    unsure: Option<Option<Position>>,
}

/// What lives as long as the process.
struct Host {
    store: Store,
    reader: Reader,
    switchboard: Switchboard,
    links: BTreeMap<LinkId, ServerLink>,
    queue: VecDeque<(Asker, Stamped)>,
    is_writing: bool,
    stamp_ms: TimeMs,
    last_hand_out: u64,
    rung: Rung,
    /// Commands that were asked to panic.
    panicked: u64,
}

impl Server {
    pub fn new(course: &mut Course) -> Self {
        let random = &mut course.random;
        let options = Options {
            cache_bytes: 4 << 20,
            dirty_heads_max: random.between(2, 200) as usize,
            checkpoint_log_bytes: random.between(200, 40_000),
            checkpoint_interval_ms: random.between(1000, 60_000),
            quick_repair: *random.pick(&[QuickRepair::Always, QuickRepair::From(8), QuickRepair::Never]),
            ..Options::default()
        };
        let transports = [
            (Transport::Tcp, Heartbeat::TCP),
            (Transport::Quic, Heartbeat::QUIC),
            (Transport::WebSocket, Heartbeat::WEBSOCKET),
        ];
        let mut rules = BTreeMap::new();
        for (transport, heartbeat) in transports {
            for is_limited in [false, true] {
                let logins = Logins { phones: u32::from(is_limited), ..Logins::default() };
                let of = Rules { heartbeat, waiting_pushes_max: 1000, logins, ..Rules::default() };
                rules.insert((transport, is_limited), Arc::new(of));
            }
        }
        let batch_max = *random.pick(&[1, 4, 64]);
        let late_percent = *random.pick(&[0, 1]);
        let disk = CrashDisk::default();
        Self {
            disk,
            life: 0,
            host: None,
            options,
            rules,
            clock_offset_ms: 0,
            clock_changed: 0,
            busy_percent: 0,
            late_percent,
            panic_percent: 0,
            batch_max,
            model: Model::default(),
            passed: BTreeMap::new(),
            unsure: None,
        }
    }

    /// The server comes back on an older store, in which this is so.
    pub fn set_back(&mut self, model: Model) {
        self.model = model;
        self.unsure = None;
    }

    /// Takes down for which links a transparent command is; the link that it came from is running now.
    fn note_passed(&mut self, app: AppNumber, receivers: &CommandReceivers, came: &CommandCame) {
        let Some(host) = self.host.as_ref().filter(|_| app == self.model.app) else { return };
        let links = host.links.values().filter(|link| link.is_meant(app, receivers)).map(ServerLink::number);
        self.passed.insert(came.text.clone(), links.collect());
    }

    /// Clients of the village on which this user is logged in.
    pub fn clients_of(&self, user: UserNumber) -> BTreeSet<usize> {
        self.host.as_ref().map(|host| host.clients_of(self.model.app, user)).unwrap_or_default()
    }

    /// Whether a batch that the power cut short is on the disk: only its positions tell.
    fn settle(&mut self, end: Position) {
        if let Some(before) = self.unsure.take() {
            self.model.is_blind |= before != Some(end);
        }
    }

    pub fn is_up(&self) -> bool {
        self.host.is_some()
    }

    pub fn now_ms(&self, course: &Course) -> TimeMs {
        (T0_MS + course.now / MS).saturating_add_signed(self.clock_offset_ms)
    }

    /// The highest position that was handed out.
    pub fn end(&self) -> Option<Position> {
        self.host.as_ref().map(|host| host.store.end())
    }

    pub fn reader(&self) -> Option<&Reader> {
        self.host.as_ref().map(|host| &host.reader)
    }

    pub fn switchboard(&self) -> Option<&Switchboard> {
        self.host.as_ref().map(|host| &host.switchboard)
    }

    /// Opens the store and makes the start known to it. `false` when the power went meanwhile.
    pub fn boot(&mut self, is_restored: bool, course: &mut Course) -> Result<bool, String> {
        let disk = self.disk.clone();
        let store = match Store::open_with(move || disk.backend(), self.options.clone()) {
            Ok(store) => store,
            Err(_) if self.disk.is_off() => return Ok(false),
            Err(error) => return Err(format!("the store does not open after a crash: {error}")),
        };
        if store.stats().damaged > 0 {
            return Err("the store is damaged after a crash".into());
        }
        self.settle(store.end());
        let reader = store.reader();
        let rung = Rung::default();
        self.host = Some(Host {
            store,
            reader,
            switchboard: Switchboard::default(),
            links: BTreeMap::new(),
            queue: VecDeque::new(),
            is_writing: false,
            stamp_ms: 0,
            last_hand_out: 0,
            rung,
            panicked: 0,
        });
        let restored = is_restored.then_some(Command::System(SystemCommand::Restored));
        let commands: Vec<Command> = restored.into_iter().chain([Command::System(SystemCommand::Start)]).collect();
        if self.apply_at_once(commands, course)?.is_none() {
            self.host = None;
            return Ok(false);
        }
        course.after(2 * SECOND, Event::Sweep(self.life));
        Ok(true)
    }

    /// Carries out commands before anybody is connected. Nothing when the power went.
    pub fn apply_at_once(&mut self, commands: Vec<Command>, course: &Course) -> Result<Option<Vec<Outcome>>, String> {
        let at_ms = self.now_ms(course);
        let Some(host) = &mut self.host else { return Ok(None) };
        host.stamp_ms = host.stamp_ms.max(at_ms);
        let at_ms = host.stamp_ms;
        let commands: Vec<Stamped> = commands.into_iter().map(|command| Stamped { at_ms, command }).collect();
        match host.store.apply(&commands) {
            Ok(outcomes) => {
                let scene = Scene { now: course.now, client: None, present: &|_| BTreeSet::new() };
                for (stamped, outcome) in commands.iter().zip(&outcomes) {
                    self.model.observe(stamped, outcome, &scene)?;
                }
                Ok(Some(outcomes))
            }
            Err(_) if self.disk.is_off() => Ok(None),
            Err(error) => Err(format!("the store failed on a good disk: {error}")),
        }
    }

    /// The process is gone, with all that was only in memory. Answers which links it had.
    pub fn die(&mut self) -> Vec<LinkId> {
        self.life += 1;
        self.host.take().map(|host| host.links.into_keys().collect()).unwrap_or_default()
    }

    /// Does a submission find the queue full?
    fn has_no_room(&self, course: &mut Course) -> bool {
        self.busy_percent > 0 && course.random.percent(self.busy_percent)
    }

    pub fn submit(&mut self, asker: Asker, command: Command, course: &mut Course) {
        let at_ms = self.now_ms(course);
        let life = self.life;
        let Some(host) = &mut self.host else { return };
        host.stamp_ms = host.stamp_ms.max(at_ms);
        host.queue.push_back((asker, Stamped { at_ms: host.stamp_ms, command }));
        if !host.is_writing {
            host.is_writing = true;
            course.within(0, 2 * MS, Event::Write(life));
        }
    }

    /// The writer carries out a batch. `false` when the power went.
    pub fn write(&mut self, course: &mut Course) -> Result<bool, String> {
        let life = self.life;
        let Some(host) = &mut self.host else { return Ok(true) };
        let count = course.random.between(1, self.batch_max).min(host.queue.len() as u64) as usize;
        let (askers, commands): (Vec<Asker>, Vec<Stamped>) = host.queue.drain(..count).unzip();
        if commands.is_empty() {
            host.is_writing = false;
            return Ok(true);
        }
        if let Some(guilty) = guilty(&commands, self.panic_percent, &mut course.random) {
            host.store.panic_at(guilty);
            host.panicked += 1;
            course.count(Kind::CommandPanicked);
        }
        let before = host.store.end();
        let outcomes = match host.store.apply(&commands) {
            Ok(outcomes) => outcomes,
            Err(_) if self.disk.is_off() => {
                self.unsure = self.model.unsure(&commands, before);
                return Ok(false);
            }
            Err(error) => return Err(format!("the store failed on a good disk: {error}")),
        };
        if host.store.stats().failed_commands != host.panicked {
            return Err(format!("a command failed inside the store, one of {commands:?}"));
        }
        for ((asker, stamped), outcome) in askers.iter().zip(&commands).zip(&outcomes) {
            let client = match asker {
                Asker::Link(link, _) => host.links.get(link).map(|link| link.client),
                _ => None,
            };
            let village = self.model.app;
            let present = |user| host.clients_of(village, user);
            let scene = Scene { now: course.now, client, present: &present };
            self.model.observe(stamped, outcome, &scene)?;
        }
        let answers: Vec<(Asker, Outcome)> = askers.into_iter().zip(outcomes).collect();
        course.within(100, 8 * MS, Event::Committed(life, answers));
        match host.store.checkpoint_step() {
            Ok(_) => Ok(true),
            Err(_) if self.disk.is_off() => Ok(false),
            Err(error) => Err(format!("a checkpoint failed on a good disk: {error}")),
        }
    }

    /// Hands out the answers of a batch, then what it appended; the next batch may begin.
    pub fn committed(&mut self, answers: Vec<(Asker, Outcome)>, course: &mut Course) {
        let life = self.life;
        let Some(host) = &mut self.host else { return };
        let mut appended: Vec<Appended> = Vec::new();
        for (asker, mut outcome) in answers {
            count_outcome(&outcome, course);
            appended.append(&mut outcome.appended);
            match asker {
                Asker::Link(link, ticket) => host.put_input(link, Input::Outcome(ticket, Ok(outcome))),
                Asker::Ending(call, code) => {
                    if let Ok(Answer::People { users, .. }) = &outcome.answer {
                        users.iter().for_each(|user| host.switchboard.end_user(self.model.app, *user, code));
                    }
                    course.within(MS, 100 * MS, Event::CallAnswered(call, Some(Box::new(outcome))));
                }
                Asker::Call(call) => {
                    course.within(MS, 100 * MS, Event::CallAnswered(call, Some(Box::new(outcome))));
                }
                Asker::Nobody => {}
            }
        }
        if !appended.is_empty() {
            // One thread hands out all of them, in their order.
            host.last_hand_out = (course.now + course.random.below(5 * MS)).max(host.last_hand_out);
            course.at(host.last_hand_out, Event::HandOut(life, appended));
        }
        course.after(0, Event::Write(life));
    }

    pub fn hand_out(&mut self, appended: Vec<Appended>) {
        if let Some(host) = &self.host {
            host.switchboard.deliver(appended);
        }
    }

    /// A reader answers a question from a fresh snapshot.
    pub fn read(
        &mut self,
        link: LinkId,
        ticket: Ticket,
        question: query::Query,
        course: &mut Course,
    ) -> Result<(), String> {
        let now = self.now_ms(course);
        let Some(host) = &self.host else { return Ok(()) };
        let snapshot = host.reader.snapshot().map_err(|error| format!("no snapshot: {error}"))?;
        let described = format!("{question:?}");
        let answer = query::answer(&snapshot, question, now).map_err(|error| format!("{described}: {error}"))?;
        course.within(0, 30 * MS, Event::Known(self.life, link, Box::new(Known::Answer(ticket, answer))));
        Ok(())
    }

    pub fn known(&mut self, link: LinkId, known: Known) {
        let Some(host) = &mut self.host else { return };
        host.put_input(
            link,
            match known {
                Known::Answer(ticket, answer) => Input::Answer(ticket, Ok(answer)),
                Known::Input(input) => input,
            },
        );
    }

    /// A client's connection was accepted.
    pub fn accept(
        &mut self,
        (link, client): (LinkId, usize),
        (transport, is_limited): (Transport, bool),
        course: &mut Course,
    ) {
        let now = self.now_ms(course);
        let rules = self.rules[&(transport, is_limited)].clone();
        let Some(host) = &mut self.host else { return };
        let bell = Bell::waker(link, &host.rung);
        host.links.insert(link, ServerLink::new((link, client), transport, rules, bell, now));
        course.after(0, Event::Turn(link));
    }

    /// Something may be there for the link to read or to write.
    pub fn wake(&mut self, link: LinkId) {
        if let Some(link) = self.host.as_ref().and_then(|host| host.links.get(&link)) {
            link.wake();
        }
    }

    /// Lets the links run that were woken, each after a moment of its own.
    pub fn schedule_woken(&mut self, course: &mut Course) {
        let Some(host) = &self.host else { return };
        let mut woken = host.rung.take();
        // Whom the switchboard woke first may depend on where a mailbox lies in memory.
        woken.sort_unstable();
        for link in woken {
            let latest = if course.random.percent(self.late_percent) { 3 * SECOND } else { MS / 2 };
            course.within(0, latest, Event::Turn(link));
        }
    }

    /// The link's task runs once.
    pub fn turn(&mut self, link: LinkId, network: &mut Network, course: &mut Course) -> Result<(), String> {
        let now = self.now_ms(course);
        let Some(mut task) = self.host.as_mut().and_then(|host| host.links.remove(&link)) else { return Ok(()) };
        let goes_on = task.turn(now, self, network, course)?;
        task.check_memory()?;
        if goes_on {
            if let Some(host) = &mut self.host {
                host.links.insert(link, task);
            }
            return Ok(());
        }
        course.note(format_args!("server: link {link} is over"));
        task.end(self, course);
        network.close(link, super::course::Way::Down, course);
        Ok(())
    }

    pub fn sweep(&mut self, course: &mut Course) {
        let now = self.now_ms(course);
        let Some(host) = &self.host else { return };
        for link in host.links.values().filter(|link| link.mailbox.is_due(now)) {
            link.mailbox.nudge();
        }
        course.after(2 * SECOND, Event::Sweep(self.life));
    }
}

/// A send of the batch that is to make the store panic.
fn guilty(commands: &[Stamped], percent: u64, random: &mut Random) -> Option<usize> {
    if percent == 0 || !random.percent(percent) {
        return None;
    }
    let is_send = |stamped: &Stamped| matches!(stamped.command, Command::Send(_));
    let sends: Vec<usize> = (0..commands.len()).filter(|index| is_send(&commands[*index])).collect();
    (!sends.is_empty()).then(|| *random.pick(&sends))
}

fn count_outcome(outcome: &Outcome, course: &mut Course) {
    if let Ok(Answer::Sent { is_repeat: true, .. }) = outcome.answer {
        course.count(Kind::SendRepeated);
    }
    for appended in &outcome.appended {
        course.count(match &appended.route {
            Route::Single { .. } => Kind::Single,
            Route::Group { change, .. } if *change != MemberChange::default() => continue,
            Route::Group { .. } => Kind::Group,
            Route::Devices { .. } => Kind::PushedToFew,
            Route::Broadcast { .. } => Kind::PushedToMany,
            Route::Withdrawn { .. }
            | Route::Notice { .. }
            | Route::Read { .. }
            | Route::Receipts { .. }
            | Route::Room { .. } => continue,
        });
    }
}

impl Host {
    fn clients_of(&self, app: AppNumber, user: UserNumber) -> BTreeSet<usize> {
        self.links.values().filter(|link| link.user == Some((app, user))).map(|link| link.client).collect()
    }

    fn put_input(&mut self, link: LinkId, input: Input) {
        if let Some(link) = self.links.get(&link) {
            link.mailbox.put_input(input);
        }
    }
}
