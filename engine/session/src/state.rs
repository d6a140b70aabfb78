//! What is recorded: looked at without a lock, changed under one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use kfplan_model::Address;
use kfplan_plan::{Event, RecordState, RunId};
use kfplan_store::{Edit, Holder, Opening, Run, Snapshot, Store};
use serde_json::{Value as Json, json};

use crate::clock;
use crate::error::{Failure, SessionError};
use crate::options::Options;
use crate::place::Place;
use crate::stack::environment_name;

/// The state of the selected environment, without a lock.
pub(crate) fn snapshot(options: &Options) -> Result<Option<Snapshot>, SessionError> {
    let place = Place::of(options);
    Ok(Snapshot::read(&place.state(&environment_name(options)))?)
}

fn existing(options: &Options) -> Result<Snapshot, SessionError> {
    snapshot(options)?.ok_or_else(|| {
        Failure::new(
            "state::none",
            format!("nothing is recorded for environment `{}` here", environment_name(options)),
            "run `kfplan apply` first, or check `-C`, `--env` and `--sandbox`",
        )
        .into()
    })
}

/// Opens the state for writing.
pub(crate) fn open(options: &Options, command: &str) -> Result<Store, SessionError> {
    let place = Place::of(options);
    place.make_own()?;
    let newborn = clock::birth()?;
    let birth = || newborn.clone();
    let (user, host) = clock::who(&options.variables);
    let holder =
        Holder { pid: std::process::id(), host, user, command: format!("kfplan {command}"), since: clock::now() };
    Ok(Opening::new(&place.state(&environment_name(options)), holder, &birth).wait(options.lock_timeout).open()?)
}

fn edit(options: &Options) -> Result<Edit, SessionError> {
    let at = clock::now();
    let (user, host) = clock::who(&options.variables);
    Ok(Edit { run: clock::run_id(at)?, who: format!("{user}@{host}"), at })
}

fn address(text: &str) -> Result<Address, SessionError> {
    text.parse().map_err(|error: kfplan_model::ModelError| {
        Failure::new("address", error.to_string(), "`kfplan state list` prints addresses as they are written").into()
    })
}

/// What `show` prints without a plan file: every resource, how many objects it has, and what is in doubt.
///
/// # Errors
///
/// When there is no state, or it cannot be read.
pub fn overview(options: &Options, as_json: bool) -> Result<String, SessionError> {
    let state = existing(options)?;
    let mut resources: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (address, record) in state.records() {
        let entry = resources.entry(address.resource().to_string()).or_default();
        entry.0 += 1;
        entry.1 += usize::from(record.state != RecordState::Settled);
    }
    if as_json {
        let resources: Vec<Json> = resources.iter().map(|(resource, (things, in_doubt))| json!({"resource": resource, "recorded": things, "in_doubt": in_doubt})).collect();
        return Ok(format!(
            "{:#}\n",
            json!({"format": 1, "lineage": state.lineage(), "serial": state.serial(), "resources": resources, "outputs": state.outputs()})
        ));
    }
    let mut out =
        format!("State {} (serial {}) of environment {}\n", state.lineage(), state.serial(), environment_name(options));
    for (resource, (things, in_doubt)) in &resources {
        let doubt =
            if *in_doubt == 0 { String::new() } else { format!(", {in_doubt} in doubt: the next apply settles them") };
        let _ = writeln!(out, "  {resource}  {things} recorded{doubt}");
    }
    for (name, value) in state.outputs() {
        let _ = writeln!(out, "  output {name} = {value}");
    }
    Ok(out)
}

/// The recorded addresses, a line each.
///
/// # Errors
///
/// When there is no state, or it cannot be read.
pub fn list(options: &Options, prefix: Option<&str>) -> Result<String, SessionError> {
    let state = existing(options)?;
    let lines = state
        .records()
        .keys()
        .map(ToString::to_string)
        .filter(|address| prefix.is_none_or(|prefix| address.starts_with(prefix)));
    Ok(lines.fold(String::new(), |text, line| text + &line + "\n"))
}

/// One record as JSON, with what was sent last.
///
/// # Errors
///
/// When there is no such record.
pub fn show(options: &Options, text: &str) -> Result<String, SessionError> {
    let state = existing(options)?;
    let address = address(text)?;
    let recorded = state.recorded(&address)?.ok_or(kfplan_store::StoreError::NoRecord(Box::new(address)))?;
    Ok(format!("{:#}\n", json!({"record": recorded.record, "sent": recorded.sent})))
}

