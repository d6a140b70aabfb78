//! When two values mean the same although they are written differently.
//!
//! Used only where the server has not said itself what it makes of a value: adoption, lost records, offline checks.

use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kfplan_model::{Path, Segment};
use serde_json::Value as Json;

/// Whether a wanted value and a live one at `path` mean the same.
#[must_use]
pub fn equivalent(path: &Path, wanted: Option<&Json>, live: Option<&Json>) -> bool {
    let is_nothing = |value: Option<&Json>| match value {
        None | Some(Json::Null) => true,
        Some(Json::Object(map)) => map.is_empty(),
        Some(Json::Array(list)) => list.is_empty(),
        Some(_) => false,
    };
    match (wanted, live) {
        _ if is_nothing(wanted) && is_nothing(live) => true,
        (Some(Json::Object(wanted)), Some(Json::Object(live))) => {
            // What the server adds inside is its default, never a difference.
            wanted.iter().all(|(key, value)| equivalent(&path.key(key), Some(value), live.get(key)))
        }
        (Some(Json::Array(wanted)), Some(Json::Array(live))) => {
            wanted.len() == live.len()
                && wanted.iter().zip(live).all(|(wanted, live)| equivalent(path, Some(wanted), Some(live)))
        }
        (Some(wanted), Some(live)) => {
            wanted == live
                || (is_quantity_place(path) && same_quantity(wanted, live))
                || (is_int_or_string_place(path) && same_text(wanted, live))
                || same_number(wanted, live)
        }
        _ => false,
    }
}

fn same_number(a: &Json, b: &Json) -> bool {
    matches!((a.as_f64(), b.as_f64()), (Some(a), Some(b)) if a.total_cmp(&b) == Ordering::Equal)
}

fn same_text(a: &Json, b: &Json) -> bool {
    let text = |value: &Json| match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    };
    text(a).is_some_and(|a| Some(a) == text(b))
}

fn last_keys(path: &Path) -> (&str, &str) {
    let mut keys = path.segments().iter().rev().filter_map(|segment| match segment {
        Segment::Key(key) => Some(&**key),
        Segment::Item(_) | Segment::Element(_) => None,
    });
    let last = keys.next().unwrap_or_default();
    (keys.next().unwrap_or_default(), last)
}

fn is_quantity_place(path: &Path) -> bool {
    let (parent, last) = last_keys(path);
    matches!(
        parent,
        "limits"
            | "requests"
            | "hard"
            | "capacity"
            | "allocatable"
            | "overhead"
            | "podFixed"
            | "max"
            | "min"
            | "default"
            | "defaultRequest"
            | "maxLimitRequestRatio"
    ) || matches!(last, "sizeLimit" | "divisor" | "averageValue" | "targetAverageValue" | "storage")
}

fn is_int_or_string_place(path: &Path) -> bool {
    let (_, last) = last_keys(path);
    matches!(last, "port" | "targetPort" | "maxUnavailable" | "maxSurge" | "minAvailable")
}

fn same_quantity(a: &Json, b: &Json) -> bool {
    let read = |value: &Json| match value {
        Json::String(text) => Quantity::parse(text),
        Json::Number(number) => Quantity::parse(&number.to_string()),
        _ => None,
    };
    matches!((read(a), read(b)), (Some(a), Some(b)) if a == b)
}

/// A Kubernetes quantity: an exact number of 10^-9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(i128);

const NANO: i128 = 1_000_000_000;

impl Quantity {
    /// Reads `1000m`, `1.5Gi`, `2e3`. `None` for what is no quantity, or too big or fine to be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let (negative, digits) = match number.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, number.strip_prefix('+').unwrap_or(number)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let only_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !only_digits(whole) || !only_digits(fraction) || fraction.len() > 18 {
            return None;
        }
        let mantissa: i128 = format!("0{whole}{fraction}").parse().ok()?;
        let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        let (up, down) = factor(suffix)?;
        let value = mantissa.checked_mul(up)?.checked_mul(NANO)?.checked_div(scale.checked_mul(down)?)?;
        Some(Self(if negative { -value } else { value }))
    }

    /// The whole number of units, rounded down.
    #[must_use]
    pub fn units(self) -> i128 {
        self.0.div_euclid(NANO)
    }

    /// The sum; `None` where it is too big.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }
}

