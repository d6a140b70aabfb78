//! Goes through the stack's resources in the order of their references, and
//! finds out which things each of them is.

use std::collections::BTreeSet;
use std::sync::Arc;

use kfplan_graph::{Dag, DagError};
use kfplan_model::{Late, Path, Resource, ResourceAddress, Stack, Value};
use kfplan_plan::{ClusterFacts, Draft, Expansion, Field, Kind, Locator, Note, Observation, Recorded, Scene, Shape};
use kfplan_plan::{Live, RecordState};
use serde_json::json;

use crate::cluster::Standing;
use crate::error::{PlanError, place};
use crate::fill::says_what_it_is;
use crate::input::Question;
use crate::inventory::{Fate, Inventory, Owner, Phase, Seen, Sight, same_place};
use crate::late::{Keys, keys};

impl<'a> Inventory<'a> {
    /// Enters every resource of the stack, resolved, expanded, looked at and decided as far as answers allow.
    pub(crate) fn expand_stack(&mut self, stack: &'a Stack) {
        let Some(order) = self.enter_stack(stack) else {
            return;
        };
        let keys = keys(stack);
        // One pass is enough unless something says that it is contained in what it does not depend on.
        loop {
            let before = self.phases();
            for &owner in &order {
                match self.owners[owner as usize].phase {
                    Phase::Waiting => self.advance(owner, &keys),
                    Phase::Expanded => self.decide_owner(owner),
                    Phase::Settled => {}
                }
            }
            if self.phases() == before || self.is_decided() || !self.errors.is_empty() {
                return;
            }
        }
    }

    /// How many resources are expanded, and how many are settled.
    fn phases(&self) -> (usize, usize) {
        let count = |phase: Phase| self.owners.iter().filter(|owner| owner.phase == phase).count();
        (count(Phase::Expanded), count(Phase::Settled))
    }

    /// Gives every resource of the stack a number; gives them in an order in which each comes after what it depends on.
    fn enter_stack(&mut self, stack: &'a Stack) -> Option<Vec<u32>> {
        let owners: Vec<u32> = stack
            .resources
            .iter()
            .map(|(address, resource)| {
                let owner = self.owner(address);
                self.owners[owner as usize].stated = Some(resource);
                owner
            })
            .collect();
        let mut read = BTreeSet::new();
        let mut edges = Vec::new();
        for (&owner, resource) in owners.iter().zip(stack.resources.values()) {
            resource.fields.visit_late(&mut |late: &Late| read.extend(late.waits.iter()));
            let depends_on: Vec<u32> = resource.depends_on.iter().filter_map(|on| self.owner_of(on)).collect();
            let triggers = resource.lifecycle.replace_triggered_by.iter().filter_map(|on| self.owner_of(on));
            edges.extend(depends_on.iter().copied().chain(triggers).map(|from| (from as usize, owner as usize)));
            self.owners[owner as usize].depends_on = depends_on;
        }
        for output in &stack.outputs {
            output.value.visit_late(&mut |late: &Late| read.extend(late.waits.iter()));
        }
        if !read.is_empty() {
            for owner in &mut self.owners {
                owner.is_read = read.contains(&owner.address)
                    || (owner.address.key().is_some() && read.contains(&owner.address.without_key()));
            }
        }
        match Dag::new(self.owners.len(), edges) {
            Ok(dag) => {
                let is_stated = |owner: &usize| self.owners[*owner].stated.is_some();
                Some(dag.order().filter(is_stated).map(|owner| owner as u32).collect())
            }
            Err(DagError::Rings { rings }) => {
                let name = |owner: &usize| self.owners[*owner].address.to_string();
                let rings: Vec<_> = rings.iter().map(|ring| ring.iter().map(name).collect()).collect();
                self.errors.extend(rings.into_iter().map(|ring| PlanError::Cycle { ring }));
                None
            }
            Err(DagError::NoSuchNode { .. }) => unreachable!("every edge is between numbered resources"),
        }
    }

