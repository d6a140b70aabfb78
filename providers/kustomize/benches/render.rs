//! How long the sixteen applications of the Kubeflow 1.2 guide take to render.
//!
//! The manifests are taken from the folder that `KFPLAN_SHARED` names, or from beside
//! the repository; without them there is nothing to measure, and the bench says so.
//!
//! `kubectl kustomize` is measured in the same run, on those of the applications that it
//! can render at all: it speaks a later dialect. What is compared is from a folder to the
//! text of its objects, once all of them one after the other.

#![expect(clippy::print_stderr, reason = "a bench that measures nothing must say so")]

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use flate2::read::GzDecoder;
use kfplan_kustomize::{Dialect, Tree, render};
use kfplan_objects::yaml;

/// The folders of `kfctl_k8s_istio.v1.2.0.yaml`.
const APPLICATIONS: [&str; 16] = [
    "namespaces/base",
    "application/v3",
    "stacks/kubernetes/application/istio-1-3-1-stack",
    "stacks/kubernetes/application/cluster-local-gateway-1-3-1",
    "istio/istio/base",
    "stacks/kubernetes/application/cert-manager-crds",
    "stacks/kubernetes/application/cert-manager-kube-system-resources",
    "stacks/kubernetes/application/cert-manager",
    "stacks/kubernetes/application/add-anonymous-user-filter",
    "metacontroller/base",
    "admission-webhook/bootstrap/overlays/application",
    "stacks/kubernetes/application/spark-operator",
    "stacks/kubernetes",
    "knative/installs/generic",
    "kfserving/installs/generic",
    "stacks/kubernetes/application/spartakus",
];

fn manifests() -> Option<Tree> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("KFPLAN_SHARED").map_or(beside, PathBuf::from);
    let file = File::open(shared.join("kubeflow/manifests-v1.2.0.tar.gz")).ok()?;
    let mut tree = Tree::new();
    for entry in tar::Archive::new(GzDecoder::new(file)).entries().ok()? {
        let mut entry = entry.ok()?;
        let path = entry.path().ok()?.to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).ok()?;
        if let (true, Some((_, path))) = (entry.header().entry_type().is_file(), path.split_once('/')) {
            tree.insert(path, content);
        }
    }
    Some(tree)
}

fn render_guide(tree: &Tree) -> usize {
    let rendered = APPLICATIONS.iter().map(|path| render(tree, path, Dialect::V3_2).expect("it renders"));
    rendered.map(|rendered| rendered.objects.len()).sum()
}

fn guide(criterion: &mut Criterion) {
    let Some(tree) = manifests() else {
        eprintln!("SKIPPED: there are no manifests; set KFPLAN_SHARED to measure with them");
        return;
    };
    assert_eq!(render_guide(&tree), 565);
    criterion.bench_function("render/guide", |bench| bench.iter(|| render_guide(&tree)));
    criterion.bench_function("render/stacks_kubernetes", |bench| {
        bench.iter(|| render(&tree, "stacks/kubernetes", Dialect::V3_2).expect("it renders").objects.len());
    });
}

/// How long something took.
#[derive(Clone, Copy)]
struct Took {
    /// By the clock: the middle one of several measurements.
    clock: Duration,
    /// Of the processors, by this process and those that it started: the mean. A busy machine changes it little.
    processor: Option<Duration>,
}

impl Took {
    fn of(count: u32, mut measured: impl FnMut()) -> Self {
        let before = processor_time();
        let mut times: Vec<Duration> = (0..count)
            .map(|_| {
                let start = Instant::now();
                measured();
                start.elapsed()
            })
            .collect();
        let spent = processor_time().zip(before).map(|(after, before)| after.saturating_sub(before) / count.max(1));
        times.sort();
        Self { clock: times.get(times.len() / 2).copied().unwrap_or_default(), processor: spent }
    }
}

/// The processor time of this process and of those that it waited for, where `/proc` tells, in steps of 10 ms.
fn processor_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name, in parentheses, may hold anything. After it the times are fields 12 to 15.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: u64 = fields.split_whitespace().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(Duration::from_millis(ticks * 10))
}

fn ratio(theirs: Duration, ours: Duration) -> f64 {
    theirs.as_secs_f64() / ours.as_secs_f64().max(f64::MIN_POSITIVE)
}

/// Runs `kubectl kustomize` on a folder; `None` when there is no kubectl, else whether it could render.
fn kubectl(folder: &Path) -> Option<bool> {
    let mut command = Command::new("kubectl");
    command.args(["kustomize", "--load-restrictor", "LoadRestrictionsNone"]).arg(folder);
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    Some(output.status.success() && !output.stdout.is_empty())
}

/// A folder that goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    /// The files of a tree, and a kustomization with nothing to do.
    fn of(tree: &Tree) -> std::io::Result<Self> {
        let folder = Self(std::env::temp_dir().join(format!("kfplan-render-{}", std::process::id())));
        for (path, content) in tree.iter() {
            let path = folder.0.join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(&folder.0))?;
            std::fs::write(path, content)?;
        }
        std::fs::create_dir_all(folder.0.join("nothing"))?;
        std::fs::write(folder.0.join("nothing/kustomization.yaml"), "configMapGenerator: [{name: a}]\n")?;
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed stays in the folder for such things.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// In process against `kubectl kustomize`.
fn against_kubectl(criterion: &mut Criterion) {
    let Some(tree) = manifests() else {
        eprintln!("SKIPPED: there are no manifests; set KFPLAN_SHARED to compare with kubectl");
        return;
    };
    let folder = Folder::of(&tree).expect("the temporary folder can be written");
    if kubectl(&folder.0.join("nothing")).is_none() {
        eprintln!("SKIPPED: there is no kubectl to compare with");
        return;
    }
    let can = |path: &&str| kubectl(&folder.0.join(path)) == Some(true);
    let both: Vec<&str> = APPLICATIONS.into_iter().filter(can).collect();
    let ours = || {
        both.iter().for_each(|path| {
            let objects = render(&tree, path, Dialect::V3_2).expect("it renders").objects;
            std::hint::black_box(yaml::to_stream(&objects));
        });
    };
    criterion.bench_function("render/as_kubectl", |bench| bench.iter(ours));
    let ours = Took::of(21, ours);
    let run = |path: &str| {
        std::hint::black_box(kubectl(&folder.0.join(path)));
    };
    let theirs = Took::of(5, || both.iter().for_each(|path| run(path)));
    let start = Took::of(5, || both.iter().for_each(|_| run("nothing"))).clock;
    eprintln!("{} of {} applications, in process and by kubectl kustomize:", both.len(), APPLICATIONS.len());
    eprintln!("  time  {:.1?}, {:.1?}: {:.1} times", ours.clock, theirs.clock, ratio(theirs.clock, ours.clock));
    let rest = theirs.clock.saturating_sub(start);
    eprintln!("  time, but for the starts of kubectl  {rest:.1?}: {:.1} times", ratio(rest, ours.clock));
    if let (Some(ours), Some(theirs)) = (ours.processor, theirs.processor) {
        eprintln!("  processor time  {ours:.1?}, {theirs:.1?}: {:.1} times", ratio(theirs, ours));
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = guide, against_kubectl
}
criterion_main!(benches);
