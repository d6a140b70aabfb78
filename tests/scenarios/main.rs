//! What a user does with the binary, from beginning to end, on the sandbox.

mod azure;
mod drift;
mod guide;
mod inspect;
mod interrupted;
mod life;
mod manners;
mod options;
mod ownership;
mod plan_files;
mod rendering;
mod secrets;
