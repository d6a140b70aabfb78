//! What can be wrong with a name, an address, or a path.

/// A text that is none of the model's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// An address does not have the form `TYPE.NAME["KEY"]/NAMESPACE/KIND.GROUP/NAME#GATE`.
    #[error("`{text}` is not an address: {reason}")]
    Address {
        /// What was read.
        text: String,
        /// Which part is wrong, and what it should be.
        reason: &'static str,
    },
    /// A path is not a JSON Pointer (RFC 6901) with list keys.
    #[error("`{text}` is not a path: {reason}")]
    Path {
        /// What was read.
        text: String,
        /// Which part is wrong, and what it should be.
        reason: &'static str,
    },
}
