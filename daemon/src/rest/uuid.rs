//! Ids in the form of a UUID, as app servers get them.

use data_encoding::HEXLOWER_PERMISSIVE;

/// Lengths of the groups, in digits.
const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

pub fn write(bytes: &[u8; 16]) -> String {
    let hex = HEXLOWER_PERMISSIVE.encode(bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Whatever the case of its digits.
pub fn parse(text: &str) -> Option<[u8; 16]> {
    let groups: Vec<&str> = text.split('-').collect();
    if groups.iter().map(|group| group.len()).ne(GROUPS) {
        return None;
    }
    HEXLOWER_PERMISSIVE.decode(groups.concat().as_bytes()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_was_written_whatever_its_case() {
        let given = [0xab, 1, 2, 3, 4, 5, 0x86, 7, 0x88, 9, 10, 11, 12, 13, 14, 0xff];
        let text = write(&given);
        assert_eq!(text, "ab010203-0405-8607-8809-0a0b0c0d0eff");
        assert_eq!(parse(&text), Some(given));
        assert_eq!(parse(&text.to_ascii_uppercase()), Some(given));
    }

    #[test]
    fn what_is_no_uuid_is_no_id() {
        for wrong in ["", "x", "ab0102030405860788090a0b0c0d0eff", "ab010203-0405-8607-8809-0a0b0c0d0efg", "----"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!(parse("é0102030-405-8607-8809-0a0b0c0d0eff"), None);
    }
}
