//! Every resource type that there is.

use std::collections::BTreeMap;
use std::sync::Arc;

use kfplan_plan::{Kind, Kinds};

/// The registry, made anew for whoever asks: it holds no state.
pub(crate) fn kinds() -> Kinds {
    let all = kfplan_azure::kinds().into_iter().chain(kfplan_objects::kinds()).chain(kfplan_kubeflow::kinds());
    let kinds: BTreeMap<&'static str, Arc<dyn Kind>> = all.map(|kind| (kind.schema().type_name, kind)).collect();
    Kinds { kinds, arm: Arc::new(kfplan_azure::ArmRules), objects: Arc::new(kfplan_objects::ObjectRules) }
}
