//! Carries out a plan: a state machine without I/O, and two thin drivers for it.
//!
//! [`Core`] is told what happened and what time it is, and says what to do: entries to append,
//! calls to make, when to be woken. It reads no clock, draws no random number, and makes no call.
//! What it wants appended is durable before any of its calls goes out and before anybody hears of
//! an event; that rule is the whole of crash safety, and both drivers keep it in one place,
//! [`Effects`].
//!
//! [`run`] drives it with tokio and a real provider, [`simulate`] in virtual time, on one thread.
//! Every decision about the world was made by the planner; what is left here is when.

mod answer;
mod core;
mod dispatch;
mod drive;
mod error;
mod job;
mod lane;
mod limits;
mod message;
mod outcome;
mod record;
mod simulate;
mod step;

pub use crate::core::Core;
pub use drive::{Journey, run};
pub use error::JobError;
pub use job::{Fill, Job, Outputs, Prepared};
pub use limits::Limits;
pub use message::{Answer, Ask, Effects, Input, Request};
pub use outcome::Outcome;
pub use simulate::{End, Reply, Script, World, simulate};

#[cfg(test)]
mod tests;
