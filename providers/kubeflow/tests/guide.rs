//! Reads and renders the real KfDefs of Kubeflow 1.2.
//!
//! The data are not part of this repository; the tests take them from the folder that
//! `KFPLAN_SHARED` names, or from beside the repository. Without them they say that
//! they are skipped, and fail where `CI=true`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the figures are what one runs it for")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::GzDecoder;
use kfplan_kubeflow::patches::{self, Expose, Facts, Selection};
use kfplan_kubeflow::{Bundle, Choice, KfDef, Repos, Source, applications, kinds};
use kfplan_kustomize::Tree;
use kfplan_model::Value::{Handle, Map};
use kfplan_model::{Lifecycle, Position, Resource, Timeouts};
use kfplan_plan::{Draft, Expansion, Problem, Protection, Rendered, RenderedObject, Scene};
use serde_json::Value;

/// The KfDef of the guide.
const GUIDE: &str = "kfdef/kfctl_k8s_istio.v1.2.0.yaml";

fn shared(archive: &str) -> Option<Tree> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("KFPLAN_SHARED").map_or(beside, PathBuf::from);
    let path = shared.join("kubeflow").join(archive);
    if path.is_file() {
        return Some(unpack(&path));
    }
    eprintln!("SKIPPED: there is no `{}`; set KFPLAN_SHARED to test with it", path.display());
    assert!(std::env::var("CI").as_deref() != Ok("true"), "the manifests are needed where CI=true");
    None
}

/// The files of an archive, without its top folder.
fn unpack(archive: &Path) -> Tree {
    let file = File::open(archive).expect("the archive opens");
    let mut tree = Tree::new();
    let mut archive = tar::Archive::new(GzDecoder::new(file));
    for entry in archive.entries().expect("it is an archive") {
        let mut entry = entry.expect("the entry can be read");
        if entry.header().entry_type().is_file() {
            let path = entry.path().expect("the path is text").to_string_lossy().into_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).expect("the entry can be read");
            let (_, path) = path.split_once('/').expect("there is a top folder");
            tree.insert(path, content);
        }
    }
    tree
}

fn text<'t>(tree: &'t Tree, path: &str) -> &'t str {
    let content = tree.iter().find(|(name, _)| *name == path).expect("the file is there").1;
    std::str::from_utf8(content).expect("it is text")
}

/// Files of KfDefs, those made of parts left out.
fn kfdefs(tree: &Tree) -> impl Iterator<Item = &str> {
    let names = tree.iter().map(|(path, _)| path);
    names.filter(|path| path.starts_with("kfdef/kfctl_") && path.ends_with(".yaml"))
}

fn rendered(tree: &Tree, file: &str, choice: &Choice) -> Result<Bundle, String> {
    let repos: Repos<'_> = BTreeMap::from([("manifests".to_owned(), tree as _)]);
    applications(Source::KfDef { file, text: text(tree, file) }, choice, &repos).map_err(|errors| errors.to_string())
}

fn guide(tree: &Tree) -> Bundle {
    rendered(tree, GUIDE, &Choice::default()).expect("the guide renders")
}

fn find<'b>(bundle: &'b Bundle, kind: &str, name: &str) -> &'b Value {
    let is_it = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
    bundle.objects().find(is_it).expect("the object is there")
}

