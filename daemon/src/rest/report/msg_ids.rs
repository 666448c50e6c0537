//! The pushes that a report is asked about.

use anser_protocol::ids::Position;
use axum::http::Uri;

use crate::rest::family::Family;
use crate::rest::fault::Fault;
use crate::rest::path::query_value;

const IDS_MAX: usize = 100;
const GROUP_IDS_MAX: usize = 10;

/// An id as it was asked for. One that is no position of ours is as unknown as one that was never given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MsgId {
    pub text: String,
    pub position: Option<Position>,
}

impl MsgId {
    pub fn parse(text: &str) -> Option<Self> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| Self { text: text.to_owned(), position: text.parse().ok().map(Position) })
    }
}

/// A list with commas; spaces and empty parts do not matter.
pub fn parse(uri: &Uri) -> Result<Vec<MsgId>, Fault> {
    parse_list(uri, &["msg_ids"], IDS_MAX)
}

/// Pushes to groups. Clients have two names for the list.
pub fn parse_of_group(uri: &Uri) -> Result<Vec<MsgId>, Fault> {
    parse_list(uri, &["group_msgids", "group_msgid"], GROUP_IDS_MAX)
}

fn parse_list(uri: &Uri, names: &[&'static str], max: usize) -> Result<Vec<MsgId>, Fault> {
    let name = names[0];
    let list = names.iter().find_map(|name| query_value(uri, name));
    let list = list.ok_or_else(|| Family::Report.invalid(format!("{name} is missing")))?;
    let parts = list.split(',').map(str::trim).filter(|part| !part.is_empty());
    let no_number = || Family::Report.invalid(format!("{name} must be numbers with commas between"));
    let ids: Vec<MsgId> =
        parts.take(max + 1).map(|part| MsgId::parse(part).ok_or_else(no_number)).collect::<Result<_, _>>()?;
    match ids.len() {
        0 => Err(Family::Report.invalid(format!("{name} names no push"))),
        count if count <= max => Ok(ids),
        _ => Err(Family::Report.invalid(format!("{name} may name at most {max} pushes"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(query: &str) -> Result<Vec<String>, u32> {
        let uri: Uri = format!("/v3/received?{query}").parse().expect("a path");
        parse(&uri).map(|ids| ids.into_iter().map(|id| id.text).collect()).map_err(|fault| fault.code)
    }

    #[test]
    fn spaces_and_empty_parts_are_ignored() {
        assert_eq!(parsed("msg_ids=1,+2%2C,,%203,"), Ok(["1", "2", "3"].map(str::to_owned).to_vec()));
    }

    #[test]
    fn nothing_letters_and_too_many_are_3003() {
        let hundred = vec!["7"; 100].join(",");
        assert_eq!(parsed(&format!("msg_ids={hundred}")).map(|ids| ids.len()), Ok(100));
        for wrong in ["", "msg_ids=", "msg_ids=,", "msg_ids=1,x", "msg_ids=-1", &format!("msg_ids={hundred},7")] {
            assert_eq!(parsed(wrong), Err(3003), "{wrong}");
        }
    }

    #[test]
    fn a_number_that_is_too_large_is_an_unknown_push() {
        let id = MsgId::parse("99999999999999999999999").expect("digits");
        assert_eq!((id.text.as_str(), id.position), ("99999999999999999999999", None));
    }
}
