use kfplan_plan::{Gate, GateState, Locator, Probe, Rules};
use serde_json::{Value as Json, json};

use super::world::{locator, object};
use crate::{ObjectRules, WebhookOutcome, is_ready, webhook_probe};

fn one(state: GateState) -> String {
    match state {
        GateState::Open => "open".to_owned(),
        GateState::OpenUnverified(why) => format!("open, not verified: {why}"),
        GateState::Closed(why) => format!("closed: {why}"),
        GateState::Broken(why) => format!("broken: {why}"),
    }
}

fn ready(text: &str) -> String {
    one(is_ready(&object(text)))
}

/// Each line is a kind, a spec and a status, and what is said of it.
#[test]
fn readiness_is_judged_by_kind() {
    let cases = [
        ("apps/v1 Deployment", "{replicas: 2}", "{updatedReplicas: 2, replicas: 2, availableReplicas: 2}", "open"),
        (
            "apps/v1 Deployment",
            "{replicas: 2}",
            "{updatedReplicas: 1, replicas: 3}",
            "closed: 1 of 2 pods are up to date",
        ),
        (
            "apps/v1 Deployment",
            "{}",
            "{updatedReplicas: 1, replicas: 2, availableReplicas: 2}",
            "closed: 1 old pods are still there",
        ),
        ("apps/v1 Deployment", "{}", "{}", "closed: 0 of 1 pods are up to date"),
        (
            "apps/v1 Deployment",
            "{}",
            "{updatedReplicas: 1, replicas: 1, conditions: [{type: Progressing, reason: ProgressDeadlineExceeded, message: 'too slow.'}]}",
            "closed: 0 of 1 pods are available: too slow",
        ),
        (
            "apps/v1 Deployment",
            "{}",
            "{conditions: [{type: ReplicaFailure, status: 'True', message: 'quota exceeded'}]}",
            "closed: 0 of 1 pods are up to date: quota exceeded",
        ),
        ("apps/v1 Deployment", "{paused: true}", "{}", "open, not verified: it is paused"),
        ("apps/v1 Deployment", "{replicas: 0}", "{}", "open"),
        ("apps/v1 StatefulSet", "{}", "{readyReplicas: 1, currentRevision: a, updateRevision: a}", "open"),
        (
            "apps/v1 StatefulSet",
            "{}",
            "{readyReplicas: 1, currentRevision: a, updateRevision: b}",
            "closed: its pods are being replaced",
        ),
        (
            "apps/v1 StatefulSet",
            "{replicas: 3, updateStrategy: {rollingUpdate: {partition: 2}}}",
            "{readyReplicas: 3, updatedReplicas: 0}",
            "closed: 0 of 1 pods are up to date",
        ),
        (
            "apps/v1 DaemonSet",
            "{}",
            "{observedGeneration: 1, desiredNumberScheduled: 0}",
            "open, not verified: no node is there that it would run on",
        ),
        ("apps/v1 DaemonSet", "{}", "{}", "closed: its controller has not looked at it yet"),
        (
            "apps/v1 DaemonSet",
            "{}",
            "{observedGeneration: 1, desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberReady: 1}",
            "closed: 1 of 2 pods are ready",
        ),
        (
            "apps/v1 DaemonSet",
            "{}",
            "{observedGeneration: 1, desiredNumberScheduled: 1, updatedNumberScheduled: 1, numberReady: 1, numberAvailable: 1}",
            "open",
        ),
        (
            "batch/v1 Job",
            "{}",
            "{conditions: [{type: Failed, status: 'True', message: BackoffLimitExceeded}]}",
            "broken: BackoffLimitExceeded",
        ),
        ("batch/v1 Job", "{completions: 3}", "{succeeded: 1}", "closed: 1 of 3 pods have succeeded"),
        ("batch/v1 Job", "{}", "{conditions: [{type: Complete, status: 'True'}]}", "open"),
        ("v1 Pod", "{}", "{phase: Running, conditions: [{type: Ready, status: 'True'}]}", "open"),
        (
            "v1 Pod",
            "{}",
            "{phase: Pending, containerStatuses: [{name: m, state: {waiting: {reason: ImagePullBackOff, message: 'no such image'}}}]}",
            "closed: container `m` is ImagePullBackOff: no such image",
        ),
        (
            "v1 Pod",
            "{}",
            "{phase: Pending, conditions: [{type: PodScheduled, status: 'False', message: '0/2 nodes are available'}]}",
            "closed: 0/2 nodes are available",
        ),
        ("v1 PersistentVolumeClaim", "{}", "{phase: Pending}", "closed: no volume is bound to it yet"),
        ("v1 PersistentVolumeClaim", "{}", "{phase: Lost}", "broken: its volume is lost"),
        ("v1 Service", "{type: LoadBalancer}", "{loadBalancer: {}}", "closed: it has no address yet"),
        ("v1 Service", "{type: LoadBalancer}", "{loadBalancer: {ingress: [{ip: 1.2.3.4}]}}", "open"),
        ("v1 Service", "{type: ClusterIP}", "{}", "open"),
        ("v1 ConfigMap", "{}", "{}", "open"),
        (
            "v1 Namespace",
            "{finalizers: [kubernetes]}",
            "{phase: Terminating, conditions: [{type: NamespaceContentRemaining, status: 'True', message: 'Some resources are remaining: notebooks.kubeflow.org has 1 resource instances'}]}",
            "closed: it is going away: Some resources are remaining: notebooks.kubeflow.org has 1 resource instances",
        ),
        ("apiextensions.k8s.io/v1 CustomResourceDefinition", "{}", "{}", "closed: it is not established yet"),
        (
            "apiextensions.k8s.io/v1 CustomResourceDefinition",
            "{}",
            "{conditions: [{type: NamesAccepted, status: 'False', message: 'taken'}]}",
            "broken: taken",
        ),
        (
            "apiextensions.k8s.io/v1 CustomResourceDefinition",
            "{}",
            "{conditions: [{type: Established, status: 'True'}]}",
            "open",
        ),
        (
            "apiregistration.k8s.io/v1 APIService",
            "{service: {name: x}}",
            "{conditions: [{type: Available, status: 'False', message: 'no endpoints'}]}",
            "closed: no endpoints",
        ),
        ("apiregistration.k8s.io/v1 APIService", "{}", "{}", "open"),
        ("cert-manager.io/v1 Certificate", "{}", "{}", "closed: nobody has looked at it yet"),
        (
            "cert-manager.io/v1 Certificate",
            "{}",
            "{conditions: [{type: Ready, status: 'False', message: 'Issuing'}]}",
            "closed: Issuing",
        ),
        ("networking.istio.io/v1 Gateway", "{}", "{}", "open"),
        ("app.k8s.io/v1beta1 Application", "{}", "{conditions: [{type: Ready, status: 'False'}]}", "open"),
        ("kubeflow.org/v1 Notebook", "{}", "{readyReplicas: 1, containerState: {running: {}}}", "open"),
        (
            "kubeflow.org/v1 Notebook",
            "{}",
            "{containerState: {waiting: {reason: ImagePullBackOff}}}",
            "closed: its pod waits: ImagePullBackOff",
        ),
        (
            "kubeflow.org/v1 Profile",
            "{}",
            "{conditions: [{type: Failed, message: 'namespace belongs to somebody else'}]}",
            "closed: namespace belongs to somebody else",
        ),
        ("kubeflow.org/v1 TFJob", "{}", "{conditions: [{type: Failed, status: 'True', reason: Oom}]}", "broken: Oom"),
        ("kubeflow.org/v1 TFJob", "{}", "{conditions: [{type: Running, status: 'True'}]}", "open"),
        (
            "source.x.io/v1 Thing",
            "{}",
            "{conditions: [{type: Stalled, status: 'True', message: 'bad spec'}]}",
            "broken: bad spec",
        ),
        (
            "source.x.io/v1 Thing",
            "{}",
            "{conditions: [{type: Reconciling, status: 'True'}]}",
            "closed: it is being worked on",
        ),
    ];
    for (kind, spec, status, said) in cases {
        let (version, name) = kind.split_once(' ').expect("a version and a kind");
        let text =
            format!("{{apiVersion: {version}, kind: {name}, metadata: {{name: x}}, spec: {spec}, status: {status}}}");
        assert_eq!(ready(&text), said, "{text}");
    }
}

