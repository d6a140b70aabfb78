//! The Azure face as the world sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::dice::Dice;
use super::faults::AzureFault;
use super::limits::Limits;
use super::registration::Registrations;
use super::state::{Arm, Settings};
use crate::entra;
use crate::fleet::Fleet;
use crate::wire::{Request, Response};
use crate::world::{Front, Options};

impl Arm {
    /// An Azure in which nothing was done yet.
    #[must_use]
    pub fn new(settings: Settings) -> Arm {
        let dice = Dice::new(settings.seed);
        Arm {
            settings,
            dice,
            groups: BTreeMap::new(),
            clusters: BTreeMap::new(),
            resources: BTreeMap::new(),
            operations: BTreeMap::new(),
            due: BTreeSet::new(),
            registrations: Registrations::default(),
            limits: Limits::default(),
            fault: None,
            revision: 0,
        }
    }

    /// A token for ARM, or for another audience, as its first principal would get it at the token endpoint.
    #[must_use]
    pub fn access_token(&self, now: u64, audience: &str) -> String {
        let client = self.settings.principals.first().map_or("", |(client, _)| client);
        entra::access_token(&self.entra(now), client, audience)
    }

    /// What this Azure was told when it began.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

impl From<&Options> for Settings {
    /// The settings that go with a world's options: its seed and speed, and whether it authenticates.
    fn from(options: &Options) -> Settings {
        Settings {
            seed: options.seed,
            speed: options.speed,
            tokens_required: options.authenticate,
            ..Settings::default()
        }
    }
}

impl Front for Arm {
    fn handle(&mut self, now: u64, request: &Request, fault: Option<&AzureFault>, fleet: &mut dyn Fleet) -> Response {
        self.progress(now, fleet);
        self.fault = fault.cloned();
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            self.revision += 1;
        }
        self.respond(now, request, fleet)
    }

    fn advance(&mut self, now: u64, fleet: &mut dyn Fleet) {
        self.progress(now, fleet);
    }

    fn next_wake(&self) -> Option<u64> {
        self.next_due()
    }

    fn subject(&self, now: u64, token: &str) -> Option<String> {
        entra::cluster_subject(&self.entra(now), token)
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn rows(&self) -> Vec<(String, Value)> {
        let mut rows = Vec::new();
        write(&mut rows, "group:", &self.groups);
        write(&mut rows, "cluster:", &self.clusters);
        write(&mut rows, "resource:", &self.resources);
        write(&mut rows, "operation:", &self.operations);
        rows.push(("about".into(), json!({"drawn": self.dice.drawn, "registrations": self.registrations})));
        rows
    }

    fn load(&mut self, rows: &BTreeMap<String, Arc<Value>>) {
        read(rows, "group:", &mut self.groups);
        read(rows, "cluster:", &mut self.clusters);
        read(rows, "resource:", &mut self.resources);
        read(rows, "operation:", &mut self.operations);
        if let Some(about) = rows.get("about") {
            self.dice.drawn = about.get("drawn").and_then(Value::as_u64).unwrap_or(0);
            let registrations = about.get("registrations").cloned().unwrap_or_default();
            self.registrations = serde_json::from_value(registrations).unwrap_or_default();
        }
        let running = self.operations.values().filter(|operation| !operation.done);
        self.due = running.filter_map(|operation| Some((operation.ends?, operation.id.clone()))).collect();
    }
}

fn write<T: Serialize>(rows: &mut Vec<(String, Value)>, kind: &str, from: &BTreeMap<String, T>) {
    let each = from.iter().filter_map(|(key, value)| Some((format!("{kind}{key}"), serde_json::to_value(value).ok()?)));
    rows.extend(each);
}

/// Rows of an older form are left out: the log has a version of its own.
fn read<T: DeserializeOwned>(rows: &BTreeMap<String, Arc<Value>>, kind: &str, into: &mut BTreeMap<String, T>) {
    let mine = rows.iter().filter_map(|(key, value)| Some((key.strip_prefix(kind)?, value)));
    *into = mine.filter_map(|(key, value)| Some((key.to_owned(), T::deserialize(value.as_ref()).ok()?))).collect();
}
