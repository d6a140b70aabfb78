//! Control planes come up, several at once, and leave nothing running.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use kfplan_tests::RealCluster;

use crate::objects::{deployment, deployments, is_true, until};

/// The processes whose command line names a folder.
fn processes_of(folder: &Path) -> Vec<String> {
    let named = folder.to_string_lossy().into_owned();
    std::fs::read_dir("/proc")
        .expect("Linux, which the control planes need")
        .flatten()
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("cmdline")).ok())
        .filter(|line| line.contains(&named))
        .map(|line| line.replace('\0', " "))
        .collect()
}

#[test]
fn a_control_plane_says_its_version_and_runs_a_deployment() {
    for (version, exact) in [("1.34", "v1.34.4"), ("1.21", "v1.21.14")] {
        let Some(cluster) = RealCluster::up(version) else { return };
        let api = cluster.api();
        assert_eq!(api.get("/version").expect("a version")["gitVersion"], exact);
        api.create(&deployments("default"), &deployment("web", 2));
        let path = format!("{}/web", deployments("default"));
        let web = until(api, &path, "an available Deployment", |web| is_true(web, "Available"));
        assert_eq!(web["status"]["readyReplicas"], 2, "{web}");
    }
}

#[test]
fn two_control_planes_run_at_once_and_do_not_meet() {
    let Some(first) = RealCluster::up("1.34") else { return };
    let Some(second) = RealCluster::up("1.34") else { return };
    let uid = |cluster: &RealCluster| {
        let space = cluster.api().get("/api/v1/namespaces/kube-system").expect("a namespace of every cluster");
        space["metadata"]["uid"].clone()
    };
    assert_ne!(uid(&first), uid(&second));
}

#[test]
fn a_weak_token_may_do_only_what_it_was_given() {
    let users = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(users.path(), "weak-token,weak,weak\n").expect("a writable temporary file");
    let tokens = users.path().to_string_lossy().into_owned();
    let Some(cluster) = RealCluster::up_with("1.34", &["--tokens", &tokens, "--audit"]) else { return };
    let (status, answer) = cluster.api_of("weak-token").ask("GET", "/api/v1/nodes", "application/json", None);
    assert_eq!(status, 403, "{answer}");
    let log = std::fs::read_to_string(cluster.folder().join("audit.log")).expect("the audit log");
    assert!(log.lines().any(|line| line.contains(r#""username":"weak""#) && line.contains("/api/v1/nodes")));
}

#[test]
fn all_of_it_ends_with_down_with_its_parent_and_with_its_supervisor() {
    let Some(cluster) = RealCluster::up("1.34") else { return };
    let folder = cluster.folder().to_path_buf();
    // etcd, server, controllers, scheduler, kwok, supervisor.
    assert_eq!(processes_of(&folder).len(), 6, "{:#?}", processes_of(&folder));
    drop(cluster);
    assert_eq!(processes_of(&folder), Vec::<String>::new());

    let place = tempfile::tempdir().expect("a temporary folder");
    let mut parent = Parent::of_a_cluster_in(place.path());
    parent.0.kill().expect("a child of this process");
    parent.0.wait().expect("a child of this process");
    kfplan_tests::until("the end of all processes", || processes_of(place.path()).is_empty().then_some(()));

    let place = tempfile::tempdir().expect("a temporary folder");
    let mut parent = Parent::of_a_cluster_in(place.path());
    let supervisor = std::fs::read_to_string(place.path().join("lock")).expect("the lock with the supervisor's number");
    let killed = Command::new("kill").args(["-9", &supervisor]).status().expect("kill");
    assert!(killed.success(), "no supervisor `{supervisor}`");
    parent.0.wait().expect("a child of this process");
    kfplan_tests::until("the end of all processes", || processes_of(place.path()).is_empty().then_some(()));
}

/// A shell that stands for a test binary: it booted a cluster, which ends with it.
struct Parent(Child);

impl Parent {
    fn of_a_cluster_in(folder: &Path) -> Self {
        let child = Command::new("bash")
            // `:` keeps the shell from becoming the supervisor itself.
            .args(["-c", r#""$0" --version 1.34 --foreground --dir "$1"; :"#])
            .arg(RealCluster::script("up"))
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("bash");
        let parent = Self(child);
        kfplan_tests::until("a kubeconfig", || folder.join("kubeconfig").exists().then_some(()));
        parent
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        // A failed test leaves nothing running.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
