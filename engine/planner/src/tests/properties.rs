//! What holds for every stack.

use std::collections::BTreeSet;

use kfplan_plan::{Mode, Work};
use proptest::prelude::*;

use super::world::World;

/// Stacks of a cluster, things that depend on earlier ones, and objects in namespaces.
fn stacks() -> impl Strategy<Value = String> {
    let thing = (0..8_usize, prop::collection::vec(0..8_usize, 0..3), 0..3_u8, 0..2_u8, any::<bool>());
    let object = (0..3_usize, 0..4_usize, 0..3_usize, 0..2_u8);
    (prop::collection::vec(thing, 0..6), prop::collection::vec(object, 0..8), any::<bool>()).prop_map(
        |(things, objects, after)| {
            let mut text = "[group.main]\n[aks_cluster.main]\ngroup = ${group.main}\n".to_owned();
            let mut known = BTreeSet::new();
            for (name, needs, color, size, late) in things {
                if !known.insert(name) {
                    continue;
                }
                text += &format!("[thing.t{name}]\ngroup = ${{group.main}}\ncolor = {color}\nsize = {size}\n");
                for need in needs.into_iter().filter(|need| *need != name && known.contains(need)) {
                    text += &format!("depends_on = thing.t{need}\n");
                    if late {
                        text += &format!("value = ${{thing.t{need}.address}}\n");
                    }
                }
            }
            let mut items = BTreeSet::new();
            for (namespace, kind, name, value) in objects {
                let kind = ["ConfigMap", "Deployment.apps", "Widget.test", "PersistentVolumeClaim"][kind];
                items.insert(format!("-/Namespace/n{namespace}"));
                if kind == "Widget.test" {
                    items.insert(
                        "-/CustomResourceDefinition.apiextensions.k8s.io/widgets defines=Widget.test".to_owned(),
                    );
                }
                if !items.iter().any(|item: &String| item.starts_with(&format!("n{namespace}/{kind}/o{name} "))) {
                    items.insert(format!("n{namespace}/{kind}/o{name} v={value}"));
                }
            }
            let items: Vec<String> = items.into_iter().collect();
            text += &format!(
                "[objects.app]\ncluster = ${{aks_cluster.main}}\nitems = {}\n",
                serde_json::to_string(&items).expect("JSON")
            );
            if after {
                text += "[thing.last]\ndepends_on = objects.app\n";
            }
            text
        },
    )
}

/// A world in which `first` was applied, and everything may be taken away.
fn applied(first: &str) -> World {
    let mut world = World::with(first);
    world.options.delete_data = true;
    world.options.lift_containers = true;
    world
}

/// Confirms whatever the next plan would keep or stop at.
fn confirm(world: &mut World, text: &str) {
    world.options.confirm_replace = world.plan(text).plan.kept.iter().map(|kept| kept.address.to_string()).collect();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Equal inputs give plans that are equal to the byte.
    #[test]
    fn equal_inputs_give_equal_plans(first in stacks(), second in stacks()) {
        let mut world = applied(&first);
        let one = world.plan(&second);
        let other = world.clone().plan(&second);
        prop_assert_eq!(serde_json::to_string(&one.plan).expect("JSON"), serde_json::to_string(&other.plan).expect("JSON"));
        prop_assert_eq!(one.plan.id(), other.plan.id());
        prop_assert_eq!(one, other);
    }

    /// Steps are listed after what they wait for, edges join steps that are there, and nothing is there twice.
    #[test]
    fn no_step_waits_for_a_later_one(first in stacks(), second in stacks()) {
        let plan = applied(&first).plan(&second).plan;
        let mut edges = BTreeSet::new();
        for edge in &plan.edges {
            prop_assert!(edge.from < edge.to && (edge.to as usize) < plan.steps.len());
            prop_assert!(edges.insert((edge.from, edge.to)));
        }
        let addresses: BTreeSet<_> = plan.steps.iter().map(|step| step.address.clone()).collect();
        prop_assert_eq!(addresses.len(), plan.steps.len());
        prop_assert!(plan.steps.iter().all(|step| (step.group as usize) < plan.groups.len()));
    }

    /// After a run, planning again finds nothing to do.
    #[test]
    fn a_run_leaves_nothing_to_plan(first in stacks(), second in stacks()) {
        let mut world = applied(&first);
        prop_assert_eq!(world.planned(&first), "nothing");
        confirm(&mut world, &second);
        world.apply(&second);
        world.options.confirm_replace.clear();
        prop_assert_eq!(world.planned(&second), "nothing");
        prop_assert_eq!(world.drift().drift, []);
    }

    /// A destroy leaves neither things nor records.
    #[test]
    fn a_destroy_leaves_nothing(first in stacks(), second in stacks()) {
        let mut world = applied(&first);
        confirm(&mut world, &second);
        world.apply(&second);
        world.options.confirm_replace.clear();
        world.destroy();
        prop_assert!(world.records.is_empty(), "{:?}", world.records.keys().collect::<Vec<_>>());
        prop_assert!(world.places.is_empty(), "{:?}", world.places.keys().collect::<Vec<_>>());
    }

    /// With a target there are only steps that the whole plan has, and everything that they wait for.
    #[test]
    fn a_target_is_closed(first in stacks(), second in stacks(), pick in any::<prop::sample::Index>()) {
        let mut world = applied(&first);
        let whole = world.plan(&second).plan;
        let changes: Vec<_> = whole.changes().map(|(_, step, _)| step.address.clone()).collect();
        prop_assume!(!changes.is_empty());
        let target = pick.get(&changes);
        world.options.targets = vec![target.to_string()];
        let part = world.plan(&second).plan;
        let taken: BTreeSet<_> = part.changes().map(|(_, step, _)| step.address.clone()).collect();
        prop_assert!(taken.contains(target));
        let before = |address: &kfplan_model::Address| -> BTreeSet<_> {
            let place = whole.steps.iter().position(|step| step.address == *address).expect("a step");
            let mut open = vec![place];
            let mut found = BTreeSet::new();
            while let Some(at) = open.pop() {
                for edge in whole.edges.iter().filter(|edge| edge.to as usize == at) {
                    if found.insert(edge.from as usize) {
                        open.push(edge.from as usize);
                    }
                }
            }
            let changes = found.into_iter().filter(|&place| matches!(whole.steps[place].work, Work::Change(_)));
            changes.map(|place| whole.steps[place].address.clone()).collect()
        };
        for address in &taken {
            prop_assert!(changes.contains(address));
            prop_assert!(before(address).is_subset(&taken), "{address} lacks what it waits for");
        }
        world.options.targets.clear();
        world.options.excludes = vec![target.to_string()];
        let rest = world.plan(&second).plan;
        prop_assert!(rest.changes().all(|(_, step, _)| step.address != *target));
        prop_assert!(rest.changes().all(|(_, step, _)| !before(&step.address).contains(target)));
    }

    /// Whatever a stack is, destroying it from the state alone asks no question twice, and ends.
    #[test]
    fn a_destroy_keeps_user_data_unless_told(first in stacks()) {
        let mut world = World::with(&first);
        world.options.lift_containers = true;
        let holds_data = first.contains("PersistentVolumeClaim");
        let planned = world.try_plan(None, Mode::Destroy).expect("a plan");
        prop_assert_eq!(holds_data, !planned.plan.kept.is_empty());
        world.carry_out(&planned, None, &BTreeSet::new(), usize::MAX);
        prop_assert_eq!(holds_data, world.places.keys().any(|key| key.contains("persistentvolumeclaim")));
        prop_assert_eq!(world.places.keys().filter(|key| key.contains("thing")).count(), 0);
    }
}
