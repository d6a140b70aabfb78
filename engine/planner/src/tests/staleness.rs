//! When a saved plan still holds.

use std::collections::BTreeSet;

use insta::assert_snapshot;
use kfplan_plan::{Action, Intent, Mode, Plan, RecordState};

use super::stack::stack;
use super::world::World;
use crate::{Continued, PastRuns, Planned, continue_plan};

const STACK: &str = r#"
[group.main]
[aks_cluster.main]
group = ${group.main}
size = 1
[objects.app]
cluster = ${aks_cluster.main}
items = ["-/Namespace/a", "a/ConfigMap/x v=1"]
value = ${aks_cluster.main.address}
[thing.a]
group = ${group.main}
color = red
"#;

/// Plans as `apply PLANFILE` does: what the saved plan waits for stays late.
fn again(world: &mut World, saved: &Plan) -> Planned {
    let given = std::mem::replace(&mut world.options, crate::Options::of(saved));
    let fresh = world.try_plan(Some(&stack(STACK)), Mode::Apply).expect("a plan");
    world.options = given;
    fresh
}

fn go_on(world: &mut World, saved: &Plan, past: &PastRuns) -> Result<Continued, Vec<String>> {
    let fresh = again(world, saved);
    continue_plan(saved, &fresh, &world.records, past)
}

fn stale(world: &mut World, saved: &Plan) -> String {
    go_on(world, saved, &PastRuns::default()).expect_err("it is stale").join("\n")
}

/// A world that was applied with a red thing and an older object, and the plan to STACK.
fn half_way() -> (World, Plan) {
    let mut world = World::with(&STACK.replace("red", "blue").replace("v=1", "v=0"));
    let saved = world.plan(STACK).plan;
    (world, saved)
}

#[test]
fn a_plan_of_an_unmoved_world_holds() {
    let (mut world, saved) = half_way();
    let continued = go_on(&mut world, &saved, &PastRuns::default()).expect("it holds");
    assert_eq!(continued.done, BTreeSet::new());
    assert_eq!(continued.planned.plan, saved);
    assert!(continued.planned.payloads.iter().flatten().count() == saved.changes().count());
}

#[test]
fn status_writes_stale_nothing() {
    let (mut world, saved) = half_way();
    world.live("thing.a")["status"]["phase"] = "busy".into();
    world.live("thing.a")["somebody"] = "else".into();
    world.state.serial += 1;
    for (_, live) in world.places.values_mut() {
        live.version = Some("99".to_owned());
    }
    assert!(go_on(&mut world, &saved, &PastRuns::default()).is_ok());
}

