//! The job that hands pushes over to the bridges: which device, once, and again until its service has it.
//!
//! What was released to devices with a token is read from the log, from a cursor that the store keeps: after a restart
//! the job goes on where it was. A device that holds a link gets its pushes there; of the others, those that neither
//! received the push nor were handed over before are handed over now. What only a service brings, calls and what is said to
//! live activities, goes to it whether there is a link or not. A device that stopped its pushes is sent none. A crash between a service's answer and its being
//! noted hands one notice over twice: at least once is the promise, and `_j_msgid` tells the two apart.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use anser_protocol::ids::{Position, TimeMs};
use anser_storage::command::{BadgeChange, BridgeCommand, Command};
use anser_storage::ids::{AppNumber, DeviceNumber};
use anser_storage::outcome::Answer;
use anser_storage::{BridgePush, BridgeRelease, Channel, PushToken, ReadError, Snapshot};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use roaring::RoaringBitmap;

use super::notice::{Content, Part, part_on};
use super::{Bridges, Handed, TokenKind, Uploaded, chat};
use crate::clock::now_ms;
use crate::context::Shared;
use crate::ledger::{Ledger, Unavailable};
use crate::switchboard::Switchboard;

/// Between two looks when nothing calls for one.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Devices that are told of a push at the same time.
const DEVICES_AT_ONCE: usize = 256;
/// So many times that number are told of one push before others have their turn, and of all pushes of an app before the
/// log is read again: a call must not wait behind a push to everybody.
const PIECES_OF_PUSH_MAX: usize = 2;
const PIECES_MAX: usize = 16;
/// Pushes of an app that are under way; the log holds what comes behind them.
const PUSHES_MAX: usize = 4096;
/// A service that does not take a notice is asked again after this, then after twice as long, up to the second.
const FIRST_PAUSE_MS: u64 = 2_000;
const LONGEST_PAUSE_MS: u64 = 10 * 60_000;
/// A device with a link that has not received the push is looked at this often, for so long: a link whose other end is gone
/// ends after two and a half heartbeats.
const LINK_LOOKED_AT_MS: u64 = 30_000;
const LINK_TRUSTED_MS: u64 = 15 * 60_000;

/// Runs until the daemon stops. Without bridges it ends at once.
pub async fn run(context: Shared) {
    if context.bridges.is_empty() {
        return;
    }
    if context.bridges.wakes_anybody_for_chat() {
        context.switchboard.sleepers.switch_on();
    }
    let mut shutdown = context.shutdown.clone();
    let mut job = Job::default();
    let mut pause = LOOK_EVERY;
    loop {
        tokio::select! {
            () = shutdown.begun() => return,
            () = tokio::time::sleep(pause) => {}
        }
        let round = job.round(&context.ledger, &context.switchboard, &context.bridges, now_ms());
        tokio::select! {
            () = shutdown.begun() => return,
            told = round => match told {
                Ok(is_done) => pause = if is_done { LOOK_EVERY } else { Duration::ZERO },
                Err(error) => {
                    pause = LOOK_EVERY;
                    log::warn!("pushes could not be handed to a bridge, it is tried again soon: {error}");
                }
            }
        }
    }
}

/// What is under way, by app.
#[derive(Default)]
pub struct Job {
    apps: BTreeMap<AppNumber, Line>,
}

#[derive(Default)]
struct Line {
    /// Everything up to here was read from the log.
    read: Position,
    /// What the store knows of that.
    kept: Position,
    waiting: VecDeque<Waiting>,
    /// Rounds so far: whose turn was longest ago comes first.
    turn: u64,
}

/// A push and the devices that have not been told of it on one channel.
struct Waiting {
    push: Position,
    channel: Channel,
    /// Where the cursor stood before the page in which it was found: it stays there until this is dealt with.
    from: Position,
    devices: RoaringBitmap,
    /// Those that are to be told again when all of `devices` had their turn, and when their services want that.
    again: RoaringBitmap,
    wanted_ms: Option<u64>,
    /// A service took it for them, but that could not be written down yet.
    unwritten: Vec<DeviceNumber>,
    turn: u64,
    /// When it was found.
    read_ms: TimeMs,
    next_ms: TimeMs,
    pause_ms: u64,
}

/// A device that is to be told.
struct Target {
    device: DeviceNumber,
    registration_id: String,
    token: PushToken,
    content: Content,
}

