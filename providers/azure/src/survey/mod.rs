//! What Azure would refuse, known before it is asked for anything.
//!
//! [`Needs::of`] says which questions a plan has, [`ArmClient::survey`](crate::ArmClient::survey) asks
//! them all at once, and [`preflight_azure`] judges from the answers, purely. What could not be asked is said, not guessed.

mod ask;
mod preflight;
mod retired;

use std::collections::{BTreeMap, BTreeSet};

use kfplan_plan::Locator;

use crate::id::{ArmId, Family};

pub use preflight::{Considered, preflight_azure};

/// What has to be asked for a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Regions in which clusters or pools are stated, in Azure's spelling.
    pub locations: BTreeSet<String>,
    /// Namespaces of the stated types.
    pub namespaces: BTreeSet<String>,
}

/// A region in Azure's own spelling: `West US 2` is `westus2`.
pub(crate) fn plain_location(text: &str) -> String {
    text.replace(' ', "").to_ascii_lowercase()
}

/// What AKS uses of other providers.
const OF_AKS: [&str; 4] =
    ["Microsoft.Compute", "Microsoft.ContainerService", "Microsoft.ManagedIdentity", "Microsoft.Network"];

impl Needs {
    /// The questions that these resources have.
    #[must_use]
    pub fn of(resources: &[Considered<'_>]) -> Self {
        let mut needs = Self::default();
        for Considered { draft, live } in resources {
            let Locator::Arm(arm) = &draft.locator else { continue };
            let id = ArmId::new(arm.id.as_str());
            let is_wanted = draft.desired.is_some();
            match id.family() {
                Family::Group => {}
                Family::Cluster => {
                    // One that is only read may still be given pools.
                    let wanted = draft.desired.as_ref().map(|desired| &desired.body);
                    let location =
                        [wanted, *live].into_iter().flatten().find_map(|body| body.get("location")?.as_str());
                    needs.locations.extend(location.filter(|text| !text.is_empty()).map(plain_location));
                }
                Family::Pool => {}
                Family::Other => needs.namespaces.extend(namespace(&id).filter(|_| is_wanted)),
            }
            if is_wanted && matches!(id.family(), Family::Cluster | Family::Pool) {
                needs.namespaces.extend(OF_AKS.map(str::to_owned));
            }
        }
        needs
    }

    /// Whether there is nothing to ask.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.locations.is_empty() && self.namespaces.is_empty()
    }
}

/// The namespace of a resource's type: the last one of its id.
fn namespace(id: &ArmId) -> Option<String> {
    let at = id.key().rfind("/providers/")? + "/providers/".len();
    id.as_str().get(at..)?.split('/').next().map(str::to_owned)
}

/// What Azure answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Survey {
    /// By region.
    pub regions: BTreeMap<String, Region>,
    /// Registration state by namespace.
    pub providers: BTreeMap<String, String>,
    /// What could not be asked, and why.
    pub unasked: Vec<(String, String)>,
}

/// What a region has for a subscription. Nothing in a part means that it could not be asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Region {
    /// The versions of Kubernetes, as AKS lists them.
    pub versions: Vec<Offer>,
    /// The sizes of machines, by name in lower case.
    pub sizes: BTreeMap<String, Size>,
    /// Quotas of cores, by family.
    pub quotas: BTreeMap<String, Quota>,
}

/// A minor version that AKS lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offer {
    /// Such as `1.34`.
    pub version: String,
    /// Its patches, such as `1.34.4`.
    pub patches: BTreeSet<String>,
    /// The support plans that it is offered under.
    pub plans: BTreeSet<String>,
    /// Whether it is a preview.
    pub preview: bool,
    /// Only from a simulated cloud, which offers what AKS does not: the month since when AKS has it no more.
    pub ended: Option<String>,
    /// Only from a simulated cloud: whether AKS itself offers it.
    pub real: bool,
}

/// A size of machines in a region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Size {
    /// The name in Azure's spelling.
    pub name: String,
    /// The family that quota is counted by.
    pub family: String,
    /// Cores.
    pub cores: u32,
    /// GPUs.
    pub gpus: u32,
    /// Zones that have it.
    pub zones: BTreeSet<String>,
    /// Why the subscription cannot have it anywhere in the region.
    pub restricted: Option<String>,
    /// Zones in which the subscription cannot have it.
    pub restricted_zones: BTreeSet<String>,
    /// Whether its processor is an Arm one.
    pub arm64: bool,
    /// Whether its OS disk can be ephemeral; `None` where that is not said.
    pub ephemeral: Option<bool>,
}

/// A quota.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// In use.
    pub used: u64,
    /// At most.
    pub limit: u64,
}

#[cfg(test)]
mod tests;
