//! ARM ids: `/subscriptions/S/resourceGroups/G/providers/NAMESPACE/TYPE/NAME/…`, compared without case.

use std::fmt;

/// The id of an ARM resource, taken apart. Equal when the texts are equal but for case.
#[derive(Debug, Clone)]
pub struct ArmId {
    text: String,
    lower: String,
}

/// What kind of thing an id names, as far as this crate treats it differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// A resource group.
    Group,
    /// An AKS cluster.
    Cluster,
    /// A node pool of an AKS cluster.
    Pool,
    /// Anything else.
    Other,
}

impl ArmId {
    /// The id that this text is.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let text = text.trim_end_matches('/').to_owned();
        let lower = text.to_ascii_lowercase();
        Self { text, lower }
    }

    /// The id of a resource group.
    #[must_use]
    pub fn group(subscription: &str, name: &str) -> Self {
        Self::new(format!("/subscriptions/{subscription}/resourceGroups/{name}"))
    }

    /// The id of an AKS cluster in this group.
    #[must_use]
    pub fn cluster(&self, name: &str) -> Self {
        self.provider("Microsoft.ContainerService/managedClusters", name)
    }

    /// The id of a node pool of this cluster.
    #[must_use]
    pub fn pool(&self, name: &str) -> Self {
        Self::new(format!("{}/agentPools/{name}", self.text))
    }

    /// The id of a resource of a provider's type, such as `Microsoft.Network/dnsZones`, at this scope.
    #[must_use]
    pub fn provider(&self, type_name: &str, name: &str) -> Self {
        Self::new(format!("{}/providers/{type_name}/{name}", self.text))
    }

    /// The id as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The id in lower case: what ids are compared and keyed by.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.lower
    }

    /// The last segment.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or_default()
    }

    fn segment_after(&self, word: &str) -> Option<&str> {
        let mut texts = self.text.split('/');
        let mut lowers = self.lower.split('/');
        loop {
            let (_, lower) = (texts.next()?, lowers.next()?);
            if lower == word {
                return texts.next().filter(|name| !name.is_empty());
            }
        }
    }

    /// The subscription.
    #[must_use]
    pub fn subscription(&self) -> Option<&str> {
        self.segment_after("subscriptions")
    }

    /// The resource group.
    #[must_use]
    pub fn group_name(&self) -> Option<&str> {
        self.segment_after("resourcegroups")
    }

    /// The cluster that this is, or is part of.
    #[must_use]
    pub fn cluster_id(&self) -> Option<Self> {
        let (group, rest) = self.lower.split_once("/providers/microsoft.containerservice/managedclusters/")?;
        let name = rest.split('/').next().filter(|name| !name.is_empty())?;
        let length = group.len() + "/providers/microsoft.containerservice/managedclusters/".len() + name.len();
        self.text.get(..length).map(Self::new)
    }

    /// Whether this is inside `other`, however deep.
    #[must_use]
    pub fn is_inside(&self, other: &Self) -> bool {
        self.lower.strip_prefix(other.lower.as_str()).is_some_and(|rest| rest.starts_with('/'))
    }

    pub(crate) fn family(&self) -> Family {
        let segments: Vec<&str> = self.lower.trim_start_matches('/').split('/').collect();
        match segments.as_slice() {
            ["subscriptions", _, "resourcegroups", _] => Family::Group,
            [
                "subscriptions",
                _,
                "resourcegroups",
                _,
                "providers",
                "microsoft.containerservice",
                "managedclusters",
                _,
                rest @ ..,
            ] => match rest {
                [] => Family::Cluster,
                ["agentpools", _] => Family::Pool,
                _ => Family::Other,
            },
            _ => Family::Other,
        }
    }
}

impl PartialEq for ArmId {
    fn eq(&self, other: &Self) -> bool {
        self.lower == other.lower
    }
}

impl Eq for ArmId {}

impl PartialOrd for ArmId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ArmId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.lower.cmp(&other.lower)
    }
}

impl fmt::Display for ArmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