impl Job {
    /// Reads what is new and hands over what is due, or a good part of it: then there is more to do at once (`false`).
    pub async fn round(
        &mut self,
        ledger: &Ledger,
        switchboard: &Switchboard,
        bridges: &Bridges,
        now_ms: TimeMs,
    ) -> Result<bool, Unavailable> {
        let mut is_done = true;
        let apps = ledger.read(|snapshot| snapshot.apps()).await?;
        self.apps.retain(|app, _| apps.iter().any(|(known, _)| known == app));
        for (app, row) in apps {
            let mut kinds = Channel::ALL.iter().flat_map(|channel| channel.kinds());
            if !kinds.any(|kind| bridges.takes(&row.app_key, *kind)) {
                continue;
            }
            let line = match self.apps.entry(app) {
                std::collections::btree_map::Entry::Occupied(line) => line.into_mut(),
                std::collections::btree_map::Entry::Vacant(place) => place.insert(Line::begin(ledger, app).await?),
            };
            line.read_on(ledger, app, now_ms).await?;
            is_done &= line.hand_over(ledger, switchboard, bridges, (app, &row.app_key), now_ms).await?;
            line.keep(ledger, app).await?;
        }
        chat::wake(ledger, switchboard, bridges, now_ms).await?;
        Ok(is_done)
    }
}

impl Line {
    /// An app whose first bridge this is begins with what comes from now on.
    async fn begin(ledger: &Ledger, app: AppNumber) -> Result<Self, Unavailable> {
        let (kept, end) = ledger.read(move |snapshot| Ok((snapshot.bridge_cursor(app)?, snapshot.end()))).await?;
        if kept.is_none() {
            ledger.submit(Command::Bridge(BridgeCommand::Advance { app, position: end })).await?;
        }
        let at = kept.unwrap_or(end);
        Ok(Self { read: at, kept: at, waiting: VecDeque::new(), turn: 0 })
    }

    async fn read_on(&mut self, ledger: &Ledger, app: AppNumber, now_ms: TimeMs) -> Result<(), Unavailable> {
        while self.waiting.len() < PUSHES_MAX {
            let after = self.read;
            let found = ledger.read(move |snapshot| snapshot.bridge_releases(app, after)).await?;
            for release in found.releases {
                self.waiting.push_back(Waiting::new(release, after, now_ms));
            }
            self.read = found.reached;
            if found.is_complete {
                break;
            }
        }
        Ok(())
    }

    /// Calls first, and of the others those whose turn was longest ago. Returns whether nothing more is due.
    async fn hand_over(
        &mut self,
        ledger: &Ledger,
        switchboard: &Switchboard,
        bridges: &Bridges,
        app: (AppNumber, &str),
        now_ms: TimeMs,
    ) -> Result<bool, Unavailable> {
        self.turn += 1;
        let mut due: Vec<&mut Waiting> = self.waiting.iter_mut().filter(|waiting| waiting.next_ms <= now_ms).collect();
        due.sort_by_key(|waiting| (waiting.channel != Channel::Call, waiting.turn));
        let (mut pieces, mut is_done) = (0, true);
        for waiting in due {
            if pieces >= PIECES_MAX {
                return Ok(false);
            }
            waiting.turn = self.turn;
            pieces += waiting.hand_over(ledger, switchboard, bridges, app, now_ms).await?;
            is_done &= waiting.next_ms > now_ms || waiting.is_over();
        }
        Ok(is_done)
    }

    /// Lets the cursor follow what is dealt with.
    async fn keep(&mut self, ledger: &Ledger, app: AppNumber) -> Result<(), Unavailable> {
        self.waiting.retain(|waiting| !waiting.is_over());
        let position = self.waiting.front().map_or(self.read, |first| first.from);
        if position > self.kept {
            ledger.submit(Command::Bridge(BridgeCommand::Advance { app, position })).await?;
            self.kept = position;
        }
        Ok(())
    }
}

impl Waiting {
    fn new(BridgeRelease { push, channel, devices }: BridgeRelease, from: Position, now_ms: TimeMs) -> Self {
        Self {
            push,
            channel,
            from,
            devices,
            again: RoaringBitmap::new(),
            wanted_ms: None,
            unwritten: Vec::new(),
            turn: 0,
            read_ms: now_ms,
            next_ms: now_ms,
            pause_ms: FIRST_PAUSE_MS,
        }
    }

