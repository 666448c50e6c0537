//! What the judge says at the end.

use std::collections::BTreeMap;
use std::fmt;

/// What can be wrong with a message at an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Lost,
    Doubled,
    OutOfOrder,
    Unexpected,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lost => "lost",
            Self::Doubled => "doubled",
            Self::OutOfOrder => "out of order",
            Self::Unexpected => "unexpected",
        })
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub kind: Kind,
    pub chain: String,
    pub receiver: String,
    pub message: String,
    pub why: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, chain, receiver, message, why } = self;
        write!(f, "{kind}: message {message} of chain {chain} at {receiver}: {why}")
    }
}

/// How one application fared in one chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Messages that had to reach it.
    pub required: u64,
    /// Messages that reached it, each counted once.
    pub received: u64,
    pub lost: u64,
    pub doubled: u64,
    pub out_of_order: u64,
    pub unexpected: u64,
}

impl Row {
    pub fn is_ok(&self) -> bool {
        self.lost + self.doubled + self.out_of_order + self.unexpected == 0
    }

    fn count(&mut self, kind: Kind) -> &mut u64 {
        match kind {
            Kind::Lost => &mut self.lost,
            Kind::Doubled => &mut self.doubled,
            Kind::OutOfOrder => &mut self.out_of_order,
            Kind::Unexpected => &mut self.unexpected,
        }
    }
}

/// The judgement of a run.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Messages handed over.
    pub sent: u64,
    /// Answers that count.
    pub answered: u64,
    /// Answers within a fault, which do not count.
    pub answered_in_fault: u64,
    pub faults: u64,
    /// By chain and receiving application.
    pub rows: BTreeMap<(String, String), Row>,
    /// The first [`Verdict::FINDINGS_MAX`]; the rows count all.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// A run gone wholly wrong must not fill the memory with its findings.
    pub const FINDINGS_MAX: usize = 1000;

    pub fn is_ok(&self) -> bool {
        self.rows.values().all(Row::is_ok)
    }

    pub fn total(&self) -> Row {
        let mut total = Row::default();
        for row in self.rows.values() {
            total.required += row.required;
            total.received += row.received;
            total.lost += row.lost;
            total.doubled += row.doubled;
            total.out_of_order += row.out_of_order;
            total.unexpected += row.unexpected;
        }
        total
    }

    pub(super) fn row(&mut self, chain: &str, receiver: &str) -> &mut Row {
        self.rows.entry((chain.to_owned(), receiver.to_owned())).or_default()
    }

    pub(super) fn find(&mut self, kind: Kind, chain: &str, receiver: &str, message: &str, why: String) {
        *self.row(chain, receiver).count(kind) += 1;
        if self.findings.len() < Self::FINDINGS_MAX {
            self.findings.push(Finding {
                kind,
                chain: chain.to_owned(),
                receiver: receiver.to_owned(),
                message: message.to_owned(),
                why,
            });
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total();
        writeln!(
            f,
            "{}: {} sent, {} answered ({} more within {} faults), {} of {} deliveries required, {} received; \
             {} lost, {} doubled, {} out of order, {} unexpected",
            if self.is_ok() { "ok" } else { "FAILED" },
            self.sent,
            self.answered,
            self.answered_in_fault,
            self.faults,
            total.required - total.lost,
            total.required,
            total.received,
            total.lost,
            total.doubled,
            total.out_of_order,
            total.unexpected,
        )?;
        const SHOWN: usize = 20;
        for finding in self.findings.iter().take(SHOWN) {
            writeln!(f, "  {finding}")?;
        }
        let wrong = total.lost + total.doubled + total.out_of_order + total.unexpected;
        if wrong > SHOWN as u64 {
            writeln!(f, "  … and {} more", wrong - SHOWN as u64)?;
        }
        Ok(())
    }
}
