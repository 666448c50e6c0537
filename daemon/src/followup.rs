//! The job that sees to those who did not receive a push: they get a text message over the operator's webhook, and the
//! app's server hears of them.
//!
//! What is due, and how far it has come, stands in the store; so does who got a text message, noted after each answer. A
//! crash between an answer and its being noted repeats the messages that were under way: `msg_id` and `registration_id`
//! together tell the operator's server that it has this one.

use std::time::{Duration, Instant};

use anser_protocol::ids::{Position, TimeMs};
use anser_storage::command::{BridgeCommand, Command, NextLook};
use anser_storage::ids::{AppNumber, DeviceNumber};
use anser_storage::outcome::{Answer, Refusal};
use anser_storage::{DueFollowup, FollowupId, FollowupKind, SmsTarget};
use futures_util::StreamExt;
use futures_util::stream::{self, FuturesUnordered};

use crate::bridge::{Bridges, Handed, Sms, SmsText};
use crate::clock::now_ms;
use crate::context::Shared;
use crate::ledger::{Ledger, Unavailable};

/// How late a text message may be when its webhook answers.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// What one round looks at; the rest is for the next one.
const DUE_MAX: usize = 64;
const DUE_AT_ONCE: usize = 16;
/// Text messages of a push that are under way at the same time. Between two such groups the store is asked again.
const AT_ONCE: usize = 64;
/// Of one push in one round.
const GROUPS_MAX: usize = 16;
const ROUND_MAX: Duration = Duration::from_secs(10);
/// So many failures one after the other are the webhook's trouble, not that of single numbers.
const FAILURES_MAX: usize = 64;
/// After the first failure; then twice as long each time.
const FIRST_PAUSE_MS: u64 = 2_000;
const LONGEST_PAUSE_MS: u64 = 10 * 60_000;
/// A text message that nobody took for so long is given up.
const TRIED_MS: u64 = 24 * 3600 * 1000;
/// Between two slices of up to 1,000 rows.
const PAUSE: Duration = Duration::from_millis(20);

/// Runs until the daemon stops.
pub async fn run(context: Shared) {
    let mut shutdown = context.shutdown.clone();
    loop {
        tokio::select! {
            () = shutdown.begun() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let done = tokio::select! {
            () = shutdown.begun() => return,
            done = round(&context.ledger, &context.bridges, now_ms()) => done,
        };
        if let Err(error) = done {
            log::warn!("those who did not receive a push could not be seen to, it is tried again soon: {error}");
        }
    }
}

/// Looks at what is due at `now_ms`, the longest due first.
pub async fn round(ledger: &Ledger, bridges: &Bridges, now_ms: TimeMs) -> Result<(), Unavailable> {
    let due = ledger.read(move |snapshot| snapshot.due_followups(now_ms, DUE_MAX)).await?;
    let looks = due.into_iter().map(|due| async move {
        match due.id.kind {
            FollowupKind::Sms => Texting { ledger, bridges, due, now_ms }.go_on().await,
            FollowupKind::Unreceived => note_unreceived(ledger, due.id).await,
        }
    });
    // Neither a slow webhook nor a damaged row holds up the others.
    let looks = stream::iter(looks).buffer_unordered(DUE_AT_ONCE);
    looks.fold(Ok(()), |seen_to: Result<(), Unavailable>, done| async { seen_to.and(done) }).await
}

async fn note_unreceived(ledger: &Ledger, id: FollowupId) -> Result<(), Unavailable> {
    loop {
        let command = Command::Bridge(BridgeCommand::NoteUnreceived { id });
        match ledger.submit(command).await?.answer.map_err(|refusal| refused(&refusal))? {
            Answer::Continue => tokio::time::sleep(PAUSE).await,
            _ => return Ok(()),
        }
    }
}

fn refused(refusal: &Refusal) -> Unavailable {
    Unavailable::Closed(format!("the store refused it: {refusal:?}"))
}

/// The text messages of one push, or of a slice of it.
struct Texting<'a> {
    ledger: &'a Ledger,
    bridges: &'a Bridges,
    due: DueFollowup,
    now_ms: TimeMs,
}

/// What became of a group.
#[derive(Default)]
struct Told {
    settled: usize,
    /// In order of the devices.
    later: Vec<DeviceNumber>,
    wanted: Option<Duration>,
}

