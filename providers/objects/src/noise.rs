//! Fields that controllers and AKS rewrite by themselves: what they write there is neither drift nor a change.
//!
//! Each rule is data, has a name that plans show, and a test that fails without it. A rule holds only for what the
//! named writer wrote; the same field changed by anybody else is drift.

use kfplan_model::{Path, Segment};
use kfplan_plan::Witness;
use serde_json::Value as Json;

use crate::identity::{at, group_of, kind_of, name_of, text};

/// One rule.
#[derive(Debug)]
pub struct NoiseRule {
    /// Its name, as plans show it.
    pub id: &'static str,
    /// Why the field is left to its writer.
    pub reason: &'static str,
    /// Group and kind of the objects.
    pub kinds: &'static [(&'static str, &'static str)],
    /// Where; `*` is any element of a list. Everything inside belongs to it.
    pub paths: &'static [&'static str],
    /// Who writes there.
    pub writer: Writer,
    /// What must hold of the object beside that.
    pub condition: Condition,
}

/// Whose writing a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// One of these field managers.
    OneOf(&'static [&'static str]),
    /// One of these field managers, or nobody any more: they emptied what they had written, and their entry went with it.
    OneOfOrGone(&'static [&'static str]),
    /// Anybody but us.
    Anybody,
    /// The `scale` subresource as one of these field managers.
    Scaling(&'static [&'static str]),
}

/// What must hold of an object for a rule to be about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Nothing more.
    Always,
    /// It is a ClusterRole that is put together from others.
    Aggregated,
    /// Its name ends so.
    NameEnds(&'static str),
    /// Its name begins so.
    NameBegins(&'static str),
}

const ADMISSION: &str = "admissionregistration.k8s.io";
const WEBHOOKS: &[(&str, &str)] =
    &[(ADMISSION, "MutatingWebhookConfiguration"), (ADMISSION, "ValidatingWebhookConfiguration")];

/// Every rule that ships with kfplan.
pub const RULES: &[NoiseRule] = &[
    NoiseRule {
        id: "admissions-enforcer",
        reason: "AKS adds its own entries to the namespaceSelector of every webhook",
        kinds: WEBHOOKS,
        paths: &["webhooks/*/namespaceSelector"],
        writer: Writer::OneOf(&["admissionsenforcer", "admissions-enforcer"]),
        condition: Condition::Always,
    },
    NoiseRule {
        id: "webhook-ca-bundle",
        reason: "the CA bundle of a webhook is filled in by whoever made its certificate",
        kinds: WEBHOOKS,
        paths: &["webhooks/*/clientConfig/caBundle"],
        writer: Writer::Anybody,
        condition: Condition::Always,
    },
    NoiseRule {
        id: "conversion-ca-bundle",
        reason: "the CA bundle of a conversion webhook is filled in by whoever made its certificate",
        kinds: &[("apiextensions.k8s.io", "CustomResourceDefinition")],
        paths: &["spec/conversion/webhook/clientConfig/caBundle", "spec/conversion/webhookClientConfig/caBundle"],
        writer: Writer::Anybody,
        condition: Condition::Always,
    },
    NoiseRule {
        id: "api-service-ca-bundle",
        reason: "the CA bundle of an aggregated API is filled in by whoever made its certificate",
        kinds: &[("apiregistration.k8s.io", "APIService")],
        paths: &["spec/caBundle"],
        writer: Writer::Anybody,
        condition: Condition::Always,
    },
    NoiseRule {
        id: "autoscaled-replicas",
        reason: "the number of replicas belongs to the autoscaler",
        kinds: &[("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "ReplicaSet")],
        paths: &["spec/replicas"],
        writer: Writer::Scaling(&["kube-controller-manager", "horizontal-pod-autoscaler", "keda", "autoscaler"]),
        condition: Condition::Always,
    },
    NoiseRule {
        id: "aggregated-cluster-role",
        reason: "the rules of an aggregated ClusterRole are put together from others",
        kinds: &[("rbac.authorization.k8s.io", "ClusterRole")],
        paths: &["rules"],
        writer: Writer::OneOfOrGone(&["clusterrole-aggregation-controller", "kube-controller-manager"]),
        condition: Condition::Aggregated,
    },
    NoiseRule {
        id: "istio-validation-policy",
        reason: "istiod closes its validating webhook once it answers",
        kinds: &[(ADMISSION, "ValidatingWebhookConfiguration")],
        paths: &["webhooks/*/failurePolicy"],
        writer: Writer::OneOf(&["pilot-discovery"]),
        condition: Condition::NameBegins("istio"),
    },
    NoiseRule {
        id: "knative-webhook-rules",
        reason: "Knative's webhook fills in its own rules and selectors",
        kinds: WEBHOOKS,
        paths: &[
            "webhooks/*/rules",
            "webhooks/*/namespaceSelector",
            "webhooks/*/objectSelector",
            "webhooks/*/clientConfig/service/path",
        ],
        writer: Writer::OneOf(&["webhook", "domainmapping-webhook", "net-istio-webhook"]),
        condition: Condition::NameEnds(".knative.dev"),
    },
];

/// The rule by which the live value at `path` is its writer's own business.
#[must_use]
pub fn rule_for(live: &Json, path: &Path, witness: Option<&Witness>, scaled: bool) -> Option<&'static NoiseRule> {
    let (group, kind) = (group_of(live), kind_of(live));
    RULES.iter().find(|rule| {
        rule.kinds.contains(&(group, kind))
            && rule.paths.iter().any(|pattern| is_inside(path, pattern))
            && is_written_by(rule.writer, witness, scaled, || is_empty(live, path))
            && holds(rule.condition, live)
    })
}

fn is_empty(live: &Json, path: &Path) -> bool {
    match path.get(live) {
        None | Some(Json::Null) => true,
        Some(value) => value.as_array().is_some_and(Vec::is_empty),
    }
}

fn is_written_by(writer: Writer, witness: Option<&Witness>, scaled: bool, is_empty: impl FnOnce() -> bool) -> bool {
    let Some(witness) = witness else { return matches!(writer, Writer::OneOfOrGone(_)) && is_empty() };
    match writer {
        Writer::Anybody => true,
        Writer::OneOf(names) | Writer::OneOfOrGone(names) => names.contains(&&*witness.manager),
        Writer::Scaling(names) => scaled && names.contains(&&*witness.manager),
    }
}

fn holds(condition: Condition, live: &Json) -> bool {
    match condition {
        Condition::Always => true,
        Condition::Aggregated => at(live, &["aggregationRule"]).is_some_and(Json::is_object),
        Condition::NameEnds(end) => {
            name_of(live).ends_with(end) || text(live, &["metadata", "generateName"]).ends_with(end)
        }
        Condition::NameBegins(begin) => name_of(live).starts_with(begin),
    }
}

fn is_inside(path: &Path, pattern: &str) -> bool {
    let mut segments = path.segments().iter();
    pattern.split('/').all(|wanted| match (segments.next(), wanted) {
        (Some(Segment::Item(_) | Segment::Element(_)), "*") => true,
        (Some(Segment::Key(key)), wanted) => &**key == wanted || (wanted == "*" && key.parse::<usize>().is_ok()),
        _ => false,
    })
}
