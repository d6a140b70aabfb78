//! Small kustomizations, one for each thing that dialect 5 does, held to `kubectl kustomize`:
//! both make the same objects in the same order, or both refuse.
//!
//! Without `kubectl` the test says that it is skipped, and fails where `CI=true`.

#![expect(clippy::print_stderr, reason = "a skipped test must be seen")]

use std::path::Path;
use std::process::Command;

use kfplan_kustomize::{Dialect, Tree, render};
use kfplan_objects::yaml;
use serde_json::Value;

/// Files written as `### path` and their content; a case begins with `=== name`.
const CASES: &str = include_str!("dialect5_cases.txt");

fn files(text: &str) -> Vec<(String, String)> {
    let parts = text.split("### ").skip(1).filter_map(|file| file.split_once('\n'));
    parts.map(|(path, content)| (path.trim().to_owned(), content.to_owned())).collect()
}

fn kubectl(root: &Path) -> Result<Vec<Value>, String> {
    let output = Command::new("kubectl")
        .args(["kustomize", "--load-restrictor", "LoadRestrictionsNone"])
        .arg(root.join("app"))
        .output()
        .expect("kubectl runs");
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(text.lines().filter(|line| !line.starts_with("# Warning")).take(4).collect::<Vec<_>>().join("\n"));
    }
    let text = String::from_utf8(output.stdout).expect("it is text");
    Ok(yaml::parse_documents(&text, yaml::Dialect::Kustomize5).expect("kubectl writes YAML"))
}

#[test]
fn each_case_is_rendered_as_kubectl_does() {
    if Command::new("kubectl").arg("version").arg("--client").output().is_err() {
        eprintln!("SKIPPED: there is no `kubectl` to compare with");
        assert!(std::env::var("CI").as_deref() != Ok("true"), "`kubectl` is needed where CI=true");
        return;
    }
    let root = std::env::temp_dir().join(format!("kfplan-dialect5-cases-{}", std::process::id()));
    let (mut wrong, mut count) = (Vec::new(), 0);
    for case in CASES.split("=== ").skip(1) {
        let (name, text) = case.split_once('\n').expect("a case has a name");
        let name = name.trim();
        let _ = std::fs::remove_dir_all(&root);
        let files = files(text);
        for (path, content) in &files {
            let target = root.join(path);
            std::fs::create_dir_all(target.parent().expect("it has a folder")).expect("the folder can be made");
            std::fs::write(target, content).expect("the file can be written");
        }
        let tree: Tree = files.into_iter().collect();
        let own = render(&tree, "app", Dialect::V5).map_err(|errors| errors.to_string());
        let theirs = kubectl(&root);
        count += 1;
        match (own, theirs) {
            (Err(_), Err(_)) if name.ends_with("(refused)") => {}
            (Err(own), Err(theirs)) => {
                wrong.push(format!("{name}: refused by both\n  own: {own}\n  kubectl: {theirs}"))
            }
            (Err(own), Ok(_)) => wrong.push(format!("{name}: refused, and kubectl does not: {own}")),
            (Ok(_), Err(theirs)) => wrong.push(format!("{name}: rendered, and kubectl does not: {theirs}")),
            (Ok(own), Ok(theirs)) if own.objects == theirs && !name.ends_with("(refused)") => {}
            (Ok(own), Ok(theirs)) => wrong.push(format!(
                "{name}:\n--- own\n{}--- kubectl\n{}",
                yaml::to_stream(&own.objects),
                yaml::to_stream(&theirs)
            )),
        }
    }
    let _ = std::fs::remove_dir_all(&root);
    assert!(count >= 60, "only {count} cases are left");
    assert!(wrong.is_empty(), "{} of {count} cases differ\n{}", wrong.len(), wrong.join("\n"));
}
