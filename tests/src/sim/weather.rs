//! The harm of a run: what breaks, how often, and when it ends.

use super::course::{Event, LinkId, MS, SECOND, Time, Way};
use super::random::Random;
use super::tally::Kind;
use super::themes::model::Model;
use super::world::World;

/// What the seeds are run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Everything, by chance.
    Any,
    /// In every seed the server comes back on an older store, under clients that stand ahead of it.
    SetBack,
}

impl Setting {
    /// Names the seed for a replay.
    pub fn variable(self) -> &'static str {
        match self {
            Self::Any => "SIM_SEED",
            Self::SetBack => "SIM_SET_BACK_SEED",
        }
    }
}

/// What kind of run this is: a seed has some of it, so that each kind of harm is also met alone.
pub struct Weather {
    /// Between two strikes, at most.
    pause_max: Time,
    /// How likely each strike is, in parts.
    strikes: Vec<(Strike, u64)>,
    pub has_gateways: bool,
    pub image_at: Option<Time>,
    image: Option<Image>,
    /// The server is on its way back from an image, a backup that somebody restored.
    pub is_restoring: bool,
    pub crashes: u64,
}

/// What the server will be set back to.
struct Image {
    content: Vec<u8>,
    /// The highest position handed out by then.
    end: u64,
    is_backup: bool,
    /// Clients that the image knows for certain.
    known: Vec<bool>,
    /// What is so in the village then.
    model: Box<Model>,
    /// The server is about to come back on it.
    is_used: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strike {
    Cut,
    Silence,
    Stall,
    SlowReader,
    NewAddress,
    Kill,
    Sleep,
    Crash,
    PowerCut,
    ClockJump,
    Busy,
    Panics,
}

impl Weather {
    pub fn draw(setting: Setting, random: &mut Random) -> Self {
        let mut strikes: Vec<(Strike, u64)> = [
            (Strike::Cut, 30),
            (Strike::Silence, 6),
            (Strike::Stall, 15),
            (Strike::SlowReader, 8),
            (Strike::NewAddress, 10),
            (Strike::Kill, 20),
            (Strike::Sleep, 15),
            (Strike::Crash, 2),
            (Strike::PowerCut, 3),
            (Strike::ClockJump, 1),
            (Strike::Busy, 3),
            (Strike::Panics, 3),
        ]
        .into_iter()
        .filter(|_| random.percent(75))
        .collect();
        if strikes.is_empty() {
            strikes.push((Strike::Cut, 1));
        }
        Self {
            pause_max: random.between(200 * MS, 2 * SECOND),
            strikes,
            has_gateways: random.percent(40),
            image_at: (random.percent(30) || setting == Setting::SetBack)
                .then(|| random.between(15 * SECOND, 40 * SECOND)),
            image: None,
            is_restoring: false,
            crashes: 0,
        }
    }

    pub fn crashed(&mut self) {
        self.crashes += 1;
        // The jump at a start guards against a lost tail of one life; what goes further back is an operator's restore.
        if let Some(image) = &mut self.image {
            image.is_backup |= !image.is_used;
        }
    }

    /// The setback that was begun must come first.
    pub fn must_wait_for_image(&self) -> bool {
        self.image.is_some()
    }

    fn next(&self, random: &mut Random) -> Strike {
        let mut draw = random.below(self.strikes.iter().map(|(_, parts)| parts).sum());
        for (strike, parts) in &self.strikes {
            if draw < *parts {
                return *strike;
            }
            draw -= parts;
        }
        Strike::Cut
    }
}

impl World {
    pub fn strike(&mut self) -> Result<(), String> {
        if self.is_healed {
            return Ok(());
        }
        let strike = self.weather.next(&mut self.course.random);
        self.course.note(format_args!("strikes: {strike:?}"));
        let kind = match strike {
            Strike::Cut => Some(Kind::Cut),
            Strike::Silence => Some(Kind::Silence),
            Strike::Stall => Some(Kind::Stall),
            Strike::SlowReader => Some(Kind::SlowReader),
            Strike::NewAddress => Some(Kind::NetworkChanged),
            Strike::Kill => Some(Kind::ClientKilled),
            Strike::Sleep => Some(Kind::ClientSlept),
            // These count when they bite.
            Strike::Crash | Strike::PowerCut | Strike::ClockJump | Strike::Busy | Strike::Panics => None,
        };
        kind.into_iter().for_each(|kind| self.course.count(kind));
        match strike {
            Strike::Cut => self.on_some_link(|world, link| world.network.cut(link, &mut world.course)),
            Strike::Silence => self.on_some_link(|world, link| world.network.silence(link)),
            Strike::Stall => self.on_some_link(|world, link| {
                let until = world.course.now + world.course.random.between(200 * MS, 8 * SECOND);
                let way = *world.course.random.pick(&[Way::Up, Way::Down]);
                world.network.stall(link, way, until, &mut world.course);
            }),
            Strike::SlowReader => self.on_some_link(|world, link| {
                let bytes_per_ms = world.course.random.between(1, 4);
                world.network.slow_down(link, bytes_per_ms);
            }),
            Strike::NewAddress => self.change_address()?,
            Strike::Kill => self.kill_some_client(),
            Strike::Sleep => self.send_to_sleep()?,
            Strike::Crash if self.server.is_up() => {
                self.course.count(Kind::CrashBetweenEvents);
                self.crash();
            }
            Strike::PowerCut => {
                let calls = self.course.random.below(60);
                self.server.disk.cut_power_after(calls);
            }
            Strike::ClockJump => self.jump_clock(),
            Strike::Busy => self.server.busy_percent = *self.course.random.pick(&[0, 0, 10, 40]),
            Strike::Panics => self.server.panic_percent = *self.course.random.pick(&[0, 5, 20]),
            Strike::Crash => {}
        }
        let pause = self.course.random.between(50 * MS, self.weather.pause_max);
        self.course.after(pause, Event::Strike);
        Ok(())
    }

