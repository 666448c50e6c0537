//! Tags, alias and mobile number, as an application calls for them: with a number of its own that comes back with the answer,
//! and checked before anything is said to the server.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use anser_protocol::error::ErrorCode;
use anser_protocol::label;
use anser_protocol::limits::{LABEL_BYTES_MAX, TAGS_PER_CALL_BYTES_MAX, TAGS_PER_DEVICE_MAX};

use super::action::{Action, Answer, Event, Request, RequestError, RequestId};
use super::{Session, requests};
use crate::code::PushCode;

/// An answer is waited for so long.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Calls for tags and alias together, and for the mobile number, within [`WINDOW`].
const LABEL_CALLS_MAX: usize = 10;
const MOBILE_CALLS_MAX: usize = 3;
const WINDOW: Duration = Duration::from_secs(10);

/// What an application can ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelCall {
    SetAlias(String),
    DeleteAlias,
    GetAlias,
    /// These tags and no others.
    SetTags(Vec<String>),
    AddTags(Vec<String>),
    DeleteTags(Vec<String>),
    CleanTags,
    GetTags,
    /// Is this tag bound to the device?
    CheckTag(String),
    /// Empty takes the number away.
    SetMobile(String),
}

/// Which of the four kinds of answer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LabelKind {
    Alias,
    Tags,
    CheckTag,
    Mobile,
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelAnswer {
    /// The alias as it is now; empty: none.
    Alias(String),
    /// All tags as they are now.
    Tags(Vec<String>),
    CheckedTag {
        tag: String,
        is_bound: bool,
    },
    /// The mobile number was set, or taken away.
    Mobile(String),
}

impl LabelCall {
    pub fn kind(&self) -> LabelKind {
        match self {
            Self::SetAlias(_) | Self::DeleteAlias | Self::GetAlias => LabelKind::Alias,
            Self::CheckTag(_) => LabelKind::CheckTag,
            Self::SetMobile(_) => LabelKind::Mobile,
            _ => LabelKind::Tags,
        }
    }

    /// What can be said against it without asking the server.
    pub fn check(&self) -> Result<(), PushCode> {
        match self {
            Self::SetAlias(alias) => check_alias(alias),
            Self::SetTags(tags) | Self::AddTags(tags) | Self::DeleteTags(tags) => check_tags(tags),
            Self::CheckTag(tag) if tag.is_empty() => Err(PushCode::NothingToSet),
            Self::CheckTag(tag) => check_tag(tag),
            Self::SetMobile(mobile) => label::check_mobile(mobile).map_err(PushCode::from),
            Self::DeleteAlias | Self::GetAlias | Self::CleanTags | Self::GetTags => Ok(()),
        }
    }

    fn request(&self) -> Request {
        match self.clone() {
            Self::SetAlias(alias) => Request::AliasSet { alias },
            Self::DeleteAlias => Request::AliasDelete,
            Self::GetAlias => Request::AliasGet,
            Self::SetTags(tags) => Request::TagsSet { tags },
            Self::AddTags(tags) => Request::TagsAdd { tags },
            Self::DeleteTags(tags) => Request::TagsDelete { tags },
            Self::CleanTags => Request::TagsSet { tags: Vec::new() },
            Self::GetTags | Self::CheckTag(_) => Request::TagsGet,
            Self::SetMobile(mobile) => Request::MobileSet { mobile },
        }
    }

    fn is_question(&self) -> bool {
        matches!(self, Self::GetAlias | Self::GetTags | Self::CheckTag(_))
    }

    fn answer(self, answer: Answer) -> Result<LabelAnswer, PushCode> {
        match (self, answer) {
            (Self::CheckTag(tag), Answer::Tags(tags)) => {
                let is_bound = tags.contains(&tag);
                Ok(LabelAnswer::CheckedTag { tag, is_bound })
            }
            (_, Answer::Tags(tags)) => Ok(LabelAnswer::Tags(tags)),
            (_, Answer::Alias(alias)) => Ok(LabelAnswer::Alias(alias)),
            (Self::SetMobile(mobile), Answer::Done) => Ok(LabelAnswer::Mobile(mobile)),
            _ => Err(PushCode::Unknown),
        }
    }
}

/// The tags that may be set, in their order and each once, up to as many as a device may have. One bad tag otherwise fails a
/// whole call.
pub fn filter_valid_tags(tags: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut known = std::collections::BTreeSet::new();
    let valid = tags.into_iter().filter(|tag| label::is_label(tag) && known.insert(tag.clone()));
    valid.take(TAGS_PER_DEVICE_MAX).collect()
}

