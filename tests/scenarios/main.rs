//! What a user does with the binary, from beginning to end, on the sandbox.

mod life;
mod ownership;
mod plan_files;
