//! Names as a person gives them on the command line.

use kfplan_model::{Address, ObjectId, ResourceAddress};

/// A whole address, or a short form of one.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    /// Names one thing, or all that a resource is, or all instances of a resource.
    Whole(Address),
    /// Names whatever ends like it: `istiod`, `Deployment/istiod`, `istio-system/Deployment.apps/istiod`.
    Short(Vec<String>),
}

impl Pattern {
    /// Reads a name.
    pub(crate) fn read(text: &str) -> Self {
        match text.parse() {
            Ok(address) => Self::Whole(address),
            Err(_) => Self::Short(text.rsplit('/').map(str::to_owned).collect()),
        }
    }

    /// Whether it names this.
    pub(crate) fn names(&self, address: &Address) -> bool {
        match self {
            Self::Whole(whole) if whole.object_id().is_none() => {
                let (wanted, resource) = (whole.resource(), address.resource());
                wanted == resource || (wanted.key().is_none() && same_name(wanted, resource))
            }
            Self::Whole(whole) => whole == address,
            Self::Short(parts) => short(parts, address),
        }
    }
}

/// Whether any of the names names this, each being whole or a short form.
pub(crate) fn any_names<'t>(mut names: impl Iterator<Item = &'t String>, address: &Address) -> bool {
    names.any(|name| Pattern::read(name).names(address))
}

fn same_name(one: &ResourceAddress, other: &ResourceAddress) -> bool {
    one.type_name() == other.type_name() && one.name() == other.name()
}

/// Compares from the end: name, kind, namespace, resource.
fn short(parts: &[String], address: &Address) -> bool {
    let Some(object) = address.object_id() else {
        return matches!(parts, [name] if name == address.resource().name());
    };
    let ObjectId { namespace, kind, group, name } = object;
    let mut parts = parts.iter().map(String::as_str);
    let is_kind = |part: &str| {
        part == &**kind || part.strip_prefix(&**kind).and_then(|rest| rest.strip_prefix('.')) == Some(&**group)
    };
    parts.next() == Some(&**name)
        && parts.next().is_none_or(is_kind)
        && parts.next().is_none_or(|part| part == namespace.as_deref().unwrap_or("-"))
        && parts.next().is_none_or(|part| part == address.resource().name())
        && parts.next().is_none()
}
