//! Rendering, and pinning what is rendered.

use kfplan_tests::{Place, applied, shared};

const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");

#[test]
fn what_is_rendered_into_a_folder_serves_as_manifests() {
    let place = applied(SCRATCH);
    let _ = place.run(&["render", "manifests.app", "-o", "rendered"]).exits(0).says("wrote 4 files below rendered");
    place.edit("kfplan.toml", "files   = [\"k8s/*.yaml\"]", "kustomization = \"rendered\"");
    let _ = place.run(&["plan", "--sandbox", "--exit-code"]).exits(0).says("Nothing to do");
    let _ = place.run(&["render", "-o", "rendered"]).exits(1).says("kfplan::render::not_empty");
}

#[test]
fn a_kubeflow_that_is_rendered_into_a_folder_renders_the_same_from_it() {
    let place = Place::copy_of("docs/examples/quickstart");
    let first = place.run(&["render", "kubeflow.main", "--list"]).exits(0).out;
    assert!(first.lines().count() > 60, "{first}");
    let _ = place.run(&["render", "kubeflow.main", "-o", "rendered"]).exits(0);
    let whole = place.run(&["render", "--kustomization", "rendered"]).exits(0).out;
    let objects = |text: &str| text.lines().filter(|line| line.starts_with("kind: ")).count();
    assert_eq!(objects(&whole), objects(&place.run(&["render", "kubeflow.main"]).exits(0).out));
}

#[test]
fn rendering_asks_no_cloud_and_leaves_nothing_behind() {
    let place = Place::copy_of("docs/examples/quickstart");
    let _ = place.run(&["render", "manifests.team"]).exits(0).says("name: team-vision");
    let _ = place.run(&["render", "resource_group.main"]).exits(1).says("kfplan::render::none");
    assert!(!place.path().join(".kfplan/state").exists() && !place.path().join(".kfplan/sandbox").exists());
}

#[test]
fn what_is_pinned_must_be_what_is_there() {
    let place = Place::copy_of("docs/examples/quickstart");
    let _ = place.run(&["vendor"]).exits(0).says("manifests");
    assert!(place.read("kfplan.lock").contains("manifests"));
    let _ = place.run(&["render", "kubeflow.main", "--list"]).exits(0);
    place.edit("manifests/notebooks/params.env", "=", "=x");
    let _ =
        place.run(&["render", "kubeflow.main", "--list"]).exits(1).says("kfplan.lock").says("kfplan vendor --update");
    let _ = place.run(&["plan", "--sandbox"]).exits(1).says("kfplan vendor --update");
    let _ = place.run(&["vendor"]).exits(1).says("kfplan vendor --update");
    let _ = place.run(&["vendor", "--update"]).exits(0);
    let _ = place.run(&["render", "kubeflow.main", "--list"]).exits(0);
}

/// A stack whose kustomization names a repository and a file that lie somewhere else.
fn place_with_remotes() -> Place {
    let place = Place::new();
    place.write(
        "kfplan.toml",
        "[stack]\nname = \"remote\"\n\
         [kubernetes_cluster.main]\nkubeconfig = \"none\"\ncontext = \"none\"\n\
         [manifests.app]\ncluster = \"${kubernetes_cluster.main}\"\nkustomization = \"k8s\"\n",
    );
    place.write(
        "k8s/kustomization.yaml",
        "resources:\n- https://github.com/a/b//deep?ref=v1\n- https://example.com/x.yaml\nnamespace: ns\n",
    );
    place.write("b/deep/kustomization.yaml", "resources: [../own.yaml]\nnamePrefix: far-\n");
    place.write("b/own.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\ndata: {a: b}\n");
    place.write("x.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n");
    place
}

const COPIES: [&str; 4] = ["--repo", "https://github.com/a/b?ref=v1=b", "--repo", "https://example.com/x.yaml=x.yaml"];

#[test]
fn what_a_kustomization_names_elsewhere_is_pinned() {
    let place = place_with_remotes();
    let run = |words: &[&str]| place.run(&[words, &COPIES].concat());
    let _ = place.run(&["render"]).exits(1).says("kustomize::remote").says("kfplan vendor");
    let _ = run(&["vendor"]).exits(0).says("https://github.com/a/b?ref=v1: 2 files").says("(new)");
    let lock = place.read("kfplan.lock");
    assert!(lock.contains("[remotes.\"https://github.com/a/b?ref=v1\"]"), "{lock}");
    assert!(lock.contains("archive/v1.tar.gz") && lock.contains("https://example.com/x.yaml"), "{lock}");
    let rendered = run(&["render"]).exits(0).out;
    assert!(rendered.contains("name: far-own") && rendered.contains("kind: Secret"), "{rendered}");
    place.edit("b/own.yaml", "a: b", "a: changed");
    let _ = run(&["render"]).exits(1).says("kfplan vendor --update");
    let _ = run(&["vendor", "--update"]).exits(0).says("(changed)").says("(unchanged)");
    let _ = run(&["render"]).exits(0);
}

#[test]
fn a_folder_with_remote_bases_renders_from_copies() {
    let place = place_with_remotes();
    let words = ["render", "--kustomization", "k8s", "--dialect", "5"];
    let _ = place.run(&words).exits(1).says("names the remote base");
    let rendered = place.run(&[&words[..], &COPIES].concat()).exits(0).out;
    assert!(rendered.contains("name: far-own"), "{rendered}");
    let _ = place.run(&[&words[..], &["--repo", "https://a.b/c.yaml"]].concat()).exits(64).says("ADDRESS=PATH");
}

#[test]
fn the_example_of_26_03_renders_as_it_is_pinned() {
    let Some(data) = shared("kubeflow") else { return };
    let place = Place::copy_of("docs/examples/kubeflow-26.03");
    let copies = [
        ("manifests", "manifests-26.03.tar.gz"),
        ("https://github.com/argoproj/argo-workflows?ref=v3.7.3", "remote/argo-workflows-v3.7.3.tar.gz"),
        (
            "https://github.com/kubernetes-sigs/jobset/releases/download/v0.10.1/manifests.yaml",
            "remote/jobset-v0.10.1-manifests.yaml.gz",
        ),
    ];
    let copies: Vec<String> =
        copies.iter().map(|(name, path)| format!("{name}={}", data.join(path).display())).collect();
    let words: Vec<&str> = copies.iter().flat_map(|copy| ["--repo", copy.as_str()]).collect();
    let run = |first: &[&str]| {
        let all = [first, &words].concat();
        place.run_with(&[("AZURE_SUBSCRIPTION_ID", "00000000-0000-0000-0000-000000000001")], &all)
    };
    let before = place.read("kfplan.lock");
    let _ = run(&["vendor"]).exits(0).says("(unchanged)");
    assert_eq!(before, place.read("kfplan.lock"), "the example is pinned to other files");
    let rendered = run(&["render", "kubeflow.main"]).exits(0).out;
    assert_eq!(rendered.lines().filter(|line| line.starts_with("kind: ")).count(), 679);
}
