//! Reads the small stacks of the tests: `[TYPE.NAME]` and `field = value` lines.

use std::collections::{BTreeMap, BTreeSet};

use kfplan_model::{
    Late, Lifecycle, Moved, Output, Position, Removed, Resource, ResourceAddress, Scope, Stack, Timeouts, Value,
};
use serde_json::Value as Json;

/// The stack that a text states.
pub(super) fn stack(text: &str) -> Stack {
    let mut reader = Reader { stack: empty(), open: None, line: 0 };
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        reader.line += 1;
        match line.strip_prefix('[').filter(|_| !line.contains('=')) {
            Some(header) => reader.open(header.trim_end_matches(']')),
            None => reader.field(line),
        }
    }
    reader.stack
}

fn empty() -> Stack {
    let secret = Value::from("hunter2").into_sensitive();
    Stack {
        name: "test".to_owned(),
        environment: "default".to_owned(),
        azure: None,
        repos: BTreeMap::new(),
        resources: BTreeMap::new(),
        moved: Vec::new(),
        removed: Vec::new(),
        outputs: Vec::new(),
        scope: Scope { vars: [("secret".to_owned(), secret)].into(), env_name: "default".to_owned() },
        warnings: Vec::new(),
    }
}

struct Reader {
    stack: Stack,
    open: Option<ResourceAddress>,
    line: u32,
}

impl Reader {
    fn at(&self) -> Position {
        Position { line: self.line, column: 1 }
    }

    fn open(&mut self, header: &str) {
        self.open = None;
        if header == "outputs" {
            return;
        }
        let address: ResourceAddress = header.parse().expect("an address");
        let resource = Resource {
            address: address.clone(),
            fields: Value::Map(BTreeMap::new()),
            existing: false,
            depends_on: BTreeSet::new(),
            each: None,
            lifecycle: Lifecycle::default(),
            timeouts: Timeouts::default(),
            conflicts: Vec::new(),
            readiness: Vec::new(),
            at: self.at(),
            positions: BTreeMap::new(),
        };
        self.stack.resources.insert(address.clone(), resource);
        self.open = Some(address);
    }

    fn field(&mut self, line: &str) {
        let (name, text) = line.split_once('=').expect("a field");
        let (name, text) = (name.trim(), text.trim());
        let at = self.at();
        let address = |text: &str| text.parse::<ResourceAddress>().expect("an address");
        match name {
            "moved" => {
                let (from, to) = text.split_once(" to ").expect("two addresses");
                self.stack.moved.push(Moved { from: address(from), to: address(to), at });
                return;
            }
            "removed" => {
                self.stack.removed.push(Removed { from: address(text), at });
                return;
            }
            _ => {}
        }
        let mut waits = BTreeSet::new();
        let value = value(text, &mut waits);
        let Some(resource) = self.open.as_ref().and_then(|open| self.stack.resources.get_mut(open)) else {
            self.stack.outputs.push(Output { name: name.to_owned(), value, at });
            return;
        };
        match name {
            "existing" => resource.existing = true,
            "prevent_destroy" => resource.lifecycle.prevent_destroy = Some(text == "true"),
            "create_before_destroy" => resource.lifecycle.create_before_destroy = true,
            "replace_triggered_by" => resource.lifecycle.replace_triggered_by.push(address(text)),
            "depends_on" => resource.depends_on.extend(text.split(' ').map(address)),
            _ => {
                resource.depends_on.extend(waits);
                if let Value::Map(fields) = &mut resource.fields {
                    fields.insert(name.to_owned(), value);
                }
            }
        }
    }
}

/// A whole `${TYPE.NAME}` is a handle, what else has `${` is late, and all else is JSON or text.
fn value(text: &str, waits: &mut BTreeSet<ResourceAddress>) -> Value {
    let inner = text.strip_prefix("${").and_then(|text| text.strip_suffix('}'));
    if let Some(address) =
        inner.and_then(|inner| inner.parse::<ResourceAddress>().ok()).filter(|_| inner != Some("vars.secret"))
    {
        waits.insert(address.clone());
        return Value::Handle(address);
    }
    if text == "${vars.secret}" {
        return Value::from("hunter2").into_sensitive();
    }
    if text.contains("${") {
        let references = kfplan_expression::references(text).expect("an expression");
        let read: BTreeSet<_> = references.iter().filter_map(|reference| reference.resource().cloned()).collect();
        waits.extend(read.iter().cloned());
        return Value::Late(Late { template: text.into(), waits: read });
    }
    serde_json::from_str::<Json>(text).map_or_else(|_| Value::from(text), |json| Value::from(&json))
}
