//! Sets of field paths, as `managedFields` records them.

mod managed;
mod set;

pub(crate) use managed::raw_fields;
pub use managed::{Managed, Manager};
pub use set::FieldSet;
pub(crate) use set::{ListKeys, json, segment};
