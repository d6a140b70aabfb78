//! `--target`, `--exclude`, and names on the command line.

use insta::assert_snapshot;

use super::world::World;

const STACK: &str = r#"
[thing.a]
color = red
[thing.b]
depends_on = thing.a
[thing.c]
depends_on = thing.b
color = red
[thing.d]
color = red
"#;

#[test]
fn a_target_comes_with_what_it_waits_for() {
    let mut world = World::with(STACK);
    world.options.targets = vec!["thing.c".to_owned()];
    assert_snapshot!(world.planned(&STACK.replace("red", "blue")), @r"
    update thing.a
    update thing.c after thing.a
    warning only part of the plan: 2 of 3 changes are selected
    ");
    assert_eq!(world.plan(STACK).plan.header.selection, ["--target thing.c"]);
}

#[test]
fn what_is_excluded_takes_along_what_waits_for_it() {
    let mut world = World::with(STACK);
    world.options.excludes = vec!["thing.a".to_owned()];
    assert_snapshot!(world.planned(&STACK.replace("red", "blue")), @r"
    update thing.d
    warning only part of the plan: 1 of 3 changes are selected
    ");
}

#[test]
fn in_a_delete_the_closure_goes_the_other_way() {
    let mut world = World::with(STACK);
    world.options.targets = vec!["thing.b".to_owned()];
    assert_snapshot!(world.planned("[thing.d]\ncolor = red\n"), @r"
    delete thing.c
    delete thing.b after thing.c
    warning only part of the plan: 2 of 3 changes are selected
    ");
    world.options.targets.clear();
    world.options.excludes = vec!["thing.b".to_owned()];
    assert_snapshot!(world.planned("[thing.d]\ncolor = red\n"), @r"
    delete thing.c
    warning only part of the plan: 1 of 3 changes are selected
    ");
}

#[test]
fn excluding_what_blocks_lets_the_rest_go_on() {
    let mut world = World::with(STACK);
    let key = world.key_of_place("things/a");
    world.denied.insert(key, kfplan_plan::Observation::Denied("no role".to_owned()));
    world.options.excludes = vec!["thing.a".to_owned()];
    let plan = world.plan(&STACK.replace("red", "blue")).plan;
    assert!(!plan.is_blocked() && plan.has_changes());
}

#[test]
fn short_names_are_taken_where_they_name_one_thing() {
    let text = r#"
[aks_cluster.main]
[objects.one]
cluster = ${aks_cluster.main}
items = ["-/Namespace/a", "a/Deployment.apps/web", "a/ConfigMap/web", "a/ConfigMap/x"]
[objects.two]
cluster = ${aks_cluster.main}
items = ["-/Namespace/b", "b/ConfigMap/web"]
"#;
    let mut world = World::new();
    let mut with = |target: &str| {
        world.options.targets = vec![target.to_owned()];
        let planned = world.planned(text);
        planned.lines().rfind(|line| !line.starts_with("warning")).unwrap_or_default().to_owned()
    };
    assert_snapshot!(with("Deployment/web"), @"wait objects.one/a/Deployment.apps/web#ready after objects.one/a/Deployment.apps/web");
    assert_snapshot!(with("b/ConfigMap/web"), @"create objects.two/b/ConfigMap/web after aks_cluster.main, objects.two/-/Namespace/b (unverified: `aks_cluster.main` comes with this plan)");
    assert_snapshot!(with("two/b/ConfigMap/web"), @"create objects.two/b/ConfigMap/web after aks_cluster.main, objects.two/-/Namespace/b (unverified: `aks_cluster.main` comes with this plan)");
    assert_snapshot!(with("x"), @"create objects.one/a/ConfigMap/x after aks_cluster.main, objects.one/-/Namespace/a (unverified: `aks_cluster.main` comes with this plan)");
    assert_snapshot!(with("web"), @"`--target web` names several things: objects.one/a/Deployment.apps/web, objects.one/a/ConfigMap/web, objects.two/b/ConfigMap/web");
    assert_snapshot!(with("nothing"), @"`--target nothing` names nothing");
}
