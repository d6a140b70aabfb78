//! Puts values that became known into a body.

use std::collections::{BTreeMap, BTreeSet};

use kfplan_expression::{Known, Roots};
use kfplan_model::{Address, Each, Late, Path, ResourceAddress, Segment, Stack, Value};
use kfplan_plan::{Kinds, Payload};
use serde_json::Value as Json;

use crate::late::{Keys, keys};
use crate::plan::revealed;

/// Why a hole cannot be filled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// What it waits for does not say it.
    #[error("`{template}` at `{path}` is still not known: {} did not tell", names(.waits))]
    StillUnknown {
        /// Where in the body.
        path: Path,
        /// The expression.
        template: String,
        /// What it waits for.
        waits: BTreeSet<ResourceAddress>,
    },
    /// The expression fails on the values that it got.
    #[error("`{path}`: {message}")]
    Expression {
        /// Where in the body.
        path: Path,
        /// What is wrong.
        message: String,
    },
    /// The value would make it another thing than was planned.
    #[error("`{path}` says what the thing is, and must be known when it is planned")]
    AltersPlace {
        /// Where in the body.
        path: Path,
    },
    /// The body has no such place.
    #[error("the body has no place `{path}`")]
    NoPlace {
        /// Where in the body.
        path: Path,
    },
}

/// Fills the holes of a step's body with what is known now.
///
/// `outputs` are those of every resource that the holes wait for, by name; `of` is the step's address, for `each`.
/// What an expression makes of something secret is secret in the body, too.
///
/// # Errors
///
/// Everything that is wrong, by hole; see [`FillError`].
pub fn fill(
    payload: &Payload,
    of: &Address,
    stack: &Stack,
    kinds: &Kinds,
    outputs: &BTreeMap<ResourceAddress, BTreeMap<String, Json>>,
) -> Result<Payload, Vec<FillError>> {
    let mut filler = Filler { stack, kinds, outputs, keys: keys(stack), values: BTreeMap::new(), each: None };
    for hole in &payload.desired.holes {
        filler.enter(&hole.late, 0);
    }
    filler.each = stack.resources.get(of.resource()).and_then(|resource| resource.each.as_ref());
    let mut filled = payload.clone();
    let mut errors = Vec::new();
    for hole in std::mem::take(&mut filled.desired.holes) {
        match filler.value(&hole.path, &hole.late) {
            Err(found) => errors.extend(found),
            Ok(value) => match hole.path.get_mut(&mut filled.desired.body) {
                None => errors.push(FillError::NoPlace { path: hole.path }),
                Some(place) => {
                    *place = revealed(&value);
                    if value.is_sensitive() {
                        filled.desired.sensitive.push(hole.path);
                    }
                }
            },
        }
    }
    if errors.is_empty() { Ok(filled) } else { Err(errors) }
}

/// What holes are filled from.
struct Filler<'a> {
    stack: &'a Stack,
    kinds: &'a Kinds,
    outputs: &'a BTreeMap<ResourceAddress, BTreeMap<String, Json>>,
    keys: Keys,
    /// Fields and outputs of the resources that are read.
    values: BTreeMap<ResourceAddress, Value>,
    each: Option<&'a Each>,
}

/// How far fields that read fields are followed.
const DEPTH: usize = 32;

impl Filler<'_> {
    /// Makes everything known that an expression reads.
    fn enter(&mut self, late: &Late, depth: usize) {
        for wait in &late.waits {
            let instances = self.keys.get(wait).cloned().unwrap_or_default();
            let addresses = instances.iter().map(|key| wait.with_key(key));
            for address in addresses.chain([wait.clone()]) {
                self.enter_resource(&address, depth);
            }
        }
    }

    fn enter_resource(&mut self, address: &ResourceAddress, depth: usize) {
        let Some(resource) = self.stack.resources.get(address).filter(|_| !self.values.contains_key(address)) else {
            return;
        };
        if depth > DEPTH {
            return;
        }
        let mut lates = Vec::new();
        resource.fields.visit_late(&mut |late: &Late| lates.push(late.clone()));
        // Entered before what it reads, so that a ring ends.
        self.values.insert(address.clone(), Value::Map(BTreeMap::new()));
        for late in &lates {
            self.enter(late, depth + 1);
        }
        let reader = Reader { filler: self, each: resource.each.as_ref() };
        let fields = kfplan_expression::resolve(&resource.fields, &reader).unwrap_or_else(|_| resource.fields.clone());
        let mut map = fields.as_map().cloned().unwrap_or_default();
        let schema = self.kinds.kinds.get(address.type_name()).map(|kind| kind.schema());
        let known = self.outputs.get(address);
        for output in schema.iter().flat_map(|schema| &schema.outputs) {
            let value = match known.and_then(|known| known.get(output.name)) {
                Some(value) => Value::from(value),
                None => Value::Late(Late {
                    template: format!("${{{address}.{}}}", output.name).into(),
                    waits: [address.clone()].into(),
                }),
            };
            map.insert(output.name.to_owned(), if output.sensitive { value.into_sensitive() } else { value });
        }
        self.values.insert(address.clone(), Value::Map(map));
    }

    fn value(&self, path: &Path, late: &Late) -> Result<Value, Vec<FillError>> {
        if says_what_it_is(path) {
            return Err(vec![FillError::AltersPlace { path: path.clone() }]);
        }
        let reader = Reader { filler: self, each: self.each };
        let value = kfplan_expression::evaluate(&late.template, &reader).map_err(|errors| {
            let wrong = |error: &kfplan_expression::ExpressionError| FillError::Expression {
                path: path.clone(),
                message: error.to_string(),
            };
            errors.iter().map(wrong).collect::<Vec<_>>()
        })?;
        if value.is_known() {
            return Ok(value);
        }
        let mut waits = BTreeSet::new();
        value.visit_late(&mut |late| waits.extend(late.waits.iter().cloned()));
        Err(vec![FillError::StillUnknown { path: path.clone(), template: late.template.to_string(), waits }])
    }
}

struct Reader<'f, 'a> {
    filler: &'f Filler<'a>,
    each: Option<&'f Each>,
}

impl Roots for Reader<'_, '_> {
    fn variable(&self, name: &str) -> Option<&Value> {
        self.filler.stack.scope.vars.get(name)
    }

    fn environment(&self) -> &str {
        &self.filler.stack.scope.env_name
    }

    fn each(&self) -> Option<&Each> {
        self.each
    }

    fn resource(&self, address: &ResourceAddress) -> Option<Known<'_>> {
        match self.filler.keys.get(address) {
            Some(keys) => Some(Known::Keyed(keys)),
            None => self.filler.values.get(address).map(Known::Single),
        }
    }
}

/// Whether a value at this path of an object says which object it is, or which element of a list.
pub(crate) fn says_what_it_is(path: &Path) -> bool {
    let segments = path.segments();
    let key = |segment: &Segment, wanted: &str| matches!(segment, Segment::Key(key) if &**key == wanted);
    match segments {
        [one] => key(one, "kind") || key(one, "apiVersion"),
        [metadata, name] if key(metadata, "metadata") => key(name, "name") || key(name, "namespace"),
        [.., Segment::Item(keys), Segment::Key(last)] => keys.iter().any(|(key, _)| key == last),
        _ => false,
    }
}

fn names(waits: &BTreeSet<ResourceAddress>) -> String {
    waits.iter().map(|wait| format!("`{wait}`")).collect::<Vec<_>>().join(", ")
}
