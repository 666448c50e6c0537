//! Unsigned LEB128 integers, the same that postcard uses.

use alloc::vec::Vec;

/// A varint of 64 bits never takes more bytes than this.
pub const BYTES_MAX: usize = 10;

pub fn write(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// What the first bytes of a buffer say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// The value and how many bytes it took.
    Value(u64, usize),
    /// More bytes are needed.
    Incomplete,
    /// No 64-bit integer begins like this.
    Invalid,
}

pub fn read(bytes: &[u8]) -> Read {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().take(BYTES_MAX).enumerate() {
        let low = u64::from(byte & 0x7f);
        if index == BYTES_MAX - 1 && low > 1 {
            return Read::Invalid;
        }
        value |= low << (7 * index);
        if byte & 0x80 == 0 {
            return Read::Value(value, index + 1);
        }
    }
    if bytes.len() >= BYTES_MAX { Read::Invalid } else { Read::Incomplete }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn every_width_is_read_back_and_a_cut_one_is_incomplete() {
        for shift in 0..64 {
            for value in [1u64 << shift, (1u64 << shift) - 1, (1u64 << shift) | 1] {
                let mut bytes = vec![];
                write(value, &mut bytes);
                assert_eq!(read(&bytes), Read::Value(value, bytes.len()));
                assert_eq!(read(&bytes[..bytes.len() - 1]), Read::Incomplete);
            }
        }
    }

    #[test]
    fn more_than_64_bits_are_invalid() {
        assert_eq!(read(&[0xff; 10]), Read::Invalid);
        assert_eq!(read(&[0x80; 11]), Read::Invalid);
    }
}
