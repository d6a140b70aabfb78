//! The stack file: from text to a [`Stack`](kfplan_model::Stack), or to all that is wrong with it.
//!
//! [`load`] is the entry point. It reads TOML, checks every table against the
//! schema of its type, evaluates every `${…}` that can be known without looking at
//! the world, and gives one [`Resource`](kfplan_model::Resource) for each instance
//! that is enabled. It is pure: files, environment variables, and flags come in as
//! [`Options`].
//!
//! Every mistake is reported at once, each with its place, a caret, and what to
//! write instead. No error shows the value of a sensitive variable or field, not
//! even in the lines of the file that it quotes.
//!
//! Reading goes twice over each resource with the same code (`Phase`): once over the
//! text alone, in which every reference is checked and the order is found, and once
//! for each instance, in that order, with all that is known by then.

mod checker;
mod conform;
mod document;
mod environments;
mod error;
mod expand;
mod gather;
mod json_schema;
mod meta;
mod nearest;
mod options;
mod reference;
mod report;
mod settings;
mod source;
mod stack;
mod strings;
mod tables;
mod templates;
mod traps;
mod values;
mod variables;

pub use error::ConfigError;
pub use json_schema::json_schema;
pub use options::{AllFiles, Files, Mode, Options};
pub use reference::reference;
pub use report::{ConfigErrors, Located};
pub use stack::load;
pub use templates::{TEMPLATES, Template};

#[cfg(test)]
mod tests;