    fn advance(&mut self, owner: u32, keys: &Keys) {
        let Owner { address, stated, kind, .. } = &self.owners[owner as usize];
        let (Some(stated), address) = (*stated, address.clone()) else {
            return;
        };
        let Some(kind) = *kind else {
            self.errors.push(PlanError::UnknownType { resource: address });
            return;
        };
        let Some(resource) = self.resolve(owner, stated, keys) else {
            return;
        };
        self.check_deciders(kind, &resource);
        let cluster = self.cluster_of(owner, &resource);
        self.owners[owner as usize].cluster.clone_from(&cluster);
        let facts = match cluster {
            Some(cluster) if kind.schema().objects => match self.facts(&cluster) {
                Some(facts) => Some(facts),
                None => return,
            },
            Some(cluster) => Some(self.stated_facts(&cluster)),
            None => None,
        };
        let Some((drafts, notes)) = self.expansion(kind, &resource, facts) else {
            return;
        };
        self.notes.extend(notes);
        self.owners[owner as usize].is_cluster = kind.cluster(&resource).is_some();
        self.resolved.insert(address, resource);
        self.owners[owner as usize].phase = Phase::Expanded;
        // What is in hand is looked at at once.
        for draft in drafts {
            if let Some(number) = self.enter_draft(owner, draft) {
                self.look(number);
            }
        }
        self.decide_owner(owner);
    }

    /// The resource with its fields resolved; `None` while an answer is missing that they need.
    fn resolve(&mut self, owner: u32, stated: &'a Resource, keys: &Keys) -> Option<Resource> {
        let is_expanded = |&dependency: &u32| self.owners[dependency as usize].phase != Phase::Waiting;
        if !self.owners[owner as usize].depends_on.iter().all(is_expanded) || !self.is_answered(&stated.fields) {
            return None;
        }
        let fields = self.evaluate(&stated.fields, stated.each.as_ref(), keys, &stated.address.to_string());
        Some(Resource {
            fields,
            address: stated.address.clone(),
            existing: stated.existing,
            depends_on: stated.depends_on.clone(),
            each: stated.each.clone(),
            lifecycle: stated.lifecycle.clone(),
            timeouts: stated.timeouts,
            conflicts: stated.conflicts.clone(),
            readiness: stated.readiness.clone(),
            at: stated.at,
            positions: stated.positions.clone(),
        })
    }

    fn check_deciders(&mut self, kind: &dyn Kind, resource: &Resource) {
        let mut found = Vec::new();
        unknown_deciders(&kind.schema().fields, &resource.fields, &Path::root(), false, &mut found);
        for (field, late) in found {
            self.errors.push(PlanError::Unknowable {
                resource: resource.address.clone(),
                field,
                template: late.template.to_string(),
                waits: late.waits.clone(),
            });
        }
    }

    /// The cluster that a resource is for: the one that it names, or the one of something that it names.
    fn cluster_of(&self, owner: u32, resource: &Resource) -> Option<ResourceAddress> {
        let named = resource.fields.get("cluster").and_then(Value::as_handle);
        let named = named.and_then(|named| self.owner_of(named));
        let candidates = named.into_iter().chain(self.owners[owner as usize].depends_on.iter().copied());
        let candidates: Vec<&Owner<'_>> = candidates.map(|owner| &self.owners[owner as usize]).collect();
        let cluster = candidates.iter().find(|owner| owner.is_cluster).map(|owner| owner.address.clone());
        cluster.or_else(|| candidates.iter().find_map(|owner| owner.cluster.clone()))
    }

