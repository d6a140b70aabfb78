//! `aks_cluster`.

use std::collections::BTreeMap;

use azure_mgmt_containerservice::models::{
    AgentPoolMode, ContainerServiceLinuxProfile, ContainerServiceNetworkProfile, ContainerServiceSshConfiguration,
    ContainerServiceSshPublicKey, ManagedCluster, ManagedClusterAadProfile, ManagedClusterAgentPoolProfile,
    ManagedClusterApiServerAccessProfile, ManagedClusterAutoUpgradeProfile, ManagedClusterIdentity,
    ManagedClusterOidcIssuerProfile, ManagedClusterProperties, ManagedClusterSecurityProfile,
    ManagedClusterSecurityProfileWorkloadIdentity, ManagedClusterSku, TrackedResource, managed_cluster_identity,
    managed_cluster_sku,
};
use kfplan_model::{Address, Path, Resource, Scalar, Segment, Value};
use kfplan_plan::{Expansion, Field, Kind, OnChange, Problem, Protection, Scene, Schema, Shape};
use serde_json::{Map, Value as Json, json};

use super::reader::{Reader, problem};
use super::shapes::{self, network, overlap};
use super::{AKS_API_VERSION, One, Pace, deciding, output, own, picked, place_of, pool};
use crate::properties::{CLUSTER, POOL};

pub(super) struct AksCluster {
    schema: Schema,
}

impl AksCluster {
    pub(super) fn new() -> Self {
        Self { schema: schema() }
    }
}

fn field(path: &'static str, shape: Shape, summary: &'static str) -> Field {
    shapes::field(CLUSTER, path, shape, summary)
}

fn table(name: &'static str, summary: &'static str, fields: Vec<Field>) -> Field {
    Field::optional(name, Shape::Table(fields), summary)
}

fn network_fields() -> Vec<Field> {
    vec![
        field(
            "network.plugin",
            Shape::Choice(vec!["azure", "kubenet", "none"]),
            "The network plugin; AKS chooses `azure` with overlay.",
        ),
        field("network.plugin_mode", Shape::Choice(vec!["overlay"]), "The mode of the plugin."),
        field(
            "network.policy",
            Shape::Choice(vec!["none", "azure", "calico", "cilium"]),
            "What enforces NetworkPolicies.",
        ),
        field("network.dataplane", Shape::Choice(vec!["azure", "cilium"]), "What forwards packets."),
        field("network.pod_cidr", shapes::cidr(), "The addresses of pods."),
        field("network.service_cidr", shapes::cidr(), "The addresses of Services."),
        field("network.dns_service_ip", Shape::String, "The address of the cluster's DNS, inside `service_cidr`."),
        field(
            "network.outbound_type",
            Shape::Choice(vec![
                "loadBalancer",
                "managedNATGateway",
                "userAssignedNATGateway",
                "userDefinedRouting",
                "none",
            ]),
            "How traffic leaves the cluster.",
        ),
    ]
}

fn access_fields() -> Vec<Field> {
    vec![
        Field::optional(
            "endpoint",
            Shape::String,
            "The URL to reach the API server under, in place of the one that AKS gives.",
        ),
        Field::optional("proxy_url", Shape::String, "The proxy to reach the API server through."),
    ]
}

