//! Shows plans, drift, runs and graphs as text, Markdown and JSON.
//!
//! Prints nothing: every function takes a value and gives a text. All formats
//! come from the same [`Plan`](kfplan_plan::Plan), so that they never disagree,
//! and a plan holds no secret, so that none can show one. Nothing is said by
//! colour alone.

mod fields;
mod graph;
mod json;
mod markdown;
mod paint;
mod run;
mod text;
mod words;

pub use graph::{dot, mermaid};
pub use json::{drift as drift_json, plan as plan_json, schema as plan_json_schema};
pub use markdown::{COMMENT_LIMIT, drift as drift_markdown, plan as plan_markdown};
pub use paint::Paint;
pub use run::{Progress, event_line, summary};
pub use text::{TextOptions, drift as drift_text, plan as plan_text};
pub use words::{Counts, action_sign, action_word};

#[cfg(test)]
mod tests;