/// Records something under another address.
///
/// # Errors
///
/// When nothing is at the old address or something at the new one, or the state is locked.
pub fn mv(options: &Options, from: &str, to: &str) -> Result<String, SessionError> {
    let (from, to) = (address(from)?, address(to)?);
    let mut store = open(options, "state mv")?;
    let moved = store.mv(&from, &to, &edit(options)?)?;
    store.close()?;
    Ok(format!("moved {moved} records from {from} to {to}; change the stack file to match, or add `[[moved]]`"))
}

/// Forgets records.
///
/// # Errors
///
/// When nothing is there, or the state is locked.
pub fn rm(options: &Options, addresses: &[String]) -> Result<String, SessionError> {
    let addresses = addresses.iter().map(|text| address(text)).collect::<Result<Vec<_>, _>>()?;
    let mut store = open(options, "state rm")?;
    let mut count = 0;
    for address in &addresses {
        count += store.rm(address, &edit(options)?)?;
    }
    store.close()?;
    Ok(format!("forgot {count} records; what they are about is left alone"))
}

/// The whole state as lines of JSON.
///
/// # Errors
///
/// When there is no state, or it cannot be read.
pub fn export(options: &Options) -> Result<String, SessionError> {
    Ok(existing(options)?.export()?)
}

/// Reads an export into an empty state.
///
/// # Errors
///
/// When it is no export, or something is recorded already.
pub fn import(options: &Options, file: &Path) -> Result<String, SessionError> {
    let text = Place::of(options).read(file)?;
    let mut store = open(options, "state import")?;
    let count = store.import(&text, false)?;
    store.close()?;
    Ok(format!("imported {count} records"))
}

/// The stack's outputs as of the last apply.
///
/// # Errors
///
/// When there is no state, or it cannot be read.
pub fn outputs(options: &Options) -> Result<BTreeMap<String, Json>, SessionError> {
    Ok(existing(options)?.outputs().clone())
}

/// The past runs, a line each, newest last.
///
/// # Errors
///
/// When there is no state, or it cannot be read.
pub fn runs(options: &Options) -> Result<String, SessionError> {
    Ok(existing(options)?.runs().iter().fold(String::new(), |text, run| text + &run_line(run) + "\n"))
}

fn run_line(run: &Run) -> String {
    let end = match run.ended {
        Some(ended) => format!(
            "exit {} after {}s{}",
            ended.exit,
            ended.at.saturating_sub(run.began) / 1000,
            if ended.finished { "" } else { ", not finished" }
        ),
        None => "has not ended, or was killed".to_owned(),
    };
    format!(
        "{}  {}  {}  by {}  plan {}  {} steps  {end}",
        run.run.0,
        clock::rfc3339(run.began),
        run.command,
        run.who,
        run.plan,
        run.steps
    )
}

/// One run with its events; `last` is the newest.
///
/// # Errors
///
/// When there is no such run.
pub fn run(options: &Options, name: &str) -> Result<String, SessionError> {
    let state = existing(options)?;
    let found = if name == "last" {
        state.runs().last()
    } else {
        state.runs().iter().find(|run| run.run == RunId(name.to_owned()))
    };
    let run = found
        .ok_or_else(|| Failure::new("runs::none", format!("there is no run `{name}`"), "`kfplan runs` lists them"))?;
    let mut out = run_line(run) + "\n";
    for event in state.events(&run.run) {
        let _ = writeln!(out, "  {}  {}  {}", clock::rfc3339(event.at), event.address, event_words(event));
    }
    Ok(out)
}

fn event_words(event: &Event) -> String {
    let text = serde_json::to_value(&event.kind).unwrap_or_default();
    let word = text.get("event").and_then(Json::as_str).unwrap_or_default().to_owned();
    let detail = ["on", "remark", "cause"]
        .iter()
        .find_map(|key| text.get(key).and_then(Json::as_str))
        .map(|detail| format!(": {detail}"))
        .unwrap_or_default();
    let trouble = text
        .pointer("/trouble/message")
        .and_then(Json::as_str)
        .map(|message| format!(": {message}"))
        .unwrap_or_default();
    word + &detail + &trouble
}
