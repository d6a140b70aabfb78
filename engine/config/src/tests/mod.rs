//! What a stack file means, and what is said of one that is wrong.

mod broken;
mod generated;
mod schemas;
mod stacks;
mod variables;

use std::collections::BTreeMap;

use miette::{GraphicalReportHandler, GraphicalTheme};

use crate::{ConfigErrors, Files, Mode, Options};

/// A folder that holds `k8s` and `kubeconfig`, and nothing else.
pub(super) struct Folder;

impl Files for Folder {
    fn exists(&self, path: &str) -> bool {
        ["k8s", "k8s/overlay", "kubeconfig", "body.json", "repo.tar.gz", "example"].contains(&path)
    }

    fn matches(&self, pattern: &str) -> bool {
        matches!(pattern, "k8s/*.yaml" | "k8s/**")
    }
}

/// An error as a terminal of 100 columns shows it, without colour.
pub(super) fn shown(errors: &ConfigErrors) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
    let mut text = String::new();
    handler.render_report(&mut text, errors).expect("writing to a string");
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Options as a line gives them: `env=prod var:a=1 process:B=2 repo:x=y validate sandbox`.
pub(super) fn options(line: &str) -> Options<'static> {
    let mut options = Options { mode: Mode::Plan, files: &Folder, process: BTreeMap::new(), ..Options::default() };
    options.process.insert("AZURE_SUBSCRIPTION_ID".to_owned(), "11111111-1111-1111-1111-111111111111".to_owned());
    for word in line.split_whitespace() {
        let (kind, rest) = word.split_once([':', '=']).unwrap_or((word, ""));
        let (name, value) = rest.split_once('=').unwrap_or((rest, ""));
        let pair = (name.to_owned(), value.to_owned());
        match kind {
            "env" => options.environment = Some(Box::leak(rest.to_owned().into_boxed_str())),
            "var" => options.variables.push(pair),
            "file" => options.variable_files.push(("values.toml".to_owned(), rest.replace(';', "\n"))),
            "process" => drop(options.process.insert(pair.0, pair.1)),
            "unset" => drop(options.process.remove(rest)),
            "repo" => options.repos.push(pair),
            "validate" => options.mode = Mode::Validate,
            "sandbox" => options.sandbox = true,
            _ => panic!("unknown option {word}"),
        }
    }
    options
}
