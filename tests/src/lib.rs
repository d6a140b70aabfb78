//! Helpers of the whole-system tests: the repository's root, the shared data, and
//! the binary, run as a user would run it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// The shared data: `KFPLAN_SHARED`, default `../shared` beside the repository. `None`, said loudly, when it
/// is not there; with `CI=true` that is a failure.
///
/// # Panics
///
/// With `CI=true` when the data is missing.
#[must_use]
pub fn shared(path: &str) -> Option<PathBuf> {
    let base = std::env::var_os("KFPLAN_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let found = base.join(path);
    if found.exists() {
        return Some(found);
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "`{}` is missing, and CI=true lets no test skip",
        found.display()
    );
    eprint_loud(&format!(
        "SKIPPED: `{}` is missing; set KFPLAN_SHARED to the folder with the shared data",
        found.display()
    ));
    None
}

#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn eprint_loud(line: &str) {
    eprintln!("{line}");
}

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
        copy(&root().join(path), place.path());
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
        std::fs::write(self.path().join(name), text).expect("a writable temporary folder");
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
        let mut command = Command::new(binary());
        command.current_dir(self.path()).args(arguments).env_remove("CI").env("NO_COLOR", "1");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AZURE_") || name.to_string_lossy().starts_with("KFPLAN_") {
                command.env_remove(name);
            }
        }
        command
    }

    /// Runs `kfplan ARGUMENTS`.
    ///
    /// # Panics
    ///
    /// When the binary cannot be started.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().expect("the built binary"), arguments)
    }
}

/// The binary under test, built by the same profile as this test.
///
/// # Panics
///
/// When it was not built: `tests/run` builds it first.
#[must_use]
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a path");
    let folder = test.parent().and_then(Path::parent).expect("tests lie in target/PROFILE/deps");
    let binary = folder.join("kfplan");
    assert!(binary.exists(), "`{}` is missing: run `cargo build -p kfplan` first, as tests/run does", binary.display());
    binary
}

/// What a command came to.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; -1 when a signal ended it.
    pub exit: i32,
    /// What it wrote to stdout.
    pub out: String,
    /// What it wrote to stderr.
    pub err: String,
    line: String,
}

impl Ran {
    fn of(output: Output, arguments: &[&str]) -> Self {
        Self {
            exit: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            line: format!("kfplan {}", arguments.join(" ")),
        }
    }

    /// The same, if it ended with this exit code.
    ///
    /// # Panics
    ///
    /// With all that it said, when it ended with another.
    #[must_use]
    pub fn exits(self, code: i32) -> Self {
        assert!(
            self.exit == code,
            "`{}` exited {}, expected {code}\n--- stdout\n{}\n--- stderr\n{}",
            self.line,
            self.exit,
            self.out,
            self.err
        );
        self
    }

    /// The same, if stdout has this text.
    ///
    /// # Panics
    ///
    /// With all that it said, when it has not.
    #[must_use]
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.out.contains(text) || self.err.contains(text),
            "`{}` does not say `{text}`\n--- stdout\n{}\n--- stderr\n{}",
            self.line,
            self.out,
            self.err
        );
        self
    }
}

/// Copies a folder with all in it, but for `.kfplan`.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a writable temporary folder");
    for entry in std::fs::read_dir(from).expect("a folder of the repository") {
        let entry = entry.expect("a readable folder");
        let target = to.join(entry.file_name());
        if entry.file_name() == ".kfplan" {
            continue;
        }
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a writable temporary folder");
        }
    }
}
