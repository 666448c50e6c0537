//! Services take only so many bytes: the text is what can be shortened.

const ELLIPSIS: &str = "…";

/// What is made of the longest form of `text` that fits, see [`fitted`].
pub(super) fn fit(text: &str, bytes_max: usize, made: impl Fn(&str) -> Vec<u8>) -> Option<Vec<u8>> {
    fitted(text, bytes_max, &made).map(|text| made(&text))
}

/// The longest form of `text` of which `made` makes at most `bytes_max` bytes: all of it, or a beginning with an
/// ellipsis, cut between characters. Nothing if even the shortest is too long.
pub(super) fn fitted(text: &str, bytes_max: usize, made: impl Fn(&str) -> Vec<u8>) -> Option<String> {
    if made(text).len() <= bytes_max {
        return Some(text.to_owned());
    }
    let ends: Vec<usize> = text.char_indices().map(|(at, char)| at + char.len_utf8()).collect();
    let beginning = |end: usize| format!("{}{ELLIPSIS}", &text[..end]);
    // More characters never make it shorter, so the longest that fits is found by halving.
    let fitting = ends.partition_point(|end| made(&beginning(*end)).len() <= bytes_max);
    // At least one character of it: an ellipsis alone says nothing.
    Some(beginning(*ends.get(fitting.checked_sub(1)?)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_made_fits_and_no_longer_beginning_would(text in "\\PC{0,40}", bytes_max in 0usize..80) {
            let made = |text: &str| serde_json::to_vec(text).expect("a text");
            match fit(&text, bytes_max, made) {
                Some(fitted) => {
                    prop_assert!(fitted.len() <= bytes_max);
                    let fitted: String = serde_json::from_slice(&fitted).expect("still a text");
                    if fitted != text {
                        let kept = fitted.strip_suffix('…').expect("an ellipsis");
                        let next = text.strip_prefix(kept).expect("a beginning").chars().next().expect("cut");
                        let longer = format!("{kept}{next}…");
                        prop_assert!(made(&longer).len() > bytes_max);
                    }
                }
                None => {
                    prop_assert!(made(&text).len() > bytes_max);
                }
            }
        }
    }
}
