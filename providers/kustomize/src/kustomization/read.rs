//! The parts of a kustomization file, one by one.

use std::collections::BTreeMap;

use kfplan_objects::yaml::{Kind, Node};

use super::{Generator, GeneratorOptions, Image, JsonPatch, Named, Patch, Replica, Selector, Variable};
use crate::decode::{Decoder, Fields};
use crate::dialect::Dialect;

use crate::gvk::{Gvk, Id};
use crate::resource::Behavior;

/// Before there were patches of both kinds, `patches` was a list of files.
pub(super) fn has_legacy_patches(fields: &Fields<'_>) -> bool {
    match fields.get("patches").map(|(_, node)| &node.kind) {
        Some(Kind::List(items)) => items.iter().any(|item| matches!(item.kind, Kind::Text(_))),
        _ => false,
    }
}

pub(crate) fn text(fields: &Fields<'_>, name: &str, decoder: &mut Decoder<'_>) -> String {
    fields.get(name).and_then(|(field, node)| decoder.text(&field, node)).unwrap_or_default()
}

pub(crate) fn texts(fields: &Fields<'_>, name: &str, decoder: &mut Decoder<'_>) -> Option<BTreeMap<String, String>> {
    fields.get(name).and_then(|(field, node)| decoder.texts(&field, node))
}

pub(crate) fn named(fields: &Fields<'_>, name: &str, decoder: &mut Decoder<'_>) -> Option<Named> {
    let (field, node) = fields.get(name)?;
    let value = decoder.text(&field, node)?;
    (!value.is_empty()).then_some(Named { field, at: node.at, value })
}

