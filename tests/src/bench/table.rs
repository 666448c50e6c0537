//! The table of figures: what was measured beside what is aimed at.

use std::fmt;

/// A figure and its target.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub name: &'static str,
    pub measured: f64,
    pub unit: &'static str,
    pub target: Target,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    AtMost(f64),
    AtLeast(f64),
    /// Told for the reader; nothing to reach.
    None,
}

/// The rows so far, printed as they come and all together in the end.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Row>,
}

impl Row {
    pub fn is_reached(&self) -> bool {
        match self.target {
            Target::AtMost(most) => self.measured <= most,
            Target::AtLeast(least) => self.measured >= least,
            Target::None => true,
        }
    }
}

impl Table {
    pub fn add(&mut self, name: &'static str, measured: f64, unit: &'static str, target: Target) {
        let row = Row { name, measured, unit, target };
        eprintln!("{row}");
        self.rows.push(row);
    }

    pub fn missed(&self) -> usize {
        self.rows.iter().filter(|row| !row.is_reached()).count()
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = match self.target {
            Target::AtMost(most) => format!("≤ {}", Figure(most)),
            Target::AtLeast(least) => format!("≥ {}", Figure(least)),
            Target::None => String::new(),
        };
        let note = if self.is_reached() { "" } else { " **missed**" };
        write!(f, "| {} | {} {}{note} | {target} |", self.name, Figure(self.measured), self.unit)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| Figure | Measured | Target |\n|---|---|---|")?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}

/// Three digits that matter.
struct Figure(f64);

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.abs() {
            100.0.. => write!(f, "{:.0}", self.0),
            10.0.. => write!(f, "{}", (self.0 * 10.0).round() / 10.0),
            _ => write!(f, "{}", (self.0 * 100.0).round() / 100.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_target_stands_out() {
        let mut table = Table::default();
        table.add("sends", 20_500.0, "/s", Target::AtLeast(20_000.0));
        table.add("start", 61.26, "ms", Target::AtMost(50.0));
        table.add("sync", 0.131, "ms", Target::None);
        assert_eq!(table.missed(), 1);
        assert_eq!(
            table.to_string(),
            "| Figure | Measured | Target |\n|---|---|---|\n\
             | sends | 20500 /s | ≥ 20000 |\n| start | 61.3 ms **missed** | ≤ 50 |\n| sync | 0.13 ms |  |\n"
        );
    }
}
