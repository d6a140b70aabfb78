//! What a write sends.

use proptest::prelude::*;

use super::*;
use crate::testing::{answer, recording};

fn id() -> ArmId {
    ArmId::group("s", "g").cluster("c")
}

#[test]
fn an_update_of_the_recorded_pool_sends_what_microsofts_client_sent() {
    let (Some(live), Some(sent)) =
        (answer("pool-autoscaler/06-get-pool-before"), recording("pool-autoscaler/07-put-pool-bounds"))
    else {
        return;
    };
    let stated = json!({"properties": {"minCount": 1, "maxCount": 101}});
    assert_eq!(merged(&live, &stated, &[], Family::Pool), sent["request_body"]);
}

#[test]
fn an_update_of_the_recorded_cluster_keeps_all_that_is_not_azures_alone() {
    let Some(live) = answer("cluster-etag/04-get-cluster") else { return };
    let body = merged(&live, &json!({"tags": {"a": "b"}}), &[], Family::Cluster);
    let lost: Vec<String> = crate::leaves::leaves(&live, &[])
        .into_iter()
        .filter(|(path, value)| path.get(&body) != Some(value))
        .map(|(path, _)| path.to_string())
        .collect();
    insta::assert_snapshot!(lost.join("\n"), @r"
    /eTag
    /id
    /identity/principalId
    /identity/tenantId
    /name
    /properties/agentPoolProfiles[name=ap1]/currentOrchestratorVersion
    /properties/agentPoolProfiles[name=ap1]/eTag
    /properties/agentPoolProfiles[name=ap1]/nodeImageVersion
    /properties/agentPoolProfiles[name=ap1]/provisioningState
    /properties/azurePortalFQDN
    /properties/currentKubernetesVersion
    /properties/fqdn
    /properties/maxAgentPools
    /properties/networkProfile/loadBalancerProfile/effectiveOutboundIPs
    /properties/oidcIssuerProfile/issuerURL
    /properties/powerState/code
    /properties/provisioningState
    /properties/resourceUID
    /type
    ");
}

#[test]
fn a_create_has_what_aks_insists_on() {
    let cluster = created(
        &id(),
        &json!({"location": "l", "properties": {"agentPoolProfiles": [{"name": "s", "mode": "System"}]}}),
    );
    assert_eq!(cluster.pointer("/identity/type"), Some(&json!("SystemAssigned")));
    assert_eq!(cluster.pointer("/properties/dnsPrefix"), Some(&json!("c")));
    assert_eq!(cluster.pointer("/properties/agentPoolProfiles/0/count"), Some(&json!(1)));
    let scaled = json!({"properties": {"enableAutoScaling": true, "minCount": 0, "maxCount": 2, "mode": "User"}});
    assert_eq!(created(&id().pool("p"), &scaled).pointer("/properties/count"), Some(&json!(0)));
    let stated = json!({"properties": {"dnsPrefix": "mine"}, "identity": {"type": "UserAssigned"}});
    let kept = created(&id(), &stated);
    assert_eq!((&kept["properties"]["dnsPrefix"], &kept["identity"]["type"]), (&json!("mine"), &json!("UserAssigned")));
}

#[test]
fn what_is_removed_is_sent_empty_or_left_out() {
    let live =
        json!({"tags": {"a": "1", "b": "2"}, "properties": {"apiServerAccessProfile": {"authorizedIPRanges": ["x"]}}});
    let paths = ["/tags/a", "/properties/apiServerAccessProfile/authorizedIPRanges", "/tags/c"]
        .map(|path| path.parse().expect("a path"));
    let body = merged(&live, &json!({}), &paths, Family::Cluster);
    assert_eq!(body, json!({"tags": {"b": "2"}, "properties": {"apiServerAccessProfile": {"authorizedIPRanges": []}}}));
    let off = json!({"properties": {"enableAutoScaling": false}});
    let scaled = json!({"properties": {"enableAutoScaling": true, "minCount": 1, "maxCount": 3, "count": 2}});
    assert_eq!(
        merged(&scaled, &off, &[], Family::Pool),
        json!({"properties": {"enableAutoScaling": false, "count": 2}})
    );
}

/// A body as Azure might have it: known and unknown properties, read-only ones, pools.
fn bodies() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Json::from),
        (0_i64..9).prop_map(Json::from),
        "[a-c]{0,3}".prop_map(Json::from)
    ];
    let key = prop::sample::select(vec![
        "provisioningState",
        "eTag",
        "fqdn",
        "dnsPrefix",
        "count",
        "vmSize",
        "gpuProfile",
        "unknown",
        "networkProfile",
        "tags",
        "powerState",
        "nodeImageVersion",
        "currentKubernetesVersion",
        "id",
        "name",
        "type",
        "minCount",
    ]);
    let inner = leaf.prop_recursive(2, 12, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Json::from),
            prop::collection::btree_map(key.clone().prop_map(str::to_owned), inner, 0..4).prop_map(|map| json!(map)),
        ]
    });
    let properties = prop::collection::btree_map(
        prop::sample::select(vec![
            "provisioningState",
            "fqdn",
            "dnsPrefix",
            "networkProfile",
            "unknown",
            "resourceUID",
            "powerState",
        ])
        .prop_map(str::to_owned),
        inner.clone(),
        0..6,
    );
    let pools = prop::collection::btree_map(
        "[p-r]",
        prop::collection::btree_map(
            prop::sample::select(vec!["count", "vmSize", "provisioningState", "unknown", "eTag"])
                .prop_map(str::to_owned),
            inner,
            0..4,
        ),
        0..3,
    );
    (properties, pools, any::<bool>()).prop_map(|(properties, pools, tags)| {
        let pools: Vec<Json> = pools
            .into_iter()
            .map(|(name, mut pool)| {
                pool.insert("name".to_owned(), json!(name));
                json!(pool)
            })
            .collect();
        let mut body =
            json!({"id": "/x", "name": "x", "type": "t", "location": "l", "eTag": "e", "properties": properties});
        body["properties"]["agentPoolProfiles"] = json!(pools);
        if tags {
            body["tags"] = json!({"a": "b"});
        }
        body
    })
}