pub(crate) fn list<T>(
    fields: &Fields<'_>,
    name: &str,
    decoder: &mut Decoder<'_>,
    read: impl FnMut(String, &Node, &mut Decoder<'_>) -> Option<T>,
) -> Vec<T> {
    fields.get(name).map(|(field, node)| decoder.items(&field, node, read)).unwrap_or_default()
}

pub(crate) fn names(fields: &Fields<'_>, name: &str, decoder: &mut Decoder<'_>) -> Vec<Named> {
    list(fields, name, decoder, |field, node, decoder| {
        let value = decoder.text(&field, node)?;
        Some(Named { field, at: node.at, value })
    })
}

pub(super) fn read_generator(
    field: String,
    node: &Node,
    is_secret: bool,
    decoder: &mut Decoder<'_>,
) -> Option<Generator> {
    read_generator_with(field, node, is_secret, &[], decoder)
}

/// The same, where fields more are known.
pub(crate) fn read_generator_with(
    field: String,
    node: &Node,
    is_secret: bool,
    more: &[&'static str],
    decoder: &mut Decoder<'_>,
) -> Option<Generator> {
    let mut known = vec!["name", "namespace", "behavior", "literals", "files", "envs", "env"];
    if decoder.dialect == Dialect::V5 {
        known.push("options");
    }
    known.extend(more);
    if is_secret {
        known.push("type");
    }
    let fields = decoder.fields(&field, node, &known)?;
    let behavior = match text(&fields, "behavior", decoder).as_str() {
        "merge" => Behavior::Merge,
        "replace" => Behavior::Replace,
        "create" | "" => Behavior::Create,
        _ => {
            // Dialect 5 takes any other word for no word.
            if let (Dialect::V3_2, Some((field, node))) = (decoder.dialect, fields.get("behavior")) {
                decoder.refuse(&field, node, "it must be `create`, `merge` or `replace`");
            }
            Behavior::Create
        }
    };
    let mut envs = names(&fields, "envs", decoder);
    envs.extend(named(&fields, "env", decoder));
    let options = fields.get("options").map(|(field, node)| read_options(&field, node, decoder));
    Some(Generator {
        options: options.unwrap_or_default(),
        at: node.at,
        name: text(&fields, "name", decoder),
        namespace: text(&fields, "namespace", decoder),
        behavior,
        secret_type: text(&fields, "type", decoder),
        literals: names(&fields, "literals", decoder),
        files: names(&fields, "files", decoder),
        envs,
        field,
    })
}

pub(super) fn read_json_patch(field: String, node: &Node, decoder: &mut Decoder<'_>) -> Option<JsonPatch> {
    let is_new = decoder.dialect == Dialect::V5;
    let known: &[&str] = if is_new { &["target", "path", "patch", "options"] } else { &["target", "path", "patch"] };
    let fields = decoder.fields(&field, node, known)?;
    let (path, patch) = (named(&fields, "path", decoder), named(&fields, "patch", decoder));
    let Some((target_field, target_node)) = fields.get("target") else {
        decoder.refuse(&field, node, "a `target` with kind and name is needed");
        return None;
    };
    let known: &[&str] = if is_new { &SELECTOR } else { &["group", "version", "kind", "namespace", "name"] };
    let target = decoder.fields(&target_field, target_node, known)?;
    let selector = read_selector(&target, decoder);
    let target = Id {
        gvk: read_gvk(&target, decoder),
        namespace: text(&target, "namespace", decoder),
        name: text(&target, "name", decoder),
    };
    if target.name.is_empty() {
        decoder.refuse(&target_field, target_node, "the target's `name` is needed");
    }
    match (&path, &patch) {
        (None, None) => decoder.refuse(&field, node, "one of `path` and `patch` is needed"),
        (Some(_), Some(_)) => decoder.refuse(&field, node, "`path` and `patch` cannot both be given"),
        _ => {}
    }
    Some(JsonPatch { field, at: node.at, target, selector, path, patch })
}

pub(crate) fn read_gvk(fields: &Fields<'_>, decoder: &mut Decoder<'_>) -> Gvk {
    Gvk {
        group: text(fields, "group", decoder),
        version: text(fields, "version", decoder),
        kind: text(fields, "kind", decoder),
    }
}

pub(super) fn read_patch(field: String, node: &Node, decoder: &mut Decoder<'_>) -> Option<Patch> {
    read_patch_with(field, node, &[], decoder)
}

/// The same, where fields more are known.
pub(crate) fn read_patch_with(
    field: String,
    node: &Node,
    more: &[&'static str],
    decoder: &mut Decoder<'_>,
) -> Option<Patch> {
    let is_new = decoder.dialect == Dialect::V5;
    let mut known = if is_new { vec!["path", "patch", "target", "options"] } else { vec!["path", "patch", "target"] };
    known.extend(more);
    let fields = decoder.fields(&field, node, &known)?;
    let options = fields.get("options").and_then(|(field, node)| decoder.loose_fields(&field, node));
    let option = |name: &str, decoder: &mut Decoder<'_>| {
        let set = options.as_ref().and_then(|options| options.get(name));
        set.and_then(|(field, node)| decoder.bool(&field, node)).unwrap_or_default()
    };
    let allow_name_change = option("allowNameChange", decoder);
    let allow_kind_change = option("allowKindChange", decoder);
    let (path, patch) = (named(&fields, "path", decoder), named(&fields, "patch", decoder));
    match (&path, &patch) {
        (None, None) => decoder.refuse(&field, node, "one of `path` and `patch` is needed"),
        (Some(_), Some(_)) => decoder.refuse(&field, node, "`path` and `patch` cannot both be given"),
        _ => {}
    }
    let target = match fields.get("target") {
        None => None,
        Some((field, node)) => {
            let fields = decoder.fields(&field, node, &SELECTOR)?;
            Some(read_selector(&fields, decoder))
        }
    };
    Some(Patch { field, at: node.at, path, patch, target, allow_name_change, allow_kind_change })
}

pub(crate) const SELECTOR: [&str; 7] =
    ["group", "version", "kind", "namespace", "name", "labelSelector", "annotationSelector"];

pub(crate) fn read_selector(fields: &Fields<'_>, decoder: &mut Decoder<'_>) -> Selector {
    Selector {
        gvk: read_gvk(fields, decoder),
        namespace: text(fields, "namespace", decoder),
        name: text(fields, "name", decoder),
        labels: text(fields, "labelSelector", decoder),
        annotations: text(fields, "annotationSelector", decoder),
    }
}

pub(super) fn read_options(field: &str, node: &Node, decoder: &mut Decoder<'_>) -> GeneratorOptions {
    let mut known = vec!["labels", "annotations", "disableNameSuffixHash"];
    if decoder.dialect == Dialect::V5 {
        known.push("immutable");
    }
    let Some(fields) = decoder.fields(field, node, &known) else { return GeneratorOptions::default() };
    GeneratorOptions {
        labels: texts(&fields, "labels", decoder),
        annotations: texts(&fields, "annotations", decoder),
        disable_name_suffix_hash: flag(&fields, "disableNameSuffixHash", decoder),
        immutable: flag(&fields, "immutable", decoder),
    }
}

pub(crate) fn flag(fields: &Fields<'_>, name: &str, decoder: &mut Decoder<'_>) -> bool {
    fields.get(name).and_then(|(field, node)| decoder.bool(&field, node)).unwrap_or_default()
}

pub(crate) fn read_image(field: String, node: &Node, decoder: &mut Decoder<'_>) -> Option<Image> {
    let mut known = vec!["name", "newName", "newTag", "digest"];
    if decoder.dialect == Dialect::V5 {
        known.push("tagSuffix");
    }
    let fields = decoder.fields(&field, node, &known)?;
    Some(Image {
        tag_suffix: text(&fields, "tagSuffix", decoder),
        name: text(&fields, "name", decoder),
        new_name: text(&fields, "newName", decoder),
        new_tag: text(&fields, "newTag", decoder),
        digest: text(&fields, "digest", decoder),
        field,
    })
}

pub(crate) fn read_replica(field: String, node: &Node, decoder: &mut Decoder<'_>) -> Option<Replica> {
    let fields = decoder.fields(&field, node, &["name", "count"])?;
    let count = fields.get("count").and_then(|(field, node)| decoder.int(&field, node)).unwrap_or_default();
    Some(Replica { name: text(&fields, "name", decoder), at: node.at, count, field })
}

pub(super) fn read_variable(field: String, node: &Node, decoder: &mut Decoder<'_>) -> Option<Variable> {
    let fields = decoder.fields(&field, node, &["name", "objref", "fieldref"])?;
    let mut object = Id::default();
    if let Some((field, node)) = fields.get("objref") {
        let known = ["apiVersion", "group", "version", "kind", "name", "namespace"];
        let fields = decoder.fields(&field, node, &known)?;
        object = Id {
            gvk: read_gvk(&fields, decoder),
            namespace: text(&fields, "namespace", decoder),
            name: text(&fields, "name", decoder),
        };
        let api_version = text(&fields, "apiVersion", decoder);
        match api_version.split('/').collect::<Vec<_>>().as_slice() {
            [""] => {}
            [version] => object.gvk.version = (*version).to_owned(),
            [group, version] => {
                object.gvk.group = (*group).to_owned();
                object.gvk.version = (*version).to_owned();
            }
            _ => {}
        }
    }
    let mut path = String::new();
    if let Some((field, node)) = fields.get("fieldref") {
        path = text(&decoder.fields(&field, node, &["fieldPath"])?, "fieldPath", decoder);
    }
    if path.is_empty() {
        path = "metadata.name".to_owned();
    }
    Some(Variable { place: decoder.place(node), name: text(&fields, "name", decoder), object, path, field })
}
