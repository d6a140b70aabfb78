//! A world of one object, with `managedFields` as the server would keep them.

use kfplan_model::{Conflict, Path};
use kfplan_plan::{
    Comparison, Desired, Drift, Live, Locator, ObjectLocator, Ownership, Protection, RECORD_FORMAT, Record,
    RecordState, Recorded, Rules, RunId, Shown, StackKey, Witness,
};
use serde_json::{Value as Json, json};

use crate::fields::FieldSet;
use crate::structure::{Structure, lookup};
use crate::{ObjectRules, applied, marks, yaml};

pub(crate) fn key() -> StackKey {
    StackKey::from_bytes([7; 32])
}

pub(crate) fn ownership() -> Ownership {
    Ownership {
        stack: "kubeflow-test".to_owned(),
        environment: "default".to_owned(),
        lineage: "l1".to_owned(),
        manager: "kfplan:kubeflow-test".to_owned(),
    }
}

pub(crate) fn path(text: &str) -> Path {
    text.parse().expect("a path")
}

pub(crate) fn object(text: &str) -> Json {
    let mut documents = yaml::parse_documents(text, yaml::Dialect::Kustomize3).expect("YAML");
    documents.pop().expect("a document")
}

pub(crate) fn locator(body: &Json) -> ObjectLocator {
    let scopes = crate::identity::Scopes::default();
    let cluster = "kubernetes_cluster.main".parse().expect("an address");
    crate::identity::place(body, &cluster, &scopes, "default").expect("a place").locator
}

pub(crate) struct World {
    pub(crate) desired: Desired,
    pub(crate) recorded: Recorded,
    pub(crate) live: Live,
    pub(crate) ignore: Vec<Path>,
    pub(crate) conflicts: Vec<Conflict>,
    clock: u32,
}

impl World {
    /// An object as it is after it was applied; `server` is what the server makes of it.
    pub(crate) fn applied(text: &str, server: impl FnOnce(&mut Json)) -> Self {
        let mut body = object(text);
        let desired = desired(&mut body);
        let mut live = body.clone();
        server(&mut live);
        let owned = owned_by(&body);
        live["metadata"]["uid"] = json!("u-1");
        live["metadata"]["managedFields"] = json!([{
            "manager": ownership().manager, "operation": "Apply", "apiVersion": body["apiVersion"],
            "time": "2026-11-24T10:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": owned.to_fields_v1(),
        }]);
        let live = Live { body: live, uid: Some("u-1".to_owned()), version: Some("1".to_owned()) };
        let recorded = recorded(&desired, &live);
        Self { desired, recorded, live, ignore: Vec::new(), conflicts: Vec::new(), clock: 0 }
    }

    /// What the stack wants from now on.
    pub(crate) fn wants(mut self, edit: impl FnOnce(&mut Json)) -> Self {
        edit(&mut self.desired.body);
        self
    }

    /// Another manager updates a field, as `kubectl edit` would: the field is then its own.
    pub(crate) fn updated(mut self, manager: &str, at: &str, value: Json) -> Self {
        set(&mut self.live.body, &path(at), value);
        self.gives(manager, "Update", "", at);
        self
    }

    /// A field goes away.
    pub(crate) fn removed(mut self, at: &str) -> Self {
        assert!(path(at).remove(&mut self.live.body).is_some(), "there is no {at}");
        self.disowns(at);
        self
    }

    /// The field becomes another manager's.
    pub(crate) fn gives(&mut self, manager: &str, operation: &str, subresource: &str, at: &str) {
        self.disowns(at);
        self.adds(manager, operation, subresource, at);
    }

    /// The field becomes another manager's too.
    pub(crate) fn shares(mut self, manager: &str, at: &str) -> Self {
        self.adds(manager, "Apply", "", at);
        self
    }

    fn adds(&mut self, manager: &str, operation: &str, subresource: &str, at: &str) {
        self.clock += 1;
        let entry = json!({
            "manager": manager, "operation": operation, "apiVersion": self.live.body["apiVersion"], "subresource": subresource,
            "time": format!("2026-11-24T11:00:{:02}Z", self.clock), "fieldsType": "FieldsV1",
            "fieldsV1": FieldSet::of([&path(at)]).to_fields_v1(),
        });
        let entries = self.live.body["metadata"]["managedFields"].as_array_mut().expect("entries");
        entries.push(entry);
    }

    fn disowns(&mut self, at: &str) {
        let gone = path(at);
        let entries = self.live.body["metadata"]["managedFields"].as_array_mut().expect("entries");
        let ours = entries.first_mut().expect("our entry");
        let set = FieldSet::from_fields_v1(&ours["fieldsV1"]);
        let kept: Vec<Path> = set.paths().into_iter().filter(|path| !path.starts_with(&gone)).collect();
        ours["fieldsV1"] = FieldSet::of(&kept).to_fields_v1();
    }

