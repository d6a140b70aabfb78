//! What is made from the schemas: JSON Schema, reference, and the templates that fit them.

use super::schemas::schemas;
use super::{options, shown};
use crate::{AllFiles, Options, TEMPLATES, json_schema, load, reference};

/// A stack file as the JSON Schema sees it.
fn as_json(text: &str) -> serde_json::Value {
    let table: toml::Table = text.parse().expect("TOML");
    serde_json::to_value(table).expect("JSON")
}

fn schema_errors(text: &str) -> Vec<String> {
    let schema = json_schema(&schemas());
    let validator = jsonschema::validator_for(&schema).expect("a JSON Schema");
    validator.iter_errors(&as_json(text)).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_json_schema_takes_the_sample_of_the_design() {
    assert_eq!(schema_errors(super::stacks::SAMPLE), Vec::<String>::new());
}

#[test]
fn the_json_schema_refuses_what_load_refuses() {
    for (text, part) in [
        ("[stack]\nname = \"a\"\n[aks_clutser.main]\nname = \"x\"", "aks_clutser"),
        ("[stack]\nname = \"A\"", "/stack/name"),
        (
            "[stack]\nname = \"a\"\n[aks_node_pool.gpu]\nvm_size = 3\ncluster = \"${aks_cluster.main}\"",
            "/aks_node_pool/gpu/vm_size",
        ),
        (
            "[stack]\nname = \"a\"\n[aks_node_pool.gpu]\nvm_size = \"x\"\ncount = -1\ncluster = \"${aks_cluster.main}\"",
            "/aks_node_pool/gpu/count",
        ),
        ("[vars]\na = 1", "/vars/a"),
    ] {
        let errors = schema_errors(text).join("\n");
        assert!(errors.contains(part), "{text}: {errors}");
    }
}

/// The schemas of these tests are smaller than the real ones, so an example may well use what
/// they lack; all else of it must be right.
#[test]
fn every_example_is_a_stack_that_the_json_schema_takes() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples");
    let folders = std::fs::read_dir(&root).into_iter().flatten().filter_map(Result::ok);
    for file in folders.map(|folder| folder.path().join("kfplan.toml")).filter(|file| file.exists()) {
        let text = std::fs::read_to_string(&file).expect("a text");
        let options = Options { files: &AllFiles, ..options("validate") };
        let lacks = |code: &str| matches!(code, "unknown_field" | "unknown_type" | "unknown_output" | "bad_value");
        match load(&text, "kfplan.toml", &options, &schemas()) {
            Ok(_) => assert_eq!(schema_errors(&text), Vec::<String>::new(), "{}", file.display()),
            Err(errors) => {
                let wrong = errors.errors().iter().any(|error| !lacks(error.error().code()));
                assert!(!wrong, "{}: {}", file.display(), shown(&errors));
            }
        }
    }
}

#[test]
fn every_template_is_a_stack() {
    for template in TEMPLATES {
        let options = Options { files: &AllFiles, variables: Vec::new(), ..options("validate") };
        let loaded = load(template.text, template.name, &options, &schemas());
        let stack = loaded.unwrap_or_else(|errors| panic!("{}", shown(&errors)));
        assert!(stack.resources.keys().any(|address| address.type_name() == "kubeflow"), "{}", template.name);
        assert_eq!(schema_errors(template.text), Vec::<String>::new(), "{}", template.name);
        assert!(template.text.lines().all(|line| line.chars().count() <= 100), "{}", template.name);
    }
}

#[test]
fn the_reference_lists_every_type_and_field() {
    let page = reference(&schemas());
    for schema in schemas() {
        assert!(page.contains(&format!("### `{}`", schema.type_name)));
        for field in schema.fields {
            assert!(page.contains(&format!("| `{}` |", field.name)), "{}", field.name);
        }
    }
    insta::assert_snapshot!(page);
}