    fn on_some_link(&mut self, harm: impl FnOnce(&mut Self, LinkId)) {
        let links: Vec<LinkId> = self.network.links.keys().copied().collect();
        if !links.is_empty() {
            let link = *self.course.random.pick(&links);
            harm(self, link);
        }
    }

    fn some_client(&mut self) -> usize {
        self.course.random.index(self.clients.len())
    }

    /// The client moves to another network. QUIC moves along; to others their old address is dead.
    fn change_address(&mut self) -> Result<(), String> {
        let index = self.some_client();
        let client = &mut self.clients[index];
        client.networks += 1;
        let network = format!("network {}", client.networks % 3);
        if let Some(link) = client.link
            && self.course.random.percent(50)
        {
            self.course.count(Kind::AddressLost);
            self.network.lose_address(link, &mut self.course);
        }
        self.with_client(index, |session, now| session.handle_network_changed(&network, now))
    }

    fn kill_some_client(&mut self) {
        let index = self.some_client();
        let is_silent = self.course.random.percent(30);
        self.clients[index].kill(is_silent, &mut self.network, &mut self.course);
        let away = *self.course.random.pick(&[10 * MS, SECOND, 10 * SECOND, 30 * SECOND]);
        self.course.within(MS, away, Event::Launch(index));
    }

    /// The application goes to the background and lets go of its link for a while.
    fn send_to_sleep(&mut self) -> Result<(), String> {
        let index = self.some_client();
        self.with_client(index, |session, now| session.stop(now))?;
        let life = self.clients[index].life;
        let away = *self.course.random.pick(&[2 * SECOND, 15 * SECOND, 40 * SECOND]);
        self.course.within(100 * MS, away, Event::Resume(index, life));
        Ok(())
    }

    fn jump_clock(&mut self) {
        let minutes = self.course.random.between(1, 120) as i64;
        let forward = self.course.random.percent(50);
        self.course.count(if forward { Kind::ClockForward } else { Kind::ClockBack });
        self.server.clock_changed = self.course.now;
        self.server.clock_offset_ms += if forward { minutes * 60_000 } else { -minutes * 60_000 };
    }

    /// A backup is taken; or nothing is, and later the disk turns out to have lost all since this moment. What is answered
    /// from here on until the server is back on the image does not count.
    pub fn take_image(&mut self) {
        let Some(end) = self.server.end().filter(|_| self.is_calm_enough()) else {
            return self.course.after(300 * MS, Event::TakeImage);
        };
        let is_backup = self.course.random.percent(50);
        let known = self.clients.iter().map(|client| client.is_registered()).collect();
        let content = self.server.disk.synced();
        let model = Box::new(self.server.model.clone());
        self.weather.image = Some(Image { content, end: end.0, is_backup, known, model, is_used: false });
        self.witness.fault_begins();
        self.course.note(format_args!("an image is taken at {end}"));
        let longest = if is_backup { 12 * SECOND } else { 3 * SECOND };
        self.course.within(200 * MS, longest, Event::SetBack);
    }

    /// Changes of groups must not be half known: the image says which of them are true.
    fn is_calm_enough(&self) -> bool {
        self.calls.changes_of_groups() == 0 && !self.clients.iter().any(|client| client.is_leaving())
    }

    /// Nobody changes groups while an image waits to be used.
    pub fn may_change_groups(&self) -> bool {
        self.weather.image.is_none() && !self.is_healed
    }

    pub fn set_back(&mut self) {
        let Some(end) = self.server.end() else {
            // It is down just now: how far it had come is known only when it is up.
            return self.course.after(300 * MS, Event::SetBack);
        };
        let Some(image) = &mut self.weather.image else { return };
        image.is_used = true;
        self.weather.is_restoring = image.is_backup;
        let (content, lost, known) = (image.content.clone(), image.end + 1..=end.0, image.known.clone());
        let model = image.model.clone();
        self.course.note(format_args!("the server is set back; {lost:?} are lost"));
        self.course.count(if self.weather.is_restoring { Kind::BackupRestored } else { Kind::TailLost });
        self.witness.lose(lost);
        self.crash();
        self.server.disk.replace(content);
        self.server.set_back(*model);
        self.forget_calls();
        for (client, is_known) in self.clients.iter_mut().zip(known) {
            client.set_back(is_known);
        }
    }

    /// The server is up; if it came back on an image, answers count again.
    pub fn is_back_from_image(&mut self) {
        self.weather.is_restoring = false;
        if self.weather.image.take_if(|image| image.is_used).is_some() {
            self.witness.fault_ends();
        }
    }
}