    pub(crate) fn comparison(&self) -> Comparison {
        self.compared_with(Some(&self.recorded))
    }

    /// The comparison of who has no record of it.
    pub(crate) fn without_record(&self) -> Comparison {
        self.compared_with(None)
    }

    fn compared_with(&self, recorded: Option<&Recorded>) -> Comparison {
        let Self { desired, live, ignore, conflicts, .. } = self;
        ObjectRules.compare(desired, recorded, live, &ownership(), ignore, conflicts, &key())
    }

    pub(crate) fn drift(&self) -> Vec<Drift> {
        ObjectRules.drift(&self.recorded, &self.live, &ownership(), &key())
    }

    /// What was found, a line each.
    pub(crate) fn found(&self) -> String {
        lines(&self.comparison(), &self.drift())
    }
}

/// The body as it is sent, marked.
pub(crate) fn desired(body: &mut Json) -> Desired {
    let address =
        kfplan_model::Address::object("kubeflow.main".parse().expect("an address"), locator(body).object_id());
    let secret = body["kind"] == "Secret";
    let sensitive = if secret { vec![path("/data"), path("/stringData")] } else { Vec::new() };
    let mut desired = Desired { body: body.clone(), holes: Vec::new(), sensitive };
    ObjectRules.mark(&mut desired, &address, &ownership());
    *body = desired.body.clone();
    desired
}

fn owned_by(body: &Json) -> FieldSet {
    let leaves = Structure::new(body, FieldSet::default()).leaves(body);
    FieldSet::of(leaves.iter().map(|(path, _)| path))
}

pub(crate) fn recorded(desired: &Desired, live: &Live) -> Recorded {
    let manager = marks::manager_for(&desired.body, &ownership());
    let (differences, owned) = applied(&desired.body, &live.body, &manager);
    let locator = locator(&desired.body);
    let record = Record {
        format: RECORD_FORMAT,
        address: kfplan_model::Address::object("kubeflow.main".parse().expect("an address"), locator.object_id()),
        locator: Locator::Object(locator),
        cluster: None,
        state: RecordState::Settled,
        uid: live.uid.clone(),
        version: live.version.clone(),
        after: Vec::new(),
        container: None,
        application: None,
        protection: Protection::None,
        outputs: std::collections::BTreeMap::new(),
        sent: None,
        differences,
        owned,
        adopted: false,
        run: RunId("r".to_owned()),
        sequence: 1,
    };
    Recorded { record, sent: Some(key().seal(desired.body.clone(), &desired.sensitive)) }
}

fn set(body: &mut Json, path: &Path, value: Json) {
    if let Some(place) = path.get_mut(body) {
        *place = value;
        return;
    }
    let mut outer = path.clone();
    let last = outer.pop().expect("not the root");
    match (outer.get_mut(body), last) {
        (Some(Json::Object(map)), kfplan_model::Segment::Key(key)) => {
            map.insert(key.to_string(), value);
        }
        (Some(Json::Array(list)), _) => list.push(value),
        _ => panic!("nothing to put {path} into"),
    }
    assert!(lookup(path, body).is_some());
}

fn one(shown: &Shown) -> String {
    match shown {
        Shown::Absent => "-".to_owned(),
        Shown::Value(value) => value.to_string(),
        Shown::Secret(tag) => format!("secret {tag}"),
        Shown::Late(late) => format!("late {}", late.template),
        Shown::Unknown => "?".to_owned(),
    }
}

fn who(witness: &Witness) -> String {
    let time = witness.time.as_deref().unwrap_or("?");
    format!("{} {} {time}", witness.manager, witness.operation)
}

pub(crate) fn lines(comparison: &Comparison, drift: &[Drift]) -> String {
    let mut lines = Vec::new();
    for it in &comparison.changes {
        let replaces = it.replaces.as_ref().map(|why| format!(" replaces: {why}")).unwrap_or_default();
        lines.push(format!("change {} {} -> {}{replaces}", it.path, one(&it.old), one(&it.new)));
    }
    for it in drift {
        let by = it.witness.as_ref().map_or_else(|| "not recorded".to_owned(), who);
        lines.push(format!("drift {} {} -> {} by {by}", it.path, one(&it.old), one(&it.new)));
    }
    lines.extend(comparison.conflicts.iter().map(|it| format!("conflict {} {}", it.path, who(&it.witness))));
    lines.extend(comparison.force.iter().map(|it| format!("take {it}")));
    lines.extend(comparison.yielded.iter().map(|it| format!("yield {it}")));
    lines.extend(comparison.notes.iter().map(|it| format!("note {}: {}", it.code, it.message)));
    lines.join("\n")
}
