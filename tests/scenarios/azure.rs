//! Resources of Azure that are not clusters.

use kfplan_tests::{Cloud, Place};
use serde_json::json;

const STACK: &str = r#"[stack]
name = "net"

[azure]
subscription = "Sandbox"

[resource_group.main]
name     = "Net"
location = "westus2"

[azure_resource.vnet]
type        = "Microsoft.Network/virtualNetworks"
api_version = "2024-05-01"
parent      = "${resource_group.main}"
name        = "vnet"
location    = "westus2"
body_file   = "vnet.json"
"#;
const VNET: &str = "/resourcegroups/Net/providers/Microsoft.Network/virtualNetworks/vnet?api-version=2024-05-01";

#[test]
fn a_body_from_a_file_is_created_changed_watched_and_taken_down() {
    let place = Place::new();
    place.write("kfplan.toml", STACK);
    let body = |prefix: &str| json!({"properties": {"addressSpace": {"addressPrefixes": [prefix]}}}).to_string();
    place.write("vnet.json", &body("10.1.0.0/16"));
    let _ = place.run(&["apply", "--sandbox", "--auto-approve"]).exits(0).says("2 changes done");
    let _ = place.run(&["plan", "--sandbox", "--exit-code"]).exits(0).says("Nothing to do");
    let cloud = Cloud::serve(&place);
    let prefixes = || cloud.azure("GET", VNET, None).1["properties"]["addressSpace"]["addressPrefixes"].clone();
    assert_eq!(prefixes(), json!(["10.1.0.0/16"]));

    place.write("vnet.json", &body("10.2.0.0/16"));
    let _ = place.run(&["plan", "--sandbox", "--exit-code"]).exits(2).says("addressPrefixes").says("1 to update");
    let _ = place.run(&["apply", "--sandbox", "--auto-approve"]).exits(0);
    assert_eq!(prefixes(), json!(["10.2.0.0/16"]));
    let _ = place.run(&["drift", "--sandbox"]).exits(0);

    let _ = place.run(&["destroy", "--sandbox", "--auto-approve"]).exits(0);
    assert_eq!(cloud.listing(), Vec::<serde_json::Value>::new());
}

#[test]
fn a_body_file_that_is_no_body_is_named() {
    let place = Place::new();
    place.write("kfplan.toml", STACK);
    for (text, reason) in [("[1]", "it holds no JSON object"), ("{", "it is not JSON")] {
        place.write("vnet.json", text);
        let plan = place.run(&["plan", "--sandbox"]).exits(1);
        let _ = plan.says("`vnet.json` of `azure_resource.vnet` is no body").says(reason);
    }
}
