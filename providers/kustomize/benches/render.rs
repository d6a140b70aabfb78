//! How long the sixteen applications of the Kubeflow 1.2 guide take to render.
//!
//! The manifests are taken from the folder that `KFPLAN_SHARED` names, or from beside
//! the repository; without them there is nothing to measure, and the bench says so.

#![expect(clippy::print_stderr, reason = "a bench that measures nothing must say so")]

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use criterion::{Criterion, criterion_group, criterion_main};
use flate2::read::GzDecoder;
use kfplan_kustomize::{Dialect, Tree, render};

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

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = guide
}
criterion_main!(benches);
