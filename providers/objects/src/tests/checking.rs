use insta::assert_snapshot;
use kfplan_model::{Address, Late};
use kfplan_plan::{
    ClusterFacts, DeadWebhook, Desired, Discovery, Hole, Locator, Note, ObjectView, Protection, Rules, ServedKind,
    Severity,
};
use serde_json::Value as Json;

use super::world::{object, path};
use crate::identity::{Scopes, place};
use crate::{ObjectRules, yaml};

fn viewed<T>(text: &str, look: impl FnOnce(&[ObjectView<'_>]) -> T) -> T {
    let bodies = yaml::parse_documents(text, yaml::Dialect::Kustomize3).expect("YAML");
    let cluster = "aks_cluster.main".parse().expect("an address");
    let scopes = Scopes::of(&bodies);
    let locate = |body: &Json| Locator::Object(place(body, &cluster, &scopes, "default").expect("a place").locator);
    let locators: Vec<Locator> = bodies.iter().map(locate).collect();
    let address: Address = "manifests.main".parse().expect("an address");
    let view = |(body, locator)| ObjectView { address: &address, locator, body, changing: true, going: false };
    let views: Vec<ObjectView<'_>> = bodies.iter().zip(&locators).map(view).collect();
    look(&views)
}

fn lines(notes: &[Note]) -> String {
    let line = |it: &Note| match it.severity {
        Severity::Blocks => it.message.clone(),
        Severity::Warning => format!("warning: {}", it.message),
        Severity::Info => format!("info: {}", it.message),
    };
    notes.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What is wrong with the last object of a text.
fn checked(text: &str) -> String {
    checked_with(text, |_| ())
}

fn checked_with(text: &str, edit: impl FnOnce(&mut Desired)) -> String {
    viewed(text, |views| {
        let last = views.last().expect("an object");
        let mut desired = Desired { body: last.body.clone(), ..Desired::default() };
        edit(&mut desired);
        lines(&ObjectRules.check(&desired, last.locator, views))
    })
}

const CRD: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.x.io}
spec:
  group: x.io
  scope: Namespaced
  names: {kind: Thing, plural: things}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        required: [spec]
        properties:
          spec:
            type: object
            required: [size, mode]
            x-kubernetes-validations: [{rule: 'self.size > 0'}]
            properties:
              size: {type: integer, minimum: 1, maximum: 9, exclusiveMaximum: true}
              mode: {type: string, enum: [a, b], default: a}
              name: {type: string, pattern: '^[a-z]+$', minLength: 2, maxLength: 5}
              port: {x-kubernetes-int-or-string: true}
              free: {type: object, x-kubernetes-preserve-unknown-fields: true}
              labels: {type: object, additionalProperties: {type: string}, maxProperties: 2}
              list:
                type: array
                minItems: 1
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items: {type: object, required: [name], properties: {name: {type: string}, on: {type: boolean}}}
              tags: {type: array, items: {type: string}, x-kubernetes-list-type: set}
              either: {type: object, properties: {p: {type: string}, q: {type: string}}, oneOf: [{required: [p]}, {required: [q]}]}
              half: {type: number, multipleOf: 0.5}
              pod: {type: object, x-kubernetes-embedded-resource: true, properties: {spec: {type: object}}}
  - name: v1alpha1
    served: false
    storage: false
    schema: {openAPIV3Schema: {type: object}}
---
";

fn thing(spec: &str) -> String {
    checked(&format!("{CRD}{{apiVersion: x.io/v1, kind: Thing, metadata: {{name: t, namespace: a}}, spec: {spec}}}"))
}

const CEL: &str = "info: its CRD has rules in CEL, which only the server checks";

#[test]
fn a_custom_resource_that_fits_its_crd_is_fine() {
    let spec = "{size: 1, name: abc, port: 80, free: {any: [1]}, labels: {a: b}, list: [{name: x, on: true}], tags: [a], either: {p: x}, half: 1.5, pod: {apiVersion: v1, kind: Pod, metadata: {}, spec: {}}}";
    assert_eq!(thing(spec), CEL);
    assert_eq!(thing("{size: 8.0, port: http, name: null}"), CEL);
}

#[test]
fn everything_that_does_not_fit_is_said_with_its_path() {
    let spec = "{size: 9, mode: c, name: X, port: true, labels: {a: 1, b: x, c: z}, list: [], tags: [a, a], either: {p: x, q: z}, half: 0.3, Size: 1, pod: {other: 1}}";
    assert_snapshot!(thing(spec), @r#"
    `/spec/Size`: its CRD does not know this field: `size` is
    `/spec/either`: it fits 2 of 2 forms, and must fit exactly one
    `/spec/half`: 0.3 is no multiple of 0.5
    `/spec/labels`: it has 3 fields, and may have 2
    `/spec/labels/a`: `1` must be text: put it into quotes
    `/spec/list`: it has 0 items, and must have 1 or more
    `/spec/mode`: `"c"` must be one of "a", "b"
    `/spec/name`: it has 1 characters, and must have 2 or more
    `/spec/name`: `"X"` does not match `^[a-z]+$`
    `/spec/pod/other`: its CRD does not know this field
    `/spec/port`: `true` must be a whole number or text
    `/spec/size`: 9 is more than 9
    `/spec/tags/1`: an item like it is in the list already ("a")
    info: its CRD has rules in CEL, which only the server checks
    "#);
}

#[test]
fn what_is_required_may_have_a_default_or_come_later() {
    assert_eq!(thing("{}").lines().next(), Some("`/spec/size`: its CRD requires it"));
    let text =
        format!("{CRD}{{apiVersion: x.io/v1, kind: Thing, metadata: {{name: t, namespace: a}}, spec: {{size: null}}}}");
    let late = Late { template: "${a.b.c}".into(), waits: Default::default() };
    let said = checked_with(&text, |desired| desired.holes = vec![Hole { path: path("/spec/size"), late }]);
    assert_eq!(said, CEL);
}

#[test]
fn a_version_that_the_crd_does_not_serve_is_wrong() {
    let text = format!("{CRD}{{apiVersion: x.io/v1alpha1, kind: Thing, metadata: {{name: t, namespace: a}}}}");
    assert_snapshot!(checked(&text), @"`/apiVersion`: its CRD does not serve version `v1alpha1`, only v1, v1alpha1");
}

#[test]
fn a_crd_of_old_keeps_what_it_does_not_know() {
    let text = "
apiVersion: apiextensions.k8s.io/v1beta1
kind: CustomResourceDefinition
metadata: {name: olds.x.io}
spec: {group: x.io, version: v1, names: {kind: Old, plural: olds}, scope: Namespaced, validation: {openAPIV3Schema: {properties: {spec: {properties: {num: {type: integer}}}}}}}
---
{apiVersion: x.io/v1, kind: Old, metadata: {name: o, namespace: a}, spec: {num: 1, more: 2}, other: 3}
";
    assert_eq!(checked(text), "");
    assert_snapshot!(checked(&text.replace("num: 1", "num: x")), @r#"`/spec/num`: `"x"` must be a whole number"#);
}

#[test]
fn secrets_are_not_quoted() {
    let text = format!(
        "{CRD}{{apiVersion: x.io/v1, kind: Thing, metadata: {{name: t, namespace: a}}, spec: {{size: 77, name: HUNTER2, mode: SECRET, tags: [SECRET, SECRET]}}}}"
    );
    let said = checked_with(&text, |desired| desired.sensitive = vec![path("/spec")]);
    assert!(!said.contains("HUNTER") && !said.contains("SECRET") && !said.contains("77"), "{said}");
    let said = checked("{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {k: 'not base64!'}}");
    assert_snapshot!(said, @"`/data/k`: it must be base64; text goes into `stringData`");
}

#[test]
fn built_in_kinds_are_checked_for_what_they_require() {
    assert_snapshot!(checked("
apiVersion: apps/v1
kind: Deployment
metadata: {name: Web_1, namespace: a, labels: {bad key: x, ok: 'a b', num: 5}, annotations: {on: true}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: other}}
    spec:
      containers:
      - {name: c, resources: {limits: {cpu: lots}}, env: [{name: A, value: 1}]}
      - {name: c, image: i}
"), @r#"
    `/metadata/name`: `Web_1` must be lower-case letters, digits, `-` and `.`, and begin and end with a letter or digit
    `/metadata/labels/bad key`: the key must be `NAME` or `DNS.NAME/NAME`, the name at most 63 letters, digits, `-`, `_` and `.`
    `/metadata/labels/num`: `5` must be text: put it into quotes
    `/metadata/labels/ok`: `"a b"` must be at most 63 letters, digits, `-`, `_` and `.`, and begin and end with a letter or digit
    `/metadata/annotations/true`: `true` must be text: put it into quotes
    `/spec/template/spec/containers/0/image`: it is required
    `/spec/template/spec/containers/0/resources/limits/cpu`: `"lots"` is no quantity, such as `500m` or `1Gi`
    `/spec/template/spec/containers/0/env/0/value`: `1` must be text: put it into quotes
    `/spec/template/spec/containers/1/name`: `c` names another container too
    `/spec/selector/matchLabels/app`: the pod template does not carry this label
    "#);
    let cases = [
        (
            "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: p}}",
            "`/spec/accessModes`: it is required\n`/spec/resources/requests/storage`: it is required",
        ),
        (
            "{apiVersion: v1, kind: Service, metadata: {name: 1s}, spec: {}}",
            "`/metadata/name`: `1s` must be at most 63 lower-case letters, digits and `-`, and begin with a letter\n`/spec/ports`: it is required",
        ),
        (
            "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: 0, name: a}, {port: 80}]}}",
            "`/spec/ports/0/port`: it must be a number from 1 to 65535\n`/spec/ports/1/name`: each of several ports must be named",
        ),
        (
            "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {type: ExternalName}}",
            "`/spec/externalName`: a Service of type `ExternalName` requires it",
        ),
        ("{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {clusterIP: None}}", ""),
        (
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {k: 1}}",
            "`/data/k`: `1` must be text: put it into quotes",
        ),
        ("{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: 'system:x'}}", ""),
        (
            "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: a/b}}",
            "`/metadata/name`: `a/b` must not hold `/` or `%`, nor be `.` or `..`\n`/roleRef/kind`: it is required\n`/roleRef/name`: it is required",
        ),
        (
            "{apiVersion: batch/v1, kind: CronJob, metadata: {name: c}, spec: {jobTemplate: {spec: {template: {spec: {}}}}}}",
            "`/spec/schedule`: it is required\n`/spec/jobTemplate/spec/template/spec/containers`: it is required",
        ),
        (
            "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: wrong}, spec: {group: x.io, scope: Cluster, names: {kind: T, plural: ts}, versions: [{name: v1}]}}",
            "`/metadata/name`: it must be `ts.x.io`: the plural and the group\n`/spec/versions/0/schema/openAPIV3Schema`: every version requires a schema\n`/spec/versions`: exactly one version must say `storage: true`, and 0 do",
        ),
        (
            "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: w.x.io}]}",
            "`/webhooks/0/clientConfig`: it is required\n`/webhooks/0/sideEffects`: it is required\n`/webhooks/0/admissionReviewVersions`: it is required",
        ),
    ];
    for (text, said) in cases {
        assert_eq!(checked(text), said, "{text}");
    }
}

#[test]
fn no_schema_makes_checking_panic_or_go_on_for_ever() {
    for schema in [
        "{type: 5}",
        "{pattern: '(?=x)', type: string}",
        "{enum: x}",
        "{properties: 3}",
        "{allOf: {}}",
        "{items: 1, type: array}",
        "{required: {}}",
    ] {
        let text = format!("
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: things.x.io}}
spec: {{group: x.io, names: {{kind: Thing, plural: things}}, versions: [{{name: v1, schema: {{openAPIV3Schema: {{type: object, properties: {{spec: {schema}}}}}}}}}]}}
---
{{apiVersion: x.io/v1, kind: Thing, metadata: {{name: t, namespace: a}}, spec: x}}
");
        let _ = checked(&text);
    }
}

fn preflight(text: &str, version: &str, exists: bool, discovery: Option<&Discovery>) -> String {
    let facts = ClusterFacts {
        cluster: "aks_cluster.main".parse().expect("an address"),
        version: Some(version.to_owned()).filter(|it| !it.is_empty()),
        aks: None,
        exists,
    };
    viewed(text, |views| lines(&ObjectRules.preflight(views, &facts, discovery)))
}

const OLD: &str = "
{apiVersion: policy/v1beta1, kind: PodDisruptionBudget, metadata: {name: a}}
---
{apiVersion: policy/v1beta1, kind: PodDisruptionBudget, metadata: {name: b}}
---
{apiVersion: rbac.authorization.k8s.io/v1beta1, kind: ClusterRole, metadata: {name: r}}
";

#[test]
fn apis_that_went_or_are_to_come_block() {
    assert_snapshot!(preflight(OLD, "1.34", false, None), @r"
    3 of 3 objects use APIs that Kubernetes 1.34 does not serve: 1 since 1.22, 2 since 1.25
    `PodDisruptionBudget` of `policy/v1beta1` is not served since Kubernetes 1.25 (2 objects: `default/a`, `default/b`)
    `ClusterRole` of `rbac.authorization.k8s.io/v1beta1` is not served since Kubernetes 1.22 (1 object: `r`)
    ");
    assert_snapshot!(preflight(OLD, "1.21", true, None), @r"
    warning: `PodDisruptionBudget` of `policy/v1beta1` is deprecated and goes with 1.25 (2 objects: `default/a`, `default/b`)
    warning: `ClusterRole` of `rbac.authorization.k8s.io/v1beta1` is deprecated and goes with 1.22 (1 object: `r`)
    ");
    assert_snapshot!(preflight("{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: h}}", "1.21", true, None), @"`HorizontalPodAutoscaler` of `autoscaling/v2` is served since Kubernetes 1.23, and the cluster has 1.21 (1 object: `default/h`)");
}

#[test]
fn kinds_that_nothing_serves_block() {
    let custom = "{apiVersion: x.io/v1, kind: Thing, metadata: {name: t, namespace: default}}";
    assert_snapshot!(preflight(custom, "1.34", false, None), @"nothing serves `Thing` of `x.io/v1`: neither the cluster nor a CRD of this plan (1 object: `default/t`)");
    assert_eq!(preflight(custom, "1.34", true, None), "");
    let wrong = format!("{CRD}{{apiVersion: x.io/v2, kind: Thing, metadata: {{name: t, namespace: default}}}}");
    assert_snapshot!(preflight(&wrong, "1.34", false, None), @"the CRD of `Thing.x.io` does not serve version `v2` (1 object: `default/t`)");
    let served = ServedKind { plural: "things".to_owned(), namespaced: true };
    let mut discovery = Discovery { version: "1.34".to_owned(), identity: "u".to_owned(), ..Discovery::default() };
    assert!(preflight(custom, "1.34", true, Some(&discovery)).starts_with("nothing serves"));
    discovery.kinds.insert(("x.io".to_owned(), "v1".to_owned(), "Thing".to_owned()), served);
    assert_eq!(preflight(custom, "1.34", true, Some(&discovery)), "");
}

#[test]
fn what_runs_serves_still_and_an_upgrade_will_not_blocks() {
    let one = "{apiVersion: rbac.authorization.k8s.io/v1beta1, kind: ClusterRole, metadata: {name: r}}";
    let served = ServedKind { plural: "clusterroles".to_owned(), namespaced: false };
    let mut discovery = Discovery { version: "1.21.14".to_owned(), identity: "u".to_owned(), ..Discovery::default() };
    let kind = ("rbac.authorization.k8s.io".to_owned(), "v1beta1".to_owned(), "ClusterRole".to_owned());
    discovery.kinds.insert(kind, served);
    assert!(preflight(one, "1.21.14", true, Some(&discovery)).starts_with("warning:"));
    assert!(preflight(one, "1.22", true, Some(&discovery)).starts_with("1 of 1 objects use APIs"));
    // What a server of that version serves all the same is no hindrance.
    discovery.version = "1.22.1".to_owned();
    assert_eq!(preflight(one, "1.22.1", true, Some(&discovery)), "");
}

#[test]
fn a_version_that_is_not_known_is_said() {
    assert_snapshot!(preflight(OLD, "", false, None), @"warning: the Kubernetes version of `aks_cluster.main` is not known, so that APIs it will not serve cannot be named");
}

#[test]
fn floating_images_are_named_with_who_uses_them() {
    let pod = |name: &str, image: &str| {
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}, spec: {{containers: [{{image: '{image}'}}]}}}}\n---\n"
        )
    };
    let text = [
        pod("a", "mpioperator/mpi-operator:latest"),
        pod("b", "localhost:5000/x"),
        pod("c", "gcr.io/istio-release/pilot:release-1.3-latest-daily"),
        pod("d", "x:v1"),
        pod("e", "x:latest@sha256:0000"),
        pod("f", "mpioperator/mpi-operator:latest"),
        pod("g", "x:greatest"),
    ];
    assert_snapshot!(preflight(text.concat().trim_end_matches("---\n"), "1.34", true, None), @r"
    warning: the image `gcr.io/istio-release/pilot:release-1.3-latest-daily` has no fixed version: what runs may change by itself (1 object: `Pod/c`)
    warning: the image `localhost:5000/x` has no fixed version: what runs may change by itself (1 object: `Pod/b`)
    warning: the image `mpioperator/mpi-operator:latest` has no fixed version: what runs may change by itself (2 objects: `Pod/a`, `Pod/f`)
    ");
}

#[test]
fn namespaces_that_nobody_makes_are_named() {
    let text = "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: nowhere}}";
    assert_snapshot!(preflight(text, "1.34", false, None), @"warning: the namespace `nowhere` is not made by this plan (1 object: `ConfigMap/c`)");
    assert_eq!(preflight(text, "1.34", true, None), "");
}

#[test]
fn user_data_and_what_was_adopted_are_protected() {
    let protection = |text: &str, adopted| {
        let body = object(text);
        let locator = Locator::Object(super::world::locator(&body));
        ObjectRules.protection(&body, &locator, adopted)
    };
    let claim = "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: p, namespace: a}, spec: {resources: {requests: {storage: 20Gi}}}}";
    assert_eq!(protection(claim, false), (Protection::UserData, Some("its data, up to 20Gi".to_owned())));
    let profile = "{apiVersion: kubeflow.org/v1, kind: Profile, metadata: {name: anna}}";
    assert_eq!(protection(profile, false).0, Protection::UserData);
    let of_profile = "{apiVersion: v1, kind: Namespace, metadata: {name: anna, labels: {app.kubernetes.io/part-of: kubeflow-profile}}}";
    assert_eq!(protection(of_profile, false).0, Protection::UserData);
    let namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: kubeflow}}";
    assert_eq!(protection(namespace, false), (Protection::None, None));
    assert_eq!(protection(namespace, true).0, Protection::Adopted);
    let map = "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: a}}";
    assert_eq!(protection(map, true), (Protection::None, None));
}

