//! Writes the world's time, milliseconds since 1970, in the forms that Azure uses.

/// Milliseconds in a second.
pub(crate) const SECOND: u64 = 1_000;
/// Milliseconds in a minute.
pub(crate) const MINUTE: u64 = 60 * SECOND;
/// Milliseconds in a day.
pub(crate) const DAY: u64 = 24 * 60 * MINUTE;

/// Ticks (100 ns) between year 1 and 1970.
const TICKS_TO_1970: u64 = 621_355_968_000_000_000;

/// Year, month, day, hour, minute, second.
fn civil(ms: u64) -> (u64, u64, u64, u64, u64, u64) {
    let seconds = ms / SECOND;
    // Days are counted in eras of 400 years that begin on 1 March, so that a leap day is the last of its year.
    let shifted = seconds / 86_400 + 719_468;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + shifted / 146_097 * 400 + u64::from(month <= 2);
    let clock = seconds % 86_400;
    (year, month, day, clock / 3_600, clock / 60 % 60, clock % 60)
}

/// `2025-03-21T23:59:18.3550000Z`, with `extra` ticks below the millisecond.
pub(crate) fn stamp(ms: u64, extra: u64) -> String {
    let (year, month, day, hour, minute, second) = civil(ms);
    let ticks = ms % SECOND * 10_000 + extra % 10_000;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ticks:07}Z")
}

/// `2025-03-21T23:59:18Z`.
pub(crate) fn short(ms: u64) -> String {
    let (year, month, day, hour, minute, second) = civil(ms);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// `2025-03`, the grain at which versions and sizes come and go.
pub(crate) fn month(ms: u64) -> String {
    let (year, month, ..) = civil(ms);
    format!("{year:04}-{month:02}")
}

/// `202503.02`: year, month and week of the month, as node images are named.
pub(crate) fn week(ms: u64) -> String {
    let (year, month, day, ..) = civil(ms);
    format!("{year:04}{month:02}.{:02}", day.div_ceil(7))
}

/// `Fri, 21 Mar 2025 23:59:18 GMT`.
pub(crate) fn http_date(ms: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day, hour, minute, second) = civil(ms);
    let weekday = DAYS.iter().cycle().nth((ms / DAY % 7) as usize).copied().unwrap_or("Thu");
    let month = MONTHS.iter().cycle().nth((month as usize).saturating_sub(1)).copied().unwrap_or("Jan");
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Ticks since year 1, as signed operation URLs carry them.
pub(crate) fn ticks(ms: u64, extra: u64) -> u64 {
    TICKS_TO_1970 + ms * 10_000 + extra % 10_000
}
