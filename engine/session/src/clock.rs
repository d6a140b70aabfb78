//! The time and randomness of the real world: the only place that asks for either.

use std::time::{SystemTime, UNIX_EPOCH};

use kfplan_plan::{RunId, StackKey};
use kfplan_store::Birth;

use crate::error::{Failure, SessionError};

/// Milliseconds since the Unix epoch.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// `N` bytes from the system's cryptographic random source.
fn random<const N: usize>() -> Result<[u8; N], SessionError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Failure::new("random", format!("the system gives no random bytes: {error}"), "check /dev/urandom")
    })?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A new lineage and key.
pub(crate) fn birth() -> Result<Birth, SessionError> {
    Ok(Birth { lineage: hex(&random::<8>()?), key: StackKey::from_bytes(random::<32>()?) })
}

/// A name for a run that begins at `at`: its time in UTC and a random part, such as `20261124T102233-9f3a`.
pub(crate) fn run_id(at: u64) -> Result<RunId, SessionError> {
    let (date, time) = utc(at);
    Ok(RunId(format!(
        "{}{:02}{:02}T{:02}{:02}{:02}-{}",
        date.0,
        date.1,
        date.2,
        time.0,
        time.1,
        time.2,
        hex(&random::<2>()?)
    )))
}

/// RFC 3339 in UTC, to the second.
pub(crate) fn rfc3339(at: u64) -> String {
    let (date, time) = utc(at);
    format!("{}-{:02}-{:02}T{:02}:{:02}:{:02}Z", date.0, date.1, date.2, time.0, time.1, time.2)
}

/// Year, month, day and hour, minute, second of the proleptic Gregorian calendar.
fn utc(at: u64) -> ((u64, u64, u64), (u64, u64, u64)) {
    let seconds = at / 1000;
    // Days since 0000-03-01, so that the leap day ends a year; 146,097 days are 400 years.
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    ((era * 400 + year + carry, month, day), (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60))
}

/// Who runs this, as `user@host`.
pub(crate) fn who(variables: &std::collections::BTreeMap<String, String>) -> (String, String) {
    let user =
        variables.get("USER").or_else(|| variables.get("LOGNAME")).cloned().unwrap_or_else(|| "unknown".to_owned());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "unknown".to_owned(), |host| host.trim().to_owned());
    (user, host)
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(super::rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(super::rfc3339(951_782_400_000), "2000-02-29T00:00:00Z");
        assert_eq!(super::rfc3339(1_795_516_953_000), "2026-11-24T10:42:33Z");
    }
}
