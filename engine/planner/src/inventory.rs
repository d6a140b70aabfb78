//! Everything that is wanted or recorded, as nodes with dense numbers.
//!
//! One plan is made in one [`Inventory`]: the phases fill it in, each after the
//! one before. Maps are for finding a number once; what is done often goes by
//! number. The maps have a fixed hash function and are never walked.

use std::borrow::Cow;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hash, Hasher};

use kfplan_model::{Address, Resource, ResourceAddress, Value};
use kfplan_plan::{
    Action, Comparison, Draft, Drift, InputDigest, Kind, Live, Locator, Note, ObjectLocator, Observation, Protection,
    RecordState, Recorded, Severity,
};

use crate::cluster::Standing;
use crate::error::PlanError;
use crate::input::{Input, Question};
use crate::questions::Questions;

/// Finds numbers. Equal on every machine, and never walked.
pub(crate) type Lookup<K> = HashMap<K, u32, BuildHasherDefault<DefaultHasher>>;

/// What is known of a place.
#[derive(Debug, Clone)]
pub(crate) enum Seen<'a> {
    /// Asked, or not to be asked yet.
    Pending,
    /// Nothing is there.
    Absent,
    /// Its kind is not served.
    NotServed,
    /// This is there.
    Live(Cow<'a, Live>),
    /// Looking failed or is not allowed: why.
    Unknown(String),
    /// Nothing can be there yet, or what is there will be gone: what it is in comes with this plan. Why.
    ToCome(String),
    /// Its cluster does not answer, and the person said to leave it out. Why.
    LeftOut(String),
}

/// What becomes of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// An answer is missing.
    Pending,
    /// It is only read.
    Read,
    /// It is as it shall be.
    Same,
    /// It changes.
    Change(Action),
    /// It goes with what contains it.
    Implied,
    /// It is wanted gone and stays.
    Kept,
    /// It cannot be told; a note says why.
    Undecided,
}

impl Fate {
    /// Whether the thing is there anew after the plan.
    pub(crate) fn is_renewing(self) -> bool {
        matches!(self, Self::Change(Action::Create | Action::Replace))
    }

    /// Whether a step deletes it and nothing takes its place.
    pub(crate) fn is_delete(self) -> bool {
        self == Self::Change(Action::Delete)
    }
}

/// One thing that is wanted, recorded, or both.
pub(crate) struct Node<'a> {
    pub(crate) address: Address,
    /// Its resource, by number.
    pub(crate) resource: u32,
    /// Where it stands in the source: wanted things first.
    pub(crate) rank: u32,
    /// What it shall be; its body is marked as ours.
    pub(crate) draft: Option<Box<Draft>>,
    /// What is remembered of it.
    pub(crate) recorded: Option<&'a Recorded>,
    /// The address that its record has, when `[[moved]]` gives it another one.
    pub(crate) moved_from: Option<&'a Address>,
    /// What is at the place where it is wanted, or, when it is not wanted, recorded.
    pub(crate) seen: Seen<'a>,
    /// What is at the recorded place, when that is another one.
    pub(crate) seen_before: Option<Seen<'a>>,
    /// What comparing found.
    pub(crate) comparison: Comparison,
    pub(crate) fate: Fate,
    /// What contains it, by number.
    pub(crate) container: Option<u32>,
    /// Why it is done.
    pub(crate) reasons: Vec<String>,
    /// Why the server cannot be asked about it.
    pub(crate) offline: Option<String>,
    /// Whether whatever is there may be there: its container comes with this plan.
    pub(crate) anything: bool,
    /// Whether it is, or will be, recorded as taken over.
    pub(crate) adopted: bool,
    /// What protects it from an implied delete by what state and stack say.
    pub(crate) protection: Protection,
    /// Whether another node wants what is at its place, and took its record over.
    pub(crate) is_merged: bool,
    /// Whether it is only part of somebody else's thing.
    pub(crate) is_part: bool,
    /// Where it is, when that is not what its record says: what an interrupted replacement left behind.
    pub(crate) place: Option<Locator>,
}

impl<'a> Node<'a> {
    fn new(address: Address, resource: u32) -> Self {
        Self {
            address,
            resource,
            rank: u32::MAX,
            draft: None,
            recorded: None,
            moved_from: None,
            seen: Seen::Pending,
            seen_before: None,
            comparison: Comparison::default(),
            fate: Fate::Pending,
            container: None,
            reasons: Vec::new(),
            offline: None,
            anything: false,
            adopted: false,
            protection: Protection::None,
            is_merged: false,
            is_part: false,
            place: None,
        }
    }

