//! Amounts such as `1500m` and `2Gi`, in the one form in which a server keeps them.

use std::cmp::Ordering;

/// A quantity: `mantissa` × 10^`decimal` × 2^`binary`.
struct Amount {
    negative: bool,
    mantissa: u128,
    decimal: i32,
    binary: u32,
    format: Format,
    /// Whether the text is already in the form in which it would be kept.
    kept: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Binary,
    Decimal,
    Exponent,
}

/// The form in which a server keeps the quantity; none where it is none.
pub(crate) fn canonical(text: &str) -> Option<String> {
    let text = text.trim();
    let amount = read(text)?;
    Some(if amount.kept { text.to_owned() } else { write(&amount) })
}

/// Compares two quantities; none where one is none.
pub(crate) fn compare(left: &str, right: &str) -> Option<Ordering> {
    let nanos = |text: &str| -> Option<i128> {
        let amount = read(text.trim())?;
        let (mantissa, decimal) = scaled(&amount)?;
        let value =
            i128::try_from(mantissa.checked_mul(10_u128.checked_pow(u32::try_from(decimal + 9).ok()?)?)?).ok()?;
        Some(if amount.negative { -value } else { value })
    };
    Some(nanos(left)?.cmp(&nanos(right)?))
}

fn read(text: &str) -> Option<Amount> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let split = digits.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(digits.len());
    let (number, suffix) = digits.split_at(split);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let (format, exponent, binary) = interpret(suffix)?;
    let shifted = format!("{}{fraction}", whole.trim_start_matches('0'));
    let mantissa: u128 = if shifted.is_empty() { 0 } else { shifted.parse().ok()? };
    let decimal = exponent - i32::try_from(fraction.len()).ok()?;
    let plain = format!("{}{fraction}", if whole.len() > 1 { whole.trim_start_matches('0') } else { whole });
    let kept = match format {
        Format::Binary => fraction.is_empty() && mantissa & 7 != 0,
        Format::Decimal | Format::Exponent => {
            text == "0" || (decimal % 3 == 0 && !plain.ends_with("000") && !plain.starts_with('0') && decimal >= -9)
        }
    };
    Some(Amount {
        negative,
        mantissa,
        decimal,
        binary,
        format,
        kept: kept && !text.starts_with('+') && !plain.is_empty(),
    })
}

fn interpret(suffix: &str) -> Option<(Format, i32, u32)> {
    Some(match suffix {
        "" => (Format::Decimal, 0, 0),
        "n" => (Format::Decimal, -9, 0),
        "u" => (Format::Decimal, -6, 0),
        "m" => (Format::Decimal, -3, 0),
        "k" => (Format::Decimal, 3, 0),
        "M" => (Format::Decimal, 6, 0),
        "G" => (Format::Decimal, 9, 0),
        "T" => (Format::Decimal, 12, 0),
        "P" => (Format::Decimal, 15, 0),
        "E" => (Format::Decimal, 18, 0),
        "Ki" => (Format::Binary, 0, 10),
        "Mi" => (Format::Binary, 0, 20),
        "Gi" => (Format::Binary, 0, 30),
        "Ti" => (Format::Binary, 0, 40),
        "Pi" => (Format::Binary, 0, 50),
        "Ei" => (Format::Binary, 0, 60),
        _ => {
            let number = suffix.strip_prefix(['e', 'E'])?;
            (Format::Exponent, number.parse().ok().filter(|exponent: &i32| exponent.abs() <= 24)?, 0)
        }
    })
}

/// The amount as a decimal: digits and power of ten, rounded up to nano.
fn scaled(amount: &Amount) -> Option<(u128, i32)> {
    let mut mantissa = amount.mantissa.checked_mul(1_u128.checked_shl(amount.binary)?)?;
    let mut decimal = amount.decimal;
    while decimal < -9 {
        mantissa = mantissa.div_ceil(10);
        decimal += 1;
    }
    Some((mantissa, decimal))
}

fn write(amount: &Amount) -> String {
    let Some((mut mantissa, mut decimal)) = scaled(amount) else { return "0".into() };
    if mantissa == 0 {
        return "0".into();
    }
    let sign = if amount.negative { "-" } else { "" };
    while mantissa.is_multiple_of(10) {
        mantissa /= 10;
        decimal += 1;
    }
    if amount.format == Format::Binary && decimal >= 0 {
        let value = u32::try_from(decimal).ok().and_then(|power| mantissa.checked_mul(10_u128.checked_pow(power)?));
        if let Some(mut value) = value.filter(|value| *value >= 1_024) {
            let suffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
            let mut step = 0;
            while value.is_multiple_of(1_024) && step + 1 < suffixes.len() {
                value /= 1_024;
                step += 1;
            }
            return format!("{sign}{value}{}", suffixes.get(step).copied().unwrap_or_default());
        }
    }
    while decimal.rem_euclid(3) != 0 {
        mantissa *= 10;
        decimal -= 1;
    }
    if amount.format == Format::Exponent {
        return if decimal == 0 { format!("{sign}{mantissa}") } else { format!("{sign}{mantissa}e{decimal}") };
    }
    let suffix = match decimal {
        -9 => "n",
        -6 => "u",
        -3 => "m",
        0 => "",
        3 => "k",
        6 => "M",
        9 => "G",
        12 => "T",
        15 => "P",
        _ => "E",
    };
    format!("{sign}{mantissa}{suffix}")
}
