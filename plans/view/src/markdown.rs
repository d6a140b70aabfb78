//! A plan as Markdown for a pull request.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kfplan_plan::{Change, Drift, Note, Plan, Severity, Step};

use crate::fields::{clean, lines};
use crate::text::destroys;
use crate::words::{Counts, action_sign, action_word, by_whom, changed, is_destructive, unseen};

/// The most characters that a comment may have: GitHub's limit for an issue comment.
pub const COMMENT_LIMIT: usize = 65_536;

/// The plan within `limit` characters. What takes something away comes first and is
/// never cut before what does not; what is left out is counted.
#[must_use]
pub fn plan(plan: &Plan, limit: usize) -> String {
    let counts = Counts::of(plan);
    let mut head = format!("<!-- kfplan:{}:{} -->\n", plan.header.stack, plan.header.environment);
    let sandbox = if plan.header.sandbox { "SANDBOX " } else { "" };
    let _ = writeln!(head, "### {sandbox}kfplan: `{}` in `{}`\n", plan.header.stack, plan.header.environment);
    let _ = match counts.total() {
        0 => writeln!(head, "**Nothing to do.** Plan `{}`.\n", plan.id()),
        _ => writeln!(head, "**{}.** Plan `{}`.\n", counts.words(), plan.id()),
    };
    let mut blocks = Vec::new();
    blocks.extend(note_block(plan, Severity::Blocks, "Blocked: `apply` will refuse"));
    blocks.extend(change_blocks(plan, true));
    blocks.extend(kept_block(plan));
    blocks.extend(drift_block(&plan.drift));
    blocks.extend(note_block(plan, Severity::Warning, "Warnings"));
    blocks.extend(change_blocks(plan, false));
    blocks.extend(note_block(plan, Severity::Info, "Notes"));
    if destroys(plan) {
        head.push_str("> **This plan deletes or replaces something.** It stands first.\n\n");
    }
    fit(head, blocks, limit)
}

/// A foldable part.
struct Block {
    title: String,
    open: bool,
    lines: Vec<String>,
}

fn fit(mut out: String, blocks: Vec<Block>, limit: usize) -> String {
    /// Room for the closing lines of the last block and for the remark.
    const RESERVE: usize = 200;
    let mut left_out = 0;
    let mut used = out.chars().count() + RESERVE;
    for block in blocks {
        let open = if block.open { " open" } else { "" };
        let start = format!("<details{open}><summary>{}</summary>\n\n```diff\n", escape(&block.title));
        let frame = start.chars().count() + "```\n</details>\n\n".len();
        if used + frame + 80 > limit {
            left_out += block.lines.len();
            continue;
        }
        used += frame;
        out.push_str(&start);
        for line in block.lines {
            // A fence inside a value must not end the block.
            let line = line.replace("```", "`\u{200b}``");
            let length = line.chars().count() + 1;
            if used + length > limit {
                left_out += 1;
                continue;
            }
            used += length;
            out.push_str(&line);
            out.push('\n');
        }
        out.push_str("```\n</details>\n\n");
    }
    if left_out > 0 {
        let _ = writeln!(
            out,
            "_{left_out} lines left out: the limit is {limit} characters. `kfplan show PLANFILE` has all._"
        );
    }
    out
}

fn escape(text: &str) -> String {
    clean(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn change_blocks(plan: &Plan, destructive: bool) -> Vec<Block> {
    let mut groups: BTreeMap<u32, Vec<(&Step, &Change)>> = BTreeMap::new();
    for (_, step, change) in plan.changes().filter(|(_, _, change)| is_destructive(change.action) == destructive) {
        groups.entry(step.group).or_default().push((step, change));
    }
    let block = |(group, steps): (u32, Vec<(&Step, &Change)>)| {
        let counts: Counts = steps.iter().map(|(_, change)| change.action).collect();
        let name = plan.groups.get(group as usize).map_or_else(String::new, |group| match &group.application {
            Some(application) => format!("{} › {application}", group.resource),
            None => group.resource.to_string(),
        });
        let lines = steps.iter().flat_map(|(step, change)| change_lines(step, change)).collect();
        Block { title: format!("{name}: {}", counts.words()), open: destructive, lines }
    };
    groups.into_iter().map(block).collect()
}

fn change_lines(step: &Step, change: &Change) -> Vec<String> {
    // GitHub colours a diff line by its first character.
    let sign = match action_sign(change.action) {
        "+" | "-" => action_sign(change.action),
        "±" => "-",
        _ => "!",
    };
    let mut all = vec![format!("{sign} {} {}", action_word(change.action), step.address)];
    all.extend(change.reasons.iter().map(|reason| format!("      because {}", clean(reason))));
    let own = step.address.object_id().is_none();
    if own || sign != "+" {
        all.extend(change.fields.iter().flat_map(lines).map(|line| format!("      {line}")));
    }
    all
}

fn note_block(plan: &Plan, severity: Severity, title: &str) -> Option<Block> {
    let notes: Vec<&Note> = plan.notes.iter().filter(|note| note.severity == severity).collect();
    let line = |note: &&Note| {
        let address = note.address.as_ref().map(|address| format!("{address}: ")).unwrap_or_default();
        let help = note.help.as_ref().map(|help| format!(" → {}", clean(help))).unwrap_or_default();
        format!("! {address}{}{help} [{}]", clean(&note.message), note.code)
    };
    let (open, lines) = (severity == Severity::Blocks, notes.iter().map(line).collect());
    (!notes.is_empty()).then(|| Block { title: format!("{title} ({})", notes.len()), open, lines })
}

fn kept_block(plan: &Plan) -> Option<Block> {
    let lines = plan.kept.iter().map(|kept| format!("! keep {}: {}", kept.address, clean(&kept.why))).collect();
    (!plan.kept.is_empty()).then(|| Block { title: format!("Kept ({})", plan.kept.len()), open: true, lines })
}

fn drift_block(drift: &[Drift]) -> Option<Block> {
    let line = |entry: &Drift| format!("! {} {} ({})", entry.address, changed(entry), by_whom(entry));
    let lines = drift.iter().map(line).collect();
    (!drift.is_empty()).then(|| Block {
        title: format!("Changed behind kfplan's back ({})", drift.len()),
        open: false,
        lines,
    })
}

/// What `drift --format markdown` prints.
#[must_use]
pub fn drift(stack: &str, environment: &str, drift: &[Drift], undecided: &[Note], limit: usize) -> String {
    let head = format!(
        "<!-- kfplan-drift:{stack}:{environment} -->\n### kfplan drift: `{stack}` in `{environment}`\n\n{} differences, {} not looked at.\n\n",
        drift.len(),
        undecided.len()
    );
    let undecided_lines: Vec<String> = unseen(undecided, true).iter().map(|line| format!("! {line}")).collect();
    let mut blocks: Vec<Block> = drift_block(drift).into_iter().collect();
    if !undecided_lines.is_empty() {
        blocks.push(Block { title: "Not looked at".to_owned(), open: true, lines: undecided_lines });
    }
    fit(head, blocks, limit)
}