#[test]
fn an_old_generation_is_never_ready() {
    let text = "{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 2}, spec: {replicas: 0}, status: {observedGeneration: 1}}";
    assert_eq!(ready(text), "closed: its controller has not looked at the latest change yet");
}

#[test]
fn what_goes_away_names_what_holds_it() {
    let text =
        "{apiVersion: v1, kind: ConfigMap, metadata: {deletionTimestamp: '2026-11-24T10:00:00Z', finalizers: [x/y]}}";
    assert_eq!(ready(text), "closed: it is going away, held by the finalizers x/y");
}

fn gate(probe: Probe, seen: &[Json]) -> String {
    let body = object("{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}");
    let locator = Locator::Object(locator(&body));
    one(ObjectRules.gate(&Gate { locator, probe, timeout: 1, why: String::new() }, seen))
}

#[test]
fn what_is_not_there_is_gone_and_not_ready() {
    assert_eq!(gate(Probe::Gone, &[]), "open");
    assert_eq!(gate(Probe::Ready, &[]), "closed: it is not there yet");
    assert_eq!(gate(Probe::Joined, &[]), "open");
    let held = json!({"metadata": {"finalizers": ["a/b"]}});
    assert_eq!(gate(Probe::Gone, &[held]), "closed: it is going away, held by the finalizers a/b");
}

