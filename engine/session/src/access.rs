//! The way into each cluster of a stack.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use kfplan_azure::{AccessMode, ArmClient, ArmId};
use kfplan_identity::{AKS_SCOPE, Identity};
use kfplan_kubernetes::Access;
use kfplan_model::{Address, Resource, ResourceAddress, Stack, Value};
use kfplan_objects::yaml;
use kfplan_plan::{ArmLocator, Class, Locator, Recorded, Trouble};
use serde_json::Value as Json;

/// How one cluster is got into.
enum Way {
    /// AKS hands out a kubeconfig.
    Aks { place: ArmLocator, auth: String, detour: Detour },
    /// A kubeconfig of this machine, at one context.
    File { path: PathBuf, context: String },
    /// The service account of the pod that kfplan runs in.
    InCluster,
}

/// Where an AKS cluster's API server is reached, if not where AKS says.
#[derive(Default)]
struct Detour {
    endpoint: Option<String>,
    proxy_url: Option<String>,
}

/// Every cluster of a stack, and of its state.
pub(crate) struct ClusterAccess {
    azure: Option<(Arc<ArmClient>, Arc<Identity>)>,
    ways: BTreeMap<ResourceAddress, Result<Way, Trouble>>,
}

impl ClusterAccess {
    pub(crate) fn new(
        azure: Option<(Arc<ArmClient>, Arc<Identity>)>,
        subscription: Option<&str>,
        stack: &Stack,
        folder: &Path,
        home: Option<&Path>,
        records: &BTreeMap<Address, Recorded>,
    ) -> Self {
        let mut ways = BTreeMap::new();
        for recorded in records.values() {
            if let Locator::Arm(place) = &recorded.record.locator
                && recorded.record.address.resource().type_name() == "aks_cluster"
            {
                ways.insert(
                    recorded.record.address.resource().clone(),
                    Ok(Way::Aks { place: place.clone(), auth: "auto".to_owned(), detour: Detour::default() }),
                );
            }
        }
        for (address, resource) in &stack.resources {
            match address.type_name() {
                "aks_cluster" => {
                    let way = aks(resource, stack, subscription);
                    // What is recorded stands where the stack's names are known only after apply.
                    if way.is_ok() || !ways.contains_key(address) {
                        ways.insert(address.clone(), way);
                    }
                }
                "kubernetes_cluster" => {
                    ways.insert(
                        address.clone(),
                        Ok(existing(text(resource, "kubeconfig"), text(resource, "context"), folder, home)),
                    );
                }
                _ => {}
            }
        }
        Self { azure, ways }
    }

    fn way(&self, cluster: &ResourceAddress) -> Result<&Way, Trouble> {
        match self.ways.get(cluster) {
            Some(Ok(way)) => Ok(way),
            Some(Err(trouble)) => Err(trouble.clone()),
            None => Err(Trouble::new(
                Class::Permanent,
                "cluster",
                format!("`{cluster}` is not a cluster of this stack"),
                "check the address",
            )),
        }
    }
}

fn text<'a>(resource: &'a Resource, field: &str) -> Option<&'a str> {
    resource.fields.get(field).and_then(Value::as_str)
}

fn aks(resource: &Resource, stack: &Stack, subscription: Option<&str>) -> Result<Way, Trouble> {
    let unknown = |what: &str| {
        Trouble::new(
            Class::Permanent,
            "cluster",
            format!("{what} of `{}` is known only after apply", resource.address),
            "state it, so that the cluster can be looked at",
        )
    };
    let name = text(resource, "name").ok_or_else(|| unknown("`name`"))?;
    let group = match resource.fields.get("resource_group") {
        Some(Value::Handle(group)) => stack.resources.get(group).and_then(|group| text(group, "name")),
        other => other.and_then(Value::as_str),
    };
    let group = group.ok_or_else(|| unknown("`resource_group`"))?;
    let subscription = subscription.ok_or_else(|| {
        Trouble::new(Class::Permanent, "no_azure", "the stack has no `[azure]`", "add `[azure]` with `subscription`")
    })?;
    let id = format!(
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/{name}"
    );
    let place = ArmLocator { id, api_version: kfplan_azure::AKS_API_VERSION.to_owned() };
    let access = |field: &str| Some(resource.fields.get("access")?.get(field)?.as_str()?.to_owned());
    let detour = Detour { endpoint: access("endpoint"), proxy_url: access("proxy_url") };
    Ok(Way::Aks { place, auth: text(resource, "auth").unwrap_or("auto").to_owned(), detour })
}

