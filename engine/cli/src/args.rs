//! What every command takes, and the list of commands.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::{
    apply::ApplyArgs, completions::CompletionsArgs, credentials::CredentialsArgs, destroy::DestroyArgs,
    drift::DriftArgs, graph::GraphArgs, init::InitArgs, output::OutputArgs, plan::PlanArgs, render::RenderArgs,
    runs::RunsArgs, sandbox::SandboxArgs, schema::SchemaArgs, show::ShowArgs, state::StateArgs, validate::ValidateArgs,
    vendor::VendorArgs,
};

/// Puts Kubeflow on Azure Kubernetes Service, and keeps it there
///
/// One stack file says what should exist. `plan` shows what would change, `apply`
/// carries it out, `drift` says what changed behind its back, `destroy` takes it down.
#[derive(Debug, Parser)]
#[command(name = "kfplan", version, max_term_width = 100, propagate_version = true, subcommand_required = true, arg_required_else_help = true, after_help = EXITS)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXITS: &str = "Exit codes: 0 done or nothing to change; 1 failed before changing anything; 2 changes pending (plan --exit-code, drift); \
3 applied in part, or something wanted gone was kept; 4 the plan is stale; 5 locked; 6 a check or preflight blocks; 64 usage; 130 interrupted.";

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Run as if started in this folder
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true)]
    pub(crate) directory: Option<PathBuf>,

    /// The stack file, relative to the folder
    #[arg(long, value_name = "FILE", default_value = "kfplan.toml", global = true)]
    pub(crate) stack: String,

    /// The environment: selects `[env.NAME]` and a state of its own
    #[arg(long = "env", value_name = "NAME", env = "KFPLAN_ENV", global = true)]
    pub(crate) environment: Option<String>,

    /// Run against the simulated cloud, whose world lasts between commands
    #[arg(long, global = true)]
    pub(crate) sandbox: bool,

    /// Run against the simulated cloud, with a real control plane behind its clusters
    ///
    /// The sandbox gives out the credentials of the kubeconfig's current context in place of its own.
    #[arg(long, value_name = "KUBECONFIG", global = true)]
    pub(crate) sandbox_cluster: Option<PathBuf>,

    /// Colours: repeat what words and signs say already
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub(crate) color: When,

    /// How many calls may be under way at once
    #[arg(long, value_name = "N", default_value_t = 32, global = true, value_parser = clap::value_parser!(u16).range(1..=512))]
    pub(crate) parallelism: u16,

    /// How long to wait for a running apply to end, such as `30s` or `10m`
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration, global = true)]
    pub(crate) lock_timeout: Duration,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The values that go into a stack.
#[derive(Debug, Args, Default)]
pub(crate) struct Inputs {
    /// Set a variable
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) vars: Vec<(String, String)>,

    /// Set variables from a TOML file
    #[arg(long = "var-file", value_name = "FILE")]
    pub(crate) var_files: Vec<PathBuf>,

    /// Take a repo from a local folder or archive; for NAME also the address that a kustomization names
    #[arg(long = "repo", value_name = "NAME=PATH", value_parser = repo)]
    pub(crate) repos: Vec<(String, String)>,
}

impl Inputs {
    pub(crate) fn is_empty(&self) -> bool {
        self.vars.is_empty() && self.var_files.is_empty()
    }
}

/// Which part of a stack, and what is allowed to it.
#[derive(Debug, Args, Default)]
pub(crate) struct Choices {
    /// Only this address and what it depends on
    #[arg(long = "target", value_name = "ADDRESS")]
    pub(crate) targets: Vec<String>,

    /// All but this address and what depends on it
    #[arg(long = "exclude", value_name = "ADDRESS")]
    pub(crate) excludes: Vec<String>,

    /// Replace this address, even if it could stay
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) replace: Vec<String>,

    /// Take over what exists without this stack's mark: an address, or `all`
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "all")]
    pub(crate) adopt: Vec<String>,

    /// Confirm by name that something protected may be replaced or deleted
    #[arg(long = "confirm-replace", value_name = "NAME")]
    pub(crate) confirm_replace: Vec<String>,

    /// Look at the world; `false` trusts what was recorded
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub(crate) refresh: bool,

    /// What to wait for
    #[arg(long, value_name = "WHAT", default_value = "ready")]
    pub(crate) wait: WaitFor,

    /// Treat a cluster that cannot be reached as not observed
    #[arg(long = "allow-unreachable")]
    pub(crate) allow_unreachable: bool,
}

impl Choices {
    /// Whether any of it needs a fresh plan, and so cannot go with a plan file.
    pub(crate) fn is_default(&self) -> bool {
        self.targets.is_empty()
            && self.excludes.is_empty()
            && self.replace.is_empty()
            && self.adopt.is_empty()
            && self.confirm_replace.is_empty()
            && self.refresh
    }
}

/// What an apply waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub(crate) enum WaitFor {
    /// Until everything that was changed is ready
    #[default]
    Ready,
    /// Only where another step needs it
    Gates,
    /// For nothing
    None,
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a terminal or a log
    Text,
    /// For a pull request: at most 65,536 characters, what is destroyed first
    Markdown,
    /// For programs: docs/reference/plan.schema.json
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(InitArgs),
    Validate(ValidateArgs),
    Render(RenderArgs),
    Vendor(VendorArgs),
    Plan(PlanArgs),
    Apply(ApplyArgs),
    Destroy(DestroyArgs),
    Drift(DriftArgs),
    Show(ShowArgs),
    Graph(GraphArgs),
    Output(OutputArgs),
    Runs(RunsArgs),
    Credentials(CredentialsArgs),
    State(StateArgs),
    Sandbox(SandboxArgs),
    Schema(SchemaArgs),
    Completions(CompletionsArgs),
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

/// An address may hold a `=` itself, as in `?ref=v1`.
fn repo(text: &str) -> Result<(String, String), String> {
    if !text.contains("://") {
        return pair(text);
    }
    match text.rsplit_once('=') {
        Some((name, path)) if name.contains("://") && !path.is_empty() => Ok((name.to_owned(), path.to_owned())),
        _ => Err("write it as ADDRESS=PATH".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| "write it as 30s, 10m or 1h".to_owned())?;
    let seconds = match unit {
        "s" => Some(number),
        "m" => number.checked_mul(60),
        "h" => number.checked_mul(3600),
        _ => return Err("write it as 30s, 10m or 1h".to_owned()),
    };
    seconds.map(Duration::from_secs).ok_or_else(|| "that is too long".to_owned())
}
