//! Values of one object that are copied to fields of others.

use serde_json::{Map, Value};

use super::steps::letters;
use crate::dialect::Dialect;
use crate::error::RenderError;
use crate::fieldpath::{self, Reach};
use crate::fieldspec::what;
use crate::gvk::Id;
use crate::kustomization::{FieldOptions, Replacement, ReplacementTarget, Selector};
use crate::resource::{Resource, Resources};
use crate::scalar;
use crate::selector::Labels;

/// How many errors are shown before the rest is given up.
const SHOWN: usize = 3;

/// Carries out replacements one after the other.
pub(super) fn run(replacements: &[Replacement], resources: &mut Resources, errors: &mut Vec<RenderError>) {
    for replacement in replacements {
        if let Err(reason) = replace(replacement, resources) {
            if errors.len() >= SHOWN {
                return;
            }
            errors.push(RenderError::Field {
                place: replacement.place.clone(),
                field: replacement.field.clone(),
                reason,
            });
        }
    }
}

fn replace(replacement: &Replacement, resources: &mut Resources) -> Result<(), String> {
    let value = read(replacement, resources)?;
    for target in &replacement.targets {
        write(target, &value, resources)?;
    }
    Ok(())
}

/// The identities of an object, each with the namespace as the selectors see it: one of
/// an object without namespace is `default`, whatever its kind.
fn identities(resource: &Resource) -> Vec<Id> {
    let mut ids = resource.identities(Dialect::V5);
    // The current one comes first, and counts with the namespace that it says.
    ids.pop();
    ids.insert(0, resource.current_id());
    for id in &mut ids {
        if id.namespace.is_empty() {
            "default".clone_into(&mut id.namespace);
        }
    }
    ids
}

fn is_selected(id: &Id, selector: &Id) -> bool {
    (selector.name.is_empty() || selector.name == id.name)
        && (selector.namespace.is_empty() || selector.namespace == id.namespace)
        && id.gvk.is_selected(&selector.gvk)
}

fn read(replacement: &Replacement, resources: &Resources) -> Result<Value, String> {
    let source = &replacement.source;
    let found = resources.matching(|resource| identities(resource).iter().any(|id| is_selected(id, &source.object)));
    let object = match found.as_slice() {
        [place] => resources.0.get(*place),
        [] => return Err(format!("the source {} is not there", source.object)),
        many => return Err(format!("{} objects could be the source {}", many.len(), source.object)),
    };
    let path = fieldpath::split(&source.path);
    let value = match object {
        Some(object) => fieldpath::get_in(&object.value, &path)?,
        None => None,
    };
    let Some(value) = value.filter(|value| !scalar::is_empty(value)) else {
        return Err(format!("the source {} has no `{}`", source.object, source.path));
    };
    let FieldOptions { delimiter, index, .. } = &source.options;
    if delimiter.is_empty() {
        return Ok(value.clone());
    }
    if value.is_object() || value.is_array() {
        return Err(format!("`delimiter` is for text, and `{}` is {}", source.path, what(value)));
    }
    let letters = scalar::text(value);
    let part = usize::try_from(*index).ok().and_then(|index| letters.split(delimiter.as_str()).nth(index));
    match part {
        Some(part) => scalar::retyped(value, part),
        None => Err(format!("`{letters}` has no part {index} between `{delimiter}`")),
    }
}

fn write(target: &ReplacementTarget, value: &Value, resources: &mut Resources) -> Result<(), String> {
    let has_labels = |selector: &Selector| !selector.labels.is_empty() || !selector.annotations.is_empty();
    let matchers = |selector: &Selector| {
        Ok::<_, String>((Labels::parse(&selector.labels)?, Labels::parse(&selector.annotations)?))
    };
    let select = matchers(&target.select)?;
    let reject: Vec<_> =
        target.reject.iter().filter(|selector| has_labels(selector)).map(matchers).collect::<Result<_, _>>()?;
    let id_of = |selector: &Selector| Id {
        gvk: selector.gvk.clone(),
        namespace: selector.namespace.clone(),
        name: selector.name.clone(),
    };
    let wanted = id_of(&target.select);
    let unwanted: Vec<Id> = target.reject.iter().map(id_of).filter(|id| *id != Id::default()).collect();
    for resource in &mut resources.0 {
        let (labels, annotations) = (letters(&resource.value, "labels"), letters(&resource.value, "annotations"));
        let fits = |(by_label, by_annotation): &(Labels, Labels)| {
            by_label.matches(&labels) && by_annotation.matches(&annotations)
        };
        if !fits(&select) || reject.iter().any(fits) {
            continue;
        }
        let ids = identities(resource);
        let is_rejected = ids.iter().any(|id| unwanted.iter().any(|unwanted| is_selected(id, unwanted)));
        if is_rejected || !ids.iter().any(|id| is_selected(id, &wanted)) {
            continue;
        }
        for path in &target.paths {
            set(&mut resource.value, path, value, &target.options)
                .map_err(|reason| format!("`{path}` of {}: {reason}", resource.current_id()))?;
        }
    }
    Ok(())
}

fn set(object: &mut Map<String, Value>, path: &str, value: &Value, options: &FieldOptions) -> Result<(), String> {
    let parts = fieldpath::split(path);
    let made = options.create.then_some(match value {
        Value::Object(_) => Reach::Map,
        Value::Array(_) => Reach::List,
        _ => Reach::Scalar,
    });
    let mut hits = 0_usize;
    fieldpath::each_in(object, &parts, made, &mut |field| {
        hits += 1;
        put(field, value, options)
    })?;
    match (hits, options.create) {
        (0, false) => Err("there is no such field; `create: true` makes it".to_owned()),
        (0, true) => Err("there is no such field, and it cannot be made".to_owned()),
        _ => Ok(()),
    }
}

fn put(field: &mut Value, value: &Value, options: &FieldOptions) -> Result<(), String> {
    let is_scalar = !field.is_object() && !field.is_array();
    let mut value = value.clone();
    if !options.delimiter.is_empty() {
        if !is_scalar {
            return Err(format!("`delimiter` is for text, and the field is {}", what(field)));
        }
        let there = if field.is_null() { String::new() } else { scalar::text(field) };
        let mut parts: Vec<String> = there.split(options.delimiter.as_str()).map(str::to_owned).collect();
        let part = scalar::text(&value);
        match usize::try_from(options.index) {
            Err(_) => parts.insert(0, part),
            Ok(index) => match parts.get_mut(index) {
                Some(slot) => *slot = part,
                None => parts.push(part),
            },
        }
        value = Value::String(parts.join(&options.delimiter));
    }
    scalar::within_bounds(&value)?;
    if is_scalar {
        // The field keeps its type: only the letters change.
        *field = match (field.as_str(), &value) {
            // One that was just made has no type yet.
            (Some(made), value) if made == fieldpath::MADE => scalar::plain(&scalar::text(value)),
            (Some(_), value) => Value::String(scalar::text(value)),
            (None, value) => scalar::retyped(field, &scalar::text(value))?,
        };
    } else {
        *field = value;
    }
    Ok(())
}
