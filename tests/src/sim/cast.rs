//! Who takes part: two towns, apps with users who have one or two devices, groups, and devices that never show up; and the
//! village, an app in which a few people do more than write ([`super::themes`]).
//!
//! Names and numbers are the same in every app, so that whatever crosses a wall finds somebody on the other side.

use std::collections::BTreeSet;

use anser_protocol::content::Platform;
use anser_protocol::ids::GroupId;
use anser_storage::command::{
    Actor, AppCommand, Command, DeviceCommand, GroupCommand, NewUser, RoomCommand, UserCommand,
};
use anser_storage::ids::{AppNumber, UserNumber};
use anser_storage::outcome::{Answer, Outcome};

use super::course::Course;
use super::server::Server;
use super::themes::model::Model;
use super::themes::{self, Theme};

/// In all, over the towns.
pub const CLIENTS: usize = 50;
/// Devices per app without a client: a push to many has many targets.
const ABSENT_DEVICES: usize = 80;
/// Of each app: users with clients, and how many of those have a second device.
const USERS: [(usize, usize); 2] = [(20, 10), (14, 6)];
/// Users without a client; app servers write in their name.
const CONTACTS: [usize; 2] = [40, 10];
const GROUPS: [usize; 2] = [5, 4];
/// Of 100 devices so many are shared by two users.
const GUESTS_PERCENT: u64 = 20;

/// The tag that the absent devices have, too.
pub const COMMON_TAG: &str = "common";
pub const TAGS: [&str; 4] = [COMMON_TAG, "red", "green", "blue"];

/// Apps in which everybody writes and pushes; the village comes behind them.
pub const TOWNS: usize = USERS.len();
pub const VILLAGE: usize = TOWNS;

pub struct Cast {
    pub apps: Vec<App>,
    /// What the village is busy with.
    pub themes: Vec<Theme>,
    /// Its clients.
    pub villagers: Vec<usize>,
    /// There a user is logged in on one phone at a time.
    pub has_one_of_a_kind: bool,
}

pub struct App {
    pub key: String,
    pub number: AppNumber,
    pub users: Vec<User>,
    pub groups: Vec<Group>,
}

#[derive(Default)]
pub struct User {
    pub name: String,
    pub number: UserNumber,
    /// Empty for a contact.
    pub clients: Vec<usize>,
    /// The applications that show this user's chats: of the own clients, and of those that are shared.
    pub receivers: Vec<String>,
}

/// A group and who is in it, as far as the answers tell.
pub struct Group {
    pub id: GroupId,
    /// Indices of users.
    pub members: BTreeSet<usize>,
    /// Users whose joining or leaving is not answered yet.
    pub changing: BTreeSet<usize>,
}

/// Which user a client belongs to.
#[derive(Clone, Debug)]
pub struct Place {
    pub app: usize,
    pub user: usize,
    pub name: String,
    pub platform: Platform,
    /// Another user who logs in on this device now and then.
    pub guest: Option<usize>,
}

impl Place {
    /// The application as one of the device's users sees it: what a user has stored is no other's.
    pub fn receiver(&self, user: usize) -> String {
        if user == self.user { self.name.clone() } else { format!("{} as user{user}", self.name) }
    }
}

pub fn password_of(user: &str) -> String {
    format!("password of {user}")
}

impl Cast {
    /// Fills the empty store; the cast, and the places of the clients.
    pub fn enter(server: &mut Server, course: &mut Course) -> Result<(Self, Vec<Place>), String> {
        let mut apps = Vec::new();
        let mut places = Vec::new();
        for index in 0..USERS.len() {
            apps.push(enter_app(index, &mut places, server, course)?);
        }
        assert_eq!(places.len(), CLIENTS, "the figures above add up");
        let themes = themes::draw(&mut course.random);
        apps.push(enter_village(&mut places, server, course)?);
        let villagers = (CLIENTS..places.len()).collect();
        let has_one_of_a_kind = themes.contains(&Theme::Logins);
        Ok((Self { apps, themes, villagers, has_one_of_a_kind }, places))
    }
}

