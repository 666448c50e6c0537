//! Which texts may be tags and aliases; the same for REST and for devices.

use anser_protocol::limits::LABEL_BYTES_MAX;

/// Signs that are allowed beside letters, digits and Chinese characters.
const SIGNS: &str = "_@!#$&*+=.|￥";

/// 1 to 40 bytes of ASCII letters, digits, Chinese characters and some signs.
pub fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LABEL_BYTES_MAX
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || SIGNS.contains(letter) || is_chinese(letter))
}

fn is_chinese(letter: char) -> bool {
    matches!(letter, '\u{3007}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_digits_chinese_and_some_signs_make_a_label() {
        for good in ["a", "北京", "user_1@x.y", "￥100", "A+B=C|!#$&*"] {
            assert!(is_label(good), "{good}");
        }
        for bad in ["", "a b", "a-b", "a/b", "tab\t", "🙂", &"a".repeat(41), &"京".repeat(14)] {
            assert!(!is_label(bad), "{bad}");
        }
    }
}
