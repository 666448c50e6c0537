//! Keys of age in their letters: Bech32 (BIP 173), which notices a wrong letter.

const LETTERS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
const CHECK_LETTERS: usize = 6;

/// The 32 bytes of a key whose letters begin with `prefix`, all in one case.
pub(super) fn decode(prefix: &str, text: &str) -> Option<[u8; 32]> {
    if text != text.to_ascii_lowercase() && text != text.to_ascii_uppercase() {
        return None;
    }
    let text = text.to_ascii_lowercase();
    let letters = text.strip_prefix(prefix)?.strip_prefix('1')?;
    let values: Vec<u8> = letters
        .bytes()
        .map(|letter| LETTERS.iter().position(|known| *known == letter).map(|value| value as u8))
        .collect::<Option<_>>()?;
    let data = values.len().checked_sub(CHECK_LETTERS)?;
    let of_prefix = prefix.bytes().map(|byte| byte >> 5).chain([0]).chain(prefix.bytes().map(|byte| byte & 31));
    if checksum(of_prefix.chain(values.iter().copied())) != 1 {
        return None;
    }
    bytes_of(&values[..data])?.try_into().ok()
}

fn checksum(values: impl Iterator<Item = u8>) -> u32 {
    values.fold(1, |sum, value| {
        let top = sum >> 25;
        let sum = (sum & 0x01ff_ffff) << 5 ^ u32::from(value);
        (0..5).filter(|bit| top >> bit & 1 == 1).fold(sum, |sum, bit| sum ^ GENERATOR[bit])
    })
}

/// From groups of five bits to bytes; what is left over must be zeros.
fn bytes_of(values: &[u8]) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0, 0_u32);
    for value in values {
        held = held << 5 | u32::from(*value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits & 0xff) as u8);
        }
    }
    (bits < 5 && held & ((1 << bits) - 1) == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_and_one_wrong_letter_is_noticed() {
        let recipient = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
        assert!(decode("age", recipient).is_some());
        assert!(decode("age", &recipient.to_uppercase()).is_some());
        assert_eq!(decode("age", &recipient.replace("zvk", "zvx")), None);
        assert_eq!(decode("age", &recipient.replace("zvk", "ZVK")), None);
        assert_eq!(decode("age-secret-key-", recipient), None);
        for rubbish in ["", "age", "age1", "age1é", "age1qqqqqq"] {
            assert_eq!(decode("age", rubbish), None, "{rubbish}");
        }
    }
}
