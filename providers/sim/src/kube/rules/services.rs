//! Addresses and ports of Services, handed out by the server.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{default, items, list, text};
use crate::kube::status::FieldError;

/// The table of services.
const STORE: &str = "/services";

/// Hands out addresses in 10.0.0.0/16 and node ports, none twice.
#[derive(Debug, Default)]
pub(crate) struct Allocator {
    addresses: BTreeSet<u32>,
    ports: BTreeSet<u64>,
}

impl Allocator {
    /// What the services of a cluster have already, but for one of them.
    pub(crate) fn of(cluster: &crate::kube::cluster::Cluster, except: (&str, &str)) -> Allocator {
        let mut out = Allocator::default();
        for (_, service) in cluster.objects(STORE, "", None) {
            if (text(service, "/metadata/namespace"), text(service, "/metadata/name")) == except {
                continue;
            }
            out.addresses.extend(address(text(service, "/spec/clusterIP")));
            for port in list(service, "/spec/ports") {
                out.ports.extend(port.get("nodePort").and_then(Value::as_u64));
            }
        }
        out
    }

    /// Gives a service what its type asks for.
    pub(crate) fn allocate(&mut self, service: &mut Value, minor: u32) -> Vec<FieldError> {
        let kind = text(service, "/spec/type").to_owned();
        let name = format!("{}/{}", text(service, "/metadata/namespace"), text(service, "/metadata/name"));
        let Some(spec) = service.get_mut("spec") else { return Vec::new() };
        let mut errors = Vec::new();
        if kind == "ExternalName" {
            return errors;
        }
        let asked = text(spec, "/clusterIP").to_owned();
        let given = match asked.as_str() {
            "" => show(self.free_address(&name)),
            "None" => "None".to_owned(),
            taken => match address(taken) {
                None => {
                    errors.push(FieldError::invalid(
                        "spec.clusterIPs",
                        json!([taken]),
                        format!("failed to allocate IP {taken}: the provided network does not match the current range"),
                    ));
                    taken.to_owned()
                }
                Some(number) if self.addresses.contains(&number) => {
                    errors.push(FieldError::invalid(
                        "spec.clusterIPs",
                        json!([taken]),
                        "failed to allocate IP ".to_owned() + taken + ": provided IP is already allocated",
                    ));
                    taken.to_owned()
                }
                Some(_) => taken.to_owned(),
            },
        };
        if let Some(map) = spec.as_object_mut() {
            map.insert("clusterIP".into(), json!(given));
            if minor >= 20 {
                map.insert("clusterIPs".into(), json!([given]));
            }
        }
        if minor >= 20 {
            default(spec, "ipFamilies", json!(["IPv4"]));
            default(spec, "ipFamilyPolicy", "SingleStack");
        }
        if matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
            self.node_ports(spec, &name, &mut errors);
        }
        errors
    }

    fn node_ports(&mut self, spec: &mut Value, name: &str, errors: &mut Vec<FieldError>) {
        let local = text(spec, "/externalTrafficPolicy") == "Local" && text(spec, "/type") == "LoadBalancer";
        // Those that are asked for go first, so that none of them is handed out.
        for (index, port) in items(spec, "ports").enumerate() {
            match port.get("nodePort").and_then(Value::as_u64).filter(|number| *number != 0) {
                Some(number) if self.ports.contains(&number) => {
                    errors.push(FieldError::invalid(
                        format!("spec.ports[{index}].nodePort"),
                        number,
                        "provided port is already allocated",
                    ));
                }
                Some(number) if !(30_000..=32_767).contains(&number) => {
                    let detail = "provided port is not in the valid range. The range of valid ports is 30000-32767";
                    errors.push(FieldError::invalid(format!("spec.ports[{index}].nodePort"), number, detail));
                }
                Some(number) => {
                    self.ports.insert(number);
                }
                None => {}
            }
        }
        for (index, port) in items(spec, "ports").enumerate() {
            if port.get("nodePort").and_then(Value::as_u64).unwrap_or(0) == 0 {
                default_number(port, "nodePort", self.free_port(&format!("{name}/{index}")));
            }
        }
        if local {
            let number = self.free_port(&format!("{name}/health"));
            default(spec, "healthCheckNodePort", number);
        }
    }

    fn free_address(&mut self, seed: &str) -> u32 {
        const FIRST: u32 = 0x0a00_0100;
        const MANY: u32 = 0xfe00;
        let start = hash(seed) % MANY;
        let found =
            (0..MANY).map(|step| FIRST + (start + step) % MANY).find(|address| !self.addresses.contains(address));
        let address = found.unwrap_or(FIRST);
        self.addresses.insert(address);
        address
    }

    fn free_port(&mut self, seed: &str) -> u64 {
        let start = u64::from(hash(seed) % 2_768);
        let found = (0..2_768).map(|step| 30_000 + (start + step) % 2_768).find(|port| !self.ports.contains(port));
        let port = found.unwrap_or(30_000);
        self.ports.insert(port);
        port
    }
}

/// The same number for the same text, everywhere.
fn hash(text: &str) -> u32 {
    text.bytes().fold(2_166_136_261, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(16_777_619))
}

fn address(text: &str) -> Option<u32> {
    let address: std::net::Ipv4Addr = text.parse().ok()?;
    let number = u32::from(address);
    (number >> 16 == 0x0a00).then_some(number)
}

/// Sets a number where there is none, or zero.
fn default_number(object: &mut Value, key: &str, number: u64) {
    if let Some(map) = object.as_object_mut() {
        map.insert(key.to_owned(), json!(number));
    }
}

fn show(number: u32) -> String {
    std::net::Ipv4Addr::from(number).to_string()
}
