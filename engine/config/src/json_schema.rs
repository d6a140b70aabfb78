//! The JSON Schema of a stack file, with which editors complete and check it.

use kfplan_plan::{Field, OnChange, Schema, Shape};
use serde_json::{Map, Value as Json, json};

use crate::conform::target_fields;
use crate::meta::meta_fields;
use crate::settings::setting_fields;

/// Text in which an expression stands takes the place of any value.
const EXPRESSION: &str = "\\$\\{";
const NAME: &str = "^[a-z][a-z0-9_]*$";

/// The JSON Schema (draft 2020-12) of a stack file with these resource types.
#[must_use]
pub fn json_schema(schemas: &[Schema]) -> Json {
    let types: Vec<&'static str> = schemas.iter().map(|schema| schema.type_name).collect();
    let mut properties = Map::new();
    properties.insert("stack".to_owned(), table(&setting_fields("stack"), "The stack."));
    properties.insert("vars".to_owned(), variables());
    properties.insert("env".to_owned(), environments());
    properties.insert("azure".to_owned(), table(&setting_fields("azure"), "Whose Azure it is, and how to sign in."));
    properties.insert("state".to_owned(), table(&setting_fields("state"), "Where the state is kept."));
    properties.insert(
        "repos".to_owned(),
        named(table(&setting_fields("repos"), "A repo, read as `@NAME/…`."), "Where manifests come from."),
    );
    properties.insert("outputs".to_owned(), json!({"type": "object", "description": "Values to print after apply."}));
    properties.insert("moved".to_owned(), addresses(&["from", "to"], "Resources that were renamed."));
    properties.insert("removed".to_owned(), addresses(&["from"], "Resources to forget without deleting."));
    for schema in schemas {
        let mut fields = schema.fields.clone();
        let can_exist = schema.existing;
        if can_exist {
            // With `existing` only a few are needed, which the schema leaves to `kfplan validate`.
            fields.iter_mut().for_each(|field| field.required = false);
        }
        fields.extend(meta_fields(schema, &types));
        properties.insert(schema.type_name.to_owned(), named(table(&fields, schema.summary), schema.summary));
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "kfplan stack file",
        "type": "object",
        "properties": properties,
        "required": ["stack"],
        "additionalProperties": false,
    })
}

/// A table of tables by free names.
fn named(inner: Json, description: &str) -> Json {
    json!({"type": "object", "description": description, "additionalProperties": inner})
}

fn variables() -> Json {
    let variable = json!({
        "type": "object",
        "properties": {
            "type": {"enum": ["string", "int", "float", "bool", "list", "map"], "description": "The type; that of the default, else string."},
            "default": {"description": "The value where no other is given."},
            "description": {"type": "string", "description": "What it is for."},
            "sensitive": {"type": "boolean", "description": "Whether it is never shown."},
            "allowed": {"type": "array", "description": "The values that it may have."},
        },
        "additionalProperties": false,
    });
    json!({"type": "object", "description": "Variables, read as `${vars.NAME}`.", "patternProperties": {NAME: variable}, "additionalProperties": false})
}

fn environments() -> Json {
    let vars = json!({"type": "object", "description": "Values of variables in this environment."});
    named(
        json!({"type": "object", "properties": {"vars": vars}, "additionalProperties": false}),
        "Environments, chosen by `--env`.",
    )
}

fn addresses(keys: &[&str], description: &str) -> Json {
    let properties: Map<String, Json> = keys
        .iter()
        .map(|key| {
            ((*key).to_owned(), json!({"type": "string", "description": "An address, such as `aks_node_pool.gpu`."}))
        })
        .collect();
    json!({
        "type": "array", "description": description,
        "items": {"type": "object", "properties": properties, "required": keys, "additionalProperties": false},
    })
}

fn table(fields: &[Field], description: &str) -> Json {
    let properties: Map<String, Json> = fields.iter().map(|field| (field.name.to_owned(), property(field))).collect();
    let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let mut schema =
        json!({"type": "object", "description": description, "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn property(field: &Field) -> Json {
    let mut schema = shape(&field.shape);
    let change = match field.on_change {
        OnChange::InPlace => "",
        OnChange::Replace => " A change replaces the resource.",
        OnChange::Rotate => " A change replaces the pool.",
        OnChange::Refused(_) => " It cannot be changed.",
    };
    schema["description"] = format!("{}{change}", field.summary).into();
    if let Some(default) = &field.default {
        schema["default"] = default.clone();
    }
    schema
}

/// The schema of a value that an expression may stand for.
fn shape(shape: &Shape) -> Json {
    let expression = json!({"type": "string", "pattern": EXPRESSION});
    let or_expression = |schema: Json| json!({"anyOf": [schema, expression.clone()]});
    match shape {
        Shape::Bool => or_expression(json!({"type": "boolean"})),
        Shape::Int { min, max } => {
            let mut schema = json!({"type": "integer"});
            if let Some(min) = min {
                schema["minimum"] = json!(min);
            }
            if let Some(max) = max {
                schema["maximum"] = json!(max);
            }
            or_expression(schema)
        }
        Shape::Float => or_expression(json!({"type": "number"})),
        Shape::String | Shape::File | Shape::Source | Shape::Glob => json!({"type": "string"}),
        Shape::Path => or_expression(json!({"type": "string", "pattern": "^(/|\\[|$)"})),
        Shape::Checked { pattern, .. } => or_expression(json!({"type": "string", "pattern": pattern})),
        Shape::Choice(words) => or_expression(json!({"enum": words})),
        Shape::Handle(types) => {
            json!({"type": "string", "pattern": EXPRESSION, "examples": types.iter().take(3).map(|name| format!("${{{name}.main}}")).collect::<Vec<_>>()})
        }
        Shape::List(inner) => or_expression(json!({"type": "array", "items": self::shape(inner)})),
        Shape::Map(inner) => or_expression(json!({"type": "object", "additionalProperties": self::shape(inner)})),
        Shape::Table(fields) => or_expression(table(fields, "")),
        Shape::Target => or_expression(table(&target_fields(), "The objects that are meant.")),
        Shape::Either(shapes) => json!({"anyOf": shapes.iter().map(self::shape).collect::<Vec<_>>()}),
        Shape::Any => json!({}),
    }
}
