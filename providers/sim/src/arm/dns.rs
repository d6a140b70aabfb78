//! DNS: the provider behind the same front door whose preconditions were recorded, record sets and zones.
//!
//! It differs from AKS in all that can differ: eTags in header and body, long-running writes of private zones that
//! answer 202 with nothing in it and accept preconditions that do not hold, ids in a spelling of its own.

use serde_json::{Value, json};

use super::generic::Spot;
use super::operations::{Begin, Teller, Work};
use super::preconditions::Precondition;
use super::route::{Asked, no_resource, wrong_method};
use super::schema;
use super::state::{Arm, Object, Resource, object};
use super::time;
use super::wire::{Answer, Refusal, Style, body, put, styled};
use crate::wire::Response;

/// How long a private zone takes.
const ZONE: u64 = 25 * time::SECOND;

/// Whether requests on a path count as requests to a resource, not to the subscription.
pub(crate) fn counts_apart(lower: &[&str]) -> bool {
    let kind = |at: usize| lower.get(at).copied().unwrap_or_default();
    kind(5) == "microsoft.network"
        && matches!(
            kind(6),
            "dnszones" | "privatednszones" | "privatednsoperationstatuses" | "privatednsoperationresults"
        )
}

/// The id of the operation that a path asks about.
pub(crate) fn status_of<'a>(lower: &[&str], sent: &[&'a str]) -> Option<&'a str> {
    let asks = matches!(lower.get(6), Some(&("privatednsoperationstatuses" | "privatednsoperationresults")));
    sent.get(7).copied().filter(|_| asks && lower.get(5) == Some(&"microsoft.network"))
}

pub(crate) fn is_dns(spot: &Spot) -> bool {
    let zone = spot.pairs.first().map(|(kind, _)| kind.to_ascii_lowercase());
    spot.namespace.eq_ignore_ascii_case("Microsoft.Network")
        && spot.group.is_some()
        && matches!(zone.as_deref(), Some("dnszones" | "privatednszones"))
}

fn is_private(spot: &Spot) -> bool {
    spot.pairs.first().is_some_and(|(kind, _)| kind.eq_ignore_ascii_case("privateDnsZones"))
}

impl Arm {
    pub(crate) fn dns(&mut self, asked: &Asked<'_>, spot: &Spot) -> Answer {
        let zone = spot.pairs.len() == 1;
        match asked.method {
            "GET" => {
                let found = self.resources.get(&spot.key()).ok_or_else(|| absent(asked, spot))?;
                Ok(written(200, found))
            }
            "PUT" if zone && is_private(spot) => self.put_private_zone(asked, spot),
            "PUT" => self.put_record(asked, spot),
            "DELETE" if zone && is_private(spot) => self.delete_private_zone(asked, spot),
            "DELETE" => {
                if self.condition(asked, spot)? != Precondition::Holds {
                    return Err(modified(spot));
                }
                let gone = self.remove_resource(&spot.key());
                Ok(Response::empty(if gone { 200 } else { 204 }))
            }
            _ => Err(wrong_method(asked.request)),
        }
    }

    /// A zone is written by an operation; a precondition that does not hold is accepted, and fails it.
    fn put_private_zone(&mut self, asked: &Asked<'_>, spot: &Spot) -> Answer {
        let sent = schema::without_nulls(body(asked.request)?);
        self.check_ground(asked, spot)?;
        let holds = self.condition(asked, spot)? == Precondition::Holds;
        let stored = zone_body(spot, &sent);
        let work = if holds { Work::Settle(spot.key(), Some(stored)) } else { Work::Nothing };
        let id = self.begin_dns(asked, spot, work);
        if !holds {
            let message = format!("The Zone {} has been modified (etag mismatch).", spot.name());
            self.doom(&id, "PreconditionFailed", &message);
        }
        let answer = styled(202, Style::Dns, &json!({}));
        Ok(self.accepted(asked, &id, answer))
    }

    fn delete_private_zone(&mut self, asked: &Asked<'_>, spot: &Spot) -> Answer {
        if !self.resources.contains_key(&spot.key()) {
            return Ok(Response::empty(204));
        }
        let id = self.begin_dns(asked, spot, Work::Settle(spot.key(), None));
        Ok(self.accepted(asked, &id, Response::empty(202)))
    }

    fn begin_dns(&mut self, asked: &Asked<'_>, spot: &Spot, work: Work) -> String {
        let place = spot.group.as_deref().unwrap_or_default();
        let begin = Begin { subscription: &asked.subscription, place, teller: Teller::Dns, work, lasts: ZONE };
        self.begin(asked.now, begin)
    }

