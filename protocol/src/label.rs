//! Which texts may be tags, aliases and mobile numbers: the same for REST, for the link and for devices before they ask.

use crate::error::ErrorCode;
use crate::limits::{LABEL_BYTES_MAX, MOBILE_BYTES_MAX};

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

/// A mobile number of a device: `+` or a digit, then digits and `-`. Empty is one, too: it takes the number away.
pub fn check_mobile(mobile: &str) -> Result<(), ErrorCode> {
    if mobile.chars().count() > MOBILE_BYTES_MAX {
        return Err(ErrorCode::MOBILE_TOO_LONG);
    }
    let rest = mobile.strip_prefix('+').unwrap_or(mobile);
    let is_number = rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
        && !mobile.starts_with('-')
        && rest.bytes().any(|byte| byte.is_ascii_digit());
    if mobile.is_empty() || is_number { Ok(()) } else { Err(ErrorCode::MOBILE_CHARACTERS) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_digits_chinese_and_some_signs_make_a_label() {
        for good in ["a", "北京", "user_1@x.y", "￥100", "A+B=C|!#$&*"] {
            assert!(is_label(good), "{good}");
        }
        let (long, long_chinese) = ("a".repeat(41), "京".repeat(14));
        for bad in ["", "a b", "a-b", "a/b", "tab\t", "🙂", long.as_str(), long_chinese.as_str()] {
            assert!(!is_label(bad), "{bad}");
        }
    }

    #[test]
    fn a_mobile_number_has_at_most_twenty_digits_and_dashes_behind_a_plus() {
        for good in ["", "1", "+86-130-1234-5678", "13012345678", "12345678901234567890", "0-"] {
            assert_eq!(check_mobile(good), Ok(()), "{good}");
        }
        for bad in ["+", "-1", "++1", "1+2", "13 0", "１２", "+-", "tel:1"] {
            assert_eq!(check_mobile(bad), Err(ErrorCode::MOBILE_CHARACTERS), "{bad}");
        }
        assert_eq!(check_mobile("123456789012345678901"), Err(ErrorCode::MOBILE_TOO_LONG));
    }
}
