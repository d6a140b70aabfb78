//! Makes the steps: what is done, under which condition, with which body, and
//! what is recorded when it is done.

use kfplan_model::{Address, Late};
use kfplan_plan::{
    Action, Change, Desired, Digest, FieldChange, Gate, Live, Locator, Payload, Precondition, Probe, Protection,
    RECORD_FORMAT, Record, RecordState, Recorded, Replaced, RunId, StackKey, Step, Work,
};

use crate::going::Departure;
use crate::groups::Groups;
use crate::inventory::{Inventory, Node, Seen};
use crate::order::Graph;

/// A step, with what only its execution needs.
pub(crate) struct Made {
    pub(crate) step: Step,
    pub(crate) payload: Option<Payload>,
    pub(crate) template: Option<Record>,
    pub(crate) before: Option<Record>,
}

/// How long things take whose draft is not there any more, in milliseconds.
const EXPECTED_ARM: u64 = 60_000;
const EXPECTED_OBJECT: u64 = 500;
/// How long they may take, in seconds.
const TIMEOUT_ARM: u64 = 3_600;
const TIMEOUT_OBJECT: u64 = 600;

impl<'a> Inventory<'a> {
    /// The step that a vertex is.
    pub(crate) fn make(&self, vertex: u32, graph: &Graph, groups: &Groups, departure: &Departure) -> Made {
        if vertex < graph.nodes {
            return self.make_change(vertex, graph, groups, departure);
        }
        let (address, group, gate) = match graph.gate(vertex) {
            Some(gate) => {
                let on = &self.nodes[gate.on as usize];
                (on.address.gate(&gate.name), groups.of_node[gate.on as usize], gate.gate.clone())
            }
            None => self.join(vertex, graph, groups),
        };
        let step = Step { address, group, work: Work::Gate(Box::new(gate)) };
        Made { step, payload: None, template: None, before: None }
    }

    /// What joins the steps of a resource.
    fn join(&self, vertex: u32, graph: &Graph, groups: &Groups) -> (Address, u32, Gate) {
        let place = vertex - graph.nodes;
        let (owner, name, why) = match place.checked_sub(graph.owners) {
            None => (place, "done", "is done"),
            Some(owner) => (owner, "released", "is needed no more"),
        };
        let entry = &self.owners[owner as usize];
        let address = Address::from(entry.address.clone()).gate(name);
        let first = entry.nodes.first().expect("what has no node joins nothing");
        let gate = Gate {
            locator: self.nodes[*first as usize].locator().clone(),
            probe: Probe::Joined,
            timeout: TIMEOUT_OBJECT,
            why: format!("all of `{}` {why}", entry.address),
        };
        (address, groups.of_owner.get(&owner).copied().unwrap_or(0), gate)
    }

    fn make_change(&self, number: u32, graph: &Graph, groups: &Groups, departure: &Departure) -> Made {
        let node = &self.nodes[number as usize];
        let crate::inventory::Fate::Change(action) = node.fate else {
            // A node that was made a step only joins what goes through it.
            let gate = Gate {
                locator: node.locator().clone(),
                probe: Probe::Joined,
                timeout: TIMEOUT_OBJECT,
                why: format!("all that `{}` waits for is done", node.address),
            };
            let step = Step {
                address: node.address.gate("done"),
                group: groups.of_node[number as usize],
                work: Work::Gate(Box::new(gate)),
            };
            return Made { step, payload: None, template: None, before: None };
        };
        let payload = self.payload(node, action);
        let change = Change {
            action,
            locator: node.locator().clone(),
            endpoint: node.locator().endpoint(),
            exclusive: exclusive(node),
            fields: self.fields(node, action),
            verified: self.verified(number),
            precondition: self.precondition(node, action),
            replaced: self.replaced(node, action),
            payload: payload.as_ref().map(|payload| digest(payload, self.input.key)),
            force: payload.as_ref().map(|payload| payload.force.clone()).unwrap_or_default(),
            waits: waits(payload.as_ref()),
            container: node.container.map(|container| self.nodes[container as usize].address.clone()),
            protection: match action {
                Action::Delete | Action::Forget => self.protection_recorded(node),
                _ => node.protection,
            },
            expected: expected(node, action),
            timeout: self.timeout(node, action),
            reasons: self.reasons(number, departure),
        };
        let template = self.template(number, action, payload.as_ref(), graph);
        let step = Step {
            address: node.address.clone(),
            group: groups.of_node[number as usize],
            work: Work::Change(Box::new(change)),
        };
        let before = self.before(node, action, &template);
        Made { step, payload, template: Some(template), before }
    }