    /// Where it is, or shall be.
    pub(crate) fn locator(&self) -> &Locator {
        match (&self.place, &self.draft, self.recorded) {
            (Some(place), _, _) => place,
            (None, Some(draft), _) => &draft.locator,
            (None, None, Some(recorded)) => &recorded.record.locator,
            (None, None, None) => unreachable!("a node is wanted or recorded"),
        }
    }

    /// The other place that it may still be at: the recorded one, or the one that an interrupted replacement was at.
    pub(crate) fn other_place(&self) -> Option<&'a Locator> {
        let record = &self.recorded.filter(|_| self.place.is_none())?.record;
        let recorded = Some(&record.locator);
        let intended = match &record.state {
            RecordState::InDoubt(intent) => Some(&intent.locator),
            RecordState::Settled => None,
        };
        let mut places = [recorded, intended].into_iter().flatten();
        places.find(|place| !same_place(place, self.locator()))
    }

    /// Whether the stack wants it to be as it says, rather than to read it.
    pub(crate) fn is_wanted(&self) -> bool {
        self.draft.as_ref().is_some_and(|draft| draft.desired.is_some())
    }

    /// What is there.
    pub(crate) fn live(&self) -> Option<&Live> {
        match &self.seen {
            Seen::Live(live) => Some(live),
            _ => None,
        }
    }

    /// The object locator, if it is an object.
    pub(crate) fn object(&self) -> Option<&ObjectLocator> {
        match self.locator() {
            Locator::Object(object) => Some(object),
            Locator::Arm(_) => None,
        }
    }

    /// Whether it is a CustomResourceDefinition.
    pub(crate) fn is_definition(&self) -> bool {
        self.object().is_some_and(|object| object.kind == "CustomResourceDefinition")
    }
}

/// How far a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// An answer is missing before its nodes can be told.
    Waiting,
    /// Its nodes are there; what becomes of them is not.
    Expanded,
    /// What becomes of its nodes is decided.
    Settled,
}

/// One resource that is wanted or has records.
pub(crate) struct Owner<'a> {
    pub(crate) address: ResourceAddress,
    /// What the stack says, not resolved.
    pub(crate) stated: Option<&'a Resource>,
    pub(crate) kind: Option<&'a dyn Kind>,
    pub(crate) nodes: Vec<u32>,
    pub(crate) phase: Phase,
    /// The cluster that it is for.
    pub(crate) cluster: Option<ResourceAddress>,
    /// Whether an expression reads it.
    pub(crate) is_read: bool,
    /// Its fields and outputs, for expressions, once it is settled and if it is read.
    pub(crate) value: Option<Value>,
}

/// All that one plan is made from, and what was found so far.
pub(crate) struct Inventory<'a> {
    pub(crate) input: Input<'a>,
    pub(crate) owners: Vec<Owner<'a>>,
    pub(crate) owner_at: Lookup<ResourceAddress>,
    pub(crate) nodes: Vec<Node<'a>>,
    pub(crate) node_at: Lookup<Address>,
    /// The node at a place, by the hash of the place's identity.
    pub(crate) place_at: Lookup<u64>,
    pub(crate) observations: HashMap<&'a Locator, &'a Observation, BuildHasherDefault<DefaultHasher>>,
    /// Resources with their fields resolved.
    pub(crate) resolved: BTreeMap<ResourceAddress, Resource>,
    /// The places of ARM resources.
    pub(crate) arm_places: BTreeMap<ResourceAddress, Locator>,
    /// What is known of clusters, once it is known.
    pub(crate) standings: BTreeMap<ResourceAddress, Standing<'a>>,
    /// Resources that `[[moved]]` gives another address: from, to.
    pub(crate) moves: BTreeMap<ResourceAddress, ResourceAddress>,
    pub(crate) questions: Questions,
    pub(crate) errors: Vec<PlanError>,
    pub(crate) notes: Vec<Note>,
    pub(crate) drift: Vec<Drift>,
    pub(crate) inputs: Vec<InputDigest>,
    /// How many nodes are ranked.
    pub(crate) ranked: u32,
}

impl<'a> Inventory<'a> {
    /// An inventory of nothing yet.
    pub(crate) fn new(input: Input<'a>) -> Self {
        let mut observations: HashMap<_, _, BuildHasherDefault<DefaultHasher>> = HashMap::default();
        observations.extend(input.answers.observations.iter());
        Self {
            input,
            owners: Vec::new(),
            owner_at: Lookup::default(),
            nodes: Vec::new(),
            node_at: Lookup::default(),
            place_at: Lookup::default(),
            observations,
            resolved: BTreeMap::new(),
            arm_places: BTreeMap::new(),
            standings: BTreeMap::new(),
            moves: BTreeMap::new(),
            questions: Questions::default(),
            errors: Vec::new(),
            notes: input.extra_notes.to_vec(),
            drift: Vec::new(),
            inputs: input.inputs.to_vec(),
            ranked: 0,
        }
    }

