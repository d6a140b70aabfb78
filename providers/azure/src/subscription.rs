//! Subscriptions: by id or by display name, never the one that some tool has selected.

use serde_json::Value as Json;

use crate::client::ArmClient;
use crate::error::AzureError;

const API_VERSION: &str = "2022-12-01";

/// A subscription that can be seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subscription {
    /// Its id.
    pub id: String,
    /// Its display name.
    pub name: String,
    /// Its tenant.
    pub tenant: String,
    /// Such as `Enabled`.
    pub state: String,
}

impl ArmClient {
    /// Every subscription that can be seen, by name.
    ///
    /// # Errors
    ///
    /// [`AzureError::Call`] when the list cannot be had.
    pub async fn subscriptions(&self) -> Result<Vec<Subscription>, AzureError> {
        let listed = self.list("/subscriptions", API_VERSION, "").await?;
        let text = |body: &Json, key: &str| body.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
        let mut found: Vec<Subscription> = listed
            .iter()
            .map(|body| Subscription {
                id: text(body, "subscriptionId"),
                name: text(body, "displayName"),
                tenant: text(body, "tenantId"),
                state: text(body, "state"),
            })
            .collect();
        found.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(found)
    }

    /// The subscription that a stack names, by id or display name.
    ///
    /// # Errors
    ///
    /// [`AzureError::UnknownSubscription`], [`AzureError::AmbiguousSubscription`], and [`AzureError::DisabledSubscription`]
    /// when there is no, more than one, or no usable subscription of this name; [`AzureError::Call`] when the list cannot be had.
    pub async fn subscription(&self, wanted: &str) -> Result<Subscription, AzureError> {
        let mut all = self.subscriptions().await?;
        let by_id = all.iter().position(|one| one.id.eq_ignore_ascii_case(wanted));
        let mut named = (0..all.len()).filter(|&at| all.get(at).is_some_and(|one| one.name == wanted));
        let place = match (by_id, named.next(), named.next()) {
            (Some(place), _, _) | (None, Some(place), None) => place,
            (None, Some(_), Some(_)) => {
                let ids = all.into_iter().filter(|one| one.name == wanted).map(|one| one.id).collect();
                return Err(AzureError::AmbiguousSubscription { wanted: wanted.to_owned(), ids });
            }
            (None, None, _) => {
                let known = all.iter().map(|one| format!("{} ({})", one.name, one.id)).collect();
                return Err(AzureError::UnknownSubscription { wanted: wanted.to_owned(), known });
            }
        };
        let found = all.swap_remove(place);
        // Past due and warned ones work still.
        if matches!(found.state.as_str(), "Disabled" | "Deleted") {
            return Err(AzureError::DisabledSubscription { id: found.id, state: found.state });
        }
        Ok(found)
    }
}