impl Texting<'_> {
    async fn go_on(&self) -> Result<(), Unavailable> {
        let command = BridgeCommand::FollowedUp { id: self.due.id, next: self.tell_some().await? };
        self.ledger.submit(Command::Bridge(command)).await?.answer.map_err(|refusal| refused(&refusal))?;
        Ok(())
    }

    /// Returns when to go on, and with which device; nothing when that was all.
    async fn tell_some(&self) -> Result<Option<NextLook>, Unavailable> {
        let FollowupId { app, push, .. } = self.due.id;
        let read = self.ledger.read(move |snapshot| Ok((snapshot.app(app)?, snapshot.push_kept(app, push)?)));
        let (Some(row), Some(kept)) = read.await? else { return Ok(None) };
        let Some(text) = SmsText::of(&kept) else { return Ok(None) };
        if !self.bridges.takes_sms(&row.app_key) {
            log::warn!(msg_id = push.0; "text messages are not sent: no webhook takes them any more");
            return Ok(None);
        }
        if self.due.state.since_ms.saturating_add(TRIED_MS) <= self.now_ms {
            log::warn!(msg_id = push.0; "text messages are given up: no webhook took them for a day");
            return Ok(None);
        }
        let mut from = self.due.state.from;
        let mut unfinished: Option<DeviceNumber> = None;
        let (mut in_a_row, mut wanted, mut is_any_settled) = (0, None, false);
        let (mut left, begun) = (None, Instant::now());
        for group in 0.. {
            let (due, now_ms) = (self.due, self.now_ms);
            let found = self.ledger.read(move |snapshot| snapshot.sms_targets(&due, from, AT_ONCE, now_ms)).await?;
            let Some(found) = found else { return Ok(None) };
            let told = self.tell((app, &row.app_key), push, &text, &found.targets).await?;
            wanted = wanted.max(told.wanted);
            unfinished = unfinished.or(told.later.first().copied());
            is_any_settled |= told.settled > 0;
            in_a_row = if told.settled > 0 { told.later.len() } else { in_a_row + told.later.len() };
            let Some(next) = found.next else { break };
            from = next;
            if in_a_row >= FAILURES_MAX || group + 1 >= GROUPS_MAX || begun.elapsed() >= ROUND_MAX {
                left = Some(next);
                break;
            }
        }
        Ok(match (unfinished, left) {
            (Some(from), _) => {
                // While others are taken, only the numbers that are not are waited for.
                let failures = if is_any_settled && left.is_some() { 0 } else { self.due.state.failures };
                let due_ms = self.now_ms.saturating_add(pause_ms(failures, push, wanted));
                Some(NextLook { due_ms, from, failures: failures.saturating_add(1) })
            }
            (None, Some(from)) => Some(NextLook { due_ms: self.now_ms, from, failures: 0 }),
            (None, None) => None,
        })
    }

    async fn tell(
        &self,
        (app, app_key): (AppNumber, &str),
        push: Position,
        text: &SmsText,
        targets: &[SmsTarget],
    ) -> Result<Told, Unavailable> {
        let mut under_way: FuturesUnordered<_> = targets
            .iter()
            .map(|SmsTarget { device, registration_id, mobile }| async move {
                let sms = Sms { app_key, msg_id: push, registration_id, mobile, text };
                let is_refused = match self.bridges.hand_over_sms(&sms).await {
                    Handed::Accepted => false,
                    Handed::Later(wanted) => return Ok(Some((*device, wanted))),
                    Handed::TokenGone => true,
                    Handed::Refused(reason) => {
                        log::warn!(msg_id = push.0, registration_id = registration_id.as_str(); "a text message was refused: {reason}");
                        true
                    }
                };
                let command = BridgeCommand::Texted { app, push, devices: vec![*device], is_refused };
                // The app may be gone by now.
                self.ledger.submit(Command::Bridge(command)).await.map(|_| None)
            })
            .collect();
        let mut told = Told::default();
        while let Some(answered) = under_way.next().await {
            match answered? {
                Some((device, wanted)) => {
                    told.later.push(device);
                    told.wanted = told.wanted.max(wanted);
                }
                None => told.settled += 1,
            }
        }
        told.later.sort_unstable();
        Ok(told)
    }
}

/// Spread by the push's number, so that not all of them come again at the same moment; or as long as the server says.
fn pause_ms(failures: u32, push: Position, wanted: Option<Duration>) -> u64 {
    let doubled = FIRST_PAUSE_MS.saturating_mul(1 << failures.min(20)).min(LONGEST_PAUSE_MS);
    let own = doubled + doubled * (push.0 % 16) / 16;
    let wanted = wanted.map_or(0, |wanted| u64::try_from(wanted.as_millis()).unwrap_or(u64::MAX));
    own.max(wanted.min(TRIED_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_ten_minutes_and_a_server_may_ask_for_more() {
        let least: Vec<u64> = (0..11).map(|failures| pause_ms(failures, Position(16), None)).collect();
        let doubled = [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600].map(|seconds| seconds * 1000);
        assert_eq!(least, doubled);
        assert_eq!(pause_ms(u32::MAX, Position(15), None), 1_162_500);
        assert_eq!(pause_ms(0, Position(16), Some(Duration::from_secs(60))), 60_000);
        assert_eq!(pause_ms(0, Position(16), Some(Duration::MAX)), TRIED_MS);
    }
}
