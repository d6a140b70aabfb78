use kfplan_model::Target;
use kfplan_objects::yaml::{self, Dialect};
use serde_json::{Value, json};

use crate::patches::{Expose, Facts, OwnPatch, Selection, apply, apply_own, decide};
use crate::{Application, Bundle};

/// A bundle with one application.
fn bundle(text: &str) -> Bundle {
    let objects = yaml::parse_documents(text, Dialect::Kustomize3).expect("it is YAML");
    Bundle { applications: vec![Application { name: "app".to_owned(), objects }], ..Bundle::default() }
}

/// What is decided, what is said, and the objects that come out.
fn patched(text: &str, list: Option<&[&str]>, facts: &Facts) -> String {
    let mut bundle = bundle(text);
    let selection = match list {
        None => Selection::Auto,
        Some(names) => Selection::List(names.iter().map(|name| (*name).to_owned()).collect()),
    };
    let decisions = match decide(&selection, facts, &bundle) {
        Ok(decisions) => decisions,
        Err(errors) => return errors.to_string(),
    };
    if let Err(errors) = apply(&decisions, facts, &mut bundle) {
        return errors.to_string();
    }
    let taken = bundle.notes.iter().filter(|note| note.code == "kubeflow::patch_taken");
    let said: String = taken.map(|note| format!("# {}\n", note.message)).collect();
    said + &yaml::to_stream(bundle.objects())
}

fn aks(dashboard: Expose) -> Facts {
    Facts { kubernetes_version: Some((1, 34)), is_aks: Some(true), dashboard }
}

const GATEWAY: &str = "
apiVersion: v1
kind: Service
metadata: {name: istio-ingressgateway, namespace: istio-system}
spec: {selector: {app: gw}, ports: [{port: 15021}, {name: http2, port: 80, targetPort: 8080}]}
";

