use insta::assert_snapshot;
use kfplan_model::Address;
use kfplan_plan::{ClusterFacts, Locator, ObjectView, Probe, Rules};
use serde_json::Value as Json;

use crate::identity::{Scopes, place};
use crate::{ObjectRules, yaml};

/// Edges and gates among the objects of a text, a line each. Objects whose text says `going: true` are going away.
fn ordered(text: &str) -> String {
    let bodies = yaml::parse_documents(text, yaml::Dialect::Kustomize3).expect("YAML");
    let cluster = "kubernetes_cluster.main".parse().expect("an address");
    let scopes = Scopes::of(&bodies);
    let locators: Vec<Locator> = bodies
        .iter()
        .map(|body| Locator::Object(place(body, &cluster, &scopes, "default").expect("a place").locator))
        .collect();
    let address: Address = "manifests.main".parse().expect("an address");
    let objects: Vec<ObjectView<'_>> = bodies
        .iter()
        .zip(&locators)
        .map(|(body, locator)| ObjectView {
            address: &address,
            locator,
            body,
            changing: true,
            going: body.get("going") == Some(&Json::Bool(true)),
        })
        .collect();
    let facts = ClusterFacts { cluster, version: None, aks: None, exists: true };
    let ordering = ObjectRules.order(&objects, &facts);
    let name = |place: &usize| match locators.get(*place) {
        Some(Locator::Object(locator)) => format!("{}/{}", locator.kind, locator.name),
        _ => "?".to_owned(),
    };
    let names = |places: &[usize]| places.iter().map(name).collect::<Vec<_>>().join(", ");
    let mut lines: Vec<String> =
        ordering.edges.iter().map(|it| format!("{} -> {} {:?}", name(&it.from), name(&it.to), it.kind)).collect();
    for it in &ordering.gates {
        let probe = match &it.gate.probe {
            Probe::Established { versions } => format!("established {}", versions.join(" ")),
            Probe::WebhookAnswers { webhook: Some(webhook) } => format!("webhook {webhook}"),
            Probe::Allocatable { resource, pools } => format!("allocatable {resource} {}", pools.join(" ")),
            _ => it.name.to_owned(),
        };
        let after = if it.after.is_empty() { String::new() } else { format!(" after {}", names(&it.after)) };
        lines.push(format!("gate {probe} on {}{after}: {}", name(&it.on), names(&it.waiters)));
    }
    lines.join("\n")
}

#[test]
fn what_a_workload_needs_comes_before_it() {
    assert_snapshot!(ordered("
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: a}
spec:
  template:
    spec:
      serviceAccountName: runner
      priorityClassName: high
      imagePullSecrets: [{name: pull}]
      containers:
      - env: [{valueFrom: {secretKeyRef: {name: pw, key: k}}}]
        envFrom: [{configMapRef: {name: env}}]
      volumes:
      - configMap: {name: conf}
      - persistentVolumeClaim: {claimName: disk}
      - projected: {sources: [{secret: {name: token}}]}
      - secret: {secretName: not-here}
---
{apiVersion: v1, kind: Namespace, metadata: {name: a}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: runner, namespace: a}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: conf, namespace: a}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: conf, namespace: other}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: env, namespace: a}}
---
{apiVersion: v1, kind: Secret, metadata: {name: pw, namespace: a}}
---
{apiVersion: v1, kind: Secret, metadata: {name: pull, namespace: a}}
---
{apiVersion: v1, kind: Secret, metadata: {name: token, namespace: a}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: disk, namespace: a}, spec: {storageClassName: fast}}
---
{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: fast}}
---
{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: high}}
"), @r"
    Namespace/a -> Deployment/web ContainedIn
    Namespace/a -> ServiceAccount/runner ContainedIn
    Namespace/a -> ConfigMap/conf ContainedIn
    Namespace/a -> ConfigMap/env ContainedIn
    Namespace/a -> Secret/pw ContainedIn
    Namespace/a -> Secret/pull ContainedIn
    Namespace/a -> Secret/token ContainedIn
    Namespace/a -> PersistentVolumeClaim/disk ContainedIn
    ServiceAccount/runner -> Deployment/web AfterApplied
    ConfigMap/conf -> Deployment/web AfterApplied
    ConfigMap/env -> Deployment/web AfterApplied
    Secret/pw -> Deployment/web AfterApplied
    Secret/pull -> Deployment/web AfterApplied
    Secret/token -> Deployment/web AfterApplied
    PersistentVolumeClaim/disk -> Deployment/web AfterApplied
    StorageClass/fast -> PersistentVolumeClaim/disk AfterApplied
    PriorityClass/high -> Deployment/web AfterApplied
    ");
}

