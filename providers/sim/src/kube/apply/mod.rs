//! Server-side apply, and who owns which field after any other write.

mod compare;
mod fields;
mod key;
mod managed;
mod merge;
mod remove;
mod update;
mod validate;

pub(crate) use compare::{Comparison, compare};
pub(crate) use fields::{Element, Set, field_set};
pub(crate) use managed::{Managed, Manager, Writer};
pub(crate) use update::{ApplyError, Conversion, Shape, apply, update};
pub(crate) use validate::validate;

#[cfg(test)]
mod tests;