#[test]
fn what_moved_is_named_old_and_new() {
    let (mut world, saved) = half_way();
    world.live("thing.a")["color"] = "green".into();
    assert_snapshot!(stale(&mut world, &saved), @r#"`/color` of `thing.a`: "blue" → "green""#);
    world.vanish("thing.a");
    assert_snapshot!(stale(&mut world, &saved), @r#"
    `thing.a`: update → create
    `/color` of `thing.a`: "blue" → nothing
    `/owner` of `thing.a`: as wanted → nothing
    `thing.a`: not recorded → nothing
    "#);
    let (mut world, saved) = half_way();
    world.apply(STACK);
    assert_snapshot!(stale(&mut world, &saved), @r"
    `thing.a`: update → nothing to do
    `objects.app/a/ConfigMap/x`: update → nothing to do
    ");
    let (mut world, saved) = half_way();
    world.live("group.main")["owner"] = "somebody".into();
    assert_snapshot!(stale(&mut world, &saved), @"`group.main`: nothing to do → update");
    let (mut world, mut saved) = half_way();
    saved.header.lineage = "l2".to_owned();
    saved.header.kfplan = "0.0.9".to_owned();
    saved.header.subscription = Some("t".to_owned());
    saved.header.clusters.insert("aks_cluster.main".parse().expect("an address"), Some("another".to_owned()));
    saved
        .header
        .inputs
        .push(kfplan_plan::InputDigest { name: "kfplan.toml".to_owned(), digest: kfplan_plan::Digest::of(b"x") });
    assert_snapshot!(stale(&mut world, &saved), @r"
    kfplan: 0.0.9 → 0.1.0
    state lineage: l2 → l1
    subscription: t → s
    input `kfplan.toml`: 2d711642b726 → none
    cluster `aks_cluster.main`: another → kube-system of aks_cluster.main u2
    ");
}

#[test]
fn another_uid_is_another_thing() {
    let (mut world, saved) = half_way();
    let key = world.key_of_place("things/a");
    let (locator, live) = world.places[&key].clone();
    world.put(locator, live.body);
    assert_snapshot!(stale(&mut world, &saved), @r#"
    uid of `thing.a`: u3 → u6
    `thing.a`: "u3" → "u6"
    "#);
}

#[test]
fn a_finished_plan_is_refused() {
    let (mut world, saved) = half_way();
    let past = PastRuns { runs: BTreeSet::new(), finished: true };
    assert_snapshot!(go_on(&mut world, &saved, &past).expect_err("finished").join("\n"), @"this plan: to be carried out → carried out to the end already");
}

#[test]
fn an_interrupted_plan_is_finished_from_wherever_it_stopped() {
    for from in [World::new(), half_way().0] {
        let stack = stack(STACK);
        let mut whole = from.clone();
        let planned = whole.plan(STACK);
        let saved = planned.plan.clone();
        let changes = saved.changes().count();
        whole.carry_out(&planned, Some(&stack), &BTreeSet::new(), usize::MAX);
        for limit in 0..=changes {
            let mut world = from.clone();
            let run = world.carry_out(&planned, Some(&stack), &BTreeSet::new(), limit);
            let past = PastRuns { runs: [run].into(), finished: false };
            let continued = go_on(&mut world, &saved, &past).unwrap_or_else(|lines| panic!("after {limit}: {lines:?}"));
            let done = continued.done.iter().filter(|&&place| saved.steps[place].work.change().is_some()).count();
            assert_eq!(done, limit);
            world.carry_out(&continued.planned, Some(&stack), &continued.done, usize::MAX);
            assert_eq!(world.places.keys().collect::<Vec<_>>(), whole.places.keys().collect::<Vec<_>>());
            assert_eq!(world.planned(STACK), "nothing");
        }
    }
}

#[test]
fn a_step_that_was_left_open_is_resolved() {
    let mut world = World::new();
    let planned = world.plan(STACK);
    let saved = planned.plan.clone();
    let run = world.carry_out(&planned, Some(&stack(STACK)), &BTreeSet::new(), 4);
    let recorded = world.records.get_mut(&"aks_cluster.main".parse().expect("an address")).expect("a record");
    let intent = Intent {
        action: Action::Create,
        locator: recorded.record.locator.clone(),
        plan: saved.id(),
        step: 1,
        sent: None,
        at: 0,
    };
    recorded.record.state = RecordState::InDoubt(Box::new(intent));
    recorded.record.uid = None;
    let past = PastRuns { runs: [run].into(), finished: false };
    let continued = go_on(&mut world, &saved, &past).expect("it goes on");
    world.carry_out(&continued.planned, Some(&stack(STACK)), &continued.done, usize::MAX);
    assert_eq!(world.planned(STACK), "nothing");
}

#[test]
fn what_an_interrupted_run_did_and_somebody_undid_is_stale() {
    let (mut world, saved) = half_way();
    let planned = world.plan(STACK);
    let run = world.carry_out(&planned, Some(&stack(STACK)), &BTreeSet::new(), usize::MAX);
    world.live("thing.a")["color"] = "green".into();
    let past = PastRuns { runs: [run].into(), finished: false };
    assert_snapshot!(go_on(&mut world, &saved, &past).expect_err("stale").join("\n"), @r#"`/color` of `thing.a`: "blue" → "green""#);
}

#[test]
fn a_plan_remembers_the_options_that_it_was_made_with() {
    let mut world = half_way().0;
    world.options = crate::Options {
        targets: vec!["thing.a".to_owned()],
        excludes: vec!["objects.app".to_owned()],
        replace: vec!["thing.a".to_owned()],
        adopt: crate::Adoption::All,
        confirm_replace: ["thing.a".to_owned()].into(),
        delete_data: true,
        keep_protected: true,
        lift_containers: true,
        refresh: false,
        wait: crate::Wait::None,
        allow_unreachable: true,
        late: BTreeSet::new(),
    };
    let saved = world.plan(STACK).plan;
    assert_eq!(crate::Options::of(&saved), world.options);
    world.options = crate::Options { wait: crate::Wait::Gates, ..crate::Options::default() };
    assert_eq!(crate::Options::of(&world.plan(STACK).plan), world.options);
    let waits = ["aks_cluster.main".parse().expect("an address")].into();
    assert_eq!(
        crate::Options::of(&World::new().plan(STACK).plan),
        crate::Options { late: waits, ..crate::Options::default() }
    );
}