fn factor(suffix: &str) -> Option<(i128, i128)> {
    let binary = |power: u32| Some((1024_i128.pow(power), 1));
    match suffix {
        "" => Some((1, 1)),
        "n" => Some((1, 1_000_000_000)),
        "u" => Some((1, 1_000_000)),
        "m" => Some((1, 1_000)),
        "k" => Some((1_000, 1)),
        "M" => Some((1_000_000, 1)),
        "G" => Some((1_000_000_000, 1)),
        "T" => Some((1_000_000_000_000, 1)),
        "P" => Some((1_000_000_000_000_000, 1)),
        "E" => Some((1_000_000_000_000_000_000, 1)),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            let power = 10_i128.checked_pow(exponent.unsigned_abs())?;
            Some(if exponent < 0 { (1, power) } else { (power, 1) })
        }
    }
}

/// The text of a Secret's `stringData` as its `data` holds it.
#[must_use]
pub fn encoded(text: &str) -> String {
    STANDARD.encode(text)
}

/// The text behind a value of a Secret's `data`, where it is text.
#[must_use]
pub fn decoded(data: &Json) -> Option<String> {
    String::from_utf8(STANDARD.decode(data.as_str()?).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn same(path: &str, wanted: Json, live: Json) -> bool {
        equivalent(&path.parse().expect("a path"), Some(&wanted), Some(&live))
    }

    #[test]
    fn quantities_are_equal_however_they_are_written() {
        let cpu = "/spec/containers[name=a]/resources/limits/cpu";
        assert!(same(cpu, json!("1000m"), json!("1")));
        assert!(same(cpu, json!(1), json!("1")));
        assert!(same(cpu, json!("0.5"), json!("500m")));
        assert!(same(cpu, json!("1Gi"), json!("1024Mi")));
        assert!(same(cpu, json!("2e3"), json!("2k")));
        assert!(!same(cpu, json!("1G"), json!("1Gi")));
        assert!(!same(cpu, json!("x"), json!("y")));
        assert!(!same("/data/cpu", json!("1000m"), json!("1")));
    }

    #[test]
    fn ports_may_be_numbers_or_text() {
        assert!(same("/spec/ports[port=80]/targetPort", json!("8080"), json!(8080)));
        assert!(!same("/data/x", json!("8080"), json!(8080)));
    }

    #[test]
    fn nothing_is_nothing_in_every_form() {
        let path = "/spec/x".parse().expect("a path");
        for nothing in [json!(null), json!({}), json!([])] {
            assert!(equivalent(&path, Some(&nothing), None));
            assert!(equivalent(&path, None, Some(&nothing)));
        }
        assert!(!equivalent(&path, Some(&json!(false)), None));
    }

    #[test]
    fn what_the_server_adds_inside_is_no_difference() {
        assert!(same("/spec/fieldRef", json!({"fieldPath": "x"}), json!({"fieldPath": "x", "apiVersion": "v1"})));
        assert!(!same("/spec/fieldRef", json!({"fieldPath": "x"}), json!({"apiVersion": "v1"})));
    }

    #[test]
    fn no_text_makes_a_quantity_panic() {
        for text in
            ["", "-", ".", "1e99999", "999999999999999999999999999999999999999999", "1.0000000000000000000001", "e3"]
        {
            assert_eq!(Quantity::parse(text), None, "{text}");
        }
        assert_eq!(Quantity::parse("-1.5k").map(Quantity::units), Some(-1500));
    }
}
