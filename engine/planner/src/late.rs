//! Late values: what an expression reads of other resources.

use std::collections::BTreeMap;
use std::sync::Arc;

use kfplan_expression::{ExpressionError, Known, Roots};
use kfplan_model::{Address, Each, Late, Resource, ResourceAddress, Stack, Value};
use serde_json::Value as Json;

use crate::error::PlanError;
use crate::inventory::{Inventory, Phase};

/// The keys of resources that have a `for_each`.
pub(crate) type Keys = BTreeMap<ResourceAddress, Vec<Arc<str>>>;

/// What a late expression may read now.
struct Reader<'i, 'a> {
    inventory: &'i Inventory<'a>,
    stack: &'a Stack,
    keys: &'i Keys,
    each: Option<&'i Each>,
}

impl Roots for Reader<'_, '_> {
    fn variable(&self, name: &str) -> Option<&Value> {
        self.stack.scope.vars.get(name)
    }

    fn environment(&self) -> &str {
        &self.stack.scope.env_name
    }

    fn each(&self) -> Option<&Each> {
        self.each
    }

    fn resource(&self, address: &ResourceAddress) -> Option<Known<'_>> {
        if let Some(keys) = self.keys.get(address) {
            return Some(Known::Keyed(keys));
        }
        let owner = self.inventory.owner_of(address)?;
        self.inventory.owners[owner as usize].value.as_ref().map(Known::Single)
    }
}

impl<'a> Inventory<'a> {
    /// Whether everything that a value waits for is settled, so that what is late now stays late.
    pub(crate) fn is_answered(&self, value: &Value) -> bool {
        let mut answered = true;
        value.visit_late(&mut |late| answered &= late.waits.iter().all(|wait| self.is_settled(wait)));
        answered
    }

    fn is_settled(&self, resource: &ResourceAddress) -> bool {
        // A reference to a resource with `for_each` waits for it without a key, or for one instance.
        match self.owner_of(resource) {
            Some(owner) => self.owners[owner as usize].phase == Phase::Settled,
            None => self
                .owners
                .iter()
                .filter(|owner| owner.address.key().is_some() && owner.address.without_key() == *resource)
                .all(|owner| owner.phase == Phase::Settled),
        }
    }

    /// Evaluates what is late in a value again, now that more is known.
    pub(crate) fn evaluate(&mut self, value: &Value, each: Option<&Each>, keys: &Keys, name: &str) -> Value {
        let mut is_late = false;
        value.visit_late(&mut |_| is_late = true);
        let (true, Some(stack)) = (is_late, self.input.stack) else {
            return value.clone();
        };
        let reader = Reader { inventory: self, stack, keys, each };
        match kfplan_expression::resolve(value, &reader) {
            Ok(value) => value,
            Err(errors) => {
                self.errors.extend(errors.iter().map(|error| expression(name, error)));
                value.clone()
            }
        }
    }

    /// Settles a resource, and keeps its fields and outputs when somebody reads them.
    pub(crate) fn settle(&mut self, owner: u32) {
        let place = owner as usize;
        self.owners[place].phase = Phase::Settled;
        if self.owners[place].is_read
            && let Some(resource) = self.resolved.get(&self.owners[place].address)
        {
            self.owners[place].value = Some(self.value_of(owner, resource));
        }
    }

    /// Fields and outputs of a resource as one map; what is not known yet is a late leaf of it.
    fn value_of(&self, owner: u32, resource: &Resource) -> Value {
        let owner = &self.owners[owner as usize];
        let mut map = resource.fields.as_map().cloned().unwrap_or_default();
        let Some(kind) = owner.kind else {
            return Value::Map(map);
        };
        let known = if self.input.options.late.contains(&owner.address) {
            BTreeMap::new()
        } else {
            kind.outputs(resource, &self.seen_of(&owner.nodes))
        };
        for output in &kind.schema().outputs {
            let value = match known.get(output.name) {
                Some(value) => Value::from(value),
                None => Value::Late(Late {
                    template: format!("${{{}.{}}}", owner.address, output.name).into(),
                    waits: [owner.address.clone()].into(),
                }),
            };
            let value = if output.sensitive { value.into_sensitive() } else { value };
            map.insert(output.name.to_owned(), value);
        }
        Value::Map(map)
    }

    /// The bodies of the nodes that are there and stay there.
    fn seen_of(&self, nodes: &[u32]) -> BTreeMap<&Address, &Json> {
        let nodes = nodes.iter().map(|&node| &self.nodes[node as usize]);
        nodes
            .filter(|node| node.draft.is_some() && !node.fate.is_renewing())
            .filter_map(|node| Some((&node.address, &node.live()?.body)))
            .collect()
    }
}

/// The keys of every resource that has a `for_each`.
pub(crate) fn keys(stack: &Stack) -> Keys {
    let mut keys = Keys::new();
    for address in stack.resources.keys() {
        if let Some(key) = address.key() {
            keys.entry(address.without_key()).or_default().push(key.into());
        }
    }
    keys
}

fn expression(name: &str, error: &ExpressionError) -> PlanError {
    PlanError::Expression { resource: name.to_owned(), message: error.to_string() }
}
