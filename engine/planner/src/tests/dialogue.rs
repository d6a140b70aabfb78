//! The questions: which, when, and how often.

use insta::assert_snapshot;
use kfplan_plan::{Action, Intent, Observation, RecordState};

use super::world::World;

const STACK: &str = r#"
[group.main]
[aks_cluster.main]
group = ${group.main}
[objects.app]
cluster = ${aks_cluster.main}
render = true
items = ["-/Namespace/a", "a/ConfigMap/x"]
[thing.a]
group = ${group.main}
color = red
"#;

fn rounds(world: &World) -> String {
    world.rounds.iter().map(|round| round.join("\n")).collect::<Vec<_>>().join("\n--\n")
}

#[test]
fn what_does_not_exist_is_looked_for_and_nothing_else_is_asked() {
    let mut world = World::new();
    let plan = world.plan(STACK).plan;
    assert_snapshot!(rounds(&world), @r"
    observe /subscriptions/s/resourceGroups/main
    observe /subscriptions/s/resourceGroups/main/providers/Test/aks_clusters/main
    observe /subscriptions/s/resourceGroups/main/providers/Test/things/a
    --
    render objects.app
    ");
    assert_eq!(plan.notes[0].message, "rendered for None");
}

#[test]
fn what_is_recorded_is_asked_at_once() {
    let mut world = World::with(STACK);
    world.plan(STACK);
    assert_snapshot!(rounds(&world), @r"
    discover aks_cluster.main
    observe /subscriptions/s/resourceGroups/main
    observe /subscriptions/s/resourceGroups/main/providers/Test/aks_clusters/main
    observe /subscriptions/s/resourceGroups/main/providers/Test/things/a
    observe a/ConfigMap/x in aks_cluster.main
    observe -/Namespace/a in aks_cluster.main
    --
    render objects.app
    ");
}

#[test]
fn what_changes_is_tried_on_the_server_in_one_last_round() {
    let mut world = World::with(STACK);
    let planned = world.plan(&STACK.replace("a/ConfigMap/x", "a/ConfigMap/x v=1\", \"a/ConfigMap/new"));
    assert_snapshot!(super::world::lines(&planned.plan), @r"
    update objects.app/a/ConfigMap/x
    create objects.app/a/ConfigMap/new
    ");
    assert_snapshot!(world.rounds.last().expect("a round").join("\n"), @r"
    dry run objects.app/a/ConfigMap/new
    dry run objects.app/a/ConfigMap/x
    ");
}

#[test]
fn without_refresh_nothing_recorded_is_looked_at() {
    let mut world = World::with(STACK);
    world.live("thing.a")["color"] = "green".into();
    world.options.refresh = false;
    assert_snapshot!(world.planned(STACK), @"nothing");
    assert_snapshot!(rounds(&world), @r"
    discover aks_cluster.main
    --
    render objects.app
    ");
    assert_snapshot!(world.planned(&STACK.replace("red", "blue")), @"update thing.a");
}

#[test]
fn a_cluster_that_does_not_answer_is_one_error_or_left_out() {
    let mut world = World::with(STACK);
    world.silent.insert("aks_cluster.main".parse().expect("an address"));
    assert_snapshot!(world.planned(&STACK.replace("red", "blue")), @"the cluster `aks_cluster.main` cannot be reached: no answer");
    world.options.allow_unreachable = true;
    assert_snapshot!(world.planned(&STACK.replace("red", "blue")), @r"
    update thing.a
    warning objects.app/-/Namespace/a: not observed, and left out: `aks_cluster.main` cannot be reached: no answer
    warning objects.app/a/ConfigMap/x: not observed, and left out: `aks_cluster.main` cannot be reached: no answer
    ");
}

#[test]
fn another_cluster_or_subscription_is_refused_before_anything_is_compared() {
    let mut world = World::with(STACK);
    let identity = world.identity(&"aks_cluster.main".parse().expect("an address"));
    world.state.bindings.insert("cluster:aks_cluster.main".to_owned(), identity);
    assert_snapshot!(world.planned(STACK), @"nothing");
    world.state.bindings.insert("cluster:aks_cluster.main".to_owned(), "another".to_owned());
    world.live_of_place("aks_clusters/main")["owner"] = "somebody".into();
    assert_snapshot!(world.planned(STACK), @"this state is bound to the cluster aks_cluster.main `another`, and what answers is `kube-system of aks_cluster.main u2`");
    world.state.bindings.insert("subscription".to_owned(), "t".to_owned());
    assert_snapshot!(world.planned(STACK), @"this state is bound to the subscription `t`, and what answers is `s`");
}

#[test]
fn objects_of_a_cluster_that_was_made_anew_are_created_again() {
    let mut world = World::with(STACK);
    let key = world.key_of_place("aks_clusters/main");
    let (locator, live) = world.places.remove(&key).expect("a cluster");
    world.put(locator, live.body);
    let uid = world.places[&key].1.uid.clone();
    world.records.get_mut(&"aks_cluster.main".parse().expect("an address")).expect("a record").record.uid = uid;
    world.places.retain(|place, _| !place.contains(" in aks_cluster.main"));
    assert_snapshot!(world.planned(STACK), @r"
    create objects.app/-/Namespace/a [it is gone since the last apply]
    create objects.app/a/ConfigMap/x after objects.app/-/Namespace/a (unverified: `objects.app/-/Namespace/a` comes with this plan)
    drift objects.app/-/Namespace/a
    drift objects.app/a/ConfigMap/x
    ");
}

/// The world after a call whose outcome nobody recorded.
fn in_doubt(world: &mut World, address: &str, action: Action) {
    let recorded = world.records.get_mut(&address.parse().expect("an address")).expect("a record");
    let intent =
        Intent { action, locator: recorded.record.locator.clone(), plan: "p".to_owned(), step: 0, sent: None, at: 0 };
    recorded.record.state = RecordState::InDoubt(Box::new(intent));
    if action == Action::Create {
        recorded.record.uid = None;
    }
}

#[test]
fn an_interrupted_create_is_finished_or_tried_again() {
    let mut world = World::with(STACK);
    in_doubt(&mut world, "thing.a", Action::Create);
    in_doubt(&mut world, "objects.app/a/ConfigMap/x", Action::Create);
    let mut lost = world.clone();
    assert_snapshot!(world.planned(STACK), @r"
    update thing.a [an interrupted run left it open while it was asked to create it]
    update objects.app/a/ConfigMap/x [an interrupted run left it open while it was asked to create it]
    ");
    world.apply(STACK);
    assert_snapshot!(world.planned(STACK), @"nothing");
    lost.vanish("thing.a");
    lost.vanish("objects.app/a/ConfigMap/x");
    assert_snapshot!(lost.planned(STACK), @r"
    create thing.a [an interrupted run left it open, and it is not there]
    create objects.app/a/ConfigMap/x [an interrupted run left it open, and it is not there]
    ");
    lost.apply(STACK);
    assert_snapshot!(lost.planned(STACK), @"nothing");
}

#[test]
fn an_interrupted_create_that_somebody_else_won_is_not_taken_over() {
    let mut world = World::with(STACK);
    in_doubt(&mut world, "thing.a", Action::Create);
    world.live("thing.a")["owner"] = "somebody".into();
    assert_snapshot!(world.planned(STACK), @r"
    adopt thing.a [it is managed by somebody else]
    blocks thing.a: it exists and is not of this stack; managed by somebody else
    ");
    assert_snapshot!(world.planned(STACK.split("[thing.a]").next().expect("a part")), @"forget thing.a [what is there now was made by somebody else; it is left alone]");
}

#[test]
fn an_interrupted_update_or_delete_is_finished() {
    for action in [Action::Update, Action::Delete, Action::Replace] {
        let mut world = World::with(STACK);
        in_doubt(&mut world, "thing.a", action);
        let mut gone = world.clone();
        let plan = world.planned(&STACK.replace("red", "blue"));
        assert!(
            plan.starts_with("update thing.a") || (action == Action::Replace && plan.starts_with("replace thing.a")),
            "{plan}"
        );
        let without = STACK.split("[thing.a]").next().expect("a part");
        assert_eq!(world.planned(without), "delete thing.a");
        gone.vanish("thing.a");
        assert_eq!(gone.planned(STACK), "create thing.a [an interrupted run left it open, and it is not there]");
        assert_eq!(gone.planned(without), "forget thing.a [it is gone already]");
    }
}

#[test]
fn what_the_server_would_refuse_blocks() {
    let mut world = World::with(STACK);
    let text = STACK.replace("a/ConfigMap/x", "a/ConfigMap/bad");
    // The test's server accepts everything; what cannot be tried is checked offline.
    assert!(!world.plan(&text).plan.is_blocked());
    assert!(World::new().plan(&text).plan.is_blocked());
}

#[test]
fn drift_is_told_from_records_alone() {
    let mut world = World::with(STACK);
    assert_eq!(world.drift().drift, []);
    world.live("thing.a")["color"] = "green".into();
    world.live("thing.a")["new"] = "somebody's".into();
    world.vanish("objects.app/a/ConfigMap/x");
    in_doubt(&mut world, "objects.app/-/Namespace/a", Action::Update);
    let key = world.key_of_place("resourcegroups/main");
    world.denied.insert(key, Observation::Denied("no role".to_owned()));
    let drifted = world.drift();
    let told: Vec<String> = drifted.drift.iter().map(|drift| format!("{}{}", drift.address, drift.path)).collect();
    assert_eq!(told, ["objects.app/a/ConfigMap/x", "thing.a/color"]);
    let undecided: Vec<String> = drifted.undecided.iter().map(|undecided| undecided.address.to_string()).collect();
    assert_eq!(undecided, ["group.main"]);
    assert_snapshot!(drifted.notes.iter().map(|note| note.message.clone()).collect::<Vec<_>>().join("\n"), @"an interrupted run left it open while it was asked to update it");
}

#[test]
fn drift_of_a_deleted_cluster_is_the_cluster() {
    let mut world = World::with(STACK);
    let key = world.key_of_place("aks_clusters/main");
    world.places.retain(|place, _| *place != key && !place.contains(" in aks_cluster.main"));
    let drifted = world.drift();
    assert_eq!(drifted.drift.len(), 1);
    assert_eq!(drifted.drift[0].address.to_string(), "aks_cluster.main");
    assert_snapshot!(drifted.notes[0].message, @"2 recorded objects were in it");
}
