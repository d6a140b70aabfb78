//! The fields and outputs of `aks_cluster`.

use kfplan_plan::{Field, OnChange, Schema, Shape};

use crate::kinds::output;
use crate::kinds::pool::system_fields;
use crate::kinds::shapes;
use crate::properties::CLUSTER;

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
        Field::optional("system_pool", Shape::Table(system_fields()), "The pool that the cluster is made with. Needed unless `existing = true`."),
        Field::optional("auth", Shape::Choice(vec!["auto", "aad", "user", "local_admin"]), "How kfplan signs in to Kubernetes: `auto` takes an Entra ID token where the cluster takes one, else the user credential; `local_admin` only when it is said.").or("auto"),
        table("access", "How kfplan reaches the API server.", access_fields()),
        field("properties", Shape::Any, "Further ARM properties of a managed cluster, as its REST API names them, such as `addonProfiles`."),
    ]
}

pub(super) fn schema() -> Schema {
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
