//! The resource type `kubeflow`: its fields, its nodes, its outputs.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::sync::Arc;

use kfplan_model::{Address, Path, Resource, Value};
use kfplan_plan::{Expansion, Field, Kind, OutputField, Problem, RenderRequest, Scene, Schema, Shape};
use serde_json::Value as Json;

use crate::patches::{DASHBOARD_SERVICE, GATEWAY_SERVICE, RULES};

/// The resource types of this crate, for config and planner.
#[must_use]
pub fn kinds() -> Vec<Arc<dyn Kind>> {
    vec![Arc::new(Kubeflow { schema: schema() })]
}

struct Kubeflow {
    schema: Schema,
}

impl Kind for Kubeflow {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn expand(&self, resource: &Resource, scene: &Scene<'_>) -> Result<Expansion, Vec<Problem>> {
        let problems = problems(resource);
        if !problems.is_empty() {
            return Err(problems);
        }
        let Some(rendered) = scene.rendered else {
            return Ok(Expansion::Render(Box::new(RenderRequest {
                resource: resource.address.clone(),
                fields: resource.fields.clone(),
                facts: scene.cluster.clone(),
            })));
        };
        let (drafts, found) = kfplan_objects::drafts(resource, rendered, scene)?;
        let notes = rendered.notes.iter().cloned().chain(found).collect();
        Ok(Expansion::Nodes { drafts, notes, inputs: rendered.inputs.clone() })
    }

    fn outputs(&self, resource: &Resource, seen: &BTreeMap<&Address, &Json>) -> BTreeMap<String, Json> {
        let service = |name: &str| {
            seen.iter().find_map(|(address, body)| {
                let id = address.object_id()?;
                (id.group.is_empty() && &*id.kind == "Service" && &*id.name == name).then_some(*body)
            })
        };
        let exposed = if exposes(resource) { service(DASHBOARD_SERVICE) } else { None };
        let url = exposed.or_else(|| service(GATEWAY_SERVICE)).and_then(url_of);
        url.map(|url| ("dashboard_url".to_owned(), url)).into_iter().collect()
    }
}

/// Whether the stack asks for an address of the dashboard's own.
fn exposes(resource: &Resource) -> bool {
    let expose = resource.fields.get("dashboard").and_then(|dashboard| dashboard.get("expose"));
    expose.and_then(Value::as_str).is_some_and(|expose| expose != "none")
}

/// The address of a Service: `null` for one that gets none, and nothing while it has none yet.
fn url_of(service: &Json) -> Option<Json> {
    if service.pointer("/spec/type").is_none_or(|kind| kind != "LoadBalancer") {
        return Some(Json::Null);
    }
    let ingress = service.pointer("/status/loadBalancer/ingress/0")?;
    let host =
        ["ip", "hostname"].into_iter().find_map(|key| ingress.get(key)?.as_str().filter(|text| !text.is_empty()));
    host.map(|host| match host.parse::<Ipv6Addr>() {
        Ok(_) => format!("http://[{host}]/").into(),
        Err(_) => format!("http://{host}/").into(),
    })
}

fn schema() -> Schema {
    let texts = || Shape::List(Box::new(Shape::String));
    Schema {
        type_name: "kubeflow",
        summary: "An installation of Kubeflow: every object of a KfDef or of a kustomization, patched for AKS.",
        fields: vec![
            Field::required("cluster", Shape::Handle(vec!["aks_cluster", "kubernetes_cluster"]), "The cluster.").deciding(),
            Field::optional(
                "kfdef",
                Shape::Source,
                "A KfDef of `kfdef.apps.kubeflow.org/v1` or `v1beta1`, such as `@manifests/kfdef/kfctl_k8s_istio.v1.2.0.yaml`. Its repositories come from `[repos]`, by name.",
            )
            .deciding()
            .not_with(&["kustomization"])
            .unless(&["kustomization"]),
            Field::optional(
                "kustomization",
                Shape::Source,
                "A folder with a kustomization, such as `@manifests/example`. Each entry of its `resources` is an application.",
            )
            .deciding()
            .not_with(&["kfdef"])
            .unless(&["kfdef"]),
            Field::optional(
                "remove",
                texts(),
                "What is not installed: applications of the KfDef by name, or entries of the kustomization's `resources` by path.",
            )
            .deciding(),
            Field::optional(
                "add",
                Shape::List(Box::new(Shape::Source)),
                "Folders that are installed too, each as `@REPO/PATH`. To a kustomization only folders of its own repository can be added.",
            )
            .deciding(),
            Field::optional(
                "aks_patches",
                Shape::Either(vec![
                    Shape::Choice(vec!["auto"]),
                    Shape::List(Box::new(Shape::Choice(RULES.iter().map(|rule| rule.name).collect()))),
                ]),
                "The built-in patches that make Kubeflow run on AKS: those of a list, or with `auto` those whose condition holds. The plan says of each why it was taken or left.",
            )
            .or("auto")
            .deciding(),
            Field::optional("dashboard", Shape::Table(dashboard()), "How the dashboard is reached.").deciding(),
            Field::optional(
                "patch",
                Shape::List(Box::new(Shape::Table(patch()))),
                "Own patches, made in this order after the built-in ones. One that hits nothing is an error.",
            ),
        ],
        outputs: vec![OutputField {
            name: "dashboard_url",
            summary: "Where the dashboard answers: `http://ADDRESS/`. Null while nothing gives it an address.",
            sensitive: false,
        }],
        existing: false,
        objects: true,
        azure: false,
    }
}

