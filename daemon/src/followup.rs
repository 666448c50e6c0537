//! The job that sees to those who did not receive a push: they get a text message over the operator's webhook, and the
//! app's server hears of them.
//!
//! What is due, and how far it has come, stands in the store; so does who got a text message, noted after each group of
//! answers. Before the first message of a look, the look is moved ahead: whatever happens then, the same people are not
//! told again at once. A crash between the answers and their being noted repeats the messages that were under way, after
//! that pause: `msg_id` and `registration_id` together tell the operator's server that it has this one.

use std::time::{Duration, Instant};

use anser_protocol::ids::{Position, TimeMs};
use anser_storage::command::{BridgeCommand, Command, NextLook};
use anser_storage::ids::DeviceNumber;
use anser_storage::outcome::{Answer, Refusal};
use anser_storage::{DueFollowup, FollowupId, FollowupKind, FollowupState, SmsTarget};
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
/// For so long a look that ended in the middle is left alone.
const LEASE_MS: u64 = 10 * 60_000;
/// Between two rounds while there is more to do.
const PAUSE: Duration = Duration::from_millis(20);
/// Until answers are noted again that could not be stored.
const LONGEST_NOTE_PAUSE: Duration = Duration::from_secs(10);

/// Runs until the daemon stops.
pub async fn run(context: Shared) {
    let mut shutdown = context.shutdown.clone();
    let mut is_more = false;
    loop {
        tokio::select! {
            () = shutdown.begun() => return,
            () = tokio::time::sleep(if is_more { PAUSE } else { LOOK_EVERY }) => {}
        }
        let done = tokio::select! {
            () = shutdown.begun() => return,
            done = round(&context.ledger, &context.bridges, now_ms()) => done,
        };
        is_more = done.unwrap_or_else(|error| {
            log::warn!("those who did not receive a push could not be seen to, it is tried again soon: {error}");
            false
        });
    }
}

/// Looks at what is due at `now_ms`, the longest due first. Returns whether there is more to do at once.
pub async fn round(ledger: &Ledger, bridges: &Bridges, now_ms: TimeMs) -> Result<bool, Unavailable> {
    let due = ledger.read(move |snapshot| snapshot.due_followups(now_ms, DUE_MAX)).await?;
    let is_full = due.len() == DUE_MAX;
    let looks = due.into_iter().map(|due| Look { ledger, bridges, due, now_ms }.go_on());
    // Neither a slow webhook nor a damaged row holds up the others.
    let looks = stream::iter(looks).buffer_unordered(DUE_AT_ONCE);
    looks
        .fold(Ok(is_full), |seen_to: Result<bool, Unavailable>, done: Result<bool, Unavailable>| async move {
            Ok(seen_to? | done?)
        })
        .await
}

/// At what is due for a push, or for a slice of it.
struct Look<'a> {
    ledger: &'a Ledger,
    bridges: &'a Bridges,
    /// Where it stands now.
    due: DueFollowup,
    now_ms: TimeMs,
}

/// What became of a group.
#[derive(Default)]
struct Told {
    accepted: Vec<DeviceNumber>,
    refused: Vec<DeviceNumber>,
    /// In order of the devices.
    later: Vec<DeviceNumber>,
    wanted: Option<Duration>,
}

