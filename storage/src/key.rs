//! Keys of rows: big-endian numbers and texts behind one another, so that byte order is the order that we scan in.

use crate::ids::AppNumber;

/// A key, or the prefix that a scan begins with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    pub fn empty() -> Self {
        Self(Vec::with_capacity(24))
    }

    pub fn app(app: AppNumber) -> Self {
        Self::empty().u32(app.0)
    }

    pub fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub fn u16(mut self, value: u16) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub fn u32(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub fn u64(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub fn bytes(mut self, value: &[u8]) -> Self {
        self.0.extend_from_slice(value);
        self
    }

    /// A text that is not the last part, with its length before it so that no text is the beginning of another.
    pub fn text(self, value: &str) -> Self {
        let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
        self.u16(length).bytes(value.as_bytes())
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// The first key behind all that begin with `prefix`; nothing when there is none.
pub(crate) fn behind_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let kept = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix[..=kept].to_vec();
    end[kept] += 1;
    Some(end)
}

/// The number at a place in a key; nothing when the key is too short for it.
pub(crate) fn u32_at(key: &[u8], start: usize) -> Option<u32> {
    Some(u32::from_be_bytes(key.get(start..start + 4)?.try_into().ok()?))
}

pub(crate) fn u64_at(key: &[u8], start: usize) -> Option<u64> {
    Some(u64::from_be_bytes(key.get(start..start + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_the_next_key_of_the_same_length() {
        assert_eq!(behind_prefix(&[1, 2]), Some(vec![1, 3]));
        assert_eq!(behind_prefix(&[1, 255]), Some(vec![2]));
        assert_eq!(behind_prefix(&[255, 255]), None);
    }
}