fn fields() -> Vec<Field> {
    vec![
        Field::required("resource_group", Shape::Handle(vec!["resource_group"]), "The group it is in.").deciding().changing(OnChange::Replace),
        Field::required("name", shapes::cluster_name(), "The name in Azure.").deciding().changing(OnChange::Replace),
        field("location", Shape::String, "The region; unstated: the group's."),
        field("kubernetes_version", shapes::version(), "The Kubernetes version, such as \"1.34\" (its newest patch) or \"1.34.4\". Never goes back."),
        field("tier", Shape::Choice(vec!["free", "standard", "premium"]), "The price tier of the control plane."),
        field("dns_prefix", shapes::dns_prefix(), "What the API server's host name begins with; unstated: the cluster's name."),
        field("node_resource_group", shapes::group_name(), "The group that AKS makes for nodes and addresses; unstated: MC_GROUP_CLUSTER_REGION."),
        field("support_plan", Shape::Choice(vec!["KubernetesOfficial", "AKSLongTermSupport"]), "How long a version is supported; long-term support needs tier premium."),
        table("identity", "The identity of the control plane; unstated: one that AKS makes.", vec![
            field("identity.type", Shape::Choice(vec!["system", "user"]), "Made by AKS, or one of yours.").or("system"),
            field("identity.ids", shapes::texts(), "The ARM id of the user-assigned identity."),
        ]),
        table("network", "The network. AKS fixes most of it when the cluster is made.", network_fields()),
        table("aad", "Signing in to Kubernetes with Entra ID.", vec![
            field("aad.admin_group_ids", shapes::texts(), "Object ids of the groups whose members are cluster administrators."),
            field("aad.azure_rbac", Shape::Bool, "Whether Azure role assignments decide what people may do in the cluster."),
            field("aad.tenant_id", Shape::String, "The tenant that people sign in with; unstated: the subscription's."),
        ])
        .changing(crate::properties::of_field(CLUSTER, "aad").map_or(OnChange::InPlace, |property| property.on_change)),
        field("oidc_issuer", Shape::Bool, "Whether the cluster is an OIDC issuer."),
        field("workload_identity", Shape::Bool, "Whether pods can sign in to Azure with their ServiceAccount; needs `oidc_issuer`."),
        field("local_accounts", Shape::Bool, "Whether the static administrator credential exists (`auth = \"local_admin\"` needs it)."),
        table("api_server", "Who reaches the API server.", vec![
            field("api_server.authorized_ranges", Shape::List(Box::new(shapes::address_or_range())), "Address ranges that may reach it; an empty list: all."),
            field("api_server.private", Shape::Bool, "Whether it has a private address only."),
            field("api_server.private_dns_zone", Shape::String, "`system`, `none`, or the ARM id of a private DNS zone."),
        ]),
        table("auto_upgrade", "What AKS upgrades by itself.", vec![
            field("auto_upgrade.channel", Shape::Choice(vec!["none", "patch", "stable", "rapid", "node-image"]), "For Kubernetes. What the channel moves is no drift."),
            field("auto_upgrade.node_os_channel", Shape::Choice(vec!["None", "Unmanaged", "NodeImage", "SecurityPatch"]), "For the nodes' OS."),
        ]),
        field("autoscaler", shapes::tags(), "Settings of the cluster autoscaler, as ARM names them, such as `scan-interval = \"20s\"`."),
        table("ssh", "The account on the nodes.", vec![
            field("ssh.admin_username", Shape::String, "Its name.").or("azureuser"),
            field("ssh.public_keys", shapes::texts(), "Its public keys."),
        ]),
        field("tags", shapes::tags(), "Tags. Tags that others added are left alone."),
        Field::optional("system_pool", Shape::Table(pool::system_fields()), "The pool that the cluster is made with. Needed unless `existing = true`."),
        Field::optional("auth", Shape::Choice(vec!["auto", "aad", "user", "local_admin"]), "How kfplan signs in to Kubernetes: `auto` takes an Entra ID token where the cluster takes one, else the user credential; `local_admin` only when it is said.").or("auto"),
        table("access", "How kfplan reaches the API server.", access_fields()),
        field("properties", Shape::Any, "Further ARM properties of a managed cluster, as its REST API names them, such as `addonProfiles`."),
    ]
}

fn schema() -> Schema {
    Schema {
        type_name: "aks_cluster",
        summary: "An AKS cluster with the pool that it is made with.",
        fields: fields(),
        outputs: vec![
            output("id", "The ARM id."),
            output("name", "The name."),
            output("location", "The region."),
            output("fqdn", "The host name of the API server."),
            output("oidc_issuer_url", "The URL of the OIDC issuer."),
            output("node_resource_group", "The group that holds nodes and addresses."),
            output("kubernetes_version", "The version that the control plane runs."),
            output("principal_id", "The object id of the control plane's identity."),
            output("kubelet_client_id", "The client id of the nodes' identity."),
            output("kubelet_object_id", "The object id of the nodes' identity."),
        ],
        existing: true,
        objects: false,
        azure: true,
    }
}

