//! `anser people`: friends, the blacklist, do-not-disturb, profiles and the password.

use anser_client::session::{Answer, PeopleRequest, Request};
use anser_protocol::frame::people::{Mutes, Person, ProfileChange};
use anser_protocol::ids::GroupId;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::failure::Failure;
use crate::options::Global;

/// Friends, blacklist, do-not-disturb, profile and password of a user
#[derive(Args)]
#[command(after_help = "Examples:
  anser people --user alice ask bob --reason 'we met on Friday'
  anser people --user bob accept alice
  anser people --user alice profile --nickname Alice --region Hangzhou
  anser people --user alice show bob carol")]
pub struct People {
    /// Whose they are
    #[arg(long, value_name = "USER", global = true)]
    user: Option<String>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Print the friends
    Friends,
    /// Ask somebody to be friends
    Ask {
        name: String,
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Accept who asked to be friends
    Accept { name: String },
    /// Refuse who asked to be friends
    Refuse {
        name: String,
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// End friendships
    Unfriend {
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Write down a name or a text about a friend
    Note {
        name: String,
        #[arg(long)]
        call: Option<String>,
        #[arg(long)]
        text: Option<String>,
    },
    /// Print who is blocked
    Blacklist,
    /// Let nobody of these write to the user any more
    Block {
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Let them write again
    Unblock {
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Print what does not disturb
    Mutes,
    /// Let neither these users nor these groups disturb; nothing named: nobody
    Mute {
        names: Vec<String>,
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<u32>,
    },
    /// Let them disturb again
    Unmute {
        names: Vec<String>,
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<u32>,
    },
    /// Print the groups of which the user gets no messages
    Shields,
    /// Get no more messages of these groups
    Shield {
        #[arg(required = true)]
        groups: Vec<u32>,
    },
    /// Get their messages again
    Unshield {
        #[arg(required = true)]
        groups: Vec<u32>,
    },
    /// Print profiles
    Show {
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Change the own profile; an empty text clears
    Profile {
        #[arg(long)]
        nickname: Option<String>,
        #[arg(long, value_name = "MEDIA_ID")]
        avatar: Option<String>,
        #[arg(long, value_name = "YYYY-MM-DD")]
        birthday: Option<String>,
        #[arg(long)]
        signature: Option<String>,
        #[arg(long)]
        region: Option<String>,
        #[arg(long)]
        address: Option<String>,
        /// 0 unknown, 1 male, 2 female
        #[arg(long)]
        gender: Option<u8>,
        /// A JSON object
        #[arg(long)]
        extras: Option<String>,
    },
    /// Change the password; other devices are logged out
    Password { old: String, new: String },
}

impl Action {
    fn request(self) -> PeopleRequest {
        use PeopleRequest as R;
        let ids = |groups: Vec<u32>| groups.into_iter().map(GroupId).collect::<Vec<_>>();
        match self {
            Self::Friends => R::Friends,
            Self::Ask { name, reason } => R::AskFriend { username: name, reason },
            Self::Accept { name } => R::AnswerFriend { username: name, accepts: true, reason: String::new() },
            Self::Refuse { name, reason } => R::AnswerFriend { username: name, accepts: false, reason },
            Self::Unfriend { names } => R::RemoveFriends { usernames: names },
            Self::Note { name, call, text } => R::NoteFriend { username: name, name: call, text },
            Self::Blacklist => R::Blacklist,
            Self::Block { names } => R::Block { usernames: names },
            Self::Unblock { names } => R::Unblock { usernames: names },
            Self::Mutes => R::Mutes,
            Self::Mute { names, groups } => {
                let everything = (names.is_empty() && groups.is_empty()).then_some(true);
                R::Mute(Box::new(Mutes { add_users: names, add_groups: ids(groups), everything, ..Mutes::default() }))
            }
            Self::Unmute { names, groups } => {
                let everything = (names.is_empty() && groups.is_empty()).then_some(false);
                let mutes = Mutes { remove_users: names, remove_groups: ids(groups), everything, ..Mutes::default() };
                R::Mute(Box::new(mutes))
            }
            Self::Shields => R::Shields,
            Self::Shield { groups } => R::Shield { add: ids(groups), remove: Vec::new() },
            Self::Unshield { groups } => R::Shield { add: Vec::new(), remove: ids(groups) },
            Self::Show { names } => R::Users { usernames: names },
            Self::Profile { nickname, avatar, birthday, signature, region, address, gender, extras } => {
                let change = ProfileChange {
                    nickname,
                    avatar,
                    birthday,
                    signature,
                    region,
                    address,
                    gender,
                    extras,
                    ..ProfileChange::default()
                };
                R::ChangeProfile(Box::new(change))
            }
            Self::Password { old, new } => R::ChangePassword { old, new },
        }
    }
}

impl People {
    pub async fn run(self, global: &Global) -> Result<(), Failure> {
        let user = self.user.ok_or_else(|| Failure::usage("of whom? Give --user USER"))?;
        let mut connection = Connection::to_ask(global, Some(&user))?;
        let answer = match connection.log_in(global, &user).await {
            Ok(()) => connection.ask(Request::People(self.action.request())).await.map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        connection.close().await;
        print(answer?, global.json);
        Ok(())
    }
}

fn print(answer: Answer, as_json: bool) {
    match answer {
        Answer::People { people, groups, everything } if as_json => {
            people.iter().for_each(|person| println!("{}", line(person)));
            groups.iter().for_each(|group| println!("{}", json!({"group": group.0})));
            if everything {
                println!("{}", json!({"everything": true}));
            }
        }
        Answer::People { people, groups, everything } => {
            for person in &people {
                println!("{}  {}", person.username, person.display_name());
            }
            groups.iter().for_each(|group| println!("group {group}"));
            if everything {
                println!("everything");
            }
        }
        _ if as_json => println!("{}", json!({"event": "done"})),
        _ => println!("done"),
    }
}

/// Without what is empty.
fn line(person: &Person) -> Value {
    let mut line = json!({"username": person.username});
    let texts = [
        ("nickname", &person.nickname),
        ("avatar", &person.avatar),
        ("birthday", &person.birthday),
        ("signature", &person.signature),
        ("region", &person.region),
        ("address", &person.address),
        ("extras", &person.extras),
        ("note_name", &person.note_name),
        ("note_text", &person.note_text),
    ];
    for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        line[name] = text.as_str().into();
    }
    if person.gender != 0 {
        line["gender"] = person.gender.into();
    }
    let relations = [("friend", Person::FRIEND), ("blocked", Person::BLACKLISTED), ("muted", Person::MUTED)];
    for (name, bit) in relations.into_iter().filter(|(_, bit)| person.relations & bit != 0) {
        line[name] = (bit != 0).into();
    }
    line
}
