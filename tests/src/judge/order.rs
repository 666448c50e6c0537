//! The rules of order within one chain, over the sequences in which its members received its messages.

use std::collections::HashMap;

use super::event::At;
use super::ledger::Message;

/// A message that came too late at a member.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Violation {
    pub late: u32,
    /// What it should have come before.
    pub after: u32,
    pub rule: &'static str,
}

const LANE: &str = "which was sent later on the same lane";
const ANSWER: &str = "which was sent only when this had been answered";
const AGREEMENT: &str = "but another application received it before";

/// The violations of each sequence, each late message named once.
pub(super) fn judge(messages: &[Message], sequences: &[&[u32]]) -> Vec<Vec<Violation>> {
    let mut violations: Vec<_> = sequences.iter().map(|sequence| judge_one(messages, sequence)).collect();
    // Whoever broke a rule alone is no witness of the common order.
    let witness = (0..sequences.len()).filter(|&i| violations[i].is_empty()).max_by_key(|&i| sequences[i].len());
    let Some(witness) = witness else {
        return violations;
    };
    let mut places = vec![None; messages.len()];
    for (place, &number) in sequences[witness].iter().enumerate() {
        places[number as usize] = Some(place);
    }
    for (sequence, violations) in sequences.iter().zip(&mut violations) {
        if violations.is_empty() {
            *violations = judge_agreement(&places, sequence);
        }
    }
    violations
}

/// Lanes as they were sent, and what was answered before another was sent before that other.
fn judge_one(messages: &[Message], sequence: &[u32]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut newest_by_lane: HashMap<u32, u32> = HashMap::new();
    let mut newest_send: Option<(At, u32)> = None;
    for &number in sequence {
        let message = &messages[number as usize];
        let newest_of_lane = message.lane.map(|lane| newest_by_lane.entry(lane).or_insert(number));
        if let Some(newest) = newest_of_lane {
            // Messages are numbered as they were sent.
            if *newest > number {
                violations.push(Violation { late: number, after: *newest, rule: LANE });
                continue;
            }
            *newest = number;
        }
        if let (Some((sent, after)), Some(answered)) = (newest_send, message.answered)
            && answered < sent
        {
            violations.push(Violation { late: number, after, rule: ANSWER });
            continue;
        }
        newest_send = newest_send.max(Some((message.sent, number)));
    }
    violations
}

/// The same order as the witness's, for what both received.
fn judge_agreement(places: &[Option<usize>], sequence: &[u32]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut furthest: Option<(usize, u32)> = None;
    for &number in sequence {
        let Some(place) = places[number as usize] else {
            continue;
        };
        match furthest {
            Some((furthest, after)) if place < furthest => {
                violations.push(Violation { late: number, after, rule: AGREEMENT });
            }
            _ => furthest = Some((place, number)),
        }
    }
    violations
}
