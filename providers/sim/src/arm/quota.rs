//! Cores: how many a subscription may use of each family, and how many it does.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::sizes;
use super::state::{Arm, Pool};
use super::wire::Refusal;

/// The regional total, unless the settings say otherwise.
const REGIONAL: u32 = 350;

impl Arm {
    /// Cores in use in a region, by family.
    fn cores(&self, subscription: &str, location: &str, without: Option<&str>) -> BTreeMap<&'static str, u32> {
        let here = self.clusters.iter().filter(|(key, cluster)| {
            cluster.subscription == subscription && cluster.location == location && without != Some(key.as_str())
        });
        tally(here.flat_map(|(_, cluster)| &cluster.pools))
    }

    fn limit(&self, family: &str) -> u32 {
        let usual = if family == "cores" { REGIONAL } else { sizes::default_quota(family) };
        self.settings.quota.get(family).copied().unwrap_or(usual)
    }

    /// Refuses a cluster with pools that need more cores than there are left, counting the old ones as given back.
    pub(crate) fn check_quota(&self, place: (&str, &str), key: &str, pools: &[Pool]) -> Result<(), Refusal> {
        let (subscription, location) = place;
        let used = self.cores(subscription, location, Some(key));
        let before = self.clusters.get(key).map(|cluster| tally(cluster.pools.iter())).unwrap_or_default();
        let wanted = tally(pools.iter());
        let sum = |cores: &BTreeMap<&str, u32>| cores.values().sum::<u32>();
        let families = wanted.iter().map(|(family, cores)| {
            let own = before.get(family).copied().unwrap_or(0);
            (*family, *cores, own, used.get(family).copied().unwrap_or(0))
        });
        let total = ("cores", sum(&wanted), sum(&before), sum(&used));
        for (family, wanted, own, used) in families.chain([total]) {
            let left = self.limit(family).saturating_sub(used);
            // What is there already is not taken back.
            if wanted > left && wanted > own {
                let message = format!(
                    "Insufficient vcpu quota requested {}, remaining {} for family {family} for region {location}. If \
                     you want to increase the quota, please follow this instruction: \
                     https://learn.microsoft.com/en-us/azure/quotas/view-quotas.",
                    wanted.saturating_sub(own),
                    left.saturating_sub(own),
                );
                return Err(Refusal::aks(400, "ErrCode_InsufficientVCPUQuota", message));
            }
        }
        Ok(())
    }

    /// The body of `usages`.
    pub(crate) fn usages(&self, subscription: &str, location: &str) -> Value {
        let used = self.cores(subscription, location, None);
        let usage = |name: &str, label: &str, current: u32| {
            json!({"unit": "Count", "currentValue": current, "limit": self.limit(name),
                "name": {"value": name, "localizedValue": label}})
        };
        let mut all = vec![usage("cores", "Total Regional vCPUs", used.values().sum())];
        all.extend(sizes::families().into_iter().map(|family| {
            let label = format!("{} vCPUs", family.trim_start_matches("standard").trim_start_matches("Standard"));
            usage(family, label.trim(), used.get(family).copied().unwrap_or(0))
        }));
        json!({ "value": all })
    }
}

fn tally<'a>(pools: impl Iterator<Item = &'a Pool>) -> BTreeMap<&'static str, u32> {
    let mut cores = BTreeMap::new();
    for pool in pools {
        if let Some(size) = sizes::size(pool.text("vmSize")) {
            *cores.entry(size.family).or_insert(0) += size.cores * pool.count();
        }
    }
    cores
}
