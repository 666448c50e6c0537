//! Can the daemon do its work: does the store take changes, and has its disk room?

use std::time::Duration;

use anser_storage::command::{Command, SystemCommand};

use super::machine;
use crate::context::Shared;

/// With less room than this, a checkpoint or a burst of messages may not fit.
pub const DISK_FREE_MIN: u64 = 64 << 20;
/// A disk that takes so long for one batch hangs.
const BUSY_MAX: Duration = Duration::from_secs(10);
/// How long the store may take for a change that shows whether it takes any.
const PROBE_WITHIN: Duration = Duration::from_secs(5);

/// Why not, each reason with what to do; nothing when all is well.
pub async fn reasons(context: &Shared) -> Vec<String> {
    let mut reasons = Vec::new();
    if context.shutdown.has_begun() {
        reasons.push("the daemon is stopping".to_owned());
        return reasons;
    }
    let health = context.ledger.health();
    if let Some(busy) = health.busy_for.filter(|busy| *busy >= BUSY_MAX) {
        let seconds = busy.as_secs();
        reasons.push(format!(
            "the disk has been busy with one write for {seconds} s; look at it with `dmesg` and `iostat`"
        ));
    } else if health.trouble.is_some()
        && let Err(why) = probe(context).await
    {
        reasons.push(format!("nothing can be stored: {why}"));
    }
    match machine::disk_space(&context.config.data_dir) {
        Ok((free, _)) => reasons.extend(too_little(free)),
        Err(error) => reasons.push(format!("the disk of the data folder cannot be looked at: {error}")),
    }
    reasons
}

fn too_little(free: u64) -> Option<String> {
    let (free_mib, min_mib) = (free >> 20, DISK_FREE_MIN >> 20);
    (free < DISK_FREE_MIN).then(|| {
        format!("only {free_mib} MiB are free on the disk of the data folder, and {min_mib} are needed; make room")
    })
}

/// It failed before: whether it does now shows a change that is always allowed and removes only what has expired.
async fn probe(context: &Shared) -> Result<(), String> {
    let submitted = context.ledger.submit(Command::System(SystemCommand::Expire));
    match tokio::time::timeout(PROBE_WITHIN, submitted).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", PROBE_WITHIN.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_is_nearly_full_is_a_reason_with_its_figures() {
        assert_eq!(too_little(DISK_FREE_MIN), None);
        let told = too_little(3 << 20).expect("a reason");
        assert!(told.contains("only 3 MiB") && told.contains("make room"), "{told}");
    }
}
