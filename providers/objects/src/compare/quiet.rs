//! The quick look that tells, without building anything, that there is nothing to do.
//!
//! Almost every object of almost every plan ends here, so it walks the bodies as they are.

use kfplan_model::ConflictPolicy;
use kfplan_plan::{Recorded, StackKey};
use serde_json::Value as Json;

use super::Question;
use super::sight::{is_secret, matches};
use crate::fields::raw_fields;
use crate::structure::step_into;

/// Deeper bodies are left to the thorough comparison.
const MAX_DEPTH: usize = 100;

/// Whether R is S, and nothing of S was touched.
pub(crate) fn is_quiet(question: &Question<'_>, manager: &str) -> bool {
    let Question { desired, recorded: Some(recorded), live, key, conflicts, .. } = *question else { return false };
    let Some(sent) = &recorded.sent else { return false };
    if !desired.holes.is_empty() || conflicts.iter().any(|rule| rule.policy == ConflictPolicy::Yield) {
        return false;
    }
    let is_wanted = if desired.sensitive.is_empty() {
        desired.body == *sent.body()
    } else {
        matches(sent.body(), &desired.body, key)
    };
    is_wanted
        && recorded.record.uid.as_ref().is_none_or(|uid| live.uid.as_ref() == Some(uid))
        && is_untouched(recorded, &live.body, manager, key)
}

/// Whether we own what we owned, and every value we sent is there as it was sent.
pub(crate) fn is_untouched(recorded: &Recorded, live: &Json, manager: &str, key: &StackKey) -> bool {
    let (Some(sent), Some(owned)) = (&recorded.sent, &recorded.record.owned) else { return false };
    recorded.record.differences.is_empty()
        && !(is_secret(live) && sent.body().get("stringData").is_some())
        && raw_fields(live, manager) == Some(owned)
        && is_as_sent(owned, sent.body(), live, key, 0)
}

fn is_as_sent(owned: &Json, sent: &Json, live: &Json, key: &StackKey, depth: usize) -> bool {
    let Some(fields) = owned.as_object().filter(|fields| !fields.is_empty()) else {
        return matches(sent, live, key);
    };
    if depth > MAX_DEPTH {
        return false;
    }
    let mut places = Places::default();
    fields.iter().all(|(form, inside)| {
        if form == "." {
            return true;
        }
        if let Some(name) = form.strip_prefix("f:") {
            return match (sent.get(name), live.get(name)) {
                (Some(sent), Some(live)) => is_as_sent(inside, sent, live, key, depth + 1),
                (_, _) => false,
            };
        }
        let Some(segment) = crate::fields::segment(form) else { return false };
        match (step_into(sent, &segment), step_into(live, &segment)) {
            (Some(one), Some(other)) => {
                places.note(sent, one, live, other) && is_as_sent(inside, one, other, key, depth + 1)
            }
            (_, _) => false,
        }
    }) && places.are_in_order()
}

/// Where the items of a list stand in both bodies.
#[derive(Default)]
struct Places(Vec<(usize, usize)>);

impl Places {
    fn note(&mut self, sent: &Json, one: &Json, live: &Json, other: &Json) -> bool {
        let place = |list: &Json, item: &Json| list.as_array()?.iter().position(|it| std::ptr::eq(it, item));
        match (place(sent, one), place(live, other)) {
            (Some(sent), Some(live)) => {
                self.0.push((sent, live));
                true
            }
            _ => false,
        }
    }

    fn are_in_order(mut self) -> bool {
        self.0.sort_unstable();
        self.0.windows(2).all(|pair| match pair {
            [a, b] => a.1 < b.1,
            _ => true,
        })
    }
}
