//! Comparing: what is wanted, what was sent, what the server made of it, what we own, and what is there.
//!
//! R is the desired body less what is yielded; S what was sent last; A what the server keeps instead at S's paths; O the
//! live field set of our manager; L the live object. *Drift* is a path of S where L differs from A, or that left O.
//! A *change* is where R differs from S, where O holds what R does not, or drift. So defaults are never differences,
//! and nothing that was applied can change unseen. Without a record only a server-side dry run can decide; what is
//! said then is a guess by [`crate::values`].

mod applied;
mod changes;
mod drift;
mod preview;
mod quiet;
mod sight;

use kfplan_model::{Conflict, Path};
use kfplan_plan::{Comparison, Desired, Digest, Drift, Live, Ownership, Recorded, Shown, StackKey};

pub use applied::applied;
pub(crate) use preview::{creation, preview};

use crate::marks;
use drift::Sent;
use sight::Sight;

/// Everything that one comparison looks at.
pub(crate) struct Question<'a> {
    pub(crate) desired: &'a Desired,
    pub(crate) recorded: Option<&'a Recorded>,
    pub(crate) live: &'a Live,
    pub(crate) ownership: &'a Ownership,
    pub(crate) ignore: &'a [Path],
    pub(crate) conflicts: &'a [Conflict],
    pub(crate) key: &'a StackKey,
}

pub(crate) fn compare(question: &Question<'_>) -> Comparison {
    let Question { desired, recorded, live, ownership, key, .. } = *question;
    let manager = marks::manager_for(&desired.body, ownership);
    if quiet::is_quiet(question, &manager) {
        return Comparison::default();
    }
    let replaced = recorded.and_then(|recorded| replacement(recorded, live));
    let record = recorded.filter(|_| replaced.is_none());
    let sent = record.and_then(Sent::of);
    let mut written = sent.as_ref().map(|sent| sent.owned.clone()).unwrap_or_default();
    let sight = Sight::new(&live.body, manager, &desired.sensitive, key);
    written.extend(&sight.managed.union());
    let found = sent.as_ref().map(|sent| drift::find(&sight, sent)).unwrap_or_default();
    let mut comparison = changes::decide(question, &sight, sent.as_ref(), &found, written);
    if let Some(recorded) = recorded {
        let address = &recorded.record.address;
        comparison.drift = found.iter().map(|found| found.to_drift(&sight, address)).collect();
        comparison.drift.extend(replaced);
    }
    comparison.fields = Some(fingerprint(Some(&without(desired, &comparison.yielded)), live, ownership, key));
    comparison
}

/// Only drift. Needs neither what is wanted nor the stack file.
pub(crate) fn drift_only(recorded: &Recorded, live: &Live, ownership: &Ownership, key: &StackKey) -> Vec<Drift> {
    if let Some(replaced) = replacement(recorded, live) {
        return vec![replaced];
    }
    let Some(sent) = Sent::of(recorded) else { return Vec::new() };
    let manager = marks::manager_for(sent.body, ownership);
    if quiet::is_untouched(recorded, &live.body, &manager, key) {
        return Vec::new();
    }
    let sight = Sight::new(&live.body, manager, &[], key);
    drift::find(&sight, &sent).iter().map(|found| found.to_drift(&sight, &recorded.record.address)).collect()
}

/// The drift of an object that was deleted and made again by somebody.
fn replacement(recorded: &Recorded, live: &Live) -> Option<Drift> {
    let (old, new) = (recorded.record.uid.as_ref()?, live.uid.as_ref()?);
    (old != new).then(|| Drift {
        address: recorded.record.address.clone(),
        path: Path::root(),
        old: Shown::Value(old.as_str().into()),
        new: Shown::Value(new.as_str().into()),
        witness: drift::maker(&live.body),
    })
}

/// The desired body without what is yielded.
fn without(desired: &Desired, yielded: &[Path]) -> Desired {
    let mut rest = desired.clone();
    for path in yielded {
        path.remove(&mut rest.body);
    }
    rest.holes.retain(|hole| !yielded.iter().any(|path| hole.path.starts_with(path)));
    rest
}

/// Keyed digest of values and owners at every path that is wanted or ours.
pub(crate) fn fingerprint(desired: Option<&Desired>, live: &Live, ownership: &Ownership, key: &StackKey) -> Digest {
    let manager = desired.map_or_else(|| ownership.manager.clone(), |it| marks::manager_for(&it.body, ownership));
    let sight = Sight::new(&live.body, manager, &[], key);
    let mut paths: Vec<Path> = sight.ours().map(|ours| ours.leaves()).unwrap_or_default();
    if let Some(desired) = desired {
        paths.extend(sight.structure().leaves(&desired.body).into_iter().map(|(path, _)| path));
    }
    paths.retain(|path| !drift::is_bookkeeping(path));
    paths.sort();
    paths.dedup();
    let mut text = String::new();
    for path in paths {
        let path = sight.alias(&path);
        let value = sight.live_at(&path).map_or_else(|| "absent".to_owned(), |value| value.to_string());
        text.push_str(&format!("{path}\t{value}"));
        for owner in sight.managed.managers.iter().filter(|owner| owner.fields.covers(&path)) {
            text.push_str(&format!("\t{} {}", owner.name, owner.operation));
        }
        text.push('\n');
    }
    key.digest("fields", text.as_bytes())
}