#[test]
fn leftover_webhooks_are_named_before_they_refuse_everything() {
    let webhook = object(
        "
name: sidecar-injector.istio.io
failurePolicy: Fail
clientConfig: {service: {namespace: istio-system, name: istio-sidecar-injector, path: /inject}}
rules: [{apiGroups: [''], apiVersions: [v1], resources: [pods], operations: [CREATE]}]
",
    );
    let dead = DeadWebhook {
        kind: "MutatingWebhookConfiguration".to_owned(),
        name: "istio-sidecar-injector".to_owned(),
        webhook,
    };
    let mut discovery = Discovery { dead_webhooks: vec![dead], ..Discovery::default() };
    for (group, version, kind) in [("", "v1", "Pod"), ("", "v1", "ConfigMap"), ("", "v1", "Service")] {
        let served = ServedKind { plural: "x".to_owned(), namespaced: true };
        discovery.kinds.insert((group.to_owned(), version.to_owned(), kind.to_owned()), served);
    }
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{image: 'x:1'}]}}";
    let of = |text: &str| preflight(text, "1.34", true, Some(&discovery));
    assert_snapshot!(of(pod), @"nobody serves the webhook `sidecar-injector.istio.io` of the MutatingWebhookConfiguration `istio-sidecar-injector`: `istio-system/istio-sidecar-injector` is not there, and it would refuse 1 object: `default/p`");
    let map = "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}";
    assert_snapshot!(of(map), @"warning: nobody serves the webhook `sidecar-injector.istio.io` of the MutatingWebhookConfiguration `istio-sidecar-injector`: `istio-system/istio-sidecar-injector` is not there");
    let served = format!(
        "{pod}\n---\n{{apiVersion: v1, kind: Service, metadata: {{name: istio-sidecar-injector, namespace: istio-system}}}}"
    );
    assert_eq!(of(&served), "");
}