pub(super) fn outputs(live: &Json) -> BTreeMap<String, Json> {
    let mut found = picked(
        live,
        &[
            ("id", "/id"),
            ("name", "/name"),
            ("location", "/location"),
            ("fqdn", "/properties/privateFQDN"),
            ("oidc_issuer_url", "/properties/oidcIssuerProfile/issuerURL"),
            ("node_resource_group", "/properties/nodeResourceGroup"),
            ("kubernetes_version", "/properties/kubernetesVersion"),
            ("principal_id", "/identity/principalId"),
            ("kubelet_client_id", "/properties/identityProfile/kubeletidentity/clientId"),
            ("kubelet_object_id", "/properties/identityProfile/kubeletidentity/objectId"),
        ],
    );
    found.extend(picked(
        live,
        &[("fqdn", "/properties/fqdn"), ("kubernetes_version", "/properties/currentKubernetesVersion")],
    ));
    found
}

fn identity(reader: &mut Reader<'_>) -> Option<ManagedClusterIdentity> {
    if !reader.has("identity") {
        return None;
    }
    let user = reader.text("identity.type").as_deref() == Some("user");
    let ids = reader.texts("identity.ids");
    if user == ids.is_empty() {
        let help = "state both type = \"user\" and ids = [\"ARM ID\"], or neither";
        reader.problem("identity", "azure::identity", "`identity.type` and `identity.ids` do not agree", help);
    }
    let ids: Map<String, Json> = ids.into_iter().map(|id| (id, json!({}))).collect();
    Some(ManagedClusterIdentity {
        type_: Some(if user {
            managed_cluster_identity::Type::UserAssigned
        } else {
            managed_cluster_identity::Type::SystemAssigned
        }),
        user_assigned_identities: user.then_some(Json::Object(ids)),
        ..ManagedClusterIdentity::default()
    })
}

fn network_profile(reader: &mut Reader<'_>) -> Option<ContainerServiceNetworkProfile> {
    if !reader.has("network") {
        return None;
    }
    let (pods, services, dns) =
        (reader.text("network.pod_cidr"), reader.text("network.service_cidr"), reader.text("network.dns_service_ip"));
    if let (Some(pods), Some(services)) = (&pods, &services)
        && overlap(pods, services)
    {
        let message = format!("`pod_cidr` {pods} and `service_cidr` {services} overlap");
        reader.problem("network.pod_cidr", "azure::overlap", message, "choose ranges that share no address");
    }
    if let (Some(services), Some(dns)) = (&services, &dns) {
        let bits = if dns.contains(':') { 128 } else { 32 };
        if network(&format!("{dns}/{bits}")).is_none() || !overlap(services, &format!("{dns}/{bits}")) {
            let message = format!("`dns_service_ip` {dns} is not inside `service_cidr` {services}");
            reader.problem(
                "network.dns_service_ip",
                "azure::dns_service_ip",
                message,
                "choose an address inside it, not the first one",
            );
        }
    }
    reader.beside("network.dataplane");
    Some(ContainerServiceNetworkProfile {
        network_plugin: reader.word("network.plugin"),
        network_plugin_mode: reader.word("network.plugin_mode"),
        network_policy: reader.word("network.policy"),
        pod_cidr: pods,
        service_cidr: services,
        dns_service_ip: dns,
        outbound_type: reader.word("network.outbound_type"),
        ..ContainerServiceNetworkProfile::default()
    })
}

fn access_profile(reader: &mut Reader<'_>) -> Option<ManagedClusterApiServerAccessProfile> {
    reader.has("api_server").then(|| ManagedClusterApiServerAccessProfile {
        authorized_ip_ranges: reader.texts("api_server.authorized_ranges"),
        enable_private_cluster: reader.boolean("api_server.private"),
        private_dns_zone: reader.text("api_server.private_dns_zone"),
        ..ManagedClusterApiServerAccessProfile::default()
    })
}

