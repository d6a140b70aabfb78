//! The planner against a tiny world in memory, with resource types of its own.

mod actions;
mod dialogue;
mod kinds;
mod ordering;
mod properties;
mod protection;
mod rules;
mod selection;
mod stack;
mod staleness;
mod world;

use world::World;

/// The steps that an empty world needs for a stack, a line each.
fn planned(stack: &str) -> String {
    World::new().planned(stack)
}
