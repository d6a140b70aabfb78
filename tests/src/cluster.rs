//! Real control planes of Kubernetes, booted by `tests/cluster/up`, each for as long as a value lives.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::cloud::Cluster;
use crate::shared::{loudly_skipped, root, said_loudly};

/// What `tests/cluster/up` exits with when something would have to be built and Go is missing.
const NO_GO: i32 = 3;

/// A control plane that runs for as long as this value lives.
#[derive(Debug)]
pub struct RealCluster {
    child: Child,
    folder: tempfile::TempDir,
    api: Cluster,
}

impl RealCluster {
    /// Boots one: `1.34` or `1.21`. `None`, said loudly, when it was never built and Go is missing; with `CI=true`
    /// that is a failure.
    ///
    /// # Panics
    ///
    /// When it cannot be built or does not come up.
    #[must_use]
    pub fn up(version: &str) -> Option<Self> {
        Self::up_with(version, &[])
    }

    /// The same, with more flags of `tests/cluster/up`.
    ///
    /// # Panics
    ///
    /// When it cannot be built or does not come up.
    #[must_use]
    pub fn up_with(version: &str, flags: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let said = folder.path().join("said");
        let mut child = Command::new(Self::script("up"))
            .args(["--version", version, "--foreground", "--dir"])
            .arg(folder.path())
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&said).expect("a writable temporary folder"))
            .spawn()
            .expect("bash, which tests/cluster/up is written in");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout is piped"))
            .read_line(&mut line)
            .expect("a line, or the end, from tests/cluster/up");
        if line.is_empty() {
            let status = child.wait().expect("a child of this process");
            let said = std::fs::read_to_string(&said).unwrap_or_default();
            assert!(status.code() == Some(NO_GO), "no control plane {version}: {status}\n{said}");
            loudly_skipped(said.trim());
            return None;
        }
        let kubeconfig = std::fs::read_to_string(line.trim()).expect("the kubeconfig that was printed");
        Some(Self { child, folder, api: Cluster::of_kubeconfig(&kubeconfig) })
    }

    /// A script of `tests/cluster`.
    #[must_use]
    pub fn script(name: &str) -> PathBuf {
        root().join("tests/cluster").join(name)
    }

    /// The folder with kubeconfig, logs and audit log.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The kubeconfig; its context is `kfplan-test`.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder().join("kubeconfig")
    }

    /// The same kubeconfig with another token, as text.
    ///
    /// # Panics
    ///
    /// When the kubeconfig is gone.
    #[must_use]
    pub fn kubeconfig_of(&self, token: &str) -> String {
        let text = std::fs::read_to_string(self.kubeconfig()).expect("the kubeconfig of a cluster that runs");
        let line = |line: &str| match line.trim_start().strip_prefix("token:") {
            Some(_) => format!("{}token: {token}", " ".repeat(line.len() - line.trim_start().len())),
            None => line.to_owned(),
        };
        text.lines().map(line).collect::<Vec<_>>().join("\n")
    }

    /// Its API, for an administrator.
    #[must_use]
    pub fn api(&self) -> &Cluster {
        &self.api
    }

    /// Its API, for whoever has this token of `--tokens`.
    ///
    /// # Panics
    ///
    /// When the kubeconfig is gone.
    #[must_use]
    pub fn api_of(&self, token: &str) -> Cluster {
        let kubeconfig = std::fs::read_to_string(self.kubeconfig()).expect("the kubeconfig of a cluster that runs");
        Cluster::with_token(&kubeconfig, token)
    }

    /// The process that all others of the cluster end with.
    #[must_use]
    pub fn supervisor(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for RealCluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let why = std::fs::read_to_string(self.folder().join("logs/supervisor.log")).unwrap_or_default();
            said_loudly(&format!("the control plane {}", if why.is_empty() { "ran until now" } else { &why }));
        }
        // It comes back when all processes have ended, so that the folder can go. Should it fail, they end with the supervisor.
        let _ = Command::new(Self::script("down")).arg("--dir").arg(self.folder.path()).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