#[test]
fn a_custom_resource_waits_for_its_crd_and_follows_its_controller() {
    assert_snapshot!(ordered("
{apiVersion: x.io/v2, kind: Thing, metadata: {name: t, namespace: a}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.x.io}
spec: {group: x.io, scope: Namespaced, names: {kind: Thing, plural: things}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: a}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: controller, namespace: b}, spec: {template: {spec: {serviceAccountName: c}}}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: reader, namespace: b}, spec: {template: {spec: {serviceAccountName: r}}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: c}
roleRef: {kind: ClusterRole, name: c}
subjects: [{kind: ServiceAccount, name: c, namespace: b}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: c}
rules: [{apiGroups: [x.io], resources: [things/status], verbs: [update]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: r}
roleRef: {kind: ClusterRole, name: r}
subjects: [{kind: ServiceAccount, name: r, namespace: b}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: r}
rules: [{apiGroups: [x.io], resources: [things/status], verbs: [get]}]
"), @r"
    CustomResourceDefinition/things.x.io -> Thing/t AfterReady
    Namespace/a -> Thing/t AfterApplied
    Deployment/controller -> Thing/t AfterApplied
    ClusterRole/c -> ClusterRoleBinding/c AfterApplied
    ClusterRole/r -> ClusterRoleBinding/r AfterApplied
    gate established v2 on CustomResourceDefinition/things.x.io: Thing/t
    ");
}

const WEBHOOK: &str = "
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: hooks}
webhooks:
- name: pods.x.io
  failurePolicy: POLICY
  clientConfig: {service: {namespace: sys, name: hook, path: /mutate}}
  namespaceSelector: {matchLabels: {inject: 'yes'}}
  objectSelector: {matchExpressions: [{key: skip, operator: NotIn, values: ['true']}]}
  rules: [{apiGroups: [''], apiVersions: [v1], resources: [pods], operations: [CREATE]}]
---
{apiVersion: v1, kind: Service, metadata: {name: hook, namespace: sys}, spec: {selector: {app: hook}}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: hook, namespace: sys}, spec: {template: {metadata: {labels: {app: hook, v: '1'}}, spec: {serviceAccountName: hook}}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: sys, labels: {inject: 'yes'}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: apps, labels: {inject: 'yes'}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: plain}}
---
{apiVersion: batch/v1, kind: CronJob, metadata: {name: in, namespace: apps}}
---
{apiVersion: batch/v1, kind: CronJob, metadata: {name: waits, namespace: apps}, spec: {jobTemplate: {spec: {template: {spec: {}}}}}}
---
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: skips, namespace: apps}, spec: {template: {metadata: {labels: {skip: 'true'}}}}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: elsewhere, namespace: plain}, spec: {template: {spec: {}}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: data, namespace: apps}}
";

fn gates(text: &str) -> String {
    ordered(text).lines().filter(|line| line.starts_with("gate")).collect::<Vec<_>>().join("\n")
}

#[test]
fn pods_wait_for_the_webhook_that_intercepts_them_and_never_its_own() {
    assert_snapshot!(gates(&WEBHOOK.replace("POLICY", "Fail")), @"gate webhook on MutatingWebhookConfiguration/hooks after Service/hook, Deployment/hook: CronJob/waits");
}

