//! The schemas and the reference of the stack file.

use kfplan_tests::Place;
use serde_json::Value as Json;

use crate::holds;

fn schema(what: &str) -> String {
    Place::new().run(&["schema", what]).exits(0).out
}

#[test]
fn the_reference_of_the_stack_file_is_of_today() {
    holds("docs/reference/stack-file.md", &schema("reference"));
}

#[test]
fn the_schema_of_the_stack_file_is_of_today() {
    let text = schema("stack");
    assert_eq!(text, Place::new().run(&["schema"]).exits(0).out, "the stack is the default");
    let parsed: Json = serde_json::from_str(&text).expect("a JSON Schema is JSON");
    assert!(parsed["properties"]["aks_cluster"].is_object(), "it knows the real types");
    holds("docs/reference/stack.schema.json", &text);
}

#[test]
fn the_schema_of_plans_is_of_today() {
    holds("docs/reference/plan.schema.json", &schema("plan"));
}