fn aad_profile(reader: &mut Reader<'_>) -> Option<ManagedClusterAadProfile> {
    reader.has("aad").then(|| ManagedClusterAadProfile {
        managed: Some(true),
        enable_azure_rbac: reader.boolean("aad.azure_rbac"),
        admin_group_object_i_ds: reader.texts("aad.admin_group_ids"),
        tenant_id: reader.text("aad.tenant_id"),
        ..ManagedClusterAadProfile::default()
    })
}

fn linux_profile(reader: &mut Reader<'_>) -> Option<ContainerServiceLinuxProfile> {
    if !reader.has("ssh") {
        return None;
    }
    let name = reader.text("ssh.admin_username").unwrap_or_else(|| "azureuser".to_owned());
    let keys = reader.texts("ssh.public_keys");
    if keys.is_empty() {
        reader.problem(
            "ssh",
            "azure::no_ssh_key",
            "`ssh` has no public key",
            "state public_keys = [\"ssh-rsa …\"], known at plan",
        );
    }
    let keys = keys.into_iter().map(|key_data| ContainerServiceSshPublicKey { key_data }).collect();
    Some(ContainerServiceLinuxProfile::new(name, ContainerServiceSshConfiguration::new(keys)))
}

fn auto_upgrade(reader: &mut Reader<'_>) -> Option<ManagedClusterAutoUpgradeProfile> {
    if !reader.has("auto_upgrade") {
        return None;
    }
    Some(ManagedClusterAutoUpgradeProfile {
        upgrade_channel: reader.word("auto_upgrade.channel"),
        node_os_upgrade_channel: reader.word("auto_upgrade.node_os_channel"),
    })
}

fn security_profile(reader: &mut Reader<'_>) -> Option<ManagedClusterSecurityProfile> {
    let enabled = reader.boolean("workload_identity")?;
    if enabled && reader.boolean("oidc_issuer") != Some(true) {
        let help = "add oidc_issuer = true";
        reader.problem(
            "workload_identity",
            "azure::workload_identity",
            "`workload_identity` needs the OIDC issuer",
            help,
        );
    }
    Some(ManagedClusterSecurityProfile {
        workload_identity: Some(ManagedClusterSecurityProfileWorkloadIdentity { enabled: Some(enabled) }),
        ..ManagedClusterSecurityProfile::default()
    })
}

/// The model of the cluster, without its pools; what the model cannot hold stays with the reader.
fn cluster(reader: &mut Reader<'_>, location: String) -> ManagedCluster {
    let mut cluster = ManagedCluster::new(TrackedResource::new(location));
    cluster.tracked_resource.tags = reader.entries("tags");
    cluster.identity = identity(reader);
    let tier = reader.text("tier").map(|tier| match tier.as_str() {
        "standard" => managed_cluster_sku::Tier::Standard,
        "free" => managed_cluster_sku::Tier::Free,
        _ => managed_cluster_sku::Tier::UnknownValue("Premium".to_owned()),
    });
    cluster.sku = tier.map(|tier| ManagedClusterSku { name: Some(managed_cluster_sku::Name::Base), tier: Some(tier) });
    reader.beside("support_plan");
    let oidc = reader.boolean("oidc_issuer");
    let local_accounts = reader.boolean("local_accounts");
    if reader.has("local_accounts") && local_accounts.is_none() {
        let help = "state true or false, or a variable";
        reader.problem("local_accounts", "azure::unknowable", "`local_accounts` is not known at plan", help);
    }
    reader.beside("autoscaler");
    cluster.properties = Some(ManagedClusterProperties {
        kubernetes_version: reader.text("kubernetes_version"),
        dns_prefix: reader.text("dns_prefix"),
        node_resource_group: reader.text("node_resource_group"),
        disable_local_accounts: local_accounts.map(|allowed| !allowed),
        oidc_issuer_profile: oidc
            .map(|enabled| ManagedClusterOidcIssuerProfile { enabled: Some(enabled), issuer_url: None }),
        security_profile: security_profile(reader),
        network_profile: network_profile(reader),
        aad_profile: aad_profile(reader),
        api_server_access_profile: access_profile(reader),
        auto_upgrade_profile: auto_upgrade(reader),
        linux_profile: linux_profile(reader),
        ..ManagedClusterProperties::default()
    });
    reader.beside("properties");
    cluster
}

