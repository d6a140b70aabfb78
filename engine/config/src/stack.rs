//! The entry point.

use kfplan_model::{Scope, Stack};
use kfplan_plan::Schema;

use crate::checker::{Checker, Phase};
use crate::document;
use crate::error::ConfigError;
use crate::options::Options;
use crate::report::ConfigErrors;
use crate::source::Source;

/// The most bytes that a stack file may have.
const MAX_BYTES: usize = 8 << 20;

/// Reads a stack file for one environment.
///
/// `name` is the file's name as errors show it; `schemas` describe every resource
/// type. Equal inputs give equal answers. A leaf that reads what only exists after
/// apply is [`Late`](kfplan_model::Value::Late); one that reads a stated field of
/// another resource is known.
///
/// A resource whose list of resources (`pools`, say) names only such as are not
/// enabled is itself not enabled, and a warning says so.
///
/// # Errors
///
/// Everything that is wrong, see [`ConfigError`]. With [`Mode::Validate`](crate::Mode::Validate),
/// variables without a value are no error.
pub fn load(text: &str, name: &str, options: &Options<'_>, schemas: &[Schema]) -> Result<Stack, ConfigErrors> {
    let mut checker = Checker::new(Source::new(name, text), options, schemas);
    if text.len() > MAX_BYTES {
        checker.report.outside(ConfigError::TooLarge { bytes: text.len(), limit: MAX_BYTES });
        return Err(checker.report.finish(&checker.source));
    }
    let (document, errors) = document::parse(text);
    checker.declare_variables(&document);
    if !errors.is_empty() {
        // What was found so far may come from a file that was read in part only.
        checker.report.truncate(0);
        checker.hide_unread();
        if !checker.syntax(&errors) {
            return Err(checker.report.finish(&checker.source));
        }
        checker.declare_variables(&document);
    }
    let environment = options.environment.filter(|name| *name != "default");
    let chosen = checker.environments(&document, environment);
    checker.give_values(chosen);
    checker.names.environment = environment.unwrap_or("default").to_owned();

    let stack_name = checker.stack_name(&document);
    let azure = checker.azure(&document);
    checker.state(&document);
    let repos = checker.read_repos(&document);
    checker.gather(&document);
    checker.needs_azure(&document);
    checker.check_texts();
    checker.outputs(&document);
    let order = checker.order();
    let mut resources = Default::default();
    let mut outputs = Vec::new();
    if let Some(order) = &order {
        resources = checker.expand(order);
        checker.phase = Phase::Values;
        outputs = checker.outputs(&document);
    }
    let moved = checker.moved(&document);
    let removed = checker.removed(&document);
    if !checker.report.is_empty() {
        return Err(checker.report.finish(&checker.source));
    }
    Ok(Stack {
        name: stack_name,
        environment: environment_name(environment, options.sandbox),
        azure,
        repos,
        resources,
        moved,
        removed,
        outputs,
        scope: Scope { vars: checker.names.variables, env_name: checker.names.environment },
        warnings: checker.report.warnings,
    })
}

/// The sandbox is always an environment of its own.
fn environment_name(environment: Option<&str>, sandbox: bool) -> String {
    match (environment, sandbox) {
        (None, false) => "default".to_owned(),
        (Some(name), false) => name.to_owned(),
        (None, true) => "sandbox".to_owned(),
        (Some(name), true) => format!("sandbox-{name}"),
    }
}
