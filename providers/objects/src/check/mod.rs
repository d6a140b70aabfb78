//! What can be said of a body without a server: names, what its kind requires, and what its CRD says.
//!
//! Used where no dry run is possible: the namespace, the CRD, or the cluster comes with the same plan. Everything that is
//! wrong is said. What only the server can know is not guessed.

mod built_in;
mod names;
mod schema;

use kfplan_model::{Path, Segment};
use kfplan_plan::{Desired, Locator, Note, ObjectLocator, ObjectView, Severity};
use serde_json::Value as Json;

use crate::identity::{at, crd_names, is_built_in, is_crd, list, text};

/// What was found in one body.
pub(crate) struct Findings<'a> {
    desired: &'a Desired,
    wrong: Vec<(Path, String)>,
    unchecked: Vec<String>,
}

impl Findings<'_> {
    fn wrong(&mut self, path: Path, message: impl Into<String>) {
        self.wrong.push((path, message.into()));
    }

    /// What offline checks leave to the server; each said once.
    fn unchecked(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.unchecked.contains(&what) {
            self.unchecked.push(what);
        }
    }

    /// Whether the value at a path is known only after apply.
    fn is_late(&self, path: &Path) -> bool {
        self.desired.holes.iter().any(|hole| hole.path == *path)
    }

    /// Whether the value at a path must not be shown.
    fn is_secret(&self, path: &Path) -> bool {
        self.desired.sensitive.iter().any(|secret| path.starts_with(secret))
    }

    /// A value as a message may quote it.
    fn quoted(&self, path: &Path, value: &Json) -> String {
        if self.is_secret(path) {
            return "the secret value".to_owned();
        }
        let text = value.to_string();
        match text.char_indices().nth(60) {
            Some((end, _)) => format!("`{}…`", text.get(..end).unwrap_or_default()),
            None => format!("`{text}`"),
        }
    }
}

pub(crate) fn check(desired: &Desired, locator: &Locator, objects: &[ObjectView<'_>]) -> Vec<Note> {
    let Locator::Object(place) = locator else { return Vec::new() };
    let mut findings = Findings { desired, wrong: Vec::new(), unchecked: Vec::new() };
    names::check(&mut findings, place);
    if is_built_in(&place.group, &place.kind) {
        built_in::check(&mut findings, place);
    } else {
        custom(&mut findings, place, objects);
    }
    notes(findings, locator, objects)
}

fn custom(findings: &mut Findings<'_>, place: &ObjectLocator, objects: &[ObjectView<'_>]) {
    let names = (place.group.as_str(), place.kind.as_str());
    let definition = objects.iter().find(|it| !it.going && is_crd(it.body) && crd_names(it.body) == names);
    let Some(definition) = definition.map(|it| it.body) else {
        findings.unchecked("its CRD is not in this plan, so its fields are not checked");
        return;
    };
    match schema_of(definition, &place.version) {
        Version::Missing => {
            let path = Path::keys(["apiVersion"]);
            let versions: Vec<&str> =
                list(definition, &["spec", "versions"]).iter().map(|it| text(it, &["name"])).collect();
            let message = format!("its CRD does not serve version `{}`, only {}", place.version, versions.join(", "));
            findings.wrong(path, message);
        }
        Version::Free => findings.unchecked("its CRD has no schema, so its fields are not checked"),
        Version::Schema { schema, keeps_unknown } => schema::check(findings, schema, keeps_unknown),
    }
}

enum Version<'a> {
    Missing,
    Free,
    Schema { schema: &'a Json, keeps_unknown: bool },
}

/// The schema of one version of a CRD, in either version of the API of CRDs.
fn schema_of<'a>(definition: &'a Json, version: &str) -> Version<'a> {
    let is_old = text(definition, &["apiVersion"]).ends_with("v1beta1");
    let keeps = at(definition, &["spec", "preserveUnknownFields"]).and_then(Json::as_bool);
    let versions = list(definition, &["spec", "versions"]);
    let found = versions.iter().find(|it| text(it, &["name"]) == version);
    let is_served = match found {
        Some(found) => at(found, &["served"]) != Some(&Json::Bool(false)),
        None => versions.is_empty() && text(definition, &["spec", "version"]) == version,
    };
    if !is_served {
        return Version::Missing;
    }
    let own = found.and_then(|it| at(it, &["schema", "openAPIV3Schema"]));
    match own.or_else(|| at(definition, &["spec", "validation", "openAPIV3Schema"])) {
        Some(schema) => Version::Schema { schema, keeps_unknown: keeps.unwrap_or(is_old) },
        None => Version::Free,
    }
}

fn notes(findings: Findings<'_>, locator: &Locator, objects: &[ObjectView<'_>]) -> Vec<Note> {
    let address = objects.iter().find(|it| it.locator == locator).map(|it| it.address.clone());
    let note = |severity, code: &str, message: String, help: Option<String>| Note {
        severity,
        code: code.to_owned(),
        address: address.clone(),
        message,
        help,
    };
    let wrong = findings.wrong.into_iter().map(|(path, message)| {
        let help = "correct the manifest, or patch the field".to_owned();
        note(Severity::Blocks, "check::invalid", format!("`{path}`: {message}"), Some(help))
    });
    let unchecked = findings.unchecked.into_iter().map(|what| note(Severity::Info, "check::unchecked", what, None));
    wrong.chain(unchecked).collect()
}

/// A path and one place of a list more.
fn element(path: &Path, place: usize) -> Path {
    path.join(Segment::Key(place.to_string().into()))
}
