//! What `load` takes beside the text of the stack file.

use std::collections::BTreeMap;

/// What is wanted of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Check the file. A variable or environment variable without a value is unknown.
    #[default]
    Validate,
    /// Use the stack. What has no value is an error, all of it at once.
    Plan,
}

/// What may be asked about the files beside the stack file.
pub trait Files {
    /// Whether there is a file or folder at `path`, relative to the stack file.
    fn exists(&self, path: &str) -> bool;
    /// Whether any file matches the glob `pattern`, relative to the stack file.
    fn matches(&self, pattern: &str) -> bool;
}

/// Files of which every one is there: for texts that have no folder.
#[derive(Debug, Clone, Copy, Default)]
pub struct AllFiles;

impl Files for AllFiles {
    fn exists(&self, _path: &str) -> bool {
        true
    }

    fn matches(&self, _pattern: &str) -> bool {
        true
    }
}

/// What `load` takes beside the text.
#[derive(Clone)]
pub struct Options<'a> {
    /// `--env`; nothing is `default`.
    pub environment: Option<&'a str>,
    /// `--sandbox`.
    pub sandbox: bool,
    /// `--var NAME=VALUE`, in order; later ones win.
    pub variables: Vec<(String, String)>,
    /// `--var-file`: name and contents, in order; later ones win.
    pub variable_files: Vec<(String, String)>,
    /// The process's environment variables.
    pub process: BTreeMap<String, String>,
    /// `--repo NAME=PATH`, in order.
    pub repos: Vec<(String, String)>,
    /// What is wanted of the stack.
    pub mode: Mode,
    /// The files beside the stack file.
    pub files: &'a dyn Files,
}

/// Never shows the values that flags and the environment give.
impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("environment", &self.environment)
            .field("sandbox", &self.sandbox)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            environment: None,
            sandbox: false,
            variables: Vec::new(),
            variable_files: Vec::new(),
            process: BTreeMap::new(),
            repos: Vec::new(),
            mode: Mode::default(),
            files: &AllFiles,
        }
    }
}
