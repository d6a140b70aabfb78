//! The stack file: read, checked, and described.

use std::path::{Path, PathBuf};

use kfplan_config::Mode;
use kfplan_model::Stack;
use kfplan_plan::Schema;
use serde_json::Value as Json;

use crate::error::{Failure, SessionError};
use crate::kinds::kinds;
use crate::options::Options;
use crate::place::Place;

/// What `validate` found.
#[derive(Debug, Clone)]
pub struct Validated {
    /// How many resources the stack has in this environment.
    pub resources: usize,
    /// The environment.
    pub environment: String,
    /// What is allowed, and probably not meant.
    pub warnings: Vec<String>,
}

/// The stack files to start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// Kubeflow 26.03 on AKS.
    Kubeflow2603,
    /// Kubeflow 1.2, for the sandbox.
    Kubeflow12,
    /// A cluster that exists.
    ExistingCluster,
}

/// The name of the environment whose state is used.
pub(crate) fn environment_name(options: &Options) -> String {
    match (options.sandbox, options.environment.as_deref()) {
        (false, None) => "default".to_owned(),
        (false, Some(name)) => name.to_owned(),
        (true, None | Some("default")) => "sandbox".to_owned(),
        (true, Some(name)) => format!("sandbox-{name}"),
    }
}

/// The files beside the stack file.
struct Beside(PathBuf);

impl kfplan_config::Files for Beside {
    fn exists(&self, path: &str) -> bool {
        self.0.join(path).exists()
    }

    fn matches(&self, pattern: &str) -> bool {
        crate::glob::matches(&self.0, pattern).is_ok_and(|files| !files.is_empty())
    }
}

/// Loads the stack.
pub(crate) fn load(options: &Options, mode: Mode) -> Result<Stack, SessionError> {
    let place = Place::of(options);
    let text = match std::fs::read_to_string(place.stack_file()) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let help = "run `kfplan init` to write one, or point at one with `-C DIR` or `--stack FILE`";
            return Err(Failure::new(
                "stack::missing",
                format!("there is no stack file at `{}`", place.stack_file().display()),
                help,
            )
            .into());
        }
        Err(error) => return Err(SessionError::system(&format!("read `{}`", place.stack_file().display()), &error)),
    };
    let variable_files = options
        .var_files
        .iter()
        .map(|file| Ok((file.display().to_string(), place.read(&options.directory.join(file))?)))
        .collect::<Result<Vec<_>, SessionError>>()?;
    let files = Beside(place.folder().to_owned());
    let given = kfplan_config::Options {
        environment: options.environment.as_deref(),
        sandbox: options.sandbox,
        variables: options.vars.clone(),
        variable_files,
        process: options.variables.clone(),
        // The session takes local copies itself: the stack keeps saying where a repo is declared to be.
        repos: Vec::new(),
        mode,
        files: &files,
    };
    Ok(kfplan_config::load(&text, &options.stack_file, &given, &schemas())?)
}

/// Checks a stack file, offline.
///
/// # Errors
///
/// Everything that is wrong with it.
pub fn validate(options: &Options) -> Result<Validated, SessionError> {
    let stack = load(options, Mode::Validate)?;
    Ok(Validated { resources: stack.resources.len(), environment: stack.environment, warnings: stack.warnings })
}

fn schemas() -> Vec<Schema> {
    kinds().kinds.values().map(|kind| kind.schema().clone()).collect()
}

/// The JSON Schema of the stack file.
#[must_use]
pub fn stack_schema() -> Json {
    kfplan_config::json_schema(&schemas())
}

/// The reference of the stack file, as Markdown.
#[must_use]
pub fn stack_reference() -> String {
    kfplan_config::reference(&schemas())
}

/// Writes a stack file to start from. Never over one that is there.
///
/// # Errors
///
/// When there is one already, or the folder cannot be written.
pub fn init(options: &Options, template: Template) -> Result<PathBuf, SessionError> {
    let place = Place::of(options);
    let name = match template {
        Template::Kubeflow2603 => "kubeflow-26.03",
        Template::Kubeflow12 => "kubeflow-1.2",
        Template::ExistingCluster => "existing-cluster",
    };
    let text =
        kfplan_config::TEMPLATES.iter().find(|template| template.name == name).map_or("", |template| template.text);
    write_new(place.stack_file(), text)?;
    Ok(place.stack_file().to_owned())
}

fn write_new(path: &Path, text: &str) -> Result<(), SessionError> {
    use std::io::Write as _;
    match std::fs::OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file
            .write_all(text.as_bytes())
            .map_err(|error| SessionError::system(&format!("write `{}`", path.display()), &error)),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(Failure::new(
            "init::exists",
            format!("`{}` is there already", path.display()),
            "remove it first, or write elsewhere with `-C DIR`",
        )
        .into()),
        Err(error) => Err(SessionError::system(&format!("write `{}`", path.display()), &error)),
    }
}
