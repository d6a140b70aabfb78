//! What becomes of one thing.

use insta::assert_snapshot;
use kfplan_plan::{Observation, Shown};

use super::planned;
use super::world::World;

const THING: &str = "
[group.main]
[thing.a]
group = ${group.main}
color = red
size = 1
";

#[test]
fn an_empty_world_gets_everything_in_the_order_of_references() {
    assert_snapshot!(planned(THING), @r"
    create group.main
    create thing.a after group.main
    ");
}

#[test]
fn after_an_apply_there_is_nothing_to_do() {
    assert_snapshot!(World::with(THING).planned(THING), @"nothing");
}

#[test]
fn a_changed_field_updates() {
    assert_snapshot!(World::with(THING).planned(&THING.replace("red", "blue")), @"update thing.a");
}

#[test]
fn a_fixed_field_replaces() {
    assert_snapshot!(World::with(THING).planned(&THING.replace("size = 1", "size = 2")), @"replace thing.a [the size is fixed]");
}

#[test]
fn what_is_not_wanted_any_more_is_deleted() {
    assert_snapshot!(World::with(THING).planned("[group.main]"), @"delete thing.a");
}

#[test]
fn what_changed_behind_our_back_is_put_back_and_reported() {
    let mut world = World::with(THING);
    world.live("thing.a")["color"] = "green".into();
    assert_snapshot!(world.planned(THING), @r"
    update thing.a
    drift thing.a/color
    ");
}

#[test]
fn what_is_gone_is_made_again_and_reported() {
    let mut world = World::with(THING);
    world.vanish("thing.a");
    assert_snapshot!(world.planned(THING), @r"
    create thing.a [it is gone since the last apply]
    drift thing.a
    ");
}

#[test]
fn what_somebody_made_again_with_our_marks_is_taken_back() {
    let mut world = World::with(THING);
    let (locator, live) = world.places.values().last().cloned().expect("a place");
    world.put(locator, live.body);
    assert_snapshot!(world.planned(THING), @r"
    update thing.a [somebody made it again since the last apply]
    drift thing.a
    ");
}

#[test]
fn what_is_somebody_elses_is_adopted_only_when_asked() {
    let mut world = World::with(THING);
    let key = world.records.keys().last().cloned().expect("a record");
    world.records.remove(&key);
    world.live_of_place("things/a")["owner"] = "somebody".into();
    assert_snapshot!(world.planned(THING), @r"
    adopt thing.a [it is managed by somebody else]
    blocks thing.a: it exists and is not of this stack; managed by somebody else
    ");
    world.options.adopt = crate::Adoption::Only(["thing.a".to_owned()].into());
    assert_snapshot!(world.planned(THING), @"adopt thing.a [it is managed by somebody else]");
    world.apply(THING);
    assert!(world.records[&key].record.adopted);
    world.options.adopt = crate::Adoption::default();
    assert_snapshot!(world.planned(THING), @"nothing");
}

#[test]
fn what_is_ours_without_a_record_is_recorded_again() {
    let mut world = World::with(THING);
    world.records.clear();
    assert_snapshot!(world.planned(THING), @r"
    update group.main [it carries this stack's marks, and state does not know it]
    update thing.a after group.main [it carries this stack's marks, and state does not know it]
    ");
    world.apply(THING);
    assert_snapshot!(world.planned(THING), @"nothing");
}

#[test]
fn what_cannot_be_looked_at_blocks_and_nothing_is_done_about_it() {
    let mut world = World::with(THING);
    let key = world.key_of_place("things/a");
    world.denied.insert(key, Observation::Denied("no role".to_owned()));
    assert_snapshot!(world.planned(&THING.replace("red", "blue")), @"blocks thing.a: it could not be looked at: looking is not allowed: no role");
    assert_snapshot!(world.planned("[group.main]"), @"blocks thing.a: it could not be looked at: looking is not allowed: no role");
}

#[test]
fn what_is_only_read_must_be_there_and_is_never_written() {
    let text = "
[group.main]
existing = true
[thing.a]
group = ${group.main}
";
    assert_snapshot!(planned(text), @"`group.main` is said to exist, and it does not: /subscriptions/s/resourceGroups/main");
    let mut world = World::with(THING);
    world.destroy_only("thing.a");
    world.records.clear();
    assert_snapshot!(world.planned(text), @"create thing.a");
}

#[test]
fn a_moved_resource_keeps_what_it_is() {
    let mut world = World::with(THING);
    let text = format!(
        "{}\nmoved = thing.a to thing.b\n",
        THING.replace("thing.a", "thing.b").replace("color", "name = a\ncolor")
    );
    assert_snapshot!(world.planned(&text), @"refresh thing.b [its record moves from `thing.a`]");
    world.apply(&text);
    assert_snapshot!(world.planned(&text), @"nothing");
    assert!(world.records.contains_key(&"thing.b".parse().expect("an address")));
}

#[test]
fn the_same_place_under_another_address_is_no_delete_and_create() {
    let mut world = World::with(THING);
    let text = THING.replace("thing.a", "thing.b").replace("color", "name = a\ncolor");
    assert_snapshot!(world.planned(&text), @"refresh thing.b [its record moves from `thing.a`]");
}

#[test]
fn a_removed_resource_is_forgotten_and_left_alone() {
    let mut world = World::with(THING);
    assert_snapshot!(world.planned("removed = thing.a\n[group.main]"), @"forget thing.a [`[[removed]]` says to forget it]");
}

#[test]
fn another_name_replaces_and_may_create_first() {
    let mut world = World::with(THING);
    let text = THING.replace("color", "name = b\ncreate_before_destroy = true\ncolor");
    let planned = world.plan(&text);
    assert_snapshot!(super::world::lines(&planned.plan), @"replace thing.a [it moves from /subscriptions/s/resourceGroups/main/providers/Test/things/a]");
    let (_, _, change) = planned.plan.changes().next().expect("a change");
    assert!(change.replaced.as_ref().is_some_and(|replaced| replaced.create_first));
    assert_eq!(change.precondition, kfplan_plan::Precondition::Absent);
    world.apply(&text);
    assert_snapshot!(world.planned(&text), @"nothing");
}

/// The world after a replacement that creates first was cut off at one of its calls.
fn cut_off(address: &str, at: kfplan_plan::Action, text: &str) -> World {
    let mut world = World::with(THING);
    let address = address.parse().expect("an address");
    let planned = world.plan(text);
    let (old, live) = world.places[&world.key_of_place("things/a")].clone();
    let new = planned.plan.changes().next().expect("a change").2.locator.clone();
    let mut body = live.body;
    body["create_before_destroy"] = true.into();
    world.put(new.clone(), body);
    let recorded = world.records.get_mut(&address).expect("a record");
    let (place, intended) = if at == kfplan_plan::Action::Create { (old, new) } else { (new, old) };
    recorded.record.locator = place;
    recorded.record.state = kfplan_plan::RecordState::InDoubt(Box::new(kfplan_plan::Intent {
        action: at,
        locator: intended,
        plan: "p".to_owned(),
        step: 0,
        sent: None,
        at: 0,
    }));
    world
}

#[test]
fn a_replacement_that_was_cut_off_leaves_nothing_behind() {
    let text = THING.replace("color", "name = b\ncreate_before_destroy = true\ncolor");
    for at in [kfplan_plan::Action::Create, kfplan_plan::Action::Delete] {
        let mut world = cut_off("thing.a", at, &text);
        let mut unwanted = world.clone();
        let planned = world.planned(&text);
        assert!(planned.starts_with("replace thing.a"), "{planned}");
        world.apply(&text);
        assert_eq!(world.planned(&text), "nothing");
        assert_eq!(world.places.keys().filter(|key| key.contains("things/")).count(), 1);
        let both = "delete thing.a#replaced\ndelete thing.a after thing.a#replaced";
        assert_eq!(unwanted.planned("[group.main]"), both);
        unwanted.apply("[group.main]");
        assert_eq!(unwanted.planned("[group.main]"), "nothing");
        assert_eq!(unwanted.places.keys().filter(|key| key.contains("things/")).count(), 0);
    }
}

#[test]
fn a_replaced_trigger_replaces() {
    let text = format!("{THING}[thing.b]\ngroup = ${{group.main}}\nreplace_triggered_by = thing.a\n");
    let mut world = World::with(&text);
    assert_snapshot!(world.planned(&text.replace("size = 1", "size = 2")), @r"
    replace thing.a [the size is fixed]
    replace thing.b [`thing.a` is replaced]
    ");
}

#[test]
fn everything_that_is_wrong_is_reported_at_once() {
    let text = "
[thing.a]
wrong = 1
[nonsense.b]
[thing.c]
name = ${thing.d.address}
[thing.d]
";
    assert_snapshot!(World::new().errors(text), @r"
    `nonsense.b` has a type that this kfplan does not know
    `thing.a`: the field `wrong` is wrong
    ");
    assert_snapshot!(World::new().errors("[thing.c]\nname = ${thing.d.address}\n[thing.d]\n"), @"`/name` of `thing.c` decides what exists, and is known only after apply: `${thing.d.address}`");
}

#[test]
fn one_thing_stated_twice_is_an_error_that_names_both() {
    assert_snapshot!(planned("[group.a]\nname = x\n[group.b]\nname = X\n"), @"`group.a` and `group.b` are the same thing: /subscriptions/s/resourceGroups/X");
}

#[test]
fn one_thing_stated_twice_is_an_error_whichever_of_the_two_is_recorded() {
    let wrong = "`group.a` and `group.b` are the same thing: /subscriptions/s/resourceGroups/x";
    for recorded in ["[group.a]\nname = x\n", "[group.b]\nname = x\n"] {
        let mut world = World::with(recorded);
        let both = world.planned("[group.a]\nname = x\n[group.b]\nname = x\n");
        assert!(both == wrong || both == wrong.replace("`group.a` and `group.b`", "`group.b` and `group.a`"), "{both}");
    }
}

#[test]
fn a_late_value_is_filled_when_it_is_known() {
    let text = "
[thing.a]
[thing.b]
value = at ${thing.a.address}
[outputs]
where = ${thing.b.value}
";
    let mut world = World::new();
    let planned = world.plan(text);
    assert!(matches!(planned.plan.outputs["where"], Shown::Late(_)));
    world.apply(text);
    assert_eq!(world.live("thing.b")["value"], "at 10.0.0.1");
    assert_snapshot!(world.planned(text), @"nothing");
    assert_eq!(world.plan(text).plan.outputs["where"], Shown::Value("at 10.0.0.1".into()));
}

#[test]
fn a_replaced_resources_outputs_are_late_again() {
    let text = "
[thing.a]
size = 1
[thing.b]
value = ${thing.a.address}
";
    let mut world = World::with(text);
    assert_snapshot!(world.planned(&text.replace("size = 1", "size = 2")), @r"
    replace thing.a [the size is fixed]
    update thing.b after thing.a
    ");
}

#[test]
fn secrets_are_neither_in_the_plan_nor_in_records() {
    let text = "
[thing.a]
value = ${vars.secret}
[thing.b]
value = x-${thing.a.token}
[outputs]
token = ${thing.a.token}
password = ${vars.secret}
";
    let mut world = World::new();
    let planned = world.plan(text);
    world.apply(text);
    let again = world.plan(&text.replace("x-", "y-"));
    for plan in [planned, again] {
        let shown = format!("{}{:?}{:?}", serde_json::to_string(&plan.plan).expect("JSON"), plan, plan.templates);
        assert!(!shown.contains("hunter2") && !shown.contains("t1"), "{shown}");
        assert!(shown.contains("value"));
    }
    assert!(!format!("{:?}", world.records).contains("hunter2"));
    assert_eq!(world.live("thing.b")["value"], "x-t1");
}

#[test]
fn what_takes_the_place_of_something_unwanted_does_not_delete_it() {
    let mut world = World::with("[thing.a]\n[thing.b]\n");
    let text = "[thing.b]\nname = a\n";
    assert_snapshot!(world.planned(text), @r"
    replace thing.b [it moves from /subscriptions/s/resourceGroups/none/providers/Test/things/b]
    forget thing.a [`thing.b` takes its place]
    drift thing.b
    ");
    world.apply(text);
    assert_snapshot!(world.planned(text), @"nothing");
    assert_eq!(world.places.len(), 1);
}
