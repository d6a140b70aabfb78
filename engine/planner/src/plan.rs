//! The dialogue: one round of it.

use std::collections::{BTreeMap, BTreeSet};

use kfplan_model::{ResourceAddress, Stack, Value};
use kfplan_plan::{Header, Kept, Mode, Note, PLAN_FORMAT, Plan, Severity, Shown, StackKey};
use serde_json::Value as Json;

use crate::cluster::Standing;
use crate::contract::Contracted;
use crate::error::{PlanError, PlanErrors};
use crate::going::Departure;
use crate::groups::Groups;
use crate::input::{Adoption, Answer, Input, Planned};
use crate::inventory::{Inventory, Phase};
use crate::late::keys;
use crate::order::Graph;

/// Decides the steps that make the observed world match the stack, or asks.
///
/// Equal inputs give equal answers, so a saved plan can be reviewed and a failing
/// one replayed. Things that are neither wanted nor recorded are somebody else's,
/// and are never touched. A question is asked once; all that can be asked is asked
/// at once, so that the rounds are bounded by how deep references go, plus one for
/// dry runs and one for what containers hold.
///
/// # Errors
///
/// Everything that is wrong, not the first; see [`PlanError`]. What only stops
/// `apply` is no error but a note of the plan.
pub fn plan(input: &Input<'_>) -> Result<Answer, PlanErrors> {
    let mut inventory = Inventory::new(*input);
    inventory.check_bindings();
    inventory.enter_records();
    inventory.stop_on_errors()?;
    if let (Some(stack), Mode::Apply) = (input.stack, input.mode) {
        inventory.check_removed();
        inventory.repeat_warnings(stack);
        inventory.expand_stack(stack);
    }
    inventory.look_at_unwanted();
    inventory.stop_on_errors()?;
    if let Some(answer) = inventory.open_questions() {
        return Ok(answer);
    }
    inventory.check_progress()?;
    let definitions = inventory.definitions();
    if inventory.moves_anything() {
        inventory.enter_containers();
        inventory.renew_contents();
    }
    let departure = inventory.depart(&definitions);
    let verified = inventory.verify(&definitions);
    let Some(departure) = departure.filter(|_| verified) else {
        inventory.stop_on_errors()?;
        return Ok(Answer::Ask(inventory.questions.take()));
    };
    inventory.guard_replacements(&departure);
    inventory.check();
    inventory.check_names();
    inventory.stop_on_errors()?;
    inventory.finish(&departure)
}

impl<'a> Inventory<'a> {
    pub(crate) fn stop_on_errors(&mut self) -> Result<(), PlanErrors> {
        match PlanErrors::of(std::mem::take(&mut self.errors)) {
            Some(errors) => Err(errors),
            None => Ok(()),
        }
    }

    /// What is to be said about the stack file stands in the plan, too.
    fn repeat_warnings(&mut self, stack: &Stack) {
        self.notes.extend(stack.warnings.iter().map(|warning| Note {
            severity: Severity::Warning,
            code: "plan::stack_file".to_owned(),
            address: None,
            message: warning.clone(),
            help: None,
        }));
    }

    fn open_questions(&mut self) -> Option<Answer> {
        (!self.questions.is_empty()).then(|| Answer::Ask(self.questions.take()))
    }

    fn check_removed(&mut self) {
        let Some(stack) = self.input.stack else { return };
        let declared: Vec<_> = stack.resources.keys().filter(|resource| self.is_removed(resource)).collect();
        self.errors
            .extend(declared.into_iter().map(|resource| PlanError::RemovedButDeclared { resource: resource.clone() }));
    }

    /// Nothing is asked and something is open: then things wait for each other.
    fn check_progress(&mut self) -> Result<(), PlanErrors> {
        if self.is_decided() && self.is_looked_at() {
            return Ok(());
        }
        let open = self.owners.iter().filter(|owner| owner.stated.is_some() && owner.phase != Phase::Settled);
        let ring = open.map(|owner| owner.address.to_string()).collect();
        self.errors.push(PlanError::Cycle { ring });
        self.stop_on_errors()
    }

    /// Everything is decided: the plan.
    fn finish(mut self, departure: &Departure) -> Result<Answer, PlanErrors> {
        let mut graph = Graph::default();
        let mut contracted = Contracted::default();
        let mut kept = self.kept(departure);
        if self.changes_anything() {
            graph = self.graph();
            match self.dag(&mut graph) {
                Some(dag) => {
                    let selected = self.selection(&graph, &dag);
                    self.apply_selection(&selected);
                    kept.retain(|kept| self.find(&kept.address).is_none_or(|node| selected[node as usize]));
                    contracted = self.contract(&graph, &dag, &selected);
                }
                None => self.stop_on_errors()?,
            }
        }
        let groups = self.groups();
        let outputs = self.outputs();
        self.stop_on_errors()?;
        let planned = self.assemble(&graph, contracted, groups, departure);
        let plan = Plan { kept, outputs, ..planned.plan };
        Ok(Answer::Plan(Box::new(Planned { plan, ..planned })))
    }

