//! A state as text: one JSON value a line, so that it can be kept, compared, and brought elsewhere.
//!
//! The key is not among it. Where a state is imported, secrets cannot be compared until they are
//! applied again, unless the key file is brought along by hand.

use std::collections::BTreeSet;

use kfplan_plan::{Digest, Event, Record, RunId, Sealed};
use serde::{Deserialize, Serialize};

use crate::STATE_FORMAT;
use crate::checkpoint::{Item, pack};
use crate::error::StoreError;
use crate::ledger::Ledger;
use crate::shelf::bodies_of;
use crate::snapshot::Snapshot;
use crate::store::Store;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Kfplan { state: u64 },
    Ledger(Box<Ledger>),
    Record(Box<Record>),
    Body { digest: Digest, body: Sealed },
    Event { run: RunId, event: Box<Event> },
    End { lines: usize, digest: Digest },
}

impl Snapshot {
    /// The whole state as JSON lines. The last line holds the digest of all others.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] when a body is not as it was written.
    pub fn export(&self) -> Result<String, StoreError> {
        let mut text = String::new();
        let mut lines = 0;
        let mut add = |line: &Line| {
            text.push_str(&serde_json::to_string(line).expect("what is stored has only string keys"));
            text.push('\n');
            lines += 1;
        };
        add(&Line::Kfplan { state: u64::from(STATE_FORMAT) });
        add(&Line::Ledger(Box::new(self.ledger().clone())));
        let mut digests = BTreeSet::new();
        for record in self.records().values() {
            digests.extend(bodies_of(record));
            add(&Line::Record(Box::new(record.clone())));
        }
        for digest in digests {
            if let Some(body) = self.body(digest)? {
                add(&Line::Body { digest: digest.clone(), body });
            }
        }
        for (run, event) in self.all_events() {
            add(&Line::Event { run: run.clone(), event: Box::new(event.clone()) });
        }
        let end = Line::End { lines, digest: Digest::of(text.as_bytes()) };
        text.push_str(&serde_json::to_string(&end).expect("numbers and strings are JSON"));
        text.push('\n');
        Ok(text)
    }
}

/// A state that was read from text.
struct Imported {
    ledger: Ledger,
    records: Vec<Record>,
    bodies: Vec<(Digest, Sealed)>,
    events: Vec<(RunId, Event)>,
}

impl Store {
    /// Makes this state the one that `text` holds, lineage and serial included. Gives how many records it has.
    ///
    /// # Errors
    ///
    /// [`StoreError::Import`] when `text` is not a whole export, [`StoreError::NotEmpty`] when records
    /// are here already and `overwrite` is not set. Nothing is changed then.
    pub fn import(&mut self, text: &str, overwrite: bool) -> Result<usize, StoreError> {
        let imported = read(text)?;
        let here = self.records()?.len();
        if here > 0 && !overwrite {
            return Err(StoreError::NotEmpty { path: self.folder().to_owned(), records: here });
        }
        let count = imported.records.len();
        // Above everything that is here, so that sled is seen to be older.
        let sequence = self.ledger().sequence.max(imported.ledger.sequence) + 1;
        let serial = self.ledger().serial.max(imported.ledger.serial) + 1;
        let ledger = Ledger { sequence, serial, ..imported.ledger };
        self.adopt(ledger, |writer| {
            for record in imported.records {
                writer.item(&Item::Record(Box::new(record)))?;
            }
            for (sequence, (run, event)) in (0..).zip(imported.events) {
                writer.item(&Item::Event { run, sequence, event: Box::new(event) })?;
            }
            imported.bodies.iter().try_for_each(|(digest, body)| writer.body(digest, &pack(body)))
        })?;
        Ok(count)
    }
}

fn read(text: &str) -> Result<Imported, StoreError> {
    let wrong = |line: usize, reason: String| StoreError::Import { line: line + 1, reason };
    let (mut ledger, mut end) = (None, None);
    let (mut records, mut bodies, mut events) = (Vec::new(), Vec::new(), Vec::new());
    let mut read = 0;
    for (place, line) in text.split_inclusive('\n').enumerate() {
        if end.is_some() {
            return Err(wrong(place, "it stands after the end".to_owned()));
        }
        let parsed: Line = serde_json::from_str(line).map_err(|error| wrong(place, error.to_string()))?;
        match (place, parsed) {
            (0, Line::Kfplan { state }) if state <= u64::from(STATE_FORMAT) => {}
            (0, Line::Kfplan { state }) => {
                let reason = format!("it has format {state}, and this kfplan reads formats up to {STATE_FORMAT}");
                return Err(wrong(place, reason));
            }
            (0, _) | (_, Line::Kfplan { .. }) => {
                return Err(wrong(
                    place,
                    "`{\"kfplan\":{\"state\":…}}` must be the first line, and no other".to_owned(),
                ));
            }
            (_, Line::Ledger(found)) => ledger = Some(*found),
            (_, Line::Record(record)) => records.push(*record),
            (_, Line::Body { digest, body }) if Digest::of_json(body.body()) == digest => bodies.push((digest, body)),
            (_, Line::Body { .. }) => return Err(wrong(place, "the body has another digest".to_owned())),
            (_, Line::Event { run, event }) => events.push((run, *event)),
            (_, Line::End { lines, digest }) => {
                let before = Digest::of(text.get(..read).unwrap_or_default().as_bytes());
                if lines != place || digest != before {
                    return Err(wrong(place, "the lines before are not those that were exported".to_owned()));
                }
                end = Some(place);
            }
        }
        read += line.len();
    }
    let last = text.lines().count();
    end.ok_or_else(|| wrong(last, "the end is missing".to_owned()))?;
    let ledger = ledger.ok_or_else(|| wrong(last, "there is no ledger".to_owned()))?;
    Ok(Imported { ledger, records, bodies, events })
}
