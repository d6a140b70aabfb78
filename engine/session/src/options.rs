//! What a session is opened with, and what a plan is made for.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What a session is opened with.
#[derive(Clone)]
pub struct Options {
    /// The folder of the stack.
    pub directory: PathBuf,
    /// The stack file, relative to it.
    pub stack_file: String,
    /// `--env`.
    pub environment: Option<String>,
    /// `--sandbox`.
    pub sandbox: bool,
    /// `--sandbox-cluster`: the kubeconfig of a control plane that stands behind every cluster of the sandbox.
    pub sandbox_cluster: Option<PathBuf>,
    /// `--var`, in order.
    pub vars: Vec<(String, String)>,
    /// `--var-file`, in order.
    pub var_files: Vec<PathBuf>,
    /// `--repo`, in order.
    pub repos: Vec<(String, PathBuf)>,
    /// The environment variables of the process.
    pub variables: BTreeMap<String, String>,
    /// How many calls may be under way at once.
    pub parallelism: usize,
    /// How long to wait for the lock.
    pub lock_timeout: Duration,
}

/// Never shows values that flags and the environment give.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("directory", &self.directory)
            .field("stack_file", &self.stack_file)
            .finish_non_exhaustive()
    }
}

/// What a plan is made for, and what is allowed to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// `--target`.
    pub targets: Vec<String>,
    /// `--exclude`.
    pub excludes: Vec<String>,
    /// `--replace`.
    pub replace: Vec<String>,
    /// `--adopt`: addresses, or `all`.
    pub adopt: Vec<String>,
    /// `--confirm-replace`.
    pub confirm_replace: Vec<String>,
    /// `--refresh`.
    pub refresh: bool,
    /// `--wait`.
    pub wait: Wait,
    /// `--allow-unreachable`.
    pub allow_unreachable: bool,
    /// Whether a destroy was confirmed with the stack's name.
    pub lift_containers: bool,
    /// `--delete-data`.
    pub delete_data: bool,
    /// `--keep-protected`.
    pub keep_protected: bool,
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            targets: Vec::new(),
            excludes: Vec::new(),
            replace: Vec::new(),
            adopt: Vec::new(),
            confirm_replace: Vec::new(),
            refresh: true,
            wait: Wait::Ready,
            allow_unreachable: false,
            lift_containers: false,
            delete_data: false,
            keep_protected: false,
        }
    }
}

/// What an apply waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Until everything that was changed is ready.
    Ready,
    /// Only where another step needs it.
    Gates,
    /// For nothing but what order demands.
    None,
}