/// The pool that the cluster is made with. It runs the cluster's version.
fn system_pool(reader: &mut Reader<'_>, version: Option<String>) -> Option<ManagedClusterAgentPoolProfile> {
    if !reader.has("system_pool") {
        let help =
            "add [aks_cluster.NAME.system_pool] with vm_size, or existing = true if the cluster is already there";
        reader.problem("system_pool", "azure::missing_field", "the cluster has no `system_pool`", help);
        return None;
    }
    let name = reader.text("system_pool.pool_name").unwrap_or_else(|| "system".to_owned());
    let entry = Segment::Item(vec![("name".into(), Scalar::Text(name.as_str().into()))]);
    let prefix = Path::keys(["properties", "agentPoolProfiles"]).join(entry);
    reader.enter("system_pool", POOL, prefix);
    let mut properties = pool::properties(reader);
    if properties.count == Some(0) || properties.min_count == Some(0) {
        let help = "let at least one node be there";
        reader.problem("count", "azure::empty_system_pool", "a system pool with no nodes is refused by AKS", help);
    }
    reader.enter("", CLUSTER, Path::root());
    properties.mode = Some(AgentPoolMode::System);
    properties.orchestrator_version = version;
    let mut profile = ManagedClusterAgentPoolProfile::new(name);
    profile.managed_cluster_agent_pool_profile_properties = properties;
    Some(profile)
}

/// The region: the one stated, else the group's.
fn location(reader: &mut Reader<'_>, scene: &Scene<'_>, group: Option<&Address>) -> Option<String> {
    if reader.has("location") {
        // A late one becomes a hole.
        return Some(reader.text("location").unwrap_or_default());
    }
    let group = scene.resources.get(group?.resource())?;
    let text = group.fields.get("location").and_then(Value::as_str).map(str::to_owned);
    if text.is_none() {
        let help = "add location = \"REGION\" to the cluster";
        reader.problem("location", "azure::missing_field", "the region of the group is not known at plan", help);
    }
    text
}

fn desired(
    resource: &Resource,
    scene: &Scene<'_>,
    group: Option<&Address>,
) -> Result<kfplan_plan::Desired, Vec<Problem>> {
    let mut reader = Reader::new(resource, CLUSTER, Path::root());
    let location = location(&mut reader, scene, group).unwrap_or_default();
    let mut model = cluster(&mut reader, location);
    let version = model.properties.as_ref().and_then(|properties| properties.kubernetes_version.clone());
    if let (Some(pool), Some(properties)) = (system_pool(&mut reader, version), &mut model.properties) {
        properties.agent_pool_profiles = vec![pool];
    }
    match serde_json::to_value(model) {
        Ok(body) => reader.finish(body),
        Err(error) => Err(vec![problem(resource, None, "azure::body", error.to_string(), "report this")]),
    }
}

impl Kind for AksCluster {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn expand(&self, resource: &Resource, scene: &Scene<'_>) -> Result<Expansion, Vec<Problem>> {
        let mut problems = Vec::new();
        let place = place_of(resource, "resource_group", scene, &mut problems);
        let name = deciding(resource, "name", &mut problems);
        let mut body = None;
        if !resource.existing {
            match desired(resource, scene, place.as_ref().map(|(_, address)| address)) {
                Ok(desired) => body = Some(desired),
                Err(more) => problems.extend(more),
            }
        }
        match (place, name) {
            (Some((group, address)), Some(name)) if problems.is_empty() => Ok(One {
                resource,
                id: group.cluster(name),
                api_version: AKS_API_VERSION,
                desired: body,
                container: Some(address),
                protection: Protection::Container,
                pace: Pace { expected: 300_000, timeouts: (3_600, 7_200, 3_600) },
            }
            .expansion()),
            _ => Err(problems),
        }
    }

    fn outputs(&self, resource: &Resource, seen: &BTreeMap<&Address, &Json>) -> BTreeMap<String, Json> {
        own(resource, seen).map(outputs).unwrap_or_default()
    }
}
