//! The guide as one stack, on the real manifests: 566 things on Kubernetes 1.21.

use kfplan_tests::{Place, shared};

#[test]
fn a_plan_right_after_the_guide_was_applied_is_empty_and_nothing_drifted() {
    let Some(manifests) = shared("kubeflow/manifests-v1.2.0.tar.gz") else { return };
    let place = Place::copy_of("docs/examples/kubeflow-1.2");
    let repo = format!("manifests={}", manifests.display());
    let run = |arguments: &[&str]| place.run(&[arguments, &["--sandbox", "--repo", &repo]].concat());
    let _ = run(&["apply", "--auto-approve"]).exits(0).says("566 changes done");
    let _ = run(&["plan", "--exit-code"]).exits(0).says("Nothing to do: 566 resources as wanted.");
    let _ = run(&["drift"]).exits(0).says("No drift: 566 resources as applied.");
}
