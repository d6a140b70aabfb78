//! Objects that several applications bring.
//!
//! `kfctl` applied the applications one after the other, so what the last one says
//! holds. Here the object stays with the first application that brings it, where
//! what depends on it finds it, and takes the later ones in: field by field the last
//! application wins, maps are merged, lists are replaced.

use std::collections::BTreeMap;

use kfplan_plan::{Note, Severity};
use serde_json::Value;

use crate::applications::Application;
use crate::naming::{group_kind, metadata, name_of};

type Identity = (String, String, String, String);

fn identity(object: &Value) -> Identity {
    let (group, kind) = group_kind(object);
    (group.to_owned(), kind.to_owned(), metadata(object, "namespace").to_owned(), metadata(object, "name").to_owned())
}

/// Merges the objects that come twice, and says so.
pub(crate) fn duplicates(applications: &mut [Application]) -> Vec<Note> {
    let mut first: BTreeMap<Identity, (usize, usize)> = BTreeMap::new();
    let mut moved: Vec<((usize, usize), usize, Value)> = Vec::new();
    for (place, application) in applications.iter_mut().enumerate() {
        let mut kept = Vec::with_capacity(application.objects.len());
        for object in application.objects.drain(..) {
            match first.get(&identity(&object)) {
                Some(home) => moved.push((*home, place, object)),
                None => {
                    first.insert(identity(&object), (place, kept.len()));
                    kept.push(object);
                }
            }
        }
        application.objects = kept;
    }
    let mut notes = Vec::new();
    for ((home, index), from, later) in moved {
        let names = (name(applications, home), name(applications, from));
        let Some(object) = applications.get_mut(home).and_then(|application| application.objects.get_mut(index)) else {
            continue;
        };
        let mut changed = Vec::new();
        let what = name_of(object);
        merge(object, later, "", &mut changed);
        notes.push(said(&what, &names, &changed));
    }
    notes
}

fn name(applications: &[Application], place: usize) -> String {
    applications.get(place).map(|application| application.name.clone()).unwrap_or_default()
}

fn said(what: &str, (first, last): &(String, String), changed: &[String]) -> Note {
    let outcome = match changed {
        [] => "they agree".to_owned(),
        changed => format!("`{last}` decides {}", changed.join(", ")),
    };
    Note {
        severity: Severity::Info,
        code: "kubeflow::merged_objects".to_owned(),
        address: None,
        message: format!(
            "{what} comes from the applications `{first}` and `{last}`; it is merged, kept with `{first}`, and the last one wins: {outcome}"
        ),
        help: None,
    }
}

/// Merges a later object into an earlier one and lists the fields it changed.
fn merge(earlier: &mut Value, later: Value, path: &str, changed: &mut Vec<String>) {
    match (earlier, later) {
        (Value::Object(earlier), Value::Object(later)) => {
            for (key, value) in later {
                let path = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
                match earlier.get_mut(&key) {
                    Some(slot) => merge(slot, value, &path, changed),
                    None => {
                        changed.push(path);
                        earlier.insert(key, value);
                    }
                }
            }
        }
        (earlier, later) if *earlier == later => {}
        (earlier, later) => {
            changed.push(path.to_owned());
            *earlier = later;
        }
    }
}
