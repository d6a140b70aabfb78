//! Whether an object works, judged from what can be seen of it.
//!
//! The rules are those of `kstatus` for built-in kinds, and Kubeflow's own for its kinds. [`is_ready`] needs the object
//! alone; [`gate`] judges a gate from the object and what the provider added to it.

mod gate;
mod kinds;
mod workloads;

pub(crate) use gate::gate;
pub use gate::{WebhookOutcome, webhook_probe};
pub use kinds::is_ready;