    /// The things that a resource is; `None` when something must be rendered first, or when it is wrong.
    fn expansion(
        &mut self,
        kind: &dyn Kind,
        resource: &Resource,
        facts: Option<ClusterFacts>,
    ) -> Option<(Vec<Draft>, Vec<Note>)> {
        let answers = self.input.answers;
        let stored = answers.rendered.get(&resource.address);
        let mut rendered = None;
        loop {
            let scene = Scene {
                stack: &self.input.ownership.stack,
                environment: &self.input.ownership.environment,
                lineage: &self.input.ownership.lineage,
                subscription: self.input.subscription,
                resources: &self.resolved,
                places: &self.arm_places,
                cluster: facts.clone(),
                rendered,
            };
            match kind.expand(resource, &scene) {
                Err(problems) => {
                    self.errors.extend(problems.into_iter().map(PlanError::Problem));
                    return None;
                }
                Ok(Expansion::Nodes { drafts, notes, inputs }) => {
                    self.inputs.extend(inputs);
                    return Some((drafts, notes));
                }
                Ok(Expansion::Render(request)) => match stored {
                    Some((answered, answer)) if *answered == *request && rendered.is_none() => rendered = Some(answer),
                    Some((answered, _)) if *answered == *request => {
                        self.errors.push(PlanError::RenderLoop { resource: resource.address.clone() });
                        return None;
                    }
                    _ => {
                        self.ask(Question::Render(request));
                        return None;
                    }
                },
            }
        }
    }

    fn enter_draft(&mut self, owner: u32, mut draft: Draft) -> Option<u32> {
        if let Some(desired) = &mut draft.desired {
            self.input.kinds.rules(&draft.locator).mark(desired, &draft.address, self.input.ownership);
        }
        self.check_holes(&draft);
        let number = self.node(draft.address.clone());
        if matches!(draft.locator, Locator::Arm(_)) && draft.address.object_id().is_none() {
            self.arm_places.insert(draft.address.resource().clone(), draft.locator.clone());
        }
        let rank = self.ranked;
        self.ranked += 1;
        let node = &mut self.nodes[number as usize];
        if let Some(other) = &node.draft {
            let (first, place) = (node.address.clone(), place(&other.locator));
            self.errors.push(PlanError::Duplicate { second: first.clone(), first, place });
            return None;
        }
        node.rank = rank;
        node.resource = owner;
        node.is_part =
            draft.desired.as_ref().is_some_and(|desired| self.input.kinds.rules(&draft.locator).is_part(desired));
        // Where it stays at its recorded place, that was entered with the record.
        let is_entered = node.recorded.is_some_and(|recorded| same_place(&recorded.record.locator, &draft.locator));
        node.stays &= is_entered;
        let is_new = !node.is_part && (!is_entered || node.is_merged || node.taken_by.is_some());
        node.draft = Some(Box::new(draft));
        if let Some(other) = is_new.then(|| self.occupy(number)).flatten() {
            self.take_over(number, other);
        }
        Some(number)
    }

    /// What says which object it is must be known.
    fn check_holes(&mut self, draft: &Draft) {
        let holes = draft.desired.iter().flat_map(|desired| &desired.holes);
        for hole in holes.filter(|hole| says_what_it_is(&hole.path) && draft.address.object_id().is_some()) {
            self.errors.push(PlanError::Unknowable {
                resource: draft.address.resource().clone(),
                field: hole.path.clone(),
                template: hole.late.template.to_string(),
                waits: hole.late.waits.clone(),
            });
        }
    }

    /// Two nodes at one place: an error when both are wanted, else the wanted one gets the other's record.
    fn take_over(&mut self, number: u32, other: u32) {
        let place = place(self.nodes[number as usize].locator());
        let before = &mut self.nodes[other as usize];
        if before.draft.is_some() {
            let (first, second) = (before.address.clone(), self.nodes[number as usize].address.clone());
            self.errors.push(PlanError::Duplicate { first, second, place });
            return;
        }
        let Some(recorded) = before.recorded.filter(|_| !before.is_merged) else {
            return;
        };
        if self.nodes[number as usize].recorded.is_none() {
            self.nodes[other as usize].is_merged = true;
            self.nodes[other as usize].fate = Fate::Same;
            let node = &mut self.nodes[number as usize];
            node.recorded = Some(recorded);
            node.stays = recorded.record.state == RecordState::Settled;
            node.moved_from = Some(&recorded.record.address);
            node.adopted = recorded.record.adopted;
        } else {
            self.nodes[other as usize].taken_by = Some(number);
        }
    }

