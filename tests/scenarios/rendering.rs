//! Rendering, and pinning what is rendered.

use kfplan_tests::{Place, applied};

const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");

#[test]
fn what_is_rendered_into_a_folder_serves_as_manifests() {
    let place = applied(SCRATCH);
    let _ = place.run(&["render", "manifests.app", "-o", "rendered"]).exits(0).says("wrote 4 files below rendered");
    place.edit("kfplan.toml", "files   = [\"k8s/*.yaml\"]", "kustomization = \"rendered\"");
    let _ = place.run(&["plan", "--sandbox", "--exit-code"]).exits(0).says("Nothing to do");
    let _ = place.run(&["render", "-o", "rendered"]).exits(1).says("kfplan::render::not_empty");
}

#[test]
fn a_kubeflow_that_is_rendered_into_a_folder_renders_the_same_from_it() {
    let place = Place::copy_of("docs/examples/quickstart");
    let first = place.run(&["render", "kubeflow.main", "--list"]).exits(0).out;
    assert!(first.lines().count() > 60, "{first}");
    let _ = place.run(&["render", "kubeflow.main", "-o", "rendered"]).exits(0);
    let whole = place.run(&["render", "--kustomization", "rendered"]).exits(0).out;
    let objects = |text: &str| text.lines().filter(|line| line.starts_with("kind: ")).count();
    assert_eq!(objects(&whole), objects(&place.run(&["render", "kubeflow.main"]).exits(0).out));
}

#[test]
fn rendering_asks_no_cloud_and_leaves_nothing_behind() {
    let place = Place::copy_of("docs/examples/quickstart");
    let _ = place.run(&["render", "manifests.team"]).exits(0).says("name: team-vision");
    let _ = place.run(&["render", "resource_group.main"]).exits(1).says("kfplan::render::none");
    assert!(!place.path().join(".kfplan/state").exists() && !place.path().join(".kfplan/sandbox").exists());
}

#[test]
fn what_is_pinned_must_be_what_is_there() {
    let place = Place::copy_of("docs/examples/quickstart");
    let _ = place.run(&["vendor"]).exits(0).says("manifests");
    assert!(place.read("kfplan.lock").contains("manifests"));
    let _ = place.run(&["render", "kubeflow.main", "--list"]).exits(0);
    place.edit("manifests/notebooks/params.env", "=", "=x");
    let _ =
        place.run(&["render", "kubeflow.main", "--list"]).exits(1).says("kfplan.lock").says("kfplan vendor --update");
    let _ = place.run(&["plan", "--sandbox"]).exits(1).says("kfplan vendor --update");
    let _ = place.run(&["vendor"]).exits(1).says("kfplan vendor --update");
    let _ = place.run(&["vendor", "--update"]).exits(0);
    let _ = place.run(&["render", "kubeflow.main", "--list"]).exits(0);
}
