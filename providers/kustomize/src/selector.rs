//! Label selectors: `app=web,tier!=db,env in (prod,test),!canary`.

use std::collections::BTreeMap;

/// What a label must be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
    Greater(String, i64),
    Less(String, i64),
}

/// A selector that has been read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Labels(Vec<Requirement>);

impl Labels {
    /// Reads a selector; the empty one picks everything.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let parts = split(text);
        parts.iter().filter(|part| !part.is_empty()).map(|part| requirement(part)).collect::<Result<_, _>>().map(Self)
    }

    /// Whether it picks an object with these labels.
    pub(crate) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let number = |key: &str| labels.get(key).and_then(|value| value.parse::<i64>().ok());
        self.0.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => labels.get(key).is_some_and(|value| values.contains(value)),
            Requirement::NotIn(key, values) => labels.get(key).is_none_or(|value| !values.contains(value)),
            Requirement::Exists(key) => labels.contains_key(key),
            Requirement::Missing(key) => !labels.contains_key(key),
            Requirement::Greater(key, limit) => number(key).is_some_and(|value| value > *limit),
            Requirement::Less(key, limit) => number(key).is_some_and(|value| value < *limit),
        })
    }
}

/// Splits at the commas outside parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    for (place, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(text.get(start..place).unwrap_or_default().trim());
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default().trim());
    parts
}

fn requirement(text: &str) -> Result<Requirement, String> {
    let wrong = || format!("`{text}` is no requirement on a label");
    let key = |key: &str| {
        let key = key.trim();
        let is_key = !key.is_empty() && !key.contains(|c: char| c.is_whitespace() || "=!<>(),".contains(c));
        is_key.then(|| key.to_owned()).ok_or_else(wrong)
    };
    let values = |list: &str| {
        let list = list.trim().strip_prefix('(').and_then(|list| list.strip_suffix(')')).ok_or_else(wrong)?;
        Ok::<_, String>(list.split(',').map(|value| value.trim().to_owned()).collect())
    };
    if let Some(name) = text.strip_prefix('!') {
        return Ok(Requirement::Missing(key(name)?));
    }
    if let Some((name, value)) = text.split_once("!=") {
        return Ok(Requirement::NotIn(key(name)?, vec![value.trim().to_owned()]));
    }
    if let Some((name, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Ok(Requirement::In(key(name)?, vec![value.trim().to_owned()]));
    }
    if let Some((name, value)) = text.split_once('>') {
        return Ok(Requirement::Greater(key(name)?, value.trim().parse().map_err(|_| wrong())?));
    }
    if let Some((name, value)) = text.split_once('<') {
        return Ok(Requirement::Less(key(name)?, value.trim().parse().map_err(|_| wrong())?));
    }
    if let Some((name, list)) = text.split_once(" notin ").or_else(|| text.split_once(" notin(")) {
        let list = if list.trim_start().starts_with('(') { list.to_owned() } else { format!("({list}") };
        return Ok(Requirement::NotIn(key(name)?, values(&list)?));
    }
    if let Some((name, list)) = text.split_once(" in ").or_else(|| text.split_once(" in(")) {
        let list = if list.trim_start().starts_with('(') { list.to_owned() } else { format!("({list}") };
        return Ok(Requirement::In(key(name)?, values(&list)?));
    }
    Ok(Requirement::Exists(key(text)?))
}
