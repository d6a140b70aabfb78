//! One file a subcommand: its arguments, and `run`.

pub(crate) mod apply;
pub(crate) mod completions;
pub(crate) mod credentials;
pub(crate) mod destroy;
pub(crate) mod drift;
pub(crate) mod graph;
pub(crate) mod init;
pub(crate) mod output;
pub(crate) mod plan;
pub(crate) mod render;
pub(crate) mod runs;
pub(crate) mod sandbox;
pub(crate) mod schema;
pub(crate) mod show;
pub(crate) mod state;
pub(crate) mod validate;
pub(crate) mod vendor;

use std::path::PathBuf;

use kfplan_plan::Plan;
use kfplan_session::{Exit, Options, Selection, Session, SessionError, Wait};

use crate::args::{Arguments, Choices, Command, Format, Global, Inputs, WaitFor};
use crate::ui::Ui;

/// Runs the command that was asked for.
pub(crate) fn run(ui: &Ui, arguments: Arguments) -> Exit {
    let global = arguments.global;
    let done = match arguments.command {
        Command::Init(args) => init::run(ui, &global, &args),
        Command::Validate(args) => validate::run(ui, &global, &args),
        Command::Schema(args) => schema::run(ui, &args),
        Command::Completions(args) => completions::run(ui, &args),
        other => match tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build() {
            Ok(runtime) => runtime.block_on(connected(ui, &global, other)),
            Err(error) => Err(SessionError::system("start the runtime", &error)),
        },
    };
    done.unwrap_or_else(|error| ui.fail(error))
}

/// The commands that may talk to a cloud.
async fn connected(ui: &Ui, global: &Global, command: Command) -> Result<Exit, SessionError> {
    match command {
        Command::Render(args) => render::run(ui, global, &args).await,
        Command::Vendor(args) => vendor::run(ui, global, &args).await,
        Command::Plan(args) => plan::run(ui, global, &args).await,
        Command::Apply(args) => apply::run(ui, global, &args).await,
        Command::Destroy(args) => destroy::run(ui, global, &args).await,
        Command::Drift(args) => drift::run(ui, global, &args).await,
        Command::Show(args) => show::run(ui, global, &args),
        Command::Graph(args) => graph::run(ui, global, &args).await,
        Command::Output(args) => output::run(ui, global, &args),
        Command::Runs(args) => runs::run(ui, global, &args),
        Command::Credentials(args) => credentials::run(ui, global, &args).await,
        Command::State(args) => state::run(ui, global, &args),
        Command::Sandbox(args) => sandbox::run(ui, global, &args).await,
        Command::Init(_) | Command::Validate(_) | Command::Schema(_) | Command::Completions(_) => Ok(Exit::Done),
    }
}

/// What a session is opened with.
pub(crate) fn options(global: &Global, inputs: &Inputs) -> Options {
    Options {
        directory: global.directory.clone().unwrap_or_else(|| PathBuf::from(".")),
        stack_file: global.stack.clone(),
        environment: global.environment.clone(),
        sandbox: global.sandbox,
        sandbox_cluster: global.sandbox_cluster.clone(),
        vars: inputs.vars.clone(),
        var_files: inputs.var_files.clone(),
        repos: inputs.repos.iter().map(|(name, path)| (name.clone(), PathBuf::from(path))).collect(),
        variables: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        parallelism: usize::from(global.parallelism),
        lock_timeout: global.lock_timeout,
    }
}

/// What a plan is made for.
pub(crate) fn selection(choices: &Choices) -> Selection {
    Selection {
        targets: choices.targets.clone(),
        excludes: choices.excludes.clone(),
        replace: choices.replace.clone(),
        adopt: choices.adopt.clone(),
        confirm_replace: choices.confirm_replace.clone(),
        refresh: choices.refresh,
        wait: match choices.wait {
            WaitFor::Ready => Wait::Ready,
            WaitFor::Gates => Wait::Gates,
            WaitFor::None => Wait::None,
        },
        allow_unreachable: choices.allow_unreachable,
        ..Selection::default()
    }
}

/// Opens a session, saying first what it works on: the first output must not wait for a cloud.
pub(crate) async fn open(ui: &Ui, global: &Global, inputs: &Inputs) -> Result<Session, SessionError> {
    let session = Session::open(options(global, inputs))?;
    ui.say(&session.banner());
    session.connect().await
}

/// As [`open`], for a command that changes something: refuses first to keep state where it would be lost.
pub(crate) async fn open_to_change(ui: &Ui, global: &Global, inputs: &Inputs) -> Result<Session, SessionError> {
    let session = Session::open(options(global, inputs))?;
    session.may_keep_state(global.sandbox)?;
    ui.say(&session.banner());
    session.connect().await
}

/// A plan in the format that was asked for.
pub(crate) fn shown(ui: &Ui, plan: &Plan, format: Format, full: bool) -> String {
    match format {
        Format::Text => kfplan_view::plan_text(plan, ui.text(full)),
        Format::Markdown => kfplan_view::plan_markdown(plan, kfplan_view::COMMENT_LIMIT),
        Format::Json => format!("{:#}\n", kfplan_view::plan_json(plan)),
    }
}
