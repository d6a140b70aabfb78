//! What a plain scalar means. One table for each dialect.
//!
//! Both come from the YAML 1.1 readers of the Go world, and differ in the words
//! for truth values, in dates, and in how a number becomes a key.

use serde_json::Number;

use super::node::Kind;

/// Which tool's reading of a text is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// As kustomize 3.2 and `kubectl` read: by way of JSON, with the words of
    /// YAML 1.1 (`yes`, `on`, `n`) as truth values. A repeated key overwrites.
    Kustomize3,
    /// As kustomize 5 reads: only `true` and `false` are truth values, a date
    /// becomes a full timestamp. A repeated key is an error.
    Kustomize5,
}

/// What a plain scalar turned out to be.
pub(super) enum Resolved {
    /// A value.
    Value(Kind),
    /// A number that JSON cannot hold.
    NotANumber,
    /// The merge key.
    Merge,
}

/// The meaning of an untagged plain scalar.
pub(super) fn plain(text: &str, dialect: Dialect) -> Resolved {
    let Some(first) = text.bytes().next() else { return Resolved::Value(Kind::Null) };
    match first {
        b'~' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'y' | b'Y' | b'o' | b'O' => {
            if let Some(kind) = word(text, dialect) {
                return Resolved::Value(kind);
            }
        }
        b'.' | b'+' | b'-' | b'0'..=b'9' => return numeric(text, dialect),
        b'<' if text == "<<" => return Resolved::Merge,
        _ => {}
    }
    Resolved::Value(Kind::Text(text.to_owned()))
}

fn word(text: &str, dialect: Dialect) -> Option<Kind> {
    if is_null(text) {
        return Some(Kind::Null);
    }
    bool_of(text, dialect).map(Kind::Bool)
}

/// Whether a scalar means nothing.
pub(super) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// The truth value that a scalar stands for.
pub(super) fn bool_of(text: &str, dialect: Dialect) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => return Some(true),
        "false" | "False" | "FALSE" => return Some(false),
        _ => {}
    }
    match dialect {
        Dialect::Kustomize3 => match text {
            "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
            "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
            _ => None,
        },
        Dialect::Kustomize5 => None,
    }
}

fn numeric(text: &str, dialect: Dialect) -> Resolved {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_nan = matches!(text, ".nan" | ".NaN" | ".NAN");
    if is_nan || matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Resolved::NotANumber;
    }
    if let Some(timestamp) = timestamp(text) {
        return Resolved::Value(Kind::Text(match dialect {
            Dialect::Kustomize3 => text.to_owned(),
            Dialect::Kustomize5 => timestamp,
        }));
    }
    let number = integer(text).or_else(|| float(text));
    Resolved::Value(number.map_or_else(|| Kind::Text(text.to_owned()), Kind::Number))
}

/// A whole number in any of the notations: `12`, `0777`, `0o777`, `0x1F`, `0b11`, `1_000`.
pub(super) fn integer(text: &str) -> Option<Number> {
    let cleaned;
    let plain = if text.contains('_') {
        cleaned = text.replace('_', "");
        cleaned.as_str()
    } else {
        text
    };
    let (is_negative, digits) = match plain.as_bytes().first()? {
        b'-' => (true, plain.get(1..)?),
        b'+' => (false, plain.get(1..)?),
        _ => (false, plain),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, digits.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, digits.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, digits.get(2..)?),
        [b'0', _, ..] => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    let size = u64::from_str_radix(digits, radix).ok()?;
    if is_negative {
        return 0_i64.checked_sub_unsigned(size).map(Number::from);
    }
    match i64::try_from(size) {
        Ok(size) => Some(size.into()),
        // By way of JSON this becomes a float; so it is in what is sent.
        #[expect(clippy::cast_precision_loss, reason = "that is what happens to it")]
        Err(_) => Number::from_f64(size as f64),
    }
}

