//! What may not go, and what goes with it.

use insta::assert_snapshot;

use super::world::World;

const CLUSTER: &str = "
[group.main]
[aks_cluster.main]
group = ${group.main}
size = 1
";
const STACK: &str = r#"
[group.main]
[aks_cluster.main]
group = ${group.main}
size = 1
[objects.app]
cluster = ${aks_cluster.main}
items = ["-/Namespace/a", "a/PersistentVolumeClaim/data size=60Gi", "a/ConfigMap/x", "-/Namespace/b", "b/ConfigMap/y"]
"#;

#[test]
fn a_removed_cluster_is_kept_unless_it_is_confirmed() {
    let mut world = World::with(CLUSTER);
    assert_snapshot!(world.planned("[group.main]"), @"keep aks_cluster.main: it is protected: all that it holds would go with it, unless --confirm-replace 'aks_cluster.main'");
    world.options.confirm_replace = ["main".to_owned()].into();
    assert_snapshot!(world.planned("[group.main]"), @"`--confirm-replace main` names several things: aks_cluster.main, group.main");
    world.options.confirm_replace = ["aks_cluster.main".to_owned()].into();
    assert_snapshot!(world.planned("[group.main]"), @"delete aks_cluster.main");
}

#[test]
fn a_replaced_cluster_is_confirmed_and_its_contents_are_created_unverified() {
    let mut world = World::with(STACK);
    let text = STACK.replace("size = 1", "size = 2");
    assert_snapshot!(world.planned(&text), @r"
    replace aks_cluster.main [the size is fixed] [5 recorded things inside it go with it] [would also delete 1 PersistentVolumeClaim (60Gi)]
    create objects.app/-/Namespace/a after aks_cluster.main (unverified: `aks_cluster.main` comes with this plan)
    create objects.app/a/PersistentVolumeClaim/data after aks_cluster.main, objects.app/-/Namespace/a (unverified: `aks_cluster.main` comes with this plan)
    create objects.app/a/ConfigMap/x after aks_cluster.main, objects.app/-/Namespace/a (unverified: `aks_cluster.main` comes with this plan)
    create objects.app/-/Namespace/b after aks_cluster.main (unverified: `aks_cluster.main` comes with this plan)
    create objects.app/b/ConfigMap/y after aks_cluster.main, objects.app/-/Namespace/b (unverified: `aks_cluster.main` comes with this plan)
    blocks aks_cluster.main: it would be replaced, and it is protected: all that it holds would go with it
    ");
    world.options.confirm_replace = ["aks_cluster.main".to_owned()].into();
    let planned = world.plan(&text);
    assert!(!planned.plan.is_blocked());
    assert_eq!(planned.contents.values().next().map(Vec::len), Some(5));
    world.apply(&text);
    world.options.confirm_replace.clear();
    assert_snapshot!(world.planned(&text), @"nothing");
}

#[test]
fn a_destroy_keeps_user_data_and_what_holds_it() {
    let mut world = World::with(STACK);
    world.options.lift_containers = true;
    assert_snapshot!(world.destroyed(), @r"
    delete objects.app/-/Namespace/b [1 recorded thing inside it goes with it]
    delete objects.app/a/ConfigMap/x
    keep aks_cluster.main: it holds `objects.app/a/PersistentVolumeClaim/data`, which stays
    keep group.main: it holds `objects.app/a/PersistentVolumeClaim/data`, which stays
    keep objects.app/-/Namespace/a: it holds `objects.app/a/PersistentVolumeClaim/data`, which stays
    keep objects.app/a/PersistentVolumeClaim/data: it holds user data: 60Gi, unless --delete-data
    ");
    world.options.delete_data = true;
    assert_snapshot!(world.destroyed(), @"delete group.main [6 recorded things inside it go with it] [would also delete 1 PersistentVolumeClaim (60Gi)]");
    world.destroy();
    assert!(world.records.is_empty() && world.places.is_empty(), "{:?}", world.records);
}

#[test]
fn a_destroy_that_is_not_confirmed_keeps_containers_and_deletes_the_rest() {
    let mut world = World::with(&STACK.replace("\"a/PersistentVolumeClaim/data size=60Gi\", ", ""));
    assert_snapshot!(world.destroyed(), @r"
    delete objects.app/-/Namespace/a [1 recorded thing inside it goes with it]
    delete objects.app/-/Namespace/b [1 recorded thing inside it goes with it]
    keep aks_cluster.main: it is protected: all that it holds would go with it, unless --confirm test
    keep group.main: it is protected: all that it holds would go with it, unless --confirm test
    ");
}

#[test]
fn user_data_that_nobody_recorded_is_counted_and_kept() {
    let mut world = World::with(&STACK.replace("\"a/PersistentVolumeClaim/data size=60Gi\", ", ""));
    for (kind, name) in [("PersistentVolumeClaim", "p"), ("Notebook", "n1"), ("Notebook", "n2")] {
        let locator = kfplan_plan::Locator::Object(kfplan_plan::ObjectLocator {
            cluster: "aks_cluster.main".parse().expect("an address"),
            group: String::new(),
            version: "v1".to_owned(),
            kind: kind.to_owned(),
            namespace: Some("b".to_owned()),
            name: name.to_owned(),
        });
        world.put(locator, serde_json::json!({ "spec": { "size": "5Gi" } }));
    }
    world.options.lift_containers = true;
    assert_snapshot!(world.destroyed(), @r"
    delete objects.app/-/Namespace/a [1 recorded thing inside it goes with it]
    delete objects.app/b/ConfigMap/y
    keep aks_cluster.main: would also delete 2 Notebooks, 1 PersistentVolumeClaim (5Gi), unless --delete-data
    keep group.main: it holds `aks_cluster.main`, which stays
    keep objects.app/-/Namespace/b: would also delete 2 Notebooks, 1 PersistentVolumeClaim (5Gi), unless --delete-data
    ");
    world.options.delete_data = true;
    assert_snapshot!(world.destroyed(), @"delete group.main [5 recorded things inside it go with it] [would also delete 2 Notebooks, 1 PersistentVolumeClaim (5Gi)]");
}

#[test]
fn prevent_destroy_always_holds_and_is_remembered() {
    let text = "
[group.main]
[thing.a]
group = ${group.main}
prevent_destroy = true
";
    let mut world = World::with(text);
    world.options.lift_containers = true;
    world.options.confirm_replace = ["thing.a".to_owned()].into();
    assert_snapshot!(world.planned("[group.main]"), @"keep thing.a: `lifecycle.prevent_destroy` is set, unless lifecycle.prevent_destroy = false");
    assert_snapshot!(world.destroyed(), @r"
    keep group.main: it holds `thing.a`, which stays
    keep thing.a: `lifecycle.prevent_destroy` is set, unless lifecycle.prevent_destroy = false
    ");
    let lifted = text.replace("true", "false");
    assert_snapshot!(world.planned(&lifted), @"refresh thing.a [its protection changes to none]");
    world.apply(&lifted);
    assert_snapshot!(world.planned("[group.main]"), @"delete thing.a");
}

#[test]
fn a_dropped_definition_is_kept_and_reported() {
    let text = format!(
        "{CLUSTER}[objects.app]\ncluster = ${{aks_cluster.main}}\nitems = [\"-/CustomResourceDefinition.apiextensions.k8s.io/w defines=W.test\"]\n"
    );
    let mut world = World::with(&text);
    assert_snapshot!(world.planned(CLUSTER), @"keep objects.app/-/CustomResourceDefinition.apiextensions.k8s.io/w: it is a definition: all objects of its kind would go with it, unless --confirm-replace 'objects.app/-/CustomResourceDefinition.apiextensions.k8s.io/w'");
}

#[test]
fn what_was_there_before_is_never_deleted_by_default() {
    let text = format!("{CLUSTER}[objects.app]\ncluster = ${{aks_cluster.main}}\nitems = [\"-/Namespace/old\"]\n");
    let mut world = World::with(&text);
    world.destroy_record("objects.app/-/Namespace/old");
    world.live_of_place("-/namespace/old in aks_cluster.main")["owner"] = "somebody".into();
    world.options.adopt = crate::Adoption::All;
    world.apply(&text);
    assert_snapshot!(world.planned(CLUSTER), @"keep objects.app/-/Namespace/old: it was there before kfplan took it over, unless --confirm-replace 'objects.app/-/Namespace/old'");
    // With its cluster it goes all the same.
    world.options.lift_containers = true;
    assert_snapshot!(world.destroyed(), @"delete group.main [2 recorded things inside it go with it]");
}

#[test]
fn contents_of_a_cluster_that_somebody_deleted_are_created_with_it() {
    let mut world = World::with(STACK);
    let key = world.key_of_place("aks_clusters/main");
    world.places.retain(|place, _| *place != key && !place.contains(" in aks_cluster.main"));
    assert_snapshot!(world.planned(STACK), @r"
    create aks_cluster.main [it is gone since the last apply]
    create objects.app/-/Namespace/a after aks_cluster.main (unverified: `aks_cluster.main` comes with this plan)
    create objects.app/a/PersistentVolumeClaim/data after aks_cluster.main, objects.app/-/Namespace/a (unverified: `aks_cluster.main` comes with this plan)
    create objects.app/a/ConfigMap/x after aks_cluster.main, objects.app/-/Namespace/a (unverified: `aks_cluster.main` comes with this plan)
    create objects.app/-/Namespace/b after aks_cluster.main (unverified: `aks_cluster.main` comes with this plan)
    create objects.app/b/ConfigMap/y after aks_cluster.main, objects.app/-/Namespace/b (unverified: `aks_cluster.main` comes with this plan)
    drift aks_cluster.main
    ");
    assert_snapshot!(world.planned(CLUSTER), @r"
    create aks_cluster.main [it is gone since the last apply]
    forget objects.app/-/Namespace/a [it went with what it was in]
    forget objects.app/-/Namespace/b [it went with what it was in]
    forget objects.app/a/ConfigMap/x [it went with what it was in]
    forget objects.app/a/PersistentVolumeClaim/data [it went with what it was in]
    forget objects.app/b/ConfigMap/y [it went with what it was in]
    drift aks_cluster.main
    ");
}