#[test]
fn all_kfdefs_parse_and_those_of_stacks_render() {
    let Some(tree) = shared("manifests-v1.2.0.tar.gz") else { return };
    let (mut count, mut stacks, mut objects, mut failures) = (0, 0, 0, Vec::new());
    for file in kfdefs(&tree) {
        let kfdef = KfDef::parse(file, text(&tree, file)).unwrap_or_else(|errors| panic!("{errors}"));
        count += 1;
        let result = rendered(&tree, file, &Choice::default());
        if kfdef.uses_stacks() {
            stacks += 1;
            match result {
                Ok(bundle) => {
                    objects += bundle.objects().count();
                    let own = bundle.applications.iter().filter(|application| application.name != "namespace").count();
                    assert_eq!(own, kfdef.applications.len(), "{file}");
                }
                Err(errors) => failures.push(format!("{file}: {errors}")),
            }
        } else {
            let error = result.expect_err("it is of the older kind");
            assert!(error.starts_with(&format!("{file}: a KfDef without an application `kubeflow-apps`")), "{error}");
        }
    }
    println!("{count} KfDefs parse, {stacks} of them are of stacks and render to {objects} objects");
    assert_eq!((count, stacks), (43, 23));
    insta::assert_snapshot!(failures.join("\n"), @r"
    kfdef/kfctl_aws.v1.1.0.yaml: application `tensorboard` cannot be rendered: tensorboard/overlays/istio: `tensorboard/overlays/istio` holds no `kustomization.yaml`, `kustomization.yml` or `Kustomization`
    kfdef/kfctl_aws_cognito.v1.1.0.yaml: application `tensorboard` cannot be rendered: tensorboard/overlays/istio: `tensorboard/overlays/istio` holds no `kustomization.yaml`, `kustomization.yml` or `Kustomization`
    kfdef/kfctl_azure.v1.1.0.yaml: application `add-anonymous-user-filter` cannot be rendered: stacks/azure/application/add-anonymous-user-filter-istio-1.6: `stacks/azure/application/add-anonymous-user-filter-istio-1.6` holds no `kustomization.yaml`, `kustomization.yml` or `Kustomization`
    kfdef/kfctl_ibm.v1.1.0.yaml: application `tensorboard` cannot be rendered: stacks/ibm/application/tensorboard: `stacks/ibm/application/tensorboard` holds no `kustomization.yaml`, `kustomization.yml` or `Kustomization`
    ");
}

#[test]
fn the_kfdefs_of_azure_render_from_their_own_commit() {
    let Some(tree) = shared("manifests-v1.2.0.tar.gz") else { return };
    let Some(pinned) = shared("manifests-ebeb4c2.tar.gz") else { return };
    for file in ["kfdef/kfctl_azure.v1.2.0.yaml", "kfdef/kfctl_azure_aad.v1.2.0.yaml"] {
        let kfdef = KfDef::parse(file, text(&tree, file)).expect("it parses");
        let repos: Repos<'_> = BTreeMap::from([("manifests".to_owned(), &pinned as _)]);
        let bundle = applications(Source::KfDef { file, text: text(&tree, file) }, &Choice::default(), &repos);
        let bundle = bundle.unwrap_or_else(|errors| panic!("{file}: {errors}"));
        assert_eq!(bundle.applications.len(), kfdef.applications.len(), "{file}");
    }
}

#[test]
fn the_guide_is_sixteen_applications_with_five_objects_merged() {
    let Some(tree) = shared("manifests-v1.2.0.tar.gz") else { return };
    let bundle = guide(&tree);
    let sizes: Vec<String> = bundle
        .applications
        .iter()
        .map(|application| format!("{} {}", application.name, application.objects.len()))
        .collect();
    insta::assert_snapshot!(sizes.join("\n"), @r"
    namespaces 2
    application 7
    istio-stack 117
    cluster-local-gateway 6
    istio 11
    cert-manager-crds 6
    cert-manager-kube-system-resources 6
    cert-manager 32
    add-anonymous-user-filter 1
    metacontroller 6
    bootstrap 6
    spark-operator 10
    kubeflow-apps 266
    knative 57
    kfserving 21
    spartakus 6
    ");
    let merged: Vec<&str> = bundle
        .notes
        .iter()
        .filter(|note| note.code == "kubeflow::merged_objects")
        .map(|note| note.message.as_str())
        .collect();
    insta::assert_snapshot!(merged.join("\n"), @r"
    Namespace istio-system comes from the applications `istio-stack` and `cluster-local-gateway`; it is merged, kept with `istio-stack`, and the last one wins: `cluster-local-gateway` decides /metadata/labels
    ServiceAccount istio-system/istio-multi comes from the applications `istio-stack` and `cluster-local-gateway`; it is merged, kept with `istio-stack`, and the last one wins: `cluster-local-gateway` decides /metadata/labels
    ClusterRole.rbac.authorization.k8s.io istio-reader comes from the applications `istio-stack` and `cluster-local-gateway`; it is merged, kept with `istio-stack`, and the last one wins: `cluster-local-gateway` decides /metadata/labels
    ClusterRoleBinding.rbac.authorization.k8s.io istio-multi comes from the applications `istio-stack` and `cluster-local-gateway`; it is merged, kept with `istio-stack`, and the last one wins: `cluster-local-gateway` decides /metadata/labels
    Namespace cert-manager comes from the applications `namespaces` and `cert-manager`; it is merged, kept with `namespaces`, and the last one wins: `cert-manager` decides /metadata/labels/app.kubernetes.io~1component, /metadata/labels/app.kubernetes.io~1name, /metadata/labels/kustomize.component
    ");
    let others: Vec<&str> = bundle
        .notes
        .iter()
        .filter(|note| note.code.starts_with("kubeflow::") && note.code != "kubeflow::merged_objects")
        .map(|note| note.message.as_str())
        .collect();
    insta::assert_snapshot!(others.join("\n"), @r"
    ClusterRbacConfig.rbac.istio.io kubeflow/default of `istio` has no namespace, though its manifest names one
    ClusterIssuer.cert-manager.io cert-manager/kubeflow-self-signing-issuer of `cert-manager` has no namespace, though its manifest names one
    Application.app.k8s.io bootstrap of `bootstrap` names no namespace and goes to `default`; kfctl put it wherever the kubeconfig pointed
    CompositeController.metacontroller.k8s.io kubeflow/kubeflow-pipelines-profile-controller of `kubeflow-apps` has no namespace, though its manifest names one
    ");
    insta::assert_snapshot!(find(&bundle, "Namespace", "kubeflow")["metadata"]["labels"].to_string(), @r#"{"control-plane":"kubeflow","istio-injection":"enabled","katib-metricscollector-injection":"enabled"}"#);
}

/// The guide with the AKS patches on a version, and what was decided.
fn patched(tree: &Tree, selection: &Selection, facts: &Facts) -> Result<(Bundle, String), String> {
    let mut bundle = guide(tree);
    let decisions = patches::decide(selection, facts, &bundle).map_err(|errors| errors.to_string())?;
    let before = bundle.notes.len();
    patches::apply(&decisions, facts, &mut bundle).map_err(|errors| errors.to_string())?;
    let said: Vec<String> = bundle.notes.iter().skip(before).map(|note| note.message.clone()).collect();
    Ok((bundle, said.join("\n")))
}

fn aks(minor: u32) -> Facts {
    Facts { kubernetes_version: Some((1, minor)), is_aks: Some(true), dashboard: Expose::None }
}

/// The nodes that an installation becomes.
fn drafts(bundle: &Bundle) -> Result<Vec<Draft>, Vec<Problem>> {
    let objects = bundle.applications.iter().flat_map(|application| {
        application.objects.iter().map(|body| RenderedObject {
            application: Some(application.name.clone()),
            body: Arc::new(body.clone()),
            holes: Vec::new(),
            sensitive: Vec::new(),
        })
    });
    let rendered = Rendered { objects: objects.collect(), ..Rendered::default() };
    let cluster = Handle("aks_cluster.main".parse().expect("an address"));
    let resource = Resource {
        address: "kubeflow.main".parse().expect("an address"),
        fields: Map(BTreeMap::from([("cluster".to_owned(), cluster)])),
        existing: false,
        depends_on: BTreeSet::new(),
        each: None,
        lifecycle: Lifecycle::default(),
        timeouts: Timeouts::default(),
        conflicts: Vec::new(),
        readiness: Vec::new(),
        at: Position::default(),
        positions: BTreeMap::new(),
    };
    let scene = Scene {
        stack: "test",
        environment: "default",
        lineage: "l1",
        subscription: None,
        resources: &BTreeMap::new(),
        places: &BTreeMap::new(),
        cluster: None,
        rendered: Some(&rendered),
    };
    match kinds().first().expect("there is a kind").expand(&resource, &scene)? {
        Expansion::Nodes { drafts, .. } => Ok(drafts),
        Expansion::Render(_) => panic!("it was rendered already"),
    }
}

#[test]
fn every_object_of_the_guide_becomes_a_node_of_its_application() {
    let Some(tree) = shared("manifests-v1.2.0.tar.gz") else { return };
    let bundle = guide(&tree);
    let drafts = drafts(&bundle).expect("every object has a place");
    assert_eq!(drafts.len(), bundle.objects().count());
    let addresses: BTreeSet<String> = drafts.iter().map(|draft| draft.address.to_string()).collect();
    assert_eq!(addresses.len(), drafts.len(), "no two nodes have one address");
    let applications: BTreeSet<&str> = drafts.iter().filter_map(|draft| draft.application.as_deref()).collect();
    assert_eq!(applications.len(), bundle.applications.len());
    let data: Vec<String> = drafts
        .iter()
        .filter(|draft| draft.protection == Protection::UserData)
        .map(|draft| draft.address.to_string())
        .collect();
    insta::assert_snapshot!(data.join("\n"), @r"
    kubeflow.main/kubeflow/PersistentVolumeClaim/katib-mysql
    kubeflow.main/kubeflow/PersistentVolumeClaim/metadata-mysql
    kubeflow.main/kubeflow/PersistentVolumeClaim/minio-pvc
    kubeflow.main/kubeflow/PersistentVolumeClaim/mysql-pv-claim
    ");
}

#[test]
fn on_aks_the_guide_needs_four_patches() {
    let Some(tree) = shared("manifests-v1.2.0.tar.gz") else { return };
    let (bundle, said) = patched(&tree, &Selection::Auto, &aks(21)).expect("the patches are made");
    insta::assert_snapshot!(said, @r"
    AKS patch `dashboard-load-balancer` is left: `dashboard.expose` is not set
    AKS patch `mpi-operator` is taken: `mpioperator/mpi-operator:latest` is a later controller, which does not know the flags it is given; it changes the image of Deployment.apps kubeflow/mpi-operator to `mpioperator/mpi-operator:v0.2.3`
    AKS patch `admissions-enforcer` is taken: AKS would make 13 webhook configurations pass over the namespaces labelled `control-plane`, and Kubeflow's pods would get no sidecar; it changes the annotation `admissions.enforcer/disabled` of 13 webhook configurations
    AKS patch `pipeline-tls` is left: `admissions-enforcer` keeps the sidecars, and with them mutual TLS works
    AKS patch `containerd-executor` is taken: nodes of AKS run containerd, and Argo is set to `docker`; it changes `containerRuntimeExecutor` inside `/data/config` of ConfigMap kubeflow/workflow-controller-configmap to `pns`
    AKS patch `image-pins` is taken: 12 containers run an image whose tag moves; it changes 1 container to `gcr.io/istio-release/citadel:1.3.1`, 1 container to `gcr.io/istio-release/galley:1.3.1`, 1 container to `gcr.io/istio-release/kubectl:1.3.1`, 2 containers to `gcr.io/istio-release/mixer:1.3.1`, 1 container to `gcr.io/istio-release/node-agent-k8s:1.3.1`, 1 container to `gcr.io/istio-release/pilot:1.3.1`, 4 containers to `gcr.io/istio-release/proxyv2:1.3.1`, 1 container to `gcr.io/istio-release/sidecar_injector:1.3.1`
    ");
    let config = &find(&bundle, "ConfigMap", "workflow-controller-configmap")["data"]["config"];
    let before = guide(&tree);
    let before = &find(&before, "ConfigMap", "workflow-controller-configmap")["data"]["config"];
    let expected = before
        .as_str()
        .expect("it is text")
        .replace("containerRuntimeExecutor: docker", "containerRuntimeExecutor: pns");
    assert_eq!(config, &expected);
    let injector = find(&bundle, "MutatingWebhookConfiguration", "istio-sidecar-injector");
    assert_eq!(injector["metadata"]["annotations"]["admissions.enforcer/disabled"], "true");
    let operator = find(&bundle, "Deployment", "mpi-operator");
    assert_eq!(operator["spec"]["template"]["spec"]["containers"][0]["image"], "mpioperator/mpi-operator:v0.2.3");
}

#[test]
fn the_guides_own_repairs_can_be_asked_for_by_name() {
    let Some(tree) = shared("manifests-v1.2.0.tar.gz") else { return };
    let names = ["dashboard-load-balancer", "mpi-operator", "pipeline-tls", "containerd-executor"];
    let list = Selection::List(names.map(str::to_owned).to_vec());
    let dashboard = Expose::LoadBalancer { source_ranges: vec!["203.0.113.0/24".to_owned()], public: false };
    let (bundle, said) = patched(&tree, &list, &Facts { dashboard, ..aks(21) }).expect("the patches are made");
    insta::assert_snapshot!(said, @r"
    AKS patch `dashboard-load-balancer` is taken: it is on the list; it changes Service istio-system/kubeflowdashboard-lb (new)
    AKS patch `mpi-operator` is taken: it is on the list; it changes the image of Deployment.apps kubeflow/mpi-operator to `mpioperator/mpi-operator:v0.2.3`
    AKS patch `admissions-enforcer` is left: it is not on the list
    AKS patch `pipeline-tls` is taken: it is on the list; it changes `/spec/trafficPolicy/tls/mode` of DestinationRule.networking.istio.io kubeflow/ml-pipeline to `DISABLE`, `/spec/trafficPolicy/tls/mode` of DestinationRule.networking.istio.io kubeflow/ml-pipeline-ui to `DISABLE`
    AKS patch `containerd-executor` is taken: it is on the list; it changes `containerRuntimeExecutor` inside `/data/config` of ConfigMap kubeflow/workflow-controller-configmap to `pns`
    AKS patch `image-pins` is left: it is not on the list
    ");
    insta::assert_snapshot!(find(&bundle, "Service", patches::DASHBOARD_SERVICE).to_string(), @r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"kubeflowdashboard-lb","namespace":"istio-system"},"spec":{"loadBalancerSourceRanges":["203.0.113.0/24"],"ports":[{"name":"http","port":80,"protocol":"TCP","targetPort":80}],"selector":{"app":"istio-ingressgateway","istio":"ingressgateway"},"type":"LoadBalancer"}}"#);
    for (name, mode) in
        [("ml-pipeline", "DISABLE"), ("ml-pipeline-ui", "DISABLE"), ("ml-pipeline-mysql", "ISTIO_MUTUAL")]
    {
        assert_eq!(find(&bundle, "DestinationRule", name)["spec"]["trafficPolicy"]["tls"]["mode"], mode);
    }
}

#[test]
fn elsewhere_only_what_is_not_of_azure_is_taken() {
    let Some(tree) = shared("manifests-v1.2.0.tar.gz") else { return };
    let facts = Facts { kubernetes_version: Some((1, 21)), is_aks: Some(false), dashboard: Expose::None };
    let (_, said) = patched(&tree, &Selection::Auto, &facts).expect("the patches are made");
    insta::assert_snapshot!(said, @r"
    AKS patch `dashboard-load-balancer` is left: `dashboard.expose` is not set
    AKS patch `mpi-operator` is taken: `mpioperator/mpi-operator:latest` is a later controller, which does not know the flags it is given; it changes the image of Deployment.apps kubeflow/mpi-operator to `mpioperator/mpi-operator:v0.2.3`
    AKS patch `admissions-enforcer` is left: the cluster is not AKS
    AKS patch `pipeline-tls` is left: the cluster is not AKS, so the pods have their sidecars
    AKS patch `containerd-executor` is left: nodes of Kubernetes 1.21 may run Docker; if they do not, list the patch
    AKS patch `image-pins` is taken: 12 containers run an image whose tag moves; it changes 1 container to `gcr.io/istio-release/citadel:1.3.1`, 1 container to `gcr.io/istio-release/galley:1.3.1`, 1 container to `gcr.io/istio-release/kubectl:1.3.1`, 2 containers to `gcr.io/istio-release/mixer:1.3.1`, 1 container to `gcr.io/istio-release/node-agent-k8s:1.3.1`, 1 container to `gcr.io/istio-release/pilot:1.3.1`, 4 containers to `gcr.io/istio-release/proxyv2:1.3.1`, 1 container to `gcr.io/istio-release/sidecar_injector:1.3.1`
    ");
    let unknown = Facts { kubernetes_version: None, is_aks: None, dashboard: Expose::None };
    insta::assert_snapshot!(patched(&tree, &Selection::Auto, &unknown).expect_err("it cannot be told"), @r"
    whether the AKS patch `admissions-enforcer` is needed cannot be told: it is not known whether the cluster is AKS
    whether the AKS patch `containerd-executor` is needed cannot be told: it is not known whether the cluster is AKS
    ");
}

#[test]
fn applications_are_removed_and_added() {
    let Some(tree) = shared("manifests-v1.2.0.tar.gz") else { return };
    let choice = Choice {
        remove: vec!["spartakus".to_owned(), "spark-operator".to_owned()],
        add: vec!["@manifests/stacks/azure/application/oidc-authservice".to_owned()],
    };
    let bundle = rendered(&tree, GUIDE, &choice).expect("it renders");
    let names: Vec<&str> = bundle.applications.iter().map(|application| application.name.as_str()).collect();
    assert_eq!((names.len(), names.last()), (15, Some(&"oidc-authservice")));
    let wrong = Choice {
        remove: vec!["istio-stacks".to_owned()],
        add: vec!["manifests/x".to_owned(), "@others/x".to_owned(), "@manifests/nothing".to_owned()],
    };
    insta::assert_snapshot!(rendered(&tree, GUIDE, &wrong).expect_err("it cannot be done"), @r"
    there is no application `istio-stacks` to remove
    `manifests/x` cannot be added: it must have the form `@REPO/PATH`
    @others/x: the repository `others` is not declared
    application `nothing` cannot be rendered: nothing: `nothing` holds no `kustomization.yaml`, `kustomization.yml` or `Kustomization`
    ");
}
