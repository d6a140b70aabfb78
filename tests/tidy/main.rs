//! The shape of the repository: which crate may use which, and which library
//! lives where. What DESIGN section 7 draws, this test holds.

mod layers;
mod words;
