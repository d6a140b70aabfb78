//! The version of the MPI operator.

use serde_json::Value;

use super::{Facts, Rule, Scene, Verdict, containers, containers_mut, find, is_named};
use crate::applications::Bundle;
use crate::naming::name_of;

/// The image without a tag.
const IMAGE: &str = "mpioperator/mpi-operator";

/// The last version whose controller understands the flags and the definition of 1.2.
const PINNED: &str = "mpioperator/mpi-operator:v0.2.3";

pub(super) const RULE: Rule = Rule {
    name: "mpi-operator",
    reason: "`mpi-operator:latest` is a later controller, which ends at once because it does not know the flag `--kubectl-delivery-image`. It is pinned to v0.2.3 rather than installed anew from its repository: the definition there lacks the stored version v1, so the API server refuses it as long as the old one exists, and a second installation would share a ClusterRoleBinding with the first",
    condition: "a Deployment `mpi-operator` runs the image without a version",
    versions: "1.0 to 1.2",
    decide,
    apply,
};

fn decide(scene: &Scene<'_>) -> Verdict {
    match find(scene.bundle, "Deployment", "mpi-operator") {
        None => Verdict::Leave("there is no MPI operator in this installation".to_owned()),
        Some(operator) => match containers(operator).filter_map(image).find(|image| is_floating(image)) {
            Some(image) => {
                Verdict::Take(format!("`{image}` is a later controller, which does not know the flags it is given"))
            }
            None => Verdict::Leave("the MPI operator has a version already".to_owned()),
        },
    }
}

fn image(container: &Value) -> Option<&str> {
    container.get("image").and_then(Value::as_str)
}

fn is_floating(image: &str) -> bool {
    image == IMAGE || image.strip_prefix(IMAGE).is_some_and(|tag| tag == ":latest")
}

fn apply(_: &Facts, bundle: &mut Bundle) -> Result<Vec<String>, String> {
    let mut changed = Vec::new();
    for object in bundle.objects_mut().filter(|object| is_named(object, "Deployment", "mpi-operator")) {
        let name = name_of(object);
        for slot in containers_mut(object).filter_map(|container| container.get_mut("image")) {
            if slot.as_str().is_some_and(is_floating) {
                *slot = PINNED.into();
                changed.push(format!("the image of {name} to `{PINNED}`"));
            }
        }
    }
    if changed.is_empty() {
        return Err(format!("no Deployment `mpi-operator` runs `{IMAGE}` without a version"));
    }
    Ok(changed)
}