    fn assemble(self, graph: &Graph, contracted: Contracted, groups: Groups, departure: &Departure) -> Planned {
        let (mut steps, mut payloads, mut templates, mut before) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut contents = BTreeMap::new();
        for (place, &vertex) in contracted.steps.iter().enumerate() {
            let made = self.make(vertex, graph, &groups, departure);
            steps.push(made.step);
            payloads.push(made.payload);
            templates.push(made.template);
            before.push(made.before);
            if let Some(inside) = departure.contents.get(&vertex) {
                let address = |node: &u32| self.nodes[*node as usize].address.clone();
                contents.insert(place, inside.iter().map(address).collect());
            }
        }
        let moved =
            self.nodes.iter().filter_map(|node| Some((node.moved_from?.clone(), node.address.clone()))).collect();
        let plan = Plan {
            header: self.header(),
            groups: groups.groups,
            steps,
            edges: contracted.edges,
            kept: Vec::new(),
            drift: self.drift,
            notes: in_order(self.notes),
            outputs: BTreeMap::new(),
        };
        Planned { plan, payloads, templates, before, contents, moved }
    }

    fn header(&self) -> Header {
        let input = &self.input;
        let options = input.options;
        let mut inputs = self.inputs.clone();
        inputs.sort_by(|one, other| one.name.cmp(&other.name).then_with(|| one.digest.cmp(&other.digest)));
        inputs.dedup();
        let clusters: BTreeSet<&ResourceAddress> = self.standings.keys().collect();
        let identity = |cluster: &&ResourceAddress| match self.standings.get(*cluster) {
            Some(Standing::There(discovery)) => Some(discovery.identity.clone()),
            _ => None,
        };
        Header {
            format: PLAN_FORMAT,
            kfplan: input.kfplan.to_owned(),
            stack: input.ownership.stack.clone(),
            environment: input.ownership.environment.clone(),
            sandbox: input.sandbox,
            mode: input.mode,
            lineage: input.state.lineage.clone(),
            serial: input.state.serial,
            inputs,
            tenant: input.tenant.map(str::to_owned),
            subscription: input.subscription.map(str::to_owned),
            clusters: clusters.into_iter().map(|cluster| (cluster.clone(), identity(&cluster))).collect(),
            confirmed: options.confirm_replace.clone(),
            adopt: match &options.adopt {
                Adoption::All => ["*".to_owned()].into(),
                Adoption::Only(names) => names.clone(),
            },
            selection: {
                let targets = options.targets.iter().map(|name| format!("--target {name}"));
                targets.chain(options.excludes.iter().map(|name| format!("--exclude {name}"))).collect()
            },
            options: options.further(),
        }
    }

    fn kept(&self, departure: &Departure) -> Vec<Kept> {
        let kept = departure.kept.iter().map(|(&number, holds)| Kept {
            address: self.nodes[number as usize].address.clone(),
            protection: holds.protection,
            why: holds.why.clone(),
            lift: holds.lift.clone(),
        });
        let mut kept: Vec<Kept> = kept.collect();
        kept.sort_by(|one, other| one.address.cmp(&other.address));
        kept
    }

    /// The stack's outputs after apply.
    fn outputs(&mut self) -> BTreeMap<String, Shown> {
        let Some(stack) = self.input.stack.filter(|_| self.input.mode == Mode::Apply) else {
            return BTreeMap::new();
        };
        let keys = keys(stack);
        let mut outputs = BTreeMap::new();
        for output in &stack.outputs {
            let value = self.evaluate(&output.value, None, &keys, &format!("outputs.{}", output.name));
            outputs.insert(output.name.clone(), shown(&value, self.input.key));
        }
        outputs
    }
}

/// A value as a plan shows it: a value with a secret or a late part shows only that.
fn shown(value: &Value, key: &StackKey) -> Shown {
    let mut late = None;
    value.visit_late(&mut |found| {
        late.get_or_insert_with(|| found.clone());
    });
    if let Some(late) = late {
        return Shown::Late(late);
    }
    let json = revealed(value);
    if value.is_sensitive() {
        let tag = key.digest("secret", json.to_string().as_bytes());
        return Shown::Secret(tag.as_str().chars().take(8).collect());
    }
    Shown::Value(json)
}

/// The plain JSON of a value that is known. Secrets are in it.
pub(crate) fn revealed(value: &Value) -> Json {
    match value.reveal() {
        Value::Bool(value) => Json::from(*value),
        Value::Int(value) => Json::from(*value),
        Value::Float(value) => Json::from(*value),
        Value::String(text) => Json::from(&**text),
        Value::List(list) => list.iter().map(revealed).collect(),
        Value::Map(map) => map.iter().map(|(key, value)| (key.clone(), revealed(value))).collect(),
        Value::Handle(address) => Json::from(address.to_string()),
        Value::Null | Value::Late(_) | Value::Sensitive(_) => Json::Null,
    }
}

/// Each note once, those that stop an apply first, otherwise in the order in which they were found.
fn in_order(notes: Vec<Note>) -> Vec<Note> {
    let mut known = BTreeSet::new();
    let mut notes: Vec<Note> = notes.into_iter().filter(|note| known.insert(note.clone())).collect();
    notes.sort_by_key(|note: &Note| match note.severity {
        Severity::Blocks => 0,
        Severity::Warning => 1,
        Severity::Info => 2,
    });
    notes
}
