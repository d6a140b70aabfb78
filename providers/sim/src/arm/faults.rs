//! What can be made to go wrong: one entry for each trouble that recordings and reports of users name.
//!
//! The world's rules say which request a fault befalls; here stands what it is.

use serde::{Deserialize, Serialize};

use super::limits::throttled;
use super::wire::Refusal;
use crate::wire::{Request, Response};

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AzureFault {
    /// The front door answers 429 and says how long to wait.
    Throttled {
        /// Seconds in `Retry-After`.
        seconds: u32,
    },
    /// AKS answers 429, in its own shape.
    ThrottledByAks {
        /// Seconds in `Retry-After`.
        seconds: u32,
    },
    /// Nothing is done, and the answer is a 5xx.
    Unavailable {
        /// The status.
        status: u16,
    },
    /// All is done, and the answer is a 5xx: the create that reports failure while the cluster is there.
    DoneButUnavailable {
        /// The status.
        status: u16,
    },
    /// 403: the principal has no right to do this.
    Forbidden,
    /// 401: the token is refused as expired.
    TokenExpired,
    /// 409 `OperationNotAllowed`: AKS does background work of its own on the cluster.
    Busy,
    /// 409 `EtagMismatch` without any `If-Match`: two writers at once.
    EtagMismatch,
    /// The operation is accepted and ends `Failed`.
    OperationFails {
        /// The code of the error.
        code: String,
        /// Its message.
        message: String,
    },
    /// The operation is preempted by another one, and the cluster is left `Failed`.
    OperationPreempted,
    /// The operation ends `Canceled`.
    OperationCanceled,
    /// The operation stays `InProgress` for ever.
    OperationNeverEnds,
    /// The operation takes so many per cent of its usual time.
    OperationTakes {
        /// Per cent.
        percent: u32,
    },
    /// A precondition that does not hold is accepted, and the operation fails later.
    LatePrecondition,
    /// Bodies carry no eTag.
    NoEtags,
}

/// When an effect shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Before anything is done.
    Before,
    /// When a precondition is checked.
    Precondition,
    /// When an operation begins.
    Operation,
    /// After all is done.
    After,
    /// When a body is written.
    Body,
}

impl AzureFault {
    pub(crate) fn stage(&self) -> Stage {
        match self {
            AzureFault::Throttled { .. }
            | AzureFault::ThrottledByAks { .. }
            | AzureFault::Unavailable { .. }
            | AzureFault::Forbidden
            | AzureFault::TokenExpired
            | AzureFault::Busy
            | AzureFault::EtagMismatch => Stage::Before,
            AzureFault::LatePrecondition => Stage::Precondition,
            AzureFault::OperationFails { .. }
            | AzureFault::OperationPreempted
            | AzureFault::OperationCanceled
            | AzureFault::OperationNeverEnds
            | AzureFault::OperationTakes { .. } => Stage::Operation,
            AzureFault::DoneButUnavailable { .. } => Stage::After,
            AzureFault::NoEtags => Stage::Body,
        }
    }

    /// The fault that refuses with a status, in the way Azure does.
    pub(crate) fn of_status(status: u16) -> AzureFault {
        match status {
            401 => AzureFault::TokenExpired,
            403 => AzureFault::Forbidden,
            409 => AzureFault::Busy,
            429 => AzureFault::Throttled { seconds: 1 },
            status => AzureFault::Unavailable { status },
        }
    }

    /// The answer that this fault is, if it is one, to a request that is not looked at.
    pub(crate) fn response(&self, request: &Request) -> Option<Response> {
        let subscription = request.path.split('/').nth(2).unwrap_or_default();
        self.refusal(subscription, &request.path).map(|refusal| refusal.response())
    }

    /// The refusal that this effect is, if it is one.
    pub(crate) fn refusal(&self, subscription: &str, path: &str) -> Option<Refusal> {
        match self {
            AzureFault::Throttled { seconds } => Some(throttled(subscription, "writes", *seconds)),
            AzureFault::ThrottledByAks { seconds } => {
                let message = "The request is being throttled. Please try again later.";
                Some(Refusal::aks(429, "TooManyRequests", message).with("retry-after", seconds.to_string()))
            }
            AzureFault::Unavailable { status } | AzureFault::DoneButUnavailable { status } => {
                Some(unavailable(*status))
            }
            AzureFault::Forbidden => Some(forbidden(path)),
            AzureFault::TokenExpired => Some(super::access::expired()),
            AzureFault::Busy => Some(busy("reconciling - Updating")),
            AzureFault::EtagMismatch => Some(etag_mismatch()),
            AzureFault::OperationFails { .. }
            | AzureFault::OperationPreempted
            | AzureFault::OperationCanceled
            | AzureFault::OperationNeverEnds
            | AzureFault::OperationTakes { .. }
            | AzureFault::LatePrecondition
            | AzureFault::NoEtags => None,
        }
    }
}

fn unavailable(status: u16) -> Refusal {
    match status {
        500 => Refusal::aks(500, "InternalOperationError", "Internal server error"),
        503 => Refusal::arm(503, "ServerUnavailable", "The server is currently unavailable.").with("retry-after", "5"),
        504 => Refusal::arm(504, "GatewayTimeout", "The gateway did not receive a response within the time limit."),
        other => Refusal::arm(other, "BadGatewayConnection", "The network connectivity issue encountered."),
    }
}

/// AKS's answer while an operation runs.
pub(crate) fn busy(what: &str) -> Refusal {
    let message = format!(
        "Operation is not allowed: Another operation ({what}) is in progress, please wait for it to finish before \
         starting a new operation. See https://aka.ms/aks-pending-operation for more details"
    );
    Refusal::aks(409, "OperationNotAllowed", message)
}

fn etag_mismatch() -> Refusal {
    Refusal::aks(409, "EtagMismatch", "Operation is not allowed: Another operation is in progress").because(
        "rpc error: code = FailedPrecondition desc = Etag mismatched",
        "PutManagedClusterAndComponents_FailedPrecondition",
    )
}

fn forbidden(path: &str) -> Refusal {
    let message = format!(
        "The client does not have authorization to perform this action over scope '{path}' or the scope is invalid. \
         If access was recently granted, please refresh your credentials."
    );
    Refusal::arm(403, "AuthorizationFailed", message)
}

/// One of each effect, as a storm draws them. A right that is missing never comes back, and an operation without
/// end never ends, so a storm has neither.
#[must_use]
pub fn every_fault() -> Vec<AzureFault> {
    let mut all: Vec<AzureFault> = [500, 502, 503, 504].map(|status| AzureFault::Unavailable { status }).into();
    all.extend([500, 504].map(|status| AzureFault::DoneButUnavailable { status }));
    all.extend([
        AzureFault::Throttled { seconds: 3 },
        AzureFault::ThrottledByAks { seconds: 5 },
        AzureFault::TokenExpired,
        AzureFault::Busy,
        AzureFault::EtagMismatch,
        AzureFault::OperationFails {
            code: "AllocationFailed".into(),
            message: "Allocation failed. We do not have sufficient capacity for the requested VM size in this region."
                .into(),
        },
        AzureFault::OperationPreempted,
        AzureFault::OperationCanceled,
        AzureFault::OperationTakes { percent: 400 },
        AzureFault::LatePrecondition,
    ]);
    all
}
