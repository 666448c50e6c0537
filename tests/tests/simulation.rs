//! G15: whole deployments, simulated from seeds.

use std::env;

use anser_tests::{sim, torture};

#[test]
fn g15_every_seed_keeps_the_promises() {
    if let Err(what) = sim::run_all(torture::seeds(500)) {
        panic!("{what}");
    }
}

#[test]
fn a_seed_has_the_same_course_every_time() {
    for seed in [1, 2] {
        let [first, second] = [(); 2].map(|()| sim::run(seed, false).expect("the seed is a good one").fingerprint);
        assert_eq!(first, second, "seed {seed}");
    }
}

/// Runs one seed again: `SIM_SEED=n`, with `SIM_TOLD=1` step by step.
#[test]
fn replay() {
    let Ok(seed) = env::var("SIM_SEED") else { return };
    let seed = seed.parse().expect("SIM_SEED is a number");
    let is_told = env::var("SIM_TOLD").is_ok_and(|told| !told.is_empty());
    match sim::run(seed, is_told) {
        Ok(report) => eprintln!("seed {seed}: {} crashes; {}", report.crashes, report.verdict),
        Err(what) => panic!("{what}"),
    }
}
