//! The machine sizes of the simulated regions: cores, GPUs, disks, and when they were retired.

use serde_json::{Value, json};

use super::regions::REGIONS;

/// One virtual machine size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// The name in Azure's spelling.
    pub(crate) name: &'static str,
    /// The family that quota is counted by.
    pub(crate) family: &'static str,
    /// Cores.
    pub(crate) cores: u32,
    /// Memory in GiB.
    pub(crate) memory: u32,
    /// Whole GPUs.
    pub(crate) gpus: u32,
    /// The OS disk that AKS gives when none is asked for, in GB.
    disk: u32,
    /// Whether that disk is ephemeral.
    ephemeral: bool,
    /// The first month without this size; empty while it is offered.
    retired: &'static str,
}

const DSV2: &str = "standardDSv2Family";
const DSV3: &str = "standardDSv3Family";
const DSV4: &str = "standardDSv4Family";
const DSV5: &str = "standardDSv5Family";
const DDSV5: &str = "standardDDSv5Family";
const DASV5: &str = "standardDASv5Family";
const ESV5: &str = "standardESv5Family";
const FSV2: &str = "standardFSv2Family";
const BS: &str = "standardBSFamily";
const NC: &str = "standardNCFamily";
const NCV2: &str = "standardNCSv2Family";
const NCV3: &str = "standardNCSv3Family";
const NVV3: &str = "standardNVSv3Family";
const T4: &str = "Standard NCASv3_T4 Family";
const A100: &str = "StandardNCADSA100v4Family";
const H100: &str = "StandardNCadsH100v5Family";
const ND: &str = "standardNDASv4_A100Family";

const fn plain(name: &'static str, family: &'static str, cores: u32, memory: u32) -> Size {
    Size { name, family, cores, memory, gpus: 0, disk: 128, ephemeral: false, retired: "" }
}

const fn gpu(name: &'static str, family: &'static str, [cores, memory, gpus]: [u32; 3]) -> Size {
    Size { name, family, cores, memory, gpus, disk: 128, ephemeral: false, retired: "" }
}

impl Size {
    const fn ephemeral(self, disk: u32) -> Size {
        Size { disk, ephemeral: true, ..self }
    }

    const fn retired(self, retired: &'static str) -> Size {
        Size { retired, ..self }
    }

    /// The OS disk of a node: size in GB, and kind.
    pub(crate) fn os_disk(&self) -> (u32, &'static str) {
        (self.disk, if self.ephemeral { "Ephemeral" } else { "Managed" })
    }

    /// Whether the size can be had in `month`.
    pub(crate) fn is_offered(&self, month: &str) -> bool {
        self.retired.is_empty() || self.retired > month
    }

    /// Whether the size can be had in a region: the small ones have no GPUs.
    pub(crate) fn is_allowed(&self, region: &str) -> bool {
        self.gpus == 0 || !REGIONS.iter().any(|known| known.name == region && !known.gpus)
    }
}

