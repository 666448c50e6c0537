//! The same commands in the same order give the same content and the same outcomes, wherever batches and checkpoints
//! fall.

use crate::common::script::Script;
use anser_storage::outcome::Outcome;
use anser_storage::{Options, Store};
use proptest::prelude::*;

fn memory(options: Options) -> Store {
    Store::open_on(redb::backends::InMemoryBackend::new(), options).expect("memory opens")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn batch_boundaries_and_checkpoints_never_matter(
        seed in any::<u64>(),
        sizes in prop::collection::vec(1_usize..40, 1..40),
        checkpoint_every in 1_usize..10,
    ) {
        let script = Script::of(seed);
        let commands = script.commands();
        let mut store = memory(Options { dirty_heads_max: checkpoint_every, ..Options::default() });
        let mut outcomes: Vec<Outcome> = Vec::new();
        let mut left = commands.as_slice();
        for size in sizes.into_iter().cycle() {
            let (batch, rest) = left.split_at(size.min(left.len()));
            outcomes.extend(store.apply(batch).expect("memory is well"));
            store.checkpoint_step().expect("memory is well");
            left = rest;
            if left.is_empty() {
                break;
            }
        }

        let expected: Vec<Outcome> = script.outcomes.concat();
        prop_assert_eq!(&outcomes[script.beginning.len()..], expected.as_slice());
        prop_assert_eq!(store.content_hash().expect("memory is well"), *script.hashes.last().expect("there are some"));
    }
}
