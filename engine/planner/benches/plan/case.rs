//! The worlds that plans are measured in: every node has two edges, and nothing changes but the first, if told.

use std::collections::BTreeMap;
use std::sync::Arc;

use kfplan_model::{
    Address, Conflict, Lifecycle, Path, Position, Resource, ResourceAddress, Scope, Stack, Timeouts, Value,
};
use kfplan_plan::{
    ArmLocator, ClusterFacts, Comparison, Desired, Digest, Discovery, Draft, Drift, DryRunAnswer, EdgeKind, Expansion,
    FieldChange, Gate, GateState, Kind, Kinds, Live, Locator, Mode, Note, ObjectView, Observation, Ordering, Ownership,
    Problem, Protection, RECORD_FORMAT, Record, RecordState, Recorded, Rules, RunId, Scene, Schema, Shown, StackKey,
};
use kfplan_planner::{Answer, Answers, Input, Options, StateIdentity, plan};
use serde_json::{Value as Json, json};

const SIZE: &str = "Standard_D4s_v3";

/// One node for each resource, or as many as its field `count` says.
struct Many(Schema);

/// The body of every node: small, so that the planner is measured and not the comparing of bodies, which is the
/// business of each family's rules.
fn body(number: usize, size: &str) -> Json {
    json!({ "number": number, "size": size })
}

fn locator(number: usize) -> Locator {
    let id = format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Test/nodes/node{number:06}");
    Locator::Arm(ArmLocator { id, api_version: "2026-08-01".to_owned() })
}

fn draft(address: Address, number: usize, size: &str, after: Vec<(Address, EdgeKind)>) -> Draft {
    let body = body(number, size);
    Draft {
        address,
        locator: locator(number),
        desired: Some(Desired { body, ..Desired::default() }),
        application: None,
        after,
        container: None,
        exclusive: None,
        protection: Protection::None,
        expected: 1,
        timeouts: (1, 1, 1),
        gate: true,
    }
}

/// The address of one of many nodes of one resource.
fn part(resource: &ResourceAddress, number: usize) -> Address {
    let object = kfplan_model::ObjectId {
        namespace: Some("default".into()),
        kind: "Node".into(),
        group: "test".into(),
        name: format!("node{number:06}").into(),
    };
    Address::object(resource.clone(), object)
}

impl Kind for Many {
    fn schema(&self) -> &Schema {
        &self.0
    }

    fn expand(&self, resource: &Resource, _: &Scene<'_>) -> Result<Expansion, Vec<Problem>> {
        let number =
            |name| resource.fields.get(name).and_then(Value::as_int).and_then(|number| usize::try_from(number).ok());
        let size = resource.fields.get("size").and_then(Value::as_str).unwrap_or(SIZE);
        let drafts = match number("count") {
            None => vec![draft(resource.address.clone().into(), number("number").unwrap_or(0), size, Vec::new())],
            Some(count) => (0..count)
                .map(|number| {
                    let after = earlier(number)
                        .into_iter()
                        .map(|before| (part(&resource.address, before), EdgeKind::AfterApplied));
                    let size = if number == 0 { size } else { SIZE };
                    draft(part(&resource.address, number), number, size, after.collect())
                })
                .collect(),
        };
        Ok(Expansion::Nodes { drafts, notes: Vec::new(), inputs: Vec::new() })
    }

    fn outputs(&self, _: &Resource, _: &BTreeMap<&Address, &Json>) -> BTreeMap<String, Json> {
        BTreeMap::new()
    }
}

/// The two nodes that a node comes after.
fn earlier(number: usize) -> Vec<usize> {
    let mut earlier: Vec<usize> =
        [number / 2, number.saturating_sub(1)].into_iter().filter(|before| *before < number).collect();
    earlier.dedup();
    earlier
}

/// Bodies are equal or not.
struct Equal;

impl Rules for Equal {
    fn mark(&self, _: &mut Desired, _: &Address, _: &Ownership) {}

    fn is_ours(&self, _: &Live, _: &Ownership) -> bool {
        true
    }

    fn is_going(&self, _: &Live) -> bool {
        false
    }

    fn compare(
        &self,
        desired: &Desired,
        recorded: Option<&Recorded>,
        live: &Live,
        _: &Ownership,
        _: &[Path],
        _: &[Conflict],
        _: &StackKey,
    ) -> Comparison {
        let sent = recorded.and_then(|recorded| recorded.sent.as_ref());
        let is_equal = sent.is_some_and(|sent| *sent.body() == desired.body) && live.body == desired.body;
        let change = || FieldChange { path: Path::root(), old: Shown::Unknown, new: Shown::Unknown, replaces: None };
        Comparison { changes: if is_equal { Vec::new() } else { vec![change()] }, ..Comparison::default() }
    }

    fn preview(&self, _: &Live, _: &DryRunAnswer, _: &Desired, _: &StackKey) -> Vec<FieldChange> {
        Vec::new()
    }

    fn creation(&self, _: &Desired, _: &StackKey) -> Vec<FieldChange> {
        Vec::new()
    }

    fn drift(&self, _: &Recorded, _: &Live, _: &Ownership, _: &StackKey) -> Vec<Drift> {
        Vec::new()
    }

