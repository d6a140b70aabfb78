//! Where a stack's files are.

use std::path::{Path, PathBuf};

use crate::error::SessionError;
use crate::options::Options;

/// The folder of a stack, and what kfplan keeps beside the stack file.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    folder: PathBuf,
    stack_file: PathBuf,
}

impl Place {
    pub(crate) fn of(options: &Options) -> Self {
        let stack_file = options.directory.join(&options.stack_file);
        let folder = stack_file.parent().map(Path::to_path_buf).unwrap_or_default();
        Self { folder: if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder }, stack_file }
    }

    /// The folder that paths of the stack file are relative to.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The stack file.
    pub(crate) fn stack_file(&self) -> &Path {
        &self.stack_file
    }

    /// `.kfplan`, which nothing else writes to.
    pub(crate) fn own(&self) -> PathBuf {
        self.folder.join(".kfplan")
    }

    /// `kfplan.lock`.
    pub(crate) fn lock_file(&self) -> PathBuf {
        self.folder.join("kfplan.lock")
    }

    /// The state of one environment.
    pub(crate) fn state(&self, environment: &str) -> PathBuf {
        kfplan_store::state_folder(&self.own(), environment)
    }

    /// The simulated cloud's world.
    pub(crate) fn sandbox(&self) -> PathBuf {
        self.own().join("sandbox")
    }

    /// Archives by their SHA-256.
    pub(crate) fn archives(&self) -> PathBuf {
        self.own().join("cache")
    }

    /// Makes `.kfplan`, out of sight of git.
    pub(crate) fn make_own(&self) -> Result<(), SessionError> {
        let own = self.own();
        std::fs::create_dir_all(&own)
            .map_err(|error| SessionError::system(&format!("make `{}`", own.display()), &error))?;
        let ignore = own.join(".gitignore");
        if !ignore.exists() {
            std::fs::write(&ignore, "*\n")
                .map_err(|error| SessionError::system(&format!("write `{}`", ignore.display()), &error))?;
        }
        Ok(())
    }

    /// The text of a file of the stack.
    pub(crate) fn read(&self, path: &Path) -> Result<String, SessionError> {
        std::fs::read_to_string(path)
            .map_err(|error| SessionError::system(&format!("read `{}`", path.display()), &error))
    }
}
