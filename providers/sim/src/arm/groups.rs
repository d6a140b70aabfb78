//! Resource groups, and what lies in them.

use serde_json::{Value, json};

use super::operations::{Begin, Outcome, Teller, Work};
use super::regions;
use super::route::{Asked, no_group, wrong_method};
use super::schema;
use super::state::{Arm, Group, Object, State, group_key, object, text};
use super::time;
use super::wire::{Answer, Refusal, Style, body, put, styled};
use crate::wire::{Request, Response};

/// How long an empty group takes to go.
const EMPTY: u64 = 16 * time::SECOND;
/// How long one with resources takes.
const FULL: u64 = time::MINUTE;
/// How long one with clusters takes.
const WITH_CLUSTERS: u64 = 5 * time::MINUTE;
/// Entries of a page of groups or resources.
const PAGE: usize = 100;

impl Arm {
    pub(crate) fn group(&mut self, asked: &Asked<'_>, name: &str) -> Answer {
        match asked.method {
            "PUT" => self.put_group(asked, name),
            "GET" => {
                let found = self.groups.get(&group_key(&asked.subscription, name)).ok_or_else(|| no_group(name))?;
                Ok(styled(200, Style::Arm, &found.render()))
            }
            "HEAD" => {
                let there = self.groups.contains_key(&group_key(&asked.subscription, name));
                Ok(Response::empty(if there { 204 } else { 404 }))
            }
            "PATCH" => self.patch_group(asked, name),
            "DELETE" => self.delete_group(asked, name),
            _ => Err(wrong_method(asked.request)),
        }
    }

    fn put_group(&mut self, asked: &Asked<'_>, name: &str) -> Answer {
        check_name(name)?;
        let sent = schema::without_nulls(body(asked.request)?);
        let location = match text(&sent, "location") {
            "" => {
                return Err(Refusal::arm(
                    400,
                    "LocationRequired",
                    "The location property is required for this definition.",
                ));
            }
            stated => group_location(stated)?,
        };
        let tags = sent.get("tags").and_then(Value::as_object).cloned();
        schema::check_tags(tags.as_ref().unwrap_or(&Object::new()))?;
        let key = group_key(&asked.subscription, name);
        if let Some(group) = self.groups.get_mut(&key) {
            if group.location != location {
                let message = format!(
                    "Invalid resource group location '{location}'. The Resource group already exists in location '{}'.",
                    group.location
                );
                return Err(Refusal::arm(409, "InvalidResourceGroupLocation", message));
            }
            self.living_group(&asked.subscription, name)?;
            let group = self.groups.get_mut(&key).ok_or_else(|| no_group(name))?;
            group.tags = tags;
            return Ok(styled(200, Style::Arm, &group.render()));
        }
        let group = Group {
            subscription: asked.subscription.clone(),
            name: name.to_owned(),
            location: location.to_owned(),
            tags,
            managed_by: sent.get("managedBy").and_then(Value::as_str).map(str::to_owned),
            deleting: false,
        };
        let answer = styled(201, Style::Arm, &group.render());
        self.groups.insert(key, group);
        Ok(answer)
    }

    fn patch_group(&mut self, asked: &Asked<'_>, name: &str) -> Answer {
        let sent = body(asked.request)?;
        let key = self.living_group(&asked.subscription, name)?;
        let tags = schema::without_nulls(object(&sent, "tags"));
        schema::check_tags(&tags)?;
        let group = self.groups.get_mut(&key).ok_or_else(|| no_group(name))?;
        if sent.contains_key("tags") {
            group.tags = Some(tags);
        }
        Ok(styled(200, Style::Arm, &group.render()))
    }

    fn delete_group(&mut self, asked: &Asked<'_>, name: &str) -> Answer {
        let key = group_key(&asked.subscription, name);
        let group = self.groups.get_mut(&key).ok_or_else(|| no_group(name))?;
        let location = group.location.clone();
        let again = std::mem::replace(&mut group.deleting, true);
        let running = self
            .operations
            .values()
            .find(|operation| !operation.done && operation.work == Work::DeleteGroup(key.clone()));
        let id = match running {
            Some(operation) if again => operation.id.clone(),
            _ => {
                let lasts = self.condemn(asked.now, &key);
                let work = Work::DeleteGroup(key);
                let begin =
                    Begin { subscription: &asked.subscription, place: &location, teller: Teller::Group, work, lasts };
                self.begin(asked.now, begin)
            }
        };
        let location = self.result_url(&asked.request.base, &id, asked.now);
        Ok(Response::empty(202).with("location", location).with("retry-after", "15"))
    }

    /// Everything in a group begins to go: what runs on its clusters ends for good. Gives how long it takes.
    fn condemn(&mut self, now: u64, key: &str) -> u64 {
        let inside = format!("{key}/");
        let mut stopped = Vec::new();
        for (_, cluster) in self.clusters.iter_mut().filter(|(id, _)| id.starts_with(&inside)) {
            stopped.extend(cluster.operation.take());
            cluster.state = State::Deleting;
            for pool in &mut cluster.pools {
                pool.state = State::Deleting;
            }
        }
        for id in stopped {
            if let Some(operation) = self.operations.get_mut(&id).filter(|operation| !operation.done) {
                operation.done = true;
                operation.outcome = Outcome::Canceled;
                if let Some(due) = operation.ends.replace(now) {
                    self.due.remove(&(due, id));
                }
            }
        }
        if self.clusters.keys().any(|id| id.starts_with(&inside)) {
            WITH_CLUSTERS
        } else if self.resources.keys().any(|id| id.starts_with(&inside)) {
            FULL
        } else {
            EMPTY
        }
    }

