//! The words and signs for what a plan does, and counts of them.

use std::collections::BTreeMap;

use kfplan_plan::{Action, Drift, Note, Plan, Shown};

use crate::fields::{clean, value};

/// The word for an action.
#[must_use]
pub const fn action_word(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Adopt => "adopt",
        Action::Update => "update",
        Action::Replace => "replace",
        Action::Delete => "delete",
        Action::Forget => "forget",
        Action::Refresh => "refresh record of",
    }
}

/// The sign for an action, as wide as two characters or less.
#[must_use]
pub const fn action_sign(action: Action) -> &'static str {
    match action {
        Action::Create => "+",
        Action::Adopt => "&",
        Action::Update => "~",
        Action::Replace => "±",
        Action::Delete => "-",
        Action::Forget => "x",
        Action::Refresh => "=",
    }
}

/// How often each action stands in a plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts(BTreeMap<Action, usize>);

impl Counts {
    /// The counts of a plan.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        plan.changes().map(|(_, _, change)| change.action).collect()
    }

    /// How often `action` stands there.
    #[must_use]
    pub fn get(&self, action: Action) -> usize {
        self.0.get(&action).copied().unwrap_or(0)
    }

    /// Of all actions together.
    #[must_use]
    pub fn total(&self) -> usize {
        self.0.values().sum()
    }

    /// Such as `3 to create, 1 to delete`; empty when there is nothing.
    #[must_use]
    pub fn words(&self) -> String {
        let parts: Vec<String> =
            self.0.iter().map(|(action, count)| format!("{count} to {}", action_word(*action))).collect();
        parts.join(", ")
    }
}

impl FromIterator<Action> for Counts {
    fn from_iter<T: IntoIterator<Item = Action>>(actions: T) -> Self {
        let mut counts = BTreeMap::new();
        for action in actions {
            *counts.entry(action).or_insert(0) += 1;
        }
        Self(counts)
    }
}

/// `1 object`, `2 objects`.
pub(crate) fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// Whether an action takes something away.
pub(crate) const fn is_destructive(action: Action) -> bool {
    matches!(action, Action::Delete | Action::Replace)
}

/// What is other than applied.
pub(crate) fn changed(entry: &Drift) -> String {
    match (entry.path.segments().is_empty(), &entry.new) {
        (true, Shown::Absent) => "is gone".to_owned(),
        (true, new) => format!("{} → {}", value(&entry.old), value(new)),
        (false, new) => format!("{}: {} → {}", clean(&entry.path.to_string()), value(&entry.old), value(new)),
    }
}

/// Who changed it and when, as far as Kubernetes records it.
pub(crate) fn by_whom(entry: &Drift) -> String {
    match &entry.witness {
        Some(witness) => {
            format!("by {}, {}", clean(&witness.manager), witness.time.as_deref().unwrap_or("time not recorded"))
        }
        None => "by whom is not recorded".to_owned(),
    }
}

/// How many resources of one reason are named where not all are asked for.
pub(crate) const NAMED: usize = 3;

/// What could not be looked at, reason by reason, with the resources below it.
pub(crate) fn unseen(undecided: &[Note], all: bool) -> Vec<String> {
    let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for note in undecided {
        let address = note.address.as_ref().map(ToString::to_string).unwrap_or_default();
        reasons.entry(&note.message).or_default().push(address);
    }
    let mut lines = Vec::new();
    for (reason, addresses) in reasons {
        lines.push(format!("not looked at: {}", clean(reason)));
        let named = if all { addresses.len() } else { NAMED };
        lines.extend(addresses.iter().take(named).map(|address| format!("    {address}")));
        if addresses.len() > named {
            lines.push(format!("    … and {} more", addresses.len() - named));
        }
    }
    lines
}
