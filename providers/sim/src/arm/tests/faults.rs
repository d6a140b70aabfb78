//! What can be made to go wrong.

use super::super::time::MINUTE;
use super::*;

/// Asks for the cluster with a fault; gives the answer.
fn create_under(fault: AzureFault) -> (Azure, Response) {
    let mut azure = Azure::with_group();
    azure.fault = Some(fault);
    let answer = azure.put(CLUSTER, &cluster());
    (azure, answer)
}

#[test]
fn refusals_do_nothing_and_look_like_their_kind() {
    for (fault, status, code, wrapped) in [
        (AzureFault::Throttled { seconds: 7 }, 429, "SubscriptionRequestsThrottled", true),
        (AzureFault::ThrottledByAks { seconds: 7 }, 429, "TooManyRequests", false),
        (AzureFault::Unavailable { status: 503 }, 503, "ServerUnavailable", true),
        (AzureFault::Forbidden, 403, "AuthorizationFailed", true),
        (AzureFault::TokenExpired, 401, "ExpiredAuthenticationToken", true),
        (AzureFault::Busy, 409, "OperationNotAllowed", false),
        (AzureFault::EtagMismatch, 409, "EtagMismatch", false),
    ] {
        let (mut azure, answer) = create_under(fault.clone());
        assert_eq!(refusal(&answer), (status, code.into()), "{fault:?}");
        assert_eq!(answer.value().get("error").is_some(), wrapped, "{fault:?}");
        assert_eq!(status == 429, answer.header("retry-after") == Some("7"), "{fault:?}");
        assert_eq!(azure.send("GET", CLUSTER).status, 404, "{fault:?}");
    }
}

#[test]
fn a_create_can_report_failure_though_the_cluster_is_there() {
    let (mut azure, answer) = create_under(AzureFault::DoneButUnavailable { status: 504 });
    assert_eq!(answer.status, 504);
    azure.wait(10 * MINUTE);
    assert_eq!(azure.get(CLUSTER)["properties"]["provisioningState"], "Succeeded");
}

#[test]
fn an_operation_that_fails_leaves_the_cluster_failed_and_a_put_mends_it() {
    let failure = AzureFault::OperationFails { code: "AllocationFailed".into(), message: "no room".into() };
    let (mut azure, answer) = create_under(failure);
    assert_eq!(answer.status, 201);
    azure.wait(10 * MINUTE);
    let status = azure.status(&answer);
    assert_eq!((&status["status"], &status["error"]["code"]), (&"Failed".into(), &"AllocationFailed".into()));
    assert_eq!(azure.get(CLUSTER)["properties"]["provisioningState"], "Failed");
    assert!(azure.orders.clusters.is_empty());
    assert_eq!(azure.put(CLUSTER, &cluster()).status, 200);
    azure.wait(10 * MINUTE);
    assert_eq!(azure.get(CLUSTER)["properties"]["provisioningState"], "Succeeded");
    assert_eq!(azure.orders.clusters.len(), 1);
}

#[test]
fn operations_can_be_preempted_canceled_slow_or_endless() {
    for (fault, minutes, wanted) in [
        (AzureFault::OperationPreempted, 10, "Failed"),
        (AzureFault::OperationCanceled, 10, "Canceled"),
        (AzureFault::OperationTakes { percent: 400 }, 10, "InProgress"),
        (AzureFault::OperationTakes { percent: 400 }, 20, "Succeeded"),
        (AzureFault::OperationNeverEnds, 600, "InProgress"),
    ] {
        let (mut azure, answer) = create_under(fault.clone());
        azure.wait(minutes * MINUTE);
        assert_eq!(azure.status(&answer)["status"], wanted, "{fault:?}");
    }
}

#[test]
fn an_endless_operation_can_be_aborted() {
    let (mut azure, created) = create_under(AzureFault::OperationNeverEnds);
    azure.wait(60 * MINUTE);
    let accepted = azure.send("POST", &format!("{CLUSTER}/abort"));
    assert_eq!(accepted.status, 202);
    azure.wait(2 * MINUTE);
    assert_eq!(azure.status(&created)["status"], "Canceled");
    assert_eq!(azure.status(&accepted)["status"], "Succeeded");
    assert_eq!(azure.get(CLUSTER)["properties"]["provisioningState"], "Canceled");
    assert_eq!(azure.send("DELETE", CLUSTER).status, 202);
}

#[test]
fn a_stale_precondition_can_be_accepted_and_fail_later_with_nothing_changed() {
    let mut azure = Azure::with_cluster();
    let before = azure.get(CLUSTER);
    azure.fault = Some(AzureFault::LatePrecondition);
    let request = to("PUT", CLUSTER).with_json(&cluster()).with("if-match", "stale");
    let answer = azure.ask(&request);
    assert_eq!(answer.status, 200);
    azure.wait(MINUTE);
    let status = azure.status(&answer);
    assert_eq!((&status["status"], &status["error"]["code"]), (&"Failed".into(), &"PreconditionFailed".into()));
    assert_eq!(azure.get(CLUSTER), before);
}

#[test]
fn bodies_can_come_without_etags() {
    let mut azure = Azure::with_cluster();
    azure.fault = Some(AzureFault::NoEtags);
    let body = azure.get(CLUSTER);
    assert_eq!((body.get("eTag"), body["properties"]["agentPoolProfiles"][0].get("eTag")), (None, None));
    assert!(azure.get(CLUSTER).get("eTag").is_some());
}

#[test]
fn a_delete_that_fails_leaves_the_cluster_to_be_deleted_again() {
    let mut azure = Azure::with_cluster();
    azure.fault =
        Some(AzureFault::OperationFails { code: "ResourceGroupDeletionBlocked".into(), message: "held".into() });
    assert_eq!(azure.send("DELETE", CLUSTER).status, 202);
    azure.wait(10 * MINUTE);
    assert_eq!(azure.get(CLUSTER)["properties"]["provisioningState"], "Failed");
    assert_eq!(azure.send("DELETE", CLUSTER).status, 202);
    azure.wait(10 * MINUTE);
    assert_eq!(azure.send("GET", CLUSTER).status, 404);
}
