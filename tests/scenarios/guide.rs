//! The guide as one stack, on the real manifests: 566 things on Kubernetes 1.21.

use kfplan_tests::{Cloud, Place, shared};

#[test]
fn the_guide_is_applied_is_quiet_and_leaves_the_cloud_as_it_was() {
    let Some(manifests) = shared("kubeflow/manifests-v1.2.0.tar.gz") else { return };
    let place = Place::copy_of("docs/examples/kubeflow-1.2");
    let cloud = Cloud::serve(&place);
    let before = cloud.listing();
    let repo = format!("manifests={}", manifests.display());
    let run = |arguments: &[&str]| place.run(&[arguments, &["--sandbox", "--repo", &repo]].concat());
    let _ = run(&["apply", "--auto-approve"]).exits(0).says("566 changes done");
    let _ = run(&["plan", "--exit-code"]).exits(0).says("Nothing to do: 566 resources as wanted.");
    let _ = run(&["drift"]).exits(0).says("No drift: 566 resources as applied.");
    // Profiles and their like are data.
    let _ = run(&["destroy", "--auto-approve"]).exits(3).says("--delete-data");
    assert!(cloud.listing().len() > before.len());
    let _ = run(&["destroy", "--auto-approve", "--delete-data"]).exits(0);
    assert_eq!(cloud.listing(), before);
    assert_eq!(place.run(&["state", "list", "--sandbox"]).exits(0).out, "");
}
