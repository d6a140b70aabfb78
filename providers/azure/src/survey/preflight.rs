//! Judging what is wanted by what there is.

use std::collections::{BTreeMap, BTreeSet};

use kfplan_model::ResourceAddress;
use kfplan_plan::{Draft, Locator, Note, Severity};
use serde_json::Value as Json;

use super::{Offer, Region, Size, Survey, plain_location, retired};
use crate::id::{ArmId, Family};
use crate::kinds::taint_parts;
use crate::versions::Version;

/// The smallest machine that AKS takes for a pool.
const LEAST_CORES: u32 = 2;

/// A resource that is wanted, and what is there of it.
#[derive(Debug, Clone, Copy)]
pub struct Considered<'a> {
    /// What is wanted.
    pub draft: &'a Draft,
    /// What is there; what stays as it is there is not judged.
    pub live: Option<&'a Json>,
}

/// What Azure would refuse about these resources, and what is worth knowing before they are made.
///
/// `expect_gpus` are the pools that something needs GPUs on (`nvidia_device_plugin`).
#[must_use]
pub fn preflight_azure(
    resources: &[Considered<'_>],
    expect_gpus: &BTreeSet<ResourceAddress>,
    survey: &Survey,
) -> Vec<Note> {
    let mut judge = Judge { resources, expect_gpus, survey, notes: Vec::new(), cores: BTreeMap::new() };
    for resource in resources {
        judge.resource(resource);
    }
    judge.quotas();
    judge.providers();
    judge.unasked();
    judge.notes.sort();
    judge.notes.dedup();
    judge.notes
}

struct Judge<'a> {
    resources: &'a [Considered<'a>],
    expect_gpus: &'a BTreeSet<ResourceAddress>,
    survey: &'a Survey,
    notes: Vec<Note>,
    /// Cores that come, by region and family: at once, and at the most that autoscaling allows.
    cores: BTreeMap<(String, String), Cores>,
}

#[derive(Debug, Clone, Default)]
struct Cores {
    at_once: u64,
    at_most: u64,
    /// Who needs them.
    by: BTreeSet<String>,
}

/// One pool that is wanted.
struct Pool<'a> {
    draft: &'a Draft,
    name: &'a str,
    wanted: &'a Json,
    live: Option<&'a Json>,
    region: Option<(&'a str, &'a Region)>,
    is_system: bool,
}

fn text<'a>(value: &'a Json, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Json::as_str).filter(|text| !text.is_empty())
}

impl<'a> Judge<'a> {
    fn resource(&mut self, resource: &Considered<'a>) {
        let (Locator::Arm(arm), Some(desired)) = (&resource.draft.locator, &resource.draft.desired) else { return };
        let id = ArmId::new(arm.id.as_str());
        match id.family() {
            Family::Cluster => {
                let region = text(&desired.body, "/location").and_then(|location| self.region(location));
                self.version(resource, &desired.body, region);
                let pools = desired.body.pointer("/properties/agentPoolProfiles").and_then(Json::as_array);
                for wanted in pools.into_iter().flatten() {
                    let name = text(wanted, "/name").unwrap_or_default();
                    let there =
                        resource.live.and_then(|live| live.pointer("/properties/agentPoolProfiles")?.as_array());
                    let live = there.into_iter().flatten().find(|pool| text(pool, "/name") == Some(name));
                    self.pool(&Pool { draft: resource.draft, name, wanted, live, region, is_system: true });
                }
            }
            Family::Pool => {
                let Some(wanted) = desired.body.get("properties") else { return };
                let live = resource.live.and_then(|live| live.get("properties"));
                let region = self.location_of(&id).and_then(|location| self.region(location));
                let is_system = text(wanted, "/mode") == Some("System");
                let name = arm.id.rsplit('/').next().unwrap_or_default();
                self.pool(&Pool { draft: resource.draft, name, wanted, live, region, is_system });
            }
            Family::Group | Family::Other => {}
        }
    }

    fn region(&self, location: &str) -> Option<(&'a str, &'a Region)> {
        self.survey.regions.get_key_value(&plain_location(location)).map(|(name, region)| (name.as_str(), region))
    }