    fn put_record(&mut self, asked: &Asked<'_>, spot: &Spot) -> Answer {
        let sent = schema::without_nulls(body(asked.request)?);
        self.check_ground(asked, spot)?;
        if self.condition(asked, spot)? != Precondition::Holds {
            return Err(modified(spot));
        }
        let status = if self.resources.contains_key(&spot.key()) { 200 } else { 201 };
        let id = canonical_id(spot);
        let body = if spot.pairs.len() == 1 { public_zone(&sent) } else { record_body(spot, &sent) };
        let etag = self.dice.guid();
        let resource = Resource { id, body, etag, deleting: false };
        let answer = written(status, &resource);
        self.resources.insert(spot.key(), resource);
        Ok(answer)
    }
}

fn written(status: u16, resource: &Resource) -> Response {
    let mut body = resource.render();
    put(&mut body, "etag", json!(resource.etag));
    styled(status, Style::Dns, &body).with("etag", resource.etag.clone())
}

/// Public zones say `dnszones` in lower case, and types of records are in upper case.
fn canonical_id(spot: &Spot) -> String {
    let mut spot = spot.clone();
    let private = is_private(&spot);
    for (at, (kind, _)) in spot.pairs.iter_mut().enumerate() {
        *kind = match at {
            0 if private => "privateDnsZones".into(),
            0 => "dnszones".into(),
            _ => kind.to_ascii_uppercase(),
        };
    }
    spot.id()
}

fn zone_body(spot: &Spot, sent: &Object) -> Value {
    let mut body = sent.clone();
    body.retain(|key, _| matches!(key.as_str(), "location" | "tags"));
    body.insert("id".into(), json!(canonical_id(spot)));
    body.insert(
        "properties".into(),
        json!({
            "maxNumberOfRecordSets": 25_000, "maxNumberOfVirtualNetworkLinks": 1_000,
            "maxNumberOfVirtualNetworkLinksWithRegistration": 100, "numberOfRecordSets": 1,
            "numberOfVirtualNetworkLinks": 0, "numberOfVirtualNetworkLinksWithRegistration": 0,
            "provisioningState": "Succeeded",
        }),
    );
    Value::Object(body)
}

fn public_zone(sent: &Object) -> Object {
    let mut body = sent.clone();
    body.retain(|key, _| matches!(key.as_str(), "location" | "tags" | "properties"));
    let properties = body.entry("properties").or_insert(json!({}));
    put(properties, "maxNumberOfRecordSets", json!(10_000));
    put(properties, "numberOfRecordSets", json!(2));
    put(properties, "nameServers", json!(["ns1-01.azure-dns.com.", "ns2-01.azure-dns.net."]));
    body
}

fn record_body(spot: &Spot, sent: &Object) -> Object {
    let mut properties = object(sent, "properties");
    let zone = spot.pairs.first().map_or("", |(_, name)| name);
    let kind = spot.pairs.last().map(|(kind, _)| kind.to_ascii_uppercase()).unwrap_or_default();
    properties.insert("fqdn".into(), json!(format!("{}.{zone}.", spot.name())));
    if is_private(spot) {
        let records = format!("{}Records", kind.to_ascii_lowercase());
        properties.entry(records).or_insert(json!([]));
        properties.entry("ttl").or_insert(json!(3_600));
        properties.insert("isAutoRegistered".into(), json!(false));
    } else {
        properties.entry("TTL").or_insert(json!(3_600));
        properties.entry("targetResource").or_insert(json!({}));
        properties.insert("provisioningState".into(), json!("Succeeded"));
    }
    let mut body = Object::new();
    body.insert("properties".into(), Value::Object(properties));
    body
}

fn absent(asked: &Asked<'_>, spot: &Spot) -> Refusal {
    let group = spot.group.as_deref().unwrap_or_default();
    if spot.pairs.len() == 1 {
        return no_resource(&spot.kind(), spot.name(), group);
    }
    let message = format!(
        "The resource record '{}' does not exist in resource group '{group}' of subscription '{}'.",
        spot.name(),
        asked.subscription
    );
    Refusal::dns(404, "NotFound", message)
}

fn modified(spot: &Spot) -> Refusal {
    let what = if spot.pairs.len() == 1 { "Zone" } else { "Record set" };
    Refusal::dns(412, "PreconditionFailed", format!("The {what} {} has been modified (etag mismatch).", spot.name()))
}
