//! Drift: what differs from what was applied, from records alone.

use kfplan_model::{Address, Path};
use kfplan_plan::{Drift, Note, RecordState, Severity, Shown};

use crate::cluster::Standing;
use crate::decide::{gone, verb};
use crate::error::PlanErrors;
use crate::input::{Input, Question};
use crate::inventory::{Inventory, Node, Seen};

/// What looking for drift gives.
#[derive(Debug, Clone, PartialEq)]
pub enum DriftAnswer {
    /// Everything that can be told.
    Drifted(Drifted),
    /// What must be known first.
    Ask(Vec<Question>),
}

/// What differs from what was applied.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Drifted {
    /// What differs, by address and path.
    pub drift: Vec<Drift>,
    /// What could not be told.
    pub undecided: Vec<Undecided>,
    /// What else is to be said: open intents, contents of a cluster that is gone.
    pub notes: Vec<Note>,
}

/// Something of which nobody can tell whether it drifted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Undecided {
    /// What.
    pub address: Address,
    /// Why not.
    pub why: String,
}

/// Finds what differs from what was applied, or asks. Needs neither the stack file nor rendering, and writes nothing.
///
/// # Errors
///
/// [`crate::PlanError::OtherIdentity`] when another cluster, tenant or subscription answers than state is bound to:
/// then nothing is compared. [`crate::PlanError::Unreachable`] when a cluster does not answer.
pub fn drift(input: &Input<'_>) -> Result<DriftAnswer, PlanErrors> {
    let mut inventory = Inventory::new(Input { stack: None, ..*input });
    inventory.check_bindings();
    inventory.enter_records();
    inventory.stop_on_errors()?;
    inventory.look_at_unwanted();
    inventory.stop_on_errors()?;
    if !inventory.questions.is_empty() {
        return Ok(DriftAnswer::Ask(inventory.questions.take()));
    }
    let mut drifted = Drifted { notes: std::mem::take(&mut inventory.notes), ..Drifted::default() };
    let mut lost = std::collections::BTreeMap::new();
    for number in 0..inventory.nodes.len() as u32 {
        inventory.drift_of_record(number, &mut drifted, &mut lost);
    }
    for (cluster, count) in lost {
        drifted.notes.push(Note {
            severity: Severity::Info,
            code: "drift::lost_contents".to_owned(),
            address: Some(Address::from(cluster)),
            message: format!("{count} recorded objects were in it"),
            help: None,
        });
    }
    drifted.drift.sort_by(|one, other| (&one.address, &one.path).cmp(&(&other.address, &other.path)));
    Ok(DriftAnswer::Drifted(drifted))
}

impl<'a> Inventory<'a> {
    fn drift_of_record(
        &self,
        number: u32,
        drifted: &mut Drifted,
        lost: &mut std::collections::BTreeMap<kfplan_model::ResourceAddress, usize>,
    ) {
        let node = &self.nodes[number as usize];
        let Some(recorded) = node.recorded else { return };
        if let RecordState::InDoubt(intent) = &recorded.record.state {
            drifted.notes.push(Note {
                severity: Severity::Warning,
                code: "drift::in_doubt".to_owned(),
                address: Some(node.address.clone()),
                message: format!("an interrupted run left it open while it was asked to {}", verb(intent.action)),
                help: Some("the next `kfplan apply` resolves it by itself".to_owned()),
            });
            return;
        }
        if let Some(object) = node.object()
            && matches!(self.standings.get(&object.cluster), Some(Standing::Gone | Standing::Comes(_)))
        {
            *lost.entry(object.cluster.clone()).or_insert(0) += 1;
            return;
        }
        let undecided = |why: &String| Undecided { address: node.address.clone(), why: why.clone() };
        match &node.seen {
            Seen::Absent | Seen::NotServed => drifted.drift.push(gone(node)),
            Seen::Unknown(why) | Seen::LeftOut(why) | Seen::ToCome(why) => drifted.undecided.push(undecided(why)),
            Seen::Live(live) => {
                let rules = self.input.kinds.rules(node.locator());
                let found = rules.drift(recorded, live, self.input.ownership, self.input.key);
                drifted.drift.extend(remade(node, &found).map_or(found, |remade| vec![remade]));
            }
            Seen::Pending => drifted.undecided.push(undecided(&"it was not looked at".to_owned())),
        }
    }
}

/// The thing is there under another uid than was recorded: somebody made it again. The rules may know who.
pub(crate) fn remade(node: &Node<'_>, found: &[Drift]) -> Option<Drift> {
    let recorded = node.recorded.filter(|recorded| recorded.record.state == RecordState::Settled)?;
    let (before, now) = (recorded.record.uid.as_ref()?, node.live()?.uid.as_ref()?);
    (before != now).then(|| Drift {
        address: node.address.clone(),
        path: Path::root(),
        old: Shown::Value(before.as_str().into()),
        new: Shown::Value(now.as_str().into()),
        witness: found.iter().find_map(|drift| drift.witness.clone()),
    })
}
