//! What comparing and judging find, shown on small worlds: an object is applied, somebody changes it, and the question
//! is asked again. Text in, text out.

mod checking;
mod comparing;
mod fieldsets;
mod kinds;
mod ordering;
mod patching;
mod readiness;
mod world;
