//! The shapes that several Azure types share, and the rules for names that Azure publishes.

use kfplan_plan::{Field, Shape};

use crate::properties::{Property, of_field};

/// An optional field whose effect comes from the property table.
pub(crate) fn field(table: &'static [Property], path: &'static str, shape: Shape, summary: &'static str) -> Field {
    let name = path.rsplit('.').next().unwrap_or(path);
    let field = Field::optional(name, shape, summary);
    match of_field(table, path) {
        Some(property) => field.changing(property.on_change),
        None => field,
    }
}

pub(crate) const fn int(min: i64, max: i64) -> Shape {
    Shape::Int { min: Some(min), max: Some(max) }
}

pub(crate) fn texts() -> Shape {
    Shape::List(Box::new(Shape::String))
}

pub(crate) fn tags() -> Shape {
    Shape::Map(Box::new(Shape::String))
}

fn within(text: &str, length: std::ops::RangeInclusive<usize>, plain: impl Fn(char) -> bool) -> bool {
    length.contains(&text.chars().count()) && text.chars().all(plain)
}

fn is_group_name(text: &str) -> bool {
    within(text, 1..=90, |c| c.is_alphanumeric() || "-_.()".contains(c)) && !text.ends_with('.')
}

fn is_cluster_name(text: &str) -> bool {
    within(text, 1..=63, |c| c.is_ascii_alphanumeric() || "-_".contains(c))
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

pub(crate) fn is_pool_name(text: &str) -> bool {
    within(text, 1..=12, |c| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
}

fn is_dns_prefix(text: &str) -> bool {
    within(text, 1..=54, |c| c.is_ascii_alphanumeric() || c == '-')
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    (2..=3).contains(&parts.len()) && parts.iter().all(|part| within(part, 1..=4, |c| c.is_ascii_digit()))
}

pub(crate) fn taint_parts(text: &str) -> Option<(&str, &str, &str)> {
    let (rest, effect) = text.rsplit_once(':')?;
    let (key, value) = rest.split_once('=').unwrap_or((rest, ""));
    (!key.is_empty() && matches!(effect, "NoSchedule" | "PreferNoSchedule" | "NoExecute"))
        .then_some((key, value, effect))
}

fn is_taint(text: &str) -> bool {
    taint_parts(text).is_some()
}

pub(crate) fn group_name() -> Shape {
    Shape::Checked {
        pattern: r"^[-\w.()]{0,89}[-\w()]$",
        rule: "1 to 90 letters, digits, `-`, `_`, `.`, `(`, `)`, not ending in `.`",
        check: is_group_name,
    }
}

pub(crate) fn cluster_name() -> Shape {
    Shape::Checked {
        pattern: "^[a-zA-Z0-9]([-_a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$",
        rule: "1 to 63 letters, digits, `-` and `_`, beginning and ending with a letter or digit",
        check: is_cluster_name,
    }
}

pub(crate) fn pool_name() -> Shape {
    Shape::Checked {
        pattern: "^[a-z][a-z0-9]{0,11}$",
        rule: "1 to 12 lower-case letters and digits, beginning with a letter",
        check: is_pool_name,
    }
}

pub(crate) fn dns_prefix() -> Shape {
    Shape::Checked {
        pattern: "^[a-zA-Z0-9]([-a-zA-Z0-9]{0,52}[a-zA-Z0-9])?$",
        rule: "1 to 54 letters, digits and `-`, beginning and ending with a letter or digit",
        check: is_dns_prefix,
    }
}

pub(crate) fn version() -> Shape {
    Shape::Checked {
        pattern: r"^[0-9]{1,4}\.[0-9]{1,4}(\.[0-9]{1,4})?$",
        rule: "a version in quotes, such as \"1.34\" or \"1.34.4\"",
        check: is_version,
    }
}

pub(crate) fn taint() -> Shape {
    Shape::Checked {
        pattern: "^[^=:]+(=[^:]*)?:(NoSchedule|PreferNoSchedule|NoExecute)$",
        rule: "KEY=VALUE:EFFECT, where EFFECT is NoSchedule, PreferNoSchedule or NoExecute",
        check: is_taint,
    }
}

pub(crate) fn cidr() -> Shape {
    Shape::Checked {
        pattern: "^[0-9a-fA-F.:]+/[0-9]{1,3}$",
        rule: "an address range such as 10.0.0.0/16",
        check: |text| network(text).is_some(),
    }
}

pub(crate) fn address_or_range() -> Shape {
    Shape::Checked {
        pattern: "^[0-9a-fA-F.:]+(/[0-9]{1,3})?$",
        rule: "an address such as 203.0.113.7, or a range such as 203.0.113.0/24",
        check: |text| network(text).is_some() || text.parse::<std::net::IpAddr>().is_ok(),
    }
}

/// The first address of a range and the number of its fixed bits.
pub(crate) fn network(text: &str) -> Option<(std::net::IpAddr, u8)> {
    let (address, bits) = text.split_once('/')?;
    let address: std::net::IpAddr = address.parse().ok()?;
    let bits: u8 = bits.parse().ok()?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    (bits <= longest).then_some((address, bits))
}

/// Whether two ranges share an address.
pub(crate) fn overlap(one: &str, other: &str) -> bool {
    let (Some((a, a_bits)), Some((b, b_bits))) = (network(one), network(other)) else { return false };
    let bits = u32::from(a_bits.min(b_bits));
    match (a, b) {
        (std::net::IpAddr::V4(a), std::net::IpAddr::V4(b)) => {
            bits == 0 || (a.to_bits() ^ b.to_bits()).checked_shr(32 - bits).unwrap_or(0) == 0
        }
        (std::net::IpAddr::V6(a), std::net::IpAddr::V6(b)) => {
            bits == 0 || (a.to_bits() ^ b.to_bits()).checked_shr(128 - bits).unwrap_or(0) == 0
        }
        _ => false,
    }
}
