//! The wish to stop.

use tokio::sync::watch;

/// A wish to stop, which can be raised once and seen by many.
#[derive(Debug, Clone)]
pub struct Interrupt {
    raise: std::sync::Arc<watch::Sender<bool>>,
    seen: watch::Receiver<bool>,
}

impl Default for Interrupt {
    fn default() -> Self {
        Self::new()
    }
}

impl Interrupt {
    /// One that is not raised yet.
    #[must_use]
    pub fn new() -> Self {
        let (raise, seen) = watch::channel(false);
        Self { raise: std::sync::Arc::new(raise), seen }
    }

    /// Asks to stop.
    pub fn raise(&self) {
        self.raise.send_replace(true);
    }

    /// Whether it was raised.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        *self.seen.borrow()
    }

    /// Waits until it is raised.
    pub async fn raised(&self) {
        let mut seen = self.seen.clone();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = seen.wait_for(|raised| *raised).await;
    }
}