fn check_alias(alias: &str) -> Result<(), PushCode> {
    match alias {
        "" => Err(PushCode::NothingToSet),
        long if long.len() > LABEL_BYTES_MAX => Err(PushCode::AliasTooLong),
        alias if label::is_label(alias) => Ok(()),
        _ => Err(PushCode::AliasCharacters),
    }
}

fn check_tags(tags: &[String]) -> Result<(), PushCode> {
    if tags.is_empty() {
        return Err(PushCode::NothingToSet);
    }
    if tags.len() > TAGS_PER_DEVICE_MAX {
        return Err(PushCode::TagsPerCall);
    }
    tags.iter().try_for_each(|tag| check_tag(tag))?;
    let bytes: usize = tags.iter().map(String::len).sum();
    if bytes > TAGS_PER_CALL_BYTES_MAX { Err(PushCode::TagsTooLong) } else { Ok(()) }
}

fn check_tag(tag: &str) -> Result<(), PushCode> {
    match tag {
        long if long.len() > LABEL_BYTES_MAX => Err(PushCode::TagTooLong),
        tag if label::is_label(tag) => Ok(()),
        _ => Err(PushCode::TagCharacters),
    }
}

/// Calls that are not answered yet, and when the last ones were made.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    open: BTreeMap<RequestId, (u32, LabelCall)>,
    label_calls: VecDeque<Duration>,
    mobile_calls: VecDeque<Duration>,
}

impl Labels {
    fn admit(&mut self, kind: LabelKind, now: Duration) -> Result<(), PushCode> {
        let is_open = |is_kind: fn(LabelKind) -> bool| self.open.values().any(|(_, call)| is_kind(call.kind()));
        match kind {
            LabelKind::Tags | LabelKind::CheckTag
                if is_open(|kind| matches!(kind, LabelKind::Tags | LabelKind::CheckTag)) =>
            {
                return Err(PushCode::TagCallOpen);
            }
            LabelKind::Alias if is_open(|kind| kind == LabelKind::Alias) => return Err(PushCode::AliasCallOpen),
            _ => {}
        }
        let (calls, most) = match kind {
            LabelKind::Mobile => (&mut self.mobile_calls, MOBILE_CALLS_MAX),
            _ => (&mut self.label_calls, LABEL_CALLS_MAX),
        };
        while calls.front().is_some_and(|at| *at + WINDOW <= now) {
            calls.pop_front();
        }
        if calls.len() >= most {
            return Err(PushCode::TooOften);
        }
        calls.push_back(now);
        Ok(())
    }

    pub(super) fn take(&mut self, request: RequestId) -> Option<(u32, LabelCall)> {
        self.open.remove(&request)
    }
}

impl Session {
    /// Changes or asks for tags, alias or mobile number. The outcome is an [`Event::LabelAnswered`] with the same `sequence`;
    /// what is refused at once is answered only here.
    pub fn label(&mut self, sequence: u32, call: LabelCall, now: Duration) -> Result<(), PushCode> {
        self.now = now;
        if self.is_push_stopped() {
            return Err(PushCode::Stopped);
        }
        call.check()?;
        self.labels.admit(call.kind(), now)?;
        let pushed = self.requests.push_for(call.request(), ANSWER_WITHIN, now);
        let request = pushed.map_err(|error| PushCode::from(&error))?;
        self.labels.open.insert(request, (sequence, call));
        self.drive();
        Ok(())
    }

    /// Push was stopped: what is on its way is not waited for.
    pub(super) fn give_up_labels(&mut self) {
        let requests: Vec<RequestId> = self.labels.open.keys().copied().collect();
        for request in requests {
            self.requests.complete(request);
            self.finish(request, Err(RequestError::PushStopped));
        }
    }

    /// Tells the application what its request came to.
    pub(super) fn finish(&mut self, request: RequestId, result: Result<Answer, RequestError>) {
        let event = match self.labels.take(request) {
            None => Event::Answered { request, result },
            Some((sequence, call)) => {
                let (kind, is_question) = (call.kind(), call.is_question());
                let result = match result {
                    Ok(answer) => call.answer(answer),
                    Err(RequestError::Refused { code: ErrorCode::INTERNAL, .. }) if is_question => {
                        Err(PushCode::QueryFailed)
                    }
                    Err(error) => Err(PushCode::from(&error)),
                };
                Event::LabelAnswered { sequence, kind, result }
            }
        };
        self.actions.push_back(Action::Emit(event));
    }
}

/// Is this one of the calls that a stopped push refuses?
pub(super) fn is_push_call(request: &Request) -> bool {
    !requests::needs_user(request) && !matches!(request, Request::RegisterUser { .. })
}
