//! Which resource providers a subscription may use.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::operations::{Begin, Teller, Work};
use super::regions::REGIONS;
use super::state::Arm;
use super::time;
use super::wire::{Answer, Refusal, Style, styled};

/// Providers that every subscription has, and those a sandbox begins with.
const KNOWN: [(&str, &[&str]); 10] = [
    ("Microsoft.Authorization", &["roleAssignments", "roleDefinitions", "locks"]),
    ("Microsoft.Compute", &["virtualMachines", "virtualMachineScaleSets", "disks"]),
    ("Microsoft.ContainerService", &["managedClusters", "managedClusters/agentPools", "snapshots"]),
    ("Microsoft.KeyVault", &["vaults"]),
    ("Microsoft.ManagedIdentity", &["userAssignedIdentities", "userAssignedIdentities/federatedIdentityCredentials"]),
    ("Microsoft.Network", &["virtualNetworks", "publicIPAddresses", "loadBalancers", "privateDnsZones", "dnsZones"]),
    ("Microsoft.OperationalInsights", &["workspaces"]),
    ("Microsoft.OperationsManagement", &["solutions"]),
    ("Microsoft.Resources", &["resourceGroups", "deployments"]),
    ("Microsoft.Storage", &["storageAccounts"]),
];
/// How long it takes to register one.
const REGISTERING: u64 = time::MINUTE;

/// Registration by `subscription/namespace` in lower case; what is not in here is registered when it is known.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Registrations {
    changed: BTreeMap<String, Registration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Registration {
    Registered,
    Registering,
    NotRegistered,
}

impl Registrations {
    pub(crate) fn set(&mut self, key: &str, registered: bool) {
        let state = if registered { Registration::Registered } else { Registration::NotRegistered };
        self.changed.insert(key.to_owned(), state);
    }

    fn of(&self, subscription: &str, namespace: &str) -> Registration {
        let key = key(subscription, namespace);
        let known = KNOWN.iter().any(|(name, _)| name.eq_ignore_ascii_case(namespace));
        let usual = if known { Registration::Registered } else { Registration::NotRegistered };
        self.changed.get(&key).copied().unwrap_or(usual)
    }
}

fn key(subscription: &str, namespace: &str) -> String {
    format!("{subscription}/{namespace}").to_ascii_lowercase()
}

impl Arm {
    /// Takes a provider from a subscription, as if nobody had registered it yet.
    pub fn unregister(&mut self, subscription: &str, namespace: &str) {
        self.registrations.set(&key(subscription, namespace), false);
    }

    /// Refuses a write to a provider that is not registered.
    pub(crate) fn check_registered(&self, subscription: &str, namespace: &str) -> Result<(), Refusal> {
        if self.registrations.of(subscription, namespace) == Registration::Registered {
            return Ok(());
        }
        let message = format!(
            "The subscription is not registered to use namespace '{namespace}'. \
             See https://aka.ms/rps-not-found for how to register subscriptions."
        );
        Err(Refusal::arm(409, "MissingSubscriptionRegistration", message))
    }

    pub(crate) fn list_providers(&self, subscription: &str) -> Answer {
        let all: Vec<Value> = KNOWN.iter().map(|(name, types)| self.provider(subscription, name, types)).collect();
        Ok(styled(200, Style::Arm, &json!({ "value": all })))
    }

    pub(crate) fn get_provider(&self, subscription: &str, namespace: &str) -> Answer {
        let (name, types) = known(namespace)?;
        Ok(styled(200, Style::Arm, &self.provider(subscription, name, types)))
    }

    pub(crate) fn register(&mut self, now: u64, subscription: &str, namespace: &str) -> Answer {
        let (name, types) = known(namespace)?;
        if self.registrations.of(subscription, name) == Registration::NotRegistered {
            let key = key(subscription, name);
            self.registrations.changed.insert(key.clone(), Registration::Registering);
            let work = Work::Register(key);
            self.begin(now, Begin { subscription, place: "global", teller: Teller::Aks, work, lasts: REGISTERING });
        }
        Ok(styled(200, Style::Arm, &self.provider(subscription, name, types)))
    }

    fn provider(&self, subscription: &str, name: &str, types: &[&str]) -> Value {
        let state = match self.registrations.of(subscription, name) {
            Registration::Registered => "Registered",
            Registration::Registering => "Registering",
            Registration::NotRegistered => "NotRegistered",
        };
        let locations = REGIONS.map(|region| region.display);
        let types = types.iter().map(|kind| {
            json!({
                "resourceType": kind, "locations": locations, "capabilities": "SupportsTags, SupportsLocation",
                "apiVersions": ["2026-07-01", "2025-03-01", "2024-11-01", "2023-01-01", "2021-04-01"],
            })
        });
        json!({
            "id": format!("/subscriptions/{subscription}/providers/{name}"), "namespace": name,
            "registrationPolicy": "RegistrationRequired", "registrationState": state,
            "resourceTypes": types.collect::<Vec<_>>(),
        })
    }
}

fn known(namespace: &str) -> Result<(&'static str, &'static [&'static str]), Refusal> {
    let found = KNOWN.iter().find(|(name, _)| name.eq_ignore_ascii_case(namespace));
    found.copied().ok_or_else(|| {
        let message = format!("The resource namespace '{namespace}' is invalid.");
        Refusal::arm(404, "InvalidResourceNamespace", message)
    })
}
