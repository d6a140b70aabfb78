//! The records that are written before and after a call.

use kfplan_model::Path;
use kfplan_plan::{Applied, Difference, Digest, Entry, Intent, Locator, Record, RecordState, StackKey};

use crate::core::Core;
use crate::step::Stage;

impl Core {
    /// The intent of a step's stage, with the sealed body that is about to be sent.
    pub(crate) fn intent(&mut self, step: usize, stage: &Stage, now: u64) -> Option<Entry> {
        let creates = stage.action != kfplan_plan::Action::Delete;
        let state = &mut self.steps[step];
        let is_release = state.stages.len() == 1;
        let sealed = state
            .payload
            .as_ref()
            .filter(|_| creates || is_release)
            .map(|payload| self.job.key.seal(payload.desired.body.clone(), &payload.desired.sensitive));
        let sent = sealed.as_ref().map(|sealed| Digest::of_json(sealed.body()));
        if sent.is_some() {
            state.sent.clone_from(&sent);
        }
        let intent = Intent {
            action: stage.action,
            locator: stage.locator.clone(),
            plan: self.plan_id.clone(),
            step: u32::try_from(step).unwrap_or(u32::MAX),
            sent,
            at: now,
        };
        let base = match &state.settled {
            Some(settled) => (**settled).clone(),
            None => bare(self.job.steps[step].after.as_deref()?),
        };
        let record = Record { state: RecordState::InDoubt(Box::new(intent)), run: self.job.run.clone(), ..base };
        Some(Entry::Intended { record: Box::new(record), sent: sealed })
    }

    /// The record of what a service made of a step.
    pub(crate) fn applied(&self, step: usize, applied: &Applied) -> Option<Record> {
        let (state, prepared) = (&self.steps[step], &self.job.steps[step]);
        let after = prepared.after.as_deref()?;
        let before = state.settled.as_deref();
        let sensitive = state.payload.as_ref().map(|payload| payload.desired.sensitive.as_slice()).unwrap_or_default();
        let cluster = match &after.locator {
            Locator::Object(object) => after.cluster.clone().or_else(|| self.job.fill.identity(&object.cluster)),
            Locator::Arm(_) => None,
        };
        let outputs = applied.outputs.iter().filter(|(name, _)| !prepared.secret_outputs.contains(*name));
        Some(Record {
            cluster,
            state: RecordState::Settled,
            uid: applied.uid.clone().or_else(|| before.and_then(|before| before.uid.clone())),
            version: applied.version.clone(),
            outputs: outputs.map(|(name, value)| (name.clone(), value.clone())).collect(),
            sent: state.sent.clone(),
            differences: applied.differences.iter().map(|found| seal(&self.job.key, sensitive, found)).collect(),
            owned: applied.owned.clone(),
            run: self.job.run.clone(),
            ..after.clone()
        })
    }

    /// What takes an intent back after an answer that says that nothing was changed; `None` when nothing
    /// was intended, or the world may have changed all the same.
    pub(crate) fn take_back(&self, step: usize) -> Option<Entry> {
        let state = &self.steps[step];
        if !state.intended || state.in_doubt {
            return None;
        }
        match &state.settled {
            // It is in doubt for an older reason, such as an old thing that is to go last.
            Some(settled) if settled.state != RecordState::Settled => None,
            Some(settled) => Some(Entry::Settled { record: settled.clone() }),
            None => Some(Entry::Removed { address: self.job.plan.steps[step].address.clone() }),
        }
    }
}

/// The record of something that may or may not be there.
fn bare(after: &Record) -> Record {
    Record {
        uid: None,
        version: None,
        outputs: [].into(),
        sent: None,
        differences: Vec::new(),
        owned: None,
        ..after.clone()
    }
}

/// A difference without what is secret in it.
fn seal(key: &StackKey, sensitive: &[Path], found: &Difference) -> Difference {
    let Some(value) = &found.value else {
        return found.clone();
    };
    let inside = found.path.segments().len();
    let mut paths = Vec::new();
    for secret in sensitive {
        if found.path.starts_with(secret) {
            paths.push(Path::from_segments(Vec::new()));
        } else if secret.starts_with(&found.path) {
            let below = secret.segments().get(inside..).unwrap_or_default();
            paths.push(Path::from_segments(below.to_vec()));
        }
    }
    let sealed = key.seal(value.clone(), &paths);
    Difference { path: found.path.clone(), value: Some(sealed.body().clone()) }
}