/// Disks and retirements that recordings or notices name are theirs; 128 GB managed is AKS's rule for small sizes.
const SIZES: [Size; 45] = [
    plain("Standard_B2s", BS, 2, 4),
    plain("Standard_B2ms", BS, 2, 8),
    plain("Standard_B4ms", BS, 4, 16),
    plain("Standard_DS2_v2", DSV2, 2, 7),
    plain("Standard_DS3_v2", DSV2, 4, 14),
    plain("Standard_DS4_v2", DSV2, 8, 28),
    plain("Standard_D2s_v3", DSV3, 2, 8),
    plain("Standard_D4s_v3", DSV3, 4, 16),
    plain("Standard_D8s_v3", DSV3, 8, 32).ephemeral(200),
    plain("Standard_D16s_v3", DSV3, 16, 64).ephemeral(400),
    plain("Standard_D2s_v4", DSV4, 2, 8),
    plain("Standard_D4s_v4", DSV4, 4, 16),
    plain("Standard_D2s_v5", DSV5, 2, 8),
    plain("Standard_D4s_v5", DSV5, 4, 16),
    plain("Standard_D8s_v5", DSV5, 8, 32),
    plain("Standard_D16s_v5", DSV5, 16, 64),
    plain("Standard_D4ds_v5", DDSV5, 4, 16).ephemeral(150),
    plain("Standard_D8ds_v5", DDSV5, 8, 32).ephemeral(300),
    plain("Standard_D4as_v5", DASV5, 4, 16),
    plain("Standard_D8as_v5", DASV5, 8, 32),
    plain("Standard_E4s_v5", ESV5, 4, 32),
    plain("Standard_E8s_v5", ESV5, 8, 64),
    plain("Standard_F4s_v2", FSV2, 4, 8),
    plain("Standard_F8s_v2", FSV2, 8, 16),
    gpu("Standard_NC6", NC, [6, 56, 1]).retired("2023-09"),
    gpu("Standard_NC12", NC, [12, 112, 2]).retired("2023-09"),
    gpu("Standard_NC24", NC, [24, 224, 4]).retired("2023-09"),
    gpu("Standard_NC6s_v2", NCV2, [6, 112, 1]).retired("2023-09"),
    gpu("Standard_NC12s_v2", NCV2, [12, 224, 2]).retired("2023-09"),
    gpu("Standard_NC24s_v2", NCV2, [24, 448, 4]).retired("2023-09"),
    gpu("Standard_NC6s_v3", NCV3, [6, 112, 1]).ephemeral(320).retired("2025-10"),
    gpu("Standard_NC12s_v3", NCV3, [12, 224, 2]).ephemeral(640).retired("2025-10"),
    gpu("Standard_NC24s_v3", NCV3, [24, 448, 4]).ephemeral(1280).retired("2025-10"),
    gpu("Standard_NV12s_v3", NVV3, [12, 112, 1]).retired("2026-10"),
    gpu("Standard_NC4as_T4_v3", T4, [4, 28, 1]),
    gpu("Standard_NC8as_T4_v3", T4, [8, 56, 1]),
    gpu("Standard_NC16as_T4_v3", T4, [16, 110, 1]),
    gpu("Standard_NC64as_T4_v3", T4, [64, 440, 4]),
    gpu("Standard_NC24ads_A100_v4", A100, [24, 220, 1]).ephemeral(256),
    gpu("Standard_NC48ads_A100_v4", A100, [48, 440, 2]).ephemeral(512),
    gpu("Standard_NC96ads_A100_v4", A100, [96, 880, 4]).ephemeral(1024),
    gpu("Standard_NC40ads_H100_v5", H100, [40, 320, 1]).ephemeral(1024),
    gpu("Standard_NC80adis_H100_v5", H100, [80, 640, 2]).ephemeral(1024),
    gpu("Standard_ND96asr_v4", ND, [96, 900, 8]).ephemeral(1024),
    plain("Standard_D4pds_v5", "standardDPDSv5Family", 4, 16),
];

/// Finds a size by name, without case.
pub(crate) fn size(name: &str) -> Option<&'static Size> {
    SIZES.iter().find(|size| size.name.eq_ignore_ascii_case(name))
}

/// The cores that a subscription may use of a family in a region, unless it was given more.
pub(crate) fn default_quota(family: &str) -> u32 {
    match family {
        T4 => 64,
        NCV3 | NC | NVV3 => 24,
        NCV2 | A100 | H100 | ND => 0,
        _ => 350,
    }
}

/// The families of all sizes, in order.
pub(crate) fn families() -> Vec<&'static str> {
    let mut families: Vec<_> = SIZES.iter().map(|size| size.family).collect();
    families.sort_unstable();
    families.dedup();
    families
}

/// The names of the sizes that a region has in `month`.
pub(crate) fn offered(region: &str, month: &str) -> Vec<String> {
    let here = SIZES.iter().filter(|size| size.is_offered(month) && size.is_allowed(region));
    here.map(|size| size.name.to_ascii_lowercase()).collect()
}

/// The body of `Microsoft.Compute/skus`, for one region or all.
pub(crate) fn skus(only: Option<&str>, month: &str) -> Value {
    let regions = REGIONS.iter().map(|region| region.name).filter(|name| only.is_none_or(|only| only == *name));
    let all = regions.flat_map(|region| {
        let offered = SIZES.iter().filter(|size| size.is_offered(month));
        offered.map(move |size| sku(size, region))
    });
    json!({ "value": all.collect::<Vec<_>>() })
}

fn sku(size: &Size, region: &str) -> Value {
    let mut capabilities = vec![
        json!({"name": "vCPUs", "value": size.cores.to_string()}),
        json!({"name": "MemoryGB", "value": size.memory.to_string()}),
        json!({"name": "vCPUsAvailable", "value": size.cores.to_string()}),
        json!({"name": "PremiumIO", "value": "True"}),
        json!({"name": "CpuArchitectureType", "value": if size.family == "standardDPDSv5Family" { "Arm64" } else { "x64" }}),
        json!({"name": "EphemeralOSDiskSupported", "value": if size.ephemeral { "True" } else { "False" }}),
    ];
    if size.gpus > 0 {
        capabilities.push(json!({"name": "GPUs", "value": size.gpus.to_string()}));
    }
    let denied = json!([{
        "type": "Location", "values": [region], "restrictionInfo": {"locations": [region]},
        "reasonCode": "NotAvailableForSubscription",
    }]);
    json!({
        "resourceType": "virtualMachines", "name": size.name, "tier": "Standard",
        "size": size.name.trim_start_matches("Standard_"), "family": size.family, "locations": [region],
        "locationInfo": [{"location": region, "zones": ["1", "2", "3"], "zoneDetails": []}],
        "capabilities": capabilities,
        "restrictions": if size.is_allowed(region) { json!([]) } else { denied },
    })
}
