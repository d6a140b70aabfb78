//! What comes before what.

use insta::assert_snapshot;

use super::planned;
use super::world::World;

const CLUSTER: &str = "
[group.main]
[aks_cluster.main]
group = ${group.main}
";

fn objects(items: &str) -> String {
    let items: Vec<&str> = items.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    format!(
        "{CLUSTER}[objects.app]\ncluster = ${{aks_cluster.main}}\nitems = {}\n",
        serde_json::to_string(&items).expect("JSON")
    )
}

#[test]
fn cluster_and_contents_stand_in_one_plan() {
    assert_snapshot!(planned(&objects("-/Namespace/a\na/ConfigMap/x")), @r"
    create group.main
    create aks_cluster.main after group.main
    create objects.app/-/Namespace/a after aks_cluster.main (unverified: `aks_cluster.main` comes with this plan)
    create objects.app/a/ConfigMap/x after aks_cluster.main, objects.app/-/Namespace/a (unverified: `aks_cluster.main` comes with this plan)
    ");
}

#[test]
fn a_custom_resource_waits_until_its_definition_is_established() {
    assert_snapshot!(planned(&objects("
        -/CustomResourceDefinition.apiextensions.k8s.io/widgets defines=Widget.test
        -/Namespace/a
        a/Widget.test/w
    ")), @r"
    create group.main
    create aks_cluster.main after group.main
    create objects.app/-/CustomResourceDefinition.apiextensions.k8s.io/widgets after aks_cluster.main (unverified: `aks_cluster.main` comes with this plan)
    wait objects.app/-/CustomResourceDefinition.apiextensions.k8s.io/widgets#established after objects.app/-/CustomResourceDefinition.apiextensions.k8s.io/widgets
    create objects.app/-/Namespace/a after aks_cluster.main (unverified: `aks_cluster.main` comes with this plan)
    create objects.app/a/Widget.test/w after aks_cluster.main, objects.app/-/CustomResourceDefinition.apiextensions.k8s.io/widgets#established, objects.app/-/Namespace/a (unverified: `aks_cluster.main` comes with this plan)
    ");
}

#[test]
fn what_a_webhook_catches_waits_until_it_answers() {
    let text = objects(
        "
        -/Namespace/a
        a/ConfigMap/x
        -/Webhook/hook server=server
        a/Deployment.apps/server
    ",
    );
    assert_snapshot!(planned(&text), @r"
    create group.main
    create aks_cluster.main after group.main
    create objects.app/-/Namespace/a after aks_cluster.main (unverified: `aks_cluster.main` comes with this plan)
    create objects.app/-/Webhook/hook after aks_cluster.main (unverified: `aks_cluster.main` comes with this plan)
    create objects.app/a/Deployment.apps/server after aks_cluster.main, objects.app/-/Namespace/a (unverified: `aks_cluster.main` comes with this plan)
    wait objects.app/-/Webhook/hook#answers after objects.app/-/Webhook/hook, objects.app/a/Deployment.apps/server
    create objects.app/a/ConfigMap/x after aks_cluster.main, objects.app/-/Namespace/a, objects.app/-/Webhook/hook#answers (unverified: `aks_cluster.main` comes with this plan)
    wait objects.app/a/Deployment.apps/server#ready after objects.app/a/Deployment.apps/server
    ");
    let mut world = World::with(&text);
    assert_snapshot!(world.planned(&text), @"nothing");
    // Only where something that it catches changes is it asked.
    assert_snapshot!(world.planned(&text.replace("a/Deployment.apps/server", "a/Deployment.apps/server image=2")), @r"
    update objects.app/a/Deployment.apps/server
    wait objects.app/a/Deployment.apps/server#ready after objects.app/a/Deployment.apps/server
    ");
    assert_snapshot!(world.planned(&text.replace("a/ConfigMap/x", "a/ConfigMap/x v=2")), @r"
    wait objects.app/-/Webhook/hook#answers
    update objects.app/a/ConfigMap/x after objects.app/-/Webhook/hook#answers
    ");
}

#[test]
fn all_that_waits_for_a_resource_waits_for_one_join() {
    let many: Vec<String> = (0..12).map(|number| format!("a/ConfigMap/x{number}")).collect();
    let mut text = objects(&format!("-/Namespace/a\n{}", many.join("\n")));
    text += "[thing.after]\ndepends_on = objects.app\n[thing.too]\ndepends_on = objects.app\n";
    let plan = World::new().plan(&text).plan;
    let joins = plan.steps.iter().filter(|step| step.address.to_string() == "objects.app#done").count();
    assert_eq!(joins, 1);
    let into = |name: &str| {
        let place = plan.steps.iter().position(|step| step.address.to_string() == name).expect("a step");
        plan.edges.iter().filter(|edge| edge.to as usize == place).count()
    };
    assert_eq!((into("objects.app#done"), into("thing.after"), into("thing.too")), (13, 1, 1));
}

#[test]
fn what_has_nothing_to_do_still_connects() {
    let text = "
[thing.a]
color = red
[thing.b]
depends_on = thing.a
[thing.c]
depends_on = thing.b
color = red
";
    assert_snapshot!(World::with(text).planned(&text.replace("red", "blue")), @r"
    update thing.a
    update thing.c after thing.a
    ");
}

#[test]
fn deletes_go_the_other_way_round() {
    let text = objects(
        "
        -/CustomResourceDefinition.apiextensions.k8s.io/widgets defines=Widget.test
        -/Namespace/a
        a/Widget.test/w
        a/Deployment.apps/server
        -/Webhook/hook server=server
    ",
    ) + "[thing.last]\ndepends_on = objects.app\n";
    let mut world = World::with(&text);
    world.options.confirm_replace =
        ["objects.app/-/CustomResourceDefinition.apiextensions.k8s.io/widgets".to_owned()].into();
    assert_snapshot!(world.planned(CLUSTER), @r"
    delete thing.last
    delete objects.app/-/Webhook/hook after thing.last
    delete objects.app/a/Widget.test/w after thing.last
    delete objects.app/-/CustomResourceDefinition.apiextensions.k8s.io/widgets after thing.last, objects.app/a/Widget.test/w
    delete objects.app/-/Namespace/a after thing.last, objects.app/-/Webhook/hook, objects.app/a/Widget.test/w [1 recorded thing inside it goes with it]
    ");
    let planned = world.plan(CLUSTER);
    world.carry_out(&planned, None, &std::collections::BTreeSet::new(), usize::MAX);
    world.options.confirm_replace.clear();
    assert_snapshot!(world.planned(CLUSTER), @"nothing");
}

#[test]
fn what_lets_go_of_something_changes_before_that_is_deleted() {
    let text = "
[thing.old]
[thing.user]
depends_on = thing.old
color = red
";
    assert_snapshot!(World::with(text).planned("[thing.user]\ncolor = blue\n"), @r"
    update thing.user
    delete thing.old after thing.user
    ");
}

#[test]
fn readiness_is_waited_for_as_the_person_says() {
    let text = objects("-/Namespace/a\na/Deployment.apps/web") + "[thing.after]\ndepends_on = objects.app\n";
    let mut world = World::new();
    assert_snapshot!(world.planned(&text), @r"
    create group.main
    create aks_cluster.main after group.main
    create objects.app/-/Namespace/a after aks_cluster.main (unverified: `aks_cluster.main` comes with this plan)
    create objects.app/a/Deployment.apps/web after aks_cluster.main, objects.app/-/Namespace/a (unverified: `aks_cluster.main` comes with this plan)
    wait objects.app/a/Deployment.apps/web#ready after objects.app/a/Deployment.apps/web
    create thing.after after objects.app/-/Namespace/a, objects.app/a/Deployment.apps/web#ready
    ");
    world.options.wait = crate::Wait::Gates;
    assert_snapshot!(world.planned(&objects("-/Namespace/a\na/Deployment.apps/web")), @r"
    create group.main
    create aks_cluster.main after group.main
    create objects.app/-/Namespace/a after aks_cluster.main (unverified: `aks_cluster.main` comes with this plan)
    create objects.app/a/Deployment.apps/web after aks_cluster.main, objects.app/-/Namespace/a (unverified: `aks_cluster.main` comes with this plan)
    ");
    world.options.wait = crate::Wait::None;
    assert_snapshot!(world.planned(&text), @r"
    create group.main
    create aks_cluster.main after group.main
    create objects.app/-/Namespace/a after aks_cluster.main (unverified: `aks_cluster.main` comes with this plan)
    create objects.app/a/Deployment.apps/web after aks_cluster.main, objects.app/-/Namespace/a (unverified: `aks_cluster.main` comes with this plan)
    create thing.after after objects.app/-/Namespace/a, objects.app/a/Deployment.apps/web
    ");
}

#[test]
fn steps_that_alter_one_cluster_share_a_key() {
    let text = format!("{CLUSTER}[thing.pool]\ncluster = ${{aks_cluster.main}}\n");
    let plan = World::new().plan(&text).plan;
    let keys: Vec<_> = plan.changes().map(|(_, _, change)| change.exclusive.clone()).collect();
    assert_eq!(keys, [None, None, None], "the test's clusters are no managed clusters");
}

#[test]
fn groups_are_in_the_order_of_the_file_and_count_what_has_nothing_to_do() {
    let text = objects(
        "
        -/Namespace/a application=base
        a/ConfigMap/x application=web
        a/ConfigMap/y application=web
        -/Namespace/b
    ",
    );
    let mut world = World::with(&text);
    let plan = world.plan(&text.replace("x application", "x v=2 application")).plan;
    let groups: Vec<String> = plan
        .groups
        .iter()
        .map(|group| format!("{} {} {}", group.resource, group.application.as_deref().unwrap_or("-"), group.unchanged))
        .collect();
    assert_snapshot!(groups.join("\n"), @r"
    group.main - 1
    aks_cluster.main - 1
    objects.app base 1
    objects.app web 1
    objects.app - 1
    ");
    assert_eq!(plan.steps[0].group, 3);
}

#[test]
fn things_that_wait_for_each_other_are_named() {
    assert_snapshot!(planned("[thing.a]\ndepends_on = thing.b\n[thing.b]\ndepends_on = thing.a\n"), @"these wait for each other: `thing.a` before `thing.b` before `thing.a`");
    assert_snapshot!(planned(&objects("-/Namespace/a\na/Deployment.apps/x after=a/Deployment.apps/y\na/Deployment.apps/y after=a/Deployment.apps/x")), @"these wait for each other: `objects.app/a/Deployment.apps/x` before `objects.app/a/Deployment.apps/x#ready` before `objects.app/a/Deployment.apps/y` before `objects.app/a/Deployment.apps/y#ready` before `objects.app/a/Deployment.apps/x`");
}

#[test]
fn what_rules_find_gives_way_to_what_the_stack_says() {
    let text = format!(
        "{CLUSTER}[objects.app]\ncluster = ${{aks_cluster.main}}\nitems = [\"-/Namespace/a\", \"a/ConfigMap/x\"]\n\
         [objects.extra]\ncluster = ${{aks_cluster.main}}\ndepends_on = objects.app\n\
         items = [\"-/Webhook/hook server=none\"]\n"
    );
    assert_snapshot!(planned(&text), @r"
    create group.main
    create aks_cluster.main after group.main
    create objects.app/-/Namespace/a after aks_cluster.main (unverified: `aks_cluster.main` comes with this plan)
    create objects.app/a/ConfigMap/x after aks_cluster.main, objects.app/-/Namespace/a (unverified: `aks_cluster.main` comes with this plan)
    create objects.extra/-/Webhook/hook after aks_cluster.main, objects.app/-/Namespace/a, objects.app/a/ConfigMap/x (unverified: `aks_cluster.main` comes with this plan)
    ");
}