    fn payload(&self, node: &Node<'_>, action: Action) -> Option<Payload> {
        match action {
            Action::Forget => None,
            Action::Delete => node
                .recorded
                .filter(|_| node.is_part)
                .and_then(|recorded| self.input.kinds.rules(node.locator()).release(recorded)),
            Action::Create | Action::Adopt | Action::Update | Action::Replace | Action::Refresh => {
                let desired = node.draft.as_ref()?.desired.clone()?;
                let (force, remove) = (node.comparison().force.clone(), node.comparison().remove.clone());
                Some(Payload { desired, force, remove })
            }
        }
    }

    fn fields(&self, node: &Node<'_>, action: Action) -> Vec<FieldChange> {
        let creation = || {
            let desired = node.draft.as_ref().and_then(|draft| draft.desired.as_ref());
            let rules = self.input.kinds.rules(node.locator());
            desired.map(|desired| rules.creation(desired, self.input.key)).unwrap_or_default()
        };
        match action {
            Action::Create => creation(),
            Action::Replace if node.comparison().changes.is_empty() => creation(),
            Action::Replace | Action::Update | Action::Adopt => node.comparison().changes.clone(),
            Action::Delete | Action::Forget | Action::Refresh => Vec::new(),
        }
    }

    fn precondition(&self, node: &Node<'_>, action: Action) -> Precondition {
        if node.anything {
            return Precondition::Anything;
        }
        let desired = node.draft.as_ref().and_then(|draft| draft.desired.as_ref());
        match (action, node.live()) {
            (Action::Forget, _) => Precondition::Anything,
            (Action::Create, _) | (_, None) => Precondition::Absent,
            (Action::Replace, Some(live)) if node.seen_before.is_none() => self.still(node.locator(), None, live),
            (Action::Delete, Some(live)) => self.still(node.locator(), None, live),
            (_, Some(live)) => {
                let precondition = self.still(node.locator(), desired, live);
                match (precondition, node.comparison().fields.clone()) {
                    (Precondition::Present { uid, version, .. }, Some(fields)) => {
                        Precondition::Present { uid, version, fields }
                    }
                    (precondition, _) => precondition,
                }
            }
        }
    }

    fn still(&self, locator: &Locator, desired: Option<&Desired>, live: &Live) -> Precondition {
        let rules = self.input.kinds.rules(locator);
        let fields = rules.fingerprint(desired, live, self.input.ownership, self.input.key);
        Precondition::Present {
            uid: live.uid.clone(),
            version: live.version.clone(),
            fields: fields.unwrap_or_else(|| self.input.key.digest("fields", b"")),
        }
    }

    fn replaced(&self, node: &Node<'_>, action: Action) -> Option<Box<Replaced>> {
        let before = node.other_place().filter(|_| action == Action::Replace)?;
        let Some(Seen::Live(live)) = node.seen_before.as_deref() else {
            return None;
        };
        let stated = self.owners[node.resource as usize].stated;
        Some(Box::new(Replaced {
            locator: before.clone(),
            precondition: self.still(before, None, live),
            create_first: stated.is_some_and(|stated| stated.lifecycle.create_before_destroy) || node.live().is_some(),
        }))
    }

    fn protection_recorded(&self, node: &Node<'_>) -> Protection {
        node.recorded.map_or(Protection::None, |recorded| recorded.record.protection)
    }

    fn timeout(&self, node: &Node<'_>, action: Action) -> u64 {
        let stated = self.owners[node.resource as usize].stated.map(|stated| stated.timeouts).unwrap_or_default();
        let (create, update, delete) = node.draft.as_ref().map_or_else(
            || match node.locator() {
                Locator::Arm(_) => (TIMEOUT_ARM, TIMEOUT_ARM, TIMEOUT_ARM),
                Locator::Object(_) => (TIMEOUT_OBJECT, TIMEOUT_OBJECT, TIMEOUT_OBJECT),
            },
            |draft| draft.timeouts,
        );
        let (create, update, delete) =
            (stated.create.unwrap_or(create), stated.update.unwrap_or(update), stated.delete.unwrap_or(delete));
        match action {
            Action::Create => create,
            Action::Replace => create.saturating_add(delete),
            Action::Adopt | Action::Update | Action::Refresh => update,
            Action::Delete | Action::Forget => delete,
        }
    }

    fn reasons(&self, number: u32, departure: &Departure) -> Vec<String> {
        let mut reasons = self.nodes[number as usize].reasons.clone();
        if let Some(contents) = departure.contents.get(&number) {
            let plural = if contents.len() == 1 { "" } else { "s" };
            reasons.push(format!(
                "{} recorded thing{plural} inside it go{} with it",
                contents.len(),
                if contents.len() == 1 { "es" } else { "" }
            ));
        }
        if let Some(losses) = departure.losses.get(&number) {
            reasons.push(format!("would also delete {losses}"));
        }
        reasons
    }

