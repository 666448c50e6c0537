//! Sensitive words: the list of an app, and what it does to messages.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use anser_protocol::content::{Content, ContentKind};
use anser_protocol::extension::{Extension, tag};
use anser_protocol::planted::{Fault, is_planted};

use super::{Batch, Decided};
use crate::command::WordCommand;
use crate::error::ReadError;
use crate::ids::AppNumber;
use crate::outcome::{Answer, Refusal};
use crate::rows::app::app_key;
use crate::rows::word::{SensitiveWord, WordList};
use crate::tables::Tables;
use crate::word_filter::WordFilter;

/// What people read of a message besides its text.
const SHOWN: [u16; 5] = [tag::NOTICE_TITLE, tag::NOTICE_ALERT, tag::NOTICE_AT_PREFIX, tag::FROM_NAME, tag::TARGET_NAME];

/// Apps and words whose filters are kept; beyond them all are dropped and made again as needed.
const APPS_MAX: usize = 10_000;
const WORDS_MAX: usize = 100_000;

/// The filters of apps that were written to lately. Belongs to the writer, and follows a batch as its lists of members do.
#[derive(Default)]
pub(crate) struct WordFilters {
    /// Nothing for an app without words, or whose filter is off.
    by_app: BTreeMap<AppNumber, Option<Arc<WordFilter>>>,
    words: usize,
}

impl WordFilters {
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn forget(&mut self, app: AppNumber) {
        if let Some(Some(filter)) = self.by_app.remove(&app) {
            self.words -= filter.words();
        }
    }

    fn keep(&mut self, app: AppNumber, filter: Option<Arc<WordFilter>>) {
        let words = filter.as_ref().map_or(0, |filter| filter.words());
        if self.by_app.len() >= APPS_MAX || self.words + words > WORDS_MAX {
            self.clear();
        }
        self.words += words;
        self.by_app.insert(app, filter);
    }
}

impl Batch<'_> {
    pub(super) fn word(&mut self, command: &WordCommand) -> Decided<Answer> {
        let app = match command {
            WordCommand::Add { app, .. }
            | WordCommand::Replace { app, .. }
            | WordCommand::Remove { app, .. }
            | WordCommand::SetFilter { app, .. } => *app,
        };
        self.require_app(app)?;
        let before: WordList = self.row(&app_key(app))?.unwrap_or_default();
        let mut list = before.clone();
        match command {
            WordCommand::Add { words, words_max, .. } => self.add_words(&mut list, words, *words_max)?,
            WordCommand::Replace { old, new, .. } => self.replace_word(&mut list, old, new),
            WordCommand::Remove { words, .. } => list.words.retain(|word| !words.contains(&word.text)),
            WordCommand::SetFilter { is_on, is_masking, .. } => {
                list.is_on = *is_on;
                list.is_masking = is_masking.unwrap_or(list.is_masking);
            }
        }
        if list != before {
            if !is_planted(Fault::StaleWords) {
                self.filters.borrow_mut().forget(app);
            }
            self.put(&app_key(app), &list)?;
        }
        Ok(Answer::Done)
    }

    fn add_words(&self, list: &mut WordList, words: &[String], words_max: u32) -> Result<(), Refusal> {
        for text in words {
            if !list.words.iter().any(|word| word.text == *text) {
                list.words.push(SensitiveWord { text: text.clone(), added_ms: self.now_ms() });
            }
        }
        if list.words.len() > words_max as usize { Err(Refusal::TooManyWords) } else { Ok(()) }
    }

    fn replace_word(&self, list: &mut WordList, old: &str, new: &str) {
        let Some(place) = list.words.iter().position(|word| word.text == old) else { return };
        if list.words.iter().any(|word| word.text == new) {
            if old != new {
                list.words.remove(place);
            }
            return;
        }
        list.words[place] = SensitiveWord { text: new.into(), added_ms: self.now_ms() };
    }

    /// The content as it may go on its way: covered where the app wants that, or refused.
    pub(super) fn filtered<'c>(&self, app: AppNumber, content: &'c Content) -> Decided<Cow<'c, Content>> {
        let Some(filter) = self.word_filter(app)? else { return Ok(Cow::Borrowed(content)) };
        let mut filtered = Cow::Borrowed(content);
        if let Some(text) = content.as_text()
            && let Some(covered) = cover(&filter, text)?
        {
            filtered.to_mut().body = covered.into_bytes();
        }
        for (index, Extension { tag, value }) in content.extensions.0.iter().enumerate() {
            if SHOWN.contains(tag)
                && let Ok(text) = std::str::from_utf8(value)
                && let Some(covered) = cover(&filter, text)?
            {
                filtered.to_mut().extensions.0[index].value = covered.into_bytes();
            }
        }
        debug_assert!(filtered.kind == ContentKind::TEXT || filtered.body == content.body);
        Ok(filtered)
    }

    fn word_filter(&self, app: AppNumber) -> Result<Option<Arc<WordFilter>>, ReadError> {
        let known = RefCell::borrow(self.filters).by_app.get(&app).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let list: Option<WordList> = self.row(&app_key(app))?;
        let filter = list.as_ref().and_then(WordFilter::new).map(Arc::new);
        self.filters.borrow_mut().keep(app, filter.clone());
        Ok(filter)
    }
}

fn cover(filter: &WordFilter, text: &str) -> Result<Option<String>, Refusal> {
    if filter.is_masking {
        return Ok(filter.masked(text));
    }
    match filter.find(text) {
        Some(word) => Err(Refusal::SensitiveWord { word: word.into() }),
        None => Ok(None),
    }
}