fn existing(kubeconfig: Option<&str>, context: Option<&str>, folder: &Path, home: Option<&Path>) -> Way {
    let path = match kubeconfig {
        Some("in-cluster") | None => return Way::InCluster,
        // As shells write the home folder, and only there: `~user` is a file's name.
        Some(path) => match (path.strip_prefix("~/"), home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => folder.join(path),
        },
    };
    Way::File { path, context: context.unwrap_or_default().to_owned() }
}

#[async_trait]
impl Access for ClusterAccess {
    async fn kubeconfig(&self, cluster: &ResourceAddress) -> Result<String, Trouble> {
        match self.way(cluster)? {
            Way::Aks { place, auth, detour } => match &self.azure {
                Some((client, identity)) => aks_kubeconfig(client, identity, place, auth, detour).await,
                None => Err(Trouble::new(
                    Class::Permanent,
                    "no_azure",
                    "the stack has no `[azure]`",
                    "add `[azure]` with `subscription`",
                )),
            },
            Way::File { path, context } => at_context(path, context),
            Way::InCluster => in_cluster(),
        }
    }
}

/// The kubeconfig of an AKS cluster. Where it takes Entra ID, the token of the Azure identity is put in, so that no
/// kubelogin is needed.
async fn aks_kubeconfig(
    client: &ArmClient,
    identity: &Identity,
    place: &ArmLocator,
    auth: &str,
    detour: &Detour,
) -> Result<String, Trouble> {
    let access = client.cluster_access(&ArmId::new(place.id.as_str()), auth).await.map_err(|error| error.trouble())?;
    let form = || {
        Trouble::new(
            Class::Auth,
            "kubeconfig",
            format!("AKS gave no kubeconfig of `{}`", place.id),
            "try `auth = \"user\"` on the cluster",
        )
    };
    let documents = yaml::parse_documents(access.kubeconfig(), yaml::Dialect::Kustomize5).map_err(|_| form())?;
    let mut config = documents.into_iter().next().ok_or_else(form)?;
    if access.mode == AccessMode::Aad {
        let token = identity.token(AKS_SCOPE).await.map_err(|error| error.trouble())?;
        for user in config.get_mut("users").and_then(Json::as_array_mut).ok_or_else(form)? {
            user["user"] = serde_json::json!({"token": token.secret()});
        }
    }
    for cluster in config.get_mut("clusters").and_then(Json::as_array_mut).ok_or_else(form)? {
        redirect(cluster.get_mut("cluster").and_then(Json::as_object_mut).ok_or_else(form)?, detour);
    }
    Ok(yaml::to_text(&config))
}

/// Sends a kubeconfig's cluster another way. The certificate stays that of the server: its name is still what is checked.
fn redirect(cluster: &mut serde_json::Map<String, Json>, detour: &Detour) {
    if let Some(endpoint) = &detour.endpoint {
        let host = cluster.get("server").and_then(Json::as_str).and_then(host_of).map(str::to_owned);
        if let Some(host) = host.filter(|_| !cluster.contains_key("tls-server-name")) {
            cluster.insert("tls-server-name".to_owned(), host.into());
        }
        cluster.insert("server".to_owned(), endpoint.as_str().into());
    }
    if let Some(proxy) = &detour.proxy_url {
        cluster.insert("proxy-url".to_owned(), proxy.as_str().into());
    }
}

/// The host of an `https` URL, without its port.
fn host_of(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://")?;
    let authority = rest.split('/').next()?;
    match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next(),
        None => authority.split(':').next(),
    }
}

/// A kubeconfig of this machine with `context` as the current one.
fn at_context(path: &Path, context: &str) -> Result<String, Trouble> {
    let wrong = |what: String| {
        Trouble::new(
            Class::Auth,
            "kubeconfig",
            format!("`{}` {what}", path.display()),
            "check `kubeconfig` and `context` of the cluster",
        )
    };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let documents =
        yaml::parse_documents(&text, yaml::Dialect::Kustomize5).map_err(|_| wrong("is not YAML".to_owned()))?;
    let mut config =
        documents.into_iter().next().filter(Json::is_object).ok_or_else(|| wrong("holds no kubeconfig".to_owned()))?;
    let contexts = config.get("contexts").and_then(Json::as_array).cloned().unwrap_or_default();
    if !contexts.iter().any(|entry| entry.get("name").and_then(Json::as_str) == Some(context)) {
        return Err(wrong(format!("has no context `{context}`")));
    }
    config["current-context"] = context.into();
    locate_files(&mut config, path.parent().unwrap_or(Path::new("")));
    Ok(yaml::to_text(&config))
}

