//! How an entry changes what is remembered: the one place that says so, for memory and for sled alike.

use kfplan_model::Address;
use kfplan_plan::{Digest, Entry, Event, Record, RunId, Sealed};

use crate::error::StoreError;
use crate::ledger::{Ended, Ledger, Run};

/// Where records, bodies and events are kept.
pub(crate) trait Keep {
    /// The record of an address.
    fn record(&self, address: &Address) -> Result<Option<Record>, StoreError>;
    /// Keeps a record under its address.
    fn put_record(&mut self, record: Record);
    /// Drops a record.
    fn remove_record(&mut self, address: &Address);
    /// Keeps a body under its digest.
    fn put_body(&mut self, digest: Digest, body: &Sealed);
    /// Keeps what happened in a run.
    fn put_event(&mut self, run: &RunId, sequence: u64, event: &Event);
}

/// Applies one entry, the `sequence`th of the journal.
pub(crate) fn apply(ledger: &mut Ledger, keep: &mut impl Keep, sequence: u64, entry: &Entry) -> Result<(), StoreError> {
    ledger.sequence = sequence;
    match entry {
        Entry::Intended { record, sent } => {
            if let Some(sent) = sent {
                keep.put_body(Digest::of_json(sent.body()), sent);
            }
            keep.put_record(Record { sequence, ..(**record).clone() });
        }
        Entry::Settled { record } => keep.put_record(Record { sequence, ..(**record).clone() }),
        Entry::Removed { address } => keep.remove_record(address),
        Entry::Moved { from, to } => {
            if let Some(record) = keep.record(from)? {
                keep.remove_record(from);
                keep.put_record(Record { address: to.clone(), sequence, ..record });
            }
        }
        Entry::Happened { run, event } => keep.put_event(run, sequence, event),
        Entry::RunBegan { .. } | Entry::Bound { .. } | Entry::Outputs { .. } | Entry::RunEnded { .. } => {
            note(ledger, entry);
        }
    }
    Ok(())
}

/// What the ledger makes of an entry that is about no record.
fn note(ledger: &mut Ledger, entry: &Entry) {
    match entry {
        Entry::RunBegan { run, plan, who, at, command, steps } => ledger.begin(Run {
            run: run.clone(),
            plan: plan.clone(),
            who: who.clone(),
            began: *at,
            command: command.clone(),
            steps: *steps,
            ended: None,
        }),
        Entry::RunEnded { run, at, exit, finished } => {
            for known in ledger.runs.iter_mut().filter(|known| known.run == *run) {
                known.ended = Some(Ended { at: *at, exit: *exit, finished: *finished });
            }
        }
        Entry::Bound { what, identity } => {
            ledger.bindings.insert(what.clone(), identity.clone());
        }
        Entry::Outputs { values } => ledger.outputs.clone_from(values),
        Entry::Intended { .. }
        | Entry::Settled { .. }
        | Entry::Removed { .. }
        | Entry::Moved { .. }
        | Entry::Happened { .. } => {}
    }
}
