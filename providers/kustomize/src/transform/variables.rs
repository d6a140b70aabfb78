//! `$(NAME)` in the fields of the table becomes the value of a field of some object.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Number, Value};

use crate::dialect::Dialect;
use crate::error::{Place, RenderError};
use crate::fieldspec::{FieldSpec, what};
use crate::kustomization::Variable;
use crate::render::Renderer;
use crate::resource::Resources;
use crate::{fieldpath, scalar};

/// Resolves all vars. Without any, `$$` stays as it is, too.
pub(crate) fn run(
    renderer: &mut Renderer<'_>,
    table: &[FieldSpec],
    variables: &BTreeMap<String, Variable>,
    resources: &mut Resources,
) {
    let before = renderer.errors.len();
    let mut values = BTreeMap::new();
    for (name, variable) in variables {
        match value_of(variable, resources, renderer.dialect) {
            Ok(value) => {
                values.insert(name.clone(), value);
            }
            Err(reason) => renderer.errors.push(RenderError::Field {
                place: variable.place.clone(),
                field: variable.field.clone(),
                reason,
            }),
        }
    }
    if values.is_empty() || renderer.errors.len() > before {
        return;
    }
    let mut used = BTreeSet::new();
    for resource in &mut resources.0 {
        let gvk = resource.gvk();
        for spec in table.iter().filter(|spec| gvk.is_selected(&spec.gvk)) {
            let replaced = match renderer.dialect {
                Dialect::V3_2 => {
                    spec.mutate_existing(&mut resource.value, &mut |value| replace(value, &values, &mut used))
                }
                Dialect::V5 => spec.visit(&mut resource.value, None, &mut |value| match value {
                    Value::Array(items) if items.is_empty() => Ok(()),
                    null if scalar::is_null(null) => Ok(()),
                    value => {
                        scalar::unmark(value);
                        replace(value, &values, &mut used)
                    }
                }),
            };
            if let Err(reason) = replaced {
                renderer.errors.push(RenderError::Transform {
                    place: Place::clone(&resource.origin),
                    field: "varReference".to_owned(),
                    object: resource.current_id().to_string(),
                    reason,
                });
            }
        }
    }
    for (name, variable) in variables {
        if !used.contains(name) {
            renderer.note(variable.place.clone(), format!("the var `{name}` is used nowhere"));
        }
    }
}

fn value_of(variable: &Variable, resources: &Resources, dialect: Dialect) -> Result<Value, String> {
    let source = resources.0.iter().find(|resource| resource.variables.contains(&variable.name));
    let Some(source) = source else {
        return Err(format!("the var `{}` reads from {}, which is not there", variable.name, variable.object));
    };
    let value = match dialect {
        Dialect::V3_2 => field(&source.value, &variable.path),
        Dialect::V5 => {
            fieldpath::get_in(&source.value, &indexed(&variable.path))?.filter(|value| !scalar::is_blank(value))
        }
    };
    let unmarked = |mut value: Value| {
        scalar::unmark(&mut value);
        value
    };
    value.cloned().map(unmarked).ok_or_else(|| {
        format!("the var `{}` reads `{}` of {}, which it does not have", variable.name, variable.path, variable.object)
    })
}

/// The parts of a path, in which `ports[0]` counts as two.
fn indexed(path: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for part in fieldpath::split(path) {
        match part.strip_suffix(']').and_then(|rest| rest.split_once('[')) {
            Some((name, index)) if !name.is_empty() && index.parse::<usize>().is_ok() => {
                parts.extend([name.to_owned(), index.to_owned()]);
            }
            _ => parts.push(part),
        }
    }
    parts
}

/// The value at a path such as `spec.ports[0].port` or `metadata.annotations['a.b/c']`.
fn field<'v>(object: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    let mut parts = parts(path)?.into_iter();
    let mut value = match parts.next()? {
        Part::Key(key) => object.get(&key)?,
        Part::Index(_) => return None,
    };
    for part in parts {
        value = match part {
            Part::Key(key) => value.as_object()?.get(&key)?,
            Part::Index(index) => value.as_array()?.get(index)?,
        };
    }
    Some(value)
}

enum Part {
    Key(String),
    Index(usize),
}

fn parts(path: &str) -> Option<Vec<Part>> {
    if !path.contains('[') {
        return Some(path.split('.').map(|key| Part::Key(key.to_owned())).collect());
    }
    let mut parts = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (inside, after) = inner.split_once(']')?;
            parts.push(match inside.parse() {
                Ok(index) => Part::Index(index),
                Err(_) => Part::Key(inside.trim_matches(['"', '\'']).to_owned()),
            });
            rest = after;
        } else if let Some(after) = rest.strip_prefix('.') {
            rest = after;
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (key, after) = rest.split_at(end);
            parts.push(Part::Key(key.trim_matches(['"', '\'']).to_owned()));
            rest = after;
        }
    }
    Some(parts)
}

type Used = BTreeSet<String>;

/// Expands a text, the texts of a list, or the texts of a map.
fn replace(value: &mut Value, values: &BTreeMap<String, Value>, used: &mut Used) -> Result<(), String> {
    match value {
        Value::String(text) => *value = expand(text, values, used),
        // An empty list becomes null; so it has always been.
        Value::Array(items) if items.is_empty() => *value = Value::Null,
        Value::Array(items) => {
            for item in items {
                let Value::String(text) = item else { return Err(format!("it holds {}, not text", what(item))) };
                *item = expand(text, values, used);
            }
        }
        Value::Object(map) => {
            for inner in map.values_mut() {
                if let Value::String(text) = inner {
                    *inner = expand(text, values, used);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

/// Expands `$(NAME)`; a text that is nothing else takes on the type of the value. `$$`
/// is a dollar sign, and what is unknown stays as it is.
fn expand(text: &str, values: &BTreeMap<String, Value>, used: &mut Used) -> Value {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find('$') {
        let (before, after) = rest.split_at(place);
        expanded.push_str(before);
        let after = after.get(1..).unwrap_or_default();
        if let Some(more) = after.strip_prefix('$') {
            expanded.push('$');
            rest = more;
        } else if let Some((name, more)) = after.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
            let value = values.get(name).inspect(|_| {
                used.insert(name.to_owned());
            });
            match value {
                Some(value @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => {
                    if text.len() == name.len() + 3 {
                        return value.clone();
                    }
                    expanded.push_str(&written(value));
                }
                _ => {
                    expanded.push_str("$(");
                    expanded.push_str(name);
                    expanded.push(')');
                }
            }
            rest = more;
        } else {
            expanded.push('$');
            rest = after;
        }
    }
    expanded.push_str(rest);
    Value::String(expanded)
}

fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number_text(number),
        other => other.to_string(),
    }
}

/// A number as Go prints it.
fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(value) if number.is_f64() => {
            let scientific = format!("{value:e}");
            match scientific.split_once('e').map(|(mantissa, exponent)| (mantissa, exponent.parse::<i32>())) {
                Some((mantissa, Ok(exponent))) if !(-4..21).contains(&exponent) => {
                    let sign = if exponent < 0 { '-' } else { '+' };
                    format!("{mantissa}e{sign}{:02}", exponent.abs())
                }
                _ => format!("{value}"),
            }
        }
        _ => number.to_string(),
    }
}
