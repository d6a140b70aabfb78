//! Expressions: what stands between `${` and `}` in a string of the stack file.
//!
//! The language is CEL, by the `cel` crate, which nothing else in kfplan meets.
//! Here a string is split into text and expressions ([`Template`]), each
//! expression is checked and its references are listed ([`references`]), and the
//! string is evaluated against what is known ([`evaluate`]).
//!
//! Two marks flow through and are never lost: what reads something late is late,
//! with the text kept as written and the resources it waits for; what reads
//! something sensitive is sensitive, and no error about it shows a value.
//!
//! Any text is answered with a value or an error, never with a panic, and within
//! bounds of time and memory: the length, the nesting, the number of tokens, the
//! rounds of comprehensions, and the size of what they make are all limited.

mod bounds;
mod cel_value;
mod error;
mod evaluate;
mod functions;
mod lexer;
mod reference;
mod scope;
mod syntax;
mod template;

pub use error::ExpressionError;
pub use evaluate::{evaluate, resolve};
pub use functions::FUNCTIONS;
pub use reference::{Reference, Root, Step, Use};
pub use scope::{Known, Names, Roots};
pub use template::{Template, references};

#[cfg(test)]
mod tests;
