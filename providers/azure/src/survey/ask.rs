//! Asking: one question each, all at once.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use kfplan_plan::Trouble;
use serde_json::Value as Json;

use super::{Needs, Offer, Quota, Region, Size, Survey};
use crate::client::ArmClient;
use crate::kinds::AKS_API_VERSION;

const COMPUTE_VERSION: &str = "2024-07-01";
const SKUS_VERSION: &str = "2021-07-01";
const PROVIDERS_VERSION: &str = "2021-04-01";

impl ArmClient {
    /// Asks what a subscription can have. What cannot be asked stands in [`Survey::unasked`].
    pub async fn survey(&self, subscription: &str, needs: &Needs) -> Survey {
        let root = format!("/subscriptions/{subscription}");
        let regions = join_all(needs.locations.iter().map(|location| self.region(&root, location)));
        let providers = async {
            if needs.namespaces.is_empty() {
                Ok(Vec::new())
            } else {
                self.list(&format!("{root}/providers"), PROVIDERS_VERSION, "").await
            }
        };
        let (regions, providers) = futures::future::join(regions, providers).await;
        let mut survey = Survey::default();
        for (location, (region, unasked)) in needs.locations.iter().zip(regions) {
            survey.regions.insert(location.clone(), region);
            survey.unasked.extend(unasked);
        }
        match providers {
            Ok(listed) => survey.providers = registered(&listed, &needs.namespaces),
            Err(trouble) => {
                survey.unasked.push(("which resource providers are registered".to_owned(), trouble.message))
            }
        }
        survey
    }

    async fn region(&self, root: &str, location: &str) -> (Region, Vec<(String, String)>) {
        let versions = async {
            let path = format!("{root}/providers/Microsoft.ContainerService/locations/{location}/kubernetesVersions");
            let answer = self.get(&path, AKS_API_VERSION).await?;
            if answer.is_success() { Ok(answer.body) } else { Err(answer.trouble("listing the versions of AKS")) }
        };
        let filter = format!("$filter=location%20eq%20%27{location}%27");
        let skus = format!("{root}/providers/Microsoft.Compute/skus");
        let sizes = self.list(&skus, SKUS_VERSION, &filter);
        let usages = format!("{root}/providers/Microsoft.Compute/locations/{location}/usages");
        let quotas = self.list(&usages, COMPUTE_VERSION, "");
        let (versions, sizes, quotas): (Result<Json, Trouble>, _, _) =
            futures::future::join3(versions, sizes, quotas).await;
        let mut unasked = Vec::new();
        let mut missing =
            |what: &str, trouble: Trouble| unasked.push((format!("{what} in `{location}`"), trouble.message));
        let region = Region {
            versions: versions.map(|body| offers(&body)).unwrap_or_else(|trouble| {
                missing("which versions AKS offers", trouble);
                Vec::new()
            }),
            sizes: sizes.map(|listed| self::sizes(&listed, location)).unwrap_or_else(|trouble| {
                missing("which sizes there are", trouble);
                BTreeMap::new()
            }),
            quotas: quotas.map(|listed| self::quotas(&listed)).unwrap_or_else(|trouble| {
                missing("how much quota is left", trouble);
                BTreeMap::new()
            }),
        };
        (region, unasked)
    }
}

fn text<'a>(value: &'a Json, key: &str) -> &'a str {
    value.get(key).and_then(Json::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Json, key: &str) -> &'a [Json] {
    value.get(key).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

fn texts(values: &[Json]) -> BTreeSet<String> {
    values.iter().filter_map(Json::as_str).map(str::to_owned).collect()
}

pub(super) fn offers(body: &Json) -> Vec<Offer> {
    let offer = |value: &Json| {
        let patches = value.get("patchVersions").and_then(Json::as_object);
        let sandbox = value.get("sandbox");
        Offer {
            version: text(value, "version").to_owned(),
            patches: patches.into_iter().flat_map(|patches| patches.keys().cloned()).collect(),
            plans: texts(value.get("capabilities").map_or(&[], |capabilities| list(capabilities, "supportPlan"))),
            preview: value.get("isPreview") == Some(&Json::Bool(true)),
            ended: sandbox.and_then(|mark| mark.get("endedIn")).and_then(Json::as_str).map(str::to_owned),
            real: sandbox.and_then(|mark| mark.get("offeredByAzure")) != Some(&Json::Bool(false)),
        }
    };
    list(body, "values").iter().map(offer).collect()
}

pub(super) fn sizes(listed: &[Json], location: &str) -> BTreeMap<String, Size> {
    let here = |value: &&Json| {
        text(value, "resourceType") == "virtualMachines"
            && list(value, "locations").iter().filter_map(Json::as_str).any(|at| at.eq_ignore_ascii_case(location))
    };
    listed.iter().filter(here).map(size).map(|size| (size.name.to_ascii_lowercase(), size)).collect()
}

fn size(value: &Json) -> Size {
    let capability = |name: &str| {
        let found = list(value, "capabilities").iter().find(|capability| text(capability, "name") == name);
        found.map(|capability| text(capability, "value"))
    };
    let number = |name: &str| capability(name).and_then(|text| text.parse::<u32>().ok());
    let mut size = Size {
        name: text(value, "name").to_owned(),
        family: text(value, "family").to_owned(),
        cores: number("vCPUs").unwrap_or(0),
        gpus: number("GPUs").unwrap_or(0),
        arm64: capability("CpuArchitectureType") == Some("Arm64"),
        ephemeral: capability("EphemeralOSDiskSupported").map(|word| word.eq_ignore_ascii_case("true")),
        ..Size::default()
    };
    for info in list(value, "locationInfo") {
        size.zones.extend(texts(list(info, "zones")));
    }
    for restriction in list(value, "restrictions") {
        let info = restriction.get("restrictionInfo").unwrap_or(&Json::Null);
        match text(restriction, "type") {
            "Zone" => size.restricted_zones.extend(texts(list(info, "zones"))),
            _ => size.restricted = Some(text(restriction, "reasonCode").to_owned()),
        }
    }
    size
}

pub(super) fn quotas(listed: &[Json]) -> BTreeMap<String, Quota> {
    let number = |value: &Json, key: &str| value.get(key).and_then(Json::as_u64).unwrap_or(0);
    listed
        .iter()
        .filter_map(|value| {
            let name = value.get("name").map(|name| text(name, "value")).filter(|name| !name.is_empty())?;
            Some((name.to_owned(), Quota { used: number(value, "currentValue"), limit: number(value, "limit") }))
        })
        .collect()
}

fn registered(listed: &[Json], wanted: &BTreeSet<String>) -> BTreeMap<String, String> {
    let state_of = |namespace: &String| {
        let found = listed.iter().find(|value| text(value, "namespace").eq_ignore_ascii_case(namespace));
        found.map_or("Unknown", |value| text(value, "registrationState")).to_owned()
    };
    wanted.iter().map(|namespace| (namespace.clone(), state_of(namespace))).collect()
}
