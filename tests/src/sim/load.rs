//! What the people at the clients do: they write, in bursts now and then, change their device's labels, leave groups, and
//! some share a device.

use std::collections::BTreeSet;

use anser_protocol::names::Chat;

use super::cast::TAGS;
use super::client::{Departed, Departure};
use super::course::{Event, MS, SECOND};
use super::tally::Kind;
use super::world::World;

impl World {
    pub fn act(&mut self, client: usize) -> Result<(), String> {
        if self.is_healed {
            return Ok(());
        }
        self.course.within(200 * MS, 8 * SECOND, Event::Act(client));
        if self.clients[client].session.is_none() {
            return Ok(());
        }
        if self.clients[client].heard.is_some() {
            return self.live(client);
        }
        match self.course.random.below(100) {
            0..78 => self.say(client, 1),
            // More than a catch-up shows of one chat.
            78..80 => self.stop_or_resume(client),
            80..84 => {
                let many = self.course.random.between(10, 40);
                self.say(client, many)
            }
            84..92 => self.choose_tags(client),
            92..95 => self.choose_alias(client),
            95 | 96 => self.change_user(client),
            _ if self.may_change_groups() => self.leave_some_group(client),
            _ => Ok(()),
        }
    }

    fn say(&mut self, index: usize, times: u64) -> Result<(), String> {
        let Some(chat) = self.choose_chat(index) else { return Ok(()) };
        if times > 1 {
            self.course.count(Kind::Burst);
        }
        for _ in 0..times {
            let padding = if self.course.random.percent(10) { self.course.random.between(100, 3500) } else { 8 };
            let client = &mut self.clients[index];
            client.say(chat.clone(), padding as usize, &mut self.network, &mut self.witness, &mut self.course)?;
        }
        Ok(())
    }

    fn choose_chat(&mut self, index: usize) -> Option<Chat> {
        let (app, user) = (self.clients[index].place.app, self.clients[index].acting);
        let random = &mut self.course.random;
        let app = &self.cast.apps[app];
        let is_in = |group: &&super::cast::Group| group.members.contains(&user);
        let groups: Vec<_> = app.groups.iter().filter(is_in).collect();
        if random.percent(55) && !groups.is_empty() {
            let group = if random.percent(50) { groups[0] } else { *random.pick(&groups) };
            return Some(Chat::Group(group.id));
        }
        let with_client = app.users.iter().filter(|user| !user.clients.is_empty()).count();
        let peer = match random.below(10) {
            0..3 => 0,
            3..8 => (user + 1 + random.index(2)) % with_client,
            _ => random.index(app.users.len()),
        };
        Some(Chat::User(app.users[peer].name.as_str().into()))
    }

    /// Pushes wait while they are stopped, as for a device that is away.
    fn stop_or_resume(&mut self, index: usize) -> Result<(), String> {
        self.course.count(Kind::PushesStopped);
        let client = &mut self.clients[index];
        let stops = !client.is_push_stopped();
        client.stop_pushes(stops, &mut self.network, &mut self.witness, &mut self.course)
    }

    fn choose_tags(&mut self, index: usize) -> Result<(), String> {
        let tags: BTreeSet<String> =
            TAGS.iter().filter(|_| self.course.random.percent(40)).map(|tag| (*tag).to_owned()).collect();
        self.unsettle(index);
        self.course.count(Kind::TagsChanged);
        let client = &mut self.clients[index];
        client.set_tags(tags, &mut self.network, &mut self.witness, &mut self.course)
    }

    fn choose_alias(&mut self, index: usize) -> Result<(), String> {
        let alias = format!("alias{}", self.course.random.below(8));
        self.unsettle(index);
        self.course.count(Kind::AliasChanged);
        let client = &mut self.clients[index];
        client.set_alias(alias, &mut self.network, &mut self.witness, &mut self.course)
    }

    fn leave_some_group(&mut self, index: usize) -> Result<(), String> {
        let (app, user) = (self.clients[index].place.app, self.clients[index].acting);
        let may_leave = |group: &super::cast::Group| {
            group.members.contains(&user)
                && !group.changing.contains(&user)
                && group.members.len() > group.changing.len() + 2
        };
        let Some(number) = self.cast.apps[app].groups.iter().position(may_leave) else { return Ok(()) };
        let group = self.cast.apps[app].groups[number].id;
        self.tell_members(app, number, user, |witness, chain, name| witness.leaving(chain, name));
        self.cast.apps[app].groups[number].changing.insert(user);
        let client = &mut self.clients[index];
        let is_taken = client.leave(number, group, &mut self.network, &mut self.witness, &mut self.course)?;
        if !is_taken {
            // Nobody was asked: an app server does it.
            client.departures.push(Departed { group: number, user, departure: Departure::Unknown });
        }
        Ok(())
    }

    /// The other user of a shared device logs in, in the place of the one who is, or once that one has logged out.
    pub fn change_user(&mut self, index: usize) -> Result<(), String> {
        let Some(guest) = self.clients[index].place.guest else { return Ok(()) };
        let home = self.clients[index].place.user;
        let to = if self.clients[index].acting == home { guest } else { home };
        let name = self.cast.apps[self.clients[index].place.app].users[to].name.clone();
        let logs_out = self.course.random.percent(50);
        let client = &mut self.clients[index];
        client.change_user(to, name, logs_out, &mut self.network, &mut self.witness, &mut self.course)
    }
}
