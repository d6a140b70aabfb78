//! The scale of an object: a small object of its own, whose owner owns the replicas of the large one.

use serde_json::{Value, json};

use super::body::{json_document, yaml_document};
use super::call::Call;
use super::patch::{self, Kind};
use super::read::scale_of;
use super::text;
use super::write::{live, store_update};
use crate::kube::apply::{Conversion, Element, Managed, Owned, Set, Shape, Writer, apply, update as own};
use crate::kube::cluster::Cluster;
use crate::kube::kinds::convert;
use crate::kube::rules::metadata;
use crate::kube::schema::{Decoder, builtin};
use crate::kube::status::{FieldError, Outcome, Refusal};
use crate::kube::time;
use crate::wire::Response;

const VERSION: &str = "autoscaling/v1";

/// The only version of scales.
struct Scales;

impl Conversion for Scales {
    fn shape(&self, version: &str) -> Option<Shape<'_>> {
        let schema = builtin();
        let at = schema.named("autoscaling.v1.Scale")?;
        (version == VERSION).then_some(Shape { schema, at })
    }

    fn convert(&self, object: &Value, version: &str) -> Option<Value> {
        (version == VERSION).then(|| object.clone())
    }

    fn reset(&self, _: &str) -> Set {
        Set::default()
    }
}

/// `.spec.replicas` as a path.
fn path(call: &Call<'_>) -> Vec<Element> {
    let text = call.version().scale.as_ref().map(|scale| scale.spec.clone()).unwrap_or_default();
    text.split('.').filter(|part| !part.is_empty()).map(|part| Element::Field(part.to_owned())).collect()
}

fn replicas() -> Vec<Element> {
    vec![Element::Field("spec".into()), Element::Field("replicas".into())]
}

fn only(path: &[Element]) -> Set {
    let mut set = Set::default();
    set.insert(path);
    set
}

/// Those who own the replicas, as owners of the scale's.
fn to_scale(call: &Call<'_>, parent: &Managed) -> Managed {
    let path = path(call);
    let mut out = Managed::default();
    for (manager, owned) in parent.entries.iter().filter(|(_, owned)| owned.set.has_path(&path)) {
        let owned = Owned { set: only(&replicas()), version: VERSION.into(), time: owned.time.clone() };
        out.entries.insert(manager.clone(), owned);
    }
    out
}

/// The owners of the scale's replicas, back among the owners of the object.
fn to_parent(call: &Call<'_>, parent: &Managed, mut scale: Managed) -> Managed {
    let path = path(call);
    let mut out = Managed::default();
    for (manager, owned) in &parent.entries {
        let mut owned = owned.clone();
        if owned.set.has_path(&path) && scale.entries.remove(manager).is_none() {
            owned.set = owned.set.difference(&only(&path));
        }
        if !owned.set.is_empty() {
            out.entries.insert(manager.clone(), owned);
        }
    }
    for (manager, owned) in scale.entries {
        if owned.set.has_path(&replicas()) {
            let time = parent.entries.get(&manager).and_then(|before| before.time.clone());
            out.entries.insert(manager, Owned { set: only(&path), version: call.api_version(), time });
        }
    }
    out
}

/// `PUT` or `PATCH` of the scale of an object.
pub(crate) fn change(cluster: &mut Cluster, call: &Call<'_>) -> Outcome<Response> {
    let live = live(cluster, call)?;
    let parent = Managed::parse(live.pointer("/metadata/managedFields")).unwrap_or_default();
    let current = scale_of(call, &live);
    let (new, managed) = wanted(call, &current, &to_scale(call, &parent))?;
    let wanted = new.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(0);
    if wanted < 0 {
        let error = FieldError::invalid("spec.replicas", wanted, "must be greater than or equal to 0");
        return Err(Refusal::invalid_as("Scale.autoscaling", "autoscaling", "Scale", &call.path.name, &[error]));
    }
    let mut object = convert(&call.resource, &live, &call.path.version);
    let spec = call.version().scale.as_ref().map(|scale| scale.spec.clone()).unwrap_or_default();
    set_path(&mut object, &spec, json!(wanted));
    let version = text(&new, "/metadata/resourceVersion");
    if !version.is_empty() {
        metadata::set(&mut object, "resourceVersion", Some(json!(version)));
    }
    let stored = store_update(cluster, call, &live, object, &to_parent(call, &parent, managed))?;
    Ok(Response::json(200, &scale_of(call, &stored)))
}

/// The scale as it is asked for, and who owns it then.
fn wanted(call: &Call<'_>, current: &Value, before: &Managed) -> Outcome<(Value, Managed)> {
    let (name, now) = (call.manager(), time::rfc3339(call.now));
    let writer = Writer { name: &name, version: VERSION, subresource: "scale", time: &now };
    let given = if call.verb == "update" {
        json_document(&call.request.body).map_err(Refusal::bad)?.value
    } else {
        match patch::kind(call)? {
            Kind::Apply => {
                let patch = yaml_document(&call.request.body);
                let patch = patch.map_err(|error| Refusal::bad(format!("error decoding YAML: {error}")))?.value;
                let force = matches!(call.parameter("force"), Some("true" | "1"));
                let (object, managed) = apply(&Scales, (current, &patch), before, &writer, force)
                    .map_err(|error| Refusal::apply(&error))?;
                return Ok((object.unwrap_or_else(|| current.clone()), managed));
            }
            Kind::Json => patch::json_patch(current, &json_document(&call.request.body).map_err(Refusal::bad)?.value)?,
            Kind::Merge | Kind::Strategic => {
                let mut out = current.clone();
                patch::merge_patch(&mut out, &json_document(&call.request.body).map_err(Refusal::bad)?.value);
                out
            }
        }
    };
    let schema = builtin();
    let at = schema.named("autoscaling.v1.Scale").unwrap_or_default();
    let decoded = Decoder { schema, null_times: false, binary: false }.decode(at, &given).map_err(Refusal::bad)?;
    let managed = own(&Scales, (current, &decoded.value), before, &writer);
    Ok((decoded.value, managed))
}

/// Sets `.spec.replicas`-like paths.
fn set_path(object: &mut Value, path: &str, value: Value) {
    let mut at = object;
    let parts: Vec<&str> = path.split('.').filter(|part| !part.is_empty()).collect();
    let Some((last, parents)) = parts.split_last() else { return };
    for part in parents {
        let Some(map) = at.as_object_mut() else { return };
        at = map.entry((*part).to_owned()).or_insert_with(|| json!({}));
    }
    if let Some(map) = at.as_object_mut() {
        map.insert((*last).to_owned(), value);
    }
}
