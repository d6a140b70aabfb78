//! The functions that are put into every expression, so that it ends, stays small, and
//! gives the same each time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cel::ExecutionError;

use crate::syntax::ORDERED;

/// How many rounds all comprehensions of one expression may take together.
const MAX_ROUNDS: usize = 200_000;
/// How many bytes a text may have that an expression makes, or a comprehension goes through.
const MAX_BYTES: usize = 1 << 18;

/// What a comprehension goes through: a list as it is, a map by its keys in order.
pub(crate) fn ordered(value: cel::Value, rounds: &AtomicUsize) -> Result<cel::Value, ExecutionError> {
    let list = match value {
        cel::Value::List(list) => list,
        cel::Value::Map(map) => {
            let mut keys: Vec<_> = map.map.keys().cloned().collect();
            keys.sort();
            Arc::new(keys.into_iter().map(cel::Value::from).collect())
        }
        other => return Err(ExecutionError::no_such_overload(ORDERED, vec![other.type_of().to_string()])),
    };
    let taken = rounds.fetch_add(list.len(), Ordering::Relaxed).saturating_add(list.len());
    if taken > MAX_ROUNDS {
        return Err(ExecutionError::function_error("map", "it takes more than 200000 rounds"));
    }
    bounded(cel::Value::List(list))
}

/// A value, if it is not too large.
pub(crate) fn bounded(value: cel::Value) -> Result<cel::Value, ExecutionError> {
    if bytes(&value) > MAX_BYTES {
        return Err(ExecutionError::function_error("text", "more than 262144 bytes or elements are made"));
    }
    Ok(value)
}

fn bytes(value: &cel::Value) -> usize {
    match value {
        cel::Value::String(text) => text.len(),
        cel::Value::List(list) => list.iter().map(bytes).fold(list.len(), usize::saturating_add),
        cel::Value::Map(map) => map.map.values().map(bytes).fold(map.map.len(), usize::saturating_add),
        _ => 1,
    }
}
