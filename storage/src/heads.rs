//! The heads of chains that are not in their table yet.
//!
//! A map in two levels of shared nodes: a reader's copy costs one reference count, and the writer copies only those
//! nodes that a reader still holds. The chains' numbers are dense, so their low bits spread them evenly.

use std::sync::Arc;

use anser_protocol::ids::{OutboxNumber, Position};
use serde::{Deserialize, Serialize};

use crate::ids::ChainNumber;
use crate::row::serde_row;

/// The newest record of a chain. `seq` 0 means that the chain has none (any more).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub last: Position,
    pub seq: u64,
    /// On a device's sent chain: the highest outbox number that was accepted.
    pub outbox: OutboxNumber,
}
serde_row!(Head, Heads);

const FAN_BITS: u32 = 7;
const FAN: usize = 1 << FAN_BITS;

type Leaf = Arc<Vec<(ChainNumber, Head)>>;
type Branch = Arc<Vec<Leaf>>;

#[derive(Clone)]
pub(crate) struct DirtyHeads {
    root: Arc<Vec<Branch>>,
    len: usize,
}

impl Default for DirtyHeads {
    fn default() -> Self {
        let branch = Arc::new(vec![Leaf::default(); FAN]);
        Self { root: Arc::new(vec![branch; FAN]), len: 0 }
    }
}

impl DirtyHeads {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn get(&self, chain: ChainNumber) -> Option<Head> {
        let (branch, leaf) = place(chain);
        let leaf = &self.root[branch][leaf];
        leaf.binary_search_by_key(&chain, |entry| entry.0).ok().map(|found| leaf[found].1)
    }

    pub fn insert(&mut self, chain: ChainNumber, head: Head) {
        let leaf = self.leaf_mut(chain);
        match leaf.binary_search_by_key(&chain, |entry| entry.0) {
            Ok(found) => leaf[found].1 = head,
            Err(place) => {
                leaf.insert(place, (chain, head));
                self.len += 1;
            }
        }
    }

    pub fn remove(&mut self, chain: ChainNumber) {
        let leaf = self.leaf_mut(chain);
        if let Ok(found) = leaf.binary_search_by_key(&chain, |entry| entry.0) {
            leaf.remove(found);
            self.len -= 1;
        }
    }

    /// In order, as a checkpoint writes them.
    pub fn chains(&self) -> Vec<ChainNumber> {
        let leaves = self.root.iter().flat_map(|branch| branch.iter());
        let mut chains: Vec<_> = leaves.flat_map(|leaf| leaf.iter().map(|entry| entry.0)).collect();
        chains.sort_unstable();
        chains
    }

    fn leaf_mut(&mut self, chain: ChainNumber) -> &mut Vec<(ChainNumber, Head)> {
        let (branch, leaf) = place(chain);
        let branch = &mut Arc::make_mut(&mut self.root)[branch];
        Arc::make_mut(&mut Arc::make_mut(branch)[leaf])
    }
}

fn place(chain: ChainNumber) -> (usize, usize) {
    let low = chain.0 as usize & (FAN - 1);
    let high = (chain.0 >> FAN_BITS) as usize & (FAN - 1);
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(seq: u64) -> Head {
        Head { last: Position(seq * 10), seq, outbox: 0 }
    }

    #[test]
    fn a_readers_copy_does_not_change_when_the_writer_goes_on() {
        let mut heads = DirtyHeads::default();
        heads.insert(ChainNumber(5), head(1));
        let copy = heads.clone();

        heads.insert(ChainNumber(5), head(2));
        heads.insert(ChainNumber(6), head(1));
        heads.remove(ChainNumber(5));

        assert_eq!(copy.get(ChainNumber(5)), Some(head(1)));
        assert_eq!(copy.get(ChainNumber(6)), None);
        assert_eq!(heads.get(ChainNumber(5)), None);
        assert_eq!((copy.len(), heads.len()), (1, 1));
    }

    #[test]
    fn chains_come_in_order() {
        let mut heads = DirtyHeads::default();
        for chain in [900, 3, 129, 16_387, 2] {
            heads.insert(ChainNumber(chain), head(chain));
        }
        assert_eq!(heads.chains(), [2, 3, 129, 900, 16_387].map(ChainNumber));
    }
}