    /// The number of a resource, which is entered if it is new.
    pub(crate) fn owner(&mut self, address: &ResourceAddress) -> u32 {
        if let Some(&owner) = self.owner_at.get(address) {
            return owner;
        }
        let number = self.owners.len() as u32;
        let kinds = self.input.kinds;
        self.owners.push(Owner {
            address: address.clone(),
            stated: None,
            kind: kinds.kinds.get(address.type_name()).map(|kind| &**kind),
            nodes: Vec::new(),
            phase: Phase::Waiting,
            cluster: None,
            is_read: false,
            value: None,
        });
        self.owner_at.insert(address.clone(), number);
        number
    }

    /// The number of the node at an address, which is entered if it is new.
    pub(crate) fn node(&mut self, address: Address) -> u32 {
        if let Some(&node) = self.node_at.get(&address) {
            return node;
        }
        let owner = self.owner(address.resource());
        let number = self.nodes.len() as u32;
        self.node_at.insert(address.clone(), number);
        self.nodes.push(Node::new(address, owner));
        self.owners[owner as usize].nodes.push(number);
        number
    }

    /// The node that is at an address, if there is one.
    pub(crate) fn find(&self, address: &Address) -> Option<u32> {
        self.node_at.get(address).copied()
    }

    /// The node of a resource that is one thing.
    pub(crate) fn main(&self, resource: &ResourceAddress) -> Option<u32> {
        self.find(&Address::from(resource.clone()))
    }

    /// Enters the place of a node; gives another node that was there before, and that this one takes over from.
    pub(crate) fn occupy(&mut self, node: u32) -> Option<u32> {
        match self.place_at.entry(identity(self.nodes[node as usize].locator())) {
            Entry::Vacant(vacant) => {
                vacant.insert(node);
                None
            }
            Entry::Occupied(mut there) => {
                let other = there.insert(node);
                let same = other != node
                    && same_place(self.nodes[other as usize].locator(), self.nodes[node as usize].locator());
                same.then_some(other)
            }
        }
    }

    /// The wanted or recorded node at a place.
    pub(crate) fn at_place(&self, locator: &Locator) -> Option<u32> {
        let node = *self.place_at.get(&identity(locator))?;
        same_place(self.nodes[node as usize].locator(), locator).then_some(node)
    }

    /// The namespace of an object, if it is a node.
    pub(crate) fn namespace_of(&self, object: &ObjectLocator) -> Option<u32> {
        let name = object.namespace.clone()?;
        self.at_place(&Locator::Object(ObjectLocator {
            cluster: object.cluster.clone(),
            group: String::new(),
            version: "v1".to_owned(),
            kind: "Namespace".to_owned(),
            namespace: None,
            name,
        }))
    }

    /// Says something about a node.
    pub(crate) fn say(&mut self, severity: Severity, code: &str, node: u32, message: String, help: Option<&str>) {
        self.notes.push(Note {
            severity,
            code: code.to_owned(),
            address: Some(self.nodes[node as usize].address.clone()),
            message,
            help: help.map(str::to_owned),
        });
    }

    /// Asks, unless the same was asked already.
    pub(crate) fn ask(&mut self, question: Question) {
        self.questions.add(question);
    }

    /// Whether any step changes anything.
    pub(crate) fn changes_anything(&self) -> bool {
        self.nodes.iter().any(|node| matches!(node.fate, Fate::Change(_)))
    }
}

/// The hash of what a place is, whatever version it is asked in.
fn identity(locator: &Locator) -> u64 {
    let mut hasher = DefaultHasher::new();
    match locator {
        Locator::Arm(arm) => {
            for byte in arm.id.bytes() {
                hasher.write_u8(byte.to_ascii_lowercase());
            }
        }
        Locator::Object(object) => {
            object.cluster.hash(&mut hasher);
            object.group.hash(&mut hasher);
            object.kind.hash(&mut hasher);
            object.namespace.hash(&mut hasher);
            object.name.hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// Whether two locators mean the same thing.
pub(crate) fn same_place(one: &Locator, other: &Locator) -> bool {
    match (one, other) {
        (Locator::Arm(one), Locator::Arm(other)) => one.id.eq_ignore_ascii_case(&other.id),
        (Locator::Object(one), Locator::Object(other)) => {
            one.cluster == other.cluster
                && one.group == other.group
                && one.kind == other.kind
                && one.namespace == other.namespace
                && one.name == other.name
        }
        (Locator::Arm(_), Locator::Object(_)) | (Locator::Object(_), Locator::Arm(_)) => false,
    }
}
