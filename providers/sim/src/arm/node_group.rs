//! The group of a cluster's nodes (`MC_…`): it appears with the cluster, follows its pools, and goes with it.

use serde_json::{Value, json};

use super::sizes;
use super::state::{Arm, Cluster, Group, Resource, State, group_key, object, text};
use crate::fleet::{ClusterOrder, Fleet, PoolOrder};

impl Arm {
    /// Makes the node group hold what the cluster and its pools need, and nothing that a gone pool left.
    pub(crate) fn furnish(&mut self, now: u64, key: &str, fleet: &mut dyn Fleet) {
        let Some(cluster) = self.clusters.get(key).cloned() else { return };
        if cluster.is_established() {
            order(now, &cluster, fleet);
        }
        let group = group_key(&cluster.subscription, cluster.node_group());
        self.groups.entry(group.clone()).or_insert_with(|| node_group(&cluster));
        let wanted = contents(&cluster);
        let sets = format!("{group}/providers/microsoft.compute/virtualmachinescalesets/");
        self.resources
            .retain(|id, _| !id.starts_with(&sets) || wanted.iter().any(|(known, _)| known.eq_ignore_ascii_case(id)));
        for (id, body) in wanted {
            let etag = self.dice.guid();
            let Value::Object(body) = body else { continue };
            let known = self.resources.entry(id.to_ascii_lowercase());
            known.and_modify(|resource| resource.body = body.clone()).or_insert(Resource {
                id,
                body,
                etag,
                deleting: false,
            });
        }
    }
}

/// Orders the cluster's API and its nodes. Asking twice does no more than asking once.
fn order(now: u64, cluster: &Cluster, fleet: &mut dyn Fleet) {
    let version = text(&cluster.properties, "currentKubernetesVersion");
    let order = ClusterOrder {
        uid: cluster.uid().to_owned(),
        name: cluster.name.clone(),
        version: version.to_owned(),
        fqdn: text(&cluster.properties, "fqdn").to_owned(),
        node_group: cluster.node_group().to_owned(),
        location: cluster.location.clone(),
    };
    fleet.create_cluster(now, &order);
    fleet.upgrade_cluster(now, cluster.uid(), version);
    for pool in cluster.pools.iter().filter(|pool| matches!(pool.state, State::Succeeded | State::Updating)) {
        let size = sizes::size(pool.text("vmSize"));
        let labels = object(&pool.properties, "nodeLabels");
        let taints = pool.properties.get("nodeTaints").and_then(Value::as_array).cloned().unwrap_or_default();
        let order = PoolOrder {
            name: pool.name.clone(),
            count: pool.count(),
            vm_size: pool.text("vmSize").to_owned(),
            version: pool.text("currentOrchestratorVersion").to_owned(),
            mode: pool.text("mode").to_owned(),
            labels: labels
                .iter()
                .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
                .collect(),
            taints: taints.iter().filter_map(|taint| taint.as_str().map(str::to_owned)).collect(),
            gpus: size.map_or(0, |size| size.gpus),
            cores: size.map_or(2, |size| size.cores),
            memory_mib: size.map_or(8, |size| u64::from(size.memory)) * 1_024,
        };
        fleet.set_nodes(now, cluster.uid(), &order);
    }
}

fn node_group(cluster: &Cluster) -> Group {
    Group {
        subscription: cluster.subscription.clone(),
        name: cluster.node_group().to_owned(),
        location: cluster.location.clone(),
        tags: None,
        managed_by: Some(cluster.id()),
        deleting: false,
    }
}

fn contents(cluster: &Cluster) -> Vec<(String, Value)> {
    let group = format!("/subscriptions/{}/resourceGroups/{}", cluster.subscription, cluster.node_group());
    let location = &cluster.location;
    let place = |kind: &str, name: &str| format!("{group}/providers/{kind}/{name}");
    let plain = |properties: Value| json!({"location": location, "properties": properties});
    let mut all = vec![];
    if cluster.is_established() {
        let addresses = cluster.properties.get("networkProfile").and_then(|network| {
            network.pointer("/loadBalancerProfile/effectiveOutboundIPs").and_then(Value::as_array).cloned()
        });
        for id in addresses.unwrap_or_default().iter().filter_map(|address| address.get("id")?.as_str()) {
            all.push((id.to_owned(), plain(json!({"publicIPAllocationMethod": "Static"}))));
        }
        all.push((place("Microsoft.Network/loadBalancers", "kubernetes"), plain(json!({}))));
        let identity = format!("{}-agentpool", cluster.name);
        all.push((place("Microsoft.ManagedIdentity/userAssignedIdentities", &identity), plain(json!({}))));
    }
    let own = cluster.key().bytes().fold(7_u64, |sum, byte| (sum * 31 + u64::from(byte)) % 100_000_000);
    all.push((place("Microsoft.Network/virtualNetworks", &format!("aks-vnet-{own:08}")), plain(json!({}))));
    let security = format!("aks-agentpool-{own:08}-nsg");
    all.push((place("Microsoft.Network/networkSecurityGroups", &security), plain(json!({}))));
    for pool in &cluster.pools {
        let name = format!("aks-{}-{:08}-vmss", pool.name, pool.number);
        let body = json!({
            "location": location,
            "sku": {"name": pool.text("vmSize"), "tier": "Standard", "capacity": pool.count()},
            "tags": {"aks-managed-poolName": pool.name},
            "properties": {},
        });
        all.push((place("Microsoft.Compute/virtualMachineScaleSets", &name), body));
    }
    all
}