    fn order(&self, _: &[ObjectView<'_>], _: &ClusterFacts) -> Ordering {
        Ordering::default()
    }

    fn check(&self, _: &Desired, _: &Locator, _: &[ObjectView<'_>]) -> Vec<Note> {
        Vec::new()
    }

    fn preflight(&self, _: &[ObjectView<'_>], _: &ClusterFacts, _: Option<&Discovery>) -> Vec<Note> {
        Vec::new()
    }

    fn protection(&self, _: &Json, _: &Locator, _: bool) -> (Protection, Option<String>) {
        (Protection::None, None)
    }

    fn gate(&self, _: &Gate, _: &[Json]) -> GateState {
        GateState::Open
    }
}

/// Everything that one plan is made from.
pub(crate) struct Case {
    stack: Stack,
    records: BTreeMap<Address, Recorded>,
    answers: Answers,
    kinds: Kinds,
    state: StateIdentity,
    key: StackKey,
    ownership: Ownership,
    options: Options,
}

fn resource(address: ResourceAddress, fields: BTreeMap<String, Value>) -> Resource {
    Resource {
        address,
        fields: Value::Map(fields),
        existing: false,
        depends_on: [].into(),
        each: None,
        lifecycle: Lifecycle::default(),
        timeouts: Timeouts::default(),
        conflicts: Vec::new(),
        readiness: Vec::new(),
        at: Position::default(),
        positions: BTreeMap::new(),
    }
}

fn address(name: &str) -> ResourceAddress {
    ResourceAddress::new("node", name).expect("a name")
}

impl Case {
    /// `count` resources of one node each.
    pub(crate) fn resources(count: usize, changes: bool) -> Self {
        let of = |number: usize| address(&format!("node{number:06}"));
        let mut resources = BTreeMap::new();
        for number in 0..count {
            let mut fields: BTreeMap<String, Value> = [("number".to_owned(), Value::Int(number as i64))].into();
            if changes && number == 0 {
                fields.insert("size".to_owned(), Value::from("other"));
            }
            let mut resource = resource(of(number), fields);
            resource.depends_on = earlier(number).into_iter().map(of).collect();
            resources.insert(of(number), resource);
        }
        Self::new(resources, (0..count).map(|number| Address::from(of(number))).collect())
    }

    /// One resource of `count` objects.
    pub(crate) fn objects(count: usize, changes: bool) -> Self {
        let mut fields: BTreeMap<String, Value> = [("count".to_owned(), Value::Int(count as i64))].into();
        if changes {
            fields.insert("size".to_owned(), Value::from("other"));
        }
        let main = address("main");
        let addresses = (0..count).map(|number| part(&main, number)).collect();
        Self::new([(main.clone(), resource(main, fields))].into(), addresses)
    }

    fn new(resources: BTreeMap<ResourceAddress, Resource>, addresses: Vec<Address>) -> Self {
        let mut answers = Answers::default();
        let mut records = BTreeMap::new();
        for (number, address) in addresses.into_iter().enumerate() {
            let uid = Some(format!("uid{number}"));
            let live = Live { body: body(number, SIZE), uid: uid.clone(), version: Some("1".to_owned()) };
            answers.observations.insert(locator(number), Observation::Present(Box::new(live)));
            let sent = StackKey::from_bytes([1; 32]).seal(body(number, SIZE), &[]);
            let record = record(address.clone(), number, uid, &sent);
            records.insert(address, Recorded { record, sent: Some(sent) });
        }
        let schema = Schema {
            type_name: "node",
            summary: "",
            fields: Vec::new(),
            outputs: Vec::new(),
            existing: false,
            objects: false,
            azure: true,
        };
        let rules = Arc::new(Equal);
        let many: Arc<dyn Kind> = Arc::new(Many(schema));
        Self {
            stack: Stack {
                name: "bench".to_owned(),
                environment: "default".to_owned(),
                azure: None,
                repos: BTreeMap::new(),
                resources,
                moved: Vec::new(),
                removed: Vec::new(),
                outputs: Vec::new(),
                scope: Scope::default(),
                warnings: Vec::new(),
            },
            records,
            answers,
            kinds: Kinds { kinds: [("node", many)].into(), arm: rules.clone(), objects: rules },
            state: StateIdentity::default(),
            key: StackKey::from_bytes([1; 32]),
            ownership: Ownership {
                stack: "bench".to_owned(),
                environment: "default".to_owned(),
                lineage: "l".to_owned(),
                manager: "kfplan:bench".to_owned(),
            },
            options: Options::default(),
        }
    }

    pub(crate) fn plan(&self) -> Answer {
        let input = Input {
            stack: Some(&self.stack),
            mode: Mode::Apply,
            records: &self.records,
            kinds: &self.kinds,
            state: &self.state,
            key: &self.key,
            ownership: &self.ownership,
            answers: &self.answers,
            options: &self.options,
            inputs: &[],
            subscription: None,
            tenant: None,
            kfplan: "bench",
            sandbox: false,
            extra_notes: &[],
        };
        plan(&input).expect("a plan")
    }
}

fn record(address: Address, number: usize, uid: Option<String>, sent: &kfplan_plan::Sealed) -> Record {
    Record {
        format: RECORD_FORMAT,
        after: earlier(number)
            .into_iter()
            .map(|before| (part(address.resource(), before), EdgeKind::AfterApplied))
            .collect(),
        address,
        locator: locator(number),
        cluster: None,
        state: RecordState::Settled,
        uid,
        version: Some("1".to_owned()),
        container: None,
        application: None,
        protection: Protection::None,
        outputs: BTreeMap::new(),
        sent: Some(Digest::of_json(sent.body())),
        differences: Vec::new(),
        owned: None,
        adopted: false,
        run: RunId("r".to_owned()),
        sequence: number as u64,
    }
}
