//! Ascending positions in little memory: differences as varints, mostly two or three bytes each.

use anser_protocol::ids::Position;

#[derive(Debug, Default)]
pub struct Packed(Vec<u8>);

/// Between two of the positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PackedPlace {
    byte: usize,
    /// The one before.
    last: u64,
}

impl Packed {
    pub fn new(ascending: &[Position]) -> Self {
        let mut bytes = Vec::new();
        let mut last = 0;
        for position in ascending {
            let mut rest = position.0.saturating_sub(last);
            while rest >= 0x80 {
                bytes.push((rest & 0x7f) as u8 | 0x80);
                rest >>= 7;
            }
            bytes.push(rest as u8);
            last = position.0;
        }
        bytes.shrink_to_fit();
        Self(bytes)
    }

    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// At most so many from a place on, and the place behind them.
    pub fn take(&self, mut place: PackedPlace, count: usize) -> (Vec<Position>, PackedPlace) {
        let mut positions = Vec::new();
        while positions.len() < count
            && let Some(position) = self.step(&mut place)
        {
            positions.push(position);
        }
        (positions, place)
    }

    pub fn skip(&self, mut place: PackedPlace, count: u64) -> PackedPlace {
        for _ in 0..count {
            if self.step(&mut place).is_none() {
                break;
            }
        }
        place
    }

    fn step(&self, place: &mut PackedPlace) -> Option<Position> {
        let (mut difference, mut shift) = (0, 0);
        loop {
            let byte = *self.0.get(place.byte)?;
            place.byte += 1;
            difference |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
            shift += 7;
        }
        place.last += difference;
        Some(Position(place.last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_come_out_as_they_went_in_from_every_place() {
        let positions: Vec<Position> =
            [1, 2, 129, 130, 1 << 20, (1 << 20) + 300, 1 << 53].map(Position).into_iter().collect();
        let packed = Packed::new(&positions);
        assert_eq!(packed.take(PackedPlace::default(), 100).0, positions);
        for skipped in 0..=positions.len() {
            let place = packed.skip(PackedPlace::default(), skipped as u64);
            assert_eq!(packed.take(place, 2).0, positions[skipped..(skipped + 2).min(positions.len())]);
        }
        let (first, place) = packed.take(PackedPlace::default(), 3);
        assert_eq!((first.as_slice(), packed.take(place, 9).0.as_slice()), positions.split_at(3));
        assert!(packed.size() < 20);
    }
}
