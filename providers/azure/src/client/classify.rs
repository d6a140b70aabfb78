//! Which failure can be helped by trying again, and what a person can do about the others.

use kfplan_plan::{Class, Trouble};

use super::answer::Fault;

/// The failure of a call with this status.
pub(super) fn trouble(status: u16, fault: &Fault, doing: &str) -> Trouble {
    let (class, help) = by_code(&fault.code, &fault.message).unwrap_or_else(|| by_status(status));
    let code = if fault.code.is_empty() { format!("HTTP{status}") } else { fault.code.clone() };
    let said = if fault.message.is_empty() { format!("HTTP {status}") } else { fault.message.clone() };
    Trouble::new(class, code, format!("{doing}: {}", trimmed(&said)), help)
}

/// The failure that an operation ended with.
pub(crate) fn trouble_of_code(code: &str, message: &str, doing: &str) -> Trouble {
    let fault = Fault { code: code.to_owned(), message: message.to_owned() };
    let (class, help) = by_code(code, message).unwrap_or((
        Class::Permanent,
        "see the activity log of the resource in Azure, then run the same command again".to_owned(),
    ));
    Trouble::new(class, code, format!("{doing}: {}", trimmed(&fault.message)), help)
}

/// Azure's messages end with a full stop, and some with the request's id.
fn trimmed(message: &str) -> &str {
    message.trim().trim_end_matches('.')
}

fn by_code(code: &str, message: &str) -> Option<(Class, String)> {
    let lower = message.to_ascii_lowercase();
    let found = match code {
        "AuthorizationFailed" | "LinkedAuthorizationFailed" => (
            Class::Auth,
            "give the signed-in principal a role that allows the action that the message names, at that scope",
        ),
        "InvalidAuthenticationToken" | "ExpiredAuthenticationToken" | "AuthenticationFailed" => {
            (Class::Auth, "sign in again, to the tenant of the subscription")
        }
        "InvalidAuthenticationTokenTenant" => {
            (Class::Auth, "state the subscription's own tenant as `tenant` in [azure]")
        }
        "SubscriptionNotFound" | "InvalidSubscriptionId" => {
            (Class::Auth, "check the subscription in [azure], and that who is signed in can see it")
        }
        "RequestDisallowedByPolicy" | "RequestDisallowedByAzure" => {
            (Class::Permanent, "change what the named policy forbids, or ask its owner for an exemption")
        }
        "ScopeLocked" => (Class::Permanent, "remove the management lock that the message names"),
        "MissingSubscriptionRegistration" => (
            Class::Permanent,
            "register the namespace that the message names: `az provider register --namespace NAMESPACE --wait`",
        ),
        "PropertyChangeNotAllowed" => (
            Class::Permanent,
            "this property is fixed when the resource is made: state the old value, or replace the resource",
        ),
        "K8sVersionNotSupported" => (Class::Permanent, "choose a version of `az aks get-versions --location REGION`"),
        "SkuNotAvailable" | "NotAvailableForSubscription" | "VMSizeNotSupported" | "InvalidParameter.VMSize" => {
            (Class::Permanent, "choose another size or region: `az vm list-skus --location REGION --size SIZE`")
        }
        "ErrCode_InsufficientVCPUQuota"
        | "QuotaExceeded"
        | "InsufficientVCPUQuota"
        | "AgentPoolLimitExceeded"
        | "SubscriptionQuotaExceeded" => (
            Class::Quota,
            "ask for more at https://learn.microsoft.com/azure/quotas/view-quotas, or use fewer or smaller machines",
        ),
        "AllocationFailed"
        | "ZonalAllocationFailed"
        | "OverconstrainedAllocationRequest"
        | "OverconstrainedZonalAllocationRequest" => (
            Class::Retryable,
            "Azure has no such machine free there now: try later, or choose another size, zone or region",
        ),
        "OperationNotAllowed" if lower.contains("quota") => (
            Class::Quota,
            "ask for more at https://learn.microsoft.com/azure/quotas/view-quotas, or use fewer or smaller machines",
        ),
        "OperationNotAllowed" if lower.contains("in progress") || lower.contains("pending-operation") => {
            (Class::Retryable, "another operation runs on the cluster: it ends by itself")
        }
        "OriginalEtagNotExpect" | "OperationPreempted" | "EtagMismatch" | "AnotherOperationInProgress" => {
            (Class::Retryable, "another writer changed the cluster meanwhile: try again")
        }
        "Canceled" => (Class::Conflict, "somebody aborted the operation: run the same command again to take it up"),
        "ResourceGroupBeingDeleted" => (Class::Retryable, "the group is going away: wait until it is gone"),
        "InvalidResourceLocation" | "InvalidResourceGroupLocation" => {
            (Class::Conflict, "the name is taken in another region: choose another name, or state that region")
        }
        "PreconditionFailed" => (Class::Conflict, "somebody changed the resource meanwhile: plan again"),
        "InternalServerError"
        | "InternalOperationError"
        | "ServiceUnavailable"
        | "ServerTimeout"
        | "GatewayTimeout"
        | "OperationTimedOut" => {
            (Class::Retryable, "Azure had a failure of its own: try again; https://azure.status.microsoft")
        }
        _ => return None,
    };
    Some((found.0, found.1.to_owned()))
}

fn by_status(status: u16) -> (Class, String) {
    let found = match status {
        401 => (Class::Auth, "sign in again, to the tenant of the subscription"),
        403 => (Class::Auth, "give the signed-in principal a role that allows this at this scope"),
        408 | 500.. => (Class::Retryable, "Azure had a failure of its own: try again; https://azure.status.microsoft"),
        409 | 412 => (Class::Conflict, "see what the message names, then plan again"),
        429 => (Class::Retryable, "too many calls: try again later"),
        _ => (Class::Permanent, "change what the message names in the stack file"),
    };
    (found.0, found.1.to_owned())
}