impl Look<'_> {
    /// Returns whether it goes on at once.
    async fn go_on(mut self) -> Result<bool, Unavailable> {
        let looked = match self.due.id.kind {
            FollowupKind::Sms => self.tell_some().await,
            FollowupKind::Unreceived => match self.note_unreceived().await {
                Ok(is_more) => return Ok(is_more),
                Err(error) => Err(error),
            },
        };
        let next = match looked {
            Err(Unavailable::Unreadable) => self.after_failed_read(),
            looked => looked?,
        };
        self.move_to(next).await?;
        Ok(next.is_some_and(|next| next.due_ms <= self.now_ms))
    }

    /// One slice, so that others do not wait for all of a big push.
    async fn note_unreceived(&self) -> Result<bool, Unavailable> {
        let command = Command::Bridge(BridgeCommand::NoteUnreceived { id: self.due.id });
        // The only rule it could break is that what it reads is whole.
        let answer = self.ledger.submit(command).await?.answer.map_err(|_| Unavailable::Unreadable)?;
        Ok(answer == Answer::Continue)
    }

    async fn move_to(&mut self, next: Option<NextLook>) -> Result<(), Unavailable> {
        let command = BridgeCommand::FollowedUp { id: self.due.id, next };
        let answer = self.ledger.submit(Command::Bridge(command)).await?.answer;
        answer.map_err(|refusal| Unavailable::Closed(format!("the store refused it: {refusal:?}")))?;
        self.due.id.due_ms = next.map_or(self.due.id.due_ms, |next| next.due_ms);
        Ok(())
    }

    fn is_given_up(&self) -> bool {
        self.due.state.since_ms.saturating_add(TRIED_MS) <= self.now_ms
    }

    fn after_failed_read(&self) -> Option<NextLook> {
        let (FollowupId { push, kind, .. }, state) = (self.due.id, self.due.state);
        if self.is_given_up() {
            log::error!(msg_id = push.0, kind:?; "what follows for those who did not receive a push is given up: it could not be read for a day; run `anserd scrub`");
            return None;
        }
        let due_ms = self.now_ms.saturating_add(pause_ms(state.failures, push, None));
        let FollowupState { from, unfinished, failures, .. } = state;
        Some(NextLook { due_ms, from, unfinished, failures: failures.saturating_add(1) })
    }

    /// Returns when to go on, and with which device; nothing when that was all.
    async fn tell_some(&mut self) -> Result<Option<NextLook>, Unavailable> {
        let (FollowupId { app, push, .. }, state) = (self.due.id, self.due.state);
        let read = self.ledger.read(move |snapshot| Ok((snapshot.app(app)?, snapshot.push_kept(app, push)?)));
        let (Some(row), Some(kept)) = read.await? else { return Ok(None) };
        let Some(text) = SmsText::of(&kept) else { return Ok(None) };
        if !self.bridges.takes_sms(&row.app_key) {
            log::warn!(msg_id = push.0; "text messages are not sent: no webhook takes them any more; configure one with sms = true");
            return Ok(None);
        }
        if self.is_given_up() {
            log::warn!(msg_id = push.0; "text messages are given up: no webhook took them for a day; look at that server");
            return Ok(None);
        }
        let (mut from, mut failed) = (state.from, None);
        let (mut in_a_row, mut wanted, mut is_any_settled, mut is_leased) = (0, None, false, false);
        let (mut left, begun) = (None, Instant::now());
        for group in 0.. {
            let (due, now_ms) = (self.due, self.now_ms);
            let found = self.ledger.read(move |snapshot| snapshot.sms_targets(&due, from, AT_ONCE, now_ms)).await?;
            let Some(found) = found else { return Ok(None) };
            if !is_leased && !found.targets.is_empty() {
                let FollowupState { from, unfinished, failures, .. } = state;
                let due_ms = self.now_ms.saturating_add(LEASE_MS);
                self.move_to(Some(NextLook { due_ms, from, unfinished, failures })).await?;
                is_leased = true;
            }
            let told = self.tell(&row.app_key, push, &text, &found.targets).await;
            let is_settled = told.accepted.len() + told.refused.len() > 0;
            wanted = wanted.max(told.wanted);
            failed = failed.or(told.later.first().copied());
            is_any_settled |= is_settled;
            in_a_row = if is_settled { told.later.len() } else { in_a_row + told.later.len() };
            if !self.note(told).await? {
                return Ok(None);
            }
            let Some(next) = found.next else { break };
            from = next;
            if in_a_row >= FAILURES_MAX || group + 1 >= GROUPS_MAX || begun.elapsed() >= ROUND_MAX {
                left = Some(next);
                break;
            }
        }
        // Those behind a number that always fails do not wait for it: it comes again when they have been told.
        let unfinished = state.unfinished.or(failed);
        let (from, unfinished, is_waiting) = match (left, unfinished) {
            (Some(next), unfinished) => {
                let is_in_trouble = (failed.is_some() && !is_any_settled) || in_a_row >= FAILURES_MAX;
                (next, unfinished, is_in_trouble || wanted.is_some())
            }
            (None, Some(first)) => (first, None, failed.is_some()),
            (None, None) => return Ok(None),
        };
        let failures = if is_any_settled { 0 } else { state.failures };
        let next = NextLook { due_ms: self.now_ms, from, unfinished, failures };
        Ok(Some(match is_waiting {
            true => NextLook {
                due_ms: self.now_ms.saturating_add(pause_ms(failures, push, wanted)),
                failures: failures.saturating_add(1),
                ..next
            },
            false => next,
        }))
    }

    async fn tell(&self, app_key: &str, push: Position, text: &SmsText, targets: &[SmsTarget]) -> Told {
        let mut under_way: FuturesUnordered<_> = targets
            .iter()
            .map(|SmsTarget { device, registration_id, mobile }| async move {
                let sms = Sms { app_key, msg_id: push, registration_id, mobile, text };
                let handed = self.bridges.hand_over_sms(&sms).await;
                if let Handed::Refused(reason) = &handed {
                    log::warn!(msg_id = push.0, device = registration_id.as_str(); "a text message was refused, which is not tried again; correct what it names: {reason}");
                }
                (*device, handed)
            })
            .collect();
        let mut told = Told::default();
        while let Some((device, handed)) = under_way.next().await {
            match handed {
                Handed::Accepted => told.accepted.push(device),
                Handed::TokenGone | Handed::Refused(_) => told.refused.push(device),
                Handed::Later(wanted) => {
                    told.later.push(device);
                    told.wanted = told.wanted.max(wanted);
                }
            }
        }
        told.later.sort_unstable();
        told
    }

    /// As often as it takes: until it is known who was told, nobody else is. Returns whether to go on.
    async fn note(&self, told: Told) -> Result<bool, Unavailable> {
        let FollowupId { app, push, .. } = self.due.id;
        let mut is_noted = true;
        for (devices, is_refused) in [(told.accepted, false), (told.refused, true)] {
            if devices.is_empty() {
                continue;
            }
            let command = Command::Bridge(BridgeCommand::Texted { app, push, devices, is_refused });
            let mut pause = PAUSE;
            let answer = loop {
                match self.ledger.submit(command.clone()).await {
                    Ok(outcome) => break outcome.answer,
                    Err(error @ (Unavailable::Busy | Unavailable::Full | Unavailable::NotStored(_))) => {
                        log::warn!(msg_id = push.0; "it could not be stored who got a text message, it is tried again: {error}");
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(LONGEST_NOTE_PAUSE);
                    }
                    Err(error) => return Err(error),
                }
            };
            match answer {
                Ok(_) => {}
                Err(Refusal::AppUnknown) => is_noted = false,
                Err(refusal) => {
                    log::error!(msg_id = push.0; "text messages are given up, because nobody can remember who got one; please report this: {refusal:?}");
                    is_noted = false;
                }
            }
        }
        Ok(is_noted)
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
