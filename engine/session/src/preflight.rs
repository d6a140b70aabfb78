//! What Azure's own lists say about what a plan would make: versions, sizes, quota, providers.

use std::collections::BTreeSet;

use kfplan_azure::{Considered, Needs, preflight_azure};
use kfplan_model::{ResourceAddress, Stack, Value};
use kfplan_plan::{Action, Draft, Locator, Note, Observation};
use kfplan_planner::{Answers, Planned};
use serde_json::Value as Json;

use crate::connection::Connection;

/// The notes about every ARM resource that a plan makes or changes; none is asked for when there is no such step.
pub(crate) async fn notes(connection: &Connection, stack: &Stack, planned: &Planned, answers: &Answers) -> Vec<Note> {
    let drafts = drafts(planned);
    if drafts.is_empty() {
        return Vec::new();
    }
    let considered: Vec<Considered<'_>> =
        drafts.iter().map(|draft| Considered { draft, live: live(&draft.locator, answers) }).collect();
    match connection.survey(&Needs::of(&considered)).await {
        Some(survey) => preflight_azure(&considered, &gpu_pools(stack), &survey),
        None => Vec::new(),
    }
}

fn drafts(planned: &Planned) -> Vec<Draft> {
    let changes = planned.plan.changes().filter(|(_, _, change)| {
        matches!(change.locator, Locator::Arm(_))
            && matches!(change.action, Action::Create | Action::Update | Action::Replace)
    });
    changes
        .filter_map(|(place, step, change)| {
            let payload = planned.payloads.get(place)?.as_ref()?;
            Some(Draft {
                address: step.address.clone(),
                locator: change.locator.clone(),
                desired: Some(payload.desired.clone()),
                application: None,
                after: Vec::new(),
                container: change.container.clone(),
                exclusive: change.exclusive.clone(),
                protection: change.protection,
                expected: change.expected,
                timeouts: (change.timeout, change.timeout, change.timeout),
                gate: true,
            })
        })
        .collect()
}

fn live<'a>(locator: &Locator, answers: &'a Answers) -> Option<&'a Json> {
    match answers.observations.get(locator) {
        Some(Observation::Present(live)) => Some(&live.body),
        _ => None,
    }
}

/// The pools that something needs GPUs on.
fn gpu_pools(stack: &Stack) -> BTreeSet<ResourceAddress> {
    let plugins = stack.resources.values().filter(|resource| resource.address.type_name() == "nvidia_device_plugin");
    plugins
        .filter_map(|resource| resource.fields.get("pools"))
        .flat_map(|pools| pools.as_list().iter().filter_map(Value::as_handle).cloned())
        .collect()
}