    fn is_over(&self) -> bool {
        self.devices.is_empty() && self.again.is_empty() && self.unwritten.is_empty()
    }

    /// Tells some of the devices; returns how many pieces of them.
    async fn hand_over(
        &mut self,
        ledger: &Ledger,
        switchboard: &Switchboard,
        bridges: &Bridges,
        (app, app_key): (AppNumber, &str),
        now_ms: TimeMs,
    ) -> Result<usize, Unavailable> {
        // Nobody else is told before that is written down: a phone would ring again and again.
        self.write_down(ledger, app).await?;
        let (push, channel) = (self.push, self.channel);
        let read = ledger.read(move |snapshot| {
            let Some(alive) = snapshot.bridge_push(app, push, now_ms)? else { return Ok(None) };
            let Some(part) = part_on(channel, &alive, now_ms) else { return Ok(None) };
            Ok(Some((alive, part, snapshot.bridged(app, push, channel)?, snapshot.devices_without_pushes(app)?)))
        });
        let Some((alive, part, done, stopped)) = read.await? else {
            self.devices.clear();
            self.again.clear();
            return Ok(0);
        };
        self.devices -= done;
        let mut pieces = 0;
        while pieces < PIECES_OF_PUSH_MAX && !self.devices.is_empty() {
            pieces += 1;
            let some: Vec<DeviceNumber> = self.devices.iter().take(DEVICES_AT_ONCE).map(DeviceNumber).collect();
            // Who holds a link gets there what it can bring. The link may be dead without its end knowing, and who wants
            // no pushes may want them soon: then the device is looked at again.
            let (unreached, reached): (Vec<DeviceNumber>, Vec<DeviceNumber>) =
                some.iter().copied().partition(|device| {
                    stopped.contains(device.0) || (channel == Channel::Notice && switchboard.holds_link(app, *device))
                });
            let told = tell(ledger, bridges, (app, app_key), &alive, &part, reached).await?;
            self.devices -= some.iter().map(|device| device.0).collect::<RoaringBitmap>();
            if now_ms < self.read_ms.saturating_add(LINK_TRUSTED_MS) {
                self.again.extend(unreached.iter().map(|device| device.0));
            }
            for (device, wanted) in told.later {
                self.again.insert(device.0);
                let wanted = wanted.map_or(0, |wanted| u64::try_from(wanted.as_millis()).unwrap_or(u64::MAX));
                self.wanted_ms = Some(self.wanted_ms.unwrap_or(0).max(wanted));
            }
            self.unwritten = told.accepted;
            self.write_down(ledger, app).await?;
            for (device, token) in told.gone {
                ledger.submit(Command::Bridge(BridgeCommand::DropToken { app, device, token })).await?;
            }
        }
        if self.devices.is_empty() {
            self.rest(now_ms);
        }
        Ok(pieces)
    }

    async fn write_down(&mut self, ledger: &Ledger, app: AppNumber) -> Result<(), Unavailable> {
        if !self.unwritten.is_empty() {
            let (push, channel, devices) = (self.push, self.channel, self.unwritten.clone());
            ledger.submit(Command::Bridge(BridgeCommand::HandedOver { app, push, channel, devices })).await?;
            self.unwritten.clear();
        }
        Ok(())
    }

    /// All had their turn: says when those that are left are told again.
    fn rest(&mut self, now_ms: TimeMs) {
        self.devices = std::mem::take(&mut self.again);
        let Some(wanted_ms) = self.wanted_ms.take() else {
            self.next_ms = now_ms.saturating_add(LINK_LOOKED_AT_MS);
            return;
        };
        // Spread by the push's number, so that not all of them come again at the same moment.
        let own_ms = self.pause_ms + self.pause_ms * (self.push.0 % 16) / 16;
        self.next_ms = now_ms.saturating_add(own_ms.max(wanted_ms));
        self.pause_ms = (self.pause_ms * 2).min(LONGEST_PAUSE_MS);
    }
}

/// What became of some devices.
#[derive(Default)]
struct Told {
    accepted: Vec<DeviceNumber>,
    gone: Vec<(DeviceNumber, PushToken)>,
    later: Vec<(DeviceNumber, Option<Duration>)>,
}

