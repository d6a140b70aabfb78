//! What came of it.

use std::collections::BTreeMap;
use std::fmt;

/// How many changes there were, and what drift said of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Changes to what kfplan applied.
    pub applied: usize,
    /// Those of them that were named with path, old and new value and witness, and nothing beside them.
    pub named: usize,
    /// Changes to what kfplan does not own.
    pub others: usize,
    /// Those of them of which drift said anything.
    pub reported: usize,
}

/// The figures by kind, and everything that was wrong.
#[derive(Debug, Default)]
pub struct Report {
    /// The figures of each kind.
    pub kinds: BTreeMap<String, Figures>,
    /// How often each sort of change was made, by what was done and the way it was sent.
    pub sorts: BTreeMap<String, usize>,
    /// Every miss: the object, the place, what was done, and what drift said.
    pub misses: Vec<String>,
    /// Changes that the server refused or a controller undid; they are not counted.
    pub refused: usize,
}

impl Figures {
    pub(super) const fn is_below(&self, count: usize) -> bool {
        self.applied < count || self.others < count
    }
}

impl Report {
    /// The figures of all kinds together.
    #[must_use]
    pub fn total(&self) -> Figures {
        self.kinds.values().fold(Figures::default(), |sum, one| Figures {
            applied: sum.applied + one.applied,
            named: sum.named + one.named,
            others: sum.others + one.others,
            reported: sum.reported + one.reported,
        })
    }

    pub(super) fn count(&mut self, kind: &str, is_applied: bool, is_right: bool) {
        let figures = self.kinds.entry(kind.to_owned()).or_default();
        if is_applied {
            figures.applied += 1;
            figures.named += usize::from(is_right);
        } else {
            figures.others += 1;
            figures.reported += usize::from(!is_right);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:32} {:>8} {:>8} {:>8} {:>8}", "kind", "applied", "named", "others", "reported")?;
        for (kind, it) in &self.kinds {
            writeln!(f, "{kind:32} {:>8} {:>8} {:>8} {:>8}", it.applied, it.named, it.others, it.reported)?;
        }
        for (sort, count) in &self.sorts {
            writeln!(f, "{count:>8} {sort}")?;
        }
        let total = self.total();
        let share = total.named as f64 * 100.0 / (total.applied.max(1) as f64);
        // Never rounded up: 100 % means all.
        let share = if total.named == total.applied { 100.0 } else { (share * 100.0).floor() / 100.0 };
        writeln!(f, "not counted, since refused, normalised away or undone: {}", self.refused)?;
        writeln!(f, "changes to what was applied: {}, named exactly: {} ({share} %)", total.applied, total.named)?;
        writeln!(f, "changes to what others own: {}, reported: {}", total.others, total.reported)
    }
}
