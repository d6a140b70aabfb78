//! What is only read of clusters: lists, and which versions may follow.

use serde_json::{Value, json};

use super::clusters::Place;
use super::groups::page;
use super::route::{Asked, no_group};
use super::state::{Arm, Cluster, group_key, text};
use super::versions;
use super::wire::{Answer, Style, put, styled};

/// Entries of a page of clusters.
const PAGE: usize = 20;

impl Arm {
    pub(crate) fn list_clusters(&mut self, asked: &Asked<'_>, group: Option<&str>) -> Answer {
        if let Some(group) = group {
            self.groups.get(&group_key(&asked.subscription, group)).ok_or_else(|| no_group(group))?;
        }
        let own = self.clusters.values().filter(|cluster| {
            cluster.subscription == asked.subscription
                && group.is_none_or(|group| cluster.group.eq_ignore_ascii_case(group))
        });
        let all: Vec<Value> = own.map(Cluster::render).collect();
        let body = page(all, PAGE, asked.request, false);
        Ok(self.aks_body(200, body))
    }

    pub(crate) fn cluster_upgrades(&self, asked: &Asked<'_>, place: &Place<'_>) -> Answer {
        let cluster = self.found(asked, place)?;
        let profile = upgrade_profile(text(&cluster.properties, "currentKubernetesVersion"));
        let pools = cluster.pools.iter().map(|pool| {
            let mut profile = upgrade_profile(pool.text("currentOrchestratorVersion"));
            put(&mut profile, "name", json!(pool.name));
            profile
        });
        let body = json!({
            "id": format!("{}/upgradeprofiles/default", cluster.id()), "name": "default",
            "type": "Microsoft.ContainerService/managedClusters/upgradeprofiles",
            "properties": {"controlPlaneProfile": profile, "agentPoolProfiles": pools.collect::<Vec<_>>()},
        });
        Ok(styled(200, Style::Aks, &body))
    }

    pub(crate) fn pool_versions(&self, asked: &Asked<'_>, place: &Place<'_>) -> Answer {
        let cluster = self.found(asked, place)?;
        let control = text(&cluster.properties, "currentKubernetesVersion");
        let known = versions::Version::read(control).map(|version| (version.minor, version.patch)).unwrap_or_default();
        let all = versions::up_to(known.0).into_iter().filter_map(|name| {
            let version = versions::Version::read(&name)?;
            let fits = (version.minor, version.patch) <= known && version.minor + 3 >= known.0;
            fits.then(|| match name == control {
                true => json!({"default": true, "kubernetesVersion": name}),
                false => json!({"kubernetesVersion": name}),
            })
        });
        let body = json!({
            "id": format!("{}/availableagentpoolversions/default", cluster.id()), "name": "default",
            "type": "Microsoft.ContainerService/managedClusters/availableAgentpoolVersions",
            "properties": {"agentPoolVersions": all.collect::<Vec<_>>()},
        });
        Ok(styled(200, Style::Aks, &body))
    }
}

/// What may follow a version.
pub(crate) fn upgrade_profile(current: &str) -> Value {
    let found = versions::Version::read(current);
    let next = found.map(|version| versions::upgrades(version.minor, version.patch)).unwrap_or_default();
    let next: Vec<Value> = next.into_iter().map(|version| json!({"kubernetesVersion": version})).collect();
    json!({"kubernetesVersion": current, "osType": "Linux", "upgrades": next})
}