    /// The region of a pool: its cluster's, as wanted or as it is.
    fn location_of(&self, pool: &ArmId) -> Option<&'a str> {
        let cluster = pool.cluster_id()?;
        let found = self.resources.iter().find(|resource| match &resource.draft.locator {
            Locator::Arm(arm) => ArmId::new(arm.id.as_str()) == cluster,
            Locator::Object(_) => false,
        })?;
        let wanted = found.draft.desired.as_ref().and_then(|desired| text(&desired.body, "/location"));
        wanted.or_else(|| found.live.and_then(|live| text(live, "/location")))
    }

    fn say(&mut self, severity: Severity, code: &str, draft: Option<&Draft>, message: String, help: impl Into<String>) {
        self.notes.push(Note {
            severity,
            code: format!("preflight::{code}"),
            address: draft.map(|draft| draft.address.clone()),
            message,
            help: Some(help.into()).filter(|help: &String| !help.is_empty()),
        });
    }

    fn version(&mut self, resource: &Considered<'a>, body: &Json, region: Option<(&str, &Region)>) {
        let Some(stated) = text(body, "/properties/kubernetesVersion") else { return };
        let Some(wanted) = Version::read(stated) else { return };
        let running = resource.live.and_then(|live| {
            text(live, "/properties/currentKubernetesVersion").or_else(|| text(live, "/properties/kubernetesVersion"))
        });
        if running.and_then(Version::read).is_some_and(|running| wanted.line() == running.line()) {
            return;
        }
        let Some((location, region)) = region.filter(|(_, region)| !region.versions.is_empty()) else { return };
        let draft = Some(resource.draft);
        let line = format!("{}.{}", wanted.major, wanted.minor);
        let Some(offer) = region.versions.iter().find(|offer| offer.version == line) else {
            let since = if wanted.major == 1 { retired::version(wanted.minor) } else { None };
            let since = since.map(|month| format!(" since {month}")).unwrap_or_default();
            let message = match since.as_str() {
                "" => format!("AKS does not offer Kubernetes {stated} in {location}"),
                since => format!("AKS no longer offers Kubernetes {stated} in {location}{since}"),
            };
            // What is offered to everybody, the oldest first.
            let everybody = |offer: &&Offer| {
                let official = offer.plans.is_empty() || offer.plans.contains("KubernetesOfficial");
                official && offer.real && !offer.preview
            };
            let mut offered: Vec<&str> =
                region.versions.iter().filter(everybody).map(|offer| offer.version.as_str()).collect();
            offered.sort_by_key(|version| Version::read(version));
            return self.say(
                Severity::Blocks,
                "version_not_offered",
                draft,
                message,
                format!("choose one of {}", offered.join(", ")),
            );
        };
        if !offer.real {
            let since = offer.ended.as_ref().map(|month| format!(" since {month}")).unwrap_or_default();
            let message = format!("the sandbox offers Kubernetes {stated}, which AKS itself has no more{since}");
            self.say(Severity::Info, "version_of_sandbox", draft, message, "outside the sandbox choose a newer one");
        }
        if wanted.patch.is_some() && !offer.patches.is_empty() && !offer.patches.contains(stated) {
            let patches: Vec<&str> = offer.patches.iter().map(String::as_str).collect();
            let help = format!("choose \"{line}\" for the newest patch, or one of {}", patches.join(", "));
            self.say(
                Severity::Blocks,
                "version_not_offered",
                draft,
                format!("AKS does not offer patch {stated} in {location}"),
                help,
            );
        }
        if offer.preview {
            let message = format!("Kubernetes {stated} is a preview in {location}");
            self.say(
                Severity::Warning,
                "version_preview",
                draft,
                message,
                "choose a generally available version for what has to last",
            );
        }
        let official = offer.plans.is_empty() || offer.plans.contains("KubernetesOfficial");
        let long_term = text(body, "/properties/supportPlan") == Some("AKSLongTermSupport");
        if !official && !long_term {
            let message = format!("AKS offers Kubernetes {stated} in {location} under long-term support only");
            let help = "add tier = \"premium\" and support_plan = \"AKSLongTermSupport\", or choose a newer version";
            self.say(Severity::Blocks, "version_long_term", draft, message, help);
        }
    }

    fn pool(&mut self, pool: &Pool<'a>) {
        let Some(size_name) = text(pool.wanted, "/vmSize") else { return };
        let was = pool.live.and_then(|live| text(live, "/vmSize"));
        let is_new = !was.is_some_and(|was| was.eq_ignore_ascii_case(size_name));
        let size = match pool.region.filter(|(_, region)| !region.sizes.is_empty()) {
            None => None,
            Some((location, region)) => match region.sizes.get(&size_name.to_ascii_lowercase()) {
                Some(size) => Some(size),
                None if is_new => return self.not_offered(pool, size_name, location),
                None => None,
            },
        };
        if is_new {
            self.gpus(pool, size_name, size);
        }
        if let (Some(size), Some((location, _))) = (size, pool.region) {
            if is_new {
                self.size(pool, size, location);
            }
            self.count_cores(pool, size, location);
        }
    }

    fn not_offered(&mut self, pool: &Pool<'a>, size: &str, location: &str) {
        let (message, help) = match retired::size(size) {
            Some((series, day)) => (
                format!("pool `{}`: {size} is retired: the {series} series ended on {day}", pool.name),
                "choose a newer size; for one NVIDIA T4: Standard_NC4as_T4_v3",
            ),
            None => (
                format!("pool `{}`: {location} has no size {size}", pool.name),
                "see `az vm list-skus --location REGION --resource-type virtualMachines`",
            ),
        };
        self.say(Severity::Blocks, "size_not_offered", Some(pool.draft), message, help);
    }

    /// Sizes without GPUs where GPUs are expected.
    fn gpus(&mut self, pool: &Pool<'a>, name: &str, size: Option<&Size>) {
        let has_gpus = size.map_or_else(|| retired::sounds_like_gpu(name), |size| size.gpus > 0);
        if has_gpus {
            let partitions = text(pool.wanted, "/gpuInstanceProfile").is_some();
            let can = ["a100", "h100", "h200", "_nd96"].iter().any(|part| name.to_ascii_lowercase().contains(part));
            if partitions && !can {
                let message = format!("pool `{}`: the GPUs of {name} cannot be partitioned", pool.name);
                self.say(
                    Severity::Blocks,
                    "no_partitions",
                    Some(pool.draft),
                    message,
                    "remove gpu_instance_profile, or choose a size with A100 or H100 GPUs",
                );
            }
            return;
        }
        let stated =
            text(pool.wanted, "/gpuProfile/driver").is_some() || text(pool.wanted, "/gpuInstanceProfile").is_some();
        let expected = !pool.is_system && self.expect_gpus.contains(pool.draft.address.resource());
        let taints = pool.wanted.get("nodeTaints").and_then(Json::as_array);
        let tainted = taints
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .filter_map(taint_parts)
            .any(|(key, value, _)| key.contains("gpu") || value.contains("gpu"));
        let help = "choose a size with a GPU, such as Standard_NC4as_T4_v3";
        let message = format!("pool `{}`: {name} has no GPU", pool.name);
        if stated || expected {
            let why =
                if stated { "and its GPU driver is stated" } else { "and `nvidia_device_plugin` is for this pool" };
            self.say(Severity::Blocks, "no_gpu", Some(pool.draft), format!("{message}, {why}"), help);
        } else if tainted {
            self.say(
                Severity::Warning,
                "no_gpu",
                Some(pool.draft),
                format!("{message}, and its taint says that it has"),
                help,
            );
        }
    }

    fn size(&mut self, pool: &Pool<'a>, size: &Size, location: &str) {
        let draft = Some(pool.draft);
        let own = |text: String| format!("pool `{}`: {text}", pool.name);
        if let Some(reason) = &size.restricted {
            let message = own(format!("{} is not to be had in {location} by this subscription ({reason})", size.name));
            let help = "choose another size or region, or ask for access at https://aka.ms/azureskunotavailable";
            self.say(Severity::Blocks, "size_restricted", draft, message, help);
        }
        let zones = pool.wanted.get("availabilityZones").and_then(Json::as_array);
        let closed: Vec<&str> = zones
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .filter(|zone| !size.zones.contains(*zone) || size.restricted_zones.contains(*zone))
            .collect();
        if !closed.is_empty() {
            let open: Vec<&str> = size.zones.difference(&size.restricted_zones).map(String::as_str).collect();
            let message = own(format!("{} is not to be had in zone {} of {location}", size.name, closed.join(", ")));
            let help =
                if open.is_empty() { "remove `zones`".to_owned() } else { format!("use zones {}", open.join(", ")) };
            self.say(Severity::Blocks, "zone_restricted", draft, message, help);
        }
        if size.cores > 0 && size.cores < LEAST_CORES {
            let message =
                own(format!("{} has {} core, and AKS takes no fewer than {LEAST_CORES}", size.name, size.cores));
            self.say(Severity::Blocks, "size_too_small", draft, message, "choose a larger size");
        }
        if text(pool.wanted, "/osDiskType") == Some("Ephemeral") && size.ephemeral == Some(false) {
            let message = own(format!("{} takes no ephemeral OS disk", size.name));
            self.say(
                Severity::Blocks,
                "no_ephemeral_disk",
                draft,
                message,
                "write os_disk_type = \"Managed\", or choose a size with a local disk",
            );
        }
        if size.arm64 {
            let message =
                own(format!("{} has Arm processors: images that are built for amd64 only will not start", size.name));
            self.say(
                Severity::Warning,
                "arm64",
                draft,
                message,
                "choose an x64 size unless all images are built for both",
            );
        }
    }

    fn count_cores(&mut self, pool: &Pool<'a>, size: &Size, location: &str) {
        let number = |value: &Json, key: &str| value.get(key).and_then(Json::as_u64);
        let scales = pool.wanted.get("enableAutoScaling") == Some(&Json::Bool(true));
        let there = pool.live.and_then(|live| number(live, "count")).unwrap_or(0);
        let begin = match (scales, pool.live.is_some()) {
            (true, true) => number(pool.wanted, "minCount").unwrap_or(0).max(there),
            (true, false) => number(pool.wanted, "minCount").unwrap_or(1),
            (false, _) => number(pool.wanted, "count").unwrap_or(there.max(1)),
        };
        let most = if scales { number(pool.wanted, "maxCount").unwrap_or(begin) } else { begin };
        let more = |count: u64| count.saturating_sub(there) * u64::from(size.cores);
        let spot = text(pool.wanted, "/scaleSetPriority") == Some("Spot");
        let families = if spot { vec!["lowPriorityCores"] } else { vec![size.family.as_str(), "cores"] };
        for family in families {
            let cores = self.cores.entry((location.to_owned(), family.to_owned())).or_default();
            cores.at_once += more(begin);
            cores.at_most += more(most);
            if more(most) > 0 {
                cores.by.insert(pool.name.to_owned());
            }
        }
    }

    fn quotas(&mut self) {
        for ((location, family), cores) in std::mem::take(&mut self.cores) {
            let Some(quota) = self.survey.regions.get(&location).and_then(|region| region.quotas.get(&family)) else {
                continue;
            };
            let left = quota.limit.saturating_sub(quota.used);
            let what =
                if family == "cores" { "cores of all families".to_owned() } else { format!("cores of `{family}`") };
            let by: Vec<String> = cores.by.iter().map(|name| format!("`{name}`")).collect();
            let help = "ask for more at https://learn.microsoft.com/azure/quotas/view-quotas, or use fewer or smaller machines";
            let have = format!("{left} of {} {what} are left in {location}", quota.limit);
            if cores.at_once > left {
                let message = format!("{have}, and pools {} need {} more", by.join(", "), cores.at_once);
                self.say(Severity::Blocks, "quota", None, message, help);
            } else if cores.at_most > left {
                let message = format!("{have}, and pools {} can grow by {}", by.join(", "), cores.at_most);
                self.say(Severity::Warning, "quota", None, message, help);
            }
        }
    }

    fn providers(&mut self) {
        for (namespace, state) in &self.survey.providers {
            let help = format!("run `az provider register --namespace {namespace} --wait`");
            match state.as_str() {
                "Registered" => {}
                "Registering" => {
                    let message = format!("the subscription is being registered for `{namespace}`");
                    self.notes.push(note(
                        Severity::Warning,
                        "provider",
                        message,
                        "wait until it is, or creates will fail".to_owned(),
                    ));
                }
                "Unknown" => {
                    let message = format!("Azure knows no provider `{namespace}`");
                    self.notes.push(note(
                        Severity::Blocks,
                        "provider",
                        message,
                        "check the `type` of the resource".to_owned(),
                    ));
                }
                _ => {
                    let message = format!("the subscription is not registered for `{namespace}`");
                    self.notes.push(note(Severity::Blocks, "provider", message, help));
                }
            }
        }
    }

    fn unasked(&mut self) {
        for (what, why) in &self.survey.unasked {
            let message = format!("could not ask {what}: {why}");
            let help = "give the signed-in principal the role Reader on the subscription to have this checked";
            self.notes.push(note(Severity::Warning, "not_checked", message, help.to_owned()));
        }
    }
}

fn note(severity: Severity, code: &str, message: String, help: String) -> Note {
    Note { severity, code: format!("preflight::{code}"), address: None, message, help: Some(help) }
}