    pub(crate) fn list_groups(&mut self, asked: &Asked<'_>) -> Answer {
        if asked.method != "GET" {
            return Err(wrong_method(asked.request));
        }
        let own = self.groups.values().filter(|group| group.subscription == asked.subscription);
        let wanted = TagFilter::of(asked.request);
        let tagged = own.filter(|group| wanted.fits(group.tags.as_ref()));
        let all: Vec<Value> = tagged.map(Group::render).collect();
        Ok(styled(200, Style::Arm, &page(all, PAGE, asked.request, false)))
    }

    pub(crate) fn list_resources(&mut self, asked: &Asked<'_>, group: Option<&str>) -> Answer {
        let inside = match group {
            Some(name) => {
                let key = group_key(&asked.subscription, name);
                self.groups.get(&key).ok_or_else(|| no_group(name))?;
                format!("{key}/")
            }
            None => format!("/subscriptions/{}/", asked.subscription).to_ascii_lowercase(),
        };
        let wanted = TagFilter::of(asked.request);
        let mut all: Vec<(String, Value)> = Vec::new();
        for (key, cluster) in self.clusters.iter().filter(|(key, _)| key.starts_with(&inside)) {
            let mut entry = json!({
                "id": cluster.id().replace("/resourcegroups/", "/resourceGroups/"), "name": cluster.name,
                "type": "Microsoft.ContainerService/managedClusters", "location": cluster.location, "sku": cluster.sku,
            });
            if !cluster.tags.is_empty() {
                put(&mut entry, "tags", json!(cluster.tags));
            }
            all.push((key.clone(), entry));
        }
        // Only resources of their own are listed, not what lies inside one.
        let top = |id: &str| id.split("/providers/").nth(1).is_some_and(|tail| tail.split('/').count() == 3);
        for (key, resource) in self.resources.iter().filter(|(key, _)| key.starts_with(&inside) && top(key)) {
            let mut entry = resource.render();
            if let Some(entry) = entry.as_object_mut() {
                entry.retain(|name, _| {
                    matches!(name.as_str(), "id" | "name" | "type" | "location" | "tags" | "sku" | "kind")
                });
            }
            all.push((key.clone(), entry));
        }
        all.sort_by(|one, other| one.0.cmp(&other.0));
        let all = all.into_iter().map(|(_, entry)| entry);
        let all = all.filter(|entry| wanted.fits(entry.get("tags").and_then(Value::as_object)));
        Ok(styled(200, Style::Arm, &page(all.collect(), PAGE, asked.request, false)))
    }
}

/// The regions a group may lie in.
fn group_location(stated: &str) -> Result<&'static str, Refusal> {
    regions::canonical(stated).ok_or_else(|| {
        let message = format!(
            "The provided location '{stated}' is not available for resource group. List of available regions is '{}'.",
            regions::names()
        );
        Refusal::arm(400, "LocationNotAvailableForResourceGroup", message)
    })
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let inner = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.' | '(' | ')');
    if name.chars().count() <= 90 && name.chars().all(inner) && !name.ends_with('.') {
        return Ok(());
    }
    let message = format!(
        "The provided resource group name '{name}' has these invalid characters or length: it has at most 90 letters, \
         digits, '-', '_', '(', ')' and '.', and does not end with a period."
    );
    Err(Refusal::arm(400, "InvalidResourceGroup", message))
}

/// `$filter=tagName eq 'a' and tagValue eq 'b'`.
struct TagFilter {
    name: Option<String>,
    value: Option<String>,
}

impl TagFilter {
    fn of(request: &Request) -> TagFilter {
        let filter = request.parameter("$filter").unwrap_or_default();
        let part = |key: &str| {
            let tail = filter.split(key).nth(1)?;
            tail.split('\'').nth(1).map(str::to_owned)
        };
        TagFilter { name: part("tagName eq"), value: part("tagValue eq") }
    }

    fn fits(&self, tags: Option<&Object>) -> bool {
        let Some(name) = &self.name else { return true };
        let found = tags.and_then(|tags| tags.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)));
        found.is_some_and(|(_, found)| self.value.as_ref().is_none_or(|value| found == value))
    }
}

/// One page of a list. AKS gives a link to a next page though that one is empty; a client has to follow it.
pub(crate) fn page(all: Vec<Value>, size: usize, request: &Request, always_more: bool) -> Value {
    // The numbers of the tokens are as they were seen: one step for each entry.
    const FIRST: usize = 3_138_383;
    const STEP: usize = 14;
    let token = request.parameter("$skipToken").or_else(|| request.parameter("skipToken"));
    let skip = token.and_then(|token| token.parse::<usize>().ok()).unwrap_or(FIRST).saturating_sub(FIRST) / STEP;
    let total = all.len();
    let here: Vec<Value> = all.into_iter().skip(skip).take(size).collect();
    let reached = skip + here.len();
    let more = reached < total || (always_more && !here.is_empty());
    let mut body = json!({ "value": here });
    if more {
        let token = FIRST + reached * STEP;
        let version = request.parameter("api-version").unwrap_or_default();
        let link =
            format!("{}{}?%24skipToken={token}&api-version={version}&skipToken={token}", request.base, request.path);
        put(&mut body, "nextLink", json!(link));
    }
    body
}
