//! The network profile of a cluster.

use serde_json::{Value, json};

use super::pool_body::invalid;
use super::state::{Object, object, text};
use super::wire::Refusal;

/// Reads the network profile of a new cluster, and fills in what AKS does.
pub(crate) fn settle(sent: &Object) -> Result<Object, Refusal> {
    let mut network = sent.clone();
    let default = |network: &mut Object, key: &str, value: Value| {
        network.entry(key).or_insert(value);
    };
    match text(sent, "networkPlugin") {
        "" => {
            default(&mut network, "networkPlugin", json!("azure"));
            default(&mut network, "networkPluginMode", json!("overlay"));
            default(&mut network, "networkDataplane", json!("azure"));
        }
        "azure" => default(&mut network, "networkDataplane", json!("azure")),
        "kubenet" | "none" => {}
        other => {
            let why = format!("The network plugin '{other}' is not one of azure, kubenet, none.");
            return Err(invalid("networkProfile.networkPlugin", &why));
        }
    }
    default(&mut network, "networkPolicy", json!("none"));
    default(&mut network, "outboundType", json!("loadBalancer"));
    let balancer = text(&network, "loadBalancerSku").to_ascii_lowercase();
    match balancer.as_str() {
        "" | "standard" => network.insert("loadBalancerSku".into(), json!("standard")),
        _ => {
            return Err(invalid("networkProfile.loadBalancerSku", "The load balancer SKU must be standard."));
        }
    };
    if text(&network, "outboundType") == "loadBalancer" {
        let mut profile = object(&network, "loadBalancerProfile");
        if !["managedOutboundIPs", "outboundIPs", "outboundIPPrefixes"].iter().any(|key| profile.contains_key(*key)) {
            profile.insert("managedOutboundIPs".into(), json!({"count": 1}));
        }
        profile.entry("backendPoolType").or_insert(json!("nodeIPConfiguration"));
        network.insert("loadBalancerProfile".into(), Value::Object(profile));
    }
    default(&mut network, "serviceCidr", json!("10.0.0.0/16"));
    default(&mut network, "dnsServiceIP", json!("10.0.0.10"));
    let pods = text(&network, "networkPlugin") == "kubenet" || text(&network, "networkPluginMode") == "overlay";
    if pods {
        default(&mut network, "podCidr", json!("10.244.0.0/16"));
        let range = network.get("podCidr").cloned().unwrap_or_default();
        default(&mut network, "podCidrs", json!([range]));
    }
    let range = network.get("serviceCidr").cloned().unwrap_or_default();
    default(&mut network, "serviceCidrs", json!([range]));
    default(&mut network, "ipFamilies", json!(["IPv4"]));
    Ok(network)
}

/// Pods of a node, when nobody says.
pub(crate) fn max_pods(network: &Object) -> u32 {
    match (text(network, "networkPlugin"), text(network, "networkPluginMode")) {
        (_, "overlay") | ("none", _) => 250,
        ("kubenet", _) => 110,
        _ => 30,
    }
}