fn dashboard() -> Vec<Field> {
    vec![
        Field::optional(
            "expose",
            Shape::Choice(vec!["none", "internal", "load_balancer"]),
            "`none`: by a port-forward only; `internal`: by an address within the virtual network; `load_balancer`: by a public address, for which `source_ranges` or `public` must be stated.",
        )
        .or("none")
        .deciding(),
        Field::optional(
            "source_ranges",
            Shape::List(Box::new(range())),
            "Who may connect, as address ranges such as `203.0.113.0/24` (`loadBalancerSourceRanges` of the Service). Unstated: everybody that reaches the address.",
        )
        .deciding(),
        Field::optional(
            "public",
            Shape::Bool,
            "Lets everybody on the internet connect. Most installations of Kubeflow 1.x ask for no password.",
        )
        .or(false)
        .deciding(),
    ]
}

fn patch() -> Vec<Field> {
    let map = || Shape::Map(Box::new(Shape::Any));
    vec![
        Field::required("target", Shape::Target, "The objects it is for: all that match.").deciding(),
        Field::optional(
            "inside",
            Shape::Path,
            "Where the object holds a document as text, such as `/data/config`: the patch is made in that document, whose comments and order stay.",
        )
        .deciding(),
        Field::optional("strategic", map(), "A strategic merge patch, made first: lists are merged by the keys that Kubernetes gives them."),
        Field::optional("merge", map(), "A JSON merge patch (RFC 7386): tables are merged, all else is replaced."),
        Field::optional("json", Shape::List(Box::new(Shape::Any)), "A JSON patch (RFC 6902): a list of operations."),
        Field::optional("remove", Shape::List(Box::new(Shape::Path)), "What is taken away, last of all.").deciding(),
        Field::optional("optional", Shape::Bool, "Whether the patch may hit nothing.").or(false).deciding(),
    ]
}

fn range() -> Shape {
    Shape::Checked {
        pattern: "^[0-9a-fA-F.:]+/[0-9]{1,3}$",
        rule: "an address range such as 203.0.113.0/24; one address is 203.0.113.7/32",
        check: is_range,
    }
}

fn is_range(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let (Ok(address), Ok(bits)) = (address.parse::<std::net::IpAddr>(), bits.parse::<u8>()) else { return false };
    bits <= if address.is_ipv4() { 32 } else { 128 }
}

/// What the schema cannot say about own patches.
fn problems(resource: &Resource) -> Vec<Problem> {
    let mut problems = Vec::new();
    let patches = resource.fields.get("patch").map_or(&[][..], Value::as_list);
    for (place, table) in patches.iter().enumerate() {
        let at = Path::keys(["patch", &place.to_string()]);
        let stated = |key: &str| table.get(key).filter(|value| **value != Value::Null);
        for field in patch().iter().filter(|field| field.decides) {
            let Some(late) = stated(field.name).and_then(first_late) else { continue };
            let message = format!(
                "`{}` of a patch of `{}` is `{late}`, which is known only after apply",
                field.name, resource.address
            );
            let help = "state it as text, or by variables: it decides what is patched";
            problems.push(Problem::of(resource, Some(at.key(field.name)), "kubeflow::unknowable", message, help));
        }
        if ["strategic", "merge", "json", "remove"].iter().all(|key| stated(key).is_none()) {
            let message = format!("a patch of `{}` changes nothing", resource.address);
            let help = "give it at least one of `merge`, `strategic`, `json` and `remove`";
            problems.push(Problem::of(resource, Some(at), "kubeflow::empty_patch", message, help));
        }
    }
    problems
}

/// The text of the first leaf that is known only after apply.
fn first_late(value: &Value) -> Option<String> {
    let mut found = None;
    value.visit_late(&mut |late| {
        found.get_or_insert_with(|| late.template.to_string());
    });
    found
}
