//! A folder with a stack, and the binary run in it.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::ran::Ran;
use crate::shared::{binary, root};

/// A folder with a stack, and kfplan to run in it.
#[derive(Debug)]
pub struct Place {
    folder: tempfile::TempDir,
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

impl Place {
    /// An empty folder.
    ///
    /// # Panics
    ///
    /// When the system has no room for a temporary folder.
    #[must_use]
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A copy of a folder of the repository.
    ///
    /// # Panics
    ///
    /// When it cannot be copied.
    #[must_use]
    pub fn copy_of(path: &str) -> Self {
        let place = Self::new();
        copy(&root().join(path), place.path(), false);
        place
    }

    /// A copy of another place, with its state and its sandbox.
    ///
    /// # Panics
    ///
    /// When it cannot be copied.
    #[must_use]
    pub fn copy_of_place(other: &Path) -> Self {
        let place = Self::new();
        copy(other, place.path(), true);
        place
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file.
    ///
    /// # Panics
    ///
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: &str) {
        let file = self.path().join(name);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).expect("a writable temporary folder");
        }
        std::fs::write(file, text).expect("a writable temporary folder");
    }

    /// Reads a file.
    ///
    /// # Panics
    ///
    /// When it is not there.
    #[must_use]
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).expect("a file that the test expects")
    }

    /// The command `kfplan ARGUMENTS`, in this folder, with nothing of the environment that could change it.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        clean(Command::new(binary()), self.path(), arguments)
    }

    /// Runs `kfplan ARGUMENTS`, with nobody at the terminal.
    ///
    /// # Panics
    ///
    /// When the binary cannot be started, or does not end.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments))
    }

    /// Runs `kfplan ARGUMENTS` with more environment variables.
    ///
    /// # Panics
    ///
    /// When the binary cannot be started, or does not end.
    #[must_use]
    pub fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        Ran::of(command)
    }

    /// Replaces a text in a file.
    ///
    /// # Panics
    ///
    /// When the file does not have it.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "`{name}` has no `{from}`");
        self.write(name, &text.replace(from, to));
    }
}

/// The command with its arguments, in a folder, with nothing of the environment that could change it.
pub(crate) fn clean(mut command: Command, folder: &Path, arguments: &[&str]) -> Command {
    command.current_dir(folder).args(arguments).env_remove("CI").stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AZURE_") || name.to_string_lossy().starts_with("KFPLAN_") {
            command.env_remove(name);
        }
    }
    command
}

/// Copies a folder with all in it, but for `.kfplan` unless `own`.
pub(crate) fn copy(from: &Path, to: &Path, own: bool) {
    std::fs::create_dir_all(to).expect("a writable temporary folder");
    for entry in std::fs::read_dir(from).expect("a folder of the repository") {
        let entry = entry.expect("a readable folder");
        let target = to.join(entry.file_name());
        if entry.file_name() == ".kfplan" && !own {
            continue;
        }
        if entry.path().is_dir() {
            copy(&entry.path(), &target, own);
        } else {
            std::fs::copy(entry.path(), target).expect("a writable temporary folder");
        }
    }
}
