//! A plan as text for a terminal or a log.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kfplan_plan::{Action, Change, Drift, Mode, Note, Plan, Severity, Shown, Step, Verified};

use crate::fields::{clean, lines, value};
use crate::paint::Paint;
use crate::words::{Counts, NAMED, action_sign, action_word, by_whom, changed, counted, is_destructive, unseen};

/// How much is shown, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextOptions {
    /// Colours.
    pub paint: Paint,
    /// Whether groups of creates and deletes are opened, and the fields of creates shown.
    pub full: bool,
}

/// Groups of creates or deletes of more than this many objects are shown as one line.
const OPENED: usize = 12;

/// The whole plan.
#[must_use]
pub fn plan(plan: &Plan, options: TextOptions) -> String {
    let mut out = String::new();
    let counts = Counts::of(plan);
    head(&mut out, plan, options.paint);
    notes(&mut out, plan, Severity::Blocks, options.paint);
    drifted(&mut out, &plan.drift, options.paint);
    groups(&mut out, plan, options);
    kept(&mut out, plan, options.paint);
    notes(&mut out, plan, Severity::Warning, options.paint);
    notes(&mut out, plan, Severity::Info, options.paint);
    outputs(&mut out, plan);
    let unchanged: u32 = plan.groups.iter().map(|group| group.unchanged).sum();
    let line = match counts.total() {
        0 => format!("Nothing to do: {} as wanted.", counted(unchanged as usize, "resource")),
        _ => format!("Plan {}: {}; {unchanged} unchanged.", plan.id(), counts.words()),
    };
    let _ = writeln!(out, "{}", options.paint.bold(&line));
    out
}

fn head(out: &mut String, plan: &Plan, paint: Paint) {
    let header = &plan.header;
    if header.sandbox {
        let _ = writeln!(out, "{}", paint.bold("SANDBOX: the simulated cloud, nothing of this is real"));
    }
    let verb = match header.mode {
        Mode::Apply => "Plan",
        Mode::Destroy => "Plan to destroy",
    };
    let _ = writeln!(out, "{verb} for stack {} in environment {}", header.stack, header.environment);
    for selected in &header.selection {
        let _ = writeln!(out, "Only a part: {selected}");
    }
    out.push('\n');
}

fn notes(out: &mut String, plan: &Plan, severity: Severity, paint: Paint) {
    let chosen: Vec<&Note> = plan.notes.iter().filter(|note| note.severity == severity).collect();
    if chosen.is_empty() {
        return;
    }
    let title = match severity {
        Severity::Blocks => paint.red("Blocked. Nothing will be applied until this is settled:"),
        Severity::Warning => paint.yellow("Warnings:"),
        Severity::Info => "Notes:".to_owned(),
    };
    let _ = writeln!(out, "{title}");
    let mut alike: BTreeMap<(&str, &str, Option<&str>), Vec<String>> = BTreeMap::new();
    let mut order = Vec::new();
    for note in chosen {
        let key = (note.code.as_str(), note.message.as_str(), note.help.as_deref());
        let addresses = alike.entry(key).or_default();
        if addresses.is_empty() {
            order.push(key);
        }
        addresses.push(note.address.as_ref().map(ToString::to_string).unwrap_or_default());
    }
    for key in order {
        let addresses: Vec<&String> = alike[&key].iter().filter(|address| !address.is_empty()).collect();
        let (code, message, help) = key;
        let _ = writeln!(out, "  {} {}", clean(message), paint.dim(&format!("[{code}]")));
        for address in addresses.iter().take(NAMED) {
            let _ = writeln!(out, "      {address}");
        }
        if addresses.len() > NAMED {
            let _ = writeln!(out, "      … and {} more", addresses.len() - NAMED);
        }
        if let Some(help) = help {
            let _ = writeln!(out, "      → {}", clean(help));
        }
    }
    out.push('\n');
}

fn groups(out: &mut String, plan: &Plan, options: TextOptions) {
    let mut members: Vec<Vec<(&Step, &Change)>> = vec![Vec::new(); plan.groups.len()];
    for (_, step, change) in plan.changes() {
        if let Some(group) = members.get_mut(step.group as usize) {
            group.push((step, change));
        }
    }
    let mut any = false;
    for (group, steps) in plan.groups.iter().zip(&members).filter(|(_, steps)| !steps.is_empty()) {
        any = true;
        let mut indent = "  ";
        if group.application.is_some() || steps.iter().any(|(step, _)| step.address.object_id().is_some()) {
            let counts: Counts = steps.iter().map(|(_, change)| change.action).collect();
            let name = match &group.application {
                Some(application) => format!("{} › {application}", group.resource),
                None => group.resource.to_string(),
            };
            let unchanged =
                if group.unchanged == 0 { String::new() } else { format!(", {} unchanged", group.unchanged) };
            let _ = writeln!(out, "  {}  {}{unchanged}", options.paint.bold(&name), counts.words());
            indent = "    ";
        }
        section(out, steps, indent, options);
    }
    if any {
        out.push('\n');
    }
}

