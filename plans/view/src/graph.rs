//! The dependency graph of a plan, for Graphviz and Mermaid.

use std::fmt::Write as _;

use kfplan_plan::{EdgeKind, Plan, Step, Work};

use crate::fields::clean;
use crate::words::action_word;

fn label(step: &Step) -> String {
    match &step.work {
        Work::Change(change) => format!("{} {}", action_word(change.action), step.address),
        Work::Gate(_) => format!("wait for {}", step.address),
    }
}

const fn word(kind: EdgeKind) -> &'static str {
    match kind {
        EdgeKind::AfterApplied => "after applied",
        EdgeKind::AfterReady => "after ready",
        EdgeKind::ContainedIn => "contained in",
    }
}

/// The graph in the DOT language of Graphviz. An arrow points from what comes first to what waits.
#[must_use]
pub fn dot(plan: &Plan) -> String {
    let mut out = String::from("digraph kfplan {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n");
    for (place, step) in plan.steps.iter().enumerate() {
        let shape = if matches!(step.work, Work::Gate(_)) { "diamond" } else { "box" };
        let text = serde_json::Value::from(clean(&label(step)));
        let _ = writeln!(out, "  s{place} [shape={shape}, label={text}];");
    }
    for edge in &plan.edges {
        let _ = writeln!(out, "  s{} -> s{} [tooltip=\"{}\"];", edge.from, edge.to, word(edge.kind));
    }
    out.push_str("}\n");
    out
}

/// The graph as a Mermaid flowchart.
#[must_use]
pub fn mermaid(plan: &Plan) -> String {
    let mut out = String::from("flowchart LR\n");
    for (place, step) in plan.steps.iter().enumerate() {
        let text = clean(&label(step)).replace('"', "#quot;");
        let _ = match step.work {
            Work::Gate(_) => writeln!(out, "  s{place}{{\"{text}\"}}"),
            Work::Change(_) => writeln!(out, "  s{place}[\"{text}\"]"),
        };
    }
    for edge in &plan.edges {
        let _ = writeln!(out, "  s{} --> s{}", edge.from, edge.to);
    }
    out
}