/// A number with a point or an exponent. One that is whole becomes an integer, as on
/// the way through JSON.
pub(super) fn float(text: &str) -> Option<Number> {
    let cleaned;
    let plain = if text.contains('_') && !text.starts_with('.') {
        cleaned = text.replace('_', "");
        cleaned.as_str()
    } else {
        text
    };
    if !is_float(plain) {
        return None;
    }
    let value: f64 = plain.strip_prefix('+').unwrap_or(plain).parse().ok().filter(|value: &f64| value.is_finite())?;
    Some(number_of(value))
}

/// The JSON number of a float: whole ones that fit are integers.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn number_of(value: f64) -> Number {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if value.fract() == 0.0 && (-LIMIT..LIMIT).contains(&value) {
        return (value as i64).into();
    }
    Number::from_f64(value).unwrap_or_else(|| 0.into())
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let digits = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut rest = text.as_bytes();
    if let [b'+' | b'-', after @ ..] = rest {
        rest = after;
    }
    let whole = digits(rest);
    rest = rest.get(whole..).unwrap_or_default();
    if let [b'.', after @ ..] = rest {
        let fraction = digits(after);
        if whole == 0 && fraction == 0 {
            return false;
        }
        rest = after.get(fraction..).unwrap_or_default();
    } else if whole == 0 {
        return false;
    }
    if let [b'e' | b'E', after @ ..] = rest {
        let after = match after {
            [b'+' | b'-', after @ ..] => after,
            after => after,
        };
        let exponent = digits(after);
        return exponent > 0 && exponent == after.len();
    }
    rest.is_empty()
}

/// A number as a map's key, the way Go writes a float of 32 bits.
pub(super) fn number_key(number: &Number) -> String {
    if number.is_i64() || number.is_u64() {
        return number.to_string();
    }
    #[expect(clippy::cast_possible_truncation, reason = "32 bits are what the tools keep")]
    let value = number.as_f64().unwrap_or_default() as f32;
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..21).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.abs())
        }
        _ => format!("{value}"),
    }
}

/// A date or time of YAML 1.1, written out in full; `None` for anything else.
pub(super) fn timestamp(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let years = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if years != 4 || bytes.get(4) != Some(&b'-') {
        return None;
    }
    let year: u32 = text.get(..4)?.parse().ok()?;
    let (month, rest) = field(text.get(5..)?)?;
    let (day, rest) = field(rest.strip_prefix('-')?)?;
    if !(1..=12).contains(&month) || day == 0 || day > days(year, month) {
        return None;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    if rest.is_empty() {
        return Some(format!("{date}T00:00:00Z"));
    }
    let has_zone = rest.starts_with(['T', 't']);
    let (hour, rest) = field(rest.strip_prefix(['T', 't', ' '])?)?;
    let (minute, rest) = field(rest.strip_prefix(':')?)?;
    let (second, rest) = field(rest.strip_prefix(':')?)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (fraction, rest) = fraction(rest)?;
    let zone = match (has_zone, rest) {
        (false, "") | (true, "Z") => "Z",
        (true, zone) if is_zone(zone) => match zone {
            "+00:00" | "-00:00" => "Z",
            zone => zone,
        },
        _ => return None,
    };
    Some(format!("{date}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}"))
}

/// One or two digits, and what follows.
fn field(text: &str) -> Option<(u32, &str)> {
    let count = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    Some((text.get(..count)?.parse().ok()?, text.get(count..)?))
}

fn fraction(text: &str) -> Option<(String, &str)> {
    let Some(after) = text.strip_prefix('.') else { return Some((String::new(), text)) };
    let count = after.bytes().take_while(u8::is_ascii_digit).count();
    if count == 0 || count > 9 {
        return None;
    }
    let digits = after.get(..count)?.trim_end_matches('0');
    let fraction = if digits.is_empty() { String::new() } else { format!(".{digits}") };
    Some((fraction, after.get(count..)?))
}

fn is_zone(zone: &str) -> bool {
    matches!(zone.as_bytes(), [b'+' | b'-', h1, h2, b':', m1, m2]
        if [h1, h2, m1, m2].iter().all(|digit| digit.is_ascii_digit()))
}

const fn days(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}
