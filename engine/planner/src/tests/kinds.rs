//! Resource types for tests: a group, a cluster, a thing in a group, and objects in a cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

use kfplan_model::{Address, Late, ObjectId, Path, Position, Resource, Value};
use kfplan_plan::{
    ArmLocator, Desired, Draft, EdgeKind, Expansion, Field, Hole, Kind, Kinds, Locator, ObjectLocator, OutputField,
    Problem, Protection, RenderRequest, Scene, Schema, Shape,
};
use serde_json::{Value as Json, json};

use super::rules::TestRules;

/// All of them.
pub(super) fn kinds() -> Kinds {
    let rules = Arc::new(TestRules);
    let arm = |name| -> Arc<dyn Kind> { Arc::new(ArmKind { schema: schema(name) }) };
    Kinds {
        kinds: [
            ("group", arm("group")),
            ("aks_cluster", arm("aks_cluster")),
            ("thing", arm("thing")),
            ("objects", Arc::new(Objects { schema: Schema { objects: true, ..schema("objects") } }) as Arc<dyn Kind>),
        ]
        .into(),
        arm: rules.clone(),
        objects: rules,
    }
}

fn schema(type_name: &'static str) -> Schema {
    let output = |name, sensitive| OutputField { name, summary: "", sensitive };
    Schema {
        type_name,
        summary: "",
        fields: vec![
            Field::optional("name", Shape::String, "").deciding(),
            Field::optional("items", Shape::List(Box::new(Shape::String)), "").deciding(),
            Field::optional("value", Shape::Any, ""),
        ],
        outputs: vec![output("address", false), output("token", true)],
        existing: true,
        objects: false,
        azure: true,
    }
}

/// The JSON of a value, with its holes and secrets.
fn body_of(value: &Value, at: &Path, desired: &mut Desired) -> Json {
    match value {
        Value::Sensitive(inner) => {
            desired.sensitive.push(at.clone());
            body_of(inner, at, desired)
        }
        Value::Late(late) => {
            desired.holes.push(Hole { path: at.clone(), late: Late::clone(late) });
            Json::Null
        }
        Value::List(list) => {
            list.iter().enumerate().map(|(place, value)| body_of(value, &at.key(&place.to_string()), desired)).collect()
        }
        Value::Map(map) => {
            map.iter().map(|(key, value)| (key.clone(), body_of(value, &at.key(key), desired))).collect()
        }
        Value::Handle(address) => Json::from(address.to_string()),
        Value::Null => Json::Null,
        Value::Bool(value) => Json::from(*value),
        Value::Int(value) => Json::from(*value),
        Value::Float(value) => Json::from(*value),
        Value::String(text) => Json::from(&**text),
    }
}

struct ArmKind {
    schema: Schema,
}

impl Kind for ArmKind {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn expand(&self, resource: &Resource, scene: &Scene<'_>) -> Result<Expansion, Vec<Problem>> {
        if resource.fields.get("wrong").is_some() {
            return Err(vec![Problem {
                resource: resource.address.clone(),
                field: Some(Path::keys(["wrong"])),
                at: Position::default(),
                code: "test::wrong".to_owned(),
                message: "the field `wrong` is wrong".to_owned(),
                help: "take it away".to_owned(),
            }]);
        }
        let name = resource.fields.get("name").and_then(Value::as_str).unwrap_or(resource.address.name());
        let of = resource.fields.get("group").or_else(|| resource.fields.get("cluster")).and_then(Value::as_handle);
        let parent = of.and_then(|of| scene.places.get(of));
        let id = match (self.schema.type_name, parent) {
            ("group", _) => format!("/subscriptions/s/resourceGroups/{name}"),
            (type_name, Some(Locator::Arm(parent))) => format!("{}/providers/Test/{type_name}s/{name}", parent.id),
            (type_name, _) => format!("/subscriptions/s/resourceGroups/none/providers/Test/{type_name}s/{name}"),
        };
        let mut desired = Desired::default();
        let stated = resource.fields.as_map().expect("fields");
        let body: serde_json::Map<String, Json> = stated
            .iter()
            .filter(|(key, _)| !matches!(key.as_str(), "name" | "group" | "cluster"))
            .map(|(key, value)| (key.clone(), body_of(value, &Path::keys([key.as_str()]), &mut desired)))
            .collect();
        desired.body = Json::Object(body);
        let protection = match self.schema.type_name {
            "group" | "aks_cluster" => Protection::Container,
            _ => Protection::None,
        };
        let draft = Draft {
            address: resource.address.clone().into(),
            locator: Locator::Arm(ArmLocator { id, api_version: "1".to_owned() }),
            desired: (!resource.existing).then_some(desired),
            application: None,
            after: Vec::new(),
            container: of.cloned().map(Address::from),
            exclusive: None,
            protection,
            expected: 1000,
            timeouts: (60, 60, 60),
            gate: true,
        };
        Ok(Expansion::Nodes { drafts: vec![draft], notes: Vec::new(), inputs: Vec::new() })
    }