#[test]
fn the_dashboard_is_exposed_only_to_whom_it_is_said() {
    let internal = Expose::Internal { source_ranges: vec!["10.0.0.0/8".to_owned()] };
    insta::assert_snapshot!(patched(GATEWAY, None, &aks(internal)), @r#"
    # AKS patch `dashboard-load-balancer` is taken: `dashboard.expose` is `internal`; it changes Service istio-system/kubeflowdashboard-lb (new)
    apiVersion: v1
    kind: Service
    metadata:
      name: istio-ingressgateway
      namespace: istio-system
    spec:
      ports:
      - port: 15021
      - name: http2
        port: 80
        targetPort: 8080
      selector:
        app: gw
    ---
    apiVersion: v1
    kind: Service
    metadata:
      annotations:
        service.beta.kubernetes.io/azure-load-balancer-internal: "true"
      name: kubeflowdashboard-lb
      namespace: istio-system
    spec:
      loadBalancerSourceRanges:
      - 10.0.0.0/8
      ports:
      - name: http
        port: 80
        protocol: TCP
        targetPort: 8080
      selector:
        app: gw
      type: LoadBalancer
    "#);
    let open = |public| Expose::LoadBalancer { source_ranges: Vec::new(), public };
    insta::assert_snapshot!(patched(GATEWAY, None, &aks(open(false))), @"the AKS patch `dashboard-load-balancer` cannot be made: this would show the dashboard, which asks for no password, to the whole internet");
    assert!(patched(GATEWAY, None, &aks(open(true))).contains("type: LoadBalancer"));
    insta::assert_snapshot!(patched(GATEWAY, Some(&["dashboard-load-balancer"]), &aks(Expose::None)), @"the AKS patch `dashboard-load-balancer` cannot be made: `dashboard.expose` is not set");
    insta::assert_snapshot!(patched(GATEWAY, Some(&[]), &aks(open(true))), @"the AKS patch `dashboard-load-balancer` cannot be made: `dashboard.expose` is set, but the patch is not on the list of `aks_patches`");
    let behind = format!("{GATEWAY}---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: oauth2-proxy}}\n");
    assert!(patched(&behind, None, &aks(open(true))).contains("signing in over plain HTTP"));
    insta::assert_snapshot!(patched("{kind: Pod, metadata: {name: p}}", None, &aks(open(true))), @"the AKS patch `dashboard-load-balancer` cannot be made: there is no Service `istio-ingressgateway` in this installation that it could expose");
}

#[test]
fn a_listed_patch_that_hits_nothing_is_an_error() {
    let all = ["mpi-operator", "admissions-enforcer", "pipeline-tls", "containerd-executor", "image-pins", "other"];
    insta::assert_snapshot!(patched(GATEWAY, Some(&all), &aks(Expose::None)), @"there is no AKS patch `other`");
    insta::assert_snapshot!(patched(GATEWAY, Some(&all[..5]), &aks(Expose::None)), @r"
    the AKS patch `mpi-operator` cannot be made: no Deployment `mpi-operator` runs `mpioperator/mpi-operator` without a version
    the AKS patch `admissions-enforcer` cannot be made: there are no webhook configurations in this installation
    the AKS patch `pipeline-tls` cannot be made: no DestinationRule `ml-pipeline` or `ml-pipeline-ui` asks for mutual TLS
    the AKS patch `containerd-executor` cannot be made: no ConfigMap `workflow-controller-configmap` has the key `config`; an Argo without it knows only the executor `emissary`
    the AKS patch `image-pins` cannot be made: no image has a tag that moves and a known version
    ");
}

#[test]
fn a_webhook_that_could_stop_the_cluster_is_spared() {
    let text = "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: all-pods}
webhooks: [{name: a, failurePolicy: Fail, rules: [{resources: [pods]}]}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: some-pods}
webhooks: [{name: a, namespaceSelector: {matchLabels: {a: b}}, rules: [{resources: [pods]}]}]
";
    insta::assert_snapshot!(patched(text, None, &aks(Expose::None)), @r#"
    # AKS patch `admissions-enforcer` is taken: AKS would make 2 webhook configurations pass over the namespaces labelled `control-plane`, and Kubeflow's pods would get no sidecar; it changes the annotation `admissions.enforcer/disabled` of 1 webhook configuration, nothing in ValidatingWebhookConfiguration.admissionregistration.k8s.io all-pods, which intercepts every pod and would stop the cluster itself when it fails
    apiVersion: admissionregistration.k8s.io/v1
    kind: ValidatingWebhookConfiguration
    metadata:
      name: all-pods
    webhooks:
    - failurePolicy: Fail
      name: a
      rules:
      - resources:
        - pods
    ---
    apiVersion: admissionregistration.k8s.io/v1
    kind: MutatingWebhookConfiguration
    metadata:
      annotations:
        admissions.enforcer/disabled: "true"
      name: some-pods
    webhooks:
    - name: a
      namespaceSelector:
        matchLabels:
          a: b
      rules:
      - resources:
        - pods
    "#);
}

#[test]
fn without_the_injector_mutual_tls_is_turned_off() {
    let text = "
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: {name: ml-pipeline-ui, namespace: kubeflow}
spec: {trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}
";
    insta::assert_snapshot!(patched(text, None, &aks(Expose::None)), @r"
    # AKS patch `pipeline-tls` is taken: the sidecar injector is not part of this installation, so AKS keeps it from the pods of the pipelines; it changes `/spec/trafficPolicy/tls/mode` of DestinationRule.networking.istio.io kubeflow/ml-pipeline-ui to `DISABLE`
    apiVersion: networking.istio.io/v1alpha3
    kind: DestinationRule
    metadata:
      name: ml-pipeline-ui
      namespace: kubeflow
    spec:
      trafficPolicy:
        tls:
          mode: DISABLE
    ");
}

#[test]
fn sidecars_without_mutual_tls_are_warned_of() {
    let text = "
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: {name: ml-pipeline, namespace: kubeflow}
spec: {trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: istio-sidecar-injector}
";
    let said = patched(text, Some(&["pipeline-tls", "admissions-enforcer"]), &aks(Expose::None));
    assert!(said.contains("access rules that name their callers will refuse them"), "{said}");
}

const ARGO: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap, namespace: kubeflow}
data:
  config: |
    {
    # which image
    executorImage: argoexec:v2.3.0,   # pinned
    containerRuntimeExecutor: docker,
    artifactRepository: { s3: { bucket: b } }
    }
";

#[test]
fn the_executor_is_changed_within_its_document() {
    insta::assert_snapshot!(patched(ARGO, None, &aks(Expose::None)), @r"
    # AKS patch `containerd-executor` is taken: nodes of AKS run containerd, and Argo is set to `docker`; it changes `containerRuntimeExecutor` inside `/data/config` of ConfigMap kubeflow/workflow-controller-configmap to `pns`
    apiVersion: v1
    data:
      config: |
        {
        # which image
        executorImage: argoexec:v2.3.0,   # pinned
        containerRuntimeExecutor: pns,
        artifactRepository: { s3: { bucket: b } }
        }
    kind: ConfigMap
    metadata:
      name: workflow-controller-configmap
      namespace: kubeflow
    ");
    let set = ARGO.replace("docker", "k8sapi");
    assert!(patched(&set, None, &aks(Expose::None)).contains("containerRuntimeExecutor: k8sapi"));
    insta::assert_snapshot!(patched(&ARGO.replace("config:", "other:"), Some(&["containerd-executor"]), &aks(Expose::None)), @r"the AKS patch `containerd-executor` cannot be made: no ConfigMap `workflow-controller-configmap` has the key `config`; an Argo without it knows only the executor `emissary`");
    let unreadable = ARGO.replace("artifactRepository: {", "artifactRepository: [");
    insta::assert_snapshot!(patched(&unreadable, None, &aks(Expose::None)), @r"the AKS patch `containerd-executor` cannot be made: `/data/config` of the ConfigMap `workflow-controller-configmap` cannot be read: not valid YAML at line 6, column 1: while parsing a flow sequence, expected ',' or ']'");
}

fn target(kind: &str, name: &str) -> Target {
    Target { kind: Some(kind.to_owned()), name: Some(name.to_owned()), ..Target::default() }
}

fn map(value: Value) -> Option<serde_json::Map<String, Value>> {
    value.as_object().cloned()
}

/// The objects after the user's own patches, or what is wrong with these.
fn own(text: &str, patches: &[OwnPatch]) -> String {
    let mut bundle = bundle(text);
    match apply_own(patches, &mut bundle) {
        Err(errors) => errors.to_string(),
        Ok(()) => yaml::to_stream(bundle.objects()),
    }
}

const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: x, labels: {app: web}}
spec:
  replicas: 1
  template: {spec: {containers: [{name: a, image: i, args: [x]}, {name: b, image: j}]}}
";

#[test]
fn own_patches_merge_operate_and_remove() {
    let patch = OwnPatch {
        target: Target { labels: [("app".to_owned(), "web".to_owned())].into(), ..Target::default() },
        strategic: map(json!({"spec": {"template": {"spec": {"containers": [{"name": "b", "image": "k"}]}}}})),
        merge: map(json!({"spec": {"replicas": null, "paused": true}})),
        json: Some(json!([{"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "y"}])),
        remove: vec!["/spec/template/spec/containers[name=a]/image".parse().expect("a path")],
        ..OwnPatch::default()
    };
    insta::assert_snapshot!(own(DEPLOYMENT, &[patch]), @r#"
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      labels:
        app: web
      name: web
      namespace: x
    spec:
      paused: true
      template:
        spec:
          containers:
          - args:
            - x
            - "y"
            name: a
          - image: k
            name: b
    "#);
}

#[test]
fn own_patches_reach_into_documents() {
    let inside = Some("/data/config".parse().expect("a path"));
    let patch = OwnPatch {
        target: target("ConfigMap", "workflow-controller-configmap"),
        inside,
        merge: map(json!({"containerRuntimeExecutor": "pns", "artifactRepository": {"s3": {"insecure": true}}})),
        remove: vec!["/executorImage".parse().expect("a path")],
        ..OwnPatch::default()
    };
    insta::assert_snapshot!(own(ARGO, &[patch]), @r"
    apiVersion: v1
    data:
      config: |
        {
        # which image
        containerRuntimeExecutor: pns,
        artifactRepository: { s3: { bucket: b, insecure: true } }
        }
    kind: ConfigMap
    metadata:
      name: workflow-controller-configmap
      namespace: kubeflow
    ");
}

#[test]
fn own_patches_that_hit_nothing_are_errors_unless_optional() {
    let nothing = "/spec/nothing".parse::<kfplan_model::Path>().expect("a path");
    let patches = |optional| {
        [
            OwnPatch { target: target("Deployment", "other"), optional, ..OwnPatch::default() },
            OwnPatch {
                target: target("Deployment", "web"),
                remove: vec![nothing.clone()],
                optional,
                ..OwnPatch::default()
            },
        ]
    };
    insta::assert_snapshot!(own(DEPLOYMENT, &patches(false)), @r"
    `/patch/0` (kind `Deployment`, name `other`): it hits nothing: no object is like that
    `/patch/1` (kind `Deployment`, name `web`): there is nothing at `/spec/nothing` to remove
    ");
    assert!(own(DEPLOYMENT, &patches(true)).contains("name: web"));
    let wrong = [
        OwnPatch {
            target: target("Deployment", "web"),
            json: Some(json!([{"op": "remove", "path": "/x"}])),
            ..OwnPatch::default()
        },
        OwnPatch { target: target("Deployment", "web"), inside: Some(nothing.clone()), ..OwnPatch::default() },
        OwnPatch { target: target("Deployment", "web"), merge: map(json!({"kind": null})), ..OwnPatch::default() },
        OwnPatch {
            target: target("Deployment", "web"),
            inside: Some("/metadata/name".parse().expect("a path")),
            ..OwnPatch::default()
        },
        OwnPatch { optional: true, ..OwnPatch::default() },
    ];
    insta::assert_snapshot!(own(DEPLOYMENT, &wrong), @r"
    `/patch/0` (kind `Deployment`, name `web`): Deployment.apps x/web: there is nothing at `/x`
    `/patch/1` (kind `Deployment`, name `web`): Deployment.apps x/web: there is no text at `/spec/nothing`
    `/patch/2` (kind `Deployment`, name `web`): Deployment.apps x/web: the patch leaves no object with a kind and a name
    `/patch/3` (kind `Deployment`, name `web`): Deployment.apps x/web: inside `/metadata/name`: only a map can be patched
    `/patch/4` (every object): a target that says nothing would hit every object
    ");
}

#[test]
fn versions_are_read() {
    assert_eq!(["1.34", "v1.21.7", "1", "x"].map(Facts::version), [Some((1, 34)), Some((1, 21)), None, None]);
}
