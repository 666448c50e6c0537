//! G15: whole deployments, simulated from seeds. G25b: the same, with a server that comes back on an older store.

use std::env;

use anser_tests::sim::tally::Kind;
use anser_tests::sim::{Setting, run, run_all};
use anser_tests::torture;

const CI_SEEDS: u64 = 500;
const CI_SETBACKS: u64 = 50;
/// Fewer say nothing about how often a thing happens.
const SEEDS_THAT_COUNT: u64 = 200;
/// Of 100 seeds so many must meet each thing that can happen. The rarest, a device that an older store does not know, comes in
/// 3 to 8 of 100, by the 500 seeds.
const LEAST_PERCENT: u64 = 2;
/// Only a third of the seeds have groups with rules, and there somebody must ask to come in, and a keeper must answer.
const RARE: (Kind, u64) = (Kind::JoinAnswered, 1);

#[test]
fn g15_every_seed_keeps_the_promises_and_everything_happens_in_many() {
    let seeds = torture::seeds(CI_SEEDS);
    let count = seeds.end - seeds.start;
    let summary = run_all(seeds, Setting::Any).unwrap_or_else(|what| panic!("{what}"));
    println!("g15: {summary}");
    if count >= SEEDS_THAT_COUNT {
        let (rare, percent) = RARE;
        assert!(!summary.rarer_than(percent).contains(&rare), "less than {percent} % of the seeds meet {rare:?}");
        let missed: Vec<Kind> = summary.rarer_than(LEAST_PERCENT).into_iter().filter(|kind| *kind != rare).collect();
        assert!(missed.is_empty(), "less than {LEAST_PERCENT} % of the seeds meet {missed:?}");
    }
}

#[test]
fn g25b_clients_that_stand_ahead_of_a_restored_or_lost_store_miss_and_double_nothing() {
    let summary = run_all(torture::seeds(CI_SETBACKS), Setting::SetBack).unwrap_or_else(|what| panic!("{what}"));
    println!("g25b: {summary}");
}

#[test]
fn a_seed_has_the_same_course_every_time() {
    for seed in [1, 2] {
        let [first, second] =
            [(); 2].map(|()| run(seed, Setting::Any, false).expect("the seed is a good one").fingerprint);
        assert_eq!(first, second, "seed {seed}");
    }
}

/// Runs one seed again: `SIM_SEED=n` or `SIM_SET_BACK_SEED=n`, with `SIM_TOLD=1` step by step.
#[test]
fn replay() {
    for setting in [Setting::Any, Setting::SetBack] {
        let Ok(seed) = env::var(setting.variable()) else { continue };
        let seed = seed.parse().expect("the seed is a number");
        let is_told = env::var("SIM_TOLD").is_ok_and(|told| !told.is_empty());
        match run(seed, setting, is_told) {
            Ok(report) => eprintln!("seed {seed}: {} crashes; {}", report.crashes, report.verdict),
            Err(what) => panic!("{what}"),
        }
    }
}