    /// The record as it is.
    fn before(&self, node: &Node<'_>, action: Action, template: &Record) -> Option<Record> {
        match node.recorded {
            // What is created is not there, whatever was recorded of it.
            _ if action == Action::Create => None,
            Some(_) if node.place.is_some() => Some(template.clone()),
            Some(recorded) => Some(Record { address: node.address.clone(), ..recorded.record.clone() }),
            None if action == Action::Replace => {
                let uid = node.live().and_then(|live| live.uid.clone());
                Some(Record { uid, sent: None, ..template.clone() })
            }
            None => None,
        }
    }

    /// The record as it will be, or, for what goes, as it is.
    fn template(&self, number: u32, action: Action, payload: Option<&Payload>, graph: &Graph) -> Record {
        let node = &self.nodes[number as usize];
        let before = node.recorded.map(|recorded: &Recorded| &recorded.record);
        if let (Action::Delete | Action::Forget, Some(before)) = (action, before) {
            let uid = match (&node.place, node.live()) {
                (Some(_), Some(live)) => live.uid.clone(),
                _ => before.uid.clone(),
            };
            return Record { address: node.address.clone(), locator: node.locator().clone(), uid, ..before.clone() };
        }
        let kept = before.filter(|_| matches!(action, Action::Update | Action::Refresh | Action::Adopt));
        let live = node.live().filter(|_| kept.is_some());
        let sent = || {
            let payload = payload.filter(|payload| payload.desired.holes.is_empty())?;
            let sealed = self.input.key.seal(payload.desired.body.clone(), &payload.desired.sensitive);
            Some(Digest::of_json(sealed.body()))
        };
        // A refresh writes nothing, so that what was sent last stays what it was.
        let sent = match (action, kept) {
            (Action::Refresh, Some(kept)) => kept.sent.clone(),
            _ => sent(),
        };
        Record {
            format: RECORD_FORMAT,
            address: node.address.clone(),
            locator: node.locator().clone(),
            cluster: node.object().and_then(|object| self.identity_of(&object.cluster)).map(str::to_owned),
            state: RecordState::Settled,
            uid: live.and_then(|live| live.uid.clone()),
            version: live.and_then(|live| live.version.clone()),
            after: graph.after.get(&number).cloned().unwrap_or_default(),
            container: node.container.map(|container| self.nodes[container as usize].address.clone()),
            application: self.application(number).map(str::to_owned),
            protection: node.protection,
            outputs: kept.map(|kept| kept.outputs.clone()).unwrap_or_default(),
            sent,
            differences: kept.map(|kept| kept.differences.clone()).unwrap_or_default(),
            owned: kept.and_then(|kept| kept.owned.clone()),
            adopted: node.adopted && !matches!(action, Action::Create | Action::Replace),
            run: RunId(String::new()),
            sequence: 0,
        }
    }
}

/// Steps that alter one AKS cluster never run at once: the cluster's id in lower case, or what the draft says.
fn exclusive(node: &Node<'_>) -> Option<String> {
    let said = node.draft.as_ref().and_then(|draft| draft.exclusive.clone());
    let Locator::Arm(arm) = node.locator() else {
        return said;
    };
    let id = arm.id.to_ascii_lowercase();
    let (before, after) = match id.split_once("/managedclusters/") {
        Some(parts) => parts,
        None => return said,
    };
    let name = after.split('/').next().unwrap_or_default();
    Some(format!("{before}/managedclusters/{name}"))
}

fn expected(node: &Node<'_>, action: Action) -> u64 {
    let is_record = matches!(action, Action::Forget | Action::Refresh);
    match (&node.draft, node.locator()) {
        _ if is_record => 1,
        (Some(draft), _) if action == Action::Replace => draft.expected.saturating_mul(2),
        (Some(draft), _) => draft.expected,
        (None, Locator::Arm(_)) => EXPECTED_ARM,
        (None, Locator::Object(_)) => EXPECTED_OBJECT,
    }
}

/// What fills the holes of a payload, each once.
fn waits(payload: Option<&Payload>) -> Vec<Late> {
    let mut waits: Vec<Late> =
        payload.into_iter().flat_map(|payload| &payload.desired.holes).map(|hole| hole.late.clone()).collect();
    waits.sort();
    waits.dedup();
    waits
}

/// The keyed digest of a payload: of its body, holes, and what it takes and takes out.
pub(crate) fn digest(payload: &Payload, key: &StackKey) -> Digest {
    let desired = &payload.desired;
    let text = serde_json::to_string(&(&desired.body, &desired.holes, &payload.force, &payload.remove))
        .expect("a payload has only string keys");
    key.digest("payload", text.as_bytes())
}
