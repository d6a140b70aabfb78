//! `aks_cluster`.

mod schema;

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
use kfplan_plan::{Expansion, Kind, Problem, Protection, Scene, Schema};
use serde_json::{Map, Value as Json, json};

use super::reader::{Reader, problem};
use super::shapes::{network, overlap};
use super::{AKS_API_VERSION, One, Pace, deciding, own, picked, place_of, pool};
use crate::properties::{CLUSTER, POOL};

pub(super) struct AksCluster {
    schema: Schema,
}

impl AksCluster {
    pub(super) fn new() -> Self {
        Self { schema: schema::schema() }
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
