//! The formats of texts that the server checks.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;

/// A format by its plain name, empty where the server does not look at it.
pub(super) fn known(format: &str) -> &'static str {
    match format.replace('-', "").as_str() {
        "datetime" => "date-time",
        "date" => "date",
        "ipv4" => "ipv4",
        "ipv6" => "ipv6",
        "cidr" => "cidr",
        "uuid" => "uuid",
        "byte" => "byte",
        "mac" => "mac",
        "hostname" => "hostname",
        "email" => "email",
        "uri" => "uri",
        "password" => "password",
        _ => "",
    }
}

/// Whether a text keeps to a format that is known.
pub(super) fn keeps(format: &str, text: &str) -> bool {
    let matches = |pattern: &str| Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text));
    match format {
        "date-time" => matches(
            r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):?[0-5]\d)$",
        ),
        "date" => matches(r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"),
        "ipv4" => text.parse::<IpAddr>().is_ok_and(|address| address.is_ipv4()),
        "ipv6" => text.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6()),
        "cidr" => text.split_once('/').is_some_and(|(address, length)| {
            let most = match address.parse::<IpAddr>() {
                Ok(address) if address.is_ipv4() => 32,
                Ok(_) => 128,
                Err(_) => return false,
            };
            length.parse::<u8>().is_ok_and(|length| length <= most)
        }),
        "uuid" => matches(r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$"),
        "byte" => STANDARD.decode(text).is_ok(),
        "mac" => matches(r"(?i)^[0-9a-f]{2}([:-][0-9a-f]{2}){5}([:-][0-9a-f]{2}){0,2}$"),
        "hostname" => {
            text.len() <= 255
                && matches(r"(?i)^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\.?$")
        }
        "email" => matches(r"^[^@\s]+@[^@\s]+$"),
        "uri" => matches(r"^(/|[A-Za-z][A-Za-z0-9+.-]*:)\S*$"),
        _ => true,
    }
}
