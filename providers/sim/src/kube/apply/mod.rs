//! Server-side apply, and who owns which field after any other write.

mod compare;
mod fields;
mod key;
mod managed;
mod merge;
mod remove;
mod update;
mod validate;

pub(crate) use compare::compare;
pub(crate) use fields::{Element, Set, field_set};
pub(crate) use key::quoted;
pub(crate) use managed::{Managed, Owned, Writer};
pub(crate) use update::named;
pub(crate) use update::{ApplyError, Conversion, Shape, apply, update};
pub(crate) use validate::shown;

#[cfg(test)]
mod tests;