/// Files that a kubeconfig names are relative to its own folder. Source: "Organizing Cluster Access Using kubeconfig Files" of
/// the Kubernetes docs.
fn locate_files(config: &mut Json, folder: &Path) {
    let named = [
        ("clusters", "cluster", ["certificate-authority"].as_slice()),
        ("users", "user", ["client-certificate", "client-key", "tokenFile"].as_slice()),
    ];
    for (list, inside, fields) in named {
        for entry in config.get_mut(list).and_then(Json::as_array_mut).into_iter().flatten() {
            let Some(entry) = entry.get_mut(inside).and_then(Json::as_object_mut) else { continue };
            for field in fields {
                if let Some(Json::String(file)) = entry.get_mut(*field) {
                    *file = folder.join(&*file).to_string_lossy().into_owned();
                }
            }
        }
    }
}

/// The kubeconfig of the pod's service account. Source: "Accessing the Kubernetes API from a Pod" of the Kubernetes docs.
fn in_cluster() -> Result<String, Trouble> {
    const FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
    let server = std::env::var("KUBERNETES_SERVICE_HOST").ok().zip(std::env::var("KUBERNETES_SERVICE_PORT").ok());
    let Some((host, port)) = server else {
        return Err(Trouble::new(
            Class::Auth,
            "in_cluster",
            "kfplan does not run in a pod: `KUBERNETES_SERVICE_HOST` is not set",
            "name a kubeconfig and a context",
        ));
    };
    let config = serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "pod",
        "clusters": [{"name": "pod", "cluster": {"server": format!("https://{host}:{port}"), "certificate-authority": format!("{FOLDER}/ca.crt")}}],
        "users": [{"name": "pod", "user": {"tokenFile": format!("{FOLDER}/token")}}],
        "contexts": [{"name": "pod", "context": {"cluster": "pod", "user": "pod"}}],
    });
    Ok(config.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detour_keeps_checking_the_name_that_the_certificate_bears() {
        let mut cluster = serde_json::json!({"server": "https://kf-1a2b.hcp.westus2.azmk8s.io:443"});
        let detour = Detour {
            endpoint: Some("https://10.0.0.4:6443".to_owned()),
            proxy_url: Some("http://proxy.example:3128".to_owned()),
        };
        redirect(cluster.as_object_mut().expect("a table"), &detour);
        assert_eq!(
            cluster,
            serde_json::json!({
                "server": "https://10.0.0.4:6443",
                "tls-server-name": "kf-1a2b.hcp.westus2.azmk8s.io",
                "proxy-url": "http://proxy.example:3128",
            })
        );
        assert_eq!(host_of("https://[::1]:6443/x"), Some("::1"));
    }

    #[test]
    fn files_of_a_kubeconfig_are_beside_it_and_its_home_is_found() {
        let home = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(home.path().join(".kube")).expect("a folder");
        let config = serde_json::json!({
            "clusters": [{"name": "c", "cluster": {"server": "https://a", "certificate-authority": "ca.crt"}}],
            "users": [{"name": "u", "user": {"client-key": "/etc/key", "tokenFile": "token"}}, {"name": "none"}],
            "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u"}}],
        });
        std::fs::write(home.path().join(".kube/config"), config.to_string()).expect("a file");
        let way = existing(Some("~/.kube/config"), Some("one"), Path::new("/stack"), Some(home.path()));
        let Way::File { path, context } = way else { panic!("a file") };
        let text = at_context(&path, &context).expect("a kubeconfig");
        let folder = home.path().join(".kube");
        for (field, file) in [("certificate-authority", "ca.crt"), ("tokenFile", "token"), ("client-key", "/etc/key")] {
            let line = format!("{field}: {}", folder.join(file).display());
            assert!(text.contains(&line), "{line} in {text}");
        }
    }
}
