//! What Azure no longer has and does not list: when sizes were retired, when versions left AKS.

/// GPU series by the beginnings of their sizes' names, with the day they were retired. Source: Azure's retirement
/// notices ("NC-series, NCv2-series, ND-series and NV-series", "NCv3-series", "NVv3-series", "NVv4-series").
const SERIES: [(&str, &[&str], &str); 7] = [
    ("NC", &["standard_nc6", "standard_nc12", "standard_nc24", "standard_nc24r"], "2023-08-31"),
    ("NCv2", &["standard_nc6s_v2", "standard_nc12s_v2", "standard_nc24s_v2", "standard_nc24rs_v2"], "2023-08-31"),
    ("ND", &["standard_nd6s", "standard_nd12s", "standard_nd24s", "standard_nd24rs"], "2023-08-31"),
    ("NV", &["standard_nv6", "standard_nv12", "standard_nv24"], "2023-08-31"),
    ("NCv3", &["standard_nc6s_v3", "standard_nc12s_v3", "standard_nc24s_v3", "standard_nc24rs_v3"], "2025-09-30"),
    ("NVv3", &["standard_nv12s_v3", "standard_nv24s_v3", "standard_nv48s_v3"], "2026-09-30"),
    ("NVv4", &["standard_nv4as_v4", "standard_nv8as_v4", "standard_nv16as_v4", "standard_nv32as_v4"], "2026-09-30"),
];

/// The series of a retired size, and since when.
pub(super) fn size(name: &str) -> Option<(&'static str, &'static str)> {
    let name = name.to_ascii_lowercase();
    SERIES.iter().find(|(_, sizes, _)| sizes.contains(&name.as_str())).map(|(series, _, day)| (*series, *day))
}

/// The month in which AKS ended its support of a minor version. Source: AKS's release calendars.
const VERSIONS: [(u32, &str); 15] = [
    (19, "2021-12"),
    (20, "2022-04"),
    (21, "2022-07"),
    (22, "2022-12"),
    (23, "2023-04"),
    (24, "2023-07"),
    (25, "2023-12"),
    (26, "2024-03"),
    (27, "2024-07"),
    (28, "2025-01"),
    (29, "2025-03"),
    (30, "2025-07"),
    (31, "2025-11"),
    (32, "2026-03"),
    (33, "2026-07"),
];

/// The month since which AKS has a minor version no more.
pub(super) fn version(minor: u32) -> Option<&'static str> {
    VERSIONS.iter().find(|(known, _)| *known == minor).map(|(_, month)| *month)
}

/// Whether the name of a size says that it has NVIDIA or AMD GPUs: for when Azure could not be asked.
pub(super) fn sounds_like_gpu(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["standard_nc", "standard_nd", "standard_nv", "standard_ng"].iter().any(|start| name.starts_with(start))
}
