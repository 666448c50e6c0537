//! `anser group`: making groups, and who is in them.

use anser_client::session::{Answer, Request};
use anser_protocol::ids::GroupId;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::group_more::{self, More};
use crate::options::Global;

/// Make groups and change who is in them
#[derive(Args)]
#[command(after_help = "Examples:
  anser group --user alice create geese bob carol
  anser group --user alice list
  anser group --user bob leave 10000000")]
pub struct Group {
    /// Who does it
    #[arg(long, value_name = "USER", global = true)]
    user: Option<String>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make a group and print its number
    Create {
        /// What the group is called
        name: String,
        /// Who is in it besides the maker
        members: Vec<String>,
        /// What it is for
        #[arg(long, default_value = "")]
        description: String,
    },
    /// Add members
    Add {
        group: u32,
        #[arg(required = true)]
        members: Vec<String>,
    },
    /// Remove members; the owner may, and admins plain members
    Remove {
        group: u32,
        #[arg(required = true)]
        members: Vec<String>,
    },
    /// Leave a group
    Leave { group: u32 },
    /// Print the groups that the user is in
    List,
    /// Print who is in a group
    Members { group: u32 },
    #[command(flatten)]
    More(More),
}

impl Action {
    fn request(self) -> Request {
        match self {
            Self::Create { name, members, description } => Request::GroupCreate { name, description, members },
            Self::Add { group, members } => Request::GroupAdd { group: GroupId(group), members },
            Self::Remove { group, members } => Request::GroupRemove { group: GroupId(group), members },
            Self::Leave { group } => Request::GroupLeave { group: GroupId(group) },
            Self::List => Request::GroupList,
            Self::Members { group } => Request::GroupMembers { group: GroupId(group) },
            Self::More(more) => Request::Group(Box::new(more.call())),
        }
    }
}

impl Group {
    pub async fn run(self, global: &Global) -> Result<(), Failure> {
        let user = self.user.ok_or_else(|| Failure::usage("whose groups? Give --user USER"))?;
        let mut connection = Connection::to_ask(global, Some(&user))?;
        let answer = match connection.log_in(global, &user).await {
            Ok(()) => connection.ask(self.action.request()).await.map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        connection.close().await;
        print(answer?, global.json);
        Ok(())
    }
}

fn print(answer: Answer, as_json: bool) {
    match answer {
        Answer::GroupCreated { group } if as_json => println!("{}", json!({"group": group.0})),
        Answer::GroupCreated { group } => println!("{group}"),
        Answer::Groups(groups) if as_json => {
            for group in groups {
                let (name, owner) = (group.name, group.owner);
                let line =
                    json!({"group": group.group.0, "name": name, "owner": owner, "description": group.description});
                println!("{line}");
            }
        }
        Answer::Groups(groups) => {
            groups.iter().for_each(|group| println!("{}  {}  (owner {})", group.group, group.name, group.owner));
        }
        Answer::Members { owner, members } if as_json => {
            println!("{}", json!({"owner": owner, "members": members}));
        }
        Answer::Members { owner, members } => {
            for member in members {
                println!("{member}{}", if member == owner { "  (owner)" } else { "" });
            }
        }
        answer if group_more::print(&answer, as_json) => {}
        _ if as_json => println!("{}", json!({"event": "done"})),
        _ => println!("done"),
    }
}