fn enter_app(index: usize, places: &mut Vec<Place>, server: &mut Server, course: &mut Course) -> Result<App, String> {
    let key = format!("{index:024x}");
    let create =
        AppCommand::Create { name: format!("{:024x}", index + 16), app_key: key.clone(), master_secret: key.clone() };
    let answer = one(server, course, Command::App(create))?;
    let Answer::App(number) = answer else { return Err(format!("{answer:?} for an app")) };
    let mut users = enter_users(index, number, server, course)?;
    let (with_client, with_two) = USERS[index];
    for (user, row) in users.iter_mut().enumerate().take(with_client) {
        for device in 0..=usize::from(user < with_two) {
            row.clients.push(places.len());
            let random = &mut course.random;
            let platform = *random.pick(&[Platform::ANDROID, Platform::IOS]);
            let guest = (user + 1 + random.index(with_client - 1)) % with_client;
            let guest = random.percent(GUESTS_PERCENT).then_some(guest);
            places.push(Place { app: index, user, name: format!("{index}/{}/{device}", row.name), platform, guest });
        }
    }
    for place in places.iter().filter(|place| place.app == index) {
        for user in [Some(place.user), place.guest].into_iter().flatten() {
            users[user].receivers.push(place.receiver(user));
        }
    }
    enter_absent_devices(number, server, course)?;
    let groups = enter_groups(index, number, &users, server, course)?;
    Ok(App { key, number, users, groups })
}

/// Devices of the village's people; the others have none.
const VILLAGE_DEVICES: [usize; 8] = [2, 2, 1, 1, 1, 0, 0, 0];
/// The village's groups: how many members, and whether it is public.
const VILLAGE_GROUPS: [(usize, bool); 3] = [(5, false), (4, true), (3, true)];
const VILLAGE_ROOMS: usize = 2;

fn enter_village(places: &mut Vec<Place>, server: &mut Server, course: &mut Course) -> Result<App, String> {
    let key = format!("{VILLAGE:024x}");
    let create =
        AppCommand::Create { name: format!("{:024x}", VILLAGE + 16), app_key: key.clone(), master_secret: key.clone() };
    let answer = one(server, course, Command::App(create))?;
    let Answer::App(number) = answer else { return Err(format!("{answer:?} for an app")) };
    server.model = Model::new(number);
    // In other words than in the towns: nobody there is to be found here.
    let names: Vec<String> = (0..VILLAGE_DEVICES.len()).map(|user| format!("villager{user}")).collect();
    let mut users = register(names, number, server, course)?;
    for (user, devices) in VILLAGE_DEVICES.into_iter().enumerate() {
        for device in 0..devices {
            users[user].clients.push(places.len());
            let platform = *course.random.pick(&[Platform::ANDROID, Platform::IOS]);
            let guest = (device == 1 && course.random.percent(50)).then_some(2);
            let name = format!("{VILLAGE}/{}/{device}", users[user].name);
            places.push(Place { app: VILLAGE, user, name, platform, guest });
        }
    }
    let mut groups = Vec::new();
    for (number_of, (size, is_public)) in VILLAGE_GROUPS.into_iter().enumerate() {
        let members: BTreeSet<usize> = (0..size).map(|step| (number_of * 2 + step) % users.len()).collect();
        let names: Vec<String> = members.iter().map(|user| users[*user].name.clone()).collect();
        groups.push(make_group(format!("circle {number_of}"), is_public, (number, &names), members, server, course)?);
    }
    for room in 0..VILLAGE_ROOMS {
        let (name, owner) = (format!("room {room}"), users[room].name.clone());
        let (description, members) = (String::new(), vec![users[room + 1].name.clone()]);
        let create = RoomCommand::Create { app: number, owner, name, description, members, flag: 0 };
        one(server, course, Command::Room(create))?;
    }
    Ok(App { key, number, users, groups })
}

