//! Running the Azure CLI, with the environment that was given and never for ever.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use azure_identity::Executor;

use crate::Environment;

/// The CLI may refresh a token over the network; a minute is more than it takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a program with exactly this environment.
pub(crate) struct Runner {
    pub(crate) environment: Environment,
}

/// The environment may hold secrets.
impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Runner")
    }
}

#[async_trait::async_trait]
impl Executor for Runner {
    async fn run(&self, program: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
        let run = tokio::process::Command::new(program)
            .args(args)
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        match tokio::time::timeout(PATIENCE, run).await {
            Ok(output) => output,
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "`az` gave no token within 60 s")),
        }
    }
}

/// Whether a program of this name is on the PATH of an environment.
pub(crate) fn is_on_path(environment: &Environment, program: &str) -> bool {
    let path = environment.get("PATH").map(String::as_str).unwrap_or_default();
    std::env::split_paths(path).any(|folder| {
        let file = Path::new(&folder).join(program);
        file.is_file() || file.with_extension("cmd").is_file()
    })
}