async fn tell(
    ledger: &Ledger,
    bridges: &Bridges,
    (app, app_key): (AppNumber, &str),
    alive: &BridgePush,
    part: &Part,
    devices: Vec<DeviceNumber>,
) -> Result<Told, Unavailable> {
    let of_push = (alive.clone(), part.clone());
    let wants_certificate = bridges.wants_certificate(app_key);
    let read = ledger.read(move |snapshot| {
        let uploaded = if wants_certificate { Uploaded::read(snapshot, app)? } else { Uploaded::default() };
        Ok((targets(snapshot, app, &of_push.0, &of_push.1, &devices)?, uploaded))
    });
    let (targets, uploaded) = read.await?;
    let (push, expires_ms) = (alive.push.msg_id, part.expires_ms(alive));
    let badges = count_badges(ledger, app, push, &targets).await?;
    let mut notices = FuturesUnordered::new();
    for target in &targets {
        let badge = badges.get(&target.device).copied();
        let mut notice = target.content.notice(app_key, alive, &target.registration_id, badge, expires_ms);
        notice.certificate = uploaded.of(TokenKind(target.token.kind));
        notices.push(async move {
            let kind = TokenKind(target.token.kind);
            (target, bridges.hand_over(kind, &target.token.token, &notice).await)
        });
    }
    let mut told = Told::default();
    while let Some((target, handed)) = notices.next().await {
        match handed {
            Handed::Accepted => told.accepted.push(target.device),
            Handed::TokenGone => told.gone.push((target.device, target.token.clone())),
            Handed::Later(wanted) => told.later.push((target.device, wanted)),
            Handed::Refused(reason) => {
                log::warn!(msg_id = push.0, device = target.registration_id.as_str(); "a bridge refused a notice, which is not tried again; correct what it names: {reason}");
            }
        }
    }
    Ok(told)
}

/// Those that have a token still, and for whose platform the push has something.
fn targets(
    snapshot: &Snapshot,
    app: AppNumber,
    push: &BridgePush,
    part: &Part,
    devices: &[DeviceNumber],
) -> Result<Vec<Target>, ReadError> {
    let mut targets = Vec::with_capacity(devices.len());
    for device in devices {
        let (Some(token), Some(row)) = (token_for(snapshot, app, *device, part)?, snapshot.device(app, *device)?)
        else {
            continue;
        };
        if *part == Part::Notice && push.is_live_only && !TokenKind::OF_APNS.contains(&TokenKind(token.kind)) {
            continue;
        }
        if let Some(content) = part.content_for(push, row.platform) {
            targets.push(Target { device: *device, registration_id: row.registration_id, token, content });
        }
    }
    Ok(targets)
}

fn token_for(
    snapshot: &Snapshot,
    app: AppNumber,
    device: DeviceNumber,
    part: &Part,
) -> Result<Option<PushToken>, ReadError> {
    match part {
        Part::Notice => snapshot.push_token(app, device),
        Part::Call(_) => snapshot.push_token_like(app, device, TokenKind::APNS_CALL),
        Part::Activity { starts: None, .. } => snapshot.push_token_like(app, device, TokenKind::APNS_ACTIVITY),
        Part::Activity { starts: Some(attributes), .. } => {
            let token = snapshot.push_token_like(app, device, TokenKind::APNS_ACTIVITY_START)?;
            // A token starts activities of one type.
            let is_of_type =
                |token: &PushToken| token.token.rsplit_once(':').is_some_and(|(named, _)| named == attributes);
            Ok(token.filter(is_of_type))
        }
    }
}

/// The numbers for the icons of those whose push says something about them.
async fn count_badges(
    ledger: &Ledger,
    app: AppNumber,
    push: Position,
    targets: &[Target],
) -> Result<BTreeMap<DeviceNumber, u32>, Unavailable> {
    let mut by_change: Vec<(BadgeChange, Vec<DeviceNumber>)> = Vec::new();
    for target in targets {
        let Some(change) = target.content.badge else { continue };
        match by_change.iter_mut().find(|(known, _)| *known == change) {
            Some((_, devices)) => devices.push(target.device),
            None => by_change.push((change, vec![target.device])),
        }
    }
    let mut badges = BTreeMap::new();
    for (change, devices) in by_change {
        let named = devices.clone();
        let command = BridgeCommand::CountBadges { app, push, devices, change };
        if let Ok(Answer::Badges(numbers)) = ledger.submit(Command::Bridge(command)).await?.answer {
            badges.extend(named.into_iter().zip(numbers));
        }
    }
    Ok(badges)
}
