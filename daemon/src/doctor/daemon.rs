//! What the running daemon says of itself.

use super::Finding;
use crate::admin::Status;

const CHECK: &str = "daemon";
/// Requests of a callback in a row.
const FAILED_MAX: u64 = 10;

pub fn check(status: Option<&Status>) -> Vec<Finding> {
    let Some(status) = status else { return vec![Finding::ok(CHECK, "does not run, or not for this user to ask")] };
    let figures = &status.figures;
    let mut findings = Vec::new();
    for reason in &figures.not_ready {
        findings.push(Finding::fail(CHECK, format!("it runs and is not ready: {reason}"), "see docs/operations.md"));
    }
    if figures.damaged_rows > 0 {
        findings.push(Finding::fail(
            CHECK,
            format!("{} stored rows are damaged or missing", figures.damaged_rows),
            "its log names them; the disk is dying or lied: restore a backup onto another one, or save what is whole with `anserd rescue`",
        ));
    }
    if figures.log_dropped > 0 {
        findings.push(Finding::warn(
            CHECK,
            format!("{} log lines were dropped since the start", figures.log_dropped),
            "lower the level (`anserd log-level info`), or look at what holds up the journal",
        ));
    }
    for callback in status.callbacks.iter().filter(|callback| callback.failed_in_a_row >= FAILED_MAX) {
        let why = callback.last_failure.as_deref().unwrap_or("it does not answer");
        findings.push(Finding::warn(
            CHECK,
            format!(
                "the {} of app {} failed {} times in a row: {why}",
                callback.kind, callback.app_key, callback.failed_in_a_row
            ),
            "the app's server must answer 200; try it with `anserd callback test`",
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, format!("version {} runs and is ready", status.version)));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tests::{the_trouble, troubles};
    use super::*;
    use crate::admin::{CallbackShown, Figures};

    #[test]
    fn what_is_wrong_with_a_running_daemon_is_told_and_each_has_its_cure() {
        let with = |figures| Status { figures, ..Status::default() };
        assert_eq!(troubles(&check(Some(&with(Figures::default())))), [""; 0]);
        let not_ready = Figures { not_ready: vec!["only 3 MiB are free".to_owned()], ..Figures::default() };
        the_trouble(&check(Some(&with(not_ready))), &["Fail", "only 3 MiB"]);
        the_trouble(&check(Some(&with(Figures { damaged_rows: 2, ..Figures::default() }))), &["Fail", "2 stored rows"]);
        the_trouble(&check(Some(&with(Figures { log_dropped: 9, ..Figures::default() }))), &["Warn", "9 log lines"]);
        let callback = CallbackShown {
            kind: "message_callback".to_owned(),
            app_key: "k".to_owned(),
            told: 0,
            failed: 10,
            failed_in_a_row: 10,
            last_failure: Some("status 500".to_owned()),
        };
        let status = Status { callbacks: vec![callback], ..Status::default() };
        the_trouble(&check(Some(&status)), &["Warn", "status 500", "anserd callback test"]);
    }
}