fn enter_users(index: usize, app: AppNumber, server: &mut Server, course: &mut Course) -> Result<Vec<User>, String> {
    let names: Vec<String> = (0..USERS[index].0 + CONTACTS[index]).map(|user| format!("user{user}")).collect();
    register(names, app, server, course)
}

fn register(names: Vec<String>, app: AppNumber, server: &mut Server, course: &mut Course) -> Result<Vec<User>, String> {
    let new = |name: &String| NewUser { username: name.clone(), password: password_of(name), ..NewUser::default() };
    let register = UserCommand::Register { app, users: names.iter().map(new).collect() };
    let answer = one(server, course, Command::User(register))?;
    let Answer::Users(numbers) = answer else { return Err(format!("{answer:?} for users")) };
    let numbers = numbers.into_iter().collect::<Result<Vec<_>, _>>().map_err(|refusal| format!("{refusal:?}"))?;
    Ok(names.into_iter().zip(numbers).map(|(name, number)| User { name, number, ..User::default() }).collect())
}

fn enter_absent_devices(app: AppNumber, server: &mut Server, course: &mut Course) -> Result<(), String> {
    let register = |device: usize| {
        Command::Device(DeviceCommand::Register {
            app,
            registration_id: format!("absent {device}"),
            secret_hash: [0; 32],
            platform: Platform::ANDROID,
        })
    };
    let mut tags = Vec::new();
    for outcome in all(server, course, (0..ABSENT_DEVICES).map(register).collect())? {
        match outcome.answer {
            Ok(Answer::Device { device, .. }) => {
                let set = DeviceCommand::SetTags { app, device, tags: vec![COMMON_TAG.into()] };
                tags.push(Command::Device(set));
            }
            other => return Err(format!("{other:?} for a device")),
        }
    }
    all(server, course, tags).map(drop)
}

fn enter_groups(
    index: usize,
    app: AppNumber,
    users: &[User],
    server: &mut Server,
    course: &mut Course,
) -> Result<Vec<Group>, String> {
    let mut groups = Vec::new();
    for number in 0..GROUPS[index] {
        // The first group is the one where most is said.
        let size = if number == 0 { 10 } else { course.random.between(2, 8) };
        let members: BTreeSet<usize> = (0..size).map(|_| course.random.index(USERS[index].0)).collect();
        let names: Vec<String> = members.iter().map(|user| users[*user].name.clone()).collect();
        groups.push(make_group(format!("group {number}"), false, (app, &names), members, server, course)?);
    }
    Ok(groups)
}

fn make_group(
    name: String,
    is_public: bool,
    (app, names): (AppNumber, &[String]),
    members: BTreeSet<usize>,
    server: &mut Server,
    course: &mut Course,
) -> Result<Group, String> {
    let create = GroupCommand::Create {
        app,
        by: Actor::Server,
        owner: names[0].clone(),
        name,
        description: String::new(),
        avatar: String::new(),
        is_public,
        members_max: None,
        members: names.to_vec(),
    };
    let answer = one(server, course, Command::Group(create))?;
    let Answer::Group(id) = answer else { return Err(format!("{answer:?} for a group")) };
    Ok(Group { id, members, changing: BTreeSet::new() })
}

fn one(server: &mut Server, course: &Course, command: Command) -> Result<Answer, String> {
    let outcome = all(server, course, vec![command])?.into_iter().next().ok_or("no outcome")?;
    outcome.answer.map_err(|refusal| format!("the cast was refused: {refusal:?}"))
}

fn all(server: &mut Server, course: &Course, commands: Vec<Command>) -> Result<Vec<Outcome>, String> {
    server.apply_at_once(commands, course)?.ok_or_else(|| "the power went before anything began".to_owned())
}
