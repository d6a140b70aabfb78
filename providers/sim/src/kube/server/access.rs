//! Who asks, and whether they may.

use serde_json::Value;

use super::call::Call;
use super::text;
use crate::kube::Settings;
use crate::kube::cluster::Cluster;
use crate::kube::status::{Outcome, Refusal};
use crate::wire::Request;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
}

/// Finds out who asks, by token or certificate.
pub(crate) fn authenticate(cluster: &Cluster, settings: &Settings, request: &Request) -> Outcome<User> {
    let admin =
        || User { name: "masterclient".into(), groups: vec!["system:masters".into(), "system:authenticated".into()] };
    if !settings.authenticate {
        return Ok(admin());
    }
    if let Some(certificate) = &request.certificate
        && *certificate == cluster.access().client_certificate_der
    {
        return Ok(admin());
    }
    if let Some(subject) = &request.subject {
        // Whoever the directory knows administers the sandbox's clusters.
        let groups = vec!["system:masters".into(), "system:authenticated".into()];
        return Ok(User { name: subject.clone(), groups });
    }
    // As in AKS, nobody is let in without a name.
    let header = request.header("authorization").ok_or_else(Refusal::unauthorized)?;
    let token = header.strip_prefix("Bearer ").or_else(|| header.strip_prefix("bearer ")).unwrap_or_default().trim();
    if token.is_empty() {
        return Err(Refusal::unauthorized());
    }
    if token == cluster.token(true) {
        return Ok(admin());
    }
    if token == cluster.token(false) {
        return Ok(User {
            name: "clusterUser".into(),
            groups: vec!["system:masters".into(), "system:authenticated".into()],
        });
    }
    if let Some(user) = cluster.note(&format!("token/{token}")) {
        let groups = user.get("groups").and_then(Value::as_array).into_iter().flatten();
        let groups = groups.filter_map(Value::as_str).map(str::to_owned).chain(["system:authenticated".to_owned()]);
        return Ok(User { name: text(user, "/name").to_owned(), groups: groups.collect() });
    }
    Err(Refusal::unauthorized())
}

/// Whether the user may ask this of a kind.
pub(crate) fn authorize(cluster: &Cluster, call: &Call<'_>) -> Outcome<()> {
    let path = &call.path;
    // Everybody may ask who he is and what he may.
    if matches!(path.resource.as_str(), "selfsubjectaccessreviews" | "selfsubjectrulesreviews" | "selfsubjectreviews") {
        return Ok(());
    }
    let resource = if path.subresource.is_empty() {
        path.resource.clone()
    } else {
        format!("{}/{}", path.resource, path.subresource)
    };
    let wish =
        Wish { verb: call.verb, group: &path.group, resource: &resource, name: &path.name, namespace: &path.namespace };
    if may(cluster, &call.user, &wish) {
        return Ok(());
    }
    let place = if path.namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {:?}", path.namespace)
    };
    let why = format!(
        "User {:?} cannot {} resource {resource:?} in API group {:?} {place}",
        call.user.name, call.verb, path.group
    );
    Err(Refusal::forbidden(&call.resource, &path.name, &why))
}

/// Whether the user may ask for a path that is no kind. Everybody who is known may look around.
pub(crate) fn authorize_path(_: &Cluster, user: &User, request: &Request) -> Outcome<()> {
    if request.method == "GET" || user.groups.iter().any(|group| group == "system:masters") {
        return Ok(());
    }
    let verb = request.method.to_ascii_lowercase();
    Err(Refusal::new(
        403,
        "Forbidden",
        format!("forbidden: User {:?} cannot {verb} path {:?}", user.name, request.path),
    ))
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'a> {
    pub(crate) verb: &'a str,
    pub(crate) group: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) name: &'a str,
    pub(crate) namespace: &'a str,
}

/// Whether roles and bindings allow it.
pub(crate) fn may(cluster: &Cluster, user: &User, wish: &Wish<'_>) -> bool {
    if user.groups.iter().any(|group| group == "system:masters") {
        return true;
    }
    let clusterwide = cluster.objects("rbac.authorization.k8s.io/clusterrolebindings", "", None);
    let local = (!wish.namespace.is_empty())
        .then(|| cluster.objects("rbac.authorization.k8s.io/rolebindings", wish.namespace, None))
        .into_iter()
        .flatten();
    clusterwide.chain(local).any(|(_, binding)| binds(binding, user) && role_allows(cluster, binding, wish))
}

fn binds(binding: &Value, user: &User) -> bool {
    let subjects = binding.get("subjects").and_then(Value::as_array).into_iter().flatten();
    subjects.into_iter().any(|subject| match text(subject, "/kind") {
        "User" => text(subject, "/name") == user.name,
        "Group" => user.groups.iter().any(|group| group == text(subject, "/name")),
        "ServiceAccount" => {
            let namespace = match text(subject, "/namespace") {
                "" => text(binding, "/metadata/namespace"),
                namespace => namespace,
            };
            user.name == format!("system:serviceaccount:{namespace}:{}", text(subject, "/name"))
        }
        _ => false,
    })
}

fn role_allows(cluster: &Cluster, binding: &Value, wish: &Wish<'_>) -> bool {
    let name = text(binding, "/roleRef/name");
    let role = match text(binding, "/roleRef/kind") {
        "ClusterRole" => cluster.object("rbac.authorization.k8s.io/clusterroles", "", name),
        _ => cluster.object("rbac.authorization.k8s.io/roles", text(binding, "/metadata/namespace"), name),
    };
    let rules = role.and_then(|role| role.get("rules")).and_then(Value::as_array).into_iter().flatten();
    rules.into_iter().any(|rule| {
        let has = |key: &str, wanted: &str| {
            let items = rule.get(key).and_then(Value::as_array).into_iter().flatten();
            items.filter_map(Value::as_str).any(|item| item == "*" || item == wanted)
        };
        let named = rule.get("resourceNames").and_then(Value::as_array).is_none_or(|names| {
            names.is_empty() || names.iter().filter_map(Value::as_str).any(|name| name == wish.name)
        });
        let any_part = wish.resource.split_once('/').is_some_and(|(_, part)| has("resources", &format!("*/{part}")));
        has("verbs", wish.verb)
            && has("apiGroups", wish.group)
            && (has("resources", wish.resource) || any_part)
            && named
    })
}
