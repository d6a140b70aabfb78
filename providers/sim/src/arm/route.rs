//! From a path to what answers it.

use serde_json::json;

use super::faults::{AzureFault, Stage};
use super::limits::{self, Count};
use super::state::{Arm, group_key};
use super::wire::{Answer, Refusal, Segments, Style, finish, styled};
use super::{dns, regions, sizes, time, versions};
use crate::entra;
use crate::fleet::Fleet;
use crate::wire::{Request, Response};

/// A request with what was read out of it.
pub(crate) struct Asked<'a> {
    pub(crate) now: u64,
    pub(crate) request: &'a Request,
    pub(crate) method: &'a str,
    /// The subscription, in the spelling that the world knows it by.
    pub(crate) subscription: String,
}

impl Arm {
    /// Answers a request.
    pub(crate) fn respond(&mut self, now: u64, request: &Request, fleet: &mut dyn Fleet) -> Response {
        let answer = match entra::handle(&self.entra(now), request) {
            Some(answer) => answer,
            None => self.admitted(now, request, fleet),
        };
        let answer = answer.unwrap_or_else(|refusal| refusal.response());
        finish(answer, now, self.request_id(now, request))
    }

    /// Ids of requests follow from the request, so that asking changes nothing.
    fn request_id(&self, now: u64, request: &Request) -> String {
        let parts = [&self.dice.secret("requests")[..], &now.to_le_bytes(), request.path.as_bytes()];
        super::dice::guid_of(super::dice::digest(&parts))
    }

    fn admitted(&mut self, now: u64, request: &Request, fleet: &mut dyn Fleet) -> Answer {
        self.check_token(now, request)?;
        let segments = Segments::of(&request.path);
        let (lower, sent) = (segments.lower(), segments.sent());
        let method = request.method.as_str();
        check_version(request)?;
        match (method, lower.as_slice()) {
            ("GET", ["tenants"]) => return Ok(self.list_tenants()),
            ("GET", ["subscriptions"]) => return Ok(self.list_subscriptions()),
            (_, ["subscriptions", ..]) => {}
            _ => return Err(not_routed(request)),
        }
        let subscription = self.subscription(sent.get(1).copied().unwrap_or_default())?;
        let count = if dns::counts_apart(&lower) {
            if method == "GET" { Count::ResourceReads } else { Count::ResourceWrites }
        } else {
            Count::of(method)
        };
        let left = self.limits.take(&subscription, count, now)?;
        if let Some(refusal) = self.struck(Stage::Before).and_then(|fault| fault.refusal(&subscription, &request.path))
        {
            return Err(refusal);
        }
        let asked = Asked { now, request, method, subscription: subscription.clone() };
        let answer = self.dispatch(&asked, &lower, &sent, fleet);
        if answer.is_ok()
            && let Some(refusal) =
                self.struck(Stage::After).and_then(|fault| fault.refusal(&subscription, &request.path))
        {
            return Err(refusal);
        }
        let answer = answer.unwrap_or_else(|refusal| refusal.response());
        Ok(limits::tell(answer, count, left))
    }

    /// The fault that befalls the request at hand, if it shows at this stage.
    pub(crate) fn struck(&mut self, stage: Stage) -> Option<AzureFault> {
        self.fault.take_if(|fault| fault.stage() == stage)
    }

    fn dispatch(&mut self, asked: &Asked<'_>, lower: &[&str], sent: &[&str], fleet: &mut dyn Fleet) -> Answer {
        let name = |at: usize| sent.get(at).copied().unwrap_or_default();
        let rest = lower.get(2..).unwrap_or_default();
        match (asked.method, rest) {
            ("GET", []) => self.get_subscription(&asked.subscription),
            ("GET", ["locations"]) => Ok(styled(200, Style::Arm, &regions::list(&asked.subscription))),
            ("GET", ["resources"]) => self.list_resources(asked, None),
            (_, ["operationresults", _]) => self.group_result(asked.now, asked.request, name(3)),
            (_, ["resourcegroups"]) => self.list_groups(asked),
            (_, ["resourcegroups", _]) => self.group(asked, name(3)),
            ("GET", ["resourcegroups", _, "resources"]) => self.list_resources(asked, Some(name(3))),
            ("GET", ["providers"]) => self.list_providers(&asked.subscription),
            ("GET", ["providers", _]) => self.get_provider(&asked.subscription, name(3)),
            ("POST", ["providers", _, "register"]) => self.register(asked.now, &asked.subscription, name(3)),
            (_, ["providers", "microsoft.containerservice", rest @ ..]) => self.aks_in_subscription(asked, rest, sent),
            ("GET", ["providers", "microsoft.compute", rest @ ..]) => self.compute(asked, rest, sent),
            (_, ["resourcegroups", _, "providers", "microsoft.containerservice", "managedclusters", rest @ ..]) => {
                self.aks(asked, rest, sent, fleet)
            }
            (_, ["resourcegroups", _, "providers", _, _, ..]) => self.generic(asked, lower, sent),
            ("GET", ["providers", _, "locations", _, "operations", _]) => {
                self.provider_status(asked.now, asked.request, name(7))
            }
            ("GET", ["providers", _, "locations", _, "operationresults", _]) => {
                self.provider_result(asked.now, asked.request, name(7))
            }
            (_, ["providers", _, _, ..]) => self.generic(asked, lower, sent),
            _ => Err(not_routed(asked.request)),
        }
    }

