//! What Azure would refuse about a body, seen beside the others.

use kfplan_plan::{Desired, Locator, Note, ObjectView, Severity};
use serde_json::Value as Json;

use super::marks::address;
use crate::id::{ArmId, Family};
use crate::versions::Version;

/// How many minor versions the nodes may be behind the control plane.
const SKEW: u32 = 3;

pub(super) fn check(desired: &Desired, locator: &Locator, objects: &[ObjectView<'_>]) -> Vec<Note> {
    let Locator::Arm(arm) = locator else { return Vec::new() };
    let id = ArmId::new(arm.id.as_str());
    match id.family() {
        Family::Pool => pool(desired, &id, objects),
        Family::Group | Family::Cluster | Family::Other => Vec::new(),
    }
}

fn pool(desired: &Desired, id: &ArmId, objects: &[ObjectView<'_>]) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut say = |code: &str, message: String, help: String| {
        notes.push(Note {
            severity: Severity::Blocks,
            code: code.to_owned(),
            address: address(&desired.body),
            message,
            help: Some(help),
        });
    };
    let Some(cluster_id) = id.cluster_id() else { return notes };
    let cluster = objects.iter().find(|object| match object.locator {
        Locator::Arm(arm) => ArmId::new(arm.id.as_str()) == cluster_id,
        Locator::Object(_) => false,
    });
    let Some(cluster) = cluster else { return notes };
    let text = |body: &Json, pointer: &str| body.pointer(pointer).and_then(Json::as_str).and_then(Version::read);
    let own = text(&desired.body, "/properties/orchestratorVersion");
    let control = text(cluster.body, "/properties/kubernetesVersion");
    if let (Some(own), Some(control)) = (own, control) {
        if control.is_before(own) {
            say(
                "azure::pool_newer",
                format!("the pool asks for Kubernetes {own}, and its cluster for {control}: nodes are never newer"),
                format!(
                    "state kubernetes_version = \"{}.{}\" or less, or upgrade the cluster too",
                    control.major, control.minor
                ),
            );
        } else if own.major == control.major && own.minor + SKEW < control.minor {
            say(
                "azure::pool_older",
                format!(
                    "the pool asks for Kubernetes {own}, more than {SKEW} minor versions behind its cluster's {control}"
                ),
                "upgrade the pool too, one minor version at a time".to_owned(),
            );
        }
    }
    let pools = cluster.body.pointer("/properties/agentPoolProfiles").and_then(Json::as_array);
    let own_name = |pool: &&Json| pool.get("name").and_then(Json::as_str) == Some(id.name());
    // A live cluster lists all its pools; a stated one only the pool that it is made with.
    let is_live = cluster.body.get("id").is_some();
    if !is_live && pools.into_iter().flatten().any(|pool| own_name(&pool)) {
        let message = format!("`{}` is already the name of the pool that the cluster is made with", id.name());
        say("azure::pool_twice", message, "give one of them another name".to_owned());
    }
    notes
}
