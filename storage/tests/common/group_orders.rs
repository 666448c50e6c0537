//! Random orders about groups, for the scripts of random work.

use anser_protocol::ids::Position;
use anser_storage::command::Order;

use super::random::Random;

/// About somebody; `asked` is the number of a request to join, if one was made.
pub fn any(random: &mut Random, username: String, count: u64, asked: Option<Position>) -> Order {
    let names = vec![username.clone()];
    let id = asked.unwrap_or(Position(count));
    match random.below(17) {
        0 => Order::Edit { name: Some(format!("name {count}")), description: None, avatar: None },
        1 | 2 => Order::SetPublic(random.one_in(2)),
        3 => Order::Resize(3 + random.below(20) as u32),
        4 => Order::Transfer { to: username },
        5 => Order::AddAdmins { names },
        6 => Order::RemoveAdmins { names },
        7 => Order::Silence { names, for_ms: random.one_in(2).then_some(300_000) },
        8 => Order::LiftSilence { names },
        9 => Order::Ban { names },
        10 => Order::Unban { names },
        11 => Order::SetNickname { username, nickname: format!("nickname {count}") },
        12 => Order::Announce { text: format!("hear {count}"), as_message: random.one_in(2) },
        13 => Order::PinAnnouncement { id, is_pinned: random.one_in(2) },
        14 => Order::Apply { reason: "let me in".into() },
        15 => Order::Invite { names, reason: "a friend".into() },
        _ => Order::AnswerJoins { answers: vec![(id, username)], is_accepted: random.one_in(2), reason: String::new() },
    }
}
