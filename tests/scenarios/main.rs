//! What a user does with the binary, from beginning to end, on the sandbox.

mod inspect;
mod life;
mod manners;
mod ownership;
mod plan_files;
mod rendering;
mod secrets;
