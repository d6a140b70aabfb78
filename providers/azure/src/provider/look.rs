//! Looking: one GET for each resource, one paged list for what a group holds.

use kfplan_plan::{ArmLocator, Container, Live, Locator, Observation, Trouble};
use serde_json::Value as Json;

use super::{Azure, LIST_VERSION, place};
use crate::client::Answer;
use crate::id::ArmId;

/// What a body says of its identity and version.
pub(super) fn live(id: &ArmId, body: Json) -> Live {
    let text = |pointer: &str| body.pointer(pointer).and_then(Json::as_str).map(str::to_owned);
    // Another resource of the same name has another one of these; where Azure gives neither, the id has to do.
    let born = text("/properties/resourceUID").or_else(|| text("/systemData/createdAt"));
    let uid = match born {
        Some(born) => format!("{}#{born}", id.key()),
        None => id.key().to_owned(),
    };
    let version = ["/eTag", "/etag", "/properties/eTag"].into_iter().find_map(text);
    Live { uid: Some(uid), version, body }
}

impl Azure {
    pub(super) async fn look(&self, locator: &Locator) -> Observation {
        match self.fetch(locator).await {
            Err(trouble) => Observation::Failed(trouble),
            Ok((_, answer)) if answer.is_absent() => Observation::Absent,
            Ok((_, answer)) if answer.status == 403 => Observation::Denied(answer.fault().message),
            Ok((id, answer)) if answer.is_success() => Observation::Present(Box::new(live(&id, answer.body))),
            Ok((id, answer)) => Observation::Failed(answer.trouble(&format!("looking at `{id}`"))),
        }
    }

    async fn fetch(&self, locator: &Locator) -> Result<(ArmId, Answer), Trouble> {
        let (id, api_version) = place(locator)?;
        let answer = self.client.get(id.as_str(), api_version).await?;
        Ok((id, answer))
    }

    /// What is there now: nothing, or something; or why that cannot be told.
    pub(super) async fn now(&self, locator: &Locator) -> Result<Now, Trouble> {
        let (id, answer) = self.fetch(locator).await?;
        if let Some(after) = answer.throttled() {
            return Ok(Now::Throttled(after));
        }
        if answer.is_absent() {
            return Ok(Now::Absent);
        }
        if answer.is_success() {
            return Ok(Now::There(Box::new(live(&id, answer.body))));
        }
        Err(answer.trouble(&format!("looking at `{id}`")))
    }

    pub(super) async fn contents(&self, container: &Container) -> Result<Vec<(Locator, Live)>, Trouble> {
        let Container::Group(group) = container else { return Ok(Vec::new()) };
        let found = self.client.list(&format!("{}/resources", group.id), LIST_VERSION, "").await?;
        Ok(found
            .into_iter()
            .filter_map(|body| {
                let id = ArmId::new(body.get("id")?.as_str()?);
                let api_version = match id.family() {
                    crate::id::Family::Cluster | crate::id::Family::Pool => crate::kinds::AKS_API_VERSION,
                    crate::id::Family::Group => crate::kinds::GROUP_API_VERSION,
                    crate::id::Family::Other => LIST_VERSION,
                };
                let locator = ArmLocator { id: id.as_str().to_owned(), api_version: api_version.to_owned() };
                Some((Locator::Arm(locator), live(&id, body)))
            })
            .collect())
    }
}

/// What is there now.
pub(super) enum Now {
    /// Nothing.
    Absent,
    /// Something.
    There(Box<Live>),
    /// Azure asks for patience.
    Throttled(std::time::Duration),
}