#[test]
fn a_webhook_that_may_fail_holds_nobody_unless_it_injects_sidecars() {
    let ignore = WEBHOOK.replace("POLICY", "Ignore");
    assert_eq!(gates(&ignore), "");
    assert!(gates(&ignore.replace("/mutate", "/inject")).ends_with("CronJob/waits"));
}

#[test]
fn a_webhook_configuration_comes_after_what_serves_it_so_that_it_goes_first() {
    let text = ordered(&WEBHOOK.replace("POLICY", "Ignore"));
    assert!(text.contains("Deployment/hook -> MutatingWebhookConfiguration/hooks AfterApplied"), "{text}");
    assert!(text.contains("Service/hook -> MutatingWebhookConfiguration/hooks AfterApplied"), "{text}");
}

#[test]
fn nobody_waits_for_what_goes_away() {
    let text =
        WEBHOOK.replace("POLICY", "Fail").replace("metadata: {name: hooks}", "metadata: {name: hooks}\ngoing: true");
    assert_eq!(gates(&text), "");
}

#[test]
fn two_webhooks_that_intercept_each_other_make_no_ring() {
    let hook = |name: &str, ns: &str| {
        format!(
            "
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {{name: {name}}}
webhooks:
- name: {name}.x.io
  clientConfig: {{service: {{namespace: {ns}, name: hook}}}}
  rules: [{{apiGroups: ['*'], apiVersions: ['*'], resources: ['*'], operations: ['*']}}]
---
{{apiVersion: v1, kind: Service, metadata: {{name: hook, namespace: {ns}}}, spec: {{selector: {{app: hook}}}}}}
---
{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: {name}, namespace: {ns}}}, spec: {{template: {{metadata: {{labels: {{app: hook}}}}}}}}}}
---
{{apiVersion: v1, kind: Namespace, metadata: {{name: {ns}}}}}
---"
        )
    };
    let text = format!(
        "{}{}\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c, namespace: z}}}}",
        hook("one", "a"),
        hook("two", "b")
    );
    assert_snapshot!(gates(&text), @r"
    gate webhook on MutatingWebhookConfiguration/one after Service/hook, Deployment/one: MutatingWebhookConfiguration/two, Service/hook, Deployment/two, Namespace/b, ConfigMap/c
    gate webhook on MutatingWebhookConfiguration/two after Service/hook, Deployment/two: ConfigMap/c
    ");
}

#[test]
fn an_aggregated_webhook_is_served_by_its_api() {
    assert_snapshot!(ordered("
apiVersion: admissionregistration.k8s.io/v1beta1
kind: ValidatingWebhookConfiguration
metadata: {name: cert-manager-webhook}
webhooks:
- name: webhook.cert-manager.io
  failurePolicy: Fail
  clientConfig: {service: {namespace: default, name: kubernetes, path: /apis/webhook.cert-manager.io/v1beta1/validations}}
  rules: [{apiGroups: [cert-manager.io], apiVersions: [v1alpha2], resources: ['*/*'], operations: [CREATE]}]
---
{apiVersion: apiregistration.k8s.io/v1beta1, kind: APIService, metadata: {name: v1beta1.webhook.cert-manager.io}, spec: {group: webhook.cert-manager.io, version: v1beta1, service: {namespace: cert-manager, name: hook}}}
---
{apiVersion: v1, kind: Service, metadata: {name: hook, namespace: cert-manager}, spec: {selector: {app: webhook}}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: hook, namespace: cert-manager}, spec: {template: {metadata: {labels: {app: webhook}}}}}
---
{apiVersion: cert-manager.io/v1alpha2, kind: ClusterIssuer, metadata: {name: self}}
"), @r"
    APIService/v1beta1.webhook.cert-manager.io -> ValidatingWebhookConfiguration/cert-manager-webhook AfterApplied
    Service/hook -> ValidatingWebhookConfiguration/cert-manager-webhook AfterApplied
    Service/hook -> APIService/v1beta1.webhook.cert-manager.io AfterApplied
    Deployment/hook -> ValidatingWebhookConfiguration/cert-manager-webhook AfterApplied
    Deployment/hook -> APIService/v1beta1.webhook.cert-manager.io AfterApplied
    gate webhook on ValidatingWebhookConfiguration/cert-manager-webhook after APIService/v1beta1.webhook.cert-manager.io, Service/hook, Deployment/hook: ClusterIssuer/self
    ");
}

#[test]
fn webhooks_without_rules_hold_what_is_of_their_domain() {
    let text = "
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: webhook.serving.knative.dev}
webhooks: [{name: webhook.serving.knative.dev, clientConfig: {service: {namespace: k, name: webhook}}}]
---
{apiVersion: caching.internal.knative.dev/v1alpha1, kind: Image, metadata: {name: queue, namespace: k}}
---
{apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {name: g, namespace: k}}
";
    assert_snapshot!(gates(text), @"gate webhook on MutatingWebhookConfiguration/webhook.serving.knative.dev: Image/queue");
}

