//! `resource_group`.

use std::collections::BTreeMap;

use kfplan_model::{Address, Path, Resource};
use kfplan_plan::{Expansion, Field, Kind, Problem, Protection, Scene, Schema, Shape};
use serde_json::{Value as Json, json};

use super::reader::{Reader, problem};
use super::{GROUP_API_VERSION, One, Pace, deciding, output, own, picked, shapes, subscription};
use crate::id::ArmId;
use crate::properties::GROUP;

pub(super) struct ResourceGroup {
    schema: Schema,
}

impl ResourceGroup {
    pub(super) fn new() -> Self {
        Self { schema: schema() }
    }
}

fn schema() -> Schema {
    Schema {
        type_name: "resource_group",
        summary: "A resource group: the container that Azure bills, protects and deletes as one.",
        fields: vec![
            Field::required("name", shapes::group_name(), "The name in Azure, unique in the subscription.").deciding(),
            shapes::field(
                GROUP,
                "location",
                Shape::String,
                "The region, such as `westus2` (`az account list-locations`). Needed unless `existing = true`.",
            ),
            shapes::field(GROUP, "tags", shapes::tags(), "Tags. Tags that others added are left alone."),
        ],
        outputs: vec![output("id", "The ARM id."), output("name", "The name."), output("location", "The region.")],
        existing: true,
        objects: false,
        azure: true,
    }
}

pub(super) fn outputs(live: &Json) -> BTreeMap<String, Json> {
    picked(live, &[("id", "/id"), ("name", "/name"), ("location", "/location")])
}

impl Kind for ResourceGroup {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn expand(&self, resource: &Resource, scene: &Scene<'_>) -> Result<Expansion, Vec<Problem>> {
        let mut problems = Vec::new();
        let name = deciding(resource, "name", &mut problems);
        let subscription = subscription(resource, scene, &mut problems);
        let mut desired = None;
        if !resource.existing {
            let mut reader = Reader::new(resource, GROUP, Path::root());
            if !reader.has("location") {
                problems.push(problem(
                    resource,
                    None,
                    "azure::missing_field",
                    format!("`{}` has no `location`", resource.address),
                    "add location = \"REGION\", or existing = true if the group is already there",
                ));
            }
            let mut body = json!({});
            for (field, value) in [("location", reader.json("location")), ("tags", reader.entries("tags"))] {
                if let Some(value) = value {
                    body[field] = value;
                }
            }
            match reader.finish(body) {
                Ok(body) => desired = Some(body),
                Err(more) => problems.extend(more),
            }
        }
        match (name, subscription) {
            (Some(name), Some(subscription)) if problems.is_empty() => Ok(One {
                resource,
                id: ArmId::group(subscription, name),
                api_version: GROUP_API_VERSION,
                desired,
                container: None,
                protection: Protection::Container,
                pace: Pace { expected: 2_000, timeouts: (600, 600, 5_400) },
            }
            .expansion()),
            _ => Err(problems),
        }
    }

    fn outputs(&self, resource: &Resource, seen: &BTreeMap<&Address, &Json>) -> BTreeMap<String, Json> {
        own(resource, seen).map(outputs).unwrap_or_default()
    }
}
