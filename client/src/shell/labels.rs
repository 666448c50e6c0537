//! Alias and tags in one call, as the oldest clients know it.

use std::time::Duration;

use super::Client;
use crate::code::PushCode;
use crate::session::{LabelAnswer, LabelCall};

/// Of alias and tags together.
const BYTES_MAX: usize = 7000;
/// Between two attempts of a call that goes on until it is done.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// What the two parts came to; nothing for one that was left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AliasAndTags {
    pub alias: Option<LabelAnswer>,
    pub tags: Option<LabelAnswer>,
}

impl Client {
    /// Sets the alias, then the tags: `None` leaves a part alone, an empty one clears it. Both are checked before anything
    /// is said to the server. When the tags fail the alias is set already; the same call again is no harm.
    pub async fn set_alias_and_tags(
        &self,
        sequence: u32,
        alias: Option<String>,
        tags: Option<Vec<String>>,
    ) -> Result<AliasAndTags, PushCode> {
        let (alias, tags) = calls(alias, tags)?;
        let mut done = AliasAndTags::default();
        if let Some(call) = alias {
            done.alias = Some(self.label(sequence, call).await?);
        }
        if let Some(call) = tags {
            done.tags = Some(self.label(sequence, call).await?);
        }
        Ok(done)
    }

    /// The same, again every ten seconds as long as what hinders it may pass: no answer, too many calls, no network. It
    /// ends with the client.
    pub async fn set_alias_and_tags_until_done(
        &self,
        sequence: u32,
        alias: Option<String>,
        tags: Option<Vec<String>>,
    ) -> Result<AliasAndTags, PushCode> {
        loop {
            match self.set_alias_and_tags(sequence, alias.clone(), tags.clone()).await {
                Err(code) if may_pass(code) => tokio::time::sleep(RETRY_AFTER).await,
                ended => return ended,
            }
        }
    }
}

fn calls(alias: Option<String>, tags: Option<Vec<String>>) -> Result<(Option<LabelCall>, Option<LabelCall>), PushCode> {
    let bytes = alias.as_ref().map_or(0, String::len) + tags.iter().flatten().map(String::len).sum::<usize>();
    let alias = alias.map(|alias| if alias.is_empty() { LabelCall::DeleteAlias } else { LabelCall::SetAlias(alias) });
    let tags = tags.map(|tags| if tags.is_empty() { LabelCall::CleanTags } else { LabelCall::SetTags(tags) });
    if alias.is_none() && tags.is_none() {
        return Err(PushCode::NothingToSet);
    }
    if bytes > BYTES_MAX {
        return Err(PushCode::PacketTooLong);
    }
    for call in alias.iter().chain(&tags) {
        call.check()?;
    }
    Ok((alias, tags))
}

fn may_pass(code: PushCode) -> bool {
    matches!(
        code,
        PushCode::TimedOut
            | PushCode::TooOften
            | PushCode::Busy
            | PushCode::QueryFailed
            | PushCode::Suspended
            | PushCode::TagCallOpen
            | PushCode::AliasCallOpen
            | PushCode::ServerFault
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(names: &[&str]) -> Option<Vec<String>> {
        Some(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn what_is_not_given_stays_and_what_is_empty_is_cleared() {
        let set = |alias: &str| Some(alias.to_owned());
        assert_eq!(calls(None, tags(&["a"])), Ok((None, Some(LabelCall::SetTags(vec!["a".into()])))));
        assert_eq!(calls(set("me"), None), Ok((Some(LabelCall::SetAlias("me".into())), None)));
        assert_eq!(calls(set(""), tags(&[])), Ok((Some(LabelCall::DeleteAlias), Some(LabelCall::CleanTags))));
    }

    #[test]
    fn what_is_wrong_with_one_part_stops_both() {
        assert_eq!(calls(None, None), Err(PushCode::NothingToSet));
        assert_eq!(calls(Some("me".into()), tags(&["a b"])), Err(PushCode::TagCharacters));
        assert_eq!(calls(Some("a b".into()), tags(&["a"])), Err(PushCode::AliasCharacters));
        let long: Vec<String> = (0..200).map(|number| format!("{number:040}")).collect();
        assert_eq!(calls(Some("me".into()), Some(long)), Err(PushCode::PacketTooLong));
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        assert!([PushCode::TimedOut, PushCode::TooOften, PushCode::Busy].into_iter().all(may_pass));
        assert!(![PushCode::Stopped, PushCode::TagCharacters, PushCode::AliasFull].into_iter().any(may_pass));
        assert!(!may_pass(PushCode::Unknown), "the client has ended");
    }
}
