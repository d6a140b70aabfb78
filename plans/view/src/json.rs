//! A plan as JSON for programs, with its schema.

use kfplan_plan::{Drift, Note, Plan};
use serde_json::{Value as Json, json};

use crate::words::Counts;

/// The version of the JSON that views print. Fields are added without a new one; none is removed or changes meaning.
const FORMAT: u32 = 1;

/// The plan, its id, and its counts.
#[must_use]
pub fn plan(plan: &Plan) -> Json {
    let counts = Counts::of(plan);
    let counts: serde_json::Map<String, Json> = [
        ("create", kfplan_plan::Action::Create),
        ("adopt", kfplan_plan::Action::Adopt),
        ("update", kfplan_plan::Action::Update),
        ("replace", kfplan_plan::Action::Replace),
        ("delete", kfplan_plan::Action::Delete),
        ("forget", kfplan_plan::Action::Forget),
        ("refresh", kfplan_plan::Action::Refresh),
    ]
    .into_iter()
    .map(|(word, action)| (word.to_owned(), counts.get(action).into()))
    .collect();
    json!({
        "format": FORMAT,
        "id": plan.id(),
        "changes": plan.has_changes(),
        "blocked": plan.is_blocked(),
        "counts": counts,
        "plan": plan,
    })
}

/// What `drift --format json` prints.
#[must_use]
pub fn drift(stack: &str, environment: &str, drift: &[Drift], undecided: &[Note]) -> Json {
    json!({
        "format": FORMAT,
        "stack": stack,
        "environment": environment,
        "drifted": !drift.is_empty(),
        "drift": drift,
        "undecided": undecided,
    })
}

/// The JSON Schema (2020-12) of what [`plan`] gives.
#[must_use]
pub fn schema() -> Json {
    let note = json!({"type": "object", "required": ["severity", "code", "message"], "properties": {
        "severity": {"enum": ["blocks", "warning", "info"]}, "code": {"type": "string"},
        "address": {"type": ["string", "null"]}, "message": {"type": "string"}, "help": {"type": ["string", "null"]}}});
    let shown = json!({"description": "`absent`, `unknown`, or one of `value`, `secret` (8 hexadecimal digits of a keyed hash), `late` (an expression)",
        "oneOf": [{"enum": ["absent", "unknown"]},
            {"type": "object", "required": ["value"]}, {"type": "object", "required": ["secret"]}, {"type": "object", "required": ["late"]}]});
    let field = json!({"type": "object", "required": ["path", "old", "new"], "properties": {
        "path": {"type": "string", "description": "JSON Pointer with list keys"}, "old": shown, "new": shown, "replaces": {"type": ["string", "null"]}}});
    let drift = json!({"type": "object", "required": ["address", "path", "old", "new"], "properties": {
        "address": {"type": "string"}, "path": {"type": "string"}, "old": shown, "new": shown, "witness": {"type": ["object", "null"]}}});
    let change = json!({"type": "object", "required": ["action", "locator", "fields", "verified", "precondition"], "properties": {
        "action": {"enum": ["create", "adopt", "update", "replace", "delete", "forget", "refresh"]},
        "fields": {"type": "array", "items": field}, "reasons": {"type": "array", "items": {"type": "string"}},
        "timeout": {"type": "integer", "description": "seconds"}, "expected": {"type": "integer", "description": "milliseconds"}}});
    let step = json!({"type": "object", "required": ["address", "group", "work"], "properties": {
        "address": {"type": "string"}, "group": {"type": "integer"},
        "work": {"oneOf": [{"type": "object", "required": ["change"], "properties": {"change": change}}, {"type": "object", "required": ["gate"]}]}}});
    let edge = json!({"type": "object", "required": ["from", "to", "kind"], "properties": {
        "from": {"type": "integer"}, "to": {"type": "integer"}, "kind": {"enum": ["after_applied", "after_ready", "contained_in"]}}});
    let kept = json!({"type": "object", "required": ["address", "protection", "why"]});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "kfplan plan --format json",
        "type": "object",
        "required": ["format", "id", "changes", "blocked", "counts", "plan"],
        "properties": {
            "format": {"const": FORMAT}, "id": {"type": "string", "pattern": "^[0-9a-f]{12}$"},
            "changes": {"type": "boolean"}, "blocked": {"type": "boolean"},
            "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
            "plan": {"type": "object", "required": ["header", "groups", "steps", "edges", "kept", "drift", "notes", "outputs"], "properties": {
                "header": {"type": "object"}, "groups": {"type": "array"},
                "steps": {"type": "array", "items": step}, "edges": {"type": "array", "items": edge},
                "kept": {"type": "array", "items": kept}, "drift": {"type": "array", "items": drift},
                "notes": {"type": "array", "items": note}, "outputs": {"type": "object", "additionalProperties": shown}}},
        },
    })
}