#[test]
fn a_crd_must_serve_the_versions_that_are_used() {
    let crd = object(
        "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: x}
spec: {versions: [{name: v1, served: true}, {name: v1alpha1, served: false}]}
status: {conditions: [{type: Established, status: 'True'}]}
",
    );
    let of =
        |version: &str| gate(Probe::Established { versions: vec![version.to_owned()] }, std::slice::from_ref(&crd));
    assert_eq!(of("v1"), "open");
    assert_eq!(of("v1alpha1"), "broken: it does not serve version `v1alpha1`");
}

#[test]
fn a_webhook_is_proven_and_not_believed() {
    let config = |bundle: &str| {
        object(&format!(
            "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {{name: x}}
webhooks: [{{name: w.x.io, clientConfig: {{caBundle: '{bundle}', service: {{namespace: m, name: s}}}}}}]
"
        ))
    };
    let slice = |ready: bool| {
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"namespace": "m", "name": "s-1", "labels": {"kubernetes.io/service-name": "s"}},
        "endpoints": [{"conditions": {"ready": ready}}]})
    };
    let of = |seen: &[Json]| gate(Probe::WebhookAnswers { webhook: None }, seen);
    let probe = |outcome, message| webhook_probe("w.x.io", outcome, message);
    assert_eq!(of(&[config(""), slice(true)]), "closed: webhook `w.x.io` has no CA bundle yet");
    assert_eq!(of(&[config("Q0E="), slice(false)]), "closed: no pod behind `m/s` is ready");
    assert_eq!(of(&[config("Q0E=")]), "closed: `m/s` has no endpoints yet");
    assert_eq!(
        of(&[config("Q0E="), slice(true), probe(WebhookOutcome::Unreachable, "connection refused")]),
        "closed: webhook `w.x.io` does not answer: connection refused"
    );
    assert_eq!(
        of(&[config("Q0E="), slice(true), probe(WebhookOutcome::Impossible, "it takes no dry run")]),
        "open, not verified: webhook `w.x.io` has ready endpoints and a CA bundle; it takes no dry run"
    );
    assert_eq!(of(&[config("Q0E="), probe(WebhookOutcome::Answered, "")]), "open");
}

#[test]
fn gpus_must_be_offered_by_the_nodes_of_the_pools() {
    let plugin = object(
        "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: p}, status: {observedGeneration: 1, desiredNumberScheduled: 0}}",
    );
    let node = |name: &str, pool: &str, gpus: Json| {
        json!({"kind": "Node", "apiVersion": "v1",
        "metadata": {"name": name, "labels": {"kubernetes.azure.com/agentpool": pool}},
        "status": {"allocatable": {"cpu": "4", "nvidia.com/gpu": gpus}}})
    };
    let of = |nodes: &[Json]| {
        let seen: Vec<Json> = std::iter::once(plugin.clone()).chain(nodes.iter().cloned()).collect();
        gate(Probe::Allocatable { resource: "nvidia.com/gpu".to_owned(), pools: vec!["gpu".to_owned()] }, &seen)
    };
    assert_eq!(
        of(&[node("a", "system", json!("0"))]),
        "open, not verified: no node is there that could offer `nvidia.com/gpu`"
    );
    assert_eq!(
        of(&[node("a", "gpu", json!("1")), node("b", "gpu", json!("0"))]),
        "closed: these nodes do not offer `nvidia.com/gpu` yet: b"
    );
    assert_eq!(of(&[node("a", "gpu", json!("1"))]), "open");
}

#[test]
fn a_load_balancer_needs_somebody_behind_it() {
    let service = object(
        "{apiVersion: v1, kind: Service, metadata: {name: s, namespace: m}, spec: {type: LoadBalancer}, status: {loadBalancer: {ingress: [{ip: 1.1.1.1}]}}}",
    );
    let none =
        json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"namespace": "m", "name": "s"}, "subsets": []});
    assert_eq!(gate(Probe::Ready, std::slice::from_ref(&service)), "open");
    assert_eq!(gate(Probe::Ready, &[service, none]), "closed: it has an address, and no ready pod behind it");
}

#[test]
fn a_closed_gate_says_what_keeps_the_pods() {
    let workload = object(
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: m}, spec: {selector: {matchLabels: {app: d}}}}",
    );
    let pod = |label: &str| {
        json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "d-1", "namespace": "m", "labels": {"app": label}},
        "status": {"containerStatuses": [{"name": "main", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}})
    };
    assert_eq!(gate(Probe::Ready, &[workload.clone(), pod("other")]), "closed: 0 of 1 pods are up to date");
    assert_eq!(
        gate(Probe::Ready, &[workload, pod("d")]),
        "closed: 0 of 1 pods are up to date; pod `d-1`: container `main` is CrashLoopBackOff"
    );
}
