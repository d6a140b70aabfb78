//! The number of replicas of a workload.

use serde_json::Value;

use super::failed;
use crate::error::{Place, RenderError};
use crate::fieldspec::{FieldSpec, what};
use crate::kustomization::Kustomization;
use crate::resource::Resources;

/// Sets the replicas of every workload that has, or had, a name.
pub(super) fn run(
    kustomization: &Kustomization,
    table: &[FieldSpec],
    resources: &mut Resources,
    errors: &mut Vec<RenderError>,
) {
    for replica in &kustomization.replicas {
        let mut is_found = false;
        for spec in table {
            for resource in &mut resources.0 {
                let has_name = resource.original_name == replica.name || resource.name() == replica.name;
                if !has_name || !resource.gvk().is_selected(&spec.gvk) {
                    continue;
                }
                is_found = true;
                let changed = spec.mutate(&mut resource.value, &mut |value| match value {
                    Value::Number(number) if number.is_i64() => {
                        *value = replica.count.into();
                        Ok(())
                    }
                    Value::Object(map) if map.is_empty() => {
                        *value = replica.count.into();
                        Ok(())
                    }
                    other => Err(format!("it is {}, not a whole number", what(other))),
                });
                if let Err(reason) = changed {
                    errors.push(failed(kustomization, &replica.field, resource, reason));
                }
            }
        }
        if !is_found {
            errors.push(RenderError::Field {
                place: Place::new(&kustomization.file, replica.at),
                field: replica.field.clone(),
                reason: format!("there is no workload `{}`", replica.name),
            });
        }
    }
}