    fn aks_in_subscription(&mut self, asked: &Asked<'_>, rest: &[&str], sent: &[&str]) -> Answer {
        let name = |at: usize| sent.get(at).copied().unwrap_or_default();
        match (asked.method, rest) {
            ("GET", ["managedclusters"]) => self.list_clusters(asked, None),
            ("GET", ["locations", location, "kubernetesversions"]) => {
                self.region(location)?;
                Ok(styled(200, Style::Aks, &versions::list(&time::month(asked.now))))
            }
            ("GET", ["locations", _, "operations", _]) => self.operation_status(asked.now, asked.request, name(7)),
            ("GET", ["locations", _, "operationresults", _]) => {
                self.operation_result(asked.now, asked.request, name(7))
            }
            _ => Err(not_routed(asked.request)),
        }
    }

    fn compute(&self, asked: &Asked<'_>, rest: &[&str], _sent: &[&str]) -> Answer {
        let month = time::month(asked.now);
        match rest {
            ["skus"] => {
                let filter = asked.request.parameter("$filter").unwrap_or_default();
                let only = filter.split('\'').nth(1).map(str::to_owned);
                let only = only.map(|text| self.region(&text)).transpose()?;
                Ok(styled(200, Style::Arm, &sizes::skus(only, &month)))
            }
            ["locations", location, "usages"] => {
                let location = self.region(location)?;
                Ok(styled(200, Style::Arm, &self.usages(&asked.subscription, location)))
            }
            ["locations", location, "vmsizes"] => {
                let offered = sizes::offered(self.region(location)?, &month);
                let each = offered.iter().filter_map(|name| sizes::size(name)).map(
                    |size| json!({"name": size.name, "numberOfCores": size.cores, "memoryInMB": size.memory * 1_024}),
                );
                Ok(styled(200, Style::Arm, &json!({"value": each.collect::<Vec<_>>()})))
            }
            _ => Err(not_routed(asked.request)),
        }
    }

    /// A region in Azure's spelling.
    pub(crate) fn region(&self, location: &str) -> Result<&'static str, Refusal> {
        regions::canonical(location).ok_or_else(|| {
            let message = format!("No registered resource provider found for location '{location}'.");
            Refusal::arm(400, "NoRegisteredProviderFound", message)
        })
    }

    fn subscription(&self, id: &str) -> Result<String, Refusal> {
        let shaped = id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        if !shaped {
            let message = format!("The provided subscription identifier '{id}' is malformed or invalid.");
            return Err(Refusal::arm(400, "InvalidSubscriptionId", message));
        }
        let known = self.settings.subscriptions.iter().find(|(known, _)| known.eq_ignore_ascii_case(id));
        known.map(|(known, _)| known.clone()).ok_or_else(|| {
            Refusal::arm(404, "SubscriptionNotFound", format!("The subscription '{id}' could not be found."))
        })
    }

    /// The key of a group that is there and stays.
    pub(crate) fn living_group(&self, subscription: &str, group: &str) -> Result<String, Refusal> {
        let key = group_key(subscription, group);
        match self.groups.get(&key) {
            None => Err(no_group(group)),
            Some(found) if found.deleting => Err(Refusal::arm(
                409,
                "ResourceGroupBeingDeleted",
                format!("The resource group '{group}' is in deprovisioning state and cannot perform this operation."),
            )),
            Some(_) => Ok(key),
        }
    }
}

pub(crate) fn no_group(group: &str) -> Refusal {
    Refusal::arm(404, "ResourceGroupNotFound", format!("Resource group '{group}' could not be found."))
}

/// ARM's answer for a resource that its provider need not be asked about.
pub(crate) fn no_resource(kind: &str, name: &str, group: &str) -> Refusal {
    let message = format!(
        "The Resource '{kind}/{name}' under resource group '{group}' was not found. For more details please go to \
         https://aka.ms/ARMResourceNotFoundFix"
    );
    Refusal::arm(404, "ResourceNotFound", message)
}

pub(crate) fn wrong_method(request: &Request) -> Refusal {
    let message = format!("The requested resource does not support http method '{}'.", request.method);
    Refusal::arm(405, "MethodNotAllowed", message)
}

fn not_routed(request: &Request) -> Refusal {
    let message = format!("No route was found for '{} {}'.", request.method, request.path);
    Refusal::arm(404, "InvalidResourceType", message)
}

/// Every request names the API version it speaks.
fn check_version(request: &Request) -> Result<(), Refusal> {
    let Some(version) = request.parameter("api-version") else {
        let message = "The api-version query parameter (?api-version=) is required for all requests.";
        return Err(Refusal::arm(400, "MissingApiVersionParameter", message));
    };
    let date = version.strip_suffix("-preview").unwrap_or(&version);
    let digits = |from: usize, to: usize| date.get(from..to).and_then(|part| part.parse::<u32>().ok());
    let shaped = date.len() == 10 && date.get(4..5) == Some("-") && date.get(7..8) == Some("-");
    let known = matches!(
        (digits(0, 4), digits(5, 7), digits(8, 10)),
        (Some(2014..=2026), Some(1..=12), Some(1..=31)) if shaped
    );
    if known {
        return Ok(());
    }
    let message = format!("The api-version '{version}' is invalid. It has the form YYYY-MM-DD or YYYY-MM-DD-preview.");
    Err(Refusal::arm(400, "InvalidApiVersionParameter", message))
}
