//! What can be made to go wrong.

use serde_json::json;

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
fn a_resource_whose_write_fails_says_so() {
    let mut azure = Azure::with_group();
    azure.fault = Some(AzureFault::OperationFails { code: "Conflict".into(), message: "no".into() });
    let path = "/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v";
    let accepted = azure.put(path, &json!({"location": "westus2"}));
    azure.wait(MINUTE);
    assert_eq!(azure.status(&accepted)["error"]["code"], "Conflict");
    assert_eq!(azure.get(path)["properties"]["provisioningState"], "Failed");
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

/// Requests made up by a seed: mostly ones that fit, some that do not.
fn made_up(dice: &mut super::super::dice::Dice) -> Request {
    let mut pick =
        |list: &[&str]| list.get(dice.below(list.len() as u64) as usize).copied().unwrap_or_default().to_owned();
    let method = pick(&["GET", "GET", "PUT", "PUT", "PATCH", "DELETE", "POST", "HEAD", "TRACE"]);
    let pool = pool_path("gpu");
    let zone = "/resourceGroups/g/providers/Microsoft.Network/privateDnsZones/z";
    let (record, abort, pools) = (format!("{zone}/A/r"), format!("{CLUSTER}/abort"), format!("{CLUSTER}/agentPools"));
    let path = pick(&[
        "/resourceGroups/g",
        "/resourceGroups/MC_g_c_westus2",
        CLUSTER,
        CLUSTER,
        &pool,
        &pool,
        &pools,
        &abort,
        zone,
        &record,
        "/resources",
        "/providers/Microsoft.Storage/register",
        "/%ff/..//%zz",
        "/resourceGroups/g/providers/X/y/z/w",
    ]);
    let wide =
        json!({"location": "westus2", "properties": {"count": -1, "vmSize": null, "agentPoolProfiles": [1, {}, null]}});
    let bodies =
        [json!({"location": "westus2"}), cluster(), pool_body(), wide, json!([]), json!({"tags": {"a": null}})];
    let body = bodies.get(dice.below(bodies.len() as u64) as usize).cloned().unwrap_or_default();
    let mut request = to(&method, &path).with_json(&body);
    if dice.below(10) == 0 {
        request = request.with("if-match", "stale");
    }
    if dice.below(20) == 0 {
        request.body.truncate(dice.below(40) as usize);
    }
    request
}

fn pool_body() -> Value {
    let mut body = pool(1, "Standard_NC4as_T4_v3");
    body["properties"]["enableAutoScaling"] = true.into();
    body["properties"]["minCount"] = 0.into();
    body["properties"]["maxCount"] = 3.into();
    body
}

#[test]
fn whatever_is_asked_under_whatever_fault_is_answered_and_can_be_stored() {
    for seed in 0..40 {
        let mut azure = Azure::with_group();
        let mut dice = super::super::dice::Dice::new(seed);
        let faults = super::super::every_fault();
        for _ in 0..300 {
            azure.fault =
                (dice.below(8) == 0).then(|| faults.get(dice.below(faults.len() as u64) as usize).cloned()).flatten();
            let request = made_up(&mut dice);
            let answer = azure.ask(&request);
            assert!((200..=599).contains(&answer.status), "{seed}: {} {}", request.method, request.path);
            azure.orders.waiting.insert("gpu".into(), dice.below(3) as u32);
            azure.wait(dice.below(3 * MINUTE));
        }
        let rows: BTreeMap<_, _> =
            azure.arm.rows().into_iter().map(|(key, row)| (key, std::sync::Arc::new(row))).collect();
        let mut again = Azure::new();
        again.arm.load(&rows);
        assert_eq!(azure.arm.rows(), again.arm.rows(), "{seed}");
        assert_eq!(azure.arm.next_wake(), again.arm.next_wake(), "{seed}");
    }
}

/// An operation that ended leaves nothing locked: after all is over, whatever is there can be deleted.
#[test]
fn after_any_history_everything_can_be_deleted() {
    for seed in 0..40 {
        let mut azure = Azure::with_group();
        let mut dice = super::super::dice::Dice::new(1_000 + seed);
        let faults: Vec<_> = super::super::every_fault();
        for _ in 0..100 {
            azure.fault =
                (dice.below(5) == 0).then(|| faults.get(dice.below(faults.len() as u64) as usize).cloned()).flatten();
            let request = made_up(&mut dice);
            azure.ask(&request);
            azure.wait(dice.below(2 * MINUTE));
        }
        azure.wait(60 * MINUTE);
        assert!(matches!(azure.send("DELETE", CLUSTER).status, 202 | 204 | 404), "{seed}");
        azure.wait(60 * MINUTE);
        azure.send("DELETE", "/resourceGroups/g");
        azure.wait(60 * MINUTE);
        // Somebody may have made a group of this name by hand, where there was no cluster.
        azure.send("DELETE", "/resourceGroups/MC_g_c_westus2");
        azure.wait(60 * MINUTE);
        let left: Vec<&String> =
            azure.arm.groups.keys().chain(azure.arm.clusters.keys()).chain(azure.arm.resources.keys()).collect();
        assert!(left.is_empty(), "{seed}: {left:?}");
        assert!(azure.orders.clusters.is_empty(), "{seed}");
    }
}