/// Whether Azure alone writes this path of a cluster, said in another way than the code does.
fn is_azures(path: &Path) -> bool {
    let text = path.to_string();
    let plain = match crate::leaves::pool_of(path) {
        Some(name) => text.replace(&format!("/properties/agentPoolProfiles[name={name}]"), "pool:"),
        None => text,
    };
    let own = [
        "/id",
        "/name",
        "/type",
        "/eTag",
        "/properties/provisioningState",
        "/properties/fqdn",
        "/properties/resourceUID",
        "/properties/powerState",
        "pool:/provisioningState",
        "pool:/eTag",
    ];
    own.iter().any(|prefix| plain == *prefix || plain.starts_with(&format!("{prefix}/")))
}

proptest! {
    /// The body of a PUT is the raw GET, with what is stated put in, without what only Azure writes; nothing else.
    #[test]
    fn a_put_is_the_raw_get_with_what_is_stated(live in bodies(), stated in bodies()) {
        let body = merged(&live, &stated, &[], Family::Cluster);
        let there = |path: &Path| crate::leaves::pool_of(path).is_none_or(|name| {
            Path::keys(["properties", "agentPoolProfiles"]).join(pool_segment(name)).get(&live).is_some()
        });
        for (path, value) in crate::leaves::leaves(&stated, &[]) {
            // An empty map that is stated asks for nothing of the live one.
            let asks_nothing = *value == json!({}) && path.get(&live).is_some_and(Json::is_object);
            if there(&path) && !is_azures(&path) && !asks_nothing {
                prop_assert_eq!(path.get(&body), Some(value), "stated {}", path);
            }
        }
        for (path, value) in crate::leaves::leaves(&live, &[]) {
            // What is stated may replace what was above or below it.
            let touched = crate::leaves::leaves(&stated, &[])
                .iter()
                .any(|(at, stated)| at.starts_with(&path) || (path.starts_with(at) && **stated != json!({})));
            if !touched && !is_azures(&path) {
                prop_assert_eq!(path.get(&body), Some(value), "live {}", path);
            }
        }
        for (path, _) in crate::leaves::leaves(&body, &[]) {
            prop_assert!(!is_azures(&path), "{} is Azure's", path);
            prop_assert!(path.get(&live).is_some() || path.get(&stated).is_some() || path.get(&body) == Some(&json!({})), "{} comes from nowhere", path);
        }
    }
}
