//! Exit codes: an interface that pipelines rely on.

/// How a command ended. Where several hold, [`Exit::worst`] says which wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to change.
    Done = 0,
    /// Failed before anything was changed.
    Failed = 1,
    /// Changes are pending (`plan --exit-code`, `drift`), and never anything else.
    Changes = 2,
    /// Applied in part, or something wanted gone was kept.
    Partial = 3,
    /// The plan is stale.
    Stale = 4,
    /// Somebody else holds the lock.
    Locked = 5,
    /// A check, policy, or preflight blocks.
    Blocked = 6,
    /// The command was called wrongly.
    Usage = 64,
    /// Interrupted by a signal.
    Interrupted = 130,
}

impl Exit {
    /// The one that wins: 130 > 3 > 4 > 5 > 6 > 1 > 2 > 0; 64 stands before all, since nothing ran.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        const ORDER: [Exit; 9] = [
            Exit::Usage,
            Exit::Interrupted,
            Exit::Partial,
            Exit::Stale,
            Exit::Locked,
            Exit::Blocked,
            Exit::Failed,
            Exit::Changes,
            Exit::Done,
        ];
        ORDER.into_iter().find(|exit| *exit == self || *exit == other).unwrap_or(self)
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
