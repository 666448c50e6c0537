//! Finding sensitive words: one pass over a text, however many words there are.
//!
//! Words are found whatever their case and width: before it is compared, each character of word and text is replaced by
//! its half-width form where it is a full-width ASCII character (U+FF01 to U+FF5E, and U+3000 for the space), and then by
//! its lower-case form where that is one character. Nothing else is folded: not the two scripts of Chinese, no accents, no
//! spaces between characters. A word is also found within a longer one.

use aho_corasick::AhoCorasick;

use crate::rows::word::WordList;

/// An app's words, ready to be looked for.
pub(crate) struct WordFilter {
    automaton: AhoCorasick,
    words: Vec<String>,
    pub is_masking: bool,
}

impl WordFilter {
    /// Nothing when nothing is to be looked for.
    pub fn new(list: &WordList) -> Option<Self> {
        if !list.is_on || list.words.is_empty() {
            return None;
        }
        let words: Vec<String> = list.words.iter().map(|word| word.text.clone()).collect();
        let automaton = AhoCorasick::new(words.iter().map(|word| folded(word)));
        // It fails only beyond two thousand million states, and a list of words is a row of at most some megabytes.
        let automaton = automaton.expect("a list of words has fewer states than numbers");
        Some(Self { automaton, words, is_masking: list.is_masking })
    }

    pub fn words(&self) -> usize {
        self.words.len()
    }

    /// The word that ends first.
    pub fn find(&self, text: &str) -> Option<&str> {
        let found = self.automaton.find(&folded(text))?;
        self.words.get(found.pattern().as_usize()).map(String::as_str)
    }

    /// The text with a star in place of each character of every word in it; nothing when there is none.
    pub fn masked(&self, text: &str) -> Option<String> {
        let folded = folded(text);
        // Folding keeps the number of characters: the nth stands for the nth.
        let mut starts = folded.char_indices().map(|(start, _)| start);
        let mut covered: Vec<bool> = Vec::new();
        for found in self.automaton.find_overlapping_iter(&folded) {
            if covered.is_empty() {
                covered = vec![false; folded.len()];
            }
            covered[found.range()].fill(true);
        }
        if covered.is_empty() {
            return None;
        }
        Some(text.chars().map(|c| if starts.next().is_some_and(|start| covered[start]) { '*' } else { c }).collect())
    }
}

fn folded(text: &str) -> String {
    text.chars().map(fold).collect()
}

fn fold(c: char) -> char {
    let narrow = match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        other => other,
    };
    let mut lower = narrow.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => narrow,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::word::SensitiveWord;

    fn filter(words: &[&str]) -> WordFilter {
        let words = words.iter().map(|word| SensitiveWord { text: (*word).into(), added_ms: 0 }).collect();
        WordFilter::new(&WordList { is_on: true, is_masking: true, words }).expect("words")
    }

    #[test]
    fn words_are_found_whatever_their_case_and_width_and_named_as_they_were_given() {
        let filter = filter(&["Ｂad", "坏 话"]);
        for text in ["so BAD", "ｂａＤly", "xbadx"] {
            assert_eq!(filter.find(text), Some("Ｂad"), "{text}");
        }
        assert_eq!(filter.find("说坏\u{3000}话"), Some("坏 话"));
        for text in ["b ad", "bäd", "坏话", ""] {
            assert_eq!(filter.find(text), None, "{text}");
        }
    }

    #[test]
    fn each_character_of_each_word_becomes_a_star_also_where_words_overlap() {
        let filter = filter(&["abc", "cd", "鸿雁", "😀"]);
        assert_eq!(filter.masked("xＡBcdx 鸿雁! İ😀İ").as_deref(), Some("x****x **! İ*İ"));
        assert_eq!(filter.masked("nothing"), None);
    }

    #[test]
    fn a_list_that_is_off_or_empty_is_no_filter() {
        let words = vec![SensitiveWord { text: "bad".into(), added_ms: 0 }];
        assert!(WordFilter::new(&WordList { is_on: false, is_masking: false, words }).is_none());
        assert!(WordFilter::new(&WordList { is_on: true, is_masking: false, words: Vec::new() }).is_none());
    }
}
