//! One operation end to end: reads the stack, connects, asks, plans, hands over.
//!
//! [`Session`] is what plans, applies and looks for drift. What needs no cloud is a
//! function: [`validate`], [`render()`], [`vendor()`], [`init`], and all of [`state`].
//! The session decides nothing: the planner does, and the executor carries it out.
//! It is the only place that knows every crate, and the only one that asks the
//! system for time, randomness, files and the environment.

mod access;
mod apply;
mod clock;
mod connection;
mod credentials;
mod dialogue;
mod error;
mod exit;
mod fields;
mod glob;
mod interrupt;
mod kinds;
mod options;
mod outcome;
mod place;
mod preflight;
mod remotes;
mod render;
mod repos;
mod router;
mod sandbox;
mod session;
mod stack;
pub mod state;
mod tls;
mod vendor;

pub use error::{Failure, SessionError};
pub use exit::Exit;
pub use interrupt::Interrupt;
pub use options::{Options, Selection, Wait};
pub use outcome::Outcome;
pub use render::{RenderedText, render_folder};
pub use sandbox::{ServedSandbox, serve_sandbox};
pub use session::{Found, Planned, Session, peek};
pub use stack::{Template, Validated, init, stack_reference, stack_schema, validate};
pub use vendor::{render, vendor};