    fn outputs(&self, resource: &Resource, seen: &BTreeMap<&Address, &Json>) -> BTreeMap<String, Json> {
        let live = seen.get(&Address::from(resource.address.clone()));
        let known = ["address", "token"].into_iter().filter_map(|name| {
            let value = live?.get("status")?.get(name)?;
            Some((name.to_owned(), value.clone()))
        });
        known.collect()
    }
}

struct Objects {
    schema: Schema,
}

impl Kind for Objects {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn expand(&self, resource: &Resource, scene: &Scene<'_>) -> Result<Expansion, Vec<Problem>> {
        if resource.fields.get("render").is_some() && scene.rendered.is_none() {
            return Ok(Expansion::Render(Box::new(RenderRequest {
                resource: resource.address.clone(),
                fields: resource.fields.clone(),
                facts: scene.cluster.clone(),
            })));
        }
        let items = resource.fields.get("items").map(Value::as_list).unwrap_or_default();
        let drafts = items.iter().filter_map(Value::as_str).map(|item| object(resource, item)).collect();
        let notes = scene.rendered.map(|rendered| rendered.notes.clone()).unwrap_or_default();
        Ok(Expansion::Nodes { drafts, notes, inputs: Vec::new() })
    }

    fn outputs(&self, _: &Resource, seen: &BTreeMap<&Address, &Json>) -> BTreeMap<String, Json> {
        let found = seen.values().find_map(|body| body.pointer("/status/address").cloned());
        found.map(|address| ("address".to_owned(), address)).into_iter().collect()
    }
}

/// `NAMESPACE/KIND.GROUP/NAME field=value …`; a field `application` is the application, `after` an object that it comes after.
fn object(resource: &Resource, item: &str) -> Draft {
    let mut words = item.split(' ');
    let address: Address =
        format!("{}/{}", resource.address, words.next().expect("an object")).parse().expect("an address");
    let id: ObjectId = address.object_id().expect("an object").clone();
    let mut desired = Desired::default();
    let mut spec = serde_json::Map::new();
    let (mut application, mut after) = (None, Vec::new());
    for (key, value) in words.filter_map(|word| word.split_once('=')) {
        match key {
            "defines" => {
                let (kind, group) = value.split_once('.').expect("a kind and its group");
                spec.insert("group".to_owned(), Json::from(group));
                spec.insert("names".to_owned(), json!({ "kind": kind }));
            }
            "application" => application = Some(value.to_owned()),
            "after" => {
                after.push((format!("{}/{value}", resource.address).parse().expect("an address"), EdgeKind::AfterReady))
            }
            _ => drop(spec.insert(key.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| Json::from(value)))),
        }
    }
    if let Some(value) = resource.fields.get("value") {
        spec.insert("value".to_owned(), body_of(value, &Path::keys(["spec", "value"]), &mut desired));
    }
    let cluster =
        resource.fields.get("cluster").and_then(Value::as_handle).cloned().unwrap_or_else(|| resource.address.clone());
    desired.body = json!({ "kind": &*id.kind, "metadata": { "name": &*id.name }, "spec": spec });
    let namespace = id
        .namespace
        .as_ref()
        .map(|namespace| format!("{}/-/Namespace/{namespace}", resource.address).parse().expect("an address"));
    Draft {
        locator: Locator::Object(ObjectLocator {
            cluster,
            group: id.group.to_string(),
            version: "v1".to_owned(),
            kind: id.kind.to_string(),
            namespace: id.namespace.as_ref().map(|namespace| namespace.to_string()),
            name: id.name.to_string(),
        }),
        gate: &*id.kind == "Deployment",
        address,
        desired: Some(desired),
        application,
        after,
        container: namespace,
        exclusive: None,
        protection: Protection::None,
        expected: 10,
        timeouts: (30, 30, 30),
    }
}