/// The steps of one group. Many creates or deletes without a remark are told by kind.
fn section(out: &mut String, steps: &[(&Step, &Change)], indent: &str, options: TextOptions) {
    for action in [
        Action::Delete,
        Action::Replace,
        Action::Adopt,
        Action::Update,
        Action::Forget,
        Action::Refresh,
        Action::Create,
    ] {
        let chosen: Vec<_> = steps.iter().filter(|(_, change)| change.action == action).collect();
        let folds = matches!(action, Action::Create | Action::Delete | Action::Refresh);
        if folds && chosen.len() > OPENED && !options.full {
            let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
            for (step, _) in &chosen {
                *kinds.entry(step.address.object_id().map_or("resource", |object| &object.kind)).or_insert(0) += 1;
            }
            let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
            let _ = writeln!(
                out,
                "{indent}{}",
                painted(
                    action,
                    &format!("{} {}: {}", action_sign(action), action_word(action), kinds.join(", ")),
                    options.paint
                )
            );
            continue;
        }
        for (step, change) in chosen {
            one(out, step, change, indent, options);
        }
    }
}

fn one(out: &mut String, step: &Step, change: &Change, indent: &str, options: TextOptions) {
    let name = step.address.object_id().map_or_else(|| step.address.to_string(), ToString::to_string);
    let line = format!("{} {} {name}", action_sign(change.action), action_word(change.action));
    let _ = writeln!(out, "{indent}{}", painted(change.action, &line, options.paint));
    for reason in &change.reasons {
        let _ = writeln!(out, "{indent}    because {}", clean(reason));
    }
    if let Verified::Offline(why) = &change.verified
        && change.action != Action::Create
    {
        let _ = writeln!(out, "{indent}    not verified by the server: {}", clean(why));
    }
    for path in &change.force {
        let _ = writeln!(out, "{indent}    takes {path} from its present manager");
    }
    let own = step.address.object_id().is_none();
    if change.action != Action::Create || options.full || own {
        for field in &change.fields {
            for line in lines(field) {
                let _ = writeln!(out, "{indent}    {line}");
            }
        }
    }
}

fn painted(action: Action, text: &str, paint: Paint) -> String {
    match action {
        Action::Create => paint.green(text),
        Action::Delete | Action::Replace => paint.red(text),
        Action::Adopt | Action::Update | Action::Forget | Action::Refresh => paint.yellow(text),
    }
}

fn kept(out: &mut String, plan: &Plan, paint: Paint) {
    if plan.kept.is_empty() {
        return;
    }
    let _ = writeln!(out, "{}", paint.yellow("Kept, although it is wanted gone:"));
    for kept in &plan.kept {
        let _ = writeln!(out, "  keep {}: {}", kept.address, clean(&kept.why));
        if let Some(lift) = &kept.lift {
            let _ = writeln!(out, "      → {}", clean(lift));
        }
    }
    out.push('\n');
}

fn outputs(out: &mut String, plan: &Plan) {
    let shown: Vec<_> = plan.outputs.iter().filter(|(_, shown)| **shown != Shown::Absent).collect();
    if shown.is_empty() {
        return;
    }
    out.push_str("Outputs:\n");
    for (name, shown) in shown {
        let _ = writeln!(out, "  {name} = {}", value(shown));
    }
    out.push('\n');
}

fn drifted(out: &mut String, drift: &[Drift], paint: Paint) {
    if drift.is_empty() {
        return;
    }
    let _ = writeln!(out, "{}", paint.yellow("Changed behind kfplan's back since the last apply:"));
    drift_lines(out, drift);
    out.push('\n');
}

fn drift_lines(out: &mut String, drift: &[Drift]) {
    let mut last = None;
    for entry in drift {
        if last != Some(&entry.address) {
            let _ = writeln!(out, "  {}", entry.address);
            last = Some(&entry.address);
        }
        let (what, who) = (changed(entry), by_whom(entry));
        let _ = writeln!(out, "    {what}   ({who})");
    }
}

/// What `drift` prints.
#[must_use]
pub fn drift(drift: &[Drift], undecided: &[Note], checked: usize, options: TextOptions) -> String {
    let mut out = String::new();
    drift_lines(&mut out, drift);
    for line in unseen(undecided, options.full) {
        let _ = writeln!(out, "  {line}");
    }
    let line = match drift.len() {
        0 if undecided.is_empty() => format!("No drift: {} as applied.", counted(checked, "resource")),
        0 => format!("No drift in what could be looked at; {} could not.", undecided.len()),
        count => {
            let unseen = match undecided.len() {
                0 => String::new(),
                unseen => format!("; {} could not be looked at", counted(unseen, "resource")),
            };
            let things = counted(drifted_things(drift), "resource");
            format!("Drift: {} in {things}{unseen}.", counted(count, "difference"))
        }
    };
    let _ = writeln!(out, "{}", options.paint.bold(&line));
    out
}

fn drifted_things(drift: &[Drift]) -> usize {
    drift.iter().map(|entry| &entry.address).collect::<std::collections::BTreeSet<_>>().len()
}

/// Whether a plan takes something away.
pub(crate) fn destroys(plan: &Plan) -> bool {
    plan.changes().any(|(_, _, change)| is_destructive(change.action))
}
