//! The name that was probably meant.

/// The one of `known` that is nearest to `name`, if one is near.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let name = name.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (score(&name, &candidate.to_lowercase()), candidate))
        .filter(|(score, _)| *score >= 0.75)
        // Of two that are equally near, the first by name.
        .max_by(|(left, left_name), (right, right_name)| left.total_cmp(right).then_with(|| right_name.cmp(left_name)))
        .map(|(_, candidate)| candidate.to_owned())
}

fn score(name: &str, candidate: &str) -> f64 {
    let similar =
        strsim::normalized_damerau_levenshtein(name, candidate).max(strsim::jaro_winkler(name, candidate) - 0.1);
    let flat = |text: &str| text.replace(['-', '_', '.'], "");
    if flat(name) == flat(candidate) { 1.0 } else { similar }
}

/// The names as a list in prose, each in backticks.
pub(crate) fn listed<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    names.into_iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}

/// `did you mean …?`, or what there is.
pub(crate) fn advice(nearest: Option<&str>, known: &[String], none: &str) -> String {
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None if known.is_empty() => none.to_owned(),
        None => format!("known are {}", listed(known.iter().take(24))),
    }
}
