//! The examples are stacks that the binary takes.

use kfplan_tests::{Place, root};

#[test]
fn every_example_is_valid() {
    let examples = root().join("docs/examples");
    let mut count = 0;
    for entry in std::fs::read_dir(&examples).expect("the examples") {
        let name = entry.expect("a readable folder").file_name().to_string_lossy().into_owned();
        let path = format!("docs/examples/{name}");
        if root().join(&path).join("kfplan.toml").exists() {
            let place = Place::copy_of(&path);
            let subscription = [("AZURE_SUBSCRIPTION_ID", "00000000-0000-0000-0000-000000000000")];
            let _ = place.run_with(&subscription, &["validate"]).exits(0).says("valid");
            count += 1;
        }
    }
    assert!(count >= 3, "only {count} examples");
}

#[test]
fn every_template_is_valid() {
    for template in ["kubeflow-26.03", "kubeflow-1.2", "existing-cluster"] {
        let place = Place::new();
        let _ = place.run(&["init", "--template", template]).exits(0).says("wrote ");
        let subscription = [("AZURE_SUBSCRIPTION_ID", "00000000-0000-0000-0000-000000000000")];
        let _ = place.run_with(&subscription, &["validate"]).exits(0).says("valid");
        let _ = place.run(&["init"]).exits(1).says("kfplan::init::exists");
    }
}
