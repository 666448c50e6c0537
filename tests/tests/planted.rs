//! Each fault that is planted on purpose must be found by the simulator, within the seeds that `make test` runs.
//!
//! One that is not found shows that the simulator does not go where it bites.

use std::io::Write;

use anser_protocol::planted::{Fault, plant};
use anser_tests::sim::{self, Setting};
use anser_tests::torture;

const FAULTS: [Fault; 36] = [
    Fault::NoDeduplication,
    Fault::AnswerBeforeCommit,
    Fault::NoHeadReplay,
    Fault::WrongPrev,
    Fault::LostLiveCopy,
    Fault::WindowIgnored,
    Fault::CursorOverGap,
    Fault::CursorBeforeStore,
    Fault::SnapshotBeforeRegister,
    Fault::NoSnapshotSkip,
    Fault::NoStartJump,
    Fault::ForgottenHole,
    Fault::OutboxRestart,
    Fault::PushCursorIgnored,
    Fault::BroadcastToEverybody,
    Fault::WallForgotten,
    Fault::Overtaking,
    Fault::NothingHeldBack,
    Fault::OverflowForgotten,
    Fault::WindowTooEarly,
    Fault::ReleasedTwice,
    Fault::ExpiredDelivered,
    Fault::TokenOutlivesLogout,
    Fault::AmendmentForgotten,
    Fault::NoticeUnwritten,
    Fault::SilenceForever,
    Fault::ShieldForgotten,
    Fault::RoomGap,
    Fault::RetractedTooLate,
    Fault::StaleWords,
    Fault::CommandComesBack,
    Fault::LiveOnlyKept,
    Fault::OlderSessionStays,
    Fault::BlacklistIgnored,
    Fault::BarredUserStays,
    Fault::MarkUnnoticed,
];

/// The switch is one for the whole process, so all of them are one test; `PLANTED=WrongPrev` looks for one alone.
#[test]
fn planted_faults_are_found_one_and_all() {
    let only = std::env::var("PLANTED").ok();
    let is_wanted = |fault: &Fault| only.as_ref().is_none_or(|only| *only == format!("{fault:?}"));
    let mut missed = Vec::new();
    for fault in FAULTS.into_iter().filter(is_wanted) {
        plant(Some(fault));
        let found = sim::run_all(torture::seeds(500), Setting::Any);
        plant(None);
        match found {
            Ok(_) => missed.push(fault),
            // Shown with --nocapture only.
            Err(what) => writeln!(std::io::stdout(), "{fault:?} is found by {what}").expect("stdout takes text"),
        }
    }
    assert!(missed.is_empty(), "not found within the seeds: {missed:?}");
}