#[test]
fn the_device_plugin_has_a_gate_that_gpu_workloads_wait_for() {
    let text = "
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: nvidia, namespace: gpu, annotations: {kfplan.dev/pools: 'gpu,t4'}}
spec: {template: {spec: {containers: [{name: p, image: 'nvcr.io/nvidia/k8s-device-plugin:v0.18.0'}]}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: train, namespace: default}
spec: {template: {spec: {containers: [{resources: {limits: {nvidia.com/gpu: 1}}}]}}}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: cpu, namespace: default}, spec: {template: {spec: {containers: [{}]}}}}
";
    assert_snapshot!(gates(text), @"gate allocatable nvidia.com/gpu gpu t4 on DaemonSet/nvidia: Job/train");
    let alone: String = text.split("---").take(1).collect();
    assert_snapshot!(gates(&alone), @"gate allocatable nvidia.com/gpu gpu t4 on DaemonSet/nvidia:");
}

#[test]
fn what_a_webhook_checks_and_itself_needs_comes_before_its_configuration() {
    assert_snapshot!(ordered("
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: config.webhook.serving.knative.dev}
webhooks:
- name: config.webhook.serving.knative.dev
  failurePolicy: Fail
  clientConfig: {service: {name: webhook, namespace: knative}}
  objectSelector: {matchLabels: {part: knative}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: config-logging, namespace: knative, labels: {part: knative}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: other, namespace: knative}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: elsewhere, namespace: a, labels: {part: knative}}
---
apiVersion: v1
kind: Service
metadata: {name: webhook, namespace: knative}
spec: {selector: {app: webhook}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: webhook, namespace: knative}
spec: {template: {metadata: {labels: {app: webhook}}, spec: {containers: []}}}
"), @"
    Service/webhook -> ValidatingWebhookConfiguration/config.webhook.serving.knative.dev AfterApplied
    Deployment/webhook -> ValidatingWebhookConfiguration/config.webhook.serving.knative.dev AfterApplied
    ConfigMap/config-logging -> ValidatingWebhookConfiguration/config.webhook.serving.knative.dev AfterApplied
    ");
}

#[test]
fn what_a_cluster_role_gathers_comes_before_it_and_goes_after_it() {
    assert_snapshot!(ordered("
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: admin, labels: {to-itself: 'true'}}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {to-admin: 'true'}}, {matchLabels: {to-itself: 'true'}}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: edit, labels: {to-admin: 'true'}}
aggregationRule: {clusterRoleSelectors: [{matchExpressions: [{key: to-edit, operator: Exists}]}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: jobs, labels: {to-edit: 'yes'}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: other}
"), @"
    ClusterRole/edit -> ClusterRole/admin AfterApplied
    ClusterRole/jobs -> ClusterRole/edit AfterApplied
    ");
}