    /// Looks at a node's place, and at the recorded one where that differs.
    pub(crate) fn look(&mut self, number: u32) {
        let node = &self.nodes[number as usize];
        let recorded = node.recorded;
        let locator = node.locator().clone();
        let stays = node.stays;
        let at_record = recorded.filter(|recorded| stays || same_place(&recorded.record.locator, &locator));
        let before = node.other_place().filter(|_| node.draft.is_some());
        let before = before.map(|before| self.see(before, recorded.filter(|_| at_record.is_none())));
        let seen = self.see(&locator, at_record);
        let node = &mut self.nodes[number as usize];
        node.seen = seen;
        node.seen_before = before.map(Box::new);
    }

    /// What is known of a place; asks when nothing is.
    fn see(&mut self, locator: &Locator, recorded: Option<&'a Recorded>) -> Seen<'a> {
        if let Locator::Object(object) = locator {
            match self.standing(&object.cluster) {
                Some(Standing::There(_)) => {}
                Some(Standing::Comes(why)) => return Seen::ToCome(why),
                Some(Standing::Gone) => return Seen::Absent,
                Some(Standing::LeftOut(why)) => return Seen::LeftOut(why),
                None => {
                    if recorded.is_some() {
                        self.observe(locator, recorded);
                    }
                    return Seen::Pending;
                }
            }
        }
        self.observe(locator, recorded)
    }

    fn observe(&mut self, locator: &Locator, recorded: Option<&'a Recorded>) -> Seen<'a> {
        if !self.input.options.refresh
            && let Some(live) = recorded.and_then(|recorded| remembered(recorded, &self.input.ownership.manager))
        {
            return Seen::Live(Sight::Remembered(Arc::new(live)));
        }
        match self.observation(locator) {
            None => {
                self.ask(Question::Observe(locator.clone()));
                Seen::Pending
            }
            Some(Observation::Absent) => Seen::Absent,
            Some(Observation::NotServed) => Seen::NotServed,
            Some(Observation::Present(live)) => Seen::Live(Sight::Answered(live)),
            Some(Observation::Denied(why)) => Seen::Unknown(format!("looking is not allowed: {why}")),
            Some(Observation::Failed(trouble)) => Seen::Unknown(trouble.message.clone()),
            Some(Observation::Unreachable(why)) => Seen::LeftOut(why.clone()),
        }
    }
}

/// What was left behind at the last write, as if it was there: for `--refresh=false`.
fn remembered(recorded: &Recorded, manager: &str) -> Option<Live> {
    let record = &recorded.record;
    if record.state != RecordState::Settled {
        return None;
    }
    let mut body = recorded.sent.as_ref()?.body().clone();
    for difference in &record.differences {
        match (&difference.value, difference.path.get_mut(&mut body)) {
            (Some(value), Some(place)) => *place = value.clone(),
            (_, place) => {
                if let Some(place) = place {
                    *place = serde_json::Value::Null;
                }
            }
        }
    }
    if let Some(metadata) = body.get_mut("metadata").and_then(serde_json::Value::as_object_mut) {
        metadata.insert("uid".to_owned(), json!(record.uid));
        if let Some(owned) = &record.owned {
            let entry =
                json!([{ "manager": manager, "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": owned }]);
            metadata.insert("managedFields".to_owned(), entry);
        }
    }
    Some(Live { body, uid: record.uid.clone(), version: record.version.clone() })
}

/// Every late leaf inside a field that decides which objects exist.
fn unknown_deciders<'v>(
    fields: &[Field],
    value: &'v Value,
    at: &Path,
    decides: bool,
    found: &mut Vec<(Path, &'v Late)>,
) {
    for field in fields {
        let Some(value) = value.get(field.name) else {
            continue;
        };
        let path = at.key(field.name);
        if decides || field.decides {
            value.visit_late(&mut |late| found.push((path.clone(), late)));
        } else if let Shape::Table(fields) = &field.shape {
            unknown_deciders(fields, value, &path, decides, found);
        }
    }
}
