//! The regions of the simulated cloud.

use serde_json::{Value, json};

/// One region.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Region {
    /// `westus2`.
    pub(crate) name: &'static str,
    /// `West US 2`.
    pub(crate) display: &'static str,
    /// Whether it has machines with GPUs.
    pub(crate) gpus: bool,
}

const fn region(name: &'static str, display: &'static str) -> Region {
    Region { name, display, gpus: true }
}

/// The regions. Some are small, so that "not here" can be met.
pub(crate) const REGIONS: [Region; 21] = [
    region("eastus", "East US"),
    region("eastus2", "East US 2"),
    region("centralus", "Central US"),
    region("northcentralus", "North Central US"),
    region("southcentralus", "South Central US"),
    region("westus", "West US"),
    region("westus2", "West US 2"),
    region("westus3", "West US 3"),
    Region { name: "westcentralus", display: "West Central US", gpus: false },
    region("canadacentral", "Canada Central"),
    region("northeurope", "North Europe"),
    region("westeurope", "West Europe"),
    region("uksouth", "UK South"),
    region("francecentral", "France Central"),
    region("germanywestcentral", "Germany West Central"),
    region("swedencentral", "Sweden Central"),
    Region { name: "switzerlandwest", display: "Switzerland West", gpus: false },
    region("japaneast", "Japan East"),
    region("southeastasia", "Southeast Asia"),
    region("australiaeast", "Australia East"),
    region("brazilsouth", "Brazil South"),
];

/// The name that Azure stores for `West US 2` or `westus2`; nothing when there is no such region.
pub(crate) fn canonical(text: &str) -> Option<&'static str> {
    let name: String = text.chars().filter(|letter| *letter != ' ').collect::<String>().to_ascii_lowercase();
    REGIONS.iter().find(|region| region.name == name).map(|region| region.name)
}

/// The names of all regions, as ARM lists them in errors.
pub(crate) fn names() -> String {
    REGIONS.map(|region| region.name).join(",")
}

/// The body of `locations`.
pub(crate) fn list(subscription: &str) -> Value {
    let all = REGIONS.map(|region| {
        json!({
            "id": format!("/subscriptions/{subscription}/locations/{}", region.name),
            "name": region.name, "type": "Region", "displayName": region.display,
            "regionalDisplayName": region.display,
            "metadata": {"regionType": "Physical", "regionCategory": "Recommended"},
        })
    });
    json!({ "value": all })
}
