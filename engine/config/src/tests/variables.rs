//! Which value a variable gets.

use super::stacks::{loaded, stack};
use super::{options, shown};
use crate::load;

const VARIABLES: &str = r#"
[vars]
a = { default = "default" }
n = { type = "int" }
l = { type = "list", default = [] }
m = { default = { x = 1 } }
f = { type = "float", default = 1 }
b = { default = true }
secret = { sensitive = true, default = "hunter2", allowed = ["hunter2", "other"] }
[env.prod]
vars = { a = "environment" }
"#;

fn value(line: &str, name: &str) -> String {
    format!("{:?}", loaded(&stack(VARIABLES), line).scope.vars.get(name).expect("a variable"))
}

#[test]
fn a_flag_wins_over_a_file_over_the_environment_table_over_the_process_over_the_default() {
    let all = ["", "process:KFPLAN_VAR_a=process", "env=prod", "file:a=\"file\"", "var:a=flag", "var:a=last"];
    let mut line = "var:n=1".to_owned();
    let mut seen = Vec::new();
    for word in all {
        line = format!("{line} {word}");
        seen.push(value(&line, "a"));
    }
    assert_eq!(seen, ["default", "process", "environment", "file", "flag", "last"].map(|text| format!("{text:?}")));
}

#[test]
fn text_from_outside_becomes_a_value_of_the_variables_type() {
    assert_eq!(value("var:n=7", "n"), "7");
    assert_eq!(value("var:n=7 var:l=[1,\"x\"]", "l"), "[1, \"x\"]");
    assert_eq!(value("var:n=7 var:m={y=2}", "m"), "{\"y\": 2}");
    assert_eq!(value("var:n=7 process:KFPLAN_VAR_f=2.5", "f"), "2.5");
    assert_eq!(value("var:n=7 var:b=false", "b"), "false");
    assert_eq!(value("var:n=7", "f"), "1.0");
    assert_eq!(value("var:n=7", "secret"), "(sensitive)");
}

#[test]
fn validate_takes_a_variable_without_a_value_as_unknown() {
    assert_eq!(value("validate", "n"), "late(\"${vars.n}\")");
}

#[test]
fn no_error_shows_the_value_of_a_sensitive_variable() {
    for line in [
        "var:n=1 var:secret=hunter3",
        "var:n=1 process:KFPLAN_VAR_secret=hunter3",
        "var:n=1 file:secret=[\"hunter3\"]",
        "var:n=x",
        "var:n=1 file:secret=\"hunter3",
    ] {
        let errors =
            load(&stack(VARIABLES), "kfplan.toml", &options(line), &super::schemas::schemas()).expect_err("refused");
        let shown = shown(&errors);
        assert!(!shown.contains("hunter"), "{line}: {shown}");
    }
}
